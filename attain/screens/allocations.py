"""Allocations by several methods on the terminal: what each attains on the same fresh paths, and ours over it."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from attain.screens.allocations_texts import said
from attain.wording.numbers import Language, percent


def screen(document: dict[str, Any], language: Language = "en") -> RenderableType:
    """What `attain.bench.allocations` found."""
    parts: list[RenderableType] = []
    for plan in document["plans"]:
        parts += [Text(said("aim", language, plan=plan["plan"], aim=plan["objective"]), style="bold")]
        if not plan["rows"]:
            parts += [Text(said("nothing", language)), Text()]
            continue
        parts += [_table(plan["rows"], language)]
        parts += [
            Text(f"{said(row['method'], language)}: {row['note']}", style="dim") for row in plan["rows"] if row["note"]
        ]
        parts += [Text()]
        if plan["behind"]:
            names = ", ".join(said(name, language) for name in plan["behind"])
            parts += [Text(said("behind", language, names=names), style="red"), Text()]
    limits, first = document["big_m"], document["plans"][0] if document["plans"] else {"n": 0, "seed": 0}
    values = {"paths": limits["paths"], "nodes": f"{limits['nodes']:,}", "clock": f"{limits['seconds']:g}"}
    notes = said("notes", language, n=f"{first['n']:,}", seed=first["seed"], **values)
    return Group(*parts, Text(notes, style="dim"))


def _table(rows: list[dict[str, Any]], language: Language) -> Table:
    table = Table(box=None, pad_edge=False)
    for key in ("method", "probability", "interval", "ahead", "interval", "seconds"):
        table.add_column(said(key, language), justify="left" if key == "method" else "right", overflow="fold")
    for row in rows:
        ahead = row["ours_over_it"]
        shown = None if row["probability"] is None else percent(row["probability"], language, 1)
        low, high = row["interval"] or (0.0, 0.0)
        table.add_row(
            Text(said(row["method"], language)),
            shown or "",
            f"{percent(low, language, 1)} .. {percent(high, language, 1)}" if shown else "",
            "" if ahead is None else f"{ahead['points']:+.1f}",
            "" if ahead is None else f"{ahead['interval'][0]:+.1f} .. {ahead['interval'][1]:+.1f}",
            f"{row['seconds']:.1f}",
        )
    return table
