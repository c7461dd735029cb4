"""A batch of replications: the unit that workers hand back, summed where sums are enough.

`Simulator` is the task of the Monte Carlo driver: built once from a world, sent to the workers, called with a range of
replications. What it returns grows with the range and not with what was simulated, unless cells or events are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from engine.goals import MEASURES
from engine.margins import MARGINS, add_margins
from engine.outcomes import Attribution, Names, Outcome, outcome_hash
from engine.posteriors import row_mean
from engine.realise import Parameters, realise, uncertain_flows
from engine.twin.twin import Twin
from engine.world import World

if TYPE_CHECKING:
    from engine.simpy_model import Lookup

Keep = Literal["goals", "cells", "log"]
ENGINES = ("compiled", "simpy")  # the default first; they give the same results


@dataclass(frozen=True, eq=False)
class Batch:
    """Replications first to first + n - 1, in order. Money in minor units."""

    first: int
    hashes: tuple[bytes, ...]
    moves: NDArray[np.int64]  # [n]
    legs: NDArray[np.float64]  # [n, legs]
    reps: NDArray[np.float64]  # [n, reps, REP_COLUMNS]
    margins: dict[str, NDArray[np.float64]]  # dimension -> [n, names, MEASURES]
    inputs: NDArray[np.float64]  # [n, inputs], see `input_names`
    flow: NDArray[np.float64]  # [reps, stages, months, FLOW_COLUMNS], summed over the batch
    sums: NDArray[np.float64]  # [reps, products, regions, MEASURES], summed over the batch
    cell_keys: NDArray[np.int64] | None = None  # [cells, 1 + 5]: place in the batch, then CELL_KEYS
    cells: NDArray[np.float64] | None = None  # [cells, measures]
    logs: tuple[NDArray[np.void], ...] = ()  # [n] event logs
    attributed: NDArray[np.float64] | None = None  # [n, levers, legs]

    @property
    def n(self) -> int:
        """How many replications."""
        return len(self.hashes)


AS_FACTORS = ("economy", "leads", "value")  # inputs that are drawn as logarithms, and read as factors


def input_names(world: World) -> tuple[str, ...]:
    """The drawn inputs that a batch keeps by replication: uncertain conversions, the mean economy by
    region, the leads of sources and the values of products whose posterior is drawn."""
    uncertain = [f"advance:{world.stages.names[s]}" for s in np.flatnonzero(np.isnan(world.stages.advance))]
    economy = world.plan.economy
    common = ["economy"] if economy is not None and economy.sd > 0.0 else []
    tops = np.unique(world.territory.top).tolist() if economy is not None and economy.regional_sd > 0.0 else []
    flows = [f"leads:{name}" for name in uncertain_flows(world)]
    values = [f"value:{world.products[p]}" for p in _uncertain_values(world)]
    return (*uncertain, *common, *(f"economy:{world.regions[g]}" for g in tops), *flows, *values)


def _uncertain_values(world: World) -> list[int]:
    """Products whose values are drawn from a posterior."""
    drawn = {uncertain.row for uncertain in world.uncertain_rows}
    return [p for p, row in enumerate(world.deal_values) if int(row) in drawn]


def inputs_of(world: World, parameters: Parameters) -> NDArray[np.float64]:
    """[inputs]: the values behind `input_names`; economies as the mean log index over the months, leads and values as
    the logarithm of the factor by which they were drawn."""
    uncertain = np.isnan(world.stages.advance)
    parts = [parameters.advance[uncertain]]
    economy = world.plan.economy
    if economy is not None and economy.sd > 0.0:
        parts.append(np.array([parameters.common.mean()]))
    if economy is not None and economy.regional_sd > 0.0:
        parts.append(parameters.regional[np.unique(world.territory.top)].mean(axis=1))
    parts.append(np.asarray(parameters.flows, dtype=np.float64))
    values = _uncertain_values(world)
    if values and parameters.dists is not None and parameters.table is not None:
        rows = world.deal_values[values]
        drawn = [row_mean(parameters.dists[r], parameters.table) for r in rows]
        known = [row_mean(world.dists[r], world.table) for r in rows]
        parts.append(np.log(np.array(drawn) / np.array(known)))
    return np.concatenate(parts)


_WARM: set[tuple[str, bool]] = set()  # engines that have run in this process, with attribution or without


class Simulator:
    """Simulates ranges of replications of a world under one seed and phase by one engine."""

    def __init__(
        self,
        world: World,
        seed: int,
        phase: int = 0,
        engine: str = ENGINES[0],
        keep: Keep = "goals",
        attribution: Attribution | None = None,
    ) -> None:
        self.world, self.seed, self.phase, self.engine, self.keep = world, seed, phase, engine, keep
        self.attribution = attribution
        self._lookup: Lookup | None = None
        self._twin: Twin | None = None
        self._names: Names | None = None

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_lookup": None, "_twin": None, "_names": None}

    def warm(self) -> None:
        """Simulate once in a process, so that everything is compiled and cached before workers start."""
        what = (self.engine, self.attribution is not None)
        if what not in _WARM:
            self(0, 1)
            _WARM.add(what)

    def outcome(self, replication: int, keep_log: bool = False, parameters: Parameters | None = None) -> Outcome:
        """One replication."""
        if self.engine == "compiled":
            if self._twin is None:
                self._twin = Twin(self.world, self.attribution)
            drawn = parameters or realise(self.world, self.seed, replication, self.phase)
            return self._twin.outcome(self.seed, replication, self.phase, drawn, keep_log=keep_log)
        from engine.simpy_model import Lookup, Model

        if self._lookup is None:
            self._lookup = Lookup(self.world)
        model = Model(
            self.world,
            self.seed,
            replication,
            self.phase,
            keep_log=keep_log,
            lookup=self._lookup,
            parameters=parameters,
            attribution=self.attribution,
        )
        return model.run()

    def __call__(self, first: int, n: int) -> Batch:
        """Replications first to first + n - 1."""
        world = self.world
        names = self._names = self._names or Names.of(world)
        sizes = {"product": len(world.products), "region": len(world.regions)}
        sizes |= {"segment": len(world.segments), "month": len(world.months)}
        inputs, hashes, moves, legs, reps, logs = [], [], [], [], [], []
        margins: dict[str, list[NDArray[np.float64]]] = {dimension: [] for dimension in MARGINS}
        flow: NDArray[np.float64] | None = None
        sums = np.zeros((len(world.reps), len(world.products), len(world.regions), len(MEASURES)))
        keys, cells, attributed = [], [], []
        for place in range(n):
            parameters = realise(world, self.seed, first + place, self.phase)
            outcome = self.outcome(first + place, self.keep == "log", parameters)
            inputs.append(inputs_of(world, parameters))
            hashes.append(outcome_hash(outcome, names))
            moves.append(outcome.moves())
            legs.append(outcome.legs)
            reps.append(outcome.reps)
            for dimension, totals in add_margins(outcome, sizes, sums).items():
                margins[dimension].append(totals)
            flow = outcome.flow if flow is None else flow + outcome.flow
            if self.keep != "goals":
                keys.append(np.column_stack([np.full(len(outcome.cell_keys), place), outcome.cell_keys]))
                cells.append(outcome.cells)
            if outcome.log is not None:
                logs.append(outcome.log)
            if outcome.attributed is not None:
                attributed.append(outcome.attributed)
        assert flow is not None, "a batch has at least one replication"
        return Batch(
            first,
            tuple(hashes),
            np.array(moves),
            np.stack(legs),
            np.stack(reps),
            {dimension: np.stack(rows) for dimension, rows in margins.items()},
            np.stack(inputs),
            flow,
            sums,
            np.concatenate(keys) if keys else None,
            np.concatenate(cells) if cells else None,
            tuple(logs),
            np.stack(attributed) if attributed else None,
        )
