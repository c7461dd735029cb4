"""A frontier on the terminal: what each budget attains, and what one more point costs."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from attain.optimise.records import Frontier, FrontierRow, Priced
from attain.screens.optimise_texts import said, wish_in_words
from attain.wording.numbers import Language, money, percent

SHOWN_CELLS = 8


def screen(found: Frontier, language: Language = "en") -> RenderableType:
    """Everything that `attain frontier` shows."""
    table = Table(title=said("frontier", language), title_justify="left", title_style="bold", box=None, pad_edge=False)
    for key in ("total", "probability", "interval", "price", "interval"):
        table.add_column(said(key, language), justify="right")
    for row in found.rows:
        low, high = row.interval
        table.add_row(
            money(row.total, "", language),
            percent(row.probability, language),
            f"{percent(low, language)} .. {percent(high, language)}",
            *_price(row.price, language),
        )
    parts: list[RenderableType] = [
        Text(found.plan, style="bold"),
        Text(wish_in_words(found.wish, language), style="dim"),
        Text(),
        table,
    ]
    if found.rows and len(found.rows[0].allocation) <= SHOWN_CELLS:
        parts += [Text(), _splits(found.rows, language)]
    if any(row.spent < row.total for row in found.rows):
        parts += [Text(), Text(said("unspent", language), style="dim")]
    values = {"seed": found.seed, "paths": f"{found.simulated:,}", "seconds": f"{found.seconds:.0f}"}
    notes = said("frontier_notes", language, n=f"{found.replications:,}")
    return Group(*parts, Text(), Text(notes, style="dim"), Text(said("run", language, **values), style="dim"))


def _price(price: Priced | None, language: Language) -> tuple[str, str]:
    if price is None:
        return "", ""
    low, high = (said("no_money", language) if end is None else money(end, "", language) for end in price.interval)
    value = said("no_money", language) if price.value is None else money(price.value, "", language)
    return value, f"{low} .. {high}"


def _splits(rows: tuple[FrontierRow, ...], language: Language) -> RenderableType:
    table = Table(title=said("splits", language), title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column(said("total", language), justify="right")
    for source, region, product, _ in rows[0].allocation:
        table.add_column(Text(" / ".join(part for part in (source, region, product) if part)), justify="right")
    for row in rows:
        amounts = [money(amount, "", language) for *_, amount in row.allocation]
        table.add_row(money(row.total, "", language), *amounts)
    return table
