"""A log of stage events, one row an event, read into a ``History``: its stages, its ends, its visits.

Which activities are stages is found from the data, in ``activities``.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from attain.history.activities import Funnel, find_funnel
from attain.history.cells import Dates, amount_column, date_column, decimal_mark, name_column
from attain.history.changes import STAGE
from attain.history.clocks import examine_clocks
from attain.history.columns import EVENT, guess, header_unit, plain
from attain.history.deals import DealTable, deal_keys
from attain.history.guessing import require
from attain.history.known import events_by
from attain.history.mapping import Mapping
from attain.history.paired import completed, filled
from attain.history.presets import BY_NAME, columns_of, preset_of
from attain.history.quality import Finding, spelled_alike
from attain.history.records import History, HistoryRefused, Refusal
from attain.history.rework import rework_of
from attain.history.sheets import PARQUET, Sheet, sheet_of
from attain.wording import told
from engine.fit.incidence import ADVANCED, OPEN
from engine.fit.incidence import LOST as LOST_CODE

MACHINE = 0.5  # share of all cases' first steps that one resource takes, from which it is taken for a machine
NEEDED = {
    "case": "the case (such as 'case_id' or 商机编号)",
    "activity": "the activity (such as 'activity' or 阶段)",
    "time": "the time (such as 'timestamp' or 时间)",
}


@dataclass
class _Log:
    """Events in order of time within each case, and what has been refused, by row index."""

    sheet: Sheet
    mapping: Mapping
    alive: NDArray[np.bool_]
    why: dict[int, tuple[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    times: pl.Series | None = None  # of the events, by row

    def column(self, name: str) -> pl.Series:
        header = self.mapping.columns.get(name)
        if header is None:
            return pl.Series(name, [""], dtype=pl.String).new_from_index(0, self.sheet.height)
        return self.sheet.data[header].alias(name)

    def refuse(self, mask: pl.Series, reason: str, why: Callable[[int], str]) -> None:
        rows = np.flatnonzero(mask.fill_null(value=False).to_numpy())
        for row in rows[self.alive[rows]].tolist():
            self.why[row] = (reason, why(row))
        self.alive[rows] = False


def guess_log_mapping(sheet: Sheet) -> Mapping:
    """The mapping of a log's columns, by its system's preset or from their names."""
    preset = preset_of(sheet.header)
    if preset is not None and preset.shape == "events":
        columns = columns_of(sheet.header, preset, "events")
        return Mapping(shape="events", columns=columns, preset=preset.name)
    return Mapping(shape="events", columns=guess(sheet.header, EVENT))


def log_by(sheet: Sheet, mapping: Mapping, day: dt.date) -> tuple[Sheet, Mapping]:
    """The log as it was at the end of a day. How it is written is no event: the mapping has the whole log's format of
    times and mark of decimals. Raises HistoryRefused."""
    times = _times(sheet, mapping)
    formats = {"dates": {"time": times.format}, "decimal": _decimal(sheet, mapping)}
    sheet = events_by(sheet, times.values, day)
    if not sheet.height:
        raise HistoryRefused(f"nothing had happened by {day}")
    return sheet, mapping.model_copy(update=formats)


def last_event(sheet: Sheet, mapping: Mapping) -> dt.date | None:
    """The day of the log's last event."""
    latest = _times(sheet, mapping).values.max()
    return latest.date() if isinstance(latest, dt.datetime) else None


def deals_in(sheet: Sheet, mapping: Mapping, after: dt.date | None = None) -> frozenset[str]:
    """The keys of the log's deals; of those alone that begin ``after`` a day."""
    keys = deal_keys(name_column(sheet.data[mapping.columns["case"]]))
    if after is not None:
        first = pl.DataFrame({"key": keys, "at": _times(sheet, mapping).values}).group_by("key").agg(pl.col("at").min())
        keys = first.filter(pl.col("at").dt.date() > after)["key"]
    return frozenset(keys.drop_nulls().to_list())


def read_events(
    sheet: Sheet,
    file: Path,
    mapping: Mapping,
    as_of: dt.date | None,
    *,
    guessed: bool,
    table: DealTable | None = None,
) -> History:
    """Read a log, of a day by ``log_by``. Stages, ends and the file with amounts are guessed unless the mapping has
    them; machines, too, where it is ``guessed``. ``table``: of its deals, as of the same day."""
    log = _Log(sheet, mapping, np.ones(sheet.height, dtype=bool))
    events, format_ = _events(log)
    if not events.height:
        first = "; ".join(f"row {sheet.lines[i]}: {why}" for i, (_, why) in sorted(log.why.items())[:3])
        raise HistoryRefused(f"no row of {file.name} can be used; the first reasons: {first}")
    events, spelled = spelled_alike(events, ("activity",))
    latest = events["time"].max()
    assert isinstance(latest, dt.datetime)
    pair = completed(events, table, mapping, as_of or latest.date()) if table is not None else None
    events = pair.events if pair is not None else events
    firsts = events.group_by("case", "activity", maintain_order=True).agg(pl.col("time").min())
    funnel = find_funnel(firsts, log.mapping, log.notes, by_name=pair is not None and pair.by_name)
    last_day = as_of or latest.date()
    now = latest if as_of is None else dt.datetime.combine(as_of, dt.time(23, 59, 59))
    machines = _machines(events, log) if guessed else log.mapping.automats
    amounts, cases = _amounts(log, file, alone=table is None or not table.valued)
    steps = _steps(firsts, events, funnel)
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
            "decimal": decimal if (decimal := _decimal(sheet, log.mapping)) != "." else log.mapping.decimal,
        }
    )
    refused = tuple(Refusal(int(sheet.lines[i]), reason, why) for i, (reason, why) in sorted(log.why.items()))
    history = History(
        "events",
        file.name,
        sheet.height,
        refused,
        saved,
        last_day,
        deals,
        visits,
        funnel.stages,
        0.0,
        sheet.encoding,
        tuple(log.notes),
        raw,
        (*log.findings, *spelled),
        rework_of(events, funnel.stages, funnel.won, funnel.lost),
    )
    return filled(history, pair, table) if pair is not None and table is not None else history


def check_log(sheet: Sheet, columns: dict[str, str]) -> None:
    """Raises HistoryRefused naming every column that a log needs and this one does not have."""
    require(sheet, columns, NEEDED, "log")


# --- rows -------------------------------------------------------------------------------------------------------------


def _times(sheet: Sheet, mapping: Mapping) -> Dates:
    header = mapping.columns["time"]
    try:
        return date_column(sheet.data[header], header, known=mapping.dates.get("time"), zone=mapping.timezone)
    except ValueError as error:
        raise HistoryRefused(str(error)) from None


def _decimal(sheet: Sheet, mapping: Mapping) -> Literal["", ".", ","]:
    """The mark before the amounts' decimals: the mapping's, else what their column says; '' where there is none."""
    if mapping.decimal or "amount" not in mapping.columns:
        return mapping.decimal
    header = mapping.columns["amount"]
    try:
        return decimal_mark(sheet.data[header], header)
    except ValueError as error:
        raise HistoryRefused(str(error)) from None


def _events(log: _Log) -> tuple[pl.DataFrame, str]:
    columns = log.mapping.columns
    header = columns["time"]
    read = _times(log.sheet, log.mapping)
    log.findings, said = examine_clocks([log.sheet.data[header]], log.mapping.timezone)
    log.notes += said
    log.times = read.values
    wrong = np.zeros(log.sheet.height, dtype=bool)
    wrong[list(read.wrong)] = True
    log.refuse(pl.Series(wrong), "date in another format", read.wrong.__getitem__)
    names = ["region", "product", "source"]
    texts = {f: name_column(log.column(f)) for f in ("case", "activity", "resource", *names)}
    cycle = log.column("lifecycle")
    log.refuse(texts["case"].is_null(), "no case", lambda _: f"{columns['case']} is empty")
    log.refuse(texts["activity"].is_null(), "no activity", lambda _: f"{columns['activity']} is empty")
    log.refuse(read.values.is_null(), "no time", lambda _: f"{header} is empty")
    done = [c for c in cycle.unique().to_list() if not c or plain(c) in ("complete", "completed", "完成")]
    log.refuse(
        ~cycle.is_in(done),
        "not the completion of an activity",
        lambda i: f"{columns['lifecycle']} is {cycle[i][:40]!r}",
    )
    field = next((h for h in log.sheet.header if plain(h) in ("field", "property", "propertyname")), None)
    if field is not None and log.mapping.preset in BY_NAME:
        changed = log.sheet.data[field]
        stages = [c for c in changed.unique().to_list() if plain(c) in (*STAGE, "dealstage")]
        log.refuse(~changed.is_in(stages), "not a change of stage", lambda i: f"a change of {changed[i][:40]!r}")
    frame = pl.DataFrame(
        {
            "case": texts["case"],
            "activity": texts["activity"],
            "time": read.values,
            "person": texts["resource"].fill_null(""),
            **{f: texts[f] for f in names if f in columns},
            **({"before": name_column(log.column("from")).fill_null("")} if "from" in columns else {}),
        }
    ).with_row_index("row")
    kept = frame.filter(pl.Series(log.alive))
    return kept.sort("case", "time", "row"), read.format


def _amounts(log: _Log, file: Path, *, alone: bool) -> tuple[dict[str, float], dict[str, str]]:
    """Amounts by case: from the log itself, or, where it is ``alone``, from the file the mapping names or the one table
    beside the log that fits."""
    if "amount" in log.mapping.columns:
        header, decimal = log.mapping.columns["amount"], _decimal(log.sheet, log.mapping)
        return _numbers(log.column("case"), log.column("amount"), header, log, file.name, decimal, log.times), {}
    named = log.mapping.cases
    if not alone:
        return {}, {}
    for other in [file.with_name(named["file"])] if named.get("file") else _beside(file):
        try:
            sheet = sheet_of(other)
        except HistoryRefused:
            if named:
                raise
            continue
        found = guess(sheet.header, {"case": EVENT["case"], "amount": EVENT["amount"]})
        case, amount = named.get("case", found.get("case", "")), named.get("amount", found.get("amount", ""))
        if case not in sheet.header or amount not in sheet.header:
            if named:
                raise HistoryRefused(
                    f"{other.name} has no columns {case!r} and {amount!r}; it has: {', '.join(sheet.header)}"
                )
            continue
        amounts = _numbers(sheet.data[case], sheet.data[amount], amount, log, other.name)
        if not set(amounts) & set(log.column("case").head(10_000).to_list()):
            continue
        log.notes.append(told("log.amounts", file=other.name, column=repr(amount), case=repr(case)))
        return amounts, {"file": other.name, "case": case, "amount": amount}
    return {}, {}


def _beside(file: Path) -> list[Path]:
    if not file.parent.is_dir() or not file.exists():
        return []
    tables = sorted(
        p for p in file.parent.iterdir() if p.name.lower().endswith((".csv", ".csv.gz", *PARQUET)) and p != file
    )
    named = [p for p in tables if re.match(r"(cases?|案例|案件|商机)", p.name.lower())]
    return named[:3]


def _numbers(
    cases: pl.Series,
    texts: pl.Series,
    header: str,
    log: _Log,
    name: str,
    decimal: str = "",
    times: pl.Series | None = None,
) -> dict[str, float]:
    """The last amount known of each case: by ``times`` where there are some, as exports may begin with the newest."""
    values, wrong = amount_column(texts, header_unit(header), decimal)
    if wrong:
        log.notes.append(told("log.unread", n=str(len(wrong)), file=name))
    order = times if times is not None else pl.Series(range(len(values)))
    known = pl.DataFrame({"case": name_column(cases), "value": values, "at": order}).drop_nulls()
    known = known.sort("at", maintain_order=True)
    return dict(known.group_by("case").agg(pl.col("value").last()).iter_rows())


# --- visits -----------------------------------------------------------------------------------------------------------


def _machines(events: pl.DataFrame, log: _Log) -> tuple[str, ...]:
    """Resources that are machines: most cases' first step is theirs."""
    first = events.group_by("case", maintain_order=True).first()
    counts = first.filter(pl.col("person") != "")["person"].value_counts(sort=True)
    found = tuple(p for p, n in counts.iter_rows() if n >= MACHINE * first.height)
    if events["person"].n_unique() <= 3:  # a small team, where one person may well take most cases
        return ()
    if found:
        log.notes.append(told("log.machine", names=", ".join(found)))
    return found


# --- visits -----------------------------------------------------------------------------------------------------------


def _steps(firsts: pl.DataFrame, events: pl.DataFrame, funnel: Funnel) -> pl.DataFrame:
    """A row a case: when it first came to each step (s0, s1, ...; w for the step that wins), won and lost times.

    A case that goes back and comes again counts from its first coming: what is fitted is the furthest step reached,
    whose conversion and time hold whatever goes on meanwhile. Where cases may skip steps, a later one counts for all
    before it, and an end from which a case came back is none.
    """
    names = {**{a: f"s{i}" for i, a in enumerate(funnel.stages)}, funnel.won[0]: f"s{len(funnel.stages)}"}
    wide = firsts.group_by("case", maintain_order=True).agg(
        *(pl.col("time").filter(pl.col("activity") == a).min().alias(column) for a, column in names.items()),
        pl.col("time").filter(pl.col("activity").is_in(list(funnel.won))).min().alias("won"),
        pl.col("time").filter(pl.col("activity").is_in(list(funnel.lost))).min().alias("lost"),
        pl.col("time").min().alias("begun"),
    )
    if not funnel.skips:
        return wide
    known = [*funnel.stages, *funnel.won, *funnel.lost]
    last = (
        events.filter(pl.col("activity").is_in(known))
        .group_by("case")
        .agg(pl.col("activity").last().alias("last"), pl.col("time").last().alias("at"))
    )
    wide = wide.join(last, on="case", how="left", maintain_order="left")
    top = len(funnel.stages)
    over = pl.col("last").is_in(list(funnel.lost))
    wide = wide.with_columns(
        pl.when(over).then(pl.col("at")).alias("lost"),
        pl.when(over).then(None).otherwise(pl.col("won")).alias("won"),
    ).with_columns(pl.col("won").alias(f"s{top}"))
    reached = {f"s{k}": pl.min_horizontal(f"s{j}" for j in range(k, top + 1)) for k in range(1, top)}
    return wide.with_columns(**reached, s0=pl.col("begun")).drop("last", "at")


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
        log.notes.append(told("log.unrecorded", n=str(otherwise), name=funnel.won[0]))
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
        log.notes.append(told("log.stale", n=str(len(stale))))
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
    # the rep: who took up the case, the first of the funnel's steps that a person took. Who took the last says how far
    # it came: an office that only sees cases near their end would win all of them, and those who bring them none
    acted = (
        people.filter(pl.col("activity").is_in(list(funnel.stages)))
        .group_by("case", maintain_order=True)
        .agg(pl.col("person").first())
    )
    any_human = people.group_by("case", maintain_order=True).agg(pl.col("person").first().alias("anyone"))
    joined = steps.join(acted, on="case", how="left", maintain_order="left").join(
        any_human, on="case", how="left", maintain_order="left"
    )
    extra = [c for c in ("region", "product", "source") if c in events.columns]
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
    value = joined["case"].replace_strict(amounts, default=None, return_dtype=pl.Float64).alias("value")
    return joined.select(
        pl.col("case").alias("id"),
        pl.col("begun").alias("created"),
        pl.when(pl.col("won").is_not_null()).then("won").otherwise("lost").alias("ended"),
        status.alias("status"),
        reached.clip(0).replace_strict(dict(enumerate(funnel.stages)), return_dtype=pl.String).alias("stage"),
        value,
        pl.coalesce("person", "anyone").alias("owner"),
        *(pl.col(c) if c in extra else empty.alias(c) for c in ("product", "region", "source")),
        empty.alias("category"),
        empty.alias("territory"),
        empty.alias("account"),
        empty.alias("segment"),
        pl.lit(None, dtype=pl.Date).alias("expected"),
        pl.lit(value=False).alias("stamped"),
        pl.lit(value=False).alias("imported"),
    )
