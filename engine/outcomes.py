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
    HANDED_OVER = 7  # the rep of the row is the one who takes it


EVENT = np.dtype(
    [
        ("time", "<f8"),
        ("kind", "i1"),
        ("deal", "<u8"),
        ("visit", "<i4"),
        ("stage", "<i2"),
        ("rep", "<i4"),
        ("amount", "<f8"),
    ]
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


Windows = list[list[tuple[int, float, float]]]  # by measure: (leg, since, until)


class LegsAt:
    """Which legs count what, by rep, product, region, segment and source; looked up once for all replications."""

    def __init__(self, world: World) -> None:
        self._legs = world.goals.legs
        self._measures = len(world.measures)
        self._masks = [
            np.array([getattr(leg, name) for leg in self._legs], dtype=bool).reshape(len(self._legs), len(names))
            for name, names in (
                ("reps", world.reps),
                ("products", world.products),
                ("regions", world.regions),
                ("segments", world.segments),
                ("sources", world.sources),
            )
        ]
        self._known: dict[tuple[int, int, int, int, int], Windows] = {}

    def __call__(self, key: tuple[int, int, int, int, int]) -> Windows:
        """The legs that count a deal of this rep, product, region, segment and source, by measure."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = [[] for _ in range(self._measures)]
            here = np.ones(len(self._legs), dtype=bool)
            for mask, index in zip(self._masks, key, strict=True):
                here &= mask[:, index]
            for i in np.flatnonzero(here).tolist():
                leg = self._legs[i]
                found[leg.measure].append((i, leg.since, leg.until))
        return found


class Ledger:
    """Where deals of one rep, product, region, segment and source are counted: looked up once a deal, not a fact."""

    __slots__ = ("legs", "months", "place", "rep")

    def __init__(
        self,
        place: tuple[int, int, int, int],
        rep: list[float],
        months: list[list[float] | None],
        legs: Windows,
    ) -> None:
        self.place = place  # rep, product, region, segment
        self.rep = rep  # [REP_COLUMNS] the rep's totals
        self.months = months  # the place's cells by month, once there is something in them
        self.legs = legs


class Tally:
    """Mutable sums while a replication runs. Every fact has its cell, its legs and its rep."""

    def __init__(self, world: World, legs_at: LegsAt, keep_log: bool = False, levers: int = 0) -> None:
        self.world = world
        self._legs_at = legs_at
        self.attributed = [[0.0] * len(world.goals.legs) for _ in range(levers)]
        self.legs = [0.0] * len(world.goals.legs)
        self.reps = [[0.0] * len(REP_COLUMNS) for _ in world.reps]
        self.cells: dict[tuple[int, int, int, int, int], list[float]] = {}
        self.flow = np.zeros((len(world.reps), len(world.stages.names), len(world.months), len(FLOW_COLUMNS))).tolist()
        self.log: list[tuple[float, int, int, int, int, int, float]] | None = [] if keep_log else None
        self._months: dict[tuple[int, int, int, int], list[list[float] | None]] = {}
        self._ledgers: dict[tuple[int, int, int, int, int], Ledger] = {}

    def ledger(self, rep: int, product: int, region: int, segment: int, source: int) -> Ledger:
        """Where deals of this rep, product, region, segment and source are counted."""
        key = (rep, product, region, segment, source)
        found = self._ledgers.get(key)
        if found is None:
            place = key[:4]
            months = self._months.setdefault(place, [None] * len(self.world.months))
            found = self._ledgers[key] = Ledger(place, self.reps[rep], months, self._legs_at(key))
        return found

    def add(self, ledger: Ledger, measure: int, amount: float, time: float, month: int, lever: int = -1) -> None:
        """Add to a measure; legs whose window holds `time` get it too."""
        cell = ledger.months[month]
        if cell is None:
            cell = ledger.months[month] = self.cells[*ledger.place, month] = [0.0] * len(self.world.measures)
        cell[measure] += amount
        if measure < len(MEASURES):
            ledger.rep[measure] += amount
        for leg, since, until in ledger.legs[measure]:
            if time <= until and (time > since or since == 0.0):
                self.legs[leg] += amount
                if lever >= 0:
                    self.attributed[lever][leg] += amount

    def add_actual(self, ledger: Ledger, measure: int, amount: float, day: int, month: int) -> None:
        """Add what has happened: its month and its legs go by its date, which need not be a working day."""
        cell = ledger.months[month]
        if cell is None:
            cell = ledger.months[month] = self.cells[*ledger.place, month] = [0.0] * len(self.world.measures)
        cell[measure] += amount
        ledger.rep[measure] += amount
        for leg, _, _ in ledger.legs[measure]:
            dates = self.world.goals.legs[leg].dates
            if dates[0] <= day <= dates[1]:
                self.legs[leg] += amount

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
        legs = [f"{world.goals.names[leg.goal]}/{leg.label}" for leg in world.goals.legs]
        groups = (world.measures, tuple(legs), world.stages.names)
        keys = [entity_key("tables", *group) for group in groups]
        return cls(np.array(keys, dtype="<u8").tobytes(), columns)


def _bytes(array: NDArray[np.float64]) -> bytes:
    return (array + 0.0).astype("<f8").tobytes()  # adding 0 turns -0 into 0


def outcome_hash(outcome: Outcome, names: Names) -> bytes:
    """SHA-256 over the tables in name order (cells, flow, goals, reps), keys sorted, little-endian, -0 as 0."""
    used = np.argwhere(outcome.flow.any(axis=-1))
    digest = hashlib.sha256(names.prefix)
    for shape in (outcome.cells.shape, used.shape, outcome.legs.shape, outcome.reps.shape):
        digest.update(np.array([len(shape), *shape], dtype="<i8").tobytes())  # no two lists of tables read alike
    for table, column in zip(outcome.cell_keys.T, names.columns, strict=True):
        digest.update(column[table].astype("<u8").tobytes())
    digest.update(_bytes(outcome.cells))
    digest.update(names.columns[0][used[:, 0]].astype("<u8").tobytes())
    digest.update(used[:, 1:].astype("<i8").tobytes())
    digest.update(_bytes(outcome.flow[tuple(used.T)]))
    digest.update(_bytes(outcome.legs))
    digest.update(names.columns[0].astype("<u8").tobytes())
    digest.update(_bytes(outcome.reps))
    return digest.digest()
