"""Of a calibration's screen: the tables beside the history, their columns, and names that match nothing."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Column, Table
from rich.text import Text

from attain.history.beside import Beside
from attain.history.records import reasons
from attain.joined import Stranger
from attain.screens.calibrate_texts import said
from attain.wording import in_language
from attain.wording.leftout import reason_in
from attain.wording.numbers import Language

MOST_STRANGERS = 10  # of each table


def tables(found: Sequence[Beside], strangers: Sequence[Stranger], language: Language) -> list[RenderableType]:
    """Each table in a line with its columns and rows left out; then the strangers, table by table."""
    lines: list[RenderableType] = [Text(said("tables", language), style="bold")]
    for table in found:
        lines += _table(table, language)
    if strangers:
        lines += [Text(), *_strangers(found, strangers, language)]
    return lines


def _table(table: Beside, language: Language) -> list[RenderableType]:
    kind = said(f"table_{table.kind}", language)
    used = table.rows - len(table.refused)
    head = said("table_read", language, kind=kind, file=table.name, rows=f"{table.rows:,}", used=f"{used:,}")
    columns = ", ".join(f"{field} = {column}" for field, column in table.mapping.columns.items())
    lines = [Text(head), Text(f"  {columns}", style="dim")]
    if table.mapping.unit != 1.0:
        lines.append(Text(f"  {said('unit', language, unit=f'{table.mapping.unit:,.0f}')}", style="dim"))
    first = {r.reason: r for r in reversed(table.refused)}
    for reason, count in reasons(table.refused).items():
        words = reason_in(reason, language)
        example = said("line", language, row=first[reason].row, why=first[reason].why)
        lines.append(Text(f"  {count:,} x {words} ({example})", style="yellow"))
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
