"""A plan from a history, whole: it loads, says what it rests on, and its figures are the data's."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest

from attain.calibrate import CalibrationResult, calibrate, read_goal
from attain.history import HistoryRefused
from attain.planfile import name, number
from engine.plan.load import load_plan
from tests.attain.histories import LAST, as_csv, export, log

DATA = Path(os.environ.get("ATTAIN_DATA", Path(__file__).resolve().parents[2].parent / "shared" / "data"))
needs_crm = pytest.mark.skipif(
    not (DATA / "ms_regional_sales" / "crm_opportunities.csv").exists(),
    reason="the Regional Sales sample is not beside the project (set ATTAIN_DATA)",
)
needs_bpic = pytest.mark.skipif(
    not (DATA / "bpic2012" / "events.csv.gz").exists(),
    reason="the BPI 2012 log is not beside the project (set ATTAIN_DATA)",
)


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> CalibrationResult:
    folder = tmp_path_factory.mktemp("en")
    (folder / "crm.csv").write_text(as_csv(export(1500)), encoding="utf-8")
    return calibrate(folder / "crm.csv", folder / "plan.yaml", "+10%")


def test_the_plan_loads_with_what_stands_beside_it(english: CalibrationResult) -> None:
    loaded = load_plan(english.plan)
    plan = loaded.plan
    rows = export(1500)[1:]
    assert plan.horizon.as_of == LAST
    assert (plan.horizon.start.isoformat(), plan.horizon.end.isoformat()) == ("2024-04-01", "2025-03-31")
    assert len(loaded.files.pipeline) == sum(r[6] == "Open" for r in rows)
    won = [r for r in rows if r[6] == "Won" and plan.horizon.start.isoformat() <= r[9]]
    assert len(loaded.files.actuals) == len(won)
    assert sum(a.bookings for a in loaded.files.actuals) == pytest.approx(sum(float(r[7]) for r in won))
    year = [float(r[7]) for r in rows if r[6] == "Won" and "2023-04-01" <= r[9] < "2024-04-01"]
    assert plan.goals["company"].at_least == pytest.approx(1.1 * sum(year), rel=1e-3)
    assert sum(r.quota.year for r in plan.reps if r.quota and r.quota.year) == pytest.approx(1.1 * sum(year), rel=1e-3)
    assert plan.decide is not None
    assert plan.decide.shares is not None
    assert plan.decide.quotas is not None
    assert english.rows == english.used == 1500


def test_the_funnel_is_recovered(english: CalibrationResult) -> None:
    stage = english.fitted["stages"][0]
    assert stage["censored"] == pytest.approx(0.4, abs=0.055)  # sd .0127: 4 sigma
    assert stage["wait"]["0.5"] == pytest.approx(36.7, rel=0.12)  # gamma(4, 10)'s median; sd of it about 3%
    assert stage["wait_lost"]["0.5"] == pytest.approx(18.4, rel=0.12)
    assert english.fitted["leads_per_month"] == pytest.approx(1500 / 720 * 30.4375, rel=0.16)  # 760 leads: sd 3.6%


def test_comments_say_what_numbers_rest_on(english: CalibrationResult) -> None:
    text = english.plan.read_text(encoding="utf-8")
    assert "work: 0 h  # not in the data" in text
    assert "1,500 rows, 1,500 used, 0 left out" in text
    assert "still open (censored)" in text
    assert "1.1 x bookings of 2023-04-01 to 2024-03-31" in text


def test_the_result_prints_as_json(english: CalibrationResult) -> None:
    said = json.loads(json.dumps(english.as_json(), ensure_ascii=False))
    assert {"rows", "used", "refused", "fitted", "mapping"} <= said.keys()


def test_chinese_gbk_in_wan(tmp_path: Path) -> None:
    rows = export(800, language="zh")
    rows[5][8] = "2024/13/45"
    (tmp_path / "商机.csv").write_bytes(as_csv(rows).encode("gbk"))
    result = calibrate(tmp_path / "商机.csv", tmp_path / "计划.yaml", "3000万")
    loaded = load_plan(result.plan)
    assert loaded.plan.currency == "CNY"
    assert loaded.plan.calendar.country == "CN"
    assert loaded.plan.goals["company"].at_least == 30_000_000
    assert {r.name for r in loaded.plan.reps} == {"张伟", "王芳", "李娜"}
    assert [(r.row, r.reason) for r in result.refused] == [(6, "date in another format")]
    mean = np.mean([1e4 * float(r[7]) for r in rows[1:] if r[6] == "赢单"])
    assert np.mean([p["mean"] for p in result.fitted["products"].values()]) == pytest.approx(mean, rel=0.15)


def test_a_saved_mapping_gives_the_same_plan(tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_text(as_csv(export(500)), encoding="utf-8")
    first = calibrate(tmp_path / "crm.csv", tmp_path / "plan.yaml")
    text = first.plan.read_text(encoding="utf-8")
    again = calibrate(tmp_path / "crm.csv", tmp_path / "plan.yaml", mapping=tmp_path / "plan-mapping.yaml")
    assert again.plan.read_text(encoding="utf-8") == text


def test_a_log_makes_a_plan(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(as_csv(log(1500)), encoding="utf-8")
    result = calibrate(tmp_path / "log.csv", tmp_path / "plan.yaml")
    plan = load_plan(result.plan).plan
    assert [s.name for s in plan.stages] == ["asked", "checked", "offered"]
    assert plan.stages[-1].won
    assert plan.goals["company"].metric == "deals_won"  # the log knows no amounts
    assert any("knows no amounts" in n for n in result.notes)


def test_names_of_any_kind_survive(tmp_path: Path) -> None:
    rows = export(400)
    odd = {"Ann": "yes", "Bob": 'O"Neil: #1, {x}', "Cy": "张 伟\t&co"}
    for row in rows[1:]:
        row[4] = odd[row[4]]
        row[3] = {"ERP": "=cmd()", "CRM": "12"}[row[3]]
    with (tmp_path / "crm.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    plan = load_plan(calibrate(tmp_path / "crm.csv", tmp_path / "plan.yaml").plan).plan
    assert {r.name for r in plan.reps} == {"yes", 'O"Neil: #1, {x}', "张 伟 &co"}  # a tab is no part of a name
    assert set(plan.products) == {"=cmd()", "12"}


def test_a_lone_region_gives_way_to_territories_and_many_products_to_categories(tmp_path: Path) -> None:
    rows = export(900)
    rows[0] += ["Territory", "Product Category"]
    for i, row in enumerate(rows[1:]):
        row += [f"T{i % 3}", f"K{i % 4}"]
        row[2], row[3] = "Everywhere", f"P{i % 200}"
    (tmp_path / "crm.csv").write_text(as_csv(rows), encoding="utf-8")
    result = calibrate(tmp_path / "crm.csv", tmp_path / "plan.yaml")
    assert result.fitted["regions"] == ["T0", "T1", "T2"]
    assert sorted(result.fitted["products"]) == ["K0", "K1", "K2", "K3"]
    said = " ".join(result.notes)
    assert "3 territories are taken as regions" in said
    assert "200 products are more than 30" in said


def test_nothing_is_written_when_refused(tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_text("Status,Value\nWon,1\n", encoding="utf-8")
    with pytest.raises(HistoryRefused):
        calibrate(tmp_path / "crm.csv", tmp_path / "plan.yaml")
    with pytest.raises(ValueError, match="neither a change"):
        calibrate(tmp_path / "crm.csv", tmp_path / "plan.yaml", "a lot")
    assert [p.name for p in tmp_path.iterdir()] == ["crm.csv"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+10%", (None, 0.1)),
        ("-5%", (None, -0.05)),
        ("5000万", (5e7, None)),
        ("20_000_000", (2e7, None)),
        (None, (None, 0.1)),
    ],
)
def test_goals(text: str | None, expected: tuple[float | None, float | None]) -> None:
    assert read_goal(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["-100%", "0", "soon", "-3"])
def test_goals_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="goal"):
        read_goal(text)


def test_numbers_are_readable() -> None:
    assert [number(x) for x in (0, 20_734_667.8, 1056.83, 0.0004376, 5.849, 1e-7, 0.5)] == [
        "0", "20_730_000", "1057", "0.0004376", "5.849", "0.0000001", "0.5",
    ]  # fmt: skip
    assert [name(x) for x in ("North", "on", "12", 'a"b', "E-reader pen", "a: b", "张伟")] == [
        "North", '"on"', '"12"', '"a\\"b"', "E-reader pen", '"a: b"', "张伟",
    ]  # fmt: skip


@needs_crm
def test_the_regional_sales_export(tmp_path: Path) -> None:
    result = calibrate(DATA / "ms_regional_sales" / "crm_opportunities.csv", tmp_path / "p.yaml")
    loaded = load_plan(result.plan)
    plan, fitted = loaded.plan, result.fitted
    assert (result.rows, result.used) == (20_000, 20_000)
    assert fitted["as_of"] == "2021-11-09"
    assert fitted["horizon"] == ["2021-10-01", "2022-09-30"]
    assert [s["name"] for s in fitted["stages"]] == ["opportunity"]
    assert "shorter funnel" in " ".join(result.notes)
    assert fitted["regions"] == ["US-MIDWEST", "US-NORTHEAST", "US-SOUTH", "US-WEST"]
    assert (len(plan.products), len(plan.reps), len(loaded.files.pipeline)) == (9, 19, 5333)
    assert fitted["base"]["bookings"] == pytest.approx(18_849_698)
    assert fitted["goal"] == pytest.approx(1.1 * 18_849_698)
    assert fitted["actuals"] == {"deals": 619, "bookings": 3_027_313}
    assert fitted["stages"][0]["censored"] == pytest.approx(0.519, abs=0.0005)


@needs_bpic
def test_the_loan_log(tmp_path: Path) -> None:
    result = calibrate(DATA / "bpic2012" / "events.csv.gz", tmp_path / "p.yaml")
    loaded = load_plan(result.plan)
    fitted = result.fitted
    assert [s["name"] for s in fitted["stages"]] == [
        "A_SUBMITTED",
        "A_PREACCEPTED",
        "A_ACCEPTED",
        "O_SENT",
        "O_SENT_BACK",
    ]
    assert [round(s["raw"], 3) for s in fitted["stages"]] == [0.563, 0.694, 0.981, 0.649, 0.689]
    assert round(fitted["raw"]["end to end"], 3) == 0.172
    assert [round(s["censored"], 3) for s in fitted["stages"][3:]] == [0.664, 0.710]
    for s in fitted["stages"][:3]:
        assert s["censored"] == pytest.approx(s["raw"], abs=0.001)
    assert result.mapping.won[0] == "O_ACCEPTED"
    assert set(result.mapping.lost) == {"A_DECLINED", "A_CANCELLED", "O_DECLINED"}
    assert len(loaded.files.pipeline) == 399
    assert (result.rows, result.used) == (92_093, 92_093)
    wait = fitted["stages"][3]["wait"]
    # offer sent to sent back, of those seen: 6.7 / 9.0 / 13.9 / 20.7 days; open offers censored make it a little longer
    assert [wait[q] for q in ("0.25", "0.5", "0.75", "0.9")] == pytest.approx([6.7, 9.0, 13.9, 20.7], rel=0.03)


def test_a_history_of_three_weeks_says_what_it_is_too_short_for(tmp_path: Path) -> None:
    """No month is complete: the economy is left out by name, and nothing falls over."""
    header, *rows = export(400)
    path = tmp_path / "crm.csv"
    path.write_text(as_csv([header, *rows[-20:]]), encoding="utf-8")
    found = calibrate(path, tmp_path / "p.yaml", goal=1_000_000)
    assert found.fitted["not_fitted"]["economy"] == "common shocks: 0 complete months; 24 would suffice"


def test_deals_that_name_nobody_are_everybodys(tmp_path: Path) -> None:
    rows = export(600)
    for row in rows[1::20]:
        row[2] = row[3] = row[4] = ""  # no region, product and owner
    (tmp_path / "crm.csv").write_text(as_csv(rows), "utf-8")
    found = calibrate(tmp_path / "crm.csv", tmp_path / "plan.yaml")
    plan = load_plan(found.plan).plan
    assert "Other" in plan.regions
    assert all(not rep.region and not rep.products for rep in plan.reps)  # all of them, everywhere
    assert any("nobody works there: everybody takes them" in note for note in found.notes)
