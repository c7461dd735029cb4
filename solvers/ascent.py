"""Climb a probability whose coefficients are uncertain: sequential LP on an annealed sigmoid, over many fresh paths.

Where yields are uncertain (money x yield summed to a total), a programme over a fixed sample of paths fits itself to
that sample. Here each step has paths of its own: it smooths the indicator of attainment by a sigmoid, streams
thousands of new paths for its slope, moves within a trust region by a linear programme, and is accepted where the
smoothed objective is better than before on paths that neither point was chosen on. The sigmoid's width is annealed
from the spread of the margin to a small fraction of it; slopes at one point add up over rejected steps, and carry over
an accepted one at half weight, so that the slope grows more exact as the steps grow short.

Nothing is held but a block of paths. Work limits are paths and steps, never a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from solvers.arrays import BLOCK, FloatArray
from solvers.objective import Look, Objective, look
from solvers.paths import Paths, Streaming
from solvers.polyhedron import Polyhedron, Wanted, step_within

SEARCH = 1  # the phase of the contract on randomness that a search reads
SHRINK, GROW = 0.7, 1.3  # of the trust region
CARRIED = 0.5  # of the slope's weight, over an accepted step
MOVED = 0.8  # of the weight of probabilities that are known, over an accepted step
Around = Callable[[FloatArray], Polyhedron]
Ended = Literal["converged", "work_limit", "stopped", "unsolved"]


@dataclass(frozen=True)
class ClimbLimits:
    """How much a climb may do and how fine it gets. `paths` counts each simulated (path, allocation) pair."""

    paths: int = 4_000_000
    batch: int = 4_096  # fresh paths of a step, for each of its two allocations
    steps: int = 60  # at each width
    widths: tuple[float, ...] = (1.0, 0.35, 0.12)  # of the event margin's spread
    radius: float = 0.5  # of the trust region at first, of a variable's natural size
    smallest_radius: float = 0.005  # at the last width; at a wider one larger in proportion
    in_sample: int = 65_536  # of the latest paths, on which the answer's in-sample value is counted

    def __post_init__(self) -> None:
        if self.batch < 1 or (self.batch % BLOCK and BLOCK % self.batch) or not self.widths or self.steps < 1:
            raise ValueError(
                f"a climb needs widths, steps, and batches of whole blocks of {BLOCK} paths or a whole part of one, "
                f"not {self.batch}"
            )

    @property
    def block(self) -> int:
        """What paths are counted in: a block, or a batch where that is smaller."""
        return min(BLOCK, self.batch)


@dataclass(frozen=True)
class Climbed:
    """One step: at which width (of the spread), how far, what it gained on fresh paths, and whether it was taken."""

    width: float
    radius: float
    gain: float
    error: float
    accepted: bool


@dataclass(frozen=True)
class Ascent:
    """Where a climb ended, and how.

    `x` is the last accepted point; `in_sample` the objective on the latest `in_sample_paths` that the climb went by.
    `origin` names the start; `starts` has each start's objective on the first paths. `simulated` counts (path,
    allocation) pairs; `next_path` is the first path of phase 1 that is unused. `termination`: the trust region grew
    small at every width ("converged"), the work was done, the caller stopped it, or a programme was not solved.
    """

    x: FloatArray
    origin: str
    starts: Mapping[str, float]
    in_sample: float
    in_sample_paths: int
    trace: tuple[Climbed, ...]
    termination: Ended
    simulated: int
    next_path: int


@dataclass
class _Climb:
    """The state of a climb: where it stands, the slope known there, and what has been used."""

    region: Polyhedron
    paths: Paths
    objective: Objective
    limits: ClimbLimits
    how: Streaming
    stopped: Callable[[], bool]
    first_path: int
    next_path: int
    steps: FloatArray | None = None
    around: Around | None = None
    moved: Callable[[FloatArray], FloatArray] | None = None
    x: FloatArray = field(init=False)
    scale: FloatArray = field(init=False)
    spread: FloatArray = field(init=False)  # of the event margins at x (E,)
    slope: FloatArray = field(init=False)
    slopes: FloatArray = field(init=False)  # of the objective's parts (C, V), averaged as the slope is
    parts: FloatArray | None = None  # of the objective at x (C,), as far as they are known; where some are required
    known: float = 0.0  # batches behind them
    weight: float = 0.0  # of the slope, in batches
    radius: float = field(init=False)
    simulated: int = 0
    trace: list[Climbed] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.slope, self.radius = np.zeros(self.region.variables), self.limits.radius
        self.slopes = np.zeros((self.objective.parts, self.region.variables))

    def cost(self, points: int) -> int:
        """Pairs that a look takes: measured slopes take one more for each variable."""
        return points * self.limits.batch * (1 if self.steps is None else 1 + len(self.steps))

    def affords(self, points: int) -> bool:
        return not self.stopped() and self.simulated + self.cost(points) <= self.limits.paths - self.kept

    def look(self, points: list[FloatArray], widths: FloatArray) -> Look:
        """Fresh paths for each of the points, never asked for again."""
        n = self.limits.batch
        seen = look(
            self.paths, points, self.objective, widths, self.next_path, n, SEARCH, self.how, self.steps, self.parts
        )
        self.next_path += n
        self.simulated += self.cost(len(points))
        return seen

    @property
    def kept(self) -> int:
        """Paths kept back for the last count: those asked for, or an eighth of a small limit, in whole blocks."""
        block = self.limits.block
        return block * max(1, min(self.limits.in_sample, self.limits.paths // 8) // block)

    def counted(self) -> tuple[float, int]:
        """The objective at x on the latest paths, and on how many."""
        n = min(self.kept, self.next_path - self.first_path)
        widths = np.ones(len(self.objective.events))
        seen = look(self.paths, [self.x], self.objective, widths, self.next_path - n, n, SEARCH, self.how)
        self.simulated += n
        return float(seen.attained[0]), n

    def learn(self, seen: Look, i: int, carried: float) -> None:
        """Add what a batch says of where it now stands, point i, to what is left of the earlier ones.

        Parts that are required add up over the steps, too: where a step is taken, what they were moves with it.
        """
        kept = carried * self.weight
        self.slope = (kept * self.slope + seen.slopes[i]) / (kept + 1.0)
        self.slopes = (kept * self.slopes + seen.part_slopes[i]) / (kept + 1.0)
        self.weight = kept + 1.0
        if self.objective.required is not None:
            before = 0.0 if self.parts is None else (1.0 if i == 0 else MOVED) * self.known
            there = 0.0 if self.parts is None else seen.parts[i]
            self.parts = (before * there + seen.counted[i]) / (before + 1.0)
            self.known = before + 1.0

    def step(self) -> FloatArray | None:
        """Where the linear programme of the trust region goes from x."""
        region = self.region if self.around is None else self.around(self.x)
        required = self.objective.required
        if required is None or self.parts is None:
            there = step_within(region, self.x, self.slope, self.scale, self.radius)
        else:
            least = np.array(required.probabilities) - self.parts[:-1]
            wanted = Wanted(self.slopes[:-1], least, required.price)
            there = step_within(region, self.x, self.slopes[-1], self.scale, self.radius, wanted=wanted)
        return there if there is None or self.moved is None else self.moved(there)


def climb(
    region: Polyhedron,
    paths: Paths,
    objective: Objective,
    starts: Mapping[str, FloatArray],
    *,
    limits: ClimbLimits | None = None,
    first: int = 0,
    how: Streaming | None = None,
    scale: FloatArray | None = None,
    steps: FloatArray | None = None,
    stopped: Callable[[], bool] = lambda: False,
    around: Around | None = None,
    moved: Callable[[FloatArray], FloatArray] | None = None,
) -> Ascent:
    """Climb from the best of the starts, on paths `first` and up of phase 1.

    `around` gives the limits along straight lines at a point, where some of them are curved, and `moved` a point near
    by within them; the region then holds those that are straight anyway.
    `steps` (V,): slopes are measured by raising each variable by its step (see `look`), not read off the paths' yields.
    Raises ValueError where a start is outside the region, or the work limit does not cover the starts.
    """
    limits = limits or ClimbLimits()
    _check(region, starts, limits)
    state = _Climb(region, paths, objective, limits, how or Streaming(), stopped, first, first, steps, around, moved)
    origin, values = _begin(state, starts, scale)
    ended: Ended = "converged"
    for share in limits.widths:
        ended = _at_width(state, share)
        if ended != "converged":
            break
    in_sample, in_sample_paths = state.counted()
    return Ascent(
        state.x,
        origin,
        values,
        in_sample,
        in_sample_paths,
        tuple(state.trace),
        ended,
        state.simulated,
        state.next_path,
    )


def _check(region: Polyhedron, starts: Mapping[str, FloatArray], limits: ClimbLimits) -> None:
    if not starts:
        raise ValueError("a climb needs at least one start")
    for name, x in starts.items():
        if x.shape != region.lower.shape or region.violation(x) > 1e-6:
            raise ValueError(f"the start {name!r} breaks a limit, or has the wrong number of variables")
    if limits.paths < 2 * limits.batch * len(starts):
        raise ValueError(
            f"the work limit of {limits.paths} paths does not cover {2 * limits.batch} for each of {len(starts)} starts"
        )


def _begin(state: _Climb, starts: Mapping[str, FloatArray], scale: FloatArray | None) -> tuple[str, dict[str, float]]:
    """All starts on the same first paths; the climb begins at the best, by its smooth stand-in among equal ones."""
    names, points = list(starts), [starts[name] for name in starts]
    ones = np.ones(len(state.objective.events))
    # The width is not known before the margins are: one block tells.
    pilot = look(
        state.paths, points[:1], state.objective, ones, state.first_path, state.limits.block, SEARCH, state.how
    )
    seen = state.look(points, _spread(pilot, 0))
    state.simulated += state.limits.block
    best = max(range(len(points)), key=lambda i: (seen.attained[i], seen.values[i], -i))
    state.x, state.spread = points[best], _spread(seen, best)
    if state.objective.required is not None:
        state.parts, state.known = seen.counted[best], 1.0
    state.scale = state.region.scale(state.x) if scale is None else scale
    return names[best], dict(zip(names, seen.attained.tolist(), strict=True))


def _spread(seen: Look, i: int) -> FloatArray:
    """What a width is relative to: a margin's spread, more where even its mean lies below 0 (nothing attains)."""
    return np.maximum(1e-12, np.sqrt(seen.spreads[i] ** 2 + np.minimum(0.0, seen.means[i]) ** 2))


def _at_width(state: _Climb, share: float) -> Ended:
    """Steps at one width until the trust region is small."""
    limits = state.limits
    last = limits.widths[-1]
    widths = share * state.spread
    state.radius = max(state.radius, 0.25 * share)
    if not state.affords(1):
        return "stopped" if state.stopped() else "work_limit"
    state.weight = 0.0
    seen = state.look([state.x], widths)
    state.learn(seen, 0, 0.0)
    for _ in range(limits.steps):
        if state.radius < limits.smallest_radius * share / last:
            break
        if not state.affords(2):
            return "stopped" if state.stopped() else "work_limit"
        trial = state.step()
        if trial is None:
            return "unsolved"
        if float(np.max(np.abs(trial - state.x) / np.maximum(1e-300, state.scale))) <= 1e-9:
            break
        _judge(state, trial, widths, share)
    return "converged"


def _judge(state: _Climb, trial: FloatArray, widths: FloatArray, share: float) -> None:
    """Here and there on the same fresh paths: the better one stands, the trust region answers, the slope is learnt."""
    seen = state.look([state.x, trial], widths)
    gain = float(seen.values[1] - seen.values[0])
    better = gain > 0.0
    state.trace.append(Climbed(share, state.radius, gain, float(seen.errors[1]), better))
    if better:
        state.x, state.spread = trial, _spread(seen, 1)
        state.radius = min(1.0, GROW * state.radius)
        state.learn(seen, 1, CARRIED)
    else:
        state.radius *= SHRINK
        state.learn(seen, 0, 1.0)
