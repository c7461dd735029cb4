"""Made-up histories for tests: an export in English or Chinese, and a log of events, from a known funnel."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np

from attain.history import History

ENGLISH = (
    *("Opportunity ID", "Account", "Region", "Product", "Owner", "Stage", "Status", "Value"),
    *("Created On", "Closed On", "Expected Close"),
)
CHINESE = (
    "商机编号",
    "客户名称",
    "区域",
    "产品",
    "负责人",
    "阶段",
    "状态",
    "金额（万元）",
    "创建时间",
    "关闭时间",
    "预计成交日期",
)
WORDS = {"en": ("Won", "Lost", "Open"), "zh": ("赢单", "输单", "进行中")}
REPS = {"en": ("Ann", "Bob", "Cy"), "zh": ("张伟", "王芳", "李娜")}
PLACES = {"en": ("North", "South"), "zh": ("华北", "华东")}
WARES = {"en": ("ERP", "CRM"), "zh": ("软件", "服务")}
LAST = dt.date(2024, 5, 20)


def export(n: int = 600, *, language: str = "en", seed: int = 0, form: str = "%Y-%m-%d") -> list[list[str]]:
    """Rows of an export, header first: 40% won after 40 days on average, the rest lost after 20; two years to LAST."""
    rng = np.random.default_rng(seed)
    won_word, lost_word, open_word = WORDS[language]
    rows: list[list[str]] = [list(ENGLISH if language == "en" else CHINESE)]
    begin = LAST - dt.timedelta(days=720)
    days = np.sort(np.append(rng.integers(0, 721, n - 1), 720))
    for i, day in enumerate(days):
        created = begin + dt.timedelta(days=int(day))
        wins = rng.random() < 0.4
        closed = created + dt.timedelta(days=int(rng.gamma(4, 10.0 if wins else 5.0)))
        ended = closed <= LAST
        value = round(float(rng.lognormal(3 if language == "zh" else 9, 0.5)), 2)
        expected = created + dt.timedelta(days=120)
        rows.append(
            [
                f"D{i:05d}",
                f"Customer {i % 50}",
                PLACES[language][int(rng.integers(2))],
                WARES[language][int(rng.integers(2))],
                REPS[language][int(rng.integers(3))],
                "Proposal",
                (won_word if wins else lost_word) if ended else open_word,
                str(value),
                created.strftime(form),
                closed.strftime(form) if ended else "",
                "" if ended else expected.strftime(form),
            ]
        )
    return rows


def staged(n: int = 3000, seed: int = 0) -> tuple[list[list[str]], tuple[float, ...]]:
    """An export whose stages are a passage, and its three stages' conversions: each takes 10, 20 and 30 days."""
    rng = np.random.default_rng(seed)
    stages, mean, advance = ("1-Lead", "2-Offer", "3-Contract"), (10.0, 20.0, 30.0), (0.5, 0.6, 0.8)
    rows = [["ID", "Stage", "Status", "Amount", "Created", "Closed", "Owner"]]
    begin = LAST - dt.timedelta(days=720)
    for i, day in enumerate(np.sort(np.append(rng.integers(0, 721, n - 1), 720))):
        created = begin + dt.timedelta(days=int(day))
        at, where, status = float(day), 0, "Open"
        for k in range(3):
            where = k
            at += float(rng.gamma(3, mean[k] / 3))
            if at > 720:
                break
            if rng.random() > advance[k]:
                status = "Lost"
                break
            if k == 2:
                status = "Won"
        closed = (begin + dt.timedelta(days=int(at))).isoformat() if status != "Open" else ""
        rows.append([str(i), stages[where], status, "1000", created.isoformat(), closed, "Ann"])
    return rows, advance


def log(n: int = 2000, seed: int = 0) -> list[list[str]]:
    """A log: asked (by a machine) > checked > offered > signed, with 'booked' beside 'signed', ends "
    "'rejected', 'cancelled'."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[str, str, dt.datetime, str]] = []
    last = dt.datetime.combine(LAST, dt.time(12))
    for i in range(n):
        case, who = f"C{i:05d}", ("Ann", "Bob", "Cy")[int(rng.integers(3))]
        when = last - dt.timedelta(hours=float(rng.uniform(0, 24 * 400)))
        rows.append((case, "asked", when, "robot"))
        for step, p, wait in (("checked", 0.8, 2.0), ("offered", 0.7, 5.0), ("signed", 0.5, 12.0)):
            when += dt.timedelta(days=float(rng.exponential(wait)))
            if rng.random() > p:
                rows.append((case, "rejected" if step == "checked" else "cancelled", when, who))
                break
            rows.append((case, step, when, who))
            if step == "signed":
                rows.append((case, "booked", when + dt.timedelta(minutes=1), who))
    seen = [[c, a, f"{t:%Y-%m-%d %H:%M:%S}", w] for c, a, t, w in sorted(rows, key=lambda r: r[2]) if t <= last]
    return [["case_id", "activity", "timestamp", "resource"], *seen]


def as_read(history: History) -> dict[str, object]:
    """What is made of a history's rows, whichever lines of its file they stand on."""
    names = ("shape", "as_of", "stages", "resolution", "currency", "notes", "findings", "mapping", "raw")
    return {"deals": history.deals.rows(), "visits": history.visits.rows(), **{n: getattr(history, n) for n in names}}


def as_csv(rows: Sequence[Sequence[str]]) -> str:
    """Rows as CSV text; cells here hold no commas or quotes."""
    return "\n".join(",".join(row) for row in rows) + "\n"
