"""Recalibration: a shift and a spread learnt from what earlier origins got wrong, never from later ones.

On the scale of square roots, where money's and counts' errors are of a size, an origin's error is (outcome - median) /
spread of its samples. Past errors of a level, measure and horizon give a shift and a factor on the spread, both drawn
toward 'none' as if ``PRIOR`` more origins had been right. An origin counts once, however many cells it has, since its
cells err together. Only horizons that had ended by the origin are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from attain.backtest.records import ATTAIN, RECALIBRATED, Cells

Floats = NDArray[np.float64]
PRIOR = 4.0  # origins' worth of having been right
FEWEST = 3  # ended origins from which anything is learnt
MOST = 4.0  # an error counts as no more spreads than this


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to samples: moved by ``shift`` spreads, stretched by ``stretch`` about their median."""

    shift: float
    stretch: float
    origins: int


def errors(samples: Floats, outcomes: Floats) -> Floats:
    """[rows] Outcomes' distance from the samples' median in spreads (half of the central 68%); nan without spread."""
    root = np.sqrt(np.clip(samples, 0.0, None))
    low, middle, high = np.quantile(root, [0.1587, 0.5, 0.8413], axis=1)
    spread = (high - low) / 2.0
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (np.sqrt(np.clip(outcomes, 0.0, None)) - middle) / spread
    return np.where(spread > 0, np.clip(found, -MOST, MOST), np.nan)


def learn(past: Sequence[Floats]) -> Change | None:
    """The change that past origins' errors ask for, a row of errors an origin; None where they are too few."""
    kept = [e[~np.isnan(e)] for e in past]
    kept = [e for e in kept if len(e)]
    if len(kept) < FEWEST:
        return None
    n = len(kept)
    shift = sum(float(e.mean()) for e in kept) / (n + PRIOR)
    square = (PRIOR + sum(float(np.mean((e - shift) ** 2)) for e in kept)) / (n + PRIOR)
    return Change(shift, float(np.sqrt(square)), n)


def apply(change: Change, samples: Floats, *, whole: bool) -> Floats:
    """Samples moved and stretched; ``whole`` numbers stay whole."""
    root = np.sqrt(np.clip(samples, 0.0, None))
    low, middle, high = np.quantile(root, [0.1587, 0.5, 0.8413], axis=1)
    spread = ((high - low) / 2.0)[:, None]
    moved = middle[:, None] + change.shift * spread + change.stretch * (root - middle[:, None])
    out = np.clip(moved, 0.0, None) ** 2
    return np.asarray(np.rint(out) if whole else out, dtype=np.float64)


def recalibrated(cells: Sequence[Cells], every: int) -> tuple[Cells, ...]:
    """The cells with 'recalibrated' samples beside attain's wherever earlier origins had ended in time."""
    out = []
    for c in cells:
        past = [
            errors(p.samples[ATTAIN], p.actual)
            for p in cells
            if (p.level, p.measure, p.horizon) == (c.level, c.measure, c.horizon)
            and (c.fold - p.fold) * every >= p.months
        ]
        change = learn(past)
        if change is None:
            out.append(c)
            continue
        made = apply(change, c.samples[ATTAIN], whole=c.measure == "deals_won")
        out.append(replace(c, samples={**c.samples, RECALIBRATED: made}))
    return tuple(out)
