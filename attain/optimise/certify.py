"""What no allocation can exceed, where that can be proven; elsewhere a reference, labelled as no proof.

Proven in open plans (no work, leads routed by share, one decision: the budget; all goals jointly or one). A path's goal
sums are there a constant plus what each line brings, which only rises with its budget: simulating a few levels of all
lines encloses every allocation (`solvers.enclosure`). Ten samples that nothing else reads make a population bound. That
a plan is open is checked on each of their paths: the constant must not move, no line may bring less from more, and at
the answer each must bring what lies between its levels.

Elsewhere the reference is the share of paths that the surrogate at the answer can make attain when each path's luck is
known beforehand. It is a guess about the simulation, and often close to 1.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attain.optimise.found import Found
from attain.optimise.records import WHY_NO_BOUND
from attain.optimise.search import Paths, Work
from engine.draws import SEARCH
from engine.routing import BY_SHARE
from engine.world import World, build
from solvers.bounds import FEWEST_SAMPLES, Bound, no_certificate, population_bound
from solvers.enclosure import Rising, enclosed, even_levels, sharpened
from solvers.surrogate import surrogate

Floats = NDArray[np.float64]
SHARE = 0.5  # of the search's paths, at most, that a proof may take
FIRST_PATH = 1 << 30  # of phase 1: beyond what any search reads
FIRST_LEVELS, MORE_LEVELS = 9, 24
FEWEST, MOST = 64, 512  # paths of a sample
REFERENCE_LEVELS, MOST_FLOATS = 17, 20_000_000
USELESS = 0.9995  # a bound above that says nothing


@dataclass(frozen=True)
class Certified:
    """A bound, and the paths and seconds that it took."""

    bound: Bound
    paths: int = 0
    seconds: float = 0.0


class NotOpen(ValueError):
    """A path did what no path of an open plan does."""


def is_open(world: World) -> bool:
    """Whether nothing in the plan makes one deal wait for, or be routed by, another."""
    return not bool(np.any(world.stages.has_work)) and bool(np.all(world.routes.rule[:-1] == BY_SHARE))


def certified(paths: Paths, found: list[Found], work: Work) -> Certified:
    """The bound on the answer of the last decision; proven only where it is the only one."""
    started = time.perf_counter()
    before = sum(paths.simulated.values())
    last = found[-1]
    objective = paths.aim.objective
    joint = paths.aim.binary and objective.events[0].needed == len(objective.events[0].goals)
    if paths.aim.mean is not None:
        return Certified(no_certificate(WHY_NO_BOUND["a_mean"]))
    single = all(len(column) == 1 for column in paths.aim.columns)
    each = int(SHARE * work.paths) // (FEWEST_SAMPLES * (FIRST_LEVELS + MORE_LEVELS + 2))
    provable = joint and single and len(found) == 1 and last.decision.kind == "budget" and is_open(build(paths.loaded))
    because = WHY_NO_BOUND["not_open"]
    bound = None
    if provable and each < FEWEST:
        because = WHY_NO_BOUND["too_dear"]
    elif provable and not paths.stop():
        try:
            bound = _population(paths, last.x, min(each, MOST))
        except ValueError as unlike:  # not open after all: on these paths more brought less
            because = WHY_NO_BOUND["not_open"] if isinstance(unlike, NotOpen) else str(unlike)
        if bound is not None and bound.value is not None and bound.value > USELESS:
            because, bound = WHY_NO_BOUND["nothing_excluded"], None
    if bound is None or bound.value is None:
        bound = no_certificate(because, None if paths.stop() else _foreseen(paths, last.x, work))
    return Certified(bound, sum(paths.simulated.values()) - before, time.perf_counter() - started)


# --- the proof --------------------------------------------------------------------------------------------------------


def _population(paths: Paths, answer: Floats, each: int) -> Bound:
    def dual_bound(i: int) -> float:
        return _of_sample(paths, answer, FIRST_PATH + i * each, each)

    return population_bound(dual_bound)


def _of_sample(paths: Paths, answer: Floats, first: int, n: int) -> float:
    """The dual bound of one sample. Raises ValueError where its paths are not those of an open plan."""
    constant, at_answer = paths.parts(answer, first, n, SEARCH)

    def brings(x: Floats) -> Floats:
        other, brought = paths.parts(x, first, n, SEARCH)
        if not np.allclose(other, constant, rtol=0.0, atol=1e-9):
            raise NotOpen("what no budget brings changed with the budget: one deal waited for another")
        low, high = x <= answer, x >= answer
        if np.any(brought[:, :, low] > at_answer[:, :, low] + 1e-9) or np.any(
            brought[:, :, high] < at_answer[:, :, high] - 1e-9
        ):
            raise NotOpen("a line brought less with the other lines at other amounts: one deal waited for another")
        return brought

    levers = paths.decision.levers
    return sharpened(brings, constant, levers, first=FIRST_LEVELS, more=MORE_LEVELS).bound


# --- the reference ----------------------------------------------------------------------------------------------------


def _foreseen(paths: Paths, x: Floats, work: Work) -> float | None:
    """The share of paths that attain when each has its own best allocation, by the surrogate at x."""
    decision, levels = paths.decision, even_levels(paths.decision.levers, REFERENCE_LEVELS)
    size = levels.size * len(paths.aim.columns)
    n = int(min(work.block, MOST_FLOATS // size))
    if n < FEWEST or not paths.aim.binary or decision.kind in ("headcount", "focus"):  # which bring no deals
        return None
    case = surrogate(decision.levers, decision.response, x, paths.table(x, 0, n, SEARCH))
    gains = np.stack([decision.response(np.ascontiguousarray(levels[:, j])) for j in range(REFERENCE_LEVELS)], axis=1)
    gains = np.maximum.accumulate(gains - decision.response(x)[:, None], axis=1)
    brought = np.maximum(case.table.yields, 0.0)[:, :, :, None] * gains[None, None]
    levers = decision.levers
    return enclosed(Rising(levels, brought, case.table.margins, levers.totals, levers.group), nodes=0).root
