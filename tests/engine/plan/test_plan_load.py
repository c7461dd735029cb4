"""Plans read from files: the forms that must load, changes from the command line, and what is refused and how."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.plan.load import load_plan
from engine.plan.quantities import Duration
from engine.plan.types import Uncertain

Write = Callable[..., Path]


def test_the_example_loads_as_written(write_example: Write, example_text: str) -> None:
    loaded = load_plan(write_example())
    plan = loaded.plan
    assert plan.goals["company"].at_least == 50_000_000
    assert plan.stages[1].advance == Uncertain(wins=24, of=60)
    assert plan.stages[1].wait.p90 == Duration(30.0, "d")
    assert plan.reps[1].quota is not None
    assert plan.reps[1].quota.year == 12_000_000
    assert plan.sources["events"].budget == {"North": 200_000.0, "East": 150_000.0}
    assert plan.decide is not None
    assert plan.decide.budget is not None
    assert plan.decide.budget.change_at_most == 0.5
    assert loaded.files.columns["crm-values.csv:value"] == (300_000.0, 450_000.0, 520_000.0)
    assert loaded.files.pipeline[0].age == Duration(12.0, "d")
    assert loaded.files.accounts[0].owner == "张伟"
    assert loaded.text == example_text
