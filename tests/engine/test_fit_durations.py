"""Waits by outcome: parameters recovered from censored samples, closed forms, the right family, tables of quantiles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.fit.durations import LEVELS, fit_waits
from engine.fit.incidence import ADVANCED, LOST, OPEN


def _seen(rng: np.random.Generator, won: np.ndarray, lost: np.ndarray, window: float) -> tuple[np.ndarray, np.ndarray]:
    wait = np.concatenate([won, lost])
    code = np.repeat([ADVANCED, LOST], [len(won), len(lost)])
    seen = rng.uniform(0, window, len(wait))
    return np.minimum(wait, seen), np.where(wait <= seen, code, OPEN)


def test_exponential_without_censoring_is_the_mean() -> None:
    rng = np.random.default_rng(0)
    t = rng.exponential(5.0, 150)
    wait = fit_waits(t, np.full(150, ADVANCED)).advance
    assert wait is not None
    assert wait.family in ("exponential", "weibull")
    assert wait.quantile(0.5) == pytest.approx(np.median(t), rel=0.25)
    if wait.family == "exponential":  # maximum likelihood's closed form
        assert wait.parameters[0] == pytest.approx(t.mean(), rel=1e-4)


def test_recovers_lognormal_waits_of_both_outcomes_through_censoring() -> None:
    rng = np.random.default_rng(4)
    won, lost = rng.lognormal(np.log(30), 0.5, 4000), rng.lognormal(np.log(10), 0.8, 6000)
    t, c = _seen(rng, won, lost, 120.0)
    fit = fit_waits(t, c, many=10**9)  # parametric, however many
    assert fit.advance is not None
    assert fit.lost is not None
    assert (fit.advance.family, fit.lost.family) == ("lognormal", "lognormal")
    # sd of a log-median from n >= 2,500 seen is at most .5/50 = .01 (won), .8/70 = .0115 (lost); 4 sigma
    assert np.log(fit.advance.parameters[0] / 30) == pytest.approx(0, abs=0.05)
    assert np.log(fit.lost.parameters[0] / 10) == pytest.approx(0, abs=0.05)
    assert fit.advance.parameters[1] == pytest.approx(0.5, abs=0.035)
    assert fit.lost.parameters[1] == pytest.approx(0.8, abs=0.04)


def test_recovers_a_weibull_and_prefers_it() -> None:
    rng = np.random.default_rng(5)
    won = 20 * rng.weibull(2.5, 3000)
    t, c = _seen(rng, won, rng.exponential(8.0, 3000), 80.0)
    fit = fit_waits(t, c, many=10**9)
    assert fit.advance is not None
    assert fit.advance.family == "weibull"
    median, shape = fit.advance.parameters
    assert median == pytest.approx(20 * np.log(2) ** 0.4, rel=0.04)  # sd of the median < .9%: 4 sigma
    assert shape == pytest.approx(2.5, abs=0.2)  # sd .04


def test_a_table_recovers_quantiles_through_censoring_that_shortens_the_seen_ones() -> None:
    rng = np.random.default_rng(6)
    won = rng.gamma(9, 5.0, 20_000)  # mean 45, median 43.3
    t, c = _seen(rng, won, rng.exponential(5.0, 10_000), 120.0)
    fit = fit_waits(t, c)
    assert fit.advance is not None
    assert fit.advance.family == "quantiles"
    for p in (0.1, 0.25, 0.5, 0.75, 0.9):
        assert fit.advance.quantile(p) == pytest.approx(np.quantile(won, p), rel=0.03)
    assert np.median(t[c == ADVANCED]) < 0.97 * np.median(won)  # what leaving out open deals would say


@given(st.lists(st.integers(1, 40), min_size=200, max_size=260))
def test_a_table_is_ordered_and_within_what_was_seen(days: list[int]) -> None:
    wait = fit_waits(np.array(days, dtype=float), np.full(len(days), ADVANCED)).advance
    assert wait is not None
    values = list(wait.parameters)
    assert values == sorted(values)
    assert min(days) <= values[0]
    assert values[-1] <= max(days)
    if wait.family == "quantiles":
        assert wait.levels == LEVELS


def test_days_closed_on_the_first_day_took_some_of_it() -> None:
    wait = fit_waits(np.zeros(10), np.full(10, ADVANCED), resolution=1.0).advance
    assert wait is not None
    assert wait.parameters == (0.5,)


def test_one_deal_is_an_exponential_of_its_wait_and_none_is_none() -> None:
    fit = fit_waits([7.0, 3.0], [ADVANCED, OPEN])
    assert fit.advance is not None
    assert (fit.advance.family, fit.advance.parameters) == ("exponential", (7.0,))
    assert fit.lost is None


@given(st.lists(st.integers(1, 60), min_size=2, max_size=12), st.lists(st.integers(1, 60), max_size=8))
def test_a_handful_of_waits_makes_a_distribution_that_a_plan_can_hold(ended: list[int], still: list[int]) -> None:
    t = np.array(ended + still, dtype=float)
    wait = fit_waits(t, [ADVANCED] * len(ended) + [OPEN] * len(still)).advance
    assert wait is not None
    assert np.all(np.isfinite(wait.parameters))
    assert wait.parameters[0] > 0
    if wait.family in ("lognormal", "weibull"):
        assert 0.04 < wait.parameters[1] < 26
