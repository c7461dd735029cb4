"""The SimPy model against the plain reference simulation, event for event, on the very same draws.

The draws of each deal (effort, wait, answer) are read from the contract on randomness and handed, as a script, to
`tests.oracles.timelines`, which knows nothing of SimPy, event heaps or the engine. Times must agree to the last bit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.distributions import variate
from engine.draws import STAGE_VISIT, uniform, words
from engine.outcomes import Kind
from engine.plan.load import load_plan
from engine.simpy_model import Deal, Model
from engine.world import World, build
from tests.oracles.timelines import Deal as Script
from tests.oracles.timelines import Visit, timeline

SEED = 5

HEAD = """\
attain: 1
name: Timelines
currency: CNY
horizon: {start: 2026-01-01, end: 2026-03-31}
calendar: {days: 250, hours_per_day: 8}
goals: {company: {metric: bookings, at_least: 1000}}
products: {A: {deal_value: 100}, B: {deal_value: {lognormal: {mean: 300, cv: 0.5}}}}
regions: {North: {}}
customers: {}
reps:
  - {name: Li, products: [A, B], hours_per_week: 30, focus: {A: 0.7, B: 0.3}}
  - {name: Wu, products: [A], hours_per_week: 10}
sources: {web: {leads_per_month: 30, mix: {North: {A: 2, B: 1}}}}
"""

DRAWN = """\
stages:
  - {name: first, work: {exponential: {mean: 4 h}}, wait: {lognormal: {median: 3 d, sigma: 0.8}}, advance: 0.7,
     stale_after: 9 d}
  - {name: second, work: 3 h, wait: {uniform: {low: 1 d, high: 9 d}}, wait_lost: 2 d, advance: 0.6,
     won: true, stale_after: 5 d}
  - {name: after, work: {triangular: {low: 1 h, mode: 2 h, high: 6 h}}, wait: 1 d, advance: 0.9}
"""

# Constant times and deals that are all open on the first day: many things happen at one instant.
TIED = """\
stages:
  - {name: first, work: 0 h, wait: 2 d, advance: 0.9}
  - {name: second, work: 4 h, wait: 1 d, advance: 0.8, won: true, stale_after: 4 d}
  - {name: after, work: 4 h, wait: 0 d, advance: 0.9}
pipeline: {file: open.csv}
"""


class Heard(Model):
    """The model, keeping the deals it makes."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        self.heard: list[tuple[float, Deal, int]] = []
        super().__init__(*args, **settings)

    def assign(self, deal: Deal, owner: int, u: float, by_owner: bool) -> None:
        super().assign(deal, owner, u, by_owner)
        self.heard.append((self.env.now, deal, deal.stage))


def scripted(world: World, replication: int, key: int, stage: int, visit: int, opened: bool) -> Visit:
    stages, w = world.stages, words(SEED, replication, key, visit, STAGE_VISIT, 0)

    def drawn(row: Any, word: int) -> float:
        return float(variate(world.dists, world.table, int(row), uniform(w[word])))

    advances = uniform(w[2]) < float(stages.advance[stage])
    wait = drawn((stages.wait if advances else stages.wait_lost)[stage], 1)
    work = drawn(stages.work[stage], 0) if stages.has_work[stage] and not opened else 0.0
    return Visit(work, wait, bool(advances), float(stages.stale[stage]))


def both(world: World, replication: int, opened: bool) -> tuple[list[Any], list[Any]]:
    model = Heard(world, SEED, replication, keep_log=True)
    log = model.run().log
    assert log is not None
    stages, scripts = len(world.stages.names), []
    for arrived, deal, first in model.heard:
        desk = str(int(world.desks.of[deal.rep, deal.product]))
        visits = tuple(
            scripted(world, replication, deal.key, stage, stage - first, opened and stage == first)
            for stage in range(first, stages)
        )
        scripts.append(Script(deal.key, arrived, desk, visits, deal.priority, first, deal.value))
    events = timeline(
        scripts,
        stages=stages,
        won=world.stages.won,
        end=world.cal.horizon_hours,
        speeds={str(d): float(speed) for d, speed in enumerate(world.desks.speed)},
    )
    theirs = [(e.time, e.kind, e.deal, e.stage, e.amount) for e in events]
    ours = [
        (float(r["time"]), Kind(int(r["kind"])).name.lower(), int(r["deal"]), int(r["stage"]), float(r["amount"]))
        for r in log
    ]
    return ours, theirs


@pytest.mark.parametrize("replication", range(6))
def test_drawn_timelines_agree_to_the_last_bit(replication: int) -> None:
    world = build(load_plan(HEAD + DRAWN))
    ours, theirs = both(world, replication, opened=False)
    assert len(ours) > 150
    assert {kind for _, kind, *_ in ours} >= {"started", "stale", "lost", "booked"}
    assert ours == theirs


@pytest.mark.parametrize("replication", range(4))
def test_ties_are_broken_as_declared(tmp_path: Path, replication: int) -> None:
    rows = [f"deal {i},first,0 d,A,North,100" for i in range(30)]
    (tmp_path / "open.csv").write_text("\n".join(["id,stage,age,product,region,value", *rows]), encoding="utf-8")
    (tmp_path / "plan.yaml").write_text(
        HEAD.replace("leads_per_month: 30", "leads_per_month: 0") + TIED, encoding="utf-8"
    )
    world = build(load_plan(tmp_path / "plan.yaml"))
    ours, theirs = both(world, replication, opened=True)
    times = [time for time, *_ in ours]
    assert len(set(times)) < 0.5 * len(times), "many events share their instant"
    assert any(kind == "stale" for _, kind, *_ in ours)
    assert ours == theirs
