"""Bounds hold as often as they say, intervals cover, optimism is small: over 1,000 repeats where the truth is known.

Binomial tolerances are four standard errors: a false alarm in 6e-5 of seeds, for each.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t

from benchmarks.portfolios import as_levers, as_paths, exact, reference_portfolio
from solvers.ascent import ClimbLimits, climb
from solvers.binomial import exact_interval
from solvers.bounds import judged, no_certificate, population_bound, sample_bound
from solvers.objective import all_of, outcomes
from solvers.polyhedron import of_levers

REPEATS = 1000
FINAL = 20_480  # paths that an answer is judged on
SMALL = reference_portfolio(25, target=1.1)
CLIMB = ClimbLimits(paths=60_000, batch=2048, steps=8)


def test_a_population_bound_holds_as_often_as_it_says() -> None:
    """Ten splits to choose from, so that a sample's optimum is found by trying all; the truth is the best of them."""
    case = reference_portfolio(20, target=1.1)
    rng = np.random.default_rng(5)
    splits = rng.dirichlet(np.ones(20), 10) @ np.diag(case.mean)
    splits = splits / np.sum(splits, axis=1, keepdims=True)
    best = max(case.probability(x) for x in splits)
    held, above = 0, []
    for repeat in range(REPEATS):

        def dual(i: int, repeat: int = repeat) -> float:
            yields = rng_yields(case.mean, case.own, case.loadings, repeat, i)
            return float(np.max(np.mean(yields @ splits.T >= case.target, axis=0)))

        bound = population_bound(dual)
        assert bound.kind == "population"
        assert bound.value is not None
        held += bound.value >= best
        above.append(np.mean(bound.samples))
    assert held / REPEATS >= 0.95 - 4.0 * np.sqrt(0.95 * 0.05 / REPEATS)
    assert np.mean(above) > best  # the best of a sample is optimistic: that is why it bounds


def rng_yields(mean: np.ndarray, own: np.ndarray, loadings: np.ndarray, repeat: int, i: int) -> np.ndarray:
    rng = np.random.default_rng([repeat, i])
    return mean + rng.standard_normal((200, len(mean))) * own + rng.standard_normal((200, 2)) @ loadings.T


def test_a_population_bound_is_the_mean_and_a_t_quantile() -> None:
    values = [0.90, 0.92, 0.91, 0.89, 0.93, 0.90, 0.92, 0.91, 0.90, 0.92]
    bound = population_bound(lambda i: values[i])
    assert bound.value == pytest.approx(np.mean(values) + t.ppf(0.95, 9) * np.std(values, ddof=1) / np.sqrt(10))
    assert bound.samples == tuple(values)
    assert population_bound(lambda i: 1.2).value == 1.0


def test_a_sample_without_a_bound_leaves_no_certificate() -> None:
    bound = population_bound(lambda i: None if i == 3 else 0.9)
    assert (bound.kind, bound.value) == ("none", None)
    assert "sample problem 4 of 10" in bound.because
    with pytest.raises(ValueError, match="10 independent samples"):
        population_bound(lambda i: 0.9, samples=5)
    assert no_certificate("reps share their time", 0.93).reference == 0.93
    assert sample_bound(0.97).kind == "sample"


def test_what_a_judgement_says() -> None:
    found = judged(950, 1000, 1840, 2000)
    assert found.optimism == pytest.approx(0.03)
    assert found.interval == exact_interval(1840, 2000)
    assert found.optimism_interval.low < 0.03 < found.optimism_interval.high
    assert found.gap(no_certificate("")) is None
    assert found.gap(sample_bound(0.95)) == pytest.approx(0.95 - found.interval.low)
    assert found.gap(sample_bound(0.5)) == 0.0


def judged_climb(repeat: int) -> tuple[float, float, bool]:
    """One optimisation, judged: its optimism, points below the best, and whether the interval covers the truth."""
    case = replace(SMALL, seed=repeat)  # other sample paths of the same portfolio
    paths, even = as_paths(case), np.full(case.cells, 1.0 / case.cells)
    found = climb(of_levers(as_levers(case)), paths, all_of(1), {"even": even}, limits=CLIMB)
    hits = int(np.count_nonzero(outcomes(paths, [found.x], all_of(1), 0, FINAL, 0)))
    in_sample = round(found.in_sample * found.in_sample_paths)
    said, truth = judged(in_sample, found.in_sample_paths, hits, FINAL), case.probability(found.x)
    return said.in_sample - truth, BEST - truth, said.interval.low <= truth <= said.interval.high


BEST = SMALL.probability(exact(SMALL))


def check_climbs(repeats: int) -> None:
    optimism, below, covered = (np.array(figure) for figure in zip(*map(judged_climb, range(repeats)), strict=True))
    # exact intervals of 20,480 paths cover 95% to within 0.2 points
    assert abs(np.mean(covered) - 0.95) <= 4.0 * np.sqrt(0.95 * 0.05 / repeats) + 0.002
    error = np.std(optimism) / np.sqrt(repeats)
    assert abs(np.mean(optimism)) < 0.005 + 4.0 * error * (repeats < REPEATS)
    assert np.mean(below) < 0.01  # few paths and short climbs, a thousand times
    assert np.all(below >= -1e-9)


def test_intervals_cover_and_optimism_is_small_in_a_few_optimisations() -> None:
    check_climbs(20)


@pytest.mark.long
def test_intervals_cover_and_optimism_is_small_in_a_thousand_optimisations() -> None:
    check_climbs(REPEATS)
