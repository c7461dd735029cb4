"""A forecast of cells by month without deals: a level for each, errors pooled over cells. Arrays in, samples out.

What is expected of a cell's month is its budget where there is one, else what exponential smoothing carries on; the
weight of smoothing is one for all cells, the one that would have forecast the past best. Errors are told as parts of
what was expected, or of what the cell came to of late where that is more (a budget far below is often not kept to), and
about nought: a bias seen in a few months is as likely to end as to last, so it widens and does not move. Each cell has
a variance of its own, drawn toward that of all cells as far as they are alike: a scaled inverse chi-square whose
degrees of freedom are fitted to how much variances differ (Smyth 2004). How far an error lasts into the next month is
measured over all cells. Where months have no budget, part of each month's error moves the level of those after it.

Cells err together in a month, and one month errs like the next; so a spread is known from months, from fewer the longer
errors last, and not from cells: errors are Student t with no more degrees of freedom than that. At last the same
forecasts are made at each earlier month, and what they got wrong, in spreads, is what errors are drawn from, those few
periods against one of the Student t: cells that run for months as planned and then jump are seen for what they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, polygamma

Floats = NDArray[np.float64]
WEIGHTS = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
FLOOR = 0.01  # of what is expected: no cell is known better than that
LEAST = 0.05  # of a cell's median month: below it, errors are told as parts of this
BURN = 3  # months before smoothing, and forecasts made in the past, are judged
ACTIVE, OF = 3, 6  # a cell is forecast where so many of its last months were not nought
FEWEST = 3  # cells from which they have a variance in common
PROOF = 0.15  # months times gain over the slightest smoothing from which a level is half believed to move
TRUST = 1.0  # periods of surprises from which they count for half: a Dirichlet process with one observation's weight
LEAST_DF, MOST_DF = 3.0, 200.0  # of what cells have in common
HEAVIEST = 2.0  # degrees of freedom: with fewer, a mean of tails would hardly settle


@dataclass(frozen=True)
class Pool:
    """Errors of a level: each cell's variance about nought and its degrees of freedom, and how errors last."""

    variance: Floats
    df: Floats
    tie: float  # correlation of a month's error with the next one's


def smoothed(actual: Floats, weight: float) -> Floats:
    """[cells, months + 1] what was expected of each month from those before it; the last column is the next month's.

    A cell begins at its first month that is not nought.
    """
    cells, months = actual.shape
    out = np.zeros((cells, months + 1))
    level = np.zeros(cells)
    begun = np.zeros(cells, dtype=bool)
    for t in range(months):
        out[:, t] = level
        now = actual[:, t]
        level = np.where(begun, level + weight * (now - level), now)
        begun |= now != 0.0
    out[:, months] = level
    return out


@dataclass(frozen=True)
class Smoothing:
    """[cells, months + 1] what smoothing carries on, and which part of a month's error stays in the level for good."""

    carried: Floats
    lasting: float


def smoothing(actual: Floats) -> Smoothing:
    """By the weight that would have forecast the past best.

    With few months any weight may seem the best. So errors last by that weight only as far as it has done better than
    the least of them: a gain of ``PROOF`` over the months judged counts half.
    """
    months = actual.shape[1]
    judged = max(0, months - BURN)
    scale = np.abs(actual).mean(axis=1, keepdims=True) + 1e-9
    tried = [smoothed(actual, w) for w in WEIGHTS]
    cost = [float(np.mean(np.abs((actual - s[:, :months]) / scale)[:, BURN:])) if judged else 0.0 for s in tried]
    best = int(np.argmin(cost))
    gain = judged * (1.0 - cost[best] / cost[0]) if cost[0] > 0.0 else 0.0
    return Smoothing(tried[best], WEIGHTS[best] * gain / (gain + PROOF))


def expected(actual: Floats, budget: Floats, ahead: int, carried: Floats) -> tuple[Floats, Floats]:
    """[cells, months] and [cells, ahead] what was and is expected: a budget, else what smoothing carries on.

    ``budget`` runs over the months known and ahead, nan where none is.
    """
    months = actual.shape[1]
    past = np.where(np.isnan(budget[:, :months]), carried[:, :months], budget[:, :months])
    later = budget[:, months : months + ahead]
    return past, np.where(np.isnan(later), carried[:, -1:], later)


def units(expectation: Floats, carried: Floats, typical: Floats) -> Floats:
    """What errors are parts of: the more of what was expected and what a cell came to of late, and no less than a part
    of the cell's typical month."""
    most = np.maximum(np.abs(expectation), np.abs(carried))
    return np.asarray(np.maximum(most, LEAST * typical[:, None]), dtype=np.float64)


def typical_months(actual: Floats) -> Floats:
    """[cells] the median of a cell's months that are not nought; of all cells', where it has none."""
    size = np.where(actual == 0.0, np.nan, np.abs(actual))
    known = actual.any(axis=1)
    out = np.full(len(actual), float(np.nanmedian(size)) if known.any() else 1.0)
    if known.any():
        out[known] = np.nanmedian(size[known], axis=1)
    return out


def moderated(variance: Floats, df: Floats) -> tuple[float, float]:
    """The variance that cells have in common and its degrees of freedom, from theirs (Smyth 2004, section 6.2)."""
    if len(variance) < FEWEST:
        return float(np.exp(np.log(variance).mean())), 0.0  # too few cells to have anything in common
    z = np.log(variance)
    e = z - digamma(df / 2.0) + np.log(df / 2.0)
    mean = float(e.mean())
    excess = float(e.var(ddof=1) - polygamma(1, df / 2.0).mean())
    if excess <= 0.0:
        return float(np.exp(mean)), MOST_DF
    common = 2.0 * _inverse_trigamma(excess)
    return float(np.exp(mean + digamma(common / 2.0) - np.log(common / 2.0))), float(np.clip(common, LEAST_DF, MOST_DF))


def _inverse_trigamma(y: float) -> float:
    x = 0.5 + 1.0 / y
    for _ in range(50):  # Newton on 1 / trigamma, which is nearly linear
        t = float(polygamma(1, x))
        step = t * (1.0 - t / y) / float(polygamma(2, x))
        x += step
        if abs(step) < 1e-10 * x:
            break
    return x


def pool(errors: Floats) -> Pool:
    """From errors [cells, months], nan where there is none; cells with few are told by the others'."""
    n = (~np.isnan(errors)).sum(axis=1).astype(np.float64)
    if not (n >= 1.0).any():
        raise ValueError("no cell has an error to tell a spread from")
    square = np.nansum(errors**2, axis=1)
    own = np.maximum(square / np.maximum(n, 1.0), FLOOR**2)
    common, prior = moderated(own[n >= 1.0], n[n >= 1.0])
    variance = (prior * common + n * own) / np.maximum(prior + n, 1.0)
    tie = _tie(errors / np.sqrt(variance)[:, None])
    return Pool(variance, np.minimum(prior + n, max(HEAVIEST, independent(int(n.max()), tie))), tie)


def independent(months: int, tie: float) -> float:
    """How many months on their own tell as much as these, each tied to the one before (Bayley and Hammersley 1946)."""
    return months * (1.0 - tie) / (1.0 + tie)


def _tie(standard: Floats) -> float:
    """How far an error lasts into the next month, all cells together; as if one cell's worth of them had not."""
    pairs = standard[:, 1:] * standard[:, :-1]
    known = ~np.isnan(pairs)
    months = max(1, standard.shape[1] - 1)
    return float(np.clip(np.nansum(pairs) / (known.sum() + months), 0.0, 0.95))


@dataclass(frozen=True)
class Forecast:
    """What is expected of each cell's sum of the months ahead, and the spread of a standard error."""

    middle: Floats
    spread: Floats
    df: Floats


def forecast(actual: Floats, budget: Floats, months: int) -> Forecast:
    """[cells] from ``actual`` [cells, months known] and ``budget`` [cells, as many and those ahead].

    Raises ValueError where no cell has an error to learn a spread from.
    """
    level = smoothing(actual)
    carried = level.carried
    past, later = expected(actual, budget, months, carried)
    typical = typical_months(actual)
    first = np.argmax(actual != 0.0, axis=1)
    begun = np.arange(actual.shape[1])[None, :] > first[:, None]  # a first month was expected by nobody ...
    begun[~actual.any(axis=1)] = False
    known = begun | ~np.isnan(budget[:, : actual.shape[1]])  # ... but for its budget
    found = pool(np.where(known, (actual - past) / units(past, carried[:, :-1], typical), np.nan))
    unit = units(later, carried[:, -1:], typical) * _moved(budget[:, actual.shape[1] :][:, :months], level.lasting)
    lag = np.abs(np.arange(months)[:, None] - np.arange(months))
    spread = np.sqrt(found.variance * np.einsum("cj,ck,jk->c", unit, unit, found.tie**lag))
    return Forecast(later.sum(axis=1), spread, found.df)


def _moved(budget: Floats, lasting: float) -> Floats:
    """[cells, ahead] how often a month's error counts in the sum of the months ahead: in its own month, and by the part
    that lasts in each later one without a budget."""
    free = np.isnan(budget).astype(np.float64)
    later = np.cumsum(free[:, ::-1], axis=1)[:, ::-1] - free
    return np.asarray(1.0 + lasting * later)


@dataclass(frozen=True)
class Past:
    """What earlier forecasts got wrong, in spreads, and over how many periods that don't overlap."""

    errors: Floats
    periods: float


def surprises(actual: Floats, budget: Floats, months: int) -> Past:
    """What such forecasts, made at each earlier month of cells then active, got wrong: all of them.

    Forecasts of one month err together, and those that overlap err alike: they count as the periods they span.
    """
    out = []
    for t in range(BURN, actual.shape[1] - months + 1):
        here = active(actual[:, :t])
        if here.any():
            made = forecast(actual[here, :t], budget[here], months)
            out.append((actual[here, t : t + months].sum(axis=1) - made.middle) / made.spread)
    return Past(np.concatenate(out) if out else np.zeros(0), len(out) / months)


def active(actual: Floats) -> NDArray[np.bool_]:
    """[cells] whether so many of the last months were not nought that a forecast means something."""
    months = np.count_nonzero(actual[:, -OF:], axis=1)
    return np.asarray(months >= min(ACTIVE, actual.shape[1]), dtype=np.bool_)


def draw(made: Forecast, past: Past, n: int, rng: np.random.Generator) -> Floats:
    """[cells, n] samples: errors as the past's surprises, either way round, and Student t where those are few."""
    cells = len(made.middle)
    standard = rng.standard_t(made.df[:, None], (cells, n))
    if len(past.errors):
        seen = rng.choice(np.abs(past.errors), (cells, n)) * rng.choice([-1.0, 1.0], (cells, n))
        standard = np.where(rng.random((cells, n)) < past.periods / (past.periods + TRUST), seen, standard)
    return np.asarray(made.middle[:, None] + made.spread[:, None] * standard)
