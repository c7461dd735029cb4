"""The search by simulating again: reaches known optima, accepts only what is better, keeps to its work, repeats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import check_grad, linprog

from solvers.budget import starting_points
from solvers.levers import Levers, limited
from solvers.objective import attained, score
from solvers.paths import PathTable
from solvers.refine import Refined, SearchLimits, best_linear, improve, smoothed_ascent
from solvers.responses import concave_segments, identity
from solvers.surrogate import surrogate, unit_yields
from tests.solvers.markets import NormalMarket

QUICK = SearchLimits(paths=12_000, samples=(256, 512), selection=1024, finalists=3)


def market_and_levers(cells: int, seed: int, *, step: float = 1.0) -> tuple[NormalMarket, Levers, np.ndarray]:
    market = NormalMarket(cells, seed)
    at = np.full(cells, 100.0)
    market.target = 1.03 * market.moments(at)[0]
    return market, limited(tuple(f"c{i}" for i in range(cells)), at, floors=5.0, step=step, unit=min(1.0, step)), at


def searched(market: NormalMarket, levers: Levers, at: np.ndarray, limits: SearchLimits | None = None) -> Refined:
    starts = starting_points(surrogate(levers, market.response, at, market.simulate(at, 0, 512, 1)))
    return improve(levers, market.response, {k: p.x for k, p in starts.items()}, market.simulate, limits=limits)


@pytest.mark.parametrize(("cells", "seed"), [(2, 1), (8, 0), (40, 0)])
def test_a_known_optimum_is_reached_within_half_a_point(cells, seed):
    market, levers, at = market_and_levers(cells, seed)
    found = searched(market, levers, at)
    x = found.allocation
    assert levers.violation(x) <= 1e-9
    assert np.array_equal(x, np.rint(x))
    best = market.best(levers.lower, levers.upper, 100.0 * cells, [at, x])
    assert best - 0.005 <= market.probability(x) <= best + 1e-4
    if cells > 2:
        assert market.probability(x) > market.probability(at) + 0.05
    # both estimates agree with the truth: 5 standard errors and the rounding of a maximum
    for estimate, n in ((found.in_sample, found.in_sample_paths), (found.selected, 4096)):
        assert abs(estimate - market.probability(x)) < 5 * np.sqrt(0.25 / n)


def test_only_better_allocations_are_accepted_and_the_work_is_counted():
    market, levers, at = market_and_levers(8, 2)
    market.simulated.clear()
    found = searched(market, levers, at, QUICK)
    used = market.simulated[1:]  # the first call made the starts
    assert found.simulated == sum(n for _, n in used) <= QUICK.paths
    assert {phase for phase, _ in used} == {1, 2}  # never phase 0
    by_sample: dict[int, list[int]] = {}
    for step in found.trace:
        if step.phase == 1 and step.accepted and np.isfinite(step.radius) and step.radius > 0:
            by_sample.setdefault(step.paths, []).append(step.attained)
    for hits in by_sample.values():
        assert hits == sorted(hits)
    assert found.selected == max(p for _, _, p in found.finalists)
    assert found.finalists[0][0] == "reference"
    assert np.array_equal(found.finalists[0][1], at)
    assert found.termination in ("work_limit", "no_better_nearby")


def test_the_same_search_twice_gives_the_same_bits():
    runs = []
    for _ in range(2):
        market, levers, at = market_and_levers(5, 3)
        runs.append(searched(market, levers, at, QUICK))
    assert np.array_equal(runs[0].allocation, runs[1].allocation)
    assert runs[0].trace == runs[1].trace


def test_with_nothing_to_move_the_reference_is_returned():
    market, _, at = market_and_levers(3, 0)
    fixed = limited(tuple("abc"), at, change_at_most=0.0)
    found = improve(fixed, market.response, {"reference": at}, market.simulate, limits=QUICK)
    assert found.termination == "nothing_to_move"
    assert np.array_equal(found.allocation, at)


def test_a_search_that_finds_nothing_better_keeps_the_reference():
    # margins do not depend on the allocation: every proposal is as good, none is better
    table = PathTable(np.linspace(-1, 1, 1024)[:, None], np.ones((1024, 1, 3)))
    levers = limited(tuple("abc"), [1.0, 2.0, 3.0])
    found = improve(
        levers,
        identity,
        {"reference": levers.reference, "other": np.array([2.0, 2.0, 2.0])},
        lambda x, first, n, phase: table.only(np.arange(first, first + n)),
        limits=replace(QUICK, paths=4 * QUICK.paths),
    )
    assert found.origin == "reference"
    assert found.termination == "no_better_nearby"
    assert not any(step.accepted and step.phase == 1 and 0 < step.radius < 9 for step in found.trace)


def test_no_path_attaining_is_still_climbed_by_shortfall():
    market, levers, at = market_and_levers(6, 4)
    market.target *= 3.0
    found = searched(market, levers, at, QUICK)
    assert market.moments(found.allocation)[0] > 1.02 * market.moments(at)[0]


def test_groups_keep_their_sums():
    """Two reps' hours: each one's go to the better of its two cells; the true best is known."""
    levers = limited(("a/x", "a/y", "b/x", "b/y"), [4.0, 4.0, 6.0, 2.0], group=[0, 0, 1, 1], change_at_most=0.5)
    worth = np.array([1.0, 2.0, 2.0, 1.0])

    def simulate(x: np.ndarray, first: int, n: int, phase: int) -> PathTable:
        noise = np.random.default_rng(phase).standard_normal((first + n, 4))[first:] * 0.1
        own = worth + noise
        return PathTable((own @ x - 27.0)[:, None] / 27.0, own[:, None, :] / 27.0)

    starts = {"reference": levers.reference}
    found = improve(levers, identity, starts, simulate, limits=QUICK)
    assert found.allocation == pytest.approx([2, 6, 7, 1], abs=0.05)


@pytest.mark.parametrize(
    ("starts", "paths", "says"),
    [
        ({}, 60_000, "at least one start"),
        ({"reference": np.array([1.0, 1.0])}, 60_000, "breaks a limit"),
        ({"reference": np.array([1.0, 2.0])}, 10, "does not cover"),
    ],
)
def test_searches_that_cannot_begin_are_refused(starts, paths, says):
    levers = limited(("a", "b"), [1.0, 2.0])
    with pytest.raises(ValueError, match=says):
        improve(levers, identity, starts, lambda *_: None, limits=SearchLimits(paths=paths))


# --- the pieces -------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10_000))
def test_the_knapsack_step_equals_the_linear_programme(seed):
    rng = np.random.default_rng(seed)
    groups = np.array([0, 0, 0, 1, 1])
    levers = limited(tuple("abcde"), rng.uniform(10, 90, 5), group=groups, change_at_most=0.7)
    table = PathTable(np.zeros((1, 1)), np.zeros((1, 1, 5)))
    case = surrogate(levers, identity, levers.reference, table)
    curves = concave_segments(lambda x: np.sqrt(x), case.lower, case.upper, 4)
    worth = rng.uniform(0, 2, 5)
    x = best_linear(case, curves.widths, curves.slopes, worth)
    assert levers.violation(x) <= 1e-12
    gains = (worth[:, None] * curves.slopes).ravel()
    sums = np.zeros((2, 20))
    sums[np.repeat(groups, 4), np.arange(20)] = 1.0
    low = np.bincount(groups, weights=case.lower)
    bounds = list(zip(np.zeros(20), curves.widths.ravel(), strict=True))
    found = linprog(-gains, A_eq=sums, b_eq=levers.totals - low, bounds=bounds)
    assert float(worth @ (curves.value(x) - curves.at_lower)) == pytest.approx(-found.fun, rel=1e-9)


def test_a_variable_worth_less_than_nothing_is_filled_last():
    levers = limited(("a", "b", "c"), [1.0, 1.0, 1.0], caps=2.0)
    case = surrogate(levers, identity, levers.reference, PathTable(np.zeros((1, 1)), np.zeros((1, 1, 3))))
    curves = concave_segments(np.sqrt, case.lower, case.upper, 4)
    assert best_linear(case, curves.widths, curves.slopes, np.array([-1.0, 1.0, 0.5])) == pytest.approx(
        [0, 2, 1], abs=0.51
    )
    x = best_linear(case, curves.widths, curves.slopes, np.array([-1.0, 1.0, 0.5]))
    assert x[0] == 0.0


def test_the_slope_of_the_smoothed_probability_is_its_derivative():
    market, levers, at = market_and_levers(4, 1)
    table = market.simulate(at, 0, 300, 1)
    case = surrogate(levers, identity, market.response(at), table)
    far = check_grad(lambda r: case.smoothed(r, 0.1)[0], lambda r: case.smoothed(r, 0.1)[1], market.response(at) * 1.05)
    assert far < 1e-6


def test_the_ascent_only_climbs_and_stays_in_its_box():
    market, levers, at = market_and_levers(8, 1)
    case = surrogate(levers, market.response, at, market.simulate(at, 0, 512, 1)).near(0.3)
    x = smoothed_ascent(case, 0.05)
    assert case.smoothed(x, 0.05)[0] > case.smoothed(at, 0.05)[0]
    assert np.all(np.abs(x - at) <= 30 + 1e-6)
    assert levers.violation(x) <= 1e-9


def test_margins_are_exact_at_the_allocation_and_linear_in_responses():
    market, levers, at = market_and_levers(4, 1)
    table = market.simulate(at, 0, 50, 1)
    case = surrogate(levers, market.response, at, table)
    assert np.array_equal(case.margins(at), table.margins)
    other = np.array([50.0, 150.0, 120.0, 80.0])
    by_hand = table.margins[:, 0] + table.yields[:, 0] @ (market.response(other) - market.response(at))
    assert case.margins(other)[:, 0] == pytest.approx(by_hand, rel=1e-12)
    mean = table.blended(0.0).yields
    assert np.ptp(mean, axis=0) == pytest.approx(0.0, abs=1e-15)
    assert mean[0] == pytest.approx(np.mean(table.yields, axis=0))


def test_every_goal_must_be_attained_and_shortfalls_break_ties():
    margins = np.array([[0.0, 0.1], [0.2, -0.1], [-0.3, -0.2]])
    assert attained(margins).tolist() == [True, False, False]
    assert score(margins) == (1.0, pytest.approx(-0.4 / 3))
    assert score(margins + np.array([[0, 0], [0, 0], [0.1, 0]])) > score(margins)


@pytest.mark.parametrize(
    ("margins", "yields", "says"),
    [
        (np.zeros((3, 1)), np.zeros((2, 1, 2)), "must be"),
        (np.zeros((0, 1)), np.zeros((0, 1, 2)), "at least one path"),
        (np.full((1, 1), np.nan), np.zeros((1, 1, 2)), "not a finite number"),
    ],
)
def test_paths_that_do_not_fit_are_refused(margins, yields, says):
    with pytest.raises(ValueError, match=says):
        PathTable(margins, yields)


def test_yields_per_unit_shrink_toward_their_like():
    brought = np.array([[[2.0, 6.0, 0.0, 5.0, 0.0]], [[4.0, 0.0, 0.0, 5.0, 0.0]]])
    response, like = np.array([1.0, 3.0, 0.0, 5.0, 0.0]), np.array([0, 0, 0, 1, 2])
    own = unit_yields(brought, response, like)
    # group 0 brought a mean of 6 by 4 units; all of them 11 by 9
    assert own[0, 0] == pytest.approx([2.0, 2.0, 1.5, 1.0, 11 / 9])
    assert own[1, 0] == pytest.approx([4.0, 0.0, 1.5, 1.0, 11 / 9])
    shrunk = unit_yields(brought, response, like, strength=1.0)
    assert shrunk[0, 0] == pytest.approx([3.5 / 2, 7.5 / 4, 1.5, 1.0, 11 / 9])
    assert unit_yields(brought, response, like, strength=1e9)[1, 0] == pytest.approx([1.5, 1.5, 1.5, 1.0, 11 / 9])
