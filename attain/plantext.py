"""Names, numbers, waits, amounts and odds as a fitted plan's file writes them: what ``planfile`` puts together.

Names go in quoted where YAML would read them as anything else; text from outside stays on its comment's line.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable

from attain.effort import Effort, Efforts, pressed
from attain.wording import Language, in_language, text
from engine.fit.amounts import Amount
from engine.fit.durations import Wait

_PLAIN = re.compile(r"^[^\W\d_][\w .\-/&()]*$")
_WORDS = {"yes", "no", "on", "off", "true", "false", "null", "y", "n", "none", "nan", "inf"}


class Comments:
    """The comments of a plan in one language."""

    def __init__(self, language: Language = "en") -> None:
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        return text(f"planfile.{key}", self.language, **{k: str(v) for k, v in values.items()})

    def outside(self, words: str) -> str:
        """What was told of the history, or text from outside: in the language as far as it is ours, on one line."""
        return said(in_language(words, self.language))

    def range(self, low: float, high: float) -> str:
        """0.2 to 0.4."""
        return self("to", low=number(low, 2), high=number(high, 2))


def name(word: str) -> str:
    """A name as YAML: plain where that is safe in block and flow, else in double quotes."""
    if _PLAIN.match(word) and word.lower() not in _WORDS and word == word.strip():
        return word
    return json.dumps(word, ensure_ascii=False)


def number(x: float, digits: int = 4) -> str:
    """A number to so many significant digits, without an exponent, thousands set apart by underscores: 20_730_000."""
    if x == 0:
        return "0"
    rounded = float(f"{x:.{digits}g}")
    if abs(rounded) >= 10_000:
        return f"{rounded:_.0f}"
    if rounded == int(rounded):
        return f"{rounded:.0f}"
    return f"{rounded:.12f}".rstrip("0")


def said(words: str) -> str:
    """Text from outside for a comment: on one line."""
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", words)


def _days(x: float) -> str:
    return f"{number(x)} cd"


def wait_form(wait: Wait | None) -> str:
    """A wait as the plan writes it."""
    if wait is None:
        return "0 cd"
    p = wait.parameters
    of = _known(wait.of, wait.spread_of)
    if wait.family == "constant":
        return _days(p[0])
    if wait.family == "exponential":
        return f"{{exponential: {{mean: {_days(p[0])}{of}}}}}"
    if wait.family == "lognormal":
        return f"{{lognormal: {{median: {_days(p[0])}, sigma: {number(p[1])}{of}}}}}"
    if wait.family == "weibull":
        return f"{{weibull: {{median: {_days(p[0])}, shape: {number(p[1])}{of}}}}}"
    return _table(wait.levels, p, _days, wait.of)


def work_form(effort: Effort | None, split: bool, say: Comments) -> str:
    """A stage's work as the plan writes it, with what it rests on. Visits' own efforts differ as an exponential's do;
    its mean is such that the mean over its posterior is what was found."""
    if effort is None:
        return f"0 h  # {say('no_effort')}"
    mean = effort.hours * (effort.of - 1) / effort.of
    values = {"hours": number(effort.hours, 3), "low": number(effort.low, 3), "high": number(effort.high, 3)}
    sure = say("work_split" if split else "work_alike", visits=f"{effort.visits:,}", **values)
    return f"{{exponential: {{mean: {number(mean)} h{_known(effort.of)}}}}}  # {sure}"


def effort_head(found: Efforts | None, say: Comments) -> list[str]:
    """What work rests on, above the stages."""
    if found is None:
        return [f"stages:  # {say('no_work')}"]
    counts = {k: f"{v:,.0f}" for k, v in (("people", found.people), ("hours", found.hours), ("months", found.months))}
    lines = [
        "stages:",
        f"  # {say('effort_hours', **counts)}",
        f"  # {say('effort_busy', busy=f'{found.busy:.0%}', visits=f'{found.visits:,}')}",
        f"  # {say('effort_mean', mean=number(found.mean, 3))}",
        f"  # {say('effort_of')}",
    ]
    if pressed(found.lately) > 1:
        lines.append(f"  # {say('effort_lately', times=number(found.lately, 3))}")
    if not found.split:
        low, high = (number(found.mean * math.exp(z * found.sd), 3) for z in (-1.96, 1.96))
        lines.append(f"  # {say('effort_alike', low=low, high=high)}")
    return [*lines, f"  # {say('effort_waits')}"]


def _known(of: float, spread_of: float = 0.0) -> str:
    """From how many observations a distribution and its spread are known, as the last thing in its form."""
    whole = f", of: {number(max(1.0, of), 3)}" if of > 0 else ""
    return whole + (f", spread_of: {number(max(1.0, spread_of), 3)}" if of > 0 and spread_of > 0 else "")


def _table(levels: tuple[float, ...], values: tuple[float, ...], write: Callable[[float], str], of: float) -> str:
    pairs = ", ".join(f"{level * 100:g}%: {write(v)}" for level, v in zip(levels, values, strict=True))
    return f"{{quantiles: {{{pairs}{_known(of)}}}}}"


def amount_form(amount: Amount) -> str:
    """A distribution of values as the plan writes it."""
    p = amount.parameters
    if amount.family == "constant":
        return number(p[0])
    if amount.family == "lognormal":
        return f"{{lognormal: {{median: {number(p[0])}, sigma: {number(p[1])}{_known(amount.of)}}}}}"
    return _table(amount.levels, p, number, amount.of)


def _odds(odds: dict[str, float], least: float = 0.005) -> str:
    kept = {stage: m for stage, m in odds.items() if abs(m - 1) >= least}
    return "{" + ", ".join(f"{name(s)}: {number(m, 3)}" for s, m in kept.items()) + "}" if kept else ""


def known_odds(indent: str, odds: dict[str, float], sds: dict[str, float], field: str = "advance") -> list[str]:
    """What somebody multiplies odds (``advance``) or waits (``wait``) by, and how sure that is."""
    lines = []
    if written := _odds(odds):
        lines.append(f"{indent}{field}: {written}")
    kept = {stage: sd for stage, sd in sds.items() if sd >= 0.005}
    if kept:
        lines.append(f"{indent}{field}_sd: {{" + ", ".join(f"{name(s)}: {number(v, 2)}" for s, v in kept.items()) + "}")
    return lines
