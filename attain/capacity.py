"""People's hours and what came to them in those hours, from a history: what effort is fitted to where none is logged.

A person's work is that of the deals that are theirs, as in a plan. The table is by person and month, or quarter where
months are few visits, over the last year at the most, from when the history holds deals of every age on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from attain.history.records import History
from engine.fit.incidence import OPEN

Floats = NDArray[np.float64]
DAYS_LONGEST = 365  # that are looked at: how busy people are is said of now
PERIOD, MANY = 30.4375, 20.0  # days; where a person has fewer visits in them, three times as many days are one row
SELDOM = 5.0  # visits a period, below which a person's whole time is one row
SETTLED = 0.9  # share of visits that deals make by the age from which all stages have come to be visited
GONE = 3.0  # mean gaps between visits, and a month, without any of which somebody is taken to have left
MONTH = 31.0
RAMPING = 0.65  # of full hours during a ramp: a straight line from 0.3 to 1
WEEK = 7.0
A_DAY = 8.0  # hours that are worked of a day
A_MINUTE = 1 / 1440  # of a day


@dataclass(frozen=True, slots=True)
class Person:
    """Hours a week for deals, and from when to when: None where only their visits tell. ``ramp``: days. ``own``:
    whether the hours are known of this person, and not what is said of all."""

    hours: float
    start: dt.date | None = None
    end: dt.date | None = None
    ramp: float = 0.0
    own: bool = True


@dataclass(frozen=True, eq=False)
class Load:
    """What came to people in their hours. ``visits`` [rows, stages], ``hours`` [rows], ``who`` [rows]: a row a person
    and period. ``own`` [people]: whose hours are their own, and not what is said of all. ``nobody`` [stages]: visits of
    deals that have no owner, over the same time. ``most`` [stages]: hours that a visit can take on average, seeing how
    long half of them were there in all."""

    people: tuple[str, ...]
    visits: Floats
    hours: Floats
    who: NDArray[np.int64]
    own: NDArray[np.bool_]
    months: float  # of people's work
    lately: float  # visits a day of the last three months, over those of the whole time
    nobody: Floats
    most: Floats
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
    each = visits.filter(pl.col("ago") < back).height / max(1, visits["owner"].n_unique()) / (back / PERIOD)
    periods = max(1, round(back / (PERIOD if each >= MANY else 3 * PERIOD)))
    length = back / periods
    names: list[str] = []
    rows: list[Floats] = []
    hours: list[float] = []
    who: list[int] = []
    worked = 0.0
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
        steps = periods
        if counts[:-1].sum() < SELDOM * periods:  # a period without a visit is chance, and none of absence
            counts, steps = counts[:-1].sum(axis=0, keepdims=True), 1
        for k in range(steps):
            there = _there(first, last, found, history.as_of, k * back / steps, (k + 1) * back / steps)
            if counts[k].sum() > 0 and there > 0.0:
                rows.append(counts[k])
                hours.append(found.hours * there / WEEK)
                who.append(len(names))
                worked += there
        names.append(str(name))
    lost = visits.filter(pl.col("owner").is_null() & (pl.col("ago") < back))
    nobody = np.bincount(lost["stage"].to_numpy(), minlength=stages).astype(float)
    came = visits["ago"].to_numpy()
    quarter = min(back, 3 * PERIOD)
    lately = (came < quarter).sum() / quarter / max(float((came < back).sum()) / back, 1e-9)
    own_hours = [name in people and people[name].own for name in names]
    return Load(
        tuple(names), np.array(rows).reshape(-1, stages), np.array(hours), np.array(who, dtype=np.int64),
        np.array(own_hours, dtype=bool), worked / PERIOD, float(lately), nobody, _most(history),
        history.as_of - dt.timedelta(days=round(back) - 1), history.as_of,
    )  # fmt: skip


def _most(history: History) -> Floats:
    """[stages]: mean of an exponential with the median of the whole time of visits that ended, in working hours."""
    ended = history.visits.filter(pl.col("outcome") != OPEN).group_by("stage").agg(pl.col("days").median())
    days = np.full(len(history.stages), np.inf)
    for stage, median in ended.iter_rows():
        days[stage] = max(median, history.resolution, A_MINUTE)
    return np.asarray(np.where(days < 1.0, np.minimum(days * 24.0, A_DAY), days * A_DAY) / np.log(2.0))


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
