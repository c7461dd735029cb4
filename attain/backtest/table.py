"""A table of periods, such as actuals and budgets by executive, product and month, read by a mapping.

No deals: the history is what was sold in each cell and month. The mapping says which columns are which:

    shape: periods
    period: YearPeriod                 # 2014-03, 201403, 2014-03-31 or Mar 2014
    amount: Revenue                    # or actual: and budget:, where they stand in two columns
    scenario: {column: Scenario Key, actual: "1", budget: "2"}
    join: [{file: BU.csv, on: BU Key}] # columns from tables beside it
    cells: {executive: Executive_id, product: Product Key}
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from attain.backtest.origins import BacktestRefused, Month
from attain.history.cells import decimal_mark, read_amount
from engine.plan.tables import Table, TableRefused, read_table

COMPANY = "company"
MOST_BYTES = 100_000
_PERIOD = re.compile(r"^(\d{4})[-/.年]?(\d{1,2})(?:月|[-/.]\d{1,2}.*)?$")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class Scenario(_Record):
    """Which rows are actuals and which budgets, by the words of one column."""

    column: str
    actual: str
    budget: str | None = None


class Join(_Record):
    """A table beside the main one, joined by a column that both have; each value once there."""

    file: str
    on: str


class PeriodMapping(_Record):
    """Which column of a table of periods is which. ``cells``: what to forecast by, a level -> its column."""

    shape: Literal["periods"]
    period: str
    amount: str | None = None
    actual: str | None = None
    budget: str | None = None
    scenario: Scenario | None = None
    join: tuple[Join, ...] = ()
    cells: dict[str, str] = {}


@dataclass(frozen=True, eq=False)
class Level:
    """One way of cutting the table: names, and [names, months] actuals and budgets (nan where none is known)."""

    name: str
    names: tuple[str, ...]
    actual: NDArray[np.float64]
    budget: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Periods:
    """A table of periods: its months from ``first`` to ``last``, and its levels, the company first."""

    name: str
    first: Month
    last: Month
    levels: tuple[Level, ...]
    rows: int
    notes: tuple[str, ...]


def period_mapping(path: Path) -> PeriodMapping | None:
    """The mapping in a file if it is one of a table of periods, else None. Raises BacktestRefused."""
    try:
        data = path.read_bytes()
        document = YAML(typ="safe", pure=True).load(data.decode("utf-8-sig")) if len(data) <= MOST_BYTES else None
    except (OSError, UnicodeDecodeError, YAMLError):
        return None  # read again, and refused in words, as a mapping of deals
    if not isinstance(document, dict) or document.get("shape") != "periods":
        return None
    try:
        mapping = PeriodMapping.model_validate(document)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg'].lower()}" for e in error.errors())
        raise BacktestRefused(f"{path.name}: {said}") from None
    if (mapping.amount is None) == (mapping.actual is None):
        raise BacktestRefused(f"{path.name}: either amount: (with scenario:) or actual: (with budget:) was expected")
    if mapping.amount is not None and mapping.scenario is None:
        raise BacktestRefused(f"{path.name}: amount: needs scenario:, which says which rows are actuals")
    return mapping


def read_periods(path: Path, mapping: PeriodMapping) -> Periods:
    """Read a table of periods. Raises BacktestRefused with one message."""
    table = _table(path)
    columns = {name: [row[i] for row in table.rows] for i, name in enumerate(table.header)}
    for join in mapping.join:
        _joined(columns, path.with_name(join.file), join.on)
    wanted = [mapping.period, *mapping.cells.values(), mapping.amount, mapping.actual, mapping.budget]
    wanted += [mapping.scenario.column] if mapping.scenario else []
    absent = sorted({c for c in wanted if c is not None and c not in columns})
    if absent:
        raise BacktestRefused(f"{path.name} has no column {', '.join(absent)}; it has: {', '.join(columns)}")
    months = np.array(
        [_month(text, path.name, row) for row, text in zip(table.lines, columns[mapping.period], strict=True)]
    )
    actual, budget = _amounts(columns, mapping, path.name)
    kept = ~np.isnan(actual)
    if not kept.any():
        raise BacktestRefused(f"{path.name}: no row is an actual; check scenario: in the mapping")
    first, last = int(months[kept].min()), int(months[kept].max())
    levels = []
    keys = list(mapping.cells)
    for size in range(len(keys) + 1):
        for chosen in combinations(keys, size):
            values = [columns[mapping.cells[k]] for k in chosen]
            named = [" · ".join(v) for v in zip(*values, strict=True)] if chosen else [COMPANY] * len(months)
            levels.append(
                _level(" x ".join(chosen) or COMPANY, named, months - first, last - first + 1, actual, budget)
            )
    return Periods(path.name, Month(first), Month(last), tuple(levels), len(table.rows), ())


def _table(path: Path) -> Table:
    try:
        table = read_table(path)
    except TableRefused as error:
        raise BacktestRefused(f"{path.name}: {error.problems[0]}") from None
    if not table.rows:
        raise BacktestRefused(f"{path.name} has no rows")
    return table


def _joined(columns: dict[str, list[str]], path: Path, on: str) -> None:
    other = _table(path)
    if on not in other.header or on not in columns:
        raise BacktestRefused(f"{path.name} cannot be joined: both tables need a column {on!r}")
    at = other.header.index(on)
    rows = {row[at]: row for row in other.rows}
    if len(rows) < len(other.rows):
        raise BacktestRefused(f"{path.name} cannot be joined: {on!r} stands in it more than once for some value")
    empty = ("",) * len(other.header)
    for i, name in enumerate(other.header):
        if name not in columns:
            columns[name] = [rows.get(key, empty)[i] for key in columns[on]]


def _month(text: str, name: str, row: int) -> int:
    match = _PERIOD.match(text.strip())
    month = int(match[2]) if match else 0
    if match is None or not 1 <= month <= 12:
        raise BacktestRefused(f"{name}, row {row}: {text[:40]!r} is no month such as 2014-03 or 201403")
    return int(match[1]) * 12 + month - 1


def _amounts(
    columns: dict[str, list[str]], mapping: PeriodMapping, name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """[rows] actual and budget, nan where a row has none."""
    nothing = np.full(len(columns[mapping.period]), np.nan)
    if mapping.amount is not None and mapping.scenario is not None:
        amount = _numbers(columns[mapping.amount], name, mapping.amount)
        kind = np.array(columns[mapping.scenario.column])
        budget = mapping.scenario.budget
        return (
            np.where(kind == mapping.scenario.actual, amount, np.nan),
            np.where(kind == budget, amount, np.nan) if budget is not None else nothing,
        )
    assert mapping.actual is not None
    budgets = nothing if mapping.budget is None else _numbers(columns[mapping.budget], name, mapping.budget)
    return _numbers(columns[mapping.actual], name, mapping.actual), budgets


def _numbers(texts: list[str], name: str, column: str) -> NDArray[np.float64]:
    out = np.full(len(texts), np.nan)
    try:
        mark = decimal_mark(pl.Series("amount", texts, dtype=pl.String), column)
    except ValueError:  # nothing tells: a point
        mark = "."
    for i, text in enumerate(texts):
        plain = text.strip()
        minus = plain.startswith(("-", "−", "("))  # a correction: an amount of a deal may not be one, a month's may
        try:
            found = read_amount(plain.strip("-−()"), mark)
        except ValueError as error:
            raise BacktestRefused(f"{name}: {column} {text[:40]!r} is not {error}") from None
        if found is not None:
            out[i] = -found if minus else found
    return out


def _level(
    level: str,
    named: list[str],
    at: NDArray[np.int64],
    months: int,
    actual: NDArray[np.float64],
    budget: NDArray[np.float64],
) -> Level:
    names = tuple(sorted({n for n, a in zip(named, actual, strict=True) if not np.isnan(a)}))
    index = {n: i for i, n in enumerate(names)}
    place = np.array([index.get(n, -1) for n in named])
    tables = []
    for amount, empty in ((actual, 0.0), (budget, np.nan)):
        kept = ~np.isnan(amount) & (place >= 0) & (at >= 0) & (at < months)
        table = np.zeros((len(names), months))
        np.add.at(table, (place[kept], at[kept]), amount[kept])
        seen = np.zeros_like(table, dtype=bool)
        seen[place[kept], at[kept]] = True
        tables.append(np.where(seen, table, empty))
    planned = ~np.isnan(tables[1]).all(axis=0)  # in a month with budgets, a cell without one is planned at nought
    tables[1] = np.where(np.isnan(tables[1]) & planned, 0.0, tables[1])
    return Level(level, names, *tables)
