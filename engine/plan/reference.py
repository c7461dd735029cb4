"""The plan file reference, written from the types: every section, field, kind of value, default and meaning.

A test holds the page in the docs equal to what `render` gives, so the page cannot go stale.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BeforeValidator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from engine.plan import quantities
from engine.plan.quantities import Duration
from engine.plan.records import AmountDistribution, Record, TimeDistribution, field_words
from engine.plan.types import Account, Actual, OpenDeal, Plan

_READERS = {
    quantities.read_money: "amount",
    quantities.read_duration: "duration",
    quantities.read_share: "share",
    quantities.read_probability: "probability",
    quantities.read_number: "number",
    quantities.read_count: "whole number",
    quantities.read_date: "date",
}
_PLAIN = {str: "text", bool: "true or false", int: "whole number", float: "number", dt.date: "date", Any: "anything"}
_MAPPINGS = {  # what the keys of a mapping are
    "goals": "goal", "products": "product", "segments": "segment", "sources": "source", "advance": "stage",
    "activities": "activity", "reps": "rep", "either": "label", "with_": "goal",
}  # fmt: skip
_NESTED = {  # what the types say only at length
    "regions": "nested names",
    "budget": "amount, or region -> amount, or region -> product -> amount; by region also a list of one a month",
    "mix": "region -> product -> weight",
    "focus": "product -> share, or region -> share, or region -> product -> share",
    "cells": "region -> product -> rep -> weight",
    "floors": "source -> amount, or source -> region -> amount, or source -> region -> product -> amount",
    "caps": "as `floors`",
    "minimum": "amount, or as `floors`",
    "Quota.cells": "region -> product -> amount",
    "DecideHeadcount.regions": "name, or list of names",
    "DecideHeadcount.floors": "region -> whole number",
    "DecideHeadcount.caps": "region -> whole number",
    "weekend": "list of `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`",
    "all_of": "`quotas`, or list of goals",
    "season": "list of 12 weights",
    "phasing": "list of weights",
    "over_assignment": "[number, number]",
}

QUANTITIES = """\
## Numbers, times, money, names

- **number**: `40`, `0.5`, `1_000`. NaN and infinity are refused.
- **duration**: a number and its unit: `h` (working hours), `d` (working days), `w` (five working days), `mo` (calendar
  months), `cd` (calendar days); `小时`, `天`, `周`, `个月` and `自然日` are read too. `0` needs no unit.
- **amount**: in the plan's currency, in major units: `1_000_000`, `300k`, `1.5M`, `5000万`, `1.2亿`.
- **share**, **probability**: `0.2` or `20%`.
- **odds**: how many times the odds p / (1 - p) of the stage apply: `1.2` is a fifth better, `1` changes nothing.
- **date**: year first: `2026-01-31`, `2026/1/31`, `2026年1月31日`.
- **name**: text in any script, of at most 200 characters; names are compared in Unicode normal form NFC.

A field left empty is as if it were not written. Files are named from the plan's folder and must lie in it.
`--set PATH=VALUE` changes one place before the plan is checked: dotted, list items by their name or counted from 1
(`reps.张伟.hours_per_week=45`, `sources.events.budget.North=250_000`, `reps.张伟.quota.months.2=60万`).
"""

DISTRIBUTIONS = """\
## Distributions

Where a field takes a distribution, write one of these; a value alone is a constant. Of a time every value is a
duration, and all of one distribution are working time (`h`, `d`, `w`) or all are calendar time (`mo`, `cd`).

| form | what it is |
|---|---|
| `5 d` or `{constant: 5 d}` | always that |
| `{exponential: {mean: 5 d}}` | exponential |
| `{lognormal: {median: 12 d, p90: 30 d}}` | lognormal by its median and the value that nine in ten stay below |
| `{lognormal: {median: 12 d, sigma: 0.7}}` | lognormal by its median and the standard deviation of its logarithm |
| `{lognormal: {mean: 1_000_000, cv: 0.6}}` | lognormal by its mean and its standard deviation over the mean |
| `{triangular: {low: 1 h, mode: 2 h, high: 6 h}}` | triangular |
| `{uniform: {low: 1 d, high: 5 d}}` | uniform |
| `{weibull: {median: 10 d, shape: 1.5}}` | Weibull by its median (or `mean`) and shape |
| `{quantiles: {0%: 1 d, 50%: 5 d, 90%: 20 d, 100%: 60 d}}` | straight lines between quantiles, from 0% to 100% |
| `{empirical: {values: [3 d, 5 d, 9 d]}}` | one of these, each as likely |
| `{empirical: {file: waits.csv, column: days, unit: d}}` | one of a column's values; `unit` for times, else `d` |

An exponential, lognormal, Weibull or quantiles form may say from how many observations it is known:
`{lognormal: {median: 12 d, sigma: 0.7, of: 40}}`. Its posterior from so many is then drawn once a replication. Where a
lognormal's sigma or a Weibull's shape is known from fewer or more of them than the median, `spread_of` beside `of` says
from how many: `{lognormal: {median: 12 d, sigma: 0.7, of: 40, spread_of: 15}}`.
"""


def _bounds(metadata: list[Any]) -> str:
    low = next(
        (f"above {m.gt:g}" if isinstance(m, Gt) else f"from {m.ge:g}" for m in metadata if isinstance(m, (Gt, Ge))), ""
    )
    high = next(
        (f"below {m.lt:g}" if isinstance(m, Lt) else f"to {m.le:g}" for m in metadata if isinstance(m, (Lt, Le))), ""
    )
    if high.startswith("to ") and float(high[3:]) > 1e5:  # only there to keep arithmetic exact
        high = ""
    if low == "from 0" and not high:
        return ""
    return ", " + " ".join(part for part in (low, high) if part) if low or high else ""


def _words(annotation: Any, metadata: list[Any], field: str) -> str:
    """A type in words."""
    for item in metadata:
        if isinstance(item, BeforeValidator) and item.func in _READERS:
            word = "odds" if field == "advance" and item.func is quantities.read_number else _READERS[item.func]
            return word if word == "odds" else word + ("" if word == "probability" else _bounds(metadata))
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _words(args[0], [*args[1:]], field)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_words(a, [], field) for a in args if a is not NoneType))
    if origin is Literal:
        return ", ".join(f"`{a}`" for a in args)
    if origin is dict:
        key = "class" if get_origin(args[0]) is Literal else _MAPPINGS.get(field, "name")
        return f"{key} -> {_words(args[1], [], field)}"
    if origin is tuple:
        if (
            any(isinstance(m, BeforeValidator) for m in metadata)
            and args[0] is not Any
            and "Literal" not in str(args[0])
        ):
            return "name, or list of names"
        if Ellipsis not in args:
            return f"[{', '.join(_words(a, [], field) for a in args)}]"
        return f"list of {_words(args[0], [], field)}"
    if annotation in (TimeDistribution, AmountDistribution):
        return "distribution of a time" if annotation is TimeDistribution else "distribution"
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    if annotation is Duration:
        return "duration"
    return _PLAIN.get(annotation, str(annotation))


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    default = info.default
    if default is None or default is PydanticUndefined or default in ((), {}) or isinstance(default, Record):
        if isinstance(default, TimeDistribution):
            return f"`{default.value}`"
        if isinstance(default, AmountDistribution) and default.kind == "uniform":
            return "uniform, 0 to 1"
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple):
        return f"`[{', '.join(f'{item:g}' if isinstance(item, float) else str(item) for item in default)}]`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def _one_line(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "").strip().replace("|", "\\|")


def _table(record: type[Record]) -> Iterator[str]:
    yield "| field | value | default | meaning |"
    yield "|---|---|---|---|"
    for name, info in record.model_fields.items():
        plain = isinstance(info.annotation, type) or list(_inside(info.annotation))
        nested = None if plain else _NESTED.get(f"{record.__name__}.{name}", _NESTED.get(name))
        kind = nested or _words(info.annotation, info.metadata, name)
        yield f"| `{info.alias or name}` | {kind} | {_default(info)} | {_one_line(field_words(record).get(name))} |"


def _inside(annotation: Any) -> Iterator[type[Record]]:
    if isinstance(annotation, type) and issubclass(annotation, Record):
        if annotation not in (TimeDistribution, AmountDistribution):
            yield annotation
        return
    for item in get_args(annotation):
        yield from _inside(item)


def records() -> list[type[Record]]:
    """Every record of the plan file, in the order in which a reader meets them."""
    found: dict[type[Record], None] = {}

    def walk(record: type[Record]) -> None:
        if record not in found:
            found[record] = None
            for info in record.model_fields.values():
                for below in _inside(info.annotation):
                    walk(below)

    walk(Plan)
    return list(found)


def _columns(record: type[Record], title: str) -> Iterator[str]:
    from engine.plan.files import SYNONYMS

    yield f"### {title}"
    yield ""
    yield _one_line(record.__doc__)
    yield ""
    yield "| column | also read as | value | meaning |"
    yield "|---|---|---|---|"
    for name, info in record.model_fields.items():
        words = _words(info.annotation, info.metadata, name)
        needed = " (required)" if info.is_required() else ""
        meaning = _one_line(field_words(record).get(name))
        yield f"| `{name}`{needed} | {', '.join(SYNONYMS.get(name, ()))} | {words} | {meaning} |"
    yield ""


def render() -> str:
    """The reference as Markdown."""
    lines = [
        "# The plan file",
        "",
        "Generated from the types by `engine/plan/reference.py`; do not edit. A plan is a YAML file (1.2) of the",
        "sections below. `attain new` writes one to start from, `attain check` says what is wrong with one, and",
        "`attain schema` prints the JSON Schema for editors.",
        "",
        *QUANTITIES.splitlines(),
        "",
        *DISTRIBUTIONS.splitlines(),
        "",
    ]
    for record in records():
        title = "The sections" if record is Plan else record.__name__
        lines += [f"## {title}", "", _one_line(record.__doc__), "", *_table(record), ""]
    lines += [
        "## The files beside a plan",
        "",
        "Tables of text with a header row: CSV with commas, semicolons, tabs or bars, in UTF-8, GBK (GB18030), UTF-16",
        "or a Western encoding. Columns may stand in any order; others are ignored. Empty cells are not written.",
        "",
        *_columns(Account, "accounts"),
        *_columns(OpenDeal, "pipeline"),
        *_columns(Actual, "actuals"),
        "### decide.reference",
        "",
        "Last year's split: `source` and `budget`, with `region` and `product` where it is split so; or `rep` and",
        "`quota`.",
        "",
    ]
    return "\n".join(lines)
