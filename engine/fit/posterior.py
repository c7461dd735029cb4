"""Draws from what was fitted, many at once: the law of ``engine.posteriors``, vectorised, for intervals and their
checks.

A plan's replications draw a fitted wait or value by inversion, one at a time; here the same posteriors give intervals
of any quantile or mean of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import gamma as gamma_function
from scipy.special import ndtri

from engine.fit.incidence import Floats
from engine.posteriors import SHAPE_LEAST, SIGMA_MOST

WEIBULL = (1.3789, 0.6079, 0.5240)  # n x variance of log median (times shape^2) and of log shape, and their correlation


def parameter_draws(
    family: str,
    parameters: Sequence[float],
    levels: Sequence[float],
    of: float,
    rng: np.random.Generator,
    size: int,
    spread_of: float = 0.0,
) -> Floats:
    """[size, parameters] draws; for tables [size, levels]: the levels drawn, the values stay. ``of`` 0: no error;
    ``spread_of`` 0: the spread known from as many."""
    spread_of = spread_of or of
    p = np.tile(np.asarray(levels if family == "quantiles" else parameters, dtype=np.float64), (size, 1))
    if of <= 0 or family == "constant":
        return p
    if family == "exponential":
        p[:, 0] *= of / rng.gamma(max(of, 0.5), 1.0, size)
    elif family == "lognormal":
        free = max(spread_of - 1.0, 1.0)
        p[:, 1] = np.minimum(p[:, 1] * np.sqrt(free / rng.chisquare(free, size)), np.maximum(SIGMA_MOST, p[:, 1]))
        p[:, 0] *= np.exp(p[:, 1] * rng.standard_normal(size) / np.sqrt(of))
    elif family == "weibull":
        one, other = rng.standard_normal((2, size))
        other = WEIBULL[2] * one + np.sqrt(1 - WEIBULL[2] ** 2) * other
        p[:, 0] *= np.exp(np.sqrt(WEIBULL[0] / of) / p[:, 1] * one)
        least = np.minimum(SHAPE_LEAST, p[:, 1])
        p[:, 1] = np.maximum(p[:, 1] * np.exp(np.sqrt(WEIBULL[1] / spread_of) * other), least)
    else:
        parts = np.diff(np.asarray(levels, dtype=np.float64))
        shares = rng.gamma(np.maximum(of * parts, 1e-9), 1.0, (size, len(parts)))
        p[:, 1:] = np.cumsum(shares, axis=1) / shares.sum(axis=1, keepdims=True)
    return p


def quantile_draws(family: str, parameters: Sequence[float], draws: Floats, level: float) -> Floats:
    """[size]: the quantile at a level under each draw of the parameters."""
    if family == "constant":
        return draws[:, 0]
    if family == "exponential":
        return np.asarray(-draws[:, 0] * np.log1p(-level))
    if family == "lognormal":
        return np.asarray(draws[:, 0] * np.exp(draws[:, 1] * ndtri(level)))
    if family == "weibull":
        return np.asarray(draws[:, 0] * (-np.log1p(-level) / np.log(2.0)) ** (1 / draws[:, 1]))
    values = np.asarray(parameters)
    return np.array([np.interp(level, row, values) for row in draws])


def mean_draws(family: str, parameters: Sequence[float], draws: Floats) -> Floats:
    """[size]: the mean under each draw of the parameters."""
    if family in ("constant", "exponential"):
        return draws[:, 0]
    if family == "lognormal":
        return np.asarray(draws[:, 0] * np.exp(draws[:, 1] ** 2 / 2))
    if family == "weibull":
        scale = draws[:, 0] / np.log(2.0) ** (1 / draws[:, 1])
        return np.asarray(scale * gamma_function(1 + 1 / draws[:, 1]))
    values = np.asarray(parameters)
    return np.asarray(np.diff(draws, axis=1) @ ((values[1:] + values[:-1]) / 2))
