"""A log of stages and the table of its deals as one history: when each deal came where, and whose it is.

Two steps. ``completed`` adds to the log's events what only the table knows of a deal's way: its creation, where the log
holds changes alone, and its end, where the log leaves it open. ``filled`` gives the deals what the log does not say.
Where both say something, the log counts: it was written when it happened, the table says how things stand today.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from attain.history.activities import find_funnel
from attain.history.columns import OPPORTUNITY, chinese, ended_otherwise, plain, word
from attain.history.deals import DealTable, deal_keys
from attain.history.mapping import Mapping
from attain.history.presets import BY_NAME
from attain.history.quality import Finding, examine_values, spelled_alike
from attain.history.records import History, HistoryRefused, Refusal
from attain.wording import Series, Told, told

MISSED = 0.05  # share of the deals won that the log does not have, from which it is no log of all deals' changes
TELLING = 20  # deals won from which that share says something
MOST = 0.5  # of the deals, from which a log is one of changes alone
DAY = dt.timedelta(days=1)
CENT = 0.01  # part of an amount by which two say the same
FILLED = ("account", "category", "territory", "segment", "expected")  # what no log has
SHARED = ("region", "product", "source")  # what a log may have


@dataclass(frozen=True, slots=True)
class Paired:
    """What was made of the deals' table: its rows, the deals in both files and in one only, those that the table ended,
    and on how many the two do not agree, by what. ``owned``: whether it says whose most deals are."""

    file: str
    rows: int
    refused: tuple[Refusal, ...]
    matched: int
    only_log: int
    only_deals: int
    ended: int
    conflicts: dict[str, int] = field(default_factory=dict)
    owned: bool = False

    def as_json(self) -> dict[str, Any]:
        """As ``--json`` prints it, without the refusals."""
        return {
            "file": self.file,
            "rows": self.rows,
            "used": self.rows - len(self.refused),
            "matched": self.matched,
            "only_in_log": self.only_log,
            "only_in_deals": self.only_deals,
            "ended_by_deals": self.ended,
            "conflicts": self.conflicts,
        }


@dataclass(frozen=True, eq=False)
class Completed:
    """The log's events with those that the table adds. ``by_name``: whether stages' names say which are won and lost;
    ``cases``: a row a deal of the log: case, key, first and last time; ``ended``: the cases that the table ended;
    ``unmoved``: the keys of deals that have not left their first stage."""

    events: pl.DataFrame
    by_name: bool
    cases: pl.DataFrame
    ended: tuple[str, ...]
    unmoved: tuple[str, ...]
    first: dt.datetime


# --- events -----------------------------------------------------------------------------------------------------------


def completed(events: pl.DataFrame, table: DealTable, mapping: Mapping, day: dt.date) -> Completed:
    """The log's events up to ``day`` and the table's. Raises HistoryRefused where no deal is in both files."""
    if "before" not in events.columns:
        events = events.with_columns(pl.lit("").alias("before"))
    cases = events.group_by("case", maintain_order=True).agg(
        pl.col("before").first(),
        pl.col("activity").first(),
        pl.col("activity").last().alias("last"),
        pl.col("time").first().alias("since"),
        pl.col("time").last().alias("until"),
    )
    cases = cases.with_columns(deal_keys(cases["case"]).alias("key"))
    known = cases.join(table.frame.select("key", "created", "ended", "status"), on="key", how="left")
    if not known.select(pl.col("key").is_in(table.frame["key"].implode()).any()).item():
        raise HistoryRefused(
            f"none of the log's {cases.height:,} deals is in {table.name}: the log has {cases['case'][0]!r} where "
            f"column {table.mapping.columns['id']!r} has {table.frame['id'].first()!r}. Name the column of the deals' "
            "numbers in a mapping (deals: {columns: {id: ...}}), and pass it with --mapping"
        )
    first = cases["since"].min()
    latest = cases["until"].max()
    assert isinstance(first, dt.datetime)
    assert isinstance(latest, dt.datetime)
    changes = int((cases["before"] != "").sum()) > MOST * cases.height
    new = [_creations(known)]
    unmoved = _unmoved(table, cases, first, latest, changes=changes)
    starts = pl.when(pl.col("before") != "").then(pl.col("before")).otherwise(pl.col("activity"))
    usual = _usual(cases.select(starts.alias("stage"))["stage"])
    new.append(unmoved.select("case", pl.lit(usual).alias("activity"), pl.col("created").alias("time")))
    won, lost, by_name = _ends(events, table, mapping)
    over = dt.datetime.combine(day, dt.time(23, 59, 59))
    standing = pl.concat(
        [
            known.select("case", "last", "until", "status", "ended"),
            unmoved.select("case", pl.lit(usual).alias("last"), pl.col("created").alias("until"), "status", "ended"),
        ]
    )
    left = standing.filter(
        ~pl.col("last").is_in([*won, *lost]) & pl.col("status").is_in(["won", "lost"]) & pl.col("ended").is_not_null()
    )
    names = {"won": won[0] if won else "", "lost": lost[0] if lost else ""}
    new.append(
        left.select(
            "case",
            pl.col("status").replace_strict(names, return_dtype=pl.String).alias("activity"),
            pl.max_horizontal("until", pl.min_horizontal("ended", pl.lit(over))).alias("time"),
        )
    )
    more = pl.concat([n.cast({"time": pl.Datetime("us")}) for n in new]).with_columns(pl.lit("").alias("person"))
    added = pl.concat([events, more.with_columns(pl.lit(None, dtype=pl.UInt32).alias("row"))], how="diagonal")
    # an end comes after what happened at the same time, a creation before it
    rank = (
        pl.when(pl.col("row").is_not_null()).then(1).when(pl.col("activity").is_in([*won, *lost])).then(2).otherwise(0)
    )
    both = added.with_columns(rank.alias("_rank")).sort("case", "time", "_rank", "row", maintain_order=True)
    return Completed(both.drop("_rank", "before"), by_name, cases, tuple(left["case"]), tuple(unmoved["key"]), first)


def _creations(known: pl.DataFrame) -> pl.DataFrame:
    """A deal whose first row tells the stage it came from has been there since its creation."""
    there = known.filter((pl.col("before") != "") & (pl.col("created").dt.date() <= pl.col("since").dt.date()))
    first = pl.min_horizontal("created", "since").alias("time")
    return there.select("case", pl.col("before").alias("activity"), first)


def _unmoved(
    table: DealTable, cases: pl.DataFrame, first: dt.datetime, latest: dt.datetime, *, changes: bool
) -> pl.DataFrame:
    """Deals that are not in the log since they have not moved: created since it was last written, or, in a log of
    ``changes`` that has what it should have (all deals won but few, of enough to tell), ever since it began."""
    absent = table.frame.filter(~pl.col("key").is_in(cases["key"].implode()) & pl.col("created").is_not_null())
    within = pl.col("created").dt.date() >= first.date()
    won = (pl.col("status") == "won") & pl.col("ended").is_not_null() & within
    all_won, missed = table.frame.filter(won).height, absent.filter(won).height
    since = within if changes and all_won >= TELLING and missed <= MISSED * all_won else pl.col("created") > latest
    return absent.filter(since).with_columns(pl.col("id").alias("case"))


def _usual(stages: pl.Series) -> str:
    """The stage in which most deals begin."""
    open_ones = stages.filter(~stages.is_in([s for s in stages.unique() if word(s) in ("won", "lost")]))
    counts = (open_ones if open_ones.len() else stages).value_counts(name="_n")
    return str(counts.sort(["_n", stages.name], descending=[True, False])[stages.name][0])


def _ends(events: pl.DataFrame, table: DealTable, mapping: Mapping) -> tuple[list[str], list[str], bool]:
    """The activities that end a deal, the one that the table's ends are written as first; and whether stages' names
    alone say which those are. A log that names no win leaves it to the table to say who won."""
    counts = events["activity"].value_counts(sort=True, name="_n").sort(["_n", "activity"], descending=[True, False])
    names = counts["activity"].to_list()
    won = [a for a in names if word(a) == "won"]
    lost = [a for a in names if word(a) == "lost" or ended_otherwise(a)]
    by_name = mapping.preset in BY_NAME or "from" in mapping.columns
    told_won = [a for a in mapping.won if a in names]
    if told_won or (won and not by_name):
        try:
            firsts = events.group_by("case", "activity", maintain_order=True).agg(pl.col("time").min())
            given = mapping.model_copy(
                update={"won": tuple(told_won), "lost": tuple(a for a in mapping.lost if a in names)}
            )
            funnel = find_funnel(firsts, given, [])
            won, lost = list(funnel.won), list(funnel.lost)
        except HistoryRefused:
            pass
    elif not won:
        by_name = by_name or (table.frame["status"] == "won").any()
    words = ("赢单", "输单") if chinese(names) else ("Won", "Lost")
    return won or list(mapping.won) or [words[0]], lost or list(mapping.lost) or [words[1]], by_name


# --- deals ------------------------------------------------------------------------------------------------------------


def filled(history: History, made: Completed, table: DealTable, later: dt.date | None) -> History:
    """The history with what the table says of its deals, the deals that only the table has behind them, and what is to
    be said of it. ``later``: the table's own last day, where it was put back to the log's."""
    log = history.deals.with_columns(deal_keys(history.deals["id"]).alias("key"))
    beside = table.frame.rename({c: f"_{c}" for c in table.frame.columns if c != "key"})
    both = log.join(beside, on="key", how="left", maintain_order="left")
    conflicts = _conflicts(both, made)
    owned = both["_owner"].null_count() < MOST * both.height
    # who wrote into the log is often an administrator: nobody's rep where the table says whose deals are
    entered = owned and plain(history.mapping.columns.get("resource", "")) not in OPPORTUNITY["owner"]
    named = pl.lit(None, dtype=pl.String) if entered else pl.col("owner")
    early = (pl.col("_created").dt.date() < made.first.date()).fill_null(value=False)
    value = [pl.col("_value"), pl.col("value")] if table.several else [pl.col("value"), pl.col("_value")]
    deals = both.with_columns(
        pl.when(early).then(pl.col("_created")).otherwise(pl.col("created")).alias("created"),
        pl.coalesce("_owner", named).alias("owner"),
        pl.coalesce(*value).alias("value"),
        *(pl.coalesce(f, f"_{f}").alias(f) for f in SHARED),
        *(pl.col(f"_{f}").alias(f) for f in FILLED),
    ).select(history.deals.columns)
    people = both["_owner"].gather(history.visits["deal"])
    own = pl.lit(None, dtype=pl.String) if entered else pl.col("person")
    visits = history.visits.with_columns(pl.coalesce(people, own).alias("person"))
    rest = _rest(table, log)
    deals = pl.concat([deals, rest.select(pl.col(c).cast(t) for c, t in deals.schema.items())])
    deals, merged = spelled_alike(deals, ("product", "region", "territory", "source"))
    deals, odd = examine_values(deals)
    matched = int(both["key"].is_in(table.frame["key"].implode()).sum()) - len(made.unmoved)
    only_log = made.cases.height - matched
    found = [*_later(table, later), *_only_log(only_log, table), *_only_deals(rest, made, table, history.stages)]
    found += [*_ended(made, table), *_disagreed(conflicts, table)]
    taken = tuple(told(f"field.{f}") for f in table.mapping.columns if f in ("owner", "value", *SHARED, *FILLED))
    counts = {"n": f"{matched:,}", "of": f"{made.cases.height:,}", "id": repr(table.mapping.columns["id"])}
    note = told("paired.filled", file=table.name, fields=Series(taken), **counts)
    paired = Paired(
        table.name, table.rows, table.refused, matched, only_log, rest.height + len(made.unmoved), len(made.ended),
        conflicts, owned,
    )  # fmt: skip
    return replace(
        history,
        deals=deals,
        visits=visits,
        findings=(*history.findings, *found, *table.findings, *merged, *odd),
        notes=(note, *history.notes),
        mapping=history.mapping.model_copy(update={"deals": table.mapping}),
        currency=(table.currency if table.several else "") or history.currency or table.currency,
        paired=paired,
    )


def _rest(table: DealTable, log: pl.DataFrame) -> pl.DataFrame:
    """Deals that only the table has, and that have a day of creation. One that is open is in no stage: not in the
    pipeline. One that ended on no day is neither won nor lost."""
    absent = table.frame.filter(~pl.col("key").is_in(log["key"].implode()) & pl.col("created").is_not_null())
    over = pl.col("status").is_in(["won", "lost"]) & pl.col("ended").is_not_null()
    return absent.with_columns(
        pl.when(over).then(pl.col("status")).otherwise(pl.lit("stale")).alias("status"),
        pl.when(over).then(pl.max_horizontal("created", "ended")).alias("ended"),
        pl.lit(None, dtype=pl.String).alias("stage"),
        pl.lit(value=False).alias("stamped"),
        pl.lit(value=False).alias("imported"),
    )


def _conflicts(both: pl.DataFrame, made: Completed) -> dict[str, int]:
    """How many deals the two files do not agree on, by what."""
    own = both.filter(~pl.col("id").is_in(made.ended) & ~pl.col("key").is_in(made.unmoved))
    over, other = pl.col("status").is_in(["won", "lost"]), pl.col("_status").is_in(["won", "lost"])
    apart = {
        "status": (over & (pl.col("_status") != "") & (pl.col("_status") != pl.col("status"))),
        "created": (pl.col("_created").dt.date() - pl.col("created").dt.date()).abs() > DAY,
        "closed": over & other & ((pl.col("_ended").dt.date() - pl.col("ended").dt.date()).abs() > DAY),
        "value": (pl.col("status") == "won")
        & ((pl.col("_value") - pl.col("value")).abs() > CENT * pl.col("value").abs()),
        **{f: pl.col(f) != pl.col(f"_{f}") for f in SHARED},
    }
    counts = own.select(expr.fill_null(value=False).sum().alias(name) for name, expr in apart.items()).row(
        0, named=True
    )
    return {name: int(n) for name, n in counts.items() if n}


# --- what is said -----------------------------------------------------------------------------------------------------


def _finding(kind: str, n: int, key: str, done: Told | None = None, **values: object) -> list[Finding]:
    if not n:
        return []
    what = told(f"paired.{key}", n=f"{n:,}", **values)
    return [Finding(kind, n, what, told(f"paired.{key}.effect"), done or told(f"paired.{key}.done", **values))]


def _later(table: DealTable, later: dt.date | None) -> list[Finding]:
    if later is None or table.last is None:
        return []
    return _finding("two exports of different days", 1, "later", file=table.name, last=str(later), day=str(table.last))


def _only_log(n: int, table: DealTable) -> list[Finding]:
    return _finding("only in the log", n, "only_log", file=table.name)


def _only_deals(rest: pl.DataFrame, made: Completed, table: DealTable, stages: tuple[str, ...]) -> list[Finding]:
    counts = dict(rest["status"].value_counts().iter_rows())
    won, lost, other = (f"{counts.get(kind, 0):,}" for kind in ("won", "lost", "stale"))
    early = int((rest["created"].dt.date() < made.first.date()).sum())
    found = _finding(
        "only in the deals' table", rest.height, "only_deals",
        file=table.name, won=won, lost=lost, open=other, early=f"{early:,}",
    )  # fmt: skip
    stage = repr(stages[0])
    return found + _finding("never moved", len(made.unmoved), "unmoved", file=table.name, stage=stage)


def _ended(made: Completed, table: DealTable) -> list[Finding]:
    return _finding("left open by the log", len(made.ended), "ended", file=table.name)


def _disagreed(conflicts: dict[str, int], table: DealTable) -> list[Finding]:
    shown = Series(tuple(told("paired.of", field=told(f"field.{name}"), n=f"{n:,}") for name, n in conflicts.items()))
    done = told("paired.conflicts.several") if table.several and "value" in conflicts else None
    return _finding("two files do not agree", sum(conflicts.values()), "conflicts", done, file=table.name, shown=shown)
