"""Intervals against published values, independent implementations, and exact enumeration of their coverage.

Nothing here is simulated except where said: coverage is summed over all outcomes with their probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats

from engine.statistics import (
    Interval,
    best_probabilities,
    clopper_pearson,
    discordant_difference,
    enough,
    mean,
    paired_difference,
    paired_mean_difference,
    precision_schedule,
    quantile,
    quantile_ranks,
    quantiles,
    student,
    tango_score,
    wilson,
)

PROBABILITIES = np.linspace(0.05, 0.95, 46)

# --- a probability --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("successes", "n", "score", "exact"),
    [
        (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
        (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
        (0, 20, (0.0, 0.1611), (0.0, 0.1684)),
        (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
    ],
)
def test_published_intervals(successes: int, n: int, score: tuple[float, float], exact: tuple[float, float]) -> None:
    """Newcombe (1998), Statistics in Medicine 17, 857-872, table I, methods 3 and 5."""
    assert wilson(successes, n) == pytest.approx(score, abs=5e-5)
    assert clopper_pearson(successes, n) == pytest.approx(exact, abs=5e-5)


@settings(deadline=None)
@given(st.integers(1, 5000), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
def test_against_scipy(n: int, data: st.DataObject, level: float) -> None:
    successes = data.draw(st.integers(0, n))
    test = stats.binomtest(successes, n)
    score, exact = test.proportion_ci(level, "wilson"), test.proportion_ci(level, "exact")
    assert wilson(successes, n, level) == pytest.approx((score.low, score.high), abs=1e-9)
    assert clopper_pearson(successes, n, level) == pytest.approx((exact.low, exact.high), abs=1e-9)


@pytest.mark.parametrize("level", [0.01, 0.5, 0.9, 0.95, 0.999, 1.0 - 1e-8])
@pytest.mark.parametrize("freedom", [1, 1.5, 5, 30, 1999, 1e5, 1.9e6, 2.1e6, 1e9])
def test_student_against_scipy(freedom: float, level: float) -> None:
    """From the tail, where the level itself is rounded less."""
    assert student(level, freedom) == pytest.approx(-special.stdtrit(freedom, (1.0 - level) / 2.0), rel=1e-10)


@settings(deadline=None)
@given(st.integers(1, 100_000), st.floats(1e-6, 1.0 - 1e-6), st.sampled_from([0.5, 0.95, 0.99]))
def test_ranks_against_scipy(n: int, q: float, level: float) -> None:
    """The definition, with SciPy's binomial distribution; ties of a probability with the tail aside."""
    low, high = quantile_ranks(n, q, level)
    tail, slack = (1.0 - level) / 2.0, 1e-9
    assert special.bdtr(float(low), n, q) > tail - slack
    assert low == 0 or special.bdtr(float(low - 1), n, q) <= tail + slack
    assert special.bdtr(float(high - 1), n, q) >= 1.0 - tail - slack
    assert high == 1 or special.bdtr(float(high - 2), n, q) < 1.0 - tail + slack


def coverage(method: Callable[[float, float], Interval], n: int) -> np.ndarray:
    intervals = np.array([method(s, n) for s in range(n + 1)])
    inside = (intervals[:, :1] <= PROBABILITIES) & (PROBABILITIES <= intervals[:, 1:])
    chances = stats.binom.pmf(np.arange(n + 1)[:, None], n, PROBABILITIES[None, :])
    return np.asarray((chances * inside).sum(axis=0))


def test_coverage_by_enumeration() -> None:
    for n in (64, 256, 1024):
        assert coverage(clopper_pearson, n).min() >= 0.95
        assert coverage(wilson, n).mean() == pytest.approx(0.95, abs=0.004)
    assert 0.945 <= coverage(wilson, 1024).min()
    assert coverage(wilson, 1024).max() <= 0.955


def test_no_replications_say_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 10).low == 0.0
    assert wilson(10, 10).high == 1.0
    with pytest.raises(ValueError, match="between 0 and n"):
        wilson(11, 10)


# --- quantiles and means --------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(1, 400), st.sampled_from([0.05, 0.1, 0.2, 0.5, 0.9]))
def test_quantile_ranks_cover_by_the_beta_law(n: int, q: float) -> None:
    """The r-th of n uniform order statistics is Beta(r, n - r + 1): each end must miss with at most 2.5%."""
    low, high = quantile_ranks(n, q)
    assert 0 <= low < high <= n + 1
    miss_low = stats.beta.sf(q, low, n - low + 1) if low >= 1 else 0.0  # the low end lies above the quantile
    miss_high = stats.beta.cdf(q, high, n - high + 1) if high <= n else 0.0
    assert miss_low <= 0.025 + 1e-12
    assert miss_high <= 0.025 + 1e-12
    # And no closer pair of ranks would do.
    assert stats.beta.sf(q, low + 1, n - low) > 0.025 - 1e-12
    if high >= 2:
        assert stats.beta.cdf(q, high - 1, n - high + 2) > 0.025 - 1e-12


def test_quantiles_by_hand() -> None:
    values = np.arange(1, 101)[::-1]
    median, tenth = quantiles(values, (0.5, 0.1))
    assert median == (50.0, 40.0, 61.0)  # the textbook interval for n = 100: 40th and 61st
    assert tenth.value == 10.0
    assert quantile([7.0], 0.5) == (7.0, -math.inf, math.inf)
    assert quantile([0.0] * 99 + [1.0], 0.5) == (0.0, 0.0, 0.0)
    assert quantile(np.arange(30.0), 0.1).value == 2.0
    with pytest.raises(ValueError, match="not a number"):
        quantile([1.0, math.nan], 0.5)


def test_means() -> None:
    data = [3.1, 2.9, 4.0, 5.5, 1.0]
    theirs = stats.ttest_1samp(data, 0).confidence_interval(0.95)
    assert mean(data) == pytest.approx((3.3, theirs.low, theirs.high))
    difference = paired_mean_difference([1.0, 2.0, 4.0], [2.0, 2.0, 7.0])
    theirs = stats.ttest_rel([2.0, 2.0, 7.0], [1.0, 2.0, 4.0]).confidence_interval(0.95)
    assert difference == pytest.approx((4 / 3, theirs.low, theirs.high))
    assert mean([2.0]) == (2.0, -math.inf, math.inf)


# --- paired probabilities -------------------------------------------------------------------------------------------


def test_tango_on_published_data() -> None:
    """Airway hyper-responsiveness (Bentur et al. 2009), as analysed by Fagerland, Lydersen & Laake (2014): 1 and 7 of
    21 pairs disagree; their asymptotic score interval is -0.517 to -0.026."""
    assert discordant_difference(1, 7, 21) == pytest.approx((-6 / 21, -0.517, -0.026), abs=5e-4)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 60), st.integers(0, 60), st.integers(0, 60), st.floats(-0.95, 0.95))
def test_tango_score_from_the_likelihood(n: int, only_b: int, only_a: int, difference: float) -> None:
    """The statistic with its nuisance probability maximised numerically instead of by the closed form."""
    n += only_a + only_b
    same = n - only_a - only_b

    def loss(q: float) -> float:  # q = P(a alone), P(b alone) = q + difference
        terms = ((only_b, q + difference), (only_a, q), (same, 1.0 - 2.0 * q - difference))
        return -sum(k * math.log(max(p, 1e-300)) for k, p in terms if k)

    low, high = max(0.0, -difference), (1.0 - difference) / 2.0
    q = optimize.minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-11}).x
    variance = n * (2.0 * q + difference * (1.0 - difference))
    expected = (only_b - only_a - n * difference) / math.sqrt(variance)
    # The maximum is flat, so the search finds q to about 1e-7 only.
    assert tango_score(only_b, only_a, n, difference) == pytest.approx(expected, rel=2e-3, abs=1e-3)


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 2000))
def test_paired_intervals_are_sound(only_b: int, only_a: int, same: int) -> None:
    n = only_a + only_b + same
    value, low, high = discordant_difference(only_b, only_a, n)
    assert -1.0 <= low <= value <= high <= 1.0
    mirrored = discordant_difference(only_a, only_b, n)
    assert (mirrored.low, mirrored.high) == pytest.approx((-high, -low), abs=1e-12)
    if n:
        for end in (low, high):
            if -1.0 < end < 1.0:
                assert abs(tango_score(only_b, only_a, n, end)) == pytest.approx(stats.norm.ppf(0.975), rel=1e-6)


@pytest.mark.parametrize(("p_b", "p_a", "worst"), [(0.06, 0.02, 0.94), (0.10, 0.10, 0.94), (0.3, 0.1, 0.94)])
def test_paired_coverage_by_enumeration(p_b: float, p_a: float, worst: float) -> None:
    n = 120
    covered = total = 0.0
    for k in range(n + 1):  # pairs that disagree, then how many of them for b
        outer = stats.binom.pmf(k, n, p_a + p_b)
        if outer < 1e-9:
            continue
        for only_b, inner in enumerate(stats.binom.pmf(np.arange(k + 1), k, p_b / (p_a + p_b))):
            if inner > 1e-7:
                _, low, high = discordant_difference(only_b, k - only_b, n)
                covered += outer * inner * (low <= p_b - p_a <= high)
                total += outer * inner
    assert total == pytest.approx(1.0, abs=1e-4)
    assert worst <= covered <= 0.965


def test_pairing_from_arrays() -> None:
    a = np.array([1, 1, 0, 0, 1], dtype=bool)
    b = np.array([1, 0, 1, 1, 1], dtype=bool)
    assert paired_difference(a, b) == discordant_difference(2, 1, 5)
    with pytest.raises(ValueError, match="as many in both"):
        paired_difference(a, b[:3])


# --- the best of several --------------------------------------------------------------------------------------------


def test_best_of_two_by_the_normal_law() -> None:
    """Discordant pairs 130 and 100 of 1000: the redrawn difference is close to normal with mean 30 and variance
    230 - 0.9; 4,000 redraws give the probability to 4 x 0.0024, the lattice and the tails to 0.003."""
    outcomes = np.zeros((1000, 2))
    outcomes[:130, 1] = 1
    outcomes[130:230, 0] = 1
    share = best_probabilities(outcomes)
    assert share.sum() == pytest.approx(1.0)
    assert share[1] == pytest.approx(stats.norm.cdf(30 / math.sqrt(229.1)), abs=4 * 0.0024 + 0.003)
    assert (best_probabilities(outcomes) == share).all()  # keyed: the same answer each time


def test_ties_share() -> None:
    assert best_probabilities(np.ones((50, 4))) == pytest.approx([0.25] * 4)
    column = np.random.default_rng(1).normal(size=(40, 1)) * 1e7
    assert best_probabilities(np.hstack([column, column, column - 1e8]))[:2] == pytest.approx([0.5, 0.5])


# --- how many replications ------------------------------------------------------------------------------------------


def test_schedule() -> None:
    assert precision_schedule(5000) == (256, 384, 512, 768, 1024, 1472, 2048, 2944, 4096, 5000)
    assert precision_schedule(256) == (256,)
    assert precision_schedule(100) == (100,)
    for k, look in enumerate(precision_schedule(2**40)[:-1]):
        assert look % 64 == 0
        assert 0 <= look - 256 * 2 ** (k / 2) < 64
    longer = precision_schedule(10_000)
    assert longer[:9] == precision_schedule(5000)[:9]


def test_enough() -> None:
    assert not enough(128, 256, 0.05)
    assert enough(192, 384, 0.05)
    assert enough([192, 3], 384, 0.05)
    assert not enough([192, 3], 384, 0.03)


@pytest.mark.parametrize("precision", [0.02, 0.03])
def test_coverage_of_stopping_by_precision(precision: float) -> None:
    """Exact: the law of the successes that have not stopped is carried from look to look."""
    covers = []
    for p in PROBABILITIES:
        law, m, covered, stopped = np.array([1.0]), 0, 0.0, 0.0
        for n in precision_schedule(20_000):
            law = np.convolve(law, stats.binom.pmf(np.arange(n - m + 1), n - m, p))
            m = n
            for s in np.nonzero(law > 1e-13)[0]:
                if n == 20_000 or enough(int(s), n, precision):
                    interval = wilson(int(s), n)
                    covered += law[s] * (interval.low <= p <= interval.high)
                    stopped += law[s]
                    law[s] = 0.0
            if law.sum() < 1e-9:
                break
        assert stopped == pytest.approx(1.0, abs=1e-6)
        covers.append(covered)
    assert 0.934 <= min(covers)
    assert max(covers) <= 0.966
    assert np.mean(covers) == pytest.approx(0.95, abs=0.003)
