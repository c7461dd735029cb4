"""`attain funnel`: back-calculation, the odds of following it, and what other odds take.

One seed throughout: the plan as it stands, the plan scaled to its average need, and the scales of the search are all
simulated on the same replications, as `simulate` with that seed would.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from attain.funnel.levers import levers_of
from attain.funnel.needs import needs_of
from attain.funnel.passage import Aim, Passage, WatchTask
from attain.funnel.reach import LEAST, MOST, Curve, Paths, Reach, reaches
from attain.funnel.records import Answer, Funnel, Needs, Odds, Takes
from attain.funnel.scaling import hours_matter, only_adds, scaled
from attain.plans import open_plan
from attain.results import Results, gather
from attain.simulate import check_engine, fresh_seed
from attain.summary.goals import CONFIDENCES, goal_sentence, main_goal, probability, unit_of
from attain.tables import goal_scale
from engine.batch import Simulator
from engine.goals import BOOKINGS
from engine.montecarlo import Memory, Progress, run
from engine.plan.types import LoadedPlan
from engine.problems import PlanRefused, Problem
from engine.statistics import Estimate, mean, quantiles
from engine.world import World, build

# Stage visits that each step may simulate where the caller names no number: a minute in all on two cores.
MOVES = 40_000_000
MOVES_A_SCALE = 6_000_000
MOVES_WATCHED = 6_000_000
MOST_LEADS = 10.0  # the average need is simulated up to so many times the plan's leads


def funnel(
    plan: str | os.PathLike[str] | LoadedPlan,
    *,
    sets: Sequence[str] = (),
    goal: str | None = None,
    n: int | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    engine: str = "compiled",
    on_progress: Callable[[Progress], None] | None = None,
) -> Funnel:
    """Back-calculate a goal (the main one, unless named) of a plan, and say what it takes to attain it.

    `n` replications for the odds; unless given, as many as 40 million stage visits allow, 256 to 2,000. Searches
    and the watch of the stages use fewer, by the same measure, so that results never hang on the machine's speed.
    Raises PlanRefused for a plan without a measurable goal or a goal that cannot be back-calculated, and
    KeyboardInterrupt where it is stopped: there is no answer from a part.
    """
    started = time.perf_counter()
    check_engine(engine)
    loaded = open_plan(plan, sets)
    world = build(loaded)
    seed = fresh_seed() if seed is None else seed
    empty = gather(world, [], seed=seed, phase=0, engine=engine, asked=0, digest="", seconds=0.0)
    g = chosen_goal(empty, goal)
    steps = _Steps(on_progress)
    paths = Paths(seed, jobs, engine, steps.report)
    sizes = _sizes(Simulator(world, seed, 0, engine).outcome(0).moves(), n, only_adds(world, g))
    steps.expect(2 * sizes.n + sizes.watched + (7 if sizes.filled else 12) * sizes.searched)
    legs, _ = paths.legs(loaded, range(sizes.n))
    steps.next()
    aim = Aim.of(world, g)
    needs = needs_of(world, aim, watch(world, seed, aim, sizes.watched, jobs, steps.report))
    steps.next()
    odds, scaled_legs = _odds(paths, loaded, world, g, needs, legs)
    steps.next()
    more = _Search(paths, loaded, world, g, sizes, steps)
    takes = more.takes(legs, needs, None if scaled_legs is None else (odds.scale or 0.0, scaled_legs))
    unit = unit_of(empty, g)
    return Funnel(
        plan=loaded.plan.name,
        currency=loaded.plan.currency,
        goal=world.goals.names[g],
        sentence=goal_sentence(empty, g),
        metric=world.goals.goals[g].metric or BOOKINGS,
        unit=unit,
        seed=seed,
        engine=engine,
        replications=sizes.n,
        searched=sizes.searched,
        watched=sizes.watched,
        simulated=sizes.n + sizes.watched + (0 if scaled_legs is None else len(scaled_legs)) + more.simulated,
        seconds=time.perf_counter() - started,
        months=world.months,
        reps=world.reps,
        stands=probability(world.goals.attained(legs)[:, g]),
        needs=needs,
        odds=odds,
        takes=takes,
        levers=levers_of(takes, needs.target, unit, loaded.plan.currency, world.goals.goals[g].metric or BOOKINGS),
    )


def chosen_goal(results: Results, name: str | None) -> int:
    """The index of the goal to calculate back from. Raises PlanRefused where there is none."""
    book, goals = results.world.goals, results.world.plan.goals
    able = [known for known in goals if known in book.names and book.legs_of[book.names.index(known)]]
    if name is not None:
        if name in able:
            return book.names.index(name)
        expected = f"a goal with a number of its own: {', '.join(able)}" if able else "a goal with a number of its own"
        raise PlanRefused([Problem("--goal", name, expected)])
    if not able:
        raise PlanRefused(
            [Problem("goals", ", ".join(goals), "a goal with a metric and a number, to calculate back from")]
        )
    main = main_goal(results)
    return main if main is not None and book.legs_of[main] else book.names.index(able[0])


def watch(
    world: World, seed: int, aim: Aim, n: int, jobs: int | None, report: Callable[[Progress], None] | None = None
) -> Passage:
    """The passage of a goal's deals over the first n replications, by the SimPy model."""
    sink = Memory()
    result = run(WatchTask(world, seed, aim), n=n, sink=sink, jobs=jobs, on_progress=report)
    if result.status != "complete":
        raise KeyboardInterrupt
    return Passage.of_rows(sink.table("passage"))


@dataclass(frozen=True)
class _Sizes:
    n: int
    searched: int
    watched: int
    filled: bool


def _sizes(moves: int, n: int | None, filled: bool) -> _Sizes:
    """How many replications each step simulates: by the work of the first one, the same on every machine."""
    each = max(moves, 1)
    total = n if n is not None else min(max(MOVES // each, 256), 2_000)
    budget = MOVES_A_SCALE * (3 if filled else 1)
    return _Sizes(
        n=total,
        searched=min(max(budget // each, 128), total),
        watched=min(max(MOVES_WATCHED // each, 32), total, 400),
        filled=filled,
    )


def _odds(
    paths: Paths, loaded: LoadedPlan, world: World, g: int, needs: Needs, legs: NDArray[np.float64]
) -> tuple[Odds, NDArray[np.float64] | None]:
    """The plan at exactly the average need: simulated, unless it is the plan as it stands."""
    scale = needs.scale
    if scale is None or scale > MOST_LEADS:
        return Odds(None, scale, None if scale is None else scale * needs.leads, None), None
    if abs(scale - 1.0) > 1e-9:
        legs, _ = paths.legs(scaled(loaded, leads=scale), range(len(legs)))
    hits = world.goals.attained(legs)[:, g]
    average = None
    if not world.goals.counts(g):
        average = mean(world.goals.values(legs)[:, g] / goal_scale(world)[g])
    return Odds(probability(hits), scale, scale * needs.leads, average), legs


class _Search:
    """What each level takes, in leads, in hours, and as a target."""

    def __init__(self, paths: Paths, loaded: LoadedPlan, world: World, g: int, sizes: _Sizes, steps: _Steps) -> None:
        self.paths, self.loaded, self.world, self.g, self.sizes, self.steps = paths, loaded, world, g, sizes, steps
        self.simulated = 0

    def takes(
        self, legs: NDArray[np.float64], needs: Needs, other: tuple[float, NDArray[np.float64]] | None
    ) -> tuple[Takes, ...]:
        """All levels; `other` holds the legs at the average need's scale, which the search has for nothing."""
        targets = self._targets(legs)
        leads = self._curve("leads", legs)
        if other is not None and other[0] > LEAST and other[0] != 1.0 and needs.leads > 0.0:
            leads.know(other[0], self._attained(other[1][: self.sizes.searched]))
        prospects = self._prospects(leads, needs, targets)
        hours, by_hours = self._hours(legs)
        self.simulated = leads.simulated + by_hours
        return tuple(Takes(*of_level) for of_level in zip(CONFIDENCES, prospects, hours, targets, strict=True))

    def _attained(self, legs: NDArray[np.float64]) -> NDArray[np.bool_]:
        return np.asarray(self.world.goals.attained(legs)[:, self.g], dtype=np.bool_)

    def _curve(self, what: str, legs: NDArray[np.float64]) -> Curve:
        def hits(scale: float, replications: NDArray[np.int64]) -> NDArray[np.bool_]:
            plan = scaled(self.loaded, leads=scale) if what == "leads" else scaled(self.loaded, hours=scale)
            found = self._attained(self.paths.legs(plan, replications)[0])
            self.steps.next()
            return found

        curve = Curve(hits, self.sizes.searched, self.sizes.filled and what == "leads")
        curve.know(1.0, self._attained(legs[: self.sizes.searched]))
        return curve

    def _targets(self, legs: NDArray[np.float64]) -> list[Estimate | None]:
        if self.world.goals.counts(self.g):
            return [None] * len(CONFIDENCES)
        values = self.world.goals.values(legs)[:, self.g] / goal_scale(self.world)[self.g]
        return list(quantiles(values, [1.0 - level for level in CONFIDENCES]))

    def _prospects(self, curve: Curve, needs: Needs, targets: list[Estimate | None]) -> list[Answer]:
        if needs.leads <= 0.0:
            return [Answer("no_effect", 0.0)] * len(CONFIDENCES)
        fixed = needs.booked + needs.in_hand_expected
        guesses = [1.25] * len(CONFIDENCES)
        if len(self.world.goals.legs_of[self.g]) == 1:  # what leads bring, in proportion
            held = [0.0 if target is None else target.value - fixed for target in targets]
            guesses = [(needs.target - fixed) / left if left > 0.0 else MOST for left in held]
        found = reaches(curve, CONFIDENCES, guesses)
        return [_answer(each, needs.leads, whole=self._listed()) for each in found]

    def _listed(self) -> bool:
        return bool(self.world.cells) and all(cell.count >= 0 for cell in self.world.cells)

    def _hours(self, legs: NDArray[np.float64]) -> tuple[list[Answer], int]:
        now = sum(rep.hours_per_week for rep in self.loaded.plan.reps)
        if not hours_matter(self.world):
            return [Answer("no_effect", now)] * len(CONFIDENCES), 0
        curve = self._curve("hours", legs)
        if curve.counts[1.0] < max(CONFIDENCES) * curve.n:
            curve.at(MOST)  # where even this is not enough, all higher levels are answered at once
        found = reaches(curve, CONFIDENCES, [math.sqrt(MOST)] * len(CONFIDENCES))
        return [_answer(each, now, whole=False) for each in found], curve.simulated


def _answer(found: Reach, now: float, whole: bool) -> Answer:
    if found.scale is None:
        return Answer(found.status, now, best=found.best, best_at=found.best_at)
    # A list holds whole prospects: the smallest number that is enough.
    value, low, high = (s * now for s in found.scale)
    if whole:
        value = math.ceil(value - 1e-6)
    amount = Estimate(value, min(low, value), max(high, value))
    return Answer("reached", now, found.scale, amount, found.best, found.best_at)


@dataclass
class _Steps:
    """One progress over several runs of the driver; the total is an estimate until the end."""

    on_progress: Callable[[Progress], None] | None
    total: int = 0
    before: int = 0
    done: int = 0
    started: float = field(default_factory=time.perf_counter)

    def expect(self, total: int) -> None:
        """About so many replications in all."""
        self.total = total

    def next(self) -> None:
        """A run has ended."""
        self.before += self.done
        self.done = 0

    def report(self, progress: Progress) -> None:
        """Pass on where the whole stands."""
        self.done = progress.done
        if self.on_progress is None:
            return
        done = self.before + self.done
        total = max(self.total, self.before + progress.total)
        seconds = time.perf_counter() - self.started
        rate = done / max(seconds, 1e-9)
        self.on_progress(Progress(done, total, rate, seconds, (total - done) / max(rate, 1e-9)))
