"""People's hours and what came to them in those hours, from a history: what effort is fitted to where none is logged.

A person's work is that of the deals that are theirs, as in a plan. The table is by person and quarter of a year, over
the last two years at the most, from when the history holds deals of every age on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from attain.history.records import History

Floats = NDArray[np.float64]
DAYS_LONGEST = 730  # that are looked at: what a visit takes moves
PERIOD = 91.3125  # days; a quarter's end of visits that are entered and not yet worked on is little of it
SETTLED = 0.9  # share of visits that deals make by the age from which all stages have come to be visited
GONE = 3.0  # mean gaps between visits, and a month, without any of which somebody is taken to have left
MONTH = 31.0
RAMPING = 0.65  # of full hours during a ramp: a straight line from 0.3 to 1
WEEK = 7.0


@dataclass(frozen=True, slots=True)
class Person:
    """Hours a week for deals, and from when to when: None where only their visits tell. ``ramp``: days."""

    hours: float
    start: dt.date | None = None
    end: dt.date | None = None
    ramp: float = 0.0


@dataclass(frozen=True, eq=False)
class Load:
    """What came to people in their hours. ``visits`` [rows, stages], ``hours`` [rows], ``who`` [rows]: a row a person
    and quarter; ``nobody`` [stages]: visits of deals that have no owner, over the same time."""

    people: tuple[str, ...]
    visits: Floats
    hours: Floats
    who: NDArray[np.int64]
    nobody: Floats
    since: dt.date
    until: dt.date


def load_of(history: History, people: Mapping[str, Person], others: float | None) -> Load:
    """The table of a history. ``people``: those whose hours are known; ``others``: the hours of everybody else, who
    are left out where that is None."""
    stages = len(history.stages)
    deals = history.deals.select("owner", "created")
    at = history.visits["deal"]
    visits = history.visits.select("stage", "entered").with_columns(
        owner=deals["owner"].gather(at), created=deals["created"].gather(at)
    )
    over = dt.datetime.combine(history.as_of + dt.timedelta(days=1), dt.time(0))
    ago = (pl.lit(over) - pl.col("entered")).dt.total_microseconds() / 86_400e6
    aged = (pl.col("entered") - pl.col("created")).dt.total_microseconds() / 86_400e6
    visits = visits.select("owner", "stage", ago=ago, aged=aged).filter(pl.col("ago") > 0)
    whole = float(visits["ago"].max() or 0.0)  # type: ignore[arg-type]
    settling = float(visits["aged"].quantile(SETTLED) or 0.0)
    back = min(DAYS_LONGEST, max(whole - settling, whole / 2))
    periods = max(1, round(back / PERIOD))
    length = back / periods
    names: list[str] = []
    rows: list[Floats] = []
    hours: list[float] = []
    who: list[int] = []
    owned = visits.filter(pl.col("owner").is_not_null()).sort("owner", "ago")
    for (name,), own in owned.group_by("owner", maintain_order=True):
        found = people.get(str(name)) or (Person(others) if others is not None else None)
        if found is None:
            continue
        came = own["ago"].to_numpy()
        first, last = _span(came, whole, found, history.as_of)
        period = np.minimum((came / length).astype(np.int64), periods)
        counts = np.zeros((periods + 1, stages))
        np.add.at(counts, (period, own["stage"].to_numpy()), 1.0)
        for k in range(periods):
            there = _there(first, last, found, history.as_of, k * length, (k + 1) * length)
            if counts[k].sum() > 0 and there > 0:
                rows.append(counts[k])
                hours.append(found.hours * there / WEEK)
                who.append(len(names))
        names.append(str(name))
    lost = visits.filter(pl.col("owner").is_null() & (pl.col("ago") < back))
    nobody = np.bincount(lost["stage"].to_numpy(), minlength=stages).astype(float)
    return Load(
        tuple(names), np.array(rows).reshape(-1, stages), np.array(hours), np.array(who, dtype=np.int64), nobody,
        history.as_of - dt.timedelta(days=round(back) - 1), history.as_of,
    )  # fmt: skip


def _span(came: Floats, whole: float, person: Person, as_of: dt.date) -> tuple[float, float]:
    """From and until how many days ago somebody was there: their own dates, else as their visits tell."""
    newest, oldest = float(came[0]), float(came[-1])
    gap = (oldest - newest) / (len(came) - 1) if len(came) > 1 else MONTH
    first = np.inf if oldest + max(MONTH, GONE * gap) >= whole else oldest + gap
    last = 0.0 if newest <= max(MONTH, GONE * gap) else newest - gap
    if person.start is not None:
        first = float((as_of - person.start).days + 1)
    if person.end is not None:
        last = float((as_of - person.end).days)
    return first, last


def _there(first: float, last: float, person: Person, as_of: dt.date, newest: float, oldest: float) -> float:
    """Days of a period, from ``oldest`` to ``newest`` days ago, on which somebody was there, a ramp's in part."""
    days = max(0.0, min(first, oldest) - max(last, newest, 0.0))
    if not person.ramp or person.start is None:
        return days
    over = first - person.ramp
    ramping = max(0.0, min(first, oldest) - max(last, newest, over, 0.0))
    return days - (1.0 - RAMPING) * ramping
