"""`attain compare`: plans judged against each other on common random numbers, pair by pair and goal by goal.

All plans are simulated with the same seed and replications. A lead that is in two plans keeps its arrival, value and
draws in both, so that the difference of two plans is known far better than either's probability: what counts are the
replications in which only one of the two attains.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attain.plans import open_plan
from attain.results import Results
from attain.simulate import REPLICATIONS, fresh_seed, simulate
from attain.summary.document import strict
from attain.summary.goals import goal_sentence, main_goal, probability, unit_of
from attain.tables import goal_scale
from attain.wording import Language, Sentence
from engine.montecarlo import Progress
from engine.plan.load import load_plan
from engine.plan.types import LoadedPlan
from engine.problems import PlanRefused, Problem
from engine.statistics import (
    Estimate,
    best_probabilities,
    mean,
    paired_difference,
    paired_mean_difference,
    wilson,
)

PlanLike = str | os.PathLike[str] | LoadedPlan


@dataclass(frozen=True)
class Candidate:
    """A plan to compare: a file, a built-in plan or one at hand, varied by `sets`; `name` is what it is called."""

    plan: PlanLike
    sets: tuple[str, ...] = ()
    name: str | None = None


@dataclass(frozen=True)
class GoalStanding:
    """One goal of one plan. Values are money in major units, counts, or for goals of parts the number attained."""

    goal: str
    sentence: Sentence
    unit: str
    target: float
    probability: Estimate
    mean: Estimate


@dataclass(frozen=True)
class Contender:
    """One plan of a comparison: its letter (A, B, ...), and how its goals stand."""

    letter: str
    name: str
    sets: tuple[str, ...]
    currency: str
    digest: str
    goals: tuple[GoalStanding, ...]


@dataclass(frozen=True)
class Difference:
    """Plan b over plan a on one goal. `points` is 100 x (P(b) - P(a)); intervals are paired, of 95%.

    `only_a`, `only_b`: replications in which that plan alone attains. `worth`: how many times as many replications
    drawn apart would tell the difference as well; None where nothing differs. `mean` is of b's value less a's; None
    where the two are not in one unit.
    """

    a: str
    b: str
    goal: str
    points: Estimate
    only_a: int
    only_b: int
    worth: float | None
    mean: Estimate | None


@dataclass(frozen=True)
class Best:
    """The plan with the highest probability of one goal, and how sure that is; ties share."""

    goal: str
    best: str
    probability: float
    probabilities: tuple[float, ...]  # by plan


@dataclass(frozen=True)
class Comparison:
    """`attain compare`."""

    seed: int
    replications: int
    asked: int
    seconds: float
    main: str | None
    plans: tuple[Contender, ...]
    differences: tuple[Difference, ...]
    best: tuple[Best, ...]
    different_targets: tuple[str, ...]  # goals that the plans define differently: each is judged by its own
    not_shared: tuple[str, ...]  # goals that not every plan has

    def as_json(self, language: Language = "en") -> dict[str, Any]:
        """The document that ``attain compare --json`` prints."""
        document = {
            "seed": self.seed,
            "replications": self.replications,
            "asked": self.asked,
            "seconds": self.seconds,
            "main": self.main,
            "plans": [_plan(plan, language) for plan in self.plans],
            "differences": [_difference(difference) for difference in self.differences],
            "best": [
                {
                    "goal": best.goal,
                    "best": best.best,
                    "probability": best.probability,
                    "probabilities": {p.letter: q for p, q in zip(self.plans, best.probabilities, strict=True)},
                }
                for best in self.best
            ],
            "different_targets": list(self.different_targets),
            "not_shared": list(self.not_shared),
        }
        made: dict[str, Any] = strict(document)
        return made


def _both(estimate: Estimate, name: str = "probability", interval: str = "interval") -> dict[str, Any]:
    return {name: estimate.value, interval: [estimate.low, estimate.high]}


def _plan(plan: Contender, language: Language) -> dict[str, Any]:
    return {
        "plan": plan.letter,
        "name": plan.name,
        "sets": list(plan.sets),
        "digest": plan.digest,
        "goals": [
            {
                "name": goal.goal,
                "sentence": goal.sentence.say(language),
                "unit": goal.unit,
                "target": goal.target,
                **_both(goal.probability),
                **_both(goal.mean, "mean", "mean_interval"),
            }
            for goal in plan.goals
        ],
    }


def _difference(difference: Difference) -> dict[str, Any]:
    both = difference.mean
    return {
        "a": difference.a,
        "b": difference.b,
        "goal": difference.goal,
        "points": difference.points.value,
        "interval": [difference.points.low, difference.points.high],
        "only_a": difference.only_a,
        "only_b": difference.only_b,
        "worth": difference.worth,
        "mean": None if both is None else both.value,
        "mean_interval": None if both is None else [both.low, both.high],
    }


# --- what is compared -----------------------------------------------------------------------------------------------


def candidates(plans: Sequence[PlanLike | Candidate], sets: Sequence[str] = ()) -> tuple[Candidate, ...]:
    """What a command line asks for: several plans, each varied by `sets`; or one plan beside its variation."""
    named = [plan if isinstance(plan, Candidate) else Candidate(plan) for plan in plans]
    if len(named) == 1 and sets:
        only = named[0]
        return only, replace(only, sets=(*only.sets, *sets))
    return tuple(replace(each, sets=(*each.sets, *sets)) for each in named)


def _opened(candidate: Candidate) -> LoadedPlan:
    if isinstance(candidate.plan, LoadedPlan) and candidate.sets:
        if not candidate.plan.text:
            raise PlanRefused([Problem("--set", ", ".join(candidate.sets), "a plan from a file, to be varied")])
        folder = os.path.dirname(candidate.plan.path) or None
        return load_plan(candidate.plan.text, sets=candidate.sets, folder=folder)
    return open_plan(candidate.plan, candidate.sets)


def compare(
    plans: Sequence[PlanLike | Candidate],
    *,
    sets: Sequence[str] = (),
    n: int = REPLICATIONS,
    seed: int | None = None,
    jobs: int | None = None,
    engine: str = "compiled",
    on_progress: Callable[[Progress], None] | None = None,
) -> Comparison:
    """Compare plans on common random numbers; with one plan and `sets`, the plan and its variation.

    Goals are matched by name, and judged by each plan's own target. Raises PlanRefused for plans that cannot be
    simulated, for fewer than two, and where no goal is in two of them.
    """
    chosen = candidates(plans, sets)
    if len(chosen) < 2:
        raise PlanRefused([Problem("", f"{len(chosen)} plan", "two plans or more, or one with --set, to compare")])
    loaded = [_opened(candidate) for candidate in chosen]
    seed = fresh_seed() if seed is None else seed
    runs: list[Results] = []
    for i, plan in enumerate(loaded):
        report = None if on_progress is None else _share_of(on_progress, i, len(loaded), n)
        runs.append(simulate(plan, n=n, seed=seed, jobs=jobs, engine=engine, on_progress=report))
        if runs[-1].n == 0:
            raise KeyboardInterrupt
        n = min(n, runs[-1].n)  # the rest of an interrupted comparison goes no further
    return compared(
        runs, [c.name or p.plan.name for c, p in zip(chosen, loaded, strict=True)], [c.sets for c in chosen]
    )


def _share_of(report: Callable[[Progress], None], i: int, plans: int, n: int) -> Callable[[Progress], None]:
    def on(progress: Progress) -> None:
        done, total = i * n + progress.done, plans * n
        left = progress.left + (plans - 1 - i) * n / max(progress.rate, 1e-9)
        report(Progress(done, total, progress.rate, progress.seconds, left))

    return on


def compared(runs: Sequence[Results], names: Sequence[str], sets: Sequence[tuple[str, ...]]) -> Comparison:
    """The comparison of runs that are at hand: the same seed, phase and engine; the replications that all of them have.

    Raises ValueError for runs that do not share their random numbers.
    """
    if len({(run.seed, run.phase) for run in runs}) > 1:
        raise ValueError(
            "runs of different seeds or phases have no random numbers in common; simulate them with one seed"
        )
    n = min(run.held for run in runs)
    letters = [_letter(i) for i in range(len(runs))]
    goals = _goals_of(runs)
    hits = [{name: _hits(run, name, n) for name in goals if name in run.world.goals.names} for run in runs]
    shared = [name for name in goals if all(name in own for own in hits)]
    several = [name for name in goals if sum(name in own for own in hits) > 1]
    if not several:
        listed = "; ".join(f"{letter}: {', '.join(own)}" for letter, own in zip(letters, hits, strict=True))
        raise PlanRefused([Problem("goals", listed, "a goal of the same name in two plans at least")])
    differences = [
        _paired(runs[i], runs[j], letters[i], letters[j], name, hits[i][name], hits[j][name], n)
        for name in several
        for i, j in combinations(range(len(runs)), 2)
        if name in hits[i] and name in hits[j]
    ]
    main = main_goal(runs[0])
    return Comparison(
        seed=runs[0].seed,
        replications=n,
        asked=max(run.asked for run in runs),
        seconds=sum(run.seconds for run in runs),
        main=None if main is None else runs[0].world.goals.names[main],
        plans=tuple(
            _contender(run, letter, name, own, n)
            for run, letter, name, own in zip(runs, letters, names, sets, strict=True)
        ),
        differences=tuple(differences),
        best=tuple(_best(name, letters, [own[name] for own in hits]) for name in shared),
        different_targets=tuple(name for name in several if _differs(runs, name)),
        not_shared=tuple(name for name in goals if name not in shared),
    )


def _letter(i: int) -> str:
    return chr(ord("A") + i) if i < 26 else f"{chr(ord('A') + i // 26 - 1)}{chr(ord('A') + i % 26)}"


def _goals_of(runs: Sequence[Results]) -> list[str]:
    """All goals: the first plan's main goal first, then in the order of the plans' authors."""
    main = main_goal(runs[0])
    first = [] if main is None else [runs[0].world.goals.names[main]]
    all_of = [name for run in runs for name in run.world.plan.goals if name in run.world.goals.names]
    return list(dict.fromkeys([*first, *all_of]))


def _hits(run: Results, name: str, n: int) -> NDArray[np.bool_]:
    return np.asarray(run.attained[:n, run.world.goals.names.index(name)], dtype=np.bool_)


def _values(run: Results, name: str, n: int) -> NDArray[np.float64]:
    g = run.world.goals.names.index(name)
    return np.asarray(run.values[:n, g] / goal_scale(run.world)[g], dtype=np.float64)


def _differs(runs: Sequence[Results], name: str) -> bool:
    """Whether the plans mean different things by one goal's name."""
    having = [run for run in runs if name in run.world.goals.names]
    return any(run.world.plan.goals[name] != having[0].world.plan.goals[name] for run in having[1:])


def _contender(run: Results, letter: str, name: str, sets: tuple[str, ...], n: int) -> Contender:
    targets = run.world.goals.targets() / goal_scale(run.world)
    standings = []
    for goal in (name for name in run.world.plan.goals if name in run.world.goals.names):
        g = run.world.goals.names.index(goal)
        standings.append(
            GoalStanding(
                goal,
                goal_sentence(run, g),
                unit_of(run, g),
                float(targets[g]),
                probability(_hits(run, goal, n)),
                mean(_values(run, goal, n)),
            )
        )
    return Contender(letter, name, sets, run.world.plan.currency, run.digest, tuple(standings))


def _paired(
    a: Results, b: Results, letter_a: str, letter_b: str, name: str,
    hits_a: NDArray[np.bool_], hits_b: NDArray[np.bool_], n: int,
) -> Difference:  # fmt: skip
    points = Estimate(*(100.0 * value for value in paired_difference(hits_a, hits_b)))
    only_a, only_b = int((hits_a & ~hits_b).sum()), int((hits_b & ~hits_a).sum())
    g, h = a.world.goals.names.index(name), b.world.goals.names.index(name)
    same = unit_of(a, g) == unit_of(b, h) and (
        unit_of(a, g) != "money" or a.world.plan.currency == b.world.plan.currency
    )
    worth = None
    if only_a + only_b and n > 1:
        apart = float(hits_a.var() + hits_b.var())
        together = float((hits_b.astype(np.float64) - hits_a).var())
        worth = apart / together if together > 0.0 else None
    return Difference(
        letter_a, letter_b, name, points, only_a, only_b, worth,
        paired_mean_difference(_values(a, name, n), _values(b, name, n)) if same else None,
    )  # fmt: skip


def _best(name: str, letters: Sequence[str], hits: Sequence[NDArray[np.bool_]]) -> Best:
    outcomes = np.column_stack(hits).astype(np.float64)
    chances = best_probabilities(outcomes)
    leader = int(np.lexsort((-chances, -outcomes.mean(axis=0)))[0])
    return Best(name, letters[leader], float(chances[leader]), tuple(float(c) for c in chances))


def interval_apart(difference: Difference, plans: Sequence[Contender], n: int) -> float:
    """The half-width in points that the difference would have had with plans simulated apart: what pairing saves."""
    p = {plan.letter: goal.probability.value for plan in plans for goal in plan.goals if goal.goal == difference.goal}
    half = [wilson(p[letter] * n, n).half_width for letter in (difference.a, difference.b)]
    return 100.0 * math.hypot(*half)
