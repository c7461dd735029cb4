"""The verb that judges forecasts on months they never saw: backtest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attain.cli.errors import verb
from attain.cli.options import (
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
    Replications,
    Seed,
    Sets,
    Table,
    Timezone,
    chosen,
    print_json,
    quiet,
    screen,
    starting,
    target,
    working,
    write_json,
)

MOST_FOLDS = 120
PAGE, NUMBERS, CELLS = "backtest.html", "backtest.json", "cells.csv"


def backtest(
    history: Annotated[
        str,
        typer.Argument(
            help="A CRM export, a stage-by-stage log, a database's address, or (with a mapping) a table of periods.",
            metavar="HISTORY",
        ),
    ],
    folds: Annotated[int, typer.Option(min=1, max=MOST_FOLDS, help="How many origins are scored.")] = 8,
    every: Annotated[str, typer.Option(help="Months between origins: 1mo, 3mo, 1q.")] = "1mo",
    horizons: Annotated[str, typer.Option(help="What is forecast: some of month,quarter,half.")] = "month,quarter,half",
    n: Replications = 500,
    seed: Seed = None,
    mapping: Annotated[
        Path | None, typer.Option(help="A saved mapping of columns; with shape: periods, of a table without deals.")
    ] = None,
    sets: Sets = None,
    currency: Currency = None,
    country: Country = None,
    rates: Rates = None,
    table: Table = "",
    deals: Deals = None,
    timezone: Timezone = "",
    accounts: Accounts = None,
    products: Products = None,
    people: People = None,
    quotas: Quotas = None,
    hours_per_week: HoursPerWeek = None,
    busy: Busy = None,
    learn: Annotated[
        int | None,
        typer.Option(min=0, max=MOST_FOLDS, help="Earlier origins to learn recalibration from; as many as folds."),
    ] = None,
    library: Annotated[
        bool, typer.Option("--library/--no-library", help="AutoETS and AutoARIMA too, where installed.")
    ] = True,
    out: Annotated[
        Path | None, typer.Option("--out", help="A folder for the page, the numbers and each cell's scores.")
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option("--save", help="A file for what it learnt, for attain simulate PLAN --recalibrate FILE."),
    ] = None,
    as_json: AsJson = False,
    language: Language = None,
) -> None:
    """Forecast past months with what was known then, and score it beside what people use."""
    _folder(out)
    target(save, "what was learnt")
    with starting(as_json, simulates=True, language=language):
        from attain.backtest import backtest as judge
        from attain.backtest import document
        from attain.fitted_effort import capacity_of
        from attain.screens.backtest import screen as show
        from attain.simulate import fresh_seed
    said = screen(stderr=True)
    if save is not None:
        from attain.backtest.learnt import document as saved
        from attain.backtest.learnt import learnt_from, of_deals

        of_deals(history, mapping)
    with working("forecasting", as_json, language):
        found = judge(
            history, mapping=mapping, folds=folds, every=every, horizons=horizons, n=n,
            seed=fresh_seed() if seed is None else seed, learn=learn, library=library, sets=sets or (),
            currency=currency, rates=rates, table=table, country=country, deals=deals, timezone=timezone,
            accounts=accounts, products=products, people=people, quotas=quotas,
            capacity=capacity_of(hours_per_week, busy),
            on_progress=None if quiet(as_json) else lambda day, k, of: said.print(f"  {day} ({k + 1}/{of})"),
        )  # fmt: skip
    told = document(found)
    files: tuple[Path, ...] = ()
    if save is not None:
        save.parent.mkdir(parents=True, exist_ok=True)
        write_json(saved(learnt_from(found)), save)
    if out is not None:
        from attain.report.backtested import render
        from engine.plan.document import write_text

        out.mkdir(parents=True, exist_ok=True)
        files = (out / PAGE, out / NUMBERS, out / CELLS)
        write_text(render(told, chosen(language)), files[0])
        write_json(told, files[1])
        write_text(found.scored.cells.sort("fold", "level", "measure", "horizon", "name").write_csv(), files[2])
    files = (*files, *([save] if save is not None else []))
    if as_json:
        print_json({**told, "files": [str(f) for f in files]})
        return
    screen().print(show(told, chosen(language), files))


def _folder(out: Path | None) -> None:
    from engine.problems import Refused

    if out is not None and out.exists() and not out.is_dir():
        raise Refused(f"{out} is a file: name a folder for the page and the numbers, such as {out.with_suffix('')}.")


def register(app: typer.Typer) -> None:
    """Add this verb."""
    app.command()(verb(backtest))
