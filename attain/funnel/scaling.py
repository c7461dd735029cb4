"""A plan with more (or fewer) leads or hours, everything else as it stands; and where more leads only add.

The questions "how many prospects" and "how many hours" are asked of scaled plans: pure functions from plan to plan.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.arrivals import AT_ONCE, AT_RANDOM
from engine.plan.types import LoadedPlan, Rep, Response, Source
from engine.routing import BY_SHARE
from engine.world import World


def scaled(loaded: LoadedPlan, *, leads: float = 1.0, hours: float = 1.0) -> LoadedPlan:
    """The plan with `leads` times the leads of every source and `hours` times the hours of every rep.

    Leads: rates, response curves and prospects found in an hour in proportion, exact lists to the nearest whole number.
    Hours: those for deals and those for prospecting alike, so that what reps find themselves grows with them. Raises
    ValueError for a factor that is negative or not finite.
    """
    for name, factor in (("leads", leads), ("hours", hours)):
        if not math.isfinite(factor) or factor < 0.0:
            raise ValueError(f"{name} is a factor of 0 or more, not {factor}")
    plan = loaded.plan
    changed = plan.model_copy(
        update={
            "sources": {name: _source(source, leads) for name, source in plan.sources.items()},
            "reps": tuple(_rep(rep, leads, hours) for rep in plan.reps),
        }
    )
    return loaded.model_copy(update={"plan": changed})


def _source(source: Source, leads: float) -> Source:
    update: dict[str, object] = {}
    if source.leads_per_month is not None:
        update["leads_per_month"] = source.leads_per_month * leads
    if source.leads_per_day is not None:
        update["leads_per_day"] = source.leads_per_day * leads
    if source.prospects is not None:
        update["prospects"] = math.floor(source.prospects * leads + 0.5)
    if source.response is not None:
        if leads > 0.0:
            update["response"] = _response(source.response, leads)
        else:  # no cost of a lead is high enough to bring none
            update |= {"response": None, "budget": None}
    return source.model_copy(update=update)


def _response(response: Response, leads: float) -> Response:
    """The same curve, `leads` times as high."""
    if response.hill is not None:
        hill = response.hill
        most = hill.most_leads_per_month * leads
        return response.model_copy(update={"hill": hill.model_copy(update={"most_leads_per_month": most})})
    linear = response.linear
    assert linear is not None, "a response has one of the two curves"
    ceiling = None if linear.most_leads_per_month is None else linear.most_leads_per_month * leads
    update = {"cost_per_lead": linear.cost_per_lead / leads, "most_leads_per_month": ceiling}
    return response.model_copy(update={"linear": linear.model_copy(update=update)})


def _rep(rep: Rep, leads: float, hours: float) -> Rep:
    update: dict[str, object] = {"hours_per_week": rep.hours_per_week * hours}
    if rep.prospecting is not None:
        own = rep.prospecting
        update["prospecting"] = own.model_copy(
            update={
                "hours_per_week": own.hours_per_week * hours,
                "prospects_per_hour": own.prospects_per_hour * leads,
            }
        )
    return rep.model_copy(update=update)


def expected_leads(world: World) -> NDArray[np.float64]:
    """[cells]: leads expected from the first simulated instant on; the economy's shocks have mean one."""
    ends = np.maximum(world.cal.month_ends, world.start)
    hours = np.diff(ends, prepend=world.start) * world.economy_index
    horizon = world.cal.horizon_hours
    left = (horizon - world.start) / horizon
    counts = []
    for cell in world.cells:
        if cell.count < 0:
            counts.append(float(cell.rates @ hours))
        elif cell.spread == AT_ONCE:
            counts.append(float(cell.count) if world.start == 0.0 else 0.0)
        else:
            counts.append(cell.count * left)
    return np.array(counts)


def hours_matter(world: World) -> bool:
    """Whether reps' hours have any effect: on deals' work, or on what reps find themselves."""
    return bool(world.stages.has_work.any() or any(cell.rep >= 0 for cell in world.cells))


def only_adds(world: World, goal: int) -> bool:
    """Whether more leads can never turn a replication that attains the goal into one that misses it.

    So it is where leads neither queue nor change another lead's fate: no work, lists of one cell, whose prospects keep
    their times, and either routing by share or a goal and conversions for which it does not matter whose deal it is. A
    goal is at least so many of something: then one replication simulated at a scale tells of all larger ones, or of all
    smaller ones.
    """
    stages = world.stages
    if stages.has_work.any():
        return False
    lists = [cell for cell in world.cells if cell.count >= 0]
    if any(cell.spread not in (AT_RANDOM, AT_ONCE) for cell in lists):
        return False
    if len({cell.source for cell in lists}) < len(lists):  # largest remainders may take from one cell as a list grows
        return False
    if np.all(world.routes.rule == BY_SHARE):
        return True
    book = world.goals
    legs = [book.legs[i] for i in book.legs_of[goal]]
    alike = bool((stages.of_rep == stages.of_rep[:, :1]).all())
    return alike and not book.parts_of[goal] and all(leg.reps.all() for leg in legs)
