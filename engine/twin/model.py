"""The twin's model: `simpy_model` by an agenda in one loop. Functions of the same names do the same things.

What a SimPy process does between two `yield`s is one function here, and what it yields is an event on the agenda. All
that is drawn or decided is a rule of `business`, `routing` or `arrivals`, as there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.business import (
    ADVANCED,
    STALE,
    answer_to_open,
    deal_value,
    hand_over_uniform,
    hours_left,
    lead_draws,
    month_from,
    settled,
    stale_deadline,
    standing_odds,
    standing_pace,
    time_at_desk,
    whole_minor_units,
)
from engine.compiled import compiled, inlined, jitted
from engine.outcomes import BOOKED, BUSY, LEADS, LOST_DEALS, OPEN, QUEUED, SERVED, STALE_DEALS, WON, Kind
from engine.twin import records as of
from engine.twin.agenda import (
    ANSWER,
    ARRIVAL,
    GOES_STALE,
    STAFF,
    WORK_DONE,
    ask_for_hand_over,
    drop_first,
    ends_are_seen,
    hand_over_is_next,
    idle,
    next_event,
    next_hand_over,
    nothing_else_now,
    plan_event,
    plan_hand_over,
    rep_is_done,
    work_is_seen,
)
from engine.twin.deals import (
    CLOSED,
    GIVEN_UP,
    PENDING,
    ask_for_draws,
    draw_asked,
    free_deal,
    new_lead,
    qualify_open,
    take_deal,
)
from engine.twin.feeds import cell_of_list, of_list, open_deal_of, open_feeds, plan_next
from engine.twin.lines import has_its_turn
from engine.twin.owners import assign, attribute, routed, take
from engine.twin.queues import cancel, first_in_line, queue_for
from engine.twin.records import NONE, STATE_RECORD, WORLD_RECORD, deals, nth, whole
from engine.twin.tally import add, book_what_happened, count_flow, note

from numba import types  # isort: skip

ARRIVED, STARTED, WORKED, MOVED_ON, GONE, GONE_STALE, SIGNED, HANDED_OVER = (int(kind) for kind in Kind)
FLOW_ENTERS, FLOW_ADVANCES, FLOW_LOST, FLOW_STALE = range(4)


@inlined
def worth(w: Any, s: Any, slot: int) -> float:
    """What the deal is worth, in minor units: as known of an open deal, else drawn. Read only where it is booked."""
    deal = deals(s)[nth(slot)]
    if deal.origin != NONE:
        value = of.known_deals(w)[nth(deal.origin)].value
        if not np.isnan(value):
            return whole_minor_units(value, w.minor)
    u = lead_draws(s.seed, s.replication, s.phase, deal.key)[0]
    multiplier, row = of.segment_value(w)[nth(deal.segment)], of.deal_values(w)[nth(deal.product)]
    return deal_value(u, multiplier, w.minor, of.dists(w), of.table(w), row)


# --- deals on their way ----------------------------------------------------------------------------------------------


@jitted
def lead_arrives(w: Any, s: Any, slot: int) -> None:
    """A lead comes."""
    deal = deals(s)[nth(slot)]
    if deal.feed >= 0:
        plan_next(w, s, whole(deal.feed))
    assign(w, s, slot)
    if w.levers > 0:
        attribute(w, s, slot)
    note(s, ARRIVED, slot, 0.0)
    if deal.rep == NONE:
        free_deal(s, slot)  # nobody sells this here: the lead is turned away
        return
    if s.full != 0:
        return
    add(w, s, slot, LEADS, 1.0)
    enter(w, s, slot)


@jitted
def listed_lead_arrives(w: Any, s: Any, key: int, cell: int) -> None:
    """A prospect of an exact list comes."""
    slot = new_lead(w, s, key, cell)
    if slot != NONE:
        lead_arrives(w, s, slot)


@jitted
def enter(w: Any, s: Any, slot: int) -> None:
    """A deal enters a stage: it queues for its rep where there is work, else the customer's wait begins."""
    deal = deals(s)[nth(slot)]
    stage = of.stages(w)[nth(deal.stage)]
    count_flow(w, s, slot, FLOW_ENTERS)
    deal.entered = s.now
    deal.outcome = PENDING
    deal.stale_at = stale_deadline(s.now, stage.stale, stage.stale_calendar != 0, of.hours_at(w))
    if deal.asked == 1:
        draw_asked(w, s)
    if deal.hours <= 0.0:
        await_customer(w, s, slot)
    elif nothing_else_now(s) and idle(w, s, deal.desk) and deal.stale_at > s.now:
        start(w, s, slot)  # what a hand-over at the end of this instant would come to: this is its end
    else:
        queue_for(w, s, slot)
        plan_hand_over(w, s, whole(deal.desk))
        plan_event(w, s, deal.stale_at, GOES_STALE, deal.key, deal.visit, slot)


@jitted
def serve_next(w: Any, s: Any, desk: int) -> None:
    """The rep turns to the first in the queue, unless all who waited went stale at this very instant."""
    slot = first_in_line(w, s, desk)
    if slot != NONE:
        cancel(w, s, slot)
        start(w, s, slot)


@inlined
def start(w: Any, s: Any, slot: int) -> None:
    """The rep turns to the deal: how long it waited, how long it will take."""
    deal = deals(s)[nth(slot)]
    now = s.now
    if w.shared == 1:
        has_its_turn(w, s, slot)
    speed = of.desk_speed(w)[nth(deal.desk), nth(s.month)]
    done = now + time_at_desk(deal.hours, speed)
    of.desks(w, s)[nth(deal.desk)].until = done
    works_to = min(done, of.leaves(w)[nth(deal.rep)]) if w.anybody_leaves == 1 else done
    totals = of.reps(w, s)[nth(deal.rep)]
    totals[QUEUED] += now - deal.entered
    totals[SERVED] += 1.0
    totals[BUSY] += min(works_to, w.end) - now
    note(s, STARTED, slot, 0.0)
    if works_to < done:
        deal.hours = hours_left(deal.hours, works_to - now, speed)  # for whom the deal is handed over to
    elif work_is_seen(w, s):
        plan_event(w, s, done, WORK_DONE, deal.key, deal.visit, slot)
    else:
        plan_hand_over(w, s, whole(deal.desk))
        work_will_be_done(w, s, slot, done)


@inlined
def work_will_be_done(w: Any, s: Any, slot: int, done: float) -> None:
    """What follows from work that nobody sees the end of: it hangs on nothing that may happen before."""
    if done > w.end:
        free_deal(s, slot)  # nothing more will be heard of it
        return
    now, month = s.now, s.month
    s.now, s.month = done, month_from(of.month_ends(w), done, month)
    await_customer(w, s, slot)
    s.now, s.month = now, month


@jitted
def work_done(w: Any, s: Any, slot: int) -> None:
    """The rep is done with the deal: the desk goes to the next, the customer's wait begins."""
    ask_for_hand_over(w, s, whole(deals(s)[nth(slot)].desk))
    note(s, WORKED, slot, 0.0)
    await_customer(w, s, slot)


@inlined
def economy_now(w: Any, s: Any, slot: int) -> float:
    """What the economy multiplies the deal's odds by, now; it leaves alone what comes after the booking."""
    deal = deals(s)[nth(slot)]
    return of.economy(w, s)[nth(deal.region), nth(s.month)] if deal.stage <= w.won else 1.0


@inlined
def odds_now(w: Any, s: Any, slot: int, place: int) -> float:
    """What the economy and the month in which it came to its stage multiply the deal's odds by."""
    deal = deals(s)[nth(slot)]
    return economy_now(w, s, slot) * of.month_odds(w, s)[nth(deal.stage), nth(place)]


@inlined
def odds(w: Any, s: Any, slot: int) -> float:
    """What multiplies the stage's odds of advancing for this deal, whenever it is."""
    if w.multiplied == 0:
        return 1.0
    deal = deals(s)[nth(slot)]
    i = deal.stage
    return standing_odds(
        of.multipliers(w, w.at_of_rep, w.reps)[i, deal.rep],
        of.multipliers(w, w.at_of_product, w.products)[i, deal.product],
        of.multipliers(w, w.at_of_segment, w.segments)[i, deal.segment],
        of.multipliers(w, w.at_of_source, w.sources)[i, deal.source],
        of.multipliers(w, w.at_of_class, of.CLASSES)[i, deal.klass],
    )


@inlined
def pace(w: Any, s: Any, slot: int, place: int) -> float:
    """What multiplies the deal's waits in its stage."""
    deal = deals(s)[nth(slot)]
    i = deal.stage
    of_month = of.month_pace(w, s)[nth(i), nth(place)]
    if w.multiplied == 0:
        return of_month
    return standing_pace(
        of.multipliers(w, w.at_pace_rep, w.reps)[i, deal.rep],
        of.multipliers(w, w.at_pace_product, w.products)[i, deal.product],
        of.multipliers(w, w.at_pace_source, w.sources)[i, deal.source],
        of_month,
    )


@inlined
def count_activities(w: Any, s: Any, slot: int) -> None:
    """Visits, bids and whatever else the stage counts, when its work is done."""
    stage = of.stages(w)[nth(deals(s)[nth(slot)].stage)]
    for a in range(stage.first_activity, stage.last_activity):
        activity = of.activities(w)[nth(a)]
        add(w, s, slot, activity.measure, activity.count)


@jitted
def await_customer(w: Any, s: Any, slot: int) -> None:
    """Work is done: count it, and settle what the customer will say and when."""
    deal = deals(s)[nth(slot)]
    count_activities(w, s, slot)
    stage = of.stages(w)[nth(deal.stage)]
    place = w.past + s.month
    outcome, when = settled(
        deal.wait, deal.wait_u, deal.answer_u, of.advance(w, s)[nth(deal.stage)], odds(w, s, slot),
        odds_now(w, s, slot, place), pace(w, s, slot, place), s.now, of.dists(w),
        of.table(w), stage.wait, stage.wait_lost, deal.stale_at, of.hours_at(w),
    )  # fmt: skip
    hear(w, s, slot, outcome, when)


@inlined
def hear(w: Any, s: Any, slot: int, outcome: int, when: float) -> None:
    """The answer is settled; it is heard at `when`, or never, where that lies beyond the horizon.

    What ends a deal is counted here and now, under its own date, where nothing before that date looks at it: no event.
    """
    deal = deals(s)[nth(slot)]
    deal.outcome = outcome
    if outcome == STALE:
        deal.stale_at = when
    if when > w.end:
        if w.anybody_leaves == 0:  # else it may be handed over
            free_deal(s, slot)
    elif outcome == ADVANCED or ends_are_seen(w, s):
        plan_event(w, s, when, GOES_STALE if outcome == STALE else ANSWER, deal.key, deal.visit, slot)
        if outcome == ADVANCED and deal.stage + 1 < w.stages:
            ask_for_draws(w, s, slot, deal.stage + 1, deal.visit + 1)
    else:
        now, month = s.now, s.month
        s.now, s.month = when, month_from(of.month_ends(w), when, month)
        close(w, s, slot, outcome == STALE)
        s.now, s.month = now, month


@jitted
def open_deal_arrives(w: Any, s: Any, i: int) -> None:
    """A deal open on the first day: its stage's work is done, its answer may be near; then it goes on like any."""
    known = of.known_deals(w)[nth(i)]
    slot = take_deal(s, known.key)
    if slot == NONE:
        return
    deal = deals(s)[nth(slot)]
    deal.source, deal.product, deal.region, deal.stage = known.source, known.product, known.region, known.stage
    deal.origin = i
    qualify_open(w, s, slot, known)
    assign(w, s, slot)
    note(s, ARRIVED, slot, 0.0)
    if deal.rep == NONE:
        free_deal(s, slot)
        return
    if s.full != 0:
        return
    stage = of.stages(w)[nth(deal.stage)]
    age = known.age_days if stage.stale_calendar != 0 else known.age_hours
    left = max(stage.stale - age, 0.0)
    outcome, when = answer_to_open(
        s.seed, s.replication, s.phase, deal.key, s.now,
        stale_deadline(s.now, left, stage.stale_calendar != 0, of.hours_at(w)), known.age_hours, known.age_days,
        of.advance(w, s)[nth(deal.stage)], odds(w, s, slot),
        odds_now(w, s, slot, known.began), pace(w, s, slot, known.began), of.dists(w), of.table(w),
        stage.wait, stage.wait_lost, of.hours_at(w),
    )  # fmt: skip
    hear(w, s, slot, outcome, when)


@jitted
def settle(w: Any, s: Any, slot: int) -> None:
    """The answer is in: the deal goes on to another stage, or out."""
    deal = deals(s)[nth(slot)]
    if deal.outcome != ADVANCED:
        if deal.outcome == GIVEN_UP:
            free_deal(s, slot)
        else:
            close(w, s, slot, deal.outcome == STALE)
        return
    count_flow(w, s, slot, FLOW_ADVANCES)
    note(s, MOVED_ON, slot, 0.0)
    if deal.stage == w.won:
        book(w, s, slot)
    deal.stage += 1
    deal.visit += 1
    if deal.stage < w.stages:
        enter(w, s, slot)
    else:
        free_deal(s, slot)


@jitted
def book(w: Any, s: Any, slot: int) -> None:
    """The deal is won: its value is booked here and now."""
    value = worth(w, s, slot)
    add(w, s, slot, WON, 1.0)
    add(w, s, slot, BOOKED, value)
    of.open_deals(w, s)[nth(deals(s)[nth(slot)].rep)] -= 1
    note(s, SIGNED, slot, value)


@jitted
def close(w: Any, s: Any, slot: int, stale: bool) -> None:
    """The deal is lost or stale, and over."""
    count_end(w, s, slot, stale)
    free_deal(s, slot)


@inlined
def count_end(w: Any, s: Any, slot: int, stale: bool) -> None:
    """A deal is lost or stale. After it was won, that is counted in the flow only: the booking stands."""
    deal = deals(s)[nth(slot)]
    count_flow(w, s, slot, FLOW_STALE if stale else FLOW_LOST)
    note(s, GONE_STALE if stale else GONE, slot, 0.0)
    if deal.stage <= w.won:
        add(w, s, slot, STALE_DEALS if stale else LOST_DEALS, 1.0)
        of.open_deals(w, s)[nth(deal.rep)] -= 1


@jitted
def goes_stale(w: Any, s: Any, slot: int, key: int, visit: int) -> None:
    """A deal's patience is over: in the queue, or waiting for its customer; or it has moved on, and nothing happens."""
    deal = deals(s)[nth(slot)]
    if deal.key != key or deal.visit != visit:
        return
    if deal.queued == 1:
        cancel(w, s, slot)
        close(w, s, slot, True)
    elif deal.outcome == STALE and s.now >= deal.stale_at:
        settle(w, s, slot)


# --- reps leave and begin --------------------------------------------------------------------------------------------


@jitted
def staff_changes(w: Any, s: Any, number: int) -> None:
    """Another staff is there: the deals of those who have left go to others, in the order of their keys."""
    s.staff = number
    if w.anybody_leaves == 0:
        return
    keys = np.empty(s.deals, dtype=np.uint64)
    slots = np.empty(s.deals, dtype=np.int64)
    found = 0
    for slot in range(s.deals):
        deal = deals(s)[nth(slot)]
        if deal.rep != NONE and deal.outcome > CLOSED and not of.there(w, s)[nth(deal.rep)]:
            keys[nth(found)], slots[nth(found)] = deal.key, slot
            found += 1
    for place in np.argsort(keys[:found], kind="mergesort"):
        pass_on(w, s, slots[nth(place)])
        if s.full != 0:
            return


@jitted
def pass_on(w: Any, s: Any, slot: int) -> None:
    """Its rep has left: the deal goes to another, by the routing of its source; to nobody, and it goes stale."""
    deal = deals(s)[nth(slot)]
    waits, works = deal.queued == 1, deal.outcome == PENDING and deal.queued == 0
    if waits:
        of.reps(w, s)[nth(deal.rep), QUEUED] += s.now - deal.entered
        cancel(w, s, slot)
    u = hand_over_uniform(s.seed, s.replication, s.phase, deal.key, s.staff - 1)
    rep = routed(w, s, slot, NONE, u)
    if rep == NONE:
        give_up(w, s, slot)
        return
    if deal.stage <= w.won:
        of.open_deals(w, s)[nth(deal.rep)] -= 1
    deal.rep = rep
    take(w, s, slot)
    note(s, HANDED_OVER, slot, 0.0)
    if s.full != 0:
        return
    if works and deal.hours <= 0.0:
        await_customer(w, s, slot)
    elif works or waits:
        deal.entered = s.now
        queue_for(w, s, slot)
        plan_hand_over(w, s, whole(deal.desk))
        if works:
            plan_event(w, s, max(deal.stale_at, s.now), GOES_STALE, deal.key, deal.visit, slot)


@jitted
def give_up(w: Any, s: Any, slot: int) -> None:
    """Nobody takes the deal: it goes stale. An answer that is on the agenda finds its place still taken."""
    deal = deals(s)[nth(slot)]
    count_end(w, s, slot, True)
    if deal.outcome == PENDING or deal.outcome == STALE:
        free_deal(s, slot)
    else:
        deal.outcome = GIVEN_UP


# --- the run -----------------------------------------------------------------------------------------------------


@inlined
def happen(w: Any, s: Any) -> None:
    """The agenda's first event."""
    place = whole(of.agenda(s)[nth(s.agenda_first)])
    node = of.nodes(s)[nth(place)]
    rank, key, visit, what = node.rank, node.entity, node.visit, whole(node.what)
    s.now = node.time
    s.month = month_from(of.month_ends(w), s.now, s.month)
    drop_first(s)
    node.next = s.free_node
    s.free_node = place
    if rank == ANSWER:
        settle(w, s, what)
    elif rank == WORK_DONE:
        if what >= 0:
            work_done(w, s, what)
        else:
            rep_is_done(w, s, -1 - what)
    elif rank == GOES_STALE:
        goes_stale(w, s, what, key, visit)
    elif rank == ARRIVAL:
        if what >= 0:
            lead_arrives(w, s, what)
        elif of_list(w, what):
            listed_lead_arrives(w, s, key, cell_of_list(w, what))
        else:
            open_deal_arrives(w, s, open_deal_of(what))
    elif rank == STAFF:
        staff_changes(w, s, what)


@compiled(types.void(WORLD_RECORD, STATE_RECORD))
def replicate(w: Any, s: Any) -> None:
    """Simulate from the first instant to the horizon's end; `s.full` says that some room was too small."""
    book_what_happened(w, s)
    open_feeds(w, s)
    while s.full == 0:
        if hand_over_is_next(s):
            serve_next(w, s, next_hand_over(w, s))
        elif next_event(s):
            happen(w, s)
        else:
            break
    for rep in range(w.reps):
        of.reps(w, s)[rep, OPEN] = float(of.open_deals(w, s)[nth(rep)])
