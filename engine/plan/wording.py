"""Goals written in words: what they say that can be held against a plan, and what they leave open.

English and Chinese. Nothing is guessed into the model: a goal in words is never simulated, only answered with what it
lacks and with the form to write.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass

from engine.plan.quantities import read_date, read_money

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE = re.compile(
    r"\d{4}\s*[-/.年]\s*\d{1,2}\s*(?:[-/.月]\s*\d{1,2}\s*日?|月)?"
    r"|\d{1,2}\s*月\s*(?:\d{1,2}\s*日|底|末|前)?"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)?\s+{_MONTH}\b(?:\s*,?\s*\d{{4}})?"
    rf"|\b{_MONTH}\s+\d{{1,2}}\b(?:\s*,?\s*\d{{4}})?"
    rf"|\b(?:in|by|before|until|end of|during)\s+{_MONTH}\b(?:\s+\d{{4}})?"
    r"|\b(?:in|by|before|until|during)\s+\d{4}\b(?!\s*[-/.年]\s*\d)|\d{4}\s*年(?:[底末内前])?"
    r"|\bq[1-4]\b(?:\s*\d{4})?|\bh[12]\b(?:\s*\d{4})?"
    r"|(?:第?[一二三四1-4]季度|上半年|下半年|年底|年末|年内|月底|季末|本年|今年|本季度|本月)"
    r"|(?:每|一个?|[两二三四五六七八九十\d]+个?)\s*(?:季度|月|年|周|天)(?:内|之内)?"
    r"|\b(?:this|next|each|every|per|a|the)\s+(?:year|quarter|month|week|half)\b|\b(?:year|quarter|month)[ -]end\b"
    r"|\b(?:within|in|over)\s+(?:the\s+next\s+)?(?:\w+)\s+(?:days|weeks|months|quarters|years)\b"
    r"|\bend of (?:the )?(?:year|quarter|month)\b|\b(?:annually|monthly|quarterly|yearly)\b",
    re.IGNORECASE,
)
_AMOUNT = re.compile(r"[+-]?\d[\d_,]*(?:\.\d+)?\s*(?:%|％|百万|千万|[kKmM](?![a-zA-Z])|千|万|亿)?")
_NUMBER_WORDS = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|fifty|hundred|thousand|million"
    r"|double|twice|triple|half|a third|a quarter more)\b"
    r"|翻番|翻一番|一倍|两倍|三倍|[一二两三四五六七八九十百]+(?:个|家|单|成|名)",
    re.IGNORECASE,
)
_ISO = re.compile(r"\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}\s*日?")
_WORDS = {
    "deals_won": r"\b(?:deals?|customers?|contracts?|wins?|signings?|orders?)\b|客户(?!满意)|合同|单子|签单|订单",
    "leads": r"\b(?:leads?|prospects?|enquir\w+|inquir\w+)\b|线索|商机",
    "bookings": r"\b(?:bookings?|sales|revenue|turnover|income)\b|销售额|营收|收入|签约额|业绩|销售",
}
_METRICS = {name: re.compile(words, re.IGNORECASE) for name, words in _WORDS.items()}


@dataclass(frozen=True, slots=True)
class Wording:
    """What a goal in words says: a number (or None), a date (or None), and what it seems to count (or None)."""

    number: str | None
    date: str | None
    metric: str | None

    def structured(self) -> str:
        """The goal as it would have to be written, with what is not said left to fill in."""
        amount = "..."
        if self.number is not None and not self.number.rstrip().endswith(("%", "％")):
            with contextlib.suppress(ValueError):
                read_money(self.number)
                amount = self.number.strip()
        until = "YYYY-MM-DD"
        written = _ISO.search(self.date) if self.date is not None else None
        if written is not None:
            with contextlib.suppress(ValueError):
                until = read_date(written.group(0)).isoformat()
        return "{" + f"metric: {self.metric or 'bookings'}, at_least: {amount}, until: {until}" + "}"


def read_wording(statement: str) -> Wording:
    """Find a number, a date and a measure in a goal's words; a date's digits are not a number."""
    dates = [match.group(0).strip() for match in _DATE.finditer(statement)]
    rest = _DATE.sub(" ", statement)
    number = _AMOUNT.search(rest) or _NUMBER_WORDS.search(rest)
    metric = next((name for name, words in _METRICS.items() if words.search(statement)), None)
    return Wording(number.group(0).strip() if number else None, dates[0] if dates else None, metric)
