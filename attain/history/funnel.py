"""Which funnel an export of opportunities can carry, and the deals' visits to its stages.

An export knows the stage in which a deal stands or ended, not when it entered its stages. If deals pass through the
stages in order, wins stand in the last one, losses stand along the way, and open deals are older the further they
are. Then each stage has a conversion (a deal has been in all stages up to its own), and the time that stages take can
be had from how many deals stand in each: Little's law. Where wins stand in early stages, or older deals in earlier
ones, a stage is a label and not a passage, and one stage, from creation to the end, is what the data support.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from attain.history.columns import ended_otherwise, word
from attain.wording import Series, told
from engine.fit.incidence import ADVANCED, LOST, OPEN

EARLY_WINS = 0.05  # share of wins before the last stage from which stages are not a passage
FEW = 20  # losses along the way below which stages have no conversion of their own
CHANCE = 0.01  # of ages in order, below which a stage's younger deals are no chance
WHOLE = "opportunity"


@dataclass(frozen=True, slots=True)
class Funnel:
    """Stages in order, visits to them, the deals with overdue ones marked stale, and what was found out."""

    stages: tuple[str, ...]
    deals: pl.DataFrame
    visits: pl.DataFrame
    notes: list[str]
    raw: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Counts:
    """Deals by stage, in the stages' order, and the ages in days of the open ones."""

    names: tuple[str, ...]
    won: np.ndarray
    lost: np.ndarray
    open: np.ndarray
    ages: tuple[np.ndarray, ...]

    def told(self) -> Series:
        """Every stage's deals, in words."""
        rows = zip(self.names, self.won, self.lost, self.open, strict=True)
        return Series(tuple(told("passage.count", name=n, won=str(w), lost=str(x), open=str(o)) for n, w, x, o in rows))


def fit_funnel(deals: pl.DataFrame, as_of: dt.date, order: tuple[str, ...] = ()) -> Funnel:
    """The funnel of an export. ``order``: its stages as a mapping gives them, else as their names' numbers say."""
    end = dt.datetime.combine(as_of, dt.time(0))
    deals, notes = _stale(deals, end)
    counts = _count(deals, end, order)
    why = _why_not(counts)
    stages = (WHOLE,) if why else counts.names
    visits = _whole(deals, end) if why else _passages(deals, end, counts)
    if why:
        notes.append(told("passage.one", why=why))
        notes += _disorder(counts)
    else:
        notes.append(told("passage.little", counts=counts.told()))
    status = dict(deals["status"].value_counts().iter_rows())
    ended = status.get("won", 0) + status.get("lost", 0)
    raw = {"won of closed": status.get("won", 0) / max(1, ended), "end to end": status.get("won", 0) / deals.height}
    return Funnel(stages, deals, visits, notes, raw)


# --- deals open in name only ------------------------------------------------------------------------------------------


def _span(end: dt.datetime) -> pl.Expr:
    """Days from creation to the end, or to ``end`` for a deal still open."""
    until = pl.when(pl.col("ended").is_not_null()).then(pl.col("ended")).otherwise(pl.lit(end))
    return (until - pl.col("created")).dt.total_seconds().clip(0) / 86_400


def _longest(deals: pl.DataFrame) -> float:
    spans = deals.filter(pl.col("ended").is_not_null()).select((pl.col("ended") - pl.col("created")).dt.total_seconds())
    longest = spans.to_series().max()
    return float(longest) / 86_400 if isinstance(longest, (int, float)) else 0.0


def _stale(deals: pl.DataFrame, end: dt.datetime) -> tuple[pl.DataFrame, list[str]]:
    """Marks open deals that are past their expected close, or older than any deal was when it ended."""
    longest = _longest(deals)
    is_open = pl.col("status") == "open"
    late = (is_open & (pl.col("expected") < end.date())).fill_null(value=False)
    old = is_open & (_span(end) > longest) & ~late
    late_n, old_n = deals.select(late.sum().alias("late"), old.sum().alias("old")).row(0)
    notes: list[str] = []
    if late_n:
        notes.append(told("history.late", n=str(late_n)))
    if old_n:
        notes.append(told("history.old", n=str(old_n), days=f"{longest:.0f}"))
    marked = pl.when(late | old).then(pl.lit("stale")).otherwise(pl.col("status")).alias("status")
    return deals.with_columns(marked), notes


# --- what the stages are ----------------------------------------------------------------------------------------------


def stage_order(names: list[str], given: tuple[str, ...]) -> tuple[str, ...]:
    """The stages in order: as given, else by the number in their names, else as they come."""
    if given:
        return tuple([s for s in given if s in names] + sorted(set(names) - set(given)))
    numbers = [re.match(r"\s*\D{0,3}(\d+)", n) for n in names]
    if names and all(numbers):
        return tuple(sorted(names, key=lambda n: int(m[1]) if (m := re.match(r"\s*\D{0,3}(\d+)", n)) else 0))
    return tuple(names)


def _count(deals: pl.DataFrame, end: dt.datetime, order: tuple[str, ...]) -> _Counts:
    known = deals.filter(pl.col("stage").is_not_null())
    names = [
        n
        for n in known["stage"].unique(maintain_order=True).to_list()
        if word(n) not in ("won", "lost") and not ended_otherwise(n)
    ]
    if not order and names and not all(re.match(r"\s*\D{0,3}\d", n) for n in names):
        # names without numbers: earlier stages hold younger deals
        age = dict(known.filter(pl.col("status") == "open").group_by("stage").agg(_span(end).median()).iter_rows())
        names.sort(key=lambda n: age.get(n, float("inf")))
    stages = stage_order(names, order)

    def by_stage(status: str) -> np.ndarray:
        return np.array([known.filter((pl.col("status") == status) & (pl.col("stage") == n)).height for n in stages])

    open_deals = known.filter(pl.col("status") == "open")
    ages = tuple(open_deals.filter(pl.col("stage") == n).select(_span(end)).to_series().to_numpy() for n in stages)
    # a won deal whose stage is called 'won' has passed all the others: it counts in the last
    won, lost = by_stage("won"), by_stage("lost")
    if len(stages):
        won[-1] += known.filter((pl.col("status") == "won") & ~pl.col("stage").is_in(list(stages))).height
    return _Counts(stages, won, lost, by_stage("open"), ages)


def _why_not(counts: _Counts) -> str:
    """Why the stages are no passage, or nothing where they are one."""
    if len(counts.names) < 2:
        return told("passage.no_stages")
    early = 1 - counts.won[-1] / max(1, counts.won.sum())
    if early > EARLY_WINS:
        return told("passage.early", share=f"{early:.0%}", counts=counts.told())
    if counts.lost.sum() < FEW or counts.open.sum() < FEW or np.any(counts.lost[:-1] + counts.open[:-1] == 0):
        return told("passage.few", counts=counts.told())
    if _disorder(counts):
        return told("passage.untimely", counts=counts.told())
    return ""


def _disorder(counts: _Counts) -> list[str]:
    """That open deals are younger in a later stage, by more than few of them are by chance (Mann and Whitney 1947)."""
    if len(counts.ages) < 2 or not all(map(len, counts.ages)):
        return []
    ages = [float(np.median(a)) for a in counts.ages]
    if not any(later < 0.9 * sooner and _younger(b, a) for (sooner, a), (later, b) in
               pairwise(zip(ages, counts.ages, strict=True))):  # fmt: skip
        return []
    shown = tuple(told("passage.age", days=f"{a:.0f}", name=n) for n, a in zip(counts.names, ages, strict=True))
    return [told("passage.disorder", shown=Series(shown))]


def _younger(these: np.ndarray, those: np.ndarray) -> bool:
    from scipy.stats import mannwhitneyu

    return bool(mannwhitneyu(these, those, alternative="less").pvalue < CHANCE)


# --- visits -----------------------------------------------------------------------------------------------------------


def _outcome() -> pl.Expr:
    return (
        pl.when(pl.col("status") == "won")
        .then(ADVANCED)
        .when(pl.col("status").is_in(["lost", "stale"]))
        .then(LOST)
        .otherwise(OPEN)
    )


def _days(deals: pl.DataFrame, end: dt.datetime) -> pl.Expr:
    """A deal's whole time; of one that is open in name only, no more than any deal needed."""
    longest = pl.lit(_longest(deals))
    return pl.when(pl.col("status") == "stale").then(pl.min_horizontal(_span(end), longest)).otherwise(_span(end))


def _whole(deals: pl.DataFrame, end: dt.datetime) -> pl.DataFrame:
    return deals.select(
        pl.int_range(pl.len()).alias("deal"),
        pl.lit(0).alias("stage"),
        pl.col("created").alias("entered"),
        _days(deals, end).alias("days"),
        _outcome().alias("outcome"),
        pl.col("owner").alias("person"),
    )


def stage_shares(won: np.ndarray, lost: np.ndarray, still: np.ndarray) -> np.ndarray:
    """Mean times in the stages, up to a factor: deals standing in each over the flow through it (Little 1961)."""
    flow = (won.sum() + np.cumsum(lost[::-1])[::-1]).astype(np.float64)  # all that ended in a stage or beyond it
    shares = (still + 0.5) / np.maximum(flow, 1.0)
    return np.asarray(shares / shares.sum(), dtype=np.float64)


def _passages(deals: pl.DataFrame, end: dt.datetime, counts: _Counts) -> pl.DataFrame:
    """A row a stage that a deal has been in: all up to its own, its time divided in proportion to their mean times."""
    share = stage_shares(counts.won, counts.lost, counts.open)
    upto = np.cumsum(share)
    index = {n: k for k, n in enumerate(counts.names)}
    last = len(counts.names) - 1
    base = deals.select(
        pl.int_range(pl.len()).alias("deal"),
        "created",
        _days(deals, end).alias("total"),
        _outcome().alias("end"),
        pl.col("owner").alias("person"),
        pl.when(pl.col("status") == "won")
        .then(last)
        .otherwise(pl.col("stage").replace_strict(index, default=0, return_dtype=pl.Int32))
        .alias("reached"),
    )
    parts = []
    for k in range(len(counts.names)):
        here = base.filter(pl.col("reached") >= k)
        whole = pl.col("reached").replace_strict({i: float(v) for i, v in enumerate(upto)}, return_dtype=pl.Float64)
        begun = pl.col("total") * float(upto[k] - share[k]) / whole
        parts.append(
            here.select(
                "deal",
                pl.lit(k).alias("stage"),
                (pl.col("created") + pl.duration(seconds=(begun * 86_400).cast(pl.Int64))).alias("entered"),
                (pl.col("total") * float(share[k]) / whole).alias("days"),
                pl.when(pl.col("reached") > k).then(ADVANCED).otherwise(pl.col("end")).alias("outcome"),
                "person",
            )
        )
    return pl.concat(parts)
