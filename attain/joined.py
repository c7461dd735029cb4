"""A history and the tables beside it as one: whose deal is whose, which account is of what segment, and who is nobody.

Names are matched to the history's (``history.matching``). A name that matches none is listed with the nearest one and
with what was done about it; nothing is dropped or guessed without being listed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from attain.history.beside import Beside
from attain.history.matching import match, nearest
from attain.history.records import History
from attain.wording import Told, told

NAMES = {"people": "name", "accounts": "account", "products": "product", "quotas": "rep"}
OF_DEALS = {"people": "owner", "accounts": "account", "products": "product", "quotas": "owner"}


@dataclass(frozen=True, slots=True)
class Stranger:
    """A name that one side has and the other has not: where it stands, the nearest that is there, what was done."""

    table: str  # the kind of table it concerns
    name: str
    nearest: str
    what: Told
    deals: int = 0  # of the history, that it stands for

    def as_json(self) -> dict[str, object]:
        """name, nearest, what, deals."""
        return {"name": self.name, "nearest": self.nearest, "what": str(self.what), "deals": self.deals}


@dataclass(frozen=True, eq=False)
class Joined:
    """The history with what its tables add to its deals; the tables, by kind, by the history's names."""

    history: History
    tables: dict[str, Beside] = field(default_factory=dict)
    strangers: tuple[Stranger, ...] = ()
    notes: tuple[str, ...] = ()

    def frame(self, kind: str) -> pl.DataFrame | None:
        """A table's rows, None where there is no such table."""
        return self.tables[kind].frame if kind in self.tables else None

    def has(self, kind: str, column: str) -> bool:
        """Whether there is such a table with such a column."""
        return kind in self.tables and self.tables[kind].has(column)

    def file(self, kind: str) -> str:
        """The name of a table's file."""
        return self.tables[kind].name


def known_by(tables: Mapping[str, Beside], history: History) -> dict[str, Beside]:
    """The tables with only what was known on the history's last day, as far as they tell: nobody who starts later or
    who, without a start, has no deal by then; nobody's end that is still to come; accounts and products that the
    history names. What else they say of these is as the tables have it. Quotas are kept: plans are made ahead."""
    out = {}
    for kind, table in tables.items():
        frame = table.frame
        if kind != "quotas":
            ours = history.deals[OF_DEALS[kind]].drop_nulls().unique().to_list()
            named = pl.col(NAMES[kind]).is_in(list(match(frame[NAMES[kind]].to_list(), ours).of))
            if kind == "people" and "start" in frame.columns:
                frame = frame.filter((pl.col("start") <= history.as_of) | (pl.col("start").is_null() & named))
            else:
                frame = frame.filter(named)
            if "end" in frame.columns:
                frame = frame.with_columns(pl.when(pl.col("end") <= history.as_of).then(pl.col("end")).alias("end"))
        if frame.height:
            out[kind] = replace(table, frame=frame)
    return out


def join(history: History, tables: Mapping[str, Beside]) -> Joined:
    """Names matched, and the deals' regions, segments and categories filled from the tables where they have none."""
    strangers: list[Stranger] = []
    notes: list[str] = []
    named = {kind: _matched(kind, table, history.deals, strangers, notes) for kind, table in tables.items()}
    deals = history.deals
    deals = _regions(deals, named, notes)
    if "accounts" in named and named["accounts"].has("segment"):
        deals = _filled(deals, "segment", "account", named["accounts"], "account")
    if "products" in named and named["products"].has("category"):
        deals = _filled(deals, "category", "product", named["products"], "product")
    return Joined(replace(history, deals=deals), named, tuple(strangers), tuple(notes))


def _matched(kind: str, table: Beside, deals: pl.DataFrame, strangers: list[Stranger], notes: list[str]) -> Beside:
    """The table by the history's names, and strangers on either side."""
    key, column = NAMES[kind], OF_DEALS[kind]
    counts = dict(deals[column].drop_nulls().value_counts().iter_rows())
    theirs, ours = table.frame[key].unique(maintain_order=True).to_list(), sorted(counts)
    found = match(theirs, ours)
    if found.respelt:
        shown = ", ".join(f"{a!r} = {b!r}" for a, b in list(found.respelt.items())[:5])
        notes.append(told("beside.respelt", file=table.name, n=str(len(found.respelt)), shown=shown))
    frame = table.frame.with_columns(pl.col(key).replace(found.of))
    if kind != "quotas":  # whose quota is nobody's is found out among the plan's people
        listed = set(found.of.values())
        absent = [name for name in ours if name not in listed]
        strangers += [
            Stranger(kind, name, nearest(name, theirs), told(f"beside.absent.{kind}", file=table.name), counts[name])
            for name in sorted(absent, key=lambda n: (-counts[n], n))
        ]
        if kind == "products":
            strangers += [Stranger(kind, n, near, told("beside.unsold")) for n, near in found.unknown.items()]
    if kind in ("people", "accounts", "products"):
        again = frame[key].is_duplicated()
        if again.any():  # two spellings of one name in the table itself
            frame = frame.unique(key, keep="first", maintain_order=True)
            notes.append(told("beside.merged", file=table.name, n=str(int(again.sum()))))
    return replace(table, frame=frame)


def _regions(deals: pl.DataFrame, tables: Mapping[str, Beside], notes: list[str]) -> pl.DataFrame:
    """Regions of a history that has none: its people's, else its accounts'."""
    if deals["region"].drop_nulls().len() or deals["territory"].drop_nulls().len():
        return deals
    for kind, column in (("people", "owner"), ("accounts", "account")):
        if kind in tables and tables[kind].has("region"):
            filled = _filled(deals, "region", column, tables[kind], NAMES[kind])
            if filled["region"].drop_nulls().len():
                n = filled["region"].drop_nulls().n_unique()
                notes.append(told(f"beside.regions.{kind}", n=str(n), file=tables[kind].name))
                return filled
    return deals


def _filled(deals: pl.DataFrame, column: str, by: str, table: Beside, key: str) -> pl.DataFrame:
    """A column of the deals, from the table where the history has nothing."""
    rows = table.frame.select(key, pl.col(column).alias("_found")).drop_nulls()
    of = dict(rows.iter_rows())
    found = pl.col(by).replace_strict(of, default=None, return_dtype=pl.String)
    return deals.with_columns(pl.coalesce(pl.col(column).cast(pl.String), found).alias(column))


def split_names(text: str | None) -> list[str]:
    """Several names in one cell: 华北、华东; North / East."""
    if not text:
        return []
    for mark in ("、", "；", ";", "，", ",", "/", "|"):
        if mark in text:
            return [part.strip() for part in text.split(mark) if part.strip()]
    return [text]


def only(strangers: Sequence[Stranger], kind: str) -> list[Stranger]:
    """The strangers of one kind of table."""
    return [s for s in strangers if s.table == kind]
