"""The funnel by its means: what a spreadsheet would say of a plan, for `check` and as a yardstick.

Expected leads times expected conversions times expected values, with every deal carried through to its end however
late it came: no cycles, no queues, no deals going stale, no chance. So bookings come out too high wherever time or
hours run out before the deals do; what the plan can really attain is for the simulation to say. Uncertain conversions
stand at their posterior mean, the economy's shocks are at 0. Round robin shares evenly; leads for the least loaded are
shared as is best for the reps' hours (``sharing``), which is what sending each to whoever is free tends to. Owners of
known accounts are left out: their leads are shared as all others. A known index moves the leads, not the conversions.
Who is not there gets no leads and has no hours; a ramp's hours count at its speed; deals stay with who leaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.calendar import WorkCalendar, resolve
from engine.demand import Cell, prospecting_cells, source_cells
from engine.plan.meanmodel import MeanModel, even_shares, mean_model, mean_passage
from engine.plan.names import won_index
from engine.plan.sharing import best_shares, together
from engine.plan.types import Economy, Goal, LoadedPlan, OpenDeal, Plan, Where
from engine.territory import Territories, covered

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PROSPECTING = "prospecting"


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
    team: Ints  # [reps]: a number for each set of reps who share work for the least loaded; most stand alone
    best_sharing: bool  # whether any leads go to the least loaded
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
class _Inflow:
    """Deals of one cell, with how they split over [reps, segments]."""

    source: int
    region: int
    product: int
    shares: Floats
    enters: int
    odds: Mapping[str, float]  # the source's
    count: float
    profile: Floats
    least_loaded: bool = False  # then `shares` are even, to be shared at best
    new: bool = True  # if not, the work of the stage it is in is done
    value: float | None = None


class _Rows:
    """Collects the rows of a funnel."""

    def __init__(self, model: MeanModel, months: int) -> None:
        self.model, self.months = model, months
        self.keys: list[tuple[int, int, int, int, int]] = []
        self.leads: list[float] = []
        self.entries: list[Floats] = []
        self.advances: list[Floats] = []
        self.bookings: list[float] = []
        self.work: list[float] = []
        self.profile: list[Floats] = []
        self.passages: dict[tuple[int, int, int], tuple[Floats, Floats]] = {}

    def passage(self, flow: _Inflow) -> tuple[Floats, Floats]:
        """Entering and advancing, for one deal of an inflow."""
        key = (flow.product, flow.source, flow.enters)
        if key not in self.passages:
            self.passages[key] = mean_passage(self.model, flow.product, flow.odds, flow.enters)
        return self.passages[key]

    def unit_work(self, flow: _Inflow) -> Floats:
        """[reps, segments]: hours of work of one deal; the first stage's is done if the deal is not new."""
        hours = self.model.work.copy()
        if not flow.new:
            hours[flow.enters] = 0.0
        return np.asarray(np.tensordot(hours, self.passage(flow)[0], axes=1))

    def add(self, flow: _Inflow) -> None:
        """An inflow's rows, split over [reps, segments]."""
        model = self.model
        entered, advanced = self.passage(flow)
        work = self.unit_work(flow)
        won = won_index(model.plan)
        for r, s in zip(*np.nonzero(flow.shares), strict=True):
            n = flow.count * float(flow.shares[r, s])
            own_on = advanced[:, r, s] * n
            amount = model.value[flow.product] if flow.value is None else flow.value
            factor = model.segment_value[s] if flow.value is None else 1.0
            self.keys.append((flow.source, flow.region, flow.product, int(r), int(s)))
            self.leads.append(n if flow.new else 0.0)
            self.entries.append(entered[:, r, s] * n)
            self.advances.append(own_on)
            self.bookings.append(float(own_on[won] * amount * factor))
            self.work.append(float(work[r, s]) * n)
            self.profile.append(flow.profile)


def _cell_counts(cell: Cell, cal: WorkCalendar, index: Floats, low: float, high: float) -> Floats:
    """[months]: the leads that a cell is expected to make from one hour to another, not before as_of.

    `index` is what a loading of one follows.
    """
    low = max(low, cal.as_of_hours)
    hours = np.diff(np.clip(cal.month_ends, low, max(low, high)), prepend=low)
    if cell.count < 0:
        return cell.rates * hours * index**cell.economy
    if cell.spread == 2:  # all at once, on the first instant
        first = np.zeros(len(hours))
        first[0] = cell.count if low == 0.0 else 0.0
        return first
    return cell.count * hours / cal.horizon_hours


def _open_cell(model: MeanModel, deal: OpenDeal) -> tuple[int, int, Floats] | None:
    """Product, region and [reps, segments] shares of an open deal; what is not said goes to the first that may be."""
    there = model.staffing.there[0]
    owner = model.reps.index(deal.owner) if deal.owner is not None else -1
    if owner >= 0 and not there[owner]:
        owner = -1  # the deal has been handed over
    able = model.may & there[:, None, None, None]
    if owner >= 0:
        mine = np.zeros_like(able)
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
        if owner < 0:
            return None
        product = model.products.index(deal.product) if deal.product else 0
        region = list(model.territory.names).index(deal.region) if deal.region else 0
        shares = np.zeros((len(model.reps), len(model.segments)))
        shares[owner] = model.shares
        return product, region, shares
    product, region = map(int, cells[0])
    weights = able[:, product, region, :] * model.shares[None, :]
    return product, region, np.asarray(weights / weights.sum())


def mean_funnel(loaded: LoadedPlan, cal: WorkCalendar | None = None) -> MeanFunnel:
    """The plan's funnel by its means; see the module. `cal` is the resolved calendar, if it is at hand."""
    plan, files = loaded.plan, loaded.files
    cal = cal or resolve(plan.calendar, plan.horizon)
    model = mean_model(loaded, cal)
    months = len(cal.month_labels)
    economy = plan.economy or Economy()
    index = np.ones(months)
    index[: len(economy.index)] = economy.index[:months]
    index **= economy.leads
    stage_index = {stage.name: i for i, stage in enumerate(plan.stages)}
    sources = (*sorted(plan.sources), PROSPECTING)
    flows, untaken = _sourced(model, cal, index, sources, stage_index)
    by_name = {rep.name: rep for rep in plan.reps}
    for r, name in enumerate(model.reps):
        for cell in prospecting_cells(by_name[name], r, len(sources) - 1, plan, model.territory, cal, stage_index):
            counts = _cell_counts(cell, cal, index, cell.since, cell.until)
            if not counts.sum() > 0.0:
                continue
            shares = np.zeros((len(model.reps), len(model.segments)))
            shares[r] = model.shares
            flows.append(_Inflow(cell.source, cell.region, cell.product, shares, cell.enters, {}, float(counts.sum()),
                                 counts / counts.sum()))  # fmt: skip
    in_hand = _add_pipeline(flows, model, months, loaded, sources, stage_index)
    rows, there = _Rows(model, months), _hours_there(model, cal)
    flows, team = _shared_at_best(rows, flows, there)
    for flow in flows:
        rows.add(flow)
    return _funnel(
        rows, cal, sources=sources, hours_there=there, team=team, best_sharing=any(f.least_loaded for f in flows),
        in_hand=in_hand, untaken=untaken, booked=sum(row.bookings for row in files.actuals),
    )  # fmt: skip


def _sourced(
    model: MeanModel, cal: WorkCalendar, index: Floats, sources: Sequence[str], stage_index: Mapping[str, int]
) -> tuple[list[_Inflow], float]:
    """The leads of the plan's sources, and how many no rep may take."""
    plan = model.plan
    flows, untaken = [], 0.0
    for k, name in enumerate(sources[:-1]):
        source = plan.sources[name]
        routing = source.routing or plan.routing
        for cell in source_cells(name, source, k, plan, model.territory, cal, stage_index, 0)[0]:
            for low, high, there in model.staffing.periods():
                counts = _cell_counts(cell, cal, index, low, high)
                total = float(counts.sum())
                if total > 0.0:
                    shares = even_shares(model, routing, cell.region, cell.product, there) * model.shares[None, :]
                    untaken += total * (1.0 - float(shares.sum()))
                    flows.append(_Inflow(k, cell.region, cell.product, shares, cell.enters, source.advance, total,
                                         counts / total, routing.rule == "least_loaded"))  # fmt: skip
    return flows, untaken


def _shared_at_best(rows: _Rows, flows: Sequence[_Inflow], there: Floats) -> tuple[list[_Inflow], Ints]:
    """The inflows, those for the least loaded shared at best; and [reps] who shares work with whom."""
    pieces: list[tuple[int, int]] = []  # (inflow, segment)
    work, may = [], []
    fixed = np.zeros(len(there))
    for i, flow in enumerate(flows):
        hours = rows.unit_work(flow) * flow.count
        if not flow.least_loaded:
            fixed += (hours * flow.shares).sum(axis=1)
            continue
        for s in np.flatnonzero(flow.shares.sum(axis=0)):
            pieces.append((i, int(s)))
            work.append(hours[:, s] * flow.shares[:, s].sum())
            may.append(flow.shares[:, s] > 0.0)
    if not pieces:
        return list(flows), np.arange(len(there))
    hours_of = np.array(work)
    best = best_shares(hours_of, np.array(may), fixed, there)
    given = [flow.shares.copy() if flow.least_loaded else flow.shares for flow in flows]
    for (i, segment), shares in zip(pieces, best, strict=True):
        given[i][:, segment] = shares * given[i][:, segment].sum()
    return [replace(flow, shares=own) for flow, own in zip(flows, given, strict=True)], together(hours_of, best)


def _add_pipeline(
    flows: list[_Inflow], model: MeanModel, months: int, loaded: LoadedPlan, sources: Sequence[str],
    stage_index: Mapping[str, int],
) -> Floats:  # fmt: skip
    plan = loaded.plan
    first = np.zeros(months)
    first[0] = 1.0
    in_hand = np.zeros(len(stage_index))
    places: dict[tuple[str | None, ...], tuple[int, int, Floats] | None] = {}
    for deal in loaded.files.pipeline:
        in_hand[stage_index[deal.stage]] += 1.0
        said = (deal.owner, deal.product, deal.region, deal.segment)
        if said not in places:
            places[said] = _open_cell(model, deal)
        placed = places[said]
        if placed is not None:
            product, region, shares = placed
            source = plan.sources.get(deal.source) if deal.source else None
            number = list(sources).index(deal.source) if deal.source and source else len(sources) - 1
            routing = (source.routing if source else None) or plan.routing
            flows.append(_Inflow(number, region, product, shares, stage_index[deal.stage],
                                 source.advance if source else {}, 1.0, first,
                                 routing.rule == "least_loaded" and deal.owner is None, new=False,
                                 value=deal.value))  # fmt: skip
    return in_hand


def _hours_there(model: MeanModel, cal: WorkCalendar) -> Floats:
    """[reps]: working hours for deals until the horizon's end, at full speed: a ramp's are worth as many fewer."""
    left = (model.staffing.hours(cal, cal.as_of_hours) * model.staffing.pace).sum(axis=1)
    there = np.zeros(len(model.reps))
    for rep in model.plan.reps:
        spent = rep.prospecting.hours_per_week if rep.prospecting else 0.0
        r = model.reps.index(rep.name)
        there[r] = (rep.hours_per_week - spent) / cal.week_hours * left[r]
    return there


def _funnel(
    rows: _Rows, cal: WorkCalendar, *, sources: tuple[str, ...], hours_there: Floats, team: Ints, best_sharing: bool,
    in_hand: Floats, untaken: float, booked: float,
) -> MeanFunnel:  # fmt: skip
    model = rows.model
    stages = len(model.plan.stages)
    keys = np.array(rows.keys, dtype=np.int64).reshape(len(rows.keys), 5)
    work = np.array(rows.work)
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
        hours_there=hours_there,
        team=team,
        best_sharing=best_sharing,
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
