"""The decision that most probably reaches all of several targets at once, where the targets are uncertain.

Given S scenarios of R targets, x in a region (limits, whole numbers and all) and effects y = A x, find the x with the
largest weight of scenarios whose targets are all reached. Solved by the mixing-set formulation (`solvers.mixing`),
most of it in linear programmes:

1. A first solution: the highest odds that all rows can have alike.
2. Its weight of missed scenarios bounds what a better one may miss, which raises the levels that must be reached.
3. The linear relaxation of what is left gives the dual bound, and, by its reduced costs, scenarios that any better
   solution meets, and such that any misses. Those that it leaves fractional are decided by a small programme.
4. From 2 again while that shrinks what is left; then branch and bound on the rest.

Among equally probable decisions the region's own costs choose; without any, the smallest margin over the targets is
made largest. The probability is counted here, from x.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from solvers.arrays import BoolArray, FloatArray, IntArray, floats
from solvers.backends import SolverName, default_solver
from solvers.clashes import clashing_limits
from solvers.mixing import Undecided, everything, mixing, settle, tightened
from solvers.programme import Programme, Solution, WorkLimits, programme, solve, stacked, violation

MET = 1e-6  # of a row's largest target: a shortfall below that is the solvers' rounding
FIXING = WorkLimits(nodes=20)  # for the small programmes on the way
DECIDED = 60  # scenarios that a small programme decides
ROUNDS = 12
ROWS_PROBED = 200  # rows whose largest possible value is looked for

Status = Literal["optimal", "feasible", "infeasible", "unsolved"]


class MalformedTargets(ValueError):
    """Effects, targets or weights do not fit together, or hold what no target can be."""


@dataclass(frozen=True)
class JointResult:
    """What came of maximising the probability that all targets are reached.

    `probability` is that of x in the sample, counted from x; `bound` is proven: no decision has more in this sample.
    `gap` is their difference (a probability). `status` is "optimal" where gap is nought, "feasible", "infeasible" (the
    region is empty, `clash` names an irreducible set of its limits) or "unsolved" (nothing found within the limits).
    `termination` says what ended the search: "optimal", "gap" (the one asked for), "infeasible", or a solver's
    "node_limit", "time_limit", ... `met` (S) are the scenarios reached; `max_violation` is x's, of the region's limits,
    relative. `nodes` and `iterations` are of all programmes together, `programmes` how many there were.
    """

    x: FloatArray | None
    probability: float | None
    bound: float | None
    gap: float | None
    status: Status
    termination: str
    met: BoolArray | None
    max_violation: float
    clash: tuple[str, ...]
    seconds: float
    programmes: int
    iterations: int
    nodes: int
    solver: SolverName
    repeatable: bool


def most_probable(
    region: Programme,
    effects: Any,
    targets: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    gap: float = 0.0,
    start: npt.ArrayLike | None = None,
    limits: WorkLimits | None = None,
    threads: int = 1,
    solver: SolverName | None = None,
) -> JointResult:
    """Maximise the weight of scenarios s with `effects @ x >= targets[s]` in every row, x in the region.

    `effects` is R x n (dense or sparse), `targets` S x R, `weights` (S) not negative, default equal; whole numbers
    are counted exactly. `gap` is the difference of probabilities at which the search may stop; `start` (n) a decision
    to beat, looked at only where it is in the region. Raises `MalformedTargets` where arrays do not fit.
    """
    case = _case(region, effects, targets, weights)
    search = _Search(case, limits or WorkLimits(), threads, solver or default_solver(), gap * case.total)
    started = time.perf_counter()
    ended = search.run(None if start is None else floats(start))
    return search.result(ended, np.atleast_2d(floats(targets)), weights, time.perf_counter() - started)


@dataclass(frozen=True)
class _Case:
    """The problem with each row divided by its largest target, and scenarios that are alike made one."""

    region: Programme
    effects: sparse.csr_matrix
    targets: FloatArray
    weights: FloatArray
    scale: FloatArray
    unit: float  # what any two weights missed differ by at least; 0 where that is not known

    @property
    def total(self) -> float:
        return float(np.sum(self.weights))

    def met(self, x: FloatArray, targets: FloatArray) -> BoolArray:
        return np.asarray(np.all(self.effects @ x >= targets - MET, axis=1))


def _case(region: Programme, effects: Any, targets: npt.ArrayLike, weights: npt.ArrayLike | None) -> _Case:
    goals = np.atleast_2d(floats(targets))
    rows = sparse.csr_matrix(effects, dtype=np.float64)
    s, r = goals.shape
    if rows.shape != (r, len(region.costs)):
        raise MalformedTargets(
            f"effects are {rows.shape[0]} x {rows.shape[1]}; {r} targets and {len(region.costs)} variables need "
            f"{r} x {len(region.costs)}"
        )
    given = np.ones(s) if weights is None else floats(weights)
    if given.shape != (s,):
        raise MalformedTargets(f"{s} scenarios need as many weights, not an array of {given.shape}")
    if not np.all(np.isfinite(goals)) or not np.all(np.isfinite(rows.data)):
        raise MalformedTargets("targets and effects must be finite numbers")
    if not np.all(np.isfinite(given)) or np.any(given < 0) or not np.any(given > 0):
        raise MalformedTargets("weights must be finite, not negative, and not all nought")
    largest = np.max(np.abs(goals[given > 0]), axis=0, initial=0.0)
    scale = np.where(largest > 0, largest, 1.0)
    different, of = np.unique(goals[given > 0] / scale, axis=0, return_inverse=True)
    merged = np.bincount(of.ravel(), weights=given[given > 0], minlength=len(different)).astype(np.float64)
    whole = bool(np.all(merged == np.rint(merged))) and float(np.sum(merged)) < 2**53
    unit = float(np.gcd.reduce(merged.astype(np.int64))) if whole else 0.0
    if not whole:  # about one each, so that solvers' absolute tolerances suit them
        merged = merged * (len(merged) / np.sum(merged))
    return _Case(region, sparse.csr_matrix(sparse.diags(1.0 / scale) @ rows), different, merged, scale, unit)


@dataclass
class _Search:
    """The state of one search: the best decision so far, the proven least weight missed, and the work done."""

    case: _Case
    limits: WorkLimits
    threads: int
    solver: SolverName
    gap: float  # in weight
    best: FloatArray | None = None
    missed: float = np.inf  # weight, by `best`
    least: float = 0.0  # weight that every decision misses
    programmes: int = 0
    iterations: int = 0
    nodes: int = 0
    repeatable: bool = True
    clash: tuple[str, ...] = ()
    began: float = field(default_factory=time.perf_counter)

    # --- programmes ---

    def solve(self, problem: Programme, nodes: int, gap: float = 0.0) -> Solution:
        seconds = self.limits.seconds
        left = None if seconds is None else max(0.01, seconds - (time.perf_counter() - self.began))
        limits = replace(self.limits, nodes=min(nodes, self.limits.nodes), seconds=left)
        found = solve(problem, limits=limits, threads=self.threads, gap_absolute=gap, solver=self.solver)
        self.programmes += 1
        self.iterations += found.iterations
        self.nodes += found.nodes
        self.repeatable = self.repeatable and found.repeatable
        return found

    @property
    def late(self) -> bool:
        seconds = self.limits.seconds
        if seconds is None or time.perf_counter() - self.began <= seconds:
            return False
        self.repeatable = False
        return True

    def reaching(self, levels: FloatArray, nodes: int = FIXING.nodes) -> Solution:
        """A decision that reaches the levels: the cheapest, or the one with the largest smallest margin (up to 1)."""
        region, rows = self.case.region, self.case.effects
        need, n = np.isfinite(levels), len(region.costs)
        m = int(np.count_nonzero(need))
        cheapest = bool(np.any(region.costs))
        margin = sparse.csr_matrix(np.full((m, 1), -1.0))
        problem = programme(
            np.append(region.costs, 0.0 if cheapest else (1.0 if region.maximise else -1.0)),
            stacked([[region.matrix, sparse.csr_matrix((region.shape[0], 1))], [rows[np.flatnonzero(need)], margin]]),
            np.concatenate([region.row_lower, levels[need]]),
            np.concatenate([region.row_upper, np.full(m, np.inf)]),
            lower=np.append(region.lower, 0.0),
            upper=np.append(region.upper, 0.0 if cheapest else 1.0),
            integer=np.append(region.integer, False),
            maximise=region.maximise,
        )
        found = self.solve(problem, nodes)
        return found if found.x is None else replace(found, x=found.x[:n])

    def consider(self, x: FloatArray | None) -> bool:
        """Take x where it misses less than the best so far."""
        if x is None:
            return False
        missed = float(np.sum(self.case.weights[~self.case.met(x, self.case.targets)]))
        if missed >= self.missed:
            return False
        self.best, self.missed = x, missed
        return True

    def meet(self, scenarios: BoolArray) -> bool:
        """Take a decision that meets these scenarios, where it is better than the best so far."""
        levels = self.case.targets[scenarios].max(axis=0, initial=-np.inf)
        return self.consider(self.reaching(levels).x)

    def prove(self, weight: float) -> None:
        """Every decision better than the best misses at least this weight."""
        unit = self.case.unit
        if unit > 0:
            weight = float(np.ceil(weight / unit - 1e-6)) * unit
        self.least = max(self.least, min(weight, self.missed))

    def done(self) -> bool:
        """Whether the best decision is proven good enough."""
        return self.missed - self.least <= max(self.gap, 1e-9 * self.case.total)

    # --- the steps ---

    def run(self, start: FloatArray | None) -> str:
        if start is not None and violation(self.case.region, start) <= MET:
            self.consider(start)
        ended = self.alike()
        if ended is not None:
            return ended
        state: Undecided | None = self.undecided()
        highest = np.full(self.case.targets.shape[1], np.inf)
        for turn in range(ROUNDS):
            state = None if state is None else self.narrowed(state, highest)
            if turn == 0 and state is not None:
                highest = self.highest(state)
                state = tightened(state, self.case.targets, self.case.weights, highest)
            if state is None:
                self.prove(self.missed)
            if state is None or self.done() or self.late:
                break
            before = int(np.count_nonzero(state.open))
            state = self.relaxed(state)
            if state is not None and np.count_nonzero(state.open) > 0.9 * before and turn > 0:
                break
        if self.done() or self.late or state is None:
            return self.ending("time_limit")
        state = self.narrowed(state, highest)
        if state is None:
            self.prove(self.missed)
            return self.ending("optimal")
        return self.ending(self.branch(state))

    def ending(self, stopped: str) -> str:
        if not self.done():
            return stopped
        return "optimal" if self.missed - self.least <= 1e-9 * self.case.total else "gap"

    def alike(self) -> str | None:
        """A first decision, by the highest odds that every row can have alike; how the search ends if it ends here."""
        ordered = np.sort(self.case.targets, axis=0)
        low, high = -1, len(ordered)  # places: what is known to be within reach, and not to be
        anywhere = self.reaching(np.full(ordered.shape[1], -np.inf), self.limits.nodes)
        if anywhere.status == "infeasible":
            if self.case.region.row_names:
                self.clash = clashing_limits(self.case.region)
            return "infeasible"
        self.consider(anywhere.x)
        while high - low > 1 and not self.late:
            middle = (low + high) // 2 if low >= 0 or high < len(ordered) else 0
            found = self.reaching(ordered[middle])
            if middle == 0 and found.status == "infeasible":  # not even the lowest targets: none can be met
                self.prove(self.case.total)
                return "optimal" if self.best is not None else anywhere.termination
            self.consider(found.x)
            low, high = (middle, high) if found.x is not None else (low, middle)
        return anywhere.termination if self.best is None else None

    def undecided(self) -> Undecided:
        """Everything open, for decisions that are better than the best so far."""
        return everything(self.case.targets, self.better(self.missed))

    def better(self, missed: float) -> float:
        return missed - self.case.unit if self.case.unit > 0 else missed - 1e-9 * self.case.total

    def narrowed(self, state: Undecided, highest: FloatArray) -> Undecided | None:
        """What a decision better than the best so far leaves open; None where there is none."""
        state = replace(state, allowed=self.better(self.missed) - state.lost)
        return tightened(state, self.case.targets, self.case.weights, highest)

    def highest(self, state: Undecided) -> FloatArray:
        """What each row can be at most while all rows reach their levels (LP bounds); inf where it is not known."""
        case, r = self.case, self.case.targets.shape[1]
        found = np.full(r, np.inf)
        if r > ROWS_PROBED:
            return found
        for row in range(r):
            costs = case.effects[row].toarray().ravel()
            problem = replace(
                _with_levels(case, state.levels),
                costs=costs,
                maximise=True,
                integer=np.zeros(len(costs), dtype=np.bool_),
            )
            solution = self.solve(problem, FIXING.nodes)
            if solution.status == "optimal" and solution.bound is not None:
                found[row] = solution.bound + MET
        return found

    def relaxed(self, state: Undecided) -> Undecided | None:
        """Bound by the linear relaxation, look for a better decision near it, and settle what its prices settle."""
        case = self.case
        model = mixing(case.region, case.effects, case.targets, case.weights, state, whole=False)
        found = self.solve(model.problem, FIXING.nodes)
        if found.status == "infeasible":
            self.prove(self.missed)
            return None
        if found.bound is not None:
            self.prove(state.lost + found.bound)
        if found.x is None or self.done():
            return state
        z = model.missed(found.x)
        self.consider(None if case.region.integer.any() else found.x[: model.first])
        self.near(state, model.which, z)
        if self.done() or found.reduced_costs is None or found.bound is None:
            return state
        # a better decision misses no more than this; one that goes against a price costs at least the price more
        most = self.better(self.missed) - state.lost + 1e-6
        prices = model.missed(found.reduced_costs)
        met, missed = np.zeros_like(state.open), np.zeros_like(state.open)
        met[model.which] = found.bound + prices > most
        missed[model.which] = found.bound - prices > most
        return settle(state, case.targets, case.weights, met=met, missed=missed)

    def near(self, state: Undecided, which: IntArray, z: FloatArray) -> None:
        """The best decision that meets what the relaxation meets, the fractional scenarios decided by a programme."""
        case = self.case
        met, missed = np.zeros_like(state.open), np.zeros_like(state.open)
        met[which], missed[which] = z < 1e-6, z > 1.0 - 1e-6
        fractional = np.flatnonzero((z >= 1e-6) & (z <= 1.0 - 1e-6))
        if len(fractional) > DECIDED:
            split = self.split(state, which, z)
            decided = fractional[np.argsort(np.abs(z[fractional] - split), kind="stable")[DECIDED:]]
            met[which[decided]], missed[which[decided]] = z[decided] <= split, z[decided] > split
        small = tightened(
            settle(replace(state, allowed=np.inf), case.targets, case.weights, met=met, missed=missed),
            case.targets,
            case.weights,
            np.full(case.targets.shape[1], np.inf),
        )
        if small is None or not np.all(np.isfinite(small.levels)):
            return
        small = replace(small, allowed=max(0.0, self.better(self.missed) - small.lost))
        model = mixing(case.region, case.effects, case.targets, case.weights, small, whole=True)
        found = self.solve(model.problem, FIXING.nodes)
        if found.x is not None:
            self.decided(small, model.which, model.missed(found.x))

    def split(self, state: Undecided, which: IntArray, z: FloatArray) -> float:
        """The largest z of the relaxation up to which all scenarios can be met together."""
        ladder = np.unique(z)
        low, high = -1, len(ladder)
        while high - low > 1:
            middle = (low + high) // 2
            met = self.case.targets[which[z <= ladder[middle]]].max(axis=0, initial=-np.inf)
            found = self.reaching(np.maximum(state.levels, met))
            self.consider(found.x)
            low, high = (middle, high) if found.x is not None else (low, middle)
        return float(ladder[max(low, 0)])

    def decided(self, state: Undecided, which: IntArray, z: FloatArray) -> bool:
        """Take the decision that meets what a programme in whole numbers meets."""
        met = np.all(self.case.targets <= state.levels, axis=1)
        met[which[z < 0.5]] = True
        return self.meet(met)

    def branch(self, state: Undecided) -> str:
        """Branch and bound on what is left."""
        case = self.case
        model = mixing(case.region, case.effects, case.targets, case.weights, state, whole=True)
        found = self.solve(model.problem, self.limits.nodes, self.gap)
        if found.status == "infeasible":
            self.prove(self.missed)
            return "optimal"
        if found.x is not None:
            before = self.missed
            self.decided(state, model.which, model.missed(found.x))
            if self.missed >= before:  # a decision found in whole numbers whose rounding cost it a scenario
                self.consider(found.x[: model.first])
        if found.bound is not None:
            self.prove(state.lost + found.bound)
        return found.termination

    # --- the result ---

    def result(self, ended: str, targets: FloatArray, weights: npt.ArrayLike | None, seconds: float) -> JointResult:
        case = self.case
        if ended != "infeasible" and self.best is not None:
            self.meet(case.met(self.best, case.targets))  # may be better, if stopped early
            self.settled()
        met, probability, bound, gap = None, None, None, None
        status: Status = "infeasible" if ended == "infeasible" else "unsolved"
        if self.best is not None:
            met = case.met(self.best, targets / case.scale)
            share = np.ones(len(targets)) if weights is None else floats(weights)
            probability = float(np.sum(share[met]) / np.sum(share))
            proven = self.missed - self.least <= 1e-9 * case.total
            bound = probability if proven else max(probability, 1.0 - self.least / case.total)
            gap = bound - probability
            status = "optimal" if proven else "feasible"
        return JointResult(
            x=self.best,
            probability=probability,
            bound=bound,
            gap=gap,
            status=status,
            termination=ended,
            met=met,
            max_violation=np.inf if self.best is None else violation(case.region, self.best),
            clash=self.clash,
            seconds=seconds,
            programmes=self.programmes,
            iterations=self.iterations,
            nodes=self.nodes,
            solver=self.solver,
            repeatable=self.repeatable,
        )

    def settled(self) -> None:
        """Among decisions that meet what the best meets, the one that the second objective chooses."""
        case = self.case
        if self.best is None:
            return
        levels = case.targets[case.met(self.best, case.targets)].max(axis=0, initial=-np.inf)
        chosen = self.reaching(levels).x
        if chosen is None:
            return
        missed = float(np.sum(case.weights[~case.met(chosen, case.targets)]))
        if missed <= self.missed:
            self.best, self.missed = chosen, missed


def _with_levels(case: _Case, levels: FloatArray) -> Programme:
    """The region, with rows that reach the levels."""
    return replace(
        case.region,
        matrix=stacked([[case.region.matrix], [case.effects]]),
        row_lower=np.concatenate([case.region.row_lower, levels]),
        row_upper=np.concatenate([case.region.row_upper, np.full(len(levels), np.inf)]),
        row_names=(),
    )
