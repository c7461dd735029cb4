"""Who waits for a rep's hours: by class, then time entered, then deal key; one queue a line and class.

Deals enter a queue as time goes by, so that a queue is a list to whose end they are added; only deals that enter at
one instant are put in the order of their keys. A deal that goes stale is taken out wherever it stands. A desk has one
line, but for those of a shared focus: which line is next is a matter of `engine.focus`.
"""

from __future__ import annotations

from typing import Any

from engine.compiled import inlined, jitted
from engine.focus import goes_first, stands_at
from engine.twin.lines import first_line, line_of, served
from engine.twin.records import CLASSES, NONE, deals, desks, nth, queues, whole

FIRST, LAST = 0, 1


@inlined
def queue_for(w: Any, s: Any, slot: int) -> None:
    """The deal queues for its rep's desk."""
    known = deals(s)
    deal = known[nth(slot)]
    ends = queues(w, s)[nth(line_of(w, deal)), nth(deal.priority)]
    after = ends[LAST]
    while after != NONE and known[nth(after)].entered == deal.entered and known[nth(after)].key > deal.key:
        after = known[nth(after)].before
    deal.before = after
    if after == NONE:
        deal.next = ends[FIRST]
        ends[FIRST] = slot
    else:
        deal.next = known[nth(after)].next
        known[nth(after)].next = slot
    if deal.next == NONE:
        ends[LAST] = slot
    else:
        known[nth(deal.next)].before = slot
    deal.queued = 1
    desks(w, s)[nth(deal.desk)].waiting += 1


@inlined
def cancel(w: Any, s: Any, slot: int) -> None:
    """The deal gives up its place."""
    known = deals(s)
    deal = known[nth(slot)]
    ends = queues(w, s)[nth(line_of(w, deal)), nth(deal.priority)]
    if deal.before == NONE:
        ends[FIRST] = deal.next
    else:
        known[nth(deal.before)].next = deal.next
    if deal.next == NONE:
        ends[LAST] = deal.before
    else:
        known[nth(deal.next)].before = deal.before
    deal.queued = 0
    desks(w, s)[nth(deal.desk)].waiting -= 1


@inlined
def first_of(w: Any, s: Any, line: int) -> int:
    """The first deal of a line; NONE where nobody waits."""
    ends = queues(w, s)[nth(line)]
    for klass in range(CLASSES):
        if ends[klass, FIRST] != NONE:
            return int(ends[klass, FIRST])
    return NONE


@inlined
def first_in_line(w: Any, s: Any, desk: int) -> int:
    """The deal whose turn it is; NONE where nobody waits."""
    if w.shared == 0:
        return first_of(w, s, desk)
    return first_of_several(w, s, desk)


@jitted
def first_of_several(w: Any, s: Any, desk: int) -> int:
    """The deal whose turn it is at a desk that may have several lines."""
    known, clock, chosen, stood = deals(s), desks(w, s)[nth(desk)].clock, NONE, 0.0
    for line in range(first_line(w)[nth(desk)], first_line(w)[nth(desk) + 1]):
        slot = first_of(w, s, line)
        if slot == NONE:
            continue
        first, stands = known[nth(slot)], stands_at(served(w, s)[nth(line)], clock)
        if chosen != NONE:
            best = known[nth(chosen)]
            if not goes_first(
                stands, whole(first.priority), first.entered, first.key,
                stood, whole(best.priority), best.entered, best.key,
            ):  # fmt: skip
                continue
        chosen, stood = slot, stands
    return chosen
