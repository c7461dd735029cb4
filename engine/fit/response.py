"""How leads or sales answer to spend: geometric carry-over, then Hill saturation, each channel with its posterior.

outcome[t] = controls[t] . gamma + sum over channels of most * a^shape / (a^shape + half_at^shape) + noise, a = the
channel's carried-over spend, (1 - carry) * sum over k of carry^k * spend[t - k]: weights that sum to one, so that
steady spend is itself (Jin et al. 2017, Google; Broadbent 1979 for adstock). Given (carry, half_at, shape) the model is
linear, and its coefficients and noise integrate out (normal inverse-gamma); the three are weighed on a grid that closes
in on where the weight is, and draws lie anywhere in its cells. With several channels each is weighed with the others
held at their best, in turn.

What the data cannot say: beyond the largest spend seen the curve is the prior's; and where spend never stopped for
longer than it carries over, so is the curve's height, since what comes without any spend cannot be told from the level.
What more spend brings (``Channel.more``) needs neither.
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
LOWEST = np.array([np.log(0.08), np.log(0.4), 0.0])  # of log half_at over mean spend, log shape, carry: the grid's box
HIGHEST = np.array([np.log(15.0), np.log(4.0), 0.97])
CELLS = (10, 8, 12)  # along each of the three
HALF_SD, SHAPE_SD = 2.0, 0.8  # of the logarithms, a priori, around the mean spend and 1; carry is flat
EFFECT = 2.0  # spreads of the outcome that typical spend brings, a priori, one sigma
ZOOMS = 4
PROPOSED = 4  # points for each draw
KEPT = 1e-4  # of the largest weight along an axis: what a closer look does not leave out
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
        return _central(self.at(spend)[:, 0], level)

    def more(self, spend: float, than: float, level: float = 0.95) -> tuple[float, float, float]:
        """Median and central interval of what steady ``spend`` brings more than steady spend of ``than``."""
        both = self.at([spend, than])
        return _central(both[:, 0] - both[:, 1], level)

    @property
    def carry(self) -> tuple[float, float, float]:
        """Median and central 95% of the part that carries over to the next period."""
        return _central(self.draws[:, 3], 0.95)


def _central(draws: Floats, level: float) -> tuple[float, float, float]:
    low, middle, high = np.quantile(draws, [(1 - level) / 2, 0.5, (1 + level) / 2], method="weibull")
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
    scale = float(y.std()) or 1.0
    prior = _prior(y, z, scale)
    basis = [_Basis(x[:, c]) for c in range(x.shape[1])]
    best = [own.columns[len(own.at) // 2] for own in basis]
    weights: list[Floats] = [np.empty(0)] * len(basis)
    for sweep in range(SWEEPS if len(basis) > 1 else 1):
        before = list(best)
        for c in range(len(basis)):
            fixed = np.column_stack([z, *(best[o] for o in range(len(basis)) if o != c)])
            basis[c], weights[c] = _close_in(y, fixed, _Basis(x[:, c]), scale, prior)
            best[c] = basis[c].columns[int(np.argmax(weights[c]))]
        if sweep and all(np.array_equal(a, b) for a, b in zip(best, before, strict=True)):
            break
    rng = np.random.Generator(np.random.Philox(key=seed))
    samples = []
    for c, own in enumerate(basis):
        fixed = np.column_stack([z, *(best[o] for o in range(len(basis)) if o != c)])
        samples.append(_sampled(y, fixed, own, weights[c], scale, prior, draws, rng))
    return _draw(y, z, samples, names, x, scale, prior, rng)


def _prior(y: Floats, z: Floats, scale: float) -> Floats:
    """Precisions of the controls' coefficients: none for the intercept; a control moves the outcome by about its
    spread.

    Without them a holiday that the data saw once, or never, would be whatever made the fit exact.
    """
    spread = z.max(axis=0) - z.min(axis=0)
    return np.where(spread > 0, (np.maximum(spread, 1e-12) / (2 * scale)) ** 2, np.where(z.any(axis=0), 0.0, 1.0))


class _Points:
    """A channel's saturated, carried-over spend at positions ``at[G, 3]``: log half_at over mean spend, log shape,
    carry."""

    def __init__(self, spend: Floats, middle: float, at: Floats) -> None:
        self.at = at
        self.named = np.column_stack([middle * np.exp(at[:, 0]), np.exp(at[:, 1]), at[:, 2]])  # half_at, shape, carry
        carries, which = np.unique(at[:, 2], return_inverse=True)
        half, shape = self.named[:, :1], self.named[:, 1:2]
        self.columns = hill(_carried_each(spend, carries)[which.ravel()], half, shape)
        self.typical = hill(np.array([middle]), half[:, 0], shape[:, 0])
        self.prior = -0.5 * (at[:, 0] / HALF_SD) ** 2 - 0.5 * (at[:, 1] / SHAPE_SD) ** 2


def _carried_each(spend: Floats, carries: Floats) -> Floats:
    """[len(carries), T]: `carried` for each of many."""
    out = np.empty((len(carries), len(spend)))
    level = np.full(len(carries), float(spend[:10].mean()) if len(spend) else 0.0)
    for t, amount in enumerate(spend):
        level = carries * level + (1 - carries) * float(amount)
        out[:, t] = level
    return out


class _Basis(_Points):
    """The middles of the cells of a grid over a box."""

    def __init__(self, spend: Floats, low: Floats = LOWEST, high: Floats = HIGHEST) -> None:
        self.spend, self.low, self.high = spend, low, high
        self.middle = float(spend[spend > 0].mean()) if (spend > 0).any() else 1.0
        self.step = (high - low) / CELLS
        axes = [low[a] + (np.arange(n) + 0.5) * self.step[a] for a, n in enumerate(CELLS)]
        super().__init__(spend, self.middle, np.array(list(itertools.product(*axes))))

    def closer(self, weights: Floats) -> _Basis:
        """A grid over what has weight, with a cell to spare on either side."""
        cube = weights.reshape(CELLS)
        low, high = self.low.copy(), self.high.copy()
        for axis in range(3):
            along = cube.sum(axis=tuple(a for a in range(3) if a != axis))
            has = np.flatnonzero(along > KEPT * along.max())
            low[axis] = max(self.low[axis], self.low[axis] + (has[0] - 1) * self.step[axis])
            high[axis] = min(self.high[axis], self.low[axis] + (has[-1] + 2) * self.step[axis])
        return _Basis(self.spend, low, high)

    def near(self, weights: Floats, size: int, rng: np.random.Generator) -> tuple[_Points, Floats]:
        """Points by weight, evenly over the cells and anywhere in them, and the logarithms of their cells' weights."""
        picks = np.minimum(
            np.searchsorted(np.cumsum(weights), (np.arange(size) + rng.random()) / size), len(weights) - 1
        )
        at = self.at[picks] + (rng.random((size, 3)) - 0.5) * self.step
        return _Points(self.spend, self.middle, at), np.log(weights[picks])


def _sampled(
    y: Floats, z: Floats, own: _Basis, weights: Floats, scale: float, prior: Floats, draws: int,
    rng: np.random.Generator,
) -> _Points:  # fmt: skip
    """Equally likely points, in no order: many anywhere in the grid's cells, then of those by their own weight.

    A cell is wider than what the data tell apart across it: half, shape and carry go together.
    """
    points, drawn_by = own.near(weights, PROPOSED * draws, rng)
    own_weights = np.log(np.maximum(_weigh(y, z, points, scale, prior), 1e-300)) - drawn_by
    share = np.exp(own_weights - own_weights.max())
    at = np.searchsorted(np.cumsum(share) / share.sum(), (np.arange(draws) + rng.random()) / draws)
    return _Points(own.spend, own.middle, points.at[rng.permutation(np.minimum(at, len(share) - 1))])


def _close_in(y: Floats, z: Floats, own: _Basis, scale: float, prior: Floats) -> tuple[_Basis, Floats]:
    """The grid about where a channel's weight is, and its weights."""
    weights = _weigh(y, z, own, scale, prior)
    for _ in range(ZOOMS):
        closer = own.closer(weights)
        shrunk = float(np.prod(closer.step / own.step))
        if shrunk > 0.9:
            break
        own, weights = closer, _weigh(y, z, closer, scale, prior)
    return own, weights


def _weigh(y: Floats, z: Floats, own: _Points, scale: float, prior: Floats) -> Floats:
    """Posterior weights of the grid's points with the linear coefficients and the noise integrated out."""
    size = z.shape[1]
    precision = np.concatenate([prior, np.zeros(size - len(prior))])  # other channels' coefficients are free here
    typical = own.columns[len(own.at) // 2]
    first = np.column_stack([z, typical])
    start = np.linalg.lstsq(first, y, rcond=1e-8)[0]
    guess = float(np.sum((y - first @ start) ** 2)) / max(5, len(y) - size)
    # the controls' prior as pseudo-observations: rows that say nought, as loudly as the prior does
    q, _ = np.linalg.qr(np.vstack([z, np.diag(np.sqrt(precision * guess) + 1e-9)]))
    y = np.concatenate([y, np.zeros(size)])
    wide = np.concatenate([own.columns, np.zeros((len(own.at), size))], axis=1)
    rest = y - q @ (q.T @ y)
    columns = wide - (wide @ q) @ q.T
    square = np.einsum("gt,gt->g", columns, columns)
    # prior of the channel's coefficient: its effect at typical spend is of the outcome's own spread, or less
    ridge = (own.typical / (EFFECT * scale)) ** 2
    free = len(y) - size - int(np.sum(precision == 0))
    inner = columns @ rest
    # the noise is that of the best fit: with what spend explains in it, the prior would be the louder for it
    gain = float(np.max(np.maximum(inner, 0.0) ** 2 / np.maximum(square, 1e-300)))
    noise = max(float(rest @ rest) - gain, 1e-12) / free
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
    y: Floats, z: Floats, samples: list[_Points], names: tuple[str, ...],
    x: Floats, scale: float, prior: Floats, rng: np.random.Generator,
) -> Responses:  # fmt: skip
    """Joint draws: grid points by weight, then noise and coefficients by their exact posterior, curves above 0."""
    draws = len(samples[0].at)
    width = z.shape[1] + len(samples)
    coefficients, noise = np.empty((draws, width)), np.empty(draws)
    for d in range(draws):
        design = np.column_stack([z, *(own.columns[d] for own in samples)])
        ridge = np.concatenate([prior, [(own.typical[d] / (EFFECT * scale)) ** 2 for own in samples]])
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
            one = middle + np.linalg.solve(factor.T, rng.standard_normal(width))
            if np.all(one[z.shape[1] :] >= 0):
                break
        else:
            one[z.shape[1] :] = np.maximum(one[z.shape[1] :], 0.0)
        coefficients[d], noise[d] = one, np.sqrt(variance)
    channels = []
    for c, (own, name) in enumerate(zip(samples, names, strict=True)):
        rows = np.column_stack([coefficients[:, z.shape[1] + c], own.named])
        channels.append(Channel(name, rows, (float(x[:, c].mean()), float(x[:, c].max()))))
    return Responses(tuple(channels), coefficients[:, : z.shape[1]], noise, len(y))
