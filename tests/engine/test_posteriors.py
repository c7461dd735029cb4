"""What a plan says about how sure its inputs are is what replications draw: spreads, means, and nothing else moves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import gamma, kstest

from engine.batch import Simulator
from engine.fit.posterior import mean_draws, parameter_draws, quantile_draws
from engine.outcomes import Names, outcome_hash
from engine.plan.load import load_plan
from engine.plan.types import Plan
from engine.posteriors import gamma_quantile
from engine.problems import PlanRefused
from engine.realise import realise
from engine.world import World, build

PLAN = """
attain: 1
name: Fitted
currency: USD
horizon: {start: 2026-01-01, end: 2026-12-31}
calendar: {days: 240}
goals: {company: {metric: bookings, at_least: 100}}
stages:
  - {name: a, wait: {lognormal: {median: 12 d, sigma: 0.8, of: 40}}, wait_lost: {quantiles: {0%: 1 d, 10%: 2 d, 50%: 10 d, 90%: 30 d, 100%: 90 d, of: 50}}, advance: 0.4}
  - {name: b, wait: {weibull: {median: 8 d, shape: 1.3, of: 30}}, wait_lost: {exponential: {mean: 9 d, of: 12}}, advance: 0.5}
products: {x: {deal_value: {lognormal: {median: 100, sigma: 1, of: 25}}, advance: {a: 1.1}, advance_sd: {a: 0.1}}}
regions: {N: {}, S: {}}
reps: [{name: r, advance: {a: 1.2}, advance_sd: {a: 0.2}}, {name: q}]
sources:
  m: {leads_per_month: 30, leads_sd: 0.1, growth: 0.2, growth_sd: 0.05, season_sd: 0.1, overdispersion: 0.04}
  e: {budget: 3600, response: {carry_over: 0.4, hill: {most_leads_per_month: 10, half_at: 300, draws: [[10, 300, 1], [14, 420, 1.2], [6, 200, 0.9]]}}}
economy: {sd: 0.1, draws: [[0.05, 0.5, 0.02], [0.2, 0.8, 0.1]]}
"""  # noqa: E501
DRAWS = 3000


def world(text: str = PLAN, *sets: str) -> World:
    return build(load_plan(text, sets=sets))


@pytest.fixture(scope="module")
def drawn() -> tuple[World, list[Any]]:
    made = world()
    return made, [realise(made, 1, k) for k in range(DRAWS)]


@pytest.mark.parametrize("shape", [0.5, 2.0, 12.0, 39.0, 41.0, 400.0])
def test_the_gamma_quantile_is_scipys(shape: float) -> None:
    levels = np.array([1e-6, 0.01, 0.3, 0.5, 0.9, 0.999])
    found = [gamma_quantile(float(u), shape) for u in levels]
    assert found == pytest.approx(gamma.ppf(levels, shape), rel=1e-4 if shape < 40 else 2e-3, abs=1e-5)


def test_the_level_of_a_flow_has_its_median_and_spread(drawn: tuple[World, list[Any]]) -> None:
    made, found = drawn
    cells = [c for c, cell in enumerate(made.cells) if made.sources[cell.source] == "m"]
    normal = made.normal_rates[cells].sum()
    logs = np.log([p.rates[cells].sum() / normal for p in found])
    assert np.median(logs) == pytest.approx(0.0, abs=0.03)
    # level .1, twelve months' luck .2 / sqrt 12, and the economy's own
    assert 0.1 < np.std(logs) < 0.22
    still = world(PLAN, "sources.m.leads_sd=0", "sources.m.growth_sd=0", "sources.m.season_sd=0", "economy.draws=[]",
                  "economy.sd=0", "sources.m.overdispersion=0")  # fmt: skip
    assert realise(still, 1, 0).rates[cells] == pytest.approx(still.normal_rates[cells])
    growth = still.normal_rates[cells].sum(axis=0)
    assert growth[-1] / growth[0] == pytest.approx(1.2 ** (11 / 12), rel=0.01)  # equal months of a plain calendar


def test_overdispersion_is_a_gamma_factor_by_month() -> None:
    made = world(PLAN, "sources.m.leads_sd=0", "sources.m.growth_sd=0", "sources.m.season_sd=0", "economy.draws=[]",
                 "economy.sd=0")  # fmt: skip
    cells = [c for c, cell in enumerate(made.cells) if made.sources[cell.source] == "m"]
    factors = np.array([realise(made, 5, k).rates[cells[0]] / made.normal_rates[cells[0]] for k in range(400)])
    assert kstest(factors.ravel(), gamma(25, scale=0.04).cdf).pvalue > 6e-5  # 4 sigma


def test_distributions_are_drawn_from_the_law_that_intervals_are_made_of(drawn: tuple[World, list[Any]]) -> None:
    """A lognormal's median and sigma, an exponential's mean, a Weibull's median: against `engine.fit.posterior`."""
    made, found = drawn
    rng = np.random.default_rng(2)
    for row, family, parameters, of in (
        (made.stages.wait[0], "lognormal", (12.0, 0.8), 40.0),
        (made.stages.wait_lost[1], "exponential", (9.0,), 12.0),
        (made.stages.wait[1], "weibull", (8.0, 1.3), 30.0),
    ):
        law = parameter_draws(family, parameters, (), of, rng, DRAWS)
        ours = np.array([p.dists[row]["p0"] for p in found]) / 8.0
        if family == "weibull":
            shapes = np.array([p.dists[row]["p1"] for p in found])
            ours = ours * np.log(2.0) ** (1 / shapes)
        assert kstest(np.log(ours), np.log(law[:, 0])).pvalue > 6e-5


def test_a_table_of_quantiles_moves_its_levels_as_counts_would(drawn: tuple[World, list[Any]]) -> None:
    made, found = drawn
    row = made.dists[made.stages.wait_lost[0]]
    start = int(row["start"])
    levels = np.array([p.table[start : start + 5] for p in found])
    assert np.all(np.diff(levels, axis=1) > 0)
    assert np.all(levels[:, [0, -1]] == [0.0, 1.0])
    assert levels[:, 1:4].mean(axis=0) == pytest.approx([0.1, 0.5, 0.9], abs=4 * 0.071 / np.sqrt(DRAWS))
    assert levels[:, 1:4].var(axis=0) == pytest.approx(np.array([0.09, 0.25, 0.09]) / 51, rel=0.15)


def test_odds_and_responses_are_drawn_and_nothing_else_moves(drawn: tuple[World, list[Any]]) -> None:
    made, found = drawn
    odds = np.log([p.multipliers["of_rep"] for p in found])
    assert odds.std(axis=0)[0, 1] == pytest.approx(0.2, rel=4 / np.sqrt(2 * DRAWS))
    assert odds.mean(axis=0)[0, 1] == pytest.approx(np.log(1.2), abs=4 * 0.2 / np.sqrt(DRAWS))
    assert np.all(odds.std(axis=0)[:, 0] < 1e-12)  # nobody says how sure the other rep's are
    cells = [c for c, cell in enumerate(made.cells) if cell.line >= 0]
    calm = world(PLAN, "economy.draws=[]", "economy.sd=0")
    factors = {round(realise(calm, 3, k).rates[cells[0], 5] / calm.normal_rates[cells[0], 5], 6) for k in range(60)}
    assert len(factors) == 3  # one of the three draws each time
    # a plan that says nothing of it draws nothing
    known = world(PLAN, "reps.r.advance_sd={}", "products.x.advance_sd={}")
    assert realise(known, 1, 0).multipliers == {}
    for p, q in zip(found[:20], [realise(known, 1, k) for k in range(20)], strict=True):
        assert p.dists is not None
        assert q.dists is not None
        assert np.array_equal(p.dists, q.dists)
        assert np.array_equal(p.rates, q.rates)


def test_engines_agree_and_the_spread_reaches_the_outcome() -> None:
    made = world()
    names = Names.of(made)
    one, other = Simulator(made, 3, engine="simpy"), Simulator(made, 3, engine="compiled")
    for k in range(4):
        assert outcome_hash(one.outcome(k), names) == outcome_hash(other.outcome(k), names)


def test_carried_over_spend_keeps_its_sum_in_the_long_run() -> None:
    made = world()
    line = made.lines[0]
    assert sum(line.felt) == pytest.approx(sum(line.months))
    uneven = world(PLAN, "sources.e.budget={N: [1200, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]}").lines[0]
    assert uneven.felt[1] == pytest.approx(0.4 * uneven.felt[0], rel=0.1)  # months are not quite equal


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("stages.a.wait={lognormal: {median: 12 d, sigma: 0.8, of: 0}}", "1 or more"),
        ("stages.a.wait={uniform: {low: 1 d, high: 2 d, of: 5}}", "one of"),
        ("sources.m.overdispersion=3", "2"),
        ("economy.draws=[[1, 1, 0]]", "persistence"),
        ("sources.e.response.hill.draws=[[1, 0, 1]]", "half_at"),
        ("reps.r.advance_sd={nowhere: 0.1}", "nowhere"),
    ],
)
def test_what_cannot_be_is_refused(change: str, message: str) -> None:
    with pytest.raises(PlanRefused, match=message):
        load_plan(PLAN, sets=[change])


def test_intervals_of_means_and_quantiles() -> None:
    """The vectorised law against closed forms: a lognormal of n = 50."""
    rng = np.random.default_rng(3)
    draws = parameter_draws("lognormal", (100.0, 0.5), (), 50.0, rng, 20_000)
    median = np.log(quantile_draws("lognormal", (), draws, 0.5))
    assert median.std() == pytest.approx(0.5 / np.sqrt(50) * np.sqrt(49 / 47), rel=0.03)  # a t of 49 degrees
    assert np.median(mean_draws("lognormal", (), draws)) == pytest.approx(100 * np.exp(0.125), rel=0.02)
    table = parameter_draws("quantiles", (0.0, 1.0, 3.0), (0.0, 0.5, 1.0), 100.0, rng, 20_000)
    assert mean_draws("quantiles", (0.0, 1.0, 3.0), table).mean() == pytest.approx(1.25, abs=0.01)
    assert Plan is not None
