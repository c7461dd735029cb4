"""Words for people, English and Chinese: the one home of what screens and pages say.

``text`` fills a text of the table in; ``Sentence`` keeps one to be said later; ``money``, ``percent``, ``chance`` and
the rest say numbers. A new area of texts is a module beside ``texts_summary`` that ``texts`` gathers.
"""

from __future__ import annotations

from attain.wording.numbers import (
    LANGUAGES,
    Language,
    chance,
    counted,
    date,
    joined,
    likelihood,
    money,
    month,
    number,
    percent,
    span,
)
from attain.wording.sentences import (
    Amount,
    Chance,
    Count,
    Likelihood,
    Metric,
    Month,
    Sentence,
    Series,
    Share,
    Told,
    in_language,
    said,
    sentence,
    text,
    told,
)
from attain.wording.texts import TEXTS

__all__ = [
    "LANGUAGES", "TEXTS", "Amount", "Chance", "Count", "Language", "Likelihood", "Metric", "Month", "Sentence",
    "Series", "Share", "Told", "chance", "counted", "date", "in_language",
    "joined", "likelihood", "money", "month", "number", "percent",
    "said", "sentence", "span", "text", "told",
]  # fmt: skip
