"""Array types of the solvers, and sums over sample paths that do not depend on the number of threads."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

BLOCK = 1024  # paths summed at a time, in order


def floats(values: npt.ArrayLike) -> FloatArray:
    """The values as a contiguous float64 array (a copy only where needed)."""
    return np.ascontiguousarray(values, dtype=np.float64)


def path_sum(values: FloatArray) -> FloatArray:
    """The sum over the first axis (paths), in blocks of 1,024 in order: the same bits whatever the threads."""
    total = np.zeros(values.shape[1:])
    for first in range(0, values.shape[0], BLOCK):
        total = total + np.add.reduce(values[first : first + BLOCK], axis=0)
    return total


def path_mean(values: FloatArray) -> FloatArray:
    """The mean over the first axis (paths), summed as `path_sum` does."""
    if values.shape[0] == 0:
        raise ValueError("the mean over sample paths needs at least one path, and there is none")
    return path_sum(values) / values.shape[0]


def thinned(paths: int, most: int) -> IntArray:
    """Positions of at most `most` of `paths` paths, evenly spread and always the same ones."""
    if most < 1:
        raise ValueError(f"at least one path must be kept, not {most}")
    if most >= paths:
        return np.arange(paths, dtype=np.int64)
    return (np.arange(most, dtype=np.int64) * paths) // most
