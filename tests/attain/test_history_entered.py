"""HubSpot's columns of the days on which deals entered their stages are a log of stages."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest

from attain.history import HistoryRefused, read_history, read_mapping, write_mapping
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
    assert (
        "1 deals without any are taken to have begun at 'Appointment' when they were created"
        in read_history(wide).notes[0]
    )
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


def _hubspot(folder: Path, later: list[list[str]], *, dated: bool = True, form: str = "%Y-%m-%d") -> Path:
    """300 deals of 100 days each, one begun a day; every third without any day of entering unless all are ``dated``."""
    heads = [f'Date entered "{name}"' for name in ("Appointment", "Proposal", "Closed won", "Closed lost")]
    rows = [["Record ID", "Deal Name", "Deal Stage", "Amount", "Create Date", "Close Date", "Deal owner", "Currency",
             *heads]]  # fmt: skip
    for i in range(300):
        days = [(FIRST + dt.timedelta(days=i + wait)).strftime(form) for wait in (0, 20, 100)]
        won = i % 7 in (0, 3, 5)
        own = [days[0], days[1], days[2] if won else "", "" if won else days[2]]
        if not dated and i % 3 == 0:
            own = [""] * 4
        stage = "Closed won" if won else "Closed lost"
        rows.append([f"{i}", "Deal", stage, "1000", days[0], days[2], "AB"[i % 2], "USD", *own])
    path = folder / "deals.csv"
    path.write_text(as_csv([*rows, *later]), encoding="utf-8")
    return path


def test_deals_without_days_end_on_their_close_date(tmp_path: Path) -> None:
    path = _hubspot(tmp_path, [], dated=False)
    day = (FIRST + dt.timedelta(days=150)).date()
    for as_of, ended in ((None, 300), (day, 51), ((FIRST + dt.timedelta(days=90)).date(), 0)):
        if not ended:  # nothing had been won by then
            with pytest.raises(HistoryRefused):
                read_history(path, as_of=as_of)
            continue
        history = read_history(path, as_of=as_of)
        over = history.deals.filter(history.deals["status"].is_in(["won", "lost"]))
        assert over.height == ended
        assert set((over["ended"] - over["created"]).dt.total_days()) == {100}
        assert history.stages == ("Appointment", "Proposal")
        assert set(history.visits["stage"].unique()) == {0, 1}
        assert not history.refused
    known = read_history(path, as_of=day)
    own = known.deals.with_row_index("deal").filter(
        known.deals["status"] == "open", known.deals["id"].cast(int) % 3 == 0
    )
    assert own.height == 34  # of those begun after day 50, every third
    assert set(known.visits.filter(known.visits["deal"].is_in(own["deal"].implode()))["stage"]) == {0}


def test_a_deal_that_ended_on_no_day_is_refused_by_its_line(tmp_path: Path) -> None:
    late = ["late", "Deal", "Closed won", "5", "2024-05-01", "", "A", "USD", "", "", "", ""]
    history = read_history(_hubspot(tmp_path, [late]))
    assert [refusal.row for refusal in history.refused] == [302]
    assert "late" not in history.deals["id"]
    ahead = [*late[:5], "2031-01-01", *late[6:]]  # a slip makes no history of years
    assert read_history(_hubspot(tmp_path, [ahead])).as_of == (FIRST + dt.timedelta(days=399)).date()


def test_later_rows_leave_the_stages_of_an_earlier_day(tmp_path: Path) -> None:
    day = dt.date(2024, 9, 1)
    plain = read_history(_hubspot(tmp_path, []), as_of=day)
    euro = ["n", "Deal", "Appointment", "5", "2024-11-01", "2025-01-01", "A", "EUR", "2024-11-01", "", "", ""]
    bare = [[f"n{k}", *euro[1:7], "USD", "", "", "", ""] for k in range(400)]
    back = [["x", *euro[1:4], "2024-05-02", "", "A", "USD", *days] for days in (["2024-11-02", "", "", ""], [""] * 4)]
    for later in ([euro], bare):
        other = read_history(_hubspot(tmp_path, later), as_of=day)
        assert other.stages == plain.stages == ("Appointment", "Proposal")
        assert other.deals.equals(plain.deals)
        assert other.visits.equals(plain.visits)
        assert other.notes == plain.notes
        assert other.currency == "USD"
    one, other = (read_history(_hubspot(tmp_path, [row]), as_of=day) for row in back)
    assert one.deals.equals(other.deals)
    assert one.visits.equals(other.visits)


def test_days_that_could_be_two_are_read_as_the_mapping_says(tmp_path: Path) -> None:
    path = _hubspot(tmp_path, [], form="%d/%m/%Y")
    plain = read_history(_hubspot(tmp_path, []), as_of=dt.date(2024, 9, 1))
    path = _hubspot(tmp_path, [], form="%d/%m/%Y")
    history = read_history(path, as_of=dt.date(2024, 9, 1))
    assert history.mapping.dates == {"time": "dd/mm/yyyy"}
    assert history.visits.equals(plain.visits)
    assert read_history(path, mapping=history.mapping, as_of=dt.date(2024, 9, 1)).visits.equals(plain.visits)
