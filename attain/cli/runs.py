"""Verbs that simulate a plan and show what came of it: simulate, funnel, compare, replay, report."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from attain.cli.cluster import watched
from attain.cli.errors import INTERRUPTED, verb
from attain.cli.options import (
    MOST_REPLICATIONS,
    AsJson,
    Cluster,
    Jobs,
    Language,
    Plan,
    Precision,
    Replications,
    Seed,
    Sets,
    chosen,
    print_json,
    quiet,
    screen,
    starting,
    target,
    working,
)


class Keeps(StrEnum):
    """How much a run's folder keeps of each replication."""

    goals = "goals"
    cells = "cells"
    log = "log"


Out = Annotated[Path | None, typer.Option("--out", help="Keep the run in this folder, or continue the one there.")]


class Engines(StrEnum):
    """The engines, `engine.batch.ENGINES`, which give the same results."""

    compiled = "compiled"
    simpy = "simpy"


def simulate(
    plan: Plan,
    n: Replications = 2_000,
    seed: Seed = None,
    engine: Annotated[
        Engines, typer.Option(help="compiled, or simpy: the readable one, the same results, a hundred times slower.")
    ] = Engines.compiled,
    jobs: Jobs = None,
    cluster: Cluster = None,
    precision: Precision = None,
    out: Out = None,
    keep: Annotated[Keeps, typer.Option(help="Goals and totals, all cells too, or the event log too.")] = Keeps.goals,
    sets: Sets = None,
    recalibrate: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="What attain backtest --save learnt: recalibrated goals beside the plan's own."
        ),
    ] = None,
    as_json: AsJson = False,
    language: Language = None,
) -> None:
    """Simulate a plan thousands of times: how likely is each goal, and why would it be missed?"""
    if cluster is not None and jobs is not None:
        raise typer.BadParameter("workers of a cluster compute in place of --jobs", param_hint="--cluster")
    with starting(as_json, simulates=cluster is None, language=language):
        from attain.plans import open_plan
        from attain.progress import meter
        from attain.simulate import simulate as run
        from attain.summary import summarise
        from attain.summary.document import as_json as document

        loaded = open_plan(plan, sets or ())
        learnt = None
        if recalibrate is not None:
            from attain.backtest.learnt import read_learnt
            from attain.recalibrated import check_history

            learnt = read_learnt(recalibrate)
            check_history(loaded, learnt)
    with watched(cluster), meter(loaded.plan.name, silent=quiet(as_json), language=chosen(language)) as report:
        results = run(
            loaded,
            sets=sets or (),
            n=n,
            seed=seed,
            jobs=jobs,
            precision=precision,
            out=out,
            engine=engine.value,
            keep=keep.value,
            on_progress=report,
            cluster=cluster,
        )
    summary = summarise(results, loaded)
    beside = None
    if learnt is not None:
        from attain.recalibrated import recalibrate as judged

        beside = judged(results, loaded, learnt, tuple(sets or ()))
    if as_json:
        more = {} if beside is None else {"recalibrated": beside.as_json()}
        print_json(document(summary, chosen(language)) | {"out": None if out is None else str(out)} | more)
    else:
        from attain.screen import screen as show

        console = screen()
        console.print(show(summary, chosen(language), width=console.width))
        if beside is not None:
            from attain.screens.recalibrated import screen as shown_beside

            console.print(shown_beside(beside, summary.currency, chosen(language)))
        if out is not None:
            console.print(f"\nKept in {out}. A page for people: attain report {out}", markup=False)
    if results.n < results.asked:
        say_partial(
            results.n,
            results.asked,
            f"The same command continues the run in {out}." if out else "With --out it could be continued.",
        )


def funnel(
    plan: Plan,
    goal: Annotated[str | None, typer.Option(help="The goal; company's unless named.")] = None,
    n: Annotated[
        int | None,
        typer.Option(
            "-n",
            "--replications",
            metavar="N",
            min=1,
            max=MOST_REPLICATIONS,
            help="How many; as a million moves allow, unless given.",
        ),
    ] = None,
    seed: Seed = None,
    jobs: Jobs = None,
    sets: Sets = None,
    as_json: AsJson = False,
    language: Language = None,
) -> None:
    """Calculate back from the target to deals, proposals and prospects, and say how likely that is to be enough."""
    with starting(as_json, simulates=True, language=language):
        from attain.funnel import as_json as document
        from attain.funnel import funnel as work_back
        from attain.progress import meter
        from attain.wording import text

    spoken = chosen(language)
    with meter(text("progress.funnel", spoken), silent=quiet(as_json), language=spoken) as report:
        found = work_back(plan, sets=sets or (), goal=goal, n=n, seed=seed, jobs=jobs, on_progress=report)
    if as_json:
        print_json(document(found, chosen(language)))
        return
    from attain.screens.funnel import screen as show

    screen().print(show(found, chosen(language)))


def compare(
    plans: Annotated[list[str], typer.Argument(help="Two or more plans; or one, with --set.", metavar="A B [C ...]")],
    n: Replications = 2_000,
    seed: Seed = None,
    jobs: Jobs = None,
    sets: Sets = None,
    as_json: AsJson = False,
    language: Language = None,
) -> None:
    """Compare plans on the same random numbers: how much likelier is one than another, and which is best?"""
    if len(plans) == 1 and not sets:
        raise typer.BadParameter("name two plans at least, or one plan and a --set that varies it")
    with starting(as_json, simulates=True, language=language):
        from attain.compare import compare as judge
        from attain.progress import meter
        from attain.wording import text

    spoken = chosen(language)
    with meter(text("progress.comparing", spoken), silent=quiet(as_json), language=spoken) as report:
        found = judge(plans, sets=sets or (), n=n, seed=seed, jobs=jobs, on_progress=report)
    if as_json:
        print_json(found.as_json(chosen(language)))
    else:
        from attain.screens.compare import screen as show

        screen().print(show(found, chosen(language)))
    if found.replications < found.asked:
        say_partial(found.replications, found.asked)


def replay(
    plan: Plan,
    replication: Annotated[int, typer.Option(metavar="K", min=0, help="Which replication, from 0.")] = 0,
    seed: Seed = None,
    around: Annotated[str | None, typer.Option(metavar="WHAT", help="Only deal:KEY or rep:NAME.")] = None,
    sets: Sets = None,
    as_json: AsJson = False,
    language: Language = None,
) -> None:
    """Show one replication as it happened, event by event: that of the run with the same seed."""
    with starting(as_json, simulates=True, language=language):
        from attain.replay import replay as again
        from attain.simulate import fresh_seed

    drawn = fresh_seed() if seed is None else seed
    found = again(plan, replication=replication, seed=drawn, around=around, sets=sets or ())
    if as_json:
        print_json(found.as_json(chosen(language)))
        return
    from attain.screens.replay import screen as show

    screen().print(show(found, chosen(language)))


def say_partial(done: int, asked: int, more: str = "") -> None:
    """Say that Ctrl-C cut a run short, and end with its exit code."""
    words = f"Interrupted: {done:,} of {asked:,} replications count. {more}"
    screen(stderr=True).print(words.rstrip(), markup=False)
    raise typer.Exit(INTERRUPTED)


def report(
    run: Annotated[Path, typer.Argument(help="The folder of a run, as kept by simulate --out.", metavar="RUN")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The page; report.html in the run's folder unless given.")
    ] = None,
    optimised: Annotated[
        Path | None, typer.Option("--optimised", help="The JSON of `attain optimise --json`, shown in the page.")
    ] = None,
    funnel: Annotated[
        bool, typer.Option("--funnel", help="Calculate back from the target too, and show what gets it to 80%.")
    ] = False,
    jobs: Jobs = None,
    as_json: AsJson = False,
    language: Language = None,
) -> None:
    """Write a page for people: one file, no network, to read, print and pass on."""
    target(out, "the page")
    with starting(as_json, simulates=funnel, language=language):
        from attain.report import report as write
        from attain.wording import text

    back, spoken = None, chosen(language)
    if funnel:
        from attain.funnel import funnel as work_back
        from attain.progress import meter
        from attain.simulate import read_plan
        from attain.store import RunStore

        with meter(text("progress.back", spoken), silent=as_json, language=spoken) as progress:
            seed = RunStore.open(run).manifest.seed
            back = work_back(read_plan(run), seed=seed, jobs=jobs, on_progress=progress)
    with working("page", True, language):
        path = write(run, out=out, language=chosen(language), optimised=optimised, funnel=back)
    if as_json:
        print_json({"page": str(path)})
        return
    screen().print(text("progress.wrote", spoken, path=str(path)), markup=False)


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    for each in (simulate, funnel, compare, replay, report):
        app.command()(verb(each))
