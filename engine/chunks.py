"""Chunks of replications: what is handed to a worker at once, and what a task makes of it.

The Monte Carlo driver cuts what is missing into spans, in ascending order and sized to take about a second, whatever a
replication costs; a worker gives each span's replications as named tables. Since every draw is keyed by its
replication, how a run is cut changes no number.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from engine.replications import Span

Columns = Mapping[str, NDArray[Any]]
Tables = Mapping[str, Columns]

CHUNK_SECONDS = 1.0
SHORT_SECONDS = 0.1  # no chunk need be shorter: to hand it over and to keep it takes some hundredths
FASTEST_GROWTH = 4  # a longer one is at most so many times the one before: the first may be unlike the rest
LARGEST_CHUNK = 2048  # replications, however fast: the tables of a chunk are in memory at once
LARGEST_BYTES = 64 * 2**20  # of a chunk's tables, for the same reason: thousands of reps make them wide
LONGEST_SECONDS = 300.0  # so much is lost with a worker, or waited for
MOST_CHUNKS = 1024  # of a run, as far as the above allow: a replication of many seconds makes no file of its own
FIRST_CHUNK = 16  # replications at most, before anything is known of them


class Task(Protocol):
    """Computes replications. Of a class that workers can import, and picklable.

    It may have a method `warm()`, which compiles what workers will need. A worker keeps it for a run, in one thread.
    """

    def __call__(self, first: int, n: int) -> Tables:
        """Tables of replications first .. first + n - 1, the same whatever else was computed before."""


def timed(task: Task, span: Span) -> tuple[Span, Tables, float]:
    """A span's tables, and the seconds they took."""
    begun = time.perf_counter()
    try:
        tables = task(span[0], span[1] - span[0])
    except SystemError as error:
        cause: BaseException | None = error
        while cause is not None:  # SimPy adds a link for each process that an error passes
            if isinstance(cause, KeyboardInterrupt):  # Ctrl-C as compiled code handed over what it returns
                raise KeyboardInterrupt from error
            cause = cause.__cause__
        raise
    return span, tables, time.perf_counter() - begun


def size_of(tables: object) -> int:
    """Bytes of the columns that grow with the chunk; of text, those of the references to it.

    A table with a column `replications` holds sums over as many: it is as long for one as for a thousand. What is no
    tables, but something between a task and its own sink, has no size here.
    """
    if not isinstance(tables, Mapping):
        return 0
    growing = (columns for columns in tables.values() if "replications" not in columns)
    return sum(column.nbytes for columns in growing for column in columns.values())


class Chunks:
    """Hands out spans of the missing replications in ascending order, each about `CHUNK_SECONDS` long.

    Iterated from joblib's threads while results arrive in the main one, hence the lock.
    """

    def __init__(self, gaps: list[Span], *, n: int, workers: int, fixed: int | None, cuts: tuple[int, ...]) -> None:
        self.gaps = list(gaps)
        self.fixed = fixed
        self.workers = workers
        self.smallest = min(max(1, n // MOST_CHUNKS), LARGEST_CHUNK)
        self.size = min(self.smallest, FIRST_CHUNK)
        self.short = 0  # replications of a short chunk, where that is known
        self.pace = math.inf  # seconds a replication, at last
        self.expected = math.inf  # replications still wanted, where fewer than the gaps hold will probably do
        self.cuts = cuts
        self.again: list[Span] = []
        self.in_flight: set[Span] = set()
        self.retried: set[Span] = set()
        self.stopped = False
        self.lock = threading.Lock()

    def __iter__(self) -> Iterator[Span]:
        return iter(self.take, None)

    def take(self) -> Span | None:
        """The next span to compute; None where nothing is left to hand out."""
        with self.lock:
            span = self._next()
            if span is not None:
                self.in_flight.add(span)
            return span

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
        least = min(max(self.smallest, self.short), self.size)
        share = left // (2 * self.workers) if self.workers > 1 else left
        wanted = self.fixed or max(least, min(self.size, share))
        last = min([high, low + wanted, *(cut for cut in self.cuts if cut > low)])
        self.gaps[0:1] = [(last, high)] if last < high else []
        return low, last

    def arrived(self, span: Span, seconds: float, nbytes: int = 0) -> None:
        """A chunk is there, computed in so many seconds, its tables of so many bytes: the next are cut by that."""
        with self.lock:
            self.in_flight.discard(span)
            count = span[1] - span[0]
            self.pace = max(seconds, 1e-9) / count
            self.short = int(SHORT_SECONDS / self.pace)
            wanted = max(self.smallest, int(CHUNK_SECONDS / self.pace))
            growth = max(FASTEST_GROWTH * max(count, self.size), self.short)
            longest = int(LONGEST_SECONDS / self.pace)
            self.size = max(1, min(wanted, growth, longest, LARGEST_BYTES * count // max(nbytes, 1), LARGEST_CHUNK))

    def seconds_left(self) -> float:
        """How long one process would probably take for the rest; infinite while nothing is known."""
        with self.lock:
            left = sum(high - low for low, high in [*self.gaps, *self.again])
            return self.pace * min(left, self.expected) if left else 0.0

    def lost(self) -> list[Span]:
        """Take back what was handed out and has not arrived; what is lost for the second time is returned."""
        with self.lock:
            lost = sorted(self.in_flight)
            twice = [span for span in lost if span in self.retried]
            self.retried |= set(lost)
            self.again = lost + self.again
            self.in_flight.clear()
            return twice
