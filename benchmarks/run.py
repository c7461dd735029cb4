"""All benchmarks: the peer funnel against the plain script, every built-in plan, memory. Writes what it measured.

    python -m benchmarks.run [--turns 9] [--seconds 3]

The peer funnel comes first, and its results before its speed: where ours and the script do not simulate the same,
nothing is measured and the exit code is 1. Everything goes into ``results.json`` and, for people, ``RESULTS.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from attain.bench import bench
from attain.screens.bench import screen
from attain.simulate import ENGINES
from benchmarks import memory, peer

HERE = Path(__file__).parent


def machine() -> dict[str, str]:
    """The machine in general words."""
    return {
        "processor": platform.machine(),
        "cores": str(os.cpu_count() or 1),
        "system": platform.system(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def peer_row(found: peer.Comparison, engine: str) -> dict[str, Any]:
    """A comparison as a record."""
    moves = sum(counts[-1] for counts in found.our_counts)
    return {
        "engine": engine,
        "turns": len(found.ratios),
        "ratio": found.ratio,
        "least_ratio": min(found.ratios),
        "largest_ratio": max(found.ratios),
        "within": peer.WITHIN,
        "our_seconds": statistics.median(found.ours),
        "script_seconds": statistics.median(found.theirs),
        "our_moves_per_second": moves / sum(found.ours),
        "our_means": found.mean(ours=True),
        "script_means": found.mean(ours=False),
        "standard_errors_apart": found.z(),
    }


def in_words(result: dict[str, Any]) -> str:
    """The results as a page in Markdown."""
    about = result["machine"]
    lines = [
        "# Results",
        "",
        f"Measured on {about['cores']} cores ({about['processor']}, {about['system']}), {about['python']}, by "
        "`python -m benchmarks.run`. Times are processor seconds on one core, medians; what each figure is, "
        "[the benchmarks' page](README.md) says.",
        "",
        "## The peer funnel",
        "",
        "| engine | ours / plain SimPy script | least to largest | ours, s | script, s | our moves/s |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row['engine']} | {row['ratio']:.2f} | {row['least_ratio']:.2f} to {row['largest_ratio']:.2f} "
        f"| {row['our_seconds']:.3f} | {row['script_seconds']:.3f} | {row['our_moves_per_second']:,.0f} |"
        for row in result["peer_funnel"]
    ]
    lines += ["", "Means of both over the same turns, and by how many standard errors they differ:", ""]
    lines += ["| engine | count | ours | script | standard errors apart |", "|---|---|---:|---:|---:|"]
    lines += [
        f"| {row['engine']} | {count} | {row['our_means'][count]:,.1f} | {row['script_means'][count]:,.1f} "
        f"| {row['standard_errors_apart'][count]:+.1f} |"
        for row in result["peer_funnel"]
        for count in row["our_means"]
    ]
    lines += [
        "",
        "## The built-in plans",
        "",
        "| plan | engine | s per replication | moves per replication | moves/s | leads | warm-up, s | peak, MiB |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row['plan']} | {row['engine']} | {row['seconds_per_replication']:.3g} "
        f"| {row['moves_per_replication']:,.0f} | {row['moves_per_second']:,.0f} | {row['leads_per_replication']:,.0f} "
        f"| {row['warm_seconds']:.1f} | {_mib(row['peak_memory_mb'])} |"
        for row in result["plans"]
    ]
    lines += ["", "## Memory", "", f"Peak of a whole run of `{memory.PLAN}` in one process.", ""]
    lines += ["| replications | peak, MiB | against the first |", "|---:|---:|---:|"]
    lines += [
        f"| {row['replications']:,} | {_mib(row['peak_memory_mb'])} | {_ratio(row['ratio'])} |"
        for row in result["memory"]
    ]
    return "\n".join(lines) + "\n"


def _mib(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.0f}"


def _ratio(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def main() -> int:
    """Run all, write the results; 1 where the peer funnel is not the same by both programs."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--turns", type=int, default=9, help="of the peer funnel")
    options.add_argument("--seconds", type=float, default=3.0, help="about how long to measure each built-in plan")
    asked = options.parse_args()
    if asked.turns < 1 or not asked.seconds > 0.0:
        options.error("at least one turn, and more than no seconds")
    console = Console(width=None if sys.stdout.isatty() else 120)
    peers = []
    for engine in ENGINES:
        found = peer.compare(asked.turns, engine)
        wrong = found.disagreements()
        if wrong:
            print(f"The peer funnel by our {engine} engine is not what the script simulates:", file=sys.stderr)
            print("\n".join(f"  - {line}" for line in wrong), file=sys.stderr)
            return 1
        row = peer_row(found, engine)
        peers.append(row)
        print(
            f"Peer funnel, {engine}: {row['ratio']:.2f} times the plain SimPy script's time "
            f"({row['least_ratio']:.2f} to {row['largest_ratio']:.2f} in {row['turns']} turns); results agree."
        )
    rows = bench(seconds=asked.seconds)
    console.print(screen(rows))
    grown = memory.peaks()
    for size in grown:
        print(
            f"{size['replications']:>5} replications: peak {_mib(size['peak_memory_mb'])} MiB, {_ratio(size['ratio'])}"
        )
    result = {"machine": machine(), "peer_funnel": peers, "plans": rows, "memory": grown}
    (HERE / "results.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    (HERE / "RESULTS.md").write_text(in_words(result), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
