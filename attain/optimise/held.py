"""A mean at required probabilities: what such a search starts from, and among which allocations it chooses.

The climb itself asks for a little more probability than is required (`asked`), for what is chosen must hold it on paths
of its own with a stated confidence. Beside the climb's answer stand allocations between it and the safest that was
found, and between it and the best mean: finalists, tested from the safest on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from attain.optimise.aims import Aim
from attain.optimise.search import Paths, Work
from engine.draws import SEARCH, SELECTION
from solvers.budget import best_mean, starting_points
from solvers.objective import sigmoid
from solvers.paths import PathTable
from solvers.selection import Selected, select_held
from solvers.surrogate import Surrogate

Floats = NDArray[np.float64]
FINALISTS = 5  # about so many share the paths of the choice
MORE_WORK = 1.5  # times another search's: for a second climb, and since to hold a probability takes many paths
ONE_SIDED_95 = 1.6448536269514722
ASKED, SAFER = 0.6, 2.4  # times what the choice's error costs: what a climb asks for besides, and a safer one
BETWEEN = (1 / 3, 2 / 3)  # of the way from one's answer to the other's
BOLDER = 0.3  # of the way to the best mean


def asked(aim: Aim, selection: int, times: float = ASKED) -> Aim:
    """The aim of a search whose finalists share so many paths: what is required, and what the choice's error costs."""
    if aim.mean is None:
        return aim
    required = np.array(aim.mean.required)
    more = times * ONE_SIDED_95 * np.sqrt(required * (1.0 - required) * FINALISTS / max(1, selection))
    return aim.asking(np.minimum(more, 0.75 * (1.0 - required)))


def work_of(aim: Aim, work: Work) -> Work:
    """The work of a search, more where probabilities are to be held."""
    if aim.mean is None:
        return work
    return replace(work, paths=int(MORE_WORK * work.paths), selection=int(MORE_WORK * work.selection))


def programmes(aim: Aim, case: Surrogate) -> dict[str, Floats]:
    """The best mean, and what the programmes make of the goals alone."""
    goals = len(aim.columns)
    table = PathTable(case.table.margins[:, :goals], case.table.yields[:, :goals])
    weights = np.zeros(goals + 1)
    weights[goals] = 1.0
    found = {name: one.x for name, one in starting_points(replace(case, table=table)).items() if name != "mean"}
    top = best_mean(case, weights=weights)
    return found if top is None else found | {"mean": top.x}


def worth_of(aim: Aim, case: Surrogate, width: float) -> Callable[[Floats], float]:
    """The objective by a surrogate: probabilities as counted where it was made, moved by the smooth stand-in."""
    objective = aim.objective
    base, _ = objective.event_margins(case.table.margins)
    widths = width * np.maximum(1e-12, np.hypot(np.std(base, axis=0), np.minimum(0.0, np.mean(base, axis=0))))
    at = np.mean(sigmoid(base, widths), axis=0)
    counted = np.mean(base >= 0.0, axis=0)

    def worth(x: Floats) -> float:
        margins = case.margins(x)
        smooth = np.mean(sigmoid(objective.event_margins(margins)[0], widths), axis=0)
        return objective.worth(np.append(counted + smooth - at, np.mean(margins[:, -1])))

    return worth


def _seen(paths: Paths, points: Sequence[Floats], first: int, n: int, phase: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Of several allocations on the same paths: what each expects [n, points], and what it attains [n, points, goals].

    What is expected is in the mean's size.
    """
    margins = [paths.margins(x, first, n, phase) for x in points]
    met = [paths.aim.objective.attained(own) for own in margins]
    return np.stack([own[:, -1] for own in margins], axis=1), np.stack(met, axis=1)


def out_of_reach(aim: Aim, margins: Floats) -> bool:
    """Whether some goal is attained on these paths [n, columns] less often than is required, beyond the error."""
    assert aim.mean is not None, "called where a mean is maximised"
    shares = aim.objective.attained(margins).mean(axis=0)
    required = np.array(aim.mean.required)
    return bool(np.any(shares < required - 2.0 * np.sqrt(required * (1.0 - required) / len(margins)) - 1e-12))


def between(
    answer: Floats, safer: Floats | None, boldest: Floats | None, moved: Callable[[Floats], Floats]
) -> dict[str, Floats]:
    """Finalists around a climb's answer: towards the answer of a safer climb, and towards the best mean."""
    found = {}
    if safer is not None:
        found = {f"{share:.0%} safer": moved(answer + share * (safer - answer)) for share in BETWEEN}
        found["safer"] = safer
    if boldest is not None:
        found["bolder"] = moved(answer + BOLDER * (boldest - answer))
    return found


def chosen_held(
    paths: Paths, xs: Sequence[Floats], *, look: tuple[int, int], choice: tuple[int, int]
) -> tuple[list[int], Selected, Floats]:
    """Which of the finalists were tested (positions, from the safest on), the choice, and what each expects.

    `look`: first path and how many, of the search, by which they are put in order; `choice`: the
    same of the paths that decide.
    """
    aim = paths.aim
    assert aim.mean is not None, "called where a mean is maximised"
    required = np.array(aim.mean.required)
    sums, met = _seen(paths, xs, *look, SEARCH)
    order = frontier_order(sums.mean(axis=0), np.min(met.mean(axis=0) - required, axis=1))
    sums, met = _seen(paths, [xs[i] for i in order], *choice, SELECTION)
    selected = select_held(sums, met, required)
    return order, selected, sums.mean(axis=0) * aim.mean.size


def frontier_order(means: Floats, safety: Floats) -> list[int]:
    """Positions from the safest on, those left out that expect no more than a safer one."""
    order: list[int] = []
    for i in np.lexsort((-means, -safety)).tolist():
        if not order or means[i] > means[order[-1]]:
            order.append(i)
    return order
