"""The screens of calibrate and check: what must be read there, in both languages, on a narrow terminal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from attain.calibrate import CalibrationResult, calibrate
from attain.screens import check
from attain.screens.calibrate import screen, span
from attain.wording.numbers import Language, percent
from engine.plan.findings import Finding
from tests.attain.histories import as_csv, export, log


def shown(what: RenderableType, width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False).print(what)
    return out.getvalue()


@pytest.fixture(scope="module")
def chinese(tmp_path_factory: pytest.TempPathFactory) -> CalibrationResult:
    folder = tmp_path_factory.mktemp("chinese")
    rows = export(300, language="zh", form="%Y/%m/%d")
    rows[5][7], rows[9][8], rows[11][8] = "[bold]三十万", "2023-99-01", "2023年1月1日"
    (folder / "商机.csv").write_bytes(as_csv(rows).encode("gbk"))
    return calibrate(folder / "商机.csv", folder / "计划.yaml")


@pytest.mark.parametrize("width", [80, 120])
def test_what_was_read_left_out_and_fitted(chinese: CalibrationResult, width: int) -> None:
    text = shown(screen(chinese, "zh"), width)
    flat = " ".join(text.split())
    assert "商机 300 行，使用 297 行" in flat
    assert "2 日期格式不同 第 10 行" in flat
    assert "1 金额无法识别 第 6 行" in flat
    assert "[bold]三十万" in flat  # what a cell holds is no markup
    for field, column in chinese.mapping.columns.items():
        assert f"（{field}） {column}" in flat
    stage = chinese.fitted["stages"][0]
    assert f"{stage['entered']:,} {stage['lost']:,} {stage['open']:,} {percent(stage['raw'], 'zh', 1)}" in flat
    for product in chinese.fitted["products"]:
        assert product in text
    assert "3 名销售" in flat
    assert f"下一步：attain simulate {chinese.plan}"[:20] in flat
    assert "-mapping.yaml" in flat


def test_the_same_in_english(chinese: CalibrationResult) -> None:
    flat = " ".join(shown(screen(chinese)).split())
    assert "Read 300 rows of opportunities, used 297." in flat
    assert "date in another format line 10" in flat
    assert "Next: attain simulate" in flat
    assert "No goal was given" in flat  # notes are there, too


def test_a_log_names_its_stages(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(as_csv(log(400)), encoding="utf-8")
    found = calibrate(tmp_path / "log.csv", tmp_path / "plan.yaml")
    text = shown(screen(found))
    for stage in found.fitted["stages"]:
        row = next(line for line in text.splitlines() if line.startswith(stage["name"]))
        assert f"{stage['entered']:,}" in row
    assert "stages, in order" in text
    assert "machines, not people: robot" in text


@pytest.mark.parametrize(
    ("days", "language", "said"),
    [
        (0.0, "en", "1 min"),
        (1 / 48, "en", "30 min"),
        (0.4, "en", "9.6 h"),
        (1.9, "zh", "45.6 小时"),
        (2.04, "en", "2 d"),
        (12.34, "en", "12.3 d"),
        (120.4, "zh", "120 天"),
    ],
)
def test_lengths_of_time(days: float, language: Language, said: str) -> None:
    assert span(days, language) == said


def test_findings_that_are_alike_are_counted() -> None:
    alike = [
        Finding("note", "challenging", f"reps.{i}.quota", f"rep {i} has it easy", "Ask for more.") for i in range(9)
    ]
    other = Finding("error", "measurable", "goals.[b]fame", "no number", "Write a number.")
    text = shown(check.screen("A [b]plan", [*alike, other]))
    flat = " ".join(text.split())
    assert "A [b]plan can be read: 1 error and 9 notes." in flat
    assert flat.index("goals.[b]fame") < flat.index("reps.0.quota")  # errors first
    assert flat.count("has it easy") == check.ALIKE
    assert "and 6 more of the same kind; --json lists all: reps.3.quota" in flat
    assert "nothing to remark" in shown(check.screen("A plan", []))
    assert "9 条备注" in shown(check.screen("A plan", alike, "zh"))
