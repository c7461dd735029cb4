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
from engine.distributions import _ROWS, EXPONENTIAL, LOGNORMAL, variate

from numba import types  # isort: skip

Floats = NDArray[np.float64]
Lanes = NDArray[np.int64]
_FLOATS: Final = types.float64[::1]
_LANES: Final = types.int64[::1]
_MAP: Final = types.void(_FLOATS, _FLOATS, types.int64)
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


@compiled(types.void(_ROWS, _FLOATS, _LANES, _FLOATS, _FLOATS, _LANES, _LANES, _FLOATS, _FLOATS, types.int64))
def variates(
    dists: NDArray[np.void],
    table: Floats,
    rows: Lanes,
    u: Floats,
    out: Floats,
    lanes: Lanes,
    tails: Lanes,
    x: Floats,
    y: Floats,
    n: int,
) -> None:
    """The first n variates: of row rows[i] at u[i], as `variate` gives them. The last four arrays are room for n."""
    found = _of_kind(dists, rows, lanes, LOGNORMAL, n)
    if found > 0:
        for j in range(found):
            x[np.uint64(j)] = u[np.uint64(lanes[np.uint64(j)])]
        normal_quantiles(x, y, tails, found)
        for j in range(found):
            x[np.uint64(j)] = dists[np.uint64(rows[np.uint64(lanes[np.uint64(j)])])].p1 * y[np.uint64(j)]
        exps(x, y, found)
        for j in range(found):
            i = np.uint64(lanes[np.uint64(j)])
            out[i] = dists[np.uint64(rows[i])].p0 * y[np.uint64(j)]
    done = found
    found = _of_kind(dists, rows, lanes, EXPONENTIAL, n)
    if found > 0:
        for j in range(found):
            x[np.uint64(j)] = 1.0 - u[np.uint64(lanes[np.uint64(j)])]
        logs(x, y, found)
        for j in range(found):
            i = np.uint64(lanes[np.uint64(j)])
            out[i] = -dists[np.uint64(rows[i])].p0 * y[np.uint64(j)]
    if done + found < n:
        _the_rest(dists, table, rows, u, out, lanes, n)


@compiled(types.int64(_ROWS, _LANES, _LANES, types.int64, types.int64), inline=True)
def _of_kind(dists: NDArray[np.void], rows: Lanes, lanes: Lanes, kind: int, n: int) -> int:
    """How many of the first n rows are of a kind; `lanes` gets which. `lanes` has room for one more than there are."""
    found = 0
    for i in range(n):
        lanes[np.uint64(found)] = i
        found += dists[np.uint64(rows[np.uint64(i)])].kind == kind
    return found


@compiled(types.void(_ROWS, _FLOATS, _LANES, _FLOATS, _FLOATS, _LANES, types.int64))
def _the_rest(dists: NDArray[np.void], table: Floats, rows: Lanes, u: Floats, out: Floats, lanes: Lanes, n: int) -> None:
    """Those of other kinds, one by one."""
    found = 0
    for i in range(n):
        kind = dists[np.uint64(rows[np.uint64(i)])].kind
        lanes[np.uint64(found)] = i
        found += (kind != LOGNORMAL) & (kind != EXPONENTIAL)
    for j in range(found):
        i = np.uint64(lanes[np.uint64(j)])
        out[i] = variate(dists, table, rows[i], u[i])
