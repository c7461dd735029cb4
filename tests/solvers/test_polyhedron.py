"""Trust-region steps equal an independent solver's, ties end alike, and points are repaired to the nearest inside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from solvers.levers import limited
from solvers.polyhedron import nearest, of_levers, polyhedron, step_within
from solvers.programme import programme, solve, unique


@given(st.integers(0, 10_000))
@settings(max_examples=25)
def test_a_step_is_the_optimum_of_its_linear_programme(seed: int) -> None:
    rng = np.random.default_rng(seed)
    unit = 10.0 ** rng.integers(-3, 8)  # of money
    share = rng.uniform(0, 1, 8)
    region = polyhedron(
        np.stack([np.ones(8), share]), [8 * unit, 2.5 * unit], [8 * unit, 5 * unit], upper=rng.uniform(1.5, 4, 8) * unit
    )
    x = nearest(region, np.full(8, unit))
    if x is None:
        return
    slope, scale, radius = rng.standard_normal(8) / unit, rng.uniform(0.5, 2, 8) * unit, 0.4
    y = step_within(region, x, slope, scale, radius)
    assert y is not None
    assert region.violation(y) <= 1e-7
    assert np.all(np.abs(y - x) <= radius * scale * (1 + 1e-9))
    low, high = np.maximum(region.lower, x - radius * scale), np.minimum(region.upper, x + radius * scale)
    oracle = linprog(
        -slope * unit,
        A_eq=np.ones((1, 8)),
        b_eq=[8],
        A_ub=np.stack([share, -share]),
        b_ub=[5, -2.5],
        bounds=list(zip(low / unit, high / unit, strict=True)),
    )
    assert slope @ y == pytest.approx(-oracle.fun, abs=1e-6)


def test_ties_move_as_little_as_they_can_and_later_cells_first_stay() -> None:
    region = polyhedron(np.ones((1, 4)), [4.0], [4.0], upper=4.0)
    x = np.ones(4)
    y = step_within(region, x, np.array([1.0, 0.0, 0.0, 0.0]), np.ones(4), 0.5)
    assert y == pytest.approx([1.5, 0.5, 1.0, 1.0])
    assert np.array_equal(step_within(region, x, np.zeros(4), np.ones(4), 0.5), x)
    same = step_within(region, x, np.ones(4), np.ones(4), 0.5)  # nothing to gain by moving
    assert same == pytest.approx(x)


def test_a_solution_is_called_unique_only_where_it_is() -> None:
    def square(costs: list[float], upper: float = 1.0) -> bool:
        problem = programme(costs, np.ones((1, 3)), [1.0], [1.0], upper=upper, maximise=True)
        return unique(problem, solve(problem))

    assert square([3.0, 2.0, 1.0])
    assert not square([3.0, 3.0, 1.0])
    assert not square([0.0, 0.0, 0.0])
    assert square([3.0, 2.0, 1.0], upper=0.6)


def test_the_region_of_levers_is_theirs() -> None:
    levers = limited(tuple("abcd"), [1e6, 2e6, 3e6, 0.0], group=[0, 0, 1, 1], floors=1e5, caps=2.5e6)
    region = of_levers(levers)
    for x in (np.array([1e6, 2e6, 2.5e6, 5e5]), np.array([1e6, 2e6, 2e6, 5e5]), np.array([5e5, 2.6e6, 2.5e6, 5e5])):
        assert (region.violation(x) <= 1e-9) == (levers.violation(x) <= 1e-9)


def test_points_outside_are_brought_to_the_nearest_inside() -> None:
    region = polyhedron(np.ones((1, 3)), [3.0], [3.0], upper=[2.0, 2.0, 2.0])
    assert nearest(region, np.array([1.0, 1.0, 1.0])) == pytest.approx([1, 1, 1])
    x = nearest(region, np.array([2.0, 2.0, 2.0]))
    assert x is not None
    assert region.violation(x) <= 1e-9
    assert np.sum(np.abs(x - 2.0)) == pytest.approx(3.0)
    assert nearest(polyhedron(np.ones((1, 2)), [3.0], [3.0], upper=1.0), np.ones(2)) is None
