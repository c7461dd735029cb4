"""The report: a run as one self-contained page for people. `render` is pure; `report` reads a run and writes the file.

``build`` gathers a `Page` from a run's folder; ``page`` renders it from the templates beside it, with ``figures`` and
``rows`` for what takes working out, ``charts`` and ``svg`` for the drawing, and ``words`` for the language.
"""

from __future__ import annotations

from attain.report.build import page_of, report
from attain.report.heat import Heat, heat_of
from attain.report.optimised import Optimised, ReportRefused, parsed, read_optimised
from attain.report.page import Page, Provenance, render

__all__ = [
    "Heat", "Optimised", "Page", "Provenance", "ReportRefused", "heat_of", "page_of", "parsed", "read_optimised",
    "render", "report",
]  # fmt: skip
