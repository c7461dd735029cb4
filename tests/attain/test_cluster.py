"""`attain simulate --cluster`: the digest of a single core, whatever becomes of the workers; and clear refusals."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import attain as api
from attain.simulate import simulate
from attain.store import RunStore
from engine.montecarlo import Progress
from tests.attain.cli_runs import PLAN, Attain, command, files, outside
from tests.attain.test_cli_interrupts import SLOW, interrupted
from tests.dask_cluster import DaskCluster, dask_cluster

N = 240
SEED = 5


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path_factory.mktemp("cluster"), workers=2) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plans") / "计划.yaml"
    path.write_text(PLAN, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def single(plan: Path) -> str:
    """The digest of a single core."""
    return simulate(plan, n=N, seed=SEED, jobs=1).digest


@pytest.fixture
def attain(capsys: pytest.CaptureFixture[str]) -> Attain:
    return Attain(capsys)


def test_begun_on_a_cluster_and_continued_here(
    attain: Attain, there: DaskCluster, plan: Path, single: str, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    arguments = ("simulate", plan, "--seed", SEED, "--out", run, "--json")
    said = attain(*map(str, arguments), "-n", "150", "--cluster", there.address)
    assert (said.code, said.err) == (0, "")
    assert said.document["replications"] == 150
    manifest = RunStore.open(run).manifest
    assert (manifest.cluster, manifest.jobs) == (True, None)
    said = attain(*map(str, arguments), "-n", str(N), "--jobs", "1")
    assert said.document["digest"] == single
    assert not RunStore.open(run).manifest.cluster


def test_ctrl_c_keeps_what_came_back(attain: Attain, there: DaskCluster, tmp_path: Path) -> None:
    (tmp_path / "计划.yaml").write_text(SLOW, encoding="utf-8")
    parts = tmp_path / "run" / "replications"
    arguments = ("simulate", "计划.yaml", "-n", "600", "--seed", "5", "--out", "run", "--engine", "simpy")

    def under_way() -> bool:
        names = [path.name for path in parts.glob("part-*.parquet")]
        return len(names) >= 3 and any(name.startswith("part-000000000-") for name in names)

    said = interrupted(command((*arguments, "--cluster", there.address)), tmp_path, under_way)
    assert said.code == 130, said.err
    assert "Traceback" not in said.err
    assert "The same command continues the run in run" in " ".join(said.err.split())
    partial = RunStore.open(tmp_path / "run")
    assert partial.manifest.status == "partial"
    assert 0 < partial.prefix < 600
    whole = simulate(tmp_path / "计划.yaml", n=partial.prefix, seed=5, jobs=1)
    assert partial.manifest.digest == whole.digest


@pytest.mark.usefixtures("workers_at_once")
def test_a_worker_killed_midway_changes_nothing(there: DaskCluster, plan: Path, single: str, tmp_path: Path) -> None:
    """Equal to a single core, and to two of joblib's workers."""
    killed = there.processes[-1]

    def kill(progress: Progress) -> None:
        if progress.done > N // 4:
            killed.kill()

    results = api.simulate(
        plan, n=N, seed=SEED, chunk=5, cluster=there.address, out=tmp_path / "run", on_progress=kill
    )  # fmt: skip
    assert killed.wait(10) != 0
    assert len(there.workers()) == 1
    assert (results.n, results.digest) == (N, single)
    assert simulate(plan, n=N, seed=SEED, jobs=2).digest == single
    assert api.read_run(tmp_path / "run").digest == single


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address where nobody listens."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        yield f"tcp://127.0.0.1:{nobody.getsockname()[1]}"


def test_a_cluster_out_of_reach_is_one_sentence(plan: Path, nowhere: str, tmp_path: Path) -> None:
    """In a process of its own: nothing of Dask's is left to speak when Python ends."""
    said = outside(
        *("simulate", str(plan), "-n", "8", "--seed", "1", "--cluster", nowhere, "--out", "run"),
        cwd=tmp_path,
        DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT="1s",
    )
    assert (said.code, said.out) == (1, "")
    assert len(said.err.splitlines()) == 1
    assert f"No Dask scheduler answers at {nowhere}" in said.err
    assert files(tmp_path) == set()


def test_without_the_extra_it_is_named(
    attain: Attain, plan: Path, nowhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    said = attain("simulate", plan, "-n", "8", "--cluster", nowhere, "--json")
    assert said.code == 1
    assert "pip install 'attain[cluster]'" in json.loads(said.out)["error"]


def test_jobs_and_a_cluster_exclude_each_other(attain: Attain, plan: Path, nowhere: str) -> None:
    said = attain("simulate", plan, "-n", "8", "--jobs", "2", "--cluster", nowhere)
    assert said.code == 2
    assert "--jobs" in said.err
    with pytest.raises(api.Refused, match="leave one out"):
        simulate(plan, n=8, jobs=2, cluster=nowhere)
