"""When a business works: the working days of its months, and the days of the Spring Festival, which is in January one
year, in February the next.

Working days are counted by the plan's own calendar (``engine.calendar``). The festival's effect is wider than its days
off and is told apart from them: in its days the week alone counts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import holidays
import numpy as np
from numpy.typing import NDArray

from engine.calendar import WEEKDAYS, resolve
from engine.fit.arrivals import Regressor
from engine.plan.types import Calendar, Horizon
from engine.problems import PlanRefused, Refused

BEFORE, AFTER = 3, 11  # days around the new year's day on which little is begun
_LENGTH = BEFORE + AFTER + 1
FESTIVAL, WORKING_DAYS = "Spring Festival", "working days"
FESTIVAL_PRIOR = (0.0, 0.7)  # mean and sd of the logarithm of a month that holds all of it
ELASTICITY_PRIOR = (0.5, 0.5)  # 0: leads come by the calendar month; 1: by the working day
TOLD = 0.8  # of the prior's sd: an effect that is less sure is mostly the prior's
A_MONTH = 21  # working days, to say what one more brings
TODAY = 2025  # a year whose weekends are today's: some countries have moved theirs


@dataclass(frozen=True, slots=True)
class Workdays:
    """``country``: whose public holidays are kept (DE, or DE-BY for a part of it), None where it is not known;
    ``weekend``: read off the history, None where it could not be; ``festival``: whether the Spring Festival moves lead
    flow."""

    country: str | None = None
    weekend: tuple[str, ...] | None = None
    festival: bool = False

    def calendar(self) -> Calendar:
        """The plan's: its weekend is written where it is not the usual one there."""
        usual = self.weekend is None or self.weekend == _usual(self.country)
        return _at(self.country).model_copy(update={} if usual else {"weekend": self.weekend})

    def days(self, months: Sequence[dt.date]) -> NDArray[np.float64]:
        """Working days of months, given by their first days; of the festival's days those of the week."""
        year = {y: _days_of_year(self, y) for y in sorted({m.year for m in months})}
        return np.array([year[m.year][m.month - 1] for m in months])

    def regressors(self, months: Sequence[dt.date], coming: Sequence[dt.date] = ()) -> tuple[Regressor, ...]:
        """Of months seen, and of twelve coming ones where a season is asked for: the logarithm of their working days
        against their year's mean, and the festival's share."""
        by_calendar = sorted(coming, key=lambda month: month.month)
        found = [Regressor(WORKING_DAYS, self._against(months), self._against(by_calendar), *ELASTICITY_PRIOR)]
        if self.festival:
            seen, later = festival_share(months), festival_share(by_calendar)
            found.append(Regressor(FESTIVAL, seen, later, *FESTIVAL_PRIOR))
        return tuple(found)

    def _against(self, months: Sequence[dt.date]) -> NDArray[np.float64]:
        mean = {y: _days_of_year(self, y).mean() for y in {m.year for m in months}}
        return np.asarray(np.log(self.days(months) / np.array([mean[m.year] for m in months])))


@lru_cache(maxsize=1024)
def _days_of_year(works: Workdays, year: int) -> NDArray[np.float64]:
    """[12]; at least one a month, so that a logarithm can be taken."""
    calendar = works.calendar()
    if works.festival:
        resting = set(resolve(calendar, _year(year)).weekend)
        span = [d for d in _span(year) if d.year == year]
        free = tuple(d for d in span if WEEKDAYS[d.weekday()] in resting)
        calendar = calendar.model_copy(update={"holidays": free, "workdays": tuple(d for d in span if d not in free)})
    return np.asarray(np.maximum(1.0, resolve(calendar, _year(year)).days_per_month))


def _year(year: int) -> Horizon:
    return Horizon(start=dt.date(year, 1, 1), end=dt.date(year, 12, 31))


@lru_cache(maxsize=256)
def _usual(country: str | None) -> tuple[str, ...]:
    """The weekend that a calendar has today where none is written."""
    return resolve(_at(country), _year(TODAY)).weekend


def _at(code: str | None) -> Calendar:
    """A country's calendar, or a part's, by the ISO 3166 code."""
    country, _, part = (code or "").partition("-")
    return Calendar(country=country if code is not None else None, subdivision=part or None)


def interval(mean: float, sd: float) -> tuple[float, float, float]:
    """A normal effect with its 95%."""
    return mean, mean - 1.96 * sd, mean + 1.96 * sd


def mostly_assumed(sd: float) -> bool:
    """Whether an elasticity of this sd is more the prior's word than the history's."""
    return sd > TOLD * ELASTICITY_PRIOR[1]


def one_more(elasticity: float) -> float:
    """What a working day more brings a month of ``A_MONTH``, as a share of its leads."""
    return float((1 + 1 / A_MONTH) ** elasticity - 1)


def known_country(code: str) -> str:
    """The code of a country, or of a part of one. Raises Refused, with the nearest that there is."""
    place = _at(code.upper())
    try:
        resolve(place, _year(TODAY))
    except PlanRefused as refused:
        problem = refused.problems[0]
        whole = f"{place.country}-" if problem.path == "calendar.subdivision" else ""
        near = f" Did you mean {whole}{problem.hint}?" if problem.hint else ""
        raise Refused(f"the country {code!r} is not known; expected {problem.expected}.{near}") from None
    country: str = holidays.country_holidays(place.country or code).country  # USA is US
    return f"{country}-{place.subdivision}" if place.subdivision else country


@lru_cache(maxsize=256)
def spring_festival(year: int) -> dt.date | None:
    """The Chinese new year's day, None where the calendar of holidays does not know it."""
    known = holidays.country_holidays("CN", years=year, language="en_US")
    days = sorted(day for day, name in known.items() if "Chinese New Year" in name and "Eve" not in name)
    own = [d for d in days if d.year == year]
    return own[0] if own else None


def _span(year: int) -> list[dt.date]:
    """The festival's days, none where they are not known."""
    day = spring_festival(year)
    return [] if day is None else [day + dt.timedelta(days=k) for k in range(-BEFORE, AFTER + 1)]


def festival_share(months: Sequence[dt.date]) -> NDArray[np.float64]:
    """The part of the festival's days that lies in each month, given by its first day."""
    return np.array([sum((d.year, d.month) == (m.year, m.month) for d in _span(m.year)) / _LENGTH for m in months])
