"""A mean at required probabilities: the plan whose every split is known, margins by hand, and what cannot be held."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from attain.optimise import optimise
from attain.optimise.aims import aim_of, hidden, watched
from attain.optimise.frontier import budget_frontier
from attain.simulate import simulate
from engine.plan.load import load_plan
from engine.problems import PlanRefused
from engine.world import build
from scenarios import path
from tests.attain.cli_runs import BUDGET, PLAN, Attain
from tests.scenarios.known_best import Theory, mean, splits


def known_best(wish: str) -> str:
    return path("known-best").read_text(encoding="utf-8").replace("maximise: company", f"maximise: {wish}")


def split_of(found) -> tuple[float, ...]:
    return tuple(row.new for row in found.allocation)


@pytest.mark.long
@pytest.mark.parametrize("required", [0.80, 0.85])
def test_the_best_mean_of_a_plan_whose_splits_are_known(required: float) -> None:
    """Against every split by Fourier transform: held, and of what any split with its odds expects 99%."""
    found = optimise(load_plan(known_best(f"{{mean: bookings, with: {{company: {required}}}}}")), seed=1, n=4000)
    theory = Theory()
    reached = theory.probability(split_of(found))
    assert reached > required - 0.005
    best = max(mean(split) for split in splits() if theory.probability(split) >= reached - 1e-12)
    assert mean(split_of(found)) >= 0.99 * best
    assert reached < required + 0.025


def test_more_is_expected_and_what_is_required_is_held() -> None:
    found = optimise(
        load_plan(known_best("{mean: bookings, with: {company: 75%}}")), seed=1, n=1500, jobs=1, effort=0.05
    )
    theory = Theory(400)
    assert found.mean is not None
    kept = found.required[0]
    assert (kept.goal, kept.required, kept.met, found.status) == ("company", 0.75, "held", "improved")
    # What is reported is what theory says of the split: 4 sigma of 1,500 paths, and of the lattice.
    assert kept.after.probability == pytest.approx(theory.probability(split_of(found)), abs=4 * 0.011)
    sd = (found.mean.after.interval[1] - found.mean.after.interval[0]) / 2 / 1.96
    assert abs(found.mean.after.value - mean(split_of(found))) < 4 * sd
    assert theory.probability(split_of(found)) > 0.745
    assert mean(split_of(found)) > mean((250_000, 200_000, 750_000))
    assert not any(hidden(goal.goal) for goal in found.goals)
    assert json.loads(json.dumps(found.as_json()))["maximised"] == {
        "kind": "mean", "goals": ["company 75%"], "at_least": None, "metric": "bookings",
    }  # fmt: skip


def test_what_cannot_be_held_is_said_with_the_most_that_was_found() -> None:
    found = optimise(
        load_plan(known_best("{mean: bookings, with: {company: 99%}}")), seed=1, n=600, jobs=1, effort=0.05
    )
    assert found.status == "not_held"
    assert found.after is not None
    assert found.required[0].met == "missed"
    assert f"{100 * found.required[0].after.probability:.1f}%" in found.reason
    assert found.required[0].after.probability > 0.75  # it looked for odds, then
    assert found.selection is None


def test_after_is_what_simulating_the_new_plan_gives(tmp_path: Path) -> None:
    """The hidden sums change nothing, and are not written."""
    new = tmp_path / "new.yaml"
    text = known_best("{mean: bookings, with: {company: 70%}}")
    found = optimise(load_plan(text), seed=3, n=400, jobs=1, effort=0.02, out=new)
    again = simulate(new, n=400, seed=3, jobs=1)
    assert again.world.goals.names == ("company",)
    assert float(again.attained[:, 0].mean()) == found.required[0].after.probability
    assert found.mean is not None
    assert float(again.legs[:, 0].mean()) / again.world.minor == pytest.approx(found.mean.after.value, rel=1e-12)


MARGIN = """\
attain: 1
name: 毛利
currency: CNY
horizon: {start: 2026-01-01, end: 2026-12-31}
calendar: {days: 240}
goals: {company: {metric: bookings, at_least: 30_000}}
stages: [{name: sign, work: 0 h, wait: 0 d, advance: 0.5, won: true}]
products: {甲: {deal_value: 1_000, margin: 60%%}, 乙: {deal_value: 2_000, margin: 10%%}}
regions: {North: {}}
reps: [{name: 张伟, region: North}]
sources:
  fairs:
    budget: {North: {甲: 5_000, 乙: 5_000}}
    response: {linear: {cost_per_lead: 100}}
    mix: {North: {甲: 1, 乙: 1}}
decide:
  maximise: {mean: %s, with: {company: %s}}
  budget: {total: 10_000, step: 500}
"""


def test_a_margin_by_hand() -> None:
    """A lead of either costs 100; of the first half a deal of 1,000 x 60% comes, of the second of 2,000 x 10%: all to
    the first. 50 deals, 30,000 of margin, less 10,000. Of bookings the second brings twice as much.
    """
    found = optimise(load_plan(MARGIN % ("margin", "5%")), seed=1, n=1000, jobs=1, effort=0.02)
    assert {row.product: row.new for row in found.allocation} == {"甲": 10_000, "乙": 0}
    assert found.mean is not None
    sd = 600 * np.sqrt(50 / 1000)  # of the mean of a thousand Poisson counts of 50
    assert found.mean.after.value == pytest.approx(20_000, abs=4 * sd)
    assert found.mean.before.value == pytest.approx(25 * 600 + 25 * 200 - 10_000, abs=4 * 600 * np.sqrt(25 / 1000))
    other = optimise(load_plan(MARGIN % ("bookings", "5%")), seed=1, n=1000, jobs=1, effort=0.02)
    assert {row.product: row.new for row in other.allocation} == {"甲": 0, "乙": 10_000}


@pytest.mark.parametrize(
    ("wish", "path", "words"),
    [
        ("{mean: profit, with: {company: 80%}}", "decide.maximise.mean", "margin"),
        ("{mean: bookings}", "decide.maximise.with", "required"),
        ("{mean: bookings, with: {}}", "decide.maximise.with", ""),
        ("{mean: bookings, with: {compny: 80%}}", "decide.maximise.with.compny", "company"),
        ("{mean: bookings, with: {company: 180%}}", "decide.maximise.with.company", "between 0 and 1"),
        ("{mean: bookings, wth: {company: 80%}}", "decide.maximise", "with"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_where_it_stands(wish: str, path: str, words: str) -> None:
    with pytest.raises(PlanRefused) as refused:
        load_plan(PLAN + BUDGET + f"  maximise: {wish}\n")
    problems = refused.value.problems
    assert any(problem.path.startswith(path) for problem in problems), problems
    assert words in " ".join(f"{problem.expected} {problem.hint}" for problem in problems)


def test_an_aim_sums_what_the_goals_that_nobody_sees_sum() -> None:
    loaded = watched(load_plan(MARGIN % ("margin", "80%")))
    world = build(loaded)
    aim = aim_of(world, loaded.plan.decide.maximise if loaded.plan.decide else None)
    assert aim.mean is not None
    legs = np.random.default_rng(1).uniform(0, 1e6, (5, len(world.goals.legs)))
    names = [world.goals.names[leg.goal] for leg in world.goals.legs]
    first, second = (next(i for i, name in enumerate(names) if name.endswith(product)) for product in ("甲", "乙"))
    assert aim.mean.sums(legs) == pytest.approx((0.6 * legs[:, first] + 0.1 * legs[:, second]) / world.minor)
    margins, _ = aim.sized(10.0).margins(legs)
    assert margins[:, 1] == pytest.approx(aim.mean.sums(legs) / 10.0)
    assert np.array_equal(aim.values(legs), legs[:, names.index("company")] >= 3_000_000)
    assert watched(load_plan(PLAN + BUDGET)).plan.goals.keys() == load_plan(PLAN + BUDGET).plan.goals.keys()


def test_hires_go_where_most_is_expected_of_them() -> None:
    """The South has four times the leads, and nobody who takes them: a hire there is worth the most."""
    text = MARGIN.replace("regions: {North: {}}", "regions: {North: {}, South: {}}") % ("bookings", "0%")
    text = text.split("sources:")[0] + (
        "sources: {s: {leads_per_month: 10, mix: {North: {甲: 1}, South: {甲: 4}}}}\n"
        "decide:\n  maximise: {mean: bookings, with: {company: 5%}}\n"
        "  headcount: {total: 1, regions: [North, South]}\n"
    )
    found = optimise(load_plan(text), seed=1, n=200, jobs=1, effort=0.01)
    assert {row.region: row.new for row in found.allocation} == {"North": 0, "South": 1}
    assert found.status == "improved"
    assert found.mean is not None
    assert found.mean.gain.value == pytest.approx(12 * 8 / 2 * 1_000, rel=0.1)


def test_a_frontier_of_a_mean_is_refused() -> None:
    with pytest.raises(PlanRefused, match="maximise"):
        budget_frontier(load_plan(MARGIN % ("bookings", "80%")), seed=1, n=64, jobs=1)


@pytest.mark.parametrize(("language", "words"), [("en", ("expected margin", "held")), ("zh", ("期望毛利", "达到"))])
def test_screens_say_what_is_expected_and_what_is_held(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str, words: tuple[str, str]
) -> None:
    plan = tmp_path / "毛利.yaml"
    plan.write_text(MARGIN % ("margin", "5%"), encoding="utf-8")
    said = Attain(capsys)(
        "optimise", plan, "--seed", 1, "-n", 300, "--jobs", 1, "--effort", 0.02, "--language", language
    )
    assert said.code == 0
    assert all(word in said.out for word in words), said.out
