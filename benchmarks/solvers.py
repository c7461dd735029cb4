"""Exact solvers measured: joint targets proven optimal, the plain formulation beside them, and building of models.

    python -m benchmarks.solvers                       # everything: some minutes
    python -m benchmarks.solvers joint [--seeds 3]     # the mixing-set formulation on the stated sizes
    python -m benchmarks.solvers plain [--seconds 60]  # big M in PuLP with HiGHS and with CBC, on the smallest of them
    python -m benchmarks.solvers build                 # a million non-zeros

prints seconds, nodes, incumbent, bound and gap, one line each.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pulp
from scipy import sparse

from solvers.arrays import FloatArray
from solvers.backends import _Highs, as_pulp
from solvers.joint import most_probable
from solvers.programme import Programme, WorkLimits, programme, solve, stacked

SIZES = ((20, 200, 1000, 0.0), (50, 1000, 1000, 0.0), (20, 500, 5000, 0.01))  # rows, variables, scenarios, gap
COLUMNS = f"{'seconds':>8} {'nodes':>6} {'incumbent':>10} {'bound':>7} {'gap':>7}"


@dataclass(frozen=True)
class Instance:
    """Spend x on variables within a budget and caps; in a scenario, effects @ x shall reach its targets in all rows."""

    region: Programme
    effects: FloatArray
    targets: FloatArray

    @property
    def equal_odds(self) -> float:
        """What one level for all rows alike reaches with this budget: the figure that the optimum has to beat."""
        ordered = np.sort(self.targets, axis=0)
        low, high = -1, len(ordered)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _least_spend(self, ordered[middle]) <= _budget(self) else (low, middle)
        return float(np.mean(np.all(self.targets <= ordered[max(low, 0)], axis=1)))


def instance(
    rows: int, variables: int, scenarios: int, seed: int, *, odds: float = 0.85, common: float = 0.5
) -> Instance:
    """Regions (rows) that must all make theirs, from a budget over sources (variables) that serve one to three of them.

    Generator numpy's default, of seed (seed, rows, variables, scenarios). Source j serves region j mod rows and none,
    one or two others at random, each at a yield uniform on 0.2 to 1 per unit of money. Targets are lognormal: medians
    uniform on 50 to 150, sigmas uniform on 0.1 to 0.4, of which a share `common` of the variance is one factor of all
    regions and the rest each region's own. A source's cap is four times the targets' sum over the number of sources.
    The budget is the least that buys, for every region, the target of one and the same rank, the lowest rank that
    reaches all targets in at least `odds` of the scenarios: equal odds for every region attain about `odds`, and the
    optimum, which lets the dear and uncertain regions run more risk than the cheap ones, some points more.
    """
    rng = np.random.default_rng([seed, rows, variables, scenarios])
    effects = np.zeros((rows, variables))
    for j in range(variables):
        served = rng.choice(rows, int(rng.integers(1, 4)), replace=False)
        served[0] = j % rows
        effects[served, j] = rng.uniform(0.2, 1.0, len(served))
    medians, sigmas = rng.uniform(50, 150, rows), rng.uniform(0.1, 0.4, rows)
    factor, own = rng.normal(size=(scenarios, 1)), rng.normal(size=(scenarios, rows))
    targets = medians * np.exp(sigmas * (common**0.5 * factor + (1.0 - common) ** 0.5 * own))
    ranks = np.argsort(np.argsort(targets, axis=0), axis=0).max(axis=1)
    level = np.sort(targets, axis=0)[np.sort(ranks)[int(np.ceil(odds * scenarios)) - 1]]
    cap = np.full(variables, 4.0 * level.sum() / variables)
    open_ended = programme(np.zeros(variables), np.ones((1, variables)), -np.inf, np.inf, upper=cap)
    budget = _least_spend(Instance(open_ended, effects, targets), level) * (1.0 + 1e-9)
    within = programme(np.zeros(variables), np.ones((1, variables)), -np.inf, budget, upper=cap)
    return Instance(within, effects, targets)


def _budget(case: Instance) -> float:
    return float(case.region.row_upper[0])


def _least_spend(case: Instance, level: FloatArray) -> float:
    found = solve(programme(np.ones(case.effects.shape[1]), case.effects, level, np.inf, upper=case.region.upper))
    return float(found.objective) if found.objective is not None else np.inf


def plain(case: Instance) -> Programme:
    """The formulation that comes to mind: a 0/1 for each scenario, its targets as big M (spend is not negative)."""
    (s, r), n = case.targets.shape, case.effects.shape[1]
    which = sparse.csr_matrix((-case.targets.ravel(), (np.arange(s * r), np.repeat(np.arange(s), r))), shape=(s * r, s))
    return programme(
        np.concatenate([np.zeros(n), np.full(s, 1.0 / s)]),
        stacked([[case.region.matrix, None], [sparse.vstack([sparse.csr_matrix(case.effects)] * s), which]]),
        np.concatenate([case.region.row_lower, np.zeros(s * r)]),
        np.concatenate([case.region.row_upper, np.full(s * r, np.inf)]),
        upper=np.concatenate([case.region.upper, np.ones(s)]),
        integer=np.concatenate([np.zeros(n, dtype=np.bool_), np.ones(s, dtype=np.bool_)]),
        maximise=True,
    )


def joint(seeds: int, threads: int) -> Iterator[str]:
    """The mixing-set formulation on the stated sizes."""
    yield f"{'joint targets':34} {COLUMNS}  alike   ended"
    for rows, variables, scenarios, gap in SIZES:
        for seed in range(1, seeds + 1):
            case = instance(rows, variables, scenarios, seed)
            found = most_probable(case.region, case.effects, case.targets, gap=gap, threads=threads)
            yield (
                f"{rows:3} x {variables:4} x {scenarios:5} (seed {seed}) {'':6} {found.seconds:8.1f} {found.nodes:6} "
                f"{found.probability:10.4f} {found.bound:7.4f} {found.gap:7.4f}  {case.equal_odds:.4f}  "
                f"{found.termination}"
            )


def beside(seconds: float, threads: int) -> Iterator[str]:
    """The plain formulation on the smallest size, stopped by the clock."""
    yield f"{f'plain big M, {seconds:.0f} s':34} {COLUMNS}  ended"
    rows, variables, scenarios, _ = SIZES[0]
    problem = plain(instance(rows, variables, scenarios, 1))
    limits = WorkLimits(nodes=10**9, iterations=2 * 10**9, seconds=seconds)
    for solver in ("highs", "cbc"):
        found = solve(problem, limits=limits, threads=threads, solver=solver)
        shown = ["none" if v is None else f"{v:.4f}" for v in (found.objective, found.bound, found.gap)]
        yield (
            f"{rows:3} x {variables:4} x {scenarios:5} {solver:13} {found.seconds:8.1f} {found.nodes:6} "
            f"{shown[0]:>10} {shown[1]:>7} {shown[2]:>7}  {found.termination}"
        )


def build() -> Iterator[str]:
    """A million non-zeros from sparse arrays: into HiGHS, into PuLP's objects, and from those into HiGHS."""
    m, n, k = 20_000, 5_000, 50
    rng = np.random.default_rng(1)
    columns = np.sort(np.stack([rng.choice(n, k, replace=False) for _ in range(m)]), axis=1).ravel()
    matrix = sparse.csr_matrix((rng.uniform(0.1, 1.0, m * k), columns, np.arange(0, m * k + 1, k)), shape=(m, n))
    costs, taken = rng.uniform(1, 2, n), []
    for _ in range(5):
        times = [time.perf_counter()]
        problem = programme(costs, matrix, 1.0, np.inf, upper=9.0)
        times.append(time.perf_counter())
        _loaded(_Highs(problem, None, msg=False), pulp.LpProblem("programme"))
        times.append(time.perf_counter())
        model = as_pulp(problem)
        times.append(time.perf_counter())
        _loaded(pulp.HiGHS(msg=False), model)
        times.append(time.perf_counter())
        taken.append(np.diff(times))
    least = np.median(np.array(taken), axis=0)
    yield "a million non-zeros (20,000 x 5,000), seconds, median of 5"
    for what, took in (
        ("arrays checked, a programme made", least[0]),
        ("the programme into HiGHS, as we do", least[1]),
        ("the programme into PuLP's objects, as for CBC", least[2]),
        ("PuLP's objects into HiGHS, by PuLP", least[3]),
    ):
        yield f"  {what:48} {took:6.3f}"


def _loaded(solver: pulp.HiGHS, model: pulp.LpProblem) -> None:
    solver.createAndConfigureSolver(model)
    solver.buildSolverModel(model)


def main() -> None:
    """Print the parts asked for."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("parts", nargs="*", choices=["joint", "plain", "build", []], default=[])
    asked.add_argument("--seeds", type=int, default=1)
    asked.add_argument("--seconds", type=float, default=60.0)
    asked.add_argument("--threads", type=int, default=1)
    given = asked.parse_args()
    parts = given.parts or ["build", "joint", "plain"]
    for part in parts:
        lines = {
            "build": build,
            "joint": lambda: joint(given.seeds, given.threads),
            "plain": lambda: beside(given.seconds, given.threads),
        }[part]
        for line in lines():
            print(line, flush=True)


if __name__ == "__main__":
    main()
