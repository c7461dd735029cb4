"""Conversion with open deals: a hand case, Kaplan-Meier's identity, closed forms, coverage, and cohorts that move."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.fit.incidence import (
    ADVANCED,
    LOST,
    OPEN,
    cohort_range,
    cumulative_incidence,
    dispersion,
    effective_of,
    final_variance,
    fit_conversion,
)


def test_hand_case() -> None:
    # five deals: advanced at 1, open at 2, lost at 3, advanced at 4, lost at 4
    curve = cumulative_incidence([1, 2, 3, 4, 4], [ADVANCED, OPEN, LOST, ADVANCED, LOST])
    assert curve.times.tolist() == [1, 3, 4]
    # at 1: 1/5; S = 4/5. At 3 three are at risk: lost 4/5/3 = 4/15; S = 8/15. At 4 two: 8/15/2 each; S = 0
    assert curve.incidence[:, 0] == pytest.approx([1 / 5, 1 / 5, 1 / 5 + 4 / 15])
    assert curve.incidence[:, 1] == pytest.approx([0, 4 / 15, 8 / 15])
    assert curve.survival == pytest.approx([4 / 5, 8 / 15, 0])


outcomes = st.lists(st.tuples(st.integers(0, 20), st.sampled_from([OPEN, ADVANCED, LOST])), min_size=1, max_size=60)


@given(outcomes)
def test_incidences_and_survival_sum_to_one_and_survival_is_kaplan_meier(deals: list[tuple[int, int]]) -> None:
    t, c = np.array([d[0] for d in deals], dtype=float), np.array([d[1] for d in deals])
    curve = cumulative_incidence(t, c)
    assert curve.incidence.sum(axis=1) + curve.survival == pytest.approx(np.ones(len(curve.times)))
    product = 1.0
    for at, s in zip(curve.times, curve.survival, strict=True):  # Kaplan and Meier's product, written out
        product *= 1 - np.sum((t == at) & (c != OPEN)) / np.sum(t >= at)
        assert s == pytest.approx(product, abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from([ADVANCED, LOST])), min_size=1, max_size=60))
def test_without_open_deals_it_is_the_plain_ratio_and_the_binomial_variance(deals: list[tuple[int, int]]) -> None:
    t, c = [d[0] for d in deals], [d[1] for d in deals]
    n, wins = len(c), c.count(ADVANCED)
    fitted = fit_conversion(t, c)
    assert fitted.probability == pytest.approx(wins / n)
    assert (fitted.wins, fitted.of) == (pytest.approx(wins), pytest.approx(n))
    assert final_variance(t, c) == pytest.approx(wins * (n - wins) / n**3, abs=1e-12)


@given(outcomes.filter(lambda d: any(c != OPEN for _, c in d)))
def test_effective_counts_are_possible(deals: list[tuple[int, int]]) -> None:
    fitted = fit_conversion([d[0] for d in deals], [d[1] for d in deals])
    assert 0 <= fitted.wins <= fitted.of <= fitted.advanced + fitted.lost
    assert 0 <= fitted.probability <= 1
    assert fitted.advanced + fitted.lost + fitted.open == fitted.entered


def _censored(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """40% advance with waits of mean 2, the rest are lost with mean 1; observed for 0 to 20."""
    advances = rng.random(n) < 0.4
    wait = np.where(advances, rng.exponential(2.0, n), rng.exponential(1.0, n))
    seen = rng.uniform(0, 20, n)
    return np.minimum(wait, seen), np.where(wait <= seen, np.where(advances, ADVANCED, LOST), OPEN)


def test_recovers_the_conversion_that_closed_deals_alone_misjudge() -> None:
    rng = np.random.default_rng(1)
    n = 20_000
    advances = rng.random(n) < 0.4
    wait = np.where(advances, rng.gamma(4, 3.0, n), rng.exponential(1.0, n))  # wins come late
    seen = rng.uniform(0, 40, n)
    t, c = np.minimum(wait, seen), np.where(wait <= seen, np.where(advances, ADVANCED, LOST), OPEN)
    fitted = fit_conversion(t, c)
    # sd .0045 at most (its own variance); 4 sigma: a false alarm in 16,000 runs, and the seed is fixed
    assert fitted.probability == pytest.approx(0.4, abs=4 * np.sqrt(final_variance(t, c)))
    assert np.sum(c == ADVANCED) / np.sum(c != OPEN) < 0.35  # leaving open deals out is far outside that


def test_variance_is_that_of_the_estimate() -> None:
    rng = np.random.default_rng(2)
    samples = [_censored(rng, 300) for _ in range(800)]
    estimates = [cumulative_incidence(t, c).final(ADVANCED) for t, c in samples]
    own = np.mean([final_variance(t, c) for t, c in samples])
    # the variance of a variance from 800 near-normal estimates has cv sqrt(2/799) = .05; 4 sigma = .2
    assert np.var(estimates) == pytest.approx(own, rel=0.2)


def test_nobody_ended_is_refused() -> None:
    with pytest.raises(ValueError, match="no deal has left"):
        fit_conversion([1.0, 2.0], [OPEN, OPEN])


@pytest.mark.parametrize(("times", "codes"), [([1.0, -1.0], [1, 1]), ([1.0, np.nan], [1, 1]), ([1.0], [1, 2])])
def test_impossible_arrays_are_refused(times: list[float], codes: list[int]) -> None:
    with pytest.raises(ValueError, match="times"):
        cumulative_incidence(times, codes)


def test_effective_of_inverts_the_binomial_variance() -> None:
    assert effective_of(0.3, 0.3 * 0.7 / 50, 100) == pytest.approx(50)
    assert effective_of(0.3, 1e-9, 100) == 100
    assert effective_of(0.0, 0.0, 7) == 7


def test_steady_cohorts_add_nothing_and_moving_ones_widen() -> None:
    rng = np.random.default_rng(3)
    cohorts = np.repeat(np.arange(12), 500)
    steady = np.where(rng.random(6000) < 0.4, ADVANCED, LOST)
    rates = 0.4 + 0.1 * np.tile([1, -1], 6)
    moving = np.where(rng.random(6000) < rates[cohorts], ADVANCED, LOST)
    # between-cohort variance is .01; neighbours alternate, so r is held at 0 and the factor is 1/4 + 1/12
    # with (q - 11)/sum of weights the estimate's own sd is about .0012: 4 sigma
    assert dispersion(moving, cohorts) == pytest.approx(0.0109 * (1 / 4 + 1 / 12), abs=0.005 / 3)
    assert dispersion(steady, cohorts) < 0.0005
    wide = fit_conversion(np.ones(6000), moving, cohorts=cohorts)
    assert wide.of < 200 < fit_conversion(np.ones(6000), moving).of
    assert wide.probability == pytest.approx(np.mean(moving == ADVANCED))
    assert cohort_range(moving, cohorts)[0] < 0.36 < 0.44 < cohort_range(moving, cohorts)[1]


def test_unresolved_cohorts_are_not_compared() -> None:
    c = np.array([ADVANCED] * 50 + [LOST] * 50 + [OPEN] * 300)
    assert dispersion(c, np.repeat([0, 1, 2, 3], 100)) == 0.0


def test_the_last_deal_at_risk_does_not_speak_for_certain() -> None:
    """With one deal left at risk that wins, its weight is known to no more than a toss of the causes around it."""
    t = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20])
    c = np.array([1, 2, 1, 2, 0, 0, 0, 0, 0, 0, 1])
    last = float(cumulative_incidence(t, c).survival[-2])
    assert final_variance(t, c) > 0.2 * last**2
    assert final_variance(np.arange(1.0, 11.0), [1, 2] * 5) == pytest.approx(0.25 / 10)  # nobody open: p (1 - p) / n
