"""How much better answers look on the paths they were chosen on than on fresh ones: `attain optimise`, many times.

    python -m benchmarks.optimism [PLAN ...] [--seeds 20] [-n 2000] [--effort 1] [--json]

One optimisation's optimism is mostly noise: its paths are few thousand. Over seeds its mean tells the bias, which is
what a user has to fear. Quotas are left out: they choose nothing that the objective hangs on.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

import numpy as np

from attain.optimise.workflow import optimise
from attain.plans import open_plan

PLANS = ("two-by-two", "known-best", "one-rep-quarter", "services-firm", "services-firm-20")
SEEDS, REPLICATIONS = 20, 2_000


def measured(plan: str, seeds: int, n: int, effort: float) -> dict[str, Any]:
    """A plan's optimism by seed, in points, and its mean with the error of that."""
    loaded = open_plan(plan)
    assert loaded.plan.decide is not None, "a plan that lets something move"
    decide = loaded.plan.decide.model_copy(update={"quotas": None})
    alone = loaded.model_copy(update={"plan": loaded.plan.model_copy(update={"decide": decide})})
    points, paths, gains, began = [], 0, [], time.perf_counter()
    for seed in range(1, seeds + 1):
        found = optimise(alone, seed=seed, n=n, effort=effort)
        assert found.optimism is not None, found.reason
        assert found.gain is not None, "measured, too"
        points.append(100.0 * found.optimism)
        gains.append(found.gain.points)
        paths = found.in_sample_paths
    return {
        "plan": plan,
        "points": points,
        "mean": float(np.mean(points)),
        "error": float(np.std(points, ddof=1)) / len(points) ** 0.5,
        "paths": paths,
        "gain": float(np.mean(gains)),
        "gain_sd": float(np.std(gains, ddof=1)),
        "seconds": (time.perf_counter() - began) / seeds,
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, float]:
    """The mean over plans, each counting alike, with its error."""
    mean = float(np.mean([row["mean"] for row in rows]))
    return {"mean": mean, "error": float(np.sqrt(np.sum([row["error"] ** 2 for row in rows]))) / len(rows)}


def main() -> int:
    """Print a line for each plan, and one for all."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("plans", nargs="*", metavar="PLAN", default=PLANS)
    options.add_argument("--seeds", type=int, default=SEEDS)
    options.add_argument("-n", type=int, default=REPLICATIONS)
    options.add_argument("--effort", type=float, default=1.0)
    options.add_argument("--json", action="store_true")
    asked = options.parse_args()
    rows = []
    for plan in asked.plans:
        row = measured(plan, asked.seeds, asked.n, asked.effort)
        rows.append(row)
        words = (
            f"{plan}: optimism {row['mean']:+.2f} points (error {row['error']:.2f}; {asked.seeds} seeds, in-sample on "
            f"{row['paths']:,} paths); gain {row['gain']:.1f} (sd {row['gain_sd']:.1f}); {row['seconds']:.1f} s each"
        )
        print(words, file=sys.stderr if asked.json else sys.stdout, flush=True)
    overall = summary(rows)
    if asked.json:
        print(json.dumps({"plans": rows, "all": overall}, ensure_ascii=False))
    else:
        print(f"all: {overall['mean']:+.2f} points (error {overall['error']:.2f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
