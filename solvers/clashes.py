"""Which named limits of a programme cannot hold together: an irreducible set, found by an elastic LP and deletion.

Called where a plan's limits leave no room at all, to say which of them to loosen. The elastic LP (every row may be
broken at a price) has row prices that prove the infeasibility (Farkas), so rows without a price can be left out at
once; a deletion filter (Chinneck & Dravnieks 1991, "Locating minimal infeasible constraint sets in linear
programs") then drops one limit after another while what is left stays infeasible. Where the linear limits have room
and only whole numbers have none, the filter works on the mixed-integer programme, in halves first.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from solvers.arrays import BoolArray
from solvers.programme import Programme, programme, solve, stacked


def clashing_limits(problem: Programme) -> tuple[str, ...]:
    """Names of rows that cannot hold together with the variables' own limits, none of which could be left out.

    Rows with one name are one limit, kept or dropped together. Returns () where the programme has a solution (or,
    in whole numbers, where the node limit comes before the proof that it has none).
    """
    if not problem.row_names:
        raise ValueError("clashing limits can only be named in a programme whose rows have names")
    names = np.array(problem.row_names)
    priced = _priced_rows(problem)
    if priced is None:
        return _clashing_in_whole_numbers(problem, names) if problem.integer.any() else ()
    kept = list(dict.fromkeys(names[priced].tolist()))
    if not _infeasible(problem, np.isin(names, kept)):  # prices below tolerance were taken for none
        kept = list(dict.fromkeys(names.tolist()))
    for name in tuple(kept):
        without = [other for other in kept if other != name]
        if _infeasible(problem, np.isin(names, without)):
            kept = without
    return tuple(kept)


def _priced_rows(problem: Programme) -> BoolArray | None:
    """The rows whose prices in the elastic LP prove the infeasibility; None where every row can hold."""
    m, n = problem.shape
    sizes = sparse.csr_matrix(sparse.diags(np.maximum(1.0, abs(problem.matrix).max(axis=1).toarray().ravel())))
    elastic = programme(
        np.concatenate([np.zeros(n), np.ones(2 * m)]),
        stacked([[problem.matrix, sizes, -sizes]]),
        problem.row_lower,
        problem.row_upper,
        lower=np.concatenate([problem.lower, np.zeros(2 * m)]),
        upper=np.concatenate([problem.upper, np.full(2 * m, np.inf)]),
    )
    solution = solve(elastic)
    if solution.status != "optimal" or solution.objective is None or solution.duals is None:
        return np.ones(m, dtype=np.bool_)
    if solution.objective <= 1e-7:
        return None
    return np.abs(solution.duals) > 1e-9


def _clashing_in_whole_numbers(problem: Programme, names: npt.NDArray[np.str_]) -> tuple[str, ...]:
    """The same where only whole numbers clash: what stays infeasible without is left out, in ever smaller parts."""
    kept = list(dict.fromkeys(names.tolist()))
    if not _infeasible(problem, np.isin(names, kept), whole=True):
        return ()
    part = len(kept)
    while part > 1:
        part = (part + 1) // 2
        first = 0
        while first < len(kept):
            without = kept[:first] + kept[first + part :]
            if _infeasible(problem, np.isin(names, without), whole=True):
                kept = without
            else:
                first += part
    return tuple(kept)


def _infeasible(problem: Programme, rows: BoolArray, *, whole: bool = False) -> bool:
    kept = replace(
        problem,
        costs=np.zeros(len(problem.costs)),
        matrix=sparse.csr_matrix(problem.matrix[np.flatnonzero(rows)]),
        row_lower=problem.row_lower[rows],
        row_upper=problem.row_upper[rows],
        integer=problem.integer & whole,
        row_names=(),
    )
    return solve(kept).status == "infeasible"
