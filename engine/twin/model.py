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
    choose,
    class_of,
    customer,
    deal_value,
    lead_draws,
    month_from,
    settled,
    stale_deadline,
    standing_odds,
    visit_draws,
    whole_minor_units,
)
from engine.compiled import compiled, inlined, jitted
from engine.outcomes import BOOKED, BUSY, LEADS, LOST_DEALS, OPEN, QUEUED, SERVED, STALE_DEALS, WON, Kind
from engine.routing import BY_SHARE, route
from engine.twin import records as of
from engine.twin.agenda import (
    ANSWER,
    ARRIVAL,
    GOES_STALE,
    WORK_DONE,
    ask_for_hand_over,
    drop_first,
    hand_over_is_next,
    idle,
    next_event,
    next_hand_over,
    nothing_else_now,
    plan_event,
)
from engine.twin.feeds import open_feeds, plan_next
from engine.twin.queues import cancel, first_in_line, queue_for
from engine.twin.records import DEALS_FULL, NONE, STATE_RECORD, WORLD_RECORD, deals, nth, whole
from engine.twin.tally import add, book_what_happened, count_flow, ledger_of, note

from numba import types  # isort: skip

ARRIVED, STARTED, WORKED, MOVED_ON, GONE, GONE_STALE, SIGNED = (int(kind) for kind in Kind)
FLOW_ENTERS, FLOW_ADVANCES, FLOW_LOST, FLOW_STALE = range(4)
PENDING, CLOSED = -1, -2  # what a deal's outcome is before its answer is settled, and when it is over
NAN = np.nan


# --- who the customer is, what the deal is worth, whose it is --------------------------------------------------------


@inlined
def know(w: Any, s: Any, slot: int, known: Any, segment: int) -> None:
    """Segment and class: from what is `known` (money, authority, need; NaN is not) of the customer, else drawn."""
    deal = deals(s)[nth(slot)]
    drawn_segment = segment < 0 and w.draws_segment == 1
    deal.segment = max(segment, 0)
    if w.classes == 0 and not drawn_segment:
        return
    money, authority, need, segment_u = customer(
        s.seed, s.replication, s.phase, deal.key, of.dists(w), of.table(w), w.money, w.authority, w.need
    )
    if drawn_segment:
        deal.segment = choose(of.segment_shares(w), segment_u)
    if w.classes == 1:
        money = money if np.isnan(known[0]) else known[0]
        authority = authority if np.isnan(known[1]) else known[1]
        need = need if np.isnan(known[2]) else known[2]
        deal.klass = class_of(money, authority, need, w.strong_from)
        deal.priority = deal.klass if w.class_priority == 1 else 0


@inlined
def qualify(w: Any, s: Any, slot: int, rep: int) -> None:
    """Learn who the customer is and whose the deal is. `rep` is who found it, or NONE."""
    deal = deals(s)[nth(slot)]
    owner, segment, scores = NONE, NONE, (NAN, NAN, NAN)
    share = of.from_accounts(w)[nth(deal.source)]
    known_u = which_u = rep_u = 0.5
    if share > 0.0 or of.rule(w)[nth(deal.source)] == BY_SHARE:  # else none of them is read
        _, known_u, which_u, rep_u = lead_draws(s.seed, s.replication, s.phase, deal.key)
    if share > 0.0 and known_u < share:
        here = of.accounts_in(w, deal.region)
        if len(here) > 0:
            account = of.accounts(w)[nth(here[int(which_u * len(here))])]
            owner, segment = account.owner, account.segment
            scores = (account.money, account.authority, account.need)
    know(w, s, slot, scores, segment)
    assign(w, s, slot, rep if rep >= 0 else owner, rep_u, rep >= 0)


@inlined
def qualify_open(w: Any, s: Any, slot: int, known: Any) -> None:
    """The same for a deal that is open already: what is known of it stands, the rest is drawn."""
    _, _, _, rep_u = lead_draws(s.seed, s.replication, s.phase, known.key)
    know(w, s, slot, (known.money, known.authority, known.need), known.segment)
    assign(w, s, slot, known.owner, rep_u, known.owner >= 0)


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


@inlined
def assign(w: Any, s: Any, slot: int, owner: int, u: float, by_owner: bool) -> None:
    """Give the deal to its rep: whose it is already, else by the routing of its source."""
    deal = deals(s)[nth(slot)]
    p, g = deal.product, deal.region
    if by_owner:
        deal.rep = owner
    else:
        how = of.rule(w)[nth(deal.source)]
        place = (p * w.regions + g) * w.segments + deal.segment
        reached = of.reached(w, of.share_row(w)[nth(deal.source)], place)
        turns = of.last_turn(w, s)[nth(p), nth(g)]
        rep = route(
            how, owner, of.may(w, place), of.takers(w, place), reached, of.open_deals(w, s), turns[nth(deal.segment)], u
        )
        if rep != owner:  # what an account's owner gets is nobody's turn
            turns[nth(deal.segment)] = rep
        deal.rep = rep
        deal.by_share = 1 if how == BY_SHARE and rep != owner else 0
    if deal.rep == NONE:
        return
    deal.desk = of.desk_of(w)[nth(deal.rep), nth(p)]
    deal.row = ledger_of(w, s, whole(deal.rep), whole(p), whole(g), whole(deal.segment)) * w.months
    deal.flow = deal.rep * w.stages * w.months
    if deal.stage <= w.won:
        of.open_deals(w, s)[nth(deal.rep)] += 1


@inlined
def attribute(w: Any, s: Any, slot: int, lever: int) -> None:
    """Remember which lever brought the deal: its cell's, else its route's."""
    deal = deals(s)[nth(slot)]
    if lever < 0 and deal.rep != NONE and deal.by_share == 1 and of.share_row(w)[nth(deal.source)] == 0:
        lever = of.lever_of_route(w)[deal.product, deal.region, deal.rep]
    deal.lever = lever


# --- deals on their way ----------------------------------------------------------------------------------------------


@inlined
def take_deal(s: Any, key: int) -> int:
    """Room for a deal: one that has been closed, else a fresh one; NONE (and the state is full) without."""
    slot = s.free_deal
    if slot != NONE:
        s.free_deal = deals(s)[nth(slot)].next
    elif s.deals < s.deal_room:
        slot = s.deals
        s.deals = slot + 1
    else:
        s.full |= DEALS_FULL
        return NONE
    deal = deals(s)[nth(slot)]
    deal.key = key
    deal.rep = deal.lever = deal.origin = NONE
    deal.visit = deal.klass = deal.priority = deal.queued = deal.by_share = 0
    deal.outcome = PENDING
    return slot


@inlined
def free_deal(s: Any, slot: int) -> None:
    """The deal is over: its room is free for another."""
    deal = deals(s)[nth(slot)]
    deal.outcome = CLOSED
    deal.visit = NONE
    deal.next = s.free_deal
    s.free_deal = slot


@jitted
def lead_arrives(w: Any, s: Any, key: int, what: int) -> None:
    """A lead comes."""
    feed = of.feeds(s)[nth(what)]
    cell = of.cells(w)[nth(feed.cell)]
    if feed.layer >= 0:
        plan_next(w, s, what)
    slot = take_deal(s, key)
    if slot == NONE:
        return
    deal = deals(s)[nth(slot)]
    deal.source, deal.product, deal.region, deal.stage = cell.source, cell.product, cell.region, cell.enters
    qualify(w, s, slot, cell.rep)
    if w.levers > 0:
        attribute(w, s, slot, cell.lever)
    note(s, ARRIVED, slot, 0.0)
    if deal.rep == NONE:
        free_deal(s, slot)  # nobody sells this here: the lead is turned away
        return
    if s.full != 0:
        return
    add(w, s, slot, LEADS, 1.0)
    enter(w, s, slot)


@jitted
def enter(w: Any, s: Any, slot: int) -> None:
    """A deal enters a stage: it queues for its rep where there is work, else the customer's wait begins."""
    deal = deals(s)[nth(slot)]
    stage = of.stages(w)[nth(deal.stage)]
    count_flow(w, s, slot, FLOW_ENTERS)
    deal.entered = s.now
    deal.outcome = PENDING
    deal.stale_at = stale_deadline(s.now, stage.stale, stage.stale_calendar != 0, of.hours_at(w))
    deal.work, deal.wait_u, deal.answer_u = visit_draws(
        s.seed, s.replication, s.phase, deal.key, deal.visit, of.desk_speed(w)[nth(deal.desk)],
        of.dists(w), of.table(w), stage.work,
    )  # fmt: skip
    if deal.work <= 0.0:
        await_customer(w, s, slot)
    elif nothing_else_now(s) and idle(w, s, deal.desk) and deal.stale_at > s.now:
        start(w, s, slot)  # what a hand-over at the end of this instant would come to: this is its end
    else:
        queue_for(w, s, slot)
        ask_for_hand_over(w, s, whole(deal.desk))
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
    done = now + deal.work
    of.desks(w, s)[nth(deal.desk)].busy = 1
    totals = of.reps(w, s)[nth(deal.rep)]
    totals[QUEUED] += now - deal.entered
    totals[SERVED] += 1.0
    totals[BUSY] += min(done, w.end) - now
    note(s, STARTED, slot, 0.0)
    plan_event(w, s, done, WORK_DONE, deal.key, deal.visit, slot)


@jitted
def work_done(w: Any, s: Any, slot: int) -> None:
    """The rep is done with the deal: the desk goes to the next, the customer's wait begins."""
    desk = whole(deals(s)[nth(slot)].desk)
    of.desks(w, s)[nth(desk)].busy = 0
    ask_for_hand_over(w, s, desk)
    note(s, WORKED, slot, 0.0)
    await_customer(w, s, slot)


@inlined
def economy_now(w: Any, s: Any, slot: int) -> float:
    """What the economy multiplies the deal's odds by, now; it leaves alone what comes after the booking."""
    deal = deals(s)[nth(slot)]
    return of.economy(w, s)[nth(deal.region), nth(s.month)] if deal.stage <= w.won else 1.0


@inlined
def odds(w: Any, s: Any, slot: int) -> float:
    """What multiplies the stage's odds of advancing for this deal, whenever it is."""
    if w.multiplied == 0:
        return 1.0
    deal = deals(s)[nth(slot)]
    i = deal.stage
    return standing_odds(
        of.of_rep(w)[i, deal.rep], of.of_product(w)[i, deal.product], of.of_segment(w)[i, deal.segment],
        of.of_source(w)[i, deal.source], of.of_class(w)[i, deal.klass],
    )  # fmt: skip


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
    outcome, when = settled(
        deal.wait_u, deal.answer_u, of.advance(w, s)[nth(deal.stage)], odds(w, s, slot), economy_now(w, s, slot), s.now,
        of.dists(w), of.table(w), stage.wait, stage.wait_lost, deal.stale_at, of.hours_at(w),
    )  # fmt: skip
    hear(w, s, slot, outcome, when)


@inlined
def hear(w: Any, s: Any, slot: int, outcome: int, when: float) -> None:
    """The answer is settled; it is heard at `when`, or never, where that lies beyond the horizon."""
    deal = deals(s)[nth(slot)]
    deal.outcome = outcome
    if when <= w.end:
        plan_event(w, s, when, GOES_STALE if outcome == STALE else ANSWER, deal.key, deal.visit, slot)
    else:
        free_deal(s, slot)


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
    note(s, ARRIVED, slot, 0.0)
    if deal.rep == NONE:
        free_deal(s, slot)
        return
    stage, j = of.stages(w)[nth(deal.stage)], deal.stage
    age = known.age_days if stage.stale_calendar != 0 else known.age_hours
    left = max(stage.stale - age, 0.0)
    outcome, when = answer_to_open(
        s.seed, s.replication, s.phase, deal.key, s.now,
        stale_deadline(s.now, left, stage.stale_calendar != 0, of.hours_at(w)), known.age_hours, known.age_days,
        of.advance(w, s)[nth(j)], of.of_rep(w)[j, deal.rep], of.of_product(w)[j, deal.product],
        of.of_segment(w)[j, deal.segment], of.of_source(w)[j, deal.source], of.of_class(w)[j, deal.klass],
        economy_now(w, s, slot), of.dists(w), of.table(w), stage.wait, stage.wait_lost, of.hours_at(w),
    )  # fmt: skip
    hear(w, s, slot, outcome, when)


@jitted
def settle(w: Any, s: Any, slot: int) -> None:
    """The answer is in: the deal goes on to another stage, or out."""
    deal = deals(s)[nth(slot)]
    if deal.outcome != ADVANCED:
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
    """The deal is lost or stale. After it was won, that is counted in the flow only: the booking stands."""
    deal = deals(s)[nth(slot)]
    count_flow(w, s, slot, FLOW_STALE if stale else FLOW_LOST)
    note(s, GONE_STALE if stale else GONE, slot, 0.0)
    if deal.stage <= w.won:
        add(w, s, slot, STALE_DEALS if stale else LOST_DEALS, 1.0)
        of.open_deals(w, s)[nth(deal.rep)] -= 1
    free_deal(s, slot)


@jitted
def goes_stale(w: Any, s: Any, slot: int, key: int, visit: int) -> None:
    """A deal's patience is over: in the queue, or waiting for its customer; or it has moved on, and nothing happens."""
    deal = deals(s)[nth(slot)]
    if deal.key != key or deal.visit != visit:
        return
    if deal.queued == 1:
        cancel(w, s, slot)
        close(w, s, slot, True)
    elif deal.outcome == STALE:
        settle(w, s, slot)


# --- the run -----------------------------------------------------------------------------------------------------


@inlined
def happen(w: Any, s: Any) -> None:
    """The agenda's first event."""
    place = whole(of.agenda(s)[0])
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
        work_done(w, s, what)
    elif rank == GOES_STALE:
        goes_stale(w, s, what, key, visit)
    elif rank == ARRIVAL:
        if what >= 0:
            lead_arrives(w, s, key, what)
        else:
            open_deal_arrives(w, s, -1 - what)


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
