"""Whether a plan's targets tie: parts with their whole, months with the year, quotas with the goal."""

from __future__ import annotations

from collections.abc import Iterator

from engine.calendar import resolve
from engine.plan.finding import Finding, money
from engine.plan.types import Goal, Plan, Rep, Where
from engine.territory import Territories, territories

DIMENSIONS = ("product", "region", "rep", "segment", "source")
CLOSE = 0.005  # of the whole: rounding


def ties(plan: Plan) -> Iterator[Finding]:
    """Findings on targets that do not tie."""
    yield from _parts(plan)
    yield from _dates(plan)
    yield from _months(plan)
    yield from _quotas(plan)
    yield from _cells(plan)
    yield from _back_loaded(plan)


def _plain(plan: Plan) -> dict[str, Goal]:
    return {n: g for n, g in plan.goals.items() if g.metric is not None and g.at_least is not None and g.every is None}


def _key(goal: Goal) -> tuple[object, ...]:
    return goal.metric, goal.since, goal.until


def company_goal(plan: Plan) -> tuple[str, Goal] | None:
    """The goal for all bookings over the whole horizon; the largest, if there are several."""
    whole = [
        (name, goal)
        for name, goal in _plain(plan).items()
        if goal.metric == "bookings" and goal.where == Where() and goal.since is None and goal.until is None
    ]
    return max(whole, key=lambda pair: pair[1].at_least or 0.0) if whole else None


def _everything(plan: Plan, dimension: str) -> set[str]:
    if dimension == "region":
        return set(plan.regions)
    if dimension == "rep":
        return {rep.name for rep in plan.reps}
    return set({"product": [*plan.products], "segment": [*plan.segments], "source": [*plan.sources]}[dimension])


def _parts(plan: Plan) -> Iterator[Finding]:
    """Sums of targets by product, region, rep, segment or source against the whole that they split."""
    goals = _plain(plan)
    for whole_name, whole in goals.items():
        for dimension in DIMENSIONS:
            if getattr(whole.where, dimension):
                continue
            parts = {
                name: goal
                for name, goal in goals.items()
                if _key(goal) == _key(whole)
                and len(getattr(goal.where, dimension)) == 1
                and goal.where.model_copy(update={dimension: ()}) == whole.where
            }
            if dimension == "region":
                parts = _apart(parts, territories(plan.regions))
            yield from _against(plan, whole_name, whole, dimension, parts)


def _apart(parts: dict[str, Goal], territory: Territories) -> dict[str, Goal]:
    """Of goals for regions, those whose region lies in none of the others'."""
    place = {name: territory.names.index(goal.where.region[0]) for name, goal in parts.items()}
    return {
        name: goal
        for name, goal in parts.items()
        if not any(place[o] != place[name] and territory.inside[place[o], place[name]] for o in parts)
    }


def _against(plan: Plan, whole_name: str, whole: Goal, dimension: str, parts: dict[str, Goal]) -> Iterator[Finding]:
    target = whole.at_least or 0.0
    total = sum(goal.at_least or 0.0 for goal in parts.values())
    if not parts or target <= 0 or abs(total - target) <= CLOSE * target:
        return
    path = f"goals.{whole_name}"
    listed = " + ".join(f"{name} {money(goal.at_least or 0.0)}" for name, goal in list(parts.items())[:8])
    covered = {getattr(goal.where, dimension)[0] for goal in parts.values()}
    figures = f"{listed} = {money(total)}, against {money(target)} for {whole_name}"
    if total > target:
        message = f"The targets by {dimension} sum to more than the whole: {figures} ({total / target:.0%})."
        yield Finding("warning", "ties", path, message, "Lower the parts, or raise the whole to what they add up to.")
    elif covered >= _everything(plan, dimension):
        message = f"The targets by {dimension} leave {money(target - total)} to nobody: {figures}."
        yield Finding("warning", "ties", path, message, f"Share {money(target - total)} out over the parts.")


def _dates(plan: Plan) -> Iterator[Finding]:
    """A target for an earlier date above the target for a later one."""
    goals = list(_plain(plan).items())
    for early_name, early in goals:
        for late_name, late in goals:
            same = early.metric == late.metric and early.where == late.where and early.since == late.since
            sooner = early.until is not None and (late.until or plan.horizon.end) > early.until
            if same and sooner and (early.at_least or 0) > (late.at_least or 0):
                message = f"{early_name} asks for {money(early.at_least or 0)} by {early.until}, more than"
                message += f" {late_name} asks for later ({money(late.at_least or 0)})."
                yield Finding(
                    "warning",
                    "ties",
                    f"goals.{early_name}",
                    message,
                    "One of the two decides alone: drop or mend the other.",
                )


def _months(plan: Plan) -> Iterator[Finding]:
    """A target for every month (or quarter) against the same target for the whole horizon."""
    labels = resolve(plan.calendar, plan.horizon).month_labels
    for name, goal in plan.goals.items():
        if goal.every is None or goal.metric is None or goal.at_least is None:
            continue
        periods = len(labels) if goal.every == "month" else len({f"{m[:4]}{(int(m[5:7]) + 2) // 3}" for m in labels})
        for whole_name, whole in _plain(plan).items():
            total, target = goal.at_least * periods, whole.at_least or 0.0
            if whole.where == goal.where and _key(whole) == _key(goal) and total > target * (1 + CLOSE):
                each = f"{money(goal.at_least)} in every {goal.every} make {money(total)} in {periods}"
                message = f"{each}, more than {money(target)} for {whole_name}."
                advice = f"Then {whole_name} follows from it and asks for nothing more: mend one of the two."
                yield Finding("warning", "ties", f"goals.{name}", message, advice)


def quota_of(rep: Rep) -> float | None:
    """A rep's quota for the horizon; None without one."""
    if rep.quota is None:
        return None
    return rep.quota.year if rep.quota.year is not None else float(sum(rep.quota.months))


def _quotas(plan: Plan) -> Iterator[Finding]:
    quotas = {rep.name: quota for rep in plan.reps if (quota := quota_of(rep)) is not None}
    whole = company_goal(plan)
    if not quotas or whole is None or not whole[1].at_least:
        return
    name, target, total = whole[0], whole[1].at_least, sum(quotas.values())
    ratio = total / target
    figures = f"Quotas sum to {money(total)}, {ratio:.0%} of {name} ({money(target)})"
    without = [rep.name for rep in plan.reps if rep.name not in quotas]
    bounds = plan.decide.quotas.over_assignment if plan.decide and plan.decide.quotas else None
    if ratio < 1 - CLOSE:
        more = f"; {', '.join(without[:5])} have none" if without else ""
        message = f"{figures}: all quotas made still miss it by {money(target - total)}{more}."
        yield Finding("warning", "ties", "reps", message, "Raise quotas, or say who brings the rest.")
    elif bounds is not None and not bounds[0] - CLOSE <= ratio <= bounds[1] + CLOSE:
        message = f"{figures}, outside {bounds[0]:g} to {bounds[1]:g}."
        yield Finding(
            "warning",
            "ties",
            "decide.quotas.over_assignment",
            message,
            "The optimiser would have to move them into these limits.",
        )
    elif ratio > 1.3:
        yield Finding(
            "warning",
            "ties",
            "reps",
            f"{figures}: over-assignment of {ratio - 1:.0%}.",
            "Five to fifteen percent is usual; more of it means that most reps miss.",
        )
    elif ratio > 1 + CLOSE:
        yield Finding("note", "ties", "reps", f"{figures}: over-assignment of {ratio - 1:.0%}.")
    yield from _regional(plan, quotas)


def _regional(plan: Plan, quotas: dict[str, float]) -> Iterator[Finding]:
    """Quotas of the reps of a region against the region's own bookings goal, where only they serve it."""
    territory = territories(plan.regions)
    for name, goal in _plain(plan).items():
        only_region = goal.where.model_copy(update={"region": ()}) == Where() and len(goal.where.region) == 1
        if goal.metric != "bookings" or not only_region or goal.since is not None or goal.until is not None:
            continue
        here = territory.names.index(goal.where.region[0])
        inside, across = [], False
        for rep in plan.reps:
            places = [territory.names.index(region) for region in rep.region]
            if places and all(territory.inside[here, place] for place in places):
                inside.append(rep.name)
            elif not places or any(territory.inside[place, here] or territory.inside[here, place] for place in places):
                across = True
        total, target = sum(quotas.get(rep, 0.0) for rep in inside), goal.at_least or 0.0
        if inside and not across and total < target * (1 - CLOSE):
            message = f"The quotas of {goal.where.region[0]}'s reps sum to {money(total)}"
            yield Finding(
                "warning",
                "ties",
                f"goals.{name}",
                f"{message}, short of its target, {money(target)}.",
                f"Raise them by {money(target - total)} in all, or lower the target.",
            )


def _cells(plan: Plan) -> Iterator[Finding]:
    """Quotas over regions and products that no longer sum to the rep's quota."""
    for rep in plan.reps:
        if rep.quota is None or not rep.quota.cells:
            continue
        year = quota_of(rep) or 0.0
        total = sum(amount for by_product in rep.quota.cells.values() for amount in by_product.values())
        if abs(total - year) > CLOSE * max(year, 1.0):
            message = (
                f"{rep.name}'s quota over regions and products sums to {money(total)}, the quota is {money(year)}."
            )
            advice = "Let `attain optimise` split it again, or leave the cells out."
            yield Finding("warning", "ties", f"reps.{rep.name}.quota.cells", message, advice)


def _back_loaded(plan: Plan) -> Iterator[Finding]:
    """Quotas whose first months are so light that the rest of the year must carry far more a month."""
    months = len(resolve(plan.calendar, plan.horizon).month_labels)
    for rep in plan.reps:
        quota = rep.quota
        if quota is None or not quota.months or quota.year is None or len(quota.months) >= months:
            continue
        given = sum(quota.months) / len(quota.months)
        rest = (quota.year - sum(quota.months)) / (months - len(quota.months))
        if given > 0 and rest > 1.5 * given:
            message = f"The first {len(quota.months)} months ask for {money(given)} each, the other"
            message += f" {months - len(quota.months)} for {money(rest)} each ({rest / given:.1f} times)."
            yield Finding(
                "note",
                "ties",
                f"reps.{rep.name}.quota.months",
                message,
                "Check that deals begun early enough can carry that.",
            )
