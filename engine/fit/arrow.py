"""The information of crossed effects, whose largest factor's levels meet each other only through the rest.

No deal is two people's, so that the people's block is a diagonal: it is eliminated first (its Schur complement),
and thousands of people cost what dozens of products and regions do.
For ``rates`` and ``paces``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Arrow:
    """A positive definite matrix over ``size`` parameters: ``diagonal`` [b] of those at ``place``, ``cross`` [m, b] of
    the others with them, and ``rest`` [m, m] of the others."""

    size: int
    place: slice
    diagonal: Floats
    cross: Floats
    rest: Floats

    @cached_property
    def others(self) -> NDArray[np.bool_]:
        """Which parameters are not in the diagonal block."""
        out = np.ones(self.size, dtype=bool)
        out[self.place] = False
        return out

    @cached_property
    def _through(self) -> Floats:
        """[m, b]: cross over diagonal."""
        return self.cross / self.diagonal

    @cached_property
    def _schur(self) -> Floats:
        """The inverse [m, m] of what is left of the rest once the block is eliminated."""
        left = self.rest - self._through @ self.cross.T
        return np.asarray(np.linalg.inv(0.5 * (left + left.T)), dtype=np.float64)

    def solve(self, right: Floats) -> Floats:
        """x of matrix x = right, [size] or [size, K]."""
        out = np.empty(right.shape)
        big, small = right[self.place], right[self.others]
        found = self._schur @ (small - self._through @ big)
        out[self.others] = found
        scale = self.diagonal if right.ndim == 1 else self.diagonal[:, None]
        out[self.place] = big / scale - self._through.T @ found
        return out

    def log_det(self) -> float:
        """Logarithm of the determinant."""
        return float(np.log(self.diagonal).sum() - np.linalg.slogdet(self._schur)[1])

    def variances(self, of: Floats) -> Floats:
        """[K]: variances of sums of parameters ``of`` [K, size], the matrix being their information."""
        big, small = of[:, self.place], of[:, self.others]
        away = small - big @ self._through.T
        return np.asarray(
            (big**2) @ (1.0 / self.diagonal) + ((away @ self._schur) * away).sum(axis=1), dtype=np.float64
        )

    def contrasts(self, start: int, share: Floats) -> Floats:
        """Variances of each of the parameters from ``start`` on less their mean, weighed by ``share``."""
        own = slice(start, start + len(share))
        ones = np.zeros(self.size)
        ones[own] = share
        across = self.solve(ones)[own]
        if own == self.place:
            diagonal = 1.0 / self.diagonal + ((self._schur @ self._through) * self._through).sum(axis=0)
        else:
            at = np.flatnonzero(np.flatnonzero(self.others) == start)[0]
            diagonal = np.diag(self._schur)[at : at + len(share)]
        return np.asarray(np.maximum(diagonal - 2 * across + share @ across, 1e-12))
