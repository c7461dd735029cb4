"""Reading of what has happened: a CRM's export or a log of stage events, into deals and their visits to stages.

``read_history`` is the way in. ``columns`` guesses which column is which, ``cells`` reads dates and amounts as people
write them, ``clocks`` whose day a time is of, ``opportunities`` and ``events`` turn the two shapes of history into one
``History``, and ``paired`` both together. Every row that cannot be used is refused by number with its reason; nothing
is dropped in silence.
"""

from __future__ import annotations

from attain.history.mapping import Mapping, read_mapping, write_mapping
from attain.history.read import read_history
from attain.history.records import History, HistoryRefused, Refusal

__all__ = ["History", "HistoryRefused", "Mapping", "Refusal", "read_history", "read_mapping", "write_mapping"]
