"""The page's figures, drawn with altair: what the plan supports, the months as a fan, pairs before and after.

Each function takes plain numbers and texts already in the page's language and returns an inline SVG. Sizes are fixed
here, not measured, so that a page is the same on a machine with other fonts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import altair as alt
from markupsafe import Markup

from attain.report.svg import KEY_COLOURS, rendered

WIDTH = 880
INK, MUTED, GRID, MAIN = (KEY_COLOURS[role] for role in ("ink", "muted", "grid", "main"))
BAND, BAND_IN, PLAN, QUIET = (KEY_COLOURS[role] for role in ("band", "bandin", "plan", "quiet"))
SIZE = 13


@dataclass(frozen=True)
class FanMonth:
    """One month's end of the fan; amounts in the figure's unit. `label`: lines of text under the axis."""

    label: tuple[str, ...]
    p10: float
    p20: float
    p50: float
    p80: float
    p90: float
    planned: float | None


@dataclass(frozen=True)
class Pair:
    """One row before and after, with the numbers as texts."""

    label: str
    before: float
    after: float
    said_before: str
    said_after: str


@dataclass(frozen=True)
class Mark:
    """One labelled point on a line of amounts."""

    value: float
    label: str  # above: the confidence
    said: str  # below: the amount


def text_width(text: str, size: float = SIZE) -> float:
    """About how wide a text is drawn, in pixels: full-width letters count one em, others 0.56."""
    return size * sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.56 for c in text)


def shortened(text: str, width: float, size: float = SIZE) -> str:
    """The text, cut with an ellipsis where it is wider than so many pixels."""
    if text_width(text, size) <= width:
        return text
    kept = text
    while kept and text_width(kept + "…", size) > width:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def _spec(
    chart: alt.LayerChart | alt.FacetChart, left: float, right: float, top: float = 14, bottom: float = 30
) -> dict[str, Any]:
    """The chart with the page's plain axes, a fixed frame, and no measuring of texts."""
    made = (
        chart.configure(
            background="transparent",
            autosize=alt.AutoSizeParams(type="none"),
            padding={"left": left, "right": right, "top": top, "bottom": bottom},
        )
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=MUTED, labelFontSize=SIZE, labelLimit=0, gridColor=GRID, domainColor=MUTED, tickColor=MUTED,
            labelPadding=6, labelFlush=False, labelBound=False, labelOverlap=False, title=None,
        )
    ).to_dict()  # fmt: skip
    return dict(made)


def _chart(rows: list[dict[str, Any]]) -> alt.Chart:
    """A chart of these rows, which stand in its specification."""
    return alt.Chart(alt.Data(values=rows))  # type: ignore[no-untyped-call]


def _inner(left: float, right: float) -> float:
    return WIDTH - left - right


def fan(months: Sequence[FanMonth], say: dict[float, str], label: str) -> Markup:
    """Cumulative bookings as a fan, with the plan's phasing dashed; `say` has the texts of the numbers at its end."""
    start = {"i": 0, "p10": 0.0, "p20": 0.0, "p50": 0.0, "p80": 0.0, "p90": 0.0, "planned": 0.0}
    held = ("p10", "p20", "p50", "p80", "p90", "planned")
    rows = [start, *({"i": i + 1, **{name: getattr(m, name) for name in held}} for i, m in enumerate(months))]
    left, right, height = 58.0, 150.0, 300
    every = max(1, -(-len(months) // 13))
    x = alt.X(
        "i:Q",
        scale=alt.Scale(domain=[0, len(months)], nice=False),
        axis=alt.Axis(
            values=list(range(1, len(months) + 1, every)),
            labelExpr=_lookup([m.label for m in months], "datum.value - 1"),
            grid=False,
            tickSize=4,
        ),
    )
    top = max([m.p90 for m in months] + [m.planned for m in months if m.planned is not None] + [1e-9])
    scale = alt.Scale(domain=[0, top * 1.04], nice=True)
    base = _chart(rows).encode(x=x)
    y = alt.Axis(tickCount=5, domain=False, ticks=False)
    layers: list[alt.Chart] = [
        base.mark_area(color=BAND).encode(y=alt.Y("p10:Q", scale=scale, axis=y), y2="p90:Q"),
        base.mark_area(color=BAND_IN).encode(y=alt.Y("p20:Q", scale=scale), y2="p80:Q"),
        base.mark_line(color=MAIN, strokeWidth=2.5).encode(y=alt.Y("p50:Q", scale=scale)),
    ]
    last = months[-1]
    ends = [(last.p90, MUTED), (last.p50, MAIN), (last.p10, MUTED)]
    if last.planned is not None:
        layers.append(
            base.mark_line(color=PLAN, strokeWidth=2, strokeDash=[7, 4]).encode(y=alt.Y("planned:Q", scale=scale))
        )
        ends.append((last.planned, PLAN))
    for value, place, colour in _apart(ends, top * 1.04, height, 17):
        layers.append(_end_text(len(months), value, place, colour, say, scale))
    chart = alt.layer(*layers).properties(width=_inner(left, right), height=height)
    return rendered(_spec(chart, left, right, bottom=44), label)


def _lookup(names: Sequence[tuple[str, ...]], index: str) -> str:
    """A Vega expression that turns an index into its lines of text; those go in as quoted strings."""
    quoted = ",".join("[" + ",".join("'" + _escaped(line) + "'" for line in lines) + "]" for lines in names)
    return f"[{quoted}][{index}]"


def _escaped(text: str) -> str:
    """A text for inside single quotes of a Vega expression: everything but letters and digits by its code."""
    return "".join(c if c.isalnum() and c.isascii() else "".join(f"\\u{u:04x}" for u in _units(c)) for c in text)


def _units(letter: str) -> list[int]:
    data = letter.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]


def _apart(ends: list[tuple[float, str]], top: float, height: float, gap: float) -> list[tuple[float, float, str]]:
    """(value, where its text goes, colour): texts kept at least `gap` pixels apart, in order, inside the frame."""
    ordered = sorted(ends, key=lambda end: end[0])
    places = _spaced([end[0] for end in ordered], gap * top / height, top)
    return [(value, place, colour) for (value, colour), place in zip(ordered, places, strict=True)]


def _end_text(i: int, value: float, place: float, colour: str, say: dict[float, str], scale: alt.Scale) -> alt.Chart:
    chart = _chart([{"i": i, "y": place, "text": say[value]}])
    mark = chart.mark_text(align="left", dx=8, fontSize=SIZE, color=colour, fontWeight="bold", limit=0)
    made: alt.Chart = mark.encode(x=alt.X("i:Q"), y=alt.Y("y:Q", scale=scale), text="text:N")
    return made


def support_line(marks: Sequence[Mark], target: float, said_target: str, label: str) -> Markup:
    """What the plan supports by confidence, on a line of amounts, beside its target."""
    values = [m.value for m in marks] + [target]
    low, high = min(values), max(values)
    room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    scale = alt.Scale(domain=[low - room, high + room], nice=False, zero=False)
    left = right = 60.0
    inner = _inner(left, right)
    level = alt.Scale(domain=[0, 1])
    x = alt.X("x:Q", scale=scale, axis=None)
    ordered = sorted(marks, key=lambda m: m.value)
    gap = max(text_width(said) for m in ordered for said in (m.label, m.said)) + 14.0
    places = _spaced([(m.value - low + room) / (high - low + 2 * room) * inner for m in ordered], gap, inner)
    rows = [
        {
            "x": m.value,
            "t": low - room + place / inner * (high - low + 2 * room),
            "y": 0.42,
            "above": m.label,
            "below": m.said,
        }
        for m, place in zip(ordered, places, strict=True)
    ]
    data = _chart(rows)
    y = alt.Y("y:Q", scale=level, axis=None)
    rule = _chart([{"x": low - room, "x2": high + room, "y": 0.42}])
    aim = _chart([{"x": target, "y": 0.31, "y2": 0.78, "t": 0.9, "text": said_target}])
    layers = [
        rule.mark_rule(color=GRID, strokeWidth=6, strokeCap="round").encode(x=x, x2="x2:Q", y=y),
        aim.mark_rule(color=PLAN, strokeWidth=3).encode(x=x, y=y, y2="y2:Q"),
        aim.mark_text(color=PLAN, fontSize=SIZE + 1, fontWeight="bold", limit=0).encode(
            x=x, y=alt.Y("t:Q", scale=level, axis=None), text="text:N"
        ),
        data.mark_circle(color=MAIN, size=150, opacity=1).encode(x=x, y=y),
        data.mark_text(color=INK, fontSize=SIZE, fontWeight="bold", dy=30, limit=0).encode(
            x=alt.X("t:Q", scale=scale, axis=None), y=y, text="below:N"
        ),
        data.mark_text(color=MUTED, fontSize=SIZE, dy=48, limit=0).encode(
            x=alt.X("t:Q", scale=scale, axis=None), y=y, text="above:N"
        ),
    ]
    chart = alt.layer(*layers).properties(width=inner, height=140)
    return rendered(_spec(chart, left, right, 8, 14), label)


def _spaced(places: list[float], gap: float, highest: float) -> list[float]:
    """Places in order, moved as little as it takes to lie `gap` apart and inside 0 .. highest.

    Least squares under a minimal distance is isotonic regression of places less gaps: pool adjacent violators.
    """
    pools: list[list[float]] = []
    for i, place in enumerate(places):
        pools.append([place - i * gap])
        while len(pools) > 1 and fmean(pools[-2]) > fmean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    most = highest - (len(places) - 1) * gap
    level = [min(max(0.0, fmean(pool)), most) for pool in pools for _ in pool]
    return [z + i * gap for i, z in enumerate(level)]


def bars(pairs: Sequence[Pair], label: str) -> Markup:
    """Two bars a row: before (quiet) and after."""
    left = min(260.0, max([text_width(p.label) for p in pairs] + [60.0]) + 16.0)
    right = max([text_width(s) for p in pairs for s in (p.said_before, p.said_after)] + [60.0]) + 14.0
    rows = []
    for i, pair in enumerate(pairs):
        name = shortened(pair.label, left - 14.0)
        rows += [
            {"i": i + 0.29, "name": name, "v": pair.before, "text": pair.said_before, "after": 0},
            {"i": i + 0.66, "name": name, "v": pair.after, "text": pair.said_after, "after": 1},
        ]
    names = [shortened(p.label, left - 14.0) for p in pairs]
    top = max([r["v"] for r in rows if isinstance(r["v"], float)] + [1e-9])
    y = alt.Y("i:Q", scale=alt.Scale(domain=[0, len(pairs)], reverse=True, nice=False), axis=None)
    base = _chart(rows).encode(x=alt.X("v:Q", scale=alt.Scale(domain=[0, top], nice=False), axis=None), y=y)
    colour = alt.condition("datum.after == 1", alt.value(MAIN), alt.value(QUIET))
    ink = alt.condition("datum.after == 1", alt.value(INK), alt.value(MUTED))
    heads = _chart([{"i": i + 0.48, "text": name} for i, name in enumerate(names)])
    layers = [
        base.mark_bar(height=13).encode(color=colour, x2=alt.datum(0)),
        base.mark_text(align="left", dx=6, fontSize=SIZE, limit=0).encode(text="text:N", color=ink),
        heads.mark_text(align="right", dx=-12, fontSize=SIZE, color=INK, limit=0).encode(
            x=alt.value(0), y=y, text="text:N"
        ),
    ]
    chart = alt.layer(*layers).properties(width=_inner(left, right), height=48 * len(pairs))
    return rendered(_spec(chart, left, right, 4, 4), label)


def dumbbells(pairs: Sequence[Pair], ticks: Sequence[str], label: str) -> Markup:
    """A hollow dot before and a full one after, on a line of probabilities; `ticks` are its quarters as texts."""
    left = min(220.0, max([text_width(p.label) for p in pairs] + [60.0]) + 16.0)
    right = 60.0
    rows = [
        {"i": i + 0.5, "b": p.before, "a": p.after, "text": p.said_after, "side": 1 if p.after >= p.before else -1}
        for i, p in enumerate(pairs)
    ]
    y = alt.Y("i:Q", scale=alt.Scale(domain=[0, len(pairs)], reverse=True, nice=False), axis=None)
    quarters = _lookup([(tick,) for tick in ticks], "round(datum.value * 4)")
    axis = alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], ticks=False, domain=False, labelExpr=quarters)
    scale = alt.Scale(domain=[0, 1])
    base = _chart(rows).encode(y=y)
    heads = _chart([{"i": i + 0.5, "text": shortened(p.label, left - 14.0)} for i, p in enumerate(pairs)])
    layers = [
        base.mark_rule(color=QUIET, strokeWidth=3).encode(x=alt.X("b:Q", scale=scale, axis=axis), x2="a:Q"),
        base.mark_point(color=MUTED, size=70, filled=False, strokeWidth=2).encode(x=alt.X("b:Q", scale=scale)),
        base.mark_circle(color=MAIN, size=110, opacity=1).encode(x=alt.X("a:Q", scale=scale)),
        heads.mark_text(align="right", dx=-12, fontSize=SIZE, color=INK, limit=0).encode(
            x=alt.value(0), y=y, text="text:N"
        ),
        *_sided(base, scale),
    ]
    chart = alt.layer(*layers).properties(width=_inner(left, right), height=max(60, 26 * len(pairs)))
    return rendered(_spec(chart, left, right, 6, 28), label)


def _sided(base: alt.Chart, scale: alt.Scale) -> list[alt.Chart]:
    """The number after, on the side that leads away from the dot before."""
    x = alt.X("a:Q", scale=scale)
    right = base.transform_filter("datum.side == 1").mark_text(align="left", dx=9, fontSize=SIZE, color=INK, limit=0)
    left = base.transform_filter("datum.side == -1").mark_text(align="right", dx=-9, fontSize=SIZE, color=INK, limit=0)
    return [right.encode(x=x, text="text:N"), left.encode(x=x, text="text:N")]


def squares(hits: int, label: str) -> Markup:
    """A hundred squares, so many of them filled: a probability to see at a glance."""
    step, side, columns = 12, 10, 10
    drawn: dict[bool, list[str]] = {True: [], False: []}
    for i in range(100):
        row, column = divmod(i, columns)
        drawn[i < hits].append(f"M{column * step} {row * step}h{side}v{side}h-{side}z")
    size = step * columns - (step - side)
    return Markup(
        '<svg viewBox="0 0 {size} {size}" class="squares" role="img" aria-label="{label}">'
        '<path class="f-hit" d="{hit}"/><path class="f-empty" d="{empty}"/></svg>'
    ).format(size=size, label=label, hit="".join(drawn[True]), empty="".join(drawn[False]))
