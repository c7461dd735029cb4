"""The page's words: texts, numbers and intervals in its language and currency, for templates and figures."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

from attain.wording import TEXTS, Language, chance, counted, likelihood, money, month, number, percent, said, text
from attain.wording import date as dated
from engine.statistics import Estimate, Interval


@dataclass(frozen=True)
class Words:
    """Says things in one language; amounts in one currency."""

    language: Language
    currency: str

    def t(self, key: str, **values: object) -> str:
        """A text of the table."""
        return text(key, self.language, **values)

    def has(self, key: str) -> bool:
        """Whether the table has this text."""
        return key in TEXTS

    def say(self, value: object) -> str:
        """Any value that a sentence may hold, or a sentence."""
        return said(value, self.language)

    def sentence(self, value: object) -> str:
        """A sentence that begins a line: its first letter large."""
        words = self.say(value)
        return words[:1].upper() + words[1:]

    def money(self, value: float | None) -> str:
        """An amount with its currency."""
        return "–" if value is None else money(value, self.currency, self.language)

    def amount(self, value: float | None) -> str:
        """An amount without its currency, for tables that name it once."""
        return "–" if value is None else money(value, "", self.language)

    def value(self, value: float | None, unit: str) -> str:
        """A goal's value: money, or a number."""
        if value is None:
            return "–"
        return self.money(value) if unit == "money" else number(value, self.language)

    def num(self, value: float | None) -> str:
        """A plain number."""
        return "–" if value is None else number(value, self.language)

    def pct(self, share: float | None) -> str:
        """A share as a percentage."""
        return "–" if share is None else percent(share, self.language)

    def ratio(self, share: float | None) -> str:
        """A ratio that may pass one, in whole percent."""
        return "–" if share is None else f"{100.0 * share:.0f}%"

    def points(self, points: float | None) -> str:
        """Points with their sign."""
        return "–" if points is None or not math.isfinite(points) else f"{points:+.1f}".replace("-", "−")

    def change(self, before: float, after: float) -> str:
        """A change in percent of what was there before."""
        if before == 0.0:
            return "–" if after == 0.0 else self.t("report.optimised.new")
        return f"{100.0 * (after - before) / before:+.0f}%".replace("-", "−").replace("+0%", "0%").replace("−0%", "0%")

    def chance(self, p: float) -> str:
        """A probability as a frequency."""
        return chance(p, self.language)

    def likelihood(self, p: float) -> str:
        """A probability in words."""
        return likelihood(p, self.language)

    def counted(self, n: float, noun: str) -> str:
        """A number of things."""
        return counted(n, noun, self.language)

    def month(self, label: str) -> str:
        """A month's label."""
        return month(label, self.language)

    def date(self, iso: str) -> str:
        """A date from its ISO form."""
        return dated(dt.date.fromisoformat(iso), self.language)

    def ends(self, estimate: Estimate | Interval | tuple[float, float]) -> str:
        """A probability's interval."""
        low, high = (estimate.low, estimate.high) if isinstance(estimate, (Estimate, Interval)) else estimate
        return self.t("report.from_to", low=self.pct(low), high=self.pct(high))

    def range(self, low: float | None, high: float | None, unit: str = "money") -> str:
        """From one amount to another; the currency stands once, in the column's head."""
        say = self.amount if unit == "money" else self.num
        return self.t("report.from_to", low=say(low), high=say(high))

    def unit(self, largest: float) -> tuple[float, str]:
        """What a figure's amounts are divided by, and what the unit is called."""
        steps: tuple[tuple[float, str], ...] = ((1e9, "billion"), (1e6, "million"), (1e4, "thousand"))
        if self.language == "zh":
            steps = ((1e8, "yi"), (1e4, "wan"))
        size = next((step for step in steps if largest >= step[0]), (1.0, "one"))
        divisor = 1e3 if size[1] == "thousand" else size[0]
        name = money(0.0, self.currency, self.language).removeprefix("0").strip()
        return divisor, self.t(f"report.unit.{size[1]}", currency=name)
