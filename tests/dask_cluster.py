"""A real Dask cluster on this machine for tests: a scheduler and worker processes, on free ports, ended at the end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from engine.cluster import connected

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 60.0  # seconds for a process to start, on a machine that is busy

# What a worker had is asked of it once more where it ended that very moment: half a minute, unless said otherwise.
QUICK = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s"}


class DaskCluster:
    """A scheduler, and the workers that `work` starts; processes of the command line that the documents show."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> DaskCluster:
        file = self.folder / "scheduler.json"
        # Twice on the same chunk is enough to give it up: a death that is meant to be final costs a worker each time.
        self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file),
            DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="1",
        )  # fmt: skip
        try:
            deadline = time.monotonic() + PATIENCE
            while True:
                with contextlib.suppress(OSError, ValueError):  # not there, or half written
                    self.address: str = json.loads(file.read_text(encoding="utf-8"))["address"]
                    return self
                self._alive(deadline)
        except BaseException:
            self.stop()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def work(self, count: int, threads: int = 1) -> list[subprocess.Popen[bytes]]:
        """Start so many worker processes; returns once the scheduler knows them."""
        before = len(self.workers())
        started = [
            self._start(
                "worker", self.address, "--host", "127.0.0.1", "--nthreads", str(threads), "--no-nanny",
                "--no-dashboard", "--local-directory", str(self.folder),
            )
            for _ in range(count)
        ]  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        while len(self.workers()) < before + count:
            self._alive(deadline)
        return started

    def workers(self) -> dict[str, int]:
        """Threads by address of the workers that the scheduler knows."""
        with connected(self.address) as cluster:
            return dict(cluster.client.nthreads())

    def idle(self) -> bool:
        """Whether the scheduler has forgotten every task."""
        with connected(self.address) as cluster:
            return bool(cluster.client.run_on_scheduler(lambda dask_scheduler: not dask_scheduler.tasks))

    def stop(self) -> None:
        """End every process, also where a test has failed."""
        for process in reversed(self.processes):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)

    def _start(self, *arguments: str, **settings: str) -> subprocess.Popen[bytes]:
        with open(self.folder / f"{arguments[0]}-{len(self.processes)}.log", "wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **QUICK, **settings},
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def _alive(self, deadline: float) -> None:
        ended = [process.args for process in self.processes if process.poll() not in (None, -signal.SIGKILL)]
        assert not ended, f"ended early: {ended}; see the logs in {self.folder}"
        assert time.monotonic() < deadline, f"not ready in {PATIENCE} s; see the logs in {self.folder}"
        time.sleep(0.05)


@contextlib.contextmanager
def dask_cluster(folder: Path, workers: int = 0) -> Iterator[DaskCluster]:
    """A cluster for a block, with so many workers."""
    with DaskCluster(folder) as cluster:
        cluster.work(workers)
        yield cluster
