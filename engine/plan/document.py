"""The plan file as a document: YAML read within bounds, changed in place, and written back with its comments.

``parse_document`` refuses what a plan has no use for and what would cost more than it says: tags, second documents,
aliases that multiply, depth, size. ``plain`` turns a document into ordinary values for validation; ``set_value``
changes one place, for ``--set`` and for the optimiser's new plan; ``write_document`` keeps the author's words.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.scalarstring import ScalarString

from engine.plan.fields import Place
from engine.plan.forms import nearest
from engine.problems import PlanRefused, Problem

MOST_BYTES = 5_000_000
MOST_DEPTH = 40
MOST_NODES = 300_000  # values in the document, with aliases written out

_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq"))


# The first block list under a key, and how far both are indented; comments and empty lines may stand between.
_FIRST_LIST = re.compile(r"^([ ]*)[^\s#][^\n]*:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*(?:#[^\n]*)?\n)*([ ]*)- ", re.MULTILINE)


class _Constructor(RoundTripConstructor):
    """Keeps a date that does not exist, and a number too long to read, as text, so that they are reported in place."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError) as error:
            if isinstance(error, YAMLError) or not isinstance(node.value, str):
                raise
            return node.value


def _yaml(sequence_offset: int = 2) -> YAML:
    yaml = YAML(typ="rt", pure=True)
    yaml.Constructor = _Constructor
    yaml.preserve_quotes = True
    yaml.allow_duplicate_keys = False
    yaml.width = 1_000_000
    yaml.indent(mapping=2, sequence=2 + sequence_offset, offset=sequence_offset)
    return yaml


# --- reading ---------------------------------------------------------------------------------------------------------


def _at(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""


def _refuse(mark: Any, value: str, expected: str) -> PlanRefused:
    return PlanRefused([Problem(_at(mark), value, expected)])


def _syntax(error: YAMLError) -> PlanRefused:
    if not isinstance(error, MarkedYAMLError):
        return PlanRefused([Problem("", str(error).splitlines()[0], "a YAML document")])
    mark = error.problem_mark or error.context_mark
    said = " ".join(part for part in (error.context, error.problem) if part)
    duplicate = re.search(r'found duplicate key "([^"]*)"', said)
    if duplicate:
        return _refuse(mark, f"{duplicate.group(1)!r} again", "each key once")
    return _refuse(mark, said, "well-formed YAML")


def _inspect(text: str) -> None:
    """Walk the document's events before anything is built: bounds, tags and aliases. Raises PlanRefused."""
    sizes: dict[str, int] = {}  # of each anchored value, aliases written out
    open_nodes: list[tuple[str | None, int]] = []  # anchor, size so far
    documents = total = 0
    yaml = YAML(typ="safe", pure=True)
    for event in yaml.parse(io.StringIO(text)):
        if isinstance(event, DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise _refuse(event.start_mark, "a second document", "one plan in a file")
            if event.version not in (None, (1, 2)):
                raise _refuse(event.start_mark, f"YAML {event.version}", "YAML 1.2")
        size = 0
        if isinstance(event, (ScalarEvent, SequenceStartEvent, MappingStartEvent)):
            tag = event.tag
            if tag is not None and str(tag) not in _TAGS:
                raise _refuse(event.start_mark, f"the tag {tag}", "plain values without tags")
            size = 1
        elif isinstance(event, AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_nodes):
                raise _refuse(event.start_mark, f"*{event.anchor}", "an alias to something else than what it stands in")
            size = sizes.get(event.anchor, 1)
        total += size
        if total > MOST_NODES:
            raise _refuse(event.start_mark, f"over {MOST_NODES:,} values, aliases written out", "a smaller plan")
        if isinstance(event, (SequenceStartEvent, MappingStartEvent)):
            open_nodes.append((event.anchor, 1))
            if len(open_nodes) > MOST_DEPTH:
                raise _refuse(event.start_mark, f"over {MOST_DEPTH} levels", f"at most {MOST_DEPTH} levels of nesting")
        elif isinstance(event, (SequenceEndEvent, MappingEndEvent)):
            anchor, size = open_nodes.pop()
            if anchor is not None:
                sizes[anchor] = size
            _add(open_nodes, size)
        elif size:
            if isinstance(event, ScalarEvent) and event.anchor is not None:
                sizes[event.anchor] = size
            _add(open_nodes, size)


def _add(open_nodes: list[tuple[str | None, int]], size: int) -> None:
    if open_nodes:
        anchor, so_far = open_nodes[-1]
        open_nodes[-1] = (anchor, so_far + size)


def parse_document(text: str) -> CommentedMap:
    """A plan's document from its text. Raises PlanRefused with the line and column of what is wrong."""
    if len(text) > MOST_BYTES or len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise PlanRefused([Problem("", f"{len(text):,} characters", f"a plan of at most {MOST_BYTES:,} bytes")])
    try:
        _inspect(text)
        document = _yaml().load(text)
    except YAMLError as error:
        raise _syntax(error) from None
    except (ValueError, RecursionError) as error:
        raise PlanRefused([Problem("", str(error), "a YAML document")]) from None
    if document is None:
        raise PlanRefused([Problem("", "an empty file", "a plan; `attain new` writes one to start from")])
    if not isinstance(document, CommentedMap):
        found = "a list" if isinstance(document, CommentedSeq) else "a single value"
        raise PlanRefused([Problem("", found, "a mapping of sections, beginning with `attain: 1`")])
    return document


def read_text(path: Path) -> str:
    """A plan file's text. UTF-8, with or without a byte-order mark; raises PlanRefused otherwise."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise PlanRefused([Problem(str(path), error.strerror or "", "a plan file that can be read")]) from None
    if len(data) > MOST_BYTES:
        raise PlanRefused([Problem(str(path), "a larger file", f"a plan of at most {MOST_BYTES:,} bytes")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = " ".join(f"{b:02x}" for b in data[error.start : error.start + 4])
        raise PlanRefused([Problem(f"line {line}", f"the bytes {found}", "text in UTF-8")]) from None


def read_document(path: str | Path) -> CommentedMap:
    """The document of a plan file, comments and order kept. Raises PlanRefused."""
    return parse_document(read_text(Path(path)))


# --- as ordinary values ----------------------------------------------------------------------------------------------


def plain(document: Any) -> tuple[dict[str, Any], list[Problem]]:
    """The document as dicts, lists and scalars, its text NFC-normalised; and what in it cannot be that."""
    problems: list[Problem] = []
    value = _plain(document, (), problems)
    return (value if isinstance(value, dict) else {}), problems


def _text(value: str, path: tuple[str, ...], problems: list[Problem]) -> str:
    text = unicodedata.normalize("NFC", value)
    bad = [c for c in text if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"]
    if bad:
        problems.append(Problem(".".join(path), f"the character {bad[0]!r}", "text without control characters"))
        return "".join("?" if c in bad else c for c in text)
    return text


def _key(key: Any, path: tuple[str, ...], problems: list[Problem]) -> str:
    if isinstance(key, str):
        return _text(key, path, problems)
    if isinstance(key, (int, float, dt.date)) and not isinstance(key, bool):
        return str(key)
    problems.append(Problem(".".join(path), str(key), "a name as key"))
    return str(key)


def _plain(node: Any, path: tuple[str, ...], problems: list[Problem]) -> Any:
    if isinstance(node, Mapping):
        found: dict[str, Any] = {}
        for raw in node:
            key = _key(raw, path, problems)
            if key in found:
                problems.append(Problem(".".join((*path, key)), "the same name twice", "each name once"))
            found[key] = _plain(node[raw], (*path, key), problems)
        return found
    if isinstance(node, (list, tuple)):
        return [_plain(item, (*path, str(i + 1)), problems) for i, item in enumerate(node)]
    if isinstance(node, str):
        return _text(str(node), path, problems)
    if isinstance(node, bool) or node is None:
        return node
    if isinstance(node, int):
        return int(node)
    if isinstance(node, float):
        return float(node)
    if isinstance(node, dt.datetime):
        return node.isoformat(sep=" ")
    if isinstance(node, dt.date):
        return node
    if hasattr(node, "__bool__") and type(node).__name__ == "ScalarBoolean":
        return bool(node)
    problems.append(Problem(".".join(path), type(node).__name__, "a plain value"))
    return None


# --- changing --------------------------------------------------------------------------------------------------------


def parse_value(text: str) -> Any:
    """The value on the right of ``--set PATH=VALUE``, read as YAML within the same bounds."""
    if not text.strip():
        return None
    try:
        _inspect(text)
        return _yaml().load(text)
    except YAMLError:
        return text  # such as 50%: text, where YAML reads something else into it


def apply_set(document: CommentedMap, setting: str) -> None:
    """Apply one ``path=value``. Raises PlanRefused, with the nearest spelling of a name that is not there."""
    path, equals, value = setting.partition("=")
    if not equals or not path.strip():
        raise PlanRefused([Problem("--set", setting, "path=value, such as reps.Ann.hours_per_week=45")])
    set_value(document, path.strip(), parse_value(value.strip()))


def set_value(document: CommentedMap, path: str | Sequence[str], value: Any) -> None:
    """Put `value` at `path`, comments and order kept; list items are addressed by their name, or counted from 1.

    `path` is dotted (``reps.张伟.hours_per_week``) or its parts. What the plan's types know may be new; a name in the
    plan (a rep, a source, a goal) must be there. Raises PlanRefused.
    """
    parts = [unicodedata.normalize("NFC", part) for part in (path.split(".") if isinstance(path, str) else path)]
    node: Any = document
    place = Place.root()
    at = 0
    while True:
        key, used = _step(node, parts, at, place)
        at += used
        if at == len(parts):
            _replace(node, key, value)
            return
        below = node[key] if not isinstance(node, CommentedMap) or key in node else None
        if below is None:
            below = CommentedMap()
            node[key] = below
        if not isinstance(below, (CommentedMap, CommentedSeq)):
            here = ".".join(parts[:at])
            raise PlanRefused(
                [Problem(here, str(below), f"a section in which {parts[at]} can be set; set {here} itself")]
            )
        place = place.below(key if isinstance(node, CommentedMap) else 0)
        node = below


def append_value(document: CommentedMap, path: Sequence[str], value: Any) -> None:
    """Put one more item at the end of the list at `path`, which must be there. Raises PlanRefused."""
    node: Any = document
    for part in path:
        node = node.get(part) if isinstance(node, CommentedMap) else None
    if not isinstance(node, CommentedSeq):
        raise PlanRefused([Problem(".".join(path), "", "a list, for one more item")])
    if node and isinstance(node[-1], CommentedMap) and isinstance(value, Mapping):
        value = CommentedMap(value)
        if node[-1].fa.flow_style():  # as the author writes the others
            value.fa.set_flow_style()
    node.append(value)


def remove_value(document: CommentedMap, path: Sequence[str]) -> None:
    """Take away what stands at `path`, if anything does."""
    node: Any = document
    for part in path[:-1]:
        node = node.get(part) if isinstance(node, CommentedMap) else None
    if isinstance(node, CommentedMap):
        node.pop(path[-1], None)


def _replace(node: Any, key: Any, value: Any) -> None:
    if isinstance(node, CommentedMap) and key in node and isinstance(node[key], ScalarString) and type(value) is str:
        value = type(node[key])(value)  # the author's quotation marks
    node[key] = value


def _names(node: Any) -> Iterator[tuple[str, Any]]:
    """What the items of a mapping or list are called, and their keys."""
    if isinstance(node, CommentedMap):
        for key in node:
            yield unicodedata.normalize("NFC", str(key)), key
        return
    for i, item in enumerate(node):
        if isinstance(item, Mapping) and isinstance(item.get("name"), str):
            yield unicodedata.normalize("NFC", item["name"]), i


def _step(node: Any, parts: Sequence[str], at: int, place: Place) -> tuple[Any, int]:
    """The key in `node` that the next parts name, and how many of them it takes (names may contain dots)."""
    names = dict(_names(node))
    for used in range(len(parts) - at, 0, -1):
        joined = ".".join(parts[at : at + used])
        if joined in names:
            return names[joined], used
    part = parts[at]
    if isinstance(node, CommentedSeq):
        if not names and part.isdecimal() and 1 <= int(part) <= len(node):
            return int(part) - 1, 1
    elif place.allows(part, last=at + 1 == len(parts)):
        return part, 1
    known = [*names, *(place.fields() if isinstance(node, CommentedMap) else ())]
    here = ".".join(parts[: at + 1])
    expected = f"a name that stands in {'.'.join(parts[:at]) or 'the plan'}"
    raise PlanRefused([Problem(here, part, expected, nearest(part, known))])


# --- writing ---------------------------------------------------------------------------------------------------------


def dump_document(document: CommentedMap, like: str = "") -> str:
    """The document's text, comments and order kept, lists indented as in the text `like` (or in the plan's style)."""
    stream = io.StringIO()
    flush = _FIRST_LIST.search(like)
    offset = 0 if flush and len(flush.group(1)) == len(flush.group(2)) else 2
    _yaml(offset).dump(document, stream)
    return stream.getvalue()


def write_text(text: str, path: str | Path) -> None:
    """Write a text file whole or not at all."""
    target = Path(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        os.chmod(temporary, mode)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def write_document(document: CommentedMap, path: str | Path, like: str = "") -> None:
    """Write a plan's document whole or not at all; `like` is the text whose list style is kept."""
    write_text(dump_document(document, like), path)
