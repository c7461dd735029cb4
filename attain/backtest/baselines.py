"""What people use instead, on the same cells: last period, last year, moving average, AutoETS, AutoARIMA, pipelines.

Each gives samples [cells, m] for sums of the months ahead. The first three get the spread of their own past errors, so
that their score is a distribution's; AutoETS and AutoARIMA have the spread that they state. The weighted pipeline and
the manager's rule are points: a point's CRPS is its absolute error.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attain.backtest.differences import quick

Floats = NDArray[np.float64]
Found = dict[int, Floats | None]  # months ahead -> samples
LEVELS = (np.arange(100) + 0.5) / 100.0  # a distribution as 100 equally likely samples
WINDOW = 6  # months of the moving average
YEAR = 12
FITTED = 7  # months that the library needs: exponential smoothing of six is not written there
FEWEST = 2  # past errors from which a baseline has a spread; with fewer it is a point
NAIVE = ("last_period", "last_year", "moving_average")
LIBRARY = ("auto_ets", "auto_arima")
POINTS = ("weighted_pipeline", "manager")
MISSING = "not installed: pip install 'attain[forecasts]'"
UNWANTED = "left out, as asked"


def rolling(table: Floats, months: int) -> Floats:
    """[cells, t - months + 1] sums of so many months on end; the last is that of the latest months."""
    total = np.cumsum(np.concatenate([np.zeros((len(table), 1)), table], axis=1), axis=1)
    return np.asarray(total[:, months:] - total[:, :-months])


def _with_errors(point: Floats, errors: Floats) -> Floats:
    """Samples around a point by the quantiles of past errors; nothing below nought is sold."""
    if errors.shape[1] < FEWEST:
        return np.repeat(point[:, None], len(LEVELS), axis=1)
    spread = np.quantile(errors, LEVELS, axis=1).T
    return np.asarray(np.clip(point[:, None] + spread, 0.0, None), dtype=np.float64)


def last_period(table: Floats, months: int) -> Floats | None:
    """As many months as are forecast, just gone. None where there are too few."""
    if table.shape[1] < months:
        return None
    sums = rolling(table, months)
    return _with_errors(sums[:, -1], sums[:, months:] - sums[:, :-months])


def last_year(table: Floats, months: int) -> Floats | None:
    """The same months a year ago."""
    t = table.shape[1]
    if t < YEAR:
        return None
    sums = rolling(table, months)
    errors = sums[:, YEAR:] - sums[:, :-YEAR]
    point = table[:, t - YEAR : t - YEAR + months].sum(axis=1)
    return _with_errors(point, errors)


def moving_average(table: Floats, months: int) -> Floats | None:
    """The mean month of the last WINDOW, as often as months are forecast."""
    if table.shape[1] < WINDOW:
        return None
    means = rolling(table, WINDOW) / WINDOW * months
    sums = rolling(table, months)[:, WINDOW:]  # the sum that begins right after each window
    return _with_errors(means[:, -1], sums - means[:, : sums.shape[1]])


def available() -> bool:
    """Whether the library for AutoETS and AutoARIMA is installed."""
    return find_spec("statsforecast") is not None


def library(name: str, table: Floats, horizons: tuple[int, ...]) -> Found:
    """AutoETS or AutoARIMA of statsforecast by cell, normal, months ahead summed; None for too short a history.

    The library states each month's spread, not how months move together. A forecast error is a sum of shocks with
    weights that each month's variance gives away but for their sign, which is taken as plus: what surprises one month
    also surprises the next.
    """
    if table.shape[1] < FITTED:
        return dict.fromkeys(horizons)
    most = max(horizons)
    means, spreads = np.empty((len(table), most)), np.empty((len(table), most))
    for i, row in enumerate(table):
        means[i], spreads[i] = _one(name, row, most)
    variance = np.maximum.accumulate(spreads**2, axis=1)
    weights = np.sqrt(np.diff(variance, axis=1, prepend=0.0))
    out: Found = {}
    for months in horizons:
        shocks = np.cumsum(weights[:, :months], axis=1)  # what a shock adds to the sum of the months after it
        sd = np.sqrt((shocks**2).sum(axis=1))
        normal = _quantiles()
        out[months] = np.clip(means[:, :months].sum(axis=1)[:, None] + sd[:, None] * normal, 0.0, None)
    return out


def _quantiles() -> Floats:
    from scipy.special import ndtri

    return np.asarray(ndtri(LEVELS), dtype=np.float64)


def _one(name: str, row: Floats, months: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each month ahead; a series that does not move stays where it is."""
    if np.ptp(row) == 0.0:
        return np.full(months, row[-1]), np.zeros(months)
    with warnings.catch_warnings(), quick():  # that a fit was hard to find is no news of a dozen numbers
        warnings.simplefilter("ignore")
        found = _model(name, len(row)).forecast(y=row, h=months, level=[80])
    mean = np.asarray(found["mean"], dtype=np.float64)
    half = np.asarray(found["hi-80"], dtype=np.float64) - mean
    sd = np.nan_to_num(half / 1.2815515655446004, nan=float(row.std()))
    return np.nan_to_num(mean, nan=float(row.mean())), sd


def _model(name: str, length: int) -> Any:
    from statsforecast.models import AutoARIMA, AutoETS

    season = YEAR if length >= 2 * YEAR else 1
    made: Callable[..., Any] = AutoETS if name == "auto_ets" else AutoARIMA
    return made(season_length=season)


def pipelines(value: Floats, odds: Floats, places: NDArray[np.int64], cells: int) -> dict[str, Floats]:
    """The two rules on open deals: method -> [cells, 2] deals won and bookings; the same for any horizon."""
    known = places >= 0
    out = {name: np.zeros((cells, 2)) for name in POINTS}
    for name, weight in (("weighted_pipeline", odds), ("manager", np.full(len(value), 1.0 / 3.0))):
        np.add.at(out[name][:, 0], places[known], weight[known])
        np.add.at(out[name][:, 1], places[known], (weight * value)[known])
    return out


def naive(name: str, table: Floats, months: int) -> Floats | None:
    """One of ``NAIVE`` by name."""
    made = {"last_period": last_period, "last_year": last_year, "moving_average": moving_average}[name]
    return made(table, months)
