"""Refusals of histories in Chinese: the English sentence -> the Chinese one, with what it quotes left as it is.

A refusal is raised as an English sentence, by whoever finds the fault, and may quote another. Only a Chinese screen
asks for more: there the sentence is recognised by its words. One that is not in the table is shown as it was raised.
"""

from __future__ import annotations

import re
from functools import cache

from attain.wording.numbers import Language
from attain.wording.sentences import in_language
from attain.wording.texts_refusals import REFUSALS

_FIELD = re.compile(r"\\\{(\w+)\\\}")
_COUNTED = {"deals": "个商机", "rows": "行"}
_COUNT = re.compile(r"(\d[\d,]*) (deals|rows)\b")
_FILE = re.compile(r"(?P<file>[^:：]{1,200}): (?P<why>.+)", re.DOTALL)


def refusal_in(words: str, language: Language = "en") -> str:
    """A refusal, or why a row was left out, in a language."""
    if language == "en":
        return words
    return _chinese(in_language(words, language))


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The table, the longest sentences first: a short one may be the beginning of a longer."""
    rows = []
    for english in sorted(REFUSALS, key=len, reverse=True):
        literal = english.replace("{{", "\x01").replace("}}", "\x02")
        shape = _FIELD.sub(r"(?P<\1>.+?)", re.escape(literal)).replace("\x01", "{").replace("\x02", "}")
        rows.append((re.compile(shape, re.DOTALL), REFUSALS[english]))
    return tuple(rows)


def _chinese(words: str) -> str:
    for pattern, chinese in _patterns():
        match = pattern.fullmatch(words)
        if match is not None:
            return chinese.format(**{name: _part(name, said) for name, said in match.groupdict().items()})
    match = _FILE.fullmatch(words)
    if match is None:
        return words
    why = _chinese(match["why"])
    return f"{match['file']}：{why}" if why != match["why"] else words


def _part(name: str, said: str) -> str:
    """``why`` is a sentence itself, ``whys`` some with semicolons between them; anything else is quoted."""
    if name == "why":
        return _chinese(said)
    if name == "whys":
        return "；".join(_chinese(part) for part in re.split(r"; (?:nor for )?", said))
    return _COUNT.sub(lambda match: f"{match[1]} {_COUNTED[match[2]]}", said)
