"""A back-calculation on the terminal: the story, what odds take, what each stage, person and month needs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from attain.funnel.reach import LEAST, MOST
from attain.funnel.records import Answer, Funnel
from attain.wording import Amount, Count, Share, chance, money, month, number, percent, text
from attain.wording.numbers import Language
from engine.statistics import Estimate

MOST_ROWS = 14
LATE = 0.9  # a share in time below which a sentence says so


def screen(funnel: Funnel, language: Language = "en") -> RenderableType:
    """Everything that `attain funnel` shows."""
    say = _Words(funnel, language)
    parts: list[RenderableType | None] = [
        Text(say("funnel.title", plan=funnel.plan), style="bold"),
        Text(say("funnel.goal", name=funnel.goal, goal=funnel.sentence)),
        Text(),
        *story(funnel, say),
        takes_table(funnel, say),
        stages_table(funnel, say),
        people_table(funnel, say),
        months_table(funnel, say),
        activities_table(funnel, say),
        pipeline_table(funnel, say),
        Text(),
        Text(
            say(
                "funnel.simulated", n=Count(funnel.replications, "path"), searched=Count(funnel.searched, "path"),
                watched=Count(funnel.watched, "path"), seed=str(funnel.seed), seconds=funnel.seconds,
            ),
            style="dim",
        ),
    ]  # fmt: skip
    return Group(*(part for part in parts if part is not None))


class _Words:
    """Texts and amounts of one back-calculation in one language."""

    def __init__(self, funnel: Funnel, language: Language) -> None:
        self.funnel, self.language = funnel, language

    def __call__(self, key: str, **values: object) -> str:
        return text(key, self.language, **values)

    def amount(self, value: float) -> object:
        """A value of the goal, with its unit."""
        if self.funnel.unit == "money" or self.funnel.metric == "bookings":
            return Amount(value, self.funnel.currency)
        return Count(value, self.funnel.metric)

    def short(self, value: float) -> str:
        """A value of the goal for a table, without its unit."""
        if self.funnel.unit == "money" or self.funnel.metric == "bookings":
            return money(value, "", self.language)
        return number(value, self.language)

    def deals(self, value: float) -> str:
        """A number of deals for a table: to tenths where few."""
        return number(round(value, 1) if abs(value) < 100 else value, self.language)


def story(funnel: Funnel, say: _Words) -> list[RenderableType]:
    """The back-calculation in sentences, and what the simulation says to it."""
    needs, odds = funnel.needs, funnel.odds
    lines: list[Text] = []
    if needs.booked:
        lines.append(Text(say("funnel.booked", booked=say.amount(needs.booked))))
    if needs.in_hand:
        deals = Count(sum(row.deals for row in needs.in_hand), "deal")
        lines.append(Text(say("funnel.in_hand", deals=deals, expected=say.amount(needs.in_hand_expected))))
    if needs.scale is None:
        lines.append(Text(say("funnel.nothing"), style="bold red"))
    elif needs.scale == 0.0:
        lines.append(Text(say("funnel.enough")))
    else:
        leads = Count(_near(needs.scale * needs.leads), "prospect")
        target = say.amount(needs.target)
        if funnel.metric == "bookings":
            each = Amount(needs.per_win, funnel.currency)
            won = Count(_near(sum(win.needed for win in needs.wins)), "deal")
            hand = sum(win.in_hand for win in needs.wins)
            timed = any(stage.in_time is not None and stage.in_time < 1.0 for stage in needs.stages)
            key = "funnel.chain_rest" if hand or timed else "funnel.chain"
            hand_said = say.deals(hand)
            lines.append(Text(say(key, target=target, each=each, deals=won, hand=hand_said, leads=leads)))
        else:
            lines.append(Text(say("funnel.chain_count", target=target, leads=leads)))
    late = needs.stages[0] if needs.stages else None
    if late is not None and late.in_time is not None and late.in_time < LATE:
        lines.append(Text(say("funnel.in_time", stage=late.stage, share=Share(late.in_time))))
    lines += _odds(funnel, say)
    if odds.scale is not None and abs(odds.scale - 1.0) > 1e-9:
        p = funnel.stands
        lines.append(Text(say("funnel.stands", p=Share(p.value), low=Share(p.low), high=Share(p.high))))
    return list(lines)


def _odds(funnel: Funnel, say: _Words) -> list[Text]:
    odds, needs = funnel.odds, funnel.needs
    if odds.probability is None:
        return [] if odds.scale is None else [Text(say("funnel.beyond", times=odds.scale), style="bold red")]
    p = odds.probability
    said = say(
        "funnel.odds",
        chance=_midway(chance(p.value, say.language)),
        p=Share(p.value),
        low=Share(p.low),
        high=Share(p.high),
    )
    lines = [Text(said, style="bold green" if p.low >= 0.8 else "bold red" if p.high < 0.2 else "bold yellow")]
    if odds.mean is not None and odds.mean.high < needs.target * 0.98 and len(needs.wins):
        lines.append(Text(say("funnel.saturated", mean=say.amount(odds.mean.value))))
    elif 0.25 < p.value < 0.75:
        lines.append(Text(say("funnel.average_is_a_middle"), style="dim"))
    return lines


def _midway(said: str) -> str:
    """A phrase as it stands in the middle of a sentence."""
    return said[:1].lower() + said[1:]


def _near(value: float) -> float:
    """To whole deals, up, but for what rounding left over."""
    return float(math.ceil(value - 1e-6))


def _table(title: str, heads: Iterable[str], left: int = 1) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for i, head in enumerate(heads):
        table.add_column(Text(head), justify="left" if i < left else "right", overflow="fold")
    return table


def _spaced(table: Table) -> RenderableType:
    return Group(Text(), table)


def takes_table(funnel: Funnel, say: _Words) -> RenderableType:
    """What 50, 80, 90 and 95% take."""
    heads = [say(f"funnel.{key}") for key in ("for", "prospects", "hours", "target")]
    table = _table(say("funnel.takes"), heads)
    for level in funnel.takes:
        target = Text("–") if level.target is None else Text(_range(level.target, say.short, say))
        table.add_row(
            Text(percent(level.probability, say.language)),
            _answer(level.prospects, "never", say),
            _answer(level.hours, "never_hours", say),
            target,
        )
    return _spaced(table)


def _answer(answer: Answer, never: str, say: _Words) -> Text:
    if answer.status == "no_effect":
        return Text(say("funnel.no_effect"), style="dim")
    if answer.status == "always":
        return Text(say("funnel.always", share=Share(LEAST)))
    if answer.amount is None:
        p = Share(answer.best.value if answer.best is not None else 0.0)
        return Text(say(f"funnel.{never}", times=MOST, p=p), style="red")
    return Text(_range(answer.amount, lambda value: number(_near(value), say.language), say))


def _range(estimate: Estimate, one: Callable[[float], str], say: _Words) -> str:
    high = one(estimate.high) if math.isfinite(estimate.high) else say("funnel.beyond_range")
    low = one(estimate.low) if math.isfinite(estimate.low) else "0"
    return say("funnel.range", value=one(estimate.value), low=low, high=high)


def stages_table(funnel: Funnel, say: _Words) -> RenderableType:
    """Stage by stage: needed, in hand, to find, what the plan brings."""
    keys = ("stage", "needed", "in_hand_column", "missing", "planned", "to_won", "share_in_time")
    table = _table(say("funnel.stages"), [say(f"funnel.{key}") for key in keys])
    for stage in funnel.needs.stages:
        late = "–" if stage.in_time is None else percent(stage.in_time, say.language)
        counts = (stage.needed, stage.in_hand, stage.missing, stage.planned)
        table.add_row(Text(stage.stage), *map(say.deals, counts), percent(stage.to_won, say.language), late)
    wins = funnel.needs.wins
    if wins:
        counts = tuple(sum(getattr(win, key) for win in wins) for key in ("needed", "in_hand", "missing", "planned"))
        table.add_row(Text(say("funnel.won"), style="bold"), *map(say.deals, counts), "", "")
    return _spaced(table)


def _pivot(
    funnel: Funnel, key: str, names: tuple[str, ...], head: str, title: str, say: _Words,
    more: tuple[str, Callable[[str], Text]] | None = None,
) -> Table:  # fmt: skip
    """Needed deals with one row a rep or month and one column a stage, those to win, and one column more."""
    stages = [stage.stage for stage in funnel.needs.stages]
    cells: dict[tuple[str, str], float] = {}
    for row in funnel.needs.rows:
        at = (getattr(row, key), row.stage)
        cells[at] = cells.get(at, 0.0) + row.needed
    won: dict[str, float] = {}
    for win in funnel.needs.wins:
        won[getattr(win, key)] = won.get(getattr(win, key), 0.0) + win.needed
    table = _table(title, [head, *stages, say("funnel.won"), *([more[0]] if more else [])])
    for name in names[:MOST_ROWS]:
        label = month(name, say.language) if key == "month" else name
        row_cells = [say.deals(cells.get((name, stage), 0.0)) for stage in stages]
        last = [more[1](name)] if more else []
        table.add_row(Text(label), *row_cells, say.deals(won.get(name, 0.0)), *last)
    return table


def people_table(funnel: Funnel, say: _Words) -> RenderableType:
    """Person by person, with hours where work takes any."""
    hours = {row.rep: row for row in funnel.needs.hours}

    def said(rep: str) -> Text:
        row = hours[rep]
        both = f"{number(round(row.needed), say.language)} / {number(round(row.there), say.language)}"
        return Text(both, style="red" if row.needed > row.there else "")

    more = (say("funnel.hours_needed"), said) if hours else None
    return _spaced(_pivot(funnel, "rep", funnel.reps, say("funnel.rep"), say("funnel.people"), say, more))


def months_table(funnel: Funnel, say: _Words) -> RenderableType:
    """Month by month, in the month in which deals enter a stage."""
    return _spaced(_pivot(funnel, "month", funnel.months, say("funnel.month"), say("funnel.by_month"), say))


def activities_table(funnel: Funnel, say: _Words) -> RenderableType | None:
    """Visits, bids and signings by person."""
    rows = funnel.needs.activities
    if not rows:
        return None
    names = list(dict.fromkeys(row.activity for row in rows))
    table = _table(say("funnel.activities"), [say("funnel.rep"), *names])
    for rep in funnel.reps[:MOST_ROWS]:
        totals = [sum(row.needed for row in rows if row.rep == rep and row.activity == name) for name in names]
        table.add_row(Text(rep), *map(say.deals, totals))
    return _spaced(table)


def pipeline_table(funnel: Funnel, say: _Words) -> RenderableType | None:
    """Deals in hand by stage and person."""
    rows = funnel.needs.in_hand
    if not rows:
        return None
    keys = ("stage", "rep", "deals", "age", "odds_column", "expected")
    table = _table(say("funnel.pipeline"), [say(f"funnel.{key}") for key in keys], left=2)
    for row in rows[: 2 * MOST_ROWS]:
        odds = percent(row.odds, say.language)
        age = number(round(row.age_days), say.language)
        table.add_row(Text(row.stage), Text(row.rep), str(row.deals), age, odds, say.short(row.expected))
    return _spaced(table)
