"""`attain bench`: how fast plans simulate on one core, each in a process of its own, beside what it takes to get going.

Every plan gets a fresh process, so that the peak of its memory and its warm-up are its own. Times are processor
seconds of that process: on a machine that does other work too, they say what the plan costs and not what the machine
was doing. Rows are plain records, see `COLUMNS`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import scenarios
from attain.plans import find_plan, open_plan
from attain.simulate import ENGINES
from engine.batch import Simulator
from engine.world import build

SECONDS = 3.0
LEAST = 2  # replications measured, however long they take
SEED = 1

COLUMNS = {
    "plan": "the plan's name or path, as asked for",
    "engine": "the engine that simulated it",
    "replications": "how many were measured",
    "seconds_per_replication": "the median, in processor seconds",
    "fastest": "the fastest replication, in processor seconds",
    "slowest": "the slowest replication, in processor seconds",
    "moves_per_replication": "stage visits that ended in the horizon (advanced, lost or stale), on average",
    "moves_per_second": "moves of all measured replications over their seconds",
    "leads_per_replication": "leads that came, on average; deals open on the first day not counted",
    "warm_seconds": "processor seconds before the first measured replication: imports, compiled code loaded or made, "
    "the plan read, one replication unmeasured",
    "peak_memory_mb": "the process's peak memory in MiB; null where the system does not say",
}


def bench(
    plans: Sequence[str | os.PathLike[str]] | None = None,
    *,
    seconds: float = SECONDS,
    engines: Sequence[str] = ENGINES,
) -> list[dict[str, Any]]:
    """A row (`COLUMNS`) for each plan and engine; every built-in plan unless `plans` are named.

    Replications run until about `seconds` have passed, two at least, all with goals, cells' totals and hashes as
    `attain simulate` has them. Raises PlanRefused for a plan that cannot be used, before anything is measured.
    """
    wanted = [os.fspath(plan) for plan in (scenarios.names() if plans is None else plans)]
    found = [find_plan(plan) for plan in wanted]
    for path in found:
        open_plan(path)
    return [
        {"plan": name} | _apart(path, engine, seconds)
        for name, path in zip(wanted, found, strict=True)
        for engine in engines
    ]


def measure(plan: str | os.PathLike[str], engine: str, seconds: float) -> dict[str, Any]:
    """One row but for its `plan`, measured in this process."""
    simulator = Simulator(build(open_plan(plan)), SEED, engine=engine)
    simulator(0, 1)
    warm = time.process_time()
    taken: list[float] = []
    moves = leads = 0.0
    until = time.perf_counter() + seconds
    while len(taken) < LEAST or time.perf_counter() < until:
        before = time.process_time()
        batch = simulator(1 + len(taken), 1)
        taken.append(time.process_time() - before)
        moves += float(batch.moves.sum())
        leads += float(batch.reps[:, :, 0].sum())
    return {
        "engine": engine,
        "replications": len(taken),
        "seconds_per_replication": statistics.median(taken),
        "fastest": min(taken),
        "slowest": max(taken),
        "moves_per_replication": moves / len(taken),
        "moves_per_second": moves / max(sum(taken), 1e-9),
        "leads_per_replication": leads / len(taken),
        "warm_seconds": warm,
        "peak_memory_mb": peak_memory(),
    }


def peak_memory() -> float | None:
    """This process's peak resident memory in MiB, where the system says it.

    Linux keeps the figure of `getrusage` across the start of a program, so that a child would report its parent's.
    """
    try:
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / 1024.0
    except OSError:
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak / (1024.0 * 1024.0 if sys.platform == "darwin" else 1024.0)


def run_apart(*arguments: str) -> dict[str, Any]:
    """Run a module of this project in a fresh Python and read the JSON that it prints."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONIOENCODING": "utf-8",
    }
    command = [sys.executable, "-P", "-m", *arguments]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"the measuring process of {arguments[-1]} ended with {done.returncode}:\n{done.stderr}")
    row: dict[str, Any] = json.loads(done.stdout)
    return row


def _apart(path: Path, engine: str, seconds: float) -> dict[str, Any]:
    return run_apart("attain.bench", engine, str(seconds), str(path.resolve()))


if __name__ == "__main__":
    _engine, _seconds, _plan = sys.argv[1:]
    sys.stdout.write(json.dumps(measure(_plan, _engine, float(_seconds))))
