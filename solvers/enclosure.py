"""What no allocation can exceed on a sample of paths, where each path's margins only rise with every variable.

Where it stands: in open plans, where no deal waits for another, a path's margins are a constant plus what each variable
brings, and that only rises with its amount. Read off at a few `levels` of each variable (from its least to its most),
this encloses every allocation: between two levels a variable costs at least the lower one and brings at most what the
upper one does. So over a box of such cells no path can have more than

    min over m >= 0 of  constant + sum over variables of max over its cells (brought - m * cost) + m * total

(a path's own best allocation, the total priced: weak duality, for any m). The share of paths for which that is not
negative bounds the box; boxes are split, the best first, until one cell is left or the work is done. The largest bound
of the boxes not yet split is proven at any time. With few variables it comes close to the sample's optimum; with many
it stays near the bound of perfect information, which is where it begins.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from solvers.arrays import BoolArray, FloatArray, IntArray
from solvers.levers import Levers

FEWEST_NODES, MOST_NODES = 10, 1_500  # boxes split; the most is for one variable
AT_ONCE = 4  # boxes in whose middles levels are added
PRICES = (0.0, 0.25, 0.5, 1.0, 2.0, 5.0)  # of the total, relative to the mean worth of a unit of it


@dataclass(frozen=True)
class Rising:
    """S paths, G margins (all to be >= 0), V variables at K levels each, in groups that sum to `totals`.

    `levels` (V, K) rise from each variable's least to its most; `brought` (S, G, V, K) is what it brings there, and
    does not fall along a variable's levels; `constant` (S, G) is the margin with nothing brought.
    """

    levels: FloatArray
    brought: FloatArray
    constant: FloatArray
    totals: FloatArray
    group: IntArray

    def __post_init__(self) -> None:
        s, g, v, k = self.brought.shape
        if self.levels.shape != (v, k) or self.constant.shape != (s, g) or k < 2:
            raise ValueError(
                f"levels {self.levels.shape}, brought {self.brought.shape} and constant {self.constant.shape} do not "
                "belong together: (V, K), (S, G, V, K) and (S, G), with two levels or more"
            )
        if np.any(np.diff(self.levels, axis=1) < 0):
            raise ValueError("levels must not fall")
        if np.any(np.diff(self.brought, axis=3) < 0):
            raise ValueError("what a variable brings falls somewhere as its amount rises: nothing is bounded by it")


@dataclass(frozen=True)
class Enclosed:
    """`bound`: no allocation attains more of the sample's paths. `root` is the bound of perfect information."""

    bound: float
    root: float
    nodes: int
    finished: bool  # the best box is a single cell: no splitting would lower it, only more levels
    centres: tuple[FloatArray, ...]  # (V,) of the boxes that bound most, the best first


def enclosed(case: Rising, *, nodes: int | None = None) -> Enclosed:
    """The bound after splitting at most `nodes` boxes (without it: fewer, the more variables a box has)."""
    tables = _priced(case)
    v, k = case.levels.shape
    nodes = max(FEWEST_NODES, MOST_NODES // v) if nodes is None else nodes
    paths = np.arange(len(case.constant))
    root = _box(case, tables, np.ones(v, dtype=np.int64), np.full(v, k - 1, dtype=np.int64), paths)
    if root is None:
        raise ValueError("no allocation between the least and the most of the variables makes the total")
    s = len(case.constant)
    heap = [(-len(root[2]), 0, root)]
    made = done = 0
    finished = False
    while heap and done < nodes:
        _, _, (low, high, kept) = heap[0]
        widths = np.array([case.levels[i, high[i]] - case.levels[i, low[i] - 1] for i in range(v)])
        widths[low == high] = -1.0
        i = int(np.argmax(widths))
        if widths[i] < 0.0:
            finished = True
            break
        heapq.heappop(heap)
        done += 1
        middle = (low[i] + high[i]) // 2
        for start, end in ((low[i], middle), (middle + 1, high[i])):
            a, b = low.copy(), high.copy()
            a[i], b[i] = start, end
            box = _box(case, tables, a, b, kept)
            if box is not None:
                made += 1
                heapq.heappush(heap, (-len(box[2]), made, box))
    most = -heap[0][0] if heap else 0
    every = np.arange(v)
    best = heapq.nsmallest(AT_ONCE, heap, key=lambda entry: entry[:2])
    centres = (0.5 * (case.levels[every, low - 1] + case.levels[every, high]) for _, _, (low, high, _) in best)
    return Enclosed(most / s, len(root[2]) / s, done, finished or not heap, tuple(centres))


# What each variable brings (S, G, V) where all stand at these amounts (V,), each whatever the others are.
Brings = Callable[[FloatArray], FloatArray]


def sharpened(brings: Brings, constant: FloatArray, levers: Levers, *, first: int, more: int) -> Enclosed:
    """The bound from `first` even levels and `more` further ones, in the middle of the boxes that bound most.

    `brings` is asked `first + more` times. Raises ValueError where what it says falls as amounts rise.
    """
    levels = even_levels(levers, first)
    brought = np.stack([brings(np.ascontiguousarray(levels[:, j])) for j in range(first)], axis=3)
    while True:
        found = enclosed(Rising(levels, brought, constant, levers.totals, levers.group))
        further = found.centres[: first + more - levels.shape[1]]
        if not further or found.bound == 0.0:
            return found
        levels = np.concatenate([levels, np.stack(further, axis=1)], axis=1)
        brought = np.concatenate([brought, np.stack([brings(x) for x in further], axis=3)], axis=3)
        order = np.argsort(levels, axis=1, kind="stable")
        levels = np.take_along_axis(levels, order, axis=1)
        brought = np.take_along_axis(brought, order[None, None], axis=3)


def even_levels(levers: Levers, k: int) -> FloatArray:
    """(V, K): k levels of each variable, from its least to its most."""
    return levers.lower[:, None] + (levers.upper - levers.lower)[:, None] * np.linspace(0.0, 1.0, k)


Box = tuple[IntArray, IntArray, IntArray]  # lowest cell, highest cell, the paths that may attain inside


def _priced(case: Rising) -> list[tuple[FloatArray, FloatArray]]:
    """For each price: all totals at it (G,), and what each cell brings less its cost (S, G, V, K).

    Cell j spans levels j - 1 to j, and costs the lower one.
    """
    spread = np.mean(case.brought[:, :, :, -1] - case.brought[:, :, :, 0], axis=0)
    span = case.levels[:, -1] - case.levels[:, 0]
    groups = len(case.totals)
    spans = np.maximum(1e-300, np.bincount(case.group, weights=span, minlength=groups))
    worth = np.stack([np.bincount(case.group, weights=row, minlength=groups) for row in spread]) / spans  # (G, groups)
    cost = np.concatenate([case.levels[:, :1], case.levels[:, :-1]], axis=1)
    priced = worth[:, case.group][:, :, None] * cost[None]  # (G, V, K)
    return [(price * (worth @ case.totals), case.brought - price * priced[None]) for price in PRICES]


def _box(
    case: Rising, tables: list[tuple[FloatArray, FloatArray]], low: IntArray, high: IntArray, paths: IntArray
) -> Box | None:
    """A box without the cells that the totals rule out, and the paths that may attain in it; None where it is empty."""
    if not all(_tightened(case, low, high, g) for g in range(len(case.totals))):
        return None
    may: BoolArray = np.ones(len(paths), dtype=np.bool_)
    for price, table in tables:
        kept = paths[may]
        best = case.constant[kept] + price
        for i in range(len(low)):
            best = best + table[kept, :, i, low[i] : high[i] + 1].max(axis=2)
        may[may] = np.all(best >= -1e-9, axis=1)
    return low, high, paths[may]


def _tightened(case: Rising, low: IntArray, high: IntArray, group: int) -> bool:
    """Move a box's ends, in place, past cells that leave a group's total out of reach; False where none is left."""
    total, members = float(case.totals[group]), np.flatnonzero(case.group == group)
    slack = 1e-9 * max(1.0, abs(total))
    least, most = case.levels[members, low[members] - 1], case.levels[members, high[members]]
    if least.sum() > total + slack or most.sum() < total - slack:
        return False
    rooms = total - (least.sum() - least) + slack
    needs = total - (most.sum() - most) - slack
    for i, room, need in zip(members.tolist(), rooms.tolist(), needs.tolist(), strict=True):
        while high[i] > low[i] and case.levels[i, high[i] - 1] > room:
            high[i] -= 1
        while low[i] < high[i] and case.levels[i, low[i]] < need:
            low[i] += 1
    return True
