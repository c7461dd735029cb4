"""Which variables are spent on at all: the patterns of on and off that limits leave, and which of them look best.

With minimum spends and either/or, what is allowed is a union of polyhedra, one for each pattern of variables that are
on (`solvers.limits.held`). Where patterns are few all of them are looked at, elsewhere those nearest to some
allocations (mixed-integer programmes) and, from the best, what switching one variable or exchanging two gives, until
nothing is better. `ranked` scores a pattern by the best of some allocations moved into it, on a score that costs
little; whoever asks climbs inside the first of them and judges the answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import sparse

from solvers.arrays import BoolArray, FloatArray, IntArray
from solvers.levers import Levers, project
from solvers.limits import Choices, held, possible, switched, unit_region
from solvers.programme import WorkLimits, programme, solve, stacked

MOST_ENUMERATED = 12  # variables with a switch: 4,096 patterns at most are counted out
ROUNDS = 20  # of looking at what is next to the best
NEAREST_LIMITS = WorkLimits(nodes=2_000)

Score = Callable[[FloatArray], float]


@dataclass(frozen=True)
class Pattern:
    """Which variables are on (V,), the levers that are left, the best allocation known in them, and its score."""

    on: BoolArray
    levers: Levers
    x: FloatArray
    score: float


def nearest_pattern(levers: Levers, choices: Choices, x: FloatArray) -> BoolArray | None:
    """Which variables are on in the allowed allocation nearest to x (MILP); None where none is found."""
    v, size = len(levers.names), max(1e-12, float(np.max(np.abs(levers.totals))))
    problem = unit_region(levers, choices)
    rows, n = problem.shape
    amounts = sparse.csr_matrix((np.ones(v), (np.arange(v), np.arange(v))), shape=(v, n))
    eye = sparse.identity(v)
    found = solve(
        programme(
            np.concatenate([np.zeros(n), np.ones(2 * v)]),
            stacked([[problem.matrix, sparse.csr_matrix((rows, 2 * v))], [amounts, sparse.hstack([-eye, eye])]]),
            np.concatenate([problem.row_lower, x / size]),
            np.concatenate([problem.row_upper, x / size]),
            lower=np.concatenate([problem.lower, np.zeros(2 * v)]),
            upper=np.concatenate([problem.upper, np.full(2 * v, np.inf)]),
            integer=np.concatenate([problem.integer, np.zeros(2 * v, dtype=np.bool_)]),
        ),
        limits=NEAREST_LIMITS,
    )
    if found.x is None:
        return None
    on = np.ones(v, dtype=np.bool_)
    about = switched(levers, choices)
    on[about] = found.x[v : v + np.count_nonzero(about)] > 0.5
    return on


def patterns(levers: Levers, choices: Choices) -> Iterator[BoolArray]:
    """Every allowed pattern, those with most on first; for few switches only."""
    about = np.flatnonzero(switched(levers, choices))
    states = sorted(product((True, False), repeat=len(about)), key=lambda state: -sum(state))
    for state in states:
        on = np.ones(len(levers.names), dtype=np.bool_)
        on[about] = state
        if allowed(levers, choices, on):
            yield on


def allowed(levers: Levers, choices: Choices, on: BoolArray) -> bool:
    """Whether a pattern satisfies the sets of either/or, and leaves an allocation."""
    counts = all(one.at_least <= np.count_nonzero(on[list(one.members)]) <= one.at_most for one in choices.either)
    return counts and possible(held(levers, choices, on))


def ranked(levers: Levers, choices: Choices, points: Mapping[str, FloatArray], score: Score) -> list[Pattern]:
    """Patterns from the best score down, ties to the one found first. `points` are allocations to be moved into them.

    Empty where no pattern is allowed (or, with many switches, none was found).
    """
    known: dict[bytes, Pattern] = {}

    def look(on: BoolArray) -> None:
        if on.tobytes() not in known and allowed(levers, choices, on):
            known[on.tobytes()] = _scored(levers, choices, on, points, score)

    about = np.flatnonzero(switched(levers, choices))
    if len(about) <= MOST_ENUMERATED:
        for on in patterns(levers, choices):
            look(on)
    else:
        for x in points.values():
            near = nearest_pattern(levers, choices, x)
            if near is not None:
                look(near)
        _look_around(about, known, look)
    return sorted(known.values(), key=lambda one: -one.score)  # stable: ties stay in the order found


def _look_around(about: IntArray, known: dict[bytes, Pattern], look: Callable[[BoolArray], None]) -> None:
    """From the best pattern to the best of those next to it, until none is better."""
    best: Pattern | None = None
    for _ in range(ROUNDS):
        now = max(known.values(), key=lambda one: one.score, default=None)
        if now is None or (best is not None and now.score <= best.score):
            return
        best = now
        for on in neighbours(best.on, about):
            look(on)


def neighbours(on: BoolArray, about: IntArray) -> Iterator[BoolArray]:
    """What one switch gives, and what exchanging one that is on for one that is off gives."""
    for i in about:
        flipped = on.copy()
        flipped[i] = not on[i]
        yield flipped
    for i in about[on[about]]:
        for j in about[~on[about]]:
            swapped = on.copy()
            swapped[i], swapped[j] = False, True
            yield swapped


def _scored(levers: Levers, choices: Choices, on: BoolArray, points: Mapping[str, FloatArray], score: Score) -> Pattern:
    left = held(levers, choices, on)
    inside = [project(left, x) for x in points.values()]
    scores = [score(x) for x in inside]
    best = int(np.argmax(scores))
    return Pattern(on, left, inside[best], scores[best])
