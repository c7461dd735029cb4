"""A rep's focus as it is written: weights by product, by region, or by region and product; and what is wrong with one.

A plain name stands for all inside it: a product wherever it is sold, a region with all that lies in it.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from engine.plan.people import LENT, Rep
from engine.plan.types import Plan
from engine.problems import Problem
from engine.territory import territories

Part = tuple[str, str]  # region and product, "" for all
Focus = Mapping[str, float | dict[str, float]]


def by_product(focus: Focus, products: Container[str]) -> bool:
    """Whether the names are products: where all of them are, even if regions are called so, too."""
    return all(not isinstance(below, dict) and name in products for name, below in focus.items())


def parts_of(focus: Focus, products: Container[str]) -> dict[Part, float]:
    """The weights by (region, product), "" for all, in sorted order."""
    found: dict[Part, float] = {}
    for name, below in focus.items():
        if isinstance(below, dict):
            found |= {(name, product): weight for product, weight in below.items()}
        else:
            found["" if by_product(focus, products) else name, name if by_product(focus, products) else ""] = below
    return dict(sorted(found.items()))


def unfit(plan: Plan) -> Iterator[Problem]:
    """Focuses without any weight, of two kinds at once, of what the rep may not take, and hours that cannot be kept."""
    for rep in plan.reps:
        if rep.focus:
            yield from _unfit(plan, rep, f"reps.{rep.name}.focus")


def _unfit(plan: Plan, rep: Rep, path: str) -> Iterator[Problem]:
    if not any(parts_of(rep.focus, plan.products).values()):
        yield Problem(path, "all zero", "a weight above zero")
    if by_product(rep.focus, plan.products):
        regions: dict[str, tuple[str, ...]] = {"": tuple(rep.focus)}
    else:
        stray = [name for name, below in rep.focus.items() if not isinstance(below, dict) and name in plan.products]
        if any(name not in _regions(plan) for name in stray):
            expected = "weights by product, or by region; a region's products stand inside it: {North: {ERP: 2}}"
            yield Problem(path, f"{', '.join(stray)} beside regions", expected)
            return
        if rep.idle_hours != LENT:
            expected = "a focus by product, or idle_hours: lent: hours are kept for products only"
            yield Problem(path, "by region", expected)
        regions = {name: tuple(below) if isinstance(below, dict) else () for name, below in rep.focus.items()}
    yield from _not_the_reps(plan, rep, path, regions)


def _regions(plan: Plan) -> tuple[str, ...]:
    return territories(plan.regions).names


def _not_the_reps(plan: Plan, rep: Rep, path: str, regions: Mapping[str, tuple[str, ...]]) -> Iterator[Problem]:
    territory = territories(plan.regions)
    index = {name: i for i, name in enumerate(territory.names)}
    for region, products in regions.items():
        here = territory.inside[index[region]] if region in index else None
        if (
            here is not None
            and rep.region
            and not any((here & territory.inside[index[own]]).any() for own in rep.region)
        ):
            yield Problem(f"{path}.{region}", region, f"a region of the rep's own ({', '.join(rep.region)})")
        outside = sorted(set(products) - set(rep.products)) if rep.products else []
        if outside:
            where = f"{path}.{region}" if region else path
            yield Problem(where, ", ".join(outside), f"products that the rep sells: {', '.join(rep.products)}")
