"""Limits beyond floors, caps and totals, as a programme: steps, a minimum where spent at all, and either/or.

`region` turns levers and a `Choices` record into a `Programme` whose first V columns are the levers' amounts; whole
numbers for steps and 0/1 for "spent at all" follow. Every limit is a named row, so that `clash` can say which of them
cannot hold together. The exact methods (`solvers.joint`) take such a region as it is. `held` is what is left where it
is settled which variables are spent on: ordinary levers, which any method takes (`solvers.switches` chooses one).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from solvers.arrays import BoolArray, FloatArray, IntArray, floats
from solvers.clashes import clashing_limits
from solvers.levers import SLACK, ClashingLimits, Levers, Limit
from solvers.programme import Programme, programme, solve, stacked


@dataclass(frozen=True)
class Either:
    """Of these variables, at most so many may be above nought; and at least so many must be, at their minimum."""

    name: str
    members: tuple[int, ...]
    at_most: int = 1
    at_least: int = 0


@dataclass(frozen=True)
class Choices:
    """What V amounts must satisfy besides limits and totals.

    `minimum`: an amount is nought or at least this (0: no such limit). `step`: an amount is a whole multiple of this
    (0: any). Each one number for all, or V of them. `either`: sets of variables of which only some may be spent on.
    """

    minimum: npt.ArrayLike = 0.0
    step: npt.ArrayLike = 0.0
    either: tuple[Either, ...] = field(default=())


def region(levers: Levers, choices: Choices | None = None, *, total_at_most: bool = False) -> Programme:
    """All allocations that levers and choices allow: columns are V amounts, then whole numbers of steps, then 0/1.

    `total_at_most`: groups may spend less than their totals. Rows have the names of limits, as `Limit` prints them.
    Costs are nought. Raises ValueError where a minimum or a step is negative or not finite, or a set names a variable
    that there is not.
    """
    v, chosen = len(levers.names), choices or Choices()
    least, step = _each(chosen.minimum, v, "minimum"), _each(chosen.step, v, "step")
    _check(chosen.either, least)
    stepped = np.flatnonzero(step > 0)
    on_off = np.flatnonzero(_switched(least, chosen.either, v))
    highest = np.minimum(levers.upper, np.maximum(levers.totals, 0.0)[levers.group])
    rows = [
        *_levers_rows(levers, highest, total_at_most=total_at_most),
        *_choices_rows(levers.names, highest, chosen.either, (stepped, step[stepped]), (on_off, least[on_off])),
    ]
    a, b = len(stepped), len(on_off)
    widths = (v, a, b)
    blocks = [
        [
            sparse.csr_matrix((len(one.names), w)) if block is None else block
            for block, w in zip(one.blocks, widths, strict=True)
        ]
        for one in rows
    ]
    return programme(
        np.zeros(v + a + b),
        stacked(blocks),
        np.concatenate([one.low for one in rows]),
        np.concatenate([one.high for one in rows]),
        lower=0.0,
        upper=np.concatenate([highest, np.full(a, np.inf), np.ones(b)]),
        integer=np.arange(v + a + b) >= v,
        names=(
            *levers.names,
            *(f"steps of {levers.names[j]}" for j in stepped),
            *(f"{levers.names[j]} spent on" for j in on_off),
        ),
        row_names=tuple(str(name) for one in rows for name in one.names),
    )


@dataclass(frozen=True)
class _Rows:
    """Rows of one kind: their blocks over amounts, steps and switches (None: nought), names and limits."""

    blocks: tuple[Any, Any, Any]
    names: list[Limit]
    low: FloatArray
    high: FloatArray


def _levers_rows(levers: Levers, highest: FloatArray, *, total_at_most: bool) -> list[_Rows]:
    v, groups = len(levers.names), len(levers.totals)
    called = ("budget",) if groups == 1 else tuple(f"group {i + 1}" for i in range(groups))
    sums = sparse.csr_matrix((np.ones(v), (levers.group, np.arange(v))), shape=(groups, v))
    eye, none = sparse.csr_matrix(sparse.identity(v)), np.full(v, np.inf)
    least = np.full(groups, -np.inf) if total_at_most else levers.totals
    lows = levers.low_kinds or ("floor",) * v
    highs = ["cap" if kind == "total" else kind for kind in levers.high_kinds or ("cap",) * v]
    floors, caps = (list(map(Limit, kinds, levers.names)) for kinds in (lows, highs))
    return [
        _Rows((sums, None, None), [Limit("total", name) for name in called], least, levers.totals),
        _Rows((eye, None, None), floors, levers.lower, none),
        _Rows((eye, None, None), caps, -none, highest),
    ]


def _choices_rows(
    names: tuple[str, ...],
    highest: FloatArray,
    either: tuple[Either, ...],
    steps: tuple[IntArray, FloatArray],
    switches: tuple[IntArray, FloatArray],
) -> list[_Rows]:
    """Amounts as whole steps, amounts at their minimum where switched on and nought where off, and sets of switches."""
    (stepped, step), (switched, least) = steps, switches
    eye = sparse.csr_matrix(sparse.identity(len(names)))
    a, b = len(stepped), len(switched)
    found = []
    if a:
        whole = -sparse.csr_matrix(sparse.diags(step))
        named = [Limit("step", names[j]) for j in stepped]
        found.append(_Rows((eye[stepped], whole, None), named, np.zeros(a), np.zeros(a)))
    if b:
        for kind, size, low, high in (("minimum", least, 0.0, np.inf), ("cap", highest[switched], -np.inf, 0.0)):
            on = -sparse.csr_matrix(sparse.diags(size))
            named = [Limit(kind, names[j]) for j in switched]
            found.append(_Rows((eye[switched], None, on), named, np.full(b, low), np.full(b, high)))
    if either:
        counts = floats([[one.at_least, one.at_most] for one in either])
        named = [Limit("either", one.name) for one in either]
        found.append(_Rows((None, None, _members(either, switched)), named, counts[:, 0], counts[:, 1]))
    return found


def switched(levers: Levers, choices: Choices) -> BoolArray:
    """Which variables (V,) need a 0/1 for whether anything is spent on them."""
    v = len(levers.names)
    return _switched(_each(choices.minimum, v, "minimum"), choices.either, v)


def held(levers: Levers, choices: Choices, on: BoolArray) -> Levers:
    """The levers that are left where those `on` (V,) get their minimum at least, and the others get nothing.

    Only variables that a choice is about are switched; `on` says nothing of the others. What is left may be empty.
    """
    v = len(levers.names)
    least, about = _each(choices.minimum, v, "minimum"), switched(levers, choices)
    off = about & ~on
    raised = about & on & (least > levers.lower)
    full = np.zeros(v, dtype=np.bool_)
    for one in choices.either:
        members = np.array(one.members, dtype=np.int64)
        full[members] |= np.count_nonzero(on[members]) >= one.at_most
    lows = levers.low_kinds or ("floor",) * v
    highs = levers.high_kinds or ("cap",) * v
    return replace(
        levers,
        lower=np.where(raised, least, levers.lower),
        upper=np.where(off, np.minimum(0.0, levers.upper), levers.upper),
        low_kinds=tuple("minimum" if raised[i] else lows[i] for i in range(v)),
        high_kinds=tuple(("either" if full[i] else "off") if off[i] else highs[i] for i in range(v)),
    )


def unit_region(levers: Levers, choices: Choices) -> Programme:
    """The region with amounts as shares of the largest total, so that switches and amounts are alike; no steps."""
    size = max(1e-12, float(np.max(np.abs(levers.totals))))
    unit = replace(levers, totals=levers.totals / size, lower=levers.lower / size, upper=levers.upper / size)
    least = _each(choices.minimum, len(levers.names), "minimum") / size
    return region(unit, Choices(least, either=choices.either))


def refuse_clash(levers: Levers, choices: Choices) -> None:
    """Raises `ClashingLimits` naming limits that cannot hold together, where no allocation satisfies all of them."""
    problem = unit_region(levers, choices)
    if solve(problem).status != "infeasible":
        return
    parts = [name.partition(" of ") for name in clash(problem)]
    raise ClashingLimits(tuple(Limit(kind, name) for kind, _, name in parts))


def possible(levers: Levers) -> bool:
    """Whether any allocation is left of levers: limits in order, and totals between their sums."""
    size = SLACK * np.maximum(1.0, np.abs(levers.totals))
    low, high = (np.bincount(levers.group, side, len(levers.totals)) for side in (levers.lower, levers.upper))
    in_order = np.all(levers.lower <= levers.upper + size[levers.group])
    return bool(in_order and np.all(low <= levers.totals + size) and np.all(high >= levers.totals - size))


def spent_on(levers: Levers, x: FloatArray) -> BoolArray:
    """Which variables anything is spent on (V,), beyond the rounding of floats."""
    return x > SLACK * np.maximum(1.0, np.abs(levers.totals[levers.group]))


def broken(levers: Levers, choices: Choices, x: FloatArray) -> float:
    """By how much x breaks the choices, as a share of the total: what would have to move for it to break none.

    Steps are left out: a total that is no multiple of a step lets some variable stand off its grid.
    """
    v = len(x)
    least, on = _each(choices.minimum, v, "minimum"), spent_on(levers, x)
    size = np.maximum(1e-12, np.abs(levers.totals))[levers.group]
    worst = float(np.max(np.where(on, np.minimum(x, np.maximum(0.0, least - x)), 0.0) / size, initial=0.0))
    for one in choices.either:
        members = np.array(one.members, dtype=np.int64)
        spent = np.sort((x / size)[members[on[members]]])
        worst = max(worst, float(np.sum(spent[: max(0, len(spent) - one.at_most)])))
        missing = one.at_least - len(spent)
        if missing > 0:
            worst = max(worst, float(np.sum(np.sort((least / size)[members[~on[members]]])[:missing])))
    return worst


def clash(problem: Programme) -> tuple[str, ...]:
    """The names of limits of a region that cannot hold together, none of which can be spared; () where all can."""
    return clashing_limits(replace(problem, upper=np.where(problem.integer, problem.upper, np.inf)))


def _each(values: npt.ArrayLike, v: int, what: str) -> FloatArray:
    spread = np.broadcast_to(floats(values), (v,)).copy()
    if not np.all(np.isfinite(spread)) or np.any(spread < 0):
        raise ValueError(f"the {what} of amounts must be finite and not negative")
    return spread


def _check(either: tuple[Either, ...], least: FloatArray) -> None:
    v = len(least)
    for one in either:
        if not one.members or min(one.members) < 0 or max(one.members) >= v:
            raise ValueError(f"the limit {one.name!r} names variables {one.members}; there are 0 to {v - 1}")
        if not 0 <= one.at_least <= one.at_most:
            raise ValueError(f"the limit {one.name!r} allows {one.at_least} to {one.at_most} variables, which is none")
        if one.at_least > 0 and np.any(least[list(one.members)] <= 0):
            raise ValueError(
                f"the limit {one.name!r} wants some of its variables spent on; each needs a minimum above 0"
            )


def _switched(least: FloatArray, either: tuple[Either, ...], v: int) -> BoolArray:
    """Which variables need a 0/1 for whether anything is spent on them."""
    switched = least > 0
    for one in either:
        switched[list(one.members)] = True
    return switched


def _members(either: tuple[Either, ...], switched: IntArray) -> sparse.csr_matrix:
    rows = [i for i, one in enumerate(either) for _ in one.members]
    columns = [int(np.searchsorted(switched, j)) for one in either for j in one.members]
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(either), len(switched)))
