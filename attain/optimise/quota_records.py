"""Quotas as they are reported: by rep, by cell of region and product, by month, and by part of the business."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class QuotaCell:
    """A rep's quota in a region for a product, and the odds of making it on fresh paths."""

    region: str
    product: str
    quota: float
    odds: float


@dataclass(frozen=True)
class QuotaPart:
    """What all reps' quotas come to in a part of the business: a product, a region, or a cell of both.

    `expected` bookings and the odds that they come to `quota` are those of fresh paths; None for cells, of which no
    path keeps them. `goal` and `target`: the top-down goal of just this part, where the plan has one.
    """

    region: str
    product: str
    quota: float
    expected: float
    odds: float | None = None
    goal: str = ""
    target: float | None = None


@dataclass(frozen=True)
class QuotaParts:
    """Quotas by product, by region and by both; and goals of other parts (several products, a region above others)."""

    products: tuple[QuotaPart, ...]
    regions: tuple[QuotaPart, ...]
    cells: tuple[QuotaPart, ...]
    goals: tuple[QuotaPart, ...]

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {name: [dict(part.__dict__) for part in parts] for name, parts in self.__dict__.items()}


@dataclass(frozen=True)
class TopDown:
    """A rep's part of the goal as a head office splits it: as quotas are now, else by hours; and the odds of it."""

    quota: float
    odds: float


@dataclass(frozen=True)
class QuotaTotals:
    """What quotas add up to: the goal, what the reps make with the odds `level` each, and what they are given."""

    top_down: float
    bottom_up: float
    level: float
    reconciled: float


@dataclass(frozen=True)
class QuotaRow:
    """One rep's quota before and after, with the odds of attaining it on fresh paths.

    `bottom_up` is what the rep makes with the odds of `QuotaTotals.level`; months and weeks are those of `Phasing`.
    """

    rep: str
    before: float | None
    after: float
    odds_before: float | None
    odds_after: float
    split: tuple[QuotaCell, ...]
    top_down: TopDown
    bottom_up: float
    months: tuple[float, ...]
    weeks: tuple[float, ...]

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "rep": self.rep,
            "before": self.before,
            "after": self.after,
            "odds_before": self.odds_before,
            "odds_after": self.odds_after,
            "split": [dict(cell.__dict__) for cell in self.split],
            "top_down": dict(self.top_down.__dict__),
            "bottom_up": self.bottom_up,
            "months": list(self.months),
            "weeks": list(self.weeks),
        }


@dataclass(frozen=True)
class Phasing:
    """The months (YYYY-MM) and weeks (first days) that quotas are spread over."""

    months: tuple[str, ...]
    weeks: tuple[str, ...]
