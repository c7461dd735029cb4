"""Sets of replications as spans: which are there, which are missing, and how far they reach without a gap.

A span (first, last) holds first, first + 1, ..., last - 1. The Monte Carlo driver and the run store speak in spans, so
that a million finished replications are a handful of numbers.
"""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same replications in ascending spans with gaps between them."""
    result: list[Span] = []
    for first, last in sorted(span for span in spans if span[0] < span[1]):
        if result and first <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], last))
        else:
            result.append((first, last))
    return result


def missing(done: Iterable[Span], first: int, n: int) -> list[Span]:
    """What of the replications first .. first + n - 1 is not in `done`, ascending."""
    gaps: list[Span] = []
    at, end = first, first + n
    for low, high in merged(done):
        if high <= at:
            continue
        if low >= end:
            break
        if low > at:
            gaps.append((at, low))
        at = high
    if at < end:
        gaps.append((at, end))
    return gaps


def prefix(done: Iterable[Span], first: int = 0) -> int:
    """How many replications from `first` on are there without a gap."""
    for low, high in merged(done):
        if low <= first < high:
            return high - first
    return 0


def size(spans: Iterable[Span]) -> int:
    """How many replications the spans hold, each counted once."""
    return sum(last - first for first, last in merged(spans))
