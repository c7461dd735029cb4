"""Whole-plan checks of who feeds whom: leads that no rep may take, and reps whom nothing reaches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from engine.plan.types import Plan, PlanFiles, Routing, Source
from engine.problems import Problem
from engine.staffing import Staffing
from engine.territory import Territories, may_take, territories

Cell = tuple[str, str]  # region, product
Takers = NDArray[np.bool_]  # [reps, products, regions, segments], names sorted


def leaf_regions(territory: Territories) -> list[str]:
    """The regions with none inside them."""
    parents = set(territory.parent.tolist())
    return [name for i, name in enumerate(territory.names) if i not in parents]


def mix_cells(plan: Plan, territory: Territories, mix: Mapping[str, Mapping[str, float]] | None) -> list[Cell]:
    """The cells with weight in a mix; every lowest region with every product where none is written."""
    if mix is None:
        return [(region, product) for region in leaf_regions(territory) for product in sorted(plan.products)]
    return [(region, product) for region, by in mix.items() for product, weight in by.items() if weight > 0]


def budget_cells(source: Source) -> list[Cell]:
    """The budgeted cells of a source; an empty region or product where the budget is not split by it."""
    if source.budget is None:
        return []
    if not isinstance(source.budget, dict):
        return [("", "")]
    cells: list[Cell] = []
    for region, below in source.budget.items():
        cells.extend([(region, product) for product in below] if isinstance(below, dict) else [(region, "")])
    return cells


def source_cells(plan: Plan, territory: Territories, source: Source) -> list[Cell]:
    """Where a source's leads may come up."""
    cells = mix_cells(plan, territory, source.mix)
    lines = budget_cells(source)
    if not lines or lines == [("", "")]:
        return cells
    found: dict[Cell, None] = {}
    for region, product in lines:
        inside = [cell for cell in cells if cell[0] == region and product in ("", cell[1])]
        found |= dict.fromkeys(inside or ([(region, product)] if product else []))
    return list(found)


def flows(source: Source) -> bool:
    """Whether any lead can come from it: a budget of nothing may still be raised."""
    rates = (source.leads_per_month, source.leads_per_day, source.prospects)
    return source.response is not None or any(rate is not None and rate > 0 for rate in rates)


def _share_row(routing: Routing, cell: Cell, reps: list[str]) -> NDArray[np.float64]:
    table = routing.share.cells.get(cell[0], {}).get(cell[1], routing.share.reps)
    return np.array([table.get(name, 0.0) for name in reps])


def _reached(routing: Routing, cell: Cell, able: NDArray[np.bool_], reps: list[str]) -> NDArray[np.bool_]:
    """[reps] of those who may take a deal of the cell, who get any; by share only those with a share, if any has."""
    if routing.rule != "share":
        return able
    shared = able & (_share_row(routing, cell, reps) > 0)
    return shared if shared.any() else able


def _alive(plan: Plan) -> NDArray[np.bool_]:
    """[segments]: which segments any lead falls in."""
    return np.array([plan.segments[name].share > 0 for name in sorted(plan.segments)] or [True])


def untaken(plan: Plan) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """(source, region, product, segments): leads that no rep may take, and which are lost at once."""
    territory = territories(plan.regions)
    takers = may_take(plan, territory)
    regions = {name: i for i, name in enumerate(territory.names)}
    products = {name: i for i, name in enumerate(sorted(plan.products))}
    segments, alive = sorted(plan.segments), _alive(plan)
    found = []
    for name, source in sorted(plan.sources.items()):
        for region, product in source_cells(plan, territory, source) if flows(source) else ():
            lost = np.flatnonzero(alive & ~takers[:, products[product], regions[region], :].any(axis=0))
            if len(lost):
                found.append((name, region, product, tuple(segments[s] for s in lost) if segments else ()))
    return found


def unstaffed(plan: Plan, staffing: Staffing) -> list[tuple[str, str, str, float, float]]:
    """(source, region, product, from, to): hours in which nobody is there for leads that somebody may take."""
    territory = territories(plan.regions)
    takers, alive = may_take(plan, territory), _alive(plan)
    regions = {name: i for i, name in enumerate(territory.names)}
    products = {name: i for i, name in enumerate(sorted(plan.products))}
    found: list[tuple[str, str, str, float, float]] = []
    for name, source in sorted(plan.sources.items()):
        for region, product in source_cells(plan, territory, source) if flows(source) else ():
            able = takers[:, products[product], regions[region]][:, alive]
            for low, high, there in staffing.periods():
                if (able.any(axis=0) & ~able[there].any(axis=0)).any():
                    if found and found[-1][:3] == (name, region, product) and found[-1][4] == low:
                        low = found.pop()[3]
                    found.append((name, region, product, low, high))
    return found


def unfed(plan: Plan, files: PlanFiles, *, files_read: bool) -> Iterator[Problem]:
    """Sources of which no rep may take any lead, and reps whom nothing can give a deal."""
    territory = territories(plan.regions)
    takers: Takers = may_take(plan, territory)
    reps = sorted(rep.name for rep in plan.reps)
    regions = {name: i for i, name in enumerate(territory.names)}
    products = {name: i for i, name in enumerate(sorted(plan.products))}
    alive = _alive(plan)
    fed = np.array([_feeds_itself(plan, name) for name in reps])
    for name, source in sorted(plan.sources.items()):
        if not flows(source):
            continue
        cells = source_cells(plan, territory, source)
        if cells and not any(takers[:, products[p], regions[g], alive].any() for g, p in cells):
            what = ", ".join(f"{p} in {g}" for g, p in cells[:4])
            yield Problem(f"sources.{name}", f"leads for {what}", "leads that some rep may take")
        for cell in cells:
            able = takers[:, products[cell[1]], regions[cell[0]], :]
            for s in np.flatnonzero(alive):
                fed |= _reached(source.routing or plan.routing, cell, able[:, s], reps)
    fed |= _fed_by_files(plan, files, reps, regions, products, takers)
    if not files_read and (plan.pipeline is not None or plan.accounts is not None):
        return
    for r in np.flatnonzero(~fed):
        yield Problem(
            f"reps.{reps[r]}",
            "",
            "a way to get deals: no source, prospecting, account or open deal gives one that this rep may take",
        )


def _feeds_itself(plan: Plan, name: str) -> bool:
    prospecting = next(rep.prospecting for rep in plan.reps if rep.name == name)
    return prospecting is not None and prospecting.hours_per_week * prospecting.prospects_per_hour > 0


def _fed_by_files(
    plan: Plan, files: PlanFiles, reps: list[str], regions: dict[str, int], products: dict[str, int], takers: Takers
) -> NDArray[np.bool_]:
    fed = np.zeros(len(reps), dtype=np.bool_)
    index = {name: i for i, name in enumerate(reps)}
    for deal in files.pipeline:
        if deal.owner in index:
            fed[index[deal.owner]] = True
        elif deal.owner is None:
            able = takers
            if deal.product in products:
                able = able[:, products[deal.product] : products[deal.product] + 1]
            if deal.region in regions:
                able = able[:, :, regions[deal.region] : regions[deal.region] + 1]
            fed |= able.any(axis=(1, 2, 3))
    if any(source.from_accounts > 0 and flows(source) for source in plan.sources.values()):
        for account in files.accounts:
            if account.owner in index:
                fed[index[account.owner]] = True
    return fed


def unowned(plan: Plan, files: PlanFiles) -> Iterator[Problem]:
    """Open deals without an owner whom no rep may take."""
    if plan.pipeline is None:
        return
    territory = territories(plan.regions)
    takers = may_take(plan, territory)
    regions = list(territory.names)
    products, segments = sorted(plan.products), sorted(plan.segments)
    for deal in files.pipeline:
        if deal.owner is not None:
            continue
        able = takers
        for axis, name, known in ((1, deal.product, products), (2, deal.region, regions), (3, deal.segment, segments)):
            if name is not None and name in known:
                able = np.take(able, [known.index(name)], axis=axis)
        if not able.any():
            what = ", ".join(part for part in (deal.product, deal.region, deal.segment) if part)
            yield Problem(f"{plan.pipeline.file}, deal {deal.deal}", what, "an owner, or a rep who may take it")
