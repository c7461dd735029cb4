"""What distinguishes misses from hits: parts that add up, causes that are known, and silence about noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attain.summary import Distinction, summarise
from attain.summary.distinction import distinguish, shapley
from tests.attain.summary_runs import GOALS, booked, world

FACTORS = st.lists(st.floats(0.1, 10.0), min_size=1, max_size=4)


@given(FACTORS, st.data())
def test_shapley_parts_add_up_and_are_fair(before: list[float], data: st.DataObject) -> None:
    after = data.draw(st.lists(st.floats(0.1, 10.0), min_size=len(before), max_size=len(before)))
    a, b = np.array(before), np.array(after)
    parts = shapley(a, b)
    assert parts.sum() == pytest.approx(np.prod(b) - np.prod(a), abs=1e-9 * max(1.0, np.prod(a), np.prod(b)))
    assert shapley(b, a) == pytest.approx(-parts, abs=1e-9 * max(1.0, np.prod(a), np.prod(b)))
    same = np.where(np.arange(len(a)) == 0, a, b)  # the first does not move
    assert shapley(a, same)[0] == pytest.approx(0.0, abs=1e-12)


def test_shapley_of_two_factors_by_hand() -> None:
    """2 x 3 to 4 x 5: half the corner (2 x 2) to each, so (4-2) x (3+5)/2 = 8 and (5-3) x (2+4)/2 = 6."""
    assert shapley(np.array([2.0, 3.0]), np.array([4.0, 5.0])) == pytest.approx([8.0, 6.0])


def run(n: int, seed: int, *, leads: float, rate: float, value: float, advance: str = "0.5") -> Distinction:
    """Paths on which leads, win rate and value vary by these relative standard deviations; two like reps."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, 3)) * [leads, rate, value]
    count = np.round(200 * np.exp(common[:, :1]) * np.ones((1, 2)))
    wins = np.round(count * 0.1 * np.exp(common[:, 1:2]))
    values = 250_000 * np.exp(common[:, 2:]) * np.ones((1, 2))
    inputs = 0.1 * np.exp(common[:, 1:2]) if advance != "0.5" else None
    found = distinguish(booked(world(advance=advance), count, wins, values, inputs))
    assert found is not None
    return found


def test_every_cut_adds_up_to_the_gap() -> None:
    found = run(600, 1, leads=0.2, rate=0.2, value=0.2, advance="{wins: 15, of: 150}")
    assert {cut.name for cut in found.cuts} == {"process", "inputs", "rep", "product", "region"}
    for cut in found.cuts:
        assert sum(d.contribution or 0.0 for d in cut.drivers) == pytest.approx(found.gap)
        assert sum(d.share or 0.0 for d in cut.drivers) == pytest.approx(1.0)
    assert found.gap == pytest.approx(found.hit_mean - found.missed_mean)


@pytest.mark.parametrize("cause", ["leads", "rate", "value"])
def test_the_cause_that_varies_is_the_one_named(cause: str) -> None:
    spread = {"leads": 0.0, "rate": 0.0, "value": 0.0} | {cause: 0.3}
    found = run(400, 2, **spread)
    names = {"leads": "prospects", "rate": "win_rate", "value": "deal_value"}
    top = found.cuts[0].drivers[0]
    assert top.name == names[cause]
    assert top.share == pytest.approx(1.0, abs=0.08)
    assert top.clear
    assert top.hit > top.missed


def test_like_causes_share_alike() -> None:
    """Three independent lognormal factors of one spread have a third of the gap each (sd over seeds 0.02)."""
    found = run(4000, 3, leads=0.2, rate=0.2, value=0.2)
    shares = {d.name: d.share for d in found.cuts[0].drivers}
    for name in ("prospects", "win_rate", "deal_value"):
        assert shares[name] == pytest.approx(1 / 3, abs=0.08)


def test_what_is_drawn_beforehand_is_told_from_chance() -> None:
    found = run(2000, 4, leads=0.2, rate=0.2, value=0.0, advance="{wins: 15, of: 150}")
    inputs = {d.name: d for d in next(cut for cut in found.cuts if cut.name == "inputs").drivers}
    assert inputs["advance:talk"].share == pytest.approx(0.5, abs=0.1)
    assert inputs["advance:talk"].clear


def test_noise_is_not_called_a_cause() -> None:
    """In 40 runs the conversion drawn has nothing to do with the outcome: at 1% for all candidates together, one false
    alarm among them has odds below 0.04, four below 1e-5."""
    alarms = 0
    for seed in range(40):
        rng = np.random.default_rng(100 + seed)
        count = rng.poisson(200, (300, 2)).astype(float)
        wins = rng.binomial(count.astype(int), 0.1).astype(float)
        values = np.full(count.shape, 250_000.0)
        drawn = rng.beta(15.5, 135.5, (300, 1))
        found = distinguish(booked(world_of_uncertain, count, wins, values, drawn))
        assert found is not None
        inputs = next(cut for cut in found.cuts if cut.name == "inputs")
        alarms += next(d for d in inputs.drivers if d.name == "advance:talk").clear
    assert alarms < 4


world_of_uncertain = world(advance="{wins: 15, of: 150}")


def test_a_filtered_goal_is_cut_along_its_own_dimension_alone() -> None:
    rng = np.random.default_rng(5)
    wins = rng.poisson(5, (400, 2)).astype(float)
    goals = "  company: {metric: bookings, at_least: 5_000_000, where: {product: ERP}}"
    made = world(goals=goals)
    found = distinguish(booked(made, wins + 3, wins, np.full(wins.shape, 1e6)))
    assert found is not None
    assert {cut.name for cut in found.cuts} == {"process"}
    assert sum(d.contribution or 0.0 for d in found.cuts[0].drivers) == pytest.approx(found.gap)
    both = "  company: {metric: bookings, at_least: 5_000_000, where: {product: ERP, region: Beijing}}"
    other = distinguish(booked(world(goals=both), wins + 3, wins, np.full(wins.shape, 1e6)))
    assert other is not None
    assert other.cuts == ()
    assert other.gap == found.gap


def test_a_goal_of_deals_is_cut_without_their_value() -> None:
    rng = np.random.default_rng(6)
    wins = rng.binomial(30, 0.3, (400, 2)).astype(float)
    goals = "  deals: {metric: deals_won, at_least: 18}"
    found = distinguish(booked(world(goals=goals), np.full(wins.shape, 30.0), wins, np.full(wins.shape, 1e6)))
    assert found is not None
    assert found.unit == "count"
    assert {d.name for d in found.cuts[0].drivers} == {"prospects", "decided", "win_rate"}
    assert found.cuts[0].drivers[0].share == pytest.approx(1.0)
    assert "deals won behind" in found.sentences[0].say()


def test_few_hits_or_misses_say_nothing() -> None:
    wins = np.full((200, 2), 6.0)
    wins[:10] = 1.0
    assert distinguish(booked(world(), wins + 1, wins, np.full(wins.shape, 1e6))) is None


def test_reps_who_fail_together_are_not_singled_out() -> None:
    """A rep is named where the gap leans on him beyond his part of the bookings."""
    rng = np.random.default_rng(7)
    wins = np.column_stack([np.full(500, 10.0), rng.binomial(40, 0.25, 500)]).astype(float)
    goals = GOALS.replace("10_000_000", "20_000_000")
    summary = summarise(booked(world(goals=goals), wins + 9, wins, np.full(wins.shape, 1e6)))
    assert summary.distinction is not None
    words = [s.say() for s in summary.distinction.sentences]
    assert any("by rep: 张伟 100% (with 50% of the whole)" in line for line in words)
    assert not any("Li Na" in line for line in words)
