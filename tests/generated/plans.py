"""The strategy of whole plans: documents with their files, and cases to simulate.

Everything that reaches an engine is drawn here, and a plan always loads: `features` measures what the plans cover, so
a feature that the engines learn is added here and there. `plain` leaves out what the reference simulation of the tests
cannot follow: time in calendar days, an economy, what was booked before the first day, reps who begin or leave, and
many deals.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from hypothesis import strategies as st

from engine.outcomes import Attribution
from engine.plan.types import LoadedPlan
from engine.world import World, build
from tests.generated import choices, sections
from tests.generated.choices import chance, number, pick, some
from tests.generated.documents import ACCOUNTS, ACTUALS, PIPELINE, Document, Values, mended
from tests.generated.fitted import fitted
from tests.generated.sections import Named, extended

SEEDS = (9, 0, 1, 2**63 + 11, 2**64 - 1)
FIRSTS = (0, 1, 7, 2**40)  # of the replications simulated
SIZES = ("few",) * 80 + ("together",) * 9 + ("one",) * 5 + ("many",) * 5 + ("thousands",)
PLAIN_SIZES = ("few",) * 8 + ("together", "one")
WIDE = ("reps", "products", "regions", "segments", "stages", "sources")  # of what there are very many, in one of `many`
ONE_DAY = dt.timedelta(days=1)
_RANDOM = st.randoms(use_true_random=False, note_method_calls=False)


@dataclass(frozen=True, eq=False)
class Case:
    """A plan to simulate, and which of its replications."""

    document: Document
    loaded: LoadedPlan
    world: World
    seed: int
    first: int
    phase: int
    attribution: Attribution | None

    def __repr__(self) -> str:
        asked = f"seed={self.seed}, first={self.first}, phase={self.phase}, attribution={self.attribution!r}"
        return f"Case({asked},\n  data={self.document.data!r},\n  tables={self.document.tables!r})"


def cases(*, plain: bool = False) -> st.SearchStrategy[Case]:
    """Generated plans, built, each with a seed, replications, a phase, and for some levers to attribute results to."""
    return _RANDOM.map(lambda rng: case(rng, plain=plain))


def documents() -> st.SearchStrategy[Document]:
    """Generated plans as documents."""
    return _RANDOM.map(lambda rng: document(rng)[0])


def case(rng: Random, *, plain: bool = False) -> Case:
    """A case of the numbers of `rng`."""
    written, loaded = document(rng, plain=plain)
    world = build(loaded)
    seed, first, phase = pick(rng, SEEDS), pick(rng, FIRSTS), pick(rng, (0, 1, 3))
    return Case(written, loaded, world, seed, first, phase, _attribution(rng, world))


def document(rng: Random, *, plain: bool = False) -> tuple[Document, LoadedPlan]:
    """A document of the numbers of `rng`, and the plan that it loads as."""
    start, end, calendar = pick(rng, choices.HORIZONS[:-1] if plain else choices.HORIZONS)  # the last is a year
    style, size = pick(rng, choices.FREQUENT), pick(rng, PLAIN_SIZES if plain else SIZES)
    if size == "together":
        style = "tied"
    wide = pick(rng, WIDE) if size == "many" else ""
    stages = sections.stages(rng, style, plain=plain, many=wide == "stages")
    named = _named(rng, stages, (start, end), size, wide, plain=plain)
    reps = _reps(rng, named)
    if size == "one":
        for rep in reps:
            rep.pop("prospecting", None)
    first, last = dt.date.fromisoformat(start), dt.date.fromisoformat(end)
    horizon: Values = {"start": start, "end": end}
    if last > first and chance(rng, 4):
        horizon["as_of"] = (first + number(rng, (last - first).days - 1) * ONE_DAY).isoformat()
    data: Values = {
        "attain": 1, "name": "Generated", "currency": pick(rng, ("CNY", "CNY", "JPY", "KWD")),
        "horizon": horizon, "calendar": calendar, "stages": stages, "regions": named.tree, "reps": reps,
        "products": _products(rng, named), "routing": sections.routing(rng, named),
        "segments": sections.segments(rng, named.segments, named.stages),
        "customers": sections.customers(rng), "sources": _sources(rng, size, named),
        "economy": None if plain else _economy(rng, named.months),
    }  # fmt: skip
    if chance(rng, 4):
        data["phasing"] = [1, 0, 2, *[1] * named.months][: named.months]
    tables: dict[str, list[Values]] = {}
    if named.accounts:
        data["accounts"], tables[ACCOUNTS] = ACCOUNTS, _accounts(rng, named)
    if size in ("few", "together") and (not data["sources"] or chance(rng, 2)):
        data["pipeline"], tables[PIPELINE] = {"file": PIPELINE}, _pipeline(rng, named, tuple(data["sources"]))
    if "as_of" in horizon and not plain:
        data["actuals"], tables[ACTUALS] = ACTUALS, _actuals(rng, named, horizon)
    data["goals"] = _goals(rng, data, named)
    if not plain:
        fitted(rng, data)
    return mended(Document({key: value for key, value in data.items() if value is not None}, tables))


def _named(rng: Random, stages: list[Values], dates: tuple[str, str], size: str, wide: str, *, plain: bool) -> Named:
    """The names of a plan of this size; very many of `wide`."""
    names = tuple(stage["name"] for stage in stages)
    won = next((i for i, stage in enumerate(stages) if stage.get("won")), len(stages) - 1)
    small = size in ("few", "together")
    tree = dict(pick(rng, choices.TREES))
    found = {
        "products": choices.PRODUCTS[: 1 + number(rng, 2)],
        "segments": choices.SEGMENTS[: 1 + number(rng, 2)] if chance(rng, 3) else (),
        "reps": choices.REPS[: 1 + number(rng, 3)] if not chance(rng, 10) else choices.REPS,
        "sources": choices.SOURCES[: 1 + number(rng, 2) if small else 1],
    }
    if wide == "regions":
        tree |= {name: {} for name in extended(())}
    elif wide in found:
        found[wide] = extended(found[wide], 40 if wide == "sources" else choices.MANY)
    start, end = dates
    return Named(
        stages=names,
        entries=names[: won + 1],
        tree=tree,
        months=(int(end[:4]) - int(start[:4])) * 12 + int(end[5:7]) - int(start[5:7]) + 1,
        accounts=small and chance(rng, 3),
        dates=dates,
        staffed=chance(rng, 3) and not plain,
        **found,
    )


def _reps(rng: Random, named: Named) -> list[Values]:
    """The people; of very many, all but the first may take everything, and are alike."""
    drawn = [sections.rep(rng, name, named) for name in named.reps[:6]]
    alike = {key: drawn[-1][key] for key in ("hours_per_week", "advance", "focus", "idle_hours") if key in drawn[-1]}
    return drawn + [{**alike, "name": name} for name in named.reps[6:]]


def _products(rng: Random, named: Named) -> Values:
    drawn = [
        {"deal_value": pick(rng, choices.VALUES), "advance": sections.odds(rng, named.stages)}
        for _ in named.products[:3]
    ]
    return {name: drawn[i % len(drawn)] for i, name in enumerate(named.products)}


def _sources(rng: Random, size: str, named: Named) -> Values:
    if size == "few" and chance(rng, 20):
        return {}
    drawn = [sections.source(rng, size, named) for _ in named.sources[:3]]
    return {name: drawn[i % len(drawn)] for i, name in enumerate(named.sources)}


def _economy(rng: Random, months: int) -> Values | None:
    if not chance(rng, 3):
        return None
    economy = dict(pick(rng, choices.ECONOMIES))
    if "index" in economy:
        economy["index"] = (economy["index"] * months)[:months]
    return economy


def _accounts(rng: Random, named: Named) -> list[Values]:
    rows = []
    for i in range(1 + number(rng, 3)):
        row: Values = {"account": f"客户 {i}", "owner": pick(rng, (*named.reps, None))}
        row["region"] = pick(rng, (None, *named.regions))
        row["segment"] = pick(rng, (None, *named.segments))
        row["money"], row["need"] = pick(rng, ((None, None), (0.9, 0.1), (1, None)))
        rows.append(row)
    return rows


def _pipeline(rng: Random, named: Named, sources: tuple[str, ...]) -> list[Values]:
    rows = []
    for i in range(1 + number(rng, 4)):
        row: Values = {"deal": f"d{i}", "stage": pick(rng, named.entries), "age": pick(rng, choices.AGES)}
        row["owner"] = pick(rng, (*named.reps, None))
        if number(rng, 2):
            row["product"], row["region"] = pick(rng, named.products), pick(rng, named.regions)
        row["segment"] = pick(rng, (None, *named.segments))
        row["source"] = pick(rng, (None, *sources, "prospecting"))
        row["value"], row["authority"] = pick(rng, ((None, None), (123.45, 0.8), (0, 0.1)))
        rows.append(row)
    return rows


def _actuals(rng: Random, named: Named, horizon: Values) -> list[Values]:
    first, as_of = dt.date.fromisoformat(horizon["start"]), dt.date.fromisoformat(horizon["as_of"])
    return [
        {
            "date": (first + number(rng, (as_of - first).days) * ONE_DAY).isoformat(),
            "rep": pick(rng, named.reps),
            "product": pick(rng, named.products),
            "region": pick(rng, named.regions),
            "segment": pick(rng, (None, *named.segments)),
            "bookings": pick(rng, (100.25, -50, 0)),
            "deals_won": pick(rng, (1, 0, 2)),
        }
        for _ in range(1 + number(rng, 2))
    ]


# --- goals, and levers ---------------------------------------------------------------------------------------------


def _goals(rng: Random, data: Values, named: Named) -> Values:
    """The company's bookings, and up to three goals of any kind."""
    goals: Values = {"company": {"metric": "bookings", "at_least": pick(rng, (300, 0, "1万"))}}
    activities = sorted({name for stage in data["stages"] for name in stage.get("activities", ())})
    metrics = ("bookings", "deals_won", "leads", "deals_lost", "deals_stale", *activities)
    kinds = ["every month", "every quarter", "window", "where", "names", "words"]
    if any("quota" in rep for rep in data["reps"]):
        kinds.append("quotas")
    for i in range(number(rng, 3)):
        kind = pick(rng, kinds)
        goal: Values = {"metric": pick(rng, metrics), "at_least": pick(rng, (1, 3))}
        if kind.startswith("every"):
            goal["every"] = kind.removeprefix("every ")
        if kind == "window" or chance(rng, 4):
            goal |= _window(rng, data["horizon"])
        if kind == "where" or chance(rng, 4):
            goal["where"] = _where(rng, named, tuple(data["sources"]))
        if kind == "quotas":
            goal = {"all_of": "quotas"}
        elif kind == "names":
            goal = {"all_of": list(goals)}
        goals[f"目标 {i}"] = "Every customer is called back." if kind == "words" and i == 0 else goal
        if kind == "words" and i == 0:
            break  # what is in words cannot be a part of another goal
    return goals


def _window(rng: Random, horizon: Values) -> Values:
    first, last = dt.date.fromisoformat(horizon["start"]), dt.date.fromisoformat(horizon["end"])
    since = first + number(rng, (last - first).days) * ONE_DAY
    until = since + number(rng, (last - since).days) * ONE_DAY
    dates = {"since": since.isoformat(), "until": until.isoformat()}
    kept = pick(rng, (("since", "until"), ("since",), ("until",)))
    return {key: dates[key] for key in kept}


def _where(rng: Random, named: Named, sources: tuple[str, ...]) -> Values:
    names: dict[str, tuple[str, ...]] = {
        "region": named.regions, "product": named.products, "rep": named.reps, "segment": named.segments,
        "source": (*sources, "prospecting"),
    }  # fmt: skip
    chosen = some(rng, [key for key, known in names.items() if known], 2)
    return {key: some(rng, names[key], 2) for key in chosen}


def _attribution(rng: Random, world: World) -> Attribution | None:
    """Levers by cell, or by route, or by both in a drawn pattern, with some of neither."""
    if chance(rng, 2):
        return None
    count, step, cells = 1 + number(rng, 2), 1 + number(rng, 4), not chance(rng, 2)
    shape = (len(world.products), len(world.regions), len(world.reps))

    def pattern(*shape: int) -> Any:
        return (np.arange(np.prod(shape), dtype=np.int64) * step % (count + 1) - 1).reshape(shape)

    of_cell = pattern(len(world.cells)) if cells else np.full(len(world.cells), -1, dtype=np.int64)
    return Attribution(count, of_cell, pattern(*shape))
