"""Win rates of many people, products, regions and sources, pooled: nobody is a 0% seller after six deals.

Each level's log odds is a normal random effect around the group's, the factors crossed. For given spreads the effects'
posterior is Laplace's (mode and curvature of the binomial likelihood times the prior; Tierney and Kadane 1986); the
spreads are not set to one estimate, which would make everybody too sure with few levels, but summed over on a grid with
their marginal likelihood, under a prior that vanishes at nought (Chung et al. 2013, Psychometrika 78, 685-709; the
nested sum is Rue, Martino and Chopin 2009). A level with few deals stays near the group, one with many goes where its
deals are, and each says how sure it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.fit.arrow import Arrow
from engine.fit.incidence import Floats

SPREADS = np.array([0.03, 0.08, 0.14, 0.2, 0.28, 0.38, 0.5, 0.66, 0.86, 1.1, 1.5, 2.1])  # of log odds
PRIOR = 0.5  # scale of a spread's Rayleigh prior: its mode
_WIDTH = np.gradient(SPREADS)
ENOUGH = 0.3  # binomial variance of a cell from which it tells of more than chance


@dataclass(frozen=True, slots=True)
class Effects:
    """``multipliers[f][level]``: the odds of a level of factor f against the group's, ``sds`` the posterior standard
    deviation of their logarithms; ``sd[f]``: how much the levels differ."""

    multipliers: tuple[Floats, ...]
    sd: tuple[float, ...]
    base: float  # the group's probability, at multipliers of 1
    sds: tuple[Floats, ...] = ()
    mode: Floats | None = None  # intercept, then every factor's levels, at the likeliest spreads
    information: Arrow | None = None

    def together(self, of: Floats) -> tuple[Floats, Floats]:
        """Means and sds of sums of effects: ``of[K, 1 + levels]`` says of which. What two factors cannot tell apart (a
        person, and the one region they work in) is known in the sum."""
        if self.mode is None or self.information is None:
            raise ValueError("effects without their information")
        return of @ self.mode, np.sqrt(np.maximum(self.information.variances(of), 0.0))


@dataclass(frozen=True, eq=False)
class Crossed:
    """The counts, and where each factor's levels stand among the parameters, the intercept first."""

    won: Floats
    of: Floats
    codes: tuple[NDArray[np.int64], ...]
    sizes: tuple[int, ...]

    @property
    def starts(self) -> list[int]:
        return [1, *(1 + int(n) for n in np.cumsum(self.sizes))]

    def linear(self, beta: Floats) -> Floats:
        out = np.full(len(self.won), beta[0])
        for start, code in zip(self.starts, self.codes, strict=False):
            out += beta[start + code]
        return out

    def gradient(self, residual: Floats) -> Floats:
        parts = [np.array([residual.sum()])]
        parts += [np.bincount(c, residual, n) for c, n in zip(self.codes, self.sizes, strict=True)]
        return np.concatenate(parts)

    def information(self, weight: Floats, penalty: Floats) -> Arrow:
        """The counts' own, each cell with a ``weight``, and the priors' ``penalty`` on the diagonal."""
        size, starts = 1 + sum(self.sizes), self.starts
        largest = int(np.argmax(self.sizes))
        big, levels = self.codes[largest], self.sizes[largest]
        others = [(1, np.zeros(len(big), dtype=np.int64))]  # the intercept is a factor of one level
        others += [(n, c) for f, (n, c) in enumerate(zip(self.sizes, self.codes, strict=True)) if f != largest]
        places = np.cumsum([0, *(n for n, _ in others)])
        rest, cross = np.zeros((places[-1], places[-1])), np.empty((places[-1], levels))
        for f, (n, code) in enumerate(others):
            own = slice(places[f], places[f + 1])
            cross[own] = np.bincount(code * levels + big, weight, n * levels).reshape(n, levels)
            rest[own, own] = np.diag(np.bincount(code, weight, n))
            for g, (m, other) in enumerate(others[:f]):
                block = np.bincount(code * m + other, weight, n * m).reshape(n, m)
                at = slice(places[g], places[g + 1])
                rest[own, at], rest[at, own] = block, block.T
        place = slice(starts[largest], starts[largest] + levels)
        found = Arrow(size, place, np.bincount(big, weight, levels) + penalty[place], cross, rest)
        found.rest[np.diag_indices(len(rest))] += penalty[found.others]
        return found


def shrunk_odds(
    won: NDArray[np.float64],
    of: NDArray[np.float64],
    factors: Sequence[NDArray[np.int64]],
    levels: Sequence[int],
    *,
    rounds: int = 3,
) -> Effects:
    """Odds multipliers by level of each factor, from ``won[N]`` of ``of[N]`` and each row's level ``factors[f][N]``.

    The intercept is free. Multipliers are centred so that the deals' mean effect is nought: the group's rate is kept.
    """
    cells = Crossed(
        np.asarray(won, dtype=np.float64),
        np.asarray(of, dtype=np.float64),
        tuple(np.asarray(f, dtype=np.int64) for f in factors),
        tuple(int(n) for n in levels),
    )
    mean = (float(cells.won.sum()) + 0.5) / (float(cells.of.sum()) + 1.0)
    beta = np.zeros(1 + sum(cells.sizes))
    beta[0] = np.log(mean / (1 - mean))
    spread = np.full(len(levels), 0.4)
    for _ in range(rounds):
        before = spread.copy()
        for f in range(len(levels)):
            weights, beta, _ = _along(cells, spread, f, beta)
            spread[f] = SPREADS[int(np.argmax(weights))]
        if np.array_equal(before, spread):
            break
    multipliers, sds, typical = [], [], []
    _, beta, information = _mode(cells, spread, beta)
    base = float(beta[0])
    for f in range(len(levels)):
        weights, _, fits = _along(cells, spread, f, beta)
        share = cells.gradient(cells.of)[cells.starts[f] : cells.starts[f] + cells.sizes[f]]
        share = share / share.sum()
        centre = np.array([m - share @ m for m, _ in fits])
        spreads = np.array([known.contrasts(cells.starts[f], share) for _, known in fits])
        middle = weights @ centre
        variance = weights @ (spreads + (centre - middle) ** 2)
        multipliers.append(np.exp(middle))
        sds.append(np.sqrt(variance))
        typical.append(float(weights @ SPREADS))
        base += float(share @ beta[cells.starts[f] : cells.starts[f] + cells.sizes[f]])
    probability = float(1 / (1 + np.exp(-base)))
    return Effects(
        tuple(multipliers),
        tuple(typical),
        probability,
        tuple(sds),
        beta,
        information,
    )


def _along(cells: Crossed, spread: Floats, f: int, beta: Floats) -> tuple[Floats, Floats, list[tuple[Floats, Arrow]]]:
    """Posterior weights of factor f's spreads, the others held, and its effects' mode and all information at each."""
    own = slice(cells.starts[f], cells.starts[f] + cells.sizes[f])
    logs, fits, best = np.empty(len(SPREADS)), [], beta
    for k, s in enumerate(SPREADS):
        held = spread.copy()
        held[f] = s
        logs[k], beta, information = _mode(cells, held, beta)
        if k == 0 or logs[k] >= logs[:k].max():
            best = beta
        fits.append((beta[own], information))
    logs += np.log(SPREADS) - 0.5 * (SPREADS / PRIOR) ** 2
    weights = np.exp(logs - logs.max()) * _WIDTH
    return np.asarray(weights / weights.sum(), dtype=np.float64), best, fits


def _mode(cells: Crossed, spread: Floats, beta: Floats) -> tuple[float, Floats, Arrow]:
    """Laplace's log marginal likelihood, the mode, and the information there."""
    penalty = np.concatenate([[1e-9], *(np.full(n, s**-2.0) for n, s in zip(cells.sizes, spread, strict=True))])
    for _ in range(40):
        p = 1 / (1 + np.exp(-np.clip(cells.linear(beta), -30, 30)))
        information = cells.information(cells.of * p * (1 - p), penalty)
        step = information.solve(cells.gradient(cells.won - cells.of * p) - penalty * beta)
        largest = float(np.abs(step).max())
        beta = beta + step * min(1.0, 2.0 / max(largest, 1e-300))
        if largest < 1e-7:
            break
    eta = np.clip(cells.linear(beta), -30, 30)
    likelihood = float(cells.won @ eta - cells.of @ np.logaddexp(0.0, eta))
    sizes = np.array(cells.sizes, dtype=np.float64)
    prior = -0.5 * float(penalty[1:] @ beta[1:] ** 2) - float(sizes @ np.log(spread))
    return likelihood + prior - 0.5 * information.log_det(), beta, information


def interaction(
    won: Floats, of: Floats, codes: Sequence[NDArray[np.int64]], effects: Effects, one: int, other: int
) -> float:
    """Variance of log odds by which the levels of two factors differ in each other's levels, beyond the sum of their
    effects and beyond chance: of a person from month to month, say. By moments: the square of what came less what was
    expected has the mean v + variance v^2, v the binomial variance (DerSimonian and Laird 1986); nought or more."""
    assert effects.mode is not None, "effects as fitted"
    starts = np.cumsum([1, *(len(m) for m in effects.multipliers)])
    eta = np.full(len(of), effects.mode[0])
    for start, code in zip(starts, codes, strict=False):
        eta += effects.mode[start + code]
    p = 1 / (1 + np.exp(-np.clip(eta, -30, 30)))
    size = len(effects.multipliers[other])
    pair = codes[one] * size + codes[other]
    cells = len(effects.multipliers[one]) * size
    error = np.bincount(pair, won - of * p, cells)
    spread = np.bincount(pair, of * p * (1 - p), cells)
    known = spread > ENOUGH
    most = float(np.sum(spread[known] ** 2))
    return max(0.0, float(np.sum(error[known] ** 2 - spread[known])) / most) if most > 0 else 0.0


def shrunk_shares(counts: NDArray[np.float64], prior: NDArray[np.float64], strength: float = 10.0) -> Floats:
    """Shares of a cell over people: ``counts`` pulled toward ``prior`` (sums to 1) as if it were ``strength`` deals."""
    counts = np.asarray(counts, dtype=np.float64)
    total = counts + strength * np.asarray(prior, dtype=np.float64)
    return np.asarray(total / total.sum(), dtype=np.float64)
