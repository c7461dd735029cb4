"""Lead flow from counts by month: level, trend, the season of the calendar's months, and how much chance adds to it.

A count is negative binomial, a Poisson number whose mean a gamma factor moves month by month: log mean = level + trend
+ season + regressors (a holiday that moves, working days). Season and trend are shrunk by normal priors, each
regressor's effect has one of its own; the season's spread and the gamma's are summed over on a grid with their
(Laplace) marginal likelihood, so that a season is believed as far as repeated years support it and the level's interval
knows about the months' own ups and downs.

Sources: Cameron and Trivedi (2013), ch. 3 (negative binomial 2); Rue, Martino and Chopin (2009) for the nested sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from engine.fit.incidence import Floats
from engine.problems import Refused

YEAR = 12
REST = 2 + YEAR  # columns of level, trend and season; regressors come after them
SEASON_FROM = 24  # months from which a season can be told from chance
TREND_FROM = 18
SPREADS = np.array([0.02, 0.06, 0.12, 0.2, 0.32, 0.5, 0.8])  # of the months' log factors
_CV = np.array([0.003, 0.04, 0.07, 0.1, 0.13, 0.165, 0.2, 0.25, 0.31, 0.38, 0.47, 0.6, 0.8, 1.1])
EXTRA = _CV**2  # variance of the gamma factor
TREND_SD = 0.25  # a year, of the logarithm


@dataclass(frozen=True, slots=True, eq=False)
class Regressor:
    """What moves the logarithm of a month's mean beside trend and season: ``seen[M]`` in the history's months,
    ``coming[12]`` in the coming year's January to December; its effect is normal a priori."""

    name: str
    seen: Floats
    coming: Floats
    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class Arrivals:
    """``per_month`` expected leads at ``ahead`` months past the last one; ``season[12]``, January first, mean 1.

    ``level_sd`` of the level's logarithm, ``growth`` of the logarithm in a year with its ``growth_sd``, ``season_sd``
    of a month's log factor, ``effects`` each regressor's with its sd, ``overdispersion`` the variance of the gamma
    factor.
    ``months`` and ``leads`` it all rests on; ``recent`` and ``earlier``: monthly means of the last four months and of
    the (at most eight) before them. ``missing``: what could not be fitted, and what would suffice.
    """

    per_month: float
    season: tuple[float, ...]
    months: int
    leads: int
    recent: float
    earlier: float
    shrinkage: float  # of the season: 0 flat, 1 as seen
    dispersion: float  # variance of the monthly counts around their means, over those means (1 = Poisson)
    level_sd: float = 0.0
    growth: float = 0.0
    growth_sd: float = 0.0
    season_sd: float = 0.0
    effects: dict[str, tuple[float, float]] = field(default_factory=dict)
    overdispersion: float = 0.0
    overdispersion_range: tuple[float, float] = (0.0, 0.0)
    missing: tuple[str, ...] = ()


def fit_arrivals(
    counts: ArrayLike, first_month: int, *, ahead: float = 0.0, regressors: Sequence[Regressor] = ()
) -> Arrivals:
    """Level, trend, season and overdispersion from ``counts[M]`` of complete, consecutive months, the first in calendar
    month 1..12.

    The season returned contains the ``regressors`` of the coming year. One that never varies, or of a history too short
    for a season, is left out. Raises Refused for no month at all.
    """
    n = np.asarray(counts, dtype=np.float64)
    if not len(n):
        raise Refused("no complete month of leads; one complete calendar month of created deals would suffice")
    months = (first_month - 1 + np.arange(len(n))) % YEAR
    seasonal, trended = len(n) >= SEASON_FROM, len(n) >= TREND_FROM
    kept = [r for r in regressors if seasonal and np.ptp(r.seen) > 0]
    missing = []
    if not seasonal:
        lacking = ("season", *(r.name for r in regressors))
        missing += [f"{what}: {len(n)} complete months are there, {SEASON_FROM} would suffice" for what in lacking]
    if not trended:
        missing.append(f"trend: {len(n)} complete months are there, {TREND_FROM} would suffice")
    time = (np.arange(len(n)) - (len(n) - 1) - 0.5 - ahead) / YEAR  # 0 where the level is asked for
    dummies = np.eye(YEAR)[months]
    x = np.column_stack([np.ones(len(n)), time * trended, dummies * seasonal, *(r.seen for r in kept)])
    weight, beta, covariance = _weighed(x, n, kept, seasonal)
    middle = weight @ beta
    if not seasonal:
        middle[2:] = 0.0
    by_month = np.column_stack([np.eye(YEAR) * seasonal, *(r.coming for r in kept)])  # of a month's log factor
    logs = by_month @ middle[2:]
    share = np.exp(logs) / np.exp(logs).sum()
    level, level_sd = _mixture(weight, beta, covariance, np.r_[1.0, 0.0, share @ by_month])
    level = float(middle[0] + np.log(np.exp(logs).mean()))
    own = np.eye(x.shape[1])
    growth, growth_sd = _mixture(weight, beta, covariance, own[1])
    effects = {r.name: _mixture(weight, beta, covariance, own[REST + k]) for k, r in enumerate(kept)}
    contrasts = by_month - share @ by_month
    contrast = [_mixture(weight, beta, covariance, np.r_[0.0, 0.0, row])[1] for row in contrasts]
    season = np.exp(logs) / np.exp(logs).mean()
    extra = np.bincount(np.arange(len(weight)) % len(EXTRA), weight)
    cumulated = np.cumsum(extra) - extra / 2
    mean = np.exp(x @ middle)
    last = n[-YEAR:]
    recent, earlier = last[-4:], last[:-4]
    raw = np.array([np.log(max(n[months == m].mean(), 0.5)) if (months == m).any() else 0.0 for m in range(YEAR)])
    seen = float(np.std(raw - raw.mean())) if seasonal else 0.0
    return Arrivals(
        float(np.exp(level)),
        tuple(float(s) for s in season),
        len(n),
        int(n.sum()),
        float(recent.mean()),
        float(earlier.mean()) if len(earlier) else float(recent.mean()),
        min(1.0, float(np.std(logs)) / seen) if seen > 0 else 0.0,
        float(np.sum((n - mean) ** 2 / np.maximum(mean, 1e-12)) / max(1, len(n) - 1)),
        level_sd,
        growth if trended else 0.0,
        growth_sd if trended else 0.0,
        float(np.mean(contrast)) if seasonal else 0.0,
        effects,
        float(extra @ EXTRA) if len(n) >= 6 else 0.0,
        (float(np.interp(0.025, cumulated, _CV)) ** 2, float(np.interp(0.975, cumulated, _CV)) ** 2),
        tuple(missing),
    )


def _weighed(x: Floats, n: Floats, kept: Sequence[Regressor], seasonal: bool) -> tuple[Floats, Floats, Floats]:
    """Weights [G] of the grid's season's spreads and overdispersions (these within those), with modes and covariances
    at each."""
    spreads = SPREADS if seasonal else SPREADS[:1]
    grid = np.array([(s, e) for s in spreads for e in EXTRA])
    prior = np.zeros((len(grid), x.shape[1]))
    prior[:, 0] = 1e-6
    prior[:, 1] = TREND_SD**-2
    prior[:, 2:REST] = grid[:, :1] ** -2.0
    prior[:, REST:] = [r.sd**-2.0 for r in kept]
    around = np.concatenate([np.zeros(REST), [r.mean for r in kept]])
    beta, covariance, evidence = _laplace(x, n, grid[:, 1], prior, around)
    evidence += -0.5 * (grid[:, 0] / 0.4) ** 2 + np.log(grid[:, 0]) if seasonal else 0.0
    evidence += -0.5 * grid[:, 1] / 0.35**2  # half-normal in the factor's coefficient of variation
    weight = np.exp(evidence - evidence.max()) * np.gradient(_CV)[np.arange(len(grid)) % len(EXTRA)]
    if seasonal:
        weight = weight * np.repeat(np.gradient(SPREADS), len(EXTRA))
    return weight / weight.sum(), beta, covariance


def _laplace(x: Floats, n: Floats, extra: Floats, prior: Floats, around: Floats) -> tuple[Floats, Floats, Floats]:
    """Modes [G, p], covariances [G, p, p] and log evidences [G] for each variance of the gamma factor and each prior's
    precisions, its means being ``around[p]``."""
    beta = np.zeros((len(extra), x.shape[1]))
    beta[:, 0] = np.log(max(float(n.mean()), 0.25))
    a = extra[:, None]
    for _ in range(60):
        mean = np.exp(np.clip(beta @ x.T, -30, 30))
        slope = (n - mean) / (1 + a * mean)
        bend = mean * (1 + a * n) / (1 + a * mean) ** 2
        information = np.einsum("gm,mi,mj->gij", bend, x, x) + np.einsum("gi,ij->gij", prior, np.eye(x.shape[1]))
        gradient = slope @ x - prior * (beta - around)
        step = np.linalg.solve(information, gradient[..., None])[..., 0]
        size = np.abs(step).max(axis=1, keepdims=True)
        beta = beta + step * np.minimum(1.0, 1.0 / np.maximum(size, 1e-300))
        if size.max() < 1e-8:
            break
    eta = np.clip(beta @ x.T, -30, 30)
    mean = np.exp(eta)
    k = 1 / a
    likelihood = (
        gammaln(n + k) - gammaln(k) - gammaln(n + 1) + n * (np.log(a) + eta) - (n + k) * np.log1p(a * mean)
    ).sum(axis=1)
    likelihood += -0.5 * (prior * (beta - around) ** 2).sum(axis=1) + 0.5 * np.log(prior).sum(axis=1)
    evidence = likelihood - 0.5 * np.linalg.slogdet(information)[1]
    return beta, np.linalg.inv(information), evidence


def _mixture(weight: Floats, beta: Floats, covariance: Floats, of: Floats) -> tuple[float, float]:
    """Mean and standard deviation of a linear function of the parameters over the grid."""
    means = beta @ of
    variances = np.einsum("i,gij,j->g", of, covariance, of)
    mean = float(weight @ means)
    return mean, float(np.sqrt(weight @ (variances + (means - mean) ** 2)))
