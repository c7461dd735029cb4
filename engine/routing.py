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
    """Who may take what, and by which rule. A *place* is (staff, product, region, segment), numbered in that order.

    `takers[start[place]:start[place + 1]]` are the reps of the staff who may take a deal of the place, sorted;
    `reached[row]` has the cumulated shares of the same reps under a row of shares. `may[p, g, s]` says of every rep,
    there or not, whether they may.
    """

    rule: NDArray[np.int64]  # [sources]
    row: NDArray[np.int64]  # [sources] -> row of shares
    shares: NDArray[np.float64]  # [rows, products, regions, reps], not normalised
    may: NDArray[np.bool_]  # [products, regions, segments, reps]
    start: NDArray[np.int64]  # [places + 1]
    takers: NDArray[np.int64]
    reached: NDArray[np.float64]  # [rows, takers]

    def at(self, staff: int, source: int, product: int, region: int, segment: int) -> tuple[NDArray[np.int64], Vector]:
        """Those who may take a deal of a source and place, and their cumulated shares."""
        products, regions, segments, _ = self.may.shape
        place = ((staff * products + product) * regions + region) * segments + segment
        here = slice(self.start[place], self.start[place + 1])
        return self.takers[here], self.reached[self.row[source], here]


@compiled(I8(I8[::1], F8[::1], F8), inline=True)
def by_share(takers: NDArray[np.int64], reached: Vector, u: float) -> int:
    """The rep that u falls to, by share among those who may; evenly where none of them has a share."""
    count = len(takers)
    if count == 0:
        return NOBODY
    k = int(u * count)  # the place of even shares, from which the true one is never far
    while k > 0 and u < reached[k - 1]:
        k -= 1
    while u >= reached[k]:
        k += 1
    return takers[k]


@compiled(I8(I8[::1], I8[::1]), inline=True)
def least_loaded(takers: NDArray[np.int64], open_deals: NDArray[np.int64]) -> int:
    """The rep with the fewest open deals among those who may; ties go to the first by name."""
    best = NOBODY
    fewest = 0
    for r in takers:
        if best == NOBODY or open_deals[r] < fewest:
            best, fewest = r, open_deals[r]
    return best


@compiled(I8(I8[::1], I8), inline=True)
def next_in_turn(takers: NDArray[np.int64], last: int) -> int:
    """The next rep after `last`, by name and around, among those who may."""
    for r in takers:
        if r > last:
            return r
    return takers[0] if len(takers) else NOBODY


@compiled(I8(I8, I8, numba.boolean[::1], I8[::1], F8[::1], I8[::1], I8, F8), inline=True)
def route(
    rule: int,
    owner: int,
    may: NDArray[np.bool_],
    takers: NDArray[np.int64],
    reached: Vector,
    open_deals: NDArray[np.int64],
    last: int,
    u: float,
) -> int:
    """The rep who gets a lead; NOBODY where none may take it. `last` is who had the previous turn of this place."""
    if owner >= 0 and may[owner]:
        return owner
    if rule == BY_SHARE:
        return by_share(takers, reached, u)
    if rule == ROUND_ROBIN:
        return next_in_turn(takers, last)
    return least_loaded(takers, open_deals)


def cumulated(shares: Sequence[float]) -> list[float]:
    """What each taker's share reaches, of one; evenly where there is none. The last with a share reaches all."""
    total = 0.0
    for share in shares:
        total += share
    steps = [share / total if total > 0.0 else 1.0 / len(shares) for share in shares]
    last = max((k for k, step in enumerate(steps) if step > 0.0), default=0)
    reached, up_to = 0.0, []
    for k, step in enumerate(steps):
        reached += step
        up_to.append(reached if k < last else 2.0)
    return up_to


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
    plan: Plan,
    names: Mapping[str, Sequence[str]],
    territory: Territories,
    may_take: NDArray[np.bool_],
    there: NDArray[np.bool_],
) -> Routes:
    """The plan's routing by source. `may_take` is [reps, products, regions, segments], `there` [staffs, reps]."""
    rows = [_shares(plan.routing, names, territory)]
    rule, row = [], []
    for name in names["sources"]:
        own = plan.sources[name].routing if name in plan.sources else None
        rule.append(RULES[(own or plan.routing).rule])
        if own is not None:
            rows.append(_shares(own, names, territory))
        row.append(len(rows) - 1 if own is not None else 0)
    may = np.ascontiguousarray(np.moveaxis(may_take, 0, -1))
    table = np.stack(rows)
    places = may.reshape(-1, may.shape[-1])
    by_place = np.repeat(table.reshape(len(rows), -1, may.shape[-1]), may.shape[2], axis=1)
    takers = [np.flatnonzero(able & staff) for staff in there for able in places]
    start = np.cumsum([0, *(len(reps) for reps in takers)])
    reached = np.empty((len(rows), int(start[-1])))
    known: dict[bytes, list[float]] = {}  # the same people mostly share many places alike
    for row_of, shares in enumerate(by_place):
        for place, reps in enumerate(takers):
            own = shares[place % len(places), reps]
            among = own.tobytes()
            if among not in known:
                known[among] = cumulated(own.tolist())
            reached[row_of, start[place] : start[place + 1]] = known[among]
    every = np.concatenate([*takers, np.zeros(0, dtype=np.int64)]).astype(np.int64)
    return Routes(np.array(rule), np.array(row), table, may, start.astype(np.int64), every, reached)
