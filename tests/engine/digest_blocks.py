"""A digest of the bits of arithmetic, draws and distributions; run as a script it prints it.

Used by test_portable to compare processors: `NUMBA_CPU_NAME=generic python digest_blocks.py`.
"""

from __future__ import annotations

import hashlib
import sys

import numpy as np
from numba import njit

from engine.arithmetic import exp, log, normal_cdf, normal_quantile
from engine.batch import Simulator
from engine.beta import beta_quantile, log_gamma
from engine.distributions import DistributionTable, conditional_variate, cumulative, variate
from engine.draws import mix, uniform, words
from engine.outcomes import Names, outcome_hash
from engine.plan.load import load_plan
from engine.plan.types import AmountDistribution
from engine.world import build

DRAWS = 20_000
PLAN = """
attain: 1
name: Portable
currency: CNY
horizon: {start: 2026-01-01, end: 2026-06-30}
calendar: {country: CN, makeup_workdays: true, hours_per_day: 8}
goals: {company: {metric: bookings, at_least: 100万}}
stages:
  - {name: visit, work: {triangular: {low: 1 h, mode: 2 h, high: 6 h}}, wait: {lognormal: {median: 5 d, p90: 20 d}},
     stale_after: 60 cd, advance: {wins: 24, of: 60}}
  - {name: bid, work: {exponential: {mean: 4 h}}, wait: {weibull: {mean: 8 d, shape: 0.7}}, wait_lost: 2 d,
     stale_after: 20 d, advance: 0.6, won: true}
  - {name: delivery, work: 0 h, wait: 10 cd, advance: 0.9}
products: {ERP: {deal_value: {lognormal: {mean: 80_000, cv: 0.6}}}, CRM: {deal_value: {exponential: {mean: 20_000}}}}
regions: {华北: {北京: {}, 河北: {}}, 华东: {}}
customers: {money: {uniform: {low: 0, high: 1}}, authority: {uniform: {low: 0, high: 1}},
            need: {uniform: {low: 0, high: 1}}, priority: true, advance: {A: 1.5}}
reps:
  - {name: 张伟, region: 华北, advance: {bid: 1.2}}
  - {name: Li Na, region: [华东, 北京], hours_per_week: 20}
sources: {inbound: {leads_per_month: 60}, list: {prospects: 30, spread: even}}
economy: {sd: 0.2, persistence: 0.7, regional_sd: 0.1}
"""
DISTRIBUTIONS = (
    AmountDistribution(kind="exponential", mean=40.0),
    AmountDistribution(kind="lognormal", median=12.0, p90=30.0),
    AmountDistribution(kind="lognormal", mean=1e6, cv=0.6),
    AmountDistribution(kind="triangular", low=1.0, mode=2.0, high=6.0),
    AmountDistribution(kind="uniform", low=0.3, high=7.7),
    AmountDistribution(kind="weibull", mean=3.0, shape=0.7),
    AmountDistribution(kind="empirical", values=(0.1, 0.7, 12.3)),
    AmountDistribution(kind="quantiles", quantiles=((0.0, 0.1), (0.3, 2.7), (1.0, 9.9))),
)


@njit(fastmath=False, error_model="numpy")
def block(dists: np.ndarray, table: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Keys, shape (n, 5), and numbers, shape (n, 6 + 3 x distributions), of n draws."""
    keys = np.empty((n, 5), dtype=np.uint64)
    numbers = np.empty((n, 6 + 3 * len(dists)))
    for i in range(n):
        w = words(np.uint64(7), np.uint64(3), np.uint64(11), np.uint64(i), np.uint64(1), np.uint64(0))
        keys[i, 0], keys[i, 1], keys[i, 2], keys[i, 3] = w
        keys[i, 4] = mix(w[0], w[1])
        u = uniform(w[0])
        numbers[i, 0] = exp(1490.0 * uniform(w[1]) - 747.0)
        numbers[i, 1] = exp(uniform(w[2]) - 0.5)
        numbers[i, 2] = log(numbers[i, 0]) + log(u)
        numbers[i, 3] = normal_quantile(u)
        numbers[i, 4] = normal_cdf(40.0 * uniform(w[1]) - 30.0)
        numbers[i, 5] = log_gamma(20.0 * u)
        for j in range(len(dists)):
            numbers[i, 6 + 3 * j] = variate(dists, table, j, u)
            numbers[i, 7 + 3 * j] = cumulative(dists, table, j, 30.0 * u)
            numbers[i, 8 + 3 * j] = conditional_variate(dists, table, j, 20.0 * u, uniform(w[3]))
    return keys, numbers


def posteriors() -> np.ndarray:
    """Beta quantiles over sizes and levels, called one by one from Python."""
    sizes = (0.5, 1.5, 9.5, 24.5, 410.5, 1e5)
    return np.array([beta_quantile(k / 64.0, a, b) for a in sizes for b in sizes for k in range(1, 64)])


def outcomes() -> list[bytes]:
    """The hashes of some replications by the compiled engine: queues, patience, classes, shocks, a posterior."""
    world = build(load_plan(PLAN))
    names = Names.of(world)
    return [outcome_hash(Simulator(world, seed).outcome(k), names) for seed in (0, 11) for k in range(8)]


def digest() -> str:
    """SHA-256 of all of it, little-endian."""
    made = DistributionTable()
    for dist in DISTRIBUTIONS:
        made.add_amount(dist, {}, 1.0)
    dists, table = made.arrays()
    keys, numbers = block(dists, table, DRAWS)
    parameters = np.array([[row[name] for name in ("p0", "p1", "p2")] for row in dists])
    total = hashlib.sha256(keys.astype("<u8").tobytes())
    for part in (numbers, parameters, posteriors()):
        assert not np.isnan(part).any()
        total.update(part.astype("<f8").tobytes())
    for one in outcomes():
        total.update(one)
    return total.hexdigest()


if __name__ == "__main__":
    sys.stdout.write(digest() + "\n")
