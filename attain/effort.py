"""Effort by stage from people's capacity, where activities are not logged: what visits took if everybody was busy.

Were everybody busy all the time, the hours that a rep has in a month would be what the month's visits took: the sum of
work[s] x visits[s]; non-negative least squares over reps and months then gives the work of a visit. Since nobody is
always busy, it is more than a visit takes. It is refused where stages' visits rise and fall together: then any split
over stages fits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.optimize import nnls

from attain.history.records import History
from engine.problems import Refused

ROWS_FROM = 24  # reps x months
DRAWS = 200


@dataclass(frozen=True, slots=True)
class Effort:
    """A stage's hours a visit, at most, with a central 95% over resampled months."""

    stage: str
    hours: float
    low: float
    high: float


def effort_from_capacity(
    history: History, hours_per_week: float, *, busy: float = 1.0, seed: int = 0
) -> tuple[Effort, ...]:
    """Hours of work of a visit to each stage of a history, if its people had ``hours_per_week`` for deals and were busy
    a part ``busy`` of them. Raises Refused, with what would suffice, where the history cannot tell."""
    if not (0 < hours_per_week <= 168 and 0 < busy <= 1):
        raise Refused("hours_per_week between 0 and 168, and busy between 0 and 1, were expected")
    visits = history.visits.filter(pl.col("person").is_not_null())
    if not visits.height:
        raise Refused("effort by stage: the history names nobody; an owner or resource for each deal would suffice")
    month = pl.col("entered").dt.truncate("1mo")
    table = visits.group_by("person", month.alias("month"), "stage").len().sort("person", "month", "stage")
    rows = table.select("person", "month").unique(maintain_order=True)
    if rows.height < max(ROWS_FROM, 4 * len(history.stages)):
        need = max(ROWS_FROM, 4 * len(history.stages))
        raise Refused(f"effort by stage: {rows.height} months of people's work are there; {need} would suffice")
    index = {key: i for i, key in enumerate(rows.iter_rows())}
    counts = np.zeros((rows.height, len(history.stages)))
    for person, when, stage, n in table.iter_rows():
        counts[index[person, when], stage] = n
    hours = np.full(rows.height, hours_per_week * busy * 30.4375 / 7)
    spread = np.linalg.svd(counts / np.maximum(np.linalg.norm(counts, axis=0), 1e-12), compute_uv=False)
    if len(history.stages) > 1 and spread[-1] < 0.05 * spread[0]:
        raise Refused(
            "effort by stage: stages' visits rise and fall together, so that any split of the hours over stages fits; "
            "logged activities, or months in which stages differ, would suffice"
        )
    found = nnls(counts, hours)[0]
    rng = np.random.Generator(np.random.Philox(key=seed))
    drawn = np.array([nnls(counts[p], hours[p])[0] for p in rng.integers(0, rows.height, (DRAWS, rows.height))])
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return tuple(Effort(name, float(found[s]), float(low[s]), float(high[s])) for s, name in enumerate(history.stages))
