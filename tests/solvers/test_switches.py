"""Which variables are spent on: patterns against enumeration, and what is left of the levers in each."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import solvers.switches as switches
from solvers.levers import ClashingLimits, limited, project
from solvers.limits import Choices, Either, broken, held, possible, refuse_clash, spent_on
from solvers.switches import allowed, nearest_pattern, patterns, ranked

V = 4
NAMES = tuple("abcd")


@st.composite
def cases(draw: st.DrawFn):
    """Levers and choices, some of which leave nothing."""
    whole = lambda low, high: np.array([float(draw(st.integers(low, high))) for _ in range(V)])  # noqa: E731
    levers = limited(NAMES, whole(1, 9), totals=12.0, caps=np.maximum(4.0, whole(2, 9)))
    minimum = whole(0, 5)
    either = (Either("one", (0, 1), at_most=1),) if draw(st.booleans()) else ()
    either += (Either("some", (1, 2, 3), at_most=2),) if draw(st.booleans()) else ()
    return levers, Choices(minimum, either=either)


def fits(levers, choices, x) -> bool:
    """The words of the limits, read straight."""
    on = x > 1e-9
    return bool(
        abs(x.sum() - 12.0) < 1e-9
        and np.all(x <= levers.upper + 1e-9)
        and np.all(~on | (x >= np.asarray(choices.minimum) - 1e-9))
        and all(on[list(one.members)].sum() <= one.at_most for one in choices.either)
    )


def grid():
    return [np.array(x, dtype=float) for x in product(range(10), repeat=V) if sum(x) == 12]


GRID = grid()


@given(cases())
@settings(max_examples=40, deadline=None)
def test_patterns_cover_all_that_is_allowed(case):
    levers, choices = case
    inside = [x for x in GRID if fits(levers, choices, x)]
    found = list(patterns(levers, choices))
    for x in inside:
        on = spent_on(levers, x)
        assert broken(levers, choices, x) == 0.0
        assert allowed(levers, choices, on)
        assert held(levers, choices, on).violation(x) <= 1e-12
    for on in found:
        left = held(levers, choices, on)
        assert possible(left)
        x = project(left, np.full(V, 3.0))
        assert fits(levers, choices, x)
        assert broken(levers, choices, x) <= 1e-12
    assert bool(found) >= bool(inside)
    if found:
        refuse_clash(levers, choices)
    else:
        with pytest.raises(ClashingLimits):
            refuse_clash(levers, choices)


@given(cases(), st.sampled_from(GRID))
@settings(max_examples=40, deadline=None)
def test_what_is_broken_is_measured(case, x):
    levers, choices = case
    assert (max(broken(levers, choices, x), levers.violation(x)) <= 1e-12) == fits(levers, choices, x)


@given(cases(), st.sampled_from(GRID))
@settings(max_examples=30, deadline=None)
def test_the_nearest_pattern_is_nearest(case, x):
    levers, choices = case
    near = nearest_pattern(levers, choices, x)
    everyone = list(patterns(levers, choices))
    if near is None:
        assert not everyone
        return
    inside = [y for y in GRID if fits(levers, choices, y)]
    best = min((float(np.abs(x - y).sum()) for y in inside), default=np.inf)
    held_levers = held(levers, choices, near)
    reached = min((float(np.abs(x - y).sum()) for y in inside if held_levers.violation(y) <= 1e-9), default=np.inf)
    assert reached <= best + 1e-6  # limits are whole numbers: so is a nearest allocation


@pytest.mark.parametrize("most_enumerated", [12, 0])
def test_the_best_pattern_is_found_by_enumeration_and_by_exchange(monkeypatch, most_enumerated):
    """A concave score over ten variables of which four may be on: the best four, whichever way they are found."""
    monkeypatch.setattr(switches, "MOST_ENUMERATED", most_enumerated)
    worth = np.random.default_rng(7).uniform(1, 9, 10)
    levers = limited(tuple(f"l{i}" for i in range(10)), np.full(10, 10.0))
    choices = Choices(5.0, either=(Either("four", tuple(range(10)), at_most=4),))
    points = {"equal": np.full(10, 10.0), "first": np.eye(10)[0] * 100.0}
    found = ranked(levers, choices, points, lambda x: float(np.sum(worth * np.sqrt(x))))
    assert set(np.flatnonzero(found[0].on).tolist()) == set(np.argsort(-worth)[:4].tolist())
    assert all(one.score >= other.score for one, other in pairwise(found))
    assert held(levers, choices, found[0].on).violation(found[0].x) <= 1e-12


def test_limits_that_clash_only_in_whole_numbers_are_named():
    """Two of three lines at 5 or more of a total of 4; and a floor on both of two lines of which one may be on."""
    levers = limited(("x", "y", "z"), [1.0, 1.0, 2.0])
    with pytest.raises(ClashingLimits) as refused:
        refuse_clash(levers, Choices(5.0, either=(Either("two", (0, 1, 2), 3, 2),)))
    assert {"total of budget", "either of two"} <= {str(limit) for limit in refused.value.limits}
    floors = limited(("x", "y", "z"), [1.0, 1.0, 2.0], floors=[1.0, 1.0, 0.0])
    with pytest.raises(ClashingLimits) as refused:
        refuse_clash(floors, Choices(0.0, either=(Either("one", (0, 1)),)))
    assert {str(limit) for limit in refused.value.limits} >= {"floor of x", "floor of y", "either of one"}
