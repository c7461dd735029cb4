"""`attain compare`: paired differences against theory, what pairing is worth, and how plans and goals are matched."""

from __future__ import annotations

import io
import json
import math

import numpy as np
import pytest
from rich.console import Console

from attain.compare import Candidate, Comparison, candidates, compare, compared, interval_apart
from attain.screens.compare import screen
from attain.simulate import simulate
from engine.plan.load import load_plan
from engine.problems import PlanRefused
from tests.oracles.plans import enough_deals

N = 200
MORE = "sources.list.prospects=560"

SMALL = """
attain: 1
name: Small
currency: EUR
horizon: {start: 2026-01-01, end: 2026-12-31}
calendar: {days: 250}
goals: {company: {metric: bookings, at_least: 9000}, GOAL: {metric: deals_won, at_least: 10}}
stages: [{name: only, work: 0 h, wait: 0 d, advance: 0.5}]
products: {P: {deal_value: 1000}}
regions: {North: {}}
reps: [{name: Ann}]
sources: {list: {prospects: 20}}
"""


@pytest.fixture(scope="module")
def more() -> Comparison:
    return compare(["key-accounts"], sets=[MORE], n=N, seed=0, jobs=1)


def test_the_difference_against_theory(more: Comparison) -> None:
    """60 more prospects for 50 deals: from 0.52 to 0.82, by the binomial; false alarm 6e-5.

    The standard error is that of the discordant pairs; the interval itself is checked in the statistics' own tests.
    """
    (found,) = [d for d in more.differences if d.goal == "fifty-deals"]
    expected = 100.0 * (enough_deals(560, 50) - enough_deals(500, 50))
    only_a, only_b = found.only_a / N, found.only_b / N
    se = 100.0 * math.sqrt((only_a + only_b - (only_b - only_a) ** 2) / N)
    assert abs(found.points.value - expected) <= 4.0 * se
    assert found.points.low < found.points.value < found.points.high
    assert found.only_a == 0  # more prospects only add
    assert found.mean is not None
    assert found.mean.value == pytest.approx(6.0, abs=4.0 * math.sqrt(60 * 0.09 / N))


def test_common_random_numbers_are_common() -> None:
    """Against 510 prospects the paired interval is less than half as wide as that of two plans simulated apart."""
    found = compare(["key-accounts"], sets=["sources.list.prospects=510"], n=150, seed=0, jobs=1)
    for goal in ("company", "fifty-deals"):
        (difference,) = [d for d in found.differences if d.goal == goal]
        half = (difference.points.high - difference.points.low) / 2.0
        assert half < 0.5 * interval_apart(difference, found.plans, found.replications)
        assert difference.worth is not None
        assert difference.worth > 4.0


def test_each_plan_is_what_simulate_says() -> None:
    found = compare([load_plan(SMALL), "known-best"], n=30, seed=5, jobs=1)
    alone = simulate("known-best", n=30, seed=5, jobs=1)
    assert found.plans[1].digest == alone.digest
    for goal in found.plans[1].goals:
        assert goal.probability.value == alone.attained[:, alone.world.goals.names.index(goal.goal)].mean()


def test_the_best_is_the_one_with_more(more: Comparison) -> None:
    assert [best.goal for best in more.best] == ["company", "fifty-deals", "everyone"]
    for best in more.best[:2]:
        assert best.best == "B"
        assert best.probability > 0.99
    assert more.main == "company"


def test_a_plan_against_itself_differs_in_nothing() -> None:
    plan = load_plan(SMALL)
    found = compare([plan, plan], n=40, seed=3, jobs=1)
    for difference in found.differences:
        assert difference.points.value == 0.0
        assert (difference.only_a, difference.only_b, difference.worth) == (0, 0, None)
        assert difference.mean is not None
        assert difference.mean.value == 0.0
    assert found.best[0].probabilities == (0.5, 0.5)
    assert [plan.letter for plan in found.plans] == ["A", "B"]


def test_three_plans_pair_by_pair() -> None:
    plan = load_plan(SMALL)
    rivals = [Candidate(plan, (f"sources.list.prospects={n}",), f"with {n}") for n in (10, 20, 30)]
    found = compare(rivals, n=60, seed=0, jobs=1)
    assert [(d.a, d.b) for d in found.differences if d.goal == "company"] == [("A", "B"), ("A", "C"), ("B", "C")]
    points = {(d.a, d.b): d.points.value for d in found.differences if d.goal == "company"}
    assert points["A", "C"] == pytest.approx(points["A", "B"] + points["B", "C"])
    assert points["A", "B"] > 0
    assert [plan.name for plan in found.plans] == ["with 10", "with 20", "with 30"]
    assert np.isclose(sum(found.best[0].probabilities), 1.0)


def test_goals_are_matched_by_name_and_said_where_they_differ() -> None:
    other = load_plan(SMALL.replace("at_least: 9000", "at_least: 11000").replace("GOAL", "other"))
    found = compare([load_plan(SMALL), other], n=20, seed=0, jobs=1)
    assert found.different_targets == ("company",)
    assert found.not_shared == ("GOAL", "other")
    assert {d.goal for d in found.differences} == {"company"}
    assert found.differences[0].points.value <= 0.0
    assert "different targets" in rendered(found)
    assert "11,000 EUR" in rendered(found)


def test_amounts_of_two_currencies_are_not_subtracted() -> None:
    found = compare([load_plan(SMALL), load_plan(SMALL.replace("EUR", "USD"))], n=20, seed=0, jobs=1)
    assert {d.goal: d.mean is None for d in found.differences} == {"company": True, "GOAL": False}
    assert "different currencies" in rendered(found)


def test_what_a_command_line_means() -> None:
    only, varied = candidates(["a.yaml"], ["x=1"])
    assert (only.sets, varied.sets) == ((), ("x=1",))
    assert [each.sets for each in candidates(["a.yaml", "b.yaml"], ["x=1"])] == [("x=1",), ("x=1",)]
    assert [each.plan for each in candidates(["a.yaml", "b.yaml"])] == ["a.yaml", "b.yaml"]


def test_what_cannot_be_compared() -> None:
    with pytest.raises(PlanRefused, match="two plans or more"):
        compare(["key-accounts"], n=10, seed=0, jobs=1)
    nothing = SMALL.replace("company", "ours").replace("GOAL", "others")
    with pytest.raises(PlanRefused, match="a goal of the same name"):
        compare([load_plan(SMALL), load_plan(nothing)], n=10, seed=0, jobs=1)
    runs = [simulate(load_plan(SMALL), n=5, seed=seed, jobs=1) for seed in (0, 1)]
    with pytest.raises(ValueError, match="no random numbers in common"):
        compared(runs, ["a", "b"], [(), ()])


def test_an_interrupted_run_counts_as_far_as_it_goes() -> None:
    plan = load_plan(SMALL)
    runs = [simulate(plan, n=n, seed=0, jobs=1) for n in (30, 12)]
    found = compared(runs, ["a", "b"], [(), ()])
    assert (found.replications, found.asked) == (12, 30)
    assert all(d.points.value == 0.0 for d in found.differences)
    assert "12 of 30" in rendered(found)


def rendered(found: Comparison, language: str = "en") -> str:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(screen(found, "zh" if language == "zh" else "en"))
    return console.export_text()


def test_the_document_and_the_screen(more: Comparison) -> None:
    document = more.as_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert {"plans", "differences"} <= document.keys()
    assert {"a", "b", "goal", "points", "interval"} <= document["differences"][0].keys()
    assert "B beats A by" in rendered(more)
    assert MORE in rendered(more)
    assert "优于" in rendered(more, "zh")
