"""The deals' table beside a log of their stages: whose each is, what it is worth, and how it stands today.

It is an export as ``opportunities`` reads one, but any part of it may be missing but the deal's number. Nothing is
joined here: that is ``history.paired``.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
import polars as pl

from attain.history.cells import name_column
from attain.history.clocks import examine_clocks
from attain.history.currencies import Rates, convert
from attain.history.dates import plausible
from attain.history.guessing import guess_mapping, require
from attain.history.mapping import Mapping
from attain.history.opportunities import (
    TEXTS,
    Reader,
    base_in,
    currencies_of,
    dated,
    days_of,
    decimal_of,
    last_change,
    last_day_of,
    put_back,
    statuses_of,
    timed_columns,
    values_of,
)
from attain.history.quality import Finding
from attain.history.records import HistoryRefused, Refusal
from attain.history.sheets import Sheet
from attain.wording import told

NEEDED = {"id": "the deal's number, as the log has it (such as 'Opportunity ID' or 商机编号)"}
KNOWN = 0.5  # of the log's deals that the column of numbers should hold, else another one is looked for
MOST = 3  # cells that cannot be read that are shown
NOON = pl.duration(hours=12)
_CHECKS = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class DealTable:
    """The table as read. ``frame``: a row a deal: key (of its number), id, created, ended (of those won or lost, null
    where no day is known), status (won, lost, open, '' where the table does not say), value, and names.

    ``last``: its last day, None where it has no days; ``currency`` of the values; ``several`` whether they were in more
    than one.
    """

    name: str
    rows: int
    frame: pl.DataFrame
    mapping: Mapping
    refused: tuple[Refusal, ...]
    findings: tuple[Finding, ...]
    last: dt.date | None
    currency: str
    several: bool

    @property
    def valued(self) -> bool:
        """Whether it says what deals are worth."""
        return self.frame["value"].drop_nulls().len() > 0


def deal_keys(ids: pl.Series) -> pl.Series:
    """What two ways to write a deal's number share: of Salesforce's 18 characters the first 15, where the last three
    are their check; any other number is itself."""
    known = ids.unique().drop_nulls()
    long = known.filter(known.str.contains(r"^[A-Za-z0-9]{15}[A-Z0-5]{3}$"))
    if not long.len():
        return ids
    cells = np.frombuffer("".join(long.to_list()).encode("ascii"), dtype=np.uint8).reshape(-1, 18)
    upper = ((cells[:, :15] >= ord("A")) & (cells[:, :15] <= ord("Z"))).reshape(-1, 3, 5)
    checks = _CHECKS[upper @ np.array([1, 2, 4, 8, 16])]
    short = long.filter(pl.Series((checks == cells[:, 15:]).all(axis=1)))
    return ids.replace(short, short.str.slice(0, 15))


def guess_deals(sheet: Sheet, cases: AbstractSet[str]) -> Mapping:
    """The mapping of the table; ``cases``: the keys of the log's deals, which tell the column of their numbers where
    the one that is called so holds others."""
    mapping = guess_mapping(sheet, beside=True)
    own = mapping.columns.get("id")
    if own is not None and _share(sheet.data[own], cases) >= KNOWN:
        return mapping
    likely = [h for h in sheet.header if sheet.data[h].n_unique() > sheet.height / 2]
    shares = {h: _share(sheet.data[h], cases) for h in likely}
    best = max(shares, key=shares.__getitem__, default=None)
    if best is None or shares[best] <= (_share(sheet.data[own], cases) if own is not None else 0.0):
        return mapping
    columns = {f: c for f, c in mapping.columns.items() if c != best and f != "id"}
    return mapping.model_copy(update={"columns": {"id": best, **columns}})


def _share(ids: pl.Series, cases: AbstractSet[str]) -> float:
    """Of the log's deals, how many are in a column."""
    return len(set(deal_keys(name_column(ids)).drop_nulls().to_list()) & cases) / max(1, len(cases))


def read_deals(
    sheet: Sheet,
    name: str,
    mapping: Mapping | None,
    cases: AbstractSet[str],
    as_of: dt.date | None,
    rates: Rates | None,
    zone: str = "",
) -> DealTable:
    """Read the table, put back to the end of ``as_of`` as an export alone would be. Raises HistoryRefused."""

    def guessed(table: Sheet) -> Mapping:
        return guess_deals(table, cases).model_copy(update={"timezone": zone})

    base = None
    if mapping is not None:
        require(sheet, mapping.columns, NEEDED, "deals' table")
        mapping = mapping.model_copy(update={"timezone": zone})
    height, aside = sheet.height, sheet.aside
    if as_of is not None:
        sheet, mapping, _, base = put_back(sheet, mapping, as_of, guessed)
    mapping = mapping or guessed(sheet)
    require(sheet, mapping.columns, NEEDED, "deals' table")
    reader = Reader(sheet, mapping, np.ones(sheet.height, dtype=bool))
    # a cell that cannot be read, or a word that is not known, leaves the rest of what the row says of its deal as it is
    apart = Reader(sheet, mapping, np.ones(sheet.height, dtype=bool))
    dates, formats = days_of(apart)
    decimal = decimal_of(reader)
    values = values_of(apart, decimal)
    unread = _unread(apart, name)
    frame = last_change(statuses_of(apart, dated(dates), most_unknown=1.0))
    frame = frame.with_columns(values, *(name_column(reader.column(f)).alias(f) for f in TEXTS))
    frame = frame.with_columns(deal_keys(frame["id"]).alias("key"))
    header = mapping.columns["id"]
    reader.where(frame["key"].is_null(), "no deal number", lambda _: f"{header} is empty")
    again = frame["key"].is_not_null() & ~frame["key"].is_first_distinct()
    reader.where(again, "deal listed twice", lambda i: f"{frame['id'][i]!r} stands in an earlier row already")
    held = currencies_of(reader)
    base = base_in(reader) if as_of is None else base
    frame, money = convert(frame, held, reader.column("rate"), base, mapping, rates, reader.where)
    last = _last(apart, frame, reader)
    frame = _plausible(frame, reader, as_of, [f for f in ("created", "closed") if not dates[f].timed])
    refused = tuple(Refusal(int(sheet.lines[i]), reason, why) for i, (reason, why) in sorted(reader.why.items()))
    refused += tuple(Refusal(line, "not a row of the table", repr(text[:120])) for line, text in aside)
    return DealTable(
        name,
        (sheet.height if as_of is not None else height) + len(aside),
        frame.select("key", "id", "created", "ended", "status", "value", "expected", *(f for f in TEXTS if f != "id")),
        mapping.model_copy(
            update={"timezone": "", "dates": formats, "decimal": decimal if decimal != "." else mapping.decimal}
        ),
        tuple(sorted(refused, key=lambda refusal: refusal.row)),
        (*examine_clocks(timed_columns(reader), zone)[0], *unread, *money),
        last,
        str(frame["currency"][0] or "") if frame.height else "",
        bool(money),
    )


def _unread(cells: Reader, name: str) -> list[Finding]:
    """Days and amounts that cannot be read."""
    if not cells.why:
        return []
    texts = Counter(why.split("'")[1] for _, why in cells.why.values() if why.count("'") > 1)
    shown = ", ".join(repr(t) for t, _ in sorted(texts.items(), key=lambda item: (-item[1], item[0]))[:MOST])
    what = told("paired.unread", n=f"{len(cells.why):,}", file=name, shown=shown)
    return [Finding("cells", len(cells.why), what, told("paired.unread.effect"), told("paired.unread.done"))]


def _last(apart: Reader, frame: pl.DataFrame, reader: Reader) -> dt.date | None:
    """The table's last day, as an export's alone; None where it does not say when deals were created."""
    if "created" not in apart.mapping.columns:
        return None
    apart.alive = reader.alive.copy()
    try:
        return last_day_of(apart, _bounded(frame))
    except HistoryRefused:
        return None


def _bounded(frame: pl.DataFrame) -> pl.DataFrame:
    bounds = plausible(frame["created"])
    if bounds is None:
        return frame
    slip = ~pl.col("created").dt.date().is_between(*bounds)
    return frame.with_columns(pl.when(slip).then(None).otherwise(pl.col("created")).alias("created"))


def _plausible(frame: pl.DataFrame, reader: Reader, as_of: dt.date | None, days: list[str]) -> pl.DataFrame:
    """The rows that are left, with the time at which they ended; of ``days``, whose clock is not known, noon. What is
    expected of a deal is an export's latest, and known on no earlier day."""
    over = pl.col("status").is_in(["won", "lost"])
    expected = pl.col("expected").dt.date() if as_of is None else pl.lit(None, dtype=pl.Date)
    kept = _bounded(frame.filter(pl.Series(reader.alive)))
    kept = kept.with_columns(pl.col(name).dt.truncate("1d") + NOON for name in days)
    return kept.with_columns(pl.when(over).then(pl.col("closed")).alias("ended"), expected.alias("expected"))
