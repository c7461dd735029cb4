"""Facts that need the whole plan, checked once it is typed: every problem at once, none only when it bites.

`check` is the last step of ``load``. A check is left out where a section that it needs cannot be read (that section's
own problems are reported already), and checks that compute with names run only when all names are known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from engine.calendar import WorkCalendar, resolve, to_hours
from engine.distributions import DistributionTable
from engine.plan.feeding import budget_cells, leaf_regions, unfed, unowned
from engine.plan.files import distributions
from engine.plan.focusing import unfit
from engine.plan.limits import clashes
from engine.plan.names import Names
from engine.plan.references import repeated_names, unknown_in_files, unknown_names
from engine.plan.timing import dates_and_months, out_of_order
from engine.plan.types import AmountDistribution, Plan, PlanFiles, Routing, TimeDistribution
from engine.problems import PlanRefused, Problem
from engine.territory import territories


def check(plan: Plan, files: PlanFiles, names: Names, unread: frozenset[str], *, files_read: bool) -> list[Problem]:
    """Every whole-plan problem. `unread`: sections that hold stand-ins or lack items; `names`: all that are defined."""
    problems: list[Problem] = []

    def run(needs: str, found: Callable[[], Iterator[Problem]]) -> None:
        if not unread & set(needs.split()):
            problems.extend(found())

    named = [*repeated_names(names), *unknown_names(plan, names, unread)]
    named.extend(unknown_in_files(plan, files, names))
    problems.extend(named)
    cal = _calendar(plan, unread, problems)
    problems.extend(_goals(plan, unread))
    for each in (_one_won, _stage_times, _scores, _hours, _flows, _rules, clashes):
        problems.extend(each(plan))
    problems.extend(_shares("routing", plan.routing))
    run("segments", lambda: _segments(plan))
    if cal is not None:
        problems.extend(dates_and_months(plan, files, cal))
    problems.extend(out_of_order(plan, files, names))
    if not named:
        run("sources regions products", lambda: _mixes(plan))
        run("reps regions products", lambda: _own_mixes(plan))
        run("reps regions products", lambda: unfit(plan))
        run("reps sources regions products segments routing accounts pipeline",
            lambda: unfed(plan, files, files_read=files_read))  # fmt: skip
        run("reps regions products segments", lambda: unowned(plan, files))
    if cal is not None and files_read and not problems:
        problems.extend(_known_numbers(plan, files, cal))
    return problems


def _calendar(plan: Plan, unread: frozenset[str], problems: list[Problem]) -> WorkCalendar | None:
    if unread & {"calendar", "horizon"}:
        return None
    try:
        return resolve(plan.calendar, plan.horizon)
    except PlanRefused as refused:
        problems.extend(refused.problems)
        return None


def _goals(plan: Plan, unread: frozenset[str]) -> Iterator[Problem]:
    for name, goal in plan.goals.items():
        path = f"goals.{name}"
        if goal.all_of is not None and (goal.metric is not None or goal.at_least is not None):
            yield Problem(path, "all_of beside metric and at_least", "either all_of, or metric and at_least")
        if goal.all_of is not None and goal.every is not None:
            yield Problem(f"{path}.every", goal.every, "nothing beside all_of")
        if goal.at_least is not None and goal.metric is None:
            yield Problem(f"{path}.metric", "", "what at_least counts: bookings, deals_won, leads or an activity")
        if goal.all_of == "quotas" and "reps" not in unread and not any(rep.quota for rep in plan.reps):
            yield Problem(f"{path}.all_of", "quotas", "quotas: no rep has one")
        if isinstance(goal.all_of, tuple):
            for part in goal.all_of:
                if part in plan.goals and not plan.goals[part].measurable:
                    yield Problem(f"{path}.all_of", part, "goals with a metric and at_least, or all_of")
            if not goal.all_of:
                yield Problem(f"{path}.all_of", "[]", "at least one goal")
    yield from _circles(plan)


def _circles(plan: Plan) -> Iterator[Problem]:
    """Goals that are made of themselves."""
    parts = {name: goal.all_of for name, goal in plan.goals.items() if isinstance(goal.all_of, tuple)}
    for name in parts:
        seen: set[str] = set()
        ahead = list(parts[name])
        while ahead:
            part = ahead.pop()
            if part not in seen:
                seen.add(part)
                ahead.extend(parts.get(part, ()))
        if name in seen:
            yield Problem(f"goals.{name}.all_of", ", ".join(parts[name]), "goals that are not made of this one")


def _one_won(plan: Plan) -> Iterator[Problem]:
    marked = [stage.name for stage in plan.stages if stage.won]
    if len(marked) > 1:
        yield Problem("stages", f"won: true on {', '.join(marked)}", "one stage at which deals are booked")


def _stage_times(plan: Plan) -> Iterator[Problem]:
    for stage in plan.stages:
        for path, dist in (("work", stage.work),):
            durations = [getattr(dist, name) for name in ("value", "mean", "median", "p90", "low", "mode", "high")]
            spans = [d for d in (*durations, *dist.values, *(q for _, q in dist.quantiles)) if d is not None]
            if any(d.unit in ("mo", "cd") and d.value for d in spans) or (dist.file and dist.unit in ("mo", "cd")):
                shown = ", ".join(map(str, spans)) or dist.unit
                yield Problem(f"stages.{stage.name}.{path}", shown, "working time: h, d or w")
        if stage.stale_after is not None and stage.stale_after.value == 0:
            yield Problem(f"stages.{stage.name}.stale_after", "0", "an age above zero; leave it out for never")


def _scores(plan: Plan) -> Iterator[Problem]:
    if plan.customers is None:
        return
    for name in ("money", "authority", "need"):
        dist: AmountDistribution = getattr(plan.customers, name)
        path = f"customers.{name}"
        if dist.kind in ("exponential", "lognormal", "weibull"):
            expected = "scores that stay between 0 and 1: constant, uniform, triangular, empirical or quantiles"
            yield Problem(path, dist.kind, expected)
            continue
        numbers = [dist.value, dist.high, *dist.values, *(score for _, score in dist.quantiles)]
        for number in numbers:
            if number is not None and number > 1:
                yield Problem(path, f"{number:g}", "scores between 0 and 1")
                break


def _hours(plan: Plan) -> Iterator[Problem]:
    for rep in plan.reps:
        path = f"reps.{rep.name}"
        if rep.prospecting is not None and rep.prospecting.hours_per_week > rep.hours_per_week:
            yield Problem(
                f"{path}.prospecting.hours_per_week",
                f"{rep.prospecting.hours_per_week:g}",
                f"no more than the rep's hours_per_week, which is {rep.hours_per_week:g}",
            )
        if rep.quota is not None and rep.quota.year is None and not rep.quota.months:
            yield Problem(f"{path}.quota", "{}", "an amount, or year and months")


def _flows(plan: Plan) -> Iterator[Problem]:
    for name, source in plan.sources.items():
        path = f"sources.{name}"
        kinds = [
            k for k in ("leads_per_month", "leads_per_day", "prospects", "response") if getattr(source, k) is not None
        ]
        choices = "exactly one of leads_per_month, leads_per_day, prospects and response (with a budget)"
        if len(kinds) != 1:
            yield Problem(path, ", ".join(kinds), choices)
        if source.budget is not None and source.response is None:
            yield Problem(f"{path}.response", "", "how leads answer to the budget: a hill or linear response")
        if source.response is not None and source.budget is None:
            yield Problem(f"{path}.budget", "", "the spend that the response answers to (it may be 0)")
        if source.season and (len(source.season) != 12 or not any(source.season)):
            yield Problem(f"{path}.season", f"{len(source.season)} weights", "12 weights, January first, not all zero")
        if source.season and source.prospects is not None:
            yield Problem(f"{path}.season", "", "no season beside prospects: that is an exact list, spread by `spread`")
        if source.from_accounts > 0 and plan.accounts is None:
            yield Problem(f"{path}.from_accounts", f"{source.from_accounts:g}", "accounts: {file: ...} in the plan")
        if source.routing is not None:
            yield from _shares(f"{path}.routing", source.routing)


def _segments(plan: Plan) -> Iterator[Problem]:
    if plan.segments and not any(segment.share for segment in plan.segments.values()):
        yield Problem("segments", "shares of zero", "a segment with a share above zero")


def _shares(path: str, routing: Routing) -> Iterator[Problem]:
    tables: list[tuple[str, Mapping[str, float]]] = (
        [(f"{path}.share", routing.share.reps)] if routing.share.reps else []
    )
    for region, by_product in routing.share.cells.items():
        tables.extend((f"{path}.share.{region}.{product}", by_rep) for product, by_rep in by_product.items())
    if routing.rule != "share" and tables:
        yield Problem(f"{path}.share", routing.rule, "the rule share beside shares")
    if routing.rule == "share" and not tables:
        yield Problem(f"{path}.share", "", "weights by rep, or by region, product and rep")
    for where, weights in tables:
        if not any(weights.values()):
            yield Problem(where, "all zero", "a weight above zero")


def _rules(plan: Plan) -> Iterator[Problem]:
    if plan.rules:
        yield Problem("rules", f"{len(plan.rules)} of them", "an empty list: rules are not supported in this version")


def _mixes(plan: Plan) -> Iterator[Problem]:
    """Mixes without any weight, and budgets for a region that the mix says nothing of."""
    leaves = set(leaf_regions(territories(plan.regions)))
    for name, source in plan.sources.items():
        path = f"sources.{name}"
        weights = [weight for by in (source.mix or {}).values() for weight in by.values()]
        if source.mix is not None and not any(weights):
            yield Problem(f"{path}.mix", "no weight above zero", "weights by region and product")
            continue
        for region, product in budget_cells(source):
            if not region or product:
                continue
            if source.mix is None and region not in leaves:
                expected = "a budget for the regions inside it, or a mix that names this one"
                yield Problem(f"{path}.budget.{region}", "a region with regions inside it", expected)
            elif source.mix is not None and not any(source.mix.get(region, {}).values()):
                yield Problem(f"{path}.mix.{region}", "", "weights by product: this region has a budget")


def _own_mixes(plan: Plan) -> Iterator[Problem]:
    """Prospecting for what the rep may not take."""
    territory = territories(plan.regions)
    for rep in plan.reps:
        if rep.prospecting is None or rep.prospecting.mix is None:
            continue
        path = f"reps.{rep.name}.prospecting.mix"
        own = {
            name
            for i, name in enumerate(territory.names)
            if not rep.region or any(territory.inside[territory.names.index(r), i] for r in rep.region)
        }
        if not any(weight for by in rep.prospecting.mix.values() for weight in by.values()):
            yield Problem(path, "no weight above zero", "weights by region and product")
        for region, by_product in rep.prospecting.mix.items():
            if region not in own:
                yield Problem(f"{path}.{region}", region, f"a region of the rep's own ({', '.join(rep.region)})")
            for product in by_product:
                if rep.products and product not in rep.products:
                    known = ", ".join(rep.products)
                    yield Problem(f"{path}.{region}.{product}", product, f"a product of the rep's own ({known})")


def _known_numbers(plan: Plan, files: PlanFiles, cal: WorkCalendar) -> Iterator[Problem]:
    """Distributions whose numbers make sense apart and not together, once units are hours and columns are read."""
    table = DistributionTable()
    for path, dist in distributions(plan):
        try:
            if isinstance(dist, TimeDistribution):
                table.add_time(dist, partial(to_hours, calendar=cal), files.columns, path)
            else:
                table.add_amount(dist, files.columns, 1.0, path)
        except PlanRefused as refused:
            yield from refused.problems
        if path.startswith("customers.") and dist.file is not None:
            high = max(files.columns.get(f"{dist.file}:{dist.column}", (0.0,)))
            if high > 1:
                yield Problem(path, f"{high:g} in {dist.file}", "scores between 0 and 1")
