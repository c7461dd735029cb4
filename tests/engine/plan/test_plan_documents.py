"""The plan as a document: round trips that keep the author's words, the schema, the template and the reference."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from engine.plan.document import dump_document, parse_document, plain, read_document, set_value, write_document
from engine.plan.findings import findings
from engine.plan.load import load_plan
from engine.plan.records import field_words
from engine.plan.reference import records, render
from engine.plan.schema import plan_schema
from engine.plan.template import template

Write = Callable[..., Path]
DOCS = Path(__file__).resolve().parents[3] / "docs"


def as_json(text: str) -> Any:
    return json.loads(json.dumps(plain(parse_document(text))[0], default=str))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_document_is_written_as_it_was_read(language: Any) -> None:
    text = template(language)
    assert dump_document(parse_document(text), text) == text
    flush = "a:\n# why\n- b: 1  # because\n- 'two'\n"
    assert dump_document(parse_document(flush), flush) == flush


def test_a_changed_plan_keeps_its_authors_words(write_example: Write) -> None:
    path = write_example()
    document = read_document(path)
    set_value(document, "sources.events.budget.North", 180_000)
    set_value(document, ("reps", "张伟", "quota"), {"year": 9_000_000, "months": [400_000, 600_000]})
    set_value(document, "decide.quotas.change_at_most", "10%")
    write_document(document, path)
    text = path.read_text(encoding="utf-8")
    for kept in ("# what reps find themselves", "# exactly 500", "5000万", "1_000_000", "advance: 0.50"):
        assert kept in text
    plan = load_plan(path).plan
    assert plan.sources["events"].budget == {"North": 180_000.0, "East": 150_000.0}
    assert plan.reps[0].quota is not None
    assert plan.reps[0].quota.year == 9_000_000


def test_a_plan_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("a: 1\n", encoding="utf-8")
    path.chmod(0o640)
    document = read_document(path)
    document["b"] = object()  # nothing that YAML can write
    with pytest.raises(Exception, match="object"):
        write_document(document, path)
    assert path.read_text(encoding="utf-8") == "a: 1\n"
    del document["b"]
    document["a"] = 2
    write_document(document, path)
    assert path.read_text(encoding="utf-8") == "a: 2\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["plan.yaml"]


def test_names_with_dots_are_addressed() -> None:
    document = parse_document("reps:\n  - {name: J. Smith, hours_per_week: 40}\nproducts: {v1.2: {deal_value: 5}}\n")
    set_value(document, "reps.J. Smith.hours_per_week", 30)
    set_value(document, "products.v1.2.deal_value", 6)
    assert document["reps"][0]["hours_per_week"] == 30
    assert document["products"]["v1.2"]["deal_value"] == 6


WIDER = """minimum: {events: {North: 1万}}, either: {one: {of: [events / North, events / East], at_most: 1}}}
  headcount: {total: 3, at_least: 0, regions: [North, East], floors: {North: 1}, caps: {East: 2}, rep: {products: ERP,
    start: 2026-03-01, ramp: {over: 3 mo, starts_at: 20%}, prospecting: {hours_per_week: 4, prospects_per_hour: 0.2}}"""


HELD = """  maximise: {mean: margin, with: {company: 80%}}
  territory: {within: 20%, of: bookings, among: everyone}
"""


def test_the_schema_accepts_what_loads(write_example: Callable[..., Path], example_text: str) -> None:
    schema = plan_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    wider = example_text.replace("step: 10_000, change_at_most: 50%", WIDER).replace(
        "1.15]", "1.15], fairness: {band: 10%}"
    )
    held = example_text.replace("  reference: last-year", HELD + "  reference: last-year")
    for text in (wider, held):
        load_plan(write_example(text))
    for text in (example_text, template("en"), template("zh"), wider, held):
        assert [error.message for error in validator.iter_errors(as_json(text))] == []


@pytest.mark.parametrize(
    ("found", "written", "path"),
    [
        ("hours_per_week: 32", "hours_per_wek: 32", "$.reps[1]"),
        ("mean: 5 d", "mean: 5 days ago", "$.stages[0].wait"),
        ("exponential", "exponentail", "$.stages[0].wait"),
        ("advance: 0.98", "advance: [1]", "$.stages[3].advance"),
        ("East: {}}", "East: 3}", "$.regions"),
        ("hours_per_week: 32", "hours_per_week: 200", "$.reps[1].hours_per_week"),
    ],
)
def test_the_schema_refuses_what_does_not_load(example_text: str, found: str, written: str, path: str) -> None:
    errors = list(Draft202012Validator(plan_schema()).iter_errors(as_json(example_text.replace(found, written))))
    assert [error.json_path for error in errors] == [path]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("year", [2025, 2030])
def test_the_template_loads_and_passes_its_check(language: Any, year: int) -> None:
    plan = load_plan(template(language, year))
    assert plan.plan.horizon.start.year == year
    assert [f for f in findings(plan) if f.severity != "note"] == []
    assert ("每" in plan.text) == (language == "zh")


def test_the_reference_is_fresh() -> None:
    assert (DOCS / "plan-reference.md").read_text(encoding="utf-8") == render()


def test_every_field_has_a_meaning() -> None:
    assert [f"{r.__name__}.{name}" for r in records() for name in r.model_fields if not field_words(r).get(name)] == []
