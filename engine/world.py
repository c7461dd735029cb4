"""A plan turned into the flat arrays that both engines run on, once, before anything is simulated.

`build` is the seam between the plan's words and the model's numbers: names become indices in sorted order, times
working hours, money minor units, distributions rows of one table. A world is immutable; changing a plan means building
another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from engine.calendar import WorkCalendar, resolve, to_hours
from engine.demand import BudgetLine, Cell, prospecting_cells, source_cells
from engine.desks import Desks, desks_of
from engine.distributions import DistributionTable
from engine.draws import entity_key, register_keys
from engine.goals import GoalBook, QuotaBook, goal_book, measures_of, quotas_of
from engine.months import MonthTable, month_table
from engine.openings import Accounts, Happened, OpenDeals, accounts_of, happened_of, open_deals_of
from engine.plan.types import LoadedPlan, Plan, Uncertain
from engine.posteriors import UncertainRow, odds_sds
from engine.problems import PlanRefused, Problem
from engine.routing import Routes, routes_of
from engine.staffing import Staffing, staffing_of
from engine.territory import Territories, may_take, territories

CLASSES = ("A", "B", "C", "D")
PROSPECTING = "prospecting"
# Currencies whose minor unit is not a hundredth (ISO 4217).
_NO_MINOR = {
    "JPY",
    "KRW",
    "VND",
    "CLP",
    "ISK",
    "XAF",
    "XOF",
    "XPF",
    "PYG",
    "RWF",
    "UGX",
    "VUV",
    "KMF",
    "GNF",
    "DJF",
    "BIF",
}
_THOUSANDTHS = {"KWD", "BHD", "OMR", "JOD", "TND", "IQD", "LYD"}


@dataclass(frozen=True, eq=False)
class Stages:
    """The stages in order; every array is [stages] unless it says otherwise. Indices point into the distributions."""

    names: tuple[str, ...]
    keys: tuple[int, ...]
    won: int
    work: NDArray[np.int64]
    wait: NDArray[np.int64]
    wait_lost: NDArray[np.int64]
    stale: NDArray[np.float64]  # hours, or calendar days where stale_calendar; infinite where never
    stale_calendar: NDArray[np.bool_]
    advance: NDArray[np.float64]  # NaN where it is drawn from a posterior
    wins: NDArray[np.float64]
    tries: NDArray[np.float64]
    has_work: NDArray[np.bool_]
    activities: NDArray[np.float64]  # [stages, activities]
    of_rep: NDArray[np.float64]  # [stages, reps] odds multipliers
    of_product: NDArray[np.float64]
    of_segment: NDArray[np.float64]
    of_source: NDArray[np.float64]
    of_class: NDArray[np.float64]  # [stages, 4]
    pace_rep: NDArray[np.float64]  # [stages, reps] multipliers of waits
    pace_product: NDArray[np.float64]
    pace_source: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class World:
    """Everything a replication needs that does not change between replications."""

    plan: Plan
    cal: WorkCalendar
    minor: float  # minor units in a major one
    start: float  # hours; 0, or as_of
    reps: tuple[str, ...]
    products: tuple[str, ...]
    territory: Territories
    segments: tuple[str, ...]
    segment_shares: NDArray[np.float64]  # cumulated
    segment_value: NDArray[np.float64]
    sources: tuple[str, ...]
    measures: tuple[str, ...]
    stages: Stages
    desks: Desks
    staffing: Staffing
    prospecting_hours: NDArray[np.float64]  # [reps], a working hour's part
    dists: NDArray[np.void]
    table: NDArray[np.float64]
    distributions: DistributionTable
    deal_values: NDArray[np.int64]  # [products]
    scores: tuple[int, int, int]  # money, authority, need
    strong_from: float
    class_priority: bool
    cells: tuple[Cell, ...]
    normal_rates: NDArray[np.float64]  # [cells, months] leads per working hour before the economy
    cell_regions: NDArray[np.int64]  # [cells]
    loadings: NDArray[np.float64]  # [cells] on the plan's economy
    lines: tuple[BudgetLine, ...]
    routes: Routes
    from_accounts: NDArray[np.float64]  # [sources]
    accounts: Accounts
    open_deals: OpenDeals
    months_table: MonthTable
    happened: Happened
    goals: GoalBook
    quotas: QuotaBook
    uncertain_rows: tuple[UncertainRow, ...]  # distributions that a replication draws from their posterior
    odds_sds: dict[str, tuple[NDArray[np.float64], NDArray[np.uint64]]]  # of_rep, ... -> sds of log odds, keys
    economy_index: NDArray[np.float64]  # [months]
    economy_key: int
    region_keys: tuple[int, ...]

    @property
    def regions(self) -> tuple[str, ...]:
        """Every region of the tree, sorted."""
        return self.territory.names

    @property
    def months(self) -> tuple[str, ...]:
        """The horizon's months, YYYY-MM."""
        return self.cal.month_labels


def minor_units(currency: str) -> float:
    """How many minor units a major unit of the currency has."""
    code = currency.upper()
    return 1.0 if code in _NO_MINOR else 1000.0 if code in _THOUSANDTHS else 100.0


def won_index(plan: Plan) -> int:
    """The stage whose advance books the deal: the one marked, else the last."""
    marked = [i for i, stage in enumerate(plan.stages) if stage.won]
    return marked[0] if marked else len(plan.stages) - 1


def _stages(
    plan: Plan,
    names: dict[str, Sequence[str]],
    table: DistributionTable,
    cal: WorkCalendar,
    columns: Mapping[str, tuple[float, ...]],
) -> Stages:
    hours_of = partial(to_hours, calendar=cal)
    count = len(plan.stages)
    won = won_index(plan)
    activities = measures_of(plan)[5:]
    work = [table.add_time(s.work, hours_of, columns) for s in plan.stages]
    wait = [table.add_time(s.wait, hours_of, columns) for s in plan.stages]
    lost = [
        table.add_time(s.wait_lost, hours_of, columns) if s.wait_lost is not None else wait[i]
        for i, s in enumerate(plan.stages)
    ]
    stale = [hours_of(s.stale_after) if s.stale_after is not None else (np.inf, False) for s in plan.stages]
    uncertain = [s.advance if isinstance(s.advance, Uncertain) else None for s in plan.stages]
    by_rep = {rep.name: rep.advance for rep in plan.reps}
    waits = {rep.name: rep.wait for rep in plan.reps}

    def odds(tables: Sequence[dict[str, float]]) -> NDArray[np.float64]:
        return np.array([[t.get(s.name, 1.0) for t in tables] for s in plan.stages]).reshape(count, len(tables))

    class_odds = plan.customers.advance if plan.customers else {}
    of_class = np.array([[class_odds.get(c, 1.0) if i <= won else 1.0 for c in CLASSES] for i in range(count)])  # type: ignore[call-overload]
    sources = [plan.sources[name].advance if name in plan.sources else {} for name in names["sources"]]
    segments = [plan.segments[name].advance if name in plan.segments else {} for name in names["segments"]]
    return Stages(
        tuple(s.name for s in plan.stages),
        tuple(entity_key("stage", s.name) for s in plan.stages),
        won,
        np.array(work),
        np.array(wait),
        np.array(lost),
        np.array([value for value, _ in stale]),
        np.array([calendar for _, calendar in stale]),
        np.array([np.nan if u is not None else float(s.advance) for s, u in zip(plan.stages, uncertain, strict=True)]),  # type: ignore[arg-type]
        np.array([u.wins if u is not None else 0.0 for u in uncertain]),
        np.array([u.of if u is not None else 0.0 for u in uncertain]),
        np.array([table.mean(i) > 0.0 for i in work]),
        np.array([[s.activities.get(a, 0.0) for a in activities] for s in plan.stages]).reshape(count, len(activities)),
        odds([by_rep[name] for name in names["reps"]]),
        odds([plan.products[name].advance for name in names["products"]]),
        odds(segments),
        odds(sources),
        of_class,
        odds([waits[name] for name in names["reps"]]),
        odds([plan.products[name].wait for name in names["products"]]),
        odds([plan.sources[name].wait if name in plan.sources else {} for name in names["sources"]]),
    )


def _uncertain_rows(
    plan: Plan, stages: Stages, values: Sequence[int], names: dict[str, Sequence[str]]
) -> tuple[UncertainRow, ...]:
    """The rows that say how many observations they are known from, and their keys."""
    written = [
        *((s.work, int(stages.work[i]), ("work", s.name)) for i, s in enumerate(plan.stages)),
        *((s.wait, int(stages.wait[i]), ("wait", s.name)) for i, s in enumerate(plan.stages)),
        *((s.wait_lost, int(stages.wait_lost[i]), ("wait_lost", s.name)) for i, s in enumerate(plan.stages)),
        *((plan.products[p].deal_value, row, ("value", p)) for p, row in zip(names["products"], values, strict=True)),
    ]
    return tuple(
        UncertainRow(
            row, entity_key("distribution", *key), dist.of, dist.of if dist.spread_of is None else dist.spread_of
        )
        for dist, row, key in written
        if dist is not None and dist.of is not None
    )


def _register(names: dict[str, Sequence[str]], territory: Territories, plan: Plan, deals: Sequence[str]) -> None:
    """Refuse two names with one key: their draws would be the same."""
    cells = [(region, product) for region in territory.names for product in names["products"]]
    register_keys(
        [
            ("economy", ()),
            *(("stage", (stage.name,)) for stage in plan.stages),
            *(("region", (region,)) for region in territory.names),
            *(("deal", (deal,)) for deal in sorted(set(deals))),
            *((kind, (name, *cell)) for kind in ("source", "list") for name in plan.sources for cell in cells),
            *(("prospecting", (rep, *cell)) for rep in names["reps"] for cell in cells),
        ]
    )


def build(loaded: LoadedPlan) -> World:
    """The world of a plan. Raises PlanRefused where the calendar, or two names' keys, forbid it."""
    plan, files = loaded.plan, loaded.files
    cal = resolve(plan.calendar, plan.horizon)
    minor = minor_units(plan.currency)
    territory = territories(plan.regions)
    names: dict[str, Sequence[str]] = {
        "reps": tuple(sorted(rep.name for rep in plan.reps)),
        "products": tuple(sorted(plan.products)),
        "segments": tuple(sorted(plan.segments)) or ("",),
        "sources": (*sorted(plan.sources), PROSPECTING),
    }
    stage_index = {stage.name: i for i, stage in enumerate(plan.stages)}
    table = DistributionTable()
    stages = _stages(plan, names, table, cal, files.columns)
    values = [table.add_amount(plan.products[p].deal_value, files.columns, 1.0) for p in names["products"]]
    customers = plan.customers
    if customers is not None:
        scores = tuple(
            table.add_amount(d, files.columns, 1.0) for d in (customers.money, customers.authority, customers.need)
        )
    else:
        scores = (-1, -1, -1)
    cells: list[Cell] = []
    lines: list[BudgetLine] = []
    for k, name in enumerate(sorted(plan.sources)):
        found, own = source_cells(name, plan.sources[name], k, plan, territory, cal, stage_index, len(lines))
        cells += found
        lines += own
    by_name = {rep.name: rep for rep in plan.reps}
    for r, name in enumerate(names["reps"]):
        cells += prospecting_cells(by_name[name], r, len(names["sources"]) - 1, plan, territory, cal, stage_index)
    segments = [plan.segments[name] for name in sorted(plan.segments)]
    weights = np.array([s.share for s in segments]) if segments else np.ones(1)
    quotas = quotas_of(plan, cal, minor)
    economy = plan.economy
    index = np.ones(len(cal.month_labels))
    if economy is not None and economy.index:
        index[: len(economy.index)] = economy.index[: len(index)]
    for cell in cells:
        if not np.isfinite(cell.rates).all():
            where = f"{names['sources'][cell.source]}, {territory.names[cell.region]}"
            raise PlanRefused([Problem("sources", where, "leads whose rate is a finite number in every month")])
    mask = may_take(plan, territory)
    staffing = staffing_of(by_name, names["reps"], cal)
    _register(names, territory, plan, [row.deal for row in files.pipeline])
    dists, flat = table.arrays()
    open_deals = open_deals_of(files.pipeline, plan, names, territory, cal, mask, partial(to_hours, calendar=cal))
    world = World(
        plan=plan,
        cal=cal,
        minor=minor,
        # The end of as_of belongs to the day that is over; what happens next happens after it.
        start=float(np.nextafter(cal.as_of_hours, np.inf)) if cal.as_of_hours > 0.0 else 0.0,
        reps=tuple(names["reps"]),
        products=tuple(names["products"]),
        territory=territory,
        segments=tuple(names["segments"]),
        segment_shares=np.cumsum(weights) / weights.sum(),
        segment_value=np.array([s.value for s in segments]) if segments else np.ones(1),
        sources=tuple(names["sources"]),
        measures=measures_of(plan),
        stages=stages,
        desks=desks_of([by_name[r] for r in names["reps"]], names["products"], territory, cal, staffing),
        staffing=staffing,
        prospecting_hours=np.array(
            [
                (by_name[r].prospecting.hours_per_week if by_name[r].prospecting else 0.0) / cal.week_hours  # type: ignore[union-attr]
                for r in names["reps"]
            ]
        ),
        dists=dists,
        table=flat,
        distributions=table,
        deal_values=np.array(values),
        scores=scores,  # type: ignore[arg-type]
        strong_from=customers.strong_from if customers else 0.5,
        class_priority=customers.priority if customers else False,
        cells=tuple(cells),
        normal_rates=np.array([cell.rates for cell in cells]).reshape(len(cells), len(cal.month_labels)),
        cell_regions=np.array([cell.region for cell in cells], dtype=np.int64),
        loadings=np.array([cell.economy for cell in cells]).reshape(len(cells)),
        lines=tuple(lines),
        routes=routes_of(plan, names, territory, mask, staffing.there),
        from_accounts=np.array([plan.sources[n].from_accounts if n in plan.sources else 0.0 for n in names["sources"]]),
        accounts=accounts_of(files.accounts, names, territory),
        open_deals=open_deals,
        months_table=month_table(plan, len(cal.month_labels), open_deals.age_days),
        happened=happened_of(files.actuals, names, territory, cal, minor),
        goals=goal_book(plan, cal, territory, names, quotas, minor),
        quotas=quotas,
        uncertain_rows=_uncertain_rows(plan, stages, values, names),
        odds_sds=odds_sds(plan, names),
        economy_index=index,
        economy_key=entity_key("economy"),
        region_keys=tuple(entity_key("region", name) for name in territory.names),
    )
    return world
