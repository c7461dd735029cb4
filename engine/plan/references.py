"""Whole-plan checks of names: every name that is used must be one that the plan defines, and defined once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from engine.plan.decide import ALL_GOALS, PARTS, DecideBudget, DecideHeadcount, lines_called, wished_goals
from engine.plan.feeding import budget_cells
from engine.plan.forms import nearest
from engine.plan.names import Names
from engine.plan.people import Rep
from engine.plan.types import Plan, PlanFiles, Routing, Where
from engine.problems import Problem

MEASURES = ("bookings", "deals_won", "deals_lost", "deals_stale", "leads")


def _known(path: str, name: str, kind: str, known: Iterable[str]) -> Iterator[Problem]:
    names = tuple(dict.fromkeys(known))
    if name in names:
        return
    listed = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    expected = f"a {kind} of the plan ({listed})" if names else f"no {kind}: the plan defines none"
    yield Problem(path, name, expected, nearest(name, names))


def _twice(path: str, kind: str, names: Iterable[str]) -> Iterator[Problem]:
    for name, count in Counter(names).items():
        if count > 1:
            yield Problem(path, f"{name}, {count} times", f"each {kind}'s name once")


def repeated_names(names: Names) -> Iterator[Problem]:
    """Names that stand more than once where one thing must have one name."""
    yield from _twice("stages", "stage", names.stages)
    yield from _twice("reps", "rep", names.reps)
    yield from _twice("regions", "region", names.regions)


def _mix(path: str, mix: Mapping[str, Mapping[str, object]] | None, names: Names) -> Iterator[Problem]:
    for region, by_product in (mix or {}).items():
        yield from _known(f"{path}.{region}", region, "region", names.regions)
        for product in by_product:
            yield from _known(f"{path}.{region}.{product}", product, "product", names.products)


def _stages(path: str, table: Mapping[str, object], names: Names) -> Iterator[Problem]:
    for stage in table:
        yield from _known(f"{path}.{stage}", stage, "stage", names.stages)


def _where(path: str, where: Where, names: Names) -> Iterator[Problem]:
    for kind, chosen, known in (
        ("product", where.product, names.products),
        ("region", where.region, names.regions),
        ("rep", where.rep, names.reps),
        ("segment", where.segment, names.segments),
        ("source", where.source, (*names.sources, "prospecting")),
    ):
        for name in chosen:
            yield from _known(f"{path}.{kind}", name, kind, known)


def _goals(plan: Plan, names: Names, unread: frozenset[str]) -> Iterator[Problem]:
    activities = {name for stage in plan.stages for name in stage.activities}
    for name, goal in plan.goals.items():
        path = f"goals.{name}"
        yield from _where(f"{path}.where", goal.where, names)
        if goal.metric is not None and goal.metric not in activities and "stages" not in unread:
            yield from _known(f"{path}.metric", goal.metric, "measure", (*MEASURES, *sorted(activities)))
        if isinstance(goal.all_of, tuple):
            for part in goal.all_of:
                yield from _known(f"{path}.all_of", part, "goal", names.goals)


def _routing(path: str, routing: Routing, names: Names) -> Iterator[Problem]:
    for rep in routing.share.reps:
        yield from _known(f"{path}.share.{rep}", rep, "rep", names.reps)
    for region, by_product in routing.share.cells.items():
        yield from _known(f"{path}.share.{region}", region, "region", names.regions)
        for product, by_rep in by_product.items():
            yield from _known(f"{path}.share.{region}.{product}", product, "product", names.products)
            for rep in by_rep:
                yield from _known(f"{path}.share.{region}.{product}.{rep}", rep, "rep", names.reps)


def _reps(plan: Plan, names: Names) -> Iterator[Problem]:
    for rep in plan.reps:
        path = f"reps.{rep.name}"
        for region in rep.region:
            yield from _known(f"{path}.region", region, "region", names.regions)
        for product in rep.products:
            yield from _known(f"{path}.products", product, "product", names.products)
        for segment in rep.segments:
            yield from _known(f"{path}.segments", segment, "segment", names.segments)
        yield from _focus(f"{path}.focus", rep, names)
        yield from _stages(f"{path}.advance", rep.advance, names)
        yield from _stages(f"{path}.advance_sd", rep.advance_sd, names)
        yield from _stages(f"{path}.wait", rep.wait, names)
        yield from _stages(f"{path}.wait_sd", rep.wait_sd, names)
        if rep.quota is not None:
            yield from _mix(f"{path}.quota.cells", rep.quota.cells, names)
        if rep.prospecting is not None:
            yield from _mix(f"{path}.prospecting.mix", rep.prospecting.mix, names)
            if rep.prospecting.enters is not None:
                yield from _known(f"{path}.prospecting.enters", rep.prospecting.enters, "stage", names.stages)


def _focus(path: str, rep: Rep, names: Names) -> Iterator[Problem]:
    for name, below in rep.focus.items():
        if not isinstance(below, dict):
            yield from _known(f"{path}.{name}", name, "product or region", (*names.products, *names.regions))
            continue
        yield from _known(f"{path}.{name}", name, "region", names.regions)
        for product in below:
            yield from _known(f"{path}.{name}.{product}", product, "product", names.products)


def _sources(plan: Plan, names: Names) -> Iterator[Problem]:
    for name, source in plan.sources.items():
        path = f"sources.{name}"
        yield from _mix(f"{path}.mix", source.mix, names)
        yield from _stages(f"{path}.advance", source.advance, names)
        yield from _stages(f"{path}.advance_sd", source.advance_sd, names)
        yield from _stages(f"{path}.wait", source.wait, names)
        yield from _stages(f"{path}.wait_sd", source.wait_sd, names)
        if isinstance(source.budget, dict):
            split = {r: below if isinstance(below, dict) else {} for r, below in source.budget.items()}
            yield from _mix(f"{path}.budget", split, names)
        if source.enters is not None:
            yield from _known(f"{path}.enters", source.enters, "stage", names.stages)
        if source.routing is not None:
            yield from _routing(f"{path}.routing", source.routing, names)


def _decide(plan: Plan, names: Names) -> Iterator[Problem]:
    if plan.decide is None:
        return
    for path, name in wished_goals(plan.decide):
        yield from _known(path, name, "goal", (*names.goals, *([ALL_GOALS] if path == "decide.maximise" else [])))
    if plan.decide.budget is not None:
        yield from _budget(plan, plan.decide.budget, names)
    if plan.decide.headcount is not None:
        yield from _headcount(plan.decide.headcount, names)


def _headcount(headcount: DecideHeadcount, names: Names) -> Iterator[Problem]:
    path = "decide.headcount"
    for word, regions in (("regions", headcount.regions), ("floors", headcount.floors), ("caps", headcount.caps)):
        for region in regions:
            yield from _known(f"{path}.{word}" + f".{region}" * (word != "regions"), region, "region", names.regions)
    hire = headcount.rep
    for product in hire.products:
        yield from _known(f"{path}.rep.products", product, "product", names.products)
    for segment in hire.segments:
        yield from _known(f"{path}.rep.segments", segment, "segment", names.segments)
    yield from _stages(f"{path}.rep.advance", hire.advance, names)
    if hire.prospecting is not None and hire.prospecting.enters is not None:
        yield from _known(f"{path}.rep.prospecting.enters", hire.prospecting.enters, "stage", names.stages)


def _budget(plan: Plan, budget: DecideBudget, names: Names) -> Iterator[Problem]:
    minimum = budget.minimum if isinstance(budget.minimum, dict) else {}
    for word, table in (("floors", budget.floors), ("caps", budget.caps), ("minimum", minimum)):
        for source, below in table.items():
            path = f"decide.budget.{word}.{source}"
            yield from _known(path, source, "source", names.sources)
            if isinstance(below, dict):
                split = {region: by if isinstance(by, dict) else {} for region, by in below.items()}
                yield from _mix(path, split, names)
    lines = [(name, *cell) for name, source in plan.sources.items() for cell in budget_cells(source)]
    known = [PARTS.join(part for part in line if part) for line in lines]
    for label, one in budget.either.items():
        for i, called in enumerate(one.of):
            if not lines_called(called, lines):
                yield from _known(f"decide.budget.either.{label}.of.{i + 1}", called, "budget line", known)


def unknown_names(plan: Plan, names: Names, unread: frozenset[str]) -> Iterator[Problem]:
    """Names used in the plan that it does not define, each with the nearest that it does."""
    yield from _goals(plan, names, unread)
    for name, product in plan.products.items():
        yield from _stages(f"products.{name}.advance", product.advance, names)
        yield from _stages(f"products.{name}.advance_sd", product.advance_sd, names)
        yield from _stages(f"products.{name}.wait", product.wait, names)
        yield from _stages(f"products.{name}.wait_sd", product.wait_sd, names)
    for name, segment in plan.segments.items():
        yield from _stages(f"segments.{name}.advance", segment.advance, names)
        yield from _stages(f"segments.{name}.advance_sd", segment.advance_sd, names)
    yield from _reps(plan, names)
    yield from _sources(plan, names)
    yield from _routing("routing", plan.routing, names)
    yield from _decide(plan, names)


def unknown_in_files(plan: Plan, files: PlanFiles, names: Names) -> Iterator[Problem]:
    """Names in the files beside the plan that the plan does not define, and what those files define twice."""
    by_kind = {
        "stage": ("stage", names.stages),
        "product": ("product", names.products),
        "region": ("region", names.regions),
        "segment": ("segment", names.segments),
        "owner": ("rep", names.reps),
        "rep": ("rep", names.reps),
        "source": ("source", (*names.sources, "prospecting")),
    }
    quick = {column: frozenset(known) for column, (_, known) in by_kind.items()}  # files may have many rows
    tables = (
        (plan.accounts, "account", files.accounts),
        (plan.pipeline, "deal", files.pipeline),
        (plan.actuals, "", files.actuals),
    )
    for named, key, rows in tables:
        if named is None:
            continue
        if key:
            yield from _twice(named.file, key, (getattr(row, key) for row in rows))
        for i, row in enumerate(rows):
            place = f"{named.file}, {key} {getattr(row, key)}" if key else f"{named.file}, record {i + 1}"
            for column, (kind, known) in by_kind.items():
                name = getattr(row, column, None)
                if name is not None and name not in quick[column]:
                    yield from _known(f"{place}, {column}", name, kind, known)
    reference = plan.decide.reference if plan.decide else None
    for i, line in enumerate(files.reference):
        for column, (kind, known) in by_kind.items():
            if column in line:
                yield from _known(f"{reference}, record {i + 1}, {column}", line[column], kind, known)
