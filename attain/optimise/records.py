"""What an optimisation found, in the words of the command line and of the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from attain.optimise.quota_records import Phasing, QuotaParts, QuotaRow, QuotaTotals
from solvers.ascent import Climbed

Status = Literal["improved", "no_gain", "not_held", "no_lever", "infeasible", "interrupted"]
Met = Literal["held", "unclear", "missed"]


@dataclass(frozen=True)
class Wish:
    """What is maximised: kind goal, all, at_least, weighted or mean; the goals as they are shown; how many of them.

    `metric`: what a mean is of.
    """

    kind: str = "all"
    goals: tuple[str, ...] = ()
    needed: int = 0
    metric: str = ""

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "kind": self.kind,
            "goals": list(self.goals),
            "at_least": self.needed or None,
            "metric": self.metric or None,
        }


@dataclass(frozen=True)
class Odds:
    """A probability on fresh paths, with its 95% interval."""

    probability: float
    interval: tuple[float, float]

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"probability": self.probability, "interval": list(self.interval)}


@dataclass(frozen=True)
class Gain:
    """The paired difference after - before, in points."""

    points: float
    interval: tuple[float, float]

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"points": self.points, "interval": list(self.interval)}


@dataclass(frozen=True)
class Amount:
    """A mean on fresh paths, or a difference of means on the same paths, with its 95% interval."""

    value: float
    interval: tuple[float, float]

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"value": self.value, "interval": list(self.interval)}


@dataclass(frozen=True)
class MeanGain:
    """What is expected of a metric before and after, in major units of money or a count.

    `reference`: of last year's proportions, or of the plan's within limits that it breaks itself, where those differ.
    """

    metric: str
    before: Amount
    after: Amount
    gain: Amount
    reference: Amount | None = None
    over_reference: Amount | None = None

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "metric": self.metric,
            "before": self.before.as_json(),
            "after": self.after.as_json(),
            "gain": self.gain.as_json(),
            "reference": None if self.reference is None else self.reference.as_json(),
            "over_reference": None if self.over_reference is None else self.over_reference.as_json(),
        }


@dataclass(frozen=True)
class Kept:
    """A goal's required probability, and its probability before and after on fresh paths.

    `met`: held where it is beyond the error, or was so on the paths of the choice and is not below it here; missed
    where all of its interval is less; unclear between.
    """

    goal: str
    required: float
    before: Odds
    after: Odds
    met: Met

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "goal": self.goal,
            "required": self.required,
            "before": self.before.as_json(),
            "after": self.after.as_json(),
            "met": self.met,
        }


@dataclass(frozen=True)
class AllocationRow:
    """One cell of an allocation: what it was last year, is in the plan, and would be."""

    kind: str  # budget, shares, hours
    source: str  # or the rep
    region: str
    product: str
    reference: float
    plan: float
    new: float
    limit: str  # that binds: floor, cap, change_at_most, not_negative, total; held where it cannot move; none
    marginal: float | None = None  # points of probability, or of a mean that is maximised, for one unit more
    months: tuple[str, ...] = ()  # where the months' amounts could move, too, with what each was and is
    plan_by_month: tuple[float, ...] = ()
    new_by_month: tuple[float, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class BalanceRow:
    """One rep's expected work, and how far it is from the mean of comparable reps for the hours there are.

    `group` numbers those who are comparable; `limit` is above or below where the band's limit is reached.
    """

    rep: str
    group: int
    hours: float  # there are for deals
    work: float  # in hours, bookings (major units) or leads
    deviation: float
    work_before: float | None
    deviation_before: float | None
    limit: str

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class Balanced:
    """Territories in balance: the band asked for, every rep, and by how much the worst one is outside it."""

    within: float
    of: str
    among: str
    rows: tuple[BalanceRow, ...]
    largest_before: float
    largest: float
    violation: float

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {**self.__dict__, "rows": [row.as_json() for row in self.rows]}


@dataclass(frozen=True)
class GoalGain:
    """One goal before and after, on the same fresh paths."""

    goal: str
    before: Odds
    after: Odds
    gain: Gain

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "goal": self.goal,
            "before": self.before.as_json(),
            "after": self.after.as_json(),
            "gain": self.gain.as_json(),
        }


@dataclass(frozen=True)
class Trial:
    """One allocation that was judged: the method that proposed it, and its probability on the paths named."""

    method: str
    phase: int
    paths: int
    probability: float
    accepted: bool
    mean: float | None = None  # of what is expected, where a mean is maximised


@dataclass(frozen=True)
class Certificate:
    """What no allocation can exceed: `label` is sample, population or "no certificate", `because` says why.

    `level` is the confidence of a population bound. `reference`, with no certificate, is no proof: the share of paths
    that could attain if each one's luck were known beforehand, as far as a surrogate says.
    """

    value: float | None
    label: str
    because: str = ""
    level: float | None = None
    reference: float | None = None


WHY_NO_BOUND = {  # by what a screen calls it
    "not_open": (
        "deals wait for one another, or more than the budget may move, and no programme then holds exactly what the "
        "simulation does"
    ),
    "a_mean": "bounds here are on probabilities, and it is a mean that is maximised",
    "too_dear": "a path of this plan is too much work for a proof",
    "nothing_excluded": "the bound that was found excludes nothing",
}
NO_CERTIFICATE = Certificate(None, "no certificate", "nothing was searched")


@dataclass(frozen=True)
class Effort:
    """What a phase of the work took: sample paths (each of one allocation) and seconds."""

    phase: str  # search, selection, bound, verification
    paths: int
    seconds: float


@dataclass(frozen=True)
class Optimisation:
    """The answer. Probabilities are of `objective`, on phase 0, paths that the search never saw."""

    status: Status
    reason: str
    plan: str
    objective: str
    seed: int
    replications: int
    wish: Wish = Wish()
    before: Odds | None = None
    reference: Odds | None = None  # last year's proportions at this year's total
    after: Odds | None = None
    gain: Gain | None = None
    mean: MeanGain | None = None  # where a mean is maximised: `before` and `after` are then of all its goals together
    required: tuple[Kept, ...] = ()
    over_reference: Gain | None = None  # after - reference, where the reference is not the plan itself
    in_sample: float | None = None
    in_sample_paths: int = 0
    optimism: float | None = None
    optimism_interval: tuple[float, float] | None = None
    bound: Certificate = NO_CERTIFICATE
    goals: tuple[GoalGain, ...] = ()
    allocation: tuple[AllocationRow, ...] = ()
    territory: Balanced | None = None
    quotas: tuple[QuotaRow, ...] = ()
    over_assignment: float | None = None
    quota_totals: QuotaTotals | None = None
    quota_parts: QuotaParts | None = None
    phasing: Phasing | None = None
    spread_before: tuple[float, float] | None = None
    spread_after: tuple[float, float] | None = None
    largest_violation: float = 0.0
    origin: str = ""
    termination: str = ""
    simulated: int = 0
    seconds: float = 0.0
    assumed: tuple[str, ...] = ()
    effort: tuple[Effort, ...] = ()
    trials: tuple[Trial, ...] = ()
    steps: tuple[Climbed, ...] = ()
    selection: float | None = None  # the stated probability that the choice among finalists is right, or nearly
    limits: tuple[str, ...] = ()  # limits that clash, where infeasible
    notes: tuple[str, ...] = ()
    out: str | None = None

    def as_json(self) -> dict[str, Any]:
        """For `--json`: at least the keys that the command line promises."""

        def of(value: Any) -> Any:
            return None if value is None else value.as_json()

        return {
            "status": self.status,
            "reason": self.reason,
            "plan": self.plan,
            "objective": self.objective,
            "maximised": self.wish.as_json(),
            "seed": self.seed,
            "replications": self.replications,
            "before": of(self.before),
            "reference": of(self.reference),
            "after": of(self.after),
            "gain": of(self.gain),
            "over_reference": of(self.over_reference),
            "mean": of(self.mean),
            "required": [kept.as_json() for kept in self.required],
            "in_sample": self.in_sample,
            "in_sample_paths": self.in_sample_paths,
            "optimism": self.optimism,
            "optimism_interval": None if self.optimism_interval is None else list(self.optimism_interval),
            "bound": dict(self.bound.__dict__),
            "goals": [goal.as_json() for goal in self.goals],
            "allocation": [row.as_json() for row in self.allocation],
            "territory": of(self.territory),
            "quotas": [row.as_json() for row in self.quotas],
            "over_assignment": self.over_assignment,
            "quota_totals": None if self.quota_totals is None else dict(self.quota_totals.__dict__),
            "quota_parts": of(self.quota_parts),
            "phasing": None
            if self.phasing is None
            else {"months": list(self.phasing.months), "weeks": list(self.phasing.weeks)},
            "quota_odds": {
                "before": None if self.spread_before is None else list(self.spread_before),
                "after": None if self.spread_after is None else list(self.spread_after),
            },
            "largest_violation": self.largest_violation,
            "origin": self.origin,
            "termination": self.termination,
            "simulated_paths": self.simulated,
            "seconds": self.seconds,
            "assumed": list(self.assumed),
            "effort": [dict(part.__dict__) for part in self.effort],
            "selection": self.selection,
            "steps": [dict(step.__dict__) for step in self.steps],
            "trials": [dict(trial.__dict__) for trial in self.trials],
            "clashing_limits": list(self.limits),
            "notes": list(self.notes),
            "out": self.out,
        }


@dataclass(frozen=True)
class Priced:
    """Money for one more point of probability, with its 95% interval; None where no money is known to buy one."""

    value: float | None
    interval: tuple[float | None, float | None]


@dataclass(frozen=True)
class FrontierRow:
    """One total of a frontier: its best split, what that attains on phase 0, and the price of one more point.

    `spent` is less than `total` where more money did no better. `price` is None at the last total.
    """

    total: float
    probability: float
    interval: tuple[float, float]
    allocation: tuple[tuple[str, str, str, float], ...]  # source, region, product, amount
    spent: float
    price: Priced | None

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "total": self.total,
            "probability": self.probability,
            "interval": list(self.interval),
            "spent": self.spent,
            "allocation": [
                {"source": source, "region": region, "product": product, "amount": amount}
                for source, region, product, amount in self.allocation
            ],
            "price_of_a_point": None if self.price is None else self.price.value,
            "price_interval": None if self.price is None else list(self.price.interval),
        }


@dataclass(frozen=True)
class Frontier:
    """Budget against probability."""

    plan: str
    objective: str
    wish: Wish
    seed: int
    replications: int
    rows: tuple[FrontierRow, ...]
    simulated: int
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "plan": self.plan,
            "objective": self.objective,
            "maximised": self.wish.as_json(),
            "seed": self.seed,
            "replications": self.replications,
            "rows": [row.as_json() for row in self.rows],
            "simulated_paths": self.simulated,
            "seconds": self.seconds,
        }
