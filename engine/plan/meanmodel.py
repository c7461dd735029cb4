"""What the mean funnel reckons with: mean conversions, works and values, who may take what, and a deal's way.

Read from a plan for ``meanfunnel``. Uncertain conversions stand at their posterior mean; customers' scores are
independent of one another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from engine.calendar import WorkCalendar, to_hours
from engine.distributions import DistributionTable, cumulative
from engine.plan.names import won_index
from engine.plan.types import AmountDistribution, LoadedPlan, Plan, Routing, Uncertain
from engine.staffing import Staffing, staffing_of
from engine.territory import Territories, may_take, territories

Floats = NDArray[np.float64]
CLASSES = ("A", "B", "C", "D")


@dataclass(frozen=True, eq=False)
class MeanModel:
    """What every row is computed with: conversions and works by stage, and who may take what."""

    plan: Plan
    territory: Territories
    reps: list[str]
    products: list[str]
    segments: list[str]
    shares: Floats  # [segments]
    may: NDArray[np.bool_]  # [reps, products, regions, segments]
    staffing: Staffing
    base: Floats  # [stages] probability of advancing
    rep_odds: Floats  # [stages, reps]
    segment_odds: Floats  # [stages, segments]
    class_odds: Floats  # [stages, 4]
    class_shares: Floats  # [4]
    work: Floats  # [stages] mean hours
    value: Floats  # [products]
    segment_value: Floats  # [segments]


def _odds(stages: Sequence[str], tables: Iterable[Mapping[str, float]]) -> Floats:
    held = list(tables)
    return np.array([[table.get(stage, 1.0) for table in held] for stage in stages]).reshape(len(stages), len(held))


def _with_odds(probability: Floats, odds: Floats) -> Floats:
    """Probabilities with their odds multiplied; 0 and 1 stay what they are."""
    raised: Floats = probability * odds / (1.0 - probability + probability * odds)
    return raised


def _class_shares(plan: Plan, columns: Mapping[str, tuple[float, ...]]) -> Floats:
    """[4]: how often a customer is of class A to D, the three scores independent."""
    if plan.customers is None:
        return np.array([0.0, 0.0, 0.0, 1.0])
    just_below = np.nextafter(plan.customers.strong_from, -1.0)
    counts = np.array([1.0])
    dists: tuple[AmountDistribution, ...] = (plan.customers.money, plan.customers.authority, plan.customers.need)
    for dist in dists:
        table = DistributionTable()
        table.add_amount(dist, columns, 1.0)
        strong = 1.0 - float(cumulative(*table.arrays(), 0, just_below))
        counts = np.convolve(counts, [1.0 - strong, strong])
    shares: Floats = counts[::-1].copy()
    return shares


def mean_model(loaded: LoadedPlan, cal: WorkCalendar) -> MeanModel:
    plan = loaded.plan
    territory = territories(plan.regions)
    stages = [stage.name for stage in plan.stages]
    by_name = {rep.name: rep for rep in plan.reps}
    reps, products, segments = sorted(by_name), sorted(plan.products), sorted(plan.segments)
    table = DistributionTable()
    hours_of = partial(to_hours, calendar=cal)
    works = [table.add_time(stage.work, hours_of, loaded.files.columns) for stage in plan.stages]
    values = [table.add_amount(plan.products[p].deal_value, loaded.files.columns, 1.0) for p in products]
    weights = np.array([plan.segments[name].share for name in segments] or [1.0])
    won = won_index(plan)
    class_odds = np.ones((len(stages), 4))
    for i, name in enumerate(CLASSES):
        odds = {str(key): value for key, value in plan.customers.advance.items()} if plan.customers else {}
        class_odds[: won + 1, i] = odds.get(name, 1.0)
    base = [
        (s.advance.wins + 0.5) / (s.advance.of + 1.0) if isinstance(s.advance, Uncertain) else s.advance
        for s in plan.stages
    ]
    return MeanModel(
        plan, territory, reps, products, segments or [""], weights / weights.sum(), may_take(plan, territory),
        staffing_of(by_name, reps, cal),
        np.array(base), _odds(stages, (by_name[name].advance for name in reps)),
        _odds(stages, [plan.segments[name].advance for name in segments] or [{}]),
        class_odds, _class_shares(plan, loaded.files.columns),
        np.array([table.mean(i) for i in works]), np.array([table.mean(i) for i in values]),
        np.array([plan.segments[name].value for name in segments] or [1.0]),
    )  # fmt: skip


def even_shares(model: MeanModel, routing: Routing, region: int, product: int, there: NDArray[np.bool_]) -> Floats:
    """[reps, segments]: how a cell's leads are expected to split over those `there`; zero where none may take them."""
    able = (model.may[:, product, region, :] & there[:, None]).astype(np.float64)
    if routing.rule == "share":
        by_cell = routing.share.cells.get(model.territory.names[region], {}).get(model.products[product])
        weights = np.array([(by_cell or routing.share.reps).get(name, 0.0) for name in model.reps])
        shared = able * weights[:, None]
        able = np.where(shared.sum(axis=0) > 0, shared, able)
    total = able.sum(axis=0)
    return np.asarray(np.divide(able, total, out=np.zeros_like(able), where=total > 0))


def mean_passage(model: MeanModel, product: int, source: Mapping[str, float], enters: int) -> tuple[Floats, Floats]:
    """[stages, reps, segments] of entering and of advancing from each stage, for one lead that enters at `enters`."""
    plan = model.plan
    own = plan.products[model.products[product]].advance
    odds = np.array([own.get(s.name, 1.0) * source.get(s.name, 1.0) for s in plan.stages])
    shape = (len(plan.stages), len(model.reps), len(model.segments))
    entered, advanced = np.zeros(shape), np.zeros(shape)
    for c in np.flatnonzero(model.class_shares):
        here = np.full(shape[1:], model.class_shares[c])
        for i in range(enters, len(plan.stages)):
            raised = odds[i] * model.class_odds[i, c] * model.rep_odds[i][:, None] * model.segment_odds[i][None, :]
            entered[i] += here
            here = here * _with_odds(np.full(shape[1:], model.base[i]), raised)
            advanced[i] += here
    return entered, advanced
