"""What gets a plan to 80 and 90%, as levers for a verdict: more prospects, more hours, or a lower target."""

from __future__ import annotations

import math

from attain.funnel.records import Answer, Takes, Unit
from attain.summary.records import Lever
from attain.wording import Amount, Count, Sentence, Share, sentence
from engine.statistics import Estimate

LEVELS = (0.8, 0.9)


def levers_of(takes: tuple[Takes, ...], target: float, unit: Unit, currency: str, metric: str) -> tuple[Lever, ...]:
    """Every change that was found to reach 80 or 90%; what is reached already, or out of reach, is left out."""
    found: list[Lever] = []
    for level in takes:
        p = level.probability
        if p not in LEVELS:
            continue
        for kind, noun, answer in (("prospects", "prospect", level.prospects), ("hours", "hour", level.hours)):
            lever = _lever(p, kind, noun, answer)
            if lever is not None:
                found.append(lever)
        if level.target is not None and level.target.value < target:

            def said(value: float) -> object:
                return Amount(value, currency) if unit == "money" else Count(value, metric)

            change = level.target.value - target
            text = _sentence("lever.target", p, level.target, target, said)
            found.append(Lever(p, "target", change, currency if unit == "money" else metric, text))
    return tuple(found)


def _lever(level: float, kind: str, noun: str, answer: Answer) -> Lever | None:
    if answer.amount is None or answer.amount.value <= answer.now:
        return None
    text = _sentence(f"lever.{kind}", level, answer.amount, answer.now, lambda value: Count(_whole(value), noun))
    unit = "prospects" if kind == "prospects" else "hours a week"
    return Lever(level, kind, answer.amount.value - answer.now, unit, text)


def _whole(value: float) -> float:
    return float(math.ceil(value - 1e-6)) if math.isfinite(value) else value


def _sentence(key: str, level: float, amount: Estimate, now: float, said) -> Sentence:  # type: ignore[no-untyped-def]
    return sentence(
        key,
        p=Share(level),
        amount=said(amount.value),
        now=said(now),
        low=_end(amount.low, said),
        high=_end(amount.high, said),
    )


def _end(value: float, said) -> object:  # type: ignore[no-untyped-def]
    return said(value) if math.isfinite(value) else sentence("lever.beyond")
