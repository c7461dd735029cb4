"""Simulate again around the answer: a trust-region search on sample paths, and the choice among its finalists.

Starts (from `solvers.budget` or elsewhere) are simulated on the first paths of phase 1; the best becomes the
incumbent. Around it, sequential linear programmes on a smoothed probability (a sigmoid of the worst margin, its
bandwidth annealed) and a buffered-probability LP propose allocations inside a trust region. A proposal is simulated
on the same paths and accepted only where more of them attain every goal; the region grows on success and shrinks
when every kind of proposal has failed. The search runs on few paths first, then on more. At the end the finalists
are rounded, simulated on the paths of phase 2, which the search has never seen, and the best there is chosen. Phase
0 is left to the caller's report.

Everything is deterministic: the work limit is a number of simulated paths, never a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from solvers.arrays import FloatArray, path_mean
from solvers.budget import best_buffered
from solvers.levers import Levers, project, round_to_step
from solvers.objective import all_of, attained, score, sigmoid
from solvers.paths import Paths, PathTable
from solvers.responses import Response, concave_segments
from solvers.surrogate import Surrogate, surrogate

MOST_PROBED = 24  # variables whose slopes are measured one by one
COARSEST = 0.1  # radius at which a search on the smaller samples gives way to the next
PROBE_BANDWIDTH = 0.08  # of the worst margin's spread
SEARCH, SELECTION = 1, 2  # phases of the contract on randomness
PROPOSAL_NONZEROS = 50_000  # of a proposal's programme: a fraction of a second
Ended = Literal["no_better_nearby", "work_limit", "nothing_to_move", "stopped"]


@dataclass(frozen=True)
class SearchLimits:
    """How much a search may do, in simulated paths over all phases, and how fine it gets."""

    paths: int = 60_000
    samples: tuple[int, ...] = (512, 2048)  # paths of phase 1, from the first on, in each round of the search
    selection: int = 4096  # paths of phase 2 for each finalist
    finalists: int = 4
    radius: float = 0.5  # of the trust region at first, of a variable's natural size
    smallest_radius: float = 0.02
    pieces: int = 6  # of a response curve inside a trust region


@dataclass(frozen=True)
class Step:
    """One allocation that was simulated: by which method, on how many paths of which phase, and what came of it."""

    method: str
    phase: int
    paths: int
    attained: int
    shortfall: float
    radius: float
    accepted: bool

    @property
    def probability(self) -> float:
        """The share of its paths that attain every goal."""
        return self.attained / self.paths


@dataclass(frozen=True)
class Refined:
    """The allocation chosen, inside the limits and on the grid, and how it was come by.

    `in_sample` is its probability on the largest sample of phase 1 that the search used: optimistic, as is any
    maximum over what it was chosen on. `selected` is its probability on the paths of phase 2 (chosen among few
    there, so slightly optimistic still); `finalists` has (method, allocation, probability on phase 2) of each.
    `origin` is the method that found the allocation; `simulated` the paths used.
    """

    allocation: FloatArray
    origin: str
    in_sample: float
    in_sample_paths: int
    selected: float
    finalists: tuple[tuple[str, FloatArray, float], ...]
    trace: tuple[Step, ...]
    termination: Ended
    simulated: int


@dataclass
class _Search:
    """The state of one search: what has been simulated, and what may still be."""

    simulate: Paths
    limits: SearchLimits
    reserved: int  # paths kept back for the selection
    stopped: Callable[[], bool]
    simulated: int = 0
    trace: list[Step] = field(default_factory=list)

    def affords(self, n: int) -> bool:
        return not self.stopped() and self.simulated + n <= self.limits.paths - self.reserved

    @property
    def cut_short(self) -> Ended:
        return "stopped" if self.stopped() else "work_limit"

    def look(self, x: FloatArray, n: int, phase: int) -> tuple[PathTable, tuple[float, float]]:
        table = self.simulate(x, 0, n, phase)
        if table.paths != n:
            raise ValueError(f"asked for {n} sample paths, the simulation returned {table.paths}")
        self.simulated += n
        return table, score(table.margins)

    def note(self, method: str, phase: int, n: int, value: tuple[float, float], radius: float, accepted: bool) -> None:
        self.trace.append(Step(method, phase, n, int(value[0]), -value[1], radius, accepted))


def improve(
    levers: Levers,
    response: Response,
    starts: Mapping[str, FloatArray],
    simulate: Paths,
    *,
    limits: SearchLimits | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Refined:
    """The allocation most likely to attain every goal, searched from `starts` (the first is the one to beat).

    The first start (the reference) is always a finalist, so that what is returned was at least as good on phase 2.
    `stopped`: asked before each look; once true, the best so far is chosen, on fewer paths of phase 2, and returned.
    Raises ValueError where a start breaks the limits, or where the work limit does not even cover the starts and
    the selection.
    """
    limits = limits or SearchLimits()
    _check(levers, starts, limits)
    names = list(starts)
    search = _Search(simulate, limits, _reserved(limits), stopped)
    first = names[0]
    if not levers.movable:
        return _chosen(search, levers, [(first, starts[first])], starts[first], limits.samples[0], "nothing_to_move")
    best, origin = starts[first], first
    candidates: list[tuple[str, FloatArray]] = [(first, starts[first])]
    ended: Ended = "no_better_nearby"
    used = limits.samples[0]
    for turn, n in enumerate(limits.samples):
        pool = [(name, starts[name]) for name in names] if turn == 0 else [(origin, best), *candidates[:1]]
        if not search.affords(n * len(pool)):
            ended = search.cut_short
            break
        used = n
        best, origin, table = _best_of(search, pool, n)
        if turn == 0:
            candidates.append((origin, best))
        radius = limits.radius * 0.5**turn
        best, origin, ended = _climb(search, surrogate(levers, response, best, table), origin, n, radius)
        candidates.append((origin, best))
    return _chosen(search, levers, candidates, best, used, ended)


def _reserved(limits: SearchLimits) -> int:
    """Paths kept back for what comes after the search: the selection, and one more look at the answer."""
    return limits.selection * limits.finalists + max(limits.samples)


def _check(levers: Levers, starts: Mapping[str, FloatArray], limits: SearchLimits) -> None:
    if not starts:
        raise ValueError("a search needs at least one start")
    for name, x in starts.items():
        if x.shape != levers.reference.shape or levers.violation(x) > 1e-6:
            raise ValueError(f"the start {name!r} breaks a limit or a total, or has the wrong number of variables")
    least = limits.samples[0] * len(starts) + _reserved(limits)
    if limits.paths < least:
        raise ValueError(
            f"the work limit of {limits.paths} simulated paths does not cover the starts and the selection ({least})"
        )


def _best_of(search: _Search, pool: list[tuple[str, FloatArray]], n: int) -> tuple[FloatArray, str, PathTable]:
    """The best of some allocations on the first n paths of phase 1, ties to the first."""
    looked = []
    for method, x in pool:
        table, value = search.look(x, n, SEARCH)
        looked.append((value, method, x, table))
    winner = max(range(len(looked)), key=lambda i: (looked[i][0], -i))
    for i, (value, method, _, _) in enumerate(looked):
        search.note(method, SEARCH, n, value, float("inf"), i == winner)
    _, method, x, table = looked[winner]
    return x, method, table


def _climb(search: _Search, here: Surrogate, origin: str, n: int, radius: float) -> tuple[FloatArray, str, Ended]:
    """Accept what is better on the same n paths until nothing nearby is, the region is small, or the work is done.

    The surrogate's proposals cost one simulation each and come first. When all have failed, the surrogate is not to be
    trusted here: the slope is measured by simulating each variable a little higher, where there are few enough.
    """
    limits, kind = search.limits, 0
    # Where probing found the way before, the surrogate has already failed here.
    failures = len(_METHODS) if origin == "probe" else 0
    value = score(here.table.margins)
    while radius >= (limits.smallest_radius if n == limits.samples[-1] else max(COARSEST, limits.smallest_radius)):
        if not search.affords(n):
            return here.at, origin, search.cut_short
        exhausted = failures == len(_METHODS)
        method = "probe" if exhausted else _METHODS[kind % len(_METHODS)]
        x = _probed(search, here, n, radius) if exhausted else _proposal(method, here.near(radius), limits.pieces)
        better = False
        for trial in _line(here, x, radius, halvings=2 if exhausted else 0):
            if better or not search.affords(n):
                break
            table, found = search.look(trial, n, SEARCH)
            better = found > value
            search.note(method, SEARCH, n, found, radius, better)
            if better:
                here, value, origin = surrogate(here.levers, here.response, trial, table), found, method
        if better:
            radius = min(limits.radius, 1.5 * radius)
            failures = len(_METHODS) if exhausted else 0  # where the surrogate has failed, go on probing
        elif exhausted:
            radius, failures = 0.5 * radius, 0 if x is None else failures
        else:
            kind, failures = kind + 1, failures + 1
    return here.at, origin, "no_better_nearby"


def _line(here: Surrogate, x: FloatArray | None, radius: float, halvings: int) -> list[FloatArray]:
    """The proposal, and shorter steps towards it; nothing where it does not move."""
    if x is None or float(np.max(np.abs(x - here.at) / here.levers.scale())) <= 1e-3 * radius:
        return []
    return [here.at + 0.5**k * (x - here.at) for k in range(halvings + 1)]


def _probed(search: _Search, here: Surrogate, n: int, radius: float) -> FloatArray | None:
    """Uphill by measured slopes: each variable raised by itself, on the same paths; then a linear step in the box.

    The surrogate scales what a path's own leads brought, and so overstates how much risk a larger amount adds; the
    simulation does not. None where there are too many variables, or the work left does not cover them.
    """
    v = len(here.at)
    if v > MOST_PROBED or not search.affords(n * (v + 1)):
        return None
    spread = float(np.std(np.min(here.table.margins, axis=1)))
    bandwidth = max(1e-9, PROBE_BANDWIDTH * spread)
    steps = 0.5 * radius * np.maximum(here.levers.scale(), np.abs(here.at))
    now = smoothed_attainment(here.table.margins, bandwidth)
    slopes = np.zeros(v)
    for i in range(v):
        raised = here.at.copy()
        raised[i] += steps[i]
        table, value = search.look(raised, n, SEARCH)
        search.note("probe", SEARCH, n, value, radius, False)
        slopes[i] = (smoothed_attainment(table.margins, bandwidth) - now) / steps[i]
    if float(np.ptp(slopes)) <= 1e-12 * max(1.0, float(np.max(np.abs(slopes)))):
        return None  # as good everywhere
    near = here.near(radius)
    widths = np.maximum(0.0, near.upper - near.lower)[:, None]
    return project(here.levers, best_linear(near, widths, np.ones((v, 1)), slopes))


def smoothed_attainment(margins: FloatArray, bandwidth: float) -> float:
    """The mean sigmoid of the worst margin (S, G): the share of paths attained, with its steps rounded off."""
    worst, _ = all_of(margins.shape[1]).event_margins(margins)
    return float(path_mean(sigmoid(worst, bandwidth))[0])


# --- proposals -----------------------------------------------------------------------------------------------------

# (bandwidth as a share of the worst margin's spread, share of a path's own yield): wide to narrow, then bPOE
_SIGMOIDS = {
    "sigmoid_wide": (0.5, 0.5),
    "sigmoid": (0.2, 0.5),
    "sigmoid_own": (0.2, 1.0),
    "sigmoid_narrow": (0.08, 0.5),
}
_METHODS = ("sigmoid", "sigmoid_own", "bpoe", "sigmoid_wide", "sigmoid_narrow")


def _proposal(method: str, case: Surrogate, pieces: int) -> FloatArray | None:
    if method == "bpoe":
        found = best_buffered(case, pieces=pieces, most_nonzeros=PROPOSAL_NONZEROS, break_ties=False)
        return None if found is None else found.x
    bandwidth, share = _SIGMOIDS[method]
    spread = float(np.std(np.min(case.table.margins, axis=1)))
    blended = Surrogate(case.levers, case.response, case.at, case.table.blended(share), case.lower, case.upper)
    return smoothed_ascent(blended, max(1e-9, bandwidth * spread), pieces=pieces)


def smoothed_ascent(case: Surrogate, bandwidth: float, *, pieces: int = 6, steps: int = 25) -> FloatArray:
    """Sequential LP on the smoothed probability of the surrogate, inside its box: only ever uphill.

    Each step solves the linear programme whose objective is the slope in the responses times their concave curves.
    It is separable by group, a continuous knapsack that sorting solves exactly (Dantzig 1957), then moves along the
    line to its solution as far as helps (halving).
    """
    curves = concave_segments(case.response, case.lower, case.upper, pieces)
    x = case.at
    value, slope = case.smoothed(x, bandwidth)
    for _ in range(steps):
        target = best_linear(case, curves.widths, curves.slopes, slope)
        length, moved = 1.0, False
        while length > 1e-3:
            trial = x + length * (target - x)
            found, trial_slope = case.smoothed(trial, bandwidth)
            if found > value + 1e-9:
                moved = True
                break
            length *= 0.5
        if not moved:
            break
        x, value, slope = trial, found, trial_slope
    return project(case.levers, x)


def best_linear(case: Surrogate, widths: FloatArray, slopes: FloatArray, worth: FloatArray) -> FloatArray:
    """Maximise sum over variables of worth x concave curve inside the box, group totals kept: fill by falling gain.

    A variable whose response is worth less than nothing is filled at its curve's mean slope, so that the order of its
    pieces cannot be chosen against the curve. Ties go to the variable that comes first.
    """
    whole = np.sum(widths, axis=1)
    mean = np.divide(np.sum(widths * slopes, axis=1), whole, out=np.zeros_like(whole), where=whole > 0)
    gains = worth[:, None] * np.where(worth[:, None] >= 0, slopes, mean[:, None])
    x = case.lower.copy()
    for g in range(len(case.levers.totals)):
        members = case.levers.members(g)
        left = float(case.levers.totals[g]) - float(np.sum(case.lower[members]))
        order = np.argsort(-gains[members].ravel(), kind="stable")
        sizes = widths[members].ravel()[order]
        before = np.cumsum(sizes) - sizes
        taken = np.zeros(len(order))
        taken[order] = np.clip(left - before, 0.0, sizes)
        x[members] += np.sum(taken.reshape(len(members), -1), axis=1)
    return x


# --- the choice ----------------------------------------------------------------------------------------------------


def _chosen(
    search: _Search,
    levers: Levers,
    candidates: list[tuple[str, FloatArray]],
    best: FloatArray,
    used: int,
    ended: Ended,
) -> Refined:
    """Round the finalists, simulate them on phase 2, take the best (ties to the earliest, the reference first)."""
    limits = search.limits
    finalists: list[tuple[str, FloatArray]] = []
    middle = [project(levers, 0.5 * (candidates[-1][1] + candidates[-2][1]))] if len(candidates) > 2 else []
    latest = candidates[:1] + candidates[:0:-1] + [("midpoint", x) for x in middle]
    for method, x in latest:
        as_it_stands = np.array_equal(x, levers.reference)  # to leave all as it is needs no grid
        rounded = x if as_it_stands else round_to_step(levers, x)
        if len(finalists) < limits.finalists and not any(np.array_equal(rounded, other) for _, other in finalists):
            finalists.append((method, rounded))
    values, shares = [], []
    n = min(limits.selection, limits.samples[0]) if search.stopped() else limits.selection
    for method, x in finalists:
        table, value = search.look(x, n, SELECTION)
        values.append(value)
        shares.append(float(np.mean(attained(table.margins))))
        search.note(method, SELECTION, n, value, 0.0, False)
    winner = max(range(len(values)), key=lambda i: (values[i], -i))
    origin, allocation = finalists[winner]
    table, value = search.look(allocation, used, SEARCH)
    search.note(origin, SEARCH, used, value, 0.0, True)
    return Refined(
        allocation=allocation,
        origin=origin,
        in_sample=value[0] / used,
        in_sample_paths=used,
        selected=shares[winner],
        finalists=tuple((method, x, p) for (method, x), p in zip(finalists, shares, strict=True)),
        trace=tuple(search.trace),
        termination=ended,
        simulated=search.simulated,
    )
