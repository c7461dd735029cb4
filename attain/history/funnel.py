"""Which funnel an export of opportunities can carry, and the deals' visits to its stages.

An export knows the stage at which a deal stands or ended. If deals pass through the stages in order, wins stand in the last one,
losses thin out along the way, and open deals are older the further they are. Where wins stand in early stages the
stage is a label and not a passage, and one stage, from creation to the end, is what the data support.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from engine.fit.incidence import ADVANCED, LOST, OPEN

EARLY_WINS = 0.05  # share of wins before the last stage from which stages are not a passage
WHOLE = "opportunity"


@dataclass(frozen=True, slots=True)
class Funnel:
    """Stages in order, visits to them, the deals with overdue ones marked stale, and what was found out."""

    stages: tuple[str, ...]
    deals: pl.DataFrame
    visits: pl.DataFrame
    notes: list[str]
    raw: dict[str, float]


def fit_funnel(deals: pl.DataFrame, as_of: dt.date, order: tuple[str, ...] = ()) -> Funnel:
    """The funnel of an export. ``order``: its stages as a mapping gives them, else as their names' numbers say."""
    notes: list[str] = []
    deals, overdue = _stale(deals, as_of)
    notes += overdue
    notes += _why_one_stage(deals, as_of, order)
    end = dt.datetime.combine(as_of, dt.time(0))
    longest = _longest(deals)
    days = (
        pl.when(pl.col("ended").is_not_null())
        .then(pl.col("ended") - pl.col("created"))
        .otherwise(pl.lit(end) - pl.col("created"))
        .dt.total_seconds()
        .clip(0)
        / 86_400
    )
    outcome = (
        pl.when(pl.col("status") == "won").then(ADVANCED)
        .when(pl.col("status").is_in(["lost", "stale"])).then(LOST)
        .otherwise(OPEN)
    )  # fmt: skip
    visits = deals.select(
        pl.int_range(pl.len()).alias("deal"),
        pl.lit(0).alias("stage"),
        pl.col("created").alias("entered"),
        pl.when(pl.col("status") == "stale")
        .then(pl.min_horizontal(days, pl.lit(longest)))
        .otherwise(days)
        .alias("days"),
        outcome.alias("outcome"),
        pl.col("owner").alias("person"),
    )
    counts = dict(deals["status"].value_counts().iter_rows())
    ended = counts.get("won", 0) + counts.get("lost", 0)
    raw = {"won of closed": counts.get("won", 0) / max(1, ended), "end to end": counts.get("won", 0) / deals.height}
    return Funnel((WHOLE,), deals, visits, notes, raw)


def _longest(deals: pl.DataFrame) -> float:
    spans = deals.filter(pl.col("ended").is_not_null()).select((pl.col("ended") - pl.col("created")).dt.total_seconds())
    longest = spans.to_series().max()
    return float(longest) / 86_400 if isinstance(longest, (int, float)) else 0.0


def _stale(deals: pl.DataFrame, as_of: dt.date) -> tuple[pl.DataFrame, list[str]]:
    """Open deals that are open in name only: past their expected close, or older than any deal was when it ended."""
    end = dt.datetime.combine(as_of, dt.time(0))
    longest = _longest(deals)
    is_open = pl.col("status") == "open"
    late = is_open & (pl.col("expected") < as_of)
    old = is_open & ((pl.lit(end) - pl.col("created")).dt.total_seconds() / 86_400 > longest)
    late_n = int(deals.select(late.fill_null(False).sum()).item())
    old_n = int(deals.select((old & ~late.fill_null(False)).sum()).item())
    notes = []
    if late_n:
        notes.append(f"{late_n} open deals are past their expected close: taken as lost, and left out of the pipeline")
    if old_n:
        notes.append(
            f"{old_n} open deals are older than any deal was when it ended ({longest:.0f} days): taken as lost, and left out"
        )
    marked = pl.when(late.fill_null(False) | old).then(pl.lit("stale")).otherwise(pl.col("status")).alias("status")
    return deals.with_columns(marked), notes


def stage_order(names: list[str], given: tuple[str, ...]) -> list[str]:
    """The stages in order: as given, else by the number in their names, else as they come."""
    if given:
        return [s for s in given if s in names] + sorted(set(names) - set(given))
    numbers = [re.match(r"\s*\D{0,3}(\d+)", n) for n in names]
    if all(numbers):
        return sorted(names, key=lambda n: int(m[1]) if (m := re.match(r"\s*\D{0,3}(\d+)", n)) else 0)
    return names


def _why_one_stage(deals: pl.DataFrame, as_of: dt.date, order: tuple[str, ...]) -> list[str]:
    known = deals.filter(pl.col("stage").is_not_null())
    names = stage_order(known["stage"].unique(maintain_order=True).to_list(), order)
    if len(names) < 2:
        return ["the history names no stages: one stage fitted, from creation to the end"]
    table = {
        status: [known.filter((pl.col("status") == status) & (pl.col("stage") == n)).height for n in names]
        for status in ("won", "lost", "open")
    }
    won, lost, still = (np.array(table[s]) for s in ("won", "lost", "open"))
    early = 1 - won[-1] / max(1, won.sum())
    shown = ", ".join(f"{n}: {w} won, {x} lost, {o} open" for n, w, x, o in zip(names, won, lost, still, strict=True))
    notes = []
    if early > EARLY_WINS:
        notes.append(
            f"the stages are no funnel: {early:.0%} of the wins stand in a stage before the last ({shown}), so that no "
            "stage is a passage with a conversion of its own; a shorter funnel is fitted, of one stage from creation to the end"
        )
    else:
        notes.append(
            f"the history shows the stage a deal ended in ({shown}), not when it entered its stages, so that a stage's "
            "duration is not known; a shorter funnel is fitted, of one stage from creation to the end"
        )
    ages = [
        known.filter((pl.col("status") == "open") & (pl.col("stage") == n))
        .select((pl.lit(dt.datetime.combine(as_of, dt.time(0))) - pl.col("created")).dt.total_days().median())
        .item()
        for n in names
    ]
    if all(a is not None for a in ages) and any(b < a for a, b in pairwise(ages)):
        notes.append(
            "nor are they in order of time: open deals' median age is "
            + ", ".join(f"{a:.0f} days at {n}" for n, a in zip(names, ages, strict=True))
        )
    return notes
