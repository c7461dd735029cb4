"""Allocations over sample paths by linear and mixed-integer programmes: the starts of the search, and its checks.

- `best_mean`: the largest mean margin (LP);
- `best_buffered`: the smallest buffered probability of exceedance (bPOE) of a shortfall, min over a >= 0 of
  E[(a X + 1)+] for the shortfall X of the worst goal (Mafusalov & Uryasev 2018, "Buffered probability of exceedance:
  mathematical properties and optimization", SIAM J. Optim. 28(2), eq. 3.1 and section 5). The product of a and the
  allocation is one new variable, so that it is an exact LP in (a, a x);
- `least_shortfall`: the smallest mean shortfall (LP), where bPOE is 1 whatever one does;
- `most_attained`: the most paths attaining every goal (MILP with big M), for a few paths only.

Each takes a `Surrogate` and returns a `Proposal`. Nothing here simulates: proposals are simulated by `solvers.refine`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from solvers.arrays import FloatArray, IntArray, path_mean, thinned
from solvers.levers import project, proportional
from solvers.programme import Solution, WorkLimits, programme, solve, solve_nearest, stacked
from solvers.responses import Segments, concave_segments
from solvers.surrogate import Surrogate

PIECES = 12  # of each response curve
SPACING = 2.0  # samples of a curve lie closer where spend is small
MOST_NONZEROS = 400_000  # of path rows: some seconds; more paths are thinned
HARD_LIMIT = 5_000_000  # of path rows: over a minute and a gigabyte
MILP_PATHS = 200
MILP_LIMITS = WorkLimits(nodes=500)


@dataclass(frozen=True)
class Proposal:
    """An allocation `x` (V,) that a method proposes, what the method makes of it, and what the solver said.

    `value` is the method's own objective at its solution: the weighted mean margin, the bPOE, the mean shortfall,
    or the share of paths attained. `paths` is how many sample paths were in the programme.
    """

    method: str
    x: FloatArray
    value: float
    paths: int
    solution: Solution | None


def best_mean(
    case: Surrogate, *, weights: npt.ArrayLike | None = None, pieces: int = PIECES, limits: WorkLimits | None = None
) -> Proposal | None:
    """The allocation with the largest mean margin, goals weighted (default equally). None where it is not solved."""
    g = case.table.margins.shape[1]
    share = np.full(g, 1.0 / g) if weights is None else np.broadcast_to(np.asarray(weights, dtype=np.float64), (g,))
    worth = np.einsum("g,gv->v", share, path_mean(case.table.yields))
    frame = _frame(case, pieces)
    mean = float(np.dot(share, path_mean(case.table.margins)))
    constant = mean + float(np.dot(worth, frame.curves.at_lower - case.response(case.at)))
    problem = programme(
        (worth[:, None] * frame.curves.slopes * frame.curves.widths).ravel(),
        frame.sums,
        frame.totals,
        frame.totals,
        upper=frame.widest,
        maximise=True,
    )
    solution = solve_nearest(problem, frame.moves, frame.reference, limits=limits)
    if solution.x is None or solution.objective is None:
        return None
    return Proposal("mean", frame.allocation(solution.x), constant + solution.objective, case.table.paths, solution)


def best_buffered(
    case: Surrogate,
    *,
    pieces: int = PIECES,
    most_nonzeros: int = MOST_NONZEROS,
    limits: WorkLimits | None = None,
    break_ties: bool = True,
) -> Proposal | None:
    """The allocation with the smallest buffered probability that some goal is missed, or the smallest mean shortfall.

    bPOE is at least the probability of a miss and is 1 where the mean of the worst margin cannot be made positive; then
    `least_shortfall` answers in its place (method "shortfall"). None where neither LP is solved. `break_ties`: among
    equal solutions take the one nearest to the reference (a second LP).
    """
    case = _thin(case, most_nonzeros)
    frame, s = _frame(case, pieces), case.table.paths
    n, v = frame.moves.shape[1], len(case.at)
    margins, effects = _path_rows(case, frame)
    g = margins.shape[1]
    # columns: a * piece fills (n), a * response gains (v), a, and each path's (a X + 1)+
    z = _per_path(np.ones(s * g), s, g)
    a_column = sparse.csr_matrix(margins.reshape(-1, 1))
    fills = sparse.csr_matrix(sparse.identity(n))
    matrix = stacked(
        [
            [frame.sums, None, sparse.csr_matrix(-frame.totals[:, None]), None],
            [fills, None, sparse.csr_matrix(-frame.widest[:, None]), None],
            [frame.gains, -sparse.csr_matrix(sparse.identity(v)), sparse.csr_matrix(frame.offset[:, None]), None],
            [None, effects, a_column, z],
        ]
    )
    groups = len(frame.totals)
    problem = programme(
        np.concatenate([np.zeros(n + v + 1), np.full(s, 1.0 / s)]),
        matrix,
        np.concatenate([np.zeros(groups), np.full(n, -np.inf), np.zeros(v), np.ones(s * g)]),
        np.concatenate([np.zeros(groups + n + v), np.full(s * g, np.inf)]),
        lower=np.concatenate([np.zeros(n), np.full(v, -np.inf), np.zeros(1 + s)]),
        upper=np.concatenate([np.full(n + v, np.inf), [1e6], np.full(s, np.inf)]),
    )
    # a * (allocation - reference): its distance from 0 is what breaks ties
    nearness = stacked(
        [
            [
                frame.moves,
                sparse.csr_matrix((v, v)),
                sparse.csr_matrix(-frame.reference[:, None]),
                sparse.csr_matrix((v, s)),
            ]
        ]
    )
    solution = solve_nearest(problem, nearness, 0.0, limits=limits) if break_ties else solve(problem, limits=limits)
    scale = 0.0 if solution.x is None else float(solution.x[n + v])
    if solution.x is None or solution.objective is None or solution.objective > 1.0 - 1e-6 or scale < 1e-6:
        return least_shortfall(case, pieces=pieces, most_nonzeros=most_nonzeros, limits=limits, break_ties=break_ties)
    return Proposal("bpoe", frame.allocation(solution.x[:n] / scale), solution.objective, s, solution)


def least_shortfall(
    case: Surrogate,
    *,
    pieces: int = PIECES,
    most_nonzeros: int = MOST_NONZEROS,
    limits: WorkLimits | None = None,
    break_ties: bool = True,
) -> Proposal | None:
    """The allocation with the smallest mean shortfall of the worst goal (LP). None where the LP is not solved."""
    case = _thin(case, most_nonzeros)
    frame, s, v = _frame(case, pieces), case.table.paths, len(case.at)
    n = frame.moves.shape[1]
    margins, effects = _path_rows(case, frame)
    g = margins.shape[1]
    z = _per_path(np.ones(s * g), s, g)
    problem = programme(
        np.concatenate([np.zeros(n + v), np.full(s, 1.0 / s)]),
        stacked(
            [
                [frame.sums, None, None],
                [frame.gains, -sparse.csr_matrix(sparse.identity(v)), None],
                [None, effects, z],
            ]
        ),
        np.concatenate([frame.totals, -frame.offset, -margins.ravel()]),
        np.concatenate([frame.totals, -frame.offset, np.full(s * g, np.inf)]),
        lower=np.concatenate([np.zeros(n), np.full(v, -np.inf), np.zeros(s)]),
        upper=np.concatenate([frame.widest, np.full(v + s, np.inf)]),
    )
    moves = stacked([[frame.moves, sparse.csr_matrix((v, v + s))]])
    near = (moves, frame.reference)
    solution = solve_nearest(problem, *near, limits=limits) if break_ties else solve(problem, limits=limits)
    if solution.x is None or solution.objective is None:
        return None
    return Proposal("shortfall", frame.allocation(solution.x[:n]), solution.objective, s, solution)


def most_attained(
    case: Surrogate, *, pieces: int = PIECES, paths: int = MILP_PATHS, limits: WorkLimits = MILP_LIMITS
) -> Proposal | None:
    """The allocation that attains every goal on the most paths (MILP), over at most `paths` of them.

    A path counts where its margins are all >= 0; the big M of a path is its own worst margin anywhere in the box.
    Stopped by the node limit, it returns the best found, with the bound and gap in its solution.
    """
    case = Surrogate(
        case.levers, case.response, case.at, case.table.only(thinned(case.table.paths, paths)), case.lower, case.upper
    )
    frame, s, v = _frame(case, pieces), case.table.paths, len(case.at)
    n = frame.moves.shape[1]
    margins, effects = _path_rows(case, frame)
    g = margins.shape[1]
    base, dense = margins + (effects @ frame.offset).reshape(s, g), effects.toarray()
    low, high = frame.gain_range()
    worst = base.ravel() + np.sum(np.minimum(dense * low, dense * high), axis=1)
    big = np.maximum(0.0, -worst)
    counted = _per_path(-big, s, g)
    problem = programme(
        np.concatenate([np.zeros(n + v), np.full(s, 1.0 / s)]),
        stacked(
            [
                [frame.sums, None, None],
                [frame.gains, -sparse.csr_matrix(sparse.identity(v)), None],
                [None, effects, counted],
            ]
        ),
        np.concatenate([frame.totals, np.zeros(v), -base.ravel() - big]),
        np.concatenate([frame.totals, np.zeros(v), np.full(s * g, np.inf)]),
        lower=np.concatenate([np.zeros(n), np.full(v, -np.inf), np.zeros(s)]),
        upper=np.concatenate([frame.widest, np.full(v, np.inf), np.ones(s)]),
        integer=np.concatenate([np.zeros(n + v, dtype=np.bool_), np.ones(s, dtype=np.bool_)]),
        maximise=True,
    )
    moves = stacked([[frame.moves, sparse.csr_matrix((v, v + s))]])
    solution = solve_nearest(problem, moves, frame.reference, limits=limits)
    if solution.x is None or solution.objective is None:
        return None
    return Proposal("milp", frame.allocation(solution.x[:n]), solution.objective, s, solution)


def starting_points(
    case: Surrogate,
    *,
    weights: npt.ArrayLike | None = None,
    pieces: int = PIECES,
    most_nonzeros: int = MOST_NONZEROS,
    limits: WorkLimits | None = None,
) -> dict[str, Proposal]:
    """The starts of a search: "reference" (proportional), "mean", "bpoe" (or "shortfall"), and "milp" for few paths.

    Every start satisfies the limits; one whose programme was not solved is left out.
    """
    split = proportional(case.levers)
    starts = {"reference": Proposal("reference", split, case.probability(split), case.table.paths, None)}
    found = [
        best_mean(case, weights=weights, pieces=pieces, limits=limits),
        best_buffered(case, pieces=pieces, most_nonzeros=most_nonzeros, limits=limits),
        most_attained(case, pieces=pieces, limits=limits or MILP_LIMITS) if case.table.paths <= MILP_PATHS else None,
    ]
    return starts | {proposal.method: proposal for proposal in found if proposal is not None}


# --- the frame that the programmes share -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Frame:
    """Levers and curves as blocks of a programme over piece fills in [0, 1] (n = V x K, `widest` their upper limits).

    `sums` @ fills = `totals` (scaled groups); `moves` @ fills is the allocation less its lower limits, relative to
    `size`; `gains` @ fills + `offset` is the response less the one at the paths' allocation, relative to `spread`.
    """

    case: Surrogate
    curves: Segments
    sums: sparse.csr_matrix
    totals: FloatArray
    moves: sparse.csr_matrix
    reference: FloatArray
    gains: sparse.csr_matrix
    offset: FloatArray
    spread: FloatArray
    widest: FloatArray

    def allocation(self, fills: FloatArray) -> FloatArray:
        """The allocation that the fills of pieces stand for, exactly inside limits and totals."""
        x = self.curves.lower + np.sum(fills.reshape(self.curves.widths.shape) * self.curves.widths, axis=1)
        return project(self.case.levers, x)

    def gain_range(self) -> tuple[FloatArray, FloatArray]:
        """The least and the most that each scaled gain (without `offset`) can be."""
        steps = self.curves.slopes * self.curves.widths / self.spread[:, None]
        return np.sum(np.minimum(steps, 0.0), axis=1), np.sum(np.maximum(steps, 0.0), axis=1)


def _frame(case: Surrogate, pieces: int) -> _Frame:
    v, groups = len(case.at), len(case.levers.totals)
    curves = concave_segments(case.response, case.lower, case.upper, pieces, spacing=SPACING)
    if np.all(np.ptp(curves.slopes, axis=1) <= 1e-9 * np.max(np.abs(curves.slopes), axis=1)):  # straight lines
        pieces = 1
        curves = concave_segments(case.response, case.lower, case.upper, pieces)
    rows = np.repeat(np.arange(v), pieces)
    columns = np.arange(v * pieces)
    scale = np.maximum(1e-12, np.abs(case.levers.totals))
    size = np.maximum(1e-12, case.levers.scale())
    widths, steps = curves.widths.ravel(), (curves.slopes * curves.widths)
    spread = np.sum(np.abs(steps), axis=1)
    spread = np.where(spread > 0, spread, 1.0)
    low_sums = np.bincount(case.levers.group, weights=case.lower, minlength=groups)
    return _Frame(
        case,
        curves,
        _sparse(widths / scale[case.levers.group[rows]], case.levers.group[rows], columns, (groups, len(columns))),
        (case.levers.totals - low_sums) / scale,
        _sparse(widths / size[rows], rows, columns, (v, len(columns))),
        (case.levers.reference - case.lower) / size,
        _sparse((steps / spread[:, None]).ravel(), rows, columns, (v, len(columns))),
        (curves.at_lower - case.response(case.at)) / spread,
        spread,
        np.where(widths > 0, 1.0, 0.0),
    )


def _sparse(data: FloatArray, rows: IntArray, columns: IntArray, shape: tuple[int, int]) -> sparse.csr_matrix:
    return sparse.csr_matrix((data, (rows, columns)), shape=shape)


def _per_path(values: FloatArray, s: int, g: int) -> sparse.csr_matrix:
    """A column for each path, with that path's values (S G,) in the rows of its goals."""
    return _sparse(values, np.arange(s * g), np.repeat(np.arange(s), g), (s * g, s))


def _path_rows(case: Surrogate, frame: _Frame) -> tuple[FloatArray, sparse.csr_matrix]:
    """Margins (S, G) at the paths' own allocation, and the effect (S G, V) on them of each scaled gain."""
    s, g, v = case.table.yields.shape
    return case.table.margins, sparse.csr_matrix((case.table.yields * frame.spread).reshape(s * g, v))


def _thin(case: Surrogate, most_nonzeros: int) -> Surrogate:
    """The case with as many of its paths as the size of a programme allows."""
    _, g, v = case.table.yields.shape
    most = max(1, min(most_nonzeros, HARD_LIMIT) // (g * (v + 2)))
    if most >= case.table.paths:
        return case
    table = case.table.only(thinned(case.table.paths, most))
    return Surrogate(case.levers, case.response, case.at, table, case.lower, case.upper)
