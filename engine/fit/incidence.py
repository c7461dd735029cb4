"""Conversion of a stage when some deals are still in it: the Aalen-Johansen estimate of who advances.

A deal that is still open is neither a win nor a loss, and leaving it out biases the win rate toward whichever outcome
comes sooner. Each outcome is therefore a competing risk and an open deal is censored at its age.

Sources: Aalen and Johansen (1978), Scand. J. Statist. 5, 141-150; the variance is that of Aalen (1978), Ann. Statist.
6, 534-545, in the form given by Marubini and Valsecchi (1995), section 10.3, with binomial increments (Greenwood), so
that without censoring it is p(1-p)/n.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.problems import Refused

Floats = NDArray[np.float64]

OPEN, ADVANCED, LOST = 0, 1, 2
NEAR = 5  # times before and after, whose ends say by which cause a deal might have ended instead
FEW = 5  # ended deals below which a cohort's conversion says nothing


@dataclass(frozen=True, slots=True)
class Incidence:
    """Cumulative incidence at the distinct times at which anything ended.

    ``times[K]``, ascending; ``incidence[K, C]`` for causes 1..C; ``survival[K]`` still open just after each time.
    """

    times: Floats
    incidence: Floats
    survival: Floats

    def final(self, cause: int) -> float:
        """The cumulative incidence of a cause at the last time; 0 where nothing ever ended."""
        return float(self.incidence[-1, cause - 1]) if len(self.times) else 0.0


@dataclass(frozen=True, slots=True)
class Conversion:
    """A stage's probability of advancing, and what it is known from.

    ``wins`` of ``of`` are effective counts: a Beta posterior on them has the estimate's mean and (about) its variance.
    ``raw`` is advanced / entered, open deals counted as not advanced.
    """

    probability: float
    wins: float
    of: float
    raw: float
    entered: int
    advanced: int
    lost: int
    open: int


def _checked(times: ArrayLike, outcomes: ArrayLike) -> tuple[Floats, NDArray[np.int64]]:
    t = np.asarray(times, dtype=np.float64)
    c = np.asarray(outcomes, dtype=np.int64)
    if t.shape != c.shape or t.ndim != 1:
        raise ValueError(f"times and outcomes must be two vectors of one length, not {t.shape} and {c.shape}")
    if not np.all(np.isfinite(t)) or np.any(t < 0):
        raise ValueError("times must be finite and not negative")
    if np.any(c < 0):
        raise ValueError("outcomes are 0 for open and 1, 2, ... for the ways of ending")
    return t, c


def cumulative_incidence(times: ArrayLike, outcomes: ArrayLike, causes: int = 2) -> Incidence:
    """The Aalen-Johansen estimate for competing risks; deals censored at a time count as at risk at that time.

    Args: ``times[N]`` in any unit; ``outcomes[N]``, 0 open (censored) or the cause 1..``causes``.
    """
    t, c = _checked(times, outcomes)
    if np.any(c > causes):
        raise ValueError(f"an outcome above the number of causes, {causes}")
    at, which = np.unique(t[c > 0], return_inverse=True)
    if not len(at):
        return Incidence(at, np.zeros((0, causes)), np.zeros(0))
    ended = np.zeros((len(at), causes))
    np.add.at(ended, (which, c[c > 0] - 1), 1.0)
    at_risk = len(t) - np.searchsorted(np.sort(t), at, side="left")
    survival = np.cumprod(1.0 - ended.sum(axis=1) / at_risk)
    before = np.concatenate([[1.0], survival[:-1]])
    incidence = np.cumsum(before[:, None] * ended / at_risk[:, None], axis=0)
    return Incidence(at, incidence, survival)


def final_variance(times: ArrayLike, outcomes: ArrayLike, cause: int = ADVANCED, causes: int = 2) -> float:
    """Variance of the cumulative incidence of ``cause`` at the last time at which anything ended.

    Where open deals leave few at risk, an end's own cause says that it had to be: the last of all, which speaks for
    every deal that is still open, would have no variance. There the causes of the ends around it are taken.
    """
    t, c = _checked(times, outcomes)
    at, which = np.unique(t[c > 0], return_inverse=True)
    if not len(at):
        return 0.0
    curve = cumulative_incidence(t, c, causes)
    ended = np.zeros((len(at), causes))
    np.add.at(ended, (which, c[c > 0] - 1), 1.0)
    risk = (len(t) - np.searchsorted(np.sort(t), at, side="left")).astype(np.float64)
    hazard = ended / risk[:, None]
    own, total = hazard[:, cause - 1], hazard.sum(axis=1)
    if np.any(t[c == OPEN] < at[-1]):
        own = total * _around(ended[:, cause - 1], ended.sum(axis=1))
    before = np.concatenate([[1.0], curve.survival[:-1]])
    rest = curve.final(cause) - curve.incidence[:, cause - 1]  # what is still to come of this cause after each time
    # rest = S(k) q(k), q the chance of ending by `cause` given still open after k; written without dividing by S(k),
    # which is 0 at the last time when nobody is left
    after = np.where(curve.survival > 1e-12, rest / np.where(curve.survival > 1e-12, curve.survival, 1.0), 0.0)
    # a martingale step is before * (d own - q d total), its increments multinomial in each risk set
    spread = own * (1 - after) ** 2 + (total - own) * after**2 - (own - after * total) ** 2
    return float(np.sum(before**2 * np.maximum(spread, 0.0) / risk))


def _around(of_cause: Floats, ends: Floats) -> Floats:
    """The share of a cause among the ends of each time and of the ``NEAR`` times before and after it."""
    at = np.arange(len(ends))
    low, high = np.maximum(at - NEAR, 0), np.minimum(at + NEAR + 1, len(ends))
    own, every = (np.concatenate([[0.0], np.cumsum(x)]) for x in (of_cause, ends))
    return np.asarray((own[high] - own[low] + 0.5) / (every[high] - every[low] + 1.0))


def fit_conversion(
    times: ArrayLike,
    outcomes: ArrayLike,
    *,
    cohorts: ArrayLike | None = None,
    ahead: int = 4,
    share: tuple[float, float] | None = None,
) -> Conversion:
    """The probability that a deal which entered the stage advances, open deals censored at their age.

    Where some deals outlast everything that has ended, nothing is known of their end, and the estimate is that of the
    deals that end in the time observed: incidence of advancing / incidence of ending.

    ``cohorts[N]`` (a quarter's number for each deal, say), where given, widens the posterior for conversion that
    moves from cohort to cohort (``dispersion``): the coming ``ahead`` cohorts are a draw from the cohorts seen, not
    their mean.
    ``share``: the probability and its number of tries where deals outlast what has ended and their waits' own families
    say more (``durations``). Raises Refused for no deals at all, or none that has ended.
    """
    t, c = _checked(times, outcomes)
    entered, advanced, lost = len(t), int(np.sum(c == ADVANCED)), int(np.sum(c == LOST))
    ended = int(np.sum(c != OPEN))
    if ended == 0:
        raise Refused(
            "no deal has left this stage, so nothing can be said about its conversion; ten that have would suffice "
            "to begin"
        )
    causes = int(c.max())
    curve = cumulative_incidence(t, c, max(2, causes))
    reached = curve.final(ADVANCED)
    ends = 1.0 - float(curve.survival[-1])
    probability = min(1.0, reached / ends)
    variance = final_variance(t, c, ADVANCED, max(2, causes)) / ends**2
    of = effective_of(probability, variance, ended)
    if share is not None:
        probability, of = share
        variance = probability * (1 - probability) / of
    if cohorts is not None:
        extra = dispersion(c, np.asarray(cohorts), ahead)
        if extra > 0 and 0 < probability < 1:
            of = min(of, effective_of(probability, variance + extra, of))
    return Conversion(
        probability,
        probability * of,
        of,
        advanced / entered,
        entered,
        advanced,
        lost,
        entered - ended,
    )


def effective_of(probability: float, variance: float, most: float) -> float:
    """The number of tries whose binomial proportion has this variance: p(1-p)/variance, at most ``most``."""
    if variance <= 0 or not 0 < probability < 1:
        return float(most)
    return float(min(most, max(1.0, probability * (1 - probability) / variance)))


def dispersion(outcomes: ArrayLike, cohorts: ArrayLike, ahead: int = 4, resolved: float = 0.9) -> float:
    """Variance that the mean conversion of the coming ``ahead`` cohorts has beyond sampling.

    Cohorts at least ``resolved`` of whose deals have ended are compared; between-cohort variance by moments, weighted
    by deals (DerSimonian and Laird 1986, eq. 8), tau2 below. The mean of ``ahead`` new cohorts differs from the mean
    of the Q seen by tau2 (v(ahead) + v(Q)), v(m) = (1 + 2 sum over k < m of (1 - k/m) r^k) / m being the variance of
    a mean of m cohorts whose neighbours correlate by r; r is the lag-one correlation, held to 0 to .6: few cohorts
    cannot show more.
    """
    c = np.asarray(outcomes, dtype=np.int64)
    labels, which = np.unique(np.asarray(cohorts), return_inverse=True)
    size = np.bincount(which, minlength=len(labels)).astype(float)
    ended = np.bincount(which, weights=(c > 0).astype(float), minlength=len(labels))
    won = np.bincount(which, weights=(c == ADVANCED).astype(float), minlength=len(labels))
    ripe = (ended >= resolved * size) & (ended >= FEW)
    if ripe.sum() < 3:
        return 0.0
    n, w = ended[ripe], won[ripe]
    pooled = w.sum() / n.sum()
    inside = pooled * (1 - pooled)
    if inside <= 0:
        return 0.0
    rate = w / n
    weight = n / inside
    q = float(np.sum(weight * (rate - pooled) ** 2))
    tau2 = max(0.0, (q - (len(n) - 1)) / float(weight.sum() - np.sum(weight**2) / weight.sum()))
    deviation = rate - rate.mean()
    spread = float(np.sum(deviation**2))
    together = float(np.sum(deviation[1:] * deviation[:-1])) / spread if spread > 0 else 0.0
    together = min(0.6, max(0.0, together))
    return tau2 * (_mean_variance(ahead, together) + _mean_variance(len(n), together))


def _mean_variance(m: int, r: float) -> float:
    k = np.arange(1, m)
    return float((1 + 2 * np.sum((1 - k / m) * r**k)) / m)


def cohort_range(outcomes: ArrayLike, cohorts: ArrayLike, resolved: float = 0.9) -> tuple[float, float]:
    """The least and the greatest conversion of cohorts nearly all of whose deals have ended, for notes."""
    c = np.asarray(outcomes, dtype=np.int64)
    labels, which = np.unique(np.asarray(cohorts), return_inverse=True)
    size = np.bincount(which, minlength=len(labels))
    ended = np.bincount(which, weights=(c > 0).astype(float), minlength=len(labels))
    won = np.bincount(which, weights=(c == ADVANCED).astype(float), minlength=len(labels))
    ripe = (ended >= resolved * size) & (ended >= FEW)
    rates = won[ripe] / ended[ripe]
    return (float(rates.min()), float(rates.max())) if len(rates) else (0.0, 1.0)
