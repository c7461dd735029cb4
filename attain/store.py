"""The run store: a folder per run, with a manifest for people and Parquet tables that any reader takes as they are.

    run/manifest.json                                    what was run, with what, where, how far it came
    run/replications/part-000000000-000000255.parquet    a row per replication, with its hash
    run/goals/part-000000000-000000255.parquet           ... and one folder for each further table

`RunStore` is the Monte Carlo driver's sink. A part is written under another name and renamed, its `replications` part
last: that one makes the chunk count. What counts of a run are its first n replications without a gap; when a run ends,
parts beyond them go to `later/`, where they wait for a continuation, so that `run/goals/*.parquet` is the result.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError, computed_field

from attain.arrow import to_arrow, to_numpy
from engine.chunks import Columns, Tables
from engine.montecarlo import Result
from engine.problems import Refused
from engine.replications import Span, merged, prefix

MANIFEST = "manifest.json"
COUNTING = "replications"  # the table whose parts say what is done
LATER = "later"
_NUMBERS = ("replication", "replications")  # a row's first replication; how many it sums, where a table holds sums
_OF_A_SESSION = ("n", "precision", "jobs", "cluster", "engine", "versions", "machine", "notes")  # new when continued
_PART = re.compile(r"^part-(\d{9,})-(\d{9,})\.parquet$")
_NAME = re.compile(r"^[a-z][a-z0-9_]{0,60}$")


class RunRefused(Refused):
    """A folder that cannot be used as the run that was meant; the message says why and what to do."""


class Manifest(BaseModel):
    """Everything needed to read a run, to trust it and to run it again."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: Literal[1] = 1
    plan_name: str
    plan_text: str
    inputs_sha256: str = ""  # of everything that results hang on: the plan as varied, and the files beside it
    sets: tuple[str, ...] = ()
    seed: int
    phase: int = 0
    keep: str = "cells"
    engine: str = "compiled"
    n: int  # asked for
    precision: float | None = None
    jobs: int | None = None
    cluster: bool = False  # whether a cluster's workers computed; `machine` is where the run was kept
    status: Literal["partial", "complete"] = "partial"
    replications: int = 0  # that count: the unbroken prefix, or the look that was precise enough
    digest: str | None = None
    versions: dict[str, str] = {}
    machine: dict[str, str] = {}
    started: str = ""
    finished: str | None = None
    seconds: float = 0.0  # over all sessions of the run
    compile_seconds: float = 0.0
    sessions: int = 0
    calendar: dict[str, Any] = {}
    notes: tuple[str, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def plan_sha256(self) -> str:
        return hashlib.sha256(self.plan_text.encode("utf-8")).hexdigest()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def seed_text(self) -> str:
        """The seed once more as text: many readers of JSON lose digits of integers beyond 2^53."""
        return str(self.seed)

    def why_not_continued_by(self, other: Manifest) -> str | None:
        """What forbids `other` to add to this run, as the end of a sentence; None where nothing does.

        Another engine, n or number of jobs does not: results are the same.
        """
        mine, theirs = self.versions.get("attain"), other.versions.get("attain")
        if self.plan_sha256 != other.plan_sha256 or self.inputs_sha256 != other.inputs_sha256:
            return f"was made from another plan ({self.plan_name!r}, or one of its files or --set values has changed)"
        if (self.seed, self.phase) != (other.seed, other.phase):
            return f"was made with seed {self.seed}, not {other.seed}"
        if self.keep != other.keep:
            return f"keeps {self.keep!r}, not {other.keep!r}"
        if self.calendar != other.calendar:
            return "was made on another working calendar: the table of public holidays has changed since"
        if mine != theirs:
            return f"was made by attain {mine}, and this is {theirs}"
        return None


class RunStore:
    """One run's folder, as a sink for the driver and as tables for readers. Use `create`, `open` or `at`."""

    def __init__(self, path: Path, manifest: Manifest, writing: bool) -> None:
        self.path = path
        self.manifest = manifest
        self._lock = _locked(path) if writing else None
        self._spans = _spans(path)
        self._schemas: dict[str, pa.Schema] = {}
        if writing:
            self._sweep()

    # --- opening ----------------------------------------------------------------------------------------------------

    @classmethod
    def create(cls, path: str | Path, manifest: Manifest) -> RunStore:
        """A new run in a folder that is absent or empty; its parents are made. Raises RunRefused."""
        folder = Path(path)
        if folder.exists() and not folder.is_dir():
            raise RunRefused(f"{folder} is a file. A run is kept in a folder: name another place.")
        if folder.is_dir() and any(folder.iterdir()):
            what = "holds a run already" if (folder / MANIFEST).is_file() else "is not empty"
            raise RunRefused(f"{folder} {what}. Name another folder, or an empty one.")
        folder.mkdir(parents=True, exist_ok=True)
        _write_manifest(folder, manifest)
        return cls(folder, manifest, writing=True)

    @classmethod
    def open(cls, path: str | Path) -> RunStore:
        """An existing run, for reading. Raises RunRefused for anything else."""
        folder = Path(path)
        return cls(folder, _read_manifest(folder), writing=False)

    @classmethod
    def at(cls, path: str | Path, manifest: Manifest) -> RunStore:
        """The run at `path`, to be continued, or a new one where nothing is. Raises RunRefused where the two differ."""
        folder = Path(path)
        if not (folder / MANIFEST).is_file():
            return cls.create(folder, manifest)
        stored = _read_manifest(folder)
        reason = stored.why_not_continued_by(manifest)
        if reason is not None:
            raise RunRefused(f"The run in {folder} {reason}. To keep both, name another folder.")
        # What the run is stays as stored; how it goes on is new.
        fresh = manifest.model_dump(include=set(_OF_A_SESSION))
        going_on = {"status": "partial", "finished": None, "digest": None}
        store = cls(folder, stored.model_copy(update={**fresh, **going_on}), writing=True)
        _write_manifest(folder, store.manifest)  # under the lock; killed from here on, the run reads as partial
        return store

    def close(self) -> None:
        """Let others write to the folder. Reading goes on."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> RunStore:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # --- the driver's sink ------------------------------------------------------------------------------------------

    def done(self) -> list[Span]:
        """Spans of the replications that are kept, those beyond the unbroken prefix included."""
        return merged(self._spans)

    def put(self, first: int, n: int, tables: Tables) -> None:
        """Keep replications first .. first + n - 1. Every chunk brings the same tables with the same columns."""
        span = (first, first + n)
        if COUNTING not in tables:
            raise ValueError(f"a chunk must bring the table {COUNTING!r}, with a row per replication")
        if any(a < span[1] and first < b for a, b in self._spans):
            raise ValueError(f"replications {first} to {first + n - 1} are kept already, at least in part")
        self._write(span, {name: to_arrow(columns) for name, columns in tables.items()})
        self._spans.append(span)

    def forget_cut(self, n: int) -> list[Span]:
        """Remove the parts that a run of n replications would end inside of; gives their spans.

        Tables of sums hold a row a chunk: a part of a chunk cannot be told from its sums, so its replications are
        computed again. Call it before the driver, which asks for what is missing.
        """
        cut = [span for span in self._spans if span[0] < n < span[1]]
        for span in cut:
            self._remove(span, self.tables)
        return cut

    def parts(self) -> Iterator[tuple[int, int, Tables]]:
        """What is kept as (first, n, tables), each table read only when it is asked for."""
        for span in sorted(self._spans):
            yield span[0], span[1] - span[0], _Part(self, span)

    def finish(self, result: Result) -> Manifest:
        """Record how far the run came, and put what goes beyond that aside."""
        self._arrange(result.n)
        before = self.manifest
        self.manifest = before.model_copy(
            update={
                "status": "complete" if result.status == "complete" else "partial",
                "replications": result.n,
                "digest": self.digest(result.n),
                "finished": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                "seconds": before.seconds + result.seconds,
                "compile_seconds": before.compile_seconds + result.compile_seconds,
                "sessions": before.sessions + 1,
            }
        )
        _write_manifest(self.path, self.manifest)
        return self.manifest

    # --- reading ----------------------------------------------------------------------------------------------------

    @property
    def prefix(self) -> int:
        """Replications that count: those of the finished run, or what is there without a gap if it was cut off."""
        there = prefix(self._spans)
        finished = self.manifest.finished is not None and self.manifest.replications <= there
        return self.manifest.replications if finished else there

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables kept."""
        names = {p.name for place in (self.path, self.path / LATER) if place.is_dir() for p in place.iterdir()}
        return tuple(sorted(n for n in names if n != LATER and _NAME.match(n)))

    def table(self, name: str, upto: int | None = None, columns: list[str] | None = None) -> pa.Table:
        """Rows of the first `upto` replications (all that count, unless said), in order of replication."""
        limit = self.prefix if upto is None else upto
        if name not in self.tables:
            raise RunRefused(f"The run in {self.path} keeps {', '.join(self.tables) or 'nothing yet'}, not {name!r}.")
        pieces = list(self.pieces(name, limit, columns))
        if not pieces and self._spans:  # nothing counts yet: the columns, without rows
            return self._read(name, self._spans[0], columns).slice(0, 0)
        return pa.concat_tables(pieces)

    def digest(self, upto: int | None = None) -> str:
        """SHA-256 over the 32-byte hashes of the first `upto` replications, in order."""
        digest = hashlib.sha256()
        for piece in self.pieces(COUNTING, self.prefix if upto is None else upto, ["replication", "hash"]):
            hashes = to_numpy(piece.column("hash"))
            for text in hashes[np.argsort(to_numpy(piece.column("replication")), kind="stable")]:
                digest.update(bytes.fromhex(text))
        return digest.hexdigest()

    def pieces(self, name: str, upto: int, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """The same, a chunk at a time: memory holds no more than one."""
        for span in sorted(self._spans):
            if span[0] >= upto:
                return
            table = self._read(name, span, None if columns is None else list({*columns, *_NUMBERS}))
            if span[1] > upto:
                table = _within(table, (span[0], upto))
            yield table if columns is None else table.select(columns)

    def _read(self, name: str, span: Span, columns: list[str] | None = None) -> pa.Table:
        path = self._find(name, span)
        try:
            with pq.ParquetFile(path) as file:
                return file.read(columns=columns)
        except (OSError, pa.ArrowException) as error:
            raise RunRefused(
                f"{path} cannot be read ({error}). Delete replications {span[0]} to {span[1] - 1} of every table "
                "and continue the run: they are computed again."
            ) from None

    def _find(self, name: str, span: Span) -> Path:
        here = self.path / name / _part_name(span)
        later = self.path / LATER / name / _part_name(span)
        return later if not here.exists() and later.exists() else here

    # --- writing ----------------------------------------------------------------------------------------------------

    def _write(self, span: Span, tables: Mapping[str, pa.Table], place: str = "") -> None:
        # The counting table comes last: once it is there, the chunk is whole.
        for name in sorted(tables, key=lambda name: (name == COUNTING, name)):
            self._check(name, tables[name].schema)
            folder = self.path / place / name
            folder.mkdir(parents=True, exist_ok=True)
            temporary = folder / f".{_part_name(span)}.tmp"
            pq.write_table(tables[name], temporary, compression="snappy")
            temporary.replace(folder / _part_name(span))

    def _check(self, name: str, schema: pa.Schema) -> None:
        if not _NAME.match(name) or name == LATER:
            raise ValueError(f"a table's name is lower-case letters, digits and _, not {name!r}")
        if "replication" not in schema.names:
            raise ValueError(f"the table {name!r} lacks the column 'replication'")
        if name not in self._schemas and self._spans and name in self.tables:
            with pq.ParquetFile(self._find(name, self._spans[0])) as file:
                self._schemas[name] = file.schema_arrow
        known = self._schemas.setdefault(name, schema)
        if not known.equals(schema, check_metadata=False):
            raise ValueError(
                f"the table {name!r} had the columns {known.names}, {known.types}; now {schema.names}, {schema.types}"
            )

    def _arrange(self, n: int) -> None:
        """Leave exactly the first n replications in the open; the rest goes to `later/`, or comes back from it."""
        names = self.tables
        for span in sorted(self._spans):
            first, last = span
            if first < n < last:
                whole = {name: self._read(name, span) for name in names}
                for part, place in (((n, last), LATER), ((first, n), "")):
                    self._write(part, {name: _within(table, part) for name, table in whole.items()}, place)
                self._spans += [(first, n), (n, last)]
                self._remove(span, names)
                continue
            target = "" if last <= n else LATER
            for name in sorted(names, key=lambda name: (name == COUNTING, name)):
                found, wanted = self._find(name, span), self.path / target / name / _part_name(span)
                if found != wanted:
                    wanted.parent.mkdir(parents=True, exist_ok=True)
                    found.replace(wanted)

    def _remove(self, span: Span, names: tuple[str, ...]) -> None:
        for name in sorted(names, key=lambda name: (name != COUNTING, name)):
            self._find(name, span).unlink(missing_ok=True)
        self._spans.remove(span)

    def _sweep(self) -> None:
        """Remove what a process that was killed left half done: temporary files, parts that nothing counts."""
        kept = {_part_name(span) for span in self._spans}
        for name in self.tables:
            for place in (self.path / name, self.path / LATER / name):
                for file in place.iterdir() if place.is_dir() else ():
                    half = file.name.startswith(".part-") and file.name.endswith(".tmp")
                    if half or (_PART.match(file.name) and file.name not in kept):
                        file.unlink()


class _Part(Mapping[str, Columns]):
    """A part's tables as NumPy columns, read when asked for."""

    def __init__(self, store: RunStore, span: Span) -> None:
        self.store, self.span = store, span

    def __getitem__(self, name: str) -> Columns:
        if name not in self.store.tables:
            raise KeyError(name)
        table = self.store._read(name, self.span)
        return {column: to_numpy(table.column(column)) for column in table.column_names}

    def __iter__(self) -> Iterator[str]:
        return iter(self.store.tables)

    def __len__(self) -> int:
        return len(self.store.tables)


# --- files ----------------------------------------------------------------------------------------------------------


def _within(table: pa.Table, span: Span) -> pa.Table:
    """The rows of a span. Raises ValueError where it ends inside a row that sums several replications."""
    first = to_numpy(table.column("replication"))
    inside = (first >= span[0]) & (first < span[1])
    if "replications" in table.column_names:
        last = first + to_numpy(table.column("replications"))
        touched = (first < span[1]) & (last > span[0])
        if (touched & ~(inside & (last <= span[1]))).any():
            raise ValueError(
                f"replications {span[0]} to {span[1] - 1} end inside a chunk, whose sums cannot be cut: "
                "forget_cut(n) before the run has it computed again"
            )
    return table.filter(to_arrow({"inside": inside}).column("inside"))


def _part_name(span: Span) -> str:
    return f"part-{span[0]:09d}-{span[1] - 1:09d}.parquet"


def _spans(folder: Path) -> list[Span]:
    """The chunks that are whole; one that lies inside another is left from a split that was cut off."""
    found = []
    for place in (folder / COUNTING, folder / LATER / COUNTING):
        for file in place.iterdir() if place.is_dir() else ():
            match = _PART.match(file.name)
            if match:
                found.append((int(match[1]), int(match[2]) + 1))
    spans: list[Span] = []
    for first, last in sorted(set(found), key=lambda span: (span[0], -span[1])):
        if not spans or first >= spans[-1][1]:
            spans.append((first, last))
    return spans


def _write_manifest(folder: Path, manifest: Manifest) -> None:
    text = json.dumps(manifest.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n"
    temporary = folder / f".{MANIFEST}.tmp"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / MANIFEST)


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    if not folder.is_dir():
        raise RunRefused(
            f"{folder} is not a folder, so there is no run to read. `attain simulate PLAN --out DIR` makes one."
        )
    if not path.is_file():
        raise RunRefused(f"{folder} is not a run: it holds no {MANIFEST}. `attain simulate PLAN --out DIR` makes one.")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(document, dict) and document.get("format") not in (None, 1):
            raise RunRefused(f"{path} is of format {document['format']}, made by a newer attain than this one.")
        manifest = Manifest.model_validate(document)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise RunRefused(f"{path} cannot be read as a run's manifest: {first}") from None
    if isinstance(document, dict) and document.get("plan_sha256") != manifest.plan_sha256:
        raise RunRefused(f"{path}: the plan's text does not have the hash stored beside it; the file was changed.")
    return manifest


def _locked(folder: Path) -> int | None:
    """Hold the folder against a second writer until closed, where the system can."""
    try:
        import fcntl
    except ImportError:
        return None
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise RunRefused(f"Another process is writing to {folder}. Wait for it, or name another folder.") from None
    except OSError:  # a file system without locks
        with contextlib.suppress(OSError):
            os.close(handle)
        return None
    return handle
