"""One origin: the plan fitted to what was known that day, and what its simulation says of the months after it.

Phase 3 of the contract on randomness: no draw is shared with a simulation, a search or a selection.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attain.backtest.actuals import COMPANY, LEVELS, MEASURES, Names
from attain.backtest.origins import BacktestRefused, Month
from attain.backtest.source import Source
from attain.calibrate import CalibrationResult
from engine.batch import Batch, Simulator
from engine.goals import BOOKINGS
from engine.plan.load import load_plan
from engine.plan.types import LoadedPlan
from engine.world import World, build

PHASE = 3
CHUNK = 100  # replications whose cells are held at once


@dataclass(frozen=True, eq=False)
class Fold:
    """What one origin forecast. ``samples``: level -> [names, n, months ahead, MEASURES], money in major units."""

    origin: Month
    names: Names
    samples: dict[str, NDArray[np.float64]]
    pipeline: Pipeline
    notes: tuple[str, ...]
    fitted: dict[str, Any]
    seconds: float


@dataclass(frozen=True, eq=False)
class Pipeline:
    """The deals open that day: value, odds of being won from their stage on, and their place by level (-1: none)."""

    value: NDArray[np.float64]
    odds: NDArray[np.float64]
    places: dict[str, NDArray[np.int64]]


def forecast(
    source: Source,
    origin: Month,
    months: int,
    n: int,
    seed: int,
    sets: Sequence[str] = (),
) -> Fold:
    """Fit as of the origin's last day, simulate n replications, and keep what each said of the next ``months``.

    ``sets`` vary the plan, as ``--set`` does. Raises HistoryRefused or BacktestRefused where that day's history carries
    no plan, PlanRefused where a change cannot be made.
    """
    begun = time.perf_counter()
    with TemporaryDirectory(prefix="attain-backtest-") as folder:
        found = source.fit(Path(folder) / "plan.yaml", origin.last)
        loaded = plan_of(found, sets)
        world = build(loaded)
    names: Names = {
        COMPANY: (COMPANY,),
        "region": world.regions,
        "product": world.products,
        "rep": world.reps,
    }
    ahead = [_month(world, origin + k) for k in range(1, months + 1)]
    samples = {level: np.zeros((len(names[level]), n, months, len(MEASURES))) for level in LEVELS}
    simulate = Simulator(world, seed, PHASE, keep="cells")
    for first in range(0, n, CHUNK):
        size = min(CHUNK, n - first)
        _add(simulate(first, size), first, ahead, world, samples)
    pipeline = _pipeline(loaded, world, found)
    return Fold(origin, names, samples, pipeline, found.notes, found.fitted, time.perf_counter() - begun)


def plan_of(found: CalibrationResult, sets: Sequence[str]) -> LoadedPlan:
    """The fitted plan, varied by ``sets``: it has been read back once, and is read again only where it changes."""
    return load_plan(found.plan, sets=sets) if sets or found.loaded is None else found.loaded


def _month(world: World, month: Month) -> int:
    if month.label not in world.months:
        raise BacktestRefused(
            f"the plan fitted as of an origin ends with {world.months[-1]}, before {month.label}: leave out the half"
        )
    return list(world.months).index(month.label)


def _add(batch: Batch, first: int, ahead: list[int], world: World, samples: dict[str, NDArray[np.float64]]) -> None:
    assert batch.cell_keys is not None
    assert batch.cells is not None
    place, rep, product, region, _, month = batch.cell_keys.T
    step = np.full(len(world.months), -1)
    step[ahead] = np.arange(len(ahead))
    at = step[month]
    kept = at >= 0
    columns = [world.measures.index(m) for m in MEASURES]
    amounts = batch.cells[np.ix_(kept, columns)] / np.array([world.minor if m == BOOKINGS else 1.0 for m in MEASURES])
    who = {COMPANY: np.zeros(len(rep), dtype=np.int64), "region": region, "product": product, "rep": rep}
    for level, index in who.items():
        np.add.at(samples[level], (index[kept], first + place[kept], at[kept]), amounts)


def _pipeline(loaded: LoadedPlan, world: World, found: CalibrationResult) -> Pipeline:
    deals = loaded.files.pipeline
    stages = found.fitted["stages"]
    rates = [s["wins"] / s["of"] for s in stages]
    odds = {s["name"]: float(np.prod(rates[i:])) for i, s in enumerate(stages)}
    known = [float(d.value) for d in deals if d.value is not None]
    typical = float(np.mean(known)) if known else 1.0
    value = np.array([typical if d.value is None else float(d.value) for d in deals], dtype=np.float64)
    of = {"region": ("region", world.regions), "product": ("product", world.products), "rep": ("owner", world.reps)}
    places = {COMPANY: np.zeros(len(deals), dtype=np.int64)}
    for level, (field, names) in of.items():
        index = {name: i for i, name in enumerate(names)}
        places[level] = np.array([index.get(getattr(d, field), -1) for d in deals], dtype=np.int64)
    return Pipeline(value, np.array([odds[d.stage] for d in deals], dtype=np.float64), places)
