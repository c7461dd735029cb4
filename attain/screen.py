"""A run's summary on a terminal: what ``attain simulate`` prints for people.

Renderables for rich, in the order in which they are wanted: verdict, what the plan supports, the target broken down,
the funnel, the months, then the rest. Names come from outside, so nothing here is read as markup: all text is `Text`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.panel import Panel
from rich.segment import Segment
from rich.style import Style
from rich.table import Column, Table
from rich.text import Text

from attain.inputs import Input, grouped
from attain.summary.distinction import driver_name, input_name
from attain.summary.records import (
    Driver,
    GoalSummary,
    MonthSummary,
    PartSummary,
    RepSummary,
    Spread,
    Summary,
)
from attain.wording import Language, Month, chance, joined, money, number, percent, said, text
from engine.statistics import Estimate

MOST_REPS = 12
MOST_PARTS = 12
MOST_INPUTS = 8
MOST_DRIVERS = 4
WIDE = 100  # columns from which tables carry their second-rate columns


def screen(
    summary: Summary, language: Language = "en", *, width: int = 100, funnel: RenderableType | None = None
) -> Group:
    """Everything about a run, in order. `funnel` takes the place of the simulated flow where it is given."""
    parts: list[RenderableType | None] = [
        verdict_panel(summary, language),
        warnings_text(summary, language),
        supports_table(summary, language),
        Text(),
        goals_table(summary, language, width),
        *breakdown_tables(summary, language, width),
        funnel if funnel is not None else flow_table(summary, language),
        months_table(summary, language, width),
        reps_table(summary, language, width),
        drivers_table(summary, language),
        inputs_table(summary, language, width),
        run_line(summary, language),
    ]
    return Group(*(part for part in parts if part is not None))


# --- the verdict -----------------------------------------------------------------------------------------------------


def verdict_panel(summary: Summary, language: Language = "en") -> RenderableType | None:
    """The verdict: how likely, that everyone makes quota, why it would miss, what helps, how sure that is."""
    verdict = summary.verdict
    if verdict is None or summary.main is None:
        return None
    style = _colour(summary.goal(summary.main).probability.value)
    lines: list[RenderableType] = [Text(verdict.headline.say(language), style=f"bold {style}")]
    if verdict.everyone is not None:
        lines.append(Text(verdict.everyone.say(language)))
    lines.append(Text())
    lines += [_bullet(reason.say(language)) for reason in verdict.reasons[:3]]
    lines += [_bullet(lever.sentence.say(language), "green") for lever in summary.levers]
    lines.append(Text())
    lines += [Text(error.say(language), style="dim") for error in verdict.errors]
    title = Text(f"{summary.plan}: {text('screen.verdict', language)}")
    return Panel(Group(*lines), title=title, title_align="left", border_style=style, padding=(0, 1))


def _bullet(words: str, style: str = "") -> RenderableType:
    row = Table.grid(Column(), Column(overflow="fold"), padding=(0, 1))
    row.add_row(Text("•", style=style), Text(words))
    return row


def _colour(p: float) -> str:
    return "green" if p >= 0.8 else "yellow" if p >= 0.5 else "red"


def warnings_text(summary: Summary, language: Language = "en") -> RenderableType | None:
    """What a reader must know; None where there is nothing."""
    # Who is overloaded stands in the verdict already.
    shown = [warning for warning in summary.warnings if warning.key != "saturated"]
    if not shown:
        return None
    lines = [Text(text("screen.warnings", language), style="bold yellow")]
    return Group(*lines, *(_bullet(w.sentence.say(language), "yellow") for w in shown), Text())


# --- tables ----------------------------------------------------------------------------------------------------------


def _table(title: str, columns: Iterable[tuple[str, str]]) -> Table:
    """A table with a title; columns are (heading, left or right)."""
    heads = (
        Column(Text(name), justify="right" if side == "right" else "left", overflow="fold") for name, side in columns
    )
    return Table(
        *heads, title=Text(title, style="bold"), title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1)
    )


def _heads(keys: Sequence[str], language: Language, left: int = 1) -> list[tuple[str, str]]:
    """Headings by key, the first `left` columns to the left, the others to the right."""
    return [(text(f"column.{key}", language), "left" if i < left else "right") for i, key in enumerate(keys)]


def _chance_text(estimate: Estimate | None, language: Language) -> Text:
    if estimate is None:
        return Text("–", style="dim")
    return Text(percent(estimate.value, language), style=_colour(estimate.value))


def _half_width(estimate: Estimate, language: Language) -> str:
    points = 50.0 * (estimate.high - estimate.low)
    return f"±{points:.1f}"


def _value(goal: GoalSummary, value: float, language: Language) -> str:
    return money(value, "", language) if goal.unit == "money" else number(value, language)


def _band(spread: Spread, language: Language) -> str:
    """p10 to p90."""
    return f"{money(spread.p10.value, '', language)} – {money(spread.p90.value, '', language)}"


def supports_table(summary: Summary, language: Language = "en") -> RenderableType | None:
    """The gap: the target that the plan reaches 5, 8, 9 and 19 times in 10 and 20, and what that lacks."""
    if summary.main is None or not summary.goal(summary.main).supports:
        return None
    goal = summary.goal(summary.main)
    currency = f" ({summary.currency})" if goal.unit == "money" else ""
    table = _table(
        text("screen.gap", language) + currency, _heads(("confidence", "supported", "between", "missing"), language)
    )
    for support in goal.supports:
        target = support.target
        ends = [_value(goal, end, language) for end in (target.low, target.high)]
        table.add_row(
            Text(chance(support.confidence, language)),
            Text(_value(goal, target.value, language), style="bold"),
            Text(" – ".join(ends), style="dim"),
            Text(_value(goal, support.gap, language) if support.gap > 0.0 else "–"),
        )
    if not summary.levers and goal.probability.value < 0.9:
        table.caption = Text(text("screen.levers_missing", language), style="dim")
        table.caption_justify = "left"
    return table


def goals_table(summary: Summary, language: Language = "en", width: int = 100) -> RenderableType | None:
    """Every goal with its chance and both errors."""
    if not summary.goals:
        return None
    keys = ["goal", "target", "chance", "sampling", "given_inputs", "typical", "range", "shortfall"]
    if width < WIDE:
        keys.remove("range")
    table = _table(f"{text('screen.goals', language)} ({summary.currency})", _heads(keys, language))
    for goal in summary.goals:
        reach = goal.input_range
        given = "–" if reach is None else f"{percent(reach.low, language)} – {percent(reach.high, language)}"
        cells = {
            "goal": Text(goal.name),
            "target": Text(_value(goal, goal.target, language)),
            "chance": _chance_text(goal.probability, language),
            "sampling": Text(_half_width(goal.probability, language), style="dim"),
            "given_inputs": Text(given, style="dim"),
            "typical": Text(_value(goal, goal.values.p50.value, language)),
            "range": Text(
                f"{_value(goal, goal.values.p10.value, language)} – {_value(goal, goal.values.p90.value, language)}"
            ),
            "shortfall": Text("–" if goal.shortfall is None else _value(goal, goal.shortfall.mean, language)),
        }
        table.add_row(*(cells[key] for key in keys))
    return table


def breakdown_tables(summary: Summary, language: Language = "en", width: int = 100) -> list[RenderableType]:
    """Bookings by region, product and segment, where there are several."""
    found: list[RenderableType] = []
    for dimension, parts in (("region", summary.regions), ("product", summary.products), ("segment", summary.segments)):
        if len(parts) > 1:
            found.append(_breakdown(dimension, parts, language, width))
    return found


def _breakdown(dimension: str, parts: Sequence[PartSummary], language: Language, width: int) -> RenderableType:
    title = f"{text('screen.breakdown', language)}: {text(f'dimension.{dimension}', language)}"
    keys = ["part", "target", "chance", "typical", "range", "share"]
    if not any(part.target is not None for part in parts):
        keys = ["part", "typical", "range", "share"]
    table = _table(title, _heads(keys, language))
    for part in parts[:MOST_PARTS]:
        cells = {
            "part": Text("  " * part.depth + part.name),
            "target": Text("–" if part.target is None else money(part.target, "", language)),
            "chance": _chance_text(part.probability, language),
            "typical": Text(money(part.bookings.p50.value, "", language)),
            "range": Text(_band(part.bookings, language)),
            "share": Text(percent(part.share, language, 0)),
        }
        table.add_row(*(cells[key] for key in keys))
    return _cut(table, len(parts) - MOST_PARTS, language)


def _cut(table: Table, left: int, language: Language) -> Table:
    if left > 0:
        table.caption = Text(text("screen.more", language, n=left), style="dim")
        table.caption_justify = "left"
    return table


def flow_table(summary: Summary, language: Language = "en") -> RenderableType | None:
    """The simulated flow: how many deals pass through each stage in a horizon."""
    if not summary.stages:
        return None
    keys = ["stage", "entered", "advanced", "lost", "stale", "rate"]
    if not any(stage.stale for stage in summary.stages):
        keys.remove("stale")
    table = _table(text("screen.funnel", language), _heads(keys, language))
    for stage in summary.stages:
        ended = stage.advanced + stage.lost + stage.stale
        cells = {key: Text(number(round(getattr(stage, key), 1), language)) for key in keys[1:-1]}
        cells["stage"] = Text(stage.name)
        cells["rate"] = Text(percent(stage.advanced / ended, language) if ended else "–")
        table.add_row(*(cells[key] for key in keys))
    return table


def months_table(summary: Summary, language: Language = "en", width: int = 100) -> RenderableType | None:
    """The months as a fan of cumulative bookings beside what the plan's phasing asks."""
    if not summary.months:
        return None
    planned = any(month.planned_cumulative is not None for month in summary.months)
    keys = ["month", "planned", "typical", "on_plan", "fan"] if planned else ["month", "typical", "fan"]
    heads = _heads(keys, language)
    heads[-1] = (heads[-1][0], "left")
    table = _table(f"{text('screen.months', language)} ({summary.currency})", heads)
    most = max(max(m.cumulative.p90.value, m.planned_cumulative or 0.0) for m in summary.months)
    for month in summary.months:
        cells: dict[str, RenderableType] = {
            "month": Text(said(Month(month.label), language), style="dim" if month.past else ""),
            "planned": Text("–" if month.planned_cumulative is None else money(month.planned_cumulative, "", language)),
            "typical": Text(money(month.cumulative.p50.value, "", language)),
            "on_plan": _chance_text(month.on_plan, language),
            "fan": Fan(month, most),
        }
        table.add_row(*(cells[key] for key in keys))
    return table


class Fan:
    """A month's cumulative bookings as a line: thin from p10 to p90, thick from p20 to p80, a dot at p50, the plan."""

    def __init__(self, month: MonthSummary, most: float, width: int = 38) -> None:
        self.month, self.most, self.width = month, most, width

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(12, self.width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(self.width, options.max_width)
        thin, thick, dot, plan = ("-", "=", "o", "|") if options.ascii_only else ("─", "━", "●", "|")
        fan, last = self.month.cumulative, max(width - 1, 0)

        def place(value: float) -> int:
            return 0 if self.most <= 0.0 else max(0, min(last, round(value / self.most * last)))

        letters = [" "] * width
        for letter, low, high in ((thin, fan.p10, fan.p90), (thick, fan.p20, fan.p80), (dot, fan.p50, fan.p50)):
            for i in range(place(low.value), place(high.value) + 1):
                letters[i] = letter
        styles: list[Style] = [Style(color="cyan")] * width
        if self.month.planned_cumulative is not None:
            at = place(self.month.planned_cumulative)
            letters[at], styles[at] = plan, Style(color="yellow", bold=True)
        for letter, style in zip(letters, styles, strict=True):
            yield Segment(letter, style)
        yield Segment.line()


def reps_table(summary: Summary, language: Language = "en", width: int = 100) -> RenderableType | None:
    """The reps; where they are many, those who are overloaded, idle or least likely to make quota."""
    if len(summary.reps) < 2 and not any(rep.state for rep in summary.reps):
        return None
    keys = ["rep", "quota", "chance", "typical", "range", "busy", "queue"]
    if width < WIDE:
        keys.remove("range")
    if all(rep.quota is None for rep in summary.reps):
        keys = [key for key in keys if key not in ("quota", "chance")]
    if all(rep.utilisation is None for rep in summary.reps):
        keys = [key for key in keys if key not in ("busy", "queue")]
    table = _table(f"{text('screen.reps', language)} ({summary.currency})", _heads(keys, language))
    chosen = sorted(summary.reps, key=_concern)[:MOST_REPS] if len(summary.reps) > MOST_REPS else summary.reps
    for rep in chosen:
        table.add_row(*_rep_row(rep, keys, language))
    return _cut(table, len(summary.reps) - len(chosen), language)


def _concern(rep: RepSummary) -> tuple[int, float, str]:
    """Order of concern: overloaded, then unlikely to make quota, then by name."""
    p = 2.0 if rep.probability is None else rep.probability.value
    return ({"saturated": 0, "": 1, "idle": 1}[rep.state], p, rep.name)


def _rep_row(rep: RepSummary, keys: Sequence[str], language: Language) -> list[RenderableType]:
    busy = Text("–", style="dim")
    if rep.utilisation is not None:
        busy = Text(percent(rep.utilisation.value, language, 0))
        if rep.state:
            state = text(f"state.{rep.state}", language)
            busy = Text(f"{state} {busy.plain}", style="red" if rep.state == "saturated" else "dim")
    wait = "–" if rep.queue_days is None else text("screen.days", language, days=round(rep.queue_days, 1))
    cells = {
        "rep": Text(rep.name),
        "quota": Text("–" if rep.quota is None else money(rep.quota, "", language)),
        "chance": _chance_text(rep.probability, language),
        "typical": Text(money(rep.bookings.p50.value, "", language)),
        "range": Text(_band(rep.bookings, language)),
        "busy": busy,
        "queue": Text(wait),
    }
    return [cells[key] for key in keys]


def drivers_table(summary: Summary, language: Language = "en") -> RenderableType | None:
    """What the misses have in common: the sentences, and the process cut as a table."""
    found = summary.distinction
    if found is None:
        return None
    lines: list[RenderableType] = [Text(text("screen.drivers", language), style="bold")]
    lines += [_bullet(words.say(language)) for words in found.sentences]
    for cut in found.cuts:
        if cut.name not in ("process", "inputs"):
            continue
        heads = _heads(("cause", "missed", "hit", "of_gap"), language)
        table = _table(text(f"dimension.{cut.name}", language), heads)
        shown = [driver for driver in cut.drivers if driver.clear][:MOST_DRIVERS]
        for driver in shown:
            name = driver_name(cut.name, driver.name) if cut.name == "process" else input_name(driver.name)
            missed, hit = (_level(cut.name, driver, x, language) for x in (driver.missed, driver.hit))
            part = "–" if driver.share is None else percent(driver.share, language, 0)
            table.add_row(Text(said(name, language)), Text(missed), Text(hit), Text(part))
        if shown:
            lines.append(table)
    return Group(*lines, Text())


def _level(cut: str, driver: Driver, value: float, language: Language) -> str:
    if driver.name == "chance":
        return ""
    if driver.name in ("decided", "win_rate") or cut == "inputs":
        return percent(value, language, 1)
    return money(value, "", language) if driver.name == "deal_value" else number(round(value, 2), language)


# --- what it rests on ------------------------------------------------------------------------------------------------


def inputs_table(summary: Summary, language: Language = "en", width: int = 100) -> RenderableType | None:
    """Every input with its source, alike ones together; where there are many, the doubtful ones first."""
    if not summary.inputs:
        return None
    groups = sorted(grouped(summary.inputs), key=lambda pair: _doubt(pair[0]))
    keys = ["input", "value", "source"] + (["note"] if width >= WIDE else [])
    table = _table(text("screen.inputs", language), _heads(keys, language, left=len(keys)))
    for row, n in groups[:MOST_INPUTS]:
        name = row.name if n == 1 else f"{row.name} {text('screen.times', language, n=n)}"
        cells = [Text(name), Text(row.value), Text(_source(row, language)), Text(row.note, style="dim")]
        table.add_row(*cells[: len(keys)])
    for column, (share, least) in zip(table.columns, ((4, 12), (4, 10), (2, 10), (4, 10)), strict=False):
        column.ratio, column.min_width = share, least
        column.no_wrap, column.overflow = True, "ellipsis"  # a line each: --json says them in full
    counts = Counter(row.origin for row in summary.inputs)
    drawn = joined([said(input_name(name), language) for name in summary.drawn], language)
    drawn = drawn or text("screen.none", language)
    shown = text(
        "screen.inputs_count", language, drawn=drawn,
        **{origin: counts.get(origin, 0) for origin in ("fitted", "given", "assumed", "default")},
    )  # fmt: skip
    return Group(_cut(table, len(groups) - MOST_INPUTS, language), Text(shown), Text())


def _doubt(row: Input) -> int:
    return {"assumed": 0, "fitted": 1, "given": 2, "default": 3}[row.origin]


def _source(row: Input, language: Language) -> str:
    if row.origin in ("fitted", "given") and row.of is not None:
        return text(f"origin.{row.origin}_from", language, of=row.of)
    return text(f"origin.{row.origin}", language)


def run_line(summary: Summary, language: Language = "en") -> RenderableType:
    """What would repeat the run: seed, number, engine, digest."""
    words = text(
        "screen.run", language, plan=summary.plan, n=number(summary.replications, language), seed=str(summary.seed),
        engine=summary.engine, seconds=round(summary.seconds, 1), digest=summary.digest[:16],
    )  # fmt: skip
    return Text(words, style="dim")
