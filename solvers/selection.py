"""Ranking and selection among finalists on fresh paths, common to all of them.

Where it stands: after a search, on phase 2, which the search has not seen. Outcomes are binary (an event attained or
not) and finalists share their paths, so that only the paths that tell two of them apart, the discordant ones, say
which is better: given how many there are, the wins of the better one are binomial, and exact intervals hold at every n.

- `compare`: the best of a fixed sample, with exact intervals against each other finalist (Bonferroni over all pairs);
- `select`: two stages. The first says how often finalists differ, and so how many paths make the choice right with a
  stated probability where the best is ahead by an indifference amount or more; signs are independent of how many
  discordant paths there are, so that this choice of n costs nothing;
- `select_held`: the largest mean among finalists that keep required probabilities, tested in a fixed order, the safest
  first, so that the level is spent once;
- `select_sequentially`: Kim & Nelson 2001, "A fully sequential procedure for indifference-zone selection in
  simulation", ACM TOMACS 11(3), section 3 with c = 1: finalists are dropped as they fall behind. Its theory is for
  normal data: with binary outcomes and common paths a small first stage sees too few discordant paths and stops
  too early, so the first stage is 5,000 paths or more, and variances have a floor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import binom, norm

from solvers.arrays import BLOCK, BoolArray, FloatArray
from solvers.binomial import Interval, exact_high, exact_interval, exact_low

# Which of some finalists (positions) attain, on paths first to first + n - 1 of phase 2: (n, finalists asked for).
Outcomes = Callable[[int, int, Sequence[int]], BoolArray]

SELECTION = 2  # the phase of the contract on randomness that a selection reads
FIRST_STAGE = 5 * BLOCK  # fewest paths on which a variance of binary differences is believed
FEWEST_FIRST = 5_000
FLOOR = 3.0  # discordant paths in a first stage that showed fewer: the exact 95% bound where there were none
FOR_RATES = 0.1  # of the error allowed, spent on how often finalists differ


@dataclass(frozen=True)
class Against:
    """The chosen finalist against another: on how many paths only the one, only the other attained.

    `difference` of their probabilities with an interval that holds jointly with those of the other finalists;
    `better`: the chosen one is better, jointly with the level stated.
    """

    other: int
    only_best: int
    only_other: int
    difference: float
    interval: Interval
    better: bool


@dataclass(frozen=True)
class Selected:
    """The finalist chosen, what it and the others attained on the same paths, and how sure that is.

    `paths` is how many paths each finalist was simulated on (fewer where it was dropped before), `probabilities` their
    shares. `stated` is the probability that the choice is the best, or within the indifference amount of it; None
    where none was asked for, or the work limit came first. `against` is empty after a sequential selection.
    """

    best: int
    paths: tuple[int, ...]
    probabilities: tuple[float, ...]
    against: tuple[Against, ...]
    stated: float | None
    termination: Literal["enough", "work_limit"]

    @property
    def proven(self) -> bool:
        """Whether the chosen one is better than each other one, with the level of the intervals."""
        return all(pair.better for pair in self.against)


def compare(hits: BoolArray, *, level: float = 0.95) -> Selected:
    """The best of k finalists on n paths (n, k), ties to the first, with joint intervals against the others."""
    n, k = hits.shape
    if n < 1 or k < 1:
        raise ValueError(f"a selection needs paths and finalists, not {n} and {k}")
    counts = np.count_nonzero(hits, axis=0)
    best = int(np.argmax(counts))
    error = (1.0 - level) / max(1, k * (k - 1) // 2)  # any pair may turn out to be the chosen one and another
    pairs = tuple(_against(hits, best, other, error) for other in range(k) if other != best)
    return Selected(best, (n,) * k, tuple((counts / n).tolist()), pairs, None, "enough")


def _against(hits: BoolArray, best: int, other: int, error: float) -> Against:
    """Discordant paths, exactly: how often there are any, and of these how often the chosen one attains."""
    n = len(hits)
    ahead = int(np.count_nonzero(hits[:, best] & ~hits[:, other]))
    behind = int(np.count_nonzero(hits[:, other] & ~hits[:, best]))
    apart = ahead + behind
    rate = exact_interval(apart, n, 1.0 - FOR_RATES * error)
    share = exact_interval(ahead, apart, 1.0 - (1.0 - FOR_RATES) * error) if apart else Interval(0.0, 1.0)
    ends = [r * (2.0 * s - 1.0) for r in rate for s in share]
    better = bool(apart) and exact_low(ahead, apart, 1.0 - error) > 0.5
    return Against(other, ahead, behind, (ahead - behind) / n, Interval(min(ends), max(ends)), better)


def compare_means(values: FloatArray, *, level: float = 0.95) -> Selected:
    """`compare` where paths attain in part (n, k), as of weighted goals: normal intervals of the paired differences.

    `only_best` and `only_other` count the paths on which the one, or the other, attained more.
    """
    n, k = values.shape
    if n < 2 or k < 1:
        raise ValueError(f"a selection of means needs two paths or more and finalists, not {n} and {k}")
    sums = np.add.reduce(values, axis=0)
    best = int(np.argmax(sums))
    reach = float(norm.isf(0.5 * (1.0 - level) / max(1, k * (k - 1) // 2)))
    pairs = []
    for other in range(k):
        if other == best:
            continue
        difference = values[:, best] - values[:, other]
        mean, half = float(np.mean(difference)), reach * float(np.std(difference, ddof=1)) / float(np.sqrt(n))
        ahead, behind = int(np.count_nonzero(difference > 0)), int(np.count_nonzero(difference < 0))
        pairs.append(Against(other, ahead, behind, mean, Interval(mean - half, mean + half), mean - half > 0.0))
    return Selected(best, (n,) * k, tuple((sums / n).tolist()), tuple(pairs), None, "enough")


def select_held(sums: FloatArray, hits: BoolArray, required: FloatArray, *, level: float = 0.95) -> Selected:
    """The largest mean among finalists whose probabilities are at least `required` (E,), with confidence `level`.

    `sums` (n, k) is what is expected, `hits` (n, k, E) what is attained, finalists from the safest on, by other paths
    than these. Each is tested by its exact lower limits at the level, and the first that fails ends the tests: then
    the chance that any is taken for holding which does not is at most 1 - level (a fixed sequence; each finalist's
    test is that all its events hold). Where none holds, the choice is the one that misses least, and no probability
    is stated. `probabilities` are those of all events together.
    """
    n, k, _ = hits.shape
    if n < 1 or k < 1 or sums.shape != (n, k) or hits.shape[2] != len(required):
        raise ValueError(f"a selection needs paths, finalists and events, not {sums.shape} and {hits.shape}")
    counts = np.count_nonzero(hits, axis=0)
    holding = 0
    while holding < k and all(
        exact_low(int(count), n, level) >= wanted for count, wanted in zip(counts[holding], required, strict=True)
    ):
        holding += 1
    means = np.add.reduce(sums, axis=0) / n
    if holding:
        best = int(np.argmax(means[:holding]))
    else:
        best = int(np.argmax(np.min(counts / n - required, axis=1)))
    together = np.count_nonzero(hits.all(axis=2), axis=0) / n
    return Selected(best, (n,) * k, tuple(together.tolist()), (), level if holding else None, "enough")


# --- a fixed sample that is large enough ------------------------------------------------------------------------------


def chance_of_error(n: int, indifference: float, discordance: float) -> float:
    """P(the worse of two is not behind) on n paths, where it is worse by `indifference` and they differ so often.

    Exact: discordant paths are binomial, and so are the wins among them. A tie counts as an error.
    """
    rate = min(1.0, max(discordance, indifference))
    centre, reach = n * rate, 8.0 * np.sqrt(n * rate * (1.0 - rate)) + 8.0
    apart = np.arange(max(0, int(centre - reach)), min(n, int(centre + reach)) + 1)
    wrong = binom.cdf(apart // 2, apart, 0.5 * (1.0 + indifference / rate))
    return float(np.sum(binom.pmf(apart, n, rate) * wrong))


def paths_needed(indifference: float, discordance: float, error: float, *, most: int) -> int:
    """The fewest whole blocks of paths on which `chance_of_error` is at most `error`; at most `most` paths."""
    low, high = 0, 1
    while high * BLOCK < most and chance_of_error(high * BLOCK, indifference, discordance) > error:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if chance_of_error(middle * BLOCK, indifference, discordance) > error:
            low = middle
        else:
            high = middle
    return min(most, high * BLOCK)


def select(
    outcomes: Outcomes,
    finalists: int,
    *,
    indifference: float = 0.002,
    level: float = 0.95,
    first_stage: int = FIRST_STAGE,
    most: int = 200_000,
) -> Selected:
    """The best of the finalists on as many paths as make the choice right with probability `level`.

    Right: the best one, or one within `indifference` of it. `most` paths each at most; where more would be needed the
    termination says so and no probability is stated.
    """
    _check(finalists, indifference, level, first_stage, most)
    everyone = range(finalists)
    hits = outcomes(0, first_stage, everyone)
    if finalists == 1:
        return compare(hits, level=level)
    error = (1.0 - level) / (finalists - 1)
    pairs = finalists * (finalists - 1) // 2
    widest = max(
        exact_high(
            int(np.count_nonzero(hits[:, i] != hits[:, j])), first_stage, 1.0 - FOR_RATES * (1.0 - level) / pairs
        )
        for i in everyone
        for j in range(i)
    )
    kept = (1.0 - FOR_RATES) * error
    n = max(first_stage, paths_needed(indifference, widest, kept, most=most))
    if n > first_stage:
        hits = np.concatenate([hits, outcomes(first_stage, n - first_stage, everyone)])
    enough = chance_of_error(n, indifference, widest) <= kept
    found = compare(hits, level=level)
    return Selected(
        found.best,
        found.paths,
        found.probabilities,
        found.against,
        level if enough else None,
        "enough" if enough else "work_limit",
    )


def _check(finalists: int, indifference: float, level: float, first_stage: int, most: int) -> None:
    if finalists < 1 or not 0.0 < indifference < 1.0 or not 0.5 <= level < 1.0:
        raise ValueError(
            f"a selection needs finalists, an indifference amount and a level in (0, 1): "
            f"{finalists}, {indifference}, {level}"
        )
    if first_stage < FEWEST_FIRST or most < first_stage:
        raise ValueError(
            f"the first stage needs {FEWEST_FIRST} paths or more, not {first_stage}, the limit no fewer, not {most}: "
            "on few paths, finalists that rarely differ look as if they never did"
        )


# --- one after another ------------------------------------------------------------------------------------------------


def select_sequentially(
    outcomes: Outcomes,
    finalists: int,
    *,
    indifference: float = 0.002,
    level: float = 0.95,
    first_stage: int = FIRST_STAGE,
    batch: int = BLOCK,
    most: int = 200_000,
) -> Selected:
    """The best of the finalists by Kim & Nelson's procedure, looking after each batch; dropped ones cost no more.

    `level`: the probability that the best one is chosen where it is ahead of each other one by `indifference` or more.
    """
    _check(finalists, indifference, level, first_stage, most)
    alive = list(range(finalists))
    hits = outcomes(0, first_stage, alive)
    counts = np.count_nonzero(hits, axis=0).astype(np.int64)
    used = np.full(finalists, first_stage)
    reach = _reach(hits, indifference, level) if finalists > 1 else np.zeros((1, 1))
    n = first_stage
    alive = _screened(alive, counts, n, reach, indifference)
    while len(alive) > 1 and n < most and n <= np.max(reach[np.ix_(alive, alive)]):
        more = min(batch, most - n)
        counts[alive] += np.count_nonzero(outcomes(n, more, alive), axis=0)
        n += more
        used[alive] = n
        alive = _screened(alive, counts, n, reach, indifference)
    done = len(alive) == 1 or n > np.max(reach[np.ix_(alive, alive)])
    best = max(alive, key=lambda i: (counts[i], -i))
    shares = tuple((counts / used).tolist())
    return Selected(best, tuple(used.tolist()), shares, (), level if done else None, "enough" if done else "work_limit")


def _reach(hits: BoolArray, indifference: float, level: float) -> FloatArray:
    """For each pair, the n at which the continuation region closes: h^2 S^2 / indifference^2 (k, k)."""
    n, k = hits.shape
    eta = 0.5 * ((2.0 * (1.0 - level) / (k - 1)) ** (-2.0 / (n - 1)) - 1.0)
    values = hits.astype(np.float64)
    variance = np.zeros((k, k))
    for i in range(k):
        for j in range(i):
            variance[i, j] = variance[j, i] = max(float(np.var(values[:, i] - values[:, j], ddof=1)), FLOOR / n)
    return 2.0 * eta * (n - 1) * variance / indifference**2


def _screened(
    alive: list[int], counts: np.ndarray[tuple[int], np.dtype[np.int64]], n: int, reach: FloatArray, indifference: float
) -> list[int]:
    """Those that no other one is ahead of by more than the pair's continuation region, in sums over n paths."""

    def holds(i: int) -> bool:
        return all(counts[i] >= counts[j] - max(0.0, 0.5 * indifference * (reach[i, j] - n)) for j in alive if j != i)

    return [i for i in alive if holds(i)]
