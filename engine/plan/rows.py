"""The rows of the files that stand beside a plan, as records: accounts, open deals, what has been booked."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from engine.plan.quantities import Duration, read_money
from engine.plan.records import MOST_MONEY, Date, Money, Name, Number, Probability, Record, Time

# ruff: noqa: RUF012  (pydantic copies mutable defaults)

Signed = Annotated[float, BeforeValidator(read_money), Field(ge=-MOST_MONEY, le=MOST_MONEY)]


class Account(Record):
    """A known customer."""

    account: Name
    """The account's name."""
    owner: Name | None = None
    """The rep who gets its leads."""
    region: Name | None = None
    """Its region."""
    segment: Name | None = None
    """Its segment."""
    money: Probability | None = None
    """Its score of money, from 0 to 1; drawn where it is not known."""
    authority: Probability | None = None
    """Its score of authority."""
    need: Probability | None = None
    """Its score of need."""


class OpenDeal(Record):
    """A deal open on the first day (or at the end of as_of)."""

    deal: Name
    """The deal's name, each once."""
    stage: Name
    """The stage it is now in."""
    age: Time = Duration(0.0, "d")
    """How long it has been in that stage; a plain number counts working days."""
    owner: Name | None = None
    """Its rep; routed, unless written."""
    product: Name | None = None
    """Its product."""
    region: Name | None = None
    """Its region."""
    segment: Name | None = None
    """Its segment."""
    source: Name | None = None
    """The source it came from."""
    account: Name | None = None
    """Its account."""
    value: Money | None = None
    """Its value; drawn, unless written."""
    money: Probability | None = None
    """The customer's score of money, from 0 to 1."""
    authority: Probability | None = None
    """The customer's score of authority."""
    need: Probability | None = None
    """The customer's score of need."""


class Actual(Record):
    """Booked between the horizon's start and as_of."""

    date: Date
    """The day of the booking."""
    rep: Name
    """Who made it."""
    product: Name
    """The product."""
    region: Name
    """The region."""
    segment: Name | None = None
    """The segment."""
    bookings: Signed
    """The amount booked; negative for a deal undone."""
    deals_won: Number = 1.0
    """How many deals it stands for."""


class PlanFiles(Record):
    """What the files named in a plan hold, in file order."""

    accounts: tuple[Account, ...] = ()
    pipeline: tuple[OpenDeal, ...] = ()
    actuals: tuple[Actual, ...] = ()
    columns: dict[str, tuple[float, ...]] = {}  # "file:column" -> values, for empirical distributions
    reference: tuple[dict[str, Any], ...] = ()  # rows of decide.reference: source, region, product, rep, budget, quota
