"""Lead flow from a history: by source, with season, working days and festival, and the shocks that regions share.

Called by ``fitted``; ``engine.fit.arrivals`` and ``engine.fit.shocks`` do the estimating. What a history is too short
for is left out and said, with what would suffice.
"""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from attain.history.columns import chinese
from attain.history.holidays import Workdays
from attain.history.records import History
from attain.wording import told
from engine.fit.arrivals import Arrivals, fit_arrivals
from engine.fit.shocks import MONTHS_FROM, Shocks, fit_shocks
from engine.problems import Refused

MARKET = "market"
OTHER_SOURCE = "other"
DAMPING = 0.5  # of the growth seen, what is carried into the coming year
MOST_SOURCES = 16
SHOCK_MONTHS = 60  # that tell what regions share, the last ones
SOURCE_FROM = 24  # leads of the last twelve months from which a source has a flow of its own


@dataclass(frozen=True, slots=True)
class Flow:
    """One source: its leads, and region -> product -> how many of them in the last twelve months."""

    name: str
    arrivals: Arrivals
    mix: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Months:
    """The complete months that a history covers: the first one's first day, and how many."""

    begin: dt.date
    count: int

    def firsts(self, extra: int = 0) -> list[dt.date]:
        return [add_months(self.begin, m) for m in range(self.count + extra)]


def add_months(day: dt.date, months: int) -> dt.date:
    """The first of a month, some months on; ``day`` must be a first."""
    index = day.year * 12 + day.month - 1 + months
    return dt.date(index // 12, index % 12 + 1, 1)


def is_chinese(history: History) -> bool:
    """Whether a history's columns or words are Chinese, or it counts in 万: its business keeps the Spring Festival."""
    mapping = history.mapping
    return chinese([*mapping.columns.values(), *mapping.won, *mapping.stages]) or mapping.unit >= 10_000


def complete_months(deals: pl.DataFrame, as_of: dt.date) -> Months:
    """A first or last month that the history does not cover is left out."""
    first = deals["created"].dt.date().min()
    if not isinstance(first, dt.date):
        raise Refused("no deal with a date of creation")
    begin = first.replace(day=1) if first.day <= 3 else add_months(first.replace(day=1), 1)
    complete = as_of.day == calendar.monthrange(as_of.year, as_of.month)[1]
    end = add_months(as_of.replace(day=1), 1 if complete else 0)
    return Months(begin, (end.year - begin.year) * 12 + end.month - begin.month)


def by_month(deals: pl.DataFrame, months: Months) -> NDArray[np.float64]:
    """Deals created in each complete month; imports are no arrivals."""
    own = deals.filter(~pl.col("imported")) if "imported" in deals.columns else deals
    created = own["created"].dt.date()
    index = (created.dt.year().cast(pl.Int64) - months.begin.year) * 12
    index = index + created.dt.month().cast(pl.Int64) - months.begin.month
    kept = index.filter((index >= 0) & (index < months.count)).to_numpy()
    return np.bincount(kept, minlength=months.count).astype(np.float64)


def arrivals_of(deals: pl.DataFrame, as_of: dt.date, start: dt.date, works: Workdays) -> Arrivals:
    """The flow of these deals, at its level in the middle of the year from ``start``."""
    months = complete_months(deals, as_of)
    if months.count < 1:  # less than a month of history: its own span, scaled
        first = deals["created"].dt.date().min()
        days = max(1, (as_of - first).days + 1) if isinstance(first, dt.date) else 1
        return fit_arrivals([deals.height * 30.4375 / days], as_of.month)
    end = add_months(months.begin, months.count)
    ahead = (start.year - end.year) * 12 + start.month - end.month + 6.0
    regressors = works.regressors(months.firsts(), [add_months(start, m) for m in range(12)])
    return _damped(fit_arrivals(by_month(deals, months), months.begin.month, regressors=regressors), ahead)


def _damped(found: Arrivals, ahead: float) -> Arrivals:
    """The flow so many months on, half of its growth believed: growth seldom lasts (Gardner and McKenzie 1985)."""
    growth = DAMPING * found.growth
    growth_sd = float(np.hypot(found.growth_sd, DAMPING * found.growth / 2))
    level_sd = float(np.hypot(found.level_sd, growth_sd * ahead / 12))
    level = found.per_month * float(np.exp(growth * ahead / 12))
    return replace(found, per_month=level, level_sd=level_sd, growth=growth, growth_sd=growth_sd)


def named_sources(deals: pl.DataFrame, recent: pl.DataFrame, notes: list[str]) -> pl.DataFrame:
    """The deals with a source each: those with too few leads for a flow of their own are one."""
    if "source" not in deals.columns or deals["source"].drop_nulls().n_unique() < 2:
        return deals.with_columns(pl.lit(MARKET).alias("source"))
    counts = (
        recent["source"]
        .drop_nulls()
        .value_counts(sort=True, name="_rows")
        .sort(["_rows", "source"], descending=[True, False])
    )
    kept = [s for s, n in counts.iter_rows() if n >= SOURCE_FROM][:MOST_SOURCES]
    if len(kept) < 2:
        notes.append(told("fit.few_sources", n=str(len(kept)), of=str(counts.height), least=str(SOURCE_FROM)))
        return deals.with_columns(pl.lit(MARKET).alias("source"))
    if len(kept) < counts.height:
        values = {"least": str(SOURCE_FROM), "most": str(MOST_SOURCES), "other": repr(OTHER_SOURCE)}
        notes.append(told("fit.other_sources", n=str(counts.height - len(kept)), **values))
    own = pl.when(pl.col("source").is_in(kept)).then(pl.col("source")).otherwise(pl.lit(OTHER_SOURCE))
    return deals.with_columns(own.alias("source"))


def flows_of(
    deals: pl.DataFrame, recent: pl.DataFrame, as_of: dt.date, start: dt.date, works: Workdays
) -> tuple[Flow, ...]:
    """Every source's flow and mix. A source of which nothing came in the last twelve months is none."""
    out = []
    for name in sorted(recent["source"].unique().to_list()):
        own = deals.filter(pl.col("source") == name)
        # a source that began later has been there from its first month on; before, the history did not know it
        mix = mix_of(recent.filter(pl.col("source") == name))
        out.append(Flow(name, arrivals_of(own, as_of, start, works), mix))
    return tuple(out)


def mix_of(recent: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Region -> product -> deals."""
    mix: dict[str, dict[str, int]] = {}
    for region, product, n in recent.group_by("region", "product").len().sort("region", "product").iter_rows():
        mix.setdefault(region, {})[product] = n
    return mix


def shocks_of(deals: pl.DataFrame, as_of: dt.date, works: Workdays, refused: dict[str, str]) -> Shocks | None:
    """The economy, from regions' months; None, and why, where the history cannot tell."""
    try:
        months = complete_months(deals, as_of)
        regions = deals["region"].value_counts(sort=True, name="_rows")["region"].head(12).to_list()
        if months.count < 1:
            raise Refused(f"common shocks: 0 complete months; {MONTHS_FROM} would suffice")
        counts = [by_month(deals.filter(pl.col("region") == r), months) for r in sorted(regions)]
        last = months.firsts()[-SHOCK_MONTHS:]
        seen = np.array(counts).reshape(len(counts), -1)[:, -SHOCK_MONTHS:]
        return fit_shocks(seen, last[0].month, regressors=works.regressors(last))
    except Refused as error:
        refused["economy"] = str(error)
        return None
