"""Budget against probability: the best split at each of several totals, and the price of one more point.

Totals are optimised from the smallest up, each from its own starts and the answer below, then once more from the
largest down where the answer above, scaled, is a better start. Answers are judged together on the same fresh paths.
Where a larger budget need not be spent (its region contains the smaller's), the answer below stands in wherever the
larger budget's own is no better, so that the frontier never falls, by construction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from solvers.arrays import BoolArray, FloatArray
from solvers.binomial import Interval, exact_interval
from solvers.selection import compare

# The best split found at a total, from named starts that it may repair (an empty mapping: its own starts only).
Optimise = Callable[[float, Mapping[str, FloatArray]], FloatArray]
# Which of some splits attain, on fresh paths common to all: (paths, splits).
Judge = Callable[[Sequence[FloatArray]], BoolArray]


@dataclass(frozen=True)
class FrontierPoint:
    """One total: the split, its probability on the fresh paths with interval, and what one more point costs from here.

    `spent_of` is the total whose answer this is: a smaller one where its own was no better. `price` is money per
    percentage point on the way to the next total, None at the last one; `price_interval` runs to inf where the next
    total is not known to be better.
    """

    total: float
    x: FloatArray
    probability: float
    interval: Interval
    spent_of: float
    price: float | None
    price_interval: Interval | None


def frontier(
    optimise: Optimise,
    judge: Judge,
    totals: Sequence[float],
    *,
    nested: bool,
    level: float = 0.95,
    measure: Judge | None = None,
) -> tuple[FrontierPoint, ...]:
    """The frontier at rising totals.

    `judge` chooses each total's answer; `measure` says what it is worth (the judge again, unless given: then what
    is reported comes from paths on which nothing but a rising frontier was chosen).
    `nested`: what is feasible at a total is feasible at every larger one (money may be left over). Raises ValueError
    where totals do not rise or are not above 0.
    """
    if not totals or totals[0] <= 0 or any(b <= a for a, b in pairwise(totals)):
        raise ValueError(f"a frontier needs totals above 0 that rise, not {list(totals)}")
    up: list[FloatArray] = []
    for i, total in enumerate(totals):
        up.append(optimise(total, _from("below", up[i - 1], total / totals[i - 1], nested) if i else {}))
    down = up.copy()
    for i in reversed(range(len(totals) - 1)):
        down[i] = optimise(totals[i], {"own": up[i]} | _from("above", down[i + 1], totals[i] / totals[i + 1], False))
    splits = [*up, *down[:-1]]
    hits = judge(splits)
    own = [_better(hits, i, len(totals) + i if i < len(totals) - 1 else i) for i in range(len(totals))]
    if measure is not None:
        splits, hits, own = [splits[i] for i in own], measure([splits[i] for i in own]), list(range(len(totals)))
    return _points(totals, splits, hits, own, nested, level)


def _from(name: str, x: FloatArray, ratio: float, as_it_is: bool) -> dict[str, FloatArray]:
    """The neighbour's answer scaled to this total, and as it is where it may stand."""
    return {f"{name}_scaled": x * ratio} | ({name: x} if as_it_is else {})


def _better(hits: BoolArray, up: int, down: int) -> int:
    """Which of two splits attains more often, ties to the first."""
    return down if np.count_nonzero(hits[:, down]) > np.count_nonzero(hits[:, up]) else up


def _points(
    totals: Sequence[float],
    splits: Sequence[FloatArray],
    hits: BoolArray,
    own: list[int],
    nested: bool,
    level: float,
) -> tuple[FrontierPoint, ...]:
    counts, n = np.count_nonzero(hits, axis=0), len(hits)
    taken, spent_of = own.copy(), list(totals)
    for i in range(1, len(totals)):
        if nested and counts[taken[i - 1]] >= counts[taken[i]]:
            taken[i], spent_of[i] = taken[i - 1], spent_of[i - 1]
    points = []
    for i, total in enumerate(totals):
        price, interval = None, None
        if i + 1 < len(totals):
            price, interval = _price(hits[:, [taken[i], taken[i + 1]]], totals[i + 1] - total, level)
        count = int(counts[taken[i]])
        points.append(
            FrontierPoint(
                total, splits[taken[i]], count / n, exact_interval(count, n, level), spent_of[i], price, interval
            )
        )
    return tuple(points)


def _price(hits: BoolArray, money: float, level: float) -> tuple[float, Interval]:
    """Money per percentage point from the first to the second, with the interval of the paired difference."""
    pair = compare(hits, level=level).against[0]
    sign = 1.0 if pair.other == 0 else -1.0
    low, high = sorted((sign * pair.interval.low, sign * pair.interval.high))

    def per_point(gain: float) -> float:
        return money / (100.0 * gain) if gain > 0 else float("inf")

    return per_point(sign * pair.difference), Interval(per_point(high), per_point(low))
