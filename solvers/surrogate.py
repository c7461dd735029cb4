"""What sample paths say about allocations near the one they were simulated at: margins, linear in the responses.

A simulation at allocation `at` gives, path by path, how far each goal was from its target and what a unit of each
variable's response was worth (`PathTable`). The surrogate moves the margins along those worths; it is what the linear
programmes of `solvers.budget` see. It is exact where worths do not depend on the allocation (an open plan whose leads
scale), a guess elsewhere: answers are simulated again before they are reported.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solvers.arrays import FloatArray, IntArray, path_mean
from solvers.levers import Levers
from solvers.objective import attained
from solvers.paths import PathTable
from solvers.responses import Response


def unit_yields(
    brought: FloatArray, response: FloatArray, like: IntArray, *, strength: float | FloatArray = 0.0
) -> FloatArray:
    """Yields per unit of response from what each variable brought to each margin on each path: (S, G, V) -> (S, G, V).

    `response` (V,) is what brought it; `like` (V,) numbers groups of variables that are worth alike (say, one region
    and product). Each variable's own ratio is shrunk toward its group's mean ratio as if `strength` (>= 0) more units
    had brought just that; a variable without response has its group's mean, or the mean of all where its group has
    none.
    """
    totals = path_mean(brought)
    groups = int(like.max(initial=-1)) + 1
    units = np.bincount(like, weights=response, minlength=groups)
    overall = np.sum(totals, axis=1) / max(float(np.sum(response)), 1e-300)
    mean = np.stack(
        [
            np.where(
                units > 0, np.bincount(like, weights=row, minlength=groups) / np.where(units > 0, units, 1.0), all_
            )
            for row, all_ in zip(totals, overall, strict=True)
        ]
    )[:, like]
    extra = np.where(response > 0, strength, np.maximum(strength, 1.0))
    return (brought + extra * mean[None]) / (response + extra)


def further_yields(own: FloatArray, shocks: FloatArray, *, share: float = 0.5) -> FloatArray:
    """What one unit more would bring to each margin, from what the units of a path brought: (S, G, V) -> (S, G, V).

    A path's own yield is part shock (S, K), which a further lead would share, and part the luck of the leads that
    came, which it would not. Where leads are Poisson, the slope of E[f(margin)] in their number is E[f(m + y) - f(m)],
    y being one more lead's worth: E[f' y + f'' y^2 / 2 + ...]. Own yields give E[f'(m + y) y] in its place (Mecke's
    equation; Last & Penrose 2017, Lectures on the Poisson Process, theorem 4.1): the luck counts twice. So what a
    regression on the shocks explains is kept whole, and of the rest `share`.
    """
    s, g, v = own.shape
    mean = np.add.reduce(own, axis=0) / s
    spread = np.std(shocks, axis=0)
    known = np.flatnonzero(spread > 1e-12)
    if len(known) == 0 or s < 8 * len(known):
        return share * own + (1.0 - share) * mean[None]
    z = (shocks[:, known] - np.add.reduce(shocks[:, known], axis=0) / s) / spread[known]
    flat = (own - mean[None]).reshape(s, g * v)
    gram = np.einsum("sk,sl->kl", z, z) + 1e-9 * s * np.eye(len(known))  # shocks may be one and the same
    slopes = np.linalg.solve(gram, np.einsum("sk,sc->kc", z, flat))
    explained = mean[None] + np.einsum("sk,kc->sc", z, slopes).reshape(s, g, v)
    return share * own + (1.0 - share) * explained


@dataclass(frozen=True)
class Surrogate:
    """Levers, responses, and the sample paths at one allocation `at` (V,), inside the box `lower` to `upper`."""

    levers: Levers
    response: Response
    at: FloatArray
    table: PathTable
    lower: FloatArray
    upper: FloatArray

    def margins(self, x: FloatArray) -> FloatArray:
        """The margins (S, G) that the surrogate expects at x."""
        change = self.response(x) - self.response(self.at)
        return self.table.margins + np.einsum("sgv,v->sg", self.table.yields, change)

    def probability(self, x: FloatArray) -> float:
        """The share of paths that the surrogate expects to attain every goal at x."""
        return float(np.mean(attained(self.margins(x))))


def surrogate(levers: Levers, response: Response, at: FloatArray, table: PathTable) -> Surrogate:
    """The surrogate within the levers' own limits. Raises ValueError where the arrays do not belong together."""
    v = len(levers.reference)
    if table.yields.shape[2] != v or at.shape != (v,):
        raise ValueError(
            f"{v} variables, but the allocation has {at.shape} and the sample paths yields for {table.yields.shape[2]}"
        )
    return Surrogate(levers, response, at, table, levers.lower, levers.upper)
