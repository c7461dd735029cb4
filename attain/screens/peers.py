"""The peer funnel on the terminal: our engines beside other simulators, and what cannot be shown and why."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

_HEADS = ("program", "made with", "s a run", "x compiled", "x script", "compile s", "runs", "moves/s")
_NOTE = (
    "Processor seconds on one core for a replication of {days} days, the median, in {turns} turns, each program in a "
    "fresh process each time and one after the other in short slices. x compiled, x script: how many times the time of "
    "our compiled engine, and of the SimPy script; the median of the turns. All that are shown agree with the script "
    "on leads, deals won and moves within {sigmas} standard errors."
)


def screen(document: dict[str, Any]) -> RenderableType:
    """What `attain.bench.peers` found."""
    table = Table(box=None, pad_edge=False)
    for place, head in enumerate(_HEADS):
        table.add_column(Text(head), justify="left" if place < 2 else "right", overflow="fold")
    for row in document["rows"]:
        table.add_row(*map(Text, cells(row)))
    wrong = [f"{wrong['program']}: {because}" for wrong in document["disagree"] for because in wrong["because"]]
    parts: list[RenderableType] = [table] if document["rows"] else []
    if wrong:
        parts += [Text(), Text("Not the same model, or not running; so no speed:", style="red")]
        parts += [Text(f"  - {line}") for line in wrong]
    if document["absent"]:
        parts += [Text(), Text("Not here:")]
        parts += [Text(f"  - {absent['program']}: {absent['reason']}") for absent in document["absent"]]
    return Group(*parts, Text(), Text(_NOTE.format(**document), style="dim"))


def cells(row: dict[str, Any]) -> list[str]:
    """A program's row for people."""
    compiled = row["compile_seconds"]
    return [
        row["program"],
        row["made_with"],
        f"{row['seconds_per_replication']:.3g}",
        ratio(row["over_compiled"]),
        ratio(row["over_script"]),
        "" if compiled is None else f"{compiled:.1f}",
        f"{row['replications']:,}",
        f"{row['moves_per_second']:,.0f}",
    ]


def ratio(found: dict[str, float] | None) -> str:
    """How many times another's time, to three digits."""
    if found is None:
        return ""
    median = found["median"]
    return f"{median:,.0f}" if median >= 100 else f"{median:.3g}"
