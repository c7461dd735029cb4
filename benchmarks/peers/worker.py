"""One program of the peer funnel, waiting to be asked: the Python ones of `programs`, ours included.

    echo "1 250" | python -m benchmarks.peers.worker salabim

Reads lines "seed days" and answers each with "leads won moves seconds": processor seconds of that replication, without
what comes before it (imports, our plan read and made ready).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import cache, partial

from benchmarks import peer_funnel
from benchmarks.peers import PLAN

Counts = tuple[int, int, int]  # leads, deals won, moves
Replicate = Callable[[int], Counts]  # of a seed


def _counts(run: Callable[[int, float], peer_funnel.Tally], days: int, seed: int) -> Counts:
    tally = run(seed, days)
    return tally.leads, tally.won, tally.moves


def _script(seed: int, days: float) -> peer_funnel.Tally:
    return peer_funnel.run(seed, leads_until=days, until=days)


def ours(engine: str, days: int) -> Replicate:
    """Our engine, with everything that `attain simulate` does for a replication; made ready by one, unmeasured."""
    from engine.batch import Simulator
    from engine.outcomes import LEADS, WON
    from engine.plan.load import load_plan
    from engine.world import build

    simulator = Simulator(build(load_plan(PLAN, sets=[f"calendar.days={days}"])), seed=1, engine=engine)
    simulator(0, 1)

    def replicate(seed: int) -> Counts:
        batch = simulator(seed, 1)
        return int(batch.reps[0, :, LEADS].sum()), int(batch.reps[0, :, WON].sum()), int(batch.moves[0])

    return replicate


def program(name: str) -> Callable[[int], Replicate]:
    """What replicates a number of days, by the program's name: an engine of ours, script, salabim or ciw."""
    if name == "script":
        return lambda days: partial(_counts, _script, days)
    if name == "salabim":
        from benchmarks.peers import salabim_funnel

        return lambda days: partial(_counts, salabim_funnel.run, days)
    if name == "ciw":
        from benchmarks.peers import ciw_funnel

        return lambda days: partial(_counts, ciw_funnel.run, days)
    return partial(ours, name)


def main() -> None:
    """Answer until nobody asks any more."""
    prepared = cache(program(sys.argv[1]))
    for line in sys.stdin:
        seed, days = line.split()
        replicate = prepared(int(days))
        before = time.process_time()
        counts = replicate(int(seed))
        seconds = time.process_time() - before
        print(*counts, f"{seconds:.9f}", flush=True)


if __name__ == "__main__":
    main()
