"""Variates and distribution functions against SciPy's quantile functions, exactly; conditional variates; refusals."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from engine.distributions import DistributionTable, conditional_variate, cumulative, variate
from engine.plan.quantities import Duration, read_duration
from engine.plan.types import AmountDistribution, TimeDistribution
from engine.problems import PlanRefused

SMALLEST, LARGEST = 2.0**-53, 1.0 - 2.0**-53
LEVELS = [SMALLEST, 1e-12, 1e-6, 0.01, 0.1, 0.25, 0.3, 0.5, 0.62, 0.75, 0.9, 0.99, 1 - 1e-6, 1 - 1e-12, LARGEST]
HOURS = {"h": 1.0, "d": 8.0, "w": 40.0, "mo": 30.4375, "cd": 1.0}


def hours_of(duration: Duration) -> tuple[float, bool]:
    """An eight-hour day; months and calendar days stay calendar days."""
    return duration.value * HOURS[duration.unit], duration.unit in ("mo", "cd")


def time(**fields: Any) -> TimeDistribution:
    read = {k: read_duration(v) if isinstance(v, str) and k not in ("kind", "unit", "file", "column") else v
            for k, v in fields.items()}  # fmt: skip
    return TimeDistribution(**read)


class Row:
    """One distribution, with the jitted functions as methods."""

    def __init__(
        self, dist: AmountDistribution | TimeDistribution, columns: dict[str, list[float]] | None = None
    ) -> None:
        self.made = DistributionTable()
        self.made.add_amount(
            AmountDistribution(kind="empirical", values=(3.0, 1.0)), {}, 1.0
        )  # so that rows have offsets
        if isinstance(dist, TimeDistribution):
            self.i = self.made.add_time(dist, hours_of, columns or {})
        else:
            self.i = self.made.add_amount(dist, columns or {}, 1.0)
        self.dists, self.table = self.made.arrays()

    def variate(self, u: float) -> float:
        return variate(self.dists, self.table, self.i, u)

    def cumulative(self, x: float) -> float:
        return cumulative(self.dists, self.table, self.i, x)

    def beyond(self, age: float, u: float) -> float:
        return conditional_variate(self.dists, self.table, self.i, age, u)


SIGMA = math.log(30 / 12) / stats.norm.ppf(0.9)
CONTINUOUS = {
    "exponential": (AmountDistribution(kind="exponential", mean=40.0), stats.expon(scale=40.0)),
    "lognormal by median and p90": (
        AmountDistribution(kind="lognormal", median=12.0, p90=30.0), stats.lognorm(SIGMA, scale=12.0)),
    "lognormal by median and sigma": (
        AmountDistribution(kind="lognormal", median=7.0, sigma=0.6), stats.lognorm(0.6, scale=7.0)),
    "lognormal by mean and cv": (
        AmountDistribution(kind="lognormal", mean=1e6, cv=0.6),
        stats.lognorm(math.sqrt(math.log(1.36)), scale=1e6 / math.sqrt(1.36))),
    "triangular": (
        AmountDistribution(kind="triangular", low=1.0, mode=2.0, high=6.0), stats.triang(0.2, loc=1.0, scale=5.0)),
    "triangular with its mode below": (
        AmountDistribution(kind="triangular", low=1.0, mode=1.0, high=6.0), stats.triang(0.0, loc=1.0, scale=5.0)),
    "triangular with its mode above": (
        AmountDistribution(kind="triangular", low=1.0, mode=6.0, high=6.0), stats.triang(1.0, loc=1.0, scale=5.0)),
    "uniform": (AmountDistribution(kind="uniform", low=2.0, high=5.0), stats.uniform(2.0, 3.0)),
    "weibull by median": (
        AmountDistribution(kind="weibull", median=3.0, shape=1.5),
        stats.weibull_min(1.5, scale=3.0 / math.log(2.0) ** (1 / 1.5))),
    "weibull by mean": (
        AmountDistribution(kind="weibull", mean=3.0, shape=0.7),
        stats.weibull_min(0.7, scale=3.0 / math.gamma(1 + 1 / 0.7))),
}  # fmt: skip
LEVELLED = AmountDistribution(
    kind="quantiles", quantiles=((0.0, 1.0), (0.25, 2.0), (0.5, 2.0), (0.75, 10.0), (1.0, 30.0))
)
EMPIRICAL = AmountDistribution(kind="empirical", values=(5.0, 1.0, 2.0, 2.0, 9.0))


@pytest.mark.parametrize("name", CONTINUOUS)
def test_variates_are_the_quantile_function(name: str) -> None:
    dist, theirs = CONTINUOUS[name]
    row = Row(dist)
    for u in LEVELS:
        exact = theirs.ppf(u) if u < 0.5 or "triangular" in name or "uniform" in name else theirs.isf(1.0 - u)
        assert row.variate(u) == pytest.approx(exact, rel=2e-12), u


@pytest.mark.parametrize("name", CONTINUOUS)
def test_cumulative_is_the_distribution_function(name: str) -> None:
    dist, theirs = CONTINUOUS[name]
    row = Row(dist)
    for u in LEVELS:
        x = float(theirs.ppf(u))
        assert row.cumulative(x) == pytest.approx(theirs.cdf(x), rel=1e-9, abs=4e-16), u
        assert row.cumulative(row.variate(u)) == pytest.approx(u, abs=1e-13)
    assert row.cumulative(-1.0) == 0.0
    assert row.cumulative(0.0) == pytest.approx(0.0)
    assert row.cumulative(1e300) == 1.0


@pytest.mark.parametrize("name", CONTINUOUS)
@pytest.mark.parametrize("level", [0.01, 0.5, 0.9, 0.999, 1 - 1e-9])
def test_variates_beyond_an_age_are_the_conditional_quantile_function(name: str, level: float) -> None:
    dist, theirs = CONTINUOUS[name]
    row = Row(dist)
    age = float(theirs.ppf(level))
    for u in (1e-6, 0.1, 0.5, 0.9, 1 - 1e-6):
        found = row.beyond(age, u)
        assert found > age
        left = theirs.sf(found) / theirs.sf(age)  # of those that reach the age
        bounded = math.isfinite(theirs.support()[1])  # SciPy's tail is then 1 - cdf, and x has few digits below high
        rounding = 2.0**-51 * float((1.0 + found * theirs.pdf(age)) / theirs.sf(age)) if bounded else 0.0
        assert left == pytest.approx(1.0 - u, rel=1e-6 if level > 0.9999 else 1e-9, abs=rounding)


@pytest.mark.parametrize("dist", [*(d for d, _ in CONTINUOUS.values()), LEVELLED, EMPIRICAL], ids=lambda d: d.kind)
@given(data=st.data())
def test_variates_beyond_any_age_are_finite_rise_and_are_not_below_it(
    dist: AmountDistribution, data: st.DataObject
) -> None:
    row = Row(dist)
    level = st.floats(SMALLEST, LARGEST)
    age = data.draw(st.one_of(st.just(0.0), level.map(row.variate), st.floats(0.0, 1e12)))
    u = sorted((data.draw(level), data.draw(level)))
    low, high = row.beyond(age, u[0]), row.beyond(age, u[1])
    assert age <= low <= high * (1 + 1e-15) < math.inf
    if age == 0.0:
        assert low == row.variate(u[0])


def test_far_beyond_the_median_the_lognormal_still_moves() -> None:
    """A deal a thousand medians old: 0.1 of the way to a probability that float64 rounds to one."""
    row = Row(AmountDistribution(kind="lognormal", median=1.0, sigma=0.15))
    for age in (100.0, 300.0, 1e4):  # the last has a tail below 1e-300
        waits = [row.beyond(age, u) / age for u in (0.1, 0.5, 0.9)]
        z = math.log(age) / 0.15
        assert np.log(waits) == pytest.approx(0.15 * -np.log([0.9, 0.5, 0.1]) / z, rel=0.02)
    assert row.beyond(math.exp(0.15 * 36.3), 0.5) == pytest.approx(row.beyond(math.exp(0.15 * 36.5), 0.5), rel=0.04)


def test_constant() -> None:
    row = Row(time(kind="constant", value="3 d"))
    assert [row.variate(u) for u in LEVELS] == [24.0] * len(LEVELS)
    assert (row.cumulative(23.9), row.cumulative(24.0)) == (0.0, 1.0)
    assert (row.beyond(10.0, 0.5), row.beyond(30.0, 0.5)) == (24.0, 30.0)
    assert (row.made.mean(row.i), row.made.std(row.i)) == (24.0, 0.0)


def test_empirical_gives_each_value_its_share() -> None:
    row = Row(EMPIRICAL)
    assert [row.variate((k + 0.5) / 5) for k in range(5)] == [1.0, 2.0, 2.0, 5.0, 9.0]
    assert (row.variate(SMALLEST), row.variate(LARGEST)) == (1.0, 9.0)
    assert [row.cumulative(x) for x in (0.5, 1.0, 2.0, 4.0, 9.0)] == [0.0, 0.2, 0.6, 0.6, 1.0]
    assert [row.beyond(2.0, u) for u in (0.25, 0.75)] == [5.0, 9.0]
    assert row.beyond(1.5, 0.49) == 2.0
    assert row.beyond(9.0, 0.5) == 9.0


def test_empirical_never_reads_past_its_values() -> None:
    for n in (1, 3, 7, 49, 1000, 99_999):
        row = Row(AmountDistribution(kind="empirical", values=tuple(float(k) for k in range(n))))
        assert row.variate(LARGEST) == n - 1


def test_quantiles_are_joined_by_lines() -> None:
    row = Row(LEVELLED)
    assert [row.variate(u) for u in (0.125, 0.25, 0.3, 0.5, 0.625, 0.75, 0.875)] == [
        1.5,
        2.0,
        2.0,
        2.0,
        6.0,
        10.0,
        20.0,
    ]
    assert [row.cumulative(x) for x in (0.5, 1.0, 1.5, 1.99999999, 2.0, 6.0, 30.0)] == pytest.approx(
        [0.0, 0.0, 0.125, 0.25, 0.5, 0.625, 1.0], abs=1e-8
    )
    assert row.beyond(2.0, 0.5) == 10.0  # halfway from level 0.5 to 1
    assert row.beyond(30.0, 0.5) == 30.0


def test_degenerate_parameters_are_constants() -> None:
    for dist in (
        AmountDistribution(kind="triangular", low=2.0, mode=2.0, high=2.0),
        AmountDistribution(kind="uniform", low=2.0, high=2.0),
        AmountDistribution(kind="lognormal", median=2.0, sigma=0.0),
        AmountDistribution(kind="lognormal", mean=2.0, cv=0.0),
        AmountDistribution(kind="quantiles", quantiles=((0.0, 2.0), (1.0, 2.0))),
    ):
        row = Row(dist)
        assert {row.variate(u) for u in LEVELS} == {2.0}, dist
        assert (row.cumulative(1.9), row.cumulative(2.0)) == (0.0, 1.0)
        assert (row.beyond(1.0, 0.5), row.beyond(3.0, 0.5)) == (2.0, 3.0)
        assert (row.made.mean(row.i), row.made.std(row.i)) == (2.0, 0.0)


@pytest.mark.parametrize("dist", [*(d for d, _ in CONTINUOUS.values()), LEVELLED, EMPIRICAL], ids=lambda d: d.kind)
def test_moments_are_those_of_the_variates(dist: AmountDistribution) -> None:
    """Against the integral of the variate over the uniform, and its square; 200,000 midpoints find 1% of each."""
    row = Row(dist)
    u = (np.arange(200_000) + 0.5) / 200_000
    x = np.array([row.variate(v) for v in u])
    assert row.made.mean(row.i) == pytest.approx(x.mean(), rel=1e-3)
    assert row.made.std(row.i) == pytest.approx(x.std(), rel=1e-2)
    figures = row.made.describe(row.i)
    assert (figures.kind, figures.mean, figures.std) == (dist.kind, row.made.mean(row.i), row.made.std(row.i))
    assert figures.p10 <= figures.p50 <= figures.p90


@pytest.mark.parametrize("name", CONTINUOUS)
def test_moments_are_scipys(name: str) -> None:
    dist, theirs = CONTINUOUS[name]
    row = Row(dist)
    assert row.made.mean(row.i) == pytest.approx(theirs.mean(), rel=1e-12)
    assert row.made.std(row.i) == pytest.approx(theirs.std(), rel=1e-12)


def test_exponential_mean_by_quadrature() -> None:
    row = Row(CONTINUOUS["exponential"][0])
    mean, _ = integrate.quad(lambda x: 1.0 - row.cumulative(x), 0.0, 2000.0)
    assert mean == pytest.approx(40.0, rel=1e-8)


positive = st.floats(1e-3, 9e13)
kinds = st.one_of(
    st.builds(lambda m: AmountDistribution(kind="exponential", mean=m), positive),
    st.builds(lambda m, s: AmountDistribution(kind="lognormal", median=m, sigma=s), positive, st.floats(0.0, 20.0)),
    st.builds(lambda m, c: AmountDistribution(kind="lognormal", mean=m, cv=c), positive, st.floats(0.0, 20.0)),
    st.builds(lambda m, k: AmountDistribution(kind="weibull", mean=m, shape=k), positive, st.floats(0.05, 100.0)),
    st.builds(lambda m, k: AmountDistribution(kind="weibull", median=m, shape=k), positive, st.floats(0.05, 100.0)),
    st.builds(lambda v: AmountDistribution(kind="triangular", low=min(v), mode=sorted(v)[1], high=max(v)),
              st.tuples(positive, positive, positive)),
    st.builds(lambda v: AmountDistribution(kind="uniform", low=min(v), high=max(v)), st.tuples(positive, positive)),
)  # fmt: skip


@given(kinds, st.floats(SMALLEST, LARGEST), st.floats(SMALLEST, LARGEST), st.floats(0.0, 1e15))
def test_no_valid_distribution_gives_a_negative_or_endless_value(
    dist: AmountDistribution, u: float, v: float, age: float
) -> None:
    row = Row(dist)
    low, high = row.variate(min(u, v)), row.variate(max(u, v))
    assert 0.0 <= low <= high * (1 + 1e-14) < math.inf
    assert age <= row.beyond(age, u) < math.inf
    assert 0.0 <= row.cumulative(low) <= row.cumulative(high) + 1e-15 <= 1.0 + 1e-15


# --- from records --------------------------------------------------------------------------------------------------


def test_times_become_hours_or_calendar_days() -> None:
    table = DistributionTable()
    assert table.add_time(time(kind="exponential", mean="5 d"), hours_of, {}) == 0
    assert table.add_time(time(kind="triangular", low="1 h", mode="1 d", high="1 w"), hours_of, {}) == 1
    assert table.add_time(time(kind="constant", value="2 mo"), hours_of, {}) == 2
    assert table.add_time(time(kind="uniform", low="0 h", high="30 cd"), hours_of, {}) == 3
    rows, _ = table.arrays()
    assert rows["calendar_days"].tolist() == [0, 0, 1, 1]
    assert rows["p0"].tolist() == [40.0, 1.0, 60.875, 0.0]
    assert rows["p2"][1] == 40.0


def test_amounts_are_scaled_once() -> None:
    table = DistributionTable()
    i = table.add_amount(AmountDistribution(kind="lognormal", mean=1000.0, cv=0.6), {}, 100.0)
    assert table.mean(i) == pytest.approx(100_000.0, rel=1e-13)


def test_columns_of_files_are_read_in_their_unit_and_kept_once() -> None:
    table = DistributionTable()
    columns = {"waits.csv:days": [5.0, 1.0, 2.0]}
    dist = time(kind="empirical", file="waits.csv", column="days", unit="d")
    for _ in range(2):
        table.add_time(dist, hours_of, columns)
    rows, values = table.arrays()
    assert values.tolist() == [8.0, 16.0, 40.0]
    assert rows["start"].tolist() == [0, 0]
    assert rows["stop"].tolist() == [3, 3]


@pytest.mark.parametrize("column", [[], [1.0, math.nan], [1.0, -2.0], [math.inf]])
def test_columns_that_make_no_distribution_are_refused(column: list[float]) -> None:
    dist = AmountDistribution(kind="empirical", file="v.csv", column="value")
    with pytest.raises(PlanRefused) as refused:
        DistributionTable().add_amount(dist, {"v.csv:value": column}, 100.0, path="products.ERP.deal_value")
    assert [problem.path for problem in refused.value.problems] == ["products.ERP.deal_value"]


def test_order_is_checked_once_units_are_known() -> None:
    for dist in (
        time(kind="triangular", low="1 d", mode="2 h", high="3 d"),
        time(kind="uniform", low="1 w", high="2 d"),
        time(kind="lognormal", median="1 d", p90="2 h"),
        time(kind="quantiles", quantiles=((0.0, Duration(1, "d")), (1.0, Duration(2, "h")))),
    ):
        with pytest.raises(PlanRefused):
            DistributionTable().add_time(dist, hours_of, {}, path="stages.0.wait")


def test_rows_may_be_read_only() -> None:
    """As joblib hands large arrays to its workers."""
    row = Row(EMPIRICAL)
    row.dists.flags.writeable = row.table.flags.writeable = False
    assert row.variate(0.5) == 2.0
    assert (row.cumulative(2.0), row.beyond(2.0, 0.1)) == (0.6, 5.0)


def test_every_variate_rises_with_its_uniform() -> None:
    u = np.sort(np.random.default_rng(1).uniform(SMALLEST, LARGEST, 2000))
    for dist in [*(d for d, _ in CONTINUOUS.values()), LEVELLED, EMPIRICAL]:
        row = Row(dist)
        x = [row.variate(v) for v in u]
        assert all(low <= high for low, high in itertools.pairwise(x)), dist.kind
