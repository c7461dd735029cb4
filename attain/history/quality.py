"""The data-quality report: what is odd in a history, what it would do to a fit, and what was done about it.

It comes before any fit. Rows that cannot be used at all are refused elsewhere, by line; here stands what can be read
and should not be taken at its word.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from attain.history.columns import ended_otherwise
from attain.history.matching import alike
from attain.wording import Series, told

BULK = 20  # deals with one day's stamp below which nothing is made of it
TIMES = 10.0  # as many as on a usual day, from which a day's stamps are taken for one act
PART = 0.02  # share of all, likewise
FAR = 6.0  # robust standard deviations of the logarithm from which a value is an outlier
UNIT, GAP = 1000.0, 20.0  # times the median, and the step to the next, from which an amount is in another unit
OTHER_UNIT = 0.1  # share of all up to which such amounts are slips
TOP = 100.0  # times the 99th percentile: another unit, most likely


@dataclass(frozen=True, slots=True)
class Finding:
    """One oddity: its kind, how many deals, what it is, its effect on a fit if left alone, and what was done."""

    kind: str
    count: int
    what: str
    effect: str
    done: str

    def as_json(self) -> dict[str, object]:
        return {f: v if isinstance(v, int) else str(v) for f, v in asdict(self).items()}


def spelled_alike(deals: pl.DataFrame, fields: Sequence[str]) -> tuple[pl.DataFrame, list[Finding]]:
    """Names that differ in case, width and spaces only become the commonest of their spellings."""
    findings = []
    for field in fields:
        counts = deals[field].drop_nulls().value_counts(sort=True, name="_rows")
        best: dict[str, str] = {}
        change: dict[str, str] = {}
        for text, _ in counts.sort(["_rows", field], descending=[True, False]).iter_rows():
            if best.setdefault(alike(text), text) != text:
                change[text] = best[alike(text)]
        if not change:
            continue
        moved = int(deals[field].is_in(list(change)).sum())
        deals = deals.with_columns(pl.col(field).replace(change))
        pairs = list(change.items())[:4]
        shown = Series(tuple(told("quality.spelled", one=repr(a), other=repr(b)) for a, b in pairs))
        name = told(f"field.{field}")
        findings.append(
            Finding(
                "spelling",
                moved,
                told("quality.spelling", field=name, n=str(len(change)), shown=shown),
                told("quality.spelling.effect", field=name),
                told("quality.spelling.done"),
            )
        )
    return deals, findings


def undated(n: int, column: str) -> list[Finding]:
    """Deals without a closing date, whose last change stands in for it."""
    if not n:
        return []
    what = told("quality.undated", n=f"{n:,}", column=repr(column))
    return [Finding("no closing date", n, what, told("quality.undated.effect"), told("quality.undated.done"))]


def closed_stages(statuses: pl.Series, lost: Sequence[str]) -> list[Finding]:
    """Words that were taken as lost since they say that a deal is over, and not that it was won."""
    words = [w for w in lost if ended_otherwise(w)]
    n = int(statuses.is_in(words).sum())
    if not n:
        return []
    shown = ", ".join(repr(w) for w in words[:4])
    return [
        Finding(
            "closed stages",
            n,
            told("quality.over", n=f"{n:,}", shown=shown),
            told("quality.over.effect"),
            told("quality.over.done"),
        )
    ]


def examine(deals: pl.DataFrame, as_of: dt.date) -> tuple[pl.DataFrame, list[Finding]]:
    """The deals with ``stamped`` (the closing day is not the deal's own) and ``imported`` (nor the creation), and
    what was found."""
    deals, closings = _stamps(deals, "ended", pl.col("status") == "lost", "stamped")
    deals, creations = _stamps(deals, "created", pl.lit(value=True), "imported")
    findings = []
    if closings:
        n = sum(c for _, c in closings)
        findings.append(
            Finding(
                "bulk closings",
                n,
                told("quality.closings", n=f"{n:,}", days=_days(closings)),
                told("quality.closings.effect"),
                told("quality.closings.done"),
            )
        )
    if creations:
        n = sum(c for _, c in creations)
        findings.append(
            Finding(
                "bulk creations",
                n,
                told("quality.creations", n=f"{n:,}", days=_days(creations)),
                told("quality.creations.effect"),
                told("quality.creations.done"),
            )
        )
    deals, units = _units(deals)
    return deals, [*findings, *_twins(deals), *units, *_far(deals), *_no_value(deals), *_cut(deals, as_of)]


def examine_values(deals: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """`examine` of what deals are worth alone: of a log, whose times are those of what happened."""
    deals, units = _units(deals)
    return deals, [*units, *_far(deals), *_no_value(deals)]


def _days(stamps: list[tuple[dt.date, int]]) -> str:
    shown = ", ".join(f"{day} ({n:,})" for day, n in stamps[:3])
    return told("quality.days", shown=shown, n=str(len(stamps) - 3)) if stamps[3:] else shown


def _stamps(
    deals: pl.DataFrame, column: str, which: pl.Expr, flag: str
) -> tuple[pl.DataFrame, list[tuple[dt.date, int]]]:
    """Flags deals on days that hold far more than other days do."""
    day = pl.col(column).dt.date()
    own = deals.filter(which & pl.col(column).is_not_null()).group_by(day.alias("day")).len().sort("day")
    total = int(own["len"].sum())
    usual = float(np.median(own["len"].to_numpy())) if own.height else 0.0
    least = max(BULK, TIMES * usual, PART * total)
    bulk = own.filter(pl.col("len") > least).sort("len", descending=True) if own.height >= 10 else own.head(0)
    if column == "created" and bulk.height > 0.05 * own.height:
        bulk = bulk.head(0)  # every month's first day, say: dates by month, not imports
    days = bulk["day"].to_list()
    deals = deals.with_columns((which & day.is_in(days)).fill_null(value=False).alias(flag))
    return deals, [(d, int(n)) for d, n in bulk.iter_rows()]


def _twins(deals: pl.DataFrame) -> list[Finding]:
    known = deals.filter(pl.col("account").is_not_null() & (pl.col("value") > 0))
    same = ["account", "product", "owner", "created", "value", "status", "region"]
    n = known.height - known.select(same).n_unique() if known.height else 0
    if n == 0:
        return []
    return [
        Finding(
            "twins",
            n,
            told("quality.twins", n=f"{n:,}"),
            told("quality.twins.effect"),
            told("quality.twins.done"),
        )
    ]


def _units(deals: pl.DataFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """Amounts in another unit than the others': thousands of times as large, or as small, with nothing in between."""
    known = deals.filter(pl.col("value") > 0)["value"].sort().to_numpy()
    if len(known) < 20:
        return deals, []
    middle = float(np.median(known))
    steps = known[1:] / known[:-1]
    above = known[1:][(steps > GAP) & (known[1:] > UNIT * middle)]
    below = known[:-1][(steps > GAP) & (known[:-1] < middle / UNIT)]
    low, high = (below.max() if len(below) else 0.0), (above.min() if len(above) else np.inf)
    odd = (pl.col("value") > 0) & ((pl.col("value") <= low) | (pl.col("value") >= high))
    shown = deals.filter(odd)["value"].to_numpy()
    if not len(shown) or len(shown) > OTHER_UNIT * len(known):
        return deals, []
    values = {"n": f"{len(shown):,}", "low": f"{np.min(shown):,.2f}", "high": f"{np.max(shown):,.0f}"}
    what = told("quality.unit", middle=f"{middle:,.0f}", **values)
    finding = Finding("outliers", len(shown), what, told("quality.unit.effect"), told("quality.unit.done"))
    return deals.with_columns(pl.when(odd).then(None).otherwise(pl.col("value")).alias("value")), [finding]


def _far(deals: pl.DataFrame) -> list[Finding]:
    won = deals.filter((pl.col("status") == "won") & (pl.col("value") > 0))["value"].to_numpy()
    if len(won) < 20:
        return []
    logs = np.log(won)
    middle = float(np.median(logs))
    spread = max(1.4826 * float(np.median(np.abs(logs - middle))), 0.05)
    far = logs > middle + FAR * spread
    near = logs < middle - FAR * spread
    out = []
    if far.any():
        top = float(np.quantile(won, 0.99))
        units = won.max() > TOP * top
        out.append(
            Finding(
                "outliers",
                int(far.sum()),
                told(
                    "quality.above",
                    n=f"{int(far.sum()):,}",
                    low=f"{won[far].min():,.0f}",
                    high=f"{won.max():,.0f}",
                    share=f"{won[far].sum() / won.sum():.0%}",
                ),
                told("quality.above.units" if units else "quality.above.effect"),
                told("quality.above.done"),
            )
        )
    if near.any():
        out.append(
            Finding(
                "outliers",
                int(near.sum()),
                told("quality.below", n=f"{int(near.sum()):,}", high=f"{won[near].max():,.2f}"),
                told("quality.below.effect"),
                told("quality.kept"),
            )
        )
    return out


def _no_value(deals: pl.DataFrame) -> list[Finding]:
    won = deals.filter(pl.col("status") == "won")
    n = won.filter(pl.col("value").is_null() | (pl.col("value") <= 0)).height
    if n == 0 or n == won.height:
        return []
    return [
        Finding(
            "no value",
            n,
            told("quality.no_value", n=f"{n:,}", of=f"{won.height:,}"),
            told("quality.no_value.effect"),
            told("quality.no_value.done"),
        )
    ]


def _cut(deals: pl.DataFrame, as_of: dt.date) -> list[Finding]:
    first = deals["created"].dt.date().min()
    if not isinstance(first, dt.date):
        return []
    out = []
    quarter = dt.date(first.year, 3 * ((first.month - 1) // 3) + 1, 1)
    if (first - quarter).days > 3:
        n = deals.filter(pl.col("created").dt.date() < _next(quarter)).height
        out.append(
            Finding(
                "cut quarter",
                n,
                told("quality.first", day=str(first), n=f"{n:,}"),
                told("quality.first.effect"),
                told("quality.first.done"),
            )
        )
    last = dt.date(as_of.year, 3 * ((as_of.month - 1) // 3) + 1, 1)
    if as_of < _next(last) - dt.timedelta(days=1):
        n = deals.filter(pl.col("created").dt.date() >= last).height
        out.append(
            Finding(
                "cut quarter",
                n,
                told("quality.last", day=str(as_of), n=f"{n:,}"),
                told("quality.last.effect"),
                told("quality.last.done"),
            )
        )
    return out


def _next(quarter: dt.date) -> dt.date:
    return dt.date(quarter.year + quarter.month // 10, (quarter.month + 2) % 12 + 1, 1)
