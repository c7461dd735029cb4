"""What distinguishes the paths that miss a goal from those that hit it.

The gap is the mean of the goal's value over the hits minus its mean over the misses. It is cut in several ways, each of
which adds up to it:

- *process*: prospects x share decided in time x win rate x value of a deal. The product of the group means is the
  group's mean value exactly, so the gap is divided by the Shapley value: the change of the product as one factor after
  the other moves from the misses' to the hits', averaged over all orders (Shapley 1953; for decompositions, Shorrocks
  2013, Journal of Economic Inequality 11, 99-126).
- *inputs*: a linear regression of the value on the drawn inputs; what the inputs do not explain is chance.
- *rep, product, region, segment, month*: sums.

A difference is called clear only beyond noise: Welch's t at 1%, divided by the number of candidates looked at
(Bonferroni). Hits and misses differ in the value by construction, so parts of a sum differ too: their share of the gap
is to be read beside their share of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, permutations

import numpy as np
from numpy.typing import NDArray

from attain.results import Results
from attain.summary.goals import main_goal, unit_of
from attain.summary.parts import utilisation
from attain.summary.records import Cut, Distinction, Driver, Unit
from attain.wording import Amount, Count, Sentence, Share, sentence
from engine.batch import AS_FACTORS, input_names
from engine.goals import BOOKINGS, MEASURES, Leg
from engine.outcomes import BOOKED, LEADS, LOST_DEALS, STALE_DEALS, WON
from engine.statistics import student

LEAST_PATHS = 20  # hits, and misses, below which nothing is said
FALSE_ALARM = 0.01  # over all candidates together
CHANCE = "chance"
PROSPECTS, DECIDED, WIN_RATE, DEAL_VALUE = "prospects", "decided", "win_rate", "deal_value"
SAID = 3  # parts of the gap that a sentence names
LEAST_SHARE = 0.05  # of the gap, below which a part is not named
OVER = 1.25  # times its share of the whole that a part of a sum makes of the gap, from which it is named

Floats = NDArray[np.float64]
Hits = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Candidate:
    """Something that may differ: its value on each path, NaN where it has none, and its part of the gap."""

    name: str
    values: Floats  # [n]
    contribution: float | None = None


def shapley(before: Floats, after: Floats) -> Floats:
    """[k]: the parts of prod(after) - prod(before) that each factor makes, averaged over the orders of their change."""
    k = len(before)
    parts = np.zeros(k)
    orders = list(permutations(range(k)))
    for order in orders:
        current = before.copy()
        last = float(np.prod(current))
        for factor in order:
            current[factor] = after[factor]
            new = float(np.prod(current))
            parts[factor] += new - last
            last = new
    return parts / len(orders)


def distinguish(results: Results) -> Distinction | None:
    """What distinguishes hits from misses of the main goal; None where either are too few, or there is no goal."""
    g = main_goal(results)
    if g is None:
        return None
    hits = results.attained[:, g]
    if min(int(hits.sum()), int((~hits).sum())) < LEAST_PATHS:
        return None
    book = results.world.goals
    plain = not book.counts(g) and book.goals[g].every is None
    leg = book.legs[book.legs_of[g][0]] if plain else None
    unit: Unit = unit_of(results, g) if plain else "money"
    minor = results.world.minor if unit == "money" else 1.0
    measure = leg.measure if leg is not None else BOOKED
    totals = _dimensions(results, leg)
    value = results.values[:, g] if plain else results.reps[:, :, BOOKED].sum(axis=1)
    value = value / minor
    cuts = [
        ("process", _process(results, leg, totals, measure, hits, minor)),
        ("inputs", _inputs(results, value, hits)),
    ]
    if measure < len(MEASURES):
        cuts += [(d, _sums(names, total[:, :, measure] / minor, hits)) for d, (names, total) in totals.items()]
    cuts = [(name, found) for name, found in cuts if len(found) > 1]
    others = _others(results, totals)
    level = FALSE_ALARM / max(1, sum(len(found) for _, found in cuts) + len(others))
    gap = float(value[hits].mean() - value[~hits].mean())
    judged = tuple(Cut(name, _ranked([_judged(c, hits, gap, level) for c in found])) for name, found in cuts)
    extra = _ranked([_judged(c, hits, gap, level) for c in others])
    made = Distinction(
        goal=book.names[g],
        hits=int(hits.sum()),
        misses=int((~hits).sum()),
        unit=unit,
        hit_mean=float(value[hits].mean()),
        missed_mean=float(value[~hits].mean()),
        gap=gap,
        cuts=judged,
        others=extra,
        sentences=(),
    )
    metric = results.world.measures[measure]
    return Distinction(**{**made.__dict__, "sentences": _sentences(made, metric, results.world.plan.currency)})


# --- the cuts --------------------------------------------------------------------------------------------------------


def _dimensions(results: Results, leg: Leg | None) -> dict[str, tuple[tuple[str, ...], Floats]]:
    """Dimensions whose parts add up to the goal's value: names and [n, names, MEASURES].

    Margins are over everything, so a goal that filters one dimension adds up along that dimension alone, and one with
    a window along the months alone, where the window holds whole months.
    """
    world = results.world
    columns = {
        "rep": (world.reps, results.reps[:, :, : len(MEASURES)]),
        "product": (world.products, results.margins["product"]),
        "region": (world.regions, results.margins["region"]),
        "segment": (world.segments, results.margins["segment"]),
        "month": (world.months, results.margins["month"]),
    }
    if leg is None:
        return columns
    ends = world.cal.month_ends
    starts = np.concatenate([[0.0], ends[:-1]])
    in_window = (ends <= leg.until) & (starts >= leg.since)
    masks = {
        "rep": leg.reps, "product": leg.products, "region": leg.regions, "segment": leg.segments, "month": in_window,
    }  # fmt: skip
    edges = np.concatenate([[0.0], ends])
    if not (leg.since in edges and leg.until in edges) or not leg.sources.all():
        return {}
    narrow = [name for name, mask in masks.items() if not mask.all()]
    if len(narrow) > 1:
        return {}
    return {
        name: (tuple(np.array(names, dtype=object)[masks[name]]), total[:, masks[name]])
        for name, (names, total) in columns.items()
        if not narrow or name == narrow[0]
    }


def _process(
    results: Results,
    leg: Leg | None,
    totals: dict[str, tuple[tuple[str, ...], Floats]],
    measure: int,
    hits: Hits,
    minor: float,
) -> list[Candidate]:
    """Prospects x decided in time x win rate (x deal value): each path's factors, their Shapley parts of the gap."""
    if not totals or measure not in (BOOKED, WON):
        return []
    total = next(iter(totals.values()))[1].sum(axis=1)
    opened, won_before, booked_before = _constants(results, leg)
    won = total[:, WON] - won_before
    series = [total[:, LEADS] + opened, won + total[:, LOST_DEALS] + total[:, STALE_DEALS], won]
    names = [PROSPECTS, DECIDED, WIN_RATE]
    if measure == BOOKED:
        series.append((total[:, BOOKED] - booked_before) / minor)
        names.append(DEAL_VALUE)
    factors = [series[0]]
    for below, above in pairwise(series):
        factors.append(np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0.0))
    missed, hit = _chain(series, ~hits), _chain(series, hits)
    # A factor that a group cannot know (no deal decided, none won) is taken from the other: the product is 0 anyway.
    missed, hit = np.where(np.isnan(missed), hit, missed), np.where(np.isnan(hit), missed, hit)
    parts = shapley(missed, hit)
    return [Candidate(name, f, float(part)) for name, f, part in zip(names, factors, parts, strict=True)]


def _chain(series: list[Floats], group: Hits) -> Floats:
    """The group's factors: ratios of its means, whose product is its last mean."""
    means = [float(s[group].mean()) for s in series]
    ratios = [b / a if a > 0.0 else np.nan for a, b in pairwise(means)]
    return np.array([means[0], *ratios])


def _constants(results: Results, leg: Leg | None) -> tuple[float, float, float]:
    """Deals open on the first day, and deals won and money booked before it, that count for the goal."""
    world = results.world
    opened, happened = world.open_deals, world.happened
    if leg is None:
        return float(len(opened.key)), float(happened.deals_won.sum()), float(happened.bookings.sum())
    ours = leg.products[opened.product] & leg.regions[opened.region]
    ours &= np.where(opened.owner >= 0, leg.reps[np.maximum(opened.owner, 0)], leg.reps.all())
    counts = leg.products[happened.product] & leg.regions[happened.region] & leg.reps[happened.rep]
    counts &= leg.segments[happened.segment] & (leg.dates[0] <= happened.day) & (happened.day <= leg.dates[1])
    return (
        float(ours.sum()) if leg.segments.all() else 0.0,
        float(happened.deals_won[counts].sum()),
        float(happened.bookings[counts].sum()),
    )


def _inputs(results: Results, value: Floats, hits: Hits) -> list[Candidate]:
    """The drawn inputs by linear regression, and chance, which is what they leave."""
    columns = results.inputs
    varies = np.flatnonzero(np.ptp(columns, axis=0) > 0.0) if columns.shape[1] else np.zeros(0, dtype=np.int64)
    if len(varies) == 0 or len(value) < 10 * (len(varies) + 1):
        return []
    drawn = columns[:, varies]
    design = np.column_stack([np.ones(len(value)), drawn])
    slopes = np.linalg.lstsq(design, value, rcond=None)[0]
    left = value - design @ slopes
    names = input_names(results.world)
    apart = drawn[hits].mean(axis=0) - drawn[~hits].mean(axis=0)
    found = []
    for j, v in enumerate(varies):
        # The economy is drawn as a log index; it is read as a factor of a normal one.
        column = np.exp(drawn[:, j]) if names[v].startswith(AS_FACTORS) else drawn[:, j]
        found.append(Candidate(names[v], column, float(slopes[1 + j] * apart[j])))
    return [*found, Candidate(CHANCE, left, float(left[hits].mean() - left[~hits].mean()))]


def _sums(names: tuple[str, ...], values: Floats, hits: Hits) -> list[Candidate]:
    """Parts of a sum, those that are not always 0."""
    return [
        Candidate(name, values[:, i], float(values[hits, i].mean() - values[~hits, i].mean()))
        for i, name in enumerate(names)
        if values[:, i].any()
    ]


def _others(results: Results, totals: dict[str, tuple[tuple[str, ...], Floats]]) -> list[Candidate]:
    """What differs without being a part of the gap: deals won, how busy the reps were."""
    found = []
    if totals:
        found.append(Candidate("deals_won", next(iter(totals.values()))[1][:, :, WON].sum(axis=1)))
    used = utilisation(results)
    if used is not None:
        found.append(Candidate("utilisation", used.mean(axis=1)))
    return found


# --- judging and saying ----------------------------------------------------------------------------------------------


def _judged(candidate: Candidate, hits: Hits, gap: float, level: float) -> Driver:
    a, b = candidate.values[hits], candidate.values[~hits]
    a, b = a[~np.isnan(a)], b[~np.isnan(b)]
    hit = float(a.mean()) if len(a) else float("nan")
    missed = float(b.mean()) if len(b) else float("nan")
    standardised, clear = _difference(a, b, level)
    part = candidate.contribution
    share = None if part is None or gap == 0.0 else part / gap
    return Driver(candidate.name, hit, missed, standardised, part, share, clear)


def _difference(a: Floats, b: Floats, level: float) -> tuple[float, bool]:
    """The difference of two means over the pooled standard deviation, and whether Welch's t calls it clear."""
    if min(len(a), len(b)) < 2:
        return 0.0, False
    va, vb = float(a.var(ddof=1)), float(b.var(ddof=1))
    apart = float(a.mean() - b.mean())
    pooled = np.sqrt(((len(a) - 1) * va + (len(b) - 1) * vb) / (len(a) + len(b) - 2))
    ea, eb = va / len(a), vb / len(b)
    # Constants differ by rounding alone: a spread below the digits of the mean is none.
    if pooled <= 1e-12 * max(abs(float(a.mean())), abs(float(b.mean())), 1e-300):
        return 0.0, False
    freedom = (ea + eb) ** 2 / (ea**2 / (len(a) - 1) + eb**2 / (len(b) - 1))
    t = abs(apart) / np.sqrt(ea + eb)
    return float(apart / pooled), bool(t > student(1.0 - level, freedom))


def _ranked(drivers: list[Driver]) -> tuple[Driver, ...]:
    """The largest part of the gap first; those without one by their standardised difference."""

    def order(driver: Driver) -> tuple[bool, float, float, str]:
        return driver.contribution is None, -abs(driver.contribution or 0.0), -abs(driver.standardised), driver.name

    return tuple(sorted(drivers, key=order))


def _sentences(found: Distinction, metric: str, currency: str) -> tuple[Sentence, ...]:
    """The gap, and the clear parts of each cut, in plain sentences."""

    def amount(value: float) -> object:
        return Amount(value, currency) if found.unit == "money" else Count(value, metric)

    said = [sentence("gap.of_goal" if metric == BOOKINGS else "gap.of_count", gap=amount(found.gap))]
    for other in found.others:
        if other.name == "deals_won" and other.clear and metric == BOOKINGS:
            fewer = Count(abs(other.hit - other.missed), "deal")
            key = "gap.fewer_deals" if other.hit > other.missed else "gap.more_deals"
            said.append(sentence(key, fewer=fewer, missed=other.missed, hit=other.hit))
    for cut in found.cuts:
        if cut.name in ("process", "inputs"):
            parts = _named(cut)
            said += [sentence(f"gap.{cut.name}", parts=parts)] if parts else []
        elif cut.name != "month":
            parts = _over_their_part(cut, found)
            said += [sentence("gap.cut", dimension=sentence(f"dimension.{cut.name}"), parts=parts)] if parts else []
    return tuple(said)


def _named(cut: Cut) -> tuple[Sentence, ...]:
    """The clear parts of a cut that are worth a word."""
    return tuple(
        sentence("gap.part", name=driver_name(cut.name, d.name), share=Share(d.share or 0.0, 0))
        for d in cut.drivers
        if d.clear and d.share is not None and d.share >= LEAST_SHARE
    )[:SAID]


def _over_their_part(cut: Cut, found: Distinction) -> tuple[Sentence, ...]:
    """Parts of a sum that make more of the gap than they are of the whole: equal parts say nothing."""
    n = found.hits + found.misses
    means = {d.name: (d.hit * found.hits + d.missed * found.misses) / n for d in cut.drivers}
    whole = sum(means.values())
    said = []
    for d in cut.drivers:
        own = means[d.name] / whole if whole > 0.0 else 1.0
        if d.clear and d.share is not None and d.share >= LEAST_SHARE and d.share >= OVER * own:
            said.append(sentence("gap.over", name=d.name, share=Share(d.share, 0), own=Share(own, 0)))
    return tuple(said[:SAID])


def driver_name(cut: str, name: str) -> object:
    """What a driver is called in a sentence: a text of its own, or the name from the plan."""
    if cut == "process":
        return sentence(f"driver.{name}")
    if cut == "inputs":
        return input_name(name)
    return name


def input_name(name: str) -> object:
    """A drawn input's name in words: the conversion of a stage, the economy of a region, chance."""
    if name == CHANCE:
        return sentence("driver.chance")
    kind, _, of = name.partition(":")
    if kind == "advance":
        return sentence("driver.advance", stage=of)
    if kind == "leads":
        return sentence("driver.leads", source=of)
    if kind == "value":
        return sentence("driver.value", product=of)
    return sentence("driver.economy_of", region=of) if of else sentence("driver.economy")
