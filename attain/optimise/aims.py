"""What is maximised: `decide.maximise` in the solvers' terms, over the legs of the plan's goals.

An `Aim` has columns, each a set of legs that count as one (attained where all are), and an `Objective` over columns:
one goal or all goals jointly have a column for each leg, so that programmes see every leg; "at least k of" and
weighted goals have a column for each goal. Weights are shares: the aim's value on a path lies between 0 and 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attain.optimise.records import Wish
from engine.goals import GoalBook
from engine.plan.decide import ALL_GOALS, AtLeast, Weighted
from engine.problems import PlanRefused, Problem
from engine.world import World
from solvers.objective import Objective, all_of, at_least, weighted

Floats = NDArray[np.float64]
Legs = NDArray[np.int64]
Maximise = str | AtLeast | Weighted | None
ALL = "all goals, quotas apart"


@dataclass(frozen=True, eq=False)
class Aim:
    """What is maximised. `label` says it; `goals` are those it rests on; `least` and `scale` are by leg."""

    label: str
    wish: Wish
    goals: tuple[str, ...]
    columns: tuple[Legs, ...]
    objective: Objective
    least: Floats
    scale: Floats

    @property
    def binary(self) -> bool:
        """Whether a path attains it or not; weighted goals can be attained in part."""
        return len(self.objective.events) == 1

    @property
    def legs(self) -> Legs:
        """The legs that count, rising."""
        return np.unique(np.concatenate(self.columns))

    def margins(self, legs: Floats) -> tuple[Floats, Legs]:
        """Leg values [n, legs] -> each column's margin [n, columns], attained where >= 0, and the leg that it is."""
        relative = (legs - self.least) / self.scale
        place = np.stack([own[np.argmin(relative[:, own], axis=1)] for own in self.columns], axis=1)
        return np.take_along_axis(relative, place, axis=1), place

    def values(self, legs: Floats) -> NDArray[np.bool_] | Floats:
        """[n]: whether each path attains it; of weighted goals, the weight that it attains."""
        met = self.objective.attained(self.margins(legs)[0])
        return met[:, 0] if self.binary else np.einsum("se,e->s", met.astype(np.float64), self.objective.weights)


def aim_of(world: World, maximise: Maximise) -> Aim:
    """The aim of a plan. Without a wish: all goals jointly, those of quotas apart (where there are others)."""
    book = world.goals
    if isinstance(maximise, AtLeast):
        label = f"at least {maximise.at_least} of {', '.join(maximise.of)}"
        objective = at_least(maximise.at_least, len(maximise.of))
        wish = Wish("at_least", maximise.of, maximise.at_least)
        return _made(book, label, wish, maximise.of, _together(book, maximise.of), objective)
    if isinstance(maximise, Weighted):
        names = tuple(name for name, weight in maximise.weighted.items() if weight > 0.0)
        total = sum(maximise.weighted[name] for name in names)
        shown = tuple(f"{name} {maximise.weighted[name]:g}" for name in names)
        label = "weighted: " + ", ".join(shown)
        shares = weighted([maximise.weighted[name] / total for name in names])
        return _made(book, label, Wish("weighted", shown), names, _together(book, names), shares)
    if maximise is not None and (maximise != ALL_GOALS or maximise in book.names):
        legs = _legs(book, book.names.index(maximise))
        return _jointly(book, maximise, Wish("goal", (maximise,)), (maximise,), legs)
    names = tuple(name for name, goal in zip(book.names, book.goals, strict=True) if goal.all_of != "quotas")
    chosen = {
        leg
        for name in names
        for leg in _legs(book, book.names.index(name))
        if not book.parts_of[book.names.index(name)]
    }
    if not chosen:
        names, chosen = book.names, {leg for g in range(len(book.names)) for leg in _legs(book, g)}
    return _jointly(book, ALL, Wish("all", names), names, chosen)


def rests_on_quotas(world: World, aim: Aim) -> bool:
    """Whether some goal of the aim is that all quotas are made."""
    book = world.goals

    def rests(goal: int) -> bool:
        return book.goals[goal].all_of == "quotas" or any(rests(part) for part in book.parts_of[goal])

    return any(rests(book.names.index(name)) for name in aim.goals)


def refuse_moving_quotas(world: World, aim: Aim, maximise: Maximise) -> None:
    """A goal that rests on quotas cannot be maximised while the quotas themselves move. Raises PlanRefused."""
    if maximise is not None and rests_on_quotas(world, aim):
        expected = "a goal that does not rest on quotas while decide.quotas lets quotas move: leave out one of the two"
        raise PlanRefused([Problem("decide.maximise", aim.label, expected)])


def _legs(book: GoalBook, goal: int) -> set[int]:
    found = set(book.legs_of[goal])
    for part in book.parts_of[goal]:
        found |= _legs(book, part)
    return found


def _jointly(book: GoalBook, label: str, wish: Wish, names: tuple[str, ...], legs: set[int]) -> Aim:
    return _made(book, label, wish, names, [{leg} for leg in sorted(legs)], all_of(len(legs)))


def _together(book: GoalBook, names: tuple[str, ...]) -> list[set[int]]:
    return [_legs(book, book.names.index(name)) for name in names]


def _made(
    book: GoalBook, label: str, wish: Wish, names: tuple[str, ...], columns: list[set[int]], objective: Objective
) -> Aim:
    least = np.array([leg.at_least for leg in book.legs])
    return Aim(
        label,
        wish,
        tuple(names),
        tuple(np.array(sorted(own), dtype=np.int64) for own in columns),
        objective,
        least,
        np.where(least > 0.0, least, 1.0),
    )
