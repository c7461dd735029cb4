"""`attain replay`: one replication's timeline is what the run stored of it, whole or around a deal or a rep."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from attain.plans import open_plan
from attain.replay import Replay, replay
from attain.screens.replay import screen
from engine.batch import Simulator
from engine.problems import PlanRefused
from engine.world import build

PLAN = "one-rep-quarter"


@pytest.fixture(scope="module")
def seventh() -> Replay:
    return replay(PLAN, replication=7, seed=11)


def test_the_replay_is_the_replication_of_the_run(seventh: Replay) -> None:
    """Replication 7 replayed alone has the hash that it has as one of ten."""
    batch = Simulator(build(open_plan(PLAN)), 11)(0, 10)
    assert seventh.hash == batch.hashes[7].hex()
    assert len({value.hex() for value in batch.hashes}) == 10


def test_events_add_up_to_the_outcome(seventh: Replay) -> None:
    totals = dict(seventh.reps)
    kinds: dict[tuple[str, str], int] = {}
    booked: dict[str, float] = dict.fromkeys(totals, 0.0)
    for event in seventh.events:
        kinds[event.rep, event.event] = kinds.get((event.rep, event.event), 0) + 1
        booked[event.rep] += event.amount
    open_first = {deal.deal for deal in open_plan(PLAN).files.pipeline}
    for rep, total in totals.items():
        assert booked[rep] == pytest.approx(total["bookings"], abs=1e-6)
        assert kinds.get((rep, "booked"), 0) == total["deals_won"]
        arrived = sum(e.rep == rep and e.event == "arrived" and e.deal not in open_first for e in seventh.events)
        assert arrived == total["leads"]
        assert kinds.get((rep, "started"), 0) == total["served"]
    assert sum(total["deals_won"] for total in totals.values()) > 0


def test_goals_are_judged_as_the_run_does(seventh: Replay) -> None:
    world = build(open_plan(PLAN))
    legs = Simulator(world, 11).outcome(7).legs[None]
    attained = dict(zip(world.goals.names, world.goals.attained(legs)[0].tolist(), strict=True))
    assert {goal.name: goal.attained for goal in seventh.goals} == attained
    plain = [goal for goal in seventh.goals if goal.name not in ("两项都达成",)]
    assert all(goal.attained == (goal.value >= goal.target) for goal in plain)


def test_time_runs_forward_through_working_days(seventh: Replay) -> None:
    hours = [event.hours for event in seventh.events]
    assert hours == sorted(hours)
    dates = [event.date for event in seventh.events]
    assert dates == sorted(dates)
    assert all(0.0 <= event.hour <= 8.0 + 1e-9 for event in seventh.events)


def test_around_a_deal_and_a_rep(seventh: Replay) -> None:
    key = next(event.deal for event in seventh.events if event.event == "booked")
    around = replay(PLAN, replication=7, seed=11, around=f"deal:{key}")
    assert {event.deal for event in around.events} == {key}
    assert around.events == tuple(event for event in seventh.events if event.deal == key)
    assert around.events[0].event == "arrived"
    assert around.total_events == len(seventh.events)
    rep = seventh.events[0].rep
    assert len(replay(PLAN, replication=7, seed=11, around=f"rep:{rep}").events) == len(seventh.events)


def test_a_deal_by_the_beginning_of_its_key(seventh: Replay) -> None:
    keys = sorted({event.deal for event in seventh.events if len(event.deal) == 16})
    found = replay(PLAN, replication=7, seed=11, around=f"deal:{keys[0][:12].upper()}")
    assert {event.deal for event in found.events} == {keys[0]}


@pytest.mark.parametrize(
    ("around", "expected"),
    [
        ("deal:", "deal:KEY or rep:NAME"),
        ("Li Na", "deal:KEY or rep:NAME"),
        ("rep:Nobody", "rep: and one of: 王芳"),
        ("deal:nothing like it", "a deal of this replication"),
        ("deal:ffffffffffffffff", "a deal of this replication"),
    ],
)
def test_what_fits_nothing_is_refused(around: str, expected: str) -> None:
    with pytest.raises(PlanRefused) as refused:
        replay(PLAN, replication=0, seed=0, around=around)
    assert expected in refused.value.problems[0].expected


def test_a_key_that_fits_several_deals_is_refused(seventh: Replay) -> None:
    first = [event.deal[0] for event in seventh.events if len(event.deal) == 16]
    often = max(set(first), key=lambda c: len({e.deal for e in seventh.events if e.deal[0] == c}))
    with pytest.raises(PlanRefused, match="more of the key"):
        replay(PLAN, replication=7, seed=11, around=f"deal:{often}")


def test_a_replication_below_zero_is_refused() -> None:
    with pytest.raises(PlanRefused, match="from 0 on"):
        replay(PLAN, replication=-1)


def test_the_document_and_the_screen(seventh: Replay) -> None:
    document = seventh.as_json()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert len(document["events"]) == seventh.total_events
    english, chinese = (rendered(seventh, language) for language in ("en", "zh"))
    assert "booked" in english
    assert "签约" in chinese
    assert f"{seventh.total_events - 400} more events" in english or seventh.total_events <= 400


def rendered(found: Replay, language: str) -> str:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(screen(found, "zh" if language == "zh" else "en"))
    return console.export_text()
