"""Who is there when, and how fast: reps' first and last days and their ramps, as hours and months of the horizon.

A rep is there from the start of the first day to the end of the last. As all periods, that one is open on the left: an
instant at which somebody leaves finds them there, and one at which somebody begins does not. So who is there changes as
the last thing of an instant (`environment.Rank.STAFF`), and between two changes there is one *staff*, numbered from 0.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.calendar import ONE_DAY, WorkCalendar, to_hours
from engine.plan.types import Ramp, Rep

DAYS_A_WEEK = 7.0


@dataclass(frozen=True, eq=False)
class Staffing:
    """Every array is by rep, names sorted; `there` has a row for each staff, the first one on the first day."""

    changes: NDArray[np.float64]  # hours after which another staff is there; inside what is simulated, rising
    there: NDArray[np.bool_]  # [staffs, reps]
    since: NDArray[np.float64]  # [reps] hours; 0 from the horizon's start
    until: NDArray[np.float64]  # [reps] hours; infinite who is there at the horizon's end
    pace: NDArray[np.float64]  # [reps, months] of full speed

    @property
    def anybody_leaves(self) -> bool:
        """Whether any rep leaves while the simulation runs."""
        return bool((self.there[:-1] & ~self.there[1:]).any())

    def periods(self) -> list[tuple[float, float, NDArray[np.bool_]]]:
        """Each staff: hours after which, and up to which, it is there; and [reps] who that is."""
        ends = [0.0, *self.changes.tolist(), np.inf]
        return list(zip(ends[:-1], ends[1:], self.there, strict=True))

    def hours(self, cal: WorkCalendar, start: float) -> NDArray[np.float64]:
        """[reps, months]: working hours after `start` for which a rep is there."""
        ends = cal.month_ends
        begins = np.concatenate(([0.0], ends[:-1]))
        first = np.maximum(begins[None, :], np.maximum(self.since, start)[:, None])
        last = np.minimum(ends[None, :], self.until[:, None])
        found: NDArray[np.float64] = np.maximum(last - first, 0.0)
        return found


def _span(rep: Rep, cal: WorkCalendar) -> tuple[float, float]:
    """The hours for which a rep is there: (0, inf) where that is the whole horizon."""
    since = cal.hours_until(rep.start - ONE_DAY) if rep.start is not None and rep.start > cal.start else 0.0
    if rep.end is None or cal.hours_until(rep.end) >= cal.horizon_hours:
        return since, np.inf
    return since, cal.hours_until(rep.end)


def ramp_days(ramp: Ramp, cal: WorkCalendar) -> float:
    """How many calendar days a ramp takes; working time at the calendar's rate."""
    number, calendar_days = to_hours(ramp.over, cal)
    return number if calendar_days else number * (DAYS_A_WEEK / cal.week_hours)


def _reached(day: float, days: float, first: float) -> float:
    """What a ramp of so many days has let through by a day of it: the area below the line from `first` to 1."""
    if day >= days:
        return day - 0.5 * (1.0 - first) * days
    return day * (first + 0.5 * (1.0 - first) * (day / days))


def _paces(rep: Rep, cal: WorkCalendar) -> list[float]:
    """[months]: the ramp's mean over the days of each month on which the rep is there; 1 where there is no ramp."""
    ramp = rep.ramp
    if ramp is None:
        return [1.0] * len(cal.month_labels)
    began, last = rep.start or cal.start, rep.end or cal.end
    days, paces = ramp_days(ramp, cal), []
    for label in cal.month_labels:
        first = dt.date(int(label[:4]), int(label[5:7]), 1)
        following = (first + 31 * ONE_DAY).replace(day=1)
        low = max(first, cal.start, began)
        high = min(following, cal.end + ONE_DAY, last + ONE_DAY)
        if high <= low or days <= 0.0:
            paces.append(1.0 if days <= 0.0 or first >= began else np.nan)
            continue
        a, b = float((low - began).days), float((high - began).days)
        below_a, below_b = (_reached(day, days, ramp.starts_at) for day in (a, b))
        paces.append(1.0 if a >= days else (below_b - below_a) / (b - a))
    # Who begins as a month ends begins at the next month's pace.
    for month in range(len(paces) - 1, -1, -1):
        if np.isnan(paces[month]):
            paces[month] = paces[month + 1] if month + 1 < len(paces) else 1.0
    return paces


def staffing_of(reps: Mapping[str, Rep], names: Sequence[str], cal: WorkCalendar) -> Staffing:
    """The staffing of reps by name over the calendar's horizon, from as_of on."""
    spans = [_span(reps[name], cal) for name in names]
    since, until = (np.array(side, dtype=np.float64) for side in zip(*spans, strict=True))
    every = np.unique(np.concatenate([since, until]))
    changes = every[(every > cal.as_of_hours) & (every < cal.horizon_hours)]
    before = np.concatenate(([cal.as_of_hours], changes))[:, None]  # each staff is there after one of these
    there = (since <= before) & (until > before)
    return Staffing(changes, there, since, until, np.array([_paces(reps[name], cal) for name in names]))
