"""The figures' helpers: texts kept apart, names cut to fit, colours that the page's style decides."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attain.report import charts
from attain.report.svg import KEY_COLOURS, finished

SVG = "{http://www.w3.org/2000/svg}"
NASTY = "<b>&\"'\\ ]]> \u2028 {datum.x} 张伟 🚀"


@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=5), st.floats(50.0, 150.0))
def test_texts_at_the_fans_end_keep_their_order_and_distance(values: list[float], top: float) -> None:
    height, gap = 300.0, 17.0
    placed = charts._apart([(value, "c") for value in values], top, height, gap)
    assert sorted(values) == [value for value, _, _ in placed]
    places = [place for _, place, _ in placed]
    assert all((b - a) * height / top >= gap - 1e-6 for a, b in pairwise(places))
    assert places[-1] <= top + 1e-6


@given(st.lists(st.floats(0.0, 640.0), min_size=1, max_size=5).map(sorted))
def test_texts_under_a_line_keep_their_distance_and_end_inside(places: list[float]) -> None:
    moved = charts._spaced(places, 100.0, 640.0)
    assert all(b - a >= 100.0 - 1e-6 for a, b in pairwise(moved))
    assert moved[-1] <= 640.0 + 1e-6


@given(st.text(max_size=60), st.floats(20.0, 300.0))
def test_a_name_is_cut_to_the_width_that_it_has(text: str, width: float) -> None:
    cut = charts.shortened(text, width)
    assert charts.text_width(cut) <= width
    assert cut == text or cut.endswith("…")
    assert text.startswith(cut.removesuffix("…"))


def _texts(drawn: str) -> list[str]:
    return ["".join(node.itertext()) for node in ElementTree.fromstring(drawn).iter(f"{SVG}text")]


def test_names_in_figures_are_text_whatever_they_hold() -> None:
    pair = charts.Pair(NASTY, 1.0, 2.0, "1", "2")
    drawn = charts.bars([pair], NASTY)
    assert any(text.startswith("<b>&\"'\\ ]]>") for text in _texts(drawn))
    assert ElementTree.fromstring(drawn).get("aria-label") == NASTY
    month = charts.FanMonth((NASTY,), 1.0, 2.0, 3.0, 4.0, 5.0, 3.5)
    fan = charts.fan([month, month], {1.0: "a", 3.0: "b", 5.0: "c", 3.5: "d"}, "fan")
    assert {"a", "b", "c", "d"} <= set(_texts(fan))
    assert any("]]>" in text and "{datum.x}" in text for text in _texts(fan))
    squares = ElementTree.fromstring(charts.squares(7, NASTY))
    assert squares.get("aria-label") == NASTY


@pytest.mark.parametrize("hits", [0, 1, 50, 99, 100])
def test_as_many_squares_are_filled_as_there_are_hits(hits: int) -> None:
    filled, empty = (path.get("d", "").count("z") for path in ElementTree.fromstring(charts.squares(hits, "x")))
    assert (filled, empty) == (hits, 100 - hits)


def test_bars_are_as_long_as_their_values() -> None:
    pairs = [charts.Pair("a", 100.0, 50.0, "100", "50"), charts.Pair("b", 0.0, 25.0, "0", "25")]
    drawn = ElementTree.fromstring(charts.bars(pairs, "x"))
    lengths: dict[str, list[float]] = {"f-quiet": [], "f-main": []}
    for path in drawn.iter(f"{SVG}path"):
        lengths[path.get("class", "")].append(float(path.get("d", "").partition("h")[2].partition("v")[0]))
    longest = max(lengths["f-quiet"])
    assert lengths["f-quiet"] == [longest, 0.0]
    assert lengths["f-main"] == pytest.approx([longest / 2, longest / 4])


def test_every_key_colour_becomes_a_class_and_nothing_else_is_kept() -> None:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="5"><rect width="10" height="5" fill="white"/>'
        f'<g aria-label="x" role="graphics-symbol"><path d="M0,0h1" fill="{KEY_COLOURS["main"]}" '
        f'stroke="{KEY_COLOURS["ink"].upper()}"/><path d="M0,0h0v0h0Z"/><g/></g></svg>'
    )
    root = ElementTree.fromstring(finished(svg, "said <so>"))
    assert root.get("aria-label") == "said <so>"
    assert root.get("viewBox") == "0 0 10 5"
    assert [node.get("class") for node in root.iter(f"{SVG}path")] == ["f-main s-ink"]
    assert not list(root.iter(f"{SVG}rect"))
    assert [node.attrib for node in root.iter(f"{SVG}g")] == [{}]
