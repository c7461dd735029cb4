"""Common shocks and responses to spend: what is known is found, what cannot be told is refused by name."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from engine.fit.response import carried, fit_response, hill
from engine.fit.shocks import CELLS, PERSISTENCES, SHAPE, _Bands, _design, _filtered, _set_right, fit_shocks


def _walk(sd: float, persistence: float, months: int, rng: np.random.Generator) -> np.ndarray:
    z = rng.standard_normal(months)
    for m in range(1, months):
        z[m] = persistence * z[m - 1] + np.sqrt(1 - persistence**2) * z[m]
    return sd * z


def test_shared_and_regional_ups_and_downs_are_told_apart() -> None:
    rng = np.random.default_rng(4)
    shared = _walk(0.2, 0.7, 48, rng)
    found = fit_shocks(rng.poisson(150 * np.exp(shared + np.zeros((4, 1)))), 1)
    assert found.sd_range[0] <= 0.2 <= found.sd_range[1]
    assert found.sd > 3 * found.regional_sd
    apart = fit_shocks(rng.poisson(150 * np.exp([_walk(0.2, 0.7, 48, rng) for _ in range(4)])), 1)
    assert apart.regional_range[0] <= 0.2 <= apart.regional_range[1]
    assert apart.regional_sd > apart.sd
    assert len(found.draws) == 32
    assert np.mean([d[0] for d in found.draws]) == pytest.approx(found.sd, rel=0.05)


def test_chance_alone_is_no_economy() -> None:
    rng = np.random.default_rng(5)
    found = fit_shocks(rng.poisson(80.0, (4, 36)), 1)
    assert found.sd < 0.06
    assert found.regional_sd < 0.06


def test_the_filter_has_the_dense_likelihood() -> None:
    """Against the multivariate normal density with the covariance written out, regressors integrated."""
    rng, regions, months = np.random.default_rng(6), 3, 14
    design, precision = _design(regions, months, 4, True)
    data, noise = rng.normal(0, 0.3, regions * months), rng.uniform(0.01, 0.05, regions * months)
    cells = CELLS[[5, 700, 1500, len(CELLS) - 1]]
    columns = np.column_stack([data, design]).reshape(regions, months, -1)
    found = _filtered(columns, noise.reshape(regions, months), cells, precision)
    apart = np.abs(np.arange(months)[:, None] - np.arange(months)[None])
    dense = []
    for sd, persistence, own in cells:
        shared = np.full((regions, regions), sd**2) + np.eye(regions) * own**2
        covariance = np.kron(shared, persistence**apart) + (design / precision) @ design.T + np.diag(noise)
        dense.append(multivariate_normal.logpdf(data, np.zeros(len(data)), covariance))
    assert found - found[0] == pytest.approx(np.array(dense) - dense[0], abs=1e-6)


def test_persistence_set_right_says_nothing_where_the_data_say_nothing_and_keeps_the_spreads() -> None:
    weight = np.random.default_rng(7).gamma(1.0, 1.0, len(CELLS))
    weight /= weight.sum()
    right = _set_right(weight, _Bands(4, 36, 1 / 60, True))
    assert right.sum() == pytest.approx(1.0)
    assert np.all(right >= 0)
    before, after = weight.reshape(SHAPE), right.reshape(SHAPE)
    for p in range(len(PERSISTENCES) - 1):
        if after[:, p].sum() > 0:
            given = before[:, p] / before[:, p].sum()
            assert after[:, p] / after[:, p].sum() == pytest.approx(given)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (np.full((1, 40), 50), "1 region; 2 that move together suffice"),
        (np.full((3, 12), 50), "12 complete months; 24 would suffice"),
        (np.full((3, 40), 1), "0 regions have 5 leads a month or more; 2 would suffice"),
    ],
)
def test_what_cannot_be_told_is_refused_by_name(counts: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_shocks(counts, 1)


def _spend(seed: int, weeks: int = 130) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    t = np.arange(weeks)
    spend = 1000 * rng.gamma(2, 0.5, weeks) * (rng.random(weeks) < 0.85)
    controls = np.column_stack([np.ones(weeks), t / weeks, np.sin(t / 52 * 2 * np.pi), np.cos(t / 52 * 2 * np.pi)])
    noise = rng.normal(0, 8, weeks)
    return controls @ [200, 20, 15, -10] + 120 * hill(carried(spend, 0.5), 900, 1.3) + noise, spend, controls


def test_a_known_response_is_recovered_with_its_carry_over() -> None:
    hits = []
    for seed in range(25):
        channel = fit_response(*_spend(seed), draws=200, seed=seed).channels[0]
        for spend in (500.0, 1000.0, 1500.0):
            low, high = np.quantile(channel.at(spend)[:, 0], [0.025, 0.975])
            hits.append(low <= 120 * hill(np.array([spend]), 900, 1.3)[0] <= high)
        hits.append(channel.carry[1] <= 0.5 <= channel.carry[2])
    assert np.mean(hits) > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 25)  # as if the four moved as one
    assert channel.interval(1000.0)[2] - channel.interval(1000.0)[1] < 80  # and they are not the whole axis


def test_what_more_spend_brings_is_known_without_the_level() -> None:
    """Spend that never pauses: a curve's height hangs on the prior, its rise does not."""
    channel = fit_response(*_spend(2), draws=400).channels[0]
    middle, low, high = channel.more(1500.0, 500.0)
    truth = 120 * (hill(np.array([1500.0]), 900, 1.3) - hill(np.array([500.0]), 900, 1.3))[0]
    assert low < truth < high
    assert low < middle < high
    assert high - low < channel.interval(1500.0)[2] - channel.interval(1500.0)[1]


def test_little_noise_closes_in_on_the_curve() -> None:
    """With next to no noise the grid zooms far below its first cells: carry-over to a thousandth."""
    rng = np.random.default_rng(9)
    spend = 1000 * rng.gamma(2, 0.5, 120)
    y = 50 + 100 * hill(carried(spend, 0.437), 800, 1.4) + rng.normal(0, 0.02, 120)
    middle, low, high = fit_response(y, spend, np.ones((120, 1))).channels[0].carry
    assert middle == pytest.approx(0.437, abs=2e-3)
    assert high - low < 0.01


def test_two_channels_are_told_apart() -> None:
    rng = np.random.default_rng(8)
    spend = 1000 * rng.gamma(2, 0.5, (150, 2))
    controls = np.ones((150, 1))
    y = 50 + 100 * hill(carried(spend[:, 0], 0.3), 800, 1.0) + rng.normal(0, 5, 150)
    strong, weak = fit_response(y, spend, controls, ("a", "b"), draws=200).channels
    # how much of it is the level without any spend is not for the data to say; what more spend brings is
    more = np.median(strong.at(2000.0) - strong.at(300.0))
    assert more == pytest.approx(100 * (2000 / 2800 - 300 / 1100), abs=12)
    assert np.median(weak.at(2000.0) - weak.at(300.0)) < 10


def test_forecasts_hold_what_comes() -> None:
    """The last quarter's weeks, given their spend: 80% intervals, and no worse than the noise allows."""
    y, spend, controls = _spend(3, 156)
    fitted = fit_response(y[:130], spend[:130], controls[:130])
    found = fitted.forecast(spend[:, None], controls, 130)
    low, high = np.quantile(found, [0.1, 0.9], axis=0)
    assert 0.5 < np.mean((low <= y[130:]) & (y[130:] <= high)) <= 1.0
    assert np.mean(np.abs(np.median(found, axis=0) - y[130:])) < 1.6 * 8


def test_spend_that_never_varies_is_refused_by_name() -> None:
    y, spend, controls = _spend(1)
    with pytest.raises(ValueError, match=r"response to tv: its spend takes 1 different values; 10 would suffice"):
        fit_response(y, np.full_like(spend, 5.0), controls, ("tv",))
    with pytest.raises(ValueError, match="20 periods; 40 would suffice"):
        fit_response(y[:20], spend[:20], controls[:20])
