"""The lines of a desk whose rep shares hours by weight: which one a deal waits in, and what each has had.

Where no desk of a plan has several lines, lines are desks. The rules are those of `engine.focus`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.compiled import inlined, jitted
from engine.focus import clock_after, served_after, stands_at
from engine.twin.addresses import pointer
from engine.twin.records import deals, desks, nth, whole

from numba import carray  # isort: skip


@inlined
def first_line(w: Any) -> Any:
    """[desks + 1] -> the first line of each desk, and the end."""
    return carray(pointer(w.at_first_line), (w.desks + 1,), np.int64)


@inlined
def lines_of(w: Any) -> Any:
    """[reps, products, regions] -> line of the desk, from 0."""
    return carray(pointer(w.at_line_of), (w.reps, w.products, w.regions), np.int64)


@inlined
def weights(w: Any) -> Any:
    """[lines]."""
    return carray(pointer(w.at_weights), (w.lines,), np.float64)


@inlined
def served(w: Any, s: Any) -> Any:
    """[lines] hours of work over weight, as `focus` counts them."""
    return carray(pointer(s.at_served), (w.lines,), np.float64)


@inlined
def line_of(w: Any, deal: Any) -> int:
    """The line that a deal waits in, of all lines; a desk's own where no desk has several."""
    if w.shared == 0:
        return whole(deal.desk)
    return whole(first_line(w)[nth(deal.desk)] + deal.line)


@inlined
def take_line(w: Any, deal: Any) -> None:
    """The line of the desk that the deal will wait in at its rep's."""
    if w.shared == 1:
        deal.line = lines_of(w)[nth(deal.rep), nth(deal.product), nth(deal.region)]


@jitted
def has_its_turn(w: Any, s: Any, slot: int) -> None:
    """A deal is begun: its line has had its work from now on."""
    deal = deals(s)[nth(slot)]
    desk, line = desks(w, s)[nth(deal.desk)], line_of(w, deal)
    stands = stands_at(served(w, s)[nth(line)], desk.clock)
    served(w, s)[nth(line)] = served_after(stands, deal.hours, weights(w)[nth(line)])
    desk.clock = clock_after(desk.clock, stands)
