"""Waiting for a rep against queueing theory: M/M/1, M/G/1, two and four priority classes, and a deal's whole passage.

On a plain calendar a rep with a full week is a single server and work is service. The rep starts idle: M/M/1 is
compared with the exact transient from empty, the others after 15 relaxation times and more. Counted are all deals that
arrive in a window, and the run goes on until even the longest of their waits is over.

Waits of one run are correlated, so errors come from independent replications: a mean wait has a coefficient of
variation of about 5 per deal, correlation included, so that millions of deals are simulated to find an error of 1% of
it with 99% power; each judgement asserts that it does. Everywhere four sigma: a right model fails one in 16,000 times,
and seeds are fixed.
"""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.business import class_of, customer
from engine.outcomes import QUEUED, SERVED
from engine.world import World
from tests.engine.runs import Vector, alike, outcomes, passages, world_of
from tests.oracles import queues as q
from tests.oracles.power import judge_mean

OFFICE = """\
attain: 1
name: Office
currency: CNY
horizon: {start: 2026-01-01, end: 2026-12-31}
calendar: {days: 250, hours_per_day: 8}
goals: {company: {metric: deals_won, at_least: 1}}
stages: [{name: visit, work: WORK, advance: 1}]
products: {A: {deal_value: 1}}
regions: {North: {}}
reps: [{name: Li, hours_per_week: 40}]
sources: {web: {leads_per_day: 32}}
"""
RATE = 4.0  # arrivals an hour
WORK = 0.1  # hours, on average
UNTIL = 1_990.0  # arrivals after this hour are not counted: the last of those before it have left by hour 2,000


def office(work: str, customers: str = "") -> World:
    return world_of(OFFICE.replace("WORK", work) + customers)


def judged(totals: Vector, counts: Vector, expected: float, finds: float = 0.01) -> None:
    """A mean per deal from totals and numbers of deals by replication; `finds` relative to theory."""
    estimate = q.from_replications(totals, counts)
    judge_mean(estimate.mean, estimate.standard_error, expected, finds=finds)


# --- one rep, one class --------------------------------------------------------------------------------------------


def line(world: World, seed: int, n: int, since: float = 0.0) -> Vector:
    """[n, 4]: deals arrived in (since, UNTIL], total of their waits, how many waited, and how many longer than WORK."""
    sums = np.zeros((n, 4))
    for k, outcome in enumerate(outcomes(world, seed, n, keep_log=True)):
        p = passages(outcome)
        waited = p.waited[(p.arrived > since) & (p.arrived <= UNTIL)]
        sums[k] = len(waited), waited.sum(), np.count_nonzero(waited), (waited > WORK).sum()
        if k < 50:  # what a run says of a rep's queue
            served = int(outcome.reps[0, SERVED])
            assert len(p.deals) - served < 30
            assert outcome.reps[0, QUEUED] == pytest.approx(p.waited[:served].sum(), rel=1e-9)
    return sums


def test_exponential_work_waits_as_m_m_1() -> None:
    """10 M deals: the mean wait within 1%, exact from empty; P(wait > 0) and P(wait > mean work) within .5 points."""
    world = office("{exponential: {mean: 0.1 h}}")
    alike(world, 21)
    assert q.mm1_wait_over(2_000.0 - UNTIL, RATE, WORK) < 1e-12, "whom the window counts has left by the run's end"
    sums = line(world, 21, 1_260)
    judged(sums[:, 1], sums[:, 0], q.mm1_wait_from_empty(RATE, WORK, 0.0, UNTIL, states=120))
    for column, over in ((2, 0.0), (3, WORK)):
        p = q.mm1_wait_over(over, RATE, WORK)
        judged(sums[:, column], sums[:, 0], p, 0.005 / p)


def test_any_work_waits_as_pollaczek_and_khinchine_say() -> None:
    """Lognormal work of cv 0.7, 9 M deals: the mean wait within 1%, P(wait > 0) within .5 points."""
    world, since = office("{lognormal: {mean: 0.1 h, cv: 0.7}}"), 24.0
    alike(world, 24)
    assert since > 15.0 * q.relaxation_time(RATE, WORK)
    sums = line(world, 24, 1_150, since)
    judged(sums[:, 1], sums[:, 0], q.pollaczek_khinchine(RATE, WORK, WORK**2 * (1.0 + 0.7**2)))
    judged(sums[:, 2], sums[:, 0], RATE * WORK, 0.005 / (RATE * WORK))


# --- priority classes ----------------------------------------------------------------------------------------------

CUSTOMERS = {
    2: "customers: {money: {uniform: {low: 0, high: 1}}, authority: 1, need: 1, strong_from: 0.6}\n",
    4: "customers: {strong_from: 0.58}\n",
}
SHARES = {2: (0.4, 0.6), 4: (0.42**3, 3 * 0.42**2 * 0.58, 3 * 0.42 * 0.58**2, 0.58**3)}


@numba.njit
def _classes(seed, replication, phase, deals, dists, table, scores, strong):  # type: ignore[no-untyped-def]
    klass = np.empty(len(deals), dtype=np.int64)
    for i in range(len(deals)):
        m, a, need, _ = customer(seed, replication, phase, deals[i], dists, table, scores[0], scores[1], scores[2])
        klass[i] = class_of(m, a, need, strong)
    return klass


def classes_of(world: World, seed: int, replication: int, deals: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Which class each deal is of, which a log does not say: from its draws."""
    known = (world.dists, world.table, np.array(world.scores), world.strong_from)
    return np.asarray(_classes(np.uint64(seed), np.uint64(replication), np.uint64(0), deals, *known))


@pytest.mark.parametrize(
    ("classes", "n", "finds"),
    [(2, 1_300, 0.01), (4, 600, 0.02), pytest.param(4, 2_300, 0.01, marks=pytest.mark.long)],
)
def test_classes_wait_as_cobham_says(classes: int, n: int, finds: float) -> None:
    """Classes by MAN scores, uniform work. Two, 10 M deals: each class's mean wait within 1%; four, 5 M deals: within
    2%, and `make verify` finds 1% by 18 M."""
    world, since = office("{uniform: {low: 0 h, high: 0.2 h}}", CUSTOMERS[classes]), 24.0
    alike(world, 28)
    counts, totals = np.zeros((n, classes)), np.zeros((n, classes))
    for k, outcome in enumerate(outcomes(world, 28, n, keep_log=True)):
        p = passages(outcome)
        counted = (p.arrived > since) & (p.arrived <= UNTIL)
        klass = classes_of(world, 28, k, p.deals[counted])
        counts[k] = np.bincount(klass, minlength=classes)
        totals[k] = np.bincount(klass, p.waited[counted], minlength=classes)
    shares = SHARES[classes]
    expected = q.cobham([RATE * s for s in shares], [WORK] * classes, [WORK**2 * 4.0 / 3.0] * classes)
    for c, theory in enumerate(expected):
        judged(counts[:, c], np.ones(n), RATE * (UNTIL - since) * shares[c], finds)
        judged(totals[:, c], counts[:, c], theory, finds)


# --- a deal's passage ----------------------------------------------------------------------------------------------

PASSAGE = """\
attain: 1
name: Passage
currency: CNY
horizon: {start: 2026-01-01, end: 2026-12-31}
calendar: {days: 250, hours_per_day: 8}
goals: {company: {metric: deals_won, at_least: 1}}
stages:
  - {name: lead, work: {exponential: {mean: 0.1 h}}, wait: {exponential: {mean: 0.6 h}}, advance: 0.9}
  - {name: bid, work: {exponential: {mean: 0.1 h}}, wait: {uniform: {low: 0.2 h, high: 0.8 h}}, advance: 0.9, won: true}
  - {name: delivery, work: {exponential: {mean: 0.1 h}}, wait: 0.4 h, advance: 0.9}
products: {A: {deal_value: 1}}
regions: {North: {}}
reps: [{name: Li}]
sources: {web: {leads_per_day: 12}}
"""
ENTER = 1.5  # deals an hour
ADVANCE, DELAYS = (0.9, 0.9, 0.9), (0.6, 0.5, 0.4)


def test_a_deals_passage_is_that_of_a_product_form_network() -> None:
    """Three stages share the rep at a load of 0.41 (BCMP 1975), 1.7 M deals: the mean passage within .3%, the mean of
    all waits for the rep within 2%."""
    world, since, n = world_of(PASSAGE), 24.0, 600
    alike(world, 31)
    sums = np.zeros((n, 3))
    for k, outcome in enumerate(outcomes(world, 31, n, keep_log=True)):
        p = passages(outcome)
        counted = (p.arrived > since) & (p.arrived <= UNTIL)
        sums[k] = counted.sum(), (p.left - p.arrived)[counted].sum(), p.waited[counted].sum()
    theory = q.shared_rep_passage(ENTER, WORK, ADVANCE, DELAYS)
    judged(sums[:, 1], sums[:, 0], theory, 0.003)
    reached = 1.0 + 0.9 + 0.9 * 0.9
    waits = reached * q.mm1_wait(ENTER * reached, WORK)
    judged(sums[:, 2], sums[:, 0], waits, 0.02)
    assert math.isclose(theory, waits + reached * WORK + 0.6 + 0.9 * 0.5 + 0.81 * 0.4)
