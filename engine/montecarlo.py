"""The Monte Carlo driver: spreads replications over processes and hands what they give to a sink.

A *task* computes replications first .. first + n - 1 as named tables; since every draw is keyed by its replication,
neither workers nor chunks nor restarts change a number. A *sink* keeps the tables (the run store, or `Memory`); the
driver itself accumulates nothing, so that memory does not grow with the number of replications.

Chunks are sized to take about a second, whatever a replication costs. They come back in any order; what counts of an
unfinished run is its unbroken prefix, since counting what finished first would be biased towards short replications.
"""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Literal, Protocol

import joblib
import numpy as np
from numpy.typing import NDArray

from engine.replications import Span, missing, prefix, size
from engine.statistics import enough, precision_schedule, wilson

Columns = Mapping[str, NDArray[Any]]
Tables = Mapping[str, Columns]

CHUNK_SECONDS = 1.0
FASTEST_GROWTH = 4  # a chunk is at most so many times the one before: the first replications may be unlike the rest
LARGEST_CHUNK = 2048  # replications, however fast: the tables of a chunk are in memory at once
MOST_CHUNKS = 1024  # of a run: a replication of many seconds does not make a chunk, and a file, each


class Task(Protocol):
    """Computes replications; may have a method `warm()` that compiles what workers will need. Must be picklable."""

    def __call__(self, first: int, n: int) -> Tables:
        """Tables of replications first .. first + n - 1, the same whatever else was computed before."""


class Sink(Protocol):
    """Where finished replications go."""

    def done(self) -> list[Span]:
        """Spans that are kept already; they are not computed again."""

    def put(self, first: int, n: int, tables: Tables) -> None:
        """Keep the tables of replications first .. first + n - 1; called in one thread, in any order."""

    def parts(self) -> Iterator[tuple[int, int, Tables]]:
        """What is kept as (first, n, tables); read only to judge the precision of a run that is continued."""


@dataclass(frozen=True, slots=True)
class Precision:
    """Stop when every probability's 95% interval is within +- `half_width`.

    `hits(tables, first, n)` gives which goals each replication of a chunk attains: booleans [n, goals].
    """

    half_width: float
    hits: Callable[[Tables, int, int], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands. `total` is an estimate where a precision decides."""

    done: int
    total: int
    rate: float  # replications per second, by this run's own work
    seconds: float  # since the first chunk was handed out
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


class WorkerDied(RuntimeError):
    """A worker process ended without an answer, twice on the same replications."""

    def __init__(self, spans: list[Span], reason: str) -> None:
        where = ", ".join(f"{a} to {b - 1}" if b - a > 1 else str(a) for a, b in spans)
        super().__init__(
            f"A worker process died twice while computing replications {where}, most often for want of memory. "
            f"What had finished is kept, and a further run continues there: try fewer jobs, or jobs=1 to see an error "
            f"where it happens. (The system says: {reason})"
        )
        self.spans = spans


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
    backend: str = "loky",
) -> Result:
    """Compute what `sink` lacks of the replications first .. first + n - 1, fewer where `precision` is met.

    `jobs` processes (None: one per core; 1: in this process), `chunk` replications at a time (None: about a second's
    worth). Ctrl-C keeps what has been handed to the sink, ends the workers and returns 'interrupted'. Raises
    `WorkerDied` when a worker dies twice on the same replications, and whatever the task itself raises.
    """
    if n < 1 or first < 0 or (chunk is not None and chunk < 1):
        raise ValueError(
            f"replications are counted from 0 and computed one at least (first={first}, n={n}, chunk={chunk})"
        )
    workers = joblib.cpu_count() if jobs is None else max(1, jobs)
    started = time.perf_counter()
    looks = _Looks(precision, first, n) if precision is not None else None
    if looks is not None:
        for low, count, tables in sink.parts():
            looks.add(low, count, tables)
    gaps = missing(sink.done(), first, n)
    # Chunks end at the looks of any precision, asked for now or when the run is continued: sums by chunk stay whole.
    cuts = tuple(first + look for look in precision_schedule(n))
    chunks = _Chunks(gaps, n=n, workers=workers, fixed=chunk, cuts=cuts)
    interrupted = False
    compile_seconds = 0.0
    begun = time.perf_counter()
    state = _State(sink, chunks, looks, n, n - size(gaps), on_progress)
    try:
        with _Interrupts() as interrupts:
            if gaps and not state.settled:
                getattr(task, "warm", lambda: None)()
                compile_seconds = time.perf_counter() - begun
                begun = state.begun = time.perf_counter()
                if workers == 1:
                    _in_process(task, chunks, state, interrupts)
                else:
                    _in_workers(task, chunks, state, interrupts, workers, backend)
    except KeyboardInterrupt:
        interrupted = True
    reached = prefix(sink.done(), first)
    look = looks.settled() if looks is not None else None
    counted = look if look is not None else min(reached, n)
    return Result(
        status="interrupted" if interrupted and look is None and reached < n else "complete",
        n=counted,
        seconds=time.perf_counter() - started,
        compile_seconds=compile_seconds,
        rate=state.fresh / max(time.perf_counter() - begun, 1e-9),
        precise=None if looks is None else look is not None and looks.precise(look),
        half_width=looks.half_width(counted) if looks is not None else None,
    )


# --- looking at fixed n ---------------------------------------------------------------------------------------------


class _Looks:
    """Counts the hits between the looks of the fixed schedule, whatever chunks they come in."""

    def __init__(self, precision: Precision, first: int, n: int) -> None:
        self.precision = precision
        self.first = first
        self.schedule = precision_schedule(n)
        self.cuts = tuple(first + look for look in self.schedule)
        self.seen = [0] * len(self.schedule)
        self.hits: list[Any] = [0] * len(self.schedule)

    def add(self, first: int, n: int, tables: Tables) -> None:
        hits: NDArray[np.bool_] | None = None
        for i, cut in enumerate(self.cuts):
            start = self.cuts[i - 1] if i else self.first
            low, high = max(first, start), min(first + n, cut)
            if low < high:
                if hits is None:
                    hits = np.asarray(self.precision.hits(tables, first, n), dtype=bool).reshape(n, -1)
                self.seen[i] += high - low
                self.hits[i] = self.hits[i] + hits[low - first : high - first].sum(axis=0)

    def counts(self, look: int) -> NDArray[np.int64] | None:
        """Hits among the first `look` replications, or None while some of them are missing."""
        upto = self.schedule.index(look) + 1
        if sum(self.seen[:upto]) < look:
            return None
        return np.atleast_1d(sum(self.hits[:upto]))

    def settled(self) -> int | None:
        """The first look that is precise enough; the last one when it is complete; else None."""
        for look in self.schedule:
            counts = self.counts(look)
            if counts is None:
                return None
            if look == self.schedule[-1] or self.precise(look):
                return look
        return None

    def precise(self, look: int) -> bool:
        counts = self.counts(look)
        return counts is not None and enough(counts.tolist(), look, self.precision.half_width)

    def half_width(self, n: int) -> float | None:
        if n not in self.schedule:
            return None
        counts = self.counts(n)
        return None if counts is None else max((wilson(int(c), n).half_width for c in counts), default=0.0)

    def expected(self) -> int:
        """The look at which the run will probably end, by the half-width at the latest complete one."""
        for look in reversed(self.schedule):
            width = self.half_width(look)
            if width is not None:
                needed = look * (width / self.precision.half_width) ** 2
                return next((n for n in self.schedule if n >= needed), self.schedule[-1])
        return self.schedule[-1]


# --- chunks ---------------------------------------------------------------------------------------------------------


class _Chunks:
    """Hands out spans of the missing replications in ascending order, each about `CHUNK_SECONDS` long.

    Iterated from joblib's threads while results arrive in the main one, hence the lock.
    """

    def __init__(self, gaps: list[Span], *, n: int, workers: int, fixed: int | None, cuts: tuple[int, ...]) -> None:
        self.gaps = list(gaps)
        self.fixed = fixed
        self.workers = workers
        self.smallest = min(max(1, n // MOST_CHUNKS), LARGEST_CHUNK)
        self.size = self.smallest
        self.cuts = cuts
        self.again: list[Span] = []
        self.in_flight: set[Span] = set()
        self.retried: set[Span] = set()
        self.stopped = False
        self.lock = threading.Lock()

    def __iter__(self) -> Iterator[Span]:
        while True:
            with self.lock:
                span = self._next()
                if span is None:
                    return
                self.in_flight.add(span)
            yield span

    def _next(self) -> Span | None:
        if self.stopped:
            return None
        if self.again:
            return self.again.pop(0)
        if not self.gaps:
            return None
        low, high = self.gaps[0]
        left = sum(b - a for a, b in self.gaps)
        # Towards the end chunks shrink, so that no worker sits on a long one while the others have finished.
        wanted = self.fixed or max(self.smallest, min(self.size, left // (2 * self.workers)))
        last = min([high, low + wanted, *(cut for cut in self.cuts if cut > low)])
        self.gaps[0:1] = [(last, high)] if last < high else []
        return low, last

    def arrived(self, span: Span, seconds: float) -> None:
        with self.lock:
            self.in_flight.discard(span)
            count = span[1] - span[0]
            fitting = int(CHUNK_SECONDS * count / max(seconds, 1e-9))
            self.size = max(self.smallest, min(fitting, FASTEST_GROWTH * max(count, self.size), LARGEST_CHUNK))

    def lost(self) -> list[Span]:
        """Take back what was handed out and has not arrived; what is lost for the second time is returned."""
        with self.lock:
            lost = sorted(self.in_flight)
            twice = [span for span in lost if span in self.retried]
            self.retried |= set(lost)
            self.again = lost + self.again
            self.in_flight.clear()
            return twice


class _State:
    """What happens to an arriving chunk: kept, counted, reported."""

    def __init__(
        self,
        sink: Sink,
        chunks: _Chunks,
        looks: _Looks | None,
        n: int,
        done: int,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self.sink, self.chunks, self.looks, self.n, self.on_progress = sink, chunks, looks, n, on_progress
        self.done = done
        self.fresh = 0
        self.begun = time.perf_counter()
        self.settled = looks is not None and looks.settled() is not None

    def arrived(self, span: Span, tables: Tables, seconds: float) -> None:
        low, high = span
        self.sink.put(low, high - low, tables)
        self.chunks.arrived(span, seconds)
        self.done += high - low
        self.fresh += high - low
        if self.looks is not None and not self.settled:
            self.looks.add(low, high - low, tables)
            self.settled = self.looks.settled() is not None
            self.chunks.stopped = self.settled
        if self.on_progress is not None:
            total = self.n if self.looks is None else max(self.done, self.looks.expected())
            elapsed = time.perf_counter() - self.begun
            rate = self.fresh / max(elapsed, 1e-9)
            left = (total - self.done) / rate if rate > 0 else math.inf
            self.on_progress(Progress(self.done, total, rate, elapsed, left))


# --- carrying out ---------------------------------------------------------------------------------------------------


def _in_process(task: Task, chunks: _Chunks, state: _State, interrupts: _Interrupts) -> None:
    for span in chunks:
        _, tables, seconds = _timed(task, span)
        with interrupts.held():
            state.arrived(span, tables, seconds)


def _in_workers(
    task: Task, chunks: _Chunks, state: _State, interrupts: _Interrupts, workers: int, backend: str
) -> None:
    settings: dict[str, Any] = (
        {"inner_max_num_threads": 1, "initializer": _ignore_interrupts} if backend == "loky" else {}
    )
    while True:
        try:
            with joblib.parallel_config(backend=backend, n_jobs=workers, **settings):
                # Arrays in the task are sent, not mapped: mapped ones are read-only, another type to compiled code.
                pool = joblib.Parallel(return_as="generator_unordered", batch_size=1, max_nbytes=None)
                arriving = pool(joblib.delayed(_timed)(task, span) for span in chunks)
            with _closing(arriving):
                for span, tables, seconds in arriving:
                    with interrupts.held():
                        state.arrived(span, tables, seconds)
            return
        except BrokenProcessPool as death:
            twice = chunks.lost()
            if twice:
                raise WorkerDied(twice, " ".join(str(death).split())) from None


def _timed(task: Task, span: Span) -> tuple[Span, Tables, float]:
    begun = time.perf_counter()
    tables = task(span[0], span[1] - span[0])
    return span, tables, time.perf_counter() - begun


def _ignore_interrupts() -> None:
    """In a worker: Ctrl-C reaches every process of the terminal, but only the parent decides what it means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def _closing(arriving: Any) -> Iterator[None]:
    """Ends the workers when results are left unread; joblib warns of that, although it is meant."""
    try:
        yield
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            arriving.close()


class _Interrupts:
    """Ctrl-C at once, but never while a chunk is being kept: it waits until the sink has it whole."""

    def __init__(self) -> None:
        self.holding = False
        self.pending = False
        self.before: Any = None
        self.installed = False

    def __enter__(self) -> _Interrupts:
        if threading.current_thread() is threading.main_thread():
            self.before = signal.signal(signal.SIGINT, self._pressed)
            self.installed = True
        return self

    def __exit__(self, *_: object) -> None:
        if self.installed:
            signal.signal(signal.SIGINT, self.before if self.before is not None else signal.default_int_handler)

    def _pressed(self, _number: int, _frame: FrameType | None) -> None:
        if self.holding:
            self.pending = True
        else:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        self.holding = True
        try:
            yield
        finally:
            self.holding = False
        if self.pending:
            self.pending = False
            raise KeyboardInterrupt
