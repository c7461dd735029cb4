"""Portfolios of normal yields, whose largest probability is known exactly: methods for uncertain yields, judged.

    python -m benchmarks.portfolios [CELLS ...] [--batch 4096] [--workers 2] [--seed 1] [--big-m PATHS]

One unit of money goes to n cells. A unit in cell i yields Y_i, jointly normal: mean mu_i, a few common factors, and
noise of its own, so that P(Y x >= t) = Phi((mu x - t) / sd(x)) at every split x: methods are judged without a sample.
The best split is exact: along the efficient frontier (the best mean for a variance) the odds have one peak, and a
frontier point is a small dual problem, since the covariance is a diagonal and a few factors. That it is the best is
proven independently (`certificate`): no split of the whole polyhedron can be better by more than what it returns.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.stats import norm

from benchmarks.baselines import BASELINES
from solvers.ascent import SEARCH, Ascent, ClimbLimits, climb
from solvers.budget import most_attained
from solvers.levers import Levers, limited
from solvers.objective import all_of
from solvers.paths import LinearPaths, Streaming
from solvers.polyhedron import of_levers
from solvers.programme import WorkLimits
from solvers.responses import identity
from solvers.starts import MOST_NONZEROS, most_paths, starts
from solvers.surrogate import surrogate

FloatArray = npt.NDArray[np.float64]

BLOCK = 1024  # paths that one stream of random numbers makes
BIG_M_NODES, BIG_M_SECONDS = 2_000, 120.0
SLSQP_CELLS = 600  # beyond which SLSQP's dense matrices take minutes


@dataclass(frozen=True)
class Portfolio:
    """Yields Y = mean + loadings F + own E with F, E standard normal; `caps` on each cell's share of one unit."""

    mean: FloatArray
    loadings: FloatArray  # (n, K)
    own: FloatArray  # (n,)
    caps: FloatArray
    target: float
    seed: int

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return len(self.mean)

    def sd(self, x: FloatArray) -> float:
        """The standard deviation of Y x."""
        common = self.loadings.T @ x
        return float(np.sqrt(np.sum((self.own * x) ** 2) + np.sum(common**2)))

    def ratio(self, x: FloatArray) -> float:
        """By how many standard deviations the mean of Y x lies above the target."""
        return (float(np.sum(self.mean * x)) - self.target) / self.sd(x)

    def probability(self, x: FloatArray) -> float:
        """P(Y x >= target), exactly."""
        return float(norm.cdf(self.ratio(x)))

    def yields(self, first: int, n: int, phase: int) -> FloatArray:
        """Yields (n, cells) of paths first to first + n - 1 of a phase: the same ones however they are asked for."""
        blocks = range(first // BLOCK, -(-(first + n) // BLOCK))
        made = [self._block(block, phase) for block in blocks]
        start = first - BLOCK * blocks[0]
        return made[0][start : start + n] if len(made) == 1 else np.concatenate(made)[start : start + n]

    def _block(self, block: int, phase: int) -> FloatArray:
        rng = np.random.Generator(np.random.Philox(key=[self.seed, phase], counter=[0, 0, 0, block]))
        factors = rng.standard_normal((BLOCK, self.loadings.shape[1]))
        values = rng.standard_normal((BLOCK, self.cells))
        values *= self.own
        values += self.mean
        for k in range(self.loadings.shape[1]):  # not BLAS, whose sums depend on its threads
            values += factors[:, k, None] * self.loadings[:, k]
        return values


def reference_portfolio(cells: int, seed: int = 1, *, target: float = 1.30) -> Portfolio:
    """The instance that figures are quoted for."""
    rng = np.random.default_rng([seed, cells])
    quality = rng.uniform(0.0, 1.0, cells)
    own = (0.39 + 0.2 * quality) * rng.uniform(0.5, 1.5, cells)
    market = 0.097 * (0.5 + quality) * rng.uniform(0.5, 1.5, cells)
    style = 0.0485 * rng.standard_normal(cells)
    loadings = np.stack([market, style], axis=1)
    return Portfolio(1.0 + 0.5 * quality, loadings, own, np.full(cells, 20.0 / cells), target, seed)


# --- the exact optimum ------------------------------------------------------------------------------------------------


def frontier_point(case: Portfolio, aversion: float) -> FloatArray:
    """Maximise mean x - aversion / 2 variance(x) with sum x = 1, 0 <= x <= caps.

    The dual in the factors' prices and the total's price is convex in K + 1 variables and piecewise quadratic;
    damped Newton steps end at it exactly.
    """
    k = case.loadings.shape[1]
    variance = aversion * case.own**2
    columns = np.column_stack([aversion * case.loadings, np.ones(case.cells)])  # prices' effect on a cell's worth

    def inside(prices: FloatArray) -> FloatArray:
        return np.clip((case.mean - columns @ prices) / variance, 0.0, case.caps)

    def value(prices: FloatArray) -> float:
        x = inside(prices)
        worth = (case.mean - columns @ prices) * x - 0.5 * variance * x**2
        return float(np.sum(worth) + 0.5 * aversion * np.sum(prices[:k] ** 2) + prices[k])

    prices, damping = np.zeros(k + 1), 1e-12
    prices[k] = float(np.quantile(case.mean, 0.9))
    for _ in range(500):
        x = inside(prices)
        slope = -columns.T @ x + np.append(aversion * prices[:k], 1.0)
        if np.max(np.abs(slope)) < 1e-13 or damping > 1e6:
            break
        free = (x > 0) & (x < case.caps)
        curvature = (columns[free] / variance[free, None]).T @ columns[free]
        curvature += np.diag(np.append(np.full(k, aversion), 0.0)) + damping * np.eye(k + 1)
        step = np.linalg.solve(curvature, -slope)
        better = value(prices + step) <= value(prices) + 1e-4 * float(slope @ step)
        prices, damping = (prices + step, max(1e-12, 0.01 * damping)) if better else (prices, 10.0 * damping)
    return inside(prices)


def exact(case: Portfolio) -> FloatArray:
    """The split with the largest probability: the frontier point whose aversion is (mean - target) / variance."""

    def off(aversion: float) -> float:
        x = frontier_point(case, aversion)
        return aversion - (float(np.sum(case.mean * x)) - case.target) / case.sd(x) ** 2

    low = high = 10.0
    while off(low) > 0:
        low *= 0.5
    while off(high) < 0:
        high *= 2.0
    return frontier_point(case, float(brentq(off, low, high, xtol=1e-12)))


def certificate(case: Portfolio, x: FloatArray) -> float:
    """By how much at most any split beats x in ratio.

    With q = ratio(x), mean y - target - q sd(y) is concave in y and 0 at x, so that its linear part at x, maximised
    over all splits (fill the best cells up), bounds it; divided by the smallest sd it bounds ratio(y) - q.
    """
    q, sd = case.ratio(x), case.sd(x)
    slope = case.mean - q * (case.own**2 * x + case.loadings @ (case.loadings.T @ x)) / sd
    best = filled(slope, case.caps)
    smallest = float(np.sqrt(1.0 / np.sum(1.0 / case.own**2)))  # of own noise alone, without caps
    return max(0.0, float(np.sum(slope * (best - x)))) / smallest


def filled(worth: FloatArray, caps: FloatArray) -> FloatArray:
    """The split that maximises worth x: the best cells up to their caps."""
    order = np.argsort(-worth, kind="stable")
    x = np.zeros(len(worth))
    before = np.cumsum(caps[order]) - caps[order]
    x[order] = np.clip(1.0 - before, 0.0, caps[order])
    return x


# --- the methods, measured --------------------------------------------------------------------------------------------


def as_levers(case: Portfolio) -> Levers:
    """The portfolio's limits; last year all cells had the same."""
    n = case.cells
    return limited(tuple(f"c{i}" for i in range(n)), np.full(n, 1.0 / n), caps=case.caps)


def as_paths(case: Portfolio) -> LinearPaths:
    """Sample paths of the portfolio for the solvers: one goal, its margin in units of yield."""

    def worths(first: int, n: int, phase: int) -> tuple[FloatArray, FloatArray]:
        return np.full((n, 1), -case.target), case.yields(first, n, phase)[:, None, :]

    return LinearPaths(worths)


@dataclass(frozen=True)
class Row:
    """One method on one portfolio: its true probability, what it is short of the best, seconds, processor seconds."""

    method: str
    probability: float
    points_below: float
    seconds: float
    processor: float


def big_m(case: Portfolio, paths: int) -> FloatArray:
    """The most paths attained on a fixed sample: a mixed-integer programme with big M, and what it claims."""
    levers, even = as_levers(case), np.full(case.cells, 1.0 / case.cells)
    table = as_paths(case)(even, 0, paths, SEARCH)
    limits = WorkLimits(nodes=BIG_M_NODES, seconds=BIG_M_SECONDS)
    found = most_attained(surrogate(levers, identity, even, table), paths=paths, limits=limits)
    if found is None:
        return even
    print(f"{case.cells:>6} big M claims {found.value:.4f} on its {paths} paths")
    return found.x


@dataclass
class Table:
    """Methods on one portfolio, measured one after another and told as they end."""

    case: Portfolio
    say: Callable[[str], None]
    rows: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.best = self.case.probability(exact(self.case))
        self.levers = as_levers(self.case)

    def add(self, method: str, run: Callable[[], FloatArray]) -> Row:
        """Run a method, check its limits, judge it by the formula."""
        started, worked = time.perf_counter(), time.process_time()
        x = run()
        seconds, processor = time.perf_counter() - started, time.process_time() - worked
        assert self.levers.violation(x) <= 1e-6, method
        reached = self.case.probability(x)
        row = Row(method, reached, 100.0 * (self.best - reached), seconds, processor)
        self.rows.append(row)
        self.say(
            f"{self.case.cells:>6} {method:<20} {reached:.4f}  {row.points_below:6.2f} points below"
            f"  {seconds:7.1f} s  {processor:7.1f} s of processors"
        )
        return row


def measure(case: Portfolio, batch: int, workers: int, say: Callable[[str], None], hard: int = 0) -> list[Row]:
    """Every method on one portfolio; `hard` is how many paths big M gets, 0 to leave it out."""
    table = Table(case, say)

    def mean(x: FloatArray) -> float:
        return float(np.sum(case.mean * x))

    for name, rule in BASELINES.items():
        if name != "SLSQP on the mean" or case.cells <= SLSQP_CELLS:
            table.add(name, functools.partial(rule, table.levers, mean, lambda x: case.mean))
    table.add("largest mean (LP)", lambda: filled(case.mean, case.caps))
    if hard:
        table.add(f"big M, {hard} paths", lambda: big_m(case, hard))
    measure_ours(table, batch, workers)
    return table.rows


def measure_ours(table: Table, batch: int, workers: int) -> None:
    """The starts, of which the bPOE LP takes nearly all the time, and the climb from them."""
    case, found = table.case, list[Ascent]()
    paths, region, even = as_paths(case), of_levers(table.levers), np.full(case.cells, 1.0 / case.cells)
    begun: dict[str, FloatArray] = {}

    def begin() -> FloatArray:
        pilot = max(BLOCK, most_paths(1, case.cells, MOST_NONZEROS))
        begun.update(starts(region, even, paths(even, 0, pilot, SEARCH), even))
        return begun.get("bpoe", begun["mean"])

    def ours() -> FloatArray:
        how = Streaming(workers=workers)
        found.append(climb(region, paths, all_of(1), begun, limits=ClimbLimits(batch=batch), how=how))
        return found[0].x

    before, row, end = table.add("bPOE (LP)", begin), table.add("annealed sigmoid", ours), found[0]
    table.say(
        f"{case.cells:>6} exact {table.best:.4f}; with its starts {before.seconds + row.seconds:.1f} s, "
        f"{len(end.trace)} steps, {end.simulated:,} paths, {end.termination}; in sample {end.in_sample:.4f} on "
        f"{end.in_sample_paths:,} paths ({100.0 * (end.in_sample - row.probability):+.2f} points)"
    )


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Methods on portfolios whose best split is known exactly")
    parser.add_argument("cells", nargs="*", type=int, default=[500, 1000, 5000])
    parser.add_argument("--batch", type=int, default=ClimbLimits.batch, help="fresh paths of a step")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--big-m", type=int, default=0, metavar="PATHS", help="a MILP with big M on so many paths, too")
    given = parser.parse_args(arguments)
    for cells in given.cells:
        measure(reference_portfolio(cells, given.seed), given.batch, given.workers, print, given.big_m)


if __name__ == "__main__":
    main()
