"""Stages from a history: conversion and waits of each, and who and what does better or worse there.

Called by ``fitted``; ``engine.fit`` does the estimating. People, products, regions and sources are pooled at each
stage: every one's odds against the average come with how sure they are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import polars as pl

from attain.fitted_months import MONTH, StageMonths, month_numbers, stage_months
from attain.history.records import History
from attain.wording import told
from engine.fit.durations import Waits, fit_waits
from engine.fit.incidence import ADVANCED, OPEN, Conversion, cohort_range, fit_conversion
from engine.fit.paces import shrunk_waits
from engine.fit.rates import Effects, interaction, shrunk_odds
from engine.problems import Refused

RIPE = 0.95  # share of deals that have ended by the age from which win rates of people are compared
FACTORS = ("person", "product", "region", "source", "segment")
WAITING = FACTORS[:4]  # of whom a plan knows waits
COMING = 3.0  # months that the deals of a coming period come of
LATELY = 60.0  # days whose endings say how many are due
WEEKEND = 4.0  # days in which nothing ends anywhere
IMPROBABLE = 12.0  # endings due in a silence, from which it is none of chance's: e^-12
TOLD = 0.1  # sd of months' log odds, at the least, from which a note tells of it
EXTREME = 0.01  # of waits, at either end
FEW_WAITS = 30  # ended deals from which anybody's waits are told apart
MOST_CELLS = 50_000  # of all factors crossed with months, up to which months are told apart from people


@dataclass(frozen=True, slots=True)
class StageFit:
    """A stage: its conversion over all deals, the probability written (of a deal of average odds), and its waits."""

    name: str
    conversion: Conversion
    probability: float
    waits: Waits
    won: bool
    months: StageMonths | None = None
    seen: Waits | None = None  # waits over all people and months together, where the plan tells them apart


@dataclass(frozen=True, eq=False)
class Odds:
    """By factor (person, product, region, source): name -> stage -> odds multiplier, and the sd of its logarithm."""

    of: dict[str, dict[str, dict[str, float]]] = field(default_factory=lambda: {f: {} for f in FACTORS})
    sd: dict[str, dict[str, dict[str, float]]] = field(default_factory=lambda: {f: {} for f in FACTORS})
    spread: dict[str, dict[str, float]] = field(default_factory=lambda: {f: {} for f in FACTORS})  # factor -> stage
    drift: dict[str, dict[str, float]] = field(default_factory=lambda: {f: {} for f in FACTORS})
    joint: dict[str, tuple[dict[str, list[str]], Effects]] = field(default_factory=dict)  # stage -> names, effects

    def offset(self, stage: str, visits: pl.DataFrame) -> np.ndarray:
        """[visits]: the logarithm of what everybody multiplies a visit's odds, or wait, by."""
        out = np.zeros(visits.height)
        for factor in (f for f in FACTORS if f in visits.columns):
            logs = {n: float(np.log(by[stage])) for n, by in self.of[factor].items() if stage in by}
            if logs:
                out += visits[factor].replace_strict(logs, default=0.0, return_dtype=pl.Float64).to_numpy()
        return out

    def add(self, factor: str, stage: str, names: list[str], effects: Effects, place: int, drift: float = 0.0) -> None:
        """``drift``: sd of what a level's coming months differ from its own past."""
        self.drift[factor][stage] = drift
        for name, m, sd in zip(names, effects.multipliers[place], effects.sds[place], strict=True):
            self.of[factor].setdefault(name, {})[stage] = float(m)
            self.sd[factor].setdefault(name, {})[stage] = float(np.hypot(sd, drift))
        self.spread[factor][stage] = effects.sd[place]


def fit_stages(history: History, deals: pl.DataFrame, notes: list[str]) -> tuple[tuple[StageFit, ...], Odds, Odds]:
    """Every stage in order, everybody's odds, and how long their deals wait. Raises Refused naming the stage that
    cannot be fitted."""
    at = history.visits["deal"]
    own = [pl.Series(f, deals[f].gather(at)) for f in FACTORS[1:] if f in deals.columns]
    for flag in ("stamped", "imported"):
        known = deals[flag].gather(at) if flag in deals.columns else pl.Series([False]).new_from_index(0, len(at))
        own.append(known.alias(flag))
    visits = _heard_of(history.visits.with_columns(*own), notes)
    span = (history.as_of - deals["created"].min().date()).days  # type: ignore[union-attr]
    odds, paces, out = Odds(), Odds(), []
    for s, name in enumerate(history.stages):
        here = visits.filter(pl.col("stage") == s)
        try:
            out.append(_stage(history, here, name, span, s == len(history.stages) - 1, odds, paces, notes))
        except Refused as error:
            raise Refused(f"stage {name!r}: {error}") from None
    return tuple(out), odds, paces


def _heard_of(visits: pl.DataFrame, notes: list[str]) -> pl.DataFrame:
    """Open visits as old as they were when anything was last recorded to have ended, where the silence since then is
    longer than chance makes it: an export before the holidays are entered, losses that are noted at a quarter's end.
    That they have not ended would else be read as news, of each of them by itself."""
    end = pl.col("entered") + pl.duration(seconds=(pl.col("days") * 86400.0).cast(pl.Int64))
    ends = visits.select("outcome", end=end)
    ended = ends.filter(pl.col("outcome") != OPEN)["end"]
    still = ends.filter(pl.col("outcome") == OPEN)["end"]
    if not len(ended) or not len(still):
        return visits
    last, now = (cast(dt.datetime, times.max()) for times in (ended, still))
    silent = (now - last).total_seconds() / 86400.0
    lately = int((ended > last - dt.timedelta(days=LATELY)).sum())
    if silent <= WEEKEND or lately / LATELY * silent < IMPROBABLE:
        return visits
    notes.append(told("fit.silent", days=f"{silent:.0f}", due=f"{lately / LATELY * silent:.0f}"))
    least = 1.0 / 86400.0
    heard = pl.when(pl.col("outcome") == OPEN).then((pl.col("days") - silent).clip(least)).otherwise(pl.col("days"))
    return visits.with_columns(days=heard)


def _stage(
    history: History, here: pl.DataFrame, name: str, span: int, last: bool, odds: Odds, paces: Odds, notes: list[str]
) -> StageFit:
    times, outcomes = here["days"].to_numpy(), here["outcome"].to_numpy()
    timed = here.filter(~pl.col("imported") & ~(pl.col("stamped") & (pl.col("outcome") != ADVANCED)))
    timed = timed if (timed["outcome"] != OPEN).any() else here
    # in a log alone, whoever is named is who ended the visit, and that hangs on how long it took
    owned = history.shape != "events" or (history.paired is not None and history.paired.owned)
    known = WAITING if owned else WAITING[1:]
    _compare_waits(_ripe(timed, history.as_of), name, history.resolution, known, paces)
    pace = np.exp(paces.offset(name, timed))
    least = max(history.resolution / 2, 1e-6)
    waits = fit_waits(np.maximum(timed["days"].to_numpy(), least) / pace, timed["outcome"].to_numpy())
    cohorts, ahead = _cohorts(here, span), 4 if span >= 730 else 12
    conversion = fit_conversion(times, outcomes, cohorts=cohorts, ahead=ahead, share=waits.share)
    if waits.share is not None:
        notes.append(told("fit.tail", name=repr(name), of=f"{conversion.of:.0f}"))
    probability = conversion.probability
    if 0 < probability < 1:
        probability = _compare(_ripe(here, history.as_of), name, probability, odds)
    months = _months(here, timed, waits, name, (odds, paces), least, notes)
    ended = conversion.entered - conversion.open
    if months is not None:
        waits = months.waits
        if months.odds.sd_range[0] > TOLD:
            low, high = cohort_range(outcomes, cohorts)
            key = "fit.months_quarter" if span >= 730 else "fit.months_month"
            values = {"low": f"{low:.2f}", "high": f"{high:.2f}", "sd": f"{months.odds.sd:.2g}"}
            notes.append(told(key, name=repr(name), **values))
    elif conversion.of < 0.5 * ended and waits.share is None:
        low, high = cohort_range(outcomes, cohorts)
        key = "fit.moving_quarter" if span >= 730 else "fit.moving_month"
        values = {"low": f"{low:.2f}", "high": f"{high:.2f}", "of": f"{conversion.of:.0f}", "ended": f"{ended:,}"}
        notes.append(told(key, name=repr(name), **values))
    seen = None
    if months is not None or name in paces.joint:
        seen = fit_waits(np.maximum(timed["days"].to_numpy(), least), timed["outcome"].to_numpy())
    return StageFit(name, conversion, probability, waits, last, months, seen)


def _months(
    here: pl.DataFrame,
    timed: pl.DataFrame,
    waits: Waits,
    name: str,
    of: tuple[Odds, Odds],
    least: float,
    notes: list[str],
) -> StageMonths | None:
    """What months share at a stage; None, and why in the notes, where that cannot be told."""
    here, timed = (
        own.with_columns(
            offset=pl.Series(of[0].offset(name, own)),
            days=pl.Series(np.maximum(own["days"].to_numpy(), least) / np.exp(of[1].offset(name, own))),
        )
        for own in (here, timed)
    )
    try:
        own = {f: COMING * by[name] ** 2 for f, by in of[0].drift.items() if name in by}
        return stage_months(here, timed, waits, own)
    except Refused as error:
        notes.append(told("fit.no_months", name=repr(name), why=str(error)))
        return None


def _cohorts(visits: pl.DataFrame, span: int) -> np.ndarray:
    entered = visits["entered"]
    unit = 3 if span >= 730 else 1
    return ((entered.dt.year().cast(pl.Int64) * 12 + entered.dt.month().cast(pl.Int64) - 1) // unit).to_numpy()


def _ripe(visits: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
    """Visits that have ended, of those begun long enough ago that nearly all have: else quick outcomes count double."""
    ended = visits.filter(pl.col("outcome") != OPEN)
    age = float(np.quantile(ended["days"].to_numpy(), RIPE))
    before = dt.datetime.combine(as_of, dt.time(0)) - dt.timedelta(days=age)
    ripe = ended.filter(pl.col("entered") <= before)
    return ripe if ripe.height >= 0.5 * ended.height else ended


def _compare(ripe: pl.DataFrame, stage: str, mean: float, odds: Odds) -> float:
    """Odds of people, products, regions and sources at a stage; the probability at which their mean is the stage's."""
    named = ripe.filter(pl.col("person").is_not_null())
    named = named if named.height else ripe
    factors = [f for f in FACTORS if f in named.columns and named[f].drop_nulls().n_unique() > 1]
    if not factors:
        return mean
    named = named.drop_nulls(factors)
    named = named.with_columns(pl.Series(MONTH, month_numbers(named["entered"])))
    if 1 < named[MONTH].n_unique() and named.select(pl.struct(*factors, MONTH).n_unique()).item() <= MOST_CELLS:
        factors = [*factors, MONTH]  # a month's luck is nobody's: last, since nobody's odds are the month's
    cells = (
        named.group_by(factors)
        .agg((pl.col("outcome") == ADVANCED).sum().alias("won"), pl.len().alias("of"))
        .sort(factors)
    )
    names = {f: sorted(cells[f].unique().to_list()) for f in factors}
    places = {f: {n: i for i, n in enumerate(names[f])} for f in factors}
    codes = [cells[f].replace_strict(places[f], return_dtype=pl.Int64).to_numpy() for f in factors]
    won, of = cells["won"].to_numpy().astype(float), cells["of"].to_numpy().astype(float)
    effects = shrunk_odds(won, of, codes, [len(names[f]) for f in factors])
    odds.joint[stage] = (names, effects)
    for place, f in enumerate(factors):
        if f != MONTH:
            drift = 0.0
            if factors[-1] == MONTH:
                drift = float(np.sqrt(interaction(won, of, codes, effects, place, len(factors) - 1) / COMING))
            odds.add(f, stage, names[f], effects, place, drift)
    own = [(m, c) for f, m, c in zip(factors, effects.multipliers, codes, strict=True) if f != MONTH]
    logs = sum((np.log(m[c]) for m, c in own), np.zeros(len(of)))
    return _centre(np.asarray(logs, dtype=np.float64), of, mean)


def _compare_waits(ripe: pl.DataFrame, stage: str, resolution: float, compared: tuple[str, ...], paces: Odds) -> None:
    """How long deals of people, products, regions and sources take, the month and the way they ended apart. The longest
    and shortest hundredth count as no longer, and no shorter, than the others."""
    named = ripe.filter(pl.col("person").is_not_null())
    named = named if named.height else ripe
    factors = [f for f in compared if named[f].drop_nulls().n_unique() > 1]
    named = named.drop_nulls(factors) if factors else named
    if not factors or named.height < FEW_WAITS:
        return
    logs = np.log(np.maximum(named["days"].to_numpy(), max(resolution / 2, 1e-6)))
    logs = np.clip(logs, *np.quantile(logs, [EXTREME, 1 - EXTREME]))
    if float(np.ptp(logs)) == 0.0:
        return
    own = named.with_columns(pl.Series(MONTH, month_numbers(named["entered"])), log=pl.Series(logs))
    free = [f for f in (MONTH, "outcome") if own[f].n_unique() > 1]
    while own.select(pl.struct(*factors, *free).n_unique()).item() > MOST_CELLS and free:
        free = free[1:]
    keys = [*factors, *free]
    cells = own.group_by(keys).agg(
        pl.col("log").sum().alias("total"), (pl.col("log") ** 2).sum().alias("square"), pl.len().alias("of")
    ).sort(keys)  # fmt: skip
    names = {f: sorted(cells[f].unique().to_list()) for f in keys}
    codes = [
        cells[f].replace_strict({n: i for i, n in enumerate(names[f])}, return_dtype=pl.Int64).to_numpy() for f in keys
    ]
    total, square, of = (cells[c].to_numpy().astype(float) for c in ("total", "square", "of"))
    effects = shrunk_waits(total, square, of, codes, [len(names[f]) for f in keys], len(free))
    paces.joint[stage] = (names, effects)
    for place, f in enumerate(factors):
        paces.add(f, stage, names[f], effects, place)


def _centre(logs: np.ndarray, weight: np.ndarray, mean: float) -> float:
    """The probability p with: mean over deals of expit(logit p + log multiplier) = ``mean``."""
    low, high = -30.0, 30.0
    for _ in range(80):
        middle = (low + high) / 2
        value = float(np.sum(weight / (1 + np.exp(-(middle + logs)))) / weight.sum())
        low, high = (middle, high) if value < mean else (low, middle)
    return float(1 / (1 + np.exp(-(low + high) / 2)))


def with_regions(
    odds: Odds, deals: pl.DataFrame, fresh: Mapping[str, Sequence[str]] | None = None
) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    """People's odds and their sds with the regions' in them: a plan has no odds of regions, and people live in some.

    A person who works in several regions carries their mean by deals. The sum of the two is what is known: of one who
    works in one region only, nothing tells whose doing it is. ``fresh``: people without deals, and their regions: their
    own part is the average person's, known no better than people differ.
    """
    counts = deals.filter(pl.col("owner").is_not_null()).group_by("owner", "region").len().sort("owner", "region")
    rows = list(counts.iter_rows())
    of: dict[str, dict[str, float]] = {}
    sds: dict[str, dict[str, float]] = {}
    for stage, (names, effects) in odds.joint.items():
        if "person" not in names and "region" not in names:
            continue
        place = 1
        at: dict[tuple[str, str], int] = {}
        for factor, own in names.items():
            at |= {(factor, n): place + i for i, n in enumerate(own)}
            place += len(own)
        people = sorted({owner for owner, _, _ in rows})
        index = {owner: i for i, owner in enumerate(people)}
        sums = np.zeros((len(people), place))
        total = np.zeros(len(people))
        for owner, region, n in rows:
            i = index[owner]
            total[i] += n
            for key in (("person", owner), ("region", region)):
                if key in at:
                    sums[i, at[key]] += n
        sums /= total[:, None]
        mean = total @ sums / max(float(total.sum()), 1.0)
        new = np.array([_of_regions(at, regions, place) for regions in (fresh or {}).values()]).reshape(-1, place)
        logs, spread = effects.together(np.concatenate([sums, new]) - mean)
        if "person" in names:
            differ = effects.sd[list(names).index("person")]
            spread[len(people) :] = np.hypot(spread[len(people) :], differ)
        for owner, log, sd in zip((*people, *(fresh or {})), logs, spread, strict=True):
            of.setdefault(owner, {})[stage] = float(np.exp(log))
            sds.setdefault(owner, {})[stage] = float(np.hypot(sd, odds.drift["person"].get(stage, 0.0)))
    return of, sds


def _of_regions(at: Mapping[tuple[str, str], int], regions: Sequence[str], size: int) -> np.ndarray:
    """A row of sums: the mean of these regions' effects."""
    row = np.zeros(size)
    for region in regions:
        if ("region", region) in at:
            row[at["region", region]] += 1.0 / len(regions)
    return row
