"""Reading of event logs: stages, ends and machines found from the data; amounts from a second file; rows refused."""

from __future__ import annotations

import datetime as dt
import gzip
from pathlib import Path

import polars as pl
import pytest

from attain.history import HistoryRefused, read_history
from attain.history.activities import find_funnel
from attain.history.mapping import Mapping
from engine.fit.incidence import fit_conversion
from tests.attain.histories import LAST, as_csv, log


def _write(path: Path, rows: list[list[str]]) -> Path:
    path.write_text(as_csv(rows), encoding="utf-8")
    return path


def test_the_funnel_is_found(tmp_path: Path) -> None:
    history = read_history(_write(tmp_path / "log.csv", log()))
    assert history.shape == "events"
    assert history.stages == ("asked", "checked", "offered")
    assert history.mapping.won[0] == "signed"
    assert set(history.mapping.won) == {"signed", "booked"}
    assert set(history.mapping.lost) == {"rejected", "cancelled"}
    assert history.mapping.automats == ("robot",)
    assert history.as_of == LAST
    for k, p in enumerate((0.8, 0.7, 0.5)):
        own = history.visits.filter(history.visits["stage"] == k)
        # over 1,000 deals a stage: sd below .016; 4 sigma
        assert fit_conversion(own["days"].to_numpy(), own["outcome"].to_numpy()).probability == pytest.approx(
            p, abs=0.064
        )
    assert set(history.deals["owner"].drop_nulls()) == {"Ann", "Bob", "Cy"}


def test_rows_refused_and_used_are_all(tmp_path: Path) -> None:
    rows = log(300)
    rows[4][2], rows[7][1], rows[9][0], rows[11][2] = "01/02/2024", "", "", "2023-13-40 10:00:00"
    history = read_history(_write(tmp_path / "log.csv", rows))
    assert {r.row: r.reason for r in history.refused} == {
        5: "date in another format",
        8: "no activity",
        10: "no case",
        12: "date in another format",
    }
    assert history.used + 4 == history.rows == len(rows) - 1


def test_amounts_come_from_the_cases_beside_a_compressed_log(tmp_path: Path) -> None:
    rows = log(400)
    with gzip.open(tmp_path / "events.csv.gz", "wt", encoding="utf-8") as stream:
        stream.write(as_csv(rows))
    cases = sorted({r[0] for r in rows[1:]})
    _write(tmp_path / "cases.csv", [["case_id", "amount"], *([c, f"{i + 1}万"] for i, c in enumerate(cases))])
    history = read_history(tmp_path)
    assert history.deals["value"].to_list() == [10_000.0 * (i + 1) for i in range(len(cases))]
    assert history.mapping.cases["file"] == "cases.csv"


def test_a_mapping_decides_stages_and_ends(tmp_path: Path) -> None:
    path = _write(tmp_path / "log.csv", log(500))
    columns = {"case": "case_id", "activity": "activity", "time": "timestamp"}
    given = Mapping(
        shape="events", columns=columns, stages=("asked", "offered"), won=("signed",), lost=("rejected", "cancelled")
    )
    history = read_history(path, mapping=given)
    assert history.stages == ("asked", "offered")
    with pytest.raises(HistoryRefused, match="does not have: sung"):
        read_history(path, mapping=given.model_copy(update={"won": ("sung",)}))


def test_no_order_of_stages_is_said(tmp_path: Path) -> None:
    rows = [["case_id", "activity", "timestamp"]]
    rows += [[f"C{i}", a, f"2024-01-0{d}"] for i in range(40) for d, a in ((1, f"x{i}"), (2, f"y{i}"))]
    with pytest.raises(HistoryRefused, match="no order of stages"):
        read_history(_write(tmp_path / "log.csv", rows))


def test_a_case_is_of_who_took_it_up_not_of_who_saw_it_last(tmp_path: Path) -> None:
    """Sellers check and offer, one office signs: it sees none but those that come so far."""
    rows = log(400)
    office = [[*row[:3], "Zoe"] if row[1] in ("offered", "signed", "booked", "cancelled") else row for row in rows]
    history = read_history(_write(tmp_path / "log.csv", office))
    plain = read_history(_write(tmp_path / "plain.csv", rows))
    came = [row for row in plain.deals.iter_rows(named=True) if row["stage"] != "asked"]
    owners = dict(history.deals.select("id", "owner").iter_rows())
    assert {owners[row["id"]] for row in came} == {"Ann", "Bob", "Cy"}
    assert all(owners[row["id"]] == row["owner"] for row in came)


def test_activities_of_one_moment_are_ordered_by_name_however_the_rows_lie() -> None:
    """Three ends of the same second, and two beginnings: ties that the order of the rows must not break."""
    began = dt.datetime(2025, 1, 6, 9)
    steps = [("b begun", 0), ("a begun", 0), ("offer", 5), ("z accepted", 9), ("y accepted", 9), ("x accepted", 9)]
    rows = [
        {"case": f"c{case}", "activity": name, "time": began + dt.timedelta(days=case + days)}
        for case in range(60)
        for name, days in steps[: 6 if case % 3 == 0 else 3 if case % 3 == 1 else 2]
    ]
    found = set()
    for seed in range(8):
        notes: list[str] = []
        mixed = pl.DataFrame(rows).sample(fraction=1.0, shuffle=True, seed=seed)
        funnel = find_funnel(mixed, Mapping(shape="events", columns={}), notes)
        found.add((funnel.stages, funnel.won, tuple(notes)))
    assert len(found) == 1
    stages, won, notes_of = found.pop()
    assert stages == ("a begun", "offer")
    assert won == ("x accepted", "y accepted", "z accepted")
    assert any("b begun with a begun" in note for note in notes_of)
