"""exp, log and the normal distribution against mpmath in 50 digits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import mpmath as mp
import numpy as np
import pytest

from engine.arithmetic import added, exp, log, log1p, normal_cdf, normal_quantile

DIGITS = 50
SMALLEST = 5e-324


def ulps(value: float, exact: mp.mpf) -> float:
    """The distance between a float and the exact value, in units in the last place of the latter."""
    return float(abs(mp.mpf(value) - exact) / math.ulp(float(exact)))


def worst(
    ours: Callable[[float], float], theirs: Callable[[mp.mpf], mp.mpf], points: Iterable[float]
) -> tuple[float, float]:
    """The largest error in ulp, and where."""
    with mp.workdps(DIGITS):
        return max((ulps(ours(x), theirs(mp.mpf(x))), x) for x in map(float, points))


def quantile_from(start: Callable[[float], float], u: float) -> mp.mpf:
    """The normal quantile by Newton's method in many digits, from an approximation near it."""
    lower, sign = (u, 1) if u < 0.5 else (float(1 - mp.mpf(u)), -1)
    x = mp.mpf(start(lower))
    for _ in range(3):
        step = (mp.ncdf(x) - lower) / mp.npdf(x)
        x -= step * (1 + step * x / 2)
    assert abs(mp.ncdf(x) / lower - 1) < mp.mpf(10) ** -35
    return sign * x


def generator_points(u: np.ndarray) -> np.ndarray:
    """The nearest values that the generator can give: odd multiples of 2^-53."""
    return (np.floor(u * 2.0**52) + 0.5) * 2.0**-52


def test_exp_is_within_two_units_in_the_last_place() -> None:
    rng = np.random.default_rng(1)
    points = np.concatenate(
        [
            rng.uniform(-745.13, 709.78, 1500),
            rng.uniform(-1.0, 1.0, 1500),
            rng.uniform(-745.13, -708.0, 500),  # subnormal results
            np.array([-1.0, 1.0])[:, None].repeat(150, 1).ravel() * 10.0 ** rng.uniform(-300, -1, 300),
            (np.arange(-40, 41) + 0.5) * math.log(2.0),  # where the reduction changes over
            [709.782712893384, -708.3964185322641, -745.1332191019411, 0.34657359027997264, -0.34657359027997264],
        ]
    )
    error, where = worst(exp, mp.exp, points)
    assert error < 2.0, where
    assert exp(0.0) == 1.0
    assert exp(-0.0) == 1.0


def test_exp_at_its_ends() -> None:
    assert exp(709.7827128933841) == math.inf
    assert exp(math.inf) == math.inf
    assert exp(-math.inf) == 0.0
    assert exp(-746.0) == 0.0
    assert exp(-745.1332191019411) == SMALLEST
    assert math.isnan(exp(math.nan))


def test_log_is_within_two_units_in_the_last_place() -> None:
    rng = np.random.default_rng(2)
    points = np.concatenate(
        [
            np.exp(rng.uniform(-708.0, 709.0, 1500)),
            rng.integers(1, 2**52, 500) * SMALLEST,  # subnormal arguments
            rng.uniform(0.5, 2.0, 1500),
            1.0 + rng.normal(0.0, 1e-5, 500),  # around its zero
            1.0 + rng.integers(-60, 60, 200) * 2.0**-53,
            math.sqrt(0.5) + rng.integers(-20, 20, 40) * 2.0**-53,  # where the reduction changes over
            [SMALLEST, 2.2250738585072014e-308, 1.7976931348623157e308, 2.0, 0.5],
        ]
    )
    error, where = worst(log, mp.log, points[points != 1.0])
    assert error < 2.0, where
    assert log(1.0) == 0.0


def test_log_at_its_ends() -> None:
    assert log(0.0) == -math.inf
    assert log(math.inf) == math.inf
    assert math.isnan(log(-1.0))
    assert math.isnan(log(math.nan))


def test_log1p_keeps_small_arguments() -> None:
    rng = np.random.default_rng(3)
    points = np.concatenate([10.0 ** rng.uniform(-300, 10, 500), -(10.0 ** rng.uniform(-20, -1e-9, 500))])
    error, where = worst(log1p, mp.log1p, points)
    assert error < 4.0, where


def test_normal_quantile_is_within_two_units_in_the_last_place() -> None:
    rng = np.random.default_rng(4)
    u = np.concatenate(
        [
            rng.uniform(0.0, 1.0, 1200),
            0.5 ** rng.uniform(1.0, 52.9, 800),
            1.0 - 0.5 ** rng.uniform(1.0, 52.9, 300),
            0.5 + rng.normal(0.0, 1e-3, 200),  # around its zero
            0.075 + rng.integers(-2000, 2000, 200) * 2.0**-52,  # where the middle gives way to the tail
            0.925 + rng.integers(-2000, 2000, 100) * 2.0**-52,
            math.exp(-(6.05**2)) * rng.uniform(0.99, 1.01, 50),  # and the tail to the far tail
            np.arange(20) * 2.0**-52,
            1.0 - np.arange(1, 20) * 2.0**-52,
            0.5 + np.arange(-20, 20) * 2.0**-52,
        ]
    )
    points = generator_points(u)
    assert points.min() == 2.0**-53
    assert points.max() == 1.0 - 2.0**-53
    with mp.workdps(DIGITS):
        errors = [ulps(normal_quantile(x), quantile_from(normal_quantile, x)) for x in map(float, points)]
    assert max(errors) < 2.0, points[int(np.argmax(errors))]


def test_normal_quantile_is_good_far_below_what_the_generator_gives() -> None:
    points = 10.0 ** np.random.default_rng(5).uniform(-307.0, -16.0, 200)
    with mp.workdps(DIGITS):
        errors = [ulps(normal_quantile(x), quantile_from(normal_quantile, x)) for x in map(float, points)]
    assert max(errors) < 2.0


def test_normal_quantile_is_odd_and_rises() -> None:
    u = generator_points(np.sort(np.random.default_rng(6).uniform(0.0, 1.0, 20_000)))
    x = np.array([normal_quantile(v) for v in u])
    assert (np.diff(x) >= 0.0).all()
    assert [normal_quantile(1.0 - v) for v in u] == list(-x)
    for join in (0.075, 0.925, math.exp(-(6.05**2))):
        near = [normal_quantile(join * (1.0 + k * 2.0**-50)) for k in range(-50, 51)]
        assert near == sorted(near)


def test_normal_quantile_at_its_ends() -> None:
    assert normal_quantile(0.5) == 0.0
    assert normal_quantile(0.0) == -math.inf
    assert normal_quantile(1.0) == math.inf
    for outside in (-0.1, 1.1, math.nan, math.inf):
        assert math.isnan(normal_quantile(outside))


def test_normal_cdf_in_the_middle_and_the_tails() -> None:
    rng = np.random.default_rng(7)
    points = np.concatenate([rng.uniform(-37.4, 9.0, 1000), rng.uniform(-1.0, 1.0, 500), [-5.6, 5.6, -0.68, 0.68, 0.0]])
    with mp.workdps(DIGITS):
        errors = [float(abs(normal_cdf(x) / mp.ncdf(x) - 1)) for x in map(float, points)]
    assert max(errors) < 1e-14, points[int(np.argmax(errors))]
    assert normal_cdf(-60.0) == 0.0
    assert normal_cdf(math.inf) == 1.0
    assert normal_cdf(-math.inf) == 0.0
    assert math.isnan(normal_cdf(math.nan))


@pytest.mark.parametrize("function", [exp, log, normal_quantile, normal_cdf])
def test_arguments_may_be_integers(function: Callable[[float], float]) -> None:
    assert function(1) == function(1.0)


def test_sums_go_from_the_first_to_the_last() -> None:
    """Whatever Python's own sum does: since 3.12 it makes up for what is lost here."""
    assert added([1.0, 1e100, 1.0, -1e100]) == 0.0
    assert added([]) == 0.0
