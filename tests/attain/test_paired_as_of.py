"""A log and the table of its deals as of a day: nothing that either says of later days changes anything."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from attain.calibrate import calibrate
from attain.history import read_history
from tests.attain.histories import as_csv, as_read
from tests.attain.pairs import DAY, EVENTS, OWN, TABLE, in_chinese, moved, read_pair, write_pair
from tests.attain.simulated_histories import DEALS, LOG

PHASES = (Phase.explicit, Phase.generate)  # shrinking would read histories for minutes


def _retold(told: random.Random) -> tuple[list[list[str]], list[list[str]]]:
    """The two files with everything after the day told another way."""
    day = DAY.isoformat()
    known = [row for row in EVENTS[1:] if row[2][:10] <= day]
    cases = sorted({row[0] for row in known})
    log = [LOG, *known]
    new = [f"N{i}" for i in range(told.randint(1, 40))]
    for _ in range(told.randint(1, 400)):
        at = dt.datetime.combine(DAY, dt.time(9)) + dt.timedelta(days=told.randint(1, 90))
        stage = told.choice(["Qualify", "Propose", "Closed Won", "Closed Lost", "Parked"])
        log.append([told.choice([*cases, *new]), stage, f"{at:%Y-%m-%dT%H:%M:%S}.000+0000"])
    table = [DEALS]
    for row in TABLE[1:]:
        if row[OWN["Created Date"]] > day:
            continue
        again = list(row)
        if not (row[9].startswith("Closed") and row[8] <= day):
            again[9] = told.choice(["Qualify", "Negotiate", "Closed Won", "Closed Lost", "Parked"])
            again[8] = (DAY + dt.timedelta(days=told.randint(1, 150))).isoformat()
        table.append(again)
    for key in told.sample(new, k=len(new) // 2):
        created = (DAY + dt.timedelta(days=told.randint(1, 90))).isoformat()
        closes = (DAY + dt.timedelta(days=told.randint(91, 150))).isoformat()
        table.insert(
            told.randint(1, len(table)), [key, "Zoe", "A", "HR", "West", "Fax", "1e9", created, closes, "Closed Won"]
        )
    return log, table


@settings(max_examples=8, phases=PHASES, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([True, False]))
def test_what_either_file_says_of_later_days_changes_nothing(seed: int, changes: bool) -> None:
    def read(log: list[list[str]], table: list[list[str]]) -> dict[str, object]:
        with TemporaryDirectory() as folder:
            return as_read(
                read_pair(Path(folder), *((moved(log), in_chinese(table)) if changes else (log, table)), DAY)
            )

    assert read(*_retold(random.Random(seed))) == read(EVENTS, TABLE)


@pytest.mark.long
def test_later_days_change_no_plan(tmp_path: Path) -> None:
    plans = []
    for rows in ((EVENTS, TABLE), _retold(random.Random(5))):
        log, deals = write_pair(tmp_path, *rows)
        found = calibrate(log, tmp_path / "plan.yaml", as_of=DAY, deals=deals)
        plans.append({file.name: file.read_bytes() for file in found.files})
    assert plans[0] == plans[1]


@pytest.mark.parametrize("open_ended", [False, True])
def test_a_day_s_history_is_what_the_log_knew_then(tmp_path: Path, open_ended: bool) -> None:
    log = [row for row in EVENTS if not open_ended or not row[1].startswith("Closed")]
    found = read_pair(tmp_path, log, TABLE, DAY)
    (tmp_path / "log.csv").write_text(as_csv(EVENTS), encoding="utf-8")
    plain = read_history(tmp_path / "log.csv", as_of=DAY)
    assert found.deals.select("id", "status").equals(plain.deals.select("id", "status"))
    assert found.deals["expected"].null_count() == found.deals.height
