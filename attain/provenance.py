"""Where a result came from: versions, machine, sources. Stored in every run's manifest."""

from __future__ import annotations

import importlib.metadata
import os
import platform

from engine.compiled import source_hash

LIBRARIES = ("numpy", "numba", "llvmlite", "scipy", "simpy", "pulp", "highspy", "holidays", "joblib", "pyarrow")


def versions() -> dict[str, str]:
    """Name -> version of attain, Python, and the libraries that results or their speed lean on."""
    found = {"attain": attain_version(), "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "absent"
    return found | {"engine_sources": source_hash()}


def attain_version() -> str:
    """The installed version; 'unknown' where attain runs from a tree that was never installed."""
    try:
        return importlib.metadata.version("attain")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def machine() -> dict[str, str]:
    """The system, the processor's name and how many cores there are; nothing that names the machine or its user."""
    return {"platform": platform.platform(), "cpu": _processor_name(), "cores": str(os.cpu_count() or 1)}


def _processor_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
