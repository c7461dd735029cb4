"""Tables of periods: reading, the pooled forecast against its own model, and the whole back-test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from attain.backtest import BacktestRefused, backtest, document, pooled, scores
from attain.backtest.table import PeriodMapping, period_mapping, read_periods
from tests.oracles.power import SIGMAS

Floats = NDArray[np.float64]
MAPPING = """\
shape: periods
period: Month
amount: Revenue
scenario: {column: Kind, actual: 1, budget: 2}
join: [{file: units.csv, on: Unit}]
cells: {executive: Executive, product: Product}
"""


def table(folder: Path, months: int = 20, seed: int = 0) -> tuple[Path, Path]:
    """Actuals about their budgets with a spread of a tenth, for three units of two executives and two products."""
    rng = np.random.default_rng(seed)
    lines = ["Unit,Product,Month,Kind,Revenue"]
    for unit in "abc":
        for product in ("P", "Q"):
            base = float(rng.uniform(1e4, 1e6))
            for t in range(months):
                month = f"{2020 + t // 12}{t % 12 + 1:02d}"
                budget = base * (1 + 0.3 * np.sin(t / 2)) * float(rng.uniform(0.8, 1.2))
                actual = budget * (1 + 0.1 * rng.standard_normal())
                lines += [f"{unit},{product},{month},2,{budget:.2f}", f"{unit},{product},{month},1,{actual:.2f}"]
    lines.append("c,Q,202001,1,-5.50")
    (folder / "facts.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "units.csv").write_text("Unit,Executive\na,张伟\nb,张伟\nc,Li\n", encoding="utf-8")
    (folder / "map.yaml").write_text(MAPPING, encoding="utf-8")
    return folder / "facts.csv", folder / "map.yaml"


def test_a_table_is_read_by_its_mapping(tmp_path: Path) -> None:
    facts, path = table(tmp_path)
    mapping = period_mapping(path)
    assert mapping is not None
    found = read_periods(facts, mapping)
    assert [level.name for level in found.levels] == ["company", "executive", "product", "executive x product"]
    assert (found.first.label, found.last.label) == ("2020-01", "2021-08")
    people = found.levels[1]
    assert people.names == ("Li", "张伟")
    assert people.actual.sum(axis=0) == pytest.approx(found.levels[0].actual[0])
    assert found.levels[3].names == ("Li · P", "Li · Q", "张伟 · P", "张伟 · Q")
    assert found.levels[0].budget.shape == (1, 20)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("period: Month", "period: Monat"), "no column Monat"),
        (("amount: Revenue\n", ""), "either amount"),
        (("scenario: {column: Kind, actual: 1, budget: 2}\n", ""), "needs scenario"),
        (("cells:", "cell:"), "cell: extra inputs are not permitted"),
        (("units.csv", "facts.csv"), "stands in it more than once"),
        (("actual: 1", "actual: 7"), "no row is an actual"),
    ],
)
def test_what_is_wrong_with_a_mapping_is_said(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    facts, path = table(tmp_path)
    path.write_text(MAPPING.replace(*change), encoding="utf-8")
    with pytest.raises(BacktestRefused, match=said):
        backtest(facts, mapping=path, seed=0)


@pytest.mark.parametrize(
    "given",
    [
        {"currency": "EUR"},
        {"country": "DE"},
        {"learn": 3},
        {"sets": ["x=1"]},
        {"table": "t"},
        {"deals": "d.csv"},
        {"timezone": "Asia/Shanghai"},
    ],
)
def test_what_is_of_deals_is_refused_and_not_ignored(tmp_path: Path, given: dict[str, Any]) -> None:
    facts, path = table(tmp_path)
    name = next(iter(given)).removesuffix("s")
    with pytest.raises(BacktestRefused, match=f"has no deals and makes no plan: leave out {name}"):
        backtest(facts, mapping=path, seed=0, **given)


def test_a_month_that_is_none_is_refused_by_row(tmp_path: Path) -> None:
    facts, path = table(tmp_path)
    text = facts.read_text(encoding="utf-8").replace("202003,1", "2020-13,1", 1)
    facts.write_text(text, encoding="utf-8")
    mapping = period_mapping(path)
    assert isinstance(mapping, PeriodMapping)
    with pytest.raises(BacktestRefused, match="row 7: '2020-13' is no month"):
        read_periods(facts, mapping)


def test_the_common_variance_is_recovered() -> None:
    rng = np.random.default_rng(0)
    d0, s0, n = 8.0, 0.04, 12
    variance = s0 * d0 / rng.chisquare(d0, 4000)
    seen = variance * rng.chisquare(n, 4000) / n
    common, df = pooled.moderated(seen, np.full(4000, float(n)))
    assert common == pytest.approx(s0, rel=0.05)
    assert df == pytest.approx(d0, rel=0.2)
    assert pooled.moderated(s0 * rng.chisquare(n, 50) / n, np.full(50, float(n)))[1] > 20  # all alike


def test_smoothing_starts_with_a_cell_s_first_month() -> None:
    actual = np.array([[0.0, 0.0, 8.0, 4.0]])
    assert pooled.smoothed(actual, 0.5).tolist() == [[0.0, 0.0, 0.0, 8.0, 6.0]]


@pytest.mark.parametrize("months", [1, 3])
def test_intervals_hold_what_they_say_where_cells_differ_and_errors_last(months: int) -> None:
    rng = np.random.default_rng(5)
    hits = []
    for _ in range(40):
        budget = rng.uniform(50.0, 150.0, (15, 24 + months))
        sd = np.sqrt(0.02 * 6.0 / rng.chisquare(6.0, 15))
        error = np.zeros((15, 24 + months))
        error[:, 0] = rng.standard_normal(15)
        for t in range(1, 24 + months):
            error[:, t] = 0.5 * error[:, t - 1] + np.sqrt(0.75) * rng.standard_normal(15)
        actual = budget * (1 + sd[:, None] * error)
        known = actual[:, :24]
        made = pooled.forecast(known, budget, months)
        drawn = pooled.draw(made, pooled.surprises(known, budget, months), 400, rng)
        low, high = scores.transform(drawn, actual[:, 24:].sum(axis=1))
        hits.append(scores.covered(low, high, 0.8).mean())
    error_of_mean = float(np.std(hits, ddof=1)) / np.sqrt(len(hits))
    assert abs(float(np.mean(hits)) - 0.8) <= SIGMAS * error_of_mean + 0.02  # the tie is an estimate: two points' grace
    assert error_of_mean < 0.03


def test_a_table_is_back_tested_against_its_budget(tmp_path: Path) -> None:
    facts, path = table(tmp_path)
    found = document(backtest(facts, mapping=path, folds=10, horizons="month,quarter", n=200, seed=3))
    assert [f["origin"] for f in found["folds"]][-1] == "2021-07-31"
    assert {r["method"] for r in found["crps"]} >= {"attain", "budget", "last_period", "last_year", "moving_average"}
    assert all(r["against"]["last_period"] > 0 for r in found["skill"])
    own = [r for r in found["coverage"] if r["level"] == "all" and r["interval"] == 0.8 and r["method"] == "attain"]
    # 90 and 72 cells of six units, so about 40 and 13 of their own: four sigma
    assert [abs(r["covered"] - 0.8) < four for r, four in zip(own, (0.25, 0.44), strict=True)] == [True, True]
    again = document(backtest(facts, mapping=path, folds=10, horizons="month,quarter", n=200, seed=3))
    assert again["crps"] == found["crps"]


def test_a_cell_that_grows_keeps_the_errors_it_had_as_parts_of_its_budget() -> None:
    """A cell a thousandth of the others, a seventh under plan all along, and now budgeted forty times higher."""
    rng = np.random.default_rng(1)
    budget = np.vstack([np.full((6, 13), 1e6), [[1e3] * 12 + [4e4]]])
    actual = budget[:, :12] * (1 + 0.1 * rng.standard_normal((7, 12)))
    actual[6] = 6.0 / 7.0 * budget[6, :12]
    made = pooled.forecast(actual, budget, 1)
    assert made.middle[6] == 4e4
    assert made.spread[6] >= 0.1 * 4e4  # and not a hundredth, as parts of a typical month of all would have it


def test_a_spread_is_known_from_months_however_many_cells() -> None:
    assert pooled.independent(12, 0.0) == 12.0
    assert pooled.independent(12, 0.5) == 4.0  # the variance of a mean of AR(1): (1 + .5) / (1 - .5) = 3 times
    rng = np.random.default_rng(3)
    found = pooled.pool(rng.standard_normal((500, 6)))
    assert found.df.max() <= 6.0


@pytest.mark.parametrize("months", [6, 8])
def test_months_in_common_are_covered_from_few_of_them(months: int) -> None:
    """All cells err alike in a month: what is known is a month's worth a month. 400 tables, four sigma: 8 points."""
    rng = np.random.default_rng(4)
    hits = []
    for _ in range(400):
        budget = np.full((12, months + 1), 100.0)
        common = 0.1 * rng.standard_normal(months + 1)
        actual = budget * (1 + common + 0.02 * rng.standard_normal((12, months + 1)))
        known = actual[:, :months]
        drawn = pooled.draw(pooled.forecast(known, budget, 1), pooled.surprises(known, budget, 1), 300, rng)
        hits.append(scores.covered(*scores.transform(drawn, actual[:, months]), 0.8).mean())
    assert abs(float(np.mean(hits)) - 0.8) <= SIGMAS * float(np.std(hits, ddof=1)) / np.sqrt(len(hits)) + 0.02


def test_a_budget_below_nought_is_forecast_below_nought(tmp_path: Path) -> None:
    lines = ["Unit,Product,Month,Kind,Revenue"]
    for t in range(12):
        for unit, base in (("a", 900.0), ("b", 500.0), ("c", 700.0)):
            budget = -80.0 if (unit, t) == ("b", 11) else base
            month = f"2020{t + 1:02d}"
            lines += [f"{unit},P,{month},2,{budget}", f"{unit},P,{month},1,{budget * (0.9 + 0.02 * (t % 5))}"]
    (tmp_path / "facts.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "map.yaml").write_text(
        "shape: periods\nperiod: Month\namount: Revenue\n"
        "scenario: {column: Kind, actual: 1, budget: 2}\ncells: {unit: Unit}\n",
        encoding="utf-8",
    )
    found = backtest(tmp_path / "facts.csv", mapping=tmp_path / "map.yaml", folds=1, horizons="month", n=200, seed=1)
    row = found.scored.cells.filter(name="b", method="attain")
    assert row["mean"][0] < -20.0


def test_what_went_wrong_before_counts_as_the_periods_it_spans() -> None:
    """Sixty errors of three periods: three in four draws are theirs, either way round; of 8,000, four sigma: .022."""
    made = pooled.Forecast(np.zeros(4), np.ones(4), np.full(4, 200.0))
    drawn = pooled.draw(made, pooled.Past(np.full(60, 99.0), 3.0), 2000, np.random.default_rng(6))
    assert np.mean(drawn == 99.0) == pytest.approx(0.375, abs=0.022)
    assert np.mean(drawn == -99.0) == pytest.approx(0.375, abs=0.022)
    alone = pooled.draw(made, pooled.Past(np.zeros(0), 0.0), 2000, np.random.default_rng(6))
    assert np.abs(alone).max() < 10.0
    actual, budget = np.full((5, 12), 10.0), np.full((5, 15), 10.0)
    assert pooled.surprises(actual * np.linspace(0.9, 1.1, 12), budget, 3).periods == pytest.approx(7 / 3)


def test_an_error_counts_in_its_month_and_moves_later_ones_without_a_budget() -> None:
    none, all_, some = [np.nan] * 3, [5.0] * 3, [np.nan, 5.0, np.nan]
    counted = pooled._moved(np.array([none, all_, some]), 0.5)
    assert counted.tolist() == [[2.0, 1.5, 1.0], [1.0, 1.0, 1.0], [1.5, 1.5, 1.0]]


def test_what_lasts_is_the_weight_as_far_as_it_has_been_better() -> None:
    rng = np.random.default_rng(7)
    walk = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.15, (20, 40)), axis=1))
    about = 100.0 * np.exp(rng.normal(0.0, 0.2, (20, 40)))
    assert pooled.smoothing(walk).lasting > 0.9
    assert pooled.smoothing(about).lasting < 0.2
    assert pooled.smoothing(walk[:, :3]).lasting == 0.0  # no month to judge by
    assert pooled.smoothing(np.zeros((2, 9))).lasting == 0.0


Make = Callable[[np.random.Generator, int], Floats]


def _walk(rng: np.random.Generator, months: int) -> Floats:
    return np.asarray(100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.15, (20, months)), axis=1)))


def _level(rng: np.random.Generator, months: int) -> Floats:
    level = np.cumsum(rng.normal(0.0, 0.08, (20, months)), axis=1)
    return np.asarray(100.0 * np.exp(level + rng.normal(0.0, 0.15, (20, months))))


def _still(rng: np.random.Generator, months: int) -> Floats:
    return np.asarray(100.0 * np.exp(rng.normal(0.0, 0.2, (20, months))))


@pytest.mark.parametrize(("make", "most"), [(_walk, 0.92), (_level, 0.92), (_still, 0.95)])
@pytest.mark.parametrize(("known", "ahead"), [(8, 3), (8, 6), (14, 3)])
def test_levels_that_move_are_covered_without_a_budget(make: Make, most: float, known: int, ahead: int) -> None:
    """80% intervals of 60 tables of 20 cells: 28 to 75% where a level's own error is not carried ahead. On the wide
    side where months are few: what moves cannot then be told from what does not."""
    rng = np.random.default_rng(8)
    none = np.full((20, known + ahead), np.nan)
    hits = []
    for _ in range(60):
        actual = make(rng, known + ahead)
        past = actual[:, :known]
        drawn = pooled.draw(pooled.forecast(past, none, ahead), pooled.surprises(past, none, ahead), 300, rng)
        hits.append(scores.covered(*scores.transform(drawn, actual[:, known:].sum(axis=1)), 0.8).mean())
    room = SIGMAS * float(np.std(hits, ddof=1)) / np.sqrt(len(hits))
    assert 0.8 - room <= float(np.mean(hits)) <= most + room
