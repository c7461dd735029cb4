"""SimPy's environment and resource with declared ties: the scheduling half of the readable engine.

SimPy orders simultaneous events by a counter that also counts its own internal events, so that two models with the
same rules can serve deals in different orders. Here every event of the model stands at an absolute time with a
declared key: (time, rank of its kind, entity key, visit). SimPy's internal events (a process starting, a request
granted) run at once, as a part of the event that caused them.
"""

from __future__ import annotations

from bisect import insort
from enum import IntEnum
from heapq import heappop, heappush
from typing import Any

import simpy
from simpy.resources.resource import PriorityRequest


class Rank(IntEnum):
    """The order of kinds of events at one instant; the compiled twin uses the same numbers."""

    ARRIVAL = 1
    WORK_DONE = 2
    ANSWER = 3
    STALE = 4
    HAND_OVER = 9  # a rep turns to the next deal only when everything else of the instant has happened


INTERNAL = -1


class Instant(simpy.Event):
    """An event of the model: triggered, at an absolute time, with a declared place among its equals."""

    def __init__(self, env: KeyedEnvironment, time: float, rank: int, entity: int, visit: int) -> None:
        self.env = env
        self.callbacks = []
        self._value = None
        self._ok = True
        env._count += 1
        heappush(env.agenda, (time, rank, entity, visit, env._count, self))


class KeyedEnvironment(simpy.Environment):
    """A SimPy environment in which ties are declared and times are absolute.

    ``timeout(T - now)`` would miss T by an ulp in some cases; `at` does not.
    """

    def __init__(self, start: float = 0.0) -> None:
        super().__init__(start)
        self._count = 0
        # SimPy's own list of events, whose entries are longer here.
        self.agenda: list[tuple[float, int, int, int, int, Any]] = self._queue  # type: ignore[assignment]

    def at(self, time: float, rank: int, entity: int, visit: int = 0) -> Instant:
        """An event at the absolute `time` (not in the past), ordered by (time, rank, entity, visit)."""
        if not time >= self._now:
            raise ValueError(f"an event at {time!r} lies before the present, {self._now!r}")
        return Instant(self, time, rank, entity, visit)

    def schedule(self, event: simpy.Event, priority: Any = 1, delay: float = 0) -> None:
        """SimPy's internal events: at once, in the order of their making, before any other event of the model."""
        if delay:
            raise ValueError("the model schedules at absolute times: use `at` in place of `timeout`")
        self._count += 1
        heappush(self.agenda, (self._now, INTERNAL, 0, 0, self._count, event))

    def run_to(self, end: float) -> None:
        """Run every event up to `end`, `end` included."""
        agenda = self.agenda
        while agenda and agenda[0][0] <= end:
            self._now, _, _, _, _, event = heappop(agenda)
            callbacks, event.callbacks = event.callbacks, None
            for callback in callbacks:
                callback(event)
            if not event._ok and not hasattr(event, "_defused"):
                raise event._value
        self._now = max(self._now, end)


class DeskRequest(PriorityRequest):
    """A deal's place in the queue for its rep: by class, then time entered, then deal key."""

    def __init__(self, desk: Desk, priority: int, entered: float, deal: int) -> None:
        self.priority = priority
        self.preempt = False
        self.time = entered
        self.key = (priority, entered, deal)  # type: ignore[assignment]
        super(PriorityRequest, self).__init__(desk)


class KeyedQueue(list[Any]):
    """A queue kept in order by insertion: SimPy's own sorts the whole queue at every arrival."""

    def append(self, item: DeskRequest) -> None:
        """Put a request in its place."""
        insort(self, item, key=_key)


def _key(request: DeskRequest) -> tuple[int, float, int]:
    return request.key


class Desk(simpy.PriorityResource):
    """A rep's desk: one deal at a time, best class first; handed over as the last thing of an instant.

    `key` orders hand-overs of several desks at one instant.
    """

    PutQueue = KeyedQueue  # type: ignore[assignment]

    def __init__(self, env: KeyedEnvironment, key: int) -> None:
        super().__init__(env, capacity=1)
        self.key = key
        self._handing_over = False

    def queue_for(self, priority: int, entered: float, deal: int) -> DeskRequest:
        """Ask for the desk; the request is granted by a hand-over, never at once."""
        return DeskRequest(self, priority, entered, deal)

    def leave(self, request: DeskRequest) -> None:
        """The deal is done with the desk."""
        self.users.remove(request)
        self._trigger_put(None)

    def _trigger_put(self, get_event: Any) -> None:
        if self.put_queue and not self.users and not self._handing_over:
            self._handing_over = True
            env: KeyedEnvironment = self._env  # type: ignore[assignment]
            instant = env.at(env.now, Rank.HAND_OVER, self.key)
            instant.callbacks.append(self._hand_over)

    def _hand_over(self, _: simpy.Event) -> None:
        self._handing_over = False
        super()._trigger_put(None)
