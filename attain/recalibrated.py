"""A simulated plan's goals with the spread that a back-test says they deserve, beside the plan's own.

For each goal the part that lies ahead is changed as the back-test's recalibration changes a forecast
(``backtest.recalibrate``): moved by what comes back of the last known error, stretched about its mean. What has
happened already is added unchanged. A goal is matched to what was scored: the company, a region, a product or a rep,
over the shortest scored horizon that is as long as what lies ahead. Where nothing matches, or too few origins had
ended, nothing is changed and it is said why.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attain.backtest.learnt import Group, Learnt, LearntRefused
from attain.backtest.origins import HORIZONS, Month
from attain.backtest.recalibrate import Change, apply
from attain.results import Results
from attain.wording import Told, told
from engine.goals import BOOKINGS, MEASURES, Leg
from engine.plan.types import Goal, LoadedPlan, Where
from engine.world import World

Floats = NDArray[np.float64]
DAYS_IN_MONTH = 30.4375
ROOM = 0.2  # of a month by which what lies ahead may be longer than the horizon that it is matched to
LEVELS = (0.1, 0.5, 0.9)
SCORED = ("bookings", "deals_won")


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one distribution: its 10, 50 and 90% quantiles, and the probability of the target where there is one."""

    p10: float
    p50: float
    p90: float
    probability: float | None

    @classmethod
    def of(cls, values: Floats, target: float | None) -> Figures:
        """From values by replication."""
        low, middle, high = (float(q) for q in np.quantile(values, LEVELS))
        return cls(low, middle, high, None if target is None else float((values >= target).mean()))


@dataclass(frozen=True, slots=True)
class Row:
    """A goal, or the company's coming month, quarter or half (``name`` is then empty), simulated and recalibrated.

    Money in major units. ``why``: why nothing was changed. ``covered``: shares of 80% intervals that held in the
    back-test, as fitted and recalibrated, of ``scored`` cells.
    """

    name: str
    measure: str
    level: str
    until: dt.date
    target: float | None
    model: Figures
    recalibrated: Figures | None
    horizon: str = ""
    origins: int = 0
    change: Change | None = None
    covered: tuple[float | None, float | None] = (None, None)
    scored: int = 0
    why: Told | None = None

    def as_json(self) -> dict[str, Any]:
        """What ``--json`` prints of it."""
        both = {"model": self.model, "recalibrated": self.recalibrated}
        return {
            "goal": self.name or None, "measure": self.measure, "level": self.level, "until": self.until.isoformat(),
            "target": self.target,
            **{k: None if f is None else {n: getattr(f, n) for n in Figures.__slots__} for k, f in both.items()},
            "horizon": self.horizon or None, "origins": self.origins,
            "shift": self.change.shift if self.change else None,
            "stretch": self.change.stretch if self.change else None,
            "covered": {"model": self.covered[0], "recalibrated": self.covered[1], "cells": self.scored},
            "why": None if self.why is None else str(self.why),
        }  # fmt: skip


@dataclass(frozen=True)
class Recalibration:
    """What a back-test's file makes of a run. ``notes``: what a reader must know of it."""

    history: str
    until: dt.date
    day: dt.date  # the forecast's own: the plan's as_of, or the day before it begins
    replications: int
    rows: tuple[Row, ...]
    notes: tuple[Told, ...]

    def as_json(self) -> dict[str, Any]:
        """The document."""
        return {
            "history": self.history, "until": self.until.isoformat(), "as_of": self.day.isoformat(),
            "replications": self.replications, "rows": [row.as_json() for row in self.rows],
            "notes": [str(note) for note in self.notes],
        }  # fmt: skip


def check_history(loaded: LoadedPlan, learnt: Learnt) -> None:
    """Raises LearntRefused for a plan that was not fitted to the back-test's history."""
    if f"attain calibrate` from {learnt.history}:" not in loaded.text:
        raise LearntRefused(
            f"{loaded.plan.name} does not say that it was fitted to {learnt.history}, whose forecasts the back-test "
            "scored: only a plan that attain calibrate made from it, with its first line kept, can be recalibrated"
        )


def recalibrate(results: Results, loaded: LoadedPlan, learnt: Learnt, sets: tuple[str, ...] = ()) -> Recalibration:
    """Every goal of a run and the company's coming month, quarter and half, with what the back-test makes of them.

    Raises LearntRefused for a plan that was not fitted to the back-test's history.
    """
    check_history(loaded, learnt)
    world = results.world
    horizon = loaded.plan.horizon
    day = horizon.as_of or horizon.start - dt.timedelta(days=1)
    frame = _Frame(results, world, learnt, day)
    rows = [frame.goal(g, goal) for g, goal in enumerate(world.goals.goals)]
    rows += [row for name in HORIZONS for measure in SCORED if (row := frame.period(name, measure)) is not None]
    notes = [told("recalibrated.same")]
    if set(sets) != set(learnt.sets):
        notes.append(told("recalibrated.sets", theirs=" ".join(learnt.sets) or "-", ours=" ".join(sets) or "-"))
    if day < learnt.until:
        notes.append(told("recalibrated.earlier", day=day, until=learnt.until))
    elif Month.of(day) - Month.of(learnt.until) > 1:
        notes.append(told("recalibrated.stale", day=day, until=learnt.until))
    return Recalibration(learnt.history, learnt.until, day, results.held, tuple(rows), tuple(notes))


@dataclass(frozen=True, eq=False)
class _Frame:
    results: Results
    world: World
    learnt: Learnt
    day: dt.date

    def goal(self, g: int, goal: Goal) -> Row:
        """One goal of the plan."""
        book, minor = self.world.goals, self.world.minor
        values = self.results.values[:, g]
        money = goal.metric in (None, BOOKINGS) and not book.counts(g)
        scale = minor if money else 1.0
        target = float(book.targets()[g]) / scale
        until = goal.until or self.world.cal.end
        measure = goal.metric or BOOKINGS
        level = level_of(goal.where)
        raw = Figures.of(values / scale, target)
        row = Row(book.names[g], measure, level or "", until, target, raw, None)
        why = self._unscored(goal, book.counts(g), measure, level, until)
        if why is not None:
            return _with(row, why=why)
        so_far = _so_far(self.world, book.legs[book.legs_of[g][0]])
        return self._changed(row, (values - so_far) / scale, so_far / scale)

    def _unscored(self, goal: Goal, parts: bool, measure: str, level: str | None, until: dt.date) -> Told | None:
        if parts or goal.every is not None:
            return told("recalibrated.joint")
        if measure not in SCORED:
            return told("recalibrated.measure", name=measure)
        if level is None:
            return told("recalibrated.where")
        if until <= self.day:
            return told("recalibrated.over")
        if goal.since is not None and goal.since > self.day + dt.timedelta(days=1):
            return told("recalibrated.later")
        return None

    def period(self, name: str, measure: str) -> Row | None:
        """The company's next month, quarter or half, to the nearest month's end. None where it leaves the plan."""
        group = self.learnt.group("company", measure, HORIZONS[name])
        if group is None or group.horizon != name:
            return None
        end = _nearest_end(self.day, HORIZONS[name])
        months = self.world.months
        if end > self.world.cal.end or end <= self.day:
            return None
        first = Month.of(self.day) if self.day < Month.of(self.day).last else Month.of(self.day) + 1
        at = [i for i, label in enumerate(months) if first.label <= label <= Month.of(end).label]
        m = MEASURES.index(measure)
        scale = self.world.minor if measure == BOOKINGS else 1.0
        whole = self.results.margins["month"][:, at, m].sum(axis=1)
        so_far = _happened(self.world, np.isin(self.world.happened.month, at), m)
        ahead = (whole - so_far) / scale  # since the day: what was booked before it in its month is no part of it
        row = Row("", measure, "company", end, None, Figures.of(ahead, None), None)
        return self._changed(row, ahead, 0.0)

    def _changed(self, row: Row, ahead: Floats, so_far: float) -> Row:
        """The row with its part ahead recalibrated, or why not."""
        months = (row.until - self.day).days / DAYS_IN_MONTH
        group = self.learnt.group(row.level, row.measure, months - ROOM)
        if group is None:
            longest = self.learnt.longest(row.level, row.measure)
            if not longest:
                return _with(row, why=told("recalibrated.level", level=told(f"recalibrated.level.{row.level}")))
            return _with(row, why=told("recalibrated.long", months=f"{months:.1f}", longest=str(longest)))
        known = self.learnt.ended(group, self.day)
        needed = self.learnt.needed(group)
        change = self.learnt.change(group, self.day)
        horizon = told(f"recalibrated.horizon.{group.horizon}")
        if change is None:
            step = self.learnt.every
            why = told("recalibrated.few", n=str(len(known)), needed=str(needed), horizon=horizon, step=str(step))
            return _with(row, why=why, group=group, origins=len(known))
        made = apply(change, np.maximum(ahead, 0.0)[None, :], whole=row.measure == "deals_won")[0] + so_far
        return _with(row, group=group, origins=len(known), change=change, made=Figures.of(made, row.target))


def _with(
    row: Row,
    *,
    why: Told | None = None,
    group: Group | None = None,
    origins: int = 0,
    change: Change | None = None,
    made: Figures | None = None,
) -> Row:
    return Row(
        row.name, row.measure, row.level, row.until, row.target, row.model, made, group.horizon if group else "",
        origins, change, group.covered if group else (None, None), group.scored if group else 0, why,
    )  # fmt: skip


def level_of(where: Where) -> str | None:
    """The level at which a back-test scores such a filter: company, one region, one product or one rep; else None."""
    chosen = {k: getattr(where, k) for k in ("region", "product", "rep", "segment", "source")}
    given = {k: v for k, v in chosen.items() if v}
    if not given:
        return "company"
    if len(given) == 1:
        ((kind, names),) = given.items()
        if len(names) == 1 and kind in ("region", "product", "rep"):
            return str(kind)
    return None


def _nearest_end(day: dt.date, months: int) -> dt.date:
    """The month's end that is nearest to so many months after the end of a day."""
    month = Month.of(day)
    part = day.day / month.last.day  # of its month that is over
    return (month + (months if part >= 0.5 else months - 1)).last


def _so_far(world: World, leg: Leg) -> float:
    """What a leg counts of what has happened."""
    h = world.happened
    if not len(h.day):
        return 0.0
    inside = (h.day >= leg.dates[0]) & (h.day <= leg.dates[1])
    inside &= leg.reps[h.rep] & leg.products[h.product] & leg.regions[h.region] & leg.segments[h.segment]
    return _happened(world, inside, leg.measure)


def _happened(world: World, inside: NDArray[np.bool_], measure: int) -> float:
    h = world.happened
    name = MEASURES[measure] if measure < len(MEASURES) else ""
    amounts = {"bookings": h.bookings, "deals_won": h.deals_won}.get(name)
    return 0.0 if amounts is None else float(amounts[inside].sum())
