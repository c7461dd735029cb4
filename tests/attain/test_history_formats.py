"""One history in every format and encoding; systems' exports by their presets; several currencies."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import sqlite3
from pathlib import Path

import polars as pl
import pytest

from attain.calibrate import calibrate
from attain.history import HistoryRefused, read_history, read_mapping, write_mapping
from attain.history.currencies import code, read_rates
from attain.history.presets import PRESETS, preset_of
from attain.history.sheets import SMALL
from engine.plan.load import load_plan
from tests.attain.histories import LAST, as_csv, export, staged


def _rows_of(path: Path, **options: object) -> pl.DataFrame:
    return read_history(path, **options).deals.select("id", "created", "ended", "status", "value", "owner")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pl.DataFrame]:
    path = tmp_path_factory.mktemp("formats") / "crm.csv"
    path.write_text(as_csv(export(400)), encoding="utf-8")
    return path, _rows_of(path)


@pytest.mark.parametrize("suffix", [".parquet", ".xlsx"])
def test_a_table_in_another_format_is_the_same_history(plain: tuple[Path, pl.DataFrame], suffix: str) -> None:
    path, expected = plain
    frame = pl.read_csv(path, try_parse_dates=True)
    other = path.with_suffix(suffix)
    if suffix == ".parquet":
        frame.write_parquet(other)
    else:
        pytest.importorskip("xlsxwriter", reason="writing a spreadsheet needs xlsxwriter")
        pytest.importorskip("fastexcel", reason="reading a spreadsheet needs attain[excel]")
        frame.write_excel(other)
    assert _rows_of(other).equals(expected)


def test_a_database_is_read_by_table_and_by_select(plain: tuple[Path, pl.DataFrame], tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy", reason="a database needs attain[database]")
    path, expected = plain
    header, *rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    with sqlite3.connect(tmp_path / "crm.db") as connection:
        columns = ", ".join(f'"{h}" TEXT' for h in header)
        connection.execute(f"CREATE TABLE deals ({columns})")
        connection.executemany(f"INSERT INTO deals VALUES ({', '.join('?' * len(header))})", rows)
    connection.close()
    address = f"sqlite:///{tmp_path / 'crm.db'}"
    assert _rows_of(address, table="deals").equals(expected)  # type: ignore[arg-type]
    assert _rows_of(address, table="SELECT * FROM deals WHERE Owner = 'Ann'").height < expected.height  # type: ignore[arg-type]
    with pytest.raises(HistoryRefused, match="--table"):
        read_history(address)
    with pytest.raises(HistoryRefused, match="one SELECT"):
        read_history(address, table="deals; DROP TABLE deals")
    with pytest.raises(HistoryRefused, match="cannot be read"):
        read_history("sqlite:////nowhere/at/all.db", table="deals")


def test_a_file_too_large_to_read_row_by_row_is_the_same_history(tmp_path: Path) -> None:
    """Past ``SMALL`` bytes columns are read as wholes: the same deals, the same refusals by the same lines."""
    rows = export(3000)
    rows[7][8], rows[9][7], rows[11][0] = "2024-02-31", "many", ""
    path = tmp_path / "crm.csv"
    path.write_text(as_csv(rows), encoding="utf-8")
    small = read_history(path)
    pad = "x" * (SMALL // len(rows) + 1)
    path.write_text(as_csv([[*row, "Note" if i == 0 else pad] for i, row in enumerate(rows)]), encoding="utf-8")
    assert path.stat().st_size > SMALL
    large = read_history(path)
    assert large.deals.equals(small.deals)
    assert [(r.row, r.why) for r in large.refused] == [(r.row, r.why) for r in small.refused]
    assert {r.row for r in large.refused} == {8, 10, 12}
    path.write_text(path.read_text(encoding="utf-8") + "a,row,that,is,short\n", encoding="utf-8")
    with pytest.raises(HistoryRefused, match="row 3002: expected 12 cells"):
        read_history(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "big5"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    rows = export(300, language="zh")
    if encoding == "big5":  # has traditional characters only
        traditional = str.maketrans(
            "额编号户称区产负责阶态创时关闭预计华东张伟软务赢单输进机状间",
            "額編號戶稱區產負責階態創時關閉預計華東張偉軟務贏單輸進機狀間",
        )
        rows = [[cell.translate(traditional) for cell in row] for row in rows]
    (tmp_path / "a.csv").write_bytes(as_csv(rows).encode(encoding))
    assert read_history(tmp_path / "a.csv").used == 300


def test_latin_1_names(tmp_path: Path) -> None:
    rows = export(300)
    for row in rows[1:]:
        row[4] = {"Ann": "Zoë", "Bob": "Jürgen", "Cy": "Renée"}[row[4]]
    (tmp_path / "a.csv").write_bytes(as_csv(rows).encode("latin-1"))
    assert set(read_history(tmp_path / "a.csv").deals["owner"]) == {"Zoë", "Jürgen", "Renée"}


# --- systems ----------------------------------------------------------------------------------------------------------

SALESFORCE = ["Opportunity ID", "Opportunity Owner", "Stage", "Amount", "Close Date", "Created Date", "Lead Source"]
HUBSPOT = ["Record ID", "Deal owner", "Deal Stage", "Amount", "Close Date", "Create Date", "Original Source Type"]
DYNAMICS = [
    "Topic",
    "Owner",
    "Status",
    "Actual Revenue",
    "Actual Close Date",
    "Created On",
    "Est. Revenue",
    "Est. Close Date",
]
JIANDAOYUN = ["商机编号", "销售负责人", "商机状态", "成交金额（万元）", "成交日期", "提交时间", "预计成交日期"]


def _as(system: str) -> list[list[str]]:
    """The made-up export as a system would write it."""
    head = {"salesforce": SALESFORCE, "hubspot": HUBSPOT, "dynamics": DYNAMICS, "jiandaoyun": JIANDAOYUN}[system]
    out = [head]
    for row in export(400)[1:]:
        number, owner, status, value, created, closed, expected = (
            row[0],
            row[4],
            row[6],
            row[7],
            row[8],
            row[9],
            row[10],
        )
        stage = {"Won": "Closed Won", "Lost": "Closed Lost", "Open": "Negotiation"}[status]
        if system in ("salesforce", "hubspot"):  # the close date of an open deal is the expected one
            out.append([number, owner, stage, value, closed or expected, created, "Web"])
        elif system == "dynamics":
            won = status == "Won"
            out.append([number, owner, status, value if won else "", closed, created, value, expected])
        else:
            made, ended = (f"{d[:4]}年{int(d[5:7])}月{int(d[8:])}日" if d else "" for d in (created, closed))
            word = {"Won": "已赢单", "Lost": "已输单", "Open": "跟进中"}[status]
            due = f"{expected[:4]}年{int(expected[5:7])}月{int(expected[8:])}日" if expected else ""
            out.append([number, "张伟", word, f"{float(value) / 1e4:.6f}", ended, made, due])
    return out


@pytest.mark.parametrize("system", ["salesforce", "hubspot", "dynamics", "jiandaoyun"])
def test_a_system_is_known_by_its_headers_and_reads_as_any_export(tmp_path: Path, system: str) -> None:
    (tmp_path / "plain.csv").write_text(as_csv(export(400)), encoding="utf-8")
    (tmp_path / "own.csv").write_text(as_csv(_as(system)), encoding="utf-8-sig")
    plain, own = read_history(tmp_path / "plain.csv"), read_history(tmp_path / "own.csv")
    assert own.mapping.preset == system
    assert own.used == 400
    for field in ("created", "ended", "status", "expected"):
        assert own.deals[field].to_list() == plain.deals[field].to_list(), field
    assert own.deals["value"].to_list() == pytest.approx(plain.deals["value"].to_list())
    saved = tmp_path / "mapping.yaml"
    saved.write_text(write_mapping(own.mapping), encoding="utf-8")
    assert read_history(tmp_path / "own.csv", mapping=read_mapping(saved)).deals.equals(own.deals)


def test_flags_say_what_words_do_not(tmp_path: Path) -> None:
    rows = [["Id", "StageName", "Amount", "CloseDate", "CreatedDate", "IsWon", "IsClosed", "OwnerId"]]
    for row in export(300)[1:]:
        flags = {"Won": ["true", "true"], "Lost": ["false", "true"], "Open": ["false", "false"]}[row[6]]
        rows.append([row[0], "Phase 7", row[7], row[9] or row[10], row[8], *flags, row[4]])
    (tmp_path / "sf.csv").write_text(as_csv(rows), encoding="utf-8")
    history = read_history(tmp_path / "sf.csv")
    wanted = [r[6].lower() for r in export(300)[1:]]
    assert sum(s == "won" for s in history.deals["status"]) == wanted.count("won")
    assert history.mapping.columns["is_won"] == "IsWon"


def test_every_preset_knows_itself() -> None:
    for preset in PRESETS:
        for mark in preset.marks:
            found = preset_of(sorted(mark))
            assert found is not None
            assert found.name == preset.name


def test_a_history_of_stages_with_returns(tmp_path: Path) -> None:
    """Deals skip stages, go back, and come back from a loss: the furthest stage counts, from its first day."""
    rows = [["OpportunityId", "StageName", "CreatedDate", "Amount"]]

    def deal(name: str, *steps: tuple[str, int]) -> None:
        rows.extend([name, stage, f"{dt.date(2024, 1, 1) + dt.timedelta(days=day)}", "100"] for stage, day in steps)

    for k in range(30):
        deal(f"a{k}", ("Qualify", 0), ("Propose", 5), ("Closed Won", 12))
        deal(f"b{k}", ("Qualify", 1), ("Propose", 4), ("Qualify", 6), ("Propose", 10), ("Closed Lost", 30))
        deal(f"c{k}", ("Qualify", 2), ("Closed Lost", 9), ("Propose", 20), ("Closed Won", 25))
        deal(f"d{k}", ("Qualify", 3), ("Closed Won", 11))
    (tmp_path / "history.csv").write_text(as_csv(rows), encoding="utf-8")
    history = read_history(tmp_path / "history.csv")
    assert history.stages == ("Qualify", "Propose")
    assert dict(history.deals["status"].value_counts().iter_rows()) == {"won": 90, "lost": 30}
    second = history.visits.filter(pl.col("stage") == 1)
    assert (second["outcome"] == 1).sum() == 90
    assert (second["outcome"] == 2).sum() == 30
    assert sorted(set(second.filter(pl.col("outcome") == 2)["days"])) == [
        26.0
    ]  # from the first coming, returns and all
    propose = history.rework[1]
    assert (propose.entered, propose.visits, propose.ended, propose.back) == (90, 120, 120, 30)
    result = calibrate(tmp_path / "history.csv", tmp_path / "p.yaml")
    assert "30 of 120 visits went back" in result.plan.read_text(encoding="utf-8")
    assert load_plan(result.plan).plan.stages[1].name == "Propose"


# --- currencies -------------------------------------------------------------------------------------------------------


def _in_two(tmp_path: Path) -> Path:
    rows = export(300)
    rows[0].append("Currency")
    for i, row in enumerate(rows[1:]):
        row.append("EUR" if i % 3 == 0 else "美元")
        if i % 3 == 0:
            row[7] = f"{float(row[7]) / 1.1:.6f}"
    (tmp_path / "crm.csv").write_text(as_csv(rows), encoding="utf-8")
    return tmp_path / "crm.csv"


def test_two_currencies_without_rates_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(HistoryRefused, match=r"2 currencies \(USD: 200 deals, EUR: 100 deals\).*--rates"):
        read_history(_in_two(tmp_path))


def test_rates_bring_them_to_one(tmp_path: Path) -> None:
    path = _in_two(tmp_path)
    (tmp_path / "rates.csv").write_text("币种,汇率,日期\nEUR,2.2,2030-01-01\nEUR,1.1,2000-01-01\n", encoding="utf-8")
    result = calibrate(path, tmp_path / "p.yaml", currency="USD", rates=tmp_path / "rates.csv")
    (tmp_path / "plain.csv").write_text(as_csv(export(300)), encoding="utf-8")
    plain = calibrate(tmp_path / "plain.csv", tmp_path / "q.yaml", currency="USD")
    assert result.fitted["base"]["bookings"] == pytest.approx(plain.fitted["base"]["bookings"], rel=1e-6)
    assert [f.kind for f in result.quality if f.kind == "currencies"] == ["currencies"]
    (tmp_path / "rates.csv").write_text("currency,rate\nGBP,1.3\n", encoding="utf-8")
    with pytest.raises(HistoryRefused, match="no rate for EUR"):
        read_history(path, rates=read_rates(tmp_path / "rates.csv", "USD"))


def test_codes() -> None:
    assert [code(t) for t in ("人民币", "RMB", "US Dollar", "eur", "港币")] == ["CNY", "CNY", "USD", "EUR", "HKD"]


# --- the data-quality report ------------------------------------------------------------------------------------------


def test_oddities_are_found_said_and_treated(tmp_path: Path) -> None:
    rows = export(900)
    clean_up = (LAST - dt.timedelta(days=30)).isoformat()
    stamped = [r for r in rows[1:] if r[6] == "Lost" and r[8] < (LAST - dt.timedelta(days=200)).isoformat()][:80]
    for row in stamped:
        row[9] = clean_up
    for row in rows[1:40]:
        row[3] = {"ERP": "erp ", "CRM": "CRM"}[row[3]]
    won = next(r for r in rows[1:] if r[6] == "Won")
    won[7] = "90000000"
    backwards = next(r for r in rows[1:] if r[6] == "Won" and r is not won)
    backwards[8], backwards[9] = backwards[9], "2020-01-01"
    rows.append([*rows[50][:0], "D99999", *rows[50][1:]])
    (tmp_path / "crm.csv").write_text(as_csv(rows), encoding="utf-8")
    history = read_history(tmp_path / "crm.csv")
    kinds = {f.kind: f for f in history.findings}
    assert kinds["bulk closings"].count >= 80
    assert kinds["spelling"].what.startswith("product: 1 names")
    assert kinds["twins"].count == 1
    assert kinds["outliers"].count == 1
    assert kinds["cut quarter"].count > 0
    assert set(history.deals["product"]) == {"ERP", "CRM"}
    assert "closed before it was created" in {r.reason for r in history.refused}
    waits = calibrate(tmp_path / "crm.csv", tmp_path / "p.yaml").fitted["stages"][0]["wait_lost"]
    assert waits["0.9"] < 60  # gamma(4, 5)'s is 33; with the clean-up's dates it would be hundreds
    for finding in history.findings:
        assert finding.effect
        assert finding.done


def test_imports_are_no_leads(tmp_path: Path) -> None:
    rows = export(900)
    day = (LAST - dt.timedelta(days=400)).isoformat()
    for row in rows[1:200]:
        row[8] = day
        row[9] = row[9] and max(row[9], day)
    (tmp_path / "crm.csv").write_text(as_csv(rows), encoding="utf-8")
    result = calibrate(tmp_path / "crm.csv", tmp_path / "p.yaml")
    assert "bulk creations" in {f.kind for f in result.quality}
    assert result.fitted["leads_per_month"] < 60  # 700 in 23 months, not those and a peak of 200


def test_a_funnel_of_stages_is_not_spoiled(tmp_path: Path) -> None:
    rows, advance = staged(3000)
    (tmp_path / "crm.csv").write_text(as_csv(rows), encoding="utf-8")
    fitted = calibrate(tmp_path / "crm.csv", tmp_path / "p.yaml").fitted
    for stage, p in zip(fitted["stages"], advance, strict=True):
        assert stage["wins"] / stage["of"] == pytest.approx(p, abs=0.08)


@pytest.mark.parametrize("cells", ["USD {:.2f} EUR {:.2f}", "${:,.2f} €{:,.2f}"])
def test_currencies_in_the_cells_are_not_added_up(tmp_path: Path, cells: str) -> None:
    """As Salesforce's reports write amounts of several currencies, and as people do."""
    rows = export(300)
    forms = re.findall(r"\S*?\s?\{.*?\}", cells)
    for i, row in enumerate(rows[1:]):
        row[7] = '"' + forms[i % 2].strip().format(float(row[7])) + '"'
    (tmp_path / "crm.csv").write_text(as_csv(rows), encoding="utf-8")
    with pytest.raises(HistoryRefused, match=r"2 currencies .*EUR: 150 deals.*--rates"):
        read_history(tmp_path / "crm.csv")
    (tmp_path / "rates.csv").write_text("currency;rate\nEUR;2,000\n", encoding="utf-8")
    read = read_history(tmp_path / "crm.csv", rates=read_rates(tmp_path / "rates.csv", "USD"))
    plain = [float(r[7]) * (2 if i % 2 else 1) for i, r in enumerate(export(300)[1:])]
    assert read.deals["value"].to_list() == pytest.approx(plain, abs=0.02)


def test_decimal_commas_are_read_saved_and_asked_for(tmp_path: Path) -> None:
    rows = export(300)
    for row in rows[1:]:
        row[7] = f"{float(row[7]):,.2f}".translate(str.maketrans(",.", ".,"))
    path = tmp_path / "crm.csv"
    path.write_text("\n".join(";".join(row) for row in rows), encoding="utf-8")
    history = read_history(path)
    assert history.deals["value"].to_list() == pytest.approx([float(r[7]) for r in export(300)[1:]], abs=0.006)
    assert history.mapping.decimal == ","
    saved = tmp_path / "m.yaml"
    saved.write_text(write_mapping(history.mapping), encoding="utf-8")
    assert read_history(path, mapping=read_mapping(saved)).deals.equals(history.deals)
    for row in rows[1:]:
        row[7] = "1.500"
    path.write_text("\n".join(";".join(row) for row in rows), encoding="utf-8")
    with pytest.raises(HistoryRefused, match=r"could be 1500 or 1\.5"):
        read_history(path)
    mapping = read_mapping(saved)
    assert read_history(path, mapping=mapping).deals["value"].to_list() == [1500.0] * 300


FXIAOKE = [
    "商机2.0名称",
    "负责人",
    "商机阶段",
    "商机金额(元)",
    "实际成交日期",
    "创建时间",
    "预计成交日期",
    "阶段变更时间",
]
XIAOSHOUYI = ["销售机会名称", "销售机会所有人", "销售阶段", "销售金额", "结单日期", "创建日期", "状态", "所属部门"]


def _chinese(system: str) -> list[list[str]]:
    out = [FXIAOKE if system == "fxiaoke" else XIAOSHOUYI]
    for row in export(400)[1:]:
        number, owner, status, value, created, closed, expected = row[0], row[4], *row[6:8], *row[8:11]
        stage = {"Won": "赢单", "Lost": "输单", "Open": "方案报价"}[status]
        if system == "fxiaoke":  # of a deal lost only the change of its stage has a date
            won = status == "Won"
            out.append(
                [number, owner, stage, f"￥{value}", closed if won else "", created, expected, closed or created]
            )
        else:
            word = {"Won": "已赢单", "Lost": "已输单", "Open": "进行中"}[status]
            out.append([number, owner, stage, value, closed or expected, created, word, "华北"])
    return out


@pytest.mark.parametrize("system", ["fxiaoke", "xiaoshouyi"])
def test_chinese_systems(tmp_path: Path, system: str) -> None:
    (tmp_path / "own.csv").write_bytes(as_csv(_chinese(system)).encode("gbk"))
    own = read_history(tmp_path / "own.csv")
    (tmp_path / "plain.csv").write_text(as_csv(export(400)), encoding="utf-8")
    plain = read_history(tmp_path / "plain.csv")
    assert own.mapping.preset == system
    assert own.used == 400
    for field in ("created", "ended", "status", "owner", "expected"):
        assert own.deals[field].to_list() == plain.deals[field].to_list(), field
    if system == "fxiaoke":
        lost = int((plain.deals["status"] == "lost").sum())
        assert {f.kind: f.count for f in own.findings}["no closing date"] == lost
        day = LAST - dt.timedelta(days=200)
        cut, known = (read_history(tmp_path / f"{name}.csv", as_of=day).deals for name in ("own", "plain"))
        assert cut["status"].to_list() == known["status"].to_list()


def test_losses_without_a_date_are_no_reason_to_believe_the_wins(tmp_path: Path) -> None:
    rows = export(300)
    for row in rows[1:]:
        row[9] = "" if row[6] == "Lost" else row[9]
    (tmp_path / "crm.csv").write_text(as_csv(rows), encoding="utf-8")
    with pytest.raises(
        HistoryRefused, match=r"deals that were lost have no closing date in 'Closed On'.*would suffice"
    ):
        read_history(tmp_path / "crm.csv")


def test_the_numbers_of_dynamics_are_its_words(tmp_path: Path) -> None:
    rows = [["name", "ownerid", "statecode", "actualvalue", "actualclosedate", "createdon", "estimatedclosedate"]]
    for row in export(300)[1:]:
        code = {"Open": "0", "Won": "1", "Lost": "2"}[row[6]]
        rows.append([row[0], row[4], code, row[7], row[9] and f"{row[9]}T00:00:00Z", f"{row[8]}T00:00:00Z", row[10]])
    (tmp_path / "d.csv").write_text(as_csv(rows), encoding="utf-8")
    history = read_history(tmp_path / "d.csv")
    assert history.mapping.preset == "dynamics"
    assert (history.mapping.open, history.mapping.won, history.mapping.lost) == (("0",), ("1",), ("2",))
    assert (history.deals["status"] == "won").sum() == sum(r[6] == "Won" for r in export(300))
