"""What the months in which deals come to a stage share: drawn once a replication, a table that both engines look up.

`month_table` lays out which months a world needs: those of the horizon, and those before it in which its open deals
came to their stages or of which the plan knows something. `draw_months` draws the effects. Those of known months are a
normal chain, drawn from the last one back, each given the next (the posterior of an autoregression given its mean and
what was seen month by month is such a chain: Carter and Kohn 1994, Biometrika 81, 541-553); those after them go on from
the last one, those before them go back from the first.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from engine.arithmetic import exp, log, normal_quantile
from engine.draws import MONTH, entity_key, uniform, words
from engine.plan.monthly import MOST_MONTHS, MonthEffects, month_number
from engine.plan.types import Plan, Uncertain
from engine.posteriors import Draws

Floats = NDArray[np.float64]
SURE = 1e-12  # probabilities nearer to nought or one than this have no odds that a month could move


@dataclass(frozen=True, eq=False)
class MonthTable:
    """The months that a world's tables of month effects have: ``first`` is the number of the first, ``past`` how many
    of them lie before the horizon; ``began`` [open deals] the place of the month in which each came to its stage."""

    first: int
    past: int
    size: int
    began: NDArray[np.int64]
    none: Floats  # [stages, size] of ones: what a replication without effects reads
    keys: dict[tuple[int, str], int] = field(default_factory=dict)  # (stage, kind) -> key of the draws


def month_table(plan: Plan, months: int, ages: Floats) -> MonthTable:
    """Lay out the months for open deals of these ``ages`` in calendar days; of the horizon alone without effects."""
    start = plan.horizon.start
    own = start.year * 12 + start.month - 1
    effects = {
        (s, kind): found
        for s, stage in enumerate(plan.stages)
        for kind, found in (("advance", stage.advance_months), ("wait", stage.wait_months))
        if found is not None
    }
    if not effects:
        return MonthTable(own, 0, months, np.zeros(len(ages), dtype=np.int64), np.ones((len(plan.stages), months)))
    as_of = plan.horizon.as_of
    today = start if as_of is None else as_of + dt.timedelta(days=1)  # ages are those at the end of a day
    began = np.array([_month_before(today, float(age)) for age in ages], dtype=np.int64)
    known = [month_number(label) for found in effects.values() for label in found.known]
    first = max(min([own, *known, *began.tolist()]), own - MOST_MONTHS)
    past = own - first
    size = past + months
    keys = {(s, kind): entity_key("months", plan.stages[s].name, kind) for s, kind in effects}
    ones = np.ones((len(plan.stages), size))
    return MonthTable(first, past, size, np.clip(began - first, 0, size - 1), ones, keys)


def _month_before(day: dt.date, age: float) -> int:
    """The month in which what is so many days old as a day begins has come."""
    days = min(int(np.ceil(age)), day.toordinal() - 1)
    then = day - dt.timedelta(days=days)
    return then.year * 12 + then.month - 1


def draw_months(plan: Plan, table: MonthTable, advance: Floats, at: Draws) -> tuple[Floats, Floats]:
    """[stages, months]: what each month multiplies the odds of advancing by, and the waits. ``advance`` [stages] as
    this replication drew it: what is known of a month stands, whatever the mean is drawn as, but for its part in it."""
    if not table.keys:
        return table.none, table.none
    odds, pace = table.none.copy(), table.none.copy()
    for (s, kind), key in table.keys.items():
        stage = plan.stages[s]
        effects = stage.advance_months if kind == "advance" else stage.wait_months
        assert effects is not None, "only these have a key"
        shift = _moved(stage.advance, float(advance[s])) if kind == "advance" else 0.0
        path = month_path(effects, table, key, shift, at)
        into = odds if kind == "advance" else pace
        into[s] = np.array([exp(min(max(x, -50.0), 50.0)) for x in path])
    return odds, pace


def _moved(written: float | Uncertain, drawn: float) -> float:
    """Log odds of the probability as written, less those drawn."""
    if not isinstance(written, Uncertain):
        return 0.0
    mean = written.wins / written.of if written.of > 0 else drawn
    if not (SURE < mean < 1.0 - SURE and SURE < drawn < 1.0 - SURE):
        return 0.0
    return float(log(mean / (1.0 - mean)) - log(drawn / (1.0 - drawn)))


def month_path(effects: MonthEffects, table: MonthTable, key: int, shift: float, at: Draws) -> list[float]:
    """A path of log effects over the table's months. ``shift``: the mean as written, less the one drawn."""
    sd, persistence = effects.sd, effects.persistence
    if effects.draws:
        u, _ = at.uniforms(key)
        sd, persistence = effects.draws[min(int(u * len(effects.draws)), len(effects.draws) - 1)]
    mean = effects.mean_sd * at.normal(key, 1) if effects.mean_sd else 0.0
    fresh = sqrt(1.0 - persistence * persistence)

    def normal(month: int, word: int = 0) -> float:
        """A month's own draw."""
        return float(normal_quantile(uniform(words(at.seed, at.replication, key, month, MONTH, at.phase)[word])))

    path: dict[int, float] = {}
    after = 0.0  # the standardised error of the next known month
    for number, known in sorted(((month_number(m), k) for m, k in effects.known.items()), reverse=True):
        tie = known.tie if path else 0.0
        after = tie * after + sqrt(max(1.0 - tie * tie, 0.0)) * normal(number)
        path[number] = log(known.times) + shift + known.with_mean * (mean - shift) + known.sd * after
    months = range(table.first, table.first + table.size)
    if not path:
        path[table.first] = mean + sd * normal(table.first)
    for month in range(min(path) - 1, table.first - 1, -1):  # an autoregression runs backwards as it runs forwards
        path[month] = mean + persistence * (path[month + 1] - mean) + sd * fresh * normal(month)
    for month in range(min(path) + 1, months.stop):
        if month not in path:
            path[month] = mean + persistence * (path[month - 1] - mean) + sd * fresh * normal(month)
    apart = {month_number(m): k.open_sd for m, k in effects.known.items() if k.open_sd}  # no month goes on from that
    return [path[month] + (apart[month] * normal(month, 1) if month in apart else 0.0) for month in months]
