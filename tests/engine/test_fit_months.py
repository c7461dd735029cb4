"""Months' effects from simulated deals: against closed forms where there are some, else against what was put in."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from engine.fit.incidence import ADVANCED, LOST, OPEN
from engine.fit.months import MEAN_SD, MONTHS_FROM, Months, fit_month_odds, fit_month_waits
from engine.fit.paces import _solved, shrunk_waits
from engine.fit.rates import Crossed, interaction, shrunk_odds
from engine.problems import Refused

MONTHS, EACH = 24, 200


def _history(sd: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    effect = rng.normal(0, sd, MONTHS)
    month = np.repeat(np.arange(MONTHS), EACH)
    won = rng.random(len(month)) < expit(-0.4 + effect[month])
    return month, np.where(won, ADVANCED, LOST), effect


def _odds(month: np.ndarray, outcome: np.ndarray, offset: np.ndarray | None = None) -> Months:
    none = np.zeros(len(month))
    return fit_month_odds(month, outcome, none if offset is None else offset, none, none, MONTHS)


def test_many_deals_leave_a_month_at_what_it_was() -> None:
    """With much data the posterior of a month is its own logit, with the binomial's error."""
    month, outcome, _ = _history(0.6, np.random.default_rng(1))
    month, outcome = np.tile(month, 20), np.tile(outcome, 20)
    found = _odds(month, outcome)
    share = np.bincount(month, outcome == ADVANCED) / np.bincount(month)
    assert found.mean + found.effect == pytest.approx(np.log(share / (1 - share)), abs=0.02)
    assert found.ended == len(month)
    assert found.seen == MONTHS


def test_the_spread_is_near_that_of_moments() -> None:
    """DerSimonian and Laird's estimate from the same counts, another method: within the posterior's range."""
    month, outcome, _ = _history(0.5, np.random.default_rng(2))
    won = np.bincount(month, outcome == ADVANCED)
    logit, variance = np.log(won / (EACH - won)), EACH / (won * (EACH - won))
    weight = 1 / variance
    mean = weight @ logit / weight.sum()
    q = weight @ (logit - mean) ** 2
    tau = float(np.sqrt(max(0, q - MONTHS + 1) / (weight.sum() - (weight**2).sum() / weight.sum())))
    found = _odds(month, outcome)
    assert found.sd_range[0] < tau < found.sd_range[1]
    assert found.sd == pytest.approx(tau, rel=0.25)


def test_months_that_do_not_differ_are_not_told_apart() -> None:
    month, outcome, _ = _history(0.0, np.random.default_rng(3))
    found = _odds(month, outcome)
    assert found.sd < 0.12
    assert np.abs(found.effect).max() < 0.25


def test_what_is_not_known_of_a_month_is_the_mean_s_and_its_own() -> None:
    """The two parts make the whole; a month seen by many deals owes the mean nothing, one not seen goes with it."""
    month, outcome, _ = _history(0.5, np.random.default_rng(6))
    outcome[month >= MONTHS - 3] = OPEN
    found = _odds(month, outcome)
    whole = (found.with_mean * found.mean_sd) ** 2 + found.rest_sd**2
    assert whole == pytest.approx(found.effect_sd**2, rel=1e-9)
    assert np.abs(found.with_mean[: MONTHS - 4]).max() < 0.3
    assert found.with_mean[-1] == pytest.approx(1.0, abs=0.1)  # two months on, an autoregression is back at its mean
    assert found.with_mean[-1] > found.with_mean[-3]


@pytest.mark.parametrize("each", [40, 60, 150])
def test_open_deals_that_stayed_silent_do_not_carry_their_month_away(each: int) -> None:
    """Nothing is recorded for three weeks: open deals of an age at which the lost have mostly ended bend the likelihood
    upwards. It rises without bound on a straight line; in truth to what all of them advancing is worth."""
    rng = np.random.default_rng(3)
    months, silent, p = 18, 21.0, 0.15
    month = np.repeat(np.arange(months), each)
    won = rng.random(len(month)) < p
    age = (months - month - rng.random(len(month))) * 30
    wait = np.where(won, rng.lognormal(np.log(60), 0.7, len(month)), rng.lognormal(np.log(25), 0.7, len(month)))
    still = wait > age - silent
    outcome = np.where(still, OPEN, np.where(won, ADVANCED, LOST))
    alive, alive_lost = (np.where(still, norm.logsf((np.log(age) - np.log(m)) / 0.7), 0.0) for m in (60, 25))
    found = fit_month_odds(month, outcome, np.zeros(len(month)), alive, alive_lost, months)
    assert np.abs(found.mean + found.effect - np.log(p / (1 - p))).max() < 4.0
    assert found.sd < 1.2


def test_what_people_add_is_no_month_s_luck() -> None:
    """A strong seller who comes in the later months: with their odds as offsets no month is better than another."""
    rng = np.random.default_rng(4)
    month = np.repeat(np.arange(MONTHS), EACH)
    strong = rng.random(len(month)) < month / MONTHS
    offset = np.where(strong, 1.5, 0.0)
    outcome = np.where(rng.random(len(month)) < expit(-1.0 + offset), ADVANCED, LOST)
    assert _odds(month, outcome, offset).sd < 0.12
    assert _odds(month, outcome).sd > 0.2


def test_open_deals_tell_of_their_month_by_not_having_ended() -> None:
    """Half of the last month's deals are open at an age that only deals that advance reach: they will all advance."""
    rng = np.random.default_rng(5)
    month, outcome, _ = _history(0.5, rng)
    last = np.flatnonzero(month == MONTHS - 1)
    outcome[last] = LOST
    outcome[last[: EACH // 2]] = OPEN
    alive, alive_lost = np.zeros(len(month)), np.zeros(len(month))
    ignored = fit_month_odds(month, outcome, alive, alive, alive_lost, MONTHS)
    told = fit_month_odds(month, outcome, alive, alive, alive_lost - 30.0, MONTHS)
    assert expit(told.mean + told.effect[-1]) == pytest.approx(0.5, abs=0.08)
    assert expit(ignored.mean + ignored.effect[-1]) < 0.1


def test_deals_that_are_alike_may_be_counted_together() -> None:
    """20,000 deals or more are: to the second decimal of their log odds."""
    month, outcome, _ = _history(0.4, np.random.default_rng(6))
    offset = np.random.default_rng(7).normal(0, 1, len(month))
    times = 5
    found = fit_month_odds(*(np.tile(x, times) for x in (month, outcome, offset, offset, offset)), MONTHS)
    apart = fit_month_odds(month, outcome, offset, offset, offset, MONTHS)
    assert found.effect == pytest.approx(apart.effect, abs=0.25)
    assert found.effect_sd.mean() < 0.7 * apart.effect_sd.mean()


def test_slow_months_are_found_open_deals_and_all() -> None:
    rng = np.random.default_rng(8)
    effect = rng.normal(0, 0.3, MONTHS)
    month = np.repeat(np.arange(MONTHS), EACH)
    won = rng.random(len(month)) < 0.5
    wait = np.exp(np.where(won, 3.4, 2.7) + effect[month] + rng.normal(0, 0.5, len(month)))
    age = (MONTHS - month) * 30.0 - rng.uniform(0, 30, len(month))
    outcome = np.where(wait > age, OPEN, np.where(won, ADVANCED, LOST))
    found = fit_month_waits(month, outcome, np.minimum(wait, age), np.zeros(len(month)), (3.4, 2.7), (0.5, 0.5), MONTHS)
    z = (found.mean + found.effect - effect) / found.effect_sd
    assert np.abs(z).max() < 4.5  # 24 normal ones: a false alarm in 6,000
    assert found.sd_range[0] < 0.3 < found.sd_range[1]
    assert abs(found.mean) < 4 * MEAN_SD


def test_too_few_months_are_refused_with_what_would_suffice() -> None:
    month, outcome = np.repeat([0, 1], 30), np.tile([ADVANCED, LOST], 30)
    none = np.zeros(60)
    with pytest.raises(Refused, match=f"2 months.*{MONTHS_FROM} would suffice"):
        fit_month_odds(month, outcome, none, none, none, 2)


def test_one_factor_with_as_many_deals_each_is_shrunk_by_the_textbook() -> None:
    """Balanced one-way random effects: n s^2 / (n s^2 + noise) of the deviation (Searle et al. 1992, section 3.4)."""
    rng = np.random.default_rng(9)
    levels, n, s, noise = 12, 30, 0.2, 0.16
    total = n * (3.0 + rng.normal(0, 0.2, levels)) + rng.normal(0, np.sqrt(noise * n), levels)
    cells = Crossed(total, np.full(levels, float(n)), (np.arange(levels),), (levels,))
    _, beta, information = _solved(cells, np.array([s]), 0, noise)
    mean = total / n
    assert beta[1:] == pytest.approx(n * s * s / (n * s * s + noise) * (mean - mean.mean()), abs=1e-6)
    inside, part = s * s * noise / (n * s * s + noise), n * s * s / (n * s * s + noise)
    variances = information.variances(np.eye(levels + 1))[1:]
    assert variances == pytest.approx(inside + part**2 * (s * s + noise / n) / levels, rel=1e-6)


def test_how_long_people_take_is_told_from_how_deals_end() -> None:
    rng = np.random.default_rng(10)
    person, outcome = rng.integers(0, 15, 4000), rng.integers(0, 2, 4000)
    own = rng.normal(0, 0.2, 15)
    logs = 3 + own[person] - 0.5 * outcome + rng.normal(0, 0.4, 4000)
    code = person * 2 + outcome
    total, square, of = (np.bincount(code, x, 30) for x in (logs, logs**2, np.ones(4000)))
    found = shrunk_waits(total, square, of, [np.repeat(np.arange(15), 2), np.tile([0, 1], 15)], [15, 2], free=1)
    assert len(found.multipliers) == 1
    z = (np.log(found.multipliers[0]) - own + np.average(own, weights=np.bincount(person))) / found.sds[0]
    assert np.abs(z).max() < 4.2
    assert found.sd[0] == pytest.approx(0.2, rel=0.5)


@pytest.mark.parametrize("sd", [0.0, 0.5])
def test_how_people_differ_from_month_to_month_is_found(sd: float) -> None:
    rng = np.random.default_rng(11)
    person, month = (x.ravel() for x in np.meshgrid(np.arange(20), np.arange(24), indexing="ij"))
    of = np.full(len(person), 12.0)
    p = expit(rng.normal(0, 0.6, 20)[person] + rng.normal(0, 0.4, 24)[month] + sd * rng.standard_normal(len(person)))
    won = rng.binomial(12, p).astype(float)
    effects = shrunk_odds(won, of, [person, month], [20, 24])
    # 480 cells of about 12 x 0.24 = 2.9: the estimate's error is near sqrt(2 / 480) (1 / 2.9 + variance)
    assert interaction(won, of, [person, month], effects, 0, 1) == pytest.approx(sd * sd, abs=0.11)
