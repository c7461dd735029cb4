"""From the page's records to its figures: which numbers go in, in which unit, and what is said without the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from attain.report import charts
from attain.report.optimised import AllocationPart, Optimised
from attain.report.words import Words
from attain.summary.records import GoalSummary, Summary
from attain.wording import month

MOST_BARS = 24
MOST_DUMBBELLS = 60


@dataclass(frozen=True)
class AllocationFigure:
    """One kind of thing moved: its rows and their picture."""

    kind: str
    rows: tuple[AllocationPart, ...]
    drawn: Markup


@dataclass(frozen=True)
class MonthsFigure:
    """The fan and the unit of its amounts."""

    unit: str
    drawn: Markup


def verdict_squares(goal: GoalSummary, words: Words) -> Markup:
    """A hundred squares for the main goal's probability."""
    hits = math.floor(100.0 * goal.probability.value + 0.5)
    return charts.squares(hits, words.t("report.verdict.squares", hits=hits))


def support(goal: GoalSummary, words: Words) -> Markup | None:
    """What the plan brings by confidence; None for a goal of parts."""
    if not goal.supports:
        return None
    target = words.t("report.gap.target", target=words.value(goal.target, goal.unit))
    marks = [
        charts.Mark(
            s.target.value,
            words.t("report.gap.in_paths", p=words.pct(s.confidence)),
            words.value(s.target.value, goal.unit),
        )
        for s in goal.supports
    ]
    points = "; ".join(
        words.t("report.gap.point", p=words.pct(s.confidence), amount=words.value(s.target.value, goal.unit))
        for s in goal.supports
    )
    label = words.t("report.gap.figure_alt", points=points, target=words.value(goal.target, goal.unit))
    return charts.support_line(marks, goal.target, target, label)


def months(summary: Summary, words: Words) -> MonthsFigure | None:
    """The cumulative fan; None for a single month, which a table says better."""
    if len(summary.months) < 2:
        return None
    largest = max(
        [m.cumulative.p90.value for m in summary.months] + [m.planned_cumulative or 0.0 for m in summary.months] + [1.0]
    )
    divisor, unit = words.unit(largest)
    fan = [
        charts.FanMonth(
            axis_label(m.label, i, words),
            p10=m.cumulative.p10.value / divisor,
            p20=m.cumulative.p20.value / divisor,
            p50=m.cumulative.p50.value / divisor,
            p80=m.cumulative.p80.value / divisor,
            p90=m.cumulative.p90.value / divisor,
            planned=None if m.planned_cumulative is None else m.planned_cumulative / divisor,
        )
        for i, m in enumerate(summary.months)
    ]
    last = summary.months[-1]
    end = last.cumulative
    said = {value / divisor: words.money(value) for value in (end.p10.value, end.p50.value, end.p90.value)}
    plan = ""
    if last.planned_cumulative is not None:
        said[last.planned_cumulative / divisor] = words.money(last.planned_cumulative)
        plan = words.t("report.months.alt_plan", planned=words.money(last.planned_cumulative))
    label = words.t(
        "report.months.alt",
        last=words.month(last.label),
        p50=words.money(end.p50.value),
        p10=words.money(end.p10.value),
        p90=words.money(end.p90.value),
        plan=plan,
    )
    return MonthsFigure(unit, charts.fan(fan, said, label))


def axis_label(label: str, i: int, words: Words) -> tuple[str, ...]:
    """A month on the axis: the year under the first one and each January only."""
    name = month(label, words.language, year=False)
    return (name, label[:4]) if i == 0 or label.endswith("-01") else (name,)


def allocation(found: Optimised, words: Words) -> tuple[AllocationFigure, ...]:
    """Bars before and after for each kind of thing that was moved; the largest changes where there are many cells."""
    made = []
    for kind in found.kinds():
        own = tuple(row for row in found.allocation if row.kind == kind)
        if all(row.new == row.plan and row.reference in (None, row.plan) for row in own):
            continue
        by_change = sorted(own, key=lambda row: -abs(row.new - row.plan))[:MOST_BARS]
        shown = [row for row in own if row in by_change]
        pairs = [
            charts.Pair(row.name, row.plan, row.new, lever(row.plan, kind, words), lever(row.new, kind, words))
            for row in shown
        ]
        points = "; ".join(
            words.t("report.optimised.pair", name=p.label, before=p.said_before, after=p.said_after) for p in pairs
        )
        label = words.t("report.optimised.alt", points=points)
        made.append(AllocationFigure(kind, own, charts.bars(pairs, label)))
    return tuple(made)


def lever(value: float | None, kind: str, words: Words) -> str:
    """An allocation's value: money, hours, or a share."""
    if value is None:
        return "–"
    if kind == "budget":
        return words.money(value)
    return words.pct(value) if kind in ("shares", "focus") else words.num(round(value, 1))


def quota_odds(found: Optimised, words: Words) -> Markup | None:
    """The odds of each quota before and after; None where there is nothing to compare."""
    both = [row for row in found.quotas if row.odds_before is not None][:MOST_DUMBBELLS]
    if not both:
        return None
    pairs = [
        charts.Pair(
            row.rep,
            row.odds_before or 0.0,
            row.odds_after,
            words.pct(row.odds_before or 0.0),
            words.pct(row.odds_after),
        )
        for row in both
    ]
    points = "; ".join(
        words.t("report.optimised.pair", name=p.label, before=p.said_before, after=p.said_after) for p in pairs
    )
    ticks = [words.pct(q / 4.0) for q in range(5)]
    return charts.dumbbells(pairs, ticks, words.t("report.quotas_after.alt", points=points))
