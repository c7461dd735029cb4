"""Lead flow from counts by month: level, trend, the season of the calendar's months, and how much chance adds to it.

A count is negative binomial, a Poisson number whose mean a gamma factor moves month by month: log mean = level + trend
+ season + covariate (the days of a holiday that moves, say). Season and trend are shrunk by normal priors; the season's
spread and the gamma's are summed over on a grid with their (Laplace) marginal likelihood, so that a season is believed
as far as repeated years support it and the level's interval knows about the months' own ups and downs.

Sources: Cameron and Trivedi (2013), ch. 3 (negative binomial 2); Rue, Martino and Chopin (2009) for the nested sum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from engine.fit.incidence import Floats
from engine.problems import Refused

YEAR = 12
SEASON_FROM = 24  # months from which a season can be told from chance
TREND_FROM = 18
SPREADS = np.array([0.02, 0.06, 0.12, 0.2, 0.32, 0.5, 0.8])  # of the months' log factors
_CV = np.array([0.003, 0.04, 0.07, 0.1, 0.13, 0.165, 0.2, 0.25, 0.31, 0.38, 0.47, 0.6, 0.8, 1.1])
EXTRA = _CV**2  # variance of the gamma factor
TREND_SD = 0.25  # a year, of the logarithm
COVARIATE_SD = 0.7


@dataclass(frozen=True, slots=True)
class Arrivals:
    """``per_month`` expected leads at ``ahead`` months past the last one; ``season[12]``, January first, mean 1.

    ``level_sd`` of the level's logarithm, ``growth`` of the logarithm in a year with its ``growth_sd``, ``season_sd``
    of a month's log factor, ``covariate`` its effect with its sd, ``overdispersion`` the variance of the gamma factor.
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
    covariate: tuple[float, float] = (0.0, 0.0)
    overdispersion: float = 0.0
    overdispersion_range: tuple[float, float] = (0.0, 0.0)
    missing: tuple[str, ...] = ()


def fit_arrivals(
    counts: ArrayLike,
    first_month: int,
    *,
    ahead: float = 0.0,
    covariate: ArrayLike | None = None,
    coming: ArrayLike | None = None,
) -> Arrivals:
    """Level, trend, season and overdispersion from ``counts[M]`` of complete, consecutive months, the first in calendar
    month 1..12.

    ``covariate[M]``: a regressor of the months seen; ``coming[12]``: its values in the coming year's January to
    December, which the season returned contains. Raises Refused for no month at all.
    """
    n = np.asarray(counts, dtype=np.float64)
    if not len(n):
        raise Refused("no complete month of leads; one complete calendar month of created deals would suffice")
    months = (first_month - 1 + np.arange(len(n))) % YEAR
    moved = np.zeros(len(n)) if covariate is None else np.asarray(covariate, dtype=np.float64)
    future = np.zeros(YEAR) if coming is None else np.asarray(coming, dtype=np.float64)
    seasonal, trended = len(n) >= SEASON_FROM, len(n) >= TREND_FROM
    with_covariate = seasonal and bool(np.ptp(moved) > 0)
    missing = []
    if not seasonal:
        missing.append(f"season: {len(n)} complete months are there, {SEASON_FROM} would suffice")
    if not trended:
        missing.append(f"trend: {len(n)} complete months are there, {TREND_FROM} would suffice")
    time = (np.arange(len(n)) - (len(n) - 1) - 0.5 - ahead) / YEAR  # 0 where the level is asked for
    dummies = np.eye(YEAR)[months]
    x = np.column_stack([np.ones(len(n)), time * trended, moved * with_covariate, dummies * seasonal])
    spreads = SPREADS if seasonal else SPREADS[:1]
    grid = np.array([(s, e) for s in spreads for e in EXTRA])
    prior = np.zeros((len(grid), x.shape[1]))
    prior[:, 0] = 1e-6
    prior[:, 1] = TREND_SD**-2
    prior[:, 2] = COVARIATE_SD**-2
    prior[:, 3:] = grid[:, :1] ** -2.0
    beta, covariance, evidence = _laplace(x, n, grid[:, 1], prior)
    evidence += -0.5 * (grid[:, 0] / 0.4) ** 2 + np.log(grid[:, 0]) if seasonal else 0.0
    evidence += -0.5 * grid[:, 1] / 0.35**2  # half-normal in the factor's coefficient of variation
    weight = np.exp(evidence - evidence.max()) * np.gradient(_CV)[np.arange(len(grid)) % len(EXTRA)]
    if seasonal:
        weight = weight * np.repeat(np.gradient(SPREADS), len(EXTRA))
    weight /= weight.sum()
    middle = weight @ beta
    if not seasonal:
        middle[3:] = 0.0
    logs = middle[3:] + middle[2] * future
    share = np.exp(logs) / np.exp(logs).sum()
    of_level = np.concatenate([[1.0, 0.0], [share @ future], share * seasonal])
    level, level_sd = _mixture(weight, beta, covariance, of_level)
    level = float(middle[0] + np.log(np.exp(logs).mean()))
    growth, growth_sd = _mixture(weight, beta, covariance, np.eye(x.shape[1])[1])
    effect = _mixture(weight, beta, covariance, np.eye(x.shape[1])[2]) if with_covariate else (0.0, 0.0)
    contrast = [_mixture(weight, beta, covariance, np.r_[0, 0, 0, np.eye(YEAR)[m] - share])[1] for m in range(YEAR)]
    season = np.exp(logs) / np.exp(logs).mean()
    extra = np.bincount(np.arange(len(grid)) % len(EXTRA), weight)
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
        effect,
        float(extra @ EXTRA) if len(n) >= 6 else 0.0,
        (float(np.interp(0.025, cumulated, _CV)) ** 2, float(np.interp(0.975, cumulated, _CV)) ** 2),
        tuple(missing),
    )


def _laplace(x: Floats, n: Floats, extra: Floats, prior: Floats) -> tuple[Floats, Floats, Floats]:
    """Modes [G, p], covariances [G, p, p] and log evidences [G] for each variance of the gamma factor and prior."""
    beta = np.zeros((len(extra), x.shape[1]))
    beta[:, 0] = np.log(max(float(n.mean()), 0.25))
    a = extra[:, None]
    for _ in range(60):
        mean = np.exp(np.clip(beta @ x.T, -30, 30))
        slope = (n - mean) / (1 + a * mean)
        bend = mean * (1 + a * n) / (1 + a * mean) ** 2
        information = np.einsum("gm,mi,mj->gij", bend, x, x) + np.einsum("gi,ij->gij", prior, np.eye(x.shape[1]))
        gradient = slope @ x - prior * beta
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
    likelihood += -0.5 * (prior * beta**2).sum(axis=1) + 0.5 * np.log(prior).sum(axis=1)
    evidence = likelihood - 0.5 * np.linalg.slogdet(information)[1]
    return beta, np.linalg.inv(information), evidence


def _mixture(weight: Floats, beta: Floats, covariance: Floats, of: Floats) -> tuple[float, float]:
    """Mean and standard deviation of a linear function of the parameters over the grid."""
    means = beta @ of
    variances = np.einsum("i,gij,j->g", of, covariance, of)
    mean = float(weight @ means)
    return mean, float(np.sqrt(weight @ (variances + (means - mean) ** 2)))
