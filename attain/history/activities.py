"""Which activities of a log are stages, and which of them end a case.

Activities that occur in the same cases are one step; the steps whose cases contain one another, from all cases down to
few, are the funnel. Where deals skip stages, as in a CRM's history of them, the stages stand in the order in which
deals come to them. Ends are found by name and checked by what follows them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from attain.history.columns import LOST, WON, ended_otherwise, plain, word
from attain.history.mapping import Mapping
from attain.history.presets import BY_NAME
from attain.history.records import HistoryRefused
from attain.wording import Series, sentence, told

SAME = 0.99  # share of cases in common from which two activities are one step
NESTED = 0.99  # share of a step's cases that must have passed the step before
FINAL = 0.99  # share of cases in which nothing of the funnel follows an end
MOST_STAGES = 12
_WON_WORDS = (*WON, "accepted", "activated", "approved", "registered", "完成签约", "生效")
_LOST_WORDS = (*LOST, "denied", "refused", "withdrawn", "expired", "拒绝", "撤回")


@dataclass(frozen=True, slots=True)
class Funnel:
    """The stages in order, the activity that ends the last of them, and the activities that end a case."""

    stages: tuple[str, ...]
    won: tuple[str, ...]  # the first is the step after the last stage; the others occur with it
    lost: tuple[str, ...]
    skips: bool = False  # whether deals may skip stages and come back from an end, as in a CRM's history of stages


def _is_lost(activity: str) -> bool:
    key = plain(activity)
    return any(key == w or (key.endswith(w) and len(w) >= 2) for w in _LOST_WORDS)


def _won_rank(activity: str) -> int:
    key = plain(activity)
    for rank, w in enumerate(_WON_WORDS):
        if key == w or (key.endswith(w) and len(w) >= 2):
            return rank
    return len(_WON_WORDS)


def find_funnel(firsts: pl.DataFrame, given: Mapping, notes: list[str], *, by_name: bool = False) -> Funnel:
    """The stages and ends of a log. ``firsts``: case, activity and the time of its first; ``notes`` gets what was
    found. ``by_name``: stages' names say which are won and lost, as in any history that says which stage a deal left.

    Raises HistoryRefused where no order of stages can be found.
    """
    present = set(firsts["activity"].unique().to_list())
    unknown = [a for a in (*given.stages, *given.won, *given.lost) if a not in present]
    if unknown:
        raise HistoryRefused(f"the mapping names activities that the log does not have: {', '.join(unknown)}")
    by_name = by_name or given.preset in BY_NAME or "from" in given.columns
    if given.stages and given.won:
        return Funnel(given.stages, given.won, given.lost, by_name)
    if by_name:
        return _by_name(firsts, given, notes)
    cases = {a: set(c) for a, c in firsts.group_by("activity").agg("case").iter_rows()}
    order = dict(_positions(firsts).iter_rows())
    names = sorted((a for a in cases if not _is_lost(a)), key=lambda a: (-len(cases[a]), order[a], a))
    groups = _groups(names, cases, order)
    chain = _chain(groups, cases)
    if len(chain) < 2 and any(word(a) == "won" for a in cases) and len(cases) >= 3:
        return _by_name(firsts, given, notes)
    if len(chain) < 2:
        raise HistoryRefused(
            "no order of stages can be found in the log: no activity's cases contain another's. "
            "Name the stages in a mapping (stages: [...], won: [...], lost: [...])"
        )
    last = sorted(chain[-1], key=lambda a: (_won_rank(a), order[a], a))
    won = tuple(given.won) or tuple(last)
    lost = tuple(given.lost) or tuple(sorted(a for a in cases if _is_lost(a) and _ends(a, won, cases)))
    steps = tuple(given.stages) or tuple(group[0] if i == 0 else group[-1] for i, group in enumerate(chain[:-1]))
    notes.append(told("log.stages", names=" > ".join((*steps, won[0]))))
    together = [
        sentence("log.with", others=", ".join(a for a in g if a != kept), kept=kept)
        for g, kept in zip(chain, (*steps, won[0]), strict=False)
        if len(g) > 1
    ]
    if together:
        notes.append(told("log.together", names=Series(tuple(together), "; ")))
    notes.append(told("log.ends", won=", ".join(won), lost=", ".join(lost) or told("log.no_activity")))
    return Funnel(steps, won, lost)


def _by_name(firsts: pl.DataFrame, given: Mapping, notes: list[str]) -> Funnel:
    """A CRM's history of stages: ends by their names, the others in the order in which deals come to them first."""
    names = firsts["activity"].unique(maintain_order=True).to_list()
    won = tuple(given.won) or tuple(a for a in names if word(a) == "won")
    lost = tuple(given.lost) or tuple(a for a in names if word(a) == "lost" or ended_otherwise(a))
    if not won:
        raise HistoryRefused(
            f"no stage of the history is called won ({', '.join(names[:8])}); name it in a mapping (won: [...])"
        )
    rest = [a for a in names if a not in won and a not in lost]
    # where a stage stands: how often deals that were in both came to it after the other
    order = dict(_positions(firsts).iter_rows())
    numbers = [re.match(r"\s*\D{0,3}(\d+)", a) for a in rest]
    if rest and all(numbers):
        rest.sort(key=lambda a: int(m[1]) if (m := re.match(r"\s*\D{0,3}(\d+)", a)) else 0)
    else:
        rest.sort(key=lambda a: (order[a], a))
    stages = tuple(given.stages) or tuple(rest)[:MOST_STAGES]
    if not stages:
        raise HistoryRefused("the history holds no stage besides won and lost; map one (stages: [...])")
    notes.append(told("log.history_stages", names=" > ".join((*stages, won[0]))))
    return Funnel(stages, won, lost, skips=True)


def _positions(firsts: pl.DataFrame) -> pl.DataFrame:
    """Mean time of an activity since its case began; of whole seconds, so exact in any order of summing."""
    since = pl.col("time") - pl.col("time").min().over("case")
    return (
        firsts.select("activity", since.dt.total_seconds().alias("since"))
        .group_by("activity")
        .agg(pl.col("since").mean())
    )


def _ends(activity: str, won: tuple[str, ...], cases: dict[str, set[str]]) -> bool:
    """Whether an activity ends cases: hardly any case that has it is won all the same, as after an offer made anew."""
    wins = set().union(*(cases[a] for a in won))
    return len(cases[activity] & wins) <= (1 - FINAL) * len(cases[activity])


def _groups(names: list[str], cases: dict[str, set[str]], order: dict[str, float]) -> list[list[str]]:
    groups: list[list[str]] = []
    for a in names:
        for group in groups:
            other = cases[group[0]]
            if len(cases[a] & other) >= SAME * len(cases[a] | other):
                group.append(a)
                break
        else:
            groups.append([a])
    for group in groups:
        group.sort(key=lambda a: (order[a], a))
    return groups


def _chain(groups: list[list[str]], cases: dict[str, set[str]]) -> list[list[str]]:
    """Groups whose cases contain one another, largest first; a side branch is skipped, since what follows is "
    "not in it."""
    size = {i: len(cases[g[0]]) for i, g in enumerate(groups)}
    order = sorted(size, key=lambda i: -size[i])
    inside = {
        (i, j): len(cases[groups[j][0]] & cases[groups[i][0]]) >= NESTED * size[j]
        for i in order
        for j in order
        if size[j] < size[i]
    }
    best: dict[int, list[int]] = {}
    for k, j in enumerate(order):  # the longest chain that ends here; ties to the larger groups
        before = [best[i] for i in order[:k] if inside.get((i, j))]
        best[j] = [*max(before, key=lambda c: (len(c), sum(size[i] for i in c)), default=[]), j]
    if not best:
        return []

    def rank(chain: list[int]) -> tuple[bool, int, int]:
        wins = min(_won_rank(a) for a in groups[chain[-1]]) < len(_WON_WORDS)
        return (wins, len(chain), sum(size[i] for i in chain))

    found = max(best.values(), key=rank)
    return [groups[i] for i in found[: MOST_STAGES - 1] + found[MOST_STAGES - 1 :][-1:]]
