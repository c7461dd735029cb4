"""What deals of one month share: paths against the law of an autoregression, wins and waits against closed forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from engine.batch import Simulator
from engine.goals import MEASURES
from engine.months import draw_months
from engine.plan.load import load_plan
from engine.posteriors import Draws
from engine.problems import PlanRefused
from engine.realise import realise
from engine.world import World, build

PLAN = """
attain: 1
name: Months
currency: USD
horizon: {{start: 2026-01-01, end: 2026-12-31, as_of: 2026-03-31}}
calendar: {{hours_per_day: 8, weekend: []}}
goals: {{company: {{metric: deals_won, at_least: 10}}}}
stages:
  - {{name: only, wait: {wait}, advance: {advance}, {months}}}
products: {{x: {{deal_value: 10}}}}
regions: {{N: {{}}}}
reps: [{{name: r{rep}}}]
sources: {{m: {{leads_per_month: {leads}}}}}
"""
KNOWN = (
    "{2025-11: {times: 3, sd: 0.5, tie: 0.6}, 2025-12: {times: 0.5, sd: 0.3, tie: 0.8}, 2026-02: {times: 2, sd: 0.2}}"
)
DRAWN = 4000


def world(
    months: str,
    folder: Path | None = None,
    *,
    wait: str = "1 cd",
    advance: str = "0.4",
    leads: float = 1,
    rep: str = "",
    deals: str = "",
) -> World:
    text = PLAN.format(months=months, wait=wait, advance=advance, leads=leads, rep=rep)
    if folder is None:
        return build(load_plan(text))
    (folder / "open.csv").write_text(deals, encoding="utf-8")
    (folder / "plan.yaml").write_text(text + "pipeline: {file: open.csv}\n", encoding="utf-8")
    return build(load_plan(folder / "plan.yaml"))


def paths(made: World) -> np.ndarray:
    """[replications, months] log effects on odds."""
    own = []
    for k in range(DRAWN):
        advance = realise(made, 3, k).advance
        own.append(draw_months(made.plan, made.months_table, advance, Draws(3, k, 0))[0][0])
    return np.log(np.array(own))


def test_unknown_months_are_a_stationary_autoregression() -> None:
    found = paths(world("advance_months: {sd: 0.7, persistence: 0.6}"))
    assert found.shape == (DRAWN, 12)
    four = 4.0 / np.sqrt(DRAWN)  # a false alarm in 16,000, for each of the figures
    assert np.abs(found.mean(axis=0)).max() < 0.7 * four
    assert np.abs(found.std(axis=0) / 0.7 - 1).max() < four / np.sqrt(2) * 1.2
    lagged = [np.corrcoef(found[:, m], found[:, m + 1])[0, 1] for m in range(11)]
    assert np.abs(np.array(lagged) - 0.6).max() < four
    assert abs(np.corrcoef(found[:, 0], found[:, 3])[0, 1] - 0.6**3) < four


def test_known_months_are_drawn_as_known_and_those_after_go_on_from_the_last() -> None:
    made = world(f"advance_months: {{sd: 0.7, persistence: 0.6, known: {KNOWN}}}")
    table = made.months_table
    assert (table.first, table.past) == (2025 * 12 + 10, 2)
    found = paths(made)
    four = 4.0 / np.sqrt(DRAWN)
    for place, times, sd in ((0, 3, 0.5), (1, 0.5, 0.3), (3, 2, 0.2)):
        assert abs(found[:, place].mean() - np.log(times)) < sd * four
        assert abs(found[:, place].std() / sd - 1) < four
    assert abs(np.corrcoef(found[:, 0], found[:, 1])[0, 1] - 0.6) < four
    assert abs(np.corrcoef(found[:, 1], found[:, 3])[0, 1] - 0.8) < four
    # March, a month after the last known: 0.6 of what February was, and fresh luck
    sd = float(np.sqrt(0.6**2 * 0.2**2 + 0.7**2 * (1 - 0.6**2)))
    assert abs(found[:, 4].mean() - 0.6 * np.log(2)) < sd * four
    assert abs(found[:, 4].std() / sd - 1) < four


def test_a_known_month_stands_whatever_the_mean_is_drawn_as() -> None:
    made = world("advance_months: {sd: 0.5, known: {2026-01: {times: 2, sd: 0}}}", advance="{wins: 4, of: 10}")
    for k in range(50):
        drawn = realise(made, 5, k)
        month = expit(np.log(drawn.advance[0] / (1 - drawn.advance[0])) + np.log(drawn.month_odds[0, 0]))
        assert month == pytest.approx(expit(np.log(0.4 / 0.6) + np.log(2)), rel=1e-12)


def test_a_known_month_goes_with_the_mean_as_far_as_it_says() -> None:
    """A month b m + e of an unknown mean m, and the next one, (1 - r) m + r times it + noise: what the plan draws has
    the variances and the covariance that normal theory gives for that, m being the logit of a Beta."""
    r, sd, beta, rest = 0.6, 0.7, 0.55, 0.3
    known = f"{{2026-01: {{times: 2, sd: {rest}, with_mean: {beta}}}}}"
    made = world(f"advance_months: {{sd: {sd}, persistence: {r}, known: {known}}}", advance="{wins: 40, of: 100}")
    rows = []
    for k in range(DRAWN):
        drawn = realise(made, 3, k)
        mean = np.log(drawn.advance[0] / (1 - drawn.advance[0]))
        rows.append([mean, *(mean + np.log(drawn.month_odds[0, :2]))])
    mean, one, other = np.array(rows).T
    v = mean.var()
    exact = np.array([v, beta**2 * v + rest**2])
    two = (1 - r + r * beta) ** 2 * v + r**2 * rest**2 + sd**2 * (1 - r**2)
    four = 4.0 / np.sqrt(DRAWN)  # a false alarm in 16,000 for each figure
    for found, expected in ((one.var(), exact[1]), (other.var(), two)):
        assert abs(found / expected - 1) < four * np.sqrt(2)
    cross = np.corrcoef([mean, one, other])
    assert abs(cross[0, 1] - beta * np.sqrt(v / exact[1])) < four
    assert abs(cross[1, 2] - (beta * v * (1 - r + r * beta) + r * rest**2) / np.sqrt(exact[1] * two)) < four


def test_a_later_as_of_leaves_months_as_they_were() -> None:
    text = PLAN.format(months="advance_months: {sd: 0.5}", wait="1 cd", advance="0.4", leads=1, rep="")
    one, other = (build(load_plan(text, sets=[f"horizon.as_of={day}"])) for day in ("2026-01-31", "2026-08-31"))
    assert np.array_equal(realise(one, 1, 0).month_odds, realise(other, 1, 0).month_odds)


def test_wins_have_the_mean_and_the_spread_of_a_mixture_over_months() -> None:
    """Deals of a month share its luck: the variance of a month's wins is Poisson's and that of the rate's."""
    made = world("advance_months: {sd: 0.8}", wait="0 cd", leads=60)
    n = 2000
    batch = Simulator(made, 7)(0, n)
    wins = batch.margins["month"][:, 4, MEASURES.index("deals_won")]  # May: after as_of
    z = np.polynomial.hermite_e.hermegauss(60)
    p = expit(np.log(0.4 / 0.6) + 0.8 * z[0])
    share = z[1] / z[1].sum()
    mean, square = share @ p, share @ p**2
    leads = 60.0 * 31 / 31
    variance = leads * mean + leads**2 * (square - mean**2)
    assert abs(wins.mean() - leads * mean) < 4 * np.sqrt(variance / n)
    assert abs(wins.var() / variance - 1) < 4 * np.sqrt(2.5 / n)  # the fourth moment of this mixture is below 3.5
    assert leads * mean * 1.5 < variance


DEALS = (
    "deal,stage,age\n"
    + "".join(f"new{i},only,10 cd\n" for i in range(40))
    + "".join(f"old{i},only,110 cd\n" for i in range(40))
)  # of March 2026 and of December 2025


def test_open_deals_have_the_luck_of_the_month_they_came_in(tmp_path: Path) -> None:
    months = "advance_months: {sd: 0.0, known: {2025-12: {times: 5}, 2026-03: {times: 0.2}}}"
    made = world(months, tmp_path, wait="{exponential: {mean: 20 cd}}", deals=DEALS, leads=0)
    n = 400
    wins = np.array([Simulator(made, 1).outcome(k).cells[:, made.measures.index("deals_won")].sum() for k in range(n)])
    expected = 40 * expit(np.log(0.4 / 0.6) + np.log(5)) + 40 * expit(np.log(0.4 / 0.6) + np.log(0.2))
    assert abs(wins.mean() - expected) < 4 * np.sqrt(80 * 0.25 / n)


def test_waits_are_longer_by_rep_product_source_and_month(tmp_path: Path) -> None:
    """A deal of age 10 in a wait of 30 days that is twice and half again as long ends 80 days on, to the hour."""
    months = "wait_months: {sd: 0, known: {2026-03: {times: 1.5}}}"
    deal = "deal,stage,age\nd,only,10 cd\n"
    made = world(months, tmp_path, wait="30 cd", advance="1", rep=", wait: {only: 2}", deals=deal, leads=0)
    log = Simulator(made, 1).outcome(0, keep_log=True).log
    assert log is not None
    assert made.cal.date_at(float(log["time"][-1])).isoformat() == "2026-06-19"  # 31 March and 80 days


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{sd: 0.1, known: {2026-13: {times: 2}}}", "2026-01"),
        ("{sd: 0.1, draws: [[0.1, 1]]}", "persistence"),
        ("{sd: 4}", "3"),
        ("{sd: 0.1, known: {1900-01: {times: 2}, 2026-01: {times: 1}}}", "600"),
    ],
)
def test_a_wrong_month_is_refused(written: str, said: str) -> None:
    with pytest.raises(PlanRefused) as refused:
        world(f"advance_months: {written}")
    assert any(said in str(problem) for problem in refused.value.problems)


def test_an_open_deal_is_of_the_month_in_which_it_came(tmp_path: Path) -> None:
    """Ages at the end of 31 March: 30.625 days take it to 9 in the morning of the first, 31 to its midnight."""
    deals = "deal,stage,age,product,region,value\n" + "".join(
        f"{name},only,{age} cd,x,N,10\n"
        for name, age in (("a", 0.5), ("b", 30.625), ("c", 31), ("d", 31.01), ("e", 59), ("f", 59.1))
    )
    table = world("advance_months: {sd: 0.3, persistence: 0.5}", tmp_path, deals=deals).months_table
    came = {"a": 3, "b": 3, "c": 3, "d": 2, "e": 2, "f": 1}
    assert sorted((table.first + table.began) % 12 + 1) == sorted(came.values())


def test_what_a_month_s_open_deals_differ_by_is_not_carried_on() -> None:
    """Known at .2 and, for its open deals, .6 besides: those have sqrt(.04 + .36), later months an autoregression's."""
    known = "{2026-02: {times: 1, sd: 0.2, open_sd: 0.6}}"
    made = world(f"advance_months: {{sd: 0.4, persistence: 0.9, known: {known}}}")
    found = paths(made)
    place = 2026 * 12 + 1 - made.months_table.first
    error = 4.0 / np.sqrt(2 * DRAWN)  # a false alarm in 16,000 for each
    assert abs(found[:, place].std() / np.sqrt(0.2**2 + 0.6**2) - 1) < error
    after = np.sqrt(0.9**2 * 0.2**2 + 0.4**2 * (1 - 0.9**2))
    assert abs(found[:, place + 1].std() / after - 1) < error
    assert abs(
        np.corrcoef(found[:, place], found[:, place + 1])[0, 1] - 0.9 * 0.2**2 / (after * np.hypot(0.2, 0.6))
    ) < (4.0 / np.sqrt(DRAWN))
