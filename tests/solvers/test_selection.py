"""Selection keeps what it states: over 1,000 repeats, where the best is ahead by no more than the indifference amount.

Binomial tolerances are four standard errors: a false alarm in 6e-5 of seeds, for each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy.stats import binom, norm

from solvers.binomial import exact_high, exact_interval, exact_low
from solvers.selection import Outcomes, chance_of_error, compare, paths_needed, select, select_sequentially

FINALISTS, INDIFFERENCE, REPEATS = 4, 0.01, 1000


def slippage(seed: int, best: int, common: float = 0.97, gap: float = INDIFFERENCE) -> Outcomes:
    """All attain with probability 0.85 but the best, which is ahead by the gap; paths are common to all.

    A path's luck is normal, the share `common` of its variance the same for all: they differ on a few paths in a
    hundred.
    """
    shares = np.full(FINALISTS, 0.85)
    shares[best] += gap
    limits = norm.ppf(shares)

    def outcomes(first: int, n: int, which: Sequence[int]) -> np.ndarray:
        rng = np.random.default_rng([seed, first])
        luck = np.sqrt(common) * rng.standard_normal((n, 1), dtype=np.float32)
        luck = luck + np.sqrt(1.0 - common) * rng.standard_normal((n, FINALISTS), dtype=np.float32)
        return (luck <= limits)[:, list(which)]

    return outcomes


@pytest.mark.parametrize("procedure", [select, select_sequentially])
def test_the_stated_probability_of_correct_selection_holds(procedure: Callable[..., object]) -> None:
    """Slippage configuration: every other finalist is worse by just the indifference amount."""
    right, paths = 0, []
    for repeat in range(REPEATS):
        best = repeat % FINALISTS  # wherever the best stands: ties go to the first
        found = procedure(slippage(repeat, best), FINALISTS, indifference=INDIFFERENCE, level=0.95, most=100_000)
        assert found.stated == 0.95  # type: ignore[attr-defined]
        right += found.best == best  # type: ignore[attr-defined]
        paths.append(found.paths)  # type: ignore[attr-defined]
    assert right / REPEATS >= 0.95 - 4.0 * np.sqrt(0.95 * 0.05 / REPEATS)
    assert np.max(paths) < 40_000  # far from the limit


def test_a_claim_that_the_chosen_one_is_better_is_rarely_wrong() -> None:
    """All equally good: any claim is wrong. Exact intervals are conservative, so this is one-sided."""
    wrong = 0
    for repeat in range(REPEATS):
        found = compare(slippage(repeat, 0, gap=0.0)(0, 2000, range(FINALISTS)), level=0.95)
        wrong += any(pair.better for pair in found.against)
    assert wrong / REPEATS <= 0.05 + 4.0 * np.sqrt(0.05 * 0.95 / REPEATS)


def test_joint_intervals_cover_the_true_differences() -> None:
    shares = np.full(FINALISTS, 0.85)
    shares[1] += 0.02
    missed = 0
    for repeat in range(REPEATS):
        found = compare(slippage(repeat, 1, gap=0.02)(0, 2000, range(FINALISTS)), level=0.95)
        missed += any(
            not pair.interval.low <= shares[found.best] - shares[pair.other] <= pair.interval.high
            for pair in found.against
        )
    assert missed / REPEATS <= 0.05 + 4.0 * np.sqrt(0.05 * 0.95 / REPEATS)


def test_one_comparison_by_hand() -> None:
    hits = np.zeros((100, 2), dtype=np.bool_)
    hits[:60] = True
    hits[60:70, 1] = True  # only the second
    hits[70:72, 0] = True  # only the first
    found = compare(hits)
    pair = found.against[0]
    assert (found.best, found.paths, found.probabilities) == (1, (100, 100), (0.62, 0.70))
    assert (pair.other, pair.only_best, pair.only_other) == (0, 10, 2)
    assert pair.difference == pytest.approx(0.08)
    assert pair.better == (binom.sf(9, 12, 0.5) < 0.05)  # 0.019: an exact sign test
    assert pair.interval.low < 0.08 < pair.interval.high
    assert found.proven
    same = compare(np.ones((50, 3), dtype=np.bool_))
    assert same.best == 0
    assert not same.proven
    assert compare(np.ones((5, 1), dtype=np.bool_)).against == ()


@pytest.mark.parametrize(("n", "indifference", "discordance"), [(50, 0.1, 0.3), (200, 0.05, 0.05), (101, 0.02, 0.5)])
def test_the_chance_of_error_is_that_of_all_outcomes_counted(n: int, indifference: float, discordance: float) -> None:
    ahead, behind = 0.5 * (discordance + indifference), 0.5 * (discordance - indifference)
    total = 0.0
    for wins in range(n + 1):
        rest = n - wins
        losses = np.arange(wins, rest + 1)
        share = behind / (1.0 - ahead)
        total += float(binom.pmf(wins, n, ahead) * np.sum(binom.pmf(losses, rest, share)))
    assert chance_of_error(n, indifference, discordance) == pytest.approx(total, abs=1e-9)


def test_the_fewest_paths_are_the_fewest() -> None:
    n = paths_needed(0.005, 0.05, 0.0167, most=10**6)
    assert n % 1024 == 0
    assert chance_of_error(n, 0.005, 0.05) <= 0.0167 < chance_of_error(n - 1024, 0.005, 0.05)
    assert paths_needed(0.0001, 0.5, 0.01, most=50_000) == 50_000


def test_nothing_is_stated_where_the_work_limit_comes_first() -> None:
    for procedure in (select, select_sequentially):
        found = procedure(slippage(1, 0), FINALISTS, indifference=0.0001, most=10_240)
        assert found.stated is None
        assert found.termination == "work_limit"
        assert max(found.paths) == 10_240


def test_finalists_that_fall_behind_cost_no_more_paths() -> None:
    found = select_sequentially(slippage(3, 2, gap=0.1), FINALISTS, indifference=0.002)
    assert found.best == 2
    assert max(found.paths) < 10_000
    assert select_sequentially(slippage(3, 2), 1).best == 0
    assert select(slippage(3, 2), 1).best == 0


def test_finalists_that_never_differ_are_told_apart_by_position_only() -> None:
    for procedure in (select, select_sequentially):
        found = procedure(slippage(1, 0, common=1.0, gap=0.0), 3, indifference=0.01)
        assert found.best == 0
        assert found.stated == 0.95


def test_few_paths_in_the_first_stage_are_refused() -> None:
    with pytest.raises(ValueError, match="5000 paths or more"):
        select(slippage(1, 0), 2, first_stage=500)
    with pytest.raises(ValueError, match="level"):
        select_sequentially(slippage(1, 0), 2, level=0.2)
    with pytest.raises(ValueError, match="paths and finalists"):
        compare(np.zeros((0, 2), dtype=np.bool_))


def test_exact_intervals_are_clopper_and_pearson_s() -> None:
    interval = exact_interval(4, 20)
    assert interval == pytest.approx((0.0573, 0.4366), abs=1e-4)  # published in many tables
    assert binom.sf(3, 20, interval.low) == pytest.approx(0.025)
    assert binom.cdf(4, 20, interval.high) == pytest.approx(0.025)
    assert exact_interval(0, 10).low == 0.0
    assert exact_high(0, 100) == pytest.approx(1.0 - 0.05 ** (1 / 100))
    assert exact_low(100, 100) == pytest.approx(0.05 ** (1 / 100))
    with pytest.raises(ValueError, match="successes"):
        exact_interval(3, 2)
