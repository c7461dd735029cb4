"""Odd plans: generated ones held against the plain reference simulation to the last bit, and hand-made corners.

Where the two engines are held equal to each other (`test_equal_engines`), both may be wrong alike; here the SimPy model
is held to a second simulation that shares none of its code. The draws of every deal are read from the contract on
randomness and scripted for `tests.oracles.timelines`, which follows the generated plans that are `plain`.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.stats import norm

from engine.distributions import conditional_variate, cumulative, variate
from engine.draws import STAGE_VISIT, uniform, words
from engine.outcomes import Kind
from engine.plan.types import LoadedPlan, OpenDeal, Plan, PlanFiles
from engine.routing import NOBODY
from engine.simpy_model import Deal, Model
from engine.world import World, build
from tests.engine.runs import world_of
from tests.generated.plans import Case, cases
from tests.oracles.timelines import Deal as Script
from tests.oracles.timelines import Visit, timeline


class Listened(Model):
    """The model, keeping the deals that it makes: (when, deal, the stage it entered at)."""

    def __init__(self, *args: Any, **given: Any) -> None:
        self.made: list[tuple[float, Deal, int]] = []
        super().__init__(*args, **given)

    def assign(self, deal: Deal, owner: int, u: float, by_owner: bool) -> None:
        super().assign(deal, owner, u, by_owner)
        self.made.append((self.env.now, deal, deal.stage))


def probability(world: World, model: Model, deal: Deal, stage: int) -> float:
    """Of advancing: the stage's odds times those of rep, product, segment, source and class."""
    s, p = world.stages, float(model.parameters.advance[stage])
    odds = float(
        s.of_rep[stage, deal.rep] * s.of_product[stage, deal.product] * s.of_segment[stage, deal.segment]
        * s.of_source[stage, deal.source] * s.of_class[stage, deal.klass]
    )  # fmt: skip
    return p * odds / (1.0 - p + p * odds) if 0.0 < p < 1.0 else p


def scripted(world: World, model: Model, deal: Deal, stage: int, visit: int, age: float | None) -> Visit:
    """A visit's effort, wait, answer and patience; `age` in hours for a deal that was open in this stage."""
    seed, replication, phase = model.draw
    u = [uniform(word) for word in words(seed, replication, deal.key, visit, STAGE_VISIT, phase)]
    p, s = probability(world, model, deal, stage), world.stages
    wait, lost = int(s.wait[stage]), int(s.wait_lost[stage])
    patience = float(s.stale[stage])
    if age is None:
        work = float(variate(world.dists, world.table, int(s.work[stage]), u[0]))
        advances = u[2] < p
        return Visit(
            work, float(variate(world.dists, world.table, wait if advances else lost, u[1])), advances, patience
        )

    advances = u[2] < still_open(p, log_beyond(world, wait, age), log_beyond(world, lost, age))
    left = float(conditional_variate(world.dists, world.table, wait if advances else lost, age, u[1])) - age
    return Visit(0.0, max(left, 0.0), advances, max(patience - age, 0.0))


def log_beyond(world: World, row: int, age: float) -> float:
    """The logarithm of the probability of a wait of more than the age; an age of nothing says nothing."""
    kind, (p0, p1) = world.distributions.describe(row).kind, world.dists[row].tolist()[2:4]
    if age <= 0.0:
        return 0.0
    if kind == "exponential":
        return float(-age / p0)
    if kind == "weibull":
        return float(-((age / p0) ** p1))
    if kind == "lognormal":
        return float(norm.logsf(math.log(age / p0) / p1))
    beyond = 1.0 - float(cumulative(world.dists, world.table, row, age))
    return math.log(beyond) if beyond > 0.0 else -math.inf


def still_open(p: float, alive: float, gone: float) -> float:
    """The probability of advancing by Bayes; `alive` and `gone` are the logarithms of the two waits' survival."""
    if p in (0.0, 1.0) or alive == gone:
        return p
    if -math.inf in (alive, gone):
        return 0.0 if alive == -math.inf else 1.0
    return 1.0 / (1.0 + (1.0 - p) / p * math.exp(min(gone - alive, 700.0)))


def line_of(world: World, deal: Deal) -> str:
    """The line in which a deal waits at its desk."""
    return str(int(world.desks.line_of[deal.rep, deal.product, deal.region]))


def weights_of(world: World) -> dict[tuple[str, str], float]:
    """The weights of the lines of each desk that has several."""
    of, first = world.desks.weights.tolist(), world.desks.first_line.tolist()
    return {
        (str(desk), str(i)): of[low + i]
        for desk, (low, high) in enumerate(pairwise(first))
        for i in range(high - low)
        if high - low > 1
    }


def both(case: Case, replication: int) -> tuple[list[Any], list[Any]]:
    """The event log of the model, and the reference's timeline of the same deals."""
    world = case.world
    model = Listened(world, case.seed, replication, case.phase, keep_log=True)
    log = model.run().log
    assert log is not None
    ages = dict(zip(world.open_deals.key, world.open_deals.age_hours.tolist(), strict=True))
    scripts = []
    for arrived, deal, first in model.made:
        if deal.rep == NOBODY:
            continue
        visits = tuple(
            scripted(world, model, deal, stage, stage - first, ages.get(deal.key) if stage == first else None)
            for stage in range(first, len(world.stages.names))
        )
        desk = str(int(world.desks.of[deal.rep, deal.product]))
        scripts.append(Script(deal.key, arrived, desk, visits, deal.priority, first, deal.value, line_of(world, deal)))
    events = timeline(
        scripts,
        stages=len(world.stages.names),
        won=world.stages.won,
        end=world.cal.horizon_hours,
        speeds={str(d): float(speed) for d, speed in enumerate(world.desks.speed)},
        weights=weights_of(world),
    )
    theirs = [(e.time, e.kind, e.deal, e.stage, e.amount) for e in events]
    ours = [
        (float(r["time"]), Kind(int(r["kind"])).name.lower(), int(r["deal"]), int(r["stage"]), float(r["amount"]))
        for r in log
        if r["rep"] != NOBODY
    ]
    return ours, theirs


# --- generated plans -----------------------------------------------------------------------------------------------


@settings(max_examples=150)
@given(cases(plain=True))
def test_generated_plans_happen_as_the_reference_says(case: Case) -> None:
    for replication in (case.first, case.first + 1):
        ours, theirs = both(case, replication)
        assert ours == theirs


@settings(max_examples=40)
@given(cases(plain=True))
def test_what_is_counted_is_what_happened(case: Case) -> None:
    """Flow, cells, rep totals and goals are sums over the event log."""
    world = case.world
    outcome = Model(world, case.seed, case.first, case.phase, keep_log=True).run()
    log = outcome.log
    assert log is not None
    log = log[log["rep"] != NOBODY]
    won = world.stages.won
    before = log["stage"] <= won
    booked = log[log["kind"] == Kind.BOOKED]
    for r in range(len(world.reps)):
        mine = log["rep"] == r
        totals = outcome.reps[r]
        assert totals[1] == (mine & (log["kind"] == Kind.BOOKED)).sum()
        assert totals[2] == (mine & (log["kind"] == Kind.LOST) & before).sum()
        assert totals[3] == (mine & (log["kind"] == Kind.STALE) & before).sum()
        assert totals[4] == booked["amount"][booked["rep"] == r].sum()
        assert totals[7] == (mine & (log["kind"] == Kind.STARTED)).sum()
        arrived = (mine & (log["kind"] == Kind.ARRIVED) & before).sum()
        assert totals[8] == arrived - totals[1] - totals[2] - totals[3], "what is open at the end"
    for column, kind in ((1, Kind.ADVANCED), (2, Kind.LOST), (3, Kind.STALE)):
        for stage in range(len(world.stages.names)):
            happened = ((log["kind"] == kind) & (log["stage"] == stage)).sum()
            assert outcome.flow[:, stage, :, column].sum() == happened
    company = world.goals.legs_of[world.goals.names.index("company")]
    assert outcome.legs[list(company)].tolist() == [booked["amount"].sum()]
    assert np.array_equal(outcome.cells[:, :5].sum(axis=0), outcome.reps[:, :5].sum(axis=0))
    assert outcome.moves() == np.isin(log["kind"], (Kind.ADVANCED, Kind.LOST, Kind.STALE)).sum()


# --- corners by hand -----------------------------------------------------------------------------------------------

CORNER = """\
attain: 1
name: Corner
currency: CNY
horizon: {start: 2026-01-01, end: LAST}
calendar: CALENDAR
goals: {company: {metric: bookings, at_least: 1}}
products: {A: {deal_value: 100}, B: {deal_value: 50}}
regions: {North: {}}
stages: [{name: s, wait: WAIT, advance: 1}]
reps: [{name: Li}, {name: Wu}]
sources: {web: {SOURCE}}
"""


def corner(source: str, *, end: str = "2026-03-31", calendar: str = "{country: CN}", wait: str = "0 d") -> World:
    text = CORNER.replace("LAST", end).replace("CALENDAR", calendar).replace("WAIT", wait).replace("SOURCE", source)
    return world_of(text)


def test_an_answer_on_the_last_instant_counts() -> None:
    """One day of eight hours, prospects on the first instant: a wait of 8 h is in time, one of 8.001 h is not."""
    one_day = {"end": "2026-01-01", "calendar": "{days: 1}"}
    for wait, won in (("8 h", 6.0), ("8.001 h", 0.0)):
        outcome = Model(corner("prospects: 6, spread: start", wait=wait, **one_day), 1, 0).run()
        assert outcome.reps[:, 1].sum() == won
        assert outcome.reps[:, 8].sum() == 6.0 - won


def test_no_leads_come_over_the_holidays() -> None:
    """China's spring holiday of 2026, 15 to 23 February, has no working hour: nothing arrives, waits stand still."""
    world = corner("leads_per_day: 40", end="2026-02-28", wait="1 d")
    log = Model(world, 1, 0, keep_log=True).run().log
    assert log is not None
    dates = {world.cal.date_at(float(t)).isoformat() for t in log["time"]}
    assert not {f"2026-02-{day}" for day in range(15, 24)} & dates
    assert "2026-02-24" in dates


def test_nothing_comes_of_a_budget_of_zero() -> None:
    outcome = Model(corner("budget: 0, response: {linear: {cost_per_lead: 10}}"), 1, 0).run()
    assert outcome.reps.sum() == 0.0
    assert outcome.moves() == 0
    assert outcome.legs.tolist() == [0.0]
    assert len(outcome.cell_keys) == 0


def test_a_rep_without_hours_holds_everything_open() -> None:
    world = world_of(
        CORNER.replace("LAST", "2026-03-31").replace("CALENDAR", "{days: 60}").replace("WAIT", "0 d, work: 1 h")
        .replace("{name: Li}, {name: Wu}", "{name: Li, hours_per_week: 0}").replace("SOURCE", "prospects: 7")
    )  # fmt: skip
    outcome = Model(world, 1, 0).run()
    assert outcome.reps[0, [1, 2, 3, 8]].tolist() == [0.0, 0.0, 0.0, 7.0]
    assert math.isfinite(outcome.reps[0, 5])


@pytest.mark.parametrize(
    ("age", "wait", "becomes", "at"),
    [
        ("0 d", "3 d", Kind.BOOKED, 24.0),
        ("2 d", "3 d", Kind.BOOKED, 8.0),
        ("4 d", "3 d", Kind.BOOKED, 0.0),  # older than any wait: the answer is there
        ("500 d", {"exponential": {"mean": "3 d"}}, Kind.STALE, 0.0),  # older than its patience: given up
        ("900 cd", {"exponential": {"mean": "3 d"}}, Kind.STALE, 0.0),
    ],
)
def test_open_deals_of_any_age_have_an_end(age: str, wait: Any, becomes: Kind, at: float) -> None:
    data = Plan.model_validate(
        {
            "attain": 1, "name": "Old", "currency": "CNY", "horizon": {"start": "2026-01-01", "end": "2026-01-31"},
            "calendar": {"days": 20}, "goals": {"company": {"metric": "bookings", "at_least": 1}},
            "stages": [{"name": "s", "wait": wait, "advance": 1, "stale_after": "400 d"}],
            "products": {"A": {"deal_value": 1}}, "regions": {"North": {}}, "reps": [{"name": "Li"}],
        }
    )  # fmt: skip
    deal = OpenDeal.model_validate({"deal": "x", "stage": "s", "age": age})
    log = Model(build(LoadedPlan(plan=data, files=PlanFiles(pipeline=(deal,)))), 1, 0, keep_log=True).run().log
    assert log is not None
    assert (Kind(int(log[-1]["kind"])), float(log[-1]["time"])) == (becomes, at)


TURNS = """\
attain: 1
name: Turns
currency: CNY
horizon: {start: 2026-01-01, end: 2026-03-31}
calendar: {days: 60}
goals: {company: {metric: bookings, at_least: 1}}
stages: [{name: s, advance: 1}]
products: {A: {deal_value: 100}}
regions: {North: {}}
segments: {finance: {}, retail: {}}
reps:
  - {name: Ann, segments: retail}
  - {name: Bob, segments: retail}
  - {name: Cy, segments: retail}
routing: round_robin
sources: {web: {prospects: 400}}
"""


@pytest.mark.parametrize("others", ["", "\n  - {name: Di, segments: finance}\n  - {name: Ed, segments: finance}"])
def test_turns_go_round_among_those_who_may_take_a_lead(others: str) -> None:
    """Leads of a segment that nobody serves, or that others serve, take nobody's turn."""
    world = world_of(TURNS.replace("Cy, segments: retail}", "Cy, segments: retail}" + others))
    leads = Model(world, 1, 0).run().reps[:, 0]
    for group in (leads[:3], leads[3:]):
        assert np.ptp(group) <= 1.0 if len(group) else True
        assert (group > 40.0).all()
