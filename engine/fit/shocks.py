"""Common shocks, from how the months of several regions move together.

Counts by region and month are Poisson around level x season x exp(common shock + the region's own), both first-order
autoregressive with one persistence, as ``economy`` draws them. For given spreads the shocks' posterior is Laplace's;
the spreads and the persistence are weighed on a grid by their marginal likelihood, which gives equally likely ``draws``
of (sd, persistence, regional sd) that replications take in turn. What regions share is the common part; what they do
not, their own: one region alone cannot tell the two apart, and is refused.

Sources: Rue, Martino and Chopin (2009), J. R. Stat. Soc. B 71, 319-392 (nested Laplace); Chan and Ledolter (1995) for
counts around an autoregression.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import cholesky, solve_triangular

from engine.fit.incidence import Floats
from engine.problems import Refused

MONTHS_FROM = 24
REGIONS_FROM = 2
LEADS_FROM = 5.0  # a region and month on average
SDS = np.array([0.01, 0.03, 0.055, 0.085, 0.12, 0.16, 0.21, 0.28, 0.37, 0.5])
OWN_SDS = np.array([0.01, 0.035, 0.065, 0.1, 0.15, 0.22, 0.33])
PERSISTENCES = np.array([0.05, 0.25, 0.45, 0.65, 0.8, 0.9, 0.96])
PRIOR_SD, OWN_PRIOR_SD = 0.25, 0.2


@dataclass(frozen=True, slots=True)
class Shocks:
    """Posterior means and 95% ranges of the economy's parameters, and ``draws[D]`` of all three, equally likely."""

    sd: float
    persistence: float
    regional_sd: float
    sd_range: tuple[float, float]
    persistence_range: tuple[float, float]
    regional_range: tuple[float, float]
    draws: tuple[tuple[float, float, float], ...]
    months: int
    regions: int


def fit_shocks(counts: ArrayLike, first_month: int, *, season: bool = True, draws: int = 32) -> Shocks:
    """Fit to ``counts[R, M]``, complete months, the first in calendar month 1..12. Raises Refused where there is too
    little, with what would suffice."""
    n = np.asarray(counts, dtype=np.float64)
    if n.ndim != 2 or n.shape[0] < REGIONS_FROM:
        raise Refused(
            f"common shocks: {n.shape[0] if n.ndim == 2 else 1} region; {REGIONS_FROM} that move together suffice"
        )
    if n.shape[1] < MONTHS_FROM:
        raise Refused(f"common shocks: {n.shape[1]} complete months; {MONTHS_FROM} would suffice")
    kept = n[n.mean(axis=1) >= LEADS_FROM]
    if len(kept) < REGIONS_FROM:
        raise Refused(
            f"common shocks: {len(kept)} regions have {LEADS_FROM:.0f} leads a month or more; {REGIONS_FROM} would "
            f"suffice"
        )
    grid = np.array(list(itertools.product(SDS, PERSISTENCES, OWN_SDS)))
    evidence = _evidences(kept, first_month, season)
    logs = evidence - 0.5 * (grid[:, 0] / PRIOR_SD) ** 2 - 0.5 * (grid[:, 2] / OWN_PRIOR_SD) ** 2
    width = [np.gradient(v) for v in (SDS, PERSISTENCES, OWN_SDS)]
    weight = np.exp(logs - logs.max()) * np.array([a * b * c for a, b, c in itertools.product(*width)])
    weight /= weight.sum()
    cube = weight.reshape(len(SDS), len(PERSISTENCES), len(OWN_SDS))
    own = (cube.sum(axis=(1, 2)), cube.sum(axis=(0, 2)), cube.sum(axis=(0, 1)))
    sds, persistences, own_sds = zip((SDS, PERSISTENCES, OWN_SDS), own, strict=True)
    return Shocks(
        float(sds[0] @ sds[1]),
        float(persistences[0] @ persistences[1]),
        float(own_sds[0] @ own_sds[1]),
        _range(*sds),
        _range(*persistences),
        _range(*own_sds),
        _systematic(grid, weight, draws),
        n.shape[1],
        len(kept),
    )


def _range(values: Floats, share: Floats) -> tuple[float, float]:
    """The central 95% of a density on a grid, each value's weight spread over its own cell."""
    middle = (values[1:] + values[:-1]) / 2
    edges = np.concatenate(
        [[max(0.0, 1.5 * values[0] - 0.5 * values[1])], middle, [1.5 * values[-1] - 0.5 * values[-2]]]
    )
    edges[-1] = min(edges[-1], 0.995) if values[-1] < 1 else edges[-1]
    cumulated = np.concatenate([[0.0], np.cumsum(share)])
    return float(np.interp(0.025, cumulated, edges)), float(np.interp(0.975, cumulated, edges))


def _systematic(grid: Floats, weight: Floats, draws: int) -> tuple[tuple[float, float, float], ...]:
    """Equally likely rows with the grid's weights, taken at even steps: no chance in them."""
    order = np.lexsort((grid[:, 1], grid[:, 2], grid[:, 0]))
    at = np.searchsorted(np.cumsum(weight[order]), (np.arange(draws) + 0.5) / draws)
    rows = grid[order[np.minimum(at, len(order) - 1)]]
    return tuple((float(a), float(b), float(c)) for a, b, c in rows)


def _evidences(n: Floats, first_month: int, season: bool) -> Floats:
    """Log marginal likelihood of each point of the grid; level and season have a vague normal prior of their own.

    The latent field is log intensity by (region, month): covariance = common AR (x) ones + own AR (x) identity + level
    + season. With counts that are not tiny the Poisson likelihood is close to normal around its own mode, so the mode
    is found at one middle point of the grid and the curvature there serves all (a Gaussian approximation about the
    data, Fahrmeir 1992), refined once at the best point.
    """
    regions, months = n.shape
    calendar = (first_month - 1 + np.arange(months)) % 12
    y = n.ravel()
    level = np.kron(np.eye(regions), np.ones((months, months))) * 4.0
    pattern = (calendar[:, None] == calendar[None]).astype(float) * 0.09 if season else np.zeros((months, months))
    trend = np.arange(months) / 12 - months / 24
    slope = np.outer(trend, trend) * 0.25  # growth of a half a year is nothing unheard of
    fixed = level + np.kron(np.ones((regions, regions)), pattern + slope)
    offset = np.repeat(np.log(n.mean(axis=1)), months)
    apart = np.abs(np.arange(months)[:, None] - np.arange(months)[None])

    def covariance(sd: float, persistence: float, own: float) -> Floats:
        ar = persistence**apart
        return np.asarray(fixed + np.kron(np.full((regions, regions), sd * sd) + np.eye(regions) * own * own, ar))

    grid = list(itertools.product(SDS, PERSISTENCES, OWN_SDS))
    theta = (0.12, 0.65, 0.1)
    out = np.empty(len(grid))
    for _ in range(2):
        eta = _mode(y, offset, covariance(*theta))
        weight = np.exp(eta)
        working = eta - offset + (y - weight) / weight  # pseudo-data with variance 1 / weight
        for i, point in enumerate(grid):
            k = covariance(*point)
            k[np.diag_indices_from(k)] += 1 / weight
            factor = cholesky(k, lower=True, check_finite=False, overwrite_a=True)
            white = solve_triangular(factor, working, lower=True, check_finite=False)
            out[i] = -0.5 * float(white @ white) - float(np.log(np.diag(factor)).sum())
        theta = grid[int(np.argmax(out))]
    return out


def _mode(y: Floats, offset: Floats, covariance: Floats) -> Floats:
    """The mode of log intensity under Poisson counts and a normal prior around the offset."""
    eta = np.log(np.maximum(y, 0.5))
    for _ in range(50):
        weight = np.exp(eta)
        working = eta - offset + (y - weight) / weight
        k = covariance.copy()
        k[np.diag_indices_from(k)] += 1 / weight
        new = offset + covariance @ np.linalg.solve(k, working)
        change = float(np.abs(new - eta).max())
        eta = eta + np.clip(new - eta, -1.0, 1.0)
        if change < 1e-6:
            break
    return eta
