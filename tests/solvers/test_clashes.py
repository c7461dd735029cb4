"""Irreducible sets of clashing limits against enumeration of all subsets."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from solvers.clashes import clashing_limits
from solvers.programme import programme


def holds(a, low, high, rows) -> bool:
    rows = list(rows)
    if not rows:
        return True
    ub = np.vstack([a[rows], -a[rows]])
    b = np.concatenate([high[rows], -low[rows]])
    finite = np.isfinite(b)
    return linprog(np.zeros(a.shape[1]), A_ub=ub[finite], b_ub=b[finite], bounds=(0, 3)).status == 0


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_the_set_clashes_and_no_member_can_be_spared(seed):
    rng = np.random.default_rng(seed)
    a = rng.integers(-2, 3, (6, 3)).astype(float)
    low = np.where(rng.random(6) < 0.5, rng.integers(-1, 6, 6).astype(float), -np.inf)
    high = np.where(np.isinf(low), rng.integers(-3, 4, 6).astype(float), np.inf)
    names = tuple("abcdef")
    found = clashing_limits(programme(np.zeros(3), a, low, high, upper=3.0, row_names=names))
    if holds(a, low, high, range(6)):
        assert found == ()
        return
    rows = [names.index(name) for name in found]
    assert not holds(a, low, high, rows)
    for spared in combinations(rows, len(rows) - 1):
        assert holds(a, low, high, spared)


def test_rows_of_one_name_are_one_limit():
    a = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]]
    problem = programme(
        [0, 0], a, [2, 2, -np.inf, 0], [np.inf, np.inf, 3, 9], row_names=("floors", "floors", "total", "spare")
    )
    assert sorted(clashing_limits(problem)) == ["floors", "total"]


def test_names_are_needed():
    with pytest.raises(ValueError, match="rows have names"):
        clashing_limits(programme([0.0], [[1.0]], 1.0, 0.0))
