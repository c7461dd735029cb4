"""The verb that measures: bench."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from attain.cli.errors import REFUSED, verb
from attain.cli.options import (
    AsJson,
    Jobs,
    Language,
    Languages,
    Seed,
    chosen,
    print_json,
    quiet,
    screen,
    starting,
    target,
    working,
    write_json,
)

PEERS, OPTIMISE = "peers", "optimise"


def bench(
    plans: Annotated[
        list[str] | None,
        typer.Argument(
            help="Plans, all built-in ones unless named. Or the word peers: our engines and other simulators on one "
            "model, side by side. Or the word optimise, then plans: our allocation and other methods', judged on the "
            "same fresh paths. (Both take minutes, in the source tree.)",
            metavar="PLAN|peers|optimise",
            show_default=False,
        ),
    ] = None,
    n: Annotated[
        int | None, typer.Option("-n", "--replications", metavar="N", min=64, help="Of optimise: the fresh paths.")
    ] = None,
    seed: Seed = None,
    jobs: Jobs = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="About how long to measure each.")] = 3.0,
    compiling: Annotated[
        bool, typer.Option("--compile/--no-compile", help="Compile the engines once more, to say how long that takes.")
    ] = True,
    out: Annotated[Path | None, typer.Option("--out", help="Write the rows as JSON here too.")] = None,
    as_json: AsJson = False,
    language: Language = None,
) -> None:
    """Measure how fast plans simulate on one core: seconds a replication, moves a second."""
    target(out, "the rows")
    with starting(as_json, language=language):
        from attain import bench as measure
        from attain.wording import text

    what = plans[0] if plans and plans[0] in (PEERS, OPTIMISE) else ""
    if what != OPTIMISE and (n is not None or seed is not None or jobs is not None):
        raise typer.BadParameter("-n, --seed and --jobs are of `attain bench optimise`")
    if PEERS in (plans or ()) and plans != [PEERS]:
        raise typer.BadParameter("peers stands alone: measure plans by another call (a plan of that name: ./peers)")
    if what and not quiet(as_json):
        screen(stderr=True).print(text(_AHEAD[what], chosen(language)))  # how far it is, it says by itself
    if what == PEERS:
        document = measure.peers(seconds)
    elif what == OPTIMISE:
        asked = {"n": n or measure.REPLICATIONS, "seed": measure.SEED if seed is None else seed, "jobs": jobs or 1}
        document = measure.allocations((plans or [])[1:], **asked)
    else:
        with working("measuring", as_json, language):
            document = {"rows": measure.bench(plans or None, seconds=seconds, compiling=compiling)}
    if out is not None:
        write_json(document, out)
    if as_json:
        print_json(document)
    else:
        _show(document, language)
    if document.get("disagree") or any(plan.get("behind") for plan in document.get("plans", ())):
        raise typer.Exit(REFUSED)


_AHEAD = {PEERS: "progress.peers", OPTIMISE: "progress.methods"}


def _show(document: dict[str, Any], language: Languages | None) -> None:
    if "plans" in document:
        from attain.screens.allocations import screen as of_allocations

        screen().print(of_allocations(document, chosen(language)))
        return
    if "disagree" in document:
        from attain.screens.peers import screen as of_peers

        screen().print(of_peers(document))
        return
    from attain.screens.bench import screen as of_plans

    screen().print(of_plans(document["rows"]))


def register(app: typer.Typer) -> None:
    """Add this verb."""
    app.command()(verb(bench))
