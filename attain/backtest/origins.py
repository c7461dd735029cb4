"""Where a back-test stands and how far it looks: origins at ends of months, horizons in months, and how often."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from engine.problems import Refused

HORIZONS = {"month": 1, "quarter": 3, "half": 6}
MOST_FOLDS = 120
FRIDAY = 4
_EVERY = re.compile(r"^\s*(\d{1,2})\s*(mo|q)\s*$")


class BacktestRefused(Refused):
    """The back-test cannot be made; the message says what is missing and what would suffice."""


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month, counted so that months can be subtracted."""

    index: int

    @classmethod
    def of(cls, day: dt.date) -> Month:
        """The month a day is in."""
        return cls(day.year * 12 + day.month - 1)

    @property
    def first(self) -> dt.date:
        return dt.date(self.index // 12, self.index % 12 + 1, 1)

    @property
    def last(self) -> dt.date:
        return (self + 1).first - dt.timedelta(days=1)

    @property
    def label(self) -> str:
        return f"{self.index // 12:04d}-{self.index % 12 + 1:02d}"

    def __add__(self, months: int) -> Month:
        return Month(self.index + months)

    def __sub__(self, other: Month) -> int:
        return self.index - other.index


def over_by(day: dt.date) -> Month:
    """The last month that is over at the end of a day, but for a weekend at its end."""
    last = Month.of(day)
    while day < last.last and (day + dt.timedelta(days=1)).weekday() > FRIDAY:
        day += dt.timedelta(days=1)
    return last if day == last.last else last + -1


def read_every(text: str) -> int:
    """``1mo`` -> 1, ``1q`` -> 3 months between origins. Raises BacktestRefused."""
    match = _EVERY.match(text)
    months = int(match[1]) * (3 if match[2] == "q" else 1) if match else 0
    if not 1 <= months <= 12:
        raise BacktestRefused(f"{text!r} is no step between origins: such as 1mo, 3mo or 1q, a year at most")
    return months


def read_horizons(text: str) -> tuple[str, ...]:
    """``month,quarter`` -> their names, shortest first. Raises BacktestRefused."""
    asked = {part.strip() for part in text.split(",") if part.strip()}
    unknown = sorted(asked - HORIZONS.keys())
    if unknown or not asked:
        raise BacktestRefused(
            f"{', '.join(unknown) or 'nothing'} is no horizon; expected some of {', '.join(HORIZONS)}"
        )
    return tuple(name for name in HORIZONS if name in asked)


def origins(first: Month, last: Month, folds: int, every: int, horizons: tuple[str, ...], before: int) -> list[Month]:
    """The months at whose end forecasts are made, oldest first.

    ``first`` and ``last``: complete months of the history. The latest origin leaves the shortest horizon's months to
    be scored; the earliest has ``before`` months behind it. Raises BacktestRefused where there is none.
    """
    shortest = min(HORIZONS[h] for h in horizons)
    found: list[Month] = []
    at = last + -shortest
    while len(found) < folds and at - first + 1 >= before:
        found.append(at)
        at = at + -every
    if not found:
        raise BacktestRefused(
            f"the history has {last - first + 1} complete months, {first.label} to {last.label}; a back-test needs "
            f"{before + shortest}: {before} to fit on and {shortest} to score"
        )
    return found[::-1]
