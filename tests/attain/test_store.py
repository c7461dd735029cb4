"""The run store: what is put comes back, through every reader; broken off and continued runs equal whole ones."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
import tracemalloc
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from attain.arrow import to_arrow
from attain.provenance import machine, versions
from attain.store import Manifest, RunRefused, RunStore
from engine.chunks import Tables
from engine.looks import Precision
from engine.montecarlo import Progress, Result, run

ROOT = Path(__file__).resolve().parents[2]
PLAN = "attain: 1\nname: 重点客户\n"


def manifest(**changes: object) -> Manifest:
    given = {"plan_name": "重点客户", "plan_text": PLAN, "seed": 2**64 - 1, "n": 300, "calendar": {"days": [1.0, 2.5]}}
    return Manifest.model_validate({**given, "versions": {"attain": "0.1.0"}, **changes})


def simulate(first: int, n: int) -> Tables:
    """A stand-in: 0 to 3 cells a replication, values and hash a function of its number alone."""
    numbers = np.arange(first, first + n)
    hashes = [hashlib.sha256(int(i).to_bytes(8, "little")).hexdigest() for i in numbers]
    reps = np.repeat(numbers, numbers % 4)
    return {
        "replications": {"replication": numbers, "hash": np.array(hashes)},
        "goals": {"replication": numbers, "goal": np.array(["company"] * n), "hit": (numbers * 7) % 10 < 3},
        "cells": {
            "replication": reps.astype(np.int32),
            "rep": np.array([f"张{i % 3}" for i in reps], dtype=object),
            "bookings": reps * 1.25,
        },
    }


def hits(tables: Tables, first: int, n: int) -> NDArray[np.bool_]:
    return np.asarray(tables["goals"]["hit"], dtype=bool)


def whole(n: int) -> str:
    digests = [hashlib.sha256(i.to_bytes(8, "little")).digest() for i in range(n)]
    return hashlib.sha256(b"".join(digests)).hexdigest()


def finished(n: int) -> Result:
    return Result("complete", n, 1.5, 0.5, 10.0, None, None)


# --- what goes in comes out -----------------------------------------------------------------------------------------


def test_manifest_comes_back(tmp_path: Path) -> None:
    with RunStore.create(
        tmp_path / "run", manifest(versions=versions(), machine=machine(), notes=("a note",))
    ) as store:
        run(simulate, n=300, sink=store, chunk=77)
        store.finish(finished(300))
    document = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert document["seed"] == 2**64 - 1
    assert document["seed_text"] == "18446744073709551615"
    assert document["plan_text"] == PLAN
    assert document["plan_sha256"] == hashlib.sha256(PLAN.encode()).hexdigest()
    assert document["digest"] == whole(300)
    assert (document["status"], document["replications"], document["seconds"]) == ("complete", 300, 1.5)
    assert {"attain", "python", "numpy", "numba", "simpy"} <= set(document["versions"])
    assert set(document["machine"]) == {"platform", "cpu", "cores"}
    again = RunStore.open(tmp_path / "run")
    assert again.manifest.model_dump() == document | {"sets": (), "notes": ("a note",)}
    assert again.prefix == 300


def test_four_readers_agree(tmp_path: Path) -> None:
    import duckdb  # here, because worker processes import this module as well
    import pandas as pd
    import pyarrow.dataset as ds

    with RunStore.create(tmp_path, manifest()) as store:
        run(simulate, n=300, sink=store, chunk=77)
        store.finish(finished(300))
    pattern = f"{tmp_path}/cells/*.parquet"
    expected = simulate(0, 300)["cells"]
    names, numbers, values = (expected[c].tolist() for c in ("rep", "replication", "bookings"))
    types = ["int64", "string", "double"]
    own = store.table("cells")
    assert [str(t) for t in own.schema.types] == types
    assert own.column("rep").to_pylist() == names
    connection = duckdb.connect()
    read = {
        "duckdb": connection.execute(f"select * from '{pattern}' order by replication").df().to_dict("list"),
        "polars": pl.read_parquet(pattern).to_dict(as_series=False),
        "pandas": pd.concat([pd.read_parquet(p) for p in sorted((tmp_path / "cells").iterdir())]).to_dict("list"),
        "pyarrow": ds.dataset(tmp_path / "cells").to_table().to_pydict(),
    }
    for reader, table in read.items():
        assert table == {"replication": numbers, "rep": names, "bookings": values}, reader
    types_of_hits = connection.execute(f"select distinct typeof(hit) from '{tmp_path}/goals/*.parquet'")
    assert types_of_hits.fetchall() == [("BOOLEAN",)]


def test_columns_and_upto(tmp_path: Path) -> None:
    with RunStore.create(tmp_path, manifest()) as store:
        run(simulate, n=100, sink=store, chunk=9)
    assert store.table("cells", upto=10, columns=["bookings"]).column_names == ["bookings"]
    assert store.table("cells", upto=10).column("replication").to_pylist() == [
        i for i in range(10) for _ in range(i % 4)
    ]
    assert store.table("goals", upto=0).num_rows == 0
    assert store.table("goals", upto=0).column_names == ["replication", "goal", "hit"]
    with pytest.raises(RunRefused, match="keeps cells, goals, replications, not 'log'"):
        store.table("log")


def test_types_are_plain() -> None:
    table = to_arrow({"a": np.array([1], dtype=np.uint8), "b": np.array([1.5], dtype=np.float32), "c": np.array(["x"])})
    assert [str(t) for t in table.schema.types] == ["int64", "double", "string"]
    assert str(to_arrow({"c": np.array([], dtype="U4")}).schema.types[0]) == "string"
    with pytest.raises(ValueError, match="beyond 2\\^63"):
        to_arrow({"key": np.array([2**63], dtype=np.uint64)})
    with pytest.raises(ValueError, match="complex"):
        to_arrow({"z": np.array([1j])})
    nan = to_arrow({"x": np.array([np.nan])}).column("x")
    assert nan.null_count == 0


# --- continuing -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("workers_at_once")
@pytest.mark.parametrize("jobs", [1, 2])
def test_interrupted_and_continued(tmp_path: Path, jobs: int) -> None:
    def press(progress: Progress) -> None:
        if progress.done > 100:
            raise KeyboardInterrupt

    with RunStore.create(tmp_path, manifest()) as store:
        result = run(simulate, n=300, sink=store, jobs=jobs, chunk=10, on_progress=press)
        assert result.status == "interrupted"
        stored = store.finish(result)
    assert (stored.status, stored.replications) == ("partial", result.n)
    assert stored.digest == whole(result.n)
    assert RunStore.open(tmp_path).table("goals").num_rows == result.n
    with RunStore.at(tmp_path, manifest()) as store:
        stored = store.finish(run(simulate, n=300, sink=store, jobs=jobs, chunk=7))
    assert (stored.status, stored.digest, stored.sessions) == ("complete", whole(300), 2)


def test_extended_and_cut(tmp_path: Path) -> None:
    with RunStore.create(tmp_path, manifest(n=100)) as store:
        store.finish(run(simulate, n=100, sink=store, chunk=30))
    with RunStore.at(tmp_path, manifest(n=300)) as store:
        assert store.finish(run(simulate, n=300, sink=store, chunk=40)).digest == whole(300)
    with RunStore.at(tmp_path, manifest(n=110)) as store:
        assert store.finish(run(simulate, n=110, sink=store)).digest == whole(110)
    # Cut inside a part: what lies in the open is exactly the result, and the rest waits.
    assert pl.read_parquet(f"{tmp_path}/goals/*.parquet").height == 110
    assert (tmp_path / "later" / "goals").is_dir()
    assert RunStore.open(tmp_path).done() == [(0, 300)]
    with RunStore.at(tmp_path, manifest(n=300)) as store:
        result = run(_never, n=300, sink=store)
        assert store.finish(result).digest == whole(300)
    assert pl.read_parquet(f"{tmp_path}/cells/*.parquet").height == len(simulate(0, 300)["cells"]["rep"])


def _never(first: int, n: int) -> Tables:
    raise AssertionError(f"{first} {n} is there already")


@pytest.mark.usefixtures("workers_at_once")
@pytest.mark.parametrize("jobs", [1, 2])
def test_precision_is_the_same_however_it_came_about(tmp_path: Path, jobs: int) -> None:
    precision = Precision(0.04, hits)
    with RunStore.create(tmp_path / "a", manifest()) as store:
        straight = store.finish(run(simulate, n=2000, sink=store, jobs=jobs, precision=precision))
    with RunStore.create(tmp_path / "b", manifest()) as store:
        store.finish(run(simulate, n=700, sink=store, chunk=150))
    with RunStore.at(tmp_path / "b", manifest(n=2000, precision=0.04)) as store:
        continued = store.finish(run(simulate, n=2000, sink=store, jobs=jobs, chunk=33, precision=precision))
    assert straight.replications == continued.replications == 512
    assert straight.digest == continued.digest == whole(512)
    assert pl.read_parquet(f"{tmp_path}/b/goals/*.parquet").height == 512


@given(order=st.permutations(range(8)), cut=st.integers(0, 80), upto=st.integers(0, 80))
def test_any_order_any_cut(tmp_path_factory: pytest.TempPathFactory, order: list[int], cut: int, upto: int) -> None:
    folder = tmp_path_factory.mktemp("run")
    with RunStore.create(folder, manifest()) as store:
        for i in order[: 1 + cut % 8]:
            store.put(10 * i, 10, simulate(10 * i, 10))
        reach = store.prefix
        kept = store.done()
        n = min(upto, reach)
        store.finish(finished(n))
    again = RunStore.open(folder)
    assert again.prefix == n
    assert again.done() == kept
    assert again.digest() == whole(n)
    assert again.table("replications").column("replication").to_pylist() == list(range(n))
    assert sum(pq.read_metadata(p).num_rows for p in (folder / "goals").glob("*.parquet")) == n
    shutil.rmtree(folder)


def test_killed_while_writing(tmp_path: Path) -> None:
    """A process that is killed outright: whole chunks count, halves are swept away and computed again."""
    script = tmp_path / "killed.py"
    script.write_text(
        textwrap.dedent(
            """
            import os, signal, sys
            from attain.store import RunStore
            from tests.attain.test_store import manifest, simulate
            store = RunStore.create(sys.argv[1], manifest())
            for first in (0, 30, 60):
                store.put(first, 30, simulate(first, 30))
            replace = os.replace
            import pathlib
            def die(self, target):
                if "replications" in str(target):
                    os.kill(os.getpid(), signal.SIGKILL)
                return replace(self, target)
            pathlib.Path.replace = die
            store.put(90, 30, simulate(90, 30))
            """
        ),
        encoding="utf-8",
    )
    folder = tmp_path / "run"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, str(script), str(folder)], env=environment, cwd=ROOT).returncode == -9
    assert len(list((folder / "goals").glob("*.parquet"))) == 4
    broken_off = RunStore.open(folder)
    assert (broken_off.prefix, broken_off.manifest.status) == (90, "partial")
    assert broken_off.table("goals").num_rows == 90
    with RunStore.at(folder, manifest()) as store:
        assert not list(folder.rglob("*.tmp"))
        assert store.finish(run(simulate, n=300, sink=store, chunk=11)).digest == whole(300)
    assert pl.read_parquet(f"{folder}/goals/*.parquet").height == 300


def test_a_split_that_was_cut_off(tmp_path: Path) -> None:
    with RunStore.create(tmp_path, manifest()) as store:
        store.put(0, 30, simulate(0, 30))
        store._write((20, 30), {name: to_arrow(t) for name, t in simulate(20, 10).items()}, "later")
    assert RunStore.open(tmp_path).done() == [(0, 30)]
    with RunStore.at(tmp_path, manifest()) as store:
        assert store.finish(finished(20)).digest == whole(20)
    assert RunStore.open(tmp_path).done() == [(0, 30)]


# --- refusals -------------------------------------------------------------------------------------------------------


def test_folders_that_are_not_runs(tmp_path: Path) -> None:
    with pytest.raises(RunRefused, match="is not a folder"):
        RunStore.open(tmp_path / "absent")
    with pytest.raises(RunRefused, match=r"holds no manifest\.json"):
        RunStore.open(tmp_path)
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(RunRefused, match="is not empty"):
        RunStore.create(tmp_path, manifest())
    with pytest.raises(RunRefused, match="is not empty"):
        RunStore.at(tmp_path, manifest())
    with pytest.raises(RunRefused, match="is a file"):
        RunStore.create(tmp_path / "file", manifest())
    assert {p.name for p in tmp_path.iterdir()} == {"file"}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 2}', '{"seed": "x"}', "\udcff"])
def test_broken_manifests(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(RunRefused, match="manifest"):
        RunStore.open(tmp_path)


def test_a_manifest_whose_plan_was_changed(tmp_path: Path) -> None:
    RunStore.create(tmp_path, manifest()).close()
    path = tmp_path / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace("attain: 1", "attain: 2"), encoding="utf-8")
    with pytest.raises(RunRefused, match="the file was changed"):
        RunStore.open(tmp_path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"plan_text": "attain: 1\nname: other\n"}, "another plan"),
        ({"inputs_sha256": "ab"}, "another plan"),
        ({"seed": 0}, "with seed 18446744073709551615, not 0"),
        ({"keep": "log"}, "keeps 'cells', not 'log'"),
        ({"versions": {"attain": "0.2.0"}}, r"made by attain 0\.1\.0"),
        ({"calendar": {}}, "another working calendar"),
    ],
)
def test_another_run_is_not_continued(tmp_path: Path, change: dict[str, object], reason: str) -> None:
    RunStore.create(tmp_path, manifest()).close()
    with pytest.raises(RunRefused, match=reason):
        RunStore.at(tmp_path, manifest(**change))
    RunStore.at(tmp_path, manifest(engine="simpy", jobs=7, n=900)).close()


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with RunStore.create(tmp_path, manifest()), pytest.raises(RunRefused, match="Another process is writing"):
        RunStore.at(tmp_path, manifest())
    RunStore.at(tmp_path, manifest()).close()


def test_chunks_that_do_not_fit(tmp_path: Path) -> None:
    with RunStore.create(tmp_path, manifest()) as store:
        store.put(0, 10, simulate(0, 10))
        with pytest.raises(ValueError, match="kept already"):
            store.put(9, 2, simulate(9, 2))
        with pytest.raises(ValueError, match="must bring the table 'replications'"):
            store.put(10, 1, {})
        with pytest.raises(ValueError, match="had the columns"):
            store.put(10, 1, {**simulate(10, 1), "goals": {"replication": np.array([10]), "hit": np.array([0.5])}})
        with pytest.raises(ValueError, match="name is lower-case"):
            store.put(10, 1, {**simulate(10, 1), "../x": {"replication": np.array([10])}})
        assert store.done() == [(0, 10)]
    with RunStore.at(tmp_path, manifest()) as store, pytest.raises(ValueError, match="had the columns"):
        store.put(10, 1, {**simulate(10, 1), "goals": {"replication": np.array([10]), "hit": np.array([0.5])}})


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    with RunStore.create(tmp_path, manifest()) as store:
        store.put(0, 10, simulate(0, 10))
    (tmp_path / "goals" / "part-000000000-000000009.parquet").write_bytes(b"PAR1")
    with pytest.raises(RunRefused, match="cannot be read"):
        RunStore.open(tmp_path).table("goals")


def test_memory_is_flat_in_n(tmp_path: Path) -> None:
    """From 10 chunks to 80, Python's peak grows by less than half of one chunk's tables."""

    def peak(folder: Path, n: int) -> int:
        with RunStore.create(folder, manifest()) as store:
            tracemalloc.start()
            store.finish(run(_large, n=n, sink=store, chunk=10))
            try:
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    peak(tmp_path / "warm", 20)
    small, large = peak(tmp_path / "small", 100), peak(tmp_path / "large", 800)
    assert large - small < 160_000  # a chunk's cells are two columns of 10 x 2,000 x 8 bytes


def _large(first: int, n: int) -> Tables:
    numbers = np.repeat(np.arange(first, first + n), 2_000)
    return {**simulate(first, n), "cells": {"replication": numbers, "bookings": numbers * 1.5}}
