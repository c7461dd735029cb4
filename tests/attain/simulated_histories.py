"""A history that attain itself made: a steady plan simulated for two years, written as a CRM's export."""

from __future__ import annotations

import numpy as np

from engine.batch import Simulator
from engine.outcomes import Kind
from engine.plan.load import load_plan
from engine.world import build

PLAN = """\
attain: 1
name: Steady
currency: USD
horizon: {start: 2022-01-01, end: 2023-12-31}
calendar: {hours_per_day: 8}
goals: {company: {metric: deals_won, at_least: 1}}
stages:
  - name: opportunity
    advance: 0.4
    work: 0 h
    wait: {lognormal: {median: 40 cd, sigma: 0.5}}
    wait_lost: {lognormal: {median: 25 cd, sigma: 0.6}}
    won: true
products:
  ERP: {deal_value: {lognormal: {mean: 20_000, cv: 0.6}}}
  CRM: {deal_value: {lognormal: {mean: 8_000, cv: 0.4}}}
regions: {North: {}, South: {}}
reps:
  - {name: Ann, region: North, products: [ERP]}
  - {name: Bob, region: North, products: [CRM]}
  - {name: Cy, region: South, products: [ERP]}
  - {name: Dee, region: South, products: [CRM], advance: {opportunity: 1.5}}
sources:
  market: {leads_per_month: 60, mix: {North: {ERP: 2, CRM: 3}, South: {ERP: 2, CRM: 2}}}
"""
SERVES = {"Ann": ("North", "ERP"), "Bob": ("North", "CRM"), "Cy": ("South", "ERP"), "Dee": ("South", "CRM")}
HEAD = ["ID", "Region", "Product", "Owner", "Status", "Value", "Created", "Closed"]


def simulated(seed: int, replication: int = 0) -> list[list[str]]:
    """An export's rows, header first, as of the plan's last day. Who lost or is open has a value drawn likewise."""
    world = build(load_plan(PLAN))
    log = Simulator(world, seed).outcome(replication, keep_log=True).log
    assert log is not None
    rng = np.random.default_rng(seed)
    rows: dict[int, list[str]] = {}
    for event in log:
        deal, day = int(event["deal"]), world.cal.date_at(float(event["time"])).isoformat()
        kind = int(event["kind"])
        if kind == Kind.ARRIVED:
            rep = world.reps[int(event["rep"])]
            mean, cv = (20_000, 0.6) if SERVES[rep][1] == "ERP" else (8_000, 0.4)
            spread = np.log(1 + cv**2)
            value = float(rng.lognormal(np.log(mean) - spread / 2, np.sqrt(spread)))
            rows[deal] = [str(deal), *SERVES[rep], rep, "Open", f"{value:.2f}", day, ""]
        elif kind == Kind.BOOKED:
            rows[deal][4:6] = ["Won", f"{float(event['amount']) / world.minor:.2f}"]
            rows[deal][7] = day
        elif kind == Kind.LOST:
            rows[deal][4], rows[deal][7] = "Lost", day
    return [HEAD, *rows.values()]
