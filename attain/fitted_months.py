"""What deals that come to a stage in one month share, from a history's visits: arrays for ``engine.fit.months``.

Called by ``fitted_stages`` once a stage's waits and everybody's odds are fitted. Odds and waits are told apart by
turns: which deals are late depends on how slow their month is, and how slow it is on which of its open deals will be
lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.fit.durations import Wait, Waits, fit_waits
from engine.fit.incidence import OPEN
from engine.fit.months import Months, fit_month_odds, fit_month_waits

MONTH = "month"
TURNS = 2
DECILES = 2.5631  # standard deviations between the first and the ninth decile of a normal


@dataclass(frozen=True, slots=True)
class StageMonths:
    """Months from ``first`` (months since year 0) on; waits as they are in a month without an effect. ``oldest``: the
    first of them from which a deal is still open; ``open_sd`` what each month's open deals may differ by, in log
    odds."""

    first: int
    oldest: int
    odds: Months
    pace: Months | None
    waits: Waits
    open_sd: np.ndarray

    def label(self, k: int) -> str:
        year, month = divmod(self.first + k, 12)
        return f"{year:04d}-{month + 1:02d}"


def month_numbers(entered: pl.Series) -> np.ndarray:
    """Months since year 0."""
    return np.asarray((entered.dt.year().cast(pl.Int64) * 12 + entered.dt.month().cast(pl.Int64) - 1).to_numpy())


def stage_months(
    here: pl.DataFrame, timed: pl.DataFrame, waits: Waits, own: dict[str, float] | None = None
) -> StageMonths | None:
    """Fit both effects to a stage's visits, whose ``offset`` is what people, products and so on add to the log odds,
    and ``days`` without what they multiply waits by. ``timed``: those whose times can be believed. ``own``: by factor
    (a column), the variance by which its levels differ from each other from month to month. None where a stage has one
    way of ending only.

    Raises Refused where too few months have ended deals.
    """
    if waits.advance is None or waits.lost is None:
        return None
    number = month_numbers(here["entered"])
    first, months = int(number.min()), int(np.ptp(number)) + 1
    month, outcome, days = number - first, here["outcome"].to_numpy(), here["days"].to_numpy()
    offset = here["offset"].to_numpy()
    kept, timed_outcome = month_numbers(timed["entered"]) - first, timed["outcome"].to_numpy()
    effect, pace, odds = np.zeros(months), None, None
    ended = here["outcome"] != OPEN
    apart, to_come = (_apart(here.filter(part), first, months, own or {}) for part in (ended, ~ended))
    open_deals = outcome == OPEN
    for turn in range(TURNS + 1):
        alive, alive_lost = (np.zeros(len(days)) for _ in range(2))
        for wait, into in zip(_both(waits), (alive, alive_lost), strict=True):
            into[open_deals] = wait.log_survival((days / np.exp(effect)[month])[open_deals])
        odds = fit_month_odds(month, outcome, offset, alive, alive_lost, months, apart=apart)
        if turn == TURNS or not _spread(waits):
            break
        log_odds = odds.mean + odds.effect[kept] + timed["offset"].to_numpy()
        pace = fit_month_waits(
            kept, timed_outcome, timed["days"].to_numpy(), log_odds, _middles(waits), _scales(waits), months
        )
        effect = pace.effect
        waits = fit_waits(timed["days"].to_numpy() / np.exp(effect)[kept], timed_outcome)
    assert odds is not None
    # what moves odds from month to month does so within them: the open ones came later
    to_come = to_come + odds.step * _later(here, ended.to_numpy(), first, months)
    oldest = int(month[open_deals].min()) if open_deals.any() else months - 1
    return StageMonths(first, oldest, odds, pace, waits, np.sqrt(to_come))


def _apart(deals: pl.DataFrame, first: int, months: int, own: dict[str, float]) -> np.ndarray:
    """[months]: variance that a month's deals, by whom they are with, have from months of people's and products' own:
    those who end their deals first say little of the others' month."""
    out = np.zeros(months)
    number = pl.Series(MONTH, month_numbers(deals["entered"]) - first)
    for factor, variance in own.items():
        if variance <= 0 or not deals.height:
            continue
        counts = deals.with_columns(number).group_by(MONTH, factor).len().group_by(MONTH).agg(
            ((pl.col("len") / pl.col("len").sum()) ** 2).sum().alias("square")
        )  # fmt: skip
        out[counts[MONTH].to_numpy()] += variance * counts["square"].to_numpy()
    return out


def _later(here: pl.DataFrame, ended: np.ndarray, first: int, months: int) -> np.ndarray:
    """[months]: how much later in the month its open deals came than its ended ones, in months, on average."""
    entered = here["entered"]
    part = ((entered.dt.day().cast(pl.Float64) - 0.5) / entered.dt.month_end().dt.day()).to_numpy()
    number = month_numbers(entered) - first
    sums, counts = (
        [np.bincount(number[own], weight[own], months) for own in (ended, ~ended)]
        for weight in (part, np.ones(len(part)))
    )
    middles = [total / np.maximum(n, 1.0) for total, n in zip(sums, counts, strict=True)]
    return np.asarray(np.where((counts[0] > 0) & (counts[1] > 0), np.abs(middles[1] - middles[0]), 0.0))


def _both(waits: Waits) -> tuple[Wait, Wait]:
    assert waits.advance is not None
    assert waits.lost is not None
    return waits.advance, waits.lost


def _spread(waits: Waits) -> bool:
    """Whether both waits vary, and are positive: else no month can be told to be slow."""
    return all(w.quantile(0.9) > w.quantile(0.1) > 0 for w in _both(waits))


def _middles(waits: Waits) -> tuple[float, float]:
    one, other = (0.5 * float(np.log(w.quantile(0.1)) + np.log(w.quantile(0.9))) for w in _both(waits))
    return one, other


def _scales(waits: Waits) -> tuple[float, float]:
    one, other = (float(np.log(w.quantile(0.9) / w.quantile(0.1))) / DECILES for w in _both(waits))
    return max(one, 0.02), max(other, 0.02)
