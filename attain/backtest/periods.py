"""``attain backtest`` on a table of periods: the same origins, scores and baselines, with a forecast of its own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attain.backtest import baselines, pooled
from attain.backtest.origins import HORIZONS, Month, origins
from attain.backtest.records import ATTAIN, Backtest, Cells, FoldRecord, score, together
from attain.backtest.run import Said, absent_library, targets
from attain.backtest.table import Level, PeriodMapping, Periods, read_periods

Floats = NDArray[np.float64]
BEFORE = 5  # months behind the first origin
MEASURE = "amount"
BUDGET = "budget"


def backtest_periods(
    path: Path,
    mapping: PeriodMapping,
    *,
    folds: int,
    every: int,
    horizons: Sequence[str],
    n: int,
    seed: int,
    library: bool = True,
    on_progress: Said | None = None,
) -> Backtest:
    """Back-test a table of periods. Budgets count as known in advance. Raises BacktestRefused."""
    begun = time.perf_counter()
    table = read_periods(path, mapping)
    asked = tuple(h for h in HORIZONS if h in horizons)
    at = origins(table.first, table.last, folds, every, asked, BEFORE)
    absent = absent_library(library)
    cells: list[Cells] = []
    records = []
    for k, origin in enumerate(at):
        started = time.perf_counter()
        if on_progress is not None:
            on_progress(origin.last.isoformat(), k, len(at))
        rng = np.random.Generator(np.random.Philox(key=[seed & (2**64 - 1), origin.index]))
        reach = [h for h in asked if origin + HORIZONS[h] <= table.last]
        made = [c for level in table.levels for c in _cells(k, origin, table, level, reach, n, rng, not absent)]
        cells += made
        size = sum(len(c.names) for c in made)
        records.append(FoldRecord(origin.last.isoformat(), tuple(reach), size, 0, 0, time.perf_counter() - started))
    scored = together([score(c) for c in cells])
    found = set(scored.cells["method"].unique())
    order = (ATTAIN, BUDGET, *baselines.NAIVE, *baselines.LIBRARY)
    return Backtest(
        table.name, "periods", tuple(records), scored, tuple(m for m in order if m in found), absent, every, asked,
        seed, n, 0, table.notes, _support(table), time.perf_counter() - begun,
    )  # fmt: skip


def _cells(
    number: int,
    origin: Month,
    table: Periods,
    level: Level,
    horizons: Sequence[str],
    n: int,
    rng: np.random.Generator,
    library: bool,
) -> list[Cells]:
    now = origin - table.first + 1
    here = pooled.active(level.actual[:, :now])
    if not here.any():
        return []
    known, later, budget = level.actual[here, :now], level.actual[here, now:], level.budget[here]
    names = tuple(name for name, stays in zip(level.names, here, strict=True) if stays)
    auto = {m: baselines.library(m, known, tuple(HORIZONS[h] for h in horizons)) for m in baselines.LIBRARY if library}
    out = []
    for horizon in horizons:
        months = HORIZONS[horizon]
        made = pooled.forecast(known, budget, months)
        drawn = pooled.draw(made, pooled.surprises(level.actual[:, :now], level.budget, months), n, rng)
        planned = budget[:, now : now + months]
        below = (known.min(axis=1) < 0.0) | (np.nan_to_num(planned).min(axis=1) < 0.0)  # corrections, seen or planned
        samples: dict[str, Floats | None] = {ATTAIN: np.where(below[:, None], drawn, np.clip(drawn, 0.0, None))}
        if not np.isnan(budget).all():
            samples[BUDGET] = np.where(np.isnan(planned), 0.0, planned).sum(axis=1)[:, None]
        samples |= {name: baselines.naive(name, known, months) for name in baselines.NAIVE}
        samples |= {name: by[months] for name, by in auto.items()}
        out.append(
            Cells(
                number, level.name, MEASURE, horizon, months, names, later[:, :months].sum(axis=1),
                {m: s for m, s in samples.items() if s is not None}, targets(known, months),
            )
        )  # fmt: skip
    return out


def _support(table: Periods) -> dict[str, Any]:
    return {"months": table.last - table.first + 1, "cells": sum(len(level.names) for level in table.levels)}
