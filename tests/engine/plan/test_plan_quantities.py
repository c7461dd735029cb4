"""Quantities as planners write them: round trips, and what is not one."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.plan.quantities import (
    MAGNITUDES,
    UNITS,
    Duration,
    read_count,
    read_date,
    read_duration,
    read_money,
    read_number,
    read_probability,
    read_share,
)

AMOUNTS = st.floats(min_value=0, max_value=1e12, allow_nan=False, allow_infinity=False)


@given(
    st.floats(min_value=0, max_value=1e6),
    st.sampled_from(sorted(set(UNITS.values()))),
    st.sampled_from(["", " ", "  "]),
)
def test_a_duration_comes_back_from_its_text(value: float, unit: str, space: str) -> None:
    duration = read_duration(f"{value!r}{space}{unit}")
    assert duration == Duration(value, unit)  # type: ignore[arg-type]
    assert read_duration(duration) is duration


@given(st.sampled_from(sorted(UNITS)))
def test_every_spelling_of_a_unit_is_read(word: str) -> None:
    assert read_duration(f"3 {word}") == Duration(3.0, UNITS[word])


@given(AMOUNTS)
def test_an_amount_comes_back_from_its_text(value: float) -> None:
    assert read_money(repr(value)) == value
    assert read_money(value) == value
    assert read_money(f"{value:,.2f}") == float(f"{value:.2f}")


@given(st.integers(0, 10**6), st.sampled_from(sorted(MAGNITUDES)))
def test_magnitudes(value: int, word: str) -> None:
    assert read_money(f"{value}{word}") == pytest.approx(value * MAGNITUDES[word], rel=1e-12)


@given(st.floats(min_value=0, max_value=1))
def test_a_share_is_a_number_or_a_percentage(value: float) -> None:
    assert read_share(value) == value
    assert read_share(f"{value * 100!r}%") == pytest.approx(value, rel=1e-12, abs=1e-300)
    assert read_probability(repr(value)) == value


@given(st.dates(min_value=dt.date(1000, 1, 1)))
def test_a_date_is_read_year_first(date: dt.date) -> None:
    for text in (date.isoformat(), f"{date.year}/{date.month}/{date.day}", f"{date.year}年{date.month}月{date.day}日"):
        assert read_date(text) == date
    assert read_date(dt.datetime(date.year, date.month, date.day)) == date


@given(st.one_of(st.text(max_size=12), st.floats(), st.integers(), st.booleans(), st.none(), st.lists(st.integers())))
def test_whatever_else_is_refused_in_words(value: object) -> None:
    for read in (read_duration, read_money, read_share, read_probability, read_number, read_count, read_date):
        try:
            read(value)
        except ValueError as error:
            assert str(error)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (read_duration, 5), (read_duration, "5"), (read_duration, "-1 d"), (read_duration, "1 fortnight"),
        (read_duration, "1e999 d"), (read_duration, True), (read_money, True), (read_money, "5 d"),
        (read_money, float("nan")), (read_money, float("inf")), (read_money, 10**400), (read_money, "1_000 USD"),
        (read_share, "half"), (read_share, "nan"), (read_probability, 1.2), (read_probability, "120%"),
        (read_probability, -0.1), (read_number, "nan"), (read_number, True), (read_number, "5k"), (read_count, 1.5),
        (read_date, 20260101), (read_date, "2026-02-30"), (read_date, "01/02/2026"), (read_date, "2026-01-01 10:00"),
    ],
)  # fmt: skip
def test_what_is_not_one(read: object, value: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read(value)  # type: ignore[operator]
