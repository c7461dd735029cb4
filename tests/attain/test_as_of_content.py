"""As of a day: what later rows hold (words, clocks, currencies) neither changes nor refuses an earlier reading."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl

from attain.history import History, read_history
from tests.attain.histories import LAST, as_csv, export

DAY = LAST - dt.timedelta(days=200)
LATER = DAY + dt.timedelta(days=60)
ROWS = export(240, seed=3)


def _read(folder: Path, rows: list[list[str]], day: dt.date | None = DAY) -> History:
    path = folder / "crm.csv"
    path.write_text(as_csv(rows), encoding="utf-8")
    return read_history(path, as_of=day)


def _same(one: History, other: History) -> None:
    assert one.deals.equals(other.deals)
    assert one.visits.equals(other.visits)
    for name in ("stages", "resolution", "currency", "notes", "findings", "mapping", "shape"):
        assert getattr(one, name) == getattr(other, name), name


def test_later_words_of_the_status_refuse_nothing(tmp_path: Path) -> None:
    new = ["", "Customer", "West", "HR", "Dora", "Proposal", "Archived", "5", LATER.isoformat(), LATER.isoformat(), ""]
    later = [[f"N{i}", *new[1:]] for i in range(100)]
    _same(_read(tmp_path, [*ROWS, *later]), _read(tmp_path, ROWS))


def test_a_later_clock_does_not_make_days_times(tmp_path: Path) -> None:
    frame = pl.read_csv(as_csv(ROWS).encode()).with_columns(
        pl.col("Created On", "Closed On").str.to_datetime("%Y-%m-%d")
    )
    at = dt.datetime.combine(LATER, dt.time(10, 30))
    late = frame.head(1).with_columns(
        pl.lit("late").alias("Opportunity ID"), pl.lit(at).alias("Created On"), pl.lit(at).alias("Closed On")
    )
    frame.write_parquet(tmp_path / "crm.parquet")
    plain = read_history(tmp_path / "crm.parquet", as_of=DAY)
    pl.concat([frame, late]).write_parquet(tmp_path / "crm.parquet")
    _same(read_history(tmp_path / "crm.parquet", as_of=DAY), plain)
    assert plain.resolution == 1.0


def test_amounts_are_in_the_file_s_currency_on_days_on_which_one_was_known(tmp_path: Path) -> None:
    rows = [[*ROWS[0], "Currency", "Exchange Rate"]]
    for i, row in enumerate(ROWS[1:]):
        euro = row[8] <= DAY.isoformat() or i % 2
        rows.append([*row[:7], "1000", *row[8:], *(("EUR", "2.0") if euro else ("USD", "1.0"))])
    early = _read(tmp_path, rows)
    assert early.currency == "USD"
    assert set(early.deals["value"]) == {2000.0}
    assert set(_read(tmp_path, rows, None).deals["value"]) == {1000.0, 2000.0}
    euros = [row for row in rows if row[11] != "USD"]  # a file of one currency stays in it
    assert set(_read(tmp_path, euros).deals["value"]) == {1000.0}
