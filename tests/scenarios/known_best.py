"""The best split of the `known-best` plan, worked out without simulating: every split on the grid, by Fourier.

Bookings are a sum of independent compound Poisson parts, one a budgeted cell, so the logarithm of their transform is
linear in each cell's expected wins: one inverse transform gives a split's probability of attainment. Values are put
on a lattice rounded down, to the nearest point and up; the outer two bound the probability for certain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tests.oracles.compound import WRAP, Bounded, lognormal, on_lattice

MONTHS = 12
TOTAL, STEP = 1_200_000, 10_000
TARGET = 13e6
REFERENCE = (250_000, 200_000, 750_000)
FLOORS = (0, 0, 100_000)
OFFER, CONTRACT, SOUTH_ODDS = 0.80, 0.625, 0.60
NORTH = OFFER * CONTRACT
SOUTH = OFFER * CONTRACT * SOUTH_ODDS / (1 - CONTRACT + CONTRACT * SOUTH_ODDS)


@dataclass(frozen=True)
class Line:
    """A budgeted cell: its response (leads a month), its deals' probability of being won, and their value."""

    most: float
    half_at: float
    won: float
    value: float
    cv: float

    def wins(self, budget: float) -> float:
        """Expected deals won in the year for a year's budget."""
        spend = budget / MONTHS
        return self.won * MONTHS * self.most * spend / (spend + self.half_at)


# licences in the North, licences in the South, projects in the North
LINES = (Line(24, 120e3, NORTH, 2e5, 0.4), Line(24, 120e3, SOUTH, 2e5, 0.4), Line(1.6, 120e3, NORTH, 3e6, 0.8))
Split = tuple[float, float, float]


class Theory:
    """P(attain) of any split; `cells` lattice points up to the target."""

    def __init__(self, cells: int = 650) -> None:
        self.cells = cells
        self.length = 1 << (2 * cells - 1).bit_length()
        self.tilt = WRAP / self.length
        damp = np.exp(-self.tilt * np.arange(cells))
        self.undamp = 1.0 / damp
        step = TARGET / cells
        self.parts = [
            [
                np.fft.rfft(masses * damp, self.length) - 1.0
                for masses in on_lattice(lognormal(x.value, x.cv), step, cells)
            ]
            for x in LINES
        ]

    def _attains(self, split: Split, rounding: int) -> float:
        wins = [line.wins(amount) for line, amount in zip(LINES, split, strict=True)]
        exponent = sum(n * part[rounding] for n, part in zip(wins, self.parts, strict=True))
        below = np.fft.irfft(np.exp(exponent), self.length)[: self.cells] * self.undamp
        return 1.0 - float(below.sum())

    def probability(self, split: Split) -> float:
        """The estimate."""
        return self._attains(split, 1)

    def bounded(self, split: Split) -> Bounded:
        """The estimate between bounds that hold for certain."""
        return Bounded(*(self._attains(split, rounding) for rounding in range(3)))


def mean(split: Split) -> float:
    """Expected bookings."""
    return sum(line.value * line.wins(amount) for line, amount in zip(LINES, split, strict=True))


def splits() -> Iterator[Split]:
    """Every split of the total in steps, within the plan's limits."""
    for first in range(FLOORS[0], TOTAL + 1, STEP):
        for second in range(FLOORS[1], TOTAL - first - FLOORS[2] + 1, STEP):
            yield float(first), float(second), float(TOTAL - first - second)


def best_split(theory: Theory) -> Split:
    """The split most likely to attain the target."""
    return max(splits(), key=theory.probability)


def best_mean_split() -> Split:
    """The split with the highest expected bookings."""
    return max(splits(), key=mean)
