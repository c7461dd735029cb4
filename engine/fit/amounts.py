"""Deal values from the values of won deals: the data's own quantiles, or a lognormal where they are few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from engine.problems import Refused

MANY = 100  # values from which their own quantiles are kept
TAIL_FROM = 30  # values above the tail's level from which its shape is said
FINER = ((1_000, 0.998), (2_000, 0.999), (10_000, 0.9998))  # further levels, from how many values on
LEVELS = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1.0)


@dataclass(frozen=True, slots=True)
class Amount:
    """A fitted distribution of values. ``family`` 'constant' (value), 'lognormal' (median, sigma) or 'quantiles'.

    ``mean`` is the distribution's own mean, ``observed`` the sample's: with quantiles the tail is adjusted until the
    two agree, so that a heavy tail between two levels adds nothing to bookings. ``tail``: shape of the generalised
    Pareto law above the 90% level with its standard error, where there are values enough: above 0.5 the spread is set
    by the largest few, above 1 so is the mean.
    """

    family: str
    parameters: tuple[float, ...]
    count: int
    mean: float
    observed: float
    levels: tuple[float, ...] = ()
    tail: tuple[float, float] | None = None
    known: float = 0.0

    @property
    def of(self) -> float:
        """As from how many values it is known: what a plan's posterior is drawn from."""
        return self.known or (float(self.count) if self.family != "constant" else 0.0)


def fit_amounts(values: ArrayLike, *, many: int = MANY) -> Amount:
    """Fit a distribution to positive values. Raises Refused where there is none."""
    v = np.sort(np.asarray(values, dtype=np.float64))
    v = v[np.isfinite(v) & (v > 0)]
    if not len(v):
        raise Refused("no value above zero")
    mean = float(v.mean())
    if v[0] == v[-1]:
        return Amount("constant", (float(v[0]),), len(v), mean, mean)
    if len(v) < many:
        logs = np.log(v)
        sigma = float(logs.std(ddof=1)) if len(v) > 1 else 0.5
        median = float(np.exp(logs.mean()))
        return Amount("lognormal", (median, sigma), len(v), median * float(np.exp(sigma * sigma / 2)), mean)
    return _quantiles(v, mean)


def _quantiles(v: np.ndarray, mean: float) -> Amount:
    finer = [level for n, level in FINER if len(v) >= n]  # where the data reach further, so do the levels
    levels = np.array([*LEVELS[:-1], *finer, 1.0])
    table = np.quantile(v, levels)
    # linear between levels is not linear between values: the piece that a heavy tail makes too long is the last, so
    # its end is brought in until the mean is the sample's, never below the level before it; the little that is left
    # scales the whole
    width = np.diff(levels)
    own = float(np.sum(width * (table[1:] + table[:-1]) / 2))
    if own > mean:
        table[-1] = max(table[-2], table[-1] - 2 * (own - mean) / width[-1])
        own = float(np.sum(width * (table[1:] + table[:-1]) / 2))
    table = table * (mean / own)
    own = float(np.sum(width * (table[1:] + table[:-1]) / 2))
    at = tuple(float(level) for level in levels)
    # a mean of skew values misses by more than its standard error says: Hall (1992), section 2.6, to order 1 / n
    skew = float(np.mean((v - v.mean()) ** 3)) / float(v.std()) ** 3
    pieces = (table[1:] + table[:-1]) / 2
    kept = float(np.diff(levels) @ (pieces - own) ** 2) / float(v.var())  # of the variance, by the table's pieces
    known = len(v) * min(1.0, kept) / (1 + (2.2 * skew * skew + 3.4) / len(v))
    return Amount("quantiles", tuple(float(x) for x in table), len(v), own, mean, at, tail_shape(v), known)


def tail_shape(sorted_values: np.ndarray, level: float = 0.9) -> tuple[float, float] | None:
    """Shape of the generalised Pareto law of what exceeds a level, and its standard error; None below 30 of them.

    By probability-weighted moments (Hosking and Wallis 1987, Technometrics 29, 339-349): 2 - a0 / (a0 - 2 a1).
    """
    v = np.asarray(sorted_values, dtype=np.float64)
    start = int(np.ceil(level * len(v)))
    over = v[start:] - v[start - 1]
    n = len(over)
    if n < TAIL_FROM or over.mean() <= 0:
        return None
    first = float(over.mean())
    second = float(np.mean(over * (1 - (np.arange(1, n + 1) - 0.35) / n)))
    if first <= 2 * second:
        return None
    shape = 2 - first / (first - 2 * second)
    b = min(max(shape, -0.45), 0.45)  # the formula of the error holds below one half
    error = (1 - b) * (1 - b + 2 * b**2) * (2 - b) ** 2 / ((1 - 2 * b) * (3 - 2 * b))
    return float(shape), float(np.sqrt(max(error, 0.0) / n))


def coefficient_of_variation(values: ArrayLike) -> float:
    """Standard deviation / mean of a sample, for notes."""
    v = np.asarray(values, dtype=np.float64)
    return float(v.std() / v.mean()) if len(v) and v.mean() else 0.0


def lognormal_p90(median: float, sigma: float) -> float:
    """The 90th percentile of a lognormal, as a plan writes it."""
    return float(median * np.exp(sigma * ndtri(0.9)))
