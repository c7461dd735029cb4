"""All benchmarks: the peer funnel by every program, every built-in plan, memory. Writes what it measured.

    python -m benchmarks.run [peers] [plans] [memory] [--seconds 3] [--turns 5]

All three unless some are named. The peer funnel comes first, and its results before its speed: a program that does not
simulate what the script does is named, gets no speed, and makes the exit code 1. Everything goes into ``results.json``
and, for people, ``RESULTS.md``; what was not measured this time stays there as it was.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from attain.bench import bench
from attain.screens.bench import screen as screen_of_plans
from attain.screens.peers import screen as screen_of_peers
from benchmarks import memory, peer
from benchmarks.pages import in_words, memory_line
from benchmarks.peers.programs import find

HERE = Path(__file__).parent
PARTS = ("peers", "plans", "memory")

Say = Callable[[str], None]


def machine() -> dict[str, str]:
    """The machine in general words."""
    return {
        "processor": platform.machine(),
        "cores": str(os.cpu_count() or 1),
        "system": platform.system(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def measure_peers(seconds: float, turns: int, say: Say) -> dict[str, Any]:
    """The peer funnel: see `peer.compare`."""
    say("Looking for programs, and compiling what has to be compiled")
    with tempfile.TemporaryDirectory(prefix="attain-peers-") as folder:
        return peer.compare(find(Path(folder)), seconds=seconds, turns=turns, say=say)


def measure(part: str, seconds: float, turns: int, say: Say) -> dict[str, Any]:
    """One part as a record, with the machine that it was measured on."""
    if part == "peers":
        found = measure_peers(seconds, turns, say)
    elif part == "plans":
        say("Measuring the built-in plans")
        found = {"rows": bench(seconds=seconds)}
    else:
        say("Measuring memory")
        found = {"rows": memory.peaks()}
    return {"machine": machine()} | found


def show(part: str, found: dict[str, Any], console: Console) -> None:
    """A part for people."""
    if part == "peers":
        console.print(screen_of_peers(found))
    elif part == "plans":
        console.print(screen_of_plans(found["rows"]))
    else:
        for row in found["rows"]:
            console.print(memory_line(row), highlight=False)


def write(found: dict[str, Any], folder: Path = HERE) -> None:
    """Both files, with what was measured before where it was not measured now."""
    path = folder / "results.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    results = {part: found.get(part, before.get(part)) for part in PARTS if part in found or part in before}
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    (folder / "RESULTS.md").write_text(in_words(results), encoding="utf-8")


def _progress(words: str) -> None:
    print(words, file=sys.stderr)


def _silent(_: str) -> None:
    pass


def main() -> int:
    """Run what is asked for and write it; 1 where a program of the peer funnel is not the same as the script."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("parts", nargs="*", help=f"some of: {', '.join(PARTS)}; all unless named")
    options.add_argument("--turns", type=int, default=peer.TURNS, help="of the peer funnel")
    options.add_argument("--seconds", type=float, default=3.0, help="about how long to measure each plan and program")
    options.add_argument("--json", action="store_true", help="print one JSON document, and nothing else")
    asked = options.parse_args()
    if asked.turns < 1 or not asked.seconds > 0.0:
        options.error("at least one turn, and more than no seconds")
    if unknown := set(asked.parts) - set(PARTS):
        options.error(f"there is no part {', '.join(sorted(unknown))}: {', '.join(PARTS)}")
    say = _silent if asked.json and not sys.stderr.isatty() else _progress
    console = Console(width=None if sys.stdout.isatty() else 120)
    found = {}
    for part in asked.parts or PARTS:
        found[part] = measure(part, asked.seconds, asked.turns, say)
        if not asked.json:
            show(part, found[part], console)
    write(found)
    if asked.json:
        print(json.dumps(found, allow_nan=False))
    return 1 if found.get("peers", {}).get("disagree") else 0


if __name__ == "__main__":
    sys.exit(main())
