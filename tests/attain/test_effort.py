"""Effort from capacity: the sum of known work is found, its split where it can be told, and a plan that is as busy."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import attain
from attain.calibrate import calibrate
from attain.capacity import RAMPING, Person, load_of
from attain.effort import as_from, effort_from_capacity, evened, fit_efforts
from attain.fitted_effort import Capacity, read_busy
from attain.history import read_history
from attain.summary.parts import utilisation
from benchmarks.effort import FIRMS, judge
from engine.plan.load import load_plan
from engine.problems import Refused
from tests.attain.cli_runs import Attain
from tests.attain.effort_firms import HOURS, WORK, Firm, firm
from tests.attain.histories import as_csv, export
from tests.oracles.power import SIGMAS

MONTH = 30.4375 / 7  # weeks


def _busy(path: Path, work: tuple[float, float], seed: int = 0) -> Path:
    """Two stages; each month a rep's 120 hours are filled with visits of either kind in a mix of the month's own."""
    rng = np.random.default_rng(seed)
    rows, case = [["OpportunityId", "StageName", "CreatedDate", "Opportunity Owner"]], 0
    for rep in ("Ann", "Bob", "Cy"):
        for m in range(18):
            begin, hours, second = dt.datetime(2023 + m // 12, m % 12 + 1, 1), 0.0, rng.random()
            while hours < 120:
                case += 1
                day = begin + dt.timedelta(hours=float(rng.integers(0, 27 * 24)))
                rows.append([f"D{case}", "A", f"{day:%Y-%m-%d %H:%M:%S}", rep])
                hours += work[0]
                on = rng.random() < second
                if on:
                    rows.append([f"D{case}", "B", f"{day + dt.timedelta(days=3):%Y-%m-%d %H:%M:%S}", rep])
                    hours += work[1]
                end = "Closed Won" if on and rng.random() < 0.5 else "Closed Lost"
                rows.append([f"D{case}", end, f"{day + dt.timedelta(days=6):%Y-%m-%d %H:%M:%S}", rep])
    path.write_text(as_csv(rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> tuple[Firm, Path]:
    """A firm of ten whose people are 70 to 100% busy, and its history."""
    made = firm(10, 215.0, 0)
    path = tmp_path_factory.mktemp("firm") / "stages.csv"
    path.write_text(as_csv(made.rows), encoding="utf-8")
    return made, path


# --- what is found ----------------------------------------------------------------------------------------------------


def test_the_work_that_fills_the_hours_is_found(tmp_path: Path) -> None:
    found = effort_from_capacity(read_history(_busy(tmp_path / "h.csv", (3.0, 8.0))), 120 / MONTH, busy=1.0)
    assert found.split
    for effort, truth in zip(found.stages, (3.0, 8.0), strict=True):
        assert effort.hours == pytest.approx(truth, rel=0.2)
        assert effort.low < truth < effort.high


def test_the_sum_is_found_and_no_split_believed_where_leads_are_dealt_out(known: tuple[Firm, Path]) -> None:
    made, path = known
    found = effort_from_capacity(read_history(path), HOURS, busy=float(made.busy.mean()))
    visits = np.array([e.visits for e in found.stages])
    ours, truth = visits @ np.array([e.hours for e in found.stages]), visits @ np.array(WORK)
    assert abs(np.log(ours / truth)) < SIGMAS * found.sd
    assert found.sd < 0.05
    assert not found.split
    assert "how hours split" in found.why
    assert len({round(e.hours, 6) for e in found.stages}) == 1  # no stage is over so soon that it took less


@pytest.mark.parametrize("kind", list(FIRMS)[1:3])
def test_intervals_hold_where_desks_are_full(kind: str) -> None:
    """Twelve firms of three stages: of 36 intervals that hold 95 times in 100, fewer than 28 hold once in 10^4."""
    found = judge(FIRMS[kind], 12)
    assert found.told >= 0.5
    assert found.held >= 28 / 36
    assert abs(found.total) < SIGMAS * 0.021 / np.sqrt(12)  # its sd is 2.1% of a firm


@pytest.mark.parametrize("kind", [k for k in FIRMS if k.startswith("leads")] + [list(FIRMS)[4]])
def test_no_split_is_believed_that_nothing_tells(kind: str) -> None:
    assert judge(FIRMS[kind], 10).told == 0.0


@pytest.mark.long
@pytest.mark.parametrize("kind", [*list(FIRMS)[:4], *(k for k in FIRMS if k.startswith("one"))])
def test_intervals_hold_in_a_hundred_firms(kind: str) -> None:
    """Four binomial sigma of 95%, of 250 intervals or more in firms of three stages or five that err together."""
    found = judge(FIRMS[kind], 100, seed=1)
    assert found.held == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / 100))


def test_a_plan_s_people_are_as_busy_as_was_assumed(known: tuple[Firm, Path], tmp_path: Path) -> None:
    made, path = known
    assumed = float(made.busy.mean())
    found = calibrate(path, tmp_path / "plan.yaml", capacity=Capacity(HOURS, assumed))
    loaded = load_plan(found.plan)
    assert all(HOURS <= rep.hours_per_week <= 1.2 * HOURS for rep in loaded.plan.reps)
    results = attain.simulate(str(found.plan), n=60, seed=0, jobs=1)
    used = utilisation(results)
    assert used is not None
    assert float(used.mean()) == pytest.approx(assumed, abs=0.04)
    half = [f"reps.{rep.name}.hours_per_week={HOURS / 2:g}" for rep in loaded.plan.reps]
    fewer = attain.simulate(str(found.plan), n=60, seed=0, jobs=1, sets=half)
    assert float(fewer.legs[:, 0].mean()) < 0.9 * float(results.legs[:, 0].mean())  # hours count
    # waits without queue and work: the firm's own were 10, 25 and 15 calendar days in the median
    for stage, truth in zip(loaded.plan.stages, (10.0, 25.0, 15.0), strict=True):
        half = next(d for p, d in stage.wait.quantiles if p == 0.5)
        assert half.value == pytest.approx(truth, rel=0.25)


def test_open_deals_have_waited_less_by_queue_and_work(known: tuple[Firm, Path], tmp_path: Path) -> None:
    _, path = known
    ages = []
    for k, capacity in enumerate((None, Capacity(HOURS))):
        found = calibrate(path, tmp_path / f"plan{k}.yaml", capacity=capacity)
        ages.append([d.age.value for d in load_plan(found.plan).files.pipeline])
    off = np.array(ages[0]) - np.array(ages[1])
    assert (off >= 0).all()
    assert 3.0 < off.max() < 6.0  # a visit of 3 hours behind four others, of 30 hours a week


def test_people_who_kept_up_lately_are_as_busy_as_assumed_lately(known: tuple[Firm, Path]) -> None:
    history = read_history(known[1])
    load = load_of(history, {}, HOURS)
    steady, doubled = (fit_efforts(replace(load, lately=x), history.stages, 0.8) for x in (1.1, 2.0))
    quiet = fit_efforts(replace(load, lately=0.5), history.stages, 0.8)
    assert doubled.mean == pytest.approx(steady.mean / 2)
    assert doubled.stages[0].hours == pytest.approx(steady.stages[0].hours / 2)
    assert quiet.mean == steady.mean


# --- hours ------------------------------------------------------------------------------------------------------------


def test_hours_are_people_s_own_while_they_are_there(tmp_path: Path) -> None:
    history = read_history(_busy(tmp_path / "h.csv", (3.0, 8.0)))
    last = history.as_of
    plain = load_of(history, {}, 30.0)
    own = load_of(
        history,
        {
            "Ann": Person(15.0),
            "Bob": Person(30.0, start=last - dt.timedelta(days=99), ramp=100.0),
            "Cy": Person(30.0, end=last - dt.timedelta(days=100)),
        },
        None,
    )
    there = [float(plain.hours[plain.who == i].sum()) for i in range(3)]
    now = [float(own.hours[own.who == i].sum()) for i in range(3)]
    assert now[0] == pytest.approx(there[0] / 2)
    assert now[1] == pytest.approx(30.0 * 100 / 7 * RAMPING)
    assert now[2] == pytest.approx(there[2] - 30.0 * 100 / 7)
    assert load_of(history, {"Ann": Person(15.0)}, None).people == ("Ann",)


def test_what_is_over_soon_takes_no_more_than_its_time() -> None:
    works = evened(np.array([100.0, 50.0, 50.0]), 300.0, np.array([0.5, np.inf, np.inf]))
    assert works == pytest.approx([0.5, 2.5, 2.5])
    assert evened(np.array([100.0, 50.0]), 300.0, np.array([1.0, 1.0])) == pytest.approx([2.0, 2.0])


@pytest.mark.parametrize("people", [1, 2])
def test_one_person_or_two_are_enough_for_a_sum(tmp_path: Path, people: int) -> None:
    rows = export(400)
    owner = rows[0].index("Owner")
    kept = [rows[0], *(r for r in rows[1:] if r[owner] in ("Ann", "Bob")[:people])]
    (tmp_path / "crm.csv").write_text(as_csv(kept), encoding="utf-8")
    found = effort_from_capacity(read_history(tmp_path / "crm.csv"), 30.0)
    assert found.split
    assert found.people == people
    (only,) = found.stages
    assert only.hours == pytest.approx(found.mean)
    assert only.hours / 4 < only.low < only.hours < only.high < 4 * only.hours


def test_as_many_visits_as_the_error_says() -> None:
    assert as_from(0.1) == pytest.approx(1 / 0.1**2, rel=0.01)
    assert as_from(0.0) == 10_000
    assert as_from(5.0) == 2.0


# --- what is refused, and where it is said ----------------------------------------------------------------------------


def test_what_cannot_be_told_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_text(as_csv(export(60)), encoding="utf-8")
    with pytest.raises(ValueError, match="hours_per_week"):
        effort_from_capacity(read_history(tmp_path / "crm.csv"), 0)
    rows = [[c for i, c in enumerate(r) if i != 4] for r in export(60)]
    (tmp_path / "none.csv").write_text(as_csv(rows), encoding="utf-8")
    with pytest.raises(ValueError, match="effort: nobody is known"):
        effort_from_capacity(read_history(tmp_path / "none.csv"), 30)
    found = calibrate(tmp_path / "none.csv", tmp_path / "plan.yaml", capacity=Capacity(30.0))
    assert "would suffice" in found.fitted["not_fitted"]["effort"]  # and the rest is fitted
    assert "effort" not in found.fitted
    with pytest.raises(Refused, match="--busy is a part of people's hours"):
        calibrate(tmp_path / "crm.csv", tmp_path / "plan.yaml", capacity=Capacity(None, 0.5))


@pytest.mark.parametrize(("text", "part"), [("80%", 0.8), ("0.8", 0.8), ("100％", 1.0), (None, None)])
def test_busy_is_a_part(text: str | None, part: float | None) -> None:
    assert read_busy(text) == part


@pytest.mark.parametrize("text", ["0", "-5%", "120%", "many", "nan"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="such as 80%"):
        read_busy(text)


def test_hours_in_the_table_of_people_are_enough(tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_text(as_csv(export(400)), encoding="utf-8")
    (tmp_path / "people.csv").write_text("Name,Hours per week\nAnn,40\nBob,20\nCy,0\n", encoding="utf-8")
    found = calibrate(tmp_path / "crm.csv", tmp_path / "plan.yaml", people=tmp_path / "people.csv")
    hours = {rep.name: rep.hours_per_week for rep in load_plan(found.plan).plan.reps}
    assert hours["Ann"] == 40
    assert hours["Bob"] == 20
    assert hours["Cy"] >= 30  # the median, or what keeps up
    assert any("people have no hours" in note for note in found.notes)
    assert found.fitted["effort"]["busy"] == 0.8
    assert "an assumption (--busy)" in found.plan.read_text(encoding="utf-8")


def test_the_command_line_takes_hours_and_says_what_they_make(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "crm.csv").write_text(as_csv(export(400)), encoding="utf-8")
    run = Attain(capsys)
    asked = ["calibrate", tmp_path / "crm.csv", "--out", tmp_path / "plan.yaml", "--hours-per-week", "30"]
    told = run(*asked, "--busy", "60%", "--json").document["fitted"]["effort"]
    assert told["busy"] == 0.6
    assert set(told["stages"]["opportunity"]) == {"hours", "interval", "of", "visits"}
    shown = run(*asked, "--force", "--language", "zh").out
    assert "产能" in shown
    assert "80%" in shown
    assert run(*asked, "--force", "--busy", "2").code == 1
