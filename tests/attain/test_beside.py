"""Tables beside a history: read in any dress, matched by name, nothing dropped without being named."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from attain.calibrate import CalibrationResult, calibrate
from attain.history import HistoryRefused
from attain.history.beside import read_beside
from attain.history.mapping import read_mapping
from attain.history.matching import match, nearest
from engine.plan.load import load_plan
from engine.plan.types import LoadedPlan
from tests.attain.histories import as_csv, export, log

PEOPLE = """姓名,直属上级,大区,入职日期,离职日期,每周工时,爬坡期(月)
张伟,赵总,华北,2019/3/1,,40,
王芳,赵总,华东,2020/5/6,2024/4/30,36,
李 娜,钱总,华东,2018/1/1,,40,
刘洋,钱总,华北,2024/5/6,,40,3
陈静,钱总,西南,2024/6/1,,40,3
周杰,钱总,华北,2018/6/1,2022/6/1,40,
"""
PRODUCTS = "产品名称,标价,成本\n软件,25万,8万\n服务,20万,10万\n硬件,5万,4万\n"
QUOTAS = "姓名,Q1(万元),Q2(万元),Q3(万元),Q4(万元)\n张伟,300,320,350,400\n李娜,200,250,250,300\n赵云,1,1,1,1\n"


def _accounts() -> str:
    owners = ("张伟", "李娜", "王芳")
    rows = [f"Customer {k},{'制造' if k % 3 else '金融'},{owners[k % 3]}" for k in range(45)]
    return "\n".join(["客户名称,行业,负责人", *rows, "Customer 99,制造,孙七"]) + "\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history without regions in Chinese, and its four tables, each in another encoding."""
    at = tmp_path_factory.mktemp("beside")
    rows = export(800, language="zh")
    place = rows[0].index("区域")
    (at / "deals.csv").write_text(as_csv([r[:place] + r[place + 1 :] for r in rows]), encoding="gb18030")
    (at / "people.csv").write_text(PEOPLE, encoding="gb18030")
    (at / "accounts.csv").write_text(_accounts(), encoding="utf-8-sig")
    (at / "products.csv").write_text(PRODUCTS, encoding="utf-16")
    (at / "quotas.csv").write_text(QUOTAS, encoding="utf-8")
    return at


@pytest.fixture(scope="module")
def fitted(folder: Path) -> CalibrationResult:
    tables = {kind: folder / f"{kind}.csv" for kind in ("people", "accounts", "products", "quotas")}
    return calibrate(folder / "deals.csv", folder / "plan.yaml", "+10%", **tables)  # type: ignore[arg-type]


def test_tables_on_an_earlier_day_are_said_to_be_todays(folder: Path, tmp_path: Path) -> None:
    given = {"people": folder / "people.csv", "as_of": dt.date(2024, 3, 31)}
    found = calibrate(folder / "deals.csv", tmp_path / "then.yaml", "+10%", **given)  # type: ignore[arg-type]
    assert any("people.csv: taken as they are, later days than 2024-03-31 included" in note for note in found.notes)


def test_nothing_is_said_of_days_where_none_was_asked_for(fitted: CalibrationResult) -> None:
    assert not any("taken as they are" in note for note in fitted.notes)


@pytest.fixture(scope="module")
def loaded(fitted: CalibrationResult) -> LoadedPlan:
    return load_plan(fitted.plan)


def test_people_become_reps_with_where_and_when_they_work(loaded: LoadedPlan) -> None:
    reps = {rep.name: rep for rep in loaded.plan.reps}
    assert set(reps) == {"张伟", "王芳", "李娜", "刘洋"}
    assert set(loaded.plan.regions) == {"华北", "华东"}  # the people's, since the history has none
    assert reps["张伟"].region == ("华北",)
    assert reps["王芳"].end == dt.date(2024, 4, 30)
    assert reps["王芳"].hours_per_week == 36
    new = reps["刘洋"]
    assert new.start == dt.date(2024, 5, 6)
    assert new.ramp is not None
    assert str(new.ramp.over) == "3 mo"


def test_one_without_deals_has_the_average_odds_as_unsure_as_people_differ(
    fitted: CalibrationResult, loaded: LoadedPlan
) -> None:
    reps = {rep.name: rep for rep in loaded.plan.reps}
    differ = fitted.fitted["odds"]["spread"]["person"]["opportunity"]
    assert reps["刘洋"].advance_sd["opportunity"] >= differ - 0.006
    assert reps["刘洋"].advance_sd["opportunity"] > max(reps[n].advance_sd["opportunity"] for n in ("张伟", "李娜"))
    shares = loaded.plan.routing.share.cells["华北"]["软件"]
    assert shares["刘洋"] == pytest.approx(shares["张伟"], rel=0.01)  # one of two people there: the average share


def test_quotas_are_spread_over_the_plans_months(loaded: LoadedPlan) -> None:
    reps = {rep.name: rep for rep in loaded.plan.reps}
    quota = reps["张伟"].quota
    assert quota is not None
    # the plan begins in April: Q2, Q3, Q4, then the Q1 that follows
    thirds = [q * 1e4 / 3 for q in (320, 350, 400, 300) for _ in range(3)]
    assert quota.months == pytest.approx(thirds, abs=1)
    assert reps["王芳"].quota is None


def test_accounts_segments_and_prices(fitted: CalibrationResult, loaded: LoadedPlan, folder: Path) -> None:
    assert set(loaded.plan.segments) == {"制造", "金融", "Other"}
    works = {"张伟": "华北", "李娜": "华东", "王芳": "华东"}
    assert loaded.files.accounts
    for account in loaded.files.accounts:
        assert works[account.owner or ""] == account.region
    assert {d.segment for d in loaded.files.pipeline} <= set(loaded.plan.segments)
    rows = export(800, language="zh")[1:]
    recent = [r for r in rows if r[8] > "2023-05-21" or r[6] == "进行中"]
    owner = {a.account: a.owner for a in loaded.files.accounts}
    hits = sum(owner.get(r[1]) == r[4] for r in recent)
    assert loaded.plan.sources["market"].from_accounts == pytest.approx(hits / len(recent), abs=0.0006)
    text = fitted.plan.read_text(encoding="utf-8")
    assert "list price 250_000; cost 80_000" in text
    assert "(products.csv)" in text


def test_names_that_match_nothing_are_listed_with_the_nearest(fitted: CalibrationResult) -> None:
    tables = fitted.as_json()["tables"]
    listed = {(kind, s["name"]): s for kind, t in tables.items() for s in t["unmatched"]}
    assert listed["quotas", "赵云"]["what"].startswith("a quota of nobody")
    assert ("quotas", "王芳") in listed
    assert listed["products", "硬件"]["nearest"] == "软件"
    assert listed["accounts", "孙七"]["what"].startswith("owns accounts")
    assert listed["accounts", "Customer 45"]["deals"] == 16
    assert ("people", "李 娜") not in listed  # another spelling is no stranger
    assert any("李 娜" in note for note in fitted.notes)
    assert "陈静" in fitted.fitted["not_fitted"]["people: 陈静"]
    assert fitted.fitted["gone"] == {"周杰": "2022-06-01"}
    assert "周杰" in fitted.plan.read_text(encoding="utf-8")


def test_the_mapping_is_saved_and_used_again(fitted: CalibrationResult, folder: Path, tmp_path: Path) -> None:
    saved = read_mapping(folder / "plan-mapping.yaml")
    assert saved.tables["people"].columns["region"] == "大区"
    assert saved.tables["people"].dates == {"start": "yyyy/mm/dd", "end": "yyyy/mm/dd"}
    assert saved.tables["quotas"].unit == 10_000
    tables = {kind: folder / f"{kind}.csv" for kind in saved.tables}
    again = calibrate(folder / "deals.csv", tmp_path / "plan.yaml", "+10%", saved, **tables)  # type: ignore[arg-type]
    assert again.plan.read_text(encoding="utf-8") == fitted.plan.read_text(encoding="utf-8")


def test_a_quota_that_does_not_cover_the_year_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "q.csv").write_text(
        "rep,period,quota\n张伟,2024,1200000\n李娜,2024,900000\n李娜,2025,1200000\n", "utf-8"
    )
    found = calibrate(folder / "deals.csv", tmp_path / "p.yaml", "+10%", quotas=tmp_path / "q.csv")
    why = found.fitted["not_fitted"]["quotas: 张伟"]
    assert "9 of the plan's 12 months" in why
    assert "2025-01 to 2025-03" in why
    reps = {rep.name: rep for rep in load_plan(found.plan).plan.reps}
    assert reps["张伟"].quota is None
    quota = reps["李娜"].quota
    assert quota is not None
    assert quota.months == pytest.approx([75_000] * 9 + [100_000] * 3)


def test_a_year_beside_its_months_adds_nothing(folder: Path, tmp_path: Path) -> None:
    months = [100 + 10 * m for m in range(12)]
    head = ",".join(["姓名", "合计", *(f"{m + 1}月" for m in range(12))])
    (tmp_path / "q.csv").write_text(f"{head}\n张伟,{sum(months)},{','.join(map(str, months))}\n", "utf-8")
    found = calibrate(folder / "deals.csv", tmp_path / "p.yaml", "+10%", quotas=tmp_path / "q.csv")
    quota = next(rep.quota for rep in load_plan(found.plan).plan.reps if rep.name == "张伟")
    assert quota is not None
    assert quota.months == pytest.approx(months[3:] + months[:3])
    assert any("another unit" in note for note in found.notes)  # a thousand in place of ten million


def test_what_leavers_sold_is_taken_over_and_an_empty_region_is_refused(folder: Path, tmp_path: Path) -> None:
    gone = PEOPLE.replace("王芳,赵总,华东,2020/5/6,2024/4/30", "王芳,赵总,华东,2020/5/6,2023/4/30")
    (tmp_path / "p.csv").write_text(
        gone.replace("李 娜,钱总,华东,2018/1/1,", "李 娜,钱总,华东,2018/1/1,2023/1/1"), "utf-8"
    )
    with pytest.raises(HistoryRefused, match="nobody in it works in '华东'"):
        calibrate(folder / "deals.csv", tmp_path / "plan.yaml", people=tmp_path / "p.csv")
    assert not (tmp_path / "plan.yaml").exists()


def test_rows_that_cannot_be_read_are_left_out_by_line(tmp_path: Path) -> None:
    rows = ["Sales Agent,Regional Office,Start Date,End Date,Hours per week,Ramp"]
    rows += ["Ann,East,2024-01-05,,40,3 mo", "Bob,East,2024-99-01,,40,", "Cy,West,2024-02-01,2023-01-01,40,"]
    rows += [
        ",West,2024-02-01,,40,",
        "Di,West,2024-02-01,,200,",
        "Ed,West,2024-02-01,,40,3",
        "Ann,West,2024-01-06,,40,",
    ]
    (tmp_path / "team.csv").write_text("\n".join(rows) + "\n", "utf-8")
    read = read_beside("people", tmp_path / "team.csv")
    assert read.frame["name"].to_list() == ["Ann"]
    assert [(r.row, r.reason) for r in read.refused] == [
        (3, "date in another format"),
        (4, "ends before it starts"),
        (5, "no name"),
        (6, "hours not readable"),
        (7, "ramp not readable"),
        (8, "listed twice"),
    ]


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("people", "a,b\n1,2\n", "no column for the person's name"),
        ("people", "Name\nAnn\n", "no column for anything else of people"),
        ("quotas", "Name,Region\nAnn,East\n", "no column for the quota"),
        ("quotas", "Name,2026\nAnn,5\nAnn,6\n", "more than one quota of the same person"),
        ("products", "Product,List price\nERP,many\n", "no row can be used"),
        ("accounts", "", "an empty file"),
        ("accounts", "Account,Owner\n", "no rows below it"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(kind: str, text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text, "utf-8")
    with pytest.raises(HistoryRefused, match=said) as refused:
        read_beside(kind, tmp_path / "t.csv")
    assert str(refused.value).startswith("t.csv")


def test_excel_and_parquet_are_read_alike(tmp_path: Path) -> None:
    frame = pl.DataFrame({"姓名": ["张伟"], "大区": ["华北"], "入职日期": [dt.date(2024, 1, 5)], "每周工时": [40.0]})
    frame.write_parquet(tmp_path / "t.parquet")
    frame.write_excel(tmp_path / "t.xlsx")
    for name in ("t.parquet", "t.xlsx"):
        read = read_beside("people", tmp_path / name).frame
        assert read.row(0) == ("张伟", "华北", dt.date(2024, 1, 5), 40.0)


def test_names_are_matched_but_not_guessed() -> None:
    found = match(["GTX Pro", "gtxpro", "MG Spezial"], ["GTXPro", "MG Special"])
    assert found.of == {"GTX Pro": "GTXPro", "gtxpro": "GTXPro"}
    assert found.unknown == {"MG Spezial": "MG Special"}
    assert nearest("张炜", ["张伟", "李娜"]) == "张伟"
    assert nearest("Xy", ["张伟"]) == ""
    assert nearest("Customer 41", ["Customer 4", "Customr 41"]) == "Customr 41"
    two = match(["ann lee"], ["Ann Lee", "AnnLee"])  # which of the two is not said
    assert not two.of


def test_a_product_with_few_wins_has_its_list_price_times_what_others_came_to(tmp_path: Path) -> None:
    rows = export(800)
    product, status, value = (rows[0].index(c) for c in ("Product", "Status", "Value"))
    rng = np.random.default_rng(0)
    for i, row in enumerate(rows[1:]):
        row[product] = "New" if i % 160 == 0 else ("ERP", "CRM")[i % 2]
        price = {"New": 50_000, "ERP": 9_000, "CRM": 4_000}[row[product]]
        row[value] = str(round(price * float(rng.uniform(0.8, 1.0)), 2))
    (tmp_path / "crm.csv").write_text(as_csv(rows), "utf-8")
    (tmp_path / "p.csv").write_text("Product,List price\nNew,50000\nERP,9000\nCRM,4000\n", "utf-8")
    found = calibrate(tmp_path / "crm.csv", tmp_path / "p.yaml", "+10%", products=tmp_path / "p.csv")
    assert sum(r[product] == "New" and r[status] == "Won" for r in rows) < 10
    # ratios of all won deals: uniform on .8 to 1, .9 on average; 300 of them have a standard error of .0033
    assert found.fitted["products"]["New"]["mean"] == pytest.approx(45_000, rel=4 * 0.0033 / 0.9)
    assert any("its list price is taken" in note for note in found.notes)
    plain = calibrate(tmp_path / "crm.csv", tmp_path / "q.yaml", "+10%")
    assert plain.fitted["products"]["New"]["mean"] < 10_000  # all products' values, without a price


def test_people_of_a_log_of_events(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(as_csv(log(800)), "utf-8")
    (tmp_path / "team.csv").write_text("Name,Office,Start date\nAnn,North,2020-01-01\nbob,South,2020-01-01\n", "utf-8")
    found = calibrate(tmp_path / "log.csv", tmp_path / "p.yaml", "+10%", people=tmp_path / "team.csv")
    plan = load_plan(found.plan).plan
    assert {"North", "South"} <= set(plan.regions)
    assert {r.name: r.region for r in plan.reps}["Bob"] == ("South",)
    assert [s.name for s in found.strangers] == ["Cy"]  # not in the table: a rep from the deals alone


def test_a_history_without_names_takes_the_tables(tmp_path: Path) -> None:
    rows = export(400)
    owner = rows[0].index("Owner")
    (tmp_path / "crm.csv").write_text(as_csv([r[:owner] + r[owner + 1 :] for r in rows]), "utf-8")
    (tmp_path / "team.csv").write_text("Name,Region\nAnn,North\nBob,South\nCy,South\n", "utf-8")
    found = calibrate(tmp_path / "crm.csv", tmp_path / "p.yaml", "+10%", people=tmp_path / "team.csv")
    plan = load_plan(found.plan).plan
    assert {r.name for r in plan.reps} == {"Ann", "Bob", "Cy"}
    assert plan.routing.share.cells["South"]["ERP"] == {"Bob": 1, "Cy": 1}
