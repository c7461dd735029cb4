"""Options that several verbs share, each said once; and where their output goes."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from rich.console import Console

MOST_REPLICATIONS = 10_000_000
PIPE_WIDTH = 100  # columns where there is no terminal to ask

Plan = Annotated[str, typer.Argument(help="A plan file, or the name of a built-in plan.", metavar="PLAN")]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Vary the plan without a copy: reps.Ann.hours_per_week=45. As often as wanted.",
    ),
]
Replications = Annotated[
    int,
    typer.Option("-n", "--replications", metavar="N", min=1, max=MOST_REPLICATIONS, help="How many replications."),
]


def _seed(value: int | None) -> int | None:
    if value is not None and not 0 <= value < 2**64:
        raise typer.BadParameter(f"a whole number from 0 to 2^64 - 1 was expected, not {value}")
    return value


def _precision(value: float | None) -> float | None:
    if value is not None and not 0.0005 <= value <= 0.5:  # NaN, too
        raise typer.BadParameter(f"a number from 0.0005 to 0.5 was expected, such as 0.01, not {value}")
    return value


def _hours(value: float | None) -> float | None:
    if value is not None and not 0 < value <= 168:  # NaN, too
        raise typer.BadParameter(f"hours a week above 0, and 168 at most, were expected, such as 40, not {value}")
    return value


# of what is asked of a history, wherever one is read
Currency = Annotated[str | None, typer.Option(help="The currency's code; guessed unless given.")]
Country = Annotated[
    str | None,
    typer.Option(help="The country whose public holidays count (US, DE, DE-BY); CN where the currency is CNY."),
]
Rates = Annotated[
    Path | None, typer.Option(help="What other currencies are worth in --currency: columns currency, rate, date.")
]
Table = Annotated[
    str, typer.Option(help="Of a database: the history's table, or one SELECT; of a workbook: its sheet.")
]
Deals = Annotated[
    str | None,
    typer.Option(help="Of a log of stages: the export of its deals, for owners, products, regions and values."),
]
Timezone = Annotated[
    str, typer.Option(help="Where the business works, for times that say how far from UTC they are: Asia/Shanghai.")
]
BESIDE = "Tables beside the history (CSV, Excel, Parquet), and what is said of its people"
Accounts = Annotated[
    Path | None, typer.Option(help="Accounts: owner, segment, region, scores.", rich_help_panel=BESIDE)
]
Products = Annotated[Path | None, typer.Option(help="Products: list price, family, cost.", rich_help_panel=BESIDE)]
People = Annotated[
    Path | None,
    typer.Option(help="People: region, manager, start and end, hours a week, ramp.", rich_help_panel=BESIDE),
]
Quotas = Annotated[
    Path | None, typer.Option(help="Quotas of people by month, quarter or year.", rich_help_panel=BESIDE)
]
HoursPerWeek = Annotated[
    float | None,
    typer.Option(
        "--hours-per-week",
        metavar="H",
        callback=_hours,
        help="Hours a person has for deals: stages' work follows from them. Those of --people come first.",
        rich_help_panel=BESIDE,
    ),
]
Busy = Annotated[
    str | None,
    typer.Option(
        help="The part of those hours that they were busy: an assumption, 80% unless given.", rich_help_panel=BESIDE
    ),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", metavar="S", callback=_seed, help="From 0 to 2^64 - 1; drawn and printed unless given."),
]
Precision = Annotated[
    float | None,
    typer.Option(
        "--precision",
        metavar="P",
        callback=_precision,
        help="Stop when every probability is known to within +-P, such as 0.01; N is then the most.",
    ),
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", metavar="J", min=1, max=1024, help="Processes; one a core unless given.")
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Compute on the workers of a Dask cluster, in place of --jobs: tcp://HOST:8786.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, and nothing else.")]


class Languages(StrEnum):
    """The languages of screens and pages."""

    en = "en"
    zh = "zh"


Language = Annotated[
    Languages | None, typer.Option("--language", help="English or Chinese; by the system's locale unless given.")
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


def write_json(document: Any, path: Path) -> None:
    """The same document into a file, whole or not at all."""
    from attain.summary.document import json_text, strict
    from engine.plan.document import write_text

    write_text(json_text(strict(document)) + "\n", path)


def screen(stderr: bool = False) -> Console:
    """The console for people. In a pipe or a file it is as wide as tables want, unless COLUMNS says otherwise."""
    from rich.console import Console

    class Screen(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # `| head` has seen enough: explained in one place

    console = Screen(stderr=stderr, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPE_WIDTH
    return console


def quiet(as_json: bool) -> bool:
    """Whether progress says nothing: with ``--json``, unless somebody watches a terminal."""
    return as_json and not sys.stderr.isatty()


@contextlib.contextmanager
def starting(as_json: bool = False, simulates: bool = False, language: Languages | None = None) -> Iterator[None]:
    """Something to look at while the engine is read in; the first time on a machine it is compiled, and says so."""
    from engine.compiled import kept, made

    with working("starting", True, language):
        gc.disable()  # what is imported stays: to look through it for garbage takes a fifth of the time
        try:
            yield
        finally:
            gc.freeze()
            gc.enable()
    if simulates and not kept("model.replicate"):
        from engine.twin.model import replicate

        with working("compiling", as_json, language):
            made(replicate)


@contextlib.contextmanager
def working(what: str, silent: bool = False, language: Languages | None = None) -> Iterator[None]:
    """Something to look at during work of unknown length: on a terminal always, else a line unless `silent`."""
    from attain.wording import text

    words = text(f"progress.{what}", chosen(language))
    console = screen(stderr=True)
    if console.is_terminal:
        with console.status(words):
            yield
        return
    if not silent:
        console.print(words, markup=False)
    yield


def target(path: Path | None, what: str) -> None:
    """Refuse, before any work is done, a file that could not be written in the end. Raises Refused."""
    from engine.problems import Refused

    if path is None:
        return
    if path.is_dir():
        raise Refused(f"{path} is a folder: name a file in it for {what}, such as {path / 'NAME'}.")
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise Refused(f"{folder} is a file, so {what} cannot be written to {path}: name another place.")
    if not os.access(folder, os.W_OK | os.X_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise Refused(f"{path} may not be written here: give {what} another place, or yourself permission.")
