"""An optimisation on the terminal: the gain, what moves, quotas, and how far to believe it."""

from __future__ import annotations

import math

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from attain.optimise.records import WHY_NO_BOUND, AllocationRow, Certificate, MeanGain, Optimisation
from attain.screens.optimise_held import mean_sentence, metric_in_words, not_held, required_table, territory
from attain.screens.optimise_quotas import quotas
from attain.screens.optimise_texts import said, wish_in_words
from attain.wording import in_language
from attain.wording.numbers import Language, chance, money, percent

SHOWN_ROWS = 40
STATUS_STYLES = {
    "improved": "bold green",
    "infeasible": "bold red",
    "not_held": "bold red",
    "no_lever": "yellow",
}
NOTHING = 1e-9  # of a total: rounding of floats
LAST_YEAR = ("last_year", "in_proportion")  # what the reference is: of hires there was none last year


def screen(found: Optimisation, language: Language = "en") -> RenderableType:
    """Everything that `attain optimise` shows."""
    parts: list[RenderableType] = [_headline(found, language)]
    if found.required:
        parts += [Text(), required_table(found.required, language)]
    if found.after is not None and (found.mean is None or len(found.goals) > 1):
        parts += [Text(), _odds(found, language)]
    if found.limits:
        parts += [Text(), Text(said("clash", language), style="bold")]
        parts += [Text(f"  - {in_language(limit, language)}") for limit in found.limits]
    for kind in ("headcount", "budget", "shares", "hours", "focus"):
        rows = [row for row in found.allocation if row.kind == kind]
        if rows:
            parts += [Text(), _allocation(kind, rows, language, found.mean)]
        if any(row.months for row in rows):
            parts += [Text(), _by_month(rows, language)]
    if found.territory is not None and found.after is not None:
        parts += [Text(), territory(found.territory, language)]
    if found.quotas:
        parts += [Text(), quotas(found, language)]
    parts += [Text(), *_trust(found, language)]
    return Group(*parts)


def _headline(found: Optimisation, language: Language) -> Text:
    text = Text(found.plan, style="bold")
    text.append("  ")
    style = {"improved": "bold green", "infeasible": "bold red", "not_held": "bold red", "no_lever": "yellow"}.get(
        found.status, "bold"
    )
    text.append(said(f"status_{found.status}", language), style=style)
    if found.before is not None and found.after is not None and found.gain is not None:
        low, high = found.gain.interval
        after = chance(found.after.probability, language)
        values = {
            "before": chance(found.before.probability, language),
            "after": after[:1].lower() + after[1:],
            "points": f"{found.gain.points:+.1f}",
            "low": f"{low:+.1f}",
            "high": f"{high:+.1f}",
        }
        gain = said("gain", language, **values) if found.mean is None else mean_sentence(found.mean, language)
        text.append("\n" + gain)
    if language == "en" or found.status in ("no_lever", "infeasible"):  # else the status has said it
        text.append("\n" + in_language(found.reason, language), style="dim")
    elif found.status == "not_held":
        text.append("\n" + not_held(found.required, language), style="dim")
    return text


def _table(title: str, heads: list[tuple[str, str]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for head, justify in heads:
        table.add_column(head, justify=justify, overflow="fold")  # type: ignore[arg-type]
    return table


def _odds(found: Optimisation, language: Language) -> Table:
    right = "right"
    heads = [("", "left")] + [(said(key, language), right) for key in ("before", "after", "points", "interval")]
    table = _table(said("odds", language), heads)
    rows = [(wish_in_words(found.wish, language), found.before, found.after, found.gain)]
    rows = rows if found.mean is None or len(found.required) > 1 else []
    rows += [(goal.goal, goal.before, goal.after, goal.gain) for goal in found.goals if goal.goal != found.objective]
    for name, before, after, gain in rows:
        if before is not None and after is not None and gain is not None:
            table.add_row(
                Text(name),
                percent(before.probability, language),
                percent(after.probability, language),
                f"{gain.points:+.1f}",
                f"{gain.interval[0]:+.1f} .. {gain.interval[1]:+.1f}",
            )
    if found.reference is not None and found.after is not None and found.over_reference is not None:
        hired = any(row.kind == "headcount" for row in found.allocation)
        over = found.over_reference
        table.add_row(
            Text(said(LAST_YEAR[hired], language)),
            percent(found.reference.probability, language),
            percent(found.after.probability, language),
            f"{over.points:+.1f}",
            f"{over.interval[0]:+.1f} .. {over.interval[1]:+.1f}",
        )
    return table


def _amount(kind: str, value: float, language: Language) -> str:
    if kind == "budget":
        return money(value, "", language)
    if kind == "headcount":
        return f"{value:.0f}"
    return percent(value, language, 1) if kind in ("shares", "focus") else f"{value:.1f}"


def _allocation(
    kind: str, rows: list[AllocationRow], language: Language, mean: MeanGain | None = None
) -> RenderableType:
    """What moves, most first kept; last year's split only where it is not the plan's own, limits where one binds."""
    keys = ["region"] if kind == "headcount" else ["source" if kind == "budget" else "rep", "region", "product"]
    keys += [LAST_YEAR[kind == "headcount"]] if any(row.reference != row.plan for row in rows) else []
    keys += ["plan", "new", "change"]
    unit = _unit(rows) if any(row.marginal is not None for row in rows) else 0.0
    keys += ["marginal" if mean is None else "marginal_mean"] if unit else []
    keys += ["limit"] if any(row.limit for row in rows) else []
    left = ("rep", "source", "region", "product", "limit")
    shown_unit = money(unit, "", language) if kind == "budget" else f"{unit:g}"
    metric = "" if mean is None else metric_in_words(mean.metric, language)
    heads = [(said(key, language, unit=shown_unit, metric=metric), "left" if key in left else "right") for key in keys]
    table = _table(said(kind, language), heads)
    moved = sorted(rows, key=lambda row: -abs(row.new - row.plan))[:SHOWN_ROWS]
    for row in [row for row in rows if row in moved]:
        change = row.new - row.plan
        shown = f"{100.0 * change / row.plan:+.0f}%" if row.plan > 0 else said("new", language) if row.new > 0 else ""
        cells: dict[str, Text | str] = {
            "region": Text(row.region),
            "product": Text(row.product),
            **dict.fromkeys(LAST_YEAR, _amount(kind, row.reference, language)),
            "plan": _amount(kind, row.plan, language),
            "new": _amount(kind, row.new, language),
            "change": Text(shown, style="green" if change > 0 else "red" if change < 0 else ""),
            "marginal": "" if row.marginal is None else f"{row.marginal * unit:+.2f}",
            "marginal_mean": "" if row.marginal is None else f"{row.marginal * unit:+,.0f}",
            "limit": Text(said(row.limit, language) if row.limit else ""),
        }
        table.add_row(*(Text(row.source) if key in ("source", "rep") else cells[key] for key in keys))
    under: list[RenderableType] = [table]
    if len(rows) > len(moved):
        under.append(Text(said("more_rows", language, count=len(rows) - len(moved)), style="dim"))
    if unit and kind == "budget" and mean is None:
        under.append(Text(said("why", language, unit=shown_unit), style="dim"))
    return Group(*under)


def _by_month(rows: list[AllocationRow], language: Language) -> Table:
    """All lines together, month by month; each line's months are in the new plan."""
    keys = ("month", "plan", "new", "change")
    heads = [(said(key, language), "left" if key == "month" else "right") for key in keys]
    table = _table(said("budget_months", language), heads)
    for m, month in enumerate(rows[0].months):
        before, after = (sum(amounts[m] for amounts in each) for each in _months_of(rows))
        change = f"{100.0 * (after - before) / before:+.0f}%" if before > 0 else ""
        table.add_row(month, money(before, "", language), money(after, "", language), change)
    return table


def _months_of(rows: list[AllocationRow]) -> tuple[list[tuple[float, ...]], list[tuple[float, ...]]]:
    return [row.plan_by_month for row in rows], [row.new_by_month for row in rows]


def _unit(rows: list[AllocationRow]) -> float:
    """A round amount for marginal points: about a tenth of a mean cell, an hour, or a hundredth of a share."""
    if rows[0].kind != "budget":
        return 0.01 if rows[0].kind in ("shares", "focus") else 1.0
    mean = sum(row.new for row in rows) / len(rows)
    return 10.0 ** math.floor(math.log10(max(mean, 10.0))) / 10.0


def _effort(found: Optimisation, language: Language) -> str:
    """Paths and seconds by phase."""
    parts = {
        part.phase: said("effort_part", language, paths=f"{part.paths:,}", seconds=f"{part.seconds:.0f}")
        for part in found.effort
    }
    parts.setdefault("bound", said("none", language))
    finalists = sum(1 for trial in found.trials if trial.phase == 2)
    return said("effort", language, finalists=finalists, **parts)


def _bound(bound: Certificate, language: Language) -> list[RenderableType]:
    """What is proven; else why nothing is, and a reference where there is one."""
    if bound.value is not None:
        key, value = f"bound_{bound.label}", percent(bound.value, language)
        return [Text(said(key, language, value=value), style="dim")]
    known = [key for key, sentence in WHY_NO_BOUND.items() if sentence == bound.because]
    because = said(known[0], language) if known else bound.because
    lines: list[RenderableType] = [Text(said("bound", language, because=because), style="dim")]
    if bound.reference is not None:
        value = percent(bound.reference, language)
        lines.append(Text(said("bound_reference", language, value=value), style="dim"))
    return lines


def _trust(found: Optimisation, language: Language) -> list[RenderableType]:
    lines: list[RenderableType] = []
    if found.in_sample is not None and found.after is not None:
        values = {
            "in_sample": percent(found.in_sample, language),
            "paths": f"{found.in_sample_paths:,}",
            "fresh": percent(found.after.probability, language),
            "n": f"{found.replications:,}",
            "optimism": "" if found.optimism is None else f"{100.0 * found.optimism:+.1f}",
            "low": f"{100.0 * (found.optimism_interval or (0.0, 0.0))[0]:+.1f}",
            "high": f"{100.0 * (found.optimism_interval or (0.0, 0.0))[1]:+.1f}",
        }
        lines.append(Text(said("optimism", language, **values)))
        lines += _bound(found.bound, language)
    if found.allocation:
        broken = found.largest_violation
        kind = "violation" if broken > NOTHING else "unbroken"
        lines.append(Text(said(kind, language, value=f"{broken:.0e}"), style="dim"))
        lines.append(Text(_effort(found, language), style="dim"))
    if found.assumed:
        lines.append(Text(said("assumed", language, names=", ".join(found.assumed)), style="yellow"))
    lines += [Text(in_language(note, language), style="cyan") for note in found.notes]
    lines.append(
        Text(
            said("run", language, seed=found.seed, paths=f"{found.simulated:,}", seconds=f"{found.seconds:.0f}"),
            style="dim",
        )
    )
    if found.out is not None:
        lines.append(Text(said("wrote", language, out=found.out)))
    elif found.status in ("improved", "no_gain"):
        lines.append(Text(said("hint", language), style="dim"))
    return lines
