"""The table of a history, however it comes: CSV in any common encoding, Excel, Parquet, or a database's table.

A ``Sheet`` holds every cell as trimmed text in columns (polars), so that a million rows fit in memory and are read in
seconds. What a column means is found later, by ``columns`` and ``presets``. What cannot be read without guessing is
refused with the row it stands in, by ``engine.plan.tables``, whose rules for encodings hold here too.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from attain.history.clocks import is_utc
from attain.history.columns import EVENT, OPPORTUNITY, plain
from attain.history.layout import framed, layout, likely_delimited
from attain.history.records import HistoryRefused
from engine.plan.tables import DELIMITERS, Table, TableRefused, decode, parse, read_bytes, sniff

MOST_BYTES = 2_000_000_000  # of a history's file, decompressed
SMALL = 4_000_000  # bytes up to which rows are read one by one, so that every wrong one is named
SPREADSHEETS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
PARQUET = (".parquet", ".pq")
T = TypeVar("T")
_URL = re.compile(r"^[a-z][a-z0-9+]*://", re.IGNORECASE)
_NAME = re.compile(r"^[^\W\d]\w*(\.[^\W\d]\w*)?$")


@dataclass(frozen=True, eq=False)
class Sheet:
    """A table as text in columns; ``lines[i]`` is the line of the file on which row i ends.

    ``aside``: what stands above and below the table, by line; ``part``: the workbook's sheet, then the others.
    """

    data: pl.DataFrame
    lines: NDArray[np.int64]
    encoding: str
    aside: tuple[tuple[int, str], ...] = ()
    part: tuple[str, ...] = ()

    @property
    def header(self) -> tuple[str, ...]:
        return tuple(self.data.columns)

    @property
    def height(self) -> int:
        return self.data.height

    def words(self, name: str, most: int = 200) -> list[tuple[str, int]]:
        """A column's commonest words with their counts."""
        counts = self.data[name].value_counts(sort=True, name="_rows").sort(["_rows", name], descending=[True, False])
        return [(str(word), int(n)) for word, n in counts.head(most).iter_rows()]


def is_url(text: str) -> bool:
    """Whether a history is named as a database's address: ``postgresql://...``, ``sqlite:///crm.db``."""
    return bool(_URL.match(text))


def sheet_of(path: Path, most_bytes: int = MOST_BYTES, part: str = "", zone: str = "") -> Sheet:
    """The table in a file; ``part``: the sheet of a workbook, else the one whose columns are most like a history's;
    ``zone``: what typed times of a zone are brought to, as text is when it is read.

    Raises HistoryRefused in one message.
    """
    suffix = path.suffix.lower()
    if suffix in SPREADSHEETS:
        return _spreadsheet(path, part)
    if suffix in PARQUET:
        return _typed(_tried(path, lambda: pl.read_parquet(path)), "parquet", path.name, zone)
    if suffix == ".numbers":
        raise HistoryRefused(f"{path.name} is a spreadsheet of Numbers; save it as Excel or CSV and pass that")
    try:
        sheet = _text(path, most_bytes)
    except TableRefused as error:
        said = [str(p) for p in error.problems[:5]]
        more = f" (and {len(error.problems) - 5} more)" if len(error.problems) > 5 else ""
        raise HistoryRefused(f"{path.name}: {'; '.join(said)}{more}") from None
    if not sheet.height:
        raise HistoryRefused(f"{path.name} has a header ({', '.join(sheet.header)[:200]}) and no rows below it")
    return sheet


# --- text -------------------------------------------------------------------------------------------------------------


def _text(path: Path, most_bytes: int) -> Sheet:
    data = read_bytes(path, most_bytes)
    if len(data) <= SMALL:
        return _by_rows(*decode(data))
    encoding = "utf-8"
    if not _is_utf8(data):
        text, encoding = decode(data)
        data = text.lstrip("\ufeff").encode("utf-8")
    delimiter = sniff(data[:50_000].decode("utf-8", "ignore"))
    lines = _shape(data, delimiter)
    if lines is None:  # some row has another number of cells: read them one by one, and name every such row
        return _by_rows(*decode(data))
    frame = pl.read_csv(data, separator=delimiter, infer_schema=False, quote_char='"')
    frame = frame.rename({name: name.strip().lstrip("\ufeff") for name in frame.columns})
    frame = _trimmed(frame)
    if frame.height != len(lines):  # a reader that sees other rows than the check did: believe the stricter one
        return _by_rows(*decode(data))
    return Sheet(frame, lines, encoding)


def _by_rows(text: str, encoding: str) -> Sheet:
    delimiter = sniff(likely_delimited(text, DELIMITERS))
    text, aside = framed(text, delimiter)
    return replace(from_table(parse(text, encoding, delimiter=delimiter)), aside=aside)


def _is_utf8(data: bytes) -> bool:
    if data[:4] in (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff") or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return False
    if b"\x00" in data[:65536]:
        return False
    step = 16_000_000  # piece by piece, so that no second copy of the file is made
    at = 0
    while at < len(data):
        end = min(len(data), at + step)
        while end < len(data) and data[end] & 0xC0 == 0x80:  # not inside a character
            end += 1
        try:
            data[at:end].decode("utf-8")
        except UnicodeDecodeError:
            return False
        at = end
    return True


def _shape(data: bytes, delimiter: str) -> NDArray[np.int64] | None:
    """The line each row ends on, where every row has as many cells as the header; else None."""
    stream = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    try:
        header = next(reader)
        width = len(header)
        names = [h.strip() for h in header]
        if not all(names) or len(set(names)) < width:
            return None
        lines = []
        for record in reader:
            if len(record) != width:
                if not any(cell.strip() for cell in record):
                    return None  # blank lines, which polars would count as rows
                return None
            lines.append(reader.line_num)
    except (csv.Error, StopIteration):
        return None
    return np.array(lines, dtype=np.int64)


def _trimmed(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.all().cast(pl.String).fill_null("").str.strip_chars())


def from_table(table: Table) -> Sheet:
    """A table of rows as columns."""
    columns = list(zip(*table.rows, strict=True)) if table.rows else [() for _ in table.header]
    names = [name or f"column {i + 1}" for i, name in enumerate(table.header)]
    frame = pl.DataFrame(
        {name: pl.Series(name, list(cells), dtype=pl.String) for name, cells in zip(names, columns, strict=True)}
    )
    return Sheet(frame, np.array(table.lines, dtype=np.int64), table.encoding)


# --- typed tables: Excel, Parquet, databases --------------------------------------------------------------------------


def _tried(path: Path, read: Callable[[], T]) -> T:
    if not path.exists():
        raise HistoryRefused(f"{path}: no such file")
    try:
        return read()
    except ModuleNotFoundError:
        raise HistoryRefused(
            f"{path.name}: spreadsheets need the package fastexcel; install attain[excel], or save it as CSV"
        ) from None
    except Exception as error:  # a library's own errors, of many kinds: said in one line
        why = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        form = path.suffix[1:]
        raise HistoryRefused(f"{path.name}: cannot be read as {form} ({why}); save it as CSV and pass that") from None


def _spreadsheet(path: Path, part: str) -> Sheet:
    def read() -> dict[str, pl.DataFrame]:
        options = {"engine": "calamine", "infer_schema_length": 0, "has_header": False, "drop_empty_rows": False}
        return pl.read_excel(path, sheet_id=0, raise_if_empty=False, **options)  # type: ignore[call-overload, no-any-return]

    sheets = {name: _laid_out(frame) for name, frame in _tried(path, read).items()}
    found = {name: sheet for name, sheet in sheets.items() if sheet is not None}
    if part and part not in sheets:
        raise HistoryRefused(f"{path.name} has no sheet {part!r}; it has: {', '.join(sheets)}")
    if not found or (part and part not in found):
        raise HistoryRefused(f"{path.name}: a header and rows below it were expected, in {part or ', '.join(sheets)!r}")
    chosen = part or max(found, key=lambda name: (_known(found[name].header), found[name].data.shape))
    if len(sheets) == 1:
        return found[chosen]
    return replace(found[chosen], part=(chosen, *(name for name in sheets if name != chosen)))


def _known(header: Sequence[str]) -> int:
    """How many columns have names that a history's would."""
    names = {name for table in (OPPORTUNITY, EVENT) for words in table.values() for name in words}
    return sum(plain(h) in names for h in header)


def _laid_out(frame: pl.DataFrame) -> Sheet | None:
    """A sheet of a workbook as a table, None where it holds none."""
    # a date comes as text with a midnight's time
    text = _trimmed(frame).with_columns(pl.all().str.replace(r"^(\d{4}-\d{2}-\d{2}) 00:00:00(\.0+)?$", "$1"))
    text = text.with_row_index("_line", 1).filter(~pl.all_horizontal(pl.exclude("_line") == ""))
    if text.height < 2:
        return None
    records = [(int(line), cells) for line, *cells in text.head(500).iter_rows()]
    found = layout(records)
    first, header = (1, records[0][1]) if found is None else (found.first, list(found.header))
    rows = text.slice(first)
    names: list[str] = []
    for i, name in enumerate(header):
        own = " ".join(name.split()) or f"column {i + 1}"
        names.append(own if own not in names else f"{own} ({i + 1})")
    data = rows.drop("_line").rename(dict(zip(rows.drop("_line").columns, names, strict=True)))
    blank = [new for new, old in zip(names, header, strict=True) if not old and bool((data[new] == "").all())]
    return Sheet(
        data.drop(blank), rows["_line"].to_numpy().astype(np.int64), "spreadsheet", found.aside if found else ()
    )


def _typed(frame: pl.DataFrame, kind: str, name: str, zone: str) -> Sheet:
    """A typed table as text: dates as 2024-03-31, with the time where the cell has one. Times of a zone are as its
    clocks show them, or, of UTC, say that they are UTC's, unless a ``zone`` is asked for."""
    if not frame.height:
        raise HistoryRefused(f"{name} has a header ({', '.join(frame.columns)[:200]}) and no rows below it")
    columns = []
    for series in frame.iter_columns():
        if isinstance(series.dtype, pl.Datetime):
            own = series.dtype.time_zone or ""
            days = is_utc(own) and bool((series.dt.truncate("1d") == series).all())
            moved = series.dt.convert_time_zone(zone) if own and zone and not days else series
            naive = moved.dt.replace_time_zone(None)
            mark = "Z" if is_utc(own) and not zone else ""
            day, clock = naive.dt.to_string("%Y-%m-%d"), naive.dt.to_string(f"%Y-%m-%d %H:%M:%S%.6f{mark}")
            whole = naive.dt.truncate("1d") == naive  # cell by cell: a later row's clock says nothing of this one
            columns.append(pl.select(pl.when(whole).then(day).otherwise(clock).alias(series.name)).to_series())
        elif series.dtype in (pl.List, pl.Struct, pl.Array, pl.Object, pl.Binary):
            continue  # nested cells are no columns of a history
        else:
            columns.append(series.cast(pl.String))
    text = _trimmed(pl.DataFrame(columns))
    text = text.rename({c: c.strip() for c in text.columns})
    filled = text.filter(~pl.all_horizontal(pl.all() == ""))
    return Sheet(filled, np.arange(2, filled.height + 2, dtype=np.int64), kind)


def database_sheet(address: str, table: str, zone: str = "") -> Sheet:
    """The rows of a database's table or view, or of one SELECT, through SQLAlchemy. Raises HistoryRefused."""
    try:
        import sqlalchemy
    except ModuleNotFoundError:
        raise HistoryRefused("a database needs the package sqlalchemy; install attain[database]") from None
    query = table.strip().rstrip(";")
    if not query:
        raise HistoryRefused("which table of the database holds the history? Name it with --table, a SELECT serves too")
    if not _NAME.match(query) and not query.lower().startswith(("select ", "with ")):
        raise HistoryRefused(f"--table {table!r}: a table's name (schema.table), or one SELECT, was expected")
    try:
        engine = sqlalchemy.create_engine(address)
        with engine.connect() as connection:
            if _NAME.match(query):
                schema, _, name = query.rpartition(".")
                found: Any = sqlalchemy.select(
                    sqlalchemy.Table(name, sqlalchemy.MetaData(), schema=schema or None, autoload_with=connection)
                )
            else:
                found = sqlalchemy.text(query)
            frame = pl.read_database(found, connection, infer_schema_length=None)
    except ModuleNotFoundError as error:
        raise HistoryRefused(f"this kind of database needs its driver, the package {error.name}") from None
    except sqlalchemy.exc.SQLAlchemyError as error:  # the address may hold a password: it is not repeated
        why = str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0][:160]
        raise HistoryRefused(f"the database cannot be read: {why}") from None
    return _typed(frame, "database", f"{query[:60]!r} of the database", zone)
