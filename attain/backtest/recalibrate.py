"""Recalibration: a spread, and what comes back of the last known error, learnt from earlier origins only.

On the scale of square roots, where errors of counts and of money are of a size, an origin's error is (outcome -
median) / spread of its samples. For each level, measure and horizon, past errors give two numbers: how much of the last
known error comes back (a regression through the origin, kept small by a ridge), and by how much what is then left is
wider than the samples say. An origin counts once, however many cells it has, since its cells err together. Only
horizons that had ended by an origin teach it anything; origins before the scored ones may be made to learn from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from attain.backtest.records import ATTAIN, RECALIBRATED, Cells

Floats = NDArray[np.float64]
PRIOR = 1.0  # origins' worth of spreads that were right
RIDGE = 3.0  # origins' worth of errors of which nothing came back
FEWEST = 3  # ended origins from which anything is learnt
MOST = 10.0  # an error counts as no more spreads than this
TAIL = 0.158655253931457  # of a normal beyond one standard deviation


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to samples: moved by ``shift`` spreads, then stretched by ``stretch`` about their median."""

    shift: float
    stretch: float
    origins: int


def _parts(samples: Floats) -> tuple[Floats, Floats, Floats]:
    """Samples on the scale of roots, their median, and half of their central 68%."""
    root = np.sqrt(np.clip(samples, 0.0, None))
    low, middle, high = np.quantile(root, [TAIL, 0.5, 1.0 - TAIL], axis=1)
    return root, middle, (high - low) / 2.0


def errors(samples: Floats, outcomes: Floats) -> Floats:
    """[rows] Outcomes' distance from the samples' median in spreads; nan where the samples have none."""
    _, middle, spread = _parts(samples)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (np.sqrt(np.clip(outcomes, 0.0, None)) - middle) / spread
    return np.where(spread > 0, np.clip(found, -MOST, MOST), np.nan)


def learn(past: Mapping[int, Floats], fold: int, lag: int) -> Change | None:
    """The change for ``fold`` from errors [cells] by earlier fold, each known ``lag`` folds after it was made.

    None where too few are known.
    """
    kept = {f: e[~np.isnan(e)] for f, e in sorted(past.items()) if f + lag <= fold}
    kept = {f: e for f, e in kept.items() if len(e)}
    if len(kept) < FEWEST:
        return None
    mean = {f: float(e.mean()) for f, e in kept.items()}
    pairs = [(mean[f], mean[f - lag]) for f in mean if f - lag in mean]
    ridge = RIDGE * float(np.mean([m * m for m in mean.values()]))
    below = sum(b * b for _, b in pairs) + ridge
    back = float(np.clip(sum(a * b for a, b in pairs) / below, 0.0, 1.0)) if below > 0 else 0.0
    left = [float(np.mean((e - back * mean.get(f - lag, 0.0)) ** 2)) for f, e in kept.items()]
    stretch = float(np.sqrt((PRIOR + sum(left)) / (PRIOR + len(left))))
    return Change(back * mean.get(fold - lag, 0.0), stretch, len(kept))


def apply(change: Change, samples: Floats, *, whole: bool) -> Floats:
    """Samples moved and stretched; ``whole`` numbers stay whole."""
    root, middle, spread = _parts(samples)
    moved = middle[:, None] + change.shift * spread[:, None] + change.stretch * (root - middle[:, None])
    out = np.clip(moved, 0.0, None) ** 2
    return np.asarray(np.rint(out) if whole else out, dtype=np.float64)


def recalibrated(cells: Sequence[Cells], every: int) -> tuple[Cells, ...]:
    """The cells with 'recalibrated' samples beside attain's wherever enough earlier origins had ended in time."""
    past: dict[tuple[str, str, str], dict[int, Floats]] = {}
    for c in cells:
        past.setdefault(c.group, {})[c.fold] = errors(c.samples[ATTAIN], c.actual)
    out = []
    for c in cells:
        change = learn(past[c.group], c.fold, -(-c.months // every))
        if change is None:
            out.append(c)
            continue
        made = apply(change, c.samples[ATTAIN], whole=c.measure == "deals_won")
        out.append(replace(c, samples={**c.samples, RECALIBRATED: made}))
    return tuple(out)
