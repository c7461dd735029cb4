"""Whole-plan checks of the optimiser's limits: those that cannot hold together at a glance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.plan.decide import (
    PARTS,
    AtLeast,
    Decide,
    DecideBudget,
    DecideHeadcount,
    Weighted,
    lines_called,
    wished_goals,
)
from engine.plan.feeding import budget_cells
from engine.plan.types import Plan
from engine.problems import Problem


def amount_of(spend: Any) -> float:
    """An amount however it is split: by month, region or product."""
    if isinstance(spend, Mapping):
        return sum(amount_of(item) for item in spend.values())
    if isinstance(spend, (list, tuple)):
        return float(sum(spend))
    return float(spend or 0.0)


def planned_budget(plan: Plan) -> float:
    """The sum of the plan's own budgets."""
    return sum(amount_of(source.budget) for source in plan.sources.values())


def clashes(plan: Plan) -> Iterator[Problem]:
    """Limits that exclude each other."""
    if plan.decide is None:
        return
    yield from _wish(plan, plan.decide)
    quotas = plan.decide.quotas
    if quotas is not None and quotas.over_assignment[0] > quotas.over_assignment[1]:
        low, high = quotas.over_assignment
        yield Problem("decide.quotas.over_assignment", f"[{low:g}, {high:g}]", "the least first, then the most")
    if plan.decide.budget is not None:
        yield from _budget(plan, plan.decide.budget)
    if plan.decide.headcount is not None:
        yield from _headcount(plan, plan.decide.headcount)
    budget = plan.decide.budget
    if plan.decide.territory is not None and budget is not None and (budget.minimum or budget.either):
        expected = "neither minimum nor either in decide.budget beside it: those switch lines on and off"
        yield Problem("decide.territory", "", expected)


def _wish(plan: Plan, decide: Decide) -> Iterator[Problem]:
    for path, name in wished_goals(decide):
        if name in plan.goals and not plan.goals[name].measurable:
            yield Problem(path, name, "a goal with a metric and at_least, or all_of")
    wish = decide.maximise
    if isinstance(wish, AtLeast):
        for name, count in Counter(wish.of).items():
            if count > 1:
                yield Problem("decide.maximise.of", f"{name}, {count} times", "each goal once")
        if wish.at_least > len(wish.of):
            yield Problem(
                "decide.maximise.at_least", str(wish.at_least), f"no more than the {len(wish.of)} goals of it"
            )
    if isinstance(wish, Weighted) and not any(wish.weighted.values()):
        yield Problem("decide.maximise.weighted", "0 for all", "a weight above 0 for at least one goal")


def _budget(plan: Plan, budget: DecideBudget) -> Iterator[Problem]:
    path = "decide.budget"
    total = budget.total if budget.total is not None else planned_budget(plan)
    floors, caps = (sum(map(amount_of, table.values())) for table in (budget.floors, budget.caps))
    if floors > total * (1 + 1e-9):
        yield Problem(f"{path}.floors", f"{floors:,.0f} in all", f"no more than the total, {total:,.0f}")
    if budget.step is not None and budget.step > total > 0:
        yield Problem(f"{path}.step", f"{budget.step:,.0f}", f"no more than the total, {total:,.0f}")
    budgeted = [name for name, source in plan.sources.items() if source.budget is not None]
    minimum = budget.minimum if isinstance(budget.minimum, Mapping) else {}
    for word, table in (("floors", budget.floors), ("caps", budget.caps), ("minimum", minimum)):
        for source in table:
            if source in plan.sources and source not in budgeted:
                known = ", ".join(budgeted) or "there is none"
                yield Problem(f"{path}.{word}.{source}", source, f"a source with a budget ({known})")
    yield from _floors_over_caps(f"{path}.floors", budget.floors, budget.caps)
    yield from _either(plan, budget)
    if budget.months:
        whole = [name for name, source in plan.sources.items() if ("", "") in budget_cells(source)]
        if whole:
            expected = f"a budget by region, which may have months, for {', '.join(whole)}"
            yield Problem(f"{path}.months", "true", expected)
        if budget.minimum or budget.either:
            yield Problem(f"{path}.months", "true", "neither minimum nor either beside it: those are for whole lines")
    if budgeted and set(budgeted) <= set(budget.caps) and budget.total is not None and caps < budget.total * (1 - 1e-9):
        yield Problem(f"{path}.caps", f"{caps:,.0f} in all", f"at least the total, {budget.total:,.0f}, or a cap less")


def _headcount(plan: Plan, headcount: DecideHeadcount) -> Iterator[Problem]:
    path, hire = "decide.headcount", headcount.rep
    if headcount.at_least is not None and headcount.at_least > headcount.total:
        yield Problem(f"{path}.at_least", str(headcount.at_least), f"no more than the total, {headcount.total}")
    if sum(headcount.floors.values()) > headcount.total:
        yield Problem(f"{path}.floors", f"{sum(headcount.floors.values())} in all", f"at most {headcount.total}")
    for region, floor in headcount.floors.items():
        if region in headcount.caps and floor > headcount.caps[region]:
            yield Problem(f"{path}.floors.{region}", str(floor), f"no more than its cap, {headcount.caps[region]}")
    for word, table in (("floors", headcount.floors), ("caps", headcount.caps)):
        for region in table:
            if headcount.regions and region not in headcount.regions:
                expected = f"a region of decide.headcount.regions ({', '.join(headcount.regions)})"
                yield Problem(f"{path}.{word}.{region}", region, expected)
    if hire.start is not None and hire.start > plan.horizon.end:
        expected = f"a date no later than the horizon's end, {plan.horizon.end}"
        yield Problem(f"{path}.rep.start", str(hire.start), expected)
    if hire.prospecting is not None and hire.prospecting.mix is not None:
        yield Problem(f"{path}.rep.prospecting.mix", "a mix", "none: they prospect in the region that they get")
    if hire.prospecting is not None and hire.prospecting.hours_per_week > hire.hours_per_week:
        found = f"{hire.prospecting.hours_per_week:g}"
        yield Problem(f"{path}.rep.prospecting.hours_per_week", found, f"no more than {hire.hours_per_week:g}")
    if hire.cost_per_month and planned_budget(plan) <= 0 and not (plan.decide and plan.decide.budget):
        yield Problem(f"{path}.rep.cost_per_month", f"{hire.cost_per_month:,.0f}", "a budget that it is taken from")


def least_of_lines(budget: DecideBudget, lines: Sequence[tuple[str, str, str]]) -> list[float]:
    """The least that each line (source, region, product) gets if it gets anything; 0 where nothing is said."""

    def least(limit: Any, parts: tuple[str, ...]) -> float:
        if isinstance(limit, Mapping):
            return least(limit.get(parts[0], 0.0), parts[1:]) if parts else 0.0
        return float(limit)

    return [least(budget.minimum, line) for line in lines]


def _either(plan: Plan, budget: DecideBudget) -> Iterator[Problem]:
    lines = [(name, *cell) for name, source in plan.sources.items() for cell in budget_cells(source)]
    least = least_of_lines(budget, lines)
    for label, one in budget.either.items():
        path = f"decide.budget.either.{label}"
        members = sorted({i for name in one.of for i in lines_called(name, lines)})
        most = len(members) if one.at_most is None else one.at_most
        if one.at_most is None and one.at_least == 0:
            yield Problem(path, "", "at_most or at_least: how many of its lines may be, or must be, spent on")
        if members and one.at_least > min(most, len(members)):
            expected = f"no more than at_most, and than the {len(members)} lines of it"
            yield Problem(f"{path}.at_least", str(one.at_least), expected)
        without = [PARTS.join(part for part in lines[i] if part) for i in members if least[i] <= 0]
        if one.at_least > 0 and without:
            expected = f"a minimum in decide.budget for {', '.join(without[:5])}: what counts as being spent on"
            yield Problem(f"{path}.at_least", str(one.at_least), expected)


def _floors_over_caps(path: str, floors: Mapping[str, Any], caps: Mapping[str, Any]) -> Iterator[Problem]:
    for name, floor in floors.items():
        cap = caps.get(name)
        if cap is None:
            continue
        if isinstance(floor, Mapping) and isinstance(cap, Mapping):
            yield from _floors_over_caps(f"{path}.{name}", floor, cap)
        elif not isinstance(cap, Mapping) and amount_of(floor) > cap:
            yield Problem(f"{path}.{name}", f"{amount_of(floor):,.0f}", f"no more than its cap, {cap:,.0f}")
