"""Cells rise and fall together as doubly stochastic Poisson numbers do: variances and correlations under the economy.

Shocks are lognormal with mean one, autocorrelated by month, common to all and own to each top region. A replication is
a year of three streams of leads that are answered at once. Months are alike but for a known index, so that each moment
is judged by its mean over the year's months, in deviations from theory's mean and by theory's standard deviation: a
variance is then 1, a covariance a correlation. Four sigma; each judgement asserts what it finds with 99% power.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.batch import Simulator, input_names
from engine.outcomes import LEADS, WON
from engine.world import World
from tests.engine.runs import Vector, alike, leg_values, world_of
from tests.oracles.power import judge_mean
from tests.oracles.shocks import Cell, Economy, correlation, covariance, variance

SD, OWN, PERSISTENCE = 0.25, 0.15, 0.5
ADVANCE, CONVERSION = 0.4, 1.5
INDEX = (1.0, 1.2, 0.9, 1.0, 0.8, 1.1, 1.0, 1.2, 0.9, 1.0, 0.8, 1.1)
MONTHS = range(len(INDEX))
ECONOMY = Economy(SD, PERSISTENCE, OWN)


@dataclass(frozen=True)
class Stream:
    """Leads that a goal tells apart: its filter, the top region, leads in a normal month, and the economy's load."""

    where: str
    top: str
    leads: float
    load: float


# Two streams in the North, one of them in a region inside it, and one in the South; fairs follow the economy by half.
STREAMS = {
    "fair": Stream("{source: fair}", "North", 8.0, 0.5),
    "far": Stream("{region: Far North}", "North", 5.0, 1.0),
    "south": Stream("{region: South}", "South", 10.0, 1.0),
}
GOALS = "".join(
    f"  {name} {metric}: {{metric: {metric}, at_least: 1, every: month, where: {stream.where}}}\n"
    for name, stream in STREAMS.items()
    for metric in ("leads", "deals_won")
)
PLAN = f"""\
attain: 1
name: Economy
currency: CNY
horizon: {{start: 2026-01-01, end: 2026-12-31}}
calendar: {{days: 240, hours_per_day: 8}}
goals:
{GOALS}\
stages: [{{name: qualified, advance: {ADVANCE}}}]
products: {{A: {{deal_value: 1}}}}
regions: {{North: {{Far North: {{}}}}, South: {{}}}}
reps: [{{name: Li}}]
sources:
  web: {{leads_per_day: 0.75, mix: {{Far North: {{A: 1}}, South: {{A: 2}}}}}}
  fair: {{leads_per_day: 0.4, economy: 0.5, mix: {{North: {{A: 1}}}}}}
economy: {{sd: {SD}, regional_sd: {OWN}, persistence: {PERSISTENCE}, index: {list(INDEX)}, conversion: {CONVERSION}}}
"""
CELLS = {
    name: [Cell(name, s.top, m, s.leads * INDEX[m] ** s.load, s.load) for m in MONTHS] for name, s in STREAMS.items()
}


@cache
def years() -> tuple[World, Vector]:
    """Sums [n, legs] of 42,000 years, for both tests that judge moments."""
    world = world_of(PLAN)
    alike(world, 42)
    return world, leg_values(world, 42, 42_000)


def by_month(world: World, legs: Vector, name: str, metric: str) -> Vector:
    """[n, months] of a stream."""
    return legs[:, list(world.goals.legs_of[world.goals.names.index(f"{name} {metric}")])]


def judged(values: Vector, expected: float, finds: float) -> None:
    """A mean from a value a replication; `finds` is absolute."""
    judge_mean(float(values.mean()), float(values.std()) / math.sqrt(len(values)), expected, finds=finds / expected)


def judged_correlation(a: Vector, b: Vector, expected: NDArray[np.float64], finds: float) -> None:
    """Standardised values [n, months] of two streams, or of one at two months; expected [months]."""
    judged((a * b).mean(axis=1), float(expected.mean()), finds)


def together(one: str, other: str, lag: int) -> Vector:
    """[months - lag]: theory's correlation of a stream's leads with another's, `lag` months later."""
    pairs = zip(CELLS[one], CELLS[other][lag:], strict=False)
    return np.array([correlation([a], [b], ECONOMY) for a, b in pairs])


def test_leads_rise_and_fall_together() -> None:
    """Means within 1%; variances within 2%, of a year's sum 5%; correlations within 1.5 points, of years 4."""
    world, legs = years()
    z, sums = {}, {}
    for name, cells in CELLS.items():
        leads = by_month(world, legs, name, "leads")
        base = np.array([cell.base for cell in cells])
        judged(leads.sum(axis=1), base.sum(), 0.01 * base.sum())
        z[name] = (leads - base) / np.sqrt([variance([cell], ECONOMY) for cell in cells])
        sums[name] = (leads - base).sum(axis=1) / math.sqrt(variance(cells, ECONOMY))
        judged_correlation(z[name], z[name], np.ones(1), 0.02)
        judged(sums[name] ** 2, 1.0, 0.05)

    # The same region moves together more than two regions do, months next to each other more than months apart.
    for one, other in (("fair", "far"), ("fair", "south"), ("far", "south")):
        judged_correlation(z[one], z[other], together(one, other, 0), 0.015)
        judged(sums[one] * sums[other], correlation(CELLS[one], CELLS[other], ECONOMY), 0.04)
    for one in ("far", "south"):
        for lag in (1, 2, 6):
            judged_correlation(z[one][:, :-lag], z["south"][:, lag:], together(one, "south", lag), 0.015)


def test_what_a_run_keeps_is_what_it_counts() -> None:
    """Margins by region and month are the goals' sums; inputs are the economy that was drawn."""
    world, n = world_of(PLAN), 4_000
    batch = Simulator(world, 44)(0, n)
    for metric, measure in (("leads", LEADS), ("deals_won", WON)):
        found = {name: by_month(world, batch.legs, name, metric) for name in STREAMS}
        for name, region in (("fair", "North"), ("far", "Far North"), ("south", "South")):
            kept = batch.margins["region"][:, world.regions.index(region), measure]
            assert kept.tolist() == found[name].sum(axis=1).tolist()
        assert batch.margins["month"][:, :, measure].tolist() == np.add.reduce(list(found.values())).tolist()
    # The mean of a year's months of a series: mean zero, and the variance that persistence gives it.
    powers = sum(PERSISTENCE ** abs(i - j) for i in MONTHS for j in MONTHS) / len(INDEX) ** 2
    assert input_names(world) == ("economy", "economy:North", "economy:South")
    for column, sd in enumerate((SD, OWN, OWN)):
        index = batch.inputs[:, column] / (sd * math.sqrt(powers))
        assert float(index.mean()) == pytest.approx(0.0, abs=4.0 / math.sqrt(n))
        judged(index**2, 1.0, 0.16)


# --- conversion ------------------------------------------------------------------------------------------------------


NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def expected_wins(name: str, month: int) -> Vector:
    """A stream's expected wins in a month by the index's nodes: leads and odds load on the same lognormal index."""
    stream, total = STREAMS[name], math.hypot(SD, OWN)
    spread = stream.load * total
    rate = CELLS[name][month].base * np.exp(spread * NODES - 0.5 * spread**2)
    odds = ADVANCE / (1.0 - ADVANCE) * (INDEX[month] * np.exp(total * NODES)) ** CONVERSION
    return np.asarray(rate * odds / (1.0 + odds))


def test_conversion_moves_with_the_same_economy() -> None:
    """Means of wins within 1%, variances within 3%, a correlation within 1.5 points; more than leads would vary."""
    world, legs = years()
    z, spreads = {}, {}
    for name in STREAMS:
        wins = by_month(world, legs, name, "deals_won")
        given = np.stack([expected_wins(name, m) for m in MONTHS])
        mean = given @ WEIGHTS
        spreads[name] = np.sqrt(mean + given**2 @ WEIGHTS - mean**2)
        judged(wins.sum(axis=1), mean.sum(), 0.01 * mean.sum())
        z[name] = (wins - mean) / spreads[name]
        judged_correlation(z[name], z[name], np.ones(1), 0.03)
        thinned = [Cell(name, cell.region, m, float(mean[m]), cell.load) for m, cell in enumerate(CELLS[name])]
        assert spreads[name][0] ** 2 > 1.1 * covariance(thinned[0], thinned[0], ECONOMY)
    # Streams of one region share its index, month by month.
    both = np.array([WEIGHTS @ (expected_wins("fair", m) * expected_wins("far", m)) for m in MONTHS])
    apart = np.array([(WEIGHTS @ expected_wins("fair", m)) * (WEIGHTS @ expected_wins("far", m)) for m in MONTHS])
    judged_correlation(z["fair"], z["far"], (both - apart) / (spreads["fair"] * spreads["far"]), 0.015)
