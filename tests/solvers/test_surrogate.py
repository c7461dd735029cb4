"""The surrogate of sample paths: exact where they were simulated, linear in responses, yields shrunk to their like."""

from __future__ import annotations

import numpy as np
import pytest

from solvers.levers import Levers, limited
from solvers.objective import attained
from solvers.paths import PathTable
from solvers.surrogate import surrogate, unit_yields
from tests.solvers.markets import NormalMarket


def market_and_levers(cells: int, seed: int) -> tuple[NormalMarket, Levers, np.ndarray]:
    market = NormalMarket(cells, seed)
    at = np.full(cells, 100.0)
    market.target = 1.03 * market.moments(at)[0]
    return market, limited(tuple(f"c{i}" for i in range(cells)), at, floors=5.0), at


def test_margins_are_exact_at_the_allocation_and_linear_in_responses():
    market, levers, at = market_and_levers(4, 1)
    table = market.simulate(at, 0, 50, 1)
    case = surrogate(levers, market.response, at, table)
    assert np.array_equal(case.margins(at), table.margins)
    other = np.array([50.0, 150.0, 120.0, 80.0])
    by_hand = table.margins[:, 0] + table.yields[:, 0] @ (market.response(other) - market.response(at))
    assert case.margins(other)[:, 0] == pytest.approx(by_hand, rel=1e-12)


def test_every_goal_must_be_attained() -> None:
    margins = np.array([[0.0, 0.1], [0.2, -0.1], [-0.3, -0.2]])
    assert attained(margins).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("margins", "yields", "says"),
    [
        (np.zeros((3, 1)), np.zeros((2, 1, 2)), "must be"),
        (np.zeros((0, 1)), np.zeros((0, 1, 2)), "at least one path"),
        (np.full((1, 1), np.nan), np.zeros((1, 1, 2)), "not a finite number"),
    ],
)
def test_paths_that_do_not_fit_are_refused(margins, yields, says):
    with pytest.raises(ValueError, match=says):
        PathTable(margins, yields)


def test_yields_per_unit_shrink_toward_their_like():
    brought = np.array([[[2.0, 6.0, 0.0, 5.0, 0.0]], [[4.0, 0.0, 0.0, 5.0, 0.0]]])
    response, like = np.array([1.0, 3.0, 0.0, 5.0, 0.0]), np.array([0, 0, 0, 1, 2])
    own = unit_yields(brought, response, like)
    # group 0 brought a mean of 6 by 4 units; all of them 11 by 9
    assert own[0, 0] == pytest.approx([2.0, 2.0, 1.5, 1.0, 11 / 9])
    assert own[1, 0] == pytest.approx([4.0, 0.0, 1.5, 1.0, 11 / 9])
    shrunk = unit_yields(brought, response, like, strength=1.0)
    assert shrunk[0, 0] == pytest.approx([3.5 / 2, 7.5 / 4, 1.5, 1.0, 11 / 9])
    assert unit_yields(brought, response, like, strength=1e9)[1, 0] == pytest.approx([1.5, 1.5, 1.5, 1.0, 11 / 9])
