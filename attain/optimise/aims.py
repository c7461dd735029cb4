"""What is maximised: `decide.maximise` in the solvers' terms, over the legs of the plan's goals.

An `Aim` has columns, each a set of legs that count as one (attained where all are), and an `Objective` over columns:
one goal or all goals jointly have a column for each leg, so that programmes see every leg; "at least k of" and
weighted goals have a column for each goal. Weights are shares: the aim's value on a path lies between 0 and 1.

Where a mean is maximised, its goals have a column each, and what is summed has one after them. That is read off goals
that nobody sees (`watched`), which every simulation of the plan then sums up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from attain.optimise.records import Wish
from engine.goals import BOOKINGS, GoalBook
from engine.plan.decide import ALL_GOALS, AtLeast, Mean, Weighted
from engine.plan.types import Goal, LoadedPlan, Where
from engine.problems import PlanRefused, Problem
from engine.world import World
from solvers.objective import Objective, all_of, at_least, held, weighted

Floats = NDArray[np.float64]
Legs = NDArray[np.int64]
Maximise = str | AtLeast | Weighted | Mean | None
ALL = "all goals, quotas apart"
MARGIN = "margin"
_HIDDEN = "\N{INFORMATION SEPARATOR ONE}mean "  # a name that no plan can hold


@dataclass(frozen=True, eq=False)
class Expected:
    """The mean that is maximised: `worth` [legs] is what one unit of each leg's sum counts, in the unit it is said in.

    `required` are the probabilities that the aim's goals keep; `size` is what the mean is measured in by a search.
    """

    metric: str
    worth: Floats
    required: tuple[float, ...]
    size: float = 1.0

    def sums(self, legs: Floats) -> Floats:
        """[n]: the sum on each path, in major units of money, or a count."""
        return np.asarray(np.einsum("nl,l->n", legs, self.worth), dtype=np.float64)


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
    mean: Expected | None = None

    @property
    def binary(self) -> bool:
        """Whether it is the probability of one event; weighted goals can be attained in part, a mean has no odds."""
        return self.mean is None and len(self.objective.events) == 1

    @property
    def legs(self) -> Legs:
        """The legs that count, rising."""
        summed = [] if self.mean is None else [np.flatnonzero(self.mean.worth)]
        return np.unique(np.concatenate([*self.columns, *summed]))

    @property
    def width(self) -> int:
        """How many columns margins have."""
        return len(self.columns) + (self.mean is not None)

    def margins(self, legs: Floats) -> tuple[Floats, Legs]:
        """Leg values [n, legs] -> each column's margin [n, columns], attained where >= 0, and the goals' legs they are.

        A mean's column is its sum on each path, by the mean's size.
        """
        relative = (legs - self.least) / self.scale
        place = np.stack([own[np.argmin(relative[:, own], axis=1)] for own in self.columns], axis=1)
        margins = np.take_along_axis(relative, place, axis=1)
        if self.mean is not None:
            margins = np.column_stack([margins, self.mean.sums(legs) / self.mean.size])
        return margins, place

    def brought(self, brought: Floats, place: Legs) -> Floats:
        """What levers brought to the aim's legs [n, levers, legs] as what they brought to columns [n, columns, levers].

        `place` [n, goals' columns]: which leg each column is, as `margins` gives it.
        """
        own = self.legs
        at = np.searchsorted(own, place)
        found = np.take_along_axis(brought, at[:, None, :], axis=2) / self.scale[place][:, None, :]
        if self.mean is not None:
            summed = np.einsum("nvl,l->nv", brought, self.mean.worth[own] / self.mean.size)
            found = np.concatenate([found, summed[:, :, None]], axis=2)
        return np.moveaxis(found, 1, 2)

    def counted(self, margins: Floats) -> NDArray[np.bool_] | Floats:
        """[n] from margins: whether each path attains it; of weighted goals, the weight that it attains.

        Where a mean is maximised: whether all of its goals are attained.
        """
        met = self.objective.attained(margins)
        if self.mean is not None:
            return np.asarray(met.all(axis=1))
        return met[:, 0] if self.binary else np.einsum("se,e->s", met.astype(np.float64), self.objective.weights)

    def values(self, legs: Floats) -> NDArray[np.bool_] | Floats:
        """`counted` from leg values [n, legs]."""
        return self.counted(self.margins(legs)[0])

    def sized(self, mean: float) -> Aim:
        """The same with the mean measured in a size that it has."""
        return self if self.mean is None else replace(self, mean=replace(self.mean, size=max(abs(mean), 1e-9)))

    def likeliest(self) -> Aim:
        """The same where a search asks for all the probability there is that its goals are attained together."""
        return self if self.mean is None else replace(self, objective=all_of(len(self.columns)))

    def asking(self, more: Floats) -> Aim:
        """The same where a search asks for so much more probability than is required [goals], which choices cost."""
        if self.mean is None:
            return self
        return replace(self, objective=held(np.minimum(self.mean.required + more, 1.0).tolist(), len(self.columns)))


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
    if isinstance(maximise, Mean):
        return _of_mean(world, maximise)
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


def _of_mean(world: World, wish: Mean) -> Aim:
    book = world.goals
    names, required = tuple(wish.with_), tuple(wish.with_.values())
    shown = tuple(f"{name} {100.0 * odds:g}%" for name, odds in wish.with_.items())
    label = f"expected {wish.mean} with {', '.join(shown)}"
    worth = np.zeros(len(book.legs))
    for name, each in _sums_of(world, wish).items():
        worth[book.legs_of[book.names.index(name)][0]] = each
    objective = held(required, len(names))
    aim = _made(book, label, Wish("mean", shown, metric=wish.mean), names, _together(book, names), objective)
    return replace(aim, mean=Expected(wish.mean, worth, required))


def _sums_of(world: World, wish: Mean) -> dict[str, float]:
    """What one of each hidden sum is worth."""
    if wish.mean == MARGIN:
        return {_HIDDEN + name: one.margin / world.minor for name, one in world.plan.products.items()}
    return {_HIDDEN: 1.0 / world.minor if wish.mean == BOOKINGS else 1.0}


def watched(loaded: LoadedPlan) -> LoadedPlan:
    """The plan with what is to be expected as goals that nobody sees, so that each simulation sums it up."""
    wish = loaded.plan.decide.maximise if loaded.plan.decide else None
    if not isinstance(wish, Mean):
        return loaded
    if wish.mean == MARGIN:
        more = {
            _HIDDEN + name: Goal(metric=BOOKINGS, at_least=1.0, where=Where(product=(name,)))
            for name in loaded.plan.products
        }
    else:
        more = {_HIDDEN: Goal(metric=wish.mean, at_least=1.0)}
    return loaded.model_copy(update={"plan": loaded.plan.model_copy(update={"goals": {**loaded.plan.goals, **more}})})


def hidden(goal: str) -> bool:
    """Whether a goal is one of those that nobody sees."""
    return goal.startswith(_HIDDEN)


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
