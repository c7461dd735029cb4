"""Times that say how far they are from UTC: as their users saw them, or brought to where the business works."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from attain.history import History, HistoryRefused, read_history, read_mapping, write_mapping
from attain.history.cells import MANY, date_column
from attain.history.clocks import zone_of
from tests.attain.cli_runs import Attain
from tests.attain.histories import as_csv

Rows = list[list[str]]
T = dt.datetime


def _times(*texts: str, zone: str = "") -> list[Any]:
    return date_column(pl.Series("t", texts), "t", zone=zone).values.to_list()


def test_a_time_is_what_its_clock_showed() -> None:
    assert _times("2026-01-05T00:00:00+08:00", "2026-01-31 23:30:00+0800") == [T(2026, 1, 5), T(2026, 1, 31, 23, 30)]
    assert _times("2026-01-05T00:00:00+08:00")[0].isoweekday() == 1  # a Monday, which in UTC is a Sunday
    assert _times("2026-03-28T12:00:00+01:00", "2026-03-30T12:00:00+02:00") == [T(2026, 3, 28, 12), T(2026, 3, 30, 12)]
    assert _times("05/01/2026 9:15 PM -05:00", "17/01/2026 9:15 AM -05:00") == [
        T(2026, 1, 5, 21, 15),
        T(2026, 1, 17, 9, 15),
    ]
    assert _times("2026-01-05T23:30:00Z") == [T(2026, 1, 5, 23, 30)]


# by hand: Shanghai is 8 hours before UTC all year; New York 5 behind it, and 4 from 2026-03-08 07:00 UTC on
@pytest.mark.parametrize(
    ("text", "zone", "local"),
    [
        ("2025-12-31T16:00:00Z", "Asia/Shanghai", T(2026, 1, 1)),
        ("2025-12-31T15:59:59.500+00:00", "Asia/Shanghai", T(2025, 12, 31, 23, 59, 59, 500_000)),
        ("2026-01-05T00:00:00+08:00", "Asia/Shanghai", T(2026, 1, 5)),
        ("2026-01-05T00:00:00+08:00", "America/New_York", T(2026, 1, 4, 11)),
        ("2026-03-08T06:59:00Z", "America/New_York", T(2026, 3, 8, 1, 59)),
        ("2026-03-08T07:00:00Z", "America/New_York", T(2026, 3, 8, 3)),
        ("2026-01-31 16:30:00 UTC", "Asia/Shanghai", T(2026, 2, 1, 0, 30)),
        ("2026年1月31日 16:30Z", "Asia/Shanghai", T(2026, 2, 1, 0, 30)),
        ("2026-01-31 4:30 PM +00:00", "Asia/Shanghai", T(2026, 2, 1, 0, 30)),
        ("2026-01-05 00:30:00.25+08", "Asia/Shanghai", T(2026, 1, 5, 0, 30, 0, 250_000)),
        ("2026-01-05 00:30:00-05", "Asia/Shanghai", T(2026, 1, 5, 13, 30)),
        ("2026-01-05 00:30:00+05:30", "UTC", T(2026, 1, 4, 19)),
        ("2026-01-05 10:00", "Asia/Shanghai", T(2026, 1, 5, 10)),  # without an offset it is that place's already
        ("2026-01-05", "America/New_York", T(2026, 1, 5)),
    ],
)
def test_times_with_an_offset_are_brought_to_a_zone_s_clock(text: str, zone: str, local: dt.datetime) -> None:
    assert _times(text, zone=zone) == [local]


def test_days_written_as_midnights_in_utc_stay_days() -> None:
    days = ("2026-01-05T00:00:00Z", "2026-01-06T00:00:00.000Z", "")
    assert _times(*days, zone="America/New_York") == [T(2026, 1, 5), T(2026, 1, 6), None]
    times = ("2026-01-05T00:00:00Z", "2026-01-06T14:05:00.000Z")
    assert _times(*times, zone="America/New_York") == [T(2026, 1, 4, 19), T(2026, 1, 6, 9, 5)]


def test_many_times_are_read_as_few_are() -> None:
    first = T(2025, 10, 1)
    whole = [first + dt.timedelta(minutes=17 * i) for i in range(MANY + 5)]
    texts = [f"{t:%Y-%m-%dT%H:%M:%S}{('Z', '+08:00', '-0500', '+08')[i % 4]}" for i, t in enumerate(whole)]
    for zone in ("", "Asia/Shanghai"):
        assert _times(*texts, zone=zone)[:300] == _times(*texts[:300], zone=zone)
    assert _times(*texts) == whole


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("Asia/Shangai", "Asia/Shanghai"),
        ("Shanghai", "Asia/Shanghai"),
        ("北京", "Asia/Shanghai"),
        ("New York", "America/New_York"),
        ("Europe/Berln", "Europe/Berlin"),
    ],
)
def test_a_zone_that_is_none_is_refused_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(HistoryRefused, match=rf"no time zone is called '{name}' \(nearest: {nearest}\)"):
        zone_of(name)
    assert zone_of("asia/shanghai") == "Asia/Shanghai"
    with pytest.raises(HistoryRefused, match=r"is called 'qqq'; a name such as Asia/Shanghai was expected"):
        zone_of("qqq")


def _log(offset: str, hour: int) -> Rows:
    """Deals that are created at an hour, one a day, won or lost two days later."""
    rows = [["OpportunityId", "StageName", "CreatedDate"]]
    for i in range(90):
        at = T(2026, 1, 1, hour, 30) + dt.timedelta(days=i)
        for k, stage in enumerate(("Qualify", "Closed Won" if i % 2 else "Closed Lost")):
            rows.append([f"D{i:02d}", stage, f"{at + dt.timedelta(days=2 * k):%Y-%m-%dT%H:%M:%S}{offset}"])
    return rows


def _read(folder: Path, rows: Rows, **options: Any) -> History:
    (folder / "h.csv").write_text(as_csv(rows), encoding="utf-8")
    return read_history(folder / "h.csv", **options)


def _clocks(history: History) -> list[str]:
    return [str(f.what) for f in history.findings if f.kind == "clocks"]


def test_deals_stay_in_the_month_in_which_they_were_made(tmp_path: Path) -> None:
    local = _read(tmp_path, _log("+08:00", 0))  # half past midnight, in UTC the day before
    assert local.deals["created"].dt.month().to_list()[0] == 1
    assert local.as_of == dt.date(2026, 4, 2)
    assert _clocks(local) == []  # what its users saw
    utc = _read(tmp_path, _log("Z", 16))
    assert utc.as_of == dt.date(2026, 4, 2)
    assert _clocks(utc) == ["column 'CreatedDate' holds 180 times in UTC"]
    asked = _read(tmp_path, _log("Z", 16), timezone="Asia/Shanghai")
    assert asked.as_of == dt.date(2026, 4, 3)
    assert _clocks(asked) == ["column 'CreatedDate' holds 180 times that say how far they are from UTC: UTC (180)"]
    assert asked.deals["created"].to_list() == [t + dt.timedelta(days=1) for t in local.deals["created"]]


def test_the_as_of_day_is_the_zone_s(tmp_path: Path) -> None:
    rows, day = _log("Z", 16), dt.date(2026, 1, 31)
    plain = _read(tmp_path, rows, as_of=day)
    asked = _read(tmp_path, rows, as_of=day, timezone="Asia/Shanghai")
    assert plain.deals.height == 31
    assert asked.deals.height == 30  # the last was made on 31 January, 16:30 in UTC: on 1 February in Shanghai


def test_summer_time_is_as_written_and_said(tmp_path: Path) -> None:
    rows = [[i, s, t + ("+01:00" if t < "2026-03-29T02" else "+02:00")] for i, s, t in _log("", 0)]
    rows[0][2] = "CreatedDate"
    found = _read(tmp_path, rows)
    assert found.deals["created"].dt.hour().unique().to_list() == [0]
    assert _clocks(found) == [
        "column 'CreatedDate' holds 180 times with several distances from UTC: +01:00 (174), +02:00 (6)"
    ]
    berlin = _read(tmp_path, rows, timezone="Europe/Berlin")
    assert berlin.deals["created"].equals(found.deals["created"])
    assert berlin.visits.equals(found.visits)


def test_an_export_s_columns_are_read_so_too(tmp_path: Path) -> None:
    rows = [["Opportunity ID", "Status", "Value", "Created On", "Closed On"]]
    for i in range(60):
        at = T(2026, 1, 1, 17) + dt.timedelta(days=i)
        rows.append([f"D{i}", "Won" if i % 2 else "Lost", "10", f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{at:%Y-%m-%dT%H:%M:%SZ}"])
    found = _read(tmp_path, rows, timezone="Asia/Shanghai")
    assert found.deals["created"][0] == T(2026, 1, 2, 1)
    assert len(_clocks(found)) == 2
    assert found.mapping.timezone == "Asia/Shanghai"
    (tmp_path / "m.yaml").write_text(write_mapping(found.mapping), encoding="utf-8")
    again = _read(tmp_path, rows, mapping=read_mapping(tmp_path / "m.yaml"))
    assert again.deals.equals(found.deals)
    other = _read(tmp_path, rows, mapping=found.mapping, timezone="Europe/Berlin")
    assert other.deals["created"][0] == T(2026, 1, 1, 18)
    bare = [[cell.removesuffix("Z") for cell in row] for row in rows]
    assert any(
        "no time says how far from UTC it is" in n for n in _read(tmp_path, bare, timezone="Asia/Shanghai").notes
    )


def test_typed_times_of_a_zone_are_its_clock_s(tmp_path: Path) -> None:
    rows = _log("Z", 16)
    utc = pl.DataFrame(rows[1:], schema=rows[0], orient="row").with_columns(
        pl.col("CreatedDate").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC")
    )
    local = utc.with_columns(pl.col("CreatedDate").dt.convert_time_zone("Asia/Shanghai"))
    utc.write_parquet(tmp_path / "utc.parquet")
    local.write_parquet(tmp_path / "local.parquet")
    text = _read(tmp_path, rows, timezone="Asia/Shanghai").deals
    assert read_history(tmp_path / "local.parquet").deals.equals(text)
    assert read_history(tmp_path / "utc.parquet", timezone="Asia/Shanghai").deals.equals(text)
    assert read_history(tmp_path / "local.parquet", timezone="UTC").deals.equals(_read(tmp_path, rows).deals)
    plain = read_history(tmp_path / "utc.parquet")
    assert plain.deals.equals(_read(tmp_path, rows).deals)
    assert _clocks(plain) == ["column 'CreatedDate' holds 180 times in UTC"]


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    attain = Attain(capsys)
    (tmp_path / "h.csv").write_text(as_csv(_log("Z", 16)), encoding="utf-8")
    asked = ("calibrate", tmp_path / "h.csv", "--goal", "10", "--out", tmp_path / "p.yaml")
    refused = attain(*asked, "--timezone", "Asia/Shangai", "--language", "zh")
    assert refused.code == 1
    assert "没有名为 'Asia/Shangai' 的时区（最接近：Asia/Shanghai）" in refused.err
    assert attain(*asked, "--timezone", "Asia/Shanghai", "--json").document["mapping"]["timezone"] == "Asia/Shanghai"
    again = attain(*asked, "--mapping", tmp_path / "p-mapping.yaml", "--force", "--json").document
    assert again["fitted"]["as_of"] == "2026-04-03"
