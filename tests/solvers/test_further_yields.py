"""What one lead more is worth, against exact slopes of compound Poisson sums; and slopes that are measured."""

from __future__ import annotations

import numpy as np
import pytest

from solvers.objective import all_of, look, weighted
from solvers.paths import PathTable, without_slopes
from solvers.selection import compare, compare_means
from solvers.surrogate import further_yields, unit_yields

PATHS, LEADS, MEAN, SQUARE, OFFSET = 200_000, 6.0, 1.0, 2.0, 5.0  # deals are exponential: E y = 1, E y^2 = 2


def compound(shocked: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a Poisson number of exponential deals brought on each path, and the shock that scales their number."""
    rng = np.random.default_rng(7)
    shock = rng.gamma(4.0, 0.25, PATHS) if shocked else np.ones(PATHS)  # mean 1, variance 1/4
    number = rng.poisson(LEADS * shock)
    return np.where(number > 0, rng.gamma(np.maximum(number, 1)), 0.0), shock, number


@pytest.mark.parametrize("shocked", [False, True])
def test_the_slope_of_a_square_is_exact(shocked: bool) -> None:
    """E (B - c)^2 has the slope E[y^2] E z + 2 E[z (L z E y - c)] E y in L leads, z the shock of mean 1.

    Four standard errors of the mean over paths: a false alarm in 6e-5 of seeds. What units brought alone is off by a
    whole E[y^2] E z.
    """
    brought, shock, _ = compound(shocked)
    spread = 0.25 if shocked else 0.0
    exact = SQUARE + 2.0 * MEAN * (LEADS * MEAN * (1.0 + spread) - OFFSET)
    own = unit_yields(brought[:, None, None], np.array([LEADS]), np.zeros(1, dtype=np.int64))
    further = further_yields(own, shock[:, None])
    for yields, expected in ((further, exact), (own, exact + SQUARE)):
        slopes = 2.0 * (brought - OFFSET) * yields[:, 0, 0]
        assert abs(slopes.mean() - expected) < 4.0 * slopes.std() / PATHS**0.5
    assert SQUARE > 8.0 * slopes.std() / PATHS**0.5  # the two can be told apart


def test_without_shocks_half_is_the_mean() -> None:
    own = np.random.default_rng(1).gamma(1.0, size=(64, 2, 3))
    halves = 0.5 * own + 0.5 * own.mean(axis=0)
    assert np.allclose(further_yields(own, np.zeros((64, 0))), halves)
    assert np.allclose(further_yields(own, np.ones((64, 2))), halves)  # a shock that never varies is none
    twice = np.repeat(np.random.default_rng(2).standard_normal((64, 1)), 2, axis=1)
    assert np.allclose(further_yields(own, twice), further_yields(own, twice[:, :1]), atol=1e-6)


def jumps(x: np.ndarray, first: int, n: int, phase: int) -> np.ndarray:
    """Each path: one deal of worth 1 where its luck is below the allocation; yields say nothing about it."""
    luck = np.random.default_rng([3, phase]).random((first + n, len(x)))[first:]
    return np.stack([(luck < x).sum(axis=1) - 0.5, (luck[:, 0] < x[0]) - 0.5], axis=1)


def test_measured_slopes_are_differences_where_deals_are_few() -> None:
    x, steps, widths = np.array([0.4, 0.2]), np.array([0.1, 0.05]), np.array([0.01, 0.01])
    paths, objective = without_slopes(jumps), weighted([1.0, 2.0])
    seen = look(paths, [x], objective, widths, 0, 3000, 1, steps=steps)
    for v in range(2):
        raised = x + steps * (np.arange(2) == v)
        there = look(paths, [raised], objective, widths, 0, 3000, 1)
        assert seen.slopes[0][v] == pytest.approx((there.values[0] - seen.values[0]) / steps[v], abs=1e-12)
    assert np.array_equal(look(paths, [x], objective, widths, 0, 3000, 1).slopes, np.zeros((1, 2)))
    # P(at least one of two) rises by 1 - x of the other: a check on what is measured, four standard errors.
    one = look(paths, [x], all_of(2), np.array([0.01]), 0, 100_000, 2, steps=steps)
    assert abs(one.slopes[0][0] - 1.0) < 4.0 * (0.1 * 0.9 / 100_000) ** 0.5 / 0.1


def test_means_are_chosen_as_counts_are() -> None:
    hits = np.random.default_rng(5).random((4000, 3)) < np.array([0.5, 0.6, 0.55])
    exact, normal = compare(hits), compare_means(hits.astype(np.float64))
    assert normal.best == exact.best == 1
    assert normal.probabilities == exact.probabilities
    for a, b in zip(exact.against, normal.against, strict=True):
        assert (a.other, a.only_best, a.only_other) == (b.other, b.only_best, b.only_other)
        assert abs(a.interval.low - b.interval.low) < 0.02
    with pytest.raises(ValueError, match="two paths"):
        compare_means(np.ones((1, 2)))


def test_a_table_without_slopes_has_none() -> None:
    table = without_slopes(jumps)(np.array([0.5, 0.5]), 0, 16, 1)
    assert isinstance(table, PathTable)
    assert not table.yields.any()
