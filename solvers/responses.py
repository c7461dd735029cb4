"""Responses to spend as concave piecewise-linear curves, so that linear programmes can hold them.

A response maps spend to leads (or any yield), one curve a variable. Concave curves are taken as they are at the sample
points; an S-shaped one is replaced by its concave envelope, which is never below it: an allocation that leans on the
envelope is simulated again with the true curve before anything is reported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from solvers.arrays import FloatArray

# Each variable's response at its amount: (V,) -> (V,), element by element. `identity` where the response is linear.
Response = Callable[[FloatArray], FloatArray]


def identity(x: FloatArray) -> FloatArray:
    """The linear response: one unit of yield per unit of the variable."""
    return x


@dataclass(frozen=True)
class Segments:
    """Concave curves of V variables in K pieces: from `at_lower` (V,) on, pieces of `widths` and `slopes` (V, K).

    Slopes do not increase along a curve, so that a maximiser fills the pieces in order by itself.
    """

    lower: FloatArray
    at_lower: FloatArray
    widths: FloatArray
    slopes: FloatArray

    def value(self, x: FloatArray) -> FloatArray:
        """The curves' values at x (V,), which lies within the pieces."""
        before = np.cumsum(self.widths, axis=1) - self.widths
        inside = np.clip((x - self.lower)[:, None] - before, 0.0, self.widths)
        return self.at_lower + np.sum(inside * self.slopes, axis=1)


def concave_segments(
    response: Response, lower: FloatArray, upper: FloatArray, pieces: int, *, spacing: float = 1.0
) -> Segments:
    """The concave envelope of each response over [lower, upper], from `pieces` + 1 samples.

    Sample i lies at lower + (upper - lower) (i / pieces)^spacing: 1 is even, 2 is finer where curves bend early. For a
    concave curve the samples are exact and the error between them falls with 1 / pieces squared.
    """
    if pieces < 1:
        raise ValueError(f"a curve needs at least one piece, not {pieces}")
    places = (np.arange(pieces + 1) / pieces) ** spacing
    knots = lower[:, None] + (upper - lower)[:, None] * places[None, :]
    knots[:, -1] = upper
    values = np.stack([response(np.ascontiguousarray(knots[:, i])) for i in range(pieces + 1)], axis=1)
    if not np.all(np.isfinite(values)):
        raise ValueError("a response is not a finite number somewhere between its variable's limits")
    values = np.stack([_envelope(k, v) for k, v in zip(knots, values, strict=True)])
    widths = np.diff(knots, axis=1)
    slopes = np.divide(np.diff(values, axis=1), widths, out=np.zeros_like(widths), where=widths > 0)
    slopes = np.minimum.accumulate(slopes, axis=1) if pieces > 1 else slopes
    return Segments(lower.copy(), values[:, 0].copy(), widths, slopes)


def _envelope(knots: FloatArray, values: FloatArray) -> FloatArray:
    """The least concave curve above the samples, at their own places (upper hull by a monotone chain)."""
    hull: list[int] = []
    for i in range(len(knots)):
        while len(hull) >= 2:
            a, b = hull[-2], hull[-1]
            if (values[b] - values[a]) * (knots[i] - knots[a]) > (values[i] - values[a]) * (knots[b] - knots[a]):
                break
            hull.pop()
        if not hull or knots[i] > knots[hull[-1]]:
            hull.append(i)
    return np.interp(knots, knots[hull], values[hull])
