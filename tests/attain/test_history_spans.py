"""Months, quarters and years as people head their columns of quotas, and which of the plan's months they are."""

from __future__ import annotations

import datetime as dt

import pytest

from attain.history.spans import months_in_words, read_span

START = dt.date(2025, 10, 1)


@pytest.mark.parametrize(
    ("texts", "label", "months"),
    [
        (("2026-03", "202603", "2026/3", "2026年3月", "Mar 2026", "Mar-26", "2026-03-01", "03/2026"), "2026-03", (5,)),
        (("3月", "三月", "March", "M3", "3月指标", "3月（万元）"), "M03", (5,)),
        (("2026Q1", "2026-Q1", "Q1 2026", "2026年一季度", "2026年第1季度"), "2026-Q1", (3, 4, 5)),
        (("Q1", "一季度", "第一季度", "Q1 quota", "Q1(万元)"), "Q1", (3, 4, 5)),
        (("2026", "FY2026", "2026年", "2026年度指标(万元)", "Quota 2026"), "2026", tuple(range(3, 12))),
        (("年度", "全年", "年度指标", "Annual quota", "合计"), "year", tuple(range(12))),
    ],
)
def test_one_span_in_many_spellings(texts: tuple[str, ...], label: str, months: tuple[int, ...]) -> None:
    for text in texts:
        span = read_span(text)
        assert span is not None, text
        assert (span.label, span.within(START)) == (label, months), text
        again = read_span(span.label)
        assert again == span


@pytest.mark.parametrize("text", ["姓名", "name", "销售", "13月", "2026-13", "", "Region", "Mayor"])
def test_other_words_are_no_span(text: str) -> None:
    assert read_span(text) is None


def test_months_outside_the_plan_are_none_of_it() -> None:
    span = read_span("2025")
    assert span is not None
    assert span.within(START) == (0, 1, 2)
    assert months_in_words((0, 1, 2, 5), START) == "2025-10 to 2025-12, 2026-03"
