"""Territories in balance: `decide.territory` as a limit on what may be moved, and what it came to.

Work by rep comes from the mean funnel (`engine.plan.meanfunnel`): expected leads, conversions and hours, without cycles
and queues. It is read off once for each lever, straight in the lever's response; what is reported is the mean funnel of
the plan as allocated, worked out anew. Who is comparable does not change with what is moved.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from attain.optimise.decisions import Decision, Floats
from attain.optimise.records import Balanced, BalanceRow
from engine.plan.decide import Territory
from engine.plan.meanfunnel import PROSPECTING, MeanFunnel, mean_funnel
from engine.plan.types import LoadedPlan, Plan
from engine.routing import BY_SHARE
from engine.world import World, build
from solvers.balance import Balance, deviations, inside, least_band, refuse_unbalanced
from solvers.levers import project

Ints = NDArray[np.int64]
STEP = 0.01  # of a lever's natural size: over what a response's slope is taken
MOVES_WORK = ("budget", "shares", "hours")  # decisions that move work among those who are there
PROBED = 0.5  # of the way to an even split: where every lever has something to do


def territory_of(loaded: LoadedPlan) -> Territory | None:
    """What the plan asks of its territories."""
    return loaded.plan.decide.territory if loaded.plan.decide else None


def balanced(decision: Decision, loaded: LoadedPlan, world: World, *, last: bool = True) -> Decision:
    """The decision with its territories in balance, where the plan asks for it and the decision moves work.

    Where a later decision moves work, too, this one's band is as wide as it has to be. Raises ClashingLimits where no
    allocation within the limits is in the band.
    """
    wanted = territory_of(loaded)
    if wanted is None or decision.kind not in MOVES_WORK:
        return decision
    balance = _balance(decision, loaded, world, wanted)
    start = project(decision.levers, decision.levers.reference)
    if inside(decision.levers, balance, start) is None:
        if last:
            at = least_band(decision.levers, balance, start)[1]
            refuse_unbalanced(decision.levers, balance, at, group_names=_groups(decision))
        reached, _ = least_band(decision.levers, balance, start)
        balance = replace(balance, within=reached * (1.0 + 1e-3) + 2e-4)
    return replace(decision, balance=balance)


def _groups(decision: Decision) -> tuple[str, ...]:
    """What the levers' totals are of: the budget, a cell whose leads are shared out, or a rep's hours."""
    if decision.kind == "budget":
        return ("budget",)
    first = [int(np.flatnonzero(decision.levers.group == g)[0]) for g in range(len(decision.levers.totals))]
    cells = [decision.cells[i] for i in first]
    return tuple(rep if decision.kind == "hours" else f"{region} / {product}" for rep, region, product in cells)


def _measure(funnel: MeanFunnel, of: str) -> Floats:
    """[rows] of the funnel: what is counted."""
    return {"hours": funnel.work, "bookings": funnel.bookings, "leads": funnel.leads}[of]


def comparable(plan: Plan, reps: tuple[str, ...], among: str) -> Ints:
    """[reps]: a number for each set of comparable reps."""
    by_name = {rep.name: rep for rep in plan.reps}
    keys: dict[tuple[frozenset[str], ...], int] = {}
    groups = []
    for name in reps:
        rep = by_name[name]
        job = (frozenset(rep.products or plan.products), frozenset(rep.segments or plan.segments))
        key = () if among == "everyone" else job if among == "products" else (*job, frozenset(rep.region))
        groups.append(keys.setdefault(key, len(keys)))
    return np.array(groups, dtype=np.int64)


def _balance(decision: Decision, loaded: LoadedPlan, world: World, wanted: Territory) -> Balance:
    """Work by rep, straight in the decision's responses, as the mean funnel has it where every lever does something."""
    levers = decision.levers
    own = levers.reference if decision.own is None else decision.own
    counts = np.maximum(1, np.bincount(levers.group, minlength=len(levers.totals)))
    even = (levers.totals / counts)[levers.group]
    x = (1.0 - PROBED) * own + PROBED * even
    x = np.where(levers.upper > 0.0, np.maximum(x, 1e-9), own)
    funnel = mean_funnel(loaded.model_copy(update={"plan": decision.apply(loaded.plan, x)}), world.cal)
    response, count = decision.response(x), _measure(funnel, wanted.of)
    units = np.zeros((len(funnel.reps), len(levers.reference)))
    variable = _variables(decision, world, funnel)
    months = max(1, len(decision.months))
    for row in np.flatnonzero((variable >= 0) & (funnel.leads > 0.0)):
        first = int(variable[row])
        parts = np.ones(1) if months == 1 else funnel.profile[row]
        here = slice(first, first + months)
        per_lead = np.divide(parts, response[here], out=np.zeros(months), where=response[here] > 0.0)
        units[int(funnel.rep[row]), here] += count[row] * per_lead
    total = np.bincount(funnel.rep, weights=count, minlength=len(funnel.reps))
    names = tuple(funnel.reps)

    def slopes(at: Floats) -> Floats:
        step = STEP * np.maximum(levers.scale(), np.abs(at))
        low, high = np.maximum(0.0, at - step), at + step
        return np.asarray((decision.response(high) - decision.response(low)) / (high - low), dtype=np.float64)

    return Balance(
        names,
        np.asarray(total - units @ response, dtype=np.float64),
        units,
        funnel.hours_there,
        comparable(loaded.plan, names, wanted.among),
        wanted.within,
        decision.response,
        slopes,
    )


def _variables(decision: Decision, world: World, funnel: MeanFunnel) -> Ints:
    """[rows] of the funnel: which lever (of a line by month, its first) brings it; -1 none."""
    found = np.full(len(funnel.rep), -1, dtype=np.int64)
    if decision.kind == "shares":
        by_share = np.array([rule == BY_SHARE for rule in world.routes.rule])
        routes = decision.attribution.of_route[funnel.product, funnel.region, funnel.rep]
        return np.where(by_share[funnel.source] & (routes >= 0), routes, found)
    prospecting = len(funnel.sources) - 1
    assert funnel.sources[prospecting] == PROSPECTING
    months = max(1, len(decision.months))
    lever = {}
    for c, cell in enumerate(world.cells):
        if decision.kind == "hours" and cell.rep >= 0:
            lever[prospecting, cell.region, cell.product, cell.rep] = int(decision.attribution.of_cell[c])
        elif decision.kind == "budget" and cell.line >= 0:
            lever[cell.source, cell.region, cell.product, -1] = cell.line * months
    keys = zip(
        funnel.source.tolist(), funnel.region.tolist(), funnel.product.tolist(), funnel.rep.tolist(), strict=True
    )
    for i, (source, region, product, rep) in enumerate(keys):
        found[i] = lever.get((source, region, product, rep if decision.kind == "hours" else -1), -1)
    return found


# --- what it came to --------------------------------------------------------------------------------------------------


def balance_report(before: LoadedPlan, after: LoadedPlan) -> Balanced | None:
    """Each rep's work before and after, by the mean funnels of both plans; None where none is asked for."""
    wanted = territory_of(before)
    if wanted is None:
        return None
    was, now = (_loads(plan, wanted) for plan in (before, after))
    rows = tuple(
        BalanceRow(
            rep,
            group,
            hours,
            work,
            off,
            was[rep][2] if rep in was else None,
            was[rep][3] if rep in was else None,
            _limit(off, wanted.within),
        )
        for rep, (group, hours, work, off) in now.items()
    )
    worst = max((abs(row.deviation) for row in rows), default=0.0)
    worst_before = max((abs(off) for _, _, _, off in was.values()), default=0.0)
    return Balanced(wanted.within, wanted.of, wanted.among, rows, worst_before, worst, max(0.0, worst - wanted.within))


def in_balance(loaded: LoadedPlan) -> bool:
    """Whether the plan's territories are in balance as it is, or nobody asks for it."""
    report = balance_report(loaded, loaded)
    return report is None or report.violation <= 0.0


def _loads(loaded: LoadedPlan, wanted: Territory) -> dict[str, tuple[int, float, float, float]]:
    """By rep: who it is compared with, hours there, work, and how far that is from the mean, relative to it."""
    funnel = mean_funnel(loaded, build(loaded).cal)
    work = np.bincount(funnel.rep, weights=_measure(funnel, wanted.of), minlength=len(funnel.reps)).astype(np.float64)
    group = comparable(loaded.plan, tuple(funnel.reps), wanted.among)
    off = deviations(work, funnel.hours_there, group)
    rows = zip(group.tolist(), funnel.hours_there.tolist(), work.tolist(), off.tolist(), strict=True)
    return dict(zip(funnel.reps, rows, strict=True))


def _limit(off: float, within: float) -> str:
    if abs(off) < within - 1e-3:
        return ""
    return "above" if off > 0 else "below"
