"""What stands on the first day: known accounts, deals already open, and what has been booked by as_of."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.calendar import WorkCalendar
from engine.draws import entity_key
from engine.plan.quantities import Duration
from engine.plan.types import Account, Actual, OpenDeal, Plan
from engine.territory import Territories

UNKNOWN = -1
Reader = Callable[[Duration], tuple[float, bool]]


@dataclass(frozen=True, eq=False)
class Accounts:
    """Known accounts in sorted order; scores NaN and owner or segment -1 where not known."""

    names: tuple[str, ...]
    owner: NDArray[np.int64]
    segment: NDArray[np.int64]
    scores: NDArray[np.float64]  # [accounts, 3]
    in_region: tuple[NDArray[np.int64], ...]  # [regions] -> accounts that leads of that region may come from


@dataclass(frozen=True, eq=False)
class OpenDeals:
    """Deals open on the first day, in the order of their keys. -1 and NaN stand for what is drawn instead."""

    names: tuple[str, ...]
    key: tuple[int, ...]
    stage: NDArray[np.int64]
    age_hours: NDArray[np.float64]
    age_days: NDArray[np.float64]  # the same age in calendar days
    owner: NDArray[np.int64]  # UNKNOWN: routed
    product: NDArray[np.int64]
    region: NDArray[np.int64]
    segment: NDArray[np.int64]
    source: NDArray[np.int64]
    value: NDArray[np.float64]  # major units
    scores: NDArray[np.float64]  # [deals, 3]


@dataclass(frozen=True, eq=False)
class Happened:
    """Booked between the horizon's start and as_of: one row a record."""

    day: NDArray[np.int64]  # proleptic ordinal of the date
    month: NDArray[np.int64]  # of the horizon
    rep: NDArray[np.int64]
    product: NDArray[np.int64]
    region: NDArray[np.int64]
    segment: NDArray[np.int64]
    bookings: NDArray[np.float64]  # minor units
    deals_won: NDArray[np.float64]


def _index(names: Sequence[str], name: str | None, otherwise: int = UNKNOWN) -> int:
    return otherwise if name is None else list(names).index(name)


def _score(value: float | None) -> float:
    return math.nan if value is None else value


def accounts_of(rows: Sequence[Account], names: Mapping[str, Sequence[str]], territory: Territories) -> Accounts:
    """Accounts by name; one without a region may be met in any."""
    known = sorted(rows, key=lambda a: a.account)
    regions = np.array([_index(territory.names, a.region) for a in known], dtype=np.int64)
    in_region = []
    for g in range(len(territory.names)):
        here = [i for i, r in enumerate(regions) if r == UNKNOWN or territory.inside[r, g] or territory.inside[g, r]]
        in_region.append(np.array(here, dtype=np.int64))
    return Accounts(
        tuple(a.account for a in known),
        np.array([_index(names["reps"], a.owner) for a in known], dtype=np.int64),
        np.array([_index(names["segments"], a.segment) for a in known], dtype=np.int64),
        np.array([[_score(a.money), _score(a.authority), _score(a.need)] for a in known]).reshape(len(known), 3),
        tuple(in_region),
    )


def ages(age: Duration, cal: WorkCalendar, hours_of: Reader) -> tuple[float, float]:
    """An age in working hours and in calendar days: as written, and the other at the calendar's rate."""
    number, calendar_days = hours_of(age)
    days_per_hour = 7.0 / cal.week_hours
    return (number / days_per_hour, number) if calendar_days else (number, number * days_per_hour)


def _first_fit(product: int, region: int, able: NDArray[np.bool_]) -> tuple[int, int]:
    """The first (product, region) that is able and agrees with what is known."""
    for p, g in np.argwhere(able).tolist():
        if product in (UNKNOWN, p) and region in (UNKNOWN, g):
            return p, g
    return product, region


def open_deals_of(
    rows: Sequence[OpenDeal],
    plan: Plan,
    names: Mapping[str, Sequence[str]],
    territory: Territories,
    cal: WorkCalendar,
    may_take: NDArray[np.bool_],
    hours_of: Reader,
) -> OpenDeals:
    """The pipeline. What a row leaves open is what its owner may take: the first region and product by name."""
    stages = [stage.name for stage in plan.stages]
    keyed = sorted(((entity_key("deal", row.deal), row) for row in rows), key=lambda pair: pair[0])
    product, region = [], []
    for _, row in keyed:
        owner = _index(names["reps"], row.owner)
        p, g = _index(names["products"], row.product), _index(territory.names, row.region)
        if UNKNOWN in (p, g):
            able = may_take[owner].any(axis=2) if owner != UNKNOWN else may_take.any(axis=(0, 3))
            p, g = _first_fit(p, g, np.asarray(able))
        product.append(max(p, 0))
        region.append(max(g, 0))
    both = np.array([ages(row.age, cal, hours_of) for _, row in keyed]).reshape(len(keyed), 2)
    return OpenDeals(
        tuple(row.deal for _, row in keyed),
        tuple(key for key, _ in keyed),
        np.array([stages.index(row.stage) for _, row in keyed], dtype=np.int64),
        both[:, 0].copy(),
        both[:, 1].copy(),
        np.array([_index(names["reps"], row.owner) for _, row in keyed], dtype=np.int64),
        np.array(product, dtype=np.int64),
        np.array(region, dtype=np.int64),
        np.array([_index(names["segments"], row.segment) for _, row in keyed], dtype=np.int64),
        np.array([_index(names["sources"], row.source, len(names["sources"]) - 1) for _, row in keyed], dtype=np.int64),
        np.array([_score(row.value) for _, row in keyed]),
        np.array([[_score(r.money), _score(r.authority), _score(r.need)] for _, r in keyed]).reshape(len(keyed), 3),
    )


def happened_of(
    rows: Sequence[Actual],
    names: Mapping[str, Sequence[str]],
    territory: Territories,
    cal: WorkCalendar,
    minor: float,
) -> Happened:
    """The actuals, by their dates."""
    months = list(cal.month_labels)
    return Happened(
        np.array([row.date.toordinal() for row in rows], dtype=np.int64),
        np.array([months.index(f"{row.date:%Y-%m}") for row in rows], dtype=np.int64),
        np.array([_index(names["reps"], row.rep) for row in rows], dtype=np.int64),
        np.array([_index(names["products"], row.product) for row in rows], dtype=np.int64),
        np.array([_index(territory.names, row.region) for row in rows], dtype=np.int64),
        np.array([_index(names["segments"], row.segment, 0) for row in rows], dtype=np.int64),
        np.floor(np.array([row.bookings for row in rows]) * minor + 0.5),
        np.array([row.deals_won for row in rows]),
    )
