"""Numbers over places: every way counted out, and searches against the best of all ways."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solvers.places import Places, how_many, search, ways


@st.composite
def places(draw: st.DrawFn, most_places: int = 4) -> Places:
    n = draw(st.integers(1, most_places))
    lower = np.array([draw(st.integers(0, 2)) for _ in range(n)])
    upper = lower + np.array([draw(st.integers(0, 4)) for _ in range(n)])
    most = draw(st.integers(int(lower.sum()), int(lower.sum()) + 6))
    least = draw(st.integers(0, min(most, int(upper.sum()))))
    return Places(lower, upper, least, most)


@given(places())
@settings(max_examples=60, deadline=None)
def test_every_way_is_counted_out_once(case: Places) -> None:
    expected = {x for x in product(range(9), repeat=len(case.lower)) if case.allow(np.array(x))}
    found = [tuple(x.tolist()) for x in ways(case)]
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert how_many(case, 10_000) == len(expected)


@given(places(), st.lists(st.floats(0.1, 5), min_size=4, max_size=4), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_concave_values_are_made_largest(case: Places, worth: list[float], cost: int) -> None:
    """Marginal allocation is optimal for separate concave values less a cost of each; so is looking at all."""
    scale = np.array(worth[: len(case.lower)])
    value = lambda x: float(np.sum(scale * np.sqrt(x)) - 0.2 * cost * x.sum())  # noqa: E731
    best = max(value(x) for x in ways(case))
    for looks in (10_000, 0):
        found = search(lambda xs, stage: np.array([value(x) for x in xs]), case, looks)
        assert case.allow(found[0].x)
        assert found[0].value == pytest.approx(best, abs=1e-9)
        assert len({way.x.tobytes() for way in found}) == len(found)


def test_what_looked_good_by_luck_is_looked_at_again() -> None:
    """The greedy stage is misled; on the paths of the next one exchanges find the best way."""
    scale = np.array([1.0, 1.5, 2.0])

    def values(xs, stage):
        return np.array([float(np.sum((scale if stage else scale[::-1]) * np.sqrt(x))) for x in xs])

    case = Places(np.zeros(3, dtype=int), np.full(3, 12), 12, 12)
    best = max(ways(case), key=lambda x: values([x], 1)[0])
    found = search(values, case, 90)  # of 91 ways
    assert found[0].x.tolist() == best.tolist()
    assert found[0].stage == 1


def test_no_way_is_refused() -> None:
    for lower, upper, least, most in (
        ([3, 3], [4, 4], 0, 5),
        ([0, 0], [1, 1], 3, 4),
        ([2], [1], 0, 5),
        ([0], [1], 2, 1),
    ):
        with pytest.raises(ValueError, match="number"):
            Places(np.array(lower), np.array(upper), least, most)
