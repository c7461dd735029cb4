"""The instances of the solvers' benchmark are what they say, and both formulations of them have one optimum."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.solvers import SIZES, instance, plain
from solvers.joint import most_probable
from solvers.programme import solve


def test_an_instance_is_a_trade_off_and_the_same_each_time():
    case, again = instance(8, 30, 200, 1), instance(8, 30, 200, 1)
    assert np.array_equal(case.targets, again.targets)
    assert np.array_equal(case.region.row_upper, again.region.row_upper)
    assert np.all(np.count_nonzero(case.effects, axis=1) > 0)
    assert set(np.count_nonzero(case.effects, axis=0)) <= {1, 2, 3}
    assert 0.85 <= case.equal_odds < 0.87  # ranks move in steps of a scenario
    found = most_probable(case.region, case.effects, case.targets)
    assert (found.status, found.gap) == ("optimal", 0.0)
    assert case.equal_odds + 0.01 < found.probability < 0.97


@pytest.mark.parametrize("seed", [1, 2])
def test_both_formulations_have_one_optimum(seed):
    case = instance(4, 12, 60, seed)
    found, slow = most_probable(case.region, case.effects, case.targets), solve(plain(case))
    assert slow.status == "optimal"
    assert found.probability == pytest.approx(slow.objective, abs=1e-9)


@pytest.mark.long
@pytest.mark.parametrize(("rows", "variables", "scenarios", "gap"), SIZES)
def test_the_stated_sizes_are_proven(rows, variables, scenarios, gap):
    case = instance(rows, variables, scenarios, 1)
    found = most_probable(case.region, case.effects, case.targets, gap=gap)
    assert found.gap <= gap
    assert found.repeatable
    assert np.mean(np.all(case.effects @ found.x >= case.targets * (1 - 1e-6), axis=1)) == found.probability
    assert case.equal_odds < found.probability <= found.bound
