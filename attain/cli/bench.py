"""The verb that measures: bench."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attain.cli.errors import verb
from attain.cli.options import AsJson, print_json, screen, starting, target, working, write_json


def bench(
    plans: Annotated[list[str] | None, typer.Argument(help="Plans; all built-in ones unless named.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="About how long to measure each.")] = 3.0,
    out: Annotated[Path | None, typer.Option("--out", help="Write the rows as JSON here too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how fast plans simulate on one core: seconds a replication, moves a second."""
    target(out, "the rows")
    with starting(as_json):
        from attain.bench import bench as measure

    with working("Measuring: some seconds for each plan", as_json):
        rows = measure(plans or None, seconds=seconds)
    if out is not None:
        write_json({"rows": rows}, out)
    if as_json:
        print_json({"rows": rows})
        return
    from attain.screens.bench import screen as show

    screen().print(show(rows))


def register(app: typer.Typer) -> None:
    """Add this verb."""
    app.command()(verb(bench))
