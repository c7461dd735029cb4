"""Territories in balance: work by hand, what is moved for it, which limits clash, and what is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from attain.optimise import optimise
from attain.optimise.budgets import budget_decision
from attain.optimise.decisions import hours_decision, shares_decision
from attain.optimise.frontier import budget_frontier
from attain.optimise.territories import balance_report, balanced, comparable
from engine.plan.load import load_plan
from engine.plan.meanfunnel import mean_funnel
from engine.problems import PlanRefused
from engine.world import build
from solvers.levers import ClashingLimits, project
from tests.attain.cli_runs import Attain

HEAD = """\
attain: 1
name: 片区
currency: CNY
horizon: {start: 2026-01-01, end: 2026-12-31}
calendar: {days: 240}
goals: {company: {metric: deals_won, at_least: 60}}
stages: [{name: sign, work: 10 h, wait: 0 d, advance: 0.5, won: true}]
products: {P: {deal_value: 100}}
regions: {North: {}, South: {}}
"""
SHARED = (
    HEAD
    + """
reps:
  - {name: 张伟, region: [North, South]}
  - {name: Bo, region: North}
sources:
  north: {leads_per_month: 10, mix: {North: {P: 1}}}
  south: {leads_per_month: 4, mix: {South: {P: 1}}}
routing: {share: {张伟: 1, Bo: 1}}
decide:
  shares: {change_at_most: %s}
  territory: {within: %s}
"""
)


def test_shares_by_hand() -> None:
    """120 leads of the North and 48 of the South, 10 hours each: 840 a rep is the mean. 张伟 has the South's 480.

    With half of the North that is 1,080, 29% over. Within a tenth it is 924: a share of the North of 37%.
    """
    loaded = load_plan(SHARED % ("100%", "10%"))
    world = build(loaded)
    decision = shares_decision(loaded, world)
    assert decision is not None
    assert decision.cells == (("Bo", "North", "P"), ("张伟", "North", "P"))
    found = balanced(decision, loaded, world)
    assert found.balance is not None
    assert found.balance.work(decision.levers.reference) == pytest.approx([600.0, 1080.0])
    moved = found.moved(decision.levers.reference)
    assert moved == pytest.approx([0.63, 0.37], abs=2e-4)
    assert found.violation(moved) <= 1e-9
    assert found.violation(decision.levers.reference) == pytest.approx(240 / 840 - 0.1)
    after = loaded.model_copy(update={"plan": found.apply(loaded.plan, moved)})
    report = balance_report(loaded, after)
    assert report is not None
    assert {row.rep: round(row.deviation_before or 0.0, 3) for row in report.rows} == {"Bo": -0.286, "张伟": 0.286}
    assert {row.rep: row.limit for row in report.rows} == {"Bo": "below", "张伟": "above"}
    assert report.violation == 0.0


def test_work_is_straight_in_the_levers_as_the_mean_funnel_has_it() -> None:
    """The limits' own work is the mean funnel's at another allocation: shares, a budget's curve, hours."""
    text = HEAD + (
        "reps:\n  - {name: Ann, region: North, prospecting: {hours_per_week: 8, prospects_per_hour: 0.5}}\n"
        "  - {name: Bo, region: [North, South], prospecting: {hours_per_week: 4, prospects_per_hour: 0.3},\n"
        "     advance: {sign: 2}}\n"
        "sources:\n  fairs:\n    budget: {North: 20_000, South: 30_000}\n"
        "    response: {hill: {most_leads_per_month: 20, half_at: 2_000}}\n    mix: {North: {P: 1}, South: {P: 1}}\n"
        "routing: {share: {Ann: 2, Bo: 1}}\n"
        "decide: {budget: {}, shares: {change_at_most: 100%}, hours: {change_at_most: 100%},\n"
        "  territory: {within: 50%}}\n"
    )
    loaded = load_plan(text)
    world = build(loaded)
    for decision in (
        budget_decision(loaded, world, False), shares_decision(loaded, world), hours_decision(loaded, world)
    ):  # fmt: skip
        assert decision is not None
        found = balanced(decision, loaded, world, last=False)
        assert found.balance is not None
        lever = decision.levers
        x = project(lever, 0.5 * lever.reference + 0.5 * (lever.totals[lever.group] / 2))
        funnel = mean_funnel(loaded.model_copy(update={"plan": decision.apply(loaded.plan, x)}), world.cal)
        assert found.balance.work(x) == pytest.approx(funnel.hours_needed, rel=1e-6)


def test_limits_that_clash_are_named() -> None:
    loaded = load_plan(SHARED % ("10%", "5%"))
    world = build(loaded)
    decision = shares_decision(loaded, world)
    assert decision is not None
    with pytest.raises(ClashingLimits) as clash:
        balanced(decision, loaded, world)
    named = {str(limit) for limit in clash.value.limits}
    assert any("territory of" in name for name in named)
    assert any("change_at_most" in name for name in named)
    found = optimise(loaded, seed=1, n=64, jobs=1, effort=0.01)
    assert found.status == "infeasible"
    assert set(found.limits) == named
    assert balanced(decision, loaded, world, last=False).balance is not None  # a later decision may do better


def test_an_optimised_plan_is_in_balance() -> None:
    found = optimise(load_plan(SHARED % ("100%", "15%")), seed=1, n=256, jobs=1, effort=0.01)
    assert found.territory is not None
    assert found.territory.largest <= 0.15 + 1e-9
    assert found.territory.largest_before == pytest.approx(240 / 840, rel=1e-6)
    assert found.largest_violation <= 1e-9
    assert sum(row.new for row in found.allocation) == pytest.approx(1.0)


BUDGET = (
    HEAD
    + """
reps:
  - {name: Ann, region: North}
  - {name: Bo, region: South}
sources:
  fairs:
    budget: {North: 90_000, South: 10_000}
    response: {hill: {most_leads_per_month: 20, half_at: 4_000}}
    mix: {North: {P: 1}, South: {P: 1}}
decide:
  budget: {step: 1_000}
  territory: {within: %s}
"""
)


def test_a_budget_by_region_is_held_by_its_curve() -> None:
    """Leads a / (4 + a) for a thousand a month: rechecked with the curve itself, in whole thousands."""
    found = optimise(load_plan(BUDGET % "10%"), seed=1, n=256, jobs=1, effort=0.01)
    north, south = (row.new for row in found.allocation)
    assert north + south == 100_000
    assert north % 1_000 == 0
    leads = [x / 12_000 / (4 + x / 12_000) for x in (north, south)]
    assert found.territory is not None
    assert {row.rep: row.deviation for row in found.territory.rows}["Ann"] == pytest.approx(
        2 * leads[0] / sum(leads) - 1, abs=1e-6
    )
    assert found.territory.largest <= 0.10 + 1e-9
    rows = budget_frontier(load_plan(BUDGET % "10%"), totals=(50_000, 100_000), seed=1, n=64, jobs=1, effort=0.01).rows
    for row in rows:
        spent = [amount / 12_000 for *_, amount in row.allocation]
        leads = [x / (4 + x) for x in spent]
        assert abs(2 * leads[0] / sum(leads) - 1) <= 0.10 + 1e-6


def test_who_is_comparable() -> None:
    text = HEAD.replace("products: {P: {deal_value: 100}}", "products: {P: {deal_value: 100}, Q: {deal_value: 100}}")
    text += "sources: {s: {leads_per_month: 2}}\nreps:\n"
    text += (
        "  - {name: A, region: North}\n  - {name: B, region: South}\n  - {name: C, region: North, products: [Q, P]}\n"
    )
    text += "  - {name: D, region: North, products: P}\n"
    plan = load_plan(text).plan
    names = ("A", "B", "C", "D")
    assert comparable(plan, names, "products").tolist() == [0, 0, 0, 1]
    assert comparable(plan, names, "region").tolist() == [0, 1, 0, 2]
    assert comparable(plan, names, "everyone").tolist() == [0, 0, 0, 0]


def test_what_cannot_go_with_it_is_refused() -> None:
    with pytest.raises(PlanRefused) as refused:
        load_plan((BUDGET % "10%").replace("step: 1_000", "step: 1_000, minimum: 5_000"))
    assert [problem.path for problem in refused.value.problems] == ["decide.territory"]
    with pytest.raises(PlanRefused, match="within"):
        load_plan(BUDGET % "0%")


PAGE = SHARED.replace(
    "  territory", "  maximise: {mean: bookings, with: {company: 20%%}}\n  quotas: {}\n  territory"
).replace("goals: {", "goals: {money: {metric: bookings, at_least: 5_000}, ")


def test_a_page_shows_what_is_held(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Required probabilities, each rep's work and quotas by part, in both languages."""
    attain, plan, run = Attain(capsys), tmp_path / "片区.yaml", tmp_path / "run"
    plan.write_text(PAGE % ("100%", "15%"), encoding="utf-8")
    few = ("--seed", "1", "-n", "64", "--jobs", "1")
    assert attain("simulate", plan, *few, "--out", run).code == 0
    said = attain("optimise", plan, *few, "--effort", "0.01", "--json")
    assert said.code == 0
    (run / "optimisation.json").write_text(said.out, encoding="utf-8")
    for language, words in (
        ("en", ("Required probabilities", "Expected bookings", "Territories", "by product and region")),
        ("zh", ("所要求的概率", "期望签约额", "片区均衡", "配额按产品与区域合计")),
    ):
        page = tmp_path / f"{language}.html"
        assert attain("report", run, "--out", page, "--language", language, "--jobs", "1").code == 0
        text = page.read_text(encoding="utf-8")
        assert [word for word in words if word not in text] == []


@pytest.mark.parametrize(("language", "words"), [("zh", "片区均衡：工作小时")])
def test_screens_show_each_reps_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str, words: str
) -> None:
    plan = tmp_path / "片区.yaml"
    plan.write_text(SHARED % ("100%", "15%"), encoding="utf-8")
    said = Attain(capsys)(
        "optimise", plan, "--seed", 1, "-n", 64, "--jobs", 1, "--effort", 0.01, "--language", language
    )
    assert said.code == 0
    assert words in said.out
    assert "+15%" in said.out
