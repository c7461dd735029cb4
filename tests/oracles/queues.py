"""Waiting for a rep, from queueing theory: on a plain calendar a rep is a single server, and work is service.

Rates are per working hour, times in working hours; `rate` is of arrivals, `work` is the mean of service. A wait is in
the queue, a sojourn includes service.

Initial bias. A simulation starts with idle reps, so early waits are too short. For M/M/1 the bias of the mean dies as
exp(-t / `relaxation_time`), 1 / (sqrt(mu) - sqrt(rate))^2. Either drop what enters before 15 relaxation times (bias
below 1e-6 of the wait), or, better where the horizon is short, compare with `mm1_wait_from_empty`, which is exact for
the transient. At the other end, count the wait of every deal that entered by a chosen time and let the run go on until
all of them are served: dropping those still waiting drops the long waits.

Errors. Waits in one run are correlated. Independent replications need no more than their means (`from_replications`);
within one long run use `regenerative` cycles (exact as cycles grow) or `batch_means`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats


def _utilisation(rate: float, work: float) -> float:
    load = rate * work
    if not 0.0 <= load < 1.0:
        raise ValueError(f"a queue in equilibrium needs a utilisation below 1, not {load:.3f}")
    return load


# --- one rep -------------------------------------------------------------------------------------------------------


def mm1_wait(rate: float, work: float) -> float:
    """Mean wait in an M/M/1 queue."""
    load = _utilisation(rate, work)
    return load * work / (1.0 - load)


def mm1_wait_over(t: float, rate: float, work: float) -> float:
    """P(wait > t) in an M/M/1 queue."""
    load = _utilisation(rate, work)
    return load * math.exp(-(1.0 - load) * t / work)


def mm1_sojourn_over(t: float, rate: float, work: float) -> float:
    """P(sojourn > t) in an M/M/1 queue: exponential."""
    return math.exp(-(1.0 - _utilisation(rate, work)) * t / work)


def pollaczek_khinchine(rate: float, work: float, second: float) -> float:
    """Mean wait in an M/G/1 queue whose service has this mean and second moment (Pollaczek 1930, Khinchine 1932)."""
    return rate * second / (2.0 * (1.0 - _utilisation(rate, work)))


def pollaczek_khinchine_square(rate: float, work: float, second: float, third: float) -> float:
    """Mean squared wait in an M/G/1 queue, from three moments of service (Takacs' recursion)."""
    wait = pollaczek_khinchine(rate, work, second)
    return 2.0 * wait * wait + rate * third / (3.0 * (1.0 - rate * work))


def cobham(rates: Sequence[float], works: Sequence[float], seconds: Sequence[float]) -> tuple[float, ...]:
    """Mean wait of each class, first class first served, without preemption (Cobham 1954, Operations Research 2:70).

    `rates`, `works` and `seconds` are arrivals, mean and second moment of service by class.
    """
    residual = sum(r * s for r, s in zip(rates, seconds, strict=True)) / 2.0
    loads = np.cumsum([r * w for r, w in zip(rates, works, strict=True)])
    if loads[-1] >= 1.0:
        raise ValueError(f"a queue in equilibrium needs a utilisation below 1, not {loads[-1]:.3f}")
    before = np.concatenate([[0.0], loads[:-1]])
    return tuple(float(w) for w in residual / ((1.0 - before) * (1.0 - loads)))


# --- a deal's passage ----------------------------------------------------------------------------------------------


def tandem_sojourn(rate: float, works: Sequence[float], delays: Sequence[float] = ()) -> float:
    """Mean passage through exponential servers in series, one a stage, and delays between them (Jackson 1957)."""
    return sum(work / (1.0 - _utilisation(rate, work)) for work in works) + sum(delays)


def tandem_sojourn_variance(rate: float, works: Sequence[float]) -> float:
    """Variance of that passage without delays: the sojourns of one deal are independent exponentials (Reich 1957)."""
    return sum((work / (1.0 - _utilisation(rate, work))) ** 2 for work in works)


def shared_rep_passage(rate: float, work: float, advance: Sequence[float], delays: Sequence[float]) -> float:
    """Mean time from entry to leaving when ONE rep serves every stage, with exponential work of one mean in all.

    After the work of stage i the deal waits `delays[i]` on average at the customer's (any distribution, no queue), then
    advances with probability `advance[i]` or is lost. First come first served by time of entering the queue, whatever
    the stage: a BCMP network (Baskett, Chandy, Muntz and Palacios 1975) of one exponential station and delay stations,
    so each visit's sojourn is on average that of M/M/1 at the total rate of visits.
    """
    reached = np.concatenate([[1.0], np.cumprod(advance)[:-1]])
    visit = work / (1.0 - _utilisation(rate * float(reached.sum()), work))
    return float(reached @ (visit + np.asarray(delays, dtype=np.float64)))


# --- the start of the run ------------------------------------------------------------------------------------------


def relaxation_time(rate: float, work: float) -> float:
    """Time constant with which M/M/1 forgets that it started empty (Morse 1955)."""
    _utilisation(rate, work)
    return 1.0 / (math.sqrt(1.0 / work) - math.sqrt(rate)) ** 2


def mm1_wait_from_empty(rate: float, work: float, start: float, end: float, *, states: int = 400) -> float:
    """Mean wait of the arrivals in (start, end] of an M/M/1 queue that is empty at 0; exact, by uniformisation.

    By PASTA an arrival at t finds the L(t) deals of the birth and death chain and waits L(t) x work on average.
    `states` truncates the chain: P(L >= states) must be negligible. The queue may be stable or not.
    """
    mu = 1.0 / work
    total = rate + mu
    at = np.zeros(states)
    at[0] = 1.0
    steps = int(total * end + 12.0 * math.sqrt(total * end) + 50)
    k = np.arange(steps)
    # The integral from 0 to t of Poisson(total s) weights is P(N(t) > k) / total.
    spent = (stats.poisson.sf(k, total * end) - stats.poisson.sf(k, total * start)) / total
    levels = np.arange(states, dtype=np.float64)
    area = 0.0
    for weight in spent:
        area += float(weight * (levels @ at))
        nxt = np.empty_like(at)
        nxt[1:] = (rate / total) * at[:-1]
        nxt[0] = (mu / total) * at[0]
        nxt[:-1] += (mu / total) * at[1:]
        nxt[-1] += (rate / total) * at[-1]
        at = nxt
    return work * area / (end - start)


# --- errors of simulated means -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Estimate:
    """A mean and its standard error."""

    mean: float
    standard_error: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Normal interval."""
        reach = float(stats.norm.ppf(0.5 + level / 2.0)) * self.standard_error
        return self.mean - reach, self.mean + reach


def from_replications(totals: ArrayLike, counts: ArrayLike | None = None) -> Estimate:
    """Mean per customer from independent replications: totals of waits and numbers of customers of each.

    The ratio of sums with its delta-method error; without `counts` the plain mean of `totals`. Also serves regenerative
    cycles, which are independent too.
    """
    y: NDArray[np.float64] = np.asarray(totals, dtype=np.float64)
    c = np.ones_like(y) if counts is None else np.asarray(counts, dtype=np.float64)
    ratio = float(y.sum() / c.sum())
    n = len(y)
    spread = float(np.sqrt(((y - ratio * c) ** 2).sum() / (n - 1)))
    return Estimate(ratio, spread / (math.sqrt(n) * float(c.mean())))


def regenerative(waits: ArrayLike) -> Estimate:
    """Mean of the waits of one run, in order of arrival from an idle rep: a cycle starts where the wait is 0.

    Crane and Lemoine (1977). The last, unfinished cycle is left out.
    """
    values = np.asarray(waits, dtype=np.float64)
    starts = np.flatnonzero(values == 0.0)
    if len(starts) < 31:
        raise ValueError(f"too few regenerative cycles for an error: {max(len(starts) - 1, 0)}, of at least 30")
    totals = np.add.reduceat(values, starts)[:-1]
    return from_replications(totals, np.diff(starts))


def batch_means(values: ArrayLike, batches: int = 32) -> Estimate:
    """Mean of a stationary run with the error of its batch means; trailing values that fill no batch are left out."""
    x = np.asarray(values, dtype=np.float64)
    size = len(x) // batches
    if size < 1:
        raise ValueError(f"{len(x)} values cannot make {batches} batches")
    return from_replications(x[: size * batches].reshape(batches, size).mean(axis=1))
