"""`attain funnel`: from a target back to deals and leads, the odds of following that, and what better odds take.

``scaling`` makes plans with more leads or hours; ``passage`` watches how deals come through in time; ``needs`` is the
back-calculation; ``reach`` looks for the scale that a probability takes; ``calculate`` puts them together into a
`Funnel` (``records``), which ``document`` turns into JSON and ``attain.screens.funnel`` into a screen.
"""

from __future__ import annotations

from attain.funnel.calculate import funnel
from attain.funnel.document import as_json
from attain.funnel.records import (
    ActivityNeed,
    Answer,
    Funnel,
    HoursNeed,
    InHand,
    Need,
    Needs,
    Odds,
    StageNeed,
    Takes,
    Win,
)
from attain.funnel.scaling import scaled

__all__ = [
    "ActivityNeed", "Answer", "Funnel", "HoursNeed", "InHand", "Need", "Needs", "Odds", "StageNeed", "Takes", "Win",
    "as_json", "funnel", "scaled",
]  # fmt: skip
