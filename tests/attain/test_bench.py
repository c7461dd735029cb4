"""The rows of `attain bench`: what they say, and that it is what the simulator does."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from attain import bench as benchmark
from attain.plans import open_plan
from attain.screens.bench import screen
from engine.batch import Simulator
from engine.problems import PlanRefused
from engine.world import build

PLAN = """\
attain: 1
name: "[bold]Tiny"
currency: EUR
horizon: {start: 2026-01-01, end: 2026-03-31}
calendar: {days: 60}
goals: {company: {metric: deals_won, at_least: 5}}
stages: [{name: only, work: 1 h, wait: 2 d, advance: 0.5, won: true}]
products: {A: {deal_value: 100}}
regions: {North: {}}
reps: [{name: Ann}, {name: Ben}]
sources: {web: {leads_per_month: 10, mix: {North: {A: 1}}}}
"""


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, object]]]:
    plan = tmp_path_factory.mktemp("bench") / "[bold]plan.yaml"
    plan.write_text(PLAN, encoding="utf-8")
    return plan, benchmark.bench([plan], seconds=0.05, engines=("simpy",))


def test_a_row_says_what_it_promises(rows: tuple[Path, list[dict[str, object]]]) -> None:
    plan, (row,) = rows
    assert list(row) == list(benchmark.COLUMNS)
    assert row["plan"] == str(plan)
    assert row["engine"] == "simpy"
    json.dumps(row, allow_nan=False)


def test_its_figures_are_those_of_the_replications(rows: tuple[Path, list[dict[str, object]]]) -> None:
    plan, (row,) = rows
    n = int(str(row["replications"]))
    assert n >= benchmark.LEAST
    batch = Simulator(build(open_plan(plan)), benchmark.SEED)(1, n)
    assert row["moves_per_replication"] == pytest.approx(float(batch.moves.mean()))
    assert row["leads_per_replication"] == pytest.approx(float(batch.reps[:, :, 0].sum(axis=1).mean()))
    fastest, median, slowest = (float(str(row[k])) for k in ("fastest", "seconds_per_replication", "slowest"))
    assert 0.0 < fastest <= median <= slowest
    moves, speed = float(batch.moves.sum()), float(str(row["moves_per_second"]))
    assert moves / (n * slowest) <= speed * (1 + 1e-9)
    assert speed <= moves / (n * fastest) * (1 + 1e-9)
    assert 0.1 < float(str(row["warm_seconds"]))  # importing alone takes longer


def test_memory_is_the_measuring_process_own(rows: tuple[Path, list[dict[str, object]]]) -> None:
    """Some hundreds of MiB, whatever this process, its parent, holds."""
    _, (row,) = rows
    if row["peak_memory_mb"] is None:
        assert benchmark.peak_memory() is None
        return
    ballast = b"\x01" * (600 * 2**20)
    (again,) = benchmark.bench(["known-best"], seconds=0.05, engines=("simpy",))
    here = benchmark.peak_memory()
    assert len(ballast) == 600 * 2**20
    assert here is not None
    assert here > 600
    assert 20.0 < float(str(row["peak_memory_mb"]))
    assert 20.0 < float(again["peak_memory_mb"]) < here


def test_what_is_no_plan_is_refused_before_anything_is_measured() -> None:
    with pytest.raises(PlanRefused, match="nowhere"):
        benchmark.bench(["known-best", "nowhere"], seconds=1000.0)


def test_the_screen_shows_each_row(rows: tuple[Path, list[dict[str, object]]]) -> None:
    plan, found = rows
    written = io.StringIO()
    Console(width=400, file=written).print(screen([*found, found[0] | {"plan": "other", "peak_memory_mb": None}]))
    shown = written.getvalue()
    assert str(plan) in shown  # brackets in a name are no markup
    assert "other" in shown
    assert f"{float(str(found[0]['moves_per_replication'])):,.0f}" in shown


def test_the_rows_are_documented() -> None:
    page = (Path(__file__).parents[2] / "benchmarks" / "README.md").read_text(encoding="utf-8")
    for key, meaning in benchmark.COLUMNS.items():
        assert f"| `{key}` | {meaning} |" in page
