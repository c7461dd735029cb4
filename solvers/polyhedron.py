"""The allocations that limits leave: totals, floors, caps, change limits, and any other linear rows.

What `solvers.levers` holds for a decision with totals by group, as rows of a programme; methods that need no more than
linear limits take this. `step_within` is the linear programme of a trust region.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from solvers.arrays import FloatArray
from solvers.levers import Levers
from solvers.programme import (
    Programme,
    Solution,
    WorkLimits,
    programme,
    solve,
    solve_nearest,
    stacked,
    unique,
    violation,
)

TIGHT = 1e-9  # of a programme's limits, relative to the size of a row's terms


@dataclass(frozen=True)
class Polyhedron:
    """`row_lower <= matrix @ x <= row_upper`, `lower <= x <= upper`: the constraints of a programme without costs."""

    limits: Programme

    @property
    def variables(self) -> int:
        """How many variables there are."""
        return self.limits.shape[1]

    @property
    def lower(self) -> FloatArray:
        """The variables' lower limits."""
        return self.limits.lower

    @property
    def upper(self) -> FloatArray:
        """The variables' upper limits."""
        return self.limits.upper

    def violation(self, x: FloatArray) -> float:
        """The largest violation of any limit at x, relative to max(1, the size of the row's terms)."""
        return violation(self.limits, x)

    def scale(self, x: FloatArray) -> FloatArray:
        """A natural size for each variable's moves: its room, or five times what is usual at x where that is less."""
        usual = float(np.mean(np.abs(x))) or 1.0
        return np.minimum(self.upper - self.lower, 5.0 * np.maximum(usual, np.abs(x)))


@dataclass(frozen=True)
class Wanted:
    """Rows (E, V) that are to rise by `least` (E,) at least over a step; what is missing costs `price` a unit."""

    slopes: FloatArray
    least: FloatArray
    price: float


def polyhedron(
    matrix: Any,
    row_lower: npt.ArrayLike,
    row_upper: npt.ArrayLike,
    *,
    lower: npt.ArrayLike = 0.0,
    upper: npt.ArrayLike = np.inf,
    row_names: tuple[str, ...] = (),
) -> Polyhedron:
    """A `Polyhedron` from anything array-like. Raises `MalformedProgramme` where the arrays do not fit together."""
    rows = sparse.csr_matrix(matrix, dtype=np.float64)
    return Polyhedron(
        programme(np.zeros(rows.shape[1]), rows, row_lower, row_upper, lower=lower, upper=upper, row_names=row_names)
    )


def of_levers(levers: Levers) -> Polyhedron:
    """The limits and totals of levers; a total's row is divided by it, so that violations compare."""
    v, size = len(levers.reference), np.maximum(1e-12, np.abs(levers.totals))
    sums = sparse.csr_matrix(
        (1.0 / size[levers.group], (levers.group, np.arange(v))), shape=(len(levers.totals), v), dtype=np.float64
    )
    total = levers.totals / size
    return polyhedron(sums, total, total, lower=levers.lower, upper=levers.upper)


def nearest(region: Polyhedron, x: FloatArray) -> FloatArray | None:
    """The allocation in the region nearest to x in absolute distance; x itself where it is in; None where none is."""
    inside = np.clip(x, region.lower, region.upper)
    if region.violation(inside) <= TIGHT:
        return inside
    scale = np.maximum(1e-12, region.scale(inside))
    problem = _moves(region, inside, scale, np.inf, np.zeros(region.variables), False)
    return _moved(region, inside, scale, solve_nearest(problem, sparse.identity(region.variables), 0.0))


def step_within(
    region: Polyhedron,
    x: FloatArray,
    slope: FloatArray,
    scale: FloatArray,
    radius: float,
    *,
    wanted: Wanted | None = None,
    limits: WorkLimits | None = None,
) -> FloatArray | None:
    """Maximise slope @ y over the region with |y - x| <= radius x scale, variable by variable (LP).

    `wanted`: linear rows besides, each of which may be missed at a price. Where several y are as good, the one that
    moves least from x, later variables weighing a little more. None where the programme is not solved within its work
    limits.
    """
    size = float(np.max(np.abs(slope * scale), initial=0.0))
    if wanted is not None:
        size = max(size, float(np.max(np.abs(wanted.slopes * scale), initial=0.0)) * wanted.price)
    if size == 0.0:
        return x
    problem = _moves(region, x, scale, radius, slope * scale / size, True)
    places = sparse.csr_matrix(sparse.identity(region.variables))
    if wanted is not None:
        problem = _with_wanted(problem, wanted, scale, size)
        places = stacked([[places, sparse.csr_matrix((region.variables, len(wanted.least)))]])
    solution = solve(problem, limits=limits)
    if solution.status == "optimal" and not unique(problem, solution):
        solution = solve_nearest(problem, places, 0.0, limits=limits)
    return _moved(region, x, scale, solution)


def _with_wanted(problem: Programme, wanted: Wanted, scale: FloatArray, size: float) -> Programme:
    """The programme of moves with rows that may be missed: each has a column for by how much, of the row's own size."""
    rows = wanted.slopes * scale
    sizes = np.maximum(1e-300, np.max(np.abs(rows), axis=1, initial=0.0))
    e = len(wanted.least)
    miss = sparse.identity(e)
    return programme(
        np.append(problem.costs, -wanted.price * sizes / size),
        stacked([[problem.matrix, None], [sparse.csr_matrix(rows / sizes[:, None]), miss]]),
        np.append(problem.row_lower, wanted.least / sizes),
        np.append(problem.row_upper, np.full(e, np.inf)),
        lower=np.append(problem.lower, np.zeros(e)),
        upper=np.append(problem.upper, np.full(e, np.inf)),
        maximise=True,
    )


def _moves(
    region: Polyhedron, x: FloatArray, scale: FloatArray, radius: float, costs: FloatArray, maximise: bool
) -> Programme:
    """The programme of moves u with y = x + scale u: numbers of one size, whatever the unit of money."""
    limits = region.limits
    matrix = sparse.csr_matrix(limits.matrix @ sparse.diags(scale))
    size = np.maximum(1e-300, abs(matrix).max(axis=1).toarray().ravel()) if matrix.nnz else np.ones(matrix.shape[0])
    now = limits.matrix @ x
    safe = np.where(scale > 0, scale, 1.0)
    return programme(
        costs,
        sparse.diags(1.0 / size) @ matrix,
        (limits.row_lower - now) / size,
        (limits.row_upper - now) / size,
        lower=np.where(scale > 0, np.maximum(-radius, (region.lower - x) / safe), 0.0),
        upper=np.where(scale > 0, np.minimum(radius, (region.upper - x) / safe), 0.0),
        maximise=maximise,
    )


def _moved(region: Polyhedron, x: FloatArray, scale: FloatArray, solution: Solution) -> FloatArray | None:
    """The point that a programme of moves ends at, exactly inside the variables' own limits."""
    if solution.x is None:
        return None
    return np.clip(x + scale * solution.x[: len(x)], region.lower, region.upper)
