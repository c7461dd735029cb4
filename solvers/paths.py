"""Sample paths: what a simulation of one allocation says, path by path, and how methods ask for more.

Where it stands: whoever simulates (`attain`, a test's closed form) provides `Paths`, a callable that answers for any
paths first to first + n - 1 of a phase at any allocation; path i is the same world whatever the allocation (common
random numbers). Methods that need many paths stream them in blocks of 1,024 and never hold paths x variables for all
of them; a block's sums are added in the order of the blocks, so that no answer depends on how many workers made them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np

from solvers.arrays import BLOCK, FloatArray, IntArray

MOST_HELD = 50_000_000  # numbers that `LinearPaths` keeps: 400 MB

Sums = TypeVar("Sums")


@dataclass(frozen=True)
class PathTable:
    """S sample paths of one allocation.

    `margins` (S, G): for each goal, attained where >= 0; in a unit that makes goals comparable, as attainment - 1.
    `yields` (S, G, V): by how much one more unit of variable v's response would have moved each margin on that path.
    A variable that yields nothing on any path is never given more, so one whose response is (near) 0 here needs yields
    from elsewhere, say the mean of its like. Curved responses need yields >= 0; negative ones are taken at the curve's
    mean slope.
    """

    margins: FloatArray
    yields: FloatArray

    def __post_init__(self) -> None:
        s, g = self.margins.shape
        if self.yields.ndim != 3 or self.yields.shape[:2] != (s, g) or s == 0 or g == 0:
            raise ValueError(
                f"sample paths: margins are {self.margins.shape} (paths, goals) and yields {self.yields.shape}; "
                "yields must be (paths, goals, variables), with at least one path and one goal"
            )
        if not (np.all(np.isfinite(self.margins)) and np.all(np.isfinite(self.yields))):
            raise ValueError("sample paths hold a margin or a yield that is not a finite number")

    @property
    def paths(self) -> int:
        """The number of sample paths."""
        return self.margins.shape[0]

    def only(self, paths: IntArray | slice) -> PathTable:
        """The table of some of the paths."""
        return PathTable(self.margins[paths], self.yields[paths])


class Paths(Protocol):
    """Simulates paths first to first + n - 1 of a phase at allocation x (V,), the same ones whatever x."""

    def __call__(self, x: FloatArray, first: int, n: int, phase: int, /) -> PathTable: ...


# --- streaming --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Streaming:
    """How paths are asked for: `per_call` of them at a time, by `workers` threads. No answer depends on either.

    A simulation that is itself parallel wants few large calls; one that is not, and lets other threads run, wants
    workers. More than one worker needs `Paths` that may be called from several threads.
    """

    per_call: int = BLOCK
    workers: int = 1

    def __post_init__(self) -> None:
        if self.per_call < BLOCK or self.per_call % BLOCK or self.workers < 1:
            raise ValueError(
                f"paths are asked for in whole blocks of {BLOCK} by at least one worker, "
                f"not {self.per_call} at a time by {self.workers}"
            )


def streamed(work: Callable[[int, int], list[Sums]], first: int, n: int, how: Streaming) -> Iterator[Sums]:
    """What `work(first, count)` gives for each call's paths, a list with an entry for each block, in order."""
    if n < 1:
        raise ValueError(f"at least one sample path must be asked for, not {n}")
    calls = [(start, min(how.per_call, first + n - start)) for start in range(first, first + n, how.per_call)]
    if how.workers == 1 or len(calls) == 1:
        for start, count in calls:
            yield from work(start, count)
        return
    with ThreadPoolExecutor(how.workers) as pool:
        for found in pool.map(lambda call: work(*call), calls):
            yield from found


def checked(table: PathTable, n: int, variables: int) -> PathTable:
    """The table, where it holds the paths that were asked for; a ValueError that says what is off where it does not."""
    if table.paths != n:
        raise ValueError(f"asked for {n} sample paths, the simulation returned {table.paths}")
    if table.yields.shape[2] != variables:
        raise ValueError(
            f"the allocation has {variables} variables, the simulation returned yields for {table.yields.shape[2]}"
        )
    return table


# Worths of paths first to first + n - 1 of a phase: margins (n, G) at nothing, and yields (n, G, V) per unit.
Worths = Callable[[int, int, int], tuple[FloatArray, FloatArray]]


@dataclass
class LinearPaths:
    """`Paths` whose margins are straight lines in the allocation: margins = constant + yields x.

    `worths` makes a block's constants and yields. They are kept while they fit `most_held` numbers, the latest used
    last; what is gone is made again. May be called from several threads.
    """

    worths: Worths
    most_held: int = MOST_HELD
    _held: OrderedDict[tuple[int, int, int], tuple[FloatArray, FloatArray]] = field(default_factory=OrderedDict)
    _numbers: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, x: FloatArray, first: int, n: int, phase: int, /) -> PathTable:
        """Paths first to first + n - 1 of a phase at x."""
        constant, yields = self._made(first, n, phase)
        return PathTable(constant + np.einsum("sgv,v->sg", yields, x), yields)

    def _made(self, first: int, n: int, phase: int) -> tuple[FloatArray, FloatArray]:
        key = (first, n, phase)
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        made = self.worths(first, n, phase)
        size = made[0].size + made[1].size
        with self._lock:
            if key not in self._held and size <= self.most_held:
                self._held[key] = made
                self._numbers += size
                while self._numbers > self.most_held:
                    _, (constant, yields) = self._held.popitem(last=False)
                    self._numbers -= constant.size + yields.size
        return made


def without_slopes(margins: Callable[[FloatArray, int, int, int], FloatArray]) -> Paths:
    """`Paths` of a simulation that has margins (n, G) only, with no yields: for methods that measure slopes."""

    def paths(x: FloatArray, first: int, n: int, phase: int, /) -> PathTable:
        here = margins(x, first, n, phase)
        return PathTable(here, np.zeros((*here.shape, len(x))))

    return paths


def with_slopes(margins: Callable[[FloatArray, int, int, int], FloatArray], steps: FloatArray) -> Paths:
    """`Paths` of a simulation that has margins (n, G) only: yields are measured by raising each variable by its step.

    Each path is simulated V + 1 times, at the same random numbers, so this is for few variables.
    """

    def paths(x: FloatArray, first: int, n: int, phase: int, /) -> PathTable:
        here = margins(x, first, n, phase)
        slopes = np.empty((*here.shape, len(x)))
        for v in range(len(x)):
            raised = x.copy()
            raised[v] += steps[v]
            slopes[:, :, v] = (margins(raised, first, n, phase) - here) / steps[v]
        return PathTable(here, slopes)

    return paths
