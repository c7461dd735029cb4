"""Looks at fixed n: whether a run's probabilities are known well enough to stop there.

The looks are those of a fixed schedule, whatever chunks the replications come in, so that where a run stops hangs on
its numbers alone and never on the workers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.chunks import Tables
from engine.statistics import enough, precision_schedule, wilson


@dataclass(frozen=True, slots=True)
class Precision:
    """Stop when every probability's 95% interval is within +- `half_width`.

    `hits(tables, first, n)` gives which goals each replication of a chunk attains: booleans [n, goals].
    """

    half_width: float
    hits: Callable[[Tables, int, int], NDArray[np.bool_]]


class Looks:
    """Counts the hits between the looks of the fixed schedule, whatever chunks they come in."""

    def __init__(self, precision: Precision, first: int, n: int) -> None:
        self.precision = precision
        self.first = first
        self.schedule = precision_schedule(n)
        self.cuts = tuple(first + look for look in self.schedule)
        self.seen = [0] * len(self.schedule)
        self.hits: list[Any] = [0] * len(self.schedule)

    def add(self, first: int, n: int, tables: Tables) -> None:
        hits: NDArray[np.bool_] | None = None
        for i, cut in enumerate(self.cuts):
            start = self.cuts[i - 1] if i else self.first
            low, high = max(first, start), min(first + n, cut)
            if low < high:
                if hits is None:
                    hits = np.asarray(self.precision.hits(tables, first, n), dtype=bool).reshape(n, -1)
                self.seen[i] += high - low
                self.hits[i] = self.hits[i] + hits[low - first : high - first].sum(axis=0)

    def counts(self, look: int) -> NDArray[np.int64] | None:
        """Hits among the first `look` replications, or None while some of them are missing."""
        upto = self.schedule.index(look) + 1
        if sum(self.seen[:upto]) < look:
            return None
        return np.atleast_1d(sum(self.hits[:upto]))

    def settled(self) -> int | None:
        """The first look that is precise enough; the last one when it is complete; else None."""
        for look in self.schedule:
            counts = self.counts(look)
            if counts is None:
                return None
            if look == self.schedule[-1] or self.precise(look):
                return look
        return None

    def precise(self, look: int) -> bool:
        counts = self.counts(look)
        return counts is not None and enough(counts.tolist(), look, self.precision.half_width)

    def half_width(self, n: int) -> float | None:
        if n not in self.schedule:
            return None
        counts = self.counts(n)
        return None if counts is None else max((wilson(int(c), n).half_width for c in counts), default=0.0)

    def expected(self) -> int:
        """The look at which the run will probably end, by the half-width at the latest complete one."""
        for look in reversed(self.schedule):
            width = self.half_width(look)
            if width is not None:
                needed = look * (width / self.precision.half_width) ** 2
                return next((n for n in self.schedule if n >= needed), self.schedule[-1])
        return self.schedule[-1]
