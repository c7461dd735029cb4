"""Reps' hours as a decision: the best shares where they are known, what is written, and what is left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from attain.optimise.focus import FORAGE, by_kind, focus_decision, hours_asked
from attain.optimise.records import Optimisation
from attain.optimise.workflow import optimise
from attain.simulate import simulate
from engine.batch import Simulator
from engine.outcomes import LEADS
from engine.plan.load import load_plan
from engine.plan.types import LoadedPlan
from engine.world import build

PLAN = """\
attain: 1
name: Hours
currency: CNY
horizon: {start: 2026-01-01, end: 2026-12-31}
calendar: {days: 250, hours_per_day: 8}
goals: {GOALS}
stages: [{name: only, work: {exponential: {mean: 20 h}}, wait: 5 d, advance: 0.5, won: true}]
products: {ERP: {deal_value: 100}, CRM: {deal_value: 40}}
regions: {North: {}}
reps:
REPS
sources: {web: {leads_per_month: LEADS, mix: {North: {ERP: 1, CRM: 1}}}}
decide: {focus: FOCUS}
"""
COMPANY = "company: {metric: bookings, at_least: 4400}"
BOTH = (
    "erp: {metric: deals_won, at_least: 27, where: {product: ERP}}, "
    "crm: {metric: deals_won, at_least: 18, where: {product: CRM}}"
)
ONE = "  - {name: Li}"


def plan(goals: str = COMPANY, reps: str = ONE, leads: float = 15.0, focus: str = "true") -> LoadedPlan:
    text = PLAN.replace("GOALS", goals).replace("REPS", reps).replace("LEADS", str(leads)).replace("FOCUS", focus)
    return load_plan(text)


def shares(found: Optimisation) -> dict[tuple[str, str], float]:
    """(rep, product) -> share of hours."""
    return {(row.source, row.product): row.new for row in found.allocation if row.kind == "focus"}


def odds(loaded: LoadedPlan, erp: float, n: int = 2000) -> float:
    """The chance of all goals with so much of the hours for one product, by simulating."""
    focus = {"ERP": erp, "CRM": 1.0 - erp}
    (rep,) = loaded.plan.reps
    rep = rep.model_copy(update={"focus": focus, "idle_hours": "lent"})
    results = simulate(loaded.model_copy(update={"plan": loaded.plan.model_copy(update={"reps": (rep,)})}), n=n, seed=8)
    return float(results.attained.all(axis=1).mean())


def test_all_hours_go_to_what_brings_more_an_hour(tmp_path: Path) -> None:
    """Twice the leads that there are hours for, of two products with the same work: the dearer one first."""
    path = tmp_path / "plan.yaml"
    path.write_text(plan().text, encoding="utf-8")
    found = optimise(path, seed=3, n=1000, effort=0.1, out=tmp_path / "new.yaml")
    assert found.status == "improved"
    assert found.gain is not None
    assert found.gain.points > 20
    assert shares(found)["Li", "ERP"] >= 0.9
    (rep,) = load_plan(tmp_path / "new.yaml").plan.reps
    assert rep.idle_hours == "lent"
    assert rep.focus["ERP"] == pytest.approx(shares(found)["Li", "ERP"])
    again = simulate(tmp_path / "new.yaml", n=1000, seed=3)
    assert found.after is not None
    assert again.attained[:, 0].mean() == found.after.probability


def test_a_joint_goal_is_best_served_in_between() -> None:
    """Both goals at once want some of both: the answer is as good as the best of a grid, and far from its ends."""
    loaded = plan(BOTH)
    grid = {erp: odds(loaded, erp) for erp in np.arange(0.0, 1.01, 0.1).round(1).tolist()}
    best = max(grid, key=lambda erp: grid[erp])
    assert 0.2 < best < 0.9
    assert max(grid[0.0], grid[1.0]) < grid[best] - 0.1
    found = optimise(loaded, seed=4, n=1000, effort=0.15)
    answer = shares(found)["Li", "ERP"]
    # On the same 2,000 paths; a paired difference of 4 sigma or more is a false alarm in 1 of 30,000 runs.
    assert odds(loaded, answer) >= grid[best] - 4.0 * np.sqrt(0.1 / 2000)
    assert abs(answer - best) <= 0.15


def test_reps_move_together_where_they_are_many() -> None:
    """Eight reps with two products: more variables than are measured one by one; all of them learn what one would."""
    reps = "\n".join(f"  - {{name: R{i}}}" for i in range(8))
    found = optimise(plan("company: {metric: bookings, at_least: 35000}", reps, 120.0), seed=5, n=500, effort=0.12)
    assert found.status == "improved"
    moved = shares(found)
    assert len(moved) == 16
    assert np.mean([share for (_, product), share in moved.items() if product == "ERP"]) >= 0.8


def test_reps_are_told_apart() -> None:
    """In half of eight regions one product is easy to sell, in half the other: no share common to all is any good."""
    regions, easy = [f"G{i}" for i in range(8)], ["ERP", "CRM"] * 4
    reps = "\n".join(f"  - {{name: R{i}, region: {region}}}" for i, region in enumerate(regions))
    sources = "".join(
        f"  easy {region}: {{leads_per_month: 8, mix: {{{region}: {{{product}: 1}}}}, advance: {{only: 2.5}}}}\n"
        f"  hard {region}: {{leads_per_month: 8, mix: {{{region}: {{{other}: 1}}}}}}\n"
        for region, product, other in zip(regions, easy, reversed(easy), strict=True)
    )
    text = PLAN.replace("GOALS", "company: {metric: deals_won, at_least: 520}").replace("REPS", reps)
    text = text.replace("{North: {}}", f"{{{', '.join(f'{region}: {{}}' for region in regions)}}}")
    text = f"{text.partition('sources:')[0]}sources:\n{sources}decide: {{focus: true}}\n"
    found = optimise(load_plan(text), seed=5, n=500, effort=0.12)
    assert found.gain is not None
    assert found.gain.points > 20
    moved = shares(found)
    assert all(moved[f"R{i}", product] > 0.7 for i, product in enumerate(easy))


def test_hours_move_between_deals_and_prospecting() -> None:
    """Nothing comes but what the rep finds: who prospects a little does better with more, to the cap."""
    rep = "  - {name: Li, products: [ERP], prospecting: {hours_per_week: 2, prospects_per_hour: 0.5}}"
    loaded = plan(
        "company: {metric: bookings, at_least: 2200}", rep, 0.5, "{prospecting: true, prospecting_at_most: 20%}"
    )
    found = optimise(loaded, seed=6, n=500, effort=0.1)
    (row,) = [row for row in found.allocation if row.product == FORAGE[1]]
    assert row.plan == pytest.approx(0.05)
    assert 0.06 <= row.new <= 0.2
    assert found.gain is not None
    assert found.gain.points > 5


# --- the decision -----------------------------------------------------------------------------------------------------


def test_the_plans_own_point_is_the_plan() -> None:
    loaded = plan()
    decision = focus_decision(loaded, build(loaded))
    assert decision is not None
    own = decision.levers.reference
    assert decision.apply(loaded.plan, own) is not loaded.plan
    assert decision.apply(loaded.plan, own) == loaded.plan
    assert decision.edits(own) == []
    np.testing.assert_allclose(own, [0.5, 0.5], atol=0.1)


def test_a_reps_own_focus_keeps_its_parts_and_its_idle_hours() -> None:
    loaded = plan(reps="  - {name: Li, focus: {ERP: 3, CRM: 1}}", focus="{change_at_most: 20%}")
    decision = focus_decision(loaded, build(loaded))
    assert decision is not None
    np.testing.assert_allclose(decision.levers.reference, [0.25, 0.75])
    np.testing.assert_allclose(decision.levers.upper, [0.3, 0.9])
    (rep,) = decision.apply(loaded.plan, np.array([0.2, 0.8])).reps
    assert rep.focus == {"CRM": 0.2, "ERP": 0.8}
    assert rep.idle_hours == "kept"
    assert decision.edits(np.array([0.2, 0.8])) == [(("reps", "Li", "focus"), {"CRM": 0.2, "ERP": 0.8})]


def test_a_kind_is_moved_at_all_reps_alike() -> None:
    reps = "  - {name: A}\n  - {name: B, focus: {ERP: 3, CRM: 1}, idle_hours: lent}"
    loaded = plan(reps=reps)
    decision = focus_decision(loaded, build(loaded))
    assert decision is not None
    kinds, place = by_kind(decision)
    np.testing.assert_allclose(place(kinds.levers.reference), decision.levers.reference)
    moved = place(np.array([0.75, 0.25]))  # CRM three times as much against ERP
    np.testing.assert_allclose(moved[2:], [0.5, 0.5])
    assert moved[0] > decision.levers.reference[0]


def test_hours_asked_are_leads_times_work() -> None:
    world = build(plan(leads=15.0))
    asked = hours_asked(world, Simulator(world, 1)(0, 64).sums[..., LEADS] / 64)
    assert asked.sum() == pytest.approx(12 * 15 * 20, rel=4.0 / np.sqrt(64 * 180))


@pytest.mark.parametrize("focus", ["false", "null"])
def test_hours_stay_where_nobody_asks(focus: str) -> None:
    loaded = plan(focus=focus)
    assert focus_decision(loaded, build(loaded)) is None
