"""Sample paths for the solvers: a plan at an allocation, simulated in parallel, as margins and yields by lever."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from attain.optimise.decisions import Decision
from engine.batch import Batch, Simulator
from engine.draws import SEARCH
from engine.montecarlo import run
from engine.plan.types import LoadedPlan
from engine.world import World, build
from solvers.paths import PathTable
from solvers.refine import SearchLimits
from solvers.surrogate import unit_yields

Floats = NDArray[np.float64]
PILOT = 8  # replications that tell how much work a replication is
MOVES = 200_000_000  # stage visits that a search may simulate, at effort 1
FEWEST_PATHS, MOST_PATHS = 4_000, 100_000


@dataclass
class Kept:
    """A driver's sink that keeps batches in memory, in order."""

    batches: dict[int, Batch] = field(default_factory=dict)

    def done(self) -> list[tuple[int, int]]:
        """Spans of replications that are there."""
        return [(first, first + batch.n) for first, batch in self.batches.items()]

    def put(self, first: int, n: int, tables: object) -> None:
        """Keep a batch."""
        assert isinstance(tables, Batch)
        self.batches[first] = tables

    def parts(self):  # type: ignore[no-untyped-def]
        """Nothing to judge a precision by: searches have none."""
        return iter(())

    def in_order(self) -> list[Batch]:
        """The batches from the first replication on."""
        return [self.batches[first] for first in sorted(self.batches)]


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while sample paths were being made."""


@dataclass
class Stop:
    """Ctrl-C during a search: once ends it with the best so far, twice gives up."""

    asked: bool = False

    def __call__(self) -> bool:
        return self.asked

    def ask(self) -> None:
        """Raises KeyboardInterrupt where it has been asked for before."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Take Ctrl-C as such, where this is the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, lambda *_: self.ask())
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before if before is not None else signal.default_int_handler)


def simulate_batches(simulator: Simulator, first: int, n: int, jobs: int | None) -> list[Batch]:
    """Replications first to first + n - 1 over the cores. Raises Interrupted."""
    sink = Kept()
    result = run(simulator, n=n, first=first, sink=sink, jobs=jobs)  # type: ignore[arg-type]
    if result.status == "interrupted":
        raise Interrupted
    return sink.in_order()


def objective_legs(world: World, maximise: str | None) -> NDArray[np.int64]:
    """The legs whose joint attainment is maximised: a goal's, or those of all goals that quotas do not make."""
    book = world.goals

    def legs(goal: int) -> set[int]:
        found = set(book.legs_of[goal])
        for part in book.parts_of[goal]:
            found |= legs(part)
        return found

    if maximise is not None:
        return np.array(sorted(legs(book.names.index(maximise))), dtype=np.int64)
    chosen = {
        leg for g, goal in enumerate(book.goals) if goal.all_of != "quotas" for leg in legs(g) if not book.parts_of[g]
    }
    if not chosen:
        chosen = {leg for g in range(len(book.names)) for leg in legs(g)}
    return np.array(sorted(chosen), dtype=np.int64)


@dataclass
class Paths:
    """The callable that the solvers' search asks for sample paths: `paths(x, first, n, phase)`."""

    loaded: LoadedPlan
    decision: Decision
    maximise: str | None
    seed: int
    jobs: int | None
    on_paths: Callable[[int], None] | None = None
    stop: Stop = field(default_factory=Stop)

    def __call__(self, x: Floats, first: int, n: int, phase: int) -> PathTable:
        """Margins [n, legs] and yields [n, legs, variables] of the plan at x."""
        plan = self.decision.apply(self.loaded.plan, x)
        world = build(self.loaded.model_copy(update={"plan": plan}))
        simulator = Simulator(world, self.seed, phase, attribution=self.decision.attribution)
        try:
            batches = simulate_batches(simulator, first, n, self.jobs)
        except Interrupted:  # these paths are needed to end well: again, from the first
            self.stop.ask()
            batches = simulate_batches(simulator, first, n, self.jobs)
        if self.on_paths is not None:
            self.on_paths(n)
        legs = objective_legs(world, self.maximise)
        least = np.array([world.goals.legs[i].at_least for i in legs])
        scale = np.where(least > 0.0, least, 1.0)
        values = np.concatenate([batch.legs for batch in batches])[:, legs]
        brought = np.concatenate([_attributed(batch) for batch in batches])[:, :, legs]
        yields = unit_yields(
            np.moveaxis(brought, 1, 2) / scale[:, None],
            self.decision.response(x),
            self.decision.like,
            strength=self.decision.strength,
        )
        return PathTable((values - least) / scale, yields)


def _attributed(batch: Batch) -> Floats:
    assert batch.attributed is not None, "the simulator was given an attribution"
    return batch.attributed


def search_limits(world: World, seed: int, effort: float) -> SearchLimits:
    """How many paths a search may simulate: by the stage visits of a replication, which no clock enters."""
    pilot = Simulator(world, seed, SEARCH)(0, PILOT)
    moves = max(1.0, float(pilot.moves.mean()))
    paths = int(np.clip(effort * MOVES / moves, FEWEST_PATHS, MOST_PATHS))
    return SearchLimits(
        paths=paths,
        samples=(int(np.clip(paths // 60, 96, 512)), int(np.clip(paths // 16, 192, 4096))),
        selection=int(np.clip(paths // 12, 192, 4096)),
        finalists=3,
    )
