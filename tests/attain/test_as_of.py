"""As of a day: nothing that a file says of later days changes anything that is fitted."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from attain.calibrate import calibrate
from attain.history import HistoryRefused, read_history
from tests.attain.histories import LAST, as_csv, as_read, export, log

DAY = LAST - dt.timedelta(days=200)
EXPORT = export(240, seed=3)
STATUS, STAGE, VALUE, CREATED, CLOSED, EXPECTED = 6, 5, 7, 8, 9, 10
PHASES = (Phase.explicit, Phase.generate)  # shrinking would fit plans for minutes
LATER = st.integers(1, 199).map(lambda days: (DAY + dt.timedelta(days=days)).isoformat())
OUTCOMES = st.tuples(
    st.sampled_from(["Won", "Lost", "Open", "Archived"]), LATER, st.sampled_from(["Proposal", "Offer", ""])
)


def _fitted(rows: list[list[str]]) -> dict[str, bytes]:
    """Everything that calibration writes as of the day, by name."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "crm.csv"
        path.write_text(as_csv(rows), encoding="utf-8")
        found = calibrate(path, Path(folder) / "plan.yaml", as_of=DAY)
        return {file.name: file.read_bytes() for file in found.files}


def _read(rows: list[list[str]], form: str = "csv", day: dt.date = DAY) -> dict[str, object]:
    """What is read as of the day, of which alone a plan is made. ``form``: csv, or parquet with its days as times."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"crm.{form}"
        if form == "parquet":
            cells = pl.col("Created On", "Closed On")
            cells = pl.when(cells.str.len_chars() == 10).then(cells + " 00:00").otherwise(cells)
            times = cells.str.to_datetime("%Y-%m-%d %H:%M", strict=False)
            pl.DataFrame(rows[1:], schema=rows[0], orient="row").with_columns(times).write_parquet(path)
        else:
            path.write_text(as_csv(rows), encoding="utf-8")
        return as_read(read_history(path, as_of=day))


def _retold(draw: st.DrawFn) -> list[list[str]]:
    """The export with everything after the day told another way: who wins what when, and who comes at all."""
    rows = [EXPORT[0]]
    for row in EXPORT[1:]:
        if row[CREATED] > DAY.isoformat():
            continue
        if row[CLOSED] and row[CLOSED] <= DAY.isoformat():
            rows.append(row)
            continue
        status, day, stage = draw(OUTCOMES)
        told = list(row)
        told[STATUS], told[STAGE] = status, stage
        told[CLOSED] = "" if status == "Open" else day
        told[EXPECTED] = day if status == "Open" else ""
        rows.append(told)
    for i in range(draw(st.integers(1, 30))):
        status, day, stage = draw(OUTCOMES)
        closed = "" if status == "Open" else LAST.isoformat()
        new = [f"N{i}", "Customer", "West", "HR", "Dora", stage, status, "1e6", day, closed, ""]
        rows.insert(draw(st.integers(1, len(rows))), new)
    return rows


@settings(max_examples=8, phases=PHASES)
@given(st.data())
def test_what_an_export_says_of_later_days_changes_nothing(data: st.DataObject) -> None:
    assert _fitted(_retold(data.draw)) == _fitted(EXPORT)


@settings(max_examples=20, phases=PHASES)
@given(st.data())
def test_later_clocks_change_nothing_of_a_typed_table(data: st.DataObject) -> None:
    clock = data.draw(st.sampled_from([" 10:30", " 23:59"]))
    rows = [row if i == 0 else _with_clock(row, clock) for i, row in enumerate(_retold(data.draw))]
    assert _read(rows, "parquet") == _read(EXPORT, "parquet")


def _with_clock(row: list[str], clock: str) -> list[str]:
    return [cell + clock if i in (CREATED, CLOSED) and cell > DAY.isoformat() else cell for i, cell in enumerate(row)]


@settings(max_examples=5, phases=PHASES)
@given(st.data())
def test_what_a_log_says_of_later_days_changes_nothing(data: st.DataObject) -> None:
    head, *rows = log(200)
    times = sorted(row[2] for row in rows)
    cut = dt.datetime.fromisoformat(times[len(times) // 2])
    day = cut.date()
    known = [row for row in rows if dt.datetime.fromisoformat(row[2]).date() <= day]
    names = sorted({row[1] for row in rows})
    cases = sorted({row[0] for row in known})
    later = []
    for i in range(data.draw(st.integers(1, 60))):
        when = dt.datetime.combine(day, dt.time(9)) + dt.timedelta(days=data.draw(st.integers(1, 90)))
        case = data.draw(st.sampled_from([*cases, f"new {i}"]))
        later.append([case, data.draw(st.sampled_from(names)), when.strftime("%Y-%m-%d %H:%M:%S"), "Zoe"])

    def fitted(told: list[list[str]]) -> dict[str, bytes]:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "events.csv"
            path.write_text(as_csv(told), encoding="utf-8")
            found = calibrate(path, Path(folder) / "plan.yaml", goal="1000000", as_of=day)
            return {file.name: file.read_bytes() for file in found.files}

    assert fitted([head, *known, *later]) == fitted([head, *rows])
    # the same with amounts, of which later ones are in two currencies
    told = [[*row, "7.25", data.draw(st.sampled_from(["USD", "EUR"]))] for row in later]
    whole, early = ([[*row, "1200.50", "USD"] for row in part] for part in (rows, known))
    named = [*head, "amount", "currency"]
    assert _read([named, *early, *told], day=day) == _read([named, *whole], day=day)


def test_an_open_deal_forgets_what_an_export_only_knows_of_today(tmp_path: Path) -> None:
    path = tmp_path / "crm.csv"
    path.write_text(as_csv(EXPORT), encoding="utf-8")
    history = read_history(path, as_of=DAY)
    still = history.deals.filter(history.deals["status"] == "open")
    assert still.height >= 10
    assert still["stage"].null_count() == still["expected"].null_count() == still.height
    assert still["value"].null_count() == 0
    assert any(f"put back to {DAY}" in note for note in history.notes)
    whole = read_history(path, as_of=LAST)
    assert not any("put back" in note for note in whole.notes)


def test_a_day_before_everything_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "crm.csv"
    path.write_text(as_csv(EXPORT), encoding="utf-8")
    with pytest.raises(HistoryRefused, match="no deal had been created by 2001-01-01"):
        read_history(path, as_of=dt.date(2001, 1, 1))


def _lost_by_change(rows: list[list[str]], told: random.Random) -> list[list[str]]:
    """The export as 纷享销客 writes it: only a won deal has a day of closing, of the others the last change has one."""
    out = [
        [
            "商机编号",
            "商机名称",
            "负责人",
            "商机阶段",
            "商机金额(元)",
            "实际成交日期",
            "创建时间",
            "预计成交日期",
            "阶段变更时间",
        ]
    ]
    for row in rows[1:]:
        words = {"Won": ["赢单"], "Lost": ["输单", "已关闭（重复）"], "Open": ["洽谈", "报价"], "Archived": ["归档"]}
        stage = told.choice(words[row[STATUS]])
        if row[CLOSED] and row[CLOSED] <= DAY.isoformat():
            stage = {"Won": "赢单", "Lost": "输单"}[row[STATUS]]
        won = row[CLOSED] if row[STATUS] == "Won" else ""
        changed = row[CLOSED] or (DAY + dt.timedelta(days=told.randint(1, 199))).isoformat()
        out.append([row[0], "n", row[4], stage, f"￥{row[VALUE]}", won, row[CREATED], row[EXPECTED], changed])
    return out


@settings(max_examples=3, phases=PHASES)
@given(st.data())
def test_later_changes_of_a_stage_change_nothing(data: st.DataObject) -> None:
    told = random.Random(data.draw(st.integers(0, 99)))
    assert _fitted(_lost_by_change(_retold(data.draw), told)) == _fitted(_lost_by_change(EXPORT, random.Random(0)))


def _entered(rows: list[list[str]], told: random.Random) -> list[list[str]]:
    """The export as HubSpot writes it, with the days on which deals entered their stages, of every third without any;
    those made later are in another currency, many of them without such days."""
    out = [["Record ID", "Deal Stage", "Amount", "Create Date", "Close Date", "Deal owner", "Currency",
            *(f'Date entered "{name}"' for name in ("Qualified", "Offer", "Closed won", "Closed lost"))]]  # fmt: skip
    for row in rows[1:]:
        new = row[0].startswith("N")
        stage = {"Won": "Closed won", "Lost": "Closed lost", "Open": told.choice(["Qualified", "Offer"])}.get(
            row[STATUS]
        )
        offered = (dt.date.fromisoformat(row[CREATED]) + dt.timedelta(days=6)).isoformat()
        if offered > DAY.isoformat():
            offered = told.choice(["", offered, LAST.isoformat()])
        elif row[CLOSED] and row[CLOSED] <= offered:
            offered = ""
        ends = [row[CLOSED] if row[STATUS] == name else "" for name in ("Won", "Lost")]
        days = [row[CREATED], offered, *ends]
        if (int(row[0][1:]) % 3 == 0) if not new else told.random() < 0.8:
            days = [""] * 4
        currency = told.choice(["EUR", "USD"]) if new else "USD"
        closed = row[CLOSED] or row[EXPECTED]
        out.append([row[0], stage or "Archived", row[VALUE], row[CREATED], closed, row[4], currency, *days])
    return out


@settings(max_examples=20, phases=PHASES)
@given(st.data())
def test_later_days_of_entering_stages_change_nothing(data: st.DataObject) -> None:
    told = random.Random(data.draw(st.integers(0, 99)))
    assert _read(_entered(_retold(data.draw), told)) == _read(_entered(EXPORT, random.Random(0)))
