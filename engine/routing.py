"""Which rep gets a lead: the owner of a known account first, then the plan's rule, over those who may take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from engine.business import F8, I8, Vector
from engine.compiled import compiled
from engine.plan.types import Plan, Routing
from engine.territory import Territories

LEAST_LOADED, ROUND_ROBIN, BY_SHARE = 0, 1, 2
RULES = {"least_loaded": LEAST_LOADED, "round_robin": ROUND_ROBIN, "share": BY_SHARE}
NOBODY = -1


@dataclass(frozen=True, eq=False)
class Routes:
    """`may[p, g, s]` is the row of reps who may take (product, region, segment); shares are by source's row."""

    rule: NDArray[np.int64]  # [sources]
    row: NDArray[np.int64]  # [sources] -> row of shares
    shares: NDArray[np.float64]  # [rows, products, regions, reps], not normalised
    may: NDArray[np.bool_]  # [products, regions, segments, reps]


@compiled(I8(F8[::1], numba.boolean[::1], F8), inline=True)
def by_share(shares: Vector, may: NDArray[np.bool_], u: float) -> int:
    """The rep that u falls to, by share among those who may; evenly where none of them has a share."""
    total = 0.0
    able = 0
    for r in range(len(may)):
        if may[r]:
            total += shares[r]
            able += 1
    if able == 0:
        return NOBODY
    reached = 0.0
    last = NOBODY
    for r in range(len(may)):
        if may[r]:
            step = shares[r] / total if total > 0.0 else 1.0 / able
            if step > 0.0:
                last = r
                reached += step
                if u < reached:
                    return r
    return last


@compiled(I8(I8[::1], numba.boolean[::1]), inline=True)
def least_loaded(open_deals: NDArray[np.int64], may: NDArray[np.bool_]) -> int:
    """The rep with the fewest open deals among those who may; ties go to the first by name."""
    best = NOBODY
    for r in range(len(may)):
        if may[r] and (best == NOBODY or open_deals[r] < open_deals[best]):
            best = r
    return best


@compiled(I8(I8, numba.boolean[::1]), inline=True)
def next_in_turn(last: int, may: NDArray[np.bool_]) -> int:
    """The next rep after `last`, by name and around, among those who may."""
    for step in range(1, len(may) + 1):
        r = (last + step) % len(may)
        if may[r]:
            return r
    return NOBODY


@compiled(I8(I8, I8, F8[::1], numba.boolean[::1], I8[::1], I8, F8), inline=True)
def route(
    rule: int, owner: int, shares: Vector, may: NDArray[np.bool_], open_deals: NDArray[np.int64], last: int, u: float
) -> int:
    """The rep who gets a lead; NOBODY where none may take it. `last` is who had the previous turn of this cell."""
    if owner >= 0 and may[owner]:
        return owner
    if rule == BY_SHARE:
        return by_share(shares, may, u)
    if rule == ROUND_ROBIN:
        return next_in_turn(last, may)
    return least_loaded(open_deals, may)


def _shares(routing: Routing, names: Mapping[str, Sequence[str]], territory: Territories) -> NDArray[np.float64]:
    """[products, regions, reps]: shares by cell where given, else by rep, else none."""
    reps, products = list(names["reps"]), list(names["products"])
    everywhere = np.array([routing.share.reps.get(name, 0.0) for name in reps])
    table = np.broadcast_to(everywhere, (len(products), len(territory.names), len(reps))).copy()
    for region, by_product in routing.share.cells.items():
        for product, by_rep in by_product.items():
            g, p = territory.names.index(region), products.index(product)
            table[p, g] = [by_rep.get(name, 0.0) for name in reps]
    return table


def routes_of(
    plan: Plan, names: Mapping[str, Sequence[str]], territory: Territories, may_take: NDArray[np.bool_]
) -> Routes:
    """The plan's routing by source. `may_take` is [reps, products, regions, segments]."""
    rows = [_shares(plan.routing, names, territory)]
    rule, row = [], []
    for name in names["sources"]:
        own = plan.sources[name].routing if name in plan.sources else None
        rule.append(RULES[(own or plan.routing).rule])
        if own is not None:
            rows.append(_shares(own, names, territory))
        row.append(len(rows) - 1 if own is not None else 0)
    may = np.ascontiguousarray(np.moveaxis(may_take, 0, -1))
    return Routes(np.array(rule), np.array(row), np.stack(rows), may)
