"""What a history is once it has been read: deals, their visits to stages, and the rows left out."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from attain.history.mapping import Mapping
from attain.history.quality import Finding
from attain.history.rework import Rework
from engine.problems import Refused

if TYPE_CHECKING:
    from attain.history.paired import Paired


class HistoryRefused(Refused):
    """The history cannot be used at all; the message says what is wrong, where, and what would mend it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row left out: its line in the file (from 1), the kind of reason, and the reason in full."""

    row: int
    reason: str
    why: str


@dataclass(frozen=True, slots=True)
class History:
    """A history in one form, whatever its shape was.

    ``deals``: a row a deal: id, created (datetime), ended (datetime, null while open), status ('won', 'lost',
    'open'), stage (the last one known), value (currency's units, null where unknown), owner, product, category,
    region, account, expected (date).
    ``visits``: a row a stage entered: deal (row of ``deals``), stage (index into ``stages``), entered (datetime),
    days in it so far, outcome (0 open, 1 advanced, 2 lost), person.
    ``resolution``: the step of the clock in days, 1 where the file holds dates.
    """

    shape: str
    name: str
    rows: int
    refused: tuple[Refusal, ...]
    mapping: Mapping
    as_of: dt.date
    deals: pl.DataFrame
    visits: pl.DataFrame
    stages: tuple[str, ...]
    resolution: float
    encoding: str
    notes: tuple[str, ...]
    raw: dict[str, float]  # raw ratios by stage, and 'end to end', for those who check by hand
    findings: tuple[Finding, ...] = ()  # the data-quality report
    rework: tuple[Rework, ...] = ()  # by stage, of a history that shows every visit
    currency: str = ""  # of its amounts, where it says
    paired: Paired | None = None  # of the deals' table, where a log came with one

    @property
    def used(self) -> int:
        return self.rows - len(self.refused)


def reasons(refused: Iterable[Refusal]) -> dict[str, int]:
    """How many rows were left out for each kind of reason, the commonest first."""
    return dict(Counter(r.reason for r in refused).most_common())
