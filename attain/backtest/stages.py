"""The held-out last month, stage by stage: were conversions and times in stage what the fitted plan said?

Only for histories that know when deals entered their stages (logs of events). A stage's conversion is the share that
advanced of the visits that ended in the month; its times are those of visits that began and advanced within the month,
cut off at its end in the simulation as in the history.

Where a history is too short to tell months apart, a plan's months are alike. So each figure is told twice: as the plan
has it, and widened by how much the months before differed from each other beyond what the simulation varies by itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from attain.backtest.fold import PHASE, plan_of
from attain.backtest.origins import Month
from attain.backtest.source import Source
from attain.history.records import History
from engine.batch import Simulator
from engine.fit.incidence import ADVANCED, LOST
from engine.outcomes import FLOW_COLUMNS, Kind
from engine.world import World, build

Floats = NDArray[np.float64]
SHARES = {"half": 0.5, "three_quarters": 0.75}
FIGURES = ("conversion", *(f"days_{name}" for name in SHARES))
FEW = 20  # visits below which a stage's month says too little
BOUNDS = (0.1, 0.5, 0.9)


def held_out_stages(
    source: Source,
    whole: History,
    month: Month,
    n: int,
    seed: int,
    sets: Sequence[str] = (),
) -> tuple[dict[str, Any], ...]:
    """A row a stage and figure: what came true, the median and central 80% of the simulation, whether it was inside.

    ``whole``: the history read without a cut. Raises HistoryRefused where the months before carry no plan.
    """
    with TemporaryDirectory(prefix="attain-backtest-") as folder:
        found = source.fit(Path(folder) / "plan.yaml", (month + -1).last)
        world = build(plan_of(found, sets))
    simulate = Simulator(world, seed, PHASE)
    at = list(world.months).index(month.label)
    stages = len(world.stages.names)
    shares = np.full((n, stages), np.nan)
    times = np.full((n, stages, len(SHARES)), np.nan)
    for r in range(n):
        outcome = simulate.outcome(r, keep_log=True)
        ended = dict(zip(FLOW_COLUMNS, outcome.flow[:, :, at, :].sum(axis=0).T, strict=True))
        with np.errstate(invalid="ignore"):
            shares[r] = ended["advanced"] / (ended["advanced"] + ended["lost"] + ended["stale"])
        assert outcome.log is not None
        times[r] = _times(outcome.log, world, at)
    rng = np.random.Generator(np.random.Philox(key=[seed, month.index]))
    first = Month.of(whole.deals["created"].dt.date().min())  # type: ignore[arg-type]
    before = [first + k for k in range(month - first)]
    rows = []
    for s, name in enumerate(world.stages.names):
        if name not in whole.stages:
            continue
        place = whole.stages.index(name)
        count, *actual = _seen(whole, place, month)
        earlier = np.array([_seen(whole, place, m)[1:] for m in before], dtype=np.float64).reshape(-1, len(FIGURES)).T
        drawn = [shares[:, s], *times[:, s].T]
        for figure, seen, samples, past in zip(FIGURES, actual, drawn, earlier, strict=True):
            row = _row(name, figure, seen, samples, past, count, rng)
            rows += [{"month": month.label, **row}] if row is not None else []
    return tuple(rows)


def _row(
    stage: str, figure: str, actual: float, drawn: Floats, past: Floats, count: int, rng: np.random.Generator
) -> dict[str, Any] | None:
    kept = drawn[~np.isnan(drawn)]
    if count < FEW or np.isnan(actual) or len(kept) < FEW:
        return None
    bounds = np.quantile(kept, BOUNDS)
    wide = np.quantile(widened(kept, past, rng, share=figure == FIGURES[0]), BOUNDS)
    return {
        "stage": stage, "figure": figure, "actual": actual, "visits": count, "months": int((~np.isnan(past)).sum()),
        "p10": float(bounds[0]), "p50": float(bounds[1]), "p90": float(bounds[2]),
        "within": bool(bounds[0] <= actual <= bounds[2]), "wide": [float(wide[0]), float(wide[2])],
        "within_wide": bool(wide[0] <= actual <= wide[2]),
    }  # fmt: skip


def widened(drawn: Floats, past: Floats, rng: np.random.Generator, *, share: bool) -> Floats:
    """Samples times a month's own effect: Student t with the spread of past months, on the scale of odds or of logs.

    What the samples vary by themselves is taken off; with fewer than two months nothing is known, and nothing done.
    """
    seen = past[~np.isnan(past)]
    if len(seen) < 2:
        return drawn

    def scale(x: Floats) -> Floats:
        inside = np.clip(x, 1e-6, 1 - 1e-6) if share else np.maximum(x, 1e-9)
        return np.asarray(np.log(inside / (1 - inside)) if share else np.log(inside))

    k = len(seen)
    between = max(float(scale(seen).var(ddof=1)) - float(scale(drawn).var()), 0.0)
    moved = scale(drawn) + np.sqrt(between * (1 + 1 / k)) * rng.standard_t(k - 1, len(drawn))
    return np.asarray(1 / (1 + np.exp(-moved)) if share else np.exp(np.clip(moved, -50, 50)))


def _seen(whole: History, stage: int, month: Month) -> tuple[int, float, *tuple[float, ...]]:
    """Visits that ended in the month, the share of them that advanced, and the quantiles of the times within it."""
    since = dt.datetime.combine(month.first, dt.time(0))
    until = dt.datetime.combine((month + 1).first, dt.time(0))
    left = pl.col("entered") + pl.duration(microseconds=(pl.col("days") * 86_400e6).cast(pl.Int64))
    own = whole.visits.filter((pl.col("stage") == stage) & pl.col("outcome").is_in([ADVANCED, LOST]))
    ended = own.with_columns(left=left).filter(pl.col("left").is_between(since, until, closed="left"))
    advanced = ended.filter(pl.col("outcome") == ADVANCED)
    share = advanced.height / ended.height if ended.height >= FEW else float("nan")
    days = advanced.filter(pl.col("entered") >= since)["days"].to_numpy()
    took = np.quantile(days, list(SHARES.values())).tolist() if len(days) >= FEW else [float("nan")] * len(SHARES)
    return (ended.height, share, *took)


def _times(log: NDArray[np.void], world: World, month: int) -> Floats:
    """[stages, SHARES] days that visits took that began and advanced within a month of the simulation."""
    order = np.lexsort((log["visit"], log["time"], log["deal"]))
    rows = log[order]
    moved = np.isin(rows["kind"], [Kind.ARRIVED, Kind.ADVANCED, Kind.LOST, Kind.STALE])
    rows = rows[moved]
    same = rows["deal"][1:] == rows["deal"][:-1]
    begun, ended, stage = rows["time"][:-1], rows["time"][1:], rows["stage"][1:]
    since = world.cal.month_ends[month - 1] if month else 0.0
    inside = same & (begun > max(since, world.start)) & (ended <= world.cal.month_ends[month])
    inside &= rows["kind"][1:] == Kind.ADVANCED
    days = _place(ended[inside], world) - _place(begun[inside], world)
    out = np.full((len(world.stages.names), len(SHARES)), np.nan)
    for s in range(len(out)):
        own = days[stage[inside] == s]
        if len(own) >= FEW:
            out[s] = np.quantile(own, list(SHARES.values()))
    return out


def _place(hours: Floats, world: World) -> Floats:
    """Calendar days since the horizon's start: a working day's hours stand for its whole day, as in the engine."""
    at = world.cal.hours_at
    day = np.searchsorted(at, hours, side="left") - 1
    return np.asarray(day + (hours - at[day]) / np.maximum(at[day + 1] - at[day], 1e-9), dtype=np.float64)
