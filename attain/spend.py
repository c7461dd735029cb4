"""How leads or sales answer to spend, from a table of spend by week or month: read, fitted, and as a plan's source.

The table has a column of dates (each period's first day) and one or more of spend; what spend brings is a column of the
table too (sales, leads), or else the leads that a history shows in those periods. Columns of noughts and ones named
after holidays are controls, since they are known in advance.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from attain.history.cells import amount_column, date_column
from attain.history.columns import plain
from attain.history.records import HistoryRefused
from attain.history.sheets import Sheet, sheet_of
from engine.fit.response import Channel, Responses, fit_response
from engine.problems import Refused

Floats = NDArray[np.float64]
DAYS_IN_MONTH = 30.4375
MOST_CHANNELS = 3  # that are fitted each; more are one, since few periods cannot tell many apart
DRAWS = 32  # that a plan holds
_DATE = ("date", "week", "weekstart", "weekstarting", "wkstrtdt", "month", "period", "day", "日期", "周", "月", "月份")
_OUTCOME = ("leads", "sales", "orders", "revenue", "newleads", "线索", "线索数", "销售额", "订单", "订单数", "商机数")
_SPEND = re.compile(r"^mdsp|spend|cost|expense|花费|费用|投放|支出")
_HOLIDAY = re.compile(r"^hldy|^holiday|节假日|节日|假期")


@dataclass(frozen=True, eq=False)
class SpendTable:
    """Spend by period: first days [T], channels' spend [T, C], the outcome [T] or None, and controls [T, q] that are
    known ahead."""

    name: str
    starts: tuple[dt.date, ...]
    days: float  # of a period
    channels: tuple[str, ...]
    spend: Floats
    outcome: Floats | None
    outcome_name: str
    holidays: Floats

    def controls(self, known: int | None = None) -> Floats:
        """[T, q]: level, trend, three harmonics of the year where there is more than one, and holidays seen twice by
        period ``known`` (all, unless given)."""
        count = len(self.starts)
        known = count if known is None else known
        t = np.arange(count) * self.days
        columns = [np.ones(count), t / (count * self.days)]
        if known * self.days >= 400:
            columns += [f(2 * np.pi * k * t / 365.25) for k in (1, 2, 3) for f in (np.sin, np.cos)]
        columns += [h for h in self.holidays.T if h[:known].sum() >= 2]
        return np.column_stack(columns)


@dataclass(frozen=True, eq=False)
class SpendFit:
    """The fitted response, by channel, and what a plan says of it."""

    table: SpendTable
    responses: Responses
    outcome: str

    @property
    def per_month(self) -> float:
        """Periods in a month."""
        return DAYS_IN_MONTH / self.table.days

    def monthly(self, channel: Channel) -> tuple[Floats, float]:
        """[D, 3] draws of (most a month, half_at a month, shape), and the part that carries over a month."""
        rows = channel.draws[:, :3].copy()
        rows[:, :2] *= self.per_month
        return rows, float(np.median(channel.draws[:, 3])) ** self.per_month

    def year(self, channel: Channel) -> float:
        """What was spent on a channel in the last twelve months of the table (scaled to them where it is shorter)."""
        c = [one.name for one in self.responses.channels].index(channel.name)
        periods = min(len(self.table.starts), round(365.25 / self.table.days))
        spent = float(_grouped(self.table)[1][-periods:, c].sum())
        return spent * 365.25 / (periods * self.table.days)

    def brought(self, channel: Channel) -> tuple[float, float, float]:
        """Median and 95% interval of what a channel brings a month at last year's spend."""
        rows, _ = self.monthly(channel)
        spend = self.year(channel) / 12
        outcome = rows[:, 0] / (1 + (rows[:, 1] / max(spend, 1e-12)) ** rows[:, 2])
        low, middle, high = np.quantile(outcome, [0.025, 0.5, 0.975])
        return float(middle), float(low), float(high)


def read_spend(path: Path) -> SpendTable:
    """A table of spend. Raises HistoryRefused in one message."""
    sheet = sheet_of(path)
    date = next((h for h in sheet.header if plain(h) in _DATE), None)
    spends = [h for h in sheet.header if _SPEND.search(plain(h)) and h != date]
    if date is None or not spends:
        raise HistoryRefused(
            f"{path.name}: a column of dates (date, week, 日期) and columns of spend (spend_tv, 费用) were "
            f"expected; it has: {', '.join(sheet.header)[:300]}"
        )
    try:
        days = date_column(sheet.data[date], date).values
    except ValueError as error:
        raise HistoryRefused(f"{path.name}: {error}") from None
    outcome = next((h for h in sheet.header if plain(h) in _OUTCOME), None)
    holidays = [h for h in sheet.header if _HOLIDAY.search(plain(h)) and h not in spends]
    numbers = pl.DataFrame({h: _numbers(sheet, h, path) for h in (*spends, *holidays, *([outcome] if outcome else []))})
    frame = numbers.with_columns(days.alias("_day")).drop_nulls("_day").sort("_day")
    starts = tuple(d.date() for d in frame["_day"].to_list())
    steps = np.diff([d.toordinal() for d in starts])
    if len(starts) < 3 or steps.min() <= 0 or steps.max() > 1.2 * np.median(steps) + 1:
        raise HistoryRefused(f"{path.name}: one row a period, without gaps or repeats, was expected in {date!r}")
    return SpendTable(
        path.name,
        starts,
        float(np.mean(steps)),
        tuple(spends),
        frame.select(spends).to_numpy(),
        frame[outcome].to_numpy() if outcome else None,
        outcome or "",
        frame.select(holidays).to_numpy() if holidays else np.zeros((len(starts), 0)),
    )


def _numbers(sheet: Sheet, header: str, path: Path) -> pl.Series:
    values, wrong = amount_column(sheet.data[header])
    if wrong:
        row = min(wrong)
        raise HistoryRefused(f"{path.name}: row {sheet.lines[row]}: {wrong[row]}")
    return values.fill_null(0.0).alias(header)


def fit_spend(
    table: SpendTable | str | Path, leads: pl.Series | None = None, *, draws: int = 400, seed: int = 0
) -> SpendFit:
    """Fit the response. ``leads``: the dates of a history's leads, the outcome where the table has none of its own.

    Raises HistoryRefused or Refused, with what would suffice.
    """
    found = table if isinstance(table, SpendTable) else read_spend(Path(table))
    outcome, name = found.outcome, found.outcome_name
    if leads is not None:
        ends = [d.toordinal() for d in found.starts] + [found.starts[-1].toordinal() + round(found.days)]
        days = [d.toordinal() for d in leads.to_list()]
        counts, _ = np.histogram(days, bins=ends)
        whole = np.array([a >= min(days) and b <= max(days) + 1 for a, b in itertools.pairwise(ends)])
        if not whole.any():
            raise HistoryRefused(f"{found.name}: none of its periods lies inside the history")
        first, until = int(np.argmax(whole)), len(whole) - int(np.argmax(whole[::-1]))
        found = SpendTable(
            found.name, found.starts[first:until], found.days, found.channels, found.spend[first:until], None, "leads",
            found.holidays[first:until],
        )  # fmt: skip
        outcome, name = counts[first:until].astype(np.float64), "leads"
    if outcome is None:
        raise HistoryRefused(
            f"{found.name}: nothing to explain: a column of leads or sales was expected, or a history to count leads in"
        )
    names, spend = _grouped(found)
    try:
        responses = fit_response(outcome, spend, found.controls(), names, draws=draws, seed=seed)
    except Refused as error:
        raise Refused(f"{found.name}: {error}") from None
    return SpendFit(found, responses, name)


def _grouped(table: SpendTable) -> tuple[tuple[str, ...], Floats]:
    """Channels as they are fitted: each, or all as one where they are many."""
    if len(table.channels) <= MOST_CHANNELS:
        return table.channels, table.spend
    return ("spend",), table.spend.sum(axis=1, keepdims=True)


def forecast(table: SpendTable, known: int, periods: int, *, draws: int = 400, seed: int = 0) -> Floats:
    """[draws, periods]: the outcome after the first ``known`` periods, as one would have forecast it then.

    Spend and holidays of the periods that follow are given.
    """
    if table.outcome is None:
        raise HistoryRefused(f"{table.name}: no column of leads or sales to forecast")
    names, spend = _grouped(table)
    controls = table.controls(known)
    fitted = fit_response(table.outcome[:known], spend[:known], controls[:known], names, draws=draws, seed=seed)
    until = min(len(table.starts), known + periods)
    return fitted.forecast(spend[:until], controls[:until], known)
