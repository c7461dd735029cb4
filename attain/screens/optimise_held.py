"""A mean at required probabilities, and territories in balance, on the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from attain.optimise.records import Amount, Balanced, Kept, MeanGain
from attain.screens.optimise_texts import said
from attain.wording.numbers import Language, money, percent

SHOWN_ROWS = 40
MET_STYLES = {"held": "green", "unclear": "yellow", "missed": "red"}


def metric_in_words(metric: str, language: Language) -> str:
    """bookings, margin, deals won or leads."""
    return said(f"metric_{metric}", language)


def mean_sentence(found: MeanGain, language: Language) -> str:
    """What is expected before and after, and the difference with its interval; the same over a reference."""
    counts = found.metric in ("deals_won", "leads")

    def amount(value: float, signed: bool = False) -> str:
        sign = "-" if value < 0 else "+" if signed else ""
        return sign + (f"{abs(value):,.1f}" if counts else money(abs(value), "", language))

    def said_of(key: str, gain: Amount, base: Amount, **more: str) -> str:
        low, high = gain.interval
        ends = {"low": amount(low, signed=True), "high": amount(high, signed=True)}
        return said(key, language, gain=amount(gain.value, signed=True), share=_share(gain, base), **ends, **more)

    more = {
        "metric": metric_in_words(found.metric, language),
        "before": amount(found.before.value),
        "after": amount(found.after.value),
    }
    lines = [said_of("mean_gain", found.gain, found.before, **more)]
    if found.reference is not None and found.over_reference is not None:
        reference = amount(found.reference.value)
        lines.append(said_of("mean_over", found.over_reference, found.reference, reference=reference))
    return "\n".join(lines)


def _share(gain: Amount, before: Amount) -> str:
    return f"{100.0 * gain.value / before.value:+.1f}%" if before.value > 0 else "–"


def required_table(rows: tuple[Kept, ...], language: Language) -> RenderableType:
    """Each required probability, before and after on fresh paths, and whether it is held."""
    table = _table(("goal", "required_odds", "before", "after", "interval", "met"), language)
    for row in rows:
        low, high = row.after.interval
        table.add_row(
            Text(row.goal),
            percent(row.required, language),
            percent(row.before.probability, language),
            percent(row.after.probability, language),
            f"{percent(low, language)} .. {percent(high, language)}",
            Text(said(f"met_{row.met}", language), style=MET_STYLES[row.met]),
        )
    return Group(Text(said("required", language), style="bold"), table)


def not_held(rows: tuple[Kept, ...], language: Language) -> str:
    """What could not be held, with the highest probability that was found."""
    missed = [
        said(
            "not_held",
            language,
            goal=row.goal,
            required=percent(row.required, language),
            found=percent(row.after.probability, language),
        )
        for row in rows
        if row.met == "missed"
    ]
    return (" " if language == "en" else "").join(missed)


def territory(found: Balanced, language: Language) -> RenderableType:
    """Each rep's work before and after, how far from the mean of comparable reps, and who stands at a limit."""
    band = percent(found.within, language)
    title = said("territory", language, band=band, what=said(f"territory_{found.of}", language))
    table = _table(("rep", "work_before", "off_mean", "work_after", "off_mean", "limit"), language)
    shown = sorted(found.rows, key=lambda row: -abs(row.deviation))[:SHOWN_ROWS]
    for row in (row for row in found.rows if row in shown):
        table.add_row(
            Text(row.rep),
            "" if row.work_before is None else _work(found.of, row.work_before, language),
            "" if row.deviation_before is None else _off(row.deviation_before),
            _work(found.of, row.work, language),
            _off(row.deviation),
            Text(said(f"limit_{row.limit}", language) if row.limit else ""),
        )
    lines: list[RenderableType] = [Text(title, style="bold"), table]
    if len(found.rows) > len(shown):
        lines.append(Text(said("more_reps", language, count=len(found.rows) - len(shown)), style="dim"))
    among = said(f"among_{found.among}", language)
    lines.append(Text(said("territory_how", language, among=among), style="dim"))
    if found.violation > 1e-9:
        worst = percent(found.largest, language, 1)
        lines.append(Text(said("territory_broken", language, worst=worst, band=band), style="yellow"))
    return Group(*lines)


def _off(share: float) -> str:
    return f"{100.0 * share:+.0f}%".replace("-0%", "+0%") if abs(share) < 0.005 else f"{100.0 * share:+.0f}%"


def _work(of: str, value: float, language: Language) -> str:
    return money(value, "", language) if of == "bookings" else f"{value:,.0f}"


def _table(keys: tuple[str, ...], language: Language) -> Table:
    table = Table(box=None, pad_edge=False)
    for key in keys:
        left = key in ("goal", "rep", "met", "limit")
        table.add_column(said(key, language), justify="left" if left else "right", overflow="fold")
    return table
