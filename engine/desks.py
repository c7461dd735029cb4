"""Where deals wait for a rep: the desks of a plan, how fast each is, and the lines at a desk that shares its hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.arithmetic import added
from engine.calendar import WorkCalendar
from engine.plan.focusing import Part, parts_of
from engine.plan.people import LENT, Rep
from engine.staffing import Staffing
from engine.territory import Territories

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Desks:
    """Queues for reps' hours: one a rep, or one a product that the rep keeps hours for.

    A desk has one line, or one for each part of its rep's focus where idle hours are lent.
    """

    rep: Ints  # [desks]
    speed: Floats  # [desks] hours of work done in a working hour, at full speed
    by_month: Floats  # [desks, months] the same as the rep gets up to speed
    of: Ints  # [reps, products] -> desk
    first_line: Ints  # [desks + 1] of all lines, desk by desk
    weights: Floats  # [lines]; a rep's sum to 1
    line_of: Ints  # [reps, products, regions] -> line of the desk, from 0

    @property
    def shared(self) -> bool:
        """Whether any desk has several lines."""
        return len(self.weights) > len(self.rep)


def part_at(parts: Sequence[Part], territory: Territories, products: Sequence[str]) -> Ints:
    """[products, regions]: which part of a focus a deal is of, that of the innermost region named; -1 where of none."""
    index = {name: i for i, name in enumerate(territory.names)}
    found = np.full((len(products), len(territory.names)), -1, dtype=np.int64)
    depth = territory.inside.sum(axis=0)  # how many regions each lies in
    named = sorted({region for region, _ in parts if region}, key=lambda name: (depth[index[name]], name))
    for region in ["", *named]:
        here = np.ones(len(territory.names), dtype=np.bool_) if not region else territory.inside[index[region]]
        if region:
            found[:, here] = -1
        for i, (where, product) in enumerate(parts):
            if where == region:
                rows = np.array([not product or name == product for name in products])
                found[np.ix_(rows, here)] = i
    return found


def desks_of(
    reps: Sequence[Rep], products: Sequence[str], territory: Territories, cal: WorkCalendar, staffing: Staffing
) -> Desks:
    """The desks of the reps, who come in the order of their names."""
    rep_of: list[int] = []
    speeds: list[float] = []
    lines: list[Floats] = []
    of = np.zeros((len(reps), len(products)), dtype=np.int64)
    line_of = np.zeros((len(reps), len(products), len(territory.names)), dtype=np.int64)
    for r, rep in enumerate(reps):
        prospecting = rep.prospecting.hours_per_week if rep.prospecting else 0.0
        speed = (rep.hours_per_week - prospecting) / cal.week_hours
        parts = parts_of(rep.focus, products)
        total = added(parts.values())
        kept = [part for part in parts if rep.idle_hours != LENT and total > 0.0]
        desk_of = {product: len(rep_of) + i for i, (_, product) in enumerate(kept)}
        first = len(rep_of)  # what no hours are kept for waits at the first desk
        of[r] = [desk_of.get(product, first) for product in products]
        rep_of += [r] * max(1, len(kept))
        speeds += [speed * parts[part] / total for part in kept] or [speed]
        weights = np.ones(1)
        if parts and not kept and total > 0.0:
            weights, line_of[r] = _lines(parts, total, part_at(list(parts), territory, products))
        lines += [weights] * max(1, len(kept))
    by_month = np.array(speeds)[:, None] * staffing.pace[rep_of]
    first_line = np.cumsum([0, *(len(weights) for weights in lines)])
    return Desks(np.array(rep_of), np.array(speeds), by_month, of, first_line, np.concatenate(lines), line_of)


def _lines(parts: Mapping[Part, float], total: float, part: Ints) -> tuple[Floats, Ints]:
    """The weights of a desk's lines, and each deal's line; what no part names has a last one, of no weight."""
    weights = [weight / total for weight in parts.values()]
    if (part < 0).any():
        weights.append(0.0)
    return np.array(weights), np.where(part < 0, len(parts), part)
