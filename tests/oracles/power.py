"""What a statistical test can and cannot see: odds of a false alarm, and the smallest error found with given power.

Every statistical test states both by calling `judge_probability` or `judge_mean`, which fail not only where simulation
and theory disagree but also where the sample is too small to find the error that the test promises to find.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import stats

SIGMAS = 4.0
POWER = 0.99


def false_alarm(sigmas: float = SIGMAS) -> float:
    """Odds that a right simulation lies more than `sigmas` standard errors off, on either side (normal)."""
    return float(2.0 * stats.norm.sf(sigmas))


def detectable_mean(sd: float, n: int, *, sigmas: float = SIGMAS, power: float = POWER) -> float:
    """Smallest error of a mean of n values of standard deviation sd that the test finds with the given power."""
    return float((sigmas + stats.norm.ppf(power)) * sd / math.sqrt(n))


def detectable_probability(p: float, n: int, *, sigmas: float = SIGMAS, power: float = POWER) -> float:
    """Smallest error d such that a true p + d or p - d is told from p by n trials with the given power.

    The worse of the two sides; a side beyond 0 or 1 cannot occur and is left out. Normal approximation, with the
    standard error at p for the threshold and at the erroneous value for the power.
    """
    reach = float(stats.norm.ppf(power))

    def side(sign: int) -> float:
        low, high = 0.0, (1.0 - p) if sign > 0 else p
        for _ in range(100):
            d = (low + high) / 2.0
            q = p + sign * d
            found = d * math.sqrt(n) >= sigmas * math.sqrt(p * (1 - p)) + reach * math.sqrt(max(q * (1 - q), 0.0))
            low, high = (low, d) if found else (d, high)
        return high

    return max(side(+1), side(-1))


def replications_for_probability(p: float, error: float, *, sigmas: float = SIGMAS, power: float = POWER) -> int:
    """Trials that find the error at p with the given power."""
    n = 1
    while detectable_probability(p, n, sigmas=sigmas, power=power) > error:
        n = math.ceil(n * 1.02) + 1
    return n


def replications_for_mean(sd: float, error: float, *, sigmas: float = SIGMAS, power: float = POWER) -> int:
    """Values of standard deviation sd that find the error of their mean with the given power."""
    return math.ceil(((sigmas + float(stats.norm.ppf(power))) * sd / error) ** 2)


@dataclass(frozen=True)
class Verdict:
    """A comparison with theory: how many standard errors off, what it could have seen, and its odds of false alarm."""

    observed: float
    expected: float
    off: float  # standard errors beyond the nearer bound of theory; 0 inside
    detectable: float  # in the unit of `observed`
    false_alarm: float

    def __str__(self) -> str:
        return (
            f"observed {self.observed:.6g}, theory {self.expected:.6g}: {self.off:.2f} standard errors off; finds an "
            f"error of {self.detectable:.3g} with 99% power; false alarm in {self.false_alarm:.1g} of runs"
        )


def _beyond(observed: float, low: float, high: float, se: float) -> float:
    gap = max(low - observed, observed - high, 0.0)
    return gap / se if se > 0.0 else (0.0 if gap == 0.0 else math.inf)


def judge_probability(
    successes: int, n: int, expected: float | tuple[float, float], *, finds: float = 0.01, sigmas: float = SIGMAS
) -> Verdict:
    """Compare successes of n independent trials with theory's probability, or with bounds that contain it.

    `finds` is the error that the test promises to find with 99% power (at most a point, by the house's rule). Raises
    AssertionError when simulation and theory disagree by more than `sigmas`, or when n is too small for the promise.
    """
    low, high = expected if isinstance(expected, tuple) else (expected, expected)
    middle = (low + high) / 2.0
    detectable = detectable_probability(middle, n, sigmas=sigmas) + (high - low) / 2.0
    alarm = float(
        stats.binom.cdf(math.floor(n * middle - sigmas * math.sqrt(n * middle * (1 - middle))), n, middle)
        + stats.binom.sf(math.ceil(n * middle + sigmas * math.sqrt(n * middle * (1 - middle))) - 1, n, middle)
    )
    off = _beyond(successes / n, low, high, math.sqrt(middle * (1 - middle) / n))
    verdict = Verdict(successes / n, middle, off, detectable, alarm)
    assert detectable <= finds, f"too few trials to find an error of {finds}: {verdict}"
    assert off <= sigmas, str(verdict)
    return verdict


def judge_mean(
    observed: float,
    standard_error: float,
    expected: float | tuple[float, float],
    *,
    finds: float = 0.01,
    sigmas: float = SIGMAS,
) -> Verdict:
    """Compare a mean, given with its standard error, with theory's value or bounds; `finds` is relative to theory.

    Raises AssertionError when they disagree by more than `sigmas`, or when the standard error is too large for an
    error of `finds` x theory to be found with 99% power.
    """
    low, high = expected if isinstance(expected, tuple) else (expected, expected)
    middle = (low + high) / 2.0
    detectable = (sigmas + float(stats.norm.ppf(POWER))) * standard_error + (high - low) / 2.0
    verdict = Verdict(observed, middle, _beyond(observed, low, high, standard_error), detectable, false_alarm(sigmas))
    assert detectable <= finds * abs(middle), f"too few values to find an error of {finds:.2%}: {verdict}"
    assert verdict.off <= sigmas, str(verdict)
    return verdict
