"""Faults in the order of what happens at one instant, and of queues."""

from __future__ import annotations

import math
from collections.abc import Callable
from heapq import heappush
from typing import Any

import pytest

from engine import environment
from engine.environment import Desk, Instant, KeyedEnvironment, Rank
from engine.simpy_model import Model
from tests.generated.faults.registry import fault


class _Reordered(Model):
    environment: type[KeyedEnvironment] = KeyedEnvironment
    desk: type[Desk] = Desk

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.env = self.environment(self.world.start)
        self.desks = [self.desk(self.env, key, weights) for key, weights in enumerate(self.at.weights)]


def _ordered_by(key: Callable[[int, int, int], tuple[int, ...]]) -> type[KeyedEnvironment]:
    """Events of one instant by key(rank, entity, visit), then in the order in which they were made."""

    class Ordered(KeyedEnvironment):
        def at(self, time: float, rank: int, entity: int, visit: int = 0) -> Instant:
            instant = Instant(self)
            self._count += 1
            event: Any = (time, *key(rank, entity, visit), self._count, instant)
            heappush(self.agenda, event)
            return instant

    return Ordered


@fault
class InsertionOrder(_Reordered):
    """ties go by the order in which events were made"""

    environment = _ordered_by(lambda rank, entity, visit: (0, 0, 0))


@fault
class RankThenInsertion(_Reordered):
    """ties of one rank go by the order in which events were made"""

    environment = _ordered_by(lambda rank, entity, visit: (rank, 0, 0))


@fault
class EntityBeforeRank(_Reordered):
    """ties go by entity before rank"""

    environment = _ordered_by(lambda rank, entity, visit: (0, entity, rank))


@fault
class SignedKeys(_Reordered):
    """keys are compared as signed numbers"""

    environment = _ordered_by(lambda rank, entity, visit: (rank, entity - (entity >> 63 << 64), visit))


@fault
class ShortKeys(_Reordered):
    """keys are compared by their highest 8 bits"""

    environment = _ordered_by(lambda rank, entity, visit: (rank, entity >> 56, visit))


def _swapped(a: int, b: int) -> type[KeyedEnvironment]:
    return _ordered_by(lambda rank, entity, visit: ({a: b, b: a}.get(rank, rank), entity, visit))


@fault
class WorkBeforeArrivals(_Reordered):
    """work is done before leads arrive"""

    environment = _swapped(Rank.ARRIVAL, Rank.WORK_DONE)


@fault
class AnswersBeforeWork(_Reordered):
    """answers come before work is done"""

    environment = _swapped(Rank.WORK_DONE, Rank.ANSWER)


@fault
class StaleBeforeAnswers(_Reordered):
    """deals go stale before answers come"""

    environment = _swapped(Rank.ANSWER, Rank.STALE)


@fault
class StaffBeforeAnswers(_Reordered):
    """who leaves has left before the answers of the instant come"""

    environment = _swapped(Rank.ANSWER, Rank.STAFF)


@fault
class StaffBeforeArrivals(_Reordered):
    """who begins or leaves does so before the leads of the instant arrive"""

    environment = _swapped(Rank.ARRIVAL, Rank.STAFF)


@fault
class HandedOverAtOnce(_Reordered):
    """a desk is handed over at once, not as the last thing of the instant"""

    class desk(Desk):  # noqa: N801
        def _ask(self) -> None:
            if self.put_queue and not self.users:
                self.serve_next()


@fault
class HandedOverBeforeStale(_Reordered):
    """desks are handed over before deals go stale"""

    class environment(KeyedEnvironment):  # noqa: N801
        def hand_over(self, desk: Desk) -> None:
            between: Any = (Rank.ANSWER + Rank.STALE) / 2
            self.at(self.now, between, desk.key).callbacks.append(lambda _: desk.serve_next())


@fault
class DesksAsAsked(_Reordered):
    """desks of one instant are handed over in the order in which they were asked for"""

    class environment(KeyedEnvironment):  # noqa: N801
        def hand_over(self, desk: Desk) -> None:
            self._count += 1
            heappush(self._hand_overs, (self._count, desk))


def _serving(key: Callable[[int, float, int], tuple[float, ...]]) -> type[Desk]:
    """A desk that serves by key(priority, entered, deal), then in the order of asking."""

    class Serving(Desk):
        def place(self, priority: int, entered: float, deal: int) -> tuple[float, ...]:
            return key(priority, entered, deal)

    return Serving


@fault
class QueueByKey(_Reordered):
    """a queue is served by class and key, whoever came first"""

    desk = _serving(lambda priority, entered, deal: (priority, deal))


@fault
class QueueByAsking(_Reordered):
    """who entered at one instant is served in the order of asking"""

    desk = _serving(lambda priority, entered, deal: (priority, entered))


@fault
class QueueSigned(_Reordered):
    """a queue compares keys as signed numbers"""

    desk = _serving(lambda priority, entered, deal: (priority, entered, deal - (deal >> 63 << 64)))


def _lines(**faulty: Callable[..., Any]) -> type[Desk]:
    """A desk at which one rule of `focus` is another."""

    class Lines(Desk):
        def next_in_line(self) -> Any:
            with pytest.MonkeyPatch.context() as patch:
                for name, rule in faulty.items():
                    patch.setattr(environment, name, rule)
                return super().next_in_line()

    return Lines


@fault
class OneLine(_Reordered):
    """a desk's lines are one queue"""

    class desk(Desk):  # noqa: N801
        def next_in_line(self) -> Any:
            return self.put_queue.pop(0)


@fault
class CreditIsBanked(_Reordered):
    """a line in which nobody waited catches up on it"""

    desk = _lines(stands_at=lambda served, clock: served)


@fault
class ClassBeforeLine(_Reordered):
    """a better class goes before the line whose turn it is"""

    desk = _lines(goes_first=lambda at, *of: (of[0], at, *of[1:3]) < (of[4], of[3], *of[5:]))


@fault
class LineBeforeAll(_Reordered):
    """of lines that stand alike the last is served"""

    desk = _lines(goes_first=lambda at, *of: at <= of[3])


@fault
class LinesAreAlike(_Reordered):
    """lines have one weight"""

    desk = _lines(served_after=lambda stands, hours, weight: stands + hours)


@fault
class DealsAreAlike(_Reordered):
    """a line's turns are counted, and not its hours"""

    desk = _lines(served_after=lambda stands, hours, weight: stands + 1.0 / weight if weight > 0.0 else math.inf)


@fault
class ClockOfNoWeight(_Reordered):
    """a line with no weight moves the clock"""

    desk = _lines(clock_after=lambda clock, stands: stands)


@fault
class LastComeFirstServed(_Reordered):
    """a queue serves who came last"""

    desk = _serving(lambda priority, entered, deal: (priority, -entered, deal))


@fault
class ClassIgnored(_Reordered):
    """a queue does not look at classes"""

    desk = _serving(lambda priority, entered, deal: (entered, deal))
