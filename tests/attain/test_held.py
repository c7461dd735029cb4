"""Memory is bounded whatever the number of replications: what is held of a run, and what is counted over all of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from attain.simulate import read_run, simulate
from attain.summary import summarise


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("held") / "run"
    simulate("two-by-two", n=300, seed=5, jobs=1, chunk=64, out=folder)
    return folder


def test_what_does_not_fit_is_left_out_and_counted_all_the_same(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read_run(stored)
    assert (whole.n, whole.held, whole.held_parts) == (300, 300, 300)
    assert whole.aligned() is whole
    monkeypatch.setattr("attain.tables.LEGS_BYTES", 8 * 200 * (whole.legs.shape[1] + whole.inputs.shape[1]))
    parts = whole.reps[0].size + sum(margin[0].size for margin in whole.margins.values())
    monkeypatch.setattr("attain.tables.PARTS_BYTES", 8 * 100 * parts)
    cut = read_run(stored)
    assert (cut.n, cut.held, cut.held_parts) == (300, 200, 100)
    assert cut.hits.tolist() == whole.attained.sum(axis=0).tolist()
    assert np.array_equal(cut.legs, whole.legs[:200])
    assert np.array_equal(cut.reps, whole.reps[:100])
    assert np.array_equal(cut.flow, whole.flow)
    assert np.array_equal(cut.sums, whole.sums)
    aligned = cut.aligned()
    assert (aligned.held, aligned.held_parts, aligned.n) == (100, 100, 300)


def test_the_summary_says_what_was_left_out(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = summarise(read_run(stored))
    assert "held" not in {caution.key for caution in whole.warnings}
    monkeypatch.setattr("attain.tables.PARTS_BYTES", 100_000)
    cut = summarise(read_run(stored))
    assert "held" in {caution.key for caution in cut.warnings}
    for one, other in zip(whole.goals, cut.goals, strict=True):
        assert one.probability == other.probability
        assert one.values == other.values
