"""Amounts in several currencies, brought to one: by the export's own rates, or by a table of rates beside it.

Nothing is added up across currencies without a rate: where there is none, the history is refused and says which are
missing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from attain.history.cells import amount_column, cell_currency, date_column
from attain.history.columns import guess, plain
from attain.history.mapping import Mapping
from attain.history.quality import Finding
from attain.history.records import HistoryRefused
from attain.history.sheets import sheet_of
from attain.wording import told

_CODES = {
    "rmb": "CNY",
    "cny": "CNY",
    "人民币": "CNY",
    "人民币元": "CNY",
    "元": "CNY",
    "yuan": "CNY",
    "美元": "USD",
    "美金": "USD",
    "usdollar": "USD",
    "dollar": "USD",
    "欧元": "EUR",
    "euro": "EUR",
    "港币": "HKD",
    "港元": "HKD",
    "日元": "JPY",
    "yen": "JPY",
    "英镑": "GBP",
    "poundsterling": "GBP",
    "britishpound": "GBP",
    "新加坡元": "SGD",
    "澳元": "AUD",
    "加元": "CAD",
}
_SIGNS = {"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "₩": "KRW", "₹": "INR", "HK$": "HKD", "NT$": "TWD", "S$": "SGD", "A$": "AUD",
          "C$": "CAD", "R$": "BRL"}  # fmt: skip
_NAMES = {
    "currency": ("currency", "currencycode", "code", "币种", "货币"),
    "rate": ("rate", "exchangerate", "汇率", "tobase"),
    "date": ("date", "from", "since", "startdate", "日期", "生效日期"),
}


def code(text: str) -> str:
    """CNY for 人民币 and RMB; other words in capitals."""
    return _CODES.get(plain(text), text.strip().upper()[:8])


@dataclass(frozen=True, eq=False)
class Rates:
    """What one unit of a currency is worth in ``base``, from a day on: columns currency, date, rate, sorted by date."""

    base: str
    table: pl.DataFrame

    @property
    def known(self) -> set[str]:
        return {*self.table["currency"].to_list(), self.base}


def in_cells(value: pl.Series, estimate: pl.Series, *, chinese: bool) -> pl.Series:
    """The currency that stands in each amount's own cell, '' where none does: USD 1,200, €50, ¥300. ``chinese``: whose
    sign ¥ is, the yuan's or the yen's."""

    def of(texts: pl.Series) -> pl.Series:
        signs = {t: cell_currency(t) for t in texts.unique().to_list() if not t.isdigit()}
        codes = {
            t: _SIGNS.get(s) or (("CNY" if chinese else "JPY") if s == "¥" else code(s)) for t, s in signs.items() if s
        }
        return texts.replace_strict(codes, default="", return_dtype=pl.String)

    own, other = of(value), of(estimate)
    return pl.select(pl.when(pl.lit(own) != "").then(pl.lit(own)).otherwise(pl.lit(other))).to_series()


def _rate_amounts(texts: pl.Series) -> tuple[pl.Series, dict[int, str]]:
    """Rates: a comma alone is a decimal one, since no rate is written in groups of thousands."""
    comma = bool(texts.str.contains(",", literal=True).any()) and not bool(texts.str.contains(".", literal=True).any())
    return amount_column(texts, decimal="," if comma else ".")


def read_rates(path: Path, base: str) -> Rates:
    """A table of rates: currency, rate (one unit of it in ``base``), and, where they move, the day from which it holds.

    Raises HistoryRefused.
    """
    sheet = sheet_of(path)
    found = guess(sheet.header, _NAMES, near=False)
    if not {"currency", "rate"} <= found.keys():
        raise HistoryRefused(
            f"{path.name}: columns currency and rate (one unit in {base}) were expected, and date where rates move; it "
            f"has: {', '.join(sheet.header)}"
        )
    rate, wrong = _rate_amounts(sheet.data[found["rate"]])
    if wrong or rate.null_count() or (rate <= 0).any():
        row = min(wrong) if wrong else 0
        raise HistoryRefused(f"{path.name}: every rate should be a number above zero (row {sheet.lines[row]})")
    try:
        when = (
            date_column(sheet.data[found["date"]], found["date"]).values
            if "date" in found
            else pl.Series("date", [dt.datetime(1900, 1, 1)] * sheet.height, dtype=pl.Datetime("us"))
        )
    except ValueError as error:
        raise HistoryRefused(f"{path.name}: {error}") from None
    codes = [code(t) for t in sheet.data[found["currency"]].to_list()]
    table = pl.DataFrame({"currency": codes, "date": when, "rate": rate})
    return Rates(base, table.drop_nulls().sort("date"))


def _codes(currency: pl.Series) -> pl.Series:
    codes = {t: code(t) if t else "" for t in currency.unique().to_list()}
    return currency.replace_strict(codes, return_dtype=pl.String)


def base_of(currency: pl.Series, rate: pl.Series) -> str | None:
    """The currency that a file's own rates lead to: the one whose amounts are worth themselves, '' where none is; None
    where the file has one currency, whose amounts stay as they are."""
    held = _codes(currency)
    if held.filter(held != "").n_unique() < 2:
        return None
    worth, _ = _rate_amounts(rate)
    ones = held.filter((worth == 1.0) & (held != ""))
    return str(ones.mode().sort()[0]) if len(ones) else ""


def convert(
    frame: pl.DataFrame,
    currency: pl.Series,
    rate: pl.Series,
    base: str | None,
    mapping: Mapping,
    rates: Rates | None,
    refuse: Callable[[pl.Series, str, Callable[[int], str]], None],
) -> tuple[pl.DataFrame, list[Finding]]:
    """Values in one currency; column ``currency`` says which, empty where nothing does. Raises HistoryRefused.

    ``base``: what the file's own rates lead to, by ``base_of`` of the whole file: on every day the same.
    """
    held = _codes(currency)
    counts = dict(held.filter(held != "").value_counts(sort=True).iter_rows())
    if base is not None:
        return _own(frame, held, rate, base, mapping, counts, refuse)
    if rates is None:
        if len(counts) > 1:
            shown = ", ".join(f"{c}: {n:,} deals" for c, n in list(counts.items())[:6])
            raise HistoryRefused(
                f"amounts are in {len(counts)} currencies ({shown}) and nothing says what one is worth in another; pass "
                "--rates FILE with columns currency and rate, or map the file's own column of rates (columns: {rate: ...})"
            )
        return frame.with_columns(pl.lit(next(iter(counts), "")).alias("currency")), []
    missing = sorted(set(counts) - rates.known)
    if missing:
        raise HistoryRefused(
            f"no rate for {', '.join(missing)} ({', '.join(f'{counts[c]:,} deals' for c in missing)}): write what one unit "
            f"is worth in {rates.base} into the table of rates"
        )
    days = frame.select(pl.coalesce("closed", "created")).to_series()
    worth = np.ones(frame.height)
    for currency_code, table in ((c, rates.table.filter(pl.col("currency") == c)) for c in counts if c != rates.base):
        rows = np.flatnonzero((held == currency_code).to_numpy())
        # the rate in force on the day; before the first day of the table, the first
        place = np.searchsorted(table["date"].to_numpy(), days.gather(rows).to_numpy(), side="right") - 1
        worth[rows] = table["rate"].to_numpy()[np.maximum(place, 0)]
    value = pl.col("value") * pl.Series(worth)
    return frame.with_columns(value.alias("value"), pl.lit(rates.base).alias("currency")), _said(counts, rates.base)


def _own(
    frame: pl.DataFrame,
    held: pl.Series,
    rate: pl.Series,
    base: str,
    mapping: Mapping,
    counts: dict[str, int],
    refuse: Callable[[pl.Series, str, Callable[[int], str]], None],
) -> tuple[pl.DataFrame, list[Finding]]:
    worth, _ = _rate_amounts(rate)
    bad = (worth.is_null() | (worth <= 0)) & frame["value"].is_not_null() & (held != base)
    refuse(bad, "no exchange rate", lambda i: f"an amount in {held[i]} without a rate in {mapping.columns['rate']!r}")
    worth = worth.fill_null(1.0)
    value = frame["value"] * worth if mapping.rates == "multiply" else frame["value"] / worth
    return frame.with_columns(value.alias("value"), pl.lit(base).alias("currency")), _said(counts, base)


def _said(counts: dict[str, int], base: str) -> list[Finding]:
    others = {c: n for c, n in counts.items() if c != base}
    if not others:
        return []
    return [
        Finding(
            "currencies",
            sum(others.values()),
            told("quality.currencies", shown=", ".join(f"{c} ({n:,})" for c, n in list(others.items())[:6])),
            told("quality.currencies.effect"),
            told("quality.currencies.done", base=base or told("quality.one_currency")),
        )
    ]
