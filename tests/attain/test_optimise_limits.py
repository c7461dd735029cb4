"""Least spends and either/or of a plan, on plans whose best is found by enumerating every switch pattern."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from attain.optimise import optimise
from attain.optimise.records import Optimisation
from attain.screens.optimise import screen
from engine.plan.load import load_plan
from tests.attain.test_frontier import attains
from tests.attain.test_optimise import budget_plan, expected_wins

STEP = "budget: {total: 12_000, step: 500}"
EFFORT = 0.17  # of 98,304 paths: some 16,000, enough for several patterns to be climbed in
SPLITS = [(n, s, 12_000 - n - s) for n in range(0, 12_001, 500) for s in range(0, 12_001 - n, 500)]


def limited_plan(limits: str, target: int = 1300) -> str:
    return budget_plan(target).replace(STEP, f"budget: {{total: 12_000, step: 500, {limits}}}")


def split_of(found: Optimisation) -> tuple[float, float, float]:
    amounts = {(row.source, row.region): row.new for row in found.allocation}
    return amounts["fairs", "North"], amounts["fairs", "South"], amounts["mail", "North"]


@pytest.mark.parametrize(
    ("limits", "allowed"),
    [
        ("minimum: 3_000, either: {one fair: {of: [fairs], at_most: 1}}",
         lambda n, s, m: all(x == 0 or x >= 3_000 for x in (n, s, m)) and not (n and s)),
        ("minimum: {mail: 9_000}, either: {post: {of: [mail], at_least: 1}}", lambda n, s, m: m >= 9_000),
        pytest.param("minimum: {mail: 7_000}", lambda n, s, m: m == 0 or m >= 7_000, marks=pytest.mark.long),
        pytest.param("minimum: {fairs: {North: 5_000, South: 4_000}}",
                     lambda n, s, m: (n == 0 or n >= 5_000) and (s == 0 or s >= 4_000), marks=pytest.mark.long),
        pytest.param("either: {two of all: {of: [fairs / North, fairs / South, mail], at_most: 2}}",
                     lambda *x: 0 in x, marks=pytest.mark.long),
    ],
)  # fmt: skip
def test_the_best_allowed_split_is_reached(limits, allowed) -> None:
    """All deals are worth the same, so that odds rise with the mean: the best of all splits on the grid is known."""
    found = optimise(load_plan(limited_plan(limits)), seed=5, n=512, jobs=1, effort=EFFORT)
    best = max(attains(expected_wins(*x)) for x in SPLITS if allowed(*x))
    split = split_of(found)
    assert allowed(*split), f"{split} breaks {limits}"
    assert sum(split) == pytest.approx(12_000)
    assert all(amount % 500 == 0 for amount in split)
    assert found.largest_violation <= 1e-9
    assert attains(expected_wins(*split)) > best - 0.01


def test_what_binds_is_said_and_the_new_plan_keeps_its_limits(tmp_path) -> None:
    limits = "minimum: 3_000, either: {one fair: {of: [fairs], at_most: 1}}"
    new = tmp_path / "new.yaml"
    found = optimise(load_plan(limited_plan(limits)), seed=5, n=256, jobs=1, effort=0.01, out=new)
    off = [row for row in found.allocation if row.new == 0]
    assert [row.limit for row in off] == ["either"]
    written = load_plan(new).plan.decide
    assert written is not None
    assert written.budget is not None
    assert written.budget.minimum == 3_000
    out = io.StringIO()
    for language, words in (("en", "its set has no place left"), ("zh", "同组名额已满")):
        Console(file=out, width=160).print(screen(found, language))  # type: ignore[arg-type]
        assert words in out.getvalue()


def test_a_clash_of_switches_is_named() -> None:
    limits = "minimum: 5_000, either: {three: {of: [fairs, mail], at_least: 3}}"
    found = optimise(load_plan(limited_plan(limits)), seed=5, n=64, jobs=1)
    assert found.status == "infeasible"
    assert {"total of budget", "either of three"} <= set(found.limits)
    kept = "floors: {fairs: 2_000}, either: {one: {of: [fairs], at_most: 1}}"
    found = optimise(load_plan(limited_plan(kept)), seed=5, n=64, jobs=1)
    assert {"either of one", "floor of fairs / North", "floor of fairs / South"} <= set(found.limits)


@pytest.mark.long
def test_workers_choose_the_same_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = load_plan(limited_plan("minimum: 3_000, either: {one fair: {of: [fairs], at_most: 1}}"))
    alone = optimise(plan, seed=6, n=128, jobs=1, effort=0.01)
    monkeypatch.setattr("engine.workers.ALONE", 0.0)
    monkeypatch.setattr("engine.workers.WORTH", 0.0)
    shared = optimise(plan, seed=6, n=128, jobs=2, effort=0.01)
    assert (alone.allocation, alone.after, alone.trials, alone.steps) == (
        shared.allocation, shared.after, shared.trials, shared.steps
    )  # fmt: skip
