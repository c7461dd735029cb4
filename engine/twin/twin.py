"""The compiled engine behind the seam: a world laid out once, a replication's memory, and its outcome.

`Twin` is to the compiled twin what `simpy_model.Model` is to SimPy: given a seed, a replication and its parameters, an
`Outcome`. Memory is taken for the events and deals that are alive at once; what of it proves too small is doubled and
the replication simulated again, which changes nothing: every draw is keyed.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.business import month_of
from engine.focus import served_at_first
from engine.lanes import KINDS
from engine.outcomes import EVENT, FLOW_COLUMNS, REP_COLUMNS, Attribution, Outcome
from engine.realise import Parameters
from engine.twin import records
from engine.twin.flatten import FlatWorld, point
from engine.twin.gather import gather
from engine.twin.model import replicate
from engine.world import World

Array = NDArray[Any]
MOST_ROOM = 1 << 31  # places are numbered in 32 bits, and -1 is none
COUNTS = ("full", "feeds", "nodes", "agenda_first", "agenda_end", "heaped", "hand_overs", "deals", "asked")
CLEARED = (*COUNTS, "ledgers", "logged", "staff")
A_BUCKET = 24.0  # events: fewer are not worth opening a bucket for, and more are dear to rank
FEWEST_BUCKETS, MOST_BUCKETS = 64, 1 << 16
LEAST_HOURS = 1e-300


@dataclass
class Room:
    """How much of each kind of memory there is; a kind that proves too small is doubled."""

    feed_room: int
    node_room: int
    deal_room: int
    ledger_room: int
    log_room: int

    def doubled(self, full: int) -> Room:
        """Twice as much of what was too small: bits of `full` in the order of the fields. Raises MemoryError."""
        room = Room(*(getattr(self, field.name) << (full >> place & 1) for place, field in enumerate(fields(self))))
        if max(room.node_room, room.deal_room, room.ledger_room) > MOST_ROOM:
            raise MemoryError(f"a replication with more than {MOST_ROOM:,} deals or events at once: {room}")
        return room


class Memory:
    """A replication's memory: the state's record and the arrays that it points to, used again and again."""

    def __init__(self, world: World, room: Room, buckets: int) -> None:
        months, measures = len(world.months), len(world.measures)
        desks = len(world.desks.speed)
        self.room = room
        self.array = np.zeros(1, dtype=records.STATE)
        self.record = self.array[0]
        for field in fields(room):
            self.array[field.name] = getattr(room, field.name)
        slots = 1 << (2 * room.ledger_room - 1).bit_length()
        self.array["slots"], self.array["buckets"] = slots, buckets
        hours = world.cal.month_ends[-1] - world.start
        # In next to no time everything is in one bucket: hours beyond the reach of 1 / x would make an index of NaN.
        self.array["per_hour"] = buckets / hours if hours > LEAST_HOURS else 0.0
        self.ledgers = np.zeros(room.ledger_room, dtype=records.LEDGER)
        self.sums = np.empty((room.ledger_room, months, measures))
        self.used = np.empty((room.ledger_room, months), dtype=np.bool_)
        self.log = np.empty(room.log_room, dtype=EVENT)
        self.buckets = np.empty(buckets, dtype=np.int32)
        self.desks = np.zeros(desks, dtype=records.DESK)
        weights = world.desks.weights
        self.queues = np.empty((len(weights), records.CLASSES, 2), dtype=np.int32)
        self.served = np.empty(len(weights))
        self.served_at_first = np.array([served_at_first(weight) for weight in weights.tolist()])
        self.open_deals = np.empty(len(world.reps), dtype=np.int64)
        self.last_turn = np.empty((len(world.products), len(world.regions), len(world.segments)), dtype=np.int64)
        self.slots = np.empty(slots, dtype=np.int32)
        self._kept = point(
            self.array,
            {
                "at_feeds": np.empty(room.feed_room, dtype=records.FEED),
                "at_nodes": np.empty(room.node_room, dtype=records.NODE),
                "at_buckets": self.buckets,
                "at_agenda": np.empty(room.node_room, dtype=np.int32),
                "at_opened_times": np.empty(records.MOST_SORTED),
                "at_opened_nodes": np.empty(records.MOST_SORTED, dtype=np.int32),
                "at_asked": np.empty(records.MOST_ASKED, dtype=records.ASKED),
                "at_numbers": np.empty((records.NUMBERS, records.LANES)),
                "at_lanes": np.empty((KINDS + 3, records.LANES), dtype=np.int64),
                "at_hand_overs": np.empty(desks, dtype=np.int32),
                "at_desks": self.desks,
                "at_queues": self.queues,
                "at_served": self.served,
                "at_deals": np.empty(room.deal_room, dtype=records.DEAL),
                "at_open_deals": self.open_deals,
                "at_last_turn": self.last_turn,
                "at_ledgers": self.ledgers,
                "at_slots": self.slots,
                "at_cells": self.sums,
                "at_used": self.used,
                "at_log": self.log,
            },
        )

    def clear(self, world: World) -> None:
        """As before the first event."""
        self.array["now"], self.array["month"] = world.start, month_of(world.cal.month_ends, world.start)
        for name in CLEARED:
            self.array[name] = 0
        for name in ("free_node", "free_deal", "bucket"):
            self.array[name] = records.NONE
        for ends in (self.buckets, self.queues, self.last_turn, self.slots):
            ends.fill(records.NONE)
        self.open_deals.fill(0)
        self.desks[:] = 0
        self.served[:] = self.served_at_first


class Twin:
    """A world for the compiled engine; simulates any replication of it."""

    def __init__(self, world: World, attribution: Attribution | None = None) -> None:
        self.world = world
        self.levers = attribution.count if attribution else 0
        self.flat = FlatWorld(world, attribution)
        places = len(world.reps) * len(world.products) * len(world.regions) * len(world.segments)
        self.room = Room(
            feed_room=12 * len(world.cells) + 1,
            node_room=1024 + 2 * len(world.open_deals.key) + len(world.staffing.changes),
            deal_room=1024 + len(world.open_deals.key),
            ledger_room=max(16, min(places, 256)),
            log_room=1,
        )
        self.buckets = int(min(max(self._expected() / A_BUCKET, FEWEST_BUCKETS), MOST_BUCKETS))
        self.memory: Memory | None = None
        self._turn = threading.Lock()

    def _expected(self) -> float:
        """About how many events a replication has: the arrivals, and two for each visit to a stage."""
        stages = self.world.stages
        of_posterior = (stages.wins + 0.5) / (stages.tries + 1.0)
        advance = np.where(np.isnan(stages.advance), of_posterior, stages.advance)
        visits = np.ones(len(advance) + 1)  # from each stage on
        visits[-1] = 0.0
        for stage in range(len(advance) - 1, -1, -1):
            visits[stage] = 1.0 + advance[stage] * visits[stage + 1]
        hours = np.diff(self.world.cal.month_ends, prepend=0.0)
        events = sum(1.0 + 2.0 * float(visits[stage]) for stage in self.world.open_deals.stage)
        for cell in self.world.cells:
            leads = float(cell.rates @ hours) if cell.count < 0 else cell.count
            events += leads * (1.0 + 2.0 * float(visits[cell.enters]))
        return events

    def _drawn(self, parameters: Parameters) -> dict[str, Array]:
        """A replication's parameters by where they are pointed to. Raises ValueError where they are of another plan."""
        world, found = self.world, {}
        cells, regions, months = len(world.cells), len(world.regions), len(world.months)
        by_month = (len(world.stages.names), world.months_table.size)
        for at, values, shape in (
            ("at_advance", parameters.advance, (len(world.stages.names),)),
            ("at_economy", parameters.odds, (regions, months)),
            ("at_rates", parameters.rates, (cells, months)),
            ("at_month_odds", parameters.month_odds, by_month),
            ("at_month_pace", parameters.month_pace, by_month),
        ):
            if values.shape != shape:
                raise ValueError(f"{at.removeprefix('at_')} of a replication: an array {shape}, not {values.shape}")
            found[at] = np.ascontiguousarray(values, dtype=np.float64)
        return found

    def outcome(
        self, seed: int, replication: int, phase: int, parameters: Parameters, *, keep_log: bool = False
    ) -> Outcome:
        """One replication; threads take turns, since there is one memory."""
        with self._turn:
            return self._outcome(seed, replication, phase, parameters, keep_log)

    def _outcome(self, seed: int, replication: int, phase: int, parameters: Parameters, keep_log: bool) -> Outcome:
        world = self.world
        drawn = self._drawn(parameters)
        self.flat.draw(parameters)
        if keep_log and self.room.log_room == 1:
            self.room.log_room, self.memory = 4096, None
        while True:
            if self.memory is None:
                self.memory = Memory(world, self.room, self.buckets)
            memory = self.memory
            memory.clear(world)
            memory.array["keeps_log"] = keep_log
            memory.array["seed"], memory.array["replication"], memory.array["phase"] = seed, replication, phase
            made = {
                "at_flow": np.zeros((len(world.reps), len(world.stages.names), len(world.months), len(FLOW_COLUMNS))),
                "at_reps": np.zeros((len(world.reps), len(REP_COLUMNS))),
                "at_legs": np.zeros(len(world.goals.legs)),
                "at_attributed": np.zeros((self.levers, len(world.goals.legs))),
            }
            point(memory.array, drawn | made)
            replicate(self.flat.record, memory.record)
            full = int(memory.array["full"][0])
            if not full:
                break
            self.room, self.memory = self.room.doubled(full), None
            del memory  # before there is more
        count = int(memory.array["ledgers"][0])
        order = np.argsort(memory.ledgers["code"][:count], kind="stable")
        cell_keys, cells = gather(memory.ledgers, order, memory.used, memory.sums)
        return Outcome(
            made["at_legs"],
            made["at_reps"],
            cell_keys,
            cells,
            made["at_flow"],
            memory.log[: int(memory.array["logged"][0])].copy() if keep_log else None,
            made["at_attributed"] if self.levers else None,
        )
