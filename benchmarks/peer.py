"""The peer funnel by ours and by the plain script: do they simulate the same, and what does each take?

`compare` runs both turn by turn in one process (theirs, ours, theirs, ours ...), each turn on another seed. Before any
speed is of interest, `Comparison.disagreements` holds the results against each other within sampling error.
"""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import peer_funnel
from engine.batch import Simulator
from engine.outcomes import LEADS, WON
from engine.plan.load import load_plan
from engine.world import build

PLAN = Path(__file__).with_name("peer_funnel.yaml")
SIGMAS = 4.0  # a false alarm in 6e-5 of runs, for each of the three counts
WITHIN = 1.5  # what the ratio must stay within
COUNTS = ("leads", "deals won", "moves")


def variances() -> tuple[float, float, float]:
    """An upper bound for the variances of `COUNTS` in a replication.

    Leads are Poisson, and so are the deals won, one lead in many. Moves are a compound Poisson sum: the leads' number
    times the second moment of a lead's visits. The horizon cuts visits short, which makes that an upper bound; what
    queues add to it is beyond what four sigma would notice.
    """
    leads = peer_funnel.LEADS_PER_DAY * peer_funnel.DAYS
    reach, second = 1.0, 0.0
    for stage, advance in enumerate(peer_funnel.ADVANCE):
        second += (2.0 * stage + 1.0) * reach  # E[V^2] is the sum over k of (2k - 1) P(V >= k)
        reach *= advance
    return leads, leads * reach, leads * second


@dataclass(frozen=True)
class Comparison:
    """Both programs, turn by turn: processor seconds, and `COUNTS` of each turn."""

    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    our_counts: tuple[tuple[float, ...], ...]
    their_counts: tuple[tuple[float, ...], ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """Our time over theirs, by turn."""
        return tuple(a / b for a, b in zip(self.ours, self.theirs, strict=True))

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return statistics.median(self.ratios)

    def mean(self, ours: bool) -> dict[str, float]:
        """The mean of each count."""
        counts = self.our_counts if ours else self.their_counts
        return {name: statistics.fmean(column) for name, column in zip(COUNTS, zip(*counts, strict=True), strict=True)}

    def z(self) -> dict[str, float]:
        """By how many standard errors the two programs' means differ."""
        turns = len(self.our_counts)
        ours, theirs = self.mean(ours=True), self.mean(ours=False)
        spread = zip(COUNTS, variances(), strict=True)
        return {name: (ours[name] - theirs[name]) / math.sqrt(2.0 * variance / turns) for name, variance in spread}

    def disagreements(self) -> list[str]:
        """What the two programs do not agree on, in sentences; empty where they simulate the same."""
        ours, theirs = self.mean(ours=True), self.mean(ours=False)
        return [
            f"{name}: ours {ours[name]:,.1f}, the script's {theirs[name]:,.1f}, {z:+.1f} standard errors apart"
            for name, z in self.z().items()
            if not abs(z) <= SIGMAS
        ]


def ours_once(simulator: Simulator, replication: int) -> tuple[float, float, float]:
    """`COUNTS` of one of our replications, with everything that `attain simulate` does for it."""
    batch = simulator(replication, 1)
    return float(batch.reps[0, :, LEADS].sum()), float(batch.reps[0, :, WON].sum()), float(batch.moves[0])


def theirs_once(seed: int) -> tuple[float, float, float]:
    """`COUNTS` of one replication of the script."""
    tally = peer_funnel.run(seed)
    return float(tally.leads), float(tally.won), float(tally.moves)


def compare(turns: int, engine: str = "simpy", first: int = 1) -> Comparison:
    """Run both, one after the other, `turns` times, after one unmeasured run of each."""
    simulator = Simulator(build(load_plan(PLAN)), seed=1, engine=engine)
    theirs_once(0)
    ours_once(simulator, 0)
    ours, theirs, our_counts, their_counts = [], [], [], []
    for turn in range(first, first + turns):
        start = time.process_time()
        their_counts.append(theirs_once(turn))
        middle = time.process_time()
        our_counts.append(ours_once(simulator, turn))
        end = time.process_time()
        theirs.append(middle - start)
        ours.append(end - middle)
    return Comparison(tuple(ours), tuple(theirs), tuple(our_counts), tuple(their_counts))
