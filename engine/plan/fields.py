"""Where in the plan's types a path leads: which fields stand there, for nearest spellings and for ``--set``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from engine.plan.forms import KINDS
from engine.plan.records import AmountDistribution, Record, TimeDistribution
from engine.plan.types import Plan


def _alternatives(annotation: Any) -> list[Any]:
    """The types that an annotation allows, without wrappers and None."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _alternatives(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [found for item in get_args(annotation) for found in _alternatives(item)]
    return [] if annotation in (None, NoneType) else [annotation]


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Record)


@dataclass(frozen=True, slots=True)
class Place:
    """What may stand at one place of a plan, as types."""

    kinds: tuple[Any, ...]

    @classmethod
    def root(cls) -> Place:
        return cls((Plan,))

    def below(self, key: str | int) -> Place:
        """The place under a key, or under any item of a list."""
        found: list[Any] = []
        for kind in self.kinds:
            if _is_record(kind):
                field = next((info for name, info in kind.model_fields.items() if key == (info.alias or name)), None)
                found.extend(_alternatives(field.annotation) if field is not None else [])
            elif get_origin(kind) is dict:
                found.extend(_alternatives(get_args(kind)[1]))
            elif get_origin(kind) is tuple:
                found.extend(_alternatives(get_args(kind)[0]))
        return Place(tuple(found))

    def follow(self, path: Sequence[str | int]) -> Place:
        place = self
        for key in path:
            place = place.below(key)
        return place

    def fields(self) -> tuple[str, ...]:
        """The names of the fields that may stand here, in the types' order."""
        names: dict[str, None] = {}
        for kind in self.kinds:
            if kind in (TimeDistribution, AmountDistribution):
                names |= dict.fromkeys(KINDS)
            elif _is_record(kind):
                names |= dict.fromkeys(info.alias or name for name, info in kind.model_fields.items())
        return tuple(names)

    def allows(self, key: str, *, last: bool) -> bool:
        """Whether a key that is not in the file may be made here: a field, or the last one of a mapping of values."""
        if not self.kinds:  # inside a short form or a tree: what is wrong there is found when the plan is read
            return last
        if key in self.fields():
            return True
        return last and any(
            get_origin(kind) is dict and not all(map(_is_record, _alternatives(get_args(kind)[1])))
            for kind in self.kinds
        )
