"""The distribution of bookings of an open plan, where effort, queues and rules play no part: a compound sum, by FFT.

Deals that are won within the horizon are a thinned Poisson (or binomial) number N of independent values X. The
distribution of X_1 + ... + X_N has the transform pgf(x^), inverted on a lattice with exponential tilting (Gruebel and
Hermesmeier 1999, ASTIN Bulletin 29), so that wrap-around is below 1e-9 of the mass. A continuous value is put on the
lattice three ways: rounded down and up, which bound the sum from both sides for certain, and to the nearest point,
which is the estimate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, special, stats

Vector = NDArray[np.float64]
Transform = Callable[[NDArray[np.complex128]], NDArray[np.complex128]]
WRAP = 24.0  # tilt times length: wrap-around is damped by exp(-24), rounding grows by at most exp(12)


@dataclass(frozen=True)
class Bounded:
    """A probability with bounds that contain it for certain (up to the 1e-9 of the inversion)."""

    low: float
    value: float
    high: float

    @property
    def error(self) -> float:
        return self.high - self.low

    @property
    def bounds(self) -> tuple[float, float]:
        return self.low, self.high


# --- numbers of deals, as probability generating functions ---------------------------------------------------------


def poisson(rate: float) -> Transform:
    """A Poisson number with mean `rate`."""
    return lambda z: np.exp(rate * (z - 1.0))


def binomial(n: int, p: float) -> Transform:
    """Successes of n tries with probability p."""
    return lambda z: (1.0 - p + p * z) ** n


def mixed(parts: Sequence[tuple[float, Transform]]) -> Transform:
    """A mixture: (weight, number) pairs, weights summing to one. An uncertain input, drawn once a replication."""
    return lambda z: sum((w * number(z) for w, number in parts[1:]), parts[0][0] * parts[0][1](z))


def beta_nodes(a: float, b: float, n: int = 64) -> tuple[Vector, Vector]:
    """Gauss-Jacobi nodes p and weights w for a Beta(a, b) variable: E f(p) = sum(w f(p)), exact to degree 2n - 1."""
    x, w = special.roots_jacobi(n, b - 1.0, a - 1.0)
    return (1.0 + x) / 2.0, w / w.sum()


def jeffreys(wins: int, of: int) -> tuple[float, float]:
    """Parameters of the posterior of a probability known from `wins` of `of`, from Jeffreys' prior Beta(1/2, 1/2)."""
    return wins + 0.5, of - wins + 0.5


def beta_mixed(a: float, b: float, number: Callable[[float], Transform], n: int = 64) -> Transform:
    """The number of deals when its probability p is drawn from Beta(a, b) once: number(p), mixed by quadrature."""
    nodes, weights = beta_nodes(a, b, n)
    return mixed([(float(w), number(float(p))) for p, w in zip(nodes, weights, strict=True)])


# --- values of deals, on a lattice ---------------------------------------------------------------------------------


def lognormal(mean: float, cv: float) -> Callable[[Vector], Vector]:
    """Cumulative distribution function of a lognormal with the given mean and coefficient of variation."""
    sigma = math.sqrt(math.log1p(cv * cv))
    return lambda x: np.asarray(stats.lognorm.cdf(x, s=sigma, scale=mean * math.exp(-sigma * sigma / 2.0)))


def on_lattice(cdf: Callable[[Vector], Vector], step: float, size: int) -> tuple[Vector, Vector, Vector]:
    """A positive value's masses on 0, step, ..., (size - 1) step: rounded down, to the nearest, and up.

    Mass beyond the lattice is left out: only sums below the lattice's end are asked for, and it cannot contribute.
    """
    edges = cdf(step * np.arange(size + 1, dtype=np.float64))
    halves = cdf(step * (np.arange(size, dtype=np.float64) + 0.5))
    down = np.diff(edges)
    down[0] += edges[0]
    nearest = np.diff(halves, prepend=0.0)
    up = np.concatenate([edges[:1], np.diff(edges[:-1])])
    return down, nearest, up


def compound(number: Transform, masses: Vector, size: int) -> Vector:
    """Masses of the sum of a random number of values on lattice points 0 to size - 1; accurate to about 1e-10."""
    length = 1 << (2 * size - 1).bit_length()
    tilt = WRAP / length
    tilted = masses[:size] * np.exp(-tilt * np.arange(min(size, len(masses))))
    total = np.fft.irfft(number(np.fft.rfft(tilted, length)), length)
    return np.asarray(total[:size] * np.exp(tilt * np.arange(size)))


def sum_at_least(number: Transform, cdf: Callable[[Vector], Vector], target: float, *, cells: int = 1 << 17) -> Bounded:
    """P(the sum of a random number of values with this distribution is at least `target`), with certain bounds.

    The lattice has `cells` cells up to the target, so the bounds close as the number of deals / cells.
    """
    step = target / cells

    def tail(masses: Vector) -> float:
        return 1.0 - float(compound(number, masses, cells).sum())

    down, nearest, up = on_lattice(cdf, step, cells)
    return Bounded(tail(down), tail(nearest), tail(up))


def lattice_at_least(number: Transform, masses: Vector, target: int) -> float:
    """P(sum >= target) where values are lattice points with the given masses; masses [0, 1] count deals."""
    return 1.0 - float(compound(number, masses, target).sum()) if target > 0 else 1.0


# --- deals won within the horizon, when stages take exponential waits ----------------------------------------------


def _generator(means: Sequence[float]) -> Vector:
    rates = 1.0 / np.asarray(means, dtype=np.float64)
    return np.asarray(np.diag(-rates) + np.diag(rates[:-1], 1))


def passed_by(t: float, means: Sequence[float]) -> float:
    """P(a chain of exponential waits with these means, repeated ones allowed, is over by t): hypoexponential."""
    if t <= 0.0:
        return 0.0
    return 1.0 - float(linalg.expm(_generator(means) * t)[0].sum())


def passed_time(t: float, means: Sequence[float]) -> float:
    """The integral of `passed_by` from 0 to t: expected passages by t of arrivals at unit rate from 0 on."""
    if t <= 0.0:
        return 0.0
    generator = _generator(means)
    still = linalg.solve(generator, linalg.expm(generator * t) - np.eye(len(means)))
    return t - float(still[0].sum())


def won_between(
    start: float, end: float, *, rate: float, probability: float, means: Sequence[float], constant: float = 0.0
) -> float:
    """Expected deals won in (start, end] of Poisson arrivals at `rate` from time 0.

    Each is won with the given probability after exponential waits with the given means and a constant one. Numbers in
    disjoint periods are independent Poisson (the departures of an M/G/infinity queue), so this mean gives the whole
    distribution.
    """
    return rate * probability * (passed_time(end - constant, means) - passed_time(start - constant, means))
