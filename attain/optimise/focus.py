"""A rep's hours over what they sell, and over prospecting: `decide.focus` as a decision.

The variables are shares of a rep's hours, which sum to 1: one for each part of the focus, and one for prospecting where
that may move. A rep without a focus stands where the deals' own work puts the hours; as soon as a share of theirs
moves, a focus is written whose idle hours are lent. A rep whose shares stay is written as before, without a focus
where there was none: so the plan's own point is the plan itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from attain.optimise.decisions import Decision, Edit, no_attribution
from engine.batch import Simulator
from engine.business import at_odds
from engine.desks import part_at
from engine.draws import SEARCH
from engine.outcomes import BOOKED, LEADS, WON
from engine.plan.decide import DecideFocus
from engine.plan.focusing import Part, parts_of
from engine.plan.people import LENT
from engine.plan.types import LoadedPlan, Plan, Rep
from engine.world import PROSPECTING, World
from solvers.levers import limited
from solvers.responses import identity

Floats = NDArray[np.float64]
FORAGE: Part = ("", PROSPECTING)  # in place of a part: hours for prospecting
PILOT, PILOT_SEED = 64, 0  # replications that tell what deals ask for; of one seed, since limits hang on it
STEP = 0.01  # of shares
AHEAD = {"most bookings an hour first": BOOKED, "most wins an hour first": WON}
FIRST = 0.95  # of the hours for deals
DECIMALS = 4
LEAST_USUAL = 0.001  # of a rep's hours


@dataclass(frozen=True)
class Shared:
    """One rep's hours: what they are shared over, and how the plan shares them."""

    rep: str
    parts: tuple[Part, ...]  # FORAGE last, where prospecting may move
    own: tuple[float, ...]

    @property
    def forages(self) -> bool:
        """Whether prospecting may move."""
        return self.parts[-1] == FORAGE


@dataclass(frozen=True, eq=False)
class Focus(Decision):
    """Shares of reps' hours. `reps` holds them in the order of the variables.

    `ahead` names points at which each rep turns first to what an hour brings most of, in the plan as it is.
    """

    reps: tuple[Shared, ...] = field(kw_only=True)
    ahead: Mapping[str, Floats] = field(kw_only=True, default_factory=dict)

    def binding(self, x: Floats) -> tuple[str, ...]:
        """As of any levers; that a rep has no more than all hours is no limit to loosen."""
        return tuple("" if kind == "total" else kind for kind in super().binding(x))

    @property
    def kinds(self) -> tuple[Part, ...]:
        """The parts that any rep has."""
        return tuple(sorted({part for shared in self.reps for part in shared.parts}))


def focus_decision(loaded: LoadedPlan, world: World) -> Focus | None:
    """Shares of the hours of every rep who has any choice; None where the plan does not ask for it."""
    wanted = loaded.plan.decide.focus if loaded.plan.decide else None
    if wanted is None or not world.stages.has_work.any():
        return None
    pilot = Simulator(world, PILOT_SEED, SEARCH)(0, PILOT).sums / PILOT
    asked = hours_asked(world, pilot[..., LEADS])
    by_name = {rep.name: rep for rep in loaded.plan.reps}
    shared = [_shared(by_name[name], asked[r], world, wanted) for r, name in enumerate(world.reps)]
    reps = tuple(one for one in shared if one is not None and len(one.parts) > 1)
    if not reps:
        return None
    named = [(one.rep, part) for one in reps for part in one.parts]
    caps = np.array([wanted.prospecting_at_most if part == FORAGE else np.inf for _, part in named])
    own = np.array([share for one in reps for share in one.own])
    levers = limited(
        tuple(" / ".join(word for word in (rep, *part) if word) for rep, part in named),
        own,
        group=[i for i, one in enumerate(reps) for _ in one.parts],
        group_names=tuple(one.rep for one in reps),
        totals=np.ones(len(reps)),
        caps=np.maximum(caps, own),
        change_at_most=wanted.change_at_most,
        step=STEP,
    )

    def apply(plan: Plan, x: Floats) -> Plan:
        moved = _moved(reps, x)
        written = tuple(_with_shares(rep, moved[rep.name]) if rep.name in moved else rep for rep in plan.reps)
        return plan.model_copy(update={"reps": written})

    def edits(x: Floats) -> list[Edit]:
        return [edit for name, shares in _moved(reps, x).items() for edit in _edits(by_name[name], shares)]

    return Focus(
        "focus",
        tuple((rep, *part) for rep, part in named),
        levers,
        identity,
        no_attribution(world, len(named)),
        apply,
        edits,
        levers.group,
        reps=reps,
        ahead={name: _ahead(reps, world, asked, pilot[..., measure]) for name, measure in AHEAD.items()},
    )


# --- what there is to share -------------------------------------------------------------------------------------------


def hours_asked(world: World, leads: Floats) -> Floats:
    """[reps, products, regions]: hours of work that so many leads ask for, by the mean of work."""
    stages = world.stages
    advance = np.where(np.isnan(stages.advance), (stages.wins + 0.5) / (stages.tries + 1.0), stages.advance)
    each = np.zeros((len(world.reps), len(world.products)))
    for r, p in np.ndindex(each.shape):
        reach = 1.0
        for i, row in enumerate(stages.work.tolist()):
            each[r, p] += reach * world.distributions.mean(row)
            reach *= at_odds(float(advance[i]), float(stages.of_rep[i, r] * stages.of_product[i, p]))
    return leads * each[:, :, None]


def _shared(rep: Rep, asked: Floats, world: World, wanted: DecideFocus) -> Shared | None:
    """A rep's parts and their shares; None for a rep whom the leads ask nothing of."""
    if rep.focus:
        weights = parts_of(rep.focus, world.products)
    else:
        weights = {}
        for p, g in np.argwhere(asked > 0.0).tolist():
            region = "" if wanted.by == "product" else world.regions[g]
            part = region, "" if wanted.by == "region" else world.products[p]
            weights[part] = weights.get(part, 0.0) + float(asked[p, g])
    total = sum(weights.values())
    if total <= 0.0 or rep.hours_per_week <= 0.0:
        return None
    found = rep.prospecting
    moves = wanted.prospecting and found is not None and found.prospects_per_hour > 0.0
    away = found.hours_per_week / rep.hours_per_week if moves and found is not None else 0.0
    parts = dict(sorted((part, (1.0 - away) * weight / total) for part, weight in weights.items()))
    if moves:
        parts[FORAGE] = away
    return Shared(rep.name, tuple(parts), tuple(parts.values()))


def _ahead(reps: tuple[Shared, ...], world: World, asked: Floats, brought: Floats) -> Floats:
    """Shares [variables] at which each rep's hours go first to the part that brings most for an hour that it asks."""
    found: list[float] = []
    for one in reps:
        r, shares = world.reps.index(one.rep), np.array(one.own)
        deals = [part for part in one.parts if part != FORAGE]
        of = part_at(deals, world.territory, world.products)
        hours, worth = (
            np.array([float(table[r][of == i].sum()) for i in range(len(deals))]) for table in (asked, brought)
        )
        rates = np.where(hours > 0.0, worth / np.where(hours > 0.0, hours, 1.0), 0.0)
        free = float(shares[: len(deals)].sum())
        shares[: len(deals)] *= 1.0 - FIRST
        shares[int(np.argmax(rates))] += FIRST * free
        found += shares.tolist()
    return np.array(found)


# --- as a plan --------------------------------------------------------------------------------------------------------


def _moved(reps: tuple[Shared, ...], x: Floats) -> dict[str, dict[Part, float]]:
    """The shares of the reps whose shares are not the plan's own."""
    found, at = {}, 0
    for one in reps:
        shares = x[at : at + len(one.parts)].tolist()
        at += len(one.parts)
        if shares != list(one.own):
            found[one.rep] = dict(zip(one.parts, shares, strict=True))
    return found


def _written(shares: Mapping[Part, float]) -> dict[str, float | dict[str, float]]:
    """Deals' shares as a focus; nothing where there is nothing to tell apart, or no time for any."""
    weights = {part: round(max(share, 0.0), DECIMALS) + 0.0 for part, share in shares.items() if part != FORAGE}
    if len(weights) < 2 or not any(weights.values()):
        return {}
    found: dict[str, float | dict[str, float]] = {}
    for (region, product), weight in weights.items():
        if region and product:
            inside = found.setdefault(region, {})
            assert isinstance(inside, dict), "a region's parts are all of one form"
            inside[product] = weight
        else:
            found[region or product] = weight
    return found


def _prospecting_hours(rep: Rep, shares: Mapping[Part, float]) -> float | None:
    """Hours a week for prospecting, where they move."""
    if FORAGE not in shares:
        return None
    return min(rep.hours_per_week, max(0.0, round(shares[FORAGE] * rep.hours_per_week, DECIMALS)))


def _with_shares(rep: Rep, shares: Mapping[Part, float]) -> Rep:
    focus, hours = _written(shares), _prospecting_hours(rep, shares)
    update: dict[str, object] = {}
    if focus:
        update |= {"focus": focus, "idle_hours": rep.idle_hours if rep.focus else LENT}
    if hours is not None and rep.prospecting is not None:
        update["prospecting"] = rep.prospecting.model_copy(update={"hours_per_week": hours})
    return rep.model_copy(update=update)


def _edits(rep: Rep, shares: Mapping[Part, float]) -> list[Edit]:
    new, found = _with_shares(rep, shares), list[Edit]()
    if new.focus != rep.focus:
        found.append((("reps", rep.name, "focus"), new.focus))
    if new.idle_hours != rep.idle_hours:
        found.append((("reps", rep.name, "idle_hours"), new.idle_hours))
    if new.prospecting != rep.prospecting and new.prospecting is not None:
        found.append((("reps", rep.name, "prospecting", "hours_per_week"), new.prospecting.hours_per_week))
    return found


# --- the same with few variables --------------------------------------------------------------------------------------

Place = Callable[[Floats], Floats]


def by_kind(decision: Focus) -> tuple[Focus, Place]:
    """The decision with one variable for each kind of part, common to all reps, and how it gives all shares.

    A rep's share is what the plan gives the part (a thousandth, if nothing), times the kind's variable, in proportion;
    then within the limits.
    """
    kinds = decision.kinds
    of = np.array([kinds.index(part) for one in decision.reps for part in one.parts])
    own, group = np.maximum(decision.levers.reference, LEAST_USUAL), decision.levers.group

    def place(y: Floats) -> Floats:
        x = own * np.maximum(y, 0.0)[of]
        sums = np.bincount(group, weights=x)[group]
        return decision.moved(np.where(sums > 0.0, x / np.where(sums > 0.0, sums, 1.0), decision.levers.reference))

    names = tuple(" / ".join(word for word in part if word) for part in kinds)
    return _placed(decision, place, names, np.full(len(kinds), 1.0 / len(kinds))), place


def kinds_at(decision: Focus, wanted: Floats) -> Floats:
    """The kinds' variables, which sum to 1, at which kinds get about these shares of all hours."""
    of = np.array([decision.kinds.index(part) for one in decision.reps for part in one.parts])
    usual = np.bincount(of, weights=decision.levers.reference) / np.bincount(of)
    y = wanted / np.maximum(usual, LEAST_USUAL)
    return np.asarray(y / y.sum(), dtype=np.float64)


def between(decision: Focus, points: Floats) -> tuple[Focus, Place]:
    """The decision among mixtures of points [points, variables]: one variable for each, from the first on."""
    first = np.zeros(len(points))
    first[0] = 1.0

    def place(z: Floats) -> Floats:
        return np.asarray(z @ points, dtype=np.float64)

    return _placed(decision, place, tuple(f"point {i}" for i in range(len(points))), first), place


def _placed(decision: Focus, place: Place, names: tuple[str, ...], reference: Floats) -> Focus:
    return Focus(
        "focus",
        tuple(("", "", name) for name in names),
        limited(names, reference, totals=[1.0]),
        identity,
        decision.attribution,
        lambda plan, y: decision.apply(plan, place(y)),
        lambda y: decision.edits(place(y)),
        np.zeros(len(names), dtype=np.int64),
        reps=decision.reps,
    )
