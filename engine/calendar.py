"""The working calendar: dates on one side, working hours since the horizon's start on the other.

The plan's `calendar` and `horizon` are resolved here once, before anything is simulated. Everything after this step
counts working hours only; a run stores the resolved calendar (`WorkCalendar.as_json`), so that it can be read, and
repeated, when a newer table of public holidays says something else.

Public holidays come from the library `holidays`, and so do make-up working days (China's 调休) for the years for
which a government has announced them; what it does not know is said in `notes`, never made up.
"""

from __future__ import annotations

import calendar as gregorian
import datetime as dt
import difflib
import importlib.metadata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import holidays
import numpy as np
from numpy.typing import NDArray

from engine.compiled import jitted
from engine.plan.quantities import Duration
from engine.plan.types import Calendar, Horizon
from engine.problems import PlanRefused, Problem

Hours = NDArray[np.float64]

DAYS_PER_WEEK = 5.0  # the working days that one `w` stands for
CALENDAR_DAYS_PER_MONTH = 30.4375  # the calendar days that one `mo` stands for: 365.25 / 12
DAYS_BEYOND = 366  # dates known past the horizon's end at least: a wait may look past it
LONGEST_YEARS = 60
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLIDAYS_VERSION = importlib.metadata.version("holidays")
ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, eq=False)
class WorkCalendar:
    """A resolved calendar. Times are working hours since the start of `start`; periods are open on the left.

    `day_hours[i]` are the working hours of the date `start` + i days and `hours_at[i]` the hours before it; both go at
    least `DAYS_BEYOND` days past `end`. `month_ends[m]` are the hours at the end of the horizon's month m, the last
    being `horizon_hours` exactly; `month_shares[m]` is the share of that calendar month's working hours that lies in
    the horizon, 1 except for a first or last month that is cut.
    """

    start: dt.date
    end: dt.date
    as_of_hours: float  # hours at the end of `as_of`; 0 without one
    hours_per_day: float
    week_hours: float  # working hours of a normal week: what a rep's hours_per_week is measured against
    day_hours: Hours
    hours_at: Hours
    horizon_hours: float
    month_ends: Hours
    month_labels: tuple[str, ...]  # YYYY-MM
    month_shares: Hours
    weekend: tuple[str, ...]
    days_off: tuple[dt.date, ...]  # weekdays not worked
    extra_days: tuple[dt.date, ...]  # weekend dates worked
    plain_days: int | None  # of a plain calendar: the horizon's working days
    source: str
    notes: tuple[str, ...]  # what is not known, or likely to surprise

    @property
    def days_per_month(self) -> tuple[float, ...]:
        """Working days in each of the horizon's months."""
        return tuple(float(h) / self.hours_per_day for h in np.diff(self.month_ends, prepend=0.0))

    def hours_until(self, date: dt.date) -> float:
        """Working hours from the horizon's start to the end of `date`, clipped to the horizon."""
        day = (min(date, self.end) - self.start).days
        return float(self.hours_at[day + 1]) if day >= 0 else 0.0

    def date_at(self, hours: float) -> dt.date:
        """The date on which the instant `hours` falls; an instant on a boundary belongs to the day that ends there."""
        return self.start + int(day_position(max(hours, 0.0), self.hours_at)[0]) * ONE_DAY

    def as_json(self) -> dict[str, Any]:
        """Everything that `from_json` needs to build this calendar again, and what a reader wants to see of it."""
        return {
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "as_of_hours": self.as_of_hours,
            "hours_per_day": self.hours_per_day,
            "week_hours": self.week_hours,
            "horizon_hours": self.horizon_hours,
            "months": [
                {"month": label, "working_days": days, "ends_at_hours": float(end)}
                for label, days, end in zip(self.month_labels, self.days_per_month, self.month_ends, strict=True)
            ],
            "weekend": list(self.weekend),
            "days_off": [d.isoformat() for d in self.days_off],
            "extra_working_days": [d.isoformat() for d in self.extra_days],
            "plain_days": self.plain_days,
            "source": self.source,
            "notes": list(self.notes),
        }


# --- from the plan --------------------------------------------------------------------------------------------------


def resolve(calendar: Calendar, horizon: Horizon) -> WorkCalendar:
    """The plan's calendar over its horizon. Raises PlanRefused with everything that is wrong with the two."""
    problems = [*_horizon_problems(horizon), *_calendar_problems(calendar)]
    if problems:
        raise PlanRefused(problems)
    last = _last_date(horizon.end)
    if calendar.days is not None:
        return _plain(calendar.days, calendar.hours_per_day, horizon, last)
    public = _public_holidays(calendar, horizon.start.year, last.year)
    weekend, notes = _weekend(calendar, public, horizon.start)
    resting = {WEEKDAYS.index(name) for name in weekend}
    dates = [horizon.start + i * ONE_DAY for i in range((last - horizon.start).days + 1)]
    off, extra = set(calendar.holidays), set(calendar.workdays)
    source = "weekdays, no public holidays"
    if public is not None:
        off |= {d for d in public if d not in extra}
        if calendar.makeup_workdays:
            extra |= public.weekend_workdays - off
        source = f"public holidays of {public.country} from holidays {HOLIDAYS_VERSION}"
        notes += _unknown_years(public, horizon, calendar.makeup_workdays)
    result = _from_dates(
        horizon,
        calendar.hours_per_day,
        weekend,
        tuple(d for d in dates if d in off and d not in extra and d.weekday() not in resting),
        tuple(d for d in dates if d in extra and d.weekday() in resting),
        source,
        tuple(notes),
    )
    if result.horizon_hours <= 0:
        raise PlanRefused([Problem("horizon", f"{horizon.start} to {horizon.end}", "at least one working day")])
    return result


def from_json(document: Mapping[str, Any]) -> WorkCalendar:
    """The calendar that `as_json` wrote, whatever the installed table of holidays says today."""
    start, end = (dt.date.fromisoformat(document[key]) for key in ("start", "end"))
    horizon = Horizon(start=start, end=end)
    hours_per_day = float(document["hours_per_day"])
    if document["plain_days"] is not None:
        built = _plain(int(document["plain_days"]), hours_per_day, horizon, _last_date(end))
    else:
        off, extra = (tuple(dt.date.fromisoformat(d) for d in document[k]) for k in ("days_off", "extra_working_days"))
        weekend = tuple(str(name) for name in document["weekend"])
        built = _from_dates(
            horizon, hours_per_day, weekend, off, extra, str(document["source"]), tuple(document["notes"])
        )
    return _with_as_of(built, float(document["as_of_hours"]))


def _horizon_problems(horizon: Horizon) -> Iterable[Problem]:
    start, end, as_of = horizon.start, horizon.end, horizon.as_of
    if end < start:
        yield Problem("horizon.end", str(end), f"a date on or after the start, {start}")
    elif end.year - start.year > LONGEST_YEARS:
        yield Problem("horizon.end", str(end), f"a horizon of at most {LONGEST_YEARS} years")
    if end.year >= dt.MAXYEAR - 2:
        yield Problem("horizon.end", str(end), f"a year before {dt.MAXYEAR - 2}")
    if as_of is not None and not start <= as_of <= end:
        yield Problem("horizon.as_of", str(as_of), f"a date inside the horizon, {start} to {end}")


def _calendar_problems(calendar: Calendar) -> Iterable[Problem]:
    if calendar.days is not None:
        for field in ("country", "subdivision", "holidays", "workdays"):
            if getattr(calendar, field):
                yield Problem(f"calendar.{field}", str(getattr(calendar, field)), "nothing beside `days`: a plain one")
    if len(set(calendar.weekend)) == len(WEEKDAYS):
        yield Problem("calendar.weekend", ", ".join(calendar.weekend), "at least one day of the week left to work")
    for date in sorted(set(calendar.holidays) & set(calendar.workdays)):
        yield Problem("calendar.workdays", str(date), "a date that is not under `holidays` as well")
    if calendar.subdivision is not None and calendar.country is None:
        yield Problem("calendar.subdivision", calendar.subdivision, "a country beside it")
    if calendar.country is None:
        return
    supported = holidays.list_supported_countries(include_aliases=True)
    code = calendar.country.upper()
    if code not in supported:
        expected = "a country's ISO 3166 code, such as CN, US or DE"
        yield Problem("calendar.country", calendar.country, expected, _nearest_country(calendar.country))
    elif calendar.subdivision is not None and calendar.subdivision not in supported[code]:
        known = list(supported[code])
        expected = f"a subdivision of {code}: {', '.join(known)}" if known else f"none: {code} has no subdivisions"
        near = difflib.get_close_matches(calendar.subdivision.upper(), known, 1, 0.4)
        yield Problem("calendar.subdivision", calendar.subdivision, expected, near[0] if near else "")


def _nearest_country(written: str) -> str:
    """The code that was probably meant, from codes and from the English names of countries."""
    codes = list(holidays.list_supported_countries(include_aliases=False))
    names = {entry[0].lower(): entry[1] for entry in holidays.registry.COUNTRIES.values()}
    plain = written.lower().replace(" ", "")
    name = [n for n in sorted(names) if len(plain) > 2 and n.startswith(plain)]
    name = name or difflib.get_close_matches(plain, list(names), 1, 0.75)
    if name:
        return names[name[0]]
    code = difflib.get_close_matches(written.upper(), codes, 1, 0.5)
    return code[0] if code else ""


def _public_holidays(calendar: Calendar, first: int, last: int) -> holidays.HolidayBase | None:
    if calendar.country is None:
        return None
    # A year more on each side: a New Year's holiday may be moved into December, a make-up day across the year's end.
    years = range(first - 1, last + 2)
    code = calendar.country.upper()
    return holidays.country_holidays(code, subdiv=calendar.subdivision, years=years, expand=False)


def _weekend(
    calendar: Calendar, public: holidays.HolidayBase | None, start: dt.date
) -> tuple[tuple[str, ...], list[str]]:
    """The weekend as written; else the country's, where the table gives one of two days; else Saturday and Sunday."""
    written = tuple(name for name in WEEKDAYS if name in calendar.weekend)
    if public is None:
        return written, []
    week = (start + i * ONE_DAY for i in range(7))
    custom = {d.weekday() for d in week if public.is_weekend(d)}
    country = tuple(name for i, name in enumerate(WEEKDAYS) if i in custom)
    if country == written:
        return written, []
    if "weekend" not in calendar.model_fields_set and len(country) == 2:
        return country, [f"The weekend is {' and '.join(country)}, as usual in {public.country}."]
    usual = ", ".join(country) or "none"
    return written, [f"The usual weekend in {public.country} is {usual}; the plan's is {', '.join(written) or 'none'}."]


def _unknown_years(public: holidays.HolidayBase, horizon: Horizon, makeup: bool) -> list[str]:
    """What the table of holidays cannot know about the horizon's years."""
    notes = []
    outside = [y for y in range(horizon.start.year, horizon.end.year + 1) if not _covers(public, y)]
    if outside:
        notes.append(f"No public holidays of {public.country} are known for {_years(outside)}: none are assumed.")
    announced = [year for year, moves in _special_days(public).items() if any(len(move) >= 4 for move in moves)]
    beyond = [y for y in range(horizon.start.year, horizon.end.year + 1) if announced and y > max(announced)]
    if beyond and makeup:
        notes.append(
            f"Make-up working days of {public.country} are announced up to {max(announced)} in holidays "
            f"{HOLIDAYS_VERSION}: for {_years(beyond)} neither they nor the days off that they pay for are known, "
            "so only the statutory holidays are counted."
        )
    return notes


def _covers(public: holidays.HolidayBase, year: int) -> bool:
    return public.start_year <= year <= public.end_year


def _special_days(public: holidays.HolidayBase) -> dict[int, list[tuple[Any, ...]]]:
    """Year -> its one-off entries; those of four fields or more move a day off from a date to another."""
    table: Mapping[int, Any] = getattr(public, "special_public_holidays", {})
    return {year: [*moves] if moves and isinstance(moves[0], tuple) else [moves] for year, moves in table.items()}


def _years(years: list[int]) -> str:
    return str(years[0]) if len(years) == 1 else f"{years[0]} to {years[-1]}"


# --- arrays ---------------------------------------------------------------------------------------------------------


def _last_date(end: dt.date) -> dt.date:
    """The last date that arrays cover: at least `DAYS_BEYOND` past the end, and a whole month."""
    beyond = end + DAYS_BEYOND * ONE_DAY
    return beyond.replace(day=gregorian.monthrange(beyond.year, beyond.month)[1])


def _months(start: dt.date, end: dt.date) -> list[tuple[dt.date, dt.date]]:
    """First and last date of every calendar month from `start` to `end`, cut at both."""
    months = []
    first = start
    while first <= end:
        last = first.replace(day=gregorian.monthrange(first.year, first.month)[1])
        months.append((first, min(last, end)))
        first = last + ONE_DAY
    return months


def _from_dates(
    horizon: Horizon,
    hours_per_day: float,
    weekend: tuple[str, ...],
    off: tuple[dt.date, ...],
    extra: tuple[dt.date, ...],
    source: str,
    notes: tuple[str, ...],
) -> WorkCalendar:
    start, end = horizon.start, horizon.end
    resting = {WEEKDAYS.index(name) for name in weekend}
    closed, opened = set(off), set(extra)

    def works(date: dt.date) -> bool:
        return date in opened or (date.weekday() not in resting and date not in closed)

    count = (_last_date(end) - start).days + 1
    working = np.array([works(start + i * ONE_DAY) for i in range(count)], dtype=np.float64)
    # Whole days are counted first and multiplied once, so that hours_per_day = 7.6 rounds in one place only.
    hours_at = np.concatenate(([0.0], np.cumsum(working))) * hours_per_day
    months = _months(start, end)
    ends = np.array([hours_at[(last - start).days + 1] for _, last in months])
    shares = np.ones(len(months))
    for m in {0, len(months) - 1}:
        inside, whole = _share_of_month(months[m], works)
        shares[m] = inside / whole if whole else 1.0
    return _with_as_of(
        WorkCalendar(
            start=start,
            end=end,
            as_of_hours=0.0,
            hours_per_day=hours_per_day,
            week_hours=hours_per_day * (len(WEEKDAYS) - len(weekend)),
            day_hours=working * hours_per_day,
            hours_at=hours_at,
            horizon_hours=float(ends[-1]),
            month_ends=ends,
            month_labels=tuple(f"{first:%Y-%m}" for first, _ in months),
            month_shares=shares,
            weekend=weekend,
            days_off=off,
            extra_days=extra,
            plain_days=None,
            source=source,
            notes=notes,
        ),
        horizon.as_of,
    )


def _share_of_month(month: tuple[dt.date, dt.date], works: Any) -> tuple[int, int]:
    """Working days of the month inside the horizon, and of all of it (before `start`, by weekends alone)."""
    first, last = month
    length = gregorian.monthrange(first.year, first.month)[1]
    days = [first.replace(day=d) for d in range(1, length + 1)]
    return sum(works(d) for d in days if first <= d <= last), sum(works(d) for d in days)


def _plain(days: int, hours_per_day: float, horizon: Horizon, last: dt.date) -> WorkCalendar:
    """A horizon of exactly `days` working days: months of equal length, even over the dates inside each.

    A month that the horizon cuts counts by the share of its dates inside. Beyond the end months go on alike.
    """
    start, end = horizon.start, horizon.end
    months = _months(start, end)
    lengths = [gregorian.monthrange(first.year, first.month)[1] for first, _ in months]
    shares = np.array([((b - a).days + 1) / n for (a, b), n in zip(months, lengths, strict=True)])
    total = days * hours_per_day
    weight = float(shares.sum())
    # The total is divided last: with whole months the boundary after month k is the nearest float to k * total / M.
    ends = np.cumsum(shares) * total / weight
    ends[-1] = total
    hours_at = [0.0]
    for (first, final), low, high in zip(months, [0.0, *ends[:-1]], ends, strict=True):
        dates = (final - first).days + 1
        hours_at += [float(low + (high - low) * (d / dates)) for d in range(1, dates)] + [float(high)]
    date = end + ONE_DAY
    for _ in range((last - end).days):
        length = gregorian.monthrange(date.year, date.month)[1]
        hours_at.append(hours_at[-1] + total / weight / length)
        date += ONE_DAY
    at = np.array(hours_at)
    dates_inside = (end - start).days + 1
    notes = [f"{days} working days are laid over {dates_inside} dates."] if days > dates_inside else []
    return _with_as_of(
        WorkCalendar(
            start=start,
            end=end,
            as_of_hours=0.0,
            hours_per_day=hours_per_day,
            week_hours=hours_per_day * DAYS_PER_WEEK,
            day_hours=np.diff(at),
            hours_at=at,
            horizon_hours=float(total),
            month_ends=ends,
            month_labels=tuple(f"{first:%Y-%m}" for first, _ in months),
            month_shares=shares,
            weekend=(),
            days_off=(),
            extra_days=(),
            plain_days=days,
            source=f"plain: {days} equal working days",
            notes=tuple(notes),
        ),
        horizon.as_of,
    )


def _with_as_of(calendar: WorkCalendar, as_of: dt.date | float | None) -> WorkCalendar:
    if as_of is None:
        return calendar
    hours = calendar.hours_until(as_of) if isinstance(as_of, dt.date) else as_of
    values = {name: getattr(calendar, name) for name in WorkCalendar.__slots__}
    return WorkCalendar(**{**values, "as_of_hours": hours})


# --- durations ------------------------------------------------------------------------------------------------------


def to_hours(duration: Duration, calendar: WorkCalendar) -> tuple[float, bool]:
    """The duration's length and whether that is calendar days: h, d and w are working hours, mo and cd calendar days.

    Calendar days become working hours only from a known instant on: see `after_calendar_days`.
    """
    match duration.unit:
        case "h":
            return duration.value, False
        case "d":
            return duration.value * calendar.hours_per_day, False
        case "w":
            return duration.value * DAYS_PER_WEEK * calendar.hours_per_day, False
        case "mo":
            return duration.value * CALENDAR_DAYS_PER_MONTH, True
        case "cd":
            return duration.value, True


def average_hours(duration: Duration, calendar: WorkCalendar) -> float:
    """Working hours of the duration, a calendar span taken at the horizon's average day: for display and checks."""
    value, is_calendar = to_hours(duration, calendar)
    if not is_calendar:
        return value
    return value * calendar.horizon_hours / ((calendar.end - calendar.start).days + 1)


@jitted
def day_position(t: float, hours_at: Hours) -> tuple[int, float]:
    """The day on which working hour t falls, as an index from the horizon's start, and the share of it that is over.

    A boundary belongs to the day that ends there, so the share is in (0, 1]; t = 0 is (0, 0.0). Past the known dates
    every day has the average length of the last 52 known weeks.
    """
    days = len(hours_at) - 1
    if t <= 0.0:
        return 0, 0.0
    if t > hours_at[days]:
        extra = (t - hours_at[days]) / ((hours_at[days] - hours_at[days - 364]) / 364.0)
        whole = int(np.ceil(extra))
        return days + whole - 1, extra - (whole - 1)
    low, high = 0, days  # the smallest index with hours_at[index] >= t lies in (low, high]
    while high - low > 1:
        middle = (low + high) // 2
        if hours_at[middle] >= t:
            high = middle
        else:
            low = middle
    return high - 1, (t - hours_at[high - 1]) / (hours_at[high] - hours_at[high - 1])


@jitted
def after_calendar_days(t: float, days: float, hours_at: Hours) -> float:
    """The working hour that it is `days` calendar days after working hour t.

    A working day's hours are spread over its date, so 0.5 of a date is half of its hours; dates without hours pass at
    the hour at which the last working day ended. Never before t; monotone in t and in `days`.
    """
    if days <= 0.0:
        return t  # exactly, where the way through dates and back could round
    day, over = day_position(t, hours_at)
    known = len(hours_at) - 1
    position = day + over + days
    if position >= known:
        rate = (hours_at[known] - hours_at[known - 364]) / 364.0
        return float(max(t, hours_at[known] + (position - known) * rate))
    index = int(position)
    low, high = hours_at[index], hours_at[index + 1]
    # Rounding must not carry the result past the end of its day, else a later position could give an earlier hour.
    return float(max(t, min(high, low + (position - index) * (high - low))))
