"""Bad plans: each thing wrong is said once, where it stands, with what was expected, and all of them together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.plan.load import load_plan
from engine.problems import PlanRefused

Write = Callable[..., Path]

# (what stands in the example, what is written instead, the path that is named, part of what is said)
WRONG = [
    ("hours_per_week: 32", "hours_per_wek: 32", "reps.Li Na.hours_per_wek", "Did you mean hours_per_week?"),
    ("wait: 30 d", "wait: -30 d", "stages.delivery.wait", "zero or more"),
    ("advance: 0.98", "advance: 1.2", "stages.delivery.advance", "a probability between 0 and 1"),
    ("advance: 0.98", "advance: .nan", "stages.delivery.advance", "a probability"),
    ("half_at: 25_000", "half_at: .inf", "sources.events.response.hill.half_at", "finite"),
    ("hours_per_week: 32", "hours_per_week: .nan", "reps.Li Na.hours_per_week", "a number"),
    ("hours_per_week: 32", "hours_per_week: true", "reps.Li Na.hours_per_week", "a number"),
    ("region: North\n", "region: Nroth\n", "reps.张伟.region", "Did you mean North?"),
    ("products: [ERP, CRM]", "products: []", "reps.张伟.products", "leave the field out"),
    ("products: [ERP], hours", "products: [EPR], hours", "reps.Li Na.products", "Did you mean ERP?"),
    ("contract: 1.2", "contrct: 1.2", "reps.张伟.advance.contrct", "Did you mean contract?"),
    ("contract: 1.2", "contract: 0", "reps.张伟.advance.contract", "above 0"),
    ("won: true", "won: true}\n  - {name: lead, advance: 1, won: true", "stages", "each stage's name once"),
    ("won: true", "won: true}\n  - {name: more, advance: 1, won: true", "stages", "one stage at which deals"),
    ("prospects_per_hour: 0.3", "prospects_per_hour: 0.3, enters: delivery", "reps.张伟.prospecting.enters", "later"),
    ("leads_per_month: 42,", "leads_per_month: 42, enters: delivery,", "sources.inbound.enters", "than contract"),
    ("leads_per_month: 42", "leads_per_month: 42, prospects: 5", "sources.inbound", "exactly one of"),
    ("leads_per_month: 42", "season: [1, 2]", "sources.inbound", "exactly one of"),
    ("leads_per_month: 42", "leads_per_month: 42, season: [1, 2]", "sources.inbound.season", "12 weights"),
    ("    response:", "    mixx: 1\n    response:", "sources.events.mixx", "Did you mean mix?"),
    ("budget: {North", "budget: {Nort", "sources.events.budget.Nort", "Did you mean North?"),
    ("{North: 200_000, East", "{North: [1, 2], East", "sources.events.budget.North", "12 numbers"),
    ("end: 2026-12-31", "end: 2025-12-31", "horizon.end", "on or after the start"),
    ("end: 2026-12-31", "end: 2026-12-31, as_of: 2027-01-01", "horizon.as_of", "inside the horizon"),
    ("end: 2026-12-31", "end: 2026-02-31", "horizon.end", "a date that exists"),
    ("end: 2026-12-31", "end: 20261231", "horizon.end", "a date that exists"),
    ("country: CN", "country: XX", "calendar.country", "found XX"),
    ("until: 2026-06-30", "until: 2027-06-30", "goals.first-half.until", "inside the horizon"),
    ("metric: deals_won, at", "metric: deals_one, at", "goals.every-month.metric", "Did you mean deals_won?"),
    ("every: month", "every: mnth", "goals.every-month.every", "Did you mean month?"),
    ("product: ERP, region", "product: EPR, region", "goals.erp-north.where.product", "Did you mean ERP?"),
    ("all_of: quotas", "all_of: [company, firsthalf]", "goals.everyone.all_of", "Did you mean first-half?"),
    ("all_of: quotas", "all_of: [company, everyone]", "goals.everyone.all_of", "not made of this one"),
    ("hours_per_week: 8", "hours_per_week: 48", "reps.张伟.prospecting.hours_per_week", "no more than"),
    ("months: [40万, 60万]", "months: [400万, 700万]", "reps.张伟.quota.months", "no more than the year's"),
    ("over_assignment: [1.0, 1.15]", "over_assignment: [1.2, 1.15]", "decide.quotas.over_assignment", "least first"),
    ("total: 500_000", "total: 500_000, floors: {events: 600_000}", "decide.budget.floors", "no more than the total"),
    ("total: 500_000", "total: 500_000, floors: {inbound: 1}", "decide.budget.floors.inbound", "with a budget"),
    ("total: 500_000", "total: 500_000, floors: {events: 9}, caps: {events: 8}", "decide.budget.floors.events", "cap"),
    ("rules: []", "rules: [{name: rescue}]", "rules", "not supported in this version"),
    ("currency: CNY\n", "", "currency", "required"),
    ("work: 6 h", "work: 6 mo", "stages.proposal.work", "working time"),
    ("p90: 30 d", "p90: 3 d", "stages.proposal.wait.lognormal.p90", "no less than median"),
    ("{exponential:", "{exponentail:", "stages.lead.wait.exponentail", "Did you mean exponential?"),
    ("wins: 24", "wins: 64", "stages.proposal.advance", "no more wins than tries"),
    ("East: {}}", "East: {North: {}}}", "regions", "each region's name once"),
    ("hours_per_week: 32", "start: 2027-01-01", "reps.Li Na.start", "no later than the horizon's end"),
    ("hours_per_week: 32", "end: 2025-12-31", "reps.Li Na.end", "leave out who has left before"),
    ("hours_per_week: 32", "start: 2026-05-02, end: 2026-05-01", "reps.Li Na.end", "on or after the rep's start"),
    ("hours_per_week: 32", "start: tomorrow", "reps.Li Na.start", "a date"),
    ("hours_per_week: 32", "ramp: soon", "reps.Li Na.ramp", "duration"),
    ("hours_per_week: 32", "ramp: {starts_at: 30%}", "reps.Li Na.ramp.over", ""),
    ("hours_per_week: 32", "ramp: {over: 3 mo, starts_at: 130%}", "reps.Li Na.ramp.starts_at", "a probability"),
    ("hours_per_week: 32", "ramp: {over: 3 mo, start_at: 0.3}", "reps.Li Na.ramp.start_at", "Did you mean starts_at?"),
    ("total: 500_000", "total: 500_000, minimum: {inbound: 1}", "decide.budget.minimum.inbound", "with a budget"),
    ("total: 500_000", "total: 500_000, minimum: {events: {Nort: 1}}", "decide.budget.minimum.events.Nort", "North"),
    ("total: 500_000", "total: 500_000, either: {a: {of: [events]}}", "decide.budget.either.a", "at_most or at_least"),
    ("total: 500_000", "total: 500_000, either: {a: {of: [events / Nort], at_most: 1}}", "decide.budget.either.a.of.1",
     "Did you mean events / North?"),
    ("total: 500_000", "total: 500_000, either: {a: {of: [events], at_least: 1}}", "decide.budget.either.a.at_least",
     "a minimum in decide.budget for events / North, events / East"),
    ("total: 500_000", "total: 500_000, minimum: 1, either: {a: {of: [events], at_least: 3}}",
     "decide.budget.either.a.at_least", "the 2 lines"),
]  # fmt: skip

HIRES = (  # what is written of headcount, the path below it that is named, part of what is said
    ("total: 2, at_least: 3", "at_least", "no more than the total, 2"),
    ("total: 0", "total", "1"),
    ("total: 2, regions: [Nort]", "regions", "Did you mean North?"),
    ("total: 2, floors: {North: 3}", "floors", "at most 2"),
    ("total: 2, floors: {North: 2}, caps: {North: 1}", "floors.North", "its cap, 1"),
    ("total: 2, regions: East, caps: {North: 1}", "caps.North", "a region of decide.headcount.regions"),
    ("total: 2, rep: {start: 2027-02-01}", "rep.start", "no later than the horizon's end"),
    ("total: 2, rep: {product: ERP}", "rep.product", "Did you mean products?"),
    ("total: 2, rep: {products: EPR}", "rep.products", "Did you mean ERP?"),
    (
        "total: 2, rep: {prospecting: {hours_per_week: 50, prospects_per_hour: 1}}",
        "rep.prospecting.hours_per_week",
        "40",
    ),
)
WRONG += [
    ("  quotas: {over", f"  headcount: {{{written}}}\n  quotas: {{over", f"decide.headcount.{path}", said)
    for written, path, said in HIRES
]


@pytest.mark.parametrize(("found", "written", "path", "said"), WRONG)
def test_one_thing_wrong_is_said_where_it_stands(
    write_example: Write, example_text: str, found: str, written: str, path: str, said: str
) -> None:
    assert found in example_text
    with pytest.raises(PlanRefused) as caught:
        load_plan(write_example(example_text.replace(found, written)))
    matching = [p for p in caught.value.problems if p.path == path and said in str(p)]
    assert matching, [str(p) for p in caught.value.problems]


def test_everything_wrong_is_said_at_once(write_example: Write, example_text: str) -> None:
    text = example_text
    chosen = (0, 1, 7, 14, 19, 27, 29, 32, 34, 35, 39, 40)
    for found, written, _, _ in (WRONG[i] for i in chosen):
        text = text.replace(found, written)
    with pytest.raises(PlanRefused) as caught:
        load_plan(write_example(text))
    paths = {p.path for p in caught.value.problems}
    assert {WRONG[i][2] for i in chosen} <= paths


def test_a_rep_nobody_can_feed(write_example: Write, example_text: str) -> None:
    text = example_text.replace("region: [North, East], products: [ERP]", "region: East, products: [CRM]")
    text = text.replace("East: {ERP: 1, CRM: 1}", "East: {ERP: 1}")
    path = write_example(text, open_deals__csv="deal,stage,owner\nD1,proposal,张伟\n")
    with pytest.raises(PlanRefused) as caught:
        load_plan(path)
    assert [p.path for p in caught.value.problems] == ["reps.Li Na"]
    assert "a way to get deals" in caught.value.problems[0].expected


def test_shares_decide_who_is_fed(write_example: Write, example_text: str) -> None:
    text = example_text.replace(
        "regions: {North: {}, East: {}}", "routing: {share: {张伟: 1, Li Na: 0}}\nregions: {North: {}, East: {}}"
    )
    text = text.replace("region: [North, East], products: [ERP]", "region: North, products: [ERP]")
    text = text.replace("East: {ERP: 1, CRM: 1}", "North: {CRM: 1}").replace(
        "North: 200_000, East: 150_000", "North: 1"
    )
    text = text.replace("mix: {North: {ERP: 1}, North: {CRM: 1}}", "mix: {North: {ERP: 1}}")
    text = text.replace("mix: {North: {ERP: 2, CRM: 1}, North: {CRM: 1}}", "mix: {North: {ERP: 2, CRM: 1}}")
    path = write_example(
        text, open_deals__csv="deal,stage,owner\nD1,proposal,张伟\n", last_year__csv="source,budget\nevents,1\n"
    )
    with pytest.raises(PlanRefused) as caught:
        load_plan(path)
    assert [p.path for p in caught.value.problems] == ["reps.Li Na"]
    path.write_text(text.replace("Li Na: 0", "Li Na: 0.1"), encoding="utf-8")
    assert load_plan(path).plan.routing.share.reps["Li Na"] == 0.1


def test_stages_out_of_order_in_the_pipeline(write_example: Write) -> None:
    path = write_example(open_deals__csv="deal,stage,owner\nD1,delivery,张伟\n")
    with pytest.raises(PlanRefused, match="a stage no later than contract"):
        load_plan(path)


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "an empty file"),
        ("\n# nothing\n", "an empty file"),
        ("- 1\n- 2\n", "a mapping of sections"),
        ("a: 1\n b: 2\n", "line 2, column 3"),
        ("attain: 1\nattain: 2\n", "each key once"),
        ("caf\u00e9: 1\ncafe\u0301: 2\n", "each name once"),
        ("a: !!python/object/apply:os.system ['ls']\n", "without tags"),
        ("a: !mine 1\n", "without tags"),
        (BOMB, "a smaller plan"),
        ("a: &a [*a]\n", "line 1, column 8"),
        ("a: " + "[" * 5000 + "\n", "40 levels"),
        ("a: 1\n---\nb: 2\n", "one plan in a file"),
        ("%YAML 1.1\n---\na: yes\n", "YAML 1.2"),
        ('a: "\\ud800"\nb: 1\n', "control characters"),
        ("a: \x00\n", "YAML"),
        ("a: " + "9" * 6000 + "\nb: 2026-13-45\n", "required"),
        ("x: " + "y" * 5_000_001 + "\n", "at most 5,000,000"),
    ],
)  # fmt: skip
def test_files_that_are_no_plan(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(PlanRefused) as caught:
        load_plan(path)
    assert said in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bytes.yaml").write_bytes(b"attain: 1\nname: \xff\xfe\n")
    with pytest.raises(PlanRefused, match=r"line 2.*text in UTF-8"):
        load_plan(tmp_path / "bytes.yaml")
    for name in ("gone.yaml", "."):
        with pytest.raises(PlanRefused, match="a plan file that can be read"):
            load_plan(tmp_path / name)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_cut_or_changed_is_read_or_refused(
    write_example: Write, example_text: str, data: st.DataObject
) -> None:
    """Random damage to the example never ends in anything but a plan or a refusal with reasons."""
    lines = example_text.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        line = lines[at]
        where = data.draw(st.integers(0, max(len(line) - 1, 0)))
        new = data.draw(
            st.sampled_from(["", ":", "{", "]", "-1", ".nan", "null", "x: ", "&a ", "*a", "万", "\t", "[]", "'"])
        )
        lines[at] = line[:where] + new + line[where + data.draw(st.integers(0, 4)) :]
    path = write_example("\n".join(lines) + "\n")
    try:
        load_plan(path)
    except PlanRefused as refused:
        assert refused.problems
        assert all(problem.expected for problem in refused.problems)
