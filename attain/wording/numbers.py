"""Numbers as people read them, in English and Chinese: money, counts, percentages, chances, dates.

Used by every screen and page, beside the sentences of ``texts``. Pure; amounts come in major units.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CURRENCY_ZH = {"CNY": "元", "USD": "美元", "EUR": "欧元", "JPY": "日元", "HKD": "港元", "GBP": "英镑", "TWD": "新台币"}
# noun -> English for one, English for more, Chinese measure word, Chinese
_NOUNS = {
    "deal": ("deal", "deals", "个", "商机"),
    "deals_won": ("deal won", "deals won", "个", "赢单"),
    "deals_lost": ("deal lost", "deals lost", "个", "丢单"),
    "deals_stale": ("deal gone stale", "deals gone stale", "个", "搁置商机"),
    "lead": ("lead", "leads", "条", "线索"),
    "leads": ("lead", "leads", "条", "线索"),
    "prospect": ("prospect", "prospects", "个", "潜在客户"),
    "rep": ("rep", "reps", "名", "销售"),
    "month": ("month", "months", "个", "月"),
    "quarter": ("quarter", "quarters", "个", "季度"),
    "day": ("working day", "working days", "个", "工作日"),
    "hour": ("hour", "hours", "", "小时"),
    "path": ("path", "paths", "条", "路径"),
    "input": ("input", "inputs", "项", "输入"),
    "quota": ("quota", "quotas", "份", "配额"),
    "goal": ("goal", "goals", "个", "目标"),
    "point": ("point", "points", "个", "百分点"),
}


def _rounded(amount: float, digits: int) -> float:
    """To so many significant digits."""
    return float(f"{amount:.{digits - 1}e}")


def _trimmed(value: float, decimals: int) -> str:
    """With separators and no idle zeros."""
    said = f"{value:,.{decimals}f}"
    return said.rstrip("0").rstrip(".") if "." in said else said


def money(amount: float, currency: str = "", language: Language = "en", *, full: bool = False) -> str:
    """An amount in major units: 50.0 M CNY, 453,200 EUR; 5000万元, 1.2亿元. Without a currency, the number alone.

    Rounded for reading (three to four digits), unless `full`: 1,234,567. Rounding comes before the choice of the unit,
    so that 999,990 reads 1.00 M and 99,999,999 reads 1亿.
    """
    if not math.isfinite(amount):
        return "–"
    said = _money_zh(amount, full) if language == "zh" else _money_en(amount, full)
    if not currency:
        return said
    if language == "zh":
        name = _CURRENCY_ZH.get(currency.upper())
        return f"{said}{name}" if name else f"{said} {currency}"
    return f"{said} {currency}"


def _money_en(amount: float, full: bool) -> str:
    if full:
        return _whole(amount)
    near = _rounded(amount, 4)
    size = abs(near)
    if size >= 1e9:
        return f"{amount / 1e9:,.2f} B"
    if size >= 1e6:  # said from the amount itself: rounding twice would turn 1.2346 into 1.24
        return f"{amount / 1e6:.2f} M" if abs(round(amount / 1e6, 2)) < 10.0 else f"{amount / 1e6:.1f} M"
    return _whole(near)


def _money_zh(amount: float, full: bool) -> str:
    if full:
        return _whole(amount)
    near = _rounded(amount, 4)
    size = abs(near)
    for unit, name in ((1e8, "亿"), (1e4, "万")):
        if size >= unit:
            return _trimmed(near / unit, 4).replace(",", "") + name
    return _whole(near)


def _whole(amount: float) -> str:
    if abs(amount) >= 100 or amount == math.floor(amount):
        return f"{amount:,.0f}".replace("-0", "0") if abs(amount) < 0.5 else f"{amount:,.0f}"
    return f"{amount:,.2f}"


def number(value: float, language: Language = "en") -> str:
    """A count or a ratio: whole from 100 on or where it is whole, else one or two decimals: 4.1, 0.35, 1,234."""
    if not math.isfinite(value):
        return "–"
    size = abs(value)
    if size >= 100 or value == math.floor(value):
        return f"{value + 0.0:,.0f}"
    return f"{value:.1f}" if size >= 1 else _trimmed(value, 2)


_SPANS = ((1.0, "days", "天"), (1 / 24, "h", "小时"), (1 / 1440, "min", "分钟"), (1 / 86400, "s", "秒"))


def span(days: float, language: Language = "en") -> str:
    """So many days in the largest unit of which it is one or more: 7.8 days, 6.5 h, 9.3 min, 42 s."""
    if not math.isfinite(days):
        return "–"
    size, english, chinese = next((unit for unit in _SPANS if abs(days) >= unit[0]), _SPANS[-1 if days else 0])
    shown = f"{days / size:.3g}"
    return f"{shown} {chinese if language == 'zh' else english[:-1] if shown == '1' and size == 1.0 else english}"


def counted(n: float, noun: str, language: Language = "en") -> str:
    """A number with what it counts: 1 deal, 4.1 deals, 4.1 单. A noun that is not known stands as it is."""
    said = number(n, language)
    one, more, measure, chinese = _NOUNS.get(noun, (noun, noun, "", noun))
    if language == "zh":
        return f"{said} {measure}{chinese}"
    return f"{said} {one if said == '1' else more}"


def noun(name: str, language: Language = "en") -> str:
    """What a metric counts, without a number: deals won; a name that is not known stands as it is."""
    _, more, _, chinese = _NOUNS.get(name, (name, name, "", name))
    return chinese if language == "zh" else more


def percent(share: float, language: Language = "en", decimals: int | None = None) -> str:
    """A share as a percentage: whole between 10% and 90%, one decimal nearer the ends, and never a false 0% or 100%."""
    if not math.isfinite(share):
        return "–"
    points = 100.0 * share
    if decimals is None:
        decimals = 0 if 9.95 <= points <= 90.05 else 1
    least = 10.0**-decimals
    if 0.0 < points < least / 2.0:
        return f"<{least:g}%"
    if 100.0 - least / 2.0 < points < 100.0:
        return f">{100.0 - least:g}%"
    return _trimmed(points, decimals) + "%"


def chance(p: float, language: Language = "en") -> str:
    """A probability as a frequency: "About 5 times in 10".

    In tenths from 7.5% to 92.5%, one in twenty around 5% and 95%, in hundredths beyond, and "almost never" and "almost
    always" within half a percent of the ends: a frequency is never said finer than two thousand paths can tell.
    """
    zh = language == "zh"
    if p < 0.005:
        return "几乎不会" if zh else "Almost never"
    if p >= 0.995:
        return "几乎总会" if zh else "Almost always"
    times, of = _frequency(p)
    if zh:
        return f"大约 {of} 次中有 {times} 次"
    return f"About {times} time{'' if times == 1 else 's'} in {of}"


def _frequency(p: float) -> tuple[int, int]:
    if 0.075 <= p < 0.925:
        return max(1, min(9, math.floor(10.0 * p + 0.5))), 10
    if 0.035 <= p < 0.075:
        return 1, 20
    if 0.925 <= p < 0.965:
        return 19, 20
    return max(1, min(99, math.floor(100.0 * p + 0.5))), 100


# The scale of Mastrandrea et al. (2010), "Guidance note for lead authors of the IPCC fifth assessment report", table 1.
_LIKELIHOOD: tuple[tuple[float, str, str], ...] = (
    (0.01, "exceptionally unlikely", "极不可能"),
    (0.10, "very unlikely", "很不可能"),
    (0.33, "unlikely", "不太可能"),
    (0.66, "about as likely as not", "成败各半"),
    (0.90, "likely", "比较可能"),
    (0.99, "very likely", "很可能"),
    (math.inf, "virtually certain", "几乎确定"),
)


def likelihood(p: float, language: Language = "en") -> str:
    """A probability in words, on the IPCC's scale: from "exceptionally unlikely" (below 1%) to "virtually certain".

    Boundaries at 1, 10, 33, 66, 90 and 99%; a value on one gets the word above it (66% is "likely", 90% "very likely").
    """
    for above, english, chinese in _LIKELIHOOD:
        if p < above:
            return chinese if language == "zh" else english
    raise ValueError(f"a probability, not {p}")


def date(day: dt.date, language: Language = "en") -> str:
    """31 Jan 2026; 2026年1月31日."""
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def month(label: str, language: Language = "en", *, year: bool = True) -> str:
    """A month or quarter of a run (2026-01, 2026-Q1) as people say it: Jan 2026; 2026年1月; Q1 2026; 2026年一季度."""
    y, _, m = label.partition("-")
    if not m:
        return label
    if m.startswith("Q"):
        if language == "zh":
            return f"{y}年{'一二三四'[int(m[1]) - 1]}季度" if year else f"{'一二三四'[int(m[1]) - 1]}季度"
        return f"{m} {y}" if year else m
    if language == "zh":
        return f"{y}年{int(m)}月" if year else f"{int(m)}月"
    return f"{_MONTHS[int(m) - 1]} {y}" if year else _MONTHS[int(m) - 1]


def joined(items: list[str], language: Language = "en") -> str:
    """A list as a sentence has it: a, b and c; a、b和c."""
    if len(items) < 2:
        return "".join(items)
    if language == "zh":
        return "、".join(items[:-1]) + "和" + items[-1]
    return ", ".join(items[:-1]) + " and " + items[-1]
