"""The driver with the workers of a real Dask cluster: same results as here, whatever happens to workers."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import Client

from engine import cluster as module
from engine.chunks import Chunks, Tables
from engine.cluster import AHEAD, ClusterRefused, ClusterWarning, connected, difference, identity, packages_of
from engine.looks import Precision
from engine.montecarlo import Memory, Progress, run
from engine.problems import Refused
from engine.replications import Span, merged, size
from engine.workers import WorkerDied
from tests.dask_cluster import DaskCluster, dask_cluster
from tests.engine.test_montecarlo import Fake, digest, first_precise_look, hits

N = 300


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """A scheduler; tests see to it that there are workers."""
    with dask_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def two(there: DaskCluster) -> DaskCluster:
    there.work(max(2 - len(there.workers()), 0))
    return there


@pytest.fixture(scope="module")
def expected() -> str:
    memory = Memory()
    run(Fake(), n=N, sink=memory)
    return digest(memory, N)


def test_workers_may_come_late(there: DaskCluster, expected: str) -> None:
    memory = Memory()
    late = threading.Thread(target=there.work, args=(2,))
    late.start()
    with connected(there.address) as cluster, pytest.warns(ClusterWarning, match="has no workers; the run goes on"):
        result = run(Fake(1e-3), n=N, sink=memory, cluster=cluster)
    late.join()
    assert (result.status, result.n) == ("complete", N)
    assert digest(memory, N) == expected
    assert 0.0 < result.compile_seconds < result.seconds  # the workers' imports


@pytest.mark.parametrize("chunk", [None, 7, 1000])
def test_the_same_digest_as_here(two: DaskCluster, expected: str, chunk: int | None) -> None:
    memory = Memory()
    with connected(two.address) as cluster:
        result = run(Fake(), n=N, sink=memory, chunk=chunk, cluster=cluster)
    assert (result.status, result.n, size(memory.done())) == ("complete", N, N)
    assert digest(memory, N) == expected


def test_precision_stops_where_it_does_here(two: DaskCluster) -> None:
    with connected(two.address) as cluster:
        result = run(Fake(), n=2048, sink=Memory(), chunk=100, precision=Precision(0.04, hits), cluster=cluster)
    assert (result.n, result.precise) == (first_precise_look(0.3), True)


def test_interrupted_and_continued(two: DaskCluster, expected: str) -> None:
    memory = Memory()
    handler = signal.getsignal(signal.SIGINT)

    def press(progress: Progress) -> None:
        if progress.done > 60:
            os.kill(os.getpid(), signal.SIGINT)

    with connected(two.address) as cluster:
        result = run(Fake(1e-3), n=N, sink=memory, chunk=10, on_progress=press, cluster=cluster)
        assert result.status == "interrupted"
        assert 60 < size(memory.done()) < N
        assert signal.getsignal(signal.SIGINT) is handler
        deadline = time.monotonic() + 10
        while not two.idle() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert two.idle()  # what was in flight is cancelled, and the task is there no more
        result = run(Fake(), n=N, sink=memory, chunk=7, cluster=cluster)
    assert result.status == "complete"
    assert digest(memory, N) == expected


def test_few_chunks_are_under_way_at_a_time(two: DaskCluster) -> None:
    chunks = Chunks([(0, N)], n=N, workers=1, fixed=6, cuts=())
    under_way, kept = [], []

    def keep(span: Span, tables: Tables, seconds: float) -> None:
        assert tables["goals"]["replication"].tolist() == list(range(*span))
        under_way.append(len(chunks.in_flight))
        chunks.arrived(span, seconds)
        kept.append(span)

    with connected(two.address) as cluster:
        cluster.compute(Fake(), chunks, keep)
    assert merged(kept) == [(0, N)]
    assert max(under_way) == AHEAD * 2
    assert chunks.workers == 2


def _fails(first: int, n: int) -> Tables:
    raise ZeroDivisionError(f"{first} {n}")


def test_an_error_of_the_task_reaches_the_caller(two: DaskCluster) -> None:
    with connected(two.address) as cluster, pytest.raises(ZeroDivisionError, match="0 9"):
        run(_fails, n=9, sink=Memory(), chunk=9, cluster=cluster)


def test_other_code_is_refused_and_its_worker_named(two: DaskCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory()
    with connected(two.address) as cluster:
        here = cluster.check(packages_of(Fake()))
        assert set(here) == {"attain", "engine sources", "tests sources"}
        for name, words in (("engine sources", "from other source files"), ("attain", "and this machine another")):
            other = here | {name: "another"}
            with monkeypatch.context() as patch:
                patch.setattr(module, "identity", lambda _names, other=other: other)
                with pytest.raises(ClusterRefused, match=words) as refused:
                    run(Fake(), n=N, sink=memory, cluster=cluster)
            assert any(worker in str(refused.value) for worker in two.workers())
            with monkeypatch.context() as patch:  # as if the workers had joined after the first check
                patch.setattr(cluster, "check", lambda _packages, other=other: other)
                with pytest.raises(ClusterRefused, match=words) as refused:
                    run(Fake(), n=N, sink=memory, cluster=cluster)
            assert any(worker in str(refused.value) for worker in two.workers())
    assert not memory.kept


async def _tell_all_clients(seconds: float, dask_scheduler: Any) -> None:
    """What the scheduler does where somebody cancels a task, every half millisecond from now on."""

    async def telling() -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            dask_scheduler.report({"op": "cancelled-keys", "keys": ["nobody's"]})
            await asyncio.sleep(0.0005)

    dask_scheduler.telling = asyncio.ensure_future(telling())


def test_a_greeting_that_comes_with_other_news(there: DaskCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """One client in three gives up on it: connected until three have, of 300 in which it would be a hundred.

    Each that gives up is closed at once: left to the garbage collector it would close itself within the start of a
    later one, and both would wait for one lock for ever.
    """
    tried: list[Client] = []
    init = Client.__init__

    def counted(self: Client, *given: Any, **settings: Any) -> None:
        tried.append(self)
        init(self, *given, **settings)

    with connected(there.address) as cluster:
        cluster.client.run_on_scheduler(_tell_all_clients, 10.0)
        monkeypatch.setattr(Client, "__init__", counted)
        connections = 0
        while len(tried) < connections + 3 and connections < 300:
            connections += 1
            with connected(there.address) as another:
                assert another.client.status == "running"
                assert [client for client in tried if client.status != "closed"] == [another.client]
    assert len(tried) >= connections + 3


def test_a_worker_that_is_killed_loses_nothing(two: DaskCluster, tmp_path: Path, expected: str) -> None:
    """It ends amid a chunk, which the other one computes again."""
    memory = Memory()
    with connected(two.address) as cluster:
        task = Fake(1e-4, dies_at=150, once=str(tmp_path / "died"))
        result = run(task, n=N, sink=memory, chunk=10, cluster=cluster)
    assert (tmp_path / "died").exists()
    assert len(two.workers()) == 1
    assert result.status == "complete"
    assert digest(memory, N) == expected


def test_replications_that_kill_workers_are_reported(two: DaskCluster) -> None:
    memory = Memory()
    with connected(two.address) as cluster, pytest.raises(WorkerDied, match="died 2 times while computing") as death:
        run(Fake(dies_at=150), n=N, sink=memory, chunk=20, cluster=cluster)
    assert any(low <= 150 < high for low, high in death.value.spans)
    assert "--memory-limit" in str(death.value)
    assert size(memory.done()) >= 80


def test_threads_are_told_of_and_a_lost_scheduler_too(tmp_path: Path) -> None:
    memory = Memory()
    with dask_cluster(tmp_path) as own:
        own.work(1, threads=3)
        with pytest.raises(ClusterRefused, match="not a scheduler"):
            connected(next(iter(own.workers()))).__enter__()

        def end(progress: Progress) -> None:
            if progress.done >= 50:
                own.processes[0].kill()

        with (
            connected(own.address) as cluster,
            pytest.warns(ClusterWarning, match="a process computes one chunk at a time"),
            pytest.raises(ClusterRefused, match="What had finished is kept"),
        ):
            run(Fake(1e-3), n=N, sink=memory, chunk=5, on_progress=end, cluster=cluster)
    assert 50 <= size(memory.done()) < N


# --- clusters that are not there ------------------------------------------------------------------------------------


@pytest.fixture
def port() -> Iterator[int]:
    """A port that is nobody's."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        yield nobody.getsockname()[1]


def test_a_scheduler_out_of_reach_is_refused_in_time(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert module.CONNECT_SECONDS < 10
    monkeypatch.setattr(module, "CONNECT_SECONDS", 1.0)
    begun = time.monotonic()
    with pytest.raises(
        Refused, match=rf"No Dask scheduler answers at tcp://127.0.0.1:{port} \(.*([Rr]efused|Timed out).*\)"
    ):
        connected(f"tcp://127.0.0.1:{port}").__enter__()
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n" * 9])
def test_what_is_no_scheduler_is_refused(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """It listens and says nothing, or speaks of something else."""
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.5)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        held = []

        def listen() -> None:
            held.append(other.accept()[0])
            held[0].sendall(answer)

        threading.Thread(target=listen, daemon=True).start()
        with pytest.raises(ClusterRefused, match="No Dask scheduler answers"):
            connected(f"tcp://127.0.0.1:{other.getsockname()[1]}").__enter__()
        held[0].close()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tls://127.0.0.1:1", "distributed.comm.tls"),
        ("nonsense://host:1", "nonsense"),
        ("tcp://host", "port"),
        ("", "No Dask"),
    ],
)
def test_addresses_that_cannot_be(address: str, words: str) -> None:
    with pytest.raises(ClusterRefused, match=words):
        connected(address).__enter__()


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClusterRefused, match=r"pip install 'attain\[cluster\]'"):
        connected("tcp://127.0.0.1:1").__enter__()


def test_what_makes_code_the_same() -> None:
    here = identity(("attain", "engine sources"))
    assert here == identity(("attain", "engine sources"))
    assert difference(here, dict(here)) is None
    assert here["engine sources"] != identity(("attain sources",))["attain sources"]
    assert identity(("nowhere_to_be_found sources",)) == {"nowhere_to_be_found sources": "absent"}
    found = difference({"attain": "1.0"}, {"attain": "2.0"})
    assert found == "runs attain 2.0, and this machine 1.0"
