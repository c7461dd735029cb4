"""Where leads come from: the plan's sources and prospecting reps as cells with an intensity by month.

A *cell* is (source or prospecting rep, region, product). This module turns budgets, responses, seasons and mixes into
leads per working hour; `arrivals` turns those into leads. A *budgeted cell* is one budget line: (source, region,
product), where a product or region that the line does not split is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.arithmetic import added, exp, log
from engine.arrivals import AT_ONCE, AT_RANDOM, EVENLY
from engine.calendar import WorkCalendar
from engine.draws import entity_key
from engine.plan.types import Plan, Rep, Response, Source
from engine.staffing import staffing_of
from engine.territory import Territories, covered

SPREADS = {"year": AT_RANDOM, "even": EVENLY, "start": AT_ONCE}


@dataclass(frozen=True, eq=False)
class Cell:
    """One stream of leads. `rates` are leads per working hour by month, before the economy; a list has `count`."""

    key: int
    source: int  # index into World.sources; prospecting has its own, the last
    region: int
    product: int
    rep: int  # the prospecting rep, or -1
    enters: int  # stage index
    rates: NDArray[np.float64]  # [months]
    economy: float  # loading on the plan's economy
    count: int = -1  # exact lists: how many; else -1
    spread: int = AT_RANDOM
    line: int = -1  # its budget line, or -1
    since: float = 0.0  # hours; leads come after it,
    until: float = np.inf  # and not later than this: the days on which a prospecting rep is there


@dataclass(frozen=True)
class BudgetLine:
    """One amount of the plan's budget, over the horizon, and what it may turn into."""

    source: str
    region: str  # empty: not split by region
    product: str  # empty: not split by product
    amount: float  # over the horizon, in major units
    months: tuple[float, ...]  # the spend by month of the horizon
    response: Response
    felt: tuple[float, ...] = ()  # the spend that works in each month, after carry-over


def responded(response: Response, spend: float) -> float:
    """Leads a month for a month's spend: Hill (most x^s / (h^s + x^s)) or linear up to a ceiling."""
    if spend <= 0.0:
        return 0.0
    if response.hill is not None:
        hill = response.hill
        return hill.most_leads_per_month / (1.0 + exp(hill.shape * (log(hill.half_at) - log(spend))))
    if response.linear is not None:
        leads = spend / response.linear.cost_per_lead
        most = response.linear.most_leads_per_month
        return leads if most is None else min(leads, most)
    return 0.0


def normalised(weights: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    """Weights as shares of one, in sorted order; none at all gives none."""
    total = added(weights[key] for key in sorted(weights))
    return {key: weights[key] / total for key in sorted(weights) if weights[key] > 0.0} if total > 0.0 else {}


def mix_of(
    mix: Mapping[str, Mapping[str, float]] | None, regions: list[str], products: list[str]
) -> dict[tuple[str, str], float]:
    """(region, product) -> share of one; evenly over the given regions and products where the plan says nothing."""
    if mix is None:
        return normalised({(r, p): 1.0 for r in regions for p in products})
    return normalised({(r, p): w for r, by_product in mix.items() for p, w in by_product.items()})


def leaves(territory: Territories) -> list[str]:
    """The regions with none inside them: where deals live unless a mix says otherwise."""
    parents = set(territory.parent.tolist())
    return [name for i, name in enumerate(territory.names) if i not in parents]


def month_shares(cal: WorkCalendar) -> NDArray[np.float64]:
    """[months]: how much of each calendar month lies in the horizon."""
    return np.asarray(cal.month_shares, dtype=np.float64)


def spend_by_month(spend: float | tuple[float, ...], cal: WorkCalendar) -> tuple[float, ...]:
    """An amount for the horizon spread over its months by their shares; a list by month as it stands."""
    if isinstance(spend, tuple):
        return spend
    shares = month_shares(cal)
    return tuple(float(spend * s / shares.sum()) for s in shares)


def budget_lines(name: str, source: Source, cal: WorkCalendar) -> list[BudgetLine]:
    """A source's budget as lines in sorted order; empty where it has none."""
    if source.budget is None or source.response is None:
        return []
    split: dict[tuple[str, str], float | tuple[float, ...]] = {}
    if not isinstance(source.budget, Mapping):
        split["", ""] = source.budget
    else:
        for region, below in source.budget.items():
            if isinstance(below, Mapping):
                split.update({(region, product): spend for product, spend in below.items()})
            else:
                split[region, ""] = below
    lines = []
    for (region, product), spend in sorted(split.items()):
        months = spend_by_month(spend, cal)
        amount = added(months) if isinstance(spend, tuple) else spend
        felt = carried_over(months, source.response.carry_over, cal)
        lines.append(BudgetLine(name, region, product, float(amount), months, source.response, felt))
    return lines


def carried_over(months: tuple[float, ...], carry: float, cal: WorkCalendar) -> tuple[float, ...]:
    """Spend by month as it works: a part `carry` of each month's goes on to the next; steady spend is itself."""
    if carry == 0.0:
        return months
    shares = month_shares(cal)
    rates = [spend / share if share > 0.0 else 0.0 for spend, share in zip(months, shares, strict=True)]
    level, felt = rates[0] if rates else 0.0, []
    for rate, share in zip(rates, shares, strict=True):
        level = carry * level + (1.0 - carry) * rate
        felt.append(float(level * share))
    return tuple(felt)


def line_leads(line: BudgetLine, amount: float, cal: WorkCalendar) -> float:
    """Leads over the horizon that a line makes at another amount, its months' profile kept; without a season."""
    shares = month_shares(cal)
    profile = np.array(line.felt or line.months) / line.amount if line.amount > 0.0 else shares / shares.sum()
    leads = 0.0
    for part, share in zip(profile, shares, strict=True):
        if share > 0.0:
            leads += float(share) * responded(line.response, amount * float(part) / float(share))
    return leads


def within_line(line: BudgetLine, mix: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    """How a line's leads split over (region, product): the mix inside its cell."""
    inside = {
        key: share
        for key, share in mix.items()
        if (not line.region or key[0] == line.region) and (not line.product or key[1] == line.product)
    }
    if not inside and line.region and line.product:
        return {(line.region, line.product): 1.0}
    return normalised(inside)


def season_factors(source: Source, cal: WorkCalendar) -> NDArray[np.float64]:
    """[months]: season and growth as a factor of the flow. 12 weights from January, mean 1; growth is 1 mid-horizon."""
    factors = np.ones(len(cal.month_labels))
    if source.season:
        mean = added(source.season) / len(source.season)
        factors = np.array([source.season[int(label[5:7]) - 1] / mean for label in cal.month_labels])
    if source.growth:
        slope, middle = log(1.0 + source.growth) / 12.0, 0.5 * (len(factors) - 1)
        factors = factors * np.array([exp(slope * (m - middle)) for m in range(len(factors))])
    return factors


def hours_of_full_months(cal: WorkCalendar) -> NDArray[np.float64]:
    """[months]: working hours of the whole calendar month, whatever part of it the horizon covers.

    Infinite where nobody works, so that a rate spread over them is nothing.
    """
    hours = np.diff(cal.month_ends, prepend=0.0)
    shares = month_shares(cal)
    worked = (shares > 0.0) & (hours > 0.0)
    return np.where(worked, hours / np.where(worked, shares, 1.0), np.inf)


def _leads_by_month(source: Source, cal: WorkCalendar) -> NDArray[np.float64]:
    """Leads per working hour by month that a source makes without any budget."""
    season = season_factors(source, cal)
    rates = np.zeros(len(cal.month_labels))
    if source.leads_per_month is not None:
        rates = rates + source.leads_per_month * season / hours_of_full_months(cal)
    if source.leads_per_day is not None:
        rates = rates + source.leads_per_day * season / cal.hours_per_day
    return rates


def apportioned(count: int, shares: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], int]:
    """Exactly `count` over the shares by largest remainder; ties go by sorted key."""
    exact = {key: count * share for key, share in shares.items()}
    given = {key: int(value) for key, value in exact.items()}
    short = count - sum(given.values())
    for key in sorted(exact, key=lambda k: (-(exact[k] - given[k]), k))[:short]:
        given[key] += 1
    return given


def source_cells(
    name: str,
    source: Source,
    index: int,
    plan: Plan,
    territory: Territories,
    cal: WorkCalendar,
    stage_index: Mapping[str, int],
    first_line: int,
) -> tuple[list[Cell], list[BudgetLine]]:
    """One source's cells and budget lines; `first_line` is the number of the first of its lines."""
    regions = {region: i for i, region in enumerate(territory.names)}
    products = {product: i for i, product in enumerate(sorted(plan.products))}
    mix = mix_of(source.mix, leaves(territory), sorted(products))
    enters = stage_index[source.enters] if source.enters else 0
    loading = source.economy

    def cell(kind: str, key: tuple[str, str], rates: NDArray[np.float64], count: int = -1, line: int = -1) -> Cell:
        return Cell(
            entity_key(kind, name, *key),
            index,
            regions[key[0]],
            products[key[1]],
            -1,
            enters,
            rates,
            loading,
            count,
            SPREADS[source.spread],
            line,
        )

    none = np.zeros(len(cal.month_labels))
    if source.prospects is not None:
        counts = apportioned(source.prospects, mix)
        return [cell("list", key, none, counts[key]) for key in sorted(counts)], []
    lines = budget_lines(name, source, cal)
    if not lines:
        rates = _leads_by_month(source, cal)
        return [cell("source", key, rates * share) for key, share in sorted(mix.items())], []
    season = season_factors(source, cal)
    full = hours_of_full_months(cal)
    shares = month_shares(cal)
    cells = []
    for number, line in enumerate(lines):
        # A cut month has its part of a month's spend; the response is to the spend of a whole month.
        whole = [spend / s if s > 0 else 0.0 for spend, s in zip(line.felt, shares, strict=True)]
        rates = np.array([responded(line.response, spend) for spend in whole]) * season / full
        split = within_line(line, mix)
        cells += [cell("source", key, rates * share, line=first_line + number) for key, share in sorted(split.items())]
    return cells, lines


def prospecting_cells(
    rep: Rep,
    index: int,
    source: int,
    plan: Plan,
    territory: Territories,
    cal: WorkCalendar,
    stage_index: Mapping[str, int],
) -> list[Cell]:
    """The prospects a rep finds: hours a week times prospects an hour, spread over working time and the rep's mix.

    Before the rep's first day and after the last there are none; while the rep gets up to speed there are fewer.
    """
    prospecting = rep.prospecting
    if prospecting is None or prospecting.hours_per_week * prospecting.prospects_per_hour == 0.0:
        return []
    regions = {region: i for i, region in enumerate(territory.names)}
    products = {product: i for i, product in enumerate(sorted(plan.products))}
    here = covered(territory, rep.region)
    own = [region for region in leaves(territory) if here[regions[region]]]
    mix = mix_of(prospecting.mix, own, sorted(rep.products or products))
    rate = prospecting.hours_per_week * prospecting.prospects_per_hour / cal.week_hours
    staff = staffing_of({rep.name: rep}, [rep.name], cal)
    rates = rate * staff.pace[0]
    enters = stage_index[prospecting.enters] if prospecting.enters else 0
    return [
        Cell(
            entity_key("prospecting", rep.name, *key),
            source,
            regions[key[0]],
            products[key[1]],
            index,
            enters,
            rates * share,
            1.0,
            since=float(staff.since[0]),
            until=float(staff.until[0]),
        )
        for key, share in sorted(mix.items())
    ]
