"""The portfolio's exact optimum, two ways; its sample paths are as its formula says; what people use is right."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from benchmarks.baselines import BASELINES, equal_split, greedy, slsqp
from benchmarks.portfolios import Portfolio, as_levers, as_paths, certificate, exact, filled, reference_portfolio
from solvers.levers import limited


@pytest.mark.parametrize(("cells", "seed"), [(25, 1), (40, 2), (60, 3)])
def test_the_best_split_is_certified_and_a_general_optimiser_finds_it_too(cells: int, seed: int) -> None:
    case = reference_portfolio(cells, seed, target=1.15)
    x = exact(case)
    assert np.sum(x) == pytest.approx(1.0, abs=1e-9)
    assert np.all((x >= 0) & (x <= case.caps))
    assert certificate(case, x) < 1e-6  # no split's ratio is higher by more
    found = minimize(
        lambda y: -case.ratio(y),
        np.full(cells, 1.0 / cells),
        bounds=list(zip(np.zeros(cells), case.caps, strict=True)),
        constraints={"type": "eq", "fun": lambda y: np.sum(y) - 1.0},
        method="SLSQP",
        options={"maxiter": 1000, "ftol": 1e-14},
    )
    assert -found.fun == pytest.approx(case.ratio(x), abs=1e-5)
    assert -found.fun <= case.ratio(x) + 1e-9


def test_the_certificate_says_how_far_a_poor_split_is_from_the_best() -> None:
    case = reference_portfolio(500)
    best, poor = case.ratio(exact(case)), filled(case.mean, case.caps)
    assert certificate(case, poor) >= best - case.ratio(poor) > 0.1


def test_the_reference_instance_tells_methods_apart_as_described() -> None:
    case = reference_portfolio(500)
    assert case.probability(exact(case)) == pytest.approx(0.8978, abs=1e-4)
    assert case.probability(filled(case.mean, case.caps)) == pytest.approx(0.8367, abs=1e-4)


def test_sample_paths_have_the_portfolio_s_moments_and_do_not_depend_on_how_they_are_asked_for() -> None:
    case = reference_portfolio(30)
    whole = case.yields(0, 20_000, 1)
    assert np.array_equal(case.yields(1000, 100, 1), whole[1000:1100])
    assert np.array_equal(case.yields(2048, 1024, 1), whole[2048:3072])
    assert not np.array_equal(case.yields(0, 10, 2), whole[:10])
    x = exact(case)
    bookings = whole @ x
    # 4.5 standard errors: a false alarm in 7e-6 of seeds, for each of three
    assert abs(np.mean(bookings) - case.mean @ x) < 4.5 * case.sd(x) / np.sqrt(20_000)
    assert abs(np.std(bookings) / case.sd(x) - 1.0) < 4.5 / np.sqrt(40_000)
    p = case.probability(x)
    table = as_paths(case)(x, 0, 20_000, 1)
    assert abs(np.mean(table.margins >= 0) - p) < 4.5 * np.sqrt(p * (1 - p) / 20_000)


# --- what people use --------------------------------------------------------------------------------------------------


def curved(x: np.ndarray) -> float:
    """Square roots: the best mean of a total is in proportion to the squares of the worths."""
    return float(np.sum(WORTH * np.sqrt(np.maximum(x, 0.0))))


WORTH = np.array([1.0, 2.0, 3.0])


def test_greedy_and_slsqp_find_the_best_mean_of_a_concave_response() -> None:
    levers = limited(("a", "b", "c"), [30.0, 40.0, 70.0])
    best = 140.0 * WORTH**2 / np.sum(WORTH**2)
    assert slsqp(levers, curved) == pytest.approx(best, abs=0.1)
    assert slsqp(levers, curved, lambda x: 0.5 * WORTH / np.sqrt(np.maximum(x, 1e-9))) == pytest.approx(best, abs=0.1)
    assert greedy(levers, curved) == pytest.approx(best, abs=2 * 140.0 / 200)


def test_every_rule_stays_inside_limits_and_totals() -> None:
    levers = limited(
        tuple("abcde"), [10.0, 20.0, 30.0, 5.0, 5.0], group=[0, 0, 0, 1, 1], totals=[66.0, 12.0], floors=2.0, caps=30.0
    )
    worth = np.array([1.0, 3.0, 2.0, 1.0, 1.1])
    for rule in BASELINES.values():
        x = rule(levers, lambda x: float(worth @ x), lambda x: worth)
        assert levers.violation(x) <= 1e-9
    assert equal_split(levers) == pytest.approx([22, 22, 22, 6, 6])
    assert greedy(levers, lambda x: float(worth @ x)) == pytest.approx([6, 30, 30, 2, 10])


def test_on_a_portfolio_greedy_is_the_largest_mean() -> None:
    case = reference_portfolio(50)
    x = greedy(as_levers(case), lambda x: float(case.mean @ x), lambda x: case.mean)
    assert x == pytest.approx(filled(case.mean, case.caps), abs=1e-9)


def test_a_portfolio_with_one_sensible_split_has_it() -> None:
    case = Portfolio(np.array([2.0, 1.0]), np.zeros((2, 1)), np.array([1e-3, 1.0]), np.ones(2), 1.5, 1)
    assert exact(case) == pytest.approx([1.0, 0.0], abs=1e-3)
