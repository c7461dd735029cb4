"""`attain bench`: how fast plans simulate on one core, each in a process of its own, beside what it takes to get going.

Every plan gets a fresh process, so that the peak of its memory and its warm-up are its own. Times are processor
seconds of that process: on a machine that does other work too, they say what the plan costs and not what the machine
was doing. Rows are plain records, see `COLUMNS`.

Compiling comes once an install and engine, never with a plan. Its cost is measured so, by a process whose cache is
empty, and is a column of its own; everything else is measured with compiled code in the cache.

The peers, other simulators on one model, and other ways to an allocation are measured by the folder benchmarks/ of the
source tree; `peers` and `allocations` ask it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import scenarios
from attain.plans import find_plan, open_plan
from engine import compiled
from engine.batch import ENGINES, Simulator
from engine.problems import Refused
from engine.world import build

SECONDS = 3.0
LEAST = 2  # replications measured, however long they take
SEED = 1
REPLICATIONS = 2_000  # on which allocations are judged

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
    "warm_seconds": "processor seconds before the first measured replication: imports, compiled code loaded from the "
    "cache, the plan read, one replication unmeasured",
    "peak_memory_mb": "the process's peak memory in MiB; null where the system does not say",
    "compile_seconds": "processor seconds that compiling takes, once an install and engine: a process with an empty "
    "cache less one with what that left there, both on the first plan; null where it was left out",
}


def bench(
    plans: Sequence[str | os.PathLike[str]] | None = None,
    *,
    seconds: float = SECONDS,
    engines: Sequence[str] = ENGINES,
    compiling: bool = True,
) -> list[dict[str, Any]]:
    """A row (`COLUMNS`) for each plan and engine; every built-in plan unless `plans` are named.

    Replications run until about `seconds` have passed, two at least, all with goals, cells' totals and hashes as
    `attain simulate` has them. `compiling`: measure that, too, by compiling everything once for each engine. Raises
    PlanRefused for a plan that cannot be used, before anything is measured.
    """
    wanted = [os.fspath(plan) for plan in (scenarios.names() if plans is None else plans)]
    found = [find_plan(plan) for plan in wanted]
    for path in found:
        open_plan(path)
    took = {engine: compile_seconds(found[0], engine) if compiling else None for engine in engines}
    return [
        {"plan": name} | _apart(path, engine, seconds) | {"compile_seconds": took[engine]}
        for name, path in zip(wanted, found, strict=True)
        for engine in engines
    ]


def measure(plan: str | os.PathLike[str], engine: str, seconds: float) -> dict[str, Any]:
    """One row but for its `plan` and what compiling takes, measured in this process."""
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


def compile_seconds(plan: str | os.PathLike[str], engine: str) -> float:
    """Processor seconds that compiling an engine takes: the warm-up with an empty cache, less the next one's."""
    path = str(find_plan(plan).resolve())
    with tempfile.TemporaryDirectory(prefix="attain-bench-") as folder:
        cold, warm = (
            run_apart("attain.bench", engine, "0", path, **{compiled.PLACE: folder})["warm_seconds"] for _ in range(2)
        )
    return max(0.0, float(cold) - float(warm))


def peers(seconds: float = SECONDS) -> dict[str, Any]:
    """The peer funnel by our engines and by every peer that is here, as `benchmarks/README.md` says; takes minutes.

    What it measured is also written into the folder benchmarks/. Raises Refused where there is no such folder.
    """
    measured: dict[str, Any] = _of_tree("The peers are", "run", "peers", "--json", "--seconds", str(seconds))["peers"]
    return measured


def allocations(
    plans: Sequence[str | os.PathLike[str]], *, n: int = REPLICATIONS, seed: int = SEED, jobs: int = 1
) -> dict[str, Any]:
    """Ours beside allocations by other methods, on the same fresh paths: plans named, else all built-in ones; minutes.

    Raises Refused where the folder benchmarks/ is not there, or a plan is not.
    """
    found = [str(find_plan(plan).resolve()) if not _built_in(plan) else str(plan) for plan in plans]
    options = ("-n", str(n), "--seed", str(seed), "--jobs", str(jobs))
    return _of_tree("Other allocations are", "allocations", *options, *found)


def _built_in(plan: str | os.PathLike[str]) -> bool:
    return str(plan) in scenarios.names()


def _of_tree(what: str, module: str, *arguments: str) -> dict[str, Any]:
    """What a module of the folder benchmarks/ prints as JSON; 1 as its exit code is an answer, too."""
    root = Path(__file__).parents[1]
    if not (root / "benchmarks" / "run.py").is_file():
        raise Refused(
            f"{what} measured by the folder benchmarks/ of attain's source tree, which an installed attain "
            "does not have: run this in a copy of the source tree (`make bench` there measures everything)."
        )
    command = [sys.executable, "-P", "-m", f"benchmarks.{module}", *arguments]
    path = os.pathsep.join([str(root), *(place for place in sys.path if place)])
    # Its progress goes where ours does, to standard error.
    done = subprocess.run(
        command, stdout=subprocess.PIPE, encoding="utf-8", env=environment(PYTHONPATH=path), check=False
    )
    if done.returncode not in (0, 1) or not done.stdout:
        raise RuntimeError(f"the measuring process of benchmarks.{module} ended with {done.returncode}")
    document: dict[str, Any] = json.loads(done.stdout)
    return document


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


def environment(**more: str) -> dict[str, str]:
    """The environment of a fresh Python that finds what this one finds."""
    path = os.pathsep.join(place for place in sys.path if place)
    return os.environ | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"} | more


def run_apart(*arguments: str, **more: str) -> dict[str, Any]:
    """Run a module of this project in a fresh Python and read the JSON that it prints; `more` for its environment."""
    command = [sys.executable, "-P", "-m", *arguments]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment(**more), check=False)
    if done.returncode:
        raise RuntimeError(f"the measuring process of {arguments[-1]} ended with {done.returncode}:\n{done.stderr}")
    row: dict[str, Any] = json.loads(done.stdout)
    return row


def _apart(path: Path, engine: str, seconds: float) -> dict[str, Any]:
    """A row with compiled code in the cache: measured again where it had to make some first."""
    before = _compiled_files()
    row = run_apart("attain.bench", engine, str(seconds), str(path.resolve()))
    if _compiled_files() == before:
        return row
    return run_apart("attain.bench", engine, str(seconds), str(path.resolve()))


def _compiled_files() -> set[str]:
    return {str(path) for path in compiled.DIRECTORY.rglob("*")}


if __name__ == "__main__":
    _engine, _seconds, _plan = sys.argv[1:]
    sys.stdout.write(json.dumps(measure(_plan, _engine, float(_seconds))))
