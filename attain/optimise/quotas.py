"""Quotas as a second stage: the smallest probability that a rep attains its quota, made largest.

Quotas sum to the goal times an over-assignment within the plan's limits. They are set on paths of phase 1 and their
odds are reported on phase 0. Nothing else in the plan moves: reps do not yet work harder for a quota.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attain.optimise.decisions import Edit
from attain.optimise.parts import cells_of, parts_of
from attain.optimise.phasing import Spread, observed, round_unit, spread_quotas
from attain.optimise.quota_records import QuotaParts, QuotaRow, QuotaTotals, TopDown
from attain.results import Results
from engine.draws import SIMULATE
from engine.goals import BOOKINGS
from engine.outcomes import BOOKED
from engine.plan.types import Goal, LoadedPlan, Plan, Quota
from engine.problems import PlanRefused, Problem
from engine.world import World, build
from solvers.levers import ClashingLimits
from solvers.quotas import QuotaPlan, allocate_quotas, quota_odds, sample_quantiles

Floats = NDArray[np.float64]
ROUND_TO = 1_000  # a quota is written in steps of about a thousandth of the goal, a round number
BOTTOM_UP = 0.5  # what a rep makes as often as not, unless the plan says what odds reps are to have
NO_REFERENCE = "some reps have no quota now: neither change_at_most nor fairness was used"


@dataclass(frozen=True)
class Figures:
    """Each rep's quota [reps] from above and from below, in minor units; `level`: the odds behind the latter."""

    top_down: Floats
    bottom_up: Floats
    level: float


@dataclass(frozen=True)
class QuotaAnswer:
    """Quotas and their odds on fresh paths."""

    rows: tuple[QuotaRow, ...]
    over_assignment: float
    spread_before: tuple[float, float] | None
    spread_after: tuple[float, float]
    totals: QuotaTotals
    months: tuple[str, ...]  # of the rows' months: YYYY-MM
    weeks: tuple[str, ...]  # of the rows' weeks: their first days
    parts: QuotaParts
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


def set_quotas(
    current: LoadedPlan, before: Results, after: Results, *, seed: int, jobs: int | None, paths: int
) -> QuotaAnswer:
    """Quotas for the plan as allocated, set on so many paths. Raises PlanRefused where no quotas satisfy the limits."""
    world = build(current)
    decide = current.plan.decide
    wanted = decide.quotas if decide is not None else None
    assert wanted is not None, "asked for only where quotas may move"
    seen = observed(current, world, seed, jobs, paths)
    target = company_target(world)
    own = world.quotas.year
    had = not bool(np.isnan(own).any())
    try:
        found = allocate_quotas(
            seen.bookings,
            target,
            over_assignment=wanted.over_assignment,
            reference=own if had else None,
            change_at_most=wanted.change_at_most if had else None,
            odds=wanted.odds,
            band=wanted.fairness.band if had and wanted.fairness is not None else None,
            unit=round_unit(target, world.minor, ROUND_TO),
            names=world.reps,
        )
    except ClashingLimits as clash:
        raise PlanRefused([Problem("decide.quotas", "", f"limits that can hold together: {clash}")]) from None
    spread = spread_quotas(world, seen, found.quotas, unit=round_unit(target, world.minor, ROUND_TO))
    fresh = observed(current, world, seed, jobs, min(paths, after.held_parts), SIMULATE)
    level = BOTTOM_UP if wanted.odds is None else wanted.odds
    figures = Figures(
        top_down(world, target, own if had else None),
        np.rint(sample_quantiles(seen.bookings)(level)),
        level,
    )
    answer = _answer(
        world, found, spread, figures, before, after, had or not (wanted.change_at_most or wanted.fairness)
    )
    cells = cells_of(world, spread.cells, fresh)
    rows = tuple(replace(row, split=split) for row, split in zip(answer.rows, cells, strict=True))
    return replace(answer, rows=rows, parts=parts_of(world, rows, after))


def top_down(world: World, target: float, reference: Floats | None) -> Floats:
    """[reps] the goal split as a head office does it: as quotas are now, or without any by the hours that reps have."""
    speed = np.array([rep.hours_per_week for rep in sorted(world.plan.reps, key=lambda rep: rep.name)])
    weights = reference if reference is not None and reference.sum() > 0.0 else speed
    weights = weights if weights.sum() > 0.0 else np.ones(len(weights))
    shares: Floats = weights / weights.sum()
    return target * shares


def _answer(
    world: World, found: QuotaPlan, spread: Spread, figures: Figures, before: Results, after: Results, used_change: bool
) -> QuotaAnswer:
    """Quotas, their spread and both figures beside them, with the odds of each on fresh paths."""
    own, fresh = world.quotas.year, after.reps[:, :, BOOKED]
    known = ~np.isnan(own)
    odds, odds_of_share = quota_odds(fresh, found.quotas), quota_odds(fresh, figures.top_down)
    old_odds = quota_odds(_of_reps(before, world), np.where(known, own, 0.0))
    starts, weeks = spread.by_week()
    rows = tuple(
        QuotaRow(
            name,
            float(own[r]) / world.minor if known[r] else None,
            float(found.quotas[r]) / world.minor,
            float(old_odds[r]) if known[r] else None,
            float(odds[r]),
            (),
            TopDown(float(figures.top_down[r]) / world.minor, float(odds_of_share[r])),
            float(figures.bottom_up[r]) / world.minor,
            tuple(float(amount) for amount in spread.months[r]),
            tuple(float(amount) for amount in weeks[r]),
        )
        for r, name in enumerate(world.reps)
    )
    spread_before = (float(old_odds[known].min()), float(old_odds[known].max())) if known.any() else None
    return QuotaAnswer(
        rows,
        found.over_assignment,
        spread_before,
        (float(odds.min()), float(odds.max())),
        QuotaTotals(
            found.total / found.over_assignment / world.minor,
            float(figures.bottom_up.sum()) / world.minor,
            figures.level,
            found.total / world.minor,
        ),
        world.months,
        tuple(start.isoformat() for start in starts),
        QuotaParts((), (), (), ()),
        () if used_change else (NO_REFERENCE,),
    )


def _of_reps(before: Results, world: World) -> Floats:
    """[n, reps] bookings before; nothing of those who are only hired now."""
    place = {name: r for r, name in enumerate(before.world.reps)}
    booked = np.zeros((len(before.reps), len(world.reps)))
    for r, name in enumerate(world.reps):
        if name in place:
            booked[:, r] = before.reps[:, place[name], BOOKED]
    return booked


def _quota_of(row: QuotaRow) -> Quota:
    """A quota for the year and each of its months."""
    return Quota(year=row.after, months=row.months, cells=_cells(row))


def _cells(row: QuotaRow) -> dict[str, dict[str, float]]:
    """Region -> product -> amount."""
    found: dict[str, dict[str, float]] = {}
    for cell in row.split:
        found.setdefault(cell.region, {})[cell.product] = cell.quota
    return found


def with_quotas(loaded: LoadedPlan, answer: QuotaAnswer) -> LoadedPlan:
    """The plan with the new quotas."""
    quotas = {row.rep: _quota_of(row) for row in answer.rows}
    reps = tuple(rep.model_copy(update={"quota": quotas[rep.name]}) for rep in loaded.plan.reps)
    plan: Plan = loaded.plan.model_copy(update={"reps": reps})
    return loaded.model_copy(update={"plan": plan})


def quota_edits(loaded: LoadedPlan, answer: QuotaAnswer) -> list[Edit]:
    """The new quotas as edits of the plan's file."""
    rows = {row.rep: row for row in answer.rows}

    def plain(amount: float) -> float:
        return int(amount) if float(amount).is_integer() else amount

    return [
        (
            ("reps", rep.name, "quota"),
            {
                "year": plain(rows[rep.name].after),
                "months": [plain(month) for month in rows[rep.name].months],
                **_written_cells(rows[rep.name], plain),
            },
        )
        for rep in loaded.plan.reps
    ]


def _written_cells(row: QuotaRow, plain: Callable[[float], float]) -> dict[str, Any]:
    """The quota by region and product, where it lies in more than one of them."""
    if len(row.split) < 2:
        return {}
    return {
        "cells": {region: {name: plain(amount) for name, amount in by.items()} for region, by in _cells(row).items()}
    }
