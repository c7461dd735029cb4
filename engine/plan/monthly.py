"""What the months in which deals come to a stage have in common, as a plan says it: `Stage.advance_months`, ...

Deals that come in one month share its luck: a campaign, a price, a season. What that adds to the logarithm of their
odds, or of their waits, goes from month to month as a first-order autoregression, and is known, more or less, of months
that have been.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, model_validator

from engine.plan.records import Number, Odds, Record, Spread

# ruff: noqa: RUF012  (pydantic copies mutable defaults)

MONTH = re.compile(r"^(\d{4})-(0[1-9]|1[0-2])$")
MOST_MONTHS = 600


def month_number(label: str) -> int:
    """Months since year 0 of a label YYYY-MM."""
    return int(label[:4]) * 12 + int(label[5:7]) - 1


class KnownMonth(Record):
    """What is known of one month."""

    times: Odds
    """What the month multiplies the stage's odds, or its waits, by."""
    sd: Spread = 0.0
    """How sure that is: standard deviation of its logarithm, drawn once a replication."""
    open_sd: Spread = 0.0
    """What its open deals may differ by besides, by whom they are with: no other month goes on from that."""
    tie: Number = Field(default=0.0, ge=-1, le=1)
    """Correlation of its error with that of the next known month."""
    with_mean: Number = Field(default=0.0, ge=-1, le=2)
    """How far it goes with the months' mean, where that is drawn otherwise than written: 0 for a month known apart from
    it, 1 for one of which only its place beside the mean is known. ``sd`` and ``tie`` are of the rest."""


class MonthEffects(Record):
    """What deals that come to a stage in the same month share; drawn once a replication for each month."""

    sd: Spread
    """Standard deviation of a month's effect, on the log scale."""
    persistence: Number = Field(default=0.0, ge=0, lt=1)
    """Correlation of one month's effect with the next one's."""
    mean_sd: Spread = 0.0
    """How sure the months' mean is, on the log scale."""
    draws: Annotated[tuple[tuple[Number, Number], ...], Field(max_length=1000)] = ()
    """Equally likely [sd, persistence], of which a replication takes one: a fitted posterior."""
    known: Annotated[dict[str, KnownMonth], Field(max_length=MOST_MONTHS)] = {}
    """Months that have been, as {2026-01: {times: 1.2, sd: 0.1}}, against the stage as written; those after them go
    on from the last."""

    @model_validator(mode="after")
    def _check(self) -> MonthEffects:
        for sd, persistence in self.draws:
            if not (0 <= sd <= 3 and 0 <= persistence < 1):
                raise ValueError("draws of sd (0 to 3) and persistence (0 to below 1)")
        wrong = [label for label in self.known if not MONTH.match(label)]
        if wrong:
            raise ValueError(f"months written as 2026-01, not {wrong[0][:20]!r}")
        if self.known:
            numbers = [month_number(label) for label in self.known]
            if max(numbers) - min(numbers) >= MOST_MONTHS:
                raise ValueError(f"known months within {MOST_MONTHS} months of each other")
        return self
