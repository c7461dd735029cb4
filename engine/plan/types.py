"""The plan as typed, frozen records: what a plan file may say, and nothing more.

``load`` reads YAML into these records; ``world`` turns them into the flat arrays that both engines run on. Field
names are the plan file's own. Amounts are in the currency's major units, shares are fractions, durations keep
their unit until the calendar is known. Facts that need the whole plan (a region that nobody serves, a stage named
but absent) are checked in ``consistency``, so that every problem is reported at once.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from engine.plan.quantities import Duration, read_duration, read_money, read_share

Money = Annotated[float, BeforeValidator(read_money)]
Share = Annotated[float, BeforeValidator(read_share)]
Time = Annotated[Duration, BeforeValidator(read_duration)]
Probability = Annotated[float, BeforeValidator(read_share), Field(ge=0.0, le=1.0)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Record(BaseModel):
    """Every record of the plan: frozen, no unknown fields, no NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)


# --- distributions -------------------------------------------------------------------------------------------------
# One generic record for times and one for amounts would differ only in how a number is read; `Distribution` keeps
# the kind and its numbers as written, in one of two number types.


class TimeDistribution(Record):
    """A distribution of a duration. Exactly one kind; parameters are Durations except sigma, cv and shape."""

    kind: Literal["constant", "exponential", "lognormal", "triangular", "uniform", "weibull", "empirical", "quantiles"]
    value: Duration | None = None  # constant
    mean: Duration | None = None  # exponential; lognormal with cv
    median: Duration | None = None  # lognormal with p90 or sigma; weibull with shape
    p90: Duration | None = None
    sigma: float | None = None
    cv: float | None = None
    shape: float | None = None
    low: Duration | None = None
    mode: Duration | None = None
    high: Duration | None = None
    values: tuple[Duration, ...] = ()  # empirical
    quantiles: tuple[tuple[float, Duration], ...] = ()  # (probability, duration), from 0 to 1, linear between
    file: str | None = None  # empirical: a CSV beside the plan, `column`, in `unit`
    column: str | None = None
    unit: str = "d"


class AmountDistribution(Record):
    """A distribution of an amount of money, in major units. Exactly one kind."""

    kind: Literal["constant", "exponential", "lognormal", "triangular", "uniform", "weibull", "empirical", "quantiles"]
    value: float | None = None
    mean: float | None = None
    median: float | None = None
    p90: float | None = None
    sigma: float | None = None
    cv: float | None = None
    shape: float | None = None
    low: float | None = None
    mode: float | None = None
    high: float | None = None
    values: tuple[float, ...] = ()
    quantiles: tuple[tuple[float, float], ...] = ()
    file: str | None = None
    column: str | None = None


# --- horizon, calendar, goals --------------------------------------------------------------------------------------


class Horizon(Record):
    start: dt.date
    end: dt.date  # its whole day included
    as_of: dt.date | None = None  # the last day that has happened; the simulation begins at its end


class Calendar(Record):
    country: str | None = None  # ISO 3166 code, as `holidays` knows it
    subdivision: str | None = None
    makeup_workdays: bool = True  # 调休: weekend days worked in exchange for a longer holiday
    weekend: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ("sat", "sun")
    hours_per_day: float = Field(8.0, gt=0, le=24)
    days: int | None = Field(None, ge=1, le=20_000)  # a plain calendar: so many equal days, months of equal length
    holidays: tuple[dt.date, ...] = ()  # further days off
    workdays: tuple[dt.date, ...] = ()  # further working days


class Where(Record):
    product: tuple[str, ...] = ()  # empty: all
    region: tuple[str, ...] = ()  # a region stands for all inside it
    rep: tuple[str, ...] = ()
    segment: tuple[str, ...] = ()
    source: tuple[str, ...] = ()


class Goal(Record):
    """One goal. A plain text in the file becomes `statement`: it is shown by `check`, and not simulated."""

    statement: str | None = None
    metric: str | None = None  # bookings, deals_won, deals_lost, leads, or a counted activity's name
    at_least: Money | None = None
    where: Where = Where()
    since: dt.date | None = None
    until: dt.date | None = None
    every: Literal["month", "quarter"] | None = None
    all_of: Literal["quotas"] | tuple[str, ...] | None = None

    @property
    def measurable(self) -> bool:
        return self.all_of is not None or (self.metric is not None and self.at_least is not None)


# --- stages, products, territories, customers ----------------------------------------------------------------------


class Uncertain(Record):
    """A probability known from `wins` in `of` tries; its Jeffreys posterior is drawn once a replication."""

    wins: float = Field(ge=0)
    of: float = Field(gt=0)


class Stage(Record):
    name: Name
    work: TimeDistribution
    wait: TimeDistribution
    wait_lost: TimeDistribution | None = None  # how long a deal that is going to be lost keeps us waiting
    advance: Probability | Uncertain
    won: bool = False
    stale_after: Time | None = None  # age in the stage at which a deal goes stale
    activities: dict[str, float] = {}  # counted when the stage's work is done: {visits: 2}


class Product(Record):
    deal_value: AmountDistribution
    advance: dict[str, float] = {}  # stage -> odds multiplier


class Segment(Record):
    share: float = Field(1.0, ge=0)  # relative share of leads
    advance: dict[str, float] = {}
    value: float = Field(1.0, gt=0)  # multiplier of deal values


class Customers(Record):
    """Classes A to D from money, authority and need: each score in 0..1; the class counts the strong ones."""

    money: AmountDistribution
    authority: AmountDistribution
    need: AmountDistribution
    strong_from: float = 0.5
    advance: dict[Literal["A", "B", "C", "D"], float] = {}  # class -> odds multiplier, every stage before won
    priority: bool = True  # better classes are served first


class Economy(Record):
    sd: float = Field(0.0, ge=0, le=3)
    persistence: float = Field(0.0, ge=0, lt=1)
    regional_sd: float = Field(0.0, ge=0, le=3)
    index: tuple[float, ...] = ()  # a known index by month of the horizon, 1 = normal
    leads: float = 1.0  # loading of lead flow
    conversion: float = 1.0  # loading of conversion (log odds)


# --- people --------------------------------------------------------------------------------------------------------


class Prospecting(Record):
    hours_per_week: float = Field(ge=0, le=168)
    prospects_per_hour: float = Field(ge=0)
    enters: str | None = None  # the stage at which they enter; the first, unless named
    mix: dict[str, dict[str, float]] | None = None  # region -> product -> weight; else evenly over the rep's own


class Quota(Record):
    year: Money | None = None
    months: tuple[Money, ...] = ()  # the first months' quotas; missing months share the rest by the phasing


class Rep(Record):
    name: Name
    region: tuple[str, ...] = ()  # empty: everywhere
    products: tuple[str, ...] = ()  # empty: all
    segments: tuple[str, ...] = ()
    hours_per_week: float = Field(40.0, ge=0, le=168)
    prospecting: Prospecting | None = None
    advance: dict[str, float] = {}
    quota: Quota | None = None
    focus: dict[str, float] = {}  # product -> share of deal hours kept for it; else one queue for all


# --- demand --------------------------------------------------------------------------------------------------------


class Hill(Record):
    most_leads_per_month: float = Field(ge=0)
    half_at: Money  # spend a month
    shape: float = Field(1.0, gt=0, le=20)


class Linear(Record):
    cost_per_lead: Money
    most_leads_per_month: float | None = Field(None, ge=0)


class Response(Record):
    hill: Hill | None = None
    linear: Linear | None = None
    assumed: bool = False  # a guess: results that lean on it say so


class RoutingShare(Record):
    """Shares over reps, everywhere alike (`reps`) or by region and product (`cells`)."""

    reps: dict[str, float] = {}
    cells: dict[str, dict[str, dict[str, float]]] = {}


class Routing(Record):
    rule: Literal["least_loaded", "round_robin", "share"] = "least_loaded"
    share: RoutingShare = RoutingShare()


# an amount for the horizon, or one a month
Spend = Money | tuple[Money, ...]


class Source(Record):
    leads_per_month: float | None = Field(None, ge=0)
    leads_per_day: float | None = Field(None, ge=0)
    season: tuple[float, ...] = ()  # 12 weights, January first; their mean is one month's normal
    prospects: int | None = Field(None, ge=0, le=10_000_000)  # exactly so many
    spread: Literal["year", "even", "start"] = "year"  # over the horizon at random; evenly; all on the first instant
    budget: dict[str, Spend | dict[str, Spend]] | Money | None = None  # region -> spend, or region -> product -> spend
    response: Response | None = None
    mix: dict[str, dict[str, float]] | None = None  # region -> product -> weight; else evenly over all
    enters: str | None = None
    routing: Routing | None = None
    from_accounts: Share = 0.0  # share of its leads that come from known accounts
    advance: dict[str, float] = {}
    economy: float = 1.0  # loading of this source's flow, times the plan's


class FileReference(Record):
    file: str


# --- decisions -----------------------------------------------------------------------------------------------------


class DecideBudget(Record):
    total: Money | None = None  # else the plan's own sum
    step: Money | None = None
    change_at_most: Share | None = None
    floors: dict[str, Money | dict[str, Money | dict[str, Money]]] = {}  # source -> (region -> (product ->)) amount
    caps: dict[str, Money | dict[str, Money | dict[str, Money]]] = {}


class DecideQuotas(Record):
    over_assignment: tuple[float, float] = (1.0, 1.0)
    change_at_most: Share | None = None


class DecideShares(Record):
    change_at_most: Share = 0.2  # of a rep's share of a cell's leads


class DecideHours(Record):
    change_at_most: Share = 0.2  # of a rep's prospecting hours in a region and product


class Decide(Record):
    maximise: str | None = None  # a goal; else all goals jointly, quotas apart
    reference: str | None = None
    budget: DecideBudget | None = None
    quotas: DecideQuotas | None = None
    shares: DecideShares | None = None
    hours: DecideHours | None = None


class Plan(Record):
    attain: Literal[1]
    name: Name
    note: str | None = None
    currency: str = Field(min_length=1, max_length=8)
    horizon: Horizon
    calendar: Calendar = Calendar()
    goals: dict[str, Goal]
    stages: tuple[Stage, ...]
    products: dict[str, Product]
    regions: dict[str, Any]  # nested: {name: {name: {...}}}
    segments: dict[str, Segment] = {}
    customers: Customers | None = None
    reps: tuple[Rep, ...]
    sources: dict[str, Source] = {}
    routing: Routing = Routing()
    economy: Economy | None = None
    phasing: tuple[float, ...] = ()  # weights by month of the horizon, for quotas; else working hours
    accounts: FileReference | None = None
    pipeline: FileReference | None = None
    actuals: FileReference | None = None  # what has been booked by as_of
    rules: tuple[Any, ...] = ()
    decide: Decide | None = None


# --- the files a plan refers to, read ------------------------------------------------------------------------------


class Account(Record):
    account: Name
    owner: str | None = None
    region: str | None = None
    segment: str | None = None
    money: float | None = None
    authority: float | None = None
    need: float | None = None


class OpenDeal(Record):
    deal: Name
    stage: str
    age: Duration = Duration(0.0, "d")  # in the stage
    owner: str | None = None
    product: str | None = None
    region: str | None = None
    segment: str | None = None
    source: str | None = None
    account: str | None = None
    value: float | None = None
    money: float | None = None
    authority: float | None = None
    need: float | None = None


class Actual(Record):
    """Booked between the horizon's start and as_of."""

    date: dt.date
    rep: str
    product: str
    region: str
    segment: str | None = None
    bookings: float
    deals_won: float = 1.0


class PlanFiles(Record):
    """What the files named in a plan hold, in file order."""

    accounts: tuple[Account, ...] = ()
    pipeline: tuple[OpenDeal, ...] = ()
    actuals: tuple[Actual, ...] = ()
    columns: dict[str, tuple[float, ...]] = {}  # "file:column" -> values, for empirical distributions
    reference: tuple[dict[str, Any], ...] = ()  # rows of decide.reference: source, region, product, budget


class LoadedPlan(Record):
    """A plan, the files beside it, and where it came from."""

    plan: Plan
    files: PlanFiles = PlanFiles()
    path: str = ""
    text: str = ""  # the file as written: stored in runs, and hashed
