"""Known accounts, segments and list prices of a fitted plan, from the tables of accounts and products.

Called by ``fitted``. An account's leads go to its owner in the plan; how many leads do so is counted in the history and
not assumed: those of the last twelve months whose account is listed and whose owner is the one listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from attain.fitted_people import RepFit
from attain.history.matching import match
from attain.joined import Joined, Stranger
from attain.wording import told
from engine.fit.amounts import Amount, fit_amounts

MOST_SEGMENTS = 12
COLUMNS = ("account", "owner", "region", "segment", "money", "authority", "need")


@dataclass(frozen=True, eq=False)
class Accounts:
    """``rows``: the plan's accounts, with the columns of COLUMNS that are known. ``from_accounts``: source -> share of
    its leads that went to their account's owner. ``scored``: whether there are scores."""

    rows: pl.DataFrame
    from_accounts: dict[str, float]
    file: str
    scored: bool
    strangers: tuple[Stranger, ...] = ()
    refused: dict[str, str] = field(default_factory=dict)

    def routed(self) -> pl.DataFrame:
        """account and owner, where there is one."""
        if "owner" not in self.rows.columns:
            return pl.DataFrame(schema={"account": pl.String, "owner": pl.String})
        return self.rows.select("account", "owner").drop_nulls()


def segmented(joined: Joined) -> bool:
    """Whether segments come from a table of accounts."""
    return joined.has("accounts", "segment")


def segments_of(recent: pl.DataFrame) -> dict[str, int]:
    """Segment -> leads of the last twelve months; none where the deals have no segments."""
    if "segment" not in recent.columns:
        return {}
    return dict(recent.group_by("segment").len().sort("segment").iter_rows())


def accounts_of(
    joined: Joined, deals: pl.DataFrame, recent: pl.DataFrame, reps: Sequence[RepFit], regions: Sequence[str],
    notes: list[str],
) -> Accounts | None:  # fmt: skip
    """The plan's accounts: those of the table, by the plan's names of people, regions and segments."""
    frame = joined.frame("accounts")
    if frame is None:
        return None
    file = joined.file("accounts")
    strangers: list[Stranger] = []
    rows = frame.select(c for c in COLUMNS if c in frame.columns)
    if "owner" in rows.columns:
        owners = match(rows["owner"].drop_nulls().unique().sort().to_list(), [r.name for r in reps])
        strangers += [Stranger("accounts", n, near, told("accounts.owner")) for n, near in owners.unknown.items()]
        rows = rows.with_columns(pl.col("owner").replace_strict(owners.of, default=None, return_dtype=pl.String))
    if "region" in rows.columns:
        places = match(rows["region"].drop_nulls().unique().sort().to_list(), regions)
        strangers += [Stranger("accounts", n, near, told("accounts.region")) for n, near in places.unknown.items()]
        rows = rows.with_columns(pl.col("region").replace_strict(places.of, default=None, return_dtype=pl.String))
    rows = _in_regions(rows, deals, regions)
    if "segment" in rows.columns and "segment" in deals.columns:
        known = set(deals["segment"].to_list())
        folded = pl.when(pl.col("segment").is_in(sorted(known))).then(pl.col("segment"))
        rows = rows.with_columns(folded.alias("segment"))
    scored = any(c in rows.columns for c in ("money", "authority", "need"))
    if "owner" in rows.columns:
        rows, others = _owned(rows, reps)
        if others:
            notes.append(told("accounts.unowned", file=file, n=f"{others:,}"))
    elif not scored:
        notes.append(told("accounts.segments_only", file=file))
        return Accounts(rows.head(0), {}, file, scored, tuple(strangers))
    shares = _from_accounts(rows, recent)
    if "owner" in rows.columns:
        known_deals = recent.filter(pl.col("account").is_in(rows["account"].to_list())).height
        own = round(sum(shares[s] * n for s, n in recent.group_by("source").len().iter_rows()))
        notes.append(
            told("accounts.routed", file=file, n=f"{own:,}", known=f"{known_deals:,}", of=f"{recent.height:,}")
        )
    return Accounts(rows, {s: p for s, p in shares.items() if p > 0}, file, scored, tuple(strangers))


def _owned(rows: pl.DataFrame, reps: Sequence[RepFit]) -> tuple[pl.DataFrame, int]:
    """The accounts whose owner works where they are, and how many are not: their leads go by shares, as all others."""
    works = pl.DataFrame(
        [(r.name, g) for r in reps for g in r.regions], schema={"owner": pl.String, "_at": pl.String}, orient="row"
    )
    on = {"left_on": ["owner", "region"], "right_on": ["owner", "_at"]} if "region" in rows.columns else {"on": "owner"}
    kept = rows.join(works.unique(), how="semi", **on, maintain_order="left")
    return kept, rows.height - kept.height


def _in_regions(rows: pl.DataFrame, deals: pl.DataFrame, regions: Sequence[str]) -> pl.DataFrame:
    """An account's region, where the table has none: where most of its deals were."""
    if len(regions) < 2:
        return rows.drop("region") if "region" in rows.columns else rows
    most = (
        deals.filter(pl.col("account").is_not_null())
        .group_by("account", "region").len()
        .sort(["account", "len", "region"], descending=[False, True, False])
        .group_by("account", maintain_order=True).first()
        .select("account", pl.col("region").alias("_region"))
    )  # fmt: skip
    rows = rows.join(most, on="account", how="left", maintain_order="left")
    found = pl.coalesce("region", "_region") if "region" in rows.columns else pl.col("_region")
    return rows.with_columns(found.alias("region")).drop("_region")


def _from_accounts(rows: pl.DataFrame, recent: pl.DataFrame) -> dict[str, float]:
    """Source -> the share of its leads that come from listed accounts and went to the owner listed (if any is)."""
    if "owner" in rows.columns:
        of = rows.select("account", pl.col("owner").alias("_owner")).drop_nulls()
        went = recent.join(of, on="account", how="left").select("source", hit=(pl.col("owner") == pl.col("_owner")))
    else:
        went = recent.select("source", hit=pl.col("account").is_in(rows["account"].to_list()))
    found = went.group_by("source").agg(pl.col("hit").fill_null(value=False).mean()).sort("source")
    return {source: float(share) for source, share in found.iter_rows()}


def unrouted(recent: pl.DataFrame, accounts: Accounts | None) -> pl.DataFrame:
    """The deals that no known account's owner got: the ones that shares of leads speak of."""
    if accounts is None or not accounts.from_accounts:
        return recent
    of = accounts.routed().rename({"owner": "_owner"})
    joined = recent.join(of, on="account", how="left", maintain_order="left")
    own = (pl.col("owner") == pl.col("_owner")).fill_null(value=False)
    return joined.filter(~own).drop("_owner")


# --- list prices ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Prices:
    """List prices and costs by product of the history, and what won deals came to against theirs."""

    file: str
    price: dict[str, float]
    cost: dict[str, float]
    ratios: np.ndarray  # of won deals, value over list price

    def of(self, product: str) -> Amount | None:
        """Values of a product with too few won deals of its own: others' share of their list price, times its own."""
        if product not in self.price or len(self.ratios) == 0:
            return None
        return fit_amounts(self.ratios * self.price[product])


def prices_of(joined: Joined, won: pl.DataFrame, few: int) -> Prices | None:
    """List prices, from the table of products; ratios where ``few`` won deals or more have one."""
    frame = joined.frame("products")
    if frame is None:
        return None
    table = {
        c: dict(frame.select("product", c).drop_nulls().filter(pl.col(c) > 0).iter_rows()) if c in frame.columns else {}
        for c in ("price", "cost")
    }
    price = won["product"].replace_strict(table["price"], default=None, return_dtype=pl.Float64)
    ratios = (won["value"] / price).drop_nulls().to_numpy() if len(price) else np.zeros(0)
    return Prices(joined.file("products"), table["price"], table["cost"], ratios if len(ratios) >= few else np.zeros(0))
