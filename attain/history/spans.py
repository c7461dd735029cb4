"""Spans of time as people head a quota's column or write in its row: a month, a quarter, a year, with its year or not.

2026-03, 2026年3月, Mar 2026, 3月; 2026Q1, Q1, 一季度; 2026, FY2026, 年度, 全年. A span becomes months of the plan's
horizon, which is twelve months long, so that a month or a quarter without a year is in it just once.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass

_EN = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG = (
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "sept",
    "september",
    "october",
    "november",
    "december",
)
_ZH = ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二")
_NOISE = re.compile(
    r"[(（\[【].*?[)）\]】]|销售|业绩|签约|quota|target|amount|goal|指标|配额|目标|任务|额度|额$|业绩", re.IGNORECASE
)
_YEAR = r"(?:FY)?(?P<y>(?:19|20)\d{2})"
_NAMES = "|".join([*_LONG, *_EN])
_MONTHS = (
    re.compile(rf"^{_YEAR}[-/._]?(?P<m>\d{{1,2}})(?:[-/.]\d{{1,2}})?(?:[T ].*)?$", re.IGNORECASE),
    re.compile(rf"^{_YEAR}年(?P<m>\d{{1,2}})月?(?:份|度)?(?:\d{{1,2}}日)?$", re.IGNORECASE),
    re.compile(rf"^{_YEAR}年(?P<z>[一二三四五六七八九十]{{1,2}})月(?:份|度)?$", re.IGNORECASE),
    re.compile(rf"^{_YEAR}[-/._ ]?(?P<n>{_NAMES})$", re.IGNORECASE),
    re.compile(rf"^(?P<n>{_NAMES})\.?[-/._' ]?{_YEAR}$", re.IGNORECASE),
    re.compile(rf"^(?P<n>{_NAMES})\.?[-/._' ](?P<s>\d{{2}})$", re.IGNORECASE),
    re.compile(r"^(?P<m>\d{1,2})[-/](?P<y>(?:19|20)\d{2})$"),
    re.compile(r"^M?(?P<m>\d{1,2})月(?:份|度)?$|^M(?P<m2>\d{1,2})$", re.IGNORECASE),
    re.compile(r"^(?P<z>[一二三四五六七八九十]{1,2})月(?:份|度)?$"),
    re.compile(rf"^(?P<n>{_NAMES})\.?$", re.IGNORECASE),
)
_QUARTERS = (
    re.compile(rf"^{_YEAR}[-/._ ]?Q(?P<q>[1-4])$", re.IGNORECASE),
    re.compile(rf"^Q(?P<q>[1-4])[-/._' ]?{_YEAR}$", re.IGNORECASE),
    re.compile(rf"^{_YEAR}年?第?(?P<q>[1-4一二三四])季度?$", re.IGNORECASE),
    re.compile(rf"^{_YEAR}年Q(?P<q>[1-4])$", re.IGNORECASE),
    re.compile(r"^Q(?P<q>[1-4])$|^第?(?P<q2>[1-4一二三四])季度?$", re.IGNORECASE),
)
_YEARS = (
    re.compile(rf"^{_YEAR}(?:年|年度|全年)?$", re.IGNORECASE),
    re.compile(r"^(?:year|yearly|annual|fullyear|total|年|年度|全年|合计|年合计)$", re.IGNORECASE),
)


@dataclass(frozen=True, slots=True)
class Span:
    """``first``: its first calendar month, 1 to 12; ``months``: how many; ``year``: None where it is not said."""

    first: int
    months: int
    year: int | None

    @property
    def label(self) -> str:
        """As a mapping names it: 2026-03, 2026-Q1, 2026, M03, Q1, year."""
        part = {1: f"{self.first:02d}", 3: f"Q{(self.first + 2) // 3}", 12: ""}[self.months]
        if self.year is None:
            return {1: f"M{part}", 3: part, 12: "year"}[self.months]
        return f"{self.year}-{part}" if part else str(self.year)

    def within(self, start: dt.date) -> tuple[int, ...]:
        """Which of the twelve months from ``start`` (a first) on are in it, from 0."""
        first = start.year * 12 + start.month - 1
        if self.year is None:
            return tuple(sorted((self.first - 1 + k - first) % 12 for k in range(self.months)))
        begins = self.year * 12 + self.first - 1 - first
        return tuple(m for m in range(begins, begins + self.months) if 0 <= m < 12)


def read_span(text: str) -> Span | None:
    """The span that a header or a cell names; None for any other text."""
    plain = re.sub(r"\s+", " ", text.replace("\u3000", " ")).strip()
    bare = _NOISE.sub("", plain).strip(" -_/:：的")
    for words in dict.fromkeys((plain, bare, bare.replace(" ", ""))):
        found = _month(words) or _quarter(words) or _whole(words)
        if found is not None:
            return found
    return None


def _month(words: str) -> Span | None:
    for pattern in _MONTHS:
        match = pattern.match(words)
        if match is None:
            continue
        part = match.groupdict()
        number = part.get("m") or part.get("m2")
        if number:
            month = int(number)
        elif part.get("z"):
            month = _ZH.index(part["z"]) + 1 if part["z"] in _ZH else 0
        else:
            month = _EN.index(part["n"][:3].lower()) + 1
        if 1 <= month <= 12:
            return Span(month, 1, _year(part))
    return None


def _quarter(words: str) -> Span | None:
    for pattern in _QUARTERS:
        match = pattern.match(words)
        if match is not None:
            part = match.groupdict()
            said = part.get("q") or part.get("q2") or ""
            quarter = _ZH.index(said) + 1 if said in _ZH else int(said)
            return Span(3 * quarter - 2, 3, _year(part))
    return None


def _whole(words: str) -> Span | None:
    for pattern in _YEARS:
        match = pattern.match(words)
        if match is not None:
            return Span(1, 12, _year(match.groupdict()))
    return None


def _year(part: dict[str, str | None]) -> int | None:
    year, short = part.get("y"), part.get("s")
    return int(year) if year else 2000 + int(short) if short else None


def months_in_words(months: Iterable[int], start: dt.date) -> str:
    """Months of the horizon from ``start`` on as labels, runs of them drawn together: 2025-10 to 2025-12, 2026-03."""
    runs: list[list[int]] = []
    for m in sorted(set(months)):
        if runs and m == runs[-1][1] + 1:
            runs[-1][1] = m
        else:
            runs.append([m, m])
    return ", ".join(_label(a, start) + (f" to {_label(b, start)}" if b > a else "") for a, b in runs)


def _label(month: int, start: dt.date) -> str:
    index = start.year * 12 + start.month - 1 + month
    return f"{index // 12:04d}-{index % 12 + 1:02d}"
