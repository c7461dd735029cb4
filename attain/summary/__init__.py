"""A run summed up: `Results` in, a frozen `Summary` out; `as_json` is what ``attain simulate --json`` prints.

Pure functions: nothing here knows of screens, pages or files. ``records`` says what there is; ``goals``, ``parts`` and
``distinction`` work it out, ``conditional`` takes the two errors apart, ``verdict`` puts it into sentences.
"""

from __future__ import annotations

from dataclasses import replace

from attain.inputs import inputs_of, inputs_of_loaded
from attain.results import Results
from attain.summary.conditional import conditional
from attain.summary.distinction import distinguish
from attain.summary.document import as_json, json_text
from attain.summary.goals import goal_summaries, main_goal
from attain.summary.parts import (
    everyone_makes_quota,
    month_summaries,
    part_summaries,
    rep_summaries,
    stage_flows,
)
from attain.summary.records import (
    Caution,
    Cut,
    Distinction,
    Driver,
    GoalSummary,
    InputEffect,
    LegSummary,
    Lever,
    MonthSummary,
    PartSummary,
    RepSummary,
    Shortfall,
    Spread,
    StageFlow,
    Summary,
    Support,
    Verdict,
)
from attain.summary.verdict import cautions_of, verdict_of
from engine.batch import input_names
from engine.plan.types import LoadedPlan

__all__ = [
    "Caution", "Cut", "Distinction", "Driver", "GoalSummary", "InputEffect", "LegSummary", "Lever", "MonthSummary",
    "PartSummary", "RepSummary", "Shortfall", "Spread", "StageFlow", "Summary", "Support", "Verdict", "as_json",
    "conditional", "json_text", "summarise", "with_levers",
]  # fmt: skip


def summarise(results: Results, loaded: LoadedPlan | None = None) -> Summary:
    """Everything that screens and pages say about a run.

    `loaded`: the plan with its files and text, for the inputs' sources and the author's notes; without it they come
    from the plan alone. Raises ValueError for a run without a single replication.
    """
    if results.n == 0:
        raise ValueError("a run without a finished replication has nothing to sum up; run it again, or for longer")
    world = results.world
    goals = goal_summaries(results)
    parts = results.aligned()
    reps = rep_summaries(parts)
    g = main_goal(results)
    main = None if g is None else world.goals.names[g]
    everyone = everyone_makes_quota(parts)
    distinction = distinguish(parts)
    drawn = input_names(world)
    verdict = None
    if main is not None:
        chosen = next(goal for goal in goals if goal.name == main)
        verdict = verdict_of(chosen, everyone, distinction, reps, world.plan.currency, bool(drawn))
    return Summary(
        plan=world.plan.name,
        currency=world.plan.currency,
        horizon=(world.cal.start.isoformat(), world.cal.end.isoformat()),
        seed=results.seed,
        phase=results.phase,
        replications=results.n,
        asked=results.asked,
        engine=results.engine,
        seconds=results.seconds,
        compile_seconds=results.compile_seconds,
        digest=results.digest,
        moves=results.moves,
        main=main,
        goals=goals,
        statements=tuple(
            (name, goal.statement or "") for name, goal in world.plan.goals.items() if name not in world.goals.names
        ),
        everyone=everyone,
        reps=reps,
        products=part_summaries(parts, "product"),
        regions=part_summaries(parts, "region"),
        segments=part_summaries(parts, "segment"),
        months=month_summaries(parts),
        stages=stage_flows(results),
        distinction=distinction,
        verdict=verdict,
        warnings=cautions_of(results, goals, reps),
        inputs=inputs_of(world.plan) if loaded is None else inputs_of_loaded(loaded),
        drawn=drawn,
    )


def with_levers(summary: Summary, levers: tuple[Lever, ...]) -> Summary:
    """The summary with what would take its main goal to 80 and 90%, found by the back-calculation."""
    return replace(summary, levers=levers)
