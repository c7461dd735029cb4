"""The script that ours is measured against simulates what it says.

Each comparison allows 4 sigma (false alarm 6e-5) and finds, with 99% power, the relative error that `finds` states.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks import peer_funnel as peer
from tests.oracles.power import judge_mean, judge_probability


@pytest.fixture(scope="module")
def closed() -> peer.Tally:
    """Leads of 125 days, followed until the last deal is closed, so that no horizon cuts anything."""
    return peer.run(11, leads_until=125.0, until=None)


def test_leads_come_at_their_rate(closed: peer.Tally) -> None:
    expected = 125.0 * peer.LEADS_PER_DAY
    judge_mean(closed.leads, math.sqrt(expected), expected, finds=0.07)


def test_deals_pass_each_stage_with_its_chance(closed: peer.Tally) -> None:
    entries = [*closed.entries, closed.won]
    assert entries[0] == closed.leads
    assert sum(closed.entries) == closed.moves
    for stage, advance in enumerate(peer.ADVANCE):
        judge_probability(entries[stage + 1], entries[stage], advance, finds=0.08)


def test_the_horizon_cuts_wins_where_the_waits_say() -> None:
    """Wins within 250 days against the same waits without queues: reps are a third busy: queues add a day at most."""
    runs = [peer.replicate(seed) for seed in range(12, 18)]
    won = sum(w for w, _ in runs) / len(runs)
    rng = np.random.default_rng(13)
    n = 400_000
    passage = sum(
        rng.exponential(w, n) + rng.lognormal(math.log(m), peer.SIGMA, n)
        for w, m in zip(peer.WORK, peer.WAIT, strict=True)
    )
    leads, wins = peer.DAYS * peer.LEADS_PER_DAY, math.prod(peer.ADVANCE)

    def expected(delay: float) -> float:
        return leads * wins * float(np.clip(peer.DAYS - passage - delay, 0.0, None).mean()) / peer.DAYS

    bounds = expected(1.0), expected(0.0)
    judge_mean(won, math.sqrt(bounds[0] / len(runs)), bounds, finds=0.08)
    for _, moves in runs:
        assert 1.8 * leads < moves < 2.106 * leads * 1.03


def test_a_seed_repeats_and_another_differs() -> None:
    a, b, c = (peer.run(seed, leads_until=5.0, until=40.0) for seed in (0, 0, 1))
    assert a == b
    assert a != c
