"""The agenda of the twin: events in the declared order (time, rank, entity, visit), and the hand-overs of an instant.

The horizon is cut into buckets of equal time. An event of a later bucket is only linked into it; the events of the
present bucket stand in order, sorted when the bucket's time comes (a calendar queue, Brown 1988). Since an event's
bucket never falls as its time rises, the order is exact. With about as many events a bucket whatever the plan, planning
and taking cost the same however many events there are.

What is dear is not comparing but guessing: a processor that takes the wrong branch loses the time of fifty operations.
So a bucket's events are ranked by comparing each with each, eight at a time and without a branch, and then only walked
along. A bucket with too many events for that, such as a list that comes at once, is a binary heap for as long as it
lasts; so is one into which too many more are planned while it is the present one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.business import STALE
from engine.compiled import inlined, jitted
from engine.environment import Rank
from engine.twin.addresses import below
from engine.twin.records import (
    MOST_SORTED,
    NODES_FULL,
    NONE,
    agenda,
    buckets,
    deals,
    desks,
    hand_overs,
    nodes,
    nth,
    opened_nodes,
    opened_times,
    whole,
)

ARRIVAL, WORK_DONE, ANSWER, GOES_STALE, STAFF = (int(rank) for rank in list(Rank)[:5])


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
def work_is_seen(w: Any, s: Any) -> bool:
    """Whether the end of a rep's work is an event of its own; else what follows from it is settled as it begins."""
    return bool(w.work_is_seen == 1 or s.keeps_log == 1)


@inlined
def ends_are_seen(w: Any, s: Any) -> bool:
    """Whether the end of a deal is an event of its own; else it is counted, under its date, once it is settled."""
    return bool(w.ends_are_seen == 1 or s.keeps_log == 1)


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
def first_event(s: Any) -> Any:
    """The node of the event that is next; there must be one."""
    return nodes(s)[nth(agenda(s)[nth(s.agenda_first)])]


@inlined
def push(s: Any, node: int) -> None:
    """Put an event among those of the present bucket."""
    if s.heaped == 0 and s.agenda_end - s.agenda_first >= MOST_SORTED:
        to_a_heap(s)
    if s.heaped == 1:
        push_on_heap(s, node)
        return
    if s.agenda_end == s.node_room:
        to_the_front(s)
    order, all_nodes = agenda(s), nodes(s)
    place = s.agenda_end
    s.agenda_end = place + 1
    while place > s.agenda_first and before(all_nodes[nth(node)], all_nodes[nth(order[nth(place - 1)])]):
        order[nth(place)] = order[nth(place - 1)]
        place -= 1
    order[nth(place)] = node


@inlined
def drop_first(s: Any) -> None:
    """Take the first event out of the present bucket's."""
    if s.heaped == 1:
        drop_first_of_heap(s)
    else:
        s.agenda_first += 1


@jitted
def to_the_front(s: Any) -> None:
    """Move the present bucket's events to the start of their memory."""
    order, first = agenda(s), s.agenda_first
    for place in range(first, s.agenda_end):
        order[nth(place - first)] = order[nth(place)]
    s.agenda_first, s.agenda_end = 0, s.agenda_end - first


@jitted
def to_a_heap(s: Any) -> None:
    """Go on with the present bucket as a heap: events in order are one already."""
    to_the_front(s)
    s.heaped = 1


@jitted
def push_on_heap(s: Any, node: int) -> None:
    """Put an event on the heap of a crowded bucket."""
    heap, all_nodes = agenda(s), nodes(s)
    place = s.agenda_end
    s.agenda_end = place + 1
    while place > 0:
        above = (place - 1) >> 1
        if not before(all_nodes[nth(node)], all_nodes[nth(heap[nth(above)])]):
            break
        heap[nth(place)] = heap[nth(above)]
        place = above
    heap[nth(place)] = node


@jitted
def drop_first_of_heap(s: Any) -> None:
    """Take the first event off the heap of a crowded bucket."""
    heap, all_nodes = agenda(s), nodes(s)
    size = s.agenda_end - 1
    s.agenda_end = size
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
def put_in_order(s: Any, found: int) -> None:
    """Sort the first `found` of the opened bucket, at most MOST_SORTED, by their time; by `before` where times tie."""
    times, opened, order = opened_times(s), opened_nodes(s), agenda(s)
    blocks = (found + 15) >> 4
    for i in range(found, blocks << 4):
        times[nth(i)] = np.inf
    ranks = 0
    for i in range(found):
        time = times[nth(i)]
        rank = 0
        for block in range(blocks):
            rank += below(s.at_opened_times + 128 * block, time)
        order[nth(rank)] = opened[nth(i)]
        ranks += rank
    if 2 * ranks != found * (found - 1):  # times tie
        s.agenda_end = 0
        for i in range(found):
            push(s, opened[nth(i)])


@inlined
def open_bucket(s: Any, node: int) -> None:
    """Make the events of a bucket, linked from `node`, the present ones."""
    s.agenda_first = s.agenda_end = s.heaped = 0
    times, opened, all_nodes = opened_times(s), opened_nodes(s), nodes(s)
    found = 0
    while node != NONE and found < MOST_SORTED:
        opened[nth(found)] = node
        times[nth(found)] = all_nodes[nth(node)].time
        node = whole(all_nodes[nth(node)].next)
        found += 1
    s.agenda_end = found
    put_in_order(s, found)
    while node != NONE:
        following = whole(all_nodes[nth(node)].next)
        push(s, node)
        node = following


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
    """Have an event be the first of the present bucket; False when there is none."""
    first = buckets(s)
    while s.agenda_first == s.agenda_end:
        s.bucket += 1
        if s.bucket >= s.buckets:
            return False
        node = whole(first[nth(s.bucket)])
        first[nth(s.bucket)] = NONE
        open_bucket(s, node)
    return True


# --- hand-overs: the last thing of an instant, in the order of desks -------------------------------------------------


@inlined
def ask_for_hand_over(w: Any, s: Any, desk: int) -> None:
    """Where somebody waits, hand the desk over when everything else of this instant has happened."""
    here = desks(w, s)[nth(desk)]
    if here.waiting == 0 or here.handing == 1:
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
def plan_hand_over(w: Any, s: Any, desk: int) -> None:
    """Have the desk handed over when its rep is done; an event tells of that only where somebody waits for it."""
    here = desks(w, s)[nth(desk)]
    if here.until <= s.now:
        ask_for_hand_over(w, s, desk)
    elif here.waiting > 0 and here.planned == 0 and not work_is_seen(w, s):
        here.planned = 1
        plan_event(w, s, here.until, WORK_DONE, 0, 0, -1 - desk)


@inlined
def rep_is_done(w: Any, s: Any, desk: int) -> None:
    """The event that was planned: whoever waits is served when everything else of this instant has happened."""
    desks(w, s)[nth(desk)].planned = 0
    ask_for_hand_over(w, s, desk)


@inlined
def hand_over_is_next(s: Any) -> bool:
    """Whether a desk is to be handed over before anything of the agenda happens."""
    return bool(s.hand_overs > 0 and (s.agenda_first == s.agenda_end or first_event(s).time > s.now))


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
    return bool(s.hand_overs == 0 and (s.agenda_first == s.agenda_end or first_event(s).time > s.now))


@inlined
def idle(w: Any, s: Any, desk: int) -> bool:
    """Whether the desk is free and nobody waits for it."""
    here = desks(w, s)[nth(desk)]
    return bool(here.until <= s.now and here.waiting == 0)
