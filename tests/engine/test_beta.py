"""The gamma and beta functions against mpmath, the beta quantile against mpmath and SciPy."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from scipy import special, stats

from engine.beta import beta_quantile, log_beta, log_gamma


def test_log_gamma() -> None:
    rng = np.random.default_rng(1)
    for x in map(
        float, np.concatenate([10.0 ** rng.uniform(-3, 7, 400), rng.uniform(0.5, 12.0, 400), [1.0, 2.0, 10.0]])
    ):
        exact = mp.loggamma(mp.mpf(x))
        assert abs(log_gamma(x) - exact) <= 1e-14 * max(1, abs(exact)), x
    assert log_gamma(0.0) == math.inf
    assert math.isnan(log_gamma(-1.0))


def test_log_beta_of_large_and_unequal_parameters() -> None:
    rng = np.random.default_rng(2)
    for a, b in 10.0 ** rng.uniform(math.log10(0.5), 6.0, (400, 2)):
        with mp.workdps(40):
            exact = mp.log(mp.beta(mp.mpf(a), mp.mpf(b)))
        assert abs(log_beta(a, b) - exact) <= 1e-14 * max(1, abs(exact)), (a, b)


def exact_beta_quantile(p: float, a: float, b: float, near: float) -> mp.mpf:
    """By Newton's method in 40 digits from a value near the quantile."""
    with mp.workdps(40):
        x, norm = mp.mpf(near), mp.beta(a, b)
        for _ in range(20):
            step = (
                (mp.betainc(a, b, 0, x, regularized=True) - p)
                * norm
                / (x ** (mp.mpf(a) - 1) * (1 - x) ** (mp.mpf(b) - 1))
            )
            x -= step
            if abs(step) < x * mp.mpf(10) ** -20:
                return x
        raise AssertionError(f"no convergence at {(p, a, b)}")


def test_beta_quantile_against_many_digits() -> None:
    """Jeffreys posteriors of wins out of tries, as plans have them."""
    rng = np.random.default_rng(3)
    for _ in range(60):
        tries = int(10.0 ** rng.uniform(0.0, 3.0))
        a = rng.integers(0, tries + 1) + 0.5
        b = tries + 1.0 - a
        p = float(rng.choice([rng.uniform(), 10.0 ** rng.uniform(-6.0, 0.0)]))
        found = beta_quantile(p, a, b)
        if 1.0 - found > 1e-10:  # else 1 - x holds what there is to know, and x is 1 to all digits
            assert found == pytest.approx(float(exact_beta_quantile(p, a, b, found)), rel=1e-12), (p, a, b)


def test_beta_quantile_against_scipy_over_all_sizes() -> None:
    rng = np.random.default_rng(4)
    a, b = 10.0 ** rng.uniform(math.log10(0.5), 6.0, (2, 4000))
    p = rng.uniform(1e-6, 1.0, 4000)
    found = np.array([beta_quantile(*point) for point in zip(p, a, b, strict=True)])
    np.testing.assert_allclose(found, special.betaincinv(a, b, p), rtol=1e-12)


def test_beta_quantile_in_the_tails_gives_back_its_probability() -> None:
    """Where x is most sensitive: the round trip through SciPy's distribution function."""
    rng = np.random.default_rng(5)
    for a, b in 10.0 ** rng.uniform(math.log10(0.5), 4.0, (1000, 2)):
        p = 2.0 ** -rng.uniform(10.0, 53.0)
        assert stats.beta.cdf(beta_quantile(p, a, b), a, b) == pytest.approx(p, rel=2e-8), (p, a, b)


@pytest.mark.parametrize(
    ("a", "b"), [(0.5, 0.5), (0.5, 1e6), (1e6, 0.5), (24.5, 36.5), (1e6, 1e6), (15.5, 135.5), (19.9, 20.1)]
)
def test_beta_quantile_rises_with_p(a: float, b: float) -> None:
    p = np.concatenate(
        [2.0 ** -np.arange(53.0, 10.0, -0.5), np.linspace(0.002, 0.998, 400), 1 - 2.0 ** -np.arange(10.0, 40.0)]
    )
    x = [beta_quantile(v, a, b) for v in p]
    assert (np.diff(x) >= 0.0).all()
    assert x[0] >= 0.0
    assert x[-1] <= 1.0


def test_beta_quantile_with_known_forms() -> None:
    for p in (1e-9, 0.1, 0.5, 0.77):
        assert beta_quantile(p, 1.0, 1.0) == pytest.approx(p, rel=1e-13)  # uniform
        assert beta_quantile(p, 3.0, 1.0) == pytest.approx(p ** (1 / 3), rel=1e-13)
        assert beta_quantile(p, 0.5, 0.5) == pytest.approx(math.sin(math.pi * p / 2) ** 2, rel=1e-13)  # arcsine


def test_beta_quantile_at_its_ends() -> None:
    assert beta_quantile(0.0, 2.0, 3.0) == 0.0
    assert beta_quantile(1.0, 2.0, 3.0) == 1.0
    for arguments in ((-0.1, 1.0, 1.0), (0.5, 0.0, 1.0), (0.5, 1.0, math.inf), (math.nan, 1.0, 1.0)):
        assert math.isnan(beta_quantile(*arguments))
