"""The whole back-test: on histories that attain itself made it covers nominally; its document, screen and page."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from attain.backtest import Backtest, BacktestRefused, aside, backtest, document, run, scores
from attain.backtest import baselines as used
from attain.backtest.origins import Month, origins, read_every, read_horizons
from attain.backtest.verdict import verdict
from attain.history import HistoryRefused
from attain.report.backtested import render
from attain.screens.backtest import Said, screen, verdict_lines
from tests.attain.cli_runs import Attain
from tests.attain.histories import as_csv, log
from tests.attain.simulated_histories import simulated
from tests.oracles.power import SIGMAS


def _written(folder: Path, seed: int, name: str = "crm.csv") -> Path:
    path = folder / name
    path.write_text(as_csv(simulated(seed)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Backtest:
    path = _written(tmp_path_factory.mktemp("history"), 0, "历史 [bold].csv")
    return backtest(path, folds=4, n=100, seed=1, learn=3, library=False)


@pytest.fixture(scope="module")
def told(found: Backtest) -> dict[str, Any]:
    return document(found)


# --- coverage ---------------------------------------------------------------------------------------------------------


def _hits(folder: Path, seeds: range, folds: int, horizons: str) -> dict[tuple[str, str], list[float]]:
    """Share covered by 80% intervals in each fold of each history: what is independent enough to have an error."""
    hits: dict[tuple[str, str], list[float]] = {}
    for seed in seeds:
        made = backtest(
            _written(folder, seed), folds=folds, every="3mo", horizons=horizons, n=80, seed=seed, learn=0,
            library=False,
        )  # fmt: skip
        cells = made.scored.cells.filter(made.scored.cells["method"] == "attain")
        for (measure, horizon, _), part in cells.group_by("measure", "horizon", "fold", maintain_order=True):
            held = scores.covered(part["low"].to_numpy(), part["high"].to_numpy(), 0.8)
            hits.setdefault((str(measure), str(horizon)), []).append(float(held.mean()))
    return hits


def _nominal(hits: dict[tuple[str, str], list[float]], grace: float, widest: float) -> None:
    for values in hits.values():
        error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
        assert abs(float(np.mean(values)) - 0.8) <= SIGMAS * error + grace
        assert error < widest


def test_a_history_that_attain_made_is_covered_nominally(tmp_path: Path) -> None:
    _nominal(_hits(tmp_path, range(2, 4), 5, "month"), 0.0, 0.1)


@pytest.mark.long
def test_many_histories_that_attain_made_are_covered_nominally(tmp_path: Path) -> None:
    # how leads and mixes are known is not drawn, which costs the quarter a point or two: two points' grace
    _nominal(_hits(tmp_path, range(10, 34), 5, "month,quarter"), 0.02, 0.025)


# --- what is compared -------------------------------------------------------------------------------------------------


def test_methods_are_scored_on_the_same_cells(found: Backtest, told: dict[str, Any]) -> None:
    assert {"attain", "recalibrated", "last_period", "last_year", "weighted_pipeline", "manager"} <= set(found.methods)
    assert set(told["absent"]) == {"auto_ets", "auto_arima"}
    by = {(r["level"], r["measure"], r["horizon"], r["method"]): r for r in told["crps"]}
    for (level, measure, horizon, _), row in by.items():
        own = by[level, measure, horizon, "attain"]
        assert row["cells"] <= own["cells"]
        if row["cells"] == own["cells"]:
            assert row["ours"] == own["crps"]
    company = found.scored.cells.filter(found.scored.cells["level"] == "company")
    for level in ("region", "product", "rep"):  # every deal is somebody's, somewhere
        part = found.scored.cells.filter(found.scored.cells["level"] == level)
        for column in ("actual", "mean"):
            sums = [
                frame.filter((frame["method"] == "attain") & (frame["measure"] == "deals_won"))[column].sum()
                for frame in (company, part)
            ]
            assert sums[0] == pytest.approx(sums[1])


def test_a_steady_business_is_forecast_better_than_by_any_baseline(told: dict[str, Any]) -> None:
    assert min(told["overall"]["attain"].values()) > 0.1
    judged = verdict(told)
    assert judged.groups == len([r for r in told["skill"] if r["method"] == "attain"]) == 16
    assert set(told) >= {"folds", "coverage", "crps", "skill"}  # what the command line promises
    assert [f["origin"] for f in told["folds"]] == ["2023-08-31", "2023-09-30", "2023-10-31", "2023-11-30"]
    assert [len(f["horizons"]) for f in told["folds"]] == [2, 2, 1, 1]


@pytest.mark.parametrize(
    ("covered", "raw", "said"),
    [
        (0.9, 0.79, "As fitted, intervals can be trusted"),
        (0.9, 0.4, "as fitted, it was 40%."),
        (0.8, 0.79, "as fitted, it was 79%."),
    ],
)
def test_intervals_that_were_right_before_they_were_corrected_are_said_to_be(
    told: dict[str, Any], covered: float, raw: float, said: str
) -> None:
    found = replace(verdict(told), method="recalibrated", covered=covered, holds=covered == 0.8, raw=raw)
    assert said in verdict_lines(found, Said("en"))[0]


def _covered(horizon: str, method: str, covered: float, cells: int) -> dict[str, Any]:
    return {
        "level": "all", "measure": "bookings", "horizon": horizon, "method": method, "interval": 0.8,
        "covered": covered, "cells": cells,
    }  # fmt: skip


def test_a_longer_horizon_that_does_not_hold_is_told_of(told: dict[str, Any]) -> None:
    """By itself, whether it is judged (the quarter) or has too few cells for that (the half-year)."""
    rows = [_covered("month", "attain", 0.81, 900), _covered("quarter", "attain", 0.58, 300),
            _covered("half", "attain", 0.1, 90), _covered("half", "recalibrated", 0.97, 90)]  # fmt: skip
    found = verdict(told | {"coverage": rows[:3]})
    assert found.holds
    assert found.horizons == ("month", "quarter")
    lines = verdict_lines(found, Said("en"))
    assert "held only 58% over the next quarter and 10% over the next half-year." in lines[1]
    assert "too little of what can happen to its quarters and its year." in lines[2]
    assert "未来一个季度 58%和未来半年 10%" in verdict_lines(found, Said("zh"))[1]
    lines = verdict_lines(verdict(told | {"coverage": rows}), Said("en"))
    assert any("10% over the next half-year (97% recalibrated)" in line for line in lines)
    alone = verdict(told | {"coverage": rows[1:2]})
    assert not any("As fitted" in line for line in verdict_lines(alone, Said("en")))  # the first line says it


def test_the_same_seed_gives_the_same_scores(tmp_path: Path) -> None:
    path = _written(tmp_path, 5)
    a, b, c = (
        document(backtest(path, folds=1, horizons="month", n=40, seed=s, learn=0, library=False)) for s in (7, 7, 8)
    )
    assert a["crps"] == b["crps"]
    assert a["crps"] != c["crps"]


def test_later_rows_change_nothing_that_was_forecast(tmp_path: Path) -> None:
    rows = simulated(6)
    last = "2023-11-30"  # the origin; in another world everything then open is won in December, for a fortune
    told = [[*r[:4], "Won", "999999", r[6], "2023-12-20"] if not r[7] or r[7] > last else r for r in rows[1:]]
    told = [r for r in told if r[6] <= last] + [["new", *rows[1][1:4], "Open", "1", "2023-12-31", ""]]
    means = []
    for name, world in (("a.csv", rows), ("b.csv", [rows[0], *told])):
        (tmp_path / name).write_text(as_csv(world), encoding="utf-8")
        made = backtest(tmp_path / name, folds=1, horizons="month", n=40, seed=1, learn=0, library=False)
        cells = made.scored.cells.filter((pl.col("method") == "attain") & (pl.col("measure") == "deals_won"))
        means.append(cells.sort("level", "name")["mean"].to_list())
    assert means[0] == means[1]


# --- baselines --------------------------------------------------------------------------------------------------------


def test_baselines_by_hand() -> None:
    table = np.arange(1.0, 19.0)[None, :]  # 1, 2, ..., 18 a month
    assert used.rolling(table, 3)[0, -1] == 16 + 17 + 18
    last = used.last_period(table, 3)
    assert last is not None
    assert np.allclose(last, 51 + 9)  # every quarter was nine more than the one before
    year = used.last_year(table, 3)
    assert year is not None
    assert np.allclose(year, 7 + 8 + 9 + 36)
    mean = used.moving_average(table, 1)
    assert mean is not None
    assert np.allclose(mean, 15.5 + 3.5)
    assert used.last_year(table[:, :11], 1) is None
    assert used.moving_average(table[:, :5], 1) is None
    first = used.last_period(table[:, :2], 1)
    assert first is not None
    assert np.ptp(first) == 0.0  # one error is no spread


def test_pipelines_by_hand() -> None:
    value, odds = np.array([100.0, 50.0, 10.0]), np.array([0.5, 0.2, 0.9])
    found = used.pipelines(value, odds, np.array([0, 1, -1]), 2)
    assert found["weighted_pipeline"].tolist() == [[0.5, 50.0], [0.2, 10.0]]
    assert found["manager"] == pytest.approx(np.array([[1 / 3, 100 / 3], [1 / 3, 50 / 3]]))


@pytest.mark.skipif(not used.available(), reason="statsforecast is not installed (extra 'forecasts')")
def test_the_library_s_months_add_up() -> None:
    rng = np.random.default_rng(0)
    table = np.vstack([np.full(20, 7.0), 50 + np.cumsum(rng.standard_normal(20))])
    for name in used.LIBRARY:
        found = used.library(name, table, (1, 3))
        one, three = found[1], found[3]
        assert one is not None
        assert three is not None
        assert np.allclose(one[0], 7.0)
        assert np.allclose(three[0], 21.0)
        assert np.ptp(three[1]) > np.ptp(one[1]) > 0


@pytest.mark.skipif(not used.available(), reason="statsforecast is not installed (extra 'forecasts')")
def test_the_library_is_asked_for_no_fewer_months_than_it_can_fit() -> None:
    table = np.random.default_rng(1).uniform(1.0, 9.0, (2, used.FITTED))
    for name in used.LIBRARY:
        assert used.library(name, table[:, 1:], (1,)) == {1: None}
        found = used.library(name, table, (1,))[1]
        assert found is not None
        assert np.isfinite(found).all()


def test_origins_are_the_same_wherever_they_are_forecast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def made() -> Backtest:
        return backtest(path, folds=2, horizons="month", n=20, seed=1, learn=0, library=False)

    path = _written(tmp_path, 0)
    monkeypatch.setattr(run, "WORTH", float("inf"))
    here = made()
    monkeypatch.setattr(run, "WORTH", -1.0)
    monkeypatch.setattr(aside, "_cores", lambda: 2)
    apart = made()
    assert apart.scored.cells.equals(here.scored.cells)
    assert apart.scored.attainments.equals(here.scored.attainments)


# --- origins ----------------------------------------------------------------------------------------------------------


def test_origins_leave_the_shortest_horizon_to_be_scored() -> None:
    first, last = Month.of(dt.date(2022, 1, 1)), Month.of(dt.date(2022, 12, 31))
    found = origins(first, last, 3, 2, ("month", "half"), 3)
    assert [m.label for m in found] == ["2022-07", "2022-09", "2022-11"]
    assert found[0].last == dt.date(2022, 7, 31)
    assert [m.label for m in origins(first, last, 99, 1, ("half",), 5)] == ["2022-05", "2022-06"]
    with pytest.raises(BacktestRefused, match="has 12 complete months, 2022-01 to 2022-12; a back-test needs 14"):
        origins(first, last, 1, 1, ("month",), 13)


@pytest.mark.parametrize(("text", "months"), [("1mo", 1), ("1q", 3), (" 6mo ", 6)])
def test_steps_between_origins(text: str, months: int) -> None:
    assert read_every(text) == months


@pytest.mark.parametrize("text", ["", "0mo", "13mo", "1w", "mo"])
def test_steps_that_are_none(text: str) -> None:
    with pytest.raises(BacktestRefused, match="no step between origins"):
        read_every(text)


def test_horizons_come_in_order() -> None:
    assert read_horizons("half, month") == ("month", "half")
    with pytest.raises(BacktestRefused, match="week is no horizon"):
        read_horizons("month,week")


# --- what people see --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "said"), [("en", "Back-test of 历史 [bold].csv"), ("zh", "历史 [bold].csv 的回测")]
)
def test_the_screen_says_it(told: dict[str, Any], language: Any, said: str) -> None:
    out = io.StringIO()
    Console(file=out, width=110, highlight=False).print(screen(told, language))
    text = out.getvalue()
    assert said in text
    assert "AutoARIMA" in text
    assert "%" in text
    flat = " ".join(text.split())
    assert ("an 80% coverage to ±5 points" in flat) if language == "en" else ("80% 覆盖率" in flat)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_stands_alone_and_is_escaped(told: dict[str, Any], language: Any) -> None:
    page = render({**told, "history": "<script>x</script>"}, language)
    assert "<script" not in page
    assert "&lt;script&gt;x" in page
    assert page.count("<svg") >= 2
    assert "http" not in page.replace("http://www.w3.org", "").replace("http-equiv", "")


def test_a_log_s_stages_are_held_out(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(as_csv(log(1500)), encoding="utf-8")
    told = document(backtest(path, folds=1, horizons="month", n=60, seed=2, learn=0, library=False))
    rows = told["stages"]
    assert {r["stage"] for r in rows} == {"asked", "checked", "offered"}
    assert {r["figure"] for r in rows} == {"conversion", "days_half", "days_three_quarters"}
    assert sum(r["within_wide"] for r in rows) >= len(rows) - 3  # nominally eight in ten, widened more


# --- the command line -------------------------------------------------------------------------------------------------


def test_the_verb_prints_one_document_and_leaves_its_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    attain = Attain(capsys)
    path = _written(tmp_path, 3)
    out = tmp_path / "judged"
    said = attain(
        "backtest", path, "--folds", "1", "--horizons", "month", "-n", "40", "--seed", "1", "--learn", "0",
        "--no-library", "--out", out, "--json",
    )  # fmt: skip
    assert said.code == 0
    assert not said.err
    assert {"folds", "coverage", "crps", "skill"} <= set(said.document)
    assert sorted(p.name for p in out.iterdir()) == ["backtest.html", "backtest.json", "cells.csv"]
    assert json.loads((out / "backtest.json").read_text(encoding="utf-8"))["crps"] == said.document["crps"]


def test_currencies_and_databases_are_back_tested_as_they_are_fitted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sqlalchemy", reason="a database needs attain[database]")
    attain = Attain(capsys)
    header, *rows = list(csv.reader(io.StringIO(_written(tmp_path, 3).read_text(encoding="utf-8"))))
    with sqlite3.connect(tmp_path / "crm.db") as connection:
        connection.execute(f"CREATE TABLE deals ({', '.join(f'{name!r} TEXT' for name in (*header, 'Currency'))})")
        more = ([*row, "EUR" if i % 2 else "USD"] for i, row in enumerate(rows))
        connection.executemany(f"INSERT INTO deals VALUES ({', '.join('?' * (len(header) + 1))})", more)
    connection.close()
    (tmp_path / "rates.csv").write_text("currency,rate\nEUR,1\n", encoding="utf-8")
    short = ("--folds", "1", "--horizons", "month", "-n", "40", "--seed", "1", "--learn", "0", "--no-library", "--json")
    address = f"sqlite:///{tmp_path / 'crm.db'}"
    assert "2 currencies" in attain("backtest", address, "--table", "deals", *short).document["error"]
    rates = ("--currency", "USD", "--rates", tmp_path / "rates.csv")
    said = attain("backtest", address, "--table", "deals", *rates, *short).document
    assert said["crps"] == attain("backtest", tmp_path / "crm.csv", *short).document["crps"]


def test_what_cannot_be_back_tested_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = simulated(4)
    short = [r for r in rows if r[0] == "ID" or r[6] < "2022-03-15"]
    path = tmp_path / "short.csv"
    path.write_text(
        as_csv([r if r[7] < "2022-03-31" or r[0] == "ID" else [*r[:4], "Open", *r[5:7], ""] for r in short])
    )
    said = Attain(capsys)("backtest", path, "--json")
    assert said.code == 1
    assert "complete month" in said.document["error"]
    with pytest.raises(HistoryRefused, match="no such file"):
        backtest(tmp_path / "none.csv")


def test_what_was_learnt_is_saved_and_recalibrates_the_plan_beside_its_own_figures(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """From the command line: a back-test's file, and a plan fitted to the same history."""
    attain, path = Attain(capsys), _written(tmp_path, 0)
    said = attain("backtest", path, "--folds", "6", "--learn", "7", "-n", "60", "--seed", "1", "--no-library",
                  "--horizons", "month", "--save", tmp_path / "recal.json")  # fmt: skip
    assert said.code == 0, said.err
    kept = json.loads((tmp_path / "recal.json").read_text(encoding="utf-8"))
    assert {g["level"] for g in kept["groups"]} >= {"company", "region"}
    assert attain("calibrate", path, "--out", tmp_path / "plan.yaml").code == 0
    run = ("simulate", tmp_path / "plan.yaml", "-n", "200", "--seed", "1", "--json")
    plain = attain(*run).document
    beside = attain(*run, "--recalibrate", tmp_path / "recal.json").document
    assert beside["digest"] == plain["digest"]
    assert beside["goals"] == plain["goals"]  # never in their place
    rows = {(r["goal"], r["measure"]): r for r in beside["recalibrated"]["rows"]}
    assert rows["company", "bookings"]["recalibrated"] is None
    assert rows["company", "bookings"]["why"]
    month = rows[None, "bookings"]
    assert month["horizon"] == "month"
    assert month["origins"] == 13
    assert month["recalibrated"]["p10"] != month["model"]["p10"]
    for language, words in (("en", "Recalibrated by the back-test"), ("zh", "重新校准")):
        shown = attain(*run[:-1], "--recalibrate", tmp_path / "recal.json", "--language", language)
        assert words in shown.out
