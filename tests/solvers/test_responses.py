"""Concave pieces of response curves: exact where they should be, above S-shapes, and converging as stated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvers.responses import concave_segments, identity


def hill(shape: float):
    return lambda x: 30 * x**shape / (x**shape + 80.0**shape)


def test_a_straight_line_is_one_slope():
    made = concave_segments(identity, np.array([1.0, 0.0]), np.array([5.0, 0.0]), 4)
    assert made.slopes[0] == pytest.approx(np.ones(4))
    assert made.value(np.array([3.3, 0.0])) == pytest.approx([3.3, 0.0])


@given(st.floats(0.3, 1.0), st.floats(0, 50), st.floats(51, 900), st.sampled_from([1.0, 2.0]))
def test_a_concave_curve_is_met_at_its_samples_and_never_exceeded(shape, low, high, spacing):
    lower, upper = np.array([low]), np.array([high])
    made = concave_segments(hill(shape), lower, upper, 10, spacing=spacing)
    assert np.all(np.diff(made.slopes, axis=1) <= 1e-12)
    for t in np.linspace(0, 1, 41):
        x = lower + t * (upper - lower)
        assert made.value(x)[0] <= hill(shape)(x)[0] + 1e-9
    ends = lower + np.cumsum(made.widths, axis=1)
    for i in range(10):
        assert made.value(ends[:, i])[0] == pytest.approx(hill(shape)(ends[:, i])[0], abs=1e-9)


@given(st.floats(1.2, 4.0), st.floats(100, 900))
def test_the_envelope_of_an_s_shape_is_concave_and_above_it(shape, high):
    made = concave_segments(hill(shape), np.array([0.0]), np.array([high]), 24)
    assert np.all(np.diff(made.slopes, axis=1) <= 1e-12)
    ends = np.cumsum(made.widths, axis=1)[0]
    for x in ends:
        assert made.value(np.array([x]))[0] >= hill(shape)(np.array([x]))[0] - 1e-9
    assert made.value(np.array([high]))[0] == pytest.approx(hill(shape)(np.array([high]))[0], abs=1e-9)
    # the least of them: it touches the curve at every end of a slope
    bends = np.flatnonzero(np.diff(made.slopes[0]) < -1e-9)
    for i in bends:
        assert made.value(ends[[i]])[0] == pytest.approx(hill(shape)(ends[[i]])[0], abs=1e-9)


def test_the_error_falls_with_the_square_of_the_pieces():
    x = np.linspace(0, 400, 4001)

    def error(pieces: int) -> float:
        made = concave_segments(hill(1.0), np.array([0.0]), np.array([400.0]), pieces)
        return max(float(hill(1.0)(np.array([v]))[0] - made.value(np.array([v]))[0]) for v in x)

    assert error(64) / error(256) == pytest.approx(16, rel=0.25)


def test_a_response_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="not a finite number"):
        concave_segments(lambda x: x + np.inf, np.array([0.0]), np.array([1.0]), 2)
