"""Options that several verbs share, each said once."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated, Any, Literal

import typer

Plan = Annotated[str, typer.Argument(help="A plan file, or the name of a built-in plan.", metavar="PLAN")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", help="Vary the plan without a copy: reps.Ann.hours_per_week=45. May be given again."),
]
Replications = Annotated[int, typer.Option("-n", "--replications", min=1, help="How many replications.")]
Seed = Annotated[
    int | None,
    typer.Option("--seed", min=0, max=2**64 - 1, help="The seed; drawn and printed where none is given."),
]
Jobs = Annotated[int | None, typer.Option("--jobs", min=1, help="Processes; one a core unless given.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, and nothing else.")]


class Languages(StrEnum):
    """The languages of screens and pages."""

    en = "en"
    zh = "zh"


Language = Annotated[
    Languages | None, typer.Option("--language", help="en or zh; by the system's locale unless given.")
]


def chosen(language: Languages | None) -> Literal["en", "zh"]:
    """The language asked for, else the locale's."""
    if language is not None:
        return language.value
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if locale.lower().startswith("zh") else "en"


def print_json(document: Any) -> None:
    """One JSON document on standard output, names as they are; never NaN."""
    from attain.summary.document import json_text, strict

    print(json_text(strict(document)))


def screen(stderr: bool = False) -> Any:
    """The console for people."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)
