"""The back-calculation: from the target over deals and stages to leads, by rep and month, from a watched passage.

Leads needed = (target - what has counted - what open deals bring) / (conversion x value x share in time). Conversions
and values are the plan's own, exact for each deal's rep, product, segment, source and class, in a normal economy; only
the share in time, who gets what, and when, come of the simulation. Queues are those of the plan as it stands: whether
the needed deals also find the hours is for the odds to say, which simulate them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from attain.funnel.passage import HAND, NEW, Aim, Passage
from attain.funnel.records import ActivityNeed, HoursNeed, InHand, Need, Needs, StageNeed, Win
from attain.funnel.scaling import expected_leads
from engine.goals import MEASURES
from engine.simpy_model import Model
from engine.world import World

Floats = NDArray[np.float64]


def _ratio(part: Floats, whole: Floats, otherwise: float = 0.0) -> Floats:
    shape = np.broadcast(part, whole).shape
    return np.asarray(np.divide(part, whole, out=np.full(shape, otherwise), where=whole > 0.0))


def target_of(world: World, aim: Aim) -> float:
    """The goal's target, in major units or a count: the sum of its parts' where it has several."""
    total = sum(world.goals.legs[i].at_least for i in aim.legs)
    return total / world.minor if aim.money else total


def booked_by_now(world: World, aim: Aim) -> float:
    """What has counted for the goal before the simulation begins."""
    model = Model(world, 0, 0)
    model.book_what_happened()
    total = sum(model.tally.legs[i] for i in aim.legs)
    return total / world.minor if aim.money else total


def needs_of(world: World, aim: Aim, passage: Passage) -> Needs:
    """The back-calculation of a goal from the passage of its deals."""
    n = passage.n
    last = world.stages.won if aim.chain else len(world.stages.names) - 1
    leads = expected_leads(world)
    worth_of_lead = _ratio(passage.worth, passage.leads)
    came_in_time, came = passage.arrived.tolist()
    in_time = (came_in_time / came if came > 0.0 else 0.0) if aim.chain else 1.0
    planned = float(leads @ worth_of_lead) * in_time
    in_hand = float(passage.open_worth.sum()) / n if n else 0.0
    target, booked = target_of(world, aim), booked_by_now(world, aim)
    left = max(target - booked - in_hand, 0.0)
    scale = left / planned if planned > 0.0 else (0.0 if left == 0.0 else None)
    if scale is not None and abs(scale - 1.0) < 1e-9:  # sums of conversions round; the plan as it stands is meant
        scale = 1.0
    # What was simulated, brought to the expected number of leads, and counted as far as it is in time.
    level = float(leads.sum()) / (passage.leads.sum() / n) if passage.leads.sum() > 0.0 else 0.0
    timely = np.ones_like(passage.whole)
    shares = np.ones(len(world.stages.names))
    if aim.chain:
        before = slice(0, last + 1)  # after the won stage, nothing is late for the goal
        timely[:, before] = _ratio(passage.in_time, passage.whole)[:, before]
        shares = _ratio(passage.in_time[NEW].sum(axis=1), passage.whole[NEW].sum(axis=1), np.nan)
    entering = passage.entered / n * timely[:, None]
    entering[NEW] *= level
    simulated = float(passage.brought[NEW].sum()) / n
    exact = planned / simulated if simulated > 0.0 else 0.0
    times = scale if scale is not None else 0.0
    # Open deals' work and activities in the stage where they stand are behind them.
    going_on = entering[HAND].copy()
    first = int(np.searchsorted(world.cal.month_ends, world.start))
    going_on[:, :, first] -= passage.standing / n * timely[HAND, :, first]
    work = entering[NEW] * times + np.maximum(going_on, 0.0)
    wins = _wins(world, passage, times, exact)
    return Needs(
        target=target,
        booked=booked,
        in_hand_expected=in_hand,
        planned_expected=planned,
        per_win=_per_win(passage, aim),
        scale=scale,
        leads=float(leads.sum()),
        stages=tuple(_stages(world, passage, entering, shares, times, last)),
        wins=tuple(wins),
        rows=tuple(_rows(world, entering, times, last)),
        activities=tuple(_activities(world, work)),
        hours=tuple(_hours(world, work)),
        in_hand=tuple(_in_hand(world, passage)),
    )


def _per_win(passage: Passage, aim: Aim) -> float:
    won = float(passage.won.sum())
    if not aim.money:
        return 1.0
    return float(passage.brought.sum()) / won if won > 0.0 else 0.0


def _wins(world: World, passage: Passage, scale: float, exact: float) -> list[Win]:
    won, brought = passage.won / passage.n, passage.brought / passage.n
    found = []
    for r, m in np.argwhere((won + brought).sum(axis=0) > 0.0).tolist():
        hand, new = float(won[HAND, r, m]), float(won[NEW, r, m]) * exact
        amount = float(brought[HAND, r, m] + scale * exact * brought[NEW, r, m])
        found.append(Win(world.reps[r], world.months[m], hand + scale * new, hand, scale * new, new, amount))
    return found


def _rows(world: World, entering: Floats, scale: float, last: int) -> list[Need]:
    found = []
    for r, s, m in np.argwhere(entering.sum(axis=0) > 0.0).tolist():
        if s <= last:
            hand, new = float(entering[HAND, r, s, m]), float(entering[NEW, r, s, m])
            found.append(
                Need(world.stages.names[s], world.reps[r], world.months[m], hand + scale * new, hand, scale * new, new)
            )
    return found


def _stages(
    world: World, passage: Passage, entering: Floats, shares: Floats, scale: float, last: int
) -> list[StageNeed]:
    totals = entering.sum(axis=(1, 3))
    entered = passage.entered[NEW].sum(axis=(0, 2))
    to_won = _ratio(passage.potential, entered)
    found = []
    for s in range(last + 1):
        hand, new = float(totals[HAND, s]), float(totals[NEW, s])
        share = float(shares[s])
        found.append(
            StageNeed(
                world.stages.names[s], hand + scale * new, hand, scale * new, new, float(to_won[s]),
                None if np.isnan(share) else share,
            )
        )  # fmt: skip
    return found


def _activities(world: World, deals: Floats) -> list[ActivityNeed]:
    found = []
    for a, name in enumerate(world.measures[len(MEASURES) :]):
        needed = np.einsum("rsm,s->rm", deals, world.stages.activities[:, a])
        found += [
            ActivityNeed(name, world.reps[r], world.months[m], float(needed[r, m]))
            for r, m in np.argwhere(needed > 0.0).tolist()
        ]
    return found


def _hours(world: World, deals: Floats) -> list[HoursNeed]:
    if not world.stages.has_work.any():
        return []
    work = np.array([world.distributions.mean(int(i)) for i in world.stages.work])
    needed = np.einsum("rsm,s->r", deals, work)
    hours = world.staffing.hours(world.cal, world.start)[world.desks.rep]
    worth = (world.desks.by_month * hours).sum(axis=1)
    there = np.bincount(world.desks.rep, weights=worth, minlength=len(world.reps))
    return [HoursNeed(name, float(needed[r]), float(there[r])) for r, name in enumerate(world.reps)]


def _in_hand(world: World, passage: Passage) -> list[InHand]:
    known = world.open_deals
    odds, worth = passage.open_in_time / passage.n, passage.open_worth / passage.n
    reps = passage.open_rep.astype(np.int64)
    found = []
    for s in range(len(world.stages.names)):
        for r, name in enumerate(world.reps):
            own = np.flatnonzero((known.stage == s) & (reps == r))
            if len(own):
                days = known.age_hours[own] / world.cal.hours_per_day
                found.append(
                    InHand(
                        world.stages.names[s], name, len(own), float(np.nansum(known.value[own])), float(days.mean()),
                        float(odds[own].mean()), float(worth[own].sum()),
                    )
                )  # fmt: skip
    return found
