"""Quotas as a second stage: the smallest probability that a rep attains its quota, made largest.

Quotas sum to the goal times an over-assignment within the plan's limits. They are set on paths of phase 1 and their
odds are reported on phase 0. Nothing else in the plan moves: reps do not yet work harder for a quota.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attain.optimise.decisions import Edit
from attain.optimise.records import QuotaRow
from attain.optimise.search import simulate_batches
from attain.results import Results
from engine.batch import Batch, Simulator
from engine.draws import SEARCH
from engine.goals import BOOKINGS, MEASURES
from engine.outcomes import BOOKED
from engine.plan.types import Goal, LoadedPlan, Plan, Quota
from engine.problems import PlanRefused, Problem
from engine.world import World, build
from solvers.levers import ClashingLimits
from solvers.quotas import allocate_quotas, contributions_at, quota_odds, split_quotas

Floats = NDArray[np.float64]
SPLIT_PATHS = 200
ROUND_TO = 1_000  # a quota is written in steps of about a thousandth of the goal, a round number


@dataclass(frozen=True)
class QuotaAnswer:
    """Quotas and their odds on fresh paths."""

    rows: tuple[QuotaRow, ...]
    over_assignment: float
    spread_before: tuple[float, float] | None
    spread_after: tuple[float, float]
    notes: tuple[str, ...] = ()


def company_target(world: World) -> float:
    """The bookings that quotas are to add up to, in minor units: the goal `company`, else the largest plain one."""
    book = world.goals
    plain = {
        name: book.legs[book.legs_of[g][0]].at_least
        for g, name in enumerate(book.names)
        if book.goals[g].metric == BOOKINGS and _of_all(book.goals[g], world)
    }
    if "company" in plain:
        return plain["company"]
    if not plain:
        expected = "a goal of bookings for the whole company and horizon, that the quotas add up to"
        raise PlanRefused([Problem("decide.quotas", ", ".join(book.names), expected)])
    return max(plain.values())


def _of_all(goal: Goal, world: World) -> bool:
    """Whether a goal is of everything, over the whole horizon."""
    where = goal.where
    anywhere = not (where.product or where.region or where.rep or where.segment or where.source)
    cal = world.cal
    return (
        anywhere
        and goal.every is None
        and (goal.since or cal.start) <= cal.start
        and (goal.until or cal.end) >= cal.end
    )


def round_unit(target: float, minor: float) -> float:
    """A power of ten of major units (in minor units) of about a thousandth of the target."""
    major = max(target / minor / ROUND_TO, 1.0)
    return float(10.0 ** np.floor(np.log10(major)) * minor)


def set_quotas(
    current: LoadedPlan, before: Results, after: Results, *, seed: int, jobs: int | None, paths: int
) -> QuotaAnswer:
    """Quotas for the plan as allocated, set on so many paths. Raises PlanRefused where no quotas satisfy the limits."""
    world = build(current)
    decide = current.plan.decide
    wanted = decide.quotas if decide is not None else None
    assert wanted is not None, "asked for only where quotas may move"
    batches = simulate_batches(Simulator(world, seed, SEARCH), 0, paths, jobs)
    bookings = np.concatenate([batch.reps[:, :, BOOKED] for batch in batches])
    target = company_target(world)
    own = world.quotas.year
    had = not bool(np.isnan(own).any())
    try:
        found = allocate_quotas(
            bookings,
            target,
            over_assignment=wanted.over_assignment,
            reference=own if had else None,
            change_at_most=wanted.change_at_most if had else None,
            unit=round_unit(target, world.minor),
            names=world.reps,
        )
    except ClashingLimits as clash:
        raise PlanRefused([Problem("decide.quotas", "", f"limits that can hold together: {clash}")]) from None
    fresh = after.reps[:, :, BOOKED]
    odds = quota_odds(fresh, found.quotas)
    known = ~np.isnan(own)
    old_odds = quota_odds(before.reps[:, :, BOOKED], np.where(known, own, 0.0))
    splits = _splits(world, seed, jobs, found.quotas, round_unit(target, world.minor))
    rows = tuple(
        QuotaRow(
            name,
            float(own[r]) / world.minor if known[r] else None,
            float(found.quotas[r]) / world.minor,
            float(old_odds[r]) if known[r] else None,
            float(odds[r]),
            splits[r],
        )
        for r, name in enumerate(world.reps)
    )
    spread_before = (float(old_odds[known].min()), float(old_odds[known].max())) if known.any() else None
    notes = (
        () if had or wanted.change_at_most is None else ("some reps have no quota now: change_at_most was not used",)
    )
    return QuotaAnswer(rows, found.over_assignment, spread_before, (float(odds.min()), float(odds.max())), notes)


def _splits(
    world: World, seed: int, jobs: int | None, quotas: Floats, unit: float
) -> list[tuple[tuple[str, str, float], ...]]:
    """Each rep's quota over (region, product), by what its cells bring on paths that end near the quota."""
    batches = simulate_batches(Simulator(world, seed, SEARCH, keep="cells"), 0, SPLIT_PATHS, jobs)
    cells = np.zeros((SPLIT_PATHS, len(world.reps), len(world.products), len(world.regions)))
    for batch in batches:
        keys, values = _cells(batch)
        np.add.at(cells, (batch.first + keys[:, 0], keys[:, 1], keys[:, 2], keys[:, 3]), values)
    flat = cells.reshape(SPLIT_PATHS, len(world.reps), -1)
    used = np.flatnonzero(flat.any(axis=(0, 1)))
    if not len(used):
        return [() for _ in world.reps]
    flat = flat[:, :, used]
    parts = split_quotas(quotas, contributions_at(flat, quotas), unit=unit)
    products, regions = np.divmod(used, len(world.regions))
    return [
        tuple(
            (world.regions[int(g)], world.products[int(p)], float(amount) / world.minor)
            for p, g, amount in zip(products, regions, row, strict=True)
            if amount > 0.0
        )
        for row in parts
    ]


def _cells(batch: Batch) -> tuple[NDArray[np.int64], Floats]:
    assert batch.cell_keys is not None, "kept by the simulator"
    assert batch.cells is not None, "kept by the simulator"
    return batch.cell_keys, batch.cells[:, MEASURES.index(BOOKINGS)]


def _new_quota(rep_quota: Quota | None, amount: float) -> Quota:
    """A quota for the year; months that were given keep their share of it."""
    if rep_quota is None or not rep_quota.months or not rep_quota.year:
        return Quota(year=amount)
    factor = amount / rep_quota.year
    return Quota(year=amount, months=tuple(round(month * factor, 2) for month in rep_quota.months))


def with_quotas(loaded: LoadedPlan, answer: QuotaAnswer) -> LoadedPlan:
    """The plan with the new quotas."""
    amounts = {row.rep: row.after for row in answer.rows}
    reps = tuple(rep.model_copy(update={"quota": _new_quota(rep.quota, amounts[rep.name])}) for rep in loaded.plan.reps)
    plan: Plan = loaded.plan.model_copy(update={"reps": reps})
    return loaded.model_copy(update={"plan": plan})


def quota_edits(loaded: LoadedPlan, answer: QuotaAnswer) -> list[Edit]:
    """The new quotas as edits of the plan's file."""
    amounts = {row.rep: row.after for row in answer.rows}
    edits: list[Edit] = []
    for rep in loaded.plan.reps:
        quota = _new_quota(rep.quota, amounts[rep.name])
        year = int(amounts[rep.name]) if amounts[rep.name].is_integer() else amounts[rep.name]
        value: Any = {"year": year, "months": list(quota.months)} if quota.months else year
        edits.append((("reps", rep.name, "quota"), value))
    return edits
