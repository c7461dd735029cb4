"""HubSpot's one row a deal with a column a stage, the day on which the deal entered it, as a log of stages.

HubSpot keeps the latest day for each stage, so a deal that went back is seen to come to a stage when it came for good.
Of deals without any such day the close date says when they ended: today's stage is not where they have always been.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from attain.history.cells import Dates, date_column
from attain.history.columns import ended_otherwise, word
from attain.history.known import by_day
from attain.history.presets import columns_of, preset_of
from attain.history.records import HistoryRefused
from attain.history.sheets import Sheet
from attain.wording import told

_HEAD = re.compile(r"^date entered\s+[\"“']?(?P<stage>.+?)[\"”']?$", re.IGNORECASE)
_PIPELINE = re.compile(r"\s*[(（](?P<name>[^()（）]*)[)）]\s*$")
LEAST = 0.5  # share of the deals with a day for some stage from which the columns are a log
FIELDS = {"owner": "Deal owner", "value": "Amount", "product": "Product", "source": "Lead source", "region": "Region"}
STAGE, DAY = "Stage entered", "Date entered"


@dataclass(frozen=True, eq=False)
class Entered:
    """The log, whose days are written as 2024-03-31 with the time; ``said`` of it; ``currency``, '' where the file says
    none; ``format``, ``times``: of the days as the file has them."""

    sheet: Sheet
    said: str
    currency: str
    format: str
    times: pl.Series


def entries(sheet: Sheet, as_of: dt.date | None = None, known: str | None = None, zone: str = "") -> Entered | None:
    """The log of such an export. As of a day, only deals made and stages entered by then make it one; how days are
    written (``known``: as a mapping says) is told from the whole file.

    None where the file has no such columns, several pipelines, whose stages are no one passage, or several currencies.
    Raises HistoryRefused where its days cannot be told.
    """
    preset = preset_of(sheet.header)
    heads = {h: m["stage"] for h in sheet.header if (m := _HEAD.match(" ".join(h.split())))}
    if preset is None or preset.name != "hubspot" or len(heads) < 3:
        return None
    names = {h: _PIPELINE.sub("", stage).strip() for h, stage in heads.items()}
    pipelines = {m["name"] for stage in heads.values() if (m := _PIPELINE.search(stage))}
    columns = columns_of(sheet.header, preset, "opportunities")
    if len(pipelines) > 1 or len(set(names.values())) < len(names):
        return None
    if not {"id", "created", "closed"} <= columns.keys() or "won" not in {word(name) for name in names.values()}:
        return None
    long, deals, form = _read(sheet, names, columns, known, zone)
    if as_of is not None:
        long = long.filter(by_day(long["at"], as_of))
        deals = deals.filter(by_day(deals["made"], as_of) | deals["_row"].is_in(long["_row"].implode()))
    money = sheet.data[columns["currency"]].gather(deals["_row"]).unique().to_list() if "currency" in columns else []
    dated = deals["_row"].is_in(long["_row"].implode())
    first = _usual(long)
    if first is None or int(dated.sum()) < LEAST * deals.height or len({*money} - {""}) > 1:
        return None
    rest = _undated(deals.filter(~dated), first, long, as_of)
    long = pl.concat([long, rest]).sort("_row", maintain_order=True)
    shown = pl.coalesce(pl.col("at").dt.to_string("%Y-%m-%d %H:%M:%S%.6f"), DAY).alias(DAY)
    own = [pl.col(columns["id"]).alias("Record ID")]
    own += [pl.col(columns[field]).alias(name) for field, name in FIELDS.items() if field in columns]
    rows = long["_row"].to_numpy().astype(np.int64)
    data = sheet.data.select(own)[rows].hstack(long.select(STAGE, shown))
    undated = deals.height - int(dated.sum())
    said = told(
        "log.entered",
        deals=f"{deals.height:,}",
        entries=f"{long.height:,}",
        undated=f"{undated:,}",
        stage=repr(first),
    )
    return Entered(replace(sheet, data=data, lines=sheet.lines[rows]), said, max(money, default=""), form, long[DAY])


def _read(
    sheet: Sheet, names: dict[str, str], columns: dict[str, str], known: str | None, zone: str
) -> tuple[pl.DataFrame, pl.DataFrame, str]:
    """A row an entry (deal's row, stage, day as text, ``at``), a row a deal (``stage`` of today, ``made``, ``closed``),
    and how days of entering are written."""
    data = sheet.data.with_row_index("_row")
    long = pl.concat(
        data.filter(pl.col(h) != "").select("_row", pl.lit(name).alias(STAGE), pl.col(h).alias(DAY))
        for h, name in names.items()
    )
    created, closed = columns["created"], columns["closed"]
    days = _days({DAY: long[DAY], created: data[created], closed: data[closed]}, known, zone)
    here = pl.col(columns["stage"]).str.replace(_PIPELINE.pattern, "") if "stage" in columns else pl.lit("")
    deals = data.select("_row", here.str.strip_chars().alias("stage"), pl.col(created).alias(DAY)).with_columns(
        days[created].values.alias("made"), days[closed].values.alias("closed")
    )
    return long.with_columns(days[DAY].values.alias("at")), deals, days[DAY].format


def _days(texts: dict[str, pl.Series], known: str | None, zone: str) -> dict[str, Dates]:
    """The columns of days; one that does not tell days from months is read as the others are."""
    read: dict[str, Dates] = {}
    hint: str | None = None
    for last in (False, True):
        for name, cells in texts.items():
            if name in read:
                continue
            try:
                read[name] = date_column(cells, name, known=known if name == DAY else None, hint=hint, zone=zone)
            except ValueError as error:
                if last:
                    raise HistoryRefused(str(error)) from None
                continue
            if read[name].format[:2] in ("dd", "mm"):
                hint = hint or read[name].format[0]
    return read


def _over(stage: str) -> bool:
    return word(stage) in ("won", "lost") or ended_otherwise(stage)


def _usual(long: pl.DataFrame) -> str | None:
    """The stage at which most deals begin, None where none does."""
    ends = [stage for stage in long[STAGE].unique().to_list() if _over(stage)]
    begun = long.filter(~pl.col(STAGE).is_in(ends) & pl.col("at").is_not_null()).sort("at", maintain_order=True)
    first = begun.group_by("_row", maintain_order=True).agg(pl.col(STAGE).first())
    counts = first[STAGE].value_counts(name="_n").sort(["_n", STAGE], descending=[True, False])
    return str(counts[STAGE][0]) if counts.height else None


def _undated(rest: pl.DataFrame, first: str, long: pl.DataFrame, as_of: dt.date | None) -> pl.DataFrame:
    """Entries of deals without any: the first stage when they were made, and, where today's stage says that they are
    over, that one on their close date; without a close date that alone, to be refused by number."""
    ends = [stage for stage in rest["stage"].unique().to_list() if _over(stage)]
    # a close date ahead of all that is known is an entry made ahead of its day
    latest = pl.lit(pl.concat([long["at"], rest["made"]]).max(), dtype=pl.Datetime("us"))
    day = pl.col("closed") if as_of is not None else pl.min_horizontal("closed", latest)
    end = pl.when(pl.col("closed").is_not_null()).then(pl.max_horizontal(day, "made"))
    rest = rest.with_columns(end.alias("end"), pl.col("stage").is_in(ends).alias("over"))
    begun = rest.filter(~(pl.col("over") & pl.col("end").is_null()))
    over = rest.filter("over")
    if as_of is not None:
        over = over.filter(by_day(over["end"], as_of))
    return pl.concat(
        [
            begun.select("_row", pl.lit(first).alias(STAGE), DAY, pl.col("made").alias("at")),
            over.select("_row", pl.col("stage").alias(STAGE), pl.lit("").alias(DAY), pl.col("end").alias("at")),
        ]
    )
