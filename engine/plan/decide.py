"""What the optimiser may move, and its limits: the plan's ``decide`` section as records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from engine.plan.people import Hire
from engine.plan.records import Count, Money, Name, Names, Number, Probability, Record, Share, Weight

# ruff: noqa: RUF012  (pydantic copies mutable defaults)


def _split_kind(value: Any) -> str:
    return "<split>" if isinstance(value, dict) else "<amount>"


_ByProduct = Annotated[
    Annotated[Money, Tag("<amount>")] | Annotated[dict[str, Money], Tag("<split>")], Discriminator(_split_kind)
]
# source -> amount, or region -> amount, or region -> product -> amount
_ByRegion = Annotated[
    Annotated[Money, Tag("<amount>")] | Annotated[dict[str, _ByProduct], Tag("<split>")], Discriminator(_split_kind)
]


class AtLeast(Record):
    """At least so many of these goals attained."""

    at_least: Annotated[Count, Field(ge=1)]
    """How many of the goals."""
    of: Annotated[tuple[Name, ...], Field(min_length=1)]
    """The goals, each once."""


class Weighted(Record):
    """The sum of the goals' probabilities, by weight."""

    weighted: Annotated[dict[str, Weight], Field(min_length=1)]
    """What each goal counts: weights are relative to each other."""


class Mean(Record):
    """The expected sum of something over the horizon, with goals attained at least as often as is required."""

    mean: Literal["bookings", "margin", "deals_won", "leads"]
    """What is expected the most of. `margin` is each product's `margin` of its bookings, less the budget and the hires'
    cost."""
    with_: Annotated[dict[str, Probability], Field(alias="with", min_length=1)]
    """The probability that each goal is to have at least: {company: 80%, north: 60%}."""


ALL_GOALS = "all"  # as a wish, unless a goal is named so


def _wish_kind(value: Any) -> str:
    if isinstance(value, Mean) or (isinstance(value, dict) and "mean" in value):
        return "<mean>"
    if isinstance(value, AtLeast) or (isinstance(value, dict) and "weighted" not in value):
        return "<at_least>"
    return "<weighted>" if isinstance(value, (dict, Weighted)) else "<goal>"


_Wish = Annotated[
    Annotated[Name, Tag("<goal>")]
    | Annotated[AtLeast, Tag("<at_least>")]
    | Annotated[Weighted, Tag("<weighted>")]
    | Annotated[Mean, Tag("<mean>")],
    Discriminator(_wish_kind),
]


def _minimum_kind(value: Any) -> str:
    return "<by source>" if isinstance(value, dict) else "<amount>"


_Minimum = Annotated[
    Annotated[Money, Tag("<amount>")] | Annotated[dict[str, _ByRegion], Tag("<by source>")],
    Discriminator(_minimum_kind),
]
PARTS = " / "  # between source, region and product in the name of a budget line


class EitherLines(Record):
    """Lines of the budget of which only some may be spent on, or some must be."""

    of: Annotated[tuple[Name, ...], Field(min_length=1)]
    """The lines, as `events / North / ERP`. A shorter name stands for all the lines in it; each of them counts."""
    at_most: Count | None = None
    """How many of them may be spent on; all, unless written."""
    at_least: Count = 0
    """How many of them must be spent on, with their `minimum` at least."""


class DecideBudget(Record):
    """Budget over sources, regions and products."""

    total: Money | None = None
    """What may be spent; the sum of the plan's own budgets, unless written."""
    step: Annotated[Money, Field(gt=0)] | None = None
    """Amounts come in multiples of this."""
    change_at_most: Share | None = None
    """How far a cell may move from its reference, relative to it (to the mean cell's where the reference is 0)."""
    floors: dict[str, _ByRegion] = {}
    """The least that a source gets: an amount, or by region, or by region and product."""
    caps: dict[str, _ByRegion] = {}
    """The most that a source gets, written likewise."""
    minimum: _Minimum = {}
    """The least that a line gets if it gets anything: one amount for every line, or written as `floors`, where an
    amount holds for each line that it covers."""
    months: bool = False
    """Whether each line's months may differ from their profile: amounts then move between months, too, and limits hold
    for each month by its part of the line. Every line must be split by region."""
    either: dict[str, EitherLines] = {}
    """Sets of lines, each with a name of its own, of which only some may be spent on, or some must be."""


class DecideHeadcount(Record):
    """New reps over regions: how many of them each one gets."""

    total: Annotated[Count, Field(ge=1, le=1000)]
    """How many are hired in all."""
    at_least: Annotated[Count, Field(ge=0)] | None = None
    """The fewest in all, where fewer may do; as many as `total`, unless written."""
    regions: Names = ()
    """The regions that may get some; the lowest ones in which a new rep would get deals, unless written."""
    floors: dict[str, Count] = {}
    """The fewest of them that a region gets."""
    caps: dict[str, Count] = {}
    """The most of them that a region gets."""
    rep: Hire = Hire()
    """What each of them is like."""


class Fairness(Record):
    """How alike the odds of making quota are to be."""

    band: Probability
    """How far apart the odds of any two reps may be: 10%. Quotas then stay as near to the reference as that allows."""


class DecideQuotas(Record):
    """Quotas over reps, products and regions."""

    over_assignment: tuple[
        Annotated[Number, Field(ge=0, le=100)],
        Annotated[Number, Field(ge=0, le=100)],
    ] = (1.0, 1.0)
    """The least and the most that the sum of quotas may be, as a multiple of the goal."""
    odds: Probability | None = None
    """The odds of making quota that each rep is to have: the sum of quotas is chosen in its range to come nearest to
    them. The least sum, with the best odds, unless written."""
    fairness: Fairness | None = None
    """How far odds may lie apart; they are made as even as can be, unless written."""
    change_at_most: Share | None = None
    """How far a quota may move from its reference, relative to it."""


class DecideShares(Record):
    """Shares of leads over reps."""

    change_at_most: Share = 0.2
    """How far a rep's share of a cell's leads may move."""


class DecideHours(Record):
    """Reps' prospecting hours over products and regions."""

    change_at_most: Share = 0.2
    """How far a rep's share of prospecting hours in a region and product may move."""


class DecideFocus(Record):
    """Reps' hours for deals over products or regions, by `focus`; `true` for all that is not written."""

    short_forms: ClassVar[tuple[dict[str, Any], ...]] = ({"const": True},)

    by: Literal["product", "region", "cell"] = "product"
    """What the hours of a rep without a focus are shared over: products, regions, or both. Their idle hours are then
    lent. A rep with a focus keeps its parts, and what becomes of their idle hours."""
    change_at_most: Share | None = None
    """How far a share of a rep's hours may move, relative to it; without a focus, to what the deals ask for. Anywhere,
    unless written."""
    prospecting: bool = False
    """Whether hours may move between deals and prospecting, where a rep prospects. Shares are then of all hours."""
    prospecting_at_most: Share = 1.0
    """The most of a rep's hours that prospecting may take, where it may move."""

    @model_validator(mode="before")
    @classmethod
    def _form(cls, value: Any) -> Any:
        return {} if value is True else value


class Territory(Record):
    """How alike the expected work of comparable reps is to be, for the hours that each has."""

    within: Annotated[Share, Field(gt=0, le=1)]
    """How far each rep's work may be from the mean of the comparable ones, relative to it: 20%."""
    of: Literal["hours", "bookings", "leads"] = "hours"
    """What is counted: hours of work asked for, expected bookings (the territory's potential), or leads."""
    among: Literal["products", "region", "everyone"] = "products"
    """Who is comparable: reps who sell the same products; who have the same regions, too; or all of them."""


class Decide(Record):
    """What the optimiser may move, and its limits."""

    maximise: _Wish | None = None
    """Whose probability is maximised: a goal; `all` goals jointly, quotas apart, as where nothing is written;
    `{at_least: 2, of: [a, b, c]}`; or `{weighted: {a: 2, b: 1}}`. Or the expected sum of something at required
    probabilities: `{mean: bookings, with: {company: 80%}}`."""
    reference: Name | None = None
    """A table beside the plan with last year's split, for proportions and change limits; else the plan's own split."""
    budget: DecideBudget | None = None
    """Whether and how budget may move."""
    headcount: DecideHeadcount | None = None
    """How many reps are hired, and over which regions they go."""
    quotas: DecideQuotas | None = None
    """Whether and how quotas may move."""
    shares: DecideShares | None = None
    """Whether and how far shares of leads over reps may move."""
    hours: DecideHours | None = None
    """Whether and how far prospecting hours may move."""
    territory: Territory | None = None
    """How alike comparable reps' work is to be, whatever moves: budget, shares of leads or prospecting hours."""
    focus: DecideFocus | None = None
    """Whether and how far reps' hours may move over what they sell."""

    @model_validator(mode="before")
    @classmethod
    def _no_focus(cls, value: Any) -> Any:
        """`focus: false` is none."""
        return {**value, "focus": None} if isinstance(value, dict) and value.get("focus") is False else value


def lines_called(name: str, lines: Sequence[tuple[str, str, str]]) -> list[int]:
    """Which budget lines (source, region, product) a name stands for: `events`, or `events / North / ERP`."""
    wanted = tuple(part.strip() for part in name.split(PARTS.strip()))
    known = [tuple(part for part in line if part) for line in lines]
    whole = [i for i, line in enumerate(known) if PARTS.join(line) == name]  # names may hold what parts them
    return whole or [i for i, line in enumerate(known) if line[: len(wanted)] == wanted]


def wished_goals(decide: Decide) -> Iterator[tuple[str, str]]:
    """The goals that `maximise` names, each with its path in the plan."""
    wish = decide.maximise
    if isinstance(wish, AtLeast):
        yield from ((f"decide.maximise.of.{i + 1}", name) for i, name in enumerate(wish.of))
    elif isinstance(wish, Weighted):
        yield from ((f"decide.maximise.weighted.{name}", name) for name in wish.weighted)
    elif isinstance(wish, Mean):
        yield from ((f"decide.maximise.with.{name}", name) for name in wish.with_)
    elif wish is not None:
        yield "decide.maximise", wish
