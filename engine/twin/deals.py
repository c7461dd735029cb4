"""A deal's record in the twin's memory: taken, filled with all that is drawn of it, given back.

What is drawn does not depend on when it is drawn. So a lead is drawn when it is planned, and a visit to a stage is
asked for when the answer that leads to it is settled: days of the model before it begins. Those asked for are drawn
together, with vector instructions and with nothing waiting for the result; drawn one by one at the moment of need, each
operation would wait for the one before.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.business import choose, class_of, customer, lead_draws, visit_uniforms
from engine.compiled import inlined, jitted
from engine.lanes import variates
from engine.routing import BY_SHARE
from engine.twin import records as of
from engine.twin.records import DEALS_FULL, MOST_ASKED, NONE, asked, deals, kinds, nth, numbers, room, rows_asked, whole

# What a deal's outcome is before its answer is settled, when it is over, and when it is over but its answer to come.
PENDING, CLOSED, GIVEN_UP = -1, -2, -3
NAN = np.nan


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
    deal.rep = deal.lever = deal.origin = deal.feed = deal.owner = NONE
    deal.visit = deal.klass = deal.priority = deal.queued = deal.by_share = deal.found = deal.asked = deal.line = 0
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


@inlined
def ask_for_draws(w: Any, s: Any, slot: int, stage: int, visit: int) -> None:
    """Have the deal's visit to a stage drawn: with others, or when it is needed."""
    if s.asked == MOST_ASKED:
        draw_asked(w, s)
    here = asked(s)[nth(s.asked)]
    here.slot, here.stage, here.visit = slot, stage, visit
    deals(s)[nth(slot)].asked = 1
    s.asked += 1


@jitted
def draw_asked(w: Any, s: Any) -> None:
    """What the visits asked for will be made of: hours of work, the wait if the deal advances, and the answer."""
    n = whole(s.asked)
    rows, u, drawn = rows_asked(s), numbers(s, 0), numbers(s, 1)
    for i in range(n):
        here = asked(s)[nth(i)]
        deal, stage = deals(s)[nth(here.slot)], of.stages(w)[nth(here.stage)]
        work_u, wait_u, answer_u = visit_uniforms(s.seed, s.replication, s.phase, deal.key, here.visit)
        deal.wait_u, deal.answer_u = wait_u, answer_u
        u[nth(i)], u[nth(n + i)] = work_u, wait_u
        rows[nth(i)], rows[nth(n + i)] = stage.work, stage.wait
    variates(of.dists(w), of.table(w), rows, u, drawn, kinds(s), room(s), 2 * n)
    for i in range(n):
        deal = deals(s)[nth(asked(s)[nth(i)].slot)]
        deal.hours, deal.wait, deal.asked = drawn[nth(i)], drawn[nth(n + i)], 0
    s.asked = 0


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
def qualify(w: Any, s: Any, slot: int, found_by: int) -> None:
    """Who the customer is, and whose the deal is already: of who found it, or of the account's owner."""
    deal = deals(s)[nth(slot)]
    owner, segment, scores = NONE, NONE, (NAN, NAN, NAN)
    share = of.from_accounts(w)[nth(deal.source)]
    known_u = which_u = deal.rep_u = 0.5
    if share > 0.0 or of.rule(w)[nth(deal.source)] == BY_SHARE:  # else none of them is read
        _, known_u, which_u, deal.rep_u = lead_draws(s.seed, s.replication, s.phase, deal.key)
    if share > 0.0 and known_u < share:
        here = of.accounts_in(w, deal.region)
        if len(here) > 0:
            account = of.accounts(w)[nth(here[int(which_u * len(here))])]
            owner, segment = account.owner, account.segment
            scores = (account.money, account.authority, account.need)
    know(w, s, slot, scores, segment)
    deal.owner = found_by if found_by >= 0 else owner
    deal.found = 1 if found_by >= 0 else 0


@inlined
def qualify_open(w: Any, s: Any, slot: int, known: Any) -> None:
    """The same for a deal that is open already: what is known of it stands, the rest is drawn."""
    deal = deals(s)[nth(slot)]
    _, _, _, deal.rep_u = lead_draws(s.seed, s.replication, s.phase, known.key)
    know(w, s, slot, (known.money, known.authority, known.need), known.segment)
    deal.owner = known.owner
    deal.found = 1 if known.owner >= 0 else 0


@jitted
def new_lead(w: Any, s: Any, key: int, number: int) -> int:
    """A lead of a cell with all that is drawn of it, before it comes; NONE (and the state is full) without room."""
    slot = take_deal(s, key)
    if slot == NONE:
        return NONE
    deal, cell = deals(s)[nth(slot)], of.cells(w)[nth(number)]
    deal.source, deal.product, deal.region, deal.stage = cell.source, cell.product, cell.region, cell.enters
    if w.levers > 0:
        deal.lever = cell.lever
    qualify(w, s, slot, cell.rep)
    ask_for_draws(w, s, slot, cell.enters, 0)
    return slot
