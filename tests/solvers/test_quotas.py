"""Quotas against closed forms (exponential and normal bookings), enumeration and the mixed-integer programme."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from solvers.levers import ClashingLimits, limited
from solvers.programme import solve
from solvers.quotas import (
    allocate_quotas,
    contributions_at,
    even_cells,
    even_level,
    quota_odds,
    quotas_programme,
    sample_quantiles,
    split_quotas,
)


def test_exponential_bookings_share_the_goal_by_their_means():
    """P(X_i >= q) = exp(-q / m_i): even odds mean quotas q_i = Q m_i / sum m, and odds exp(-Q / sum m)."""
    means = np.array([10.0, 20.0, 70.0])
    levers = limited(tuple("abc"), np.zeros(3), totals=80.0)
    level, quotas = even_level(lambda p: -means * np.log(p), levers, (1e-12, 1.0))
    assert quotas == pytest.approx(80.0 * means / 100.0, rel=1e-9)
    assert level == pytest.approx(np.exp(-0.8), rel=1e-9)


def test_normal_bookings_share_what_is_over_the_means_by_their_sds():
    """q_i = m_i + z s_i with z = (Q - sum m) / sum s, and odds Phi(-z)."""
    mean, sd = np.array([50.0, 80.0, 30.0]), np.array([10.0, 40.0, 5.0])
    levers = limited(tuple("abc"), np.zeros(3), totals=170.0)
    level, quotas = even_level(lambda p: mean + sd * norm.isf(p), levers, (1e-9, 1 - 1e-9))
    z = (170.0 - 160.0) / 55.0
    assert quotas == pytest.approx(mean + z * sd, rel=1e-8)
    assert level == pytest.approx(norm.sf(z), rel=1e-8)


def test_sampled_exponentials_come_near_the_closed_form():
    """20,000 paths: the level within 5 standard errors (odds of a false alarm below 1e-6) of exp(-Q / sum m)."""
    means = np.array([1e6, 2e6, 7e6])
    paths = np.rint(np.random.default_rng(1).exponential(means, (20_000, 3)))
    found = allocate_quotas(paths, 8e6)
    assert found.level == pytest.approx(np.exp(-0.8), abs=5 * np.sqrt(0.25 / 20_000))
    assert found.quotas == pytest.approx(8e6 * means / 1e7, rel=0.05)
    assert np.sum(found.quotas) == 8e6
    assert found.spread[1] - found.spread[0] <= 2 / 20_000


@given(st.integers(0, 10_000), st.integers(2, 6), st.floats(0.3, 1.6))
@settings(max_examples=40)
def test_the_smallest_odds_equal_enumeration(seed, paths, hardness):
    """Two reps: only quotas at some path's bookings (of either), or at a limit, need be tried."""
    rng = np.random.default_rng(seed)
    bookings = rng.integers(0, 60, (paths, 2)).astype(float)
    reference = np.array([40.0, 60.0])
    total = float(np.rint(hardness * 50)) + 20
    try:
        found = allocate_quotas(bookings, total, reference=reference, change_at_most=0.6)
    except ClashingLimits:
        assert total < 16 + 24 or total > 64 + 96
        return
    low, high = np.array([16.0, 24.0]), np.array([64.0, 96.0])
    tried = np.r_[bookings[:, 0], total - bookings[:, 1], low[0], high[0], total - low[1], total - high[1]]
    odds = [
        np.min(quota_odds(bookings, np.array([q, total - q])))
        for q in tried
        if low[0] <= q <= high[0] and low[1] <= total - q <= high[1]
    ]
    assert found.spread[0] == pytest.approx(max(odds))
    assert np.all(found.quotas >= low)
    assert np.all(found.quotas <= high)
    assert np.sum(found.quotas) == total


@pytest.mark.parametrize("seed", range(4))
def test_the_smallest_odds_equal_the_mixed_integer_programme(seed):
    rng = np.random.default_rng(seed)
    bookings = rng.integers(0, 100, (12, 3)).astype(float)
    total = 130.0
    found = allocate_quotas(bookings, total, caps=80.0)
    exact = solve(quotas_programme(bookings, total, np.zeros(3), np.full(3, 80.0)))
    assert exact.status == "optimal"
    assert found.spread[0] == pytest.approx(exact.objective, abs=1e-6)


def test_all_integer_quotas_of_three_reps_by_brute_force():
    bookings = np.array([[3, 9, 4], [7, 2, 8], [5, 5, 1], [1, 8, 6], [9, 4, 3]], dtype=float)
    for total in (6.0, 12.0, 15.0, 18.0, 21.0):
        best = max(
            np.min(quota_odds(bookings, np.array([a, b, total - a - b])))
            for a, b in product(range(int(total) + 1), repeat=2)
            if a + b <= total
        )
        assert allocate_quotas(bookings, total).spread[0] == pytest.approx(best)


def test_reps_at_their_limits_leave_the_rest_even():
    paths = np.random.default_rng(3).exponential([10.0, 10.0, 10.0], (4000, 3)) * 1e5
    found = allocate_quotas(paths, 1.9e6, reference=[1.5e6, 3e5, 3e5], change_at_most=0.2)
    assert found.quotas[0] == 1.2e6  # still too much for it, but as low as it may go
    assert found.quotas[1:] == pytest.approx([3.5e5, 3.5e5], rel=0.03)
    assert found.odds[0] < found.odds[1]
    assert found.odds_before is not None
    assert found.spread_before[0] < found.spread[0]


def test_the_total_is_the_least_that_is_allowed():
    paths = np.random.default_rng(3).exponential(1e6, (500, 4))
    assert allocate_quotas(paths, 3e6, over_assignment=(1.0, 1.15)).total == 3e6
    forced = allocate_quotas(paths, 3e6, over_assignment=(1.0, 1.15), floors=8e5)
    assert forced.total == pytest.approx(3.2e6)
    assert forced.over_assignment == pytest.approx(3.2 / 3)
    with pytest.raises(ClashingLimits, match=r"total of quotas.*floor of rep 1"):
        allocate_quotas(paths, 3e6, over_assignment=(1.0, 1.15), floors=9e5)


def test_a_total_beyond_every_path_still_sums_and_odds_are_nothing():
    found = allocate_quotas(np.array([[1.0, 0.0], [2.0, 0.0]]), 100.0)
    assert np.sum(found.quotas) == 100.0
    assert (found.level, found.spread[0]) == (0.0, 0.0)


def test_an_easy_total_is_attained_by_all():
    found = allocate_quotas(np.array([[10.0, 20.0], [12.0, 40.0]]), 15.0)
    assert found.spread == (1.0, 1.0)
    assert np.sum(found.quotas) == 15.0


def test_quotas_come_in_whole_units():
    paths = np.random.default_rng(5).exponential(1e7, (300, 7))
    found = allocate_quotas(paths, 4.5e7, unit=1e5)
    assert np.array_equal(found.quotas % 1e5, np.zeros(7))
    assert found.total == 4.5e7


def test_sample_quantiles_hold_their_promise():
    bookings = np.random.default_rng(0).integers(0, 50, (11, 4)).astype(float)
    at = sample_quantiles(bookings)
    for k in range(1, 12):
        assert np.all(quota_odds(bookings, at(k / 11)) >= k / 11 - 1e-12)
    sums = [float(np.sum(at(p))) for p in np.linspace(-1, 2, 301)]
    assert np.all(np.diff(sums) <= 1e-9)
    assert sums[-1] == 0.0


@given(st.integers(0, 10_000))
def test_splits_sum_to_the_quotas_and_keep_the_proportions(seed):
    rng = np.random.default_rng(seed)
    quotas = rng.integers(0, 10**6, 4).astype(float)
    parts = rng.exponential(1.0, (4, 5)) * (rng.random((4, 5)) < 0.7)
    split = split_quotas(quotas, parts)
    assert np.array_equal(np.sum(split, axis=1), quotas)
    assert np.array_equal(split, np.rint(split))
    sums = np.sum(parts, axis=1, keepdims=True)
    exact = np.where(sums > 0, quotas[:, None] * parts / np.where(sums > 0, sums, 1), quotas[:, None] / 5)
    assert np.all(np.abs(split - exact) < 1)
    assert np.all(split[(parts == 0) & (sums > 0)] == 0)


def test_contributions_are_those_of_paths_that_just_make_the_quota():
    # one rep: its first cell is steady, its second brings everything above 10
    cells = np.zeros((1000, 1, 2))
    cells[:, 0, 0] = 10.0
    cells[:, 0, 1] = np.linspace(0, 100, 1000)
    near = contributions_at(cells, np.array([60.0]))
    assert near[0] == pytest.approx([10.0, 50.0], rel=0.01)
    assert contributions_at(cells, np.array([60.0]), share=1.0)[0] == pytest.approx([10.0, 50.0])
    assert contributions_at(cells, np.array([30.0]))[0] == pytest.approx([10.0, 20.0], rel=0.01)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"change_at_most": 0.2}, "reference quotas"),
        ({"over_assignment": (1.2, 1.0)}, "in order"),
        ({"bookings": np.array([1.0, 2.0])}, "paths, reps"),
        ({"bookings": np.array([[np.nan]])}, "finite"),
    ],
)
def test_quotas_that_cannot_be_asked_for_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        allocate_quotas(**({"bookings": np.ones((3, 2)), "goal": 2.0} | arguments))


def test_a_band_of_odds_keeps_quotas_as_near_as_it_allows():
    """Two reps, whole numbers: against every pair that sums to the total and whose odds lie within the band."""
    paths = np.rint(np.random.default_rng(3).gamma(4.0, [[10.0, 25.0]], (400, 2)))
    for band in (0.0, 0.1, 0.3, 0.8):
        for reference in ([60.0, 60.0], [20.0, 100.0]):
            found = allocate_quotas(paths, 120.0, reference=reference, band=band)
            pairs = [np.array([float(q), 120.0 - q]) for q in range(121)]
            odds = [quota_odds(paths, pair) for pair in pairs]
            apart = [abs(a - b) for a, b in odds]
            near = [abs(pair[0] - reference[0]) for pair, gap in zip(pairs, apart, strict=True) if gap <= band]
            assert found.quotas.sum() == 120.0
            # a whole number nearer or further off: odds are steps on paths, bands are looked at in 200ths
            assert abs(found.quotas[0] - reference[0]) <= min(near, default=np.inf) + 1.0
            assert found.spread[1] - found.spread[0] <= band + 0.03
    wide = allocate_quotas(paths, 120.0, reference=[60.0, 60.0], band=1.0)
    assert wide.quotas.tolist() == [60.0, 60.0]
    even = allocate_quotas(paths, 120.0, reference=[60.0, 60.0], band=0.0)
    assert even.quotas == pytest.approx(allocate_quotas(paths, 120.0, reference=[60.0, 60.0]).quotas, abs=1.0)


@given(st.integers(0, 10_000), st.floats(0.0, 0.6), st.floats(0.05, 1.0))
@settings(max_examples=30, deadline=None)
def test_a_band_holds_beside_other_limits(seed, band, change):
    """Whoever is at no limit of their own has odds within the band; limits and total hold."""
    rng = np.random.default_rng(seed)
    paths = np.rint(rng.gamma(3.0, rng.uniform(1e3, 9e3, 5), (500, 5)))
    reference = np.rint(rng.uniform(2e3, 2e4, 5))
    goal = float(reference.sum())
    found = allocate_quotas(paths, goal, reference=reference, change_at_most=change, band=band)
    assert found.quotas.sum() == goal
    assert np.all(np.abs(found.quotas - reference) <= change * reference + 1.0)
    free = np.abs(found.quotas - reference) < change * reference - 1.0
    if np.count_nonzero(free) > 1:
        assert np.ptp(found.odds[free]) <= band + 0.02


def test_a_band_needs_a_reference():
    with pytest.raises(ValueError, match="stay near to"):
        allocate_quotas(np.ones((10, 2)), 2.0, band=0.1)


# --- one quota over its cells ----------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 8), st.integers(20, 200), st.integers(0, 2**32 - 1))
def test_cells_sum_to_the_quota_and_stay_near_their_shares(cells: int, paths: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    bookings = np.rint(rng.gamma(rng.uniform(0.05, 5, cells), 50_000, (paths, cells))) * (rng.uniform(size=cells) < 0.8)
    quota, unit = float(rng.integers(1, 500)) * 1000.0, 100.0
    parts = even_cells(bookings, quota, bookings.mean(axis=0), unit=unit)
    assert parts.sum() == quota
    assert np.all(parts % unit == 0)
    total = bookings.mean(axis=0).sum()
    shares = quota * bookings.mean(axis=0) / total if total > 0 else np.full(cells, quota / cells)
    if np.count_nonzero(shares) > 1:
        assert np.all(np.abs(parts - shares) <= 0.25 * shares + 2 * unit)


def test_cells_odds_are_as_even_as_their_shares_allow() -> None:
    """Two cells that bring the same mean, one surely and one with luck: by shares alone odds are far apart."""
    rng = np.random.default_rng(3)
    bookings = np.column_stack([rng.normal(100_000, 5_000, 4000), rng.gamma(1.0, 100_000, 4000)])
    shares = even_cells(bookings, 180_000, bookings.mean(axis=0), allowed=0.0)
    assert shares == pytest.approx([90_000, 90_000], rel=0.03)
    parts = even_cells(bookings, 180_000, bookings.mean(axis=0), allowed=0.25)
    before, after = quota_odds(bookings, shares), quota_odds(bookings, parts)
    assert np.ptp(after) < np.ptp(before)
    tight = even_cells(bookings, 180_000, bookings.mean(axis=0), allowed=0.05)
    assert tight[1] == pytest.approx(0.95 * shares[1], rel=0.01)  # at its limit, odds still lower
    assert np.ptp(quota_odds(bookings, tight)) > np.ptp(after)
    free = even_cells(bookings, 180_000, bookings.mean(axis=0), allowed=1.0)
    assert np.ptp(quota_odds(bookings, free)) < 0.01


def test_one_cell_has_all_of_it_and_none_an_even_part() -> None:
    assert even_cells(np.ones((5, 1)), 70.0, np.ones(1)).tolist() == [70.0]
    assert even_cells(np.zeros((5, 2)), 70.0, np.zeros(2)).tolist() == [35.0, 35.0]
    with pytest.raises(ValueError, match="not negative"):
        even_cells(np.zeros((5, 2)), 70.0, np.array([1.0, -1.0]))
