"""What the tests of the model against theory share: worlds from text, replications one by one, deals as they are made.

Theory judges the compiled engine, which simulates the millions of deals that an error of one point, or of 1% of a mean,
takes to be found. What it finds goes for the SimPy model as well: the two are held equal to the last bit on generated
plans (`test_equal_engines`), and here, by `alike`, on the very plans of theory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from engine.batch import ENGINES, Simulator
from engine.outcomes import Kind, Outcome
from engine.plan.load import load_plan
from engine.simpy_model import Deal, Model
from engine.world import World, build
from tests.generated.engines import differences

Vector = NDArray[np.float64]
_ARRIVED, _STARTED = int(Kind.ARRIVED), int(Kind.STARTED)


def world_of(text: str) -> World:
    """The world of a plan given as text."""
    return build(load_plan(text))


def outcomes(world: World, seed: int, n: int, *, keep_log: bool = False, engine: str = "compiled") -> Iterator[Outcome]:
    """Replications 0 to n - 1 by one engine."""
    simulator = Simulator(world, seed, engine=engine)
    for replication in range(n):
        yield simulator.outcome(replication, keep_log)


def alike(world: World, seed: int, n: int = 3) -> None:
    """Hold the two engines equal on a world's first replications: what theory says of one, it says of the other."""
    both = (outcomes(world, seed, n, keep_log=True, engine=engine) for engine in ENGINES)
    for one, other in zip(*both, strict=True):
        assert not differences(world, one, other)


def leg_values(world: World, seed: int, n: int) -> Vector:
    """[n, legs]: every goal's sums, in minor units for bookings."""
    return np.stack([outcome.legs for outcome in outcomes(world, seed, n)])


@dataclass(frozen=True)
class Passages:
    """A replication's deals in order of arrival; times in hours."""

    deals: NDArray[np.uint64]
    arrived: Vector
    waited: Vector  # for a rep, over all stages
    left: Vector  # the last that was heard of it


@numba.njit
def _passages(n, kinds, deals, times):  # type: ignore[no-untyped-def]
    keys = np.empty(n, dtype=np.uint64)
    arrived, waited, last = np.empty(n), np.zeros(n), np.empty(n)
    place = {deals[0]: 0}
    found = 0
    for row in range(len(kinds)):
        if kinds[row] == _ARRIVED:
            place[deals[row]] = found
            keys[found], arrived[found] = deals[row], times[row]
            found += 1
        i = place[deals[row]]
        if kinds[row] == _STARTED:
            waited[i] += times[row] - last[i]
        last[i] = times[row]
    return keys, arrived, waited, last


def passages(outcome: Outcome) -> Passages:
    """The deals of a replication with its log, whose stages all take work."""
    log = outcome.log
    assert log is not None
    return Passages(*_passages(int((log["kind"] == _ARRIVED).sum()), log["kind"], log["deal"], log["time"]))


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
