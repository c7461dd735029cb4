"""Verbs that start from a history: calibrate."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

from attain.cli.errors import verb
from attain.cli.options import AsJson, Language, print_json, screen


def calibrate(
    history: Annotated[
        Path, typer.Argument(help="A CRM export or a stage-by-stage log (CSV, gzipped too).", metavar="HISTORY")
    ],
    out: Annotated[
        Path, typer.Option("--out", help="The plan to write; its pipeline, actuals and mapping go beside it.")
    ],
    goal: Annotated[str | None, typer.Option(help="+10% over the last four quarters, or an amount.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="A saved mapping of columns.")] = None,
    as_of: Annotated[str | None, typer.Option(help="Fit as if the history had ended on this day (YYYY-MM-DD).")] = None,
    currency: Annotated[str | None, typer.Option(help="The currency's code; guessed unless given.")] = None,
    as_json: AsJson = False,
    language: Language = None,
) -> None:
    """Fit a plan to a CRM export: conversions, durations, values, arrivals, people, and the open pipeline."""
    from attain.calibrate import calibrate as fit

    day = None
    if as_of is not None:
        try:
            day = dt.date.fromisoformat(as_of)
        except ValueError:
            raise typer.BadParameter(f"{as_of!r} is not a date such as 2026-06-30") from None
    found = fit(history, out, goal, mapping, as_of=day, currency=currency)
    if as_json:
        print_json(found.as_json())
    else:
        _show(found.as_json())


def _show(found: dict[str, Any]) -> None:
    from rich.text import Text

    console = screen()
    console.print(Text(f"Read {found['rows']:,} rows, used {found['used']:,}."))
    for why, count in found["left_out"].items():
        console.print(Text(f"  left out: {count:,}  {why}", style="yellow"))
    console.print(Text("\nColumns, as guessed or given (saved in the mapping beside the plan):", style="bold"))
    for field, column in found["mapping"].items():
        console.print(Text(f"  {field}: {column}"))
    console.print(Text("\nFitted:", style="bold"))
    for name, value in found["fitted"].items():
        console.print(Text(f"  {name}: {value}"))
    for note in found["notes"]:
        console.print(Text(f"\nnote: {note}", style="cyan"))
    console.print(Text(f"\nWrote {', '.join(found['files'])}"))
    console.print(Text(f"Next: attain simulate {found['plan']}"))


def register(app: typer.Typer) -> None:
    """Add this verb."""
    app.command()(verb(calibrate))
