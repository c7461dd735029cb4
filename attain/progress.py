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
from attain.wording import Language, text

Report = Callable[[montecarlo.Progress], None]
LINES = 10  # lines over a whole run where there is no terminal
PATIENCE = 0.5  # seconds before anything is shown: a run that is over by then would only flicker


@contextlib.contextmanager
def meter(
    title: str, *, silent: bool = False, stream: TextIO | None = None, language: Language = "en"
) -> Iterator[Report]:
    """A callable for the driver's `on_progress`; `silent` (with --json) says nothing at all."""
    out = stream if stream is not None else sys.stderr
    if silent:
        yield lambda progress: None
    elif out.isatty():
        with _shown(_bar(out)) as bar:
            yield _Bar(bar, title, language)
    else:
        yield _Lines(title, out, language)


def in_words(progress: montecarlo.Progress, language: Language = "en") -> str:
    """`3.4 a second, about 2 min left`."""
    rate = progress.rate
    pace = f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}" if rate >= 1 else f"{rate:.2g}"
    return text("progress.pace", language, rate=pace, left=_left(progress.left, language))


def _left(seconds: float, language: Language) -> str:
    if not math.isfinite(seconds):
        return text("progress.unknown", language)
    if seconds < 90:
        return text("progress.seconds", language, n=str(math.ceil(seconds)))
    if seconds < 5400:
        return text("progress.minutes", language, n=str(math.ceil(seconds / 60)))
    return text("progress.hours", language, n=f"{seconds / 3600:.1f}")


def _count(progress: montecarlo.Progress, language: Language) -> str:
    return text("progress.count", language, done=f"{progress.done:,}", total=f"{progress.total:,}")


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
    def __init__(self, bar: Progress, title: str, language: Language) -> None:
        self.bar, self.language = bar, language
        # There from the start, since workers take seconds to begin; a plan's name may hold rich's brackets.
        begun = text("progress.starting", language).lower()
        self.task: TaskID = bar.add_task(Text(title).markup, total=None, count="", pace=begun)

    def __call__(self, progress: montecarlo.Progress) -> None:
        count, pace = _count(progress, self.language), in_words(progress, self.language)
        self.bar.update(self.task, completed=progress.done, total=progress.total, count=count, pace=pace)


class _Lines:
    def __init__(self, title: str, out: TextIO, language: Language) -> None:
        self.title, self.out, self.language = title, out, language
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
        share = f"{progress.done / max(progress.total, 1):.0%}"
        count, pace = _count(progress, self.language), in_words(progress, self.language)
        line = text("progress.line", self.language, title=self.title, count=count, share=share, pace=pace)
        self.out.write(f"{line}\n")
        self.out.flush()
