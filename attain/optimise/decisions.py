"""What a plan lets the optimiser move, in the solvers' terms, and the plan that an answer makes.

A `Decision` holds the levers (with their limits), the response of each, which deals each brings (the attribution that
the simulation keeps), and how an allocation becomes a plan again: as records for simulating, as edits for the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.demand import BudgetLine, line_leads
from engine.outcomes import Attribution
from engine.plan.decide import DecideBudget, lines_called
from engine.plan.limits import least_of_lines
from engine.plan.types import LoadedPlan, Plan
from engine.routing import BY_SHARE
from engine.world import World
from solvers.levers import Levers, limited, project, round_to_step
from solvers.limits import Choices, Either, broken, held, refuse_clash, spent_on, switched
from solvers.responses import Response, identity
from solvers.shares import LeverTable, hours_levers, share_levers
from solvers.switches import nearest_pattern

Floats = NDArray[np.float64]
Edit = tuple[tuple[str, ...], Any]  # a path in the plan's document, and what is put there
APPENDED = "+"  # as the end of a path: one more item of a list
REMOVED = object()  # as what is put there: nothing
WITHIN = 1e-9  # of a total: what limits may be off by through rounding of floats
SHRUNK_LEADS = 5.0  # a line's worth a lead is taken as if so many more leads had been worth what its source's are


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

    def levers_at(self, x: Floats) -> Levers:
        """The levers that are left where as much is spent on, and as little is not, as in x."""
        return self.levers if self.choices is None else held(self.levers, self.choices, spent_on(self.levers, x))

    def moved(self, x: Floats) -> Floats:
        """An allocation within all limits near x: x itself where that is one."""
        if self.violation(x) <= WITHIN:
            return x
        on = None if self.choices is None else nearest_pattern(self.levers, self.choices, x)
        return project(self.levers if on is None or self.choices is None else held(self.levers, self.choices, on), x)

    def rounded(self, x: Floats) -> Floats:
        """x on the grid of steps; what is spent on stays so."""
        return round_to_step(self.levers_at(x), x)

    def violation(self, x: Floats) -> float:
        """The largest violation of a limit or total, relative to its total."""
        return max(self.levers.violation(x), 0.0 if self.choices is None else broken(self.levers, self.choices, x))

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


def _nothing(world: World) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    cells = np.full(len(world.cells), -1, dtype=np.int64)
    routes = np.full((len(world.products), len(world.regions), len(world.reps)), -1, dtype=np.int64)
    return cells, routes


def no_attribution(world: World, count: int) -> Attribution:
    """Of variables whose yields nobody asks for."""
    return Attribution(count, *_nothing(world))


# --- budget ---------------------------------------------------------------------------------------------------------


def line_name(line: BudgetLine) -> str:
    """`events / North / ERP`, as far as the line is split."""
    return " / ".join(part for part in (line.source, line.region, line.product) if part)


def _bounds(limits: Mapping[str, Any], lines: tuple[BudgetLine, ...], default: float, weights: Floats) -> Floats:
    """A floor or cap for each line. An amount for several lines is split over them by `weights`."""
    bound = np.full(len(lines), default)
    for source, by_region in limits.items():
        own = np.array([i for i, line in enumerate(lines) if line.source == source], dtype=np.int64)
        _spread(bound, own, by_region, weights, lines, 0)
    return bound


def _spread(
    bound: Floats, own: NDArray[np.int64], limit: Any, weights: Floats, lines: tuple[BudgetLine, ...], depth: int
) -> None:
    if isinstance(limit, Mapping):
        for name, below in limit.items():
            fits = [(lines[i].region if depth == 0 else lines[i].product) == name for i in own.tolist()]
            _spread(bound, own[np.array(fits, dtype=np.bool_)], below, weights, lines, depth + 1)
    elif len(own):
        share = weights[own] / weights[own].sum() if weights[own].sum() > 0 else np.full(len(own), 1.0 / len(own))
        bound[own] = float(limit) * share


def reference_budget(loaded: LoadedPlan, lines: tuple[BudgetLine, ...]) -> Floats:
    """[lines]: last year's split from `decide.reference` where it is given, else the plan's own."""
    own = np.array([line.amount for line in lines])
    rows = [row for row in loaded.files.reference if row.get("budget") is not None and row.get("source")]
    if not rows:
        return own
    found = np.zeros(len(lines))
    for row in rows:
        for i, line in enumerate(lines):
            fits = (line.source, line.region, line.product) == (
                row["source"], row.get("region") or "", row.get("product") or ""
            )  # fmt: skip
            found[i] += float(row["budget"]) if fits else 0.0
    return found if found.sum() > 0 else own


def in_minor_units(amount: float, profile: Floats, minor: float) -> tuple[float, ...]:
    """An amount over months by a profile, in whole minor units that sum to it: largest remainder, ties to the first."""
    units = int(np.rint(amount * minor))
    exact = units * profile
    given = np.floor(exact)
    short = units - int(given.sum())
    given[np.argsort(given - exact, kind="stable")[:short]] += 1.0
    return tuple(float(value) / minor for value in given)


def _with_budget(plan: Plan, lines: tuple[BudgetLine, ...], x: Floats, minor: float) -> Plan:
    """The plan with these amounts on its budget lines; a line split by month keeps its profile."""
    sources = dict(plan.sources)
    for name in {line.source for line in lines}:
        tree: dict[str, Any] = {}
        whole: Any = None
        for i, line in enumerate(lines):
            if line.source != name:
                continue
            spend = _spend(plan, line, float(x[i]), minor)
            if not line.region:
                whole = spend
            elif line.product:
                tree.setdefault(line.region, {})[line.product] = spend
            else:
                tree[line.region] = spend
        sources[name] = sources[name].model_copy(update={"budget": tree if whole is None else whole})
    return plan.model_copy(update={"sources": sources})


def _spend(plan: Plan, line: BudgetLine, amount: float, minor: float) -> Any:
    budget: Any = plan.sources[line.source].budget
    for part in (line.region, line.product):
        budget = budget[part] if part and isinstance(budget, Mapping) else budget
    if isinstance(budget, tuple):
        profile = np.array(budget) / sum(budget) if sum(budget) > 0 else np.full(len(budget), 1.0 / len(budget))
        return in_minor_units(amount, profile, minor)
    return float(np.rint(amount * minor)) / minor


def _choices(wanted: DecideBudget | None, lines: tuple[BudgetLine, ...], fixed: NDArray[np.bool_]) -> Choices | None:
    """Least spends where spent at all, and either/or. A line that must stay as it is keeps what it has."""
    if wanted is None or (not wanted.minimum and not wanted.either):
        return None
    cells = [(line.source, line.region, line.product) for line in lines]
    least = np.array(least_of_lines(wanted, cells))
    own = np.array([line.amount for line in lines])
    least = np.where(fixed & (own > 0.0), np.minimum(least, own), least)
    sets = []
    for name, one in wanted.either.items():
        members = tuple(sorted({i for called in one.of for i in lines_called(called, cells)}))
        sets.append(Either(name, members, len(members) if one.at_most is None else one.at_most, one.at_least))
    return Choices(least, either=tuple(sets))


def budget_decision(loaded: LoadedPlan, world: World, allow_assumed: bool) -> Decision | None:
    """Budget over sources, regions and products. Raises ClashingLimits. None where there is nothing to move."""
    plan, lines = loaded.plan, world.lines
    wanted = plan.decide.budget if plan.decide else None
    if not lines or (plan.decide is not None and wanted is None):
        return None
    assumed = tuple(sorted({line.source for line in lines if line.response.assumed}))
    reference = reference_budget(loaded, lines)
    own = np.array([line.amount for line in lines])
    floors = _bounds(wanted.floors if wanted else {}, lines, 0.0, reference)
    caps = _bounds(wanted.caps if wanted else {}, lines, np.inf, reference)
    fixed = np.array([line.source in assumed and not allow_assumed for line in lines])
    if fixed.any():  # what rests on a guess stays where it is
        reference = np.where(fixed, own, reference)
        floors, caps = np.where(fixed, own, floors), np.where(fixed, own, caps)
    total = wanted.total if wanted and wanted.total is not None else float(own.sum())
    levers = limited(
        tuple(line_name(line) for line in lines),
        reference,
        totals=np.array([total]),
        floors=floors,
        caps=caps,
        change_at_most=wanted.change_at_most if wanted else None,
        step=wanted.step or 0.0 if wanted else 0.0,
        unit=1.0 / world.minor,
    )
    choices = _choices(wanted, lines, fixed)
    if choices is not None:
        refuse_clash(levers, choices)
    cells, routes = _nothing(world)
    for c, cell in enumerate(world.cells):
        cells[c] = cell.line

    def response(x: Floats) -> Floats:
        return np.array([line_leads(line, float(amount), world.cal) for line, amount in zip(lines, x, strict=True)])

    def edits(x: Floats) -> list[Edit]:
        return [
            (
                ("sources", line.source, "budget", *(p for p in (line.region, line.product) if p)),
                _written(_spend(plan, line, float(amount), world.minor)),
            )
            for line, amount in zip(lines, x, strict=True)
        ]

    return Decision(
        "budget",
        tuple((line.source, line.region, line.product) for line in lines),
        levers,
        response,
        Attribution(len(lines), cells, routes),
        lambda plan, x: _with_budget(plan, lines, x, world.minor),
        edits,
        np.unique([line.source for line in lines], return_inverse=True)[1].astype(np.int64),
        SHRUNK_LEADS,
        assumed if allow_assumed else (),
        choices,
    )


def _written(value: Any) -> Any:
    """An amount as one would write it: whole where it is whole."""
    if isinstance(value, tuple):
        return [_written(v) for v in value]
    return int(value) if float(value).is_integer() else float(value)


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
    of_cell, of_route = _nothing(world)
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
    of_cell, of_route = _nothing(world)
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


def decisions_of(loaded: LoadedPlan, world: World, allow_assumed: bool) -> list[Decision]:
    """Everything that the plan lets move, in the order in which it is moved. Raises ClashingLimits."""
    found = [
        budget_decision(loaded, world, allow_assumed),
        shares_decision(loaded, world),
        hours_decision(loaded, world),
    ]
    return [decision for decision in found if decision is not None and decision.levers.movable]
