"""Budget as a decision: over sources, regions and products, and over months where the plan lets them differ.

A variable is a budget line, its months' profile kept; with `decide.budget.months` it is a line's month. The response of
a month is to that month's spend, so that a season, a sales cycle that must end in time, and months that are already
over all count. What each month's leads brought is told apart by simulating a world whose cells are split by month: the
same leads, arriving at the same instants.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attain.optimise.decisions import Decision, Edit, Floats, nothing_of
from engine.demand import BudgetLine, line_leads, month_shares, responded, season_factors
from engine.outcomes import Attribution
from engine.plan.decide import DecideBudget, lines_called
from engine.plan.limits import least_of_lines
from engine.plan.types import LoadedPlan, Plan
from engine.world import World
from solvers.levers import limited
from solvers.limits import Choices, Either, refuse_clash

SHRUNK_LEADS = 5.0  # a line's worth a lead is taken as if so many more leads had been worth what its source's are
SHRUNK_IN_MONTHS = 0.02  # hardly: months differ in worth, since not all deals of a late one end in time


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


def _with_spends(plan: Plan, lines: tuple[BudgetLine, ...], spends: Sequence[Any]) -> Plan:
    """The plan with these amounts, or amounts by month, on its budget lines."""
    sources = dict(plan.sources)
    for name in {line.source for line in lines}:
        tree: dict[str, Any] = {}
        whole: Any = None
        for line, spend in zip(lines, spends, strict=True):
            if line.source != name:
                continue
            if not line.region:
                whole = spend
            elif line.product:
                tree.setdefault(line.region, {})[line.product] = spend
            else:
                tree[line.region] = spend
        sources[name] = sources[name].model_copy(update={"budget": tree if whole is None else whole})
    return plan.model_copy(update={"sources": sources})


def _path(line: BudgetLine) -> tuple[str, ...]:
    """Where a line's amount stands in the plan's document."""
    return ("sources", line.source, "budget", *(part for part in (line.region, line.product) if part))


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
    if wanted is not None and wanted.months:
        return monthly_decision(loaded, world, wanted, allow_assumed)
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
    cells, routes = nothing_of(world)
    for c, cell in enumerate(world.cells):
        cells[c] = cell.line

    def response(x: Floats) -> Floats:
        return np.array([line_leads(line, float(amount), world.cal) for line, amount in zip(lines, x, strict=True)])

    def spends(plan: Plan, x: Floats) -> list[Any]:
        return [_spend(plan, line, float(amount), world.minor) for line, amount in zip(lines, x, strict=True)]

    def edits(x: Floats) -> list[Edit]:
        return [(_path(line), _written(spend)) for line, spend in zip(lines, spends(plan, x), strict=True)]

    return Decision(
        "budget",
        tuple((line.source, line.region, line.product) for line in lines),
        levers,
        response,
        Attribution(len(lines), cells, routes),
        lambda plan, x: _with_spends(plan, lines, spends(plan, x)),
        edits,
        np.unique([line.source for line in lines], return_inverse=True)[1].astype(np.int64),
        SHRUNK_LEADS,
        assumed if allow_assumed else (),
        choices,
        own,
    )


def _written(value: Any) -> Any:
    """An amount as one would write it: whole where it is whole."""
    if isinstance(value, tuple):
        return [_written(v) for v in value]
    return int(value) if float(value).is_integer() else float(value)


# --- by month ---------------------------------------------------------------------------------------------------------


def profiles(lines: tuple[BudgetLine, ...], world: World) -> Floats:
    """[lines, months]: how each line's amount lies over the months; by their parts of the year where there is none."""
    even = month_shares(world.cal) / month_shares(world.cal).sum()
    return np.array([np.array(line.months) / line.amount if line.amount > 0.0 else even for line in lines])


def monthly_decision(loaded: LoadedPlan, world: World, wanted: DecideBudget, allow_assumed: bool) -> Decision:
    """Budget over sources, regions, products and months: limits of a line hold for its months by its profile.

    Months that are over at `as_of`, and lines whose response is a guess, stay as they are. Raises ClashingLimits.
    """
    lines, months = world.lines, len(world.months)
    assumed = tuple(sorted({line.source for line in lines if line.response.assumed}))
    profile = profiles(lines, world)
    own = np.array([line.months for line in lines])
    reference = reference_budget(loaded, lines)[:, None] * profile
    floors, caps = (
        np.where(np.isfinite(bound), bound, default)[:, None] * np.where(np.isfinite(bound)[:, None], profile, 1.0)
        for bound, default in (
            (_bounds(wanted.floors, lines, 0.0, own.sum(axis=1)), 0.0),
            (_bounds(wanted.caps, lines, np.inf, own.sum(axis=1)), np.inf),
        )
    )
    fixed = np.zeros((len(lines), months), dtype=np.bool_)
    fixed[[line.source in assumed and not allow_assumed for line in lines]] = True
    fixed[:, (world.cal.month_ends <= world.start) | (month_shares(world.cal) <= 0.0)] = True
    reference = np.where(fixed, own, reference)
    names = tuple(f"{line_name(line)} / {month}" for line in lines for month in world.months)
    levers = limited(
        names,
        reference.ravel(),
        totals=np.array([wanted.total if wanted.total is not None else float(own.sum())]),
        floors=np.where(fixed, own, floors).ravel(),
        caps=np.where(fixed, own, caps).ravel(),
        change_at_most=wanted.change_at_most,
        step=wanted.step or 0.0,
        unit=1.0 / world.minor,
    )
    split, of_cell = _split_by_month(world)
    rates = _MonthlyLeads(lines, world)

    def spends(x: Floats) -> list[tuple[float, ...]]:
        whole = np.rint(x.reshape(len(lines), months) * world.minor) / world.minor
        return [tuple(row.tolist()) for row in whole]

    return Decision(
        "budget",
        tuple((line.source, line.region, line.product) for line in lines for _ in world.months),
        levers,
        rates,
        Attribution(len(names), of_cell, nothing_of(world)[1]),
        lambda plan, x: _with_spends(plan, lines, spends(x)),
        lambda x: [(_path(line), _written(spend)) for line, spend in zip(lines, spends(x), strict=True)],
        np.repeat(np.unique([line.source for line in lines], return_inverse=True)[1], months).astype(np.int64),
        SHRUNK_IN_MONTHS,
        assumed if allow_assumed else (),
        own=own.ravel(),
        months=world.months,
        split=split,
    )


class _MonthlyLeads:
    """Leads of each line's month at its spend, seasons included."""

    def __init__(self, lines: tuple[BudgetLine, ...], world: World) -> None:
        self.lines = lines
        self.shares = month_shares(world.cal)
        seasons = {name: season_factors(source, world.cal) for name, source in world.plan.sources.items()}
        self.factors = np.array([seasons[line.source] * self.shares for line in lines])

    def __call__(self, x: Floats) -> Floats:
        whole = np.where(self.shares > 0.0, self.shares, np.inf)
        spend = x.reshape(self.factors.shape) / whole
        leads = [[responded(line.response, float(s)) for s in row] for line, row in zip(self.lines, spend, strict=True)]
        return np.asarray((np.array(leads) * self.factors).ravel(), dtype=np.float64)


def _split_by_month(world: World) -> tuple[Callable[[World], World], NDArray[np.int64]]:
    """Cells of budget lines once for each month, and the lever [cells] of each."""
    ends, months = world.cal.month_ends, len(world.months)
    begins = np.concatenate(([0.0], ends[:-1]))
    parts = [(c, m) for c, cell in enumerate(world.cells) for m in (range(months) if cell.line >= 0 else (-1,))]
    levers = [world.cells[c].line * months + m if m >= 0 else -1 for c, m in parts]
    of = np.array([c for c, _ in parts], dtype=np.int64)

    def split(other: World) -> World:
        cells = []
        for c, m in parts:
            cell = other.cells[c]
            if m >= 0:
                rates = np.where(np.arange(months) == m, cell.rates, 0.0)
                since, until = max(cell.since, float(begins[m])), min(cell.until, float(ends[m]))
                cell = replace(cell, rates=rates, since=since, until=until)
            cells.append(cell)
        return replace(
            other,
            cells=tuple(cells),
            normal_rates=np.array([cell.rates for cell in cells]),
            cell_regions=other.cell_regions[of],
            loadings=other.loadings[of],
        )

    return split, np.array(levers, dtype=np.int64)
