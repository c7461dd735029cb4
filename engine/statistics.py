"""Every estimate with its error: probabilities, quantiles, means, and differences on common random numbers.

Outcomes come in as plain arrays or counts over replications; out come estimates with intervals for the *sampling*
error alone. What is not known about the plan's inputs is no business of this module: see `engine.outcomes`.

Methods: Wilson (1927) and Clopper & Pearson (1934) for a probability; order statistics (David & Nagaraja 2003,
section 7.1) for quantiles; Tango (1998) for the difference of two paired probabilities; Student's t for means; the
bootstrap for the best of several. What every run asks for is made from `engine.arithmetic`: to import SciPy for it
would take longer than a small run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.arithmetic import normal_quantile
from engine.beta import beta_quantile

LEVEL = 0.95
FIRST_LOOK = 256
LOOK_MULTIPLE = 64
BEST_SEED = 0x617474_61696E  # "attain": the bootstrap's own key, the same in every run
BOOTSTRAPS = 4_000
MOST_FREEDOM = 2e6


class Interval(NamedTuple):
    """A confidence interval, both ends included."""

    low: float
    high: float

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2.0


class Estimate(NamedTuple):
    """A value and its confidence interval."""

    value: float
    low: float
    high: float


# --- a probability --------------------------------------------------------------------------------------------------


def wilson(successes: float, n: float, level: float = LEVEL) -> Interval:
    """Wilson's score interval for a probability (Wilson 1927): right at small n and near 0 and 1, on average."""
    _check_counts(successes, n)
    if n == 0:
        return Interval(0.0, 1.0)
    z = _z(level)
    p = successes / n
    centre = (p + z * z / (2.0 * n)) / (1.0 + z * z / n)
    half = z / (1.0 + z * z / n) * math.sqrt(p * (1.0 - p) / n + z * z / (4.0 * n * n))
    # At the edges the interval touches 0 or 1 exactly; the subtraction would leave a rounding error there.
    return Interval(
        0.0 if successes == 0 else max(0.0, centre - half), 1.0 if successes == n else min(1.0, centre + half)
    )


def clopper_pearson(successes: float, n: float, level: float = LEVEL) -> Interval:
    """The exact interval for a probability (Clopper & Pearson 1934): never covers less often than `level`."""
    from scipy import special

    _check_counts(successes, n)
    tail = (1.0 - level) / 2.0
    low = 0.0 if successes == 0 else float(special.betaincinv(successes, n - successes + 1.0, tail))
    high = 1.0 if successes == n else float(special.betaincinv(successes + 1.0, n - successes, 1.0 - tail))
    return Interval(low, high)


def _check_counts(successes: float, n: float) -> None:
    if not 0 <= successes <= n:
        raise ValueError(f"successes must lie between 0 and n, not {successes} of {n}")


def _z(level: float) -> float:
    if not 0.0 < level < 1.0:
        raise ValueError(f"a confidence level lies between 0 and 1, not {level}")
    return normal_quantile(0.5 + level / 2.0)


# --- quantiles and means --------------------------------------------------------------------------------------------


def quantile(values: ArrayLike, q: float, level: float = LEVEL) -> Estimate:
    """The q-quantile, 0 < q < 1: the smallest value that at least a share q does not exceed, with its interval.

    The interval's ends are order statistics, so that it holds for any distribution, one with atoms included: the
    number of values below the true quantile is at most Binomial(n, q) and each end is missed with probability at most
    (1 - level) / 2 (David & Nagaraja 2003, section 7.1). Where n is too small for an end it is infinite.
    """
    return quantiles(values, (q,), level)[0]


def quantiles(values: ArrayLike, qs: Sequence[float], level: float = LEVEL) -> list[Estimate]:
    """`quantile` for several q with one sort."""
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n = len(ordered)
    if n == 0 or np.isnan(ordered[-1]):
        raise ValueError("quantiles need at least one value, and none that is not a number")
    result = []
    for q in qs:
        low, high = quantile_ranks(n, q, level)
        # A product such as 0.1 * 30 may come out just above the integer that it means.
        rank = min(max(math.ceil(q * n * (1.0 - 1e-12)), 1), n)
        result.append(
            Estimate(
                float(ordered[rank - 1]),
                float(ordered[low - 1]) if low >= 1 else -math.inf,
                float(ordered[high - 1]) if high <= n else math.inf,
            )
        )
    return result


@lru_cache(maxsize=1024)  # a summary asks for the same few some hundred times
def quantile_ranks(n: int, q: float, level: float = LEVEL) -> tuple[int, int]:
    """Ranks (from 1) of the order statistics that bound the q-quantile; 0 and n + 1 stand for minus and plus infinity.

    With B ~ Binomial(n, q): the largest `low` with P(B < low) <= tail, the smallest `high` with P(B >= high) <= tail.
    """
    if not 0.0 < q < 1.0:
        raise ValueError(f"a quantile's probability lies between 0 and 1, not {q}")
    tail = (1.0 - level) / 2.0
    first, below = _binomial(n, q)
    low = first + int(np.searchsorted(below, tail, side="right"))  # the first k with P(B <= k) > tail
    high = first + int(np.searchsorted(below, 1.0 - tail, side="left")) + 1
    return low, high


def _binomial(n: int, q: float) -> tuple[int, NDArray[np.float64]]:
    """The first k of a window and P(B <= k) over it; what lies outside has a probability below 1e-20.

    Ratios of neighbouring probabilities, summed as logarithms away from the mode, so that nothing cancels.
    """
    mode = min(int((n + 1) * q), n)
    reach = math.ceil(10.0 * math.sqrt(n * q * (1.0 - q))) + 40
    first, last = max(0, mode - reach), min(n, mode + reach)
    k = np.arange(first + 1, last + 1, dtype=np.float64)
    steps = np.log((n - k + 1.0) / k) + math.log(q / (1.0 - q))  # log P(B = k) - log P(B = k - 1)
    up, down = steps[mode - first :], steps[: mode - first]
    logs = np.concatenate([-np.cumsum(down[::-1])[::-1], [0.0], np.cumsum(up)])
    below = np.cumsum(np.exp(logs))
    return first, below / below[-1]


def mean(values: ArrayLike, level: float = LEVEL) -> Estimate:
    """The mean with Student's t interval; infinite with a single value."""
    data = np.asarray(values, dtype=np.float64)
    n = len(data)
    if n == 0:
        raise ValueError("a mean needs at least one value")
    centre = float(data.mean())
    if n == 1:
        return Estimate(centre, -math.inf, math.inf)
    half = student(level, n - 1) * float(data.std(ddof=1)) / math.sqrt(n)
    return Estimate(centre, centre - half, centre + half)


def student(level: float, freedom: float) -> float:
    """What Student's t of `freedom` >= 1 degrees stays within, on either side of 0, with probability `level`.

    t^2 / (freedom + t^2) is Beta(1/2, freedom / 2). Above 2e6 degrees, the first term of Fisher & Cornish (1960) leaves
    an error below 1e-12.
    """
    if freedom > MOST_FREEDOM:
        z = -normal_quantile((1.0 - level) / 2.0)
        return z + (z**3 + z) / (4.0 * freedom)
    y = beta_quantile(level, 0.5, freedom / 2.0)
    if y < 0.5:
        return math.sqrt(freedom * y / (1.0 - y))
    x = beta_quantile(1.0 - level, freedom / 2.0, 0.5)  # 1 - y, with its digits
    return math.sqrt(freedom * (1.0 - x) / x)


# --- two plans on common random numbers -----------------------------------------------------------------------------


def paired_mean_difference(a: ArrayLike, b: ArrayLike, level: float = LEVEL) -> Estimate:
    """Mean of b - a over replications with the same random numbers."""
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape:
        raise ValueError(f"paired values must be as many in both, not {first.shape} and {second.shape}")
    return mean(second - first, level)


def paired_difference(a: ArrayLike, b: ArrayLike, level: float = LEVEL) -> Estimate:
    """P(b) - P(a) from two arrays of hits over the same replications: `discordant_difference` of their counts."""
    first, second = np.asarray(a, dtype=bool), np.asarray(b, dtype=bool)
    if first.shape != second.shape:
        raise ValueError(f"paired outcomes must be as many in both, not {first.shape} and {second.shape}")
    return discordant_difference(int((second & ~first).sum()), int((first & ~second).sum()), len(first), level)


def discordant_difference(only_b: int, only_a: int, n: int, level: float = LEVEL) -> Estimate:
    """P(b) - P(a) from n pairs, of which `only_b` attain in b alone and `only_a` in a alone, with its score interval.

    Tango (1998), Statistics in Medicine 17, 891-908, equations 10 to 13: the interval holds every difference that the
    score test does not reject, with the nuisance probability at its restricted maximum-likelihood value. Pairs that
    agree tell nothing about the sign and narrow it: that is what common random numbers are for.
    """
    if min(only_a, only_b) < 0 or only_a + only_b > n:
        raise ValueError(f"discordant pairs {only_b} and {only_a} do not fit in {n}")
    if n == 0:
        return Estimate(0.0, -1.0, 1.0)
    z = _z(level)
    value = (only_b - only_a) / n
    low = -1.0 if only_a == n else _boundary(only_b, only_a, n, z, -1.0, value)
    high = 1.0 if only_b == n else _boundary(only_b, only_a, n, -z, 1.0, value)
    return Estimate(value, low, high)


def tango_score(only_b: int, only_a: int, n: int, difference: float) -> float:
    """Tango's test statistic of the hypothesis P(b) - P(a) = `difference`; falls as the difference grows."""
    # q: the probability of "a alone" that the hypothesis makes most likely (his equation 12).
    b = -only_b - only_a + (2.0 * n - only_b + only_a) * difference
    c = -only_a * difference * (1.0 - difference)
    q = (math.sqrt(max(b * b - 8.0 * n * c, 0.0)) - b) / (4.0 * n)
    deviation = only_b - only_a - n * difference
    variance = n * (2.0 * q + difference * (1.0 - difference))
    if variance <= 0.0:
        return 0.0 if deviation == 0.0 else math.copysign(math.inf, deviation)
    return deviation / math.sqrt(variance)


def _boundary(only_b: int, only_a: int, n: int, score: float, outer: float, inner: float) -> float:
    """The difference between `outer` and `inner` at which the statistic takes the value `score`, by bisection."""
    for _ in range(80):
        middle = (outer + inner) / 2.0
        if abs(tango_score(only_b, only_a, n, middle)) > abs(score):
            outer = middle
        else:
            inner = middle
    return (outer + inner) / 2.0


# --- the best of several --------------------------------------------------------------------------------------------


def best_probabilities(outcomes: ArrayLike, bootstraps: int = BOOTSTRAPS, seed: int = BEST_SEED) -> NDArray[np.float64]:
    """For each column of `outcomes` [replications, plans]: how often its mean is highest when replications are redrawn.

    Whole rows are redrawn, so that common random numbers keep their worth; plans that tie share. The bootstrap's own
    randomness is keyed by `seed`, not by the run, so that the same outcomes give the same answer. Rows that occur more
    than once are drawn together: hits and misses of k plans are at most 2^k kinds of row.
    """
    data = np.asarray(outcomes, dtype=np.float64)
    if data.ndim != 2 or 0 in data.shape:
        raise ValueError(f"outcomes must have a row per replication and a column per plan, not the shape {data.shape}")
    rows, counts = np.unique(data, axis=0, return_counts=True)
    generator = np.random.Generator(np.random.Philox(key=seed))
    wins = np.zeros(data.shape[1])
    block = max(1, min(bootstraps, 4_000_000 // len(rows)))
    for first in range(0, bootstraps, block):
        size = min(block, bootstraps - first)
        weights = generator.multinomial(len(data), counts / len(data), size=size)
        # Sums of integers below 2^53 are exact, but of other values not: the tolerance keeps true ties tied.
        totals = weights @ rows
        best = totals.max(axis=1, keepdims=True)
        leaders = totals >= best - 1e-12 * np.abs(best)
        wins += (leaders / leaders.sum(axis=1, keepdims=True)).sum(axis=0)
    return np.asarray(wins / bootstraps, dtype=np.float64)


# --- how many replications ------------------------------------------------------------------------------------------


def precision_schedule(max_n: int, first: int = FIRST_LOOK) -> tuple[int, ...]:
    """The replications at which `--precision` looks: 256 x 2^(k/2), rounded up to 64, below `max_n`; then `max_n`.

    Fixed beforehand and independent of chunks and workers, so that a run stops at the same n everywhere. Integer
    arithmetic throughout: 256, 384, 512, 768, 1024, 1472, 2048, ...
    """
    if max_n < 1:
        raise ValueError(f"at least one replication is needed, not {max_n}")
    looks: list[int] = []
    k = 0
    while True:
        square = first * first << k  # (first x 2^(k/2))^2
        root = math.isqrt(square)
        exact = root if root * root == square else root + 1
        look = -(-exact // LOOK_MULTIPLE) * LOOK_MULTIPLE
        if look >= max_n:
            return (*looks, max_n)
        looks.append(look)
        k += 1


def enough(successes: int | Sequence[int], n: int, precision: float, level: float = LEVEL) -> bool:
    """Whether n replications give every probability (one count of successes each) within +- `precision`.

    Wilson's half-width decides. Looking several times and stopping when it is small costs hardly any coverage, since
    the half-width hangs on p almost alone: by exact enumeration over the schedule, with n up to 20,000, the nominal 95%
    interval at the stopping point covers between 93.4% and 96.6% for p from 0.05 to 0.95 at precisions of 0.02 and
    0.03 (at a fixed n of 1,024 it is 94.5% to 95.5%); tests/engine/test_statistics.py holds the figures.
    """
    counts = [successes] if isinstance(successes, (int, np.integer)) else list(successes)
    return all(wilson(int(s), n, level).half_width <= precision for s in counts)
