"""The page: a frozen record in, one self-contained HTML document out. Pure; ``build`` fills it and writes the file.

Everything from outside (the plan's names and notes, an optimisation's result) passes through jinja's escaping; figures
are made by ``charts`` and ``svg``, which escape what they are given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import jinja2

from attain.report import figures, rows
from attain.report.heat import Heat
from attain.report.optimised import Optimised
from attain.report.words import Words
from attain.summary.records import Summary
from attain.wording import Language

if TYPE_CHECKING:
    from attain.funnel.records import Funnel

MOST_ROWS = 60  # of a table that grows with the plan; what is left out is said


@dataclass(frozen=True)
class Provenance:
    """Where a run's numbers come from, as its manifest has it."""

    command: str = ""
    started: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    sets: tuple[str, ...] = ()
    inputs_sha256: str = ""
    calendar: str = ""
    working_days: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """What a page shows. Only the summary is needed; a section without its part says so or is left out."""

    summary: Summary
    language: Language = "en"
    note: str = ""  # the author's, on the plan
    heat: Heat | None = None
    funnel: Funnel | None = None
    optimised: Optimised | None = None
    provenance: Provenance = Provenance()


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("attain.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(page: Page) -> str:
    """The page as one HTML document that needs nothing else: no script, no network."""
    words = Words(page.language, page.summary.currency)
    return _environment().get_template("page.html.jinja").render(**_context(page, words))


def _context(page: Page, words: Words) -> dict[str, Any]:
    summary = page.summary
    main = None if summary.main is None else summary.goal(summary.main)
    levers = summary.levers
    if not levers and page.funnel is not None and page.funnel.goal == summary.main:
        levers = page.funnel.levers
    levers = tuple(lever for lever in levers if lever.kind != "target")  # the supported targets are shown anyway
    return {
        "page": page,
        "s": summary,
        "w": words,
        "t": words.t,
        "main": main,
        "levers": levers,
        "sections": _sections(page),
        "most": MOST_ROWS,
        "figures": {
            "squares": None if main is None else figures.verdict_squares(main, words),
            "support": None if main is None else figures.support(main, words),
            "months": figures.months(summary, words),
            "allocation": () if page.optimised is None else figures.allocation(page.optimised, words),
            "quotas": None if page.optimised is None else figures.quota_odds(page.optimised, words),
        },
        "rows": rows,
        "heat_class": rows.heat_class,
        "lever": lambda value, kind: figures.lever(value, kind, words),
    }


def _sections(page: Page) -> list[str]:
    """The sections' ids in the page's order."""
    asked = {"optimised": page.optimised is not None, "gap": page.summary.main is not None}
    order = (
        "verdict", "gap", "breakdown", "funnel", "months", "heat", "optimised", "distinction", "people", "errors",
        "inputs", "provenance",
    )  # fmt: skip
    return [name for name in order if asked.get(name, True)]
