"""Batches as tables that other tools read as they are, and back: the columns of a run store.

One row a replication and name, in long form, money in major units, names as text, so that DuckDB, pandas, Polars and
Power BI need no key. `flow` and `sums` hold one row a chunk and name, summed over the chunk's replications.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attain.results import LEGS_BYTES, PARTS_BYTES, Results
from engine.batch import Batch, Simulator, input_names
from engine.goals import BOOKINGS, MEASURES
from engine.margins import MARGINS
from engine.outcomes import FLOW_COLUMNS, REP_COLUMNS, Kind
from engine.world import World

Columns = Mapping[str, NDArray[Any]]
MARGIN_TABLES = {"product": "products", "region": "regions", "segment": "segments", "month": "months"}


def _dimension(world: World, dimension: str) -> tuple[str, ...]:
    return {
        "product": world.products,
        "region": world.regions,
        "segment": world.segments,
        "month": world.months,
    }[dimension]


def _major(values: NDArray[np.float64], columns: tuple[str, ...], minor: float) -> dict[str, NDArray[np.float64]]:
    """The last axis as named columns, flattened; bookings in major units."""
    flat = values.reshape(-1, values.shape[-1])
    return {name: flat[:, i] / (minor if name == BOOKINGS else 1.0) for i, name in enumerate(columns)}


def _long(n: int, first: int, names: tuple[str, ...], column: str) -> dict[str, NDArray[Any]]:
    """Two key columns: each replication with each name."""
    labels = np.array(names, dtype=object)
    return {"replication": np.repeat(np.arange(first, first + n), len(names)), column: np.tile(labels, n)}


def _legs(world: World, batch: Batch) -> dict[str, NDArray[Any]]:
    legs = world.goals.legs
    scale = np.array([world.minor if world.measures[leg.measure] == BOOKINGS else 1.0 for leg in legs])
    least = np.array([leg.at_least for leg in legs])
    names = tuple(world.goals.names[leg.goal] for leg in legs)
    table = _long(batch.n, batch.first, names, "goal")
    table["part"] = np.tile(np.array([leg.label for leg in legs], dtype=object), batch.n)
    table["value"] = (batch.legs / scale).ravel()
    table["target"] = np.tile(least / scale, batch.n)
    table["attained"] = (batch.legs >= least).astype(np.int64).ravel()
    return table


def _goals(world: World, batch: Batch) -> dict[str, NDArray[Any]]:
    table = _long(batch.n, batch.first, world.goals.names, "goal")
    scale = goal_scale(world)
    table["value"] = (world.goals.values(batch.legs) / scale).ravel()
    table["target"] = np.tile(world.goals.targets() / scale, batch.n)
    table["attained"] = world.goals.attained(batch.legs).astype(np.int64).ravel()
    return table


def goal_scale(world: World) -> NDArray[np.float64]:
    """[goals]: what divides a goal's value for people: minor units for bookings, else one."""
    book = world.goals
    return np.array(
        [
            world.minor if not book.counts(g) and book.goals[g].metric in (None, BOOKINGS) else 1.0
            for g in range(len(book.names))
        ]
    )


def _sparse(values: NDArray[np.float64], first: int, n: int) -> tuple[NDArray[np.int64], dict[str, NDArray[Any]]]:
    """Indices of the non-zero rows over the last axis, and their key columns."""
    used = np.argwhere(values.any(axis=-1))
    size = len(used)
    return used, {"replication": np.full(size, first), "replications": np.full(size, n)}


def _named(names: tuple[str, ...], index: NDArray[np.int64]) -> NDArray[Any]:
    return np.array(names, dtype=object)[index]


def _chunk_sums(world: World, batch: Batch) -> dict[str, Columns]:
    used, flow = _sparse(batch.flow, batch.first, batch.n)
    for column, names, axis in (("rep", world.reps, 0), ("stage", world.stages.names, 1), ("month", world.months, 2)):
        flow[column] = _named(names, used[:, axis])
    flow |= _major(batch.flow[tuple(used.T)], FLOW_COLUMNS, world.minor)
    used, sums = _sparse(batch.sums, batch.first, batch.n)
    for column, names, axis in (("rep", world.reps, 0), ("product", world.products, 1), ("region", world.regions, 2)):
        sums[column] = _named(names, used[:, axis])
    sums |= _major(batch.sums[tuple(used.T)], MEASURES, world.minor)
    return {"flow": flow, "sums": sums}


def _cells(world: World, batch: Batch) -> dict[str, Columns]:
    if batch.cell_keys is None or batch.cells is None:
        return {}
    table: dict[str, NDArray[Any]] = {"replication": batch.cell_keys[:, 0] + batch.first}
    dimensions = (world.reps, world.products, world.regions, world.segments, world.months)
    for i, (column, names) in enumerate(zip(("rep", "product", "region", "segment", "month"), dimensions, strict=True)):
        table[column] = _named(names, batch.cell_keys[:, i + 1])
    return {"cells": table | _major(batch.cells, world.measures, world.minor)}


def events_of(world: World, log: NDArray[np.void], replication: int) -> dict[str, NDArray[Any]]:
    """An event log as a table, with names for numbers."""
    kinds = tuple(kind.name.lower() for kind in Kind)
    stages = (*world.stages.names, "")
    return {
        "replication": np.full(len(log), replication),
        "hours": log["time"],
        "date": np.array([world.cal.date_at(float(t)).isoformat() for t in log["time"]], dtype=object),
        "event": _named(kinds, log["kind"].astype(np.int64)),
        "deal": np.array([f"{key:016x}" for key in log["deal"].tolist()], dtype=object),
        "visit": log["visit"].astype(np.int64),
        "stage": _named(stages, log["stage"].astype(np.int64)),
        "rep": _named((*world.reps, ""), log["rep"].astype(np.int64)),  # -1: a lead that nobody may take
        "amount": log["amount"] / world.minor,
    }


def tables_of(world: World, batch: Batch) -> dict[str, Columns]:
    """A batch as the tables of a run store."""
    n, first = batch.n, batch.first
    tables: dict[str, Columns] = {
        "replications": {
            "replication": np.arange(first, first + n),
            "hash": np.array([value.hex() for value in batch.hashes], dtype=object),
            "moves": batch.moves,
        },
        "legs": _legs(world, batch),
        "goals": _goals(world, batch),
        "reps": _long(n, first, world.reps, "rep") | _major(batch.reps, REP_COLUMNS, world.minor),
    }
    for dimension in MARGINS:
        names = _dimension(world, dimension)
        tables[MARGIN_TABLES[dimension]] = _long(n, first, names, dimension) | _major(
            batch.margins[dimension], MEASURES, world.minor
        )
    names = input_names(world)
    if names:
        tables["inputs"] = _long(n, first, names, "input") | {"value": batch.inputs.ravel()}
    tables |= _chunk_sums(world, batch) | _cells(world, batch)
    if batch.logs:
        logs = [events_of(world, log, first + i) for i, log in enumerate(batch.logs)]
        tables["events"] = {column: np.concatenate([log[column] for log in logs]) for column in logs[0]}
    return tables


class RunTask:
    """The driver's task: simulate a range, and give it as tables."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    def warm(self) -> None:
        """Compile."""
        self.simulator.warm()

    def __call__(self, first: int, n: int) -> dict[str, Columns]:
        """Tables of replications first .. first + n - 1."""
        return tables_of(self.simulator.world, self.simulator(first, n))


def hits_of(goals: int) -> Callable[[Mapping[str, Columns], int, int], NDArray[np.bool_]]:
    """A function from a chunk's tables to [n, goals]: which goals were attained."""

    def hits(tables: Mapping[str, Columns], first: int, n: int) -> NDArray[np.bool_]:
        attained: NDArray[np.bool_] = np.asarray(tables["goals"]["attained"]).reshape(n, goals) != 0
        return attained

    return hits


# --- back to arrays -------------------------------------------------------------------------------------------------


def _minor(columns: Columns, names: tuple[str, ...], minor: float) -> NDArray[np.float64]:
    """Named columns as the last axis of an array; bookings in whole minor units again."""
    return np.column_stack([np.rint(columns[c] * minor) if c == BOOKINGS else columns[c] for c in names])


def _dense(
    columns: Columns, keys: list[tuple[str, tuple[str, ...]]], names: tuple[str, ...], minor: float
) -> NDArray[np.float64]:
    dense = np.zeros((*(len(labels) for _, labels in keys), len(names)))
    if len(columns[names[0]]):
        index = tuple(_places(columns[column], labels) for column, labels in keys)
        np.add.at(dense, index, _minor(columns, names, minor))
    return dense


def _places(values: NDArray[Any], labels: tuple[str, ...]) -> NDArray[np.int64]:
    """Where each of a column's texts stands among the labels."""
    place = {label: i for i, label in enumerate(labels)}
    return np.array([place[value] for value in values.tolist()])


# A table's name, up to which replication, which columns (None: all) -> those columns, chunk by chunk.
Pieces = Callable[[str, int, Sequence[str] | None], Iterable[Columns]]


def _whole(pieces: Iterable[Columns]) -> Columns:
    """Chunks as one table."""
    held = list(pieces)
    return {column: np.concatenate([piece[column] for piece in held]) for column in held[0]}


def held_rows(world: World, n: int) -> tuple[int, int]:
    """Of how many of n replications to hold the values of goals, and those of parts: as many as the bounds allow."""
    of_goals = len(world.goals.legs) + len(input_names(world))
    names = sum(len(_dimension(world, dimension)) for dimension in MARGINS)
    of_parts = len(world.reps) * len(REP_COLUMNS) + names * len(MEASURES)
    return min(n, max(1, LEGS_BYTES // (8 * max(of_goals, 1)))), min(n, max(1, PARTS_BYTES // (8 * of_parts)))


def results_of(
    world: World,
    pieces: Pieces,
    *,
    n: int,
    asked: int,
    seed: int,
    phase: int,
    engine: str,
    digest: str,
    seconds: float,
    compile_seconds: float,
) -> Results:
    """The arrays of a run of n replications from its tables, in order of replication."""
    book, minor = world.goals, world.minor
    scale = np.array([minor if world.measures[leg.measure] == BOOKINGS else 1.0 for leg in book.legs])
    rows, rows_of_parts = held_rows(world, n)
    legs, inputs = (
        _whole(pieces(name, rows, ["value"]))["value"].reshape(rows, size) if size else np.zeros((rows, 0))
        for name, size in (("legs", len(book.legs)), ("inputs", len(input_names(world))))
    )

    def parts(name: str, columns: tuple[str, ...]) -> NDArray[np.float64]:
        found = _minor(_whole(pieces(name, rows_of_parts, columns)), columns, minor)
        return found.reshape(rows_of_parts, -1, len(columns))

    places = (("rep", world.reps), ("product", world.products), ("region", world.regions))
    stages = (("rep", world.reps), ("stage", world.stages.names), ("month", world.months))
    return Results(
        world=world,
        seed=seed,
        phase=phase,
        engine=engine,
        n=n,
        asked=asked,
        digest=digest,
        seconds=seconds,
        compile_seconds=compile_seconds,
        legs=np.where(scale > 1.0, np.rint(legs * scale), legs),
        reps=parts("reps", REP_COLUMNS),
        margins={dimension: parts(MARGIN_TABLES[dimension], MEASURES) for dimension in MARGINS},
        inputs=inputs,
        flow=_added(pieces("flow", n, None), list(stages), FLOW_COLUMNS, minor),
        sums=_added(pieces("sums", n, None), list(places), MEASURES, minor),
        moves=sum(int(np.sum(piece["moves"])) for piece in pieces("replications", n, ["moves"])),
        counted=None if rows == n else _hits(pieces("goals", n, ["attained"]), len(book.names)),
    )


def _added(
    pieces: Iterable[Columns], keys: list[tuple[str, tuple[str, ...]]], names: tuple[str, ...], minor: float
) -> NDArray[np.float64]:
    """What chunks have summed up, over all chunks."""
    total = np.zeros((*(len(labels) for _, labels in keys), len(names)))
    for piece in pieces:
        total += _dense(piece, keys, names, minor)
    return total


def _hits(pieces: Iterable[Columns], goals: int) -> NDArray[np.int64]:
    """[goals] in how many replications each was attained."""
    hits = np.zeros(goals, dtype=np.int64)
    for piece in pieces if goals else ():
        hits += (np.asarray(piece["attained"]).reshape(-1, goals) != 0).sum(axis=0)
    return hits
