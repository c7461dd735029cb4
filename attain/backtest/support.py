"""What a history's size supports: the narrowest honest interval, and how many origins it takes to judge coverage."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from attain.backtest.actuals import Won
from attain.backtest.records import Scored

Z80 = 1.2815515655446004
WIDTHS = (0.1, 0.2, 0.3)


def support_of(won: Won, scored: Scored, every: int) -> dict[str, Any]:
    """By theory and by count: won deals a quarter, the least half-width they leave, and what others would take.

    Bookings of N deals with coefficient of variation c have, with all inputs known, a standard deviation of
    sqrt((1 + c^2) / N) of their mean (compound Poisson): no forecast of a period in which N deals are won can have an
    80% interval narrower than 1.28 times that to either side.
    """
    months = max(1, won.last - won.first + 1)
    year = won.deals.filter(pl.col("month") > won.last.index - 12)
    quarter = 3.0 * year.height / min(12, months)
    value = year.filter(pl.col("value") > 0)["value"].to_numpy()
    spread = 1.0 + (float(value.var() / value.mean() ** 2) if won.valued and len(value) > 1 else 0.0)
    least = Z80 * float(np.sqrt(spread / quarter)) if quarter > 0 else None
    return {
        "won": won.deals.height,
        "quarters": months / 3.0,
        "won_a_quarter": quarter,
        "least_half_width": least,
        "won_needed": [{"half_width": w, "won_a_quarter": float(np.ceil(Z80**2 * spread / w**2))} for w in WIDTHS],
    }
