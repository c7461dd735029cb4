"""Whole numbers over places by simulation: so many of one thing (people to hire, say), a number of them to each place.

Where each value comes from simulating, no programme holds it: the numbers are searched themselves. Where there are few
ways all of them are looked at. Elsewhere one more is given to the place where it does most, again and again (marginal
allocation, which is optimal where values are concave and separate: Fox 1966, "Discrete optimization via marginal
analysis", Management Science 13(3)), then single ones are moved, added or taken away while that is better. Paths are
common to all ways of a stage, and each stage has its own, so that what looked good by luck is looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from solvers.arrays import FloatArray, IntArray

# What several ways (each a number for each place) are worth in one stage, on paths that are common to them.
Values = Callable[[Sequence[IntArray], int], FloatArray]

GREEDY, EXCHANGE = 0, 1  # stages


@dataclass(frozen=True)
class Places:
    """Numbers `lower` to `upper` (places,) for each place, and `least` to `most` in all."""

    lower: IntArray
    upper: IntArray
    least: int
    most: int

    def __post_init__(self) -> None:
        if np.any(self.lower < 0) or np.any(self.lower > self.upper) or self.least > self.most:
            raise ValueError("numbers of places must not be negative, nor the least more than the most")
        if int(self.lower.sum()) > self.most or int(self.upper.sum()) < self.least:
            raise ValueError("the numbers of places leave no way to make the number in all")

    def allow(self, x: IntArray) -> bool:
        """Whether x is one of the ways."""
        fits = bool(np.all(x >= self.lower) and np.all(x <= self.upper))
        return fits and self.least <= int(x.sum()) <= self.most


@dataclass(frozen=True)
class Way:
    """Numbers for each place, what they were worth when last looked at, and in which stage that was."""

    x: IntArray
    value: float
    stage: int


def ways(places: Places) -> Iterator[IntArray]:
    """Every way, in lexicographic order."""

    def further(i: int, left: int) -> Iterator[list[int]]:
        if i == len(places.lower):
            if places.most - left >= places.least:
                yield []
            return
        rest = int(places.lower[i + 1 :].sum())
        for k in range(int(places.lower[i]), min(int(places.upper[i]), left - rest) + 1):
            for tail in further(i + 1, left - k):
                yield [k, *tail]

    for numbers in further(0, places.most):
        yield np.array(numbers, dtype=np.int64)


def how_many(places: Places, enough: int) -> int:
    """How many ways there are; counting ends above `enough`."""
    counts = {0: 1}
    for low, high in zip(places.lower.tolist(), places.upper.tolist(), strict=True):
        after: dict[int, int] = {}
        for total, count in counts.items():
            for k in range(low, min(high, places.most - total) + 1):
                after[total + k] = after.get(total + k, 0) + count
        counts = {total: min(count, enough + 1) for total, count in after.items()}
    return min(enough + 1, sum(count for total, count in counts.items() if total >= places.least))


def search(values: Values, places: Places, looks: int, enough: Callable[[], bool] = lambda: False) -> list[Way]:
    """Ways from the best down: those of the last stage first, ties to the one found first.

    `looks`: how many ways may be valued, in all stages; the greedy stage is finished whatever it takes. `enough` ends
    the search between looks.
    """
    if how_many(places, looks) <= looks:
        every = list(ways(places))
        return _sorted([Way(x, float(v), GREEDY) for x, v in zip(every, values(every, GREEDY), strict=True)])
    found = _greedy(values, places, enough)
    best = max((way for way in found if places.allow(way.x)), key=lambda way: way.value)
    return _sorted([*_exchanged(values, places, best.x, looks - len(found), enough), *found], places)


def _greedy(values: Values, places: Places, enough: Callable[[], bool]) -> list[Way]:
    """From the lower limits up to the most in all, one at a time; every way that was valued."""
    x, found = places.lower.copy(), []
    if places.allow(x):
        found.append(Way(x, float(values([x], GREEDY)[0]), GREEDY))
    while int(x.sum()) < places.most and np.any(x < places.upper):
        room = np.flatnonzero(x < places.upper)
        tried = [x + _one(len(x), int(i)) for i in room]
        worth = values(tried, GREEDY)
        found += [Way(y, float(v), GREEDY) for y, v in zip(tried, worth, strict=True)]
        x = tried[int(np.argmax(worth))]
        if enough() and int(x.sum()) >= places.least:
            break
    return found


def _exchanged(values: Values, places: Places, x: IntArray, looks: int, enough: Callable[[], bool]) -> list[Way]:
    """Single moves from x while the best of them is better; every way that was valued, on the paths of this stage."""
    known = {x.tobytes(): Way(x, float(values([x], EXCHANGE)[0]), EXCHANGE)}
    best = known[x.tobytes()]
    while not enough():
        fresh = [y for y in _next_to(best.x, places) if y.tobytes() not in known]
        fresh = fresh[: max(0, looks - len(known))]
        if not fresh:
            break
        for y, value in zip(fresh, values(fresh, EXCHANGE), strict=True):
            known[y.tobytes()] = Way(y, float(value), EXCHANGE)
        ahead = max(known.values(), key=lambda way: way.value)
        if ahead.value <= best.value:
            break
        best = ahead
    return list(known.values())


def _next_to(x: IntArray, places: Places) -> Iterator[IntArray]:
    """One more, one less, and one moved from a place to another."""
    steps = [_one(len(x), i) for i in range(len(x))]
    nothing = np.zeros(len(x), dtype=np.int64)
    for more in [nothing, *steps]:
        for less in [nothing, *steps]:
            y = x + more - less
            if more is not less and places.allow(y):
                yield y


def _one(places: int, i: int) -> IntArray:
    step = np.zeros(places, dtype=np.int64)
    step[i] = 1
    return step


def _sorted(found: list[Way], places: Places | None = None) -> list[Way]:
    kept: dict[bytes, Way] = {}
    for way in sorted(found, key=lambda way: (-way.stage, -way.value)):
        if places is None or places.allow(way.x):
            kept.setdefault(way.x.tobytes(), way)
    return list(kept.values())
