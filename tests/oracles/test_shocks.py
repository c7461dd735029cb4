"""Moments of cells under the shocks against their special cases and a plain simulation.

4 sigma each (false alarm 6e-5); the simulated variances find an error of 3%, covariances of 6%, with 99% power.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.oracles.power import judge_mean
from tests.oracles.shocks import Cell, Economy, correlation, covariance, dispersion, sum_covariance, variance


def test_without_shocks_cells_are_poisson() -> None:
    calm = Economy(0.0, 0.5, 0.0)
    a, b = Cell("web", "North", 0, 12.0), Cell("web", "North", 1, 7.0)
    assert variance([a, b], calm) == pytest.approx(19.0)
    assert covariance(a, b, calm) == 0.0
    assert dispersion([a, b], calm) == pytest.approx(1.0)


def test_hand_worked_values() -> None:
    economy = Economy(0.2, 0.5, 0.1)
    a = Cell("web", "North", 0, 100.0)
    assert covariance(a, a, economy) == pytest.approx(1e4 * (math.exp(0.05) - 1.0) + 100.0)
    assert covariance(a, Cell("fair", "North", 0, 50.0), economy) == pytest.approx(5e3 * (math.exp(0.05) - 1.0))
    assert covariance(a, Cell("web", "East", 0, 50.0), economy) == pytest.approx(5e3 * (math.exp(0.04) - 1.0))
    assert covariance(a, Cell("web", "East", 2, 50.0, load=2.0), economy) == pytest.approx(
        5e3 * (math.exp(2.0 * 0.25 * 0.04) - 1.0)
    )


def test_moments_by_simulation() -> None:
    economy = Economy(0.3, 0.7, 0.2)
    runs, months, loads = 200_000, 4, {"web": 1.0, "fair": 0.5}
    bases = {("web", "North"): 20.0, ("web", "East"): 30.0, ("fair", "North"): 10.0}
    rng = np.random.default_rng(6)

    def series() -> np.ndarray:
        z = rng.standard_normal((runs, months))
        for m in range(1, months):
            z[:, m] = economy.persistence * z[:, m - 1] + math.sqrt(1.0 - economy.persistence**2) * z[:, m]
        return z

    common, regional = series(), {region: series() for region in ("North", "East")}
    counts = {}
    for (name, region), base in bases.items():
        load, sd, own = loads[name], economy.sd, economy.regional_sd
        log = load * (sd * common + own * regional[region]) - load**2 * (sd**2 + own**2) / 2.0
        counts[name, region] = rng.poisson(base * np.exp(log)).sum(axis=1).astype(float)
    cells = {key: [Cell(key[0], key[1], m, base, loads[key[0]]) for m in range(months)] for key, base in bases.items()}

    def judged(x: np.ndarray, y: np.ndarray, expected: float, finds: float) -> None:
        products = (x - x.mean()) * (y - y.mean())
        judge_mean(float(products.mean()), float(products.std()) / math.sqrt(runs), expected, finds=finds)

    for key, listed in cells.items():
        judged(counts[key], counts[key], variance(listed, economy), 0.06)
    north, east, fair = cells["web", "North"], cells["web", "East"], cells["fair", "North"]
    judged(counts["web", "North"], counts["web", "East"], sum_covariance(north, east, economy), 0.08)
    judged(counts["web", "North"], counts["fair", "North"], sum_covariance(north, fair, economy), 0.08)
    found = float(np.corrcoef(counts["web", "North"], counts["web", "East"])[0, 1])
    assert found == pytest.approx(correlation(north, east, economy), abs=4.0 * 1.5 / math.sqrt(runs))
