"""Starts over a polyhedron: bPOE against its definition, the newsvendor's fractile, starts inside their limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize_scalar

from benchmarks.portfolios import as_levers, as_paths, reference_portfolio
from solvers.paths import PathTable
from solvers.polyhedron import of_levers, polyhedron
from solvers.starts import HARD_LIMIT, buffered, least_shortfall, most_paths, starts


def bpoe(margins: np.ndarray) -> float:
    """min over a >= 0 of the mean of (1 - a m)+, by search."""
    found = minimize_scalar(lambda a: np.mean(np.maximum(0.0, 1.0 - a * margins)), bounds=(0.0, 1e3), method="bounded")
    return float(min(1.0, found.fun))


def test_no_split_of_a_grid_has_a_smaller_bpoe_with_general_rows_and_floors() -> None:
    rng = np.random.default_rng(4)
    yields = rng.gamma([4.0, 2.0, 6.0], [0.3, 0.8, 0.15], (150, 3))
    # 10 in all, at least a third on the first two, floors that are not 0
    region = polyhedron([[1, 1, 1], [1, 1, 0]], [10.0, 3.5], [10.0, np.inf], lower=[0.5, 0.0, 1.0], upper=[6, 6, 8])
    constant = np.full((150, 1), -9.0)
    x, solution = buffered(region, constant, sparse.csr_matrix(yields), None)
    assert x is not None
    assert solution.objective is not None
    assert region.violation(x) <= 1e-6
    assert solution.objective == pytest.approx(bpoe(yields @ x - 9.0), abs=1e-5)
    for a in np.arange(0.5, 6.01, 0.5):
        for b in np.arange(0.0, 6.01, 0.5):
            y = np.array([a, b, 10.0 - a - b])
            if region.violation(y) == 0.0:
                assert bpoe(yields @ y - 9.0) >= solution.objective - 1e-6


@pytest.mark.parametrize(("short", "left"), [(3.0, 1.0), (1.0, 4.0)])
def test_the_newsvendor_stocks_the_fractile(short: float, left: float) -> None:
    """Two goals, none too few and none too many, each by its cost: the worst shortfall is the newsvendor's cost."""
    demand = np.sort(np.random.default_rng(1).lognormal(3.0, 0.5, 1001))
    region = polyhedron(np.zeros((0, 1)), [], [], upper=1000.0)
    constant = np.stack([-short * demand, left * demand], axis=1)
    effects = sparse.csr_matrix(np.tile([[short], [-left]], (1001, 1)))
    x, _ = least_shortfall(region, constant, effects, None)
    assert x is not None
    assert x[0] == pytest.approx(demand[int(np.ceil(1001 * short / (short + left))) - 1], rel=1e-6)


def test_starts_lie_inside_and_are_better_than_what_they_start_from() -> None:
    case = reference_portfolio(40, target=1.15)
    region, even = of_levers(as_levers(case)), np.full(40, 1.0 / 40)
    found = starts(region, even, as_paths(case)(even, 0, 1024, 1), even)
    assert set(found) == {"reference", "mean", "bpoe"}
    assert all(region.violation(x) <= 1e-6 for x in found.values())
    assert np.array_equal(found["reference"], even)
    assert case.probability(found["bpoe"]) > case.probability(found["mean"]) > case.probability(even)


def test_out_of_reach_the_mean_shortfall_is_made_least() -> None:
    yields = np.random.default_rng(2).uniform(0.5, 1.5, (64, 1, 3))
    region, even = polyhedron(np.ones((1, 3)), [3.0], [3.0]), np.ones(3)
    table = PathTable(np.einsum("sgv,v->sg", yields, even) - 9.0, yields)
    found = starts(region, even, table, even)
    assert "shortfall" in found
    assert "bpoe" not in found
    means = np.mean(yields[:, 0], axis=0)
    assert found["shortfall"] == pytest.approx(3.0 * (np.arange(3) == np.argmax(means)))


def test_programmes_of_paths_stop_at_five_million_numbers() -> None:
    assert most_paths(1, 498, 10**9) == HARD_LIMIT // 500
    assert most_paths(2, 498, 400_000) == 400
    assert most_paths(10, 10**6, 10) == 1
