"""The names that a plan defines, found even where the rest of a definition cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.plan.types import Plan


@dataclass(frozen=True, slots=True)
class Names:
    """Names by kind, in the plan's order, as often as they are defined."""

    stages: tuple[str, ...]
    products: tuple[str, ...]
    regions: tuple[str, ...]
    segments: tuple[str, ...]
    reps: tuple[str, ...]
    sources: tuple[str, ...]
    goals: tuple[str, ...]
    won: str  # the stage on leaving which a deal is booked; empty where there are no stages


def walk_regions(tree: Any) -> Iterator[str]:
    """Every region's name, depth first; names that stand twice come twice."""
    if isinstance(tree, (list, tuple)):
        yield from (str(name) for name in tree)
    elif isinstance(tree, Mapping):
        for name, below in tree.items():
            yield str(name)
            yield from walk_regions(below)


def _keys(section: Any) -> tuple[str, ...]:
    return tuple(str(key) for key in section) if isinstance(section, Mapping) else ()


def _named(section: Any) -> tuple[str, ...]:
    if not isinstance(section, (list, tuple)):
        return ()
    return tuple(item["name"] for item in section if isinstance(item, Mapping) and isinstance(item.get("name"), str))


def _won(stages: Any) -> str:
    named = _named(stages)
    marked = [item.get("name") for item in stages or () if isinstance(item, Mapping) and item.get("won") is True]
    return str(marked[0]) if marked and marked[0] in named else named[-1] if named else ""


def names_in(data: Mapping[str, Any]) -> Names:
    """The names that a plan's ordinary values define."""
    return Names(
        stages=_named(data.get("stages")),
        products=_keys(data.get("products")),
        regions=tuple(walk_regions(data.get("regions"))),
        segments=_keys(data.get("segments")),
        reps=_named(data.get("reps")),
        sources=_keys(data.get("sources")),
        goals=_keys(data.get("goals")),
        won=_won(data.get("stages")),
    )


def won_index(plan: Plan) -> int:
    """The stage on leaving which a deal is booked: the one marked `won`, else the last."""
    marked = [i for i, stage in enumerate(plan.stages) if stage.won]
    return marked[0] if marked else len(plan.stages) - 1
