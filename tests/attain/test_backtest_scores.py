"""Scores of distributions against closed forms, exact integrals, and forecasters that are right by construction."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from attain.backtest import scores
from attain.backtest.summary import blocks
from tests.oracles.power import SIGMAS

FINITE = st.floats(-1e6, 1e6)


def gaussian(y: float) -> float:
    """CRPS of the standard normal (Gneiting and Raftery 2007, section 4.2)."""
    return float(y * (2 * stats.norm.cdf(y) - 1) + 2 * stats.norm.pdf(y) - 1 / math.sqrt(math.pi))


def near(values: np.ndarray, expected: float) -> None:
    """The mean is within four standard errors: one false alarm in 16,000."""
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    assert abs(float(values.mean()) - expected) <= SIGMAS * error
    assert error < 0.05


@pytest.mark.parametrize("y", [-1.7, 0.0, 0.4, 2.5])
@pytest.mark.parametrize("m", [2, 5, 50])
def test_the_fair_score_of_few_samples_is_the_distribution_s(y: float, m: int) -> None:
    samples = np.random.default_rng(m).standard_normal((20_000, m))
    near(scores.crps(samples, np.full(20_000, y)), gaussian(y))


def test_the_score_of_samples_as_they_are_is_biased_by_their_number() -> None:
    samples = np.random.default_rng(0).standard_normal((20_000, 5))
    found = scores.crps(samples, np.zeros(20_000), fair=False)
    near(found, gaussian(0.0) + 1 / math.sqrt(math.pi) / 5)  # E|X - X'| / 2 / m, where E|X - X'| = 2 / sqrt(pi)


@pytest.mark.parametrize("y", [0.0, 0.2, 0.5, 1.0])
def test_a_grid_of_quantiles_scores_as_the_uniform_does(y: float) -> None:
    grid = (np.arange(1000) + 0.5)[None, :] / 1000
    found = scores.crps(grid, np.array([y]), fair=False)[0]
    assert found == pytest.approx((y**3 + (1 - y) ** 3) / 3, abs=1e-6)


@given(arrays(np.float64, st.integers(1, 12), elements=FINITE), FINITE)
def test_the_score_is_the_integral_of_squared_distance(samples: np.ndarray, y: float) -> None:
    edges = np.sort(np.append(samples, y))
    middle = (edges[1:] + edges[:-1]) / 2
    steps = (samples[None, :] <= middle[:, None]).mean(axis=1) - (y <= middle)
    exact = float(np.sum(np.diff(edges) * steps**2))
    found = scores.crps(samples[None, :], np.array([y]), fair=False)[0]
    assert found == pytest.approx(exact, rel=1e-9, abs=1e-6)


def test_one_sample_is_a_point() -> None:
    assert scores.crps(np.array([[3.0]]), np.array([5.5]))[0] == 2.5


@pytest.mark.parametrize("mean", [0.05, 1.3, 40.0])
def test_a_right_forecaster_of_counts_has_a_flat_transform_and_nominal_coverage(mean: float) -> None:
    rng = np.random.default_rng(1)
    n = 6000
    rates = rng.gamma(4.0, mean / 4.0, n)
    samples, y = rng.poisson(rates[:, None], (n, 60)).astype(float), rng.poisson(rates).astype(float)
    low, high = scores.transform(samples, y)
    for k in range(10):
        near(scores.within(low, high, k / 10, (k + 1) / 10), 0.1)
    for level in (0.5, 0.8, 0.9):
        near(scores.covered(low, high, level), level)
    assert scores.histogram(low, high).sum() == pytest.approx(1.0)


def test_a_forecaster_that_is_too_sure_is_found_out() -> None:
    rng = np.random.default_rng(2)
    samples, y = rng.standard_normal((2000, 100)), 2.0 * rng.standard_normal(2000)
    low, high = scores.transform(samples, y)
    expected = 2 * stats.norm.cdf(stats.norm.ppf(0.9) / 2) - 1
    near(scores.covered(low, high, 0.8), expected)
    shares = scores.histogram(low, high)
    assert shares[0] + shares[-1] > 0.4


def test_widths_are_the_quantiles_distance() -> None:
    grid = np.linspace(0.0, 10.0, 1001)[None, :]
    assert scores.width(grid, 0.8)[0] == pytest.approx(8.0)


@given(st.data(), st.integers(1, 80))
def test_the_brier_score_is_the_sum_of_its_parts(data: st.DataObject, n: int) -> None:
    p = data.draw(arrays(np.float64, n, elements=st.floats(0.0, 1.0)))
    y = data.draw(arrays(np.float64, n, elements=st.sampled_from([0.0, 1.0])))
    found = scores.brier(p, y)
    parts = found.reliability - found.resolution + found.uncertainty + found.within
    assert parts == pytest.approx(found.score, abs=1e-9)
    assert sum(b.count for b in found.bins) == n


def test_a_calibrated_forecaster_has_no_reliability_term() -> None:
    rng = np.random.default_rng(3)
    p = rng.random(40_000)
    found = scores.brier(p, (rng.random(40_000) < p).astype(float))
    assert found.reliability < 4e-4  # in expectation 10 bins' p(1-p)/n: 4e-5
    assert found.score == pytest.approx(1 / 6, abs=SIGMAS * 0.2 / 200)


def test_the_bootstrap_s_error_is_that_of_independent_folds() -> None:
    rng = np.random.default_rng(4)
    folds = np.repeat(np.arange(60), 5)
    values = np.repeat(rng.standard_normal(60), 5)  # cells of a fold are one observation
    low, high = blocks(values, folds, 1)
    assert (high - low) / 2 == pytest.approx(1.96 * values[::5].std() / math.sqrt(60), rel=0.1)
    assert low < values.mean() < high
    assert math.isnan(blocks(np.ones(3), np.zeros(3, dtype=np.int64), 1)[0])
