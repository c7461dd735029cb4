"""The peer funnel as a Ciw user would write it: a node for each rep, and one with infinitely many servers for the wait.

A rep's one server serves all stages, so a deal comes back to its rep's node from the wait, and carries its stage as an
attribute; work, wait and routing read it. The four priorities are classes of customers.
"""

from __future__ import annotations

import math
import random
from typing import Any

import ciw

from benchmarks.peer_funnel import ADVANCE, LEADS_PER_DAY, PRIORITIES, REPS, SIGMA, WAIT, WORK, Tally

CLASSES = [f"Priority {p}" for p in range(PRIORITIES)]
WAITING = REPS + 1  # the node after the reps'


class Deal(ciw.Individual):  # type: ignore[misc]
    stage = 0


class Work(ciw.dists.Distribution):  # type: ignore[misc]
    def sample(self, t: float | None = None, ind: Any = None) -> float:
        return random.expovariate(1.0 / WORK[ind.stage])


class Wait(ciw.dists.Distribution):  # type: ignore[misc]
    def sample(self, t: float | None = None, ind: Any = None) -> float:
        return random.lognormvariate(math.log(WAIT[ind.stage]), SIGMA)


class AdvanceOrLose(ciw.routing.NodeRouting):  # type: ignore[misc]
    """After the wait: back to the rep for the next stage, or out."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally

    def next_node(self, ind: Any) -> Any:
        self.tally.moves += 1
        out = self.simulation.nodes[-1]
        if random.random() >= ADVANCE[ind.stage]:
            return out
        ind.stage += 1
        if ind.stage < len(ADVANCE):
            return self.simulation.nodes[ind.starting_node]
        self.tally.won += 1
        return out


def run(seed: int, days: float) -> Tally:
    """One replication."""
    ciw.seed(seed)
    tally = Tally()
    routing = ciw.routing.NetworkRouting([ciw.routing.Direct(to=WAITING)] * REPS + [AdvanceOrLose(tally)])
    leads = ciw.dists.Exponential(rate=LEADS_PER_DAY / REPS / PRIORITIES)
    network = ciw.create_network(
        arrival_distributions={name: [leads] * REPS + [None] for name in CLASSES},
        service_distributions={name: [Work()] * REPS + [Wait()] for name in CLASSES},
        number_of_servers=[1] * REPS + [float("inf")],
        priority_classes={name: priority for priority, name in enumerate(CLASSES)},
        routing=dict.fromkeys(CLASSES, routing),
    )
    simulation = ciw.Simulation(network, individual_class=Deal)
    simulation.simulate_until_max_time(days)
    tally.leads = simulation.nodes[0].number_of_individuals
    return tally
