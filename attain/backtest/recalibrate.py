"""Recalibration: a spread, and what comes back of the last known error, learnt from earlier origins only.

On the scale of square roots, where errors of counts and of money are of a size, an origin's error is (outcome - mean) /
standard deviation of its samples: of forecasts that are right, of few deals too, it is nought on average and its square
is one. For each level, measure and horizon, past errors give two numbers: how much of the last
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
ROUNDING = 1e-9  # by which a square of a root may fall short
MOST = 10.0  # an error counts as no more spreads than this


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to samples: moved by ``shift`` spreads, then stretched by ``stretch`` about their mean."""

    shift: float
    stretch: float
    origins: int


def _parts(samples: Floats) -> tuple[Floats, Floats, Floats]:
    """Samples on the scale of roots, their mean, and their standard deviation."""
    root = np.sqrt(np.clip(samples, 0.0, None))
    return root, root.mean(axis=1), root.std(axis=1)


def errors(samples: Floats, outcomes: Floats) -> Floats:
    """[rows] Outcomes' distance from the samples' mean in spreads; nan where the samples have none."""
    _, middle, spread = _parts(samples)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (np.sqrt(np.clip(outcomes, 0.0, None)) - middle) / spread
    return np.where(spread > 0, np.clip(found, -MOST, MOST), np.nan)


@dataclass(frozen=True, slots=True)
class Moments:
    """What is kept of one origin's errors: of how many cells, their mean, and the mean of their squares."""

    cells: int
    mean: float
    square: float

    def about(self, centre: float) -> float:
        """The mean of their squares about a centre."""
        return self.square - 2.0 * centre * self.mean + centre * centre


def moments(found: Floats) -> Moments | None:
    """Of errors [cells]; None where no cell has one."""
    known = found[~np.isnan(found)]
    return Moments(len(known), float(known.mean()), float((known * known).mean())) if len(known) else None


def learn(past: Mapping[int, Moments], fold: int, lag: int) -> Change | None:
    """The change for ``fold`` from the errors of earlier folds, each known ``lag`` folds after it was made.

    None where too few are known.
    """
    kept = {f: m for f, m in sorted(past.items()) if f + lag <= fold}
    if len(kept) < FEWEST:
        return None
    mean = {f: m.mean for f, m in kept.items()}
    pairs = [(mean[f], mean[f - lag]) for f in mean if f - lag in mean]
    ridge = RIDGE * float(np.mean([m * m for m in mean.values()]))
    below = sum(b * b for _, b in pairs) + ridge
    back = float(np.clip(sum(a * b for a, b in pairs) / below, 0.0, 1.0)) if below > 0 else 0.0
    left = [m.about(back * mean.get(f - lag, 0.0)) for f, m in kept.items()]
    stretch = float(np.sqrt((PRIOR + sum(left)) / (PRIOR + len(left))))
    return Change(back * mean.get(fold - lag, 0.0), stretch, len(kept))


def apply(change: Change, samples: Floats, *, whole: bool) -> Floats:
    """Samples moved and stretched; ``whole`` numbers stay whole: each is spread over the unit that begins with it."""
    root, middle, spread = _parts(samples + _places(samples) if whole else samples)
    moved = middle[:, None] + change.shift * spread[:, None] + change.stretch * (root - middle[:, None])
    out = np.clip(moved, 0.0, None) ** 2
    return np.asarray(np.floor(out + ROUNDING) if whole else out, dtype=np.float64)


def _places(samples: Floats) -> Floats:
    """[rows, n] between 0 and 1: each sample's place among those of its row that are as large, evenly."""
    order = np.argsort(samples, axis=1, kind="stable")
    out = np.empty_like(samples, dtype=np.float64)
    for row, by in enumerate(order):
        _, start, count = np.unique(samples[row, by], return_index=True, return_counts=True)
        out[row, by] = (np.arange(len(by)) - np.repeat(start, count) + 0.5) / np.repeat(count, count)
    return out


def errors_of(cells: Sequence[Cells]) -> dict[tuple[str, str, str], dict[int, Moments]]:
    """Level, measure and horizon -> fold -> what its errors come to."""
    past: dict[tuple[str, str, str], dict[int, Moments]] = {}
    for c in cells:
        found = moments(errors(c.samples[ATTAIN], c.actual))
        if found is not None:
            past.setdefault(c.group, {})[c.fold] = found
    return past


def recalibrated(cells: Sequence[Cells], every: int) -> tuple[Cells, ...]:
    """The cells with 'recalibrated' samples beside attain's wherever enough earlier origins had ended in time."""
    past = errors_of(cells)
    out = []
    for c in cells:
        change = learn(past.get(c.group, {}), c.fold, -(-c.months // every))
        if change is None:
            out.append(c)
            continue
        made = apply(change, c.samples[ATTAIN], whole=c.measure == "deals_won")
        out.append(replace(c, samples={**c.samples, RECALIBRATED: made}))
    return tuple(out)
