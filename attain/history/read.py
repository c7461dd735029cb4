"""The way into a history: a file, a folder or a database, its shape found, its columns mapped, its rows read."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

from attain.history.changes import with_first_stages
from attain.history.columns import EVENT, OPPORTUNITY, chinese, guess, is_event_log, repeats
from attain.history.currencies import Rates, code, in_cells
from attain.history.entered import Entered, entries
from attain.history.events import check_log, guess_log_mapping, log_by, read_events
from attain.history.mapping import Mapping
from attain.history.opportunities import read_opportunities
from attain.history.presets import ENTERED, columns_of, preset_of
from attain.history.records import History, HistoryRefused, Refusal
from attain.history.sheets import PARQUET, SPREADSHEETS, Sheet, database_sheet, is_url, sheet_of
from attain.wording import told

TABLES = (".csv", ".csv.gz", ".tsv", ".txt", *SPREADSHEETS, *PARQUET)


def find_file(path: Path) -> Path:
    """The history in a folder: its one table, or the one whose name says that it is the log of events."""
    if not path.is_dir():
        if not path.exists():
            raise HistoryRefused(f"{path}: no such file")
        return path
    tables = sorted(p for p in path.iterdir() if p.name.lower().endswith(TABLES))
    named = [p for p in tables if "event" in p.name.lower() or "事件" in p.name]
    if len(named) == 1:
        return named[0]
    if len(tables) == 1:
        return tables[0]
    raise HistoryRefused(f"{path} is a folder with {len(tables)} tables; name the one that is the history")


def _is_log(sheet: Sheet) -> bool:
    preset = preset_of(sheet.header)
    if preset is None or preset.shape == "opportunities":
        return preset is None and is_event_log(sheet)
    case = columns_of(sheet.header, preset, "events").get("case")
    return case is not None and repeats(sheet, case)


def _currency(sheet: Sheet) -> str:
    """The currency of a log's amounts, '' where nothing says. Raises HistoryRefused where there are several."""
    found = guess(sheet.header, {"currency": OPPORTUNITY["currency"], "amount": EVENT["amount"]}, near=False)
    if "amount" not in found:
        return ""
    amounts = sheet.data[found["amount"]]
    cells = (
        sheet.data[found["currency"]]
        if "currency" in found
        else in_cells(amounts, amounts, chinese=chinese(sheet.header))
    )
    counts = {word: n for word, n in cells.filter(amounts != "").value_counts(sort=True).iter_rows() if word}
    if len({code(word) for word in counts}) > 1:
        shown = ", ".join(f"{word}: {n:,} rows" for word, n in list(counts.items())[:6])
        raise HistoryRefused(
            f"the log's amounts are in {len(counts)} currencies ({shown}), and only exports of one row a deal are "
            "brought to one by rates: bring them to one before, or leave the amounts out"
        )
    return next(iter(counts), "")


def _with_the_rest(history: History, sheet: Sheet) -> History:
    """The history with what stands above and below its table accounted for, and its sheet named among several."""
    outside = tuple(Refusal(line, "not a row of the table", repr(text[:120])) for line, text in sheet.aside)
    notes = history.notes
    if sheet.part:
        notes = (told("history.part", part=repr(sheet.part[0]), others=", ".join(map(repr, sheet.part[1:]))), *notes)
    refused = tuple(sorted((*history.refused, *outside), key=lambda refusal: refusal.row))
    return replace(history, rows=history.rows + len(outside), refused=refused, notes=notes)


def _log(sheet: Sheet, file: Path, mapping: Mapping | None, as_of: dt.date | None, entered: Entered | None) -> History:
    """A history of a log's shape; ``entered``: where it was made of columns of days, which it writes its own way."""
    log = mapping or guess_log_mapping(sheet)
    if entered is not None:
        log = log.model_copy(update={"dates": {}})
    check_log(sheet, log.columns)
    if as_of is not None:
        sheet, log = log_by(sheet, log, as_of)
    money = (entered.currency if entered is not None else "") or _currency(sheet)
    sheet, said = with_first_stages(sheet, log)
    history = read_events(sheet, file, log, as_of, guessed=mapping is None)
    if entered is not None:
        said = [entered.said, *said]
        written = history.mapping.model_copy(update={"dates": {"time": entered.format}})
        history = replace(history, mapping=written)
    return replace(history, notes=(*said, *history.notes), currency=code(money) if money else "")


def read_history(
    path: Path | str,
    *,
    mapping: Mapping | None = None,
    as_of: dt.date | None = None,
    rates: Rates | None = None,
    table: str = "",
) -> History:
    """Read a history of either shape from a file (CSV, Excel, Parquet), a folder, or a database's address.

    ``as_of`` puts the world back to the end of an earlier day: what came after is not there, and what ended later is
    still open. ``rates``: of other currencies than the plan's. ``table``: a database's table, or one SELECT; a
    workbook's sheet.
    Raises HistoryRefused with one message where nothing can be made of it.
    """
    if is_url(str(path)):
        sheet, file, name = database_sheet(str(path), table), None, "the database"
    else:
        file = find_file(Path(path))
        sheet, name = sheet_of(file, part=table), file.name
    try:
        entered = None
        if mapping is None or mapping.preset == ENTERED:
            entered = entries(sheet, as_of, mapping.dates.get("time") if mapping else None)
        if entered is not None:
            history = _log(entered.sheet, file or Path(name), mapping, as_of, entered)
        elif mapping.shape == "events" if mapping is not None else _is_log(sheet):
            history = _log(sheet, file or Path(name), mapping, as_of, None)
        else:
            history = read_opportunities(sheet, name, mapping, as_of, rates)
        return _with_the_rest(history, sheet)
    except HistoryRefused as refused:
        if str(refused).startswith(name):
            raise
        raise HistoryRefused(f"{name}: {refused}") from None
