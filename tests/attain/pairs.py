"""A simulated firm's two files, as Salesforce writes them and as 纷享销客 does, and what is read of both."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from attain.history import History, read_history
from tests.attain.histories import as_csv
from tests.attain.simulated_histories import DEALS, simulated_pair, with_check

EVENTS, TABLE = simulated_pair(3)
WAY = ["id", "created", "ended", "status", "stage"]
OWN = {c: i for i, c in enumerate(DEALS)}
DAY = dt.date(2023, 6, 20)


def write_pair(folder: Path, log: list[list[str]], deals: list[list[str]]) -> tuple[Path, Path]:
    """The two files, of which the log's name says nothing."""
    paths = folder / "a.csv", folder / "b.csv"
    for path, rows in zip(paths, (log, deals), strict=True):
        path.write_text(as_csv(rows), encoding="utf-8")
    return paths


def read_pair(folder: Path, log: list[list[str]], deals: list[list[str]], as_of: dt.date | None = None) -> History:
    """What is read of the two."""
    one, other = write_pair(folder, log, deals)
    return read_history(one, deals=other, as_of=as_of)


WORDS = {
    "Qualify": "1.初步接洽",
    "Propose": "2.方案报价",
    "Negotiate": "3.商务谈判",
    "Closed Won": "赢单",
    "Closed Lost": "输单",
    "Parked": "搁置",
}
CHINESE = (
    "商机编号 商机名称 客户名称 负责人 商机阶段 赢率 商机金额(元) 创建时间 预计成交日期 区域 产品名称 来源 "
    "实际成交日期 最后修改时间"
)


def moved(rows: list[list[str]]) -> list[list[str]]:
    """The log as one of changes alone, in Chinese: what a deal left and where it went; no row when it was created."""
    out = [["商机编号", "变更前阶段", "变更后阶段", "变更时间", "操作人"]]
    last: dict[str, str] = {}
    for deal, stage, at in sorted(rows[1:], key=lambda row: row[2]):
        if deal in last:
            out.append([deal, WORDS[last[deal]], WORDS[stage], at[:19].replace("T", " "), "管理员"])
        last[deal] = stage
    return out


def in_chinese(rows: list[list[str]]) -> list[list[str]]:
    """The table as 纷享销客 writes it, with the time of each deal's creation."""
    first: dict[str, str] = {}
    for deal, _, at in EVENTS[1:]:
        first.setdefault(deal, at[:19].replace("T", " "))
    out = [CHINESE.split()]
    for row in rows[1:]:
        deal = with_check(row[0]) if len(row[0]) == 15 else row[0]
        closes, created = row[OWN["Close Date"]], first.get(deal, f"{row[OWN['Created Date']]} 09:30:00")
        own = [
            deal,
            f"项目{row[0]}",
            row[2],
            row[1],
            WORDS[row[9]],
            "",
            row[6],
            created,
            closes,
            row[4],
            row[3],
            row[5],
        ]
        out.append([*own, closes if row[9] == "Closed Won" else "", closes if row[9].startswith("Closed") else ""])
    return out
