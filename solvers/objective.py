"""What is maximised over sample paths: weighted probabilities of events, each "at least k of these goals attained".

One home for the count of paths that attain, for its smooth stand-in and for the stand-in's slope: the search of
`solvers.ascent` and the surrogate go by these. The smooth stand-in replaces the step at margin 0
by a sigmoid of a given width; its bias falls with the width squared, the noise of its slope grows as the width falls,
so that a search narrows it as it goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from solvers.arrays import BLOCK, BoolArray, FloatArray, IntArray
from solvers.paths import Paths, PathTable, Streaming, checked, streamed

MARGIN_CLIP = 500.0  # widths beyond which a sigmoid is 0 or 1 in float64


@dataclass(frozen=True)
class Event:
    """At least `needed` of `goals` (positions) attained; it counts with `weight`."""

    goals: tuple[int, ...]
    needed: int
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not self.goals or not 1 <= self.needed <= len(self.goals) or not self.weight > 0:
            raise ValueError(
                f"an event needs goals, between one and all of them attained, and a weight above 0: {self}"
            )


@dataclass(frozen=True)
class Objective:
    """The sum over events of weight x probability."""

    events: tuple[Event, ...]

    def __post_init__(self) -> None:
        if not self.events:
            raise ValueError("an objective needs at least one event")

    @property
    def most(self) -> float:
        """The largest value there can be: every event certain."""
        return float(sum(event.weight for event in self.events))

    def event_margins(self, margins: FloatArray) -> tuple[FloatArray, IntArray]:
        """(S, G) -> each event's margin (S, E), attained where >= 0, and the goal (S, E) whose margin it is.

        At least k goals are attained where the k-th largest margin is >= 0. Among equal ones the first goal stands.
        """
        values = np.empty((len(margins), len(self.events)))
        goals = np.empty((len(margins), len(self.events)), dtype=np.int64)
        paths = np.arange(len(margins))
        for e, event in enumerate(self.events):
            among = np.array(event.goals, dtype=np.int64)
            if event.needed == len(among):
                place = np.argmin(margins[:, among], axis=1)
            else:
                place = np.argsort(-margins[:, among], axis=1, kind="stable")[:, event.needed - 1]
            goals[:, e] = among[place]
            values[:, e] = margins[paths, goals[:, e]]
        return values, goals

    def attained(self, margins: FloatArray) -> BoolArray:
        """Which events each path attains: (S, G) -> (S, E)."""
        return self.event_margins(margins)[0] >= 0.0

    @property
    def weights(self) -> FloatArray:
        """Each event's weight (E,)."""
        return np.array([event.weight for event in self.events])


def all_of(goals: int) -> Objective:
    """All goals jointly."""
    return Objective((Event(tuple(range(goals)), goals),))


def at_least(needed: int, goals: int) -> Objective:
    """At least `needed` of the goals."""
    return Objective((Event(tuple(range(goals)), needed),))


def weighted(weights: Sequence[float]) -> Objective:
    """Each goal by itself, by weight; goals that weigh nothing are left out."""
    return Objective(tuple(Event((g,), 1, float(w)) for g, w in enumerate(weights) if w != 0.0))


def sigmoid(margins: FloatArray, width: FloatArray | float) -> FloatArray:
    """The smooth stand-in for margin >= 0."""
    z = np.clip(margins / width, -MARGIN_CLIP, MARGIN_CLIP)
    return np.asarray(1.0 / (1.0 + np.exp(-z)), dtype=np.float64)


def slope_of(table_yields: FloatArray, goals: IntArray, weights: FloatArray) -> FloatArray:
    """The sum over paths and events of weight (S, E) x the yields (V,) of the event's own goal (S, E)."""
    paths = np.arange(len(goals))
    total = np.zeros(table_yields.shape[2])
    for e in range(goals.shape[1]):
        own = table_yields[:, 0] if table_yields.shape[1] == 1 else table_yields[paths, goals[:, e]]
        total = total + np.einsum("s,sv->v", weights[:, e], own)
    return total


# --- streamed over paths ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Look:
    """What one pass over paths says of several allocations (P), all on the same paths.

    `values` (P,): the smoothed objective; `slopes` (P, V): its slope; `attained` (P,): the objective itself; `means`
    and `spreads` (P, E): of the events' margins. `errors` (P,): the standard error of each one's smoothed difference
    from the first.
    """

    paths: int
    values: FloatArray
    slopes: FloatArray
    attained: FloatArray
    means: FloatArray
    spreads: FloatArray
    errors: FloatArray


@dataclass
class _Sums:
    """Sums over paths: `figures` (P, 4) are smoothed, attained, differences and their squares; moments (P, 2, E)."""

    figures: FloatArray
    slopes: FloatArray
    moments: FloatArray

    def add(self, other: _Sums) -> None:
        self.figures, self.slopes = self.figures + other.figures, self.slopes + other.slopes
        self.moments = self.moments + other.moments


def look(
    paths: Paths,
    points: Sequence[FloatArray],
    objective: Objective,
    widths: FloatArray,
    first: int,
    n: int,
    phase: int,
    how: Streaming | None = None,
    steps: FloatArray | None = None,
) -> Look:
    """One pass over paths first to first + n - 1 of a phase, for each allocation; `widths` (E,) are the sigmoids'.

    Slopes come from the paths' yields. With `steps` (V,) they are measured instead: each variable is raised by its step
    on the same paths, which costs V simulations more, and is right also where what comes are few large deals.
    """
    p, v, e = len(points), len(points[0]), len(objective.events)
    total = _Sums(np.zeros((p, 4)), np.zeros((p, v)), np.zeros((p, 2, e)))

    def work(start: int, count: int) -> list[_Sums]:
        blocks = range(0, count, BLOCK)
        sums = [_Sums(np.zeros((p, 4)), np.zeros((p, v)), np.zeros((p, 2, e))) for _ in blocks]
        base: list[FloatArray] = []
        for i, x in enumerate(points):
            table = checked(paths(x, start, count, phase), count, v)
            for k, at in enumerate(blocks):
                part = table.only(slice(at, at + BLOCK))
                smoothed = _sum_block(part, objective, widths, sums[k], i)
                base += [smoothed] if i == 0 else []
                change = smoothed - base[k]
                sums[k].figures[i, 2:] = np.add.reduce(change), np.add.reduce(change**2)
            if steps is not None:
                smooth = np.array([sums[k].figures[i, 0] for k in range(len(blocks))])
                measured = _measured(paths, x, steps, objective, widths, (start, count, phase))
                for k in range(len(blocks)):
                    sums[k].slopes[i] = (measured[k] - smooth[k]) / steps
        return sums

    for block in streamed(work, first, n, how or Streaming()):
        total.add(block)
    figures, means = total.figures / n, total.moments[:, 0] / n
    spreads = np.sqrt(np.maximum(0.0, total.moments[:, 1] / n - means**2))
    errors = np.sqrt(np.maximum(0.0, figures[:, 3] - figures[:, 2] ** 2) / n)
    return Look(n, figures[:, 0], total.slopes / n, figures[:, 1], means, spreads, errors)


def _measured(
    paths: Paths,
    x: FloatArray,
    steps: FloatArray,
    objective: Objective,
    widths: FloatArray,
    span: tuple[int, int, int],
) -> FloatArray:
    """The smoothed objective's sum over each block of paths with each variable raised by its step: (blocks, V)."""
    start, count, phase = span
    sums = np.empty((len(range(0, count, BLOCK)), len(x)))
    for v in range(len(x)):
        raised = x.copy()
        raised[v] += steps[v]
        table = checked(paths(raised, start, count, phase), count, len(x))
        smooth = np.einsum("se,e->s", sigmoid(objective.event_margins(table.margins)[0], widths), objective.weights)
        sums[:, v] = [np.add.reduce(smooth[at : at + BLOCK]) for at in range(0, count, BLOCK)]
    return sums


def _sum_block(table: PathTable, objective: Objective, widths: FloatArray, sums: _Sums, i: int) -> FloatArray:
    """Put a block's sums in place i; returns each path's smoothed objective."""
    margins, goals = objective.event_margins(table.margins)
    value = sigmoid(margins, widths)
    weights = objective.weights
    smoothed = np.einsum("se,e->s", value, weights)
    counted = np.einsum("se,e->s", (margins >= 0.0).astype(np.float64), weights)
    sums.figures[i, :2] = np.add.reduce(smoothed), np.add.reduce(counted)
    sums.slopes[i] = slope_of(table.yields, goals, value * (1.0 - value) * (weights / widths))
    sums.moments[i] = np.add.reduce(margins, axis=0), np.add.reduce(margins**2, axis=0)
    return smoothed


def outcomes(
    paths: Paths,
    points: Sequence[FloatArray],
    objective: Objective,
    first: int,
    n: int,
    phase: int,
    how: Streaming | None = None,
) -> BoolArray:
    """Which events each allocation attains on each path: (n, P, E)."""

    def work(start: int, count: int) -> list[BoolArray]:
        tables = [checked(paths(x, start, count, phase), count, len(x)) for x in points]
        return [np.stack([objective.attained(table.margins) for table in tables], axis=1)]

    return np.concatenate(list(streamed(work, first, n, how or Streaming())))


# --- all goals, on paths at hand --------------------------------------------------------------------------------------


def attained(margins: FloatArray) -> BoolArray:
    """Which paths attain every goal: (S, G) -> (S,)."""
    return np.all(margins >= 0.0, axis=1)
