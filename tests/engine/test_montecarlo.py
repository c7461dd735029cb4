"""The driver with a stand-in task of uneven durations: same results whatever workers, chunks, interruptions, looks."""

from __future__ import annotations

import hashlib
import math
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.chunks import FIRST_CHUNK, LARGEST_CHUNK, Chunks, Tables, size_of, timed
from engine.looks import Precision
from engine.montecarlo import Memory, Progress, run
from engine.replications import Span, merged, missing, prefix, size
from engine.workers import WorkerDied

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Fake:
    """A replication's value is a pure function of its number; some take far longer than others."""

    seconds: float = 0.0
    dies_at: int | None = None
    once: str = ""  # a file: dying happens only while it does not exist
    share: float = 0.3

    def __call__(self, first: int, n: int) -> Tables:
        numbers = np.arange(first, first + n)
        words = [hashlib.sha256(int(i).to_bytes(8, "little")).digest() for i in numbers]
        for i, word in zip(numbers, words, strict=True):
            if i == self.dies_at and not (self.once and os.path.exists(self.once)):
                if self.once:
                    Path(self.once).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(self.seconds * (word[0] / 64) ** 2)
        values = np.array([int.from_bytes(word[:6], "little") / 2**48 for word in words])
        return {
            "replications": {"replication": numbers, "hash": np.array([word.hex() for word in words])},
            "goals": {"replication": numbers, "hit": values < self.share},
        }


def hits(tables: Tables, first: int, n: int) -> NDArray[np.bool_]:
    assert tables["goals"]["replication"].tolist() == list(range(first, first + n))
    return np.asarray(tables["goals"]["hit"])[:, None]


def digest(memory: Memory, n: int) -> str:
    assert prefix(memory.done()) >= n
    return hashlib.sha256(b"".join(bytes.fromhex(h) for h in memory.table("replications")["hash"][:n])).hexdigest()


@pytest.fixture(scope="module")
def expected() -> str:
    words = [hashlib.sha256(i.to_bytes(8, "little")).digest() for i in range(300)]
    return hashlib.sha256(b"".join(words)).hexdigest()


@pytest.mark.usefixtures("workers_at_once")
@pytest.mark.parametrize(("jobs", "chunk"), [(1, None), (1, 1), (1, 7), (1, 300), (2, None), (2, 13), (2, 1000)])
def test_the_same_digest_for_any_workers_and_chunks(jobs: int, chunk: int | None, expected: str) -> None:
    memory = Memory()
    result = run(Fake(1e-5), n=300, sink=memory, jobs=jobs, chunk=chunk)
    assert (result.status, result.n, result.precise) == ("complete", 300, None)
    assert size(memory.done()) == 300
    assert digest(memory, 300) == expected


@pytest.mark.usefixtures("workers_at_once")
@pytest.mark.parametrize("jobs", [1, 2])
def test_interrupted_and_continued(jobs: int, expected: str) -> None:
    memory = Memory()
    before = signal.getsignal(signal.SIGINT)  # ignored, where the tests run in the background of a shell

    def press(progress: Progress) -> None:
        if progress.done > 60:
            os.kill(os.getpid(), signal.SIGINT)

    result = run(Fake(1e-4), n=300, sink=memory, jobs=jobs, chunk=10, on_progress=press)
    assert result.status == "interrupted"
    assert 60 < size(memory.done()) < 300
    assert result.n == prefix(memory.done())
    assert signal.getsignal(signal.SIGINT) is before
    kept = size(memory.done())
    seen: list[Progress] = []
    result = run(Fake(), n=300, sink=memory, jobs=jobs, chunk=7, on_progress=seen.append)
    assert result.status == "complete"
    assert seen[0].done <= kept + 7  # what was kept is not computed again
    assert digest(memory, 300) == expected


@pytest.mark.usefixtures("workers_at_once")
def test_an_extended_run_is_a_longer_one(expected: str) -> None:
    memory = Memory()
    run(Fake(), n=100, sink=memory, chunk=9)
    run(Fake(), n=300, sink=memory, jobs=2, chunk=31)
    assert digest(memory, 300) == expected


def test_only_gaps_are_filled(expected: str) -> None:
    memory = Memory()
    run(Fake(), n=50, first=100, sink=memory)
    asked: list[Span] = []

    @dataclass
    class Counting:
        def __call__(self, first: int, n: int) -> Tables:
            asked.append((first, first + n))
            return Fake()(first, n)

    run(Counting(), n=300, sink=memory)
    assert merged(asked) == [(0, 100), (150, 300)]
    assert digest(memory, 300) == expected


PRECISION = Precision(0.04, hits)


def first_precise_look(share: float) -> int:
    values = [
        int.from_bytes(hashlib.sha256(i.to_bytes(8, "little")).digest()[:6], "little") / 2**48 for i in range(2048)
    ]
    for n in (256, 384, 512, 768, 1024, 1472, 2048):
        p = sum(v < share for v in values[:n]) / n
        z = 1.959963984540054
        if z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5 / (1 + z * z / n) <= PRECISION.half_width:
            return n
    raise AssertionError


@pytest.mark.usefixtures("workers_at_once")
@pytest.mark.parametrize(("jobs", "chunk"), [(1, None), (1, 1000), (1, 3), (2, 100)])
@pytest.mark.parametrize("share", [0.3, 0.06])
def test_precision_looks_at_fixed_n(jobs: int, chunk: int | None, share: float) -> None:
    result = run(Fake(share=share), n=2048, sink=Memory(), jobs=jobs, chunk=chunk, precision=PRECISION)
    assert result.n == first_precise_look(share)
    assert result.precise
    assert result.half_width is not None
    assert result.half_width <= 0.04


def test_precision_of_a_continued_run() -> None:
    for before in (3, 100, 300, 700):
        memory = Memory()
        run(Fake(), n=before, sink=memory, chunk=50)
        run(Fake(), n=40, first=900, sink=memory)  # something further out, which must not count
        result = run(Fake(), n=2048, sink=memory, chunk=64, precision=PRECISION)
        assert result.n == first_precise_look(0.3)
    again = run(Fake(), n=2048, sink=memory, precision=PRECISION)
    assert again.n == result.n


def test_precision_that_is_never_reached() -> None:
    result = run(Fake(), n=500, sink=Memory(), precision=Precision(0.001, hits))
    assert (result.status, result.n, result.precise) == ("complete", 500, False)
    assert result.half_width == pytest.approx(0.04, abs=0.01)


@pytest.mark.usefixtures("workers_at_once")
def test_a_worker_that_dies_is_replaced(tmp_path: Path, expected: str) -> None:
    memory = Memory()
    result = run(Fake(dies_at=150, once=str(tmp_path / "died")), n=300, sink=memory, jobs=2, chunk=20)
    assert result.status == "complete"
    assert digest(memory, 300) == expected


@pytest.mark.usefixtures("workers_at_once")
def test_a_worker_that_dies_twice_is_reported() -> None:
    memory = Memory()
    with pytest.raises(WorkerDied, match="died twice while computing replications") as death:
        run(Fake(dies_at=150), n=300, sink=memory, jobs=2, chunk=20)
    assert any(low <= 150 < high for low, high in death.value.spans)
    assert size(memory.done()) >= 100


@pytest.mark.usefixtures("workers_at_once")
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_of_the_task_reaches_the_caller(jobs: int) -> None:
    with pytest.raises(ZeroDivisionError):
        run(_fails, n=10, sink=Memory(), jobs=jobs)


def _fails(first: int, n: int) -> Tables:
    raise ZeroDivisionError(f"{first} {n}")


def test_warm_comes_first_and_progress_adds_up() -> None:
    order: list[str] = []

    class Warm:
        def warm(self) -> None:
            order.append("warm")
            time.sleep(0.02)

        def __call__(self, first: int, n: int) -> Tables:
            order.append("task")
            return Fake()(first, n)

    seen: list[Progress] = []
    result = run(Warm(), n=200, sink=Memory(), on_progress=seen.append)
    assert order[0] == "warm"
    assert order.count("warm") == 1
    assert 0.02 <= result.compile_seconds <= result.seconds
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert seen[-1].done == seen[-1].total == 200
    assert seen[-1].left == 0.0
    run(Warm(), n=200, sink=Memory(kept={0: (200, Fake()(0, 200))}))
    assert order.count("warm") == 1  # nothing to do: nothing compiled


@pytest.mark.parametrize(("seconds", "largest"), [(0.004, 250), (1e-6, LARGEST_CHUNK), (30.0, 9)])
def test_chunks_last_about_a_second(seconds: float, largest: int) -> None:
    """By the durations reported back, with no clock in the test: they grow to a second's worth, and shrink at the end.

    At 30 s a replication a chunk is 9 of them all the same: 10,000 replications are not cut into more than 1,024. And
    a tenth of a second's worth is a chunk at any time.
    """
    short = round(0.1 / seconds)
    chunks = Chunks([(0, 10_000)], n=10_000, workers=2, fixed=None, cuts=())
    sizes = []
    for low, high in chunks:
        sizes.append(high - low)
        chunks.arrived((low, high), seconds * (high - low))
    assert sizes[0] == 9
    assert max(sizes) == largest
    assert all(b <= max(4 * a, short) for a, b in pairwise(sizes))
    assert sizes[-1] <= max(9, short)
    assert sizes[-1] < max(sizes)
    assert sum(sizes) == 10_000
    assert chunks.in_flight == set()


@pytest.mark.parametrize(
    ("seconds", "nbytes", "largest"),
    [(0.02, 9_500, LARGEST_CHUNK), (2.0, 1_400_000, 47), (0.8, 9_500, 375), (400.0, 0, 1), (0.0, 10**9, 1)],
)
def test_chunks_of_a_long_run_fit_into_memory_and_minutes(seconds: float, nbytes: int, largest: int) -> None:
    """Ten million replications: 64 MiB of tables at most, five minutes at most, and few replications to begin with."""
    chunks = Chunks([(0, 10_000_000)], n=10_000_000, workers=300, fixed=None, cuts=())
    sizes = []
    for low, high in chunks:
        count = high - low
        sizes.append(count)
        chunks.arrived((low, high), seconds * count, nbytes * count)
        if len(sizes) == 1_000:
            break
    assert sizes[0] == FIRST_CHUNK
    assert max(sizes[1:]) == largest


@dataclass
class Read:
    """Writes into a folder which processes have read it."""

    folder: str

    def __setstate__(self, state: dict[str, str]) -> None:
        self.__dict__.update(state)
        with open(Path(self.folder) / str(os.getpid()), "a", encoding="utf-8") as file:
            file.write("read\n")

    def __call__(self, first: int, n: int) -> Tables:
        return Fake(1e-4)(first, n)


@pytest.mark.usefixtures("workers_at_once")
def test_a_worker_reads_the_task_once(tmp_path: Path, expected: str) -> None:
    """Of a large team it is large, and what it makes ready takes long."""
    memory = Memory()
    run(Read(str(tmp_path)), n=300, sink=memory, jobs=2, chunk=5)
    assert digest(memory, 300) == expected
    assert 1 <= len(list(tmp_path.iterdir())) <= 2
    assert {path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == {"read\n"}


class Whose(Fake):
    """Says which process computed each replication."""

    def __call__(self, first: int, n: int) -> Tables:
        tables = Fake.__call__(self, first, n)
        return {**tables, "whose": {"replication": np.arange(first, first + n), "pid": np.full(n, os.getpid())}}


def test_this_process_alone_where_workers_would_not_pay(monkeypatch: pytest.MonkeyPatch, expected: str) -> None:
    """Who computes is asked of the process; the estimate of what is left decides, and precision may lower it."""

    def processes(seconds: float, worth: float, precision: Precision | None = None) -> set[int]:
        monkeypatch.setattr("engine.workers.WORTH", worth)
        memory = Memory()
        assert run(Whose(seconds), n=300, sink=memory, jobs=2, chunk=20, precision=precision).status == "complete"
        assert precision or digest(memory, 300) == expected
        return set(memory.table("whose")["pid"].tolist())

    here = os.getpid()
    monkeypatch.setattr("engine.workers._running", set())
    assert processes(0.0, 3.0) == {here}, "over before anybody is asked"
    monkeypatch.setattr("engine.workers.ALONE", 0.01)
    assert processes(0.001, 100.0) == {here}, "too little left"
    both = processes(0.001, 0.05)
    assert here in both
    assert len(both) > 1, "handed over"
    monkeypatch.setattr("engine.workers.ALONE", 60.0)
    again = processes(0.001, 100.0)
    assert here in again, "the first chunk, which tells the pace"
    assert len(again) > 1, "those that run already cost next to nothing"
    assert processes(0.0, 100.0) == {here}, "but more than a run that is over at once"


def test_what_is_left_is_estimated_from_the_latest_chunk() -> None:
    chunks = Chunks([(0, 10), (20, 50)], n=50, workers=1, fixed=5, cuts=())
    assert chunks.seconds_left() == math.inf
    for seconds in (5.0, 2.5):
        span = chunks.take()
        assert span is not None
        chunks.arrived(span, seconds)
    assert chunks.seconds_left() == pytest.approx(0.5 * 30)
    chunks.expected = 12
    assert chunks.seconds_left() == pytest.approx(0.5 * 12)
    assert list(chunks)[-1] == (45, 50)
    assert chunks.seconds_left() == 0.0


def test_the_size_of_tables_is_that_of_their_columns() -> None:
    assert size_of({"a": {"x": np.zeros(10), "y": np.zeros(10, dtype=bool)}, "b": {"z": np.zeros(3, "i4")}}) == 102
    assert size_of({"a": {"x": np.zeros(10)}, "sums": {"replications": np.ones(9), "x": np.zeros(9)}}) == 80
    assert size_of(object()) == 0  # the search keeps batches, which are no tables


def test_ctrl_c_from_a_terminal_leaves_no_traceback(tmp_path: Path) -> None:
    """The signal goes to the whole process group, workers included, as a terminal sends it."""
    script = tmp_path / "long.py"
    script.write_text(
        textwrap.dedent(
            """
            import sys
            import engine.workers
            from engine.montecarlo import Memory, run
            from engine.replications import prefix
            from tests.engine.test_montecarlo import Fake
            engine.workers.ALONE = 0.0
            memory = Memory()
            def tell(progress):
                print(prefix(memory.done(), 0), flush=True)  # the first chunk may be the last to arrive
            result = run(Fake(0.002), n=100_000, sink=memory, jobs=2, chunk=5, on_progress=tell)
            print(result.status, result.n > 0, flush=True)
            """
        ),
        encoding="utf-8",
    )
    process = subprocess.Popen(
        [sys.executable, str(script)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 20:
            break
    os.killpg(process.pid, signal.SIGINT)
    pressed = time.perf_counter()
    out, err = process.communicate(timeout=20)
    assert time.perf_counter() - pressed < 10
    assert out.splitlines()[-1] == "interrupted True"
    assert err == ""
    assert process.returncode == 0


def test_bad_counts_are_refused() -> None:
    for first, n, chunk in ((0, 0, None), (-1, 5, None), (0, 5, 0)):
        with pytest.raises(ValueError, match="counted from 0"):
            run(Fake(), sink=Memory(), first=first, n=n, chunk=chunk)


# --- spans ----------------------------------------------------------------------------------------------------------

spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)).map(lambda s: (s[0], s[0] + s[1])), max_size=12)


@given(spans, st.integers(0, 40), st.integers(0, 40))
def test_spans_are_sets(done: list[Span], first: int, n: int) -> None:
    inside = {i for a, b in done for i in range(a, b)}
    assert {i for a, b in merged(done) for i in range(a, b)} == inside
    assert all(a[1] < b[0] for a, b in zip(merged(done), merged(done)[1:], strict=False))
    gaps = missing(done, first, n)
    assert gaps == merged(gaps)
    assert {i for a, b in gaps for i in range(a, b)} == set(range(first, first + n)) - inside
    assert size(done) == len(inside)
    reach = prefix(done, first)
    assert all(first + i in inside for i in range(reach))
    assert first + reach not in inside


def test_an_interrupt_that_meets_compiled_code_is_an_interrupt() -> None:
    """Python makes a SystemError of it where the code returns in the same moment."""

    class Met(Fake):
        def __call__(self, first: int, n: int) -> Tables:
            if first:
                try:
                    raise SystemError("returned a result with an exception set") from KeyboardInterrupt()
                except SystemError as error:
                    raise SystemError(*error.args) from error  # as SimPy hands it on
            return Fake.__call__(self, first, n)

    memory = Memory()
    result = run(Met(0.0), n=300, sink=memory, jobs=1, chunk=20)
    assert (result.status, result.n) == ("interrupted", 20)
    with pytest.raises(SystemError, match="of its own"):
        timed(Broken(), (0, 1))


class Broken:
    """A task that fails in a way of its own."""

    def __call__(self, first: int, n: int) -> Tables:
        raise SystemError("of its own")
