"""Firms whose people's work is known: simulated by the engine, written as a history of stages, one row a visit."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from engine.batch import Simulator
from engine.calendar import day_position
from engine.outcomes import Kind
from engine.plan.load import load_plan
from engine.world import World, build

HEAD = ["OpportunityId", "StageName", "CreatedDate", "Opportunity Owner"]
STAGES = ("Lead", "Proposal", "Contract")
WORK = (1.5, 6.0, 3.0)
HOURS = 30.0


@dataclass(frozen=True)
class Firm:
    """A history's rows; what people were busy of their hours, each; the hours that a visit to each stage takes."""

    rows: list[list[str]]
    busy: np.ndarray
    work: tuple[float, ...]


def plan(people: int, leads: float, seed: int, work: tuple[float, ...] = WORK, years: int = 2) -> str:
    """Two years; people whose shares of leads and odds differ, and who are busy the more for it."""
    rng = np.random.default_rng(seed)
    odds = np.exp(rng.normal(0, 0.25, people))
    shares = np.exp(rng.normal(0, 0.08, people))
    reps = "\n".join(
        f"  - {{name: P{i:02d}, region: All, products: [A], hours_per_week: {HOURS}, advance: {{Lead: {odds[i]:.4f}}}}}"
        for i in range(people)
    )
    return f"""\
attain: 1
name: Busy
currency: USD
horizon: {{start: 2022-01-01, end: {2021 + years}-12-31}}
calendar: {{hours_per_day: 8}}
goals: {{company: {{metric: deals_won, at_least: 1}}}}
stages:
  - {{name: Lead, advance: 0.5, work: {{exponential: {{mean: {work[0]} h}}}}, wait: {{lognormal: {{median: 10 cd, sigma: 0.6}}}}}}
  - {{name: Proposal, advance: 0.5, work: {{exponential: {{mean: {work[1]} h}}}}, wait: {{lognormal: {{median: 25 cd, sigma: 0.5}}}}}}
  - name: Contract
    advance: 0.6
    work: {{exponential: {{mean: {work[2]} h}}}}
    wait: {{lognormal: {{median: 15 cd, sigma: 0.5}}}}
    won: true
products: {{A: {{deal_value: 1000}}}}
regions: {{All: {{}}}}
reps:
{reps}
sources:
  market: {{leads_per_month: {leads}, mix: {{All: {{A: 1}}}}}}
routing:
  share:
    All: {{A: {{{", ".join(f"P{i:02d}: {s:.4f}" for i, s in enumerate(shares))}}}}}
"""  # noqa: E501  (a plan's stages are a line each)


def firm(people: int = 10, leads: float = 300.0, seed: int = 0, **more: object) -> Firm:
    """A firm's history of stages, with how busy its people were."""
    world = build(load_plan(plan(people, leads, seed, **more)))  # type: ignore[arg-type]
    outcome = Simulator(world, seed).outcome(0, keep_log=True)
    return Firm(rows(world, outcome.log), _busy(world, outcome.log), more.get("work", WORK))  # type: ignore[arg-type]


def _busy(world: World, log: np.ndarray | None) -> np.ndarray:
    """[people]: the part of their time that they worked, once deals have come to every stage (half a year)."""
    assert log is not None
    since = world.cal.hours_until(world.cal.start + dt.timedelta(days=182))
    over = world.cal.horizon_hours
    worked = np.zeros(len(world.reps))
    begun: dict[int, float] = {}
    for event in log:
        deal, at = int(event["deal"]), float(event["time"])
        if event["kind"] == Kind.STARTED:
            begun[deal] = at
        elif event["kind"] == Kind.WORKED and deal in begun:
            worked[event["rep"]] += max(0.0, min(at, over) - max(begun.pop(deal), since))
    return worked / (over - since)


def rows(world: World, log: np.ndarray | None) -> list[list[str]]:
    """A row a stage that a deal comes to, won and lost included, header first."""
    assert log is not None
    out = [HEAD]
    for event in log:
        kind, stage = int(event["kind"]), int(event["stage"])
        if kind == Kind.ARRIVED:
            name = STAGES[stage]
        elif kind == Kind.ADVANCED:
            name = STAGES[stage + 1] if stage + 1 < len(STAGES) else "Closed Won"
        elif kind == Kind.LOST:
            name = "Closed Lost"
        else:
            continue
        day, part = day_position(max(float(event["time"]), 0.0), world.cal.hours_at)
        at = dt.datetime.combine(world.cal.start, dt.time(0)) + dt.timedelta(days=float(day), hours=9 + 8 * float(part))
        out.append([f"D{int(event['deal'])}", name, f"{at:%Y-%m-%d %H:%M:%S}", world.reps[int(event["rep"])]])
    return out
