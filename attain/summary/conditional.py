"""How the chance hangs on what is not known: the conditional probability of attainment given the drawn inputs.

Each replication draws its inputs (posteriors, economy) and then its luck, so that the share of replications that attain
averages over both. Here the two are taken apart: a ridge logistic regression of attainment on the drawn inputs gives
the probability under each draw, and its spread over the draws is the range that the page shows beside the sampling
interval. Luck that the inputs kept do not carry (months of an economy around its mean) counts as luck.

The fitted probabilities spread too far, by the noise of the coefficients: with none of the inputs mattering they would
still differ. The linear predictor's variance is therefore cut by its expected noise (the trace of the coefficients'
covariance times the inputs'), and the predictors shrunk to what is left: the moment estimator of a variance component,
nothing where it is negative. Quadratic terms come in where they lower the BIC.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.statistics import Interval

RIDGE = 0.5  # prior precision of a standardised coefficient: weak, so that separable data stay finite
LEAST_PATHS = 100
LEAST_EACH = 10  # hits, and misses, below which the regression says nothing
LOW, HIGH = 0.1, 0.9
_STEPS = 60

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fit:
    """A logistic regression: intercept first; `covariance` is of its sampling, the sandwich that the ridge makes."""

    coefficients: Floats
    covariance: Floats
    deviance: float


@dataclass(frozen=True, eq=False)
class Effect:
    """The chance where one input is at its 10% and 90% point and the others vary."""

    column: int
    low: float
    high: float
    chance_low: float
    chance_high: float


@dataclass(frozen=True, eq=False)
class Conditional:
    """The conditional probability over the drawn inputs: its 10% to 90% range, each path's, and each input's effect."""

    interval: Interval
    probabilities: Floats  # [n]
    effects: tuple[Effect, ...]  # the largest first


def logistic(features: Floats, hits: NDArray[np.bool_], ridge: float = RIDGE) -> Fit:
    """Ridge logistic regression by halved Newton steps; features [n, k] standardised, the intercept unpenalised."""
    n, k = features.shape
    design = np.column_stack([np.ones(n), features])
    penalty = np.diag([0.0] + [ridge] * k)
    y = hits.astype(np.float64)
    beta = np.zeros(k + 1)
    beta[0] = np.log((y.sum() + 0.5) / (n - y.sum() + 0.5))

    def loss(b: Floats) -> float:
        eta = design @ b
        return float(np.sum(np.logaddexp(0.0, eta) - y * eta) + 0.5 * b @ penalty @ b)

    current = loss(beta)
    for _ in range(_STEPS):
        p = _expit(design @ beta)
        gradient = design.T @ (p - y) + penalty @ beta
        hessian = (design * (p * (1.0 - p))[:, None]).T @ design + penalty
        step = np.linalg.solve(hessian + 1e-10 * np.eye(k + 1), gradient)
        scale = 1.0
        while (new := loss(beta - scale * step)) > current and scale > 1e-6:
            scale /= 2.0
        beta = beta - scale * step
        done = current - new < 1e-9 * (1.0 + abs(new))
        current = new
        if done:
            break
    p = _expit(design @ beta)
    information = (design * (p * (1.0 - p))[:, None]).T @ design
    inverse = np.linalg.inv(information + penalty + 1e-10 * np.eye(k + 1))
    eta = design @ beta
    deviance = 2.0 * float(np.sum(np.logaddexp(0.0, eta) - y * eta))
    return Fit(beta, inverse @ information @ inverse, deviance)


def conditional(inputs: Floats, hits: NDArray[np.bool_]) -> Conditional | None:
    """The conditional probability of `hits` [n] over the drawn `inputs` [n, k].

    None where no input varies, or where there are too few paths, hits or misses to tell: that no path misses does not
    make it certain under every draw.
    """
    n = len(hits)
    varies = np.flatnonzero(np.ptp(inputs, axis=0) > 0.0) if n and inputs.shape[1] else np.zeros(0, dtype=np.int64)
    if len(varies) == 0 or n < LEAST_PATHS:
        return None
    count = int(hits.sum())
    p = count / n
    if min(count, n - count) < LEAST_EACH:
        return None
    linear = _standardised(inputs[:, varies])
    squares, fit = _with_squares(linear, hits)
    features = np.column_stack([linear, *(_square(linear[:, j]) for j in squares)])
    eta = features @ fit.coefficients[1:]
    spread = np.cov(features, rowvar=False).reshape(features.shape[1], features.shape[1])
    seen = float(np.var(eta, ddof=1))
    noise = float(np.trace(fit.covariance[1:, 1:] @ spread))
    kept = np.sqrt(max(0.0, 1.0 - noise / seen)) if seen > 0.0 else 0.0
    slopes = kept * fit.coefficients[1:]
    intercept = _level(features @ slopes, p)
    probabilities = _expit(intercept + features @ slopes)
    low, high = np.quantile(probabilities, (LOW, HIGH))
    effects = tuple(
        _effect(j, int(varies[j]), inputs[:, varies[j]], linear, squares, slopes, intercept) for j in range(len(varies))
    )
    ordered = tuple(sorted(effects, key=lambda e: -abs(e.chance_high - e.chance_low)))
    return Conditional(Interval(float(low), float(high)), probabilities, ordered)


def _standardised(columns: Floats) -> Floats:
    """Mean 0 and standard deviation 1; probabilities on the log scale, since a funnel multiplies them."""
    positive = (columns > 0.0).all(axis=0)
    scaled = np.where(positive, np.log(np.where(positive, columns, 1.0)), columns)
    sd = scaled.std(axis=0)
    return np.asarray((scaled - scaled.mean(axis=0)) / np.where(sd > 0.0, sd, 1.0))


def _square(column: Floats) -> Floats:
    """A column's square, standardised and freed of its correlation with the column."""
    square = column * column
    square = square - square.mean() - column * float(np.mean(column * square))
    sd = float(square.std())
    return np.asarray(square / sd if sd > 0.0 else square)


def _with_squares(linear: Floats, hits: NDArray[np.bool_]) -> tuple[list[int], Fit]:
    """The columns whose square lowers the BIC, and the fit with them; the strongest columns are tried first."""
    n = len(hits)
    fit = logistic(linear, hits)
    kept: list[int] = []
    for j in np.argsort(-np.abs(fit.coefficients[1 : linear.shape[1] + 1]), kind="stable")[:4]:
        features = np.column_stack([linear, *(_square(linear[:, i]) for i in (*kept, int(j)))])
        richer = logistic(features, hits)
        if fit.deviance - richer.deviance > np.log(n):
            kept.append(int(j))
            fit = richer
    return kept, fit


def _expit(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow and with its digits at both ends. SciPy's takes longer to import."""
    odds: Floats = np.exp(-np.logaddexp(0.0, -x))
    return odds


def _level(eta: Floats, p: float) -> float:
    """The intercept at which the mean probability is p, by bisection."""
    low, high = -60.0 - float(np.abs(eta).max()), 60.0 + float(np.abs(eta).max())
    for _ in range(100):
        middle = (low + high) / 2.0
        if float(_expit(middle + eta).mean()) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def _effect(
    j: int, column: int, drawn: Floats, linear: Floats, squares: list[int], slopes: Floats, intercept: float
) -> Effect:
    """One input held at its 10% and 90% point on every path, in turn."""
    features = np.column_stack([linear, *(_square(linear[:, i]) for i in squares)])
    ends, chances = np.quantile(drawn, (LOW, HIGH), method="nearest"), []
    for end in ends:
        path = int(np.argmin(np.abs(drawn - end)))
        held = features.copy()
        held[:, j] = features[path, j]
        for place, i in enumerate(squares):
            if i == j:
                held[:, linear.shape[1] + place] = features[path, linear.shape[1] + place]
        chances.append(float(_expit(intercept + held @ slopes).mean()))
    return Effect(column, float(ends[0]), float(ends[1]), chances[0], chances[1])
