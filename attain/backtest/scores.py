"""Scores of forecasts that are distributions: CRPS, probability integral transform, coverage, Brier. Arrays in and out.

A forecast is a row of samples, an outcome a number. Outcomes may be counts, or nothing sold at all: with a point mass
at the outcome the transform is a range and not a point, and every figure here takes its exact expectation over a
uniform draw in that range (the non-randomised transform of Czado, Gneiting and Held 2009), so that nothing is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def crps(samples: Floats, outcomes: Floats, *, fair: bool = True) -> Floats:
    """[rows] Continuous ranked probability score of samples [rows, m] for outcomes [rows]; less is better.

    E|X - y| - E|X - X'| / 2. ``fair``: without bias for the distribution the samples were drawn from (Ferro 2014);
    else the score of the samples as they are, each with weight 1/m, which for one sample is the absolute error.
    """
    ordered = np.sort(samples, axis=1)
    m = ordered.shape[1]
    error: Floats = np.abs(ordered - outcomes[:, None]).mean(axis=1)
    if m == 1:
        return error
    weight = 2.0 * np.arange(1, m + 1) - m - 1.0
    spread = ordered @ weight / (m * (m - 1.0) if fair else m * m)
    return np.asarray(error - spread, dtype=np.float64)


def transform(samples: Floats, outcomes: Floats) -> tuple[Floats, Floats]:
    """[rows], [rows]: the range of the outcome's rank among the samples, over m + 1: uniform where the forecast holds.

    With m samples and the outcome all alike in law, its rank is uniform on 0..m; ties leave a range of ranks.
    """
    m = samples.shape[1]
    less = (samples < outcomes[:, None]).sum(axis=1)
    equal = (samples == outcomes[:, None]).sum(axis=1)
    return less / (m + 1.0), (less + equal + 1.0) / (m + 1.0)


def within(low: Floats, high: Floats, since: float, until: float) -> Floats:
    """[rows] The part of each transform's range that lies between two levels: the expectation of a randomised hit."""
    return np.asarray(np.clip(np.minimum(high, until) - np.maximum(low, since), 0.0, None) / (high - low))


def covered(low: Floats, high: Floats, level: float) -> Floats:
    """[rows] In [0, 1]: whether the central interval of a level holds the outcome, in expectation."""
    return within(low, high, (1.0 - level) / 2.0, (1.0 + level) / 2.0)


def histogram(low: Floats, high: Floats, bins: int = 10) -> Floats:
    """[bins] Shares of the transforms in equal bins; each near 1 / bins where the forecasts hold."""
    if not len(low):
        return np.zeros(bins)
    edges = np.linspace(0.0, 1.0, bins + 1)
    return np.array([within(low, high, a, b).mean() for a, b in pairwise(edges)])


def width(samples: Floats, level: float) -> Floats:
    """[rows] How wide the central interval of a level is."""
    low, high = np.quantile(samples, [(1.0 - level) / 2.0, (1.0 + level) / 2.0], axis=1)
    return np.asarray(high - low, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Bin:
    """Forecasts of about the same probability: their mean, how many, and how often it happened."""

    probability: float
    happened: float
    count: int


@dataclass(frozen=True, slots=True)
class Brier:
    """Mean square error of probabilities, and its parts: score = reliability - resolution + uncertainty + within.

    Murphy 1973, with the term for forecasts that differ inside a bin (Stephenson, Coelho and Jolliffe 2008).
    """

    score: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float
    bins: tuple[Bin, ...]


def brier(probability: Floats, happened: Floats, bins: int = 10) -> Brier:
    """The score of probabilities [rows] of events that happened (1) or not (0). Raises ValueError without rows."""
    if not len(probability):
        raise ValueError("a Brier score needs at least one forecast")
    base = float(happened.mean())
    place = np.minimum((probability * bins).astype(np.int64), bins - 1)
    found = []
    reliability = resolution = inside = 0.0
    for k in range(bins):
        p, y = probability[place == k], happened[place == k]
        if not len(p):
            continue
        found.append(Bin(float(p.mean()), float(y.mean()), len(p)))
        reliability += len(p) * (p.mean() - y.mean()) ** 2
        resolution += len(p) * (y.mean() - base) ** 2
        inside += len(p) * (p.var() - 2.0 * np.mean((p - p.mean()) * (y - y.mean())))
    n = len(probability)
    score = float(np.mean((probability - happened) ** 2))
    return Brier(score, reliability / n, resolution / n, base * (1.0 - base), float(inside) / n, tuple(found))
