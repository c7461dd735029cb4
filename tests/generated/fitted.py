"""What makes a generated plan a fitted one: how sure its inputs are, so that a replication draws them.

Drawn after everything else, so that the rest of a plan is what it was; nothing of it where the plan is `plain`.
"""

from __future__ import annotations

from random import Random
from typing import Any

from tests.generated.choices import chance, pick
from tests.generated.documents import Values

KNOWN: tuple[Values, ...] = (  # from how many observations, and the spread from how many
    {"of": 1},
    {"of": 3, "spread_of": 40},
    {"of": 40, "spread_of": 2.5},
    {"of": 2000},
)
SURE = (0.05, 0.4, 1.0)
KINDS = ("exponential", "lognormal", "weibull", "quantiles")
SPREAD_KINDS = ("lognormal", "weibull")


def fitted(rng: Random, data: Values) -> None:
    """Add posteriors to a third of the plans, in place."""
    if not chance(rng, 3):
        return
    for stage in data["stages"][:6]:
        for field in ("work", "wait", "wait_lost"):
            if field in stage:
                stage[field] = known(rng, stage[field])
    for product in list(data["products"].values())[:3]:
        product["deal_value"] = known(rng, product["deal_value"])
        product["advance_sd"] = odds_sd(rng, data)
    for holder in (*data["reps"][:4], *list((data.get("segments") or {}).values())[:2]):
        holder["advance_sd"] = odds_sd(rng, data)
    for source in list(data["sources"].values())[:3]:
        source["advance_sd"] = odds_sd(rng, data)
        _flow(rng, source)
    if data.get("economy") and chance(rng, 2):
        data["economy"]["draws"] = [[0.1, 0.5, 0.05], [0.4, 0, 0], [0, 0.9, 0.2]]
    for stage in data["stages"][:6]:
        for field in ("advance_months", "wait_months"):
            if chance(rng, 3):
                stage[field] = months(rng, data)
    sources = [source for source in data["sources"].values() if "prospects" not in source]
    for holder in (*data["reps"][:4], *list(data["products"].values())[:3], *sources[:3]):
        if chance(rng, 3):
            holder["wait"] = {pick(rng, data["stages"])["name"]: pick(rng, (0.3, 1.5, 4))}
            holder["wait_sd"] = odds_sd(rng, data)


def known(rng: Random, dist: Any) -> Any:
    """A distribution that says from how many observations it is known, where it may."""
    kind = next(iter(dist)) if isinstance(dist, dict) else ""
    if kind not in KINDS or not chance(rng, 2):
        return dist
    found = {key: n for key, n in pick(rng, KNOWN).items() if key == "of" or kind in SPREAD_KINDS}
    return {kind: {**dist[kind], **found}}


def months(rng: Random, data: Values) -> Values:
    """What deals that come in one month share; of months before the horizon's first, and of that, it may be known."""
    found: Values = {"sd": pick(rng, SURE), "persistence": pick(rng, (0, 0.5, 0.9))}
    if chance(rng, 3):
        found["mean_sd"] = pick(rng, SURE)
    if chance(rng, 2):
        found["draws"] = [[0.1, 0.5], [1.0, 0], [0.4, 0.9]]
    first = str(data["horizon"]["start"])
    year, month = int(first[:4]), int(first[5:7])
    for back in range(pick(rng, (0, 1, 2, 14)), -1, -1):
        if chance(rng, 2):
            number = year * 12 + month - 1 - back
            label = f"{number // 12:04d}-{number % 12 + 1:02d}"
            known = {"times": pick(rng, (0.2, 1, 5)), "sd": pick(rng, SURE), "tie": pick(rng, (0, 0.5, -1, 1))}
            known |= {"with_mean": pick(rng, (0.5, 1.2))} if chance(rng, 2) else {}
            found.setdefault("known", {})[label] = known
    return found


def odds_sd(rng: Random, data: Values) -> Values:
    """How sure somebody's odds are, at one stage or none."""
    return {pick(rng, data["stages"])["name"]: pick(rng, SURE)} if chance(rng, 3) else {}


def _flow(rng: Random, source: Values) -> None:
    if "prospects" in source:
        return
    for field, options in (
        ("leads_sd", SURE), ("growth", (0.3, -0.5)), ("growth_sd", SURE), ("season_sd", SURE),
        ("overdispersion", (0.02, 0.5, 2)),
    ):  # fmt: skip
        if chance(rng, 3):
            source[field] = pick(rng, options)
    response = source.get("response")
    if response is not None:
        source["response"] = response = {**response, **({"carry_over": 0.5} if chance(rng, 2) else {})}
        if "hill" in response and chance(rng, 2):
            response["hill"] = {**response["hill"], "draws": [[40, 500, 1], [10, 100, 2.5]]}
