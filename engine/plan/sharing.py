"""Who would do the work at best: leads that any of several reps may take, shared so that the largest load is smallest.

The mean funnel's stand-in for `least_loaded` routing, which sends a lead to whoever is free. The loads are the
lexicographic min-max: the largest as small as can be, then the next largest, and so on, each found by a linear program.
Many ways of sharing may give these loads. Taken is one in which each rep has one weight, by which all the work that the
rep shares is drawn towards them, so that equal reps get equal parts of everything.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
TIGHT = 1e-9  # a smaller dual price says nothing
SAME = 1e-6  # of loads, and of shares against nothing
ROUNDS = 2_000


def best_shares(work: Floats, may: Mask, fixed: Floats, there: Floats) -> Floats:
    """[pieces, reps]: how each piece of work is shared by the reps who may take it; its shares sum to one.

    `work` [pieces, reps] is the hours that a piece takes if one rep does it all; `fixed` and `there` [reps] are the
    hours of work that is not shared and the hours there are. A piece goes to reps without hours only where nobody else
    may take it, then evenly.
    """
    usable: Mask = np.logical_and(may, there > 0.0)
    shares = np.where(usable.any(axis=1, keepdims=True), usable, may).astype(np.float64)
    shares /= np.maximum(shares.sum(axis=1), 1.0)[:, None]
    open_ = np.flatnonzero((usable.sum(axis=1) > 1) & (work * usable > 0.0).any(axis=1))
    if not len(open_):
        return shares
    alone = np.setdiff1d(np.arange(len(work)), open_)
    own = fixed + (shares[alone] * work[alone]).sum(axis=0)
    hours, which, kinds = _merged(work[open_], usable[open_])
    found = _shared(hours, kinds, own, there)
    if found is not None:
        shares[open_] = found[which]
    return shares


def together(work: Floats, shares: Floats) -> Ints:
    """[reps]: a number for each set of reps who share work, directly or through others; a rep alone is a set of one."""
    used = (shares > SAME) & (work > 0.0)
    pieces, reps = np.nonzero(used)
    size = len(work) + work.shape[1]
    links = coo_array((np.ones(len(pieces)), (pieces + work.shape[1], reps)), shape=(size, size))
    labels = connected_components(links, directed=False)[1][: work.shape[1]]
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def _merged(work: Floats, may: Mask) -> tuple[Floats, Ints, Mask]:
    """Pieces that the same reps may take, at the same relative effort, as one: work, piece -> kind, may by kind."""
    masked = work * may
    relative = np.round(masked / masked.max(axis=1)[:, None], 12)
    kinds, first, which = np.unique(np.hstack([may, relative]), axis=0, return_index=True, return_inverse=True)
    hours = np.zeros((len(kinds), work.shape[1]))
    np.add.at(hours, which.ravel(), masked)
    return hours, which.ravel().astype(np.int64), may[first]


def _shared(work: Floats, may: Mask, fixed: Floats, there: Floats) -> Floats | None:
    """Shares of the merged kinds; None where the program fails, which leaves them even."""
    solved = _levels(work, may, fixed, there)
    if solved is None:
        return None
    levels, corner = solved
    # Who is at a higher level than another takes nothing of what both may take.
    lowest = np.where(may, levels, np.inf).min(axis=1)
    used = may & (levels <= lowest[:, None] + SAME * np.maximum(1.0, lowest[:, None]))
    target = np.maximum(np.where(there > 0.0, levels, 0.0) * there - fixed, 0.0)
    weight = np.ones(len(there))
    for _ in range(ROUNDS):
        pulled = used * weight
        shares = pulled / np.maximum(pulled.sum(axis=1), 1e-300)[:, None]
        taken = (shares * work).sum(axis=0)
        if np.all(np.abs(taken - target) <= SAME * np.maximum(there, 1.0) * 1e-2):
            break
        weight *= np.divide(target, taken, out=np.ones_like(taken), where=taken > 0.0)
        weight /= max(weight.max(), 1e-300)
    near = np.all(np.abs(taken - target) <= 1e-3 * np.maximum(there, 1.0))
    return shares if near and np.allclose(shares.sum(axis=1), 1.0) else corner


def _levels(work: Floats, may: Mask, fixed: Floats, there: Floats) -> tuple[Floats, Floats] | None:
    """[reps] loads (hours over hours there) of the lexicographic min-max, and shares, a corner, that give them."""
    kinds, reps = np.nonzero(may)
    count, n = len(kinds), len(there)
    levels = np.divide(fixed, there, out=np.full(n, np.inf), where=there > 0.0)
    sharing = np.unique(reps)
    row_of = {int(rep): row for row, rep in enumerate(sharing)}
    rows = np.array([row_of[int(rep)] for rep in reps])
    load = np.zeros((len(sharing), count))
    load[rows, np.arange(count)] = work[kinds, reps] / there[reps]
    whole = np.zeros((len(work), count + 1))
    whole[kinds, np.arange(count)] = 1.0
    base = levels[sharing]
    settled = np.zeros(len(sharing), dtype=np.bool_)
    caps = np.zeros(len(sharing))
    shares = np.zeros_like(work)
    cost = np.zeros(count + 1)
    cost[-1] = 1.0
    while not settled.all():
        matrix = np.hstack([load, np.where(settled, 0.0, -1.0)[:, None]])
        limits = np.where(settled, caps * (1.0 + TIGHT), 0.0) - base
        found = linprog(cost, A_ub=matrix, b_ub=limits, A_eq=whole, b_eq=np.ones(len(work)), method="highs")
        if found.status != 0:
            return None
        best = np.asarray(found.x)
        level = float(best[-1])
        price = np.where(settled, 0.0, -np.asarray(found.ineqlin.marginals))
        tight = price > TIGHT if (price > TIGHT).any() else ~settled
        caps[tight & ~settled] = level
        settled |= tight
        shares[kinds, reps] = np.clip(best[:-1], 0.0, 1.0)
    levels[sharing] = caps
    return levels, shares / shares.sum(axis=1)[:, None]
