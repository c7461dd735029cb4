"""Work in balance: by hand, against the definition on any instance, along curves, and what clashes with it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers.balance import Balance, deviations, inside, least_band, refuse_unbalanced, region_at
from solvers.levers import ClashingLimits, limited
from solvers.responses import identity


def straight(base: list[float], units: np.ndarray, hours: list[float], group: list[int], within: float) -> Balance:
    names = tuple("ABCDEFGH"[: len(base)])
    ones = lambda x: np.ones(len(x))  # noqa: E731
    return Balance(
        names, np.array(base, dtype=float), units, np.array(hours, dtype=float), np.array(group), within, identity, ones
    )


TWO = straight([40, 0], np.diag([100.0, 100.0]), [100, 100], [0, 0], 0.10)  # A has 40 hours of other work


def test_two_reps_who_share_leads_by_hand() -> None:
    """140 hours for two: 70 each, 77 at most. A has 40 of its own, so that A's share is at most 37%."""
    levers = limited(("A", "B"), [0.5, 0.5], totals=[1.0])
    half = np.array([0.5, 0.5])
    assert TWO.deviations(half) == pytest.approx([20 / 70, -20 / 70])
    assert TWO.violation(half) == pytest.approx(20 / 70 - 0.10)
    moved = inside(levers, TWO, half, inner=0.0)
    assert moved is not None
    assert moved == pytest.approx([0.37, 0.63])
    assert TWO.binding(moved) == ("above", "below")
    assert inside(levers, TWO, np.array([0.3, 0.7])) == pytest.approx([0.3, 0.7])  # within the band: it stays


def test_half_the_hours_are_half_the_work() -> None:
    """Who has half the hours is level with half the work; who has none, or is not comparable, is not looked at."""
    assert deviations(np.array([100.0, 50.0]), np.array([80.0, 40.0]), np.array([0, 0])) == pytest.approx([0.0, 0.0])
    off = deviations(np.array([100.0, 50.0, 9.0, 7.0]), np.array([80.0, 80.0, 0.0, 80.0]), np.array([0, 0, 0, 1]))
    assert off == pytest.approx([1 / 3, -1 / 3, 0.0, 0.0])


def test_limits_that_leave_no_room_are_named() -> None:
    """A's share may fall to 45% only, and 37% are needed."""
    levers = limited(("share of A", "share of B"), [0.5, 0.5], totals=[1.0], change_at_most=0.1)
    half = np.array([0.5, 0.5])
    assert inside(levers, TWO, half) is None
    band, at = least_band(levers, TWO, half)
    assert at == pytest.approx([0.45, 0.55])
    assert band == pytest.approx(15 / 70)
    with pytest.raises(ClashingLimits) as clash:
        refuse_unbalanced(levers, TWO, at)
    named = {str(limit) for limit in clash.value.limits}
    assert any(name.startswith("territory of") for name in named)
    assert any(name.startswith("change_at_most of share of") for name in named)
    refuse_unbalanced(limited(("A", "B"), [0.5, 0.5], totals=[1.0]), TWO, np.array([0.37, 0.63]))  # there is room


def curved(within: float) -> Balance:
    """Two reps in regions of their own, leads by the square root of spend: work 20 sqrt(x)."""
    root = lambda x: np.sqrt(np.maximum(x, 1e-12))  # noqa: E731
    slope = lambda x: 0.5 / np.sqrt(np.maximum(x, 1e-12))  # noqa: E731
    zero, units = np.zeros(2), np.diag([20.0, 20.0])
    return Balance(("A", "B"), zero, units, np.full(2, 100.0), np.zeros(2, dtype=np.int64), within, root, slope)


def test_along_a_curve_the_true_work_is_in_the_band() -> None:
    """sqrt(a) / sqrt(b) may be 1.2 / 0.8 at most, so that a is at most 9/13 of the money."""
    levers, balance = limited(("A", "B"), [90.0, 10.0], totals=[100.0]), curved(0.2)
    moved = inside(levers, balance, np.array([90.0, 10.0]))
    assert moved is not None
    assert balance.violation(moved) == 0.0
    assert moved[0] == pytest.approx(100 * 9 / 13, rel=2e-3)
    assert levers.violation(moved) <= 1e-9


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 5),
    st.integers(1, 4),
    st.floats(0.05, 0.6),
    st.integers(0, 2**32 - 1),
)
def test_what_is_moved_inside_is_inside_and_what_cannot_be_is_refused(
    reps: int, cells: int, within: float, seed: int
) -> None:
    """Shares of cells over reps, random other work and hours: the answer holds every limit as it is defined."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(cells), reps)
    units = np.zeros((reps, reps * cells))
    for v in range(reps * cells):
        units[v % reps, v] = rng.uniform(50, 200)
    shares = rng.dirichlet(np.ones(reps), cells).ravel()
    names = tuple(f"{v % reps} of {v // reps}" for v in range(reps * cells))
    levers = limited(names, shares, totals=np.ones(cells), group=group)
    balance = straight(
        rng.uniform(0, 60, reps).tolist(), units, rng.uniform(50, 150, reps).tolist(), [0] * reps, within
    )
    found = inside(levers, balance, shares)
    if found is None:
        with pytest.raises(ClashingLimits):
            refuse_unbalanced(levers, balance, least_band(levers, balance, shares)[1])
        return
    work = balance.base + units @ found
    load, mean = work / balance.hours, work.sum() / balance.hours.sum()
    assert np.all(np.abs(load / mean - 1.0) <= within + 1e-9)
    assert levers.violation(found) <= 1e-8
    assert region_at(levers, balance, found, inner=0.0).violation(found) <= 1e-7
