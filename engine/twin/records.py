"""The twin's memory: records of a fixed layout, and the views by which compiled functions reach them.

A compiled function takes two records, the world `w` (what does not change) and the state `s` (what does), each by its
address. An array is an address and a length in one of them; `stages(w)`, `deals(s)` and so on give it as an array. So
a function's arguments are two pointers, whatever the plan: passing arrays themselves, seven words each, made compiling
take minutes and running slow. Whoever fills an address keeps its array alive (`flatten.FlatWorld`, `twin.Twin`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.compiled import inlined
from engine.distributions import DISTRIBUTION
from engine.lanes import KINDS
from engine.outcomes import EVENT, FLOW_COLUMNS, REP_COLUMNS
from engine.twin.addresses import nth as nth
from engine.twin.addresses import pointer
from engine.twin.addresses import whole as whole

import numba  # isort: skip
from numba import carray  # isort: skip

NONE = -1
CLASSES = 4
MOST_ASKED = 32  # visits that are drawn at once
MOST_CANDIDATES = 16  # of a feed's leads that are
LANES, NUMBERS = 2 * MOST_ASKED, 7  # room for drawing at once
MOST_SORTED = 64  # events of a bucket that are ranked by comparing each with each; a multiple of 16
FLOWS = len(FLOW_COLUMNS)
TOTALS = len(REP_COLUMNS)
# Bits of `full`: of what there was too little, in the order of `twin.Room`.
FEEDS_FULL, NODES_FULL, DEALS_FULL, LEDGERS_FULL, LOG_FULL = 1, 2, 4, 8, 16


def _layout(**fields: str) -> np.dtype[np.void]:
    """A record of the named fields: several names to a type, so that a layout reads as a list."""
    named = [(name, code) for code, names in fields.items() for name in names.split()]
    return np.dtype(named, align=True)


# --- what does not change between replications ----------------------------------------------------------------------

STAGE = _layout(i8="work wait wait_lost stale_calendar first_activity last_activity", f8="stale")
ACTIVITY = _layout(i8="measure", f8="count")
CELL = _layout(u8="key", i8="source region product rep enters prospects spread lever", f8="since until")
OPEN_DEAL = _layout(
    u8="key", i8="stage owner product region segment source began", f8="age_hours age_days value money authority need"
)
ACCOUNT = _layout(i8="owner segment", f8="money authority need")
HAPPENED = _layout(i8="day month rep product region segment", f8="bookings deals_won")
LEG = _layout(i8="first_day last_day", f8="since until")

WORLD = _layout(
    f8="start end minor strong_from",
    i8="""won stages reps products regions segments sources months measures desks lines shared legs levers accounts
    classes class_priority draws_segment multiplied ends_are_seen work_is_seen anybody_leaves places staffs changes
    money authority need activities open_deals happened cells days rows values
    past spans takers at_month_ends at_hours at_dists at_table at_stages at_of_rep at_of_product at_of_segment
    at_of_source at_pace_rep at_pace_product at_pace_source
    at_of_class at_activities at_desk_of at_desk_speed at_first_line at_line_of at_weights
    at_rule at_share_row at_may at_taker_start at_takers at_reached
    at_segment_shares at_segment_value
    at_deal_values at_from_accounts at_accounts at_account_start at_account_items at_cells at_open_deals at_happened
    at_legs at_leg_start at_leg_items at_leg_may at_lever_of_route at_changes at_there at_leaves""",
)

# --- what changes ---------------------------------------------------------------------------------------------------

DEAL = _layout(
    u8="key",
    f8="entered stale_at hours wait wait_u answer_u rep_u",
    u4="product region source segment desk row flow",  # unsigned: never negative, so that an index needs no look
    i4="rep owner lever origin feed next before visit",
    u2="stage line",
    u1="klass priority",
    i1="outcome queued by_share found asked",
)
NODE = _layout(f8="time", u8="entity", i4="rank visit what next")
FEED = _layout(f8="time height low thickness", i8="cell layer number block", u4="month")
ASKED = _layout(i8="slot stage visit")
DESK = _layout(f8="until clock", i8="waiting", i4="planned handing")
LEDGER = _layout(i8="code", i4="rep product region segment")

STATE = _layout(
    u8="seed replication phase",
    f8="now per_hour",
    u4="month",
    i8="""full staff
    feeds feed_room nodes node_room free_node buckets bucket agenda_first agenda_end heaped hand_overs
    deals deal_room free_deal asked ledgers ledger_room slots logged log_room keeps_log
    at_advance at_economy at_month_odds at_month_pace at_rates at_feeds at_nodes at_buckets at_agenda
    at_opened_times at_opened_nodes at_asked at_numbers at_lanes at_hand_overs at_desks at_queues at_served at_deals
    at_open_deals at_last_turn at_ledgers at_slots at_cells at_used at_flow at_reps at_legs at_attributed at_log""",
)

WORLD_RECORD = numba.from_dtype(WORLD)
STATE_RECORD = numba.from_dtype(STATE)


# --- views of the world ---------------------------------------------------------------------------------------------


@inlined
def month_ends(w: Any) -> Any:
    """[months] hours."""
    return carray(pointer(w.at_month_ends), (w.months,), np.float64)


@inlined
def hours_at(w: Any) -> Any:
    """[days] hours at each day's start."""
    return carray(pointer(w.at_hours), (w.days,), np.float64)


@inlined
def dists(w: Any) -> Any:
    """[rows] of the table of distributions."""
    return carray(pointer(w.at_dists), (w.rows,), DISTRIBUTION)


@inlined
def table(w: Any) -> Any:
    """[values] that rows of the table point into."""
    return carray(pointer(w.at_table), (w.values,), np.float64)


@inlined
def stages(w: Any) -> Any:
    """[stages] STAGE."""
    return carray(pointer(w.at_stages), (w.stages,), STAGE)


@inlined
def multipliers(w: Any, at: int, names: int) -> Any:
    """[stages, names] what reps, products and so on, whose table is at an address, multiply odds or waits by."""
    return carray(pointer(at), (w.stages, names), np.float64)


@inlined
def activities(w: Any) -> Any:
    """[activities of all stages] ACTIVITY."""
    return carray(pointer(w.at_activities), (w.activities,), ACTIVITY)


@inlined
def desk_of(w: Any) -> Any:
    """[reps, products] -> desk."""
    return carray(pointer(w.at_desk_of), (w.reps, w.products), np.int64)


@inlined
def desk_speed(w: Any) -> Any:
    """[desks, months] hours of work done in a working hour."""
    return carray(pointer(w.at_desk_speed), (w.desks, w.months), np.float64)


@inlined
def changes(w: Any) -> Any:
    """[changes of staff] hours."""
    return carray(pointer(w.at_changes), (w.changes,), np.float64)


@inlined
def there(w: Any, s: Any) -> Any:
    """[reps] who is there now."""
    return carray(pointer(w.at_there + w.reps * s.staff), (w.reps,), np.bool_)


@inlined
def leaves(w: Any) -> Any:
    """[reps] hours after which a rep is not there any more."""
    return carray(pointer(w.at_leaves), (w.reps,), np.float64)


@inlined
def rule(w: Any) -> Any:
    """[sources] the routing's rule."""
    return carray(pointer(w.at_rule), (w.sources,), np.int64)


@inlined
def share_row(w: Any) -> Any:
    """[sources] -> row of shares."""
    return carray(pointer(w.at_share_row), (w.sources,), np.int64)


@inlined
def may(w: Any, place: int) -> Any:
    """[reps] who may take a deal of a product, region and segment."""
    return carray(pointer(w.at_may + place * w.reps), (w.reps,), np.bool_)


@inlined
def takers(w: Any, place: int) -> Any:
    """[those who may take a deal of a staff's place] reps."""
    start = carray(pointer(w.at_taker_start), (1,), np.int64)
    return carray(pointer(w.at_takers + 8 * start[place]), (start[place + 1] - start[place],), np.int64)


@inlined
def reached(w: Any, row: int, place: int) -> Any:
    """[those who may take a deal of a staff's place] their cumulated shares under a row of shares."""
    start = carray(pointer(w.at_taker_start), (1,), np.int64)
    first = w.at_reached + 8 * (row * w.takers + start[place])
    return carray(pointer(first), (start[place + 1] - start[place],), np.float64)


@inlined
def segment_shares(w: Any) -> Any:
    """[segments] cumulated."""
    return carray(pointer(w.at_segment_shares), (w.segments,), np.float64)


@inlined
def segment_value(w: Any) -> Any:
    """[segments] multipliers of values."""
    return carray(pointer(w.at_segment_value), (w.segments,), np.float64)


@inlined
def deal_values(w: Any) -> Any:
    """[products] -> row of the table of distributions."""
    return carray(pointer(w.at_deal_values), (w.products,), np.int64)


@inlined
def from_accounts(w: Any) -> Any:
    """[sources] share of leads that come from known accounts."""
    return carray(pointer(w.at_from_accounts), (w.sources,), np.float64)


@inlined
def accounts(w: Any) -> Any:
    """[accounts] ACCOUNT."""
    return carray(pointer(w.at_accounts), (w.accounts,), ACCOUNT)


@inlined
def accounts_in(w: Any, region: int) -> Any:
    """[accounts that leads of the region may come from] -> account."""
    start = carray(pointer(w.at_account_start), (w.regions + 1,), np.int64)
    return carray(pointer(w.at_account_items + 8 * start[region]), (start[region + 1] - start[region],), np.int64)


@inlined
def cells(w: Any) -> Any:
    """[cells] CELL: the streams of leads."""
    return carray(pointer(w.at_cells), (w.cells,), CELL)


@inlined
def known_deals(w: Any) -> Any:
    """[open deals] OPEN_DEAL: open on the first day."""
    return carray(pointer(w.at_open_deals), (w.open_deals,), OPEN_DEAL)


@inlined
def happened(w: Any) -> Any:
    """[records] HAPPENED."""
    return carray(pointer(w.at_happened), (w.happened,), HAPPENED)


@inlined
def legs(w: Any) -> Any:
    """[legs] LEG."""
    return carray(pointer(w.at_legs), (w.legs,), LEG)


@inlined
def legs_of(w: Any, measure: int, rep: int) -> Any:
    """[legs that count this measure of this rep] -> leg."""
    start = carray(pointer(w.at_leg_start), (w.measures * w.reps + 1,), np.int64)
    place = measure * w.reps + rep
    return carray(pointer(w.at_leg_items + 8 * start[place]), (start[place + 1] - start[place],), np.int64)


@inlined
def leg_may(w: Any, leg: int) -> Any:
    """[products, regions, segments, sources, one after the other] which of them the leg counts."""
    names = w.products + w.regions + w.segments + w.sources
    return carray(pointer(w.at_leg_may + leg * names), (names,), np.bool_)


@inlined
def lever_of_route(w: Any) -> Any:
    """[products, regions, reps] -> lever."""
    return carray(pointer(w.at_lever_of_route), (w.products, w.regions, w.reps), np.int64)


# --- views of the state ---------------------------------------------------------------------------------------------


@inlined
def advance(w: Any, s: Any) -> Any:
    """[stages] this replication's probabilities of advancing."""
    return carray(pointer(s.at_advance), (w.stages,), np.float64)


@inlined
def economy(w: Any, s: Any) -> Any:
    """[regions, months] this replication's factors of the odds."""
    return carray(pointer(s.at_economy), (w.regions, w.months), np.float64)


@inlined
def month_odds(w: Any, s: Any) -> Any:
    """[stages, months, those before the horizon first] this replication's factors of the odds."""
    return carray(pointer(s.at_month_odds), (w.stages, w.spans), np.float64)


@inlined
def month_pace(w: Any, s: Any) -> Any:
    """[stages, months, those before the horizon first] this replication's factors of the waits."""
    return carray(pointer(s.at_month_pace), (w.stages, w.spans), np.float64)


@inlined
def rates(w: Any, s: Any, cell: int) -> Any:
    """[months] this replication's leads per working hour of a cell."""
    return carray(pointer(s.at_rates + 8 * w.months * cell), (w.months,), np.float64)


@inlined
def feeds(s: Any) -> Any:
    """[feeds] FEED."""
    return carray(pointer(s.at_feeds), (s.feed_room,), FEED)


@inlined
def nodes(s: Any) -> Any:
    """[nodes] NODE: the agenda's events."""
    return carray(pointer(s.at_nodes), (s.node_room,), NODE)


@inlined
def buckets(s: Any) -> Any:
    """[buckets] -> the first node of each, or NONE."""
    return carray(pointer(s.at_buckets), (s.buckets,), np.int32)


@inlined
def agenda(s: Any) -> Any:
    """[nodes] the present bucket's nodes: in order from `agenda_first` to `agenda_end`, or a heap."""
    return carray(pointer(s.at_agenda), (s.node_room,), np.int32)


@inlined
def asked(s: Any) -> Any:
    """[MOST_ASKED] ASKED: visits that are to be drawn."""
    return carray(pointer(s.at_asked), (MOST_ASKED,), ASKED)


@inlined
def numbers(s: Any, row: int) -> Any:
    """[LANES] room for float64 while many are drawn at once; there are NUMBERS rows."""
    return carray(pointer(s.at_numbers + 8 * LANES * row), (LANES,), np.float64)


@inlined
def room(s: Any) -> Any:
    """[2, LANES] the last rows of `numbers`."""
    return carray(pointer(s.at_numbers + 8 * LANES * (NUMBERS - 2)), (2, LANES), np.float64)


@inlined
def rows_asked(s: Any) -> Any:
    """[LANES] -> row of the table of distributions."""
    return carray(pointer(s.at_lanes), (LANES,), np.int64)


@inlined
def kinds(s: Any) -> Any:
    """[KINDS + 2, LANES] which of what is drawn is of which kind."""
    return carray(pointer(s.at_lanes + 8 * LANES), (KINDS + 2, LANES), np.int64)


@inlined
def opened_times(s: Any) -> Any:
    """[MOST_SORTED] times of the bucket's events as it is opened."""
    return carray(pointer(s.at_opened_times), (MOST_SORTED,), np.float64)


@inlined
def opened_nodes(s: Any) -> Any:
    """[MOST_SORTED] their nodes."""
    return carray(pointer(s.at_opened_nodes), (MOST_SORTED,), np.int32)


@inlined
def hand_overs(w: Any, s: Any) -> Any:
    """[desks] desks to be handed over at this instant, the last one first."""
    return carray(pointer(s.at_hand_overs), (w.desks,), np.int32)


@inlined
def desks(w: Any, s: Any) -> Any:
    """[desks] DESK."""
    return carray(pointer(s.at_desks), (w.desks,), DESK)


@inlined
def queues(w: Any, s: Any) -> Any:
    """[lines, classes, first and last] deals that wait."""
    return carray(pointer(s.at_queues), (w.lines, CLASSES, 2), np.int32)


@inlined
def deals(s: Any) -> Any:
    """[deals] DEAL."""
    return carray(pointer(s.at_deals), (s.deal_room,), DEAL)


@inlined
def open_deals(w: Any, s: Any) -> Any:
    """[reps] how many open deals each has."""
    return carray(pointer(s.at_open_deals), (w.reps,), np.int64)


@inlined
def last_turn(w: Any, s: Any) -> Any:
    """[products, regions, segments] whose turn it was last."""
    return carray(pointer(s.at_last_turn), (w.products, w.regions, w.segments), np.int64)


@inlined
def ledgers(s: Any) -> Any:
    """[ledgers] LEDGER."""
    return carray(pointer(s.at_ledgers), (s.ledger_room,), LEDGER)


@inlined
def slots(s: Any) -> Any:
    """[a power of two] -> ledger, or NONE: open addressing."""
    return carray(pointer(s.at_slots), (s.slots,), np.int32)


@inlined
def sums(w: Any, s: Any, row: int) -> Any:
    """[measures] what was counted in a month of a ledger; their rows follow each other."""
    return carray(pointer(s.at_cells + 8 * w.measures * row), (w.measures,), np.float64)


@inlined
def used(w: Any, s: Any) -> Any:
    """[ledgers x months] whether anything was counted, be it nought."""
    return carray(pointer(s.at_used), (s.ledger_room * w.months,), np.bool_)


@inlined
def flow(w: Any, s: Any, row: int) -> Any:
    """[FLOW_COLUMNS] of a rep, stage and month; their rows follow each other."""
    return carray(pointer(s.at_flow + 8 * FLOWS * row), (FLOWS,), np.float64)


@inlined
def reps(w: Any, s: Any) -> Any:
    """[reps, REP_COLUMNS]."""
    return carray(pointer(s.at_reps), (w.reps, TOTALS), np.float64)


@inlined
def leg_sums(w: Any, s: Any) -> Any:
    """[legs]."""
    return carray(pointer(s.at_legs), (w.legs,), np.float64)


@inlined
def attributed(w: Any, s: Any) -> Any:
    """[levers, legs]."""
    return carray(pointer(s.at_attributed), (w.levers, w.legs), np.float64)


@inlined
def log(s: Any) -> Any:
    """[rows] EVENT."""
    return carray(pointer(s.at_log), (s.log_room,), EVENT)
