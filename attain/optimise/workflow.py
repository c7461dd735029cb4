"""`attain optimise`: allocate, set quotas, and prove the gain on paths that the search never saw.

Each kind of decision is searched in turn (budget, lead shares, prospecting hours), quotas last: until effort answers to
quotas they change the odds of attaining them and nothing else. What is reported comes from phase 0, the paths of
`attain simulate` at the same seed and n.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from attain.optimise.aims import Aim, aim_of, refuse_moving_quotas, watched
from attain.optimise.budgets import budget_decision
from attain.optimise.certify import Certified, certified
from attain.optimise.decisions import WITHIN, Decision, Edit, hours_decision, shares_decision
from attain.optimise.focus import focus_decision
from attain.optimise.focus_search import share_hours
from attain.optimise.found import Found, search, with_effort_of
from attain.optimise.headcount import Headcount, headcount_decision, hire
from attain.optimise.held import asked, work_of
from attain.optimise.newplan import write_new_plan
from attain.optimise.quotas import QuotaAnswer, quota_edits, set_quotas, with_quotas
from attain.optimise.records import Optimisation
from attain.optimise.search import Paths, Stop, Work, simulate_batches, work_limits
from attain.optimise.territories import MOVES_WORK, balance_report, balanced, in_balance
from attain.optimise.verdict import Judged, verdict
from attain.plans import find_plan, open_plan
from attain.results import Results
from attain.simulate import REPLICATIONS, check_goals, fresh_seed, simulate
from attain.wording import TEXTS, Series, number, sentence, told
from engine.batch import Simulator
from engine.draws import SEARCH
from engine.montecarlo import Progress
from engine.plan.limits import planned_budget
from engine.plan.types import LoadedPlan
from engine.world import World, build
from solvers.levers import ClashingLimits, Limit

Say = Callable[[str], None]
OnProgress = Callable[[Progress], None]
START_PATHS = 256
APART = 1 << 24  # paths between those on which one decision's finalists are judged, and those of the next one's
CLASHES = 8  # clashing limits that a reason names
ALWAYS_ATTAINED = told("optimise.always", paths=str(START_PATHS))


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
    loaded = watched(open_plan(plan, sets))
    world = build(loaded)
    check_goals(world)
    wish = loaded.plan.decide.maximise if loaded.plan.decide else None
    quotas_wanted = loaded.plan.decide is not None and loaded.plan.decide.quotas is not None
    aim = aim_of(world, wish)
    if quotas_wanted:
        refuse_moving_quotas(world, aim, wish)
    frame = Optimisation("no_lever", "", loaded.plan.name, aim.label, seed, n, aim.wish)
    try:
        decisions = decisions_of(loaded, world, allow_assumed)
    except ClashingLimits as clash:
        return clashing(frame, clash, started)
    if not decisions and not quotas_wanted:
        return replace(frame, reason=why_no_lever(loaded, world, allow_assumed), seconds=_since(started))
    work = work_limits(world, seed, effort)
    if decisions:
        legs = _first_look(world, seed, jobs)
        if aim.mean is not None:
            work = work_of(aim, work)
            aim = asked(aim.sized(float(aim.mean.sums(legs).mean())), work.selection)
        elif bool((aim.values(legs) >= 1.0 - 1e-12).all()) and in_balance(loaded):
            frame = replace(frame, notes=(ALWAYS_ATTAINED,))
            decisions = []
    search_of = _Searches(loaded, aim, seed, jobs, work, tell)
    try:
        search_of.all_of(decisions)
    except ClashingLimits as clash:  # of territories: other limits are looked at before
        return clashing(frame, clash, started)
    found, current = search_of.found, search_of.current
    proof = search_of.certified()
    tell(told("search.verifying"))
    verifying = time.perf_counter()
    before = _verified(loaded, n, seed, jobs, on_progress)
    reference = _reference_results(loaded, found, n, seed, jobs)
    # Whether the new allocation is taken was settled on phase 2: phase 0 measures, it does not choose.
    after = before if not found else _verified(current, n, seed, jobs, on_progress)
    judged = Judged(before, reference, after, _since(verifying), proof, _costs(loaded, current, found))
    answer: QuotaAnswer | None = None
    if quotas_wanted:
        tell(told("search.quotas"))
        answer = set_quotas(current, before, after, seed=seed, jobs=jobs, paths=work.quotas)
        current = with_quotas(current, answer)
    report = verdict(frame, aim, found, judged, answer)
    written = None
    if out is not None:
        edits = _edits(found) + (quota_edits(current, answer) if answer else [])
        source = None if isinstance(plan, LoadedPlan) else find_plan(plan)
        written = write_new_plan(loaded, edits, Path(out), source, sets)
    assumed = tuple(sorted({name for result in found for name in result.decision.assumed}))
    territory = balance_report(loaded, current)
    if territory is not None:
        worst = max(report.largest_violation, territory.violation)
        report = replace(report, territory=territory, largest_violation=worst)
    return replace(report, seconds=_since(started), assumed=assumed, out=None if written is None else str(written))


def clashing(frame: Optimisation, clash: ClashingLimits, started: float) -> Optimisation:
    """The answer where limits exclude each other."""
    names = tuple(limit_in_words(limit) for limit in clash.limits)
    more = told("optimise.clash_more", n=str(len(names) - CLASHES)) if len(names) > CLASHES else ""
    reason = told("optimise.clash", shown=Series(names[:CLASHES], "; "), more=more)
    return replace(frame, status="infeasible", reason=reason, limits=names, seconds=_since(started))


@dataclass
class _Searches:
    """Decisions searched one after another, each on the plan as the earlier ones have left it."""

    current: LoadedPlan
    aim: Aim
    seed: int
    jobs: int | None
    work: Work
    tell: Say
    found: list[Found] = field(default_factory=list)
    earlier: Found | None = None  # a search whose work counts with the next one's
    given: LoadedPlan | None = None  # what the last decision was searched on

    def fresh(self) -> Work:
        """The work of the next search, whose choice is made on paths that no earlier choice has seen."""
        taken = len(self.found) + (self.earlier is not None)
        return replace(self.work, first=taken * APART)

    def all_of(self, decisions: Sequence[Decision]) -> None:
        """Each of them; hires that are paid from the budget are placed beside a budget that is well split."""
        hires = decisions[0] if decisions and isinstance(decisions[0], Headcount) else None
        beside = hires is not None and hires.paid and len(decisions) > 1 and decisions[1].kind == "budget"
        if hires is not None and beside:
            part = replace(self.fresh(), paths=self.work.paths // 2, selection=self.work.selection // 2)
            self.earlier = searched(self.current, decisions[1], self.aim, self.seed, self.jobs, part, self.tell)
            hires.beside(self.earlier.x)
        for position, decision in enumerate(decisions):
            turn, more = (decision if position == 0 else again(decision, self.current)), {}
            after = hires is not None and decision.kind == "budget"
            left = hires.budget_left(self.current, self.found[0].x) if hires is not None and after else None
            if left is not None:
                turn, more = left[0], {"beside hires": left[1]}
            last = all(later.kind not in MOVES_WORK for later in decisions[position + 1 :])
            if not self.one(balanced(turn, self.current, build(self.current), last=last), decision, more):
                break

    def one(self, decision: Decision, written: Decision, more: Mapping[str, NDArray[np.float64]]) -> bool:
        """Search one more, which was `written` so in the plan; whether to go on."""
        size = {"cells": len(decision.cells), "paths": number(self.work.paths)}
        self.tell(told("search.begun", what=sentence(f"search.of.{decision.kind}"), **size))
        result = searched(self.current, decision, self.aim, self.seed, self.jobs, self.fresh(), self.tell, more)
        if written.own is not None and decision.kind == "budget":  # hires may have taken some of it since
            within = replace(written, balance=decision.balance).violation(written.own) <= WITHIN
            result = replace(result, before=written.own, stands=within)
        if self.earlier is not None:
            result, self.earlier = with_effort_of(result, self.earlier), None
        self.found.append(result)
        self.given = self.current
        self.current = self.current.model_copy(update={"plan": decision.apply(self.current.plan, result.x)})
        return result.termination != "stopped"

    def certified(self) -> Certified | None:
        """What no allocation of the last decision can exceed; None where nothing was searched, or it was stopped."""
        if self.given is None or self.found[-1].termination == "stopped":
            return None
        self.tell(told("search.bound"))
        stop = Stop()
        paths = Paths(self.given, self.found[-1].decision, self.aim, self.seed, self.jobs, None, stop)
        with stop.listening():
            return certified(paths, self.found, self.work)


def searched(
    loaded: LoadedPlan,
    decision: Decision,
    aim: Aim,
    seed: int,
    jobs: int | None,
    work: Work,
    tell: Say,
    more: Mapping[str, NDArray[np.float64]] | None = None,
) -> Found:
    """One decision's search; Ctrl-C ends it with the best so far."""
    done, stop = 0, Stop()

    def count(paths: int) -> None:
        nonlocal done
        done += paths
        if stop():
            tell(told("search.stopping"))
        else:
            size = {"done": number(done), "paths": number(work.paths)}
            tell(told("search.going", what=sentence(f"search.of.{decision.kind}"), **size))

    with stop.listening():
        paths = Paths(loaded, decision, aim, seed, jobs, count, stop)
        if decision.kind == "headcount":
            return hire(paths, work)
        return share_hours(paths, work) if decision.kind == "focus" else search(paths, work, more)


def _first_look(world: World, seed: int, jobs: int | None) -> NDArray[np.float64]:
    """[paths, legs] of the plan as it is: where every path attains the objective, there is nothing worth a search."""
    batches = simulate_batches(Simulator(world, seed, SEARCH), 0, START_PATHS, jobs)
    return np.concatenate([batch.legs for batch in batches])


def _verified(plan: LoadedPlan, n: int, seed: int, jobs: int | None, on_progress: OnProgress | None) -> Results:
    """All n replications or none: before and after are compared path by path. Raises KeyboardInterrupt."""
    results = simulate(plan, n=n, seed=seed, jobs=jobs, on_progress=on_progress)
    if results.n < n:
        raise KeyboardInterrupt
    return results


def _costs(loaded: LoadedPlan, current: LoadedPlan, found: list[Found]) -> tuple[float, float]:
    """What budgets come to before and after, hires' cost with them."""
    hires = sum(
        result.decision.budgets.cost * float(result.x.sum())
        for result in found
        if isinstance(result.decision, Headcount)
    )
    return planned_budget(loaded.plan), planned_budget(current.plan) + hires


def _since(started: float) -> float:
    return time.perf_counter() - started


def decisions_of(loaded: LoadedPlan, world: World, allow_assumed: bool) -> list[Decision]:
    """Everything that the plan lets move, in the order in which it is moved. Raises ClashingLimits."""
    hires = headcount_decision(loaded, world, allow_assumed)
    found = [
        budget_decision(loaded, world, allow_assumed),
        shares_decision(loaded, world),
        hours_decision(loaded, world),
        focus_decision(loaded, world),
    ]
    return [*([hires] if hires else []), *(one for one in found if one is not None and one.levers.movable)]


def again(decision: Decision, current: LoadedPlan) -> Decision:
    """The same decision on the plan as the earlier ones have left it."""
    world = build(current)
    if decision.kind == "budget":
        return budget_decision(current, world, bool(decision.assumed)) or decision
    make = {"shares": shares_decision, "hours": hours_decision, "focus": focus_decision}[decision.kind]
    return make(current, world) or decision


def why_no_lever(loaded: LoadedPlan, world: World, allow_assumed: bool) -> str:
    """Why nothing can be moved, and what would let something."""
    guessed = sorted({line.source for line in world.lines if line.response.assumed})
    if guessed and not allow_assumed:
        return told("optimise.assumed", names=", ".join(guessed))
    if loaded.plan.decide and loaded.plan.decide.focus and not world.lines:
        return told("optimise.no_hours")
    return told("optimise.tight") if world.lines else told("optimise.no_lever")


def limit_in_words(limit: Limit) -> str:
    """A limit by its kind and what it limits, as the solver names it."""
    key = f"optimise.limit.{limit.kind}"
    return told("optimise.limit", kind=told(key) if key in TEXTS else limit.kind, name=limit.name)


def _reference_results(loaded: LoadedPlan, found: list[Found], n: int, seed: int, jobs: int | None) -> Results | None:
    """The plan with last year's proportions, where those are not the plan's own."""
    plan = loaded.plan
    for result in found:
        if not np.allclose(result.reference, result.before):
            plan = result.decision.apply(plan, result.decision.rounded(result.reference))
    if plan is loaded.plan:
        return None
    return _verified(loaded.model_copy(update={"plan": plan}), n, seed, jobs, None)


def _edits(found: list[Found]) -> list[Edit]:
    return [edit for result in found for edit in result.decision.edits(result.x)]
