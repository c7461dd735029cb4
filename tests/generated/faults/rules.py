"""Faults in the rules of a deal's way: what becomes of it, whose it is, when and where it is counted."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from engine.business import STALE, hours_left, settled, time_at_desk, visit_uniforms
from engine.demand import Cell
from engine.distributions import variate
from engine.outcomes import BUSY, OPEN, STALE_DEALS, Kind, Ledger, Outcome, Tally
from engine.routing import BY_SHARE, NOBODY
from engine.simpy_model import ENTERS, ON_ANSWER, ON_STALE, ON_WORK_DONE, WORKED, Deal, Model, Process
from tests.generated.faults.registry import fault

# --- a deal's way ----------------------------------------------------------------------------------------------------


class Rewritten(Model):
    """The way of a deal as the model has it, with the places at which it may go wrong."""

    queues_always = False  # asks for the desk though there is nothing to do
    keeps_place = False  # stays in the queue when it goes stale
    alarm_stays = False  # goes stale while it is worked on
    visits_by_stage = False  # draws by the number of the stage, not of the visit

    patience_anew = False  # is not stale at once when it comes back to a queue too late
    begins_anew = False  # does all the work again for another
    speed_of_entering = False  # works at the speed of the month in which the stage was entered
    counts_all = False  # counts the hours that would have been worked

    def deal(self, deal: Deal) -> Process:
        env, at = self.env, self.at
        while True:
            stage, entered = deal.stage, self.month
            self.flow(deal, ENTERS)
            stale_at = self.stale_at(stage, at.stale[stage])
            visit = stage if self.visits_by_stage else deal.visit
            work_u, wait_u, answer_u = visit_uniforms(*self.draw, deal.key, visit)
            hours = drawn = variate(self.dists, self.table, at.work[stage], work_u)
            wait = variate(self.dists, self.table, at.wait[stage], wait_u)
            while hours > 0.0 or (self.queues_always and drawn == 0.0):
                request = deal.request = deal.desk.queue_for(deal.priority, env.now, deal.key, deal.line, hours)
                overdue = self.patience_anew and stale_at <= env.now and hours < drawn
                yield self.turn(deal, request, math.inf if overdue else stale_at)
                if deal.given_up:
                    return
                if not request.triggered:
                    if not self.keeps_place:
                        request.cancel()
                    self.close(deal, STALE)
                    return
                desk, speed, leaves = deal.desk, self.speed(deal), at.leaves[deal.rep]
                if self.speed_of_entering:
                    speed = at.desk_speed[deal.desk.key][entered]
                done = env.now + time_at_desk(hours, speed)
                self.start(deal, request.time, done if self.counts_all else min(done, leaves))
                if self.alarm_stays and stale_at < min(done, leaves):
                    yield env.at(stale_at, ON_STALE, deal.key, deal.visit)
                    desk.leave(request)
                    self.close(deal, STALE)
                    return
                if done > leaves:
                    hours = hours if self.begins_anew else hours_left(hours, leaves - env.now, speed)
                    deal.left_alone = env.event()
                    yield deal.left_alone
                    continue
                yield env.at(done, ON_WORK_DONE, deal.key, deal.visit)
                desk.leave(request)
                self.note(WORKED, deal)
                break
            self.count_activities(deal)
            outcome, when = settled(
                wait, wait_u, answer_u, self.advance[stage], deal.odds[stage], self.odds_now(deal, self.place),
                self.pace_of(deal, self.place), env.now, self.dists, self.table, at.wait[stage], at.wait_lost[stage],
                stale_at, self.hours_at,
            )  # fmt: skip
            yield env.at(when, ON_STALE if outcome == STALE else ON_ANSWER, deal.key, deal.visit)
            if deal.given_up or not self.settle(deal, outcome):
                return


@fault
class QueuesAlways(Rewritten):
    """deals without work queue, too"""

    queues_always = True


@fault
class KeepsPlace(Rewritten):
    """a stale deal keeps its place in the queue"""

    keeps_place = True


@fault
class AlarmStays(Rewritten):
    """a deal goes stale while it is worked on"""

    alarm_stays = True


@fault
class VisitsByStage(Rewritten):
    """draws go by the number of the stage, not of the visit"""

    visits_by_stage = True


@fault
class PatienceBack(Rewritten):
    """a deal that comes back to a queue too late is not stale"""

    patience_anew = True


@fault
class WorkAnew(Rewritten):
    """who takes a deal over does all its work again"""

    begins_anew = True


@fault
class SpeedOfEntering(Rewritten):
    """work is done at the speed of the month in which the stage was entered"""

    speed_of_entering = True


@fault
class BusyAfterLeaving(Rewritten):
    """busy hours count work that a rep who leaves would have done"""

    counts_all = True


@fault
class MonthBefore(Model):
    """the odds are those of the month before the one in which the wait begins"""

    def odds_now(self, deal: Deal, place: int) -> float:
        return self.economy_now(deal) * self.of_month[deal.stage][max(place - 1, 0)]


@fault
class MonthOfTheFirstDay(Model):
    """an open deal's month is that of the first day, not the one in which it came"""

    def pace_of(self, deal: Deal, place: int) -> float:
        return super().pace_of(deal, max(place, self.world.months_table.past))


@fault
class PaceOfRepAlone(Model):
    """a deal's waits go by its rep alone"""

    def pace_of(self, deal: Deal, place: int) -> float:
        return float(deal.pace[0][deal.stage] * self.pace[deal.stage][place])


@fault
class EconomyAfterBooking(Model):
    """the economy moves stages after the booking"""

    def economy_now(self, deal: Deal) -> float:
        return float(self.economy[deal.region][self.month])


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
        month = self.entered.get(deal.key, self.month)  # an open deal's stage was entered before the first day
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


# --- whose it is -----------------------------------------------------------------------------------------------------


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
        deal.by_share = deal.by_share or (not by_owner and self.at.routes(deal, self.staff)[0] == BY_SHARE)


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


# --- when ------------------------------------------------------------------------------------------------------------


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
