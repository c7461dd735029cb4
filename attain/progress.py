"""Progress for people, on standard error: a bar with rate and time left in a terminal, a line per tenth elsewhere.

with meter("Simulating", silent=as_json) as report:
    run(task, n=2000, sink=store, on_progress=report)

Of a run that is over in half a second, nothing is shown.
"""

from __future__ import annotations

import contextlib
import math
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

import engine.montecarlo as montecarlo

Report = Callable[[montecarlo.Progress], None]
LINES = 10  # lines over a whole run where there is no terminal
PATIENCE = 0.5  # seconds before anything is shown: a run that is over by then would only flicker


@contextlib.contextmanager
def meter(title: str, *, silent: bool = False, stream: TextIO | None = None) -> Iterator[Report]:
    """A callable for the driver's `on_progress`; `silent` (with --json) says nothing at all."""
    out = stream if stream is not None else sys.stderr
    if silent:
        yield lambda progress: None
    elif out.isatty():
        with _shown(_bar(out)) as bar:
            yield _Bar(bar, title)
    else:
        yield _Lines(title, out)


def in_words(progress: montecarlo.Progress) -> str:
    """`3.4 a second, about 2 min left`."""
    rate = progress.rate
    pace = f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}" if rate >= 1 else f"{rate:.2g}"
    return f"{pace} a second, {_left(progress.left)} left"


def _left(seconds: float) -> str:
    if not math.isfinite(seconds):
        return "an unknown time"
    if seconds < 90:
        return f"about {math.ceil(seconds)} s"
    return f"about {math.ceil(seconds / 60)} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"


def _bar(out: TextIO) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TextColumn("{task.fields[pace]}"),
    )
    return Progress(*columns, console=Console(file=out), transient=True)


@contextlib.contextmanager
def _shown(bar: Progress) -> Iterator[Progress]:
    """The bar from `PATIENCE` on, even where nothing is reported until workers have started."""
    timer = threading.Timer(PATIENCE, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield bar
    finally:
        timer.cancel()
        timer.join()
        bar.stop()


class _Bar:
    def __init__(self, bar: Progress, title: str) -> None:
        self.bar = bar
        # There from the start, since workers take seconds to begin; a plan's name may hold rich's brackets.
        self.task: TaskID = bar.add_task(Text(title).markup, total=None, count="", pace="starting")

    def __call__(self, progress: montecarlo.Progress) -> None:
        count = f"{progress.done:,} of {progress.total:,}"
        self.bar.update(self.task, completed=progress.done, total=progress.total, count=count, pace=in_words(progress))


class _Lines:
    def __init__(self, title: str, out: TextIO) -> None:
        self.title, self.out = title, out
        self.told: int | None = None

    def __call__(self, progress: montecarlo.Progress) -> None:
        if progress.seconds < PATIENCE:
            return
        tenth = progress.done * LINES // max(progress.total, 1)
        if self.told is not None and tenth <= self.told:
            return
        first, self.told = self.told is None, tenth
        if first and tenth == 0:
            return
        share = progress.done / max(progress.total, 1)
        count = f"{progress.done:,} of {progress.total:,}"
        self.out.write(f"{self.title}: {count} ({share:.0%}), {in_words(progress)}\n")
        self.out.flush()
