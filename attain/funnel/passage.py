"""How deals come through in time: the simulated passage of a goal's deals, by rep, stage and month of entry.

A back-calculation needs to know, for every stage and month, how many deals enter, and which share of what they stand
for is in time for the goal. Both come from watching the SimPy model: each deal leaves a trail of (stage, month), and
what it brings is credited to all of it. The share in time is (brought in time) / (brought in time + what came too late
+ what deals that are still open, or have gone stale, would bring at the plan's own conversions), so that where nothing
takes time it is exactly 1, whatever chance does. That ratio is right on average because a deal's conversion
probability, followed through its stages, is a martingale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.business import at_odds
from engine.demand import Cell
from engine.goals import BOOKINGS
from engine.outcomes import Kind
from engine.realise import realise
from engine.routing import NOBODY
from engine.simpy_model import Deal, Lookup, Model
from engine.world import World

Floats = NDArray[np.float64]
NEW, HAND = 0, 1  # deals of new leads; deals open on the first day


@dataclass(frozen=True, eq=False)
class Passage:
    """Sums over `n` replications. Amounts are in the goal's unit: money in major units, or a count.

    `entered` [2, reps, stages, months]: deals of the goal's part of the business. `in_time`, `whole` [2, stages,
    months]: what they brought in time, and what they would have brought with time enough; `arrived` [2]: these two, of
    all new leads. `standing` [reps, stages]: the open deals where they stand. `won`, `brought` [2, reps, months]: the
    deals and the amounts that counted. `potential` [stages]: the conversion to won from there, summed over the new
    deals that entered. `leads`, `worth` [cells]: leads, and what they stand for. `open_in_time`, `open_worth` [open
    deals]: how often each counted, and for how much; `open_rep` [open deals]: whose it is.
    """

    n: int
    entered: Floats
    in_time: Floats
    whole: Floats
    arrived: Floats
    standing: Floats
    won: Floats
    brought: Floats
    potential: Floats
    leads: Floats
    worth: Floats
    open_in_time: Floats
    open_worth: Floats
    open_rep: Floats

    @classmethod
    def empty(cls, world: World) -> Passage:
        """Nothing watched yet."""
        reps, stages, months = len(world.reps), len(world.stages.names), len(world.months)
        deals, cells = len(world.open_deals.key), len(world.cells)
        shapes: dict[str, tuple[int, ...]] = {
            "entered": (2, reps, stages, months),
            "in_time": (2, stages, months),
            "whole": (2, stages, months),
            "arrived": (2,),
            "standing": (reps, stages),
            "won": (2, reps, months),
            "brought": (2, reps, months),
            "potential": (stages,),
            "leads": (cells,),
            "worth": (cells,),
            "open_in_time": (deals,),
            "open_worth": (deals,),
            "open_rep": (deals,),
        }
        return cls(0, **{name: np.zeros(shape) for name, shape in shapes.items()})

    @classmethod
    def of_rows(cls, columns: Mapping[str, NDArray[Any]]) -> Passage:
        """The sums over replications, each a row of `columns`."""
        summed = {name: rows.sum(axis=0) for name, rows in columns.items()}
        summed["open_rep"] = columns["open_rep"][-1]
        return cls(len(columns["leads"]), **summed)


@dataclass(frozen=True, eq=False)
class Aim:
    """What a goal counts, as the watch reads it."""

    measure: int
    chain: bool  # won deals or bookings, whose conversions are known; else what was counted stands
    money: bool
    legs: tuple[int, ...]

    @classmethod
    def of(cls, world: World, goal: int) -> Aim:
        """The aim of a goal with legs of its own."""
        legs = world.goals.legs_of[goal]
        measure = world.goals.legs[legs[0]].measure
        name = world.measures[measure]
        return cls(measure, name in (BOOKINGS, "deals_won"), name == BOOKINGS, legs)


@dataclass(slots=True)
class Trail:
    """Where a deal has been, and what it stands for."""

    kind: int
    rep: int
    worth: float
    windows: list[tuple[float, float]]
    been: list[tuple[int, int]]  # (stage, month)
    lasting: bool = True  # on its way, and not yet won


class Watched(Model):
    """The SimPy model with a notebook: the same replication, and the trails of the deals that the goal counts."""

    def __init__(
        self, world: World, seed: int, replication: int, phase: int, aim: Aim, sums: Passage, lookup: Lookup
    ) -> None:
        parameters = realise(world, seed, replication, phase)
        super().__init__(world, seed, replication, phase, lookup=lookup, parameters=parameters)
        self.aim, self.sums = aim, sums
        stages = world.stages
        known = (stages.wins + 0.5) / (stages.tries + 1.0)
        self.planned = np.where(np.isnan(stages.advance), known, stages.advance).tolist()
        self.trails: dict[int, Trail] = {}
        self.deals: dict[int, Deal] = {}
        self.number_of = {key: i for i, key in enumerate(world.open_deals.key)}
        self.number_of_cell = {cell: i for i, cell in enumerate(world.cells)}
        self.cell_of: dict[int, int] = {}
        self.means = [world.distributions.mean(int(i)) for i in world.deal_values]
        self._chances: dict[tuple[bool, int, int, int, int, int, int], float] = {}

    def qualify(self, deal: Deal, cell: Cell) -> None:
        """Remember which cell of leads a deal came from."""
        super().qualify(deal, cell)
        self.cell_of[deal.key] = self.number_of_cell[cell]

    def note(self, kind: Kind, deal: Deal, amount: float = 0.0) -> None:
        """Follow the deal."""
        super().note(kind, deal, amount)
        if kind == Kind.ARRIVED:
            self.begin(deal)
            return
        trail = self.trails.get(deal.key)
        if trail is None:
            return
        if kind == Kind.ADVANCED and deal.stage + 1 < len(self.world.stages.names):
            self.enter(trail, deal, deal.stage + 1)
        elif kind == Kind.STALE and trail.lasting:
            self.too_late(trail, deal)
        elif kind == Kind.LOST:
            trail.lasting = False

    def begin(self, deal: Deal) -> None:
        """A deal appears: is it one that the goal counts? Leads that nobody may take stand for nothing."""
        kind = HAND if deal.key in self.number_of else NEW
        if kind == NEW:
            self.sums.leads[self.cell_of[deal.key]] += 1.0
        windows = [] if deal.rep == NOBODY else self.windows(deal)
        if not windows:
            return
        trail = self.trails[deal.key] = Trail(kind, deal.rep, self.worth_of(deal, kind), windows, [])
        self.deals[deal.key] = deal
        if kind == HAND:
            self.sums.open_rep[self.number_of[deal.key]] = deal.rep
            self.sums.standing[deal.rep, deal.stage] += 1.0
        elif self.aim.chain:
            self.sums.worth[self.cell_of[deal.key]] += self.chance(deal, deal.stage, planned=True) * trail.worth
        self.enter(trail, deal, deal.stage)

    def worth_of(self, deal: Deal, kind: int) -> float:
        """What a win is worth to the goal, on average: a drawn value counts with its mean."""
        if not self.aim.money:
            return 1.0
        if kind == HAND and not np.isnan(self.world.open_deals.value[self.number_of[deal.key]]):
            return deal.value / self.world.minor
        return self.means[deal.product] * float(self.world.segment_value[deal.segment])

    def enter(self, trail: Trail, deal: Deal, stage: int) -> None:
        """The deal enters a stage."""
        month = self.month
        trail.been.append((stage, month))
        self.sums.entered[trail.kind, trail.rep, stage, month] += 1.0
        if trail.kind == NEW:
            self.sums.potential[stage] += self.chance(deal, stage, planned=True)

    def count(self, measure: int, amount: float, deal: Deal) -> None:
        """What the goal counts is credited to the deal's whole trail."""
        super().count(measure, amount, deal)
        trail = self.trails.get(deal.key)
        if measure != self.aim.measure or trail is None:
            return
        now = self.env.now
        trail.lasting = False
        timely = any(now <= until and (now > since or since == 0.0) for since, until in trail.windows)
        worth = trail.worth if self.aim.chain else amount
        self.credit(trail, deal, worth, timely)
        if timely:
            self.sums.won[trail.kind, trail.rep, self.month] += 1.0 if self.aim.chain else amount
            self.sums.brought[trail.kind, trail.rep, self.month] += worth
            if trail.kind == HAND:
                self.sums.open_in_time[self.number_of[deal.key]] += 1.0
                self.sums.open_worth[self.number_of[deal.key]] += worth

    def credit(self, trail: Trail, deal: Deal, worth: float, timely: bool) -> None:
        """Put an amount down to every stage that the deal went through to bring it."""
        last = self.world.stages.won if self.aim.chain else len(self.world.stages.names)
        if trail.kind == NEW:
            self.sums.arrived[:] += (worth if timely else 0.0, worth)
        for stage, month in trail.been:
            if stage <= last:
                self.sums.whole[trail.kind, stage, month] += worth
                if timely:
                    self.sums.in_time[trail.kind, stage, month] += worth
        if not self.aim.chain and timely and trail.kind == NEW:
            self.sums.worth[self.cell_of[deal.key]] += worth

    def too_late(self, trail: Trail, deal: Deal) -> None:
        """The deal is not decided in time: what it would have brought counts as late."""
        trail.lasting = False
        if self.aim.chain and deal.stage <= self.world.stages.won:
            self.credit(trail, deal, self.chance(deal, deal.stage, planned=False) * trail.worth, timely=False)

    def watch(self) -> None:
        """Run the replication; whatever is open at its end is too late."""
        self.run()
        for key, trail in self.trails.items():
            if trail.lasting:
                self.too_late(trail, self.deals[key])

    def chance(self, deal: Deal, stage: int, planned: bool) -> float:
        """The conversion from a stage to won, by this replication's conversions or the planned ones."""
        key = (planned, stage, deal.rep, deal.product, deal.segment, deal.source, deal.klass)
        known = self._chances.get(key)
        if known is None:
            base = self.planned if planned else self.advance
            known = 1.0
            for s in range(stage, self.world.stages.won + 1):
                known *= float(at_odds(base[s], deal.odds[s]))
            self._chances[key] = known
        return known

    def windows(self, deal: Deal) -> list[tuple[float, float]]:
        """The spans of time in which the goal counts this deal; none where it is not its part of the business."""
        own = deal.ledger.legs[self.aim.measure]
        return [(since, until) for leg, since, until in own if leg in self.aim.legs]


class WatchTask:
    """The driver's task: watch a range of replications."""

    def __init__(self, world: World, seed: int, aim: Aim, phase: int = 0) -> None:
        self.world, self.seed, self.aim, self.phase = world, seed, aim, phase
        self._lookup: Lookup | None = None

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_lookup": None}

    def warm(self) -> None:
        """Compile."""
        self(0, 1)

    def __call__(self, first: int, n: int) -> dict[str, dict[str, NDArray[Any]]]:
        """One row a replication: sums are then taken in order, whatever the chunks."""
        self._lookup = self._lookup or Lookup(self.world)
        rows: list[Passage] = []
        for replication in range(first, first + n):
            rows.append(Passage.empty(self.world))
            Watched(self.world, self.seed, replication, self.phase, self.aim, rows[-1], self._lookup).watch()
        columns = {f.name: np.stack([getattr(row, f.name) for row in rows]) for f in fields(Passage) if f.name != "n"}
        return {"passage": columns}
