"""What a run is summed up to: frozen records, with every number's error beside it.

Made by ``attain.summary`` from `Results`; read by the screen, the page and ``document`` (JSON). Money is in major units
here, probabilities are fractions, intervals are 95% and of the sampling alone unless they say otherwise. Texts are
`Sentence`s, said in a language when they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from attain.inputs import Input
from attain.wording import Sentence
from engine.statistics import Estimate, Interval

Unit = Literal["money", "count", "parts"]
State = Literal["saturated", "idle", ""]


@dataclass(frozen=True)
class Spread:
    """How a number varies over paths: mean (Student), quantiles (order statistics); ends infinite where n is small."""

    mean: Estimate
    p10: Estimate
    p20: Estimate
    p50: Estimate
    p80: Estimate
    p90: Estimate


@dataclass(frozen=True)
class Shortfall:
    """How much is missing on the paths that miss."""

    paths: int
    mean: float
    p90: float


@dataclass(frozen=True)
class InputEffect:
    """What one drawn input does to the chance: `chance_low` where it is at its 10% point `low`, and so at the 90% one.

    The other inputs vary as they do. `low` and `high` are in the input's unit: a probability, or an economy factor.
    """

    name: str
    low: float
    high: float
    chance_low: float
    chance_high: float


@dataclass(frozen=True)
class LegSummary:
    """One month, quarter or rep of a goal made of several."""

    label: str
    target: float
    probability: Estimate
    mean: float


@dataclass(frozen=True)
class Support:
    """The target that is reached with this confidence, and how far it is below the goal's own (0 where it is not)."""

    confidence: float
    target: Estimate
    gap: float


@dataclass(frozen=True)
class GoalSummary:
    """One goal. `target` and values are money in major units, counts, or for goals of parts the number attained."""

    name: str
    sentence: Sentence
    metric: str
    unit: Unit
    target: float
    probability: Estimate  # Wilson
    input_range: (
        Interval | None
    )  # 10% to 90% of the conditional probability over the inputs; None: nothing uncertain, or too little seen
    input_effects: tuple[InputEffect, ...]  # the strongest first
    values: Spread
    shortfall: Shortfall | None  # None where no path misses
    legs: tuple[LegSummary, ...]
    weakest: LegSummary | None  # the leg that fails most
    supports: tuple[Support, ...]  # at 50, 80, 90, 95%; empty for goals of parts


@dataclass(frozen=True)
class RepSummary:
    """One rep. `queue_days`: mean working days a deal waits for the desk; with utilisation, None without any effort."""

    name: str
    leads: float
    deals_won: Estimate
    bookings: Spread
    quota: float | None
    probability: Estimate | None
    utilisation: Estimate | None
    queue_days: float | None
    open_at_end: float
    state: State


@dataclass(frozen=True)
class PartSummary:
    """One region, product or segment. A region holds all inside it; `depth` is its level in the tree."""

    name: str
    depth: int
    leads: float
    deals_won: Estimate
    bookings: Spread
    share: float  # of all bookings
    target: float | None
    probability: Estimate | None


@dataclass(frozen=True)
class MonthSummary:
    """One month of the horizon, beside what the main goal's phasing asks; None where it covers part of the business."""

    label: str
    past: bool
    deals_won: Estimate
    bookings: Spread
    cumulative: Spread
    planned: float | None
    planned_cumulative: float | None
    on_plan: Estimate | None  # probability that the cumulative bookings are at least as planned


@dataclass(frozen=True)
class StageFlow:
    """Mean passages through a stage in a replication."""

    name: str
    entered: float
    advanced: float
    lost: float
    stale: float


@dataclass(frozen=True)
class Driver:
    """Something that differs between the paths that hit and those that miss.

    `contribution`: its part of the gap, in the gap's unit; None where it has none of its own. `clear`: beyond noise at
    1%, all candidates counted (Bonferroni).
    """

    name: str
    hit: float
    missed: float
    standardised: float  # difference of the means over the pooled standard deviation
    contribution: float | None
    share: float | None
    clear: bool


@dataclass(frozen=True)
class Cut:
    """One way to cut the gap into parts that add up to it."""

    name: str  # process, inputs, rep, product, region, segment, month
    drivers: tuple[Driver, ...]  # the largest contribution first


@dataclass(frozen=True)
class Distinction:
    """What distinguishes the paths that miss the main goal from those that hit it.

    `gap` is the mean over the hits minus the mean over the misses, of the goal's own value, or of all bookings where
    the goal has no single sum.
    """

    goal: str
    hits: int
    misses: int
    unit: Unit
    hit_mean: float
    missed_mean: float
    gap: float
    cuts: tuple[Cut, ...]
    others: tuple[Driver, ...]  # candidates without a part of the gap
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True)
class Lever:
    """A change that takes a goal to a confidence: filled in by the back-calculation, shown in the verdict.

    `kind`: prospects, hours, target, or what else was moved; `change` is absolute, in `unit`; `probability` where it
    was simulated.
    """

    confidence: float
    kind: str
    change: float
    unit: str
    sentence: Sentence
    probability: Estimate | None = None


@dataclass(frozen=True)
class Caution:
    """What a reader must know before trusting the numbers."""

    key: str
    sentence: Sentence


@dataclass(frozen=True)
class Verdict:
    """The answer in sentences: what comes first on every screen and page."""

    headline: Sentence  # the probability, in words and number
    everyone: Sentence | None
    reasons: tuple[Sentence, ...]  # likeliest reason for missing first
    errors: tuple[Sentence, ...]  # the two errors, in plain language


@dataclass(frozen=True)
class Summary:
    """A run, summed up."""

    plan: str
    currency: str
    horizon: tuple[str, str]
    seed: int
    phase: int
    replications: int
    asked: int
    engine: str
    seconds: float
    compile_seconds: float
    digest: str
    moves: int
    main: str | None  # the goal that the verdict is about
    goals: tuple[GoalSummary, ...]
    statements: tuple[tuple[str, str], ...]  # goals in words, which nothing can measure: name, statement
    everyone: Estimate | None  # that every rep with a quota makes it; None for fewer than two
    reps: tuple[RepSummary, ...]
    products: tuple[PartSummary, ...]
    regions: tuple[PartSummary, ...]
    segments: tuple[PartSummary, ...]
    months: tuple[MonthSummary, ...]
    stages: tuple[StageFlow, ...]
    distinction: Distinction | None
    verdict: Verdict | None
    warnings: tuple[Caution, ...]
    inputs: tuple[Input, ...]
    drawn: tuple[str, ...]  # names of the inputs drawn in every replication
    levers: tuple[Lever, ...] = ()

    def goal(self, name: str) -> GoalSummary:
        """The goal of a name. KeyError where there is none."""
        for goal in self.goals:
            if goal.name == name:
                return goal
        raise KeyError(name)
