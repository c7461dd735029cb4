"""Budget over months: the same leads in a world whose cells are split, and money moved to months that count."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from attain.optimise import optimise
from attain.optimise.budgets import budget_decision
from attain.plans import open_plan
from attain.screens.optimise import screen
from attain.simulate import simulate
from engine.batch import Simulator
from engine.plan.load import load_plan
from engine.problems import PlanRefused
from engine.world import build
from tests.attain.test_frontier import attains

LATE = """\
attain: 1
name: Late money
currency: CNY
horizon: {start: 2026-01-01, end: 2026-12-31}
calendar: {days: 240}
goals: {company: {metric: bookings, at_least: 1_300}}
stages: [{name: sign, work: 0 h, wait: 61 d, advance: 0.5, won: true}]
products: {P: {deal_value: 100}}
regions: {North: {}}
reps: [{name: Ann}]
sources:
  fairs:
    budget: {North: 12_000}
    response: {hill: {most_leads_per_month: 4, half_at: 500}}
decide:
  budget: {months: true, step: 100}
"""


def test_cells_split_by_month_bring_the_same_leads() -> None:
    """Every replication the same, to the last bit; and each deal of a line is some month's."""
    loaded = open_plan("two-by-two", ["decide.budget.months=true", "economy.sd=0.3"])
    world = build(loaded)
    decision = budget_decision(loaded, world, True)
    assert decision is not None
    assert decision.split is not None
    plain = Simulator(world, 3, 1)(0, 48)
    split = Simulator(decision.split(world), 3, 1, attribution=decision.attribution)(0, 48)
    assert np.array_equal(plain.legs, split.legs)
    assert np.array_equal(plain.reps, split.reps)
    assert split.attributed is not None
    months = split.attributed[:, :, 0].reshape(48, 8, 12).sum(axis=(0, 1))
    assert np.all(months[:8] > 0.0)
    assert months[11] < 0.1 * months[:8].mean()  # who comes in December seldom signs before the year ends


def test_money_goes_to_months_whose_leads_can_still_sign(tmp_path: Path) -> None:
    """A deal takes 61 days: of twelve months of 20, those that come in the last three sign too late, so that the best
    is an even spend over the first nine, by theory: wins are Poisson, their mean is all that counts.
    """
    new = tmp_path / "new.yaml"
    found = optimise(load_plan(LATE), seed=4, n=1000, jobs=1, effort=0.05, out=new)
    (row,) = found.allocation
    hill = lambda spend: 4 * spend / (500 + spend)  # noqa: E731
    mean = lambda months: 0.5 * sum(hill(x) for x in months[:8]) + 0.5 * 19 / 20 * hill(months[8])  # noqa: E731
    assert sum(row.new_by_month) == pytest.approx(12_000)
    assert all(amount % 100 == 0 for amount in row.new_by_month)
    assert sum(row.new_by_month[9:]) < 0.05 * 12_000
    best = attains(mean([12_000 / 9] * 9))
    assert attains(mean(row.new_by_month)) > best - 0.015
    assert attains(mean(row.plan_by_month)) < best - 0.05
    assert found.after is not None
    again = simulate(new, n=1000, seed=4, jobs=1)
    assert float(again.attained[:, 0].mean()) == found.after.probability
    for language, words in (("en", "Budget by month"), ("zh", "各月预算")):
        out = io.StringIO()
        Console(file=out, width=160).print(screen(found, language))  # type: ignore[arg-type]
        assert words in out.getvalue()


def test_limits_of_a_line_hold_for_its_months_and_what_is_over_stays() -> None:
    text = LATE.replace("step: 100", "change_at_most: 40%, caps: {fairs: 15_000}, floors: {fairs: 9_600}")
    loaded = load_plan(text.replace("2026-12-31}", "2026-12-31, as_of: 2026-02-28}"))
    decision = budget_decision(loaded, build(loaded), False)
    assert decision is not None
    lower, upper = decision.levers.lower, decision.levers.upper
    assert lower[0] == upper[0] == pytest.approx(1_000)
    assert lower[3] == pytest.approx(800)  # of the floor, a twelfth; the change would allow 600
    assert upper[3] == pytest.approx(1_250)


@pytest.mark.parametrize(
    ("found", "written", "said"),
    [("{North: 12_000}", "12_000", "by region"), ("months: true", "minimum: 100, months: true", "neither minimum")],
)
def test_months_that_cannot_be_are_refused(found: str, written: str, said: str) -> None:
    with pytest.raises(PlanRefused, match=said):
        load_plan(LATE.replace(found, written))
