"""The study of recovery, small: a few dozen histories in `make test`, some hundreds of each in `make verify`."""

from __future__ import annotations

import pytest

from benchmarks.recovery import SCENARIOS, TARGET, coverage


@pytest.mark.parametrize("name", ["many", "arrivals", "reps", "values"])
def test_intervals_hold_the_truth_about_as_often_as_they_say(name: str) -> None:
    for key, share, n, sigma in coverage(name, 60):
        assert n == 60
        # 4 sigma of the share, and of 95% where all were held
        assert share >= TARGET[0] - 4 * max(sigma, (0.05 * 0.95 / n) ** 0.5), key


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_nominal_intervals_cover(name: str) -> None:
    for key, share, n, _ in coverage(name, 200 if name == "shocks" else 400):
        error = 4 * (0.05 * 0.95 / n) ** 0.5
        assert share >= TARGET[0] - error, key
