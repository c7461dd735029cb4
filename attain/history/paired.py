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
SHARED = ("value", "region", "product", "source")  # what a log may have


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
    won, lost, by_name = _ends(events, table, mapping)
    cases = _cases(events, [*won, *lost], by_name=by_name)
    known = cases.join(table.frame.select("key", "created", "ended", "status"), on="key", how="left")
    if not cases["key"].is_in(table.frame["key"].implode()).any():
        raise HistoryRefused(
            f"none of the log's {cases.height:,} deals is in {table.name}: the log has {cases['case'][0]!r} where "
            f"column {table.mapping.columns['id']!r} has {table.frame['id'].first()!r}. Name the column of the deals' "
            "numbers in a mapping (deals: {columns: {id: ...}}), and pass it with --mapping"
        )
    unmoved = _unmoved(table, cases)
    left = pl.concat([known.filter(~pl.col("over")), unmoved], how="diagonal").filter(
        pl.col("status").is_in(["won", "lost"]) & pl.col("ended").is_not_null()
    )
    over = pl.lit(dt.datetime.combine(day, dt.time(23, 59, 59)), dtype=pl.Datetime("us"))
    ends = left.select(
        "case",
        pl.when(pl.col("status") == "won").then(pl.lit(won[0])).otherwise(pl.lit(lost[0])).alias("activity"),
        pl.max_horizontal("until", pl.min_horizontal("ended", over)).alias("time"),
    )
    starts = pl.concat([_creations(known), unmoved.select("case", "activity", pl.col("created").alias("time"))])
    return Completed(
        _in_order(events, starts, ends), by_name, cases, tuple(left["case"]), tuple(unmoved["key"]), _first(cases)
    )


def _cases(events: pl.DataFrame, ends: list[str], *, by_name: bool) -> pl.DataFrame:
    """A row a deal of the log: case, key, the stage ``before`` its first row, its first activity, when its first and
    last rows are, and whether it is ``over``: by its last row, where a deal may come back from an end."""
    ended = pl.col("activity").is_in(ends)
    cases = events.group_by("case", maintain_order=True).agg(
        pl.col("before").first(),
        pl.col("activity").first(),
        pl.col("time").first().alias("since"),
        pl.col("time").last().alias("until"),
        (ended.last() if by_name else ended.any()).alias("over"),
    )
    return cases.with_columns(deal_keys(cases["case"]).alias("key"))


def _first(cases: pl.DataFrame) -> dt.datetime:
    first = cases["since"].min()
    assert isinstance(first, dt.datetime)
    return first


def _in_order(events: pl.DataFrame, starts: pl.DataFrame, ends: pl.DataFrame) -> pl.DataFrame:
    """All events by case and time; of those at one time a start comes first, and an end last."""
    parts = [events.with_columns(pl.lit(1).alias("_rank"))]
    for frame, rank in ((starts, 0), (ends, 2)):
        made = frame.with_columns(pl.lit("").alias("person"), pl.lit(rank).alias("_rank"))
        parts.append(made.cast({"time": pl.Datetime("us")}))
    both = pl.concat(parts, how="diagonal").sort("case", "time", "_rank", "row", maintain_order=True)
    return both.drop("_rank", "before")


def _creations(known: pl.DataFrame) -> pl.DataFrame:
    """A deal whose first row tells the stage it came from has been there since its creation."""
    there = known.filter((pl.col("before") != "") & (pl.col("created").dt.date() <= pl.col("since").dt.date()))
    first = pl.min_horizontal("created", "since").alias("time")
    return there.select("case", pl.col("before").alias("activity"), first)


def _unmoved(table: DealTable, cases: pl.DataFrame) -> pl.DataFrame:
    """Deals that are not in the log since they have not moved: created since it was last written, or, in a log of
    changes alone that has what it should have (all deals won but few, of enough to tell), ever since it began."""
    absent = table.frame.filter(~pl.col("key").is_in(cases["key"].implode()) & pl.col("created").is_not_null())
    within = pl.col("created").dt.date() >= _first(cases).date()
    won = (pl.col("status") == "won") & pl.col("ended").is_not_null() & within
    all_won, missed = table.frame.filter(won).height, absent.filter(won).height
    changes = int((cases["before"] != "").sum()) > MOST * cases.height
    whole = changes and all_won >= TELLING and missed <= MISSED * all_won
    found = absent.filter(within if whole else pl.col("created") > cases["until"].max())
    begun = pl.when(pl.col("before") != "").then(pl.col("before")).otherwise(pl.col("activity"))
    usual = _usual(cases.select(begun.alias("stage"))["stage"])
    return found.select(
        pl.col("id").alias("case"), "key", "created", "ended", "status", pl.lit(usual).alias("activity"),
        pl.col("created").alias("until"),
    )  # fmt: skip


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


def filled(history: History, made: Completed, table: DealTable) -> History:
    """The history with what the table says of its deals, the deals that only the table has behind them, and what is to
    be said of it."""
    log = history.deals.with_columns(deal_keys(history.deals["id"]).alias("key"))
    beside = table.frame.rename({c: f"_{c}" for c in table.frame.columns if c != "key"})
    both = log.join(beside, on="key", how="left", maintain_order="left")
    rest = _rest(table, log)
    matched = int(both["key"].is_in(table.frame["key"].implode()).sum()) - len(made.unmoved)
    paired = Paired(
        table.name,
        table.rows,
        table.refused,
        matched,
        made.cases.height - matched,
        rest.height + len(made.unmoved),
        len(made.ended),
        _conflicts(both, made),
        both["_owner"].null_count() < MOST * both.height,
    )
    # who wrote into the log is often an administrator: nobody's rep where the table says whose deals are
    entered = paired.owned and plain(history.mapping.columns.get("resource", "")) not in OPPORTUNITY["owner"]
    deals = _with_facts(both, made, entered=entered).select(history.deals.columns)
    deals = pl.concat([deals, rest.select(pl.col(c).cast(t) for c, t in deals.schema.items())])
    deals, merged = spelled_alike(deals, ("product", "region", "territory", "source"))
    deals, odd = examine_values(deals)
    owner = both["_owner"].gather(history.visits["deal"])
    person = pl.lit(None, dtype=pl.String) if entered else pl.col("person")
    found = [*_only_log(paired), *_only_deals(rest, made, table, history.stages), *_ended(paired), *_disagreed(paired)]
    return replace(
        history,
        deals=deals,
        visits=history.visits.with_columns(pl.coalesce(owner, person).alias("person")),
        findings=(*history.findings, *found, *table.findings, *merged, *odd),
        notes=(_note(paired, made, table), *history.notes),
        mapping=history.mapping.model_copy(update={"deals": table.mapping}),
        currency=table.currency if table.valued else "",
        paired=paired,
    )


def _with_facts(both: pl.DataFrame, made: Completed, *, entered: bool) -> pl.DataFrame:
    """The log's deals with the table's facts. ``entered``: whether the log's people are who made its entries."""
    early = (pl.col("_created").dt.date() < made.first.date()).fill_null(value=False)
    named = pl.lit(None, dtype=pl.String) if entered else pl.col("owner")
    return both.with_columns(
        pl.when(early).then(pl.col("_created")).otherwise(pl.col("created")).alias("created"),
        pl.coalesce("_owner", named).alias("owner"),
        *(pl.coalesce(f, f"_{f}").alias(f) for f in SHARED),
        *(pl.col(f"_{f}").alias(f) for f in FILLED),
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
        **{f: pl.col(f) != pl.col(f"_{f}") for f in SHARED if f != "value"},
    }
    counts = own.select(expr.fill_null(value=False).sum().alias(name) for name, expr in apart.items()).row(
        0, named=True
    )
    return {name: int(n) for name, n in counts.items() if n}


# --- what is said -----------------------------------------------------------------------------------------------------


def _finding(kind: str, n: int, key: str, **values: object) -> list[Finding]:
    if not n:
        return []
    texts = (told(f"paired.{key}{part}", n=f"{n:,}", **values) for part in ("", ".effect", ".done"))
    return [Finding(kind, n, *texts)]


def _note(paired: Paired, made: Completed, table: DealTable) -> Told:
    taken = tuple(told(f"field.{f}") for f in table.mapping.columns if f in ("owner", *SHARED, *FILLED))
    counts = {"n": f"{paired.matched:,}", "of": f"{made.cases.height:,}", "id": repr(table.mapping.columns["id"])}
    return told("paired.filled", file=table.name, fields=Series(taken), **counts)


def days_apart(table: DealTable, of_table: dt.date, of_log: dt.date) -> list[Finding]:
    """That the two end on different days, and which was put back to the other's."""
    key = "later" if of_table > of_log else "earlier"
    return _finding("two exports of different days", 1, key, file=table.name, table=str(of_table), log=str(of_log))


def _only_log(paired: Paired) -> list[Finding]:
    return _finding("only in the log", paired.only_log, "only_log", file=paired.file)


def _only_deals(rest: pl.DataFrame, made: Completed, table: DealTable, stages: tuple[str, ...]) -> list[Finding]:
    counts = dict(rest["status"].value_counts().iter_rows())
    won, lost, other = (f"{counts.get(kind, 0):,}" for kind in ("won", "lost", "stale"))
    early = int((rest["created"].dt.date() < made.first.date()).sum())
    found = _finding(
        "only in the deals' table", rest.height, "only_deals",
        file=table.name, won=won, lost=lost, open=other, early=f"{early:,}",
    )  # fmt: skip
    return found + _finding("never moved", len(made.unmoved), "unmoved", file=table.name, stage=repr(stages[0]))


def _ended(paired: Paired) -> list[Finding]:
    return _finding("left open by the log", paired.ended, "ended", file=paired.file)


def _disagreed(paired: Paired) -> list[Finding]:
    of = paired.conflicts
    shown = Series(tuple(told("paired.of", field=told(f"field.{name}"), n=f"{n:,}") for name, n in of.items()))
    return _finding("two files do not agree", sum(of.values()), "conflicts", file=paired.file, shown=shown)
