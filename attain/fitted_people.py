"""The people of a fitted plan: who had deals, who is listed, who has come and who has gone; their quotas and shares.

Called by ``fitted``. Without a table of people the reps are those with a deal in the last twelve months.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from attain.fitted_stages import Odds, with_regions
from attain.history.matching import match, nearest
from attain.history.records import HistoryRefused
from attain.history.spans import months_in_words
from attain.joined import Joined, Stranger, split_names
from attain.wording import told
from engine.fit.rates import shrunk_shares

MONTHS = 12
START_SHOWN = dt.timedelta(days=730)  # a start longer ago than this is no news for a plan


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
    advance_sd: dict[str, float] = field(default_factory=dict)  # of the logarithm of those odds
    wait: dict[str, float] = field(default_factory=dict)  # stage -> multiplier of waits
    wait_sd: dict[str, float] = field(default_factory=dict)
    quota_months: tuple[float, ...] = ()
    manager: str | None = None
    start: dt.date | None = None
    end: dt.date | None = None
    hours: float | None = None
    ramp: str | None = None
    fresh: bool = False  # without a deal in the last twelve months: odds and leads as the average's


@dataclass(frozen=True, slots=True)
class Base:
    """The bookings that a goal is measured against."""

    since: dt.date
    until: dt.date  # inclusive
    bookings: float  # a year's worth
    deals: int
    months: int  # that were seen; fewer than 12 are scaled up


@dataclass(frozen=True)
class Staff:
    """The reps of the plan; what was found out about names; why parts of the tables are not in the plan."""

    reps: tuple[RepFit, ...]
    strangers: tuple[Stranger, ...] = ()
    gone: tuple[tuple[str, dt.date], ...] = ()
    refused: dict[str, str] = field(default_factory=dict)


def won_between(deals: pl.DataFrame, since: dt.date, until: dt.date) -> pl.DataFrame:
    """Deals won from one day to another, both included."""
    day = pl.col("ended").dt.date()
    return deals.filter((pl.col("status") == "won") & (day >= since) & (day <= until))


def staff_of(
    deals: pl.DataFrame, recent: pl.DataFrame, of: tuple[Odds, Odds], base: Base, goal: float, start: dt.date,
    joined: Joined, notes: list[str],
) -> Staff:  # fmt: skip
    """Everybody who works in the plan's year from ``start`` on; ``of``: odds, and how long deals wait. Raises
    HistoryRefused."""
    people = joined.frame("people")
    owners = sorted(recent["owner"].drop_nulls().unique().to_list())
    if people is None:
        if not owners:
            return _with_quotas(Staff((_team(deals, recent, base, goal, notes),)), joined, start, goal, notes)
        everyone = deals["owner"].drop_nulls().n_unique()
        if everyone > len(owners):
            notes.append(told("people.inactive", n=str(everyone - len(owners)), of=str(everyone)))
        reps = _seen(owners, deals, recent, with_regions(of[0], deals), with_regions(of[1], deals), base, goal)
        reps = _serving(reps, recent, notes)
        return _with_quotas(Staff(reps), joined, start, goal, notes)
    rows = {row["name"]: row for row in people.iter_rows(named=True)}
    gone = {name: row["end"] for name, row in rows.items() if row.get("end") and row["end"] < start}
    kept = [name for name in owners if name not in gone]
    later = start.replace(year=start.year + 1)
    coming = {n: row["start"] for n, row in rows.items() if row.get("start") and row["start"] >= later}
    fresh = [n for n in rows if n not in owners and n not in gone and n not in coming]
    places, refused, strangers = _fresh_places(fresh, rows, recent, joined)
    people_odds, waits = (with_regions(found, deals, places) for found in of)
    seen = _seen(kept, deals, recent, people_odds, waits, base, goal)
    products = tuple(sorted(recent["product"].unique().to_list()))
    old = deals.group_by("owner").agg(pl.len(), (pl.col("status") == "won").sum().alias("won"))
    before = {name: (n, w) for name, n, w in old.iter_rows()}
    new = [
        RepFit(name, at, products, people_odds[0].get(name, {}), *before.get(name, (0, 0)), 0.0, None,
               people_odds[1].get(name, {}), waits[0].get(name, {}), waits[1].get(name, {}), fresh=True)
        for name, at in places.items()
    ]  # fmt: skip
    reps = tuple(_listed(rep, rows.get(rep.name), recent) for rep in (*seen, *new))
    reps = _covering(reps, recent, notes, joined.file("people"))
    if new:
        notes.append(
            told("people.fresh", n=str(len(new)), file=joined.file("people"), names=_some([r.name for r in new]))
        )
    if gone:
        notes.append(told("people.gone", n=str(len(gone)), file=joined.file("people"), names=_some(sorted(gone))))
    if coming:
        notes.append(told("people.coming", n=str(len(coming)), names=_some(sorted(coming))))
    found = Staff(reps, tuple(strangers), tuple(sorted(gone.items())), refused)
    return _with_quotas(found, joined, start, goal, notes)


def _some(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" (+{len(names) - most})" if len(names) > most else "")


def _team(deals: pl.DataFrame, recent: pl.DataFrame, base: Base, goal: float, notes: list[str]) -> RepFit:
    notes.append(told("people.team"))
    regions, products = sorted(recent["region"].unique()), sorted(recent["product"].unique())
    won = deals.filter(pl.col("status") == "won").height
    return RepFit("Team", tuple(regions), tuple(products), {}, deals.height, won, base.bookings, goal)


def _seen(
    owners: Sequence[str],
    deals: pl.DataFrame,
    recent: pl.DataFrame,
    odds: tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]],
    waits: tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]],
    base: Base,
    goal: float,
) -> tuple[RepFit, ...]:
    """Reps with a deal in the last year; each with where and what they had, and their part of the goal."""
    booked = won_between(deals, base.since, base.until).group_by("owner").agg(pl.col("value").sum()).sort("owner")
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
        known = odds[1].get(name, {}), waits[0].get(name, {}), waits[1].get(name, {})
        out.append(RepFit(name, *places[name], odds[0].get(name, {}), n, w, amount, quota, *known))
    return tuple(out)


# --- who is listed ----------------------------------------------------------------------------------------------------


def _fresh_places(
    fresh: Sequence[str], rows: Mapping[str, dict[str, object]], recent: pl.DataFrame, joined: Joined
) -> tuple[dict[str, tuple[str, ...]], dict[str, str], list[Stranger]]:
    """Where people without deals work; those whose region is none of the history's are left out, by name."""
    regions = sorted(recent["region"].unique().to_list())
    owners = joined.history.deals["owner"].drop_nulls().unique().sort().to_list()
    places: dict[str, tuple[str, ...]] = {}
    refused: dict[str, str] = {}
    strangers = []
    for name in fresh:
        near = "" if name in owners else nearest(name, owners)
        wanted = split_names(rows[name].get("region"))  # type: ignore[arg-type]
        found = match(wanted, regions)
        if len(regions) > 1 and not found.of:
            which = ", ".join(wanted) or "-"
            close = next((n for n in found.unknown.values() if n), "")
            why = told("people.nowhere", name=name, region=repr(which), near=f" ({close}?)" if close else "")
            refused[f"people: {name}"] = why
            strangers.append(Stranger("people", name, near, told("people.left_out", region=repr(which))))
            continue
        places[name] = tuple(sorted(set(found.of.values()))) or tuple(regions)
        if name not in owners:
            strangers.append(Stranger("people", name, near, told("people.pooled")))
    return places, refused, strangers


def _listed(rep: RepFit, row: dict[str, object] | None, recent: pl.DataFrame) -> RepFit:
    """What the table of people says of a rep; where they had deals they may still have them."""
    if row is None:
        return rep
    regions = match(split_names(row.get("region")), sorted(recent["region"].unique().to_list()))  # type: ignore[arg-type]
    more = {f: row.get(f) for f in ("manager", "start", "end", "hours", "ramp")}
    return replace(rep, regions=tuple(sorted({*rep.regions, *regions.of.values()})), **more)  # type: ignore[arg-type]


def _serving(reps: tuple[RepFit, ...], recent: pl.DataFrame, notes: list[str]) -> tuple[RepFit, ...]:
    """Somebody for every region and product, though its deals name no owner: who works there, else everybody."""
    more: dict[str, set[tuple[str, str]]] = {}
    for region, product in recent.select("region", "product").unique().sort("region", "product").iter_rows():
        here = [r for r in reps if region in r.regions]
        if any(product in r.products for r in here):
            continue
        notes.append(told("people.served" if here else "people.unserved", product=product, region=region))
        for r in here or reps:
            more.setdefault(r.name, set()).add((region, product))
    return tuple(
        replace(
            r,
            regions=tuple(sorted({*r.regions, *(region for region, _ in more.get(r.name, set()))})),
            products=tuple(sorted({*r.products, *(product for _, product in more.get(r.name, set()))})),
        )
        for r in reps
    )


def _covering(reps: tuple[RepFit, ...], recent: pl.DataFrame, notes: list[str], file: str) -> tuple[RepFit, ...]:
    """Somebody for every region and product that has leads: who is left in a region takes over what leavers sold."""
    extra: dict[str, set[str]] = {}
    for region, product in recent.select("region", "product").unique().sort("region", "product").iter_rows():
        here = [r for r in reps if region in r.regions]
        if not here:
            raise HistoryRefused(
                f"{file}: nobody in it works in {region!r}, where the history has leads: list who does, or correct "
                "the region"
            )
        if not any(product in r.products for r in here):
            notes.append(told("people.taken_over", product=product, region=region))
            for r in here:
                extra.setdefault(r.name, set()).add(product)
    return tuple(replace(r, products=tuple(sorted({*r.products, *extra.get(r.name, set())}))) for r in reps)


# --- quotas -----------------------------------------------------------------------------------------------------------


def _with_quotas(staff: Staff, joined: Joined, start: dt.date, goal: float, notes: list[str]) -> Staff:
    """Quotas from the table, where there is one; a rep that it does not name has none."""
    frame = joined.frame("quotas")
    if frame is None:
        return staff
    file, spans = joined.file("quotas"), joined.tables["quotas"].spans
    names = [r.name for r in staff.reps]
    months: dict[str, dict[int, float]] = {}
    gone = {name for name, _ in staff.gone}
    # the finest spans first: a total beside its months adds nothing
    order = sorted(spans.values(), key=lambda s: (s.months, s.year is None))
    for span in order:
        own = frame.filter(pl.col("span") == span.label)
        inside = span.within(start)
        for name, amount in own.select("rep", "amount").iter_rows():
            row = months.setdefault(name, {})
            free = [m for m in inside if m not in row]
            known = sum(row[m] for m in inside if m in row)
            whole = len(inside) == span.months
            if free and (len(free) == len(inside) or whole):
                each = max(0.0, amount - known) / len(free) if whole else amount / span.months
                row.update(dict.fromkeys(free, each))
    found = match(sorted(months), names)
    refused = dict(staff.refused)
    short: dict[tuple[int, ...], list[str]] = {}
    quotas: dict[str, tuple[float, ...]] = {}
    for name in sorted(months):
        missing = tuple(m for m in range(MONTHS) if m not in months[name])
        if name not in found.of:
            continue
        if missing:
            short.setdefault(missing, []).append(name)
        else:
            quotas[found.of[name]] = tuple(months[name][m] for m in range(MONTHS))
    for missing, people in short.items():
        refused[f"quotas: {people[0]}"] = told(
            "quotas.short", file=file, n=str(len(people)), names=_some(people), months=str(MONTHS - len(missing)),
            missing=months_in_words(missing, start),
        )  # fmt: skip
    strangers = [
        Stranger("quotas", name, near, told("quotas.gone" if name in gone else "quotas.nobody"))
        for name, near in found.unknown.items()
    ]
    without = [n for n in names if n not in quotas and n not in {m for p in short.values() for m in p}]
    strangers += [Stranger("quotas", n, nearest(n, sorted(found.unknown)), told("quotas.without")) for n in without]
    reps = tuple(_quoted(r, quotas.get(r.name)) for r in staff.reps)
    total = sum(r.quota or 0.0 for r in reps)
    if total > 0:
        key = "quotas.unit" if not 0.02 < total / goal < 50 else "quotas.sum"
        notes.append(
            told(
                key,
                file=file,
                n=str(len(quotas)),
                total=f"{total:,.0f}",
                share=f"{total / goal:.2f}" if total > 0.005 * goal else f"1/{goal / total:,.0f}",
            )
        )
    return replace(staff, reps=reps, strangers=(*staff.strangers, *strangers), refused=refused)


def _quoted(rep: RepFit, months: tuple[float, ...] | None) -> RepFit:
    if months is None or sum(months) <= 0:
        return replace(rep, quota=None)
    return replace(rep, quota=float(sum(months)), quota_months=months if len(set(months)) > 1 else ())


# --- shares of leads --------------------------------------------------------------------------------------------------


def shares_of(
    recent: pl.DataFrame, reps: Sequence[RepFit], mix: dict[str, dict[str, int]]
) -> dict[str, dict[str, dict[str, float]]]:
    """Who gets a cell's leads: counted, and pulled toward who gets the region's. One without deals gets the average."""
    names = {r.name for r in reps}
    fresh = [r for r in reps if r.fresh]
    known = recent.filter(pl.col("owner").is_in(sorted(names)))
    if not known.height:
        return {g: {p: {r.name: 1.0 for r in reps if g in r.regions} for p in row} for g, row in mix.items()}
    by_region: dict[str, dict[str, float]] = {}
    by_cell: dict[tuple[str, str], dict[str, float]] = {}
    for region, product, owner, n in known.group_by("region", "product", "owner").len().iter_rows():
        row_of = by_region.setdefault(region, {})
        row_of[owner] = row_of.get(owner, 0.0) + n
        by_cell.setdefault((region, product), {})[owner] = float(n)
    everyone = sorted(known["owner"].unique().to_list())
    out: dict[str, dict[str, dict[str, float]]] = {}
    for region, row in mix.items():
        own = by_region.get(region, {})
        new = [r.name for r in fresh if region in r.regions]
        people = sorted(own) or ([] if new else everyone)
        prior = np.array([own.get(p, 0.0) for p in people])
        prior = prior / prior.sum() if prior.sum() else np.full(len(people), 1 / max(1, len(people)))
        out[region] = {}
        for product in row:
            counts = np.array([by_cell.get((region, product), {}).get(p, 0.0) for p in people])
            shares = shrunk_shares(counts, prior).tolist() if people else []
            average = dict.fromkeys(new, 1.0 / max(1, len(people)))
            out[region][product] = dict(zip(people, shares, strict=True)) | average
    return out
