"""The peer funnel by all programs that are here: do they simulate the same, and what does each take?

`compare` first holds every program's results against the SimPy script's, and only what agrees is timed: in turns, each
program in a fresh process in every turn, and within a turn one after the other in short slices, so that whatever else
the machine does falls on all of them. What it returns is a plain document, see `COLUMNS`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from benchmarks import peer_funnel
from benchmarks.peers.programs import SCRIPT, Absent, Program, ProgramFailed, Reply, Worker, our_name, running

COUNTS = ("leads", "deals won", "moves")
SIGMAS = 4.5  # a false alarm in 7e-6 of comparisons: 3e-4 of runs that compare 3 counts of 7 programs twice
DAYS = int(peer_funnel.DAYS)
CHECK_DAYS = 60  # a fifth of the slowest program's time, and a hundred wins a replication
CHECK_RUNS = 24  # finds, with 99% power, 3% of the leads, 20% of the wins (waits a tenth longer) and 5% of the moves
WARM_DAYS = 20  # what every process simulates unmeasured first
TURNS = 5
SLICES = 5  # of a turn
WITHIN = 1.5  # what our SimPy engine may take, in times of the script's time

Counts = Sequence[tuple[int, int, int]]

COLUMNS = {
    "program": "which one: an engine of ours, or a peer",
    "made_with": "its library or compiler, with its version",
    "replications": "how many were measured",
    "seconds_per_replication": "the median, in processor seconds",
    "fastest": "the fastest replication, in processor seconds",
    "slowest": "the slowest replication, in processor seconds",
    "moves_per_second": "moves of all measured replications over their seconds",
    "compile_seconds": "processor seconds that compiling takes, once; null where nothing is compiled",
    "over_compiled": "how many times our compiled engine's time: `median`, `least` and `most` of the turns' ratios of "
    "medians; null without that engine",
    "over_script": "the same, of the SimPy script's time",
    "means": "means over the measured replications of `leads`, `deals won` and `moves`",
    "apart": "by how many standard errors the means differ from the script's, in the check or over the measured "
    "replications, whichever is more; null for the script",
}


@dataclass
class Found:
    """What a program answered: in the check, and by turn."""

    program: Program
    checked: list[Reply] = field(default_factory=list)
    turns: list[list[Reply]] = field(default_factory=list)

    @property
    def replies(self) -> list[Reply]:
        """All measured replications."""
        return [reply for turn in self.turns for reply in turn]


def variances(days: float, wins: float) -> tuple[float, float, float]:
    """An upper bound for the variances of `COUNTS` in a replication with so many wins on average.

    Leads are Poisson, and so are the deals won, one lead in many. Moves are a compound Poisson sum: the leads' number
    times the second moment of a lead's visits. The horizon cuts visits short, which makes that an upper bound; what
    queues add to it is less than that cut.
    """
    leads = peer_funnel.LEADS_PER_DAY * days
    reach, second = 1.0, 0.0
    for stage, advance in enumerate(peer_funnel.ADVANCE):
        second += (2.0 * stage + 1.0) * reach  # E[V^2] is the sum over k of (2k - 1) P(V >= k)
        reach *= advance
    return leads, wins, leads * second


def means(counts: Counts) -> dict[str, float]:
    """The mean of each count."""
    return {name: statistics.fmean(column) for name, column in zip(COUNTS, zip(*counts, strict=True), strict=True)}


def apart(a: Counts, b: Counts, days: float) -> dict[str, float]:
    """By how many standard errors the means of a and b differ, by count."""
    of_a, of_b = means(a), means(b)
    wins = (of_a["deals won"] * len(a) + of_b["deals won"] * len(b)) / (len(a) + len(b))
    scale = 1.0 / len(a) + 1.0 / len(b)
    spread = zip(COUNTS, variances(days, max(wins, 1.0)), strict=True)
    return {name: (of_a[name] - of_b[name]) / math.sqrt(variance * scale) for name, variance in spread}


def disagreements(a: Counts, script: Counts, days: float) -> list[str]:
    """What a program does not agree with the script on, in sentences; empty where they simulate the same."""
    of_a, of_script = means(a), means(script)
    return [
        f"{name} in {days:g} days: {of_a[name]:,.1f}, the script's {of_script[name]:,.1f}, "
        f"{z:+.1f} standard errors apart"
        for name, z in apart(a, script, days).items()
        if not abs(z) <= SIGMAS
    ]


def counts(replies: Sequence[Reply]) -> Counts:
    """The counts of replies."""
    return [reply.counts for reply in replies]


class Field:
    """The programs that are still in it, and those that are not, with why."""

    def __init__(self, programs: Sequence[Program], say: Callable[[str], None]) -> None:
        self.found = {program.name: Found(program) for program in programs}
        self.out: dict[str, list[str]] = {}
        self.say = say

    def ask(self, found: Found, worker: Worker, seed: int, days: int) -> Reply | None:
        """A reply, or None from a program that fails; it is out then. No two programs share a seed."""
        place = list(self.found).index(found.program.name)
        try:
            return worker.ask(1_000_000 * place + seed, days)
        except ProgramFailed as error:
            self.out[found.program.name] = [str(error)]
            return None

    def within(self) -> list[Found]:
        """Those that are in it."""
        return [found for name, found in self.found.items() if name not in self.out]

    def judge(self, replies: Callable[[Found], Sequence[Reply]], days: int) -> None:
        """Out goes what does not simulate what the script does."""
        script = self.found[SCRIPT]
        if SCRIPT in self.out:
            raise ProgramFailed(self.out[SCRIPT][0])
        for found in self.within():
            if found is not script:
                wrong = disagreements(counts(replies(found)), counts(replies(script)), days)
                if wrong:
                    self.out[found.program.name] = wrong

    def check(self, runs: int, days: int) -> None:
        """Enough short replications of each to tell a difference, before any speed is of interest."""
        for found in self.within():
            self.say(f"Checking {found.program.name}: {runs} replications of {days} days")
            with running(found.program) as worker:
                for seed in range(1, runs + 1):
                    reply = self.ask(found, worker, seed, days)
                    if reply is None:
                        break
                    found.checked.append(reply)
        self.judge(lambda found: found.checked, days)

    def turn(self, seconds: float, days: int, first: int) -> None:
        """One turn: everybody in a fresh process and warm, then by turns until each has used so many seconds."""
        with ExitStack() as stack:
            workers = {f.program.name: stack.enter_context(running(f.program)) for f in self.within()}
            for found in self.within():
                found.turns.append([])
                self.ask(found, workers[found.program.name], 0, WARM_DAYS)
            for part in range(1, SLICES + 1):
                for found in self.within():
                    taken = found.turns[-1]
                    while not taken or sum(reply.seconds for reply in taken) < seconds * part / SLICES:
                        reply = self.ask(found, workers[found.program.name], first + len(taken), days)
                        if reply is None:
                            break
                        taken.append(reply)


def over(a: Found, b: Found | None) -> dict[str, float] | None:
    """How many times b's time a takes, turn by turn."""
    if b is None:
        return None
    ratios = [
        statistics.median(reply.seconds for reply in mine) / statistics.median(reply.seconds for reply in its)
        for mine, its in zip(a.turns, b.turns, strict=True)
    ]
    return {"median": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}


def row(found: Found, compiled: Found | None, script: Found, check_days: int, days: int) -> dict[str, Any]:
    """A program's row, see `COLUMNS`."""
    replies = found.replies
    seconds = [reply.seconds for reply in replies]
    checked = apart(counts(found.checked), counts(script.checked), check_days)
    measured = apart(counts(replies), counts(script.replies), days)
    return {
        "program": found.program.name,
        "made_with": found.program.made_with,
        "replications": len(replies),
        "seconds_per_replication": statistics.median(seconds),
        "fastest": min(seconds),
        "slowest": max(seconds),
        "moves_per_second": sum(reply.moves for reply in replies) / sum(seconds),
        "compile_seconds": found.program.compile_seconds,
        "over_compiled": over(found, compiled),
        "over_script": over(found, script),
        "means": means(counts(replies)),
        "apart": None if found is script else {name: max(checked[name], measured[name], key=abs) for name in COUNTS},
    }


def compare(
    programs: Sequence[Program | Absent],
    *,
    seconds: float = 3.0,
    turns: int = TURNS,
    days: int = DAYS,
    check_runs: int = CHECK_RUNS,
    check_days: int = CHECK_DAYS,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Check all programs against the script, then time those that agree: about so many seconds each in all.

    Every program makes one replication a turn at least, however long it takes. The full replications that were timed
    are checked as the short ones were, and nothing is told of the speed of a program that failed either check.
    Raises ProgramFailed where the script itself fails.
    """
    contest = Field([program for program in programs if isinstance(program, Program)], say)
    contest.check(check_runs, check_days)
    for turn in range(turns):
        say(f"Measuring, turn {turn + 1} of {turns}")
        contest.turn(seconds / turns, days, first=10_000 * (turn + 1))
    contest.judge(lambda found: found.replies, days)
    script = contest.found[SCRIPT]
    compiled = next((found for found in contest.within() if found.program.name == our_name("compiled")), None)
    return {
        "days": days,
        "turns": turns,
        "check_days": check_days,
        "check_runs": check_runs,
        "sigmas": SIGMAS,
        "rows": [row(found, compiled, script, check_days, days) for found in contest.within()],
        "disagree": [{"program": name, "because": contest.out[name]} for name in contest.found if name in contest.out],
        "absent": [{"program": p.name, "reason": p.reason} for p in programs if isinstance(p, Absent)],
    }
