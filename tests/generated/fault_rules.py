"""Faults in the rules of a deal's way, in what is counted, and in what is read of a world; see ``faults``."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from engine.business import STALE, settled, visit_draws
from engine.demand import Cell
from engine.openings import UNKNOWN
from engine.outcomes import BUSY, OPEN, STALE_DEALS, Kind, Ledger, Outcome, Tally
from engine.realise import realise
from engine.routing import NOBODY
from engine.simpy_model import ARRIVED, ENTERS, ON_ANSWER, ON_STALE, ON_WORK_DONE, WORKED, Deal, Lookup, Model, Process
from engine.world import World
from tests.generated.faults import fault

# --- a deal's way ------------------------------------------------------------------------------------------------------


class _Rewritten(Model):
    """The way of a deal as the model has it, with the places at which it may go wrong."""

    queues_always = False  # asks for the desk though there is nothing to do
    keeps_place = False  # stays in the queue when it goes stale
    alarm_stays = False  # goes stale while it is worked on
    visits_by_stage = False  # draws by the number of the stage, not of the visit

    def deal(self, deal: Deal) -> Process:
        env, at = self.env, self.at
        while True:
            stage, entered, desk = deal.stage, env.now, deal.desk
            self.flow(deal, ENTERS)
            stale_at = self.stale_at(stage, at.stale[stage])
            visit = stage if self.visits_by_stage else deal.visit
            work, wait, wait_lost, u = visit_draws(*self.draw, deal.key, visit, desk.speed, *at.drawn[stage])
            if work > 0.0 or self.queues_always:
                request = desk.queue_for(deal.priority, entered, deal.key)
                yield self.turn(deal, request, stale_at)
                if not request.triggered:
                    if not self.keeps_place:
                        request.cancel()
                    self.close(deal, STALE)
                    return
                done = env.now + work
                self.start(deal, entered, done)
                if self.alarm_stays and stale_at < done:
                    yield env.at(stale_at, ON_STALE, deal.key, deal.visit)
                    desk.leave(request)
                    self.close(deal, STALE)
                    return
                yield env.at(done, ON_WORK_DONE, deal.key, deal.visit)
                desk.leave(request)
                self.note(WORKED, deal)
            self.count_activities(deal)
            outcome, when = settled(
                u, self.advance[stage], deal.odds[stage], self.economy_now(deal), env.now,
                wait, wait_lost, at.calendar[stage], at.calendar_lost[stage], stale_at, self.hours_at,
            )  # fmt: skip
            yield env.at(when, ON_STALE if outcome == STALE else ON_ANSWER, deal.key, deal.visit)
            if not self.settle(deal, outcome):
                return


@fault
class QueuesAlways(_Rewritten):
    """deals without work queue, too"""

    queues_always = True


@fault
class KeepsPlace(_Rewritten):
    """a stale deal keeps its place in the queue"""

    keeps_place = True


@fault
class AlarmStays(_Rewritten):
    """a deal goes stale while it is worked on"""

    alarm_stays = True


@fault
class VisitsByStage(_Rewritten):
    """draws go by the number of the stage, not of the visit"""

    visits_by_stage = True


@fault
class EconomyAfterBooking(Model):
    """the economy moves stages after the booking"""

    def economy_now(self, deal: Deal) -> float:
        return self.economy[deal.region][self.month]


@fault
class EconomyOfEntering(Model):
    """the economy is that of the month in which the stage was entered"""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.entered: dict[int, int] = {}

    def flow(self, deal: Deal, column: int) -> None:
        if column == ENTERS:
            self.entered[deal.key] = self.month
        super().flow(deal, column)

    def economy_now(self, deal: Deal) -> float:
        month = self.entered.get(deal.key, self.month)
        return self.economy[deal.region][month] if deal.stage <= self.world.stages.won else 1.0


@fault
class FlowOfEntering(EconomyOfEntering):
    """passages are counted in the month in which the stage was entered"""

    def flow(self, deal: Deal, column: int) -> None:
        super().flow(deal, ENTERS)
        if column != ENTERS:
            deal.flow[deal.stage][self.month][ENTERS] -= 1.0
            deal.flow[deal.stage][self.entered[deal.key]][column] += 1.0


@fault
class PatienceAnew(Model):
    """an open deal's patience begins anew"""

    def stale_at(self, stage: int, patience: float) -> float:
        return super().stale_at(stage, self.at.stale[stage])


@fault
class BusyPastTheEnd(Model):
    """busy hours count work beyond the horizon"""

    def start(self, deal: Deal, entered: float, done: float) -> None:
        end = self.world.cal.horizon_hours
        super().start(deal, entered, done)
        deal.ledger.rep[BUSY] += min(done - end, 1.0) if done > end else 0.0


@fault
class ActivitiesOnEntering(Model):
    """activities are counted on entering a stage"""

    def flow(self, deal: Deal, column: int) -> None:
        super().flow(deal, column)
        if column == ENTERS:
            super().count_activities(deal)

    def count_activities(self, deal: Deal) -> None:
        pass


@fault
class UnusualVisits(Model):
    """the log gives the stage for the visit"""

    def note(self, kind: Kind, deal: Deal, amount: float = 0.0) -> None:
        visit, deal.visit = deal.visit, deal.stage
        super().note(kind, deal, amount)
        deal.visit = visit


@fault
class LoadKeepsStale(Model):
    """a rep's load keeps stale deals until another is won"""

    def close(self, deal: Deal, outcome: int) -> None:
        super().close(deal, outcome)
        if outcome == STALE and deal.stage <= self.world.stages.won:
            self.open_deals[deal.rep] += 1

    def run(self) -> Outcome:
        outcome = super().run()
        outcome.reps[:, OPEN] -= outcome.reps[:, STALE_DEALS]  # the total is right, the routing was not
        return outcome

@fault
class TurnAwayUnseen(Model):
    """a lead that nobody takes leaves no trace in the log"""

    def note(self, kind: Kind, deal: Deal, amount: float = 0.0) -> None:
        if deal.rep != NOBODY:
            super().note(kind, deal, amount)


# --- whose it is -------------------------------------------------------------------------------------------------------


@fault
class OwnersTakeTurns(Model):
    """what an account's owner gets is the owner's turn"""

    def assign(self, deal: Deal, owner: int, u: float, by_owner: bool) -> None:
        super().assign(deal, owner, u, by_owner)
        if not by_owner:
            self.last_turn[deal.product][deal.region][deal.segment] = deal.rep


@fault
class TurnsAcrossSegments(Model):
    """turns go round a product and region, whatever the segment"""

    def assign(self, deal: Deal, owner: int, u: float, by_owner: bool) -> None:
        turns = self.last_turn[deal.product][deal.region]
        turns[deal.segment] = turns[0]
        super().assign(deal, owner, u, by_owner)
        turns[0] = turns[deal.segment]


@fault
class ForeignOwners(Model):
    """an account's owner gets its leads whether they may take them or not"""

    def assign(self, deal: Deal, owner: int, u: float, by_owner: bool) -> None:
        super().assign(deal, owner, u, by_owner or owner != NOBODY)


@fault
class OwnersIgnored(Model):
    """an account's owner is not asked"""

    def assign(self, deal: Deal, owner: int, u: float, by_owner: bool) -> None:
        super().assign(deal, owner if by_owner else NOBODY, u, by_owner)


@fault
class ProspectsRouted(Model):
    """what a rep finds is routed"""

    def qualify(self, deal: Deal, cell: Cell) -> None:
        super().qualify(deal, replace(cell, rep=NOBODY))


@fault
class LeversByAnyRoute(Model):
    """leads of sources with a routing of their own are attributed to the plan's shares"""

    def attribute(self, deal: Deal, cell: int) -> None:
        super().attribute(deal, cell)
        assert self.attribution is not None
        if deal.lever < 0 and deal.by_share:
            deal.lever = int(self.attribution.of_route[deal.product, deal.region, deal.rep])


@fault
class LeversByOwner(Model):
    """leads that an owner gets are attributed to the shares"""

    def assign(self, deal: Deal, owner: int, u: float, by_owner: bool) -> None:
        super().assign(deal, owner, u, by_owner)
        deal.by_share = deal.by_share or (not by_owner and self.at.routes(deal)[0] == 2)


@fault
class ClassesServedAnyway(Model):
    """better classes are served first though the plan says otherwise"""

    def know(self, deal: Deal, scores: Any, segment: int) -> None:
        super().know(deal, scores, segment)
        deal.priority = deal.klass


@fault
class TurnsKept(Model):
    """turns go on from one replication to the next"""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.last_turn = self.at.__dict__.setdefault("last_turn", self.last_turn)


@fault
class LoadsKept(Model):
    """reps begin with the deals that the replication before left open"""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.open_deals = self.at.__dict__.setdefault("open_deals", self.open_deals)
        self.left = self.open_deals.copy()

    def run(self) -> Outcome:
        outcome = super().run()
        outcome.reps[:, OPEN] -= self.left
        return outcome


@fault
class BusyByTheLog(Model):
    """hours are counted only where a log is kept"""

    def start(self, deal: Deal, entered: float, done: float) -> None:
        if self.tally.log is not None:
            super().start(deal, entered, done)


# --- when --------------------------------------------------------------------------------------------------------------


@fault
class BoundaryIsNextMonth(Model):
    """an instant on a month's boundary belongs to the month that begins there"""

    def run(self) -> Outcome:
        at, ends = self.at, self.at.month_ends
        kept = at.month_ends
        at.month_ends = [*(float(np.nextafter(end, 0.0)) if end > 0.0 else end for end in ends[:-1]), ends[-1]]
        try:
            return super().run()
        finally:
            at.month_ends = kept


@fault
class EndExcluded(Model):
    """the horizon's last instant is outside"""

    def run(self) -> Outcome:
        at, kept = self.at, self.at.month_ends
        at.month_ends = [*kept[:-1], float(np.nextafter(kept[-1], 0.0))]
        try:
            return super().run()
        finally:
            at.month_ends = kept


class _Counted(Model):
    tallies: type[Tally] = Tally

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        count = self.attribution.count if self.attribution else 0
        self.tally = self.tallies(self.world, self.at.legs_at, self.tally.log is not None, count)


@fault
class WindowOpenOnTheRight(_Counted):
    """a goal's window leaves out its last instant"""

    class tallies(Tally):  # noqa: N801
        def add(self, ledger: Ledger, measure: int, amount: float, time: float, month: int, lever: int = -1) -> None:
            kept = ledger.legs
            ledger.legs = [[leg for leg in legs if time != leg[2]] for legs in kept]
            super().add(ledger, measure, amount, time, month, lever)
            ledger.legs = kept


@fault
class WindowClosedOnTheLeft(_Counted):
    """a goal's window holds its first instant"""

    class tallies(Tally):  # noqa: N801
        def add(self, ledger: Ledger, measure: int, amount: float, time: float, month: int, lever: int = -1) -> None:
            super().add(ledger, measure, amount, time, month, lever)
            for leg, since, _ in ledger.legs[measure]:
                self.legs[leg] += amount if time == since > 0.0 else 0.0


@fault
class ActualsByHours(_Counted):
    """what has happened counts for all goals whatever its date"""

    class tallies(Tally):  # noqa: N801
        def add_actual(self, ledger: Ledger, measure: int, amount: float, day: int, month: int) -> None:
            super().add_actual(ledger, measure, amount, day, month)
            for leg, _, _ in ledger.legs[measure]:
                dates = self.world.goals.legs[leg].dates
                self.legs[leg] += 0.0 if dates[0] <= day <= dates[1] else amount


# --- which numbers -------------------------------------------------------------------------------------------------------


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


# --- what is read of the world -------------------------------------------------------------------------------------------


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


for _kind in ("rep", "product", "segment", "source", "class"):
    fault(type(f"OddsOf{_kind.title()}", (_Looked,), {"look": _without(f"of_{_kind}"), "__doc__": f"odds of the {_kind} are not read"}))  # fmt: skip


@fault
class SegmentValues(_Looked):
    """a segment's deals are worth as much as any"""

    look = _without("segment_value")


@fault
class FullSpeed(_Looked):
    """a rep without hours works at full speed"""

    def look(self, at: Any) -> None:
        at.desk_speed = [speed or 1.0 for speed in at.desk_speed]


@fault
class WaitLost(_Looked):
    """a lost deal waits as long as any"""

    def look(self, at: Any) -> None:
        at.drawn = [(dists, table, work, wait, wait) for dists, table, work, wait, _ in at.drawn]
        at.wait_lost, at.calendar_lost = at.wait, at.calendar


@fault
class CalendarOfLost(_Looked):
    """a lost deal's wait is in the clock of the other wait"""

    def look(self, at: Any) -> None:
        at.calendar_lost = at.calendar


@fault
class CalendarWaits(_Looked):
    """calendar days are taken for hours"""

    def look(self, at: Any) -> None:
        at.calendar = at.calendar_lost = [False] * len(at.calendar)


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
_reading("focus has one desk", lambda w: replace(w, desks=replace(w.desks, of=w.desks.of[:, :1].repeat(len(w.products), 1))))  # fmt: skip
_reading("everyone may take everything", _part("routes", may=_all(True)))
_reading("sources have no shares of their own", _part("routes", row=_all(0)))
_reading("sources follow the last one's rule", lambda w: _part("routes", rule=_all(w.routes.rule[-1]))(w))
_reading("shares are the same in all cells", _part("routes", shares=lambda s: np.broadcast_to(s[:, :1, :1], s.shape).copy()))  # fmt: skip
_reading("leads enter at the first stage", lambda w: replace(w, cells=tuple(replace(c, enters=0) for c in w.cells)))
_reading("every source follows the economy alike", lambda w: replace(w, cells=tuple(replace(c, economy=1.0) for c in w.cells)))  # fmt: skip
_reading("lists come evenly", lambda w: replace(w, cells=tuple(replace(c, spread=1) for c in w.cells)))
_reading("scores are strong from a half", lambda w: replace(w, strong_from=0.5))
_reading("the last stage books", lambda w: replace(w, stages=replace(w.stages, won=len(w.stages.names) - 1)))
_reading("segments are equally frequent", lambda w: replace(w, segment_shares=np.arange(1, len(w.segments) + 1) / len(w.segments)))  # fmt: skip
_reading("a product's value is the first one's", lambda w: replace(w, deal_values=np.full_like(w.deal_values, w.deal_values[0])))  # fmt: skip
