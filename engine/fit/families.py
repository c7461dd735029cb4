"""What several fitted families of waits say together, when none of them is known to be the right one.

Used by ``durations``: each family has its likelihood, and a weight. An interval is that of the mixture of what each
would say, not that of the best one (Fletcher and Turek 2012, J. Agric. Biol. Environ. Stat. 17, 38-51; Turek and
Fletcher 2012, Comput. Stat. Data Anal. 56, 2809-2815), and the law that a plan holds is the one with that interval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import root
from scipy.special import expit, ndtr
from scipy.stats import beta as beta_law

Floats = NDArray[np.float64]
LOW, HIGH = 0.025, 0.975
VAGUE = 4.0  # of a log odds: as good as anything
FURTHEST = 5.0  # standard deviations about an estimate that its profile is followed
STEPS = 41  # of a profile
NOTHING = 0.6  # parameter of a Beta law that is told from Jeffreys' prior by a tenth of a deal
FAR, NEVER = 1e6, 1e-9  # twice a loss that nothing has, and a share that is none


@dataclass(frozen=True, eq=False)
class Said:
    """One set of families at its best: the unconstrained parameters, their covariance, and twice the loss above the
    least at any others."""

    weight: float
    at: Floats
    covariance: Floats
    deviance: Callable[[Floats], float]


def mixed(weights: Floats, middles: Floats, sds: Floats, share: float) -> float:
    """The quantile of a mixture of normal laws, by bisection."""
    low, high = float(np.min(middles - 9 * sds)), float(np.max(middles + 9 * sds))
    for _ in range(60):
        middle = (low + high) / 2
        if float(weights @ ndtr((middle - middles) / sds)) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def share_together(said: Sequence[Said]) -> tuple[float, float]:
    """The first parameter, a log odds, as (probability, tries): the Beta law with the mixture's 95% interval.

    Each set's profile is followed along its tangent, which has its skewness (the others' best values leave the tangent
    in the second order, their loss in the fourth), as a signed root of twice the loss.
    """
    profiles = [_profile(one) for one in said]
    at = np.linspace(min(p[0][0] for p in profiles), max(p[0][-1] for p in profiles), 401)
    below = sum(one.weight * ndtr(np.interp(at, *p)) for one, p in zip(said, profiles, strict=True))
    below = np.maximum.accumulate(below)
    low, high = np.interp([LOW, HIGH], below, at)
    chances = np.concatenate([[0.0], expit((at[1:] + at[:-1]) / 2), [1.0]])
    mean = float(chances @ np.diff(np.concatenate([[0.0], below, [1.0]])))
    return _beta(float(expit(low)), float(expit(high)), mean)


def _profile(one: Said) -> tuple[Floats, Floats]:
    """Values of the first parameter, and the signed roots of twice the loss there."""
    sd = min(float(np.sqrt(one.covariance[0, 0])), VAGUE)
    moved = np.linspace(-FURTHEST, FURTHEST, STEPS) * sd
    tangent = one.covariance[:, 0] / one.covariance[0, 0]
    above = np.clip([one.deviance(one.at + m * tangent) for m in moved], 0.0, FAR)
    return one.at[0] + moved, np.maximum.accumulate(np.sign(moved) * np.sqrt(above))


def _beta(low: float, high: float, mean: float) -> tuple[float, float]:
    """(wins / tries, tries) of the Beta law, Jeffreys' halves taken off, whose central 95% is from low to high; one try
    at the mean where that is all but everything."""
    low, high = max(low, NEVER), min(high, 1 - NEVER)
    middle = (low + high) / 2
    total = middle * (1 - middle) / max(((high - low) / 3.92) ** 2, 1e-12)
    start = np.log(np.maximum([middle * total, (1 - middle) * total], 0.6))

    def off(x: Floats) -> Floats:
        a, b = np.exp(np.clip(x, -3.0, 18.0))
        least, most = float(beta_law.ppf(LOW, a, b)), float(beta_law.ppf(HIGH, a, b))
        return np.log(np.maximum([least, 1 - most], NEVER**2)) - np.log([low, 1 - high])

    found = root(off, start, tol=1e-6)
    a, b = np.exp(found.x if found.success and np.all(np.isfinite(found.x)) else start)
    if min(a, b) < NOTHING:
        return mean, 1.0
    tries = max(1.0, float(a + b) - 1.0)
    return float(np.clip((a - 0.5) / tries, 1e-6, 1 - 1e-6)), tries
