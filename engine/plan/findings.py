"""What `attain check` says of a plan that can be read: SMART(+C), hours, and whether its targets tie.

SMART(+C): specific, measurable, attainable, relevant, time-bound, and challenging. Attainable and challenging are
judged here from the mean funnel alone (``meanfunnel``: no cycles, no queues, no chance), which flatters a plan; the
odds are for the simulation to say. Every finding comes with its figures and with what to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from engine.calendar import ONE_DAY, WorkCalendar, average_hours, resolve, to_hours
from engine.distributions import DistributionTable
from engine.plan.feeding import unstaffed, untaken
from engine.plan.finding import Finding, Severity, money
from engine.plan.meanfunnel import MeanFunnel, expected, mean_funnel
from engine.plan.names import won_index
from engine.plan.quantities import Duration
from engine.plan.ties import ties
from engine.plan.types import LoadedPlan, Plan
from engine.plan.wording import read_wording
from engine.staffing import staffing_of

FAR_BELOW = 0.7  # of the target in the mean funnel: out of reach, for all that the mean leaves out
FAR_ABOVE = 1.5  # of the target: no challenge, or inputs that flatter
FULL = 0.85  # of the hours there are: queues grow long before they are all taken
OVERLOADED = 1.25  # of the hours there are: too much, even without the work that falls after the horizon's end


def findings(loaded: LoadedPlan) -> list[Finding]:
    """Every finding of a plan, errors first, in the order of its sections."""
    plan = loaded.plan
    cal = resolve(plan.calendar, plan.horizon)
    funnel = mean_funnel(loaded, cal)
    found = [
        *_wordings(plan),
        *_measurable(plan),
        *_attainable(plan, funnel),
        *_quotas_attainable(plan, funnel),
        *ties(plan),
        *_hours(plan, funnel),
        *_lost_leads(plan, funnel),
        *_absent(plan, cal),
        *_cycle(loaded, funnel),
        *_assumed(plan),
        *(Finding("note", "time-bound", "calendar", note) for note in cal.notes),
    ]
    order = {"error": 0, "warning": 1, "note": 2}
    return sorted(found, key=lambda finding: order[finding.severity])


def _wordings(plan: Plan) -> Iterator[Finding]:
    for name, goal in plan.goals.items():
        if goal.statement is None or goal.measurable:
            continue
        path, quoted = f"goals.{name}", f'"{goal.statement[:80]}"'
        said = read_wording(goal.statement)
        form = f"Write it as {name}: {said.structured()}."
        if said.number is None:
            yield Finding(
                "error", "measurable", path, f"{quoted} names no number: nobody can tell whether it was attained.", form
            )
        if said.date is None:
            yield Finding("error", "time-bound", path, f"{quoted} names no date by which it holds.", form)
        if said.metric is None:
            message = f"{quoted} names nothing that the plan counts (bookings, deals won, leads or an activity)."
            yield Finding("warning", "specific", path, message, "Say what is counted, and where: product, region, rep.")
        if said.number is not None and said.date is not None:
            yield Finding("note", "measurable", path, f"{quoted} is in words, and is not simulated.", form)


def _measurable(plan: Plan) -> Iterator[Finding]:
    for name, goal in plan.goals.items():
        if goal.statement is None and not goal.measurable:
            lacking = "metric and at_least" if goal.metric is None else "at_least"
            yield Finding(
                "error",
                "measurable",
                f"goals.{name}",
                f"The goal has no {lacking}.",
                f"Write {name}: {{metric: bookings, at_least: ...}}.",
            )
    if not any(goal.measurable for goal in plan.goals.values()):
        yield Finding(
            "error",
            "measurable",
            "goals",
            "No goal can be simulated.",
            "Write at least one, such as company: {metric: bookings, at_least: 5_000_000}.",
        )


def _attainable(plan: Plan, funnel: MeanFunnel) -> Iterator[Finding]:
    overloaded = float(funnel.hours_needed.sum()) > float(funnel.hours_there.sum())
    for name, goal in plan.goals.items():
        mean = expected(funnel, plan, goal)
        if mean is None or not goal.at_least:
            continue
        path, ratio = f"goals.{name}", mean / goal.at_least
        when = f" in the worst {goal.every}" if goal.every else ""
        figures = f"The mean funnel brings {money(mean)} of {money(goal.at_least)}{when}"
        if mean == 0:
            yield Finding(
                "error",
                "relevant",
                path,
                f"Nothing in the plan moves this goal: {figures.lower()}.",
                "Add a source, a rep or a product that it counts, or drop it.",
            )
        elif ratio < FAR_BELOW:
            message = f"{figures} ({ratio:.0%}), with no delays, no queues and no bad luck."
            yield Finding(
                "error",
                "attainable",
                path,
                message,
                f"Bring {1 / ratio:.1f} times the prospects, convert more of them, or lower the target.",
            )
        elif ratio < 1:
            yield Finding(
                "warning",
                "attainable",
                path,
                f"{figures} ({ratio:.0%}): it is missed more often than not.",
                "Simulate for the odds; `attain funnel` says what 80% takes.",
            )
        elif ratio < 1.1:
            yield Finding(
                "note",
                "attainable",
                path,
                f"{figures} ({ratio:.0%}): about a coin flip before any delay.",
                "Simulate for the odds; `attain funnel` says what 80% takes.",
            )
        elif ratio > FAR_ABOVE and not overloaded:  # with too few hours the mean funnel is not what comes out
            message = f"{figures} ({ratio:.0%}): the target asks for little, or the inputs flatter."
            yield Finding(
                "warning", "challenging", path, message, "Check the conversions and lead numbers, or raise the target."
            )


def _quotas_attainable(plan: Plan, funnel: MeanFunnel) -> Iterator[Finding]:
    for rep in plan.reps:
        quota = (rep.quota.year or sum(rep.quota.months)) if rep.quota is not None else 0.0
        if not quota:
            continue
        index = funnel.reps.index(rep.name)
        mean = float(funnel.bookings[funnel.rep == index].sum())
        path, figures = f"reps.{rep.name}.quota", f"The mean funnel brings {rep.name} {money(mean)} of {money(quota)}"
        if mean < FAR_BELOW * quota:
            yield Finding(
                "warning",
                "attainable",
                path,
                f"{figures} ({mean / quota:.0%}).",
                "Give this rep more leads or a smaller quota; see what `attain optimise` makes of quotas.",
            )
        elif mean > FAR_ABOVE * quota and funnel.hours_needed[index] <= funnel.hours_there[index]:
            figures = f"{figures} ({mean / quota:.0%})."
            yield Finding("note", "challenging", path, figures, "The quota asks for little.")


def _hours(plan: Plan, funnel: MeanFunnel) -> Iterator[Finding]:
    """The company, and each set of reps who share work among them: what one of them lacks, the others have not."""
    sharing = " at best sharing" if funnel.best_sharing else ""
    needed, there = float(funnel.hours_needed.sum()), float(funnel.hours_there.sum())
    if needed > FULL * there:
        regions = ", ".join(f"{name} {hours:,.0f} h" for name, hours in sorted(funnel.hours_by_region().items()))
        yield _load("reps", "The reps together need", "have", needed, there, "", f" By region: {regions}.")
    teams = [np.flatnonzero(funnel.team == team) for team in np.unique(funnel.team)]
    for team in sorted(teams, key=lambda members: int(members[0])):
        needed, there = float(funnel.hours_needed[team].sum()), float(funnel.hours_there[team].sum())
        if needed <= FULL * there or 1 < len(team) == len(funnel.reps):  # all of them: said above
            continue
        names = [funnel.reps[i] for i in team]
        if len(names) == 1:
            yield _load(f"reps.{names[0]}", f"{names[0]} needs", "has", needed, there, sharing, "")
        else:
            who = f"{', '.join(names[:-1])} and {names[-1]}, who share their leads, need"
            yield _load("reps", who, "have", needed, there, sharing, "")


def _load(path: str, who: str, have: str, needed: float, there: float, sharing: str, more: str) -> Finding:
    load = needed / there if there > 0 else float("inf")
    severity: Severity = "error" if load > OVERLOADED else "warning"
    message = f"{who} {needed:,.0f} hours{sharing} for the deals that come in, and {have} {there:,.0f} ({load:.0%})."
    if load <= 1:
        return Finding(severity, "hours", path, message + more, "Deals will wait: queues grow long above four fifths.")
    advice = "Fewer or better qualified leads, more hours, or less work a deal: what has no hours is not sold."
    return Finding(severity, "hours", path, message + more, advice)


def _lost_leads(plan: Plan, funnel: MeanFunnel) -> Iterator[Finding]:
    cells = untaken(plan)
    for source, region, product, segments in cells[:20]:
        which = f" of {', '.join(segments)}" if segments and len(segments) < len(plan.segments) else ""
        message = f"No rep may take its leads for {product} in {region}{which}: they are lost."
        yield Finding(
            "warning",
            "relevant",
            f"sources.{source}",
            message,
            f"Let a rep there sell {product}, or take the cell out of the mix.",
        )
    if len(cells) > 20:
        yield Finding("warning", "relevant", "sources", f"{len(cells) - 20} more cells of leads that no rep may take.")
    if cells and funnel.untaken > 0:
        share = funnel.untaken / max(funnel.untaken + float(funnel.leads.sum()), 1e-12)
        yield Finding("note", "relevant", "sources", f"{funnel.untaken:,.0f} leads ({share:.0%}) find no rep.")


def _absent(plan: Plan, cal: WorkCalendar) -> Iterator[Finding]:
    """Leads that come while those who may take them have left, or have not begun."""
    staffing = staffing_of({rep.name: rep for rep in plan.reps}, sorted(rep.name for rep in plan.reps), cal)
    gaps = unstaffed(plan, staffing)
    for source, region, product, low, high in gaps[:20]:
        low = max(low, cal.as_of_hours)
        first = cal.date_at(low) + ONE_DAY if low > 0.0 else cal.start
        last = cal.date_at(min(high, cal.horizon_hours))
        message = f"Nobody is there to take its leads for {product} in {region} from {first} to {last}: they are lost."
        advice = "Let somebody begin earlier or stay longer, or another rep take them; open deals go stale, too."
        yield Finding("warning", "relevant", f"sources.{source}", message, advice)
    if len(gaps) > 20:
        yield Finding("warning", "relevant", "sources", f"{len(gaps) - 20} more times in which nobody is there.")


def _cycle(loaded: LoadedPlan, funnel: MeanFunnel) -> Iterator[Finding]:
    """Deals that come in too late to be booked within the horizon."""
    plan, cal = loaded.plan, funnel.cal
    table = DistributionTable()
    hours = 0.0
    for stage in plan.stages[: won_index(plan) + 1]:
        for dist in (stage.work, stage.wait):
            row = table.add_time(dist, partial(to_hours, calendar=cal), loaded.files.columns)
            mean, in_days = table.mean(row), bool(table.arrays()[0][row]["calendar_days"])
            hours += average_hours(Duration(mean, "cd"), cal) if in_days else mean
    left = cal.horizon_hours - cal.as_of_hours
    if hours > 0.1 * left:
        last = cal.date_at(max(cal.horizon_hours - hours, 0.0))
        days = f"A won deal takes {hours / cal.hours_per_day:,.0f} working days on average"
        message = f"{days}, so leads after {last} mostly come too late."
        severity: Severity = "warning" if hours > 0.4 * left else "note"
        yield Finding(
            severity, "time-bound", "horizon", message, "The mean funnel above counts them; the simulation does not."
        )


def _assumed(plan: Plan) -> Iterator[Finding]:
    for name, source in plan.sources.items():
        if source.response is not None and source.response.assumed:
            path = f"sources.{name}.response"
            yield Finding(
                "note",
                "attainable",
                path,
                "The response to budget is assumed, not fitted.",
                "What the optimiser moves on its account is only as good as that guess.",
            )


__all__ = ["Finding", "findings"]
