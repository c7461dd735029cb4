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
from engine.business import F8, I8, U8, VECTOR, Vector, month_of
from engine.compiled import compiled
from engine.draws import ECONOMY, LIST, mix, uniform, words

KEYS = numba.uint64[::1]
Keys = NDArray[np.uint64]
ARRIVALS = numba.types.Tuple((VECTOR, KEYS))

BASE_HEIGHT = 2.0**-11  # leads per working hour: about one in a working year
NUMBER_BITS = 40  # a lead's number within its layer; its layer stands above


@compiled(F8(I8))
def layer_top(layer: int) -> float:
    """The height at which a layer ends; the first is BASE_HEIGHT thick, each next one doubles what lies below it."""
    top = BASE_HEIGHT
    for _ in range(layer):
        top = top + top
    return top


@compiled(U8(I8, I8))
def place(layer: int, number: int) -> int:
    """A candidate's place in its cell: (layer, number) in one word. `mix`, a bijection, makes it the lead's key."""
    return (layer << NUMBER_BITS) | number


@compiled(F8(VECTOR))
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


@compiled(ARRIVALS(U8, U8, U8, U8, U8, VECTOR, VECTOR, F8))
def thinned_arrivals(
    seed: int,
    replication: int,
    phase: int,
    purpose: int,
    cell: int,
    rates: Vector,
    month_ends: Vector,
    since: float,
) -> tuple[Vector, Keys]:
    """A cell's leads in (since, horizon]: their times, sorted, and their keys.

    `purpose` is LEAD or PROSPECT; `rates` are leads per working hour by month. Candidates run from time 0 whatever
    `since` is, so that a later as_of leaves the draws of what follows as they were.
    """
    end = month_ends[-1]
    top = highest(rates)
    times = np.empty(64)
    keys = np.empty(64, dtype=np.uint64)
    found = 0
    layer = 0
    low = 0.0
    while low < top:
        high = layer_top(layer)
        thickness = high - low
        t = 0.0
        number = 0
        while True:
            index = place(layer, number)
            w = words(seed, replication, cell, index, purpose, phase)
            t = t - log(uniform(w[0])) / thickness
            if t > end:
                break
            height = low + thickness * uniform(w[1])
            if t > since and height < rates[month_of(month_ends, t)]:
                if found == len(times):
                    times = np.concatenate((times, np.empty(found)))
                    keys = np.concatenate((keys, np.empty(found, dtype=np.uint64)))
                times[found] = t
                keys[found] = mix(cell, index)
                found += 1
            number += 1
        low = high
        layer += 1
    return in_order(times[:found], keys[:found])


AT_RANDOM, EVENLY, AT_ONCE = 0, 1, 2


@compiled(ARRIVALS(U8, U8, U8, U8, I8, I8, F8, F8))
def listed_arrivals(
    seed: int, replication: int, phase: int, cell: int, count: int, spread: int, since: float, end: float
) -> tuple[Vector, Keys]:
    """Exactly `count` prospects over the horizon, those after `since` returned: their times, sorted, and their keys."""
    times = np.empty(count)
    keys = np.empty(count, dtype=np.uint64)
    kept = 0
    for number in range(count):
        if spread == AT_RANDOM:
            t = end * uniform(words(seed, replication, cell, number, LIST, phase)[0])
        elif spread == EVENLY:
            t = end * ((number + 0.5) / count)
        else:
            t = 0.0
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


@compiled(VECTOR(VECTOR, VECTOR, VECTOR, VECTOR, F8, F8))
def intensities(
    normal: Vector, known: Vector, common: Vector, regional: Vector, loading: float, variance: float
) -> Vector:
    """Leads per working hour by month under the shocks; their factor has mean 1 (the lognormal correction)."""
    rates = np.empty(len(normal))
    for month in range(len(normal)):
        shift = loading * (known[month] + common[month] + regional[month]) - 0.5 * loading * loading * variance
        rates[month] = normal[month] * exp(shift)
    return rates
