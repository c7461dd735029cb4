"""Waiting for a rep against queueing theory: M/M/1, M/G/1, two and four priority classes, and a deal's whole passage.

On a plain calendar a rep with a full week is a single server and work is service. The rep starts idle: M/M/1 is
compared with the exact transient from empty, the others after 15 relaxation times and more. Counted are all deals that
arrive in a window, and the run goes on until even the longest of their waits is over.

Waits of one run are correlated, so errors come from independent replications. A mean wait has a coefficient of
variation of about 5 per deal, correlation included: an error of 1% takes ten million deals. Each test therefore has
three steps. (1) A plain recursion on the model's own draws gives the very waits of the SimPy model, bit for bit. (2)
The recursion is judged by theory over millions of deals: 1% of every mean with 99% power. (3) SimPy's waits are judged
directly, probabilities of waiting to one point, means as finely as the test says; `make verify` does it at 1% too.
Everywhere four sigma: a right model fails one in 16,000 times, and seeds are fixed.
"""

from __future__ import annotations

import math
from heapq import heappop, heappush

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.arrivals import thinned_arrivals
from engine.business import class_of, customer, visit_draws
from engine.distributions import variate
from engine.draws import LEAD, STAGE_VISIT, uniform, words
from engine.outcomes import QUEUED, SERVED, Kind, Outcome
from engine.world import World
from tests.engine.runs import Vector, outcomes, world_of
from tests.oracles import queues as q
from tests.oracles.power import judge_mean

OFFICE = """\
attain: 1
name: Office
currency: CNY
horizon: {start: 2026-01-01, end: 2026-12-31}
calendar: {days: DAYS, hours_per_day: 8}
goals: {company: {metric: deals_won, at_least: 1}}
stages: [{name: visit, work: WORK, advance: 1}]
products: {A: {deal_value: 1}}
regions: {North: {}}
reps: [{name: Li, hours_per_week: 40}]
sources: {web: {leads_per_day: PER_DAY}}
"""


def office(days: int, per_day: float, work: str, customers: str = "") -> World:
    text = OFFICE.replace("DAYS", str(days)).replace("WORK", work).replace("PER_DAY", str(per_day))
    return world_of(text + customers)


def waits(outcome: Outcome) -> tuple[Vector, Vector, NDArray[np.uint64]]:
    """Of every deal served at its first stage: when it arrived, how long it waited, and its key, in that order."""
    log = outcome.log
    assert log is not None
    arrived = log[log["kind"] == Kind.ARRIVED]
    started = log[(log["kind"] == Kind.STARTED) & (log["visit"] == 0)]
    place = {int(key): i for i, key in enumerate(arrived["deal"])}
    order = np.array([place[int(key)] for key in started["deal"]], dtype=np.int64)
    waited = np.full(len(arrived), np.nan)
    waited[order] = started["time"] - arrived["time"][order]
    served = ~np.isnan(waited)
    return arrived["time"][served], waited[served], arrived["deal"][served]


def judged(totals: Vector, counts: Vector, expected: float, finds: float) -> None:
    """A mean per deal from totals and numbers of deals by replication; `finds` relative to theory."""
    estimate = q.from_replications(totals, counts)
    judge_mean(estimate.mean, estimate.standard_error, expected, finds=finds)


# --- plain recursions on the model's draws -------------------------------------------------------------------------


@numba.njit
def _line(seed, replication, cell, rates, ends, dists, table, work):  # type: ignore[no-untyped-def]
    """First come, first served (Lindley 1952): arrivals, keys, and waits from idle."""
    times, keys = thinned_arrivals(seed, replication, np.uint64(0), np.uint64(LEAD), cell, rates, ends, 0.0)
    waited = np.empty(len(times))
    free = 0.0
    for i in range(len(times)):
        start = max(times[i], free)
        waited[i] = start - times[i]
        free = start + visit_draws(seed, replication, np.uint64(0), keys[i], np.uint64(0), 1.0, dists, table, work)[0]
    return times, keys, waited


@numba.njit
def _lines(seed, first, n, cell, rates, ends, dists, table, work, since, until):  # type: ignore[no-untyped-def]
    """By replication: deals arrived in (since, until], total of their waits, and how many waited at all."""
    sums = np.zeros((n, 3))
    for k in range(n):
        times, _, waited = _line(seed, np.uint64(first + k), cell, rates, ends, dists, table, work)
        for i in range(len(times)):
            if since < times[i] <= until:
                sums[k, 0] += 1.0
                sums[k, 1] += waited[i]
                sums[k, 2] += waited[i] > 0.0
    return sums


@numba.njit
def _classes(seed, replication, cell, rates, ends, dists, table, work, scores, strong):  # type: ignore[no-untyped-def]
    """Best class first, then first come, never interrupted: arrivals, keys, classes, and waits (nan: never served)."""
    phase = np.uint64(0)
    times, keys = thinned_arrivals(seed, replication, phase, np.uint64(LEAD), cell, rates, ends, 0.0)
    n = len(times)
    klass = np.empty(n, dtype=np.int64)
    for i in range(n):
        m, a, need, _ = customer(seed, replication, phase, keys[i], dists, table, scores[0], scores[1], scores[2])
        klass[i] = class_of(m, a, need, strong)
    lines = np.empty((4, n), dtype=np.int64)  # who stands in each class's line, in order of arrival
    ahead = np.zeros(4, dtype=np.int64)
    joined = np.zeros(4, dtype=np.int64)
    waited = np.full(n, np.nan)
    free = 0.0
    arriving = 0
    served = 0
    while served < n:
        if served == arriving and times[arriving] > free:
            free = times[arriving]  # nobody is there: the next to arrive finds the rep idle
        while arriving < n and times[arriving] <= free:
            c = klass[arriving]
            lines[c, joined[c]] = arriving
            joined[c] += 1
            arriving += 1
        for c in range(4):
            if ahead[c] < joined[c]:
                i = lines[c, ahead[c]]
                ahead[c] += 1
                waited[i] = free - times[i]
                free = free + visit_draws(seed, replication, phase, keys[i], np.uint64(0), 1.0, dists, table, work)[0]
                served += 1
                break
    return times, keys, klass, waited


@numba.njit
def _many_classes(seed, first, n, cell, rates, ends, dists, table, work, scores, strong, since, until):  # type: ignore[no-untyped-def]
    """[n, 4 classes, 2]: deals arrived in (since, until] and total of their waits."""
    sums = np.zeros((n, 4, 2))
    for k in range(n):
        times, _, klass, waited = _classes(
            seed, np.uint64(first + k), cell, rates, ends, dists, table, work, scores, strong
        )
        for i in range(len(times)):
            if since < times[i] <= until:
                sums[k, klass[i], 0] += 1.0
                sums[k, klass[i], 1] += waited[i]
    return sums


def office_draws(world: World) -> tuple:  # type: ignore[type-arg]
    """What the recursions read of a world, in their order."""
    cell = world.cells[0]
    return (
        np.uint64(cell.key), cell.rates, world.cal.month_ends, world.dists, world.table, world.stages.work[0],
    )  # fmt: skip


def line_is_the_models(world: World, seed: int, n: int) -> None:
    """Step (1): every arrival, key and wait of the model's first replications is the recursion's."""
    compared = 0
    for k, outcome in enumerate(outcomes(world, seed, n, keep_log=True)):
        times, keys, waited = _line(np.uint64(seed), np.uint64(k), *office_draws(world))
        ours = waits(outcome)
        served = len(ours[0])
        assert ours[0].tolist() == times[:served].tolist()
        assert ours[2].tolist() == keys[:served].tolist()
        assert ours[1].tolist() == waited[:served].tolist()
        assert outcome.reps[0, QUEUED] == pytest.approx(waited[:served].sum(), rel=1e-12)
        assert outcome.reps[0, SERVED] == served
        compared += served
    assert compared > 10_000


# --- one rep, one class --------------------------------------------------------------------------------------------

RATE = 0.4  # arrivals an hour; work takes an hour on average
DAYS = 126
UNTIL = 960.0  # arrivals after this hour are not counted: the last of those before it are long served by hour 1,008


def directly(world: World, seed: int, n: int, since: float) -> Vector:
    """[n, 4] by SimPy: deals arrived in (since, UNTIL], total of their waits, how many waited, and waited over 1 h."""
    sums = np.zeros((n, 4))
    for k, outcome in enumerate(outcomes(world, seed, n, keep_log=True)):
        times, waited, _ = waits(outcome)
        counted = waited[(times > since) & (times <= UNTIL)]
        sums[k] = len(counted), counted.sum(), (counted > 0.0).sum(), (counted > 1.0).sum()
    return sums


def test_exponential_work_waits_as_m_m_1() -> None:
    """(1) 10,000 deals equal; (2) 11 M deals: the mean wait within 1%, exact from empty; (3) 256,000 deals by SimPy:
    P(wait > 0) and P(wait > 1 h) within one point, the mean wait within 7%."""
    world, since = office(DAYS, 8 * RATE, "{exponential: {mean: 1 h}}"), 160.0
    line_is_the_models(world, 21, 30)

    sums = _lines(np.uint64(22), 0, 29_000, *office_draws(world), 0.0, UNTIL)
    judged(sums[:, 1], sums[:, 0], q.mm1_wait_from_empty(RATE, 1.0, 0.0, UNTIL, states=120), 0.01)
    assert q.mm1_wait_over(48.0, RATE, 1.0) < 1e-12, "whom the window counts has been served by the run's end"

    assert since > 15.0 * q.relaxation_time(RATE, 1.0)
    sums = directly(world, 23, 800, since)
    judged(sums[:, 1], sums[:, 0], q.mm1_wait(RATE, 1.0), 0.07)
    judged(sums[:, 2], sums[:, 0], q.mm1_wait_over(0.0, RATE, 1.0), 0.01 / 0.4)
    judged(sums[:, 3], sums[:, 0], q.mm1_wait_over(1.0, RATE, 1.0), 0.01 / 0.22)


def test_any_work_waits_as_pollaczek_and_khinchine_say() -> None:
    """Lognormal work of cv 0.7. (1) 10,000 deals equal; (2) 9 M deals: the mean wait within 1%; (3) 230,000 deals by
    SimPy: P(wait > 0) within one point, the mean wait within 6.5%."""
    world, since = office(DAYS, 8 * RATE, "{lognormal: {mean: 1 h, cv: 0.7}}"), 240.0
    line_is_the_models(world, 24, 30)
    expected = q.pollaczek_khinchine(RATE, 1.0, 1.0 + 0.7**2)

    sums = _lines(np.uint64(25), 0, 32_000, *office_draws(world), since, UNTIL)
    judged(sums[:, 1], sums[:, 0], expected, 0.01)

    sums = directly(world, 26, 800, since)
    judged(sums[:, 1], sums[:, 0], expected, 0.065)
    judged(sums[:, 2], sums[:, 0], RATE, 0.01 / RATE)


@pytest.mark.long
def test_exponential_work_waits_as_m_m_1_by_simpy() -> None:
    """10.5 M deals simulated one by one: the mean wait within 1%."""
    world = office(DAYS, 8 * RATE, "{exponential: {mean: 1 h}}")
    sums = directly(world, 27, 33_000, 160.0)
    judged(sums[:, 1], sums[:, 0], q.mm1_wait(RATE, 1.0), 0.01)


# --- priority classes ----------------------------------------------------------------------------------------------

CUSTOMERS = {
    2: "customers: {money: {uniform: {low: 0, high: 1}}, authority: 1, need: 1, strong_from: 0.6}\n",
    4: "customers: {strong_from: 0.4}\n",
}
SHARES = {2: (0.4, 0.6), 4: (0.6**3, 3 * 0.36 * 0.4, 3 * 0.6 * 0.16, 0.4**3)}


@pytest.mark.parametrize(("classes", "runs", "direct"), [(2, 44_000, 0.13), (4, 60_000, 0.12)])
def test_classes_wait_as_cobham_says(classes: int, runs: int, direct: float) -> None:
    """Classes by MAN scores at a load of 0.5, work of cv 1. (1) 20,000 deals equal; (2) 16 or 22 M deals: each
    class's mean wait within 1% (the last of four, 6% of deals: 2%); (3) 144,000 deals by SimPy: within 13%, of four
    12%, the last 18%."""
    rate, since = 0.5, 240.0
    world = office(DAYS, 8 * rate, "{exponential: {mean: 1 h}}", CUSTOMERS[classes])
    shares = SHARES[classes]
    expected = q.cobham([rate * s for s in shares], [1.0] * classes, [2.0] * classes)
    arguments = (*office_draws(world), np.array(world.scores), world.strong_from)

    direct_sums = np.zeros((400, classes, 2))
    for k, outcome in enumerate(outcomes(world, 28, len(direct_sums), keep_log=True)):
        times, keys, klass, waited = _classes(np.uint64(28), np.uint64(k), *arguments)
        klass_of = dict(zip(keys.tolist(), klass.tolist(), strict=True))
        at, found, deals = waits(outcome)
        if k < 50:
            theirs = dict(zip(keys.tolist(), zip(times.tolist(), waited.tolist(), strict=True), strict=True))
            assert [theirs[int(key)] for key in deals] == list(zip(at.tolist(), found.tolist(), strict=True))
        for time, wait, key in zip(at.tolist(), found.tolist(), deals.tolist(), strict=True):
            if since < time <= UNTIL:
                direct_sums[k, klass_of[key]] += 1.0, wait

    sums = _many_classes(np.uint64(29), 0, runs, *arguments, since, UNTIL)
    for c, theory in enumerate(expected):
        assert sums[:, c, 0].sum() == pytest.approx(shares[c] * sums[:, :, 0].sum(), rel=0.01)
        judged(sums[:, c, 1], sums[:, c, 0], theory, 0.01 if shares[c] > 0.1 else 0.02)
        judged(direct_sums[:, c, 1], direct_sums[:, c, 0], theory, direct if shares[c] > 0.1 else 1.5 * direct)


# --- a deal's passage ----------------------------------------------------------------------------------------------

PASSAGE = """\
attain: 1
name: Passage
currency: CNY
horizon: {start: 2026-01-01, end: 2026-12-31}
calendar: {days: 160, hours_per_day: 8}
goals: {company: {metric: deals_won, at_least: 1}}
stages:
  - {name: lead, work: {exponential: {mean: 1 h}}, wait: {exponential: {mean: 6 h}}, advance: 0.9}
  - {name: bid, work: {exponential: {mean: 1 h}}, wait: {uniform: {low: 2 h, high: 8 h}}, advance: 0.9, won: true}
  - {name: delivery, work: {exponential: {mean: 1 h}}, wait: 4 h, advance: 0.9}
products: {A: {deal_value: 1}}
regions: {North: {}}
reps: [{name: Li}]
sources: {web: {leads_per_day: 1.2}}
"""
ENTER = 0.15  # deals an hour
ADVANCE, DELAYS = (0.9, 0.9, 0.9), (6.0, 5.0, 4.0)


@numba.njit
def _passages(seed, replication, cell, rates, ends, dists, table, work, wait, advance, end):  # type: ignore[no-untyped-def]
    """One rep serves three stages, first come (to a stage), first served: arrivals, keys, departures, total waits."""
    phase = np.uint64(0)
    times, keys = thinned_arrivals(seed, replication, phase, np.uint64(LEAD), cell, rates, ends, 0.0)
    n = len(times)
    left = np.full(n, np.nan)
    waited = np.zeros(n)
    coming = [(times[i], keys[i], i, 0) for i in range(n)]  # who enters a stage when: a heap, as it is sorted
    free = 0.0
    while len(coming) > 0 and coming[0][0] <= end:
        entered, key, i, stage = heappop(coming)
        w = words(seed, replication, key, np.uint64(stage), np.uint64(STAGE_VISIT), phase)
        # Whoever entered first is served first, so that the heap's next is the desk's next.
        start = max(entered, free)
        waited[i] += start - entered
        free = start + variate(dists, table, work[stage], uniform(w[0]))
        out = free + variate(dists, table, wait[stage], uniform(w[1]))
        if uniform(w[2]) < advance[stage] and stage < 2:
            heappush(coming, (out, key, i, stage + 1))
        else:
            left[i] = out
    return times, keys, left, waited


@numba.njit
def _many_passages(seed, n, cell, rates, ends, dists, table, work, wait, advance, end, since, until):  # type: ignore[no-untyped-def]
    """[n, 3]: deals arrived in (since, until], total of their passages and of their waits for the rep."""
    sums = np.zeros((n, 3))
    for k in range(n):
        times, _, left, waited = _passages(
            seed, np.uint64(k), cell, rates, ends, dists, table, work, wait, advance, end
        )
        for i in range(len(times)):
            if since < times[i] <= until:
                sums[k, 0] += 1.0
                sums[k, 1] += left[i] - times[i]
                sums[k, 2] += waited[i]
    return sums


def departures(outcome: Outcome) -> dict[int, float]:
    """When each deal left for good."""
    log = outcome.log
    assert log is not None
    last = (log["kind"] == Kind.LOST) | ((log["kind"] == Kind.ADVANCED) & (log["stage"] == 2))
    return dict(zip(log["deal"][last].tolist(), log["time"][last].tolist(), strict=True))


def test_a_deals_passage_is_that_of_a_product_form_network() -> None:
    """Three stages share the rep at a load of 0.41 (BCMP 1975). (1) 7,000 passages equal; (2) 7.5 M deals: the mean
    wait for the rep within 1%; (3) 150,000 deals by SimPy: the mean passage within 1%."""
    world, since, until, n = world_of(PASSAGE), 160.0, 1_160.0, 1_050
    cell, stages = world.cells[0], world.stages
    end = world.cal.horizon_hours
    arguments = (
        np.uint64(cell.key), cell.rates, world.cal.month_ends, world.dists, world.table, stages.work, stages.wait,
        stages.advance, end,
    )  # fmt: skip
    theory = q.shared_rep_passage(ENTER, 1.0, ADVANCE, DELAYS)
    sums = np.zeros((n, 2))
    for k, outcome in enumerate(outcomes(world, 31, n, keep_log=True)):
        out = departures(outcome)
        times, keys, left, _ = _passages(np.uint64(31), np.uint64(k), *arguments)
        if k < 40:
            assert out == {int(key): t for key, t in zip(keys, left, strict=True) if t <= end}
        for time, key in zip(times.tolist(), keys.tolist(), strict=True):
            if since < time <= until:
                sums[k] += 1.0, out[key] - time
    judged(sums[:, 1], sums[:, 0], theory, 0.01)

    many = _many_passages(np.uint64(32), 50_000, *arguments, since, until)
    judged(many[:, 1], many[:, 0], theory, 0.01)
    reached = 1.0 + 0.9 + 0.9 * 0.9
    judged(many[:, 2], many[:, 0], reached * q.mm1_wait(ENTER * reached, 1.0), 0.01)
    assert math.isclose(theory, reached * q.mm1_wait(ENTER * reached, 1.0) + reached + 6.0 + 0.9 * 5.0 + 0.81 * 4.0)
