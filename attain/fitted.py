"""From a history to the numbers of a plan: who, where, what, how often, how long, how much.

Between ``history`` (rows read) and ``planfile`` (the plan written): tables become arrays here, and ``engine.fit``
does the estimating.
"""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl

from attain.history.records import History, HistoryRefused
from engine.fit.amounts import Amount, fit_amounts
from engine.fit.arrivals import Arrivals, fit_arrivals
from engine.fit.durations import Waits, fit_waits
from engine.fit.incidence import ADVANCED, OPEN, Conversion, cohort_range, fit_conversion
from engine.fit.rates import shrunk_odds, shrunk_shares
from engine.problems import Refused

ALL = "All"
OTHER = "Other"
MOST_PRODUCTS = 30
MOST_REGIONS = 40
FEW = 10  # won deals from which a product has values of its own
RIPE = 0.95  # share of deals that have ended by the age from which win rates of people are compared


@dataclass(frozen=True, slots=True)
class StageFit:
    """A stage: its conversion over all deals, the probability written (of a deal of average odds), and its waits."""

    name: str
    conversion: Conversion
    probability: float
    waits: Waits
    won: bool


@dataclass(frozen=True, slots=True)
class RepFit:
    """A rep as found. ``advance`` stage -> odds multiplier; ``deals`` and ``won`` of the whole history."""

    name: str
    regions: tuple[str, ...]
    products: tuple[str, ...]
    advance: dict[str, float]
    deals: int
    won: int
    bookings: float  # of the base year
    quota: float | None


@dataclass(frozen=True, slots=True)
class Base:
    """The bookings that a goal is measured against."""

    since: dt.date
    until: dt.date  # inclusive
    bookings: float  # a year's worth
    deals: int
    months: int  # that were seen; fewer than 12 are scaled up


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


def quarter_start(day: dt.date) -> dt.date:
    """The first day of the calendar quarter that ``day`` is in."""
    return dt.date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)


def add_months(day: dt.date, months: int) -> dt.date:
    """The first of a month, some months on; ``day`` must be a first."""
    index = day.year * 12 + day.month - 1 + months
    return dt.date(index // 12, index % 12 + 1, 1)


def fit(history: History, goal: float | None = None, growth: float | None = 0.10) -> Fitted:
    """Fit everything. ``goal``: bookings in the horizon; else ``growth`` over the last four quarters.

    Raises HistoryRefused where the history holds too little to fit a plan.
    """
    notes: list[str] = []
    deals = _places(history, notes)
    start = quarter_start(history.as_of)
    end = add_months(start, 12) - dt.timedelta(days=1)
    recent = _last_year(deals, history.as_of)
    valued = bool((deals.filter(pl.col("status") == "won")["value"].fill_null(0) > 0).any())
    if not valued:
        notes.append("the history knows no amounts: every deal is worth 1, and the goal counts deals")
        deals = deals.with_columns(value=pl.lit(1.0))
        recent = recent.with_columns(value=pl.lit(1.0))
    try:
        stages, rep_odds, product_odds = _stages(history, deals, notes)
        values = _values(deals, history.as_of, notes)
        arrivals = _arrivals(deals, history.as_of)
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
    reps = _reps(history, deals, recent, rep_odds, base, target, notes)
    names = {r.name for r in reps}
    mix = _mix(recent)
    pipeline = _pipeline(history, deals, names)
    actuals = _actuals(deals, start, history.as_of, reps)
    return Fitted(
        start,
        end,
        history.as_of,
        stages,
        values,
        product_odds,
        tuple(sorted(set(deals["region"].to_list()))),
        reps,
        arrivals,
        mix,
        _shares(recent, names, mix),
        base,
        target,
        None if goal is not None else growth,
        pipeline,
        actuals,
        valued,
        tuple(notes),
    )


# --- where and what ---------------------------------------------------------------------------------------------------


def _places(history: History, notes: list[str]) -> pl.DataFrame:
    """The deals with one region, product and owner each: territory for a lone region, category for many products."""
    deals = history.deals
    regions, territories = deals["region"].drop_nulls().n_unique(), deals["territory"].drop_nulls().n_unique()
    region = pl.col("region")
    if regions <= 1 < territories:
        region = pl.col("territory")
        lone = deals["region"].drop_nulls().unique().to_list()
        notes.append(
            f"{f'all deals are in one region ({lone[0]})' if lone else 'no region is given'}: "
            f"its {territories} territories are taken as regions"
        )
    product = pl.col("product")
    products, categories = deals["product"].drop_nulls().n_unique(), deals["category"].drop_nulls().n_unique()
    if (products > MOST_PRODUCTS or products == 0) and 0 < categories <= MOST_PRODUCTS:
        product = pl.col("category")
        notes.append(
            f"{products} products are more than {MOST_PRODUCTS}: their {categories} categories are taken instead"
        )
    deals = deals.with_columns(region=region, product=product)
    deals = _fold(deals, "region", MOST_REGIONS, notes)
    deals = _fold(deals, "product", MOST_PRODUCTS, notes)
    return deals


def _fold(deals: pl.DataFrame, column: str, most: int, notes: list[str]) -> pl.DataFrame:
    """Missing names and, past ``most``, the rarest ones become one."""
    counts = deals[column].drop_nulls().value_counts(sort=True)
    if not counts.height:
        return deals.with_columns(pl.lit(ALL).alias(column))
    empty = deals[column].null_count()
    if empty:
        notes.append(f"{empty} deals have no {column}: taken as {OTHER!r}")
    if counts.height > most:
        kept = counts[column].head(most - 1).to_list()
        notes.append(
            f"{counts.height} {column}s are more than {most}: all but the {most - 1} commonest are taken as {OTHER!r}"
        )
        named = pl.when(pl.col(column).is_in(kept)).then(pl.col(column))
        return deals.with_columns(named.otherwise(pl.lit(OTHER)).alias(column))
    return deals.with_columns(pl.col(column).fill_null(OTHER))


def _last_year(deals: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
    since = dt.datetime.combine(as_of - dt.timedelta(days=365), dt.time(0))
    return deals.filter((pl.col("created") > since) | (pl.col("status") == "open"))


def _mix(recent: pl.DataFrame) -> dict[str, dict[str, int]]:
    mix: dict[str, dict[str, int]] = {}
    counts = recent.group_by("region", "product").len().sort("region", "product")
    for region, product, n in counts.iter_rows():
        mix.setdefault(region, {})[product] = n
    return mix


# --- stages and odds --------------------------------------------------------------------------------------------------

Odds = dict[str, dict[str, float]]  # name -> stage -> odds multiplier


def _stages(history: History, deals: pl.DataFrame, notes: list[str]) -> tuple[tuple[StageFit, ...], Odds, Odds]:
    visits = history.visits.with_columns(deals["product"].gather(history.visits["deal"]).alias("product"))
    span = (history.as_of - deals["created"].min().date()).days  # type: ignore[union-attr]
    rep_odds: Odds = {}
    product_odds: Odds = {}
    out = []
    for s, name in enumerate(history.stages):
        own = visits.filter(pl.col("stage") == s)
        times, outcomes = own["days"].to_numpy(), own["outcome"].to_numpy()
        try:
            conversion = fit_conversion(times, outcomes, cohorts=_cohorts(own, span), ahead=4 if span >= 730 else 12)
        except Refused as error:
            raise Refused(f"stage {name!r}: {error}") from None
        waits = fit_waits(times, outcomes, resolution=history.resolution)
        probability = conversion.probability
        ripe = _ripe(own, history.as_of)
        if 0 < probability < 1:
            probability = _compare(ripe, name, probability, rep_odds, product_odds)
        ended = conversion.entered - conversion.open
        if conversion.of < 0.5 * ended:
            low, high = cohort_range(outcomes, _cohorts(own, span))
            notes.append(
                f"stage {name!r}: conversion moves more than chance does, between {low:.2f} and {high:.2f} by "
                f"{'quarter' if span >= 730 else 'month'} of entry; the plan knows the coming year's as from "
                f"{conversion.of:.0f} deals, not from {ended:,}"
            )
        out.append(StageFit(name, conversion, probability, waits, s == len(history.stages) - 1))
    return tuple(out), rep_odds, product_odds


def _cohorts(visits: pl.DataFrame, span: int) -> np.ndarray:
    entered = visits["entered"]
    unit = 3 if span >= 730 else 1
    return ((entered.dt.year().cast(pl.Int64) * 12 + entered.dt.month().cast(pl.Int64) - 1) // unit).to_numpy()


def _ripe(visits: pl.DataFrame, as_of: dt.date) -> pl.DataFrame:
    """Visits that have ended, of those begun long enough ago that nearly all have: else quick outcomes count double."""
    ended = visits.filter(pl.col("outcome") != OPEN)
    age = float(np.quantile(ended["days"].to_numpy(), RIPE))
    before = dt.datetime.combine(as_of, dt.time(0)) - dt.timedelta(days=age)
    ripe = ended.filter(pl.col("entered") <= before)
    return ripe if ripe.height >= 0.5 * ended.height else ended


def _compare(ripe: pl.DataFrame, stage: str, mean: float, rep_odds: Odds, product_odds: Odds) -> float:
    """Odds multipliers of people and products at a stage; the probability at which their mean is the stage's."""
    named = ripe.filter(pl.col("person").is_not_null())
    people, products = sorted(named["person"].unique()), sorted(named["product"].unique())
    if len(people) < 2 and len(products) < 2:
        return mean
    cells = named.group_by("person", "product").agg(
        (pl.col("outcome") == ADVANCED).sum().alias("won"), pl.len().alias("of")
    )
    cells = cells.sort("person", "product")
    codes = [
        np.array([people.index(p) for p in cells["person"]], dtype=np.int64),
        np.array([products.index(p) for p in cells["product"]], dtype=np.int64),
    ]
    won, of = cells["won"].to_numpy().astype(float), cells["of"].to_numpy().astype(float)
    effects = shrunk_odds(won, of, codes, [len(people), len(products)])
    for names, table, multipliers in zip(
        (people, products), (rep_odds, product_odds), effects.multipliers, strict=True
    ):
        if len(names) > 1:
            for person, m in zip(names, multipliers, strict=True):
                table.setdefault(person, {})[stage] = float(m)
    logs = sum(np.log(m[c]) for m, c in zip(effects.multipliers, codes, strict=True))
    if len(people) < 2 or len(products) < 2:
        logs = np.log(effects.multipliers[0 if len(people) > 1 else 1][codes[0 if len(people) > 1 else 1]])
    return _centre(np.asarray(logs, dtype=np.float64), of, mean)


def _centre(logs: np.ndarray, weight: np.ndarray, mean: float) -> float:
    """The probability p with: mean over deals of expit(logit p + log multiplier) = ``mean``."""
    low, high = -30.0, 30.0
    for _ in range(80):
        middle = (low + high) / 2
        value = float(np.sum(weight / (1 + np.exp(-(middle + logs)))) / weight.sum())
        low, high = (middle, high) if value < mean else (low, middle)
    return float(1 / (1 + np.exp(-(low + high) / 2)))


def _values(deals: pl.DataFrame, as_of: dt.date, notes: list[str]) -> dict[str, Amount]:
    """Values by product, of the deals won in the last year where there are enough: prices and sizes drift."""
    won = deals.filter((pl.col("status") == "won") & (pl.col("value") > 0))
    since = dt.datetime.combine(as_of - dt.timedelta(days=365), dt.time(0))
    late = won.filter(pl.col("ended") > since)
    if late.height >= FEW and won.height > late.height:
        before, after = (float(x["value"].to_numpy().mean()) for x in (won.filter(pl.col("ended") <= since), late))
        drift = f"a won deal was worth {after:,.0f} on average in the last twelve months, {before:,.0f} before"
        notes.append(f"{drift}: values are fitted to the last twelve months")
    else:
        late = won
    pooled = fit_amounts((late if late.height else won)["value"].to_numpy())
    out = {}
    for product in sorted(set(deals["product"].to_list())):
        own = late.filter(pl.col("product") == product)
        if own.height < FEW:
            own = won.filter(pl.col("product") == product)
        if own.height < FEW and deals["product"].n_unique() > 1:
            notes.append(
                f"product {product!r} has {own.height} won deals with a value: the values of all products are taken"
            )
            out[product] = pooled
        else:
            out[product] = fit_amounts(own["value"].to_numpy())
    return out


def _arrivals(deals: pl.DataFrame, as_of: dt.date) -> Arrivals:
    """Leads by complete month; a first or last month that the history does not cover is left out."""
    created = deals["created"].dt.date()
    first, last = created.min(), as_of
    if not isinstance(first, dt.date):
        raise Refused("no deal with a date of creation")
    begin = first.replace(day=1) if first.day <= 3 else add_months(first.replace(day=1), 1)
    complete = as_of.day == calendar.monthrange(as_of.year, as_of.month)[1]
    end = add_months(last.replace(day=1), 1 if complete else 0)
    months = (end.year - begin.year) * 12 + end.month - begin.month
    if months < 1:  # less than a month of history: its own span, scaled
        days = max(1, (as_of - first).days + 1)
        return fit_arrivals([deals.height * 30.4375 / days], as_of.month)
    index = (created.dt.year().cast(pl.Int64) - begin.year) * 12 + created.dt.month().cast(pl.Int64) - begin.month
    kept = index.filter((index >= 0) & (index < months)).to_numpy()
    return fit_arrivals(np.bincount(kept, minlength=months), begin.month)


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
    won = _won_between(deals, since, until)
    seen = float(won["value"].sum())
    if months < 1:
        days = max(1, (as_of - first).days) if isinstance(first, dt.date) else 1
        notes.append(f"the history begins after {start}: the base year is its {days} days, scaled to a year")
        return Base(since, start, seen * 365.0 / days, won.height, 0)
    if months < 12:
        notes.append(
            f"the history reaches back {months} months before {start}, not four quarters: their bookings are scaled "
            "to a year, and lack the wins of deals begun before it, so that the goal is lower than it would be"
        )
    return Base(since, until, seen * 12 / months, won.height, months)


def _won_between(deals: pl.DataFrame, since: dt.date, until: dt.date) -> pl.DataFrame:
    day = pl.col("ended").dt.date()
    return deals.filter((pl.col("status") == "won") & (day >= since) & (day <= until))


def _reps(
    history: History,
    deals: pl.DataFrame,
    recent: pl.DataFrame,
    odds: Odds,
    base: Base,
    goal: float,
    notes: list[str],
) -> tuple[RepFit, ...]:
    """Reps with a deal in the last year; each with where and what they had, and their part of the goal."""
    owners = sorted(recent["owner"].drop_nulls().unique().to_list())
    everyone = deals["owner"].drop_nulls().n_unique()
    if not owners:
        notes.append("the history names no reps: one rep, 'Team', takes every deal")
        regions, products = sorted(recent["region"].unique()), sorted(recent["product"].unique())
        won = deals.filter(pl.col("status") == "won").height
        return (RepFit("Team", tuple(regions), tuple(products), {}, deals.height, won, base.bookings, goal),)
    if everyone > len(owners):
        notes.append(
            f"{everyone - len(owners)} of {everyone} reps had no deal in the last twelve months, and are left out"
        )
    booked = _won_between(deals, base.since, base.until).group_by("owner").agg(pl.col("value").sum())
    made = {name: float(v) for name, v in booked.iter_rows() if name in owners}
    total = sum(made.values())
    counts = deals.group_by("owner").agg(pl.len(), (pl.col("status") == "won").sum().alias("won"))
    whole = {name: (n, w) for name, n, w in counts.iter_rows()}
    served = recent.group_by("owner").agg(pl.col("region").unique(), pl.col("product").unique())
    places = {name: (tuple(sorted(r)), tuple(sorted(p))) for name, r, p in served.iter_rows()}
    out = []
    for name in owners:
        amount = made.get(name, 0.0)
        quota = goal * amount / total if amount > 0 else None
        n, w = whole[name]
        out.append(RepFit(name, *places[name], odds.get(name, {}), n, w, amount, quota))
    return tuple(out)


def _shares(
    recent: pl.DataFrame, names: set[str], mix: dict[str, dict[str, int]]
) -> dict[str, dict[str, dict[str, float]]]:
    """Who gets a cell's leads: counted, and pulled toward who gets the region's."""
    known = recent.filter(pl.col("owner").is_in(sorted(names)))
    if not known.height:
        return {region: {product: dict.fromkeys(names, 1.0) for product in row} for region, row in mix.items()}
    out: dict[str, dict[str, dict[str, float]]] = {}
    for region, row in mix.items():
        here = known.filter(pl.col("region") == region)
        people = sorted((here if here.height else known)["owner"].unique())
        prior = np.array([here.filter(pl.col("owner") == p).height for p in people], dtype=float)
        prior = prior / prior.sum() if prior.sum() else np.full(len(people), 1 / len(people))
        out[region] = {}
        for product in row:
            served = here.filter(pl.col("product") == product)
            counts = np.array([served.filter(pl.col("owner") == p).height for p in people], dtype=float)
            out[region][product] = dict(zip(people, shrunk_shares(counts, prior).tolist(), strict=True))
    return out


# --- what stands beside the plan --------------------------------------------------------------------------------------


def _pipeline(history: History, deals: pl.DataFrame, names: set[str]) -> pl.DataFrame:
    """Open deals that are still alive, in the stage they are in, with their age in it in calendar days."""
    last = (
        history.visits.filter(pl.col("outcome") == OPEN)
        .group_by("deal")
        .agg(pl.col("stage").max(), pl.col("days").last())
    )
    rows = deals.with_row_index("deal").with_columns(pl.col("deal").cast(pl.Int64)).filter(pl.col("status") == "open")
    joined = rows.join(last.with_columns(pl.col("deal").cast(pl.Int64)), on="deal", how="inner", suffix="_now").sort(
        "deal"
    )
    stage = pl.col("stage_now").replace_strict(dict(enumerate(history.stages)), return_dtype=pl.String())
    owner = pl.when(pl.col("owner").is_in(sorted(names))).then(pl.col("owner"))
    return joined.select(
        pl.col("id").alias("deal"),
        stage.alias("stage"),
        pl.col("days").alias("age"),
        owner.alias("owner"),
        "product",
        "region",
        "value",
    )


def _actuals(deals: pl.DataFrame, start: dt.date, as_of: dt.date, reps: tuple[RepFit, ...]) -> pl.DataFrame:
    """Won from the horizon's start to the history's last day, a row a deal; the first rep stands in for one unknown."""
    names = [r.name for r in reps]
    owner = pl.when(pl.col("owner").is_in(names)).then(pl.col("owner")).otherwise(pl.lit(names[0]))
    return (
        _won_between(deals, start, as_of)
        .sort("ended", "id")
        .select(
            pl.col("ended").dt.date().alias("date"),
            owner.alias("rep"),
            "product",
            "region",
            pl.col("value").fill_null(0.0).alias("bookings"),
            pl.lit(1).alias("deals_won"),
        )
    )
