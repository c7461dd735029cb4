"""HubSpot's one row a deal with a column a stage, the day on which the deal entered it, as a log of stages.

HubSpot keeps the latest day for each stage, so a deal that went back is seen to come to a stage when it came for good.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import polars as pl

from attain.history.columns import word
from attain.history.presets import columns_of, preset_of
from attain.history.sheets import Sheet
from attain.wording import told

_HEAD = re.compile(r"^date entered\s+[\"“']?(?P<stage>.+?)[\"”']?$", re.IGNORECASE)
_PIPELINE = re.compile(r"\s*[(（](?P<name>[^()（）]*)[)）]\s*$")
LEAST = 0.5  # share of the deals with a day for some stage from which the columns are a log
FIELDS = {"owner": "Deal owner", "value": "Amount", "product": "Product", "source": "Lead source", "region": "Region"}


def entries(sheet: Sheet) -> tuple[Sheet, list[str], str] | None:
    """The log, what is to be said of it, and its currency, where the file says.

    None where the file has no such columns, several pipelines, whose stages are no one passage, or several currencies.
    """
    preset = preset_of(sheet.header)
    heads = {h: m["stage"] for h in sheet.header if (m := _HEAD.match(" ".join(h.split())))}
    if preset is None or preset.name != "hubspot" or len(heads) < 3:
        return None
    names = {h: _PIPELINE.sub("", stage).strip() for h, stage in heads.items()}
    pipelines = {m["name"] for stage in heads.values() if (m := _PIPELINE.search(stage))}
    columns = columns_of(sheet.header, preset, "opportunities")
    if len(pipelines) > 1 or len(set(names.values())) < len(names) or not {"id", "created"} <= columns.keys():
        return None
    money = sheet.data[columns["currency"]].unique().drop_nulls().to_list() if "currency" in columns else []
    if "won" not in {word(name) for name in names.values()} or len({*money} - {""}) > 1:
        return None
    data = sheet.data.with_row_index("_row")
    own = [pl.col("_row"), pl.col(columns["id"]).alias("Record ID")]
    own += [pl.col(columns[field]).alias(name) for field, name in FIELDS.items() if field in columns]
    parts = [data.filter(pl.col(h) != "").select(*own, pl.lit(names[h]).alias("Stage entered"),
                                                 pl.col(h).alias("Date entered")) for h in heads]  # fmt: skip
    dated = int(data.select(pl.any_horizontal(pl.col(h) != "" for h in heads)).to_series().sum())
    if dated < LEAST * sheet.height:
        return None
    here = pl.col(columns["stage"]).str.replace(_PIPELINE.pattern, "") if "stage" in columns else pl.lit("")
    rest = data.filter(~pl.any_horizontal(pl.col(h) != "" for h in heads))
    parts.append(rest.select(*own, here.alias("Stage entered"), pl.col(columns["created"]).alias("Date entered")))
    long = pl.concat(parts).sort("_row", maintain_order=True)
    lines = sheet.lines[long["_row"].to_numpy().astype(np.int64)]
    said = told("log.entered", deals=f"{sheet.height:,}", entries=f"{long.height:,}", undated=f"{rest.height:,}")
    return replace(sheet, data=long.drop("_row"), lines=lines), [said], max(money, default="")
