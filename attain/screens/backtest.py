"""A back-test on the terminal: whether intervals hold, against whom it wins, what the history's size supports.

It takes what ``--json`` prints. Everything that comes from the history is `Text`: nothing in it is read as markup.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from attain.backtest.baselines import MISSING
from attain.backtest.records import ATTAIN, RECALIBRATED
from attain.backtest.verdict import LEVEL, SHORT, Verdict, headline, verdict
from attain.wording import Language, date, joined, number, percent, span, text
from attain.wording.refusals import refusal_in

Row = dict[str, Any]
SHOWN = 0.8, 0.9
PARTS = ("score", "reliability", "resolution")


class Said:
    """The texts of a back-test in one language, methods, levels and horizons by their names."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        return text(f"backtest.{key}", self.language, **values)

    def name(self, kind: str, what: str) -> str:
        """A method (m), horizon (h), level (l) or measure (s); a level of a table's own is called as the table does."""
        from attain.wording import TEXTS

        return self(f"{kind}.{what}") if f"backtest.{kind}.{what}" in TEXTS else what

    def day(self, iso: str) -> str:
        """A date."""
        return date(dt.date.fromisoformat(iso), self.language)

    def signed(self, share: float | None) -> str:
        """+20%, −5%."""
        if share is None:
            return "–"
        return f"{100 * share:+.0f}%".replace("-", "−") if share > -9.995 else "<−999%"


def screen(told: Row, language: Language = "en", files: Sequence[Path] = ()) -> RenderableType:
    """Everything that `attain backtest` shows."""
    say = Said(language)
    found = verdict(told)
    parts: list[RenderableType] = [
        Text(say("title", name=told["history"]), style="bold"),
        Text(lead(told, say)),
        Text(),
    ]
    good = (found.holds or found.raw_holds) and not found.few and not found.short
    sentences = verdict_lines(found, say)
    parts += [Text(sentences[0], style="bold green" if good else "bold yellow"), *map(Text, sentences[1:]), Text()]
    if found.reasons:
        parts += [Text(say("why"), style="bold"), *(_bullet(say(f"why.{r}")) for r in found.reasons), Text()]
    parts += [_coverage(told, say), Text(), _skill(told, say), Text()]
    if told["attainment"]:
        parts += [_attainment(told, say), Text()]
    if told["stages"]:
        parts += [_stages(told, say), Text()]
    parts += [Text(say("support"), style="bold"), *(_bullet(line) for line in support_lines(told, say)), Text()]
    notes = notes_of(told, say)
    if notes:
        parts += [Text(say("notes"), style="bold"), *(_bullet(note) for note in notes), Text()]
    if files:
        parts.append(Text(say("wrote", files=joined([str(f) for f in files], language))))
    parts.append(Text(run_line(told, say), style="dim"))
    return Group(*parts)


# --- sentences, which the page says too -------------------------------------------------------------------------------


def lead(told: Row, say: Said) -> str:
    """When it was forecast, and how many cells were scored."""
    folds = told["folds"]
    first, last = say.day(folds[0]["origin"]), say.day(folds[-1]["origin"])
    cells = number(sum(f["cells"] for f in folds), say.language)
    said = say("lead", folds=len(folds), first=first, last=last, cells=cells)
    return f"{said} {say('learnt', n=told['learnt_origins'])}" if told["learnt_origins"] else said


def verdict_lines(found: Verdict, say: Said) -> list[str]:
    """What it comes to."""
    values = {
        "covered": percent(found.covered, say.language, 0),
        "raw": percent(found.raw, say.language, 0),
        "cells": number(found.cells, say.language),
        "horizons": joined([say.name("h", h) for h in found.horizons], say.language),
    }
    if found.raw_holds and not found.holds:
        lines = [say("as_fitted_holds", **values)]
    else:
        key = "holds" if found.holds else "narrow_verdict" if found.covered < LEVEL else "wide_verdict"
        lines = [say(key, **values)]
        if found.method == RECALIBRATED:
            lines[0] += (" " if say.language == "en" else "") + say("as_fitted", **values)
    if found.few:
        lines.append(say("few"))
    lines += _short_lines(found, say)
    if found.best is not None and not found.losing:
        lines.append(say("better_all", groups=found.groups))
    elif found.best is not None:
        score = {"losing": len(found.losing), "groups": found.groups, "overall": say.signed(found.overall)}
        lines.append(say("better_some", best=say.name("m", found.best), **score))
    return lines


def _short_lines(found: Verdict, say: Said) -> list[str]:
    """What does not hold of longer horizons, where the first line is not about just those."""
    if not found.short or (found.raw < LEVEL - SHORT and {s.horizon for s in found.short} == set(found.horizons)):
        return []
    each = [
        say(
            "short_each" if s.recalibrated is None else "short_both",
            horizon=say.name("h", s.horizon),
            raw=percent(s.raw, say.language, 0),
            recalibrated=percent(s.recalibrated or 0.0, say.language, 0),
        )
        for s in found.short
    ]
    learnt = any(s.recalibrated is not None for s in found.short)
    return [say("short", each=joined(each, say.language)), say("short_learnt" if learnt else "short_raw")]


def support_lines(told: Row, say: Said) -> list[str]:
    """What the history's size supports, and what more would."""
    size = told["support"]
    lines = []
    if size.get("least_half_width") is not None:
        values = {key: number(round(size[key], 1), say.language) for key in ("won", "quarters")}
        rate = number(round(size["won_a_quarter"]), say.language)
        least = percent(size["least_half_width"], say.language)
        lines.append(say("support_deals", rate=rate, least=least, **values))
        needs = [
            say("support_need", width=percent(row["half_width"], say.language), n=number(row["won_a_quarter"]))
            for row in size["won_needed"]
        ]
        lines.append((" " if say.language == "en" else "").join(needs))
    if size.get("origins_needed"):
        lines.append(say("support_origins", n=size["origins_needed"], have=len(told["folds"])))
    return lines


def notes_of(told: Row, say: Said) -> list[str]:
    """What was left out, and what came up."""
    absent = [
        say("absent", method=say.name("m", method), why=say("missing" if why == MISSING else "unwanted"))
        for method, why in told["absent"].items()
    ]
    return [*absent, *(refusal_in(note, say.language) for note in told["notes"])]


def run_line(told: Row, say: Said) -> str:
    """Seed, replications, seconds."""
    return say("run", seed=told["seed"], n=told["replications"], seconds=f"{told['seconds']:.0f}")


# --- tables -----------------------------------------------------------------------------------------------------------


def _table(title: str, heads: Iterable[str], left: int, wide: bool = False) -> Table:
    columns = (
        Column(head, justify="left" if i < left else "right", overflow="fold", no_wrap=wide and i < left)
        for i, head in enumerate(heads)
    )
    return Table(*columns, title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)


def _bullet(words: str) -> RenderableType:
    row = Table.grid(Column(), Column(overflow="fold"), padding=(0, 1))
    row.add_row("•", Text(words))
    return row


def coverage_rows(told: Row, say: Said) -> list[list[str]]:
    """Horizon, measure, method, coverage of each shown interval with its error, cells."""
    by: dict[tuple[str, str, str], dict[float, Row]] = {}
    for row in told["coverage"]:
        if row["level"] == "all" and row["method"] in (ATTAIN, RECALIBRATED):
            by.setdefault((row["horizon"], row["measure"], row["method"]), {})[row["interval"]] = row
    out = []
    for (horizon, measure, method), levels in by.items():
        shown = []
        for level in SHOWN:
            low, high = levels[level]["error"]
            ends = f" ({100 * low:.0f}–{100 * high:.0f})" if high == high else ""
            mark = {True: " ✓", False: " ✗", None: ""}[levels[level]["within"]]
            shown.append(f"{percent(levels[level]['covered'], say.language, 0)}{ends}{mark}")
        cells = number(levels[SHOWN[0]]["cells"], say.language)
        out.append([say.name("h", horizon), say.name("s", measure), say.name("m", method), *shown, cells])
    return out


def coverage_heads(say: Said) -> list[str]:
    """The heads of ``coverage_rows``."""
    levels = [say("interval", level=percent(level, say.language)) for level in SHOWN]
    return [say("horizon"), say("measure"), say("method"), *levels, say("cells")]


def level_rows(told: Row, say: Said) -> list[list[str]]:
    """Level, horizon, measure, method, coverage and mean width of each shown interval, cells."""
    by: dict[tuple[str, str, str, str], dict[float, Row]] = {}
    for row in told["coverage"]:
        if row["level"] != "all":
            by.setdefault((row["level"], row["horizon"], row["measure"], row["method"]), {})[row["interval"]] = row
    return [
        [
            say.name("l", level), say.name("h", horizon), say.name("s", measure), say.name("m", method),
            *(percent(rows[x]["covered"], say.language, 0) for x in SHOWN),
            *(f"{rows[x]['width']:,.4g}" for x in SHOWN), number(rows[SHOWN[0]]["cells"], say.language),
        ]
        for (level, horizon, measure, method), rows in by.items()
    ]  # fmt: skip


def level_heads(say: Said) -> list[str]:
    """The heads of ``level_rows``."""
    first = coverage_heads(say)
    widths = [say("width", level=percent(level, say.language)) for level in SHOWN]
    return [say("level"), *first[:-1], *widths, first[-1]]


def _coverage(told: Row, say: Said) -> RenderableType:
    table = _table(say("coverage"), coverage_heads(say), left=3)
    for row in coverage_rows(told, say):
        table.add_row(*map(Text, row))
    return Group(table, Text(say("coverage_note"), style="dim"))


def baselines_of(told: Row) -> list[str]:
    """The methods that attain is held against."""
    return list(dict.fromkeys(m for row in told["skill"] for m in row["against"]))


def skill_rows(told: Row, say: Said, rows: Iterable[Row]) -> list[list[str]]:
    """Level, horizon, measure, which forecast of ours, and its skill against each baseline."""
    methods = baselines_of(told)
    return [
        [
            say.name("l", row["level"]), say.name("h", row["horizon"]), say.name("s", row["measure"]),
            say.name("m", row["method"]), *(say.signed(row["against"].get(m)) for m in methods),
        ]
        for row in rows
    ]  # fmt: skip


def skill_heads(told: Row, say: Said) -> list[str]:
    """The heads of ``skill_rows``."""
    names = [say.name("m", m) for m in baselines_of(told)]
    return [say("level"), say("horizon"), say("measure"), say("method"), *names]


def _skill(told: Row, say: Said) -> RenderableType:
    measures = [row["measure"] for row in told["skill"]]
    main = "bookings" if "bookings" in measures else measures[0]
    title = f"{say('skill')} ({say.name('s', main)})"
    heads = skill_heads(told, say)
    table = _table(title, [*heads[:2], *heads[3:]], left=3, wide=True)
    for row in skill_rows(told, say, (r for r in headline(told["skill"]) if r["measure"] == main)):
        cells = [*row[:2], *row[3:]]
        table.add_row(*(Text(cell, style="red" if cell[:1] in "−<" else "") for cell in cells))
    return Group(table, Text(say("skill_note"), style="dim"))


def attainment_rows(told: Row, say: Said) -> list[list[str]]:
    """Method, Brier score, reliability, resolution, events."""
    return [
        [
            say.name("m", method),
            *(f"{b[key]:.3f}" for key in ("score", "reliability", "resolution")),
            f"{b['events']:,}",
        ]
        for method, b in told["attainment"].items()
    ]


def attainment_heads(say: Said) -> list[str]:
    """The heads of ``attainment_rows``."""
    return [say(key) for key in ("method", "brier", "reliability", "resolution", "events")]


def _attainment(told: Row, say: Said) -> RenderableType:
    table = _table(say("attainment"), attainment_heads(say), left=1)
    for row in attainment_rows(told, say):
        table.add_row(*row)
    return Group(table, Text(say("attainment_note"), style="dim"))


def stage_rows(told: Row, say: Said) -> list[list[str]]:
    """Stage, figure, what came true, the fitted interval, the widened one."""
    out = []
    for row in told["stages"]:
        share = row["figure"] == "conversion"

        def value(x: float, share: bool = share) -> str:
            return percent(x, say.language, 1) if share else span(x, say.language)

        fitted = f"{value(row['p10'])} – {value(row['p90'])} {'✓' if row['within'] else '✗'}"
        wide = f"{value(row['wide'][0])} – {value(row['wide'][1])} {'✓' if row['within_wide'] else '✗'}"
        out.append([row["stage"], say(f"figure.{row['figure']}"), value(row["actual"]), fitted, wide])
    return out


def stage_heads(say: Said) -> list[str]:
    """The heads of ``stage_rows``."""
    return [say(key) for key in ("stage", "figure", "actual", "fitted", "widened")]


def stage_title(told: Row, say: Said) -> str:
    """Which month was held out."""
    from attain.wording import month

    return say("stages", month=month(told["stages"][0]["month"], say.language))


def stage_note(told: Row, say: Said) -> str:
    """How many figures were inside."""
    rows = told["stages"]
    inside, wide = (sum(r[key] for r in rows) for key in ("within", "within_wide"))
    return say("stages_note", inside=inside, wide=wide, n=len(rows))


def _stages(told: Row, say: Said) -> RenderableType:
    table = _table(stage_title(told, say), stage_heads(say), left=2)
    for row in stage_rows(told, say):
        table.add_row(*map(Text, row))
    return Group(table, Text(stage_note(told, say), style="dim"))
