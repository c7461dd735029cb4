"""How often nominal 95% intervals of fitted quantities hold the truth, over many histories of known plans.

    python -m benchmarks.recovery                    # 2,000 histories of each plan; goes on where it was stopped
    python -m benchmarks.recovery --only shocks little --histories 400

``recovery_histories`` says what the plans are, ``recovery_engine`` simulates some with the engine itself. What is done
is kept in ``recovery.part``, a hundred histories of one plan a line, until ``--write`` makes recovery.json and
recovery.md of it; plans that were not studied keep their rows. The verdict: within four binomial sigma of 95%, which
over 2,000 histories is 93 to 97%.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.recovery_engine import SIMULATED
from benchmarks.recovery_histories import SCENARIOS, Hits, Rng

PLANS: dict[str, Callable[[Rng], Hits]] = SCENARIOS | SIMULATED
HERE = Path(__file__).with_suffix(".json")
HISTORIES, CHUNK = 2000, 100
NOMINAL = 0.95
Sums = dict[str, tuple[float, int]]  # quantity -> intervals that held it, histories that could be fitted


def error(histories: int) -> float:
    """Four binomial sigma of a share of 95%."""
    return 4 * float(np.sqrt(NOMINAL * (1 - NOMINAL) / max(1, histories)))


def verdict(share: float, histories: int) -> str:
    """In words."""
    if abs(share - NOMINAL) <= error(histories):
        return "holds"
    return "too wide" if share > NOMINAL else "too short"


def chunk(name: str, first: int, histories: int, seed: int = 0) -> Sums:
    """What histories ``first`` and on found."""
    out: dict[str, tuple[float, int]] = {}
    for h in range(first, first + histories):
        for key, hit in PLANS[name](np.random.default_rng([seed, h])).items():
            held, n = out.get(key, (0.0, 0))
            out[key] = (held + hit, n + 1)
    return out


def coverage(name: str, histories: int, seed: int = 0) -> Iterator[tuple[str, float, int]]:
    """Quantity, share of the intervals that held it, histories that could be fitted."""
    for key, (held, n) in chunk(name, 0, histories, seed).items():
        yield key, held / n, n


def kept(part: Path) -> dict[str, dict[int, Sums]]:
    """Plan -> first history of a chunk -> what it found."""
    out: dict[str, dict[int, Sums]] = {}
    for line in part.read_text(encoding="utf-8").splitlines() if part.exists() else []:
        row = json.loads(line)
        out.setdefault(row["plan"], {})[row["first"]] = {k: (v[0], v[1]) for k, v in row["found"].items()}
    return out


def study(names: list[str], histories: int, part: Path) -> None:
    """Every plan in turn, a chunk at a time, so that what has been done at any time is of all of them."""
    done = kept(part)
    for first in range(0, histories, CHUNK):
        for name in names:
            if first in done.get(name, {}):
                continue
            row = {"plan": name, "first": first, "found": chunk(name, first, min(CHUNK, histories - first))}
            with part.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


def rows(part: Path) -> list[dict[str, object]]:
    """By plan and quantity: n, the share covered, its error and the verdict."""
    out: list[dict[str, object]] = []
    done = kept(part)
    for name in PLANS:
        total: dict[str, tuple[float, int]] = {}
        for found in done.get(name, {}).values():
            for key, (held, n) in found.items():
                before = total.get(key, (0.0, 0))
                total[key] = (before[0] + held, before[1] + n)
        for key, (held, n) in total.items():
            share = held / n
            out.append(
                {"plan": name, "quantity": key, "histories": n, "covered": round(share, 4), "error": round(error(n), 4)}
                | {"verdict": verdict(share, n)}
            )
    return out


def merged(kept: list[dict[str, object]], anew: list[dict[str, object]]) -> list[dict[str, object]]:
    """A table with the plans that were studied anew in place of what it had of them."""
    fresh = {row["plan"] for row in anew}
    both = anew + [row for row in kept if row["plan"] not in fresh]
    return [row for name in PLANS for row in both if row["plan"] == name]


def in_words(table: list[dict[str, object]]) -> str:
    """The table as a page in Markdown."""
    lines = [
        "# How often 95% intervals hold the truth",
        "",
        "Written by `python -m benchmarks.recovery --write`. Error: four binomial sigma of 95%, so that *holds* means "
        "93 to 97% over 2,000 histories. What is fitted how, and why some are wide: "
        "[calibration](../docs/background/calibration.md).",
        "",
        "| plan | quantity | histories | covered | 95% ± | verdict |",
        "|---|---|---:|---:|---:|---|",
    ]
    lines += [
        f"| {row['plan']} | {row['quantity']} | {row['histories']:,} | {row['covered']:.1%} | {row['error']:.1%} | "
        f"{row['verdict']} |"
        for row in table
    ]
    lines += ["", "The plans:", ""]
    shown = {row["plan"] for row in table}
    lines += [f"- *{name}*: {' '.join((f.__doc__ or '').split())}" for name, f in PLANS.items() if name in shown]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run what is left of the study and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--histories", type=int, default=HISTORIES)
    parser.add_argument("--only", nargs="*", choices=list(PLANS), default=list(PLANS))
    parser.add_argument("--part", type=Path, default=HERE.with_suffix(".part"))
    parser.add_argument(
        "--write", action="store_true", help="write what was studied into recovery.json and .md, and end the study"
    )
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    study(asked.only, asked.histories, asked.part)
    table = rows(asked.part)
    if asked.json:
        print(json.dumps(table, indent=1))
    else:
        for row in table:
            print(
                f"{row['plan']:22} {row['quantity']:26} {row['covered']:6.1%} of {row['histories']:5,}  95% +- "
                f"{row['error']:.1%}  {row['verdict']}"
            )
    if asked.write:
        table = merged(json.loads(HERE.read_text(encoding="utf-8")) if HERE.exists() else [], table)
        HERE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
        HERE.with_suffix(".md").write_text(in_words(table), encoding="utf-8")
        asked.part.unlink()


if __name__ == "__main__":
    main()
