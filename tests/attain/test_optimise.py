"""`attain optimise` on plans whose answers are known: from theory, by enumeration, or by what must not change."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import engine.workers
from attain.optimise import optimise
from attain.optimise.budgets import budget_decision, in_minor_units
from attain.optimise.decisions import shares_decision
from attain.optimise.search import work_limits
from attain.screens.optimise import screen
from attain.simulate import simulate
from engine.batch import Simulator
from engine.chunks import Chunks
from engine.plan.load import load_plan
from engine.problems import PlanRefused
from engine.world import build
from tests.scenarios.known_best import Theory

HEAD = """\
attain: 1
name: Two campaigns
currency: CNY
horizon: {start: 2026-01-01, end: 2026-12-31}
calendar: {days: 240}
goals: {company: {metric: bookings, at_least: %s}, everyone: {all_of: quotas}}
stages: [{name: sign, work: 0 h, wait: 0 d, advance: 0.5, won: true}]
products: {P: {deal_value: 100}}
regions: {North: {}, South: {}}
reps:
  - {name: Ann, region: North, quota: 900}
  - {name: 张伟, region: South, quota: 900}
"""
BUDGET = """\
sources:
  fairs:   # the author's remark
    budget: {North: 5_000, South: 5_000}
    response: {hill: {most_leads_per_month: 2, half_at: 200}}
    mix: {North: {P: 1}, South: {P: 1}}
  mail:
    budget: {North: 2_000}
    response: {linear: {cost_per_lead: 400}}
    mix: {North: {P: 1}}
decide:
  budget: {total: 12_000, step: 500}
"""


def budget_plan(target: int = 1300, more: str = "") -> str:
    return HEAD % target + BUDGET + more


def expected_wins(north: float, south: float, mail: float) -> float:
    """Mean deals won in the year: each a Poisson count of mean leads / 2, so that their sum is Poisson too."""
    hill = lambda spend: 12 * 2 * (spend / 12) / (200 + spend / 12)  # noqa: E731
    return 0.5 * (hill(north) + hill(south) + mail / 400)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("optimise")
    plan = folder / "计划.yaml"
    plan.write_text(budget_plan(), encoding="utf-8")
    return plan, folder / "new.yaml"


def test_poisson_wins_the_best_mean_is_best(written: tuple[Path, Path]) -> None:
    """All deals are worth the same: the odds rise with the mean alone, whose best split is found by enumeration."""
    plan, new = written
    found = optimise(plan, seed=5, n=1500, jobs=1, effort=0.01, out=new)
    grid = [(n, s, 12_000 - n - s) for n in range(0, 12_001, 500) for s in range(0, 12_001 - n, 500)]
    best = max(expected_wins(*x) for x in grid)
    amounts = {(row.source, row.region): row.new for row in found.allocation}
    reached = expected_wins(amounts["fairs", "North"], amounts["fairs", "South"], amounts["mail", "North"])
    assert sum(amounts.values()) == pytest.approx(12_000)
    assert all(amount % 500 == 0 for amount in amounts.values())
    tail = lambda mean: 1 - sum(math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(13))  # noqa: E731
    assert tail(reached) > tail(best) - 0.005  # within half a point of the exact maximum
    assert found.after is not None
    assert found.before is not None
    # Four sigma about theory at the allocation found, and at the plan's own: odds of a false alarm 6e-5 each.
    for odds, mean in ((found.after, reached), (found.before, expected_wins(5_000, 5_000, 2_000))):
        assert abs(odds.probability - tail(mean)) < 4 * math.sqrt(tail(mean) * (1 - tail(mean)) / 1500)
    assert found.largest_violation < 1e-9


def test_after_is_what_simulating_the_new_plan_gives(written: tuple[Path, Path]) -> None:
    plan, new = written
    found = optimise(plan, seed=5, n=300, jobs=1, effort=0.01, out=new)
    assert found.after is not None
    again = simulate(new, n=300, seed=5, jobs=1)
    company = again.world.goals.names.index("company")
    assert float(again.attained[:, company].mean()) == found.after.probability
    assert "# the author's remark" in new.read_text(encoding="utf-8")
    assert load_plan(new).plan.reps[1].name == "张伟"


def test_shares_by_rep_and_open_deals_survive_in_the_new_plan(tmp_path: Path) -> None:
    """Open deals without an owner, in a region that no source feeds, are routed by the shares that the plan gives."""
    text = HEAD % 2_000 + "  - {name: Bo, advance: {sign: 3}}\n  - {name: Cy, advance: {sign: 0.2}}\n"
    text += (
        "sources: {s: {leads_per_month: 2, mix: {North: {P: 1}}}}\nrouting: {share: {Ann: 1, 张伟: 1, Bo: 8, Cy: 1}}\n"
    )
    text += "decide: {shares: {change_at_most: 50%}}\npipeline: {file: open.csv}\n"
    rows = ["deal,stage,age,product,region", *(f"d{i},sign,1 d,P,South" for i in range(20))]
    (tmp_path / "open.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    new = tmp_path / "elsewhere" / "new.yaml"
    found = optimise(tmp_path / "p.yaml", seed=2, n=200, jobs=1, effort=0.01, out=new)
    assert {row.kind for row in found.allocation} == {"shares"}
    again = simulate(new, n=200, seed=2, jobs=1)
    assert found.after is not None
    assert float(again.attained[:, again.world.goals.names.index("company")].mean()) == found.after.probability


def test_another_file_of_the_same_name_is_not_taken_for_the_plans(tmp_path: Path) -> None:
    text = budget_plan().replace("deal_value: 100", "deal_value: {empirical: {file: v.csv, column: v}}")
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "v.csv").write_text("v\n100\n", encoding="utf-8")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "v.csv").write_text("v\n1\n", encoding="utf-8")
    with pytest.raises(PlanRefused, match=r"v\.csv"):
        optimise(tmp_path / "p.yaml", seed=2, n=64, jobs=1, effort=0.01, out=tmp_path / "other" / "new.yaml")
    assert not (tmp_path / "other" / "new.yaml").exists()


def test_a_plan_that_breaks_its_own_limits_is_judged_against_its_proportions() -> None:
    """Half as much money again: what that alone would bring is not the allocation's gain."""
    plan = load_plan(budget_plan().replace("total: 12_000", "total: 18_000"))
    found = optimise(plan, seed=3, n=400, jobs=1, effort=0.01)
    assert {row.source: row.plan for row in found.allocation if row.region == "North"} == {
        "fairs": 5_000,
        "mail": 2_000,
    }
    assert found.reference is not None
    assert found.over_reference is not None
    assert found.before is not None
    assert found.reference.probability > found.before.probability
    assert "breaks" in found.reason


def test_what_cannot_be_decided_is_said() -> None:
    fixed = load_plan(HEAD % 1300 + "sources: {s: {leads_per_month: 2}}\n")
    assert optimise(fixed, seed=1, n=64, jobs=1).status == "no_lever"
    guessed = (
        budget_plan()
        .replace("shape", "shape")
        .replace("}}\n    mix: {North: {P: 1}, South", "}, assumed: true}\n    mix: {North: {P: 1}, South")
    )
    world = build(load_plan(guessed))
    held = budget_decision(load_plan(guessed), world, allow_assumed=False)
    assert held is not None
    assert held.levers.lower[:2].tolist() == held.levers.upper[:2].tolist() == [5_000, 5_000]
    both = budget_plan(more="  maximise: everyone\n  quotas: {over_assignment: [1.0, 1.2]}\n")
    with pytest.raises(PlanRefused, match="quotas"):
        optimise(load_plan(both), seed=1, n=64, jobs=1)


def test_what_is_always_attained_is_not_searched() -> None:
    found = optimise(load_plan(budget_plan(target=100)), seed=1, n=128, jobs=1)
    assert (found.status, found.simulated) == ("no_gain", 0)
    assert "attained on all" in found.reason
    assert found.after == found.before


def test_clashing_limits_are_named() -> None:
    text = budget_plan().replace("step: 500}", "step: 500, change_at_most: 10%, caps: {mail: 1_000}}")
    found = optimise(load_plan(text), seed=1, n=64, jobs=1)
    assert found.status == "infeasible"
    assert any("mail" in limit for limit in found.limits)
    assert found.reason.startswith("these limits cannot hold together, loosen one of them: ")
    out = io.StringIO()
    Console(file=out, width=200).print(screen(found, "zh"))
    assert "请放宽其中之一：" in out.getvalue()
    assert "mail / North 的上限" in out.getvalue()
    assert "cannot" not in out.getvalue()


def test_quotas_even_out_the_odds() -> None:
    """Equal reps: equal quotas; the smallest chance is at least what it was, and they sum to the goal."""
    text = HEAD % 1800 + "sources: {s: {leads_per_month: 3, mix: {North: {P: 2}, South: {P: 1}}}}\n"
    found = optimise(
        load_plan(text + "decide: {quotas: {over_assignment: [1.0, 1.1]}}\n"), seed=4, n=800, jobs=1, effort=0.01
    )
    assert found.spread_before is not None
    assert found.spread_after is not None
    assert found.spread_after[0] >= found.spread_before[0]
    assert sum(row.after for row in found.quotas) == pytest.approx(1800)
    assert found.quotas[0].after > found.quotas[1].after  # Ann has two leads in three
    for row in found.quotas:
        assert sum(cell.quota for cell in row.split) == pytest.approx(row.after)


def test_quotas_within_a_band_stay_where_they_can() -> None:
    """Both have 900 now, Ann two leads in three: with odds at most 40 points apart less moves than with even odds."""
    text = HEAD % 1800 + "sources: {s: {leads_per_month: 3, mix: {North: {P: 2}, South: {P: 1}}}}\n"
    moved = {}
    for fairness in ("", ", fairness: {band: 40%}", ", fairness: {band: 100%}"):
        found = optimise(load_plan(text + f"decide: {{quotas: {{over_assignment: [1, 1]{fairness}}}}}\n"),
                         seed=4, n=400, jobs=1, effort=0.01)  # fmt: skip
        moved[fairness] = abs(found.quotas[0].after - 900)
        assert found.spread_after is not None
        if "40" in fairness:  # fresh paths: four standard errors of a difference of two odds on 400
            assert found.spread_after[1] - found.spread_after[0] < 0.4 + 4 * math.sqrt(0.5 / 400)
    even, some, none = moved.values()
    assert none == 0 < some < even


def test_amounts_by_month_sum_in_whole_minor_units() -> None:
    for amount, minor in ((250_001.0, 1.0), (111_111.556, 1000.0), (99_999.99, 100.0)):
        months = in_minor_units(amount, np.full(12, 1 / 12), minor)
        units = [month * minor for month in months]
        assert all(abs(unit - round(unit)) < 1e-6 for unit in units)
        assert round(sum(units)) == round(amount * minor)


def test_shares_bring_only_what_shares_route() -> None:
    text = HEAD % 1300 + "  - {name: Bo, region: North, prospecting: {hours_per_week: 10, prospects_per_hour: 1}}\n"
    text += (
        "sources: {s: {leads_per_month: 2, mix: {North: {P: 1}, South: {P: 1}}}}\nrouting: {share: {Ann: 1, Bo: 1}}\n"
    )
    loaded = load_plan(text + "decide: {shares: {change_at_most: 50%}}\n")
    world = build(loaded)
    decision = shares_decision(loaded, world)
    assert decision is not None
    batch = Simulator(world, 1, attribution=decision.attribution)(0, 20)
    assert batch.attributed is not None
    brought = batch.attributed.sum(axis=(0, 2))
    all_won = batch.reps[:, :, 1].sum() * 10_000
    assert 0 < brought.sum() < 0.2 * all_won  # what Bo found by himself is none of the shares' doing


def test_workers_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two worker processes from the first replication on: the same allocation and numbers, to the last bit."""
    plan = load_plan(budget_plan())
    alone = optimise(plan, seed=6, n=128, jobs=1, effort=0.01)
    monkeypatch.setattr("engine.workers.ALONE", 0.0)
    monkeypatch.setattr("engine.workers.WORTH", 0.0)
    calls, in_workers = [], engine.workers._in_workers

    def counted(task: str, chunks: Chunks, keep: engine.workers.Keep, workers: int) -> None:
        calls.append(workers)
        in_workers(task, chunks, keep, workers)

    monkeypatch.setattr("engine.workers._in_workers", counted)
    shared = optimise(plan, seed=6, n=128, jobs=2, effort=0.01)
    assert set(calls) == {2}
    for one, other in zip(alone.allocation, shared.allocation, strict=True):
        assert one == other
    assert (alone.in_sample, alone.after, alone.trials, alone.steps) == (
        shared.in_sample, shared.after, shared.trials, shared.steps
    )  # fmt: skip


def test_an_optimisation_says_how_it_came_about() -> None:
    found = optimise(load_plan(budget_plan()), seed=5, n=256, jobs=1, effort=0.01)
    finalists = [trial for trial in found.trials if trial.phase == 2]
    assert {"plan", "equal", "mean"} <= {trial.method for trial in finalists}  # a climb's answer may be one of them
    assert len({trial.paths for trial in finalists}) == 1
    best = max(finalists, key=lambda trial: trial.probability)
    assert [trial.method for trial in finalists if trial.accepted] == [best.method] == [found.origin]
    assert found.in_sample is not None
    assert found.after is not None
    assert found.optimism == pytest.approx(found.in_sample - found.after.probability)
    document = found.as_json()
    assert document["bound"]["label"] == "no certificate"
    assert document["bound"]["because"]
    assert [part["phase"] for part in document["effort"]] == ["search", "selection", "bound", "verification"]
    assert sum(part["paths"] for part in document["effort"][:3]) == document["simulated_paths"]
    assert document["steps"]
    assert all(row["marginal"] > 0.0 for row in document["allocation"])  # more money brings more deals


@pytest.mark.long
def test_the_known_best_split_is_reached() -> None:
    """Within half a point of the best probability there is, by theory, and the claim within four sigma of theory."""
    found = optimise("known-best", seed=1, n=4000)
    first, second, third = (row.new for row in found.allocation)
    spends = (first, second, third)
    exact = Theory().probability(spends)
    assert exact > 0.872 - 0.005
    assert found.after is not None
    assert abs(found.after.probability - exact) < 4 * math.sqrt(exact * (1 - exact) / 4000)


def test_work_is_limited_by_paths_not_by_the_clock() -> None:
    world = build(load_plan(budget_plan()))
    assert work_limits(world, 7, 0.5) == work_limits(world, 7, 0.5)
    assert work_limits(world, 7, 0.01).paths <= work_limits(world, 7, 1.0).paths
