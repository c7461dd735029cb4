"""Two runs of one seed differ only where their plans do: properties of coupled runs, over generated plans.

What a lead is (its arrival, value, class, segment and every later draw) is a function of its own key, so more budget
here leaves leads there as they were, and people or rows added to a file reshuffle nothing. Fates may differ through
queues and shared people; in open plans (no effort, static routing) they must not, and bookings can only rise with
budget. Plans are compared by names, since adding a rep moves everybody's index.
"""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.batch import Simulator
from engine.outcomes import Names, outcome_hash
from engine.plan.load import load_plan
from engine.plan.types import LoadedPlan, Plan
from engine.simpy_model import Model
from engine.world import World, build
from tests.engine.runs import Known, Row, heard

REGIONS, PRODUCTS, REPS = ("East", "North", "West"), ("CRM", "ERP"), ("Li", "Wu", "张伟")


def plan(
    *,
    open_plan: bool,
    budgets: dict[str, float],
    shape: float = 1.0,
    routing: Any = "round_robin",
    reps: list[dict[str, Any]] | None = None,
    as_of: str | None = None,
) -> dict[str, Any]:
    """A plan as data: `fairs` and `web` answer to budget, `calls` do not; a list and prospecting beside them."""
    effort = "0 h" if open_plan else {"exponential": {"mean": "5 h"}}
    horizon = {"start": "2026-01-01", "end": "2026-04-30"} | ({"as_of": as_of} if as_of else {})
    source = {"response": {"hill": {"most_leads_per_month": 25, "half_at": 1000, "shape": shape}}}
    return {
        "attain": 1,
        "name": "Coupled",
        "currency": "CNY",
        "horizon": horizon,
        "calendar": {"days": 80, "hours_per_day": 8},
        "goals": {
            "company": {"metric": "bookings", "at_least": 1000},
            "east": {"metric": "bookings", "at_least": 100, "where": {"region": "East"}},
            "monthly": {"metric": "deals_won", "at_least": 1, "every": "month"},
        },
        "stages": [
            {"name": "visit", "work": effort, "wait": {"exponential": {"mean": "6 d"}}, "advance": 0.7,
             "stale_after": "20 d"},
            {"name": "bid", "work": effort, "wait": {"lognormal": {"median": "8 d", "sigma": 0.7}}, "wait_lost": "3 d",
             "advance": {"wins": 9, "of": 15}, "won": True},
            {"name": "delivery", "work": "0 h", "wait": "5 d", "advance": 0.9},
        ],
        "products": {
            "ERP": {"deal_value": {"lognormal": {"mean": 300, "cv": 0.6}}},
            "CRM": {"deal_value": {"uniform": {"low": 50, "high": 90}}, "advance": {"bid": 1.4}},
        },
        "regions": {region: {} for region in REGIONS},
        "segments": {"finance": {"share": 2, "value": 1.5}, "retail": {"share": 1, "advance": {"visit": 0.8}}},
        "customers": {"strong_from": 0.6, "advance": {"A": 2.0, "D": 0.5}},
        "reps": reps or [{"name": name} for name in REPS],
        "sources": {
            "fairs": {"budget": {"East": budgets["fairs"], "West": 2000}, **source},
            "web": {"budget": budgets["web"], "mix": {"North": {"ERP": 2, "CRM": 1}, "East": {"CRM": 1}}, **source},
            "calls": {"leads_per_month": 6, "advance": {"visit": 0.7}},
            "list": {"prospects": 9, "spread": "year", "mix": {"North": {"ERP": 1}}},
        },
        "routing": routing,
        "economy": {"sd": 0.2, "persistence": 0.6, "regional_sd": 0.1},
    }  # fmt: skip


def world_of(data: dict[str, Any]) -> World:
    return build(LoadedPlan(plan=Plan.model_validate(data)))


def drawn(deal: Known) -> Known:
    """What no queue and no routing may change."""
    return replace(deal, rep="")


def events_of(rows: list[Row], keys: set[int]) -> list[Row]:
    return [row for row in rows if row[2] in keys]


budgets = st.sampled_from([0.0, 1.0, 300.0, 4_000.0, 20_000.0])
seeds = st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 1000))
static = st.sampled_from([{"share": {"Li": 1, "Wu": 2}}, {"share": {"East": {"CRM": {"张伟": 1}}}}])


@settings(max_examples=60)
@given(seeds, budgets, st.floats(1.01, 30.0), budgets, st.sampled_from(["fairs", "web"]), st.booleans(), static)
def test_more_budget_here_changes_no_draw_there(
    seed: tuple[int, int], base: float, factor: float, other: float, raised: str, open_plan: bool, shares: Any
) -> None:
    """In any plan: all leads stay, with their draws, and only the raised source has new ones. In an open plan no event
    of theirs changes either, and every goal's bookings and wins are at least what they were."""
    routing = shares if open_plan else "least_loaded"
    kept = {"fairs": other, "web": other} | {raised: base}
    before = world_of(plan(open_plan=open_plan, budgets=kept, routing=routing))
    after = world_of(plan(open_plan=open_plan, budgets=kept | {raised: base * factor + 50.0}, routing=routing))
    few, events, low = heard(before, *seed)
    many, more, high = heard(after, *seed)
    assert few.keys() <= many.keys()
    assert {key: drawn(deal) for key, deal in few.items()} == {key: drawn(many[key]) for key in few}
    assert {many[key].source for key in many.keys() - few.keys()} <= {raised}
    arrived = [row[:5] for row in events if row[1] == "ARRIVED"]
    assert arrived == [row[:5] for row in more if row[1] == "ARRIVED" and row[2] in few]
    if open_plan:
        assert events == events_of(more, set(few))
        assert (high.legs >= low.legs).all()


def test_the_property_above_sees_budgets_at_work() -> None:
    """Guard: raising does add leads, and where people are shared it does change other sources' fates."""
    low = world_of(plan(open_plan=False, budgets={"fairs": 300.0, "web": 300.0}, routing="least_loaded"))
    high = world_of(plan(open_plan=False, budgets={"fairs": 300.0, "web": 20_000.0}, routing="least_loaded"))
    few, events, _ = heard(low, 1, 0)
    many, more, _ = heard(high, 1, 0)
    assert len(many) > len(few) + 20
    assert events != events_of(more, set(few))


# --- reps and the order of files -----------------------------------------------------------------------------------

PATCHES = {"Li": "East", "Wu": "North", "张伟": "West"}


def patches(open_plan: bool, reps: list[dict[str, Any]]) -> dict[str, Any]:
    """Every rep has a region alone, so that one rep's deals are nobody else's concern, effort or not."""
    return plan(open_plan=open_plan, budgets={"fairs": 3000.0, "web": 3000.0}, routing="least_loaded", reps=reps)


@settings(max_examples=50)
@given(
    seeds, st.booleans(), st.permutations(list(PATCHES)), st.integers(0, 3), st.sampled_from(["Aa", "Mo", "zz", "阿"])
)
def test_reps_inserted_or_reordered_change_no_other_reps_deals(
    seed: tuple[int, int], open_plan: bool, order: list[str], at: int, name: str
) -> None:
    """The new rep shares the West with 张伟, finds prospects of their own, and works two hours a week: whatever its
    place in the file, deals and events in the East and the North are as they were."""
    file = [{"name": rep, "region": region, "quota": 1000} for rep, region in PATCHES.items()]
    shuffled = [next(rep for rep in file if rep["name"] == who) for who in order]
    prospecting = {"hours_per_week": 1, "prospects_per_hour": 3}
    joined = [*shuffled]
    joined.insert(at, {"name": name, "region": "West", "hours_per_week": 2, "prospecting": prospecting})
    first, again, with_new = (world_of(patches(open_plan, reps)) for reps in (file, shuffled, joined))

    deals, rows, outcome = heard(first, *seed)
    deals_again, rows_again, outcome_again = heard(again, *seed)
    assert (deals_again, rows_again) == (deals, rows)
    assert outcome_hash(outcome_again, Names.of(again)) == outcome_hash(outcome, Names.of(first))

    others, more, _ = heard(with_new, *seed)
    assert others.keys() >= deals.keys()
    assert {key: drawn(others[key]) for key in deals} == {key: drawn(deal) for key, deal in deals.items()}
    elsewhere = {key for key, deal in deals.items() if deal.region != "West"}
    assert {key for key, deal in others.items() if deal.region != "West"} == elsewhere
    assert events_of(more, elsewhere) == events_of(rows, elsewhere)


def shuffled(value: Any, rng: random.Random, *, keep: tuple[str, ...] = ("stages",)) -> Any:
    """The same data with every mapping, and the list of reps, in another order."""
    if isinstance(value, dict):
        items = [(key, item if key in keep else shuffled(item, rng)) for key, item in value.items()]
        rng.shuffle(items)
        return dict(items)
    if isinstance(value, list) and value and isinstance(value[0], dict) and "name" in value[0]:
        return rng.sample([shuffled(item, rng) for item in value], len(value))
    return value


@settings(max_examples=50)
@given(seeds, st.integers(0, 2**32), st.sampled_from(["least_loaded", "round_robin", {"share": {"Li": 1, "Wu": 2}}]))
def test_the_order_of_a_file_says_nothing(seed: tuple[int, int], order: int, routing: Any) -> None:
    """Sources, products, regions, segments, goals, reps, budgets and mixes in any order: the same hash."""
    data = plan(open_plan=False, budgets={"fairs": 3000.0, "web": 3000.0}, routing=routing)
    data["reps"][0] |= {"focus": {"ERP": 2, "CRM": 1}, "advance": {"bid": 1.3, "visit": 0.9}, "quota": 2000}
    data["sources"]["fairs"]["budget"] = {"East": {"ERP": 900, "CRM": 400}, "West": [10, 20, 30, 40]}
    other = shuffled(data, random.Random(order))

    def digest(given: dict[str, Any]) -> bytes:
        batch = Simulator(world_of(given), seed[0])(seed[1], 2)
        return hashlib.sha256(b"".join(batch.hashes)).digest()

    assert digest(other) == digest(data)


@given(st.integers(0, 2**32))
@settings(max_examples=10)
def test_yaml_and_data_make_the_same_world(order: int) -> None:
    """Guard for the tests here: worlds made from data are those of files."""
    data = shuffled(plan(open_plan=False, budgets={"fairs": 500.0, "web": 0.0}), random.Random(order))
    text = json.dumps(data, ensure_ascii=False, indent=1)  # JSON is YAML
    file, ours = build(load_plan(text)), world_of(data)
    assert outcome_hash(Model(file, 3, 1).run(), Names.of(file)) == outcome_hash(
        Model(ours, 3, 1).run(), Names.of(ours)
    )


# --- the present day -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Day:
    date: str
    hours: float


DAYS = (Day("2026-01-31", 160.0), Day("2026-02-28", 320.0), Day("2026-04-15", 560.0))


@settings(max_examples=40)
@given(seeds, st.sampled_from(DAYS), st.booleans())
def test_a_later_present_leaves_what_follows_as_it_was(seed: tuple[int, int], day: Day, open_plan: bool) -> None:
    """Leads after as_of are the same leads, drawn the same; in an open plan their whole lives are."""
    settings_of = {"budgets": {"fairs": 3000.0, "web": 3000.0}, "routing": {"share": {"Li": 1, "Wu": 2}}}
    first = world_of(plan(open_plan=open_plan, **settings_of))  # type: ignore[arg-type]
    later = world_of(plan(open_plan=open_plan, as_of=day.date, **settings_of))  # type: ignore[arg-type]
    deals, rows, _ = heard(first, *seed)
    others, more, _ = heard(later, *seed)
    assert later.start > 0.0
    assert others == {key: deal for key, deal in deals.items() if deal.time > later.start}
    if open_plan:
        assert more == events_of(rows, set(others))


def test_as_of_is_where_it_is_said_to_be() -> None:
    """Guard: the days above lie inside the plain calendar, in order."""
    starts = [world_of(plan(open_plan=True, budgets={"fairs": 0.0, "web": 0.0}, as_of=day.date)).start for day in DAYS]
    assert starts == sorted(starts)
    assert 0.0 < starts[0] < starts[-1] < 640.0
    assert starts[0] == pytest.approx(DAYS[0].hours, abs=16.0)
