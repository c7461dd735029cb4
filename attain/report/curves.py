"""Figures of a back-test's page: the reliability curve and the histogram of where outcomes fell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
from markupsafe import Markup

from attain.report.charts import INK, MAIN, MUTED, PLAN, QUIET, SIZE, _chart, _spec
from attain.report.svg import rendered

SIDE = 340.0


@dataclass(frozen=True)
class Curve:
    """One method's dots: (probability given, share that happened, events); the first is drawn in the main colour."""

    name: str
    dots: tuple[tuple[float, float, int], ...]


def reliability(curves: Sequence[Curve], label: str, given: str, happened: str) -> Markup:
    """Share that happened over the probability given, with the diagonal on which they are the same."""
    scale = alt.Scale(domain=[0, 1], nice=False)
    axis = alt.Axis(values=[0, 0.2, 0.4, 0.6, 0.8, 1], format=".0%", domain=False, ticks=False)
    x, y = alt.X("p:Q", scale=scale, axis=axis), alt.Y("y:Q", scale=scale, axis=axis)
    layers = [
        _chart([{"p": 0, "y": 0}, {"p": 1, "y": 1}])
        .mark_line(color=MUTED, strokeWidth=1.5, strokeDash=[5, 4])
        .encode(x=x, y=y)
    ]
    for i, curve in enumerate(curves):
        most = max([n for _, _, n in curve.dots] + [1])
        rows = [{"p": p, "y": h, "n": 30 + 220 * n / most} for p, h, n in curve.dots]
        colour = (MAIN, PLAN, QUIET)[min(i, 2)]
        base = _chart(rows).encode(x=x, y=y)
        layers += [
            base.mark_line(color=colour, strokeWidth=2),
            base.mark_circle(color=colour, opacity=1).encode(size=alt.Size("n:Q", scale=None, legend=None)),
            _name(curve.name, i, colour),
        ]
    layers.append(_said(given, 1.0, 0.015, "right"))
    layers.append(_said(happened, 0.0, 1.04, "left"))
    chart = alt.layer(*layers).properties(width=SIDE, height=SIDE)
    return rendered(_spec(chart, 52.0, 20.0, 30, 30), label)


def _name(text: str, i: int, colour: str) -> alt.Chart:
    made: alt.Chart = _chart([{"p": 0.05, "y": 0.94 - 0.06 * i, "text": text}]).mark_text(
        align="left", color=colour, fontSize=SIZE, fontWeight="bold", limit=0
    ).encode(x="p:Q", y="y:Q", text="text:N")  # fmt: skip
    return made


def _said(text: str, x: float, y: float, align: str) -> alt.Chart:
    made: alt.Chart = _chart([{"p": x, "y": y, "text": text}]).mark_text(
        align=align, baseline="bottom", color=MUTED, fontSize=SIZE - 1, limit=0  # type: ignore[arg-type]
    ).encode(x="p:Q", y="y:Q", text="text:N")  # fmt: skip
    return made


def histogram(shares: Sequence[float], label: str) -> Markup:
    """Shares of outcomes in equal parts of their forecasts, with the level that all should have."""
    n = len(shares)
    top = max([*shares, 1.5 / n])
    rows = [{"a": i / n + 0.06 / n, "b": (i + 1) / n - 0.06 / n, "y": share} for i, share in enumerate(shares)]
    axis = alt.Axis(values=[0, 0.2, 0.4, 0.6, 0.8, 1], format=".0%", grid=False)
    x = alt.X("a:Q", scale=alt.Scale(domain=[0, 1], nice=False), axis=axis)
    y = alt.Y("y:Q", scale=alt.Scale(domain=[0, top * 1.05], nice=False), axis=alt.Axis(format=".0%", tickCount=4))
    base = _chart(rows).encode(x=x)
    level = _chart([{"y": 1 / n}])
    layers = [
        base.mark_rect(color=MAIN, opacity=1).encode(x2="b:Q", y=y, y2=alt.datum(0)),
        level.mark_rule(color=INK, strokeDash=[5, 4], strokeWidth=1.5).encode(y="y:Q"),
    ]
    chart = alt.layer(*layers).properties(width=SIDE, height=220)
    return rendered(_spec(chart, 52.0, 20.0, 14, 30), label)
