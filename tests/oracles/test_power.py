"""The stated odds are the true ones: checked against exact binomial tails and tabulated normal ones."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from tests.oracles import power


def test_false_alarms_are_the_tabulated_normal_tails() -> None:
    assert power.false_alarm(4.0) == pytest.approx(6.334e-5, rel=1e-3)
    assert power.false_alarm(1.959964) == pytest.approx(0.05, rel=1e-5)


@pytest.mark.parametrize(("p", "n"), [(0.5, 20_000), (0.05, 40_000), (0.93, 30_000)])
def test_a_detectable_error_is_found_with_the_stated_power_by_exact_count(p: float, n: int) -> None:
    d = power.detectable_probability(p, n)
    limit = 4.0 * math.sqrt(n * p * (1 - p))
    for q in (p + d, p - d):
        found = stats.binom.sf(math.ceil(n * p + limit) - 1, n, q) + stats.binom.cdf(math.floor(n * p - limit), n, q)
        assert found >= 0.985
    weaker = min(stats.binom.sf(math.ceil(n * p + limit) - 1, n, p + 0.8 * d), 1.0)
    assert weaker < 0.95, "it is the smallest such error, not just one of them"


def test_sample_sizes_invert_the_detectable_errors() -> None:
    n = power.replications_for_probability(0.3, 0.01)
    assert power.detectable_probability(0.3, n) <= 0.01 < power.detectable_probability(0.3, int(0.95 * n))
    n = power.replications_for_mean(2.0, 0.01)
    assert power.detectable_mean(2.0, n) <= 0.01 < power.detectable_mean(2.0, n - 10)


def test_a_verdict_refuses_disagreement_and_samples_too_small() -> None:
    good = power.judge_probability(30_100, 100_000, 0.3)
    assert good.off < 1.0
    assert good.false_alarm == pytest.approx(power.false_alarm(4.0), rel=0.1)
    with pytest.raises(AssertionError, match="standard errors off"):
        power.judge_probability(31_000, 100_000, 0.3)
    with pytest.raises(AssertionError, match="too few trials"):
        power.judge_probability(300, 1_000, 0.3)
    assert power.judge_probability(30_900, 100_000, (0.3, 0.308), finds=0.02).off < 1.0
    power.judge_mean(10.01, 0.01, 10.0)
    with pytest.raises(AssertionError, match="standard errors off"):
        power.judge_mean(10.1, 0.01, 10.0)
    with pytest.raises(AssertionError, match="too few values"):
        power.judge_mean(10.0, 0.1, 10.0)
