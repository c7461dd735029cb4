"""New reps over regions: `decide.headcount` as a decision, and its search over whole numbers by simulating.

A hire is a rep as any other: in one region, from a first day, with a ramp, with a generated name. Ways to place them
are simulated on the same paths of phase 1 (`solvers.places`), those that look best are judged on phase 2, as any
finalists. Where hires cost money the budget's total is less by it, and its lines are smaller in proportion until they
are searched.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from attain.optimise.budgets import budget_decision
from attain.optimise.decisions import APPENDED, REMOVED, WITHIN, Decision, Edit, no_attribution
from attain.optimise.found import Found, SearchState, came_to, chosen, different
from attain.optimise.search import Paths, Work
from engine.draws import SEARCH
from engine.plan.decide import DecideBudget, DecideHeadcount
from engine.plan.feeding import leaf_regions, unfed
from engine.plan.types import LoadedPlan, Plan, Rep, Routing, RoutingShare
from engine.problems import PlanRefused, Problem
from engine.territory import covered, territories
from engine.world import World, build
from solvers.arrays import BLOCK, FloatArray, IntArray, floats
from solvers.levers import ClashingLimits, Levers, Limit
from solvers.objective import look
from solvers.paths import without_slopes
from solvers.places import Places, Way, how_many
from solvers.places import search as search_places
from solvers.responses import identity

COUNTED_OUT = 64  # ways that are all simulated
FINALISTS = 5
FEWEST, MOST = 128, 8 * BLOCK  # paths of a look
WIDTH = 0.35  # of the sigmoid that smooths the odds, of the margin's spread


@dataclass(frozen=True, eq=False)
class Headcount(Decision):
    """Numbers of hires by region. `places` says which numbers are allowed."""

    places: Places = field(kw_only=True)
    budgets: Budgets = field(kw_only=True)
    hired: Callable[[Plan, FloatArray, int], Plan] = field(kw_only=True)  # with money taken for so many of them

    @property
    def paid(self) -> bool:
        """Whether what they cost comes out of the budget."""
        return self.budgets.cost > 0.0

    def beside(self, split: FloatArray) -> None:
        """From here on the money that is left lies as in this split of it."""
        self.budgets.split = split
        self.budgets.known.clear()

    def budget_left(self, current: LoadedPlan, x: FloatArray) -> tuple[Decision, FloatArray] | None:
        """The budget's decision beside these hires, limits relative to the budget as written; how it lies today."""
        found = self.budgets.left(round(float(np.sum(x)))) if self.paid else None
        if found is None:
            return None
        written = self.budgets.loaded.plan.sources
        sources = {
            name: source.model_copy(update={"budget": written[name].budget})
            for name, source in current.plan.sources.items()
        }
        loaded = current.model_copy(update={"plan": current.plan.model_copy(update={"sources": sources})})
        decision = budget_decision(loaded, build(loaded), self.budgets.allow_assumed)
        return None if decision is None else (decision, found[1])

    def moved(self, x: FloatArray) -> FloatArray:
        """x: whole numbers are not moved."""
        return x

    def rounded(self, x: FloatArray) -> FloatArray:
        """x, in whole numbers."""
        return np.rint(x)

    def violation(self, x: FloatArray) -> float:
        """By how many hires, of all, x breaks a limit."""
        places, count = self.places, float(np.sum(x))
        outside = np.maximum(places.lower - x, x - places.upper)
        worst = max(
            0.0, float(np.max(outside)), places.least - count, count - places.most, float(np.max(np.abs(x % 1)))
        )
        return worst / max(1, places.most)

    def binding(self, x: FloatArray) -> tuple[str, ...]:
        """Where a region has as many, or as few, as it may."""
        most = self.places.most
        bounds = zip(x.tolist(), self.places.lower.tolist(), self.places.upper.tolist(), strict=True)
        return tuple(
            "held" if low == high else "cap" if now >= high and high < most else "floor" if now <= low and low else ""
            for now, low, high in bounds
        )


# --- what may be hired ------------------------------------------------------------------------------------------------


def headcount_decision(loaded: LoadedPlan, world: World, allow_assumed: bool) -> Headcount | None:
    """The hires of a plan; None where it wants none. Raises ClashingLimits, and PlanRefused where none gets deals."""
    plan = loaded.plan
    wanted = plan.decide.headcount if plan.decide else None
    if wanted is None:
        return None
    regions = _regions(loaded, wanted)
    cost = hire_cost(plan, wanted)
    budgets = Budgets(loaded, world, allow_assumed, cost)
    lower = np.array([wanted.floors.get(region, 0) for region in regions], dtype=np.int64)
    upper = np.array([min(wanted.total, wanted.caps.get(region, wanted.total)) for region in regions], dtype=np.int64)
    least = wanted.total if wanted.at_least is None else wanted.at_least
    places = _places(lower, upper, least, budgets.affordable(wanted.total), regions)

    def hired(plan: Plan, x: FloatArray, paid: int) -> Plan:
        return budgets.taken(_with_hires(plan, wanted, regions, x), paid)

    def apply(plan: Plan, x: FloatArray) -> Plan:
        return hired(plan, x, round(float(np.sum(x))))

    def edits(x: FloatArray) -> list[Edit]:
        return [*_edits(plan, apply(plan, x), cost), *budgets.edits(round(float(np.sum(x))))]

    return Headcount(
        "headcount",
        tuple(("", region, "") for region in regions),
        _levers(regions, places),
        identity,
        no_attribution(world, len(regions)),
        apply,
        edits,
        np.zeros(len(regions), dtype=np.int64),
        places=places,
        budgets=budgets,
        hired=hired,
    )


def _regions(loaded: LoadedPlan, wanted: DecideHeadcount) -> list[str]:
    """Where a hire would get deals: of the regions named, or of the lowest ones."""
    territory = territories(loaded.plan.regions)
    asked = list(wanted.regions) or sorted({*leaf_regions(territory), *wanted.floors, *wanted.caps})
    found = []
    for region in asked:
        with_one = _with_hires(loaded.plan, wanted, [region], np.ones(1))
        name = with_one.reps[-1].name
        if all(problem.path != f"reps.{name}" for problem in unfed(with_one, loaded.files, files_read=True)):
            found.append(region)
    if not found:
        expected = "regions in which some source, or prospecting of their own, gives a new rep deals"
        raise PlanRefused([Problem("decide.headcount", ", ".join(asked), expected)])
    return found


def _places(lower: IntArray, upper: IntArray, least: int, most: int, regions: list[str]) -> Places:
    """Raises ClashingLimits where floors, caps, the number and the money for it leave no way."""
    if least > most:
        raise ClashingLimits(
            (Limit("at_least", "headcount"), Limit("cost_per_month", "headcount"), Limit("total", "budget"))
        )
    if int(lower.sum()) > most:
        floors = tuple(Limit("floor", region) for region, low in zip(regions, lower, strict=True) if low)
        raise ClashingLimits((Limit("total", "headcount"), *floors))
    if int(upper.sum()) < least:
        raise ClashingLimits((Limit("total", "headcount"), *(Limit("cap", region) for region in regions)))
    return Places(lower, upper, least, most)


def _levers(regions: list[str], places: Places) -> Levers:
    """The same as levers, for what only wants sizes and names."""
    n, most = len(regions), float(places.most)
    each = np.full(n, most / n)
    group, totals = np.zeros(n, dtype=np.int64), np.array([most])
    return Levers(tuple(regions), group, totals, floats(places.lower), floats(places.upper), each, 1.0, 1.0)


def hire_names(plan: Plan, region: str) -> Iterator[str]:
    """`North hire 1` and so on, but for names that the plan has."""
    taken = {rep.name for rep in plan.reps}
    k = 0
    while True:
        k += 1
        if f"{region} hire {k}" not in taken:
            yield f"{region} hire {k}"


def _with_hires(plan: Plan, wanted: DecideHeadcount, regions: Sequence[str], x: FloatArray) -> Plan:
    """The plan with so many more reps in each region, nobody left to hire, and shares of leads for them."""
    given = wanted.rep.model_dump(exclude={"cost_per_month"}, exclude_unset=True)
    like = {name: getattr(wanted.rep, name) for name in given}
    hires = [
        Rep(name=name, region=(region,)).model_copy(update=like)
        for region, count in zip(regions, np.rint(x).astype(int).tolist(), strict=True)
        for name, _ in zip(hire_names(plan, region), range(count), strict=False)
    ]
    decide = plan.decide.model_copy(update={"headcount": None}) if plan.decide else None
    routed = {
        name: source.model_copy(update={"routing": _shared(plan, source.routing, hires)})
        for name, source in plan.sources.items()
        if source.routing is not None
    }
    return plan.model_copy(
        update={
            "reps": (*plan.reps, *hires),
            "routing": _shared(plan, plan.routing, hires),
            "sources": {**plan.sources, **routed},
            "decide": decide,
        }
    )


def _shared(plan: Plan, routing: Routing, hires: Sequence[Rep]) -> Routing:
    """Where leads go by share, a hire's is the mean of those who have one and whose cell the hire may take."""
    if routing.rule != "share" or not hires:
        return routing
    territory = territories(plan.regions)

    def more(table: Mapping[str, float], takers: Sequence[Rep]) -> dict[str, float]:
        had = [weight for weight in table.values() if weight > 0.0]
        mean = float(np.mean(had)) if had else 0.0
        return {**table, **({rep.name: mean for rep in takers} if mean > 0.0 else {})}

    cells: dict[str, dict[str, dict[str, float]]] = {}
    for region, by_product in routing.share.cells.items():
        at = territory.names.index(region)
        here = [rep for rep in hires if covered(territory, rep.region)[at]]
        cells[region] = {
            product: more(table, [rep for rep in here if not rep.products or product in rep.products])
            for product, table in by_product.items()
        }
    share = RoutingShare(reps=more(routing.share.reps, hires), cells=cells)
    return routing.model_copy(update={"share": share})


# --- what they cost ---------------------------------------------------------------------------------------------------


def hire_cost(plan: Plan, wanted: DecideHeadcount) -> float:
    """What one hire costs over the horizon: so much a month for the part of each month for which they are there."""
    first = max(plan.horizon.start, wanted.rep.start or plan.horizon.start)
    return (wanted.rep.cost_per_month or 0.0) * _months(first, plan.horizon.end)


def _months(first: date, last: date) -> float:
    """Calendar months from the first day to the end of the last, parts by their days."""
    months, day = 0.0, first
    while day <= last:
        following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        until = min(last + timedelta(days=1), following)
        months += (until - day).days / (following - day.replace(day=1)).days
        day = until
    return months


@dataclass
class Budgets:
    """The budget that is left after hires: within its limits, else in proportion to `split`, or to the plan's own."""

    loaded: LoadedPlan
    world: World
    allow_assumed: bool
    cost: float
    split: FloatArray | None = None
    known: dict[int, tuple[Decision, FloatArray] | None] = field(default_factory=dict)

    def left(self, hires: int) -> tuple[Decision, FloatArray] | None:
        """The decision and the lines' amounts; None where the limits do not allow so little."""
        if hires not in self.known:
            self.known[hires] = self._made(hires)
        return self.known[hires]

    def _total(self, hires: int) -> float:
        decide = self.loaded.plan.decide
        wanted = decide.budget if decide else None
        own = float(sum(line.amount for line in self.world.lines))
        total = wanted.total if wanted is not None and wanted.total is not None else own
        return float(np.rint((total - self.cost * hires) * self.world.minor)) / self.world.minor

    def _made(self, hires: int) -> tuple[Decision, FloatArray] | None:
        plan, total = self.loaded.plan, self._total(hires)
        assert plan.decide is not None, "it says how many may be hired"
        if total < 0.0:
            return None
        budget = (plan.decide.budget or DecideBudget()).model_copy(update={"total": total})
        changed = plan.model_copy(update={"decide": plan.decide.model_copy(update={"budget": budget})})
        try:
            decision = budget_decision(self.loaded.model_copy(update={"plan": changed}), self.world, self.allow_assumed)
        except ClashingLimits:
            return None
        assert decision is not None, "hires are paid from a budget that there is"
        own = decision.own if decision.own is not None else decision.levers.reference
        lies = own if self.split is None else self.split
        x = decision.rounded(decision.moved(lies * (total / max(1e-12, float(lies.sum())))))
        return (decision, x) if decision.violation(x) <= WITHIN else None

    def affordable(self, most: int) -> int:
        """How many hires the budget's limits leave money for."""
        if self.cost <= 0.0:
            return most
        return next((k - 1 for k in range(1, most + 1) if self.left(k) is None), most)

    def _moved(self, hires: int) -> tuple[Decision, FloatArray] | None:
        """What is left, where it is not what the plan has."""
        return self.left(hires) if self.cost > 0.0 and (hires > 0 or self.split is not None) else None

    def edits(self, hires: int) -> list[Edit]:
        """What is left of each line; a search of the budget after this one has the last word."""
        found = self._moved(hires)
        return [] if found is None else found[0].edits(found[1])

    def taken(self, plan: Plan, hires: int) -> Plan:
        """The plan with what is left of its budget."""
        found = self._moved(hires)
        if found is None:
            return plan
        plan = found[0].apply(plan, found[1])
        if plan.decide is None or plan.decide.budget is None:
            return plan
        budget = plan.decide.budget.model_copy(update={"total": self._total(hires)})
        return plan.model_copy(update={"decide": plan.decide.model_copy(update={"budget": budget})})


# --- as edits ---------------------------------------------------------------------------------------------------------


def _edits(plan: Plan, new: Plan, cost: float) -> list[Edit]:
    """The hires, what they get of leads that go by share, and what is left of the budget."""
    found: list[Edit] = [(("reps", APPENDED), _written(rep)) for rep in new.reps[len(plan.reps) :]]
    found.append((("decide", "headcount"), REMOVED))
    routings: list[tuple[tuple[str, ...], Routing | None, Routing | None]] = [
        (("routing",), plan.routing, new.routing),
        *((("sources", name, "routing"), old.routing, new.sources[name].routing) for name, old in plan.sources.items()),
    ]
    for path, was, now in routings:
        if now is not None and now != was:
            share: Any = {"reps": dict(now.share.reps), "cells": now.share.cells} if now.share.cells else now.share.reps
            found.append((path, {"rule": "share", "share": share}))
    if cost > 0.0 and len(new.reps) > len(plan.reps) and new.decide is not None and new.decide.budget is not None:
        found.append((("decide", "budget", "total"), _plain(new.decide.budget.total or 0.0)))
    return found


def _written(rep: Rep) -> dict[str, Any]:
    """A rep as an author would write it: what is said of it, and no more."""
    found = {name: _plain(value) for name, value in rep.model_dump(exclude_unset=True).items()}
    found["region"] = rep.region[0]
    if rep.start is not None:
        found["start"] = date.fromordinal(rep.start.toordinal())  # one of its own: YAML names what stands twice
    if rep.ramp is not None:
        found["ramp"] = {"over": str(rep.ramp.over), "starts_at": rep.ramp.starts_at}
    return {name: value for name, value in found.items() if value is not None and value != [] and value != {}}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items() if item is not None}
    return int(value) if isinstance(value, float) and value.is_integer() else value


# --- the search -------------------------------------------------------------------------------------------------------


def hire(paths: Paths, work: Work) -> Found:
    """Place the hires of a `Headcount` decision, within the work limit."""
    started = time.perf_counter()
    decision = paths.decision
    assert isinstance(decision, Headcount), "called for hires only"
    places, state = decision.places, SearchState(paths, work, decision.levers)
    reference = in_proportion(paths.loaded.plan, decision, places.most)
    looks = max(COUNTED_OUT, 2 * len(places.lower) * places.most)
    n = _paths(work, min(looks, how_many(places, looks)))
    ahead = _Looks(paths, _widths(paths, reference, min(n, BLOCK)), n)
    found = search_places(ahead.values, places, looks, state.stopped)
    nobody = np.zeros(len(reference))
    stands = decision.violation(nobody) <= WITHIN
    points = {"plan": nobody} if stands and decision.budgets.split is None else {}
    points |= {"reference": reference} | {_named(way, decision): floats(way.x) for way in found[:FINALISTS]}
    searched = time.perf_counter() - started
    state.next_path = 2 * n
    finalists, selected = chosen(state, different(points))
    best = finalists[selected.best]
    in_selection = time.perf_counter() - started - searched
    marginal = None if state.stopped() else ahead.one_more(best.x, decision)
    beside = in_proportion(paths.loaded.plan, decision, round(float(np.sum(best.x))))
    return came_to(state, (beside, nobody, stands), (finalists, selected), started, in_selection, marginal)


def in_proportion(plan: Plan, decision: Headcount, hires: int) -> FloatArray:
    """So many hires in proportion to the reps whom regions have, within their limits."""
    territory = territories(plan.regions)
    regions = [region for _, region, _ in decision.cells]
    reps = np.array([sum(region in rep.region for rep in plan.reps) for region in regions], dtype=np.float64)
    if not reps.any():
        inside = [covered(territory, rep.region) for rep in plan.reps]
        reps = np.array([sum(bool(at[territory.names.index(region)]) for at in inside) for region in regions]) + 1e-9
    places, x = decision.places, decision.places.lower.astype(np.float64)
    while x.sum() < hires and np.any(x < places.upper):
        short = np.where(x < places.upper, hires * reps / reps.sum() - x, -np.inf)
        x[int(np.argmax(short))] += 1.0
    return x


def _paths(work: Work, looks: int) -> int:
    """Paths of a look: whole blocks where there are many."""
    n = int(np.clip((work.paths - work.selection) // max(1, looks), FEWEST, MOST))
    return n if n < BLOCK else BLOCK * (n // BLOCK)


def _named(way: Way, decision: Headcount) -> str:
    """`North 2, South 1`."""
    counts = zip(decision.cells, way.x.tolist(), strict=True)
    return ", ".join(f"{region} {count}" for (_, region, _), count in counts if count) or "nobody"


def _widths(paths: Paths, x: FloatArray, n: int) -> FloatArray:
    """Of the sigmoids: of the margins' spread, and of how far they lie below 0."""
    margins, _ = paths.aim.objective.event_margins(paths.margins(x, 0, n, SEARCH))
    below = np.minimum(0.0, np.mean(margins, axis=0))
    return np.asarray(WIDTH * np.maximum(1e-12, np.hypot(np.std(margins, axis=0), below)), dtype=np.float64)


@dataclass(frozen=True)
class _Looks:
    """The smoothed objective of several ways on the paths of a stage, which are common to them."""

    paths: Paths
    widths: FloatArray
    n: int

    def values(self, xs: Sequence[IntArray], stage: int) -> FloatArray:
        """One value for each way."""
        points = [np.asarray(x, dtype=np.float64) for x in xs]
        paths, first = without_slopes(self.paths.margins), stage * self.n
        objective, how = self.paths.aim.objective, self.paths.how
        return look(paths, points, objective, self.widths, first, self.n, SEARCH, how).values

    def one_more(self, x: FloatArray, decision: Headcount) -> FloatArray:
        """What one hire more in each region would do for the smoothed odds, the money for them apart."""
        paid = round(float(np.sum(x)))
        free = replace(decision, apply=lambda plan, y: decision.hired(plan, y, paid))
        more = [np.rint(y).astype(np.int64) for y in (x, *(x + one for one in np.eye(len(x))))]
        values = replace(self, paths=replace(self.paths, decision=free)).values(more, 1)
        return np.asarray(values[1:] - values[0], dtype=np.float64)
