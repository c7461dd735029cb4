"""The Monte Carlo driver: spreads replications over workers and hands what they give to a sink.

A *task* computes replications first .. first + n - 1 as named tables; since every draw is keyed by its replication,
neither workers nor chunks nor restarts change a number. A *sink* keeps the tables (the run store, or `Memory`); the
driver itself accumulates nothing, so that memory does not grow with the number of replications.

Chunks come back in any order; what counts of an unfinished run is its unbroken prefix, since counting what finished
first would be biased towards short replications.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.chunks import Chunks, Tables, Task, size_of
from engine.looks import Looks, Precision
from engine.replications import Span, missing, prefix, size
from engine.statistics import precision_schedule
from engine.workers import Interrupts, Local, Workers


class Sink(Protocol):
    """Where finished replications go."""

    def done(self) -> list[Span]:
        """Spans that are kept already; they are not computed again."""

    def put(self, first: int, n: int, tables: Tables) -> None:
        """Keep the tables of replications first .. first + n - 1; called in one thread, in any order."""

    def parts(self) -> Iterator[tuple[int, int, Tables]]:
        """What is kept as (first, n, tables); read only to judge the precision of a run that is continued."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands. `total` is an estimate where a precision decides."""

    done: int
    total: int
    rate: float  # replications per second, by this run's own work
    seconds: float  # since the first chunk was begun
    left: float  # seconds; infinite before anything is known


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to. `n` replications count: all asked for, the look that was precise enough, or the prefix."""

    status: Literal["complete", "interrupted"]
    n: int
    seconds: float
    compile_seconds: float
    rate: float
    precise: bool | None  # whether the precision asked for was reached; None where none was
    half_width: float | None  # at n, the widest of all goals
    interrupted: bool = False  # by Ctrl-C, be it as the last chunk was kept, which leaves the run complete


@dataclass
class Memory:
    """A sink that keeps everything in memory: for tests, and for uses that read a few columns and go on."""

    kept: dict[int, tuple[int, Tables]] = field(default_factory=dict)

    def done(self) -> list[Span]:
        return [(first, first + n) for first, (n, _) in self.kept.items()]

    def put(self, first: int, n: int, tables: Tables) -> None:
        self.kept[first] = (n, tables)

    def parts(self) -> Iterator[tuple[int, int, Tables]]:
        for first in sorted(self.kept):
            yield first, *self.kept[first]

    def table(self, name: str) -> dict[str, NDArray[Any]]:
        """One table's columns over all parts, in order of replication."""
        parts = [tables[name] for _, _, tables in self.parts()]
        return {column: np.concatenate([part[column] for part in parts]) for column in parts[0]} if parts else {}


def run(
    task: Task,
    *,
    n: int,
    sink: Sink,
    first: int = 0,
    jobs: int | None = 1,
    chunk: int | None = None,
    precision: Precision | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    cluster: Workers | None = None,
    lasting: bool = True,
) -> Result:
    """Compute what `sink` lacks of the replications first .. first + n - 1, fewer where `precision` is met.

    `jobs` processes (None: one per core), but this one alone where starting others would take longer; `chunk`
    replications at a time (None: about a second's worth). A `cluster` (see `engine.cluster`) computes in their place.
    `lasting`: the sink may be given to another run, which goes on there.
    Ctrl-C keeps what has been handed to the sink, ends the workers and returns 'interrupted'. Raises `WorkerDied` when
    workers die repeatedly on the same replications, and whatever the task itself raises.
    """
    if n < 1 or first < 0 or (chunk is not None and chunk < 1):
        raise ValueError(
            f"replications are counted from 0 and computed one at least (first={first}, n={n}, chunk={chunk})"
        )
    workers = cluster if cluster is not None else Local(None if jobs is None else max(1, jobs))
    started = time.perf_counter()
    looks = Looks(precision, first, n) if precision is not None else None
    if looks is not None:
        for low, count, tables in sink.parts():
            looks.add(low, count, tables)
    gaps = missing(sink.done(), first, n)
    # Chunks end at the looks of any precision, asked for now or when the run is continued: sums by chunk stay whole.
    cuts = tuple(first + look for look in precision_schedule(n)) if looks is not None or lasting else ()
    chunks = Chunks(gaps, n=n, workers=1, fixed=chunk, cuts=cuts)
    interrupted = False
    state = _State(sink, chunks, looks, n, n - size(gaps), on_progress)
    try:
        with state.interrupts:
            if gaps and not state.settled:
                workers.compute(task, chunks, state.keep)
    except KeyboardInterrupt:
        interrupted = True
    reached = prefix(sink.done(), first)
    look = looks.settled() if looks is not None else None
    counted = look if look is not None else min(reached, n)
    return Result(
        status="interrupted" if interrupted and look is None and reached < n else "complete",
        n=counted,
        seconds=time.perf_counter() - started,
        compile_seconds=workers.compile_seconds,
        rate=state.fresh / max(time.perf_counter() - state.begun, 1e-9),
        precise=None if looks is None else look is not None and looks.precise(look),
        half_width=looks.half_width(counted) if looks is not None else None,
        interrupted=interrupted,
    )


class _State:
    """What happens to an arriving chunk: kept, counted, reported."""

    def __init__(
        self,
        sink: Sink,
        chunks: Chunks,
        looks: Looks | None,
        n: int,
        done: int,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self.sink, self.chunks, self.looks, self.n, self.on_progress = sink, chunks, looks, n, on_progress
        self.done = done
        self.fresh = 0
        self.begun = time.perf_counter()
        self.interrupts = Interrupts()
        self.settled = looks is not None and looks.settled() is not None

    def keep(self, span: Span, tables: Tables, seconds: float) -> None:
        with self.interrupts.held():
            self._arrived(span, tables, seconds)

    def _arrived(self, span: Span, tables: Tables, seconds: float) -> None:
        low, high = span
        if self.fresh == 0:  # workers that start, and compile, do not count in the rate
            self.begun = max(self.begun, time.perf_counter() - seconds)
        self.sink.put(low, high - low, tables)
        self.chunks.arrived(span, seconds, size_of(tables))
        self.done += high - low
        self.fresh += high - low
        if self.looks is not None and not self.settled:
            self.looks.add(low, high - low, tables)
            self.settled = self.looks.settled() is not None
            self.chunks.stopped = self.settled
        total = self.n if self.looks is None else max(self.done, self.looks.expected())
        self.chunks.expected = total - self.done
        if self.on_progress is not None:
            elapsed = time.perf_counter() - self.begun
            rate = self.fresh / max(elapsed, 1e-9)
            left = (total - self.done) / rate if rate > 0 else math.inf
            self.on_progress(Progress(self.done, total, rate, elapsed, left))
