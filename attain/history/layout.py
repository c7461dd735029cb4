"""Where in a file its table stands: titles and merged headings above it, and notes below it, are no part of it.

Systems and people write more than a table: Salesforce puts its copyright below a report, a spreadsheet has a title
above and headings that span several columns. What is set aside is listed with the rows that are left out; nothing
inside the table is.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

HEAD = 12  # records in which the header is looked for
NAMED = 0.7  # of the most filled of them, from which a record can be the header
FEW_CELLS = 2  # filled cells up to which a record that is too short is a note below the table
_DATUM = re.compile(r"^[-+¥￥$€£(]?\s*\d[\d,./:\-\s年月日Tz+]*(%|万|亿|元|[ap]m)?$", re.IGNORECASE)

Record = tuple[int, Sequence[str]]  # the line it ends on, its cells


@dataclass(frozen=True, slots=True)
class Layout:
    """``header``: the columns' names; ``first``, ``last``: the records between which the rows are; ``aside``: line ->
    text of what stands above and below."""

    header: tuple[str, ...]
    first: int
    last: int
    aside: tuple[tuple[int, str], ...]


def layout(records: Sequence[Record]) -> Layout | None:
    """The table among records none of which is blank; None where the first is the header and the last one a row."""
    head = records[:HEAD]
    if len(head) < 2:
        return None
    place, names = _header(head)
    width = len(names)
    last = len(records)
    while last > place + 1 and len(records[last - 1][1]) < width and _filled(records[last - 1][1]) <= FEW_CELLS:
        last -= 1
    if last == place + 1:  # nothing would be left
        return None
    plain = place == 0 and last == len(records)
    begun = place - 1 if names != tuple(records[place][1]) and place else place
    outside = [*records[:begun], *records[last:]]
    aside = tuple((line, " ".join(c.strip() for c in cells if c.strip())[:200]) for line, cells in outside)
    return None if plain else Layout(names, place + 1, last, aside)


def _header(head: Sequence[Record]) -> tuple[int, tuple[str, ...]]:
    """Where the header stands, and its names; of two lines where cells of the upper one reach down over the lower."""
    first = tuple(head[0][1])
    counts = [_filled(cells) for _, cells in head]
    for k, (_, cells) in enumerate(head):
        above = head[k - 1][1] if k else ()
        if _completes(above, cells) and _words(above):
            return k, tuple(c or a for c, a in zip(cells, above, strict=True))
        following = head[k + 1][1] if k + 1 < len(head) else ()
        if counts[k] >= NAMED * max(counts) and _words(cells) and not _completes(cells, following):
            return k, tuple(cells)
    return 0, first


def _completes(upper: Sequence[str], lower: Sequence[str]) -> bool:
    """Whether a line of words names the columns that the line above leaves open, and leaves open some that it names."""
    if len(upper) != len(lower) or all(upper) or all(lower) or not _words(lower):
        return False
    return all(a or b for a, b in zip(upper, lower, strict=True))


def _filled(cells: Sequence[str]) -> int:
    return sum(bool(c.strip()) for c in cells)


def _words(cells: Sequence[str]) -> bool:
    """Whether cells are words, as names of columns are, and not dates and numbers."""
    own = [c.strip() for c in cells if c.strip()]
    return bool(own) and sum(bool(_DATUM.match(c)) for c in own) <= 0.1 * len(own)


def framed(text: str, delimiter: str) -> tuple[str, tuple[tuple[int, str], ...]]:
    """A table's text with what stands above it blanked and what stands below it cut, so that lines keep their numbers,
    and what was set aside."""
    body = text.lstrip("\ufeff")
    try:
        reader = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter, strict=True)
        records = [(reader.line_num, cells) for cells in reader if any(c.strip() for c in cells)]
    except csv.Error:
        return text, ()
    found = layout(records)
    if found is None:
        return text, ()
    lines = list(io.StringIO(body, newline=""))
    begun, until = records[found.first - 1][0], records[found.last - 1][0]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerow(found.header)
    return "\n" * (begun - 1) + out.getvalue() + "".join(lines[begun:until]), found.aside


def likely_delimited(text: str, delimiters: str) -> str:
    """The text from the first line on that holds a delimiter: a title above a table tells nothing of it."""
    for start in re.finditer(r"(?m)^", text[:20_000]):
        line = text[start.start() : text.find("\n", start.start())]
        if any(d in line for d in delimiters):
            return text[start.start() :]
    return text
