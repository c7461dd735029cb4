"""Days of a holiday that moves through the calendar: the Spring Festival, which is in January one year, in February the
next.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

import holidays
import numpy as np
from numpy.typing import NDArray

BEFORE, AFTER = 3, 11  # days around the new year's day on which little is begun
_LENGTH = BEFORE + AFTER + 1


@lru_cache(maxsize=256)
def spring_festival(year: int) -> dt.date | None:
    """The Chinese new year's day, None where the calendar of holidays does not know it."""
    known = holidays.country_holidays("CN", years=year, language="en_US")
    days = sorted(day for day, name in known.items() if "Chinese New Year" in name and "Eve" not in name)
    own = [d for d in days if d.year == year]
    return own[0] if own else None


def festival_share(months: list[dt.date]) -> NDArray[np.float64]:
    """The part of the festival's days that lies in each month, given by its first day."""
    out = np.zeros(len(months))
    for i, month in enumerate(months):
        day = spring_festival(month.year)
        if day is None:
            continue
        span = [day + dt.timedelta(days=k) for k in range(-BEFORE, AFTER + 1)]
        out[i] = sum(d.year == month.year and d.month == month.month for d in span) / _LENGTH
    return out
