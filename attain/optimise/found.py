"""One decision's search: starts, the climb from the best of them, simulating again around the answer, and the choice.

1. Paths at the reference make the starts: the plan as it is, last year's proportions, an equal split, the best mean
   and the smallest bPOE (programmes over the surrogate).
2. `solvers.ascent.climb` goes from the best start, on paths of phase 1 that no step has seen before.
3. Programmes are made again from paths at the answer, and climbed from again where one of theirs is better, until
   nothing improves or the work is done. With few levers the last climb's slopes are measured by simulating each lever a
   little higher, for what a path's own deals brought overstates how much risk a larger amount adds where deals are few.
4. The starts, the plan as it is and every climb's answer, on the grid, are simulated on paths of phase 2; the best
   there is the answer, ties to the plan. What is reported comes from phase 0, which is read nowhere here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from attain.optimise.aims import Aim
from attain.optimise.decisions import WITHIN, Decision
from attain.optimise.held import FINALISTS, SAFER, asked, between, chosen_held, out_of_reach, programmes, worth_of
from attain.optimise.search import Paths, Work
from solvers.arrays import BLOCK
from solvers.ascent import SEARCH, Ascent, Climbed, ClimbLimits, climb
from solvers.budget import starting_points
from solvers.levers import Levers, project, proportional
from solvers.objective import Look, look, sigmoid
from solvers.paths import PathTable, without_slopes
from solvers.polyhedron import of_levers
from solvers.selection import FIRST_STAGE, SELECTION, Selected, compare, compare_means, select
from solvers.surrogate import Surrogate, surrogate
from solvers.switches import Pattern, ranked

Floats = NDArray[np.float64]
ROUNDS = 3  # of climbing and making programmes again
POOR, FEW_STARTS = 64, 3  # blocks below which one climb, from so many starts, is all there is
FEW_LEVERS = 12  # whose slopes are measured one by one
WIDTHS = (1.0, 0.35, 0.12)  # of the sigmoid, of the margin's spread
FAR, SHORT = 0.5, 0.15  # the trust region at first: where there is work to shrink it, and where there is not
STEPS_AT_A_WIDTH = 16  # about so many a width takes, of two batches each
MOST_BATCH = 8  # blocks
MEASURED_LOOKS = 5  # below so many the measured climb is not worth its work
MEASURED = 0.08  # of a lever's natural size: the step over which a slope is measured
NEXT, ENOUGH = 0.25, 64  # what marginal points are measured over, and the blocks of work from which they are
MOST_RACED, CLIMBED_IN = 12, 3  # patterns of what is spent on that are simulated, and climbed in, at first
OWN_LOOKS, OWN_STEPS = 200, 20  # of the surrogate's own climb
LATER = 0.35  # of the paths of climbs, for one that asks for more probability than is required
COUNTED = 16  # blocks at most, on which the answer's in-sample value is counted


@dataclass(frozen=True)
class Finalist:
    """An allocation among which the choice was made, and its value on phase 2."""

    name: str
    x: Floats
    value: float
    mean: float | None = None  # of what is expected, where a mean is maximised


@dataclass(frozen=True)
class Found:
    """What one decision's search came to. `marginal` [levers] is the aim's slope at x, per unit of a lever."""

    decision: Decision
    reference: Floats
    before: Floats  # the plan's own amounts, inside the limits or not
    stands: bool  # whether the limits let those stand
    x: Floats
    origin: str
    in_sample: float
    in_sample_paths: int
    starts: Mapping[str, float]  # each start's value on the first paths of the climb
    start_paths: int
    steps: tuple[Climbed, ...]
    finalists: tuple[Finalist, ...]
    selected: Selected
    termination: str
    simulated: Mapping[int, int]  # by phase
    seconds: Mapping[str, float]  # search, selection
    marginal: Floats | None


def with_effort_of(found: Found, earlier: Found) -> Found:
    """The same with the work of an earlier search counted in."""
    phases = sorted({*found.simulated, *earlier.simulated})
    return replace(
        found,
        simulated={phase: found.simulated.get(phase, 0) + earlier.simulated.get(phase, 0) for phase in phases},
        seconds={name: seconds + earlier.seconds[name] for name, seconds in found.seconds.items()},
    )


@dataclass
class SearchState:
    """The state of one decision's search."""

    paths: Paths
    work: Work
    levers: Levers  # the decision's, or those of one pattern of what is spent on
    kept: int = 0  # (path, allocation) pairs left for later climbs
    next_path: int = 0
    found: dict[str, Floats] = field(default_factory=dict)
    starts: dict[str, float] = field(default_factory=dict)
    start_paths: int = 0
    steps: list[Climbed] = field(default_factory=list)
    ended: str = "converged"

    def __post_init__(self) -> None:
        self.next_path = self.sample  # the first ones made the starts

    @property
    def block(self) -> int:
        """Paths that are looked at together."""
        return self.work.block

    @property
    def sample(self) -> int:
        """Paths that programmes are made from."""
        return min(BLOCK, 2 * self.block)

    @property
    def left(self) -> int:
        """What the climbs may still simulate."""
        return self.work.paths - self.work.selection - self.kept - sum(self.paths.simulated.values())

    def stopped(self) -> bool:
        return self.paths.stop()


def search(paths: Paths, work: Work, more: Mapping[str, Floats] | None = None) -> Found:
    """Search one decision within the work limit. `more`: further starts, moved into the limits where they are not."""
    started = time.perf_counter()
    decision = paths.decision
    levers, state = decision.levers, SearchState(paths, work, decision.levers)
    reference, own = decision.moved(proportional(levers)), _own(paths)
    stands = decision.violation(own) <= WITHIN
    fixed = {"reference": reference, "equal": equal_split(levers)} | dict(more or {})
    fixed = ({"plan": own} if stands else {}) | {name: decision.moved(x) for name, x in fixed.items()}
    starts, answer = {"reference": reference}, {}
    if levers.movable:
        state.kept = int(LATER * state.left) if paths.aim.mean is not None else 0
        case = _surrogate(state, reference, 0)
        starts = different(fixed | _programmes(state, case))
        answer = _climbed(state, starts, case) if decision.choices is None else _switched(state, starts, case)
        if paths.aim.mean is not None:
            state.kept = 0
            starts, answer = {}, _around(state, starts, answer)
    in_limits = time.perf_counter() - started
    finalists, selected = chosen(state, _on_grid(decision, starts | answer))
    best = finalists[selected.best]
    in_selection = time.perf_counter() - started - in_limits
    marginal = None if state.stopped() else marginal_of(state, best.x)
    return came_to(state, (reference, own, stands), (finalists, selected), started, in_selection, marginal)


def came_to(
    state: SearchState,
    written: tuple[Floats, Floats, bool],
    choice: tuple[tuple[Finalist, ...], Selected],
    started: float,
    in_selection: float,
    marginal: Floats | None,
) -> Found:
    """What a search came to. `written`: the reference, the plan's own amounts, whether the limits let those stand."""
    finalists, selected = choice
    best = finalists[selected.best]
    value, n = in_sample(state, best.x)
    return Found(
        state.paths.decision,
        *written,
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
        dict(state.paths.simulated),
        {"search": time.perf_counter() - started - in_selection, "selection": in_selection},
        marginal,
    )


def _around(state: SearchState, starts: Mapping[str, Floats], answers: Mapping[str, Floats]) -> dict[str, Floats]:
    """Finalists where a mean is maximised: answers, what a safer climb finds, and what lies between.

    The safer climb asks for more probability; where even what is required is out of reach, for all that can be had.
    """
    aim, points = state.paths.aim, {**starts, **answers}
    best = next(iter(_best_first(state, answers or starts).values()))
    n = min(4 * state.block, max(state.block, state.left // 4))
    short = out_of_reach(aim, state.paths.margins(best, state.next_path, n, SEARCH))
    state.next_path += n
    state.paths.aim = aim.likeliest() if short else asked(aim, state.work.selection, SAFER)
    measured = len(best) <= FEW_LEVERS and state.left >= 2 * MEASURED_LOOKS * state.block * (len(best) + 1)
    safer = ascend(state, {"answer": best}, share=1.0, widths=WIDTHS[1:], radius=SHORT, measured=measured)
    state.paths.aim = aim
    around = between(best, None if safer is None else safer.x, points.get("mean"), state.paths.decision.moved)
    return {"answer": best} | around | ({"plan": points["plan"]} if "plan" in points else {})


def equal_split(levers: Levers) -> Floats:
    """Each group's total split evenly, as far as limits allow."""
    counts = np.maximum(1, np.bincount(levers.group, minlength=len(levers.totals)))
    return project(levers, (levers.totals / counts)[levers.group])


def _own(paths: Paths) -> Floats:
    """The plan's own allocation."""
    own = paths.decision.own
    return paths.decision.levers.reference if own is None else own


def different(points: Mapping[str, Floats]) -> dict[str, Floats]:
    """The points that differ from the earlier ones."""
    found: dict[str, Floats] = {}
    for name, x in points.items():
        if not any(np.array_equal(x, other) for other in found.values()):
            found[name] = x
    return found


def _on_grid(decision: Decision, points: Mapping[str, Floats]) -> dict[str, Floats]:
    """Different points within all limits, on the grid, but for the plan's own, which stays as it is."""
    inside = {name: x if name == "plan" else decision.rounded(decision.moved(x)) for name, x in points.items()}
    return different({name: x for name, x in inside.items() if decision.violation(x) <= WITHIN} or inside)


def _surrogate(state: SearchState, at: Floats, first: int) -> Surrogate:
    """What a block of paths at an allocation says of those around it."""
    decision = state.paths.decision
    return surrogate(decision.levers, decision.response, at, state.paths.table(at, first, state.sample, SEARCH))


def _programmes(state: SearchState, case: Surrogate) -> dict[str, Floats]:
    """By the surrogate, with no simulating: the best mean, the smallest bPOE (or shortfall), and its own climb."""
    if state.paths.aim.mean is None:
        found = {name: proposal.x for name, proposal in starting_points(case).items() if name != "reference"}
    else:
        found = programmes(state.paths.aim, case)
    return found | {"surrogate": _best_by(state, case, found | {"here": project(case.levers, case.at)})}


def _best_by(state: SearchState, case: Surrogate, starts: Mapping[str, Floats]) -> Floats:
    """The climb of the surrogate's own odds, on the paths that it was made from."""
    size = case.table.paths

    def paths(x: Floats, first: int, n: int, _: int, /) -> PathTable:
        if n < size:  # what the first width is taken from
            return paths(x, 0, size, 0).only(slice(first % size, first % size + n))
        return PathTable(case.margins(x), case.table.yields * state.paths.slopes(x))

    limits = ClimbLimits(paths=size * OWN_LOOKS, batch=size, in_sample=size, steps=OWN_STEPS)
    decision = state.paths.decision
    balanced = decision.balance is not None
    inside = {name: decision.moved(x) for name, x in starts.items()} if balanced else starts
    found = climb(
        of_levers(case.levers),
        paths,
        state.paths.aim.objective,
        inside,
        limits=limits,
        around=decision.around(case.levers),
        moved=decision.moved if balanced else None,
    )
    return decision.moved(found.x) if balanced else project(case.levers, found.x)


# --- the climbs -------------------------------------------------------------------------------------------------------


def _climbed(state: SearchState, starts: Mapping[str, Floats], case: Surrogate) -> dict[str, Floats]:
    """Answers of climbs: from the starts, from programmes made around the answer, then by measured slopes.

    Where the work is little, it goes into one climb, from the starts that the surrogate thinks best.
    """
    answers: dict[str, Floats] = {}
    poor = state.left < POOR * state.block
    if poor:
        worth = case.probability if state.paths.aim.mean is None else worth_of(state.paths.aim, case, WIDTHS[1])
        ranked = sorted(starts, key=lambda name: -worth(starts[name]))[:FEW_STARTS]
        starts = {name: x for name, x in starts.items() if name in ranked}
    few = measurable(state)  # most of the work is then left for slopes that are measured
    share = 1.0 if poor else 0.25 if few else 0.6
    found = ascend(state, starts, share=share, radius=SHORT if poor else FAR)
    if found is None:
        return answers
    state.starts = dict(found.starts) if state.paths.aim.mean is None else {}
    answers["climb"] = found.x
    for turn in range(2, ROUNDS + 1):
        if state.stopped() or state.left < 8 * state.block:
            break
        again = _programmes(state, _surrogate(state, found.x, state.next_path))
        state.next_path += state.sample
        around = {"answer": found.x} | {f"{name}_again": x for name, x in again.items()}
        found = ascend(state, different(around), share=0.15 if few else 0.5, widths=WIDTHS[1:])
        if found is None or found.origin == "answer":
            answers |= {} if found is None else {f"climb_{turn}": found.x}
            break
        answers[f"climb_{turn}"] = found.x
    last = list(answers.values())[-1]
    measured = ascend(state, {"answer": last}, share=1.0, widths=WIDTHS[1:], radius=SHORT, measured=True)
    return answers if measured is None else answers | {"measured": measured.x}


def measurable(state: SearchState) -> bool:
    """Whether levers are few enough, and the work is enough, for slopes that are measured."""
    v = len(state.levers.reference)
    return v <= FEW_LEVERS and state.left >= 2 * MEASURED_LOOKS * state.block * (v + 1)


def ascend(
    state: SearchState,
    starts: Mapping[str, Floats],
    *,
    share: float,
    widths: tuple[float, ...] = WIDTHS,
    radius: float = FAR,
    measured: bool = False,
) -> Ascent | None:
    """A climb on a share of the paths left, in batches that make enough steps of them; None where too few are left."""
    v, decision = len(state.levers.reference), state.paths.decision
    if decision.balance is not None:
        starts = {name: decision.moved(x) for name, x in starts.items()}
    cost = v + 1 if measured else 1  # simulations of a look at one allocation
    blocks = int(share * state.left) // (state.block * cost) - 1  # one tells the width
    least = 2 * len(starts) + 4
    if state.stopped() or blocks < least or (measured and v > FEW_LEVERS):
        return None
    few = blocks < least + 4 * STEPS_AT_A_WIDTH
    used = widths[1:2] if few and len(widths) > 1 else widths
    batch = int(np.clip(blocks // (len(starts) + 2 * STEPS_AT_A_WIDTH * len(used)), 1, MOST_BATCH))
    batch = min(batch, max(1, blocks // (2 * len(starts))))
    batch = batch if state.block == BLOCK else 1 << (batch.bit_length() - 1)  # a whole part of a block, or blocks
    limits = ClimbLimits(
        paths=blocks * state.block * cost,
        batch=batch * state.block,
        widths=used,
        radius=radius,
        smallest_radius=0.02 if few else 0.005,
        in_sample=state.block,
    )
    found = climb(
        of_levers(state.levers),
        without_slopes(state.paths.margins) if measured else state.paths,
        state.paths.aim.objective,
        starts,
        limits=limits,
        first=state.next_path,
        how=state.paths.how,
        steps=MEASURED * state.levers.scale() if measured else None,
        stopped=state.stopped,
        around=decision.around(state.levers),
        moved=None if decision.balance is None else decision.moved,
    )
    state.next_path = found.next_path
    state.steps += found.trace
    state.start_paths = state.start_paths or limits.batch
    state.ended = found.termination
    return replace(found, x=project(state.levers, found.x) if decision.balance is None else decision.moved(found.x))


# --- what is spent on at all ------------------------------------------------------------------------------------------


def _switched(state: SearchState, starts: Mapping[str, Floats], case: Surrogate) -> dict[str, Floats]:
    """Answers of climbs inside patterns of what is spent on: those that the surrogate ranks first are simulated, and
    climbed in from the best; then again around the best answer, while a pattern not yet climbed in does better there.
    """
    decision = state.paths.decision
    assert decision.choices is not None, "called only where there are"
    answers: dict[str, Floats] = {}
    tried: set[bytes] = set()
    for turn in range(1, ROUNDS + 1):
        best = list(answers.values())[:1]
        found = ranked(decision.levers, decision.choices, {**starts, **answers}, _smooth(state.paths.aim, case))
        fresh = [one for one in found if one.on.tobytes() not in tried]
        n = state.block if state.left >= POOR * state.block else max(1, state.block // 4)
        runners = [*best, *(one.x for one in fresh[: max(1, min(MOST_RACED, state.left // (4 * n)))])]
        if state.stopped() or len(runners) == len(best) or state.left < 4 * state.block:
            break
        values = race(state, runners, n).values
        order = np.argsort(-values[len(best) :], kind="stable").tolist()
        ahead = [fresh[i] for i in order if not best or values[len(best) + i] > values[0]]
        most = (1 if state.left < POOR * state.block else CLIMBED_IN) if turn == 1 else 1
        made: dict[str, Floats] = {}
        for i, pattern in enumerate(ahead[:most]):
            tried.add(pattern.on.tobytes())
            own = _in_pattern(state, pattern, case, rest=(min(most, len(ahead)) - i - 1) + (turn < ROUNDS))
            made |= {f"{name}{'' if turn == 1 and i == 0 else f'_{turn}{chr(97 + i)}'}": x for name, x in own.items()}
        if not made:
            break
        answers = _best_first(state, made | answers)
        case = _surrogate(state, next(iter(answers.values())), state.next_path)
        state.next_path += state.sample
    return answers


def _in_pattern(state: SearchState, pattern: Pattern, case: Surrogate, rest: int) -> dict[str, Floats]:
    """Climbs among what one pattern allows, on their share of the work; `rest`: how many more are to come."""
    inside = replace(case, levers=pattern.levers, lower=pattern.levers.lower, upper=pattern.levers.upper)
    starts = different({"pattern": pattern.x} | _programmes(state, inside))
    state.levers, state.kept = pattern.levers, state.left * rest // (rest + 1)
    answers = _climbed(state, starts, inside) if pattern.levers.movable else {}
    state.levers, state.kept = state.paths.decision.levers, 0
    return {"pattern": pattern.x} | answers


def _smooth(aim: Aim, case: Surrogate) -> Callable[[Floats], float]:
    """The surrogate's odds of attaining all goals, smoothed: patterns that never attain are told apart, too."""
    if aim.mean is not None:
        return worth_of(aim, case, WIDTHS[1])
    spread = float(np.std(case.table.margins.min(axis=1))) or 1.0
    mean = max(0.0, -float(np.mean(case.table.margins.min(axis=1))))
    width = WIDTHS[1] * float(np.hypot(spread, mean))
    return lambda x: float(np.mean(sigmoid(case.margins(x).min(axis=1), width)))


def race(state: SearchState, points: Sequence[Floats], n: int) -> Look:
    """Several allocations, and the smoothed objective of each, on the same fresh paths."""
    paths, objective = without_slopes(state.paths.margins), state.paths.aim.objective
    ones = np.ones(len(objective.events))
    first = state.next_path
    state.next_path += state.block
    pilot = look(paths, points[:1], objective, ones, first, n, SEARCH, state.paths.how)
    widths = WIDTHS[1] * np.maximum(1e-12, np.hypot(pilot.spreads[0], np.minimum(0.0, pilot.means[0])))
    return look(paths, points, objective, widths, first, n, SEARCH, state.paths.how)


def _best_first(state: SearchState, answers: Mapping[str, Floats]) -> dict[str, Floats]:
    """Answers from the best down, on one block of fresh paths."""
    names = list(answers)
    order = np.argsort(-race(state, [answers[name] for name in names], state.block).values, kind="stable").tolist()
    return {names[i]: answers[names[i]] for i in order}


# --- the choice, and what is said of it -------------------------------------------------------------------------------


def chosen(state: SearchState, points: Mapping[str, Floats]) -> tuple[tuple[Finalist, ...], Selected]:
    """The best of the finalists on fresh paths of phase 2: on as many as make the choice sure, where work allows."""
    names, xs = list(points), list(points.values())
    each = state.block * max(1, state.work.selection // (state.block * len(xs)))
    if state.stopped():
        each = state.block

    if state.paths.aim.mean is not None:
        each = state.block * max(1, state.work.selection // (state.block * FINALISTS)) if each > state.block else each
        order, held, means = chosen_held(
            state.paths, xs, look=(state.next_path, state.sample), choice=(state.work.first, each)
        )
        state.next_path += state.sample
        tested = zip(order, held.probabilities, means.tolist(), strict=True)
        return tuple(Finalist(names[i], xs[i], value, mean) for i, value, mean in tested), held

    def values(first: int, n: int) -> Floats:
        first += state.work.first
        return np.stack([state.paths.values(x, first, n, SELECTION) for x in xs], axis=1).astype(np.float64)

    if not state.paths.aim.binary:
        selected = compare_means(values(0, each))
    elif each < FIRST_STAGE or state.stopped():
        selected = compare(values(0, each) > 0.0)
    else:
        selected = select(lambda first, n, _: values(first, n) > 0.0, len(xs), most=each)
    found = tuple(Finalist(name, x, value) for name, x, value in zip(names, xs, selected.probabilities, strict=True))
    return found, selected


def in_sample(state: SearchState, x: Floats) -> tuple[float, int]:
    """The answer's value on the latest paths that the search went by."""
    blocks = 1 if state.stopped() else int(np.clip(state.work.selection // (4 * state.block), 1, COUNTED))
    n = min(blocks * state.block, state.next_path)
    first = state.next_path - n
    return float(np.mean(state.paths.values(x, first, n, SEARCH))), n


def marginal_of(state: SearchState, x: Floats) -> Floats:
    """The aim's slope at the answer, smoothed over a narrow width: measured where levers are few and work is not."""
    measured = len(x) <= FEW_LEVERS and state.work.paths >= ENOUGH * state.block
    n = min(4 * state.block if state.work.paths >= POOR * state.block else state.block, state.next_path)
    first, objective = state.next_path - n, state.paths.aim.objective
    margins, _ = objective.event_margins(state.paths.margins(x, first, n, SEARCH))
    widths = np.maximum(1e-9, WIDTHS[1] * np.std(margins, axis=0))
    paths = without_slopes(state.paths.margins) if measured else state.paths
    steps = NEXT * state.levers.scale() if measured else None
    seen = look(paths, [x], objective, widths, first, n, SEARCH, state.paths.how, steps)
    if state.paths.aim.mean is not None:  # what is expected of one unit more
        return np.asarray(seen.part_slopes[0, -1] * state.paths.aim.mean.size, dtype=np.float64)
    return np.asarray(seen.slopes[0], dtype=np.float64)
