"""Effort from capacity: known work is found where people are busy, and refused where nothing can tell."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from attain.effort import effort_from_capacity
from attain.history import read_history
from tests.attain.histories import as_csv, export


def _busy(path: Path, work: tuple[float, float], seed: int = 0) -> Path:
    """Two stages; each month a rep's 120 hours are filled with visits of either kind in a mix of the month's own."""
    rng = np.random.default_rng(seed)
    rows, case = [["OpportunityId", "StageName", "CreatedDate", "Opportunity Owner"]], 0
    for rep in ("Ann", "Bob", "Cy"):
        for m in range(18):
            begin, hours, second = dt.datetime(2023 + m // 12, m % 12 + 1, 1), 0.0, rng.random()
            while hours < 120:
                case += 1
                day = begin + dt.timedelta(hours=float(rng.integers(0, 27 * 24)))
                rows.append([f"D{case}", "A", f"{day:%Y-%m-%d %H:%M:%S}", rep])
                hours += work[0]
                on = rng.random() < second
                if on:
                    rows.append([f"D{case}", "B", f"{day + dt.timedelta(days=3):%Y-%m-%d %H:%M:%S}", rep])
                    hours += work[1]
                end = "Closed Won" if on and rng.random() < 0.5 else "Closed Lost"
                rows.append([f"D{case}", end, f"{day + dt.timedelta(days=6):%Y-%m-%d %H:%M:%S}", rep])
    path.write_text(as_csv(rows), encoding="utf-8")
    return path


def test_the_work_that_fills_the_hours_is_found(tmp_path: Path) -> None:
    history = read_history(_busy(tmp_path / "h.csv", (3.0, 8.0)))
    first, second = effort_from_capacity(history, 120 / (30.4375 / 7))
    # a month overshoots by half a visit: 2 or 3 in 120; and visits are of the month in which a stage was entered
    assert first.hours == pytest.approx(3.0, rel=0.2)
    assert second.hours == pytest.approx(8.0, rel=0.2)
    assert first.low < first.hours < first.high


def test_what_cannot_be_told_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_text(as_csv(export(60)), encoding="utf-8")
    with pytest.raises(ValueError, match="hours_per_week"):
        effort_from_capacity(read_history(tmp_path / "crm.csv"), 0)
    rows = [[c for i, c in enumerate(r) if i != 4] for r in export(60)]
    (tmp_path / "crm.csv").write_text(as_csv(rows), encoding="utf-8")
    with pytest.raises(ValueError, match="effort by stage: the history names nobody"):
        effort_from_capacity(read_history(tmp_path / "crm.csv"), 30)
