"""Limits beyond floors, caps and totals, as a programme: steps, a minimum where spent at all, and either/or.

`region` turns levers and a `Choices` record into a `Programme` whose first V columns are the levers' amounts; whole
numbers for steps and 0/1 for "spent at all" follow. Every limit is a named row, so that `clash` can say which of them
cannot hold together. The exact methods (`solvers.joint`) take such a region as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from solvers.arrays import BoolArray, FloatArray, floats
from solvers.clashes import clashing_limits
from solvers.levers import Levers, Limit
from solvers.programme import Programme, programme, stacked


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
    v, groups = len(levers.names), len(levers.totals)
    chosen = choices or Choices()
    least, step = _each(chosen.minimum, v, "minimum"), _each(chosen.step, v, "step")
    _check(chosen.either, least)
    highest = np.minimum(levers.upper, np.maximum(levers.totals, 0.0)[levers.group])
    stepped = np.flatnonzero(step > 0)
    switched = np.flatnonzero(_switched(least, chosen.either, v))
    a, b = len(stepped), len(switched)
    eye = sparse.csr_matrix(sparse.identity(v))
    called = tuple("budget" if groups == 1 else f"group {i + 1}" for i in range(groups))
    sums = sparse.csr_matrix((np.ones(v), (levers.group, np.arange(v))), shape=(groups, v))
    picks = _members(chosen.either, switched)
    blocks = [
        [sums, sparse.csr_matrix((groups, a)), sparse.csr_matrix((groups, b))],
        [eye, None, None],
        [eye, None, None],
        [eye[stepped], -sparse.csr_matrix(sparse.diags(step[stepped])), None],
        [eye[switched], None, -sparse.csr_matrix(sparse.diags(least[switched]))],
        [eye[switched], None, -sparse.csr_matrix(sparse.diags(highest[switched]))],
        [None, None, picks],
    ]
    kept = [block for block in blocks if all(part is None or part.shape[0] > 0 for part in block)]
    names = (
        [Limit("total", name) for name in called]
        + [Limit("floor", name) for name in levers.names]
        + [Limit("cap", name) for name in levers.names]
        + [Limit("step", levers.names[j]) for j in stepped]
        + [Limit("minimum", levers.names[j]) for j in switched]
        + [Limit("cap", levers.names[j]) for j in switched]
        + [Limit("either", one.name) for one in chosen.either]
    )
    none = np.full(v, np.inf)
    return programme(
        np.zeros(v + a + b),
        stacked(kept),
        np.concatenate(
            [
                np.full(groups, -np.inf) if total_at_most else levers.totals,
                levers.lower,
                -none,
                np.zeros(a + b),
                np.full(b, -np.inf),
                [float(one.at_least) for one in chosen.either],
            ]
        ),
        np.concatenate(
            [
                levers.totals,
                none,
                highest,
                np.zeros(a),
                np.full(b, np.inf),
                np.zeros(b),
                [float(one.at_most) for one in chosen.either],
            ]
        ),
        lower=np.zeros(v + a + b),
        upper=np.concatenate([highest, np.full(a, np.inf), np.ones(b)]),
        integer=np.concatenate([np.zeros(v, dtype=np.bool_), np.ones(a + b, dtype=np.bool_)]),
        names=(
            *levers.names,
            *(f"steps of {levers.names[j]}" for j in stepped),
            *(f"{levers.names[j]} spent on" for j in switched),
        ),
        row_names=tuple(str(name) for name in names),
    )


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
            raise ValueError(f"the limit {one.name!r} wants some of its variables spent on; each needs a minimum above 0")


def _switched(least: FloatArray, either: tuple[Either, ...], v: int) -> BoolArray:
    """Which variables need a 0/1 for whether anything is spent on them."""
    switched = least > 0
    for one in either:
        switched[list(one.members)] = True
    return switched


def _members(either: tuple[Either, ...], switched: npt.NDArray[np.int64]) -> sparse.csr_matrix:
    rows = [i for i, one in enumerate(either) for _ in one.members]
    columns = [int(np.searchsorted(switched, j)) for one in either for j in one.members]
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(either), len(switched)))
