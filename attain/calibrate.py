"""``attain calibrate``: a plan fitted to a history, ready to simulate.

The workflow: read (``history``), fit (``fitted``, ``engine.fit``), write (``planfile``). All files are written only
when everything has been read and fitted, and the plan has been read back.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import tempfile
from collections.abc import Mapping as Table
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from attain.fitted import CHINA, Fitted, fit, with_spend
from attain.fitted_effort import Capacity, as_json, hours_in, with_effort
from attain.fitted_flow import is_chinese
from attain.fitted_months import StageMonths
from attain.history.beside import Beside, read_tables
from attain.history.currencies import code, read_rates
from attain.history.holidays import FESTIVAL, WORKING_DAYS, interval, known_country, mostly_assumed
from attain.history.mapping import Mapping, read_mapping, write_mapping
from attain.history.paired import Paired
from attain.history.quality import Finding
from attain.history.read import read_history
from attain.history.records import History, HistoryRefused, Refusal, reasons
from attain.joined import Stranger, join, known_by
from attain.planfile import actuals_text, pipeline_text, plan_text
from attain.planpeople import accounts_text
from attain.spend import SpendTable, fit_spend, read_spend
from attain.wording import Language, told
from engine.fit.durations import Wait
from engine.plan.load import load_plan
from engine.plan.quantities import read_money
from engine.plan.types import LoadedPlan
from engine.problems import PlanRefused, Refused

DEFAULT_GROWTH = 0.10
MOST_EXAMPLES = 1000  # rows left out that are listed, for each reason


class GoalRefused(Refused):
    """The goal cannot be read; the message says what was expected."""


_GROWTH = re.compile(r"^\s*([+\-−])\s*(\d+(?:\.\d+)?)\s*[%％]\s*$")


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """What was read, left out and fitted, and the files written. ``as_json`` is what ``--json`` prints."""

    rows: int
    used: int
    refused: tuple[Refusal, ...]
    mapping: Mapping
    fitted: dict[str, Any]
    notes: tuple[str, ...]
    plan: Path
    files: tuple[Path, ...]
    quality: tuple[Finding, ...] = ()
    tables: tuple[Beside, ...] = ()  # read beside the history
    strangers: tuple[Stranger, ...] = ()  # names that one side has and the other has not
    loaded: LoadedPlan | None = None  # the plan as it was read back
    paired: Paired | None = None  # the table of a log's deals

    def as_json(self) -> dict[str, Any]:
        """rows, used, refused (examples by reason), left_out (counts by reason), quality, mapping, fitted, notes, plan,
        files; tables and deals, where some were given."""
        return {
            "rows": self.rows,
            "used": self.used,
            "refused": [{"row": r.row, "why": r.why} for r in examples(self.refused)],
            "left_out": reasons(self.refused),
            "quality": [finding.as_json() for finding in self.quality],
            "mapping": self.mapping.document(),
            "fitted": self.fitted,
            "notes": [str(note) for note in self.notes],
            "plan": str(self.plan),
            "files": [str(f) for f in self.files],
            **({"tables": {table.kind: self._table(table) for table in self.tables}} if self.tables else {}),
            **({"deals": self._deals(self.paired)} if self.paired else {}),
        }

    @staticmethod
    def _deals(paired: Paired) -> dict[str, Any]:
        return {**paired.as_json(), "refused": [{"row": r.row, "why": r.why} for r in examples(paired.refused)]}

    def _table(self, table: Beside) -> dict[str, Any]:
        return {
            "file": table.name,
            "rows": table.rows,
            "used": table.rows - len(table.refused),
            "refused": [{"row": r.row, "why": r.why} for r in examples(table.refused)],
            "unmatched": [s.as_json() for s in self.strangers if s.table == table.kind],
        }


def examples(refused: tuple[Refusal, ...], each: int = MOST_EXAMPLES) -> list[Refusal]:
    """The first rows of each reason, in the order of the file."""
    seen: dict[str, int] = {}
    out = []
    for refusal in refused:
        seen[refusal.reason] = seen.get(refusal.reason, 0) + 1
        if seen[refusal.reason] <= each:
            out.append(refusal)
    return out


def read_goal(text: str | float | None) -> tuple[float | None, float | None]:
    """(amount, None) for an amount such as 5000万; (None, 0.1) for +10%. Raises GoalRefused."""
    if text is None:
        return None, DEFAULT_GROWTH
    if isinstance(text, str):
        match = _GROWTH.match(text)
        if match is not None:
            growth = float(match.group(2)) / 100 * (1 if match.group(1) == "+" else -1)
            if growth <= -1:
                raise GoalRefused(f"the goal {text!r} leaves nothing; expected more than -100%")
            return None, growth
    try:
        amount = read_money(text)
    except ValueError:
        raise GoalRefused(
            f"the goal {text!r} is neither a change such as +10% nor an amount such as 5000万 or 20_000_000"
        ) from None
    if amount <= 0:
        raise GoalRefused(f"the goal {text!r} should be above zero")
    return amount, None


def calibrate(
    history: str | Path,
    out: str | Path,
    goal: str | float | None = None,
    mapping: str | Path | Mapping | None = None,
    *,
    as_of: dt.date | None = None,
    currency: str | None = None,
    title: str | None = None,
    rates: str | Path | None = None,
    table: str = "",
    deals: str | Path | None = None,
    timezone: str = "",
    spend: str | Path | None = None,
    accounts: str | Path | None = None,
    products: str | Path | None = None,
    people: str | Path | None = None,
    quotas: str | Path | None = None,
    capacity: Capacity | None = None,
    known: Table[str, Beside] | None = None,
    country: str | None = None,
    language: Language = "en",
) -> CalibrationResult:
    """Fit a plan to a history and write it to ``out``, with its pipeline, actuals and mapping beside it.

    ``goal``: '+10%' over the last four complete quarters (the default), or an amount. ``mapping``: a saved mapping or
    its file.
    ``as_of``: fit as if the history had ended that day. ``currency``: else guessed. ``rates``: a table of what other
    currencies are worth in it. ``table``: of a database, where ``history`` is its address. ``deals``: the table of a
    log's deals, matched by their numbers. ``timezone``: where the business works, such as Asia/Shanghai. ``spend``:
    a table of spend by week or month, whose effect on leads is fitted. ``accounts``, ``products``, ``people``,
    ``quotas``: tables beside the history (``history.beside``), matched to it by name. ``country``: the code of the one
    whose public holidays are kept; CN where the currency is CNY. ``capacity``: people's hours a week for deals and the
    part of them that they are busy, from which stages' work follows; else the people's table's hours, where it has
    some. ``known``: tables read already, in place of the four files, of which only what was known on the last day
    counts. Raises ``HistoryRefused``,
    ``MappingRefused``, ``GoalRefused`` or ``Refused``, each with one message, and then nothing has been written.
    """
    amount, growth = read_goal(goal)
    country = known_country(country) if country is not None else None
    given = read_mapping(Path(mapping)) if isinstance(mapping, (str, Path)) else mapping
    if rates is not None and currency is None:
        raise HistoryRefused("a table of rates is in some currency: say which with --currency")
    worth = read_rates(Path(rates), code(currency)) if rates is not None and currency is not None else None
    files = {"accounts": accounts, "products": products, "people": people, "quotas": quotas}
    tables = read_tables(files, given) if known is None else known
    whole = read_history(history, mapping=given, as_of=as_of, rates=worth, table=table, deals=deals, timezone=timezone)
    joined = join(whole, tables if known is None else known_by(tables, whole))
    read = joined.history
    money = currency or guess_currency(read)
    chinese = money.upper() == "CNY"
    country = country or (CHINA if chinese else None)
    fitted = fit(joined, amount, growth, country=country, festival=True if chinese else None)
    fitted = with_effort(fitted, joined, capacity or Capacity(), later=known is not None and hours_in(tables))
    if spend is not None:
        fitted = _answered(fitted, read, read_spend(Path(spend)))
    target = Path(out)
    stem = target.name[: -len(target.suffix)] if target.suffix in (".yaml", ".yml") else target.name
    used = read.mapping.model_copy(update={"tables": {k: t.mapping for k, t in tables.items()}})
    texts = {
        target: plan_text(read, fitted, title, stem, money, language),
        target.with_name(f"{stem}-mapping.yaml"): write_mapping(used),
    }
    if fitted.pipeline.height:
        texts[target.with_name(f"{stem}-pipeline.csv")] = pipeline_text(fitted.pipeline)
    if fitted.actuals.height:
        texts[target.with_name(f"{stem}-actuals.csv")] = actuals_text(fitted.actuals)
    if fitted.accounts is not None and fitted.accounts.rows.height:
        texts[target.with_name(f"{stem}-accounts.csv")] = accounts_text(fitted.accounts.rows)
    loaded = _write(texts, target)
    notes = (*read.notes, *fitted.notes)
    if goal is None:
        notes = (*notes, told("fit.assumed_goal", growth=f"{DEFAULT_GROWTH:+.0%}"))
    if as_of is not None and known is None and tables:
        files_of = ", ".join(t.name for t in tables.values())
        notes = (*notes, told("fit.tables_as_they_are", files=files_of, day=as_of.isoformat()))
    return CalibrationResult(
        read.rows,
        read.used,
        read.refused,
        used,
        summary(read, fitted),
        notes,
        target,
        tuple(texts),
        read.findings,
        fitted.beside,
        fitted.strangers,
        loaded,
        read.paired,
    )


def _answered(fitted: Fitted, read: History, table: SpendTable) -> Fitted:
    """What is spent as sources of their own; without them, and why, where the table cannot tell how leads answer."""
    try:
        return with_spend(fitted, fit_spend(table, read.deals["created"].dt.date()))
    except HistoryRefused:
        raise
    except Refused as error:
        return replace(fitted, refused=fitted.refused | {"spend": str(error)})


def _write(texts: Table[Path, str], plan: Path) -> LoadedPlan:
    """All files or none: they are written aside, the plan is read back from there, then all are moved into place."""
    folder = plan.parent
    if not folder.is_dir():
        raise HistoryRefused(f"{folder}: no such folder to write the plan into")
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".attain-") as aside:
            for path, text in texts.items():
                (Path(aside) / path.name).write_text(text, encoding="utf-8", newline="\n")
            found = load_plan(Path(aside) / plan.name)
            for path in texts:
                os.replace(Path(aside) / path.name, path)
    except PlanRefused as refused:
        raise HistoryRefused(f"the plan that was fitted does not hold: {refused.problems[0]}") from None
    except OSError as error:
        raise HistoryRefused(f"{error.filename}: cannot be written ({error.strerror})") from None
    return found.model_copy(update={"path": str(plan)})


def guess_currency(history: History) -> str:
    """The history's own, else CNY where it is in Chinese or counts in 万, else USD: said in the plan as a guess."""
    return history.currency or ("CNY" if is_chinese(history) else "USD")


def _with_sds(odds: dict[str, dict[str, float]], sds: dict[str, dict[str, float]]) -> dict[str, dict[str, list[float]]]:
    """name -> stage -> [odds, sd of their logarithm]."""
    return {n: {s: [m, sds.get(n, {}).get(s, 0.0)] for s, m in row.items()} for n, row in odds.items()}


def _quantiles(wait: Wait | None) -> dict[str, float] | None:
    return None if wait is None else {str(q): wait.quantile(q) for q in (0.25, 0.5, 0.75, 0.9)}


def _spreads(months: StageMonths) -> dict[str, list[float]]:
    """What months differ by: sd and its 95% range, of the logarithms of odds and of waits."""
    both = {"odds": months.odds, "waits": months.pace}
    return {name: [found.sd, *found.sd_range] for name, found in both.items() if found is not None}


def _days(elasticity: float, sd: float) -> dict[str, float | bool]:
    """The elasticity of leads to working days, its 95%, and whether it is mostly the prior's."""
    middle, low, high = interval(elasticity, sd)
    return {"elasticity": middle, "low": low, "high": high, "assumed": mostly_assumed(sd)}


def summary(history: History, fitted: Fitted) -> dict[str, Any]:
    """What was fitted, as JSON-ready numbers."""
    effects = fitted.arrivals.effects
    return {
        "shape": history.shape,
        "as_of": history.as_of.isoformat(),
        "horizon": [fitted.start.isoformat(), fitted.end.isoformat()],
        "stages": [
            {
                "name": s.name,
                "entered": s.conversion.entered,
                "advanced": s.conversion.advanced,
                "lost": s.conversion.lost,
                "open": s.conversion.open,
                "raw": s.conversion.raw,
                "censored": s.conversion.probability,
                "wins": s.probability * s.conversion.of,
                "of": s.conversion.of,
                "wait": _quantiles((s.seen or s.waits).advance),
                "wait_lost": _quantiles((s.seen or s.waits).lost),
                "months": None if s.months is None else _spreads(s.months),
            }
            for s in fitted.stages
        ],
        "raw": history.raw,
        "products": {p: {"mean": a.observed, "deals": a.count} for p, a in fitted.products.items()},
        "regions": list(fitted.regions),
        "reps": len(fitted.reps),
        "leads_per_month": fitted.arrivals.per_month,
        "season": list(fitted.arrivals.season),
        "base": {
            "since": fitted.base.since.isoformat(),
            "until": fitted.base.until.isoformat(),
            "bookings": fitted.base.bookings,
        },
        "growth": fitted.arrivals.growth,
        "leads_sd": fitted.arrivals.level_sd,
        "overdispersion": fitted.arrivals.overdispersion,
        "festival": list(effects[FESTIVAL]) if FESTIVAL in effects else None,
        "working_days": _days(*effects[WORKING_DAYS]) if WORKING_DAYS in effects else None,
        "country": fitted.works.country,
        "sources": {
            f.name: {
                "leads_per_month": f.arrivals.per_month,
                "leads_sd": f.arrivals.level_sd,
                "leads": f.arrivals.leads,
            }
            for f in fitted.flows
        },
        "odds": {
            "reps": {r.name: {s: [m, r.advance_sd.get(s, 0.0)] for s, m in r.advance.items()} for r in fitted.reps},
            "products": _with_sds(fitted.product_odds, fitted.product_sds),
            "sources": _with_sds(fitted.source_odds, fitted.source_sds),
            "spread": fitted.spread,
        },
        "economy": None
        if fitted.economy is None
        else {
            "sd": [fitted.economy.sd, *fitted.economy.sd_range],
            "persistence": [fitted.economy.persistence, *fitted.economy.persistence_range],
            "regional_sd": [fitted.economy.regional_sd, *fitted.economy.regional_range],
        },
        "rework": [
            {"stage": r.stage, "entered": r.entered, "visits": r.visits, "ended": r.ended, "back": r.back}
            for r in history.rework
        ],
        "not_fitted": fitted.refused,
        "spend": None
        if fitted.spend is None
        else {
            c.name: {
                "year": fitted.spend.year(c),
                "leads_per_month": list(fitted.spend.brought(c)),
                "carry": list(c.carry),
            }
            for c in fitted.spend.responses.channels
        },
        **({"effort": as_json(fitted.effort)} if fitted.effort else {}),
        **({"segments": fitted.segments} if fitted.segments else {}),
        **({"gone": {who: day.isoformat() for who, day in fitted.gone}} if fitted.gone else {}),
        "goal": fitted.goal,
        "pipeline": fitted.pipeline.height,
        "actuals": {"deals": fitted.actuals.height, "bookings": float(fitted.actuals["bookings"].sum())},
    }
