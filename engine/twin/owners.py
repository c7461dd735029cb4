"""Whose a deal is in the twin: who is there and may take it, by the routing of its source.

Functions of the same names as those of `simpy_model.Model` do the same things.
"""

from __future__ import annotations

from typing import Any

from engine.compiled import inlined
from engine.routing import BY_SHARE, route
from engine.twin import records as of
from engine.twin.lines import take_line
from engine.twin.records import NONE, deals, nth, whole
from engine.twin.tally import ledger_of


@inlined
def assign(w: Any, s: Any, slot: int) -> None:
    """Give the deal to its rep: whose it is already, if they are there, else by the routing of its source."""
    deal = deals(s)[nth(slot)]
    owner = whole(deal.owner)
    if owner != NONE and not of.there(w, s)[nth(owner)]:
        owner = NONE
    if deal.found == 1 and owner != NONE:
        deal.rep = owner
    else:
        deal.rep = routed(w, s, slot, owner, deal.rep_u)
        how = of.rule(w)[nth(deal.source)]
        deal.by_share = 1 if how == BY_SHARE and deal.rep != owner else 0
    if deal.rep != NONE:
        take(w, s, slot)


@inlined
def routed(w: Any, s: Any, slot: int, owner: int, u: float) -> int:
    """Who gets the deal by the routing of its source. It is their turn."""
    deal = deals(s)[nth(slot)]
    p, g = deal.product, deal.region
    place = (p * w.regions + g) * w.segments + deal.segment
    here = s.staff * w.places + place
    reached = of.reached(w, of.share_row(w)[nth(deal.source)], here)
    turns = of.last_turn(w, s)[nth(p), nth(g)]
    rep = route(
        of.rule(w)[nth(deal.source)], owner, of.may(w, place), of.takers(w, here), reached, of.open_deals(w, s),
        turns[nth(deal.segment)], u,
    )  # fmt: skip
    if rep != owner:  # what an account's owner gets is nobody's turn
        turns[nth(deal.segment)] = rep
    return rep


@inlined
def take(w: Any, s: Any, slot: int) -> None:
    """The deal is its rep's from here on."""
    deal = deals(s)[nth(slot)]
    p, g = deal.product, deal.region
    deal.desk = of.desk_of(w)[nth(deal.rep), nth(p)]
    take_line(w, deal)
    deal.row = ledger_of(w, s, whole(deal.rep), whole(p), whole(g), whole(deal.segment)) * w.months
    deal.flow = deal.rep * w.stages * w.months
    if deal.stage <= w.won:
        of.open_deals(w, s)[nth(deal.rep)] += 1


@inlined
def attribute(w: Any, s: Any, slot: int) -> None:
    """Remember which lever brought the deal: its cell's, as it has it already, else its route's."""
    deal = deals(s)[nth(slot)]
    if deal.lever < 0 and deal.rep != NONE and deal.by_share == 1 and of.share_row(w)[nth(deal.source)] == 0:
        deal.lever = of.lever_of_route(w)[deal.product, deal.region, deal.rep]
