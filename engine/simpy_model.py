"""The SimPy model: leads arrive, reps take them, deals move through the stages. The specification of both engines.

Each process reads like the business it stands for: a `lead_flow` for each cell of leads, a `deal` for each deal, a
`Desk` for each rep. What a process decides or draws is a rule of `business` or `routing`; when things happen at one
instant, `environment` declares their order; what came of it goes to the `Tally`. To change the business, subclass
`Model` and override a process.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

import numpy as np

from engine.arrivals import listed_arrivals, thinned_arrivals
from engine.business import (
    ADVANCED,
    STALE,
    answer_to_open,
    choose,
    class_of,
    customer,
    deal_value,
    hand_over_uniform,
    hours_left,
    lead_draws,
    month_of,
    settled,
    stale_deadline,
    standing_pace,
    time_at_desk,
    visit_uniforms,
)
from engine.deal import Deal as Deal
from engine.deal import Lookup as Lookup
from engine.demand import Cell
from engine.distributions import variate
from engine.draws import LEAD, PROSPECT
from engine.environment import Desk, DeskRequest, KeyedEnvironment, Rank
from engine.outcomes import (
    BOOKED,
    BUSY,
    LEADS,
    LOST_DEALS,
    OPEN,
    QUEUED,
    SERVED,
    STALE_DEALS,
    WON,
    Attribution,
    Kind,
    Outcome,
    Tally,
)
from engine.realise import Parameters, realise
from engine.routing import BY_SHARE, NOBODY, route
from engine.world import World

Process = Generator[Any, Any, None]
# Members looked up once: in an enumeration that costs as much as putting an event on the agenda.
ON_ARRIVAL, ON_WORK_DONE, ON_ANSWER, ON_STALE, ON_STAFF, _ = Rank
ARRIVED, STARTED, WORKED, MOVED_ON, GONE, GONE_STALE, SIGNED, HANDED_OVER = Kind
# Columns of the flow.
ENTERS, ADVANCES, IS_LOST, GOES_STALE = range(4)


class Model:
    """One replication of a world in SimPy. `run` returns its `Outcome`."""

    def __init__(
        self,
        world: World,
        seed: int,
        replication: int,
        phase: int = 0,
        *,
        keep_log: bool = False,
        lookup: Lookup | None = None,
        parameters: Parameters | None = None,
        attribution: Attribution | None = None,
    ) -> None:
        self.world = world
        self.at = lookup or Lookup(world)
        self.draw = (seed, replication, phase)
        self.parameters = parameters or realise(world, seed, replication, phase)
        if self.parameters.multipliers:
            self.at = self.at.with_odds(self.parameters.multipliers)
        self.env = KeyedEnvironment(world.start)
        self.attribution = attribution
        self.tally = Tally(world, self.at.legs_at, keep_log, attribution.count if attribution else 0)
        self.desks = [Desk(self.env, key, weights) for key, weights in enumerate(self.at.weights)]
        self.staff, self.there = 0, self.at.there[0]  # the number of the staff; whether a rep is there
        self.alive: dict[int, Deal] = {}
        self.open_deals = np.zeros(len(world.reps), dtype=np.int64)
        # Whose turn it was last, by who may take a deal: its product, region and segment.
        self.last_turn = [[[NOBODY] * len(world.segments) for _ in world.regions] for _ in world.products]
        drawn = self.parameters
        self.dists = world.dists if drawn.dists is None else drawn.dists
        self.table = world.table if drawn.table is None else drawn.table
        self.hours_at = world.cal.hours_at
        self.advance = self.parameters.advance.tolist()
        self.economy = self.parameters.odds.tolist()
        self.of_month, self.pace = drawn.month_odds.tolist(), drawn.month_pace.tolist()
        self.month = month_of(world.cal.month_ends, world.start)

    # --- the run -----------------------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """Simulate from the first instant to the horizon's end, and sum up."""
        self.book_what_happened()
        for i in range(len(self.world.open_deals.key)):
            self.env.process(self.open_deal(i))
        for c, cell in enumerate(self.world.cells):
            self.env.process(self.lead_flow(cell, c))
        if len(self.world.staffing.changes):
            self.env.process(self.staff_changes())
        for month in range(self.month, len(self.at.month_ends)):
            self.month = month  # an instant on a boundary belongs to the month that ends there
            self.env.run_to(self.at.month_ends[month])
        for rep, count in enumerate(self.open_deals.tolist()):
            self.tally.reps[rep][OPEN] = float(count)
        return self.tally.outcome()

    def book_what_happened(self) -> None:
        """Bookings between the horizon's start and as_of count as they are."""
        happened = self.world.happened
        source = len(self.world.sources) - 1
        for i in range(len(happened.day)):
            ledger = self.tally.ledger(
                int(happened.rep[i]),
                int(happened.product[i]),
                int(happened.region[i]),
                int(happened.segment[i]),
                source,
            )
            month, day = int(happened.month[i]), int(happened.day[i])
            self.tally.add_actual(ledger, WON, float(happened.deals_won[i]), day, month)
            self.tally.add_actual(ledger, BOOKED, float(happened.bookings[i]), day, month)

    # --- processes ---------------------------------------------------------------------------------------------

    def lead_flow(self, cell: Cell, number: int) -> Process:
        """The leads of one cell, as they come."""
        world, (seed, replication, phase) = self.world, self.draw
        if cell.count >= 0:
            end = world.cal.horizon_hours
            arrivals = listed_arrivals(seed, replication, phase, cell.key, cell.count, cell.spread, world.start, end)
        else:
            purpose = PROSPECT if cell.rep >= 0 else LEAD
            rates = self.parameters.rates[number]
            ends = world.cal.month_ends
            since = max(world.start, cell.since)
            arrivals = thinned_arrivals(seed, replication, phase, purpose, cell.key, rates, ends, since, cell.until)
        times, keys = arrivals
        for time, key in zip(times.tolist(), keys.tolist(), strict=True):
            yield self.env.at(time, ON_ARRIVAL, key)
            deal = Deal(key, cell.source, cell.product, cell.region, cell.enters)
            self.qualify(deal, cell)
            if self.attribution is not None:
                self.attribute(deal, number)
            self.note(ARRIVED, deal)
            if deal.rep == NOBODY:
                continue  # nobody sells this here: the lead is turned away (`attain check` warns of it)
            self.count(LEADS, 1.0, deal)
            self.env.process(self.deal(deal))

    def deal(self, deal: Deal) -> Process:
        """A deal's way through the stages: queue for its rep, wait for the customer; advance, be lost or go stale."""
        env, at, draw = self.env, self.at, self.draw
        while True:
            stage = deal.stage
            self.flow(deal, ENTERS)
            stale_at = self.stale_at(stage, at.stale[stage])
            work_u, wait_u, answer_u = visit_uniforms(*draw, deal.key, deal.visit)
            hours = variate(self.dists, self.table, at.work[stage], work_u)
            wait = variate(self.dists, self.table, at.wait[stage], wait_u)
            while hours > 0.0:
                request = deal.request = deal.desk.queue_for(deal.priority, env.now, deal.key, deal.line, hours)
                yield self.turn(deal, request, stale_at)
                if deal.given_up:
                    return
                if not request.triggered:
                    request.cancel()
                    self.close(deal, STALE)
                    return
                desk, speed, leaves = deal.desk, self.speed(deal), at.leaves[deal.rep]
                done = env.now + time_at_desk(hours, speed)
                self.start(deal, request.time, min(done, leaves))
                if done > leaves:
                    hours = hours_left(hours, leaves - env.now, speed)
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

    def open_deal(self, i: int) -> Process:
        """A deal open on the first day: its stage's work is done, its answer may be near; then it goes on like any."""
        world, env, at = self.world, self.env, self.at
        known = world.open_deals
        deal = Deal(
            known.key[i], int(known.source[i]), int(known.product[i]), int(known.region[i]), int(known.stage[i])
        )
        yield env.at(world.start, ON_ARRIVAL, deal.key)
        self.qualify_open(deal, i)
        self.note(ARRIVED, deal)
        if deal.rep == NOBODY:
            return
        stage, age_hours, age_days = deal.stage, float(known.age_hours[i]), float(known.age_days[i])
        began = int(world.months_table.began[i])
        age = age_days if at.stale_calendar[stage] else age_hours
        left = max(at.stale[stage] - age, 0.0)
        outcome, when = answer_to_open(
            *self.draw, deal.key, env.now, self.stale_at(stage, left), age_hours, age_days, self.advance[stage],
            deal.odds[stage], self.odds_now(deal, began),
            self.pace_of(deal, began), self.dists, self.table, at.wait[stage], at.wait_lost[stage], self.hours_at,
        )  # fmt: skip
        yield env.at(when, ON_STALE if outcome == STALE else ON_ANSWER, deal.key, deal.visit)
        if not deal.given_up and self.settle(deal, outcome):
            env.process(self.deal(deal))

    def staff_changes(self) -> Process:
        """Reps leave and begin: the last thing of an instant but for desks, which then find who waits for whom."""
        for number, time in enumerate(self.world.staffing.changes.tolist(), 1):
            yield self.env.at(time, ON_STAFF, 0, number)
            self.staff, self.there = number, self.at.there[number]
            left = [deal for deal in self.alive.values() if not self.there[deal.rep]]
            for deal in sorted(left, key=lambda deal: deal.key):
                self.pass_on(deal)

    # --- what processes do -------------------------------------------------------------------------------------

    def qualify(self, deal: Deal, cell: Cell) -> None:
        """Learn who the customer is, what the deal is worth, and whose it is."""
        world = self.world
        value_u, known_u, which_u, rep_u = lead_draws(*self.draw, deal.key)
        account = -1
        share = self.at.from_accounts[deal.source]
        if share > 0.0 and known_u < share:
            here = world.accounts.in_region[deal.region]
            if len(here):
                account = int(here[int(which_u * len(here))])
        owner = NOBODY
        if account >= 0:
            owner = int(world.accounts.owner[account])
            self.know(deal, world.accounts.scores[account], int(world.accounts.segment[account]))
        else:
            self.know(deal, None, -1)
        deal.value = self.worth(deal, value_u)
        self.assign(deal, cell.rep if cell.rep >= 0 else owner, rep_u, by_owner=cell.rep >= 0)

    def qualify_open(self, deal: Deal, i: int) -> None:
        """The same for a deal that is open already: what is known of it stands, the rest is drawn."""
        known = self.world.open_deals
        value_u, _, _, rep_u = lead_draws(*self.draw, deal.key)
        self.know(deal, known.scores[i], int(known.segment[i]))
        value = float(known.value[i])
        deal.value = self.worth(deal, value_u) if math.isnan(value) else math.floor(value * self.world.minor + 0.5)
        owner = int(known.owner[i])
        self.assign(deal, owner, rep_u, by_owner=owner != NOBODY)

    def know(self, deal: Deal, scores: Any, segment: int) -> None:
        """Segment and class: from what is known of the account, else drawn."""
        world = self.world
        drawn_segment = segment < 0 and len(world.segments) > 1
        deal.segment = max(segment, 0)
        if not self.at.classes and not drawn_segment:
            return
        *drawn, segment_u = customer(*self.draw, deal.key, self.dists, self.table, *world.scores)
        money, authority, need = drawn
        if drawn_segment:
            deal.segment = choose(world.segment_shares, segment_u)
        if self.at.classes:
            if scores is not None:
                known = zip(drawn, scores.tolist(), strict=True)
                money, authority, need = (d if math.isnan(s) else s for d, s in known)
            deal.klass = class_of(money, authority, need, world.strong_from)
            deal.priority = deal.klass if world.class_priority else 0

    def worth(self, deal: Deal, u: float) -> float:
        """A deal's value drawn from its product's distribution, in minor units."""
        multiplier, row = self.at.segment_value[deal.segment], self.at.deal_values[deal.product]
        return deal_value(u, multiplier, self.world.minor, self.dists, self.table, row)

    def assign(self, deal: Deal, owner: int, u: float, by_owner: bool) -> None:
        """Give the deal to its rep: whose it is already, if they are there, else by the routing of its source."""
        if owner != NOBODY and not self.there[owner]:
            owner, by_owner = NOBODY, False
        if by_owner:
            deal.rep = owner
        else:
            deal.rep, deal.by_share = self.routed(deal, owner, u)
        if deal.rep != NOBODY:
            self.alive[deal.key] = deal
            self.take(deal)

    def routed(self, deal: Deal, owner: int, u: float) -> tuple[int, bool]:
        """Who gets the deal by the routing of its source, and whether by share. It is their turn."""
        rule, may, takers, reached = self.at.routes(deal, self.staff)
        turns = self.last_turn[deal.product][deal.region]
        rep = route(rule, owner, may, takers, reached, self.open_deals, turns[deal.segment], u)
        if rep != owner:  # what an account's owner gets is nobody's turn
            turns[deal.segment] = rep
        return rep, rule == BY_SHARE and rep != owner

    def take(self, deal: Deal) -> None:
        """The deal is its rep's from here on."""
        rep, p = deal.rep, deal.product
        deal.desk = self.desks[self.at.desk_of[rep][p]]
        deal.line = self.at.line_of[rep][p][deal.region]
        deal.odds = self.at.odds(deal)
        at = self.at
        deal.pace = at.pace_rep[rep], at.pace_product[p], at.pace_source[deal.source]
        deal.flow = self.tally.flow[rep]
        deal.ledger = self.tally.ledger(rep, p, deal.region, deal.segment, deal.source)
        if deal.stage <= self.world.stages.won:
            self.open_deals[rep] += 1

    def pass_on(self, deal: Deal) -> None:
        """Its rep has left: the deal goes to another, by the routing of its source; to nobody, and it goes stale."""
        request = deal.request
        waits = request is not None and not request.triggered
        if waits:
            deal.ledger.rep[QUEUED] += self.env.now - request.time  # type: ignore[union-attr]
        rep, _ = self.routed(deal, NOBODY, hand_over_uniform(*self.draw, deal.key, self.staff - 1))
        if rep == NOBODY:
            deal.given_up = True
            if waits:
                request.cancel()  # type: ignore[union-attr]
            self.close(deal, STALE)
        else:
            if deal.stage <= self.world.stages.won:
                self.open_deals[deal.rep] -= 1
            deal.rep = rep
            self.take(deal)
            self.note(HANDED_OVER, deal)
            if waits:
                request.move(deal.desk, deal.line)  # type: ignore[union-attr]
            elif deal.left_alone is not None:
                deal.left_alone.succeed()
                deal.left_alone = None

    def turn(self, deal: Deal, request: DeskRequest, stale_at: float) -> Any:
        """Its turn at the desk, or the moment it goes stale, whichever is first."""
        if stale_at == math.inf:
            return request
        return self.env.any_of([request, self.env.at(max(stale_at, self.env.now), ON_STALE, deal.key, deal.visit)])

    def speed(self, deal: Deal) -> float:
        """Hours of work that its rep does for the deal in a working hour, begun now."""
        return self.at.desk_speed[deal.desk.key][self.month]

    def start(self, deal: Deal, entered: float, done: float) -> None:
        """The rep turns to the deal: how long it waited, how long it will take."""
        now = self.env.now
        totals = deal.ledger.rep
        totals[QUEUED] += now - entered
        totals[SERVED] += 1.0
        totals[BUSY] += min(done, self.world.cal.horizon_hours) - now
        self.note(STARTED, deal)

    def stale_at(self, stage: int, patience: float) -> float:
        """When a deal that enters the stage now goes stale."""
        if patience == math.inf:
            return patience
        return stale_deadline(self.env.now, patience, self.at.stale_calendar[stage], self.hours_at)

    @property
    def place(self) -> int:
        """This month's place in the tables of what a stage's months share."""
        return self.world.months_table.past + self.month

    def economy_now(self, deal: Deal) -> float:
        """What the economy multiplies the deal's odds by, now; it leaves alone what comes after the booking."""
        return self.economy[deal.region][self.month] if deal.stage <= self.world.stages.won else 1.0

    def odds_now(self, deal: Deal, place: int) -> float:
        """What the economy and the month in which it came to its stage multiply the deal's odds by."""
        return self.economy_now(deal) * self.of_month[deal.stage][place]

    def pace_of(self, deal: Deal, place: int) -> float:
        """What multiplies the deal's waits in its stage."""
        rep, product, source = (of[deal.stage] for of in deal.pace)
        return float(standing_pace(rep, product, source, self.pace[deal.stage][place]))

    def settle(self, deal: Deal, outcome: int) -> bool:
        """The answer is in. Returns whether the deal goes on to another stage."""
        if outcome != ADVANCED:
            self.close(deal, outcome)
            return False
        self.flow(deal, ADVANCES)
        self.note(MOVED_ON, deal)
        if deal.stage == self.world.stages.won:
            self.book(deal)
        deal.stage += 1
        deal.visit += 1
        if deal.stage == len(self.world.stages.names):
            del self.alive[deal.key]
            return False
        return True

    def book(self, deal: Deal) -> None:
        """The deal is won: its value is booked here and now."""
        self.count(WON, 1.0, deal)
        self.count(BOOKED, deal.value, deal)
        self.open_deals[deal.rep] -= 1
        self.note(SIGNED, deal, deal.value)

    def close(self, deal: Deal, outcome: int) -> None:
        """The deal is lost or stale. After it was won, that is counted in the flow only: the booking stands."""
        stale = outcome == STALE
        del self.alive[deal.key]
        self.flow(deal, GOES_STALE if stale else IS_LOST)
        self.note(GONE_STALE if stale else GONE, deal)
        if deal.stage <= self.world.stages.won:
            measure = STALE_DEALS if stale else LOST_DEALS
            self.count(measure, 1.0, deal)
            self.open_deals[deal.rep] -= 1

    def count_activities(self, deal: Deal) -> None:
        """Visits, bids and whatever else the stage counts, when its work is done."""
        for measure, count in self.at.activities[deal.stage]:
            self.count(measure, count, deal)

    def attribute(self, deal: Deal, cell: int) -> None:
        """Remember which lever brought the deal."""
        assert self.attribution is not None, "asked for only where there is one"
        lever = int(self.attribution.of_cell[cell])
        if lever < 0 and deal.by_share and self.world.routes.row[deal.source] == 0:
            lever = int(self.attribution.of_route[deal.product, deal.region, deal.rep])
        deal.lever = lever

    def count(self, measure: int, amount: float, deal: Deal) -> None:
        """Add to a measure where the deal stands, now."""
        self.tally.add(deal.ledger, measure, amount, self.env.now, self.month, deal.lever)

    def flow(self, deal: Deal, column: int) -> None:
        """Count a passage through a stage: entered, advanced, lost, stale."""
        deal.flow[deal.stage][self.month][column] += 1.0

    def note(self, kind: Kind, deal: Deal, amount: float = 0.0) -> None:
        """A row of the event log, where one is kept."""
        if self.tally.log is not None:
            self.tally.log.append((self.env.now, kind, deal.key, deal.visit, deal.stage, deal.rep, amount))


def replicate(
    world: World, seed: int, replication: int, phase: int = 0, *, keep_log: bool = False, lookup: Lookup | None = None
) -> Outcome:
    """One replication by the SimPy model."""
    return Model(world, seed, replication, phase, keep_log=keep_log, lookup=lookup).run()
