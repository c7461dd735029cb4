"""Families together: a mixture's quantiles against SciPy's, and a share where everything is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import beta, norm

from engine.fit.durations import fit_waits
from engine.fit.families import Said, mixed, share_together


def test_a_mixtures_quantile_is_where_its_distribution_is() -> None:
    weights, middles, sds = np.array([0.5, 0.3, 0.2]), np.array([1.0, 1.5, 3.0]), np.array([0.2, 0.4, 0.1])
    for share in (0.025, 0.5, 0.975):
        by_scipy = brentq(lambda x, s=share: weights @ norm.cdf(x, middles, sds) - s, -5, 10)
        assert mixed(weights, middles, sds, share) == pytest.approx(by_scipy, abs=1e-9)


@pytest.mark.parametrize(("wins", "of"), [(40, 100), (12, 30), (300, 400)])
def test_one_binomial_alone_gives_its_own_beta(wins: int, of: int) -> None:
    """Signed roots of a binomial likelihood are within a hundredth of Jeffreys' (Brown, Cai, DasGupta 2001)."""

    def loss(x: np.ndarray) -> float:
        return float(of * np.logaddexp(0, x[0]) - wins * x[0])

    p = wins / of
    at = np.array([np.log(p / (1 - p))])
    one = Said(1.0, at, np.array([[1 / (of * p * (1 - p))]]), lambda x: 2 * (loss(x) - loss(at)))
    found, tries = share_together([one])
    ends = beta.ppf([0.025, 0.975], found * tries + 0.5, (1 - found) * tries + 0.5)
    assert ends == pytest.approx(beta.ppf([0.025, 0.975], wins + 0.5, of - wins + 0.5), abs=0.01)


def test_families_that_disagree_are_less_sure_than_each() -> None:
    def said(middle: float) -> Said:
        return Said(0.5, np.array([middle]), np.array([[0.04]]), lambda x: float((x[0] - middle) ** 2 / 0.04))

    alone, apart = share_together([said(-0.4), said(-0.4)]), share_together([said(-0.8), said(0.0)])
    assert apart[1] < 0.5 * alone[1]
    assert apart[0] == pytest.approx(alone[0], abs=0.02)


def test_few_deals_are_known_from_fewer() -> None:
    """Twelve whole lognormal waits: no surer than Student's t from twelve, whatever the other families say."""
    t = np.exp(norm.ppf((np.arange(12) + 0.5) / 12, np.log(20), 0.6))
    wait = fit_waits(t, np.ones(12)).advance
    assert wait is not None
    assert wait.family == "lognormal"
    assert 2 <= wait.of <= 12
    assert wait.quantile(0.5) == pytest.approx(20, rel=0.05)
    free = wait.spread_of - 1  # the likeliest spread of few is too small: what is drawn is more
    assert wait.parameters[1] * np.sqrt(free / (free - 2)) > np.log(t).std()
