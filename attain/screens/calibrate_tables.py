"""Of a calibration's screen: the tables beside the history, their columns, and names that match nothing."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Column, Table
from rich.text import Text

from attain.history.beside import Beside
from attain.history.mapping import Mapping, TableMapping
from attain.history.paired import Paired
from attain.history.records import Refusal, reasons
from attain.joined import Stranger
from attain.screens.calibrate_texts import said
from attain.wording import in_language
from attain.wording.leftout import reason_in
from attain.wording.numbers import Language
from attain.wording.refusals import refusal_in

MOST_STRANGERS = 10  # of each table
MOST_WORDS = 6  # of a status, named one by one


def tables(found: Sequence[Beside], strangers: Sequence[Stranger], language: Language) -> list[RenderableType]:
    """Each table in a line with its columns and rows left out; then the strangers, table by table."""
    lines: list[RenderableType] = [Text(said("tables", language), style="bold")]
    for table in found:
        lines += _table(table, language)
    if strangers:
        lines += [Text(), *_strangers(found, strangers, language)]
    return lines


def paired(found: Paired, mapping: Mapping, language: Language) -> list[RenderableType]:
    """The table of a log's deals: its columns and words, how many deals are in both files, and rows left out."""
    lines = _read("deals", found.file, found.rows, found.refused, mapping, language)
    both = {"both": found.matched, "log": found.only_log, "deals": found.only_deals}
    words = said("paired", language, **{name: f"{n:,}" for name, n in both.items()})
    return [Text(said("deals_table", language), style="bold"), *lines[:1], Text(f"  {words}"), *lines[1:]]


def _table(table: Beside, language: Language) -> list[RenderableType]:
    return _read(table.kind, table.name, table.rows, table.refused, table.mapping, language)


def _read(
    kind: str,
    name: str,
    rows: int,
    refused: Sequence[Refusal],
    mapping: TableMapping | Mapping,
    language: Language,
) -> list[RenderableType]:
    """A table in a line, its columns, and its rows left out by reason."""
    used = f"{rows - len(refused):,}"
    head = said("table_read", language, kind=said(f"table_{kind}", language), file=name, rows=f"{rows:,}", used=used)
    columns = ", ".join(f"{field} = {column}" for field, column in mapping.columns.items())
    lines = [Text(head), Text(f"  {columns}", style="dim")]
    for word in ("won", "lost", "open"):
        words: tuple[str, ...] = getattr(mapping, word, ())
        if words:
            shown = ", ".join(words[:MOST_WORDS]) + (", …" if len(words) > MOST_WORDS else "")
            lines.append(
                Text(f"  {said('words', language, what=said(f'word_{word}', language), words=shown)}", style="dim")
            )
    if mapping.unit != 1.0:
        lines.append(Text(f"  {said('unit', language, unit=f'{mapping.unit:,.0f}')}", style="dim"))
    first = {r.reason: r for r in reversed(refused)}
    for reason, count in reasons(refused).items():
        told_as = reason_in(reason, language)
        example = said("line", language, row=first[reason].row, why=refusal_in(first[reason].why, language))
        lines.append(Text(f"  {count:,} x {told_as} ({example})", style="yellow"))
    return list(lines)


def _strangers(found: Sequence[Beside], strangers: Sequence[Stranger], language: Language) -> list[RenderableType]:
    heads = [
        (said("name", language), "left"),
        (said("nearest", language), "left"),
        (said("deal_count", language), "right"),
    ]
    table = Table(
        Column("", overflow="fold"),
        *(Column(head, justify=side, overflow="fold") for head, side in heads),  # type: ignore[arg-type]
        Column(said("what", language), overflow="fold"),
        title=said("strangers", language), title_justify="left", title_style="bold", box=None, pad_edge=False,
    )  # fmt: skip
    left = 0
    for kind in (t.kind for t in found):
        own = [s for s in strangers if s.table == kind]
        for s in own[:MOST_STRANGERS]:
            deals = f"{s.deals:,}" if s.deals else ""
            row = (said(f"table_{kind}", language), s.name, s.nearest, deals, in_language(s.what, language))
            table.add_row(*(Text(cell) for cell in row))
        left += max(0, len(own) - MOST_STRANGERS)
    return [table, *([Text(said("more", language, n=left), style="dim")] if left else [])]
