"""Recovery through the engine: a small plan simulated with its event log, written as a CRM's export, read and fitted.

Nothing is shared between what makes the history and what fits it but the plan's words: the engine draws arrivals by
thinning, waits by inversion and the economy by its own keys, the export is a CSV file with whole days, and the fit
reads that file as it would anybody's. What is fitted is compared with the numbers in the plan.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from attain.fitted import Fitted, fit
from attain.history.read import read_history
from benchmarks.recovery_histories import USUAL, Hits, Rng, Truth, inside, shock_hits, stage_hits
from engine.batch import Simulator
from engine.fit.posterior import mean_draws, parameter_draws
from engine.outcomes import Kind
from engine.plan.load import load_plan
from engine.world import World, build

ECONOMY = (0.15, 0.7, 0.08)
LEADS = 120
VALUE, SPREAD = 20_000, 0.6
REPS = {"Ann": 0.3, "Bob": -0.3, "Cy": 0.5, "Dee": 0.0, "Eve": -0.5, "Fay": 0.1, "Gus": -0.2, "Hal": 0.1}  # log odds
REGIONS = ("North", "East", "South", "West")
SERVES = {name: REGIONS[i // 2] for i, name in enumerate(REPS)}


def plan(economy: bool) -> str:
    """Three years of four regions with two people each and one product.

    Nobody waits for hours, and every day is worked, so that a wait of so many calendar days is one.
    """
    reps = "\n".join(
        f"  - {{name: {name}, region: {region}, products: [ERP], advance: {{opportunity: {np.exp(REPS[name]):.6f}}}}}"
        for name, region in SERVES.items()
    )
    mix = ", ".join(f"{region}: {{ERP: 1}}" for region in REGIONS)
    sd, persistence, own = ECONOMY
    shared = f"economy: {{sd: {sd}, persistence: {persistence}, regional_sd: {own}, conversion: 0}}" if economy else ""
    (_, won, won_sigma), (_, lost, lost_sigma) = USUAL.advanced, USUAL.lost
    return f"""\
attain: 1
name: Recovery
currency: USD
horizon: {{start: 2021-01-01, end: 2023-12-31}}
calendar: {{hours_per_day: 8, weekend: []}}
goals: {{company: {{metric: deals_won, at_least: 1}}}}
stages:
  - name: opportunity
    advance: {USUAL.win}
    work: 0 h
    wait: {{lognormal: {{median: {won} cd, sigma: {won_sigma}}}}}
    wait_lost: {{lognormal: {{median: {lost} cd, sigma: {lost_sigma}}}}}
    won: true
products: {{ERP: {{deal_value: {{lognormal: {{mean: {VALUE}, cv: {SPREAD}}}}}}}}}
regions: {{{", ".join(f"{r}: {{}}" for r in REGIONS)}}}
reps:
{reps}
sources:
  market: {{leads_per_month: {LEADS}, mix: {{{mix}}}}}
{shared}
"""


@cache
def _world(economy: bool) -> World:
    return build(load_plan(plan(economy)))


HEAD = ("Opportunity ID", "Region", "Product", "Owner", "Status", "Value", "Created On", "Closed On")


def export(world: World, seed: int) -> list[list[str]]:
    """A replication's deals as of the plan's last day, one row each. Who is lost or open has no value."""
    log = Simulator(world, seed).outcome(0, keep_log=True).log
    assert log is not None
    rows: dict[int, list[str]] = {}
    for event in log:
        deal, kind = int(event["deal"]), int(event["kind"])
        if kind not in (Kind.ARRIVED, Kind.BOOKED, Kind.LOST):
            continue
        day = world.cal.date_at(float(event["time"])).isoformat()
        if kind == Kind.ARRIVED:
            rep = world.reps[int(event["rep"])]
            rows[deal] = [str(deal), SERVES[rep], "ERP", rep, "Open", "", day, ""]
            continue
        rows[deal][4], rows[deal][7] = "Won" if kind == Kind.BOOKED else "Lost", day
        if kind == Kind.BOOKED:
            rows[deal][5] = f"{float(event['amount']) / world.minor:.2f}"
    return list(rows.values())


def _read(rows: list[list[str]]) -> Fitted:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "opportunities.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([HEAD, *rows])
        return fit(read_history(path))


def _seed(rng: Rng) -> int:
    return int(rng.integers(1 << 40))


def simulated_steady(rng: Rng) -> Hits:
    """Simulated by the engine, 120 leads a month for three years, 8 people: what deals, people and values do."""
    found = _read(export(_world(False), _seed(rng)))
    stage = found.stages[0]
    out = stage_hits(stage.conversion, stage.waits, _group(found), rng)
    amount = found.products["ERP"]
    draws = parameter_draws(amount.family, amount.parameters, amount.levels, amount.of, rng, 1000)
    out["mean value"] = inside(mean_draws(amount.family, amount.parameters, draws), VALUE)
    flow = found.arrivals
    out["level of leads"] = float(abs(np.log(flow.per_month / LEADS)) < 1.96 * flow.level_sd)
    out["growth of leads"] = float(abs(flow.growth) < 1.96 * flow.growth_sd)
    return out | {"rep effects": _reps(found)}


def _group(found: Fitted) -> Truth:
    """The stage's truth over all deals: each person's odds, by the deals that they were dealt. Waits are alike."""
    deals = np.array([rep.deals for rep in found.reps], dtype=np.float64)
    odds = USUAL.win / (1 - USUAL.win) * np.exp([REPS[rep.name] for rep in found.reps])
    return USUAL._replace(win=float(deals @ (odds / (1 + odds)) / deals.sum()))


def _reps(found: Fitted) -> float:
    """The share of the reps' odds, against the deals' mean, that is covered."""
    deals = np.array([rep.deals for rep in found.reps], dtype=np.float64)
    truth = np.array([REPS[rep.name] for rep in found.reps])
    truth -= deals @ truth / deals.sum()
    fitted = np.log([rep.advance.get("opportunity", 1.0) for rep in found.reps])
    sds = np.array([rep.advance_sd["opportunity"] for rep in found.reps])
    return float(np.mean(np.abs(fitted - truth) < 1.96 * sds))


def simulated_economy(rng: Rng) -> Hits:
    """The same under an economy: common sd .15, persistence .7, regional sd .08."""
    found = _read(export(_world(True), _seed(rng)))
    stage = found.stages[0]
    assert found.economy is not None, found.refused
    return stage_hits(stage.conversion, stage.waits, _group(found), rng) | shock_hits(found.economy, *ECONOMY)


SIMULATED: dict[str, Callable[[Rng], Hits]] = {
    f.__name__.replace("_", "-"): f for f in (simulated_steady, simulated_economy)
}
