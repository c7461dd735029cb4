"""Who computes chunks: this process, joblib's worker processes, or a cluster's (`engine.cluster`).

To start worker processes takes seconds, in which small runs are over: this process begins, and hands over what is left
where that pays.

What arrives is handed to `keep` at once, in the driver's own thread. Ctrl-C ends the work, never between a chunk's
arrival and its being kept whole.
"""

from __future__ import annotations

import contextlib
import functools
import math
import pickle
import signal
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Protocol, cast

from engine.chunks import Chunks, Tables, Task, timed
from engine.replications import Span

Keep = Callable[[Span, Tables, float], None]  # a span, its tables, and the seconds they took

ALONE = 0.5  # seconds for which this process computes before it asks whether workers would pay
WORTH = 3.0  # seconds of work left from which they do: each imports everything anew
WORTH_RUNNING = 0.2  # the same of workers that an earlier run has left running: a search asks for many short runs

FEWER_JOBS = "try fewer jobs, or jobs=1 to see an error where it happens."


class Workers(Protocol):
    """Who computes chunks: this machine's processes, or those of a cluster."""

    compile_seconds: float  # until the slowest worker could begin

    def compute(self, task: Task, chunks: Chunks, keep: Keep) -> None:
        """Have every chunk computed, and kept as it arrives, in this thread."""


class WorkerDied(RuntimeError):
    """Worker processes ended without an answer, several times on the same replications."""

    def __init__(self, spans: list[Span], reason: str, deaths: str = "twice", advice: str = FEWER_JOBS) -> None:
        where = ", ".join(f"{a} to {b - 1}" if b - a > 1 else str(a) for a, b in spans)
        super().__init__(
            f"A worker process died {deaths} while computing replications {where}, most often for want of memory. "
            f"What had finished is kept, and a further run continues there: {advice} (The system says: {reason})"
        )
        self.spans = spans


class Local:
    """So many processes of this machine (None: one per core); one is this process itself."""

    def __init__(self, processes: int | None) -> None:
        self.processes = processes
        self.compile_seconds = 0.0

    def compute(self, task: Task, chunks: Chunks, keep: Keep) -> None:
        """Compile here first, where workers find it in the cache. Raises WorkerDied where replacing one is no help."""
        begun = time.perf_counter()
        getattr(task, "warm", lambda: None)()
        ready = time.perf_counter()
        self.compile_seconds = ready - begun
        while True:
            if self._pays(chunks, time.perf_counter() - ready):
                with tempfile.TemporaryDirectory(prefix="attain-task-") as folder:
                    path = Path(folder) / "task"
                    path.write_bytes(pickle.dumps(task, protocol=5))
                    _in_workers(str(path), chunks, keep, self._count())
                return
            span = chunks.take()
            if span is None:
                return
            keep(*timed(task, span))

    def _pays(self, chunks: Chunks, alone: float) -> bool:
        """Whether worker processes would be done sooner than this one, which has been at it for so many seconds."""
        left = chunks.seconds_left()
        if _running and WORTH_RUNNING < left < math.inf and self._count() in _running:
            return True
        return alone >= ALONE and left > WORTH and self._count() > 1

    def _count(self) -> int:
        if self.processes is None:
            import joblib

            self.processes = joblib.cpu_count()
        return self.processes


_running: set[int] = set()  # of how many processes an earlier run of this one has started workers, which joblib keeps


def _in_workers(task: str, chunks: Chunks, keep: Keep, workers: int) -> None:
    from concurrent.futures.process import BrokenProcessPool

    import joblib

    chunks.workers = workers
    settings: dict[str, Any] = {"inner_max_num_threads": 1, "initializer": _ignore_interrupts}
    while True:
        try:
            with joblib.parallel_config(backend="loky", n_jobs=workers, **settings):
                pool = joblib.Parallel(return_as="generator_unordered", batch_size=1)
                arriving = pool(joblib.delayed(_chunk)(task, span) for span in chunks)
            with _closing(arriving):
                for span, tables, seconds in arriving:
                    keep(span, tables, seconds)
            _running.add(workers)
            return
        except BrokenProcessPool as death:
            twice = chunks.lost()
            if twice:
                raise WorkerDied(twice, " ".join(str(death).split())) from None


def _chunk(task: str, span: Span) -> tuple[Span, Tables, float]:
    return timed(_task_in(task), span)


@functools.lru_cache(maxsize=1)
def _task_in(path: str) -> Task:
    """In a worker: the task, read once a run. What it makes ready for itself is then made once, too."""
    return cast("Task", pickle.loads(Path(path).read_bytes()))  # noqa: S301  (written by the parent, in a private folder)


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


class Interrupts:
    """Ctrl-C at once, but never while a chunk is being kept: it waits until the sink has it whole."""

    def __init__(self) -> None:
        self.holding = False
        self.pending = False
        self.before: Any = None
        self.installed = False

    def __enter__(self) -> Interrupts:
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
