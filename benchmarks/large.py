"""A plan of a large sales force, made to a size: 500 reps, 20 products and 30 regions unless said otherwise.

    python -m benchmarks.large [--reps 500] [--products 20] [--regions 30] > large.yaml
    attain optimise large.yaml --seed 1

Each rep gets about 20 leads a month, of which a third come from 90 budget lines (three sources in every region) whose
responses differ by source; the rest come by themselves. Reps sell five products each in one region, work in three
stages fills about two thirds of their hours, and the target is what last year's split expects and a fiftieth.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np

LEADS = 20.0  # a rep and month
BUDGETED = 1 / 3  # of them
WIN_RATES = (0.6, 0.5, 0.55)  # by stage
HOURS = (0.7, 3.0, 6.0)
SOURCES = {"events": (0.5, 1.0), "campaigns": (1.0, 1.0), "partners": (2.0, 1.2)}  # half-point over mean spend, shape
SPEND = 100_000.0  # a line and year, on average


def large(reps: int = 500, products: int = 20, regions: int = 30, *, seed: int = 1) -> dict[str, Any]:
    """The plan as a document."""
    rng = np.random.default_rng([seed, reps, products, regions])
    sold, places = [f"P{k + 1:02}" for k in range(products)], [f"R{k + 1:02}" for k in range(regions)]
    values = np.round(np.exp(rng.uniform(np.log(20_000), np.log(200_000), products)), -3)
    lines = regions * len(SOURCES)
    each = LEADS * BUDGETED * reps / lines  # leads a month of a line
    mixes = {place: dict(zip(sold, rng.integers(1, 5, products).tolist(), strict=True)) for place in places}
    share = np.exp(0.4 * rng.standard_normal((len(SOURCES), regions)))
    spend = np.round(SPEND * share, -3)
    wins = LEADS * reps * 12.0 * float(np.prod(WIN_RATES))
    target = 1.02 * 0.9 * wins * float(values.mean())  # a tenth is still open, or waits for hours, at the year's end
    return {
        "attain": 1,
        "name": f"{reps} reps, {products} products, {regions} regions",
        "currency": "EUR",
        "horizon": {"start": "2026-01-01", "end": "2026-12-31"},
        "calendar": {"hours_per_day": 8},
        "goals": {"company": {"metric": "bookings", "at_least": round(target, -6)}},
        "stages": [
            {
                "name": f"stage-{k + 1}",
                "work": {"exponential": {"mean": f"{hours} h"}},
                "wait": {"exponential": {"mean": "8 d"}},
                "advance": rate,
            }
            | ({"won": True} if k == len(HOURS) - 1 else {})
            for k, (rate, hours) in enumerate(zip(WIN_RATES, HOURS, strict=True))
        ],
        "products": {
            name: {"deal_value": {"lognormal": {"mean": float(value), "cv": 0.8}}}
            for name, value in zip(sold, values, strict=True)
        },
        "regions": {place: {} for place in places},
        "reps": [_rep(k, sold, places) for k in range(reps)],
        "sources": {"inbound": {"leads_per_month": round(LEADS * (1 - BUDGETED) * reps, 2), "mix": mixes}}
        | {
            name: {
                "budget": dict(zip(places, spend[k].tolist(), strict=True)),
                "response": {
                    "hill": {
                        "most_leads_per_month": round(each * (1.0 + half**shape), 3),
                        "half_at": round(half * SPEND / 12.0),
                        "shape": shape,
                    }
                },
                "mix": mixes,
            }
            for k, (name, (half, shape)) in enumerate(SOURCES.items())
        },
        "economy": {"sd": 0.05, "persistence": 0.8, "regional_sd": 0.03},
        "decide": {
            "maximise": "company",
            "budget": {"step": 1000, "change_at_most": "50%"},
        },
    }


def _rep(k: int, sold: list[str], places: list[str]) -> dict[str, Any]:
    """A rep of one region, with five products in turn, so that every place has somebody for every product."""
    turn = k // len(places)
    own = [sold[(5 * turn + j) % len(sold)] for j in range(min(5, len(sold)))]
    return {"name": f"Rep {k + 1:04}", "region": places[k % len(places)], "products": own}


def main() -> None:
    """Print the plan (JSON, which is YAML)."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--reps", type=int, default=500)
    options.add_argument("--products", type=int, default=20)
    options.add_argument("--regions", type=int, default=30)
    asked = options.parse_args()
    print(json.dumps(large(asked.reps, asked.products, asked.regions), indent=1))


if __name__ == "__main__":
    main()
