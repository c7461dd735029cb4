"""Work in balance: each rep's within a band about the mean of comparable reps, as limits on what may be moved.

Work is straight in the responses of the levers (leads of a budget line, shares of leads, hours), and so are the limits:
with w the work of a rep for each hour there is, and m the same of its whole group, (1 - band) m <= w <= (1 + band) m.
Where a response is curved the rows are taken along its slopes at a point (`region_at`), and a point is moved into the
limits by doing so again and again (`inside`); what is reported is never the straight rows but `violation`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from solvers.arrays import FloatArray, IntArray
from solvers.clashes import clashing_limits
from solvers.levers import ClashingLimits, Levers, Limit
from solvers.polyhedron import Polyhedron, nearest, of_levers, polyhedron
from solvers.programme import programme, solve, stacked

ROUNDS = 30  # of straightening and moving
INSIDE = 1e-4  # of the mean: how far inside the band moves end, so that rounding leaves them there
ENOUGH = 1e-9


@dataclass(frozen=True, eq=False)
class Balance:
    """Work (R,) = base + units (R, V) @ response(x), for `hours` (R,) there are, compared within groups (R,).

    A rep of group -1, or with no hours, is compared with nobody. `slopes(x)` (V,) are the response's.
    """

    names: tuple[str, ...]
    base: FloatArray
    units: FloatArray
    hours: FloatArray
    group: IntArray
    within: float
    response: Callable[[FloatArray], FloatArray]
    slopes: Callable[[FloatArray], FloatArray]

    def work(self, x: FloatArray) -> FloatArray:
        """The work of each rep (R,) at an allocation."""
        return self.base + np.einsum("rv,v->r", self.units, self.response(x))

    def deviations(self, x: FloatArray) -> FloatArray:
        """How far each rep's work for an hour is from its group's, relative to it (R,); 0 for who is not compared."""
        return deviations(self.work(x), self.hours, self.group)

    def violation(self, x: FloatArray) -> float:
        """By how much the worst rep is outside the band, relative to the group's mean."""
        return float(max(0.0, np.max(np.abs(self.deviations(x)), initial=0.0) - self.within))

    def binding(self, x: FloatArray, slack: float = 1e-3) -> tuple[str, ...]:
        """ "above" or "below" for the reps who stand at a limit of the band, "" for the others."""
        off = self.deviations(x)
        near = np.abs(off) >= self.within - slack
        return tuple(("above" if d > 0 else "below") if at else "" for d, at in zip(off, near, strict=True))

    def rows(self, x: FloatArray, within: float) -> tuple[FloatArray, FloatArray]:
        """Rows (2 R', V) and limits (2 R',) with rows @ y <= limits, along the slopes at x; in means of the group."""
        compared = self.compared
        means, size = self._means(), np.maximum(1e-12, _by_group(self.work(x), self.hours, self.group))
        own = np.diag(1.0 / np.maximum(1e-12, self.hours)) / size[:, None]
        shared = means / size[:, None]
        work, slope = self.work(x), self.units * self.slopes(x)
        sides = []
        for sign in (1.0, -1.0):
            side = sign * own - (sign + within) * shared
            here, gradient = side @ work, side @ slope
            sides.append((gradient[compared], (gradient @ x - here)[compared]))
        return np.concatenate([s[0] for s in sides]), np.concatenate([s[1] for s in sides])

    @property
    def compared(self) -> IntArray:
        """The reps (positions) whom somebody is comparable to."""
        usable = (self.group >= 0) & (self.hours > 0.0)
        sizes = np.bincount(self.group[usable], minlength=int(self.group.max(initial=-1)) + 1)
        return np.flatnonzero(usable & (sizes[np.maximum(self.group, 0)] > 1)).astype(np.int64)

    def _means(self) -> FloatArray:
        """The matrix (R, R) that makes work into the group's work for an hour."""
        same = (self.group[:, None] == self.group[None, :]) & (self.group >= 0)[:, None] & (self.hours > 0.0)[None, :]
        hours = np.maximum(1e-12, same @ self.hours)
        return same / hours[:, None]


def _by_group(work: FloatArray, hours: FloatArray, group: IntArray) -> FloatArray:
    """Each rep's group's work for an hour (R,)."""
    usable = (group >= 0) & (hours > 0.0)
    n = int(group.max(initial=-1)) + 1
    sums = np.bincount(group[usable], work[usable], minlength=n)
    there = np.bincount(group[usable], hours[usable], minlength=n)
    mean = np.divide(sums, there, out=np.zeros(n), where=there > 0.0)
    return np.where(usable, mean[np.maximum(group, 0)], 0.0) if n else np.zeros(len(work))


def deviations(work: FloatArray, hours: FloatArray, group: IntArray) -> FloatArray:
    """How far each rep's work for an hour is from its group's, relative to it (R,); 0 where nothing is compared."""
    mean = _by_group(work, hours, group)
    load = np.divide(work, hours, out=np.zeros(len(work)), where=hours > 0.0)
    return np.where(mean > 0.0, load / np.where(mean > 0.0, mean, 1.0) - 1.0, 0.0)


def region_at(levers: Levers, balance: Balance, x: FloatArray, *, inner: float = INSIDE) -> Polyhedron:
    """The levers' limits and the band, `inner` of the mean narrower, along the slopes at x."""
    limits = of_levers(levers).limits
    matrix, upper = balance.rows(x, max(0.0, balance.within - inner))
    return polyhedron(
        sparse.vstack([limits.matrix, sparse.csr_matrix(matrix)]),
        np.append(limits.row_lower, np.full(len(upper), -np.inf)),
        np.append(limits.row_upper, upper),
        lower=limits.lower,
        upper=limits.upper,
    )


def inside(levers: Levers, balance: Balance, x: FloatArray, *, inner: float = INSIDE) -> FloatArray | None:
    """A point near x within the levers' limits and the band; None where none is found."""
    at = x
    for _ in range(ROUNDS):
        found = nearest(region_at(levers, balance, at, inner=inner), x)
        if found is None:
            found = least_broken(levers, balance, at)
        if found is None:
            return None
        if balance.violation(found) <= ENOUGH:
            return found
        at = found
    return None


def least_broken(levers: Levers, balance: Balance, x: FloatArray) -> FloatArray | None:
    """The allocation that is outside the band by the least, along the slopes at x (LP)."""
    region = region_at(levers, balance, x).limits
    rows = region.shape[0] - len(levers.totals)
    give = np.append(np.zeros(len(levers.totals)), -np.ones(rows))[:, None]
    scale = np.maximum(1e-12, levers.scale())
    found = solve(
        programme(
            np.append(np.zeros(len(x)), 1.0),
            stacked([[region.matrix @ sparse.diags(scale), sparse.csr_matrix(give)]]),
            region.row_lower,
            region.row_upper,
            lower=np.append(region.lower / scale, 0.0),
            upper=np.append(region.upper / scale, np.inf),
        )
    )
    return None if found.x is None else np.clip(found.x[: len(x)] * scale, levers.lower, levers.upper)


def least_band(levers: Levers, balance: Balance, x: FloatArray) -> tuple[float, FloatArray]:
    """How far from the mean the worst rep must be at the least, as far as is found from x, and the point there."""
    best, at = x, x
    for _ in range(ROUNDS):
        found = least_broken(levers, balance, at)
        if found is None:
            break
        if balance.violation(found) >= balance.violation(best) - ENOUGH:
            break
        best = at = found
    return float(np.max(np.abs(balance.deviations(best)), initial=0.0)), best


def refuse_unbalanced(levers: Levers, balance: Balance, x: FloatArray, *, group_names: tuple[str, ...] = ()) -> None:
    """Raises `ClashingLimits` naming limits that cannot hold with the band, along the slopes at x, where none can."""
    v, g, scale = len(x), len(levers.totals), np.maximum(1e-12, levers.scale())
    matrix, upper = balance.rows(x, balance.within)
    reps = [balance.names[i] for i in balance.compared.tolist()]
    total = of_levers(levers).limits
    lows = levers.low_kinds or ("floor",) * v
    highs = levers.high_kinds or ("cap",) * v
    called = group_names or tuple("budget" if g == 1 else f"group {i + 1}" for i in range(g))
    named = [Limit("total", name) for name in called]
    named += [Limit("territory", rep) for rep in (*reps, *reps)]
    named += [Limit(kind, name) for kinds in (lows, highs) for kind, name in zip(kinds, levers.names, strict=True)]
    eye = sparse.identity(v)
    found = clashing_limits(
        programme(
            np.zeros(v),
            sparse.vstack([total.matrix @ sparse.diags(scale), sparse.csr_matrix(matrix * scale), eye, eye]),
            np.concatenate([total.row_lower, np.full(len(upper), -np.inf), levers.lower / scale, np.full(v, -np.inf)]),
            np.concatenate([total.row_upper, upper, np.full(v, np.inf), levers.upper / scale]),
            lower=-np.inf,
            row_names=tuple(str(limit) for limit in named),
        )
    )
    if found:
        by_name = {str(limit): limit for limit in named}
        raise ClashingLimits(tuple(by_name[name] for name in found))
