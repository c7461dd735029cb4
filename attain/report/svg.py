"""A chart from altair as inline SVG that belongs to the page: colours, fonts and dark mode come from the page's CSS.

Charts are drawn in key colours, one for each role; here each becomes a class that the style sheet paints. vl-convert
renders without a browser and without a network; what it writes about fonts, accessibility and backgrounds is dropped in
favour of one role and label for the whole figure, whose numbers stand in a table beside it.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from markupsafe import Markup

_SVG = "http://www.w3.org/2000/svg"
ROLES = ("ink", "muted", "grid", "main", "band", "bandin", "plan", "hit", "quiet", "paper")
KEY_COLOURS = {role: f"#fa{i:02x}07" for i, role in enumerate(ROLES)}
_ROLE_OF = {colour: role for role, colour in KEY_COLOURS.items()}
_LONG = re.compile(r"-?\d+\.\d{3,}")
_DROPPED = ("aria-", "role", "pointer-events", "font-family", "class", "version", "stroke-miterlimit")


def rendered(spec: dict[str, Any], label: str) -> Markup:
    """A Vega-Lite specification as an inline SVG with a text alternative."""
    import vl_convert

    return finished(vl_convert.vegalite_to_svg(spec), label)


def finished(svg: str, label: str) -> Markup:
    """vl-convert's SVG with classes for colours, and one label."""
    ElementTree.register_namespace("", _SVG)
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        _clean(element)
    _prune(root)
    width, height = float(root.get("width", "1")), float(root.get("height", "1"))
    for name in list(root.attrib):
        del root.attrib[name]
    root.set("viewBox", f"0 0 {width:g} {height:g}")
    root.set("style", f"max-width:{width:g}px")
    root.set("class", "chart")
    root.set("role", "img")
    root.set("aria-label", label)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _clean(element: ElementTree.Element) -> None:
    classes = []
    for name, value in list(element.attrib.items()):
        if name.startswith(_DROPPED) or value == "":
            del element.attrib[name]
        elif name in ("fill", "stroke") and value.lower() in _ROLE_OF:
            classes.append(f"{name[0]}-{_ROLE_OF[value.lower()]}")
            del element.attrib[name]
        elif name in ("d", "transform"):
            element.set(name, _LONG.sub(lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), value))
        elif name == "opacity" and value == "1":
            del element.attrib[name]
    if classes:
        element.set("class", " ".join(classes))


def _prune(element: ElementTree.Element) -> None:
    """Drop the background, paths that draw nothing, and groups left empty."""
    for child in list(element):
        _prune(child)
        tag = child.tag.rpartition("}")[2]
        nothing = tag == "g" and len(child) == 0 and not (child.text or "").strip()
        invisible = tag == "path" and (child.get("d") in (None, "", "M0,0h0v0h0Z") or not _painted(child))
        background = tag == "rect" and child.get("fill") in ("white", "transparent", "none")
        if nothing or invisible or background:
            element.remove(child)


def _painted(element: ElementTree.Element) -> bool:
    if element.get("display") == "none":
        return False
    return bool(element.get("class")) or any(
        element.get(a) not in (None, "none", "transparent") for a in ("fill", "stroke")
    )
