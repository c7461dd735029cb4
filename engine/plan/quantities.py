"""Quantities as planners write them, read into numbers: durations, money, shares, distributions.

First step of the plan's way into the model: ``types`` names these readers as validators, so that ``5 d``,
``5000万`` and ``20%`` mean the same wherever they stand. Nothing here knows the calendar: a duration keeps its
unit until the world is built.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from typing import Any, Literal

Unit = Literal["h", "d", "w", "mo", "cd"]
UNITS: dict[str, Unit] = {
    "h": "h", "hour": "h", "hours": "h", "小时": "h",
    "d": "d", "day": "d", "days": "d", "天": "d", "工作日": "d",
    "w": "w", "week": "w", "weeks": "w", "周": "w",
    "mo": "mo", "month": "mo", "months": "mo", "月": "mo", "个月": "mo",
    "cd": "cd", "自然日": "cd",
}  # fmt: skip
MAGNITUDES = {
    "": 1.0,
    "k": 1e3,
    "K": 1e3,
    "m": 1e6,
    "M": 1e6,
    "千": 1e3,
    "万": 1e4,
    "百万": 1e6,
    "千万": 1e7,
    "亿": 1e8,
}

MOST_DURATION = 1e6

_NUMBER = r"[+-]?(?:\d[\d_,]*)?(?:\.\d+)?(?:[eE][+-]?\d+)?"
_DURATION = re.compile(rf"^\s*({_NUMBER})\s*([A-Za-z一-鿿]+)\s*$")
_AMOUNT = re.compile(rf"^\s*({_NUMBER})\s*(百万|千万|[kKmM千万亿]?)\s*$")
_PERCENT = re.compile(rf"^\s*({_NUMBER})\s*[%％]\s*$")


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time in the unit its author wrote: h, d, w (working time), mo, cd (calendar time)."""

    value: float
    unit: Unit

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit}"


def _finite(text: str) -> float:
    cleaned = text.replace("_", "").replace(",", "")
    if cleaned in ("", "+", "-", "."):
        raise ValueError("a finite number")
    number = float(cleaned)
    if not math.isfinite(number):
        raise ValueError("a finite number")
    return number


def read_duration(value: Any) -> Duration:
    """``5 d`` -> Duration(5.0, 'd'). Zero may stand without a unit. Raises ValueError, with what was expected."""
    if isinstance(value, Duration):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if value == 0:
            return Duration(0.0, "h")
        raise ValueError("a duration with its unit, such as '3 d', '6 h', '2 w', '1 mo' or '30 cd'")
    match = _DURATION.match(value) if isinstance(value, str) else None
    if match is None or match.group(2) not in UNITS:
        raise ValueError("a duration with its unit: h, d, w, mo or cd, such as '3 d'")
    number = _finite(match.group(1))
    if not 0 <= number <= MOST_DURATION:
        raise ValueError(f"a duration of zero or more, of at most {MOST_DURATION:,.0f} of its unit")
    return Duration(number, UNITS[match.group(2)])


def read_money(value: Any) -> float:
    """``5000万`` -> 50000000.0, ``1_000_000``, ``1.2亿``, ``300k``; in the plan's currency's major units."""
    if isinstance(value, bool) or value is None:
        raise ValueError("an amount, such as 5000万, 1.2亿 or 1_000_000")
    if isinstance(value, (int, float)):
        try:
            return read_number(value)
        except ValueError:
            raise ValueError("a finite amount") from None
    if isinstance(value, str):
        match = _AMOUNT.match(value)
        if match is not None and match.group(1):
            return _finite(match.group(1)) * MAGNITUDES[match.group(2)]
    raise ValueError("an amount, such as 5000万, 1.2亿 or 1_000_000")


def read_share(value: Any) -> float:
    """``20%`` -> 0.2; a plain number stays as it is."""
    match = _PERCENT.match(value) if isinstance(value, str) else None
    if match is not None and match.group(1):
        return _finite(match.group(1)) / 100.0
    try:
        return read_number(value)
    except ValueError:
        raise ValueError("a share, such as 0.2 or 20%") from None


def read_probability(value: Any) -> float:
    """A share between 0 and 1."""
    try:
        share = read_share(value)
    except ValueError:
        share = math.nan
    if not 0.0 <= share <= 1.0:
        raise ValueError("a probability between 0 and 1, such as 0.2 or 20%")
    return share


def read_number(value: Any) -> float:
    """A finite number; text that spells one (``1_000``) is read, yes and no are not numbers."""
    if isinstance(value, str) and _AMOUNT.match(value) is not None:
        try:
            return _finite(value.strip())
        except ValueError:
            pass
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            if math.isfinite(value):
                return float(value)
        except OverflowError:
            pass
    raise ValueError("a number (not NaN or infinity)")


def read_count(value: Any) -> int:
    """A whole number."""
    try:
        number = read_number(value)
    except ValueError:
        number = math.nan
    if number != math.floor(number) if math.isfinite(number) else True:
        raise ValueError("a whole number")
    return int(number)


_DATE = re.compile(
    r"^\s*(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?\s*(?:[T ]0?0:00(?::00(?:\.0+)?)?Z?)?\s*$"
)


def read_date(value: Any) -> dt.date:
    """A date, year first: ``2026-01-31``, ``2026/1/31``, ``2026年1月31日``."""
    if isinstance(value, dt.datetime):
        if (value.hour, value.minute, value.second) == (0, 0, 0):
            return value.date()
    elif isinstance(value, dt.date):
        return value
    elif isinstance(value, str):
        match = _DATE.match(value)
        if match is not None:
            try:
                return dt.date(int(match.group(1)), int(match.group(2)), int(match.group(3)))
            except ValueError:
                pass
    raise ValueError("a date that exists, year first, such as 2026-01-31")
