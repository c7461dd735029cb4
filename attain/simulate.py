"""`attain simulate`: a plan run thousands of times, into a run store, and back as results."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from pydantic import ValidationError

from attain.arrow import to_numpy
from attain.plans import open_plan
from attain.provenance import machine, versions
from attain.results import Results
from attain.store import Manifest, RunRefused, RunStore
from attain.tables import Pieces, RunTask, hits_of, results_of
from engine.batch import ENGINES, Keep, Simulator
from engine.looks import Precision
from engine.montecarlo import Progress, run
from engine.plan.document import write_text
from engine.plan.load import load_plan
from engine.plan.rows import PlanFiles
from engine.plan.types import LoadedPlan
from engine.problems import PlanRefused, Problem, Refused
from engine.workers import Workers
from engine.world import World, build

REPLICATIONS = 2_000
FILES = "plan-files.json"  # in a run's folder: what the files beside the plan held


def fresh_seed() -> int:
    """A seed for a run that names none; it is printed and stored."""
    return secrets.randbits(32)


def inputs_hash(loaded: LoadedPlan) -> str:
    """SHA-256 over what results hang on: the plan as varied and the files beside it."""
    content = {"plan": loaded.plan.model_dump(mode="json"), "files": loaded.files.model_dump(mode="json")}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def manifest_of(
    loaded: LoadedPlan,
    world: World,
    sets: Sequence[str],
    *,
    n: int,
    seed: int,
    phase: int,
    engine: str,
    keep: Keep,
    jobs: int | None,
    precision: float | None,
    cluster: bool = False,
) -> Manifest:
    """What a run's folder says of it before it starts."""
    return Manifest(
        plan_name=loaded.plan.name,
        plan_text=loaded.text,
        inputs_sha256=inputs_hash(loaded),
        sets=tuple(sets),
        seed=seed,
        phase=phase,
        keep=keep,
        engine=engine,
        n=n,
        precision=precision,
        jobs=jobs,
        cluster=cluster,
        versions=versions(),
        machine=machine(),
        started=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        calendar=world.cal.as_json(),
        notes=tuple(world.cal.notes),
    )


def check_goals(world: World) -> None:
    """Raises PlanRefused for a plan without a goal that a replication can attain or miss."""
    if not world.goals.names:
        raise PlanRefused(
            [Problem("goals", ", ".join(world.plan.goals), "at least one goal with a metric and a number, to simulate")]
        )


def check_engine(engine: str) -> None:
    """Raises PlanRefused for an engine that there is not."""
    if engine not in ENGINES:
        raise PlanRefused([Problem("--engine", engine, f"one of: {', '.join(ENGINES)}")])


def _workers_at(cluster: str | None, jobs: int | None) -> contextlib.AbstractContextManager[Workers | None]:
    """The cluster's workers, or None for this machine's. Raises Refused."""
    if cluster is None:
        return contextlib.nullcontext()
    if jobs is not None:
        raise Refused(
            f"jobs={jobs} counts processes of this machine, and with a cluster its workers compute: leave one out."
        )
    from engine.cluster import connected

    return connected(cluster)


@contextlib.contextmanager
def _store_at(out: str | os.PathLike[str] | None, manifest: Manifest) -> Iterator[RunStore]:
    """The run's folder, or one for the time being where none was asked for: memory stays flat either way."""
    if out is not None:
        with RunStore.at(Path(out), manifest) as store:
            yield store
        return
    temporary = tempfile.TemporaryDirectory(prefix="attain-run-")
    with temporary as folder, RunStore.at(Path(folder) / "run", manifest) as store:
        yield store


def _reader(store: RunStore) -> Pieces:
    def read(name: str, upto: int, columns: Sequence[str] | None) -> Iterator[dict[str, NDArray[Any]]]:
        for table in store.pieces(name, upto, None if columns is None else list(columns)):
            yield {column: to_numpy(table.column(column)) for column in table.column_names}

    return read


def simulate(
    plan: str | os.PathLike[str] | LoadedPlan,
    *,
    sets: Sequence[str] = (),
    n: int = REPLICATIONS,
    seed: int | None = None,
    jobs: int | None = None,
    precision: float | None = None,
    out: str | os.PathLike[str] | None = None,
    engine: str = ENGINES[0],
    keep: Keep = "goals",
    phase: int = 0,
    chunk: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    cluster: str | None = None,
) -> Results:
    """Simulate a plan n times and return what came of it; `out` keeps the run in a folder, or continues the one there.

    `jobs` processes of this machine compute, one a core unless given; or the workers of the Dask cluster whose
    scheduler has the address `cluster`, such as tcp://10.0.0.5:8786. The result does not depend on that, nor on chunk
    or restarts. Raises PlanRefused for a plan that cannot be simulated, RunRefused for a folder that holds another run,
    and Refused for a cluster that cannot be used. Ctrl-C gives the results of what had finished (`n` below `asked`),
    or KeyboardInterrupt where nothing had.
    """
    check_engine(engine)
    loaded = open_plan(plan, sets)
    world = build(loaded)
    check_goals(world)
    if seed is None:
        seed = _seed_at(out)
    manifest = manifest_of(
        loaded,
        world,
        sets,
        n=n,
        seed=seed,
        phase=phase,
        engine=engine,
        keep=keep,
        jobs=jobs,
        precision=precision,
        cluster=cluster is not None,
    )
    looks = Precision(precision, hits_of(len(world.goals.names))) if precision is not None else None
    with _workers_at(cluster, jobs) as workers, _store_at(out, manifest) as store:
        _keep_files(store.path, loaded)
        wanted = n if precision is not None else max(n, store.prefix)  # a longer run than asked for is used whole
        store.forget_cut(wanted)
        task = RunTask(Simulator(world, seed, phase, engine, keep))
        result = run(
            task,
            n=wanted,
            sink=store,
            jobs=jobs,
            chunk=chunk,
            precision=looks,
            on_progress=on_progress,
            cluster=workers,
            lasting=out is not None,
        )
        finished = store.finish(result)
        if result.n == 0:  # stopped before anything had finished: no result, but the folder can be continued
            raise KeyboardInterrupt
        return results_of(
            world,
            _reader(store),
            n=result.n,
            asked=result.n if result.status == "complete" else wanted,
            seed=seed,
            phase=phase,
            engine=engine,
            digest=finished.digest or "",
            seconds=finished.seconds,
            compile_seconds=finished.compile_seconds,
        )


def _seed_at(out: str | os.PathLike[str] | None) -> int:
    """The seed of the run that is to be continued, else a fresh one."""
    if out is not None and (Path(out) / "manifest.json").is_file():
        return RunStore.open(Path(out)).manifest.seed
    return fresh_seed()


def _keep_files(folder: Path, loaded: LoadedPlan) -> None:
    """Keep what the plan's files held: a run is read without them, wherever it is taken."""
    if loaded.files == PlanFiles() or (folder / FILES).exists():
        return
    document = loaded.files.model_dump(mode="json")
    for deal in document["pipeline"]:
        if deal["age"] is not None:  # as a plan's author would write it, which is how durations are read
            deal["age"] = f"{deal['age']['value']!r} {deal['age']['unit']}"
    write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", folder / FILES)


def _files_in(folder: Path) -> PlanFiles:
    """What the plan's files held. Raises RunRefused."""
    path = folder / FILES
    if not path.is_file():
        return PlanFiles()
    try:
        return PlanFiles.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise RunRefused(f"{path} cannot be read as what the plan's files held: {str(error).splitlines()[0]}") from None


def read_plan(folder: str | os.PathLike[str]) -> LoadedPlan:
    """The plan of a run stored before, with its author's words and files. Raises RunRefused or PlanRefused."""
    store = RunStore.open(Path(folder))
    return load_plan(store.manifest.plan_text, files=_files_in(store.path))  # the text holds the changes by --set


def read_run(folder: str | os.PathLike[str]) -> Results:
    """The results of a run stored before, from its own copy of the plan. Raises RunRefused or PlanRefused."""
    started = time.perf_counter()
    store = RunStore.open(Path(folder))
    manifest = store.manifest
    world = build(read_plan(folder))
    n = store.prefix
    return results_of(
        world,
        _reader(store),
        n=n,
        asked=manifest.n if manifest.status != "complete" else n,
        seed=manifest.seed,
        phase=manifest.phase,
        engine=manifest.engine,
        digest=manifest.digest or store.digest(n),
        seconds=manifest.seconds or time.perf_counter() - started,
        compile_seconds=manifest.compile_seconds,
    )
