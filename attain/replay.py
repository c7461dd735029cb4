"""`attain replay`: the timeline of one replication, event by event, as it happened in the run of that seed.

Every draw is keyed by its replication, so that any one of a million is replayed without the others.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from attain.plans import open_plan
from attain.simulate import check_engine
from attain.summary.document import strict
from attain.tables import events_of, goal_scale
from attain.wording import Language
from engine.batch import Simulator
from engine.outcomes import EVENT, REP_COLUMNS, Names, Outcome, outcome_hash
from engine.plan.types import LoadedPlan
from engine.problems import PlanRefused, Problem
from engine.world import World, build

LARGEST_REPLICATION = 2**63


@dataclass(frozen=True)
class Event:
    """Something that happened to a deal. `hours`: working hours since the horizon's start; `hour`: of that day's work.

    `deal` is the name of a deal that was open on the first day, else its key; `amount` is in major units, of bookings.
    """

    date: str
    hour: float
    hours: float
    event: str
    deal: str
    visit: int
    stage: str
    rep: str
    amount: float


@dataclass(frozen=True)
class GoalOutcome:
    """What a goal came to in this replication."""

    name: str
    value: float
    target: float
    attained: bool


@dataclass(frozen=True)
class Replay:
    """One replication's timeline, all of it or what is around one deal or rep, and what it came to."""

    plan: str
    currency: str
    seed: int
    replication: int
    phase: int
    hash: str
    around: str | None
    total_events: int
    events: tuple[Event, ...]
    goals: tuple[GoalOutcome, ...]
    reps: tuple[tuple[str, dict[str, float]], ...]  # by name: leads, deals won, bookings in major units, hours, ...

    def as_json(self, language: Language = "en") -> dict[str, Any]:
        """The document that ``attain replay --json`` prints."""
        document = {
            "plan": self.plan,
            "seed": self.seed,
            "replication": self.replication,
            "phase": self.phase,
            "hash": self.hash,
            "around": self.around,
            "total_events": self.total_events,
            "goals": [vars(goal) for goal in self.goals],
            "reps": [{"rep": name, **totals} for name, totals in self.reps],
            "events": [vars(event) for event in self.events],
        }
        made: dict[str, Any] = strict(document)
        return made


def replay(
    plan: str | os.PathLike[str] | LoadedPlan,
    *,
    replication: int = 0,
    seed: int = 0,
    sets: Sequence[str] = (),
    around: str | None = None,
    phase: int = 0,
    engine: str = "compiled",
) -> Replay:
    """The timeline of one replication.

    `around`: `deal:KEY` (a key, its beginning, or an open deal's name) or `rep:NAME`; everything, unless given.
    Raises PlanRefused for a plan that cannot be simulated, a replication below 0, and an `around` that fits nothing.
    """
    check_engine(engine)
    if not 0 <= replication < LARGEST_REPLICATION:
        raise PlanRefused([Problem("--replication", str(replication), "a replication's number, from 0 on")])
    loaded = open_plan(plan, sets)
    world = build(loaded)
    outcome = Simulator(world, seed, phase, engine).outcome(replication, keep_log=True)
    events = _events(world, outcome, replication)
    kept = tuple(events) if around is None else _around(world, events, around)
    return Replay(
        plan=loaded.plan.name,
        currency=loaded.plan.currency,
        seed=seed,
        replication=replication,
        phase=phase,
        hash=outcome_hash(outcome, Names.of(world)).hex(),
        around=around,
        total_events=len(events),
        events=kept,
        goals=_goals(world, outcome),
        reps=_reps(world, outcome),
    )


def _events(world: World, outcome: Outcome, replication: int) -> list[Event]:
    log = outcome.log if outcome.log is not None else np.zeros(0, dtype=EVENT)
    table = events_of(world, log, replication)
    named = {f"{key:016x}": name for key, name in zip(world.open_deals.key, world.open_deals.names, strict=True)}
    columns = [table[name].tolist() for name in ("date", "hours", "event", "deal", "visit", "stage", "rep", "amount")]
    return [
        Event(date, hour_of_day(world, hours), hours, event, named.get(deal, deal), visit, stage, rep, amount)
        for date, hours, event, deal, visit, stage, rep, amount in zip(*columns, strict=True)
    ]


def hour_of_day(world: World, hours: float) -> float:
    """How many hours of its day's work have passed at an instant."""
    day = (world.cal.date_at(hours) - world.cal.start).days
    start = float(world.cal.hours_at[min(day, len(world.cal.hours_at) - 1)])
    return max(hours - start, 0.0)


def _around(world: World, events: list[Event], around: str) -> tuple[Event, ...]:
    kind, _, name = around.partition(":")
    if kind == "rep" and name:
        if name not in world.reps:
            raise PlanRefused([Problem("--around", around, f"rep: and one of: {', '.join(world.reps)}")])
        return tuple(event for event in events if event.rep == name)
    if kind != "deal" or not name:
        raise PlanRefused([Problem("--around", around, "deal:KEY or rep:NAME")])
    deals = {event.deal for event in events}
    if name not in deals:
        key = name.casefold().removeprefix("0x")
        found = sorted(deal for deal in deals if deal.startswith(key)) if re.fullmatch("[0-9a-f]+", key) else []
        if len(found) > 1:
            listed = ", ".join(found[:5]) + (", ..." if len(found) > 5 else "")
            raise PlanRefused(
                [Problem("--around", around, f"more of the key, which fits {len(found)} deals: {listed}")]
            )
        if not found:
            raise PlanRefused(
                [Problem("--around", around, "a deal of this replication: its key, or an open deal's name")]
            )
        name = found[0]
    return tuple(event for event in events if event.deal == name)


def _goals(world: World, outcome: Outcome) -> tuple[GoalOutcome, ...]:
    book, scale = world.goals, goal_scale(world)
    legs = outcome.legs[None, :]
    attained, values, targets = book.attained(legs)[0], book.values(legs)[0] / scale, book.targets() / scale
    order = [book.names.index(name) for name in world.plan.goals if name in book.names]
    return tuple(GoalOutcome(book.names[g], float(values[g]), float(targets[g]), bool(attained[g])) for g in order)


def _reps(world: World, outcome: Outcome) -> tuple[tuple[str, dict[str, float]], ...]:
    found = []
    for r, name in enumerate(world.reps):
        totals = dict(zip(REP_COLUMNS, outcome.reps[r].tolist(), strict=True))
        totals["bookings"] /= world.minor
        found.append((name, totals))
    return tuple(found)
