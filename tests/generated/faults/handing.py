"""Faults in what happens to the deals of a rep who leaves."""

from __future__ import annotations

from engine.business import LOST, STALE, hand_over_uniform, lead_draws
from engine.outcomes import QUEUED
from engine.routing import NOBODY
from engine.simpy_model import HANDED_OVER, Deal, Model, Process
from tests.generated.faults.registry import fault


class Passing(Model):
    """How deals are passed on as the model has it, with the places at which it may go wrong."""

    as_they_came = False  # in the order in which they came in, not of their keys
    keeps_seniority = False  # keeps its time in the new queue
    waits_for_nothing = False  # the leaver's queue is not counted
    stays_in_load = False  # stays among the leaver's open deals until the end
    won_stay = False  # what has been won stays with the leaver
    given_up_as = STALE
    turns_stay = False  # who takes a deal over has not had a turn

    def staff_changes(self) -> Process:
        for number, time in enumerate(self.world.staffing.changes.tolist(), 1):
            yield self.env.at(time, 5, 0, number)
            self.staff, self.there = number, self.at.there[number]
            left = [deal for deal in self.alive.values() if not self.there[deal.rep]]
            for deal in left if self.as_they_came else sorted(left, key=lambda deal: deal.key):
                if not (self.won_stay and deal.stage > self.world.stages.won):
                    self.pass_on(deal)

    def uniform(self, deal: Deal) -> float:
        return hand_over_uniform(*self.draw, deal.key, self.staff - 1)

    def pass_on(self, deal: Deal) -> None:
        request, turns = deal.request, self.last_turn[deal.product][deal.region]
        waits, turn = request is not None and not request.triggered, turns[deal.segment]
        if waits and not self.waits_for_nothing:
            deal.ledger.rep[QUEUED] += self.env.now - request.time
        rep, _ = self.routed(deal, NOBODY, self.uniform(deal))
        if self.turns_stay:
            turns[deal.segment] = turn
        if rep == NOBODY:
            deal.given_up = True
            if waits:
                request.cancel()
            self.close(deal, self.given_up_as)
            return
        if deal.stage <= self.world.stages.won and not self.stays_in_load:
            self.open_deals[deal.rep] -= 1
        deal.rep = rep
        self.take(deal)
        self.note(HANDED_OVER, deal)
        if waits and self.keeps_seniority:
            request.resource.put_queue.remove(request)
            request.resource, request.line = deal.desk, deal.line
            deal.desk.join(request)
        elif waits:
            request.move(deal.desk, deal.line)
        elif deal.left_alone is not None:
            deal.left_alone.succeed()
            deal.left_alone = None


@fault
class AsTheyCame(Passing):
    """deals are handed over in the order in which they came in"""

    as_they_came = True


@fault
class Seniority(Passing):
    """a deal that is handed over keeps its time in the queue"""

    keeps_seniority = True


@fault
class QueueForgotten(Passing):
    """hours in the queue of a rep who left are not counted"""

    waits_for_nothing = True


@fault
class LoadOfLeavers(Passing):
    """deals stay among the open deals of a rep who left"""

    stays_in_load = True


@fault
class WonStay(Passing):
    """deals that are won stay with a rep who left"""

    won_stay = True


@fault
class GivenUpAsLost(Passing):
    """a deal that nobody takes over is lost, not stale"""

    given_up_as = LOST


@fault
class NobodysTurn(Passing):
    """who takes a deal over has not had a turn"""

    turns_stay = True


@fault
class TheLeadsUniform(Passing):
    """a share of deals handed over is drawn with the lead's uniform"""

    def uniform(self, deal: Deal) -> float:
        return float(lead_draws(*self.draw, deal.key)[3])


@fault
class OneUniform(Passing):
    """a deal handed over twice is drawn with one uniform"""

    def uniform(self, deal: Deal) -> float:
        return float(hand_over_uniform(*self.draw, deal.key, 0))


@fault
class OddsOfTheFirst(Model):
    """a deal keeps the odds of the rep who found it"""

    def take(self, deal: Deal) -> None:
        odds = deal.odds if deal.key in self.odds_of else None
        super().take(deal)
        if odds is not None:
            deal.odds = odds
        self.odds_of.add(deal.key)

    def run(self):  # type: ignore[no-untyped-def]
        self.odds_of: set[int] = set()
        return super().run()
