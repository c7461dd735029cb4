"""What happened: deals won and bookings by month, for the company and by region, product and rep.

The names are a fold's own. A plan fitted to less history may go by territory where the whole history goes by region,
or have folded rare products into one; so each fold's names are matched to the history's columns anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from attain.backtest.origins import Month
from attain.fitted import ALL, OTHER

LEVELS = ("company", "region", "product", "rep")
MEASURES = ("deals_won", "bookings")
COLUMNS = {"region": ("region", "territory"), "product": ("product", "category"), "rep": ("owner",)}
COMPANY = "company"

Names = dict[str, tuple[str, ...]]  # level -> the names forecast at it


@dataclass(frozen=True)
class Won:
    """Deals won, a row each: month (index), value, and the columns that name a place, a product or a person."""

    deals: pl.DataFrame
    first: Month  # the first complete month
    last: Month  # the last complete month
    valued: bool


def won_deals(deals: pl.DataFrame, first: Month, last: Month) -> Won:
    """The won deals of a history's ``deals`` in the months from ``first`` to ``last``."""
    won = deals.filter((pl.col("status") == "won") & pl.col("ended").is_not_null())
    month = pl.col("ended").dt.year().cast(pl.Int64) * 12 + pl.col("ended").dt.month().cast(pl.Int64) - 1
    columns = [c for group in COLUMNS.values() for c in group]
    table = won.select(month.alias("month"), pl.col("value").fill_null(0.0), *columns).filter(
        pl.col("month").is_between(first.index, last.index)
    )
    return Won(table, first, last, bool((table["value"] > 0).any()))


def series(won: Won, names: Names) -> dict[str, NDArray[np.float64]]:
    """level -> [names, months, MEASURES], months from ``won.first`` to ``won.last``."""
    months = won.last - won.first + 1
    at = won.deals["month"].to_numpy() - won.first.index
    value = won.deals["value"].to_numpy() if won.valued else np.ones(won.deals.height)
    out = {}
    for level, wanted in names.items():
        place = _places(won.deals, level, wanted)
        known = place >= 0
        table = np.zeros((len(wanted), months, len(MEASURES)))
        np.add.at(table[:, :, 0], (place[known], at[known]), 1.0)
        np.add.at(table[:, :, 1], (place[known], at[known]), value[known])
        out[level] = table
    return out


def _places(deals: pl.DataFrame, level: str, names: Sequence[str]) -> NDArray[np.int64]:
    """[deals] each deal's place in the names, -1 where it is in none."""
    if level == COMPANY or list(names) == [ALL]:
        return np.zeros(deals.height, dtype=np.int64)
    index = {name: i for i, name in enumerate(names)}
    columns = COLUMNS[level]
    share = [deals[c].is_in(list(names)).mean() or 0.0 for c in columns]
    column = columns[int(np.argmax(np.array(share, dtype=np.float64)))]
    rest = index.get(OTHER, -1) if level != "rep" else -1
    return np.array([index.get(name, rest) if name is not None else rest for name in deals[column]], dtype=np.int64)
