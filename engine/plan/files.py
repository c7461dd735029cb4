"""The files beside a plan, read into typed rows: accounts, open deals, actuals, the reference split, columns.

A file is looked for in the plan's folder and nowhere else. Headers may be English or Chinese, in any order; every bad
cell is reported with its file, row and column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from engine.plan.errors import show
from engine.plan.forms import nearest
from engine.plan.quantities import read_duration, read_money
from engine.plan.rows import Account, Actual, OpenDeal, PlanFiles
from engine.plan.tables import Table, TableRefused, read_table
from engine.plan.types import AmountDistribution, Plan, TimeDistribution
from engine.problems import Problem

MOST_FILE_BYTES = 50_000_000
MOST_ROWS = 1_000_000
MOST_SHOWN = 20  # bad cells of one file that are listed one by one

SYNONYMS: dict[str, tuple[str, ...]] = {
    "account": ("customer", "account name", "customer name", "client", "客户", "客户名称", "客户名", "账户"),
    "owner": ("rep", "account owner", "sales rep", "salesperson", "负责人", "客户经理", "销售", "销售员", "所有人"),
    "region": ("territory", "area", "地区", "区域", "大区"),
    "segment": ("industry", "细分", "行业", "客户细分"),
    "money": ("budget score", "资金", "购买力", "money score"),
    "authority": ("authority score", "决策权", "权力"),
    "need": ("need score", "需求",),
    "deal": ("opportunity", "deal id", "opportunity id", "id", "deal name", "商机", "商机编号", "机会", "项目", "编号"),
    "stage": ("sales stage", "current stage", "阶段", "销售阶段", "商机阶段"),
    "age": ("days in stage", "age in stage", "age days", "停留天数", "阶段天数", "已停留"),
    "product": ("product name", "产品", "产品名称", "商品"),
    "source": ("lead source", "campaign", "来源", "线索来源", "渠道"),
    "value": ("amount", "deal value", "金额", "商机金额", "预计金额"),
    "date": ("booked on", "booking date", "closed on", "日期", "签约日期", "成交日期"),
    "rep": ("owner", "sales rep", "salesperson", "销售", "客户经理", "负责人", "销售员"),
    "bookings": ("amount", "value", "booked", "金额", "签约额", "成交金额"),
    "deals_won": ("deals", "count", "deals won", "单数", "成交数", "数量"),
    "budget": ("spend", "amount", "预算", "费用", "投入"),
    "quota": ("target", "配额", "目标", "任务", "指标"),
}  # fmt: skip

Row = TypeVar("Row", Account, OpenDeal, Actual)


@dataclass
class _Shelf:
    """The plan's folder: opens each file once, and collects what is wrong."""

    folder: Path | None
    problems: list[Problem] = field(default_factory=list)
    tables: dict[str, Table | None] = field(default_factory=dict)

    def table(self, name: str, where: str) -> Table | None:
        if name not in self.tables:
            self.tables[name] = self._open(name, where)
        return self.tables[name]

    def _open(self, name: str, where: str) -> Table | None:
        if self.folder is None:
            self.problems.append(Problem(where, name, "a plan that stands in a file, so that its folder is known"))
            return None
        try:
            path = (self.folder / name).resolve()
            inside = path.is_relative_to(self.folder) and not Path(name).is_absolute()
        except (OSError, ValueError, RuntimeError):
            inside = False
        if not inside:
            self.problems.append(Problem(where, name, "a file in the plan's folder or below it"))
            return None
        if not path.is_file():
            beside = [p.name for p in sorted(self.folder.iterdir()) if p.is_file()][:1000]
            self.problems.append(Problem(where, name, "a file that is there", nearest(name, beside)))
            return None
        try:
            return read_table(path, most_bytes=MOST_FILE_BYTES, most_rows=MOST_ROWS)
        except TableRefused as refused:
            for p in refused.problems:
                place = ", ".join(part for part in (name, f"row {p.row}" if p.row else "", p.column) if part)
                self.problems.append(Problem(place, p.value, p.expected))
            return None


def _folded(name: str) -> str:
    return " ".join(name.replace("_", " ").replace("-", " ").casefold().split())


def match_columns(header: Iterable[str], wanted: Iterable[str]) -> dict[str, int]:
    """Where each wanted column stands: by its own name first, then by a synonym; a column serves one field."""
    folded = [_folded(name) for name in header]
    found: dict[str, int] = {}
    names = list(wanted)
    for name in names:
        if _folded(name) in folded:
            found[name] = folded.index(_folded(name))
    for name in names:
        for synonym in SYNONYMS.get(name, ()):
            at = folded.index(synonym) if synonym in folded else -1
            if name not in found and at >= 0 and at not in found.values():
                found[name] = at
    return found


def _rows(
    shelf: _Shelf, name: str, where: str, record: type[Row], readers: Mapping[str, Callable[[str], Any]]
) -> Iterator[Row]:
    table = shelf.table(name, where)
    if table is None:
        return
    columns = match_columns(table.header, list(record.model_fields))
    needed = [str(key) for key, info in record.model_fields.items() if info.is_required() and key not in columns]
    for missing in needed:
        known = ", ".join(SYNONYMS.get(missing, ())) or missing
        expected = f"a column {missing} (or {known})"
        shelf.problems.append(Problem(f"{name}, row 1", ", ".join(table.header)[:200], expected))
    if needed:
        return
    bad = 0
    for line, cells in zip(table.lines, table.rows, strict=True):
        values: dict[str, Any] = {key: cells[at] for key, at in columns.items() if cells[at] != ""}
        found: list[Problem] = []
        for key, read in readers.items():
            if key in values:
                try:
                    values[key] = read(values[key])
                except ValueError as error:
                    wrong = show(values.pop(key))
                    found.append(Problem(f"{name}, row {line}, {table.header[columns[key]]}", wrong, str(error)))
        try:
            row = record.model_validate(values)
            if not found:
                yield row
                continue
        except ValidationError as error:
            found += [_cell(name, line, table, columns, item) for item in error.errors(include_url=False)]
        bad += len(found)
        shelf.problems.extend(found if bad <= MOST_SHOWN else [])
    if bad > MOST_SHOWN:
        shelf.problems.append(Problem(name, f"{bad - MOST_SHOWN} or more further cells", "cells that can be read"))


def _cell(name: str, line: int, table: Table, columns: Mapping[str, int], item: Any) -> Problem:
    key = str(item["loc"][0]) if item["loc"] else ""
    column = table.header[columns[key]] if key in columns else key
    raised = item.get("ctx", {}).get("error")
    expected = str(raised) if raised is not None else "a value" if item["type"] == "missing" else item["msg"]
    return Problem(f"{name}, row {line}, {column}", "" if item["type"] == "missing" else show(item["input"]), expected)


def _age(text: str) -> Any:
    """An age: with its unit, or a plain number of working days."""
    try:
        return read_duration(f"{float(text)} d")
    except ValueError:
        return read_duration(text)


def distributions(plan: Plan) -> Iterator[tuple[str, TimeDistribution | AmountDistribution]]:
    """Every distribution of the plan, with its path."""
    for stage in plan.stages:
        for key in ("work", "wait", "wait_lost"):
            dist = getattr(stage, key)
            if dist is not None:
                yield f"stages.{stage.name}.{key}", dist
    for name, product in plan.products.items():
        yield f"products.{name}.deal_value", product.deal_value
    if plan.customers is not None:
        for key in ("money", "authority", "need"):
            yield f"customers.{key}", getattr(plan.customers, key)


def _column(shelf: _Shelf, where: str, dist: TimeDistribution | AmountDistribution) -> tuple[float, ...]:
    if dist.file is None or dist.column is None:
        return ()
    table = shelf.table(dist.file, f"{where}.empirical.file")
    if table is None:
        return ()
    folded = [_folded(name) for name in table.header]
    if _folded(dist.column) not in folded:
        hint = nearest(dist.column, table.header)
        shelf.problems.append(Problem(f"{where}.empirical.column", dist.column, f"a column of {dist.file}", hint))
        return ()
    at = folded.index(_folded(dist.column))
    values: list[float] = []
    bad = 0
    for line, cells in zip(table.lines, table.rows, strict=True):
        if cells[at] == "":
            continue
        try:
            value = read_money(cells[at])
            if value < 0:
                raise ValueError("a number of zero or more")
            values.append(value)
        except ValueError as error:
            bad += 1
            if bad <= MOST_SHOWN:
                place = f"{dist.file}, row {line}, {table.header[at]}"
                shelf.problems.append(Problem(place, show(cells[at]), str(error)))
    if bad > MOST_SHOWN:
        place = f"{dist.file}, {table.header[at]}"
        shelf.problems.append(Problem(place, f"{bad - MOST_SHOWN} further cells", "cells that can be read"))
    if not values and not bad:
        shelf.problems.append(Problem(f"{dist.file}, {table.header[at]}", "no values", "at least one value"))
    return tuple(values)


_REFERENCE = ("source", "region", "product", "rep", "budget", "quota")


def _reference(shelf: _Shelf, name: str) -> Iterator[dict[str, Any]]:
    table = shelf.table(name, "decide.reference")
    if table is None:
        return
    columns = match_columns(table.header, _REFERENCE)
    if not ({"source", "budget"} <= set(columns) or {"rep", "quota"} <= set(columns)):
        expected = "the columns source and budget (with region, product), or rep and quota"
        shelf.problems.append(Problem(f"{name}, row 1", ", ".join(table.header)[:200], expected))
        return
    for line, cells in zip(table.lines, table.rows, strict=True):
        row: dict[str, Any] = {key: cells[at] for key, at in columns.items() if cells[at] != ""}
        for key in ("budget", "quota"):
            if key in row:
                try:
                    row[key] = read_money(row[key])
                    if row[key] < 0:
                        raise ValueError("an amount of zero or more")
                except ValueError as error:
                    place = f"{name}, row {line}, {table.header[columns[key]]}"
                    shelf.problems.append(Problem(place, show(cells[columns[key]]), str(error)))
        yield row


def read_files(plan: Plan, folder: Path | None) -> tuple[PlanFiles, list[Problem]]:
    """Every file that the plan names, from its folder; and what is wrong with them."""
    shelf = _Shelf(folder)
    accounts = tuple(_rows(shelf, plan.accounts.file, "accounts.file", Account, {})) if plan.accounts else ()
    pipeline = (
        tuple(_rows(shelf, plan.pipeline.file, "pipeline.file", OpenDeal, {"age": _age})) if plan.pipeline else ()
    )
    actuals = tuple(_rows(shelf, plan.actuals.file, "actuals.file", Actual, {})) if plan.actuals else ()
    columns: dict[str, tuple[float, ...]] = {}
    for where, dist in distributions(plan):
        if dist.file is not None and f"{dist.file}:{dist.column}" not in columns:
            columns[f"{dist.file}:{dist.column}"] = _column(shelf, where, dist)
    named = plan.decide.reference if plan.decide else None
    reference = tuple(_reference(shelf, named)) if named else ()
    files = PlanFiles(accounts=accounts, pipeline=pipeline, actuals=actuals, columns=columns, reference=reference)
    return files, shelf.problems
