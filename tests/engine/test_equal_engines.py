"""The two engines give the same event logs and tables, bit for bit, on generated plans; and what such plans find.

A plan that tells the engines apart is shrunk and printed as a document, ready to be put down as a plan of its own. The
numbers of every draw are fixed, so that each run looks at the same plans, here and in `make verify`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, find, given, seed, settings
from hypothesis import strategies as st

from engine.outcomes import Names, Outcome, outcome_hash
from engine.simpy_model import Model
from tests.generated.documents import Document
from tests.generated.engines import by_model, engine, hold_batches_equal, hold_equal, outcomes
from tests.generated.faults import FAULTS
from tests.generated.faults.handing import Passing
from tests.generated.faults.order import HandedOverAtOnce
from tests.generated.faults.rules import Rewritten
from tests.generated.features import covered, shortfalls
from tests.generated.plans import Case, cases, documents

ENGINES = ("simpy", "compiled")
# Every draw gets a plan that loads, and no plan is remembered for another run.
FIXED: dict[str, Any] = {"database": None, "derandomize": False, "suppress_health_check": list(HealthCheck)}
PLANS_FOR_FAULTS = 1_000


def on_generated_plans(check: Callable[[Case], None], plans: int, draw: int) -> None:
    """Run the check on so many plans of a numbered draw."""

    @seed(draw)
    @settings(max_examples=plans, **FIXED)
    @given(case=cases())
    def checked(case: Case) -> None:
        check(case)

    checked()


def engines_agree(plans: int, draw: int) -> None:
    """Both engines on so many plans, which must cover every feature."""
    counts: Counter[str] = Counter()
    seen = 0

    def agree(case: Case) -> None:
        nonlocal seen
        one, other = map(engine, ENGINES)
        expected = outcomes(case, one)
        hold_equal(case, expected, other)
        counts.update(covered(case, expected))
        seen += 1

    on_generated_plans(agree, plans, draw)
    assert seen == plans
    assert not shortfalls(counts, plans)


def test_both_engines_give_the_same_outcomes() -> None:
    engines_agree(500, draw=0)


@pytest.mark.long
@pytest.mark.parametrize("draw", range(1, 5))
def test_both_engines_give_the_same_outcomes_on_ten_thousand_plans(draw: int) -> None:
    engines_agree(2_500, draw)


@settings(max_examples=60)
@given(case=cases(), keep=st.sampled_from(["goals", "cells", "log"]))
def test_both_engines_hand_over_the_same_batches(case: Case, keep: str) -> None:
    hashes = hold_batches_equal(case, ENGINES, keep)
    names = Names.of(case.world)
    assert hashes == tuple(outcome_hash(outcome, names) for outcome in outcomes(case, engine("simpy")))


@settings(max_examples=40)
@given(document=documents())
def test_a_generated_plan_is_the_same_when_read_from_files(
    document: Document, tmp_path_factory: pytest.TempPathFactory
) -> None:
    short, whole = document.loaded(), document.written(tmp_path_factory.mktemp("plan"))
    assert short.plan == whole.plan
    for table in ("accounts", "pipeline", "actuals"):
        assert getattr(short.files, table) == getattr(whole.files, table)
    assert short.files.columns.items() >= whole.files.columns.items()


# --- what generated plans find ---------------------------------------------------------------------------------------


def differs(case: Case, expected: list[Outcome], model: type[Model]) -> bool:
    """Whether a faulty model is told from the right one."""
    try:
        hold_equal(case, expected, by_model(model))
    except AssertionError:
        return True
    return False


def test_what_tells_engines_apart_is_shrunk_to_a_small_plan() -> None:
    """Desks handed over too early show in one stage, with one rep and one list."""
    found = find(
        cases(),
        lambda case: differs(case, outcomes(case, engine("simpy")), HandedOverAtOnce),
        settings=settings(max_examples=100, **FIXED),
        random=Random(1),
    )
    data = found.document.data
    assert not found.document.tables
    assert [len(data[section]) for section in ("stages", "reps", "products", "sources", "goals")] == [1] * 5


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_every_fault_is_found(part: int) -> None:
    """An engine with one small fault differs on one of the first thousand plans; most do on one of the first ten."""
    pool: list[tuple[Case, list[Outcome]]] = []
    on_generated_plans(lambda case: pool.append((case, outcomes(case, engine("simpy")))), PLANS_FOR_FAULTS, draw=11)
    chosen = list(FAULTS.items())[part::4]
    assert not [name for name, model in chosen if not any(differs(*known, model) for known in pool)]


def test_faults_are_of_one_thing_each() -> None:
    """What faulty models rewrite is as the model has it where they have no fault."""

    def alike(case: Case) -> None:
        expected = outcomes(case, engine("simpy"))
        assert not differs(case, expected, Passing)
        assert not differs(case, expected, Rewritten)

    on_generated_plans(alike, 80, draw=12)


def test_faults_are_many() -> None:
    assert len(FAULTS) > 100
