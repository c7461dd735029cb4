"""What is said while a cluster computes: its warnings as lines on standard error, and Dask's own log not at all."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator
from typing import Any

from attain.cli.errors import TRACEBACK
from attain.cli.options import screen


@contextlib.contextmanager
def watched(address: str | None) -> Iterator[None]:
    """For the time of a run on the cluster at this address, if any."""
    if address is None:
        yield
        return
    from engine.cluster import ClusterWarning

    with warnings.catch_warnings(), _muted():
        shown = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, ClusterWarning) or category.__module__.startswith("distributed"):
                screen(stderr=True).print(str(message), markup=False, style="yellow")
            else:
                shown(message, category, *where, **more)

        warnings.simplefilter("always", ClusterWarning)
        warnings.showwarning = show
        yield


@contextlib.contextmanager
def _muted() -> Iterator[None]:
    """No log of Dask's, which repeats on standard error what is told in one sentence; unless tracebacks are wanted."""
    with contextlib.suppress(ImportError):
        import distributed  # noqa: F401  (it sets up its log)
    handlers: list[logging.Handler] = []
    if not os.environ.get(TRACEBACK):
        for name, logger in list(logging.root.manager.loggerDict.items()):
            if name.split(".")[0] in ("distributed", "tornado") and isinstance(logger, logging.Logger):
                handlers += logger.handlers
    levels = [(handler, handler.level) for handler in handlers]
    for handler in handlers:
        handler.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for handler, level in levels:
            handler.setLevel(level)
