"""Common shocks, from how the months of several regions move together.

Counts by region and month are Poisson around level x season x exp(common shock + the region's own), both first-order
autoregressive with one persistence, as ``economy`` draws them. For given spreads the shocks' posterior is Laplace's;
the spreads and the persistence are weighed in the cells of a grid by their marginal likelihood under Jeffreys' prior,
which gives equally likely ``draws`` of (sd, persistence, regional sd) that replications take in turn. What regions
share is the common part; what they do not, their own: one region alone cannot tell the two apart, and is refused.

A few years of months say little about them, and what a flat prior adds is then mostly the ridge of large spreads that
hardly ever turn; Jeffreys' prior counts a cell by how many histories it could be told from. Its information is
Whittle's: of the regions' mean and of what sets them apart, by frequency, without those that level and season take.
Persistence is told so badly that any prior's interval is too wide in the middle and too short at the ends. Its
distribution is therefore set right by what posteriors of histories simulated at each value would say (``_set_right``).

Sources: Rue, Martino and Chopin (2009), J. R. Stat. Soc. B 71, 319-392 (nested Laplace); Chan and Ledolter (1995) for
counts around an autoregression; Durbin and Koopman (2012), 6.4 (observations one by one); Whittle (1953), Ark. Mat. 2,
423-434, for the information; Jeffreys (1946), Proc. R. Soc. A 186; Monahan and Boos (1992), Biometrika 79, 271-278, on
what makes a posterior's intervals those of a sampling distribution.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from engine.fit.arrivals import Regressor
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
SIMULATED = 256  # histories for each persistence
UNSEEN, LEAST_SPREAD = 1e-4, 0.2  # shares that are none, and the least spread of their normal quantiles
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


def fit_shocks(
    counts: ArrayLike,
    first_month: int,
    *,
    season: bool = True,
    draws: int = 32,
    regressors: Sequence[Regressor] = (),
) -> Shocks:
    """Fit to ``counts[R, M]``, complete months, the first in calendar month 1..12. ``regressors``: of these months,
    what moves all regions' leads and is no shock. Raises Refused where there is too little, with what would suffice.
    """
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
    noise = float(np.mean(1.0 / kept.mean(axis=1)))
    logs = _evidences(kept, first_month, season, regressors) + _jeffreys(len(kept), n.shape[1], noise, season)
    weight = np.exp(logs - logs.max()) * VOLUMES
    weight = _set_right(weight / weight.sum(), _Bands(len(kept), n.shape[1], noise, season))
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


def _evidences(n: Floats, first_month: int, season: bool, regressors: Sequence[Regressor] = ()) -> Floats:
    """[G] log marginal likelihood of each cell; level, season and growth have a vague normal prior of their own, each
    regressor's effect the one that it comes with.

    With counts that are not tiny the Poisson likelihood is close to normal around its own mode, so the mode is found at
    one middle cell and the curvature there serves all (a Gaussian approximation about the data, Fahrmeir 1992), refined
    once at the best cell.
    """
    regions, months = n.shape
    design, precision = _design(regions, months, first_month, season, regressors)
    y = n.ravel()
    offset = np.repeat(np.log(n.mean(axis=1)), months) + np.tile(_a_priori(regressors, months), regions)
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


def _a_priori(regressors: Sequence[Regressor], months: int) -> Floats:
    """[M] what the regressors' effects come to at the means of their priors."""
    return sum((r.mean * r.seen for r in regressors), np.zeros(months))


def _design(
    regions: int, months: int, first_month: int, season: bool, regressors: Sequence[Regressor] = ()
) -> tuple[Floats, Floats]:
    """Columns of the regressors, regions' months one after another, and their prior precisions."""
    time = np.arange(months) / 12 - months / 24
    columns = [*np.kron(np.eye(regions), np.ones(months)), np.tile(time, regions)]
    precision = [LEVEL_SD**-2] * regions + [SLOPE_SD**-2]
    if season:
        calendar = (first_month - 1 + np.arange(months)) % 12
        here = np.unique(calendar)
        columns += [np.tile((calendar == k).astype(float), regions) for k in here]
        precision += [SEASON_SD**-2] * len(here)
    columns += [np.tile(r.seen, regions) for r in regressors]
    precision += [r.sd**-2 for r in regressors]
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


@dataclass(frozen=True)
class _Bands:
    """The frequencies of a history of counts, and how often each is seen: in the regions' mean, where neither level nor
    season takes it, and ``regions - 1`` times in what sets them apart. ``noise``: variance of a log count around its
    intensity."""

    regions: int
    months: int
    noise: float
    season: bool

    @property
    def cosine(self) -> Floats:
        return np.asarray(np.cos(2 * np.pi * np.arange(1, self.months // 2 + 1) / self.months))

    @property
    def weights(self) -> tuple[Floats, Floats]:
        """[F] of the mean and of the contrasts; the last of an even number of months counts half."""
        place = np.arange(1, self.months // 2 + 1)
        seen = np.where(2 * place == self.months, 0.5, 1.0)
        seasonal = np.isin(place, np.round(np.arange(1, 7) * self.months / 12))
        return np.where(seasonal & self.season, 0.0, seen), seen * (self.regions - 1)

    def spectra(self, cells: Floats) -> tuple[Floats, Floats]:
        """[G, F] of the mean and of a contrast."""
        sd, r, own = (column[:, None] for column in cells.T)
        shape = (1 - r * r) / (1 - 2 * r * self.cosine + r * r)
        return (sd * sd + own * own / self.regions) * shape + self.noise / self.regions, own * own * shape + self.noise

    def simulated(self, cells: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """[B, F] periodograms of one history for each cell."""
        mean, contrast = self.spectra(cells)
        whole = np.where(2 * np.arange(1, self.months // 2 + 1) == self.months, 0.5, 1.0)  # halves of chi square
        apart = whole * (self.regions - 1)
        return (
            mean * rng.gamma(whole, 1 / whole, mean.shape),
            contrast * rng.gamma(apart, 1 / apart, contrast.shape),
        )


def _jeffreys(regions: int, months: int, noise: float, season: bool) -> Floats:
    """[G] log of Jeffreys' prior: half the log determinant of Whittle's information on (sd, persistence, regional
    sd)."""
    bands = _Bands(regions, months, noise, season)
    together, apart = bands.spectra(CELLS)
    sd, r, own = (column[:, None] for column in CELLS.T)
    bottom = 1 - 2 * r * bands.cosine + r * r
    shape = (1 - r * r) / bottom  # of the autoregression's spectrum, at unit variance
    bend = (-2 * r * bottom - (1 - r * r) * (2 * r - 2 * bands.cosine)) / bottom**2
    mean = np.array([2 * sd * shape, (sd * sd + own * own / regions) * bend, 2 * own / regions * shape]) / together
    contrast = np.array([np.zeros_like(shape), own * own * bend, 2 * own * shape]) / apart
    of_mean, of_contrasts = bands.weights
    information = np.einsum("ign,jgn,n->gij", mean, mean, of_mean)
    information += np.einsum("ign,jgn,n->gij", contrast, contrast, of_contrasts)
    return np.asarray(0.5 * np.linalg.slogdet(information)[1])


def _set_right(weight: Floats, bands: _Bands) -> Floats:
    """[G] weights whose persistence has its sampling distribution, the spreads given it as they were.

    Where the posterior puts a share u of its weight below a value, ``SIMULATED`` histories of that persistence (the
    spreads as the posterior has them there) say how often it would put less: that is the value's share. Histories are
    periodograms, and so is their likelihood; the normal quantiles of their shares are taken as normal.
    """
    rng = np.random.Generator(np.random.Philox(key=0))
    cube = weight.reshape(SHAPE)
    own = cube.sum(axis=(0, 2))
    below = np.concatenate([[0.0], np.cumsum(own)])
    sparse = np.arange(len(CELLS)).reshape(SHAPE)[::2, :, ::2]
    spectra = bands.spectra(CELLS[sparse.ravel()])
    prior = _jeffreys(bands.regions, bands.months, bands.noise, bands.season)[sparse.ravel()]
    prior += np.log(VOLUMES[sparse.ravel()])
    right = below.copy()
    for edge in range(1, len(PERSISTENCES) - 1):
        near = (cube[:, edge - 1] + cube[:, edge]).ravel()
        if near.sum() < UNSEEN:
            continue
        at = np.searchsorted(np.cumsum(near) / near.sum(), (np.arange(SIMULATED) + rng.random()) / SIMULATED)
        truths = CELLS.reshape(*SHAPE, 3)[:, edge].reshape(-1, 3)[np.minimum(at, near.size - 1)].copy()
        truths[:, 1] = PERSISTENCES[edge]
        logs = np.tile(prior, (SIMULATED, 1))
        for seen, known, times in zip(bands.simulated(truths, rng), spectra, bands.weights, strict=True):
            logs -= (seen * times) @ (1 / known).T + np.log(known) @ times
        found = np.exp(logs - logs.max(axis=1, keepdims=True)).reshape(SIMULATED, *sparse.shape).sum(axis=(1, 3))
        z = ndtri(np.clip(found[:, :edge].sum(axis=1) / found.sum(axis=1), UNSEEN, 1 - UNSEEN))
        here = ndtri(np.clip(below[edge], UNSEEN, 1 - UNSEEN))
        right[edge] = ndtr((here - z.mean()) / max(float(z.std()), LEAST_SPREAD))
    share = np.diff(np.maximum.accumulate(right))
    out = (cube * (share / np.maximum(own, 1e-300))[None, :, None]).ravel()
    return np.asarray(out / out.sum())


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
