"""Joint targets against enumeration, closed forms and brute force; and what the result says of itself."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.stats import norm

from solvers.backends import HAS_HIGHS
from solvers.joint import JointResult, MalformedTargets, most_probable
from solvers.programme import Programme, WorkLimits, programme, solve

SOLVERS = (["highs"] if HAS_HIGHS else []) + ["cbc"]


def by_enumeration(region: Programme, effects, targets, weights) -> float | None:
    """The largest weight of scenarios that one x can meet (a linear programme each, by scipy); None: no x at all.

    Subsets are grown one scenario at a time; one that no x meets is not grown further, nor is one that with all the
    rest could not beat the best. Targets that two subsets share are asked for once.
    """
    a = region.matrix.toarray()
    known: dict[tuple[float, ...], bool] = {}

    def within_reach(levels) -> bool:
        key = tuple(levels)
        if key not in known:
            need = np.isfinite(levels)
            ub = np.vstack([a, -a, -effects[need]])
            b = np.concatenate([region.row_upper, -region.row_lower, -levels[need]])
            finite = np.isfinite(b)
            found = linprog(
                np.zeros(a.shape[1]),
                A_ub=ub[finite],
                b_ub=b[finite],
                bounds=np.stack([region.lower, region.upper], axis=1),
                method="highs",
            )
            known[key] = found.status == 0
        return known[key]

    nothing = np.full(effects.shape[0], -np.inf)
    if not within_reach(nothing):
        return None
    best = 0.0

    def grow(s: int, levels, weight: float) -> None:
        nonlocal best
        best = max(best, weight)
        if s == len(targets) or weight + float(np.sum(weights[s:])) <= best:
            return
        raised = np.maximum(levels, targets[s])
        if within_reach(raised):
            grow(s + 1, raised, weight + float(weights[s]))
        grow(s + 1, levels, weight)

    grow(0, nothing, 0.0)
    return best / float(np.sum(weights))


@st.composite
def problems(draw: st.DrawFn):
    """Small joint problems in small whole numbers, so that scenarios repeat, tie and cannot be met at all."""
    n, r, s = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    effects = rng.integers(0, 4, (r, n)) * (rng.random((r, n)) < 0.7)
    if draw(st.booleans()):
        effects = effects - rng.integers(0, 2, (r, n))  # what helps one may harm another
    targets = rng.integers(-1, draw(st.sampled_from([3, 8, 25])), (s, r))
    if draw(st.booleans()):
        targets = np.maximum(targets, targets[rng.integers(0, s, s)])
    weights = draw(st.sampled_from(["equal", "whole", "real"]))
    weight = {"equal": np.ones(s), "whole": rng.integers(0, 4, s), "real": rng.random(s)}[weights].astype(float)
    if not weight.any():
        weight[0] = 1.0
    low = float(draw(st.sampled_from([-np.inf, 0, 2, 30])))  # 30 is more than there can be: an empty region
    region = programme(
        np.zeros(n), np.ones((1, n)), low, float(max(2, rng.integers(1, 9))), upper=float(rng.integers(1, 6))
    )
    return region, effects.astype(float), targets.astype(float), weight


def check(region: Programme, effects, targets, weights, result: JointResult) -> None:
    """What must hold of any result with a decision: its probability is that of its x, and x is in the region."""
    assert result.max_violation <= 1e-6
    met = np.all(effects @ result.x >= targets - 1e-5 * np.maximum(1.0, np.abs(targets).max(axis=0)), axis=1)
    assert np.array_equal(met, result.met)
    assert result.probability == pytest.approx(np.sum(weights[met]) / np.sum(weights), abs=1e-12)
    assert result.gap == pytest.approx(result.bound - result.probability, abs=1e-12)


@given(problems())
@settings(max_examples=120, deadline=None)
def test_every_small_problem_equals_enumeration(problem):
    region, effects, targets, weights = problem
    result = most_probable(region, effects, targets, weights=weights)
    best = by_enumeration(region, effects, targets, weights)
    if best is None:
        assert (result.status, result.x, result.probability) == ("infeasible", None, None)
        return
    check(*problem, result)
    assert (result.status, result.termination) == ("optimal", "optimal")
    assert result.probability == pytest.approx(best, abs=1e-9)
    assert result.bound == result.probability


@given(problems(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_whole_decisions_equal_trying_them_all(problem, every):
    region, effects, targets, weights = problem
    whole = np.ones(len(region.costs), dtype=bool) if every else np.arange(len(region.costs)) == 0
    if not every:  # the others stay where they are: only the first is left
        region = replace(region, lower=np.where(whole, 0.0, 1.0), upper=np.where(whole, region.upper, 1.0))
    region = replace(region, integer=whole)
    result = most_probable(region, effects, targets, weights=weights)
    best = None
    for x in product(*(range(int(low), int(high) + 1) for low, high in zip(region.lower, region.upper, strict=True))):
        if region.row_lower[0] <= sum(x) <= region.row_upper[0]:
            met = np.all(effects @ np.array(x, dtype=float) >= targets, axis=1)
            best = max(best or 0.0, float(np.sum(weights[met]) / np.sum(weights)))
    if best is None:
        assert result.status == "infeasible"
        return
    check(region, effects, targets, weights, result)
    assert np.array_equal(result.x[whole], np.rint(result.x[whole]))
    assert (result.status, result.probability) == ("optimal", pytest.approx(best, abs=1e-9))


@given(problems())
@settings(max_examples=15, deadline=None)
def test_cbc_finds_the_same(problem):
    region, effects, targets, weights = problem
    one, other = (
        most_probable(region, effects, targets, weights=weights, solver=solver) for solver in ("highs", "cbc")
    )
    assert one.status == other.status
    assert one.probability == pytest.approx(other.probability, abs=1e-9)


def sales(seed: int, rows: int, variables: int, scenarios: int) -> tuple[Programme, np.ndarray, np.ndarray]:
    """A budget over variables that serve some rows each; it buys the upper decile of every row's target."""
    rng = np.random.default_rng(seed)
    effects = rng.uniform(0.2, 1.0, (rows, variables)) * (rng.random((rows, variables)) < 0.4)
    effects[np.arange(rows), np.arange(rows)] = 0.5
    targets = rng.uniform(5, 15, rows) * np.exp(rng.normal(0.0, 0.3, (scenarios, rows)))
    upper = np.quantile(targets, 0.9, axis=0)
    budget = linprog(np.ones(variables), A_ub=-effects, b_ub=-upper, bounds=(0, 40)).fun
    spread = programme(np.zeros(variables), np.ones((1, variables)), -np.inf, budget, upper=40.0)
    return spread, effects, targets


def by_big_m(region: Programme, effects, targets) -> float:
    """The same by the plain formulation: one 0/1 a scenario, a big M a row and scenario."""
    (s, r), n = targets.shape, len(region.costs)
    rows = np.zeros((s * r + 1, n + s))
    rows[-1, :n] = 1.0
    for k, (i, j) in enumerate(product(range(s), range(r))):
        rows[k, :n], rows[k, n + i] = effects[j], -targets[i, j]
    found = solve(
        programme(
            np.append(np.zeros(n), np.full(s, 1.0 / s)),
            rows,
            np.append(np.zeros(s * r), -np.inf),
            np.append(np.full(s * r, np.inf), region.row_upper[0]),
            upper=np.append(region.upper, np.ones(s)),
            integer=np.append(np.zeros(n, dtype=bool), np.ones(s, dtype=bool)),
            maximise=True,
        )
    )
    assert found.status == "optimal"
    return found.objective


@pytest.mark.parametrize("seed", range(4))
def test_forty_scenarios_equal_the_plain_formulation(seed):
    problem = sales(seed, 5, 12, 40)
    result = most_probable(*problem)
    assert result.status == "optimal"
    assert 0.1 < result.probability < 1.0
    assert result.probability == pytest.approx(by_big_m(*problem), abs=1e-9)


# --- textbook problems with known answers ---


def test_a_newsvendor_who_buys_at_the_fractile():
    """Maximising P(stock >= demand) under a budget of q units is P = F(q): with demand 1..99, 0.01 a unit."""
    demand = np.arange(1.0, 100.0)[:, None]
    for fractile in (0.25, 0.5, 0.9):
        quantity = np.quantile(demand, fractile, method="inverted_cdf")
        shop = programme([1.0], [[1.0]], -np.inf, quantity + 0.5)
        result = most_probable(shop, [[1.0]], demand)
        assert result.probability == np.mean(demand <= quantity)
        # the cheapest stock of that probability: price less cost over price is the fractile
        assert result.x[0] == pytest.approx(quantity)


def test_two_independent_normal_demands_share_a_stock_evenly():
    """P(x1 >= D1) P(x2 >= D2) with x1 + x2 = c is largest at x1 = x2 for equal normal demands (log-concave)."""
    rng = np.random.default_rng(5)
    s = 2000
    demand = 10.0 + rng.normal(size=(s, 2))
    shared = programme([0.0, 0.0], [[1.0, 1.0]], -np.inf, 23.0)
    result = most_probable(shared, np.eye(2), demand)
    truth = norm.cdf(1.5) ** 2
    # the sample's largest probability is at least that of the true optimum in the sample, and above by the largest
    # of empirical deviations only: 4 sigma of one point, and as much again for the maximum over the line
    sigma = (truth * (1 - truth) / s) ** 0.5
    at_truth = np.mean(np.all(demand <= 11.5, axis=1))
    assert result.status == "optimal"
    assert at_truth <= result.probability <= truth + 8 * sigma
    assert np.abs(at_truth - truth) < 4 * sigma


@pytest.mark.parametrize("seed", range(3))
def test_a_chance_constrained_knapsack_equals_brute_force(seed):
    """Random capacity: the most worth that fits with given odds, by the largest odds at each worth (a frontier)."""
    rng = np.random.default_rng(seed)
    items, s, odds = 8, 40, 0.8
    size, worth = rng.integers(3, 20, items), rng.integers(5, 30, items)
    room = rng.integers(30, 80, s).astype(float)
    best = 0.0
    for least in range(int(worth.sum()), 0, -1):
        region = programme(np.zeros(items), worth[None, :], least, np.inf, upper=1, integer=True)
        result = most_probable(region, -size[None, :].astype(float), -room[:, None])
        assert result.status in ("optimal", "infeasible")
        if result.probability is not None and result.probability >= odds:
            best = float(worth @ result.x)
            break
    assert best == max(
        float(worth @ np.array(x)) for x in product((0, 1), repeat=items) if np.mean(size @ np.array(x) <= room) >= odds
    )


@pytest.mark.parametrize("seed", range(3))
def test_facility_sizes_equal_brute_force(seed):
    """Sizes in whole modules under a budget, that most probably meet the demand of every customer by themselves.

    Three sites, four customers; a site serves a customer's region or it does not, and a customer's demand has to be
    covered by the sites that serve it (a cut condition: each subset of customers within reach of its sites' sizes,
    by the max-flow min-cut theorem, so that flows need not be written out).
    """
    rng = np.random.default_rng(seed)
    serves = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]], dtype=bool)
    price, budget, s = np.array([3.0, 2.0, 4.0]), 38.0, 80
    demand = rng.integers(1, 5, (s, 4)).astype(float)
    groups = [np.array(pick, dtype=bool) for pick in product((0, 1), repeat=4) if any(pick)]
    reach = np.array([serves[:, group].any(axis=1) for group in groups], dtype=float)
    needed = np.stack([demand[:, group].sum(axis=1) for group in groups], axis=1)
    region = programme(np.zeros(3), price[None, :], -np.inf, budget, upper=12, integer=True)
    result = most_probable(region, reach, needed)
    tried = {
        x: float(np.mean([flows(serves, np.array(x, dtype=float), d) for d in demand]))
        for x in product(range(13), repeat=3)
        if budget - 4 < price @ np.array(x) <= budget
    }
    assert result.status == "optimal"
    assert result.probability == max(tried.values())
    assert result.probability == tried[tuple(int(v) for v in result.x)] or price @ result.x <= budget - 4


def flows(serves, sizes, demand) -> bool:
    """Whether some flow from sites to customers meets the demand: by augmenting, one unit at a time."""
    left, sent = sizes.copy(), np.zeros_like(serves, dtype=float)

    def supply(customer: int, seen: set[int]) -> bool:
        for site in np.flatnonzero(serves[:, customer]):
            if site in seen:
                continue
            seen.add(int(site))
            if left[site] >= 1:
                left[site] -= 1
                sent[site, customer] += 1
                return True
            for other in np.flatnonzero(sent[site] >= 1):
                if other != customer and supply(int(other), seen):
                    sent[site, other] -= 1
                    sent[site, customer] += 1
                    return True
        return False

    return all(supply(c, set()) for c in range(len(demand)) for _ in range(int(demand[c])))


# --- what the result says of itself ---


def test_the_region_s_costs_choose_among_equally_probable_decisions():
    spread = programme([1.0, 1.0], [[1.0, 1.0]], -np.inf, 10.0)
    cheap = most_probable(spread, np.eye(2), [[1.0, 2.0], [2.0, 1.0], [20.0, 0.0]])
    assert cheap.probability == pytest.approx(2 / 3)
    assert cheap.x == pytest.approx([2.0, 2.0], abs=1e-6)
    roomy = most_probable(replace(spread, costs=np.zeros(2)), np.eye(2), [[1.0, 2.0], [2.0, 1.0], [20.0, 0.0]])
    # the smallest margin is largest: what is left, 6, is shared as the largest targets are, 20 and 2
    assert roomy.x == pytest.approx([2.0 + 6 * 20 / 22, 2.0 + 6 * 2 / 22], abs=1e-6)


def test_a_start_that_is_best_is_proven_so():
    problem = sales(1, 5, 12, 40)
    first = most_probable(*problem)
    again = most_probable(*problem, start=first.x)
    assert (again.status, again.probability) == ("optimal", first.probability)


@pytest.mark.skipif(not HAS_HIGHS, reason="highspy is not installed, and which nodes CBC counts is not ours to promise")
def test_the_same_bits_again():
    problem = sales(1, 5, 15, 120)
    runs = [most_probable(*problem, threads=threads) for threads in (1, 2, 1)]
    assert runs[0].status == "optimal"
    assert runs[0].nodes > 0
    for run in runs:
        assert run.repeatable
        assert np.array_equal(run.x, runs[0].x)
        assert (run.probability, run.bound, run.nodes) == (runs[0].probability, runs[0].bound, runs[0].nodes)


def test_a_gap_ends_the_search_and_is_said():
    region, effects, targets = sales(3, 6, 20, 200)
    loose = most_probable(region, effects, targets, gap=0.5)
    best = most_probable(region, effects, targets)
    assert loose.probability <= best.probability <= loose.bound
    assert loose.gap <= 0.5
    assert loose.termination in ("gap", "optimal")


def test_a_stop_by_the_clock_keeps_what_there_is_and_its_bound():
    problem = sales(4, 8, 30, 300)
    late = most_probable(*problem, limits=WorkLimits(seconds=0.001))
    best = most_probable(*problem)
    assert late.status in ("feasible", "unsolved")
    assert not late.repeatable
    if late.x is not None:
        check(*problem, np.ones(300), late)
        assert late.probability <= best.probability <= late.bound


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"effects": [[1.0]]}, "effects are 1 x 1; 2 targets and 2 variables need 2 x 2"),
        ({"targets": [[1.0, np.inf]]}, "targets and effects must be finite"),
        ({"weights": [1.0, 1.0]}, "1 scenarios need as many weights"),
        ({"weights": [0.0]}, "not all nought"),
        ({"weights": [-1.0]}, "not negative"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change, says):
    given_ = {"effects": np.eye(2), "targets": [[1.0, 2.0]], "weights": None} | change
    with pytest.raises(MalformedTargets, match=says):
        most_probable(
            programme([0.0, 0.0], [[1.0, 1.0]], -np.inf, 3.0),
            given_["effects"],
            given_["targets"],
            weights=given_["weights"],
        )
