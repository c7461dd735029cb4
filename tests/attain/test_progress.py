"""Progress in words and lines; the bar itself only as far as that it speaks to a terminal and nobody else."""

from __future__ import annotations

import io
import math
import time

import pytest

from attain.progress import in_words, meter
from engine.montecarlo import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def states(total: int, step: int) -> list[Progress]:
    return [Progress(done, total, 20.0, done / 20, (total - done) / 20) for done in range(step, total + 1, step)]


def test_a_line_per_tenth_without_a_terminal() -> None:
    out = io.StringIO()
    with meter("Simulating", stream=out) as report:
        for progress in states(2000, 7):
            report(progress)
        report(Progress(2000, 2000, 20.0, 100.0, 0.0))
    lines = out.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[0] == "Simulating: 203 of 2,000 (10%), 20 a second, about 90 s left"
    assert lines[-1].startswith("Simulating: 2,000 of 2,000 (100%)")


def test_chinese() -> None:
    out = io.StringIO()
    with meter("计划", stream=out, language="zh") as report:
        report(Progress(1000, 2000, 20.0, 50.0, 50.0))
    assert out.getvalue() == "计划：1,000 / 2,000（50%），每秒 20 次，剩余约 50 秒\n"
    assert in_words(Progress(1, 2, 0.0, 1.0, math.inf), "zh") == "每秒 0 次，剩余时间未知"


def test_silence_with_json() -> None:
    for out in (io.StringIO(), Terminal()):
        with meter("Simulating", silent=True, stream=out) as report:
            report(states(10, 1)[4])
        assert out.getvalue() == ""


def test_a_bar_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attain.progress.PATIENCE", 0.0)
    out = Terminal()
    with meter("Plan [bold]x[/bold]", stream=out) as report:
        for progress in states(100, 10):
            report(progress)
        deadline = time.monotonic() + 10.0
        while "100 of 100" not in out.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert "100 of 100" in out.getvalue()
    assert "[bold]x" in out.getvalue()


def test_nothing_flickers_for_a_run_that_is_soon_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attain.progress.PATIENCE", 60.0)
    quick = [Progress(done, 100, 2000.0, done / 2000, (100 - done) / 2000) for done in range(10, 101, 10)]
    for out in (io.StringIO(), Terminal()):
        with meter("Simulating", stream=out) as report:
            for progress in quick:
                report(progress)
        assert out.getvalue() == ""


@pytest.mark.parametrize(
    ("rate", "left", "words"),
    [
        (1234.5, 0.2, "1,234 a second, about 1 s left"),
        (3.44, 89.5, "3.4 a second, about 90 s left"),
        (0.031, 400, "0.031 a second, about 7 min left"),
        (12, 9000, "12 a second, about 2.5 h left"),
        (0.0, math.inf, "0 a second, an unknown time left"),
    ],
)
def test_words(rate: float, left: float, words: str) -> None:
    assert in_words(Progress(1, 2, rate, 1.0, left)) == words
