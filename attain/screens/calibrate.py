"""A calibration on the terminal: what each column was taken for, what was left out, what was fitted, what to know.

Everything that comes from the history is `Text`: nothing in it is read as markup.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from attain.calibrate import CalibrationResult
from attain.history.holidays import A_MONTH, interval, one_more
from attain.history.mapping import Mapping
from attain.history.presets import PRESETS
from attain.history.records import reasons
from attain.screens.calibrate_tables import paired, tables
from attain.screens.calibrate_texts import KINDS_ZH, said
from attain.wording import TEXTS, in_language, text
from attain.wording.leftout import reason_in, unfitted
from attain.wording.numbers import Language, date, joined, money, month, number, percent
from attain.wording.refusals import refusal_in

MOST_PRODUCTS = 10
MOST_REASONS = 12
MOST_WORDS = 6  # of a status or a stage, named one by one
WHOLE_YEAR = dt.timedelta(days=360)
EVEN_SEASON = 0.02  # months within +- this of the mean are no season worth a sentence


def screen(found: CalibrationResult, language: Language = "en") -> RenderableType:
    """Everything that `attain calibrate` shows."""
    fitted = found.fitted
    shape = said(f"shape_{found.mapping.shape}", language)
    head = said("read", language, rows=f"{found.rows:,}", used=f"{found.used:,}", shape=shape)
    parts: list[RenderableType] = [Text(head, style="bold"), Text()]
    if found.refused:
        parts += [_left_out(found, language), Text()]
    if found.quality:
        parts += [_quality(found, language), Text()]
    parts += [*_mapping(found, language), Text()]
    if found.paired is not None and found.mapping.deals is not None:
        parts += [*paired(found.paired, found.mapping.deals, language), Text()]
    if found.tables:
        parts += [*tables(found.tables, found.strangers, language), Text()]
    parts += [_stages(fitted["stages"], language), Text()]
    if "effort" in fitted:
        parts += [_effort(fitted["effort"], language), Text()]
    if len(fitted["products"]) > 1:
        parts += [*_products(fitted["products"], language), Text()]
    parts += [_rest(fitted, language), Text()]
    if fitted["not_fitted"]:
        parts += [Text(said("not_fitted", language), style="bold")]
        parts += [*(_bullet(unfitted(why, language)) for why in fitted["not_fitted"].values()), Text()]
    if found.notes:
        notes = (in_language(note, language) for note in found.notes)
        parts += [Text(said("notes", language), style="bold"), *(_bullet(note) for note in notes), Text()]
    parts.append(Text(f"{said('wrote', language)} {joined([str(file) for file in found.files], language)}"))
    parts.append(Text(said("next", language, plan=found.plan), style="bold green"))
    return Group(*parts)


def _table(title: str, heads: Sequence[str], left: int = 1) -> Table:
    """A table with its first `left` columns to the left, the others to the right."""
    columns = (Column(head, justify="left" if i < left else "right", overflow="fold") for i, head in enumerate(heads))
    return Table(*columns, title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)


def _bullet(words: str) -> RenderableType:
    row = Table.grid(Column(), Column(overflow="fold"), padding=(0, 1))
    file = "." in words.split(":")[0].split(" ")[0]  # a file's name keeps its letters
    row.add_row("•", Text(words if file else words[:1].upper() + words[1:]))
    return row


def _left_out(found: CalibrationResult, language: Language) -> RenderableType:
    table = _table(said("left_out", language), [said(key, language) for key in ("rows", "reason", "first")], left=3)
    first = {refusal.reason: refusal for refusal in reversed(found.refused)}
    counts = reasons(found.refused)
    for reason, count in list(counts.items())[:MOST_REASONS]:
        example = said("line", language, row=first[reason].row, why=refusal_in(first[reason].why, language))
        words = reason_in(reason, language)
        table.add_row(f"{count:,}", Text(words, style="yellow"), Text(example, style="dim"))
    return _cut(table, len(counts) - MOST_REASONS, language)


def _quality(found: CalibrationResult, language: Language) -> RenderableType:
    """The data-quality report: what is odd, what it does to a fit, what was done."""
    lines: list[RenderableType] = [Text(said("quality", language), style="bold")]
    for finding in found.quality:
        kind = KINDS_ZH.get(finding.kind, finding.kind) if language == "zh" else finding.kind
        what, effect, done = (in_language(words, language) for words in (finding.what, finding.effect, finding.done))
        row = Table.grid(Column(), Column(overflow="fold"), padding=(0, 1))
        colon, stop = (": ", ".") if language == "en" else ("：", "。")
        words = Text(f"{kind[:1].upper()}{kind[1:]}{colon}", style="yellow")
        words.append(what, style="default")
        gap = " " if language == "en" else ""
        then = f"{said('effect', language)}{gap}{effect}{stop}{gap}{said('done', language)}{gap}{done}{stop}"
        words.append(f"\n{then}", style="dim")
        row.add_row("•", words)
        lines.append(row)
    return Group(*lines)


def _cut(table: Table, left: int, language: Language) -> RenderableType:
    return Group(table, Text(said("more", language, n=left), style="dim")) if left > 0 else table


def _mapping(found: CalibrationResult, language: Language) -> list[RenderableType]:
    mapping = found.mapping
    table = _table(said("mapping", language), [said(key, language) for key in ("field", "column", "format")], left=3)
    for field, column in mapping.columns.items():
        name = text(f"field.{field}", language) if f"field.{field}" in TEXTS else field
        told_as = field if language == "en" or name == field else f"{name}（{field}）"
        table.add_row(Text(told_as), Text(column), Text(mapping.dates.get(field, ""), style="dim"))
    lines: list[RenderableType] = [table]
    preset = next((p for p in PRESETS if p.name == mapping.preset), None)
    if preset is not None:
        lines.insert(
            0,
            Text(
                said("preset", language, name=preset.title if language == "en" else preset.chinese or preset.title),
                style="green",
            ),
        )
    lines += [Text(line, style="dim") for line in _words(mapping, language)]
    file = _mapping_file(found.files)
    if file is not None:
        lines.append(Text(said("correct", language, file=file, plan=found.plan), style="dim"))
    return lines


def _words(mapping: Mapping, language: Language) -> list[str]:
    lines = []
    for kind in ("won", "lost", "open", "stages", "automats"):
        words: tuple[str, ...] = getattr(mapping, kind)
        if words:
            shown = ", ".join(words[:MOST_WORDS]) + (", …" if len(words) > MOST_WORDS else "")
            lines.append(said("words", language, what=said(f"word_{kind}", language), words=shown))
    if mapping.unit != 1.0:
        lines.append(said("unit", language, unit=f"{mapping.unit:,.0f}"))
    if mapping.timezone:
        lines.append(said("timezone", language, zone=mapping.timezone))
    if mapping.cases:
        lines.append(said("cases", language, file=mapping.cases["file"], amount=mapping.cases["amount"]))
    return lines


def _mapping_file(files: Sequence[Path]) -> Path | None:
    return next((file for file in files if file.name.endswith("-mapping.yaml")), None)


def _stages(stages: Sequence[dict[str, Any]], language: Language) -> RenderableType:
    keys = ("stage", "entered", "lost", "open", "raw", "conversion", "known", "half", "most")
    table = _table(said("stages", language), [said(key, language) for key in keys])
    for stage in stages:
        waits = stage["wait"]
        table.add_row(
            Text(stage["name"]),
            *(f"{stage[key]:,}" for key in ("entered", "lost", "open")),
            Text(percent(stage["raw"], language, 1), style="dim"),
            Text(percent(stage["wins"] / stage["of"], language, 1), style="bold"),
            f"{stage['of']:,.0f}",
            *("–" if waits is None else span(waits[q], language) for q in ("0.5", "0.9")),
        )
    return Group(table, Text(said("stages_how", language), style="dim"))


def _effort(effort: dict[str, Any], language: Language) -> RenderableType:
    """What a visit to each stage takes; of all together, where it cannot be told how hours split over them."""
    table = _table(
        said("effort_stages", language), [said(k, language) for k in ("stage", "work", "work_range", "visits")]
    )
    for name, stage in effort["stages"].items():
        hours, low, high = (f"{x:.3g}" if x < 100 else f"{x:,.0f}" for x in (stage["hours"], *stage["interval"]))
        between = said("range", language, low=low, high=high)
        table.add_row(Text(name), Text(hours, style="bold"), between, f"{stage['visits']:,}")
    how = said("effort_how" if effort["split"] else "effort_alike", language, busy=percent(effort["busy"], language, 0))
    return Group(table, Text(how, style="dim"))


def span(days: float, language: Language = "en") -> str:
    """A length of time in the unit in which it is a number to be read: 45 min, 3.5 h, 12 d."""
    if days * 24.0 < 1.0:
        return said("minutes", language, n=max(1, round(days * 1440.0)))
    if days < 2.0:
        return said("hours", language, n=number(round(days * 24.0, 1), language))
    return said("days", language, n=number(round(days, 1 if days < 20.0 else 0), language))


def _products(products: dict[str, dict[str, Any]], language: Language) -> list[RenderableType]:
    table = _table(said("products", language), [said(key, language) for key in ("product", "deals", "mean")])
    ranked = sorted(products.items(), key=lambda item: (-item[1]["deals"], item[0]))
    for name, value in ranked[:MOST_PRODUCTS]:
        table.add_row(Text(name), f"{value['deals']:,}", money(value["mean"], "", language))
    return [_cut(table, len(ranked) - MOST_PRODUCTS, language)]


def _rest(fitted: dict[str, Any], language: Language) -> RenderableType:
    """People, regions, leads, pipeline, what is booked, and the goal: a line each."""
    start, end = (_day(text, language) for text in fitted["horizon"])
    as_of = _day(fitted["as_of"], language)
    base = fitted["base"]
    regions = fitted["regions"]
    shown = joined(regions[:MOST_WORDS], language) if len(regions) <= MOST_WORDS else f"{len(regions)}"
    economy = fitted["economy"]
    rows = {
        "people": said("people_value", language, n=fitted["reps"]),
        **({"regions": shown} if len(regions) > 1 else {}),
        "leads": _leads(fitted, language),
        **_moved(fitted, language),
        **(
            {
                "economy": said(
                    "economy_value",
                    language,
                    sd=percent(economy["sd"][0], language, 0),
                    low=percent(economy["sd"][1], language, 0),
                    high=percent(economy["sd"][2], language, 0),
                )
            }
            if economy
            else {}
        ),
        "pipeline": said("pipeline_value", language, n=f"{fitted['pipeline']:,}", day=as_of),
    }
    if fitted["actuals"]["deals"]:
        amount = money(fitted["actuals"]["bookings"], "", language)
        n = f"{fitted['actuals']['deals']:,}"
        rows["booked"] = said("booked_value", language, amount=amount, n=n, start=start, day=as_of)
    since, until = (_day(base[key], language) for key in ("since", "until"))
    amount = money(base["bookings"], "", language)
    whole = dt.date.fromisoformat(base["until"]) - dt.date.fromisoformat(base["since"]) >= WHOLE_YEAR
    rows["base"] = said("base_value" if whole else "base_scaled", language, amount=amount, since=since, until=until)
    rows["goal"] = said("goal_value", language, amount=money(fitted["goal"], "", language), end=end)
    table = Table.grid(Column(), Column(overflow="fold"), padding=(0, 2))
    for key, value in rows.items():
        table.add_row(Text(said(key, language)), Text(value, style="bold" if key == "goal" else ""))
    return Group(Text(said("rest", language), style="bold"), table)


def _leads(fitted: dict[str, Any], language: Language) -> str:
    per_month = number(round(fitted["leads_per_month"], 1), language)
    season: list[float] = fitted["season"]
    sure = 1.96 * fitted["leads_sd"]
    if sure >= EVEN_SEASON:
        most = number(round(fitted["leads_per_month"] * math.exp(sure), 1), language)
        least = number(round(fitted["leads_per_month"] * math.exp(-sure), 1), language)
        per_month = said("between", language, n=per_month, low=least, high=most)
    low, high = min(season), max(season)
    if high - low < EVEN_SEASON:
        return said("leads_value", language, n=per_month)
    months = [month(f"2000-{i + 1:02d}", language, year=False) for i in range(len(season))]
    shares = {"low_share": percent(low, language, 0), "high_share": percent(high, language, 0)}
    names = {"low": months[season.index(low)], "high": months[season.index(high)]}
    return said("leads_season", language, n=per_month, **names, **shares)


def _moved(fitted: dict[str, Any], language: Language) -> dict[str, str]:
    """What moves leads from year to year: working days and the festival, where they were fitted."""
    rows = {}
    days, festival = fitted["working_days"], fitted["festival"]
    if days is not None:
        more = {k: f"{one_more(days[v]):+.1%}" for k, v in (("middle", "elasticity"), ("low", "low"), ("high", "high"))}
        country = fitted["country"]
        known = said("holidays_of" if country else "holidays_none", language, country=country)
        assumed = said("workdays_assumed", language) if days["assumed"] else ""
        rows["workdays"] = said("workdays_value", language, of=A_MONTH, **more) + known + assumed
    if festival is not None:
        middle, low, high = (percent(math.exp(v), language, 0) for v in interval(*festival))
        rows["festival"] = said("festival_value", language, middle=middle, low=low, high=high)
    return rows


def _day(text: str, language: Language) -> str:
    return date(dt.date.fromisoformat(text), language)
