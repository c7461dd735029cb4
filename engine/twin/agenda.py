"""The agenda of the twin: events in the declared order (time, rank, entity, visit), and the hand-overs of an instant.

The horizon is cut into buckets of equal time. An event of a later bucket is only linked into it; the events of the
present bucket stand in a small binary heap, which is filled when the bucket's time comes (a calendar queue, Brown
1988, whose buckets are sorted when they are opened). Since an event's bucket never falls as its time rises, the order
is exact. With about an event a bucket, planning and taking cost the same however many events there are.
"""

from __future__ import annotations

from typing import Any

from engine.business import STALE
from engine.compiled import inlined, jitted
from engine.environment import Rank
from engine.twin.records import NODES_FULL, NONE, agenda, buckets, deals, desks, hand_overs, nodes, nth, whole

ARRIVAL, WORK_DONE, ANSWER, GOES_STALE = (int(r) for r in (Rank.ARRIVAL, Rank.WORK_DONE, Rank.ANSWER, Rank.STALE))


@inlined
def before(a: Any, b: Any) -> bool:
    """The declared order of two events."""
    if a.time != b.time:
        return bool(a.time < b.time)
    if a.rank != b.rank:
        return bool(a.rank < b.rank)
    if a.entity != b.entity:
        return bool(a.entity < b.entity)
    return bool(a.visit < b.visit)


@inlined
def bucket_of(w: Any, s: Any, time: float) -> int:
    """The bucket that an instant of the horizon falls into."""
    return min(int((time - w.start) * s.per_hour), s.buckets - 1)


@inlined
def comes_to_nothing(s: Any, node: Any) -> bool:
    """Whether an event is the end of a patience that nobody minds any more: the deal has been served, or is over."""
    if node.rank != GOES_STALE:
        return False
    deal = deals(s)[nth(node.what)]
    return not (deal.key == node.entity and deal.visit == node.visit and (deal.queued == 1 or deal.outcome == STALE))


@jitted
def sweep(s: Any) -> None:
    """Give back the later buckets' events that come to nothing; the state is full where they are not half of all.

    So patience of months takes no memory for deals long gone. A sweep looks at every bucket, but only where there is
    room for a quarter as many events, and half of that has been filled since the last: eight looks an event at most.
    """
    found = 0
    if 4 * s.node_room >= s.buckets:
        first, all_nodes = buckets(s), nodes(s)
        for bucket in range(s.bucket + 1, s.buckets):
            place = whole(first[nth(bucket)])
            first[nth(bucket)] = NONE
            while place != NONE:
                node = all_nodes[nth(place)]
                following = whole(node.next)
                if comes_to_nothing(s, node):
                    node.next = s.free_node
                    s.free_node = place
                    found += 1
                else:
                    node.next = first[nth(bucket)]
                    first[nth(bucket)] = place
                place = following
    if 2 * found < s.node_room:
        s.full |= NODES_FULL


@inlined
def take_node(s: Any) -> int:
    """Room for an event: one that has been given back, else a fresh one; NONE (and the state is full) without."""
    node = s.free_node
    if node == NONE:
        if s.nodes < s.node_room:
            s.nodes += 1
            return s.nodes - 1
        if s.full == 0:
            sweep(s)
        if s.full != 0:
            return NONE
        node = s.free_node
    s.free_node = nodes(s)[nth(node)].next
    return node


@inlined
def push(s: Any, node: int) -> None:
    """Put an event among those of the present bucket."""
    heap, all_nodes = agenda(s), nodes(s)
    place = s.agenda_size
    s.agenda_size = place + 1
    while place > 0:
        above = (place - 1) >> 1
        if not before(all_nodes[nth(node)], all_nodes[nth(heap[nth(above)])]):
            break
        heap[nth(place)] = heap[nth(above)]
        place = above
    heap[nth(place)] = node


@inlined
def drop_first(s: Any) -> None:
    """Take the first event out of the present bucket's."""
    heap, all_nodes = agenda(s), nodes(s)
    size = s.agenda_size - 1
    s.agenda_size = size
    if size == 0:
        return
    last = heap[nth(size)]
    place = 0
    while True:
        below = 2 * place + 1
        if below >= size:
            break
        if below + 1 < size and before(all_nodes[nth(heap[nth(below + 1)])], all_nodes[nth(heap[nth(below)])]):
            below += 1
        if not before(all_nodes[nth(heap[nth(below)])], all_nodes[nth(last)]):
            break
        heap[nth(place)] = heap[nth(below)]
        place = below
    heap[nth(place)] = last


@inlined
def plan_event(w: Any, s: Any, time: float, rank: int, entity: int, visit: int, what: int) -> None:
    """Put an event on the agenda; beyond the horizon's end nobody will see it."""
    if not time <= w.end:
        return
    place = take_node(s)
    if place == NONE:
        return
    node = nodes(s)[nth(place)]
    node.time = time
    node.rank = rank
    node.entity = entity
    node.visit = visit
    node.what = what
    bucket = bucket_of(w, s, time)
    if bucket == s.bucket:
        push(s, place)
    else:
        first = buckets(s)
        node.next = first[nth(bucket)]
        first[nth(bucket)] = place


@inlined
def next_event(s: Any) -> bool:
    """Make the next event the heap's first; False when there is none."""
    first = buckets(s)
    while s.agenda_size == 0:
        s.bucket += 1
        if s.bucket >= s.buckets:
            return False
        node = first[nth(s.bucket)]
        first[nth(s.bucket)] = NONE
        while node != NONE:
            following = nodes(s)[nth(node)].next
            push(s, node)
            node = following
    return True


# --- hand-overs: the last thing of an instant, in the order of desks -------------------------------------------------


@inlined
def ask_for_hand_over(w: Any, s: Any, desk: int) -> None:
    """Where the desk is free and somebody waits, hand it over when everything else of this instant has happened."""
    here = desks(w, s)[nth(desk)]
    if here.waiting == 0 or here.busy == 1 or here.handing == 1:
        return
    here.handing = 1
    due = hand_overs(w, s)
    place = s.hand_overs
    s.hand_overs = place + 1
    while place > 0 and due[nth(place - 1)] < desk:
        due[nth(place)] = due[nth(place - 1)]
        place -= 1
    due[nth(place)] = desk


@inlined
def hand_over_is_next(s: Any) -> bool:
    """Whether a desk is to be handed over before anything of the agenda happens."""
    return bool(s.hand_overs > 0 and (s.agenda_size == 0 or nodes(s)[nth(agenda(s)[0])].time > s.now))


@inlined
def next_hand_over(w: Any, s: Any) -> int:
    """The desk to be handed over."""
    s.hand_overs -= 1
    desk = hand_overs(w, s)[nth(s.hand_overs)]
    desks(w, s)[nth(desk)].handing = 0
    return desk


@inlined
def nothing_else_now(s: Any) -> bool:
    """Whether nothing more is due at this instant: no event, no hand-over."""
    return bool(s.hand_overs == 0 and (s.agenda_size == 0 or nodes(s)[nth(agenda(s)[0])].time > s.now))


@inlined
def idle(w: Any, s: Any, desk: int) -> bool:
    """Whether the desk is free and nobody waits for it."""
    here = desks(w, s)[nth(desk)]
    return bool(here.busy == 0 and here.waiting == 0)
