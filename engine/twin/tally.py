"""What the twin counts: flow, rep totals, goal legs and the cells; the event log where one is kept.

A *ledger* is a rep, product, region and segment with a row of sums for each month. A deal finds its ledger once, by
open addressing, as the SimPy model's `Tally` does with a dictionary.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.compiled import inlined, jitted
from engine.goals import MEASURES
from engine.outcomes import BOOKED, WON
from engine.twin.records import (
    LEDGERS_FULL,
    LOG_FULL,
    NONE,
    attributed,
    deals,
    flow,
    happened,
    ledgers,
    leg_may,
    leg_sums,
    legs,
    legs_of,
    log,
    nth,
    reps,
    slots,
    sums,
    used,
)

COUNTED = len(MEASURES)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing: the golden ratio times 2^64
_UPPER = np.uint64(32)


@jitted
def ledger_of(w: Any, s: Any, rep: int, product: int, region: int, segment: int) -> int:
    """The ledger of a rep, product, region and segment, opened on first use; NONE (and the state is full) without."""
    code = ((rep * w.products + product) * w.regions + region) * w.segments + segment
    table, known = slots(s), ledgers(s)
    mask = s.slots - 1
    place = int((np.uint64(code) * _SPREAD) >> _UPPER) & mask
    while table[nth(place)] != NONE:
        found = table[nth(place)]
        if known[nth(found)].code == code:
            return int(found)
        place = (place + 1) & mask
    found = s.ledgers
    if found == s.ledger_room:
        s.full |= LEDGERS_FULL
        return NONE
    s.ledgers = found + 1
    table[nth(place)] = found
    ledger = known[nth(found)]
    ledger.code, ledger.rep, ledger.product, ledger.region, ledger.segment = code, rep, product, region, segment
    for row in range(found * w.months, (found + 1) * w.months):
        used(w, s)[nth(row)] = False
        for measure in range(w.measures):
            sums(w, s, row)[nth(measure)] = 0.0
    return found


@inlined
def counts(w: Any, leg: int, product: int, region: int, segment: int, source: int) -> bool:
    """Whether a leg counts deals of this product, region, segment and source."""
    here = leg_may(w, leg)
    if not here[product]:
        return False
    first = w.products
    if not here[first + region]:
        return False
    first += w.regions
    if not here[first + segment]:
        return False
    return bool(here[first + w.segments + source])


@inlined
def add(w: Any, s: Any, slot: int, measure: int, amount: float) -> None:
    """Add to a measure where the deal stands, now; legs whose window holds this instant get it too."""
    deal = deals(s)[nth(slot)]
    time = s.now
    row = deal.row + s.month
    sums(w, s, row)[nth(measure)] += amount
    used(w, s)[nth(row)] = True
    if measure < COUNTED:
        reps(w, s)[nth(deal.rep), nth(measure)] += amount
    for leg in legs_of(w, measure, deal.rep):
        window = legs(w)[nth(leg)]
        in_time = time <= window.until and (time > window.since or window.since == 0.0)
        if in_time and counts(w, leg, deal.product, deal.region, deal.segment, deal.source):
            leg_sums(w, s)[nth(leg)] += amount
            if deal.lever >= 0:
                attributed(w, s)[deal.lever, leg] += amount


@jitted
def add_actual(w: Any, s: Any, ledger: int, measure: int, amount: float, record: Any) -> None:
    """Add what has happened: its month and its legs go by its date, which need not be a working day."""
    row = ledger * w.months + record.month
    sums(w, s, row)[nth(measure)] += amount
    used(w, s)[nth(row)] = True
    reps(w, s)[record.rep, measure] += amount
    for leg in legs_of(w, measure, record.rep):
        window = legs(w)[nth(leg)]
        in_time = window.first_day <= record.day <= window.last_day
        if in_time and counts(w, leg, record.product, record.region, record.segment, w.sources - 1):
            leg_sums(w, s)[nth(leg)] += amount


@jitted
def book_what_happened(w: Any, s: Any) -> None:
    """Bookings between the horizon's start and as_of count as they are."""
    for i in range(w.happened):
        record = happened(w)[nth(i)]
        ledger = ledger_of(w, s, record.rep, record.product, record.region, record.segment)
        if ledger != NONE:
            add_actual(w, s, ledger, WON, record.deals_won, record)
            add_actual(w, s, ledger, BOOKED, record.bookings, record)


@inlined
def count_flow(w: Any, s: Any, slot: int, column: int) -> None:
    """Count a passage through a stage: entered, advanced, lost, stale."""
    deal = deals(s)[nth(slot)]
    flow(w, s, deal.flow + deal.stage * w.months + s.month)[nth(column)] += 1.0


@inlined
def note(s: Any, kind: int, slot: int, amount: float) -> None:
    """A row of the event log, where one is kept."""
    if s.keeps_log == 0:
        return
    if s.logged == s.log_room:
        s.full |= LOG_FULL
        return
    deal, row = deals(s)[nth(slot)], log(s)[nth(s.logged)]
    s.logged += 1
    row.time = s.now
    row.kind = kind
    row.deal = deal.key
    row.visit = deal.visit
    row.stage = deal.stage
    row.rep = deal.rep
    row.amount = amount
