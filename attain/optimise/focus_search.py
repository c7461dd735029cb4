"""Where reps' hours do most, by simulating: what a share brings cannot be read off paths, for hours are lent.

1. Starts: the deals' own proportions, an even split, and each kind of deal before all others.
2. One variable for each kind of deal, common to all reps, climbed by slopes that are measured.
3. Then every rep's shares, each slope measured, where they are few. Where they are many, rounds of climbing among the
   answer and points around it in random directions (stochastic subspace descent: Kozak, Becker, Doostan, Tenorio 2021):
   each round moves all reps at once along a few directions, and what it finds is what many reps have in common.
4. The plan, the starts and the answers on the grid are judged on paths of phase 2, as any finalists.

The plan's own point is judged and never climbed from: without a focus deals are served in another order, and no small
change of a share leads there.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from attain.optimise.decisions import WITHIN
from attain.optimise.focus import FORAGE, Focus, Place, between, by_kind
from attain.optimise.found import (
    FAR,
    FEW_LEVERS,
    SHORT,
    WIDTHS,
    Found,
    SearchState,
    ascend,
    chosen,
    different,
    equal_split,
    in_sample,
    marginal_of,
)
from attain.optimise.search import Paths, Work
from solvers.levers import round_to_step

Floats = NDArray[np.float64]
FIRST = 0.9  # a kind's variable where it goes before all others
MOST_FIRST = 8  # kinds of which each is tried so
KINDS_SHARE = 0.5  # of the work, where more is to follow
ROUNDS, DIRECTIONS = 4, 3  # of random directions: rounds, and directions of one, each there and back
REACH = 0.25  # of a rep's hours, that a direction moves at most
SEED = 2021  # of the directions: they are a part of the method, and the same in every search


def share_hours(paths: Paths, work: Work) -> Found:
    """Search the shares of a `Focus` decision within the work limit."""
    started = time.perf_counter()
    decision = paths.decision
    assert isinstance(decision, Focus), "called for shares of hours only"
    state, own = SearchState(paths, work, decision.levers), decision.levers.reference
    stands = decision.violation(own) <= WITHIN
    points = {"plan": own} if stands else {}
    starts = different({name: _on_grid(decision, x) for name, x in _starts(decision).items()})
    answers = _answers(state, decision, starts)
    points |= starts | {name: _on_grid(decision, x) for name, x in answers.items()}
    searched = time.perf_counter() - started
    finalists, selected = chosen(state, _judged(different(points), list(answers)))
    best = finalists[selected.best]
    in_selection = time.perf_counter() - started - searched
    value, n = in_sample(state, best.x)
    few = len(own) <= FEW_LEVERS and best.name != "plan"
    return Found(
        decision,
        own,
        own,
        stands,
        best.x,
        best.name,
        value,
        n,
        state.starts,
        state.start_paths,
        tuple(state.steps),
        finalists,
        selected,
        "stopped" if state.stopped() else state.ended,
        dict(paths.simulated),
        {"search": time.perf_counter() - started - in_selection, "selection": in_selection},
        marginal_of(state, best.x) if few and not state.stopped() else None,
    )


def _on_grid(decision: Focus, x: Floats) -> Floats:
    return round_to_step(decision.levers, decision.moved(x)) + 0.0


def _starts(decision: Focus) -> dict[str, Floats]:
    """The deals' own proportions, an even split, and each kind before all others."""
    kinds, (_, place) = decision.kinds, by_kind(decision)
    found = {"in proportion": decision.levers.reference, "equal": equal_split(decision.levers)}
    deals = [kind for kind in kinds if kind != FORAGE]
    for kind in deals[:MOST_FIRST] if 1 < len(deals) <= MOST_FIRST else []:
        found[f"{' / '.join(word for word in kind if word)} first"] = place(_first(decision, kind))
    return found


def _first(decision: Focus, kind: tuple[str, str]) -> Floats:
    """The kinds' variables where one goes before all others; prospecting stays about what it is."""
    kinds = decision.kinds
    others = max(1, len(kinds) - 1 - (FORAGE in kinds))
    y = np.array([FIRST if one == kind else (1.0 - FIRST) / others for one in kinds])
    if FORAGE in kinds:
        y[kinds.index(FORAGE)] = 0.5
    return np.asarray(y / y.sum(), dtype=np.float64)


def _judged(points: dict[str, Floats], answers: list[str]) -> dict[str, Floats]:
    """What the choice is among: the plan, the proportions, the answers, and a few starts."""
    starts = [name for name in points if name not in answers]
    return {name: x for name, x in points.items() if name in answers or name in starts[:6]}


# --- the climbs -------------------------------------------------------------------------------------------------------


def _answers(state: SearchState, decision: Focus, starts: dict[str, Floats]) -> dict[str, Floats]:
    """What the climbs come to, the last one last."""
    found: dict[str, Floats] = {}
    many = len(decision.cells) > FEW_LEVERS
    if len(decision.reps) > 1 and 1 < len(decision.kinds) <= FEW_LEVERS:
        kinds, place = by_kind(decision)
        level = {"in proportion": kinds.levers.reference}
        level |= {
            name: _first(decision, kind)
            for kind in decision.kinds
            if (name := f"{' / '.join(word for word in kind if word)} first") in starts
        }
        x = _climbed(state, kinds, place, level, KINDS_SHARE, FAR)
        found |= {} if x is None else {"all alike": x}
    if not many:
        x = _climbed(state, decision, np.asarray, starts | found, 1.0, FAR if not found else SHORT)
        return found if x is None else found | {"measured": x}
    rng = np.random.Generator(np.random.Philox(SEED))
    for turn in range(ROUNDS):
        here = list(found.values())[-1] if found else decision.levers.reference
        mixed, place = between(decision, _around(decision, here, rng))
        share = 1.0 / (ROUNDS - turn)
        x = _climbed(state, mixed, place, {"answer": mixed.levers.reference}, share, FAR)
        if x is None:
            break
        found[f"random directions {turn + 1}"] = decision.moved(x)
    return found


def _around(decision: Focus, here: Floats, rng: np.random.Generator) -> Floats:
    """[points, variables]: where hours are, and points that lie from there in random directions, there and back."""
    points, group = [here], decision.levers.group
    counts = np.bincount(group)
    for _ in range(DIRECTIONS):
        step = rng.normal(size=len(here))
        step -= (np.bincount(group, weights=step) / counts)[group]
        step *= REACH / np.maximum(1e-12, np.max(np.abs(step)))
        points += [decision.moved(here + step), decision.moved(here - step)]
    return np.array(points)


def _climbed(
    state: SearchState, decision: Focus, place: Place, starts: dict[str, Floats], share: float, radius: float
) -> Floats | None:
    """A climb over the variables of `decision`, by slopes that are measured, on a share of the work that is left."""
    paths = replace(state.paths, decision=decision)  # counts with the others
    inner = SearchState(paths, state.work, decision.levers)
    inner.next_path = state.next_path
    found = ascend(inner, starts, share=share, widths=WIDTHS[1:], radius=radius, measured=True)
    state.next_path, state.steps = inner.next_path, state.steps + inner.steps
    if found is None:
        return None
    state.ended, state.start_paths = found.termination, state.start_paths or inner.start_paths
    if not state.starts:
        state.starts = dict(found.starts)
    return place(found.x)
