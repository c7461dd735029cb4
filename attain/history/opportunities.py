"""A CRM's export, one row an opportunity, read into a ``History``.

Such an export shows where each deal stands or ended, and when it was created and closed: not when it entered its
stages. Which funnel that can carry is judged in ``funnel``.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from attain.history.cells import Column, read_amount, read_dates, read_name
from attain.history.columns import OPPORTUNITY, guess, header_unit, status_by_values, word
from attain.history.funnel import fit_funnel
from attain.history.known import opportunities_by
from attain.history.mapping import Mapping
from attain.history.records import History, HistoryRefused, Refusal
from engine.plan.tables import Table

AHEAD = 31  # days: closings dated up to this far past the last creation are entries made ahead of their date
NEEDED = {
    "created": "the day a deal was created (such as 'Created On' or 创建时间)",
    "closed": "the day a deal was closed (such as 'Closed On' or 关闭时间)",
    "status": "a deal's status, won, lost or open (such as 'Status' or 状态)",
    "value": "a deal's value (such as 'Value' or 金额)",
}


@dataclass
class _Reader:
    """The rows being read: what has been refused so far, by row index, first reason kept."""

    table: Table
    mapping: Mapping
    why: dict[int, tuple[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def column(self, name: str) -> list[str]:
        header = self.mapping.columns.get(name)
        if header is None:
            return [""] * len(self.table.rows)
        at = self.table.header.index(header)
        return [row[at] for row in self.table.rows]

    def refuse(self, row: int, reason: str, why: str) -> None:
        self.why.setdefault(row, (reason, why))


def guess_mapping(table: Table) -> Mapping:
    """The mapping of an export, from its names and values. Raises HistoryRefused where a needed column is missing."""
    columns = guess(table.header, OPPORTUNITY)
    if "status" not in columns or not _has_outcomes(table, columns["status"]):
        found = status_by_values(table, [c for f, c in columns.items() if f not in ("status", "stage")])
        if found is not None:
            columns["status"] = found
            if columns.get("stage") == found:
                del columns["stage"]
    check_columns(table, columns)
    words = Counter(row[table.header.index(columns["status"])] for row in table.rows)
    kinds: dict[str, list[str]] = {"won": [], "lost": [], "open": []}
    for text, _ in words.most_common(200):
        if word(text):
            kinds[word(text)].append(text)
    if not kinds["won"]:
        shown = ", ".join(repr(w) for w, _ in words.most_common(8))
        raise HistoryRefused(
            f"column {columns['status']!r} should say which deals were won, and holds {shown}; write the words "
            "in the mapping "
            "(won: [...], lost: [...], open: [...])"
        )
    unit = header_unit(columns["value"]) if "value" in columns else 1.0
    return Mapping(
        shape="opportunities",
        columns=columns,
        won=tuple(kinds["won"]),
        lost=tuple(kinds["lost"]),
        open=tuple(kinds["open"]),
        unit=unit,
    )


def _has_outcomes(table: Table, name: str) -> bool:
    at = table.header.index(name)
    return "won" in {word(row[at]) for row in table.rows}


def check_columns(table: Table, columns: dict[str, str]) -> None:
    """Raises HistoryRefused naming every needed column that is not there, once, with the columns that are."""
    absent = [f"{f}: {name!r}" for f, name in columns.items() if name not in table.header]
    if absent:
        raise HistoryRefused(
            f"the mapping names columns that the file does not have ({', '.join(absent)}); it has: "
            f"{', '.join(table.header)}"
        )
    missing = [what for f, what in NEEDED.items() if f not in columns]
    if missing:
        raise HistoryRefused(
            f"no column for {'; '.join(missing)}. The file has: {', '.join(table.header)}. "
            "Name the columns in a mapping, and pass it with --mapping"
        )


def read_opportunities(table: Table, name: str, mapping: Mapping | None, as_of: dt.date | None) -> History:
    """Read an export. ``as_of``: pretend it was taken at the end of that day. Raises HistoryRefused."""
    said: list[str] = []
    if as_of is not None:
        table, mapping, said = _put_back(table, mapping, as_of)
    mapping = mapping or guess_mapping(table)
    check_columns(table, mapping.columns)
    reader = _Reader(table, mapping, notes=said)
    dates, formats = _dates(reader)
    statuses = _statuses(reader)
    values = _values(reader)
    _identities(reader)
    _coherent(reader, dates, statuses)
    asked = as_of
    as_of = as_of or _last_day(reader, dates)
    frame = _frame(reader, dates, statuses, values, as_of, asked is not None)
    if not frame.height:
        raise HistoryRefused(f"no row of {name} can be used; the first reasons: {_first_reasons(reader)}")
    if not (frame["status"] == "won").any():
        raise HistoryRefused(f"no deal in {name} has been won, so no win rate, cycle or value can be fitted")
    mapping = mapping.model_copy(update={"dates": formats})
    resolution = 0.0 if dates["created"].timed and dates["closed"].timed else 1.0
    refused = tuple(Refusal(table.lines[i], reason, why) for i, (reason, why) in sorted(reader.why.items()))
    funnel = fit_funnel(frame, as_of, mapping.stages)
    return History(
        "opportunities",
        name,
        len(table.rows),
        refused,
        mapping,
        as_of,
        funnel.deals,
        funnel.visits,
        funnel.stages,
        resolution,
        table.encoding,
        tuple(reader.notes + funnel.notes),
        funnel.raw,
    )


def _put_back(table: Table, mapping: Mapping | None, day: dt.date) -> tuple[Table, Mapping | None, list[str]]:
    """The export as of a day, with what can no longer be known said; a guessed mapping is guessed anew from that."""
    whole = mapping or guess_mapping(table)
    check_columns(table, whole.columns)
    reader = _Reader(table, whole)
    dates, formats = _dates(reader)
    created, closed = dates["created"].values, dates["closed"].values
    table, changed = opportunities_by(table, whole.columns, created, closed, _statuses(reader), day)
    if not changed:
        return table, mapping, []
    if not table.rows:
        raise HistoryRefused(f"no deal had been created by {day}")
    if mapping is None:
        mapping = guess_mapping(table)
    note = (
        f"put back to {day}: an export keeps only a deal's latest stage, so deals open that day stand at the first "
        "stage with their age; owners, products and amounts are the export's latest"
    )
    kept = {field: form for field, form in formats.items() if field != "expected"}
    return table, mapping.model_copy(update={"dates": kept}), [note]


def _first_reasons(reader: _Reader) -> str:
    return "; ".join(f"row {reader.table.lines[i]}: {why}" for i, (_, why) in sorted(reader.why.items())[:3])


def _dates(reader: _Reader) -> tuple[dict[str, Column], dict[str, str]]:
    read: dict[str, Column] = {}
    formats: dict[str, str] = {}
    hint: str | None = None
    waiting: list[tuple[str, str]] = []
    for name in ("created", "closed", "expected"):
        if name not in reader.mapping.columns:
            read[name] = Column([None] * len(reader.table.rows), {}, "", False)
            continue
        try:
            read[name] = _date_column(reader, name, None)
        except ValueError as error:
            waiting.append((name, str(error)))
            continue
        if read[name].format[:2] in ("dd", "mm"):
            hint = read[name].format[0]
    for name, said in waiting:  # a column that does not tell days from months is read as the file's others are
        if hint is None or "could be day/month" not in said:
            raise HistoryRefused(said)
        read[name] = _date_column(reader, name, hint)
    for name, column in read.items():
        if column.format:
            formats[name] = column.format
        for i, why in column.wrong.items():
            reader.refuse(i, "date in another format", why)
    return read, formats


def _date_column(reader: _Reader, name: str, hint: str | None) -> Column:
    return read_dates(
        reader.column(name), reader.mapping.columns[name], known=reader.mapping.dates.get(name), hint=hint
    )


def _statuses(reader: _Reader) -> list[str]:
    known = {w: k for k in ("won", "lost", "open") for w in getattr(reader.mapping, k)}
    header = reader.mapping.columns["status"]
    closed = reader.column("closed")
    out: list[str] = []
    for i, text in enumerate(reader.column("status")):
        kind = known.get(text) or word(text)
        if not kind and text and not closed[i]:
            kind = "open"  # a stage's name in a status column: still under way, as it has no closing date
        if not kind:
            what = f"{header} {text[:40]!r} is none of the mapping's words" if text else f"{header} is empty"
            reader.refuse(i, "status not known", what)
        out.append(kind)
    return out


def _values(reader: _Reader) -> list[float | None]:
    out: list[float | None] = []
    header = reader.mapping.columns.get("value", "")
    for i, text in enumerate(reader.column("value")):
        try:
            number = read_amount(text)
        except ValueError as error:
            reader.refuse(i, "amount not readable", f"{header} {text[:40]!r} is not {error}")
            number = None
        scaled = number is not None and not any(u in text for u in "万萬亿億千kKmM")
        out.append(number * reader.mapping.unit if number is not None and scaled else number)
    return out


def _identities(reader: _Reader) -> None:
    if "id" not in reader.mapping.columns:
        return
    first: dict[str, int] = {}
    ids = reader.column("id")
    if len(set(ids)) < 0.5 * len(ids):  # a name of a project, say, that many deals share
        reader.notes.append(
            f"column {reader.mapping.columns['id']!r} repeats too often to be a deal's number; rows are numbered"
        )
        return
    for i, text in enumerate(ids):
        if not text:
            reader.refuse(i, "no deal number", f"{reader.mapping.columns['id']} is empty")
        elif text in first:
            reader.refuse(i, "deal listed twice", f"{text!r} stands in row {reader.table.lines[first[text]]} already")
        else:
            first[text] = i


def _coherent(reader: _Reader, dates: dict[str, Column], statuses: list[str]) -> None:
    created, closed = dates["created"].values, dates["closed"].values
    for i, status in enumerate(statuses):
        if created[i] is None:
            reader.refuse(i, "no creation date", f"{reader.mapping.columns['created']} is empty")
            continue
        begun, ended = created[i], closed[i]
        if status in ("won", "lost") and ended is None:
            reader.refuse(i, f"{status} without a closing date", f"{reader.mapping.columns['closed']} is empty")
        elif status in ("won", "lost") and ended is not None and begun is not None and ended < begun:
            reader.refuse(i, "closed before it was created", f"created {begun:%Y-%m-%d}, closed {ended:%Y-%m-%d}")


def _last_day(reader: _Reader, dates: dict[str, Column]) -> dt.date:
    """The export's last day: the last creation, unless many closings come after it.

    A deal cannot be in the export before it was created, but a closing can be dated ahead; a handful of closings within
    a month past the last creation are taken as that.
    """
    good = [i for i in range(len(reader.table.rows)) if i not in reader.why]
    created = [v.date() for i in good if (v := dates["created"].values[i])]
    closed = [v.date() for i in good if (v := dates["closed"].values[i])]
    if not created:
        raise HistoryRefused(
            f"no row has a date of creation that can be read; {_first_reasons(reader) or 'the column is empty'}"
        )
    last = max(created)
    later = [d for d in closed if d > last]
    if not later:
        return last
    if len(later) <= max(1, 0.005 * len(created)) and (max(later) - last).days <= AHEAD:
        reader.notes.append(
            f"{len(later)} deals carry a closing date after the last creation ({last}): dated ahead, taken as "
            f"closed on {last}"
        )
        return last
    return max(later)


def _frame(
    reader: _Reader,
    dates: dict[str, Column],
    statuses: list[str],
    values: list[float | None],
    as_of: dt.date,
    cut: bool,
) -> pl.DataFrame:
    """The deals that are left. With ``cut`` the world is put back to the end of ``as_of``: later closings "
    "are still open."""
    end = dt.datetime.combine(as_of, dt.time(23, 59, 59))
    text = {
        f: [read_name(t) for t in reader.column(f)]
        for f in ("id", "stage", "owner", "product", "category", "region", "territory", "account", "segment")
    }
    numbered = "id" not in reader.mapping.columns or any("rows are numbered" in n for n in reader.notes)
    rows = []
    for i, status in enumerate(statuses):
        begun, ended = dates["created"].values[i], dates["closed"].values[i]
        if i in reader.why or begun is None:
            continue
        if begun > end:
            reader.refuse(i, "created after the history's last day", f"created {begun:%Y-%m-%d}, last day {as_of}")
            continue
        if status in ("won", "lost") and ended is not None and ended > end:
            status, ended = ("open", None) if cut else (status, end.replace(hour=0, minute=0, second=0))
            ended = max(ended, begun) if ended is not None else None
        expected = dates["expected"].values[i]
        rows.append(
            {
                "id": f"row {reader.table.lines[i]}" if numbered else text["id"][i],
                "created": begun,
                "ended": ended if status in ("won", "lost") else None,
                "status": status,
                "value": values[i],
                "expected": expected.date() if expected is not None else None,
                **{f: text[f][i] or None for f in text if f != "id"},
            }
        )
    strings = [f for f in text if f != "id"]
    schema: dict[str, pl.DataType] = {
        "id": pl.String(),
        "created": pl.Datetime("us"),
        "ended": pl.Datetime("us"),
        "status": pl.String(),
        "value": pl.Float64(),
        "expected": pl.Date(),
        **{f: pl.String() for f in strings},
    }
    return pl.DataFrame(rows, schema=schema)
