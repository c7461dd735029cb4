"""Quotas on the terminal: from above, from below and as set, with their odds, and how the year spreads them."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from attain.optimise.quota_records import QuotaParts, QuotaRow
from attain.optimise.records import Optimisation
from attain.screens.optimise_texts import said
from attain.wording.numbers import Language, money, percent

SHOWN_ROWS = 40
SHOWN_CELLS = 12
KEYS = ("quota_before", "odds_before", "top_down", "bottom_up", "quota_after", "odds_after")


def quotas(found: Optimisation, language: Language) -> RenderableType:
    """The quotas of each rep, what they add up to, and their months."""
    table = Table(title=said("quotas", language), title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column(said("rep", language), overflow="fold")
    for key in KEYS:
        table.add_column(said(key, language), justify="right", overflow="fold")
    for row in found.quotas[:SHOWN_ROWS]:
        table.add_row(Text(row.rep), *_cells(row, language))
    lines: list[RenderableType] = [table]
    if len(found.quotas) > SHOWN_ROWS:
        lines.append(Text(said("more_reps", language, count=len(found.quotas) - SHOWN_ROWS), style="dim"))
    lines += [Text(line) for line in _sentences(found, language)]
    if found.quota_parts is not None and _worth_showing(found.quota_parts):
        lines += [Text(), _parts(found.quota_parts, language)]
    lines.append(Text(said("quotas_apart", language), style="dim"))
    return Group(*lines)


def _worth_showing(parts: QuotaParts) -> bool:
    """Whether there is more than one part, or a goal of one."""
    return len(parts.cells) > 1 or bool(parts.goals) or any(part.goal for part in parts.cells)


def _parts(parts: QuotaParts, language: Language) -> RenderableType:
    """What quotas come to by product and region, and in cells of both where those are few, beside top-down goals."""
    title = said("quota_parts", language)
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column(said("part", language), overflow="fold")
    for key in ("quotas_given", "expected_bookings", "chance", "goal_of_part"):
        table.add_column(said(key, language), justify="right", overflow="fold")
    several = len(parts.products) > 1 and len(parts.regions) > 1
    cells = parts.cells if several and len(parts.cells) <= SHOWN_CELLS else ()
    goals = () if cells else tuple(part for part in parts.cells if part.goal)
    for part in (*parts.products, *parts.regions, *cells, *goals, *parts.goals):
        target = "" if part.target is None else money(part.target, "", language)
        table.add_row(
            Text(" / ".join(name for name in (part.region, part.product) if name)),
            money(part.quota, "", language),
            money(part.expected, "", language),
            "" if part.odds is None else percent(part.odds, language),
            Text(f"{target} ({part.goal})" if target else ""),
        )
    left = len(parts.cells) if several and not cells else 0
    under = said("more_parts", language, count=left) if left else said("reps_cells", language)
    return Group(table, Text(under, style="dim"))


def _cells(row: QuotaRow, language: Language) -> tuple[str, ...]:
    return (
        "" if row.before is None else money(row.before, "", language),
        "" if row.odds_before is None else percent(row.odds_before, language),
        money(row.top_down.quota, "", language),
        money(row.bottom_up, "", language),
        money(row.after, "", language),
        percent(row.odds_after, language),
    )


def _sentences(found: Optimisation, language: Language) -> list[str]:
    lines = []
    totals = found.quota_totals
    if totals is not None:
        values = {
            "top": money(totals.top_down, "", language),
            "bottom": money(totals.bottom_up, "", language),
            "level": percent(totals.level, language),
            "given": money(totals.reconciled, "", language),
            "gap": money(abs(totals.bottom_up - totals.top_down), "", language),
        }
        key = "totals_short" if totals.bottom_up < totals.top_down else "totals_over"
        lines.append(said(key, language, **values))
    if found.spread_before is not None and found.spread_after is not None:
        before, after = _range(found.spread_before, language), _range(found.spread_after, language)
        lines.append(said("spread", language, before=before, after=after))
    if found.phasing is not None:
        sums = [sum(row.months[m] for row in found.quotas) for m in range(len(found.phasing.months))]
        shares = [
            f"{month} {100.0 * amount / max(sum(sums), 1e-9):.0f}%"
            for month, amount in zip(found.phasing.months, sums, strict=True)
        ]
        lines.append(said("by_month", language, months=(", " if language == "en" else "，").join(shares)))
    return lines


def _range(ends: tuple[float, float], language: Language) -> str:
    return f"{percent(ends[0], language)} .. {percent(ends[1], language)}"
