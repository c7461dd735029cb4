"""The peer funnel: the script that a SimPy user would write for a sales team, to measure the project's engines against.

50 reps with one server each and four priorities; Poisson leads at 80 a day for 250 days, each sent to a rep at random;
five stages, in each of which the deal queues for its rep's work, waits for the customer, and advances or is lost.
Plain SimPy and the standard library's random numbers, written to be read, with nothing tuned for or against it.

    python -m benchmarks.peer_funnel [replications]
"""

from __future__ import annotations

import math
import random
import statistics
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import simpy

REPS = 50
PRIORITIES = 4
LEADS_PER_DAY = 80.0
DAYS = 250.0
WORK = (0.05, 0.1, 0.15, 0.2, 0.3)  # mean of exponential work, days
WAIT = (3.0, 7.0, 10.0, 10.0, 12.0)  # median of lognormal waits, days
SIGMA = 0.6
ADVANCE = (0.5, 0.6, 0.6, 0.7, 0.8)


@dataclass
class Tally:
    """What one replication counts. A move is a stage visit that ended: the deal advanced or was lost."""

    leads: int = 0
    won: int = 0
    moves: int = 0
    entries: list[int] = field(default_factory=lambda: [0] * len(ADVANCE))


def deal(
    env: simpy.Environment, rep: simpy.PriorityResource, priority: int, rng: random.Random, tally: Tally
) -> Generator[simpy.Event, Any, None]:
    for stage, advance in enumerate(ADVANCE):
        tally.entries[stage] += 1
        with rep.request(priority=priority) as turn:
            yield turn
            yield env.timeout(rng.expovariate(1.0 / WORK[stage]))
        yield env.timeout(rng.lognormvariate(math.log(WAIT[stage]), SIGMA))
        tally.moves += 1
        if rng.random() >= advance:
            return
    tally.won += 1


def leads(
    env: simpy.Environment, reps: list[simpy.PriorityResource], until: float, rng: random.Random, tally: Tally
) -> Generator[simpy.Event, Any, None]:
    while True:
        yield env.timeout(rng.expovariate(LEADS_PER_DAY))
        if env.now > until:
            return
        tally.leads += 1
        env.process(deal(env, rng.choice(reps), rng.randrange(PRIORITIES), rng, tally))


def run(seed: int, *, leads_until: float = DAYS, until: float | None = DAYS) -> Tally:
    """One replication: leads come until `leads_until`; it ends at `until`, or when the last deal is closed (None)."""
    rng = random.Random(seed)
    env = simpy.Environment()
    tally = Tally()
    reps = [simpy.PriorityResource(env, capacity=1) for _ in range(REPS)]
    env.process(leads(env, reps, leads_until, rng, tally))
    env.run(until=until)
    return tally


def replicate(seed: int) -> tuple[int, int]:
    """Deals won and moves made in one replication of the full horizon."""
    tally = run(seed)
    return tally.won, tally.moves


def timed(replications: int, first: int = 0) -> tuple[list[float], int]:
    """Seconds of each replication, and the moves of all of them."""
    seconds, moves = [], 0
    for seed in range(first, first + replications):
        start = time.perf_counter()
        moves += replicate(seed)[1]
        seconds.append(time.perf_counter() - start)
    return seconds, moves


def main() -> None:
    replications = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    seconds, moves = timed(replications)
    print(
        f"peer funnel, plain SimPy: {statistics.median(seconds):.3f} s per replication (median of {replications}, "
        f"best {min(seconds):.3f}), {moves / replications:,.0f} moves each, {moves / sum(seconds):,.0f} moves a second"
    )


if __name__ == "__main__":
    main()
