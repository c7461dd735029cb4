"""How leads or sales answer to spend: geometric carry-over, then Hill saturation, each channel with its posterior.

outcome[t] = controls[t] . gamma + sum over channels of most * a^shape / (a^shape + half_at^shape) + noise, a = the
channel's carried-over spend, (1 - carry) * sum over k of carry^k * spend[t - k]: weights that sum to one, so that
steady spend is itself (Jin et al. 2017, Google; Broadbent 1979 for adstock). Given (carry, half_at, shape) the model is
linear, and its coefficients and noise integrate out (normal inverse-gamma); the three are weighed on a grid. With
several channels each is weighed with the others held at their best, in turn. Nothing is believed that the spend did not
try: beyond the largest spend seen the curve is the prior's.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.fit.incidence import Floats
from engine.problems import Refused

PERIODS_FROM = 40
CHANGES_FROM = 10  # periods with a spend of its own
CARRIES = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.88, 0.94])
HALVES = np.geomspace(0.15, 8.0, 11)  # of the mean carried-over spend while there was any
SHAPES = np.array([0.6, 0.8, 1.0, 1.25, 1.6, 2.1, 2.8])
SWEEPS = 3


@dataclass(frozen=True, eq=False)
class Channel:
    """One channel's posterior: ``draws[D, 4]`` of (most, half_at, shape, carry), per period of the data, equally
    likely.
    """

    name: str
    draws: Floats
    spent: tuple[float, float]  # mean and largest spend of a period

    def at(self, spend: ArrayLike) -> Floats:
        """[D, len(spend)]: the outcome that steady spend a period brings, by draw."""
        x = np.atleast_1d(np.asarray(spend, dtype=np.float64))
        most, half, shape, _ = (self.draws[:, i : i + 1] for i in range(4))
        return np.asarray(most * hill(x[None], half, shape))

    def interval(self, spend: float, level: float = 0.95) -> tuple[float, float, float]:
        """Median and central interval of `at` one spend."""
        low, middle, high = np.quantile(self.at(spend)[:, 0], [(1 - level) / 2, 0.5, (1 + level) / 2])
        return float(middle), float(low), float(high)

    @property
    def carry(self) -> tuple[float, float, float]:
        """Median and central 95% of the part that carries over to the next period."""
        low, middle, high = np.quantile(self.draws[:, 3], [0.025, 0.5, 0.975])
        return float(middle), float(low), float(high)


@dataclass(frozen=True, eq=False)
class Responses:
    """All channels, and what forecasts need: draws of the controls' coefficients and of the noise's sd."""

    channels: tuple[Channel, ...]
    controls: Floats  # [D, q]
    noise: Floats  # [D]
    periods: int

    def forecast(self, spend: ArrayLike, controls: ArrayLike, start: int) -> Floats:
        """[D, T - start] draws of the outcome from period ``start`` on, noise included (its normal quantiles, in turn);
        ``spend[T, C]`` and ``controls[T, q]`` from the data's first period on."""
        x, z = np.asarray(spend, dtype=np.float64), np.asarray(controls, dtype=np.float64)
        out = self.controls @ z[start:].T
        for c, channel in enumerate(self.channels):
            for d, (most, half, shape, carry) in enumerate(channel.draws):
                out[d] += most * hill(carried(x[:, c], carry)[start:], half, shape)
        rng = np.random.Generator(np.random.Philox(key=1))
        return np.asarray(out + self.noise[:, None] * rng.standard_normal(out.shape))


def carried(spend: ArrayLike, carry: float) -> Floats:
    """Carried-over spend by period; before the first period it was as on average in the first ten."""
    x = np.asarray(spend, dtype=np.float64)
    out = np.empty(len(x))
    level = float(x[:10].mean()) if len(x) else 0.0
    for t, amount in enumerate(x):
        level = carry * level + (1 - carry) * float(amount)
        out[t] = level
    return out


def hill(spend: NDArray[np.float64], half: ArrayLike, shape: ArrayLike) -> Floats:
    """spend^shape / (spend^shape + half^shape); 0 at 0."""
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(1.0 / (1.0 + (np.asarray(half) / np.maximum(spend, 1e-300)) ** np.asarray(shape)))


def fit_response(
    outcome: ArrayLike,
    spend: ArrayLike,
    controls: ArrayLike,
    names: tuple[str, ...] = (),
    *,
    draws: int = 400,
    seed: int = 0,
) -> Responses:
    """Fit ``outcome[T]`` to ``spend[T, C]`` and ``controls[T, q]`` (an intercept, trend, season: made by the caller).

    Raises Refused, by channel, where there is too little to tell, with what would suffice.
    """
    y, x, z = (np.asarray(a, dtype=np.float64) for a in (outcome, spend, controls))
    x = x[:, None] if x.ndim == 1 else x
    names = names or tuple(f"channel {c + 1}" for c in range(x.shape[1]))
    if len(y) < max(PERIODS_FROM, z.shape[1] + 4 * x.shape[1] + 10):
        need = max(PERIODS_FROM, z.shape[1] + 4 * x.shape[1] + 10)
        raise Refused(f"response to spend: {len(y)} periods; {need} would suffice for {x.shape[1]} channels")
    for c, name in enumerate(names):
        if len(np.unique(np.round(x[:, c], 9))) < CHANGES_FROM:
            raise Refused(
                f"response to {name}: its spend takes {len(np.unique(x[:, c]))} different values; {CHANGES_FROM} would "
                "suffice (what never varies cannot be told from the level)"
            )
    basis = [_Basis(x[:, c]) for c in range(x.shape[1])]
    scale = float(y.std()) or 1.0
    prior = _prior(y, z, scale)
    best = np.array([len(b.points) // 2 for b in basis])
    weights: list[Floats] = [np.empty(0)] * len(basis)
    for sweep in range(SWEEPS if len(basis) > 1 else 1):
        before = best.copy()
        for c, own in enumerate(basis):
            others = [basis[o].columns[best[o]] for o in range(len(basis)) if o != c]
            weights[c] = _weigh(y, np.column_stack([z, *others]), own, scale, prior)
            best[c] = int(np.argmax(weights[c]))
        if sweep and np.array_equal(before, best):
            break
    return _draw(y, z, basis, weights, names, x, scale, prior, draws, seed)


def _prior(y: Floats, z: Floats, scale: float) -> Floats:
    """Precisions of the controls' coefficients: none for the intercept; a control moves the outcome by about its
    spread.

    Without them a holiday that the data saw once, or never, would be whatever made the fit exact.
    """
    spread = z.max(axis=0) - z.min(axis=0)
    return np.where(spread > 0, (np.maximum(spread, 1e-12) / (2 * scale)) ** 2, np.where(z.any(axis=0), 0.0, 1.0))


class _Basis:
    """A channel's saturated, carried-over spend at every point of the grid."""

    def __init__(self, spend: Floats) -> None:
        middle = float(spend[spend > 0].mean()) if (spend > 0).any() else 1.0
        self.points = np.array(list(itertools.product(HALVES * middle, SHAPES, CARRIES)))
        stocks = {r: carried(spend, r) for r in CARRIES}
        self.columns = np.array([hill(stocks[r], h, s) for h, s, r in self.points])
        self.typical = hill(np.array([middle]), self.points[:, 0], self.points[:, 1])
        # flat in carry, in log half_at, and normal around 1 in log shape
        width = np.gradient(CARRIES)[np.arange(len(self.points)) % len(CARRIES)]
        shape_width = np.gradient(np.log(SHAPES))[(np.arange(len(self.points)) // len(CARRIES)) % len(SHAPES)]
        self.prior = np.log(width * shape_width) - 0.5 * (np.log(self.points[:, 1]) / 0.5) ** 2
        self.prior -= 0.5 * (np.log(self.points[:, 0] / middle) / 1.3) ** 2


def _weigh(y: Floats, z: Floats, own: _Basis, scale: float, prior: Floats) -> Floats:
    """Posterior weights of the grid's points with the linear coefficients and the noise integrated out."""
    size = z.shape[1]
    precision = np.concatenate([prior, np.zeros(size - len(prior))])  # other channels' coefficients are free here
    typical = own.columns[len(own.points) // 2]
    first = np.column_stack([z, typical])
    start = np.linalg.lstsq(first, y, rcond=1e-8)[0]
    guess = float(np.sum((y - first @ start) ** 2)) / max(5, len(y) - size)
    # the controls' prior as pseudo-observations: rows that say nought, as loudly as the prior does
    q, _ = np.linalg.qr(np.vstack([z, np.diag(np.sqrt(precision * guess) + 1e-9)]))
    y = np.concatenate([y, np.zeros(size)])
    wide = np.concatenate([own.columns, np.zeros((len(own.points), size))], axis=1)
    rest = y - q @ (q.T @ y)
    columns = wide - (wide @ q) @ q.T
    square = np.einsum("gt,gt->g", columns, columns)
    # prior of the channel's coefficient: its effect at typical spend is of the outcome's own spread, or less
    ridge = (own.typical / (2 * scale)) ** 2
    free = len(y) - size - int(np.sum(precision == 0))
    noise = float(rest @ rest) / free
    inner = columns @ rest
    bent = square + ridge * noise
    coefficient = inner / bent
    loss = float(rest @ rest) - inner * coefficient
    spread = np.sqrt(np.maximum(loss, 1e-300) / free / bent)
    logs = -0.5 * free * np.log(np.maximum(loss, 1e-300)) + 0.5 * np.log(ridge * noise / bent)
    logs += np.log(np.maximum(_upper(coefficient / spread), 1e-12))  # spending more never brings less
    logs += own.prior
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())


def _upper(z: Floats) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr(z))


def _draw(
    y: Floats, z: Floats, basis: list[_Basis], weights: list[Floats], names: tuple[str, ...],
    x: Floats, scale: float, prior: Floats, draws: int, seed: int,
) -> Responses:  # fmt: skip
    """Joint draws: grid points by weight, then noise and coefficients by their exact posterior, curves above 0."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    picks = np.array([rng.choice(len(w), size=draws, p=w) for w in weights])
    width = z.shape[1] + len(basis)
    coefficients, noise = np.empty((draws, width)), np.empty(draws)
    for d in range(draws):
        design = np.column_stack([z, *(b.columns[p] for b, p in zip(basis, picks[:, d], strict=True))])
        typical = np.array([b.typical[p] for b, p in zip(basis, picks[:, d], strict=True)])
        ridge = np.concatenate([prior, (typical / (2 * scale)) ** 2])
        gram = design.T @ design
        guess = float(np.sum((y - design @ np.linalg.lstsq(design, y, rcond=1e-8)[0]) ** 2)) / max(5, len(y) - width)
        inverse = np.linalg.inv(gram / guess + np.diag(ridge))
        loss = float(np.sum((y - design @ (inverse @ (design.T @ y) / guess)) ** 2))
        free = max(3.0, len(y) - float(np.trace(inverse @ gram)) / guess)
        variance = loss / float(rng.chisquare(free))
        information = gram / variance + np.diag(ridge)
        factor = np.linalg.cholesky(information)
        middle = np.linalg.solve(information, design.T @ y / variance)
        for _ in range(50):
            drawn = middle + np.linalg.solve(factor.T, rng.standard_normal(width))
            if np.all(drawn[z.shape[1] :] >= 0):
                break
        else:
            drawn[z.shape[1] :] = np.maximum(drawn[z.shape[1] :], 0.0)
        coefficients[d], noise[d] = drawn, np.sqrt(variance)
    channels = []
    for c, (own, name) in enumerate(zip(basis, names, strict=True)):
        points = own.points[picks[c]]
        rows = np.column_stack([coefficients[:, z.shape[1] + c], points[:, 0], points[:, 1], points[:, 2]])
        channels.append(Channel(name, rows, (float(x[:, c].mean()), float(x[:, c].max()))))
    return Responses(tuple(channels), coefficients[:, : z.shape[1]], noise, len(y))
