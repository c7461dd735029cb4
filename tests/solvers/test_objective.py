"""The objective over sample paths: k of m by counting, slopes by differences, sums that no thread moves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import check_grad

from solvers.objective import Event, Objective, all_of, at_least, look, outcomes, weighted
from solvers.paths import LinearPaths, PathTable, Streaming, streamed, with_slopes

GOALS, CELLS = 4, 6


def linear(most_held: int = 10**9) -> LinearPaths:
    def worths(first: int, n: int, phase: int) -> tuple[np.ndarray, np.ndarray]:
        blocks = [np.random.default_rng([phase, b]) for b in range((first + n) // 1024 + 1)]
        yields = np.concatenate([rng.gamma(2.0, 0.5, (1024, GOALS, CELLS)) for rng in blocks])[first : first + n]
        return np.full((n, GOALS), -3.0) - 0.2 * np.arange(GOALS), yields

    return LinearPaths(worths, most_held)


X = np.array([0.5, 0.7, 0.2, 0.9, 0.4, 0.6])


@given(st.integers(1, GOALS), st.integers(0, 1000))
def test_at_least_k_goals_is_what_counting_says(needed: int, seed: int) -> None:
    margins = np.random.default_rng(seed).integers(-2, 3, (50, GOALS)).astype(np.float64)
    counted = np.count_nonzero(margins >= 0, axis=1) >= needed
    objective = at_least(needed, GOALS)
    assert np.array_equal(objective.attained(margins)[:, 0], counted)
    values, goals = objective.event_margins(margins)
    assert np.array_equal(values[:, 0], np.sort(margins, axis=1)[:, GOALS - needed])
    assert np.array_equal(margins[np.arange(50), goals[:, 0]], values[:, 0])


def test_weighted_goals_add_up() -> None:
    margins = np.array([[1.0, -1.0], [1.0, 1.0], [-1.0, -1.0], [-1.0, 1.0]])
    objective = weighted([2.0, 3.0])
    assert (objective.attained(margins) @ objective.weights).tolist() == [2.0, 5.0, 0.0, 3.0]
    assert objective.most == 5.0
    assert len(weighted([0.0, 1.0]).events) == 1


@pytest.mark.parametrize(
    "objective",
    [all_of(GOALS), at_least(2, GOALS), weighted([1, 2, 0, 4]), Objective((Event((0, 2), 1, 2.0), Event((1, 3), 2)))],
)
def test_the_slope_is_the_derivative_of_the_smoothed_value(objective: Objective) -> None:
    paths, widths = linear(), np.full(len(objective.events), 0.3)

    def value(x: np.ndarray) -> float:
        return float(look(paths, [x], objective, widths, 0, 1500, 1).values[0])

    def slope(x: np.ndarray) -> np.ndarray:
        return look(paths, [x], objective, widths, 0, 1500, 1).slopes[0]

    assert check_grad(value, slope, X) < 1e-6


def test_a_look_says_what_the_paths_say() -> None:
    paths, objective = linear(), at_least(3, GOALS)
    other = X[::-1].copy()
    seen = look(paths, [X, other], objective, np.array([0.2]), 100, 3000, 2)
    tables = [paths(x, 100, 3000, 2) for x in (X, other)]
    margins = [objective.event_margins(table.margins)[0][:, 0] for table in tables]
    smooth = [1 / (1 + np.exp(-m / 0.2)) for m in margins]
    assert seen.attained == pytest.approx([np.mean(m >= 0) for m in margins])
    assert seen.values == pytest.approx([np.mean(s) for s in smooth])
    assert seen.means[:, 0] == pytest.approx([np.mean(m) for m in margins])
    assert seen.spreads[:, 0] == pytest.approx([np.std(m) for m in margins])
    assert seen.errors == pytest.approx([0.0, np.std(smooth[1] - smooth[0]) / np.sqrt(3000)])
    hits = outcomes(paths, [X, other], objective, 100, 3000, 2)
    assert hits.shape == (3000, 2, 1)
    assert np.mean(hits, axis=0)[:, 0] == pytest.approx(seen.attained)


def test_no_bit_depends_on_workers_call_sizes_or_what_is_held() -> None:
    ways = [(Streaming(), 10**9), (Streaming(workers=3), 10**9), (Streaming(4096), 10**9), (Streaming(2048, 2), 50_000)]
    seen = [look(linear(held), [X, 0.9 * X], all_of(GOALS), np.array([0.2]), 0, 9_000, 1, how) for how, held in ways]
    for other in seen[1:]:
        assert np.array_equal(seen[0].slopes, other.slopes)
        assert np.array_equal(seen[0].values, other.values)
        assert np.array_equal(seen[0].errors, other.errors)


def test_linear_paths_keep_no_more_than_they_may() -> None:
    made: list[int] = []

    def worths(first: int, n: int, phase: int) -> tuple[np.ndarray, np.ndarray]:
        made.append(first)
        return np.zeros((n, 1)), np.ones((n, 1, 3))

    paths = LinearPaths(worths, most_held=2 * 4 * 1024)
    for first in (0, 0, 1024, 0, 2048, 0, 1024):
        paths(np.ones(3), first, 1024, 1)
    assert made == [0, 1024, 2048, 1024]  # the block used longest ago goes


def test_measured_slopes_are_exact_for_straight_lines() -> None:
    paths = linear()
    measured = with_slopes(lambda x, first, n, phase: paths(x, first, n, phase).margins, np.full(CELLS, 0.1))
    here, there = paths(X, 0, 100, 1), measured(X, 0, 100, 1)
    assert np.array_equal(here.margins, there.margins)
    assert there.yields == pytest.approx(here.yields, abs=1e-9)


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(ValueError, match="whole blocks"):
        Streaming(per_call=1000)
    with pytest.raises(ValueError, match="whole blocks"):
        Streaming(workers=0)
    with pytest.raises(ValueError, match="at least one sample path"):
        list(streamed(lambda first, n: [n], 0, 0, Streaming()))
    with pytest.raises(ValueError, match="an event needs"):
        Event((0, 1), 3)
    with pytest.raises(ValueError, match="at least one event"):
        Objective(())
    short = PathTable(np.zeros((5, 1)), np.zeros((5, 1, 2)))
    with pytest.raises(ValueError, match="returned 5"):
        look(lambda *_: short, [np.ones(2)], all_of(1), np.ones(1), 0, 6, 1)
    with pytest.raises(ValueError, match="yields for 2"):
        look(lambda *_: short, [np.ones(3)], all_of(1), np.ones(1), 0, 5, 1)
