"""The programs that simulate the peer funnel: which of them are here, and each as a process that waits to be asked."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from attain.bench import compile_seconds, environment
from benchmarks.peers import PLAN
from engine.batch import ENGINES

HERE = Path(__file__).parent
SCRIPT = "SimPy script"
C_FLAGS = ("-O2",)


def our_name(engine: str) -> str:
    """What an engine of ours is called among the programs."""
    return f"attain {engine}"


@dataclass(frozen=True)
class Program:
    """A program that is here and can be run."""

    name: str
    made_with: str
    command: tuple[str, ...]
    compile_seconds: float | None = None  # None: nothing is compiled


@dataclass(frozen=True)
class Absent:
    """A program that cannot be run here, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Reply:
    """One replication: its counts, and the processor seconds it took."""

    leads: int
    won: int
    moves: int
    seconds: float

    @property
    def counts(self) -> tuple[int, int, int]:
        """Leads, deals won, moves."""
        return self.leads, self.won, self.moves


class ProgramFailed(Exception):
    """A program ended, or answered with something else than counts and seconds."""


class Worker:
    """A process of a program, waiting to be asked."""

    def __init__(self, program: Program, process: subprocess.Popen[str], said: IO[str]) -> None:
        self.program, self._process, self._said = program, process, said

    def ask(self, seed: int, days: int) -> Reply:
        """One replication of so many days. Raises ProgramFailed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{seed} {days}\n")
            self._process.stdin.flush()
            leads, won, moves, seconds = self._process.stdout.readline().split()
            return Reply(int(leads), int(won), int(moves), float(seconds))
        except (OSError, ValueError) as error:
            self._process.kill()
            self._process.wait()
            self._said.seek(0)
            last = " ".join(self._said.read().split())[-400:]
            raise ProgramFailed(f"{self.program.name} failed: {last or 'it gave no answer'}") from error


@contextmanager
def running(program: Program) -> Iterator[Worker]:
    """A fresh process of the program, ended on leaving."""
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said,
        subprocess.Popen(
            program.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            encoding="utf-8",
            env=environment(),
        ) as process,
    ):
        try:
            yield Worker(program, process, said)
        finally:
            process.kill()


def _python(name: str, worker: str, made_with: str, compiled: float | None = None) -> Program:
    command = (sys.executable, "-P", "-m", "benchmarks.peers.worker", worker)
    return Program(
        name, f"{made_with}, {platform.python_implementation()} {platform.python_version()}", command, compiled
    )


def ours(engine: str, measure_compiling: bool = True) -> Program:
    """An engine of ours."""
    seconds = compile_seconds(PLAN, engine) if measure_compiling else None
    return _python(our_name(engine), engine, "attain", seconds)


def package(name: str, needs: str) -> Program | Absent:
    """A peer in Python, where the package that it needs is installed."""
    try:
        version = importlib.metadata.version(needs)
    except importlib.metadata.PackageNotFoundError:
        return Absent(name, f"the Python package {needs} is not installed; the extra `peers` has it")
    return _python(name, needs, f"{needs} {version}")


def script() -> Program:
    """The SimPy script, which is always here: SimPy is what our own model runs on."""
    return _python(SCRIPT, "script", f"simpy {importlib.metadata.version('simpy')}")


def simmer() -> Program | Absent:
    """simmer, where R has it."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return Absent("simmer", "R is not installed")
    asked = 'cat(as.character(packageVersion("simmer")), "on R", as.character(getRversion()))'
    found = subprocess.run([rscript, "-e", asked], capture_output=True, encoding="utf-8", check=False)
    if found.returncode:
        return Absent("simmer", "R is installed, but not its package simmer")
    return Program("simmer", f"simmer {found.stdout.strip()}", (rscript, str(HERE / "funnel.R")))


def plain_c(folder: Path) -> Program | Absent:
    """The C program, compiled into the folder, where there is a compiler: `CC`, or cc, gcc or clang."""
    named = shlex.split(os.environ.get("CC", ""))
    compiler = named or [found for found in ("cc", "gcc", "clang") if shutil.which(found)][:1]
    if not compiler or not shutil.which(compiler[0]):
        return Absent("C", "no C compiler was found")
    binary = folder / "funnel"
    before = os.times()
    command = [*compiler, *C_FLAGS, "-o", str(binary), str(HERE / "funnel.c"), "-lm"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    after = os.times()
    if done.returncode:
        return Absent("C", f"{compiler[0]} does not compile it: {' '.join(done.stderr.split())[-300:]}")
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    version = subprocess.run([*compiler, "--version"], capture_output=True, encoding="utf-8", check=False).stdout
    short = re.sub(r"\s*\([^)]*\)", "", version.partition("\n")[0])  # without the packager's own number
    return Program("C", f"{short}, {' '.join(C_FLAGS)}", (str(binary),), seconds)


def find(folder: Path) -> list[Program | Absent]:
    """All programs, ours first; what has to be compiled goes into the folder."""
    return [
        *(ours(engine) for engine in ENGINES),
        plain_c(folder),
        script(),
        simmer(),
        package("salabim", "salabim"),
        package("Ciw", "ciw"),
    ]
