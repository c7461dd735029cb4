"""Where reps' hours do most, by simulating: what a share brings cannot be read off paths, for hours are lent.

1. A lattice of shares by kind of deal, common to all reps, is simulated on the same paths: from one kind before all
   others to even ones, and what the deals ask for; and each rep's hours first where an hour brings most in the plan.
2. The best few are climbed from with one variable for each kind, by slopes that are measured.
3. Then every rep's shares, each slope measured, where they are few. Where they are many, rounds of climbing among the
   answer and points around it in random directions (stochastic subspace descent: Kozak, Becker, Doostan, Tenorio 2021):
   each round moves all reps at once along a few directions, and what it finds is what many reps have in common.
4. The plan, the starts and the answers on the grid are judged on paths of phase 2, as any finalists.

The plan's own point is judged and never climbed from: without a focus deals are served in another order, and no small
change of a share leads there.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from attain.optimise.decisions import WITHIN
from attain.optimise.focus import DECIMALS, Focus, Place, between, by_kind, kinds_at
from attain.optimise.found import (
    FAR,
    FEW_LEVERS,
    SHORT,
    WIDTHS,
    Found,
    SearchState,
    ascend,
    came_to,
    chosen,
    different,
    marginal_of,
    race,
)
from attain.optimise.search import SMALLEST_BLOCK, Paths, Work
from solvers.levers import round_to_step

Floats = NDArray[np.float64]
LATTICE = 24  # points at most
PROPORTION, ALIKE = "in proportion", "all alike"
STARTS = 2  # of them that are climbed from
FINER = 4  # times fewer paths than a search that reads slopes off them
KINDS_SHARE = 0.5  # of the work, where more is to follow
ROUNDS, DIRECTIONS = 3, 2  # of random directions: rounds, and directions of one, each there and back
REACH = 0.25  # of a rep's hours, that a direction moves at most
SEED = 2021  # of the directions: they are a part of the method, and the same in every search


def share_hours(paths: Paths, work: Work) -> Found:
    """Search the shares of a `Focus` decision within the work limit."""
    started = time.perf_counter()
    decision = paths.decision
    assert isinstance(decision, Focus), "called for shares of hours only"
    state, own = SearchState(paths, work, decision.levers), decision.levers.reference
    stands = decision.violation(own) <= WITHIN
    answers = _answers(state, decision)
    points = ({"plan": own} if stands else {}) | {name: _on_grid(decision, x) for name, x in answers.items()}
    searched = time.perf_counter() - started
    finalists, selected = chosen(state, different(points))
    best = finalists[selected.best]
    in_selection = time.perf_counter() - started - searched
    few = len(own) <= FEW_LEVERS and best.name != "plan"
    marginal = marginal_of(state, best.x) if few and not state.stopped() else None
    return came_to(state, (own, own, stands), (finalists, selected), started, in_selection, marginal)


def _on_grid(decision: Focus, x: Floats) -> Floats:
    return np.round(round_to_step(decision.levers, decision.moved(x)), DECIMALS) + 0.0


# --- starts -----------------------------------------------------------------------------------------------------------


def lattice(kinds: int, most: int = LATTICE) -> list[Floats]:
    """Shares [kinds] that sum to 1 in equal steps, as fine as `most` points allow; each kind alone at least."""
    steps = 1
    while math.comb(steps + kinds, kinds - 1) <= most:
        steps += 1
    places = itertools.combinations(range(steps + kinds - 1), kinds - 1)
    return [np.diff([-1, *bars, steps + kinds - 1]).astype(np.float64) / steps - 1.0 / steps for bars in places]


@dataclass(frozen=True)
class Starts:
    """Points from the best down, as shares; and as variables by kind those that have such."""

    x: dict[str, Floats]
    y: dict[str, Floats]

    def first(self, names: Collection[str]) -> list[str]:
        """The best few of some of them."""
        return [name for name in self.x if name in names][:STARTS]


def _starts(state: SearchState, decision: Focus) -> Starts:
    """The plan's proportions, a lattice of shares by kind, and what brings most an hour first, on the same paths."""
    kinds, place = by_kind(decision)
    y = {PROPORTION: kinds.levers.reference}
    if 1 < len(decision.kinds) <= FEW_LEVERS:
        y |= {_named(decision, s): kinds_at(decision, s) for s in lattice(len(decision.kinds))}
    x = {name: _on_grid(decision, place(one)) for name, one in y.items()}
    x |= {name: _on_grid(decision, one) for name, one in decision.ahead.items()}
    n = state.block if state.left > 4 * len(x) * state.block else max(1, state.block // 4)
    seen = race(state, list(x.values()), n)
    state.starts, state.start_paths = dict(zip(x, seen.attained.tolist(), strict=True)), n
    names = [list(x)[i] for i in np.argsort(-seen.values, kind="stable").tolist()]
    return Starts({name: x[name] for name in names}, y)


def _named(decision: Focus, shares: Floats) -> str:
    """`ERP 60%, CRM 40%`."""
    named = zip(decision.kinds, shares.tolist(), strict=True)
    return ", ".join(f"{' / '.join(word for word in kind if word)} {share:.0%}" for kind, share in named if share)


# --- the climbs -------------------------------------------------------------------------------------------------------


def _answers(state: SearchState, decision: Focus) -> dict[str, Floats]:
    """The plan's proportions, the best start, and what each climb comes to, the last one last."""
    starts = _starts(state, decision)
    found = {name: starts.x[name] for name in (PROPORTION, *starts.first(starts.x)[:1])}
    if len(decision.reps) > 1 and len(starts.y) > 1:
        kinds, place = by_kind(decision)
        x = _climbed(state, kinds, place, {name: starts.y[name] for name in starts.first(starts.y)}, KINDS_SHARE, SHORT)
        found |= {} if x is None else {ALIKE: x}
    ahead = {ALIKE: found[ALIKE]} if ALIKE in found else {}
    ahead |= {
        name: starts.x[name] for name in starts.first(decision.ahead if ahead else starts.x)[: STARTS - len(ahead)]
    }
    if starts.first(starts.x)[0] in decision.ahead:  # what sets reps apart does more than what they have in common
        ahead = dict(reversed(ahead.items()))
    if len(decision.cells) <= FEW_LEVERS:
        x = _climbed(state, decision, np.asarray, ahead, 1.0, SHORT)
        return found if x is None else found | {"measured": x}
    rng = np.random.Generator(np.random.Philox(SEED))
    for turn in range(ROUNDS):
        mixed, within = between(decision, _around(decision, list(ahead.values()), rng))
        corners = {name: np.eye(len(mixed.cells))[i] for i, name in enumerate(ahead)}
        x = _climbed(state, mixed, within, corners, 1.0 / (ROUNDS - turn), FAR)
        if x is None:
            continue  # with what is left in the next one
        found["directions"] = decision.moved(x)
        ahead = {"answer": found["directions"]}
    return found


def _around(decision: Focus, ahead: list[Floats], rng: np.random.Generator) -> Floats:
    """[points, variables]: those at hand, and points around the first in random directions, there and back."""
    points, group, here = list(ahead), decision.levers.group, ahead[0]
    counts = np.bincount(group)
    for _ in range(DIRECTIONS):
        step = rng.normal(size=len(here))
        step -= (np.bincount(group, weights=step) / counts)[group]
        step *= REACH / np.maximum(1e-12, np.max(np.abs(step)))
        points += [decision.moved(here + step), decision.moved(here - step)]
    return np.array(points)


def _climbed(
    state: SearchState, decision: Focus, place: Place, starts: dict[str, Floats], share: float, radius: float
) -> Floats | None:
    """A climb over the variables of `decision`, by slopes that are measured, on a share of the work that is left."""
    paths = replace(state.paths, decision=decision)  # counts with the others
    # A look takes a simulation for each variable: more looks, at fewer paths each.
    inner = SearchState(paths, replace(state.work, block=max(SMALLEST_BLOCK, state.block // FINER)), decision.levers)
    inner.next_path = state.next_path
    found = ascend(inner, starts, share=share, widths=WIDTHS[1:], radius=radius, measured=True)
    state.next_path, state.steps = inner.next_path, state.steps + inner.steps
    if found is None:
        return None
    state.ended = found.termination
    return place(found.x)
