"""Levers: limits, totals, projections and rounding, as properties over random limits; clashes by name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from solvers.levers import ClashingLimits, Levers, limited, project, proportional, round_to_step


@st.composite
def levers(draw: st.DrawFn, *, whole: bool = True) -> Levers:
    v = draw(st.integers(2, 9))
    groups = np.array([draw(st.integers(0, 2)) for _ in range(v)])
    _, groups = np.unique(groups, return_inverse=True)
    reference = np.array([float(draw(st.integers(0, 500))) for _ in range(v)])
    assume(np.all(np.bincount(groups, weights=reference) > 0))
    floors = reference * np.array([draw(st.floats(0, 0.9)) for _ in range(v)])
    caps = reference * np.array([draw(st.floats(1.1, 4)) for _ in range(v)]) + draw(st.integers(0, 30))
    scale = draw(st.floats(0.95, 1.05))
    totals = np.rint(np.bincount(groups, weights=reference) * scale)
    step = draw(st.sampled_from([1.0, 7.0, 10.0, 50.0]))
    try:
        return limited(
            tuple(f"v{i}" for i in range(v)),
            reference,
            totals=totals,
            group=groups,
            floors=floors,
            caps=caps,
            step=step,
            unit=1.0 if whole else 0.0,
        )
    except ClashingLimits:
        assume(False)
        raise


@given(levers())
@settings(max_examples=150, deadline=None)
def test_the_proportional_split_keeps_limits_and_shares(made):
    x = proportional(made)
    assert made.violation(x) <= 1e-12
    free = (x > made.lower + 1e-9) & (x < made.upper - 1e-9) & (made.reference > 0)
    for g in range(len(made.totals)):
        ratio = (x / np.where(made.reference > 0, made.reference, 1.0))[free & (made.group == g)]
        assert np.ptp(ratio) <= 1e-9 * np.max(ratio) if len(ratio) else True


@given(levers(whole=False), st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_the_projection_is_the_nearest_point(made, seed):
    at = np.random.default_rng(seed).normal(200, 150, len(made.reference))
    x = project(made, at)
    assert made.violation(x) <= 1e-12
    # optimality (KKT): within a group, moved by the same amount unless held by a limit
    shift = x - at
    for g in range(len(made.totals)):
        i = made.members(g)
        free = (x[i] > made.lower[i] + 1e-7) & (x[i] < made.upper[i] - 1e-7)
        if not free.any():
            continue
        common = shift[i][free][0]
        assert shift[i][free] == pytest.approx(common, abs=1e-6)
        assert np.all(shift[i][x[i] >= made.upper[i] - 1e-7] <= common + 1e-6)
        assert np.all(shift[i][x[i] <= made.lower[i] + 1e-7] >= common - 1e-6)


@given(levers(), st.integers(0, 1000))
@settings(max_examples=200, deadline=None)
def test_rounding_keeps_every_limit_and_the_totals_to_the_unit(made, seed):
    x = project(made, np.random.default_rng(seed).uniform(0, 600, len(made.reference)))
    rounded = round_to_step(made, x)
    assert np.all(rounded >= made.lower - 1e-9)
    assert np.all(rounded <= made.upper + 1e-9)
    sums = np.bincount(made.group, weights=rounded)
    assert sums == pytest.approx(made.totals, abs=1e-9)


@given(st.integers(0, 10_000), st.sampled_from([5.0, 10.0]))
@settings(max_examples=60, deadline=None)
def test_with_room_all_is_on_the_grid_and_within_a_step(seed, step):
    rng = np.random.default_rng(seed)
    made = limited(tuple("abcdef"), np.full(6, 100.0), step=step, unit=1.0)
    x = project(made, rng.uniform(0, 200, 6))
    rounded = round_to_step(made, x)
    assert np.array_equal(rounded, np.rint(rounded / step) * step)
    assert np.sum(rounded) == 600.0
    if np.all((x > step) & (x < 600 - step)):
        assert np.all(np.abs(rounded - x) < step)
    assert np.array_equal(rounded, round_to_step(made, rounded))


def test_a_total_that_is_not_whole_steps_leaves_one_variable_off_the_grid():
    made = limited(tuple("abc"), [100.0, 100.0, 105.0], step=10.0, unit=1.0)
    rounded = round_to_step(made, np.array([98.0, 101.0, 106.0]))
    assert np.sum(rounded) == 305.0
    assert np.count_nonzero(rounded % 10) == 1


def test_rounding_by_hand():
    made = limited(tuple("abcd"), [25.0, 25.0, 25.0, 25.0], step=10.0, caps=[30, 30, 99, 99], unit=1.0)
    # remainders .4 .4 .6 .6 of steps: floors are 20 20 20 20, two steps missing go to c and d
    assert round_to_step(made, np.array([24.0, 24.0, 26.0, 26.0])).tolist() == [20, 20, 30, 30]
    # equal remainders: the first come first
    assert round_to_step(made, np.array([25.0, 25.0, 25.0, 25.0])).tolist() == [30, 30, 20, 20]


def test_change_is_relative_to_the_reference_or_to_the_mean_where_it_is_nothing():
    made = limited(tuple("abc"), [60.0, 30.0, 0.0], change_at_most=0.5)
    assert made.lower.tolist() == [30, 15, 0]
    assert made.upper.tolist() == [90, 45, 15]


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        ({"totals": 40, "floors": [20, 0, 0], "caps": [np.inf, 5, 5]}, None),
        ({"floors": [20, 20, 0], "totals": 30}, {"total of budget", "floor of a", "floor of b", "not_negative of c"}),
        ({"caps": [5, 5, 5], "totals": 30}, {"total of budget", "cap of a", "cap of b", "cap of c"}),
        ({"floors": [16, 0, 0], "change_at_most": 0.5}, {"floor of a", "change_at_most of a"}),
        ({"change_at_most": 0.1, "totals": 40}, {f"change_at_most of {n}" for n in "abc"} | {"total of budget"}),
        ({"totals": -5}, {"total of budget", *(f"not_negative of {n}" for n in "abc")}),
    ],
)
def test_clashing_limits_are_named(limits, named):
    def make() -> Levers:
        return limited(("a", "b", "c"), [10.0, 10.0, 10.0], **limits)

    if named is None:
        assert make().violation(proportional(make())) == 0
        return
    with pytest.raises(ClashingLimits) as refused:
        make()
    found = {str(limit) for limit in refused.value.limits}
    # floors imply that amounts are not negative: either may stand for a variable without a floor
    assert {name.replace("not_negative", "floor") for name in found} == {
        n.replace("not_negative", "floor") for n in named
    }
    assert "cannot hold together" in str(refused.value)


def test_what_cannot_move_says_so():
    assert limited(("a", "b"), [1.0, 2.0]).movable
    assert not limited(("a", "b"), [1.0, 2.0], change_at_most=0.0).movable
    assert not limited(("a", "b"), [1.0, 2.0], group=[0, 1]).movable


@pytest.mark.parametrize("reference", [[np.nan, 1.0], [-1.0, 1.0], [1.0]])
def test_references_that_are_no_amounts_are_refused(reference):
    with pytest.raises(ValueError, match=r"levers"):
        limited(("a", "b"), reference)


def test_projection_against_a_general_optimiser():
    made = limited(tuple("abcd"), [10.0, 20.0, 30.0, 40.0], floors=5.0, caps=45.0)
    at = np.array([-10.0, 60.0, 30.0, 50.0])
    found = minimize(
        lambda x: np.sum((x - at) ** 2),
        made.reference,
        bounds=list(zip(made.lower, made.upper, strict=True)),
        constraints={"type": "eq", "fun": lambda x: np.sum(x) - 100.0},
        method="SLSQP",
        options={"ftol": 1e-14},
    )
    assert project(made, at) == pytest.approx(found.x, abs=1e-4)


def test_what_binds_is_named() -> None:
    levers = limited(
        ("a", "b", "c", "d", "e"),
        [10.0, 10.0, 10.0, 10.0, 10.0],
        floors=[0.0, 8.0, 0.0, 0.0, 10.0],
        caps=[np.inf, np.inf, 12.0, np.inf, 10.0],
        change_at_most=0.5,
    )
    assert levers.binding(np.array([15.0, 8.0, 12.0, 5.0, 10.0])) == (
        "change_at_most",
        "floor",
        "cap",
        "change_at_most",
        "held",
    )
    assert levers.binding(np.array([10.0, 10.0, 10.0, 10.0, 10.0]))[:4] == ("", "", "", "")
    free = limited(("a", "b"), [10.0, 10.0])
    assert free.binding(np.array([20.0, 0.0])) == ("total", "not_negative")
