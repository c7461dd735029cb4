"""From a history to the numbers of a plan: who, where, what, how often, how long, how much.

Between ``history`` (rows read) and ``planfile`` (the plan written): tables become arrays here, and ``engine.fit``
does the estimating.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from attain.effort import Efforts
from attain.fitted_accounts import (
    MOST_SEGMENTS,
    Accounts,
    Prices,
    accounts_of,
    prices_of,
    segmented,
    segments_of,
    unrouted,
)
from attain.fitted_flow import Flow, add_months, arrivals_of, flows_of, is_chinese, mix_of, named_sources, shocks_of
from attain.fitted_people import Base, RepFit, shares_of, staff_of, won_between
from attain.fitted_stages import Odds, StageFit, fit_stages
from attain.history.beside import Beside
from attain.history.holidays import Workdays, known_country
from attain.history.records import History, HistoryRefused
from attain.joined import Joined, Stranger
from attain.spend import SpendFit
from attain.wording import told
from engine.fit.amounts import Amount, fit_amounts
from engine.fit.arrivals import Arrivals
from engine.fit.incidence import OPEN
from engine.fit.shocks import Shocks
from engine.problems import Refused

ALL = "All"
CHINA = "CN"
OTHER = "Other"
MOST_PRODUCTS = 30
MOST_REGIONS = 40
WEEKDAYS_FROM = 200  # ended visits from which the working week is read off them
RESTING = 0.25  # of the busiest five days' ends, below which a day is one of rest
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FEW = 10  # won deals from which a product has values of its own


@dataclass(frozen=True, slots=True)
class Fitted:
    """Everything that the plan says, with what it rests on."""

    start: dt.date
    end: dt.date
    as_of: dt.date
    stages: tuple[StageFit, ...]
    products: dict[str, Amount]
    product_odds: dict[str, dict[str, float]]  # product -> stage -> multiplier
    regions: tuple[str, ...]
    reps: tuple[RepFit, ...]
    arrivals: Arrivals
    mix: dict[str, dict[str, int]]
    shares: dict[str, dict[str, dict[str, float]]]
    base: Base
    goal: float
    growth: float | None
    pipeline: pl.DataFrame
    actuals: pl.DataFrame
    valued: bool  # whether the history knows amounts; else deals are counted
    notes: tuple[str, ...]
    flows: tuple[Flow, ...] = ()  # by source
    product_sds: dict[str, dict[str, float]] = field(default_factory=dict)
    source_odds: dict[str, dict[str, float]] = field(default_factory=dict)
    source_sds: dict[str, dict[str, float]] = field(default_factory=dict)
    spread: dict[str, dict[str, float]] = field(default_factory=dict)  # factor -> stage -> sd of log odds
    region_odds: dict[str, dict[str, float]] = field(default_factory=dict)  # carried by people, for notes
    economy: Shocks | None = None
    spend: SpendFit | None = None
    effort: Efforts | None = None  # from people's hours, where these are known
    paces: Odds | None = None  # how long deals of products and sources wait
    works: Workdays = field(default_factory=Workdays)
    refused: dict[str, str] = field(default_factory=dict)  # part that could not be fitted -> what would suffice
    segments: dict[str, int] = field(default_factory=dict)  # -> leads of the last twelve months
    segment_odds: dict[str, dict[str, float]] = field(default_factory=dict)
    segment_sds: dict[str, dict[str, float]] = field(default_factory=dict)
    accounts: Accounts | None = None
    prices: Prices | None = None
    gone: tuple[tuple[str, dt.date], ...] = ()  # people who had left before the plan's start
    strangers: tuple[Stranger, ...] = ()  # names of the tables, or of the history, that match none
    beside: tuple[Beside, ...] = ()  # the tables themselves


def quarter_start(day: dt.date) -> dt.date:
    """The first day of the calendar quarter that ``day`` is in."""
    return dt.date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)


def fit(
    history: History | Joined,
    goal: float | None = None,
    growth: float | None = 0.10,
    *,
    country: str | None = None,
    festival: bool | None = None,
) -> Fitted:
    """Fit everything. ``goal``: bookings in the horizon; else ``growth`` over the last four quarters. ``country``:
    whose public holidays are kept; without it days of the week alone count. ``festival``: whether the Spring Festival
    moves lead flow (unless given: in China, and where the history is Chinese). A history may come joined with the
    tables beside it.

    Raises HistoryRefused where the history holds too little to fit a plan, Refused for a country that is none.
    """
    joined = history if isinstance(history, Joined) else Joined(history)
    history = joined.history
    notes: list[str] = list(joined.notes)
    refused: dict[str, str] = {}
    country = known_country(country) if country is not None else None
    festival = country == CHINA or is_chinese(history) if festival is None else festival
    works = Workdays(country, weekend_of(history), festival)
    if country is None:
        notes.append(told("fit.no_country"))
    deals = _places(joined, notes)
    deals = named_sources(deals, _last_year(deals, history.as_of), notes)
    start = quarter_start(history.as_of)
    end = add_months(start, 12) - dt.timedelta(days=1)
    recent = _last_year(deals, history.as_of)
    valued = bool((deals.filter(pl.col("status") == "won")["value"].fill_null(0) > 0).any())
    if not valued:
        notes.append(told("fit.no_amounts"))
        deals = deals.with_columns(value=pl.lit(1.0))
        recent = recent.with_columns(value=pl.lit(1.0))
    try:
        stages, odds, paces = fit_stages(history, deals, notes)
        won = deals.filter((pl.col("status") == "won") & (pl.col("value") > 0))
        prices = prices_of(joined, won, FEW) if valued else None
        values = _values(deals, history.as_of, prices, notes)
        arrivals = arrivals_of(deals, history.as_of, start, works)
        flows = flows_of(deals, recent, history.as_of, start, works)
    except Refused as error:
        raise HistoryRefused(f"{history.name}: {error}") from None
    base = _base(deals, start, history.as_of, notes)
    target = goal if goal is not None else base.bookings * (1 + (growth or 0.0))
    if target <= 0:
        raise HistoryRefused(
            f"{history.name}: nothing was booked between {base.since} and {base.until}, so a goal relative to "
            "it is nought; "
            "give the goal as an amount"
        )
    refused |= {name.split(":")[0]: name for name in arrivals.missing}
    economy = shocks_of(deals, history.as_of, works, refused)
    staff = staff_of(deals, recent, (odds, paces), base, target, start, joined, notes)
    reps, names = staff.reps, {r.name for r in staff.reps if r.end is None or r.end > history.as_of}
    regions = tuple(sorted(set(deals["region"].to_list())))
    accounts = accounts_of(joined, deals, recent, reps, regions, notes)
    mix = mix_of(recent)
    pipeline = _pipeline(history, deals, names)
    actuals = _actuals(deals, start, history.as_of, reps)
    return Fitted(
        start,
        end,
        history.as_of,
        stages,
        values,
        odds.of["product"],
        regions,
        reps,
        arrivals,
        mix,
        shares_of(unrouted(recent, accounts), reps, mix),
        base,
        target,
        None if goal is not None else growth,
        pipeline,
        actuals,
        valued,
        tuple(notes),
        flows,
        odds.sd["product"],
        odds.of["source"],
        odds.sd["source"],
        odds.spread,
        odds.of["region"],
        economy=economy,
        paces=paces,
        works=works,
        refused=refused | staff.refused,
        segments=segments_of(recent),
        segment_odds=odds.of["segment"],
        segment_sds=odds.sd["segment"],
        accounts=accounts,
        prices=prices,
        gone=staff.gone,
        strangers=(*(accounts.strangers if accounts else ()), *joined.strangers, *staff.strangers),
        beside=tuple(joined.tables.values()),
    )


# --- where and what ---------------------------------------------------------------------------------------------------


def weekend_of(history: History) -> tuple[str, ...] | None:
    """The days of the week on which nothing is done: on which visits end, for all that is known, less than a quarter as
    often as on the five busiest days. None where too few visits have ended to tell."""
    left = pl.col("entered") + pl.duration(microseconds=(pl.col("days") * 86_400e6).cast(pl.Int64))
    days = history.visits.filter(pl.col("outcome") != OPEN).select(left.dt.weekday().alias("day"))["day"]
    if len(days) < WEEKDAYS_FROM:
        return None
    counts = np.bincount(days.to_numpy(), minlength=8)[1:]
    busy = np.sort(counts)[-5:].mean()
    return tuple(day for day, n in zip(DAYS, counts, strict=True) if n < RESTING * busy)


def _places(joined: Joined, notes: list[str]) -> pl.DataFrame:
    """The deals with one region, product and owner each: territory for a lone region, category for many products."""
    deals = joined.history.deals
    regions, territories = deals["region"].drop_nulls().n_unique(), deals["territory"].drop_nulls().n_unique()
    region = pl.col("region")
    if regions <= 1 < territories:
        region = pl.col("territory")
        lone = deals["region"].drop_nulls().unique().to_list()
        key = "fit.lone_region" if lone else "fit.no_region"
        notes.append(told(key, lone=lone[0] if lone else "", n=str(territories)))
    product = pl.col("product")
    products, categories = deals["product"].drop_nulls().n_unique(), deals["category"].drop_nulls().n_unique()
    if (products > MOST_PRODUCTS or products == 0) and 0 < categories <= MOST_PRODUCTS:
        product = pl.col("category")
        notes.append(told("fit.categories", n=str(products), most=str(MOST_PRODUCTS), categories=str(categories)))
    deals = deals.with_columns(region=region, product=product)
    deals = _fold(deals, "region", MOST_REGIONS, notes)
    deals = _fold(deals, "product", MOST_PRODUCTS, notes)
    return _fold(deals, "segment", MOST_SEGMENTS, notes) if segmented(joined) else deals.drop("segment", strict=False)


def _fold(deals: pl.DataFrame, column: str, most: int, notes: list[str]) -> pl.DataFrame:
    """Missing names and, past ``most``, the rarest ones become one."""
    counts = deals[column].drop_nulls().value_counts(sort=True)
    if not counts.height:
        return deals.with_columns(pl.lit(ALL).alias(column))
    empty = deals[column].null_count()
    if empty:
        notes.append(told("fit.nameless", n=str(empty), column=told(f"fit.column.{column}"), other=repr(OTHER)))
    if counts.height > most:
        kept = counts[column].head(most - 1).to_list()
        values = {"n": str(counts.height), "most": str(most), "kept": str(most - 1), "other": repr(OTHER)}
        notes.append(told("fit.folded", column=told(f"fit.column.{column}"), **values))
        named = pl.when(pl.col(column).is_in(kept)).then(pl.col(column))
        return deals.with_columns(named.otherwise(pl.lit(OTHER)).alias(column))
    return deals.with_columns(pl.col(column).fill_null(OTHER))


def _last_year(deals: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
    since = dt.datetime.combine(as_of - dt.timedelta(days=365), dt.time(0))
    return deals.filter((pl.col("created") > since) | (pl.col("status") == "open"))


# --- values -----------------------------------------------------------------------------------------------------------


def _values(deals: pl.DataFrame, as_of: dt.date, prices: Prices | None, notes: list[str]) -> dict[str, Amount]:
    """Values by product, of the deals won in the last year where there are enough: prices and sizes drift."""
    won = deals.filter((pl.col("status") == "won") & (pl.col("value") > 0))
    since = dt.datetime.combine(as_of - dt.timedelta(days=365), dt.time(0))
    late = won.filter(pl.col("ended") > since)
    if late.height >= FEW and won.height > late.height:
        before, after = (float(x["value"].to_numpy().mean()) for x in (won.filter(pl.col("ended") <= since), late))
        notes.append(told("fit.drift", after=f"{after:,.0f}", before=f"{before:,.0f}"))
    else:
        late = won
    pooled = fit_amounts((late if late.height else won)["value"].to_numpy())
    out = {}
    for product in sorted(set(deals["product"].to_list())):
        own = late.filter(pl.col("product") == product)
        if own.height < FEW:
            own = won.filter(pl.col("product") == product)
        listed = prices.of(product) if prices is not None and own.height < FEW else None
        if listed is not None:
            notes.append(told("values.listed", product=repr(product), n=str(own.height)))
            out[product] = listed
        elif own.height < FEW and deals["product"].n_unique() > 1:
            notes.append(told("fit.pooled_values", product=repr(product), n=str(own.height)))
            out[product] = pooled
        else:
            out[product] = fit_amounts(own["value"].to_numpy())
    return out


# --- the year before --------------------------------------------------------------------------------------------------


def _base(deals: pl.DataFrame, start: dt.date, as_of: dt.date, notes: list[str]) -> Base:
    since = add_months(start, -12)
    first = deals["created"].dt.date().min()
    if isinstance(first, dt.date) and first > since + dt.timedelta(days=3):
        since = min(start, first.replace(day=1) if first.day <= 3 else add_months(first.replace(day=1), 1))
    months = (start.year - since.year) * 12 + start.month - since.month
    until = start - dt.timedelta(days=1)
    if months < 1:
        since, until = start, dt.date.max
    won = won_between(deals, since, until)
    seen = float(won["value"].sum())
    if months < 1:
        days = max(1, (as_of - first).days) if isinstance(first, dt.date) else 1
        notes.append(told("fit.base_days", start=str(start), days=str(days)))
        return Base(since, start, seen * 365.0 / days, won.height, 0)
    if months < 12:
        notes.append(told("fit.base_months", months=str(months), start=str(start)))
    return Base(since, until, seen * 12 / months, won.height, months)


# --- what stands beside the plan --------------------------------------------------------------------------------------


def _pipeline(history: History, deals: pl.DataFrame, names: set[str]) -> pl.DataFrame:
    """Open deals that are still alive, in the stage they are in, with their age there in days at the end of the day."""
    last = (
        history.visits.filter(pl.col("outcome") == OPEN)
        .group_by("deal")
        .agg(pl.col("stage").max(), pl.col("entered").last())
    )
    rows = deals.with_row_index("deal").with_columns(pl.col("deal").cast(pl.Int64)).filter(pl.col("status") == "open")
    joined = rows.join(last.with_columns(pl.col("deal").cast(pl.Int64)), on="deal", how="inner", suffix="_now").sort(
        "deal"
    )
    over = dt.datetime.combine(history.as_of + dt.timedelta(days=1), dt.time(0))
    stage = pl.col("stage_now").replace_strict(dict(enumerate(history.stages)), return_dtype=pl.String())
    owner = pl.when(pl.col("owner").is_in(sorted(names))).then(pl.col("owner"))
    more = [c for c in ("segment",) if c in joined.columns]
    return joined.select(
        pl.col("id").alias("deal"),
        stage.alias("stage"),
        ((pl.lit(over) - pl.col("entered")).dt.total_microseconds() / 86_400e6).alias("age"),
        owner.alias("owner"),
        "product",
        "region",
        "value",
        "source",
        *more,
    )


def _actuals(deals: pl.DataFrame, start: dt.date, as_of: dt.date, reps: tuple[RepFit, ...]) -> pl.DataFrame:
    """Won from the horizon's start to the history's last day, a row a deal; the first rep stands in for one unknown."""
    names = [r.name for r in reps]
    owner = pl.when(pl.col("owner").is_in(names)).then(pl.col("owner")).otherwise(pl.lit(names[0]))
    return (
        won_between(deals, start, as_of)
        .sort("ended", "id")
        .select(
            pl.col("ended").dt.date().alias("date"),
            owner.alias("rep"),
            "product",
            "region",
            pl.col("value").fill_null(0.0).alias("bookings"),
            pl.lit(1).alias("deals_won"),
            *(pl.col(c) for c in ("segment",) if c in deals.columns),
        )
    )


# --- spend ------------------------------------------------------------------------------------------------------------


def with_spend(fitted: Fitted, spend: SpendFit) -> Fitted:
    """The plan's leads with those that spend brought as sources of their own: together they are as many as before."""
    brought = sum(spend.brought(c)[0] for c in spend.responses.channels)
    largest = max(fitted.flows, key=lambda f: f.arrivals.per_month)
    rest = max(0.0, largest.arrivals.per_month - brought)
    reduced = replace(largest, arrivals=replace(largest.arrivals, per_month=rest))
    flows = tuple(reduced if f is largest else f for f in fitted.flows)
    notes = []
    for channel in spend.responses.channels:
        middle, low, high = spend.brought(channel)
        values = {
            "middle": f"{middle:,.1f}",
            "low": f"{low:,.1f}",
            "high": f"{high:,.1f}",
            "largest": repr(largest.name),
        }
        year, n = f"{spend.year(channel):,.0f}", str(spend.responses.periods)
        notes.append(told("fit.spend", name=channel.name, year=year, n=n, **values))
    return replace(fitted, flows=flows, spend=spend, notes=(*fitted.notes, *notes))
