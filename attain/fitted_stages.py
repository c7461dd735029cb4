"""Stages from a history: conversion and waits of each, and who and what does better or worse there.

Called by ``fitted``; ``engine.fit`` does the estimating. People, products, regions and sources are pooled at each
stage: every one's odds against the average come with how sure they are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from attain.history.records import History
from attain.wording import told
from engine.fit.durations import Waits, fit_waits
from engine.fit.incidence import ADVANCED, OPEN, Conversion, cohort_range, fit_conversion
from engine.fit.rates import Effects, shrunk_odds
from engine.problems import Refused

RIPE = 0.95  # share of deals that have ended by the age from which win rates of people are compared
FACTORS = ("person", "product", "region", "source", "segment")


@dataclass(frozen=True, slots=True)
class StageFit:
    """A stage: its conversion over all deals, the probability written (of a deal of average odds), and its waits."""

    name: str
    conversion: Conversion
    probability: float
    waits: Waits
    won: bool


@dataclass(frozen=True, eq=False)
class Odds:
    """By factor (person, product, region, source): name -> stage -> odds multiplier, and the sd of its logarithm."""

    of: dict[str, dict[str, dict[str, float]]] = field(default_factory=lambda: {f: {} for f in FACTORS})
    sd: dict[str, dict[str, dict[str, float]]] = field(default_factory=lambda: {f: {} for f in FACTORS})
    spread: dict[str, dict[str, float]] = field(default_factory=lambda: {f: {} for f in FACTORS})  # factor -> stage
    joint: dict[str, tuple[dict[str, list[str]], Effects]] = field(default_factory=dict)  # stage -> names, effects

    def add(self, factor: str, stage: str, names: list[str], effects: Effects, place: int) -> None:
        for name, m, sd in zip(names, effects.multipliers[place], effects.sds[place], strict=True):
            self.of[factor].setdefault(name, {})[stage] = float(m)
            self.sd[factor].setdefault(name, {})[stage] = float(sd)
        self.spread[factor][stage] = effects.sd[place]


def fit_stages(history: History, deals: pl.DataFrame, notes: list[str]) -> tuple[tuple[StageFit, ...], Odds]:
    """Every stage in order, and everybody's odds. Raises Refused naming the stage that cannot be fitted."""
    at = history.visits["deal"]
    own = [pl.Series(f, deals[f].gather(at)) for f in FACTORS[1:] if f in deals.columns]
    for flag in ("stamped", "imported"):
        known = deals[flag].gather(at) if flag in deals.columns else pl.Series([False]).new_from_index(0, len(at))
        own.append(known.alias(flag))
    visits = history.visits.with_columns(*own)
    span = (history.as_of - deals["created"].min().date()).days  # type: ignore[union-attr]
    odds, out = Odds(), []
    for s, name in enumerate(history.stages):
        here = visits.filter(pl.col("stage") == s)
        try:
            out.append(_stage(history, here, name, span, s == len(history.stages) - 1, odds, notes))
        except Refused as error:
            raise Refused(f"stage {name!r}: {error}") from None
    return tuple(out), odds


def _stage(
    history: History, here: pl.DataFrame, name: str, span: int, last: bool, odds: Odds, notes: list[str]
) -> StageFit:
    times, outcomes = here["days"].to_numpy(), here["outcome"].to_numpy()
    timed = here.filter(~pl.col("imported") & ~(pl.col("stamped") & (pl.col("outcome") != ADVANCED)))
    timed = timed if (timed["outcome"] != OPEN).any() else here
    waits = fit_waits(timed["days"].to_numpy(), timed["outcome"].to_numpy(), resolution=history.resolution)
    cohorts, ahead = _cohorts(here, span), 4 if span >= 730 else 12
    conversion = fit_conversion(times, outcomes, cohorts=cohorts, ahead=ahead, share=waits.share)
    if waits.share is not None:
        notes.append(told("fit.tail", name=repr(name), of=f"{conversion.of:.0f}"))
    probability = conversion.probability
    if 0 < probability < 1:
        probability = _compare(_ripe(here, history.as_of), name, probability, odds)
    ended = conversion.entered - conversion.open
    if conversion.of < 0.5 * ended and waits.share is None:
        low, high = cohort_range(outcomes, cohorts)
        key = "fit.moving_quarter" if span >= 730 else "fit.moving_month"
        values = {"low": f"{low:.2f}", "high": f"{high:.2f}", "of": f"{conversion.of:.0f}", "ended": f"{ended:,}"}
        notes.append(told(key, name=repr(name), **values))
    return StageFit(name, conversion, probability, waits, last)


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
        odds.add(f, stage, names[f], effects, place)
    logs = sum((np.log(m[c]) for m, c in zip(effects.multipliers, codes, strict=True)), np.zeros(len(of)))
    return _centre(np.asarray(logs, dtype=np.float64), of, mean)


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
            sds.setdefault(owner, {})[stage] = float(sd)
    return of, sds


def _of_regions(at: Mapping[tuple[str, str], int], regions: Sequence[str], size: int) -> np.ndarray:
    """A row of sums: the mean of these regions' effects."""
    row = np.zeros(size)
    for region in regions:
        if ("region", region) in at:
            row[at["region", region]] += 1.0 / len(regions)
    return row
