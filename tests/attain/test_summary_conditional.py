"""The range of the chance over the inputs, against models whose conditional probability is known.

False alarms: seeds are fixed, and every tolerance is four standard deviations of the estimator over seeds or more, as
measured on 100 other seeds (300 where nothing has an effect).
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from attain.summary.conditional import conditional, logistic


def test_fifteen_of_150_over_650_prospects() -> None:
    """Conversion from its Jeffreys posterior, 50 deals of 650 prospects: P(attain | p) is a binomial tail."""
    exact = stats.binom.sf(49, 650, stats.beta.ppf([0.1, 0.9], 15.5, 135.5))
    rng = np.random.default_rng(0)
    drawn = rng.beta(15.5, 135.5, (10_000, 1))
    found = conditional(drawn, rng.random(10_000) < stats.binom.sf(49, 650, drawn[:, 0]))
    assert found is not None
    assert found.interval.low == pytest.approx(
        exact[0], abs=0.1
    )  # over seeds: bias -0.019 of the logit's form, sd 0.019
    assert found.interval.high == pytest.approx(exact[1], abs=0.002)
    assert found.effects[0].chance_low == pytest.approx(found.interval.low, abs=0.01)
    assert found.effects[0].low == pytest.approx(stats.beta.ppf(0.1, 15.5, 135.5), abs=0.002)


def test_several_inputs_and_those_that_do_not_matter() -> None:
    rng = np.random.default_rng(1)
    drawn = rng.normal(size=(4000, 5))
    p = stats.norm.cdf(0.3 + drawn @ np.array([0.5, 0.0, -0.3, 0.0, 0.2]))
    found = conditional(drawn, rng.random(4000) < p)
    assert found is not None
    assert tuple(found.interval) == pytest.approx(np.quantile(p, [0.1, 0.9]), abs=0.06)
    assert [effect.column for effect in found.effects[:3]] == [0, 2, 4]
    assert found.effects[1].chance_low > found.effects[1].chance_high  # more of it is worse
    assert abs(found.probabilities - p).mean() < 0.03
    assert found.probabilities.mean() == pytest.approx((rng.random(4000) < p).mean(), abs=0.04)


def test_an_input_that_hurts_both_ways_is_seen() -> None:
    rng = np.random.default_rng(2)
    drawn = rng.normal(size=(4000, 2))
    p = stats.norm.cdf(drawn[:, 0] ** 2 - 1)
    found = conditional(drawn, rng.random(4000) < p)
    assert found is not None
    assert tuple(found.interval) == pytest.approx(np.quantile(p, [0.1, 0.9]), abs=0.05)


@pytest.mark.parametrize("inputs", [1, 5, 12])
def test_with_no_effect_the_range_collapses(inputs: int) -> None:
    """Over 60 runs of 2,000: without the correction the mean width would be 2.56 sd = 0.029 x sqrt(inputs) at least."""
    rng = np.random.default_rng(3)
    widths = []
    for _ in range(60):
        drawn = rng.beta(20, 30, (2000, inputs))
        found = conditional(drawn, rng.random(2000) < 0.5)
        assert found is not None
        assert found.interval.low <= found.probabilities.mean() + 1e-9 <= found.interval.high + 2e-9
        widths.append(found.interval.high - found.interval.low)
    assert np.mean(widths) < 0.7 * 0.029 * np.sqrt(inputs)  # over seeds 0.36, 0.28 and 0.27, sd of a mean 0.08 at most
    assert np.mean(np.array(widths) == 0.0) > 0.25  # a variance estimated as negative is none


def test_nothing_is_said_where_nothing_can_be() -> None:
    rng = np.random.default_rng(4)
    drawn, hits = rng.normal(size=(400, 1)), rng.random(400) < 0.5
    assert conditional(np.zeros((400, 0)), hits) is None
    assert conditional(np.ones((400, 2)), hits) is None
    assert conditional(drawn[:50], hits[:50]) is None
    assert conditional(drawn, np.ones(400, dtype=bool)) is None
    assert conditional(drawn, np.arange(400) < 5) is None


def test_an_input_that_decides_alone_gives_finite_numbers() -> None:
    drawn = np.linspace(-1, 1, 1000)[:, None]
    found = conditional(drawn, drawn[:, 0] > 0)
    assert found is not None
    assert found.interval.low < 0.01
    assert found.interval.high > 0.99


def test_the_regression_is_at_its_own_optimum_and_its_covariance_right() -> None:
    """The gradient is 0 at the solution; the covariance is that of 300 repetitions (sd of a variance ratio: 8%)."""
    rng = np.random.default_rng(5)
    features = rng.normal(size=(500, 2))
    p = special.expit(0.4 + features @ np.array([0.8, -0.5]))
    fits = [logistic(features, rng.random(500) < p) for _ in range(300)]
    hits = rng.random(500) < p
    one = logistic(features, hits)
    design = np.column_stack([np.ones(500), features])
    residual = special.expit(design @ one.coefficients) - hits
    assert design.T @ residual + 0.5 * np.array([0.0, *one.coefficients[1:]]) == pytest.approx(0.0, abs=1e-4)
    seen = np.var([fit.coefficients for fit in fits], axis=0, ddof=1)
    said = np.mean([np.diag(fit.covariance) for fit in fits], axis=0)
    assert said / seen == pytest.approx(np.ones(3), abs=0.35)
