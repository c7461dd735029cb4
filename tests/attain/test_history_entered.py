"""HubSpot's columns of the days on which deals entered their stages are a log of stages."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

from attain.history import read_history, read_mapping, write_mapping
from tests.attain.histories import as_csv, export

STAGES = ("Appointment", "Offer", "Closed Won", "Closed Lost")
PATHS = ((0, 1, 2), (0, 1, 3), (0, 3), (1, 2), (0,), (0, 1))
FIRST = dt.datetime(2024, 1, 1, 9)


def _written(folder: Path, pipeline: str = "Sales Pipeline", other: str = "") -> tuple[Path, Path]:
    """The same deals as HubSpot writes them and as a log."""
    heads = [f'Date entered "{name} ({other if other and k > 1 else pipeline})"' for k, name in enumerate(STAGES)]
    wide = [
        [
            "Record ID",
            "Deal Name",
            "Deal Stage",
            "Create Date",
            "Close Date",
            "Deal owner",
            "Amount",
            "Currency",
            *heads,
        ]
    ]
    log = [["OpportunityId", "StageName", "CreatedDate"]]
    for i in range(120):
        path = PATHS[i % len(PATHS)]
        days = {k: FIRST + dt.timedelta(days=i, hours=30 * j) for j, k in enumerate(path)}
        log += [[f"{i}", STAGES[k], f"{when:%Y-%m-%d %H:%M}"] for k, when in days.items()]
        shown = [f"{days[k]:%Y-%m-%d %H:%M}" if k in days else "" for k in range(4)]
        made, closed = f"{days[path[0]]:%Y-%m-%d %H:%M}", f"{days[path[-1]]:%Y-%m-%d %H:%M}"
        if i == 118:  # one whose days were never kept
            shown = [""] * 4
        wide.append([f"{i}", "Deal", f"{STAGES[path[-1]]} ({pipeline})", made, closed, "Ann", "100", "EUR", *shown])
    for name, rows in (("wide.csv", wide), ("log.csv", log)):
        with (folder / name).open("w", encoding="utf-8-sig", newline="") as stream:
            csv.writer(stream).writerows(rows)
    return folder / "wide.csv", folder / "log.csv"


def test_days_of_entering_are_a_log(tmp_path: Path) -> None:
    wide, log = _written(tmp_path)
    for day in (None, dt.date(2024, 3, 15)):
        own, plain = read_history(wide, as_of=day), read_history(log, as_of=day)
        assert own.mapping.preset == "hubspot-stages"
        assert own.stages == plain.stages == ("Appointment", "Offer")
        assert own.deals.select("id", "created", "ended", "status").equals(
            plain.deals.select("id", "created", "ended", "status")
        )
        assert own.visits.drop("person").equals(plain.visits.drop("person"))
        assert own.currency == "EUR"
    assert not own.refused
    assert "1 deals without any stand where they are since their creation" in read_history(wide).notes[0]
    saved = tmp_path / "m.yaml"
    saved.write_text(write_mapping(own.mapping), encoding="utf-8")
    assert read_history(wide, mapping=read_mapping(saved)).visits.equals(read_history(wide).visits)


def test_amounts_in_the_company_s_currency_are_in_one(tmp_path: Path) -> None:
    rows = [["Record ID", "Deal Stage", "Create Date", "Close Date", "Amount in company currency", "Currency"]]
    for i, row in enumerate(export(200)[1:]):
        stage = {"Won": "Closed Won", "Lost": "Closed Lost", "Open": "Offer"}[row[6]]
        rows.append([row[0], stage, row[8], row[9] or row[10], row[7], "EUR" if i % 2 else "USD"])
    (tmp_path / "deals.csv").write_text(as_csv(rows), encoding="utf-8")
    history = read_history(tmp_path / "deals.csv")
    assert history.deals["value"].to_list() == [float(row[7]) for row in export(200)[1:]]
    assert "currency" not in history.mapping.columns


def test_stages_of_two_pipelines_are_no_passage(tmp_path: Path) -> None:
    wide, _ = _written(tmp_path, other="Renewals")
    history = read_history(wide)
    assert history.shape == "opportunities"
    assert history.mapping.preset == "hubspot"
