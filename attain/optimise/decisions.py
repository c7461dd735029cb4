"""What a plan lets the optimiser move, in the solvers' terms, and the plan that an answer makes.

A `Decision` holds the levers (with their limits), the response of each, which deals each brings (the attribution that
the simulation keeps), and how an allocation becomes a plan again: as records for simulating, as edits for the file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.outcomes import Attribution
from engine.plan.types import LoadedPlan, Plan
from engine.routing import BY_SHARE
from engine.world import World
from solvers.balance import Balance, inside, region_at
from solvers.levers import Levers, project, round_to_step
from solvers.limits import Choices, broken, held, spent_on, switched
from solvers.polyhedron import Polyhedron
from solvers.responses import Response, identity
from solvers.shares import LeverTable, hours_levers, share_levers
from solvers.switches import nearest_pattern

Floats = NDArray[np.float64]
Edit = tuple[tuple[str, ...], Any]  # a path in the plan's document, and what is put there
APPENDED = "+"  # as the end of a path: one more item of a list
REMOVED = object()  # as what is put there: nothing
INNER = (0.02, 0.05, 0.1, 0.2, 0.4)  # of a band: how far inside it amounts are before they are rounded
WITHIN = 1e-9  # of a total: what limits may be off by through rounding of floats


@dataclass(frozen=True, eq=False)
class Decision:
    """One kind of thing to move. `cells` names each variable as (source or rep, region, product)."""

    kind: str  # headcount, budget, shares, hours
    cells: tuple[tuple[str, str, str], ...]
    levers: Levers
    response: Response
    attribution: Attribution
    apply: Callable[[Plan, Floats], Plan]
    edits: Callable[[Floats], list[Edit]]
    like: NDArray[np.int64]  # [variables]: which are of a kind, one with no yield of its own taking its kind's
    strength: float = 0.0  # units of response by which a variable's own yield is shrunk toward its kind's
    assumed: tuple[str, ...] = ()  # sources whose response is a guess
    choices: Choices | None = None  # least spends where spent at all, and either/or
    own: Floats | None = None  # the plan's own amounts, where they are not the levers' reference
    months: tuple[str, ...] = ()  # of the horizon, where each cell has a variable for each of them
    split: Callable[[World], World] | None = None  # cells of the world as the attribution has them, where it has more
    balance: Balance | None = None  # of reps' work, where the plan asks for it

    def by_cell(self, x: Floats) -> list[tuple[tuple[str, str, str], Floats]]:
        """Each cell with what x gives it: one amount, or one for each month."""
        each = max(1, len(self.months))
        return [(self.cells[i], x[i : i + each]) for i in range(0, len(x), each)]

    def levers_at(self, x: Floats) -> Levers:
        """The levers that are left where as much is spent on, and as little is not, as in x."""
        return self.levers if self.choices is None else held(self.levers, self.choices, spent_on(self.levers, x))

    def moved(self, x: Floats) -> Floats:
        """An allocation within all limits near x: x itself where that is one."""
        if self.violation(x) <= WITHIN:
            return x
        on = None if self.choices is None else nearest_pattern(self.levers, self.choices, x)
        if self.balance is not None:
            found = inside(self.levers, self.balance, project(self.levers, x))
            return project(self.levers, x) if found is None else project(self.levers, found)
        return project(self.levers if on is None or self.choices is None else held(self.levers, self.choices, on), x)

    def rounded(self, x: Floats) -> Floats:
        """x on the grid of steps; what is spent on stays so. Work stays in balance as far as the grid allows."""
        rounded = round_to_step(self.levers_at(x), x)
        if self.balance is None or self.balance.violation(rounded) <= WITHIN:
            return rounded
        best = rounded
        for inner in INNER:  # from further inside the band
            further = inside(self.levers, self.balance, x, inner=inner * self.balance.within)
            trial = best if further is None else round_to_step(self.levers, project(self.levers, further))
            if self.balance.violation(trial) < self.balance.violation(best):
                best = trial
        return best

    def violation(self, x: Floats) -> float:
        """The largest violation of a limit or total, relative to its total; of work, relative to the reps' mean."""
        choices = 0.0 if self.choices is None else broken(self.levers, self.choices, x)
        balance = 0.0 if self.balance is None else self.balance.violation(x)
        return max(self.levers.violation(x), choices, balance)

    def around(self, levers: Levers) -> Callable[[Floats], Polyhedron] | None:
        """The limits along straight lines at a point, where they are more than those of the levers themselves."""
        balance = self.balance
        return None if balance is None else lambda x: region_at(levers, balance, x)

    def binding(self, x: Floats) -> tuple[str, ...]:
        """Which kind of limit keeps each variable from more, or from less."""
        left = self.levers_at(x)
        if self.choices is None:
            return left.binding(x)
        off = switched(self.levers, self.choices) & ~spent_on(self.levers, x) & (self.levers.upper > 0.0)
        return tuple(
            kind if off[i] else found
            for i, (kind, found) in enumerate(zip(left.high_kinds, left.binding(x), strict=True))
        )


def nothing_of(world: World) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """No lever for any cell [cells], or for any route [products, regions, reps]."""
    cells = np.full(len(world.cells), -1, dtype=np.int64)
    routes = np.full((len(world.products), len(world.regions), len(world.reps)), -1, dtype=np.int64)
    return cells, routes


def no_attribution(world: World, count: int) -> Attribution:
    """Of variables whose yields nobody asks for."""
    return Attribution(count, *nothing_of(world))


# --- lead shares and prospecting hours ------------------------------------------------------------------------------


def _table_decision(
    kind: str,
    table: LeverTable,
    world: World,
    cells: list[tuple[int, int]],
    attribution: Attribution,
    apply: Callable[[Plan, Floats], Plan],
    edits: Callable[[Floats], list[Edit]],
) -> Decision:
    named = tuple(
        (world.reps[r], world.regions[cells[c][1]], world.products[cells[c][0]])
        for r, c in zip(table.row.tolist(), table.column.tolist(), strict=True)
    )
    return Decision(kind, named, table.levers, identity, attribution, apply, edits, table.levers.group)


def shares_decision(loaded: LoadedPlan, world: World) -> Decision | None:
    """Shares of each cell's leads over the reps who may take them, where the plan routes by share."""
    plan = loaded.plan
    wanted = plan.decide.shares if plan.decide else None
    rules = [world.routes.rule[k] for k, name in enumerate(world.sources[:-1]) if plan.sources[name].routing is None]
    routed = any(rule == BY_SHARE for rule in rules)
    if not routed or (plan.decide is not None and wanted is None):
        return None
    fed = {(cell.product, cell.region) for cell in world.cells if cell.rep < 0}
    able: NDArray[np.bool_] = np.asarray(world.routes.may.any(axis=2))  # [products, regions, reps]
    cells = [(p, g) for p, g in sorted(fed) if able[p, g].sum() > 1]
    if not cells:
        return None
    allowed = np.array([able[p, g] for p, g in cells]).T
    weights = np.array([np.where(able[p, g], world.routes.shares[0, p, g], 0.0) for p, g in cells]).T
    even = allowed / allowed.sum(axis=0)
    sums = weights.sum(axis=0)
    values = np.where(sums > 0, weights / np.where(sums > 0, sums, 1.0), even)
    names = tuple(f"{world.regions[g]} / {world.products[p]}" for p, g in cells)
    change = wanted.change_at_most if wanted else 0.2
    table = share_levers(values, allowed=allowed, reps=world.reps, cells=names, change_at_most=change)
    of_cell, of_route = nothing_of(world)
    for i, (r, c) in enumerate(zip(table.row.tolist(), table.column.tolist(), strict=True)):
        of_route[cells[c][0], cells[c][1], r] = i

    def by_cell(x: Floats) -> dict[str, dict[str, dict[str, float]]]:
        filled = table.table(x)
        found: dict[str, dict[str, dict[str, float]]] = {}
        for c, (p, g) in enumerate(cells):
            row = {world.reps[r]: round(float(filled[r, c]), 6) for r in np.flatnonzero(allowed[:, c])}
            found.setdefault(world.regions[g], {})[world.products[p]] = row
        return found

    def apply(plan: Plan, x: Floats) -> Plan:
        share = plan.routing.share
        cells_now = {region: dict(by_product) for region, by_product in share.cells.items()}
        for region, by_product in by_cell(x).items():
            cells_now.setdefault(region, {}).update(by_product)
        routing = plan.routing.model_copy(update={"share": share.model_copy(update={"cells": cells_now})})
        return plan.model_copy(update={"routing": routing})

    def edits(x: Floats) -> list[Edit]:
        share = apply(plan, x).routing.share
        whole = {"reps": dict(share.reps), "cells": share.cells} if share.reps else share.cells
        return [(("routing",), {"rule": "share", "share": whole})]

    attribution = Attribution(len(table.row), of_cell, of_route)
    return _table_decision("shares", table, world, cells, attribution, apply, edits)


def hours_decision(loaded: LoadedPlan, world: World) -> Decision | None:
    """Each rep's prospecting hours over regions and products."""
    plan = loaded.plan
    wanted = plan.decide.hours if plan.decide else None
    own = [(c, cell) for c, cell in enumerate(world.cells) if cell.rep >= 0]
    if not own or (plan.decide is not None and wanted is None):
        return None
    by_name = {rep.name: rep for rep in plan.reps}
    cells = sorted({(cell.product, cell.region) for _, cell in own})
    values = np.zeros((len(world.reps), len(cells)))
    allowed = np.zeros_like(values, dtype=np.bool_)
    for _, cell in own:
        prospecting = by_name[world.reps[cell.rep]].prospecting
        rate = prospecting.prospects_per_hour if prospecting else 0.0
        column = cells.index((cell.product, cell.region))
        values[cell.rep, column] = cell.rates[0] * world.cal.week_hours / rate
        allowed[cell.rep, column] = True
    names = tuple(f"{world.regions[g]} / {world.products[p]}" for p, g in cells)
    change = wanted.change_at_most if wanted else 0.2
    table = hours_levers(values, allowed=allowed, reps=world.reps, cells=names, change_at_most=change)
    of_cell, of_route = nothing_of(world)
    place = {(r, c): i for i, (r, c) in enumerate(zip(table.row.tolist(), table.column.tolist(), strict=True))}
    for c, cell in own:
        of_cell[c] = place[cell.rep, cells.index((cell.product, cell.region))]

    def mixes(x: Floats) -> dict[str, dict[str, dict[str, float]]]:
        filled = table.table(x)
        found: dict[str, dict[str, dict[str, float]]] = {}
        for r in np.flatnonzero(allowed.any(axis=1)):
            mix: dict[str, dict[str, float]] = {}
            for c in np.flatnonzero(allowed[r]):
                p, g = cells[c]
                mix.setdefault(world.regions[g], {})[world.products[p]] = round(float(filled[r, c]), 6)
            found[world.reps[r]] = mix
        return found

    def apply(plan: Plan, x: Floats) -> Plan:
        mix = mixes(x)
        reps = tuple(
            rep.model_copy(update={"prospecting": rep.prospecting.model_copy(update={"mix": mix[rep.name]})})
            if rep.prospecting is not None and rep.name in mix
            else rep
            for rep in plan.reps
        )
        return plan.model_copy(update={"reps": reps})

    def edits(x: Floats) -> list[Edit]:
        return [(("reps", name, "prospecting", "mix"), mix) for name, mix in mixes(x).items()]

    return _table_decision("hours", table, world, cells, Attribution(len(table.row), of_cell, of_route), apply, edits)
