"""Does memory stay flat as replications grow? The peak of whole runs of 200, 400 and 800, each in its own process.

python -m benchmarks.memory [replications]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from attain.bench import peak_memory, run_apart
from attain.simulate import simulate

PLAN = "key-accounts"
SIZES = (200, 400, 800)
CHUNK = 50  # the same for all sizes, so that sizes differ in nothing but their replications


def peak(replications: int) -> dict[str, Any]:
    """Peak memory in MiB of simulating `PLAN` in this process."""
    results = simulate(PLAN, n=replications, seed=1, jobs=1, chunk=CHUNK)
    return {"replications": results.n, "peak_memory_mb": peak_memory()}


def peaks(sizes: Sequence[int] = SIZES) -> list[dict[str, Any]]:
    """The same, each size in a fresh process, with its ratio to the first."""
    rows = [run_apart("benchmarks.memory", str(size)) for size in sizes]
    for row in rows:
        known = row["peak_memory_mb"] is not None
        row["ratio"] = row["peak_memory_mb"] / rows[0]["peak_memory_mb"] if known else None
    return rows


if __name__ == "__main__":
    _size = int(sys.argv[1]) if len(sys.argv) > 1 else SIZES[0]
    print(json.dumps(peak(_size)))
