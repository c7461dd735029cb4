"""``attain backtest`` on a history of deals: origins, a fold each, the same cells by every method, scores."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from attain.backtest import baselines
from attain.backtest.actuals import COMPANY, LEVELS, MEASURES, Won, series, won_deals
from attain.backtest.aside import Aside
from attain.backtest.fold import Fold, forecast
from attain.backtest.origins import HORIZONS, BacktestRefused, Month, origins, over_by
from attain.backtest.recalibrate import recalibrated
from attain.backtest.records import ATTAIN, RECALIBRATED, Backtest, Cells, FoldRecord, score, together
from attain.backtest.source import Source
from attain.backtest.stages import held_out_stages
from attain.backtest.support import support_of
from attain.history.records import History, HistoryRefused

Floats = NDArray[np.float64]
BEFORE = 3  # complete months behind the first origin
FOLDS = 8
REPLICATIONS = 500
STAGE_REPLICATIONS = 200
WORTH = 30.0  # seconds of work left, about, from which other processes pay for their start (28 on a busy machine)
MULTIPLES = (0.9, 1.0, 1.1)  # of the last period's and the last year's actual: the targets, fixed in advance

Said = Callable[[str, int, int], None]  # what is being done, how far, of how much


def backtest_deals(
    source: Source,
    *,
    folds: int,
    every: int,
    horizons: Sequence[str],
    n: int,
    seed: int,
    learn: int | None = None,
    library: bool = True,
    sets: Sequence[str] = (),
    on_progress: Said | None = None,
) -> Backtest:
    """Back-test a history of deals; see ``workflow.backtest``. Raises HistoryRefused or BacktestRefused."""
    begun = time.perf_counter()
    whole = source.read()
    won = won_deals(whole.deals, *complete_months(whole))
    asked = tuple(h for h in HORIZONS if h in horizons)
    earlier = folds if learn is None else learn
    at = origins(won.first, won.last, folds + earlier, every, asked, BEFORE)
    scored_from = max(0, len(at) - folds)
    absent = absent_library(library)
    with Aside(most=len(at)) as aside:
        maker = _Maker(source, won, asked, n, seed, tuple(sets), aside)
        for k, origin in enumerate(at):
            if on_progress is not None:
                on_progress(origin.last.isoformat(), k, len(at))
            maker.add(k, origin, learning=k < scored_from, library=not absent)
            if k == 0 and (time.perf_counter() - begun) * (len(at) - 1) > WORTH:
                maker.begin(dict(enumerate(at[1:], start=1)))
        maker.gather()
    cells = [c for c in recalibrated(maker.cells, every) if c.fold >= scored_from]
    if not cells:
        raise BacktestRefused(f"{whole.name}: no origin could be forecast. {'; '.join(maker.notes[:3])}")
    scored = together([score(c) for c in cells])
    found = set(scored.cells["method"].unique())
    order = (ATTAIN, RECALIBRATED, *baselines.NAIVE, *baselines.LIBRARY, *baselines.POINTS)
    return Backtest(
        whole.name,
        "deals",
        tuple(maker.records),
        scored,
        tuple(m for m in order if m in found),
        absent,
        every,
        asked,
        seed,
        n,
        len({c.fold for c in maker.cells if c.fold < scored_from}),
        (*source.notes, *maker.notes),
        support_of(won, scored, every),
        time.perf_counter() - begun,
        _stages(source, whole, won.last, min(n, STAGE_REPLICATIONS), seed, sets),
        tuple(replace(c, samples={ATTAIN: c.samples[ATTAIN]}) for c in maker.cells),
        {k: origin.last for k, origin in enumerate(at)},
        won.last.last,
        tuple(sets),
    )


def _stages(
    source: Source, whole: History, month: Month, n: int, seed: int, sets: Sequence[str]
) -> tuple[dict[str, Any], ...]:
    """The last month stage by stage, where the history knows when deals entered their stages."""
    if whole.shape != "events":
        return ()
    try:
        return held_out_stages(source, whole, month, n, seed, sets)
    except HistoryRefused:
        return ()


@dataclass
class _Maker:
    """Makes one origin's cells after another; an origin whose history carries no plan is noted and left out."""

    source: Source
    won: Won
    horizons: tuple[str, ...]
    n: int
    seed: int
    sets: tuple[str, ...]
    aside: Aside
    begun: dict[int, Callable[[], Fold]] = field(default_factory=dict)
    promised: dict[tuple[int, str, str], dict[str, Callable[[], baselines.Found]]] = field(default_factory=dict)
    cells: list[Cells] = field(default_factory=list)
    records: list[FoldRecord] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def begin(self, at: dict[int, Month]) -> None:
        """Have these origins forecast in other processes."""
        self.begun = {k: self.aside.begin(forecast, *self._asked(origin)) for k, origin in at.items()}

    def _asked(self, origin: Month) -> tuple[Source, Month, int, int, int, tuple[str, ...]]:
        months = max(HORIZONS[h] for h in self._reach(origin))
        return self.source, origin, months, self.n, self.seed, self.sets

    def _reach(self, origin: Month) -> list[str]:
        return [h for h in self.horizons if origin + HORIZONS[h] <= self.won.last]

    def add(self, number: int, origin: Month, *, learning: bool, library: bool) -> None:
        reach = self._reach(origin)
        try:
            fold = self.begun[number]() if number in self.begun else forecast(*self._asked(origin))
        except (HistoryRefused, BacktestRefused) as refused:
            if not learning:
                self.notes.append(f"{origin.last}: nothing was forecast; {refused}")
            return
        made = fold_cells(number, fold, self.won, reach)
        self.cells += made
        if library and not learning:
            self._promise(number, fold, tuple(HORIZONS[h] for h in reach))
        if learning:
            return
        self.records.append(
            FoldRecord(
                origin.last.isoformat(),
                tuple(reach),
                sum(len(c.names) for c in made),
                self.won.deals.filter(pl.col("month") <= origin.index).height,
                len(fold.pipeline.value),
                fold.seconds,
            )
        )

    def _promise(self, number: int, fold: Fold, months: tuple[int, ...]) -> None:
        """Have the library's fits to this origin's months begun."""
        table = series(self.won, fold.names)
        now = fold.origin - self.won.first + 1
        for level in {c.level for c in self.cells if c.fold == number}:
            for m, measure in enumerate(MEASURES):
                known = table[level][:, :now, m]
                begin = self.aside.begin
                own = {name: begin(baselines.library, name, known, months) for name in baselines.LIBRARY}
                self.promised[number, level, measure] = own

    def gather(self) -> None:
        """The library's forecasts into the cells."""
        had = {key: {name: promise() for name, promise in own.items()} for key, own in self.promised.items()}
        for i, c in enumerate(self.cells):
            more = _known({name: by[c.months] for name, by in had.get((c.fold, c.level, c.measure), {}).items()})
            self.cells[i] = replace(c, samples=c.samples | more)


def absent_library(library: bool) -> dict[str, str]:
    """Methods that cannot run -> why, and what would help."""
    if not library:
        return dict.fromkeys(baselines.LIBRARY, baselines.UNWANTED)
    if not baselines.available():
        return dict.fromkeys(baselines.LIBRARY, baselines.MISSING)
    return {}


def complete_months(history: History) -> tuple[Month, Month]:
    """The first and last month that the history covers whole, but for a weekend at its end.

    Raises BacktestRefused where there is none.
    """
    begun: dt.date = history.deals["created"].min().date()  # type: ignore[union-attr]
    first = Month.of(begun)
    if begun.day > 3:
        first = first + 1
    last = over_by(history.as_of)
    if last < first:
        raise BacktestRefused(f"{history.name} holds no complete month: {begun} to {history.as_of}")
    return first, last


def fold_cells(number: int, fold: Fold, won: Won, horizons: Sequence[str]) -> list[Cells]:
    """One fold's cells by level, measure and horizon, every method's samples with them but the library's."""
    out = []
    now = fold.origin - won.first + 1  # months known
    table = series(won, fold.names)
    months = {h: HORIZONS[h] for h in horizons}
    for level in LEVELS:
        names = fold.names[level]
        if level != COMPANY and len(names) < 2:
            continue  # the company under another name
        open_deals = fold.pipeline
        rules = baselines.pipelines(open_deals.value, open_deals.odds, open_deals.places[level], len(names))
        for m, measure in enumerate(MEASURES):
            known = table[level][:, :now, m]
            later = table[level][:, now:, m]
            for horizon, ahead in months.items():
                samples = {ATTAIN: fold.samples[level][:, :, :ahead, m].sum(axis=2)}
                samples |= _known({name: baselines.naive(name, known, ahead) for name in baselines.NAIVE})
                samples |= {name: by[:, m : m + 1] for name, by in rules.items()}
                actual = later[:, :ahead].sum(axis=1)
                out.append(Cells(number, level, measure, horizon, ahead, names, actual, samples, targets(known, ahead)))
    return out


def _known(samples: dict[str, Floats | None]) -> dict[str, Floats]:
    return {name: found for name, found in samples.items() if found is not None}


def targets(known: Floats, months: int) -> dict[str, Floats]:
    """What attainment is asked about: multiples of the last period's and of the last year's same months' actual."""
    out = {}
    t = known.shape[1]
    bases = {"last period": known[:, t - months :].sum(axis=1)} if t >= months else {}
    if t >= baselines.YEAR:
        bases["last year"] = known[:, t - baselines.YEAR : t - baselines.YEAR + months].sum(axis=1)
    for name, base in bases.items():
        for multiple in MULTIPLES:
            out[f"{multiple:g} x {name}"] = multiple * base
    return out
