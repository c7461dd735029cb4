"""A back-calculation as one JSON document: probabilities as fractions, money in major units, null for what is not."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from attain.funnel.reach import LEAST, MOST
from attain.funnel.records import Answer, Funnel, Needs
from attain.summary.document import strict
from attain.wording import Language
from engine.statistics import Estimate


def as_json(funnel: Funnel, language: Language = "en") -> dict[str, Any]:
    """The document that ``attain funnel --json`` prints."""
    needs, odds = funnel.needs, funnel.odds
    document = {
        "plan": funnel.plan,
        "currency": funnel.currency,
        "goal": funnel.goal,
        "sentence": funnel.sentence.say(language),
        "metric": funnel.metric,
        "unit": funnel.unit,
        "target": needs.target,
        "seed": funnel.seed,
        "engine": funnel.engine,
        "replications": funnel.replications,
        "searched": funnel.searched,
        "watched": funnel.watched,
        "simulated": funnel.simulated,
        "seconds": funnel.seconds,
        "stands": _probability(funnel.stands),
        "needed": _needed(needs),
        "in_hand": _in_hand(needs),
        "odds": {
            **_probability(odds.probability),
            "scale": odds.scale,
            "leads": odds.leads,
            "mean": None if odds.mean is None else odds.mean.value,
            "mean_interval": None if odds.mean is None else [odds.mean.low, odds.mean.high],
        },
        "for": [
            {
                "probability": level.probability,
                "prospects": _answer(level.prospects),
                "hours": _answer(level.hours),
                "target": None
                if level.target is None
                else {"target": level.target.value, "interval": [level.target.low, level.target.high]},
            }
            for level in funnel.takes
        ],
        "within": [LEAST, MOST],
        "levers": [
            {
                "confidence": lever.confidence,
                "kind": lever.kind,
                "change": lever.change,
                "unit": lever.unit,
                "sentence": lever.sentence.say(language),
            }
            for lever in funnel.levers
        ],
    }
    made: dict[str, Any] = strict(document)
    return made


def _probability(estimate: Estimate | None) -> dict[str, Any]:
    if estimate is None:
        return {"probability": None, "interval": None}
    return {"probability": estimate.value, "interval": [estimate.low, estimate.high]}


def _needed(needs: Needs) -> dict[str, Any]:
    scale = needs.scale
    return {
        "scale": scale,
        "leads": None if scale is None else scale * needs.leads,
        "planned_leads": needs.leads,
        "wins": sum(win.needed for win in needs.wins),
        "amount": needs.target,
        "per_win": needs.per_win,
        "planned_expected": needs.planned_expected,
        "stages": [asdict(stage) for stage in needs.stages],
        "rows": [asdict(row) for row in needs.rows],
        "won": [asdict(win) for win in needs.wins],
        "activities": [asdict(activity) for activity in needs.activities],
        "hours": [asdict(hours) for hours in needs.hours],
    }


def _in_hand(needs: Needs) -> dict[str, Any]:
    return {
        "booked": needs.booked,
        "deals": sum(row.deals for row in needs.in_hand),
        "expected": needs.in_hand_expected,
        "rows": [asdict(row) for row in needs.in_hand],
    }


def _answer(answer: Answer) -> dict[str, Any]:
    def both(estimate: Estimate | None, name: str) -> dict[str, Any]:
        if estimate is None:
            return {name: None, f"{name}_interval": None}
        return {name: estimate.value, f"{name}_interval": [estimate.low, estimate.high]}

    return {
        "status": answer.status,
        "now": answer.now,
        **both(answer.amount, "amount"),
        **both(answer.scale, "scale"),
        "best": None if answer.best is None else _probability(answer.best) | {"scale": answer.best_at},
    }
