"""Whole-plan checks of time: dates against the horizon, lists of months, and the order of stages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from engine.calendar import WorkCalendar
from engine.plan.names import Names
from engine.plan.types import Plan, PlanFiles
from engine.problems import Problem


def _inside(path: str, date: dt.date | None, plan: Plan) -> Iterator[Problem]:
    horizon = plan.horizon
    if date is not None and not horizon.start <= date <= horizon.end:
        yield Problem(path, str(date), f"a date inside the horizon, {horizon.start} to {horizon.end}")


def dates_and_months(plan: Plan, files: PlanFiles, cal: WorkCalendar) -> Iterator[Problem]:
    """Dates outside the horizon, and lists by month that have not as many months."""
    yield from _goal_dates(plan)
    yield from _rep_dates(plan)
    yield from _happened(plan, files)
    months = len(cal.month_labels)
    span = f"{months} numbers, one for each month of the horizon ({cal.month_labels[0]} to {cal.month_labels[-1]})"
    if plan.phasing and (len(plan.phasing) != months or not any(plan.phasing)):
        yield Problem("phasing", f"{len(plan.phasing)} weights", span + ", not all zero")
    if plan.economy is not None and plan.economy.index and len(plan.economy.index) != months:
        yield Problem("economy.index", f"{len(plan.economy.index)} numbers", span)
    yield from _quota_months(plan, months)
    for name, source in plan.sources.items():
        if not isinstance(source.budget, dict):
            continue
        for region, below in source.budget.items():
            cells = {f"{region}.{p}": s for p, s in below.items()} if isinstance(below, dict) else {region: below}
            for cell, spend in cells.items():
                if isinstance(spend, tuple) and len(spend) != months:
                    yield Problem(f"sources.{name}.budget.{cell}", f"{len(spend)} numbers", span)


def _goal_dates(plan: Plan) -> Iterator[Problem]:
    for name, goal in plan.goals.items():
        yield from _inside(f"goals.{name}.since", goal.since, plan)
        yield from _inside(f"goals.{name}.until", goal.until, plan)
        if goal.since is not None and goal.until is not None and goal.since > goal.until:
            yield Problem(f"goals.{name}.until", str(goal.until), f"a date on or after since, {goal.since}")


def _rep_dates(plan: Plan) -> Iterator[Problem]:
    horizon = plan.horizon
    for rep in plan.reps:
        path = f"reps.{rep.name}"
        if rep.start is not None and rep.start > horizon.end:
            yield Problem(f"{path}.start", str(rep.start), f"a date no later than the horizon's end, {horizon.end}")
        if rep.end is not None and rep.end < horizon.start:
            expected = f"a date on or after the horizon's start, {horizon.start}; leave out who has left before"
            yield Problem(f"{path}.end", str(rep.end), expected)
        elif rep.start is not None and rep.end is not None and rep.end < rep.start:
            yield Problem(f"{path}.end", str(rep.end), f"a date on or after the rep's start, {rep.start}")


def _happened(plan: Plan, files: PlanFiles) -> Iterator[Problem]:
    horizon = plan.horizon
    if horizon.as_of is not None and horizon.as_of >= horizon.end:
        yield Problem("horizon.as_of", str(horizon.as_of), f"a date before the horizon's end, {horizon.end}")
    if plan.actuals is None:
        return
    if horizon.as_of is None:
        yield Problem("horizon.as_of", "", "the last day that has happened, since the plan has actuals")
        return
    for i, row in enumerate(files.actuals):
        if not horizon.start <= row.date <= horizon.as_of:
            expected = f"a date from the horizon's start to as_of, {horizon.start} to {horizon.as_of}"
            yield Problem(f"{plan.actuals.file}, record {i + 1}, date", str(row.date), expected)


def _quota_months(plan: Plan, months: int) -> Iterator[Problem]:
    for rep in plan.reps:
        quota = rep.quota
        if quota is None or not quota.months:
            continue
        path = f"reps.{rep.name}.quota"
        if len(quota.months) > months:
            yield Problem(f"{path}.months", f"{len(quota.months)} months", f"no more than the horizon's {months}")
        if quota.year is None:
            continue
        total = sum(quota.months)
        if total > quota.year * (1 + 1e-9):
            yield Problem(f"{path}.months", f"{total:,.0f} in all", f"no more than the year's {quota.year:,.0f}")
        elif len(quota.months) == months and total < quota.year * (1 - 1e-9):
            yield Problem(
                f"{path}.months", f"{total:,.0f} in all", f"the year's {quota.year:,.0f}: every month is given"
            )


def out_of_order(plan: Plan, files: PlanFiles, names: Names) -> Iterator[Problem]:
    """Deals that would enter past the stage at which they are booked."""
    order = list(dict.fromkeys(names.stages))
    won = order.index(names.won) if names.won else -1
    upto = f"a stage no later than {names.won}, where deals are booked ({', '.join(order[: won + 1])})"
    entries = [(f"sources.{name}.enters", source.enters) for name, source in plan.sources.items()]
    entries += [(f"reps.{rep.name}.prospecting.enters", rep.prospecting.enters) for rep in plan.reps if rep.prospecting]
    if plan.pipeline is not None:
        entries += [(f"{plan.pipeline.file}, deal {deal.deal}, stage", deal.stage) for deal in files.pipeline]
    for path, stage in entries:
        if stage in order and order.index(stage) > won:
            yield Problem(path, stage, upto)
