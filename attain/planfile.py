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

from attain.effort import Effort
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
from attain.plantext import Comments, effort_head, known_odds, name, number, said, wait_form, work_form
from attain.spend import DRAWS, SpendFit
from attain.wording import Language
from attain.wording.leftout import reason_in, unfitted
from engine.fit.arrivals import Arrivals
from engine.fit.months import Months
from engine.fit.response import Channel

ENDS = ("middle", "low", "high")


def plan_text(
    history: History, fitted: Fitted, title: str | None, stem: str, currency: str, language: Language = "en"
) -> str:
    """The plan file's text, its comments in a language; titled after the history unless a title is given."""
    say = Comments(language)
    parts = [
        _head(history, fitted, title, stem, currency, say),
        _goals(fitted, say),
        _stages(history, fitted, say),
        products_text(fitted, say),
        reps_text(fitted, say),
        _sources(fitted, say),
        _economy(fitted, say),
        _beside(fitted, stem, say),
    ]
    return "\n".join(parts)


def _head(history: History, fitted: Fitted, title: str | None, stem: str, currency: str, say: Comments) -> str:
    left = reasons(history.refused)
    counts = {"rows": f"{history.rows:,}", "used": f"{history.used:,}", "left": f"{len(history.refused):,}"}
    lines = [f"# {say('head', history=said(history.name), **counts)}"]
    lines += [f"#   {say('left', n=f'{n:,}', why=said(reason_in(why, say.language)))}" for why, n in left.items()]
    if history.paired is not None:
        made = history.paired
        used = f"{made.rows - len(made.refused):,}"
        lines.append(f"# {say('table.deals', file=said(made.file), rows=f'{made.rows:,}', used=used)}")
    lines += tables_text(fitted, say)
    lines += [f"# {say('columns', file=f'{stem}-mapping.yaml')}"]
    if history.findings:
        lines += ["#", f"# {say('quality')}"]
        lines += [
            f"#  - {say('finding', what=say.outside(f.what), done=say.outside(f.done))}" for f in history.findings
        ]
    if fitted.refused:
        lines += ["#", f"# {say('not_fitted')}"]
        lines += [f"#  - {said(unfitted(why, say.language))}" for why in fitted.refused.values()]
    if history.notes or fitted.notes:
        lines += ["#", f"# {say('found')}"]
        lines += [f"#  - {say.outside(note)}" for note in (*history.notes, *fitted.notes)]
    lines += [
        "",
        "attain: 1",
        f"name: {json.dumps(title or say('title', history=history.name), ensure_ascii=False)}",
        f"currency: {currency}  # {say('currency')}",
        f"horizon: {{start: {fitted.start}, end: {fitted.end}, as_of: {fitted.as_of}}}  # {say('horizon')}",
        _calendar(fitted.works, say),
        "",
    ]
    return "\n".join(lines)


def _calendar(works: Workdays, say: Comments) -> str:
    """The working week as the history shows it; the usual one goes without saying."""
    calendar = works.calendar()
    usual = "weekend" not in calendar.model_fields_set
    own = "" if usual else f", weekend: [{', '.join(calendar.weekend)}]"
    week = say("weekends" if usual else "weekend" if calendar.weekend else "no_weekend")
    if calendar.country:
        part = f", subdivision: {name(calendar.subdivision)}" if calendar.subdivision else ""
        return f"calendar: {{country: {name(calendar.country)}{part}{own}}}" + ("" if usual else f"  # {week}")
    return f"calendar: {{hours_per_day: 8{own}}}  # {say('no_country', week=week)}"


def _goals(fitted: Fitted, say: Comments) -> str:
    base = fitted.base
    metric = "bookings" if fitted.valued else "deals_won"
    span = {"since": base.since, "until": base.until}
    seen = say("base", what=say(metric), amount=number(base.bookings, 6), deals=f"{base.deals:,}", **span)
    if base.months < 12:
        seen = say("base_scaled", base=seen, n=base.months)
    how = say("as_given", base=seen)
    if fitted.growth is not None:
        how = say("times", times=f"{1 + fitted.growth:g}", base=seen)
    lines = ["goals:", f"  company: {{metric: {metric}, at_least: {number(fitted.goal)}}}  # {how}"]
    if fitted.valued and sum(r.quota is not None for r in fitted.reps) > 1:
        lines.append(f"  everyone: {{all_of: quotas}}  # {say('everyone')}")
    return "\n".join([*lines, ""])


def _stages(history: History, fitted: Fitted, say: Comments) -> str:
    effort = {e.stage: e for e in fitted.effort.stages} if fitted.effort else {}
    lines = [
        *effort_head(fitted.effort, say),
        f"  # {say('of')}",
        f"  # {say('posterior')}",
    ]
    visits = {r.stage: r for r in history.rework}
    for stage in fitted.stages:
        lines += _stage(stage, effort.get(stage.name), fitted.effort is not None and fitted.effort.split, say)
        seen = visits.get(stage.name)
        if seen is not None and seen.back and stage.name not in effort:
            counts = {"back": f"{seen.back:,}", "ended": f"{seen.ended:,}", "times": number(seen.per_deal, 3)}
            lines.insert(-1 if stage.won else len(lines), f"    # {say('returns', **counts)}")
    return "\n".join([*lines, ""])


def _stage(stage: StageFit, effort: Effort | None, split: bool, say: Comments) -> list[str]:
    c = stage.conversion
    wins, of = stage.probability * c.of, c.of
    counts = {k: f"{getattr(c, k):,}" for k in ("entered", "advanced", "lost", "open")}
    lines = [
        f"  - name: {name(stage.name)}",
        f"    # {say('entered', **counts)}",
        f"    # {say('rates', raw=f'{c.raw:.3f}', censored=f'{c.probability:.3f}')}",
    ]
    if abs(stage.probability - c.probability) >= 0.0005:
        lines.append(f"    # {say('average', p=f'{stage.probability:.3f}')}")
    if of < 0.5 * (c.advanced + c.lost):
        lines.append(f"    # {say('fewer')}")
    if stage.months is not None:
        lines += month_lines("advance", stage.months, stage.months.odds, say)
        wins, of = mean_counts(stage.months.odds, c.advanced + c.lost)
    lines += [
        f"    advance: {{wins: {number(wins)}, of: {number(of)}}}",
        f"    work: {work_form(effort, split, say)}",
    ]
    for field, wait, kind in (("wait", stage.waits.advance, "advanced"), ("wait_lost", stage.waits.lost, "lost")):
        if wait is None and field == "wait_lost":
            continue
        seen = say(kind, n=f"{wait.ended if wait else 0:,}", family=wait.family if wait else say("none_seen"))
        lines.append(f"    {field}: {wait_form(wait)}  # {seen}")
    if stage.months is not None and stage.months.pace is not None:
        lines += month_lines("wait", stage.months, stage.months.pace, say)
    if stage.won:
        lines.append("    won: true")
    return lines


def mean_counts(odds: Months, most: float) -> tuple[float, float]:
    """wins and of: the probability in a month without an effect, with the error of the months' mean log odds."""
    p = 1 / (1 + math.exp(-odds.mean))
    of = min(most, max(1.0, 1 / (p * (1 - p) * odds.mean_sd**2)))
    return p * of, of


def month_lines(field: str, months: StageMonths, found: Months, say: Comments) -> list[str]:
    """What deals that come in one month share, in odds or in waits."""
    sd, persistence = (say.range(*ends) for ends in (found.sd_range, found.persistence_range))
    rests = say("months", months=found.seen, ended=f"{found.ended:,}", sd=sd, persistence=persistence)
    lines = [
        f"    # {rests}",
        f"    {field}_months:",
        f"      sd: {number(found.sd, 3)}",
        f"      persistence: {number(found.persistence, 3)}",
    ]
    if field == "wait":
        lines.append(f"      mean_sd: {number(found.mean_sd, 2)}")
    draws = ", ".join(f"[{number(a, 3)}, {number(b, 3)}]" for a, b in found.draws)
    lines += [f"      draws: [{draws}]  # {say('one_each')}", "      known:"]
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


def _sources(fitted: Fitted, say: Comments) -> str:
    lines = [f"sources:  # {say('sources')}"]
    for flow in fitted.flows:
        lines += _source(flow, fitted, say)
    if fitted.spend is not None:
        for channel in fitted.spend.responses.channels:
            lines += _spent(fitted.spend, channel, fitted, say)
    lines += [
        "",
        "routing:",
        f"  share:  # {say('shares')}",
    ]
    for region, shares in fitted.shares.items():
        lines.append(f"    {name(region)}:")
        for product, people in shares.items():
            lines.append(
                f"      {name(product)}: {{{', '.join(f'{name(r)}: {number(s, 3)}' for r, s in people.items())}}}"
            )
    return "\n".join([*lines, ""])


def _source(flow: Flow, fitted: Fitted, say: Comments) -> list[str]:
    a = flow.arrivals
    pace = "moving" if _moving(a.recent, a.earlier) else "steady"
    lines = [
        f"  {name(flow.name)}:",
        f"    # {say('created', leads=f'{a.leads:,}', months=a.months)}",
        f"    # {say(pace, recent=number(a.recent), earlier=number(a.earlier))}",
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
            f"    # {say('season', months=say('month_names'), share=f'{a.shrinkage:.0%}')}",
            *_moved(a, fitted.works, say),
            f"    season: [{', '.join(number(s, 3) for s in a.season)}]",
            f"    season_sd: {number(a.season_sd, 2)}",
        ]
    else:
        lines.append(f"    # {say('no_season')}")
    lines += known_odds("    ", fitted.source_odds.get(flow.name, {}), fitted.source_sds.get(flow.name, {}))
    lines += waits_of("    ", fitted, "source", flow.name)
    share = fitted.accounts.from_accounts.get(flow.name, 0.0) if fitted.accounts else 0.0
    if share and fitted.accounts:
        which = "to_owner" if "owner" in fitted.accounts.rows.columns else "of_known"
        lines.append(f"    from_accounts: {number(share, 3)}  # {say(which, file=said(fitted.accounts.file))}")
    lines.append(f"    mix:  # {say('mix')}")
    for region, row in flow.mix.items():
        lines.append(f"      {name(region)}: {{{', '.join(f'{name(p)}: {n}' for p, n in row.items())}}}")
    return lines


def _moved(found: Arrivals, works: Workdays, say: Comments) -> list[str]:
    """What is in the season and moves from year to year."""
    lines = []
    if FESTIVAL in found.effects:
        values = dict(zip(ENDS, (f"{math.exp(v):.2f}" for v in interval(*found.effects[FESTIVAL])), strict=True))
        lines.append(f"    #   {say('festival', **values)}")
    if WORKING_DAYS in found.effects:
        values = dict(zip(ENDS, (f"{one_more(v):+.1%}" for v in interval(*found.effects[WORKING_DAYS])), strict=True))
        of = say("holidays_known", country=works.country) if works.country else say("holidays_unknown")
        if mostly_assumed(found.effects[WORKING_DAYS][1]):
            of = say("mostly_assumed", of=of)
        lines.append(f"    #   {say('working_days', days=A_MONTH, of=of, **values)}")
    return lines


def _spent(spend: SpendFit, channel: Channel, fitted: Fitted, say: Comments) -> list[str]:
    rows, carry = spend.monthly(channel)
    most, half, shape = np.median(rows, axis=0)
    brought = dict(zip(ENDS, (number(v, 3) for v in spend.brought(channel)), strict=True))
    order = np.argsort(rows[:, 0] / (1 + (rows[:, 1] / max(spend.year(channel) / 12, 1e-12)) ** rows[:, 2]))
    kept = rows[order[np.linspace(0, len(rows) - 1, DRAWS).round().astype(int)]]
    draws = ", ".join("[" + ", ".join(number(float(v), 3) for v in row) + "]" for row in kept)
    lines = [
        f"  {name(channel.name)}:",
        f"    # {say('spend', n=spend.responses.periods, file=said(spend.table.name), **brought)}",
        f"    # {say('tried', most=number(channel.spent[1] * spend.per_month, 3))}",
        f"    budget: {number(spend.year(channel))}",
        "    response:",
        f"      carry_over: {number(carry, 2)}",
        "      hill:",
        f"        most_leads_per_month: {number(float(most), 3)}",
        f"        half_at: {number(float(half), 3)}",
        f"        shape: {number(float(shape), 3)}",
        f"        draws: [{draws}]  # {say('one_each')}",
        "    mix:",
    ]
    for region, row in fitted.mix.items():
        lines.append(f"      {name(region)}: {{{', '.join(f'{name(p)}: {n}' for p, n in row.items())}}}")
    return lines


def _economy(fitted: Fitted, say: Comments) -> str:
    e = fitted.economy
    if e is None:
        return ""
    rows = ", ".join(f"[{number(a, 2)}, {number(b, 2)}, {number(c, 2)}]" for a, b, c in e.draws)
    ranges = {"sd": say.range(*e.sd_range), "own": say.range(*e.regional_range)}
    rests = say("economy", regions=e.regions, months=e.months, **ranges)
    return "\n".join(
        [
            f"economy:  # {rests}",
            f"  sd: {number(e.sd, 2)}",
            f"  persistence: {number(e.persistence, 2)}",
            f"  regional_sd: {number(e.regional_sd, 2)}",
            f"  conversion: 0  # {say('conversion')}",
            f"  draws: [{rows}]  # {say('triples')}",
            "",
        ]
    )


def _moving(recent: float, earlier: float) -> bool:
    return earlier > 0 and abs(recent / earlier - 1) > 0.25


def _beside(fitted: Fitted, stem: str, say: Comments) -> str:
    lines = []
    if fitted.accounts is not None and fitted.accounts.rows.height:
        scored = "accounts_scored" if fitted.accounts.scored else "accounts"
        known = say(scored, n=f"{fitted.accounts.rows.height:,}", file=said(fitted.accounts.file))
        lines.append(f"accounts: {{file: {name(stem + '-accounts.csv')}}}  # {known}")
    if fitted.pipeline.height:
        opened = say("open", n=f"{fitted.pipeline.height:,}")
        lines.append(f"pipeline: {{file: {name(stem + '-pipeline.csv')}}}  # {opened}")
    if fitted.actuals.height:
        amount = number(float(fitted.actuals["bookings"].sum()), 6)
        span = {"since": fitted.start, "until": fitted.as_of}
        booked = say("actuals", n=f"{fitted.actuals.height:,}", amount=amount, **span)
        lines.append(f"actuals: {{file: {name(stem + '-actuals.csv')}}}  # {booked}")
    lines += [
        "",
        "decide:",
        f"  shares: {{change_at_most: 20%}}  # {say('decide')}",
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
