"""A history of fields' changes, as Salesforce keeps it, as one of stages: a change tells the stage before it, too.

Such a history has a row for a deal's creation, without a stage, and one for each change. Read as it stands, deals would
begin with their second stage, and those that never left the first would not be there.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from attain.history.cells import date_column
from attain.history.columns import plain
from attain.history.mapping import Mapping
from attain.history.records import HistoryRefused
from attain.history.sheets import Sheet
from attain.wording import told

_CASE = ("opportunityid", "opportunityname")
_TIME = ("createddate", "editdate", "lastmodified", "lastmodifieddate")
_FIELD = ("field", "fieldevent")
STAGE = ("stagename", "stage", "阶段")
_MADE = ("created", "opportunitycreated", "已创建", "创建", "创建时间")
FIELD = "Field"  # what the column of changed fields is called from here on


def with_first_stages(sheet: Sheet, mapping: Mapping) -> tuple[Sheet, list[str]]:
    """The history with each deal's creation as its coming to its first stage, and what is to be said of that.

    A table without old values stays as it is. Raises HistoryRefused where its dates cannot be told.
    """
    own = {plain(h): h for h in reversed(sheet.header)}
    case, time, field = (next((own[n] for n in names if n in own), None) for names in (_CASE, _TIME, _FIELD))
    old, new = own.get("oldvalue"), own.get("newvalue")
    if case is None or time is None or field is None or old is None or new is None:
        return sheet, []
    data = sheet.data.rename({field: FIELD}) if field != FIELD else sheet.data
    sheet = replace(sheet, data=data)
    kinds = {t: "stage" if plain(t) in STAGE else "made" if plain(t) in _MADE else "" for t in data[FIELD].unique()}
    kind = data[FIELD].replace_strict(kinds, return_dtype=pl.String).alias("_kind")
    if not (kind == "made").any():
        return sheet, [told("log.no_creation")]
    time = mapping.columns.get("time", time)
    try:
        times = date_column(data[time], time, known=mapping.dates.get("time"), zone=mapping.timezone).values
    except ValueError as error:
        raise HistoryRefused(str(error)) from None
    known = data.with_columns(kind, times.alias("_time"))
    changes = known.filter((pl.col("_kind") == "stage") & (pl.col(old) != "")).sort("_time", nulls_last=True)
    first = changes.group_by(case, maintain_order=True).agg(pl.col(old).first())
    if not first.height:
        return sheet, []
    usual = first[old].value_counts(sort=True, name="_n").sort(["_n", old], descending=[True, False])[old][0]
    made = pl.lit(kind == "made") & (pl.col(new) == "")
    stages = data[case].replace_strict(dict(first.iter_rows()), default=usual, return_dtype=pl.String)
    told_by = data.filter(kind == "made")[case].is_in(first[case].to_list())
    shown = data.with_columns(
        pl.when(made).then(pl.lit(stages)).otherwise(pl.col(new)).alias(new),
        pl.when(made).then(pl.lit("StageName")).otherwise(pl.col(FIELD)).alias(FIELD),
    )
    unmoved = len(told_by) - int(told_by.sum())
    notes: list[str] = [told("log.unmoved", n=str(unmoved), stage=repr(usual))] if unmoved else []
    return replace(sheet, data=shown), notes
