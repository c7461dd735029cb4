"""Each goal of a run with its probability, both errors, its values, and what is missing when it is missed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from attain.results import Results
from attain.summary.conditional import conditional
from attain.summary.records import GoalSummary, InputEffect, LegSummary, Shortfall, Spread, Support, Unit
from attain.wording import Amount, Count, Metric, Sentence, sentence
from engine.batch import AS_FACTORS, input_names
from engine.goals import BOOKINGS, Leg
from engine.plan.types import Goal
from engine.statistics import Estimate, mean, quantiles, wilson

CONFIDENCES = (0.5, 0.8, 0.9, 0.95)
Floats = NDArray[np.float64]


def probability(hits: NDArray[np.bool_]) -> Estimate:
    """The share of paths that hit, with Wilson's interval."""
    return chance(int(hits.sum()), len(hits))


def spread(values: Floats) -> Spread:
    """Mean and quantiles of one number over replications."""
    p10, p20, p50, p80, p90 = quantiles(values, (0.1, 0.2, 0.5, 0.8, 0.9))
    return Spread(mean(values), p10, p20, p50, p80, p90)


def main_goal(results: Results) -> int | None:
    """The goal that the verdict is about: `company`, else the author's first plain goal of bookings, else the first."""
    book = results.world.goals
    order = [name for name in results.world.plan.goals if name in book.names]
    if not order:
        return None
    if "company" in order:
        return book.names.index("company")
    plain = [name for name in order if _is_plain(results.world.plan.goals[name])]
    return book.names.index((plain or order)[0])


def _is_plain(goal: Goal) -> bool:
    return goal.all_of is None and goal.every is None and (goal.metric or BOOKINGS) == BOOKINGS


def unit_of(results: Results, g: int) -> Unit:
    """What a goal's value is: money, a count, or how many of its parts were attained."""
    book = results.world.goals
    if book.counts(g):
        return "parts"
    return "money" if (book.goals[g].metric or BOOKINGS) == BOOKINGS else "count"


def goal_summaries(results: Results) -> tuple[GoalSummary, ...]:
    """All simulated goals in the author's order."""
    book = results.world.goals
    attained, values, targets = results.attained, results.values, book.targets()
    order = [name for name in results.world.plan.goals if name in book.names]
    return tuple(
        _goal(results, g, attained[:, g], values[:, g], float(targets[g])) for g in map(book.names.index, order)
    )


def chance(count: int, n: int) -> Estimate:
    """The share of n paths, of which so many hit, with Wilson's interval."""
    low, high = wilson(count, n)
    return Estimate(count / n if n else 0.0, low, high)


def _goal(results: Results, g: int, hits: NDArray[np.bool_], values: Floats, target: float) -> GoalSummary:
    world = results.world
    unit = unit_of(results, g)
    scale = world.minor if unit == "money" else 1.0
    values, target = values / scale, target / scale
    legs = _legs(results, g) if world.goals.goals[g].every or world.goals.goals[g].all_of == "quotas" else ()
    given = conditional(results.inputs, hits)
    names = input_names(world)
    effects = () if given is None else given.effects
    return GoalSummary(
        name=world.goals.names[g],
        sentence=goal_sentence(results, g),
        metric=world.goals.goals[g].metric or (BOOKINGS if unit != "parts" else "attained"),
        unit=unit,
        target=target,
        probability=chance(int(results.hits[g]), results.n),
        input_range=None if given is None else given.interval,
        input_effects=tuple(
            InputEffect(names[e.column], *_shown(names[e.column], e.low, e.high), e.chance_low, e.chance_high)
            for e in effects
        ),
        values=spread(values),
        shortfall=_shortfall(target - values[~hits]),
        legs=legs,
        weakest=min(legs, key=lambda leg: leg.probability.value, default=None),
        supports=() if unit == "parts" else _supports(values, target),
    )


def _shown(name: str, low: float, high: float) -> tuple[float, float]:
    """The economy's log index as a factor of a normal one; probabilities as they are."""
    return (float(np.exp(low)), float(np.exp(high))) if name.startswith(AS_FACTORS) else (low, high)


def _shortfall(missing: Floats) -> Shortfall | None:
    if len(missing) == 0:
        return None
    return Shortfall(len(missing), float(missing.mean()), quantiles(missing, (0.9,))[0].value)


def _supports(values: Floats, target: float) -> tuple[Support, ...]:
    """The target that a share `confidence` of the paths reaches is the (1 - confidence) quantile."""
    found = quantiles(values, [1.0 - c for c in CONFIDENCES])
    return tuple(Support(c, q, max(0.0, target - q.value)) for c, q in zip(CONFIDENCES, found, strict=True))


def _legs(results: Results, g: int) -> tuple[LegSummary, ...]:
    world = results.world
    found = []
    for i in world.goals.legs_of[g]:
        leg = world.goals.legs[i]
        scale = _scale(results, leg)
        column = results.legs[:, i]
        found.append(
            LegSummary(
                leg.label, leg.at_least / scale, probability(column >= leg.at_least), float(column.mean()) / scale
            )
        )
    return tuple(found)


def _scale(results: Results, leg: Leg) -> float:
    return results.world.minor if results.world.measures[leg.measure] == BOOKINGS else 1.0


# --- in words --------------------------------------------------------------------------------------------------------


def goal_sentence(results: Results, g: int) -> Sentence:
    """A goal as a sentence: At least 9.00 M CNY of bookings (ERP; North) by 31 Dec 2026."""
    world = results.world
    goal = world.goals.goals[g]
    if goal.all_of == "quotas":
        return sentence("goal.quotas")
    if goal.all_of is not None:
        return sentence("goal.all_of", goals=tuple(goal.all_of))
    metric = goal.metric or BOOKINGS
    least = goal.at_least or 0.0
    amount: object = Amount(least, world.plan.currency) if metric == BOOKINGS else Count(least, metric)
    where = goal.where
    filters = (where.product, where.region, where.rep, where.segment, where.source)
    names = [", ".join(chosen) for chosen in filters if chosen]
    scope: object = sentence("goal.scope", names="; ".join(names)) if names else ""
    money = metric == BOOKINGS
    what = sentence("goal.of", amount=amount, metric=Metric(metric)) if money else sentence("goal.count", amount=amount)
    if goal.every is not None:
        return sentence(f"goal.every_{goal.every}", what=what, scope=scope)
    until = goal.until or world.plan.horizon.end
    if goal.since is not None:
        return sentence("goal.between", what=what, scope=scope, since=goal.since, until=until)
    return sentence("goal.by", what=what, scope=scope, until=until)
