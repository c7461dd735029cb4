"""Effort by stage from people's capacity, where activities are not logged: what visits take, if people are as busy as
is assumed.

What is known well is the sum: the hours that people had, times the part of them that they were busy, is what all their
visits took. How it splits over stages is known only where people are as busy whatever they have to do, so that who has
more visits to one stage has fewer to another. Were the sum of visits a person's own, ``log`` of how many they are an
hour falls with the mean work of their mix; that line is fitted, with what people and their quarters differ by for other
reasons, under a prior by which stages' works lie within a factor of seven of one another. It is believed where it makes
people's hours at least twice as even as their new deals are: leads that are dealt out evenly would look like work that
is, and then nothing tells the split.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize
from scipy.special import polygamma, stdtrit

from attain.capacity import Floats, Load, Person, load_of
from attain.history.records import History
from attain.wording import told
from engine.problems import Refused

BUSY = 0.8  # of their hours, unless said
FULL = 0.9  # of them, up to which somebody keeps up with what comes
MONTHS_FROM = 6  # of people's work
PRIOR = 1.0  # sd of the logarithm of a stage's work against the others
SPREAD = (np.log(0.15), 1.0)  # of people, and of their quarters: the logarithm's mean and sd
EVENER = 0.5  # spread of hours over that of new deals, up to which a split is believed
SURE = 0.5  # sd of the logarithm of stages' works, weighted by their hours, up to which it is
RARELY = 0.2  # of the visits an hour of the middle visit's person, below which the hours said of all are not somebody's
CLEARLY = 1.05  # times what somebody has
MOVED = 0.2  # of what came before, from which the last three months are another time
DRAWS = 4000
PRIOR_PEOPLE, USUAL = 2.0, 0.1  # people who differ by so much in how busy they are, as good as seen
LEAST_OF, MOST_OF = 2.0, 10_000.0


@dataclass(frozen=True, slots=True)
class Effort:
    """A stage's hours a visit with a central 95%; ``of``: the plan's posterior is that of so many visits' work."""

    stage: str
    hours: float
    low: float
    high: float
    of: float
    visits: int


@dataclass(frozen=True, slots=True)
class Efforts:
    """Every stage's effort, and what it rests on. ``split``: whether the history tells how hours split over stages;
    where not, every visit is given the same, and ``why`` says what would suffice."""

    stages: tuple[Effort, ...]
    split: bool
    why: str
    busy: float
    people: int
    visits: int
    hours: float  # that people had
    months: float  # of people's work
    sd: float  # of the logarithm of all hours that are worked
    lately: float = 1.0  # visits of the last three months over those of the whole time
    over: tuple[tuple[str, float], ...] = ()  # people whose visits take more than all their own hours: how much of them
    # who would not keep up in the hours said of all: how many times they need
    longer: tuple[tuple[str, float], ...] = ()
    rarely: tuple[tuple[str, float], ...] = ()  # who has next to no visits for them: the part of others' visits an hour

    @property
    def mean(self) -> float:
        """Hours of a visit to any stage."""
        return self.hours * self.busy / pressed(self.lately) / self.visits


def pressed(lately: float) -> float:
    """How many times the year's visits people have shown to keep up with: the last three months', where these were
    busier by more than chance and season."""
    return lately if lately > 1.0 + MOVED else 1.0


def effort_from_capacity(
    history: History,
    hours_per_week: float | None,
    *,
    busy: float = BUSY,
    people: Mapping[str, Person] | None = None,
    seed: int = 0,
) -> Efforts:
    """Hours of work of a visit to each stage of a history, if its people had ``hours_per_week`` for deals (or their
    own, of ``people``) and were busy a part ``busy`` of them. Raises Refused, with what would suffice."""
    if not ((hours_per_week is None or 0 < hours_per_week <= 168) and 0 < busy <= 1):
        raise Refused("hours_per_week between 0 and 168, and busy between 0 and 1, were expected")
    load = load_of(history, people or {}, hours_per_week)
    return fit_efforts(load, history.stages, busy, seed)


def fit_efforts(load: Load, stages: Sequence[str], busy: float, seed: int = 0) -> Efforts:
    """The same from the table of hours and visits. Raises Refused."""
    if not len(load.hours):
        raise Refused(told("effort.nobody"))
    if load.months < MONTHS_FROM:
        raise Refused(told("effort.short", n=f"{np.floor(load.months * 10) / 10:.1f}", need=str(MONTHS_FROM)))
    load, rarely = _without_idle(load)
    own = load.visits.sum(axis=0)
    hours = busy * float(load.hours.sum()) / pressed(load.lately)
    scale = 1.0 + load.nobody.sum() / own.sum()  # who has the deals without an owner is not known: all in proportion
    flat = np.log(evened(own, hours / scale, load.most))
    flat -= flat.max()
    split = _split(load, flat)
    rng = np.random.Generator(np.random.Philox(key=seed))
    logs = split.draws(rng)
    sd, free = _sum_error(load, np.exp(split.works))
    errors = np.exp(sd * stdtrit(free, rng.random(DRAWS)))
    works = np.exp(logs) * (hours * errors / (np.exp(logs) @ own) / scale)[:, None]
    spread = np.log(works).std(axis=0)
    middle = np.median(works, axis=0)
    middle *= hours / scale / (middle @ own)
    share = middle * own / (middle @ own)
    together = float(np.sqrt(np.sum((share * spread) ** 2)))
    wide = sd * np.sqrt(free / max(free - 2.0, 1.0))
    written = spread * min(wide / max(together, 1e-12), 3.0)
    low, high = np.quantile(works, [0.025, 0.975], axis=0)
    efforts = tuple(
        Effort(name, float(middle[s]), float(low[s]), float(high[s]), as_from(float(written[s])), int(own[s]))
        for s, name in enumerate(stages)
    )
    part = _parts(load, middle) * pressed(load.lately)
    over, longer = np.where(load.own, part, 0.0), np.where(load.own, 0.0, part / max(FULL, (1.0 + busy) / 2))
    return Efforts(
        efforts, split.told, split.why, busy, len(set(load.who.tolist())), int(own.sum() + load.nobody.sum()),
        float(load.hours.sum()), load.months, float(wide), load.lately, _named(load, over), _named(load, longer),
        rarely,
    )  # fmt: skip


def _without_idle(load: Load) -> tuple[Load, tuple[tuple[str, float], ...]]:
    """The table with as many hours for those who come to next to no visits as these take others, and who they are:
    what is said of all people's time for deals is not said of somebody who helps out, or of a manager with two deals.
    Hours of a person's own are believed."""
    n = len(load.people)
    visits = np.bincount(load.who, load.visits.sum(axis=1), n)
    had = np.bincount(load.who, load.hours, n)
    pace = visits / np.where(had > 0, had, np.inf)
    order = np.argsort(pace, kind="stable")
    middle = pace[order[np.searchsorted(np.cumsum(visits[order]), visits.sum() / 2)]]
    idle = ~load.own & (had > 0) & (pace < RARELY * middle)
    part = np.where(idle, pace / middle, 1.0)
    named = tuple((load.people[i], float(part[i])) for i in np.argsort(part, kind="stable") if idle[i])
    return (replace(load, hours=load.hours * part[load.who]) if named else load), named


def _parts(load: Load, works: Floats) -> Floats:
    """[people]: the part of their hours that their visits take."""
    n = len(load.people)
    had = np.bincount(load.who, load.hours, n)
    return np.asarray(np.bincount(load.who, load.visits @ works, n) / np.where(had > 0, had, np.inf))


def _named(load: Load, parts: Floats) -> tuple[tuple[str, float], ...]:
    """Those of clearly more than 1, the most first."""
    return tuple((load.people[i], float(parts[i])) for i in np.argsort(-parts, kind="stable") if parts[i] > CLEARLY)


def as_from(sd: float) -> float:
    """The number of visits from which an exponential's mean is known with this sd of its logarithm."""
    if sd * sd <= polygamma(1, MOST_OF):
        return MOST_OF
    if sd * sd >= polygamma(1, LEAST_OF):
        return LEAST_OF
    return float(brentq(lambda n: polygamma(1, n) - sd * sd, LEAST_OF, MOST_OF))


def _sum_error(load: Load, works: Floats) -> tuple[float, float]:
    """The sd of the logarithm of hours a visit, and its degrees of freedom: people differ in how busy they are, and
    those that are there are a sample. How much they differ is known of few people badly: as if PRIOR_PEOPLE more had
    been seen to differ by what is usual."""
    took = load.visits @ works
    took *= load.hours.sum() / took.sum()
    seen = np.unique(load.who)
    rest = np.bincount(load.who, took - load.hours)[seen]
    had = np.bincount(load.who, load.hours)[seen]
    each = float(had @ had) / float(had.sum()) ** 2  # one over how many people of the same hours these are worth
    free = max(0.0, round(1.0 / each - 1.0, 9))
    own = float(np.sum(rest**2)) / float(took.sum()) ** 2 * ((1.0 + free) / free if free else 0.0)
    usual = USUAL**2 * each + 1.0 / float(load.visits.sum())  # and visits come by chance
    variance = (free * own + PRIOR_PEOPLE * usual) / (free + PRIOR_PEOPLE)
    return float(np.sqrt(variance)), free + PRIOR_PEOPLE


# --- how hours split over stages --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Split:
    """Logarithms of stages' works against one another, their covariance, and whether to believe them."""

    works: Floats
    covariance: Floats
    told: bool
    why: str = ""

    def draws(self, rng: np.random.Generator) -> Floats:
        values, vectors = np.linalg.eigh(self.covariance)
        normal = rng.standard_normal((DRAWS, len(self.works)))
        return np.asarray(self.works + normal @ (vectors * np.sqrt(np.maximum(values, 0.0))).T)


def evened(visits: Floats, hours: float, most: Floats) -> Floats:
    """[stages]: the same hours for every visit, but no more than ``most``; as many in all as there are, or in
    proportion to ``most`` where that is not enough. A stage without visits has what a visit takes on average."""
    seen = visits > 0
    if not seen.all():
        works = np.minimum(hours / float(visits.sum()), most)
        works[seen] = evened(visits[seen], hours, most[seen])
        return np.asarray(works)
    if float(visits @ most) <= hours:
        return np.asarray(most * hours / float(visits @ most))
    order = np.argsort(most)
    left, rest = hours, float(visits.sum())
    each = hours / rest
    for s in order:
        each = left / rest
        if most[s] >= each:
            break
        left, rest = left - float(most[s] * visits[s]), rest - float(visits[s])
    return np.asarray(np.minimum(each, most))


def _split(load: Load, flat: Floats) -> _Split:
    """``flat``: logarithms of works that stages have as far as nothing tells them apart."""
    stages = load.visits.shape[1]
    if stages == 1:
        return _Split(np.zeros(1), np.zeros((1, 1)), told=True)
    total = load.visits.sum(axis=1)
    mix = _mixes(load.visits, total, load.who)
    pace = np.log(total / load.hours)

    def loss(x: Floats) -> float:
        logs, spreads = x[:stages], x[stages:]
        rest = pace + np.log(mix @ np.exp(logs))
        at = (spreads - SPREAD[0]) / SPREAD[1]
        return _misfit(rest, total, load.who, np.exp(spreads)) + 0.5 * float(
            np.sum(((logs - flat) / PRIOR) ** 2) + at @ at
        )

    x = minimize(loss, np.append(flat, [SPREAD[0]] * 2), method="L-BFGS-B").x
    logs, spreads = x[:stages], np.exp(x[stages:])
    part = mix * np.exp(logs)
    part /= part.sum(axis=1, keepdims=True)
    precision = np.eye(stages) / PRIOR**2 + _information(part, total, load.who, spreads)
    covariance: Floats = np.asarray(np.linalg.inv(precision), dtype=np.float64)
    shares = load.visits.sum(axis=0) * np.exp(logs)
    sure = float(shares @ np.sqrt(np.diag(covariance - covariance.mean())).clip(0) / shares.sum())
    new = load.visits[:, 0]
    dealt = _spread(np.log((new + 0.5) / load.hours), new + 0.5, load.who)
    ours = float(np.hypot(*spreads))
    if ours <= EVENER * dealt and sure <= SURE:
        return _Split(logs, covariance, told=True)
    return _Split(flat, np.zeros_like(covariance), told=False, why=told("effort.together"))


def _mixes(visits: Floats, total: Floats, who: NDArray[np.int64]) -> Floats:
    """[rows, stages]: what part of the visits each stage has, without the luck of few: a row's own pulled toward its
    person's, as much as rows vary by chance; else that luck would make all stages' works look alike."""
    sums = np.zeros((int(who.max()) + 1, visits.shape[1]))
    np.add.at(sums, who, visits)
    own = (sums + 0.5 * sums.sum(axis=0) / sums.sum()) / (sums.sum(axis=1, keepdims=True) + 0.5)
    own = own[who]
    expected = total[:, None] * own
    square = float(np.sum((visits - expected) ** 2 / np.maximum(expected, 1e-9)))
    free = (len(visits) - len(set(who.tolist()))) * (visits.shape[1] - 1)
    if free <= 0:
        return np.asarray(own)
    beyond = square / free - 1.0 - 2.0 * np.sqrt(2.0 / free)
    if beyond <= 0:
        return np.asarray(own)
    rho = min(0.999, (square / free - 1.0) / max(float(np.mean(total)) - 1.0, 1e-9))
    alpha = (1.0 - rho) / rho
    return np.asarray((visits + alpha * own) / (total + alpha)[:, None])


def _misfit(rest: Floats, count: Floats, who: NDArray[np.int64], spreads: Floats) -> float:
    """Minus the log likelihood of rows' residuals: chance in counts, quarters' own, people's own, a mean of all."""
    own = 1.0 / (spreads[1] ** 2 + 1.0 / count)
    sums, weights = np.bincount(who, own * rest), np.bincount(who, own)
    kept = weights > 0
    sums, weights = sums[kept], weights[kept]
    held = weights / (1.0 + spreads[0] ** 2 * weights)  # precision of a person's mean
    means = sums / weights
    inner = float(np.sum(own * rest * rest) - np.sum(sums * means))
    middle = float(held @ means / held.sum())
    outer = float(held @ (means - middle) ** 2)
    logs = -float(np.sum(np.log(own))) + float(np.sum(np.log1p(spreads[0] ** 2 * weights)))
    return 0.5 * (inner + outer + logs + float(np.log(held.sum())))


def _information(part: Floats, count: Floats, who: NDArray[np.int64], spreads: Floats) -> Floats:
    """What rows tell of the logarithms of works: of a linear model with ``part`` as its columns."""
    own = 1.0 / (spreads[1] ** 2 + 1.0 / count)
    n = int(who.max()) + 1
    weights = np.bincount(who, own, minlength=n)
    sums = np.zeros((n, part.shape[1]))
    np.add.at(sums, who, own[:, None] * part)
    factor = spreads[0] ** 2 / (1.0 + spreads[0] ** 2 * weights)
    inside = (part * own[:, None]).T @ part - (sums * factor[:, None]).T @ sums
    level = sums.sum(axis=0) - (factor * weights) @ sums
    whole = own.sum() - factor @ weights**2
    return np.asarray(inside - np.outer(level, level) / whole)


def _spread(logs: Floats, count: Floats, who: NDArray[np.int64]) -> float:
    """What people and their quarters differ by, together, beyond chance in counts."""

    def loss(x: Floats) -> float:
        at = (x - SPREAD[0]) / SPREAD[1]
        return _misfit(logs, count, who, np.exp(x)) + 0.5 * float(at @ at)

    return float(np.hypot(*np.exp(minimize(loss, np.full(2, SPREAD[0]), method="L-BFGS-B").x)))
