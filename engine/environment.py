"""SimPy's environment and resource with declared ties: the scheduling half of the readable engine.

SimPy orders simultaneous events by a counter that also counts its own internal events, so that two models with the
same rules can serve deals in different orders. Here every event of the model stands at an absolute time with a
declared key: (time, rank of its kind, entity key, visit). SimPy's internal events (a process starting, a request
granted) run at once, as a part of the event that caused them. Desks are handed over as the last thing of an instant,
in the order of their keys.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from enum import IntEnum
from heapq import heappop, heappush
from typing import Any

import simpy
from simpy.resources.resource import PriorityRequest

from engine.focus import clock_after, goes_first, served_after, served_at_first, stands_at


class Rank(IntEnum):
    """The order of kinds of events at one instant; the compiled twin uses the same numbers."""

    ARRIVAL = 1
    WORK_DONE = 2
    ANSWER = 3
    STALE = 4
    STAFF = 5  # who is there changes: those who leave hand their deals over, those who come begin
    HAND_OVER = 9  # a rep turns to the next deal only when everything else of the instant has happened


INTERNAL = -1


class Instant(simpy.Event):
    """An event of the model: triggered from the first, at an absolute time, with a declared place among its equals."""

    _ok = True
    _value = None


class KeyedEnvironment(simpy.Environment):
    """A SimPy environment in which ties are declared and times are absolute.

    ``timeout(T - now)`` would miss T by an ulp in some cases; `at` does not.
    """

    now: float = 0.0  # SimPy's is a property, and read ten times a visit

    def __init__(self, start: float = 0.0) -> None:
        super().__init__(start)
        self.now = start
        self._count = 0
        # SimPy's own list of events, whose entries are longer here.
        self.agenda: list[tuple[float, int, int, int, int, Any]] = self._queue  # type: ignore[assignment]
        self._hand_overs: list[tuple[int, Desk]] = []

    def at(self, time: float, rank: int, entity: int, visit: int = 0) -> Instant:
        """An event at the absolute `time` (not in the past), ordered by (time, rank, entity, visit)."""
        if not time >= self.now:
            raise ValueError(f"an event at {time!r} lies before the present, {self.now!r}")
        instant = Instant(self)
        self._count += 1
        heappush(self.agenda, (time, rank, entity, visit, self._count, instant))
        return instant

    def hand_over(self, desk: Desk) -> None:
        """Hand a desk over when everything else of this instant has happened: `Rank.HAND_OVER`, off the agenda."""
        heappush(self._hand_overs, (desk.key, desk))

    def schedule(self, event: simpy.Event, priority: Any = 1, delay: float = 0) -> None:
        """SimPy's internal events: at once, in the order of their making, before any other event of the model."""
        if delay:
            raise ValueError("the model schedules at absolute times: use `at` in place of `timeout`")
        if event._ok and not event.callbacks:  # nobody waits for it, as for most processes' ends: it has happened
            event.callbacks = None  # type: ignore[assignment]
            return
        self._count += 1
        heappush(self.agenda, (self.now, INTERNAL, 0, 0, self._count, event))

    def run_to(self, end: float) -> None:
        """Run every event up to `end`, `end` included."""
        agenda, hand_overs = self.agenda, self._hand_overs
        while True:
            if hand_overs and not (agenda and agenda[0][0] <= self.now):
                heappop(hand_overs)[1].serve_next()
            elif agenda and agenda[0][0] <= end:
                time, _, _, _, _, event = heappop(agenda)
                self.now = self._now = time
                callbacks, event.callbacks = event.callbacks, None
                for callback in callbacks:
                    callback(event)
                if not event._ok and not hasattr(event, "_defused"):
                    raise event._value
            else:
                break
        self.now = self._now = max(self.now, end)


class DeskRequest(PriorityRequest):
    """A deal's place in the queue for its rep: by class, then time entered, then deal key."""

    preempt = False
    proc = None  # who asks matters to preemption only

    def __init__(self, desk: Desk, priority: int, entered: float, deal: int, line: int, hours: float) -> None:
        # Not SimPy's way up through four constructors, which asks at once; `Desk.queue_for` does the asking.
        self.env = desk._env
        self.callbacks = []
        self.resource = desk
        self.priority = priority
        self.time = entered
        self.deal = deal
        self.line = line
        self.hours = hours
        self.key = desk.place(priority, entered, deal)  # type: ignore[assignment]

    def move(self, desk: Desk, line: int = 0) -> None:
        """Wait for another desk from here and now on, as one who has just come."""
        self.resource.put_queue.remove(self)
        self.resource, self.line, self.time = desk, line, self.env.now
        self.key = desk.place(self.priority, self.time, self.deal)  # type: ignore[assignment]
        desk.join(self)

    def grant(self) -> None:
        """The desk is the deal's, here and now."""
        self.usage_since = self.env.now
        self._ok, self._value = True, None
        callbacks, self.callbacks = self.callbacks, None  # type: ignore[assignment]
        for callback in callbacks:
            callback(self)


class KeyedQueue(list[Any]):
    """A queue kept in order by insertion: SimPy's own sorts the whole queue at every arrival."""

    def append(self, item: DeskRequest) -> None:
        """Put a request in its place."""
        if self:
            insort(self, item, key=_key)
        else:
            list.append(self, item)


def _key(request: DeskRequest) -> tuple[float, ...]:
    return request.key


class Desk(simpy.PriorityResource):
    """A rep's desk: one deal at a time, best class first; handed over as the last thing of an instant.

    `key` orders hand-overs of several desks at one instant. With several `weights` there is a line for each, and the
    next deal is the first of the line that has had the least work for its weight (`focus`).
    """

    PutQueue = KeyedQueue  # type: ignore[assignment]

    def __init__(self, env: KeyedEnvironment, key: int, weights: Sequence[float] = (1.0,)) -> None:
        super().__init__(env, capacity=1)
        self.key = key
        self.weights = weights
        self.served = [served_at_first(weight) for weight in weights]
        self.clock = 0.0
        self._handing_over = False

    def queue_for(self, priority: int, entered: float, deal: int, line: int = 0, hours: float = 0.0) -> DeskRequest:
        """Ask for the desk, for so many hours of work; the request is granted by a hand-over, never at once."""
        request = DeskRequest(self, priority, entered, deal, line, hours)
        self.join(request)
        return request

    def place(self, priority: int, entered: float, deal: int) -> tuple[float, ...]:
        """What the queue is sorted by."""
        return priority, entered, deal

    def join(self, request: DeskRequest) -> None:
        """Put a request in its place."""
        self.put_queue.append(request)
        self._ask()

    def leave(self, request: DeskRequest) -> None:
        """The deal is done with the desk."""
        self.users.remove(request)
        self._ask()

    def serve_next(self) -> None:
        """The rep turns to the first in the queue, unless all who waited went stale at this very instant."""
        self._handing_over = False
        if self.put_queue and not self.users:
            request = self.put_queue.pop(0) if len(self.weights) == 1 else self.next_in_line()
            self.users.append(request)
            request.grant()

    def next_in_line(self) -> Any:
        """The first deal of the line whose turn it is, out of the queue: the line has had its work from now on."""
        firsts: dict[int, DeskRequest] = {}
        for request in self.put_queue:
            firsts.setdefault(request.line, request)
        chosen, stood = None, 0.0
        for line, first in firsts.items():
            stands = stands_at(self.served[line], self.clock)
            if chosen is None or goes_first(
                stands, first.priority, first.time, first.deal, stood, chosen.priority, chosen.time, chosen.deal
            ):
                chosen, stood = first, stands
        assert chosen is not None, "asked for only where somebody waits"
        self.put_queue.remove(chosen)
        self.served[chosen.line] = served_after(stood, chosen.hours, self.weights[chosen.line])
        self.clock = clock_after(self.clock, stood)
        return chosen

    def _ask(self) -> None:
        if self.put_queue and not self.users and not self._handing_over:
            self._handing_over = True
            self._env.hand_over(self)  # type: ignore[attr-defined]
