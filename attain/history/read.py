"""The way into a history: a file or a folder, its shape found, its columns mapped, its rows read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from attain.history.columns import is_event_log
from attain.history.events import read_events
from attain.history.mapping import Mapping
from attain.history.opportunities import read_opportunities
from attain.history.records import History, HistoryRefused
from engine.plan.tables import Table, TableRefused, read_table


def table_of(path: Path) -> Table:
    """A table of the history. Raises HistoryRefused in one message."""
    if path.suffix.lower() in (".xlsx", ".xls", ".numbers", ".ods"):
        raise HistoryRefused(f"{path.name} is a spreadsheet; save it as CSV and pass that")
    try:
        table = read_table(path)
    except TableRefused as error:
        said = [str(p) for p in error.problems[:5]]
        more = f" (and {len(error.problems) - 5} more)" if len(error.problems) > 5 else ""
        raise HistoryRefused(f"{path.name}: {'; '.join(said)}{more}") from None
    if not table.rows:
        raise HistoryRefused(f"{path.name} has a header ({', '.join(table.header)[:200]}) and no rows below it")
    return table


def find_file(path: Path) -> Path:
    """The history in a folder: its one table, or the one whose name says that it is the log of events."""
    if not path.is_dir():
        if not path.exists():
            raise HistoryRefused(f"{path}: no such file")
        return path
    tables = sorted(p for p in path.iterdir() if p.name.lower().endswith((".csv", ".csv.gz", ".tsv", ".txt")))
    named = [p for p in tables if "event" in p.name.lower() or "事件" in p.name]
    if len(named) == 1:
        return named[0]
    if len(tables) == 1:
        return tables[0]
    raise HistoryRefused(f"{path} is a folder with {len(tables)} tables; name the one that is the history")


def read_history(path: Path | str, *, mapping: Mapping | None = None, as_of: dt.date | None = None) -> History:
    """Read a history of either shape.

    ``as_of`` puts the world back to the end of an earlier day: what came after is not there, and what ended later is
    still open.
    Raises HistoryRefused with one message where nothing can be made of the file.
    """
    file = find_file(Path(path))
    table = table_of(file)
    events = mapping.shape == "events" if mapping is not None else is_event_log(table)
    try:
        if events:
            return read_events(table, file, mapping, as_of)
        return read_opportunities(table, file.name, mapping, as_of)
    except HistoryRefused as refused:
        if str(refused).startswith(file.name):
            raise
        raise HistoryRefused(f"{file.name}: {refused}") from None
