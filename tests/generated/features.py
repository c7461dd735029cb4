"""What a generated plan and its replications cover, by name; and the least share of plans that must cover each.

A strategy goes blank in silence: a draw that is always refused, a stage that no deal reaches. So what plans cover is
counted, from the plan as loaded for what is written in it and from the event log for what came of it, and held against
`LEAST`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.outcomes import OPEN, Kind, Outcome
from engine.plan.types import Goal, Plan, Rep, Source, Stage, Uncertain
from engine.routing import NOBODY
from engine.world import World
from tests.generated.plans import Case

# The least share of plans, in percent, that cover a feature: a third of what was counted, or less where it is rare.
_BY_SHARE: dict[float, tuple[str, ...]] = {
    20.0: (
        "a rep's products", "a rep's region", "activities", "advance 1", "attribution", "deal value: constant",
        "events of two deals at one instant", "events of two kinds at one instant", "happens: advanced",
        "happens: arrived", "happens: booked", "happens: lost", "happens: stale", "happens: started",
        "happens: worked", "minor units: 100", "mix", "nested regions", "non-Latin names", "odds of products",
        "odds of reps", "odds of sources", "open at the end", "open deal's owner", "open deal's value", "open deals",
        "prospecting", "quotas by month", "routing: round_robin", "several months", "source's own economy",
        "stages after the won one", "stale after hours", "uncertain advance", "wait in calendar days",
        "wait: constant", "wait_lost", "wait_lost: constant", "work: constant",
    ),
    5.0: (
        "a month in which nobody works", "a rep without hours", "a rep's segments", "a single day of work",
        "account's money", "account's owner", "account's region", "actuals", "advance 0", "all times constant",
        "an event at the very end", "an event on a month's boundary", "as_of", "calendar: of CN", "calendar: plain",
        "calendar: weekdays", "classes, best first", "deal value: empirical", "deal value: exponential",
        "deal value: from a file", "deal value: lognormal", "deal value: quantiles", "deal value: triangular",
        "deal value: uniform", "deal value: weibull", "economy", "from accounts", "goal every month",
        "goal every quarter", "goal of goals", "goal's window", "leads per day", "leads per month",
        "list, spread: even", "list, spread: start", "list, spread: year", "lost after it was won", "minor units: 1",
        "minor units: 1000", "no work at all", "odds of classes", "odds of segments", "one month",
        "open deal's age in cd", "open deal's age in d", "open deal's age in h", "open deal's segment", "quotas",
        "response: hill", "response: linear", "routing: least_loaded", "routing: share", "routing: share by cell",
        "season", "segments", "several desks a rep", "several lines a desk", "source enters",
        "source's routing: round_robin",
        "stale after calendar days", "stale in a queue, or without work", "stale in a wait", "wait: empirical",
        "wait: exponential", "wait: from a file", "wait: lognormal", "wait: quantiles", "wait: weibull",
        "work: lognormal", "work: quantiles", "a rep's end", "a rep's ramp", "a rep's start", "who is there changes",
        "uncertain odds of a rep", "uncertain odds of a product",
    ),
    2.0: (
        "a lead that nobody takes", "a single deal", "a year or more", "account's segment", "budget by month",
        "budget by product", "budget by region", "classes, none first", "economy by region",
        "economy with a known index", "goal in words", "goal of an activity", "goal of quotas", "goal where product",
        "goal where region", "goal where rep", "goal where source", "nothing happens", "open deal's age in mo",
        "open deal's age in w", "prospecting enters", "prospecting mix", "source's routing: least_loaded",
        "source's routing: share", "source's routing: share by cell", "wait: uniform", "wait_lost: empirical",
        "wait_lost: from a file", "wait_lost: lognormal", "wait_lost: quantiles", "work: empirical",
        "work: from a file", "work: uniform", "work: weibull", "happens: handed_over", "speeds differ by month",
        "uncertain odds of a source", "uncertain deal value",
        "source's growth", "source's growth_sd", "source's season_sd", "source's overdispersion",
        "uncertain time: quantiles",
        "uncertain time: lognormal",
        "months' odds", "months' waits", "months' odds, some known", "months' waits, some known",
        "uncertain months' odds", "waits of a rep", "waits of a product", "waits of a source",
    ),
    0.4: (
        "a deal that nobody takes over, or stale as its rep leaves", "a rep turns to two deals at one instant",
        "all times constant, several lists at once", "calendar: of DE",
        "calendar: of SA", "calendar: of US", "goal where segment", "handed over after it advanced",
        "handed over after it arrived", "handed over after it booked", "handed over after it handed_over",
        "handed over after it started", "handed over after it worked", "no sources", "wait: triangular",
        "wait_lost: exponential", "wait_lost: triangular", "wait_lost: uniform", "wait_lost: weibull",
        "work: exponential", "work: triangular", "source's leads_sd", "uncertain odds of a segment",
        "uncertain economy", "uncertain months' waits", "uncertain waits of a rep", "uncertain waits of a product",
        "uncertain waits of a source",
        "uncertain time: exponential", "uncertain time: weibull", "uncertain response", "response that carries over",
    ),
    0.1: (
        "as_of after the last working day", "thousands of leads", "very many products", "very many regions",
        "very many reps", "very many segments", "very many sources", "very many stages",
    ),
}  # fmt: skip
LEAST = {name: least for least, names in _BY_SHARE.items() for name in names}


def shortfalls(counts: Counter[str], plans: int) -> list[str]:
    """What too few of so many plans cover, and what they cover that `LEAST` does not know.

    A feature of which three plans are not expected is let off. What is asked for is at most a third of what was
    counted: by chance alone less than that comes up in one of a thousand other draws, and in the same draw never.
    """
    found = [
        f"{name}: {counts[name]} of {plans} plans, at least {least}% expected"
        for name, least in LEAST.items()
        if least * plans >= 250 and counts[name] * 100 < least * plans
    ]
    return found + [f"{name}: {counts[name]} of {plans} plans, no share known" for name in counts.keys() - LEAST.keys()]


def covered(case: Case, outcomes: Sequence[Outcome]) -> set[str]:
    """All that a case covers."""
    plan, files, world = case.loaded.plan, case.loaded.files, case.world
    found = {*_of_plan(plan, world), *_of_goals(plan)}
    for stage in plan.stages:
        found.update(_of_stage(stage))
    for source in plan.sources.values():
        found.update(_of_source(source))
    for rep in plan.reps:
        found.update(_of_rep(rep))
    for deal in files.pipeline:
        found.update({"open deals", f"open deal's age in {deal.age.unit}"})
        found.update(f"open deal's {name}" for name in ("owner", "value", "segment") if getattr(deal, name) is not None)
    for account in files.accounts:
        found.update(
            f"account's {n}" for n in ("owner", "segment", "money", "region") if getattr(account, n) is not None
        )
    if files.actuals:
        found.add("actuals")
    if case.attribution is not None:
        found.add("attribution")
    for outcome in outcomes:
        assert outcome.log is not None
        found.update(_of_log(world, outcome.log))
        if outcome.reps[:, OPEN].any():
            found.add("open at the end")
    return found


def _of_plan(plan: Plan, world: World) -> Iterator[str]:
    calendar = plan.calendar
    yield "calendar: " + ("plain" if calendar.days else f"of {calendar.country}" if calendar.country else "weekdays")
    months = np.diff(world.cal.month_ends, prepend=0.0)
    yield f"{'one month' if len(months) == 1 else 'a year or more' if len(months) > 11 else 'several months'}"
    if (months == 0.0).any():
        yield "a month in which nobody works"
    if world.cal.horizon_hours <= world.cal.hours_per_day:
        yield "a single day of work"
    if plan.horizon.as_of is not None:
        yield "as_of"
        if world.start > world.cal.horizon_hours:
            yield "as_of after the last working day"
    if world.territory.parent.max() >= 0:
        yield "nested regions"
    for kind, size in (("reps", plan.reps), ("products", plan.products), ("segments", plan.segments)):
        if len(size) > 99:
            yield f"very many {kind}"
    for kind, count in (("regions", len(world.regions)), ("stages", len(plan.stages)), ("sources", len(plan.sources))):
        if count > 30:
            yield f"very many {kind}"
    names = (*(rep.name for rep in plan.reps), *plan.products, *world.regions, *plan.sources)
    if not all(name.isascii() for name in names):
        yield "non-Latin names"
    if plan.segments:
        yield "segments"
    if any(segment.advance for segment in plan.segments.values()):
        yield "odds of segments"
    if any(product.advance for product in plan.products.values()):
        yield "odds of products"
    for product in plan.products.values():
        yield f"deal value: {'from a file' if product.deal_value.file else product.deal_value.kind}"
    if plan.customers is not None:
        yield "classes, best first" if plan.customers.priority else "classes, none first"
        if plan.customers.advance:
            yield "odds of classes"
    for holder in (*plan.reps, *plan.products.values(), *plan.segments.values(), *plan.sources.values()):
        if holder.advance_sd:
            yield f"uncertain odds of a {type(holder).__name__.lower()}"
    for other in (*plan.reps, *plan.products.values(), *plan.sources.values()):
        if other.wait:
            yield f"waits of a {type(other).__name__.lower()}"
        if other.wait_sd:
            yield f"uncertain waits of a {type(other).__name__.lower()}"
    for product in plan.products.values():
        if product.deal_value.of is not None:
            yield "uncertain deal value"
    if plan.economy is not None and plan.economy.draws:
        yield "uncertain economy"
    if plan.economy is not None:
        yield "economy"
        if plan.economy.index:
            yield "economy with a known index"
        if plan.economy.regional_sd:
            yield "economy by region"
    yield f"routing: {plan.routing.rule}" + (" by cell" if plan.routing.share.cells else "")
    yield f"minor units: {world.minor:g}"
    yield from _of_times(plan, world)


def _of_times(plan: Plan, world: World) -> Iterator[str]:
    times = [t for s in plan.stages for t in (s.work, s.wait, s.wait_lost) if t is not None]
    if not world.stages.has_work.any():
        yield "no work at all"
    if all(t.kind == "constant" for t in times):
        yield "all times constant"
    starts = [s for s in plan.sources.values() if s.spread == "start" and s.prospects]
    if all(t.kind == "constant" for t in times) and len(starts) > 1:
        yield "all times constant, several lists at once"
    if not plan.sources:
        yield "no sources"
    if world.stages.won + 1 < len(plan.stages):
        yield "stages after the won one"


def _of_stage(stage: Stage) -> Iterator[str]:
    for name in ("work", "wait", "wait_lost"):
        dist = getattr(stage, name)
        if dist is not None:
            yield f"{name}: {'from a file' if dist.file else dist.kind}"
    if stage.wait_lost is not None:
        yield "wait_lost"
    for dist in (stage.wait, stage.wait_lost):
        numbers = () if dist is None else (dist.value, dist.mean, dist.median, dist.low, *dist.values)
        if dist is not None and (dist.unit == "cd" or any(n is not None and n.unit in ("cd", "mo") for n in numbers)):
            yield "wait in calendar days"
    if stage.stale_after is not None:
        yield "stale after calendar days" if stage.stale_after.unit in ("cd", "mo") else "stale after hours"
    if isinstance(stage.advance, Uncertain):
        yield "uncertain advance"
    elif stage.advance in (0.0, 1.0):
        yield f"advance {stage.advance:g}"
    for dist in (stage.work, stage.wait, stage.wait_lost):
        if dist is not None and dist.of is not None:
            yield f"uncertain time: {dist.kind}"
    for what, months in (("odds", stage.advance_months), ("waits", stage.wait_months)):
        if months is not None:
            yield f"months' {what}"
            if months.known:
                yield f"months' {what}, some known"
            if months.draws:
                yield f"uncertain months' {what}"
    if stage.activities:
        yield "activities"


def _of_source(source: Source) -> Iterator[str]:
    if source.prospects is not None:
        yield f"list, spread: {source.spread}"
        if source.prospects >= 1000:
            yield "thousands of leads"
    if source.leads_per_day is not None:
        yield "leads per day"
    if source.leads_per_month is not None:
        yield "leads per month"
    if source.season:
        yield "season"
    if source.response is not None:
        yield "response: hill" if source.response.hill else "response: linear"
        below = tuple(source.budget.values()) if isinstance(source.budget, dict) else ()
        if below:
            yield "budget by product" if any(isinstance(b, dict) for b in below) else "budget by region"
        inner = [s for b in below for s in (b.values() if isinstance(b, dict) else (b,))]
        if any(isinstance(spend, tuple) for spend in inner):
            yield "budget by month"
        if source.response.carry_over:
            yield "response that carries over"
        if source.response.hill is not None and source.response.hill.draws:
            yield "uncertain response"
    for name in ("growth", "leads_sd", "growth_sd", "season_sd", "overdispersion"):
        if getattr(source, name):
            yield f"source's {name}"
    if source.mix is not None:
        yield "mix"
    if source.enters is not None:
        yield "source enters"
    if source.routing is not None:
        yield f"source's routing: {source.routing.rule}" + (" by cell" if source.routing.share.cells else "")
    if source.from_accounts:
        yield "from accounts"
    if source.advance:
        yield "odds of sources"
    if source.economy != 1.0:
        yield "source's own economy"


def _of_rep(rep: Rep) -> Iterator[str]:
    if rep.hours_per_week == 0:
        yield "a rep without hours"
    for name in ("region", "products", "segments"):
        if getattr(rep, name):
            yield f"a rep's {name}"
    if len(rep.focus) > 1 and rep.idle_hours == "kept":
        yield "several desks a rep"
    if rep.focus and rep.idle_hours == "lent":
        yield "several lines a desk"
    if rep.prospecting is not None and rep.prospecting.hours_per_week:
        yield "prospecting"
        if rep.prospecting.enters is not None:
            yield "prospecting enters"
        if rep.prospecting.mix is not None:
            yield "prospecting mix"
    for name in ("start", "end", "ramp"):
        if getattr(rep, name) is not None:
            yield f"a rep's {name}"
    if rep.advance:
        yield "odds of reps"
    if rep.quota is not None:
        yield "quotas by month" if rep.quota.months else "quotas"


def _of_goals(plan: Plan) -> Iterator[str]:
    activities = {name for stage in plan.stages for name in stage.activities}
    for goal in plan.goals.values():
        yield from _of_goal(goal, activities)


def _of_goal(goal: Goal, activities: set[str]) -> Iterator[str]:
    if goal.statement is not None:
        yield "goal in words"
    if goal.every is not None:
        yield f"goal every {goal.every}"
    if goal.all_of is not None:
        yield "goal of quotas" if goal.all_of == "quotas" else "goal of goals"
    if goal.since is not None or goal.until is not None:
        yield "goal's window"
    for name in type(goal.where).model_fields:
        if getattr(goal.where, name):
            yield f"goal where {name}"
    if goal.metric in activities:
        yield "goal of an activity"


def _of_log(world: World, log: NDArray[np.void]) -> Iterator[str]:
    """What came of a plan in one replication."""
    if not len(log):
        yield "nothing happens"
        return
    if len(np.unique(log["deal"])) == 1:
        yield "a single deal"
    time, kind, deal, stage = log["time"], log["kind"], log["deal"], log["stage"]
    for what in Kind:
        if (kind == what).any():
            yield f"happens: {what.name.lower()}"
    if (log["rep"] == NOBODY).any():
        yield "a lead that nobody takes"
    if ((kind == Kind.LOST) & (stage > world.stages.won)).any():
        yield "lost after it was won"
    tied = (time[1:] == time[:-1]) & (deal[1:] != deal[:-1])
    if tied.any():
        yield "events of two deals at one instant"
    if (tied & (kind[1:] != kind[:-1])).any():
        yield "events of two kinds at one instant"
    if np.isin(time, world.cal.month_ends[:-1]).any():
        yield "an event on a month's boundary"
    if (time == world.cal.horizon_hours).any():
        yield "an event at the very end"
    yield from _of_queues(log)
    yield from _of_staff(world, log)


def _of_queues(log: NDArray[np.void]) -> Iterator[str]:
    """Deals that went stale in a queue and while a customer took time, and reps with several desks at work."""
    worked = {(int(r["deal"]), int(r["visit"])) for r in log[log["kind"] == Kind.WORKED]}
    stale = log[log["kind"] == Kind.STALE]
    waiting = {(int(r["deal"]), int(r["visit"])) in worked for r in stale}
    if False in waiting:
        yield "stale in a queue, or without work"
    if True in waiting:
        yield "stale in a wait"
    starts = log[log["kind"] == Kind.STARTED]
    if len(starts) and np.unique(starts[["time", "rep"]], return_counts=True)[1].max() > 1:
        yield "a rep turns to two deals at one instant"


def _of_staff(world: World, log: NDArray[np.void]) -> Iterator[str]:
    """What was handed over: deals that waited for their rep, were worked on, or waited for their customer."""
    if len(world.staffing.changes):
        yield "who is there changes"
    if (world.desks.by_month > 0.0).any() and (world.desks.by_month != world.desks.speed[:, None]).any():
        yield "speeds differ by month"
    last: dict[int, int] = {}
    for row in log:
        kind, deal = int(row["kind"]), int(row["deal"])
        if kind == Kind.HANDED_OVER and deal in last:
            before = Kind(last[deal]).name.lower()
            yield f"handed over after it {before}"
        if kind == Kind.STALE and float(row["time"]) == world.staffing.until[row["rep"]]:
            yield "a deal that nobody takes over, or stale as its rep leaves"
        last[deal] = kind
