"""A focus whose idle hours are lent: whose turn it is, by hand and by theory; what is refused; what changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.batch import Simulator
from engine.focus import clock_after, goes_first, served_after, served_at_first, stands_at
from engine.outcomes import SERVED
from engine.plan.load import load_plan
from engine.problems import PlanRefused
from engine.simpy_model import Deal, Model
from engine.world import build

PLAN = """\
attain: 1
name: Lines
currency: CNY
horizon: {start: 2026-01-01, end: 2026-06-30}
calendar: {days: 250, hours_per_day: 8}
goals: {company: {metric: deals_won, at_least: 100}}
stages: [{name: only, work: WORK, wait: 1 d, advance: 0.5, won: true}]
products: {A: {deal_value: 100}, B: {deal_value: 300}}
regions: {North: {Upper: {}, Lower: {}}, East: {}}
reps: [{name: Li, region: [North], FOCUS}]
sources:
  a: {prospects: 900, spread: start, mix: {Upper: {A: 1}}}
  b: {prospects: 900, spread: start, mix: {Lower: {B: 1}}}
"""


def plan(focus: str = "focus: {A: 60%, B: 40%}, idle_hours: lent", work: str = "3 h", more: str = "") -> Any:
    return load_plan(PLAN.replace("FOCUS", focus).replace("WORK", work) + more)


class Heard(Model):
    """The model, keeping its deals and the order in which they are begun."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.begun: list[tuple[Deal, float, float]] = []

    def start(self, deal: Deal, entered: float, done: float) -> None:
        self.begun.append((deal, self.env.now, done))
        super().start(deal, entered, done)


# --- by hand ----------------------------------------------------------------------------------------------------------


def served_in_turn(weights: list[float], hours: list[float], waiting: list[list[int]]) -> list[int]:
    """Which line is served, turn by turn, when those in `waiting` have somebody."""
    served, clock, found = [served_at_first(weight) for weight in weights], 0.0, []
    for lines in waiting:
        chosen = lines[0]
        for line in lines[1:]:
            stands = [stands_at(served[i], clock) for i in (line, chosen)]
            if goes_first(stands[0], 0, 0.0, line, stands[1], 0, 0.0, chosen):
                chosen = line
        stood = stands_at(served[chosen], clock)
        served[chosen] = served_after(stood, hours[chosen], weights[chosen])
        clock = clock_after(clock, stood)
        found.append(chosen)
    return found


def test_hours_go_by_weight() -> None:
    """Hours over weight: 3 / .6 = 5 a turn of the first, 3 / .4 = 7.5 of the second; they stand alike at 0 and 15."""
    assert served_in_turn([0.6, 0.4], [3.0, 3.0], [[0, 1]] * 6) == [0, 1, 0, 1, 0, 0]
    assert served_in_turn([0.5, 0.5], [1.0, 3.0], [[0, 1]] * 8) == [0, 1, 0, 0, 0, 1, 0, 0]


def test_a_line_in_which_nobody_waited_has_no_credit() -> None:
    """After ten turns of the first alone the second gets its turn, and then they alternate."""
    alone = [[0]] * 10
    assert served_in_turn([0.5, 0.5], [1.0, 1.0], alone + [[0, 1]] * 6)[10:] == [1, 0, 1, 0, 1, 0]


def test_a_line_of_no_weight_waits_for_all_others() -> None:
    both, last = [[0, 1]] * 4, [[1]] * 2
    assert served_in_turn([1.0, 0.0], [1.0, 1.0], both + last + both) == [0] * 4 + [1] * 2 + [0] * 4


def test_a_hand_made_case_with_both_engines() -> None:
    """All work is 3 hours: A, B (by key, whichever is first), then A at 5, B at 7.5 and A at 10."""
    world = build(plan())
    model = Heard(world, 1, 0, keep_log=True)
    log = model.run().log
    begun = [world.products[deal.product] for deal, *_ in model.begun[:5]]
    assert sorted(begun[:2]) == ["A", "B"]
    assert begun[2:] == ["A", "B", "A"]
    assert [now for _, now, _ in model.begun[:5]] == [0.0, 3.0, 6.0, 9.0, 12.0]
    assert log is not None
    compiled = Simulator(world, 1).outcome(0, True).log
    assert compiled is not None
    np.testing.assert_array_equal(compiled, log)


# --- by theory --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [(0.6, 0.4), (0.9, 0.1), (0.5, 0.5)])
def test_hours_of_lines_that_always_wait_are_as_their_weights(weights: tuple[float, float]) -> None:
    """Theorem 1 of Goyal, Vin and Cheng (1996): hours over weight never differ by more than a turn of each line."""
    a, b = weights
    world = build(plan(f"focus: {{A: {a}, B: {b}}}, idle_hours: lent", "{exponential: {mean: 3 h}}"))
    model = Heard(world, 2, 0)
    model.run()
    hours, longest = [0.0, 0.0], [0.0, 0.0]
    for deal, now, done in model.begun:
        hours[deal.product] += done - now
        longest[deal.product] = max(longest[deal.product], done - now)
        apart = abs(hours[0] / a - hours[1] / b)
        assert apart <= longest[0] / a + longest[1] / b + 1e-9
    assert len(model.begun) > 200
    assert hours[0] / sum(hours) == pytest.approx(a, abs=0.03)


def test_no_hour_is_idle_while_a_deal_waits() -> None:
    """With nothing to do for A, a rep who lends does what one without a focus does; one who keeps, a tenth."""
    few = "\n".join(line for line in PLAN.replace("WORK", "3 h").splitlines() if not line.startswith("  a:")) + "\n"
    done = {}
    for focus in ("", ", focus: {A: 9, B: 1}, idle_hours: lent", ", focus: {A: 9, B: 1}"):
        world = build(load_plan(few.replace(", FOCUS", focus)))
        batch = Simulator(world, 1)(0, 2)
        done[focus] = batch.hashes, batch.reps[0, 0, SERVED]
    free, lent, kept = done.values()
    assert lent == free
    assert kept[1] == pytest.approx(free[1] / 10, abs=1)


# --- what is read, and what is refused --------------------------------------------------------------------------------


def test_one_line_is_no_focus() -> None:
    """A focus of one part that holds everything orders deals as no focus does."""
    plain = Simulator(build(load_plan(PLAN.replace(", FOCUS", "").replace("WORK", "3 h"))), 1)(0, 3)
    assert Simulator(build(plan("focus: {North: 1}, idle_hours: lent")), 1)(0, 3).hashes == plain.hashes
    assert Simulator(build(plan()), 1)(0, 3).hashes != plain.hashes


def test_parts_by_region_and_product() -> None:
    """The innermost region named decides; what no part names is a last line without weight."""
    world = build(plan("focus: {North: 2, Upper: {A: 3}}, idle_hours: lent"))
    regions = list(world.regions)
    first, end = world.desks.first_line[:2].tolist()
    np.testing.assert_allclose(world.desks.weights[first:end], [0.4, 0.6, 0.0])
    lines = world.desks.line_of[0]
    assert lines[:, regions.index("Lower")].tolist() == [0, 0]
    assert lines[:, regions.index("Upper")].tolist() == [1, 2]
    assert lines[:, regions.index("East")].tolist() == [2, 2]


@pytest.mark.parametrize(
    ("focus", "path", "words"),
    [
        ("focus: {A: 0, B: 0}", "reps.Li.focus", "a weight above zero"),
        ("focus: {C: 1}", "reps.Li.focus.C", "a product or region of the plan"),
        ("focus: {A: -1}", "reps.Li.focus.A", "at least 0"),
        ("focus: {A: 1, North: 1}, idle_hours: lent", "reps.Li.focus", "by product, or by region"),
        ("focus: {East: 1}, idle_hours: lent", "reps.Li.focus.East", "the rep's own"),
        ("focus: {North: 1}", "reps.Li.focus", "idle_hours: lent"),
        ("focus: {North: {C: 1}}, idle_hours: lent", "reps.Li.focus.North.C", "a product of the plan"),
        ("products: [A], focus: {North: {B: 1}}, idle_hours: lent", "reps.Li.focus.North", "that the rep sells"),
        ("focus: {A: 1}, idle_hours: lend", "reps.Li.idle_hours", "kept, lent"),
    ],
)
def test_what_is_refused(focus: str, path: str, words: str) -> None:
    with pytest.raises(PlanRefused) as refused:
        plan(focus)
    (problem,) = [problem for problem in refused.value.problems if problem.path.startswith("reps.Li")]
    assert problem.path == path
    assert words in problem.expected
