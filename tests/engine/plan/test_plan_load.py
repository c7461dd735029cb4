"""Plans read from files: the forms that must load, changes from the command line, files beside the plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.plan.load import load_plan, loaded
from engine.plan.quantities import Duration
from engine.plan.types import AmountDistribution, Plan, Source, TimeDistribution, Uncertain
from engine.problems import PlanRefused

Write = Callable[..., Path]


def refused(text: str | Path, **options: object) -> list[str]:
    with pytest.raises(PlanRefused) as caught:
        load_plan(text, **options)  # type: ignore[arg-type]
    return [str(problem) for problem in caught.value.problems]


def test_the_example_loads_as_written(write_example: Write, example_text: str) -> None:
    result = load_plan(write_example())
    plan = result.plan
    assert plan.goals["company"].at_least == 50_000_000
    assert plan.goals["erp-north"].where.product == ("ERP",)
    assert plan.goals["everyone"].all_of == "quotas"
    assert plan.stages[1].advance == Uncertain(wins=24, of=60)
    assert plan.stages[1].wait.p90 == Duration(30.0, "d")
    assert plan.stages[2].work.kind == "triangular"
    assert plan.reps[1].quota is not None
    assert plan.reps[1].quota.year == 12_000_000
    assert plan.sources["events"].budget == {"North": 200_000.0, "East": 150_000.0}
    assert plan.decide is not None
    assert plan.decide.budget is not None
    assert plan.decide.budget.change_at_most == 0.5
    assert result.files.columns["crm-values.csv:value"] == (300_000.0, 450_000.0, 520_000.0)
    assert result.files.pipeline[0].age == Duration(12.0, "d")
    assert result.files.accounts[0].owner == "张伟"
    assert result.files.reference[0] == {"source": "events", "region": "North", "budget": 180_000.0}
    assert result.text == example_text


@pytest.mark.parametrize(
    ("form", "kind", "fields"),
    [
        ("5 d", "constant", {"value": Duration(5.0, "d")}),
        (0, "constant", {"value": Duration(0.0, "h")}),
        ({"exponential": {"mean": "5 d"}}, "exponential", {"mean": Duration(5.0, "d")}),
        ({"weibull": {"mean": "2 w", "shape": 1.5}}, "weibull", {"mean": Duration(2.0, "w"), "shape": 1.5}),
        ({"uniform": {"low": 0, "high": "30 cd"}}, "uniform", {"high": Duration(30.0, "cd")}),
        ({"empirical": {"values": ["1 d", "2 d"]}}, "empirical", {"values": (Duration(1.0, "d"), Duration(2.0, "d"))}),
        (
            {"quantiles": {"100%": "9 d", "p50": "3 d", "0": "1 d"}},
            "quantiles",
            {"quantiles": ((0.0, Duration(1.0, "d")), (0.5, Duration(3.0, "d")), (1.0, Duration(9.0, "d")))},
        ),
    ],
)
def test_every_form_of_a_distribution(form: object, kind: str, fields: dict[str, object]) -> None:
    dist = TimeDistribution.model_validate(form)
    assert dist.kind == kind
    assert {name: getattr(dist, name) for name in fields} == fields


@pytest.mark.parametrize(
    "form",
    [
        "five days", "-3 d", 5, True, [1], {}, {"gamma": {"mean": "3 d"}}, {"exponential": {"mean": 0}},
        {"exponential": {"mean": "nan d"}}, {"lognormal": {"median": "9 d", "p90": "3 d"}},
        {"lognormal": {"median": "9 d"}}, {"lognormal": {"median": "9 d", "p90": "12 d", "sigma": 1}},
        {"triangular": {"low": "3 d", "mode": "2 d", "high": "9 d"}}, {"uniform": {"low": "3 d", "high": "1 mo"}},
        {"weibull": {"median": "3 d", "shape": 0}}, {"empirical": {"values": []}}, {"empirical": {"file": "a.csv"}},
        {"quantiles": {"10%": "1 d", "100%": "2 d"}}, {"quantiles": {"0%": "3 d", "100%": "2 d"}},
        {"constant": "3 d", "uniform": {"low": 0, "high": "3 d"}},
    ],
)  # fmt: skip
def test_what_is_no_distribution_is_refused(form: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        TimeDistribution.model_validate(form)


def test_budgets_in_every_split() -> None:
    response = {"linear": {"cost_per_lead": "1k"}}
    for written, read in (
        (5000, 5000.0),
        ({"N": "1万"}, {"N": 10_000.0}),
        ({"N": [1, 2]}, {"N": (1.0, 2.0)}),
        ({"N": {"A": 1, "B": [3, 4]}, "E": 2}, {"N": {"A": 1.0, "B": (3.0, 4.0)}, "E": 2.0}),
    ):
        assert Source.model_validate({"budget": written, "response": response}).budget == read


def test_sections_left_empty_are_not_written(write_example: Write, example_text: str) -> None:
    text = example_text.replace("segments: {manufacturing: {}, finance: {}}", "segments:\n  manufacturing:\n  finance:")
    plan = load_plan(write_example(text.replace("rules: []", "rules:"))).plan
    assert plan.segments["finance"].share == 1.0
    assert plan.rules == ()


def test_regions_nest_to_any_depth(write_example: Write, example_text: str) -> None:
    text = example_text.replace("{North: {}, East: {}}", "{North: {华北: {北京: , 河北: [石家庄, 保定]}}, East: {}}")
    plan = load_plan(write_example(text)).plan
    assert plan.regions["North"]["华北"] == {"北京": {}, "河北": {"石家庄": {}, "保定": {}}}


def test_names_are_normalised(write_example: Write, example_text: str) -> None:
    text = example_text.replace("Li Na", "Zoe\u0301").replace("name: 张伟", "name: 张伟")
    path = write_example(text)
    for name in ("accounts.csv", "open-deals.csv"):
        file = path.parent / name
        file.write_text(file.read_text(encoding="utf-8").replace("Li Na", "Zo\u00e9"), encoding="utf-8")
    assert load_plan(path).plan.reps[1].name == "Zo\u00e9"


def test_changes_are_applied_before_the_plan_is_checked(write_example: Write) -> None:
    sets = [
        "reps.张伟.hours_per_week=45",
        "reps.张伟.quota.months.2=70万",
        "goals.company.at_least=6000万",
        "sources.events.budget.North=250000",
        "economy.sd=0",
        "stages.lead.wait.exponential.mean=7 d",
        "decide.budget.change_at_most=30%",
        "reps.Li Na.advance.proposal=1.5",
        "phasing=",
    ]
    result = load_plan(write_example(), sets=sets)
    plan = result.plan
    assert plan.reps[0].hours_per_week == 45
    assert plan.reps[0].quota is not None
    assert plan.reps[0].quota.months == (400_000.0, 700_000.0)
    assert plan.goals["company"].at_least == 60_000_000
    assert plan.sources["events"].budget == {"North": 250_000.0, "East": 150_000.0}
    assert plan.economy is not None
    assert plan.economy.sd == 0
    assert plan.stages[0].wait.mean == Duration(7.0, "d")
    assert plan.reps[1].advance == {"proposal": 1.5}
    assert "hours_per_week: 45" in result.text
    assert "# what reps find themselves" in result.text


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("reps.张玮.hours_per_week=45", "Did you mean 张伟?"),
        ("sources.evnts.budget.North=1", "Did you mean events?"),
        ("reps.张伟.hours=45", "Did you mean hours_per_week?"),
        ("goal.company.at_least=1", "Did you mean goals?"),
        ("goals.compny=5", "Did you mean company?"),
        ("economy.ssd=0", "Did you mean sd?"),
        ("stages.lead.wait.exponential.mena=7 d", "Did you mean mean?"),
        ("sources.events.budget.Nroth=1", "Did you mean North?"),
        ("goals.company.metric.x=1", "a section in which x can be set"),
        ("reps.张伟", "path=value"),
        ("reps.张伟.hours_per_week=!!python/name:os.system", "without tags"),
    ],
)
def test_a_misspelt_change_is_refused(write_example: Write, setting: str, said: str) -> None:
    assert any(said in problem for problem in refused(write_example(), sets=[setting]))


def test_a_plan_in_chinese_encodings_of_its_files(write_example: Write) -> None:
    path = write_example()
    table = "客户名称;负责人;地区\n上海重工;张伟;North\n北京钢铁股份;张伟;North\n"
    (path.parent / "accounts.csv").write_bytes(table.encode("gb18030"))
    assert [a.account for a in load_plan(path).files.accounts] == ["上海重工", "北京钢铁股份"]


def test_every_bad_cell_of_the_files_is_reported(write_example: Write) -> None:
    path = write_example(
        open_deals__csv="deal,stage,age,owner,value\nD1,lead,soon,张伟,12o\nD2,porposal,3 d,张伟,5\nD2,lead,,,\n",
        accounts__csv="account,owner,money\nA,张韦,0.5\nB,Li Na,7\n",
        crm_values__csv="value\n5\n-3\nx\n",
        last_year__csv="source,where\nevents,North\n",
    )
    problems = "\n".join(refused(path))
    for said in (
        "open-deals.csv, row 2, age", "open-deals.csv, row 2, value", "found porposal). Did you mean proposal?",
        "D2, 2 times", "accounts.csv, row 3, money", "found 张韦). Did you mean 张伟?", "crm-values.csv, row 3, value",
        "crm-values.csv, row 4, value", "last-year.csv, row 1",
    ):  # fmt: skip
        assert said in problems


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/passwd", "gone.csv", "folder"])
def test_files_outside_the_folder_or_absent_are_refused(write_example: Write, example_text: str, name: str) -> None:
    path = write_example(example_text.replace("accounts.csv", name))
    (path.parent / "folder").mkdir()
    (path.parent.parent / "secret.csv").write_text("account\nx\n", encoding="utf-8")
    assert any(problem.startswith("accounts.file") for problem in refused(path))


def test_a_link_out_of_the_folder_is_refused(write_example: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = write_example()
    outside = tmp_path_factory.mktemp("outside") / "accounts.csv"
    outside.write_text("account\nx\n", encoding="utf-8")
    (path.parent / "accounts.csv").unlink()
    (path.parent / "accounts.csv").symlink_to(outside)
    assert any("in the plan's folder" in problem for problem in refused(path))


def test_a_plan_made_in_python_is_checked_alike() -> None:
    plan = Plan.model_validate(
        {
            "attain": 1,
            "name": "p",
            "currency": "EUR",
            "horizon": {"start": "2026-01-01", "end": "2026-12-31"},
            "goals": {"g": {"metric": "bookings", "at_least": 1}},
            "stages": [{"name": "s", "advance": 0.5}],
            "products": {"P": {"deal_value": AmountDistribution.model_validate(5)}},
            "regions": {"R": {}},
            "reps": [{"name": "A"}],
            "sources": {"s": {"leads_per_month": 3}},
        }
    )
    assert loaded(plan).plan is plan
    with pytest.raises(PlanRefused, match="a way to get deals"):
        loaded(plan.model_copy(update={"sources": {}}))
