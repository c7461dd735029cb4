"""A fitted plan, written for people: YAML in which every number says what it rests on, and the files beside it.

Text is made by hand and not by a dumper, since the comments are half of what a planner reads here; names go in quoted
where YAML would read them as anything else.
"""

from __future__ import annotations

import csv
import io
import json
import math

import numpy as np
import polars as pl

from attain.fitted import Fitted
from attain.fitted_flow import Flow
from attain.fitted_months import StageMonths
from attain.fitted_stages import StageFit
from attain.history.holidays import (
    A_MONTH,
    FESTIVAL,
    WORKING_DAYS,
    Workdays,
    interval,
    mostly_assumed,
    one_more,
)
from attain.history.records import History, reasons
from attain.planpeople import products_text, reps_text, tables_text, waits_of
from attain.plantext import MONTHS, known_odds, name, number, said, wait_form
from attain.spend import DRAWS, SpendFit
from engine.fit.arrivals import Arrivals
from engine.fit.months import Months
from engine.fit.response import Channel


def plan_text(history: History, fitted: Fitted, title: str, stem: str, currency: str) -> str:
    """The plan file's text."""
    parts = [
        _head(history, fitted, title, stem, currency),
        _goals(fitted),
        _stages(history, fitted),
        products_text(fitted),
        reps_text(fitted),
        _sources(fitted),
        _economy(fitted),
        _beside(fitted, stem),
    ]
    return "\n".join(parts)


def _head(history: History, fitted: Fitted, title: str, stem: str, currency: str) -> str:
    left = reasons(history.refused)
    lines = [
        f"# Fitted by `attain calibrate` from {said(history.name)}: {history.rows:,} rows, {history.used:,} used, "
        f"{len(history.refused):,} left out.",
    ]
    lines += [f"#   left out: {n:,} x {said(why)}" for why, n in left.items()]
    if history.paired is not None:
        made = history.paired
        lines.append(f"# Deals: {said(made.file)}: {made.rows:,} rows, {made.rows - len(made.refused):,} used.")
    lines += tables_text(fitted)
    lines += [f"# Columns: {stem}-mapping.yaml. Every comment says what its number rests on."]
    if history.findings:
        lines += ["#", "# Data quality:"]
        lines += [f"#  - {said(f.what)}: {said(f.done)}" for f in history.findings]
    if fitted.refused:
        lines += ["#", "# Not fitted, and what would suffice:"]
        lines += [f"#  - {said(why)}" for why in fitted.refused.values()]
    if history.notes or fitted.notes:
        lines += ["#", "# What was found:"]
        lines += [f"#  - {said(note)}" for note in (*history.notes, *fitted.notes)]
    lines += [
        "",
        "attain: 1",
        f"name: {json.dumps(title, ensure_ascii=False)}",
        f"currency: {currency}  # not in the data: as guessed or given",
        f"horizon: {{start: {fitted.start}, end: {fitted.end}, as_of: {fitted.as_of}}}  # four quarters; as_of "
        "the history's last day",
        _calendar(fitted.works),
        "",
    ]
    return "\n".join(lines)


def _calendar(works: Workdays) -> str:
    """The working week as the history shows it; the usual one goes without saying."""
    calendar = works.calendar()
    usual = "weekend" not in calendar.model_fields_set
    own = "" if usual else f", weekend: [{', '.join(calendar.weekend)}]"
    said = "hardly anything ends on other days" if calendar.weekend else "deals end on all days of the week"
    said = "weekends only" if usual else said
    if calendar.country:
        part = f", subdivision: {name(calendar.subdivision)}" if calendar.subdivision else ""
        return f"calendar: {{country: {name(calendar.country)}{part}{own}}}" + ("" if usual else f"  # {said}")
    return (
        f"calendar: {{hours_per_day: 8{own}}}  # {said}; public holidays, here and in the season: calibrate with "
        "--country US, say"
    )


def _goals(fitted: Fitted) -> str:
    base = fitted.base
    what = "bookings" if fitted.valued else "deals won"
    seen = f"{what} of {base.since} to {base.until}: {number(base.bookings, 6)} from {base.deals:,} deals"
    if base.months < 12:
        seen += f", {base.months} months scaled to a year"
    how = "as given" if fitted.growth is None else f"{1 + fitted.growth:g} x"
    metric = "bookings" if fitted.valued else "deals_won"
    lines = [
        "goals:",
        f"  company: {{metric: {metric}, at_least: {number(fitted.goal)}}}  # {how} "
        f"{'; ' if fitted.growth is None else ''}{seen}",
    ]
    if fitted.valued and sum(r.quota is not None for r in fitted.reps) > 1:
        lines.append("  everyone: {all_of: quotas}  # that every rep makes their quota, jointly")
    return "\n".join([*lines, ""])


def _stages(history: History, fitted: Fitted) -> str:
    lines = [
        "stages:  # effort is not in the data: work is 0 h until you write it, and waits hold the whole time",
        "  # of: how many deals a wait is known from; spread_of: how many its sigma or shape is, where that differs;",
        "  # its posterior is drawn once a replication, as that of advance is",
    ]
    visits = {r.stage: r for r in history.rework}
    for stage in fitted.stages:
        lines += _stage(stage)
        seen = visits.get(stage.name)
        if seen is not None and seen.back:
            lines.insert(
                -1 if stage.won else len(lines),
                f"    # {seen.back:,} of {seen.ended:,} visits went back to an earlier stage; a deal that comes "
                f"here comes "
                f"{number(seen.per_deal, 3)} times: write the work of one visit times that",
            )
    return "\n".join([*lines, ""])


def _stage(stage: StageFit) -> list[str]:
    c = stage.conversion
    wins, of = stage.probability * c.of, c.of
    lines = [
        f"  - name: {name(stage.name)}",
        f"    # {c.entered:,} deals entered: {c.advanced:,} advanced, {c.lost:,} lost, {c.open:,} still open "
        "(censored).",
        f"    # Advanced of entered {c.raw:.3f}; with open deals censored (Aalen-Johansen) {c.probability:.3f}.",
    ]
    if abs(stage.probability - c.probability) >= 0.0005:
        lines.append(f"    # A deal of average odds {stage.probability:.3f}: reps and products spread around it.")
    if of < 0.5 * (c.advanced + c.lost):
        lines.append(
            "    # Known as from fewer deals than there are: conversion has moved between cohorts more than by chance."
        )
    if stage.months is not None:
        lines += month_lines("advance", stage.months, stage.months.odds)
        wins, of = mean_counts(stage.months.odds, c.advanced + c.lost)
    lines += [
        f"    advance: {{wins: {number(wins)}, of: {number(of)}}}",
        "    work: 0 h  # not in the data",
    ]
    for field, wait, kind in (("wait", stage.waits.advance, "advanced"), ("wait_lost", stage.waits.lost, "were lost")):
        if wait is None and field == "wait_lost":
            continue
        n = wait.ended if wait else 0
        lines.append(
            f"    {field}: {wait_form(wait)}  # from {n:,} deals that {kind}, {wait.family if wait else 'none seen'}"
        )
    if stage.months is not None and stage.months.pace is not None:
        lines += month_lines("wait", stage.months, stage.months.pace)
    if stage.won:
        lines.append("    won: true")
    return lines


def mean_counts(odds: Months, most: float) -> tuple[float, float]:
    """wins and of: the probability in a month without an effect, with the error of the months' mean log odds."""
    p = 1 / (1 + math.exp(-odds.mean))
    of = min(most, max(1.0, 1 / (p * (1 - p) * odds.mean_sd**2)))
    return p * of, of


def month_lines(field: str, months: StageMonths, found: Months) -> list[str]:
    """What deals that come in one month share, in odds or in waits."""
    sd, persistence = (f"{number(a, 2)} to {number(b, 2)}" for a, b in (found.sd_range, found.persistence_range))
    lines = [
        f"    # from {found.seen} months with {found.ended:,} ended deals: sd {sd}, persistence {persistence} (95%)",
        f"    {field}_months:",
        f"      sd: {number(found.sd, 3)}",
        f"      persistence: {number(found.persistence, 3)}",
    ]
    if field == "wait":
        lines.append(f"      mean_sd: {number(found.mean_sd, 2)}")
    draws = ", ".join(f"[{number(a, 3)}, {number(b, 3)}]" for a, b in found.draws)
    lines += [f"      draws: [{draws}]  # one a replication", "      known:"]
    for k in range(months.oldest, len(found.effect)):
        values = {
            "times": number(math.exp(found.effect[k]), 4),
            "sd": number(float(found.rest_sd[k]), 3),
            "tie": number(float(found.tie[k]), 3),
            "with_mean": number(float(found.with_mean[k]), 2),
        }
        if field == "advance" and months.open_sd[k] >= 0.005:
            values["open_sd"] = number(float(months.open_sd[k]), 3)
        lines.append(f"        {months.label(k)}: {{{', '.join(f'{n}: {v}' for n, v in values.items())}}}")
    return lines


def _sources(fitted: Fitted) -> str:
    lines = ["sources:  # leads_sd, growth_sd, season_sd: how sure; overdispersion: a month's own luck, beyond Poisson"]
    for flow in fitted.flows:
        lines += _source(flow, fitted)
    if fitted.spend is not None:
        for channel in fitted.spend.responses.channels:
            lines += _spent(fitted.spend, channel, fitted)
    lines += [
        "",
        "routing:",
        "  share:  # of a region's and product's deals in the last twelve months, pulled toward the region's "
        "by 10 deals",
    ]
    for region, shares in fitted.shares.items():
        lines.append(f"    {name(region)}:")
        for product, people in shares.items():
            lines.append(
                f"      {name(product)}: {{{', '.join(f'{name(r)}: {number(s, 3)}' for r, s in people.items())}}}"
            )
    return "\n".join([*lines, ""])


def _source(flow: Flow, fitted: Fitted) -> list[str]:
    a = flow.arrivals
    lines = [
        f"  {name(flow.name)}:",
        f"    # {a.leads:,} deals were created in {a.months} complete months; level is their fit at the middle of "
        f"the horizon, "
        "half of their growth carried on.",
        f"    # The last four months ran at {number(a.recent)} a month, the eight before at {number(a.earlier)}:"
        + (" the flow is moving; check which level will hold." if _moving(a.recent, a.earlier) else " steady."),
        f"    leads_per_month: {number(a.per_month)}",
    ]
    if a.level_sd >= 0.0005:
        lines.append(f"    leads_sd: {number(a.level_sd, 2)}")
    if a.growth_sd > 0:
        lines += [f"    growth: {number(float(math.expm1(a.growth)), 2)}", f"    growth_sd: {number(a.growth_sd, 2)}"]
    if fitted.economy is None and a.overdispersion >= 0.0005:
        lines.append(f"    overdispersion: {number(a.overdispersion, 2)}")
    if any(abs(s - 1) > 1e-9 for s in a.season):
        lines += [
            f"    # by calendar month ({', '.join(MONTHS)}), shrunk to {a.shrinkage:.0%} of what was seen",
            *_moved(a, fitted.works),
            f"    season: [{', '.join(number(s, 3) for s in a.season)}]",
            f"    season_sd: {number(a.season_sd, 2)}",
        ]
    else:
        lines.append("    # no season: the history does not repeat months often enough, or shows no more than chance")
    lines += known_odds("    ", fitted.source_odds.get(flow.name, {}), fitted.source_sds.get(flow.name, {}))
    lines += waits_of("    ", fitted, "source", flow.name)
    share = fitted.accounts.from_accounts.get(flow.name, 0.0) if fitted.accounts else 0.0
    if share and fitted.accounts:
        owned = "owner" in fitted.accounts.rows.columns
        which = "leads that went to their account's owner" if owned else "leads of known accounts"
        rests = f"{which} ({said(fitted.accounts.file)})"
        lines.append(f"    from_accounts: {number(share, 3)}  # {rests}")
    lines.append("    mix:  # deals created in the last twelve months, and those still open")
    for region, row in flow.mix.items():
        lines.append(f"      {name(region)}: {{{', '.join(f'{name(p)}: {n}' for p, n in row.items())}}}")
    return lines


def _moved(found: Arrivals, works: Workdays) -> list[str]:
    """What is in the season and moves from year to year."""
    lines = []
    if FESTIVAL in found.effects:
        middle, low, high = (math.exp(v) for v in interval(*found.effects[FESTIVAL]))
        lines.append(
            f"    #   in it: the Spring Festival, where it falls: x {middle:.2f} in a month with all its days "
            f"(95%: {low:.2f} to {high:.2f})"
        )
    if WORKING_DAYS in found.effects:
        middle, low, high = (one_more(v) for v in interval(*found.effects[WORKING_DAYS]))
        of = f"public holidays of {works.country} known" if works.country else "public holidays not known"
        if mostly_assumed(found.effects[WORKING_DAYS][1]):
            of += "; mostly assumed, since the months say little"
        lines.append(
            f"    #   in it: the plan's own working days; one more in a month of {A_MONTH}: {middle:+.1%} leads "
            f"(95%: {low:+.1%} to {high:+.1%}); {of}"
        )
    return lines


def _spent(spend: SpendFit, channel: Channel, fitted: Fitted) -> list[str]:
    rows, carry = spend.monthly(channel)
    most, half, shape = np.median(rows, axis=0)
    middle, low, high = spend.brought(channel)
    order = np.argsort(rows[:, 0] / (1 + (rows[:, 1] / max(spend.year(channel) / 12, 1e-12)) ** rows[:, 2]))
    kept = rows[order[np.linspace(0, len(rows) - 1, DRAWS).round().astype(int)]]
    draws = ", ".join("[" + ", ".join(number(float(v), 3) for v in row) + "]" for row in kept)
    lines = [
        f"  {name(channel.name)}:",
        f"    # from {spend.responses.periods} periods of {said(spend.table.name)}: {number(middle, 3)} leads a "
        f"month at this "
        f"spend (95%: {number(low, 3)} to {number(high, 3)});",
        f"    # spend tried up to {number(channel.spent[1] * spend.per_month, 3)} a month: beyond that the curve is "
        f"a guess",
        f"    budget: {number(spend.year(channel))}",
        "    response:",
        f"      carry_over: {number(carry, 2)}",
        "      hill:",
        f"        most_leads_per_month: {number(float(most), 3)}",
        f"        half_at: {number(float(half), 3)}",
        f"        shape: {number(float(shape), 3)}",
        f"        draws: [{draws}]  # one a replication",
        "    mix:",
    ]
    for region, row in fitted.mix.items():
        lines.append(f"      {name(region)}: {{{', '.join(f'{name(p)}: {n}' for p, n in row.items())}}}")
    return lines


def _economy(fitted: Fitted) -> str:
    e = fitted.economy
    if e is None:
        return ""
    rows = ", ".join(f"[{number(a, 2)}, {number(b, 2)}, {number(c, 2)}]" for a, b, c in e.draws)
    return "\n".join(
        [
            f"economy:  # from how {e.regions} regions' leads moved together over {e.months} months; 95%: sd "
            f"{number(e.sd_range[0], 2)} to {number(e.sd_range[1], 2)}, regional {number(e.regional_range[0], 2)} to "
            f"{number(e.regional_range[1], 2)}",
            f"  sd: {number(e.sd, 2)}",
            f"  persistence: {number(e.persistence, 2)}",
            f"  regional_sd: {number(e.regional_sd, 2)}",
            "  conversion: 0  # how conversion has moved is in its months, or its {wins, of}; counted once",
            f"  draws: [{rows}]  # sd, persistence, regional_sd: one a replication",
            "",
        ]
    )


def _moving(recent: float, earlier: float) -> bool:
    return earlier > 0 and abs(recent / earlier - 1) > 0.25


def _beside(fitted: Fitted, stem: str) -> str:
    lines = []
    if fitted.accounts is not None and fitted.accounts.rows.height:
        scores = "; scores count once `customers` is written" if fitted.accounts.scored else ""
        lines.append(
            f"accounts: {{file: {name(stem + '-accounts.csv')}}}  # {fitted.accounts.rows.height:,} of "
            f"{said(fitted.accounts.file)}{scores}"
        )
    if fitted.pipeline.height:
        lines.append(f"pipeline: {{file: {name(stem + '-pipeline.csv')}}}  # {fitted.pipeline.height:,} open deals")
    if fitted.actuals.height:
        lines.append(
            f"actuals: {{file: {name(stem + '-actuals.csv')}}}  # {fitted.actuals.height:,} deals won from "
            f"{fitted.start} to {fitted.as_of}: "
            f"{number(float(fitted.actuals['bookings'].sum()), 6)}"
        )
    lines += [
        "",
        "decide:",
        "  shares: {change_at_most: 20%}  # of a rep's share of a cell's leads",
    ]
    if fitted.valued and any(r.quota for r in fitted.reps):
        lines.append("  quotas: {over_assignment: [1.0, 1.1]}")
    return "\n".join([*lines, ""])


# --- the files beside it ----------------------------------------------------------------------------------------------


def pipeline_text(pipeline: pl.DataFrame) -> str:
    """The open deals as CSV: deal, stage, age in calendar days, owner, product, region, value, source."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(pipeline.columns)
    for deal, stage, age, owner, product, region, value, *more in pipeline.iter_rows():
        amount = "" if value is None else f"{value:.2f}"
        writer.writerow([deal, stage, f"{age:.6g} cd", owner or "", product, region, amount, *more])
    return out.getvalue()


def actuals_text(actuals: pl.DataFrame) -> str:
    """What has been won since the horizon's start as CSV: date, rep, product, region, bookings, deals_won."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(actuals.columns)
    for date, rep, product, region, bookings, deals, *more in actuals.iter_rows():
        writer.writerow([date.isoformat(), rep, product, region, f"{bookings:.2f}", deals, *more])
    return out.getvalue()
