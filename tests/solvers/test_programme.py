"""The PuLP layer against scipy, closed forms and optimality conditions; and the traps of PuLP and the solvers."""

from __future__ import annotations

import numpy as np
import pulp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from solvers.backends import HAS_HIGHS, as_pulp
from solvers.programme import (
    MalformedProgramme,
    Programme,
    WorkLimits,
    dual_bound,
    programme,
    solve,
    solve_nearest,
    violation,
)

SOLVERS = (["highs"] if HAS_HIGHS else []) + ["cbc"]


def random_programme(seed: int, m: int, n: int, *, maximise: bool = False, whole: bool = False) -> Programme:
    """A bounded programme with a feasible point, of random rows limited below, above, on both sides or exactly."""
    rng = np.random.default_rng(seed)
    a = np.where(rng.random((m, n)) < 0.6, rng.normal(size=(m, n)).round(2), 0.0)
    inside = rng.integers(0, 4, n).astype(float)
    at = a @ inside
    kind = rng.integers(0, 4, m) if not whole else rng.integers(0, 3, m)
    low = np.where(kind == 0, -np.inf, np.where(kind == 3, at, at - rng.random(m)))
    high = np.where(kind == 1, np.inf, np.where(kind == 3, at, at + rng.random(m)))
    return programme(rng.normal(size=n), a, low, high, lower=0.0, upper=5.0, integer=whole, maximise=maximise)


def by_scipy(problem: Programme) -> float:
    sign = -1.0 if problem.maximise else 1.0
    found = milp(
        sign * problem.costs,
        constraints=LinearConstraint(problem.matrix.toarray(), problem.row_lower, problem.row_upper),
        bounds=Bounds(problem.lower, problem.upper),
        integrality=problem.integer.astype(int),
        options={"mip_rel_gap": 0.0},
    )
    return sign * float(found.fun)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("maximise", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_linear_programmes_satisfy_every_optimality_condition(seed, maximise, solver):
    problem = random_programme(seed, 8, 10, maximise=maximise)
    found = solve(problem, solver=solver)
    assert (found.status, found.termination) == ("optimal", "optimal")
    assert found.objective == pytest.approx(by_scipy(problem), abs=1e-7)
    assert violation(problem, found.point) == found.max_violation <= 1e-7
    # strong duality: the bound that the prices prove, computed here, is the objective
    assert found.bound == pytest.approx(found.objective, rel=1e-6, abs=1e-6)  # CBC hands over 8 digits
    assert found.gap <= 1e-6
    # complementary slackness, signs included: a price only at the limit that it pushes against
    x, activity = found.point, problem.matrix @ found.point
    sign = -1.0 if maximise else 1.0
    for price, value, low, high in (
        (sign * found.duals, activity, problem.row_lower, problem.row_upper),
        (sign * found.reduced_costs, x, problem.lower, problem.upper),
    ):
        assert np.all((price <= 1e-6) | (value - low <= 1e-6))
        assert np.all((price >= -1e-6) | (high - value <= 1e-6))


@pytest.mark.parametrize("seed", range(4))
def test_a_linear_programme_equals_linprog(seed):
    rng = np.random.default_rng(seed)
    a, b, c = rng.random((15, 6)), rng.random(15) + 1, rng.random(6)
    found = solve(programme(c, a, -np.inf, b, maximise=True))
    assert found.objective == pytest.approx(-linprog(-c, A_ub=a, b_ub=b).fun, rel=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("seed", range(4))
def test_whole_numbers_equal_scipy_and_the_bound_has_the_right_sign(seed, solver):
    problem = random_programme(seed, 5, 7, maximise=True, whole=True)
    found = solve(problem, solver=solver)
    assert found.status == "optimal"
    assert np.array_equal(found.point, np.rint(found.point))
    assert found.objective == pytest.approx(by_scipy(problem), abs=1e-6)
    assert found.bound == pytest.approx(found.objective, abs=1e-6)  # HiGHS negates it when it maximises itself
    assert found.duals is None


def hard_knapsack() -> Programme:
    rng = np.random.default_rng(1)
    w = rng.integers(10, 1000, (5, 60))
    return programme(
        w.sum(0) + rng.integers(0, 50, 60), w, -np.inf, w.sum(1) // 3, upper=1, integer=True, maximise=True
    )


@pytest.mark.skipif(not HAS_HIGHS, reason="CBC hands over no bound when it is stopped")
def test_a_node_limit_keeps_the_best_point_and_its_bound():
    problem = hard_knapsack()
    found = solve(problem, limits=WorkLimits(nodes=5))
    assert (found.status, found.termination) == ("feasible", "node_limit")
    assert found.max_violation <= 1e-9
    assert found.objective < found.bound  # maximising: the bound is above
    assert found.gap == pytest.approx((found.bound - found.objective) / found.objective)
    assert found.repeatable
    again = solve(problem, limits=WorkLimits(nodes=5))
    assert np.array_equal(found.point, again.point)
    assert (found.bound, found.nodes) == (again.bound, again.nodes)


def stubborn_lp() -> Programme:
    rng = np.random.default_rng(0)
    return programme(np.ones(50), rng.random((60, 50)), 1.0, np.inf)


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_lp_stopped_at_an_infeasible_point_is_not_called_solved(solver):
    found = solve(stubborn_lp(), limits=WorkLimits(iterations=3), solver=solver)
    assert found.status == "unsolved"  # PuLP says "Optimal"
    assert found.termination == "iteration_limit"
    assert found.x is None
    assert found.objective is None
    assert found.max_violation > 0.01
    with pytest.raises(RuntimeError, match="iteration_limit"):
        _ = found.point


@pytest.mark.skipif(not HAS_HIGHS, reason="CBC's stop by time reads like any other of its stops")
def test_a_stop_by_the_clock_is_marked_not_repeatable():
    found = solve(stubborn_lp(), limits=WorkLimits(seconds=1e-9))
    assert (found.termination, found.repeatable) == ("time_limit", False)
    assert found.status != "optimal"


@pytest.mark.parametrize("solver", SOLVERS)
def test_infeasible_and_unbounded_are_said_apart(solver):
    infeasible = solve(programme([1, 1], [[1, 1], [1, 1]], [3, -np.inf], [np.inf, 2], upper=9), solver=solver)
    assert (infeasible.status, infeasible.x, infeasible.objective) == ("infeasible", None, None)
    unbounded = solve(programme([-1, -1], [[1, -1]], -np.inf, 1), solver=solver)
    assert (unbounded.status, unbounded.x, unbounded.bound) == ("unbounded", None, None)


@pytest.mark.parametrize("solver", SOLVERS)
def test_rows_without_terms_and_variables_without_rows(solver):
    fine = programme([1, -1, 0], [[0, 0, 0], [1, 0, 0]], [-1, 2], [1, 9], upper=[9, 4, 7])
    assert solve(fine, solver=solver).objective == pytest.approx(2 - 4)
    assert solve(programme([1.0], [[0.0]], 1.0, 2.0), solver=solver).status == "infeasible"
    assert solve(programme([1.0], [[1.0]], 0.0, 2.0, lower=3.0, upper=2.0), solver=solver).status == "infeasible"


def test_the_same_bits_whatever_the_threads():
    lp, mixed = random_programme(3, 30, 40), hard_knapsack()
    runs = [(solve(lp, threads=t), solve(mixed, threads=t, limits=WorkLimits(nodes=5))) for t in (1, 2, 1)]
    for solved, stopped in runs:
        assert solved.status == "optimal"  # a changed number of threads used to leave HiGHS without an answer
        assert np.array_equal(solved.point, runs[0][0].point)
        assert np.array_equal(stopped.point, runs[0][1].point)


def test_columns_stay_in_order_past_ten_and_a_hundred():
    n = 120  # PuLP sorts by name: x10 before x9
    found = solve(programme(np.ones(n), np.eye(n), np.arange(n), np.inf))
    assert np.array_equal(found.point, np.arange(n))


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_any_prices_prove_a_bound(seed):
    problem = random_programme(seed, 6, 6)
    prices = np.random.default_rng(seed).normal(size=6)
    bound = dual_bound(
        problem,
        np.where(
            np.isinf(problem.row_lower), -np.abs(prices), np.where(np.isinf(problem.row_upper), np.abs(prices), prices)
        ),
    )
    assert bound is not None
    assert bound <= by_scipy(problem) + 1e-7


def test_a_price_against_no_limit_proves_nothing():
    assert dual_bound(programme([1.0], [[1.0]], 0.0, np.inf), np.array([-1.0])) is None


def test_ties_end_nearest_to_the_reference():
    tied = programme(np.ones(4), np.ones((1, 4)), 10.0, 10.0, upper=10.0)
    reference = np.array([1.0, 2.0, 3.0, 2.0])
    found = solve_nearest(tied, np.eye(4), reference)
    assert found.objective == pytest.approx(10.0)
    assert np.sum(np.abs(found.point - reference)) == pytest.approx(2.0, abs=1e-6)
    assert found.point == pytest.approx([3.0, 2.0, 3.0, 2.0], abs=1e-6)  # the earliest weighs least
    assert np.array_equal(found.point, solve_nearest(tied, np.eye(4), reference, threads=2).point)


def test_nearness_never_costs_objective():
    problem = random_programme(5, 8, 10, maximise=True)
    plain, near = solve(problem), solve_nearest(problem, np.eye(10), np.zeros(10))
    assert near.objective == pytest.approx(plain.objective, abs=2e-7 * max(1, abs(plain.objective)))
    assert near.max_violation <= 1e-7


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"costs": [1.0, 2.0, 3.0]}, "3 costs and 2 columns"),
        ({"costs": [1.0, np.nan]}, "a cost of a programme is not a finite number"),
        ({"matrix": [[1.0, np.inf]]}, "a coefficient of a programme is not a finite number"),
        ({"row_lower": [np.inf]}, "lower limits of a programme hold NaN or inf"),
        ({"row_upper": [np.nan]}, "upper limits of a programme hold NaN or -inf"),
        ({"row_lower": [1.0, 2.0]}, "row_lower must be one number or 1 of them"),
        ({"row_names": ("a", "b")}, "1 rows and 2 row names"),
        ({"names": ("a",)}, "2 variables and 1 names"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change, says):
    arguments = {"costs": [1.0, 2.0], "matrix": [[1.0, 1.0]], "row_lower": [0.0], "row_upper": [1.0]} | change
    with pytest.raises(MalformedProgramme, match=says):
        programme(**arguments)


def knapsack() -> Programme:
    """One that takes some hundred nodes."""
    w = np.random.default_rng(1).integers(10, 1000, (4, 18))
    return programme(w.sum(0) + 7, w, -np.inf, w.sum(1) // 3, upper=1, integer=True, maximise=True)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_node_limit_is_named_and_its_bound_holds(solver):
    problem = knapsack()
    best = solve(problem).objective
    found = solve(problem, limits=WorkLimits(nodes=2), solver=solver)
    assert (found.status, found.termination, found.repeatable) == ("feasible", "node_limit", True)
    assert found.objective <= best <= found.bound < 1.1 * best
    assert found.nodes <= 3


def test_cbc_names_a_stop_by_the_clock():
    rng = np.random.default_rng(3)
    w = rng.integers(1000, 2000, (8, 200))
    problem = programme(w.sum(0), w, -np.inf, w.sum(1) // 2, upper=1, integer=True, maximise=True)
    found = solve(problem, limits=WorkLimits(seconds=0.1), solver="cbc")
    assert (found.termination, found.repeatable) == ("time_limit", False)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_start_is_where_a_search_without_nodes_ends(solver):
    problem = hard_knapsack()
    known = solve(problem, limits=WorkLimits(nodes=300))
    cold = solve(problem, limits=WorkLimits(nodes=1), solver=solver)
    warm = solve(problem, limits=WorkLimits(nodes=1), start=known.point, solver=solver)
    assert cold.objective < known.objective <= warm.objective


def test_a_start_outside_the_limits_is_refused():
    with pytest.raises(MalformedProgramme, match="start from misses a limit"):
        solve(hard_knapsack(), start=np.ones(60))


def test_an_absolute_gap_stops_branch_and_bound():
    problem = knapsack()
    loose = solve(problem, gap_absolute=1_000.0)
    assert loose.termination == "optimal"
    assert 0 < loose.bound - loose.objective <= 1_000.0
    assert loose.nodes < solve(problem).nodes


@pytest.mark.parametrize("solver", SOLVERS)
def test_prices_of_rows_limited_on_both_sides_and_exactly(solver):
    # the last row binds below, the first exactly, the second above
    problem = programme(
        [1.0, 2.0, -1.0], [[1, 1, 0], [0, 0, 1], [0, 1, 0]], [4.0, 1.0, 1.0], [4.0, 3.0, 2.0], lower=-np.inf
    )
    found = solve(problem, solver=solver)
    assert found.point == pytest.approx([3.0, 1.0, 3.0])
    assert found.duals == pytest.approx([1.0, -1.0, 1.0])


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=20, deadline=None)
def test_pulps_own_objects_are_the_same_programme(seed, whole):
    problem = random_programme(seed, 6, 7, maximise=bool(seed % 2), whole=whole)
    model = as_pulp(problem)
    model.solve(pulp.HiGHS(msg=False, gapRel=0.0))  # PuLP's own reading of its objects
    sign = -1.0 if problem.maximise else 1.0
    assert sign * pulp.value(model.objective) == pytest.approx(solve(problem).objective, abs=1e-6)


def test_noughts_are_no_coefficients():
    problem = programme([1.0, 1.0], [[1.0, 0.0], [0.0, 0.0]], [2.0, 0.0], np.inf)
    assert problem.matrix.nnz == 1
    assert len(as_pulp(problem).constraints()) == 1
