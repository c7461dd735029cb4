"""AutoETS and AutoARIMA, fitted in other processes while this one goes on simulating: the same fits, in less time.

The library takes about as long as all of a back-test's own work, and the two need nothing of each other. On a machine
of one core, or where no process can be had, the fits are made here, when they are asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attain.backtest import baselines

Floats = NDArray[np.float64]
Found = dict[int, Floats | None]  # months ahead -> samples
Promise = Callable[[], Found]


class Aside:
    """Other processes, all cores but this one's; as a context, so that they end with it."""

    def __init__(self, cores: int | None = None) -> None:
        self.workers = (cores if cores is not None else _cores()) - 1
        self._pool: Any = None

    def __enter__(self) -> Aside:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, kill_workers=True)

    def library(self, name: str, table: Floats, horizons: tuple[int, ...]) -> Promise:
        """``baselines.library`` begun; what it returns is had by a call."""
        future = self._begun(name, table, horizons)

        def had() -> Found:
            if future is not None:
                try:
                    return future.result()
                except (OSError, RuntimeError):  # a worker that died: what it was to do is done here
                    pass
            return baselines.library(name, table, horizons)

        return had

    def _begun(self, name: str, table: Floats, horizons: tuple[int, ...]) -> Future[Found] | None:
        if self.workers < 1:
            return None
        try:
            if self._pool is None:
                from joblib.externals.loky import ProcessPoolExecutor

                self._pool = ProcessPoolExecutor(max_workers=self.workers, timeout=None)
            begun: Future[Found] = self._pool.submit(baselines.library, name, table, horizons)
        except (OSError, RuntimeError):
            return None
        return begun


def _cores() -> int:
    import joblib

    return int(joblib.cpu_count()) or os.cpu_count() or 1
