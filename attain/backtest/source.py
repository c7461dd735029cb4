"""Where a back-test's history comes from, and how it is read: the same each time, but for the day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from pathlib import Path

from attain.calibrate import CalibrationResult, calibrate
from attain.effort import BUSY
from attain.fitted_effort import Capacity
from attain.history.beside import Beside
from attain.history.currencies import code, read_rates
from attain.history.mapping import Mapping
from attain.history.read import read_history
from attain.history.records import History, HistoryRefused
from attain.joined import join
from attain.wording import told

GOAL = 1_000_000.0  # goals and quotas are not simulated: any amount


@dataclass(frozen=True)
class Source:
    """A file, a folder or a database's address, and what ``calibrate`` would be told of it."""

    history: str | Path
    mapping: Mapping | None = None
    currency: str | None = None
    rates: Path | None = None
    table: str = ""
    country: str | None = None
    beside: Table[str, Beside] = field(default_factory=dict)  # the tables, as they are today
    capacity: Capacity | None = None
    deals: str | None = None
    timezone: str = ""

    def read(self) -> History:
        """The whole history. Raises HistoryRefused."""
        if self.rates is not None and self.currency is None:
            raise HistoryRefused("a table of rates is in some currency: say which with --currency")
        worth = read_rates(self.rates, code(self.currency)) if self.rates and self.currency else None
        history = read_history(
            self.history, mapping=self.mapping, rates=worth, table=self.table, deals=self.deals, timezone=self.timezone
        )
        return join(history, self.beside).history

    def fit(self, out: Path, day: dt.date) -> CalibrationResult:
        """The plan fitted to what was known at the end of a day, written to ``out``. Raises HistoryRefused."""
        return calibrate(
            self.history, out, GOAL, self.mapping, as_of=day, currency=self.currency, country=self.country,
            rates=self.rates, table=self.table, deals=self.deals, timezone=self.timezone, known=self.beside,
            capacity=self.capacity,
        )  # fmt: skip

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of the tables beside the history, and of the hours."""
        files = ", ".join(table.name for table in self.beside.values())
        found = [told("backtest.tables", files=files)] if files else []
        if self.capacity is not None or ("people" in self.beside and self.beside["people"].has("hours")):
            busy = self.capacity.busy if self.capacity is not None and self.capacity.busy is not None else BUSY
            found.append(told("backtest.capacity", busy=f"{busy:.0%}"))
        return tuple(found)
