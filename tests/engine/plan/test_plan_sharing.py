"""Work shared at best: by hand, against a subset formula, and in what `check` says of reps' hours."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from engine.plan.findings import findings
from engine.plan.load import load_plan
from engine.plan.meanfunnel import MeanFunnel, mean_funnel
from engine.plan.sharing import best_shares, together

Floats = NDArray[np.float64]


def shared(work: ArrayLike, may: ArrayLike, fixed: ArrayLike, there: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Shares, hours by rep, and each piece's hours by rep; every piece is shared in full by who may take it."""
    hours, able = np.array(work, dtype=float), np.array(may, dtype=bool)
    hours = hours[:, None] * np.ones(able.shape) if hours.ndim == 1 else hours
    own = np.array(fixed, dtype=float)
    shares = best_shares(hours, able, own, np.array(there, dtype=float))
    assert (shares >= 0).all()
    assert not shares[~able].any()
    assert shares.sum(axis=1) == pytest.approx(able.any(axis=1).astype(float))
    return shares, own + (shares * hours).sum(axis=0), hours


# --- by hand --------------------------------------------------------------------------------------------------------


def test_two_reps_one_cell() -> None:
    """By their hours: 40 and 20, less what the second has to do already."""
    assert shared([30], [[1, 1]], [0, 0], [40, 20])[0].tolist() == [pytest.approx([2 / 3, 1 / 3])]
    assert shared([30], [[1, 1]], [0, 15], [40, 20])[1] == pytest.approx([30, 15])
    assert shared([30], [[1, 1]], [0, 30], [40, 20])[1] == pytest.approx([30, 30])


def test_two_cells_with_overlap() -> None:
    """Ann may take the first cell only, Bob both. Bob helps as far as his own cell leaves him less to do than Ann."""
    cells = [[1, 1], [0, 1]]
    _, hours, _ = shared([300, 100], cells, [0, 0], [100, 100])
    assert hours == pytest.approx([200, 200])
    shares, hours, work = shared([300, 500], cells, [0, 0], [100, 100])
    assert hours == pytest.approx([300, 500])
    assert together(work, shares).tolist() == [0, 1]


def test_the_others_loads_are_small_too() -> None:
    """An overloaded rep who is alone does not make it good enough for the others to be as overloaded."""
    _, hours, _ = shared([500, 60], [[1, 0, 0], [0, 1, 1]], [0, 0, 0], [100, 100, 100])
    assert hours == pytest.approx([500, 30, 30])


def test_equal_reps_get_equal_parts_of_everything() -> None:
    """Zoe has 40 h of her own; the cells are split alike, not one to each."""
    shares, hours, _ = shared([60, 60], [[1, 1, 1], [1, 1, 1]], [0, 0, 40], [100, 100, 100])
    assert hours == pytest.approx([160 / 3] * 3)
    assert shares[0] == pytest.approx(shares[1])
    assert shares[:, 0] == pytest.approx(shares[:, 1])


def test_a_rep_whom_a_piece_takes_longer() -> None:
    """10 hours of Ann's or 30 of Bob's: 10 x = 30 (1 - x)."""
    shares, hours, _ = shared([[10, 30]], [[1, 1]], [0, 0], [10, 10])
    assert shares[0] == pytest.approx([0.75, 0.25])
    assert hours == pytest.approx([7.5, 7.5])


def test_reps_without_hours_and_work_without_hours() -> None:
    assert shared([8], [[1, 1, 1]], [0, 0, 0], [0, 10, 10])[0].tolist() == [[0, 0.5, 0.5]]
    assert shared([8], [[1, 1, 0]], [0, 0, 0], [0, 0, 10])[0].tolist() == [[0.5, 0.5, 0]]
    assert shared([0], [[1, 1]], [9, 0], [10, 10])[0].tolist() == [[0.5, 0.5]]
    assert shared([8], [[0, 0]], [0, 0], [10, 10])[0].tolist() == [[0, 0]]


# --- an oracle ------------------------------------------------------------------------------------------------------


def by_subsets(work: list[float], may: NDArray[np.bool_], fixed: Floats, there: Floats) -> Floats:
    """Loads where work takes all equally long: the densest set of reps (their own work, and what they alone may take,
    over their hours) has that load; without it and its work, the next densest, and so on (Fujishige 1980)."""
    left, levels = list(range(len(there))), np.zeros(len(there))
    open_ = [(hours, set(np.flatnonzero(row).tolist())) for hours, row in zip(work, may, strict=True)]
    while left:
        sets = [set(group) for size in range(1, len(left) + 1) for group in combinations(left, size)]

        own = {
            frozenset(group): sum(hours for hours, able in open_ if able <= group) + sum(fixed[r] for r in group)
            for group in sets
        }
        density = {group: hours / sum(there[r] for r in group) for group, hours in own.items()}
        densest = max((round(d, 9), len(group), group) for group, d in density.items())[2]
        levels[list(densest)] = density[densest]
        open_ = [(hours, able - densest) for hours, able in open_ if not able <= densest]
        left = [r for r in left if r not in densest]
    return levels


@given(st.data())
def test_loads_against_the_subset_formula(data: st.DataObject) -> None:
    reps, pieces = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 6))
    numbers = st.integers(0, 60).map(float)
    row = st.lists(st.booleans(), min_size=reps, max_size=reps).filter(any)
    may = np.array(data.draw(st.lists(row, min_size=pieces, max_size=pieces)))
    work = data.draw(st.lists(numbers, min_size=pieces, max_size=pieces))
    fixed = np.array(data.draw(st.lists(numbers, min_size=reps, max_size=reps)))
    there = np.array(data.draw(st.lists(st.integers(5, 40).map(float), min_size=reps, max_size=reps)))
    _, hours, _ = shared(work, may, fixed, there)
    assert hours / there == pytest.approx(by_subsets(work, may, fixed, there), abs=2e-3)


# --- in plans -------------------------------------------------------------------------------------------------------

PLAN = """\
attain: 1
name: small
currency: EUR
horizon: {start: 2026-01-01, end: 2026-12-31}
calendar: {days: 200}
goals: {company: {metric: leads, at_least: 400}}
stages: [{name: talk, work: 5 h, advance: 0.5, won: true}]
products: {A: {deal_value: 100}}
regions: {N: {}, S: {}}
reps: [{name: Ann, region: N}, {name: Bob, region: [N, S]}]
sources: {list: {prospects: 400, mix: {N: {A: 1}, S: {A: 1}}}}
"""


def funnel(text: str = PLAN, *sets: str) -> MeanFunnel:
    return mean_funnel(load_plan(text, sets=sets))


def test_leads_for_the_least_loaded_in_the_mean_funnel() -> None:
    """200 leads of 5 hours in each region, 1,600 hours each: Ann takes all of the North's, as Bob has the South's."""
    assert funnel().hours_needed == pytest.approx([1000, 1000])
    assert funnel().team.tolist() == [0, 1]
    uneven = PLAN.replace("N: {A: 1}", "N: {A: 3}")
    assert funnel(uneven).hours_needed == pytest.approx([1000, 1000])
    assert funnel(uneven).team.tolist() == [0, 0]
    assert funnel(uneven).leads.sum() == pytest.approx(400)


@pytest.mark.parametrize(("rule", "hours"), [("round_robin", [500, 1500]), ("{share: {Ann: 4, Bob: 1}}", [800, 1200])])
def test_other_rules_share_as_they_say(rule: str, hours: list[float]) -> None:
    found = funnel(PLAN + f"routing: {rule}\n")
    assert found.hours_needed == pytest.approx(hours)
    assert not found.best_sharing


def test_own_prospects_stay_with_their_rep() -> None:
    """Bob finds 100 in his ten hours a week, 50 a region: 500 hours of the 1,200 left, beside the South's 1,000."""
    own = PLAN.replace("region: [N, S]", "region: [N, S], prospecting: {hours_per_week: 10, prospects_per_hour: 0.25}")
    assert funnel(own).hours_there == pytest.approx([1600, 1200])
    assert funnel(own).hours_needed == pytest.approx([1000, 1500])


def test_hours_are_judged_where_work_is_shared() -> None:
    def said(text: str) -> dict[str, tuple[str, str]]:
        return {f.path: (f.severity, f.message) for f in findings(load_plan(text)) if f.criterion == "hours"}

    assert said(PLAN) == {}
    uneven = PLAN.replace("N: {A: 1}", "N: {A: 3}").replace("prospects: 400", "prospects: 900")
    cy = "{name: Cy, region: W, hours_per_week: 80, prospecting: {hours_per_week: 1, prospects_per_hour: 0.1}}"
    third = uneven.replace("reps: [", f"reps: [{cy}, ").replace("regions: {", "regions: {W: {}, ")
    severity, message = said(third)["reps"]
    assert severity == "error"
    assert message == (
        "Ann and Bob, who share their leads, need 4,500 hours at best sharing for the deals that come in, "
        "and have 3,200 (141%)."
    )
    alone = PLAN.replace("S: {A: 1}", "S: {A: 7}").replace("prospects: 400", "prospects: 800")
    assert said(alone)["reps.Bob"][0] == "error"
    assert "Bob needs 3,500 hours at best sharing" in said(alone)["reps.Bob"][1]
    fixed = said(alone + "routing: round_robin\n")["reps.Bob"][1]
    assert "needs 3,750 hours for the deals" in fixed


def test_a_known_index_moves_leads_by_their_loadings() -> None:
    steady = PLAN.replace("prospects: 400", "leads_per_month: 10, economy: 0.5")
    found = funnel(steady + f"economy: {{index: [{', '.join(['4'] * 12)}], leads: 2}}\n")
    assert found.leads.sum() == pytest.approx(120 * 4)
