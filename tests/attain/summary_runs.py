"""Runs made by hand for the tests of summaries: a small world, and arrays that say what happened on every path."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from attain.results import Results
from engine.batch import input_names
from engine.goals import MEASURES
from engine.margins import MARGINS
from engine.outcomes import BOOKED, FLOW_COLUMNS, LEADS, LOST_DEALS, REP_COLUMNS, WON
from engine.plan.load import load_plan
from engine.world import World, build

PLAN = """\
attain: 1
name: {name}
currency: CNY
horizon: {{start: 2026-01-01, end: 2026-12-31}}
calendar: {{days: 240}}
goals:
{goals}
stages:
  - {{name: talk, {work}wait: 1 d, advance: {advance}, won: true}}
products: {{ERP: {{deal_value: 1_000_000}}, CRM: {{deal_value: 500_000}}}}
regions: {{North: {{Beijing: {{}}}}, East: {{}}}}
reps:
  - {{name: 张伟, quota: 600万}}
  - {{name: Li Na, quota: 400万}}
sources:
  inbound: {{leads_per_month: 20}}{more}
"""
GOALS = "  company: {metric: bookings, at_least: 10_000_000}\n  everyone: {all_of: quotas}"


def text(goals: str = GOALS, advance: str = "0.5", work: str = "", more: str = "", name: str = "By hand") -> str:
    """A plan's text: two reps (Li Na first by name), two products (CRM first), three regions, a year of 240 days."""
    return PLAN.format(name=name, goals=goals, advance=advance, work=work, more=more)


def world(**changes: str) -> World:
    """Its world."""
    return build(load_plan(text(**changes)))


def results(made: World, n: int, **arrays: Any) -> Results:
    """Results of n paths; what is not given is nought."""
    sizes = (len(made.products), len(made.regions), len(made.segments), len(made.months))
    empty: dict[str, Any] = {
        "legs": np.zeros((n, len(made.goals.legs))),
        "reps": np.zeros((n, len(made.reps), len(REP_COLUMNS))),
        "margins": {d: np.zeros((n, size, len(MEASURES))) for d, size in zip(MARGINS, sizes, strict=True)},
        "inputs": np.zeros((n, len(input_names(made)))),
        "flow": np.zeros((len(made.reps), len(made.stages.names), len(made.months), len(FLOW_COLUMNS))),
        "sums": np.zeros((len(made.reps), len(made.products), len(made.regions), len(MEASURES))),
    }
    rest = {"seed": 0, "phase": 0, "engine": "simpy", "asked": n, "digest": "d" * 64, "seconds": 1.0}
    return Results(**{"world": made, "n": n, **rest, "compile_seconds": 0.0, "moves": 0, **empty, **arrays})


def booked(
    made: World,
    leads: NDArray[np.float64],
    wins: NDArray[np.float64],
    values: NDArray[np.float64],
    inputs: NDArray[np.float64] | None = None,
) -> Results:
    """Paths [n, reps] of leads, deals won and value a deal (major units): Li Na sells CRM in East, 张伟 ERP in Beijing.

    All in the first month; what is not won is lost. The margins, the reps' totals and the goals' legs tie.
    """
    n = len(leads)
    run = results(made, n)
    own = np.zeros((n, len(made.reps), len(MEASURES)))
    own[:, :, LEADS], own[:, :, WON], own[:, :, LOST_DEALS] = leads, wins, leads - wins
    own[:, :, BOOKED] = wins * np.floor(values * made.minor)
    run.reps[:, :, : len(MEASURES)] = own
    beijing, east = made.regions.index("Beijing"), made.regions.index("East")
    run.margins["product"][:] = own
    run.margins["region"][:, [east, beijing]] = own
    run.margins["segment"][:, 0] = own.sum(axis=1)
    run.margins["month"][:, 0] = own.sum(axis=1)
    places = {"product": [0, 1], "region": [east, beijing]}
    for i, leg in enumerate(made.goals.legs):
        counts = leg.reps & leg.products[places["product"]] & leg.regions[places["region"]]
        if leg.since == 0.0:
            run.legs[:, i] = (own[:, :, leg.measure] * counts).sum(axis=1)
    if inputs is not None:
        run.inputs[:] = inputs
    return run
