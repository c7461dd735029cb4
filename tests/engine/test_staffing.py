"""Reps who begin, leave and get up to speed: timelines by hand, and what theory says of leads, shares and prospects.

Both engines are held to each timeline. Statistical verdicts are at four standard errors: a right model fails one in
16,000 times, and seeds are fixed.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from engine.batch import ENGINES
from engine.outcomes import BUSY, LEADS, OPEN, QUEUED, SERVED, STALE_DEALS, WON, Kind, Names, outcome_hash
from engine.plan.load import load_plan
from engine.world import World, build
from tests.engine.runs import outcomes, world_of

# Eight hours a day from Monday; a rep's 40 hours a week are full speed. 10 working days, 80 hours.
PLAN = """\
attain: 1
name: Staff
currency: CNY
horizon: {start: 2026-06-01, end: 2026-06-12}
goals: {company: {metric: bookings, at_least: 1}}
products: {A: {deal_value: 100}, B: {deal_value: 100}}
regions: {North: {}}
stages: %(STAGES)s
reps: %(REPS)s
sources: {web: {%(SOURCE)s, mix: {North: {A: 1}}}}
routing: %(ROUTING)s
"""
PLAIN = {
    "STAGES": "[{name: offer, work: 12 h, wait: 1 d, advance: 1.0}]",
    "REPS": "[{name: Ann, end: 2026-06-01}, {name: Bob}]",
    "SOURCE": "prospects: 1, spread: start",
    "ROUTING": "least_loaded",
}
Row = tuple[float, str, str]


def plan(**parts: str) -> World:
    """The plan, with some of its parts replaced."""
    return world_of(PLAN % (PLAIN | parts))


def timeline(world: World) -> list[Row]:
    """Time, event and rep of what happens in both engines."""
    logs = [next(outcomes(world, 1, 1, keep_log=True, engine=engine)).log for engine in ENGINES]
    assert logs[0] is not None
    assert logs[1] is not None
    assert logs[0].tobytes() == logs[1].tobytes()
    return [
        (float(row["time"]), Kind(int(row["kind"])).name.lower(), world.reps[row["rep"]] if row["rep"] >= 0 else "")
        for row in logs[0]
    ]


def totals(world: World) -> dict[str, list[float]]:
    """Rep -> hours worked, hours in queues, deals turned to, open at the end, gone stale."""
    outcome = next(outcomes(world, 1, 1))
    columns = [BUSY, QUEUED, SERVED, OPEN, STALE_DEALS]
    return {name: outcome.reps[r, columns].tolist() for r, name in enumerate(world.reps)}


# --- who leaves ------------------------------------------------------------------------------------------------------


def test_work_that_is_under_way_is_finished_by_another() -> None:
    """Ann has done 8 of the 12 hours when she leaves; Bob does the other four."""
    world = plan()
    assert timeline(world) == [
        (0.0, "arrived", "Ann"),
        (0.0, "started", "Ann"),
        (8.0, "handed_over", "Bob"),
        (8.0, "started", "Bob"),
        (12.0, "worked", "Bob"),
        (20.0, "advanced", "Bob"),
        (20.0, "booked", "Bob"),
    ]
    assert totals(world) == {"Ann": [8.0, 0.0, 1.0, 0.0, 0.0], "Bob": [4.0, 0.0, 1.0, 0.0, 0.0]}


def test_what_is_left_takes_the_time_of_who_takes_over() -> None:
    """Ann at half speed has done 4 of the 12 hours; Bob at a quarter takes 32 for the other eight."""
    reps = "[{name: Ann, hours_per_week: 20, end: 2026-06-01}, {name: Bob, hours_per_week: 10}]"
    assert timeline(plan(REPS=reps))[2:5] == [
        (8.0, "handed_over", "Bob"),
        (8.0, "started", "Bob"),
        (40.0, "worked", "Bob"),
    ]


def test_what_nobody_may_take_over_goes_stale() -> None:
    world = plan(REPS="[{name: Ann, end: 2026-06-01}, {name: Bob, products: [B], prospecting: "
                      "{hours_per_week: 1, prospects_per_hour: 0.000001}}]")  # fmt: skip
    assert timeline(world) == [(0.0, "arrived", "Ann"), (0.0, "started", "Ann"), (8.0, "stale", "Ann")]
    assert totals(world)["Ann"] == [8.0, 0.0, 1.0, 0.0, 1.0]


def test_an_answer_is_heard_by_who_took_over() -> None:
    """The customer has until the twelfth hour; from the eighth on the deal is Bob's."""
    world = plan(STAGES="[{name: offer, work: 4 h, wait: 1 d, advance: 1.0}]")
    assert timeline(world)[2:] == [
        (4.0, "worked", "Ann"),
        (8.0, "handed_over", "Bob"),
        (12.0, "advanced", "Bob"),
        (12.0, "booked", "Bob"),
    ]


def test_an_answer_at_the_very_end_of_the_last_day_is_the_leavers() -> None:
    """Booked by Ann in the instant at which she leaves; what is left to do after the signature is handed over."""
    stages = "[{name: offer, work: 4 h, wait: 4 h, advance: 1.0, won: true}, {name: deliver, work: 2 h, advance: 1.0}]"
    assert timeline(plan(STAGES=stages))[2:] == [
        (4.0, "worked", "Ann"),
        (8.0, "advanced", "Ann"),
        (8.0, "booked", "Ann"),
        (8.0, "handed_over", "Bob"),
        (8.0, "started", "Bob"),
        (10.0, "worked", "Bob"),
        (10.0, "advanced", "Bob"),
    ]


def test_who_waits_joins_the_end_of_the_other_queue() -> None:
    """Two leads each of 6 hours: Ann leaves with one under way and one waiting, Bob has his second before it."""
    world = plan(STAGES="[{name: offer, work: 6 h, wait: 0 h, advance: 1.0}]", SOURCE="prospects: 4, spread: start")
    rows = timeline(world)
    assert [row for row in rows if row[1] in ("started", "worked")] == [
        (0.0, "started", "Ann"),
        (0.0, "started", "Bob"),
        (6.0, "worked", "Ann"),
        (6.0, "worked", "Bob"),
        (6.0, "started", "Ann"),
        (6.0, "started", "Bob"),
        (12.0, "worked", "Bob"),
        (12.0, "started", "Bob"),  # 4 of 6 hours are left
        (16.0, "worked", "Bob"),
    ]
    assert (8.0, "handed_over", "Bob") in rows
    # Ann's second waited 6 hours; Bob's second 6, and the one handed over 4.
    assert totals(world) == {"Ann": [8.0, 6.0, 2.0, 0.0, 0.0], "Bob": [16.0, 10.0, 3.0, 0.0, 0.0]}


def test_hours_in_the_queue_of_who_leaves_are_counted_for_them() -> None:
    world = plan(
        STAGES="[{name: offer, work: 10 h, wait: 0 h, advance: 1.0}]",
        SOURCE="prospects: 2, spread: start",
        REPS="[{name: Ann, end: 2026-06-01}, {name: Bob, start: 2026-06-02}]",
    )
    starts = [row[::2] for row in timeline(world) if row[1] == "started"]
    assert starts[:2] == [(0.0, "Ann"), (8.0, "Bob")]
    assert starts[2] in [(10.0, "Bob"), (18.0, "Bob")]  # both have just come to Bob: their keys decide
    found = totals(world)
    assert found["Ann"] == [8.0, 8.0, 1.0, 0.0, 0.0]
    assert found["Bob"][0] == 12.0


def test_a_deal_that_comes_back_to_a_queue_too_late_is_stale() -> None:
    """Its six hours are over while Ann works on it, which it does not mind; then she leaves."""
    world = plan(STAGES="[{name: offer, work: 12 h, wait: 1 d, advance: 1.0, stale_after: 6 h}]")
    assert timeline(world)[2:] == [(8.0, "handed_over", "Bob"), (8.0, "stale", "Bob")]


def test_deals_are_handed_over_by_the_least_loaded() -> None:
    """Ann's three go to Bob and Cy in turn as their loads rise; beyond the horizon's end all are still open."""
    world = plan(
        STAGES="[{name: offer, wait: 60 d, advance: 1.0}]",
        SOURCE="prospects: 9, spread: start",
        REPS="[{name: Ann, end: 2026-06-01}, {name: Bob}, {name: Cy}]",
    )
    assert [row[2] for row in timeline(world) if row[1] == "handed_over"] == ["Bob", "Cy", "Bob"]
    assert {name: row[3] for name, row in totals(world).items()} == {"Ann": 0.0, "Bob": 5.0, "Cy": 4.0}


def test_deals_are_handed_over_in_turn() -> None:
    world = plan(
        STAGES="[{name: offer, wait: 60 d, advance: 1.0}]",
        SOURCE="prospects: 7, spread: start",
        ROUTING="round_robin",
        REPS="[{name: Ann, end: 2026-06-01}, {name: Bob}, {name: Cy}]",
    )
    # Ann had the seventh: her three go to Bob, Cy, Bob.
    assert [row[2] for row in timeline(world) if row[1] == "handed_over"] == ["Bob", "Cy", "Bob"]


# --- who begins ------------------------------------------------------------------------------------------------------


def test_leads_after_the_evening_before_the_first_day_are_the_new_reps() -> None:
    """Leads at 8, 24, 40 hours: the first comes in the instant at which Tuesday begins, and finds Ann alone."""
    world = plan(
        REPS="[{name: Ann}, {name: Cy, start: 2026-06-02}]",
        SOURCE="prospects: 5, spread: even",
        ROUTING="{share: {Ann: 0.000000001, Cy: 1}}",
    )
    assert [row[::2] for row in timeline(world) if row[1] == "arrived"] == [
        (8.0, "Ann"), (24.0, "Cy"), (40.0, "Cy"), (56.0, "Cy"), (72.0, "Cy")
    ]  # fmt: skip


def test_leads_while_nobody_is_there_are_turned_away() -> None:
    world = plan(
        REPS="[{name: Ann, end: 2026-06-02}, {name: Cy, start: 2026-06-09}]",
        SOURCE="prospects: 5, spread: even",
        STAGES="[{name: offer, advance: 1.0}]",
    )
    assert [row[::2] for row in timeline(world) if row[1] == "arrived"] == [
        (8.0, "Ann"), (24.0, ""), (40.0, ""), (56.0, "Cy"), (72.0, "Cy")
    ]  # fmt: skip
    assert next(outcomes(world, 1, 1)).reps[:, LEADS].tolist() == [1.0, 2.0]


def test_a_new_reps_work_is_at_the_speed_of_the_month_in_which_it_begins() -> None:
    """In April a ramp over 61 days from one half is at 1/2 + 1/2 x 15/61 on average; in May at 1/2 + 1/2 x 45.5/61."""
    text = PLAN % (PLAIN | {"REPS": "[{name: Ann, ramp: {over: 61 cd, starts_at: 50%}}]",
                            "STAGES": "[{name: offer, work: 8 h, wait: 0 h, advance: 1.0}]",
                            "SOURCE": "prospects: 2, spread: even"})  # fmt: skip
    world = world_of(text.replace("start: 2026-06-01, end: 2026-06-12", "start: 2026-04-01, end: 2026-06-30"))
    assert world.staffing.pace[0] == pytest.approx([0.5 + 0.5 * 15 / 61, 0.5 + 0.5 * 45.5 / 61, 1.0], abs=1e-12)
    rows = [row for row in timeline(world) if row[1] in ("started", "worked")]
    assert world.cal.month_ends.tolist() == [176.0, 344.0, 520.0]
    assert [time for time, *_ in rows] == [130.0, 130.0 + 8.0 / world.desks.by_month[0, 0], 390.0, 398.0]


@pytest.mark.parametrize(
    ("rep", "expected"),
    [
        # Half of April is the ramp's first half; May has its second half in 15 of 31 days.
        ("{name: Ann, start: 2026-04-16, ramp: {over: 30 cd, starts_at: 0}}", [0.25, (15 * 0.75 + 16) / 31, 1.0]),
        ("{name: Ann, start: 2026-03-02, ramp: {over: 60 cd, starts_at: 0}}", [(30 + 60) / 2 / 60, 1.0, 1.0]),
        ("{name: Ann, start: 2026-05-01, ramp: 0 d}", [1.0, 1.0, 1.0]),
        ("{name: Ann, start: 2026-06-01, ramp: {over: 60 cd, starts_at: 0}}", [0.25, 0.25, 0.25]),  # from its eve on
        ("{name: Ann, end: 2026-04-10, ramp: {over: 5 w, starts_at: 20%}}", [0.2 + 0.8 * 5 / 35, 1.0, 1.0]),
    ],
)
def test_paces_are_the_means_of_a_straight_line(rep: str, expected: list[float]) -> None:
    text = PLAN % (PLAIN | {"REPS": f"[{rep}, {{name: Bob}}]"})
    world = world_of(text.replace("start: 2026-06-01, end: 2026-06-12", "start: 2026-04-01, end: 2026-06-30"))
    assert world.staffing.pace[0] == pytest.approx(expected, abs=1e-12)


# --- what changes nothing --------------------------------------------------------------------------------------------


def test_dates_that_leave_nobody_out_change_nothing() -> None:
    """From before the horizon to its end, at full speed from the first day: the digest of a plan without dates."""
    rich = {
        "STAGES": "[{name: offer, work: {exponential: {mean: 6 h}}, wait: {exponential: {mean: 2 d}}, advance: 0.6}]",
        "SOURCE": "leads_per_day: 3",
    }
    hashes = []
    for dates in ("", ", start: 2026-05-04", ", start: 2026-06-01, end: 2026-06-12, ramp: {over: 2 w, starts_at: 1}"):
        world = plan(REPS=f"[{{name: Ann{dates}}}, {{name: Bob, hours_per_week: 20}}]", **rich)
        assert not len(world.staffing.changes)
        hashes.append([outcome_hash(outcome, Names.of(world)) for outcome in outcomes(world, 3, 4)])
    assert hashes[0] == hashes[1] == hashes[2]


def test_an_owner_who_has_left_before_the_first_day_is_not_asked(tmp_path: Path) -> None:
    (tmp_path / "open.csv").write_text("deal,stage,age,owner\nd1,offer,0 d,Ann\nd2,offer,0 d,Bob\n", encoding="utf-8")
    text = PLAN % (PLAIN | {"REPS": "[{name: Ann, end: 2026-06-03}, {name: Bob}]"})
    text = text.replace("end: 2026-06-12}", "end: 2026-06-12, as_of: 2026-06-03}") + "pipeline: {file: open.csv}\n"
    (tmp_path / "plan.yaml").write_text(text.replace("spread: start", "spread: even"), encoding="utf-8")
    world = build(load_plan(tmp_path / "plan.yaml"))
    assert {row[2] for row in timeline(world)} == {"Bob"}


# --- theory ----------------------------------------------------------------------------------------------------------


def judged(count: float, expected: float, variance: float) -> None:
    assert abs(count - expected) < 4.0 * math.sqrt(variance), (count, expected)


def test_prospects_are_poisson_over_the_days_of_the_rep_at_the_pace_of_the_month() -> None:
    """Two an hour at full speed, five hours a week; 0.25 an hour of work in all, for the days from start to end."""
    text = PLAN % (PLAIN | {
        "REPS": "[{name: Ann, start: 2026-04-16, end: 2026-06-10, ramp: {over: 45 cd, starts_at: 40%}, prospecting: "
                "{hours_per_week: 5, prospects_per_hour: 2}}, {name: Bob}]",
        "STAGES": "[{name: offer, advance: 1.0}]",
    })  # fmt: skip
    world = world_of(text.replace("start: 2026-06-01, end: 2026-06-12", "start: 2026-04-01, end: 2026-06-30"))
    hours = np.array([11 * 8.0, 21 * 8.0, 8 * 8.0])  # working days from 16 April, of May, to 10 June
    assert world.staffing.hours(world.cal, world.start)[0] == pytest.approx(hours)
    mean = float(0.25 * hours @ world.staffing.pace[0])
    n = 2_000
    found = np.array([outcome.reps[0, WON] for outcome in outcomes(world, 5, n)])
    judged(float(found.sum()), n * mean, n * mean)  # the source's one lead comes at 0, and is Bob's
    squares = (found - mean) ** 2
    judged(float(squares.sum()), n * mean, n * (mean + 2.0 * mean * mean))


def test_shares_are_of_those_who_are_there() -> None:
    """Leads of the second week, and all that Ann leaves behind, go to Bob and Cy at one to two."""
    world = plan(
        REPS="[{name: Ann, end: 2026-06-05}, {name: Bob}, {name: Cy}]",
        SOURCE="prospects: 1000, spread: even",
        STAGES="[{name: offer, wait: 90 d, advance: 1.0}]",
        ROUTING="{share: {Ann: 3, Bob: 1, Cy: 2}}",
    )
    n, first = 12, np.zeros(3)
    late, moved = np.zeros(3), np.zeros(3)
    for outcome in outcomes(world, 7, n, keep_log=True):
        log = outcome.log
        assert log is not None
        arrived = log["kind"] == Kind.ARRIVED
        for into, rows in (
            (first, arrived & (log["time"] <= 40.0)),
            (late, arrived & (log["time"] > 40.0)),
            (moved, log["kind"] == Kind.HANDED_OVER),
        ):
            into += np.bincount(log["rep"][rows], minlength=3)
    judged(first[0], n * 500 / 2, n * 500 / 4)
    assert moved.sum() == first[0]
    for counts in (late, moved):
        assert counts[0] == 0.0
        judged(counts[1], counts.sum() / 3, counts.sum() * 2 / 9)


def test_who_is_there_changes_no_lead() -> None:
    """Hiring and leaving move leads from rep to rep; which leads come, and when, is as it was."""
    found = []
    for reps in ("[{name: Ann}, {name: Bob}]", "[{name: Ann, end: 2026-06-04}, {name: Bob, start: 2026-06-03}]"):
        log = next(outcomes(plan(REPS=reps, SOURCE="leads_per_day: 5"), 2, 1, keep_log=True)).log
        assert log is not None
        found.append(log[log["kind"] == Kind.ARRIVED])
    assert found[0][["time", "deal"]].tolist() == found[1][["time", "deal"]].tolist()
    assert found[0]["rep"].tolist() != found[1]["rep"].tolist()
