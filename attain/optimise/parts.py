"""Quotas beside the plan's own goals: the odds of each rep's cells, and what they come to by product and region.

Top-down, a plan may ask for so much of a product or a region; bottom-up, the reps' quotas come to what they come to
there. Both are shown, with what is expected. Odds are of fresh paths.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from attain.optimise.aims import hidden
from attain.optimise.phasing import Observed, booked_by
from attain.optimise.quota_records import QuotaCell, QuotaPart, QuotaParts, QuotaRow
from attain.results import Results
from engine.goals import BOOKINGS, MEASURES
from engine.territory import covered
from engine.world import World

Floats = NDArray[np.float64]
Part = tuple[str, str]  # region and product; "" is all of them
BOOKED = MEASURES.index(BOOKINGS)


def cells_of(
    world: World, cells: Sequence[Sequence[tuple[str, str, float]]], fresh: Observed
) -> tuple[tuple[QuotaCell, ...], ...]:
    """Each rep's cells (region, product, amount) with the odds of making them."""
    found = []
    for r, own in enumerate(cells):
        products = np.array([world.products.index(product) for _, product, _ in own], dtype=np.int64)
        regions = np.array([world.regions.index(region) for region, _, _ in own], dtype=np.int64)
        booked = booked_by(fresh, r, products, regions) if own else np.zeros((1, 0))
        quotas = np.array([amount for _, _, amount in own]) * world.minor
        odds = (booked >= quotas - 0.5).mean(axis=0).tolist()
        found.append(tuple(QuotaCell(*cell, chance) for cell, chance in zip(own, odds, strict=True)))
    return tuple(found)


def parts_of(world: World, rows: Sequence[QuotaRow], after: Results) -> QuotaParts:
    """What the reps' cells come to by part of the business, beside the goals of those parts."""
    quotas: dict[Part, float] = {}
    for row in rows:
        for cell in row.split:
            for part in (("", cell.product), (cell.region, ""), (cell.region, cell.product)):
                quotas[part] = round(quotas.get(part, 0.0) + cell.quota, 4)
    goals = _goals(world)
    single = {part: name for name, part in ((name, _single(world, name)) for name in goals) if part in quotas}

    def part_of(part: Part) -> QuotaPart:
        booked = _booked(world, after, part)
        goal = single.get(part, "")
        return QuotaPart(
            *part,
            quotas[part],
            _expected(world, after, part),
            None if booked is None else float((booked >= quotas[part] * world.minor - 0.5).mean()),
            goal,
            goals[goal] if goal else None,
        )

    def kind(part: Part) -> int:
        return 0 if not part[0] else 1 if not part[1] else 2

    made = [[part_of(part) for part in sorted(quotas) if kind(part) == k] for k in range(3)]
    rest = tuple(
        _of_goal(world, after, name, target, quotas) for name, target in goals.items() if name not in single.values()
    )
    return QuotaParts(tuple(made[0]), tuple(made[1]), tuple(made[2]), rest)


def _goals(world: World) -> dict[str, float]:
    """Goals of bookings over the whole horizon, of some products or regions: name to target in major units."""
    book, cal = world.goals, world.cal
    found = {}
    for name, goal, legs in zip(book.names, book.goals, book.legs_of, strict=True):
        where = goal.where
        whole = (goal.since or cal.start) <= cal.start and (goal.until or cal.end) >= cal.end and goal.every is None
        only = (where.product or where.region) and not (where.rep or where.segment or where.source)
        if goal.metric == BOOKINGS and whole and only and not hidden(name):
            found[name] = float(book.legs[legs[0]].at_least) / world.minor
    return found


def _single(world: World, name: str) -> Part | None:
    """The one product, region or cell that a goal is of."""
    where = world.goals.goals[world.goals.names.index(name)].where
    if len(where.product) > 1 or len(where.region) > 1:
        return None
    return (where.region[0] if where.region else "", where.product[0] if where.product else "")


def _booked(world: World, after: Results, part: Part) -> Floats | None:
    """[n]: bookings in a product or a region on each path, in minor units; None for a cell of both."""
    region, product = part
    if region and product:
        return None
    if product:
        return after.margins["product"][:, world.products.index(product), BOOKED]
    return after.margins["region"][:, world.regions.index(region), BOOKED]


def _expected(world: World, after: Results, part: Part) -> float:
    regions = slice(None) if not part[0] else [world.regions.index(part[0])]
    products = slice(None) if not part[1] else [world.products.index(part[1])]
    sums = after.sums[:, :, :, BOOKED].sum(axis=0)[products][:, regions]
    return float(sums.sum()) / after.n / world.minor


def _of_goal(world: World, after: Results, name: str, target: float, quotas: dict[Part, float]) -> QuotaPart:
    """A goal of a part that no row stands for: quotas of all cells in it."""
    where = world.goals.goals[world.goals.names.index(name)].where
    inside = covered(world.territory, where.region)
    cells = [
        (region, product)
        for region, product in quotas
        if region and product and inside[world.regions.index(region)] and product in (where.product or (product,))
    ]
    shown = (", ".join(where.region), ", ".join(where.product))
    amount = sum(quotas[cell] for cell in cells)
    return QuotaPart(*shown, amount, sum(_expected(world, after, cell) for cell in cells), None, name, target)
