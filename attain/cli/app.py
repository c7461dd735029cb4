"""The verbs, gathered."""

from __future__ import annotations

from typing import Annotated

import typer

from attain.cli import backtest, bench, decide, history, plans, runs

app = typer.Typer(
    name="attain",
    help="How likely is a sales plan to be attained, why would it miss, and what would make it likelier?",
    epilog="Exit codes: 0 done, 1 refused or a check fails, 2 usage, 70 a fault of attain, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(asked: bool) -> None:
    if asked:
        from attain.provenance import attain_version

        print(f"attain {attain_version()}")
        raise typer.Exit


@app.callback()
def _attain(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """How likely is a sales plan to be attained, why would it miss, and what would make it likelier?"""


for module in (plans, runs, decide, history, backtest, bench):
    module.register(app)
