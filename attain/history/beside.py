"""Tables beside a history: accounts, products, people and quotas, read as the history is.

Columns are guessed from their names in English and Chinese, shown, saved in the mapping (``tables:``) and used again.
A row that cannot be read is left out by its line, with the reason. Nothing is joined here: that is ``attain.joined``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from attain.history.cells import amount_column, date_column, name_column
from attain.history.columns import guess, header_unit
from attain.history.mapping import Mapping, TableMapping
from attain.history.records import HistoryRefused, Refusal
from attain.history.sheets import Sheet, sheet_of
from attain.history.spans import Span, read_span
from engine.plan.quantities import Duration, read_duration

KINDS = ("accounts", "products", "people", "quotas")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_PERSON = (
    "name fullname salesagent agent salesrep rep salesperson seller employee employeename accountexecutive owner 姓名 销售姓名 "
    "员工姓名 销售 销售员 销售人员 销售代表 业务员 员工 人员 客户经理 负责人"
)
_PLACE = "region salesregion regionaloffice office territory area branch 大区 区域 销售区域 所属区域 所属大区 地区 办事处 分公司 片区"
# kind -> field -> names of columns, the surest first; compared as a history's are
NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "accounts": {
        "account": _words("account accountname customer customername client company companyname name 客户 客户名称 客户名 公司 "
                          "公司名称 单位名称 账户 名称"),
        "owner": _words("owner accountowner salesagent salesperson salesrep rep 负责人 客户负责人 客户经理 销售 销售员 销售人员 业务员 "
                        "所有人 归属人 跟进人"),
        "segment": _words("segment industry sector vertical customersegment 行业 所属行业 客户行业 细分 客户类型 客户分类 客户类别"),
        "region": _words("region salesregion territory area 大区 区域 销售区域 所属区域 地区 省份"),
        "money": _words("money moneyscore budgetscore 资金 资金评分 预算评分 m分"),
        "authority": _words("authority authorityscore 决策权 决策权评分 权限 a分"),
        "need": _words("need needscore 需求 需求评分 n分"),
    },
    "products": {
        "product": _words("product productname item sku name 产品 产品名称 商品 商品名称 名称"),
        "price": _words("listprice salesprice unitprice standardprice price 标价 目录价 标准价 定价 单价 零售价 价格"),
        "category": _words("family productfamily productcategory category series productline 产品类别 产品大类 产品系列 系列 产品线 "
                           "大类 类别 品类"),
        "cost": _words("unitcost standardcost cost 单位成本 标准成本 成本"),
    },
    "people": {
        "name": _words(_PERSON),
        "manager": _words("manager salesmanager supervisor reportsto teamlead 上级 主管 直属上级 直接上级 经理 销售经理 团队负责人"),
        "region": _words(_PLACE),
        "start": _words("startdate hiredate datehired joindate dateofjoining start hired joined 入职日期 入职时间 到岗日期 上岗日期 入职"),
        "end": _words("enddate leavedate leavingdate terminationdate lastday end left 离职日期 离职时间 离岗日期 离职"),
        "hours": _words("hoursperweek weeklyhours hoursaweek hours 每周工时 周工时 每周小时数 每周工作小时 工时"),
        "ramp": _words("rampmonths rampup ramptime ramp 爬坡期 爬坡月数 上手期 成长期 培养期 适应期"),
    },
    "quotas": {
        "rep": _words(_PERSON),
        "period": _words("period month quarter year date 期间 月份 季度 年份 月 时间 周期"),
        "amount": _words("quota target quotaamount targetamount salesquota amount 指标 配额 目标 任务 业绩指标 销售指标 销售目标 指标金额 金额"),
        "year": _words("annualquota yearlyquota annualtarget yearlytarget 年度指标 年度配额 年指标 年度目标 年度任务 全年指标 全年目标"),
    },
}  # fmt: skip
_KEY = {"accounts": "account", "products": "product", "people": "name", "quotas": "rep"}
_KEY_SAID = {
    "accounts": "the account's name (such as 'Account' or 客户名称)",
    "products": "the product's name (such as 'Product' or 产品名称)",
    "people": "the person's name (such as 'Name', 'Sales Agent' or 姓名)",
    "quotas": "whose quota it is (such as 'Rep' or 姓名)",
}
_AMOUNTS = {"price", "cost"}
_SCORES = {"money", "authority", "need"}
_DATES = {"start", "end"}
MOST_HOURS = 168.0


@dataclass(frozen=True, eq=False)
class Beside:
    """A table as read. ``frame``: a row a line of the file that can be used, with the columns of ``mapping`` typed:
    names as text, start and end as dates, hours, prices and scores as numbers, ramp as text; null where empty. Quotas
    are rep, span (its label), amount, a row each. ``refused``: lines left out."""

    kind: str
    name: str
    rows: int
    frame: pl.DataFrame
    mapping: TableMapping
    refused: tuple[Refusal, ...]
    spans: dict[str, Span] = field(default_factory=dict)

    def has(self, column: str) -> bool:
        """Whether the table has such a column."""
        return column in self.frame.columns


def read_tables(files: dict[str, str | Path | None], mapping: Mapping | None = None) -> dict[str, Beside]:
    """Those of the four that are given, by kind. Raises HistoryRefused in one message."""
    saved = mapping.tables if mapping is not None else {}
    return {
        kind: read_beside(kind, Path(path), saved.get(kind))  # type: ignore[call-overload]
        for kind, path in files.items()
        if path is not None
    }


def read_beside(kind: str, path: Path, mapping: TableMapping | None = None) -> Beside:
    """One table. Raises HistoryRefused in one message where nothing can be made of it."""
    if path.is_dir():
        raise HistoryRefused(f"{path} is a folder: name the table of {kind} in it")
    if not path.is_file():
        raise HistoryRefused(f"{path}: no such file, asked for as --{kind}")
    sheet = sheet_of(path)
    try:
        if mapping is None:
            mapping = guess_table(kind, sheet)
        _check(kind, sheet, mapping)
        reader = _Rows(sheet, mapping)
        read = _quotas(reader) if kind == "quotas" else _plain(kind, reader)
    except (HistoryRefused, ValueError) as refused:
        raise HistoryRefused(f"{path.name}: {refused}") from None
    found, spans = read
    if not found.height:
        first = "; ".join(f"row {r.row}: {r.why}" for r in reader.refusals()[:3])
        raise HistoryRefused(f"{path.name}: no row can be used; {first or 'all are empty'}")
    used = mapping.model_copy(update={"dates": {**mapping.dates, **reader.formats}})
    return Beside(kind, path.name, sheet.height, found, used, tuple(reader.refusals()), spans)


# --- the mapping ------------------------------------------------------------------------------------------------------


def guess_table(kind: str, sheet: Sheet) -> TableMapping:
    """The mapping of a table, from the names of its columns."""
    exact = guess(sheet.header, NAMES[kind], near=False)
    columns = {**guess(sheet.header, {_KEY[kind]: NAMES[kind][_KEY[kind]]}), **exact}
    if kind == "quotas":
        columns = _periods(sheet, columns)
    amounts = [c for f, c in columns.items() if f in _AMOUNTS or (kind == "quotas" and f not in ("rep", "period"))]
    units = {header_unit(c) for c in amounts}
    return TableMapping(columns=columns, unit=units.pop() if len(units) == 1 else 1.0)


def _periods(sheet: Sheet, columns: dict[str, str]) -> dict[str, str]:
    """Quotas by row (rep, period, amount), by period in columns, or one for the year."""
    if "rep" not in columns:
        return columns
    if {"period", "amount"} <= columns.keys():
        return {f: columns[f] for f in ("rep", "period", "amount")}
    spans = {h: read_span(h) for h in sheet.header if h != columns["rep"]}
    wide = {span.label: h for h, span in spans.items() if span is not None}
    if wide:
        return {"rep": columns["rep"], **wide}
    if "year" in columns:
        return {"rep": columns["rep"], "year": columns["year"]}
    return {"rep": columns["rep"], **({"year": columns["amount"]} if "amount" in columns else {})}


def _check(kind: str, sheet: Sheet, mapping: TableMapping) -> None:
    columns = mapping.columns
    absent = [f"{f}: {name!r}" for f, name in columns.items() if name not in sheet.header]
    if absent:
        raise HistoryRefused(
            f"the mapping names columns that it does not have ({', '.join(absent)}); it has: {_all(sheet)}"
        )
    missing = [] if _KEY[kind] in columns else [_KEY_SAID[kind]]
    others = [f for f in columns if f != _KEY[kind]]
    unknown = [f for f in others if f not in NAMES[kind] and (kind != "quotas" or read_span(f) is None)]
    if unknown:
        raise HistoryRefused(f"{', '.join(unknown)}: no such field of {kind}; there are {', '.join(NAMES[kind])}")
    if kind == "quotas":
        if not others or (columns.keys() & {"period", "amount"} and not {"period", "amount"} <= columns.keys()):
            missing.append("the quota: one a year (such as 年度指标), one a period in columns (2026-01, Q1, 1月), or a column "
                           "of periods and one of amounts")  # fmt: skip
    elif not others:
        missing.append(f"anything else of {kind} ({', '.join(f for f in NAMES[kind] if f != _KEY[kind])})")
    if missing:
        raise HistoryRefused(
            f"no column for {'; nor for '.join(missing)}. It has: {_all(sheet)}. Name the columns in a mapping (tables: "
            f"{{{kind}: {{columns: {{{_KEY[kind]}: ...}}}}}}), and pass it with --mapping"
        )


def _all(sheet: Sheet) -> str:
    return ", ".join(sheet.header)[:400]


# --- the rows ---------------------------------------------------------------------------------------------------------


class _Rows:
    """A table's rows being read: the first reason against each kept."""

    def __init__(self, sheet: Sheet, mapping: TableMapping) -> None:
        self.sheet, self.mapping = sheet, mapping
        self.why: dict[int, tuple[str, str]] = {}
        self.formats: dict[str, str] = {}

    def text(self, name: str) -> pl.Series:
        return self.sheet.data[self.mapping.columns[name]]

    def names(self, name: str) -> pl.Series:
        return name_column(self.text(name)).alias(name)

    def refuse(self, wrong: dict[int, str], reason: str) -> None:
        for row, why in wrong.items():
            self.why.setdefault(row, (reason, why))

    def dates(self, name: str) -> pl.Series:
        header = self.mapping.columns[name]
        read = date_column(self.text(name).alias(header), header, known=self.mapping.dates.get(name))
        self.formats |= {name: read.format} if read.format else {}
        self.refuse(read.wrong, "date in another format")
        return read.values.dt.date().alias(name)

    def amounts(self, name: str) -> pl.Series:
        header = self.mapping.columns[name]
        unit = self.mapping.unit if self.mapping.unit != 1.0 else header_unit(header)
        values, wrong = amount_column(self.text(name).alias(header), unit)
        self.refuse(wrong, "amount not readable")
        return values.alias(name)

    def cells(self, name: str, read: Callable[[str], float | str], reason: str) -> pl.Series:
        out: list[float | str | None] = []
        for row, text in enumerate(self.text(name).to_list()):
            try:
                out.append(read(text) if text else None)
            except ValueError as error:
                out.append(None)
                self.refuse({row: f"{self.mapping.columns[name]} {text[:40]!r} is not {error}"}, reason)
        return pl.Series(name, out, dtype=pl.String if name == "ramp" else pl.Float64)

    def refusals(self) -> list[Refusal]:
        return [Refusal(int(self.sheet.lines[i]), reason, why) for i, (reason, why) in sorted(self.why.items())]

    def kept(self, frame: pl.DataFrame) -> pl.DataFrame:
        bad = list(self.why)
        return frame.with_row_index("_row").filter(~pl.col("_row").is_in(bad)).drop("_row")


def _plain(kind: str, reader: _Rows) -> tuple[pl.DataFrame, dict[str, Span]]:
    key = _KEY[kind]
    columns: list[pl.Series] = []
    for name in reader.mapping.columns:
        if name in _DATES:
            columns.append(reader.dates(name))
        elif name in _AMOUNTS:
            columns.append(reader.amounts(name))
        elif name in _SCORES:
            columns.append(reader.cells(name, _score, "score not readable"))
        elif name == "hours":
            columns.append(reader.cells(name, _hours, "hours not readable"))
        elif name == "ramp":
            header = reader.mapping.columns[name]
            columns.append(reader.cells(name, lambda text, h=header: _ramp(text, h), "ramp not readable"))  # type: ignore[misc]
        else:
            columns.append(reader.names(name))
    frame = pl.DataFrame(columns)
    reader.refuse(dict.fromkeys(_where(frame[key].is_null()), f"{reader.mapping.columns[key]} is empty"), "no name")
    if "start" in frame.columns and "end" in frame.columns:
        early = (frame["end"] < frame["start"]).fill_null(value=False)
        reader.refuse(
            {i: f"ends {frame['end'][i]}, before it starts {frame['start'][i]}" for i in _where(early)},
            "ends before it starts",
        )
    again = frame[key].is_not_null() & ~frame[key].is_first_distinct()
    reader.refuse({i: f"{frame[key][i]!r} stands in an earlier row already" for i in _where(again)}, "listed twice")
    return reader.kept(frame), {}


def _quotas(reader: _Rows) -> tuple[pl.DataFrame, dict[str, Span]]:
    """rep, span, amount: a row a quota."""
    rep = reader.names("rep")
    reader.refuse(dict.fromkeys(_where(rep.is_null()), f"{reader.mapping.columns['rep']} is empty"), "no name")
    parts: list[pl.DataFrame] = []
    spans: dict[str, Span] = {}
    if "period" in reader.mapping.columns:
        labels: list[str | None] = []
        for row, text in enumerate(reader.text("period").to_list()):
            span = read_span(text)
            labels.append(span.label if span else None)
            if span is None:
                reader.refuse(
                    {row: f"{reader.mapping.columns['period']} {text[:40]!r} is no month, quarter or year"},
                    "period not readable",
                )
            else:
                spans[span.label] = span
        amount = reader.amounts("amount")
        parts.append(pl.DataFrame([rep, pl.Series("span", labels, dtype=pl.String), amount.alias("amount")]))
    else:
        for name in reader.mapping.columns:
            if name == "rep":
                continue
            span = read_span(name)
            assert span is not None
            spans[span.label] = span
            column = reader.amounts(name).alias("amount")
            parts.append(pl.DataFrame([rep, column]).select("rep", pl.lit(span.label).alias("span"), "amount"))
    found = pl.concat([reader.kept(part) for part in parts]).drop_nulls()
    twice = found.filter(pl.struct("rep", "span").is_duplicated())
    if twice.height:
        rows = ", ".join(
            f"{r} {s}" for r, s in twice.select("rep", "span").unique(maintain_order=True).head(5).iter_rows()
        )
        raise HistoryRefused(
            f"more than one quota of the same person for the same period ({rows}); one each was expected"
        )
    return found, spans


def _where(mask: pl.Series) -> list[int]:
    return [int(i) for i in mask.arg_true()]


def _score(text: str) -> float:
    share = text.endswith(("%", "％"))
    try:
        value = float(text.rstrip("%％")) / (100.0 if share else 1.0)
    except ValueError:
        raise ValueError("a score from 0 to 1, or in percent") from None
    if not 0.0 <= value <= 1.0:
        raise ValueError("a score from 0 to 1, or in percent")
    return value


def _hours(text: str) -> float:
    try:
        value = float(text.rstrip("hH小时 "))
    except ValueError:
        raise ValueError("hours a week, such as 40") from None
    if not 0.0 <= value <= MOST_HOURS:
        raise ValueError("hours a week from 0 to 168")
    return value


_RAMP_UNITS = (
    ("个月", "mo"),
    ("月", "mo"),
    ("months", "mo"),
    ("month", "mo"),
    ("周", "w"),
    ("weeks", "w"),
    ("week", "w"),
    ("days", "cd"),
    ("天", "cd"),
)
_RAMP_HEADERS = (("月", "mo"), ("month", "mo"), ("周", "w"), ("week", "w"), ("天", "cd"), ("day", "cd"))


def _ramp(text: str, header: str) -> str:
    """A ramp as the plan writes it: 3 mo. A plain number has the unit that its column's name says."""
    wanted = ValueError(
        "a time such as 3 mo, 3个月 or 12 w; a plain number needs its unit in the column's name (ramp months)"
    )
    plain = text.strip()
    for word, unit in _RAMP_UNITS:
        if plain.lower().endswith(word):
            plain = f"{plain[: -len(word)].strip()} {unit}"
            break
    else:
        if plain.replace(".", "", 1).isdigit():
            unit = next((u for word, u in _RAMP_HEADERS if word in header.lower()), "")
            if not unit:
                raise wanted
            plain = f"{plain} {unit}"
    try:
        read: Duration = read_duration(plain)
    except ValueError:
        raise wanted from None
    return f"{read.value:g} {read.unit}"
