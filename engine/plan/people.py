"""The people of a plan: reps, what they find themselves, their quotas and ramps; and what a rep to be hired is like."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from engine.plan.quantities import Duration
from engine.plan.records import (
    DURATION_SCHEMA,
    MONEY_SCHEMA,
    Date,
    Mix,
    Money,
    Name,
    Names,
    Number,
    Odds,
    Probability,
    Record,
    Spread,
    Time,
    Weight,
)

# ruff: noqa: RUF012  (pydantic copies mutable defaults)

LENT = "lent"


def _focus_kind(value: Any) -> str:
    return "<by product>" if isinstance(value, dict) else "<weight>"


# product or region -> weight, or region -> product -> weight
_Focus = Annotated[
    Annotated[Weight, Tag("<weight>")] | Annotated[dict[str, Weight], Tag("<by product>")], Discriminator(_focus_kind)
]


class Prospecting(Record):
    """What a rep finds without help; its hours are lacking for deals."""

    hours_per_week: Number = Field(ge=0, le=168)
    """Hours a week spent on it, of the rep's own."""
    prospects_per_hour: Number = Field(ge=0, le=1000)
    """Prospects found in an hour."""
    enters: str | None = None
    """The stage at which they enter; the first, unless named."""
    mix: Mix | None = None
    """Weights by region and product; evenly over the rep's own, unless written."""


class Quota(Record):
    """A rep's quota for the horizon; a plain number stands for `year`."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = (MONEY_SCHEMA,)

    year: Money | None = None
    """The quota for the horizon; the sum of its months, unless written."""
    months: tuple[Money, ...] = ()
    """The first months' quotas; missing months share the rest by the plan's phasing."""
    cells: dict[str, dict[str, Money]] = {}
    """The year's quota over regions and products, as `attain optimise` splits it: for people to read, as no goal asks
    for it."""

    @model_validator(mode="before")
    @classmethod
    def _form(cls, value: Any) -> Any:
        return {"year": value} if isinstance(value, (int, float, str)) and not isinstance(value, bool) else value


class Ramp(Record):
    """How a new rep gets up to speed: in a straight line from a part of it to all; a plain time stands for `over`."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = (DURATION_SCHEMA,)

    over: Time
    """How long it takes, from the rep's start: 3 mo. Working time counts at the calendar's rate."""
    starts_at: Probability = 0.3
    """The part of full speed on the first day."""

    @model_validator(mode="before")
    @classmethod
    def _form(cls, value: Any) -> Any:
        return {"over": value} if isinstance(value, (int, float, str, Duration)) else value


class Rep(Record):
    """One sales rep (or key-account manager, shop, partner: whoever moves deals)."""

    name: Name
    """The rep's name."""
    region: Names = ()
    """The rep's region, or a list; a region stands for all inside it. Everywhere, unless written."""
    products: Names = ()
    """The products the rep sells; all, unless written."""
    segments: Names = ()
    """The segments the rep serves; all, unless written."""
    hours_per_week: Number = Field(default=40.0, ge=0, le=168)
    """Working hours a week."""
    start: Date | None = None
    """The rep's first day, which may lie before the horizon. There from the beginning, unless written."""
    end: Date | None = None
    """The rep's last day, its whole day included; open deals are then handed over. There to the end, unless written."""
    ramp: Ramp | None = None
    """Getting up to speed from `start` on, in deals and in prospecting; speed is constant within a calendar month."""
    prospecting: Prospecting | None = None
    """What the rep finds without help."""
    advance: dict[str, Odds] = {}
    """This rep's odds by stage, against the stage's."""
    advance_sd: dict[str, Spread] = {}
    """How sure those odds are: standard deviation of their logarithm by stage, drawn once a replication."""
    wait: dict[str, Odds] = {}
    """This rep's deals' waits by stage, against the stage's own: 1.2 is a fifth longer."""
    wait_sd: dict[str, Spread] = {}
    """How sure those are: standard deviation of their logarithm by stage, drawn once a replication."""
    quota: Quota | None = None
    """The rep's quota of bookings."""
    focus: dict[str, _Focus] = {}
    """Shares of deal hours by product, by region, or by region and product; one queue for all, unless written."""
    idle_hours: Literal["kept", "lent"] = "kept"
    """What becomes of hours that a part of the focus has no work for: `kept` for it (a focus by product), or `lent` to
    whatever else waits. Where they are lent, what the focus does not name is worked on when nothing else waits."""


class Hire(Record):
    """What a rep to be hired is like, whichever region they get."""

    hours_per_week: Number = Field(default=40.0, gt=0, le=168)
    """Working hours a week."""
    start: Date | None = None
    """Their first day. There from the beginning, unless written."""
    ramp: Ramp | None = None
    """Getting up to speed from `start` on, as a rep's."""
    products: Names = ()
    """The products they sell; all, unless written."""
    segments: Names = ()
    """The segments they serve; all, unless written."""
    prospecting: Prospecting | None = None
    """What they find without help, in their own region."""
    advance: dict[str, Odds] = {}
    """Their odds by stage, against the stage's."""
    cost_per_month: Money | None = None
    """What one costs for each month they are there: the budget's total is less by it. Nothing, unless written."""
