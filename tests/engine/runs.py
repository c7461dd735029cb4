"""What the tests of the model against theory share: worlds from text, replications one by one, deals as they are made.

Two kinds of test stand on it. *Direct* ones simulate by SimPy and judge what comes out. Where a mean of correlated
waits, or a probability over hundreds of prospects, would take SimPy too many minutes to find an error of a point, there
is a second, *exact* way: a plain recursion over the very draws of the contract on randomness is held equal to the SimPy
model deal by deal, and the recursion, which is fast, is judged by theory over millions of deals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.outcomes import Kind, Outcome
from engine.plan.load import load_plan
from engine.simpy_model import Deal, Lookup, Model
from engine.world import World, build

Vector = NDArray[np.float64]


def world_of(text: str) -> World:
    """The world of a plan given as text."""
    return build(load_plan(text))


def outcomes(world: World, seed: int, n: int, first: int = 0, *, keep_log: bool = False) -> Iterator[Outcome]:
    """Replications first to first + n - 1 by the SimPy model."""
    lookup = Lookup(world)
    for replication in range(first, first + n):
        yield Model(world, seed, replication, keep_log=keep_log, lookup=lookup).run()


def leg_values(world: World, seed: int, n: int) -> Vector:
    """[n, legs]: every goal's sums, in minor units for bookings."""
    return np.stack([outcome.legs for outcome in outcomes(world, seed, n)])


@dataclass(frozen=True)
class Known:
    """What is drawn for a deal when it arrives, by name, so that worlds with other indices can be compared."""

    time: float
    source: str
    product: str
    region: str
    segment: str
    klass: int
    value: float
    rep: str


class Heard(Model):
    """The model, keeping what it learns of each deal as it is made: deal key -> Known."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        self.heard: dict[int, Known] = {}
        super().__init__(*args, **settings)

    def assign(self, deal: Deal, owner: int, u: float, by_owner: bool) -> None:
        super().assign(deal, owner, u, by_owner)
        world = self.world
        self.heard[deal.key] = Known(
            self.env.now,
            world.sources[deal.source],
            world.products[deal.product],
            world.regions[deal.region],
            world.segments[deal.segment],
            deal.klass,
            deal.value,
            world.reps[deal.rep],
        )


Row = tuple[float, str, int, int, str, str, float]


def heard(world: World, seed: int, replication: int, phase: int = 0) -> tuple[dict[int, Known], list[Row], Outcome]:
    """One replication: its deals by key, its event log by names, and its outcome."""
    model = Heard(world, seed, replication, phase, keep_log=True)
    outcome = model.run()
    assert outcome.log is not None
    rows = [
        (
            float(row["time"]),
            Kind(int(row["kind"])).name,
            int(row["deal"]),
            int(row["visit"]),
            world.stages.names[int(row["stage"])],
            world.reps[int(row["rep"])],
            float(row["amount"]),
        )
        for row in outcome.log
    ]
    return model.heard, rows, outcome
