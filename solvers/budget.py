"""Allocations over sample paths by linear and mixed-integer programmes: the starts of the search, and its checks.

- `best_mean`: the largest mean margin (LP);
- `best_buffered`: the smallest buffered probability (bPOE) that some goal is missed (LP);
- `least_shortfall`: the smallest mean shortfall (LP), where bPOE is 1 whatever one does;
- `most_jointly`: the most paths attaining all of several goals, at mean yields (mixing sets, `solvers.joint`);
- `most_attained`: the most paths attaining every goal (MILP with big M), for a few paths only.

Each takes a `Surrogate` and returns a `Proposal`; the linear ones are those of `solvers.starts`, over the pieces of
curved responses. Nothing here simulates: whoever asks for proposals simulates them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from solvers import starts
from solvers.arrays import FloatArray, IntArray, path_mean, thinned
from solvers.backends import SolverName
from solvers.joint import most_probable
from solvers.levers import project, proportional
from solvers.polyhedron import Polyhedron, polyhedron
from solvers.programme import Solution, WorkLimits, programme, solve_nearest, stacked
from solvers.responses import Segments, concave_segments
from solvers.starts import MOST_NONZEROS, Nearness, best_worth, most_paths
from solvers.surrogate import Surrogate

PIECES = 12  # of each response curve
SPACING = 2.0  # samples of a curve lie closer where spend is small
MILP_PATHS = 200
MILP_LIMITS = WorkLimits(nodes=500)
JOINT_PATHS, JOINT_GAP = 256, 0.01
JOINT_LIMITS = WorkLimits(nodes=20)


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
    fills = polyhedron(frame.sums, frame.totals, frame.totals, upper=frame.widest)
    gains = (worth[:, None] * frame.curves.slopes * frame.curves.widths).ravel()
    solution = best_worth(fills, gains, Nearness(frame.moves, frame.reference), limits=limits)
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
    frame = _frame(case, pieces)
    x, solution = starts.buffered(*_straight(case, frame), _near(frame) if break_ties else None, limits=limits)
    if x is None or solution.objective is None:
        return least_shortfall(case, pieces=pieces, most_nonzeros=most_nonzeros, limits=limits, break_ties=break_ties)
    fills = x[: frame.moves.shape[1]]
    return Proposal("bpoe", frame.allocation(fills), solution.objective, case.table.paths, solution)


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
    frame = _frame(case, pieces)
    x, solution = starts.least_shortfall(*_straight(case, frame), _near(frame) if break_ties else None, limits=limits)
    if x is None or solution.objective is None:
        return None
    fills = x[: frame.moves.shape[1]]
    return Proposal("shortfall", frame.allocation(fills), solution.objective, case.table.paths, solution)


def most_attained(
    case: Surrogate,
    *,
    pieces: int = PIECES,
    paths: int = MILP_PATHS,
    limits: WorkLimits = MILP_LIMITS,
    solver: SolverName | None = None,
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
    counted = starts.per_path(-big, s, g)
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
    solution = solve_nearest(problem, moves, frame.reference, limits=limits, solver=solver)
    if solution.x is None or solution.objective is None:
        return None
    return Proposal("milp", frame.allocation(solution.x[:n]), solution.objective, s, solution)


def most_jointly(
    case: Surrogate, *, pieces: int = PIECES, paths: int = JOINT_PATHS, limits: WorkLimits = JOINT_LIMITS
) -> Proposal | None:
    """The allocation that attains all of several goals on the most paths, yields taken at their means over paths.

    What is left uncertain stands on the right-hand side, as `solvers.joint` has it: a start where goals pull apart.
    None for a single goal, or where nothing is found within the limits.
    """
    if case.table.margins.shape[1] < 2:
        return None
    case = Surrogate(
        case.levers, case.response, case.at, case.table.only(thinned(case.table.paths, paths)), case.lower, case.upper
    )
    frame = _frame(case, pieces)
    region, margins, _ = _straight(case, frame)
    mean = path_mean(case.table.yields) * frame.spread
    effects = sparse.hstack([sparse.csr_matrix((mean.shape[0], frame.moves.shape[1])), sparse.csr_matrix(mean)])
    found = most_probable(region.limits, effects, -margins, gap=JOINT_GAP, limits=limits)
    if found.x is None or found.probability is None:
        return None
    fills = found.x[: frame.moves.shape[1]]
    return Proposal("joint", frame.allocation(fills), found.probability, case.table.paths, None)


def starting_points(
    case: Surrogate,
    *,
    weights: npt.ArrayLike | None = None,
    pieces: int = PIECES,
    most_nonzeros: int = MOST_NONZEROS,
    limits: WorkLimits | None = None,
) -> dict[str, Proposal]:
    """The starts of a search: "reference" (proportional), "mean", "bpoe" (or "shortfall"), "joint", "milp" (few paths).

    Every start satisfies the limits; one whose programme was not solved is left out.
    """
    split = proportional(case.levers)
    reference = {"reference": Proposal("reference", split, case.probability(split), case.table.paths, None)}
    found = [
        best_mean(case, weights=weights, pieces=pieces, limits=limits),
        best_buffered(case, pieces=pieces, most_nonzeros=most_nonzeros, limits=limits),
        most_jointly(case, pieces=pieces),
        most_attained(case, pieces=pieces, limits=limits or MILP_LIMITS) if case.table.paths <= MILP_PATHS else None,
    ]
    return reference | {proposal.method: proposal for proposal in found if proposal is not None}


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


def _path_rows(case: Surrogate, frame: _Frame) -> tuple[FloatArray, sparse.csr_matrix]:
    """Margins (S, G) at the paths' own allocation, and the effect (S G, V) on them of each scaled gain."""
    s, g, v = case.table.yields.shape
    return case.table.margins, sparse.csr_matrix((case.table.yields * frame.spread).reshape(s * g, v))


def _straight(case: Surrogate, frame: _Frame) -> tuple[Polyhedron, FloatArray, sparse.csr_matrix]:
    """Limits of (piece fills, scaled gains), and margins as straight lines in them."""
    v, n = frame.gains.shape
    rows = stacked([[frame.sums, sparse.csr_matrix((len(frame.totals), v))], [frame.gains, -sparse.identity(v)]])
    sides = np.concatenate([frame.totals, -frame.offset])
    lower = np.concatenate([np.zeros(n), np.full(v, -np.inf)])
    upper = np.concatenate([frame.widest, np.full(v, np.inf)])
    margins, effects = _path_rows(case, frame)
    padded = sparse.csr_matrix(sparse.hstack([sparse.csr_matrix((effects.shape[0], n)), effects]))
    return polyhedron(rows, sides, sides, lower=lower, upper=upper), margins, padded


def _near(frame: _Frame) -> Nearness:
    """Ties end at the allocation nearest to the reference."""
    v = len(frame.reference)
    return Nearness(stacked([[frame.moves, sparse.csr_matrix((v, v))]]), frame.reference)


def _thin(case: Surrogate, most_nonzeros: int) -> Surrogate:
    """The case with as many of its paths as the size of a programme allows."""
    _, g, v = case.table.yields.shape
    most = most_paths(g, v, most_nonzeros)
    if most >= case.table.paths:
        return case
    table = case.table.only(thinned(case.table.paths, most))
    return Surrogate(case.levers, case.response, case.at, table, case.lower, case.upper)
