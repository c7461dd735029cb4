"""Ctrl-C at the command line: what had finished is shown and kept, and the same command goes on to the same result."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from attain.optimise import optimise
from attain.optimise.search import Interrupted, Stop
from attain.simulate import simulate
from attain.store import RunStore
from tests.attain.cli_runs import BUDGET, PLAN, Attain, Said, command, surroundings

# So many leads that a replication takes SimPy some tenths of a second: a run long enough to be interrupted.
SLOW = PLAN.replace("leads_per_month: 12", "leads_per_month: 1_200")
# However short it is, by worker processes from the first replication on.
BY_WORKERS = "import engine.workers; engine.workers.ALONE = 0.0; from attain.cli import main; main()"
N = 160


@pytest.fixture
def attain(capsys: pytest.CaptureFixture[str]) -> Attain:
    return Attain(capsys)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of the run when nobody interrupts it."""
    plan = tmp_path_factory.mktemp("whole") / "计划.yaml"
    plan.write_text(SLOW, encoding="utf-8")
    return simulate(plan, n=N, seed=5, jobs=1).digest


def interrupted(line: list[str], cwd: Path, when: Callable[[], bool]) -> Said:
    """Run a command as a terminal does, in a process group of its own, and press Ctrl-C once `when` holds."""
    process = subprocess.Popen(
        line, cwd=cwd, env=surroundings(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 240
        while not when() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=120)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return Said(process.returncode, out.decode("utf-8"), err.decode("utf-8"))


@pytest.mark.skipif(os.name != "posix", reason="signals to a process group as POSIX has them")
@pytest.mark.parametrize(("jobs", "as_json"), [("1", False), ("2", True)])
def test_a_run_that_is_interrupted_goes_on_to_the_same_digest(
    attain: Attain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: str, jobs: str, as_json: bool
) -> None:
    (tmp_path / "计划.yaml").write_text(SLOW, encoding="utf-8")
    run = tmp_path / "run"
    arguments = ("simulate", "计划.yaml", "-n", str(N), "--seed", "5", "--jobs", jobs, "--out", "run")
    arguments += ("--engine", "simpy")  # slow enough to be interrupted
    arguments += ("--json",) if as_json else ()
    parts = run / "replications"

    def under_way() -> bool:  # the first replications are there, so that a prefix counts
        names = [path.name for path in parts.glob("part-*.parquet")]
        return len(names) >= 3 and any(name.startswith("part-000000000-") for name in names)

    line = command(arguments) if jobs == "1" else [sys.executable, "-c", BY_WORKERS, *arguments]
    said = interrupted(line, tmp_path, under_way)
    assert "Traceback" not in said.err
    assert said.code == 130, said.err
    assert f"of {N} replications count" in said.err
    assert "The same command continues the run in run" in " ".join(said.err.split())
    partial = RunStore.open(run)
    assert partial.manifest.status == "partial"
    assert 0 < partial.prefix < N
    if as_json:
        assert (said.document["replications"], said.document["asked"]) == (partial.prefix, N)
        assert said.document["digest"] == partial.digest()
    else:
        assert "小计划" in said.out
    monkeypatch.chdir(tmp_path)
    assert attain(*arguments).code == 0
    finished = RunStore.open(run)
    assert finished.manifest.status == "complete"
    assert finished.manifest.digest == finished.digest() == whole
    assert finished.manifest.replications == N
    assert finished.manifest.sessions == 2


def test_nothing_to_show_yet(attain: Attain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")

    def press(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.batch.Simulator.__call__", press)
    for flags in ((), ("--json",)):
        said = attain("simulate", tmp_path / "plan.yaml", "-n", "8", "--jobs", "1", "--seed", "3", *flags)
        assert said.code == 130
        assert "before there was anything to show" in (said.document["error"] if flags else said.err)
    monkeypatch.undo()
    assert attain("simulate", tmp_path / "plan.yaml", "-n", "8", "--jobs", "1", "--seed", "3").code == 0


class Pressed:
    """Presses Ctrl-C when a search reports for the n-th time, and later ones if asked."""

    def __init__(self, *at: int) -> None:
        self.at, self.reports, self.heard = at, 0, list[str]()

    def __call__(self, text: str) -> None:
        self.reports += 1
        self.heard.append(text)
        if self.reports in self.at:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.skipif(sys.platform == "win32", reason="raise_signal ends the process on Windows")
def test_optimise_stops_with_the_best_so_far_verified(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN + BUDGET, encoding="utf-8")
    say = Pressed(3)
    handler = signal.getsignal(signal.SIGINT)
    found = optimise(plan, seed=1, n=16, jobs=1, effort=0.01, out=tmp_path / "new.yaml", say=say)
    assert found.status == "interrupted"
    assert any("Stopping" in text for text in say.heard)
    assert found.termination == "stopped"
    assert found.after is not None
    assert found.allocation
    assert sum(row.new for row in found.allocation) == pytest.approx(30_000)
    assert (tmp_path / "new.yaml").is_file()
    assert found.simulated < 12 * 1024  # no climb to its end: what made the starts, and a block for each of them
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.skipif(sys.platform == "win32", reason="raise_signal ends the process on Windows")
def test_optimise_gives_up_when_pressed_twice(attain: Attain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN + BUDGET, encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        optimise(plan, seed=1, n=16, jobs=1, effort=0.01, out=tmp_path / "new.yaml", say=Pressed(3, 4))
    assert not (tmp_path / "new.yaml").exists()

    def press(*_: object, **__: object) -> None:
        raise Interrupted

    monkeypatch.setattr(sys.modules["attain.optimise.search"], "simulate_batches", press)
    said = attain("optimise", plan, "--seed", "1", "-n", "16", "--jobs", "1", "--effort", "0.01", "--json")
    assert (said.code, said.err) == (130, "")
    assert "Interrupted" in said.document["error"]


def test_a_stop_is_asked_for_once() -> None:
    stop = Stop()
    assert not stop()
    stop.ask()
    assert stop()
    with pytest.raises(KeyboardInterrupt):
        stop.ask()
