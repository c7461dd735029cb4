"""A comparison on the terminal: who beats whom by how much, which is best, and how each plan stands."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from attain.compare import Comparison, Difference, GoalStanding
from attain.wording import Amount, Share, money, number, percent, text
from attain.wording.numbers import Language


def screen(found: Comparison, language: Language = "en") -> RenderableType:
    """Everything that `attain compare` shows."""
    parts: list[RenderableType] = [Text(text("compare.title", language), style="bold")]
    for plan in found.plans:
        varied = f"  ({', '.join(plan.sets)})" if plan.sets else ""
        parts.append(Text.assemble((f"  {plan.letter}  ", "bold"), plan.name, (varied, "dim")))
    parts.append(Text())
    parts += [_sentence(difference, language) for difference in found.differences if difference.goal == _main(found)]
    if len(found.plans) > 2:
        parts += [
            Text(text("compare.best", language, goal=best.goal, plan=best.best, p=Share(best.probability)))
            for best in found.best
            if best.goal == _main(found)
        ]
    parts += _notes(found, language)
    parts += [Text(), standings_table(found, language), Text(), differences_table(found, language)]
    return Group(*parts)


def _main(found: Comparison) -> str:
    """The goal that the sentences are about: the main one where two plans have it, else the first that they share."""
    goals = [difference.goal for difference in found.differences]
    return found.main if found.main in goals else goals[0]


def _points(value: float) -> str:
    return f"{value:.1f}".replace("-0.0", "0.0")


def _sentence(difference: Difference, language: Language) -> Text:
    points = difference.points
    key, style, sign = "compare.even", "yellow", 1.0
    if points.low > 0.0:
        key, style = "compare.better", "bold green"
    elif points.high < 0.0:
        key, style, sign = "compare.worse", "bold red", -1.0
    low, high = sorted((sign * points.low, sign * points.high))
    said = text(
        key, language, a=difference.a, b=difference.b, goal=difference.goal, points=_points(sign * points.value),
        low=_points(low), high=_points(high),
    )  # fmt: skip
    return Text(said, style=style)


def _notes(found: Comparison, language: Language) -> list[Text]:
    lines = []
    worth = [d.worth for d in found.differences if d.goal == _main(found) and d.worth is not None]
    if worth and min(worth) > 1.0:
        lines.append(Text(text("compare.worth", language, times=min(worth)), style="dim"))
    for goal in found.different_targets:
        targets = tuple(
            f"{plan.letter}: {_value(own, own.target, plan.currency, language)}"
            for plan in found.plans
            for own in plan.goals
            if own.goal == goal
        )
        lines.append(
            Text(text("compare.targets_differ", language, goal=goal, targets="; ".join(targets)), style="yellow")
        )
    if found.not_shared:
        lines.append(Text(text("compare.only_in", language, goals=found.not_shared), style="dim"))
    if len({plan.currency for plan in found.plans}) > 1:
        lines.append(Text(text("compare.currencies", language), style="yellow"))
    if found.replications < found.asked:
        lines.append(Text(text("compare.partial", language, n=found.replications, asked=found.asked), style="yellow"))
    return lines


def _value(goal: GoalStanding, value: float, currency: str, language: Language) -> str:
    return money(value, currency, language) if goal.unit == "money" else number(value, language)


def _table(title: str, heads: list[str], left: int) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for i, head in enumerate(heads):
        table.add_column(Text(head), justify="left" if i < left else "right", overflow="fold")
    return table


def standings_table(found: Comparison, language: Language) -> Table:
    """Every goal of every plan: its probability and mean, and how likely the plan is best on it."""
    heads = [text(f"compare.{key}", language) for key in ("goal", "plan", "probability", "mean", "chance_best")]
    table = _table("", heads, left=2)
    chances = {
        (best.goal, plan.letter): chance
        for best in found.best
        for plan, chance in zip(found.plans, best.probabilities, strict=True)
    }
    goals = list(dict.fromkeys(goal.goal for plan in found.plans for goal in plan.goals))
    for name in goals:
        for plan in found.plans:
            for goal in plan.goals:
                if goal.goal != name:
                    continue
                p = goal.probability
                likely = chances.get((name, plan.letter))
                table.add_row(
                    Text(name),
                    Text(plan.letter),
                    f"{percent(p.value, language)} ({percent(p.low, language)} – {percent(p.high, language)})",
                    _value(goal, goal.mean.value, plan.currency, language),
                    "–" if likely is None else percent(likely, language),
                )
    return table


def differences_table(found: Comparison, language: Language) -> Table:
    """Every pair on every goal, b over a."""
    heads = [text("compare.goal", language), "", text("compare.points", language), "95%"]
    heads.append(text("compare.difference", language))
    table = _table("", heads, left=2)
    currency = {plan.letter: plan.currency for plan in found.plans}
    units = {(plan.letter, goal.goal): goal.unit for plan in found.plans for goal in plan.goals}
    for d in found.differences:
        gain: object = "–"
        if d.mean is not None:
            is_money = units[d.a, d.goal] == "money"
            gain = Amount(d.mean.value, currency[d.a]) if is_money else d.mean.value
        said = money(gain.value, gain.currency, language) if isinstance(gain, Amount) else gain
        table.add_row(
            Text(d.goal),
            Text(text("compare.of_over", language, a=d.a, b=d.b)),
            f"{d.points.value:+.1f}",
            f"{d.points.low:+.1f} – {d.points.high:+.1f}",
            Text(number(said, language) if isinstance(said, float) else str(said)),
        )
    return table
