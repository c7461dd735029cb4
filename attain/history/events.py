"""A log of stage events, one row an event, read into a ``History``: its stages, its ends, its visits.

Which activities are stages is found from the data. Activities that occur in the same cases are one step; the steps
whose cases contain one another, from all cases down to few, are the funnel. Ends are found by name and checked by
what follows them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from attain.history.cells import Column, read_amount, read_dates, read_name
from attain.history.columns import EVENT, LOST, WON, guess, header_unit, plain
from attain.history.known import events_by
from attain.history.mapping import Mapping
from attain.history.records import History, HistoryRefused, Refusal
from engine.fit.incidence import ADVANCED, OPEN
from engine.fit.incidence import LOST as LOST_CODE
from engine.plan.tables import Table, TableRefused, read_table

SAME = 0.99  # share of cases in common from which two activities are one step
NESTED = 0.99  # share of a step's cases that must have passed the step before
FINAL = 0.99  # share of cases in which nothing of the funnel follows an end
MOST_STAGES = 12
MACHINE = 0.5  # share of all cases' first steps that one resource takes, from which it is taken for a machine
NEEDED = {
    "case": "the case (such as 'case_id' or 商机编号)",
    "activity": "the activity (such as 'activity' or 阶段)",
    "time": "the time (such as 'timestamp' or 时间)",
}
_WON_WORDS = (*WON, "accepted", "activated", "approved", "registered", "完成签约", "生效")
_LOST_WORDS = (*LOST, "denied", "refused", "withdrawn", "expired", "拒绝", "撤回")


@dataclass(frozen=True, slots=True)
class Funnel:
    """The stages in order, the activity that ends the last of them, and the activities that end a case."""

    stages: tuple[str, ...]
    won: tuple[str, ...]  # the first is the step after the last stage; the others occur with it
    lost: tuple[str, ...]


@dataclass
class _Log:
    """Events in order of time within each case, and what has been refused, by row index."""

    table: Table
    mapping: Mapping
    why: dict[int, tuple[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def column(self, name: str) -> list[str]:
        header = self.mapping.columns.get(name)
        if header is None:
            return [""] * len(self.table.rows)
        at = self.table.header.index(header)
        return [row[at] for row in self.table.rows]


def read_events(table: Table, file: Path, mapping: Mapping | None, as_of: dt.date | None) -> History:
    """Read a log. Stages, ends, machines and the file with amounts are guessed unless the mapping has them."""
    log = _Log(table, mapping or Mapping(shape="events", columns=guess(table.header, EVENT)))
    _check(table, log.mapping.columns)
    if as_of is not None:
        table, log = _put_back(log, as_of)
    events, format_ = _events(log)
    if not events.height:
        first = "; ".join(f"row {table.lines[i]}: {why}" for i, (_, why) in sorted(log.why.items())[:3])
        raise HistoryRefused(f"no row of {file.name} can be used; the first reasons: {first}")
    firsts = events.group_by("case", "activity", maintain_order=True).agg(pl.col("time").min())
    funnel = _funnel(firsts, log)
    latest = max(events["time"].to_list())
    last_day = as_of or latest.date()
    now = latest if as_of is None else dt.datetime.combine(as_of, dt.time(23, 59, 59))
    machines = log.mapping.automats if mapping is not None else _machines(events, log)
    amounts, cases = _amounts(log, file)
    steps = _steps(firsts, funnel)
    deals, visits = _visits(steps, events, funnel, machines, now, amounts, log)
    raw = _raw(steps, funnel)
    saved = log.mapping.model_copy(
        update={
            "stages": funnel.stages,
            "won": funnel.won,
            "lost": funnel.lost,
            "automats": machines,
            "cases": cases,
            "dates": {"time": format_},
        }
    )
    refused = tuple(Refusal(table.lines[i], reason, why) for i, (reason, why) in sorted(log.why.items()))
    return History(
        "events",
        file.name,
        len(table.rows),
        refused,
        saved,
        last_day,
        deals,
        visits,
        funnel.stages,
        0.0,
        table.encoding,
        tuple(log.notes),
        raw,
    )


def _check(table: Table, columns: dict[str, str]) -> None:
    absent = [f"{f}: {name!r}" for f, name in columns.items() if name not in table.header]
    if absent:
        raise HistoryRefused(
            f"the mapping names columns that the log does not have ({', '.join(absent)}); it has: "
            f"{', '.join(table.header)}"
        )
    missing = [what for f, what in NEEDED.items() if f not in columns]
    if missing:
        raise HistoryRefused(
            f"no column for {'; '.join(missing)}. The file has: {', '.join(table.header)}. "
            "Name the columns in a mapping, and pass it with --mapping"
        )


# --- rows -------------------------------------------------------------------------------------------------------------


def _times(log: _Log) -> Column:
    try:
        return read_dates(log.column("time"), log.mapping.columns["time"], known=log.mapping.dates.get("time"))
    except ValueError as error:
        raise HistoryRefused(str(error)) from None


def _put_back(log: _Log, day: dt.date) -> tuple[Table, _Log]:
    """The log as it was at the end of a day."""
    times = _times(log)
    table = events_by(log.table, times.values, day)
    if not table.rows:
        raise HistoryRefused(f"nothing had happened by {day}")
    return table, _Log(table, log.mapping.model_copy(update={"dates": {"time": times.format}}))


def _events(log: _Log) -> tuple[pl.DataFrame, str]:
    read = _times(log)
    for i, why in read.wrong.items():
        log.why[i] = ("date in another format", why)
    case, activity, person = ([read_name(t) for t in log.column(f)] for f in ("case", "activity", "resource"))
    cycle = log.column("lifecycle")
    for i, when in enumerate(read.values):
        if i in log.why:
            continue
        if not case[i]:
            log.why[i] = ("no case", f"{log.mapping.columns['case']} is empty")
        elif not activity[i]:
            log.why[i] = ("no activity", f"{log.mapping.columns['activity']} is empty")
        elif when is None:
            log.why[i] = ("no time", f"{log.mapping.columns['time']} is empty")
        elif cycle[i] and plain(cycle[i]) not in ("complete", "completed", "完成"):
            said = f"{log.mapping.columns['lifecycle']} is {cycle[i][:40]!r}"
            log.why[i] = ("not the completion of an activity", said)
    frame = pl.DataFrame(
        {"case": case, "activity": activity, "time": read.values, "person": person, "row": range(len(case))},
        schema={
            "case": pl.String,
            "activity": pl.String,
            "time": pl.Datetime("us"),
            "person": pl.String,
            "row": pl.Int64,
        },
    )
    kept = frame.filter(~pl.col("row").is_in(list(log.why))) if log.why else frame
    extra = [f for f in ("region", "product") if f in log.mapping.columns]
    for name in extra:
        kept = kept.with_columns(
            pl.Series(name, [read_name(t) for t in log.column(name)]).gather(kept["row"]).replace("", None)
        )
    return kept.sort("case", "time", "row"), read.format


def _amounts(log: _Log, file: Path) -> tuple[dict[str, float], dict[str, str]]:
    """Amounts by case: from the log itself, the file the mapping names, or the one table beside the log that fits."""
    if "amount" in log.mapping.columns:
        rows = zip(log.column("case"), log.column("amount"), strict=True)
        return _numbers(rows, header_unit(log.mapping.columns["amount"]), log, file.name), {}
    named = log.mapping.cases
    for other in [file.with_name(named["file"])] if named.get("file") else _beside(file):
        try:
            table = read_table(other)
        except TableRefused as error:
            if named:
                raise HistoryRefused(f"{other.name}: {error.problems[0]}") from None
            continue
        found = guess(table.header, {"case": EVENT["case"], "amount": EVENT["amount"]})
        case, amount = named.get("case", found.get("case", "")), named.get("amount", found.get("amount", ""))
        if case not in table.header or amount not in table.header:
            if named:
                raise HistoryRefused(
                    f"{other.name} has no columns {case!r} and {amount!r}; it has: {', '.join(table.header)}"
                )
            continue
        c, a = table.header.index(case), table.header.index(amount)
        rows_of = ((row[c], row[a]) for row in table.rows)
        amounts = _numbers(rows_of, header_unit(amount), log, other.name)
        if not set(amounts) & set(log.column("case")[:10_000]):
            continue
        log.notes.append(f"amounts are taken from {other.name}, column {amount!r}, by {case!r}")
        return amounts, {"file": other.name, "case": case, "amount": amount}
    return {}, {}


def _beside(file: Path) -> list[Path]:
    tables = sorted(p for p in file.parent.iterdir() if p.name.lower().endswith((".csv", ".csv.gz")) and p != file)
    named = [p for p in tables if re.match(r"(cases?|案例|案件|商机)", p.name.lower())]
    return named[:3]


def _numbers(rows: Iterable[tuple[str, str]], unit: float, log: _Log, name: str) -> dict[str, float]:
    out: dict[str, float] = {}
    bad = 0
    for case, text in rows:
        try:
            value = read_amount(text)
        except ValueError:
            bad += 1
            continue
        if value is not None:
            out[read_name(case)] = value * unit
    if bad:
        log.notes.append(f"{bad} amounts in {name} cannot be read: their cases have no amount")
    return out


# --- the funnel -------------------------------------------------------------------------------------------------------


def _is_lost(activity: str) -> bool:
    key = plain(activity)
    return any(key == w or (key.endswith(w) and len(w) >= 2) for w in _LOST_WORDS)


def _won_rank(activity: str) -> int:
    key = plain(activity)
    for rank, w in enumerate(_WON_WORDS):
        if key == w or (key.endswith(w) and len(w) >= 2):
            return rank
    return len(_WON_WORDS)


def _funnel(firsts: pl.DataFrame, log: _Log) -> Funnel:
    given = log.mapping
    present = set(firsts["activity"].unique().to_list())
    unknown = [a for a in (*given.stages, *given.won, *given.lost) if a not in present]
    if unknown:
        raise HistoryRefused(f"the mapping names activities that the log does not have: {', '.join(unknown)}")
    if given.stages and given.won:
        return Funnel(given.stages, given.won, given.lost)
    cases = {a: set(c) for a, c in firsts.group_by("activity").agg("case").iter_rows()}
    order = dict(_positions(firsts).iter_rows())
    names = sorted((a for a in cases if not _is_lost(a)), key=lambda a: (-len(cases[a]), order[a]))
    groups = _groups(names, cases, order)
    chain = _chain(groups, cases)
    if len(chain) < 2:
        raise HistoryRefused(
            "no order of stages can be found in the log: no activity's cases contain another's. "
            "Name the stages in a mapping (stages: [...], won: [...], lost: [...])"
        )
    last = sorted(chain[-1], key=lambda a: (_won_rank(a), order[a]))
    won = tuple(given.won) or tuple(last)
    lost = tuple(given.lost) or tuple(sorted(a for a in cases if _is_lost(a) and _ends(a, won, cases)))
    steps = tuple(given.stages) or tuple(group[0] if i == 0 else group[-1] for i, group in enumerate(chain[:-1]))
    log.notes.append(f"stages found in the log: {' > '.join((*steps, won[0]))}")
    together = [
        f"{', '.join(a for a in g if a != kept)} with {kept}"
        for g, kept in zip(chain, (*steps, won[0]), strict=False)
        if len(g) > 1
    ]
    if together:
        log.notes.append(f"activities that occur in the same cases are one step: {'; '.join(together)}")
    log.notes.append(
        f"a case is won at {', '.join(won)}; lost at {', '.join(lost) or 'no activity'}; open at any other"
    )
    return Funnel(steps, won, lost)


def _positions(firsts: pl.DataFrame) -> pl.DataFrame:
    """Median time of an activity since its case began."""
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
        group.sort(key=lambda a: order[a])
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


def _machines(events: pl.DataFrame, log: _Log) -> tuple[str, ...]:
    """Resources that are machines: most cases' first step is theirs."""
    first = events.group_by("case", maintain_order=True).first()
    counts = first.filter(pl.col("person") != "")["person"].value_counts(sort=True)
    found = tuple(p for p, n in counts.iter_rows() if n >= MACHINE * first.height)
    if events["person"].n_unique() <= 3:  # a small team, where one person may well take most cases
        return ()
    if found:
        log.notes.append(f"resource {', '.join(found)} takes most cases' first step: taken for a machine, not a rep")
    return found


# --- visits -----------------------------------------------------------------------------------------------------------


def _steps(firsts: pl.DataFrame, funnel: Funnel) -> pl.DataFrame:
    """A row a case: when it first came to each step (s0, s1, ...; w for the step that wins), won and lost times."""
    names = {**{a: f"s{i}" for i, a in enumerate(funnel.stages)}, funnel.won[0]: f"s{len(funnel.stages)}"}
    wide = firsts.group_by("case", maintain_order=True).agg(
        *(pl.col("time").filter(pl.col("activity") == a).min().alias(column) for a, column in names.items()),
        pl.col("time").filter(pl.col("activity").is_in(list(funnel.won))).min().alias("won"),
        pl.col("time").filter(pl.col("activity").is_in(list(funnel.lost))).min().alias("lost"),
        pl.col("time").min().alias("begun"),
    )
    return wide


def _raw(steps: pl.DataFrame, funnel: Funnel) -> dict[str, float]:
    raw = {}
    for i, name in enumerate(funnel.stages):
        entered = steps.filter(pl.col(f"s{i}").is_not_null())
        raw[f"{name} to {(*funnel.stages, funnel.won[0])[i + 1]}"] = entered.filter(
            pl.col(f"s{i + 1}").is_not_null()
        ).height / max(1, entered.height)
    raw["end to end"] = steps.filter(pl.col("won").is_not_null()).height / max(1, steps.height)
    return raw


def _visits(
    steps: pl.DataFrame,
    events: pl.DataFrame,
    funnel: Funnel,
    machines: tuple[str, ...],
    now: dt.datetime,
    amounts: dict[str, float],
    log: _Log,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    steps = steps.with_row_index("deal").with_columns(pl.col("deal").cast(pl.Int64))
    people = events.filter(~pl.col("person").is_in([*machines, ""]))
    rows = []
    otherwise = 0
    for s in range(len(funnel.stages)):
        own = steps.filter(pl.col(f"s{s}").is_not_null())
        here, then = pl.col(f"s{s}"), pl.col(f"s{s + 1}")
        # a case that is won without the step's own record leaves the stage in a third way: not known to have advanced
        left = pl.when(then.is_not_null()).then(then).otherwise(pl.min_horizontal("lost", "won"))
        outcome = (
            pl.when(then.is_not_null())
            .then(ADVANCED)
            .when(pl.col("won").is_not_null())
            .then(LOST_CODE + 1)
            .when(pl.col("lost").is_not_null())
            .then(LOST_CODE)
            .otherwise(OPEN)
        )
        part = own.select(
            "deal",
            "case",
            pl.lit(s).alias("stage"),
            here.alias("entered"),
            ((left.fill_null(now) - here).dt.total_microseconds() / 86_400e6).clip(0).alias("days"),
            outcome.alias("outcome"),
        )
        otherwise += part.filter(pl.col("outcome") > LOST_CODE).height
        who = people.filter(pl.col("activity") == funnel.stages[s]).group_by("case").agg(pl.col("person").first())
        rows.append(part.join(who, on="case", how="left", maintain_order="left"))
    if otherwise:
        log.notes.append(
            f"{otherwise} cases are won without a record of {funnel.won[0]}: they leave the stage in neither way"
        )
    visits = pl.concat(rows)
    visits, stale = _stale(visits, log)
    deals = _deals(steps, people, funnel, amounts, events, stale)
    return deals, visits.drop("case")


def _stale(visits: pl.DataFrame, log: _Log) -> tuple[pl.DataFrame, set[int]]:
    """Open cases that have been in their stage longer than any case that ended in it: lost, in all but name."""
    longest = visits.filter(pl.col("outcome") != OPEN).group_by("stage").agg(pl.col("days").max().alias("longest"))
    joined = visits.join(longest, on="stage", how="left", maintain_order="left")
    old = (pl.col("outcome") == OPEN) & (pl.col("days") > pl.col("longest"))
    stale = set(joined.filter(old)["deal"].to_list())
    if stale:
        log.notes.append(
            f"{len(stale)} open cases have been in their stage longer than any case that ended there: taken as "
            "lost, and left out"
        )
    changed = joined.with_columns(
        pl.when(old).then(LOST_CODE).otherwise(pl.col("outcome")).alias("outcome"),
        pl.when(old).then(pl.col("longest")).otherwise(pl.col("days")).alias("days"),
    )
    return changed.drop("longest"), stale


def _deals(
    steps: pl.DataFrame,
    people: pl.DataFrame,
    funnel: Funnel,
    amounts: dict[str, float],
    events: pl.DataFrame,
    stale: set[int],
) -> pl.DataFrame:
    # the rep: who took the last of the funnel's steps before the end; ends themselves are often another office's
    acted = (
        people.filter(pl.col("activity").is_in(list(funnel.stages)))
        .group_by("case", maintain_order=True)
        .agg(pl.col("person").last())
    )
    any_human = people.group_by("case", maintain_order=True).agg(pl.col("person").first().alias("anyone"))
    joined = steps.join(acted, on="case", how="left", maintain_order="left").join(
        any_human, on="case", how="left", maintain_order="left"
    )
    extra = [c for c in ("region", "product") if c in events.columns]
    if extra:
        places = events.group_by("case", maintain_order=True).agg(*(pl.col(c).drop_nulls().first() for c in extra))
        joined = joined.join(places, on="case", how="left", maintain_order="left")
    status = (
        pl.when(pl.col("won").is_not_null())
        .then(pl.lit("won"))
        .when(pl.col("lost").is_not_null())
        .then(pl.lit("lost"))
        .when(pl.col("deal").is_in(sorted(stale)))
        .then(pl.lit("stale"))
        .otherwise(pl.lit("open"))
    )
    reached = pl.sum_horizontal(*(pl.col(f"s{i}").is_not_null().cast(pl.Int32) for i in range(len(funnel.stages)))) - 1
    empty = pl.lit(None, dtype=pl.String)
    value = pl.Series("value", [amounts.get(c) for c in joined["case"]], dtype=pl.Float64)
    return joined.select(
        pl.col("case").alias("id"),
        pl.col("begun").alias("created"),
        pl.when(pl.col("won").is_not_null()).then("won").otherwise("lost").alias("ended"),
        status.alias("status"),
        reached.clip(0).replace_strict(dict(enumerate(funnel.stages)), return_dtype=pl.String).alias("stage"),
        value,
        pl.coalesce("person", "anyone").alias("owner"),
        *(pl.col(c) if c in extra else empty.alias(c) for c in ("product", "region")),
        empty.alias("category"),
        empty.alias("territory"),
        empty.alias("account"),
        empty.alias("segment"),
        pl.lit(None, dtype=pl.Date).alias("expected"),
    )
