"""A run by rep, product, region, segment and month: bookings with their spread, targets with their probability.

Also the flow through the stages. What a rep's hours are good for shows here: who has more work than hours, who is idle.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from attain.results import Results
from attain.summary.goals import main_goal, probability, spread, unit_of
from attain.summary.records import MonthSummary, PartSummary, RepSummary, StageFlow, State
from engine.goals import BOOKINGS, phasing_of
from engine.outcomes import BOOKED, BUSY, LEADS, OPEN, QUEUED, SERVED, WON
from engine.plan.types import Where
from engine.statistics import Estimate, mean
from engine.territory import Territories

# Waits explode as utilisation nears one (an M/M/1 queue of 90% waits nine services); a working week in the queue costs
# a deal as much as a slow customer does.
SATURATED = 0.90
SATURATED_DAYS = 5.0
IDLE = 0.50

Floats = NDArray[np.float64]


def utilisation(results: Results) -> Floats | None:
    """[n, reps]: busy hours over the hours of the desks while the rep is there; None where deals take no effort."""
    world = results.world
    if not world.stages.has_work.any():
        return None
    desks = np.bincount(world.desks.rep, minlength=len(world.reps))
    open_hours = world.staffing.hours(world.cal, world.start).sum(axis=1) * desks
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(open_hours > 0.0, results.reps[:, :, BUSY] / open_hours, 0.0))


def everyone_makes_quota(results: Results) -> Estimate | None:
    """The probability that every rep with a quota makes it, jointly; None for fewer than two of them."""
    quotas = results.world.quotas.year
    has = ~np.isnan(quotas)
    if has.sum() < 2:
        return None
    return probability(np.asarray((results.reps[:, has, BOOKED] >= quotas[has]).all(axis=1)))


def rep_summaries(results: Results) -> tuple[RepSummary, ...]:
    """Every rep, sorted by name as the world has them."""
    world, used = results.world, utilisation(results)
    found = []
    for r, name in enumerate(world.reps):
        columns = results.reps[:, r]
        quota = float(world.quotas.year[r])
        served = float(columns[:, SERVED].sum())
        busy = None if used is None else mean(used[:, r])
        queue = None
        if used is not None:
            queue = float(columns[:, QUEUED].sum()) / served / world.cal.hours_per_day if served > 0.0 else 0.0
        found.append(
            RepSummary(
                name=name,
                leads=float(columns[:, LEADS].mean()),
                deals_won=mean(columns[:, WON]),
                bookings=spread(columns[:, BOOKED] / world.minor),
                quota=None if np.isnan(quota) else quota / world.minor,
                probability=None if np.isnan(quota) else probability(columns[:, BOOKED] >= quota),
                utilisation=busy,
                queue_days=queue,
                open_at_end=float(columns[:, OPEN].mean()),
                state=_state(busy, queue),
            )
        )
    return tuple(found)


def _state(busy: Estimate | None, queue_days: float | None) -> State:
    if busy is None or queue_days is None:
        return ""
    if busy.value > SATURATED or queue_days > SATURATED_DAYS:
        return "saturated"
    return "idle" if busy.value < IDLE else ""


# --- products, regions, segments -------------------------------------------------------------------------------------


def part_summaries(results: Results, dimension: str) -> tuple[PartSummary, ...]:
    """The products, regions or segments of a run; a region stands for all inside it, parents before what they hold."""
    world = results.world
    margin = results.margins[dimension]
    if dimension == "region":
        order = _tree(world.territory)
        names = [(world.territory.names[i], depth) for i, depth in order]
        # A sum over indices and not a product of matrices, so that the digits do not hang on threads.
        totals = [margin[:, world.territory.inside[i]].sum(axis=1) for i, _ in order]
    else:
        own = world.products if dimension == "product" else world.segments
        if own == ("",):
            return ()
        names = [(name, 0) for name in own]
        totals = [margin[:, i] for i in range(len(own))]
    booked = float(margin[:, :, BOOKED].sum())
    return tuple(
        _part(results, dimension, name, depth, total, booked)
        for (name, depth), total in zip(names, totals, strict=True)
    )


def _part(results: Results, dimension: str, name: str, depth: int, total: Floats, booked: float) -> PartSummary:
    minor = results.world.minor
    target = _own_target(results, dimension, name)
    return PartSummary(
        name=name,
        depth=depth,
        leads=float(total[:, LEADS].mean()),
        deals_won=mean(total[:, WON]),
        bookings=spread(total[:, BOOKED] / minor),
        share=float(total[:, BOOKED].sum()) / booked if booked else 0.0,
        target=None if target is None else target / minor,
        probability=None if target is None else probability(total[:, BOOKED] >= target),
    )


def _own_target(results: Results, dimension: str, name: str) -> float | None:
    """The target of a goal of bookings over the whole horizon that is for this part alone, in minor units."""
    for goal in results.world.plan.goals.values():
        if (
            goal.at_least is not None
            and goal.metric == BOOKINGS
            and (goal.every, goal.all_of, goal.since, goal.until) == (None, None, None, None)
            and goal.where == Where(**{dimension: (name,)})
        ):
            return float(np.floor(goal.at_least * results.world.minor + 0.5))
    return None


def _tree(territory: Territories) -> list[tuple[int, int]]:
    """Regions with their depth, each followed by what lies in it."""
    found: list[tuple[int, int]] = []

    def walk(parent: int, depth: int) -> None:
        for i in np.flatnonzero(territory.parent == parent):
            found.append((int(i), depth))
            walk(int(i), depth + 1)

    walk(-1, 0)
    return found


# --- months and stages -----------------------------------------------------------------------------------------------


def planned_by_month(results: Results) -> Floats | None:
    """[months]: what the main goal asks to be booked by each month's end, in minor units, by the plan's phasing.

    None where the main goal is not one sum of all bookings. The phasing runs over the goal's own window: level inside a
    month, in proportion to working hours.
    """
    world, g = results.world, main_goal(results)
    if g is None or unit_of(results, g) != "money" or world.goals.goals[g].every is not None:
        return None
    goal, leg = world.goals.goals[g], world.goals.legs[world.goals.legs_of[g][0]]
    if goal.where != Where():
        return None
    ends = np.concatenate([[0.0], world.cal.month_ends])
    phased = np.concatenate([[0.0], np.cumsum(phasing_of(world.plan, world.cal))])
    since, until = np.interp([leg.since, leg.until], ends, phased)
    if until <= since:
        return None
    share = (np.clip(phased[1:], since, until) - since) / (until - since)
    return np.asarray(leg.at_least * share)


def month_summaries(results: Results) -> tuple[MonthSummary, ...]:
    """The months of the horizon: bookings of each, and so far, beside the main goal's phasing."""
    world = results.world
    booked = results.margins["month"][:, :, BOOKED]
    cumulative = np.cumsum(booked, axis=1)
    planned = planned_by_month(results)
    # What was booked before the goal's window opened does not count toward it.
    counted = cumulative - _before_window(results, booked) if planned is not None else cumulative
    by_month = None if planned is None else np.diff(planned, prepend=0.0)
    return tuple(
        MonthSummary(
            label=label,
            past=bool(world.cal.month_ends[m] <= world.start),
            deals_won=mean(results.margins["month"][:, m, WON]),
            bookings=spread(booked[:, m] / world.minor),
            cumulative=spread(cumulative[:, m] / world.minor),
            planned=None if by_month is None else float(by_month[m]) / world.minor,
            planned_cumulative=None if planned is None else float(planned[m]) / world.minor,
            on_plan=None if planned is None else probability(counted[:, m] >= planned[m]),
        )
        for m, label in enumerate(world.months)
    )


def _before_window(results: Results, booked: Floats) -> Floats:
    """[n, 1]: bookings of the months that ended before the main goal's window opens."""
    world, g = results.world, main_goal(results)
    since = 0.0 if g is None else world.goals.legs[world.goals.legs_of[g][0]].since
    return np.asarray(booked[:, world.cal.month_ends <= since].sum(axis=1, keepdims=True))


def stage_flows(results: Results) -> tuple[StageFlow, ...]:
    """Mean passages through each stage, whoever's deal."""
    totals = results.flow.sum(axis=(0, 2)) / max(results.n, 1)
    return tuple(
        StageFlow(name, *(float(x) for x in row)) for name, row in zip(results.world.stages.names, totals, strict=True)
    )
