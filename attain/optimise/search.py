"""Sample paths for the solvers: a plan at an allocation, simulated in parallel, as margins and yields by lever.

`Paths` is the callable of the contract: any paths of a phase, at any allocation, the same worlds whatever it is. It
counts what it simulates, by phase, and how long that took. `work_limits` says how much a search may do, in paths.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attain.optimise.aims import Aim
from attain.optimise.decisions import Decision
from engine.batch import Simulator
from engine.draws import SEARCH
from engine.goalsums import GoalSums, Seen
from engine.montecarlo import run
from engine.plan.types import LoadedPlan
from engine.world import World, build
from solvers.arrays import BLOCK, path_mean
from solvers.paths import PathTable, Streaming
from solvers.surrogate import further_yields, unit_yields

Floats = NDArray[np.float64]
PILOT = 8  # replications that tell how much work a replication is
MOVES = 275_000_000  # stage visits that a decision's search may simulate, at effort 1
FEWEST_PATHS, MOST_PATHS = 2560, 96 * BLOCK  # whatever a replication costs, at effort 1
SMALLEST_BLOCK, BLOCKS = 128, 48  # paths looked at together, where so many blocks of more would be too much work
MOST_FLOATS = 12_500_000  # of one call's yields: 100 MB
FEWEST_AT_ONCE = 64  # paths simulated at once, however wide
FEW_LEADS = 0.005  # of a path, from which no yield can be told
STEP = 0.01  # of a variable's natural size: over what a response's slope is taken


@dataclass
class Kept:
    """A driver's sink that keeps what a task gives in memory, in order."""

    parts_of: dict[int, tuple[int, Any]] = field(default_factory=dict)  # first -> how many, and what was given

    def done(self) -> list[tuple[int, int]]:
        """Spans of replications that are there."""
        return [(first, first + n) for first, (n, _) in self.parts_of.items()]

    def put(self, first: int, n: int, tables: object) -> None:
        """Keep what a task gave."""
        self.parts_of[first] = (n, tables)

    def parts(self) -> Iterator[tuple[int, int, Any]]:
        """Nothing to judge a precision by: searches have none."""
        return iter(())

    def in_order(self) -> list[Any]:
        """What was given, from the first replication on."""
        return [self.parts_of[first][1] for first in sorted(self.parts_of)]


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


def simulate_batches(task: Any, first: int, n: int, jobs: int | None, stop: Stop | None = None) -> list[Any]:
    """What a task of the driver gives for replications first to first + n - 1, over the cores. Raises Interrupted.

    `stop` is told of a Ctrl-C that came when all was there already.
    """
    sink = Kept()
    result = run(task, n=n, first=first, sink=sink, jobs=jobs)
    if result.status == "interrupted":
        raise Interrupted
    if result.interrupted and stop is not None:
        stop.ask()
    return sink.in_order()


@dataclass
class Paths:
    """The callable that the solvers ask for sample paths: `paths(x, first, n, phase)`.

    Yields are per unit of the variables; `table` has them per unit of response, for programmes over curves.
    `simulated` and `seconds` count by phase.
    """

    loaded: LoadedPlan
    decision: Decision
    aim: Aim
    seed: int
    jobs: int | None
    on_paths: Callable[[int], None] | None = None
    stop: Stop = field(default_factory=Stop)
    simulated: dict[int, int] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    worths: Floats | None = None  # [columns, variables]: mean yields when a variable last had some response

    def __call__(self, x: Floats, first: int, n: int, phase: int, /) -> PathTable:
        """Margins [n, columns] and yields [n, columns, variables] of the plan at x."""
        table = self.table(x, first, n, phase)
        return PathTable(table.margins, table.yields * self.slopes(x))

    def table(self, x: Floats, first: int, n: int, phase: int) -> PathTable:
        """The same with yields per unit of response."""
        seen = self._simulated(x, first, n, phase, yields=True)
        margins, legs = self.aim.margins(seen.legs)
        own = self.aim.brought(seen.brought, legs)
        response = self.decision.response(x)
        parts = [
            further_yields(
                unit_yields(
                    own[at : at + BLOCK],
                    response,
                    self.decision.like,
                    strength=self.decision.strength,
                ),
                seen.inputs[at : at + BLOCK],
            )
            for at in range(0, n, BLOCK)  # block by block, so that nothing depends on the size of a call
        ]
        return PathTable(margins, self._known(np.concatenate(parts), response))

    def _known(self, yields: Floats, response: Floats) -> Floats:
        """Yields with those of variables that (nearly) nothing came of as they were when something last did."""
        if self.worths is None:
            self.worths = np.full(yields.shape[1:], np.nan)
        some = response > (FEW_LEADS if self.decision.strength > 0.0 else 0.0)  # of shares and hours any
        self.worths[:, some] = path_mean(yields[:, :, some])
        recalled = ~some & np.isfinite(self.worths[0])
        yields[:, :, recalled] = self.worths[:, recalled]
        return yields

    def parts(self, x: Floats, first: int, n: int, phase: int) -> tuple[Floats, Floats]:
        """Margins [n, legs] without what the levers brought, and that [n, legs, levers]; of an aim's legs, rising."""
        seen, own = self._simulated(x, first, n, phase, yields=True), self.aim.legs
        brought = np.moveaxis(seen.brought, 1, 2) / self.aim.scale[own][None, :, None]
        margins = (seen.legs[:, own] - self.aim.least[own]) / self.aim.scale[own]
        return margins - np.add.reduce(brought, axis=2), brought

    def margins(self, x: Floats, first: int, n: int, phase: int) -> Floats:
        """Margins [n, columns] alone."""
        return self.aim.margins(self._simulated(x, first, n, phase, yields=False).legs)[0]

    def values(self, x: Floats, first: int, n: int, phase: int) -> NDArray[np.bool_] | Floats:
        """[n]: whether each path attains the aim, or how much of it."""
        return self.aim.counted(self.margins(x, first, n, phase))

    def slopes(self, x: Floats) -> Floats:
        """The responses' slopes at x, per unit of the variables, over a hundredth of their natural size."""
        levers = self.decision.levers
        step = STEP * np.maximum(levers.scale(), np.abs(x))
        low, high = np.maximum(0.0, x - step), x + step
        return np.asarray((self.decision.response(high) - self.decision.response(low)) / (high - low), dtype=np.float64)

    @property
    def how(self) -> Streaming:
        """Calls as large as memory allows, so that worker processes have something to do."""
        blocks = MOST_FLOATS // (BLOCK * len(self.decision.cells) * len(self.aim.legs))
        return Streaming(per_call=BLOCK * int(np.clip(blocks, 1, 16)))

    def _simulated(self, x: Floats, first: int, n: int, phase: int, *, yields: bool) -> Seen:
        started = time.perf_counter()
        world = build(self.loaded.model_copy(update={"plan": self.decision.apply(self.loaded.plan, x)}))
        if yields and self.decision.split is not None:
            world = self.decision.split(world)
        simulator = Simulator(world, self.seed, phase, attribution=self.decision.attribution if yields else None)
        wide = len(self.decision.cells) * len(self.aim.legs) if yields else 1
        most = max(FEWEST_AT_ONCE, MOST_FLOATS // wide)
        task = GoalSums(simulator, self.aim.legs)
        parts = [
            part for at in range(first, first + n, most) for part in self._parts(task, at, min(most, first + n - at))
        ]
        self.simulated[phase] = self.simulated.get(phase, 0) + n
        self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - started
        if self.on_paths is not None:
            self.on_paths(n)
        columns = [(part.legs, part.inputs, part.brought) for part in parts]
        return Seen(*(np.concatenate(column) for column in zip(*columns, strict=True)))

    def _parts(self, task: GoalSums, first: int, n: int) -> list[Seen]:
        try:
            return simulate_batches(task, first, n, self.jobs, self.stop)
        except Interrupted:  # these paths are needed to end well: again, from the first
            self.stop.ask()
            return simulate_batches(task, first, n, self.jobs)


@dataclass(frozen=True)
class Work:
    """How much one decision's search may do: (path, allocation) pairs in all, and what is kept of them for the choice.

    `quotas`: paths on which quotas are set. `block`: paths looked at together, fewer where a path is much work.
    `first`: where the paths of the choice begin.
    """

    paths: int
    selection: int
    quotas: int
    block: int = BLOCK
    first: int = 0


def work_limits(world: World, seed: int, effort: float) -> Work:
    """By the stage visits of a replication, which no clock enters."""
    pilot = Simulator(world, seed, SEARCH)(0, PILOT)
    moves = max(1.0, float(pilot.moves.mean()))
    paths = int(np.clip(effort * MOVES / moves, FEWEST_PATHS, max(FEWEST_PATHS, effort * MOST_PATHS)))
    return Work(paths, paths // 4, int(np.clip(paths // 8, 192, 4096)), block_of(paths))


def block_of(paths: int) -> int:
    """Paths looked at together by a search of so many: a block of the solvers, a half, a quarter or an eighth of it."""
    block = BLOCK
    while block > SMALLEST_BLOCK and paths < BLOCKS * block:
        block //= 2
    return block
