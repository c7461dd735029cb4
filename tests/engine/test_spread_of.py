"""A spread known from other than so many as the median: what is drawn of it, and the law that has two given intervals.

Statistical tests have fixed seeds and a false alarm once in 16,000 (4 sigma)."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import chi2, kstest, nct, norm
from scipy.stats import t as student

from attain.plantext import wait_form
from engine.batch import Simulator
from engine.fit.durations import Wait, fit_waits
from engine.fit.held import Held, Interval, TwoParameters, held
from engine.fit.posterior import WEIBULL, mean_draws, parameter_draws, quantile_draws
from engine.plan.load import load_plan
from engine.plan.records import TimeDistribution
from engine.posteriors import SHAPE_LEAST, SIGMA_MOST, row_mean
from engine.problems import PlanRefused
from engine.realise import realise
from engine.world import World, build
from tests.engine.test_posteriors import PLAN

FOUR_SIGMA = 6e-5
BOTH = "stages.a.wait={lognormal: {median: 12 d, sigma: 0.8, of: 40, spread_of: 9}}"
SHAPE = "stages.b.wait={weibull: {median: 8 d, shape: 1.3, of: 30, spread_of: 200}}"
DECILE = float(norm.ppf(0.9))
ENDS = np.array([0.025, 0.975])


def rows(made: World, row: int, draws: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """p0 in days and p1 of a row in so many replications."""
    found: list[Any] = [realise(made, 4, k).dists[row] for k in range(draws)]  # type: ignore[index]
    return np.array([r["p0"] for r in found]) / 8.0, np.array([r["p1"] for r in found])


def test_sigma_is_drawn_from_spread_of_and_the_median_given_sigma_from_of() -> None:
    made = build(load_plan(PLAN, sets=[BOTH]))
    median, sigma = rows(made, int(made.stages.wait[0]), 1500)
    assert kstest(8 * (0.8 / sigma) ** 2, chi2(8).cdf).pvalue > FOUR_SIGMA  # scaled inverse chi-square
    assert kstest(np.log(median / 12) / sigma * np.sqrt(40), norm.cdf).pvalue > FOUR_SIGMA
    assert kstest(np.log(median / 12) / 0.8 * np.sqrt(40), student(8).cdf).pvalue > FOUR_SIGMA


def test_a_weibulls_shape_is_drawn_from_spread_of_and_its_median_from_of() -> None:
    made = build(load_plan(PLAN, sets=[SHAPE]))
    scale, shape = rows(made, int(made.stages.wait[1]), 1500)
    one = np.log(scale * np.log(2) ** (1 / shape) / 8) * 1.3 / np.sqrt(WEIBULL[0] / 30)
    other = np.log(shape / 1.3) / np.sqrt(WEIBULL[1] / 200)
    assert kstest(one, norm.cdf).pvalue > FOUR_SIGMA
    assert kstest(other, norm.cdf).pvalue > FOUR_SIGMA
    together = np.arctanh(np.corrcoef(one, other)[0, 1]) - np.arctanh(WEIBULL[2])
    assert abs(together) < 4 / np.sqrt(1500 - 3)


def test_plans_without_it_draw_what_they_drew() -> None:
    """The draws of fifty replications as they were before a plan could say so; and `spread_of` that is `of`."""
    made, same = build(load_plan(PLAN)), build(load_plan(PLAN, sets=[BOTH.replace("spread_of: 9", "spread_of: 40")]))
    digest = hashlib.sha256()
    for k in range(50):
        drawn, other = realise(made, 1, k), realise(same, 1, k)
        assert drawn.dists is not None
        assert drawn.table is not None
        assert np.array_equal(drawn.dists, other.dists)  # type: ignore[arg-type]
        digest.update(np.ascontiguousarray(drawn.dists).tobytes() + drawn.table.tobytes())
    assert digest.hexdigest() == "e9ebf658b346ab9218b6137915fb1bffb6636f4870febe451bbe78b9c0d39337"


def test_nothing_but_the_row_itself_is_moved() -> None:
    made, other = build(load_plan(PLAN)), build(load_plan(PLAN, sets=[BOTH]))
    row = int(made.stages.wait[0])
    for k in range(20):
        one, two = realise(made, 2, k), realise(other, 2, k)
        assert one.dists is not None
        assert two.dists is not None
        assert np.array_equal(np.delete(one.dists, row), np.delete(two.dists, row))
        assert one.dists[row]["p1"] != two.dists[row]["p1"]
        assert np.array_equal(one.rates, two.rates)


@pytest.mark.parametrize("known", ["of: 1", "of: 20, spread_of: 1", "of: 1, spread_of: 2"])
@pytest.mark.parametrize("spread", ["lognormal: {median: 100, sigma: 3", "weibull: {median: 100, shape: 0.3"])
def test_a_spread_known_from_hardly_anything_overflows_nowhere(spread: str, known: str) -> None:
    made = build(load_plan(PLAN, sets=[f"products.x.deal_value={{{spread}, {known}}}}}"]))
    row = next(k for k, found in enumerate(made.dists) if found["p1"] in (3.0, 0.3))
    drawn: list[Any] = [realise(made, 4, k) for k in range(1500)]
    spreads = np.array([p.dists[row]["p1"] for p in drawn])
    assert spreads.max() <= SIGMA_MOST
    assert spreads.min() >= SHAPE_LEAST
    assert max(row_mean(p.dists[row], p.table) for p in drawn) < 1e250
    batch = Simulator(made, 4, 1)(0, 300)
    assert np.isfinite(batch.legs).all()
    assert np.isfinite(batch.sums).all()
    assert np.isfinite(batch.inputs).all()


def test_the_same_bounds_hold_where_intervals_are_made() -> None:
    for family, parameters in (("lognormal", (100.0, 3.0)), ("weibull", (100.0, 0.3))):
        draws = parameter_draws(family, parameters, (), 1.0, np.random.default_rng(0), 100_000)
        assert draws[:, 1].max() <= SIGMA_MOST
        assert draws[:, 1].min() >= (SHAPE_LEAST if family == "weibull" else 0.0)
        assert np.isfinite(mean_draws(family, parameters, draws)).all()


def test_a_plans_own_spread_is_no_less_than_it_says() -> None:
    draws = parameter_draws("lognormal", (100.0, 30.0), (), 2.0, np.random.default_rng(0), 1000)
    assert draws[:, 1].max() == 30.0


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("{lognormal: {median: 12 d, sigma: 0.8, of: 40, spread_of: 0.5}}", "its spread is known from, 1 or more"),
        ("{lognormal: {median: 12 d, sigma: 0.8, spread_of: 9}}", "`of` beside it"),
        ("{exponential: {mean: 12 d, of: 40, spread_of: 9}}", "spread_of"),
        ("{quantiles: {0%: 1 d, 100%: 9 d, of: 40, spread_of: 9}}", "spread_of"),
        ("{weibull: {median: 12 d, shape: 2, of: 40, spreadof: 9}}", "spread_of"),
    ],
)
def test_what_cannot_be_is_refused(form: str, message: str) -> None:
    with pytest.raises(PlanRefused, match=message):
        load_plan(PLAN, sets=[f"stages.a.wait={form}"])


@pytest.mark.parametrize("family", ["lognormal", "weibull"])
def test_a_fitted_wait_is_written_with_both_and_read_again(family: TwoParameters) -> None:
    form = wait_form(Wait(family, (12.0, 0.8), 40, of=31.4, spread_of=9.25))
    assert form.endswith("of: 31.4, spread_of: 9.25}}")
    (made,) = load_plan(PLAN, sets=[f"stages.a.wait={form}"]).plan.stages[:1]
    assert isinstance(made.wait, TimeDistribution)
    assert (made.wait.of, made.wait.spread_of) == (31.4, 9.25)


# --- the law with two intervals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", [Held(30, 0.7, 29, 10), Held(30, 0.7, 5, 5), Held(8, 1.2, 90, 120), Held(8, 2, 6, 4.5)])
def test_a_lognormals_intervals_are_students_and_the_noncentral_t(law: Held) -> None:
    """Student's t; (normal + z sqrt n) / chi, a noncentral t; the mean square of a drawn sigma: f / (f - 2)."""
    free, error = law.spread_of - 1, law.spread / np.sqrt(law.of)
    median = Interval(*(np.log(law.median) + error * student.ppf(ENDS, free)))
    low, high = error * nct.ppf(ENDS, free, DECILE * np.sqrt(law.of))
    middle = np.log(law.median) + DECILE * law.spread * np.sqrt(free / (free - 2))
    decile = Interval(middle - (high - low) / 2, middle + (high - low) / 2)
    assert held("lognormal", median, decile, 200.0) == pytest.approx(law, rel=1e-2)


@given(
    st.sampled_from(["lognormal", "weibull"]),
    st.floats(0.4, 2.0),
    st.floats(0.05, 0.5),
    st.floats(1.1, 1.8),
)
def test_what_is_drawn_has_both_intervals(family: TwoParameters, apart: float, half: float, wider: float) -> None:
    """As `engine.posteriors` draws, which `parameter_draws` is held to. Of 40,000 an end's sd is .7% of the length."""
    median, decile = Interval(3 - half, 3 + half), Interval(3 + apart - wider * half, 3 + apart + wider * half)
    law = held(family, median, decile, 1000.0)
    assert law.median == pytest.approx(np.exp(3))
    least = {"lognormal": 4.001, "weibull": 1.001}[family]
    if not (least < law.spread_of < 999 and 1 < law.of < 999):
        return  # there is no such law
    draws = parameter_draws(family, law[:2], (), law.of, np.random.default_rng(0), 40_000, law.spread_of)
    logs = [np.log(quantile_draws(family, law[:2], draws, level)) for level in (0.5, 0.9)]
    assert np.quantile(logs[0], ENDS) == pytest.approx(np.array(median), abs=0.06 * half)
    assert np.ptp(np.quantile(logs[1], ENDS)) == pytest.approx(2 * wider * half, rel=0.04)
    if law.spread_of > 6:  # else a square's mean is not known from so many draws
        assert np.sqrt(np.mean((logs[1] - logs[0]) ** 2)) == pytest.approx(apart, rel=0.05)


def test_a_decile_known_better_than_the_median_leaves_the_median_its_own() -> None:
    law = held("lognormal", Interval(3.0, 3.6), Interval(4.2, 4.5), 50.0)
    assert law.spread_of == pytest.approx(50)
    assert law.spread / np.sqrt(law.of) * student.ppf(0.975, 49) == pytest.approx(0.3, rel=1e-6)
    low, high = np.log(law.median) + law.spread / np.sqrt(law.of) * nct.ppf(ENDS, 49, DECILE * np.sqrt(law.of))
    assert low < 4.2
    assert high > 4.5


def test_nothing_is_known_from_more_than_there_are() -> None:
    law = held("lognormal", Interval(3.0, 3.6), Interval(3.2, 8.0), 50.0)  # a ninth decile that is hardly known
    assert law.spread_of == pytest.approx(4)
    assert law.of == pytest.approx(50)


def test_where_many_are_open_the_spread_is_known_from_fewer_deals() -> None:
    """Ten weeks of deals whose waits go on for longer: no one has seen the tail, everyone the middle."""
    rng = np.random.default_rng(8)
    wait, age = rng.lognormal(np.log(30), 0.7, 300), rng.uniform(0, 70, 300)
    found = fit_waits(np.minimum(wait, age), (wait <= age).astype(int)).advance
    assert found is not None
    assert found.spread_of < 0.6 * found.of
    whole = fit_waits(wait[:150], np.ones(150)).advance
    assert whole is not None
    assert whole.family == "lognormal"
    assert whole.spread_of > 0.6 * whole.of
    # nothing censored: the median's interval is Student's, to a tenth for the other families' say
    half = whole.parameters[1] / np.sqrt(whole.of) * student.ppf(0.975, whole.spread_of - 1)
    assert half == pytest.approx(np.log(wait[:150]).std(ddof=1) / np.sqrt(150) * student.ppf(0.975, 149), rel=0.1)
