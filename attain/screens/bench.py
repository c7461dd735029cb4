"""Speed on the terminal: a row for each plan, the engines side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

_HEADS = ("plan", "moves a run", "s a run", "times", "runs", "moves/s", "warm-up s", "compile s", "peak MB")
_NOTE = (
    "Processor seconds on one core, the median of the runs; a run is one replication, a move a stage visit that ended. "
    "Warm-up: imports, compiled code loaded, the plan read, one run. Compile: once an install, not once a plan."
)
_BOTH = "Two numbers in a cell are by the engines {engines}; times: by how much the faster one is faster."


def by_plan(rows: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The rows of each plan, in their order."""
    plans: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        plans.setdefault(row["plan"], []).append(row)
    return list(plans.values())


def times(rows: Sequence[dict[str, Any]]) -> float | None:
    """How many times as fast as the slowest engine the fastest is on a plan; None for one engine."""
    seconds = [row["seconds_per_replication"] for row in rows]
    return max(seconds) / max(min(seconds), 1e-9) if len(rows) > 1 else None


def cells(rows: Sequence[dict[str, Any]]) -> list[str]:
    """A plan's row for people, in the order of the heads but for the plan's name."""

    def each(key: str, show: Callable[[float], str]) -> str:
        return " / ".join("" if row[key] is None else show(row[key]) for row in rows).strip(" /")

    faster = times(rows)
    return [
        f"{rows[0]['moves_per_replication']:,.0f}",
        each("seconds_per_replication", "{:.3g}".format),
        "" if faster is None else f"{faster:,.1f}",
        each("replications", "{:,.0f}".format),
        each("moves_per_second", "{:,.0f}".format),
        each("warm_seconds", "{:.1f}".format),
        each("compile_seconds", "{:.1f}".format),
        each("peak_memory_mb", "{:,.0f}".format),
    ]


def screen(rows: Sequence[dict[str, Any]]) -> RenderableType:
    """The rows of `attain.bench.bench` as a table."""
    table = Table(box=None, pad_edge=False)
    for place, head in enumerate(_HEADS):
        table.add_column(Text(head), justify="right" if place else "left", overflow="fold")
    plans = by_plan(rows)
    for of_plan in plans:
        table.add_row(Text(of_plan[0]["plan"]), *cells(of_plan))
    engines = [row["engine"] for row in plans[0]] if plans else []
    note = f"{_BOTH.format(engines=' / '.join(engines))} {_NOTE}" if len(engines) > 1 else _NOTE
    return Group(table, Text(), Text(note, style="dim"))
