"""The lognormal or Weibull law that a plan holds so that its posterior has given intervals of two quantiles.

A fit knows where the median and the ninth decile of a wait lie, each with a 95% interval (``durations``). A plan has
four numbers for a wait: its median, its spread (a lognormal's sigma, a Weibull's shape), and from how many observations
each of these is known (``of``, ``spread_of``). Here the four are found with which what ``engine.posteriors`` draws has
the median's interval, and one as long as the ninth decile's.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, ndtr, ndtri, stdtrit

from engine.fit.families import HIGH, LOW
from engine.fit.posterior import WEIBULL

Floats = NDArray[np.float64]
TwoParameters = Literal["lognormal", "weibull"]
NODES = 48  # at which the spread is taken, over all that it may be
LEAST = {"lognormal": 4.0, "weibull": 1.0}  # observations that a spread is known from: of fewer, sigma is anything
SPREADS = {"lognormal": (0.05, 5.0), "weibull": (0.2, 25.0)}  # sigma, shape
STEPS, BISECTIONS = 40, 40  # numbers of observations looked at, and halvings of an interval's end
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
    """The law whose posterior has this interval of the log median and one as long of the log ninth decile.

    What lies between the two is, in its mean square, what lies between the intervals' middles. No number of
    observations is above ``most``. Where none gives the ninth decile its interval (it is known better than the median,
    or hardly at all), that is as near to it as can be, and the median's is kept.
    """
    counts = np.geomspace(LEAST[family], max(most, 1.01 * LEAST[family]), STEPS)
    apart = max(decile.middle - median.middle, 1e-6)
    spreads = _APART[family] / apart * np.exp(WEIBULL[1] / counts)
    if family == "lognormal":
        spreads = apart / _APART[family] * np.sqrt((counts - 3) / (counts - 1))
    spreads = np.clip(spreads, *SPREADS[family])
    ofs = np.clip(_of(family, median.half, spreads, counts), 1.0, most)
    low, high = _decile(family, spreads, ofs, counts)
    too_long = high - low - 2 * decile.half
    first = int(np.argmax(too_long <= 0)) if np.any(too_long <= 0) else int(np.argmin(too_long))
    at = float(first)
    if first > 0 and too_long[first] < 0:  # between two of them
        at -= float(too_long[first] / (too_long[first] - too_long[first - 1]))
    spread, of, count = (float(np.exp(np.interp(at, np.arange(STEPS), np.log(x)))) for x in (spreads, ofs, counts))
    return Held(float(np.exp(median.middle)), spread, of, count)


def _of(family: TwoParameters, half: float, spreads: Floats, counts: Floats) -> Floats:
    """As many observations as give the log median an interval half as long as this."""
    if family == "lognormal":
        return np.asarray((spreads * stdtrit(counts - 1.0, HIGH) / half) ** 2)
    return np.asarray(WEIBULL[0] * (ndtri(HIGH) / (spreads * half)) ** 2)


def _decile(family: TwoParameters, spreads: Floats, ofs: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """The ends of the posterior's 95% interval of log ninth decile - written log median: normal, given the spread."""
    spreads, ofs, counts = spreads[:, None], ofs[:, None], counts[:, None]
    if family == "lognormal":
        sigmas = spreads * np.sqrt(0.5 * (counts - 1.0) / gammaincinv(0.5 * (counts - 1.0), _LEVEL))
        middles, sds = _APART[family] * sigmas, sigmas / np.sqrt(ofs)
    else:
        z, sd = ndtri(_LEVEL), np.sqrt(WEIBULL[0] / ofs) / spreads
        gaps = _APART[family] / spreads * np.exp(-np.sqrt(WEIBULL[1] / counts) * z)
        middles, sds = sd * WEIBULL[2] * z + gaps, sd * np.sqrt(1 - WEIBULL[2] ** 2)
    sds = np.broadcast_to(sds, middles.shape)
    ends = []
    for share in (LOW, HIGH):
        low, high = np.min(middles - 9 * sds, axis=1), np.max(middles + 9 * sds, axis=1)
        for _ in range(BISECTIONS):
            half_way = (low + high) / 2
            above = ndtr((half_way[:, None] - middles) / sds) @ _WEIGHT < share
            low, high = np.where(above, half_way, low), np.where(above, high, half_way)
        ends.append((low + high) / 2)
    return ends[0], ends[1]
