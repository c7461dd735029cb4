"""`attain frontier`: budget against probability, and the price of one more point.

Each total's split is searched as `attain optimise` searches it (with a part of its work, since neighbours' answers are
starts of each other), the choice between answers is made on phase 2, and each total's winner is measured on phase 0.
What a smaller total may spend a larger one may, too, and leave the rest: where the larger one's own answer is no better
on those paths the smaller one's stands, so that the frontier never falls.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from attain.optimise.aims import Aim, aim_of, watched
from attain.optimise.budgets import budget_decision
from attain.optimise.decisions import Decision
from attain.optimise.records import Frontier, FrontierRow, Priced
from attain.optimise.search import FEWEST_PATHS, Paths, Work, block_of, work_limits
from attain.optimise.territories import balanced
from attain.optimise.workflow import searched, why_no_lever
from attain.plans import open_plan
from attain.simulate import REPLICATIONS, check_goals, fresh_seed
from attain.wording import number, told
from engine.draws import SELECTION, SIMULATE
from engine.plan.decide import Decide, DecideBudget
from engine.plan.types import LoadedPlan
from engine.problems import PlanRefused, Problem
from engine.world import World, build
from solvers.arrays import BoolArray
from solvers.frontier import FrontierPoint, frontier
from solvers.levers import ClashingLimits

Floats = NDArray[np.float64]
Say = Callable[[str], None]
STEPS = 5
SPAN = (0.5, 1.5)  # of the plan's own total, unless totals are given
PART = 0.25  # of a search's work, for each of the two of a total


def totals_between(low: float, high: float, steps: int) -> tuple[float, ...]:
    """So many totals, evenly from low to high."""
    return tuple(float(total) for total in np.linspace(low, high, steps))


def budget_frontier(
    plan: str | os.PathLike[str] | LoadedPlan,
    *,
    totals: Sequence[float] | None = None,
    sets: Sequence[str] = (),
    seed: int | None = None,
    n: int = REPLICATIONS,
    jobs: int | None = None,
    effort: float = 1.0,
    allow_assumed: bool = False,
    say: Say | None = None,
) -> Frontier:
    """The frontier of a plan's budget at rising totals (without any: five, from half to one and a half of its own).

    Raises PlanRefused for a plan that cannot be used, totals that do not rise, or one that the limits do not allow.
    """
    started = time.perf_counter()
    tell = say or (lambda text: None)
    seed = fresh_seed() if seed is None else seed
    loaded = watched(open_plan(plan, sets))
    world = build(loaded)
    check_goals(world)
    aim = aim_of(world, loaded.plan.decide.maximise if loaded.plan.decide else None)
    if not aim.binary:
        raise PlanRefused([Problem("decide.maximise", aim.label, "one goal, `all`, or at least so many of some goals")])
    decisions = _decisions(loaded, _totals(loaded, world, totals), totals is not None, allow_assumed)
    if not decisions:
        because = why_no_lever(loaded, world, allow_assumed)
        raise PlanRefused([Problem("decide.budget", "", f"budget that may move: {because}")])
    whole = work_limits(world, seed, effort)
    part = max(FEWEST_PATHS, int(PART * whole.paths))
    work = Work(part, part // 4, whole.quotas, block_of(part))
    run = _Run(loaded, decisions, aim, seed, jobs, work, tell)
    points = frontier(
        run.optimise,
        lambda splits: run.judge(splits, work.block * max(1, work.selection // work.block), SELECTION),
        tuple(decisions),
        nested=True,
        measure=lambda splits: run.judge(splits, n, SIMULATE),
    )
    return Frontier(
        plan=loaded.plan.name,
        objective=aim.label,
        wish=aim.wish,
        seed=seed,
        replications=n,
        rows=tuple(_row(point, run.decisions[point.spent_of]) for point in points),
        simulated=run.simulated,
        seconds=time.perf_counter() - started,
    )


@dataclass
class _Run:
    """The searches of a frontier, and what judges their answers."""

    loaded: LoadedPlan
    decisions: Mapping[float, Decision]
    aim: Aim
    seed: int
    jobs: int | None
    work: Work
    tell: Say
    simulated: int = 0

    def optimise(self, total: float, more: Mapping[str, Floats]) -> Floats:
        self.tell(told("search.total", total=number(round(total))))
        found = searched(
            self.loaded, self.decisions[total], self.aim, self.seed, self.jobs, self.work, lambda _: None, more
        )
        if found.termination == "stopped":
            raise KeyboardInterrupt
        self.simulated += sum(found.simulated.values())
        return found.x

    def judge(self, splits: Sequence[Floats], n: int, phase: int) -> BoolArray:
        """Which splits attain, each different one simulated once: (n, splits)."""
        self.tell(told("search.verifying"))
        decision = next(iter(self.decisions.values()))
        paths = Paths(self.loaded, decision, self.aim, self.seed, self.jobs)
        known: dict[bytes, BoolArray] = {}
        for x in splits:
            if x.tobytes() not in known:
                known[x.tobytes()] = paths.values(x, 0, n, phase) > 0.0
        self.simulated += sum(paths.simulated.values())
        return np.stack([known[x.tobytes()] for x in splits], axis=1)


def _totals(loaded: LoadedPlan, world: World, totals: Sequence[float] | None) -> tuple[float, ...]:
    wished = loaded.plan.decide.budget if loaded.plan.decide else None
    own = sum(line.amount for line in world.lines)
    base = wished.total if wished is not None and wished.total is not None else own
    asked = totals_between(SPAN[0] * base, SPAN[1] * base, STEPS) if totals is None else tuple(totals)
    if world.lines and (not asked or asked[0] <= 0 or any(b <= a for a, b in pairwise(asked))):
        shown = ", ".join(f"{total:,.0f}" for total in asked)
        raise PlanRefused([Problem("--totals", shown, "amounts above 0 that rise")])
    return asked


def _decisions(loaded: LoadedPlan, totals: Sequence[float], asked: bool, allow_assumed: bool) -> dict[float, Decision]:
    """The budget decision at each total; totals that nobody asked for and limits do not allow are left out."""
    found = {}
    for total in totals:
        try:
            decision = _decision(loaded, total, allow_assumed)
        except ClashingLimits as clash:
            if asked:
                expected = f"a total that the limits allow: {clash}"
                raise PlanRefused([Problem("--totals", f"{total:,.0f}", expected)]) from None
            continue
        if decision is not None:
            found[total] = decision
    return found if any(decision.levers.movable for decision in found.values()) else {}


def _decision(loaded: LoadedPlan, total: float, allow_assumed: bool) -> Decision | None:
    """The budget decision of the plan with another total. Raises ClashingLimits."""
    decide = loaded.plan.decide or Decide()
    budget = (decide.budget or DecideBudget()).model_copy(update={"total": total})
    plan = loaded.plan.model_copy(update={"decide": decide.model_copy(update={"budget": budget})})
    changed = loaded.model_copy(update={"plan": plan})
    world = build(changed)
    decision = budget_decision(changed, world, allow_assumed)
    last = decide.shares is None and decide.hours is None
    return None if decision is None else balanced(decision, changed, world, last=last)


def _row(point: FrontierPoint, decision: Decision) -> FrontierRow:
    cells = tuple(
        (source, region, product, float(np.sum(amounts)))
        for (source, region, product), amounts in decision.by_cell(point.x)
    )
    price = None
    if point.price is not None and point.price_interval is not None:
        price = Priced(_finite(point.price), (_finite(point.price_interval.low), _finite(point.price_interval.high)))
    interval = (point.interval.low, point.interval.high)
    return FrontierRow(point.total, point.probability, interval, cells, point.spent_of, price)


def _finite(value: float) -> float | None:
    """None for what has no end: no money buys the point."""
    return value if np.isfinite(value) else None
