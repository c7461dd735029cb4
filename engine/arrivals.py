"""When leads come: thinning, exact lists, and the economy that moves them. Compiled, called by both engines.

A cell (source or prospecting rep, region, product) owns a unit-rate Poisson measure on (time, height), laid down in
layers of doubling height. A candidate is a lead where its height is below the cell's intensity; layers are opened until
the intensity is covered. So more budget only adds leads, and no bound depends on the plan (Lewis & Shedler 1979 for
thinning; coupling by height as in Glasserman & Yao 1992).
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from engine.arithmetic import exp, log, normal_quantile
from engine.business import F8, I8, U8, VECTOR, Vector, economy_odds, month_from
from engine.compiled import compiled
from engine.draws import ECONOMY, LIST, mix, uniform, words

KEYS = numba.uint64[::1]
Keys = NDArray[np.uint64]
ARRIVALS = numba.types.Tuple((VECTOR, KEYS))
TABLE = numba.float64[:, ::1]

BASE_HEIGHT = 2.0**-11  # leads per working hour: about one in a working year
NUMBER_BITS = 40  # a lead's number within its layer; its layer stands above


@compiled(F8(I8), inline=True)
def layer_top(layer: int) -> float:
    """The height at which a layer ends; the first is BASE_HEIGHT thick, each next one doubles what lies below it."""
    top = BASE_HEIGHT
    for _ in range(layer):
        top = top + top
    return top


@compiled(U8(I8, I8), inline=True)
def place(layer: int, number: int) -> int:
    """A candidate's place in its cell: (layer, number) in one word. `mix`, a bijection, makes it the lead's key."""
    return (layer << NUMBER_BITS) | number


@compiled(F8(VECTOR), inline=True)
def highest(rates: Vector) -> float:
    """The highest of the months' rates."""
    top = 0.0
    for i in range(len(rates)):
        top = max(top, rates[i])
    return top


@compiled(ARRIVALS(VECTOR, KEYS))
def in_order(times: Vector, keys: Keys) -> tuple[Vector, Keys]:
    """Arrivals sorted by (time, key)."""
    by_key = np.argsort(keys, kind="mergesort")
    order = by_key[np.argsort(times[by_key], kind="mergesort")]
    return times[order], keys[order]


@compiled(numba.types.UniTuple(F8, 2)(U8, U8, U8, U8, U8, I8, I8), inline=True)
def candidate_uniforms(
    seed: int, replication: int, phase: int, purpose: int, cell: int, layer: int, number: int
) -> tuple[float, float]:
    """What decides a layer's candidate: the uniforms of the gap before it and of its height."""
    w = words(seed, replication, cell, place(layer, number), purpose, phase)
    return uniform(w[0]), uniform(w[1])


@compiled(numba.types.UniTuple(F8, 2)(F8, F8, F8, F8, F8), inline=True)
def candidate(previous: float, log_gap_u: float, height_u: float, low: float, thickness: float) -> tuple[float, float]:
    """A layer's candidate after the one at `previous`: its time and its height."""
    return previous - log_gap_u / thickness, low + thickness * height_u


@compiled(numba.boolean(F8, F8, F8, F8), inline=True)
def comes(t: float, height: float, since: float, rate: float) -> bool:
    """Whether a candidate is a lead: after `since`, and below the intensity of its month."""
    return t > since and height < rate


@compiled(ARRIVALS(U8, U8, U8, U8, U8, VECTOR, VECTOR, F8, F8))
def thinned_arrivals(
    seed: int,
    replication: int,
    phase: int,
    purpose: int,
    cell: int,
    rates: Vector,
    month_ends: Vector,
    since: float,
    until: float,
) -> tuple[Vector, Keys]:
    """A cell's leads in (since, until], and not beyond the horizon: their times, sorted, and their keys.

    `purpose` is LEAD or PROSPECT; `rates` are leads per working hour by month. Candidates run from time 0 whatever
    `since` is, so that a later as_of leaves the draws of what follows as they were.
    """
    end = min(month_ends[-1], until)
    top = highest(rates)
    times = np.empty(64)
    keys = np.empty(64, dtype=np.uint64)
    found = 0
    layer = 0
    low = 0.0
    while low < top:
        high = layer_top(layer)
        number = 0
        month = 0
        gap_u, height_u = candidate_uniforms(seed, replication, phase, purpose, cell, layer, number)
        t, height = candidate(0.0, log(gap_u), height_u, low, high - low)
        while t <= end:
            month = month_from(month_ends, t, month)
            if comes(t, height, since, rates[month]):
                if found == len(times):
                    times = np.concatenate((times, np.empty(found)))
                    keys = np.concatenate((keys, np.empty(found, dtype=np.uint64)))
                times[found] = t
                keys[found] = mix(cell, place(layer, number))
                found += 1
            number += 1
            gap_u, height_u = candidate_uniforms(seed, replication, phase, purpose, cell, layer, number)
            t, height = candidate(t, log(gap_u), height_u, low, high - low)
        low = high
        layer += 1
    return in_order(times[:found], keys[:found])


AT_RANDOM, EVENLY, AT_ONCE = 0, 1, 2


@compiled(F8(U8, U8, U8, U8, I8, I8, I8, F8), inline=True)
def listed_time(
    seed: int, replication: int, phase: int, cell: int, number: int, count: int, spread: int, end: float
) -> float:
    """When a prospect of an exact list comes."""
    if spread == AT_RANDOM:
        return end * uniform(words(seed, replication, cell, number, LIST, phase)[0])
    if spread == EVENLY:
        return end * ((number + 0.5) / count)
    return 0.0


@compiled(ARRIVALS(U8, U8, U8, U8, I8, I8, F8, F8))
def listed_arrivals(
    seed: int, replication: int, phase: int, cell: int, count: int, spread: int, since: float, end: float
) -> tuple[Vector, Keys]:
    """Exactly `count` prospects over the horizon, those after `since` returned: their times, sorted, and their keys."""
    times = np.empty(count)
    keys = np.empty(count, dtype=np.uint64)
    kept = 0
    for number in range(count):
        t = listed_time(seed, replication, phase, cell, number, count, spread, end)
        if t > since or since == 0.0:
            times[kept] = t
            keys[kept] = mix(cell, number)
            kept += 1
    return in_order(times[:kept], keys[:kept])


@compiled(VECTOR(U8, U8, U8, U8, F8, F8, I8))
def shocks(seed: int, replication: int, phase: int, entity: int, sd: float, persistence: float, months: int) -> Vector:
    """An autocorrelated log shock by month: stationary AR(1) with standard deviation sd from the first month on."""
    path = np.zeros(months)
    if sd == 0.0:
        return path
    fresh = math.sqrt(1.0 - persistence * persistence)
    z = 0.0
    for month in range(months):
        innovation = normal_quantile(uniform(words(seed, replication, entity, month, ECONOMY, phase)[0]))
        z = innovation if month == 0 else persistence * z + fresh * innovation
        path[month] = sd * z
    return path


@compiled(VECTOR(VECTOR))
def log_index(index: Vector) -> Vector:
    """[months]: the logarithm of a known economy index."""
    known = np.empty(len(index))
    for month in range(len(index)):
        known[month] = log(index[month])
    return known


@compiled(TABLE(TABLE, I8[::1], VECTOR, VECTOR, VECTOR, TABLE, F8))
def intensities(
    normal: Vector, region: NDArray[np.int64], loading: Vector, known: Vector, common: Vector, regional: Vector,
    variance: float,
) -> Vector:  # fmt: skip
    """[cells, months]: leads per working hour under the shocks, whose factor has mean 1 (the lognormal correction)."""
    rates = np.empty(normal.shape)
    for cell in range(normal.shape[0]):
        load = loading[cell]
        for month in range(normal.shape[1]):
            log_economy = known[month] + common[month] + regional[region[cell], month]
            shift = load * log_economy - 0.5 * load * load * variance
            rates[cell, month] = normal[cell, month] * exp(shift)
    return rates


@compiled(TABLE(F8, VECTOR, VECTOR, TABLE))
def conversion_odds(loading: float, known: Vector, common: Vector, regional: Vector) -> Vector:
    """[regions, months]: the factor by which the economy moves the odds of conversion."""
    odds = np.empty(regional.shape)
    for region in range(regional.shape[0]):
        for month in range(regional.shape[1]):
            odds[region, month] = economy_odds(loading, known[month] + common[month] + regional[region, month])
    return odds
