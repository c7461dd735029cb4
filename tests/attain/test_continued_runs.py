"""Runs continued in their folder give what a fresh run of the same n gives: digest, and what is summed by chunk too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from attain.results import Results
from attain.simulate import read_run, simulate
from attain.store import RunStore, _within
from engine.montecarlo import Progress
from engine.plan.load import load_plan
from engine.plan.types import LoadedPlan

PLAN = """\
attain: 1
name: tiny
currency: CNY
horizon: {start: 2026-01-01, end: 2026-02-28}
calendar: {days: 40}
goals: {company: {metric: bookings, at_least: 2}}
stages: [{name: talk, work: 2 h, wait: 3 d, advance: 0.5, won: true}]
products: {A: {deal_value: 1}, B: {deal_value: {uniform: {low: 1, high: 3}}}}
regions: {N: {}}
reps: [{name: Ann}, {name: Bob, hours_per_week: 20}]
sources: {inbound: {leads_per_month: 2}}
"""
SEED = 11


@pytest.fixture(scope="module")
def plan() -> LoadedPlan:
    return load_plan(PLAN)


def fresh(plan: LoadedPlan, n: int) -> Results:
    return simulate(plan, n=n, seed=SEED, jobs=1, chunk=97)


def going_on(plan: LoadedPlan, folder: Path, n: int, chunk: int = 256, precision: float | None = None) -> Results:
    return simulate(plan, n=n, seed=SEED, jobs=1, out=folder, chunk=chunk, precision=precision)


def same(run: Results, whole: Results, folder: Path) -> None:
    """Hours are summed by chunk, in another order: equal to rounding. All else, and all that is stored, is equal."""
    assert (run.n, run.digest, run.moves) == (whole.n, whole.digest, whole.moves)
    for found in (run, read_run(folder)):
        assert found.digest == whole.digest
        assert whole.flow.any()
        assert whole.sums.any()
        np.testing.assert_allclose(found.flow, whole.flow, rtol=1e-12)
        np.testing.assert_allclose(found.sums, whole.sums, rtol=1e-12)
        np.testing.assert_array_equal(found.legs, whole.legs)
        np.testing.assert_array_equal(found.reps, whole.reps)
    assert pl.read_parquet(f"{folder}/goals/*.parquet").height == whole.n
    spans = pl.read_parquet(f"{folder}/flow/*.parquet").select("replication", "replications").unique().sum_horizontal()
    assert spans.max() <= whole.n


def test_a_precise_run_that_ends_inside_a_stored_chunk(plan: LoadedPlan, tmp_path: Path) -> None:
    """Chunks end at 768, 1,024 and 1,100: 900 cuts the second of them."""
    going_on(plan, tmp_path, 1_100, chunk=1_024)
    run = going_on(plan, tmp_path, 900, precision=0.0001)
    same(run, fresh(plan, 900), tmp_path)
    assert RunStore.open(tmp_path).done() == [(0, 900), (1_024, 1_100)]
    same(going_on(plan, tmp_path, 1_100), fresh(plan, 1_100), tmp_path)


def test_a_killed_run_with_a_gap(plan: LoadedPlan, tmp_path: Path) -> None:
    going_on(plan, tmp_path, 768)
    for part in tmp_path.glob("*/part-000000256-000000383.parquet"):
        part.unlink()
    assert RunStore.open(tmp_path).done() == [(0, 256), (384, 768)]
    same(going_on(plan, tmp_path, 600), fresh(plan, 600), tmp_path)


def test_extended_and_asked_for_less(plan: LoadedPlan, tmp_path: Path) -> None:
    going_on(plan, tmp_path, 600)
    same(going_on(plan, tmp_path, 900, chunk=300), fresh(plan, 900), tmp_path)
    same(going_on(plan, tmp_path, 700), fresh(plan, 900), tmp_path)  # the longer run is used whole


@pytest.mark.parametrize("n", [600, 900])
def test_interrupted(plan: LoadedPlan, tmp_path: Path, n: int) -> None:
    def press(progress: Progress) -> None:
        if progress.done >= 500:
            raise KeyboardInterrupt

    broken_off = simulate(plan, n=768, seed=SEED, jobs=1, out=tmp_path, chunk=128, on_progress=press)
    assert broken_off.n == 512
    same(broken_off, fresh(plan, 512), tmp_path)
    same(going_on(plan, tmp_path, n), fresh(plan, n), tmp_path)


def test_precision_loosened_and_tightened(plan: LoadedPlan, tmp_path: Path) -> None:
    for precision in (0.04, 0.06, 0.045, 0.0001):
        run = going_on(plan, tmp_path, 800, precision=precision)
        straight = simulate(plan, n=800, seed=SEED, jobs=1, precision=precision)
        assert run.n == straight.n
        same(run, straight, tmp_path)
    assert run.n == 800


def test_sums_are_never_cut(tmp_path: Path, plan: LoadedPlan) -> None:
    going_on(plan, tmp_path, 256)
    store = RunStore.open(tmp_path)
    assert store.table("goals", 100).num_rows == 100
    for columns in (None, ["rep"]):
        with pytest.raises(ValueError, match="end inside a chunk"):
            store.table("flow", 100, columns)
    rows = pa.table({"replication": [0, 5, 6], "replications": [5, 1, 4]})
    assert _within(rows, (5, 10)).column("replication").to_pylist() == [5, 6]
    assert _within(rows, (0, 6)).column("replication").to_pylist() == [0, 5]
    for span in ((2, 10), (0, 8), (7, 9)):
        with pytest.raises(ValueError, match="end inside a chunk"):
            _within(rows, span)
