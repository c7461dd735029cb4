"""How much optimising gives, not on chosen plans: 100 plans drawn at random, ours against three other allocations.

    python -m benchmarks.study [--plans 100] [-n 4000]        # or: python -m benchmarks.run study

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
from benchmarks.study_plans import PLANS, RANGES, SHARES, drawn

HERE = Path(__file__).parent / "study.json"
REPLICATIONS, SEED = 4_000, 7
EFFORT = 0.5  # of the usual work: all hundred in about half an hour of one core
RIVALS = ("last year's proportions", "SLSQP on the mean", "best mean (LP)")
FACTORS = ("cv", "distance", "legs", "wins", "lines", "half_at", "economy_sd", "load", "reps")
DECILES = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
Say = Callable[[str], None]


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


def study(plans: int = PLANS, n: int = REPLICATIONS, say: Say = lambda _: None) -> dict[str, Any]:
    """The rows and the summary of plans 0 to `plans` - 1."""
    rows = []
    for i in range(plans):
        rows.append(one(i, n))
        reached = rows[-1]["reached"]
        say(f"{i}: " + ", ".join(f"{name} {value:.3f}" for name, value in reached.items()))
    stated = {"ranges": {name: list(given) for name, given in RANGES.items()}, "shares": SHARES}
    return {"plans": plans, "n": n, "effort": EFFORT, "rows": rows, "summary": summary(rows)} | stated


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
    found = study(asked.plans, asked.n, say=lambda words: print(words, file=sys.stderr, flush=True))
    asked.out.write_text(json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
