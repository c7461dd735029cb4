"""The frontier never falls where budgets nest, warm starts come from neighbours, and prices are money over points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import norm

from solvers.ascent import ClimbLimits, climb
from solvers.frontier import frontier
from solvers.objective import all_of, outcomes
from solvers.paths import LinearPaths
from solvers.polyhedron import nearest, polyhedron

MEAN, SD, TARGET = np.array([1.0, 1.2, 0.9]), np.array([0.3, 0.8, 0.2]), 10.0


def worths(first: int, n: int, phase: int) -> tuple[np.ndarray, np.ndarray]:
    own = MEAN + SD * np.random.default_rng([3, phase, first]).standard_normal((n, 3))
    return np.full((n, 1), -TARGET), own[:, None, :]


PATHS = LinearPaths(worths)


def best(total: float) -> float:
    """The largest probability of a total with no caps: at the best ratio of mean over the target to spread."""
    grid = np.array([(a, b, 1 - a - b) for a in np.linspace(0, 1, 101) for b in np.linspace(0, 1 - a, 101)])
    return float(np.max(norm.cdf((total * grid @ MEAN - TARGET) / (total * np.sqrt(grid**2 @ SD**2)))))


def optimise(total: float, starts: Mapping[str, np.ndarray]) -> np.ndarray:
    region = polyhedron(np.ones((1, 3)), [0.0], [total])
    begun = {"even": np.full(3, total / 3)} | {name: nearest(region, x) for name, x in starts.items()}
    limits = ClimbLimits(paths=300_000, batch=2048)
    inside = {name: x for name, x in begun.items() if x is not None}
    return climb(region, PATHS, all_of(1), inside, limits=limits).x


def judge(splits: Sequence[np.ndarray]) -> np.ndarray:
    return outcomes(PATHS, splits, all_of(1), 0, 16_384, 2)[:, :, 0]


def test_a_frontier_of_known_optima() -> None:
    totals = [9.0, 10.0, 11.0, 12.5]
    points = frontier(optimise, judge, totals, nested=True)
    for point in points:
        assert point.interval.low - 0.01 <= best(point.total) <= point.interval.high + 0.01
        assert np.sum(point.x) <= point.total + 1e-6
    shares = [point.probability for point in points]
    assert shares == sorted(shares)
    for here, there in pairwise(points):
        assert here.price == pytest.approx((there.total - here.total) / (100 * (there.probability - here.probability)))
        assert here.price_interval is not None
        assert here.price_interval.low < here.price < here.price_interval.high
    assert points[-1].price is None


def test_it_never_falls_whatever_the_optimiser_does() -> None:
    """An optimiser that throws its money away at the larger totals: the smaller budget's answer stands in."""
    asked: list[tuple[float, tuple[str, ...]]] = []

    def wasteful(total: float, starts: Mapping[str, np.ndarray]) -> np.ndarray:
        asked.append((total, tuple(starts)))
        return np.array([total]) if total < 3 else np.array([0.1])

    def hits(splits: Sequence[np.ndarray]) -> np.ndarray:
        luck = np.random.default_rng(1).uniform(0, 4, 5000)
        return np.stack([luck <= x[0] for x in splits], axis=1)

    nested = frontier(wasteful, hits, [1.0, 2.0, 3.0], nested=True)
    assert [point.spent_of for point in nested] == [1.0, 2.0, 2.0]
    assert nested[1].probability == nested[2].probability
    assert nested[1].price == np.inf
    assert nested[1].price_interval is not None
    assert nested[1].price_interval.high == np.inf
    assert asked[:3] == [(1.0, ()), (2.0, ("below_scaled", "below")), (3.0, ("below_scaled", "below"))]
    assert asked[3:] == [(2.0, ("own", "above_scaled")), (1.0, ("own", "above_scaled"))]
    spent = frontier(wasteful, hits, [1.0, 2.0, 3.0], nested=False)
    assert spent[2].probability < spent[1].probability
    assert asked[6][1] == asked[7][1] == ("below_scaled",)


@pytest.mark.parametrize("totals", [[], [0.0, 1.0], [2.0, 1.0], [1.0, 1.0]])
def test_totals_must_rise(totals: list[float]) -> None:
    with pytest.raises(ValueError, match="totals above 0 that rise"):
        frontier(optimise, judge, totals, nested=True)


def test_a_frontier_is_measured_on_other_paths_than_it_was_chosen_on() -> None:
    """The judge prefers what the measure finds worse: the judge's choice stands, with the measure's counts."""
    x = {9.0: np.array([9.0]), 12.0: np.array([12.0])}

    def chosen(splits: Sequence[np.ndarray]) -> np.ndarray:
        return np.array([[split[0] > 9.0 for split in splits]] * 100)

    def measure(splits: Sequence[np.ndarray]) -> np.ndarray:
        return np.array([[i < 40 + 10 * (split[0] > 9.0) for split in splits] for i in range(100)])

    points = frontier(lambda total, _: x[total], chosen, [9.0, 12.0], nested=True, measure=measure)
    assert [point.probability for point in points] == [0.4, 0.5]
    assert points[0].price == pytest.approx(3.0 / 10.0)
