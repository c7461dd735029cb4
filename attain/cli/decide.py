"""The verbs that decide: optimise, and frontier."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from attain.cli.errors import INTERRUPTED, REFUSED, verb
from attain.cli.options import (
    AsJson,
    Jobs,
    Language,
    Languages,
    Plan,
    Replications,
    Seed,
    Sets,
    chosen,
    print_json,
    screen,
    starting,
    target,
    write_json,
)


def optimise(
    plan: Plan,
    seed: Seed = None,
    n: Replications = 2_000,
    jobs: Jobs = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the new plan here, the author's comments kept.")
    ] = None,
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
    if out is not None and out.exists() and Path(plan).exists() and out.samefile(plan):
        raise typer.BadParameter(f"{out} is the plan itself: name another file", param_hint="--out")
    target(out, "the new plan")
    target(result, "the result")
    with starting(as_json, simulates=True, language=language):
        from attain.optimise import optimise as search

    with _told(as_json, language) as say:
        found = search(
            plan,
            sets=sets or (),
            seed=seed,
            n=n,
            jobs=jobs,
            effort=effort,
            allow_assumed=allow_assumed,
            out=out,
            say=say,
        )
    if result is not None:
        write_json(found.as_json(), result)
    if as_json:
        print_json(found.as_json())
    else:
        from attain.screens.optimise import screen as show

        screen().print(show(found, chosen(language)))
    if found.status == "interrupted":
        raise typer.Exit(INTERRUPTED)
    if found.status == "infeasible":
        raise typer.Exit(REFUSED)


def frontier(
    plan: Plan,
    totals: Annotated[
        str | None, typer.Option("--totals", metavar="A,B,...", help="Budgets to look at, rising: 80万,100万,120万.")
    ] = None,
    low: Annotated[str | None, typer.Option("--from", metavar="A", help="The smallest budget.")] = None,
    high: Annotated[str | None, typer.Option("--to", metavar="B", help="The largest.")] = None,
    steps: Annotated[int, typer.Option("--steps", min=2, max=50, help="How many budgets from --from to --to.")] = 5,
    seed: Seed = None,
    n: Replications = 2_000,
    jobs: Jobs = None,
    effort: Annotated[float, typer.Option(min=0.01, max=100.0, help="How long to search; 1 is usual.")] = 1.0,
    allow_assumed: Annotated[
        bool, typer.Option("--allow-assumed", help="Move budget too where the response of leads to it is a guess.")
    ] = False,
    sets: Sets = None,
    as_json: AsJson = False,
    language: Language = None,
) -> None:
    """What the best split of each budget attains, and what one more point of probability costs."""
    asked = _asked(totals, low, high, steps)
    with starting(as_json, simulates=True, language=language):
        from attain.optimise import budget_frontier

    with _told(as_json, language) as say:
        found = budget_frontier(
            plan,
            totals=asked,
            sets=sets or (),
            seed=seed,
            n=n,
            jobs=jobs,
            effort=effort,
            allow_assumed=allow_assumed,
            say=say,
        )
    if as_json:
        print_json(found.as_json())
    else:
        from attain.screens.frontier import screen as show

        screen().print(show(found, chosen(language)))


def _asked(totals: str | None, low: str | None, high: str | None, steps: int) -> tuple[float, ...] | None:
    """The budgets asked for. Raises BadParameter."""
    from engine.plan.quantities import read_money

    def amount(text: str, hint: str) -> float:
        try:
            return read_money(text.strip())
        except ValueError as error:
            raise typer.BadParameter(f"{text!r}: expected {error}", param_hint=hint) from None

    if totals is not None and (low is not None or high is not None):
        raise typer.BadParameter("either --totals, or --from and --to", param_hint="--totals")
    if totals is not None:
        return tuple(amount(text, "--totals") for text in totals.split(","))
    if (low is None) != (high is None):
        raise typer.BadParameter("--from and --to go together", param_hint="--from")
    if low is None or high is None:
        return None
    first, last = amount(low, "--from"), amount(high, "--to")
    if not 0 < first < last:
        raise typer.BadParameter("--from must be above 0 and below --to", param_hint="--from")
    return tuple(first + (last - first) * i / (steps - 1) for i in range(steps))


@contextlib.contextmanager
def _told(as_json: bool, language: Languages | None) -> Iterator[Callable[[str], None] | None]:
    """Where the search's progress goes: one line that changes on a terminal, elsewhere a line for each part of it."""
    from attain.wording import in_language, text

    console, spoken = screen(stderr=True), chosen(language)
    if console.is_terminal:
        with console.status(text("progress.plan", spoken)) as status:
            yield lambda words: status.update(escape(in_language(words, spoken)))
    else:
        lines = _lines()
        yield None if as_json else lambda words: lines(in_language(words, spoken))


def _lines() -> Callable[[str], None]:
    last = ""

    def say(words: str) -> None:
        nonlocal last
        head = words.replace("：", ":").partition(":")[0]  # how far a part is comes after it
        if head != last:
            last = head
            typer.echo(words, err=True)

    return say


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    app.command()(verb(optimise))
    app.command()(verb(frontier))
