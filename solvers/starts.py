"""Starts of a climb from sample paths by linear programmes, over any polyhedron.

- `best_worth`: the largest linear objective, say the mean margin;
- `buffered`: the smallest buffered probability of exceedance (bPOE) of a shortfall, min over a >= 0 of E[(a X + 1)+]
  for the shortfall X of the worst goal (Mafusalov & Uryasev 2018, "Buffered probability of exceedance: mathematical
  properties and optimization", SIAM J. Optim. 28(2), eq. 3.1 and section 5). The product of a and the allocation is one
  new variable, so that it is an exact LP in (a, a x);
- `least_shortfall`: the smallest mean shortfall of the worst goal, where bPOE is 1 whatever one does.

Margins are straight lines in x: constant (S, G) + effects (S G, V) @ x. These programmes hold a row for each path and
goal, so paths are thinned to what a programme can hold; curved responses become straight by columns of their own
(`solvers.budget`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from solvers.arrays import FloatArray, path_mean, thinned
from solvers.paths import PathTable
from solvers.polyhedron import Polyhedron, nearest
from solvers.programme import Solution, WorkLimits, programme, solve, solve_nearest, stacked

MOST_NONZEROS = 400_000  # of path rows: some seconds; more paths are thinned
HARD_LIMIT = 5_000_000  # of path rows: over a minute and a gigabyte


@dataclass(frozen=True)
class Nearness:
    """What breaks ties between solutions: the distance of `positions` @ x (K x V) from `reference` (K)."""

    positions: Any
    reference: FloatArray


def best_worth(region: Polyhedron, worth: FloatArray, near: Nearness, *, limits: WorkLimits | None = None) -> Solution:
    """Maximise worth @ x over the region; among equal ones the nearest."""
    rows = region.limits
    problem = programme(
        worth, rows.matrix, rows.row_lower, rows.row_upper, lower=rows.lower, upper=rows.upper, maximise=True
    )
    return solve_nearest(problem, near.positions, near.reference, limits=limits)


def buffered(
    region: Polyhedron,
    constant: FloatArray,
    effects: sparse.csr_matrix,
    near: Nearness | None,
    *,
    limits: WorkLimits | None = None,
) -> tuple[FloatArray | None, Solution]:
    """The x of the smallest bPOE that some goal is missed, and the programme's solution, whose objective it is.

    None for x where the programme is not solved, or bPOE is 1 (the mean of the worst margin cannot be made positive).
    """
    s, g = constant.shape
    v = region.variables
    rows, row_lower, row_upper, lower, upper = _homogeneous(region)
    matrix = stacked(
        [
            [rows, None],
            [sparse.hstack([effects, sparse.csr_matrix(constant.reshape(-1, 1))]), per_path(np.ones(s * g), s, g)],
        ]
    )
    problem = programme(
        np.concatenate([np.zeros(v + 1), np.full(s, 1.0 / s)]),
        matrix,
        np.concatenate([row_lower, np.ones(s * g)]),
        np.concatenate([row_upper, np.full(s * g, np.inf)]),
        lower=np.concatenate([lower, np.zeros(1 + s)]),
        upper=np.concatenate([upper, [1e6], np.full(s, np.inf)]),
    )
    if near is None:
        solution = solve(problem, limits=limits)
    else:  # a * (positions @ x - reference): its distance from 0 is what breaks ties
        places = sparse.csr_matrix(near.positions)
        scaled = sparse.hstack([places, -sparse.csr_matrix(near.reference[:, None])])
        padded = stacked([[scaled, sparse.csr_matrix((places.shape[0], s))]])
        solution = solve_nearest(problem, padded, 0.0, limits=limits)
    scale = 0.0 if solution.x is None else float(solution.x[v])
    if solution.x is None or solution.objective is None or solution.objective > 1.0 - 1e-6 or scale < 1e-6:
        return None, solution
    return solution.x[:v] / scale, solution


def least_shortfall(
    region: Polyhedron,
    constant: FloatArray,
    effects: sparse.csr_matrix,
    near: Nearness | None,
    *,
    limits: WorkLimits | None = None,
) -> tuple[FloatArray | None, Solution]:
    """The x of the smallest mean shortfall of the worst goal, and the programme's solution, whose objective it is."""
    s, g = constant.shape
    v, rows = region.variables, region.limits
    problem = programme(
        np.concatenate([np.zeros(v), np.full(s, 1.0 / s)]),
        stacked([[rows.matrix, None], [effects, per_path(np.ones(s * g), s, g)]]),
        np.concatenate([rows.row_lower, -constant.ravel()]),
        np.concatenate([rows.row_upper, np.full(s * g, np.inf)]),
        lower=np.concatenate([rows.lower, np.zeros(s)]),
        upper=np.concatenate([rows.upper, np.full(s, np.inf)]),
    )
    if near is None:
        solution = solve(problem, limits=limits)
    else:
        places = sparse.csr_matrix(near.positions)
        padded = stacked([[places, sparse.csr_matrix((places.shape[0], s))]])
        solution = solve_nearest(problem, padded, near.reference, limits=limits)
    return (None if solution.x is None else solution.x[:v]), solution


def _homogeneous(
    region: Polyhedron,
) -> tuple[sparse.csr_matrix, FloatArray, FloatArray, FloatArray, FloatArray]:
    """The region's limits on (a x, a): rows, their limits, and limits of a x. Limits of 0 stay limits of variables."""
    limits, v = region.limits, region.variables
    eye = sparse.csr_matrix(sparse.identity(v))
    blocks, low, high = [], [], []
    equal = limits.row_lower == limits.row_upper
    sides = (
        (limits.matrix, limits.row_lower, equal, 0.0, 0.0),
        (limits.matrix, limits.row_lower, ~equal & np.isfinite(limits.row_lower), 0.0, np.inf),
        (limits.matrix, limits.row_upper, ~equal & np.isfinite(limits.row_upper), -np.inf, 0.0),
        (eye, limits.lower, np.isfinite(limits.lower) & (limits.lower != 0), 0.0, np.inf),
        (eye, limits.upper, np.isfinite(limits.upper), -np.inf, 0.0),
    )
    for matrix, limit, chosen, least, most in sides:
        kept = np.flatnonzero(chosen)
        blocks.append(sparse.hstack([matrix[kept], -sparse.csr_matrix(limit[kept][:, None])]))
        low.append(np.full(len(kept), least))
        high.append(np.full(len(kept), most))
    lower = np.where(limits.lower == 0, 0.0, -np.inf)
    return (
        sparse.csr_matrix(sparse.vstack(blocks)),
        np.concatenate(low),
        np.concatenate(high),
        lower,
        np.full(v, np.inf),
    )


def per_path(values: FloatArray, s: int, g: int) -> sparse.csr_matrix:
    """A column for each path, with that path's values (S G,) in the rows of its goals."""
    return sparse.csr_matrix((values, (np.arange(s * g), np.repeat(np.arange(s), g))), shape=(s * g, s))


def most_paths(goals: int, variables: int, most_nonzeros: int) -> int:
    """How many paths a programme of path rows may hold."""
    return max(1, min(most_nonzeros, HARD_LIMIT) // (goals * (variables + 2)))


def starts(
    region: Polyhedron,
    reference: FloatArray,
    table: PathTable,
    at: FloatArray,
    *,
    most_nonzeros: int = MOST_NONZEROS,
    limits: WorkLimits | None = None,
) -> Mapping[str, FloatArray]:
    """Starts from paths simulated at `at`: "reference" (the nearest in the region), "mean", "bpoe" (or "shortfall").

    Each lies in the region; one whose programme was not solved, or that only just misses a limit, is left out.
    """
    scale = np.maximum(1e-12, region.scale(reference))
    near = Nearness(sparse.diags(1.0 / scale), reference / scale)
    found: dict[str, FloatArray | None] = {"reference": nearest(region, reference)}
    worth = path_mean(table.yields).sum(axis=0)
    size = float(np.max(np.abs(worth * scale), initial=0.0)) or 1.0
    found["mean"] = best_worth(region, worth / size, near, limits=limits).x
    s, g, v = table.yields.shape
    few = table.only(thinned(s, most_paths(g, v, most_nonzeros)))
    constant = few.margins - np.einsum("sgv,v->sg", few.yields, at)
    effects = sparse.csr_matrix(few.yields.reshape(-1, v))
    x, _ = buffered(region, constant, effects, None, limits=limits)  # a start needs no ties broken
    name = "bpoe"
    if x is None:
        name, (x, _) = "shortfall", least_shortfall(region, constant, effects, None, limits=limits)
    found[name] = x
    inside = {name: None if x is None else nearest(region, x) for name, x in found.items()}
    return {name: x for name, x in inside.items() if x is not None and region.violation(x) <= 1e-6}
