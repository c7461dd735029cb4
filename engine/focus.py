"""Whose turn it is at a desk with several lines: working time shared by weight, and no hour idle while a deal waits.

A rep with a `focus` whose idle hours are lent has one desk and a line of waiting deals for each part of the focus. The
next deal is of the line that has had the least work for its weight so far: start-time fair queueing (Goyal, Vin, Cheng
1996, section 2). A line's `served` is its hours of work over its weight, up to the end of what was begun last; the
desk's clock is where the line stood whose deal was begun last. A line stands at its own `served` or at the desk's
clock, whichever is later, so that hours in which none of its deals waited are no credit. Lines that stand alike go by
the order of every queue. A line with no weight stands behind all others and does not move the clock.

Small compiled functions of scalars: both engines call them.
"""

from __future__ import annotations

import numba
import numpy as np

from engine.compiled import compiled

F8, I8, U8 = numba.float64, numba.int64, numba.uint64


@compiled(F8(F8), inline=True)
def served_at_first(weight: float) -> float:
    """What a line has had before the first deal; for ever behind all others where it has no weight."""
    return 0.0 if weight > 0.0 else np.inf


@compiled(F8(F8, F8), inline=True)
def stands_at(served: float, clock: float) -> float:
    """Where a line stands whose deals have had so much: not behind the desk's clock, so that waiting for none pays."""
    return max(served, clock)


@compiled(F8(F8, F8, F8), inline=True)
def served_after(stands: float, hours: float, weight: float) -> float:
    """What a line has had once a deal of so many hours of work is begun from where it stood."""
    return stands + hours / weight if weight > 0.0 else np.inf


@compiled(F8(F8, F8), inline=True)
def clock_after(clock: float, stands: float) -> float:
    """The desk's clock when a deal is begun of a line that stood there."""
    return clock if stands == np.inf else stands


@compiled(numba.boolean(F8, I8, F8, U8, F8, I8, F8, U8), inline=True)
def goes_first(
    stands: float, priority: int, entered: float, deal: int, other: float, other_priority: int, other_entered: float,
    other_deal: int,
) -> bool:  # fmt: skip
    """Whether the first deal of one line goes before that of another: by where they stand, then as in any queue."""
    if stands != other:
        return stands < other
    if priority != other_priority:
        return priority < other_priority
    if entered != other_entered:
        return entered < other_entered
    return deal < other_deal
