"""The table of texts: key -> (English, Chinese), gathered from one module an area. A key stands in one of them only."""

from __future__ import annotations

from attain.wording.texts_backtest import BACKTEST
from attain.wording.texts_compare import COMPARE
from attain.wording.texts_effort import EFFORT
from attain.wording.texts_fields import FIELDS
from attain.wording.texts_funnel import FUNNEL
from attain.wording.texts_history import FITTED, HISTORY
from attain.wording.texts_optimise import OPTIMISE
from attain.wording.texts_planfile import PLANFILE
from attain.wording.texts_progress import PROGRESS
from attain.wording.texts_recalibrated import RECALIBRATED
from attain.wording.texts_report import REPORT
from attain.wording.texts_report_limits import LIMITS
from attain.wording.texts_screen import SCREEN
from attain.wording.texts_summary import SUMMARY

Table = dict[str, tuple[str, str]]


def _gather(*tables: Table) -> Table:
    gathered: Table = {}
    for table in tables:
        twice = gathered.keys() & table.keys()
        if twice:
            raise ValueError(f"texts given twice: {', '.join(sorted(twice))}")
        gathered |= table
    return gathered


TEXTS: Table = _gather(
    SUMMARY,
    SCREEN,
    FUNNEL,
    COMPARE,
    REPORT,
    LIMITS,
    BACKTEST,
    HISTORY,
    FIELDS,
    FITTED,
    RECALIBRATED,
    OPTIMISE,
    PLANFILE,
    PROGRESS,
    EFFORT,
)
