"""Days that cannot be: one slip of the keyboard must not make a history forty years long."""

from __future__ import annotations

import datetime as dt

import polars as pl

FROM = 20  # dates from which the others say which are far
FEW = 0.01  # share of them, and one at least, up to which far ones are slips
YEAR = 366


def plausible(days: pl.Series) -> tuple[dt.date, dt.date] | None:
    """The first and the last of the days that hang together, None where there are too few to say.

    Beyond them stands at most a hundredth of all, after a gap of more than a year and half of what the others span;
    before them, where an old deal may well stand, after one of more than five years.
    """
    known = days.drop_nulls().sort().dt.date().to_list()
    if len(known) < FROM:
        return None
    few = max(1, int(FEW * len(known)))
    low, high = 0, len(known) - 1
    for i in range(1, few + 1):
        rest = (known[-1 - few] - known[i]).days
        if (known[i] - known[i - 1]).days > max(5 * YEAR, rest / 2):
            low = i
    for i in range(1, few + 1):
        rest = (known[-1 - i] - known[low]).days
        if (known[-i] - known[-1 - i]).days > max(YEAR, rest / 2):
            high = len(known) - 1 - i
    return known[low], known[high]
