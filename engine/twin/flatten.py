"""A world in the twin's records: the same numbers as `World`, laid out once for all its replications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.goals import MEASURES
from engine.outcomes import Attribution
from engine.realise import Parameters
from engine.routing import LEAST_LOADED
from engine.twin import records
from engine.world import World

Array = NDArray[Any]


def filled(layout: np.dtype[np.void], size: int, /, **columns: Sequence[Any] | Array) -> Array:
    """Records of a layout from their columns; what is not named is 0."""
    rows = np.zeros(size, dtype=layout)
    for name, values in columns.items():
        rows[name] = values
    return rows


def point(record: Array, at: dict[str, Array]) -> tuple[Array, ...]:
    """Enter the addresses of arrays into a record. Returns the arrays, which must outlive it."""
    for name, array in at.items():
        if not array.flags.c_contiguous:
            raise ValueError(f"{name}: a view of memory that is not contiguous")
        record[name] = array.ctypes.data
    return tuple(at.values())


def _ints(values: Any) -> Array:
    return np.ascontiguousarray(values, dtype=np.int64)


def _floats(values: Any) -> Array:
    return np.ascontiguousarray(values, dtype=np.float64)


def _multipliers(world: World) -> dict[str, Array]:
    names = ("of_rep", "of_product", "of_segment", "of_source", "of_class", "pace_rep", "pace_product", "pace_source")
    return {name: getattr(world.stages, name) for name in names}


def _stages(world: World) -> tuple[Array, Array]:
    """The stages, and what each counts when its work is done."""
    stages = world.stages
    counted = stages.activities != 0.0
    ends = np.cumsum(counted.sum(axis=1))
    columns = {name: getattr(stages, name) for name in ("work", "wait", "wait_lost", "stale", "stale_calendar")}
    rows = filled(
        records.STAGE, len(stages.names), **columns, first_activity=ends - counted.sum(axis=1), last_activity=ends
    )
    measures = len(MEASURES) + np.nonzero(counted)[1]
    return rows, filled(records.ACTIVITY, len(measures), measure=measures, count=stages.activities[counted])


def _legs(world: World) -> tuple[Array, Array, Array, Array]:
    """The legs, who counts what by (measure, rep) as starts and items, and what else each leg asks."""
    legs, reps = world.goals.legs, len(world.reps)
    rows = filled(
        records.LEG,
        len(legs),
        first_day=[leg.dates[0] for leg in legs],
        last_day=[leg.dates[1] for leg in legs],
        since=[leg.since for leg in legs],
        until=[leg.until for leg in legs],
    )
    of: list[list[int]] = [[] for _ in range(len(world.measures) * reps)]
    for i, leg in enumerate(legs):
        for rep in np.flatnonzero(leg.reps).tolist():
            of[leg.measure * reps + rep].append(i)
    starts = np.cumsum([0, *(len(items) for items in of)])
    masks = [np.concatenate([leg.products, leg.regions, leg.segments, leg.sources]) for leg in legs]
    return rows, _ints(starts), _ints([i for items in of for i in items]), np.array(masks, dtype=np.bool_)


def _cells(world: World, attribution: Attribution | None) -> Array:
    columns = ("key", "source", "region", "product", "rep", "enters", "spread")
    return filled(
        records.CELL,
        len(world.cells),
        prospects=[cell.count for cell in world.cells],
        since=[max(world.start, cell.since) for cell in world.cells],
        until=[min(world.cal.month_ends[-1], cell.until) for cell in world.cells],
        **{name: [getattr(cell, name) for cell in world.cells] for name in columns},
        lever=attribution.of_cell if attribution else np.full(len(world.cells), records.NONE),
    )


def _open_deals(world: World) -> Array:
    known = world.open_deals
    columns = ("key", "stage", "owner", "product", "region", "segment", "source", "age_hours", "age_days", "value")
    return filled(
        records.OPEN_DEAL,
        len(known.key),
        **{name: getattr(known, name) for name in columns},
        began=world.months_table.began,
        **dict(zip(("money", "authority", "need"), known.scores.T, strict=True)),
    )


def _accounts(world: World) -> tuple[Array, Array, Array]:
    known = world.accounts
    rows = filled(
        records.ACCOUNT,
        len(known.names),
        owner=known.owner,
        segment=known.segment,
        **dict(zip(("money", "authority", "need"), known.scores.T, strict=True)),
    )
    starts = np.cumsum([0, *(len(items) for items in known.in_region)])
    return rows, _ints(starts), _ints(np.concatenate([*known.in_region, np.zeros(0, dtype=np.int64)]))


def _checked(attribution: Attribution | None, cells: int, shape: tuple[int, ...]) -> None:
    """Raise ValueError where levers are beyond their count, or not one a cell and a route: they are indices later."""
    if attribution is None:
        return
    for name, found, due in (("cell", attribution.of_cell, (cells,)), ("route", attribution.of_route, shape)):
        if found.shape != due or found.max(initial=records.NONE) >= attribution.count:
            raise ValueError(f"levers by {name}: numbers below {attribution.count} of shape {due}, not {found!r}")


class FlatWorld:
    """A world's record, `w` of the twin's functions, and the arrays that it points to."""

    def __init__(self, world: World, attribution: Attribution | None = None) -> None:
        stages, routes, done = world.stages, world.routes, world.happened
        shape = (len(world.products), len(world.regions), len(world.reps))
        staffing, leaving = world.staffing, world.staffing.anybody_leaves
        _checked(attribution, len(world.cells), shape)
        record = np.zeros(1, dtype=records.WORLD)
        sizes = {
            "won": stages.won,
            "stages": len(stages.names),
            "reps": len(world.reps),
            "products": len(world.products),
            "regions": len(world.regions),
            "segments": len(world.segments),
            "sources": len(world.sources),
            "months": len(world.months),
            "measures": len(world.measures),
            "desks": len(world.desks.speed),
            "lines": len(world.desks.weights),
            "shared": world.desks.shared,
            "legs": len(world.goals.legs),
            "levers": attribution.count if attribution else 0,
            "accounts": len(world.accounts.names),
            "classes": world.plan.customers is not None,
            "class_priority": world.class_priority,
            "draws_segment": len(world.segments) > 1,
            "multiplied": any((odds != 1.0).any() for odds in _multipliers(world).values()) or bool(world.odds_sds),
            # Who counts the open deals of each rep sees deals end; so does who hands deals over, and he sees work done.
            "ends_are_seen": (routes.rule == LEAST_LOADED).any() or leaving,
            # So does the order in which fractions are added up.
            "work_is_seen": (stages.activities % 1.0 != 0.0).any() or leaving,
            "anybody_leaves": leaving,
            "places": len(world.products) * len(world.regions) * len(world.segments),
            "staffs": len(staffing.there),
            "changes": len(staffing.changes),
            "activities": np.count_nonzero(stages.activities),
            "open_deals": len(world.open_deals.key),
            "happened": len(done.day),
            "cells": len(world.cells),
            "days": len(world.cal.hours_at),
            "rows": len(world.dists),
            "values": len(world.table),
            "takers": len(routes.takers),
            "past": world.months_table.past,
            "spans": world.months_table.size,
        }
        numbers = {
            "start": world.start,
            "end": world.cal.month_ends[-1],
            "minor": world.minor,
            "strong_from": world.strong_from,
        }
        for name, value in (
            sizes | numbers | dict(zip(("money", "authority", "need"), world.scores, strict=True))
        ).items():
            record[name] = value
        stage_rows, activities = _stages(world)
        happened = {name: getattr(done, name) for name in records.HAPPENED.names or ()}
        legs, leg_start, leg_items, leg_may = _legs(world)
        accounts, account_start, account_items = _accounts(world)
        levers = _ints(attribution.of_route) if attribution else np.full(shape, records.NONE, dtype=np.int64)
        self._kept = point(
            record,
            {f"at_{name}": _floats(odds) for name, odds in _multipliers(world).items()}
            | {
                "at_month_ends": _floats(world.cal.month_ends),
                "at_hours": _floats(world.cal.hours_at),
                "at_dists": np.ascontiguousarray(world.dists),
                "at_table": _floats(world.table),
                "at_stages": stage_rows,
                "at_activities": activities,
                "at_desk_of": _ints(world.desks.of),
                "at_desk_speed": _floats(world.desks.by_month),
                "at_first_line": _ints(world.desks.first_line),
                "at_line_of": _ints(world.desks.line_of),
                "at_weights": _floats(world.desks.weights),
                "at_changes": _floats(staffing.changes),
                "at_there": np.ascontiguousarray(staffing.there, dtype=np.bool_),
                "at_leaves": _floats(staffing.until),
                "at_rule": _ints(routes.rule),
                "at_share_row": _ints(routes.row),
                "at_may": np.ascontiguousarray(routes.may, dtype=np.bool_),
                "at_taker_start": _ints(routes.start),
                "at_takers": _ints(routes.takers),
                "at_reached": _floats(routes.reached),
                "at_segment_shares": _floats(world.segment_shares),
                "at_segment_value": _floats(world.segment_value),
                "at_deal_values": _ints(world.deal_values),
                "at_from_accounts": _floats(world.from_accounts),
                "at_accounts": accounts,
                "at_account_start": account_start,
                "at_account_items": account_items,
                "at_cells": _cells(world, attribution),
                "at_open_deals": _open_deals(world),
                "at_happened": filled(records.HAPPENED, len(done.day), **happened),
                "at_legs": legs,
                "at_leg_start": leg_start,
                "at_leg_items": leg_items,
                "at_leg_may": leg_may,
                "at_lever_of_route": levers,
            },
        )
        self.array = record
        self.record = record[0]
        self._drawn: tuple[Array, ...] = ()

    def draw(self, parameters: Parameters) -> None:
        """Point to what a replication draws anew in place of the world's own; nothing where it draws nothing."""
        found = {f"at_{name}": _floats(odds) for name, odds in parameters.multipliers.items()}
        if parameters.dists is not None and parameters.table is not None:
            found |= {"at_dists": np.ascontiguousarray(parameters.dists), "at_table": _floats(parameters.table)}
        if found:
            self._drawn = point(self.array, found)
