"""What a back-calculation says: frozen records, money in major units, probabilities as fractions, intervals of 95%."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from attain.summary.records import Lever
from attain.wording import Language, Sentence
from engine.statistics import Estimate

Unit = Literal["money", "count", "parts"]
AnswerStatus = Literal["reached", "never", "always", "no_effect"]


@dataclass(frozen=True)
class Need:
    """Deals entering one stage with one rep in one month, on the mean path that reaches the target.

    Counted is what can still be in time: a deal whose stages take it beyond the goal's date half the time counts half.
    `in_hand` comes of the deals open now; `missing` is still to be found; `planned` is what the plan's leads bring.
    """

    stage: str
    rep: str
    month: str
    needed: float
    in_hand: float
    missing: float
    planned: float


@dataclass(frozen=True)
class Win:
    """Deals (or whatever the goal counts) that come in with one rep in one month, and their amount."""

    rep: str
    month: str
    needed: float
    in_hand: float
    missing: float
    planned: float
    amount: float  # of `needed`, in the goal's unit


@dataclass(frozen=True)
class StageNeed:
    """One stage, over all reps and months. `to_won`: the plan's own conversion from here to won."""

    stage: str
    needed: float
    in_hand: float
    missing: float
    planned: float
    to_won: float
    in_time: float | None  # of what enters here, the share that is in time; None where nothing enters


@dataclass(frozen=True)
class ActivityNeed:
    """Activities (visits, bids, signings) that the needed deals take."""

    activity: str
    rep: str
    month: str
    needed: float


@dataclass(frozen=True)
class HoursNeed:
    """A rep's working hours for deals: what the needed deals take on average, and what there is till the end."""

    rep: str
    needed: float
    there: float


@dataclass(frozen=True)
class InHand:
    """Open deals of one stage and rep. `odds`: mean probability to be won in time; `expected`: odds x worth."""

    stage: str
    rep: str
    deals: int
    value: float  # of those whose value is known
    age_days: float  # mean working days in the stage
    odds: float
    expected: float


@dataclass(frozen=True)
class Needs:
    """The back-calculation itself."""

    target: float
    booked: float  # what has counted already
    in_hand_expected: float  # what the open deals bring in time, on average
    planned_expected: float  # what the plan's leads bring in time, on average, by its own conversions
    per_win: float  # mean worth of a win
    scale: float | None  # times the plan's leads that the mean path needs; None where leads bring nothing in time
    leads: float  # leads that the plan expects
    stages: tuple[StageNeed, ...]
    wins: tuple[Win, ...]
    rows: tuple[Need, ...]
    activities: tuple[ActivityNeed, ...]
    hours: tuple[HoursNeed, ...]
    in_hand: tuple[InHand, ...]


@dataclass(frozen=True)
class Odds:
    """The plan simulated with exactly the leads that the back-calculation asks for."""

    probability: Estimate | None  # None where it asks for more than is simulated, or for what cannot be
    scale: float | None
    leads: float | None
    mean: Estimate | None  # of the goal's value there; None for goals of parts


@dataclass(frozen=True)
class Answer:
    """What a level takes of one thing. `amount` is scale x `now`; both None unless `reached`.

    `never`: not within `reach.MOST` times of today, where the highest probability met is `best`; `always`: already with
    `reach.LEAST` times of today; `no_effect`: it moves nothing in this plan.
    """

    status: AnswerStatus
    now: float
    scale: Estimate | None = None
    amount: Estimate | None = None
    best: Estimate | None = None
    best_at: float | None = None


@dataclass(frozen=True)
class Takes:
    """What one level of probability takes, in prospects or in hours, or as the target that the plan supports at it."""

    probability: float
    prospects: Answer
    hours: Answer
    target: Estimate | None  # None for goals of parts


@dataclass(frozen=True)
class Funnel:
    """`attain funnel`: what the target needs, what is in hand, the odds of following the averages, what it takes."""

    plan: str
    currency: str
    goal: str
    sentence: Sentence
    metric: str
    unit: Unit
    seed: int
    engine: str
    replications: int  # for the odds and the supported targets
    searched: int  # at each scale that was tried
    watched: int  # for the passage through the stages
    simulated: int  # replications in all
    seconds: float
    months: tuple[str, ...]
    reps: tuple[str, ...]
    stands: Estimate  # the probability of the plan as it stands
    needs: Needs
    odds: Odds
    takes: tuple[Takes, ...]
    levers: tuple[Lever, ...]

    def as_json(self, language: Language = "en") -> dict[str, Any]:
        """The document that ``attain funnel --json`` prints."""
        from attain.funnel.document import as_json  # it reads these records

        return as_json(self, language)
