"""The verdict: how likely, why it would miss, how sure that is, and what to know before trusting it."""

from __future__ import annotations

from attain.results import Results
from attain.summary.conditional import LEAST_PATHS
from attain.summary.distinction import driver_name, input_name
from attain.summary.records import (
    Caution,
    Distinction,
    GoalSummary,
    RepSummary,
    Verdict,
)
from attain.wording import Amount, Chance, Count, Likelihood, Month, Sentence, Share, sentence
from engine.batch import input_names
from engine.statistics import Estimate

FEW = 500  # replications below which the sampling error of a probability near one half is over 4 points
NAMED = 3  # reps or sources that a sentence names


def amount_of(goal: GoalSummary, value: float, currency: str) -> object:
    """A goal's value as a sentence says it."""
    if goal.unit == "money":
        return Amount(value, currency)
    return Count(value, goal.metric if goal.unit == "count" else "goal")


def verdict_of(
    goal: GoalSummary,
    everyone: Estimate | None,
    distinction: Distinction | None,
    reps: tuple[RepSummary, ...],
    currency: str,
    uncertain: bool,
) -> Verdict:
    """The verdict on the main goal. `uncertain`: whether any input is drawn by replication."""
    p = goal.probability.value
    headline = sentence("verdict.headline", chance=Chance(p), p=Share(p), likelihood=Likelihood(p), goal=goal.sentence)
    joint = None
    if everyone is not None:
        joint = sentence("verdict.everyone", chance=Chance(everyone.value, inside=True), p=Share(everyone.value))
    return Verdict(
        headline=headline,
        everyone=joint,
        reasons=_reasons(goal, distinction, reps, currency),
        errors=_errors(goal, uncertain),
    )


def _reasons(
    goal: GoalSummary, distinction: Distinction | None, reps: tuple[RepSummary, ...], currency: str
) -> tuple[Sentence, ...]:
    """Why it would miss, likeliest first: short even on average, too much work, then what the misses have in common."""
    if goal.shortfall is None:
        return (sentence("reason.never_missed"),)
    said: list[Sentence] = []
    if goal.unit != "parts" and goal.values.mean.high < goal.target:
        average = goal.values.mean.value
        short = amount_of(goal, goal.target - average, currency)
        said.append(sentence("reason.average_short", mean=amount_of(goal, average, currency), short=short))
    saturated = sorted((r for r in reps if r.state == "saturated"), key=lambda r: -(r.queue_days or 0.0))
    if saturated:
        days = Count(max(r.queue_days or 0.0 for r in saturated), "day")
        names = tuple(r.name for r in saturated[:NAMED])
        said.append(sentence("reason.saturated", n=len(saturated), of=Count(len(reps), "rep"), names=names, days=days))
    if goal.weakest is not None:
        label: object = goal.weakest.label if goal.unit == "parts" else Month(goal.weakest.label)
        said.append(sentence("reason.weakest", label=label, p=Share(goal.weakest.probability.value)))
    if distinction is not None:
        said.extend(_top_factor(distinction, currency))
    return tuple(said) or (sentence("reason.unclear"),)


def _top_factor(distinction: Distinction, currency: str) -> list[Sentence]:
    """The clear factor with the largest part of the gap: of what happens to deals, then of inputs, unless chance is."""
    said = []
    for cut in distinction.cuts:
        if cut.name not in ("process", "inputs"):
            continue
        top = next((d for d in cut.drivers if d.clear and (d.share or 0.0) > 0.0), None)
        if top is None or (cut.name == "inputs" and top.name == "chance"):
            continue
        key = "reason.factor" if cut.name == "process" else "reason.input"
        name = driver_name(cut.name, top.name) if cut.name == "process" else input_name(top.name)
        missed, hit = (_level(cut.name, top.name, x, currency) for x in (top.missed, top.hit))
        said.append(sentence(key, name=name, share=Share(top.share or 0.0, 0), missed=missed, hit=hit))
    return said


def _level(cut: str, name: str, value: float, currency: str) -> object:
    """A factor's mean as it is read: a share, a number, an amount."""
    if name in ("decided", "win_rate") or cut == "inputs":
        return Share(value, 1)
    return Amount(value, currency) if name == "deal_value" else value


def _errors(goal: GoalSummary, uncertain: bool) -> tuple[Sentence, ...]:
    """Both errors in plain language: what more paths would change, and what better knowledge would."""
    p = goal.probability
    sampling = sentence("errors.sampling", p=Share(p.value), low=Share(p.low), high=Share(p.high))
    if goal.input_range is not None:
        low, high = goal.input_range
        return sampling, sentence("errors.inputs", low=Share(low), high=Share(high))
    return sampling, sentence("errors.inputs_unknown" if uncertain else "errors.no_inputs")


def cautions_of(results: Results, goals: tuple[GoalSummary, ...], reps: tuple[RepSummary, ...]) -> tuple[Caution, ...]:
    """What a reader must know: a partial run, few paths, guesses, overload, goals that nothing measures."""
    world = results.world
    found: list[Caution] = []

    def warn(key: str, **values: object) -> None:
        found.append(Caution(key, sentence(f"caution.{key}", **values)))

    if results.n < results.asked:
        warn("partial", n=results.n, asked=results.asked)
    if results.n < FEW:
        widest = max((g.probability for g in goals), key=lambda e: e.high - e.low, default=None)
        points = 0.0 if widest is None else 50.0 * (widest.high - widest.low)
        warn("few", n=Count(results.n, "path"), points=Count(points, "point"))
    if results.held_parts < results.n:
        warn("held", n=results.held_parts, of=results.n)
    if results.phase != 0:
        warn("phase", phase=results.phase)
    if not input_names(world):
        warn("no_uncertainty")
    elif results.n < LEAST_PATHS:
        warn("no_range", n=results.n)
    assumed = sorted({line.source for line in world.lines if line.response.assumed})
    if assumed:
        warn("assumed_response", sources=tuple(assumed[:NAMED]))
    saturated = [r.name for r in reps if r.state == "saturated"]
    if saturated:
        warn("saturated", n=len(saturated), of=Count(len(reps), "rep"), names=tuple(saturated[:NAMED]))
    words = [name for name in world.plan.goals if name not in world.goals.names]
    if words:
        warn("statements", names=tuple(words[:NAMED]))
    if not world.goals.names:
        warn("no_goal")
    for note in world.cal.notes:
        warn("calendar", note=note)
    return tuple(found)
