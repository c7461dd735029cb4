"""The way into a history: a file, a folder or a database, its shape found, its columns mapped, its rows read."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path

from attain.history.changes import with_first_stages
from attain.history.clocks import examine_clocks, zone_of
from attain.history.columns import EVENT, OPPORTUNITY, chinese, guess, is_event_log, repeats
from attain.history.currencies import Rates, code, in_cells
from attain.history.deals import DealTable, read_deals
from attain.history.entered import Entered, entries
from attain.history.events import check_log, deals_in, guess_log_mapping, last_event, log_by, read_events
from attain.history.mapping import Mapping
from attain.history.opportunities import read_opportunities
from attain.history.paired import days_apart
from attain.history.presets import ENTERED, columns_of, preset_of
from attain.history.quality import Finding
from attain.history.records import History, HistoryRefused, Refusal
from attain.history.sheets import PARQUET, SPREADSHEETS, Sheet, database_sheet, is_url, sheet_of
from attain.wording import told

LATE = dt.timedelta(days=7)  # by which a log and the table of its deals may end apart and still be of the same day
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


@dataclass(frozen=True, eq=False)
class _Beside:
    """The deals' table beside a log, before it is read."""

    sheet: Sheet
    name: str
    rates: Rates | None
    zone: str
    mapping: Mapping | None

    def read(self, log: Sheet, mapping: Mapping, as_of: dt.date | None) -> DealTable:
        """As of a day, by the log and its mapping. Raises HistoryRefused in one message."""
        try:
            return read_deals(self.sheet, self.name, self.mapping, deals_in(log, mapping), as_of, self.rates, self.zone)
        except HistoryRefused as refused:
            raise _named(refused, self.name) from None


def _log(
    sheet: Sheet,
    file: Path,
    mapping: Mapping | None,
    as_of: dt.date | None,
    entered: Entered | None,
    beside: _Beside | None,
    zone: str,
) -> History:
    """A history of a log's shape; ``entered``: where it was made of columns of days, which it writes its own way;
    ``beside``: the table of its deals."""
    log = (mapping or guess_log_mapping(sheet)).model_copy(update={"timezone": zone})
    if entered is not None:
        log = log.model_copy(update={"dates": {}, "timezone": ""})
    check_log(sheet, log.columns)
    if as_of is not None:
        sheet, log = log_by(sheet, log, as_of)
    deals: DealTable | None = None
    apart: list[Finding] = []
    if beside is not None:
        asked = as_of
        deals, as_of, apart = _of_one_day(beside, sheet, log, as_of)
        if as_of is not None and asked is None:
            sheet, log = log_by(sheet, log, as_of)
    money = (entered.currency if entered is not None else "") or _money(sheet, deals)
    if money is None:
        log = log.model_copy(update={"columns": {f: c for f, c in log.columns.items() if f != "amount"}})
    sheet, said = with_first_stages(sheet, log)
    if deals is not None:  # which says when deals were created
        said = [note for note in said if note != told("log.no_creation")]
    history = read_events(sheet, file, log, as_of, guessed=mapping is None, table=deals)
    if entered is not None:
        clocks, unused = examine_clocks([entered.times], zone)
        said = [entered.said, *unused, *said]
        written = history.mapping.model_copy(update={"dates": {"time": entered.format}, "timezone": zone})
        history = replace(history, mapping=written, findings=(*clocks, *history.findings))
    currency = history.currency or (code(money) if money else "")
    findings = (*apart, *history.findings)
    return replace(history, notes=(*said, *history.notes), findings=findings, currency=currency)


def _money(sheet: Sheet, deals: DealTable | None) -> str | None:
    """The currency of a log's amounts; None where they are in several, or not in that of its deals' table: then what
    deals are worth is the table's to say."""
    try:
        money = _currency(sheet)
    except HistoryRefused:
        if deals is None or not deals.valued:
            raise
        return None
    if deals is None or not deals.valued:
        return money
    return None if deals.several or (money and deals.currency and code(money) != deals.currency) else money


def _of_one_day(
    beside: _Beside, sheet: Sheet, log: Mapping, as_of: dt.date | None
) -> tuple[DealTable, dt.date | None, list[Finding]]:
    """The deals' table as of the log's day, that day where it is not the log's own last one, and what is to be said of
    two that end on different days. Where the table ends earlier, the day is the table's."""
    deals = beside.read(sheet, log, as_of)
    last = last_event(sheet, log)
    if as_of is not None or last is None or deals.last is None:
        return deals, as_of, []
    if deals.last > last + LATE:
        return beside.read(sheet, log, last), last, days_apart(deals, deals.last, last)
    if deals.last >= last - LATE or deals_in(sheet, log, deals.last) <= set(deals.frame["key"]):
        return deals, deals.last if deals.last > last else None, []
    return deals, deals.last, days_apart(deals, deals.last, last)


def _opened(path: Path | str, table: str, zone: str) -> tuple[Sheet, Path, str]:
    if is_url(str(path)):
        return database_sheet(str(path), table, zone), Path("the database"), "the database"
    file = find_file(Path(path))
    return sheet_of(file, part=table, zone=zone), file, file.name


def _opened_beside(path: Path | str, deals: Path | str, zone: str) -> tuple[Sheet, Path, str]:
    """The table of the deals: a file, or another table of the history's database, another sheet of its workbook."""
    part = str(deals)
    if is_url(part):
        raise HistoryRefused(
            "--deals: a file was expected, or, where the history is a database's, the name of another of its tables"
        )
    if is_url(str(path)) and not Path(part).exists():
        return database_sheet(str(path), part, zone), Path(part), part
    file = Path(path)
    if file.suffix.lower() in SPREADSHEETS and not Path(part).exists():
        return sheet_of(file, part=part, zone=zone), file, part
    return _opened(deals, "", zone)


def _named(refused: HistoryRefused, name: str) -> HistoryRefused:
    return refused if str(refused).startswith(name) else HistoryRefused(f"{name}: {refused}")


def _logged(sheet: Sheet, mapping: Mapping | None) -> bool:
    """Whether a table is the log of the two: it has the mapping's columns, or looks like one."""
    if mapping is not None and mapping.preset != ENTERED:
        return set(mapping.columns.values()) <= set(sheet.header)
    return _is_log(sheet) or entries(sheet) is not None


def read_history(
    path: Path | str,
    *,
    mapping: Mapping | None = None,
    as_of: dt.date | None = None,
    rates: Rates | None = None,
    table: str = "",
    deals: Path | str | None = None,
    timezone: str = "",
) -> History:
    """Read a history of either shape from a file (CSV, Excel, Parquet), a folder, or a database's address.

    ``as_of`` puts the world back to the end of an earlier day: what came after is not there, and what ended later is
    still open. ``rates``: of other currencies than the plan's. ``table``: a database's table, or one SELECT; a
    workbook's sheet. ``deals``: the table of a log's deals, matched by their numbers: a file, or the name of another
    table of the database, or sheet of the workbook; which of two is which does not matter. ``timezone``: where the
    business works, by an IANA name, else the mapping's.
    Raises HistoryRefused with one message where nothing can be made of it.
    """
    zone = zone_of(timezone or (mapping.timezone if mapping is not None else ""))
    mapping = mapping.model_copy(update={"timezone": zone}) if mapping is not None else None
    sheet, file, name = _opened(path, table, zone)
    beside, turned = None, False
    if deals is not None:
        own = mapping.deals if mapping is not None else None
        if mapping is not None and mapping.shape == "opportunities":  # of the table, as it was read alone
            own, mapping = mapping, None
        other, where, second = _opened_beside(path, deals, zone)
        turned = not _logged(sheet, mapping) and _logged(other, mapping)
        if turned:
            sheet, file, name, other, second = other, where, second, sheet, name
        elif mapping is None and _is_log(sheet) and _is_log(other):
            raise HistoryRefused(
                f"{name} and {second} are both logs of stages; the table of the deals, one row a deal, was expected as "
                "--deals"
            )
        beside = _Beside(other, second, rates, zone, own)
    try:
        history = _read(sheet, file, name, mapping, as_of, rates, beside, zone)
    except HistoryRefused as refused:
        raise (
            refused if beside is not None and str(refused).startswith(beside.name) else _named(refused, name)
        ) from None
    history = _with_the_rest(history, sheet)
    if turned and beside is not None:
        history = replace(history, notes=(told("paired.turned", log=name, deals=beside.name), *history.notes))
    return history


def _read(
    sheet: Sheet,
    file: Path,
    name: str,
    mapping: Mapping | None,
    as_of: dt.date | None,
    rates: Rates | None,
    beside: _Beside | None,
    zone: str,
) -> History:
    entered = None
    if mapping is None or mapping.preset == ENTERED:
        entered = entries(sheet, as_of, mapping.dates.get("time") if mapping else None, zone)
    if entered is not None:
        return _log(entered.sheet, file, mapping, as_of, entered, beside, zone)
    if mapping.shape == "events" if mapping is not None else _is_log(sheet):
        return _log(sheet, file, mapping, as_of, None, beside, zone)
    if beside is not None:
        raise HistoryRefused(
            f"neither this file nor {beside.name} is a log of stages, one row a stage that a deal came to; a table of "
            "deals alone is a history by itself, without --deals"
        )
    return read_opportunities(sheet, name, mapping, as_of, rates, zone)
