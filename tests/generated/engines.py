"""Two engines held to the same outcome, bit for bit: event logs, tables, hashes, with and without a log.

An engine is whatever makes a `Run` of a case: by name as `Simulator` knows it, or a model of one's own, such as the
faulty ones that show what generated plans would find.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from engine.batch import Batch, Simulator
from engine.outcomes import Kind, Names, Outcome, outcome_hash
from engine.simpy_model import Lookup, Model
from engine.world import World
from tests.generated.plans import Case

Run = Callable[[int, bool], Outcome]  # replication, keep_log
Engine = Callable[[Case], Run]
REPLICATIONS = 2


def engine(name: str) -> Engine:
    """An engine by its name."""

    def of(case: Case) -> Run:
        return Simulator(case.world, case.seed, case.phase, engine=name, attribution=case.attribution).outcome

    return of


def by_model(model: type[Model]) -> Engine:
    """The engine that runs a model, such as a subclass with another rule."""

    def of(case: Case) -> Run:
        lookup = Lookup(case.world)
        return lambda replication, keep_log: model(
            case.world,
            case.seed,
            replication,
            case.phase,
            keep_log=keep_log,
            lookup=lookup,
            attribution=case.attribution,
        ).run()

    return of


def outcomes(case: Case, of: Engine, *, keep_log: bool = True) -> list[Outcome]:
    """The case's replications."""
    run = of(case)
    return [run(case.first + k, keep_log) for k in range(REPLICATIONS)]


def hold_equal(case: Case, expected: list[Outcome], of: Engine) -> None:
    """The engine's replications are the `expected` ones to the last bit, and the same when no log is kept.

    One engine object runs all of them, first with logs, then without and in reverse, so that nothing may be left over
    from one replication to the next.
    """
    run, names = of(case), Names.of(case.world)
    for k, one in enumerate(expected):
        other = run(case.first + k, True)
        difference = differences(case.world, one, other)
        assert not difference, f"replication {case.first + k}: {difference}"
        assert outcome_hash(one, names) == outcome_hash(other, names)
    for k, one in reversed(list(enumerate(expected))):
        bare = run(case.first + k, False)
        assert bare.log is None
        difference = table_differences(one, bare)
        assert not difference, f"replication {case.first + k} without a log: {difference}"


def hold_batches_equal(case: Case, names: tuple[str, str], keep: str) -> tuple[bytes, ...]:
    """What two engines hand to the Monte Carlo driver for the case's replications is the same; returns its hashes."""
    one, other = (
        Simulator(case.world, case.seed, case.phase, name, keep, case.attribution)(case.first, REPLICATIONS)  # type: ignore[arg-type]
        for name in names
    )
    found = "; ".join(_batch_differences(one, other))
    assert not found, found
    return one.hashes


def differences(world: World, one: Outcome, other: Outcome) -> str:
    """In what two outcomes differ, events first; empty where they are the same."""
    assert one.log is not None
    assert other.log is not None
    return log_difference(world, one.log, other.log) or table_differences(one, other)


def table_differences(one: Outcome, other: Outcome) -> str:
    """The tables of two outcomes that are not the same to the last bit, with the first places that differ."""
    tables = ("legs", "reps", "cell_keys", "cells", "flow", "attributed")
    return "; ".join(d for name in tables if (d := _array_difference(name, getattr(one, name), getattr(other, name))))


def _array_difference(name: str, a: NDArray[np.generic] | None, b: NDArray[np.generic] | None) -> str:
    if a is None or b is None:
        return "" if a is b else f"{name}: there in one only"
    if a.dtype != b.dtype or a.shape != b.shape:
        return f"{name}: {a.dtype} {a.shape} and {b.dtype} {b.shape}"
    if a.tobytes() == b.tobytes():
        return ""
    places = [tuple(place) for place in np.argwhere(a != b).tolist()]
    shown = [f"{place}: {a[place]} and {b[place]}" for place in places[:3]] or ["the sign of a zero"]
    return f"{name}: {len(places)} places, {', '.join(shown)}"


def _batch_differences(one: Batch, other: Batch) -> Iterator[str]:
    for field in fields(Batch):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
            yield from filter(None, [_array_difference(field.name, a, b)])
        elif isinstance(a, dict):
            yield from filter(None, (_array_difference(f"{field.name}.{key}", a[key], b[key]) for key in a | b))
        elif field.name == "logs":
            same = len(a) == len(b) and all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))
            yield from () if same else ("logs",)
        elif a != b:
            yield f"{field.name}: {a!r} and {b!r}"


def log_difference(world: World, one: NDArray[np.void], other: NDArray[np.void]) -> str:
    """The first event in which two logs differ, with what led to it; empty where they are the same."""
    if one.dtype != other.dtype:
        return f"logs of {one.dtype} and {other.dtype}"
    if one.tobytes() == other.tobytes():
        return ""
    shortest = min(len(one), len(other))
    apart = [i for i in range(shortest) if one[i].tobytes() != other[i].tobytes()]
    first = apart[0] if apart else shortest
    lines = [f"event {first} of {len(one)} and {len(other)}"]
    lines += [f"  both  {_event(world, one, i)}" for i in range(max(first - 4, 0), first)]
    lines += [f"  one   {_event(world, one, first)}", f"  other {_event(world, other, first)}"]
    return "\n".join(lines)


def _event(world: World, log: NDArray[np.void], i: int) -> str:
    if i >= len(log):
        return "(no more)"
    row = log[i]
    rep = world.reps[row["rep"]] if row["rep"] >= 0 else "nobody"
    what = f"{Kind(int(row['kind'])).name.lower()} {int(row['deal']):016x} visit {row['visit']}"
    return f"{float(row['time'])!r} {what} {world.stages.names[row['stage']]} of {rep} {float(row['amount'])!r}"
