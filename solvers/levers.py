"""What an optimiser may move, and how far: variables in groups with fixed sums, each variable with limits.

One mechanism for every decision of this kind: a budget over cells (one group), a rep's prospecting hours over
regions and products (a group a rep), the lead shares of a cell over reps (a group a cell). `limited` makes the
levers from a plan's limits and names the limits that clash; `project`, `proportional` and `round_to_step` keep
allocations inside them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from solvers.arrays import BoolArray, FloatArray, IntArray, floats
from solvers.clashes import clashing_limits
from solvers.programme import programme

SLACK = 1e-9  # relative to a group's total: what sums and limits may be off by through rounding of floats


@dataclass(frozen=True)
class Limit:
    """One named limit: its kind ("total", "floor", "cap", "change_at_most", "not_negative") and what it limits."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} of {self.name}"


class ClashingLimits(ValueError):
    """No allocation satisfies these limits together; leaving any one of them out would make room."""

    def __init__(self, limits: tuple[Limit, ...]) -> None:
        self.limits = limits
        shown = "; ".join(str(limit) for limit in limits[:8]) + (f"; and {len(limits) - 8} more" * (len(limits) > 8))
        super().__init__(f"these limits cannot hold together, loosen one of them: {shown}")


@dataclass(frozen=True)
class Levers:
    """V variables in G groups: `lower <= x <= upper`, and the variables of group g sum to `totals[g]`.

    `reference` is where things stand (V); `step` is the grid amounts should lie on (0: none) and `unit` the
    smallest amount there is (0: none). Limits are rounded inwards to whole units. `low_kinds` and `high_kinds` (V) say
    which kind of limit each one's least and most comes from, where that is known.
    """

    names: tuple[str, ...]
    group: IntArray
    totals: FloatArray
    lower: FloatArray
    upper: FloatArray
    reference: FloatArray
    step: float = 0.0
    unit: float = 0.0
    low_kinds: tuple[str, ...] = ()
    high_kinds: tuple[str, ...] = ()

    @property
    def movable(self) -> bool:
        """Whether there is more than one allocation: some group has two variables with room."""
        room = self.upper - self.lower > SLACK * np.maximum(1.0, np.abs(self.totals[self.group]))
        return bool(np.any(np.bincount(self.group[room], minlength=len(self.totals)) > 1))

    def members(self, group: int) -> IntArray:
        """Positions of one group's variables."""
        return np.flatnonzero(self.group == group).astype(np.int64)

    def scale(self) -> FloatArray:
        """A natural size for each variable's moves: its reference, or its group's mean where that is larger."""
        counts = np.bincount(self.group, minlength=len(self.totals))
        return np.maximum(np.abs(self.reference), (np.abs(self.totals) / np.maximum(1, counts))[self.group])

    def binding(self, x: FloatArray, slack: float = 1e-6) -> tuple[str, ...]:
        """The kind of limit at which each variable stands, "" where none: what keeps it from more, or from less."""
        near = slack * np.maximum(1.0, np.abs(self.totals[self.group]))
        low, high = x <= self.lower + near, x >= self.upper - near
        lows = self.low_kinds or ("floor",) * len(x)
        highs = self.high_kinds or ("cap",) * len(x)
        return tuple(
            (highs[i] if high[i] else lows[i] if low[i] else "") if self.upper[i] - self.lower[i] > near[i] else "held"
            for i in range(len(x))
        )

    def violation(self, x: FloatArray) -> float:
        """The largest violation of a limit or a total at x, relative to its group's total."""
        size = np.maximum(1e-12, np.abs(self.totals))
        sums = np.bincount(self.group, weights=x, minlength=len(self.totals))
        outside = np.maximum(self.lower - x, x - self.upper) / size[self.group]
        return float(max(0.0, np.max(outside, initial=0.0), np.max(np.abs(sums - self.totals) / size, initial=0.0)))


def limited(
    names: tuple[str, ...],
    reference: npt.ArrayLike,
    *,
    totals: npt.ArrayLike | None = None,
    group: npt.ArrayLike | None = None,
    group_names: tuple[str, ...] = (),
    floors: npt.ArrayLike = 0.0,
    caps: npt.ArrayLike = np.inf,
    change_at_most: float | None = None,
    step: float = 0.0,
    unit: float = 0.0,
) -> Levers:
    """Levers from a plan's limits.

    `totals` per group, default what the reference sums to. `floors` and `caps` per variable. `change_at_most` is a
    share of a variable's reference, or of its group's mean reference where the variable's is 0. Raises
    `ClashingLimits` naming an irreducible set of limits where nothing satisfies them all, and ValueError where
    shapes differ or a number is negative or not finite.
    """
    ref = floats(reference)
    v = len(ref)
    groups = np.zeros(v, dtype=np.int64) if group is None else np.asarray(group, dtype=np.int64)
    g = int(groups.max(initial=-1)) + 1
    if len(names) != v or len(groups) != v or v == 0:
        raise ValueError(f"levers need as many names ({len(names)}) and groups ({len(groups)}) as references ({v})")
    if not np.all(np.isfinite(ref)) or np.any(ref < 0) or step < 0 or unit < 0:
        raise ValueError("references, step and unit of levers must be finite and not negative")
    sums: FloatArray = np.bincount(groups, weights=ref, minlength=g).astype(np.float64)
    wanted = sums if totals is None else np.broadcast_to(floats(totals), (g,)).copy()
    floor, cap = np.broadcast_to(floats(floors), (v,)), np.broadcast_to(floats(caps), (v,))
    counts = np.maximum(1, np.bincount(groups, minlength=g))
    base = np.where(ref > 0, ref, (sums / counts)[groups])
    change: FloatArray = np.full(v, np.inf) if change_at_most is None else change_at_most * base
    limits = {
        "not_negative": (np.zeros(v), np.full(v, np.inf)),
        "floor": (np.maximum(floor, 0.0), np.full(v, np.inf)),
        "cap": (np.full(v, -np.inf), cap),
        "change_at_most": (ref - change, ref + change),
    }
    lower = np.max([low for low, _ in limits.values()], axis=0)
    upper = np.minimum(np.min([high for _, high in limits.values()], axis=0), np.maximum(wanted[groups], 0.0))
    room = SLACK * np.maximum(1.0, np.abs(wanted))
    low_sums, high_sums = (np.bincount(groups, weights=side, minlength=g) for side in (lower, upper))
    if np.any(lower > upper + room[groups]) or np.any(low_sums > wanted + room) or np.any(high_sums < wanted - room):
        raise ClashingLimits(_named_clash(names, group_names, groups, wanted, limits))
    kinds = list(limits)
    low_kinds = tuple(kinds[i] for i in np.argmax([low for low, _ in limits.values()], axis=0).tolist())
    highs = [high for _, high in limits.values()] + [np.maximum(wanted[groups], 0.0)]
    high_kinds = tuple([*kinds, "total"][i] for i in np.argmin(highs, axis=0).tolist())
    upper = np.maximum(lower, upper)
    if unit > 0:
        lower, upper = _to_units(lower, upper, groups, wanted, unit)
    return Levers(names, groups, wanted, lower, upper, ref, step, unit, low_kinds, high_kinds)


def _to_units(
    lower: FloatArray, upper: FloatArray, groups: IntArray, totals: FloatArray, unit: float
) -> tuple[FloatArray, FloatArray]:
    """Limits rounded inwards to whole units, but for variables (or groups) that this would leave no room."""
    low, high = np.ceil(lower / unit - 1e-9) * unit, np.floor(upper / unit + 1e-9) * unit
    low, high = np.where(low <= high, low, lower), np.where(low <= high, high, upper)
    g = len(totals)
    tight = (np.bincount(groups, low, g) > totals) | (np.bincount(groups, high, g) < totals)
    return np.where(tight[groups], lower, low), np.where(tight[groups], upper, high)


def _named_clash(
    names: tuple[str, ...],
    group_names: tuple[str, ...],
    groups: IntArray,
    totals: FloatArray,
    limits: dict[str, tuple[FloatArray, FloatArray]],
) -> tuple[Limit, ...]:
    """The clash as named rows of a programme without other limits, handed to the deletion filter."""
    v, g = len(groups), len(totals)
    called = group_names or tuple("budget" if g == 1 else f"group {i + 1}" for i in range(g))
    eye = sparse.csr_matrix(sparse.identity(v))
    sums = sparse.csr_matrix((np.ones(v), (groups, np.arange(v))), shape=(g, v))
    blocks, low, high, rows = [sums], [totals], [totals], [Limit("total", name) for name in called]
    for kind, (at_least, at_most) in limits.items():
        blocks.append(eye)
        low.append(np.broadcast_to(at_least, (v,)))
        high.append(np.broadcast_to(at_most, (v,)))
        rows += [Limit(kind, name) for name in names]
    scale = max(1.0, float(np.max(np.abs(totals), initial=0.0)))
    found = clashing_limits(
        programme(
            np.zeros(v),
            sparse.vstack(blocks),
            np.concatenate(low) / scale,
            np.concatenate(high) / scale,
            lower=-np.inf,
            row_names=tuple(str(i) for i in range(len(rows))),
        )
    )
    return tuple(rows[int(i)] for i in found)


def proportional(levers: Levers) -> FloatArray:
    """The reference scaled to the totals: each group's shares as they are, moved only where a limit is in the way."""
    x = np.empty_like(levers.reference)
    for g in range(len(levers.totals)):
        i = levers.members(g)
        low, high, ref = levers.lower[i], levers.upper[i], levers.reference[i]
        most = float(np.max(high[ref > 0] / ref[ref > 0], initial=1.0))
        x[i] = _filled(np.zeros(len(i)), ref, low, high, (0.0, most), float(levers.totals[g]))
    return x


def project(levers: Levers, x: FloatArray) -> FloatArray:
    """The nearest allocation (Euclidean) to x that satisfies limits and totals."""
    nearest = np.empty_like(levers.reference)
    for g in range(len(levers.totals)):
        i = levers.members(g)
        low, high = levers.lower[i], levers.upper[i]
        ends = (float(np.min(low - x[i])), float(np.max(high - x[i])))
        nearest[i] = _filled(x[i], np.ones(len(i)), low, high, ends, float(levers.totals[g]))
    return nearest


def _filled(
    start: FloatArray, slope: FloatArray, low: FloatArray, high: FloatArray, ends: tuple[float, float], total: float
) -> FloatArray:
    """clip(start + k slope, low, high) for the k between `ends` at which it sums to the total (by bisection)."""
    below, above = ends
    for _ in range(200):
        middle = 0.5 * (below + above)
        if middle in (below, above):
            break
        if float(np.sum(np.clip(start + middle * slope, low, high))) < total:
            below = middle
        else:
            above = middle
    return _settled(np.clip(start + above * slope, low, high), low, high, total)


def _settled(x: FloatArray, low: FloatArray, high: FloatArray, total: float) -> FloatArray:
    """x with what its sum is short of (or over) the total spread over the room that is left, in proportion to it."""
    for _ in range(3):
        missing = total - float(np.sum(x))
        room = high - x if missing > 0 else x - low
        space = float(np.sum(room))
        if missing == 0.0 or space <= 0.0:
            break
        x = np.clip(x + np.sign(missing) * room * min(1.0, abs(missing) / space), low, high)
    return x


def round_to_step(levers: Levers, x: FloatArray) -> FloatArray:
    """The allocation on the grid of `step` nearest to x by largest remainders, inside the limits, totals exact.

    A variable whose limits hold no grid point keeps its amount to the unit; where a total cannot be made of whole
    steps, as few variables as possible stand off the grid. Equal remainders go to the variable that comes first.
    """
    grid = levers.step or levers.unit
    if grid <= 0:
        return x.copy()
    rounded = np.empty_like(x)
    for g in range(len(levers.totals)):
        i = levers.members(g)
        rounded[i] = _rounded(x[i], levers.lower[i], levers.upper[i], float(levers.totals[g]), grid, levers.unit)
    return rounded


def _rounded(x: FloatArray, low: FloatArray, high: FloatArray, total: float, step: float, unit: float) -> FloatArray:
    first, last = np.ceil(low / step - 1e-9) * step, np.floor(high / step + 1e-9) * step
    on_grid: BoolArray = first <= last
    whole = np.floor(x / step + 1e-9) * step
    kept = np.clip(np.rint(x / unit) * unit if unit > 0 else x, low, high)
    value = np.where(on_grid, np.clip(whole, first, last), kept)
    order = np.argsort(-(x - value), kind="stable")  # largest remainder first, ties by position
    steps = int(np.floor((total - float(np.sum(value))) / step + 1e-9))
    direction = 1.0 if steps > 0 else -1.0
    while steps != 0:
        given = False
        for j in order if steps > 0 else order[::-1]:
            moved = value[j] + direction * step
            if steps and on_grid[j] and first[j] - SLACK * step <= moved <= last[j] + SLACK * step:
                value[j], steps, given = moved, steps - int(direction), True
        if not given:
            break
    return _with_residue(value, low, high, total, order)


def _with_residue(value: FloatArray, low: FloatArray, high: FloatArray, total: float, order: IntArray) -> FloatArray:
    """What whole steps cannot make up, put on as few variables as have room for it."""
    missing = total - float(np.sum(value))
    room = high - value if missing > 0 else value - low
    fits = [j for j in order if room[j] >= abs(missing)]
    for j in fits[:1] or sorted(order.tolist(), key=lambda k: -room[k]):
        part = min(abs(missing), float(room[j]))
        value[j] += part if missing > 0 else -part
        missing = total - float(np.sum(value))
        if missing == 0.0:
            break
    return value
