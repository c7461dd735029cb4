"""Where the twin's leads come from: a feed for each layer of a cell that thinning opens, and the exact lists.

A feed holds its next candidate, drawn; when one of its leads arrives, the next goes on the agenda. So memory holds no
more than a lead a feed, however many come. Lists are planned whole: their prospects are there from the start.
"""

from __future__ import annotations

from typing import Any

from engine.arrivals import candidate, candidate_uniforms, comes, highest, layer_top, listed_time, place
from engine.business import month_from
from engine.compiled import inlined, jitted
from engine.draws import LEAD, PROSPECT, mix
from engine.lanes import logs
from engine.twin.agenda import ARRIVAL, STAFF, plan_event
from engine.twin.deals import new_lead
from engine.twin.records import (
    FEEDS_FULL,
    MOST_CANDIDATES,
    NONE,
    cells,
    changes,
    deals,
    feeds,
    known_deals,
    month_ends,
    nth,
    numbers,
    rates,
    whole,
)

CANDIDATES_A_BLOCK = 12.0  # the more a feed has, the more are drawn at once: those beyond the horizon are for nothing


@inlined
def draw_candidates(w: Any, s: Any, feed: Any, first: int, count: int) -> None:
    """What decides so many of the feed's candidates: logarithms of gaps, and uniforms of heights."""
    cell = cells(w)[nth(feed.cell)]
    purpose = PROSPECT if cell.rep >= 0 else LEAD
    gaps, heights = numbers(s, 2), numbers(s, 4)
    for i in range(count):
        gaps[nth(i)], heights[nth(i)] = candidate_uniforms(
            s.seed, s.replication, s.phase, purpose, cell.key, feed.layer, first + i
        )
    logs(gaps, numbers(s, 3), count)


@inlined
def take_candidate(s: Any, feed: Any, i: int) -> None:
    """The feed's candidate after the one that it holds: number i of those drawn last."""
    feed.time, feed.height = candidate(
        feed.time, numbers(s, 3)[nth(i)], numbers(s, 4)[nth(i)], feed.low, feed.thickness
    )


@jitted
def plan_next(w: Any, s: Any, what: int) -> None:
    """Plan the feed's next leads, and with the last any other of the same instant, so that their keys decide.

    When the last of them comes, it is time for more.
    """
    feed = feeds(s)[nth(what)]
    cell, heights = cells(w)[nth(feed.cell)], rates(w, s, feed.cell)
    key, since, until = cell.key, cell.since, cell.until
    latest, at = NONE, 0.0
    while feed.time <= until and (latest == NONE or feed.time == at):
        draw_candidates(w, s, feed, feed.number + 1, feed.block)
        for i in range(feed.block):
            if feed.time > until:
                break
            feed.month = month_from(month_ends(w), feed.time, feed.month)
            if comes(feed.time, feed.height, since, heights[nth(feed.month)]):
                lead = mix(key, place(feed.layer, feed.number))
                latest, at = new_lead(w, s, lead, whole(feed.cell)), feed.time
                if latest == NONE:
                    return
                plan_event(w, s, at, ARRIVAL, lead, 0, latest)
            feed.number += 1
            take_candidate(s, feed, i)
    if latest != NONE:
        deals(s)[nth(latest)].feed = what


@inlined
def take_feed(s: Any, cell: int) -> int:
    """A feed for a cell; NONE (and the state is full) where there is no room."""
    if s.feeds == s.feed_room:
        s.full |= FEEDS_FULL
        return NONE
    what = s.feeds
    s.feeds = what + 1
    feed = feeds(s)[nth(what)]
    feed.cell = cell
    feed.layer = NONE
    return what


@jitted
def open_layers(w: Any, s: Any, number: int) -> None:
    """A cell's feeds: layers are opened until its intensity is covered."""
    top = highest(rates(w, s, number))
    layer = 0
    low = 0.0
    while low < top:
        what = take_feed(s, number)
        if what == NONE:
            return
        feed = feeds(s)[nth(what)]
        high = layer_top(layer)
        feed.layer, feed.number, feed.low, feed.thickness, feed.time = layer, 0, low, high - low, 0.0
        feed.month = 0
        feed.block = max(1, min(MOST_CANDIDATES, int(feed.thickness * (w.end - w.start) / CANDIDATES_A_BLOCK)))
        draw_candidates(w, s, feed, 0, 1)
        take_candidate(s, feed, 0)
        plan_next(w, s, what)
        low = high
        layer += 1


@jitted
def open_list(w: Any, s: Any, number: int) -> None:
    """An exact list: all its prospects that are still to come."""
    cell = cells(w)[nth(number)]
    for i in range(cell.prospects):
        time = listed_time(s.seed, s.replication, s.phase, cell.key, i, cell.prospects, cell.spread, w.end)
        if time > w.start or w.start == 0.0:
            plan_event(w, s, time, ARRIVAL, mix(cell.key, i), 0, of_list_in(w, number))


@jitted
def open_feeds(w: Any, s: Any) -> None:
    """Plan the first leads of every cell, the deals that are open on the first day, and changes of staff."""
    for number in range(w.cells):
        if cells(w)[nth(number)].prospects >= 0:
            open_list(w, s, number)
        else:
            open_layers(w, s, number)
    for i in range(w.open_deals):
        plan_event(w, s, w.start, ARRIVAL, known_deals(w)[nth(i)].key, 0, open_deal_of(i))
    for i in range(w.changes):
        plan_event(w, s, changes(w)[nth(i)], STAFF, 0, i + 1, i + 1)


# --- what an arrival's `what` is: a lead's place among the deals; below 0, an open deal; then, a cell's list --------


@inlined
def open_deal_of(i: int) -> int:
    """The code of an open deal, and the open deal of a code."""
    return -1 - i


@inlined
def of_list_in(w: Any, cell: int) -> int:
    """The code of a cell whose leads are an exact list."""
    return -1 - int(w.open_deals) - cell


@inlined
def of_list(w: Any, what: int) -> bool:
    """Whether a code is that of an exact list."""
    return bool(what < -int(w.open_deals))


@inlined
def cell_of_list(w: Any, what: int) -> int:
    """The cell of a code."""
    return of_list_in(w, what)
