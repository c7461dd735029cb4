"""A second, independent simulation of deals, reps and stages, slow and plain: what happens when, given every draw.

No event heap, no SimPy, no compiled code: at each step every deal and every desk is asked what it would do next, and
the earliest happens. Ties go by (time, rank of the kind of event, key, visit), a desk being handed over last.

The model. At each stage a deal with work to do queues for its desk (best priority first, then who entered the stage
first, then the smaller key; nobody is interrupted), and is worked on for work / speed. Then the customer takes `wait`
and the deal advances or is lost. A deal whose age in the stage reaches `stale_after` while it queues, or before the
answer comes, goes stale; while it is worked on it does not, but then at once when the work is done. An answer at the
very instant of going stale still counts; a desk that becomes free at that instant comes too late.

A desk may have lines with weights: start-time fair queueing as its authors write it (Goyal, Vin, Cheng 1996), with tags
given as a line fills. The line with the smallest start tag is served; a line of no weight has the tag infinity.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

ARRIVAL, WORK_DONE, ANSWER, STALE, HAND_OVER = 1, 2, 3, 4, 9  # ranks of events at one instant


@dataclass(frozen=True)
class Visit:
    """One stage's scripted draws, in hours: effort, the customer's wait, the answer, and patience."""

    work: float = 0.0
    wait: float = 0.0
    advances: bool = True
    stale_after: float = math.inf


@dataclass(frozen=True)
class Deal:
    """A scripted deal; `visits` from its first stage on, as many as it can reach. `priority` 0 is served first.

    A deal open on the first day arrives at 0, its first visit without work and with the wait that is left.
    """

    key: int
    arrives: float
    desk: str
    visits: tuple[Visit, ...]
    priority: int = 0
    stage: int = 0
    value: float = 0.0
    line: str = ""


class Event(NamedTuple):
    """One line of the timeline; kinds are arrived, started, worked, advanced, booked, lost, stale."""

    time: float
    kind: str
    deal: int
    stage: int
    desk: str
    amount: float = 0.0


@dataclass
class _State:
    """Where a deal stands: what it does now, since when it is in its stage, and its next event."""

    deal: Deal
    doing: str = "coming"  # coming, queueing, working, waiting, gone
    visit: int = 0
    entered: float = 0.0
    due: float = math.inf
    rank: int = ARRIVAL

    @property
    def draws(self) -> Visit:
        return self.deal.visits[self.visit]

    @property
    def stage(self) -> int:
        return self.deal.stage + self.visit

    @property
    def stale_at(self) -> float:
        return self.entered + self.draws.stale_after

    def next_event(self) -> tuple[float, int, int, int]:
        return self.due, self.rank, self.deal.key, self.visit


@dataclass
class _Office:
    stages: int
    won: int
    speeds: Mapping[str, float]
    states: list[_State]
    weights: Mapping[tuple[str, str], float] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    start_tags: dict[tuple[str, str], float] = field(default_factory=dict)
    finish_tags: dict[tuple[str, str], float] = field(default_factory=dict)
    virtual: dict[str, float] = field(default_factory=dict)  # by desk: the start tag of whom it serves

    def queue(self, desk: str) -> list[_State]:
        """Who queues for the desk, in the order of service."""
        waiting = [s for s in self.states if s.deal.desk == desk and s.doing == "queueing"]
        return sorted(waiting, key=lambda s: (self.tag(s), s.deal.priority, s.entered, s.deal.key))

    def tag(self, state: _State) -> float:
        """The start tag of the deal's line."""
        return self.start_tags.get((state.deal.desk, state.deal.line), 0.0)

    def fill(self, state: _State) -> None:
        """The deal is about to queue: a line in which nobody waits gets its start tag now."""
        line = state.deal.desk, state.deal.line
        if not any(s.doing == "queueing" and (s.deal.desk, s.deal.line) == line for s in self.states):
            virtual = self.virtual.get(state.deal.desk, 0.0)
            tag = max(virtual, self.finish_tags.get(line, 0.0))
            self.start_tags[line] = math.inf if self.weights.get(line) == 0.0 else tag

    def tell(self, state: _State) -> None:
        """The deal is about to be served: the finish tag of its line, which is the start tag of the next in it."""
        line, tag = (state.deal.desk, state.deal.line), self.tag(state)
        if line in self.weights and tag < math.inf:
            self.virtual[state.deal.desk] = tag
            self.start_tags[line] = self.finish_tags[line] = tag + state.draws.work / self.weights[line]

    def busy(self, desk: str) -> bool:
        return any(s.doing == "working" and s.deal.desk == desk for s in self.states)

    def note(self, time: float, kind: str, state: _State, amount: float = 0.0) -> None:
        self.events.append(Event(time, kind, state.deal.key, state.stage, state.deal.desk, amount))

    def enter(self, state: _State, now: float) -> None:
        state.entered = now
        if state.draws.work > 0.0:
            self.fill(state)
            state.doing, state.due, state.rank = "queueing", state.stale_at, STALE
        else:
            self.ask_customer(state, now)

    def ask_customer(self, state: _State, now: float) -> None:
        answer, patience = now + state.draws.wait, max(state.stale_at, now)
        state.doing = "waiting"
        state.due, state.rank = (patience, STALE) if answer > patience else (answer, ANSWER)

    def serve(self, state: _State, now: float) -> None:
        self.tell(state)
        speed = self.speeds[state.deal.desk]
        state.doing, state.rank = "working", WORK_DONE
        state.due = now + state.draws.work / speed if speed > 0.0 else math.inf
        self.note(now, "started", state)

    def happen(self, state: _State) -> None:
        now, rank = state.due, state.rank
        if rank == ARRIVAL:
            self.note(now, "arrived", state)
            self.enter(state, now)
        elif rank == WORK_DONE:
            self.note(now, "worked", state)
            self.ask_customer(state, now)
        elif rank == ANSWER and state.draws.advances:
            self.note(now, "advanced", state)
            if state.stage == self.won:
                self.note(now, "booked", state, state.deal.value)
            if state.stage + 1 < self.stages:
                state.visit += 1
                self.enter(state, now)
            else:
                state.doing, state.due = "gone", math.inf
        else:
            self.note(now, "stale" if rank == STALE else "lost", state)
            state.doing, state.due = "gone", math.inf


def timeline(
    deals: Iterable[Deal],
    *,
    stages: int,
    won: int,
    end: float,
    speeds: Mapping[str, float] | None = None,
    weights: Mapping[tuple[str, str], float] | None = None,
) -> list[Event]:
    """All that happens up to and including `end`, in order.

    `won` is the stage whose passage books the deal; `speeds` are hours of work done in an hour, by desk, 1 where left
    out. Desks are handed over in the order of `speeds`, then of first mention. `weights` are those of the lines of each
    desk that has several.
    """
    scripted = list(deals)
    desks = dict.fromkeys([*(speeds or {}), *(d.desk for d in scripted)])
    office = _Office(
        stages,
        won,
        {d: (speeds or {}).get(d, 1.0) for d in desks},
        [_State(d, due=d.arrives) for d in scripted],
        dict(weights or {}),
    )
    now = -math.inf
    while True:
        first = min(office.states, key=_State.next_event, default=None)
        free = next((d for d in desks if office.queue(d) and not office.busy(d)), None)
        if free is not None and (first is None or first.next_event()[:2] > (now, HAND_OVER)):
            office.serve(office.queue(free)[0], now)
        elif first is None or first.due > end or first.due == math.inf:
            return office.events
        else:
            now = first.due
            office.happen(first)
