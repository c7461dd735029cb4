"""Attainment over two dimensions at once: reps or regions against products, whichever tells more.

Cells have targets of their own where the plan's goals set them (where: {product, region}). Else the row's target, a
rep's quota or a region's goal, is split over the columns in the mix in which those book over the whole company: an
attainment below 100% then says that the cell is weaker than the company is elsewhere. Without targets by row, cells are
shares of the company's target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from attain.results import Results
from attain.summary.records import Summary
from engine.goals import BOOKINGS
from engine.outcomes import BOOKED
from engine.plan.types import Where

Dimension = Literal["rep", "region", "product"]
Basis = Literal["cells", "fair", "share"]
MOST_ROWS, MOST_COLUMNS = 40, 12

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Heat:
    """The map. `values` [rows][columns]: mean bookings over target, None where nothing is asked or may be sold."""

    rows: Dimension
    columns: Dimension
    basis: Basis
    row_names: tuple[str, ...]
    column_names: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    totals: tuple[float | None, ...]  # each row's attainment; empty where there is one column alone
    of: int  # rows there are; more than are shown where the map is cut to those furthest from target


def heat_of(results: Results, summary: Summary) -> Heat | None:
    """The most telling map of a run; None where the plan sets no targets in money."""
    booked = results.sums[:, :, :, BOOKED] / max(results.n, 1) / results.world.minor  # [reps, products, regions]
    found = [
        made
        for rows, columns in (("rep", "product"), ("region", "product"), ("rep", "region"))
        if (made := _map(results, summary, booked, rows, columns)) is not None  # type: ignore[arg-type]
    ]
    order: tuple[Basis, ...] = ("share", "fair", "cells")
    return max(found, key=lambda h: (order.index(h.basis), _telling(h)), default=None)


def _telling(heat: Heat) -> int:
    """How many cells differ from their neighbours' by construction: filled cells, in columns beyond the first."""
    filled = sum(value is not None for row in heat.values for value in row)
    return filled if len(heat.column_names) > 1 else len(heat.row_names) - 1


def _map(results: Results, summary: Summary, booked: Floats, rows: Dimension, columns: Dimension) -> Heat | None:
    axes: dict[Dimension, int] = {"rep": 0, "product": 1, "region": 2}
    other = next(axis for name, axis in axes.items() if name not in (rows, columns))
    table = booked.sum(axis=other)
    if axes[rows] > axes[columns]:
        table = table.T
    leaves = table
    if rows == "region":  # a region holds all inside it
        table = np.array([table[results.world.territory.inside[i]].sum(axis=0) for i in range(len(table))])
    names = {"rep": results.world.reps, "product": results.world.products, "region": results.world.regions}
    row_names, column_names = names[rows], names[columns]
    targets, basis = _targets(results, summary, table, leaves.sum(axis=0), rows, columns)
    if targets is None:
        return None
    keep = np.flatnonzero(table.any(axis=1) | (np.nan_to_num(targets).sum(axis=1) > 0.0))
    columns_kept = np.argsort(-table.sum(axis=0), kind="stable")[:MOST_COLUMNS]
    columns_kept = np.sort(columns_kept[table.any(axis=0)[columns_kept]])
    if len(keep) == 0 or len(columns_kept) == 0:
        return None
    totals = _totals(summary, table, targets, rows, row_names, basis)
    if len(keep) > MOST_ROWS:
        furthest = np.argsort(np.nan_to_num(totals[keep], nan=np.inf), kind="stable")[:MOST_ROWS]
        shown = keep[np.sort(furthest)]
    else:
        shown = keep
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = table / targets
    return Heat(
        rows=rows,
        columns=columns,
        basis=basis,
        row_names=tuple(row_names[r] for r in shown),
        column_names=tuple(column_names[c] for c in columns_kept),
        values=tuple(tuple(_or_none(ratio[r, c]) for c in columns_kept) for r in shown),
        totals=tuple(_or_none(totals[r]) for r in shown) if table.any(axis=0).sum() > 1 else (),
        of=len(keep),
    )


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _targets(
    results: Results, summary: Summary, table: Floats, sums: Floats, rows: Dimension, columns: Dimension
) -> tuple[Floats | None, Basis]:
    """[rows, columns] targets in major units, NaN where none, and what they are."""
    own = _cell_targets(results, table.shape, rows, columns)
    if np.isfinite(own).sum() > 1:
        return own, "cells"
    by_row = row_targets(summary, rows, len(table))
    if np.isfinite(by_row).any():
        mix = np.where(table > 0.0, sums, 0.0)
        whole = mix.sum(axis=1, keepdims=True)
        split = np.divide(mix, whole, out=np.full(mix.shape, np.nan), where=whole > 0.0)
        return np.where(table > 0.0, by_row[:, None] * split, np.nan), "fair"
    company = _company(summary)
    if company is None:
        return None, "share"
    return np.where(table > 0.0, company, np.nan), "share"


def _company(summary: Summary) -> float | None:
    """The main goal's target, where it is one sum of money."""
    goal = None if summary.main is None else summary.goal(summary.main)
    return goal.target if goal is not None and goal.unit == "money" and not goal.legs and goal.target > 0 else None


def row_targets(summary: Summary, rows: Dimension, size: int) -> Floats:
    """[rows]: reps' quotas, or the goals of single regions; NaN where there is none."""
    found = np.full(size, np.nan)
    if rows == "rep":
        values = [rep.quota for rep in summary.reps]
    else:
        values = [part.target for part in sorted(summary.regions, key=lambda part: part.name)]
    for i, value in enumerate(values):
        found[i] = value if value else np.nan
    return found


def _cell_targets(results: Results, shape: tuple[int, ...], rows: Dimension, columns: Dimension) -> Floats:
    """Targets of goals over the whole horizon that are for one row and one column alone."""
    world = results.world
    names: dict[Dimension, Sequence[str]] = {"rep": world.reps, "product": world.products, "region": world.regions}
    found = np.full(shape, np.nan)
    for goal in world.plan.goals.values():
        if goal.at_least is None or goal.metric != BOOKINGS:
            continue
        if goal.every is not None or goal.since is not None or goal.until is not None:
            continue
        row, column = getattr(goal.where, rows), getattr(goal.where, columns)
        if len(row) == len(column) == 1 and goal.where == Where(**{rows: row, columns: column}):
            found[names[rows].index(row[0]), names[columns].index(column[0])] = goal.at_least
    return found


def _totals(
    summary: Summary, table: Floats, targets: Floats, rows: Dimension, names: Sequence[str], basis: Basis
) -> Floats:
    """[rows]: a row's bookings over its own target; over its cells' where only those have one."""
    booked = table.sum(axis=1)
    if basis == "share":
        company = _company(summary) or np.nan
        return np.asarray(booked / company)
    own = row_targets(summary, rows, len(names))
    sums = np.nansum(np.where(np.isfinite(targets), targets, 0.0), axis=1)
    asked = np.where(np.isfinite(own), own, np.where(sums > 0.0, sums, np.nan))
    inside = np.where(np.isfinite(targets), table, 0.0).sum(axis=1) if basis == "cells" else booked
    counted = np.where(np.isfinite(own), booked, inside)
    return np.asarray(counted / asked)
