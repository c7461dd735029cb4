"""How much more it takes: the smallest scale of leads, or of hours, at which a goal has a given probability.

The same replications are simulated again at each scale, on common random numbers, so that the share that attains is
nearly a staircase that rises with the scale; its noise is that of one run. Between simulated scales the probability
goes as its normal quantile does, linearly in the logarithm of the scale. A scale's interval comes of the sampling error
of the share there, divided by how fast the share rises.

Where more leads can only add (``scaling.only_adds``), a replication that attains at one scale attains at every larger
one and is not simulated there again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from engine.batch import Simulator
from engine.montecarlo import Memory, Progress, run
from engine.plan.types import LoadedPlan
from engine.statistics import Estimate, wilson
from engine.world import build

MOST = 4.0  # nothing is looked for beyond four times of today,
LEAST = 0.125  # nor below an eighth of it
CLOSE = 0.01  # scales this near to each other are one
CLOSE_ENOUGH = 0.3  # normal quantiles between neighbours: within it, a straight line is as good as another simulation
LOOKS = 7  # simulated scales for one level, at most

Status = Literal["reached", "never", "always"]
Hits = NDArray[np.bool_]


class Picked:
    """The driver's task: legs of chosen replications."""

    def __init__(self, simulator: Simulator, replications: NDArray[np.int64]) -> None:
        self.simulator, self.replications = simulator, replications

    def warm(self) -> None:
        """Compile."""
        self.simulator.warm()

    def __call__(self, first: int, n: int) -> dict[str, dict[str, NDArray[Any]]]:
        """The legs of the chosen replications first .. first + n - 1."""
        chosen = self.replications[first : first + n].tolist()
        outcomes = [self.simulator.outcome(replication) for replication in chosen]
        return {
            "legs": {"value": np.stack([o.legs for o in outcomes]), "moves": np.array([o.moves() for o in outcomes])}
        }


@dataclass(frozen=True)
class Paths:
    """Simulates chosen replications of plans under one seed: what every step of a back-calculation calls."""

    seed: int
    jobs: int | None
    engine: str
    report: Callable[[Progress], None] | None = None

    def legs(
        self, loaded: LoadedPlan, replications: Sequence[int] | NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], float]:
        """[replications, legs] of a plan, and a replication's mean moves. KeyboardInterrupt where it is stopped."""
        world = build(loaded)
        chosen = np.asarray(replications, dtype=np.int64)
        if len(chosen) == 0:
            return np.zeros((0, len(world.goals.legs))), 0.0
        sink = Memory()
        task = Picked(Simulator(world, self.seed, 0, self.engine), chosen)
        result = run(task, n=len(chosen), sink=sink, jobs=self.jobs, on_progress=self.report)
        if result.status != "complete":
            raise KeyboardInterrupt
        table = sink.table("legs")
        return table["value"], float(table["moves"].mean())


class Curve:
    """The share of n replications that attain a goal, by scale; each scale is simulated once, when it is asked for."""

    def __init__(self, hits: Callable[[float, NDArray[np.int64]], Hits], n: int, monotone: bool) -> None:
        self._hits, self.n, self.monotone = hits, n, monotone
        self.counts: dict[float, int] = {}
        self.simulated = 0
        self._hit_from = np.full(n, np.inf)
        self._missed_to = np.full(n, -np.inf)

    def know(self, scale: float, hits: Hits) -> None:
        """Hits at a scale that has been simulated already."""
        self.counts[scale] = int(hits.sum())
        self._hit_from[hits] = np.minimum(self._hit_from[hits], scale)
        self._missed_to[~hits] = np.maximum(self._missed_to[~hits], scale)

    def at(self, scale: float) -> int:
        """How many replications attain at a scale."""
        if scale not in self.counts:
            open_ = np.ones(self.n, dtype=np.bool_)
            hits = np.zeros(self.n, dtype=np.bool_)
            if self.monotone:
                hits = self._hit_from <= scale
                open_ = (self._hit_from > scale) & (self._missed_to < scale)
            left = np.flatnonzero(open_)
            hits[left] = self._hits(scale, left)
            self.simulated += len(left)
            self.know(scale, hits)
        return self.counts[scale]

    def quantile(self, scale: float) -> float:
        """The normal quantile of the share at a simulated scale; half a replication keeps it finite."""
        return float(special.ndtri((self.counts[scale] + 0.5) / (self.n + 1.0)))


@dataclass(frozen=True)
class Reach:
    """The scale at which a level is reached: `never` within the most, `always` from the least on.

    `scale.low` and `scale.high` hold the scales that the replications do not tell from it; None where not `reached`.
    `best` is the highest probability met, at scale `best_at`.
    """

    level: float
    status: Status
    scale: Estimate | None
    best: Estimate
    best_at: float


def reaches(
    curve: Curve, levels: Sequence[float], guesses: Sequence[float], most: float = MOST, least: float = LEAST
) -> list[Reach]:
    """For each level the smallest scale whose share of hits is at least that; see the module.

    `guesses`: where to look first. All levels are looked for before any is answered, so that each one's interval is
    read off all the scales that were simulated.
    """
    for level, guess in zip(levels, guesses, strict=True):
        look(curve, level, guess, most, least)
    return [_answer(curve, level, most, least) for level in levels]


def look(curve: Curve, level: float, guess: float, most: float, least: float) -> None:
    """Simulate scales until a level is bracketed closely, or cannot be reached."""
    wanted = level * curve.n * (1.0 - 1e-12)
    if not curve.counts:
        curve.at(min(max(guess, least), most))
    for i in range(LOOKS):
        tried = _next(curve, level, wanted, guess if i == 0 else None, most, least)
        if tried is None:
            return
        curve.at(tried)
    if _bracket(curve, wanted)[1] is None:  # before "never" is said, the most has been tried
        curve.at(most)


def _next(curve: Curve, level: float, wanted: float, guess: float | None, most: float, least: float) -> float | None:
    """The scale to simulate next; None where the level is bracketed closely or out of reach."""
    below, above = _bracket(curve, wanted)
    if above is None:
        if below is not None and below >= most:
            return None
        ahead = guess is not None and guess > (below or 0.0) * (1.0 + CLOSE)
        return min(guess, most) if ahead and guess is not None else _outward(curve, level, most, up=True)
    if below is None:
        if above <= least:
            return None
        ahead = guess is not None and guess < above / (1.0 + CLOSE)
        return max(guess, least) if ahead and guess is not None else _outward(curve, level, least, up=False)
    near = 1.0 + (CLOSE / 2.0 if curve.monotone else CLOSE)
    straight = not curve.monotone and curve.quantile(above) - curve.quantile(below) <= CLOSE_ENOUGH
    if above / below <= near or straight:
        return None
    if guess is not None and below * near < guess < above / near:
        return guess
    return _between(curve, below, above, float(special.ndtri(level)))


def _bracket(curve: Curve, wanted: float) -> tuple[float | None, float | None]:
    """The neighbouring simulated scales between which the share first reaches the level; None where there is none."""
    scales = sorted(curve.counts)
    for i, scale in enumerate(scales):
        if curve.counts[scale] >= wanted:
            return (scales[i - 1] if i else None), scale
    return scales[-1], None


def _outward(curve: Curve, level: float, end: float, up: bool) -> float:
    """Beyond all simulated scales: as far as their trend says, and a bit; the end where there is no trend."""
    scales = sorted(curve.counts)
    outer = scales[-1] if up else scales[0]
    if len(scales) < 2:
        step = 1.25 if up else 0.8
        return min(end, outer * step) if up else max(end, outer * step)
    inner = scales[-2] if up else scales[1]
    rise = (curve.quantile(outer) - curve.quantile(inner)) / math.log(outer / inner)
    if rise <= 0.1:
        return end
    away = (float(special.ndtri(level)) - curve.quantile(outer)) / rise
    factor = math.exp(max(min(1.15 * away, 1.4), 0.02) if up else min(max(1.15 * away, -1.4), -0.02))
    return min(end, outer * factor) if up else max(end, outer * factor)


def _between(curve: Curve, below: float, above: float, wanted: float) -> float:
    """The straight line's scale, kept off the ends so that the bracket shrinks."""
    low, high = curve.quantile(below), curve.quantile(above)
    part = 0.5 if high <= low else min(max((wanted - low) / (high - low), 0.1), 0.9)
    return float(below * (above / below) ** part)


def _answer(curve: Curve, level: float, most: float, least: float) -> Reach:
    wanted = level * curve.n * (1.0 - 1e-12)
    top = max(sorted(curve.counts), key=lambda s: curve.counts[s])
    best = Estimate(curve.counts[top] / curve.n, *wilson(curve.counts[top], curve.n))
    below, above = _bracket(curve, wanted)
    if above is None:
        return Reach(level, "never", None, best, top)
    if below is None and above <= least:
        return Reach(level, "always", None, best, top)
    scale = _crossing(curve, level)
    slope = _slope(curve, level)
    at = float(special.ndtri(level))
    low, high = (
        scale * math.exp((float(special.ndtri(min(_edge(level, curve.n, side), 1.0))) - at) / slope)
        if slope > 0.0
        else end
        for side, end in ((-1, 0.0), (+1, math.inf))
    )
    return Reach(level, "reached", Estimate(scale, low, high), best, top)


def _edge(level: float, n: int, side: int) -> float:
    """The share that 97.5% of samples with this probability stay above (-1) or below (+1)."""
    z = float(special.ndtri(0.975))
    return max(level + side * z * math.sqrt(level * (1.0 - level) / n), 0.5 / n)


def _slope(curve: Curve, level: float) -> float:
    """How fast the normal quantile rises with the logarithm of the scale, over scales far enough apart to tell."""
    at = float(special.ndtri(level))
    scales, heights = _staircase(curve)
    below = [i for i, height in enumerate(heights) if height <= at - CLOSE_ENOUGH]
    above = [i for i, height in enumerate(heights) if height >= at + CLOSE_ENOUGH]
    low, high = (below[-1] if below else 0), (above[0] if above else len(scales) - 1)
    if high <= low:
        return 0.0
    return (heights[high] - heights[low]) / math.log(scales[high] / scales[low])


def _crossing(curve: Curve, share: float) -> float:
    """Where the straight lines between simulated scales reach a share that lies between those of two of them."""
    wanted = float(special.ndtri(share))
    scales, heights = _staircase(curve)
    i = int(np.searchsorted(heights, wanted, side="left"))
    if i == 0 or i == len(scales):
        return scales[min(i, len(scales) - 1)]
    part = (wanted - heights[i - 1]) / (heights[i] - heights[i - 1])
    return float(scales[i - 1] * (scales[i] / scales[i - 1]) ** part)


def _staircase(curve: Curve) -> tuple[list[float], list[float]]:
    """The simulated scales at which the share rises, and its normal quantiles there: strictly rising."""
    scales: list[float] = []
    heights: list[float] = []
    for scale in sorted(curve.counts):
        height = curve.quantile(scale)
        if not heights or height > heights[-1]:
            scales.append(scale)
            heights.append(height)
    return scales, heights
