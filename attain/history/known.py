"""A history put back to an earlier day: the file as it would have read that evening, before anything is made of it.

The cut is made on the rows of text, so that nothing later in the flow (columns' guesses, stages, counts in comments)
can lean on what had not happened. Dates keep the format found in the whole file: how a file is written is no event.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from attain.history.sheets import Sheet

CLEARED = ("closed", "stage", "expected", "changed")  # of a deal open that day: what an export keeps only the latest of
FLAGS = ("is_won", "is_closed")
OPEN_WORD = "Open"  # what `columns.word` takes for open, whatever the file's own word is


def events_by(sheet: Sheet, times: pl.Series, day: dt.date) -> Sheet:
    """The log's rows up to the end of ``day``; rows without a readable time stay, to be refused by number."""
    return _only(sheet, by_day(times, day))


def opportunities_by(
    sheet: Sheet, columns: Mapping[str, str], created: pl.Series, closed: pl.Series, statuses: pl.Series, day: dt.date
) -> tuple[Sheet, bool]:
    """The export as of the end of ``day``, and whether anything had to be put back.

    Deals created later are gone; deals closed later are open. An export holds only a deal's latest stage and expected
    close, so every deal open that day loses both. Owner, product and amount are the export's latest too, and are kept.
    ``statuses``: won, lost, open or '' by row; one that ended on no day stays as it is, to be refused by number.
    """
    if by_day(created, day).all() and by_day(closed, day).all():
        return sheet, False
    reopened = ~by_day(closed, day) | (closed.is_null() & ~statuses.is_in(["won", "lost"]))
    here, data = pl.lit(reopened), sheet.data
    new = {columns[field]: pl.when(here).then(pl.lit("")).otherwise(data[columns[field]]) for field in CLEARED
           if field in columns}  # fmt: skip
    if "status" in columns:  # last: it may be the stage's column, too
        status = data[columns["status"]]
        new[columns["status"]] = pl.when(here & pl.lit(status != "")).then(pl.lit(OPEN_WORD)).otherwise(status)
    for field in FLAGS:
        if field in columns:
            new[columns[field]] = pl.when(here).then(pl.lit("false")).otherwise(data[columns[field]])
    changed = replace(sheet, data=data.with_columns(**new))
    return _only(changed, by_day(created, day)), True


def by_day(times: pl.Series, day: dt.date) -> pl.Series:
    """Which of the times are not after the day; what is unknown is not."""
    return (times.dt.date() <= day).fill_null(value=True)


def _only(sheet: Sheet, kept: pl.Series) -> Sheet:
    return replace(sheet, data=sheet.data.filter(kept), lines=sheet.lines[kept.to_numpy()])
