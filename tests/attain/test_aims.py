"""What may be maximised: as the plan writes it, as the solvers count it, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from attain.optimise import optimise
from attain.optimise.aims import aim_of
from attain.optimise.verdict import gain_of, odds_of
from engine.plan.load import load_plan
from engine.problems import PlanRefused
from engine.world import World, build
from tests.attain.cli_runs import BUDGET, PLAN

GOALS = PLAN.replace(
    "  everyone: {all_of: quotas}\n",
    "  monthly: {metric: deals_won, at_least: 2, every: month}\n  everyone: {all_of: quotas}\n  words: sell more\n",
)


def world_of(maximise: str) -> World:
    return build(load_plan(GOALS + BUDGET + (f"  maximise: {maximise}\n" if maximise else "")))


def by_hand(world: World, legs: np.ndarray) -> dict[str, np.ndarray]:
    attained = world.goals.attained(legs)
    return {name: attained[:, g] for g, name in enumerate(world.goals.names)}


@pytest.mark.parametrize("wish", ["", "all", "monthly", "{at_least: 2, of: [company, deals, monthly]}"])
def test_an_aim_counts_what_the_goals_count(wish: str) -> None:
    world = world_of(wish)
    least = np.array([leg.at_least for leg in world.goals.legs])
    legs = least * np.random.default_rng(3).uniform(0.7, 1.5, (400, len(least)))
    met, aim = by_hand(world, legs), aim_of(world, world.plan.decide.maximise if world.plan.decide else None)
    joint = met["company"] & met["deals"] & met["monthly"]
    two = met["company"].astype(int) + met["deals"] + met["monthly"] >= 2
    expected = {"": joint, "all": joint, "monthly": met["monthly"]}.get(wish, two)
    assert np.array_equal(aim.values(legs), expected)
    assert expected.any()
    assert not expected.all()
    margins, place = aim.margins(legs)
    assert np.array_equal(aim.objective.attained(margins)[:, 0], expected)
    assert np.allclose(margins, np.take_along_axis(legs / least - 1.0, place, axis=1))


def test_weighted_goals_are_shares() -> None:
    world = world_of("{weighted: {company: 3, monthly: 1, deals: 0}}")
    assert world.plan.decide is not None
    least = np.array([leg.at_least for leg in world.goals.legs])
    legs = least * np.random.default_rng(4).uniform(0.7, 1.5, (400, len(least)))
    met, aim = by_hand(world, legs), aim_of(world, world.plan.decide.maximise)
    values = aim.values(legs)
    assert np.allclose(values, 0.75 * met["company"] + 0.25 * met["monthly"])
    odds = odds_of(values)
    assert odds.interval[0] < odds.probability < odds.interval[1]
    assert gain_of(values, values).points == 0.0
    assert (aim.wish.kind, aim.goals) == ("weighted", ("company", "monthly"))


@pytest.mark.parametrize(
    ("wish", "path", "words"),
    [
        ("fame", "decide.maximise", "a goal of the plan"),
        ("words", "decide.maximise", "metric"),
        ("{at_least: 2, of: [company, deasl]}", "decide.maximise.of.2", "deals"),
        ("{at_least: 3, of: [company, deals]}", "decide.maximise.at_least", "no more than the 2"),
        ("{at_least: 1, of: [company, company]}", "decide.maximise.of", "once"),
        ("{at_least: 0, of: [company]}", "decide.maximise.at_least", "1"),
        ("{at_least: 1, of: []}", "decide.maximise.of", ""),
        ("{weighted: {company: 0}}", "decide.maximise.weighted", "above 0"),
        ("{weighted: {comapny: 1}}", "decide.maximise.weighted.comapny", "company"),
        ("{wieghted: {company: 1}}", "decide.maximise", ""),
    ],
)
def test_a_wish_that_cannot_be_is_refused_where_it_stands(wish: str, path: str, words: str) -> None:
    with pytest.raises(PlanRefused) as refused:
        world_of(wish)
    problems = refused.value.problems
    assert any(problem.path.startswith(path) for problem in problems), problems
    assert words in " ".join(f"{problem.expected} {problem.hint}" for problem in problems)


def test_a_goal_named_all_is_a_goal() -> None:
    text = GOALS.replace("  deals:", "  all:").replace("sell more", "sell more") + BUDGET + "  maximise: all\n"
    world = build(load_plan(text))
    assert world.plan.decide is not None
    assert aim_of(world, world.plan.decide.maximise).wish.kind == "goal"


@pytest.mark.parametrize("wish", ["{at_least: 2, of: [company, deals, monthly]}", "{weighted: {company: 3, deals: 1}}"])
def test_other_wishes_are_searched_and_judged(wish: str) -> None:
    found = optimise(load_plan(GOALS + BUDGET + f"  maximise: {wish}\n"), seed=2, n=256, jobs=1, effort=0.01)
    assert found.before is not None
    assert found.after is not None
    assert found.status in ("improved", "no_gain")
    assert 0.0 < found.after.interval[0] <= found.after.probability <= found.after.interval[1] <= 1.0
    chosen = [trial for trial in found.trials if trial.accepted]
    assert len(chosen) == 1
    assert chosen[0].probability == max(trial.probability for trial in found.trials if trial.phase == 2)
