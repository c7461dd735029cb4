"""The plan as typed, frozen records: what a plan file may say, and nothing more.

``load`` reads YAML into these records; ``world`` turns them into the flat arrays that both engines run on. Field
names are the plan file's own. Amounts are in the currency's major units, shares are fractions, durations keep
their unit until the calendar is known. Facts that need the whole plan (a region that nobody serves, a stage named
but absent) are checked in ``consistency``, so that every problem is reported at once. The text under a field is what
the plan reference prints for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from engine.plan.decide import Decide, DecideBudget, DecideHours, DecideQuotas, DecideShares
from engine.plan.forms import FormError, FormProblem
from engine.plan.monthly import KnownMonth, MonthEffects
from engine.plan.people import Hire, Prospecting, Quota, Ramp, Rep
from engine.plan.quantities import Duration
from engine.plan.records import (
    Advance,
    AmountDistribution,
    Count,
    Date,
    Money,
    Name,
    Names,
    Number,
    Odds,
    Probability,
    Record,
    Share,
    Spread,
    Time,
    TimeDistribution,
    Uncertain,
    Weight,
)
from engine.plan.rows import Account, Actual, OpenDeal, PlanFiles
from engine.plan.sources import Hill, Linear, Response, Routing, RoutingShare, Source, Spend

__all__ = [
    "Account",
    "Actual",
    "Advance",
    "AmountDistribution",
    "Calendar",
    "Customers",
    "Decide",
    "DecideBudget",
    "DecideHours",
    "DecideQuotas",
    "DecideShares",
    "Duration",
    "Economy",
    "FileReference",
    "Goal",
    "Hill",
    "Hire",
    "Horizon",
    "KnownMonth",
    "Linear",
    "LoadedPlan",
    "Money",
    "MonthEffects",
    "OpenDeal",
    "Plan",
    "PlanFiles",
    "Probability",
    "Product",
    "Prospecting",
    "Quota",
    "Ramp",
    "Record",
    "Rep",
    "Response",
    "Routing",
    "RoutingShare",
    "Segment",
    "Share",
    "Source",
    "Spend",
    "Stage",
    "Time",
    "TimeDistribution",
    "Uncertain",
    "Where",
]  # fmt: skip

# ruff: noqa: RUF012  (pydantic copies mutable defaults)

TEXT = {"type": "string"}


# --- horizon, calendar, goals --------------------------------------------------------------------------------------


class Horizon(Record):
    """The days that the plan covers."""

    start: Date
    """The first day."""
    end: Date
    """The last day, its whole day included."""
    as_of: Date | None = None
    """The last day that has happened, where part of the horizon has; the simulation begins at its end."""


_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_WORDS = dict(zip("一二三四五六日天", (*_DAYS, "sun"), strict=True))


def _weekdays(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        return value
    return [
        (_DAY_WORDS.get(day[-1]) or day[:3].casefold()) if isinstance(day, str) and len(day) > 1 else day
        for day in value
    ]


class Calendar(Record):
    """Which days are worked, and for how long. All the model's time is counted in its working hours."""

    country: str | None = None
    """The country whose public holidays are kept, by its ISO 3166 code: CN, DE, US. None are, unless written."""
    subdivision: str | None = None
    """The state or province whose own holidays are kept too."""
    makeup_workdays: bool = True
    """Whether weekend days that a country declares worked in exchange for a holiday (China's 调休) are worked."""
    weekend: Annotated[
        tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...], BeforeValidator(_weekdays)
    ] = (
        "sat",
        "sun",
    )
    """The days of the week that are not worked; an empty list where shops open every day."""
    hours_per_day: Number = Field(default=8.0, gt=0, le=24)
    """Working hours in a working day."""
    days: Count | None = Field(default=None, ge=1, le=20_000)
    """A plain calendar instead: so many equal days in the horizon, in months of equal length."""
    holidays: tuple[Date, ...] = ()
    """Further days off."""
    workdays: tuple[Date, ...] = ()
    """Further working days."""


class Where(Record):
    """What a goal counts; what is left out counts all."""

    product: Names = ()
    """One product, or a list."""
    region: Names = ()
    """One region, or a list; a region stands for all inside it."""
    rep: Names = ()
    """One rep, or a list."""
    segment: Names = ()
    """One segment, or a list."""
    source: Names = ()
    """One source, or a list."""


def _all_of_kind(value: Any) -> str:
    return "<names>" if isinstance(value, (list, tuple)) else "<quotas>"


class Goal(Record):
    """One goal. A plain text becomes `statement`: it is shown by `check`, and not simulated."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = (TEXT,)

    statement: str | None = Field(default=None, max_length=2000)
    """A goal in words. Nothing can tell whether it was attained, so it is only reported."""
    metric: str | None = None
    """What is counted: bookings (money), deals_won, deals_lost, leads, or an activity of the stages."""
    at_least: Money | None = None
    """The target, in the currency for bookings, else a number."""
    where: Where = Where()
    """The part of the business that counts; all of it, unless written."""
    since: Date | None = None
    """The first day that counts; the horizon's first, unless written."""
    until: Date | None = None
    """The last day that counts; the horizon's last, unless written."""
    every: Literal["month", "quarter"] | None = None
    """The target holds for each month (or quarter) apart; the goal is attained when every one is."""
    all_of: (
        Annotated[
            Annotated[Literal["quotas"], Tag("<quotas>")] | Annotated[tuple[Name, ...], Tag("<names>")],
            Discriminator(_all_of_kind),
        ]
        | None
    ) = None
    """`quotas`: every rep makes their quota. A list of goals: all of them are attained, jointly."""

    @model_validator(mode="before")
    @classmethod
    def _form(cls, value: Any) -> Any:
        return {"statement": value} if isinstance(value, str) else value

    @property
    def measurable(self) -> bool:
        return self.all_of is not None or (self.metric is not None and self.at_least is not None)


# --- stages, products, territories, customers ----------------------------------------------------------------------


class Stage(Record):
    """One stage of a deal, in the plan's order."""

    name: Name
    """The stage's name, used wherever a stage is named."""
    work: TimeDistribution = TimeDistribution(kind="constant", value=Duration(0.0, "h"))
    """The rep's working time that a deal takes in this stage; 0 h means no effort."""
    wait: TimeDistribution = TimeDistribution(kind="constant", value=Duration(0.0, "h"))
    """How long the customer then takes."""
    wait_lost: TimeDistribution | None = None
    """How long a deal that is going to be lost keeps us waiting; as `wait`, unless written."""
    advance: Advance
    """The probability that a deal advances: 0.5, 50%, or {wins: 24, of: 60} where it is known from so many tries."""
    advance_months: MonthEffects | None = None
    """What deals that come to this stage in the same month share in their odds of advancing; nothing, unless written.
    A month is that in which the customer's wait begins."""
    wait_months: MonthEffects | None = None
    """What they share in how long the customer takes."""
    won: bool = False
    """Whether the deal is booked on advancing from this stage. The last stage books where none is marked."""
    stale_after: Time | None = None
    """The age in the stage at which a deal goes stale and is given up; never, unless written."""
    activities: dict[str, Annotated[Number, Field(ge=0, le=1e6)]] = {}
    """Activities counted when the stage's work is done, such as {visits: 2}."""


class Product(Record):
    """One product or service."""

    deal_value: AmountDistribution
    """What one deal is worth."""
    margin: Probability = 1.0
    """What is left of its bookings after the cost of delivering them: 35%. Only `decide.maximise` of `margin` asks."""
    advance: dict[str, Odds] = {}
    """Odds of advancing by stage, against the stage's own: 1.2 is a fifth better."""
    advance_sd: dict[str, Spread] = {}
    """How sure those odds are: standard deviation of their logarithm by stage, drawn once a replication."""
    wait: dict[str, Odds] = {}
    """Its deals' waits by stage, against the stage's own: 1.2 is a fifth longer."""
    wait_sd: dict[str, Spread] = {}
    """How sure those are: standard deviation of their logarithm by stage, drawn once a replication."""


class Segment(Record):
    """One customer segment."""

    share: Weight = 1.0
    """Its share of leads, relative to the other segments'."""
    advance: dict[str, Odds] = {}
    """Odds of advancing by stage, against the stage's own."""
    advance_sd: dict[str, Spread] = {}
    """How sure those odds are: standard deviation of their logarithm by stage, drawn once a replication."""
    value: Number = Field(default=1.0, gt=0, le=1e6)
    """Its deals' values, against the product's."""


_SCORE = AmountDistribution(kind="uniform", low=0.0, high=1.0)


class Customers(Record):
    """Customer classes A to D from money, authority and need (MAN): the class counts the strong scores, A all three."""

    money: AmountDistribution = _SCORE
    """The score of the customer's money, from 0 to 1."""
    authority: AmountDistribution = _SCORE
    """The score of our contact's authority to decide, from 0 to 1."""
    need: AmountDistribution = _SCORE
    """The score of the customer's need, from 0 to 1."""
    strong_from: Probability = 0.5
    """The score from which money, authority or need counts as strong."""
    advance: dict[Literal["A", "B", "C", "D"], Odds] = {}
    """Odds of advancing by class, in every stage up to the won one."""
    priority: bool = True
    """Whether better classes are served first."""


class Economy(Record):
    """An index by month that lead flow and conversion follow, so that cells rise and fall together."""

    sd: Number = Field(default=0.0, ge=0, le=3)
    """Standard deviation of the common index, on the log scale."""
    persistence: Number = Field(default=0.0, ge=0, lt=1)
    """Correlation of one month's index with the next one's."""
    regional_sd: Number = Field(default=0.0, ge=0, le=3)
    """Standard deviation of each top region's own index, on the log scale."""
    index: tuple[Annotated[Number, Field(gt=0, le=100)], ...] = ()
    """A known index by month of the horizon, 1 = normal, that lead flow and conversion follow with the same loadings as
    the shocks, which come on top of it."""
    leads: Number = Field(default=1.0, ge=-10, le=10)
    """How strongly lead flow follows the index."""
    conversion: Number = Field(default=1.0, ge=-10, le=10)
    """How strongly conversion follows the index, on the log-odds scale."""
    draws: Annotated[tuple[tuple[Number, Number, Number], ...], Field(max_length=1000)] = ()
    """Equally likely [sd, persistence, regional_sd], of which a replication takes one: a fitted posterior."""

    @model_validator(mode="after")
    def _check(self) -> Economy:
        for sd, persistence, regional in self.draws:
            if not (0 <= sd <= 3 and 0 <= persistence < 1 and 0 <= regional <= 3):
                raise ValueError("draws of sd (0 to 3), persistence (0 to below 1) and regional_sd (0 to 3)")
        return self


# --- files beside the plan --------------------------------------------------------------------------------------------


class FileReference(Record):
    """A table in a file beside the plan."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = (TEXT,)

    file: Name
    """The file's name, from the plan's folder."""

    @model_validator(mode="before")
    @classmethod
    def _form(cls, value: Any) -> Any:
        return {"file": value} if isinstance(value, str) else value


# --- the plan ------------------------------------------------------------------------------------------------------


def _region_tree(value: Any) -> Any:
    """A tree of regions as nested mappings; an empty place and a list of names may stand for one."""
    problems: list[FormProblem] = []

    def read(node: Any, within: tuple[str | int, ...]) -> dict[str, Any]:
        if node is None:
            return {}
        if isinstance(node, (list, tuple)) and all(isinstance(name, str) for name in node):
            return {name: {} for name in node}
        if isinstance(node, Mapping):
            return {str(name): read(below, (*within, str(name))) for name, below in node.items()}
        problems.append(FormProblem(within, node, "regions inside it, such as {North: {}}, or nothing"))
        return {}

    tree = read(value, ())
    if problems:
        raise FormError(problems)
    return tree


def _empty_is_default(value: Any) -> Any:
    return {name: {} if item is None else item for name, item in value.items()} if isinstance(value, dict) else value


_REGION_SCHEMA = {"type": "object"}  # a tree: `schema` refers to itself there


class Plan(Record):
    """A sales plan: its goals, the way deals go, the people, where leads come from, and what may be decided."""

    attain: Literal[1]
    """The version of this format: 1."""
    name: Name
    """The plan's name."""
    note: str | None = None
    """What the plan is for, in words."""
    currency: str = Field(min_length=1, max_length=8)
    """The currency of all amounts: CNY, EUR, USD."""
    horizon: Horizon
    """The days that the plan covers."""
    calendar: Calendar = Calendar()
    """Which days are worked."""
    goals: dict[Name, Goal] = Field(min_length=1)
    """Goals by name."""
    stages: tuple[Stage, ...] = Field(min_length=1, max_length=50)
    """The stages of a deal, in order."""
    products: dict[Name, Product] = Field(min_length=1)
    """Products by name."""
    regions: Annotated[dict[str, Any], BeforeValidator(_region_tree), WithJsonSchema(_REGION_SCHEMA)] = Field(
        min_length=1
    )
    """Regions by name, nested to any depth: {华北: {北京: {}, 河北: {石家庄: {}}}}."""
    segments: Annotated[dict[Name, Segment], BeforeValidator(_empty_is_default)] = {}
    """Customer segments by name."""
    customers: Customers | None = None
    """Customer classes A to D; none, unless written."""
    reps: tuple[Rep, ...] = Field(min_length=1, max_length=10_000)
    """The people who move deals."""
    sources: dict[Name, Source] = {}
    """Sources of leads by name."""
    routing: Routing = Routing()
    """Which rep gets a lead."""
    economy: Economy | None = None
    """Shared ups and downs; none, unless written."""
    phasing: tuple[Weight, ...] = ()
    """Weights by month of the horizon, for quotas; working hours, unless written."""
    accounts: FileReference | None = None
    """Known customers."""
    pipeline: FileReference | None = None
    """Deals open on the first day."""
    actuals: FileReference | None = None
    """What has been booked by as_of."""
    rules: tuple[Any, ...] = ()
    """Not supported in this version: only an empty list is accepted."""
    decide: Decide | None = None
    """What the optimiser may move."""


class LoadedPlan(Record):
    """A plan, the files beside it, and where it came from."""

    plan: Plan
    files: PlanFiles = PlanFiles()
    path: str = ""
    text: str = ""  # the file as written, with any changes made on the command line: stored in runs, and hashed
