"""Cells rise and fall together as doubly stochastic Poisson numbers do: variances and correlations under the economy.

Shocks are lognormal with mean one, autocorrelated by month, common to all and own to each top region. The second
moments of heavy-tailed numbers take many replications, and arrivals are cheap: the numbers of leads and deals that the
model gives are held equal, exactly, to plain counts of its draws, and those counts are judged by theory over 250,000
replications and more (four sigma; each judgement asserts what it finds with 99% power: means 1%, variances 2.5% or 3%,
correlations 1.5 points). SimPy's own margins by region and month are judged directly as well, at what 8,000
replications can find.
"""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.arithmetic import log
from engine.arrivals import intensities, shocks, thinned_arrivals
from engine.batch import Simulator
from engine.business import at_odds, economy_odds, month_of
from engine.draws import LEAD, STAGE_VISIT, uniform, words
from engine.outcomes import LEADS, WON
from engine.world import World
from tests.engine.runs import Vector, outcomes, world_of
from tests.oracles.power import judge_mean
from tests.oracles.shocks import Cell, Economy, correlation, sum_covariance, variance

SD, OWN, PERSISTENCE = 0.25, 0.15, 0.7
LOADS = {"fair": 0.5, "web": 1.0}
ADVANCE, CONVERSION = 0.4, 1.5
MONTHS = 3

# Two cells in the North, one of them in a region inside it, and one in the South; fairs follow the economy by half.
PLAN = """\
attain: 1
name: Economy
currency: CNY
horizon: {start: 2026-01-01, end: 2026-03-31}
calendar: {days: 60, hours_per_day: 8}
goals: {company: {metric: leads, at_least: 1}}
stages: [{name: qualified, advance: 0.4}]
products: {A: {deal_value: 1}}
regions: {North: {Far North: {}}, South: {}}
reps: [{name: Li}]
sources:
  web: {leads_per_day: 0.75, mix: {Far North: {A: 1}, South: {A: 2}}}
  fair: {leads_per_day: 0.4, economy: 0.5, mix: {North: {A: 1}}}
economy: {sd: 0.25, regional_sd: 0.15, persistence: 0.7, index: [1, 1.2, 0.9], conversion: 1.5}
"""
INDEX = (1.0, 1.2, 0.9)
ECONOMY = Economy(SD, PERSISTENCE, OWN)
# By (source, region) as the plan names them: the top region, and leads in a normal month.
STREAMS = {("fair", "North"): ("North", 8.0), ("web", "Far North"): ("North", 5.0), ("web", "South"): ("South", 10.0)}


def cells(*keys: tuple[str, str], months: tuple[int, ...] = tuple(range(MONTHS))) -> list[Cell]:
    """The oracle's cells of some streams in some months."""
    return [
        Cell(
            f"{source} {region}",
            STREAMS[source, region][0],
            m,
            STREAMS[source, region][1] * INDEX[m] ** LOADS[source],
            LOADS[source],
        )
        for source, region in keys
        for m in months
    ]


@numba.njit
def _counted(  # type: ignore[no-untyped-def]
    seed, first, n, keys, tops, loads, rates, known, ends, economy_key, region_keys, sd, own, persistence, advance, load
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Leads and wins [n, cells, months], straight from the draws."""
    months = len(ends)
    leads = np.zeros((n, len(keys), months))
    wins = np.zeros((n, len(keys), months))
    total = sd * sd + own * own
    phase = np.uint64(0)
    for k in range(n):
        replication = np.uint64(first + k)
        common = shocks(seed, replication, phase, economy_key, sd, persistence, months)
        for c in range(len(keys)):
            regional = shocks(seed, replication, phase, region_keys[tops[c]], own, persistence, months)
            here = regional.reshape(1, months)
            moved = intensities(rates[c : c + 1], np.zeros(1, np.int64), loads[c : c + 1], known, common, here, total)[
                0
            ]
            times, deals = thinned_arrivals(seed, replication, phase, np.uint64(LEAD), keys[c], moved, ends, 0.0)
            for i in range(len(times)):
                m = month_of(ends, times[i])
                leads[k, c, m] += 1.0
                p = at_odds(advance, economy_odds(load, known[m] + common[m] + regional[m]))
                if uniform(words(seed, replication, deals[i], 0, STAGE_VISIT, phase)[2]) < p:
                    wins[k, c, m] += 1.0
    return leads, wins


def counted(world: World, seed: int, n: int) -> tuple[Vector, Vector]:
    """Leads and wins [n, cells, months], cells in the world's order."""
    return _counted(
        np.uint64(seed), 0, n,
        np.array([cell.key for cell in world.cells], dtype=np.uint64),
        np.array([world.territory.top[cell.region] for cell in world.cells]),
        np.array([cell.economy for cell in world.cells]),
        np.stack([cell.rates for cell in world.cells]),
        np.array([log(value) for value in world.economy_index.tolist()]),
        world.cal.month_ends, np.uint64(world.economy_key),
        np.array(world.region_keys, dtype=np.uint64), SD, OWN, PERSISTENCE, ADVANCE, CONVERSION,
    )  # fmt: skip


def streams(world: World) -> list[tuple[str, str]]:
    return [(world.sources[cell.source], world.regions[cell.region]) for cell in world.cells]


def test_the_model_counts_its_draws() -> None:
    """Exactly: leads and wins of 200 replications by region and month are the plain counts that are judged below."""
    world = world_of(PLAN)
    leads, wins = counted(world, 41, 200)
    for k, outcome in enumerate(outcomes(world, 41, 200)):
        for region in range(len(world.regions)):
            here = [c for c, cell in enumerate(world.cells) if cell.region == region]
            for month in range(MONTHS):
                rows = (outcome.cell_keys[:, 2] == region) & (outcome.cell_keys[:, 4] == month)
                assert outcome.cells[rows, LEADS].sum() == leads[k, here, month].sum()
                assert outcome.cells[rows, WON].sum() == wins[k, here, month].sum()


def judged_moment(a: Vector, b: Vector, expected: float, finds: float) -> None:
    """A covariance (a variance, where a is b) with the error of its own estimate."""
    products = (a - a.mean()) * (b - b.mean())
    judge_mean(float(products.mean()), float(products.std()) / math.sqrt(len(products)), expected, finds=finds)


def judged_correlation(a: Vector, b: Vector, expected: float, finds: float) -> None:
    """A correlation, with its error by the influence function; `finds` is absolute."""
    x, y = (a - a.mean()) / a.std(), (b - b.mean()) / b.std()
    r = float((x * y).mean())
    influence = x * y - 0.5 * r * (x * x + y * y)
    judge_mean(r, float(influence.std()) / math.sqrt(len(a)), expected, finds=finds / expected)


def test_leads_rise_and_fall_together() -> None:
    """n = 250,000: means 1%; variances 2.5%; correlations 1.5 points; by region, by month, and over months."""
    world, n = world_of(PLAN), 250_000
    leads, _ = counted(world, 42, n)
    by = {key: leads[:, c] for c, key in enumerate(streams(world))}
    assert set(by) == set(STREAMS)
    fair, far, south = ("fair", "North"), ("web", "Far North"), ("web", "South")

    for key in STREAMS:
        year = by[key].sum(axis=1)
        judge_mean(float(year.mean()), float(year.std()) / math.sqrt(n), math.fsum(c.base for c in cells(key)))
        judged_moment(year, year, variance(cells(key), ECONOMY), 0.025)
        for m in range(MONTHS):
            judged_moment(by[key][:, m], by[key][:, m], variance(cells(key, months=(m,)), ECONOMY), 0.025)

    # The same region moves together more than two regions do, months next to each other more than months apart.
    for one, other in ((fair, far), (fair, south), (far, south)):
        a, b = by[one].sum(axis=1), by[other].sum(axis=1)
        judged_correlation(a, b, correlation(cells(one), cells(other), ECONOMY), 0.015)
    for first, second in ((0, 1), (1, 2), (0, 2)):
        a, b = by[south][:, first], by[south][:, second]
        expected = correlation(cells(south, months=(first,)), cells(south, months=(second,)), ECONOMY)
        judged_correlation(a, b, expected, 0.015)
        across = correlation(cells(far, months=(first,)), cells(south, months=(second,)), ECONOMY)
        judged_correlation(by[far][:, first], b, across, 0.015)
    own = Economy(SD, PERSISTENCE, 0.0)
    assert correlation(cells(fair), cells(far), ECONOMY) > correlation(cells(fair), cells(far), own) + 0.03
    company = leads.sum(axis=(1, 2))
    judged_moment(company, company, variance(cells(*STREAMS), ECONOMY), 0.025)


def quadrature(key: tuple[str, str], month: int, points: int = 40) -> tuple[float, float]:
    """Mean and variance of one cell's wins in one month: leads and odds load on the same lognormal index."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(points)
    weights = weights / weights.sum()
    total = math.hypot(SD, OWN)
    load = LOADS[key[0]]
    rate = STREAMS[key][1] * INDEX[month] ** load * np.exp(load * total * nodes - 0.5 * (load * total) ** 2)
    odds = ADVANCE / (1.0 - ADVANCE) * (INDEX[month] * np.exp(total * nodes)) ** CONVERSION
    wins = rate * odds / (1.0 + odds)
    mean = float(weights @ wins)
    return mean, mean + float(weights @ wins**2) - mean * mean


def test_conversion_moves_with_the_same_economy() -> None:
    """n = 400,000: means of wins within 1%, variances within 3%; they exceed what leads alone would vary."""
    world, n = world_of(PLAN), 400_000
    _, wins = counted(world, 43, n)
    for c, key in enumerate(streams(world)):
        for m in range(MONTHS):
            mean, spread = quadrature(key, m)
            judge_mean(float(wins[:, c, m].mean()), float(wins[:, c, m].std()) / math.sqrt(n), mean)
            judged_moment(wins[:, c, m], wins[:, c, m], spread, 0.03)
    mean, spread = quadrature(("web", "South"), 0)
    thinned = Cell("web South", "South", 0, mean)
    assert spread > 1.1 * variance([thinned], ECONOMY)


def test_margins_by_region_and_month_by_simpy() -> None:
    """n = 8,000 batches of the model itself: variances within 14%, correlations within 7 points."""
    world, n = world_of(PLAN), 8_000
    batch = Simulator(world, 44)(0, n)
    regions, months = batch.margins["region"][:, :, LEADS], batch.margins["month"][:, :, LEADS]
    of = {"North": [("fair", "North")], "Far North": [("web", "Far North")], "South": [("web", "South")]}
    found = {name: regions[:, world.regions.index(name)] for name in of}
    for name, keys in of.items():
        judged_moment(found[name], found[name], variance(cells(*keys), ECONOMY), 0.14)
    expected = correlation(cells(*of["North"]), cells(*of["South"]), ECONOMY)
    judged_correlation(found["North"], found["South"], expected, 0.07)
    for m in range(MONTHS):
        judged_moment(months[:, m], months[:, m], variance(cells(*STREAMS, months=(m,)), ECONOMY), 0.14)
    expected = correlation(cells(*STREAMS, months=(0,)), cells(*STREAMS, months=(2,)), ECONOMY)
    judged_correlation(months[:, 0], months[:, 2], expected, 0.07)
    assert sum_covariance(cells(("web", "South")), cells(("fair", "North")), ECONOMY) > 0.0
    # What a run shows as its inputs is the economy that was drawn: mean zero, and the variance of a mean of months.
    index = batch.inputs[:, 0]
    powers = [PERSISTENCE ** abs(i - j) for i in range(MONTHS) for j in range(MONTHS)]
    judged_moment(index, index, SD * SD * sum(powers) / MONTHS**2, 0.12)
    assert float(index.mean()) == pytest.approx(0.0, abs=4.0 * float(index.std()) / math.sqrt(n))
