"""Histories that attain itself made: a steady plan simulated for two years, written as a CRM's export, or as the two
files of a CRM that keeps a history of stages.
"""

from __future__ import annotations

import datetime as dt

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


STAGES = ("Qualify", "Propose", "Negotiate")
ADVANCE = (0.6, 0.7, 0.8)
STAGED = (
    PLAN[: PLAN.index("stages:")]
    + """\
stages:
  - {name: Qualify, advance: 0.6, work: 0 h, wait: {lognormal: {median: 10 cd, sigma: 0.5}}}
  - {name: Propose, advance: 0.7, work: 0 h, wait: {lognormal: {median: 20 cd, sigma: 0.5}}}
  - {name: Negotiate, advance: 0.8, work: 0 h, wait: {lognormal: {median: 12 cd, sigma: 0.5}}, won: true}
"""
    + PLAN[PLAN.index("products:") :].replace("{opportunity: 1.5}", "{Propose: 3.0}")
)
LOG = ["OpportunityId", "StageName", "CreatedDate"]
DEALS = ["Id", "Opportunity Owner", "Account Name", "Type", "Territory", "Lead Source", "Amount", "Created Date",
         "Close Date", "Stage"]  # fmt: skip
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def with_check(short: str) -> str:
    """A Salesforce id of 18 characters from its first 15: of each five, the bits of the capitals, as a letter."""
    bits = (sum(c.isupper() << i for i, c in enumerate(short[k : k + 5])) for k in (0, 5, 10))
    return short + "".join(_LETTERS[b] for b in bits)


def simulated_pair(seed: int) -> tuple[list[list[str]], list[list[str]]]:
    """A log of stages and the table of its deals, header first, as of the plan's last day: ids of 18 characters in the
    log and of 15 in the table."""
    world = build(load_plan(STAGED))
    log = Simulator(world, seed).outcome(0, keep_log=True).log
    assert log is not None
    rng = np.random.default_rng(seed)
    events: list[list[str]] = []
    deals: dict[int, list[str]] = {}
    latest: dict[int, dt.datetime] = {}
    for event in log:
        deal, time, kind = int(event["deal"]), float(event["time"]), int(event["kind"])
        at = dt.datetime.combine(world.cal.date_at(time), dt.time(9)) + dt.timedelta(hours=time % 8.0)
        at = latest[deal] = max(at, latest.get(deal, at) + dt.timedelta(seconds=1))  # the last hour's end is a day's
        if kind == Kind.ARRIVED:
            short = f"006{''.join(rng.choice(list('aAbBcCdD0123'), 6))}{len(deals):06d}"
            rep = world.reps[int(event["rep"])]
            region, product = SERVES[rep]
            source = str(rng.choice(["Web", "Fair"]))
            value = f"{rng.lognormal(9, 0.5):.2f}"
            day = at.date().isoformat()
            closes = (at.date() + dt.timedelta(days=90)).isoformat()
            deals[deal] = [
                short,
                rep,
                f"Account {len(deals) % 40}",
                product,
                region,
                source,
                value,
                day,
                closes,
                STAGES[0],
            ]
        stage = {Kind.ARRIVED: STAGES[0], Kind.LOST: "Closed Lost", Kind.BOOKED: "Closed Won"}.get(kind, "")  # type: ignore[call-overload]
        if kind == Kind.ADVANCED and int(event["stage"]) + 1 < len(STAGES):
            stage = STAGES[int(event["stage"]) + 1]
        if not stage:
            continue
        row = deals[deal]
        row[9] = stage
        if kind in (Kind.LOST, Kind.BOOKED):
            row[8] = at.date().isoformat()
        if kind == Kind.BOOKED:
            row[6] = f"{float(event['amount']) / world.minor:.2f}"
        events.append([with_check(row[0]), stage, f"{at:%Y-%m-%dT%H:%M:%S}.000+0000"])
    return [LOG, *events], [DEALS, *deals.values()]
