"""Faults in what is read: seeds and replications cut short, tables of a world that are not looked at."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from engine.openings import UNKNOWN
from engine.realise import realise
from engine.routing import cumulated, routes_of
from engine.simpy_model import Lookup, Model
from engine.world import World
from tests.generated.faults.registry import fault

# --- which numbers ---------------------------------------------------------------------------------------------------


class _Drawn(Model):
    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.draw = self.drawn(*self.draw)
        self.parameters = self.realised(*self.draw)
        self.advance, self.economy = self.parameters.advance.tolist(), self.parameters.odds.tolist()

    def drawn(self, seed: int, replication: int, phase: int) -> tuple[int, int, int]:
        return seed, replication, phase

    def realised(self, seed: int, replication: int, phase: int) -> Any:
        return realise(self.world, seed, replication, phase)


@fault
class ShortSeeds(_Drawn):
    """seeds lose their highest bit"""

    def drawn(self, seed: int, replication: int, phase: int) -> tuple[int, int, int]:
        return seed & (2**63 - 1), replication, phase


@fault
class ShortReplications(_Drawn):
    """replications are numbered in 32 bits"""

    def drawn(self, seed: int, replication: int, phase: int) -> tuple[int, int, int]:
        return seed, replication & (2**32 - 1), phase


@fault
class PhaseForgotten(_Drawn):
    """what a replication takes as given is drawn in phase 0"""

    def realised(self, seed: int, replication: int, phase: int) -> Any:
        return realise(self.world, seed, replication, 0)


@fault
class ParametersKept(_Drawn):
    """what a replication takes as given is drawn once for all"""

    def realised(self, seed: int, replication: int, phase: int) -> Any:
        return realise(self.world, seed, 0, phase)


# --- what is read of the world ---------------------------------------------------------------------------------------


class _Looked(Model):
    """A model whose numbers, looked up anew, differ in some table."""

    def __init__(self, world: World, *args: Any, lookup: Lookup | None = None, **given: Any) -> None:
        at = Lookup(world)
        self.look(at)
        super().__init__(world, *args, lookup=at, **given)

    def look(self, at: Any) -> None:
        raise NotImplementedError


def _without(*names: str) -> Any:
    """A look at tables of odds, or of values, that finds 1 everywhere."""

    def look(self: _Looked, at: Any) -> None:
        for name in names:
            setattr(at, name, np.ones_like(np.array(getattr(at, name))).tolist())

    return look


def _odds_unread(of: str) -> None:
    names = {"look": _without(f"of_{of}"), "__doc__": f"odds of the {of} are not read"}
    fault(type("OddsUnread", (_Looked,), names))


for _of in ("rep", "product", "segment", "source", "class"):
    _odds_unread(_of)


@fault
class SegmentValues(_Looked):
    """a segment's deals are worth as much as any"""

    look = _without("segment_value")


@fault
class FullSpeed(_Looked):
    """a rep without hours works at full speed"""

    def look(self, at: Any) -> None:
        at.desk_speed = [[speed or 1.0 for speed in by_month] for by_month in at.desk_speed]


@fault
class WaitLost(_Looked):
    """a lost deal waits as long as any"""

    def look(self, at: Any) -> None:
        at.wait_lost = at.wait


@fault
class CalendarPatience(_Looked):
    """patience in calendar days is taken for hours"""

    def look(self, at: Any) -> None:
        at.stale_calendar = [False] * len(at.stale_calendar)


class _Elsewhere(Model):
    """A model of a world in which something is not as it is."""

    def __init__(self, world: World, *args: Any, lookup: Lookup | None = None, **given: Any) -> None:
        super().__init__(self.changed(world), *args, **given)

    def changed(self, world: World) -> World:
        raise NotImplementedError


def _reading(description: str, change: Any) -> None:
    """Register a fault by how it changes a world."""
    fault(type("Reading", (_Elsewhere,), {"__doc__": description, "changed": lambda self, world: change(world)}))


def _part(name: str, **changes: Any) -> Any:
    """A change of some arrays of a part of the world; each change makes the new array of the old."""

    def change(world: World) -> World:
        part = getattr(world, name)
        return replace(world, **{name: replace(part, **{key: new(getattr(part, key)) for key, new in changes.items()})})

    return change


def _all(value: Any) -> Any:
    return lambda array: np.full_like(array, value)


def _ages_in_hours(world: World) -> World:
    return replace(world, open_deals=replace(world.open_deals, age_days=world.open_deals.age_hours))


def _accounts_anywhere(world: World) -> World:
    everyone = np.arange(len(world.accounts.names))
    return replace(world, accounts=replace(world.accounts, in_region=(everyone,) * len(world.regions)))


def _clock(rows: str, of: str | None) -> Any:
    """A change of the clock of the stages' distributions: that of others', or hours."""

    def change(world: World) -> World:
        dists = world.dists.copy()
        clocks = dists["calendar_days"]
        clocks[getattr(world.stages, rows)] = clocks[getattr(world.stages, of)] if of else 0
        return replace(world, dists=dists)

    return change


def _everyone(world: World) -> World:
    names = {"reps": world.reps, "products": world.products, "sources": world.sources}
    able = np.ones_like(np.moveaxis(world.routes.may, -1, 0))
    return replace(world, routes=routes_of(world.plan, names, world.territory, able, world.staffing.there))


def _even_shares(world: World) -> World:
    counts = np.diff(world.routes.start)
    even = [share for count in counts.tolist() for share in cumulated([1.0] * count)]
    return replace(world, routes=replace(world.routes, reached=np.array([even] * len(world.routes.reached))))


def _equal_segments(world: World) -> World:
    count = len(world.segments)
    return replace(world, segment_shares=np.arange(1, count + 1) / count)


def _first_values(world: World) -> World:
    return replace(world, deal_values=np.full_like(world.deal_values, world.deal_values[0]))


def _prospects_at_full_speed(world: World) -> World:
    rates = [
        rates if cell.rep < 0 else rates / world.staffing.pace[cell.rep]
        for cell, rates in zip(world.cells, world.normal_rates, strict=True)
    ]
    return replace(world, normal_rates=np.array(rates).reshape(world.normal_rates.shape))


def _cells(**changes: Any) -> Any:
    return lambda world: replace(world, cells=tuple(replace(cell, **changes) for cell in world.cells))


def _at_full_speed(world: World) -> World:
    full = np.broadcast_to(world.desks.speed[:, None], world.desks.by_month.shape)
    return replace(world, desks=replace(world.desks, by_month=full))


_reading("owners who are not there get their deals", _part("staffing", there=_all(True)))
_reading("who leaves works on", _part("staffing", until=_all(np.inf)))
_reading("nobody gets up to speed in deals", _at_full_speed)
_reading("nobody gets up to speed in prospecting", _prospects_at_full_speed)
_reading("prospects are found before the first day", _cells(since=0.0))
_reading("prospects are found after the last day", _cells(until=np.inf))
_reading("calendar days are taken for hours", _clock("wait", None))
_reading("a lost deal's wait is in the clock of the other wait", _clock("wait_lost", "wait"))
_reading("an open deal's age is not looked at", _part("open_deals", age_hours=_all(0.0), age_days=_all(0.0)))
_reading("an open deal's age is in hours whatever the clock", _ages_in_hours)
_reading("an open deal's owner is not read", _part("open_deals", owner=_all(UNKNOWN)))
_reading("an open deal's value is drawn", _part("open_deals", value=_all(math.nan)))
_reading("an open deal's scores are drawn", _part("open_deals", scores=_all(math.nan)))
_reading("an open deal's segment is drawn", _part("open_deals", segment=_all(UNKNOWN)))
_reading("an open deal's source is the last one", lambda w: _part("open_deals", source=_all(len(w.sources) - 1))(w))
_reading("an account's scores are drawn", _part("accounts", scores=_all(math.nan)))
_reading("an account's segment is drawn", _part("accounts", segment=_all(UNKNOWN)))
_reading("an account may be met in any region", _accounts_anywhere)
_reading("no lead comes from an account", lambda w: replace(w, from_accounts=np.zeros_like(w.from_accounts)))
_reading("what has happened is not counted", _part("happened", bookings=_all(0.0), deals_won=_all(0.0)))
_reading("what happens at as_of's end is still to come", lambda w: replace(w, start=w.cal.as_of_hours))
_reading("the simulation begins on the first day", lambda w: replace(w, start=0.0))
_reading("a major unit has a hundred minor ones", lambda w: replace(w, minor=100.0))
_reading("focus has one desk", _part("desks", of=lambda of: of[:, :1].repeat(of.shape[1], 1)))
_reading("everyone may take everything", _everyone)
_reading("sources have no shares of their own", _part("routes", row=_all(0)))
_reading("sources follow the last one's rule", lambda w: _part("routes", rule=_all(w.routes.rule[-1]))(w))
_reading("shares are even", _even_shares)
_reading("leads enter at the first stage", lambda w: replace(w, cells=tuple(replace(c, enters=0) for c in w.cells)))
_reading("every source follows the economy alike", lambda w: replace(w, loadings=np.ones_like(w.loadings)))
_reading("lists come evenly", lambda w: replace(w, cells=tuple(replace(c, spread=1) for c in w.cells)))
_reading("scores are strong from a half", lambda w: replace(w, strong_from=0.5))
_reading("the last stage books", lambda w: _part("stages", won=lambda won: len(w.stages.names) - 1)(w))
_reading("segments are equally frequent", _equal_segments)
_reading("a product's value is the first one's", _first_values)
