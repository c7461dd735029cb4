"""What the parts of a generated plan are picked from, simplest first, so that shrinking ends at something plain.

Distributions are literals and not made of drawn numbers: their arithmetic is one code for all engines, and a plan with
forty parts stays a few hundred draws. Constants are few and small, so that in most plans much happens at one instant.

What draws takes a `random.Random`. The strategies give it Hypothesis's own, whose numbers shrink like any other draw's;
it costs less than a strategy a number, and Hypothesis, seeing no strategies inside, spends its runs on new plans, not
on the last one with some part copied over another.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, TypeVar

from tests.generated.documents import COLUMNS

T = TypeVar("T")


def number(rng: Random, most: int) -> int:
    """A number from 0 to `most`."""
    return rng.randint(0, most) if most else 0


def pick(rng: Random, options: Sequence[T]) -> T:
    """One of the options."""
    return options[number(rng, len(options) - 1)]


def chance(rng: Random, of: int) -> bool:
    """True once in `of`."""
    return number(rng, of - 1) == of - 1


def some(rng: Random, options: Sequence[T], most: int = 3) -> list[T]:
    """One to `most` of the options, each once, in the order of the draws."""
    return list(dict.fromkeys(pick(rng, options) for _ in range(1 + number(rng, most - 1))))


def column(name: str, **unit: str) -> Any:
    """An empirical distribution from the file of columns."""
    return {"empirical": {"file": COLUMNS, "column": name, **unit}}


# --- names: in several scripts, with what CSV and YAML must quote, listed in another order than the sorted one -------

REPS = ("Wu", "Li", "Ярослав", "张伟", "نور", 'O\'Neil, "Jr": #1')
PRODUCTS = ("ERP", "Ёлка", "クラウド")
SEGMENTS = ("retail", "finance", "制造")
STAGES = ("lead", "提案", "Vertrag: unterschrieben", "delivery", "renewal")
SOURCES = ("web", "展会", "alte Liste")
MANY = 300  # more than a byte tells apart
MANY_STAGES = 50  # as many as a plan may have
TREES: tuple[dict[str, Any], ...] = (
    {"North": {}},
    {"South": {}, "North": {}},
    {"华北": {"北京": {}, "河北": {"石家庄": {}}}},
    {"Süd": {}, "华北": {"河北": {"石家庄": {}, "保定": {}}, "北京": {}}},
    {"a": {"b": {"c": {"d": {"e": {}}}}}},
    {"East": {"E2": {}, "E1": {}}, "West": {"W1": {}}, "Far": {}},
)

# --- time ------------------------------------------------------------------------------------------------------------

# Horizon and calendar: days of equal length over two months and more, so that constants end on a month's boundary; one
# day; months in which nobody works; public holidays with a single working day before them; other weekends.
_FEBRUARY = [f"2026-02-{day:02}" for day in range(1, 29)]
HORIZONS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("2026-06-01", "2026-06-10", {"days": 10}),
    ("2026-06-16", "2026-07-15", {"days": 6}),
    ("2026-04-01", "2026-06-30", {"days": 6}),
    ("2026-02-15", "2026-05-15", {"days": 8}),
    ("2026-01-05", "2026-01-05", {"days": 1}),
    ("2026-01-05", "2026-01-05", {}),
    ("2026-01-01", "2026-01-31", {"days": 40, "hours_per_day": 7.6}),
    ("2025-11-01", "2027-02-28", {"days": 16, "hours_per_day": 2}),
    ("2026-02-28", "2026-03-13", {}),
    ("2026-02-02", "2026-03-01", {}),
    ("2026-01-26", "2026-03-06", {"holidays": _FEBRUARY}),
    ("2026-02-14", "2026-02-23", {"country": "CN"}),
    ("2026-02-09", "2026-03-06", {"country": "CN"}),
    ("2026-02-09", "2026-02-28", {"country": "CN", "makeup_workdays": False}),
    ("2026-12-21", "2027-01-08", {"country": "DE", "subdivision": "BY", "hours_per_day": 7.5}),
    ("2026-06-29", "2026-07-10", {"country": "US", "workdays": ["2026-07-04"]}),
    ("2026-05-20", "2026-06-03", {"country": "SA"}),
    ("2026-05-01", "2026-05-20", {"weekend": []}),
    ("2026-05-01", "2026-05-20", {"weekend": ["fri", "sat"], "hours_per_day": 1}),
    ("2026-01-01", "2026-12-31", {"country": "CN"}),
)

RAMPS: tuple[Any, ...] = (
    "1 mo", {"over": "30 cd", "starts_at": 0}, {"over": "6 mo", "starts_at": "50%"}, "3 h", "0 d",
    {"over": "2 w", "starts_at": 1},
)  # fmt: skip
TIED = ("1 h", "0 h", "2 h", "4 h", "1 d")
STEPPED = (
    {"empirical": {"values": ["0 h", "2 h"]}},
    {"quantiles": {"0%": "0 h", "50%": "2 h", "100%": "2 h"}},
    column("time", unit="h"),
)
SMOOTH = (
    {"exponential": {"mean": "3 h"}},
    {"uniform": {"low": "1 h", "high": "9 h"}},
    {"triangular": {"low": "0 h", "mode": "1 h", "high": "8 h"}},
    {"lognormal": {"median": "2 h", "p90": "7 h"}},
    {"lognormal": {"median": "2 h", "sigma": 0.6}},
    {"lognormal": {"mean": "4 h", "cv": 0.6}},
    {"weibull": {"median": "2 h", "shape": 0.7}},
    {"weibull": {"mean": "3 h", "shape": 2}},
    {"quantiles": {"0": "0 h", "0.5": "4 h", "1": "30 h"}},
)
LONG = ("2 d", "1 w", {"exponential": {"mean": "4 d"}}, {"lognormal": {"median": "3 d", "p90": "9 d"}})
CALENDAR_TIED = ("1 cd", "3 cd", {"empirical": {"values": ["1 cd", "2 cd"]}}, column("time", unit="cd"))
CALENDAR_SMOOTH = (
    {"exponential": {"mean": "3 cd"}},
    {"uniform": {"low": "1 cd", "high": "9 cd"}},
    {"lognormal": {"median": "0.2 mo", "sigma": 0.5}},
    {"quantiles": {"0": "0 cd", "1": "7 cd"}},
    {"weibull": {"mean": "500 cd", "shape": 0.5}},  # past the dates that the calendar knows one by one
)
PATIENCE = ("1 h", "2 h", "4 h", "1 d", "3 d")
CALENDAR_PATIENCE = ("1 cd", "2 cd", "0.5 mo")
AGES = ("0 d", "1 h", "4 h", "1 d", "3 d", "1 w", "2 cd", "40 d", "1 mo", "500 d", "900 cd")

# How a plan's durations are made; the calendar's days are left out where `plain` is asked for.
STYLES: dict[str, tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]] = {  # work, waits, waits in calendar days
    "tied": (TIED, TIED, CALENDAR_TIED[:2]),
    "any": ((*TIED, *STEPPED, *SMOOTH), (*TIED, *STEPPED, *SMOOTH, *LONG), (*CALENDAR_TIED, *CALENDAR_SMOOTH)),
    "stepped": ((*TIED, *STEPPED), (*TIED, *STEPPED), CALENDAR_TIED),
    "no work": (("0 h",), (*TIED, *STEPPED, *SMOOTH, *LONG), CALENDAR_TIED),
}
FREQUENT = ("tied", "any", "stepped", "any", "no work")  # the styles, some of them more often

# --- probabilities, amounts ------------------------------------------------------------------------------------------

ADVANCE: tuple[Any, ...] = (0.9, 1, 0.5, {"wins": 3, "of": 4}, "80%", 0, {"wins": 0, "of": 1}, 1, 0.7)
ODDS = (0.3, 2.5, 1.2)
VALUES: tuple[Any, ...] = (
    100,
    {"uniform": {"low": 0, "high": 9}},
    {"lognormal": {"mean": 1000, "cv": 0.6}},
    {"lognormal": {"median": "1万", "p90": "3万"}},
    {"triangular": {"low": 1, "mode": 2, "high": 6}},
    {"exponential": {"mean": 50}},
    {"weibull": {"mean": 100, "shape": 1.5}},
    {"empirical": {"values": [1, 2.5, 2.5, 100]}},
    column("amount"),
    {"quantiles": {"0": 0, "0.5": 10, "1": "1千"}},
    0,
    12.345,
)
SCORES: tuple[Any, ...] = (
    {"uniform": {"low": 0, "high": 1}},
    0.5,
    {"empirical": {"values": [0.2, 0.8]}},
    column("score"),
    {"triangular": {"low": 0, "mode": 0.7, "high": 1}},
    {"quantiles": {"0": 0, "0.7": 0.4, "1": 1}},
)
HILLS = (
    {"hill": {"most_leads_per_month": 40, "half_at": 500}},
    {"hill": {"most_leads_per_month": 60, "half_at": 900, "shape": 2}},
)
LINEARS = ({"linear": {"cost_per_lead": 100}}, {"linear": {"cost_per_lead": 50, "most_leads_per_month": 20}})
SPEND = (2000, 0, 900, "1万")
WEIGHTS = (1, 2, 0.5, "10%", 0)
ECONOMIES: tuple[dict[str, Any], ...] = (
    {"sd": 0.5},
    {"sd": 0.3, "persistence": 0.8, "regional_sd": 0.4},
    {"regional_sd": 0.6, "leads": 0},
    {"sd": 0.2, "conversion": -2, "leads": 2},
    {"index": [2, 0.5, 1]},
    {"index": [0.1, 3, 1], "sd": 0.3, "conversion": 3},
)
