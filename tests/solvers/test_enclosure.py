"""The enclosure of rising margins against enumeration: never below the optimum, and at it with levels enough."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from solvers.arrays import FloatArray
from solvers.enclosure import Rising, enclosed, even_levels, sharpened
from solvers.levers import Levers, limited

UNITS = 12  # amounts are whole numbers here, so that enumeration is exact


def market(seed: int, goals: int, paths: int = 40) -> tuple[Levers, FloatArray, FloatArray]:
    """Three variables of 0 to 12 that sum to 12; each path's steps come at whole amounts: (levers, steps, constant)."""
    rng = np.random.default_rng(seed)
    levers = limited(("a", "b", "c"), np.full(3, UNITS / 3), caps=UNITS)
    steps = rng.exponential(1.0, (paths, goals, 3, UNITS)) * (rng.random((paths, goals, 3, UNITS)) < 0.3)
    steps *= rng.uniform(0.5, 1.5, 3)[None, None, :, None]
    constant = -rng.uniform(1.5, 5.0, (paths, goals))
    return levers, np.concatenate([np.zeros((paths, goals, 3, 1)), np.cumsum(steps, axis=3)], axis=3), constant


def best(brought: FloatArray, constant: FloatArray) -> float:
    """The share of paths that the best whole split makes attain, by enumeration."""
    found = 0.0
    for a, b in itertools.product(range(UNITS + 1), repeat=2):
        if a + b <= UNITS:
            margins = constant + brought[:, :, 0, a] + brought[:, :, 1, b] + brought[:, :, 2, UNITS - a - b]
            found = max(found, float(np.mean(np.all(margins >= 0.0, axis=1))))
    return found


@pytest.mark.parametrize("goals", [1, 2])
@pytest.mark.parametrize("seed", range(6))
def test_the_bound_is_never_below_the_optimum_and_falls_with_more_levels(seed: int, goals: int) -> None:
    levers, brought, constant = market(seed, goals)
    optimum = best(brought, constant)
    coarse = Rising(even_levels(levers, 3), brought[..., :: UNITS // 2], constant, levers.totals, levers.group)
    fine = Rising(even_levels(levers, UNITS + 1), brought, constant, levers.totals, levers.group)
    roots = [enclosed(case, nodes=0) for case in (coarse, fine)]
    bounds = [enclosed(case, nodes=5_000) for case in (coarse, fine)]
    assert optimum <= bounds[1].bound <= bounds[0].bound <= roots[0].bound
    assert bounds[1].bound <= roots[1].bound == roots[1].root
    assert bounds[1].finished


def test_levels_in_the_best_boxes_reach_the_optimum() -> None:
    """Steps come at whole amounts and count from there on: cells that hold none cost and bring the same."""
    levers, brought, constant = market(3, 1)

    def brings(x: FloatArray) -> FloatArray:
        return np.stack([brought[:, :, v, int(np.floor(x[v] + 1e-9))] for v in range(3)], axis=2)

    optimum = best(brought, constant)
    found = [sharpened(brings, constant, levers, first=4, more=more).bound for more in (0, 12, 60)]
    assert found[0] >= found[1] >= found[2] >= optimum
    assert found[2] - optimum <= 0.1 < found[0] - optimum


def test_groups_keep_their_own_totals() -> None:
    """Two rows of two, each of its own total: the bound of both together is the better path by path of each."""
    levels = np.tile(np.array([0.0, 1.0]), (4, 1))
    brought = np.zeros((1, 1, 4, 2))
    brought[0, 0, :, 1] = [1.0, 2.0, 4.0, 8.0]
    group = np.array([0, 0, 1, 1])
    totals = np.array([1.0, 1.0])
    assert enclosed(Rising(levels, brought, np.array([[-15.1]]), totals, group)).bound == 0.0
    assert (
        enclosed(Rising(levels, brought, np.array([[-15.0]]), totals, group)).bound == 1.0
    )  # cells bring their upper end


def test_what_does_not_rise_is_refused() -> None:
    levels, group = np.array([[0.0, 1.0]]), np.zeros(1, dtype=np.int64)
    falling = np.array([[[[1.0, 0.5]]]])
    with pytest.raises(ValueError, match="falls somewhere"):
        Rising(levels, falling, np.zeros((1, 1)), np.ones(1), group)
    with pytest.raises(ValueError, match="makes the total"):
        enclosed(Rising(levels, falling[..., ::-1].copy(), np.zeros((1, 1)), np.array([2.0]), group))
