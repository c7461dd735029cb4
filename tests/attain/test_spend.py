"""Spend by week: read, fitted, forecast, and put into the plan as a source that draws its response."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import numpy as np
import pytest

from attain.calibrate import calibrate
from attain.history import HistoryRefused
from attain.spend import fit_spend, forecast, read_spend
from attain.wording.leftout import unfitted
from engine.fit.response import carried, hill
from engine.plan.load import load_plan
from engine.realise import realise
from engine.world import build
from tests.attain.histories import LAST, as_csv

DATA = Path(os.environ.get("ATTAIN_DATA", Path(__file__).resolve().parents[2].parent / "shared" / "data"))
WEEKS = 104


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history whose leads answer to spend, and the spend."""
    rng, path = np.random.default_rng(2), tmp_path_factory.mktemp("spend")
    spend = 1000 * rng.gamma(2, 0.5, WEEKS)
    mean = 4 + 16 * hill(carried(spend, 0.4), 800, 1.0)
    begin = LAST - dt.timedelta(days=7 * WEEKS - 1)
    rows = [["ID", "Owner", "Status", "Amount", "Created", "Closed"]]
    for week in range(WEEKS):
        for _ in range(rng.poisson(mean[week])):
            created = begin + dt.timedelta(days=7 * week + int(rng.integers(0, 7)))
            closed = created + dt.timedelta(days=int(rng.gamma(4, 8)))
            status = "Open" if closed > LAST else "Won" if rng.random() < 0.4 else "Lost"
            ended = "" if status == "Open" else str(closed)
            rows.append([f"D{len(rows)}", "Ann", status, "1000", str(created), ended])
    (path / "crm.csv").write_text(as_csv(rows), encoding="utf-8")
    weeks = [["week", "spend_web"], *([str(begin + dt.timedelta(days=7 * w)), f"{spend[w]:.0f}"] for w in range(WEEKS))]
    (path / "spend.csv").write_text(as_csv(weeks), encoding="utf-8")
    return path


def test_the_plan_has_a_source_that_answers_to_its_budget(folder: Path) -> None:
    plain = calibrate(folder / "crm.csv", folder / "plain.yaml")
    result = calibrate(folder / "crm.csv", folder / "plan.yaml", spend=folder / "spend.csv")
    found = result.fitted["spend"]["spend_web"]
    middle, low, high = found["leads_per_month"]
    assert low <= 16 * 1000 / 1800 * 30.4375 / 7 * 1.1
    assert 0 < low < middle < high
    plan = load_plan(result.plan).plan
    source = plan.sources["spend_web"]
    assert source.response is not None
    assert source.response.hill is not None
    assert len(source.response.hill.draws) == 32
    assert source.budget == pytest.approx(found["year"], rel=1e-3)
    before = load_plan(plain.plan).plan.sources["market"].leads_per_month
    after = plan.sources["market"].leads_per_month
    assert before is not None
    assert after is not None
    assert after + middle == pytest.approx(before, rel=1e-3)  # the same leads, told apart
    world = build(load_plan(result.plan))
    cells = [c for c, cell in enumerate(world.cells) if cell.line >= 0]
    draws = [realise(world, 0, k).rates[cells].sum() for k in range(200)]
    assert np.std(draws) / np.mean(draws) > 0.1


def test_what_the_table_lacks_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("month,amount\n2024-01-01,5\n", encoding="utf-8")
    with pytest.raises(HistoryRefused, match="columns of spend"):
        read_spend(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("week,spend\n2024-01-01,5\n2024-01-08,5\n2024-03-01,5\n", encoding="utf-8")
    with pytest.raises(HistoryRefused, match="without gaps"):
        read_spend(tmp_path / "b.csv")
    with pytest.raises(HistoryRefused, match="leads or sales"):
        fit_spend(folder / "spend.csv")
    lines = (folder / "spend.csv").read_text(encoding="utf-8").splitlines()[:20]
    (tmp_path / "c.csv").write_text("\n".join(lines), encoding="utf-8")
    found = calibrate(folder / "crm.csv", tmp_path / "p.yaml", spend=tmp_path / "c.csv")  # the rest is fitted
    assert "19 periods; 40 would suffice" in found.fitted["not_fitted"]["spend"]
    assert found.fitted["spend"] is None
    assert "c.csv: response to spend: 19 periods; 40 would suffice" in found.plan.read_text(encoding="utf-8")
    assert unfitted(found.fitted["not_fitted"]["spend"], "zh") == "c.csv：投放响应：现有 19 期；1 个渠道需要 40 期"


@pytest.mark.skipif(
    not (DATA / "mmm_stan" / "data.csv").exists(), reason="mmm_stan is not beside the project (set ATTAIN_DATA)"
)
def test_held_out_half_years_of_sales_beat_the_same_weeks_of_last_year() -> None:
    """Four origins half a year apart; spend and holidays of the weeks forecast are known, their sales are not."""
    table = read_spend(DATA / "mmm_stan" / "data.csv")
    assert table.outcome is not None
    assert len(table.channels) == 10
    ours, last_year = [], []
    for known in (105, 131, 157, 183):
        found = np.median(forecast(table, known, 26), axis=0)
        actual = table.outcome[known : known + 26]
        ours.append(np.mean(np.abs(found - actual)))
        last_year.append(np.mean(np.abs(table.outcome[known - 52 : known - 52 + len(actual)] - actual)))
    assert np.mean(ours) < 0.92 * np.mean(last_year)
