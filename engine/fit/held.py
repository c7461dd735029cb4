"""The lognormal or Weibull law that a plan holds so that its posterior has given intervals of two quantiles.

A fit knows where the median and the ninth decile of a wait lie, each with a 95% interval (``durations``). A plan has four
numbers for a wait: its median, its spread (a lognormal's sigma, a Weibull's shape), and from how many observations each
of these is known (``of``, ``spread_of``). What ``engine.posteriors`` draws from them has the four ends of both intervals;
here they are found.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import gammaincinv, ndtr, ndtri, stdtrit

from engine.fit.families import HIGH, LOW
from engine.fit.posterior import WEIBULL

Floats = NDArray[np.float64]
TwoParameters = Literal["lognormal", "weibull"]
NODES = 48  # at which the spread is taken, over all that it may be
LEAST = 2.0  # observations that a spread is known from: one says nothing of it
SPREADS = {"lognormal": (0.05, 5.0), "weibull": (0.2, 25.0)}  # sigma, shape
_AT, _WEIGHTS = np.polynomial.legendre.leggauss(NODES)
_LEVEL, _WEIGHT = (_AT + 1) / 2, _WEIGHTS / 2
# log ninth decile - log median: times sigma, over the shape
_APART = {"lognormal": float(ndtri(0.9)), "weibull": float(np.log(np.log(0.1) / np.log(0.5)))}


class Interval(NamedTuple):
    """The ends of a 95% interval, of a logarithm."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """Half way."""
        return (self.low + self.high) / 2

    @property
    def half(self) -> float:
        """Half its length."""
        return (self.high - self.low) / 2


class Held(NamedTuple):
    """A law as a plan has it: median, sigma or shape, and from how many observations each is known."""

    median: float
    spread: float
    of: float
    spread_of: float


def held(family: TwoParameters, median: Interval, decile: Interval, most: float) -> Held:
    """The law whose posterior has these intervals of the log median and the log ninth decile.

    No number of observations above ``most``. Where the ninth decile is known better than the median and so many
    observations allow, its interval is as short as they make it, about the same middle.
    """
    most = max(most, LEAST)
    narrow, wide = SPREADS[family]

    def off(x: Floats) -> Floats:
        law = _law(family, median, float(np.exp(x[0])), float(np.exp(x[1])), most)
        below = _below(family, law, np.array(decile))
        return np.asarray(ndtri(np.clip(below, 1e-12, 1 - 1e-12)) - ndtri([LOW, HIGH]))

    apart = max(decile.middle - median.middle, 1e-6)
    spread = apart / _APART[family] if family == "lognormal" else _APART[family] / apart
    ends = np.log([[narrow, LEAST - 1e-9], [wide, most + 1e-9]])
    unit, tied = (0.5, 0.0) if family == "lognormal" else (WEIBULL[1], WEIBULL[2])
    # the greater of the two errors of the spread with which both intervals would be right, were all normal
    root = tied * median.half + np.sqrt(max(decile.half**2 - (1 - tied**2) * median.half**2, 0.1 * median.half**2))
    start = np.log([spread, unit * (1.96 * apart / root) ** 2 + 1.0])
    inside = np.clip(start, ends[0] + 1e-6, np.maximum(ends[1] - 1e-6, ends[0] + 1e-6))
    found = least_squares(off, inside, bounds=(ends[0], ends[1]), xtol=1e-7, ftol=1e-9, max_nfev=60)
    return _law(family, median, float(np.exp(found.x[0])), float(np.exp(found.x[1])), most)


def _law(family: TwoParameters, median: Interval, spread: float, spread_of: float, most: float) -> Held:
    """With as many observations as give the median its interval."""
    if family == "lognormal":
        of = (spread * stdtrit(max(spread_of - 1.0, 1.0), HIGH) / median.half) ** 2
    else:
        of = WEIBULL[0] * (ndtri(HIGH) / (spread * median.half)) ** 2
    return Held(float(np.exp(median.middle)), spread, float(min(max(of, 1.0), most)), spread_of)


def _below(family: TwoParameters, law: Held, logs: Floats) -> Floats:
    """The posterior's chance that the log ninth decile is below each: normal, given the spread."""
    center = np.log(law.median)
    if family == "lognormal":
        free = max(law.spread_of - 1.0, 1.0)
        sigmas = law.spread * np.sqrt(0.5 * free / gammaincinv(0.5 * free, _LEVEL))
        middles, sds = center + _APART[family] * sigmas, sigmas / np.sqrt(law.of)
    else:
        z, sd = ndtri(_LEVEL), np.sqrt(WEIBULL[0] / law.of) / law.spread
        gaps = _APART[family] / law.spread * np.exp(-np.sqrt(WEIBULL[1] / law.spread_of) * z)
        middles, sds = center + sd * WEIBULL[2] * z + gaps, np.full(NODES, sd * np.sqrt(1 - WEIBULL[2] ** 2))
    return np.asarray(_WEIGHT @ ndtr((logs - middles[:, None]) / sds[:, None]))
