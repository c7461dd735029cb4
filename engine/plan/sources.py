"""Where leads come from and who gets them: the plan's ``sources`` and ``routing`` sections as records."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from engine.plan.records import Count, Mix, Money, Number, Odds, Probability, Record, Spread, Weight

# ruff: noqa: RUF012  (pydantic copies mutable defaults)


class Hill(Record):
    """leads = most * spend^shape / (spend^shape + half_at^shape), for each budgeted cell and month."""

    most_leads_per_month: Number = Field(ge=0, le=1e9)
    """Leads a month that no budget exceeds."""
    half_at: Annotated[Money, Field(gt=0)]
    """The spend a month that brings half of them."""
    shape: Number = Field(default=1.0, gt=0, le=20)
    """1: diminishing from the start; above 1: slow at first."""
    draws: Annotated[tuple[tuple[Number, Number, Number], ...], Field(max_length=1000)] = ()
    """Equally likely [most_leads_per_month, half_at, shape], of which a replication takes one: a fitted posterior."""

    @model_validator(mode="after")
    def _check(self) -> Hill:
        for most, half, shape in self.draws:
            if not (0 <= most <= 1e9 and half > 0 and 0 < shape <= 20):
                raise ValueError("draws of most_leads_per_month (0 or more), half_at (above 0) and shape (0 to 20)")
        return self


class Linear(Record):
    """leads = spend / cost_per_lead, up to a most."""

    cost_per_lead: Annotated[Money, Field(gt=0)]
    """What one lead costs."""
    most_leads_per_month: Number | None = Field(default=None, ge=0, le=1e9)
    """Leads a month that no budget exceeds."""


class Response(Record):
    """How leads answer to budget, in each budgeted cell alone, by its spend a month. Exactly one of hill and linear."""

    hill: Hill | None = None
    """A response that saturates."""
    linear: Linear | None = None
    """A response in proportion."""
    carry_over: Number = Field(default=0.0, ge=0, lt=1)
    """The part of a month's spend that works on into the next month, and of that into the one after. Before the horizon
    spend was as in its first month."""
    assumed: bool = False
    """Whether it is a guess: results that lean on it say so."""

    @model_validator(mode="after")
    def _one(self) -> Response:
        if (self.hill is None) == (self.linear is None):
            raise ValueError("exactly one of hill and linear")
        return self


class RoutingShare(Record):
    """Shares over reps, everywhere alike (`reps`) or by region and product (`cells`)."""

    reps: dict[str, Weight] = {}
    """Rep -> weight."""
    cells: dict[str, dict[str, dict[str, Weight]]] = {}
    """Region -> product -> rep -> weight."""

    @model_validator(mode="before")
    @classmethod
    def _form(cls, value: Any) -> Any:
        if not isinstance(value, dict) or set(value) <= {"reps", "cells"}:
            return value
        nested = [isinstance(item, dict) for item in value.values()]
        if any(nested) and not all(nested):
            raise ValueError("weights by rep, or by region, product and rep, not both")
        return {"cells": value} if any(nested) else {"reps": value}


_WEIGHT_SCHEMA = {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}]}
_REP_WEIGHTS: dict[str, Any] = {"type": "object", "additionalProperties": _WEIGHT_SCHEMA}
_CELL_WEIGHTS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": {"type": "object", "additionalProperties": _REP_WEIGHTS},
}


class Routing(Record):
    """Which rep gets a lead, of those who may take it. A known account goes to its owner first."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = (
        {"enum": ["least_loaded", "round_robin"]},
        {
            "type": "object",
            "properties": {"share": {"anyOf": [_REP_WEIGHTS, _CELL_WEIGHTS]}},
            "required": ["share"],
            "additionalProperties": False,
        },
    )

    rule: Literal["least_loaded", "round_robin", "share"] = "least_loaded"
    """least_loaded: fewest open deals. round_robin: in turn. share: at random by the shares."""
    share: RoutingShare = RoutingShare()
    """Weights by rep, or by region, product and rep."""

    @model_validator(mode="before")
    @classmethod
    def _form(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"rule": value}
        if isinstance(value, dict) and set(value) == {"share"}:
            return {"rule": "share", "share": value["share"]}
        return value


def _spend_kind(value: Any) -> str:
    if isinstance(value, dict):
        return "<split>"
    return "<months>" if isinstance(value, (list, tuple)) else "<amount>"


# an amount for the horizon, or one a month
Spend = Annotated[
    Annotated[Money, Tag("<amount>")] | Annotated[tuple[Money, ...], Tag("<months>")], Discriminator(_spend_kind)
]
_RegionSpend = Annotated[
    Annotated[Money, Tag("<amount>")]
    | Annotated[tuple[Money, ...], Tag("<months>")]
    | Annotated[dict[str, Spend], Tag("<split>")],
    Discriminator(_spend_kind),
]
Budget = Annotated[
    Annotated[Money, Tag("<amount>")] | Annotated[dict[str, _RegionSpend], Tag("<split>")],
    Discriminator(lambda value: "<split>" if isinstance(value, dict) else "<amount>"),
]


class Source(Record):
    """One source of leads, of exactly one kind: leads_per_month, leads_per_day, prospects, or a response to budget."""

    leads_per_month: Number | None = Field(default=None, ge=0, le=1e9)
    """Expected leads in a calendar month, spread evenly over its working hours."""
    leads_per_day: Number | None = Field(default=None, ge=0, le=1e8)
    """Expected leads in a working day."""
    season: tuple[Weight, ...] = ()
    """Twelve weights, January first, for leads_per_month and leads_per_day; their mean is one normal month."""
    growth: Annotated[Number, Field(gt=-0.99, le=10)] = 0.0
    """Growth of the flow a year, 0.12 for 12%; leads_per_month is reached in the middle of the horizon."""
    leads_sd: Annotated[Number, Field(ge=0, le=3)] = 0.0
    """How sure the flow's level is: standard deviation of its logarithm, drawn once a replication."""
    growth_sd: Annotated[Number, Field(ge=0, le=3)] = 0.0
    """The same of the growth a year."""
    season_sd: Annotated[Number, Field(ge=0, le=3)] = 0.0
    """The same of each month's weight in the season."""
    overdispersion: Annotated[Number, Field(ge=0, le=2)] = 0.0
    """How much more than Poisson chance a month's flow varies: variance of a gamma factor of mean 1, by month."""
    prospects: Count | None = Field(default=None, ge=0, le=10_000_000)
    """Exactly so many prospects in the horizon."""
    spread: Literal["year", "even", "start"] = "year"
    """When those come: over the horizon at random (year), evenly (even), or all on the first instant (start)."""
    budget: Budget | None = None
    """Spend: an amount for the horizon, or by region, or by region and product; in these also a list of one a month."""
    response: Response | None = None
    """How leads answer to the budget."""
    mix: Mix | None = None
    """Weights by region and product; evenly over all, unless written. Inside a budgeted cell it only splits."""
    enters: str | None = None
    """The stage at which its leads enter; the first, unless named."""
    routing: Routing | None = None
    """This source's routing; the plan's, unless written."""
    from_accounts: Probability = 0.0
    """The share of its leads that come from known accounts."""
    advance: dict[str, Odds] = {}
    """Odds of advancing by stage, against the stage's own."""
    advance_sd: dict[str, Spread] = {}
    """How sure those odds are: standard deviation of their logarithm by stage, drawn once a replication."""
    wait: dict[str, Odds] = {}
    """Its deals' waits by stage, against the stage's own: 1.2 is a fifth longer."""
    wait_sd: dict[str, Spread] = {}
    """How sure those are: standard deviation of their logarithm by stage, drawn once a replication."""
    economy: Number = Field(default=1.0, ge=-10, le=10)
    """How strongly this source's flow follows the economy, times the plan's."""
