"""Every input of a plan with its source: fitted, given by the author, assumed, or default.

A page that shows a probability shows what it rests on. The plan's records know which fields were written; how many
tries or rows stand behind a number is in the plan (`{wins: 24, of: 60}`, a file's column) or, in a plan that
``calibrate`` wrote, in the comment beside it. Comments are also where an author says that a number is assumed; they are
kept as notes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from engine.plan.document import parse_document
from engine.plan.types import (
    AmountDistribution,
    LoadedPlan,
    Plan,
    PlanFiles,
    Record,
    Rep,
    Source,
    Stage,
    TimeDistribution,
    Uncertain,
)
from engine.problems import PlanRefused

Origin = Literal["fitted", "given", "assumed", "default"]
FITTED_HEADERS = "# Fitted by `attain calibrate`", "# 由 `attain calibrate` "
_FROM = re.compile(
    r"\b(?:from|of)\s+([\d,]+)\s+(?:\w+\s+){0,2}(?:deals|rows|leads|visits|months|periods)\b|\b([\d,]+) deals\b"
    r"|据\s*([\d,]+)\s*(?:笔|个月|期)|([\d,]+)\s*笔"
)
_ASSUMED = re.compile(r"\b(assum|guess|placeholder)|假设|假定|估计", re.IGNORECASE)


@dataclass(frozen=True)
class Input:
    """One input. `of`: tries, rows or deals it rests on, where known; `note`: the author's comment beside it."""

    path: tuple[str, ...]
    value: str
    origin: Origin
    of: float | None = None
    note: str = ""

    @property
    def name(self) -> str:
        """The path as people read it: reps.张伟.hours_per_week."""
        return ".".join(self.path)


def inputs_of(plan: Plan, files: PlanFiles | None = None, text: str = "") -> tuple[Input, ...]:
    """Every input of a plan, in the plan's order; `text` is the file as written, for the notes."""
    rows = [*_world(plan), *_funnel(plan), *_people(plan), *_demand(plan), *_beside(plan, files or PlanFiles())]
    notes = Notes(text)
    return tuple(_judged(row, notes.at(place), files, notes.fitted) for row, place in rows)


def inputs_of_loaded(loaded: LoadedPlan) -> tuple[Input, ...]:
    """`inputs_of` a loaded plan."""
    return inputs_of(loaded.plan, loaded.files, loaded.text)


def grouped(inputs: Sequence[Input]) -> tuple[tuple[Input, int], ...]:
    """Inputs that differ in the name of their rep, product, segment or source alone, as one with their number.

    `reps.*.hours_per_week` stands for all reps with the same value, source and note.
    """
    groups: dict[tuple[object, ...], list[Input]] = {}
    for row in inputs:
        alike = len(row.path) > 2 and row.path[0] in ("reps", "products", "segments", "sources")
        path = (row.path[0], *row.path[2:]) if alike else row.path
        groups.setdefault((path, len(row.path), row.value, row.origin, row.of, row.note), []).append(row)
    return tuple((_starred(rows), len(rows)) for rows in groups.values())


def _starred(rows: list[Input]) -> Input:
    if len(rows) == 1:
        return rows[0]
    return replace(rows[0], path=(rows[0].path[0], "*", *rows[0].path[2:]))


# --- the rows --------------------------------------------------------------------------------------------------------

Place = tuple[str | int, ...]
Row = tuple[Input, Place]


def _row(place: Place, names: Sequence[str], value: str, written: bool, of: float | None = None) -> Row:
    origin: Origin = "fitted" if of is not None else "given" if written else "default"
    return Input(tuple(names), value, origin, of), place


def _plain(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(item) for item in value) if value else "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.6g}"
    return str(value)


def described(value: TimeDistribution | AmountDistribution) -> str:
    """A distribution in one line: lognormal, median 12 d, p90 30 d."""
    if value.kind == "constant":
        return _plain(value.value)
    if value.file:
        return f"{value.kind}, {value.file}:{value.column}"
    parts: list[str] = [value.kind]
    for name in ("mean", "median", "p90", "sigma", "cv", "shape", "low", "mode", "high"):
        held = getattr(value, name)
        if held is not None:
            parts.append(f"{name} {_plain(held)}")
    if value.values:
        parts.append(f"{len(value.values)} values")
    if value.quantiles:
        parts.append(", ".join(f"{100 * p:g}% {_plain(x)}" for p, x in value.quantiles))
    return ", ".join(parts)


def _fields(record: Record, place: Place, names: Sequence[str], fields: Sequence[str]) -> Iterator[Row]:
    """The record's plain fields, those not written as defaults."""
    for field in fields:
        value = getattr(record, field)
        said = described(value) if isinstance(value, (TimeDistribution, AmountDistribution)) else _plain(value)
        yield _row((*place, field), (*names, field), said, field in record.model_fields_set)


def _written(record: Record, place: Place, names: Sequence[str], fields: Sequence[str]) -> Iterator[Row]:
    yield from _fields(record, place, names, [f for f in fields if f in record.model_fields_set])


def _odds(table: Mapping[str, float], place: Place, names: Sequence[str], field: str = "advance") -> Iterator[Row]:
    if table:
        said = ", ".join(f"{stage} {_plain(odds)}" for stage, odds in table.items())
        yield _row((*place, field), (*names, field), said, True)


def _months(stage: Stage, place: Place, names: Sequence[str]) -> Iterator[Row]:
    for field, found in (("advance_months", stage.advance_months), ("wait_months", stage.wait_months)):
        if found is not None:
            said = f"sd {_plain(found.sd)}, persistence {_plain(found.persistence)}"
            said += f", {', '.join(found.known)}" if found.known else ""
            yield _row((*place, field), (*names, field), said, True)


def _world(plan: Plan) -> Iterator[Row]:
    calendar = plan.calendar
    if calendar.days is not None:
        yield from _fields(calendar, ("calendar",), ("calendar",), ("days", "hours_per_day"))
    else:
        yield from _fields(calendar, ("calendar",), ("calendar",), ("country", "weekend", "hours_per_day"))
        yield from _written(calendar, ("calendar",), ("calendar",), ("subdivision", "makeup_workdays"))
    economy = plan.economy
    if economy is None:
        yield _row(("economy",), ("economy",), "–", False)
    else:
        fields = ("sd", "persistence", "regional_sd", "leads", "conversion")
        yield from _fields(economy, ("economy",), ("economy",), fields)
        yield from _written(economy, ("economy",), ("economy",), ("index",))
    yield from _fields(plan, (), (), ("phasing",))


def _funnel(plan: Plan) -> Iterator[Row]:
    for i, stage in enumerate(plan.stages):
        place, names = ("stages", i), ("stages", stage.name)
        if isinstance(stage.advance, Uncertain):
            wins, of = stage.advance.wins, stage.advance.of
            said = f"{_plain(wins)} / {_plain(of)} = {wins / of:.3f}"
            yield _row((*place, "advance"), (*names, "advance"), said, True, of)
        else:
            yield _row((*place, "advance"), (*names, "advance"), _plain(stage.advance), True)
        yield from _fields(stage, place, names, ("work", "wait"))
        yield from _written(stage, place, names, ("wait_lost", "stale_after"))
        yield from _months(stage, place, names)
    for name, product in plan.products.items():
        yield from _fields(product, ("products", name), ("products", name), ("deal_value",))
        yield from _odds(product.advance, ("products", name), ("products", name))
        yield from _odds(product.wait, ("products", name), ("products", name), "wait")
    for name, segment in plan.segments.items():
        yield from _fields(segment, ("segments", name), ("segments", name), ("share", "value"))
        yield from _odds(segment.advance, ("segments", name), ("segments", name))
    if plan.customers is not None:
        fields = ("money", "authority", "need", "strong_from", "priority")
        yield from _fields(plan.customers, ("customers",), ("customers",), fields)


def _people(plan: Plan) -> Iterator[Row]:
    for i, rep in enumerate(plan.reps):
        yield from _rep(rep, ("reps", i), ("reps", rep.name))
    routing = "routing" in plan.model_fields_set
    yield _row(("routing",), ("routing",), plan.routing.rule, routing)


def _rep(rep: Rep, place: Place, names: tuple[str, str]) -> Iterator[Row]:
    yield from _fields(rep, place, names, ("hours_per_week",))
    yield from _written(rep, place, names, ("start", "end"))
    if rep.ramp is not None:
        yield from _fields(rep.ramp, (*place, "ramp"), (*names, "ramp"), ("over", "starts_at"))
    if rep.prospecting is not None:
        found = rep.prospecting
        below, under = (*place, "prospecting"), (*names, "prospecting")
        yield from _fields(found, below, under, ("hours_per_week", "prospects_per_hour"))
    yield from _odds(rep.advance, place, names)
    yield from _odds(rep.wait, place, names, "wait")
    if rep.quota is not None:
        total = rep.quota.year if rep.quota.year is not None else sum(rep.quota.months)
        yield _row((*place, "quota"), (*names, "quota"), _plain(total), True)


def _demand(plan: Plan) -> Iterator[Row]:
    for name, source in plan.sources.items():
        yield from _source(source, ("sources", name), ("sources", name))


def _source(source: Source, place: Place, names: tuple[str, str]) -> Iterator[Row]:
    yield from _written(source, place, names, ("leads_per_month", "leads_per_day", "prospects"))
    if source.prospects is not None:
        yield from _fields(source, place, names, ("spread",))
    else:
        yield from _fields(source, place, names, ("season",))
    if source.budget is not None:
        yield _row((*place, "budget"), (*names, "budget"), _plain(_total(source.budget)), True)
    response = source.response
    if response is not None:
        if response.hill is not None:
            hill = response.hill
            most, half = _plain(hill.most_leads_per_month), _plain(hill.half_at)
            said = f"hill, {most} at most, half at {half}, shape {hill.shape:g}"
        else:
            said = f"linear, {_plain(response.linear.cost_per_lead)} a lead" if response.linear else ""
        row, where = _row((*place, "response"), (*names, "response"), said, True)
        yield (replace(row, origin="assumed") if response.assumed else row), where
    yield _row((*place, "mix"), (*names, "mix"), _mix(source), source.mix is not None)
    yield from _written(source, place, names, ("from_accounts", "economy"))
    yield from _odds(source.advance, place, names)
    yield from _odds(source.wait, place, names, "wait")


def _mix(source: Source) -> str:
    if source.mix is None:
        return "–"
    return "; ".join(
        f"{region}: " + ", ".join(f"{product} {_plain(weight)}" for product, weight in row.items())
        for region, row in source.mix.items()
    )


def _total(budget: object) -> float:
    if isinstance(budget, Mapping):
        return sum(_total(part) for part in budget.values())
    if isinstance(budget, tuple):
        return float(sum(budget))
    return float(budget) if isinstance(budget, (int, float)) else 0.0


def _beside(plan: Plan, files: PlanFiles) -> Iterator[Row]:
    held = (("accounts", plan.accounts, files.accounts), ("pipeline", plan.pipeline, files.pipeline))
    for name, reference, rows in (*held, ("actuals", plan.actuals, files.actuals)):
        if reference is not None:
            yield _row((name,), (name,), reference.file, True, float(len(rows)) if rows else None)


# --- where they come from --------------------------------------------------------------------------------------------


def _judged(row: Input, note: str, files: PlanFiles | None, fitted: bool) -> Input:
    """The row with its note, and the source that the note or a file's rows tell."""
    row = replace(row, note=note)
    if row.origin == "given" and row.value.startswith("empirical, ") and files is not None:
        values = files.columns.get(row.value.removeprefix("empirical, "))
        if values is not None:
            return replace(row, origin="fitted", of=float(len(values)))
    if row.origin not in ("given", "default"):
        return row
    if note and _ASSUMED.search(note):
        return replace(row, origin="assumed")
    found = _FROM.search(note) if fitted and row.origin == "given" else None
    if found is not None:
        return replace(row, origin="fitted", of=float(next(n for n in found.groups() if n).replace(",", "")))
    return row


class Notes:
    """The comments of a plan's text by place: on a value's own line, else on the lines right above it."""

    def __init__(self, text: str) -> None:
        self.fitted = text.startswith(FITTED_HEADERS)
        self._lines = text.splitlines()
        try:
            self._document: Any = parse_document(text) if text.strip() else None
        except PlanRefused:
            self._document = None

    def at(self, place: Place) -> str:
        """The comment that belongs to a place; empty where there is none, or the place is not in the text."""
        node: Any = self._document
        line = None
        for key in place:
            if not isinstance(node, (dict, list)):
                break
            try:
                marks: Any = node.lc  # type: ignore[union-attr]
                line = marks.key(key)[0] if isinstance(node, dict) else marks.item(key)[0]
                node = node[key]  # type: ignore[index]
            except (KeyError, IndexError, AttributeError, TypeError):
                return ""
        if line is None or not 0 <= line < len(self._lines):
            return ""
        return comment_of(self._lines[line]) or self._above(line)

    def _above(self, line: int) -> str:
        """Lines that hold nothing but a comment, indented as the value's line is, right above it."""
        indent = len(self._lines[line]) - len(self._lines[line].lstrip())
        found: list[str] = []
        for above in range(line - 1, -1, -1):
            stripped = self._lines[above].lstrip()
            if not stripped.startswith("#") or len(self._lines[above]) - len(stripped) != indent or indent == 0:
                break
            found.insert(0, stripped.lstrip("# ").rstrip())
        return " ".join(found)


def comment_of(line: str) -> str:
    """The comment at the end of a line of YAML, without its sign; quotes are kept apart."""
    quote = ""
    for i, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote and not (quote == '"' and line[i - 1] == "\\") else quote
        elif letter in "'\"" and (i == 0 or line[i - 1] in " [{,:"):
            quote = letter
        elif letter == "#" and (i == 0 or line[i - 1] in " \t"):
            return line[i:].lstrip("# ").strip()
    return ""
