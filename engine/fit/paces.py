"""How long deals of many people, products, regions and sources take, pooled: `rates` for the logarithm of waits.

Each level's effect on the logarithm of a wait is normal around the group's, the factors crossed; what else moves waits
(the month, the way a deal ended) is let go free beside them. Given the spreads all is linear and exact; the spreads are
summed over on a grid with their marginal likelihood, one factor at a time (Gelman 2006 for why not one best spread).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.fit.arrow import Arrow
from engine.fit.incidence import Floats
from engine.fit.rates import Crossed, Effects

SPREADS = np.array([0.005, 0.015, 0.03, 0.05, 0.08, 0.12, 0.17, 0.24, 0.33, 0.5, 0.8])  # of log waits
PRIOR = 0.15  # mode of a spread's Rayleigh prior
FREE = 1e-4  # precision of what is let go free
_WIDTH = np.gradient(SPREADS)


def shrunk_waits(
    total: Floats,
    square: Floats,
    of: Floats,
    factors: Sequence[NDArray[np.int64]],
    levels: Sequence[int],
    free: int = 0,
) -> Effects:
    """Multipliers of waits by level of each factor, but for the last ``free`` ones, from cells of ``of[N]`` deals whose
    log waits sum to ``total[N]`` and their squares to ``square[N]``; centred so that the deals' mean is nought."""
    cells = Crossed(total, of, tuple(np.asarray(f, dtype=np.int64) for f in factors), tuple(int(n) for n in levels))
    shrunk = len(levels) - free
    spread = np.full(shrunk, 0.1)
    noise = _noise(cells, square)
    logs = np.zeros(len(SPREADS))
    for _ in range(3):
        before = spread.copy()
        for f in range(shrunk):
            for k, s in enumerate(SPREADS):
                logs[k] = _solved(cells, _with(spread, f, s), free, noise)[0]
            logs += np.log(SPREADS) - 0.5 * (SPREADS / PRIOR) ** 2
            spread[f] = SPREADS[int(np.argmax(logs))]
        if np.array_equal(before, spread):
            break
    multipliers, sds, typical = [], [], []
    _, beta, information = _solved(cells, spread, free, noise)
    counts = cells.gradient(of)
    for f in range(shrunk):
        own = slice(cells.starts[f], cells.starts[f] + cells.sizes[f])
        share = counts[own] / counts[own].sum()
        found = [_solved(cells, _with(spread, f, s), free, noise) for s in SPREADS]
        logs = np.array([one[0] for one in found]) + np.log(SPREADS) - 0.5 * (SPREADS / PRIOR) ** 2
        weight = np.exp(logs - logs.max()) * _WIDTH
        weight /= weight.sum()
        centre = np.array([one[1][own] - share @ one[1][own] for one in found])
        spreads = np.array([one[2].contrasts(cells.starts[f], share) for one in found])
        middle = weight @ centre
        multipliers.append(np.exp(middle))
        sds.append(np.sqrt(weight @ (spreads + (centre - middle) ** 2)))
        typical.append(float(weight @ SPREADS))
    return Effects(tuple(multipliers), tuple(typical), 0.0, tuple(sds), beta, information)


def _with(spread: Floats, f: int, s: float) -> Floats:
    held = spread.copy()
    held[f] = s
    return held


def _noise(cells: Crossed, square: Floats) -> float:
    """Variance of a deal's log wait within all factors' levels."""
    information = cells.information(cells.of, np.full(1 + sum(cells.sizes), 1e-6))
    gradient = cells.gradient(cells.won)
    rest = float(square.sum()) - float(gradient @ information.solve(gradient))
    free = max(1.0, float(cells.of.sum()) - 1 - sum(n - 1 for n in cells.sizes))
    return max(rest / free, 1e-6)


def _solved(cells: Crossed, spread: Floats, free: int, noise: float) -> tuple[float, Floats, Arrow]:
    """Log marginal likelihood, the effects' means and their information."""
    own = [np.full(n, s**-2.0) for n, s in zip(cells.sizes, spread, strict=False)]
    rest = [np.full(n, FREE) for n in cells.sizes[len(cells.sizes) - free :]] if free else []
    penalty = np.concatenate([[1e-9], *own, *rest])
    information = cells.information(cells.of / noise, penalty)
    gradient = cells.gradient(cells.won) / noise
    beta = information.solve(gradient)
    sizes = np.array(cells.sizes[: len(spread)], dtype=np.float64)
    return 0.5 * float(gradient @ beta) - 0.5 * information.log_det() - float(sizes @ np.log(spread)), beta, information
