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
    answer,
    answer_to_open,
    choose,
    class_of,
    customer,
    deal_value,
    effort,
    lead_draws,
    month_of,
    stale_deadline,
    time_at_desk,
)
from engine.demand import Cell
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
from engine.routing import NOBODY, route
from engine.world import World

Process = Generator[Any, Any, None]
NO_CLASS = 0


class Deal:
    """One deal on its way: what it is, whose it is, where it stands."""

    __slots__ = ("key", "klass", "lever", "place", "priority", "product", "region", "rep", "segment", "source", "stage", "value", "visit")

    def __init__(self, key: int, source: int, product: int, region: int, stage: int) -> None:
        self.key = key
        self.source = source
        self.product = product
        self.region = region
        self.stage = stage
        self.segment = 0
        self.klass = NO_CLASS
        self.priority = 0
        self.value = 0.0
        self.rep = NOBODY
        self.visit = 0
        self.place = (NOBODY, product, region, 0)
        self.lever = -1


class Lookup:
    """A world's arrays as plain Python numbers, once for all its replications: the model reads them at every event."""

    def __init__(self, world: World) -> None:
        stages = world.stages
        self.work = stages.work.tolist()
        self.wait = stages.wait.tolist()
        self.wait_lost = stages.wait_lost.tolist()
        self.stale = stages.stale.tolist()
        self.stale_calendar = stages.stale_calendar.tolist()
        self.has_work = stages.has_work.tolist()
        self.of_rep = stages.of_rep.tolist()
        self.of_product = stages.of_product.tolist()
        self.of_segment = stages.of_segment.tolist()
        self.of_source = stages.of_source.tolist()
        self.of_class = stages.of_class.tolist()
        self.activities = [
            [(5 + a, float(count)) for a, count in enumerate(row) if count] for row in stages.activities
        ]
        self.desk_of = world.desks.of.tolist()
        self.desk_speed = world.desks.speed.tolist()
        self.month_ends = world.cal.month_ends.tolist()


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
        self.env = KeyedEnvironment(world.start)
        self.attribution = attribution
        self.tally = Tally(world, keep_log, attribution.count if attribution else 0)
        self.desks = [Desk(self.env, key) for key in range(len(world.desks.rep))]
        self.open_deals = np.zeros(len(world.reps), dtype=np.int64)
        self.last_turn = np.full((len(world.products), len(world.regions)), -1, dtype=np.int64)
        self.dists, self.table, self.hours_at = world.dists, world.table, world.cal.hours_at
        self.advance = self.parameters.advance.tolist()
        self.economy = self.parameters.odds.tolist()
        self.month = month_of(world.cal.month_ends, world.start)
        self.month_end = self.at.month_ends[self.month]

    # --- the run -----------------------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """Simulate from the first instant to the horizon's end, and sum up."""
        self.book_what_happened()
        for i in range(len(self.world.open_deals.key)):
            self.env.process(self.open_deal(i))
        for c, cell in enumerate(self.world.cells):
            self.env.process(self.lead_flow(cell, c))
        self.env.run_to(self.world.cal.horizon_hours)
        for rep, count in enumerate(self.open_deals.tolist()):
            self.tally.reps[rep][OPEN] = float(count)
        return self.tally.outcome()

    def book_what_happened(self) -> None:
        """Bookings between the horizon's start and as_of count as they are."""
        happened = self.world.happened
        source = len(self.world.sources) - 1
        for i, time in enumerate(happened.hours.tolist()):
            place = (
                int(happened.rep[i]), int(happened.product[i]), int(happened.region[i]), int(happened.segment[i]),
            )  # fmt: skip
            month = month_of(self.world.cal.month_ends, time)
            self.tally.add(WON, float(happened.deals_won[i]), time, month, place, source)
            self.tally.add(BOOKED, float(happened.bookings[i]), time, month, place, source)

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
            arrivals = thinned_arrivals(seed, replication, phase, purpose, cell.key, rates, ends, world.start)
        times, keys = arrivals
        for time, key in zip(times.tolist(), keys.tolist(), strict=True):
            yield self.env.at(time, Rank.ARRIVAL, key)
            deal = Deal(key, cell.source, cell.product, cell.region, cell.enters)
            self.qualify(deal, cell)
            if self.attribution is not None:
                self.attribute(deal, number)
            self.note(Kind.ARRIVED, deal)
            if deal.rep == NOBODY:
                continue  # nobody sells this here: the lead is turned away (`attain check` warns of it)
            self.count(LEADS, 1.0, deal)
            self.env.process(self.deal(deal))

    def deal(self, deal: Deal) -> Process:
        """A deal's way through the stages: queue for its rep, wait for the customer; advance, be lost or go stale."""
        env, at, (seed, replication, phase) = self.env, self.at, self.draw
        while True:
            stage, entered = deal.stage, env.now
            self.flow(deal, 0)
            stale_at = stale_deadline(entered, at.stale[stage], at.stale_calendar[stage], self.hours_at)
            if at.has_work[stage]:
                hours = effort(seed, replication, phase, deal.key, deal.visit, self.dists, self.table, at.work[stage])
                if hours > 0.0:
                    desk = at.desk_of[deal.rep][deal.product]
                    request = self.desks[desk].queue_for(deal.priority, entered, deal.key)
                    yield self.turn(deal, request, stale_at)
                    if not request.triggered:
                        request.cancel()
                        self.close(deal, STALE)
                        return
                    done = env.now + time_at_desk(hours, at.desk_speed[desk])
                    self.start(deal, entered, done)
                    yield env.at(done, Rank.WORK_DONE, deal.key, deal.visit)
                    self.desks[desk].leave(request)
                    self.note(Kind.WORKED, deal)
            self.count_activities(deal)
            outcome, when = answer(
                seed, replication, phase, deal.key, deal.visit, env.now, stale_at, *self.odds(deal),
                self.dists, self.table, at.wait[stage], at.wait_lost[stage], self.hours_at,
            )  # fmt: skip
            yield env.at(when, Rank.STALE if outcome == STALE else Rank.ANSWER, deal.key, deal.visit)
            if not self.settle(deal, outcome):
                return

    def open_deal(self, i: int) -> Process:
        """A deal open on the first day: its stage's work is done, its answer may be near; then it goes on like any."""
        world, env, at, (seed, replication, phase) = self.world, self.env, self.at, self.draw
        known = world.open_deals
        deal = Deal(known.key[i], int(known.source[i]), int(known.product[i]), int(known.region[i]), int(known.stage[i]))
        yield env.at(world.start, Rank.ARRIVAL, deal.key)
        self.qualify_open(deal, i)
        self.note(Kind.ARRIVED, deal)
        if deal.rep == NOBODY:
            return
        stage, age_hours, age_days = deal.stage, float(known.age_hours[i]), float(known.age_days[i])
        age = age_days if at.stale_calendar[stage] else age_hours
        left = max(at.stale[stage] - age, 0.0)
        outcome, when = answer_to_open(
            seed, replication, phase, deal.key, env.now,
            stale_deadline(env.now, left, at.stale_calendar[stage], self.hours_at), age_hours, age_days,
            *self.odds(deal), self.dists, self.table, at.wait[stage], at.wait_lost[stage], self.hours_at,
        )  # fmt: skip
        yield env.at(when, Rank.STALE if outcome == STALE else Rank.ANSWER, deal.key, deal.visit)
        if self.settle(deal, outcome):
            env.process(self.deal(deal))

    # --- what processes do -------------------------------------------------------------------------------------

    def qualify(self, deal: Deal, cell: Cell) -> None:
        """Learn who the customer is, what the deal is worth, and whose it is."""
        world, (seed, replication, phase) = self.world, self.draw
        value_u, known_u, which_u, rep_u = lead_draws(seed, replication, phase, deal.key)
        account = -1
        share = world.from_accounts[deal.source]
        if share > 0.0 and known_u < share:
            here = world.accounts.in_region[deal.region]
            if len(here):
                account = int(here[int(which_u * len(here))])
        scores = world.accounts.scores[account] if account >= 0 else None
        self.know(deal, scores, int(world.accounts.segment[account]) if account >= 0 else -1)
        deal.value = self.worth(deal, value_u)
        owner = int(world.accounts.owner[account]) if account >= 0 else NOBODY
        self.assign(deal, cell.rep if cell.rep >= 0 else owner, rep_u, by_owner=cell.rep >= 0)

    def qualify_open(self, deal: Deal, i: int) -> None:
        """The same for a deal that is open already: what is known of it stands, the rest is drawn."""
        known, (seed, replication, phase) = self.world.open_deals, self.draw
        value_u, _, _, rep_u = lead_draws(seed, replication, phase, deal.key)
        self.know(deal, known.scores[i], int(known.segment[i]))
        value = float(known.value[i])
        deal.value = self.worth(deal, value_u) if math.isnan(value) else math.floor(value * self.world.minor + 0.5)
        owner = int(known.owner[i])
        self.assign(deal, owner, rep_u, by_owner=owner != NOBODY)

    def know(self, deal: Deal, scores: Any, segment: int) -> None:
        """Segment and class: from what is known of the account, else drawn."""
        world, (seed, replication, phase) = self.world, self.draw
        drawn_segment = segment < 0 and len(world.segments) > 1
        deal.segment = max(segment, 0)
        if world.plan.customers is None and not drawn_segment:
            return
        money, authority, need, segment_u = customer(
            seed, replication, phase, deal.key, self.dists, self.table, *world.scores
        )
        if drawn_segment:
            deal.segment = choose(world.segment_shares, segment_u)
        if world.plan.customers is not None:
            drawn = (money, authority, need)
            m, a, n = (
                d if scores is None or math.isnan(s) else float(s)
                for d, s in zip(drawn, drawn if scores is None else scores, strict=True)
            )
            deal.klass = class_of(m, a, n, world.strong_from)
            deal.priority = deal.klass if world.class_priority else 0

    def worth(self, deal: Deal, u: float) -> float:
        """A deal's value drawn from its product's distribution, in minor units."""
        world = self.world
        multiplier = world.segment_value[deal.segment]
        return deal_value(u, multiplier, world.minor, self.dists, self.table, world.deal_values[deal.product])

    def assign(self, deal: Deal, owner: int, u: float, by_owner: bool) -> None:
        """Give the deal to its rep: whose it is already, else by the routing of its source."""
        routes, p, g = self.world.routes, deal.product, deal.region
        if by_owner:
            deal.rep = owner
        else:
            deal.rep = route(
                routes.rule[deal.source], owner, routes.shares[routes.row[deal.source], p, g],
                routes.may[p, g, deal.segment], self.open_deals, self.last_turn[p, g], u,
            )  # fmt: skip
            self.last_turn[p, g] = deal.rep
        deal.place = (deal.rep, p, g, deal.segment)
        if deal.rep != NOBODY and deal.stage <= self.world.stages.won:
            self.open_deals[deal.rep] += 1

    def turn(self, deal: Deal, request: DeskRequest, stale_at: float) -> Any:
        """Its turn at the desk, or the moment it goes stale, whichever is first."""
        if stale_at == math.inf:
            return request
        return self.env.any_of([request, self.env.at(stale_at, Rank.STALE, deal.key, deal.visit)])

    def start(self, deal: Deal, entered: float, done: float) -> None:
        """The rep turns to the deal: how long it waited, how long it will take."""
        now = self.env.now
        totals = self.tally.reps[deal.rep]
        totals[QUEUED] += now - entered
        totals[SERVED] += 1.0
        totals[BUSY] += min(done, self.world.cal.horizon_hours) - now
        self.note(Kind.STARTED, deal)

    def odds(self, deal: Deal) -> tuple[float, float, float, float, float, float, float]:
        """The stage's probability of advancing, and what multiplies its odds for this deal now."""
        at, stage = self.at, deal.stage
        before_won = stage <= self.world.stages.won
        return (
            self.advance[stage],
            at.of_rep[stage][deal.rep],
            at.of_product[stage][deal.product],
            at.of_segment[stage][deal.segment],
            at.of_source[stage][deal.source],
            at.of_class[stage][deal.klass],
            self.economy[deal.region][self.month_now()] if before_won else 1.0,
        )

    def settle(self, deal: Deal, outcome: int) -> bool:
        """The answer is in. Returns whether the deal goes on to another stage."""
        if outcome != ADVANCED:
            self.close(deal, outcome)
            return False
        self.flow(deal, 1)
        self.note(Kind.ADVANCED, deal)
        if deal.stage == self.world.stages.won:
            self.book(deal)
        deal.stage += 1
        deal.visit += 1
        return deal.stage < len(self.world.stages.names)

    def book(self, deal: Deal) -> None:
        """The deal is won: its value is booked here and now."""
        self.count(WON, 1.0, deal)
        self.count(BOOKED, deal.value, deal)
        self.open_deals[deal.rep] -= 1
        self.note(Kind.BOOKED, deal, deal.value)

    def close(self, deal: Deal, outcome: int) -> None:
        """The deal is lost or stale. After it was won, that is counted in the flow only: the booking stands."""
        stale = outcome == STALE
        self.flow(deal, 3 if stale else 2)
        self.note(Kind.STALE if stale else Kind.LOST, deal)
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
        if lever < 0 and deal.rep >= 0:
            lever = int(self.attribution.of_route[deal.product, deal.region, deal.rep])
        deal.lever = lever

    def count(self, measure: int, amount: float, deal: Deal) -> None:
        """Add to a measure where the deal stands, now."""
        self.tally.add(measure, amount, self.env.now, self.month_now(), deal.place, deal.source, deal.lever)

    def flow(self, deal: Deal, column: int) -> None:
        """Count a passage through a stage: entered, advanced, lost, stale."""
        self.tally.flow[deal.rep][deal.stage][self.month_now()][column] += 1.0

    def note(self, kind: Kind, deal: Deal, amount: float = 0.0) -> None:
        """A row of the event log, where one is kept."""
        if self.tally.log is not None:
            self.tally.log.append((self.env.now, kind, deal.key, deal.visit, deal.stage, deal.rep, amount))

    def month_now(self) -> int:
        """The month of the present instant; looked up only when the present has left the last one."""
        if self.env.now > self.month_end:
            self.month = month_of(self.world.cal.month_ends, self.env.now)
            self.month_end = self.at.month_ends[self.month]
        return self.month


def replicate(
    world: World, seed: int, replication: int, phase: int = 0, *, keep_log: bool = False, lookup: Lookup | None = None
) -> Outcome:
    """One replication by the SimPy model."""
    return Model(world, seed, replication, phase, keep_log=keep_log, lookup=lookup).run()
