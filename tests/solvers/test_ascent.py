"""The climb reaches known optima, joint and k of m; uses each path once; keeps to its work; repeats to the last bit."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm

from benchmarks.portfolios import as_levers, as_paths, exact, filled, reference_portfolio
from solvers.ascent import Ascent, ClimbLimits, climb
from solvers.objective import all_of, at_least, weighted
from solvers.paths import LinearPaths, Paths, PathTable, Streaming
from solvers.polyhedron import of_levers, polyhedron
from solvers.starts import starts

QUICK = ClimbLimits(paths=1_000_000, batch=2048)
SMALL = reference_portfolio(60, target=1.15)


def climbed(cells: int, limits: ClimbLimits = QUICK, how: Streaming | None = None) -> Ascent:
    case = reference_portfolio(cells, target=1.15)
    return climb(
        of_levers(as_levers(case)),
        as_paths(case),
        all_of(1),
        {"even": np.full(cells, 1.0 / cells), "mean": filled(case.mean, case.caps)},
        limits=limits,
        how=how,
    )


def test_a_known_optimum_is_reached_within_three_tenths_of_a_point() -> None:
    found = climbed(60)
    best = SMALL.probability(exact(SMALL))
    assert best - 0.003 <= SMALL.probability(found.x) <= best + 1e-9
    assert found.starts["mean"] < best - 0.02
    assert found.termination == "converged"
    assert of_levers(as_levers(SMALL)).violation(found.x) <= 1e-9
    # what it was found on is hardly optimistic: 5 standard errors
    assert abs(found.in_sample - SMALL.probability(found.x)) < 5 * np.sqrt(0.25 / found.in_sample_paths)


@pytest.mark.long
def test_five_hundred_cells_within_two_tenths_of_a_point() -> None:
    case = reference_portfolio(500)
    region, even = of_levers(as_levers(case)), np.full(500, 1.0 / 500)
    paths = as_paths(case)
    begun = starts(region, even, paths(even, 0, 1024, 1), even, most_nonzeros=200_000)
    found = climb(region, paths, all_of(1), begun)
    best = case.probability(exact(case))
    assert best - 0.002 <= case.probability(found.x) <= best + 1e-9
    assert max(case.probability(x) for x in begun.values()) < best - 0.01


def test_the_answer_is_the_same_to_the_bit_whatever_the_workers_and_the_calls() -> None:
    few = replace(QUICK, paths=60_000)
    one = climbed(30, few)
    for how in (Streaming(workers=3), Streaming(4096), Streaming(2048, 2)):
        other = climbed(30, few, how)
        assert np.array_equal(one.x, other.x)
        assert one.trace == other.trace


def test_each_path_is_asked_for_once_an_allocation_and_the_work_is_counted() -> None:
    paths, asked = as_paths(SMALL), []

    def counting(x: np.ndarray, first: int, n: int, phase: int, /) -> PathTable:
        asked.append((x.tobytes(), first, n, phase))
        return paths(x, first, n, phase)

    even = np.full(60, 1.0 / 60)
    limits = replace(QUICK, paths=70_000, batch=2048)
    found = climb(of_levers(as_levers(SMALL)), counting, all_of(1), {"even": even}, limits=limits, first=10_240)
    again = -(-found.in_sample_paths // 1024)  # the last look counts what the climb went by
    used = asked[1:-again]  # the first told the spread
    assert len(set(used)) == len(used)
    assert {first for _, first, _, _ in asked[-again:]} <= {first for _, first, _, _ in used}
    assert {phase for *_, phase in asked} == {1}
    assert min(first for _, first, _, _ in asked) == 10_240
    assert sum(n for _, _, n, _ in asked) == found.simulated <= 70_000
    assert max(first + n for _, first, n, _ in asked) == found.next_path
    assert found.termination == "work_limit"
    assert all((step.gain > 0) == step.accepted for step in found.trace)


def test_stopped_it_returns_the_best_so_far() -> None:
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 4

    even = np.full(60, 1.0 / 60)
    found = climb(of_levers(as_levers(SMALL)), as_paths(SMALL), all_of(1), {"even": even}, limits=QUICK, stopped=stop)
    assert found.termination == "stopped"
    assert len(found.trace) == 3
    assert SMALL.probability(found.x) > SMALL.probability(even)


def independent_goals(targets: list[float]) -> Paths:
    """Goal g is served by cell g alone: 2 + N(0, 1) a unit; a goal's odds are Phi(2 - target / x)."""

    def worths(first: int, n: int, phase: int) -> tuple[np.ndarray, np.ndarray]:
        g = len(targets)
        own = 2.0 + np.random.default_rng([7, phase, first]).standard_normal((n, g))
        return np.tile(-np.array(targets), (n, 1)), own[:, :, None] * np.eye(g)

    return LinearPaths(worths)


@pytest.mark.parametrize("which", ["all", "two", "weighted"])
def test_several_goals_share_a_budget_as_an_independent_optimiser_would(which: str) -> None:
    targets = [0.5, 0.9, 1.2]
    weights = [1.0, 3.0, 1.0]
    objective = {"all": all_of(3), "two": at_least(2, 3), "weighted": weighted(weights)}[which]

    def value(x: np.ndarray) -> float:
        p = norm.cdf(2.0 - np.array(targets) / np.maximum(x, 1e-9))
        if which == "all":
            return float(np.prod(p))
        if which == "weighted":
            return float(np.dot(weights, p))
        return float(p[0] * p[1] + p[0] * p[2] + p[1] * p[2] - 2 * np.prod(p))

    region = polyhedron(np.ones((1, 3)), [3.0], [3.0], lower=0.2)
    begun = [np.ones(3), np.array([0.6, 1.2, 1.2]), np.array([1.2, 1.4, 0.4])]
    oracle = max(
        -float(
            minimize(
                lambda x: -value(x),
                x,
                bounds=[(0.2, 3.0)] * 3,
                constraints={"type": "eq", "fun": lambda x: np.sum(x) - 3.0},
                method="SLSQP",
                options={"ftol": 1e-12},
            ).fun
        )
        for x in begun
    )
    found = climb(
        region, independent_goals(targets), objective, {f"s{i}": x for i, x in enumerate(begun)}, limits=QUICK
    )
    assert oracle - 0.003 * objective.most <= value(found.x) <= oracle + 1e-9
    assert found.in_sample == pytest.approx(value(found.x), abs=5 * 2.5 / np.sqrt(found.in_sample_paths))


def test_the_stock_most_likely_to_make_a_profit() -> None:
    """Newsvendor: profit 5 min(q, D) - 3 q >= 40 is likeliest at q = 40 / 2, with odds P(D >= 20) (Lau 1980)."""
    mean, sd = 30.0, 12.0

    def paths(x: np.ndarray, first: int, n: int, phase: int, /) -> PathTable:
        demand = mean + sd * np.random.default_rng([phase, first]).standard_normal(n)
        margin = 5.0 * np.minimum(x[0], demand) - 3.0 * x[0] - 40.0
        return PathTable(margin[:, None], (5.0 * (demand > x[0]) - 3.0)[:, None, None])

    region = polyhedron(np.zeros((0, 1)), [], [], lower=1.0, upper=60.0)
    limits = ClimbLimits(paths=1_000_000, batch=8192, widths=(1.0, 0.5, 0.25, 0.1, 0.03, 0.01), smallest_radius=0.001)
    found = climb(region, paths, all_of(1), {"mean demand": np.array([30.0])}, limits=limits)

    def odds(q: float) -> float:
        return float(norm.sf(((40.0 + 3.0 * q) / 5.0 - mean) / sd)) if q >= 20.0 else 0.0

    assert odds(20.0) - 0.015 <= odds(found.x[0]) <= odds(20.0)


def test_far_from_the_target_there_is_still_a_slope() -> None:
    case = reference_portfolio(60, target=2.2)
    even = np.full(60, 1.0 / 60)
    assert case.probability(even) < 1e-12
    found = climb(of_levers(as_levers(case)), as_paths(case), all_of(1), {"even": even}, limits=QUICK)
    assert case.probability(found.x) > 0.5 * case.probability(filled(case.mean, case.caps))


def test_climbs_that_cannot_begin_are_refused() -> None:
    region = of_levers(as_levers(SMALL))
    with pytest.raises(ValueError, match="at least one start"):
        climb(region, as_paths(SMALL), all_of(1), {})
    with pytest.raises(ValueError, match="breaks a limit"):
        climb(region, as_paths(SMALL), all_of(1), {"off": np.zeros(60)})
    with pytest.raises(ValueError, match="does not cover"):
        climb(region, as_paths(SMALL), all_of(1), {"even": np.full(60, 1 / 60)}, limits=ClimbLimits(paths=10))
    with pytest.raises(ValueError, match="whole blocks"):
        ClimbLimits(batch=1000)


SCRIPT = """
import hashlib
from tests.solvers.test_ascent import QUICK, climbed
import os
import subprocess
import sys
from dataclasses import replace
print(hashlib.sha256(climbed(200, replace(QUICK, paths=60_000)).x.tobytes()).hexdigest())
"""


def test_the_threads_of_the_linear_algebra_move_no_bit() -> None:
    said = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "4")
    ]
    assert len(said[0].strip()) == 64
    assert said[0] == said[1]
