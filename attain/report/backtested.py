"""The page of a back-test: what its JSON says, as one self-contained HTML document. Pure; escaped by jinja."""

from __future__ import annotations

from typing import Any

from attain.backtest.records import ATTAIN, RECALIBRATED
from attain.backtest.verdict import verdict
from attain.report import curves, page, rows
from attain.report.words import Words
from attain.screens import backtest as told_as
from attain.wording import Language


def render(told: dict[str, Any], language: Language = "en") -> str:
    """The page of a back-test's document (``attain.backtest.document``)."""
    say = told_as.Said(language)
    found = verdict(told)
    events = told["attainment"]
    drawn = [
        curves.Curve(
            say.name("m", m), tuple((d["probability"], d["happened"], d["events"]) for d in events[m]["curve"])
        )
        for m in (ATTAIN, RECALIBRATED)
        if m in events
    ]
    shown = [m for m in (ATTAIN, RECALIBRATED) if m in told["pit"]]
    context = {
        "told": told,
        "t": Words(language, "").t,
        "w": Words(language, ""),
        "say": say,
        "found": found,
        "lead": told_as.lead(told, say),
        "lines": told_as.verdict_lines(found, say),
        "support": told_as.support_lines(told, say),
        "notes": told_as.notes_of(told, say),
        "run": told_as.run_line(told, say),
        "coverage": (told_as.coverage_heads(say), told_as.coverage_rows(told, say)),
        "levels": (told_as.level_heads(say), told_as.level_rows(told, say)),
        "skill": (told_as.skill_heads(told, say), told_as.skill_rows(told, say, told["skill"])),
        "attainment": (told_as.attainment_heads(say), told_as.attainment_rows(told, say)) if events else None,
        "stages": (told_as.stage_heads(say), told_as.stage_rows(told, say)) if told["stages"] else None,
        "stage_title": told_as.stage_title(told, say) if told["stages"] else "",
        "stage_note": told_as.stage_note(told, say) if told["stages"] else "",
        "crps": _crps(told, say),
        "curve": curves.reliability(drawn, say("curve"), say("probability"), say("happened")) if drawn else None,
        "histograms": [
            (say.name("m", m), curves.histogram(told["pit"][m], f"{say('pit')}: {say.name('m', m)}")) for m in shown
        ],
        "lang": rows.lang(language),
        "rows": rows,
    }
    return page._environment().get_template("backtest.html.jinja").render(**context)


def _curve(name: str, dots: list[dict[str, Any]]) -> curves.Curve:
    return curves.Curve(name, tuple((d["probability"], d["happened"], d["events"]) for d in dots))


def _crps(told: dict[str, Any], say: told_as.Said) -> tuple[list[str], list[list[str]]]:
    """Mean CRPS of every method by level, horizon and measure."""
    methods = list(dict.fromkeys(r["method"] for r in told["crps"]))
    by: dict[tuple[str, str, str], dict[str, float]] = {}
    for row in told["crps"]:
        by.setdefault((row["level"], row["horizon"], row["measure"]), {})[row["method"]] = row["crps"]
    heads = [say("level"), say("horizon"), say("measure"), *(say.name("m", m) for m in methods)]
    body = [
        [say.name("l", level), say.name("h", horizon), say.name("s", measure),
         *(f"{by[level, horizon, measure][m]:,.4g}" if m in by[level, horizon, measure] else "–" for m in methods)]
        for level, horizon, measure in by
    ]  # fmt: skip
    return heads, body
