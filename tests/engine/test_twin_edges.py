"""The twin where its memory is tight, shared or addressed at its limits.

It works on raw addresses, so that an index beyond an array is not an error but somebody else's number. Each test here
drives an index, a room or a lifetime to its edge and holds the outcome to what ample memory, or the SimPy model, gives.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from engine.batch import Simulator
from engine.outcomes import Attribution, Names, Outcome, outcome_hash
from engine.realise import realise
from engine.twin.twin import Room, Twin
from engine.world import World
from tests.engine.runs import world_of
from tests.generated.engines import differences, table_differences
from tests.generated.plans import Case, cases

PLAN = """\
attain: 1
name: Edge
currency: CNY
horizon: {start: 2026-01-01, end: %(END)s}
calendar: %(CALENDAR)s
goals: %(GOALS)s
products: {A: {deal_value: 100}}
regions: {North: {}}
segments: %(SEGMENTS)s
stages: %(STAGES)s
reps: [{name: Li}, {name: Wu}]
sources: {web: {%(SOURCE)s}}
"""
PLAIN = {
    "END": "2026-03-31",
    "CALENDAR": "{country: CN}",
    "GOALS": "{company: {metric: bookings, at_least: 1}}",
    "SEGMENTS": "{}",
    "STAGES": "[{name: s, work: 1 h, wait: 1 d, advance: 0.5}, {name: t, work: 2 h, wait: 1 d, advance: 0.5}]",
    "SOURCE": "prospects: 50, spread: start",
}


def plan(**parts: str) -> World:
    """The plan, with some of its parts replaced."""
    return world_of(PLAN % (PLAIN | parts))


def hold_engines_equal(world: World) -> Outcome:
    one, other = (Simulator(world, 1, engine=engine).outcome(0, True) for engine in ("simpy", "compiled"))
    assert not differences(world, one, other)
    bare = Simulator(world, 1).outcome(0)  # without a log much takes no event
    assert not table_differences(one, bare)
    return other


def tight(case: Case) -> Twin:
    """A twin with room for one of everything."""
    twin = Twin(case.world, case.attribution)
    twin.room = Room(feed_room=1, node_room=1, deal_room=1, ledger_room=1, log_room=2)
    return twin


# --- rooms -----------------------------------------------------------------------------------------------------------


@settings(max_examples=150)
@given(cases())
def test_memory_that_grows_as_it_goes_changes_nothing(case: Case) -> None:
    ample, small = Simulator(case.world, case.seed, case.phase, attribution=case.attribution), tight(case)
    for replication in (case.first, case.first + 1):
        drawn = realise(case.world, case.seed, replication, case.phase)
        expected = ample.outcome(replication, True)
        assert not table_differences(expected, tight(case).outcome(case.seed, replication, case.phase, drawn))
        grown = small.outcome(case.seed, replication, case.phase, drawn, keep_log=True)
        assert not differences(case.world, expected, grown)


def test_only_what_was_too_small_grows() -> None:
    """A long log takes no room for deals, a long list none for ledgers."""
    simulator = Simulator(plan(SOURCE="prospects: 20000, spread: even", STAGES="[{name: s, advance: 0.5}]"), 1)
    simulator.outcome(0)
    twin = simulator._twin
    assert twin is not None
    before = replace(twin.room)
    assert (before.node_room >= 20_000, before.deal_room, before.ledger_room) == (True, 1024, 16)
    log = simulator.outcome(0, True).log
    assert log is not None
    assert twin.room == replace(before, log_room=65_536)
    assert len(log) > 32_768


@pytest.mark.parametrize("patience", ["", ", stale_after: 3 mo"])
def test_memory_is_of_the_deals_alive_and_not_of_all_that_lived(patience: str) -> None:
    """Ten times the horizon, as many deals at once: no more memory, although most could have waited for months."""
    rooms = []
    for end in ("2026-03-31", "2028-06-30"):
        stages = f"[{{name: s, work: 0.012 h, wait: 1 h, advance: 0.5{patience}}}]"
        simulator = Simulator(plan(END=end, STAGES=stages, SOURCE="leads_per_day: 1000"), 1)
        leads = simulator.outcome(0).reps[:, 0].sum()
        twin = simulator._twin
        assert twin is not None
        rooms.append((leads, twin.room))
    (few, short), (many, long) = rooms
    assert many > 9 * few
    assert long.deal_room == short.deal_room
    assert long.node_room <= 16_384


def test_events_that_come_to_nothing_are_swept_and_nothing_else_is() -> None:
    """Patience of months, few of whose deals go stale: the sweep leaves those that do."""
    world = plan(
        END="2026-04-30",
        STAGES="[{name: s, work: 0.12 h, wait: {weibull: {median: 1 h, shape: 0.3}}, advance: 0.5, stale_after: 1 mo}]",
        SOURCE="leads_per_day: 100",
    )
    assert hold_engines_equal(world).reps[:, 3].sum() > 100
    names, drawn = Names.of(world), realise(world, 1, 0)
    ample, swept = Twin(world), Twin(world)
    swept.buckets, swept.room = 64, Room(1, 1, 1, 1, 2)  # few buckets: the agenda is swept from 16 events on
    ample.buckets = 1 << 16
    for keep_log in (False, True):
        expected = ample.outcome(1, 0, 0, drawn, keep_log=keep_log)
        assert outcome_hash(swept.outcome(1, 0, 0, drawn, keep_log=keep_log), names) == outcome_hash(expected, names)
    assert 2 * swept.room.node_room <= ample.room.node_room


# --- what takes no event ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("routing", ["least_loaded", "round_robin"])
def test_patience_that_ends_while_the_rep_works(routing: str) -> None:
    """Work of half a day, patience of an hour, answers in days: deals go stale as their work ends, not before."""
    world = plan(
        STAGES="[{name: s, work: 0.5 d, wait: {exponential: {mean: 2 d}}, advance: 0.5, stale_after: 9 h},"
        " {name: t, work: 1 h, wait: 0 h, advance: 0.5, stale_after: 1 h}]",
        SOURCE=f"leads_per_day: 4, routing: {routing}",
    )
    assert hold_engines_equal(world).reps[:, 3].sum() > 10


def test_activities_of_a_fraction_are_added_in_the_order_in_which_they_happen() -> None:
    """0.1 and 0.7 in another order give another sum in the last bit."""
    world = plan(
        STAGES="[{name: s, work: {exponential: {mean: 1 h}}, wait: {exponential: {mean: 1 d}}, advance: 0.8,"
        " activities: {visits: 0.1}}, {name: t, work: {exponential: {mean: 3 h}}, wait: 1 d, advance: 0.5,"
        " activities: {visits: 0.7}}]",
        SOURCE="leads_per_day: 6",
    )
    hold_engines_equal(world)


@pytest.mark.parametrize("spread", ["start", "even", "year"])
def test_a_crowd_at_one_instant_is_served_in_order(spread: str) -> None:
    """Thousands of events in a bucket, at one instant or nearly: ranked by heap, not by comparing each with each."""
    world = plan(
        STAGES="[{name: s, work: 0.01 h, wait: 0 h, advance: 0.9}, {name: t, wait: 1 d, advance: 0.5},"
        " {name: u, work: 0.01 h, wait: 1 d, advance: 0.5}]",
        SOURCE=f"prospects: 3000, spread: {spread}",
    )
    assert hold_engines_equal(world).moves() > 6_000


# --- indices ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", ["1e-310", "1e-307", "1e-300"])
def test_a_horizon_of_next_to_no_time_keeps_its_order(hours: str) -> None:
    hold_engines_equal(plan(CALENDAR=f"{{days: 250, hours_per_day: {hours}}}"))


def test_a_segment_may_be_the_seventy_thousandth() -> None:
    """Segments are counted beyond 16 bits."""
    small = plan(SEGMENTS="{a: {}, b: {share: 3}}")
    names = tuple(f"{i:05}" for i in range(70_000))
    routes = small.routes
    many = replace(
        small,
        segments=names,
        segment_shares=np.arange(1, 70_001) / 70_000.0,
        segment_value=np.ones(70_000),
        routes=replace(
            routes,
            may=np.ones((1, 1, 70_000, 2), dtype=np.bool_),
            start=np.arange(0, 140_001, 2),
            takers=np.tile(np.arange(2), 70_000),
            reached=np.tile([0.5, 2.0], 70_000).reshape(1, 140_000),
        ),
        stages=replace(small.stages, of_segment=np.ones((2, 70_000))),
        goals=replace(small.goals, legs=tuple(replace(g, segments=np.ones(70_000, bool)) for g in small.goals.legs)),
    )
    assert hold_engines_equal(many).cell_keys[:, 3].max() > 65_535


def test_a_plan_whose_goals_are_words_has_no_legs() -> None:
    world = plan(GOALS="{company: 'Every customer is called back.'}")
    assert hold_engines_equal(world).legs.shape == (0,)


def test_parameters_of_another_plan_are_refused() -> None:
    world, other = plan(), plan(END="2026-06-30")
    with pytest.raises(ValueError, match="economy of a replication"):
        Simulator(world, 1).outcome(0, parameters=realise(other, 1, 0))


@pytest.mark.parametrize("beyond", ["cell", "route", "shape"])
def test_levers_beyond_their_count_are_refused(beyond: str) -> None:
    world = plan()
    shape = (1, 1, 3) if beyond == "shape" else (1, 1, 2)
    of_cell = np.full(len(world.cells), 2 if beyond == "cell" else 1)
    of_route = np.full(shape, 2 if beyond == "route" else 1)
    with pytest.raises(ValueError, match="levers by"):
        Simulator(world, 1, attribution=Attribution(2, of_cell, of_route)).outcome(0)


# --- lifetimes -------------------------------------------------------------------------------------------------------


def test_threads_may_share_a_simulator() -> None:
    world = plan(SOURCE="prospects: 400, spread: year")
    names, simulator = Names.of(world), Simulator(world, 1)
    alone = [outcome_hash(simulator.outcome(r), names) for r in range(8)]
    pause = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            together = list(threads.map(lambda r: outcome_hash(simulator.outcome(r % 8), names), range(200)))
    finally:
        sys.setswitchinterval(pause)
    assert together == alone * 25


def test_what_an_outcome_holds_is_its_own() -> None:
    """The next replication writes into the same memory, not into what has been handed out."""
    world = plan(SOURCE="prospects: 400, spread: year")
    simulator, names = Simulator(world, 1), Names.of(world)
    first = simulator.outcome(0, True)
    before, log = outcome_hash(first, names), first.log
    assert log is not None
    rows = log.tobytes()
    for replication in range(1, 4):
        simulator.outcome(replication, True)
    assert outcome_hash(first, names) == before
    assert log.tobytes() == rows
