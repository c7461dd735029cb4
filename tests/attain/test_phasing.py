"""Quotas over months and weeks: by what is known to come when, to the last unit, on plans small enough to know it."""

from __future__ import annotations

import datetime as dt
import sys

import numpy as np
import pytest

from attain.optimise import optimise
from attain.optimise.phasing import observed, spread_quotas, weeks_of
from attain.optimise.quotas import set_quotas
from attain.simulate import simulate
from engine.plan.load import load_plan
from engine.world import build

HEAD = """
attain: 1
name: phasing
currency: CNY
horizon: {start: 2026-01-01, end: 2026-12-31}
calendar: {days: 250}
goals: {company: {metric: bookings, at_least: %s}}
products: {P: {deal_value: 10_000}, Q: {deal_value: 10_000}}
regions: {North: {}}
"""
ONE = (
    HEAD
    + """
stages: [{name: only, work: 0 h, wait: %s, advance: %s, won: true}]
reps: [{name: 张伟, region: North%s}]
sources: {s: {leads_per_month: 20, mix: {North: {P: 3, Q: 1}}}}
decide: {quotas: {over_assignment: [1.0, 1.0]}}
"""
)


def spread(text: str, quota: float, paths: int = 400):
    loaded = load_plan(text)
    world = build(loaded)
    seen = observed(loaded, world, 1, 1, paths)
    return world, seen, spread_quotas(world, seen, np.array([quota * world.minor]), unit=world.minor)


def test_a_sales_cycle_of_a_quarter_leaves_the_first_quarter_empty():
    """A wait of three months, every deal won: what comes in January books in April. Then level, within four sigma.

    With 20 leads a month, each of nine months holds a ninth of the quota; 80 paths near the quota, 20 deals a month:
    a month's share is known to 1 / sqrt(80 x 20) of itself, and 10% are four sigma.
    """
    _, _, found = spread(ONE % (1, "3 mo", "1.0", ""), 1_800_000)
    months = found.months[0]
    assert months.sum() == 1_800_000
    assert np.all(months[:3] == 0.0)
    assert months[3:] == pytest.approx(np.full(9, 200_000), rel=0.10)


def test_weeks_sum_to_months_and_cut_at_their_ends():
    _, seen, found = spread(ONE % (1, "1 d", "0.5", ""), 1_200_000)
    assert sum(week.share for week in found.weeks) == pytest.approx(12.0)
    assert all(week.first.month == week.last.month == week.month + 1 for week in found.weeks)
    assert all(week.first.isocalendar()[:2] == week.last.isocalendar()[:2] for week in found.weeks)
    starts, weeks = found.by_week()
    assert starts[0] == dt.date(2026, 1, 1)  # a Thursday
    assert all(start.weekday() == 0 for start in starts[1:])
    assert weeks.sum() == pytest.approx(1_200_000, abs=1.0)
    assert seen.by_week.sum(axis=1) == pytest.approx(seen.bookings.sum(axis=1))  # each booking falls into one week


def test_months_that_the_plan_gives_keep_their_part():
    quota = ", quota: {year: 100万, months: [30万, 10万]}"
    _, _, found = spread(ONE % (1, "1 d", "0.5", quota), 2_000_000)
    assert found.months[0, :2].tolist() == [600_000, 200_000]
    assert found.months[0].sum() == 2_000_000


def test_cells_share_a_quota_as_their_leads_do():
    """Three leads in four are of P, all worth the same: with 120 deals on each of 80 paths, .75 within four sigma."""
    _, _, found = spread(ONE % (1, "1 d", "0.5", ""), 1_200_000)
    parts = {product: amount for _, product, amount in found.cells[0]}
    assert sum(parts.values()) == 1_200_000
    assert parts["P"] / 1_200_000 == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / (80 * 120)))


def test_no_bookings_at_all_still_sum():
    """A goal nobody can do anything for: months by nothing better than evenly, and no cells."""
    world, _, found = spread(ONE % (1, "1 d", "0.0", ""), 1_200_000)
    assert found.months[0].sum() == 1_200_000
    assert found.cells == ((),)
    assert found.weeks == weeks_of(world)


def test_paths_do_not_depend_on_how_they_are_cut(monkeypatch):
    text = ONE % (1, "1 d", "0.5", "")
    _, whole, _ = spread(text, 1_200_000, 90)
    phasing = sys.modules[observed.__module__]  # `attain.optimise` names the function, too
    monkeypatch.setattr(phasing, "FIRST_PATHS", 7)
    monkeypatch.setattr(phasing, "MOST_ROWS", 100)
    _, cut, _ = spread(text, 1_200_000, 90)
    assert np.array_equal(whole.cells, cut.cells)
    assert np.array_equal(whole.amounts, cut.amounts)
    assert np.array_equal(whole.by_week, cut.by_week)


TWO = (
    HEAD % 2_000_000
    + """
stages: [{name: only, work: 0 h, wait: 5 d, advance: 0.5, won: true}]
reps: [{name: Ann, region: North, products: [P], quota: 100万}, {name: Bo, region: North, products: [Q], quota: 100万}]
sources: {s: {leads_per_month: 40, mix: {North: {P: 3, Q: 1}}}}
decide: {quotas: {over_assignment: [1.0, 1.5]%s}}
"""
)


def test_from_above_from_below_and_reconciled_side_by_side():
    """Ann makes 1.77 M on the average and Bo .59 M: from above they get a million each, from below their medians.

    Leads come as Poisson numbers (30 and 10 a month, half of them won, the last five days' never heard of), so that the
    medians of bookings lie within a deal of their means.
    """
    found = optimise(load_plan(TWO % ""), seed=1, n=400, jobs=1, effort=0.2)
    ann, bo = found.quotas
    assert (ann.top_down.quota, bo.top_down.quota) == (1_000_000, 1_000_000)
    assert ann.bottom_up == pytest.approx(0.98 * 1_800_000, rel=0.02)
    assert bo.bottom_up == pytest.approx(0.98 * 600_000, rel=0.04)
    assert bo.top_down.odds < 0.01 < 0.99 < ann.top_down.odds
    totals = found.quota_totals
    assert totals is not None
    assert totals.top_down == 2_000_000
    assert totals.bottom_up == ann.bottom_up + bo.bottom_up
    assert totals.reconciled == ann.after + bo.after == 2_000_000  # the least that is allowed, as nothing else is asked


def test_the_over_assignment_is_chosen_for_the_odds_asked_for():
    """At 50% the quotas add up to the medians, 2.35 M, 1.18 times the goal; next to no odds take the most."""
    found = optimise(load_plan(TWO % ", odds: 50%"), seed=1, n=400, jobs=1, effort=0.2)
    assert found.over_assignment == pytest.approx(0.98 * 2_400_000 / 2_000_000, rel=0.02)
    assert all(row.odds_after == pytest.approx(0.5, abs=4 * 0.5 / 20 + 0.05) for row in found.quotas)
    hard = optimise(load_plan(TWO % ", odds: 0.0001"), seed=1, n=100, jobs=1, effort=0.2)
    assert hard.over_assignment is not None
    assert found.over_assignment < hard.over_assignment <= 1.5


def test_the_new_plan_holds_the_months():
    loaded = load_plan(TWO % "")
    before = simulate(loaded, n=100, seed=1, jobs=1)
    answer = set_quotas(loaded, before, before, seed=1, jobs=1, paths=200)
    assert answer.months == build(loaded).months
    for row in answer.rows:
        assert sum(row.months) == row.after
        assert sum(row.weeks) == pytest.approx(row.after, abs=1.0)
        assert len(row.weeks) == len(answer.weeks)
