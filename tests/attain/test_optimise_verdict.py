"""What is said of a mean at required probabilities follows from what is known of them."""

from __future__ import annotations

from dataclasses import replace

from attain.optimise.records import Amount, Kept, MeanGain, Odds
from attain.optimise.verdict import of_mean

MORE = MeanGain("bookings", Amount(1.0, (0.9, 1.1)), Amount(2.0, (1.9, 2.1)), Amount(1.0, (0.8, 1.2)))
LESS = replace(MORE, gain=Amount(-1.0, (-1.2, -0.8)))
LOW, BETWEEN, HIGH = Odds(0.5, (0.48, 0.52)), Odds(0.7935, (0.775, 0.811)), Odds(0.85, (0.83, 0.87))


def test_what_cannot_be_told_from_what_is_required_is_not_said_to_hold() -> None:
    """1,587 of 2,000 paths against 80%."""
    unclear = (Kept("company", 0.8, LOW, BETWEEN, "unclear"),)
    status, reason = of_mean(MORE, unclear, True)
    assert status == "improved"
    assert "holds what is required" not in reason
    assert of_mean(LESS, unclear, True)[0] == "no_gain"


def test_what_is_held_is_said() -> None:
    held = (Kept("company", 0.8, LOW, HIGH, "held"),)
    assert "holds what is required" in of_mean(MORE, held, True)[1]
    assert of_mean(LESS, held, True)[0] == "improved"
    assert of_mean(MORE, (Kept("company", 0.8, LOW, LOW, "missed"),), True)[0] == "not_held"
