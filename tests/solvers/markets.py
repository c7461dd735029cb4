"""Markets made of normal distributions, whose odds have a closed form: the fake simulations of the solvers' tests."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import minimize
from scipy.stats import norm

from solvers.paths import PathTable


@dataclass
class NormalMarket:
    """V cells with saturating responses; bookings are normal given the allocation: noise of each cell's own (variance
    proportional to its leads) and one common shock (standard deviation proportional to the mean).

    P(bookings >= target) = Phi((mean - target) / sd) at any allocation, so the best one is known.
    """

    cells: int
    seed: int
    shock: float = 0.1
    target: float = 0.0
    simulated: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        self.most, self.half = rng.uniform(20, 60, self.cells), rng.uniform(50, 200, self.cells)
        self.mean = rng.uniform(0.5, 2, self.cells)
        self.sd = self.mean * rng.uniform(0.5, 4, self.cells)
        self.load = rng.uniform(0, 1.5, self.cells)

    def response(self, x: np.ndarray) -> np.ndarray:
        return self.most * x / (x + self.half)

    def moments(self, x: np.ndarray) -> tuple[float, float]:
        leads = self.response(x)
        common = self.shock * np.sum(self.load * self.mean * leads)
        return float(np.sum(self.mean * leads)), float(np.sqrt(np.sum(self.sd**2 * leads) + common**2))

    def probability(self, x: np.ndarray) -> float:
        mean, sd = self.moments(x)
        return float(norm.cdf((mean - self.target) / sd))

    def simulate(self, x: np.ndarray, first: int, n: int, phase: int) -> PathTable:
        self.simulated.append((phase, n))
        z = np.random.default_rng([self.seed, phase]).standard_normal((first + n, self.cells + 1))[first:]
        leads = self.response(x)
        own = self.mean * (1 + self.shock * self.load * z[:, -1:]) + self.sd * z[:, :-1] / np.sqrt(
            np.maximum(leads, 1e-9)
        )
        return PathTable((np.sum(own * leads, axis=1) / self.target - 1.0)[:, None], own[:, None, :] / self.target)

    def best(self, lower: np.ndarray, upper: np.ndarray, total: float, starts: list[np.ndarray]) -> float:
        """The largest probability, by a general optimiser from several starts."""
        found = [
            minimize(
                lambda x: -self.probability(x),
                x,
                bounds=list(zip(lower, upper, strict=True)),
                constraints={"type": "eq", "fun": lambda x: np.sum(x) - total},
                method="SLSQP",
                options={"maxiter": 500, "ftol": 1e-12},
            )
            for x in starts
        ]
        return max(-float(result.fun) for result in found)
