"""The compound sum by FFT against Panjer's recursion, closed forms and quadrature."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from tests.oracles import compound as c


def panjer(rate: float, masses: list[float], size: int) -> list[float]:
    """Compound Poisson masses by Panjer's recursion (1981, ASTIN Bulletin 12)."""
    total = [math.exp(rate * (masses[0] - 1.0))]
    for s in range(1, size):
        reach = range(1, min(s, len(masses) - 1) + 1)
        total.append(rate / s * sum(j * masses[j] * total[s - j] for j in reach))
    return total


def test_lattice_sums_follow_panjers_recursion() -> None:
    masses = [0.1, 0.3, 0.2, 0.0, 0.4]
    ours = c.compound(c.poisson(12.0), np.array(masses), 90)
    assert ours == pytest.approx(panjer(12.0, masses, 90), abs=1e-11)


def test_counts_are_the_counting_distribution_itself() -> None:
    deals = np.array([0.0, 1.0])
    assert c.lattice_at_least(c.poisson(50.0), deals, 50) == pytest.approx(stats.poisson.sf(49, 50.0), abs=1e-10)
    assert c.lattice_at_least(c.binomial(500, 0.1), deals, 50) == pytest.approx(stats.binom.sf(49, 500, 0.1), abs=1e-10)
    assert c.lattice_at_least(c.poisson(50.0), deals, 0) == 1.0


def test_exponential_values_have_a_closed_form_inside_the_bounds() -> None:
    rate, mean, target = 40.0, 1.0, 45.0
    n = np.arange(1, 200)
    exact = float((stats.poisson.pmf(n, rate) * stats.gamma.sf(target, n, scale=mean)).sum())
    found = c.sum_at_least(c.poisson(rate), lambda x: np.asarray(-np.expm1(-x / mean)), target)
    assert found.low < exact < found.high
    assert found.error < 1e-3
    assert found.value == pytest.approx(exact, abs=1e-5)


def test_an_atom_at_zero_is_kept() -> None:
    rate, target = 10.0, 8.0
    found = c.sum_at_least(c.poisson(rate), lambda x: np.asarray(1.0 - 0.5 * np.exp(-x)), target)
    plain = c.sum_at_least(c.poisson(rate / 2), lambda x: np.asarray(-np.expm1(-x)), target)
    assert found.value == pytest.approx(plain.value, abs=1e-4)
    assert found.low <= plain.high
    assert plain.low <= found.high


def test_lognormal_has_the_mean_and_cv_asked_for() -> None:
    cdf = c.lognormal(3.0, 0.6)
    mean = integrate.quad(lambda x: 1.0 - float(cdf(np.array([x]))[0]), 0.0, 100.0, limit=200)[0]
    square = integrate.quad(lambda x: 2.0 * x * (1.0 - float(cdf(np.array([x]))[0])), 0.0, 200.0, limit=200)[0]
    assert mean == pytest.approx(3.0, rel=1e-6)
    assert math.sqrt(square - mean * mean) / mean == pytest.approx(0.6, rel=1e-4)


def test_beta_mixture_of_binomials_is_beta_binomial() -> None:
    a, b = c.jeffreys(15, 150)
    number = c.beta_mixed(a, b, lambda p: c.binomial(650, p))
    found = c.lattice_at_least(number, np.array([0.0, 1.0]), 50)
    assert found == pytest.approx(stats.betabinom.sf(49, 650, a, b), abs=1e-9)


def test_beta_mixture_of_poissons_follows_quadrature() -> None:
    number = c.beta_mixed(24.5, 36.5, lambda p: c.poisson(100.0 * p))
    exact = integrate.quad(lambda p: stats.beta.pdf(p, 24.5, 36.5) * stats.poisson.sf(44, 100.0 * p), 0.0, 1.0)[0]
    assert c.lattice_at_least(number, np.array([0.0, 1.0]), 45) == pytest.approx(exact, abs=1e-8)


def test_chains_of_waits_have_their_closed_forms() -> None:
    assert c.passed_by(7.0, [2.0, 2.0, 2.0]) == pytest.approx(stats.gamma.cdf(7.0, 3, scale=2.0), rel=1e-12)
    a, b, t = 2.0, 5.0, 4.0
    two = 1.0 - (a * math.exp(-t / a) - b * math.exp(-t / b)) / (a - b)
    assert c.passed_by(t, [a, b]) == pytest.approx(two, rel=1e-12)
    assert c.passed_by(-1.0, [a]) == 0.0


@pytest.mark.parametrize("means", [[3.0], [2.0, 2.0], [5.0, 1.0, 9.0]])
def test_expected_passages_are_the_integral(means: list[float]) -> None:
    exact = integrate.quad(lambda u: c.passed_by(u, means), 0.0, 12.0, epsabs=1e-12)[0]
    assert c.passed_time(12.0, means) == pytest.approx(exact, rel=1e-9)


def test_wins_are_cut_by_the_horizon_and_add_up_over_periods() -> None:
    def won(start: float, end: float, constant: float = 0.0) -> float:
        return c.won_between(start, end, rate=2.0, probability=0.25, means=[10.0], constant=constant)

    assert won(0.0, 30.0) == pytest.approx(0.5 * (30.0 - 10.0 * (1.0 - math.exp(-3.0))), rel=1e-12)
    assert won(0.0, 30.0) + won(30.0, 50.0) == pytest.approx(won(0.0, 50.0), rel=1e-12)
    assert won(0.0, 30.0, constant=5.0) == pytest.approx(won(0.0, 25.0), rel=1e-12)
