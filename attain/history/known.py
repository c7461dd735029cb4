"""A history put back to an earlier day: the file as it would have read that evening, before anything is made of it.

The cut is made on the rows of text, so that nothing later in the flow (columns' guesses, stages, counts in comments)
can lean on what had not happened. Dates keep the format found in the whole file: how a file is written is no event.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.plan.tables import Table

Instants = Sequence[dt.datetime | None]
CLEARED = ("closed", "stage", "expected")  # of a deal open that day: what an export keeps only the latest of
OPEN_WORD = "Open"  # what `columns.word` takes for open, whatever the file's own word is


def events_by(table: Table, times: Instants, day: dt.date) -> Table:
    """The log's rows up to the end of ``day``; rows without a readable time stay, to be refused by number."""
    return _only(table, [at is None or at.date() <= day for at in times])


def opportunities_by(
    table: Table,
    columns: Mapping[str, str],
    created: Instants,
    closed: Instants,
    statuses: Sequence[str],
    day: dt.date,
) -> tuple[Table, bool]:
    """The export as of the end of ``day``, and whether anything had to be put back.

    Deals created later are gone; deals closed later are open. An export holds only a deal's latest stage and expected
    close, so every deal open that day loses both. Owner, product and amount are the export's latest too, and are kept.
    ``statuses``: won, lost, open or '' by row; one that ended on no day stays as it is, to be refused by number.
    """
    if not any(at is not None and at.date() > day for times in (created, closed) for at in times):
        return table, False
    places = {field: table.header.index(columns[field]) for field in (*CLEARED, "status") if field in columns}
    rows = list(table.rows)
    for i, at in enumerate(closed):
        if at.date() > day if at is not None else statuses[i] not in ("won", "lost"):
            rows[i] = _reopened(rows[i], places)
    kept = [at is None or at.date() <= day for at in created]
    return _only(replace(table, rows=tuple(rows)), kept), True


def _reopened(row: tuple[str, ...], places: Mapping[str, int]) -> tuple[str, ...]:
    cells = list(row)
    for field in CLEARED:
        if field in places:
            cells[places[field]] = ""
    if cells[places["status"]]:
        cells[places["status"]] = OPEN_WORD
    return tuple(cells)


def _only(table: Table, kept: Sequence[bool]) -> Table:
    rows = tuple(row for row, stays in zip(table.rows, kept, strict=True) if stays)
    lines = tuple(line for line, stays in zip(table.lines, kept, strict=True) if stays)
    return replace(table, rows=rows, lines=lines)
