"""A deal of the SimPy model, and the world's arrays as the model reads them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import simpy

from engine.business import standing_odds
from engine.environment import Desk, DeskRequest
from engine.outcomes import Ledger, LegsAt
from engine.routing import NOBODY
from engine.world import World

NO_CLASS = 0


class Deal:
    """One deal on its way: what it is, whose it is, where it stands."""

    __slots__ = (
        "by_share", "desk", "flow", "given_up", "key", "klass", "ledger", "left_alone", "lever", "line", "odds", "pace",
        "priority", "product", "region", "rep", "request", "segment", "source", "stage", "value", "visit",
    )  # fmt: skip
    desk: Desk
    line: int  # of those at the desk
    flow: list[list[list[float]]]  # the rep's passages: [stages][months][FLOW_COLUMNS]
    ledger: Ledger
    odds: list[float]  # [stages] what multiplies the odds of advancing, but for the economy and the month
    pace: tuple[list[float], list[float], list[float]]  # [stages] what multiplies waits: its rep, product and source

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
        self.by_share = False  # did its rep come from the plan's shares of leads?
        self.lever = -1
        self.request: DeskRequest | None = None  # its last place in a queue
        self.left_alone: simpy.Event | None = None  # its rep leaves before the work is done: when another takes over
        self.given_up = False  # its rep has left, and nobody else may take it


def _columns(table: Any) -> list[list[float]]:
    """A [stages, those] table as a list of columns: of each of those, by stage."""
    return list(table.T.tolist())


class Lookup:
    """A world's arrays as plain Python numbers, once for all its replications: the model reads them at every event."""

    def __init__(self, world: World) -> None:
        stages = world.stages
        self.wait = stages.wait.tolist()
        self.wait_lost = stages.wait_lost.tolist()
        self.work = stages.work.tolist()
        self.stale = stages.stale.tolist()
        self.stale_calendar = stages.stale_calendar.tolist()
        self.of_rep = stages.of_rep.tolist()
        self.of_product = stages.of_product.tolist()
        self.of_segment = stages.of_segment.tolist()
        self.of_source = stages.of_source.tolist()
        self.of_class = stages.of_class.tolist()
        self.pace_rep, self.pace_product, self.pace_source = map(
            _columns, (stages.pace_rep, stages.pace_product, stages.pace_source)
        )
        self.activities = [[(5 + a, float(count)) for a, count in enumerate(row) if count] for row in stages.activities]
        self.desk_of = world.desks.of.tolist()
        self.desk_speed = world.desks.by_month.tolist()
        first = world.desks.first_line.tolist()
        self.weights = [world.desks.weights[a:b].tolist() for a, b in pairwise(first)]  # of each desk's lines
        self.line_of = world.desks.line_of.tolist()
        self.there = world.staffing.there.tolist()
        self.leaves = world.staffing.until.tolist()
        self.from_accounts = world.from_accounts.tolist()
        self.segment_value = world.segment_value.tolist()
        self.deal_values = world.deal_values.tolist()
        self.month_ends = world.cal.month_ends.tolist()
        self.legs_at = LegsAt(world)
        self.classes = world.plan.customers is not None
        self._world = world
        self._odds: dict[tuple[int, int, int, int, int], list[float]] = {}
        self._routes: dict[tuple[int, int, int, int, int], tuple[int, Any, Any, Any]] = {}

    def with_odds(self, drawn: Mapping[str, Any]) -> Lookup:
        """This, with odds that a replication has drawn anew."""
        other = copy.copy(self)
        for name, odds in drawn.items():
            setattr(other, name, _columns(odds) if name.startswith("pace_") else odds.tolist())
        other._odds = {}
        return other

    def routes(self, deal: Deal, staff: int) -> tuple[int, Any, Any, Any]:
        """How the deal is routed: the rule, who may take it, those there by number, and their cumulated shares."""
        key = (staff, deal.source, deal.product, deal.region, deal.segment)
        found = self._routes.get(key)
        if found is None:
            routes, (_, source, *place) = self._world.routes, key
            found = self._routes[key] = int(routes.rule[source]), routes.may[*place], *routes.at(staff, source, *place)
        return found

    def odds(self, deal: Deal) -> list[float]:
        """[stages] what multiplies a deal's odds of advancing, whenever it is."""
        key = (deal.rep, deal.product, deal.segment, deal.source, deal.klass)
        found = self._odds.get(key)
        if found is None:
            tables = (self.of_rep, self.of_product, self.of_segment, self.of_source, self.of_class)
            found = self._odds[key] = [
                standing_odds(*(row[i] for row, i in zip(rows, key, strict=True))) for rows in zip(*tables, strict=True)
            ]
        return found
