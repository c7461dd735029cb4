"""Lead flow from counts by month: its present level, and the season of the calendar's months.

Level: the mean of the last twelve complete months (fewer where the history is shorter), so that every season counts
once; the last four against the eight before say whether it is moving. Season: ratio to the centred twelve-month moving
average (classical decomposition; Makridakis, Wheelwright and Hyndman 1998, section 3/4), averaged by calendar month and
shrunk toward 1 by how much of the spread between months a repeated year supports (James and Stein 1961, by moments).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from engine.problems import Refused

YEAR = 12


@dataclass(frozen=True, slots=True)
class Arrivals:
    """``per_month`` expected leads; ``season[12]``, January first, mean 1; ``months`` the level rests on.

    ``recent`` and ``earlier``: monthly means of the last four of those months and of those before them.
    """

    per_month: float
    season: tuple[float, ...]
    months: int
    leads: int
    recent: float
    earlier: float
    shrinkage: float  # of the season: 0 flat, 1 as seen
    dispersion: float  # variance of the monthly counts around level x season, over their mean (1 = Poisson)


def fit_arrivals(counts: ArrayLike, first_month: int) -> Arrivals:
    """Level and season from ``counts[M]`` of complete, consecutive months, the first in calendar month 1..12.

    Raises Refused for no month at all.
    """
    n = np.asarray(counts, dtype=np.float64)
    if not len(n):
        raise Refused("no complete month of leads")
    months = (first_month - 1 + np.arange(len(n))) % YEAR
    season, shrinkage = _season(n, months)
    last = n[-YEAR:]
    # less than a year: what was seen is divided by the season of the months it was seen in
    level = float(last.sum() / season[months[-YEAR:]].sum())
    recent = last[-4:]
    earlier = last[:-4]
    expected = level * season[months[-YEAR:]]
    spread = float(np.sum((last - expected) ** 2 / np.maximum(expected, 1e-12)) / max(1, len(last) - 1))
    return Arrivals(
        level,
        tuple(float(s) for s in season),
        len(last),
        int(last.sum()),
        float(recent.mean()),
        float(earlier.mean()) if len(earlier) else float(recent.mean()),
        shrinkage,
        spread,
    )


def _season(n: np.ndarray, months: np.ndarray) -> tuple[np.ndarray, float]:
    flat = np.ones(YEAR)
    if len(n) < 2 * YEAR:  # one year shows each month once: season and chance cannot be told apart
        return flat, 0.0
    kernel = np.array([0.5, *[1.0] * (YEAR - 1), 0.5]) / YEAR
    trend = np.convolve(n, kernel, mode="valid")
    inner = slice(YEAR // 2, YEAR // 2 + len(trend))
    usable = trend > 0
    ratio = np.log(np.maximum(n[inner][usable], 0.5) / trend[usable])
    which = months[inner][usable]
    seen = np.bincount(which, minlength=YEAR)
    mean = np.bincount(which, weights=ratio, minlength=YEAR) / np.maximum(seen, 1)
    repeated = seen[which] > 1
    freedom = int(repeated.sum() - np.sum(seen > 1))
    if freedom < 3:
        return flat, 0.0
    noise = float(np.sum((ratio - mean[which])[repeated] ** 2) / freedom)
    noise = max(noise, float(np.mean(1 / np.maximum(trend[usable], 1.0))))  # no less than Poisson
    present = seen > 0
    between = float(np.var(mean[present], ddof=1)) - noise * float(np.mean(1 / seen[present]))
    if between <= 0:
        return flat, 0.0
    shrink = np.where(present, between / (between + noise / np.maximum(seen, 1)), 0.0)
    season = np.exp(shrink * (mean - mean[present].mean()))
    return season / season.mean(), float(shrink[present].mean())
