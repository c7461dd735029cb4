"""A CRM's export, one row an opportunity, read into a ``History``.

Such an export shows where each deal stands or ended, and when it was created and closed: not when it entered its
stages. Which funnel that can carry is judged in ``funnel``. Columns are read as wholes; a row is refused by its line.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from attain.history.cells import Dates, amount_column, date_column, decimal_mark, name_column
from attain.history.clocks import examine_clocks
from attain.history.columns import chinese, header_unit, word
from attain.history.currencies import Rates, base_of, convert, in_cells
from attain.history.dates import YEAR, plausible
from attain.history.funnel import fit_funnel
from attain.history.guessing import check_columns, guess_mapping
from attain.history.known import OPEN_WORD, opportunities_by
from attain.history.mapping import Mapping
from attain.history.quality import Finding, closed_stages, examine, spelled_alike, undated
from attain.history.records import History, HistoryRefused, Refusal
from attain.history.sheets import Sheet
from attain.wording import told

AHEAD = 31  # days: closings dated up to this far past the last creation are entries made ahead of their date
TEXTS = ("id", "stage", "owner", "product", "category", "region", "territory", "account", "segment", "source")
DATED = ("created", "closed", "expected", "changed")
QUIET = 92  # days after the last that is known from which a day is one of which nothing is known
UNKNOWN = 0.1  # share of the rows with a status that no word of the mapping is, from which the rest are no sample
ONLY_WON = 20  # deals won from which none lost is no luck
FEW_DATELESS = 5
DATELESS = 0.5  # share of the deals won, or lost, without a closing date from which the rest are no sample
_TRUE = {"true", "1", "yes", "y", "是", "t", "已", "√", "对"}
_MOST_WHY = 1000  # rows of one reason whose own words are kept; the others share the first one's


@dataclass
class Reader:
    """The rows being read: what has been refused so far, by row, the first reason kept."""

    sheet: Sheet
    mapping: Mapping
    alive: NDArray[np.bool_]
    why: dict[int, tuple[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def column(self, name: str) -> pl.Series:
        header = self.mapping.columns.get(name)
        if header is None:
            return pl.Series(name, [""], dtype=pl.String).new_from_index(0, self.sheet.height)
        return self.sheet.data[header]

    def refuse(self, rows: NDArray[np.int64], reason: str, why: Callable[[int], str]) -> None:
        """Refuse rows for a reason that ``why(row)`` says in full."""
        for count, row in enumerate(rows[self.alive[rows]].tolist()):
            self.why[row] = (reason, why(row) if count < _MOST_WHY else reason)
        self.alive[rows] = False

    def where(self, mask: pl.Series, reason: str, why: Callable[[int], str]) -> None:
        self.refuse(np.flatnonzero(mask.fill_null(value=False).to_numpy()), reason, why)


# --- the rows ---------------------------------------------------------------------------------------------------------


def read_opportunities(
    sheet: Sheet,
    name: str,
    mapping: Mapping | None,
    as_of: dt.date | None,
    rates: Rates | None = None,
    zone: str = "",
) -> History:
    """Read an export. ``as_of``: pretend it was taken at the end of that day; ``rates``: of other currencies; ``zone``:
    where the business works.

    Raises HistoryRefused.
    """
    said: list[str] = []
    base = None

    def guessed(table: Sheet) -> Mapping:
        return guess_mapping(table).model_copy(update={"timezone": zone})

    if mapping is not None:
        check_columns(sheet, mapping.columns)
    if as_of is not None:
        sheet, mapping, said, base = put_back(sheet, mapping, as_of, guessed)
    mapping = mapping or guessed(sheet)
    reader = Reader(sheet, mapping, np.ones(sheet.height, dtype=bool), notes=said)
    dates, formats = days_of(reader)
    frame = statuses_of(reader, dated(dates))
    decimal = decimal_of(reader)
    frame = frame.with_columns(values_of(reader, decimal), *(name_column(reader.column(f)).alias(f) for f in TEXTS))
    if said and mapping.columns.get("stage") == mapping.columns.get("status"):
        frame = frame.with_columns(pl.col("stage").replace(OPEN_WORD, None))
    numbered = _identities(reader, frame)
    frame, dateless = _closings(reader, frame)
    frame = _coherent(reader, frame, timed=dates["created"].timed and dates["closed"].timed)
    base = base_in(reader) if as_of is None else base
    frame, money = convert(frame, currencies_of(reader), reader.column("rate"), base, mapping, rates, reader.where)
    asked = as_of
    last = last_day_of(reader, frame) if as_of is None else None
    if as_of is not None:
        check_known(as_of, frame["created"], frame["closed"])
    as_of = as_of or last
    assert as_of is not None
    deals = _deals(reader, frame, as_of, numbered, cut=asked is not None)
    if not deals.height:
        raise HistoryRefused(f"no row of {name} can be used; the first reasons: {_first_reasons(reader)}")
    deals, merged = spelled_alike(deals, ("stage", "product", "region", "territory", "source"))
    check_outcomes(deals, name)
    clocks, unused = examine_clocks(timed_columns(reader), mapping.timezone)
    reader.notes += unused
    findings: list[Finding] = [
        *clocks,
        *dateless,
        *closed_stages(reader.column("status"), mapping.lost),
        *merged,
        *money,
    ]
    deals, seen = examine(deals, as_of)
    findings += seen
    resolution = 0.0 if dates["created"].timed and dates["closed"].timed else 1.0
    refused = tuple(Refusal(int(sheet.lines[i]), reason, why) for i, (reason, why) in sorted(reader.why.items()))
    funnel = fit_funnel(deals, as_of, mapping.stages)
    return History(
        "opportunities",
        name,
        sheet.height,
        refused,
        mapping.model_copy(update={"dates": formats, "decimal": decimal if decimal != "." else mapping.decimal}),
        as_of,
        funnel.deals,
        funnel.visits,
        funnel.stages,
        resolution,
        sheet.encoding,
        tuple(reader.notes + funnel.notes),
        funnel.raw,
        tuple(findings),
        currency=str(frame["currency"][0] or "") if "currency" in frame.columns else "",
    )


def check_outcomes(deals: pl.DataFrame, name: str) -> None:
    """Raises HistoryRefused where nothing was won, or nothing was lost."""
    won, lost = ((deals["status"] == kind).sum() for kind in ("won", "lost"))
    if not won:
        raise HistoryRefused(f"no deal in {name} has been won, so no win rate, cycle or value can be fitted")
    if not lost and won >= ONLY_WON:
        raise HistoryRefused(
            f"all {won:,} deals in {name} that have ended were won: a list of orders, or an export without "
            "the lost ones, has no win rate; deals that were lost, with the day on which they were, would suffice"
        )


def check_known(day: dt.date, *times: pl.Series) -> None:
    """Raises HistoryRefused for a day long after the last of the times: a quiet month is not yet an old export."""
    latest = max((t for s in times if isinstance(t := s.max(), dt.datetime) and t.date() <= day), default=None)
    if latest is not None and (day - latest.date()).days > QUIET:
        raise HistoryRefused(
            f"nothing is known of {day}: the history ends on {latest.date()}. An as-of day no later than that, or a "
            "newer export, would do"
        )


def timed_columns(reader: Reader) -> list[pl.Series]:
    """The cells of the columns of days and times."""
    columns = reader.mapping.columns
    return [reader.sheet.data[c] for c in dict.fromkeys(columns[f] for f in DATED if f in columns)]


def dated(dates: dict[str, Dates]) -> pl.DataFrame:
    return pl.DataFrame({f: c.values.rename(f) for f, c in dates.items()}).with_row_index("row")


def put_back(
    sheet: Sheet, mapping: Mapping | None, day: dt.date, guess: Callable[[Sheet], Mapping]
) -> tuple[Sheet, Mapping | None, list[str], str | None]:
    """The export as of a day, with what can no longer be known said; a guessed mapping is guessed anew from that.

    How a file is written is no event: formats of dates, decimals, and the currency its rates lead to are the whole's.
    """
    whole = mapping or guess(sheet)
    reader = Reader(sheet, whole, np.ones(sheet.height, dtype=bool))
    dates, formats = days_of(reader)
    # words that only later rows use refuse nothing: they are counted in what is left
    frame = last_change(statuses_of(reader, dated(dates), most_unknown=1.0))
    sheet, changed = opportunities_by(sheet, whole.columns, frame["created"], frame["closed"], frame["status"], day)
    if not changed:
        return sheet, mapping, [], base_in(reader)
    if not sheet.height:
        raise HistoryRefused(f"no deal had been created by {day}")
    if mapping is None:
        mapping = guess(sheet)
    note = told("history.put_back", day=str(day))
    kept = {field: form for field, form in formats.items() if field != "expected"}
    return sheet, mapping.model_copy(update={"dates": kept, "decimal": decimal_of(reader)}), [note], base_in(reader)


def _first_reasons(reader: Reader) -> str:
    return "; ".join(f"row {reader.sheet.lines[i]}: {why}" for i, (_, why) in sorted(reader.why.items())[:3])


def days_of(reader: Reader) -> tuple[dict[str, Dates], dict[str, str]]:
    read: dict[str, Dates] = {}
    formats: dict[str, str] = {}
    hint: str | None = None
    waiting: list[tuple[str, str]] = []
    for name in DATED:
        if name not in reader.mapping.columns:
            read[name] = _no_dates(reader, name)
            continue
        try:
            read[name] = _date_column(reader, name, None)
        except ValueError as error:
            waiting.append((name, str(error)))
            continue
        if read[name].format[:2] in ("dd", "mm"):
            hint = read[name].format[0]
    for name, said in waiting:  # a column that does not tell days from months is read as the file's others are
        if hint is not None and "could be day/month" in said:
            read[name] = _date_column(reader, name, hint)
        elif name == "changed":  # only ever stands in for another
            read[name] = _no_dates(reader, name)
        else:
            raise HistoryRefused(said)
    for name, column in read.items():
        if column.format:
            formats[name] = column.format
        wrong = column.wrong if name != "changed" else {}
        reader.refuse(np.array(sorted(wrong), dtype=np.int64), "date in another format", wrong.__getitem__)
    return read, formats


def _no_dates(reader: Reader, name: str) -> Dates:
    return Dates(pl.Series(name, [None] * reader.sheet.height, dtype=pl.Datetime("us")), {}, "", False)


def _date_column(reader: Reader, name: str, hint: str | None) -> Dates:
    header, known = reader.mapping.columns[name], reader.mapping.dates.get(name)
    return date_column(reader.column(name).alias(header), header, known=known, hint=hint, zone=reader.mapping.timezone)


def statuses_of(reader: Reader, frame: pl.DataFrame, *, most_unknown: float = UNKNOWN) -> pl.DataFrame:
    """Adds ``status``. A closing date of a deal that is still open is the one expected.

    Raises HistoryRefused where more than ``most_unknown`` of the rows have a word that none of the mapping's is.
    """
    columns = reader.mapping.columns
    if {"is_won", "is_closed"} <= columns.keys() and not reader.mapping.won:
        won, over = (reader.column(f).str.to_lowercase().is_in(list(_TRUE)) for f in ("is_won", "is_closed"))
        frame = frame.with_columns(
            pl.when(won).then(pl.lit("won")).when(over).then(pl.lit("lost")).otherwise(pl.lit("open")).alias("status")
        )
        return _expected(frame, pl.col("status") == "open")
    if "status" not in columns:  # of a table beside a log, which says itself how deals ended
        return frame.with_columns(pl.lit("").alias("status"))
    header = columns["status"]
    known = {w: k for k in ("won", "lost", "open") for w in getattr(reader.mapping, k)}
    texts = reader.column("status")
    kinds = {t: known.get(t) or word(t) for t in texts.unique().to_list()}
    status = texts.replace_strict(kinds, default="", return_dtype=pl.String)
    frame = frame.with_columns(status.alias("status"), texts.alias("_text"))
    # a stage's name in a status column: still under way, as it has no closing date, or one that is only expected
    staged = columns.get("stage") == header or bool(reader.mapping.preset)
    under_way = (pl.col("status") == "") & (pl.col("_text") != "")
    frame = frame.with_columns(
        pl.when(under_way & (pl.col("closed").is_null() | pl.lit(staged)))
        .then(pl.lit("open"))
        .otherwise(pl.col("status"))
        .alias("status")
    )
    unknown = frame["status"] == ""

    def why(row: int) -> str:
        text = texts[row]
        return f"{header} {text[:40]!r} is none of the mapping's words" if text else f"{header} is empty"

    counts = texts.filter(unknown & (texts != "")).value_counts(sort=True, name="_rows")
    n = int(counts["_rows"].sum())
    if n > max(FEW_DATELESS, most_unknown * len(texts)):
        shown = ", ".join(f"{word!r} ({rows:,})" for word, rows in counts.head(6).iter_rows())
        raise HistoryRefused(
            f"{n:,} of {len(texts):,} rows have a status in {header!r} that is not known to be won, lost or open: "
            f"{shown}. Without them the others are no sample; write the words in the mapping (won: [...], lost: [...], "
            "open: [...])"
        )
    reader.where(unknown, "status not known", why)
    return _expected(frame.drop("_text"), (pl.col("status") == "open") & pl.lit(staged))


def _expected(frame: pl.DataFrame, which: pl.Expr) -> pl.DataFrame:
    return frame.with_columns(
        pl.when(which & pl.col("expected").is_null())
        .then(pl.col("closed"))
        .otherwise(pl.col("expected"))
        .alias("expected"),
        pl.when(which).then(None).otherwise(pl.col("closed")).alias("closed"),
    )


def values_of(reader: Reader, decimal: str) -> pl.Series:
    """Values in the file's currencies; the estimate stands in where the value is empty."""
    header = reader.mapping.columns.get("value", "")
    out, wrong = amount_column(reader.column("value").alias(header), reader.mapping.unit, decimal)
    reader.refuse(np.array(sorted(wrong), dtype=np.int64), "amount not readable", wrong.__getitem__)
    if "estimate" in reader.mapping.columns:
        header = reader.mapping.columns["estimate"]
        other, bad = amount_column(reader.column("estimate").alias(header), header_unit(header), decimal)
        needed = np.array([row for row in sorted(bad) if out[row] is None], dtype=np.int64)
        reader.refuse(needed, "amount not readable", bad.__getitem__)
        out = pl.select(pl.coalesce(out, other)).to_series()
    return out.alias("value")


def decimal_of(reader: Reader) -> str:
    """The mark before the amounts' decimals: the mapping's, else what both columns of amounts say."""
    columns = [f for f in ("value", "estimate") if f in reader.mapping.columns]
    if reader.mapping.decimal or not columns:
        return reader.mapping.decimal or "."
    texts = pl.concat([pl.Series("amount", reader.column(f), dtype=pl.String) for f in columns])
    try:
        return decimal_mark(texts, reader.mapping.columns[columns[0]])
    except ValueError as error:
        raise HistoryRefused(str(error)) from None


def currencies_of(reader: Reader) -> pl.Series:
    """The currency of each amount: of the file's own column, else as it stands in the cells (USD 1,200, €50)."""
    if "currency" in reader.mapping.columns:
        return reader.column("currency")
    return in_cells(reader.column("value"), reader.column("estimate"), chinese=chinese(reader.sheet.header))


def base_in(reader: Reader) -> str | None:
    return base_of(currencies_of(reader), reader.column("rate")) if "rate" in reader.mapping.columns else None


def _identities(reader: Reader, frame: pl.DataFrame) -> bool:
    """Refuses deals listed twice; whether rows are numbered instead of named."""
    if "id" not in reader.mapping.columns:
        return True
    header, ids = reader.mapping.columns["id"], reader.column("id")
    if ids.n_unique() < 0.5 * len(ids):  # a name of a project, say, that many deals share
        reader.notes.append(told("history.numbered", header=repr(header)))
        return True
    reader.where(ids == "", "no deal number", lambda _: f"{header} is empty")
    again = (ids != "") & ~ids.is_first_distinct()
    if again.any():
        first = dict(ids.to_frame("id").with_row_index("row").group_by("id").agg(pl.col("row").min()).iter_rows())
        lines = reader.sheet.lines
        reader.where(again, "deal listed twice", lambda i: f"{ids[i]!r} stands in row {lines[first[ids[i]]]} already")
    return False


def _closings(reader: Reader, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """A deal that ended on no day was last changed on one: that stands in.

    Raises HistoryRefused where most deals won, or lost, have neither: without them the others' win rate says nothing.
    """
    missing = frame["closed"].null_count()
    frame = last_change(frame)
    for kind in ("won", "lost"):
        own = frame.filter((pl.col("status") == kind) & pl.Series(reader.alive))
        without = own["closed"].null_count()
        if without > max(FEW_DATELESS, DATELESS * own.height):
            raise HistoryRefused(
                f"{without:,} of {own.height:,} deals that were {kind} have no closing date in "
                f"{reader.mapping.columns['closed']!r}, and no other says when: what is left is no sample of them. A "
                "column of when deals were won and lost, or last changed (columns: {changed: ...}), would suffice"
            )
    return frame, undated(missing - frame["closed"].null_count(), reader.mapping.columns.get("changed", ""))


def last_change(frame: pl.DataFrame) -> pl.DataFrame:
    over = pl.col("status").is_in(["won", "lost"]) & pl.col("closed").is_null()
    there = pl.col("changed").dt.date() >= pl.col("created").dt.date()
    return frame.with_columns(pl.when(over & there).then(pl.col("changed")).otherwise(pl.col("closed")).alias("closed"))


def _coherent(reader: Reader, frame: pl.DataFrame, *, timed: bool) -> pl.DataFrame:
    """Refuses rows whose dates contradict each other; ``closed`` is no earlier than ``created`` in those that are left.

    Where one of the two columns holds days only (not ``timed``), a deal may end on the day of its creation, whatever
    the other's clock says.
    """
    created, closed, status = frame["created"], frame["closed"], frame["status"]
    columns = reader.mapping.columns
    reader.where(created.is_null(), "no creation date", lambda _: f"{columns['created']} is empty")
    bounds = plausible(created.filter(pl.Series(reader.alive)))
    if bounds is not None:
        first, last = bounds
        reader.where(
            (created.dt.date() < first) | (created.dt.date() > last),
            "a date far from all others",
            lambda i: f"created {created[i]:%Y-%m-%d}, the others between {first} and {last}",
        )
    for kind in ("won", "lost"):
        reader.where(
            (status == kind) & closed.is_null(),
            f"{kind} without a closing date",
            lambda _: f"{columns['closed']} is empty",
        )
    reader.where(
        status.is_in(["won", "lost"]) & ((closed < created) if timed else (closed.dt.date() < created.dt.date())),
        "closed before it was created",
        lambda i: f"created {created[i]:%Y-%m-%d}, closed {closed[i]:%Y-%m-%d}",
    )
    if timed:
        return frame
    same = (pl.col("closed").dt.date() == pl.col("created").dt.date()) & pl.col("status").is_in(["won", "lost"])
    later = pl.max_horizontal("closed", "created")
    return frame.with_columns(pl.when(same).then(later).otherwise(pl.col("closed")).alias("closed"))


def last_day_of(reader: Reader, frame: pl.DataFrame) -> dt.date:
    """The export's last day: the last creation, unless many closings come after it.

    A deal cannot be in the export before it was created, but a closing can be dated ahead; a handful of closings within
    a month past the last creation are taken as that.
    """
    good = frame.filter(pl.Series(reader.alive))
    created = good["created"].drop_nulls().dt.date()
    last = created.max()
    if not isinstance(last, dt.date):
        raise HistoryRefused(
            f"no row has a date of creation that can be read; {_first_reasons(reader) or 'the column is empty'}"
        )
    closed = good.filter(pl.col("status").is_in(["won", "lost"]))["closed"].drop_nulls().dt.date()
    later = closed.filter(closed > last)
    latest = later.max()
    if not isinstance(latest, dt.date):
        return last
    few = len(later) <= max(1, 0.005 * len(created))
    if few and (latest - last).days > YEAR:
        over = frame["status"].is_in(["won", "lost"]) & (frame["closed"].dt.date() > last)
        reader.where(
            over,
            "a date far from all others",
            lambda i: f"closed {frame['closed'][i]:%Y-%m-%d}, though nothing was created after {last}",
        )
        return last
    if few and (latest - last).days <= AHEAD:
        reader.notes.append(told("history.ahead", n=str(len(later)), day=str(last)))
        return last
    return latest


def _deals(reader: Reader, frame: pl.DataFrame, as_of: dt.date, numbered: bool, *, cut: bool) -> pl.DataFrame:
    """The deals that are left. With ``cut`` the world is put back to the end of ``as_of``: later closings are open."""
    end = dt.datetime.combine(as_of, dt.time(23, 59, 59))
    created = frame["created"]
    reader.where(
        created > end,
        "created after the history's last day",
        lambda i: f"created {created[i]:%Y-%m-%d}, last day {as_of}",
    )
    lines = pl.Series("line", reader.sheet.lines)
    identity = ("row " + lines.cast(pl.String)) if numbered else frame["id"]
    ends = pl.col("status").is_in(["won", "lost"])
    late = ends & (pl.col("closed") > end)
    ended: pl.Expr = pl.when(ends).then(pl.col("closed"))
    if cut:
        status: pl.Expr = pl.when(late).then(pl.lit("open")).otherwise(pl.col("status"))
        ended = pl.when(late).then(None).otherwise(ended)
    else:
        status = pl.col("status")
        midnight = pl.lit(end.replace(hour=0, minute=0, second=0)).cast(pl.Datetime("us"))
        ended = pl.when(late).then(pl.max_horizontal(midnight, pl.col("created"))).otherwise(ended)
    return (
        frame.with_columns(identity.alias("id"), ended.alias("ended"), status.alias("status"))
        .filter(pl.Series(reader.alive))
        .select(
            "id",
            "created",
            "ended",
            "status",
            "value",
            pl.col("expected").dt.date().alias("expected"),
            *(f for f in TEXTS if f != "id"),
        )
    )
