"""The built-in plans whose answers are known, held to theory: the worked example, and the best split of a test piece.

They find, at four sigma and with 99% power, that a plan is two points off what its note says. That the model itself is
right to a point is shown elsewhere, on plans of its own.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import NDArray

import scenarios
from engine.plan.load import load_plan
from engine.world import build
from tests.engine.runs import leg_values
from tests.oracles import plans
from tests.oracles.compound import Bounded
from tests.oracles.power import judge_probability, replications_for_probability
from tests.scenarios import known_best
from tests.scenarios.known_best import FLOORS, LINES, REFERENCE, STEP, TARGET, TOTAL, Split, Theory

BY_SPLIT = ("licence-campaign.budget.North", "licence-campaign.budget.South", "project-events.budget.North")
FINDS = 0.02
BEST: Split = (660_000.0, 440_000.0, 100_000.0)


def judge(hits: NDArray[np.bool_], expected: Bounded) -> None:
    """Hold a goal's hits to theory, whose own bounds widen what is found."""
    judge_probability(int(hits.sum()), len(hits), expected.bounds, finds=FINDS + expected.error)


def attained(name: str, n: int, *sets: str) -> dict[str, NDArray[np.bool_]]:
    """Goal -> [n] whether it was attained, from seed 0."""
    world = build(load_plan(scenarios.path(name), sets=sets))
    hits = world.goals.attained(leg_values(world, 0, n))
    return {goal: hits[:, g] for g, goal in enumerate(world.goals.names)}


def test_key_accounts_is_the_coin_flip_that_theory_says() -> None:
    n = replications_for_probability(0.5, FINDS)
    hits = attained("key-accounts", n)
    judge(hits["company"], plans.enough_money(500))
    judge_probability(int(hits["fifty-deals"].sum()), n, plans.enough_deals(500, 50), finds=FINDS)
    judge(hits["everyone"], plans.everyone_enough_money())


def test_one_in_ten_from_fifteen_of_150_as_theory_says() -> None:
    expected = plans.enough_money_unsure(650, 15, 150)
    n = replications_for_probability(expected.value, FINDS)
    hits = attained("key-accounts-15-of-150", n, "sources.list.prospects=650")
    judge(hits["company"], expected)
    judge_probability(int(hits["fifty-deals"].sum()), n, plans.enough_deals_unsure(650, 50, 15, 150), finds=FINDS)


@pytest.mark.parametrize("prospects", [560, 650])
def test_more_prospects_buy_what_the_heading_says(prospects: int) -> None:
    expected = plans.enough_money(prospects)
    n = replications_for_probability(expected.value, FINDS)
    hits = attained("key-accounts", n, f"sources.list.prospects={prospects}")
    judge(hits["company"], expected)


# --- the plan with a known best split ------------------------------------------------------------------------------


def test_the_theory_is_of_the_plan_as_it_stands() -> None:
    plan = load_plan(scenarios.path("known-best")).plan
    assert plan.decide is not None
    assert plan.decide.budget is not None
    assert (plan.decide.budget.total, plan.decide.budget.step) == (TOTAL, STEP)
    assert plan.decide.budget.floors == {"project-events": {"North": FLOORS[2]}}
    assert plan.goals["company"].at_least == TARGET
    assert [stage.advance for stage in plan.stages] == [known_best.OFFER, known_best.CONTRACT]
    assert [rep.advance for rep in plan.reps] == [{}, {"contract": known_best.SOUTH_ODDS}]
    licences, projects = plan.sources["licence-campaign"], plan.sources["project-events"]
    assert (licences.budget, projects.budget) == (
        {"North": REFERENCE[0], "South": REFERENCE[1]}, {"North": REFERENCE[2]},
    )  # fmt: skip
    for line, source, product in zip(
        LINES, [licences, licences, projects], ["Licence", "Licence", "Project"], strict=True
    ):
        assert source.response is not None
        assert source.response.hill is not None
        hill, value = source.response.hill, plan.products[product].deal_value
        assert (hill.most_leads_per_month, hill.half_at, hill.shape) == (line.most, line.half_at, 1.0)
        assert (value.kind, value.mean, value.cv) == ("lognormal", line.value, line.cv)


def test_the_figures_in_its_note_are_theory_s() -> None:
    coarse, fine = Theory(), Theory(13_000)
    probabilities = {split: coarse.probability(split) for split in known_best.splits()}
    best = max(probabilities, key=probabilities.__getitem__)
    by_mean = known_best.best_mean_split()
    assert best == BEST
    assert len(probabilities) == 6_216
    near = sum(p > probabilities[best] - 0.005 for p in probabilities.values())
    figures = {split: fine.bounded(split) for split in (BEST, by_mean, REFERENCE)}
    for split, known in figures.items():
        assert abs(coarse.probability(split) - known.value) < 0.002
        assert known.error < 0.01
    # The best is better by more than theory is unsure, and by more than five points.
    assert figures[BEST].low > figures[by_mean].high + 0.05
    assert figures[BEST].low > figures[REFERENCE].high + 0.05
    text = scenarios.path("known-best").read_text(encoding="utf-8")
    stated = re.findall(r"0\.\d{3}\b", text.split("\ncurrency:")[0])
    assert set(stated) == {f"{known.value:.3f}" for known in figures.values()}
    assert f"{near} splits lie within half a point" in text
    for split in (BEST, by_mean):
        assert f"{split[0]:,.0f}" in text


@pytest.mark.parametrize("split", [BEST, REFERENCE])
def test_simulation_agrees_on_the_best_split_and_on_the_reference(split: Split) -> None:
    expected = Theory(13_000).bounded(split)
    n = replications_for_probability(expected.value, FINDS)
    sets = [f"sources.{path}={amount:.0f}" for path, amount in zip(BY_SPLIT, split, strict=True)]
    hits = attained("known-best", n, *sets)
    judge(hits["company"], expected)
