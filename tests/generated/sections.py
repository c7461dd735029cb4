"""The sections of a generated plan, each drawn with what those before it named: stages, people, sources, routing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.generated import choices
from tests.generated.choices import chance, number, pick, some
from tests.generated.documents import Values

ONE_DAY = dt.timedelta(days=1)
SIZES = {"one": 1, "thousands": 1200, "many": 400}  # leads of a plan of that size; "few" is drawn


@dataclass(frozen=True)
class Named:
    """What a plan's sections refer to."""

    stages: tuple[str, ...]
    entries: tuple[str, ...]  # stages up to the won one, where deals may enter
    products: tuple[str, ...]
    tree: dict[str, Any]
    segments: tuple[str, ...]
    reps: tuple[str, ...]
    sources: tuple[str, ...]
    months: int
    accounts: bool
    dates: tuple[str, str]  # the horizon's first and last
    staffed: bool  # reps begin, leave, and get up to speed

    @property
    def regions(self) -> tuple[str, ...]:
        """Every region of the tree, those inside right after their parents."""
        return tuple(within(self.tree))

    @property
    def leaves(self) -> tuple[str, ...]:
        """The regions with none inside them."""
        return tuple(name for name, below in nodes(self.tree) if not below)


def nodes(tree: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every region of a tree with the tree inside it."""
    for name, below in tree.items():
        yield name, below
        yield from nodes(below)


def within(tree: Mapping[str, Any]) -> list[str]:
    """Every region of a tree."""
    return [name for name, _ in nodes(tree)]


def extended(names: tuple[str, ...], count: int = choices.MANY) -> tuple[str, ...]:
    """The names, and as many numbered ones as make `count`."""
    return names + tuple(f"{i:03}" for i in range(len(names), count))


def odds(rng: Random, stages: tuple[str, ...]) -> Values:
    """Odds by stage: for one stage, or none."""
    return {pick(rng, stages): pick(rng, choices.ODDS)} if chance(rng, 3) else {}


def stages(rng: Random, style: str, *, plain: bool, many: bool) -> list[Values]:
    """The stages; with `plain`, no time in calendar days; with `many`, as many as there may be."""
    work, wait, by_date = choices.STYLES[style]
    patience: tuple[str, ...] = choices.PATIENCE
    if not plain:
        wait, patience = (*wait, *by_date), (*patience, *choices.CALENDAR_PATIENCE)
    count = 1 + number(rng, 4)
    won = number(rng, count)  # the last number marks none: the last stage books
    found: list[Values] = []
    for name in choices.STAGES[:count]:
        stage: Values = {"name": name, "work": pick(rng, work), "wait": pick(rng, wait)}
        stage["advance"] = pick(rng, choices.ADVANCE)
        if chance(rng, 3):
            stage["wait_lost"] = pick(rng, wait)
        if chance(rng, 3):
            stage["stale_after"] = pick(rng, patience)
        if chance(rng, 5):
            stage["activities"] = pick(rng, ({"visits": 1}, {"visits": 2, "标书": 1}, {"calls": 0.1}))
        found.append(stage)
    if many:
        found = [
            {**found[i % count], "name": name}
            for i, name in enumerate(extended(choices.STAGES[:count], choices.MANY_STAGES))
        ]
    if won < count:
        found[won]["won"] = True
    return found


def customers(rng: Random) -> Values | None:
    """Classes A to D, where there are any."""
    if not chance(rng, 3):
        return None
    found: Values = {"priority": not chance(rng, 3)}
    for score in ("money", "authority", "need"):
        found[score] = pick(rng, choices.SCORES)
    found["strong_from"] = pick(rng, (0.5, 0.7, 0))
    found["advance"] = pick(rng, ({}, {"A": 3.0}, {"B": 0.4, "D": 2.0}))
    return found


def segments(rng: Random, names: tuple[str, ...], stage_names: tuple[str, ...]) -> Values:
    """Customer segments; all but the first may have no share of leads."""
    found: Values = {}
    for i, name in enumerate(names):
        if i > 2:
            found[name] = found[names[i % 3]]
            continue
        share = pick(rng, choices.WEIGHTS if i else choices.WEIGHTS[:-1])
        found[name] = {"share": share, "value": pick(rng, (1, 2, 0.37)), "advance": odds(rng, stage_names)}
    return found


def mix(rng: Random, regions: tuple[str, ...], products: tuple[str, ...]) -> Values:
    """Weights by region and product; the first drawn is above zero."""
    found: Values = {}
    for i in range(1 + number(rng, 2)):
        cell = found.setdefault(pick(rng, regions), {})
        cell.setdefault(pick(rng, products), pick(rng, choices.WEIGHTS) if i else 1)
    return found


# --- people ----------------------------------------------------------------------------------------------------------


def rep(rng: Random, name: str, named: Named) -> Values:
    """One rep: hours, what they may take, what they find, how good they are, what they owe."""
    hours = pick(rng, (40, 20, 80, 40, 0, 10, 12.5))
    found: Values = {"name": name, "hours_per_week": hours, "advance": odds(rng, named.stages)}
    if chance(rng, 3):
        found["region"] = some(rng, named.regions, 2)
    if chance(rng, 4):
        found["products"] = some(rng, named.products, 2)
    if named.segments and chance(rng, 3):
        found["segments"] = some(rng, named.segments, 2)
    if chance(rng, 3):
        own = some(rng, found.get("products", named.products))
        found["focus"] = {product: pick(rng, choices.WEIGHTS) if i else 1 for i, product in enumerate(own)}
        if chance(rng, 2):
            found["idle_hours"] = "lent"
            if chance(rng, 3):
                found["focus"] = regional_focus(rng, found, named)
    if chance(rng, 4):
        found["prospecting"] = prospecting(rng, found, named)
    if chance(rng, 3):
        found["quota"] = quota(rng, named.months)
    return found | (stay(rng, named) if named.staffed else {})


def regional_focus(rng: Random, rep: Values, named: Named) -> Values:
    """Weights by region, some of them split by product; the first is above zero."""
    found: Values = {}
    for i, region in enumerate(some(rng, rep.get("region", named.regions), 3)):
        weights = [pick(rng, choices.WEIGHTS) if i else 1, pick(rng, choices.WEIGHTS)]
        sold = rep.get("products", named.products)
        found[region] = dict(zip(sold, weights, strict=False)) if chance(rng, 2) else weights[0]
    return found


def stay(rng: Random, named: Named) -> Values:
    """A rep's first day, which may be before the horizon, and the last; and the way to full speed."""
    first, end = map(dt.date.fromisoformat, named.dates)
    found: Values = {}
    if chance(rng, 2):
        began = first + number(rng, (end - first).days) * ONE_DAY if number(rng, 3) else first - 20 * ONE_DAY
        found["start"], first = began.isoformat(), max(first, began)
    if number(rng, 2):
        found["end"] = (first + number(rng, (end - first).days) * ONE_DAY).isoformat()
    if chance(rng, 2):
        found["ramp"] = pick(rng, choices.RAMPS)
    return found


def prospecting(rng: Random, rep: Values, named: Named) -> Values:
    """What a rep finds, anywhere in their own territory."""
    found: Values = {"hours_per_week": min(rep["hours_per_week"], pick(rng, (8, 40, 0)))}
    found["prospects_per_hour"] = pick(rng, (0.5, 2))
    if chance(rng, 3):
        found["enters"] = pick(rng, named.entries)
    if chance(rng, 3):
        found["mix"] = mix(rng, tuple(rep.get("region", named.regions)), tuple(rep.get("products", named.products)))
    return found


def quota(rng: Random, months: int) -> Any:
    """An amount, its first months, or months alone."""
    kind = number(rng, 2)
    if kind == 1 and months > 1:
        return {"year": 1000, "months": [10, 0][: months - 1]}
    return 500 if kind == 0 else {"months": [100, 20][:months]}


# --- sources and routing ---------------------------------------------------------------------------------------------


def routing(rng: Random, named: Named) -> Any:
    """How leads find their rep."""
    kind = pick(rng, ("least_loaded", "round_robin", "round_robin", "share", "cells"))
    if kind not in ("share", "cells"):
        return kind
    shares = {name: pick(rng, choices.WEIGHTS) if i else 1 for i, name in enumerate(some(rng, named.reps))}
    if kind == "share":
        return {"share": shares}
    return {"share": {pick(rng, named.regions): {pick(rng, named.products): shares}}}


def source(rng: Random, size: str, named: Named) -> Values:
    """One source of leads, of any kind."""
    kind = pick(rng, ("list", "list", "day", "month", "budget"))
    found: Values = {}
    if size != "many" and chance(rng, 3):
        found["mix"] = mix(rng, named.regions, named.products)
    if kind == "list" or size != "few":
        few = (3, 6, 1, 12, 25, 0)
        alike = 10 if size == "many" and (len(named.sources) > 3 or len(named.stages) > 5) else 1
        found["prospects"] = SIZES[size] // alike if size in SIZES else pick(rng, few)
        found["spread"] = pick(rng, ("start", "even", "year")) if size != "together" else "start"
    elif kind == "budget":
        found["response"] = pick(rng, (*choices.HILLS, *choices.LINEARS))
        found["budget"] = budget(rng, found.get("mix"), named)
    elif kind == "day":
        found["leads_per_day"] = pick(rng, (2, 0, 0.5))
    else:
        found["leads_per_month"] = pick(rng, (20, 5, 0))
    if "prospects" not in found and chance(rng, 3):
        found["season"] = pick(rng, ([1, 2, 0, 1, 3, 1, 1, 1, 1, 1, 0, 0.5], [1, 0, 1] * 4))
    if chance(rng, 4):
        found["enters"] = pick(rng, named.entries)
    if chance(rng, 4):
        found["routing"] = routing(rng, named)
    if named.accounts and number(rng, 2):
        found["from_accounts"] = pick(rng, (1, 0.5))
    if chance(rng, 3):
        found["economy"] = pick(rng, (0, 2, -1))
    return found | {"advance": odds(rng, named.stages)}


def budget(rng: Random, mix: Values | None, named: Named) -> Any:
    """Spend as a whole, by region, by region and product; by month where it is split."""

    def spend() -> Any:
        if chance(rng, 3):
            return [pick(rng, choices.SPEND) if m < 3 else 300 for m in range(named.months)]
        return pick(rng, choices.SPEND)

    kind = pick(rng, ("whole", "region", "product"))
    if kind == "whole":
        return pick(rng, choices.SPEND)
    if kind == "product":
        return {region: {pick(rng, named.products): spend()} for region in some(rng, named.regions, 2)}
    if mix is None:
        return {region: spend() for region in some(rng, named.leaves, 2)}
    weighted = tuple(region for region, by in mix.items() if any(weight != 0 for weight in by.values()))
    return {region: spend() for region in some(rng, weighted, 2)}
