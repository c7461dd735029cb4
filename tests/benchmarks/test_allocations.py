"""Allocations by several methods: judged as simulating judges, what is absent said, the study's plans as stated."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from rich.console import Console

import benchmarks.allocations as allocations
from attain.screens.allocations import screen
from attain.simulate import simulate
from benchmarks.allocations import METHODS, OURS, compare
from benchmarks.large import large
from benchmarks.study import RIVALS, summary
from benchmarks.study_plans import RANGES, drawn
from engine.plan.load import load_plan
from engine.world import build

PLAN = """\
attain: 1
name: Two campaigns
currency: CNY
horizon: {start: 2026-01-01, end: 2026-12-31}
calendar: {days: 240}
goals: {company: {metric: bookings, at_least: 1300}}
stages: [{name: sign, work: 0 h, wait: 0 d, advance: 0.5, won: true}]
products: {P: {deal_value: 100}}
regions: {North: {}, South: {}}
reps: [{name: Ann, region: North}, {name: Bo, region: South}]
sources:
  fairs:
    budget: {North: 8_000, South: 2_000}
    response: {hill: {most_leads_per_month: 2, half_at: 200}}
    mix: {North: {P: 1}, South: {P: 1}}
decide: {budget: {step: 500}}
"""


def absent(*_: object, **__: object) -> None:
    raise RuntimeError("no such program")


def test_rows_are_what_simulating_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours is stood in for by the equal split, which is best here: both lines are alike."""
    monkeypatch.setattr(allocations, "most_attained", absent)
    names = ("last year's proportions", "equal split", "SLSQP on the mean", "greedy by marginal return", "big-M, CBC")
    methods = {name: METHODS[name] for name in names} | {OURS: METHODS["equal split"]}
    record = compare(load_plan(PLAN), n=600, seed=4, methods=methods)
    rows = {row["method"]: row for row in record["rows"]}
    plain = simulate(load_plan(PLAN), n=600, seed=4, jobs=1)
    assert rows["last year's proportions"]["probability"] == float(plain.attained[:, 0].mean())
    assert rows["equal split"]["amounts"] == [[5_000.0, 5_000.0]]
    assert rows["SLSQP on the mean"]["amounts"] == rows["greedy by marginal return"]["amounts"] == [[5_000.0, 5_000.0]]
    ahead = rows["last year's proportions"]["ours_over_it"]["points"]
    expected = rows["equal split"]["probability"] - rows["last year's proportions"]["probability"]
    assert ahead == pytest.approx(100.0 * expected)
    assert ahead > 0
    assert rows["equal split"]["ours_over_it"]["points"] == 0.0
    assert rows["big-M, CBC"]["probability"] is None
    assert "not here" in rows["big-M, CBC"]["note"]
    assert record["behind"] == []
    document = {"plans": [{"plan": "[p]"} | record], "big_m": {"paths": 1, "nodes": 2, "seconds": 3.0}, "ours": OURS}
    json.dumps(document, allow_nan=False)
    for language, words in (("en", "ours over it"), ("zh", "我们高出")):
        console = Console(file=io.StringIO(), width=120)
        console.print(screen(document, language))  # type: ignore[arg-type]
        assert words in console.file.getvalue()  # type: ignore[attr-defined]


def test_the_studys_plans_are_always_the_same_and_within_their_ranges() -> None:
    first, again = drawn(11), drawn(11)
    assert first.text == again.text
    world = build(first.loaded)
    assert RANGES["reps"][0] <= len(world.reps) <= RANGES["reps"][1]
    assert first.factors["lines"] == len(world.lines) >= 2
    assert RANGES["cv"][0] <= first.factors["cv"] <= RANGES["cv"][1]


def test_the_summary_counts_what_is_beyond_the_error() -> None:
    gains = [(4.0, 3.0, 5.0), (0.2, -0.5, 0.9), (-2.0, -3.0, -1.0), (1.0, 0.1, 1.9)]
    rows = [
        {
            "gains": {name: {"points": p, "interval": [low, high]} for name in RIVALS},
            "factors": {"cv": k, "distance": 0.5 - k, "legs": 1 + k % 2, "wins": 10, "lines": 4, "half_at": 1.0}
            | {"economy_sd": 0.1, "load": 0.0, "reps": 5},
        }
        for k, (p, low, high) in enumerate(gains)
    ]
    found = summary(rows)[RIVALS[0]]
    assert (found["ahead"], found["within_error"], found["behind"]) == (0.5, 0.25, 0.25)
    assert found["mean"] == pytest.approx(np.mean([4.0, 0.2, -2.0, 1.0]))
    assert found["by"]["joint goals"] == {"plans": 2, "mean": pytest.approx(0.6), "median": pytest.approx(0.6)}
    assert found["by"]["shared time"] is None


def test_the_large_plan_loads_at_any_size() -> None:
    loaded = load_plan(json.dumps(large(12, 4, 3), indent=1))
    world = build(loaded)
    assert (len(world.reps), len(world.products), len(world.regions), len(world.lines)) == (12, 4, 3, 9)
