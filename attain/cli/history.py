"""Verbs that start from a history: calibrate."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from attain.cli.errors import verb
from attain.cli.options import (
    BESIDE,
    Accounts,
    AsJson,
    Busy,
    Country,
    Currency,
    Deals,
    HoursPerWeek,
    Language,
    People,
    Products,
    Quotas,
    Rates,
    Table,
    Timezone,
    chosen,
    print_json,
    screen,
    starting,
    target,
    working,
)


def calibrate(
    history: Annotated[
        str,
        typer.Argument(
            help="A CRM export or a stage-by-stage log (CSV, Excel, Parquet), or a database's address.",
            metavar="HISTORY",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="The plan to write; its pipeline, actuals and mapping go beside it.")
    ],
    goal: Annotated[str | None, typer.Option(help="+10% over the last four quarters, or an amount.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="A saved mapping of columns.")] = None,
    as_of: Annotated[str | None, typer.Option(help="Fit as if the history had ended on this day (YYYY-MM-DD).")] = None,
    currency: Currency = None,
    country: Country = None,
    rates: Rates = None,
    table: Table = "",
    deals: Deals = None,
    timezone: Timezone = "",
    spend: Annotated[
        Path | None,
        typer.Option(
            help="Spend by week or month: fits how leads answer to it, and adds it as a source.", rich_help_panel=BESIDE
        ),
    ] = None,
    accounts: Accounts = None,
    products: Products = None,
    people: People = None,
    quotas: Quotas = None,
    hours_per_week: HoursPerWeek = None,
    busy: Busy = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a plan that is there.")] = False,
    as_json: AsJson = False,
    language: Language = None,
) -> None:
    """Fit a plan to a CRM export: conversions, durations, values, arrivals, people, and the open pipeline."""
    day = None
    if as_of is not None:
        try:
            day = dt.date.fromisoformat(as_of)
        except ValueError:
            raise typer.BadParameter(f"{as_of!r} is not a date such as 2026-06-30", param_hint="--as-of") from None
    target(out, "the plan")
    if out.exists() and not force:
        from engine.problems import Refused

        raise Refused(f"{out} is there already: name another file, or give --force to replace it.")
    with starting(as_json, language=language):
        from attain.calibrate import calibrate as fit
        from attain.fitted_effort import capacity_of
        from attain.screens.calibrate import screen as show
    with working("fitting", as_json, language):
        found = fit(
            history, out, goal, mapping, as_of=day, currency=currency, rates=rates, table=table, spend=spend,
            accounts=accounts, products=products, people=people, quotas=quotas, country=country, deals=deals,
            timezone=timezone, capacity=capacity_of(hours_per_week, busy), language=chosen(language),
        )  # fmt: skip
    if as_json:
        print_json(found.as_json())
        return
    screen().print(show(found, chosen(language)))


def register(app: typer.Typer) -> None:
    """Add this verb."""
    app.command()(verb(calibrate))
