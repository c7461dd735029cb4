"""Working days of months as a planner would count them, and what they do to lead flow."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest

from attain.calibrate import CalibrationResult, calibrate
from attain.history.holidays import FESTIVAL, WORKING_DAYS, Workdays, known_country
from engine.calendar import resolve
from engine.fit.arrivals import fit_arrivals
from engine.fit.shocks import fit_shocks
from engine.plan.load import load_plan
from engine.plan.types import Horizon
from engine.problems import Refused
from tests.attain.cli_runs import Attain
from tests.attain.histories import ENGLISH, as_csv, export

CHINA = Workdays("CN", None, True)


def firsts(year: int, years: int = 1) -> list[dt.date]:
    return [dt.date(year + m // 12, m % 12 + 1, 1) for m in range(12 * years)]


@pytest.mark.parametrize(
    ("works", "year", "days"),
    [
        (Workdays(), 2025, [23, 20, 21, 22, 22, 21, 23, 21, 22, 23, 20, 23]),  # weekdays alone
        (Workdays("US"), 2025, [21, 19, 21, 22, 21, 20, 22, 21, 21, 22, 18, 22]),  # the eleven federal holidays
        (
            Workdays("DE"),
            2024,
            [22, 21, 20, 21, 20, 20, 23, 22, 21, 22, 21, 20],
        ),  # Good Friday in March, Monday in April
        (Workdays("DE"), 2025, [22, 20, 21, 20, 20, 20, 23, 21, 22, 22, 20, 21]),  # both in April
        # the State Council's: make-up days on 26 January, 8 February, 27 April, 28 September, 11 October
        (Workdays("CN"), 2025, [19, 19, 21, 22, 19, 20, 23, 21, 23, 18, 20, 23]),
        # from 26 January to 9 February, the festival's days, the week alone counts
        (CHINA, 2025, [22, 20, 21, 22, 19, 20, 23, 21, 23, 18, 20, 23]),
        # Sunday 4 February 2024 pays for days off that are the festival's
        (CHINA, 2024, [22, 21, 21, 22, 21, 19, 23, 22, 21, 19, 21, 22]),
        (Workdays("US", ("sun",)), 2025, [25, 23, 26, 26, 26, 24, 26, 26, 25, 26, 23, 26]),  # Saturdays are worked
        (Workdays("DE-BY"), 2025, [21, 20, 21, 20, 20, 19, 23, 21, 22, 22, 20, 21]),  # Epiphany, Corpus Christi
        (Workdays(None, ()), 2025, [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]),
    ],
)
def test_months_counted_by_hand(works: Workdays, year: int, days: list[int]) -> None:
    assert works.days(firsts(year)).tolist() == days


def test_the_plan_s_calendar_is_the_fit_s() -> None:
    for works in (
        Workdays("DE"),
        Workdays("SA"),
        Workdays("SA", ("sat", "sun")),
        Workdays("US", ()),
        Workdays("DE-BY"),
    ):
        plan = resolve(works.calendar(), Horizon(start=dt.date(2025, 1, 1), end=dt.date(2025, 12, 31)))
        assert works.days(firsts(2025)).tolist() == list(plan.days_per_month)
    assert "weekend" not in Workdays("SA", ("fri", "sat")).calendar().model_fields_set
    assert Workdays("SA", ("sat", "sun")).calendar().weekend == (
        "sat",
        "sun",
    )  # as seen, against the country's usual one


def test_regressors_are_by_calendar_month_and_around_their_year() -> None:
    coming = [*firsts(2025)[3:], *firsts(2026)[:3]]
    days, festival = CHINA.regressors(firsts(2022, 3), coming)
    assert days.coming[[3, 9]] == pytest.approx(np.log(np.array([22, 18]) / np.mean(CHINA.days(firsts(2025)))))
    assert days.coming[0] == pytest.approx(np.log(21 / np.mean(CHINA.days(firsts(2026)))))
    assert festival.coming.tolist() == pytest.approx([0, 1, *[0] * 10])  # 17 February 2026
    assert len(days.seen) == len(festival.seen) == 36


def test_golden_week_and_the_festival_are_two_effects() -> None:
    """Leads by the working day but in the festival's days, of which there are 4,000 a month: 6% of an elasticity."""
    days, festival = regressors = CHINA.regressors(firsts(2018, 7), firsts(2025))
    counts = np.random.default_rng(3).poisson(4000 * np.exp(days.seen - 0.6 * festival.seen))
    found = fit_arrivals(counts, 1, regressors=regressors)
    for name, truth in ((WORKING_DAYS, 1.0), (FESTIVAL, -0.6)):
        effect, sd = found.effects[name]
        assert abs(effect - truth) < 4 * sd
        assert sd < 0.15
    coming = np.exp(days.coming - 0.6 * festival.coming)
    assert np.array(found.season) == pytest.approx(coming / coming.mean(), abs=0.03)
    assert found.season[9] < 0.9


def test_easter_takes_its_days_from_the_month_it_falls_in() -> None:
    history = firsts(2019, 5)
    counts = np.random.default_rng(4).poisson(4000 * np.exp(Workdays("DE").regressors(history)[0].seen))
    early, late = (Workdays("DE").regressors(history, firsts(year)) for year in (2024, 2025))
    found = [fit_arrivals(counts, 1, regressors=regressors) for regressors in (early, late)]
    (effect, sd), (same, _) = (f.effects[WORKING_DAYS] for f in found)
    assert effect == same
    assert effect == pytest.approx(1.0, abs=4 * sd)
    march, april = np.log(np.array(found[0].season) / np.array(found[1].season))[2:4]
    moved = np.log([20 / 21, 21 / 20])  # working days of March and April, 2024 against 2025
    assert april - march == pytest.approx(effect * (moved[1] - moved[0]))


def test_months_that_are_too_few_say_so() -> None:
    found = fit_arrivals([50] * 20, 1, regressors=CHINA.regressors(firsts(2024, 2)[:20], firsts(2026)))
    assert found.effects == {}
    assert "working days: 20 complete months are there, 24 would suffice" in found.missing
    assert "Spring Festival: 20 complete months are there, 24 would suffice" in found.missing


def test_working_days_are_no_shocks() -> None:
    regressors = CHINA.regressors(firsts(2022, 3))
    mean = 300 * np.exp(regressors[0].seen - 0.5 * regressors[1].seen)
    counts = np.random.default_rng(5).poisson(np.tile(mean, (4, 1)))
    as_shocks, without = fit_shocks(counts, 1), fit_shocks(counts, 1, regressors=regressors)
    assert as_shocks.sd_range[0] > 0.04
    assert without.sd < 0.05
    assert without.sd_range[0] < 0.01


@pytest.mark.parametrize(
    ("code", "near"),
    [
        ("Germny", "Did you mean DE?"),
        ("ZZ", "the country 'ZZ' is not known"),
        ("de-byy", "Did you mean DE-BY?"),
        ("", "the country '' is not known"),
    ],
)
def test_a_country_that_is_none_is_refused_with_the_nearest(code: str, near: str) -> None:
    with pytest.raises(Refused, match=r"expected a (country's ISO 3166 code|subdivision of DE)") as refused:
        known_country(code)
    assert near in str(refused.value)
    assert known_country("de") == "DE"
    assert known_country("de-by") == "DE-BY"
    assert known_country("CHN") == "CN"
    assert known_country(" deu-augsburg ") == "DE-Augsburg"  # a part that the table of holidays writes as a name


# --- attain calibrate -------------------------------------------------------------------------------------------------


def by_working_day(last: dt.date, a_day: int = 4, *, by_chance: bool = False, seed: int = 0) -> list[list[str]]:
    """A German business from 2021 on in which so many deals begin on each of its working days, or on average."""
    calendar = resolve(Workdays("DE").calendar(), Horizon(start=dt.date(2021, 1, 1), end=last))
    rng, like = np.random.default_rng(seed), export(40)[1:]
    rows: list[list[str]] = []
    for i, hours in enumerate(calendar.day_hours[: (last - calendar.start).days + 1]):
        created = calendar.start + dt.timedelta(days=i)
        for _ in range((int(rng.poisson(a_day)) if by_chance else a_day) if hours else 0):
            row = dict(zip(ENGLISH, like[int(rng.integers(len(like)))], strict=True))
            closed = created + dt.timedelta(days=1 + int(rng.gamma(4, 8.0)))
            closed += dt.timedelta(days=max(0, 7 - closed.weekday()) * (closed.weekday() > 4))  # not on a weekend
            ended = closed <= last
            state = ("Won" if rng.random() < 0.4 else "Lost") if ended else "Open"
            own = {"Status": state, "Created On": str(created), "Closed On": str(closed) if ended else ""}
            rows.append(list((row | own | {"Opportunity ID": f"D{len(rows):05d}", "Expected Close": ""}).values()))
    return [list(ENGLISH), *rows]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("days")
    (folder / "crm.csv").write_text(as_csv(by_working_day(dt.date(2024, 3, 31))), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def german(folder: Path) -> CalibrationResult:
    return calibrate(folder / "crm.csv", folder / "german.yaml", country="de")


def test_a_week_that_has_changed_is_the_last_year_s(tmp_path: Path) -> None:
    """The Emirates rested on Friday and Saturday until 2021; both weeks together rest on Saturday alone."""
    like, rows = dict(zip(ENGLISH, export(40)[1], strict=True)), [list(ENGLISH)]
    for day in (dt.date(2020, 1, 1) + dt.timedelta(days=k) for k in range(4 * 365)):
        if day.weekday() not in ((4, 5) if day.year < 2022 else (5, 6)):
            own = {
                "Status": ("Won", "Lost")[len(rows) % 2],
                "Created On": str(day - dt.timedelta(days=1)),
                "Closed On": str(day),
            }
            rows.append(list((like | own | {"Opportunity ID": f"D{len(rows)}"}).values()))
    (tmp_path / "crm.csv").write_text(as_csv(rows), encoding="utf-8")
    found = calibrate(tmp_path / "crm.csv", tmp_path / "plan.yaml", country="AE")
    assert "calendar: {country: AE}" in found.plan.read_text(encoding="utf-8")


def test_the_effect_is_told_with_its_interval(german: CalibrationResult) -> None:
    effect = german.fitted["working_days"]
    assert effect["low"] < 1.0 < effect["high"]
    assert not effect["assumed"]  # no chance in how many begin on a day
    assert german.fitted["country"] == "DE"
    assert german.fitted["festival"] is None
    text = german.plan.read_text(encoding="utf-8")
    assert "calendar: {country: DE}" in text
    assert "in it: the plan's own working days; one more in a month of 21: +" in text
    assert "public holidays of DE known" in text
    assert load_plan(german.plan).plan.calendar.country == "DE"
    assert not any("public holidays" in str(note) for note in german.notes)


def test_without_a_country_it_is_said_that_holidays_were_not_known(folder: Path) -> None:
    found = calibrate(folder / "crm.csv", folder / "none.yaml")
    text = found.plan.read_text(encoding="utf-8")
    assert found.fitted["country"] is None
    assert "public holidays were not known" in text
    assert "public holidays not known" in text
    assert "calibrate with --country US, say" in text
    assert found.fitted["working_days"]["low"] < found.fitted["working_days"]["high"]


def test_an_effect_that_few_deals_cannot_tell_is_said_to_be_assumed(tmp_path: Path) -> None:
    rows = by_working_day(dt.date(2023, 1, 31), 1, by_chance=True)
    (tmp_path / "crm.csv").write_text(as_csv(rows), encoding="utf-8")
    found = calibrate(tmp_path / "crm.csv", tmp_path / "plan.yaml", country="DE")
    assert found.fitted["working_days"]["assumed"]
    assert "mostly as is usual elsewhere, since the months say little" in found.plan.read_text(encoding="utf-8")


def test_nothing_after_the_day_changes_the_fit(folder: Path, tmp_path: Path) -> None:
    """But for what an export cannot say of the past: deals open then are the same deals in both files."""
    day = dt.date(2023, 6, 30)
    rows = list(csv.reader((folder / "crm.csv").read_text("utf-8").splitlines()))
    at = {name: rows[0].index(name) for name in rows[0]}
    known = [r for r in rows[1:] if r[at["Created On"]] <= str(day)]
    (tmp_path / "crm.csv").write_text(as_csv([rows[0], *known]), encoding="utf-8")
    cut, whole = (
        calibrate(source / "crm.csv", tmp_path / f"{k}.yaml", 1e6, as_of=day, country="DE").fitted
        for k, source in enumerate((tmp_path, folder))
    )
    assert json.dumps(cut) == json.dumps(whole)


def test_on_the_command_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    attain, plan, history = Attain(capsys), tmp_path / "plan.yaml", folder / "crm.csv"
    for verb in (("calibrate", history, "--out", plan), ("backtest", history)):
        said = attain(*verb, "--country", "Germny")
        assert said.code == 1
        assert "the country 'Germny' is not known" in said.err
        assert "Did you mean DE?" in said.err
        assert "是否指 DE？" in attain(*verb, "--country", "Germny", "--language", "zh").err
    assert not list(tmp_path.iterdir())
    said = attain("calibrate", history, "--country", "DE", "--out", plan)
    assert "public holidays of DE" in " ".join(said.out.split())
    said = attain("calibrate", history, "--country", "DE", "--out", plan, "--force", "--language", "zh")
    assert "计入DE的公共假日" in "".join(said.out.split())
