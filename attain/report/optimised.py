"""What ``attain optimise`` found, read from its JSON: outside data, checked field by field before a page shows it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from engine.problems import Refused

MOST_BYTES = 50_000_000


class ReportRefused(Refused):
    """A page that cannot be made; the message says why and what to do."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class OddsPart(_Part):
    """A probability with its interval."""

    probability: float
    interval: tuple[float, float]


class GainPart(_Part):
    """A paired difference in points with its interval."""

    points: float
    interval: tuple[float, float]


class AllocationPart(_Part):
    """One cell of an allocation."""

    kind: str = "budget"
    source: str = ""
    region: str = ""
    product: str = ""
    reference: float | None = None
    plan: float
    new: float
    limit: str = ""
    months: tuple[str, ...] = ()
    plan_by_month: tuple[float, ...] = ()
    new_by_month: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """events / North / ERP, as far as the cell is split."""
        return " / ".join(part for part in (self.source, self.region, self.product) if part)


class TopDownPart(_Part):
    """A rep's part of the goal as a head office splits it."""

    quota: float


class AmountPart(_Part):
    """A mean, or a difference of means, with its interval."""

    value: float
    interval: tuple[float, float]


class MeanPart(_Part):
    """What is expected of a metric before and after."""

    metric: str
    before: AmountPart
    after: AmountPart
    gain: AmountPart
    over_reference: AmountPart | None = None


class KeptPart(_Part):
    """A required probability, before and after."""

    goal: str
    required: float
    before: OddsPart
    after: OddsPart
    met: str


class BalanceRowPart(_Part):
    """One rep's work before and after."""

    rep: str
    work: float
    deviation: float
    work_before: float | None = None
    deviation_before: float | None = None
    limit: str = ""


class TerritoryPart(_Part):
    """Territories in balance."""

    within: float
    of: str = "hours"
    among: str = "products"
    rows: tuple[BalanceRowPart, ...] = ()


class QuotaPartPart(_Part):
    """What quotas come to in a part of the business."""

    region: str = ""
    product: str = ""
    quota: float
    expected: float
    odds: float | None = None
    goal: str = ""
    target: float | None = None

    @property
    def name(self) -> str:
        """North / ERP, as far as it is one."""
        return " / ".join(part for part in (self.region, self.product) if part)


class QuotaPartsPart(_Part):
    """Quotas by product, region and both, and goals of other parts."""

    products: tuple[QuotaPartPart, ...] = ()
    regions: tuple[QuotaPartPart, ...] = ()
    cells: tuple[QuotaPartPart, ...] = ()
    goals: tuple[QuotaPartPart, ...] = ()

    @property
    def rows(self) -> tuple[QuotaPartPart, ...]:
        """All of them, in order."""
        return (*self.products, *self.regions, *self.cells, *self.goals)


class QuotaTotalsPart(_Part):
    """What quotas add up to, from above, from below and as they are set."""

    top_down: float
    bottom_up: float
    level: float
    reconciled: float


class PhasingPart(_Part):
    """The months that quotas are spread over."""

    months: tuple[str, ...] = ()


class QuotaPart(_Part):
    """One rep's quota and odds before and after."""

    rep: str
    before: float | None = None
    after: float
    odds_before: float | None = None
    odds_after: float
    top_down: TopDownPart | None = None
    bottom_up: float | None = None
    months: tuple[float, ...] = ()


class GoalPart(_Part):
    """One goal before and after."""

    goal: str
    before: OddsPart
    after: OddsPart
    gain: GainPart


class BoundPart(_Part):
    """What certifies the answer, if anything."""

    value: float | None = None
    label: str = "no certificate"


class QuotaOdds(_Part):
    """The lowest and highest odds over reps."""

    before: tuple[float, float] | None = None
    after: tuple[float, float] | None = None


class Optimised(_Part):
    """The part of an optimisation's JSON that a page shows."""

    status: str
    reason: str = ""
    plan: str = ""
    objective: str = ""
    seed: int | None = None
    replications: int | None = None
    before: OddsPart | None = None
    reference: OddsPart | None = None
    over_reference: GainPart | None = None
    after: OddsPart | None = None
    gain: GainPart | None = None
    mean: MeanPart | None = None
    required: tuple[KeptPart, ...] = ()
    territory: TerritoryPart | None = None
    quota_parts: QuotaPartsPart | None = None
    in_sample: float | None = None
    optimism: float | None = None
    bound: BoundPart | None = None
    goals: tuple[GoalPart, ...] = ()
    allocation: tuple[AllocationPart, ...] = ()
    quotas: tuple[QuotaPart, ...] = ()
    over_assignment: float | None = None
    largest_violation: float | None = None
    quota_odds: QuotaOdds = QuotaOdds()
    quota_totals: QuotaTotalsPart | None = None
    phasing: PhasingPart = PhasingPart()
    assumed: tuple[str, ...] = ()
    clashing_limits: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @field_validator("phasing", mode="before")
    @classmethod
    def _absent(cls, value: object) -> object:
        return {} if value is None else value

    @property
    def hires(self) -> bool:
        """Whether people are hired: their reference is a split in proportion to reps, not last year's."""
        return any(row.kind == "headcount" for row in self.allocation)

    def by_month(self) -> list[tuple[str, float, float]]:
        """Each month of the budget, all lines together: in the plan and proposed; none where months do not move."""
        rows = [row for row in self.allocation if row.months]
        if not rows or any({len(row.plan_by_month), len(row.new_by_month)} != {len(rows[0].months)} for row in rows):
            return []
        return [
            (month, sum(row.plan_by_month[m] for row in rows), sum(row.new_by_month[m] for row in rows))
            for m, month in enumerate(rows[0].months)
        ]

    def kinds(self) -> tuple[str, ...]:
        """The kinds of things moved, in the order in which they come."""
        return tuple(dict.fromkeys(row.kind for row in self.allocation))


def parsed(document: object) -> Optimised:
    """An optimisation's JSON as a record. Raises ReportRefused, naming the first field that is not as it should be."""
    try:
        return Optimised.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise ReportRefused(
            f"the optimisation's result cannot be shown: {where}: {first['msg']}; "
            "name what `attain optimise PLAN --json` wrote"
        ) from None


def read_optimised(path: str | os.PathLike[str]) -> Optimised:
    """An optimisation's JSON file. Raises ReportRefused."""
    file = Path(path)
    try:
        if file.stat().st_size > MOST_BYTES:
            raise ReportRefused(f"{file} is larger than {MOST_BYTES:,} bytes: not an optimisation's result")
        document = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ReportRefused(
            f"{file} cannot be read: {error.strerror}; name what `attain optimise --json` wrote"
        ) from None
    except (ValueError, RecursionError):
        raise ReportRefused(f"{file} is not a JSON document; name what `attain optimise --json` wrote") from None
    return parsed(document)
