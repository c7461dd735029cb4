"""A summary as one JSON document: probabilities as fractions, money in major units, sentences in one language.

Strict JSON: what is not a finite number (an interval's end that so few replications cannot give) is null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from attain.inputs import Input
from attain.summary.records import (
    Distinction,
    Driver,
    GoalSummary,
    MonthSummary,
    PartSummary,
    RepSummary,
    Spread,
    Summary,
)
from attain.wording import Language
from engine.statistics import Estimate

QUANTILES = ("p10", "p20", "p50", "p80", "p90")


def strict(value: Any) -> Any:
    """The same with null for every number that JSON does not have, tuples as lists, keys as text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(item) for item in value]
    return value


def json_text(document: Any) -> str:
    """A document as text: UTF-8, names unescaped, no NaN."""
    return json.dumps(strict(document), ensure_ascii=False, indent=2, allow_nan=False)


def as_json(summary: Summary, language: Language = "en") -> dict[str, Any]:
    """The document that ``attain simulate --json`` prints."""
    document = {
        "plan": summary.plan,
        "currency": summary.currency,
        "horizon": list(summary.horizon),
        "seed": summary.seed,
        "replications": summary.replications,
        "asked": summary.asked,
        "engine": summary.engine,
        "seconds": summary.seconds,
        "compile_seconds": summary.compile_seconds,
        "digest": summary.digest,
        "moves": summary.moves,
        "main": summary.main,
        "verdict": _verdict(summary, language),
        "goals": [_goal(goal, language) for goal in summary.goals],
        "statements": [{"name": name, "statement": said} for name, said in summary.statements],
        "everyone": _probability(summary.everyone),
        "levers": [
            {
                "confidence": lever.confidence,
                "kind": lever.kind,
                "change": lever.change,
                "unit": lever.unit,
                "sentence": lever.sentence.say(language),
                **(_probability(lever.probability) or {}),
            }
            for lever in summary.levers
        ],
        "months": [_month(month) for month in summary.months],
        "stages": [vars(stage) for stage in summary.stages],
        "reps": [_rep(rep) for rep in summary.reps],
        "products": [_part(part) for part in summary.products],
        "regions": [_part(part) for part in summary.regions],
        "segments": [_part(part) for part in summary.segments],
        "distinction": _distinction(summary.distinction, language),
        "warnings": [{"key": w.key, "sentence": w.sentence.say(language)} for w in summary.warnings],
        "inputs": [_input(row) for row in summary.inputs],
        "drawn": list(summary.drawn),
    }
    made: dict[str, Any] = strict(document)
    return made


def _verdict(summary: Summary, language: Language) -> dict[str, Any] | None:
    verdict = summary.verdict
    if verdict is None:
        return None
    return {
        "headline": verdict.headline.say(language),
        "everyone": None if verdict.everyone is None else verdict.everyone.say(language),
        "reasons": [s.say(language) for s in verdict.reasons],
        "errors": [s.say(language) for s in verdict.errors],
    }


def _ends(estimate: Estimate) -> list[float]:
    return [estimate.low, estimate.high]


def _probability(estimate: Estimate | None) -> dict[str, Any] | None:
    return None if estimate is None else {"probability": estimate.value, "interval": _ends(estimate)}


def _spread(spread: Spread) -> dict[str, Any]:
    values = {name: getattr(spread, name) for name in ("mean", *QUANTILES)}
    return {
        **{name: estimate.value for name, estimate in values.items()},
        "intervals": {name: _ends(estimate) for name, estimate in values.items()},
    }


def _goal(goal: GoalSummary, language: Language) -> dict[str, Any]:
    missing = goal.shortfall
    return {
        "name": goal.name,
        "sentence": goal.sentence.say(language),
        "metric": goal.metric,
        "unit": goal.unit,
        "target": goal.target,
        **(_probability(goal.probability) or {}),
        "input_range": None if goal.input_range is None else list(goal.input_range),
        "input_effects": [vars(effect) for effect in goal.input_effects],
        **_spread(goal.values),
        "shortfall": None if missing is None else missing.mean,
        "shortfall_p90": None if missing is None else missing.p90,
        "missed": 0 if missing is None else missing.paths,
        "legs": [
            {"label": leg.label, "target": leg.target, **(_probability(leg.probability) or {}), "mean": leg.mean}
            for leg in goal.legs
        ],
        "weakest": None if goal.weakest is None else goal.weakest.label,
        "supports": [
            {"confidence": s.confidence, "target": s.target.value, "interval": _ends(s.target), "gap": s.gap}
            for s in goal.supports
        ],
    }


def _rep(rep: RepSummary) -> dict[str, Any]:
    return {
        "name": rep.name,
        "leads": rep.leads,
        "deals_won": rep.deals_won.value,
        "bookings": _spread(rep.bookings),
        "quota": rep.quota,
        **(_probability(rep.probability) or {"probability": None, "interval": None}),
        "utilisation": None if rep.utilisation is None else rep.utilisation.value,
        "queue_days": rep.queue_days,
        "open_at_end": rep.open_at_end,
        "state": rep.state or None,
    }


def _part(part: PartSummary) -> dict[str, Any]:
    return {
        "name": part.name,
        "depth": part.depth,
        "leads": part.leads,
        "deals_won": part.deals_won.value,
        "bookings": _spread(part.bookings),
        "share": part.share,
        "target": part.target,
        **(_probability(part.probability) or {"probability": None, "interval": None}),
    }


def _month(month: MonthSummary) -> dict[str, Any]:
    return {
        "month": month.label,
        "past": month.past,
        "deals_won": month.deals_won.value,
        "bookings": _spread(month.bookings),
        "cumulative": _spread(month.cumulative),
        "planned": month.planned,
        "planned_cumulative": month.planned_cumulative,
        "on_plan": _probability(month.on_plan),
    }


def _driver(driver: Driver) -> dict[str, Any]:
    return dict(vars(driver))


def _distinction(found: Distinction | None, language: Language) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "goal": found.goal,
        "hits": found.hits,
        "misses": found.misses,
        "unit": found.unit,
        "hit_mean": found.hit_mean,
        "missed_mean": found.missed_mean,
        "gap": found.gap,
        "sentences": [s.say(language) for s in found.sentences],
        "cuts": {cut.name: [_driver(d) for d in cut.drivers] for cut in found.cuts},
        "others": [_driver(d) for d in found.others],
    }


def _input(row: Input) -> dict[str, Any]:
    return {"path": row.name, "value": row.value, "source": row.origin, "of": row.of, "note": row.note or None}
