"""A quota over regions and products, months and weeks: what making it looks like, never a twelfth a month.

The paths on which a rep ends near its quota say where and when the bookings come from: the pipeline in hand closes
first, new leads take a sales cycle, holidays and seasons leave their marks. A quota is spread as its rep's bookings are
spread on those paths (`solvers.quotas.contributions_at`). Cells, which people make by themselves, then move by up to a
quarter of their part towards the same odds for each (`solvers.quotas.even_cells`). Within a month, weeks go by the
company's bookings.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attain.optimise.search import simulate_batches
from engine.batch import Batch, Simulator
from engine.draws import SEARCH
from engine.goals import BOOKINGS, MEASURES
from engine.outcomes import BOOKED
from engine.plan.types import Goal, LoadedPlan, Plan
from engine.world import World, build
from solvers.quotas import even_cells, near_quota, split_quotas

Floats = NDArray[np.float64]
FIRST_PATHS = 32
MOST_ROWS = 1 << 20  # cells that are in memory together, or nearly
FINE = 100  # months and weeks are written in steps of about a hundredth of a mean rep's month


@dataclass(frozen=True)
class Week:
    """Days of one week that lie in one month of the horizon; `share` is its part of the month's bookings."""

    first: dt.date
    last: dt.date
    month: int
    share: float


@dataclass(frozen=True)
class Spread:
    """Quotas spread, in major units: by rep its (region, product, amount), its months [reps, months], and the weeks."""

    cells: tuple[tuple[tuple[str, str, float], ...], ...]
    months: Floats
    weeks: tuple[Week, ...]

    def by_week(self) -> tuple[tuple[dt.date, ...], Floats]:
        """The Mondays (or the horizon's first day) and [reps, weeks] what falls on each."""
        firsts = sorted({_monday(week.first) for week in self.weeks})
        amounts = np.zeros((len(self.months), len(firsts)))
        for week in self.weeks:
            amounts[:, firsts.index(_monday(week.first))] += week.share * self.months[:, week.month]
        starts = (min(week.first for week in self.weeks if _monday(week.first) == first) for first in firsts)
        return tuple(starts), np.round(amounts, 2)


def _monday(day: dt.date) -> dt.date:
    return day - dt.timedelta(days=day.weekday())


def round_unit(amount: float, minor: float, parts: int) -> float:
    """A power of ten of major units (in minor units) of about so many parts of the amount."""
    major = max(amount / minor / parts, 1.0)
    return float(10.0 ** np.floor(np.log10(major)) * minor)


@dataclass(frozen=True, eq=False)
class Observed:
    """What sample paths of phase 1 show: bookings [paths, reps], and where and when each of them was made.

    `cells` [found, 5] are path, rep, product, region and month of all that was booked, `amounts` what; `by_week`
    [paths, weeks] is the company's. All in minor units.
    """

    bookings: Floats
    cells: NDArray[np.int32]
    amounts: Floats
    weeks: tuple[Week, ...]
    by_week: Floats


def observed(
    current: LoadedPlan, world: World, seed: int, jobs: int | None, paths: int, phase: int = SEARCH
) -> Observed:
    """So many paths of the plan; the same whatever is kept in memory together."""
    weeks = weeks_of(world)
    simulator = Simulator(
        build(current.model_copy(update={"plan": _watching(current.plan, weeks)})), seed, phase, keep="cells"
    )
    book = simulator.world.goals
    legs = [book.legs_of[book.names.index(_name(week))][0] for week in weeks]
    bookings, by_week, cells, amounts = [], [], [], []
    first, size = 0, FIRST_PATHS
    while first < paths:  # what is not needed of a path is not kept
        batches = simulate_batches(simulator, first, min(size, paths - first), jobs)
        first += size
        rows = sum(0 if batch.cells is None else len(batch.cells) for batch in batches)
        size = max(1, size * MOST_ROWS // max(rows, 1))
        for batch in batches:
            bookings.append(batch.reps[:, :, BOOKED])
            by_week.append(batch.legs[:, legs])
            found, booked = _booked(batch)
            cells.append(found)
            amounts.append(booked)
    return Observed(
        np.concatenate(bookings), np.concatenate(cells), np.concatenate(amounts), weeks, np.concatenate(by_week)
    )


def _booked(batch: Batch) -> tuple[NDArray[np.int32], Floats]:
    """Path, rep, product, region and month of what was booked, and how much."""
    assert batch.cell_keys is not None, "kept by the simulator"
    assert batch.cells is not None, "kept by the simulator"
    booked = batch.cells[:, MEASURES.index(BOOKINGS)]
    some = booked != 0.0
    keys = batch.cell_keys[some][:, [0, 1, 2, 3, 5]].astype(np.int32)
    keys[:, 0] += batch.first
    return keys, booked[some]


def spread_quotas(world: World, seen: Observed, quotas: Floats, *, unit: float) -> Spread:
    """Spread quotas [reps] (minor units) by what making them looks like on the paths seen."""
    near = near_quota(seen.bookings, quotas)
    kept = near[seen.cells[:, 0], seen.cells[:, 1]]
    rows, amounts = seen.cells[kept, 1:].astype(np.int64), seen.amounts[kept]
    company = near_quota(seen.bookings.sum(axis=1, keepdims=True), np.array([quotas.sum()]))[:, 0]
    return Spread(
        _by_cell(world, quotas, seen, rows, amounts, unit),
        _by_month(world, quotas, rows, amounts) / world.minor,
        _shared(seen.weeks, seen.by_week[company].mean(axis=0), len(world.months)),
    )


def _by_cell(
    world: World, quotas: Floats, seen: Observed, rows: NDArray[np.int64], amounts: Floats, unit: float
) -> tuple[tuple[tuple[str, str, float], ...], ...]:
    """Each rep's quota over (region, product); `rows` and `amounts` are what was booked near the quotas."""
    used, column = np.unique(rows[:, 1] * len(world.regions) + rows[:, 2], return_inverse=True)
    if not len(used):
        return tuple(() for _ in world.reps)
    size = len(world.reps) * len(used)
    sums = np.bincount(rows[:, 0] * len(used) + column, amounts, minlength=size).astype(np.float64)
    products, regions = np.divmod(used, len(world.regions))
    found = []
    for r, own in enumerate(sums.reshape(len(world.reps), len(used))):
        at = np.flatnonzero(own) if own.any() else np.arange(len(used))
        booked = booked_by(seen, r, products[at], regions[at])
        parts = even_cells(booked, float(quotas[r]), own[at], unit=unit)
        found.append(
            tuple(
                (world.regions[int(regions[i])], world.products[int(products[i])], float(amount) / world.minor)
                for i, amount in zip(at.tolist(), parts.tolist(), strict=True)
                if amount > 0.0
            )
        )
    return tuple(found)


def booked_by(seen: Observed, rep: int, products: NDArray[np.int64], regions: NDArray[np.int64]) -> Floats:
    """[paths, cells]: what a rep books in some cells (product, region) on each path, in minor units."""
    wide = int(max(seen.cells[:, 3].max(initial=0), regions.max(initial=0))) + 1
    wanted = products * wide + regions
    order = np.argsort(wanted)
    mine = np.flatnonzero(seen.cells[:, 1] == rep)
    keys = seen.cells[mine, 2].astype(np.int64) * wide + seen.cells[mine, 3]
    place = np.minimum(np.searchsorted(wanted[order], keys), len(wanted) - 1)
    column = order[place]
    kept = wanted[column] == keys
    flat = seen.cells[mine[kept], 0].astype(np.int64) * len(wanted) + column[kept]
    sums = np.bincount(flat, seen.amounts[mine[kept]], minlength=len(seen.bookings) * len(wanted))
    return np.asarray(sums.reshape(len(seen.bookings), len(wanted)), dtype=np.float64)


def _by_month(world: World, quotas: Floats, rows: NDArray[np.int64], amounts: Floats) -> Floats:
    """[reps, months] in minor units. Months that the plan gives a rep keep their part of its quota."""
    reps, months = len(world.reps), len(world.months)
    booked: Floats = np.bincount(rows[:, 0] * months + rows[:, 3], amounts, minlength=reps * months).astype(np.float64)
    booked = booked.reshape(reps, months)
    unit = round_unit(float(quotas.mean()) / months, world.minor, FINE)
    given = np.zeros((reps, months))
    by_name = {rep.name: rep.quota for rep in world.plan.reps}
    for r, name in enumerate(world.reps):
        quota = by_name[name]
        if quota is None or not quota.months or not quota.year:
            continue
        kept = np.array(quota.months[:months])
        given[r, : len(kept)] = np.rint(kept / quota.year * quotas[r])
        booked[r, : len(kept)] = 0.0
        if len(kept) < months and not booked[r].any():
            booked[r, len(kept) :] = 1.0
    left = quotas - given.sum(axis=1)
    return given + split_quotas(np.maximum(left, 0.0), booked, unit=unit)


# --- weeks -----------------------------------------------------------------------------------------------------------


def weeks_of(world: World) -> tuple[Week, ...]:
    """The horizon's weeks, cut where a month ends; pieces without a working hour are left out. Shares by hours."""
    cal = world.cal
    days = [cal.start + dt.timedelta(days=i) for i in range((cal.end - cal.start).days + 1)]
    found = []
    for (_, month), group in groupby(days, key=lambda day: (_monday(day), f"{day:%Y-%m}")):
        piece = list(group)
        hours = cal.hours_until(piece[-1]) - cal.hours_until(piece[0] - dt.timedelta(days=1))
        if hours > 0.0:
            found.append(Week(piece[0], piece[-1], cal.month_labels.index(month), hours))
    return _normalised(found, len(cal.month_labels))


def _normalised(weeks: Sequence[Week], months: int) -> tuple[Week, ...]:
    """Shares that sum to one in each month."""
    sums = np.bincount([week.month for week in weeks], [week.share for week in weeks], minlength=months)
    return tuple(Week(week.first, week.last, week.month, week.share / float(sums[week.month])) for week in weeks)


def _name(week: Week) -> str:
    return f"\N{INFORMATION SEPARATOR ONE}week {week.first.isoformat()}"  # a name that no plan can hold


def _watching(plan: Plan, weeks: Sequence[Week]) -> Plan:
    """The plan with the bookings of each week as a goal, so that the simulation sums them up."""
    goals: dict[str, Any] = {
        _name(week): Goal(metric=BOOKINGS, at_least=1.0, since=week.first, until=week.last) for week in weeks
    }
    return plan.model_copy(update={"goals": goals})


def _shared(weeks: tuple[Week, ...], booked: Floats, months: int) -> tuple[Week, ...]:
    """Weeks with the share of the month's bookings that falls on each; by hours where a month has none."""
    sums = np.bincount([week.month for week in weeks], booked, minlength=months)
    return tuple(
        Week(week.first, week.last, week.month, float(value / sums[week.month])) if sums[week.month] > 0.0 else week
        for week, value in zip(weeks, booked, strict=True)
    )
