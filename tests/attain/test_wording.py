"""Words for people: boundaries of the scales, money and dates in both languages, and a table without gaps."""

from __future__ import annotations

import datetime as dt
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attain.wording import (
    TEXTS,
    Amount,
    Chance,
    Count,
    Metric,
    Month,
    Share,
    chance,
    counted,
    date,
    joined,
    likelihood,
    money,
    month,
    number,
    percent,
    said,
    sentence,
    span,
    text,
)


@pytest.mark.parametrize(
    ("p", "words", "chinese"),
    [
        (0.0, "Almost never", "几乎不会"),
        (0.00499, "Almost never", "几乎不会"),
        (0.005, "About 1 time in 100", "大约 100 次中有 1 次"),
        (0.0249, "About 2 times in 100", "大约 100 次中有 2 次"),
        (0.03499, "About 3 times in 100", "大约 100 次中有 3 次"),
        (0.035, "About 1 time in 20", "大约 20 次中有 1 次"),
        (0.0749, "About 1 time in 20", "大约 20 次中有 1 次"),
        (0.075, "About 1 time in 10", "大约 10 次中有 1 次"),
        (0.1499, "About 1 time in 10", "大约 10 次中有 1 次"),
        (0.15, "About 2 times in 10", "大约 10 次中有 2 次"),
        (0.49, "About 5 times in 10", "大约 10 次中有 5 次"),
        (0.55, "About 6 times in 10", "大约 10 次中有 6 次"),
        (0.9249, "About 9 times in 10", "大约 10 次中有 9 次"),
        (0.925, "About 19 times in 20", "大约 20 次中有 19 次"),
        (0.9649, "About 19 times in 20", "大约 20 次中有 19 次"),
        (0.965, "About 97 times in 100", "大约 100 次中有 97 次"),
        (0.9949, "About 99 times in 100", "大约 100 次中有 99 次"),
        (0.995, "Almost always", "几乎总会"),
        (1.0, "Almost always", "几乎总会"),
    ],
)
def test_a_chance_as_a_frequency(p: float, words: str, chinese: str) -> None:
    assert chance(p) == words
    assert chance(p, "zh") == chinese


@given(st.floats(0.005, 0.9949))
def test_a_frequency_is_near_its_probability(p: float) -> None:
    found = re.fullmatch(r"About (\d+) times? in (\d+)", chance(p))
    assert found is not None
    times, of = int(found[1]), int(found[2])
    assert abs(times / of - p) <= 0.5 / of + 0.0251


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (0.0, "exceptionally unlikely"), (0.0099, "exceptionally unlikely"), (0.01, "very unlikely"),
        (0.0999, "very unlikely"), (0.10, "unlikely"), (0.3299, "unlikely"), (0.33, "about as likely as not"),
        (0.6599, "about as likely as not"), (0.66, "likely"), (0.8999, "likely"), (0.90, "very likely"),
        (0.9899, "very likely"), (0.99, "virtually certain"), (1.0, "virtually certain"),
    ],
)  # fmt: skip
def test_a_likelihood_in_words(p: float, words: str) -> None:
    assert likelihood(p) == words


def test_a_likelihood_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nan"):
        likelihood(float("nan"))


@pytest.mark.parametrize(
    ("amount", "english", "chinese"),
    [
        (0, "0", "0"),
        (12.5, "12.50", "12.50"),
        (9_876, "9,876", "9,876"),
        (453_212, "453,200", "45.32万"),
        (999_949, "999,900", "99.99万"),
        (999_960, "1.00 M", "100万"),
        (1_234_567, "1.23 M", "123.5万"),
        (9_996_000, "10.0 M", "999.6万"),
        (1_234_600, "1.23 M", "123.5万"),
        (50_000_000, "50.0 M", "5000万"),
        (99_999_999, "100.0 M", "1亿"),
        (120_000_000, "120.0 M", "1.2亿"),
        (1_234_000_000, "1.23 B", "12.34亿"),
        (-4_100_000, "-4.10 M", "-410万"),
        (float("inf"), "–", "–"),
        (float("nan"), "–", "–"),
    ],
)
def test_money(amount: float, english: str, chinese: str) -> None:
    assert money(amount) == english
    assert money(amount, "", "zh") == chinese


def test_money_with_its_currency_and_in_full() -> None:
    assert money(50e6, "CNY") == "50.0 M CNY"
    assert money(50e6, "CNY", "zh") == "5000万元"
    assert money(1.2e8, "USD", "zh") == "1.2亿美元"
    assert money(1.2e8, "CHF", "zh") == "1.2亿 CHF"
    assert money(1_234_567, "EUR", full=True) == "1,234,567 EUR"


@given(st.floats(1.0, 1e11))
def test_money_is_rounded_to_what_it_says(amount: float) -> None:
    shown = money(amount)
    factor = {"M": 1e6, "B": 1e9}.get(shown[-1], 1.0)
    assert float(shown.rstrip(" MB").replace(",", "")) * factor == pytest.approx(amount, rel=0.006)
    chinese = money(amount, "", "zh")
    factor = {"万": 1e4, "亿": 1e8}.get(chinese[-1], 1.0)
    assert float(chinese.rstrip("万亿").replace(",", "")) * factor == pytest.approx(amount, rel=0.006)


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.0, "0%"), (0.0004, "<0.1%"), (0.0006, "0.1%"), (0.034, "3.4%"), (0.0994, "9.9%"), (0.0996, "10%"),
        (0.524, "52%"), (0.9, "90%"), (0.918, "91.8%"), (0.99949, "99.9%"), (0.99951, ">99.9%"), (1.0, "100%"),
        (1.2, "120%"), (float("nan"), "–"),
    ],
)  # fmt: skip
def test_a_percentage_is_never_falsely_certain(share: float, shown: str) -> None:
    assert percent(share) == shown


def test_a_span_of_time_is_in_the_unit_it_is_told_in() -> None:
    assert [span(d) for d in (7.78, 1.0, 0.272, 0.00644, 0.000486, 0.0, 1e-7, float("nan"))] == [
        "7.78 days", "1 day", "6.53 h", "9.27 min", "42 s", "0 days", "0.00864 s", "–",
    ]  # fmt: skip
    assert [span(d, "zh") for d in (7.78, 0.272, 0.00644, 0.000486)] == ["7.78 天", "6.53 小时", "9.27 分钟", "42 秒"]


def test_numbers_counts_and_dates() -> None:
    assert [number(x) for x in (0.0, -0.0, 3.0, 0.354, 4.14, 99.96, 1234.5)] == [
        "0",
        "0",
        "3",
        "0.35",
        "4.1",
        "100.0",
        "1,234",
    ]
    assert counted(1, "deal") == "1 deal"
    assert counted(4.1, "deal") == "4.1 deals"
    assert counted(4.1, "deal", "zh") == "4.1 个商机"
    assert counted(40, "visits") == "40 visits"
    assert date(dt.date(2026, 1, 31)) == "31 Jan 2026"
    assert date(dt.date(2026, 1, 31), "zh") == "2026年1月31日"
    assert [month("2026-03"), month("2026-Q2"), month("2026-03", year=False)] == ["Mar 2026", "Q2 2026", "Mar"]
    assert [month("2026-03", "zh"), month("2026-Q2", "zh")] == ["2026年3月", "2026年二季度"]
    assert [joined(["a"]), joined(["a", "b", "c"]), joined(["a", "b"], "zh")] == ["a", "a, b and c", "a和b"]


def test_sentences_are_said_in_the_language_of_the_moment() -> None:
    what = sentence("goal.of", amount=Amount(5e7, "CNY"), metric=Metric("bookings"))
    goal = sentence("goal.by", what=what, scope="", until=dt.date(2026, 12, 31))
    assert goal.say() == "at least 50.0 M CNY of bookings by 31 Dec 2026"
    assert goal.say("zh") == "截至2026年12月31日，签约额至少 5000万元"
    assert said((Share(0.5), Count(2, "rep"), Month("2026-01"), Chance(0.5, inside=True))) == (
        "50%, 2 reps, Jan 2026 and about 5 times in 10"
    )


def test_names_from_outside_are_not_read_as_places() -> None:
    assert text("driver.advance", stage="{evil} {0}") == "the conversion of {evil} {0}"


def test_unknown_texts_are_refused() -> None:
    with pytest.raises(KeyError):
        text("no.such.text")
    with pytest.raises(KeyError):
        sentence("no.such.text")


def test_every_text_has_both_languages_with_the_same_places() -> None:
    for key, (english, chinese) in TEXTS.items():
        assert english, key
        assert chinese, key
        assert places(english) == places(chinese), key


def places(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}
