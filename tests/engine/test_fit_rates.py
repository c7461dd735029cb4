"""Win rates shrunk toward their group: few deals stay near it, many go where they are, factors are told apart."""

from __future__ import annotations

import numpy as np
import pytest

from engine.fit.rates import shrunk_odds, shrunk_shares


def _logit(p: np.ndarray) -> np.ndarray:
    return np.log(p / (1 - p))


def test_a_rep_who_lost_six_deals_is_near_the_group_and_not_at_nought() -> None:
    won = np.array([60.0, 40, 55, 45, 0])
    of = np.array([100.0, 100, 100, 100, 6])
    effects = shrunk_odds(won, of, [np.arange(5)], [5])
    multipliers = effects.multipliers[0]
    assert 0.35 < multipliers[4] < 1.0
    assert multipliers[0] > 1 > multipliers[1]


def test_reps_who_are_alike_are_all_one() -> None:
    won, of = np.full(8, 30.0), np.full(8, 100.0)
    multipliers = shrunk_odds(won, of, [np.arange(8)], [8]).multipliers[0]
    assert multipliers == pytest.approx(np.ones(8), abs=1e-3)


def test_many_deals_speak_for_themselves() -> None:
    rates = np.array([0.2, 0.35, 0.5, 0.65, 0.8])
    of = np.full(5, 100_000.0)
    effects = shrunk_odds(rates * of, of, [np.arange(5)], [5])
    expected = np.exp(_logit(rates) - _logit(rates).mean())
    assert effects.multipliers[0] == pytest.approx(expected, rel=0.01)
    assert effects.base == pytest.approx(0.5, abs=0.005)
    # five levels say little about their spread: it lies between the sample's and what such spreads usually are
    assert effects.sd[0] == pytest.approx(_logit(rates).std(ddof=1), rel=0.25)
    assert effects.sds[0] == pytest.approx(np.sqrt(1 / (of * rates * (1 - rates))), rel=0.5)


def test_intervals_cover_what_was_drawn() -> None:
    """Nominal 95% intervals of 30 reps with 20 deals each, over 100 histories: 3,000 intervals, correlated in part."""
    rng = np.random.default_rng(11)
    hits = []
    for _ in range(100):
        true = rng.normal(0, 0.3, 30)
        of = rng.poisson(20, 30) + 1.0
        won = rng.binomial(of.astype(int), 1 / (1 + np.exp(0.5 - true))).astype(float)
        effects = shrunk_odds(won, of, [np.arange(30)], [30])
        z = (np.log(effects.multipliers[0]) - (true - of @ true / of.sum())) / effects.sds[0]
        hits.append(np.mean(np.abs(z) < 1.96))
    # sd of a history's share .05 or so: .005 of the mean; 4 sigma
    assert np.mean(hits) == pytest.approx(0.95, abs=0.025)


def test_tells_reps_from_the_products_they_sell() -> None:
    # reps alike; products not; a rep with the easy product only looks good
    p = {0: 0.7, 1: 0.3}
    cells = [(0, 0, 1000), (1, 1, 1000), (2, 0, 500), (2, 1, 500), (3, 0, 500), (3, 1, 500)]
    rep = np.array([r for r, _, _ in cells])
    product = np.array([q for _, q, _ in cells])
    of = np.array([float(n) for _, _, n in cells])
    won = np.array([p[q] * n for _, q, n in cells])
    effects = shrunk_odds(won, of, [rep, product], [4, 2])
    assert effects.multipliers[0] == pytest.approx(np.ones(4), abs=0.05)
    ratio = effects.multipliers[1][0] / effects.multipliers[1][1]
    assert ratio == pytest.approx((0.7 / 0.3) ** 2, rel=0.1)


def test_shrinks_better_than_raw_rates_do() -> None:
    """James and Stein's promise: the mean squared error over reps falls."""
    rng = np.random.default_rng(7)
    true = rng.normal(0, 0.5, 200)
    of = rng.integers(4, 40, 200).astype(float)
    won = rng.binomial(of.astype(int), 1 / (1 + np.exp(-true))).astype(float)
    effects = shrunk_odds(won, of, [np.arange(200)], [200])
    raw = _logit((won + 0.5) / (of + 1))
    own = np.log(effects.multipliers[0])
    assert np.mean((own - true) ** 2) < 0.75 * np.mean((raw - true) ** 2)
    # the spread of reps is found: sd of its estimate is about .05; 4 sigma
    assert effects.sd[0] == pytest.approx(0.5, abs=0.2)


def test_shares_sum_to_one_and_lean_on_the_region_where_deals_are_few() -> None:
    prior = np.array([0.5, 0.3, 0.2])
    assert shrunk_shares(np.zeros(3), prior) == pytest.approx(prior)
    many = shrunk_shares(np.array([0.0, 10_000, 0]), prior)
    assert many.sum() == pytest.approx(1)
    assert many[1] > 0.99
