"""What a back-test comes to, for screens and pages: does it hold, where is it not better, and why that may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from attain.backtest import summary
from attain.backtest.origins import HORIZONS
from attain.backtest.records import ATTAIN, RECALIBRATED

Row = dict[str, Any]
NARROW, WIDE = 0.3, 0.12  # mass of the transform's outer two of ten bins, 0.2 where the spread is right
OFF = 0.1  # of the mean transform from a half
LEVEL = 0.8
FAR = 0.2  # less coverage than elsewhere
ROOM = 0.05  # of coverage about 80%: what is called holding
SHORT = 2 * ROOM  # of coverage under 80%: what is said of a horizon whatever is said of all


@dataclass(frozen=True, slots=True)
class Losing:
    """A group of cells in which some baseline scores better, and which one is best."""

    level: str
    measure: str
    horizon: str
    best: str
    skill: float


@dataclass(frozen=True, slots=True)
class Short:
    """A horizon whose intervals as fitted held far less than 80%: the share, and the recalibrated ones'."""

    horizon: str
    raw: float
    recalibrated: float | None
    cells: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """``method``: whose intervals are told. ``holds``: whether its 80% intervals held about 80%, pooled by cells."""

    method: str
    covered: float
    cells: int
    holds: bool
    raw: float  # attain's own, as fitted
    reasons: tuple[str, ...]  # 'narrow', 'wide', 'low', 'high', 'reps', 'drift', 'season', 'budget'
    losing: tuple[Losing, ...]
    groups: int
    best: str | None  # the baseline that is hardest to beat, over all groups
    overall: float | None  # attain's skill against it
    few: bool  # fewer cells than coverage is judged by
    horizons: tuple[str, ...]  # those that are judged
    short: tuple[Short, ...] = ()  # judged or not: a plan is for longer than most horizons that can be judged

    @property
    def raw_holds(self) -> bool:
        """Whether the intervals as fitted held about 80%."""
        return abs(self.raw - LEVEL) <= ROOM


def verdict(told: Row) -> Verdict:
    """From ``summary.document``'s rows."""
    pooled = [r for r in told["coverage"] if r["level"] == "all" and r["interval"] == LEVEL]
    short = _short(pooled)
    method = RECALIBRATED if any(r["method"] == RECALIBRATED for r in pooled) else ATTAIN
    many = [r for r in pooled if r["method"] == method and r["cells"] >= summary.ENOUGH]
    told_of = {(r["horizon"], r["measure"]) for r in many}  # horizons with fewer cells are shown, and not judged by
    pooled = [r for r in pooled if (r["horizon"], r["measure"]) in told_of] if many else pooled
    covered, cells = _pooled(pooled, method)
    judged = headline(told["skill"])
    losing = tuple(
        Losing(r["level"], r["measure"], r["horizon"], r["best"], r["skill"])
        for r in judged
        if r["skill"] is not None and r["skill"] < 0
    )
    against = overall(judged, method)
    best = min(against, key=lambda m: against[m]) if against else None
    return Verdict(
        method, covered, cells, abs(covered - LEVEL) <= ROOM, _pooled(pooled, ATTAIN)[0], _reasons(told),
        losing, len(judged), best, against[best] if best else None, not many,
        tuple(h for h in HORIZONS if any(r["horizon"] == h for r in pooled)), short,
    )  # fmt: skip


def _short(pooled: list[Row]) -> tuple[Short, ...]:
    """The horizons that do not hold, each by itself: pooled with a shorter one, or left out for want of cells, one
    would not be seen."""
    out = []
    for horizon in HORIZONS:
        own = [r for r in pooled if r["horizon"] == horizon]
        raw, cells = _pooled(own, ATTAIN)
        if cells and raw < LEVEL - SHORT:
            again, scored = _pooled(own, RECALIBRATED)
            out.append(Short(horizon, raw, again if scored else None, cells))
    return tuple(out)


def _reps_worse(rows: list[Row]) -> bool:
    """Whether reps' intervals hold far less often than those of everything else."""
    own = [r for r in rows if r["interval"] == LEVEL and r["level"] != "all"]
    reps, cells = _pooled([r for r in own if r["level"] == "rep"], ATTAIN)
    others, rest = _pooled([r for r in own if r["level"] != "rep"], ATTAIN)
    return bool(cells and rest) and reps < others - FAR


def headline(rows: list[Row]) -> list[Row]:
    """A row a group: the recalibrated forecast's where there is one, else the fitted one's."""
    chosen: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        key = (row["level"], row["measure"], row["horizon"])
        if key not in chosen or row["method"] == RECALIBRATED:
            chosen[key] = row
    return list(chosen.values())


def overall(judged: list[Row], method: str) -> dict[str, float]:
    """Skill against each baseline over the groups that are told, whichever forecast of ours is told there."""
    found = summary.overall([{**row, "method": method} for row in judged])
    return found.get(method, {})


def _pooled(rows: list[Row], method: str) -> tuple[float, int]:
    own = [r for r in rows if r["method"] == method]
    cells = sum(r["cells"] for r in own)
    return sum(r["covered"] * r["cells"] for r in own) / max(1, cells), cells


def _reasons(told: Row) -> tuple[str, ...]:
    bins = told["pit"].get(ATTAIN, [])
    found = []
    if bins:
        ends = bins[0] + bins[-1]
        middle = sum(share * (i + 0.5) / len(bins) for i, share in enumerate(bins))
        found += ["narrow"] if ends > NARROW else ["wide"] if ends < WIDE else []
        found += ["low"] if middle > 0.5 + OFF else ["high"] if middle < 0.5 - OFF else []
    found += ["reps"] if _reps_worse(told["coverage"]) else []
    better = [r["best"] for r in told["skill"] if r["method"] == ATTAIN and (r["skill"] or 0.0) < 0]
    for method, reason in (("last_period", "drift"), ("last_year", "season"), ("budget", "budget")):
        if better.count(method) > len(told["skill"]) / 20:
            found.append(reason)
    return tuple(found)
