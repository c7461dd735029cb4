"""Common shocks, from how the months of several regions move together.

Counts by region and month are Poisson around level x season x exp(common shock + the region's own), both first-order
autoregressive with one persistence, as ``economy`` draws them. For given spreads the shocks' posterior is Laplace's;
the spreads and the persistence are weighed in the cells of a grid by their marginal likelihood under Jeffreys' prior,
which gives equally likely ``draws`` of (sd, persistence, regional sd) that replications take in turn. What regions share is the common part; what they do
not, their own: one region alone cannot tell the two apart, and is refused.

A few years of months say little about them, and what a flat prior adds is then mostly the ridge of large spreads that
hardly ever turn; Jeffreys' prior counts a cell by how many histories it could be told from. Its information is
Whittle's: of the regions' mean and of what sets them apart, by frequency, without those that level and season take.

Sources: Rue, Martino and Chopin (2009), J. R. Stat. Soc. B 71, 319-392 (nested Laplace); Chan and Ledolter (1995) for
counts around an autoregression; Durbin and Koopman (2012), 6.4 (observations one by one) and 7.2.6 (regressors
filtered along); Whittle (1953), Ark. Mat. 2, 423-434, for the information; Jeffreys (1946), Proc. R. Soc. A 186.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from engine.fit.incidence import Floats
from engine.problems import Refused

MONTHS_FROM = 24
REGIONS_FROM = 2
LEADS_FROM = 5.0  # a region and month on average
# cells of the common sd, of the persistence and of the regional sd: their edges
SDS = np.array([0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.145, 0.175, 0.21, 0.26, 0.33, 0.45, 0.6, 0.8])
PERSISTENCES = np.array([0, 0.12, 0.24, 0.36, 0.47, 0.57, 0.66, 0.74, 0.81, 0.87, 0.92, 0.96, 0.985])
OWN_SDS = np.array([0, 0.015, 0.03, 0.045, 0.06, 0.075, 0.095, 0.12, 0.155, 0.2, 0.27, 0.37, 0.5])
EDGES = (SDS, PERSISTENCES, OWN_SDS)
SHAPE = tuple(len(e) - 1 for e in EDGES)
CELLS = np.array(list(itertools.product(*((e[1:] + e[:-1]) / 2 for e in EDGES))))  # [G, 3], their middles
VOLUMES = np.prod(np.array(list(itertools.product(*(np.diff(e) for e in EDGES)))), axis=1)
LEVEL_SD, SEASON_SD, SLOPE_SD = 2.0, 0.3, 0.5  # a priori: of a region, a calendar month, a year's growth, in logs
BLOCK = 500  # cells filtered at once: what fits a cache


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
    logs = _evidences(kept, first_month, season)
    logs += _jeffreys(len(kept), n.shape[1], float(np.mean(1.0 / kept.mean(axis=1))), season)
    weight = np.exp(logs - logs.max()) * VOLUMES
    weight /= weight.sum()
    cube = weight.reshape(SHAPE)
    own = [cube.sum(axis=tuple(a for a in range(3) if a != axis)) for axis in range(3)]
    sd, persistence, regional_sd = (float(weight @ CELLS[:, axis]) for axis in range(3))
    return Shocks(
        sd,
        persistence,
        regional_sd,
        _range(SDS, own[0]),
        _range(PERSISTENCES, own[1]),
        _range(OWN_SDS, own[2]),
        _systematic(CELLS, weight, draws),
        n.shape[1],
        len(kept),
    )


def _range(edges: Floats, share: Floats) -> tuple[float, float]:
    """The central 95% of a density that is flat in each cell."""
    cumulated = np.concatenate([[0.0], np.cumsum(share)])
    return float(np.interp(0.025, cumulated, edges)), float(np.interp(0.975, cumulated, edges))


def _systematic(grid: Floats, weight: Floats, draws: int) -> tuple[tuple[float, float, float], ...]:
    """Equally likely rows with the grid's weights, taken at even steps: no chance in them."""
    order = np.lexsort((grid[:, 1], grid[:, 2], grid[:, 0]))
    at = np.searchsorted(np.cumsum(weight[order]), (np.arange(draws) + 0.5) / draws)
    rows = grid[order[np.minimum(at, len(order) - 1)]]
    return tuple((float(a), float(b), float(c)) for a, b, c in rows)


def _evidences(n: Floats, first_month: int, season: bool) -> Floats:
    """[G] log marginal likelihood of each cell; level, season and growth have a vague normal prior of their own.

    With counts that are not tiny the Poisson likelihood is close to normal around its own mode, so the mode is found at
    one middle cell and the curvature there serves all (a Gaussian approximation about the data, Fahrmeir 1992), refined
    once at the best cell.
    """
    regions, months = n.shape
    design, precision = _design(regions, months, first_month, season)
    y = n.ravel()
    offset = np.repeat(np.log(n.mean(axis=1)), months)
    fixed = (design / precision) @ design.T
    apart = np.abs(np.arange(months)[:, None] - np.arange(months)[None])
    best, out = np.array([0.12, 0.65, 0.1]), np.empty(0)
    for cells in (CELLS[::9], CELLS):
        sd, persistence, own = best
        shared = np.full((regions, regions), sd * sd) + np.eye(regions) * own * own
        eta = _mode(y, offset, fixed + np.kron(shared, persistence**apart))
        mean = np.exp(eta)
        working = eta - offset + (y - mean) / mean  # pseudo-data with variance 1 / mean
        columns = np.column_stack([working, design]).reshape(regions, months, -1)
        noise = (1 / mean).reshape(regions, months)
        out = np.concatenate(
            [
                _filtered(columns, noise, cells[at : at + BLOCK], precision)  # a part at a time
                for at in range(0, len(cells), BLOCK)
            ]
        )
        best = cells[int(np.argmax(out))]
    return out


def _design(regions: int, months: int, first_month: int, season: bool) -> tuple[Floats, Floats]:
    """Columns of the regressors, regions' months one after another, and their prior precisions."""
    time = np.arange(months) / 12 - months / 24
    columns = [*np.kron(np.eye(regions), np.ones(months)), np.tile(time, regions)]
    precision = [LEVEL_SD**-2] * regions + [SLOPE_SD**-2]
    if season:
        calendar = (first_month - 1 + np.arange(months)) % 12
        here = np.unique(calendar)
        columns += [np.tile((calendar == k).astype(float), regions) for k in here]
        precision += [SEASON_SD**-2] * len(here)
    return np.column_stack(columns), np.array(precision)


def _filtered(columns: Floats, noise: Floats, cells: Floats, precision: Floats) -> Floats:
    """Log marginal likelihoods of the first of ``columns[R, M, 1 + q]``, the others its regressors, by Kalman's filter.

    The state is the common shock and each region's own. All cells are filtered at once, a month's regions one by one:
    no matrix is inverted. Regressors are filtered as the data are, and integrate out of what is left.
    """
    regions, months, width = columns.shape
    sd, persistence, own = cells.T
    stationary = np.zeros((len(cells), regions + 1, regions + 1))
    stationary[:, 0, 0] = sd * sd
    stationary[:, range(1, regions + 1), range(1, regions + 1)] = (own * own)[:, None]
    kept = (persistence * persistence)[:, None, None]
    fresh = (1 - kept) * stationary
    spread, state = stationary.copy(), np.zeros((len(cells), regions + 1, width))
    white = np.empty((len(cells), months * regions, width))
    logs = np.zeros(len(cells))
    for month in range(months):
        if month:
            spread = kept * spread + fresh
            state *= persistence[:, None, None]
        for region in range(regions):
            towards = spread[:, :, 0] + spread[:, :, region + 1]
            variance = towards[:, 0] + towards[:, region + 1] + noise[region, month]
            error = columns[region, month] - state[:, 0] - state[:, region + 1]
            gain = towards / variance[:, None]
            state += gain[:, :, None] * error[:, None, :]
            spread -= gain[:, :, None] * towards[:, None, :]
            white[:, month * regions + region] = error / np.sqrt(variance)[:, None]
            logs -= 0.5 * np.log(variance)
    gram = np.matmul(white.transpose(0, 2, 1), white)
    information = gram[:, 1:, 1:] + np.diag(precision)
    inner = gram[:, 1:, 0]
    explained = np.einsum("gi,gi->g", inner, np.linalg.solve(information, inner[..., None])[..., 0])
    logs -= 0.5 * (gram[:, 0, 0] - explained) + 0.5 * np.linalg.slogdet(information)[1]
    return np.asarray(logs)


def _jeffreys(regions: int, months: int, noise: float, season: bool) -> Floats:
    """[G] log of Jeffreys' prior: half the log determinant of the information on (sd, persistence, regional sd).

    Whittle's: of the spectrum of the regions' mean, at the frequencies that neither level nor season takes, and
    ``regions - 1`` times of what sets them apart. ``noise``: variance of a log count around its intensity.
    """
    place = np.arange(1, months // 2 + 1)
    weight = np.where(2 * place == months, 0.5, 1.0)
    free = ~np.isin(place, np.round(np.arange(1, 7) * months / 12)) if season else np.ones(len(place), dtype=bool)
    cosine = np.cos(2 * np.pi * place / months)
    sd, r, own = (column[:, None] for column in CELLS.T)
    bottom = 1 - 2 * r * cosine + r * r
    shape = (1 - r * r) / bottom  # of the autoregression's spectrum, at unit variance
    bend = (-2 * r * bottom - (1 - r * r) * (2 * r - 2 * cosine)) / bottom**2
    together = (sd * sd + own * own / regions) * shape + noise / regions
    apart = own * own * shape + noise
    mean = np.array([2 * sd * shape, (sd * sd + own * own / regions) * bend, 2 * own / regions * shape]) / together
    contrast = np.array([np.zeros_like(shape), own * own * bend, 2 * own * shape]) / apart
    information = np.einsum("ign,jgn,n->gij", mean, mean, weight * free)
    information += (regions - 1) * np.einsum("ign,jgn,n->gij", contrast, contrast, weight)
    return np.asarray(0.5 * np.linalg.slogdet(information)[1])


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
