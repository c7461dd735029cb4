"""As of a day: what later rows hold (words, clocks, currencies) neither changes nor refuses an earlier reading."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from attain.history import History, HistoryRefused, read_history
from attain.history.events import guess_log_mapping
from attain.history.sheets import sheet_of
from tests.attain.histories import LAST, as_csv, as_read, export

DAY = LAST - dt.timedelta(days=200)
LATER = DAY + dt.timedelta(days=60)
ROWS = export(240, seed=3)


def _read(folder: Path, rows: list[list[str]], day: dt.date | None = DAY) -> History:
    path = folder / "crm.csv"
    path.write_text(as_csv(rows), encoding="utf-8")
    return read_history(path, as_of=day)


def test_later_words_of_the_status_refuse_nothing(tmp_path: Path) -> None:
    new = ["", "Customer", "West", "HR", "Dora", "Proposal", "Archived", "5", LATER.isoformat(), LATER.isoformat(), ""]
    later = [[f"N{i}", *new[1:]] for i in range(100)]
    assert as_read(_read(tmp_path, [*ROWS, *later])) == as_read(_read(tmp_path, ROWS))


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
    assert as_read(read_history(tmp_path / "crm.parquet", as_of=DAY)) == as_read(plain)
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


def _log(folder: Path, amount: str, later: list[list[str]]) -> Path:
    rows = [["case_id", "activity", "timestamp", "resource", "amount", "currency"]]
    first = dt.datetime.combine(DAY, dt.time(10)) - dt.timedelta(days=200)
    for i in range(200):
        for k, name in enumerate(("Lead", "Offer", "Won" if i % 3 else "Lost")):
            at = first + dt.timedelta(days=i, hours=30 * k)
            rows.append([f"C{i}", name, f"{at:%Y-%m-%d %H:%M:%S}", f"P{i % 5}", amount, "USD"])
    path = folder / "log.csv"
    path.write_text(as_csv([*rows, *later]), encoding="utf-8")
    return path


def test_a_later_currency_of_a_log_refuses_no_earlier_day(tmp_path: Path) -> None:
    late = ["late", "Lead", f"{LATER} 10:00:00", "P1", "5", "EUR"]
    plain = read_history(_log(tmp_path, "1000", []), as_of=DAY)
    assert as_read(read_history(_log(tmp_path, "1000", [late]), as_of=DAY)) == as_read(plain)
    assert plain.currency == "USD"
    with pytest.raises(HistoryRefused, match="in 2 currencies"):
        read_history(tmp_path / "log.csv")


def test_a_log_s_decimals_are_the_whole_file_s_on_every_day(tmp_path: Path) -> None:
    late = ["late", "Lead", f"{LATER} 10:00:00", "P1", '"1.500,50"', "USD"]
    path = _log(tmp_path, "1.500", [late])
    for day in (DAY, None):
        history = read_history(path, as_of=day)
        assert history.deals["value"][0] == 1500.0
        assert history.mapping.decimal == ","
    path = _log(tmp_path, "1.500", [])
    with pytest.raises(HistoryRefused, match=r"which could be 1500 or 1\.5"):  # as in an export: nothing tells
        read_history(path)
    pointed = guess_log_mapping(sheet_of(path)).model_copy(update={"decimal": "."})
    assert read_history(path, mapping=pointed).deals["value"][0] == 1.5
