"""Goals as sums over bookings and counts: what is counted for each, and when it is attained.

A goal is split into *legs*, each one sum with a window, a filter and a least value: one leg for a plain goal, one a
month for `every: month`, one a rep for `all_of: quotas`. Both engines add to the same legs; a goal is attained when all
its legs are. A goal made of other goals has no legs of its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.calendar import WorkCalendar
from engine.plan.types import Goal, Plan
from engine.territory import Territories, covered

BOOKINGS = "bookings"
MEASURES = ("leads", "deals_won", "deals_lost", "deals_stale", BOOKINGS)  # activities follow, by name


def measures_of(plan: Plan) -> tuple[str, ...]:
    """What is counted in every cell: the fixed measures, then the plan's activities by name."""
    return MEASURES + tuple(sorted({name for stage in plan.stages for name in stage.activities}))


@dataclass(frozen=True, eq=False)
class Leg:
    """One sum: a measure over the events in (since, until] that pass the filter, against `at_least`."""

    goal: int
    label: str  # the month, quarter or rep it stands for; empty for a plain goal
    measure: int
    at_least: float  # minor units for bookings, else a count
    since: float  # working hours
    until: float
    reps: NDArray[np.bool_]
    products: NDArray[np.bool_]
    regions: NDArray[np.bool_]
    segments: NDArray[np.bool_]
    sources: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class GoalBook:
    """The plan's simulated goals in sorted order, with their legs."""

    names: tuple[str, ...]
    goals: tuple[Goal, ...]
    legs: tuple[Leg, ...]
    legs_of: tuple[tuple[int, ...], ...]  # [goals] -> its legs
    parts_of: tuple[tuple[int, ...], ...]  # [goals] -> goals it is made of

    def attained(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """[n, goals] from leg values [n, legs]."""
        least = np.array([leg.at_least for leg in self.legs])
        reached = values >= least if len(least) else np.ones((len(values), 0), dtype=np.bool_)
        result = np.ones((len(values), len(self.names)), dtype=np.bool_)
        for g, legs in enumerate(self.legs_of):
            result[:, g] = reached[:, list(legs)].all(axis=1)
        for _ in self.names:  # goals made of goals, to any depth
            for g, parts in enumerate(self.parts_of):
                if parts:
                    result[:, g] = result[:, list(parts)].all(axis=1)
        return result

    def counts(self, goal: int) -> bool:
        """Whether a goal's value is a number of legs or parts attained, not a sum of its own."""
        return bool(self.parts_of[goal]) or self.goals[goal].all_of is not None

    def targets(self) -> NDArray[np.float64]:
        """[goals]: the least value, in minor units for bookings; for goals made of parts, how many parts there are."""
        result = np.empty(len(self.names))
        for g in range(len(self.names)):
            if self.counts(g):
                result[g] = len(self.parts_of[g]) or len(self.legs_of[g])
            else:
                result[g] = self.legs[self.legs_of[g][0]].at_least
        return result

    def values(self, legs: NDArray[np.float64]) -> NDArray[np.float64]:
        """[n, goals]: a plain goal's sum; the worst period's for `every`; for goals of parts, how many were attained."""
        attained = self.attained(legs)
        least = np.array([leg.at_least for leg in self.legs])
        result = np.empty((len(legs), len(self.names)))
        for g, own in enumerate(self.legs_of):
            if self.parts_of[g]:
                result[:, g] = attained[:, list(self.parts_of[g])].sum(axis=1)
            elif self.counts(g):
                result[:, g] = (legs[:, list(own)] >= least[list(own)]).sum(axis=1)
            else:
                result[:, g] = legs[:, list(own)].min(axis=1)
        return result


@dataclass(frozen=True, eq=False)
class QuotaBook:
    """Quotas in minor units: [reps] for the year, NaN where a rep has none, and [reps, months]."""

    year: NDArray[np.float64]
    months: NDArray[np.float64]


def phasing_of(plan: Plan, cal: WorkCalendar) -> NDArray[np.float64]:
    """[months], sums to one: the plan's phasing, or in proportion to working hours."""
    weights = np.array(plan.phasing) if plan.phasing else np.diff(cal.month_ends, prepend=0.0)
    phasing: NDArray[np.float64] = weights / weights.sum()
    return phasing


def quotas_of(plan: Plan, cal: WorkCalendar, minor: float) -> QuotaBook:
    """Each rep's quota by year and month; months not given share the rest of the year by the phasing."""
    reps = sorted(plan.reps, key=lambda rep: rep.name)
    phasing = phasing_of(plan, cal)
    year = np.full(len(reps), np.nan)
    months = np.full((len(reps), len(phasing)), np.nan)
    for r, rep in enumerate(reps):
        if rep.quota is None or (rep.quota.year is None and not rep.quota.months):
            continue
        given = np.array(rep.quota.months[: len(phasing)])
        total = rep.quota.year if rep.quota.year is not None else float(given.sum())
        left = phasing[len(given) :]
        year[r] = np.floor(total * minor + 0.5)
        months[r, : len(given)] = given * minor
        if len(left):
            months[r, len(given) :] = (total - given.sum()) * minor * left / left.sum()
    return QuotaBook(year, months)


def _periods(goal: Goal, cal: WorkCalendar, since: float, until: float) -> list[tuple[str, float, float]]:
    """The windows of a goal's legs: the whole, or each month or quarter that it touches."""
    if goal.every is None:
        return [("", since, until)]
    ends = [float(end) for end in cal.month_ends]
    starts = [0.0, *ends[:-1]]
    spans: dict[str, tuple[float, float]] = {}
    for label, low, high in zip(cal.month_labels, starts, ends, strict=True):
        if goal.every == "quarter":
            label = f"{label[:4]}-Q{(int(label[5:7]) + 2) // 3}"
        first = spans.get(label, (low, high))[0]
        spans[label] = (first, high)
    return [
        (label, max(low, since), min(high, until))
        for label, (low, high) in spans.items()
        if min(high, until) > max(low, since)
    ]


def _mask(names: Sequence[str], chosen: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([not chosen or name in chosen for name in names], dtype=np.bool_)


def goal_book(
    plan: Plan,
    cal: WorkCalendar,
    territory: Territories,
    names: Mapping[str, Sequence[str]],
    quotas: QuotaBook,
    minor: float,
) -> GoalBook:
    """The plan's measurable goals as legs. `names` holds the sorted reps, products, segments and sources."""
    chosen = {name: goal for name, goal in sorted(plan.goals.items()) if goal.measurable}
    order = list(chosen)
    measures = measures_of(plan)
    legs: list[Leg] = []
    legs_of: list[tuple[int, ...]] = []
    parts_of: list[tuple[int, ...]] = []

    def hours(date: dt.date | None, otherwise: float) -> float:
        return otherwise if date is None else cal.hours_until(date)

    for g, goal in enumerate(chosen.values()):
        first = len(legs)
        since = hours(goal.since - dt.timedelta(days=1) if goal.since else None, 0.0)
        until = hours(goal.until, cal.horizon_hours)
        where = goal.where
        reps = _mask(names["reps"], where.rep)
        products = _mask(names["products"], where.product)
        regions = covered(territory, where.region)
        segments = _mask(names["segments"], where.segment)
        sources = _mask(names["sources"], where.source)
        parts: tuple[int, ...] = ()
        if goal.all_of == "quotas":
            for r, name in enumerate(names["reps"]):
                if not np.isnan(quotas.year[r]):
                    only = np.arange(len(names["reps"])) == r
                    legs.append(
                        Leg(g, name, measures.index(BOOKINGS), float(quotas.year[r]), since, until, only, products, regions, segments, sources)
                    )
        elif goal.all_of is not None:
            parts = tuple(order.index(part) for part in goal.all_of)
        else:
            metric, least = goal.metric or BOOKINGS, goal.at_least or 0.0
            at_least = float(np.floor(least * minor + 0.5)) if metric == BOOKINGS else least
            for label, low, high in _periods(goal, cal, since, until):
                legs.append(
                    Leg(g, label, measures.index(metric), at_least, low, high, reps, products, regions, segments, sources)
                )
        legs_of.append(tuple(range(first, len(legs))))
        parts_of.append(parts)
    return GoalBook(tuple(order), tuple(chosen.values()), tuple(legs), tuple(legs_of), tuple(parts_of))
