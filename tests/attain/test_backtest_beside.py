"""A back-test with the tables beside its history: nothing in them that came later is known at an origin."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from attain.backtest import BacktestRefused, backtest
from attain.backtest.fold import Fold, forecast
from attain.backtest.origins import Month
from attain.backtest.source import Source
from attain.fitted_effort import Capacity
from attain.history.beside import read_tables
from attain.screens.backtest import Said, notes_of
from tests.attain.histories import LAST, as_csv, export

ORIGIN = Month.of(LAST - dt.timedelta(days=200))
DAY = ORIGIN.last
PEOPLE = ["Owner,Region,Start,End,Hours per week", "Ann,North,2019-03-01,,40", "Bob,South,2020-05-01,,30"]
ACCOUNTS = ["Account,Industry,Owner", *(f"Customer {k},{'Tools' if k % 3 else 'Banks'},Ann" for k in range(20))]
PRODUCTS = ["Product,List price", "ERP,9000", "CRM,8000"]
QUOTAS = ["Rep,2023,2024", "Ann,900000,990000", "Bob,500000,550000"]
LATER = {
    "people": ["Zoe,North,2024-02-01,,40", "Nobody Yet,North,,,40"],
    "accounts": ["Customer to come,Tools,Zoe", "Another,Farms,Ann"],
    "products": ["Cloud,500"],
    "quotas": ["Zoe,,300000"],
}


def _source(folder: Path, more: dict[str, list[str]], people: list[str] = PEOPLE) -> Source:
    tables = {"people": people, "accounts": ACCOUNTS, "products": PRODUCTS, "quotas": QUOTAS}
    for kind, lines in tables.items():
        (folder / f"{kind}.csv").write_text("\n".join([*lines, *more.get(kind, [])]) + "\n", encoding="utf-8")
    rows = [[c for i, c in enumerate(row) if i != 2] for row in export(300, seed=4)]  # no region: the people's
    (folder / "crm.csv").write_text(as_csv(rows), encoding="utf-8")
    read = read_tables({kind: folder / f"{kind}.csv" for kind in tables})
    return Source(folder / "crm.csv", beside=read, capacity=Capacity(40.0, 0.75))


def _fold(source: Source) -> Fold:
    return forecast(source, ORIGIN, 3, 40, 7)


def _same(a: Fold, b: Fold) -> bool:
    return a.names == b.names and all(np.array_equal(a.samples[k], b.samples[k]) for k in a.samples)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Fold:
    return _fold(_source(tmp_path_factory.mktemp("plain"), {}))


def test_later_rows_of_the_tables_change_no_earlier_forecast(tmp_path: Path, plain: Fold) -> None:
    assert {"North", "South"} < set(plain.names["region"])  # from the table of people
    assert plain.fitted["effort"]["busy"] == 0.75
    assert _same(_fold(_source(tmp_path, LATER)), plain)


def test_who_leaves_later_is_there_and_who_has_left_is_gone(tmp_path: Path, plain: Fold) -> None:
    later = [line.replace("2020-05-01,", "2020-05-01,2024-03-01") for line in PEOPLE]
    assert _same(_fold(_source(tmp_path, {}, later)), plain)
    before = [line.replace("2020-05-01,", f"2020-05-01,{DAY - dt.timedelta(days=60)}") for line in PEOPLE]
    gone = _fold(_source(tmp_path, {}, before))
    bob = gone.names["rep"].index("Bob") if "Bob" in gone.names["rep"] else None
    assert bob is None or gone.samples["rep"][bob].sum() < plain.samples["rep"][plain.names["rep"].index("Bob")].sum()


def test_the_page_says_that_tables_are_today_s_and_a_table_of_periods_takes_none(tmp_path: Path) -> None:
    _source(tmp_path, LATER)
    tables = {kind: tmp_path / f"{kind}.csv" for kind in LATER}
    found = backtest(
        tmp_path / "crm.csv", folds=1, horizons="month", n=20, learn=0, library=False, capacity=Capacity(40.0), **tables
    )
    assert "people.csv" in found.notes[0]
    assert "80% busy" in found.notes[1]
    shown = notes_of({"absent": {}, "notes": list(found.notes)}, Said("zh"))
    assert "当前" in shown[0]
    (tmp_path / "m.yaml").write_text(
        "shape: periods\nperiod: Month\namount: Revenue\n"
        "scenario: {column: Kind, actual: 1, budget: 2}\ncells: {unit: Unit}\n",
        encoding="utf-8",
    )
    with pytest.raises(BacktestRefused, match="no deals and makes no plan: leave out people, hours-per-week, busy"):
        backtest(tmp_path / "x.csv", mapping=tmp_path / "m.yaml", people=tables["people"], capacity=Capacity(40.0))
