"""Edges of the model that were once wrong: each by hand, in the smallest plan that shows it."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pytest

from engine.batch import Simulator
from engine.business import still_open
from engine.distributions import DistributionTable, log_survival
from engine.plan.load import load_plan
from engine.plan.quantities import Duration
from engine.plan.types import Actual, LoadedPlan, OpenDeal, PlanFiles, TimeDistribution
from engine.world import World, build

HEAD = """\
attain: 1
name: Edge
currency: CNY
horizon: {start: 2026-01-01, end: 2026-12-31%s}
calendar: {%s}
stages: [{name: sign, work: 0 h, wait: %s, advance: %s, won: true}]
products: {P: {deal_value: 100}}
regions: {R: {}}
"""


def world_of(text: str, files: PlanFiles | None = None) -> World:
    loaded = load_plan(text)
    return build(LoadedPlan(plan=loaded.plan, files=files or loaded.files))


def test_a_month_in_which_nobody_works_brings_no_leads() -> None:
    days = ", ".join(f"2026-08-{day:02d}" for day in range(1, 32))
    text = HEAD % ("", f"holidays: [{days}]", "0 d", "1.0")
    world = world_of(
        text + "goals: {g: {metric: leads, at_least: 1}}\nreps: [{name: A}]\nsources: {s: {leads_per_month: 20}}\n"
    )
    assert world.cells[0].rates[7] == 0.0
    batch = Simulator(world, 1)(0, 40)
    by_month = batch.margins["month"][:, :, 0].mean(axis=0)
    assert by_month[7] == 0.0
    # Eleven months of 20: a Poisson mean of 880 over 40 paths, four sigma.
    assert abs(by_month.sum() - 220.0) < 4.0 * math.sqrt(220.0 / 40.0)


def test_what_is_answered_on_the_first_instant_after_as_of_belongs_to_the_next_month() -> None:
    text = HEAD % (", as_of: 2026-03-31", "days: 240", "8 d", "1.0")
    goals = (
        "goals:\n  q1: {metric: deals_won, at_least: 1, until: 2026-03-31}\n"
        "  q2: {metric: deals_won, at_least: 1, since: 2026-04-01, until: 2026-06-30}\n"
    )
    deals = tuple(OpenDeal(deal=f"d{i}", stage="sign", age=Duration(10.0, "d"), owner="A") for i in range(5))
    text += goals + "reps: [{name: A}]\nsources: {s: {prospects: 1, spread: start}}\n"
    batch = Simulator(world_of(text, PlanFiles(pipeline=deals)), 1)(0, 1)
    assert batch.legs.tolist() == [[0.0, 5.0]]
    assert batch.margins["month"][0, :, 1].tolist() == [0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0]


def test_actuals_count_by_their_date_working_day_or_not() -> None:
    text = HEAD % (", as_of: 2026-02-10", "", "0 d", "1.0")
    goals = (
        "goals:\n  jan: {metric: bookings, at_least: 1, until: 2026-01-31}\n"
        "  feb: {metric: bookings, at_least: 1, since: 2026-02-01, until: 2026-02-28}\n"
    )
    sunday = Actual(date=dt.date(2026, 2, 1), rep="A", product="P", region="R", bookings=50.0)
    text += goals + "reps: [{name: A}]\nsources: {s: {prospects: 1, spread: start}}\n"
    batch = Simulator(world_of(text, PlanFiles(actuals=(sunday,))), 1)(0, 1)
    names = world_of(text).goals.names
    assert dict(zip(names, batch.legs[0].tolist(), strict=True)) == {"feb": 5000.0, "jan": 0.0}
    assert batch.margins["month"][0, 1, 4] == 5000.0


def test_round_robin_goes_on_where_it_was_after_a_lead_was_turned_away() -> None:
    text = HEAD % ("", "days: 250", "0 d", "1.0")
    text += "segments: {served: {}, nobody: {}}\ngoals: {g: {metric: leads, at_least: 1}}\nrouting: round_robin\n"
    text += "".join(f"{'reps:' if n == 'A' else ''}\n  - {{name: {n}, segments: [served]}}" for n in "ABC")
    batch = Simulator(world_of(text + "\nsources: {s: {prospects: 300, spread: year}}\n"), 1)(0, 10)
    leads = batch.reps[:, :, 0]
    assert leads.sum() < 3000 * 0.6  # about half are turned away
    assert (leads.max(axis=1) - leads.min(axis=1) <= 1).all()  # in turn: never more than one apart


def test_quotas_of_some_reps() -> None:
    text = HEAD % ("", "days: 250", "0 d", "1.0")
    text += "goals: {only-a: {all_of: quotas, where: {rep: A}}}\n"
    text += "reps: [{name: A, quota: 100}, {name: B, quota: 1_000_000}]\nsources: {s: {prospects: 10}}\n"
    world = world_of(text)
    assert [leg.label for leg in world.goals.legs] == ["A"]


def test_quotas_of_months_without_a_phasing() -> None:
    text = HEAD % ("", "days: 250", "0 d", "1.0") + f"phasing: [1{', 0' * 11}]\ngoals: {{g: {{all_of: quotas}}}}\n"
    text += "reps: [{name: A, quota: {year: 1000, months: [450]}}]\nsources: {s: {prospects: 10}}\n"
    assert world_of(text).quotas.months.tolist() == [[45_000.0, *[5_000.0] * 11]]


@pytest.mark.parametrize(
    ("dist", "x", "expected"),
    [
        (TimeDistribution(kind="exponential", mean=Duration(5.0, "h")), 2000.0, -400.0),
        (TimeDistribution(kind="weibull", median=Duration(5.0, "h"), shape=2.0), 200.0, -math.log(2.0) * 1600.0),
        # log of the upper normal tail at z = 40, from its asymptotic series with five terms (mpmath agrees)
        (TimeDistribution(kind="lognormal", median=Duration(1.0, "h"), sigma=0.1), math.exp(4.0), -804.6084420137538),
    ],
)
def test_survival_keeps_its_digits_far_out(dist: TimeDistribution, x: float, expected: float) -> None:
    table = DistributionTable()
    row = table.add_time(dist, lambda duration: (duration.value, False), {})
    assert log_survival(*table.arrays(), row, x) == pytest.approx(expected, rel=1e-5)


def test_very_old_open_deals_do_not_fall_back_to_the_prior() -> None:
    # Waits of mean 5 and 6: the odds of advancing fall as exp(-age (1/5 - 1/6)), however old.
    for age in (10.0, 225.0, 2000.0):
        odds = 0.3 / 0.7 * math.exp(-age * (1 / 5 - 1 / 6))
        assert still_open(0.3, -age / 5, -age / 6) == pytest.approx(odds / (1 + odds), rel=1e-12)
    assert still_open(0.3, -np.inf, -np.inf) == 0.3
    assert still_open(0.3, -np.inf, -1.0) == 0.0
    assert still_open(0.3, -1.0, -np.inf) == 1.0
