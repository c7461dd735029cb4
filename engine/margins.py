"""Totals over an outcome's cells, by each of their keys: what a batch keeps of every replication."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.compiled import compiled
from engine.goals import MEASURES
from engine.outcomes import Outcome

from numba import float64, int64, void  # isort: skip

MARGINS = ("product", "region", "segment", "month")  # dimensions whose totals are kept by replication
COUNTED = len(MEASURES)
_TABLE = float64[:, ::1]


@compiled(void(int64[:, ::1], _TABLE, _TABLE, _TABLE, _TABLE, _TABLE, float64[:, :, :, ::1]))
def _add_cells(
    keys: NDArray[np.int64],
    cells: NDArray[np.float64],
    product: NDArray[np.float64],
    region: NDArray[np.float64],
    segment: NDArray[np.float64],
    month: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None:
    for i in range(len(keys)):
        r, p, g, s, m = keys[i]
        for measure in range(COUNTED):
            amount = cells[i, measure]
            product[p, measure] += amount
            region[g, measure] += amount
            segment[s, measure] += amount
            month[m, measure] += amount
            sums[r, p, g, measure] += amount


def add_margins(outcome: Outcome, sizes: dict[str, int], sums: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """dimension -> [names, MEASURES] of one outcome; `sums` [reps, products, regions, MEASURES] is added to."""
    margins = {dimension: np.zeros((sizes[dimension], COUNTED)) for dimension in MARGINS}
    product, region, segment, month = margins.values()
    _add_cells(outcome.cell_keys, outcome.cells, product, region, segment, month, sums)
    return margins
