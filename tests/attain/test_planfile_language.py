"""A fitted plan's comments in Chinese: the same plan, every comment in Chinese, every source read back from it."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest

from attain.calibrate import calibrate
from attain.fitted_effort import capacity_of
from attain.inputs import comment_of, inputs_of_loaded
from attain.wording import TEXTS, Language
from engine.plan.load import load_plan
from engine.plan.types import LoadedPlan
from tests.attain.histories import as_csv, export, log
from tests.attain.test_beside import PEOPLE, PRODUCTS, QUOTAS

SENTENCE = re.compile(r"[A-Za-z']{2,} [A-Za-z']{2,} [A-Za-z']{2,}")  # three English words in a row


def _spend() -> str:
    weeks = [dt.date(2022, 6, 6) + dt.timedelta(weeks=k) for k in range(96)]
    return "\n".join(["日期,展会费用", *(f"{day},{1000 * (1 + k % 13)}" for k, day in enumerate(weeks))]) + "\n"


def _files(folder: Path) -> tuple[Path, dict[str, Path]]:
    """A history in Chinese with tables beside it, some of whose rows and names cannot be used."""
    rows = export(900, language="zh")
    rows[5][rows[0].index("创建时间")] = ""
    rows[6][rows[0].index("金额（万元）")] = "面议"
    texts = {"deals": as_csv(rows), "people": PEOPLE, "products": PRODUCTS, "quotas": QUOTAS, "spend": _spend()}
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder / "deals.csv", {name: folder / f"{name}.csv" for name in texts if name != "deals"}


def _both(history: Path, folder: Path, **given: Any) -> dict[Language, tuple[str, LoadedPlan]]:
    out: dict[Language, tuple[str, LoadedPlan]] = {}
    languages: tuple[Language, Language] = ("en", "zh")
    for language in languages:
        (folder / language).mkdir()
        plan = folder / language / "plan.yaml"
        calibrate(history, plan, "+10%", language=language, **given)
        out[language] = plan.read_text(encoding="utf-8"), load_plan(plan)
    return out


def _comments(text: str) -> list[str]:
    return [line.lstrip("# ") if line.lstrip().startswith("#") else comment_of(line) for line in text.splitlines()]


def _same_but_in_chinese(both: dict[Language, tuple[str, LoadedPlan]]) -> None:
    english, chinese = both["en"], both["zh"]
    titles = {"name": "", "path": ""}
    assert chinese[1].plan.model_copy(update=titles) == english[1].plan.model_copy(update=titles)
    assert sum(bool(SENTENCE.search(c)) for c in _comments(english[0])) > 20
    assert [c for c in _comments(chinese[0]) if SENTENCE.search(c)] == []
    told = [[(row.path, row.origin, row.of) for row in inputs_of_loaded(loaded)] for _, loaded in (english, chinese)]
    assert told[0] == told[1]
    assert any(origin == "fitted" and of for _, origin, of in told[1])


@pytest.mark.parametrize("beside", [False, True])
def test_an_export(tmp_path: Path, beside: bool) -> None:
    history, tables = _files(tmp_path)
    _same_but_in_chinese(_both(history, tmp_path, **(tables if beside else {})))


@pytest.mark.parametrize("hours", [None, 30.0])
def test_a_log_with_stages(tmp_path: Path, hours: float | None) -> None:
    (tmp_path / "log.csv").write_text(as_csv(log(1500)), encoding="utf-8")
    _same_but_in_chinese(_both(tmp_path / "log.csv", tmp_path, capacity=capacity_of(hours, None)))


def test_what_is_said_in_one_language_has_the_places_of_the_other() -> None:
    for key, (english, chinese) in TEXTS.items():
        if key.startswith(("planfile.", "progress.", "search.")):
            assert set(re.findall(r"\{(\w+)\}", english)) == set(re.findall(r"\{(\w+)\}", chinese)), key
