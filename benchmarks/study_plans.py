"""The plans of the study: drawn at random from the ranges stated here, which were fixed before any result was seen.

Plan i is drawn from NumPy's default generator of seed (SEED, i), and is the same on every machine. A drawn firm has
reps in regions, products, sources with a budget in each region, one source without a budget, two or three stages, and a
year or half a year. Its own split of the budget is last year's: even over a source's lines, but for chance. Targets
stand at a drawn distance from what that split brings, in standard deviations (measured on 1,000 paths of phase 3).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from attain.optimise.search import simulate_batches
from engine.batch import Simulator
from engine.plan.load import load_plan
from engine.plan.types import LoadedPlan
from engine.world import build

FloatArray = npt.NDArray[np.float64]
SEED, PLANS = 20260101, 100
PILOT_PATHS, PILOT_PHASE, PILOT_SEED = 1_000, 3, 1

# Uniform on (low, high); "log" ones by their logarithm; whole numbers with both ends.
RANGES: dict[str, tuple[float, float, str]] = {
    "reps": (3, 12, "whole"),
    "regions": (2, 4, "whole"),
    "products": (1, 3, "whole"),
    "sources": (1, 3, "whole"),  # with a budget, a line for each region (and product, in a third of them)
    "stages": (2, 3, "whole"),
    "wins": (12, 120, "log"),  # deals won in the horizon, expected at last year's split
    "win_rate": (0.10, 0.35, ""),  # of a lead
    "wait_days": (5, 30, "log"),  # a stage's mean
    "inbound": (0.2, 0.6, ""),  # share of the leads that no budget brings
    "value": (20_000, 400_000, "log"),  # a product's mean deal
    "cv": (0.2, 2.0, "log"),  # of deal values
    "half_at": (0.3, 3.0, "log"),  # of a response, relative to a line's mean spend
    "shape": (1.0, 1.5, ""),  # of three responses in ten; 1 otherwise
    "source_odds": (0.6, 1.6, "log"),  # a source's leads at the first stage, against the average
    "region_odds": (0.6, 1.6, "log"),  # a region's reps at the last stage
    "uneven": (0.2, 0.8, ""),  # sd of the logarithm of a line's share of last year's budget
    "economy_sd": (0.0, 0.15, ""),
    "tries": (30, 300, "log"),  # of six plans in ten: the first stage's conversion is known from so many
    "load": (0.4, 1.1, ""),  # of plans with work: hours asked for over hours there are
    "distance": (-1.0, 1.0, ""),  # of a single target from the mean, in standard deviations
    "joint_distance": (-1.2, 0.2, ""),  # of each of several
}
SHARES = {
    "half_year": 0.3,
    "open": 0.4,  # no work, leads shared out: nobody waits for anybody
    "uncertain": 0.6,
    "s_shaped": 0.3,
    "by_product": 1 / 3,
    "change_at_most_50": 0.5,  # the others may move as they like
}
GOALS = {"company": 0.5, "regions": 0.25, "halves": 0.125, "products": 0.125}  # the last three are joint


@dataclass(frozen=True)
class Drawn:
    """A plan of the study, and what was drawn for it (what the results are compared with)."""

    loaded: LoadedPlan
    text: str
    factors: dict[str, Any]


@dataclass
class _Draw:
    """Draws by name."""

    rng: np.random.Generator

    def one(self, name: str) -> float:
        low, high, how = RANGES[name]
        if how == "whole":
            return float(self.rng.integers(int(low), int(high) + 1))
        if how == "log":
            return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))
        return float(self.rng.uniform(low, high))

    def whole(self, name: str) -> int:
        return int(self.one(name))

    def happens(self, name: str) -> bool:
        return bool(self.rng.random() < SHARES[name])


def drawn(i: int) -> Drawn:
    """Plan i of the study."""
    draw = _Draw(np.random.default_rng([SEED, i]))
    firm, factors = _firm(draw)
    kind = str(draw.rng.choice(list(GOALS), p=list(GOALS.values())))
    if kind == "products" and len(firm["products"]) == 1:
        kind = "halves"
    wheres = _wheres(kind, firm)
    pilot = load_plan(_text(i, firm, {name: {"at_least": 1} | where for name, where in wheres.items()}))
    world = build(pilot)
    legs = np.concatenate(
        [b.legs for b in simulate_batches(Simulator(world, PILOT_SEED, PILOT_PHASE), 0, PILOT_PATHS, 1)]
    )
    goals, distances = {}, []
    for name, where in wheres.items():
        own = legs[:, world.goals.legs_of[world.goals.names.index(name)][0]] / world.minor
        distances.append(draw.one("distance" if len(wheres) == 1 else "joint_distance"))
        target = max(1.0, float(own.mean()) + distances[-1] * float(own.std()))
        goals[name] = {"at_least": int(float(f"{target:.3g}"))} | where
    text = _text(i, firm, goals)
    factors |= {"goals": kind, "legs": len(goals), "distance": float(np.mean(distances))}
    return Drawn(load_plan(text), text, factors)


def _wheres(kind: str, firm: dict[str, Any]) -> dict[str, dict[str, Any]]:
    if kind == "regions":
        return {f"in-{region}": {"where": {"region": region}} for region in firm["regions"]}
    if kind == "products":
        return {f"of-{product}": {"where": {"product": product}} for product in firm["products"]}
    return {"company": {}} | ({"first-half": {"until": firm["middle"]}} if kind == "halves" else {})


def _firm(draw: _Draw) -> tuple[dict[str, Any], dict[str, Any]]:
    """All but the goals: what the text is made of, and the factors."""
    regions = [f"R{k + 1}" for k in range(draw.whole("regions"))]
    products = [f"P{k + 1}" for k in range(draw.whole("products"))]
    reps = max(len(regions), draw.whole("reps"))
    half = draw.happens("half_year")
    months, end, middle = (6, "2026-06-30", "2026-03-31") if half else (12, "2026-12-31", "2026-06-30")
    wins, win_rate, cv = draw.one("wins"), draw.one("win_rate"), draw.one("cv")
    leads = wins / win_rate
    inbound = draw.one("inbound")
    n_stages = draw.whole("stages")
    advance = _stages(draw, n_stages, win_rate)
    is_open = draw.happens("open")
    load = 0.0 if is_open else draw.one("load")
    sources, ratios, s_shaped = _sources(draw, regions, products, leads * (1.0 - inbound), months)
    tries = draw.one("tries") if draw.happens("uncertain") else 0.0
    economy = draw.one("economy_sd")
    firm = {
        "regions": regions,
        "products": {p: (draw.one("value"), cv) for p in products},
        "reps": [(f"Rep {k + 1}", regions[k % len(regions)]) for k in range(reps)],
        "odds": {region: draw.one("region_odds") for region in regions},
        "end": end,
        "middle": middle,
        "inbound": leads * inbound / months,
        "sources": sources,
        "advance": advance,
        "tries": tries,
        "waits": [draw.one("wait_days") for _ in range(n_stages)],
        "work": _work(load, reps, months, leads, advance),
        "economy": economy,
        "open": is_open,
        "change": draw.happens("change_at_most_50"),
    }
    factors = {
        "reps": reps,
        "lines": sum(len(source["spend"]) for source in sources),
        "wins": wins,
        "cv": cv,
        "half_at": float(np.exp(np.mean(np.log(ratios)))),
        "s_shaped": s_shaped,
        "economy_sd": economy,
        "uncertain": tries > 0.0,
        "load": load,
        "change_at_most": 0.5 if firm["change"] else None,
    }
    return firm, factors


def _stages(draw: _Draw, n: int, win_rate: float) -> list[float]:
    """Conversions that multiply up to the win rate."""
    parts = draw.rng.dirichlet(np.full(n, 4.0))
    return [float(win_rate**part) for part in parts]


def _work(load: float, reps: int, months: int, leads: float, advance: list[float]) -> float:
    """Hours of a stage, the same for all, that ask for `load` of the hours there are."""
    visits = leads * float(sum(np.prod(advance[:k]) for k in range(len(advance))))
    return load * reps * months * 21.0 * 8.0 / visits


def _sources(
    draw: _Draw, regions: list[str], products: list[str], leads: float, months: int
) -> tuple[list[dict[str, Any]], list[float], bool]:
    """Budgeted sources, whose responses bring `leads` in all at last year's split."""
    n = draw.whole("sources")
    part = draw.rng.dirichlet(np.full(n, 3.0))
    uneven = draw.one("uneven")
    found, ratios, bent = [], [], False
    for k in range(n):
        split = draw.happens("by_product") and len(products) > 1
        names = (
            [(region, product) for region in regions for product in products] if split else [(r, "") for r in regions]
        )
        share = np.exp(uneven * draw.rng.standard_normal(len(names)))
        spend: FloatArray = np.round(100_000.0 * len(regions) * share / share.sum(), -2)
        ratio, curved = draw.one("half_at"), draw.happens("s_shaped")
        shape = draw.one("shape") if curved else 1.0
        half = ratio * float(spend.mean()) / months
        filled = (spend / months) ** shape / (half**shape + (spend / months) ** shape)
        most = leads * float(part[k]) / months / float(filled.sum())
        mixes = {region: draw.rng.dirichlet(np.full(len(products), 3.0)) for region in regions}
        found.append(
            {
                "name": f"source-{k + 1}",
                "spend": dict(zip(names, spend.tolist(), strict=True)),
                "hill": (most, half, shape),
                "mix": mixes,
                "odds": draw.one("source_odds"),
            }
        )
        ratios.append(ratio)
        bent = bent or curved
    return found, ratios, bent


# --- the plan as text (JSON, which is YAML) ---------------------------------------------------------------------------


def _text(i: int, firm: dict[str, Any], goals: dict[str, dict[str, Any]]) -> str:
    last = f"stage-{len(firm['advance'])}"
    even = {region: dict.fromkeys(firm["products"], 1) for region in firm["regions"]}
    total = sum(sum(source["spend"].values()) for source in firm["sources"])
    budget = {"step": max(100, round(total / 400, -2))} | ({"change_at_most": "50%"} if firm["change"] else {})
    plan: dict[str, Any] = {
        "attain": 1,
        "name": f"Study plan {i}",
        "currency": "EUR",
        "horizon": {"start": "2026-01-01", "end": firm["end"]},
        "calendar": {"hours_per_day": 8},
        "goals": {name: {"metric": "bookings"} | goal for name, goal in goals.items()},
        "stages": _stage_rows(firm),
        "products": {
            name: {"deal_value": {"lognormal": {"mean": round(mean), "cv": round(cv, 3)}}}
            for name, (mean, cv) in firm["products"].items()
        },
        "regions": {region: {} for region in firm["regions"]},
        "reps": [
            {"name": name, "region": region, "advance": {last: round(firm["odds"][region], 3)}}
            for name, region in firm["reps"]
        ],
        "sources": {"inbound": {"leads_per_month": round(firm["inbound"], 4), "mix": even}}
        | {source["name"]: _source_row(source, list(firm["products"])) for source in firm["sources"]},
        "economy": {"sd": round(firm["economy"], 4), "persistence": 0.8},
        "decide": {"budget": budget},
    }
    if firm["open"]:
        plan["routing"] = {"share": {name: 1 for name, _ in firm["reps"]}}
    return json.dumps(plan, indent=1)


def _stage_rows(firm: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    tries = round(firm["tries"])
    for k, (advance, wait) in enumerate(zip(firm["advance"], firm["waits"], strict=True)):
        known = {"wins": max(1, round(advance * tries)), "of": tries} if k == 0 and tries else round(advance, 4)
        work = {"exponential": {"mean": f"{firm['work']:.3f} h"}} if firm["work"] > 0 else "0 h"
        wait_of = {"exponential": {"mean": f"{wait:.1f} d"}}
        found.append({"name": f"stage-{k + 1}", "work": work, "wait": wait_of, "advance": known})
    found[-1]["won"] = True
    return found


def _source_row(source: dict[str, Any], products: list[str]) -> dict[str, Any]:
    budget: dict[str, Any] = {}
    for (region, product), amount in source["spend"].items():
        if product:
            budget.setdefault(region, {})[product] = round(amount)
        else:
            budget[region] = round(amount)
    most, half, shape = source["hill"]
    return {
        "budget": budget,
        "response": {
            "hill": {"most_leads_per_month": round(most, 4), "half_at": round(half, 1), "shape": round(shape, 2)}
        },
        "mix": {
            region: {product: round(float(weight), 3) for product, weight in zip(products, weights, strict=True)}
            for region, weights in source["mix"].items()
        },
        "advance": {"stage-1": round(source["odds"], 3)},
    }
