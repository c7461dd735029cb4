"""What a run is summed up to: goals, reps, parts and months of paths made by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from attain.results import gather
from attain.summary import Lever, as_json, json_text, summarise, with_levers
from attain.wording import sentence
from engine.batch import Simulator
from engine.outcomes import BOOKED, BUSY, QUEUED, SERVED
from engine.plan.load import load_plan
from engine.statistics import wilson
from engine.world import build
from tests.attain.summary_runs import GOALS, booked, results, text, world


def columns(*rows: list[float]) -> np.ndarray:
    return np.array(rows, dtype=float).T


def four_paths() -> np.ndarray:
    """Li Na and 张伟, by path: bookings of 4 + 6, 4 + 8, 3 + 6 and 1 + 6 million."""
    return columns([4, 4, 3, 1], [6, 8, 6, 6])


def run_of_four(**changes: str):  # type: ignore[no-untyped-def]
    wins = four_paths()
    return booked(world(**changes), wins + 2, wins, np.full(wins.shape, 1_000_000.0))


def test_goals_have_the_share_of_paths_that_attain() -> None:
    summary = summarise(run_of_four())
    company, everyone = summary.goals
    assert company.target == 10_000_000
    assert company.probability.value == 0.5
    assert company.probability[1:] == wilson(2, 4)
    assert company.values.mean.value == 9_500_000
    assert company.values.p50.value == 9_000_000
    assert company.input_range is None  # nothing is uncertain
    assert company.shortfall is not None
    assert (company.shortfall.paths, company.shortfall.mean, company.shortfall.p90) == (2, 2_000_000, 3_000_000)
    assert everyone.unit == "parts"
    assert everyone.target == 2
    assert [leg.label for leg in everyone.legs] == ["Li Na", "张伟"]
    assert [leg.probability.value for leg in everyone.legs] == [0.5, 1.0]
    assert everyone.weakest is not None
    assert everyone.weakest.label == "Li Na"
    assert summary.everyone is not None
    assert summary.everyone.value == 0.5


def test_what_the_plan_supports_is_reached_that_often() -> None:
    rng = np.random.default_rng(1)
    wins = rng.poisson(5, (1000, 2)).astype(float)
    run = booked(world(), wins + 1, wins, np.full(wins.shape, 1_000_000.0))
    goal = summarise(run).goals[0]
    total = run.values[:, 0] / 100
    for support in goal.supports:
        assert (total >= support.target.value).mean() >= support.confidence
        assert (total > support.target.value).mean() < support.confidence
        assert support.gap == max(0.0, 10_000_000 - support.target.value)
    assert goal.supports[1].target == goal.values.p20


def test_the_verdict_is_about_the_company_or_the_first_goal_of_bookings() -> None:
    deals = "  deals: {metric: deals_won, at_least: 3}\n"
    every = "  monthly: {metric: bookings, at_least: 1, every: month}\n"
    assert summarise(run_of_four(goals=deals + every + GOALS)).main == "company"
    assert (
        summarise(
            run_of_four(
                goals=deals
                + every
                + "  zeta: {metric: bookings, at_least: 1}\n  alpha: {metric: bookings, at_least: 2}"
            )
        ).main
        == "zeta"
    )
    assert summarise(run_of_four(goals=deals)).main == "deals"
    nothing = summarise(run_of_four(goals="  fame: be markedly better known"))
    assert nothing.main is None
    assert nothing.verdict is None
    assert nothing.statements == (("fame", "be markedly better known"),)
    assert {w.key for w in nothing.warnings} >= {"statements", "no_goal"}


def test_goals_of_periods_name_the_one_that_fails_most() -> None:
    made = world(goals="  steady: {metric: deals_won, at_least: 2, every: quarter}")
    legs = columns([2, 2, 2, 2], [1, 2, 2, 2], [0, 1, 2, 5], [2, 2, 1, 2])
    goal = summarise(results(made, 4, legs=legs)).goals[0]
    assert [leg.label for leg in goal.legs] == ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"]
    assert goal.weakest is not None
    assert goal.weakest.label == "2026-Q3"
    assert goal.weakest.probability.value == 0.5
    assert goal.probability.value == 0.25
    assert goal.values.p50.value == 1  # the worst quarter's: 0, 1, 1, 2


def test_reps_are_saturated_or_idle_by_their_hours() -> None:
    made = world(work="work: 2 h, ")
    run = results(made, 2)
    hours = made.cal.horizon_hours
    run.reps[:, 0, BUSY], run.reps[:, 1, BUSY] = 0.3 * hours, [0.9 * hours, 0.96 * hours]
    run.reps[:, 0, SERVED], run.reps[:, 0, QUEUED] = 10, 4
    run.reps[:, 1, SERVED], run.reps[:, 1, QUEUED] = [10, 30], [80, 400]
    idle, saturated = summarise(run).reps
    assert (idle.name, idle.state, saturated.name, saturated.state) == ("Li Na", "idle", "张伟", "saturated")
    assert saturated.utilisation is not None
    assert saturated.utilisation.value == pytest.approx(0.93)
    assert idle.queue_days == pytest.approx(0.4 / 8)
    assert saturated.queue_days == pytest.approx(480 / 40 / 8)  # over all deals served, not the mean of paths' means
    assert any(w.key == "saturated" for w in summarise(run).warnings)


def test_without_effort_nobody_is_called_busy() -> None:
    summary = summarise(run_of_four())
    assert all(rep.utilisation is rep.queue_days is None and rep.state == "" for rep in summary.reps)


def test_desks_of_a_rep_share_their_hours() -> None:
    two_desks = text(work="work: 2 h, ").replace("quota: 600万}", "quota: 600万, focus: {ERP: 3, CRM: 1}}")
    made = build(load_plan(two_desks))
    run = results(made, 1)
    run.reps[:, :, BUSY] = made.cal.horizon_hours
    busy = [rep.utilisation.value for rep in summarise(run).reps if rep.utilisation is not None]
    assert busy == pytest.approx([1.0, 0.5])


def test_regions_hold_what_lies_in_them() -> None:
    goals = GOALS + "\n  north: {metric: bookings, at_least: 7_000_000, where: {region: North}}"
    summary = summarise(run_of_four(goals=goals))
    assert [(part.name, part.depth) for part in summary.regions] == [("East", 0), ("North", 0), ("Beijing", 1)]
    east, north, beijing = summary.regions
    assert north.bookings.mean.value == beijing.bookings.mean.value == 6_500_000
    assert north.target == 7_000_000
    assert north.probability is not None
    assert north.probability.value == 0.25
    assert beijing.target is None
    assert east.share + north.share == pytest.approx(1.0)
    assert summary.segments == ()


def test_months_run_beside_the_phasing_of_the_goal() -> None:
    made = world(more="\nphasing: [1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]")
    run = results(made, 2)
    run.margins["month"][:, 0, BOOKED] = np.array([2e6, 3e6]) * 100
    run.margins["month"][:, 2, BOOKED] = np.array([7e6, 7e6]) * 100
    months = summarise(run).months
    assert [m.planned for m in months[:4]] == [2.5e6, 2.5e6, 5e6, 0.0]
    assert [m.planned_cumulative for m in months[2:4]] == [10e6, 10e6]
    assert [m.on_plan.value for m in months[:3] if m.on_plan] == [0.5, 0.0, 0.5]
    assert months[2].cumulative.mean.value == pytest.approx(9.5e6)
    assert months[2].bookings.mean.value == 7e6


def test_a_goal_with_a_date_is_phased_up_to_it() -> None:
    goals = "  company: {metric: bookings, at_least: 6_000_000, until: 2026-06-30}"
    months = summarise(results(world(goals=goals), 3)).months
    assert months[0].planned == pytest.approx(1e6, rel=0.03)
    assert [m.planned_cumulative for m in months[5:]] == pytest.approx([6e6] * 7)


def test_a_goal_of_a_part_asks_nothing_of_the_months() -> None:
    goals = "  company: {metric: bookings, at_least: 6_000_000, where: {product: ERP}}"
    assert all(m.planned_cumulative is m.on_plan is None for m in summarise(results(world(goals=goals), 3)).months)


def test_warnings_say_what_is_doubtful() -> None:
    summary = summarise(run_of_four())
    assert {w.key for w in summary.warnings} == {"few", "no_uncertainty"}
    partial = results(world(advance="{wins: 5, of: 10}"), 600, asked=2000, phase=1)
    found = {w.key: w.sentence.say() for w in summarise(partial).warnings}
    assert set(found) == {"partial", "phase"}
    assert found["partial"] == "The run was stopped: 600 of 2,000 replications are counted."


def test_a_run_without_a_replication_is_refused() -> None:
    with pytest.raises(ValueError, match="without a finished replication"):
        summarise(results(world(), 0))


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} in JSON")


@pytest.mark.parametrize("n", [1, 4])
def test_the_document_is_strict_json_with_the_promised_keys(n: int) -> None:
    """With so few paths the ends of most intervals are infinite: null in JSON."""
    wins = four_paths()[:n]
    run = booked(world(advance="{wins: 5, of: 10}"), wins + 2, wins, np.full(wins.shape, 1_000_000.0))
    summary = summarise(run)
    lever = Lever(0.8, "prospects", 60.0, "prospects", sentence("driver.prospects"))
    document = as_json(with_levers(summary, (lever,)))
    again = json.loads(json_text(document), parse_constant=refuse)
    assert again == document
    assert {"plan", "seed", "replications", "engine", "seconds", "compile_seconds", "digest", "goals"} <= set(again)
    goal = again["goals"][0]
    assert {"name", "target", "probability", "interval", "mean", "p10", "p20", "p50", "p90", "shortfall"} <= set(goal)
    assert goal["intervals"]["p90"][1] is None
    assert goal["interval"] == list(wilson(int(run.attained[:, 0].sum()), n))
    assert again["levers"][0]["confidence"] == 0.8
    assert not any(isinstance(x, float) and not math.isfinite(x) for x in leaves(document))


def leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]


def test_a_simulated_run_ties_with_its_results(tmp_path: Path) -> None:
    """Parts add up to the whole, the goal's chance to the share of paths: on a run of the engine itself."""
    goals = GOALS + "\n  half: {metric: bookings, at_least: 5_000_000, until: 2026-06-30}"
    loaded = load_plan(text(goals=goals, work="work: 3 h, ", advance="{wins: 5, of: 10}"))
    made = build(loaded)
    run = gather(made, [Simulator(made, 3)(0, 40)], seed=3, phase=0, engine="simpy", asked=40, digest="x", seconds=1.0)
    summary = summarise(run, loaded)
    whole = summary.goal("company").values.mean.value
    assert sum(rep.bookings.mean.value for rep in summary.reps) == pytest.approx(whole)
    assert sum(part.bookings.mean.value for part in summary.products) == pytest.approx(whole)
    assert sum(part.bookings.mean.value for part in summary.regions if part.depth == 0) == pytest.approx(whole)
    assert summary.months[-1].cumulative.mean.value == pytest.approx(whole)
    assert summary.months[5].cumulative.mean.value == pytest.approx(summary.goal("half").values.mean.value)
    assert summary.goal("company").probability.value == run.attained[:, 0].mean()
    assert [stage.name for stage in summary.stages] == ["talk"]
    assert summary.stages[0].entered == pytest.approx(sum(rep.leads for rep in summary.reps))
