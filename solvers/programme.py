"""Linear and mixed-integer programmes in PuLP, solved by HiGHS (CBC where it is absent) and checked here.

A `Programme` is arrays; `solve` hands it to PuLP and returns a `Solution` whose status (what the point is), termination
(why the solver stopped), bound and gap are separate facts, none of them taken on trust:

- the point is put into the constraints again here (PuLP calls an LP that was stopped by a limit "Optimal" even where
  its point is infeasible);
- an LP's bound is computed here from its dual values (weak duality), so that it holds whatever the solver says;
- solvers stop on work limits (iterations, nodes), so that answers repeat; a stop by the clock is marked not repeatable.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from solvers.arrays import BoolArray, FloatArray, floats
from solvers.backends import Answer, Request, SolverName, answer_of, default_solver

Status = Literal["optimal", "feasible", "infeasible", "unbounded", "unsolved"]

TOLERANCE = 1e-6  # of a constraint, relative to the size of its own terms


class MalformedProgramme(ValueError):
    """The arrays of a programme do not fit together, or hold what no programme can."""


@dataclass(frozen=True)
class Programme:
    """Optimise `costs @ x` with `row_lower <= matrix @ x <= row_upper`, `lower <= x <= upper`, some x whole numbers.

    `matrix` is m x n (scipy sparse, CSR). Infinite limits are `inf`. `row_names` (m, not necessarily distinct: rows
    with one name are one limit) and `names` (n) are for messages only.
    """

    costs: FloatArray
    matrix: sparse.csr_matrix
    row_lower: FloatArray
    row_upper: FloatArray
    lower: FloatArray
    upper: FloatArray
    integer: BoolArray
    maximise: bool = False
    names: tuple[str, ...] = ()
    row_names: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and variables."""
        return len(self.row_lower), len(self.costs)


def programme(
    costs: npt.ArrayLike,
    matrix: Any,
    row_lower: npt.ArrayLike,
    row_upper: npt.ArrayLike,
    *,
    lower: npt.ArrayLike = 0.0,
    upper: npt.ArrayLike = np.inf,
    integer: npt.ArrayLike = False,
    maximise: bool = False,
    names: tuple[str, ...] = (),
    row_names: tuple[str, ...] = (),
) -> Programme:
    """A `Programme` from anything array-like (dense or sparse), checked.

    Raises `MalformedProgramme` where shapes differ, or where a cost, coefficient or limit is not a number (limits may
    be infinite on their own side).
    """
    c = floats(np.atleast_1d(floats(costs)))
    rows = sparse.csr_matrix(matrix, dtype=np.float64)
    m, n = rows.shape
    if len(c) != n:
        raise MalformedProgramme(f"a programme has {len(c)} costs and {n} columns; they must be as many")
    low, high = _spread(row_lower, m, "row_lower"), _spread(row_upper, m, "row_upper")
    at_least, at_most = _spread(lower, n, "lower"), _spread(upper, n, "upper")
    whole = np.broadcast_to(np.asarray(integer, dtype=np.bool_), (n,)).copy()
    rows.sum_duplicates()
    if not np.all(rows.data):
        rows = rows.copy()
        rows.eliminate_zeros()
    for what, values in (("cost", c), ("coefficient", rows.data)):
        if not np.all(np.isfinite(values)):
            raise MalformedProgramme(f"a {what} of a programme is not a finite number")
    for what, values, wrong in (
        ("lower", low, np.inf),
        ("upper", high, -np.inf),
        ("lower", at_least, np.inf),
        ("upper", at_most, -np.inf),
    ):
        if np.any(np.isnan(values)) or np.any(values == wrong):
            raise MalformedProgramme(f"the {what} limits of a programme hold NaN or {wrong}")
    if row_names and len(row_names) != m:
        raise MalformedProgramme(f"a programme has {m} rows and {len(row_names)} row names")
    if names and len(names) != n:
        raise MalformedProgramme(f"a programme has {n} variables and {len(names)} names")
    return Programme(c, rows, low, high, at_least, at_most, whole, maximise, names, row_names)


def _spread(values: npt.ArrayLike, size: int, what: str) -> FloatArray:
    try:
        return np.broadcast_to(floats(values), (size,)).copy()
    except ValueError:
        raise MalformedProgramme(f"{what} must be one number or {size} of them") from None


def stacked(blocks: list[list[Any]]) -> sparse.csr_matrix:
    """One sparse matrix from blocks (None where empty), as scipy's `bmat`."""
    return sparse.csr_matrix(sparse.bmat(blocks, format="csr"))  # type: ignore[call-overload,unused-ignore]


@dataclass(frozen=True)
class WorkLimits:
    """When a solver stops before it is done: on work (repeatable), or by the clock (`seconds`; then not repeatable)."""

    iterations: int = 2_000_000  # of the simplex (of the interior point method, a ten-thousandth)
    nodes: int = 20_000  # of branch and bound
    seconds: float | None = None


@dataclass(frozen=True)
class Solution:
    """What came of solving a programme.

    `status`: "optimal", "feasible" (stopped early with a point that satisfies every limit), "infeasible", "unbounded"
    or "unsolved" (no usable point, or a claim of the solver that did not survive the check here). `termination`: why
    the solver stopped ("optimal", "infeasible", "unbounded", "iteration_limit", "node_limit", "time_limit",
    "memory_limit", "interrupted", "error").
    `x` is None unless the status is "optimal" or "feasible". `bound` is proven (dual) and `gap` is
    |objective - bound| / max(1, |objective|); both None where nothing is proven. `duals` (of rows) and `reduced_costs`
    are in the programme's own sense, the change of the objective per unit of a limit; None with whole numbers.
    `max_violation` is of the point that the solver handed over, relative to the size of the row's terms; inf if none.
    """

    status: Status
    termination: str
    objective: float | None
    bound: float | None
    gap: float | None
    x: FloatArray | None
    duals: FloatArray | None
    reduced_costs: FloatArray | None
    max_violation: float
    seconds: float
    iterations: int
    nodes: int
    solver: SolverName
    repeatable: bool

    @property
    def point(self) -> FloatArray:
        """`x`, where there is one; a RuntimeError that says why where there is none."""
        if self.x is None:
            raise RuntimeError(
                f"the programme has no solution to use: status {self.status}, stopped by {self.termination}"
            )
        return self.x


def solve(
    problem: Programme,
    *,
    limits: WorkLimits | None = None,
    threads: int = 1,
    gap: float = 0.0,
    gap_absolute: float = 0.0,
    start: npt.ArrayLike | None = None,
    solver: SolverName | None = None,
) -> Solution:
    """Solve a programme. A hard one raises nothing: its solution says what there is.

    `gap` (relative) and `gap_absolute` are where branch and bound may stop. `start` (n) is a solution to start branch
    and bound from, best found so far or not; `MalformedProgramme` says so where it does not satisfy the limits.
    """
    limits, used = limits or WorkLimits(), solver or default_solver()
    started = time.perf_counter()
    point = None if start is None else _spread(start, len(problem.costs), "start")
    if point is not None and not violation(problem, point) <= TOLERANCE:
        missed = violation(problem, point)
        raise MalformedProgramme(f"the point to start from misses a limit of the programme by {missed:.3g} (relative)")
    sign = -1.0 if problem.maximise else 1.0
    if _empty_row_clashes(problem):
        return _verdict(problem, Answer("infeasible", None, None, None), sign, used, started)
    request = Request(limits, threads, gap, gap_absolute, point)
    return _verdict(problem, answer_of(problem, request, used), sign, used, started)


def solve_nearest(
    problem: Programme,
    positions: Any,
    reference: npt.ArrayLike,
    *,
    weights: npt.ArrayLike = 1.0,
    limits: WorkLimits | None = None,
    threads: int = 1,
    gap: float = 0.0,
    solver: SolverName | None = None,
) -> Solution:
    """Solve, then among the solutions as good (to 1e-7) take the one nearest to a reference: ties always end alike.

    `positions` is k x n: `positions @ x` is compared with `reference` (k) in weighted absolute distance. Later
    positions weigh a little more (up to 0.1%), so that two moves of the same size do not tie again. Status, bound, gap
    and duals are those of the first solve, at whose objective the point stays; whole numbers stay as it found them.
    """
    limits = limits or WorkLimits()
    first = solve(problem, limits=limits, threads=threads, gap=gap, solver=solver)
    if first.status != "optimal" or first.objective is None or first.x is None:
        return first
    places = sparse.csr_matrix(positions, dtype=np.float64)
    k, n = places.shape[0], len(problem.costs)
    target = _spread(reference, k, "reference")
    cost = _spread(weights, k, "weights") * (1.0 + 1e-3 * np.arange(k) / max(1, k))
    slack = 1e-7 * max(1.0, abs(first.objective))
    keep = (first.objective - slack, np.inf) if problem.maximise else (-np.inf, first.objective + slack)
    eye = sparse.csr_matrix(sparse.identity(k))
    objective = sparse.csr_matrix(problem.costs[None, :])
    matrix = stacked([[problem.matrix, None], [objective, None], [places, eye], [places, -eye]])
    second = programme(
        np.concatenate([np.zeros(n), cost]),
        matrix,
        np.concatenate([problem.row_lower, [keep[0]], target, np.full(k, -np.inf)]),
        np.concatenate([problem.row_upper, [keep[1]], np.full(k, np.inf), target]),
        lower=np.concatenate([np.where(problem.integer, first.x, problem.lower), np.zeros(k)]),
        upper=np.concatenate([np.where(problem.integer, first.x, problem.upper), np.full(k, np.inf)]),
    )
    nearest = solve(second, limits=limits, threads=threads, gap=gap, solver=solver)
    if nearest.status != "optimal" or nearest.x is None:
        return first
    x = nearest.x[:n]
    return replace(
        first,
        x=x,
        objective=float(np.dot(problem.costs, x)),
        max_violation=violation(problem, x),
        seconds=first.seconds + nearest.seconds,
        iterations=first.iterations + nearest.iterations,
        nodes=first.nodes + nearest.nodes,
        repeatable=first.repeatable and nearest.repeatable,
    )


def unique(problem: Programme, solution: Solution) -> bool:
    """Whether the duals of an LP prove that its solution is the only one.

    Every solution leaves variables with a reduced cost, and rows with a price, where they are. What is left can move
    only where the columns of variables without a reduced cost are dependent in the rows that have a price.
    """
    if solution.status != "optimal" or solution.duals is None or solution.reduced_costs is None:
        return False
    tiny = 1e-9 * max(1.0, float(np.max(np.abs(problem.costs), initial=0.0)))
    fixed = problem.lower == problem.upper
    loose = np.flatnonzero((np.abs(solution.reduced_costs) <= tiny) & ~fixed)
    rows = np.flatnonzero(np.abs(solution.duals) > tiny)
    if len(loose) > len(rows):
        return False
    if len(loose) == 0:
        return True
    return int(np.linalg.matrix_rank(problem.matrix[rows][:, loose].toarray())) == len(loose)


def violation(problem: Programme, x: FloatArray) -> float:
    """The largest violation of any limit at x, each relative to max(1, its terms' sizes summed); integrality too."""
    values = problem.matrix @ x
    sizes = np.maximum(1.0, abs(problem.matrix) @ np.abs(x))
    worst = [0.0]
    if len(values):
        worst.append(float(np.max(np.maximum(problem.row_lower - values, values - problem.row_upper) / sizes)))
    if len(x):
        scale = np.maximum(1.0, np.abs(x))
        worst.append(float(np.max(np.maximum(problem.lower - x, x - problem.upper) / scale)))
        if problem.integer.any():
            worst.append(float(np.max(np.abs(x - np.rint(x))[problem.integer])))
    return max(worst)


def dual_bound(problem: Programme, duals: FloatArray) -> float | None:
    """The bound that the dual values of rows prove (weak duality), for the programme without its whole numbers.

    For any row prices y, min c x >= the sum over rows of y times the limit it pushes against, and the same of c - A' y
    and the variables' limits. A price against an infinite limit proves nothing; below 1e-7 of the costs' size it is
    taken as nought.
    """
    sign = -1.0 if problem.maximise else 1.0
    prices = sign * duals
    reduced = sign * problem.costs - problem.matrix.T @ prices
    tiny = 1e-7 * max(1.0, float(np.max(np.abs(problem.costs), initial=0.0)))
    total = 0.0
    for price, low, high in ((prices, problem.row_lower, problem.row_upper), (reduced, problem.lower, problem.upper)):
        limit = np.where(price > 0, low, high)
        open_ended = np.isinf(limit)
        if np.any(np.abs(price[open_ended]) > tiny):
            return None
        total += float(np.sum(price * np.where(open_ended, 0.0, limit)))
    return sign * total


# --- what is believed -------------------------------------------------------------------------------------------------


def _empty_row_clashes(problem: Programme) -> bool:
    empty = np.diff(problem.matrix.indptr) == 0
    return bool(
        np.any(problem.row_lower[empty] > TOLERANCE)
        or np.any(problem.row_upper[empty] < -TOLERANCE)
        or np.any(problem.lower > problem.upper)
        or np.any(problem.row_lower > problem.row_upper)
    )


def _verdict(problem: Programme, answer: Answer, sign: float, solver: SolverName, started: float) -> Solution:
    """The solution that the checks here support."""
    x, worst = _whole(problem, answer.x), float("inf")
    if x is not None:
        worst = violation(problem, x)
    if worst > TOLERANCE:
        x = None
    objective = float(np.dot(problem.costs, x)) if x is not None else None
    bound = None if answer.bound is None or not np.isfinite(answer.bound) else sign * answer.bound
    duals = None if answer.duals is None else sign * answer.duals
    if duals is not None and answer.termination not in ("infeasible", "unbounded", "infeasible_or_unbounded"):
        bound = dual_bound(problem, duals)
    gap = abs(objective - bound) / max(1.0, abs(objective)) if objective is not None and bound is not None else None
    status: Status = "unsolved"
    if answer.termination in ("infeasible", "unbounded"):
        status, x, objective, gap = (
            ("infeasible" if answer.termination == "infeasible" else "unbounded"),
            None,
            None,
            None,
        )
    elif x is not None:
        proven = answer.termination == "optimal" and (gap is None or gap <= 1e-5 or bool(problem.integer.any()))
        status = "optimal" if proven else "feasible"
    return Solution(
        status=status,
        termination=answer.termination,
        objective=objective,
        bound=bound,
        gap=gap,
        x=x,
        duals=duals if x is not None else None,
        reduced_costs=problem.costs - problem.matrix.T @ duals if duals is not None and x is not None else None,
        max_violation=worst,
        seconds=time.perf_counter() - started,
        iterations=answer.iterations,
        nodes=answer.nodes,
        solver=solver,
        repeatable=answer.termination not in ("time_limit", "memory_limit", "interrupted"),
    )


def _whole(problem: Programme, x: FloatArray | None) -> FloatArray | None:
    """The point with whole numbers made exact where the solver left them within its tolerance, and -0 as 0."""
    if x is None or not np.all(np.isfinite(x)):
        return None
    near = problem.integer & (np.abs(x - np.rint(x)) <= 1e-5)
    clipped = np.where(near, np.rint(x), x)
    inside = np.clip(clipped, problem.lower, problem.upper)  # limits of variables hold exactly, if only just missed
    return np.where(np.abs(inside - clipped) <= TOLERANCE * np.maximum(1.0, np.abs(clipped)), inside, clipped) + 0.0
