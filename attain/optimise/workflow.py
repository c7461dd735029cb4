"""`attain optimise`: allocate, set quotas, and prove the gain on paths that the search never saw.

Each kind of decision is searched in turn (budget, lead shares, prospecting hours), quotas last: until effort answers to
quotas they change the odds of attaining them and nothing else. What is reported comes from phase 0, the paths of
`attain simulate` at the same seed and n.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attain.optimise.decisions import Decision, Edit, decisions_of, hours_decision, shares_decision
from attain.optimise.newplan import write_new_plan
from attain.optimise.quotas import QuotaAnswer, quota_edits, set_quotas, with_quotas
from attain.optimise.records import AllocationRow, Gain, GoalGain, Odds, Optimisation, Status, Trial
from attain.optimise.search import Paths, Stop, objective_legs, search_limits, simulate_batches
from attain.plans import find_plan, open_plan
from attain.results import Results
from attain.simulate import REPLICATIONS, check_goals, fresh_seed, simulate
from engine.batch import Simulator
from engine.draws import SEARCH
from engine.montecarlo import Progress
from engine.plan.types import LoadedPlan
from engine.problems import PlanRefused, Problem
from engine.statistics import paired_difference, wilson
from engine.world import World, build
from solvers.budget import starting_points
from solvers.levers import ClashingLimits, proportional, round_to_step
from solvers.refine import Refined, SearchLimits, improve
from solvers.surrogate import surrogate

Floats = NDArray[np.float64]
Say = Callable[[str], None]
OnProgress = Callable[[Progress], None]
START_PATHS = 256
ALWAYS_ATTAINED = (
    f"the goals are attained on all of {START_PATHS} sample paths as it is: no allocation does much better"
)


@dataclass(frozen=True)
class _Found:
    """What one decision's search came to."""

    decision: Decision
    refined: Refined
    reference: Floats
    before: Floats  # the plan's own amounts, inside the limits or not
    stands: bool  # whether the limits let those stand


def optimise(
    plan: str | os.PathLike[str] | LoadedPlan,
    *,
    sets: Sequence[str] = (),
    seed: int | None = None,
    n: int = REPLICATIONS,
    jobs: int | None = None,
    effort: float = 1.0,
    allow_assumed: bool = False,
    out: str | os.PathLike[str] | None = None,
    say: Say | None = None,
    on_progress: OnProgress | None = None,
) -> Optimisation:
    """Find the allocation most likely to attain the goals within the plan's `decide`, and verify it on fresh paths.

    `effort` scales the search's work limit (simulated stage visits, no clock). `out`: where to write the new plan.
    Ctrl-C ends the search with the best so far, which is still verified (status `interrupted`); a second one gives up.
    Raises PlanRefused for a plan that cannot be used; limits that clash come back as status `infeasible`.
    """
    started = time.perf_counter()
    tell = say or (lambda text: None)
    seed = fresh_seed() if seed is None else seed
    loaded = open_plan(plan, sets)
    world = build(loaded)
    check_goals(world)
    maximise = loaded.plan.decide.maximise if loaded.plan.decide else None
    quotas_wanted = loaded.plan.decide is not None and loaded.plan.decide.quotas is not None
    _refuse_quota_goal(world, maximise, quotas_wanted)
    frame = Optimisation("no_lever", "", loaded.plan.name, maximise or "all goals, quotas apart", seed, n)
    try:
        decisions = decisions_of(loaded, world, allow_assumed)
    except ClashingLimits as clash:
        names = tuple(str(limit) for limit in clash.limits)
        return replace(frame, status="infeasible", reason=str(clash), limits=names, seconds=_since(started))
    if not decisions and not quotas_wanted:
        return replace(frame, reason=why_no_lever(loaded, world, allow_assumed), seconds=_since(started))
    found: list[_Found] = []
    interrupted = False
    current = loaded
    limits = search_limits(world, seed, effort)
    if decisions and _always_attained(world, maximise, seed, jobs):
        frame = replace(frame, notes=(ALWAYS_ATTAINED,))
        decisions = []
    for position in range(len(decisions)):
        decision = decisions[position] if position == 0 else _again(decisions[position], current)
        tell(f"Searching {_WORDS[decision.kind]}: {len(decision.cells)} cells, at most {limits.paths:,} sample paths")
        result = _search(current, decision, maximise, seed, jobs, limits, tell)
        found.append(result)
        better = decision.apply(current.plan, result.refined.allocation)
        current = current.model_copy(update={"plan": better})
        interrupted = result.refined.termination == "stopped"
        if interrupted:
            break
    tell("Verifying on fresh paths")
    before = _verified(loaded, n, seed, jobs, on_progress)
    reference = _reference_results(loaded, found, n, seed, jobs)
    # Whether the new allocation is taken was settled on phase 2: phase 0 measures, it does not choose.
    after = before if not found else _verified(current, n, seed, jobs, on_progress)
    answer: QuotaAnswer | None = None
    if quotas_wanted:
        tell("Setting quotas")
        answer = set_quotas(current, before, after, seed=seed, jobs=jobs, limits=limits)
        current = with_quotas(current, answer)
    report = _report(frame, found, before, reference, after, maximise, answer, interrupted)
    written = None
    if out is not None:
        edits = _edits(found) + (quota_edits(loaded, answer) if answer else [])
        source = None if isinstance(plan, LoadedPlan) else find_plan(plan)
        written = write_new_plan(loaded, edits, Path(out), source, sets)
    assumed = tuple(sorted({name for result in found for name in result.decision.assumed}))
    return replace(report, seconds=_since(started), assumed=assumed, out=None if written is None else str(written))


def _refuse_quota_goal(world: World, maximise: str | None, quotas_wanted: bool) -> None:
    """A goal that rests on quotas cannot be maximised while the quotas themselves move."""
    if maximise is None or not quotas_wanted:
        return
    book = world.goals

    def rests(goal: int) -> bool:
        return book.goals[goal].all_of == "quotas" or any(rests(part) for part in book.parts_of[goal])

    if rests(book.names.index(maximise)):
        expected = "a goal that does not rest on quotas while decide.quotas lets quotas move: leave out one of the two"
        raise PlanRefused([Problem("decide.maximise", maximise, expected)])


_WORDS = {"budget": "the budget", "shares": "shares of leads", "hours": "prospecting hours"}


def _always_attained(world: World, maximise: str | None, seed: int, jobs: int | None) -> bool:
    """Whether every path of a sample attains the objective as it is: there is then nothing worth a search."""
    legs = objective_legs(world, maximise)
    least = np.array([world.goals.legs[i].at_least for i in legs])
    batches = simulate_batches(Simulator(world, seed, SEARCH), 0, START_PATHS, jobs)
    return all(bool((batch.legs[:, legs] >= least).all()) for batch in batches)


def _verified(plan: LoadedPlan, n: int, seed: int, jobs: int | None, on_progress: OnProgress | None) -> Results:
    """All n replications or none: before and after are compared path by path. Raises KeyboardInterrupt."""
    results = simulate(plan, n=n, seed=seed, jobs=jobs, on_progress=on_progress)
    if results.n < n:
        raise KeyboardInterrupt
    return results


def _since(started: float) -> float:
    return time.perf_counter() - started


def _again(decision: Decision, current: LoadedPlan) -> Decision:
    """The same decision on the plan as the earlier ones have left it."""
    make = {"shares": shares_decision, "hours": hours_decision}[decision.kind]
    return make(current, build(current)) or decision


def why_no_lever(loaded: LoadedPlan, world: World, allow_assumed: bool) -> str:
    """Why nothing can be moved, and what would let something."""
    guessed = sorted({line.source for line in world.lines if line.response.assumed})
    if guessed and not allow_assumed:
        return f"the response of {', '.join(guessed)} is assumed: --allow-assumed moves its budget all the same"
    if world.lines:
        return "the limits leave each budget line where it is: loosen change_at_most, floors or caps in `decide`"
    return (
        "the plan has no budget that leads answer to, does not route leads by share, and no rep prospects: "
        "give a source a budget with a response, route by share, or ask for quotas in `decide`"
    )


# --- one decision ---------------------------------------------------------------------------------------------------


def _search(
    loaded: LoadedPlan,
    decision: Decision,
    maximise: str | None,
    seed: int,
    jobs: int | None,
    limits: SearchLimits,
    tell: Say,
) -> _Found:
    done, stop = 0, Stop()

    def count(paths: int) -> None:
        nonlocal done
        done += paths
        if stop():
            tell("Stopping: the best so far is being verified; Ctrl-C again gives it up")
        else:
            tell(f"Searching {_WORDS[decision.kind]}: {done:,} of at most {limits.paths:,} sample paths")

    paths = Paths(loaded, decision, maximise, seed, jobs, count, stop)
    with stop.listening():
        return _found(loaded, decision, paths, limits, stop)


def _found(loaded: LoadedPlan, decision: Decision, paths: Paths, limits: SearchLimits, stop: Stop) -> _Found:
    levers = decision.levers
    reference = proportional(levers)
    own = _own(loaded, decision)
    stands = levers.violation(own) <= 1e-9
    pilot = paths(reference, 0, min(START_PATHS, limits.samples[0]), 1)
    proposals = starting_points(surrogate(levers, decision.response, reference, pilot))
    starts = {"reference": reference}
    if stands and not np.allclose(own, reference):
        starts = {"plan": own, "reference": reference}
    starts |= {name: proposal.x for name, proposal in proposals.items() if name != "reference"}
    refined = improve(levers, decision.response, starts, paths, limits=limits, stopped=stop)
    return _Found(decision, refined, reference, own, stands)


def _own(loaded: LoadedPlan, decision: Decision) -> Floats:
    """The plan's own allocation."""
    if decision.kind != "budget":
        return decision.levers.reference
    return np.array([line.amount for line in build(loaded).lines])


def _reference_results(loaded: LoadedPlan, found: list[_Found], n: int, seed: int, jobs: int | None) -> Results | None:
    """The plan with last year's proportions, where those are not the plan's own."""
    plan = loaded.plan
    for result in found:
        if not np.allclose(result.reference, result.before):
            plan = result.decision.apply(plan, round_to_step(result.decision.levers, result.reference))
    if plan is loaded.plan:
        return None
    return _verified(loaded.model_copy(update={"plan": plan}), n, seed, jobs, None)


# --- the report -----------------------------------------------------------------------------------------------------


def _hits(results: Results, maximise: str | None) -> NDArray[np.bool_]:
    """[n]: the replications that attain the objective."""
    legs = objective_legs(results.world, maximise)
    least = np.array([results.world.goals.legs[i].at_least for i in legs])
    return np.asarray((results.legs[:, legs] >= least).all(axis=1), dtype=np.bool_)


def odds_of(hits: NDArray[np.bool_]) -> Odds:
    """A probability with its interval from hits [n]."""
    interval = wilson(int(hits.sum()), len(hits))
    return Odds(float(hits.mean()), (float(interval[0]), float(interval[1])))


def gain_of(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Gain:
    """The paired difference in points, from hits on the same paths."""
    estimate = paired_difference(before, after)
    return Gain(100.0 * estimate.value, (100.0 * estimate.low, 100.0 * estimate.high))


def _allocation(result: _Found) -> list[AllocationRow]:
    levers, new = result.decision.levers, result.refined.allocation
    slack = 1e-6 * np.maximum(1.0, np.abs(levers.totals[levers.group]))
    rows = []
    for i, (source, region, product) in enumerate(result.decision.cells):
        binds = (
            "cap" if new[i] >= levers.upper[i] - slack[i] else "floor" if new[i] <= levers.lower[i] + slack[i] else ""
        )
        values = (float(result.reference[i]), float(result.before[i]), float(new[i]))
        rows.append(AllocationRow(result.decision.kind, source, region, product, *values, binds))
    return rows


def _report(
    frame: Optimisation,
    found: list[_Found],
    before: Results,
    reference: Results | None,
    after: Results,
    maximise: str | None,
    answer: QuotaAnswer | None,
    interrupted: bool,
) -> Optimisation:
    hits_before, hits_after = _hits(before, maximise), _hits(after, maximise)
    gain = gain_of(hits_before, hits_after)
    over_reference = None if reference is None else gain_of(_hits(reference, maximise), hits_after)
    last = found[-1].refined if found else None
    # A plan that breaks its own limits is no measure: more or less money is then part of the difference.
    stands = all(result.stands for result in found)
    judged = gain if stands or over_reference is None else over_reference
    status: Status = "improved" if judged.interval[0] > 0.0 else "no_gain"
    against = "" if stands else " than its proportions within the limits, which the plan itself breaks"
    if status == "improved":
        reason = f"the new allocation is better{against or ' than the plan'}, beyond the error"
    elif found:
        reason = f"nothing within the limits is better{against or ' than the plan'}, beyond the error"
    else:
        reason = frame.notes[0] if frame.notes else "only quotas may move"
    attained_before, attained_after = before.attained, after.attained
    goals = tuple(
        GoalGain(
            name,
            odds_of(attained_before[:, g]),
            odds_of(attained_after[:, g]),
            gain_of(attained_before[:, g], attained_after[:, g]),
        )
        for g, name in enumerate(before.world.goals.names)
        if before.world.goals.goals[g].all_of != "quotas"
    )
    return replace(
        frame,
        status="interrupted" if interrupted else status,
        reason="interrupted: the best so far, verified" if interrupted else reason,
        before=odds_of(hits_before),
        reference=None if reference is None else odds_of(_hits(reference, maximise)),
        after=odds_of(hits_after),
        gain=gain,
        over_reference=over_reference,
        in_sample=None if last is None else last.in_sample,
        in_sample_paths=0 if last is None else last.in_sample_paths,
        optimism=None if last is None else last.in_sample - float(hits_after.mean()),
        goals=goals,
        allocation=tuple(row for result in found for row in _allocation(result)),
        quotas=() if answer is None else answer.rows,
        over_assignment=None if answer is None else answer.over_assignment,
        spread_before=None if answer is None else answer.spread_before,
        spread_after=None if answer is None else answer.spread_after,
        largest_violation=max((f.decision.levers.violation(f.refined.allocation) for f in found), default=0.0),
        origin="" if last is None else last.origin,
        termination="" if last is None else last.termination,
        simulated=sum(f.refined.simulated for f in found),
        trials=tuple(
            Trial(step.method, step.phase, step.paths, step.probability, step.accepted)
            for f in found
            for step in f.refined.trace
        ),
        notes=(*frame.notes, *(() if answer is None else answer.notes)),
    )


def _edits(found: list[_Found]) -> list[Edit]:
    return [edit for result in found for edit in result.decision.edits(result.refined.allocation)]
