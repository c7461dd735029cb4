"""What people use: rules and general optimisers for a split, to measure ours against.

Each takes levers (limits, totals, last year's split) and returns a split inside them; those that go by the mean take
`mean(x)`, the expected bookings (or margin) of a split, and know nothing of its odds. `BASELINES` names them all.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.optimize import LinearConstraint, approx_fprime, minimize

from solvers.levers import Levers, project, proportional

FloatArray = npt.NDArray[np.float64]
Mean = Callable[[FloatArray], float]
Slope = Callable[[FloatArray], FloatArray]

GREEDY_STEPS = 200  # increments that a group's free money is given in
SLSQP_ITERATIONS = 200


def last_year(levers: Levers) -> FloatArray:
    """In proportion to last year, moved only where a limit is in the way."""
    return proportional(levers)


def equal_split(levers: Levers) -> FloatArray:
    """The same for every cell of a group, moved only where a limit is in the way."""
    counts = np.bincount(levers.group, minlength=len(levers.totals))
    return project(levers, (levers.totals / np.maximum(1, counts))[levers.group])


def greedy(levers: Levers, mean: Mean, slope: Slope | None = None, *, steps: int = GREEDY_STEPS) -> FloatArray:
    """Marginal returns, as media planners' tools do: from the floors up, each increment to where it brings most.

    Each group's free money is given in `steps` increments (a cell's last one may be smaller). `slope(x)` (V,) are
    marginal returns; without it they are measured by raising each cell by one increment.
    """
    x = levers.lower.copy()
    for g in range(len(levers.totals)):
        members = levers.members(g)
        left = float(levers.totals[g] - np.sum(x[members]))
        size = left / steps
        while left > 1e-9 * max(1.0, abs(float(levers.totals[g]))):
            room = np.minimum(levers.upper[members] - x[members], min(size, left))
            gains = slope(x)[members] if slope is not None else _measured(mean, x, members, room)
            gains = np.where(room > 1e-12 * max(1.0, abs(float(levers.totals[g]))), gains, -np.inf)
            best = int(np.argmax(gains))
            x[members[best]] += room[best]
            left -= float(room[best])
    return project(levers, x)


def _measured(mean: Mean, x: FloatArray, members: npt.NDArray[np.int64], room: FloatArray) -> FloatArray:
    here = mean(x)
    gains = np.zeros(len(members))
    for i, (v, step) in enumerate(zip(members.tolist(), room.tolist(), strict=True)):
        if step > 0:
            raised = x.copy()
            raised[v] += step
            gains[i] = (mean(raised) - here) / step
    return gains


def slsqp(levers: Levers, mean: Mean, slope: Slope | None = None, *, iterations: int = SLSQP_ITERATIONS) -> FloatArray:
    """The best mean by SciPy's SLSQP (Kraft 1988) from last year's proportions, in units of each cell's own size."""
    scale = np.maximum(1e-12, levers.scale())
    start = proportional(levers)
    size = abs(mean(start)) or 1.0
    sums = (levers.group[None, :] == np.arange(len(levers.totals))[:, None]).astype(np.float64)
    big = np.maximum(1e-12, np.abs(levers.totals))

    def cost(u: FloatArray) -> float:
        return -mean(u * scale) / size

    def gradient(u: FloatArray) -> FloatArray:
        if slope is None:
            return np.asarray(approx_fprime(u, cost, 1e-6), dtype=np.float64)
        return -slope(u * scale) * scale / size

    found = minimize(
        cost,
        start / scale,
        jac=gradient,
        method="SLSQP",
        bounds=list(zip(levers.lower / scale, levers.upper / scale, strict=True)),
        constraints=LinearConstraint(sums * scale / big[:, None], levers.totals / big, levers.totals / big),
        options={"maxiter": iterations, "ftol": 1e-10},
    )
    return project(levers, np.asarray(found.x, dtype=np.float64) * scale)


BASELINES: dict[str, Callable[[Levers, Mean, Slope | None], FloatArray]] = {
    "last year": lambda levers, mean, slope: last_year(levers),
    "equal split": lambda levers, mean, slope: equal_split(levers),
    "greedy": lambda levers, mean, slope: greedy(levers, mean, slope),
    "SLSQP on the mean": lambda levers, mean, slope: slsqp(levers, mean, slope),
}
