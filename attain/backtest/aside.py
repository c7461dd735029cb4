"""A back-test's work in other processes: origins, and the fits of AutoETS and AutoARIMA. The same work, in less time.

Origins need nothing of each other, and the library nothing but a table. On a machine of one core, or where no process
can be had, or one dies, the work is done here, when it is asked for; so it is where it raises, which then is seen here.
They end with the process that began them, however that ends.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")
POLL = 2.0  # seconds after which a worker looks whether it has been left


class Aside:
    """Other processes, as many as cores, but no more than ``most``; as a context, so that they end with it."""

    def __init__(self, cores: int | None = None, most: int = 64) -> None:
        found = cores if cores is not None else _cores()
        self.workers = min(found, most) if found > 1 else 0
        self._pool: Any = None

    def __enter__(self) -> Aside:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, kill_workers=True)

    def begin(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Callable[[], T]:
        """A call begun elsewhere; what it returns is had by a call."""
        future: Future[T] | None = self._begun(function, *args, **kwargs)

        def had() -> T:
            if future is not None:
                try:
                    return future.result()
                except Exception:  # it died, or raised: done here, it raises what it raises
                    pass
            return function(*args, **kwargs)

        return had

    def _begun(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Any:
        if self.workers < 1:
            return None
        try:
            if self._pool is None:
                from joblib.externals.loky import ProcessPoolExecutor

                self._pool = ProcessPoolExecutor(
                    max_workers=self.workers, timeout=None, initializer=_end_with, initargs=(os.getpid(),)
                )
            return self._pool.submit(function, *args, **kwargs)
        except (OSError, RuntimeError):
            return None


def _end_with(parent: int) -> None:
    """In a worker: end when the process that began it is gone, killed even, which nobody tells a worker."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(POLL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _cores() -> int:
    import joblib

    return int(joblib.cpu_count()) or os.cpu_count() or 1
