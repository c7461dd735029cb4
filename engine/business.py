"""What happens: effort, the customer's answer, scores and classes, amounts. The one set of rules of both engines.

Small compiled functions over scalars (and the plan's table of distributions), called by the SimPy model one by one
and by its compiled twin from inside a loop. Nothing here schedules, queues or counts: each function says what one
draw, one decision or one amount is. All arithmetic is IEEE as written, in the order written.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from engine.arithmetic import exp
from engine.calendar import after_calendar_days
from engine.compiled import compiled
from engine.distributions import DISTRIBUTION, conditional_variate, log_survival, variate
from engine.draws import CUSTOMER, DEAL, HAND_OVER, STAGE_VISIT, uniform, words

LOST, ADVANCED, STALE = 0, 1, 2

DISTS = numba.from_dtype(DISTRIBUTION)[::1]
F8, I8, U8 = numba.float64, numba.int64, numba.uint64
VECTOR = numba.float64[::1]
Vector = NDArray[np.float64]
Records = NDArray[np.void]


@compiled(I8(VECTOR, F8), inline=True)
def month_of(month_ends: Vector, t: float) -> int:
    """The month of instant t. An instant on a boundary belongs to the month that ends there."""
    low = 0
    high = len(month_ends) - 1
    while low < high:
        middle = (low + high) // 2
        if t <= month_ends[middle]:
            high = middle
        else:
            low = middle + 1
    return low


@compiled(I8(VECTOR, F8, I8), inline=True)
def month_from(month_ends: Vector, t: float, month: int) -> int:
    """As `month_of`, for an instant that does not lie before `month`: time goes on a month at a time."""
    while t > month_ends[month] and month < len(month_ends) - 1:
        month += 1
    return month


@compiled(I8(VECTOR, F8), inline=True)
def choose(cumulative_shares: Vector, u: float) -> int:
    """The category that u falls in; shares cumulated to 1 in the order of sorted keys; empty ones are never chosen."""
    low = 0
    high = len(cumulative_shares) - 1
    while low < high:
        middle = (low + high) // 2
        if u < cumulative_shares[middle]:
            high = middle
        else:
            low = middle + 1
    return low


@compiled(F8(F8, F8), inline=True)
def whole_minor_units(amount: float, factor: float) -> float:
    """An amount in major units as whole minor units, half up: the one rounding that money gets."""
    return np.floor(amount * factor + 0.5)


@compiled(F8(F8, F8), inline=True)
def at_odds(p: float, odds: float) -> float:
    """The probability whose odds are `odds` times those of p; certainties stay, and odds of 1 change nothing."""
    if p <= 0.0 or p >= 1.0 or odds == 1.0:
        return p
    return p * odds / (1.0 - p + p * odds)


@compiled(F8(F8, F8), inline=True)
def time_at_desk(hours: float, speed: float) -> float:
    """Working time that `hours` of effort take a rep of this speed; for ever where no hours are left for deals."""
    if hours <= 0.0:
        return 0.0
    if speed <= 0.0:
        return np.inf
    return hours / speed


@compiled(F8(F8, F8, F8), inline=True)
def hours_left(hours: float, worked: float, speed: float) -> float:
    """What is left of `hours` of effort for another, when a rep of this speed leaves after having worked on it."""
    return max(hours - worked * speed, 0.0)


@compiled(F8(U8, U8, U8, U8, U8), inline=True)
def hand_over_uniform(seed: int, replication: int, phase: int, deal: int, change: int) -> float:
    """What decides, where leads are routed by share, who takes a deal whose rep leaves at a change of staff."""
    return uniform(words(seed, replication, deal, change, HAND_OVER, phase)[0])


@compiled(numba.types.UniTuple(F8, 3)(U8, U8, U8, U8, U8), inline=True)
def visit_uniforms(seed: int, replication: int, phase: int, deal: int, visit: int) -> tuple[float, float, float]:
    """What decides a visit to a stage: the uniforms of the work, of the customer's wait and of the answer."""
    w = words(seed, replication, deal, visit, STAGE_VISIT, phase)
    return uniform(w[0]), uniform(w[1]), uniform(w[2])


@compiled(F8(F8, F8, numba.boolean, VECTOR), inline=True)
def after_wait(now: float, wait: float, calendar_days: bool, hours_at: Vector) -> float:
    """The instant a wait from `now` ends: in working hours, or over the calendar where it was given so."""
    if calendar_days:
        return after_calendar_days(now, wait, hours_at)
    return now + wait


@compiled(F8(F8, F8, F8, F8, F8), inline=True)
def standing_odds(of_rep: float, of_product: float, of_segment: float, of_source: float, of_class: float) -> float:
    """What multiplies a stage's odds of advancing for one deal, whenever it is."""
    return of_rep * of_product * of_segment * of_source * of_class


@compiled(F8(F8, F8, F8, F8), inline=True)
def standing_pace(of_rep: float, of_product: float, of_source: float, of_month: float) -> float:
    """What multiplies a stage's waits for one deal: who it is with, and the month in which it came."""
    return of_rep * of_product * of_source * of_month


ANSWER = numba.types.Tuple((I8, F8))


@compiled(ANSWER(I8, F8, F8, F8), inline=True)
def answer_or_stale(outcome: int, at: float, now: float, stale_at: float) -> tuple[int, float]:
    """The answer, unless the deal has gone stale before it comes; while its rep works on it, it does not."""
    due = max(stale_at, now)
    if at > due:
        return STALE, due
    return outcome, at


@compiled(ANSWER(F8, F8, F8, F8, F8, F8, F8, F8, DISTS, VECTOR, I8, I8, F8, VECTOR), inline=True)
def settled(
    wait: float,
    wait_u: float,
    answer_u: float,
    advance: float,
    standing: float,
    of_economy: float,
    pace: float,
    now: float,
    dists: Records,
    table: Vector,
    row: int,
    row_lost: int,
    stale_at: float,
    hours_at: Vector,
) -> tuple[int, float]:
    """What becomes of a visit once the rep's work is done at `now`: (ADVANCED, LOST or STALE, and when).

    The answer is settled as the wait begins, by the odds of that moment: the stage's, times those that stand with the
    deal, times the economy's and the month's. `wait` is of the distribution `row`; that of a deal that will be lost may
    be another. `pace` is what multiplies the waits.
    """
    outcome = ADVANCED if answer_u < at_odds(advance, standing * of_economy) else LOST
    if outcome == LOST and row_lost != row:
        row = row_lost
        wait = variate(dists, table, row, wait_u)
    at = after_wait(now, wait * pace, dists[row].calendar_days != 0, hours_at)
    return answer_or_stale(outcome, at, now, stale_at)


@compiled(F8(F8, F8, DISTS, I8))
def age_of(hours: float, days: float, dists: Records, i: int) -> float:
    """An open deal's age in the clock of distribution i."""
    return days if dists[i].calendar_days else hours


@compiled(F8(F8, F8, F8))
def still_open(p: float, log_alive: float, log_alive_lost: float) -> float:
    """The probability of advancing given that no answer has come: Bayes, from the logarithms of the waits' survival.

    An age that neither wait can reach says nothing and changes nothing.
    """
    if p <= 0.0 or p >= 1.0 or (log_alive == -np.inf and log_alive_lost == -np.inf):
        return p
    if log_alive == -np.inf:
        return 0.0
    if log_alive_lost == -np.inf:
        return 1.0
    return 1.0 / (1.0 + (1.0 - p) / p * exp(log_alive_lost - log_alive))


@compiled(ANSWER(U8, U8, U8, U8, F8, F8, F8, F8, F8, F8, F8, F8, DISTS, VECTOR, I8, I8, VECTOR))
def answer_to_open(
    seed: int,
    replication: int,
    phase: int,
    deal: int,
    now: float,
    stale_at: float,
    age_hours: float,
    age_days: float,
    advance: float,
    standing: float,
    of_economy: float,
    pace: float,
    dists: Records,
    table: Vector,
    wait: int,
    wait_lost: int,
    hours_at: Vector,
) -> tuple[int, float]:
    """What becomes of a deal that was open on the first day: its answer, given that it has not come by its age.

    Bayes (`still_open`): the odds of advancing are multiplied by the ratio of the two waits' survival at that age; the
    wait left is drawn from the wait's distribution beyond it. Its waits are `pace` times as long: it is as if its age
    were as many times less.
    """
    w = words(seed, replication, deal, 0, STAGE_VISIT, phase)
    p = at_odds(advance, standing * of_economy)
    age = age_of(age_hours, age_days, dists, wait) / pace
    age_lost = age_of(age_hours, age_days, dists, wait_lost) / pace
    p = still_open(p, log_survival(dists, table, wait, age), log_survival(dists, table, wait_lost, age_lost))
    if uniform(w[2]) < p:
        left = conditional_variate(dists, table, wait, age, uniform(w[1])) - age
        at = after_wait(now, max(left, 0.0) * pace, dists[wait].calendar_days != 0, hours_at)
        return answer_or_stale(ADVANCED, at, now, stale_at)
    left = conditional_variate(dists, table, wait_lost, age_lost, uniform(w[1])) - age_lost
    at = after_wait(now, max(left, 0.0) * pace, dists[wait_lost].calendar_days != 0, hours_at)
    return answer_or_stale(LOST, at, now, stale_at)


@compiled(F8(F8, F8))
def economy_odds(loading: float, log_index: float) -> float:
    """The factor by which the economy's log index moves the odds of conversion."""
    return exp(loading * log_index)


@compiled(I8(F8, F8, F8, F8), inline=True)
def class_of(money: float, authority: float, need: float, strong_from: float) -> int:
    """A customer's class from its three scores: 0 (A) when all are strong, 1 (B) two, 2 (C) one, 3 (D) none."""
    weak = 3
    if money >= strong_from:
        weak -= 1
    if authority >= strong_from:
        weak -= 1
    if need >= strong_from:
        weak -= 1
    return weak


@compiled(numba.types.UniTuple(F8, 4)(U8, U8, U8, U8, DISTS, VECTOR, I8, I8, I8), inline=True)
def customer(
    seed: int,
    replication: int,
    phase: int,
    lead: int,
    dists: Records,
    table: Vector,
    money: int,
    authority: int,
    need: int,
) -> tuple[float, float, float, float]:
    """A lead's scores of money, authority and need, and the uniform that chooses its segment."""
    w = words(seed, replication, lead, 0, CUSTOMER, phase)
    return (
        variate(dists, table, money, uniform(w[0])),
        variate(dists, table, authority, uniform(w[1])),
        variate(dists, table, need, uniform(w[2])),
        uniform(w[3]),
    )


@compiled(numba.types.UniTuple(F8, 4)(U8, U8, U8, U8), inline=True)
def lead_draws(seed: int, replication: int, phase: int, lead: int) -> tuple[float, float, float, float]:
    """A lead's uniforms: its value's, whether it comes from a known account, which one, and its rep's."""
    w = words(seed, replication, lead, 0, DEAL, phase)
    return uniform(w[0]), uniform(w[1]), uniform(w[2]), uniform(w[3])


@compiled(F8(F8, F8, F8, DISTS, VECTOR, I8), inline=True)
def deal_value(u: float, multiplier: float, minor: float, dists: Records, table: Vector, i: int) -> float:
    """What a deal is worth, in whole minor units."""
    return whole_minor_units(variate(dists, table, i, u) * multiplier, minor)


@compiled(F8(F8, F8, numba.boolean, VECTOR), inline=True)
def stale_deadline(entered: float, patience: float, calendar_days: bool, hours_at: Vector) -> float:
    """The instant at which a deal that entered its stage at `entered` goes stale."""
    if patience == np.inf:
        return patience
    if calendar_days:
        return after_calendar_days(entered, patience, hours_at)
    return entered + patience
