"""Many at once, with the bits of one at a time: elementary functions, normal quantiles, variates of mixed kinds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine import lanes
from engine.arithmetic import exp, log, normal_quantile
from engine.distributions import DistributionTable, variate
from engine.plan.types import AmountDistribution

Floats = NDArray[np.float64]
anything = st.lists(st.floats(allow_nan=True, allow_infinity=True, width=64), max_size=70)
levels = st.floats(2.0**-53, 1.0 - 2.0**-53)


def same_bits(found: Floats, expected: list[float]) -> bool:
    wanted = np.array(expected, dtype=np.float64)
    nan = np.isnan(wanted)
    return bool(np.array_equal(np.isnan(found), nan) and found[~nan].tobytes() == wanted[~nan].tobytes())


@pytest.mark.parametrize(("many", "one"), [(lanes.exps, exp), (lanes.logs, log)])
@given(x=anything)
def test_elementary_functions(many: Any, one: Any, x: list[float]) -> None:
    """Numbers beyond what needs no branch too: subnormal, infinite, negative, none."""
    out = np.full(len(x), np.nan)
    many(np.array(x, dtype=np.float64), out, len(x))
    assert same_bits(out, [one(value) for value in x])


@given(u=st.lists(st.one_of(levels, st.sampled_from([0.0, 1.0, 0.075, 0.925, 0.5, -1.0, 2.0])), max_size=70))
def test_normal_quantiles(u: list[float]) -> None:
    out = np.full(len(u), np.nan)
    lanes.normal_quantiles(np.array(u, dtype=np.float64), out, np.zeros(len(u) + 1, dtype=np.int64), len(u))
    assert same_bits(out, [normal_quantile(value) for value in u])


def table() -> tuple[Any, Any]:
    """A row of every kind."""
    rows = DistributionTable()
    for given_as in (
        {"kind": "constant", "value": 3.0},
        {"kind": "exponential", "mean": 2.5},
        {"kind": "lognormal", "mean": 10.0, "cv": 0.7},
        {"kind": "lognormal", "median": 1e300, "sigma": 20.0},
        {"kind": "triangular", "low": 1.0, "mode": 2.0, "high": 6.0},
        {"kind": "uniform", "low": 1.0, "high": 4.0},
        {"kind": "weibull", "mean": 5.0, "shape": 1.3},
        {"kind": "weibull", "median": 5.0, "shape": 0.05},
        {"kind": "empirical", "values": [1.0, 5.0, 2.0]},
        {"kind": "quantiles", "quantiles": ((0.0, 1.0), (0.5, 2.0), (1.0, 9.0))},
    ):
        rows.add_amount(AmountDistribution(**given_as), {}, 1.0)
    return rows.arrays()


DISTS, TABLE = table()


def test_the_table_has_every_kind() -> None:
    assert set(DISTS["kind"].tolist()) == set(range(lanes.KINDS))


@given(st.lists(st.tuples(st.integers(0, len(DISTS) - 1), levels), max_size=70))
def test_variates_of_mixed_kinds(asked: list[tuple[int, float]]) -> None:
    n = len(asked)
    rows, u = np.array([row for row, _ in asked], dtype=np.int64), np.array([level for _, level in asked])
    out = np.full(n, np.nan)
    lanes.variates(DISTS, TABLE, rows, u, out, np.zeros((lanes.KINDS + 2, max(n, lanes.KINDS) + 1), np.int64),
                   np.zeros((2, n + 1)), n)  # fmt: skip
    assert same_bits(out, [variate(DISTS, TABLE, row, level) for row, level in asked])
