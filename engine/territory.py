"""Who may sell what where: the region tree, and which rep may take which deal.

Built once from the plan, read by routing in both engines and by every check that asks "can anybody take this?".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.plan.types import Plan


@dataclass(frozen=True)
class Territories:
    """The region tree, flattened. `inside[a, b]` says that region b lies in region a (a region lies in itself)."""

    names: tuple[str, ...]  # sorted
    parent: NDArray[np.int64]  # [regions]; -1 at the top
    top: NDArray[np.int64]  # [regions]; the ancestor at the top of the tree
    inside: NDArray[np.bool_]  # [regions, regions]


def _walk(tree: Mapping[str, Any], parent: str | None) -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    for name, below in tree.items():
        found.append((name, parent))
        found.extend(_walk(below or {}, name))
    return found


def territories(regions: Mapping[str, Any]) -> Territories:
    """Flatten a region tree; names are unique across the tree (checked where the plan is read)."""
    pairs = _walk(regions, None)
    names = tuple(sorted(name for name, _ in pairs))
    index = {name: i for i, name in enumerate(names)}
    parent = np.full(len(names), -1, dtype=np.int64)
    for name, above in pairs:
        if above is not None:
            parent[index[name]] = index[above]
    top = np.arange(len(names))
    inside = np.eye(len(names), dtype=np.bool_)
    for i in range(len(names)):
        above_i = int(parent[i])
        while above_i >= 0:
            inside[above_i, i] = True
            top[i] = above_i
            above_i = int(parent[above_i])
    return Territories(names, parent, top, inside)


def covered(territory: Territories, regions: Sequence[str]) -> NDArray[np.bool_]:
    """[regions]: which regions lie in any of those named; all of them when none is named."""
    if not regions:
        return np.ones(len(territory.names), dtype=np.bool_)
    index = {name: i for i, name in enumerate(territory.names)}
    mask: NDArray[np.bool_] = np.any(territory.inside[[index[name] for name in regions]], axis=0)
    return mask


def may_take(plan: Plan, territory: Territories) -> NDArray[np.bool_]:
    """[reps, products, regions, segments]: who may take a deal; names sorted, one segment when the plan has none."""
    reps = sorted(plan.reps, key=lambda rep: rep.name)
    products = sorted(plan.products)
    segments = sorted(plan.segments) or [""]
    mask = np.zeros((len(reps), len(products), len(territory.names), len(segments)), dtype=np.bool_)
    for r, rep in enumerate(reps):
        here = covered(territory, rep.region)
        sells = np.array([not rep.products or name in rep.products for name in products])
        serves = np.array([not rep.segments or not plan.segments or name in rep.segments for name in segments])
        mask[r] = sells[:, None, None] & here[None, :, None] & serves[None, None, :]
    return mask
