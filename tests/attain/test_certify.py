"""What no allocation can exceed: proven on an open plan whose optimum is enumerated, refused on plans that are not."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any, cast

import pytest

from attain.optimise.aims import aim_of
from attain.optimise.certify import SHARE, certified, is_open
from attain.optimise.records import WHY_NO_BOUND
from attain.optimise.search import Paths, Work
from attain.optimise.workflow import decisions_of
from attain.plans import open_plan
from engine.plan.load import load_plan
from engine.plan.types import LoadedPlan
from engine.world import build
from solvers.levers import proportional
from tests.scenarios.known_best import Theory

WORK = Work(paths=48_000, selection=12_000, quotas=192)


def found_on(loaded: LoadedPlan) -> tuple[Paths, list[Any]]:
    """Paths of a plan's first decision, and last year's proportions as if a search had found them."""
    world = build(loaded)
    decision = decisions_of(loaded, world, allow_assumed=True)[0]
    aim = aim_of(world, loaded.plan.decide.maximise if loaded.plan.decide else None)
    found = SimpleNamespace(decision=decision, x=proportional(decision.levers))
    return Paths(loaded, decision, aim, 1, 1), [cast("Any", found)]


def test_the_population_bound_lies_above_the_optimum_and_below_one() -> None:
    """On `known-best`, whose optimum is known: .872. On average the bound lies above it, and 1.8 standard errors more
    are added, so that a false alarm is rarer than 5%; the seed is fixed.
    """
    paths, found = found_on(open_plan("known-best"))
    result = certified(paths, found, WORK)
    assert result.bound.kind == "population"
    assert result.bound.value is not None
    assert Theory().probability((660e3, 440e3, 100e3)) <= result.bound.value < 0.985
    assert len(result.bound.samples) == 10
    assert 0 < result.paths <= SHARE * WORK.paths


def test_where_deals_wait_there_is_a_reference_and_no_proof() -> None:
    paths, found = found_on(open_plan("two-by-two"))
    assert not is_open(build(paths.loaded))
    result = certified(paths, found, WORK)
    assert (result.bound.kind, result.bound.value) == ("none", None)
    assert result.bound.because == WHY_NO_BOUND["not_open"]
    assert result.bound.reference is not None
    assert 0.35 < result.bound.reference < 1.0  # last year's proportions attain .38
    assert result.paths <= WORK.block


def test_a_plan_that_only_seems_open_is_found_out_by_its_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["attain.optimise.certify"], "is_open", lambda world: True)
    result = certified(*found_on(open_plan("two-by-two")), WORK)
    assert (result.bound.kind, result.bound.because) == ("none", WHY_NO_BOUND["not_open"])


def test_too_little_work_proves_nothing() -> None:
    paths, found = found_on(open_plan("known-best"))
    result = certified(paths, found, Work(paths=16_384, selection=4_096, quotas=192))
    assert (result.bound.kind, result.bound.because) == ("none", WHY_NO_BOUND["too_dear"])


def test_routing_by_load_is_not_open() -> None:
    text = (open_plan("known-best").text or "").replace("routing: {share: {Chen Jing: 1, Zhou Min: 1}}", "")
    assert not is_open(build(load_plan(text)))
