"""What one replication came to: goal sums, rep totals, cells and the flow through the stages; and its digest.

Both engines add to a `Tally`; `Tally.outcome` freezes it into tables whose hash is the same whatever the engine, the
worker or the order of the file. Sums are of whole minor units and counts, so their order does not matter; hours are
added in the order of events, which is declared.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from engine.draws import entity_key
from engine.goals import MEASURES
from engine.world import World

LEADS, WON, LOST_DEALS, STALE_DEALS, BOOKED = range(5)  # places in goals.MEASURES
REP_COLUMNS = (*MEASURES, "busy_hours", "queue_hours", "served", "open_at_end")
BUSY, QUEUED, SERVED, OPEN = range(5, 9)
FLOW_COLUMNS = ("entered", "advanced", "lost", "stale")
CELL_KEYS = ("rep", "product", "region", "segment", "month")


class Kind(IntEnum):
    """What a row of the event log says."""

    ARRIVED = 0
    STARTED = 1
    WORKED = 2
    ADVANCED = 3
    LOST = 4
    STALE = 5
    BOOKED = 6


EVENT = np.dtype(
    [("time", "<f8"), ("kind", "i1"), ("deal", "<u8"), ("visit", "<i4"), ("stage", "<i2"), ("rep", "<i4"), ("amount", "<f8")]
)


@dataclass(frozen=True, eq=False)
class Outcome:
    """One replication. Money is in minor units."""

    legs: NDArray[np.float64]  # [legs]
    reps: NDArray[np.float64]  # [reps, REP_COLUMNS]
    cell_keys: NDArray[np.int64]  # [cells, 5] indices, sorted
    cells: NDArray[np.float64]  # [cells, measures]
    flow: NDArray[np.float64]  # [reps, stages, months, FLOW_COLUMNS]
    log: NDArray[np.void] | None = None  # [events], where asked for
    attributed: NDArray[np.float64] | None = None  # [levers, legs], where asked for

    def moves(self) -> int:
        """Stage visits that ended in the horizon: the unit of work of a benchmark."""
        return int(self.flow[..., 1:].sum())


@dataclass(frozen=True, eq=False)
class Attribution:
    """Which lever of a decision brought a deal: by the cell it came from, or by the rep it was routed to; -1 none.

    With it, an outcome also says how much of each leg each lever's deals made: the yields that optimisers go by.
    """

    count: int
    of_cell: NDArray[np.int64]  # [cells]
    of_route: NDArray[np.int64]  # [products, regions, reps]


class Tally:
    """Mutable sums while a replication runs. One method a fact; every fact has its cell, its legs and its rep."""

    def __init__(self, world: World, keep_log: bool = False, levers: int = 0) -> None:
        self.world = world
        self.attributed = [[0.0] * len(world.goals.legs) for _ in range(levers)]
        self.legs = [0.0] * len(world.goals.legs)
        self.reps = [[0.0] * len(REP_COLUMNS) for _ in world.reps]
        self.cells: dict[tuple[int, int, int, int, int], list[float]] = {}
        self.flow = np.zeros((len(world.reps), len(world.stages.names), len(world.months), len(FLOW_COLUMNS))).tolist()
        self.log: list[tuple[float, int, int, int, int, int, float]] | None = [] if keep_log else None
        self._matching: dict[tuple[int, int, int, int, int, int], list[tuple[int, float, float]]] = {}

    def add(
        self,
        measure: int,
        amount: float,
        time: float,
        month: int,
        place: tuple[int, int, int, int],
        source: int,
        lever: int = -1,
    ) -> None:
        """Add to a measure at (rep, product, region, segment); legs whose window holds `time` get it too."""
        rep, product, region, segment = place
        key = (rep, product, region, segment, month)
        cell = self.cells.get(key)
        if cell is None:
            cell = self.cells[key] = [0.0] * len(self.world.measures)
        cell[measure] += amount
        if measure < len(MEASURES):
            self.reps[rep][measure] += amount
        legs = self._matching.get((measure, rep, product, region, segment, source))
        if legs is None:
            legs = self._match(measure, rep, product, region, segment, source)
        for leg, since, until in legs:
            if time <= until and (time > since or since == 0.0):
                self.legs[leg] += amount
                if lever >= 0:
                    self.attributed[lever][leg] += amount

    def _match(
        self, measure: int, rep: int, product: int, region: int, segment: int, source: int
    ) -> list[tuple[int, float, float]]:
        found = [
            (i, leg.since, leg.until)
            for i, leg in enumerate(self.world.goals.legs)
            if leg.measure == measure
            and leg.reps[rep]
            and leg.products[product]
            and leg.regions[region]
            and leg.segments[segment]
            and leg.sources[source]
        ]
        self._matching[measure, rep, product, region, segment, source] = found
        return found

    def outcome(self) -> Outcome:
        """The sums, frozen and in order."""
        keys = sorted(self.cells)
        return Outcome(
            np.array(self.legs),
            np.array(self.reps),
            np.array(keys, dtype=np.int64).reshape(len(keys), 5),
            np.array([self.cells[key] for key in keys]).reshape(len(keys), len(self.world.measures)),
            np.array(self.flow),
            None if self.log is None else np.array(self.log, dtype=EVENT),
            np.array(self.attributed) if self.attributed else None,
        )


@dataclass(frozen=True)
class Names:
    """The hashes by which a digest names things, so that it does not lean on the order of a file."""

    prefix: bytes
    columns: tuple[NDArray[np.uint64], ...]  # one a dimension of CELL_KEYS

    @classmethod
    def of(cls, world: World) -> Names:
        """The names of a world's reps, products, regions, segments and months, and of its measures and goals."""
        dimensions = (world.reps, world.products, world.regions, world.segments, world.months)
        columns = tuple(
            np.array([entity_key(kind, name) for name in names], dtype=np.uint64)
            for kind, names in zip(CELL_KEYS, dimensions, strict=True)
        )
        labels = [*world.measures, *(f"{world.goals.names[leg.goal]}/{leg.label}" for leg in world.goals.legs)]
        labels += [*world.stages.names]
        return cls("\x00".join(labels).encode(), columns)


def _bytes(array: NDArray[np.float64]) -> bytes:
    return (array + 0.0).astype("<f8").tobytes()  # adding 0 turns -0 into 0


def outcome_hash(outcome: Outcome, names: Names) -> bytes:
    """SHA-256 over the tables in name order (cells, flow, goals, reps), keys sorted, little-endian, -0 as 0."""
    digest = hashlib.sha256(names.prefix)
    for table, column in zip(outcome.cell_keys.T, names.columns, strict=True):
        digest.update(column[table].astype("<u8").tobytes())
    digest.update(_bytes(outcome.cells))
    used = np.argwhere(outcome.flow.any(axis=-1))
    digest.update(names.columns[0][used[:, 0]].astype("<u8").tobytes())
    digest.update(used[:, 1:].astype("<i8").tobytes())
    digest.update(_bytes(outcome.flow[tuple(used.T)]))
    digest.update(_bytes(outcome.legs))
    digest.update(names.columns[0].astype("<u8").tobytes())
    digest.update(_bytes(outcome.reps))
    return digest.digest()
