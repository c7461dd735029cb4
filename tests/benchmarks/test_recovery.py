"""The study of recovery, small: some dozens of histories in `make test`, some hundreds of each in `make verify`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import recovery
from benchmarks.recovery import PLANS, coverage, error, in_words, merged, rows, study, verdict
from benchmarks.recovery_engine import SIMULATED

# how many histories take a second or two; four binomial sigma, so that each share is a false alarm once in 16,000
SMALL = {
    "many": 60,
    "arrivals": 60,
    "arrivals-by-day": 200,
    "arrivals-by-month": 200,
    "arrivals-china": 200,
    "reps": 40,
    "paces": 40,
    "months": 10,
    "values": 60,
    "half-open": 20,
    "half-open-short": 20,
    "little": 25,
    "rework": 15,
    "shocks": 8,
    "response": 25,
    "response-straight": 15,
    "simulated-steady": 6,
}


@pytest.mark.parametrize("name", sorted(SMALL))
def test_intervals_hold_the_truth_about_as_often_as_they_say(name: str) -> None:
    for key, share, n in coverage(name, SMALL[name]):
        assert n >= SMALL[name] - 3
        assert share >= recovery.NOMINAL - error(n), key


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(PLANS))
def test_nominal_intervals_cover(name: str) -> None:
    slow = name in SIMULATED or name.startswith("shocks")
    for key, share, n in coverage(name, 200 if slow else 400, seed=1):
        assert share >= recovery.NOMINAL - error(n), key


def test_what_was_done_is_not_done_again_and_makes_a_table(tmp_path: Path) -> None:
    part = tmp_path / "recovery.part"
    part.write_text(json.dumps({"plan": "many", "first": 0, "found": {"conversion": [90.0, 100]}}) + "\n", "utf-8")
    study(["many"], 100, part)
    assert len(part.read_text("utf-8").splitlines()) == 1
    (row,) = rows(part)
    assert row == {
        "plan": "many",
        "quantity": "conversion",
        "histories": 100,
        "covered": 0.9,
        "error": 0.0872,
        "verdict": "holds",
    }
    assert "| many | conversion | 100 | 90.0% | 8.7% | holds |" in in_words([row])
    other, old = row | {"plan": "funnel", "covered": 0.95}, row | {"covered": 0.8}
    assert merged([old, other], [row]) == [other, row]


def test_93_to_97_is_what_four_sigma_of_2000_histories_are() -> None:
    assert error(2000) == pytest.approx(0.0195, abs=1e-4)
    assert [verdict(x, 2000) for x in (0.930, 0.931, 0.969, 0.970)] == ["too short", "holds", "holds", "too wide"]
