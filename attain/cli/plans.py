"""Verbs about plans as files: scenarios, new, schema, check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attain.cli.errors import verb
from attain.cli.options import AsJson, Language, Plan, Sets, chosen, print_json, screen, starting, target


def scenarios_(as_json: AsJson = False) -> None:
    """List the built-in plans."""
    import scenarios

    found = [{"name": name, "title": scenarios.title(name)} for name in scenarios.names()]
    if as_json:
        print_json(found)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    for row in found:
        table.add_row(Text(row["name"], style="bold"), Text(row["title"]))
    screen().print(table)
    screen().print(f"\nTry one: attain simulate {found[0]['name'] if found else 'PLAN'}", markup=False)


def new(
    out: Annotated[Path | None, typer.Argument(help="Where to write it; printed where no file is named.")] = None,
    language: Language = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a commented plan to start from."""
    import datetime as dt

    target(out, "the plan")
    from attain.wording import text as words
    from engine.plan.document import write_text
    from engine.plan.template import template
    from engine.problems import Refused

    text = template(chosen(language), dt.date.today().year)
    if out is not None:
        if out.exists() and not force:
            raise Refused(f"{out} is there already: name another file, or give --force to replace it.")
        out.parent.mkdir(parents=True, exist_ok=True)
        write_text(text, out)
    if as_json:
        print_json({"path": None if out is None else str(out), "plan": text})
    elif out is None:
        print(text, end="")
    else:
        screen(stderr=True).print(words("progress.wrote_plan", chosen(language), path=str(out)), markup=False)


def schema(as_json: AsJson = False) -> None:
    """Print the JSON Schema of plan files, for editors that complete and check."""
    from engine.plan.schema import plan_schema

    print_json(plan_schema())


def check(plan: Plan, sets: Sets = None, as_json: AsJson = False, language: Language = None) -> None:
    """Check a plan: is it valid, SMART(+C), and are there hours enough? Exit code 1 where an error is found."""
    with starting(as_json, language=language):
        from attain.plans import open_plan
        from engine.plan.findings import findings
        from engine.problems import PlanRefused

    try:
        loaded = open_plan(plan, sets or ())
    except PlanRefused as refused:
        if not as_json:
            raise
        rows = [
            {"severity": "error", "criterion": "valid", "path": p.path, "message": str(p), "advice": p.hint}
            for p in refused.problems
        ]
        print_json({"valid": False, "findings": rows})
        raise typer.Exit(1) from None
    found = findings(loaded)
    failed = any(finding.severity == "error" for finding in found)
    if as_json:
        rows = [
            {
                "severity": f.severity,
                "criterion": f.criterion,
                "path": f.path,
                "message": f.message,
                "advice": f.advice,
            }
            for f in found
        ]
        print_json({"valid": True, "findings": rows})
    else:
        from attain.screens.check import screen as show

        screen().print(show(loaded.plan.name, found, chosen(language)))
    if failed:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add these verbs."""
    app.command("scenarios")(verb(scenarios_))
    app.command()(verb(new))
    app.command()(verb(schema))
    app.command()(verb(check))
