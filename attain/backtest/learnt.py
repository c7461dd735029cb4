"""What a back-test learnt of its own errors, in a file: to recalibrate a plan made from the same history.

Kept are each origin's errors by level, measure and horizon, as ``recalibrate`` counts them, so that a plan is changed
by just the method that the back-test scored. Nothing is used that had not ended by the plan's own day.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from attain.backtest.origins import HORIZONS, Month, over_by
from attain.backtest.recalibrate import Change, Moments, errors_of, learn
from attain.backtest.records import ATTAIN, RECALIBRATED, Backtest
from attain.backtest.summary import coverage
from attain.backtest.table import period_mapping
from engine.problems import Refused

MOST_BYTES = 5_000_000
INTERVAL = 0.8
ONE, MORE = 12, 4  # origins where they do not overlap, and more for each step by which one overlaps the next


class LearntRefused(Refused):
    """The file cannot be used; the message says what is wrong with it."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Origin(_Record):
    """One origin's errors: its last day, of how many cells, their mean and mean square, in the forecasts' spreads."""

    day: dt.date
    cells: Annotated[int, Field(ge=1)]
    mean: Annotated[float, Field(allow_inf_nan=False)]
    square: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Group(_Record):
    """The errors at one level, of one measure and horizon; ``covered``: shares of 80% intervals that held in the
    back-test, as fitted and recalibrated, of ``scored`` cells; None where that was not scored."""

    level: Literal["company", "region", "product", "rep"]
    measure: Literal["deals_won", "bookings"]
    horizon: str
    covered: tuple[float | None, float | None] = (None, None)
    scored: Annotated[int, Field(ge=0)] = 0
    origins: tuple[Origin, ...]

    @property
    def months(self) -> int:
        """How long the horizon is."""
        return HORIZONS[self.horizon]


class Learnt(_Record):
    """A back-test's errors, and what it was made of."""

    attain: Literal["recalibration 1"] = "recalibration 1"
    history: str
    until: dt.date
    every: Annotated[int, Field(ge=1, le=12)]
    seed: int | None
    replications: int
    sets: tuple[str, ...] = ()
    groups: tuple[Group, ...]

    def group(self, level: str, measure: str, months: float) -> Group | None:
        """The group of the shortest horizon that is at least so many months long; None where none is."""
        own = [g for g in self.groups if (g.level, g.measure) == (level, measure) and g.months >= months]
        return min(own, key=lambda g: g.months, default=None)

    def longest(self, level: str, measure: str) -> int:
        """The longest horizon scored there, in months; 0 where nothing was."""
        return max((g.months for g in self.groups if (g.level, g.measure) == (level, measure)), default=0)

    def ended(self, group: Group, day: dt.date) -> tuple[Origin, ...]:
        """The origins whose horizon had ended by a day."""
        last = over_by(day)
        return tuple(o for o in group.origins if Month.of(o.day) + group.months <= last)

    def needed(self, group: Group) -> int:
        """How many ended origins it takes: with as many, intervals whose spread was half of what it should be come to
        hold 75% or more for 80% (a simulation, see the decision on it)."""
        return ONE + MORE * (-(-group.months // self.every) - 1)

    def change(self, group: Group, day: dt.date) -> Change | None:
        """What is done to a forecast made at the end of ``day``; None where too few origins had ended by then."""
        known = self.ended(group, day)
        if len(known) < self.needed(group):
            return None
        first = Month.of(known[0].day)
        past = {
            (Month.of(o.day) - first) // self.every: Moments(o.cells, o.mean, o.square)
            for o in known
            if (Month.of(o.day) - first) % self.every == 0
        }
        lag = -(-group.months // self.every)
        late = over_by(day) - first - group.months  # months by which an origin may be and still have ended
        # the last known error counts if it is of the last origin that could have ended by then; an older one is stale
        fold = max(past) + lag if late // self.every <= max(past) else max(past) + 2 * lag + 1
        return learn(past, fold, lag)


def of_deals(history: str, mapping: Path | None) -> None:
    """Refuse, before any work is done, a history of which nothing could be learnt. Raises LearntRefused."""
    if mapping is not None and period_mapping(mapping) is not None:
        raise _without_deals(Path(history).name)


def _without_deals(name: str) -> LearntRefused:
    return LearntRefused(f"{name} is a table without deals: no plan is fitted to it, so there is none to recalibrate")


def learnt_from(found: Backtest) -> Learnt:
    """What a back-test of deals learnt. Raises LearntRefused for one that cannot be learnt from."""
    if not found.forecast or found.until is None:
        raise _without_deals(found.name)
    shares: dict[tuple[str, str, str], dict[str, float]] = {}
    counts: dict[tuple[str, str, str], int] = {}
    for row in coverage(found):
        if row["interval"] == INTERVAL:
            key = row["level"], row["measure"], row["horizon"]
            shares.setdefault(key, {})[row["method"]] = row["covered"]
            counts[key] = row["cells"] if row["method"] == RECALIBRATED else counts.get(key, 0)
    groups = []
    for key, past in sorted(errors_of(found.forecast).items()):
        level, measure, horizon = key
        own = shares.get(key, {})
        rows = tuple(
            Origin(day=found.origins[f], cells=m.cells, mean=m.mean, square=m.square) for f, m in sorted(past.items())
        )
        groups.append(
            Group.model_validate(
                {
                    "level": level,
                    "measure": measure,
                    "horizon": horizon,
                    "origins": rows,
                    "covered": (own.get(ATTAIN), own.get(RECALIBRATED)),
                    "scored": counts.get(key, 0),
                }
            )
        )
    return Learnt(
        history=found.name, until=found.until, every=found.every, seed=found.seed, replications=found.n,
        sets=found.sets,
        groups=tuple(groups),
    )  # fmt: skip


def document(learnt: Learnt) -> dict[str, Any]:
    """As ``--save`` writes it."""
    made: dict[str, Any] = learnt.model_dump(mode="json")
    return made


def read_learnt(path: Path) -> Learnt:
    """A file of ``--save``. Raises LearntRefused with one sentence."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise LearntRefused(f"{path}: no such file; attain backtest HISTORY --save {path.name} writes it") from None
    except OSError as error:
        raise LearntRefused(f"{path}: cannot be read ({error.strerror})") from None
    if len(data) > MOST_BYTES:
        raise LearntRefused(f"{path.name}: at most {MOST_BYTES:,} bytes were expected")
    try:
        return Learnt.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise LearntRefused(
            f"{path.name} is not what attain backtest --save writes: {where}: "
            f"{first['msg'][0].lower()}{first['msg'][1:]}"
        ) from None
