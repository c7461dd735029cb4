"""Names, numbers, waits, amounts and odds as a fitted plan's file writes them: what ``planfile`` puts together.

Names go in quoted where YAML would read them as anything else; text from outside stays on its comment's line.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable

from attain.effort import Effort, Efforts, pressed
from engine.fit.amounts import Amount
from engine.fit.durations import Wait

_PLAIN = re.compile(r"^[^\W\d_][\w .\-/&()]*$")
_WORDS = {"yes", "no", "on", "off", "true", "false", "null", "y", "n", "none", "nan", "inf"}
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def name(text: str) -> str:
    """A name as YAML: plain where that is safe in block and flow, else in double quotes."""
    if _PLAIN.match(text) and text.lower() not in _WORDS and text == text.strip():
        return text
    return json.dumps(text, ensure_ascii=False)


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


def said(text: str) -> str:
    """Text from outside for a comment: on one line."""
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", text)


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


def work_form(effort: Effort | None, split: bool = True) -> str:
    """A stage's work as the plan writes it, with what it rests on. Visits' own efforts differ as an exponential's do;
    its mean is such that the mean over its posterior is what was found."""
    if effort is None:
        return "0 h  # not in the data"
    mean = effort.hours * (effort.of - 1) / effort.of
    sure = f"{number(effort.hours, 3)} h a visit, as any: how they split is not told"
    if split:
        sure = f"{number(effort.hours, 3)} h a visit (95%: {number(effort.low, 3)} to {number(effort.high, 3)})"
    return f"{{exponential: {{mean: {number(mean)} h{_known(effort.of)}}}}}  # {sure}, {effort.visits:,} visits"


def effort_head(found: Efforts | None) -> list[str]:
    """What work rests on, above the stages."""
    if found is None:
        return ["stages:  # effort is not in the data: work is 0 h until you write it, and waits hold the whole time"]
    lines = [
        "stages:",
        f"  # work: {found.people:,} people had {found.hours:,.0f} hours for deals, over {found.months:,.0f} months of "
        f"people's work; that they were busy",
        f"  # {found.busy:.0%} of them is an assumption (--busy), and all work moves in proportion to it. "
        f"{found.visits:,} visits came to them:",
        f"  # {number(found.mean, 3)} h each. Visits' own efforts differ as an exponential's do, which is assumed;",
        "  # of: such that the sum of all is as sure as it is.",
    ]
    if pressed(found.lately) > 1:
        lines.append(
            f"  # They kept up with {number(found.lately, 3)} times the year's visits in the last three months: it is "
            "in these that they were as busy."
        )
    if not found.split:
        low, high = (found.mean * math.exp(z * found.sd) for z in (-1.96, 1.96))
        lines.append(
            f"  # How hours split over stages cannot be told: every visit is given the same (95% of the mean of all: "
            f"{number(low, 3)} to {number(high, 3)})."
        )
    lines.append("  # Waits are what is left of the time in a stage without the queue and the work at that busy part.")
    return lines


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
