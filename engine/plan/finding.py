"""One finding of `attain check`: what `findings` and `ties` make, and what the command line shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]
Criterion = Literal[
    "specific", "measurable", "attainable", "relevant", "time-bound", "challenging", "hours", "ties"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about a plan: an `error` fails the check, a `warning` is likely to hurt, a `note` informs."""

    severity: Severity
    criterion: Criterion
    path: str
    message: str
    advice: str = ""


def money(amount: float) -> str:
    """An amount as findings print it."""
    return f"{amount:,.0f}"
