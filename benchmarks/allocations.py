"""Allocations that people's tools make of a plan, beside ours: each judged on the same fresh paths of the simulator.

    python -m benchmarks.allocations [PLAN ...] [-n 2000] [--seed 1] [--json]

Every method moves what `attain optimise` may move, decision after decision, within the same limits, on the same grid.
All but the rules read what a unit of spend brings off the simulator: sample paths at last year's proportions, the same
ones for all. None of them sees phase 0, on which they are judged together.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

import scenarios
from attain.optimise.aims import Aim, aim_of
from attain.optimise.decisions import Decision
from attain.optimise.search import Paths, simulate_batches, work_limits
from attain.optimise.verdict import Values, gain_of, odds_of
from attain.optimise.workflow import again, decisions_of, searched
from attain.plans import open_plan
from benchmarks.baselines import Mean, equal_split, greedy, last_year, slsqp
from engine.batch import Simulator
from engine.draws import SEARCH, SIMULATE
from engine.goals import BOOKINGS, MEASURES
from engine.plan.types import LoadedPlan
from engine.world import World, build
from solvers.arrays import BLOCK, path_mean
from solvers.backends import SolverName
from solvers.budget import best_mean, most_attained
from solvers.levers import proportional, round_to_step
from solvers.programme import WorkLimits
from solvers.surrogate import Surrogate, surrogate

FloatArray = npt.NDArray[np.float64]
Say = Callable[[str], None]

REPLICATIONS, SEED = 2_000, 1
BIG_M_PATHS = 500  # sample paths of the big-M models
BIG_M_LIMITS = WorkLimits(nodes=100_000, seconds=20.0)  # the clock is what a user's patience is: not repeatable
OURS = "attain optimise"
MEAN_ROUNDS = 3  # of simulating again around the best mean


@dataclass(frozen=True, eq=False)
class Case:
    """One decision of a plan as a method sees it. `sampled` makes the surrogate, and is counted as its time."""

    paths: Paths
    mean_paths: Paths  # the same plan, with what is to be large on average in place of the goals

    def at(self, x: FloatArray, first: int = 0) -> Surrogate:
        """What a block of sample paths at x says of the allocations around it."""
        return _seen(self.paths, x, first)

    def mean_at(self, x: FloatArray, first: int = 0) -> Surrogate:
        """The same of what is to be large on average."""
        return _seen(self.mean_paths, x, first)

    @property
    def reference(self) -> FloatArray:
        """Last year's proportions."""
        return proportional(self.paths.decision.levers)


def _seen(paths: Paths, x: FloatArray, first: int) -> Surrogate:
    decision = paths.decision
    return surrogate(decision.levers, decision.response, x, paths.table(x, first, BLOCK, SEARCH))


@dataclass(frozen=True)
class Answer:
    """What a method came to; None for x where it found nothing. `note` says what its solver did."""

    x: FloatArray | None
    note: str = ""


Method = Callable[[Case], Answer]


def mean_of(case: Surrogate, weights: FloatArray) -> Mean:
    """The mean response: what is expected of a split, by the curves and each line's mean worth of a lead."""
    worth = np.einsum("g,gv->v", weights, path_mean(case.table.yields))
    here = float(np.dot(weights, 1.0 + path_mean(case.table.margins))) - float(np.dot(worth, case.response(case.at)))
    return lambda x: here + float(np.dot(worth, case.response(x)))


def _by_mean(rule: Callable[..., FloatArray]) -> Method:
    def method(case: Case) -> Answer:
        seen = case.mean_at(case.reference)
        return Answer(rule(seen.levers, mean_of(seen, weights_of(case.mean_paths.aim))))

    return method


def _best_mean(case: Case) -> Answer:
    x, weights = case.reference, weights_of(case.mean_paths.aim)
    for turn in range(MEAN_ROUNDS):
        found = best_mean(case.mean_at(x, turn * BLOCK), weights=weights)
        if found is None:
            return Answer(None, "the programme was not solved")
        x = found.x
    return Answer(x)


def _big_m(solver: SolverName) -> Method:
    def method(case: Case) -> Answer:
        try:
            found = most_attained(case.at(case.reference), paths=BIG_M_PATHS, limits=BIG_M_LIMITS, solver=solver)
        except Exception as error:  # a solver that is not installed says so in its own way
            return Answer(None, f"{solver} is not here: {error}")
        if found is None or found.solution is None:
            return Answer(None, "no allocation found within the limits")
        ended = found.solution.termination.replace("_", " ")
        gap = "" if found.solution.gap is None else f", gap {100 * found.solution.gap:.0f} points"
        return Answer(found.x, f"{ended}{gap}; {found.value:.3f} in sample")

    return method


def ours(effort: float = 1.0) -> Method:
    """The search of `attain optimise`."""

    def method(case: Case) -> Answer:
        paths = case.paths
        work = work_limits(build(paths.loaded), paths.seed, effort)
        found = searched(paths.loaded, paths.decision, paths.aim, paths.seed, paths.jobs, work, lambda _: None)
        return Answer(found.x, f"{sum(found.simulated.values()):,} paths")

    return method


METHODS: dict[str, Method] = {
    "last year's proportions": lambda case: Answer(last_year(case.paths.decision.levers)),
    "equal split": lambda case: Answer(equal_split(case.paths.decision.levers)),
    "greedy by marginal return": _by_mean(greedy),
    "SLSQP on the mean": _by_mean(slsqp),
    "best mean (LP)": _best_mean,
    "big-M, CBC": _big_m("cbc"),
    "big-M, HiGHS": _big_m("highs"),
    OURS: ours(),
}


# --- what is to be large on average -----------------------------------------------------------------------------------


def mean_aim(world: World, aim: Aim) -> Aim:
    """The aim of those who go by the mean: a column for the goal of all bookings, else, where none is, for each leg."""
    chosen = [i for i in range(len(world.goals.legs)) if _whole(world, i)][:1] or aim.legs.tolist()
    return replace(aim, columns=tuple(np.array([leg], dtype=np.int64) for leg in chosen))


def _whole(world: World, i: int) -> bool:
    leg = world.goals.legs[i]
    everything = all(bool(np.all(mask)) for mask in (leg.reps, leg.products, leg.regions, leg.segments, leg.sources))
    span = leg.since <= 0.0 and leg.until >= world.cal.horizon_hours
    return everything and span and MEASURES[leg.measure : leg.measure + 1] == (BOOKINGS,)


def weights_of(aim: Aim) -> FloatArray:
    """Of the columns of a `mean_aim`: by their targets, so that bookings of several places add up to money."""
    scale = np.array([float(aim.scale[column[0]]) for column in aim.columns])
    return np.asarray(scale / scale.sum(), dtype=np.float64)


# --- a plan by every method, and the judgement ------------------------------------------------------------------------


@dataclass(frozen=True)
class Made:
    """A method's plan: None where it found none. Seconds are by the clock, simulating for it included."""

    plan: LoadedPlan | None
    amounts: tuple[tuple[float, ...], ...]  # of each decision
    seconds: float
    note: str


def made_by(method: Method, loaded: LoadedPlan, decisions: Sequence[Decision], aim: Aim, seed: int, jobs: int) -> Made:
    """The decisions by one method, each on the plan as it has left it."""
    started, current, notes, amounts = time.perf_counter(), loaded, [], []
    for position, decision in enumerate(decisions):
        own = decision if position == 0 else again(decision, current)
        world = build(current)
        paths = Paths(current, own, aim, seed, jobs)
        answer = method(Case(paths, Paths(current, own, mean_aim(world, aim), seed, jobs)))
        notes += [answer.note] if answer.note else []
        if answer.x is None:
            return Made(None, (), time.perf_counter() - started, "; ".join(notes))
        x = round_to_step(own.levers, answer.x)
        amounts.append(tuple(x.tolist()))
        current = current.model_copy(update={"plan": own.apply(current.plan, x)})
    return Made(current, tuple(amounts), time.perf_counter() - started, "; ".join(notes))


def judged(plan: LoadedPlan, aim: Aim, n: int, seed: int, jobs: int) -> Values:
    """[n]: the aim on paths 0 to n - 1 of phase 0."""
    batches = simulate_batches(Simulator(build(plan), seed, SIMULATE), 0, n, jobs)
    return aim.values(np.concatenate([batch.legs for batch in batches]))


def compare(
    loaded: LoadedPlan,
    *,
    n: int,
    seed: int,
    jobs: int = 1,
    methods: Mapping[str, Method] | None = None,
    say: Say = lambda _: None,
) -> dict[str, Any]:
    """A plan by every method: a record with a row for each, or with `why_not` where nothing may move."""
    methods = METHODS if methods is None else methods
    world = build(loaded)
    aim = aim_of(world, loaded.plan.decide.maximise if loaded.plan.decide else None)
    decisions = decisions_of(loaded, world, allow_assumed=True)
    record: dict[str, Any] = {"objective": aim.label, "decisions": [d.kind for d in decisions], "n": n, "seed": seed}
    if not decisions:
        return record | {"rows": [], "why_not": "nothing in this plan may be moved"}
    made, values = {}, {}
    known: dict[tuple[tuple[float, ...], ...], Values] = {}
    for name, method in methods.items():
        say(name)
        made[name] = made_by(method, loaded, decisions, aim, seed, jobs)
        plan, amounts = made[name].plan, made[name].amounts
        if plan is not None:
            if amounts not in known:
                known[amounts] = judged(plan, aim, n, seed, jobs)
            values[name] = known[amounts]
    rows = [_row(name, made[name], values.get(name), values[OURS]) for name in methods]
    return record | {"rows": rows, "behind": [row["method"] for row in rows if row["ours_is_behind"]]}


def _row(name: str, made: Made, own: Values | None, ours: Values) -> dict[str, Any]:
    odds = None if own is None else odds_of(own)
    gain = None if own is None or name == OURS else gain_of(own, ours)
    return {
        "method": name,
        "probability": None if odds is None else odds.probability,
        "interval": None if odds is None else list(odds.interval),
        "ours_over_it": None if gain is None else gain.as_json(),
        "ours_is_behind": gain is not None and gain.interval[1] < 0.0,
        "seconds": made.seconds,
        "note": made.note,
        "amounts": [list(amounts) for amounts in made.amounts],
    }


def measure(
    plans: Sequence[str], *, n: int = REPLICATIONS, seed: int = SEED, jobs: int = 1, say: Say = lambda _: None
) -> dict[str, Any]:
    """Every plan asked for (else every built-in one that lets something move), by every method."""
    found = []
    for name in plans or scenarios.names():

        def tell(method: str, at: str = name) -> None:
            say(f"{at}: {method}")

        record = compare(open_plan(name), n=n, seed=seed, jobs=jobs, say=tell)
        if plans or record["rows"]:
            found.append({"plan": name} | record)
    limits = {"paths": BIG_M_PATHS, "nodes": BIG_M_LIMITS.nodes, "seconds": BIG_M_LIMITS.seconds}
    return {"plans": found, "big_m": limits, "ours": OURS}


def main() -> int:
    """Print the record; 1 where ours is behind another one beyond the error."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("plans", nargs="*", metavar="PLAN")
    options.add_argument("-n", type=int, default=REPLICATIONS)
    options.add_argument("--seed", type=int, default=SEED)
    options.add_argument("--jobs", type=int, default=1)
    asked = options.parse_args()
    found = measure(
        asked.plans, n=asked.n, seed=asked.seed, jobs=asked.jobs, say=lambda words: print(words, file=sys.stderr)
    )
    print(json.dumps(found, ensure_ascii=False, allow_nan=False))
    return 1 if any(plan.get("behind") for plan in found["plans"]) else 0


if __name__ == "__main__":
    sys.exit(main())
