"""The plain reference simulation against timelines worked out by hand, SimPy's own resources, and what must hold."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

import simpy
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles.timelines import Deal, Event, Visit, timeline


def told(events: list[Event]) -> list[tuple[float, str, int]]:
    return [(e.time, e.kind, e.deal) for e in events]


def test_one_deal_is_worked_on_and_waited_for() -> None:
    """Work of 3 h at speed 0.5 takes 6 h, from 2 to 8; the answer comes at 12; the second stage needs no work."""
    deal = Deal(1, 2.0, "Li", (Visit(3.0, 4.0), Visit(0.0, 5.0)), value=100.0)
    assert timeline([deal], stages=2, won=1, end=100.0, speeds={"Li": 0.5}) == [
        Event(2.0, "arrived", 1, 0, "Li"),
        Event(2.0, "started", 1, 0, "Li"),
        Event(8.0, "worked", 1, 0, "Li"),
        Event(12.0, "advanced", 1, 0, "Li"),
        Event(17.0, "advanced", 1, 1, "Li"),
        Event(17.0, "booked", 1, 1, "Li", 100.0),
    ]


def test_priority_goes_before_time_and_nobody_is_interrupted() -> None:
    """3 works from 0 to 5. 2 (class B) queues from 1, 1 (class A) from 4: 1 is served at 5, then 2 at 7."""
    deals = [
        Deal(3, 0.0, "Li", (Visit(5.0, 50.0, False),), priority=3),
        Deal(2, 1.0, "Li", (Visit(2.0, 50.0, False),), priority=1),
        Deal(1, 4.0, "Li", (Visit(2.0, 50.0, False),), priority=0),
    ]
    started = [(e.time, e.deal) for e in timeline(deals, stages=1, won=0, end=20.0) if e.kind == "started"]
    assert started == [(0.0, 3), (5.0, 1), (7.0, 2)]


def test_at_one_instant_the_desk_is_handed_over_last() -> None:
    """At 4 the work on 9 ends, 5 (class B) queues since 1, 7 (class A) comes: 7 is served, though it just came."""
    deals = [
        Deal(9, 0.0, "Li", (Visit(4.0, 1.0, False),)),
        Deal(5, 1.0, "Li", (Visit(1.0, 9.0, False),), priority=1),
        Deal(7, 4.0, "Li", (Visit(1.0, 9.0, False),)),
    ]
    assert told(timeline(deals, stages=1, won=0, end=5.0)) == [
        (0.0, "arrived", 9),
        (0.0, "started", 9),
        (1.0, "arrived", 5),
        (4.0, "arrived", 7),
        (4.0, "worked", 9),
        (4.0, "started", 7),
        (5.0, "worked", 7),
        (5.0, "lost", 9),
        (5.0, "started", 5),
    ]


def test_equals_go_by_time_entered_then_key() -> None:
    deals = [Deal(key, 0.0, "Li", (Visit(1.0, 99.0),)) for key in (8, 2, 5)]
    deals.append(Deal(1, 0.5, "Li", (Visit(1.0, 99.0),)))
    started = [e.deal for e in timeline(deals, stages=1, won=0, end=10.0) if e.kind == "started"]
    assert started == [2, 5, 8, 1]


def test_going_stale_in_the_queue_in_the_wait_and_after_work() -> None:
    """Li works on 1 from 0 to 6.

    2 queues from 1, patience 5: stale at 6, just before the desk is free. 3 has no work and waits 9 from 1: stale at
    4. 4 is worked on by Wu from 0 to 8, past its patience of 7: stale at 8. 5 is answered at 3, the instant of its
    patience, which counts.
    """
    deals = [
        Deal(1, 0.0, "Li", (Visit(6.0, 90.0),)),
        Deal(2, 1.0, "Li", (Visit(1.0, 1.0, stale_after=5.0),)),
        Deal(3, 1.0, "Li", (Visit(0.0, 9.0, stale_after=3.0),)),
        Deal(4, 0.0, "Wu", (Visit(8.0, 1.0, stale_after=7.0),)),
        Deal(5, 0.0, "Wu", (Visit(0.0, 3.0, False, stale_after=3.0),)),
    ]
    ends = [(e.time, e.kind, e.deal) for e in timeline(deals, stages=1, won=0, end=50.0) if e.kind in ("stale", "lost")]
    assert ends == [(3.0, "lost", 5), (4.0, "stale", 3), (6.0, "stale", 2), (8.0, "stale", 4)]


def test_a_rep_without_hours_works_for_ever_and_the_end_is_included() -> None:
    deals = [Deal(1, 0.0, "Li", (Visit(1.0, 0.0),)), Deal(2, 0.0, "Wu", (Visit(0.0, 10.0),), value=7.0)]
    events = timeline(deals, stages=1, won=0, end=10.0, speeds={"Li": 0.0, "Wu": 1.0})
    assert [(e.time, e.kind) for e in events if e.deal == 1] == [(0.0, "arrived"), (0.0, "started")]
    assert [(e.time, e.kind, e.amount) for e in events if e.deal == 2][-1] == (10.0, "booked", 7.0)


def test_deals_go_on_past_won_and_open_deals_start_in_the_middle() -> None:
    """A deal open at stage 1 with 3 h of its wait left is booked at 3, then delivered at 3 + 2 + 4."""
    deal = Deal(1, 0.0, "Li", (Visit(0.0, 3.0), Visit(2.0, 4.0)), stage=1, value=5.0)
    assert [(e.time, e.kind, e.stage) for e in timeline([deal], stages=3, won=1, end=99.0)] == [
        (0.0, "arrived", 1),
        (3.0, "advanced", 1),
        (3.0, "booked", 1),
        (3.0, "started", 2),
        (5.0, "worked", 2),
        (9.0, "advanced", 2),
    ]


hours = st.integers(0, 4).map(float)  # small whole numbers make ties common
visits = st.builds(Visit, hours, hours, st.booleans(), st.sampled_from([math.inf, math.inf, 1.0, 3.0, 6.0]))
scripts = st.lists(
    st.tuples(hours, st.sampled_from(["Li", "Wu"]), st.tuples(visits, visits, visits), st.integers(0, 3)), max_size=9
).map(lambda rows: [Deal(key, at, desk, script, klass) for key, (at, desk, script, klass) in enumerate(rows)])


@given(scripts)
def test_what_must_hold_of_every_timeline(deals: list[Deal]) -> None:
    events = timeline(deals, stages=3, won=1, end=1e6, speeds={"Li": 1.0, "Wu": 0.5})
    assert [e.time for e in events] == sorted(e.time for e in events)
    for desk, speed in (("Li", 1.0), ("Wu", 0.5)):
        turns = [e for e in events if e.desk == desk and e.kind in ("started", "worked")]
        assert [e.kind for e in turns] == ["started", "worked"] * (len(turns) // 2), "one deal at a time"
        for start, done in zip(turns[::2], turns[1::2], strict=True):
            assert (start.deal, start.stage) == (done.deal, done.stage)
            assert done.time - start.time == deals[start.deal].visits[start.stage].work / speed
    for deal in deals:
        last = [e for e in events if e.deal == deal.key][-1]
        assert last.kind in ("lost", "stale") or (last.kind == "advanced" and last.stage == 2), "every deal ends"


@given(scripts)
def test_the_order_of_the_script_says_nothing(deals: list[Deal]) -> None:
    speeds = {"Li": 1.0, "Wu": 0.5}
    forward = timeline(deals, stages=3, won=1, end=30.0, speeds=speeds)
    assert timeline(deals[::-1], stages=3, won=1, end=30.0, speeds=speeds) == forward


def with_simpy(deals: list[Deal], end: float) -> list[tuple[float, str, int, int]]:
    """The same through SimPy's own priority resources, for scripts without ties and without patience."""
    env, said = simpy.Environment(), []
    desks = {name: simpy.PriorityResource(env) for name in ("Li", "Wu")}

    def way(deal: Deal) -> Generator[simpy.Event, Any, None]:
        yield env.timeout(deal.arrives)
        for stage, visit in enumerate(deal.visits):
            if visit.work > 0.0:
                with desks[deal.desk].request(priority=deal.priority) as turn:
                    yield turn
                    said.append((env.now, "started", deal.key, stage))
                    yield env.timeout(visit.work)
            yield env.timeout(visit.wait)
            said.append((env.now, "advanced" if visit.advances else "lost", deal.key, stage))
            if not visit.advances:
                return

    for deal in deals:
        env.process(way(deal))
    env.run(until=end)
    return said


real = st.floats(0.01, 5.0)
untied = st.lists(
    st.tuples(
        st.floats(0.0, 9.0),
        st.sampled_from(["Li", "Wu"]),
        st.tuples(*[st.builds(Visit, real, real, st.booleans())] * 3),
        st.integers(0, 3),
    ),
    max_size=12,
)


@given(untied, st.randoms(use_true_random=False))
def test_simpys_own_resources_agree_where_nothing_ties(rows: list[Any], rng: Any) -> None:
    def off(x: float) -> float:
        return x + float(rng.random()) * 1e-3  # no two instants alike

    deals = [
        Deal(k, off(at), desk, tuple(Visit(off(v.work), off(v.wait), v.advances) for v in script), klass)
        for k, (at, desk, script, klass) in enumerate(rows)
    ]
    ours = timeline(deals, stages=3, won=2, end=500.0)
    compared = [(round(e.time, 9), e.kind, e.deal, e.stage) for e in ours if e.kind in ("started", "advanced", "lost")]
    assert sorted(compared) == sorted(
        (round(t, 9), kind, key, stage) for t, kind, key, stage in with_simpy(deals, 500.0)
    )
