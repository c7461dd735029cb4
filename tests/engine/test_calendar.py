"""The working calendar against months counted by hand from the official notices, and as properties."""

from __future__ import annotations

import datetime as dt
import json
from itertools import pairwise
from typing import Any, cast

import holidays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.calendar import (
    WEEKDAYS,
    WorkCalendar,
    after_calendar_days,
    average_hours,
    day_position,
    from_json,
    resolve,
    to_hours,
)
from engine.plan.quantities import Duration
from engine.plan.types import Calendar, Horizon
from engine.problems import PlanRefused

D = dt.date
ONE_DAY = dt.timedelta(days=1)


def year(number: int) -> Horizon:
    return Horizon(start=D(number, 1, 1), end=D(number, 12, 31))


def works(calendar: WorkCalendar, date: D) -> bool:
    return bool(calendar.day_hours[(date - calendar.start).days] > 0)


# Working days by month, counted by hand: China from the State Council's notices for 2025 and 2026 (248 days each),
# the United States from the eleven federal holidays, Germany from the nine national ones.
BY_HAND: dict[tuple[str, int], tuple[float, ...]] = {
    ("CN", 2025): (19, 19, 21, 22, 19, 20, 23, 21, 23, 18, 20, 23),
    ("CN", 2026): (21, 16, 22, 21, 19, 21, 23, 21, 22, 18, 21, 23),
    ("US", 2026): (20, 19, 22, 22, 20, 21, 22, 21, 21, 21, 19, 22),
    ("DE", 2026): (21, 20, 22, 20, 18, 22, 23, 21, 22, 22, 21, 22),
}


@pytest.mark.parametrize(("country", "number"), BY_HAND)
def test_months_counted_by_hand(country: str, number: int) -> None:
    calendar = resolve(Calendar(country=country), year(number))
    assert calendar.days_per_month == BY_HAND[country, number]
    assert calendar.horizon_hours == 8 * sum(BY_HAND[country, number])
    assert calendar.notes == ()


def test_golden_week_and_spring_festival_of_2025() -> None:
    calendar = resolve(Calendar(country="CN"), year(2025))
    october = [d for d in range(1, 32) if works(calendar, D(2025, 10, d))]
    assert october == [9, 10, 11, 13, 14, 15, 16, 17, 20, 21, 22, 23, 24, 27, 28, 29, 30, 31]
    assert works(calendar, D(2025, 9, 28))  # a Sunday, worked for 7 October
    closed = [d for d in range(20) if not works(calendar, D(2025, 1, 26) + d * ONE_DAY)]
    assert closed == [*range(2, 10), 14]  # 28 January to 4 February; 8 February is worked, the 9th is not
    assert D(2025, 10, 11) in calendar.extra_days
    assert D(2025, 10, 8) in calendar.days_off


def test_without_makeup_days_the_weekends_stay_free() -> None:
    calendar = resolve(Calendar(country="CN", makeup_workdays=False), year(2025))
    assert calendar.extra_days == ()
    assert sum(calendar.days_per_month) == 248 - 5


@pytest.mark.parametrize("number", range(2010, 2027))
def test_china_agrees_with_the_library_day_by_day(number: int) -> None:
    calendar = resolve(Calendar(country="CN"), year(number))
    table = holidays.country_holidays("CN", years=[number, number + 1])
    for i in range(365):
        date = D(number, 1, 1) + i * ONE_DAY
        assert works(calendar, date) == table.is_working_day(date), date


def test_years_that_are_not_announced_are_said() -> None:
    last = max(holidays.country_holidays("CN").special_public_holidays)
    known = resolve(Calendar(country="CN"), year(last))
    unknown = resolve(Calendar(country="CN"), year(last + 1))
    assert known.as_json()["notes"] == []
    assert f"announced up to {last}" in unknown.as_json()["notes"][0]
    assert resolve(Calendar(country="CN", makeup_workdays=False), year(last + 1)).notes == ()


def test_weekdays_only_and_own_days() -> None:
    plain = resolve(Calendar(), year(2026))
    assert sum(plain.days_per_month) == 261
    own = resolve(Calendar(holidays=(D(2026, 3, 2),), workdays=(D(2026, 3, 7),)), year(2026))
    assert not works(own, D(2026, 3, 2))
    assert works(own, D(2026, 3, 7))
    shop = resolve(Calendar(weekend=("mon",)), year(2026))
    assert shop.week_hours == 48
    assert works(shop, D(2026, 3, 1))
    assert not works(shop, D(2026, 3, 2))


def test_a_country_with_another_weekend() -> None:
    usual = resolve(Calendar(country="SA"), year(2026))
    assert usual.weekend == ("fri", "sat")
    assert "fri and sat" in usual.notes[0]
    written = resolve(Calendar(country="SA", weekend=("sat", "sun")), year(2026))
    assert written.weekend == ("sat", "sun")


def test_plain_calendar_has_equal_months() -> None:
    calendar = resolve(Calendar(days=250), year(2026))
    assert calendar.horizon_hours == 2000.0
    assert calendar.month_ends.tolist() == [2000.0 * m / 12 for m in range(1, 13)]
    assert calendar.hours_until(D(2026, 6, 30)) == 1000.0
    assert calendar.week_hours == 40.0
    february = calendar.day_hours[31:59]
    assert np.allclose(february, 2000 / 12 / 28, rtol=1e-12)
    assert calendar.hours_at[365 + 31] - 2000.0 == pytest.approx(2000 / 12, rel=1e-12)  # January goes on alike


def test_plain_calendar_with_cut_months() -> None:
    calendar = resolve(Calendar(days=100), Horizon(start=D(2026, 1, 17), end=D(2026, 4, 15)))
    full = 800.0 / (15 / 31 + 1 + 1 + 0.5)
    assert np.diff(calendar.month_ends, prepend=0.0).tolist() == pytest.approx([full * 15 / 31, full, full, full / 2])
    assert calendar.month_shares.tolist() == [15 / 31, 1, 1, 0.5]
    assert calendar.month_ends[-1] == 800.0


def test_cut_months_by_working_days() -> None:
    calendar = resolve(Calendar(), Horizon(start=D(2026, 3, 16), end=D(2026, 4, 10)))
    assert calendar.month_labels == ("2026-03", "2026-04")
    assert calendar.month_shares.tolist() == [12 / 22, 8 / 22]
    assert calendar.days_per_month == (12, 8)


def test_dates_and_hours() -> None:
    horizon = Horizon(start=D(2026, 1, 1), end=D(2026, 12, 31), as_of=D(2026, 1, 9))
    calendar = resolve(Calendar(country="DE"), horizon)
    assert calendar.as_of_hours == 6 * 8  # the 1st is a holiday; then Fri, Mon..Fri
    assert calendar.hours_until(D(2025, 1, 1)) == 0.0
    assert calendar.hours_until(D(2030, 1, 1)) == calendar.horizon_hours
    assert calendar.date_at(0.0) == D(2026, 1, 1)
    assert calendar.date_at(1e-9) == D(2026, 1, 2)
    assert calendar.date_at(8.0) == D(2026, 1, 2)
    assert calendar.date_at(8.0 + 1e-9) == D(2026, 1, 5)


def test_durations() -> None:
    calendar = resolve(Calendar(country="DE", hours_per_day=7.5), year(2026))
    assert to_hours(Duration(3, "h"), calendar) == (3.0, False)
    assert to_hours(Duration(2, "d"), calendar) == (15.0, False)
    assert to_hours(Duration(1, "w"), calendar) == (37.5, False)
    assert to_hours(Duration(30, "cd"), calendar) == (30.0, True)
    assert to_hours(Duration(2, "mo"), calendar) == (60.875, True)
    assert average_hours(Duration(365, "cd"), calendar) == pytest.approx(254 * 7.5)


def test_calendar_days_by_hand() -> None:
    calendar = resolve(Calendar(), Horizon(start=D(2026, 3, 2), end=D(2026, 12, 31)))  # a Monday
    at = calendar.hours_at
    assert after_calendar_days(0.0, 1.0, at) == 8.0
    assert after_calendar_days(4.0, 7.0, at) == 44.0  # Monday noon, a week later
    assert after_calendar_days(40.0, 2.0, at) == 40.0  # Friday's end: the weekend holds no working hour
    assert after_calendar_days(40.0, 2.5, at) == 44.0
    assert after_calendar_days(36.0, 1.0, at) == 40.0  # Friday noon; Saturday noon comes after the last hour of Friday
    assert after_calendar_days(12.0, 0.0, at) == 12.0


@pytest.mark.parametrize("country", ["China", "Germny", "XQ", "中国"])
def test_an_unknown_country_is_refused(country: str) -> None:
    with pytest.raises(PlanRefused) as refusal:
        resolve(Calendar(country=country), year(2026))
    (problem,) = refusal.value.problems
    assert (problem.path, problem.value) == ("calendar.country", country)
    assert problem.hint == {"China": "CN", "Germny": "DE"}.get(country, problem.hint)


def test_every_problem_at_once() -> None:
    horizon = Horizon(start=D(2026, 5, 1), end=D(2026, 4, 1), as_of=D(2020, 1, 1))
    weekend = cast("Any", WEEKDAYS)
    with pytest.raises(PlanRefused) as refusal:
        resolve(Calendar(country="DE", subdivision="BX", days=3, weekend=weekend), horizon)
    assert {p.path for p in refusal.value.problems} == {
        "horizon.end", "horizon.as_of", "calendar.country", "calendar.subdivision", "calendar.weekend",
    }  # fmt: skip
    with pytest.raises(PlanRefused, match="at least one working day"):
        resolve(Calendar(), Horizon(start=D(2026, 3, 7), end=D(2026, 3, 8)))
    with pytest.raises(PlanRefused, match="at most"):
        resolve(Calendar(), Horizon(start=D(2026, 3, 7), end=D(2226, 3, 8)))


# --- properties -----------------------------------------------------------------------------------------------------

starts = st.dates(D(2008, 1, 1), D(2030, 12, 31))
calendars = st.one_of(
    st.builds(Calendar, country=st.sampled_from(["CN", "US", "DE", "HU", "SA"]), makeup_workdays=st.booleans()),
    st.builds(Calendar, hours_per_day=st.floats(0.5, 24.0)),
    st.builds(Calendar, days=st.integers(1, 2000), hours_per_day=st.floats(0.5, 24.0)),
)


@st.composite
def resolved(draw: st.DrawFn) -> WorkCalendar:
    start = draw(starts)
    end = start + draw(st.integers(20, 800)) * ONE_DAY
    return resolve(draw(calendars), Horizon(start=start, end=end, as_of=draw(st.none() | st.just(start))))


@settings(max_examples=60, deadline=None)
@given(resolved())
def test_cumulative_hours_tie(calendar: WorkCalendar) -> None:
    assert calendar.hours_at[0] == 0.0
    assert (np.diff(calendar.hours_at) >= 0).all()
    inside = (calendar.end - calendar.start).days + 1
    assert len(calendar.day_hours) == len(calendar.hours_at) - 1 >= inside + 366
    assert calendar.hours_at[inside] == calendar.month_ends[-1] == calendar.horizon_hours
    assert np.cumsum(calendar.day_hours) == pytest.approx(calendar.hours_at[1:], rel=1e-9)
    assert sum(calendar.days_per_month) * calendar.hours_per_day == pytest.approx(calendar.horizon_hours)
    assert len(calendar.month_labels) == len(calendar.month_ends) == len(calendar.month_shares)
    again = from_json(json.loads(json.dumps(calendar.as_json())))
    assert again.as_json() == calendar.as_json()
    assert (again.hours_at == calendar.hours_at).all()


@settings(max_examples=60, deadline=None)
@given(resolved(), st.lists(st.floats(0.0, 1.3), min_size=2, max_size=20), st.lists(st.floats(0, 900), min_size=2))
def test_calendar_days_are_monotone(calendar: WorkCalendar, shares: list[float], spans: list[float]) -> None:
    at = calendar.hours_at
    # Day boundaries and their neighbours are where rounding could go wrong.
    times = sorted([*(s * at[-1] for s in shares), *at[::37], *np.nextafter(at[::37], np.inf)])
    for days in spans[:3]:
        after = [after_calendar_days(t, days, at) for t in times]
        assert all(a <= b for a, b in pairwise(after))
        assert all(t <= a for t, a in zip(times, after, strict=True))
    for t in times[:8]:
        after = [after_calendar_days(t, days, at) for days in sorted(spans)]
        assert all(a <= b for a, b in pairwise(after))


@settings(max_examples=60, deadline=None)
@given(resolved(), st.floats(0.0, 1.0), st.floats(0.0, 200.0), st.floats(0.0, 200.0))
def test_calendar_days_add_up(calendar: WorkCalendar, share: float, a: float, b: float) -> None:
    """Going a then b days is going a + b, except that resting days already passed are not counted twice."""
    at = calendar.hours_at
    t = share * calendar.horizon_hours
    assert after_calendar_days(t, 0.0, at) == t
    once = after_calendar_days(t, a + b, at)
    middle = after_calendar_days(t, a, at)
    day, over = day_position(middle, at)
    elapsed = (
        sum(day_position(t, at)) + a - (day + over)
    )  # resting days between the middle and the instant it stands for
    assert after_calendar_days(middle, b, at) <= once + 1e-6
    assert after_calendar_days(middle, b + max(elapsed, 0.0), at) == pytest.approx(once, rel=1e-9, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(resolved(), st.floats(0.0, 1.2))
def test_a_date_holds_its_hours(calendar: WorkCalendar, share: float) -> None:
    hours = share * float(calendar.hours_at[-1])
    i = (calendar.date_at(hours) - calendar.start).days
    if 0 < hours <= calendar.hours_at[-1]:
        assert calendar.hours_at[i] < hours <= calendar.hours_at[i + 1]
    if hours <= calendar.horizon_hours:
        assert hours <= calendar.hours_until(calendar.date_at(hours))
