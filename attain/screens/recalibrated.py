"""A run's goals recalibrated, on the terminal: beside the plan's own figures, with what they were learnt from."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from attain.recalibrated import Figures, Recalibration, Row
from attain.wording import Metric, in_language, joined, money, number, percent, said, text
from attain.wording.numbers import Language, date


def screen(found: Recalibration, currency: str, language: Language = "en") -> RenderableType:
    """The table, why goals are not in it, and what to know of it."""
    title = text("recalibrated.title", language, history=found.history, until=found.until)
    parts: list[RenderableType] = [Text(), Text(title, style="bold")]
    changed = [row for row in found.rows if row.recalibrated is not None]
    if changed:
        parts.append(_table(changed, currency, language))
    others = [row for row in found.rows if row.recalibrated is None]
    if others:
        parts.append(Text(text("recalibrated.unchanged", language), style="yellow"))
        parts += [_unchanged(names, why, language) for why, names in _by_reason(others, language).items()]
    parts += [Text(line, style="dim") for line in _held(changed, language)]
    parts += [Text(in_language(note, language), style="dim") for note in found.notes]
    return Group(*parts)


def _by_reason(rows: list[Row], language: Language) -> dict[str, list[str]]:
    """Why nothing was changed -> of what."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(in_language(row.why or "", language), []).append(_name(row, language))
    return found


def _unchanged(names: list[str], why: str, language: Language) -> RenderableType:
    grid = Table.grid(Column(), Column(overflow="fold"), padding=(0, 1))
    grid.add_row("•", Text(f"{joined(names, language)}{': ' if language == 'en' else '：'}{why}"))
    return grid


def _table(rows: list[Row], currency: str, language: Language) -> Table:
    asked = any(row.target is not None for row in rows)
    heads = ("goal", "model", "made", *(("chance", "chance_made") if asked else ()), "from")
    columns = (
        Column(
            text(f"recalibrated.{head}", language),
            justify="left" if head in ("goal", "from") else "right",
            overflow="fold",
        )
        for head in heads
    )
    table = Table(*columns, box=None, pad_edge=False, padding=(0, 1))
    for row in rows:
        assert row.recalibrated is not None
        horizon = text(f"recalibrated.horizon.{row.horizon}", language)
        table.add_row(
            Text(_name(row, language)[:1].upper() + _name(row, language)[1:] if not row.name else row.name),
            _span(row, row.model, currency, language),
            Text(_span(row, row.recalibrated, currency, language), style="bold"),
            *(_chances(row, language) if asked else ()),
            Text(text("recalibrated.learnt", language, n=str(row.origins), horizon=horizon), style="dim"),
        )
    return table


def _name(row: Row, language: Language) -> str:
    if row.name:
        return row.name
    measure = said(Metric(row.measure), language)
    return text("recalibrated.ahead", language, measure=measure, until=date(row.until, language))


def _span(row: Row, figures: Figures, currency: str, language: Language) -> str:
    ends = (figures.p10, figures.p90)
    low, high = (money(x, "", language) if row.measure == "bookings" else number(round(x), language) for x in ends)
    return f"{low} .. {high}"


def _chance(figures: Figures, language: Language) -> str:
    return "" if figures.probability is None else percent(figures.probability, language)


def _chances(row: Row, language: Language) -> tuple[Text, Text]:
    made = row.recalibrated or row.model
    return Text(_chance(row.model, language)), Text(_chance(made, language), style="bold")


def _held(rows: list[Row], language: Language) -> list[str]:
    """How often such intervals held in the back-test, of the company's."""
    seen, out = set(), []
    for row in rows:
        model, made = row.covered
        key = (row.level, row.measure, row.horizon)
        if row.level != "company" or key in seen or model is None or made is None:
            continue
        seen.add(key)
        horizon = text(f"recalibrated.horizon.{row.horizon}", language)
        values = {"model": percent(model, language, 0), "made": percent(made, language, 0), "n": str(row.scored)}
        measure = said(Metric(row.measure), language)
        out.append(text("recalibrated.held", language, horizon=horizon, measure=measure, **values))
    return out
