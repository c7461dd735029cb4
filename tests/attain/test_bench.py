"""The rows of `attain bench`: what they say, and that it is what the simulator does."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from attain import bench as benchmark
from attain.cli.app import app
from attain.plans import open_plan
from attain.screens.bench import screen
from engine.batch import Simulator
from engine.problems import PlanRefused, Refused
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
    return plan, benchmark.bench([plan], seconds=0.05, engines=("simpy",), compiling=False)


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
    (again,) = benchmark.bench(["known-best"], seconds=0.05, engines=("simpy",), compiling=False)
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
    other = found[0] | {"plan": "other", "peak_memory_mb": None, "compile_seconds": 12.34}
    Console(width=400, file=written).print(screen([*found, other]))
    shown = written.getvalue()
    assert "12.3" in shown
    assert str(plan) in shown  # brackets in a name are no markup
    assert "other" in shown
    assert f"{float(str(found[0]['moves_per_replication'])):,.0f}" in shown


def test_the_screen_has_the_engines_side_by_side(rows: tuple[Path, list[dict[str, object]]]) -> None:
    _, (row,) = rows
    fast = row | {"engine": "compiled", "seconds_per_replication": 0.0123, "compile_seconds": 34.5}
    slow = row | {"engine": "simpy", "seconds_per_replication": 2.46, "compile_seconds": 6.7}
    written = io.StringIO()
    Console(width=400, file=written).print(screen([fast, slow]))
    (line,) = [line for line in written.getvalue().splitlines() if str(row["plan"]) in line]
    assert all(cell in line for cell in ("0.0123 / 2.46", "200.0", "34.5 / 6.7"))
    assert "compiled / simpy" in written.getvalue()


def test_compiling_is_what_an_empty_cache_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both processes share a folder that was not there before; the difference of their warm-ups is what counts."""
    folders = []

    def apart(*arguments: str, **more: str) -> dict[str, object]:
        (folder,) = more.values()
        kept = Path(folder) / "compiled"
        folders.append(folder)
        first = not kept.exists()
        kept.touch()
        return {"warm_seconds": 13.0 if first else 1.5}

    monkeypatch.setattr(benchmark, "run_apart", apart)
    assert benchmark.compile_seconds("known-best", "simpy") == 11.5
    assert folders[0] == folders[1]
    assert not Path(folders[0]).exists()


@pytest.mark.long
def test_compiling_takes_its_time() -> None:
    assert 1.0 < benchmark.compile_seconds("known-best", "simpy")


def test_peers_need_the_source_tree(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(benchmark, "__file__", str(tmp_path / "attain" / "bench.py"))
    with pytest.raises(Refused, match="source tree"):
        benchmark.peers()


def _said(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["bench", *arguments])
    return result.exit_code, result.output


def test_a_peer_that_disagrees_is_shown_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    document = {"days": 250, "turns": 5, "sigmas": 4.5, "rows": [], "absent": []}
    document["disagree"] = [{"program": "salabim", "because": ["leads in 60 days: 1.0, the script's 2.0"]}]
    monkeypatch.setattr(benchmark, "peers", lambda seconds: document)
    code, said = _said("peers")
    assert code == 1
    assert "salabim: leads in 60 days: 1.0, the script's 2.0" in said
    assert _said("peers", "--json")[0] == 1


def test_peers_stand_alone() -> None:
    code, said = _said("peers", "known-best")
    assert code == 2
    assert "./peers" in said


def test_the_rows_are_documented() -> None:
    page = (Path(__file__).parents[2] / "benchmarks" / "README.md").read_text(encoding="utf-8")
    for key, meaning in benchmark.COLUMNS.items():
        assert f"| `{key}` | {meaning} |" in page
