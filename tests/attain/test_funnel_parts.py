"""The parts of a back-calculation against closed forms: scaled plans, the share in time, the search for a scale."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from attain.funnel.calculate import watch
from attain.funnel.needs import needs_of
from attain.funnel.passage import HAND, NEW, Aim, Passage
from attain.funnel.reach import Curve, Paths, reaches
from attain.funnel.scaling import expected_leads, hours_matter, only_adds, scaled
from attain.plans import open_plan
from engine.plan.load import load_plan, loaded
from engine.plan.types import LoadedPlan, OpenDeal, PlanFiles
from engine.world import build
from tests.oracles.power import judge_mean

MANY_SOURCES = """
attain: 1
name: All kinds of sources
currency: EUR
horizon: {start: 2026-01-01, end: 2026-12-31}
calendar: {days: 250}
goals: {company: {metric: bookings, at_least: 100000}}
stages: [{name: only, work: 2 h, wait: 10 d, advance: 0.5}]
products: {P: {deal_value: 1000}}
regions: {North: {}}
reps: [{name: Ann, hours_per_week: 40, prospecting: {hours_per_week: 10, prospects_per_hour: 0.1}}]
sources:
  monthly: {leads_per_month: 10}
  daily: {leads_per_day: 0.5}
  list: {prospects: 101}
  hill: {budget: 12000, response: {hill: {most_leads_per_month: 8, half_at: 500}}}
  linear: {budget: 12000, response: {linear: {cost_per_lead: 250, most_leads_per_month: 3}}}
"""

ONE_STAGE = """
attain: 1
name: One stage
currency: EUR
horizon: {start: 2026-01-01, end: 2026-12-31}
calendar: {days: 250}
goals: {company: {metric: bookings, at_least: 300000, until: UNTIL}}
stages: [{name: only, work: 0 h, wait: {exponential: {mean: 60 d}}, advance: 0.25}]
products: {P: {deal_value: {lognormal: {mean: 1000, cv: 0.8}}}, Q: {deal_value: 50}}
regions: {North: {}}
reps: [{name: Ann}, {name: Bob}]
sources: {list: {prospects: 300, mix: {North: {P: 1}}}}
"""


def plan_of(text: str, **changes: str) -> LoadedPlan:
    for key, value in changes.items():
        text = text.replace(key, value)
    return load_plan(text)


# --- scaled plans ---------------------------------------------------------------------------------------------------


def test_every_kind_of_source_scales_in_proportion() -> None:
    plan = plan_of(MANY_SOURCES)
    now = expected_leads(build(plan))
    more = expected_leads(build(scaled(plan, leads=1.3)))
    listed = np.array([cell.count >= 0 for cell in build(plan).cells])
    np.testing.assert_allclose(more[~listed], 1.3 * now[~listed], rtol=1e-12)
    assert more[listed].tolist() == [131.0]  # 131.3 to the nearest
    assert (now > 0).all()
    assert len(now) == 6


def test_hours_scale_speed_and_what_reps_find() -> None:
    plan = plan_of(MANY_SOURCES)
    now, more = build(plan), build(scaled(plan, hours=1.5))
    np.testing.assert_allclose(more.desks.speed, 1.5 * now.desks.speed)
    found = np.array([cell.rep >= 0 for cell in now.cells])
    np.testing.assert_allclose(expected_leads(more)[found], 1.5 * expected_leads(now)[found])
    np.testing.assert_array_equal(expected_leads(more)[~found], expected_leads(now)[~found])


def test_no_leads_and_no_change() -> None:
    plan = plan_of(MANY_SOURCES)
    assert expected_leads(build(scaled(plan, leads=0.0))).sum() == 0.0
    assert scaled(plan).plan == plan.plan


@pytest.mark.parametrize("factor", [-0.1, math.nan, math.inf])
def test_a_factor_that_is_none_is_refused(factor: float) -> None:
    with pytest.raises(ValueError, match="leads is a factor"):
        scaled(plan_of(MANY_SOURCES), leads=factor)


def test_where_more_leads_only_add() -> None:
    world = build(open_plan("key-accounts"))
    names = world.goals.names
    assert only_adds(world, names.index("fifty-deals"))
    assert not only_adds(world, names.index("everyone"))  # a further lead takes somebody's turn
    assert not hours_matter(world)
    assert not only_adds(build(plan_of(MANY_SOURCES)), 0)
    assert hours_matter(build(plan_of(MANY_SOURCES)))


def test_a_path_never_loses_by_more_leads_where_they_only_add() -> None:
    plan = open_plan("key-accounts")
    paths = Paths(5, 1, "simpy")
    legs = [paths.legs(scaled(plan, leads=scale), range(12))[0] for scale in (0.8, 1.0, 1.1, 1.5)]
    book = build(plan).goals
    company = [i for g in (book.names.index("company"), book.names.index("fifty-deals")) for i in book.legs_of[g]]
    for fewer, more in pairwise(legs):
        assert (more[:, company] >= fewer[:, company]).all()
        assert (more[:, company] > fewer[:, company]).any()


# --- the passage ----------------------------------------------------------------------------------------------------


def in_batches(plan: LoadedPlan, batches: int, each: int, value: Callable[[Passage], float]) -> tuple[float, float]:
    """A statistic over all replications, and its standard error from batches under other seeds."""
    world = build(plan)
    aim = Aim.of(world, 0)
    found = np.array([value(watch(world, seed, aim, each, 1)) for seed in range(batches)])
    return float(found.mean()), float(found.std(ddof=1) / math.sqrt(batches))


@pytest.mark.parametrize(("until", "finds"), [("2026-12-31", 0.03), ("2026-06-30", 0.1)])
def test_the_share_in_time_of_exponential_waits(until: str, finds: float) -> None:
    """Leads at random over the year, each answered after an exponential wait, cut at the goal's date.

    False alarm 6e-5; finds an error of 3% (10% at midyear, where little is in time) with 99% power.
    """
    plan = plan_of(ONE_STAGE, UNTIL=until)
    world = build(plan)
    year, mean = 2000.0, 480.0
    end = min(world.goals.legs[0].until, year)

    def share(sums: Passage) -> float:
        return float(sums.arrived[0] / sums.arrived[1])

    expected = (end - mean * (1.0 - math.exp(-end / mean))) / year
    found, se = in_batches(plan, 25, 8, share)
    judge_mean(found, se, expected, finds=finds)


def test_the_needs_of_one_stage() -> None:
    """Target / (conversion x value x share in time), nothing else: exact but for the share."""
    plan = plan_of(ONE_STAGE, UNTIL="2026-12-31")
    world = build(plan)
    aim = Aim.of(world, 0)
    sums = watch(world, 0, aim, 40, 1)
    needs = needs_of(world, aim, sums)
    share = float(sums.arrived[0] / sums.arrived[1])
    assert needs.planned_expected == pytest.approx(300 * 0.25 * 1000 * share, rel=1e-9)
    assert needs.scale == pytest.approx(300_000 / (300 * 0.25 * 1000 * share), rel=1e-9)
    stage = needs.stages[0]
    assert stage.to_won == pytest.approx(0.25)
    assert stage.needed == pytest.approx(300_000 / 1000 / 0.25, rel=0.02)  # those that are in time, by month of entry
    assert sum(win.amount for win in needs.wins) == pytest.approx(300_000)
    late = {row.month: row.planned for row in needs.rows if row.rep == "Ann"}
    assert late["2026-12"] < late["2026-06"] < late["2026-01"]  # December's leads come too late, most of them


def test_rows_add_up_to_stages() -> None:
    plan = plan_of(ONE_STAGE, UNTIL="2026-12-31")
    world = build(plan)
    needs = needs_of(world, Aim.of(world, 0), watch(world, 0, Aim.of(world, 0), 10, 1))
    for stage in needs.stages:
        own = [row for row in needs.rows if row.stage == stage.stage]
        for part in ("needed", "in_hand", "missing", "planned"):
            assert sum(getattr(row, part) for row in own) == pytest.approx(getattr(stage, part))
        assert all(row.needed == pytest.approx(row.in_hand + row.missing) for row in own)


def test_the_back_calculation_of_design_is_exact() -> None:
    """50 M at 1 M a deal, one in ten signs: 50 deals, 500 prospects, 100 for each of five managers."""
    world = build(open_plan("key-accounts"))
    aim = Aim.of(world, world.goals.names.index("company"))
    needs = needs_of(world, aim, watch(world, 3, aim, 5, 1))
    assert needs.scale == 1.0
    assert needs.stages[0].needed == pytest.approx(500.0)
    assert sum(win.needed for win in needs.wins) == pytest.approx(50.0)
    for rep in world.reps:
        assert sum(row.needed for row in needs.rows if row.rep == rep) == pytest.approx(100.0)


def test_open_deals_by_their_memoryless_wait() -> None:
    """An exponential wait forgets its age: each open deal is won in time with probability p (1 - exp(-T/m)).

    False alarm 6e-5; finds an error of 18% with 99% power.
    """
    base = plan_of(ONE_STAGE, UNTIL="2026-12-31")
    deals = tuple(
        OpenDeal.model_validate(
            {"deal": f"D{i}", "stage": "only", "age": f"{10 * i} d", "owner": "Ann", "product": "P", "value": 2000}
        )
        for i in range(40)
    )
    plan = loaded(base.plan, PlanFiles(pipeline=deals))
    world = build(plan)
    aim = Aim.of(world, 0)
    sums = watch(world, 0, aim, 100, 1)
    needs = needs_of(world, aim, sums)
    odds = 0.25 * (1.0 - math.exp(-2000.0 / 480.0))
    se = math.sqrt(odds * (1.0 - odds) / (40 * 100))
    judge_mean(float(sums.open_in_time.sum()) / 4000, se, odds, finds=0.18)
    assert needs.in_hand_expected == pytest.approx(2000 * float(sums.open_in_time.sum()) / 100)
    (hand,) = needs.in_hand
    assert (hand.stage, hand.rep, hand.deals, hand.value) == ("only", "Ann", 40, 80_000.0)
    assert hand.age_days == pytest.approx(195.0)
    assert needs.scale is not None
    assert needs.scale * needs.planned_expected == pytest.approx(300_000 - needs.in_hand_expected)
    assert sums.entered[HAND].sum() == 4000
    assert sums.entered[NEW].sum() == 300 * 100


def test_a_goal_counts_its_own_part_of_the_business() -> None:
    text = ONE_STAGE.replace("{North: {P: 1}}", "{North: {P: 1, Q: 2}}").replace("until: UNTIL", "where: {product: Q}")
    world = build(load_plan(text))
    aim = Aim.of(world, 0)
    sums = watch(world, 0, aim, 4, 1)
    assert sums.entered[NEW].sum() == 200 * 4
    assert sums.leads.sum() == 300 * 4
    needs = needs_of(world, aim, sums)
    assert needs.per_win == pytest.approx(50.0)
    share = float(sums.arrived[0] / sums.arrived[1])
    assert needs.planned_expected == pytest.approx(200 * 0.25 * 50 * share)


def test_activities_and_hours_of_the_needed_deals() -> None:
    text = ONE_STAGE.replace(
        "work: 0 h, wait: {exponential: {mean: 60 d}}", "work: 0.5 h, wait: 0 d, activities: {visits: 3}"
    )
    world = build(load_plan(text.replace("UNTIL", "2026-12-31").replace("at_least: 300000", "at_least: 150000")))
    aim = Aim.of(world, 0)
    needs = needs_of(world, aim, watch(world, 0, aim, 20, 1))
    entered = needs.stages[0].needed
    assert entered == pytest.approx(600, rel=0.02)
    assert sum(row.needed for row in needs.activities) == pytest.approx(3 * entered)
    assert sum(row.needed for row in needs.hours) == pytest.approx(0.5 * entered)
    assert [row.there for row in needs.hours] == [2000.0, 2000.0]


# --- the search -----------------------------------------------------------------------------------------------------


def curve_of(thresholds: NDArray[np.float64], monotone: bool) -> Curve:
    return Curve(lambda scale, chosen: thresholds[chosen] <= scale, len(thresholds), monotone)


LEVELS = (0.5, 0.8, 0.9, 0.95)


@pytest.mark.parametrize("monotone", [True, False])
def test_the_search_finds_the_quantiles_of_thresholds(monotone: bool) -> None:
    """Path i attains from its own threshold on: the scale for a level is the thresholds' quantile."""
    thresholds = np.random.default_rng(1).lognormal(math.log(1.3), 0.2, 4000)
    curve = curve_of(thresholds, monotone)
    found = reaches(curve, LEVELS, [1.0, 1.5, 1.2, 3.0])
    for level, each in zip(LEVELS, found, strict=True):
        assert each.status == "reached"
        assert each.scale is not None
        assert each.scale.value == pytest.approx(float(np.quantile(thresholds, level)), rel=0.02)
        assert each.scale.low < each.scale.value < each.scale.high
    assert len(curve.counts) <= 16
    if monotone:  # most paths are known at most scales
        assert curve.simulated < 0.6 * len(curve.counts) * len(thresholds)


def test_the_interval_of_a_scale_covers() -> None:
    """95% intervals over 300 samples of 250 paths; fails in 1 of 16,000 runs where coverage is 95%."""
    rng = np.random.default_rng(2)
    truth = 1.2 * math.exp(0.25 * 0.8416212335729143)
    covered = 0
    for _ in range(300):
        (found,) = reaches(curve_of(rng.lognormal(math.log(1.2), 0.25, 250), True), [0.8], [1.4])
        assert found.scale is not None
        covered += found.scale.low <= truth <= found.scale.high
    assert covered / 300 > 0.95 - 4.0 * math.sqrt(0.95 * 0.05 / 300)


def test_what_cannot_be_reached_is_said() -> None:
    never = np.where(np.arange(500) % 2 == 0, 1.1, np.inf)
    half, most = reaches(curve_of(never, False), [0.45, 0.8], [1.2, 1.2])
    assert half.status == "reached"
    assert most.status == "never"
    assert most.scale is None
    assert most.best.value == 0.5
    assert 4.0 in curve_after(never).counts
    (always,) = reaches(curve_of(np.full(500, 0.01), True), [0.8], [1.2])
    assert always.status == "always"


def curve_after(thresholds: NDArray[np.float64]) -> Curve:
    curve = curve_of(thresholds, False)
    reaches(curve, [0.8], [1.2])
    return curve
