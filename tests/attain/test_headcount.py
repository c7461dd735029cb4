"""Hires over regions: against every way of placing them, and what the new plan says."""

from __future__ import annotations

import datetime as dt
import io
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from attain.optimise import optimise
from attain.optimise.decisions import Decision
from attain.optimise.headcount import Headcount, headcount_decision, hire_cost
from attain.optimise.records import Optimisation
from attain.screens.optimise import screen
from attain.simulate import simulate
from engine.plan.load import load_plan
from engine.problems import PlanRefused
from engine.world import build

PLAN = """\
attain: 1
name: Hires
currency: CNY
horizon: {start: 2026-01-01, end: 2026-12-31}
calendar: {days: 240}
goals: {company: {metric: bookings, at_least: 9_800}}
stages: [{name: sell, work: 30 h, wait: 5 d, advance: 0.5, won: true}]
products: {P: {deal_value: 100}}
regions: {North: {}, South: {}, West: {}}
reps:
  - {name: Ann, region: North}   # the author's remark
  - {name: Bo, region: South}
  - {name: Cy, region: West}
"""
FREE = """\
sources:
  web: {leads_per_month: 20, mix: {North: {P: 3}, South: {P: 1}, West: {P: 2}}}
decide:
  headcount: {total: 3, rep: {start: 2026-03-01, ramp: 3 mo}}
"""
PAID = """\
sources:
  web:
    budget: {North: 30_000, South: 10_000, West: 20_000}
    response: {hill: {most_leads_per_month: 9, half_at: 500}}
    mix: {North: {P: 1}, South: {P: 1}, West: {P: 1}}
routing: {share: {Ann: 3, Bo: 1, Cy: 1}}
decide:
  budget: {total: 60_000, step: 1_000}
  headcount:
    total: 3
    at_least: 0
    caps: {North: 1}
    rep: {start: 2026-02-01, ramp: 1 mo, cost_per_month: 2_000}
"""


def hires_of(found: Optimisation) -> tuple[int, ...]:
    return tuple(round(row.new) for row in found.allocation if row.kind == "headcount")


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory) -> tuple[Optimisation, Path]:
    new = tmp_path_factory.mktemp("hires") / "new.yaml"
    return optimise(load_plan(PLAN + FREE), seed=1, n=512, jobs=1, effort=0.05, out=new), new


def attained(decision: Decision, loaded, x, n: int) -> np.ndarray:
    plan = decision.apply(loaded.plan, np.array(x, dtype=float))
    return simulate(loaded.model_copy(update={"plan": plan}), n=n, seed=77, jobs=1).attained[:, 0]


def test_no_way_of_placing_them_is_better(free: tuple[Optimisation, Path]) -> None:
    """All ten ways of placing three in three regions, on paths that the search has not seen: 4 sigma of the best."""
    loaded = load_plan(PLAN + FREE)
    decision = headcount_decision(loaded, build(loaded), False)
    assert decision is not None
    ways = [x for x in product(range(4), repeat=3) if sum(x) == 3]
    assert len(ways) == 10
    hits = {x: attained(decision, loaded, x, 1500) for x in ways}
    ours = hits[hires_of(free[0])]
    for x in ways:
        difference = hits[x].astype(float) - ours
        assert difference.mean() <= 4 * difference.std() / len(ours) ** 0.5 + 1e-12, x


def test_the_new_plan_has_them_by_name(free: tuple[Optimisation, Path]) -> None:
    found, new = free
    assert found.after is not None
    again = simulate(new, n=512, seed=1, jobs=1)
    assert float(again.attained[:, 0].mean()) == found.after.probability
    plan = load_plan(new).plan
    hired = plan.reps[3:]
    assert len(hired) == 3
    counts = dict(zip(("North", "South", "West"), hires_of(found), strict=True))
    assert [rep.name for rep in hired] == [f"{g} hire {k + 1}" for g, count in counts.items() for k in range(count)]
    assert {rep.start for rep in hired} == {dt.date(2026, 3, 1)}
    assert plan.decide is not None
    assert plan.decide.headcount is None
    text = new.read_text(encoding="utf-8")
    assert "# the author's remark" in text
    assert "&id" not in text
    assert found.reference is not None  # the plan without hires is no measure: one in each region is
    assert found.over_reference is not None
    assert [row.reference for row in found.allocation] == [1, 1, 1]


def test_it_is_shown_in_both_languages(free: tuple[Optimisation, Path]) -> None:
    for language, words in (("en", "New reps by region"), ("zh", "新增销售")):
        out = io.StringIO()
        Console(file=out, width=160).print(screen(free[0], language))  # type: ignore[arg-type]
        assert words in out.getvalue()
    document = free[0].as_json()
    assert [row["kind"] for row in document["allocation"]] == ["headcount"] * 3


def test_hires_and_budget_share_one_total(tmp_path: Path) -> None:
    """At 2,000 a month for eleven months one costs 22,000: of 60,000 there is money for two, and a cap on North."""
    new = tmp_path / "new.yaml"
    found = optimise(load_plan(PLAN + PAID), seed=1, n=300, jobs=1, effort=0.02, out=new)
    hires = hires_of(found)
    spent = sum(row.new for row in found.allocation if row.kind == "budget")
    assert sum(hires) <= 2
    assert hires[0] <= 1
    assert spent + 22_000 * sum(hires) == pytest.approx(60_000)
    assert found.largest_violation <= 1e-9
    assert found.after is not None
    again = simulate(new, n=300, seed=1, jobs=1)
    assert float(again.attained[:, 0].mean()) == found.after.probability


def test_who_is_hired_gets_a_share_of_leads_and_money_is_taken() -> None:
    loaded = load_plan(PLAN + PAID)
    decision = headcount_decision(loaded, build(loaded), False)
    assert isinstance(decision, Headcount)
    assert decision.places.most == 2
    plan = decision.apply(loaded.plan, np.array([1.0, 0.0, 1.0]))
    assert plan.routing.share.reps["North hire 1"] == pytest.approx(5 / 3)
    assert plan.decide is not None
    assert plan.decide.budget is not None
    assert plan.decide.budget.total == pytest.approx(16_000)
    assert sum(line.amount for line in build(loaded.model_copy(update={"plan": plan})).lines) == pytest.approx(16_000)
    assert decision.violation(np.array([1.0, 1.0, 1.0])) > 0.0
    assert decision.violation(np.array([2.0, 0.0, 0.0])) > 0.0
    assert decision.violation(np.array([1.0, 0.0, 1.0])) == 0.0
    assert decision.binding(np.array([1.0, 0.0, 1.0])) == ("cap", "", "")


def test_what_a_hire_costs_goes_by_months() -> None:
    wanted = load_plan(PLAN + PAID.replace("2026-02-01", "2026-06-16")).plan
    assert wanted.decide is not None
    assert wanted.decide.headcount is not None
    assert hire_cost(wanted, wanted.decide.headcount) == pytest.approx(2_000 * 6.5)


def test_what_is_left_of_the_budget_is_in_whole_minor_units() -> None:
    """A third of a month's cost is no whole number of cents; the lines still add up to what is left, to the cent."""
    odd = PAID.replace("2026-02-01", "2026-06-21").replace("2_000}", "1_234.57}")
    loaded = load_plan(PLAN + odd)
    decision = headcount_decision(loaded, build(loaded), False)
    assert decision is not None
    plan = decision.apply(loaded.plan, np.array([1.0, 0.0, 0.0]))
    assert plan.decide is not None
    assert plan.decide.budget is not None
    total = plan.decide.budget.total
    assert total is not None
    assert round(100 * total) / 100 == total
    lines = build(loaded.model_copy(update={"plan": plan})).lines
    assert sum(round(100 * line.amount) for line in lines) == round(100 * total)


def test_limits_of_hires_that_clash_are_named() -> None:
    dear = PAID.replace("at_least: 0", "at_least: 3")
    found = optimise(load_plan(PLAN + dear), seed=1, n=64, jobs=1)
    assert found.status == "infeasible"
    assert set(found.limits) == {"at_least of headcount", "cost_per_month of headcount", "total of budget"}
    capped = FREE.replace("total: 3,", "total: 3, caps: {North: 0, South: 1, West: 1},")
    found = optimise(load_plan(PLAN + capped), seed=1, n=64, jobs=1)
    assert set(found.limits) == {"total of headcount", "cap of North", "cap of South", "cap of West"}
    nowhere = FREE.replace("total: 3,", "total: 3, rep: {products: Q},").replace(
        ", rep: {start: 2026-03-01, ramp: 3 mo}", ""
    )
    other = PLAN.replace("products: {P: {deal_value: 100}}", "products: {P: {deal_value: 100}, Q: {deal_value: 1}}")
    with pytest.raises(PlanRefused, match="gives a new rep deals"):
        optimise(load_plan(other + nowhere), seed=1, n=64, jobs=1)


@pytest.mark.long
def test_workers_place_hires_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = load_plan(PLAN + FREE)
    alone = optimise(plan, seed=6, n=128, jobs=1, effort=0.01)
    monkeypatch.setattr("engine.workers.ALONE", 0.0)
    monkeypatch.setattr("engine.workers.WORTH", 0.0)
    shared = optimise(plan, seed=6, n=128, jobs=2, effort=0.01)
    assert (alone.allocation, alone.after, alone.trials) == (shared.allocation, shared.after, shared.trials)
