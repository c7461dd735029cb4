"""Sentences kept as a key and values, and said in a language when they are shown.

Summaries hold these, so that a run is summed up once and read in any language. Values are numbers with their meaning
(`Amount`, `Share`, `Count`, `Month`), names as plain text, other sentences, or tuples of any of these.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from attain.wording.numbers import (
    Language,
    chance,
    counted,
    date,
    joined,
    likelihood,
    money,
    month,
    noun,
    number,
    percent,
)
from attain.wording.texts import TEXTS


def text(key: str, language: Language = "en", **values: object) -> str:
    """The text of a key in a language, its {places} filled in. KeyError for a key that has none."""
    pair = TEXTS[key]
    return pair[1 if language == "zh" else 0].format_map(
        {name: said(value, language) for name, value in values.items()}
    )


@dataclass(frozen=True)
class Sentence:
    """A text's key and what goes into it."""

    key: str
    values: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def say(self, language: Language = "en") -> str:
        """The sentence in a language."""
        return text(self.key, language, **dict(self.values))


def sentence(key: str, **values: object) -> Sentence:
    """A sentence from its key and values."""
    if key not in TEXTS:
        raise KeyError(key)
    return Sentence(key, MappingProxyType(values))


class Told(str):
    """A sentence that is its English text wherever text is wanted (comments, JSON), and can be said in Chinese."""

    __slots__ = ("sentence",)
    sentence: Sentence

    def say(self, language: Language = "en") -> str:
        """The sentence in a language."""
        return self.sentence.say(language)

    def __reduce__(self) -> tuple[object, ...]:
        return _told_again, (self.sentence.key, dict(self.sentence.values))


def told(key: str, **values: object) -> Told:
    """A text of the table as a string of its English that remembers what it says. KeyError for a key that has none."""
    kept = sentence(key, **values)
    text_of = Told(kept.say())
    text_of.sentence = kept
    return text_of


def _told_again(key: str, values: Mapping[str, object]) -> Told:
    return told(key, **values)


def in_language(words: str, language: Language = "en") -> str:
    """What was told, in a language; other text as it is."""
    return words.say(language) if isinstance(words, Told) else words


@dataclass(frozen=True)
class Series:
    """Parts one after another, without an "and"; with a comma between them, unless another mark is given."""

    parts: tuple[object, ...]
    mark: str = ", "


@dataclass(frozen=True)
class Amount:
    """Money in major units."""

    value: float
    currency: str = ""


@dataclass(frozen=True)
class Share:
    """A share or probability, said as a percentage; see ``numbers.percent`` for the decimals."""

    value: float
    decimals: int | None = None


@dataclass(frozen=True)
class Count:
    """A number of something; see ``numbers.counted`` for the nouns."""

    value: float
    noun: str


@dataclass(frozen=True)
class Chance:
    """A probability, said as a frequency; `inside` a sentence it begins with a small letter."""

    value: float
    inside: bool = False


@dataclass(frozen=True)
class Likelihood:
    """A probability, said in words."""

    value: float


@dataclass(frozen=True)
class Month:
    """A month or quarter by its label."""

    label: str


@dataclass(frozen=True)
class Metric:
    """What a goal counts."""

    name: str


def said(value: object, language: Language = "en") -> str:
    """Any value of a sentence as text."""
    match value:
        case Sentence() | Told():
            return value.say(language)
        case Series():
            mark = {", ": "，", "; ": "；"}.get(value.mark, value.mark) if language == "zh" else value.mark
            return mark.join(said(part, language) for part in value.parts)
        case Amount():
            return money(value.value, value.currency, language)
        case Share():
            return percent(value.value, language, value.decimals)
        case Count():
            return counted(value.value, value.noun, language)
        case Chance():
            words = chance(value.value, language)
            return words[0].lower() + words[1:] if value.inside else words
        case Likelihood():
            return likelihood(value.value, language)
        case Month():
            return month(value.label, language)
        case Metric():
            return text("metric.bookings", language) if value.name == "bookings" else noun(value.name, language)
        case dt.date():
            return date(value, language)
        case bool():
            return str(value)
        case int() | float():
            return number(value, language)
        case tuple() | list():
            return joined([said(item, language) for item in value], language)
    return str(value)
