"""What a run came to, as arrays: the record that summaries, comparisons and pages are made from.

Filled from a run store (or straight from batches, in memory); knows nothing of screens. Money in minor units. Whether
goals were attained is counted over all replications; values by replication are held for as many of the first of them as
fit into `LEGS_BYTES` and `PARTS_BYTES`, so that memory is bounded whatever their number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.batch import Batch, input_names
from engine.goals import MEASURES
from engine.margins import MARGINS
from engine.outcomes import FLOW_COLUMNS, REP_COLUMNS
from engine.world import World

LEGS_BYTES = 128 << 20  # of the values of goals' legs and of drawn inputs
PARTS_BYTES = 64 << 20  # of those of reps, products, regions, segments and months


@dataclass(frozen=True, eq=False)
class Results:
    """A run's unbroken prefix of n replications. Arrays by replication hold the first of them: `held`, `held_parts`."""

    world: World
    seed: int
    phase: int
    engine: str
    n: int
    asked: int  # replications asked for; more than n where the run was interrupted
    digest: str
    seconds: float
    compile_seconds: float
    legs: NDArray[np.float64]  # [held, legs]
    reps: NDArray[np.float64]  # [held parts, reps, REP_COLUMNS]
    margins: dict[str, NDArray[np.float64]]  # dimension -> [held parts, names, MEASURES]
    inputs: NDArray[np.float64]  # [held, inputs], see engine.batch.input_names
    flow: NDArray[np.float64]  # [reps, stages, months, FLOW_COLUMNS], summed over replications
    sums: NDArray[np.float64]  # [reps, products, regions, MEASURES], summed over replications
    moves: int
    counted: NDArray[np.int64] | None = None  # [goals] attained in how many of the n; None where all are held

    @property
    def held(self) -> int:
        """How many of the first replications the values of goals are held of."""
        return len(self.legs)

    @property
    def held_parts(self) -> int:
        """How many of the first replications the values of reps, products, regions, segments and months are held of."""
        return len(self.reps)

    @property
    def hits(self) -> NDArray[np.int64]:
        """[goals]: in how many of the n replications each was attained."""
        return self.attained.sum(axis=0) if self.counted is None else self.counted

    def aligned(self) -> Results:
        """The same with all arrays by replication as long as the shortest: for those who look at both."""
        if self.held == self.held_parts:
            return self
        rows = min(self.held, self.held_parts)
        margins = {dimension: values[:rows] for dimension, values in self.margins.items()}
        return replace(self, legs=self.legs[:rows], inputs=self.inputs[:rows], reps=self.reps[:rows], margins=margins)

    @property
    def attained(self) -> NDArray[np.bool_]:
        """[held, goals]: which goals each replication attained."""
        return self.world.goals.attained(self.legs)

    @property
    def values(self) -> NDArray[np.float64]:
        """[held, goals]: the value of each goal."""
        return self.world.goals.values(self.legs)


def gather(
    world: World,
    batches: list[Batch],
    *,
    seed: int,
    phase: int,
    engine: str,
    asked: int,
    digest: str,
    seconds: float,
    compile_seconds: float = 0.0,
) -> Results:
    """Batches, in order and unbroken from 0, as results."""
    months, stages = len(world.months), len(world.stages.names)
    shape = (len(world.reps), stages, months, len(FLOW_COLUMNS))
    cells = (len(world.reps), len(world.products), len(world.regions), len(MEASURES))
    sizes = (len(world.products), len(world.regions), len(world.segments), months)

    def stacked(arrays: list[NDArray[np.float64]], empty: tuple[int, ...]) -> NDArray[np.float64]:
        return np.concatenate(arrays) if arrays else np.zeros((0, *empty))

    return Results(
        world=world,
        seed=seed,
        phase=phase,
        engine=engine,
        n=sum(b.n for b in batches),
        asked=asked,
        digest=digest,
        seconds=seconds,
        compile_seconds=compile_seconds,
        legs=stacked([b.legs for b in batches], (len(world.goals.legs),)),
        reps=stacked([b.reps for b in batches], (len(world.reps), len(REP_COLUMNS))),
        margins={
            d: stacked([b.margins[d] for b in batches], (size, len(MEASURES)))
            for d, size in zip(MARGINS, sizes, strict=True)
        },
        inputs=stacked([b.inputs for b in batches], (len(input_names(world)),)),
        flow=sum((b.flow for b in batches), np.zeros(shape)),
        sums=sum((b.sums for b in batches), np.zeros(cells)),
        moves=int(sum(int(b.moves.sum()) for b in batches)),
    )
