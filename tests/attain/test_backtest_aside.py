"""A back-test's work in other processes: what it would be here, and had even where no process can be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize, rosen
from scipy.optimize._numdiff import approx_derivative

from attain.backtest import baselines
from attain.backtest.aside import Aside
from attain.backtest.differences import STEP, Differenced

STILL = np.repeat([[5.0], [0.0], [7.0]], 12, axis=1)  # series that do not move need no library


@pytest.mark.parametrize("cores", [1, 2])
def test_fits_are_the_same_wherever_they_are_made(cores: int) -> None:
    with Aside(cores) as aside:
        promises = [
            aside.begin(baselines.library, "auto_ets", STILL, (1, 3)),
            aside.begin(baselines.library, "auto_arima", STILL[:, :3], (1, 3)),
        ]
        found, short = (promise() for promise in promises)
    for months in (1, 3):
        samples = found[months]
        assert samples is not None
        assert samples == pytest.approx(np.repeat(STILL[:, :1] * months, samples.shape[1], axis=1))
    assert short == {1: None, 3: None}


def test_a_process_that_dies_is_done_without() -> None:
    with Aside(2) as aside:
        aside.begin(baselines.library, "auto_ets", STILL, (1,))()
        aside._pool.submit(os._exit, 1)
        promise = aside.begin(baselines.library, "auto_ets", STILL, (1,))
        samples = promise()[1]
    assert samples is not None
    assert samples[:, 0] == pytest.approx(STILL[:, 0])


def test_what_raises_elsewhere_is_raised_here() -> None:
    with Aside(2) as aside:
        promise = aside.begin(int, "seven")
        with pytest.raises(ValueError, match="seven"):
            promise()


LEFT = """
import os, time
from attain.backtest.aside import Aside
with Aside(2) as aside:
    print(*sorted({begun() for begun in [aside.begin(os.getpid) for _ in range(4)]}), flush=True)
    aside.begin(time.sleep, 600.0)
    time.sleep(600.0)
"""


@pytest.mark.skipif(os.name == "nt", reason="a process left behind has no other parent there")
@pytest.mark.parametrize("sent", ["SIGTERM", "SIGKILL"])
def test_workers_end_with_who_began_them_idle_or_at_work(sent: str) -> None:
    with subprocess.Popen([sys.executable, "-c", LEFT], stdout=subprocess.PIPE, text=True) as begun:
        assert begun.stdout is not None
        workers = [int(pid) for pid in begun.stdout.readline().split()]
        assert workers
        assert begun.pid not in workers
        begun.send_signal(getattr(signal, sent))
        begun.wait()
    for _ in range(300):  # looks, a tenth of a second apart
        if not any(_runs(pid) for pid in workers):
            return
        time.sleep(0.1)
    pytest.fail(f"left behind: {workers}")


def _runs(pid: int) -> bool:
    """Whether a process is there; one that has ended and that nobody has asked about is not."""
    if Path("/proc").is_dir():
        try:
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
        except OSError:
            return False
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def test_there_are_no_more_processes_than_work() -> None:
    assert Aside(1).workers == 0
    assert Aside(16, most=3).workers == 3


@pytest.mark.parametrize("point", [[0.3, -2.0], [0.0, 1e9], [-3e8, 5e-9]])
def test_differences_are_scipys(point: list[float]) -> None:
    def valley(x: np.ndarray, lift: float) -> float:
        return float(np.log1p((x[0] - 1.0) ** 2) + np.sqrt(1.0 + abs(x[1])) * np.cos(x[0]) + lift)

    x = np.array(point)
    expected = approx_derivative(valley, x, method="2-point", abs_step=STEP, args=(0.5,))
    assert Differenced(valley).gradient(x, 0.5).tolist() == expected.tolist()


def test_a_search_with_these_differences_takes_the_same_way() -> None:
    start = np.array([-1.2, 1.0, 0.7])
    plain = minimize(rosen, start, method="BFGS", options={"maxiter": 60})
    made = Differenced(rosen)
    ours = minimize(made, start, method="BFGS", jac=made.gradient, options={"maxiter": 60})
    assert ours.x.tolist() == plain.x.tolist()
    assert ours.nit == plain.nit


@pytest.mark.skipif(not baselines.available(), reason="statsforecast is not installed")
def test_auto_arima_is_the_librarys_own(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    table = np.cumsum(rng.standard_normal((3, 30)), axis=1) + 20.0
    ours = baselines.library("auto_arima", table, (1, 3))
    monkeypatch.setattr(baselines, "quick", nullcontext)
    theirs = baselines.library("auto_arima", table, (1, 3))
    for months in (1, 3):
        assert ours[months].tolist() == theirs[months].tolist()  # type: ignore[union-attr]
