"""Elementary functions and variates of many numbers at once: the same bits, a fifth of the time.

Each is a loop without a branch over the very functions of `engine.arithmetic`, which a compiler turns into vector
instructions (operations on four or eight numbers round as on one); the few numbers that need a branch are done over,
one by one. The compiled engine draws with these what the SimPy model draws with `exp`, `log` and `variate`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.arithmetic import _central_quantile, _exp_parts, _from_bits, _log_of_positive, exp, log, normal_quantile
from engine.compiled import compiled
from engine.distributions import _ROWS, EXPONENTIAL, LOGNORMAL, WEIBULL, variate
from engine.distributions import KINDS as NAMES_OF_KINDS

from numba import types  # isort: skip

Floats = NDArray[np.float64]
Lanes = NDArray[np.int64]
Rows = NDArray[np.void]
_FLOATS: Final = types.float64[::1]
_LANES: Final = types.int64[::1]
_TABLE_OF_FLOATS: Final = types.float64[:, ::1]
_TABLE_OF_LANES: Final = types.int64[:, ::1]
_MAP: Final = types.void(_FLOATS, _FLOATS, types.int64)
_OF_ONE_KIND: Final = types.void(_ROWS, _LANES, _FLOATS, _FLOATS, _LANES, _TABLE_OF_FLOATS, _LANES, types.int64)
KINDS: Final = len(NAMES_OF_KINDS)
_SAFE: Final = 708.0  # the exponential of no number within is subnormal or infinite
_CENTRAL: Final = 0.425


@compiled(_MAP)
def logs(x: Floats, out: Floats, n: int) -> None:
    """The first n logarithms of x."""
    odd = 0
    for i in range(n):
        value = x[np.uint64(i)]
        odd += not (0.0 < value < np.inf)
        out[np.uint64(i)] = _log_of_positive(value)
    if odd > 0:
        for i in range(n):
            out[np.uint64(i)] = log(x[np.uint64(i)])


@compiled(_MAP)
def exps(x: Floats, out: Floats, n: int) -> None:
    """The first n exponentials of x."""
    odd = 0
    for i in range(n):
        value = x[np.uint64(i)]
        odd += not (-_SAFE <= value <= _SAFE)
        y, power = _exp_parts(value)
        out[np.uint64(i)] = y * _from_bits((int(power) + 1023) << 52)
    if odd > 0:
        for i in range(n):
            out[np.uint64(i)] = exp(x[np.uint64(i)])


@compiled(types.void(_FLOATS, _FLOATS, _LANES, types.int64))
def normal_quantiles(u: Floats, out: Floats, tails: Lanes, n: int) -> None:
    """The first n normal quantiles of u. `tails` is room for n numbers."""
    for i in range(n):
        out[np.uint64(i)] = _central_quantile(u[np.uint64(i)] - 0.5)
    found = 0
    for i in range(n):
        q = u[np.uint64(i)] - 0.5
        tails[np.uint64(found)] = i
        found += not (-_CENTRAL <= q <= _CENTRAL)
    for j in range(found):
        i = tails[np.uint64(j)]
        out[np.uint64(i)] = normal_quantile(u[np.uint64(i)])


@compiled(_OF_ONE_KIND)
def _lognormals(
    dists: Rows, rows: Lanes, u: Floats, out: Floats, here: Lanes, room: Floats, tails: Lanes, n: int
) -> None:
    x, y = room[0], room[1]
    for j in range(n):
        x[np.uint64(j)] = u[np.uint64(here[np.uint64(j)])]
    normal_quantiles(x, y, tails, n)
    for j in range(n):
        x[np.uint64(j)] = dists[np.uint64(rows[np.uint64(here[np.uint64(j)])])].p1 * y[np.uint64(j)]
    exps(x, y, n)
    for j in range(n):
        i = np.uint64(here[np.uint64(j)])
        out[i] = dists[np.uint64(rows[i])].p0 * y[np.uint64(j)]


@compiled(_OF_ONE_KIND)
def _exponentials(
    dists: Rows, rows: Lanes, u: Floats, out: Floats, here: Lanes, room: Floats, _: Lanes, n: int
) -> None:
    x, y = room[0], room[1]
    for j in range(n):
        x[np.uint64(j)] = 1.0 - u[np.uint64(here[np.uint64(j)])]
    logs(x, y, n)
    for j in range(n):
        i = np.uint64(here[np.uint64(j)])
        out[i] = -dists[np.uint64(rows[i])].p0 * y[np.uint64(j)]


@compiled(_OF_ONE_KIND)
def _weibulls(dists: Rows, rows: Lanes, u: Floats, out: Floats, here: Lanes, room: Floats, _: Lanes, n: int) -> None:
    x, y = room[0], room[1]
    for j in range(n):
        x[np.uint64(j)] = 1.0 - u[np.uint64(here[np.uint64(j)])]
    logs(x, y, n)
    for j in range(n):
        x[np.uint64(j)] = -y[np.uint64(j)]
    logs(x, y, n)
    for j in range(n):
        x[np.uint64(j)] = y[np.uint64(j)] / dists[np.uint64(rows[np.uint64(here[np.uint64(j)])])].p1
    exps(x, y, n)
    for j in range(n):
        i = np.uint64(here[np.uint64(j)])
        out[i] = dists[np.uint64(rows[i])].p0 * y[np.uint64(j)]


@compiled(types.void(_ROWS, _FLOATS, _LANES, _FLOATS, _FLOATS, _TABLE_OF_LANES, _TABLE_OF_FLOATS, types.int64))
def variates(
    dists: Rows, table: Floats, rows: Lanes, u: Floats, out: Floats, lanes: Lanes, room: Floats, n: int
) -> None:
    """The first n variates: of row rows[i] at u[i], with the bits that `variate` gives them.

    `lanes` [KINDS + 2, at least n] and `room` [2, at least n] are room to work in.
    """
    found, tails = lanes[KINDS], lanes[KINDS + 1]
    for kind in range(KINDS):
        found[np.uint64(kind)] = 0
    for i in range(n):  # those of a kind together, without asking each which it is
        kind = dists[np.uint64(rows[np.uint64(i)])].kind
        place = found[np.uint64(kind)]
        lanes[np.uint64(kind), np.uint64(place)] = i
        found[np.uint64(kind)] = place + 1
    for kind in range(KINDS):
        count, here = found[np.uint64(kind)], lanes[np.uint64(kind)]
        if count == 0:
            continue
        if kind == LOGNORMAL:
            _lognormals(dists, rows, u, out, here, room, tails, count)
        elif kind == EXPONENTIAL:
            _exponentials(dists, rows, u, out, here, room, tails, count)
        elif kind == WEIBULL:
            _weibulls(dists, rows, u, out, here, room, tails, count)
        else:
            for j in range(count):
                i = here[np.uint64(j)]
                out[np.uint64(i)] = variate(dists, table, rows[np.uint64(i)], u[np.uint64(i)])
