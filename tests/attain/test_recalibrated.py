"""A plan's goals recalibrated: by the back-test's own method, only where it was scored, beside the plan's figures."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest

from attain.backtest import recalibrate as method
from attain.backtest.learnt import Group, Learnt, LearntRefused, Origin, document, read_learnt
from attain.backtest.origins import Month
from attain.calibrate import calibrate
from attain.plans import open_plan
from attain.recalibrated import level_of, recalibrate
from attain.results import Results
from attain.simulate import simulate
from engine.plan.types import LoadedPlan, Where
from tests.attain.histories import LAST, as_csv, export

MAY = dt.date(2024, 4, 30)  # the last month that is over on the history's last day
GOALS = """goals:
  june: {metric: bookings, at_least: 100_000, until: 2024-06-30}
  june-wins: {metric: deals_won, at_least: 20, until: 2024-06-30}
  june-north: {metric: bookings, at_least: 50_000, until: 2024-06-30, where: {region: North}}
  both: {metric: bookings, at_least: 50_000, until: 2024-06-30, where: {region: North, product: ERP}}
  later: {metric: bookings, at_least: 50_000, since: 2024-07-01, until: 2024-09-30}
  months: {metric: bookings, at_least: 1, every: month, until: 2024-06-30}
"""


def learnt(count: int, square: float, *, mean: float = 0.0, last: dt.date = MAY, horizon: str = "quarter") -> Learnt:
    """Errors of so many monthly origins, the latest of which had just ended by ``last``."""
    groups = []
    for level in ("company", "region"):
        for measure in ("bookings", "deals_won"):
            group = Group.model_validate({"level": level, "measure": measure, "horizon": horizon, "origins": ()})
            ends = [(Month.of(last) + -(group.months + k)).last for k in range(count)][::-1]
            origins = tuple(Origin(day=day, cells=1, mean=mean, square=square) for day in ends)
            groups.append(group.model_copy(update={"origins": origins}))
    return Learnt(history="crm.csv", until=last, every=1, seed=1, replications=100, groups=tuple(groups))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, LoadedPlan]:
    folder = tmp_path_factory.mktemp("recalibrated")
    (folder / "crm.csv").write_text(as_csv(export(1500)), encoding="utf-8")
    found = calibrate(folder / "crm.csv", folder / "plan.yaml", "+10%")
    text = found.plan.read_text(encoding="utf-8").replace("goals:\n", GOALS)
    found.plan.write_text(text, encoding="utf-8")
    loaded = open_plan(found.plan, ())
    return simulate(loaded, n=300, seed=1, jobs=1), loaded


def test_a_forecast_that_was_right_stays_as_it_is(run: tuple[Results, LoadedPlan]) -> None:
    results, loaded = run
    found = {r.name: r for r in recalibrate(results, loaded, learnt(20, 1.0)).rows}
    for name in ("june", "june-wins", "june-north"):
        row = found[name]
        assert row.why is None
        assert row.change is not None
        assert row.change.stretch == pytest.approx(1.0)
        assert row.recalibrated is not None
        assert row.recalibrated.p90 == pytest.approx(row.model.p90, rel=1e-9)
        assert row.recalibrated.probability == pytest.approx(row.model.probability)


def test_the_part_ahead_is_stretched_about_its_mean_and_what_happened_is_not(
    run: tuple[Results, LoadedPlan],
) -> None:
    results, loaded = run
    row = next(r for r in recalibrate(results, loaded, learnt(20, 9.0)).rows if r.name == "june")
    stretch = np.sqrt((1 + 20 * 9.0) / 21)
    so_far = sum(a.bookings for a in loaded.files.actuals if a.date <= dt.date(2024, 6, 30))
    assert so_far > 0
    values = results.values[:, results.world.goals.names.index("june")] / results.world.minor
    root = np.sqrt(values - so_far)
    expected = so_far + np.clip(root.mean() + stretch * (root - root.mean()), 0, None) ** 2
    assert row.recalibrated is not None
    assert row.recalibrated.p10 == pytest.approx(np.quantile(expected, 0.1))
    assert row.recalibrated.p90 == pytest.approx(np.quantile(expected, 0.9))
    assert row.recalibrated.probability == pytest.approx((expected >= 100_000).mean(), abs=1e-9)
    assert row.model.p90 == pytest.approx(np.quantile(values, 0.9))  # the plan's own figures stay
    assert row.origins == 20


def test_what_was_not_scored_is_left_alone_and_says_why(run: tuple[Results, LoadedPlan]) -> None:
    results, loaded = run
    why = {r.name: str(r.why) for r in recalibrate(results, loaded, learnt(20, 4.0)).rows if r.why}
    assert "nothing longer than 3" in why["company"]  # the plan's year
    assert "one figure at a time" in why["everyone"]
    assert "one figure at a time" in why["months"]
    assert "not scored" in why["both"]
    assert "begins later" in why["later"]
    assert "june" not in why


def test_too_few_origins_are_refused_with_how_many_it_takes(run: tuple[Results, LoadedPlan]) -> None:
    results, loaded = run
    row = next(r for r in recalibrate(results, loaded, learnt(19, 4.0)).rows if r.name == "june")
    assert row.recalibrated is None
    assert "19 origins had ended, and the next quarter takes 20" in str(row.why)


def test_origins_that_had_not_ended_by_the_plans_day_are_not_used(run: tuple[Results, LoadedPlan]) -> None:
    results, loaded = run
    later = learnt(20, 4.0, last=dt.date(2024, 12, 31))  # a back-test of a longer history knows the plan's future
    group = later.group("company", "bookings", 3)
    assert group is not None
    assert {o.day for o in later.ended(group, LAST)} == {o.day for o in group.origins if o.day <= dt.date(2024, 1, 31)}
    found = recalibrate(results, loaded, later)
    row = next(r for r in found.rows if r.name == "june")
    assert "12 origins had ended" in str(row.why)
    assert any("only origins that had ended" in note for note in found.notes)


def test_the_last_known_error_comes_back_only_while_it_is_fresh() -> None:
    fresh, stale = learnt(20, 4.5, mean=2.0), learnt(20, 4.5, mean=2.0, last=dt.date(2023, 12, 31))
    changes = []
    for one in (fresh, stale):
        group = one.group("company", "bookings", 3)
        assert group is not None
        changes.append(one.change(group, LAST))
    assert changes[0] is not None
    assert changes[1] is not None
    # 17 pairs three months apart, all (2, 2), under a ridge of three: 68 / (68 + 12) of the last error of 2
    assert changes[0].shift == pytest.approx(2.0 * 68 / 80)
    assert changes[1].shift == 0.0


def test_the_change_is_the_back_tests_own() -> None:
    rng = np.random.default_rng(0)
    past = {k: method.moments(2.0 * rng.standard_normal(5)) for k in range(20)}
    own = method.learn({k: m for k, m in past.items() if m}, 20, 1)
    origins = tuple(
        Origin(day=(Month.of(MAY) + (k - 20)).last, cells=m.cells, mean=m.mean, square=m.square)
        for k, m in past.items()
        if m
    )
    group = Group(level="rep", measure="bookings", horizon="month", origins=origins)
    kept = Learnt(history="", until=MAY, every=1, seed=0, replications=1, groups=(group,))
    assert kept.change(group, MAY) == own


@pytest.mark.parametrize(("months", "every", "needed"), [(1, 1, 12), (3, 1, 20), (6, 1, 32), (3, 3, 12), (6, 3, 16)])
def test_with_as_many_origins_as_are_needed_intervals_hold_what_they_say(months: int, every: int, needed: int) -> None:
    """Forecasts of one cell an origin, half as wide as they should be: 80% intervals come to hold 75% or more, but for
    the simulation's error (4 sigma of 8,000: .02)."""
    horizon = {1: "month", 3: "quarter", 6: "half"}[months]
    group = Group(level="company", measure="bookings", horizon=horizon, origins=())
    kept = Learnt(history="", until=MAY, every=every, seed=0, replications=1, groups=(group,))
    assert kept.needed(group) == needed
    rng = np.random.default_rng(0)
    lag = -(-months // every)
    hits = 0
    for _ in range(8000):
        noise = np.cumsum(np.concatenate([[0.0], rng.standard_normal(every * (needed + lag) + months)]))
        ends = np.arange(needed + lag) * every
        errors = 2.0 * (noise[ends + months] - noise[ends]) / np.sqrt(months)
        past = {k: method.Moments(1, float(e), float(e * e)) for k, e in enumerate(errors[:needed])}
        change = method.learn(past, needed + lag - 1, lag)
        assert change is not None
        hits += abs(errors[needed + lag - 1] - change.shift) < 1.2815515655 * change.stretch
    assert hits / 8000 > 0.75 - 0.02


def test_levels_that_are_scored() -> None:
    assert level_of(Where()) == "company"
    assert level_of(Where(region=("North",))) == "region"
    assert level_of(Where(rep=("Ann",))) == "rep"
    assert level_of(Where(region=("North", "South"))) is None
    assert level_of(Where(segment=("a",))) is None


def test_the_file_is_read_back_and_others_are_refused(tmp_path: Path) -> None:
    kept = learnt(9, 2.0)
    (tmp_path / "r.json").write_text(json.dumps(document(kept)), encoding="utf-8")
    assert read_learnt(tmp_path / "r.json") == kept
    with pytest.raises(LearntRefused, match="no such file"):
        read_learnt(tmp_path / "none.json")
    for text in ("", "{}", "[1", '{"attain": "recalibration 9"}', "null"):
        (tmp_path / "bad.json").write_text(text, encoding="utf-8")
        with pytest.raises(LearntRefused, match=r"bad\.json is not what"):
            read_learnt(tmp_path / "bad.json")


def test_a_plan_of_another_history_is_refused(run: tuple[Results, LoadedPlan]) -> None:
    results, loaded = run
    other = learnt(20, 1.0).model_copy(update={"history": "other.csv"})
    with pytest.raises(LearntRefused, match=r"fitted to other\.csv"):
        recalibrate(results, loaded, other)
