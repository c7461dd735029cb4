"""Moments of lead counts under the economy: doubly stochastic Poisson cells with autocorrelated lognormal shocks.

In month m the intensity of a cell in region r is its base times

    exp(load * sd * z[m] - load^2 sd^2 / 2) * exp(load * regional_sd * w[r, m] - load^2 regional_sd^2 / 2),

with z and every w[r] independent standard AR(1) series of one persistence, started in their stationary law. The factor
has mean 1; given it, counts are independent Poisson. By the lognormal's moments and the law of total covariance

    cov(N_i, N_j) = base_i base_j (exp(load_i load_j persistence^|m_i - m_j| (sd^2 + [r_i = r_j] regional_sd^2)) - 1)
                    + [i = j] base_i.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Economy:
    """The shocks: standard deviations on the log scale, and the correlation of one month with the next."""

    sd: float
    persistence: float
    regional_sd: float = 0.0


@dataclass(frozen=True)
class Cell:
    """Expected count of one cell in one month, wins included by multiplying with a constant probability (thinning).

    `name` tells apart cells of the same region and month, such as sources and products.
    """

    name: str
    region: str
    month: int
    base: float
    load: float = 1.0


def covariance(a: Cell, b: Cell, economy: Economy) -> float:
    """Covariance of the counts of two cells; their variance where the cells are the same."""
    shared = economy.sd**2 + (economy.regional_sd**2 if a.region == b.region else 0.0)
    together = a.load * b.load * economy.persistence ** abs(a.month - b.month) * shared
    own = a.base if (a.name, a.region, a.month) == (b.name, b.region, b.month) else 0.0
    return a.base * b.base * math.expm1(together) + own


def variance(cells: Iterable[Cell], economy: Economy) -> float:
    """Variance of the summed count of the cells."""
    return sum_covariance(cells, cells, economy)


def sum_covariance(first: Iterable[Cell], second: Iterable[Cell], economy: Economy) -> float:
    """Covariance of the summed counts of two groups of cells."""
    others = list(second)
    return math.fsum(covariance(a, b, economy) for a in first for b in others)


def correlation(first: Iterable[Cell], second: Iterable[Cell], economy: Economy) -> float:
    """Correlation of the summed counts of two groups of cells."""
    a, b = list(first), list(second)
    return sum_covariance(a, b, economy) / math.sqrt(variance(a, economy) * variance(b, economy))


def dispersion(cells: Iterable[Cell], economy: Economy) -> float:
    """Variance of the summed count over its mean: 1 where no shock is shared."""
    listed = list(cells)
    return variance(listed, economy) / math.fsum(c.base for c in listed)
