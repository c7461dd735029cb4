"""Tables of text (CSV and its kin) as people export them: any common encoding and delimiter, read into rows of text.

First step for the files beside a plan (``files``) and for the histories that plans are fitted to. Nothing here knows
what a column means. What cannot be read without guessing is refused with the row it stands in: a file that is nearly
UTF-8 is broken UTF-8, not Latin-1, and is never read as mojibake.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from charset_normalizer import from_bytes

MOST_BYTES = 200_000_000  # of a table, decompressed; callers may ask for less
MOST_CELL = 131_072  # characters of one cell
DELIMITERS = ",;\t|"
_MOST_SHOWN = 20  # problems of one kind that are listed one by one


@dataclass(frozen=True, slots=True)
class TableProblem:
    """One thing that keeps a table from being read; ``row`` counts lines of the file from 1, 0 for the whole file."""

    row: int
    column: str
    value: str
    expected: str

    def __str__(self) -> str:
        place = ", ".join(p for p in (f"row {self.row}" if self.row else "", self.column) if p)
        found = f" (found {self.value})" if self.value else ""
        return f"{place + ': ' if place else ''}expected {self.expected}{found}"


class TableRefused(ValueError):
    """The table cannot be read; ``problems`` says everything that is wrong with it."""

    def __init__(self, problems: Iterable[TableProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


@dataclass(frozen=True, slots=True)
class Table:
    """A table as text: ``header``, then ``rows`` of as many cells each, trimmed; ``lines[i]`` is where row i ends."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    encoding: str
    delimiter: str


def _refuse(row: int, value: str, expected: str, column: str = "") -> TableRefused:
    return TableRefused([TableProblem(row, column, value, expected)])


# --- bytes to text ---------------------------------------------------------------------------------------------------

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHERS = [
    "big5",
    "shift_jis",
    "euc_jp",
    "euc_kr",
    "cp1252",
    "cp1250",
    "cp1251",
    "latin_1",
]


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _errors(data: bytes, encoding: str) -> tuple[str, list[int]]:
    """The text with each undecodable run replaced, and where (byte offsets) those runs begin."""
    text: list[str] = []
    bad: list[int] = []
    at = 0
    while at < len(data):
        try:
            text.append(data[at:].decode(encoding) if at else data.decode(encoding))
            break
        except UnicodeDecodeError as error:
            text.append(data[at : at + error.start].decode(encoding))
            text.append("\ufffd")
            bad.append(at + error.start)
            at += max(error.end, error.start + 1)
        if len(bad) > 4096:  # not this encoding; each further error would copy the rest of the file again
            break
    return "".join(text), bad


def _broken(data: bytes, encoding: str, bad: Sequence[int]) -> TableRefused:
    shown = bad[:_MOST_SHOWN]
    problems = []
    for offset in shown:
        row = data.count(b"\n", 0, offset) + 1
        start = data.rfind(b"\n", 0, offset) + 1
        problems.append(
            TableProblem(
                row,
                f"byte {offset - start + 1}",
                " ".join(f"{b:02x}" for b in data[offset : offset + 4]),
                f"text in the encoding of the rest of the file ({encoding}); save the file again as UTF-8",
            )
        )
    if len(bad) > len(shown):
        problems.append(
            TableProblem(
                0,
                "",
                f"{len(bad) - len(shown)} more such places",
                f"text in {encoding}",
            )
        )
    return TableRefused(problems)


def _is_gb2312(character: str) -> bool:
    try:
        encoded = character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    # level 1 (rows 16 to 55: the 3,755 everyday characters), or the punctuation rows
    return len(encoded) == 2 and (0xB0 <= encoded[0] <= 0xD7 or encoded[0] <= 0xA3)


def _looks_chinese(text: str) -> bool:
    """Whether text read as GB18030 is Chinese: mostly everyday characters. Big5 or Latin text read so is not."""
    marks = [c for c in text[:200_000] if ord(c) > 127 and c != "\ufffd"]
    return bool(marks) and sum(map(_is_gb2312, marks)) >= 0.8 * len(marks)


def _looks_latin(text: str) -> bool:
    """Whether single-byte text is words of a European language: letters beyond ASCII that touch other letters."""
    spots = [i for i, c in enumerate(text) if ord(c) > 127]
    words = 0
    for i in spots:
        near = (text[i - 1] if i else " ") + (text[i + 1] if i + 1 < len(text) else " ")
        alone = not any(ord(c) > 127 for c in near)
        words += text[i].isalpha() and alone and any(c.isalpha() for c in near)
        words += text[i] in "€£°’–“”«» " and alone
    return words >= 0.8 * len(spots)


def _nul_pattern(data: bytes) -> str | None:
    """UTF-16 without its mark: mostly ASCII text then has a zero in every second byte."""
    sample = data[: 4096 - 4096 % 2]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = max(1, len(sample) // 2)
    if odd > 0.4 * half and even < 0.1 * half:
        return "utf-16-le"
    if even > 0.4 * half and odd < 0.1 * half:
        return "utf-16-be"
    return None


def decode(data: bytes) -> tuple[str, str]:
    """The text of a table file, and the encoding it was in. Raises TableRefused, naming rows, where that is not sure.

    Tried in turn: a byte-order mark; UTF-16 by its zeros; strict UTF-8; GB18030 (which contains GBK) where it reads as
    Chinese; then what charset-normalizer finds, and Windows-1252 or Latin-1 only where the result reads as words.
    """
    if not data.strip():
        raise _refuse(0, "an empty file", "a table with a header row and rows below it")
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            text = _strict(data, encoding)
            if text is None:
                raise _broken(data, encoding, _errors(data, encoding)[1] or [0])
            return text, encoding
    if b"\x00" in data[:65536]:
        wide = _nul_pattern(data)
        text = _strict(data, wide) if wide else None
        if wide is None or text is None:
            raise _refuse(
                0,
                "zero bytes",
                "a text table (CSV), not a binary file such as a spreadsheet; save it as CSV",
            )
        return text, wide
    text = _strict(data, "utf-8")
    if text is not None:
        return text, "utf-8"
    return _decode_legacy(data)


def _decode_legacy(data: bytes) -> tuple[str, str]:
    read, bad = _errors(data, "utf-8")
    good = sum(ord(c) > 127 for c in read) - len(bad)
    if good >= 2 * len(bad):
        raise _broken(data, "UTF-8", bad)
    read, chinese_bad = _errors(data, "gb18030")
    if _looks_chinese(read):
        if not chinese_bad:
            return read, "gb18030"
        if sum(ord(c) > 127 for c in read) > 10 * len(chinese_bad):
            raise _broken(data, "GB18030", chinese_bad)
    for single in ("cp1252", "latin_1"):
        text = _strict(data, single)
        if text is not None and _looks_latin(text) and not any("\x80" <= c <= "\x9f" for c in text):
            return text, single
    # detection needs enough text to stand on: a handful of bytes would match anything
    if sum(b > 127 for b in data) >= 40:
        best = from_bytes(data[:500_000], cp_isolation=_OTHERS).best()
        if best is not None and best.encoding not in ("cp1252", "latin_1"):
            text = _strict(data, best.encoding)
            if text is not None:
                return text, best.encoding
    raise _broken(data, "UTF-8", bad)


# --- text to rows ----------------------------------------------------------------------------------------------------


def read_bytes(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """A file's bytes, decompressed if its name ends in ``.gz``; refused past ``most_bytes``."""
    try:
        if path.suffix.lower() == ".gz":
            with gzip.open(path, "rb") as stream:
                data = stream.read(most_bytes + 1)
        else:
            with path.open("rb") as plain:
                data = plain.read(most_bytes + 1)
    except FileNotFoundError:
        raise _refuse(0, str(path.name), "a file that is there") from None
    except IsADirectoryError:
        raise _refuse(0, str(path.name), "a file, not a folder") from None
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise _refuse(0, str(path.name), "an unbroken gzip file") from None
    except OSError as error:
        raise _refuse(0, str(path.name), f"a file that can be read ({error.strerror})") from None
    if len(data) > most_bytes:
        raise _refuse(0, f"more than {most_bytes:,} bytes", f"at most {most_bytes:,} bytes")
    return data


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _refuse(
                reader.line_num,
                str(error),
                "a well-formed row (are its quotation marks closed?)",
            ) from None
        yield reader.line_num, record


def sniff(text: str) -> str:
    """The delimiter: the one that cuts the first rows into most cells, alike in every row. Ties go to the comma."""
    best, score = ",", 0.0
    head = text[:50_000]
    for delimiter in DELIMITERS:
        counts: list[int] = []
        try:
            for _, record in _records(head, delimiter):
                if record:
                    counts.append(len(record))
                if len(counts) >= 50:
                    break
        except TableRefused:
            pass
        if not counts or counts[0] < 2:
            continue
        alike = sum(c == counts[0] for c in counts) / len(counts)
        if alike * counts[0] > score:
            best, score = delimiter, alike * counts[0]
    return best


def parse(
    text: str,
    encoding: str = "utf-8",
    *,
    delimiter: str | None = None,
    most_rows: int = 5_000_000,
) -> Table:
    """Rows of text from a table's text. Raises TableRefused with every row whose number of cells is wrong."""
    chosen = delimiter or sniff(text)
    records = ((line, [cell.strip() for cell in record]) for line, record in _records(text.lstrip("\ufeff"), chosen))
    filled = ((line, record) for line, record in records if any(record))
    _, header = next(filled, (0, []))
    if not header:
        raise _refuse(0, "no rows", "a table with a header row and rows below it")
    while header and not header[-1]:  # a trailing delimiter
        header.pop()
    problems: list[TableProblem] = [
        TableProblem(1, name, "two columns of this name", "each column's name once")
        for i, name in enumerate(header)
        if name and name in header[:i]
    ]
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    bad = 0
    for line, record in filled:
        while len(record) > len(header) and not record[-1]:
            record.pop()
        if len(record) != len(header):
            bad += 1
            if bad <= _MOST_SHOWN:
                problems.append(
                    TableProblem(
                        line,
                        "",
                        f"{len(record)} cells",
                        f"{len(header)} cells, as in the header",
                    )
                )
            continue
        if len(rows) >= most_rows:
            raise _refuse(line, f"more than {most_rows:,} rows", f"at most {most_rows:,} rows")
        rows.append(tuple(record))
        lines.append(line)
    if bad > _MOST_SHOWN:
        problems.append(
            TableProblem(
                0,
                "",
                f"{bad - _MOST_SHOWN} more such rows",
                f"{len(header)} cells in each row",
            )
        )
    if problems:
        raise TableRefused(problems)
    return Table(tuple(header), tuple(rows), tuple(lines), encoding, chosen)


def read_table(path: Path, *, most_bytes: int = MOST_BYTES, most_rows: int = 5_000_000) -> Table:
    """A table file, read and decoded. Raises TableRefused with everything that is wrong with it."""
    text, encoding = decode(read_bytes(path, most_bytes))
    return parse(text, encoding, most_rows=most_rows)
