"""How much the months in which deals come to a stage differ, and what is known of each: in odds and in waits.

A month's effect on the log odds of advancing, or on the logarithm of waits, is a first-order autoregression about a
mean. Deals that have ended say how their month was; so do those still open, by not having ended: one of age a advances
with odds that are multiplied by the ratio of the two waits' survival at a. Given spread and persistence the months'
posterior is Laplace's: each month's likelihood by its slope and curvature at the mode. The two are weighed on a grid by
their marginal likelihood; what is returned of each month is summed over the grid.

Sources: Rue, Martino and Chopin (2009), J. R. Stat. Soc. B 71, 319-392 (nested Laplace); Larson and Dinse (1985), Appl.
Statist. 34, 201-211 (open deals as a mixture); DerSimonian and Laird (1986) for what is beyond sampling.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, log_expit, log_ndtr

from engine.fit.incidence import ADVANCED, LOST, OPEN, Floats
from engine.problems import Refused

MONTHS_FROM = 3  # months with at least FEW ended deals, from which months can be told apart
FEW = 5
SDS = np.array([0.01, 0.03, 0.06, 0.1, 0.15, 0.21, 0.28, 0.37, 0.48, 0.62, 0.8, 1.05, 1.4, 1.9, 2.6])
PERSISTENCES = np.array([0.0, 0.2, 0.4, 0.6, 0.75, 0.87, 0.94, 0.98])
MEAN_SD = 2.0  # of the months' mean about all deals', before anything is seen
DRAWS = 32
PRIOR_DF = 4.0  # of the spreads' half-t prior (Gelman 2006): mostly small, but large ones are believed
ODDS_PRIOR, WAITS_PRIOR = 0.4, 0.25  # its scales
ROUNDS = 12
MOST = 12.0  # log units, beyond which a month's effect is no finding
FARTHEST = 3.0  # log units that a month's likelihood is taken to speak beyond where it was looked at
MANY = 20_000  # deals from which those alike are counted together
LOG_ROOT_TWO_PI = 0.9189385332046727

Slopes = Callable[[Floats], tuple[Floats, Floats]]  # of months' values: slopes and curvatures of their likelihoods


@dataclass(frozen=True, slots=True)
class Months:
    """``sd`` of the months' log effects and ``persistence`` from one to the next: posterior means, 95% ranges, and
    equally likely ``draws``. ``mean`` [log scale, about nought offset] and its ``mean_sd``. ``effect`` [K] of each
    month against that mean, and ``effect_sd`` of its value; of that error the month has ``with_mean`` times the mean's,
    and the rest has ``rest_sd`` and the ``tie`` to the next month's rest. ``seen``: months with ended deals, and
    ``ended`` deals they hold."""

    sd: float
    persistence: float
    sd_range: tuple[float, float]
    persistence_range: tuple[float, float]
    draws: tuple[tuple[float, float], ...]
    mean: float
    mean_sd: float
    effect: Floats
    effect_sd: Floats
    with_mean: Floats
    rest_sd: Floats
    tie: Floats
    seen: int
    ended: int

    @property
    def step(self) -> float:
        """Variance by which a month differs from where the one before would have led."""
        return float(np.mean([sd * sd * (1.0 - r * r) for sd, r in self.draws]))


def fit_month_odds(
    month: ArrayLike,
    outcome: ArrayLike,
    offset: ArrayLike,
    alive: ArrayLike,
    alive_lost: ArrayLike,
    months: int,
    *,
    apart: ArrayLike | None = None,
    prior_sd: float = ODDS_PRIOR,
) -> Months:
    """Months' effects on the log odds of advancing.

    Args, by deal: ``month`` 0..``months`` - 1 of coming; ``outcome`` as in ``incidence``; ``offset``, log odds that
    people, products and so on add; ``alive`` and ``alive_lost``, the logarithms of the two waits' survival at its age
    (read of open deals only). ``apart`` [months]: variance by which those who ended a month's deals may have had a
    month of their own, beyond what the month's shares with all. Raises Refused where too few months have ended deals.
    """
    k, c = np.asarray(month, dtype=np.int64), np.minimum(np.asarray(outcome, dtype=np.int64), LOST)
    o = np.asarray(offset, dtype=np.float64)
    ratio = np.nan_to_num(np.asarray(alive, np.float64) - np.asarray(alive_lost, np.float64))
    ended = np.bincount(k[c != OPEN], minlength=months)
    _enough(ended, "conversion")
    mean = float(np.clip(((c == ADVANCED).sum() + 0.5) / (ended.sum() + 1.0), 1e-3, 1 - 1e-3))
    start = float(np.log(mean / (1 - mean)) - o.mean())
    (k, c, o, ratio), deals = _alike(k, c, o, np.where(c == OPEN, np.clip(ratio, -60.0, 60.0), 0.0))
    still, won = c == OPEN, c == ADVANCED

    def slopes(theta: Floats) -> tuple[Floats, Floats]:
        """What an open deal's odds are after not having ended is what it is worth as an observation."""
        eta = theta[k] + o
        p = expit(eta)
        after = np.where(still, expit(eta + ratio), won)
        bend = p * (1.0 - p) - np.where(still, after * (1.0 - after), 0.0)
        slope = np.bincount(k, deals * (after - p), months)
        return slope.astype(np.float64), np.bincount(k, deals * bend, months).astype(np.float64)

    noise = np.zeros(months) if apart is None else np.asarray(apart, dtype=np.float64)
    return _fitted(slopes, start, months, prior_sd, ended, noise)


def _alike(*columns: NDArray[Any]) -> tuple[tuple[NDArray[Any], ...], Floats]:
    """Deals that are alike, to two decimals, as one row with their number; whole numbers stay apart."""
    if len(columns[0]) < MANY:
        return columns, np.ones(len(columns[0]))
    code = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        whole = column if column.dtype == np.int64 else np.round(column * 100.0).astype(np.int64)
        code = code * (int(np.ptp(whole)) + 1) + whole - int(whole.min())
    _, first, counts = np.unique(code, return_index=True, return_counts=True)
    return tuple(column[first] for column in columns), counts.astype(np.float64)


def fit_month_waits(
    month: ArrayLike,
    outcome: ArrayLike,
    time: ArrayLike,
    odds: ArrayLike,
    middles: tuple[float, float],
    sds: tuple[float, float],
    months: int,
    prior_sd: float = WAITS_PRIOR,
) -> Months:
    """Months' effects on the logarithm of waits, those of deals that advance and that are lost alike.

    Args: ``time``, positive, until a deal's end, or its age; ``odds``, a deal's log odds of advancing; the logarithm of
    each wait is taken as normal with ``middles`` and ``sds`` (advancing, lost), an open deal's as beyond its age.
    """
    k, c = np.asarray(month, dtype=np.int64), np.minimum(np.asarray(outcome, dtype=np.int64), LOST)
    t = np.log(np.asarray(time, dtype=np.float64))
    ended = np.bincount(k[c != OPEN], minlength=months)
    _enough(ended, "waits")
    weight, moved = np.zeros(months), np.zeros(months)  # ended deals need no more than their number and their sum
    for cause, m, s in zip((ADVANCED, LOST), middles, sds, strict=True):
        weight += np.bincount(k[c == cause], minlength=months) / s**2
        moved += np.bincount(k[c == cause], t[c == cause] - m, months) / s**2
    still = c == OPEN
    (ko, to, eo), deals = _alike(k[still], t[still], np.clip(np.asarray(odds, dtype=np.float64)[still], -40.0, 40.0))

    def slopes(theta: Floats) -> tuple[Floats, Floats]:
        """Of ended deals the normal's; of open ones that of a mixture of the two waits' survival."""
        parts, hazards = [], []
        for m, s, w in ((middles[0], sds[0], log_expit(eo)), (middles[1], sds[1], log_expit(-eo))):
            z = (to - m - theta[ko]) / s
            survival = log_ndtr(-z)
            parts.append(w + survival)
            hazards.append((np.exp(-0.5 * z * z - LOG_ROOT_TWO_PI - survival), z, s))
        share = expit(parts[0] - parts[1])
        (h1, z1, s1), (h2, z2, s2) = hazards
        g1, g2 = h1 / s1, h2 / s2
        bend = share * (h1 * (h1 - z1) / s1**2) + (1 - share) * (h2 * (h2 - z2) / s2**2)
        bend = deals * (bend - share * (1 - share) * (g1 - g2) ** 2)
        slope = moved - weight * theta + np.bincount(ko, deals * (share * g1 + (1 - share) * g2), months)
        return slope, weight + np.bincount(ko, bend, months)

    return _fitted(slopes, 0.0, months, prior_sd, ended, np.zeros(months))


def _enough(ended: NDArray[np.int64], what: str) -> None:
    seen = int((ended >= FEW).sum())
    if seen < MONTHS_FROM:
        raise Refused(f"{what} by month: {seen} months have {FEW} ended deals or more; {MONTHS_FROM} would suffice")


def _fitted(
    slopes: Slopes, start: float, months: int, prior_sd: float, ended: NDArray[np.int64], noise: Floats
) -> Months:
    """The months' posterior: the mode at the likeliest spread, each spread's evidence there, and the sum over them."""
    grid = np.array(list(itertools.product(SDS, PERSISTENCES)))
    apart = np.abs(np.arange(months)[:, None] - np.arange(months)[None])
    powers = [np.where(apart == 0, 1.0, r**apart if r > 0 else 0.0) for r in PERSISTENCES]
    theta, point = np.full(months, start), (min(0.4, prior_sd / 2), 0.6)
    logs = np.zeros(len(grid))
    for _ in range(3):
        theta = _mode(slopes, theta, start, *point, noise)
        y, weight = _working(slopes, theta, noise)
        for i, (sd, r) in enumerate(grid):
            logs[i] = _evidence(y, weight, start, sd * sd * powers[int(np.searchsorted(PERSISTENCES, r))] + MEAN_SD**2)
        logs -= 0.5 * (PRIOR_DF + 1) * np.log1p((grid[:, 0] / prior_sd) ** 2 / PRIOR_DF)
        point = tuple(grid[int(np.argmax(logs))])
    width = np.array([a * b for a, b in itertools.product(np.gradient(SDS), np.gradient(PERSISTENCES))])
    share = np.exp(logs - logs.max()) * width
    share /= share.sum()
    total = np.zeros(months + 1)
    square = np.zeros((months + 1, months + 1))
    for (sd, r), w in zip(grid, share, strict=True):
        if w < 1e-6:
            continue
        m, v = _posterior(y, weight, start, sd * sd * powers[int(np.searchsorted(PERSISTENCES, r))])
        total += w * m
        square += w * (v + np.outer(m, m))
    if np.abs(total[:months] - total[months]).max() > MOST:
        raise Refused("effects of months: nothing holds them; more ended deals in the last months would")
    covariance = square - np.outer(total, total)
    sds = np.sqrt(np.maximum(np.diag(covariance), 1e-12))
    with_mean = covariance[:months, months] / sds[months] ** 2
    rest = covariance[:months, :months] - sds[months] ** 2 * np.outer(with_mean, with_mean)
    rest_sd = np.sqrt(np.maximum(np.diag(rest), 1e-12))
    tie = np.append(np.diag(rest, 1) / (rest_sd[:-1] * rest_sd[1:]), 0.0)
    own = share.reshape(len(SDS), len(PERSISTENCES))
    by_sd, by_r = own.sum(axis=1), own.sum(axis=0)
    order = np.lexsort((grid[:, 1], grid[:, 0]))
    at = np.searchsorted(np.cumsum(share[order]), (np.arange(DRAWS) + 0.5) / DRAWS)
    rows = grid[order[np.minimum(at, len(order) - 1)]]
    return Months(
        float(by_sd @ SDS),
        float(by_r @ PERSISTENCES),
        _range(SDS, by_sd),
        _range(PERSISTENCES, by_r),
        tuple((float(a), float(b)) for a, b in rows),
        float(total[months]),
        float(sds[months]),
        total[:months] - total[months],
        sds[:months],
        np.clip(with_mean, -1.0, 2.0),
        rest_sd,
        np.clip(tie, -1.0, 1.0),
        int((ended >= FEW).sum()),
        int(ended.sum()),
    )


def _mode(slopes: Slopes, theta: Floats, start: float, sd: float, persistence: float, noise: Floats) -> Floats:
    months = len(theta)
    apart = np.abs(np.arange(months)[:, None] - np.arange(months)[None])
    prior = sd * sd * np.where(apart == 0, 1.0, persistence**apart if persistence > 0 else 0.0) + MEAN_SD**2
    for _ in range(ROUNDS):
        y, weight = _working(slopes, theta, noise)
        new = _shrunk(y, weight, start, prior)[0]
        change = np.clip(new - theta, -1.5, 1.5)
        theta = theta + change
        if np.abs(change).max() < 1e-6:
            break
    return theta


def _working(slopes: Slopes, theta: Floats, noise: Floats) -> tuple[Floats, Floats]:
    """What each month's likelihood comes to near theta: an observation y of it with so much weight (1 / variance), the
    variance of ``noise`` on top. Deals that have not ended may bend it upwards, where it speaks for no value but for
    more, or less, and only so far as it rises: y is never farther from theta than ``FARTHEST``."""
    slope, bend = slopes(theta)
    weight = np.maximum(bend, np.maximum(np.abs(slope) / FARTHEST, 1e-9))
    return theta + slope / weight, weight / (1.0 + weight * noise)


def _shrunk(y: Floats, weight: Floats, start: float, prior: Floats) -> tuple[Floats, Floats]:
    """Mean and covariance of the months given y and a normal prior about start, without dividing by a weight of 0."""
    root = np.sqrt(weight)
    inner = np.eye(len(y)) + root[:, None] * prior * root
    gain = prior * root @ np.linalg.inv(inner) * root
    return start + gain @ (y - start), prior - gain @ prior


def _evidence(y: Floats, weight: Floats, start: float, prior: Floats) -> float:
    root = np.sqrt(weight)
    inner = np.eye(len(y)) + root[:, None] * prior * root
    factor = np.linalg.cholesky(inner)
    white = np.linalg.solve(factor, root * (y - start))
    return -0.5 * float(white @ white) - float(np.log(np.diag(factor)).sum())


def _posterior(y: Floats, weight: Floats, start: float, effects: Floats) -> tuple[Floats, Floats]:
    """[K + 1] mean and covariance of the months' values and, last, of their mean."""
    months = len(y)
    prior = np.empty((months + 1, months + 1))
    prior[:months, :months] = effects + MEAN_SD**2
    prior[months] = prior[:, months] = MEAN_SD**2
    return _shrunk(np.append(y, start), np.append(weight, 0.0), start, prior)


def _range(values: Floats, share: Floats) -> tuple[float, float]:
    """The central 95% of a density on a grid, each value's weight spread over its own cell."""
    middle = (values[1:] + values[:-1]) / 2
    edges = np.concatenate(
        [[max(0.0, 1.5 * values[0] - 0.5 * values[1])], middle, [1.5 * values[-1] - 0.5 * values[-2]]]
    )
    if values[-1] < 1:
        edges[-1] = min(edges[-1], 0.995)
    cumulated = np.concatenate([[0.0], np.cumsum(share)])
    return float(np.interp(0.025, cumulated, edges)), float(np.interp(0.975, cumulated, edges))
