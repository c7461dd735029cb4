"""Where compiled code is kept, and how a function is compiled: imported by ``engine`` before anything else.

numba decides whether compiled code on disk is current by the file of the function alone: an edit in a file that the
function calls into goes unseen, and the old code runs. So the directory's name carries a fingerprint of every source
of this package, of Python, numba and llvmlite, and of the processor; an edit anywhere gives another directory, and old
ones are removed when they have long been idle. ``ATTAIN_CACHE`` names another place than the user's cache.

Costs a few milliseconds: it reads the sources, and imports neither numba nor llvmlite.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import importlib.metadata
import os
import platform
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import platformdirs

P = ParamSpec("P")
R = TypeVar("R")

PLACE = "ATTAIN_CACHE"
COMPILERS = ("numba", "llvmlite")
# Settings of numba that change the machine code it makes, and that its own index does not always tell apart.
SETTINGS = (
    "NUMBA_CPU_NAME",
    "NUMBA_CPU_FEATURES",
    "NUMBA_ENABLE_AVX",
    "NUMBA_OPT",
    "NUMBA_LOOP_VECTORIZE",
    "NUMBA_SLP_VECTORIZE",
    "NUMBA_BOUNDSCHECK",
)
KEPT = 6  # directories that stay whatever their age
SURELY_IDLE = 24 * 3600.0  # seconds; a directory used since is never removed, as its process may still run
FORGOTTEN = 30 * 24 * 3600.0  # seconds; a directory unused for longer goes, however few there are
_NAME = re.compile(r"^compiled-[0-9a-f]{24}$")


def source_hash(package: Path | None = None) -> str:
    """SHA-256 (hexadecimal) over the names and bytes of every Python file of the package, in order of name."""
    root = package or Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py"), key=lambda p: p.relative_to(root).as_posix()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def processor() -> str:
    """The processor's model and features in a line, without asking LLVM, whose import costs more than this module."""
    wanted = ("model name", "flags", "Features", "CPU implementer", "CPU part")
    found = [platform.system(), platform.machine()]
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if not line.strip():
                    break  # the first processor speaks for all
                if line.partition(":")[0].strip() in wanted:
                    found.append(line.strip())
    except OSError:
        found.append(platform.processor())
    return "; ".join(found)


def fingerprint() -> str:
    """24 hexadecimal digits that change with the sources, Python, the compilers, their settings and the processor."""
    parts = [
        source_hash(),
        sys.implementation.cache_tag or sys.implementation.name,
        platform.python_version(),
        *(f"{name} {importlib.metadata.version(name)}" for name in COMPILERS),
        processor(),
        *(f"{name}={os.environ.get(name, '')}" for name in SETTINGS),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def _touch(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.utime(directory)


def _made(root: Path) -> Path | None:
    """The fingerprint's directory below `root`, there and writable, or None."""
    directory = root / f"compiled-{fingerprint()}"
    try:
        new = not directory.is_dir()
        _touch(directory)
        if not os.access(directory, os.W_OK | os.X_OK):
            return None
    except OSError:
        return None
    if new:
        prune(root, keep=directory)
    return directory


def prune(root: Path, keep: Path) -> list[Path]:
    """Remove compiled code that nothing uses any more: idle for 30 days, or for a day and beyond the six latest.

    Only directories of this module's making are touched, never links; whatever cannot be removed stays without a word,
    since another process may be at the same work. Returns what was removed.
    """
    idle: list[tuple[float, Path]] = []
    with contextlib.suppress(OSError):
        for entry in os.scandir(root):
            if _NAME.match(entry.name) and entry.is_dir(follow_symlinks=False) and Path(entry.path) != keep:
                with contextlib.suppress(OSError):
                    idle.append((time.time() - entry.stat(follow_symlinks=False).st_mtime, Path(entry.path)))
    removed = []
    for place, (age, directory) in enumerate(sorted(idle)):
        if age > FORGOTTEN or (age > SURELY_IDLE and place >= KEPT - 1):
            doomed = directory.with_name(f"{directory.name}.{os.getpid()}.old")
            with contextlib.suppress(OSError):
                directory.rename(doomed)  # at once and whole, so that nobody reads half of it
                shutil.rmtree(doomed, ignore_errors=True)
                removed.append(directory)
    return removed


def prepare() -> Path:
    """Point numba at the directory for this fingerprint and return it; done once, when the module is imported.

    Where neither ``ATTAIN_CACHE`` nor the user's cache can be written, a private temporary directory serves this
    process and its workers, and is removed at its end.
    """
    chosen = os.environ.get(PLACE)
    directory = _made(Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("attain"))
    if directory is None:
        temporary = Path(tempfile.mkdtemp(prefix="attain-"))
        atexit.register(shutil.rmtree, temporary, ignore_errors=True)
        os.environ[PLACE] = str(temporary)
        directory = _made(temporary) or temporary
    os.environ["NUMBA_CACHE_DIR"] = str(directory)
    settings = sys.modules.get("numba.core.config")
    if settings is not None:  # numba was imported before us and has read its environment
        settings.CACHE_DIR = str(directory)  # type: ignore[attr-defined]
    return directory


DIRECTORY = prepare()


def jitted(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function the one way this project does: cached, arithmetic as written, division by zero as NumPy's.

    The result keeps its type for the checker, and is numba's dispatcher: both engines call it, never ``py_func``.
    """
    return _on_demand(function)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """As ``jitted``, for a small function of a hot loop: its code goes where it is called, and nothing is passed."""
    return _on_demand(function, inline=True)


def compiled(*signatures: object, inline: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """As ``jitted``, but for these signatures only, such as ``"uint64(uint64, uint64)"``, whoever calls with whatever.

    Arguments are converted to the signature's types, so that Python integers at and above 2**63 stay unsigned
    (left to itself, numba takes smaller ones for int64, and int64 with uint64 makes float64). `inline`: its code goes
    where compiled code calls it, as with ``inlined``.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        return _on_demand(function, signatures, inline)

    return decorate


def made(function: Callable[..., object]) -> None:
    """Have a `compiled` function ready now, and not at its first call."""
    cast("Any", function).compile(())


def kept(name: str) -> bool:
    """Whether there is a compiled function on disk, such as "model.replicate"; cheap, and imports nothing."""
    return any(DIRECTORY.glob(f"*/{name}-*.nbi"))


def _on_demand(function: Callable[P, R], signatures: Sequence[object] = (), inline: bool = False) -> Callable[P, R]:
    """Nothing is compiled or read from the cache before the first call."""
    from engine.ondemand import OnDemand

    made = OnDemand.of(function, signatures, fastmath=False, error_model="numpy", forceinline=inline)
    return cast("Callable[P, R]", made)
