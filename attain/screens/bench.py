"""Speed on the terminal: a row for each plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

_HEADS = ("plan", "engine", "runs", "s a run", "moves a run", "moves/s", "leads a run", "warm-up s", "peak MB")
_NOTE = (
    "Processor seconds on one core, the median of the runs; a run is one replication, a move a stage visit that ended. "
    "Warm-up: imports, compiled code loaded or made, the plan read, one run."
)


def screen(rows: Sequence[dict[str, Any]]) -> RenderableType:
    """The rows of `attain.bench.bench` as a table."""
    table = Table(box=None, pad_edge=False)
    for place, head in enumerate(_HEADS):
        table.add_column(Text(head), justify="left" if place < 2 else "right", overflow="fold")
    for row in rows:
        peak = row["peak_memory_mb"]
        table.add_row(
            Text(row["plan"]),
            row["engine"],
            f"{row['replications']:,}",
            f"{row['seconds_per_replication']:.3g}",
            f"{row['moves_per_replication']:,.0f}",
            f"{row['moves_per_second']:,.0f}",
            f"{row['leads_per_replication']:,.0f}",
            f"{row['warm_seconds']:.1f}",
            "" if peak is None else f"{peak:,.0f}",
        )
    return Group(table, Text(), Text(_NOTE, style="dim"))
