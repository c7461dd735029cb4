"""The verb that measures: bench."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attain.cli.options import AsJson, print_json, screen


def bench(
    plans: Annotated[list[str] | None, typer.Argument(help="Plans; all built-in ones unless named.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="About how long to measure each.")] = 3.0,
    out: Annotated[Path | None, typer.Option("--out", help="Write the rows as JSON here too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how fast plans simulate on one core: seconds a replication, moves a second."""
    from attain.bench import bench as measure

    rows = measure(plans or None, seconds=seconds)
    if out is not None:
        from attain.summary.document import json_text, strict
        from engine.plan.document import write_text

        write_text(json_text(strict({"rows": rows})) + "\n", out)
    if as_json:
        print_json({"rows": rows})
        return
    from attain.screens.bench import screen as show

    screen().print(show(rows))


def register(app: typer.Typer) -> None:
    """Add this verb."""
    app.command()(bench)
