"""Budgets over sample paths against Lagrange, enumeration, scipy and the normal distribution."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, linprog
from scipy.stats import norm

from solvers.budget import (
    JOINT_GAP,
    best_buffered,
    best_mean,
    least_shortfall,
    most_attained,
    most_jointly,
    starting_points,
)
from solvers.levers import limited
from solvers.paths import PathTable
from solvers.programme import WorkLimits
from solvers.responses import identity
from solvers.surrogate import Surrogate, surrogate
from tests.solvers.markets import NormalMarket


def linear_case(
    seed: int, paths: int, cells: int, goals: int = 1, *, total: float = 10.0, hard: float = 1.2
) -> Surrogate:
    """Straight-line responses, so that every programme is exact; margins of 0 are in reach on some paths."""
    rng = np.random.default_rng(seed)
    yields = rng.gamma(1.5, 1.0, (paths, goals, cells)) / total
    at = np.full(cells, total / cells)
    margins = np.einsum("sgv,v->sg", yields, at) - rng.uniform(hard, hard + 0.8, goals)
    levers = limited(tuple(f"c{i}" for i in range(cells)), at)
    return surrogate(levers, identity, at, PathTable(margins, yields))


def shortfalls(case: Surrogate, x: np.ndarray) -> np.ndarray:
    return -np.min(case.margins(x), axis=1)


def buffered(short: np.ndarray) -> float:
    """bPOE at 0 by its definition: the smallest of mean (a X + 1)+, convex in a, over its breakpoints and 0."""
    scales = np.concatenate([[0.0], -1.0 / short[short < 0]])
    return float(min(np.mean(np.maximum(0.0, a * short + 1.0)) for a in scales))


# --- the best mean ----------------------------------------------------------------------------------------------------


def test_two_concave_cells_split_as_lagrange_says():
    # max 2 sqrt(4 x) + 2 sqrt(y) at x + y = 100: marginal yields 2/sqrt(x) = 1/sqrt(y), so x = 80, y = 20
    levers = limited(("x", "y"), [50.0, 50.0])

    def response(x: np.ndarray) -> np.ndarray:
        return 2.0 * np.sqrt(np.maximum(x, 0.0))

    table = PathTable(np.zeros((1, 1)), np.array([[[2.0, 1.0]]]))
    found = best_mean(surrogate(levers, response, np.array([50.0, 50.0]), table), pieces=200)
    assert found.x == pytest.approx([80.0, 20.0], abs=0.6)
    exact = 4 * np.sqrt(80) + 2 * np.sqrt(20) - 6 * np.sqrt(50)
    assert found.value == pytest.approx(exact, abs=2e-3)


def test_a_newsvendor_like_split_of_capped_cells():
    # yields 3, 2, 1 per unit; caps 4, 4, 9 and floors 0, 0, 1 of a total of 7: fill by yield
    levers = limited(tuple("abc"), [3.0, 3.0, 1.0], floors=[0, 0, 1], caps=[4, 4, 9])
    table = PathTable(np.zeros((1, 1)), np.array([[[3.0, 2.0, 1.0]]]))
    assert best_mean(surrogate(levers, identity, levers.reference, table)).x == pytest.approx([4, 2, 1])


def test_cells_that_tie_stay_at_the_reference():
    levers = limited(tuple("abcd"), [1.0, 2.0, 3.0, 4.0])
    table = PathTable(np.zeros((3, 1)), np.ones((3, 1, 4)))
    found = best_mean(surrogate(levers, identity, levers.reference, table))
    assert found.x == pytest.approx([1, 2, 3, 4], abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_best_mean_equals_linprog(seed):
    case = linear_case(seed, 40, 5)
    found = best_mean(case)
    worth = np.mean(case.table.yields[:, 0], axis=0)
    scipy = linprog(-worth, A_eq=np.ones((1, 5)), b_eq=[10.0], bounds=(0, 10))
    assert found.value == pytest.approx(np.mean(case.table.margins) - worth @ case.at - scipy.fun, abs=1e-6)


# --- few scenarios: everything against enumeration --------------------------------------------------------------------


def breakpoints(case: Surrogate) -> np.ndarray:
    """Every share of the first of two cells at which some margin changes sign, two margins cross, or a limit is met."""
    line = [case.margins(np.array([t, 10.0 - t])) for t in (0.0, 10.0)]
    intercept, slope = line[0].ravel(), (line[1] - line[0]).ravel() / 10.0
    zero = -intercept / slope
    cross = [
        (intercept[j] - intercept[i]) / (slope[i] - slope[j])
        for i, j in combinations(range(len(slope)), 2)
        if slope[i] != slope[j]
    ]
    points = np.concatenate([[0.0, 10.0], zero, cross])
    return np.unique(points[(points >= 0) & (points <= 10)])


@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(1, 2))
@settings(max_examples=25)
def test_two_cells_and_up_to_twelve_paths_equal_enumeration(seed, paths, goals):
    case = linear_case(seed, paths, 2, goals)
    places = breakpoints(case)
    fine = np.concatenate([places, np.linspace(0, 10, 301)])
    tables = [case.margins(np.array([t, 10.0 - t])) for t in fine]

    counted = most_attained(case, limits=WorkLimits())
    best = max(float(np.mean(np.all(m >= -1e-9, axis=1))) for m in tables)
    assert counted.value == pytest.approx(best, abs=1e-9)
    assert np.mean(np.all(case.margins(counted.x) >= -1e-5, axis=1)) == pytest.approx(best)
    assert counted.solution.status == "optimal"

    short = least_shortfall(case)
    assert short.value == pytest.approx(min(float(np.mean(np.maximum(0, -m.min(axis=1)))) for m in tables), abs=1e-6)

    smallest = min(buffered(-m.min(axis=1)) for m in tables)
    found = best_buffered(case)
    if smallest > 1 - 1e-9:
        assert found.method == "shortfall"
    elif smallest < 1 - 1e-5:
        assert found.method == "bpoe"
        assert found.value <= smallest + 1e-6  # nothing on the grid is better,
        assert buffered(shortfalls(case, found.x)) == pytest.approx(found.value, abs=1e-6)  # and it is attained
        assert found.value >= np.mean(shortfalls(case, found.x) > 1e-6) - 1e-9  # buffered is never below plain


@pytest.mark.parametrize("seed", range(3))
def test_the_most_paths_attained_equals_trying_every_set_of_paths(seed):
    case = linear_case(seed, 7, 3)
    base = case.table.margins[:, 0] - case.table.yields[:, 0] @ case.at

    def attainable(rows: tuple[int, ...]) -> bool:
        a = -case.table.yields[list(rows), 0]
        return (
            linprog(
                np.zeros(3), A_ub=a, b_ub=base[list(rows)], A_eq=np.ones((1, 3)), b_eq=[10.0], bounds=(0, 10)
            ).status
            == 0
        )

    most = max(k for k in range(8) if k == 0 or any(attainable(rows) for rows in combinations(range(7), k)))
    assert most_attained(case).value == pytest.approx(most / 7)


# --- many scenarios ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "goals"), [(0, 1), (1, 3)])
def test_the_buffered_lp_equals_scipy_on_the_same_paths(seed, goals):
    case = linear_case(seed, 60, 4, goals, hard=0.3)
    found = best_buffered(case)
    assert found.method == "bpoe"
    s, g, v = case.table.yields.shape
    # an independent formulation, straight in (a x, a, z)
    base = case.table.margins - np.einsum("sgv,v->sg", case.table.yields, case.at)
    rows = np.hstack([-case.table.yields.reshape(s * g, v), -base.reshape(-1, 1), -np.repeat(np.eye(s), g, axis=0)])
    total = np.hstack([np.ones((1, v)), [[-10.0]], np.zeros((1, s))])
    scipy = linprog(np.r_[np.zeros(v + 1), np.full(s, 1 / s)], A_ub=rows, b_ub=-np.ones(s * g), A_eq=total, b_eq=[0.0])
    assert found.value == pytest.approx(scipy.fun, abs=1e-6)
    assert found.solution.gap <= 1e-6
    assert buffered(shortfalls(case, found.x)) == pytest.approx(found.value, abs=1e-6)


def test_normal_portfolios_have_the_known_best_split_and_bpoe():
    """Two independent normal yields: odds and bPOE fall with (mean - target) / sd alone, whose maximum is known.

    5 standard errors of 4,000 paths are allowed: odds of a false alarm below 1e-6.
    """
    rng = np.random.default_rng(7)
    mean, sd, target = np.array([1.0, 1.4]), np.array([0.3, 0.9]), 0.8
    yields = (mean + sd * rng.standard_normal((4000, 2)))[:, None, :]
    at = np.array([0.5, 0.5])
    case = surrogate(
        limited(("a", "b"), at), identity, at, PathTable(np.einsum("sgv,v->sg", yields, at) - target, yields)
    )
    found = best_buffered(case, most_nonzeros=1_000_000)

    def ratio(share: float) -> float:
        return float((mean @ [share, 1 - share] - target) / np.hypot(sd[0] * share, sd[1] * (1 - share)))

    def bpoe(r: float) -> float:  # the level at which the conditional mean of the tail is 0: phi(z) / (1 - Phi(z)) = r
        return float(norm.sf(brentq(lambda z: norm.pdf(z) / norm.sf(z) - r, -30, 30)))

    best = max(ratio(share) for share in np.linspace(0, 1, 2001))
    assert found.paths == 4000
    assert ratio(float(found.x[0])) == pytest.approx(best, abs=0.01)
    assert found.value == pytest.approx(bpoe(best), abs=0.02)
    assert np.mean(shortfalls(case, found.x) > 0) == pytest.approx(norm.sf(best), abs=5 * np.sqrt(0.25 / 4000))


def test_paths_beyond_the_size_limit_are_thinned_and_always_the_same():
    case = linear_case(2, 900, 4)
    few = best_buffered(case, most_nonzeros=600)
    assert few.paths == 100
    assert np.array_equal(few.x, best_buffered(case, most_nonzeros=600).x)
    assert case.levers.violation(few.x) < 1e-9


def test_a_stopped_milp_says_how_far_it_may_be_off():
    case = linear_case(5, 60, 6, 2)
    found = most_attained(case, limits=WorkLimits(nodes=1))
    assert found is None or (found.solution.termination == "node_limit" and found.solution.bound >= found.value)


def test_starts_keep_the_limits_and_come_in_order():
    market = NormalMarket(6, 1)
    at = np.full(6, 100.0)
    market.target = market.moments(at)[0]
    levers = limited(tuple("abcdef"), at, change_at_most=0.5, step=10.0)
    starts = starting_points(surrogate(levers, market.response, at, market.simulate(at, 0, 60, 1)))
    assert list(starts)[:2] == ["reference", "mean"]
    assert set(starts) - {"reference", "mean"} in ({"bpoe", "milp"}, {"shortfall", "milp"})
    for proposal in starts.values():
        assert levers.violation(proposal.x) <= 1e-9
    assert starts["reference"].x == pytest.approx(at)
    again = starting_points(surrogate(levers, market.response, at, market.simulate(at, 0, 60, 1)))
    for name, proposal in starts.items():
        assert np.array_equal(proposal.x, again[name].x)


def test_joint_goals_with_sure_yields_are_split_as_enumeration_says() -> None:
    """Two regions' targets are uncertain, yields are not: the split that reaches both most often, on a fine grid."""
    rng = np.random.default_rng(4)
    at, yields = np.array([50.0, 50.0]), np.eye(2)
    needed = np.stack([rng.normal(30.0, 10.0, 200), rng.normal(55.0, 4.0, 200)], axis=1)
    table = PathTable(at - needed, np.broadcast_to(yields, (200, 2, 2)).copy())
    case = surrogate(limited(("a", "b"), at), identity, at, table)
    found = most_jointly(case)
    assert found is not None
    grid = np.arange(0.0, 100.01, 0.1)
    best = max(np.mean((needed[:, 0] <= a) & (needed[:, 1] <= 100.0 - a)) for a in grid)
    reached = float(np.mean((needed <= found.x + 1e-9).all(axis=1)))
    assert reached >= best - JOINT_GAP
    assert found.value == pytest.approx(reached, abs=1e-9)
    assert found.x.sum() == pytest.approx(100.0)
    single = PathTable(table.margins[:, :1], table.yields[:, :1])
    assert most_jointly(surrogate(limited(("a", "b"), at), identity, at, single)) is None
