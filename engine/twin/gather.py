"""The twin's sums as tables of an `Outcome`: the cells in which anything was counted, by key."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.compiled import compiled
from engine.twin.records import LEDGER

from numba import from_dtype, types  # isort: skip

_KEYS = types.Array(types.int64, 2, "C")
_CELLS = types.Array(types.float64, 2, "C")


@compiled(
    types.Tuple((_KEYS, _CELLS))(
        types.Array(from_dtype(LEDGER), 1, "C"), types.int64[::1], types.boolean[:, ::1], types.float64[:, :, ::1]
    )
)
def gather(
    ledgers: NDArray[np.void], order: NDArray[np.int64], used: NDArray[np.bool_], sums: NDArray[np.float64]
) -> Any:
    """Keys [cells, CELL_KEYS] and sums [cells, measures] of the months used of the ledgers, in the given order."""
    months, measures = sums.shape[1], sums.shape[2]
    count = 0
    for place in order:
        for month in range(months):
            count += used[place, month]
    keys = np.empty((count, 5), dtype=np.int64)
    cells = np.empty((count, measures))
    row = 0
    for place in order:
        ledger = ledgers[place]
        for month in range(months):
            if used[place, month]:
                keys[row, 0] = ledger.rep
                keys[row, 1] = ledger.product
                keys[row, 2] = ledger.region
                keys[row, 3] = ledger.segment
                keys[row, 4] = month
                for m in range(measures):
                    cells[row, m] = sums[place, month, m]
                row += 1
    return keys, cells
