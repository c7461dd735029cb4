"""Where a plan's inputs come from: what was written, counted, assumed, or left to the defaults."""

from __future__ import annotations

from pathlib import Path

from attain.inputs import Input, comment_of, grouped, inputs_of, inputs_of_loaded
from engine.plan.load import load_plan

PLAN = """\
attain: 1
name: Sources
currency: CNY
horizon: {start: 2026-01-01, end: 2026-12-31}
goals: {company: {metric: bookings, at_least: 10}}
stages:
  - {name: lead, advance: 0.5, wait: 2 d}   # assumed: like last year
  - name: contract
    # Advanced of entered .4; 60 deals entered.
    advance: {wins: 24, of: 60}
    wait: {lognormal: {median: 12 d, sigma: 0.5}}  # from 1,204 deals that advanced, lognormal
    won: true
products:
  ERP: {deal_value: {empirical: {file: values.csv, column: value}}}
  "A # b": {deal_value: 5}  # a round number
regions: {North: {}}
reps:
  - {name: 张伟, hours_per_week: 30}
  - {name: Li Na}
  - {name: Bo}
sources:
  inbound: {leads_per_month: 42}
  events:
    budget: {North: 200_000}
    response: {hill: {most_leads_per_month: 30, half_at: 25_000}, assumed: true}
"""


def rows(text: str, folder: Path) -> dict[str, Input]:
    (folder / "values.csv").write_text("value\n1\n2\n3\n", encoding="utf-8")
    return {row.name: row for row in inputs_of_loaded(load_plan(text, folder=folder))}


def test_every_input_has_its_source(tmp_path: Path) -> None:
    found = rows(PLAN, tmp_path)
    origins = {name: (row.origin, row.of) for name, row in found.items()}
    assert origins["stages.lead.advance"] == ("assumed", None)
    assert origins["stages.lead.wait"] == ("assumed", None)  # the line's comment is about all that stands on it
    assert origins["stages.lead.work"] == ("default", None)
    assert origins["stages.contract.advance"] == ("fitted", 60)
    assert found["stages.contract.advance"].value == "24 / 60 = 0.400"
    assert origins["stages.contract.work"] == ("default", None)
    assert origins["stages.contract.wait"] == ("given", None)  # a comment counts rows only in a fitted plan
    assert origins["products.ERP.deal_value"] == ("fitted", 3)
    assert origins["products.A # b.deal_value"] == ("given", None)
    assert found["products.A # b.deal_value"].note == "a round number"
    assert origins["reps.张伟.hours_per_week"] == ("given", None)
    assert origins["reps.Bo.hours_per_week"] == ("default", None)
    assert origins["sources.inbound.leads_per_month"] == ("given", None)
    assert origins["sources.events.response"] == ("assumed", None)
    assert found["sources.events.budget"].value == "200,000"
    assert origins["routing"] == ("default", None)
    assert origins["economy"] == ("default", None)


def test_comments_of_a_fitted_plan_say_how_many_rows_stand_behind(tmp_path: Path) -> None:
    fitted = rows("# Fitted by `attain calibrate` from x.csv: 9 rows\n" + PLAN, tmp_path)
    assert (fitted["stages.contract.wait"].origin, fitted["stages.contract.wait"].of) == ("fitted", 1204)
    assert fitted["stages.contract.advance"].of == 60


def test_without_its_text_a_plan_has_no_notes(tmp_path: Path) -> None:
    (tmp_path / "values.csv").write_text("value\n1\n", encoding="utf-8")
    loaded = load_plan(PLAN, folder=tmp_path)
    bare = inputs_of(loaded.plan)
    assert [row.path for row in bare] == [row.path for row in inputs_of_loaded(loaded)]
    assert all(row.note == "" for row in bare)


def test_like_inputs_are_shown_as_one(tmp_path: Path) -> None:
    groups = {row.name: n for row, n in grouped(tuple(rows(PLAN, tmp_path).values()))}
    assert groups["reps.*.hours_per_week"] == 2
    assert groups["reps.张伟.hours_per_week"] == 1
    assert groups["stages.lead.advance"] == 1
    assert sum(groups.values()) == len(rows(PLAN, tmp_path))


def test_comments_are_told_from_text() -> None:
    assert comment_of("a: 1 # one # two") == "one # two"
    assert comment_of("a: 'x # y' # z") == "z"
    assert comment_of('a: "x \\" # y"') == ""
    assert comment_of("a: b#c") == ""
    assert comment_of("a: it's # so") == "so"
