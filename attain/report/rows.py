"""Rows of the page's tables that take some working out: inputs by place, drivers' levels, stages still open."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from attain.inputs import Input, grouped
from attain.report.heat import Heat
from attain.report.optimised import Optimised
from attain.report.words import Words
from attain.summary.distinction import driver_name, input_name
from attain.summary.records import Cut, Distinction, Driver, InputEffect, StageFlow, Summary
from attain.wording import Language
from engine.batch import AS_FACTORS

# Attainment below which a cell has this shade: six steps from far below target to above it.
HEAT_STEPS = (0.5, 0.7, 0.85, 0.95, 1.1)
_CUTS = ("process", "inputs", "product", "region", "rep", "segment")
LEAST_PARTS = 2


def heat_class(value: float | None, heat: Heat, largest: float) -> str:
    """The shade of a cell: by attainment, or for shares of one target by the share of the largest cell."""
    if value is None:
        return "h-none"
    if heat.basis == "share":
        return f"s{min(len(HEAT_STEPS), int(value / largest * (len(HEAT_STEPS) + 1))) if largest > 0 else 0}"
    return f"h{sum(value >= edge for edge in HEAT_STEPS)}"


def largest(heat: Heat) -> float:
    """The largest cell of a map."""
    return max((v for row in heat.values for v in row if v is not None), default=0.0)


# --- what distinguishes the misses ------------------------------------------------------------------------------------


def cuts(found: Distinction) -> tuple[Cut, ...]:
    """The cuts that a page shows, in its order."""
    by_name = {cut.name: cut for cut in found.cuts}
    return tuple(by_name[name] for name in _CUTS if name in by_name and len(by_name[name].drivers) >= LEAST_PARTS)


def driver(cut: str, found: Driver, words: Words) -> str:
    """What a driver is called, beginning a line."""
    return words.sentence(driver_name(cut, found.name)) if cut in ("process", "inputs") else found.name


def level(cut: str, name: str, value: float, unit: str, words: Words) -> str:
    """A driver's mean as it is read: a share, a number, an amount."""
    if name == "chance":
        return "–"
    if name in ("decided", "win_rate") and cut == "process":
        return words.pct(value)
    if cut == "inputs":
        return f"{value:.2f}" if name.startswith(AS_FACTORS) else words.pct(value)
    if cut == "process":
        return words.money(value) if name == "deal_value" else words.num(value)
    return words.money(value) if unit == "money" else words.num(value)


def effect_name(effect: InputEffect, words: Words) -> str:
    """What an uncertain input is called, beginning a line."""
    return words.sentence(input_name(effect.name))


def effect_level(effect: InputEffect, value: float, words: Words) -> str:
    """An uncertain input's level."""
    return f"{value:.2f}" if effect.name.startswith(AS_FACTORS) else words.pct(value)


# --- the funnel -------------------------------------------------------------------------------------------------------


def advance_rate(flow: StageFlow) -> float | None:
    """The share that advanced, of the deals that left the stage; None where none did."""
    left = flow.advanced + flow.lost + flow.stale
    return flow.advanced / left if left > 0 else None


# --- inputs -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class InputRow:
    """One input, or several alike."""

    name: str
    value: str
    origin: str
    source: str
    note: str


@dataclass(frozen=True)
class InputGroup:
    """The inputs of one part of the plan."""

    name: str
    rows: tuple[InputRow, ...]


def input_groups(summary: Summary, words: Words) -> tuple[InputGroup, ...]:
    """Inputs with their sources, alike ones together, by the part of the plan that they stand in."""
    found = grouped(summary.inputs)
    made = []
    for place, members in groupby(found, key=lambda pair: pair[0].path[0]):
        key = f"report.place.{place}"
        title = words.t(key) if words.has(key) else place
        made.append(InputGroup(title, tuple(_input(row, n, title, words) for row, n in members)))
    return tuple(made)


def _input(row: Input, n: int, title: str, words: Words) -> InputRow:
    rest = row.path[1:]
    parts = [words.t("report.inputs.all", n=n) if part == "*" else part for part in rest[:-1]]
    if row.path[0] in ("calendar", "economy", "customers") or len(rest) > 1:
        parts = [_field(part, words) if i else part for i, part in enumerate(parts)]
        parts.append(_field(rest[-1], words) if rest else title)
    else:
        parts += list(rest) or [title]
    source = words.t(f"report.origin.{row.origin}")
    if row.origin == "fitted" and row.of is not None:
        source = words.t("report.origin.fitted_of", of=words.num(row.of))
    return InputRow(": ".join(parts), row.value, row.origin, source, row.note)


def _field(name: str, words: Words) -> str:
    key = f"report.field.{name}"
    return words.t(key) if words.has(key) else name.replace("_", " ")


def origins(summary: Summary) -> dict[str, int]:
    """How many inputs there are of each origin."""
    names = ("fitted", "given", "assumed", "default")
    return {name: sum(row.origin == name for row in summary.inputs) for name in names}


# --- the optimisation -------------------------------------------------------------------------------------------------


def objective(found: Optimised, words: Words) -> str:
    """What the optimisation made likelier, as part of a sentence."""
    if any(goal.goal == found.objective for goal in found.goals):
        return words.t("report.objective.one", goal=found.objective)
    return words.t("report.objective.all")


def better(found: Optimised | None, summary: Summary, words: Words) -> tuple[str, float, float] | None:
    """What the best allocation changes: what, before and after; of the main goal where the optimisation measured it."""
    if found is None or found.status != "improved" or found.before is None or found.after is None:
        return None
    if found.mean is not None:  # it is not odds that were made larger
        return None
    for goal in found.goals:
        if goal.goal == summary.main and found.objective == goal.goal:
            return words.t("report.objective.this"), goal.before.probability, goal.after.probability
    return objective(found, words), found.before.probability, found.after.probability


def expected(value: float, metric: str, words: Words, signed: bool = False) -> str:
    """What is expected of a metric: money, or a number; with its sign where it is a difference."""
    said = words.num(round(abs(value), 1)) if metric in ("deals_won", "leads") else words.money(abs(value))
    return ("−" if value < 0 else "+" if signed else "") + said


def worked(value: float | None, of: str, words: Words) -> str:
    """A rep's work: hours, leads, or bookings."""
    if value is None:
        return "–"
    return words.money(value) if of == "bookings" else words.num(round(value))


def off(share: float | None) -> str:
    """How far from a mean, relative to it."""
    return "–" if share is None else f"{100.0 * share:+.0f}%".replace("-", "−")


# --- people and parts -------------------------------------------------------------------------------------------------


def quota_sum(summary: Summary) -> tuple[float, float] | None:
    """The sum of quotas, and its ratio to the main goal's target; None without quotas or such a target."""
    quotas = [rep.quota for rep in summary.reps if rep.quota]
    goal = None if summary.main is None else summary.goal(summary.main)
    if not quotas or goal is None or goal.unit != "money" or goal.legs or goal.target <= 0:
        return None
    return sum(quotas), sum(quotas) / goal.target


def lang(language: Language) -> str:
    """The page's language as HTML names it."""
    return "zh-Hans" if language == "zh" else "en"
