"""Levers where there is no budget: a rep's prospecting hours over regions and products, a cell's leads over reps.

Both are tables of rows x columns of which some entries may move: hours keep each rep's (row's) sum, lead shares keep
each cell's (column's) sum of 1. They become the same `Levers` that a budget is, with a straight-line response
(`solvers.responses.identity`): one unit of the entry is one unit of yield, read off the sample paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from solvers.arrays import BoolArray, FloatArray, IntArray, floats
from solvers.levers import Levers, limited


@dataclass(frozen=True)
class LeverTable:
    """Levers for entries of a table: variable i is the entry (`row[i]`, `column[i]`); the others stay as they are."""

    levers: Levers
    values: FloatArray
    row: IntArray
    column: IntArray

    def table(self, x: FloatArray) -> FloatArray:
        """The table (R, C) with the variables' amounts x (V,) in place."""
        filled = self.values.copy()
        filled[self.row, self.column] = x
        return filled

    def variables(self, table: FloatArray) -> FloatArray:
        """The variables' amounts (V,) in a table (R, C)."""
        return floats(table[self.row, self.column])


def hours_levers(
    hours: FloatArray,
    *,
    allowed: BoolArray,
    reps: tuple[str, ...],
    cells: tuple[str, ...],
    change_at_most: float,
    step: float = 0.0,
) -> LeverTable:
    """Prospecting hours a week (reps x region-product cells); each rep's sum stays, entries move by a share.

    `allowed` (R, C): where the rep may prospect. An entry that is 0 may move by that share of the rep's mean entry.
    """
    return _levers(hours, allowed, reps, cells, "row", change_at_most, step)


def share_levers(
    shares: FloatArray,
    *,
    allowed: BoolArray,
    reps: tuple[str, ...],
    cells: tuple[str, ...],
    change_at_most: float,
    step: float = 0.0,
) -> LeverTable:
    """Shares of each cell's leads (reps x region-product cells); each cell's shares go on summing to what they do, 1.

    `allowed` (R, C): who may take the cell's leads. A share that is 0 may move by that share of the cell's mean one.
    """
    return _levers(shares, allowed, reps, cells, "column", change_at_most, step)


def _levers(
    values: FloatArray,
    allowed: BoolArray,
    reps: tuple[str, ...],
    cells: tuple[str, ...],
    fixed: Literal["row", "column"],
    change_at_most: float,
    step: float,
) -> LeverTable:
    if values.shape != allowed.shape or values.shape != (len(reps), len(cells)):
        raise ValueError(
            f"{len(reps)} reps and {len(cells)} cells, but values are {values.shape} and allowed is {allowed.shape}"
        )
    if np.any(values[~allowed] != 0):
        raise ValueError("a rep has hours or a share where it may have none")
    row, column = (places.astype(np.int64) for places in np.nonzero(allowed))
    if len(row) == 0:
        raise ValueError("no rep may have hours or a share anywhere: there is nothing to move")
    kept, group = np.unique(row if fixed == "row" else column, return_inverse=True)
    called = reps if fixed == "row" else cells
    levers = limited(
        tuple(f"{reps[i]} / {cells[j]}" for i, j in zip(row.tolist(), column.tolist(), strict=True)),
        values[row, column],
        group=group,
        group_names=tuple(called[i] for i in kept.tolist()),
        change_at_most=change_at_most,
        step=step,
    )
    return LeverTable(levers, floats(values), row, column)
