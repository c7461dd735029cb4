"""Goals as sums over bookings and counts: what is counted for each, and when it is attained.

A goal is split into *legs*, each one sum with a window, a filter and a least value: one leg for a plain goal, one a
month for `every: month`, one a rep for `all_of: quotas`. Both engines add to the same legs; a goal is attained when all
its legs are. A goal made of other goals has no legs of its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
    dates: tuple[int, int]  # the window's first and last day (ordinals): actuals are counted by date


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
        """[n, goals]: a plain goal's sum; the worst period's for `every`; for goals of parts, how many."""
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
    """Each rep's quota by year and month; months not given share the rest of the year by the phasing.

    Evenly where the phasing has no weight for any of them.
    """
    reps = sorted(plan.reps, key=lambda rep: rep.name)
    phasing = phasing_of(plan, cal)
    year = np.full(len(reps), np.nan)
    months = np.full((len(reps), len(phasing)), np.nan)
    for r, rep in enumerate(reps):
        if rep.quota is None or (rep.quota.year is None and not rep.quota.months):
            continue
        given = np.array(rep.quota.months[: len(phasing)])
        total = rep.quota.year if rep.quota.year is not None else float(given.sum())
        left = phasing[len(given) :] if phasing[len(given) :].any() else np.ones(len(phasing) - len(given))
        year[r] = np.floor(total * minor + 0.5)
        months[r, : len(given)] = given * minor
        if len(left):
            months[r, len(given) :] = (total - given.sum()) * minor * left / left.sum()
    return QuotaBook(year, months)


Window = tuple[str, float, float, tuple[int, int]]  # label, since and until in hours, first and last day


def _days(month: str) -> tuple[dt.date, dt.date]:
    """The first and the last day of a month YYYY-MM."""
    first = dt.date.fromisoformat(f"{month}-01")
    return first, (first + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)


def _window(label: str, first: dt.date, last: dt.date, cal: WorkCalendar) -> Window:
    since = cal.hours_until(first - dt.timedelta(days=1))
    return label, since, cal.hours_until(last), (first.toordinal(), last.toordinal())


def _windows(goal: Goal, cal: WorkCalendar) -> list[Window]:
    """The windows of a goal's legs: the whole, or each month or quarter that it touches and in which anybody works."""
    begins, ends = goal.since or cal.start, goal.until or cal.end
    if goal.every is None:
        return [_window("", begins, ends, cal)]
    spans: dict[str, tuple[dt.date, dt.date]] = {}
    for month in cal.month_labels:
        label = f"{month[:4]}-Q{(int(month[5:7]) + 2) // 3}" if goal.every == "quarter" else month
        first, last = _days(month)
        spans[label] = (spans.get(label, (first, last))[0], last)
    found = [_window(label, max(a, begins), min(b, ends), cal) for label, (a, b) in spans.items()]
    return [window for window in found if window[2] > window[1]]


def _mask(names: Sequence[str], chosen: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([not chosen or name in chosen for name in names], dtype=np.bool_)


Mask = NDArray[np.bool_]


def _leg(
    goal: int,
    label: str,
    measure: int,
    at_least: float,
    window: Sequence[Any],
    masks: tuple[Mask, Mask, Mask, Mask, Mask],
) -> Leg:
    since, until, dates = window
    return Leg(goal, label, measure, at_least, since, until, *masks, dates)


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

    for g, goal in enumerate(chosen.values()):
        first = len(legs)
        where = goal.where
        reps = _mask(names["reps"], where.rep)
        products = _mask(names["products"], where.product)
        regions = covered(territory, where.region)
        segments = _mask(names["segments"], where.segment)
        sources = _mask(names["sources"], where.source)
        parts: tuple[int, ...] = ()
        if goal.all_of == "quotas":
            for r, name in enumerate(names["reps"]):
                if reps[r] and not np.isnan(quotas.year[r]):
                    only = np.arange(len(names["reps"])) == r
                    measure, quota = measures.index(BOOKINGS), float(quotas.year[r])
                    for _, *window in _windows(goal.model_copy(update={"every": None}), cal):
                        masks = (only, products, regions, segments, sources)
                        legs.append(_leg(g, name, measure, quota, window, masks))
        elif goal.all_of is not None:
            parts = tuple(order.index(part) for part in goal.all_of)
        else:
            metric, least = goal.metric or BOOKINGS, goal.at_least or 0.0
            at_least = float(np.floor(least * minor + 0.5)) if metric == BOOKINGS else least
            masks = (reps, products, regions, segments, sources)
            for label, *window in _windows(goal, cal):
                legs.append(_leg(g, label, measures.index(metric), at_least, window, masks))
        legs_of.append(tuple(range(first, len(legs))))
        parts_of.append(parts)
    return GoalBook(tuple(order), tuple(chosen.values()), tuple(legs), tuple(legs_of), tuple(parts_of))
