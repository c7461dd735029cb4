"""Chunks computed by the workers of a Dask cluster; the driver keeps what they give, as it does with its own processes.

    dask scheduler                                       # on one machine
    dask worker tcp://HOST:8786 --nworkers -1            # on each machine: a process a core

    with connected("tcp://HOST:8786") as cluster:
        run(task, n=10_000_000, sink=store, cluster=cluster)

The task travels once, and from worker to worker; each worker process compiles once, into its machine's own cache. Few
chunks are under way for each worker, so that neither they nor the scheduler nor this process hold more for a longer
run. Dask runs the chunks of a worker that is lost again, and gives work to workers that join. Workers must have this
very code: results hang on it.

A cluster runs what it is sent, and what it sends back is unpickled here: connect only to one that you trust.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import functools
import importlib.metadata
import importlib.util
import pickle
import queue
import re
import threading
import time
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from engine.chunks import Chunks, Tables, Task, timed
from engine.compiled import source_hash
from engine.problems import Refused
from engine.replications import Span
from engine.workers import Keep, WorkerDied

if TYPE_CHECKING:
    from distributed import Client, Future

T = TypeVar("T")
Identity = dict[str, str]  # "attain": its version; then each package whose code computes: a hash of its sources

CONNECT_SECONDS = 8.0  # or Dask's own `distributed.comm.timeouts.connect`, where that is less
LOOK_SECONDS = 1.0  # between looks at which workers there are
AHEAD = 2  # chunks for each worker process: one that it computes, one that waits there for it
FETCHED = 2  # chunks in this process: one that is being kept, one that comes in meanwhile
MORE_MEMORY = (
    "look into the workers' logs, and give each process more memory (fewer of them on a machine, or a higher "
    "--memory-limit). A worker that joins without attain installed ends likewise."
)


class ClusterRefused(Refused):
    """A cluster that cannot be used, or that was lost; the message says why and what to do."""


class ClusterWarning(UserWarning):
    """Something about the cluster that its user would want to know while the run goes on."""


# --- on a worker ----------------------------------------------------------------------------------------------------

_ONE_AT_A_TIME = threading.Lock()  # a task is no business of several threads, and they would share one core anyway


def hold(task: bytes) -> bytes:
    """The task as it stays with the workers; Dask makes it again from the scheduler's copy where all were lost."""
    return task


def simulate_chunk(task: bytes, wanted: Identity, first: int, n: int) -> tuple[Tables, float, float]:
    """The tables of a chunk, the seconds they took, and those that this process took to be ready for the task."""
    with _ONE_AT_A_TIME:
        differs = difference(wanted, identity(tuple(wanted)))
        if differs is not None:
            from distributed import get_worker

            raise _not_alike(get_worker().address, differs)
        ready, warming = _ready(task)
        _, tables, seconds = timed(ready, (first, first + n))
        return tables, seconds, warming


@functools.lru_cache(maxsize=2)  # two runs may share a cluster
def _ready(task: bytes) -> tuple[Task, float]:
    begun = time.perf_counter()
    ready = pickle.loads(zlib.decompress(task))  # noqa: S301  (Dask's own way of sending work, no more open to others than that)
    getattr(ready, "warm", lambda: None)()
    return ready, time.perf_counter() - begun


# --- the same code everywhere ---------------------------------------------------------------------------------------


def identity(names: tuple[str, ...]) -> Identity:
    """What this process runs: the version of attain, and a hash of the sources of each package named after it."""
    return {name: _version() if name == "attain" else _sources(name.removesuffix(" sources")) for name in names}


@functools.cache  # what was loaded counts, not what stands in the files by now
def _version() -> str:
    try:
        return importlib.metadata.version("attain")
    except importlib.metadata.PackageNotFoundError:
        return "uninstalled"


@functools.cache
def _sources(package: str) -> str:
    found = importlib.util.find_spec(package)
    places = list(found.submodule_search_locations or ()) if found is not None else []
    return source_hash(Path(places[0]))[:12] if places else "absent"


def packages_of(task: Task) -> tuple[str, ...]:
    """Whose sources a task's numbers hang on: the engine's, and those of the package that makes its tables."""
    home = type(task).__module__.partition(".")[0]
    return ("attain", *(f"{name} sources" for name in sorted({"engine", home} - {"__main__"})))


def difference(here: Identity, there: Identity) -> str | None:
    """How a worker's code differs from this process's, as the end of a sentence; None where it does not."""
    if here["attain"] != there["attain"]:
        return f"runs attain {there['attain']}, and this machine {here['attain']}"
    other = [name for name in here if here[name] != there.get(name)]
    if other:
        what = ", ".join(f"{name}: {there.get(name)}, here {here[name]}" for name in other)
        return f"runs attain {there['attain']} from other source files than this machine ({what})"
    return None


def _not_alike(worker: str, differs: str) -> ClusterRefused:
    return ClusterRefused(
        f"The worker {worker} {differs}. Its results could be others, so the run does not use this cluster: install "
        "the same attain on every machine, and restart the workers."
    )


# --- the cluster ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def connected(address: str) -> Iterator[Cluster]:
    """The cluster whose scheduler has this address, such as tcp://10.0.0.5:8786. Raises ClusterRefused.

    A tls:// address takes its certificates from Dask's own configuration (`distributed.comm.tls`).
    """
    try:
        import distributed  # noqa: F401  (asked for here, where its absence can be explained)
    except ImportError as error:
        raise ClusterRefused(
            f"A cluster needs Dask, which is not installed here ({error}): pip install 'attain[cluster]', on this "
            "machine and on every machine of the cluster."
        ) from None
    patience = _patience()
    _probe(address, patience)
    try:
        client = _client(address, patience)
    except Exception as error:  # Dask raises what its transport does, of many kinds: the reason is in the message
        raise _no_answer(address, error) from None
    try:
        yield Cluster(client, address)
    finally:
        with contextlib.suppress(Exception):  # the scheduler may be gone, and the result, or the error, is what counts
            client.close(timeout=patience)


def _client(address: str, patience: float) -> Client:
    """Dask's client, asked for again where its greeting was not alone.

    The scheduler tells all its clients of every task that anybody cancels. Where it does so in the two milliseconds in
    which it greets a new one, both come in one message, and the client asserts that the greeting is all of it.
    """
    import distributed

    deadline = time.monotonic() + patience
    while True:
        # It is held from before it begins: one that fails and is left to the garbage collector closes itself whenever
        # that comes by, which may be while the next one has the lock of the event loops that both need.
        client: Client = distributed.Client.__new__(distributed.Client)
        try:
            distributed.Client.__init__(client, address, timeout=patience, set_as_default=False, name="attain")
            return client
        except Exception as error:
            with contextlib.suppress(Exception):
                client.close(timeout=patience)
            if not isinstance(error, AssertionError) or time.monotonic() > deadline:
                raise


def _patience() -> float:
    import dask
    from dask.utils import parse_timedelta

    return min(CONNECT_SECONDS, parse_timedelta(dask.config.get("distributed.comm.timeouts.connect")))


def _probe(address: str, patience: float) -> None:
    """Ask whether a scheduler answers: Dask's client is slow to give up, and then leaves parts of it running."""
    from distributed import Security, rpc

    async def ask() -> Any:
        settings = Security().get_connection_args("client")
        async with rpc(address, timeout=patience, connection_args=settings) as scheduler:
            return await scheduler.identity()

    async def in_time() -> Any:
        return await asyncio.wait_for(ask(), patience + 1.0)  # something listens, and says nothing

    try:
        with concurrent.futures.ThreadPoolExecutor(1) as thread:  # the caller may have an event loop of its own
            found = thread.submit(asyncio.run, in_time()).result()
        kind = found.get("type") if isinstance(found, dict) else None
    except Exception as error:  # whatever answers there, or does not
        raise _no_answer(address, error) from None
    if kind != "Scheduler":
        raise ClusterRefused(f"At {address} there is a {kind} of Dask, not a scheduler: name the scheduler's address.")


def _no_answer(address: str, error: Exception) -> ClusterRefused:
    words = [" ".join(str(e).split()) for e in (error.__cause__, error) if e is not None]
    said = next((re.sub(r"^in <[^>]*>: ", "", w) for w in words if w), "it says nothing, or not what one would")
    advice = "Is it running there, is its port open to this machine, and is the address right (tcp://HOST:8786)?"
    if address.startswith("tls"):
        advice += (
            " Its certificates are found by Dask's configuration, distributed.comm.tls: ca-file, client.cert, key."
        )
    return ClusterRefused(f"No Dask scheduler answers at {address} ({said}). {advice}")


class Cluster:
    """The workers of a connected cluster, for the driver's `cluster`."""

    def __init__(self, client: Client, address: str) -> None:
        self.client, self.address = client, address
        self.compile_seconds = 0.0
        self.processes = 0
        self.looked = -LOOK_SECONDS
        self.said = ""

    def check(self, packages: tuple[str, ...]) -> Identity:
        """What every worker must run: this process's code. Raises ClusterRefused, naming one that does not."""
        here = identity(packages)
        answers = self._asked(lambda: self.client.run(identity, packages, on_error="return"))
        for worker, there in sorted(answers.items()):
            if isinstance(there, Exception):
                said = " ".join(str(there).split())
                raise _not_alike(worker, f"cannot load this attain ({type(there).__name__}: {said})")
            differs = difference(here, there)
            if differs is not None:
                raise _not_alike(worker, differs)
        return here

    def compute(self, task: Task, chunks: Chunks, keep: Keep) -> None:
        """Have the workers compute every chunk, a bounded number at a time, and keep each as it arrives.

        Raises ClusterRefused where a worker runs other code or the cluster is lost, and WorkerDied for replications
        on which workers died more often than the scheduler allows (`distributed.scheduler.allowed-failures`).
        """
        packages = packages_of(task)
        self.compile_seconds = 0.0
        flight = _Flight(self, chunks, self.check(packages))
        with flight.under_way(zlib.compress(pickle.dumps(task, protocol=5), 1)):  # names, mostly: a tenth of its size
            while flight.filled():
                landed = flight.landed()
                if landed is not None:
                    self._keep(*landed, flight, keep, packages)
                    del landed
                    flight.room.release()

    def _keep(self, span: Span, outcome: Any, flight: _Flight, keep: Keep, packages: tuple[str, ...]) -> None:
        if isinstance(outcome, Exception):
            raise self._explained(outcome, span, flight, packages) from None
        tables, seconds, warming = outcome
        self.compile_seconds = max(self.compile_seconds, warming)
        keep(span, tables, seconds)

    def _explained(self, error: Exception, span: Span, flight: _Flight, packages: tuple[str, ...]) -> Exception:
        """Why a chunk has no result, as far as the cluster is to blame; else what its task raised."""
        from distributed import KilledWorker
        from distributed.scheduler import NoValidWorkerError

        said = " ".join(str(error).split())
        if isinstance(error, concurrent.futures.CancelledError):
            return self._lost(said)
        if isinstance(error, KilledWorker):
            # A chunk that waited on the same workers is given up with the one that ended them: both are named.
            others = [other for other, future in flight.spans.items() if future.status == "error"]
            times = f"{error.allowed_failures + 1} times" if error.allowed_failures else "once"
            return WorkerDied(sorted({span, *others}), said, times, MORE_MEMORY)
        if isinstance(error, NoValidWorkerError):
            return ClusterRefused(
                f"No worker joined the cluster at {self.address} in time ({said}): start some with "
                f"`dask worker {self.address} --nworkers -1`, and run the command again."
            )
        self.check(packages)  # a worker that joined late with other code is a better reason than what came of it
        return error

    def look(self) -> int:
        """How many worker processes there are, asked once in a while; warns of none, and of threads without use."""
        now = time.monotonic()
        if now - self.looked >= LOOK_SECONDS:
            threads = self._asked(self.client.nthreads)
            self.looked, self.processes = now, len(threads)
            words = self._worth_saying(len(threads), sum(threads.values()))
            if words != self.said:
                self.said = words
                if words:
                    warnings.warn(words, ClusterWarning, stacklevel=2)
        return self.processes

    def _worth_saying(self, processes: int, threads: int) -> str:
        start = f"dask worker {self.address} --nworkers -1"
        if not processes:
            return f"The cluster at {self.address} has no workers; the run goes on when some join: {start}"
        if threads > processes:
            return (
                "Some workers of the cluster have several threads, and a process computes one chunk at a time. For a "
                f"process a core: {start}"
            )
        return ""

    def _asked(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except (OSError, concurrent.futures.CancelledError) as error:
            raise self._lost(str(error)) from None

    def _lost(self, said: str) -> ClusterRefused:
        return ClusterRefused(
            f"The scheduler at {self.address} was lost, restarted, or has dropped the run ({' '.join(said.split())}). "
            "What had finished is kept, and a further run continues there."
        )


class _Flight:
    """The chunks under way: at most `AHEAD` for each worker process, and a few where there is none yet.

    What they gave stays with the workers until it is fetched, by threads: a fetch is long where a chunk is large or,
    its worker lost since, computed again. At most `FETCHED` chunks are here at a time.
    """

    def __init__(self, cluster: Cluster, chunks: Chunks, wanted: Identity) -> None:
        self.cluster, self.chunks, self.wanted = cluster, chunks, wanted
        self.task: Future[Any] | None = None
        self.spans: dict[Span, Future[Any]] = {}
        self.done: queue.SimpleQueue[tuple[Span, Future[Any]] | None] = queue.SimpleQueue()
        self.here: queue.SimpleQueue[tuple[Span, Any]] = queue.SimpleQueue()
        self.room = threading.Semaphore(FETCHED)

    @contextlib.contextmanager
    def under_way(self, task: bytes) -> Iterator[None]:
        """The task is with the cluster; in the end nothing of the run is left there, whatever happened."""
        import dask

        client = self.cluster.client
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "4 GiB"}):  # sent once: it is no graph
            self.task = client.submit(hold, task, pure=False)
        for _ in range(FETCHED):
            threading.Thread(target=self._fetch, daemon=True).start()
        try:
            yield
        finally:
            for _ in range(FETCHED):
                self.done.put(None)
                self.room.release()
            with contextlib.suppress(Exception):
                client.cancel([self.task, *self.spans.values()])

    def filled(self) -> bool:
        """Hand out chunks up to the bound; whether any is under way."""
        workers = self.chunks.workers = max(self.cluster.look(), 1)
        while len(self.spans) < AHEAD * workers and (span := self.chunks.take()) is not None:
            first, last = span
            future = self.cluster.client.submit(simulate_chunk, self.task, self.wanted, first, last - first, pure=False)
            self.spans[span] = future
            future.add_done_callback(functools.partial(self._done, span))
        return bool(self.spans)

    def _done(self, span: Span, future: Future[Any]) -> None:
        if future.status == "finished":
            self.done.put((span, future))
        else:
            self.here.put((span, _outcome(future)))

    def _fetch(self) -> None:
        while (done := self.done.get()) is not None:
            self.room.acquire()
            self.here.put((done[0], _outcome(done[1])))
            del done

    def landed(self) -> tuple[Span, Any] | None:
        """A chunk that is here, with what it gave or the error, if one comes soon; once kept, it makes room."""
        try:
            span, outcome = self.here.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            return None
        del self.spans[span]  # the workers need not hold it any more
        return span, outcome


def _outcome(future: Future[Any]) -> Any:
    """What a chunk gave, or the error in its place."""
    try:
        return future.result()
    except Exception as error:  # raised again by whoever takes it, in the order of arrival
        return error
