"""What pydantic found wrong, in the words of the plan's author: the path in the file, the value, what was expected."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from engine.plan.fields import Place
from engine.plan.forms import FormError, nearest
from engine.plan.quantities import Duration
from engine.problems import Problem

MOST_SHOWN = 60  # characters of a value


def show(value: Any) -> str:
    """A value as a message quotes it."""
    if value is None:
        return "nothing"
    text = str(value) if isinstance(value, Duration) or not isinstance(value, (str, list, tuple, dict)) else repr(value)
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 3] + "..."


def _is_tag(part: Any) -> bool:
    return isinstance(part, str) and ((part.startswith("<") and part.endswith(">")) or part == "[key]")


def _word(item: Any, index: int) -> str:
    name = item.get("name") if isinstance(item, Mapping) else None
    return name if isinstance(name, str) and name else str(index + 1)


def path_of(location: Sequence[str | int], data: Any, *, missing: bool = False) -> tuple[str, ...]:
    """A dotted path as the author would say it: list items by name, no steps that are only in our types."""
    words: list[str] = []
    node = data
    parts = [part for part in location if not _is_tag(part)]
    for i, part in enumerate(parts):
        last = i + 1 == len(parts)
        if isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
            words.append(_word(node, part))
        elif isinstance(node, Mapping) and part in node:
            node = node[part]
            words.append(str(part))
        elif last and missing and isinstance(node, Mapping):
            words.append(str(part))
    return tuple(words)


def _bound(word: str, key: str) -> Any:
    return lambda ctx: f"a number {word} {ctx[key]:g}" if isinstance(ctx[key], (int, float)) else f"{word} {ctx[key]}"


_EXPECTED: dict[str, Any] = {
    "missing": lambda ctx: "a value: this field is required",
    "greater_than": _bound("above", "gt"),
    "greater_than_equal": _bound("of at least", "ge"),
    "less_than": _bound("below", "lt"),
    "less_than_equal": _bound("of at most", "le"),
    "finite_number": lambda ctx: "a finite number (not NaN or infinity)",
    "string_type": lambda ctx: "text",
    "string_too_short": lambda ctx: "text that is not empty",
    "string_too_long": lambda ctx: f"text of at most {ctx['max_length']} characters",
    "string_pattern_mismatch": lambda ctx: "text without control characters or line ends",
    "float_type": lambda ctx: "a number",
    "float_parsing": lambda ctx: "a number",
    "int_type": lambda ctx: "a whole number",
    "int_parsing": lambda ctx: "a whole number",
    "int_from_float": lambda ctx: "a whole number",
    "bool_type": lambda ctx: "true or false",
    "bool_parsing": lambda ctx: "true or false",
    "dict_type": lambda ctx: "a mapping, such as {name: value}",
    "model_type": lambda ctx: "a mapping of fields",
    "model_attributes_type": lambda ctx: "a mapping of fields",
    "tuple_type": lambda ctx: "a list",
    "list_type": lambda ctx: "a list",
    "too_short": lambda ctx: f"at least {ctx['min_length']} of them",
    "too_long": lambda ctx: f"at most {ctx['max_length']} of them",
}


def _one(error: Any, data: Any) -> list[Problem]:
    kind: str = error["type"]
    location: tuple[str | int, ...] = error["loc"]
    context: dict[str, Any] = error.get("ctx", {})
    path = path_of(location, data, missing=kind == "missing")
    value = error["input"]
    raised = context.get("error")
    if isinstance(raised, FormError):
        return [
            Problem(".".join((*path, *(str(w + 1) if isinstance(w, int) else w for w in p.within))),
                    show(p.value), p.expected, p.hint)
            for p in raised.problems
        ]  # fmt: skip
    where = ".".join(path)
    if kind == "value_error":
        return [Problem(where, show(value) if not isinstance(value, Mapping) else "", str(raised))]
    if kind == "extra_forbidden":
        fields = Place.root().follow([p for p in location[:-1] if not _is_tag(p)]).fields()
        return [
            Problem(where, show(value), f"one of the fields {', '.join(fields)}", nearest(str(location[-1]), fields))
        ]
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", context["expected"]) or [context["expected"]]
        hint = nearest(value, choices) if isinstance(value, str) else ""
        return [Problem(where, show(value), ("one of " if len(choices) > 1 else "") + ", ".join(choices), hint)]
    words = _EXPECTED.get(kind)
    expected = words(context) if words is not None else error["msg"][:1].lower() + error["msg"][1:]
    return [Problem(where, "" if kind == "missing" else show(value), expected)]


def problems_of(error: ValidationError, data: Any) -> list[Problem]:
    """Every problem that validation found, in the file's order of sections."""
    found: dict[Problem, None] = {}
    for item in error.errors(include_url=False):
        found |= dict.fromkeys(_one(item, data))
    return list(found)
