"""Distributions of times and amounts as rows of one array, and variates from them by inversion.

Stands between the plan's records (`engine.plan`) and the rules that both engines call: `DistributionTable` turns each
distribution of a plan into a row, once, and `variate` makes one number of one uniform through the inverse distribution
function, so that it rises with the uniform and common random numbers stay common when a parameter moves. Everything
is computed with `engine.arithmetic`, so that a row gives the same bits on every machine.

A row's value is hours (or minor units of money), or calendar days where `calendar_days` says so; never negative, never
infinite. Rows by kind, p0 to p2: constant (value); exponential (mean); lognormal (median, sigma); triangular (low,
mode, high); uniform (low, high); weibull (scale, shape); empirical (sorted values in table[start:stop]); quantiles
(levels in the first half of table[start:stop], their values in the second, linear between).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.arithmetic import exp, log, normal_cdf, normal_quantile
from engine.beta import log_gamma
from engine.compiled import compiled
from engine.plan.quantities import Duration
from engine.plan.types import AmountDistribution, TimeDistribution
from engine.problems import PlanRefused, Problem

from numba import from_dtype, types  # isort: skip

DISTRIBUTION: Final = np.dtype(
    [
        ("kind", np.int64),
        ("calendar_days", np.int64),
        ("p0", np.float64),
        ("p1", np.float64),
        ("p2", np.float64),
        ("start", np.int64),
        ("stop", np.int64),
    ]
)

KINDS: Final = ("constant", "exponential", "lognormal", "triangular", "uniform", "weibull", "empirical", "quantiles")
CONSTANT, EXPONENTIAL, LOGNORMAL, TRIANGULAR, UNIFORM, WEIBULL, EMPIRICAL, QUANTILES = range(8)

Rows = npt.NDArray[np.void]
Floats = npt.NDArray[np.float64]

# Read-only in the signature: arrays that joblib maps into its workers are.
_ROWS: Final = types.Array(from_dtype(DISTRIBUTION), 1, "C", readonly=True)
_TABLE: Final = types.Array(types.float64, 1, "C", readonly=True)
_HALF_LOG_TWO_PI: Final = 0.9189385332046727
_OF_NUMBER: Final = types.float64(_ROWS, _TABLE, types.int64, types.float64)


@compiled(types.int64(_TABLE, types.int64, types.int64, types.float64))
def _count_up_to(table: Floats, start: int, stop: int, x: float) -> int:
    """How many of the sorted values table[start:stop] are at most x."""
    low, high = start, stop
    while low < high:
        middle = (low + high) // 2
        if table[middle] <= x:
            low = middle + 1
        else:
            high = middle
    return low - start


@compiled(types.float64(_TABLE, types.int64, types.int64, types.float64))
def _between_quantiles(table: Floats, start: int, stop: int, u: float) -> float:
    """The value at level u, linear between the levels table[start:middle] of the values table[middle:stop]."""
    n = (stop - start) // 2
    j = _count_up_to(table, start, start + n, u)
    if j < 1:
        return table[start + n]
    if j >= n:
        return table[stop - 1]
    level, value = table[start + j - 1], table[start + n + j - 1]
    share = (u - level) / (table[start + j] - level)
    return value + share * (table[start + n + j] - value)


@compiled(types.float64(_TABLE, types.int64, types.int64, types.float64))
def _level_between_quantiles(table: Floats, start: int, stop: int, x: float) -> float:
    """The probability of at most x; where the value stands still, the upper end of its levels."""
    n = (stop - start) // 2
    j = _count_up_to(table, start + n, stop, x)
    if j < 1:
        return 0.0
    if j >= n:
        return 1.0
    level, value = table[start + j - 1], table[start + n + j - 1]
    share = (x - value) / (table[start + n + j] - value)
    return level + share * (table[start + j] - level)


@compiled("float64(float64, float64, float64, float64)", inline=True)
def _triangular(low: float, mode: float, high: float, u: float) -> float:
    width = high - low  # both sides are computed and one is chosen: a processor cannot guess which
    rising = low + sqrt(u * width * (mode - low))
    falling = high - sqrt((1.0 - u) * width * (high - mode))
    return rising if u * width < mode - low else falling


@compiled(_OF_NUMBER)
def _less_common_variate(dists: Rows, table: Floats, i: int, u: float) -> float:
    row = dists[i]
    kind = row.kind
    if kind == TRIANGULAR:
        return _triangular(row.p0, row.p1, row.p2, u)
    if kind == WEIBULL:
        return row.p0 * exp(log(-log(1.0 - u)) / row.p1)
    if kind == EMPIRICAL:
        n = row.stop - row.start
        place = int(u * n)
        return table[row.start + (place if place < n else n - 1)]
    return _between_quantiles(table, row.start, row.stop, u)


@compiled(_OF_NUMBER, inline=True)
def variate(dists: Rows, table: Floats, i: int, u: float) -> float:
    """The variate of row i at the uniform 0 < u < 1: the inverse distribution function, which rises with u."""
    row = dists[i]
    kind = row.kind
    if kind == CONSTANT:
        return row.p0
    if kind == LOGNORMAL:
        return row.p0 * exp(row.p1 * normal_quantile(u))
    if kind == EXPONENTIAL:
        return -row.p0 * log(1.0 - u)
    if kind == UNIFORM:
        return row.p0 + u * (row.p1 - row.p0)
    return _less_common_variate(dists, table, i, u)


@compiled(_OF_NUMBER)
def cumulative(dists: Rows, table: Floats, i: int, x: float) -> float:
    """The probability that a variate of row i is at most x."""
    row = dists[i]
    kind = row.kind
    if x < 0.0:
        return 0.0
    if kind == CONSTANT:
        return 1.0 if x >= row.p0 else 0.0
    if kind == EXPONENTIAL:
        return 1.0 - exp(-x / row.p0)
    if kind == LOGNORMAL:
        if row.p1 == 0.0:
            return 1.0 if x >= row.p0 else 0.0
        return normal_cdf(log(x / row.p0) / row.p1)
    if kind in (TRIANGULAR, UNIFORM):
        low, high = row.p0, row.p2 if kind == TRIANGULAR else row.p1
        if x >= high:
            return 1.0
        if x <= low:
            return 0.0
        if kind == UNIFORM:
            return (x - low) / (high - low)
        if x < row.p1:
            return (x - low) * (x - low) / ((high - low) * (row.p1 - low))
        return 1.0 - (high - x) * (high - x) / ((high - low) * (high - row.p1))
    if kind == WEIBULL:
        return 1.0 - exp(-exp(row.p1 * log(x / row.p0)))
    if kind == EMPIRICAL:
        return _count_up_to(table, row.start, row.stop, x) / (row.stop - row.start)
    return _level_between_quantiles(table, row.start, row.stop, x)


@compiled(_OF_NUMBER)
def log_survival(dists: Rows, table: Floats, i: int, x: float) -> float:
    """The logarithm of the probability that a variate of row i exceeds x; -inf where none does.

    For what has no upper end it is computed from the tail, so that very old deals still tell two waits apart.
    """
    row = dists[i]
    kind = row.kind
    if x <= 0.0:
        return 0.0
    if kind == EXPONENTIAL:
        return -x / row.p0
    if kind == WEIBULL:
        return -exp(row.p1 * log(x / row.p0))
    if kind == LOGNORMAL and row.p1 > 0.0:
        z = log(x / row.p0) / row.p1
        if z < 37.0:
            return log(normal_cdf(-z))
        return -0.5 * z * z - log(z) - _HALF_LOG_TWO_PI  # Mills: phi(z) / z, to a relative 1 / z^2
    beyond = 1.0 - cumulative(dists, table, i, x)
    return log(beyond) if beyond > 0.0 else -np.inf


@compiled("float64(float64, float64, float64, float64)")
def _lognormal_beyond(median: float, sigma: float, age: float, u: float) -> float:
    """A lognormal variate given that it exceeds `age`; from the upper tail, which keeps its digits however small."""
    if sigma == 0.0:
        return median
    z = log(age / median) / sigma
    upper = normal_cdf(-z) * (1.0 - u)
    if upper > 1e-290:
        return median * exp(-sigma * normal_quantile(upper))
    return age * exp(-sigma * log(1.0 - u) / z)  # so far out the normal tail is exponential at rate z


@compiled(types.float64(_ROWS, _TABLE, types.int64, types.float64, types.float64))
def conditional_variate(dists: Rows, table: Floats, i: int, age: float, u: float) -> float:
    """The variate of row i at the uniform u given that it exceeds `age`, in the row's unit; rises with u.

    That is the inverse at F(age) + (1 - F(age)) u, computed where it can be from the tail beyond `age`, so that the
    age of a deal that has long waited loses no digits. Never below `age`; `age` itself where nothing lies beyond.
    """
    if age <= 0.0:
        return variate(dists, table, i, u)
    row = dists[i]
    kind = row.kind
    x = age
    if kind == CONSTANT:
        x = row.p0
    elif kind == EXPONENTIAL:
        x = age - row.p0 * log(1.0 - u)
    elif kind == LOGNORMAL:
        x = _lognormal_beyond(row.p0, row.p1, age, u)
    elif kind == UNIFORM:
        low = row.p0 if row.p0 > age else age
        x = low + u * (row.p1 - low)
    elif kind == WEIBULL:
        hazard = exp(row.p1 * log(age / row.p0)) - log(1.0 - u)
        x = row.p0 * exp(log(hazard) / row.p1)
    elif kind == EMPIRICAL:
        first = row.start + _count_up_to(table, row.start, row.stop, age)
        n = row.stop - first
        if n > 0:
            place = int(u * n)
            x = table[first + (place if place < n else n - 1)]
    elif kind == TRIANGULAR and age >= row.p1:
        x = row.p2 - (row.p2 - age) * sqrt(1.0 - u)
    else:
        level = cumulative(dists, table, i, age)
        if level < 1.0:
            x = variate(dists, table, i, level + (1.0 - level) * u)
    return x if age < x < np.inf else age


# --- from the plan's records to rows -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Description:
    """A row in figures, for reports: moments and quantiles in the row's unit."""

    kind: str
    calendar_days: bool
    mean: float
    std: float
    p10: float
    p50: float
    p90: float


@dataclass(frozen=True, slots=True)
class _Numbers:
    """A distribution's numbers, all in the row's unit."""

    named: Mapping[str, float]
    values: tuple[float, ...]
    quantiles: tuple[tuple[float, float], ...]


def _refuse(path: str, value: object, expected: str) -> PlanRefused:
    return PlanRefused([Problem(path=path, value=str(value), expected=expected)])


def _lognormal(dist: TimeDistribution | AmountDistribution, n: Mapping[str, float]) -> tuple[float, float]:
    """Median and sigma from whichever two parameters are given."""
    if dist.cv is not None:
        square = 1.0 + dist.cv * dist.cv
        return n["mean"] / sqrt(square), sqrt(log(square))
    sigma = dist.sigma if dist.sigma is not None else log(n["p90"] / n["median"]) / normal_quantile(0.9)
    median = n["median"] if "median" in n else n["mean"] * exp(-0.5 * sigma * sigma)
    return median, sigma


def _weibull(shape: float, n: Mapping[str, float]) -> tuple[float, float]:
    """Scale and shape from the median or the mean and the shape."""
    if "median" in n:
        return n["median"] * exp(-log(log(2.0)) / shape), shape
    return n["mean"] * exp(-log_gamma(1.0 + 1.0 / shape)), shape


_NAMED: Final = ("value", "mean", "median", "p90", "low", "mode", "high")


class DistributionTable:
    """Collects a plan's distributions as rows; ``arrays`` gives what the jitted functions take.

    A number returned by ``add_time`` or ``add_amount`` is the row's index for good. Raises PlanRefused where numbers
    make no distribution once units are known: a column that is empty, missing or holds a negative or non-finite
    value, or parameters out of order.
    """

    def __init__(self) -> None:
        self._rows: list[tuple[int, int, float, float, float, int, int]] = []
        self._table: list[float] = []
        self._blocks: dict[tuple[float, ...], int] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def add_time(
        self,
        dist: TimeDistribution,
        hours_of: Callable[[Duration], tuple[float, bool]],
        columns: Mapping[str, Sequence[float]],
        path: str = "",
    ) -> int:
        """The row of a distribution of time. `hours_of` gives a duration's hours, or its calendar days and True.

        `columns` maps "file:column" to its values, in the distribution's `unit`; `path` is for messages.
        """
        spans: set[bool] = set()

        def convert(duration: Duration) -> float:
            amount, in_calendar_days = hours_of(duration)
            if amount != 0.0:  # zero is zero in either
                spans.add(in_calendar_days)
            return float(amount)

        unit: Any = dist.unit
        read = self._column(dist, columns, path)
        values = dist.values or tuple(Duration(x, unit) for x in read)
        numbers = _Numbers(
            {name: convert(d) for name in _NAMED if (d := getattr(dist, name)) is not None},
            tuple(convert(d) for d in values),
            tuple((level, convert(d)) for level, d in dist.quantiles),
        )
        if len(spans) > 1:
            raise _refuse(path, dist.kind, "durations all of working time (h, d, w) or all of calendar time (mo, cd)")
        return self._add(dist, numbers, spans == {True}, path)

    def add_amount(
        self, dist: AmountDistribution, columns: Mapping[str, Sequence[float]], scale: float, path: str = ""
    ) -> int:
        """The row of a distribution of an amount, times `scale` (minor units in a major one)."""
        values = dist.values or self._column(dist, columns, path)
        numbers = _Numbers(
            {name: float(x) * scale for name in _NAMED if (x := getattr(dist, name)) is not None},
            tuple(float(x) * scale for x in values),
            tuple((level, float(x) * scale) for level, x in dist.quantiles),
        )
        return self._add(dist, numbers, False, path)

    def arrays(self) -> tuple[Rows, Floats]:
        """Rows of dtype DISTRIBUTION, and the table that empirical and quantile rows point into."""
        return np.array(self._rows, dtype=DISTRIBUTION), np.array(self._table or [0.0], dtype=np.float64)

    @staticmethod
    def _column(
        dist: TimeDistribution | AmountDistribution, columns: Mapping[str, Sequence[float]], path: str
    ) -> tuple[float, ...]:
        if dist.file is None:
            return ()
        name = f"{dist.file}:{dist.column}"
        if name not in columns or not len(columns[name]):
            raise _refuse(path, name, "a column with at least one value")
        return tuple(float(x) for x in columns[name])

    def _block(self, values: tuple[float, ...], *, shared: bool = True) -> tuple[int, int]:
        """Where the table holds these values; a column used by several distributions stands there once.

        What is drawn from a posterior stands there for itself."""
        if not shared:
            self._table.extend(values)
            return len(self._table) - len(values), len(self._table)
        start = self._blocks.setdefault(values, len(self._table))
        if start == len(self._table):
            self._table.extend(values)
        return start, start + len(values)

    def _add(
        self, dist: TimeDistribution | AmountDistribution, numbers: _Numbers, calendar_days: bool, path: str
    ) -> int:
        n = numbers.named
        everything = [*n.values(), *numbers.values, *(x for _, x in numbers.quantiles)]
        wrong = [x for x in everything if not (math.isfinite(x) and x >= 0.0)]
        if wrong:
            raise _refuse(path, wrong[0], "finite numbers of zero or more")
        p0 = p1 = p2 = 0.0
        start = stop = 0
        if dist.kind == "constant":
            p0 = n["value"]
        elif dist.kind == "exponential":
            p0 = n["mean"]
        elif dist.kind == "lognormal":
            self._in_order(path, n, "median", "p90")
            p0, p1 = _lognormal(dist, n)
        elif dist.kind == "triangular":
            self._in_order(path, n, "low", "mode", "high")
            p0, p1, p2 = n["low"], n["mode"], n["high"]
        elif dist.kind == "uniform":
            self._in_order(path, n, "low", "high")
            p0, p1 = n["low"], n["high"]
        elif dist.kind == "weibull":
            p0, p1 = _weibull(dist.shape if dist.shape is not None else 1.0, n)
        elif dist.kind == "empirical":
            start, stop = self._block(tuple(sorted(numbers.values)))
        else:
            levels, values = tuple(p for p, _ in numbers.quantiles), tuple(x for _, x in numbers.quantiles)
            if any(low > high for low, high in itertools.pairwise(values)):
                raise _refuse(path, values, "quantiles that do not fall as their levels rise")
            start, stop = self._block(levels + values, shared=dist.of is None)
        self._rows.append((KINDS.index(dist.kind), int(calendar_days), p0, p1, p2, start, stop))
        return len(self._rows) - 1

    @staticmethod
    def _in_order(path: str, n: Mapping[str, float], *names: str) -> None:
        given = [name for name in names if name in n]
        for low, high in itertools.pairwise(given):
            if n[low] > n[high]:
                raise _refuse(path, n[high], f"{high} no less than {low}, which comes to {n[low]:g}")

    # --- in figures ---

    def mean(self, i: int) -> float:
        """The expectation of row i, in its unit."""
        return self._moments(i)[0]

    def std(self, i: int) -> float:
        """The standard deviation of row i, in its unit."""
        return self._moments(i)[1]

    def _moments(self, i: int) -> tuple[float, float]:
        kind, _, p0, p1, p2, start, stop = self._rows[i]
        block = np.array(self._table[start:stop])
        if kind == EXPONENTIAL:
            return p0, p0
        if kind == LOGNORMAL:
            mean = p0 * math.exp(0.5 * p1 * p1)
            return mean, mean * math.sqrt(math.expm1(p1 * p1))
        if kind == TRIANGULAR:
            return (p0 + p1 + p2) / 3.0, math.sqrt(((p2 - p0) ** 2 - (p1 - p0) * (p2 - p1)) / 18.0)
        if kind == UNIFORM:
            return 0.5 * (p0 + p1), (p1 - p0) / math.sqrt(12.0)
        if kind == WEIBULL:
            first, second = math.lgamma(1.0 + 1.0 / p1), math.lgamma(1.0 + 2.0 / p1)
            mean = p0 * math.exp(first)
            return mean, mean * math.sqrt(math.expm1(second - 2.0 * first))
        if kind == EMPIRICAL:
            return float(block.mean()), float(block.std())
        if kind == QUANTILES:
            half = len(block) // 2
            weights, low, high = np.diff(block[:half]), block[half:-1], block[half + 1 :]
            mean = float(weights @ (low + high)) / 2.0
            spread = float(weights @ ((low - mean) ** 2 + (low - mean) * (high - mean) + (high - mean) ** 2)) / 3.0
            return mean, math.sqrt(max(spread, 0.0))
        return p0, 0.0

    def describe(self, i: int) -> Description:
        """Row i in figures."""
        dists, table = self.arrays()
        p10, p50, p90 = (variate(dists, table, i, u) for u in (0.1, 0.5, 0.9))
        mean, std = self._moments(i)
        return Description(KINDS[self._rows[i][0]], bool(self._rows[i][1]), mean, std, p10, p50, p90)
