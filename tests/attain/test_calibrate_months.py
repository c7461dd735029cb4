"""From an export to a plan with months, people's waits, a working week, and open deals that know their source."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from attain.calibrate import CalibrationResult, calibrate
from attain.fitted_months import _later
from engine.plan.load import load_plan
from engine.plan.types import LoadedPlan, Uncertain
from engine.world import build

GOOD, BAD = 0.8, 0.2  # odds of winning by month of creation, in turns of three months
SLOW, FAST = 60.0, 20.0  # median days of Ann's deals and of Bob's
FIRST, LAST = dt.date(2023, 1, 1), dt.date(2024, 6, 30)
RESTING = (4, 5)  # Friday and Saturday


def _rows() -> list[list[str]]:
    rng = np.random.default_rng(12)
    rows = [["ID", "Owner", "Product", "Campaign", "Status", "Value", "Created", "Closed"]]
    for i in range(1800):
        created = FIRST + dt.timedelta(days=int(rng.integers(0, (LAST - FIRST).days)))
        owner = ("Ann", "Bob")[int(rng.integers(0, 2))]
        won = rng.random() < (GOOD if (created.month - 1) // 3 % 2 == 0 else BAD)
        took = rng.lognormal(np.log(SLOW if owner == "Ann" else FAST), 0.3)
        closed = created + dt.timedelta(days=round(took))
        while closed.weekday() in RESTING:
            closed += dt.timedelta(days=1)
        status = "Open" if closed > LAST else "Won" if won else "Lost"
        campaign = ("Fair", "Mail", "Web")[int(rng.integers(0, 3))]
        day = "" if status == "Open" else closed.isoformat()
        rows.append([f"d{i}", owner, "X", campaign, status, "1000", created.isoformat(), day])
    return rows


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[CalibrationResult, LoadedPlan]:
    folder = tmp_path_factory.mktemp("months")
    with (folder / "deals.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(_rows())
    found = calibrate(folder / "deals.csv", folder / "plan.yaml", currency="USD", as_of=LAST)
    return found, load_plan(found.plan)


def test_months_are_known_from_the_oldest_open_deal_on(fitted: tuple[CalibrationResult, LoadedPlan]) -> None:
    plan = fitted[1].plan
    months = plan.stages[0].advance_months
    assert months is not None
    assert max(months.known) == "2024-06"
    assert min(months.known) <= "2024-04"
    assert 0.7 < months.sd < 2.5  # logits of .8 and .2 are 2.8 apart: an sd of 1.4
    advance = plan.stages[0].advance
    assert isinstance(advance, Uncertain)
    base = advance.wins / (advance.of - advance.wins)
    march = base * months.known["2024-03"].times if "2024-03" in months.known else GOOD / (1 - GOOD)
    assert march / (1 + march) == pytest.approx(GOOD, abs=0.12)
    april = base * months.known["2024-04"].times
    assert april / (1 + april) == pytest.approx(BAD, abs=0.12)
    assert months.known["2024-06"].sd > months.known["2024-04"].sd  # a month that has hardly ended is known less


def test_people_s_waits_are_told_apart(fitted: tuple[CalibrationResult, LoadedPlan]) -> None:
    ann, bob = (next(rep for rep in fitted[1].plan.reps if rep.name == name) for name in ("Ann", "Bob"))
    assert ann.wait["opportunity"] / bob.wait["opportunity"] == pytest.approx(SLOW / FAST, rel=0.08)
    wait = fitted[1].plan.stages[0].wait
    assert dict(wait.quantiles or ())[0.5].value == pytest.approx(np.sqrt(SLOW * FAST), rel=0.08)


def test_the_working_week_is_the_history_s(fitted: tuple[CalibrationResult, LoadedPlan]) -> None:
    assert set(fitted[1].plan.calendar.weekend) == {"fri", "sat"}


def test_open_deals_know_their_campaign_and_their_month(fitted: tuple[CalibrationResult, LoadedPlan]) -> None:
    loaded = fitted[1]
    assert {deal.source for deal in loaded.files.pipeline} == {"Fair", "Mail", "Web"}
    world = build(loaded)
    created = {row[0]: row[6] for row in _rows()[1:]}
    table = world.months_table
    for name, place in zip(world.open_deals.names, table.began.tolist(), strict=True):
        year, month = divmod(table.first + place, 12)
        assert f"{year:04d}-{month + 1:02d}" == created[name][:7]


def test_too_short_a_history_says_what_would_suffice(tmp_path: Path) -> None:
    kept = [row for row in _rows() if row[6] == "Created" or row[6] < "2023-03-01"]
    with (tmp_path / "deals.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(kept)
    found = calibrate(tmp_path / "deals.csv", tmp_path / "plan.yaml", currency="USD")
    assert any("by month: 2 months have 5 ended deals or more; 3 would suffice" in note for note in found.notes)
    assert load_plan(found.plan).plan.stages[0].advance_months is None


def test_open_deals_of_a_month_came_later_in_it() -> None:
    """Of April's three ended deals the middle is the 4th at noon, of its two open ones the 25th: 21 of 30 days. May's
    are all open, June's all ended: nothing is told apart there."""
    days = [dt.datetime(2026, 4, d) for d in (1, 5, 6, 20, 30)] + [dt.datetime(2026, 5, 3), dt.datetime(2026, 6, 3)]
    ended = np.array([True, True, True, False, False, False, True])
    found = _later(pl.DataFrame({"entered": days}), ended, 2026 * 12 + 3, 3)
    assert found == pytest.approx([(25 - 4) / 30, 0.0, 0.0])


def test_what_moves_odds_from_month_to_month_moves_them_within_one(
    fitted: tuple[CalibrationResult, LoadedPlan],
) -> None:
    """June's few ended deals came early in it, its open ones later: these are less sure by that part of a month's step,
    where people have no months of their own."""
    months = fitted[1].plan.stages[0].advance_months
    assert months is not None
    step = np.mean([sd**2 * (1 - r**2) for sd, r in months.draws])
    rows = [row for row in _rows() if row[6].startswith("2024-06")]
    ended, still = ([int(row[6][8:]) - 0.5 for row in rows if (row[4] != "Open") == end] for end in (True, False))
    assert np.mean(still) - np.mean(ended) > 5
    exact = np.sqrt(step * (np.mean(still) - np.mean(ended)) / 30)
    assert months.known["2024-06"].open_sd == pytest.approx(exact, abs=0.002)


def test_a_silence_is_not_news_of_each_open_deal(tmp_path: Path) -> None:
    """The same history with and without what was recorded in its last three weeks: conversion and months stay near, and
    the silence is told. Without silence nothing is."""
    rows = _rows()
    last = (LAST - dt.timedelta(days=21)).isoformat()
    unheard = [[*r[:4], "Open", *r[5:7], ""] if r[7] > last and r[0] != "ID" else r for r in rows]
    odds = []
    for name, world in (("all", rows), ("silent", unheard)):
        with (tmp_path / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(world)
        found = calibrate(tmp_path / f"{name}.csv", tmp_path / f"{name}.yaml", currency="USD", as_of=LAST)
        assert any("nothing is recorded as ended" in note for note in found.notes) == (name == "silent")
        stage = load_plan(found.plan).plan.stages[0]
        assert isinstance(stage.advance, Uncertain)
        assert stage.advance_months is not None
        may = stage.advance_months.known["2024-05"]
        odds.append(np.log(stage.advance.wins / (stage.advance.of - stage.advance.wins) * may.times))
    assert odds[1] == pytest.approx(odds[0], abs=0.8)
