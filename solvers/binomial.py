"""Exact intervals for probabilities counted on sample paths (Clopper & Pearson 1934)."""

from __future__ import annotations

from typing import NamedTuple

from scipy.stats import beta


class Interval(NamedTuple):
    """Where a number lies, with the confidence that was asked for."""

    low: float
    high: float


def exact_interval(successes: int, n: int, level: float = 0.95) -> Interval:
    """The two-sided interval: covers the probability at least as often as its level says, at every n."""
    tail = 0.5 * (1.0 - level)
    return Interval(_low(successes, n, tail), _high(successes, n, tail))


def exact_low(successes: int, n: int, level: float = 0.95) -> float:
    """The one-sided lower bound."""
    return _low(successes, n, 1.0 - level)


def exact_high(successes: int, n: int, level: float = 0.95) -> float:
    """The one-sided upper bound."""
    return _high(successes, n, 1.0 - level)


def _low(successes: int, n: int, tail: float) -> float:
    _check(successes, n, tail)
    return 0.0 if successes == 0 else float(beta.ppf(tail, successes, n - successes + 1))


def _high(successes: int, n: int, tail: float) -> float:
    _check(successes, n, tail)
    return 1.0 if successes == n else float(beta.ppf(1.0 - tail, successes + 1, n - successes))


def _check(successes: int, n: int, tail: float) -> None:
    if not 0 <= successes <= n or not 0.0 < tail < 1.0:
        raise ValueError(f"an interval needs 0 <= successes <= n and a level between 0 and 1, not {successes} of {n}")
