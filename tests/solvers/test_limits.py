"""Steps, minimum spends and either/or against enumeration of all allocations; their clashes by name."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers.joint import most_probable
from solvers.levers import limited
from solvers.limits import Choices, Either, clash, region
from solvers.programme import solve

NAMES = ("fairs", "web", "calls")


def allowed(amounts, total, caps, minimum, step, either, *, at_most: bool) -> bool:
    """Whether an allocation is allowed, read straight from the words of the limits."""
    x = np.array(amounts, dtype=float)
    return bool(
        (x.sum() <= total if at_most else x.sum() == total)
        and np.all(x <= caps)
        and np.all((x == 0) | (x >= minimum))
        and all(s == 0 or a % s == 0 for a, s in zip(amounts, step, strict=True))
        and all(one.at_least <= sum(amounts[j] > 0 for j in one.members) <= one.at_most for one in either)
    )


@st.composite
def choices(draw: st.DrawFn):
    caps = np.array([float(draw(st.integers(0, 8))) for _ in NAMES])
    minimum = np.array([float(draw(st.sampled_from([0, 0, 1, 3, 5]))) for _ in NAMES])
    step = np.array([float(draw(st.sampled_from([1, 1, 2, 3]))) for _ in NAMES])
    either = (Either("fairs or web", (0, 1)),) if draw(st.booleans()) else ()
    if draw(st.booleans()) and np.all(minimum[1:] > 0):
        either += (Either("web and calls", (1, 2), at_most=2, at_least=draw(st.integers(1, 2))),)
    return draw(st.integers(0, 14)), caps, minimum, step, either, draw(st.booleans())


@given(choices(), st.lists(st.integers(-3, 5), min_size=3, max_size=3))
@settings(max_examples=60, deadline=None)
def test_the_best_allocation_equals_enumeration(case, worth):
    total, caps, minimum, step, either, at_most = case
    levers = limited(NAMES, np.full(3, total / 3), totals=total)
    problem = region(replace(levers, upper=caps), Choices(minimum, step, either), total_at_most=at_most)
    cost = np.zeros(len(problem.costs))
    cost[:3] = worth
    found = solve(replace(problem, costs=cost, maximise=True))
    fits = [
        float(np.dot(worth, x))
        for x in product(range(9), repeat=3)
        if allowed(x, total, caps, minimum, step, either, at_most=at_most)
    ]
    if not fits:
        assert found.status == "infeasible"
        names = clash(problem)
        assert names
        assert set(names) <= set(problem.row_names)
        return
    assert found.objective == pytest.approx(max(fits))
    assert clash(problem) == ()


def test_only_whole_numbers_clash_and_are_named():
    levers = limited(NAMES, [2.0, 2.0, 3.0])
    problem = region(levers, Choices(minimum=[4.0, 4.0, 4.0]))  # 7 is one of them and not two
    capped = region(limited(NAMES, [2.0, 2.0, 3.0], caps=[7.0, 7.0, 7.0]), Choices(minimum=4.0, step=2.0))
    assert clash(problem) == ()
    assert set(clash(capped)) == {"total of budget"} | {f"step of {name}" for name in NAMES}


def test_either_or_and_caps_clash_by_name():
    problem = region(
        limited(NAMES, [5.0, 5.0, 5.0], caps=[6.0, 6.0, 6.0]), Choices(either=(Either("one of them", (0, 1, 2)),))
    )
    found = clash(problem)
    assert {"total of budget", "either of one of them"} <= set(found)
    loosened = region(
        limited(NAMES, [5.0, 5.0, 5.0], caps=[6.0, 6.0, 6.0]), Choices(either=(Either("all", (0, 1, 2), at_most=3),))
    )
    assert clash(loosened) == ()


def test_a_region_without_choices_is_the_levers():
    levers = limited(NAMES, [1.0, 2.0, 3.0], floors=[0.5, 0.0, 0.0])
    problem = region(levers)
    assert problem.shape[1] == 3
    assert not problem.integer.any()
    result = most_probable(problem, np.eye(3), [[1.0, 1.0, 4.0], [9.0, 0.0, 0.0]])
    assert result.probability == 0.5
    assert levers.violation(result.x) <= 1e-7


def test_an_infeasible_region_names_its_clash():
    problem = region(limited(NAMES, [2.0, 2.0, 3.0]), Choices(step=2.0))
    result = most_probable(problem, np.eye(3, len(problem.costs)), np.ones((4, 3)))
    assert (result.status, result.termination, result.x) == ("infeasible", "infeasible", None)
    assert "total of budget" in result.clash


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (Choices(minimum=-1.0), "minimum of amounts must be finite"),
        (Choices(step=np.inf), "step of amounts must be finite"),
        (Choices(either=(Either("a", (0, 3)),)), "there are 0 to 2"),
        (Choices(either=(Either("a", (0, 1), at_most=0, at_least=1),)), "which is none"),
        (Choices(either=(Either("a", (0, 1), at_least=1),)), "needs a minimum above 0"),
    ],
)
def test_choices_that_make_no_sense_are_refused(made, says):
    with pytest.raises(ValueError, match=says):
        region(limited(NAMES, [1.0, 2.0, 3.0]), made)
