"""How much optimising gives, not on chosen plans: 100 plans drawn at random, ours against three other allocations.

    python -m benchmarks.study [--plans 100] [-n 4000]

The plans and their ranges are those of `benchmarks.study_plans`. Each is split by last year's proportions, by SLSQP on
the mean response, by the best mean (a linear programme, simulated again around its answer), and by ours; all four are
judged on the same paths of phase 0. A gain lies "within the error" where its paired 95% interval holds 0.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from benchmarks.allocations import METHODS, OURS, compare, ours
from benchmarks.study_plans import GOALS, PLANS, RANGES, SHARES, drawn

HERE = Path(__file__).parent / "study.json"
REPLICATIONS, SEED = 4_000, 7
EFFORT = 0.5  # of the usual work: all hundred in about half an hour of one core
RIVALS = ("last year's proportions", "SLSQP on the mean", "best mean (LP)")
FACTORS = ("cv", "distance", "legs", "wins", "lines", "half_at", "economy_sd", "load", "reps")
DECILES = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
Say = Callable[[str], None]
Rows = list[dict[str, Any]]


def one(i: int, n: int) -> dict[str, Any]:
    """Plan i: what was drawn for it, what each allocation reached, and ours over each with its interval."""
    plan = drawn(i)
    methods = {name: METHODS[name] for name in RIVALS} | {OURS: ours(EFFORT)}
    record = compare(plan.loaded, n=n, seed=SEED, methods=methods)
    row: dict[str, Any] = {"plan": i, "factors": plan.factors, "reached": {}, "gains": {}, "seconds": 0.0}
    for found in record["rows"]:
        row["reached"][found["method"]] = found["probability"]
        if found["ours_over_it"] is not None:
            row["gains"][found["method"]] = found["ours_over_it"]
        else:
            row["seconds"] = round(found["seconds"], 2)
    return row


def study(plans: int = PLANS, n: int = REPLICATIONS, say: Say = lambda _: None, kept: Path | None = None) -> Rows:
    """The rows of plans 0 to `plans` - 1; `kept` holds a line for each that is done, so that one may stop and go on."""
    lines = kept.read_text(encoding="utf-8").splitlines() if kept is not None and kept.is_file() else []
    rows = {row["plan"]: row for row in map(json.loads, lines)}
    for i in range(plans):
        if i not in rows:
            rows[i] = one(i, n)
            if kept is not None:
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(rows[i]) + "\n")
        say(f"{i}: " + ", ".join(f"{name} {value:.3f}" for name, value in rows[i]["reached"].items()))
    return [rows[i] for i in range(plans)]


def document(rows: Rows, n: int) -> dict[str, Any]:
    """What is stored: the protocol, the ranges, the summary, and each plan's row."""
    stated = {"ranges": {name: list(given) for name, given in RANGES.items()}, "shares": SHARES, "goals": GOALS}
    return {"plans": len(rows), "n": n, "effort": EFFORT, "summary": summary(rows)} | stated | {"rows": rows}


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """By rival: deciles of the gain in points, how often it is beyond the error, and what it goes with."""
    return {name: _against(name, rows) for name in RIVALS}


def _against(name: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    points = np.array([row["gains"][name]["points"] for row in rows])
    low = np.array([row["gains"][name]["interval"][0] for row in rows])
    high = np.array([row["gains"][name]["interval"][1] for row in rows])
    goes_with = {}
    for factor in FACTORS:
        values = np.array([float(row["factors"][factor]) for row in rows])
        if len(rows) > 2 and np.ptp(values) > 0 and np.ptp(points) > 0:
            goes_with[factor] = round(float(spearmanr(values, points).statistic), 2)
    return {
        "mean": float(points.mean()),
        "deciles": [round(float(v), 2) for v in np.percentile(points, DECILES)],
        "ahead": float(np.mean(low > 0.0)),
        "within_error": float(np.mean((low <= 0.0) & (high >= 0.0))),
        "behind": float(np.mean(high < 0.0)),
        "rank_correlation": goes_with,
        "by": {
            "one goal": _part(points, [row["factors"]["legs"] == 1 for row in rows]),
            "joint goals": _part(points, [row["factors"]["legs"] > 1 for row in rows]),
            "cv below 0.6": _part(points, [row["factors"]["cv"] < 0.6 for row in rows]),
            "cv 0.6 and more": _part(points, [row["factors"]["cv"] >= 0.6 for row in rows]),
            "target below the mean": _part(points, [row["factors"]["distance"] < 0 for row in rows]),
            "target above the mean": _part(points, [row["factors"]["distance"] >= 0 for row in rows]),
            "nobody waits": _part(points, [row["factors"]["load"] == 0 for row in rows]),
            "shared time": _part(points, [row["factors"]["load"] > 0 for row in rows]),
        },
    }


def in_words(found: dict[str, Any]) -> str:
    """The summary as a page in Markdown."""
    lines = [
        "# What optimising gives on plans drawn at random",
        "",
        f"Written by `python -m benchmarks.study`: {found['plans']} plans, each allocation judged on "
        f"{found['n']:,} fresh paths, ours at {found['effort']:g} of the usual work. Gains in points of probability, "
        "ours over each. What it means: [what optimising gives](../docs/background/what-optimising-gives.md).",
        "",
        _row("ours over", "mean", *(f"{d}%" for d in DECILES), "ahead", "within the error", "behind"),
        _row("---", *("---:",) * (len(DECILES) + 4)),
    ]
    for name, own in found["summary"].items():
        shares = (f"{100 * own[key]:.0f}%" for key in ("ahead", "within_error", "behind"))
        lines.append(_row(name, f"{own['mean']:.1f}", *(f"{v:.1f}" for v in own["deciles"]), *shares))
    lines += ["", "Mean (median) gain by kind of plan:", ""]
    kinds = found["summary"][RIVALS[0]]["by"]
    lines += [_row("ours over", *kinds), _row("---", *("---:",) * len(kinds))]
    for name, own in found["summary"].items():
        lines.append(
            _row(name, *("" if p is None else f"{p['mean']:.1f} ({p['median']:.1f})" for p in own["by"].values()))
        )
    lines.append(_row("plans", *("0" if part is None else str(part["plans"]) for part in kinds.values())))
    lines += ["", "Rank correlation (Spearman) of the gain with what was drawn:", ""]
    lines += [_row("ours over", *FACTORS), _row("---", *("---:",) * len(FACTORS))]
    for name, own in found["summary"].items():
        lines.append(_row(name, *(f"{own['rank_correlation'].get(factor, 0.0):+.2f}" for factor in FACTORS)))
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _part(points: np.ndarray[Any, np.dtype[np.float64]], chosen: list[bool]) -> dict[str, float | int] | None:
    own = points[np.array(chosen, dtype=np.bool_)]
    return {"plans": len(own), "mean": float(own.mean()), "median": float(np.median(own))} if len(own) else None


def main() -> None:
    """Run the study and keep it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--plans", type=int, default=PLANS)
    options.add_argument("-n", type=int, default=REPLICATIONS)
    options.add_argument("--out", type=Path, default=HERE)
    asked = options.parse_args()
    kept = asked.out.with_suffix(".part")

    def say(words: str) -> None:
        print(words, file=sys.stderr, flush=True)

    found = document(study(asked.plans, asked.n, say, kept), asked.n)
    rows = ",\n".join(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in found.pop("rows"))
    head = json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False)
    asked.out.write_text(f'{head[:-2]},\n "rows": [\n{rows}\n]\n}}\n', encoding="utf-8")
    asked.out.with_suffix(".md").write_text(in_words(found), encoding="utf-8")
    kept.unlink()


if __name__ == "__main__":
    main()
