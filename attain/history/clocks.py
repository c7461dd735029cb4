"""Times that say how far they are from UTC: whose day they are of.

Unless told otherwise a time is taken as its clock was written: what a column in +08:00 shows is the day that its users
see, and of a column that changes its offset in summer, too. A column in UTC shows UTC's days. Told where the business
works, all times with an offset are brought to that place's clock; times without one are taken to be of it already.
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Iterable

import polars as pl

from attain.history.quality import Finding
from attain.history.records import HistoryRefused
from attain.wording import Series, told

_OFFSET = r"\d{1,2}[:时]\d{2}[^+\-]*?\s*(Z|UTC|[+-]\d{2}(?::?\d{2})?)$"
_MIDNIGHT = r"(?:^|[T\s])0{1,2}:00(?::00(?:\.0+)?)?\s*(?:Z|UTC|[+-]00(?::?00)?)$"
PLACES = dict.fromkeys(
    ("Beijing", "beijing", "China", "北京", "北京时间", "上海", "中国", "UTC+8", "+08:00", "GMT+8"),
    "Asia/Shanghai",
)
MOST = 6  # offsets that are named


def zone_of(name: str) -> str:
    """An IANA name, as it is spelt. Raises HistoryRefused with the nearest for any other."""
    from zoneinfo import available_timezones

    name = name.strip()
    if not name or _converts(name):
        return name
    known = sorted(zone for zone in available_timezones() if _converts(zone))
    names = {_key(zone): zone for zone in known}
    if _key(name) in names:
        return names[_key(name)]
    cities = {_key(zone.rpartition("/")[2]): zone for zone in sorted(known, key=lambda zone: ("/" in zone, zone))}
    near = difflib.get_close_matches(_key(name), [*names, *cities], n=1, cutoff=0.6)
    nearest = PLACES.get(name) or ((names | cities)[near[0]] if near else "")
    hint = f" (nearest: {nearest})" if nearest else ""
    raise HistoryRefused(f"no time zone is called {name!r}{hint}; a name such as Asia/Shanghai was expected")


def _key(name: str) -> str:
    return name.casefold().replace(" ", "_")


def _converts(name: str) -> bool:
    try:
        pl.Series([dt.datetime(2000, 1, 1)]).dt.replace_time_zone("UTC").dt.convert_time_zone(name)
    except pl.exceptions.PolarsError:
        return False
    return True


def is_utc(zone: str) -> bool:
    """Whether a typed column's zone is UTC by any of its names."""
    return zone.removeprefix("Etc/") in (
        "UTC",
        "UCT",
        "GMT",
        "Universal",
        "Zulu",
        "Greenwich",
        "GMT0",
        "GMT+0",
        "GMT-0",
        "+00:00",
    )


def offsets_of(texts: pl.Series) -> dict[int, int]:
    """How far from UTC a column's times say that they are: minutes -> rows. None of a column of days that are written
    as UTC's midnights."""
    return {} if _days(texts) else dict(_minutes(texts).drop_nulls().value_counts(sort=True).iter_rows())


def in_zone(texts: pl.Series, wall: pl.Series, zone: str) -> pl.Series:
    """Times brought to a zone's clock, where their texts say how far they are from UTC; days stay days."""
    if not zone or _days(texts):
        return wall
    minutes = _minutes(texts).rename("minutes")
    if not minutes.drop_nulls().len():
        return wall
    utc = pl.col("wall") - pl.duration(minutes=pl.col("minutes"))
    local = utc.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.replace_time_zone(None)
    frame = pl.DataFrame([wall.rename("wall"), minutes])
    moved = pl.when(pl.col("minutes").is_not_null()).then(local).otherwise(pl.col("wall"))
    return frame.select(moved.cast(pl.Datetime("us")).alias(wall.name)).to_series()


def _minutes(texts: pl.Series) -> pl.Series:
    said = texts.str.extract(_OFFSET)
    digits = said.str.replace(":", "", literal=True)
    hours, rest = (digits.str.slice(at, 2).cast(pl.Int64, strict=False) for at in (1, 3))
    minutes = hours * 60 + rest.fill_null(0)
    frame = pl.DataFrame([said.rename("said"), minutes.rename("minutes")])
    signed = pl.when(pl.col("said").str.starts_with("-")).then(-pl.col("minutes")).otherwise(pl.col("minutes"))
    return frame.select(
        pl.when(pl.col("said").is_in(["Z", "UTC"])).then(0).otherwise(signed).alias(texts.name)
    ).to_series()


def _days(texts: pl.Series) -> bool:
    said = texts.str.contains(_OFFSET)
    return bool(said.any()) and bool((texts.str.contains(_MIDNIGHT) | ~said).all())


def examine_clocks(columns: Iterable[pl.Series], zone: str) -> tuple[list[Finding], list[str]]:
    """What is to be said of a history's columns of times, by their texts: findings, and notes."""
    found: list[Finding] = []
    for texts in columns:
        offsets = offsets_of(texts)
        shown = Series(tuple(f"{_said(m)} ({n:,})" for m, n in list(offsets.items())[:MOST]))
        values = {"n": f"{sum(offsets.values()):,}", "column": repr(texts.name), "shown": shown, "zone": zone}
        if not offsets or (not zone and len(offsets) == 1 and 0 not in offsets):
            continue
        kind = "told" if zone else "utc" if len(offsets) == 1 else "several"
        found.append(
            Finding(
                "clocks",
                sum(offsets.values()),
                told(f"clocks.{kind}", **values),
                told(f"clocks.{kind}.effect"),
                told(f"clocks.{kind}.done", zone=zone),
            )
        )
    return found, [told("clocks.unused", zone=zone)] if zone and not found else []


def _said(minutes: int) -> str:
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}" if minutes else "UTC"
