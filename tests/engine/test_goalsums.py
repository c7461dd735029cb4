"""Goal sums alone are those of whole batches, and nothing else is kept of them."""

from __future__ import annotations

import numpy as np

from attain.optimise.workflow import decisions_of
from attain.plans import open_plan
from engine.batch import Simulator
from engine.draws import SEARCH
from engine.goalsums import GoalSums
from engine.world import build


def test_sums_are_those_of_whole_batches() -> None:
    loaded = open_plan("two-by-two")
    world = build(loaded)
    attribution = decisions_of(loaded, world, allow_assumed=False)[0].attribution
    simulator = Simulator(world, 3, SEARCH, attribution=attribution)
    chosen = np.array([0, 2])
    seen, whole = GoalSums(simulator, chosen)(5, 4), simulator(5, 4)
    assert whole.attributed is not None
    assert np.array_equal(seen.legs, whole.legs)
    assert np.array_equal(seen.inputs, whole.inputs)
    assert np.array_equal(seen.brought, whole.attributed[:, :, chosen])
    plain = GoalSums(Simulator(world, 3, SEARCH), chosen)(5, 4)
    assert np.array_equal(plain.legs, whole.legs)
    assert (plain.inputs.size, plain.brought.size) == (0, 0)
