"""Lead flow and deal values: level, season and its shrinkage; quantiles that keep the mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.fit.amounts import fit_amounts
from engine.fit.arrivals import Regressor, fit_arrivals

SEASON = np.array([0.6, 0.7, 1.3, 0.9, 0.9, 1.4, 0.8, 0.7, 1.3, 0.9, 1.0, 1.5])


def test_recovers_level_and_season_over_years() -> None:
    rng = np.random.default_rng(8)
    counts = rng.poisson(400 * np.tile(SEASON, 5))
    fit = fit_arrivals(counts, first_month=1)
    assert fit.per_month == pytest.approx(400, rel=0.06)  # 12 Poisson months: sd 1.4%; 4 sigma
    # a month's mean ratio of four years has sd 2.5% or so; 4 sigma
    assert np.array(fit.season) == pytest.approx(SEASON / SEASON.mean(), abs=0.12)
    assert fit.shrinkage > 0.9
    assert np.mean(fit.season) == pytest.approx(1)


def test_chance_alone_is_no_season() -> None:
    rng = np.random.default_rng(9)
    fit = fit_arrivals(rng.poisson(400, 60), first_month=4)
    assert np.array(fit.season) == pytest.approx(np.ones(12), abs=0.06)


def test_one_year_has_no_season_and_its_own_mean() -> None:
    fit = fit_arrivals([10, 20, 30], first_month=11)
    assert fit.season == (1.0,) * 12
    assert fit.per_month == pytest.approx(20)
    assert fit.months == 3


def test_a_jump_is_said_and_makes_the_level_less_sure() -> None:
    fit = fit_arrivals([100] * 20 + [200] * 4, first_month=1)
    assert (fit.recent, fit.earlier) == (200, 100)
    assert fit.leads == 20 * 100 + 4 * 200
    steady = fit_arrivals([100, 104] * 12, first_month=1)
    assert fit.level_sd > 2 * steady.level_sd
    assert 100 < fit.per_month < 200


def test_growth_overdispersion_and_their_intervals_are_found() -> None:
    """80 histories of 48 months: level 60, growth .12 a year, gamma factor of variance .03."""
    rng = np.random.default_rng(12)
    time = (np.arange(48) - 47.5) / 12
    hits = np.zeros(3)
    for _ in range(80):
        fit = fit_arrivals(rng.poisson(60 * np.exp(0.12 * time) * rng.gamma(1 / 0.03, 0.03, 48)), first_month=1)
        low, high = fit.overdispersion_range
        hits += [
            abs(np.log(fit.per_month / 60)) < 1.96 * fit.level_sd,
            abs(fit.growth - 0.12) < 1.96 * fit.growth_sd,
            low < 0.03 < high,
        ]
    assert np.all(hits / 80 > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 80))


def test_a_holiday_that_moves_is_told_from_the_season() -> None:
    rng = np.random.default_rng(13)
    january = np.array([1.0, 0.2, 0.0, 0.7, 0.4])  # the holiday's part that falls into January; the rest in February
    days = np.zeros(60)
    days[0::12], days[1::12] = january, 1 - january
    counts = rng.poisson(200 * np.exp(-0.6 * days))
    festival = Regressor("festival", days, np.array([0.9, 0.1] + [0.0] * 10), 0.0, 0.7)
    effect, sd = (fit := fit_arrivals(counts, first_month=1, regressors=[festival])).effects["festival"]
    assert effect == pytest.approx(-0.6, abs=4 * sd)
    assert sd < 0.15
    assert fit.season[0] < 0.75 < 0.85 < fit.season[1]


def test_no_month_is_refused() -> None:
    with pytest.raises(ValueError, match="no complete month"):
        fit_arrivals([], first_month=1)


@given(st.lists(st.floats(1, 1e7), min_size=100, max_size=300))
def test_quantiles_keep_the_mean_and_are_ordered(values: list[float]) -> None:
    fit = fit_amounts(values)
    if fit.family != "quantiles":
        return
    assert fit.mean == pytest.approx(np.mean(values), rel=1e-9)
    assert list(fit.parameters) == sorted(fit.parameters)
    assert fit.parameters[0] >= 0


def test_heavy_tails_keep_their_mean() -> None:
    rng = np.random.default_rng(10)
    values = rng.lognormal(10, 2.0, 5000)
    fit = fit_amounts(values)
    assert fit.family == "quantiles"
    assert fit.mean == pytest.approx(values.mean(), rel=1e-9)
    assert fit.parameters[7] == pytest.approx(np.median(values), rel=0.1)


def test_few_values_are_lognormal_and_one_is_itself() -> None:
    rng = np.random.default_rng(11)
    fit = fit_amounts(rng.lognormal(5, 0.4, 60))
    assert fit.family == "lognormal"
    assert fit.parameters[0] == pytest.approx(np.exp(5), rel=0.25)  # sd .4/sqrt(60) = 5%: over 4 sigma
    assert fit_amounts([5.0, 5.0]).parameters == (5.0,)
    with pytest.raises(ValueError, match="no value"):
        fit_amounts([0.0, np.nan])
