"""Effort in a fitted plan: whose hours are known, what they make of the stages' work, and of waits that held it.

A history's times in a stage hold everything: the queue before a person, the work and the customer's answer. Once a plan
has work its waits are the rest: what queue and work take at the assumed busy part, an M/G/1 queue's, is taken off them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from attain.capacity import WEEK, Person
from attain.effort import BUSY, MOVED, Efforts, effort_from_capacity, pressed
from attain.fitted import Fitted
from attain.fitted_people import RepFit
from attain.fitted_stages import StageFit
from attain.joined import Joined
from attain.wording import told
from engine.fit.durations import Wait
from engine.plan.quantities import read_duration
from engine.problems import Refused

MOST_NAMED = 6
LEAST_LEFT = 0.1  # of a wait
LEVELS = (np.arange(20) + 0.5) / 20
DAYS_IN = {"cd": 1.0, "d": 7 / 5, "w": 7.0, "mo": 30.4375, "h": 7 / 40}


@dataclass(frozen=True, slots=True)
class Capacity:
    """What is said of people's time: hours a week for deals, and the part of them that they are busy."""

    hours_per_week: float | None = None
    busy: float | None = None


def capacity_of(hours_per_week: float | None, busy: str | float | None) -> Capacity | None:
    """What is said, None where nothing is. Raises Refused."""
    part = read_busy(busy)
    return None if hours_per_week is None and part is None else Capacity(hours_per_week, part)


def read_busy(text: str | float | None) -> float | None:
    """80% or 0.8. Raises Refused."""
    if text is None or isinstance(text, float):
        value = text
    else:
        plain = str(text).strip()
        share = plain.endswith(("%", "％"))
        try:
            value = float(plain.rstrip("%％")) / (100.0 if share else 1.0)
        except ValueError:
            value = 0.0
    if value is not None and not 0 < value <= 1:
        raise Refused(f"busy {text!r}: a part of people's hours was expected, such as 80%")
    return value


def with_effort(fitted: Fitted, joined: Joined, capacity: Capacity) -> Fitted:
    """The plan with work from people's hours, where some are known: what cannot be told is among what is refused."""
    known = joined.has("people", "hours") and (joined.frame("people")["hours"].fill_null(0.0) > 0).any()  # type: ignore[index]
    if capacity.hours_per_week is None and not known:
        if capacity.busy is not None:
            raise Refused("--busy is a part of people's hours: give them, with --hours-per-week or in --people")
        return fitted
    notes = list(fitted.notes)
    people, others = _hours(joined, capacity.hours_per_week, notes)
    busy = BUSY if capacity.busy is None else capacity.busy
    try:
        found = effort_from_capacity(joined.history, others, busy=busy, people=people)
    except Refused as error:
        why = error.args[0] if error.args else str(error)
        reps = _with_hours(fitted.reps, people, others, {})
        return replace(fitted, reps=reps, notes=tuple(notes), refused=fitted.refused | {"effort": why})
    reps = _with_hours(fitted.reps, people, others, dict(found.longer))
    values = {"people": str(found.people), "hours": f"{found.hours:,.0f}", "months": f"{found.months:,.0f}"}
    mean = f"{found.mean:.2g}" if found.mean < 10 else f"{found.mean:,.0f}"
    notes.append(told("effort.found", busy=f"{busy:.0%}", visits=f"{found.visits:,}", mean=mean, **values))
    for key, named in (("effort.over", found.over), ("effort.longer", found.longer)):
        if named:
            times = 1.0 if key == "effort.over" else others
            shown = ", ".join(
                f"{n} ({x:.0%})" if key == "effort.over" else f"{n} ({x * times:.0f} h)" for n, x in named[:MOST_NAMED]
            )
            more = f" (+{len(named) - MOST_NAMED})" if len(named) > MOST_NAMED else ""
            notes.append(told(key, n=str(len(named)), names=shown + more, hours=f"{others:g}"))
    if abs(found.lately - 1.0) > MOVED:
        now = f"{busy * found.lately:.0%}"
        key = "effort.busier" if found.lately > 1 else "effort.quieter"
        notes.append(told(key, times=f"{found.lately:.2g}", busy=f"{busy:.0%}", now=now))
    refused = fitted.refused | ({"effort by stage": found.why} if found.why else {})
    weekly = float(np.mean([r.hours for r in reps if r.hours] or [others or 40.0]))
    days = queue_and_work(found, weekly)
    stages, pipeline = shortened(fitted.stages, days, notes), _younger(fitted.pipeline, days)
    return replace(
        fitted, reps=reps, stages=stages, pipeline=pipeline, effort=found, notes=tuple(notes), refused=refused
    )


def _with_hours(
    reps: tuple[RepFit, ...], people: dict[str, Person], others: float, longer: dict[str, float]
) -> tuple[RepFit, ...]:
    """Everybody's hours: their own, else what is said of all, or so much more as their visits take."""
    return tuple(
        replace(r, hours=(people[r.name].hours if r.name in people else others) * longer.get(r.name, 1.0)) for r in reps
    )


def _hours(joined: Joined, given: float | None, notes: list[str]) -> tuple[dict[str, Person], float]:
    """Everybody in the table, and the hours of others."""
    frame = joined.frame("people")
    rows = [] if frame is None else list(frame.iter_rows(named=True))
    own = [float(row["hours"]) for row in rows if row.get("hours")]  # of one with none, deals would never be done
    others = given if given is not None else float(np.median(own))
    without = sum(not row.get("hours") for row in rows)
    if without and given is None:
        notes.append(told("effort.median_hours", n=str(without), file=joined.file("people"), hours=f"{others:g}"))
    people = {
        str(row["name"]): Person(
            float(row.get("hours") or others), row.get("start"), row.get("end"),
            _days(row.get("ramp")), bool(row.get("hours")),
        )
        for row in rows
    }  # fmt: skip
    return people, others


def _days(ramp: str | None) -> float:
    if not ramp:
        return 0.0
    read = read_duration(ramp)
    return float(read.value) * DAYS_IN[read.unit]


# --- waits without the queue and the work -----------------------------------------------------------------------------


def queue_and_work(found: Efforts, weekly: float) -> dict[str, float]:
    """Stage -> calendar days that a visit takes to be come to and done: an M/G/1 queue a person, exponential work."""
    works = np.array([e.hours for e in found.stages])
    rates = np.array([float(e.visits) for e in found.stages])
    rho = min(found.busy / pressed(found.lately), 0.98)
    queue = rho / (1 - rho) * float(rates @ works**2) / float(rates @ works)
    return {e.stage: (queue + e.hours) / weekly * WEEK for e in found.stages}


def shortened(stages: Sequence[StageFit], days: dict[str, float], notes: list[str]) -> tuple[StageFit, ...]:
    """Stages whose waits are what is left of the whole time."""
    out, fast = [], []
    for stage in stages:
        off = days[stage.name]
        waits = replace(stage.waits, advance=_less(stage.waits.advance, off), lost=_less(stage.waits.lost, off))
        whole = [w for w in (stage.waits.advance, stage.waits.lost) if w is not None]
        if whole and off > 0.5 * max(_mean(w) for w in whole):
            fast.append(stage.name)
        out.append(replace(stage, waits=waits, seen=stage.seen or stage.waits))
    if fast:
        most = max(days[name] for name in fast)
        notes.append(told("effort.fast", names=", ".join(repr(n) for n in fast), days=f"{most:.2g}"))
    return tuple(out)


def _mean(wait: Wait) -> float:
    return float(np.mean([wait.quantile(float(p)) for p in LEVELS]))


def _less(wait: Wait | None, days: float) -> Wait | None:
    """A wait that is less by so many days: each value of a table, the mean of a family."""
    if wait is None:
        return None
    if wait.family in ("quantiles", "constant"):
        return replace(wait, parameters=tuple(max(p - days, LEAST_LEFT * p) for p in wait.parameters))
    left = max(LEAST_LEFT, 1.0 - days / max(_mean(wait), 1e-12))
    return replace(wait, parameters=(wait.parameters[0] * left, *wait.parameters[1:]))


def _younger(pipeline: pl.DataFrame, days: dict[str, float]) -> pl.DataFrame:
    """Open deals whose age is what they have waited, without the queue and the work before that."""
    off = pl.col("stage").replace_strict(days, default=0.0, return_dtype=pl.Float64)
    age = pl.col("age")
    return pipeline.with_columns(age=pl.max_horizontal(age - off, age * LEAST_LEFT))


def as_json(found: Efforts | None) -> dict[str, object] | None:
    """What was found, as JSON-ready numbers."""
    if found is None:
        return None
    return {
        "busy": found.busy,
        "people": found.people,
        "months": found.months,
        "hours": found.hours,
        "visits": found.visits,
        "hours_per_visit": found.mean,
        "sd": found.sd,
        "lately": found.lately,
        "split": found.split,
        "over": dict(found.over),
        "longer": dict(found.longer),
        "stages": {
            e.stage: {"hours": e.hours, "interval": [e.low, e.high], "of": e.of, "visits": e.visits}
            for e in found.stages
        },
    }
