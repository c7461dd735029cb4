"""Replications as goal sums alone: the task of the driver for searches, which read no tables and no hashes of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.batch import Simulator, inputs_of
from engine.realise import realise


@dataclass(frozen=True)
class Seen:
    """Leg values [n, legs], inputs (see `engine.batch`), and what levers brought [n, levers, chosen legs]."""

    legs: NDArray[np.float64]
    inputs: NDArray[np.float64]
    brought: NDArray[np.float64]


@dataclass
class GoalSums:
    """What levers brought is kept for the chosen legs alone: the rest is let go before it travels or fills the memory.

    Inputs and what levers brought are empty where the simulator was given no attribution.
    """

    simulator: Simulator
    legs: NDArray[np.int64]

    def warm(self) -> None:
        """Compile what workers need."""
        self.simulator.warm()

    def __call__(self, first: int, n: int) -> Seen:
        """Of replications first to first + n - 1."""
        simulator, legs, inputs, brought = self.simulator, [], [], []
        for replication in range(first, first + n):
            parameters = realise(simulator.world, simulator.seed, replication, simulator.phase)
            outcome = simulator.outcome(replication, parameters=parameters)
            legs.append(outcome.legs)
            if outcome.attributed is not None:
                inputs.append(inputs_of(simulator.world, parameters))
                brought.append(outcome.attributed[:, self.legs])
        nothing = np.zeros((n, 0))
        return Seen(
            np.stack(legs),
            np.stack(inputs) if inputs else nothing,
            np.stack(brought) if brought else np.zeros((n, 0, 0)),
        )
