"""Joint targets with random right-hand sides as a mixed-integer programme: the mixing-set formulation, and its cuts.

R rows y = effects @ x shall reach the targets of as many of S scenarios as can be (by weight). Where at most `allowed`
weight may be missed, as a known solution says, the highest targets of each row are all that is left to decide:

- Falling below a row's level misses every scenario whose target is higher; where these weigh more than `allowed`, the
  level must be reached (quantile strengthening).
- Above it, a row's targets h1 > h2 > ... > hk > level make a chain of w1 >= w2 >= ... >= wk in [0, 1] with
  y + sum (hj - hj+1) wj >= h1, and a scenario with target hj is missed (z) at least as much as wj.

Luedtke, Ahmed and Nemhauser 2010, "An integer programming approach for linear programs with probabilistic
constraints", Math. Program. 122, section 3.2: in each row by itself this describes the convex hull of the mixing set,
and only z need be whole numbers. Where it stands: `solvers.joint` settles more and more scenarios between its
programmes, so that the next is smaller.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from solvers.arrays import BoolArray, FloatArray, IntArray
from solvers.programme import Programme, programme, stacked

ROUNDING = 1e-12  # of sums of weights, relative to all of them


@dataclass(frozen=True)
class Undecided:
    """What is left to decide of S scenarios: which are open, what weight of them may be missed, what must be reached.

    `levels` (R) must be reached; `lost` is the weight of the scenarios that are given up for good.
    """

    open: BoolArray
    levels: FloatArray
    allowed: float
    lost: float


def everything(targets: FloatArray, allowed: float) -> Undecided:
    """All scenarios open, nothing given up; the levels are the lowest targets, below which none is met."""
    return Undecided(np.ones(len(targets), dtype=np.bool_), targets.min(axis=0), allowed, 0.0)


def settle(
    state: Undecided, targets: FloatArray, weights: FloatArray, *, met: BoolArray | None = None, missed: BoolArray
) -> Undecided:
    """The state with some open scenarios given up (`missed`), and some to be met, whatever the rest."""
    missed = missed & state.open
    levels = state.levels
    if met is not None and (met & state.open).any():
        levels = np.maximum(levels, targets[met & state.open].max(axis=0))
    weight = float(np.sum(weights[missed]))
    return Undecided(state.open & ~missed, levels, state.allowed - weight, state.lost + weight)


def tightened(state: Undecided, targets: FloatArray, weights: FloatArray, highest: FloatArray) -> Undecided | None:
    """The state after all that follows from it: levels by weight, scenarios met by the levels, and scenarios given up.

    `highest` (R) is what each row can reach at most. None where more weight would be missed than is allowed.
    """
    slack = ROUNDING * max(1.0, float(np.sum(weights)))
    while True:
        beyond = state.open & (targets > highest).any(axis=1)
        state = settle(state, targets, weights, missed=beyond)
        if state.allowed < -slack or np.any(state.levels > highest):
            return None
        levels = np.maximum(state.levels, _must_reach(state, targets, weights, slack))
        still = state.open & (targets > levels).any(axis=1)
        same = not beyond.any() and np.array_equal(levels, state.levels) and np.array_equal(still, state.open)
        state = replace(state, levels=levels, open=still)
        if same:
            return state


def _must_reach(state: Undecided, targets: FloatArray, weights: FloatArray, slack: float) -> FloatArray:
    """The level of each row below which more weight of open scenarios is missed than is allowed; -inf where none."""
    which = np.flatnonzero(state.open)
    r = targets.shape[1]
    if len(which) == 0:
        return np.full(r, -np.inf)
    order = np.argsort(-targets[which], axis=0, kind="stable")
    missed = np.cumsum(weights[which][order], axis=0)  # by falling below the target at that place
    over = missed > state.allowed + slack
    first = np.argmax(over, axis=0)
    rows = np.arange(r)
    return np.where(over[first, rows], targets[which][order[first, rows], rows], -np.inf)


@dataclass(frozen=True)
class Mixing:
    """The programme for what is undecided: columns x, then z of the scenarios `which`, then the chains' w."""

    problem: Programme
    which: IntArray
    first: int  # column of the first z

    def missed(self, values: FloatArray) -> FloatArray:
        """z of the open scenarios, in the order of `which`."""
        return values[self.first : self.first + len(self.which)]


def mixing(
    region: Programme,
    effects: sparse.csr_matrix,
    targets: FloatArray,
    weights: FloatArray,
    state: Undecided,
    *,
    whole: bool,
) -> Mixing:
    """Minimise the weight missed of what is undecided; `whole` with whole numbers, the relaxation otherwise."""
    which = np.flatnonzero(state.open).astype(np.int64)
    n, k = len(region.costs), len(which)
    chains = [_chain(targets[which, r], float(state.levels[r])) for r in range(targets.shape[1])]
    sizes = np.array([len(drops) for drops, _, _, _ in chains], dtype=np.int64)
    first_w = np.concatenate([[0], np.cumsum(sizes)])
    w = int(first_w[-1])
    reach = _blocks([drops for drops, _, _, _ in chains], first_w, w)
    top = np.array([top for _, top, _, _ in chains])
    # w of a place is at least w of the next place down its row's chain
    upper = np.delete(np.arange(w), first_w[1:][sizes > 0] - 1)
    ordered = _pairs(upper, upper + 1, w)
    # z of a scenario is at least w of its place
    scenario = np.concatenate([members for _, _, members, _ in chains]) if chains else np.zeros(0, dtype=np.int64)
    place = np.concatenate([at + start for (_, _, _, at), start in zip(chains, first_w[:-1], strict=True)])
    z_rows = sparse.csr_matrix((np.ones(len(place)), (np.arange(len(place)), scenario)), shape=(len(place), k))
    w_rows = sparse.csr_matrix((-np.ones(len(place)), (np.arange(len(place)), place)), shape=(len(place), w))
    budget = sparse.csr_matrix(weights[which][None, :])
    matrix = stacked(
        [
            [region.matrix, sparse.csr_matrix((region.shape[0], k)), sparse.csr_matrix((region.shape[0], w))],
            [effects, None, reach],
            [None, None, ordered],
            [None, z_rows, w_rows],
            [None, budget, None],
        ]
    )
    rest = ordered.shape[0] + len(place)
    problem = programme(
        np.concatenate([np.zeros(n), weights[which], np.zeros(w)]),
        matrix,
        np.concatenate([region.row_lower, top, np.zeros(rest), [-np.inf]]),
        np.concatenate([region.row_upper, np.full(len(top) + rest, np.inf), [state.allowed]]),
        lower=np.concatenate([region.lower, np.zeros(k + w)]),
        upper=np.concatenate([region.upper, np.ones(k + w)]),
        integer=np.concatenate([region.integer, np.ones(k, dtype=np.bool_), np.zeros(w, dtype=np.bool_)]) & whole,
    )
    return Mixing(problem, which, n)


def _chain(values: FloatArray, level: float) -> tuple[FloatArray, float, IntArray, IntArray]:
    """One row's chain: its drops h1 - h2, ..., hk - level; its top h1; which open scenarios have a place, and where."""
    members = np.flatnonzero(values > level).astype(np.int64)
    if len(members) == 0:
        return np.zeros(0), level, members, members
    steps, at = np.unique(-values[members], return_inverse=True)
    heights = np.concatenate([-steps, [level]])
    return heights[:-1] - heights[1:], float(heights[0]), members, at.astype(np.int64)


def _blocks(parts: list[FloatArray], starts: IntArray, columns: int) -> sparse.csr_matrix:
    """Row r holds part r from column starts[r] on."""
    data = np.concatenate(parts)
    return sparse.csr_matrix((data, np.arange(len(data)), starts), shape=(len(parts), columns))


def _pairs(plus: IntArray, minus: IntArray, columns: int) -> sparse.csr_matrix:
    """A row for each pair: +1 at one column, -1 at the other."""
    m = len(plus)
    at = np.stack([plus, minus], axis=1).ravel()
    return sparse.csr_matrix((np.tile([1.0, -1.0], m), at, np.arange(0, 2 * m + 1, 2)), shape=(m, columns))
