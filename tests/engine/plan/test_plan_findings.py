"""What `check` says: SMART(+C), ties and hours, each with its figures; and the mean funnel by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.plan.findings import Finding, findings
from engine.plan.load import load_plan
from engine.plan.meanfunnel import expected, mean_funnel
from engine.plan.wording import read_wording

Write = Callable[..., Path]

SMALL = """\
attain: 1
name: small
currency: EUR
horizon: {start: 2026-01-01, end: 2026-12-31}
calendar: {days: 240}
goals:
  company: {metric: bookings, at_least: 1000}
stages:
  - {name: lead, work: 2 h, advance: 0.5, activities: {visits: 2}}
  - {name: offer, work: 4 h, wait: 5 d, advance: {wins: 2, of: 9}, won: true}
  - {name: after, work: 1 h, advance: 1}
products: {A: {deal_value: 100}, B: {deal_value: {uniform: {low: 0, high: 100}}}}
regions: {N: {}, S: {}}
reps:
  - {name: Ann, region: N}
  - {name: Bob, region: S, advance: {offer: 3}}
sources:
  inbound: {leads_per_month: 10, mix: {N: {A: 1}, S: {B: 1}}}
"""


def found(text: str, **options: object) -> list[Finding]:
    return findings(load_plan(text, **options))  # type: ignore[arg-type]


def only(results: list[Finding], criterion: str, path: str) -> Finding:
    matching = [f for f in results if f.criterion == criterion and f.path == path]
    assert len(matching) == 1, [str(f) for f in results]
    return matching[0]


def test_the_mean_funnel_by_hand() -> None:
    """120 leads, half to each region; Ann advances half and a quarter, Bob half and a half (odds 1/3 times 3)."""
    funnel = mean_funnel(load_plan(SMALL))
    assert funnel.reps == ("Ann", "Bob")
    assert funnel.leads.sum() == pytest.approx(120)
    ann, bob = funnel.rep == 0, funnel.rep == 1
    assert funnel.entries[ann].sum(axis=0) == pytest.approx([60, 30, 30 * 0.25])
    assert funnel.entries[bob].sum(axis=0) == pytest.approx([60, 30, 30 * 0.5])
    assert funnel.bookings[ann].sum() == pytest.approx(7.5 * 100)
    assert funnel.bookings[bob].sum() == pytest.approx(15 * 50)
    assert funnel.hours_needed == pytest.approx([60 * 2 + 30 * 4 + 7.5, 60 * 2 + 30 * 4 + 15])
    assert funnel.hours_there == pytest.approx([240 * 8, 240 * 8])
    assert funnel.hours_by_region() == pytest.approx({"N": 247.5, "S": 255})


def test_goals_count_their_part_and_their_time() -> None:
    goals = """\
goals:
  north: {metric: deals_won, at_least: 1, where: {region: N}}
  half: {metric: leads, at_least: 1, until: 2026-06-30}
  visits: {metric: visits, at_least: 1, where: {rep: Bob}}
  lost: {metric: deals_lost, at_least: 1}
  monthly: {metric: leads, at_least: 1, every: month}
  quarterly: {metric: leads, at_least: 1, every: quarter}
"""
    plan = load_plan(SMALL.replace("goals:\n  company: {metric: bookings, at_least: 1000}\n", goals))
    funnel = mean_funnel(plan)
    means = {name: expected(funnel, plan.plan, goal) for name, goal in plan.plan.goals.items()}
    assert means == pytest.approx(
        {"north": 7.5, "half": 60, "visits": 120, "lost": 120 - 22.5, "monthly": 10, "quarterly": 30}
    )


def test_open_deals_and_customer_classes_in_the_mean_funnel(tmp_path: Path) -> None:
    """Scores are uniform and strong from 1/2: an eighth of customers is A. One offer in hand, its work done."""
    text = SMALL.replace(
        "sources:", "customers: {advance: {A: 1_000_000, D: 0.000_001}}\npipeline: deals.csv\nsources:"
    )
    text = text.replace("leads_per_month: 10", "leads_per_month: 0")
    (tmp_path / "deals.csv").write_text("deal,stage,owner,value\nD,offer,Ann,400\nE,lead,Bob,\n", encoding="utf-8")
    (tmp_path / "plan.yaml").write_text(text, encoding="utf-8")
    funnel = mean_funnel(load_plan(tmp_path / "plan.yaml"))
    won = 1 / 8 + 6 / 8 * 0.25  # A always, D never, B and C as the stage says
    assert funnel.bookings[funnel.rep == 0].sum() == pytest.approx(won * 400, rel=1e-5)
    assert funnel.in_hand.tolist() == [1, 1, 0]
    assert funnel.hours_needed[0] == pytest.approx(won * 1, rel=1e-5)


@pytest.mark.parametrize(
    ("statement", "fails"),
    [
        ("markedly better known", {"measurable", "time-bound"}),
        ("win ten new customers", {"time-bound"}),
        ("win 10 new customers", {"time-bound"}),
        ("新签10个客户", {"time-bound"}),
        ("grow sales by 2026-12-31", {"measurable"}),
        ("明年显著提高品牌知名度", {"measurable", "time-bound"}),
        ("在2026年6月30日前签约30个大客户", set()),
        ("5 new large customers in three months", set()),
        ("bookings of 1.2亿 by the end of the year", set()),
    ],
)
def test_goals_in_words_fail_what_they_leave_open(statement: str, fails: set[str]) -> None:
    results = found(SMALL.replace("goals:\n", f'goals:\n  words: "{statement}"\n'))
    errors = {f.criterion for f in results if f.path == "goals.words" and f.severity == "error"}
    assert errors == fails
    assert any("{metric:" in f.advice for f in results if f.path == "goals.words")


def test_the_form_to_write_is_filled_in_as_far_as_the_words_go() -> None:
    assert read_wording("win 30 customers by 2026-06-30").structured() == (
        "{metric: deals_won, at_least: 30, until: 2026-06-30}"
    )
    assert read_wording("销售额达到5000万").structured() == "{metric: bookings, at_least: 5000万, until: YYYY-MM-DD}"


def test_a_goal_without_a_number_is_not_measurable() -> None:
    results = found(SMALL.replace("{metric: bookings, at_least: 1000}", "{metric: bookings}"))
    assert only(results, "measurable", "goals.company").severity == "error"
    assert only(results, "measurable", "goals").severity == "error"


@pytest.mark.parametrize(
    ("target", "severity", "criterion"),
    [(3000, "error", "attainable"), (1700, "warning", "attainable"), (1450, "note", "attainable"),
     (500, "warning", "challenging")],
)  # fmt: skip
def test_targets_against_the_mean_funnel(target: int, severity: str, criterion: str) -> None:
    """The mean funnel brings 1,500."""
    finding = only(found(SMALL.replace("at_least: 1000", f"at_least: {target}")), criterion, "goals.company")
    assert finding.severity == severity
    assert f"1,500 of {target:,}" in finding.message


def test_a_goal_that_nothing_moves_is_not_relevant() -> None:
    goal = "  south-a: {metric: bookings, at_least: 5, where: {region: S, product: A}}\nstages:"
    assert only(found(SMALL.replace("stages:", goal)), "relevant", "goals.south-a").severity == "error"


def test_parts_that_do_not_tie_with_the_whole_are_shown() -> None:
    def parts(a: int, b: int) -> list[Finding]:
        goals = f"  a: {{metric: bookings, at_least: {a}, where: {{product: A}}}}\n"
        goals += f"  b: {{metric: bookings, at_least: {b}, where: {{product: B}}}}\nstages:"
        return [f for f in found(SMALL.replace("stages:", goals)) if f.criterion == "ties"]

    assert parts(400, 600) == []
    assert "a 400 + b 300 = 700, against 1,000" in parts(400, 300)[0].message
    assert "sum to more than the whole" in parts(700, 600)[0].message


def test_regions_inside_regions_are_not_counted_twice() -> None:
    text = SMALL.replace("regions: {N: {}, S: {}}", "regions: {N: {N1: {}}, S: {}}")
    goals = "".join(f"  {r}: {{metric: bookings, at_least: 500, where: {{region: {r}}}}}\n" for r in ("N", "N1", "S"))
    assert [f for f in found(text.replace("stages:", goals + "stages:")) if f.criterion == "ties"] == []


@pytest.mark.parametrize(("quota", "said"), [(300, "still miss it by 400"), (540, "of 8%"), (900, "of 80%")])
def test_quotas_against_the_company(quota: int, said: str) -> None:
    text = SMALL.replace("region: N}", f"region: N, quota: {quota}}}").replace(
        "region: S,", f"region: S, quota: {quota},"
    )
    assert said in only(found(text), "ties", "reps").message


def test_months_against_the_year_and_early_against_late() -> None:
    goals = "  monthly: {metric: bookings, at_least: 100, every: month}\n"
    goals += "  early: {metric: bookings, at_least: 1100, until: 2026-03-31}\nstages:"
    results = found(SMALL.replace("stages:", goals))
    assert "1,200 in 12" in only(results, "ties", "goals.monthly").message
    assert "1,100 by 2026-03-31" in only(results, "ties", "goals.early").message


@pytest.mark.parametrize(("hours", "severity"), [(4.9, "warning"), (2, "error"), (0, "error")])
def test_a_rep_with_fewer_hours_than_the_funnel_needs(hours: float, severity: str) -> None:
    """Bob needs 255 of the 240 days' hours, at hours / 40 of full speed: 1,920 x 4.9 / 40 = 235."""
    finding = only(found(SMALL, sets=[f"reps.Bob.hours_per_week={hours}"]), "hours", "reps.Bob")
    assert finding.severity == severity
    assert "255 hours" in finding.message
    assert f"has {1920 * hours / 40:,.0f}" in finding.message


def test_leads_that_no_rep_may_take(write_example: Write) -> None:
    results = findings(load_plan(write_example()))
    assert "CRM in East" in only(results, "relevant", "sources.inbound").message
    assert only(results, "relevant", "sources").severity == "note"


def test_errors_come_first() -> None:
    results = found(SMALL.replace("goals:\n", 'goals:\n  words: "better known"\n'))
    order = [("error", "warning", "note").index(f.severity) for f in results]
    assert order == sorted(order)


# --- who is there ----------------------------------------------------------------------------------------------------

STAFFED = SMALL.replace(
    "{name: Ann, region: N}", "{name: Ann, region: N, end: 2026-06-30}\n  - {name: Cy, region: N, CY}"
)


def test_hours_and_leads_are_of_the_days_on_which_a_rep_is_there() -> None:
    """Of twelve equal months Ann is there for six; Cy for four, of which two at a half and at three quarters."""
    two_months = "start: 2026-09-01, ramp: {over: 61 cd, starts_at: 0.25}"
    funnel = mean_funnel(load_plan(STAFFED.replace("CY", two_months)))
    september, october = 0.25 + 0.75 * 15 / 61, 0.25 + 0.75 * 45.5 / 61
    assert funnel.hours_there == pytest.approx([6 * 160, 12 * 160, (september + october + 2) * 160])
    leads = [float(funnel.leads[funnel.rep == r].sum()) for r in range(3)]
    assert leads == pytest.approx([6 * 5, 12 * 5, 4 * 5])
    assert funnel.untaken == pytest.approx(2 * 5)
    assert funnel.profile[funnel.rep == 2].sum(axis=0) == pytest.approx([0] * 8 + [0.25] * 4)


def test_overlapping_reps_share_leads_for_as_long_as_they_do() -> None:
    """Cy comes in May: of May and June each has half, if work is shared at best; before Ann has all, afterwards Cy."""
    text = STAFFED.replace("CY", "start: 2026-05-01").replace("sources:", "routing: round_robin\nsources:")
    funnel = mean_funnel(load_plan(text))
    assert [float(funnel.leads[funnel.rep == r].sum()) for r in (0, 2)] == pytest.approx([25.0, 35.0])
    assert funnel.untaken == 0.0


def test_prospects_are_counted_for_the_days_and_the_pace_of_who_finds_them() -> None:
    cy = (
        "start: 2026-11-01, ramp: {over: 30 cd, starts_at: 0}, prospecting: {hours_per_week: 10, prospects_per_hour: 1}"
    )
    funnel = mean_funnel(load_plan(STAFFED.replace("CY", cy)))
    found = funnel.source == list(funnel.sources).index("prospecting")
    assert float(funnel.leads[found].sum()) == pytest.approx(160 / 40 * 10 * (0.5 + 1.0))
    assert funnel.hours_there[2] == pytest.approx(0.75 * 160 * 1.5)


def test_times_in_which_nobody_is_there_are_named() -> None:
    results = found(STAFFED.replace("CY", "start: 2026-09-01"))
    finding = only([f for f in results if "Nobody" in f.message], "relevant", "sources.inbound")
    assert "for A in N from 2026-07-01 to 2026-08-31" in finding.message
    assert not [f for f in found(STAFFED.replace("CY", "start: 2026-07-01")) if "Nobody" in f.message]


def test_a_new_rep_is_overloaded_by_the_hours_that_are_there() -> None:
    """Work for 0.9 of a year is too much for a rep who comes in July, and would not be for one at hand."""
    text = SMALL.replace("leads_per_month: 10", "leads_per_month: 74").replace(
        "{name: Ann, region: N}", "{name: Ann, region: N, CY}"
    )
    busy = [f for f in found(text.replace("CY", "start: 2026-07-01")) if f.path == "reps.Ann"]
    late = [
        f
        for f in found(text.replace("CY", "start: 2026-07-01, ramp: {over: 6 mo, starts_at: 0}"))
        if f.path == "reps.Ann"
    ]
    assert [f.severity for f in busy if f.criterion == "hours"] == ["warning"]
    assert [f.severity for f in late if f.criterion == "hours"] == ["error"]
