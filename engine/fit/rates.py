"""Win rates of many people and products, shrunk toward their group: nobody is a 0% seller after six deals.

Each level's log odds is a normal random effect around the group's; effects are predicted (BLUP) and their variances
estimated by penalised quasi-likelihood with EM steps (Breslow and Clayton 1993, JASA 88, 9-25, section 2; Schall 1991).
A level with few deals stays near the group (multiplier 1), one with many goes where its deals are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.fit.incidence import Floats


@dataclass(frozen=True, slots=True)
class Effects:
    """``multipliers[f][level]``: the odds of a level of factor f against the group's; ``sd[f]`` of their logarithms."""

    multipliers: tuple[Floats, ...]
    sd: tuple[float, ...]
    base: float  # the group's probability, at multipliers of 1


def shrunk_odds(
    won: NDArray[np.float64],
    of: NDArray[np.float64],
    factors: Sequence[NDArray[np.int64]],
    levels: Sequence[int],
    *,
    rounds: int = 60,
) -> Effects:
    """Odds multipliers by level of each factor, from ``won[N]`` of ``of[N]`` and each row's level ``factors[f][N]``.

    The intercept is free. Multipliers are centred so that the deals' mean effect is nought: the group's rate is kept.
    """
    won, of = np.asarray(won, dtype=np.float64), np.asarray(of, dtype=np.float64)
    sizes = np.array(levels, dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    design = np.zeros((len(won), 1 + int(sizes.sum())))
    design[:, 0] = 1.0
    for f, which in enumerate(factors):
        design[np.arange(len(won)), 1 + starts[f] + which] = 1.0
    total = float(of.sum())
    mean = (float(won.sum()) + 0.5) / (total + 1.0)
    beta = np.zeros(design.shape[1])
    beta[0] = np.log(mean / (1 - mean))
    variance = np.full(len(levels), 0.25)
    for _ in range(rounds):
        penalty = np.concatenate([[1e-9], *(np.full(n, 1 / v) for n, v in zip(sizes, variance, strict=True))])
        for _ in range(25):
            p = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
            weight = of * p * (1 - p)
            hessian = design.T @ (weight[:, None] * design) + np.diag(penalty)
            step = np.linalg.solve(hessian, design.T @ (won - of * p) - penalty * beta)
            largest = float(np.abs(step).max())
            beta = beta + step * min(1.0, 2.0 / max(largest, 1e-300))
            if largest < 1e-10:
                break
        covariance = np.linalg.inv(hessian)
        new = variance.copy()
        for f, n in enumerate(sizes):
            own = slice(1 + starts[f], 1 + starts[f] + n)
            new[f] = max(1e-6, float(np.sum(beta[own] ** 2) + np.trace(covariance[own, own])) / n)
        settled = bool(np.all(np.abs(new - variance) < 1e-6 * (1e-3 + variance)))
        variance = new
        if settled:
            break
    multipliers = []
    base = beta[0]
    for f, which in enumerate(factors):
        effects = beta[1 + starts[f] : 1 + starts[f] + sizes[f]]
        centre = float(np.sum(of * effects[which]) / total) if total else 0.0
        base += centre
        multipliers.append(np.exp(effects - centre))
    return Effects(tuple(multipliers), tuple(float(np.sqrt(v)) for v in variance), float(1 / (1 + np.exp(-base))))


def shrunk_shares(counts: NDArray[np.float64], prior: NDArray[np.float64], strength: float = 10.0) -> Floats:
    """Shares of a cell over people: ``counts`` pulled toward ``prior`` (sums to 1) as if it were ``strength`` deals."""
    counts = np.asarray(counts, dtype=np.float64)
    total = counts + strength * np.asarray(prior, dtype=np.float64)
    return np.asarray(total / total.sum(), dtype=np.float64)
