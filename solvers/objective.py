"""What is maximised over sample paths: weighted probabilities of events, each "at least k of these goals attained".

One home for the count of paths that attain, for its smooth stand-in and for the stand-in's slope: the search of
`solvers.ascent` and the surrogate go by these. The smooth stand-in replaces the step at margin 0
by a sigmoid of a given width; its bias falls with the width squared, the noise of its slope grows as the width falls,
so that a search narrows it as it goes.

With `Required` it is the mean of a column that is maximised, while each event keeps a probability. What is then climbed
is the mean less a price for every point that is missing (an exact penalty). A wide sigmoid says little of how probable
an event is, only how that changes: probabilities are counted where one stands, and moved by the smooth stand-in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from solvers.arrays import BLOCK, BoolArray, FloatArray, IntArray
from solvers.paths import Paths, PathTable, Streaming, checked, streamed

MARGIN_CLIP = 500.0  # widths beyond which a sigmoid is 0 or 1 in float64
PRICE = 20.0  # of a missing probability, in means: a point is worth a fifth of all that is expected


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
class Required:
    """The mean of a column of the margins is maximised, in a unit that makes it about 1; events keep `probabilities`.

    The column is no goal of any event. `price` is what a whole missing probability costs, in that unit.
    """

    column: int
    probabilities: tuple[float, ...]
    price: float = PRICE


@dataclass(frozen=True)
class Objective:
    """The sum over events of weight x probability; with `required`, the mean of a column, events being held."""

    events: tuple[Event, ...]
    required: Required | None = None

    def __post_init__(self) -> None:
        if not self.events:
            raise ValueError("an objective needs at least one event")
        if self.required is not None and len(self.required.probabilities) != len(self.events):
            raise ValueError(
                f"{len(self.events)} events, but {len(self.required.probabilities)} probabilities are required of them"
            )

    @property
    def most(self) -> float:
        """The largest value there can be: every event certain."""
        return float(sum(event.weight for event in self.events)) if self.required is None else np.inf

    @property
    def parts(self) -> int:
        """How many means over paths it is made of: one, or the events' and the column's."""
        return 1 if self.required is None else len(self.events) + 1

    def worth(self, parts: FloatArray) -> float:
        """The objective from its parts (C,)."""
        if self.required is None:
            return float(parts[0])
        missing = np.maximum(0.0, np.array(self.required.probabilities) - parts[:-1])
        return float(parts[-1]) - self.required.price * float(np.sum(missing))

    def prices(self, parts: FloatArray) -> FloatArray:
        """What one more of each part is worth (C,)."""
        if self.required is None:
            return np.ones(1)
        short = parts[:-1] < np.array(self.required.probabilities)
        return np.append(np.where(short, self.required.price, 0.0), 1.0)

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


def held(probabilities: Sequence[float], column: int, *, price: float = PRICE) -> Objective:
    """The mean of a column, each goal (the columns before it) attained with its probability at least."""
    if column != len(probabilities):
        raise ValueError(f"the column of the mean comes after those of the {len(probabilities)} goals")
    required = Required(column, tuple(map(float, probabilities)), price)
    return Objective(tuple(Event((g,), 1) for g in range(len(probabilities))), required)


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
    from the first. `parts` (P, C) are what the objective is made of, at the first point as counted (or as known) and
    moved by the smooth stand-in at the others; `counted` (P, C) as counted; `part_slopes` (P, C, V).
    """

    paths: int
    values: FloatArray
    slopes: FloatArray
    attained: FloatArray
    means: FloatArray
    spreads: FloatArray
    errors: FloatArray
    parts: FloatArray
    counted: FloatArray
    part_slopes: FloatArray


@dataclass
class _Sums:
    """Sums over paths of parts: smoothed, counted, and differences from the first point (P, 3, C); products of those
    differences (P, C, C); slopes (P, C, V); the events' moments (P, 2, E)."""

    figures: FloatArray
    products: FloatArray
    slopes: FloatArray
    moments: FloatArray

    @classmethod
    def of(cls, points: int, parts: int, variables: int, events: int) -> _Sums:
        """Nothing summed yet."""
        return cls(
            np.zeros((points, 3, parts)),
            np.zeros((points, parts, parts)),
            np.zeros((points, parts, variables)),
            np.zeros((points, 2, events)),
        )

    def add(self, other: _Sums) -> None:
        self.figures, self.slopes = self.figures + other.figures, self.slopes + other.slopes
        self.products, self.moments = self.products + other.products, self.moments + other.moments


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
    known: FloatArray | None = None,
) -> Look:
    """One pass over paths first to first + n - 1 of a phase, for each allocation; `widths` (E,) are the sigmoids'.

    Slopes come from the paths' yields. With `steps` (V,) they are measured instead: each variable is raised by its step
    on the same paths, which costs V simulations more, and is right also where what comes are few large deals.
    `known` (C,): the parts at the first point as far as more paths than these have told, where they are required.
    """
    p, v, e, c = len(points), len(points[0]), len(objective.events), objective.parts
    total = _Sums.of(p, c, v, e)

    def work(start: int, count: int) -> list[_Sums]:
        blocks = range(0, count, BLOCK)
        sums = [_Sums.of(p, c, v, e) for _ in blocks]
        base: list[FloatArray] = []
        for i, x in enumerate(points):
            table = checked(paths(x, start, count, phase), count, v)
            for k, at in enumerate(blocks):
                part = table.only(slice(at, at + BLOCK))
                smoothed = _sum_block(part, objective, widths, sums[k], i)
                base += [smoothed] if i == 0 else []
                change = smoothed - base[k]
                sums[k].figures[i, 2] = np.add.reduce(change, axis=1)
                sums[k].products[i] = np.add.reduce(change[:, None] * change[None, :], axis=2)
            if steps is not None:
                measured = _measured(paths, x, steps, objective, widths, (start, count, phase))
                for k in range(len(blocks)):
                    sums[k].slopes[i] = (measured[k] - sums[k].figures[i, 0][:, None]) / steps
        return sums

    for block in streamed(work, first, n, how or Streaming()):
        total.add(block)
    return _told(total, objective, n, known)


def _told(total: _Sums, objective: Objective, n: int, known: FloatArray | None) -> Look:
    """Sums over n paths as means, and what the objective makes of them."""
    smoothed, counted, changes = (total.figures[:, i] / n for i in range(3))
    slopes, means = total.slopes / n, total.moments[:, 0] / n
    parts = smoothed
    if objective.required is not None:
        parts = (counted[0] if known is None else known) + changes
    prices = np.array([objective.prices(here) for here in parts])
    squares = np.einsum("pc,pcd,pd->p", prices, total.products / n, prices)
    drift = np.einsum("pc,pc->p", prices, changes)
    return Look(
        paths=n,
        values=np.array([objective.worth(here) for here in parts]),
        slopes=np.einsum("pc,pcv->pv", prices, slopes),
        attained=np.array([objective.worth(here) for here in counted]),
        means=means,
        spreads=np.sqrt(np.maximum(0.0, total.moments[:, 1] / n - means**2)),
        errors=np.sqrt(np.maximum(0.0, squares - drift**2) / n),
        parts=parts,
        counted=counted,
        part_slopes=slopes,
    )


def _smoothed(margins: FloatArray, objective: Objective, values: FloatArray) -> FloatArray:
    """Each path's smoothed parts (C, S), from the events' sigmoids (S, E)."""
    if objective.required is None:
        return np.einsum("se,e->s", values, objective.weights)[None]
    return np.concatenate([values.T, margins[None, :, objective.required.column]])


def _measured(
    paths: Paths,
    x: FloatArray,
    steps: FloatArray,
    objective: Objective,
    widths: FloatArray,
    span: tuple[int, int, int],
) -> FloatArray:
    """The smoothed parts' sums over each block of paths with each variable raised by its step: (blocks, C, V)."""
    start, count, phase = span
    sums = np.empty((len(range(0, count, BLOCK)), objective.parts, len(x)))
    for v in range(len(x)):
        raised = x.copy()
        raised[v] += steps[v]
        table = checked(paths(raised, start, count, phase), count, len(x))
        values = sigmoid(objective.event_margins(table.margins)[0], widths)
        smooth = _smoothed(table.margins, objective, values)
        for k, at in enumerate(range(0, count, BLOCK)):
            sums[k, :, v] = np.add.reduce(np.ascontiguousarray(smooth[:, at : at + BLOCK]), axis=1)
    return sums


def _sum_block(table: PathTable, objective: Objective, widths: FloatArray, sums: _Sums, i: int) -> FloatArray:
    """Put a block's sums in place i; returns each path's smoothed parts (C, S)."""
    margins, goals = objective.event_margins(table.margins)
    value = sigmoid(margins, widths)
    smoothed = _smoothed(table.margins, objective, value)
    counted = _smoothed(table.margins, objective, (margins >= 0.0).astype(np.float64))
    sums.figures[i, :2] = np.add.reduce(smoothed, axis=1), np.add.reduce(counted, axis=1)
    steepness = value * (1.0 - value) * (objective.weights / widths)
    if objective.required is None:
        sums.slopes[i, 0] = slope_of(table.yields, goals, steepness)
    else:
        for e in range(len(objective.events)):
            sums.slopes[i, e] = slope_of(table.yields, goals[:, e : e + 1], steepness[:, e : e + 1])
        sums.slopes[i, -1] = np.add.reduce(table.yields[:, objective.required.column], axis=0)
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
