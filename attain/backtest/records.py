"""What a back-test keeps: forecasts of one fold at one level, the scores of each method's cells, and the whole.

A *cell* is one thing forecast once: deals won or bookings, of the company, a region, a product or a rep, over one
horizon from one origin. Methods are compared on the cells that both forecast.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from attain.backtest import scores

Floats = NDArray[np.float64]
ATTAIN = "attain"
RECALIBRATED = "recalibrated"
INTERVALS = (0.5, 0.8, 0.9)
GROUP = ("level", "measure", "horizon")
CELL = ("fold", "name", *GROUP)


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells of one fold, level, measure and horizon: their names, what came true, and each method's samples."""

    fold: int
    level: str
    measure: str
    horizon: str
    months: int
    names: tuple[str, ...]
    actual: Floats  # [names]
    samples: dict[str, Floats]  # method -> [names, m]
    targets: dict[str, Floats] = field(default_factory=dict)  # kind -> [names], fixed before anything was forecast

    @property
    def group(self) -> tuple[str, str, str]:
        """What is told together: level, measure, horizon."""
        return self.level, self.measure, self.horizon


@dataclass(frozen=True, eq=False)
class Scored:
    """``cells``: a row a cell and method: crps, low and high of the transform, widths. ``attainments``: a row a cell
    and target: the method's probability and whether it was reached."""

    cells: pl.DataFrame
    attainments: pl.DataFrame


@dataclass(frozen=True, slots=True)
class FoldRecord:
    """One origin as told: its day, what it was fitted to, and how many cells were scored."""

    origin: str
    horizons: tuple[str, ...]
    cells: int
    won: int  # deals won by then
    open: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Backtest:
    """A back-test's results. ``document`` in ``summary`` makes them JSON."""

    name: str
    kind: str  # 'deals' or 'periods'
    folds: tuple[FoldRecord, ...]
    scored: Scored
    methods: tuple[str, ...]  # in the order they are told
    absent: dict[str, str]  # a method that could not run -> why, and what would help
    every: int  # months between origins
    horizons: tuple[str, ...]
    seed: int | None
    n: int
    learnt: int  # earlier origins that were forecast for recalibration only
    notes: tuple[str, ...]
    support: dict[str, Any]  # what the history's size supports
    seconds: float
    stages: tuple[dict[str, Any], ...] = ()
    forecast: tuple[Cells, ...] = ()  # every origin's own forecasts, those to learn from too
    origins: dict[int, dt.date] = field(default_factory=dict)  # fold -> its origin's last day
    until: dt.date | None = None  # the last day of the last month that could be scored
    sets: tuple[str, ...] = ()


def score(cells: Cells) -> Scored:
    """Score every method of these cells; cells whose samples are not numbers are left out for that method."""
    rows, odds = [], []
    for method, samples in cells.samples.items():
        point = samples.shape[1] == 1 or bool(np.all(samples == samples[:, :1]))
        drawn = method in (ATTAIN, RECALIBRATED)
        low, high = scores.transform(samples, cells.actual)
        frame = {
            "name": cells.names,
            "actual": cells.actual,
            "mean": samples.mean(axis=1),
            "crps": scores.crps(samples, cells.actual, fair=drawn),
            "low": np.where(point, np.nan, low),
            "high": np.where(point, np.nan, high),
            **{f"width{level:.0%}": scores.width(samples, level) for level in INTERVALS},
        }
        rows.append(pl.DataFrame(frame).with_columns(method=pl.lit(method)))
        if point:
            continue
        for kind, target in cells.targets.items():
            asked = target > 0  # nought is reached by doing nothing
            reached = (samples[asked] >= target[asked, None]).mean(axis=1)
            table = pl.DataFrame(
                {
                    "name": [n for n, a in zip(cells.names, asked, strict=True) if a],
                    "probability": reached,
                    "happened": (cells.actual[asked] >= target[asked]).astype(np.float64),
                },
                schema={"name": pl.String, "probability": pl.Float64, "happened": pl.Float64},
            )
            odds.append(table.with_columns(method=pl.lit(method), target=pl.lit(kind)))
    keys = [pl.lit(getattr(cells, k)).alias(k) for k in ("fold", *GROUP)]
    empty = {"name": pl.String, "probability": pl.Float64, "happened": pl.Float64, "method": pl.String}
    attainments = pl.concat(odds) if odds else pl.DataFrame(schema={**empty, "target": pl.String})
    return Scored(pl.concat(rows).with_columns(*keys), attainments.with_columns(*keys))


def together(parts: list[Scored]) -> Scored:
    """Scores of several groups of cells as one."""
    return Scored(pl.concat([p.cells for p in parts]), pl.concat([p.attainments for p in parts]))
