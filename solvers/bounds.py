"""How good an answer is known to be: its probability on fresh paths, its optimism, and what no answer can exceed.

Where it stands: after selection. Bounds come labelled, since they say different things:

- "sample": the dual bound of one sample's problem. No allocation attains more of those paths; the truth may be higher;
- "population": the mean of ten or more independent sample problems' bounds plus a t-quantile of its error. The best of
  a sample is on average at least the best there is (Mak, Morton & Wood 1999, "Monte Carlo bounding techniques for
  determining solution quality in stochastic programs", Operations Research Letters 24), so that with the stated
  confidence no allocation's true probability exceeds it. It holds where path i is the same world whatever the
  allocation and the sample problem is exact: open plans only;
- "none": no certificate, with the best analytic reference there is, if there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import t

from solvers.binomial import Interval, exact_interval

FEWEST_SAMPLES = 10


@dataclass(frozen=True)
class Bound:
    """An upper bound on the probability: what kind it is, its value (None: no certificate), and from what.

    `level` is the confidence of a population bound, None where nothing is estimated. `samples` are the values that it
    was made from; `reference` an analytic value to compare with where there is one; `because` says why no bound holds.
    """

    kind: Literal["sample", "population", "none"]
    value: float | None
    level: float | None = None
    samples: tuple[float, ...] = ()
    reference: float | None = None
    because: str = ""


def sample_bound(value: float) -> Bound:
    """The bound of one sample's problem."""
    return Bound("sample", min(1.0, value), samples=(value,))


def no_certificate(because: str, reference: float | None = None) -> Bound:
    """No bound holds; `reference` is the best analytic value there is, without a proof."""
    return Bound("none", None, reference=reference, because=because)


def population_bound(
    dual_bound: Callable[[int], float | None], *, samples: int = FEWEST_SAMPLES, level: float = 0.95
) -> Bound:
    """The population bound from `dual_bound(i)`, a proven upper bound of the i-th sample problem's optimum.

    Sample problems must be independent of each other: i stands for paths that no other one reads. None from any of
    them leaves no certificate: to leave out the ones that were not solved would leave out the hard ones.
    """
    if samples < FEWEST_SAMPLES:
        raise ValueError(f"a population bound needs {FEWEST_SAMPLES} independent samples or more, not {samples}")
    values: list[float] = []
    for i in range(samples):
        value = dual_bound(i)
        if value is None or not np.isfinite(value):
            return no_certificate(f"sample problem {i + 1} of {samples} has no proven bound")
        values.append(min(1.0, float(value)))
    error = float(np.std(values, ddof=1)) / np.sqrt(samples)
    value = float(np.mean(values)) + float(t.ppf(level, samples - 1)) * error
    return Bound("population", min(1.0, value), level, tuple(values))


@dataclass(frozen=True)
class Judged:
    """An answer's probability where it was found and on paths that it has not seen.

    `optimism` is the difference of the two, with the interval of a difference of independent shares at the same level
    (conservative: from exact intervals of each).
    """

    in_sample: float
    in_sample_paths: int
    fresh: float
    fresh_paths: int
    interval: Interval
    optimism: float
    optimism_interval: Interval

    def gap(self, bound: Bound) -> float | None:
        """By how much at most a better allocation could beat this one, as far as bound and fresh paths say."""
        return None if bound.value is None else max(0.0, bound.value - self.interval.low)


def judged(in_sample: int, in_sample_paths: int, fresh: int, fresh_paths: int, *, level: float = 0.95) -> Judged:
    """From counts of paths that attain: the shares, exact intervals, and the optimism."""
    here, there = in_sample / in_sample_paths, fresh / fresh_paths
    half = 1.0 - 0.5 * (1.0 - level)
    a, b = exact_interval(in_sample, in_sample_paths, half), exact_interval(fresh, fresh_paths, half)
    return Judged(
        here,
        in_sample_paths,
        there,
        fresh_paths,
        exact_interval(fresh, fresh_paths, level),
        here - there,
        Interval(a.low - b.high, a.high - b.low),
    )
