"""Quotas over reps, and over their products and regions: the smallest odds of attaining one's quota made largest.

A second stage, after budget and effort are settled: quotas do not change what is sold, only the odds of attaining
them. For a level p, the largest quota that a rep attains with probability p is the (1 - p)-quantile of its
bookings. Their sum falls as p rises, so the level at which they sum to the total is found by bisection, and giving
every rep its quantile there, moved only where a limit is in the way, makes the smallest probability largest (any
quota above it would be less likely than p, and lowering one raises another). A smaller total is always easier, so
the total is the least that `over_assignment` and the floors allow, unless the odds that reps are to have are given:
then it is what they all make with those odds, as far as `over_assignment` goes. Instead of the same odds for all, a
band of odds may be allowed: then quotas stay as near to what they are as the band lets them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from solvers.arrays import BoolArray, FloatArray, floats, path_mean
from solvers.levers import Levers, limited, project, round_to_step
from solvers.programme import Programme, programme

BANDS = 201  # bands of odds that are looked at

# The quotas (R,) that each rep attains with probability p; falls as p rises.
Quantiles = Callable[[float], FloatArray]


@dataclass(frozen=True)
class QuotaPlan:
    """Quotas of R reps and the odds of attaining them on the sample paths, before and after.

    `level` is the probability to which odds were evened out (reps at a limit are above or below it); `over_assignment`
    is the quotas' sum over the goal. `odds_before` are those of the reference quotas, None where there were none.
    """

    quotas: FloatArray
    odds: FloatArray
    level: float
    total: float
    over_assignment: float
    odds_before: FloatArray | None

    @property
    def spread(self) -> tuple[float, float]:
        """The smallest and the largest odds over reps."""
        return float(np.min(self.odds)), float(np.max(self.odds))

    @property
    def spread_before(self) -> tuple[float, float] | None:
        """The smallest and the largest odds of the reference quotas."""
        return None if self.odds_before is None else (float(np.min(self.odds_before)), float(np.max(self.odds_before)))


def quota_odds(bookings: FloatArray, quotas: FloatArray) -> FloatArray:
    """The share of paths on which each rep attains its quota: bookings (S, R), quotas (R,) -> (R,)."""
    return np.count_nonzero(bookings >= quotas, axis=0) / bookings.shape[0]


def sample_quantiles(bookings: FloatArray) -> Quantiles:
    """The quantiles of sample paths (S, R): at p = k / S the k-th largest bookings, straight lines between.

    The quota at p is attained on at least the whole number of paths in p S. Below p = 0 and above 1 the lines go on
    (past the best path seen, and down to nothing at p = 2), so that any total can be reached.
    """
    ordered = np.sort(bookings, axis=0)[::-1]
    s = len(ordered)
    beyond = ordered[0] + max(1.0, float(np.mean(ordered[0])))

    def quantiles(p: float) -> FloatArray:
        if p < 0.0:
            return ordered[0] - p * beyond
        if p > 1.0:
            return ordered[-1] * max(0.0, 2.0 - p)
        place = max(0.0, p * s - 1.0)
        k = min(int(place), s - 1)
        return ordered[k] + (place - k) * (ordered[min(k + 1, s - 1)] - ordered[k])

    return quantiles


def even_level(quantiles: Quantiles, levers: Levers, ends: tuple[float, float]) -> tuple[float, FloatArray]:
    """The probability at which the quantiles, kept inside the limits, sum to the total; and the quotas there.

    `ends` are probabilities at which the sum is surely at least, and at most, the total. The levers have one group.
    """
    low, high = ends
    total = float(levers.totals[0])
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if float(np.sum(np.clip(quantiles(middle), levers.lower, levers.upper))) >= total:
            low = middle
        else:
            high = middle
    return low, project(levers, np.clip(quantiles(low), levers.lower, levers.upper))


def within_band(quantiles: Quantiles, levers: Levers, level: float, band: float) -> tuple[Levers, FloatArray]:
    """Quotas nearest to the reference's proportions (Euclidean) with odds in some [p, p + band]; the limits it gives.

    `level` is that of `even_level`. At p the quotas lie between the quantiles of p + band and of p; the total is within
    reach for p from `level - band` to `level`, and of these the one nearest to the reference is found by looking at
    `BANDS` of them. A rep whose own limit is outside the band stays at the limit.
    """
    stands = levers.reference * (float(levers.totals[0]) / max(1e-12, float(np.sum(levers.reference))))
    best, found, nearest = levers, stands, np.inf
    for p in np.linspace(level, level - band, BANDS):
        low, high = (np.clip(quantiles(q), levers.lower, levers.upper) for q in (float(p) + band, float(p)))
        inside = replace(levers, lower=np.minimum(low, high), upper=high)
        quotas = project(inside, stands)
        distance = float(np.sum(((quotas - stands) / levers.totals[0]) ** 2)) + 1e6 * inside.violation(quotas)
        if distance < nearest * (1.0 - 1e-12):
            best, found, nearest = inside, quotas, distance
    return best, found


def allocate_quotas(
    bookings: npt.ArrayLike,
    goal: float,
    *,
    over_assignment: tuple[float, float] = (1.0, 1.0),
    reference: npt.ArrayLike | None = None,
    floors: npt.ArrayLike = 0.0,
    caps: npt.ArrayLike = np.inf,
    change_at_most: float | None = None,
    odds: float | None = None,
    band: float | None = None,
    unit: float = 1.0,
    names: tuple[str, ...] = (),
) -> QuotaPlan:
    """Quotas that make the smallest P(rep attains) largest on the sample paths `bookings` (S, R).

    The quotas sum to the least total within `over_assignment` x goal that the limits allow, in whole `unit`s; with
    `odds`, to the total within it that comes nearest to what every rep makes with that probability.
    With `band` odds need not be even, only within it: quotas are then the nearest such to `reference`.
    Limits are relative to `reference` (R,), without which `change_at_most` has nothing to go by. Raises
    `solvers.levers.ClashingLimits` where no quotas satisfy the limits, ValueError for arrays that do not fit.
    """
    paths = floats(bookings)
    if paths.ndim != 2 or paths.shape[0] == 0 or not np.all(np.isfinite(paths)):
        raise ValueError(f"quotas need bookings as finite numbers by (paths, reps), not an array of {paths.shape}")
    if reference is None and change_at_most is not None:
        raise ValueError("change_at_most of quotas needs reference quotas to change from")
    if reference is None and band is not None:
        raise ValueError("a band of odds needs reference quotas to stay near to")
    if not 0 < over_assignment[0] <= over_assignment[1] or goal <= 0:
        raise ValueError(
            f"over_assignment {over_assignment} must be positive and in order, and the goal {goal} positive"
        )
    r = paths.shape[1]
    stands = np.zeros(r) if reference is None else floats(reference)
    base = np.where(stands > 0, stands, np.mean(stands))
    lowest = np.zeros(r) if change_at_most is None else stands - change_at_most * base
    lowest = np.maximum(lowest, np.broadcast_to(floats(floors), (r,)))
    quantiles = sample_quantiles(paths)
    wanted = np.sum(lowest) if odds is None else np.sum(np.clip(quantiles(odds), lowest, floats(caps)))
    total = _total(float(wanted), (over_assignment[0] * goal, over_assignment[1] * goal), unit)
    levers = limited(
        names or tuple(f"rep {i + 1}" for i in range(r)),
        stands,
        totals=total,
        group_names=("quotas",),
        floors=floors,
        caps=caps,
        change_at_most=change_at_most,
        step=unit,
        unit=unit,
    )
    # Below p = -total every rep's quota alone exceeds the total; at 2 all are nothing.
    level, quotas = even_level(quantiles, levers, (-max(1.0, total), 2.0))
    if band is not None:
        levers, quotas = within_band(quantiles, levers, level, band)
    quotas = round_to_step(levers, quotas)
    return QuotaPlan(
        quotas=quotas,
        odds=quota_odds(paths, quotas),
        level=float(np.clip(level, 0.0, 1.0)),
        total=float(np.sum(quotas)),
        over_assignment=float(np.sum(quotas)) / goal,
        odds_before=None if reference is None else quota_odds(paths, stands),
    )


def near_quota(bookings: FloatArray, quotas: FloatArray, *, share: float = 0.2) -> BoolArray:
    """The `share` of paths on which each rep ends nearest to its quota: (S, R), (R,) -> (S, R), ties to the first."""
    keep = max(1, int(np.ceil(share * len(bookings))))
    near = np.zeros(bookings.shape, dtype=np.bool_)
    first = np.argsort(np.abs(bookings - quotas), axis=0, kind="stable")[:keep]
    np.put_along_axis(near, first, True, axis=0)
    return near


def _total(wanted: float, ends: tuple[float, float], unit: float) -> float:
    """What quotas sum to: as wanted, within the ends, in whole units upwards unless that is past the most."""
    total = float(np.clip(np.ceil(wanted), *ends))
    if unit <= 0:
        return total
    whole = float(np.ceil(total / unit - 1e-9) * unit)
    return whole if whole <= ends[1] * (1 + 1e-12) else float(np.floor(total / unit) * unit)


def contributions_at(cells: FloatArray, quotas: FloatArray, *, share: float = 0.2) -> FloatArray:
    """What each rep's cells bring on the paths that end nearest to its quota: (S, R, C), (R,) -> (R, C).

    The mean over the `share` of paths whose total is nearest, E[cell | total = quota] in the limit (the Euler
    allocation; Tasche 2008, "Capital allocation to business units and sub-portfolios: the Euler principle"), so
    that a split in proportion to it is what making the quota looks like. The plain mean over paths is `share=1`.
    """
    near = near_quota(np.sum(cells, axis=2), quotas, share=share)
    found = np.empty(cells.shape[1:])
    for i in range(len(found)):
        found[i] = path_mean(np.ascontiguousarray(cells[near[:, i], i]))
    return found


def split_quotas(quotas: FloatArray, contributions: FloatArray, *, unit: float = 1.0) -> FloatArray:
    """Each rep's quota (R,) over its cells in proportion to contributions (R, C), in whole units that sum to it.

    A rep whose cells contribute nothing has its quota split evenly over all of them. Raises ValueError where a
    contribution is negative or not finite.
    """
    if not np.all(np.isfinite(contributions)) or np.any(contributions < 0):
        raise ValueError("contributions to quotas must be finite and not negative")
    r, c = contributions.shape
    sums = np.sum(contributions, axis=1, keepdims=True)
    shares = np.where(sums > 0, contributions / np.where(sums > 0, sums, 1.0), 1.0 / c)
    parts = (quotas[:, None] * shares).ravel()
    levers = Levers(
        names=(),
        group=np.repeat(np.arange(r, dtype=np.int64), c),
        totals=quotas.copy(),
        lower=np.zeros(r * c),
        upper=np.where(parts > 0, np.repeat(quotas, c), 0.0),
        reference=parts,
        step=unit,
        unit=unit,
    )
    return round_to_step(levers, parts).reshape(r, c)


def even_cells(
    bookings: FloatArray, quota: float, contributions: FloatArray, *, allowed: float = 0.25, unit: float = 1.0
) -> FloatArray:
    """One quota over its cells: odds of making each as even as their shares allow, in whole units that sum to it.

    `bookings` (S, C) by path; a cell's share is its part of `contributions` (C,), and its quota is at most `allowed` of
    that more or less. Without any contribution the quota is split evenly. Raises ValueError where a contribution is
    negative or not finite.
    """
    shares = split_quotas(np.array([quota]), contributions[None, :], unit=0.0)[0]
    if np.count_nonzero(shares) < 2:
        return split_quotas(np.array([quota]), contributions[None, :], unit=unit)[0]
    c = len(shares)
    levers = Levers(
        names=(),
        group=np.zeros(c, dtype=np.int64),
        totals=np.array([quota]),
        lower=(1.0 - allowed) * shares,
        upper=np.minimum((1.0 + allowed) * shares, quota),
        reference=shares,
        step=unit,
        unit=unit,
    )
    _, parts = even_level(sample_quantiles(bookings), levers, (-max(1.0, quota), 2.0))
    whole = replace(levers, lower=np.zeros(c), upper=np.where(shares > 0.0, quota, 0.0))
    return round_to_step(whole, parts)


def quotas_programme(bookings: FloatArray, total: float, lower: FloatArray, upper: FloatArray) -> Programme:
    """The same decision as a mixed-integer programme, for small cases: maximise t <= share of paths each rep attains.

    Variables: quotas (R), t, then one 0/1 per path and rep (S R, paths first) that may be 1 only where the quota is at
    most the path's bookings. Solved by `solvers.programme.solve`; its objective is the largest smallest probability.
    """
    s, r = bookings.shape
    n = r + 1 + s * r
    big = np.maximum(0.0, upper[None, :] - bookings)
    rows = np.arange(s * r)
    rep = np.tile(np.arange(r), s)
    counts = sparse.csr_matrix((np.full(s * r, 1.0 / s), (rep, r + 1 + rows)), shape=(r, n))
    least = sparse.csr_matrix((np.ones(r), (np.arange(r), np.full(r, r))), shape=(r, n))
    attains = sparse.csr_matrix((np.ones(s * r), (rows, rep)), shape=(s * r, n)) + sparse.csr_matrix(
        (big.ravel(), (rows, r + 1 + rows)), shape=(s * r, n)
    )
    sums = sparse.csr_matrix((np.ones(r), (np.zeros(r, dtype=np.int64), np.arange(r))), shape=(1, n))
    return programme(
        np.concatenate([np.zeros(r), [1.0], np.zeros(s * r)]),
        sparse.vstack([sums, counts - least, attains]),
        np.concatenate([[total], np.zeros(r), np.full(s * r, -np.inf)]),
        np.concatenate([[total], np.full(r, np.inf), (bookings + big).ravel()]),
        lower=np.concatenate([lower, np.zeros(1 + s * r)]),
        upper=np.concatenate([upper, np.ones(1 + s * r)]),
        integer=np.concatenate([np.zeros(r + 1, dtype=np.bool_), np.ones(s * r, dtype=np.bool_)]),
        maximise=True,
    )
