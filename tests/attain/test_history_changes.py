"""Salesforce's history of fields is one of stages: the same deals as its history of stages."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from attain.history import HistoryRefused, read_history
from attain.history.events import guess_log_mapping
from attain.history.sheets import sheet_of
from tests.attain.histories import as_csv

FIRST = dt.datetime(2024, 1, 1, 9)
PATHS = (
    ("Qualify", "Propose", "Closed Won"),
    ("Qualify", "Propose", "Closed Lost"),
    ("Qualify", "Closed Lost"),
    ("Propose", "Closed Won"),
    ("Qualify",),
    ("Qualify", "Propose"),
)


def _histories(report: bool) -> tuple[list[list[str]], list[list[str]]]:
    stages = [["OpportunityId", "StageName", "CreatedDate"]]
    fields = [["Opportunity Name", "Edited By", "Field / Event", "Old Value", "New Value", "Edit Date"] if report else
              ["OpportunityId", "CreatedById", "Field", "OldValue", "NewValue", "CreatedDate"]]  # fmt: skip
    for k in range(120):
        path = PATHS[k % len(PATHS)]
        for j, stage in enumerate(path):
            when = FIRST + dt.timedelta(days=k, hours=30 * j)
            at = f"{when:%m/%d/%Y %I:%M %p}" if report else f"{when:%Y-%m-%dT%H:%M:%S.000Z}"
            stages.append([f"D{k:03d}", stage, f"{when:%Y-%m-%d %H:%M}"])
            change = ["Stage" if report else "StageName", path[j - 1], stage]
            fields.append([f"D{k:03d}", "Ann", *(change if j else ["Created." if report else "created", "", ""]), at])
            if k % 3 == 0:
                fields.append([f"D{k:03d}", "Ann", "Amount", "100", "200", at])
    return stages, fields


@pytest.mark.parametrize("report", [False, True])
@pytest.mark.parametrize("as_of", [None, dt.date(2024, 3, 15)])
def test_a_history_of_fields_is_one_of_stages(tmp_path: Path, report: bool, as_of: dt.date | None) -> None:
    stages, fields = _histories(report)
    (tmp_path / "stages.csv").write_text(as_csv(stages), encoding="utf-8")
    (tmp_path / "fields.csv").write_text(as_csv(fields), encoding="utf-8")
    by_stage = read_history(tmp_path / "stages.csv", as_of=as_of)
    by_field = read_history(tmp_path / "fields.csv", as_of=as_of)
    assert by_field.stages == by_stage.stages == ("Qualify", "Propose")
    columns = ["id", "created", "ended", "status"]
    assert by_field.deals.select(columns).equals(by_stage.deals.select(columns))
    assert by_field.visits.drop("person").equals(by_stage.visits.drop("person"))
    assert any("have not changed their stage yet: taken to be where most begin, 'Qualify'" in n for n in by_field.notes)


def test_amounts_of_a_log_in_two_currencies_are_not_added_up(tmp_path: Path) -> None:
    stages, _ = _histories(report=False)
    rows = [[*row, "100", "EUR" if i % 2 else "USD"] for i, row in enumerate(stages)]
    rows[0][3:] = ["Amount", "CurrencyIsoCode"]
    (tmp_path / "stages.csv").write_text(as_csv(rows), encoding="utf-8")
    with pytest.raises(HistoryRefused, match="amounts are in 2 currencies"):
        read_history(tmp_path / "stages.csv")
    (tmp_path / "stages.csv").write_text(as_csv(rows).replace("USD", "EUR"), encoding="utf-8")
    assert read_history(tmp_path / "stages.csv").currency == "EUR"


def test_later_changes_do_not_tell_what_an_earlier_day_knew(tmp_path: Path) -> None:
    _, fields = _histories(report=False)
    day = dt.date(2024, 3, 15)
    known = [row for i, row in enumerate(fields) if i == 0 or row[5] <= f"{day}T99"]
    for name, rows in (("all", fields), ("known", known)):
        (tmp_path / f"{name}.csv").write_text(as_csv(rows), encoding="utf-8")
    whole, cut = (read_history(tmp_path / f"{name}.csv", as_of=day) for name in ("all", "known"))
    assert whole.visits.equals(cut.visits)
    assert whole.notes == cut.notes


def test_dates_that_could_be_two_are_asked_for_and_given(tmp_path: Path) -> None:
    rows = [["Opportunity ID", "Field", "Old Value", "New Value", "Created Date"]]
    for i in range(60):
        day, end = f"{i % 12 + 1:02d}", "Closed Won" if i % 2 else "Closed Lost"
        rows.append([f"D{i}", "Created", "", "", f"{day}/03/2023"])
        rows.append([f"D{i}", "StageName", "Prospect", "Proposal", f"{day}/05/2023"])
        rows.append([f"D{i}", "StageName", "Proposal", end, f"{day}/08/2023"])
    path = tmp_path / "fields.csv"
    path.write_text(as_csv(rows), encoding="utf-8")
    for as_of in (None, dt.date(2023, 6, 30)):
        with pytest.raises(HistoryRefused, match=r"could be day/month or month/day.*say which in the mapping"):
            read_history(path, as_of=as_of)
    mapping = guess_log_mapping(sheet_of(path))
    for form, month in (("dd/mm/yyyy", 3), ("mm/dd/yyyy", 12)):
        history = read_history(path, mapping=mapping.model_copy(update={"dates": {"time": form}}))
        assert history.deals.height == 60
        assert history.deals["created"].max() == dt.datetime(2023, month, 12 if month == 3 else 3)
        assert history.stages == ("Prospect", "Proposal")
