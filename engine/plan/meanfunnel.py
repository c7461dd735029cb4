"""The funnel by its means: what a spreadsheet would say of a plan, for `check` and as a yardstick.

Expected leads times expected conversions times expected values, with every deal carried through to its end however
late it came: no cycles, no queues, no deals going stale, no chance. So bookings come out too high wherever time or
hours run out before the deals do; what the plan can really attain is for the simulation to say. Uncertain conversions
stand at their posterior mean, shares of least loaded and round robin routing are even, the economy's shocks are at 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from engine.calendar import WorkCalendar, resolve, to_hours
from engine.demand import Cell, prospecting_cells, source_cells
from engine.distributions import DistributionTable, cumulative
from engine.plan.names import won_index
from engine.plan.types import AmountDistribution, Goal, LoadedPlan, OpenDeal, Plan, Routing, Uncertain, Where
from engine.territory import Territories, covered, may_take, territories

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PROSPECTING = "prospecting"
CLASSES = ("A", "B", "C", "D")


@dataclass(frozen=True, eq=False)
class MeanFunnel:
    """Expected flows from as_of to the horizon's end, one row for each (source, region, product, rep, segment).

    Names are sorted; `source`, `region`, `product`, `rep` and `segment` are [rows] indices into them. `entries` and
    `advances` are [rows, stages] expected deals; `bookings` [rows] in the currency's major units. `profile`, [rows,
    months], is when the rows' deals come in, and sums to one. `hours_needed` and `hours_there` are [reps] working hours
    for deals.
    """

    cal: WorkCalendar
    stages: tuple[str, ...]
    won: int
    sources: tuple[str, ...]
    territory: Territories
    products: tuple[str, ...]
    reps: tuple[str, ...]
    segments: tuple[str, ...]
    source: Ints
    region: Ints
    product: Ints
    rep: Ints
    segment: Ints
    leads: Floats
    entries: Floats
    advances: Floats
    bookings: Floats
    work: Floats  # [rows] hours of work
    profile: Floats
    hours_needed: Floats
    hours_there: Floats
    booked: float  # of the actuals, in major units
    in_hand: Floats  # [stages] deals open on the first day
    untaken: float  # leads that no rep may take

    @property
    def deals_won(self) -> Floats:
        """[rows]: expected deals booked."""
        won: Floats = self.advances[:, self.won]
        return won

    @property
    def total_bookings(self) -> float:
        """Expected bookings, with what has been booked already."""
        return float(self.bookings.sum()) + self.booked

    def hours_by_region(self) -> dict[str, float]:
        """Working hours that the deals of each region take, regions with none left out."""
        totals = np.bincount(self.region, weights=self.work, minlength=len(self.territory.names))
        return {name: float(h) for name, h in zip(self.territory.names, totals, strict=True) if h > 0}


@dataclass(frozen=True, eq=False)
class _Model:
    """What every row is computed with: conversions and works by stage, and who may take what."""

    plan: Plan
    territory: Territories
    reps: list[str]
    products: list[str]
    segments: list[str]
    shares: Floats  # [segments]
    may: NDArray[np.bool_]  # [reps, products, regions, segments]
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


def _model(loaded: LoadedPlan, cal: WorkCalendar) -> _Model:
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
    return _Model(
        plan, territory, reps, products, segments or [""], weights / weights.sum(), may_take(plan, territory),
        np.array(base), _odds(stages, (by_name[name].advance for name in reps)),
        _odds(stages, [plan.segments[name].advance for name in segments] or [{}]),
        class_odds, _class_shares(plan, loaded.files.columns),
        np.array([table.mean(i) for i in works]), np.array([table.mean(i) for i in values]),
        np.array([plan.segments[name].value for name in segments] or [1.0]),
    )  # fmt: skip


def _rep_shares(model: _Model, routing: Routing, region: int, product: int) -> Floats:
    """[reps, segments]: how a cell's leads are expected to split over reps; zero where nobody may take them."""
    able = model.may[:, product, region, :].astype(np.float64)
    if routing.rule == "share":
        by_cell = routing.share.cells.get(model.territory.names[region], {}).get(model.products[product])
        weights = np.array([(by_cell or routing.share.reps).get(name, 0.0) for name in model.reps])
        shared = able * weights[:, None]
        able = np.where(shared.sum(axis=0) > 0, shared, able)
    total = able.sum(axis=0)
    return np.asarray(np.divide(able, total, out=np.zeros_like(able), where=total > 0))


def _passage(model: _Model, product: int, source: Mapping[str, float], enters: int) -> tuple[Floats, Floats]:
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


class _Rows:
    """Collects the rows of a funnel."""

    def __init__(self, model: _Model, months: int) -> None:
        self.model, self.months = model, months
        self.keys: list[tuple[int, int, int, int, int]] = []
        self.leads: list[float] = []
        self.entries: list[Floats] = []
        self.advances: list[Floats] = []
        self.bookings: list[float] = []
        self.work: list[float] = []
        self.profile: list[Floats] = []
        self.passages: dict[tuple[int, int, int], tuple[Floats, Floats]] = {}

    def add(
        self, source: int, region: int, product: int, shares: Floats, enters: int, odds: Mapping[str, float],
        count: float, profile: Floats, *, new: bool = True, value: float | None = None,
    ) -> None:  # fmt: skip
        """Rows for `count` deals of one cell, split over [reps, segments]; if not `new`, their stage's work is done."""
        model = self.model
        key = (product, source, enters)
        if key not in self.passages:
            self.passages[key] = _passage(model, product, odds, enters)
        entered, advanced = self.passages[key]
        won = won_index(model.plan)
        for r, s in zip(*np.nonzero(shares), strict=True):
            n = count * float(shares[r, s])
            own_in, own_on = entered[:, r, s] * n, advanced[:, r, s] * n
            worked = own_in.copy()
            if not new:
                worked[enters] = 0.0
            amount = model.value[product] if value is None else value
            factor = model.segment_value[s] if value is None else 1.0
            self.keys.append((source, region, product, int(r), int(s)))
            self.leads.append(n if new else 0.0)
            self.entries.append(own_in)
            self.advances.append(own_on)
            self.bookings.append(float(own_on[won] * amount * factor))
            self.work.append(float(worked @ model.work))
            self.profile.append(profile)


def _cell_counts(cell: Cell, cal: WorkCalendar, index: Floats) -> Floats:
    """[months]: the leads that a cell is expected to make after as_of."""
    ends = np.maximum(cal.month_ends, cal.as_of_hours)
    hours = np.diff(ends, prepend=cal.as_of_hours)
    if cell.count < 0:
        return cell.rates * hours * index
    if cell.spread == 2:  # all at once, on the first instant
        first = np.zeros(len(hours))
        first[0] = cell.count if cal.as_of_hours == 0.0 else 0.0
        return first
    return cell.count * hours / cal.horizon_hours


def _open_cell(model: _Model, deal: OpenDeal) -> tuple[int, int, Floats] | None:
    """Product, region and [reps, segments] shares of an open deal; what is not said goes to the first that may be."""
    able = model.may
    if deal.owner is not None:
        mine = np.zeros_like(able)
        owner = model.reps.index(deal.owner)
        mine[owner] = able[owner]
        able = mine
    for axis, name, known in (
        (1, deal.product, model.products),
        (2, deal.region, list(model.territory.names)),
        (3, deal.segment, model.segments),
    ):
        if name is not None and name in known:
            only = np.zeros(able.shape[axis], dtype=np.bool_)
            only[known.index(name)] = True
            able = able & only.reshape([-1 if a == axis else 1 for a in range(4)])
    cells = np.argwhere(able.any(axis=(0, 3)))
    if not len(cells):
        if deal.owner is None:
            return None
        product = model.products.index(deal.product) if deal.product else 0
        region = list(model.territory.names).index(deal.region) if deal.region else 0
        shares = np.zeros((len(model.reps), len(model.segments)))
        shares[model.reps.index(deal.owner)] = model.shares
        return product, region, shares
    product, region = map(int, cells[0])
    weights = able[:, product, region, :] * model.shares[None, :]
    return product, region, np.asarray(weights / weights.sum())


def mean_funnel(loaded: LoadedPlan, cal: WorkCalendar | None = None) -> MeanFunnel:
    """The plan's funnel by its means; see the module. `cal` is the resolved calendar, if it is at hand."""
    plan, files = loaded.plan, loaded.files
    cal = cal or resolve(plan.calendar, plan.horizon)
    model = _model(loaded, cal)
    months = len(cal.month_labels)
    index = np.array(plan.economy.index) if plan.economy and plan.economy.index else np.ones(months)
    stage_index = {stage.name: i for i, stage in enumerate(plan.stages)}
    sources = (*sorted(plan.sources), PROSPECTING)
    rows = _Rows(model, months)
    untaken = 0.0
    for k, name in enumerate(sources[:-1]):
        source = plan.sources[name]
        cells, _ = source_cells(name, source, k, plan, model.territory, cal, stage_index, 0)
        for cell in cells:
            counts = _cell_counts(cell, cal, index)
            total = float(counts.sum())
            if total > 0.0:
                shares = _rep_shares(model, source.routing or plan.routing, cell.region, cell.product)
                shares = shares * model.shares[None, :]
                untaken += total * (1.0 - float(shares.sum()))
                rows.add(k, cell.region, cell.product, shares, cell.enters, source.advance, total, counts / total)
    by_name = {rep.name: rep for rep in plan.reps}
    for r, name in enumerate(model.reps):
        for cell in prospecting_cells(by_name[name], r, len(sources) - 1, plan, model.territory, cal, stage_index):
            counts = _cell_counts(cell, cal, index)
            shares = np.zeros((len(model.reps), len(model.segments)))
            shares[r] = model.shares
            rows.add(cell.source, cell.region, cell.product, shares, cell.enters, {}, float(counts.sum()),
                     counts / counts.sum())  # fmt: skip
    in_hand = _add_pipeline(rows, loaded, sources, stage_index)
    return _funnel(rows, cal, sources, in_hand, untaken, sum(row.bookings for row in files.actuals))


def _add_pipeline(rows: _Rows, loaded: LoadedPlan, sources: Sequence[str], stage_index: Mapping[str, int]) -> Floats:
    first = np.zeros(rows.months)
    first[0] = 1.0
    in_hand = np.zeros(len(stage_index))
    places: dict[tuple[str | None, ...], tuple[int, int, Floats] | None] = {}
    for deal in loaded.files.pipeline:
        in_hand[stage_index[deal.stage]] += 1.0
        said = (deal.owner, deal.product, deal.region, deal.segment)
        if said not in places:
            places[said] = _open_cell(rows.model, deal)
        placed = places[said]
        if placed is not None:
            product, region, shares = placed
            known = deal.source in loaded.plan.sources
            source = list(sources).index(deal.source) if deal.source and known else len(sources) - 1
            odds = loaded.plan.sources[deal.source].advance if deal.source and known else {}
            rows.add(source, region, product, shares, stage_index[deal.stage], odds, 1.0, first, new=False,
                     value=deal.value)  # fmt: skip
    return in_hand


def _funnel(
    rows: _Rows, cal: WorkCalendar, sources: tuple[str, ...], in_hand: Floats, untaken: float, booked: float
) -> MeanFunnel:
    model = rows.model
    stages = len(model.plan.stages)
    keys = np.array(rows.keys, dtype=np.int64).reshape(len(rows.keys), 5)
    work = np.array(rows.work)
    left = cal.horizon_hours - cal.as_of_hours
    there = np.zeros(len(model.reps))
    for rep in model.plan.reps:
        spent = rep.prospecting.hours_per_week if rep.prospecting else 0.0
        there[model.reps.index(rep.name)] = (rep.hours_per_week - spent) / cal.week_hours * left
    return MeanFunnel(
        cal=cal,
        stages=tuple(stage.name for stage in model.plan.stages),
        won=won_index(model.plan),
        sources=sources,
        territory=model.territory,
        products=tuple(model.products),
        reps=tuple(model.reps),
        segments=tuple(model.segments),
        source=keys[:, 0],
        region=keys[:, 1],
        product=keys[:, 2],
        rep=keys[:, 3],
        segment=keys[:, 4],
        leads=np.array(rows.leads),
        entries=np.array(rows.entries).reshape(len(keys), stages),
        advances=np.array(rows.advances).reshape(len(keys), stages),
        bookings=np.array(rows.bookings),
        work=work,
        profile=np.array(rows.profile).reshape(len(keys), rows.months),
        hours_needed=np.bincount(keys[:, 3], weights=work, minlength=len(model.reps)).astype(np.float64),
        hours_there=there,
        booked=booked,
        in_hand=in_hand,
        untaken=untaken,
    )


def expected(funnel: MeanFunnel, plan: Plan, goal: Goal) -> float | None:
    """What the mean funnel expects of a goal's metric in its window and filters; None where it counts no such thing.

    Deals count in the month in which they come in: no cycles. Of `every` month or quarter it is the worst. Bookings
    include what has been booked only where the goal looks at the whole business over the whole horizon.
    """
    per_row = _metric(funnel, plan, goal.metric) if goal.metric is not None else None
    if per_row is None:
        return None
    mask = _filter(funnel.product, funnel.products, goal.where.product)
    mask &= _filter(funnel.rep, funnel.reps, goal.where.rep)
    mask &= _filter(funnel.segment, funnel.segments, goal.where.segment)
    mask &= _filter(funnel.source, funnel.sources, goal.where.source)
    mask &= covered(funnel.territory, goal.where.region)[funnel.region]
    by_month = ((per_row * mask) @ funnel.profile) * _window(funnel.cal, goal)
    if goal.every is not None:
        labels = [_period(label, goal.every) for label in funnel.cal.month_labels]
        return float(min(sum(by_month[i] for i in range(len(labels)) if labels[i] == one) for one in set(labels)))
    whole = goal.where == Where() and goal.since is None and goal.until is None
    return float(by_month.sum()) + (funnel.booked if goal.metric == "bookings" and whole else 0.0)


def _period(label: str, every: str) -> str:
    return label if every == "month" else f"{label[:4]}-Q{(int(label[5:7]) + 2) // 3}"


def _metric(funnel: MeanFunnel, plan: Plan, metric: str) -> Floats | None:
    if metric == "bookings":
        return funnel.bookings
    if metric == "deals_won":
        return funnel.deals_won
    if metric == "leads":
        return funnel.leads
    if metric == "deals_lost":
        return np.asarray((funnel.entries - funnel.advances).sum(axis=1))
    counts = np.array([stage.activities.get(metric, 0.0) for stage in plan.stages])
    return np.asarray(funnel.entries @ counts) if counts.any() else None


def _filter(rows: Ints, names: Sequence[str], chosen: Sequence[str]) -> NDArray[np.bool_]:
    return np.array([not chosen or name in chosen for name in names], dtype=np.bool_)[rows]


def _window(cal: WorkCalendar, goal: Goal) -> Floats:
    """[months]: the part of each month's remaining hours that a goal counts."""
    ends = np.maximum(cal.month_ends, cal.as_of_hours)
    starts = np.concatenate(([cal.as_of_hours], ends[:-1]))
    since = cal.hours_until(goal.since) - cal.hours_per_day if goal.since else 0.0
    until = cal.hours_until(goal.until) if goal.until else cal.horizon_hours
    inside = np.clip(np.minimum(ends, until) - np.maximum(starts, since), 0.0, None)
    length = ends - starts
    return np.asarray(np.divide(inside, length, out=(inside > 0).astype(np.float64), where=length > 0))
