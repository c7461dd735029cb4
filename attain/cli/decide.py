"""The verb that decides: optimise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from attain.cli.options import AsJson, Jobs, Language, Plan, Replications, Seed, Sets, chosen, print_json, screen


def optimise(
    plan: Plan,
    seed: Seed = None,
    n: Replications = 2_000,
    jobs: Jobs = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the new plan here, the author's comments kept.")] = None,
    effort: Annotated[float, typer.Option(min=0.01, max=100.0, help="How long to search; 1 is usual.")] = 1.0,
    allow_assumed: Annotated[
        bool, typer.Option("--allow-assumed", help="Move budget too where the response of leads to it is a guess.")
    ] = False,
    result: Annotated[
        Path | None, typer.Option("--result", help="Write the result as JSON here too, for `attain report`.")
    ] = None,
    sets: Sets = None,
    as_json: AsJson = False,
    language: Language = None,
) -> None:
    """Allocate budget, people's time and quotas for the best odds, and prove the gain on paths never seen before."""
    from attain.optimise import optimise as search

    console = screen(stderr=True)
    if as_json or not console.is_terminal:
        found = search(
            plan, sets=sets or (), seed=seed, n=n, jobs=jobs, effort=effort, allow_assumed=allow_assumed, out=out,
            say=None if as_json else _lines(),
        )  # fmt: skip
    else:
        with console.status("Reading the plan") as status:
            found = search(
                plan, sets=sets or (), seed=seed, n=n, jobs=jobs, effort=effort, allow_assumed=allow_assumed,
                out=out, say=status.update,
            )  # fmt: skip
    if result is not None:
        from attain.summary.document import json_text, strict
        from engine.plan.document import write_text

        write_text(json_text(strict(found.as_json())) + "\n", result)
    if as_json:
        print_json(found.as_json())
    else:
        from attain.screens.optimise import screen as show

        screen().print(show(found, chosen(language)))
    if found.status == "infeasible":
        raise typer.Exit(1)


def _lines() -> Callable[[str], None]:
    """Progress where there is no terminal: a line for each part of the work, not for each step of a search."""
    last = ""

    def say(text: str) -> None:
        nonlocal last
        head = text.partition(":")[0]
        if head != last:
            last = head
            typer.echo(text, err=True)

    return say


def register(app: typer.Typer) -> None:
    """Add this verb."""
    app.command()(optimise)
