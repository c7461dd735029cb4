"""One replication on the terminal: what it came to, and its timeline."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from attain.replay import Replay
from attain.wording import money, number, text
from attain.wording.numbers import Language

MOST_EVENTS = 400
_STYLES = {"booked": "bold green", "lost": "red", "stale": "yellow", "arrived": "cyan"}


def screen(replay: Replay, language: Language = "en", most: int = MOST_EVENTS) -> RenderableType:
    """Everything that `attain replay` shows; `most` events at most, the rest are in the JSON."""
    title = text("replay.title", language, k=str(replay.replication), plan=replay.plan, seed=str(replay.seed))
    shown = len(replay.events)
    count = text("replay.events", language, n=shown)
    if replay.around is not None:
        count = text("replay.around", language, what=replay.around, n=shown, of=replay.total_events)
    parts: list[RenderableType] = [
        Text(title, style="bold"),
        Text(),
        goals_table(replay, language),
        Text(),
        Text(count),
    ]
    parts.append(events_table(replay, language, most))
    if shown > most:
        parts.append(Text(text("replay.more", language, n=shown - most), style="dim"))
    return Group(*parts)


def _table(heads: list[tuple[str, bool]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for head, right in heads:
        table.add_column(Text(head), justify="right" if right else "left", overflow="fold")
    return table


def goals_table(replay: Replay, language: Language) -> Table:
    """What each goal came to."""
    names = [(text(f"replay.{key}", language), key != "goal") for key in ("goal", "value", "target")]
    table = _table([*names, ("", False)])
    for goal in replay.goals:
        key, style = ("attained", "green") if goal.attained else ("missed", "red")
        table.add_row(
            Text(goal.name), number(goal.value, language), number(goal.target, language),
            Text(text(f"replay.{key}", language), style=style),
        )  # fmt: skip
    return table


def events_table(replay: Replay, language: Language, most: int = MOST_EVENTS) -> Table:
    """The timeline."""
    keys = (("date", False), ("time", True), ("event", False), ("deal", False), ("stage", False), ("rep", False))
    table = _table(
        [*((text(f"replay.{key}", language), right) for key, right in keys), (text("replay.amount", language), True)]
    )
    for event in replay.events[:most]:
        amount = money(event.amount, replay.currency, language) if event.event == "booked" else ""
        said = text(f"replay.{event.event}", language)
        table.add_row(
            event.date, f"{event.hour:.1f}", Text(said, style=_STYLES.get(event.event, "")), Text(event.deal[:12]),
            Text(event.stage), Text(event.rep), amount,
        )  # fmt: skip
    return table
