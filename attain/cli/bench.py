"""The verb that measures: bench."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from attain.cli.errors import REFUSED, verb
from attain.cli.options import AsJson, print_json, quiet, screen, starting, target, working, write_json

PEERS = "peers"


def bench(
    plans: Annotated[
        list[str] | None,
        typer.Argument(
            help="Plans, all built-in ones unless named. Or the word peers: our engines and other simulators on one "
            "model, side by side (minutes; in the source tree).",
            metavar="PLAN|peers",
            show_default=False,
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="About how long to measure each.")] = 3.0,
    compiling: Annotated[
        bool, typer.Option("--compile/--no-compile", help="Compile the engines once more, to say how long that takes.")
    ] = True,
    out: Annotated[Path | None, typer.Option("--out", help="Write the rows as JSON here too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how fast plans simulate on one core: seconds a replication, moves a second."""
    target(out, "the rows")
    with starting(as_json):
        from attain.bench import bench as measure
        from attain.bench import peers as measure_peers

    if plans and PEERS in plans:
        if plans != [PEERS]:
            raise typer.BadParameter("peers stands alone: measure plans by another call (a plan of that name: ./peers)")
        if not quiet(as_json):
            screen(stderr=True).print("Measuring the peers: some minutes")  # how far it is, it says by itself
        document = measure_peers(seconds)
    else:
        with working("Measuring: some seconds for each plan, a minute for compiling", as_json):
            document = {"rows": measure(plans or None, seconds=seconds, compiling=compiling)}
    if out is not None:
        write_json(document, out)
    if as_json:
        print_json(document)
    else:
        _show(document)
    if document.get("disagree"):
        raise typer.Exit(REFUSED)


def _show(document: dict[str, Any]) -> None:
    if "disagree" in document:
        from attain.screens.peers import screen as of_peers

        screen().print(of_peers(document))
        return
    from attain.screens.bench import screen as of_plans

    screen().print(of_plans(document["rows"]))


def register(app: typer.Typer) -> None:
    """Add this verb."""
    app.command()(verb(bench))
