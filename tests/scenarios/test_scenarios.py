"""The built-in plans: found by name, valid, alive, and what their notes claim."""

from __future__ import annotations

import functools
import re

import numpy as np
import pytest

import scenarios
from engine.outcomes import Outcome
from engine.plan.load import load_plan
from engine.plan.types import LoadedPlan
from engine.problems import PlanRefused
from engine.simpy_model import replicate
from engine.world import World, build

PLANS = scenarios.names()


def loaded(name: str, *sets: str) -> LoadedPlan:
    return load_plan(scenarios.path(name), sets=sets)


@functools.cache
def once(name: str) -> tuple[World, Outcome]:
    """A plan's world and its first replication, shared by the tests that look at it."""
    world = build(loaded(name))
    return world, replicate(world, 0, 0)


# --- finding them --------------------------------------------------------------------------------------------------


def test_the_plans_that_the_project_promises_are_there() -> None:
    promised = {
        "key-accounts", "key-accounts-15-of-150", "key-accounts-real", "two-by-two", "one-rep-quarter",
        "services-firm", "services-firm-20", "fifty-reps", "known-best",
    }  # fmt: skip
    assert promised <= set(PLANS)
    assert list(PLANS) == sorted(PLANS)


@pytest.mark.parametrize("name", PLANS)
def test_each_has_a_file_and_a_title(name: str) -> None:
    assert scenarios.path(name).is_file()
    title = scenarios.title(name)
    assert 10 < len(title) < 90
    assert not title.startswith("#")


@pytest.mark.parametrize(
    ("typed", "meant"), [("key-acounts", "key-accounts"), ("two_by_two", "two-by-two"), ("fifty", "fifty-reps")]
)
def test_a_misspelt_name_is_answered_with_the_nearest(typed: str, meant: str) -> None:
    with pytest.raises(scenarios.UnknownScenario) as caught:
        scenarios.path(typed)
    assert caught.value.nearest == meant
    assert repr(typed) in str(caught.value)
    assert repr(meant) in str(caught.value)


@pytest.mark.parametrize("typed", ["zzzzzz", "", "../pyproject", "key-accounts.yaml/..", "/etc/passwd"])
def test_what_is_no_name_reaches_no_file(typed: str) -> None:
    with pytest.raises(scenarios.UnknownScenario, match="no built-in plan"):
        scenarios.path(typed)


# --- all of them ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLANS)
def test_each_teaches_something_and_marks_what_is_assumed(name: str) -> None:
    text = scenarios.path(name).read_text(encoding="utf-8")
    plan = loaded(name).plan
    heading = text.split("\nattain: 1\n")[0]
    assert "What it teaches." in heading
    assert plan.note
    assert 1 <= len(re.findall(r"\.(?:\s|$)|。", plan.note)) <= 4
    assert "assumed" in text.split("\nattain: 1\n")[1]
    for line in text.splitlines():  # nobody measured how these firms' leads answer to budget
        assert "response:" not in line or line.endswith("# assumed"), line


@pytest.mark.parametrize("name", PLANS)
def test_commands_in_the_heading_name_plans_and_settings_that_exist(name: str) -> None:
    heading = scenarios.path(name).read_text(encoding="utf-8").split("\nattain: 1\n")[0]
    for line in heading.splitlines():
        words = line.split()
        if "attain" not in words or "--set" not in words:
            continue
        plan = words[words.index("attain") + 2]
        setting = words[words.index("--set") + 1]
        assert loaded(plan, setting).plan != loaded(plan).plan, line


@pytest.mark.parametrize("name", PLANS)
def test_each_loads_and_lives(name: str) -> None:
    world, outcome = once(name)
    assert outcome.moves() > 50
    assert outcome.reps[:, 1].sum() > 0  # something is won
    assert world.goals.names
    assert np.isfinite(outcome.legs).all()


def test_an_unknown_field_set_in_one_is_refused() -> None:
    with pytest.raises(PlanRefused):
        loaded("key-accounts", "sources.list.prospect=560")


# --- what single plans claim ---------------------------------------------------------------------------------------


def test_fifty_reps_is_as_large_as_it_says() -> None:
    world, outcome = once("fifty-reps")
    leaves = [g for g in range(len(world.regions)) if g not in set(world.territory.parent.tolist())]
    assert (len(world.reps), len(world.products), len(leaves), len(world.lines)) == (50, 6, 8, 14)
    assert outcome.reps[:, 0].sum() >= 20_000
    assert outcome.moves() >= 100_000
    busy = outcome.reps[:, 5] / world.cal.horizon_hours
    assert 0.55 < busy.min()
    assert busy.max() < 0.97
    assert 0.65 < busy.mean() < 0.85


def test_services_firms_differ_in_the_target_alone() -> None:
    ten, twenty = loaded("services-firm").plan, loaded("services-firm-20").plan
    raised = ten.goals["company"].model_copy(update={"at_least": twenty.goals["company"].at_least})
    assert twenty.goals["company"].at_least == pytest.approx(1.2 / 1.1 * (ten.goals["company"].at_least or 0))
    same = {"goals": ten.goals | {"company": raised}, "name": twenty.name, "note": twenty.note}
    assert ten.model_copy(update=same) == twenty


def test_key_accounts_gives_each_manager_a_hundred() -> None:
    _, outcome = once("key-accounts")
    assert (outcome.reps[:, 0] == 100).all()
