"""Queueing formulas against each other's special cases, a conservation law, and plain recursions.

Statistical ones: fixed seed, 4 sigma (false alarm 6e-5 each); `finds` in each is the error found with 99% power.
"""

from __future__ import annotations

import heapq
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.oracles import queues as q
from tests.oracles.power import judge_mean

Vector = NDArray[np.float64]


def lindley(gaps: Vector, works: Vector) -> Vector:
    """Waits of one server from empty, runs in rows: W[n+1] = max(0, W[n] + S[n] - A[n+1]) (Lindley 1952)."""
    waits = np.zeros_like(works)
    for n in range(works.shape[1] - 1):
        waits[:, n + 1] = np.maximum(0.0, waits[:, n] + works[:, n] - gaps[:, n + 1])
    return waits


def test_formulas_meet_in_their_special_cases() -> None:
    rate, work = 0.7, 1.0
    assert q.mm1_wait(rate, work) == pytest.approx(0.7 / 0.3)
    assert q.pollaczek_khinchine(rate, work, 2.0) == pytest.approx(q.mm1_wait(rate, work))
    assert q.pollaczek_khinchine(rate, work, 1.0) == pytest.approx(q.mm1_wait(rate, work) / 2.0), "M/D/1 waits half"
    assert q.pollaczek_khinchine_square(rate, work, 2.0, 6.0) == pytest.approx(2.0 * 0.7 / 0.3**2)
    assert q.cobham([rate], [work], [2.0])[0] == pytest.approx(q.mm1_wait(rate, work))
    assert q.tandem_sojourn(rate, [work, 1.2]) == pytest.approx(1.0 / 0.3 + 1.2 / 0.16)
    assert q.tandem_sojourn_variance(rate, [work]) == pytest.approx((1.0 / 0.3) ** 2)
    assert q.shared_rep_passage(0.2, 1.0, [1.0, 1.0, 1.0], [0.0, 0.0, 4.0]) == pytest.approx(3.0 / 0.4 + 4.0)
    assert q.mm1_wait_over(0.0, rate, work) == pytest.approx(0.7)
    assert q.mm1_sojourn_over(2.0, rate, work) == pytest.approx(math.exp(-0.6))


def test_priorities_only_redistribute_waiting() -> None:
    rates, works, seconds = [0.2, 0.3, 0.1], [1.0, 1.0, 2.0], [2.0, 1.5, 9.0]
    loads = [r * w for r, w in zip(rates, works, strict=True)]
    waits = q.cobham(rates, works, seconds)
    assert waits[0] < waits[1] < waits[2]
    residual = sum(r * s for r, s in zip(rates, seconds, strict=True)) / 2.0
    conserved = sum(load * wait for load, wait in zip(loads, waits, strict=True))  # Kleinrock 1965
    assert conserved == pytest.approx(sum(loads) * residual / (1.0 - sum(loads)))


def test_queues_without_equilibrium_are_refused() -> None:
    for call in (lambda: q.mm1_wait(1.0, 1.0), lambda: q.cobham([0.6, 0.5], [1.0, 1.0], [2.0, 2.0])):
        with pytest.raises(ValueError, match="utilisation below 1"):
            call()


def test_pollaczek_khinchine_by_lindley() -> None:
    rng = np.random.default_rng(1)
    runs, dropped, counted = 4_000, 400, 400
    sigma = math.sqrt(math.log(1.0 + 0.6**2))
    gaps = rng.exponential(1.0 / 0.6, (runs, dropped + counted))
    works = rng.lognormal(-sigma * sigma / 2.0, sigma, gaps.shape)
    waits = lindley(gaps, works)[:, dropped:]
    estimate = q.from_replications(waits.sum(axis=1) / counted)
    judge_mean(estimate.mean, estimate.standard_error, q.pollaczek_khinchine(0.6, 1.0, 1.0 + 0.6**2), finds=0.03)


def test_the_transient_from_empty() -> None:
    rate, work, end = 0.8, 1.0, 60.0
    rng = np.random.default_rng(2)
    gaps = rng.exponential(1.0 / rate, (60_000, 130))
    counted = np.cumsum(gaps, axis=1) <= end
    assert not counted[:, -1].any()
    waits = lindley(gaps, rng.exponential(work, gaps.shape))
    estimate = q.from_replications((waits * counted).sum(axis=1), counted.sum(axis=1))
    exact = q.mm1_wait_from_empty(rate, work, 0.0, end)
    judge_mean(estimate.mean, estimate.standard_error, exact, finds=0.03)
    assert exact < 0.8 * q.mm1_wait(rate, work), "starting empty matters at this horizon"


def test_the_transient_ends_in_equilibrium_within_its_relaxation_time() -> None:
    rate, work = 0.7, 1.0
    late = 15.0 * q.relaxation_time(rate, work)
    assert q.mm1_wait_from_empty(rate, work, late, late + 100.0) == pytest.approx(q.mm1_wait(rate, work), rel=1e-5)


def priority_waits(rng: np.random.Generator, rates: list[float], works: list[float], n: int) -> list[tuple[int, float]]:
    """(class, wait) of n arrivals in order of arrival at one server with non-preemptive priorities, by event scan."""
    at = np.cumsum(rng.exponential(1.0 / sum(rates), n))
    kind = rng.choice(len(rates), n, p=np.array(rates) / sum(rates))
    work = rng.exponential(1.0, n) * np.array(works)[kind]
    waits = [0.0] * n
    queue: list[tuple[int, int]] = []
    free, nxt = 0.0, 0
    while nxt < n or queue:
        while nxt < n and (at[nxt] <= free or not queue):
            if not queue and at[nxt] > free:
                free = float(at[nxt])
            heapq.heappush(queue, (int(kind[nxt]), nxt))
            nxt += 1
        _, served = heapq.heappop(queue)
        waits[served] = free - float(at[served])
        free += float(work[served])
    return [(int(k), w) for k, w in zip(kind, waits, strict=True)]


def test_cobham_by_event_scan() -> None:
    rates, works = [0.2, 0.3], [1.0, 1.5]
    waits = priority_waits(np.random.default_rng(3), rates, works, 400_000)
    theory = q.cobham(rates, works, [2.0, 4.5])
    for kind, expected in enumerate(theory):
        estimate = q.batch_means([w for k, w in waits if k == kind][2_000:], 200)
        judge_mean(estimate.mean, estimate.standard_error, expected, finds=0.08)


def test_the_three_errors_of_a_mean_agree() -> None:
    rng = np.random.default_rng(4)
    gaps, works = rng.exponential(2.0, (1, 200_000)), rng.exponential(1.0, (1, 200_000))
    waits = lindley(gaps, works)[0]
    cycles, batches = q.regenerative(waits), q.batch_means(waits, 100)
    assert cycles.standard_error == pytest.approx(batches.standard_error, rel=0.4)
    assert cycles.mean == pytest.approx(batches.mean, rel=0.01)
    low, high = cycles.interval(0.9999)
    assert low < q.mm1_wait(0.5, 1.0) < high
    with pytest.raises(ValueError, match="too few regenerative cycles"):
        q.regenerative(waits[:20])


def feedback_passage(
    rng: np.random.Generator, rate: float, advance: list[float], delays: list[float], n: int
) -> list[float]:
    """Passage times of n deals, in order of entry, through stages that share one rep; exponential work of mean 1."""
    events = [(float(t), 0, deal, 0) for deal, t in enumerate(np.cumsum(rng.exponential(1.0 / rate, n)))]
    entered = [t for t, *_ in events]
    left = [0.0] * n
    queue: list[tuple[float, int, int]] = []
    busy = False
    heapq.heapify(events)
    while events:
        now, done, deal, stage = heapq.heappop(events)
        if done:
            busy = False
            leaves = now + float(rng.exponential(delays[stage]))
            if stage + 1 < len(advance) and rng.random() < advance[stage]:
                heapq.heappush(events, (leaves, 0, deal, stage + 1))
            else:
                left[deal] = leaves
        else:
            heapq.heappush(queue, (now, deal, stage))
        if not busy and queue:
            _, nxt, visit = heapq.heappop(queue)
            busy = True
            heapq.heappush(events, (now + float(rng.exponential(1.0)), 1, nxt, visit))
    return [b - a for a, b in zip(entered, left, strict=True)]


def test_one_rep_for_all_stages_is_a_product_form_network() -> None:
    rate, advance, delays = 0.35, [0.6, 0.7, 0.5], [4.0, 8.0, 2.0]
    passages = feedback_passage(np.random.default_rng(5), rate, advance, delays, 200_000)
    estimate = q.batch_means(passages[2_000:], 150)
    judge_mean(estimate.mean, estimate.standard_error, q.shared_rep_passage(rate, 1.0, advance, delays), finds=0.04)
