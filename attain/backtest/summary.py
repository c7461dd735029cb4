"""From scores to what is told: coverage with its error, CRPS and skill by level, measure and horizon, Brier, PIT.

Cells of one origin err together, and so do origins whose horizons overlap: errors come from a circular block bootstrap
over origins, with blocks as long as the horizon.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from attain.backtest import scores
from attain.backtest.origins import HORIZONS
from attain.backtest.records import ATTAIN, CELL, GROUP, INTERVALS, RECALIBRATED, Backtest

DRAWS = 2000
FEW_FOLDS = 6  # origins below which their spread tells nothing
BARS = {0.8: (0.75, 0.85), 0.9: (0.86, 0.94)}  # what coverage is held against
ENOUGH = 200  # scored cells from which it is
OURS = (ATTAIN, RECALIBRATED)
Row = dict[str, Any]


def blocks(values: NDArray[np.float64], folds: NDArray[np.int64], length: int, seed: int = 0) -> tuple[float, float]:
    """The central 95% of a mean over cells, by circular block bootstrap over folds [cells]."""
    names, at = np.unique(folds, return_inverse=True)
    total, count = np.bincount(at, values), np.bincount(at).astype(np.float64)
    k = len(names)
    if k < 2:
        return float("nan"), float("nan")
    length = min(max(1, length), k)
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, k, size=(DRAWS, -(-k // length)))
    drawn = ((starts[:, :, None] + np.arange(length)) % k).reshape(DRAWS, -1)[:, :k]
    means = total[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _groups(frame: pl.DataFrame) -> list[tuple[Row, pl.DataFrame]]:
    found = []
    for key, part in frame.group_by(*GROUP, maintain_order=True):
        found.append((dict(zip(GROUP, key, strict=True)), part))
    return found


def coverage(found: Backtest) -> list[Row]:
    """A row a level, measure, horizon, method and interval: share covered, its error, mean width, and the verdict."""
    rows = []
    told = found.scored.cells.filter(pl.col("low").is_not_nan())
    for key, part in [*_groups(told), *_pooled(told)]:
        length = -(-HORIZONS[key["horizon"]] // found.every)
        for method in found.methods:
            own = part.filter(pl.col("method") == method)
            if not own.height:
                continue
            low, high, fold = (own[c].to_numpy() for c in ("low", "high", "fold"))
            for level in INTERVALS:
                hit = scores.covered(low, high, level)
                share = float(hit.mean())
                bar = BARS.get(level)
                rows.append(
                    {
                        **key, "method": method, "interval": level, "covered": share,
                        "error": blocks(hit, fold, length), "width": float(own[f"width{level:.0%}"].to_numpy().mean()),
                        "cells": own.height,
                        "within": None if bar is None or own.height < ENOUGH else bar[0] <= share <= bar[1],
                    }
                )  # fmt: skip
    return rows


def _pooled(frame: pl.DataFrame) -> list[tuple[Row, pl.DataFrame]]:
    """All levels together, by measure and horizon."""
    return [
        ({"level": "all", "measure": m, "horizon": h}, part)
        for (m, h), part in frame.group_by("measure", "horizon", maintain_order=True)
    ]


def crps(found: Backtest, ours: str = ATTAIN) -> list[Row]:
    """A row a level, measure, horizon and method: mean CRPS, and the mean over the same cells of ``ours``."""
    rows = []
    cells = found.scored.cells
    own = cells.filter(pl.col("method") == ours).select(*CELL, pl.col("crps").alias("ours"))
    for method in found.methods:
        pairs = cells.filter(pl.col("method") == method).join(own, on=list(CELL), how="inner", maintain_order="left")
        for key, part in _groups(pairs):
            theirs, mine = (float(part[column].to_numpy().mean()) for column in ("crps", "ours"))
            rows.append({**key, "method": method, "crps": theirs, "ours": mine, "cells": part.height})
    return rows


def skill(found: Backtest) -> list[Row]:
    """A row a level, measure, horizon and forecast of ours (as fitted, recalibrated): 1 - CRPS / CRPS of each baseline.

    On the cells that both forecast; ``best`` is the baseline against which it is least, ``skill`` that.
    """
    rows = []
    for ours in OURS:
        by: dict[tuple[str, ...], dict[str, float | None]] = {}
        for row in crps(found, ours):
            if row["method"] not in OURS:
                gain = 1.0 - row["ours"] / row["crps"] if row["crps"] > 0 else None
                by.setdefault(tuple(row[k] for k in GROUP), {})[row["method"]] = gain
        for key, against in by.items():
            said = {m: s for m, s in against.items() if s is not None}
            best = min(said, key=lambda m: said[m]) if said else None
            least = said[best] if best is not None else None
            group = dict(zip(GROUP, key, strict=True))
            rows.append({**group, "method": ours, "against": against, "best": best, "skill": least})
    return rows


def overall(rows: list[Row]) -> dict[str, dict[str, float]]:
    """ours -> baseline -> 1 - the geometric mean over ``skill``'s groups of our CRPS over the baseline's."""
    logs: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        for method, gain in row["against"].items():
            if gain is not None and gain < 1.0:
                logs.setdefault(row["method"], {}).setdefault(method, []).append(float(np.log1p(-gain)))
    return {
        ours: {method: 1.0 - float(np.exp(np.mean(x))) for method, x in against.items()}
        for ours, against in logs.items()
    }


def attainment(found: Backtest) -> dict[str, Any]:
    """Brier score, its parts and the reliability curve by method, over all targets."""
    out = {}
    for method in found.methods:
        own = found.scored.attainments.filter(pl.col("method") == method)
        if own.height:
            b = scores.brier(own["probability"].to_numpy(), own["happened"].to_numpy())
            out[method] = {
                "score": b.score, "reliability": b.reliability, "resolution": b.resolution,
                "uncertainty": b.uncertainty, "within": b.within, "events": own.height,
                "curve": [{"probability": x.probability, "happened": x.happened, "events": x.count} for x in b.bins],
            }  # fmt: skip
    return out


def histograms(found: Backtest, bins: int = 10) -> dict[str, list[float]]:
    """method -> shares of the transforms in equal bins, over all cells."""
    out = {}
    for method in found.methods:
        own = found.scored.cells.filter((pl.col("method") == method) & pl.col("low").is_not_nan())
        if own.height:
            out[method] = scores.histogram(own["low"].to_numpy(), own["high"].to_numpy(), bins).tolist()
    return out


def origins_needed(rows: list[Row], folds: int, room: float = 0.05) -> int | None:
    """How many origins would tell the 80% coverage of months to so much, from the bootstrap's error at hand.

    With fewer than six origins that error says little: then cells of an origin are taken to hold or fail together.
    """
    if folds < FEW_FOLDS:
        return int(np.ceil(0.8 * 0.2 * (1.96 / room) ** 2))
    own = [r for r in rows if r["level"] == "all" and r["interval"] == 0.8 and r["method"] == ATTAIN]
    own = [r for r in own if r["horizon"] == "month" and np.isfinite(r["error"][1] - r["error"][0])]
    if not own:
        return None
    half = float(np.mean([(r["error"][1] - r["error"][0]) / 2.0 for r in own]))
    return max(folds, int(np.ceil(folds * (half / room) ** 2)))


def document(found: Backtest) -> dict[str, Any]:
    """What ``--json`` prints."""
    rows, gains = coverage(found), skill(found)
    return {
        "history": found.name,
        "kind": found.kind,
        "seed": found.seed,
        "replications": found.n,
        "every_months": found.every,
        "learnt_origins": found.learnt,
        "folds": [
            {
                "origin": f.origin, "horizons": list(f.horizons), "cells": f.cells, "won": f.won, "open": f.open,
                "seconds": f.seconds,
            }
            for f in found.folds
        ],
        "coverage": rows,
        "crps": crps(found),
        "skill": gains,
        "overall": overall(gains),
        "attainment": attainment(found),
        "pit": histograms(found),
        "absent": found.absent,
        "stages": list(found.stages),
        "support": {**found.support, "origins_needed": origins_needed(rows, len(found.folds))},
        "notes": list(found.notes),
        "seconds": found.seconds,
    }  # fmt: skip
