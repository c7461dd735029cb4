"""What sample paths say about allocations near the one they were simulated at: margins, linear in the responses.

A simulation at allocation `at` gives, path by path, how far each goal was from its target and what a unit of each
variable's response was worth (`PathTable`). The surrogate moves the margins along those worths; it is what the linear
programmes of `solvers.budget` and the search of `solvers.refine` see. It is exact where worths do not depend on the
allocation (an open plan whose leads scale), a guess elsewhere: answers are simulated again before they are reported.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from solvers.arrays import BoolArray, FloatArray, IntArray, path_mean, path_sum
from solvers.levers import Levers
from solvers.responses import Response


@dataclass(frozen=True)
class PathTable:
    """S sample paths of one allocation.

    `margins` (S, G): for each goal, attained where >= 0; in a unit that makes goals comparable, as attainment - 1.
    `yields` (S, G, V): by how much one more unit of variable v's response would have moved each margin on that path.
    A variable that yields nothing on any path is never given more, so one whose response is (near) 0 here needs yields
    from elsewhere, say the mean of its like. Curved responses need yields >= 0; negative ones are taken at the curve's
    mean slope.
    """

    margins: FloatArray
    yields: FloatArray

    def __post_init__(self) -> None:
        s, g = self.margins.shape
        if self.yields.ndim != 3 or self.yields.shape[:2] != (s, g) or s == 0 or g == 0:
            raise ValueError(
                f"sample paths: margins are {self.margins.shape} (paths, goals) and yields {self.yields.shape}; "
                "yields must be (paths, goals, variables), with at least one path and one goal"
            )
        if not (np.all(np.isfinite(self.margins)) and np.all(np.isfinite(self.yields))):
            raise ValueError("sample paths hold a margin or a yield that is not a finite number")

    @property
    def paths(self) -> int:
        """The number of sample paths."""
        return self.margins.shape[0]

    def only(self, paths: IntArray) -> PathTable:
        """The table of some of the paths."""
        return PathTable(self.margins[paths], self.yields[paths])

    def blended(self, share: float) -> PathTable:
        """Yields that are `share` the path's own and the rest the mean over paths.

        Scaling a path's own yield doubles the risk that is particular to a lead (the variance of a sum of Poisson
        many grows with their number, not its square): the mean of both has the right slope for it, the path's own
        for shocks.
        """
        return PathTable(self.margins, share * self.yields + (1.0 - share) * path_mean(self.yields)[None])


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


def attained(margins: FloatArray) -> BoolArray:
    """Which paths attain every goal: (S, G) -> (S,)."""
    return np.all(margins >= 0.0, axis=1)


def score(margins: FloatArray) -> tuple[float, float]:
    """How good an allocation is on its paths: how many attain every goal, then minus the mean shortfall of the worst.

    The second counts only between allocations that attain equally often, so that a search has a slope to go by where
    no path attains.
    """
    worst = np.min(margins, axis=1)
    return float(np.count_nonzero(worst >= 0.0)), -float(path_mean(np.maximum(0.0, -worst)[:, None])[0])


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

    def near(self, radius: float) -> Surrogate:
        """The same within a trust region: each variable moves by at most `radius` of its natural size."""
        reach = radius * np.maximum(self.levers.scale(), np.abs(self.at))
        return replace(
            self,
            lower=np.maximum(self.levers.lower, self.at - reach),
            upper=np.minimum(self.levers.upper, self.at + reach),
        )

    def smoothed(self, x: FloatArray, bandwidth: float) -> tuple[float, FloatArray]:
        """The smoothed probability, the mean of a sigmoid of the worst margin, and its slope in the responses (V,)."""
        margins = self.margins(x)
        goal = np.argmin(margins, axis=1)
        paths = np.arange(len(goal))
        z = np.clip(margins[paths, goal] / bandwidth, -500.0, 500.0)
        value = 1.0 / (1.0 + np.exp(-z))
        weight = value * (1.0 - value) / bandwidth
        slope = path_sum(weight[:, None] * self.table.yields[paths, goal]) / len(goal)
        return float(path_mean(value[:, None])[0]), slope


def surrogate(levers: Levers, response: Response, at: FloatArray, table: PathTable) -> Surrogate:
    """The surrogate within the levers' own limits. Raises ValueError where the arrays do not belong together."""
    v = len(levers.reference)
    if table.yields.shape[2] != v or at.shape != (v,):
        raise ValueError(
            f"{v} variables, but the allocation has {at.shape} and the sample paths yields for {table.yields.shape[2]}"
        )
    return Surrogate(levers, response, at, table, levers.lower, levers.upper)
