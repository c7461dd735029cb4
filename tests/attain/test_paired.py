"""A log of stages and the table of its deals as one history: nothing of either is lost, made up, or known too early."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from attain.backtest import backtest
from attain.backtest.source import Source
from attain.fitted import fit
from attain.history import History, HistoryRefused, read_history, read_mapping, write_mapping
from attain.history.deals import deal_keys
from tests.attain.cli_runs import Attain
from tests.attain.histories import as_csv
from tests.attain.pairs import DAY, EVENTS, OWN, TABLE, WAY, in_chinese, moved, read_pair, write_pair
from tests.attain.simulated_histories import DEALS, SERVES, with_check


def _found(history: History) -> dict[str, int]:
    return {f.kind: f.count for f in history.findings}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> History:
    return read_pair(tmp_path_factory.mktemp("both"), EVENTS, TABLE)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> History:
    path = tmp_path_factory.mktemp("alone") / "log.csv"
    path.write_text(as_csv(EVENTS), encoding="utf-8")
    return read_history(path)


def test_the_way_is_the_log_s_and_the_rest_the_table_s(both: History, alone: History) -> None:
    assert both.stages == alone.stages == ("Qualify", "Propose", "Negotiate")
    assert both.visits.drop("person").equals(alone.visits.drop("person"))
    assert both.deals.select(WAY).equals(alone.deals.select(WAY))
    assert alone.deals["owner"].null_count() == alone.deals.height
    table = {with_check(row[0]): row for row in TABLE[1:]}
    columns = {"owner": "Opportunity Owner", "account": "Account Name", "product": "Type", "region": "Territory",
               "source": "Lead Source"}  # fmt: skip
    for field, column in columns.items():
        assert both.deals[field].to_list() == [table[i][OWN[column]] for i in both.deals["id"]]
    assert both.deals["value"].to_list() == [float(table[i][OWN["Amount"]]) for i in both.deals["id"]]
    assert both.visits["person"].to_list() == both.deals["owner"].gather(both.visits["deal"]).to_list()
    assert both.paired is not None
    assert (both.paired.matched, both.paired.only_log, both.paired.only_deals) == (len(TABLE) - 1, 0, 0)
    assert both.paired.conflicts == {}


def test_the_fit_is_the_log_s_and_people_appear(both: History, alone: History) -> None:
    joint, single = fit(both), fit(alone, 1e6)
    for mine, other in zip(joint.stages, single.stages, strict=True):
        assert mine.conversion.raw == other.conversion.raw
        assert mine.conversion.probability == pytest.approx(other.conversion.probability, abs=0.01)
        halves = [(stage.seen or stage.waits).advance for stage in (mine, other)]
        assert halves[0] is not None
        assert halves[1] is not None
        assert halves[0].quantile(0.5) == pytest.approx(halves[1].quantile(0.5), rel=0.03)
    odds = {r.name: r.advance["Propose"] for r in joint.reps}
    assert odds.keys() == SERVES.keys()
    # Dee's odds at Propose are 3 times the others'; fitted with a standard error of their logarithm of .22 from her 200
    # deals there, and pulled toward the others': four of them below 3 is still above 1.2
    assert odds["Dee"] > 1.2 * max(m for name, m in odds.items() if name != "Dee")
    assert joint.regions == ("North", "South")
    assert set(joint.products) == {"CRM", "ERP"}
    assert {f.name for f in joint.flows} == {"Fair", "Web"}
    assert joint.valued
    assert not single.valued


def test_which_file_is_which_does_not_matter(tmp_path: Path, both: History) -> None:
    log, deals = write_pair(tmp_path, EVENTS, TABLE)
    turned = read_history(deals, deals=log)
    assert turned.deals.equals(both.deals)
    assert turned.visits.equals(both.visits)
    assert (
        turned.notes[0]
        == "the first file is the table of deals, and a.csv is the log: taken as attain calibrate a.csv --deals b.csv"
    )
    mapped = read_history(deals, deals=log, mapping=both.mapping)  # the log's columns tell
    assert mapped.visits.equals(both.visits)
    own = read_history(deals).mapping  # of the table as it is read alone
    assert read_history(log, deals=deals, mapping=own).deals.equals(both.deals)


def test_two_tables_of_a_database_and_two_sheets_of_a_workbook(tmp_path: Path, both: History) -> None:
    sqlalchemy, xlsx = pytest.importorskip("sqlalchemy"), pytest.importorskip("xlsxwriter")
    frames = {"history": EVENTS, "deals": TABLE}
    tables = {name: pl.DataFrame(rows[1:], schema=rows[0], orient="row") for name, rows in frames.items()}
    address = f"sqlite:///{tmp_path / 'crm.db'}"
    engine = sqlalchemy.create_engine(address)
    with engine.begin() as connection:
        for name, frame in tables.items():
            columns = ", ".join(f"[{c}] TEXT" for c in frame.columns)
            connection.exec_driver_sql(f"CREATE TABLE {name} ({columns})")
            marks = ", ".join("?" * frame.width)
            connection.exec_driver_sql(f"INSERT INTO {name} VALUES ({marks})", frame.rows())
    assert read_history(address, table="history", deals="deals").deals.equals(both.deals)
    with xlsx.Workbook(str(tmp_path / "crm.xlsx")) as book:
        for name, frame in tables.items():
            frame.write_excel(book, worksheet=name)
    assert read_history(tmp_path / "crm.xlsx", table="history", deals="deals").deals.equals(both.deals)
    with pytest.raises(HistoryRefused, match=r"^--deals: a file was expected, or"):
        read_history(tmp_path / "crm.xlsx", table="history", deals=address)


def test_salesforce_s_two_ways_to_write_a_number_are_one() -> None:
    ids = [
        "0015000000Gv7qJ",
        "0015000000Gv7qJAAR",
        "0015000000gv7qJAAR",
        "001D000000IRFmaIAH",
        "D-17",
        "123456789012345678",
    ]
    assert deal_keys(pl.Series(ids)).to_list() == [ids[0], ids[0], ids[2], "001D000000IRFma", "D-17", ids[5]]


def test_a_log_of_changes_alone_has_its_first_stage_from_the_table(tmp_path: Path, both: History) -> None:
    found = read_pair(tmp_path, moved(EVENTS), in_chinese(TABLE))
    assert found.mapping.preset == "fxiaoke-history"
    assert found.mapping.deals is not None
    assert found.mapping.deals.preset == "fxiaoke"
    assert found.stages == ("1.初步接洽", "2.方案报价", "3.商务谈判")
    way = ["id", "entered", "days", "outcome"]
    one, other = (
        h.visits.with_columns(h.deals["id"].gather(h.visits["deal"])).sort("id", "stage").select("stage", *way)
        for h in (found, both)
    )
    # what is open is open until the table's last day here, and until the log's last event there
    assert one.drop("days").equals(other.drop("days"))
    assert (one["days"] - other["days"]).abs().max() < 1.0  # type: ignore[operator]
    unmoved = sum(stage == "Qualify" for *_, stage in TABLE[1:])
    assert _found(found)["never moved"] == unmoved > 5
    assert set(found.deals["owner"]) == set(SERVES)  # not who made the entry


def test_what_the_log_leaves_open_ends_as_the_table_says(tmp_path: Path, both: History) -> None:
    log = [row for row in EVENTS if row[1] not in ("Closed Won", "Closed Lost")]
    found = read_pair(tmp_path, log, TABLE)
    assert found.deals["status"].to_list() == both.deals["status"].to_list()
    late = (found.deals["ended"] - both.deals["ended"]).abs().max()
    assert isinstance(late, dt.timedelta)
    assert late < dt.timedelta(days=1)  # a day without a clock
    assert found.stages == both.stages
    ended = both.deals.filter(pl.col("status").is_in(["won", "lost"])).height
    assert _found(found)["left open by the log"] == ended
    assert found.mapping.won == ("Won",)
    log_file, deals_file = tmp_path / "a.csv", tmp_path / "b.csv"
    again = read_history(log_file, deals=deals_file, mapping=found.mapping)
    assert again.visits.equals(found.visits)


def test_deals_that_only_the_table_has_count_where_they_can(tmp_path: Path, both: History) -> None:
    late = {row[0] for row in EVENTS[1:] if row[1] == "Qualify" and row[2][:10] > "2022-06-30"}
    kept = [EVENTS[0], *(row for row in EVENTS[1:] if row[0] in late)]
    (tmp_path / "log.csv").write_text(as_csv(kept), encoding="utf-8")
    found, log = read_pair(tmp_path, kept, TABLE), read_history(tmp_path / "log.csv")
    assert found.visits.drop("person").equals(log.visits.drop("person"))
    assert found.deals.height == both.deals.height
    assert found.deals.filter(pl.col("status") == "won").height == both.deals.filter(pl.col("status") == "won").height
    assert found.deals["value"].sum() == pytest.approx(both.deals["value"].sum())
    only = _found(found)["only in the deals' table"]
    assert only == len(TABLE) - 1 - len(late)
    said = next(f for f in found.findings if f.kind == "only in the deals' table")
    assert f"{only:,} created before the log begins" in said.what
    days = [h.deals["created"].dt.date().sort() for h in (found, both)]
    assert days[0].equals(days[1])  # lead flow is that of all deals


def test_who_writes_into_the_log_is_nobody_s_rep(tmp_path: Path) -> None:
    some = [row for i, row in enumerate(in_chinese(TABLE)) if i % 10 or i == 0]
    assert set(read_pair(tmp_path, moved(EVENTS), some).deals["owner"]) == {*SERVES, None}
    log = [
        ["负责人" if cell == "操作人" else cell for cell in row] for row in moved(EVENTS)
    ]  # here it is the owner's column
    assert "管理员" in set(read_pair(tmp_path, log, some).deals["owner"])
    nobody = [[cell for i, cell in enumerate(row) if i != 3] for row in some]
    assert set(read_pair(tmp_path, moved(EVENTS), nobody).deals.drop_nulls("owner")["owner"]) == {"管理员"}


def test_an_incomplete_log_does_not_make_deals_that_never_moved(tmp_path: Path) -> None:
    log = [row for i, row in enumerate(moved(EVENTS)) if i == 0 or int(row[0][-9:-3]) % 3]
    found = read_pair(tmp_path, log, in_chinese(TABLE))
    kinds = _found(found)
    assert "never moved" not in kinds
    assert kinds["only in the deals' table"] > 400


def test_where_the_two_do_not_agree_the_log_counts(tmp_path: Path, both: History) -> None:
    table = [list(row) for row in TABLE]
    won = [row for row in table if row[9] == "Closed Won"]
    won[0][9] = "Closed Lost"
    won[1][OWN["Created Date"]] = "2021-11-03"
    won[2][OWN["Close Date"]] = "2023-12-28"
    found = read_pair(tmp_path, EVENTS, table)
    assert found.paired is not None
    assert found.paired.conflicts == {"status": 1, "created": 1, "closed": 1}
    early = found.deals["id"] == with_check(
        won[1][0]
    )  # created before the log was kept: no word of the log's against it
    assert found.deals.filter(~early).select(WAY).equals(both.deals.filter(~early).select(WAY))
    assert found.deals.filter(early)["created"].to_list() == [dt.datetime(2021, 11, 3, 12)]
    assert next(f for f in found.findings if f.kind == "two files do not agree").count == 3


def test_a_table_of_a_later_day_is_put_back(tmp_path: Path) -> None:
    log = [row for row in EVENTS if row is EVENTS[0] or row[2][:10] <= DAY.isoformat()]
    found = read_pair(tmp_path, log, TABLE)
    assert found.as_of == DAY
    assert found.deals["created"].dt.date().max() == DAY
    (tmp_path / "log.csv").write_text(as_csv(EVENTS), encoding="utf-8")
    plain = read_history(tmp_path / "log.csv", as_of=DAY)
    assert found.deals["status"].to_list() == plain.deals["status"].to_list()
    said = next(f for f in found.findings if f.kind == "two exports of different days")
    assert said.what == "b.csv goes to 2023-12-29, the log only to 2023-06-20"


def test_salesforce_s_history_as_its_object_has_it(tmp_path: Path, both: History) -> None:
    head = "Id OpportunityId CreatedById CreatedDate StageName Amount ExpectedRevenue CloseDate Probability Forecast"
    worth = {with_check(row[0]): row[OWN["Amount"]] for row in TABLE[1:]}
    rows = []
    for i, (deal, stage, at) in enumerate(EVENTS[1:]):
        last = stage.startswith("Closed")
        rows.append(
            [f"008{i}", deal, "005A", at, stage, worth[deal] if last else "1", "1", "2024-01-31", "10", "Pipeline"]
        )
        if i % 3 == 0 and not last:  # another field was changed: the same stage once more
            rows.append(
                [f"009{i}", deal, "005B", at.replace(".000+", ".900+"), stage, "1", "1", "2024-02-29", "10", "Pipeline"]
            )
    found = read_pair(tmp_path, [head.split(), *reversed(rows)], TABLE)  # the newest first
    assert found.visits.equals(both.visits)
    assert found.rework == both.rework
    over = found.deals["status"].is_in(["won", "lost"])
    assert found.deals.filter(over)["value"].equals(both.deals.filter(over)["value"])
    assert found.paired is not None
    assert found.paired.conflicts == {}


def test_a_cell_that_cannot_be_read_takes_nothing_with_it(tmp_path: Path, both: History) -> None:
    table = [list(row) for row in TABLE]
    table[3][OWN["Amount"]], table[5][OWN["Created Date"]] = "tbd", "soon"
    found = read_pair(tmp_path, EVENTS, table)
    assert found.deals["owner"].equals(both.deals["owner"])
    assert found.deals["value"].null_count() == 1
    cells = next(f for f in found.findings if f.kind == "cells")
    assert cells.what == "2 deals of b.csv have a day or an amount that cannot be read ('soon', 'tbd')"


def test_a_log_of_a_later_day_is_put_back(tmp_path: Path, both: History) -> None:
    table = [TABLE[0]]
    for row in TABLE[1:]:
        if row[OWN["Created Date"]] <= DAY.isoformat():
            over = row[9].startswith("Closed") and row[8] <= DAY.isoformat()
            table.append(row if over else [*row[:8], "2023-12-31", "Qualify"])
    found = read_pair(tmp_path, EVENTS, table)
    assert found.as_of == DAY
    assert found.deals.select(WAY).equals(read_pair(tmp_path, EVENTS, TABLE, DAY).deals.select(WAY))
    said = next(f for f in found.findings if f.kind == "two exports of different days")
    assert said.what == "the log goes to 2023-12-29, b.csv only to 2023-06-20: deals that came since are not in it"
    days = [TABLE[0], *(row for row in TABLE[1:] if row[8] < "2023-12-28")]  # of the same day, or nearly
    kinds = _found(read_pair(tmp_path, EVENTS, days))
    assert "only in the log" in kinds
    assert "two exports of different days" not in kinds


def test_any_table_with_the_deals_numbers_will_do(tmp_path: Path, both: History) -> None:
    lean = [["CRM key", "Sales rep", "Region"], *([row[0], row[1], row[4]] for row in TABLE[1:])]
    found = read_pair(tmp_path, EVENTS, lean)
    assert found.deals["owner"].to_list() == both.deals["owner"].to_list()
    assert found.deals["region"].to_list() == both.deals["region"].to_list()
    assert found.visits.equals(both.visits)
    assert found.mapping.deals is not None
    assert found.mapping.deals.columns == {"id": "CRM key", "region": "Region", "owner": "Sales rep"}
    named = [["Opportunity ID", *DEALS[1:], "Record"], *([f"r{i}", *r[1:], r[0]] for i, r in enumerate(TABLE[1:]))]
    assert read_pair(tmp_path, EVENTS, named).deals.equals(both.deals)  # another column holds the log's numbers


def test_hubspot_s_and_xiaoshouyi_s_pairs(tmp_path: Path, both: History) -> None:
    history = [["Deal ID", "Property", "Value", "Timestamp"], *([i, "dealstage", s, at] for i, s, at in EVENTS[1:])]
    history += [[i, "amount", "17", at] for i, _, at in EVENTS[1:50]]
    deals = [["Record ID", "Deal Name", "Deal Stage", "Deal owner", "Amount", "Create Date", "Close Date", "Region"]]
    deals += [[r[0], "n", r[9], r[1], r[6], r[7], r[8], r[4]] for r in TABLE[1:]]
    found = read_pair(tmp_path, history, deals)
    assert (found.mapping.preset, found.mapping.deals and found.mapping.deals.preset) == ("hubspot-history", "hubspot")
    assert found.visits.equals(both.visits)
    assert len(found.refused) == 49
    changes = [["销售机会编号", "变更前阶段", "变更后阶段", "变更时间"], *(row[:4] for row in moved(EVENTS)[1:])]
    head = [
        "销售机会编号",
        "销售机会名称",
        "客户名称",
        "销售机会所有人",
        "销售阶段",
        "销售金额",
        "创建时间",
        "结单日期",
        "所属区域",
    ]
    table = [[r[0], r[1], r[2], r[3], r[4], r[6], r[7], r[13] or r[8], r[9]] for r in in_chinese(TABLE)[1:]]
    found = read_pair(tmp_path, changes, [head, *table])
    assert (found.mapping.preset, found.mapping.deals and found.mapping.deals.preset) == (
        "xiaoshouyi-history",
        "xiaoshouyi",
    )
    assert found.visits.height == both.visits.height
    assert set(found.deals["region"]) == {"North", "South"}


def test_hubspot_s_days_of_entering_and_another_table(tmp_path: Path) -> None:
    days = {
        row[0]: dict.fromkeys(("Qualify", "Propose", "Negotiate", "Closed Won", "Closed Lost"), "")
        for row in EVENTS[1:]
    }
    for deal, stage, at in EVENTS[1:]:
        days[deal][stage] = at[:19].replace("T", " ")
    head = [
        "Record ID",
        "Deal Stage",
        "Create Date",
        "Close Date",
        *(f'Date entered ""{s}""' for s in next(iter(days.values()))),
    ]
    head = [f'"{h}"' for h in head]
    wide = [[i, r[9], r[7], r[8], *days[i].values()] for r in TABLE[1:] for i in [with_check(r[0])]]
    found = read_pair(
        tmp_path, [head, *wide], [["Record ID", "Deal owner", "Region"], *([r[0], r[1], r[4]] for r in TABLE[1:])]
    )
    assert set(found.deals["owner"]) == set(SERVES)
    assert found.deals["region"].null_count() == 0
    assert found.stages == ("Qualify", "Propose", "Negotiate")


def test_amounts_in_two_currencies_are_the_table_s(tmp_path: Path) -> None:
    log = [[*row, "7", "EUR" if i % 2 else "USD"] for i, row in enumerate(EVENTS)]
    log[0][3:] = ["Amount", "Currency"]
    table = [[*row, "EUR", "2.0"] if i % 2 else [*row, "USD", "1.0"] for i, row in enumerate(TABLE)]
    table[0][10:] = ["Currency", "Exchange Rate"]
    found = read_pair(tmp_path, log, table)
    assert found.currency == "USD"
    worth = {with_check(r[0]): float(r[6]) * float(r[11]) for r in table[1:]}
    assert found.deals["value"].to_list() == pytest.approx([worth[i] for i in found.deals["id"]])
    euros = [[*row, "EUR"] for row in TABLE]
    euros[0][10] = "Currency"
    dollars = [[*row[:4], row[4].replace("EUR", "USD")] for row in log]
    found = read_pair(tmp_path, dollars, euros)  # one currency each, and not the same
    assert found.currency == "EUR"
    assert set(found.deals["value"]) == {float(r[6]) for r in TABLE[1:]}
    assert read_pair(tmp_path, dollars, TABLE).currency == "USD"
    with pytest.raises(HistoryRefused, match="amounts are in 2 currencies"):
        read_pair(tmp_path, log, [row[:6] + row[7:10] for row in table])


def test_what_cannot_be_joined_is_refused_in_one_sentence(tmp_path: Path) -> None:
    others = [TABLE[0], *([f"X{i}", *row[1:]] for i, row in enumerate(TABLE[1:]))]
    with pytest.raises(
        HistoryRefused, match=r"none of the log's 1,442 deals is in b.csv: the log has '006.*' where column 'Id'"
    ):
        read_pair(tmp_path, EVENTS, others)
    with pytest.raises(HistoryRefused, match=r"^a.csv: neither this file nor b.csv is a log of stages"):
        read_pair(tmp_path, TABLE, TABLE)
    with pytest.raises(HistoryRefused, match=r"^a.csv and b.csv are both logs of stages"):
        read_pair(tmp_path, EVENTS, EVENTS)
    with pytest.raises(HistoryRefused, match=r"^b.csv: column 'Created Date' should hold dates"):
        read_pair(tmp_path, EVENTS, [TABLE[0], *([*r[:7], "soon", *r[8:]] for r in TABLE[1:])])
    assert not (tmp_path / "plan.yaml").exists()


def test_the_mapping_is_shown_saved_and_used_again(
    tmp_path: Path, both: History, capsys: pytest.CaptureFixture[str]
) -> None:
    attain = Attain(capsys)
    log, deals = write_pair(tmp_path, EVENTS, TABLE)
    found = attain("calibrate", log, "--deals", deals, "--out", tmp_path / "p.yaml", "--json").document
    assert found["deals"]["matched"] == found["deals"]["used"] == 1442
    saved = read_mapping(tmp_path / "p-mapping.yaml")
    assert saved == both.mapping
    (tmp_path / "m.yaml").write_text(write_mapping(saved), encoding="utf-8")
    again = ("--mapping", tmp_path / "m.yaml", "--force", "--language", "zh")
    shown = attain("calibrate", log, "--deals", deals, "--out", tmp_path / "p.yaml", *again).out
    assert "两个文件都有 1,442 个商机" in shown
    assert read_mapping(tmp_path / "p-mapping.yaml") == saved


def test_a_back_test_reads_the_pair(tmp_path: Path, both: History) -> None:
    log, deals = write_pair(tmp_path, EVENTS, TABLE)
    assert Source(log, deals=str(deals)).read().deals.equals(both.deals)


@pytest.mark.long
def test_a_back_test_takes_the_pair(tmp_path: Path) -> None:
    log, deals = write_pair(tmp_path, EVENTS, TABLE)
    found = backtest(log, deals=deals, folds=1, n=20, learn=0, library=False)
    assert set(found.scored.cells["level"]) == {"company", "region", "product", "rep"}
