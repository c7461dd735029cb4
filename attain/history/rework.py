"""Deals that go back: how often a visit to a stage ends with a return to an earlier one, and what that costs.

The conversion and the time of the *furthest* stage reached need no model of returns: the first coming to a stage is a
fresh start, so how long until the next one, and whether it comes, hold with all returns in between included. What
returns do cost is effort: every visit needs the stage's work again. So they are counted here, and the plan's work
should be that of one visit times ``visits / entered``.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class Rework:
    """A stage's visits: by deals that ``entered`` it at all, all ``visits``, those that ``ended``, and ``back``."""

    stage: str
    entered: int
    visits: int
    ended: int
    back: int

    @property
    def per_deal(self) -> float:
        """Visits of a deal that comes to the stage."""
        return self.visits / max(1, self.entered)


def rework_of(
    events: pl.DataFrame, stages: tuple[str, ...], won: tuple[str, ...], lost: tuple[str, ...]
) -> tuple[Rework, ...]:
    """Visits by stage. ``events``: case, activity, time, in order within a case; other activities do not count."""
    place = (
        {a: i for i, a in enumerate(stages)} | dict.fromkeys(won, len(stages)) | dict.fromkeys(lost, len(stages) + 1)
    )
    known = events.filter(pl.col("activity").is_in(list(place))).select(
        "case", pl.col("activity").replace_strict(place, return_dtype=pl.Int64).alias("at")
    )
    steps = known.filter((pl.col("at") != pl.col("at").shift(1).over("case")).fill_null(value=True))
    steps = steps.with_columns(pl.col("at").shift(-1).over("case").alias("then"))
    table = (
        steps.filter(pl.col("at") < len(stages))
        .group_by("at")
        .agg(
            pl.col("case").n_unique().alias("entered"),
            pl.len().alias("visits"),
            pl.col("then").is_not_null().sum().alias("ended"),
            (pl.col("then") < pl.col("at")).sum().alias("back"),
        )
        .sort("at")
    )
    return tuple(Rework(stages[at], *(int(n) for n in rest)) for at, *rest in table.iter_rows())
