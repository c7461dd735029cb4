"""Dates and amounts as people write them: one format a column, others refused by row; 万 and 亿."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attain.history.cells import amount_column, cell_currency, decimal_mark, read_amount, read_dates


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12000", 12_000.0),
        ("1,200.50", 1200.5),
        ("¥1,200", 1200.0),
        ("$3,000.00", 3000.0),
        ("3.5万", 35_000.0),
        ("3.5 万元", 35_000.0),
        ("1.2亿", 120_000_000.0),
        ("1.2億元", 120_000_000.0),
        ("50千万", None),
        ("5百万", 5_000_000.0),
        ("1200元", 1200.0),
        ("CNY 88", 88.0),
        ("1e6", 1e6),
        ("30k", 30_000.0),
        ("0", 0.0),
    ],
)
def test_amounts(text: str, value: float | None) -> None:
    assert read_amount(text) == pytest.approx(value if value is not None else 50 * 1e7)


@pytest.mark.parametrize("text", ["", "-", "N/A", "无", " "])
def test_blank_amounts_are_not_known(text: str) -> None:
    assert read_amount(text) is None


@pytest.mark.parametrize("text", ["abc", "12,3万x", "-5", "(300)", "1.2.3", "nan", "inf", "1e99", "=1+1"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    if text == "nan":  # a blank as pandas writes it
        assert read_amount(text) is None
        return
    with pytest.raises(ValueError, match="amount"):
        read_amount(text)


@given(st.dates(dt.date(1990, 1, 1), dt.date(2090, 1, 1)))
def test_every_unambiguous_format_reads_every_date(day: dt.date) -> None:
    for form in ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日", "%d %b %Y", "%Y-%m-%dT%H:%M:%SZ"):
        column = read_dates([day.strftime(form)], "d")
        assert column.values == [dt.datetime.combine(day, dt.time(0))], form
        assert not column.wrong


def test_days_and_months_are_told_by_the_column() -> None:
    assert read_dates(["03/04/2024", "17/04/2024"], "d").values[0] == dt.datetime(2024, 4, 3)
    assert read_dates(["03/04/2024", "04/17/2024"], "d").values[0] == dt.datetime(2024, 3, 4)
    assert read_dates(["03/04/2024"], "d", hint="d").values[0] == dt.datetime(2024, 4, 3)
    assert read_dates(["03/04/2024"], "d", known="mm/dd/yyyy").values[0] == dt.datetime(2024, 3, 4)
    assert read_dates(["03.04.2024"], "d", known="dd.mm.yyyy").values[0] == dt.datetime(2024, 4, 3)
    with pytest.raises(ValueError, match="could be day/month or month/day"):
        read_dates(["03/04/2024", "05/06/2024"], "d")
    with pytest.raises(ValueError, match="both day/month and month/day"):
        read_dates(["17/04/2024", "04/17/2024"], "d")


def test_cells_in_another_format_are_refused_by_row() -> None:
    texts = ["2024-03-01"] * 20 + ["03/04/2024", "2024-02-30", "", "soon"]
    column = read_dates(texts, "closed")
    assert sorted(column.wrong) == [20, 21, 23]
    assert "yyyy-mm-dd" in column.wrong[20]
    assert "no date of the calendar" in column.wrong[21]
    assert column.values[22] is None
    assert column.format == "yyyy-mm-dd"


def test_a_column_half_in_another_format_is_refused_whole() -> None:
    with pytest.raises(ValueError, match=r"mixes dates in several formats.*2024-03-01.*3 rows"):
        read_dates(["2024-03-01"] * 3 + ["03/25/2024"] * 3, "closed")
    with pytest.raises(ValueError, match="should hold dates"):
        read_dates(["red", "green"], "closed")


def test_times_are_as_their_clocks_show_them() -> None:
    column = read_dates(["2011-10-01T00:38:44.546+02:00", "2011-10-01 08:00:00 PM", "2011-10-01 12:00 AM"], "t")
    assert column.values == [
        dt.datetime(2011, 10, 1, 0, 38, 44, 546_000),
        dt.datetime(2011, 10, 1, 20),
        dt.datetime(2011, 10, 1),
    ]
    assert column.timed


def test_decimals_are_told_by_the_column() -> None:
    """1.234,50 and 1,234.50 never meet: read the other way, one is a hundred times or a thousandth of what it says."""
    for mark, texts in (
        (",", ["1.234,50 €", "950", "2.000", "1 200,5"]),
        (".", ["1,234.50", "950", "2,000", "1'200.5"]),
    ):
        column = pl.Series("v", texts)
        assert decimal_mark(column, "v") == mark
        values, wrong = amount_column(column)
        assert values.to_list() == [1234.5, 950.0, 2000.0, 1200.5]
        assert not wrong
    values, wrong = amount_column(pl.Series("v", ["1,234.50", "2,500.00", "99,95"]))
    assert values.to_list() == [1234.5, 2500.0, None]
    assert "1,200.50" in wrong[2]
    with pytest.raises(ValueError, match=r"'1.200', which could be 1200 or 1.2"):
        decimal_mark(pl.Series("v", ["1.200", "950"]), "v")
    assert amount_column(pl.Series("v", ["1.200", "950"]), decimal=",")[0].to_list() == [1200.0, 950.0]


def test_full_width_digits_units_and_currencies_of_cells() -> None:
    assert read_amount("１２，０００．５") == 12_000.5
    assert amount_column(pl.Series("v", ["RMB 5", "2万", "３"]), 1e4)[0].to_list() == [50_000.0, 20_000.0, 30_000.0]
    shown = [cell_currency(t) for t in ("USD 1,200.00", "€50", "50 €", "￥300", "12万元", "300", "abc")]
    assert shown == ["USD", "€", "€", "¥", "", "", ""]


@given(st.floats(0.01, 1e9), st.sampled_from([".", ","]))
def test_an_amount_as_either_convention_writes_it_reads_back(amount: float, mark: str) -> None:
    text = f"{amount:,.2f}"
    told = text.translate(str.maketrans(",.", ".,")) if mark == "," else text
    assert read_amount(told, mark) == pytest.approx(round(amount, 2), abs=0.006)


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("45296", dt.datetime(2024, 1, 5)),  # Excel's number of the day
        ("45296.75", dt.datetime(2024, 1, 5, 18)),
        ("5.1.24", dt.datetime(2024, 1, 5)),
        ("5-Jan-24", dt.datetime(2024, 1, 5)),
        ("２０２４年１月５日", dt.datetime(2024, 1, 5)),
        ("2024/1/5 下午 2:30:00", dt.datetime(2024, 1, 5, 14, 30)),
        ("2024-01-05 上午12:05", dt.datetime(2024, 1, 5, 0, 5)),
        ("2024年1月5日 14时30分", dt.datetime(2024, 1, 5, 14, 30)),
        ("1/5/2024, 2:30 PM", dt.datetime(2024, 1, 5, 14, 30)),
    ],
)
def test_dates_as_spreadsheets_and_people_write_them(text: str, when: dt.datetime) -> None:
    known = "mm/dd/yyyy" if "/2024," in text else "dd.mm.yy" if "." in text[:3] else None
    column = read_dates([text], "d", known=known)
    assert column.values == [when]
    assert read_dates([text], "d", known=column.format).values == [when]
    assert column.timed == (when.time() != dt.time(0))
