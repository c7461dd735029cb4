"""Elementary and special functions with the same bits on every machine.

The lowest layer under draws, distributions and rules. The platform's exp and log differ between Python, NumPy, numba
and builds of the C library, so that digests of runs would differ too; here they are made from + - * / and sqrt (which
IEEE 754 defines to the last bit), comparisons and moves of bits, in a fixed order, with no contraction to fused
multiply-adds. Nothing here, nor in `engine.beta`, may use math.exp, `**`, `round`, `sum` or array arithmetic.

Accuracy, against mpmath under test: `exp`, `log`, `normal_quantile` within 2 units in the last place over their whole
range; `normal_cdf` to 1e-14 relative, also in the lower tail. Methods: exp and log reduce their argument and use the
minimax polynomials of fdlibm (Sun Microsystems, 1993); the normal quantile splits its range as AS 241 does (Wichura
1988, Applied Statistics 37, 477-484), with rational functions fitted here in 70 digits to what remains after a leading
linear term, so that their rounding hardly reaches the result; the rest is named where it stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import Any, Final

import numpy as np

from engine.compiled import compiled  # first of all: it places numba's cache before numba is imported

from numba import types  # isort: skip
from numba.extending import intrinsic  # isort: skip

_LN2_HIGH: Final = 6.93147180369123816490e-01  # 32 bits: its product with an exponent is exact
_LN2_LOW: Final = 1.90821492927058770002e-10
_INVERSE_LN2: Final = 1.44269504088896338700e00
_EXP_OVERFLOW: Final = 7.09782712893383973096e02
_EXP_UNDERFLOW: Final = -7.45133219101941108420e02
_SQRT_HALF_BITS: Final = 0x3FE6A09E667F3BCD
_MANTISSA: Final = 0x000FFFFFFFFFFFFF
_ONE_BITS: Final = 0x3FF0000000000000
_SMALLEST_NORMAL: Final = 2.2250738585072014e-308
_TWO_54: Final = 18014398509481984.0
_SPLITTER: Final = 134217729.0  # 2^27 + 1, Dekker's
_ROOT_TWO_PI: Final = 2.5066282746310007
_ROOT_TWO_PI_LOW: Final = -1.8328579980459167e-16
_INF: Final = np.inf


def added(numbers: Iterable[float]) -> float:
    """Their sum from the first to the last, as written: Python's own `sum` rounds otherwise from 3.12 on."""
    total = 0.0
    for number in numbers:
        total += number
    return total


_NAN: Final = np.nan


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def _bits(typing_context: Any, x: Any) -> Any:
    """The 64 bits of a float64 as an int64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.int64))

    return types.int64(types.float64), generate


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def _from_bits(typing_context: Any, n: Any) -> Any:
    """The float64 with these 64 bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.float64))

    return types.float64(types.int64), generate


@compiled("UniTuple(float64, 2)(float64)", inline=True)
def _exp_parts(x: float) -> tuple[float, float]:
    """y and k with exp x = 2^k y.

    x = k ln 2 + r, |r| <= ln 2 / 2; exp(r) from r (e^r + 1) / (e^r - 1), a polynomial in r^2.
    """
    k = np.floor(x * _INVERSE_LN2 + 0.5)  # 0 changes nothing below: no branch that a processor must guess
    high = x - k * _LN2_HIGH
    low = k * _LN2_LOW
    r = high - low
    z = r * r
    zz = z * z  # polynomials by halves (Estrin 1960): a processor works on both at once
    p = 6.61375632143793436117e-05 - z * 1.65339022054652515390e-06 + zz * 4.13813679705723846039e-08
    p = 1.66666666666666019037e-01 - z * 2.77777777770155933842e-03 + zz * p
    c = r - z * p
    return 1.0 - ((low - (r * c) / (2.0 - c)) - high), k


@compiled("float64(float64)", inline=True)
def exp(x: float) -> float:
    """e to the x: 0 below -745.13, infinite above 709.78, NaN of NaN."""
    if not (x <= _EXP_OVERFLOW):
        return x if x != x else _INF
    if x < _EXP_UNDERFLOW:
        return 0.0
    y, power = _exp_parts(x)
    k = int(power)
    if k < -1021:  # the result is subnormal: rounded once, by the last product
        return y * _from_bits((k + 2023) << 52) * _from_bits(23 << 52)
    if k > 1023:
        return y * 2.0 * _from_bits((k + 1022) << 52)
    return y * _from_bits((k + 1023) << 52)


@compiled("UniTuple(float64, 3)(float64)", inline=True)
def _log_parts(x: float) -> tuple[float, float, float]:
    """k, f and c with log x = k ln 2 + f + c, f exact, x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt 2; x > 0, finite."""
    k = 0
    if x < _SMALLEST_NORMAL:
        x *= _TWO_54
        k = -54
    bits = _bits(x) + (_ONE_BITS - _SQRT_HALF_BITS)  # carries into the exponent where 1 + f would reach sqrt 2
    k += (bits >> 52) - 1023
    f = _from_bits((bits & _MANTISSA) + _SQRT_HALF_BITS) - 1.0
    s = f / (2.0 + f)
    z = s * s
    zz = z * z
    upper = 1.818357216161805012e-01 + z * 1.531383769920937332e-01 + zz * 1.479819860511658591e-01
    middle = 2.857142874366239149e-01 + z * 2.222219843214978396e-01
    r = 6.666666666666735130e-01 + z * 3.999999999940941908e-01 + zz * (middle + zz * upper)
    half_square = 0.5 * f * f
    return float(k), f, s * (half_square + r * z) - half_square


@compiled("float64(float64)", inline=True)
def _log_of_positive(x: float) -> float:
    """The logarithm of a finite x > 0."""
    k, f, c = _log_parts(x)
    return k * _LN2_HIGH + (f + (c + k * _LN2_LOW))


@compiled("float64(float64)", inline=True)
def log(x: float) -> float:
    """The natural logarithm: -inf of 0, NaN of a negative number.

    x = 2^k (1 + f); log(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)) with s = f / (2 + f).
    """
    if not (0.0 < x < _INF):
        if x == 0.0:
            return -_INF
        return x if x == _INF else _NAN
    return _log_of_positive(x)


@compiled("float64(float64)")
def log1p(x: float) -> float:
    """log(1 + x), for x > -1, accurate where x is small: the rounding of 1 + x is given back (Goldberg 1991)."""
    w = 1.0 + x
    if w == 1.0:
        return x
    if not (0.0 < w < _INF):
        return log(w)
    return log(w) + (x - (w - 1.0)) / w


# --- the normal distribution ---------------------------------------------------------------------------------------


@compiled("float64(float64)", inline=True)
def _central_rest(w: float) -> float:
    """(x / q - sqrt(2 pi)) / q^2 for the normal quantile x at 1/2 + q, w = q^2 <= 0.425^2; within 1e-15."""
    t = 0.180625 - w
    tt = t * t
    t4 = tt * tt
    p = (4.874765941399952 + t * 210.31989537018472) + tt * (3525.532128070263 + t * 29112.399752709563)
    upper = (124185.54730959909 + t * 262872.99053463) + tt * (241554.11234600894 + t * 68589.41719068619)
    p = p + t4 * (upper + t4 * 625.065325746334)
    q = (1.0 + t * 49.168931922853595) + tt * (967.9298360519297 + t * 9787.108554703831)
    upper = (54319.3889132977 + t * 164325.0965799307) + tt * (253716.09965853798 + t * 171982.98098109584)
    q = q + t4 * (upper + t4 * 35509.46431808932)
    return p / q


@compiled("float64(float64)")
def _tail_rest(r: float) -> float:
    """x - 1.5 r + 1 for the upper normal quantile x at exp(-r^2), 1.6 <= r <= 27.5; within 1e-16, and below 1.2."""
    if r < 6.05:
        t = r - 1.6
        tt = t * t
        t4 = tt * tt
        t8 = t4 * t4
        p = (0.26100565901920514 + t * 0.3994243680585301) + tt * (0.2490573922152759 + t * 0.07362917744354273)
        upper = (0.008185548766939518 - t * 0.0008315949896389952) - tt * (
            0.00029369254983870047 + t * 2.2892930626749396e-05
        )
        p = 0.023437110749683573 + t * (p + t4 * (upper - t4 * (4.946510682857796e-07 + t * 1.8590374671736947e-12)))
        q = (1.0 + t * 2.272335112811188) + tt * (2.151126657593128 + t * 1.1080272482872229)
        upper = (0.33847417501238664 + t * 0.061889789258885136) + tt * (
            0.0063974646768155865 + t * 0.0003243269484181113
        )
        q = q + t4 * upper + t8 * 5.7698279803142624e-06
        return p / q
    t = r - 6.0
    p = -6.663152938441542e-18
    p = p * t - 1.202333593210056e-10
    p = p * t - 2.574270178862677e-08
    p = p * t - 1.8055837049754506e-06
    p = p * t - 5.595916696638084e-05
    p = p * t - 0.0008419690226804812
    p = p * t - 0.006008884012068047
    p = p * t - 0.015189428757951646
    p = p * t + 0.02321890723295212
    p = p * t + 0.12059476790502359
    q = 1.401598246020492e-09
    q = q * t + 3.0797379634159333e-07
    q = q * t + 2.2703731687661332e-05
    q = q * t + 0.0007658788927976556
    q = q * t + 0.013258120251059219
    q = q * t + 0.12125911949843168
    q = q * t + 0.5551982129835954
    q = q * t + 1.0
    return p / q


@compiled("float64(float64)")
def _upper_quantile(p: float) -> float:
    """The x > 0 that a normal variable exceeds with probability 0 < p <= 0.075.

    r = sqrt(-log p) is kept as a sum of two float64 (Dekker 1971), since x moves up to twice as fast as r; then
    x = 1.5 r - 1 + rest.
    """
    k, f, c = _log_parts(p)
    a = k * _LN2_HIGH  # exact
    total = a + f
    part = total - a
    error = (a - (total - part)) + (f - part)
    level = -total
    level_low = -(error + (c + k * _LN2_LOW))
    shifted = level + level_low
    level_low -= shifted - level
    r = sqrt(shifted)
    head = _SPLITTER * r
    head -= head - r
    tail = r - head
    square = r * r
    square_low = ((head * head - square) + 2.0 * head * tail) + tail * tail
    r_low = ((shifted - square) - square_low + level_low) / (r + r)
    rest = 0.5 * r - 1.0  # exact
    x = r + rest
    part = x - r
    x_low = (r - (x - part)) + (rest - part)
    return x + (x_low + (1.5 * r_low + _tail_rest(r)))


@compiled("float64(float64)", inline=True)
def _central_quantile(q: float) -> float:
    """The normal quantile at 1/2 + q, |q| <= 0.425."""
    w = q * q
    return q * _ROOT_TWO_PI + q * (_ROOT_TWO_PI_LOW + w * _central_rest(w))


@compiled("float64(float64)", inline=True)
def normal_quantile(u: float) -> float:
    """The standard normal quantile: -inf at 0, inf at 1, NaN outside [0, 1]."""
    q = u - 0.5
    if -0.425 <= q <= 0.425:
        return _central_quantile(q)
    if not (0.0 < u < 1.0):
        if u == 0.0:
            return -_INF
        return _INF if u == 1.0 else _NAN
    if q < 0.0:
        return -_upper_quantile(u)
    return _upper_quantile(1.0 - u)


@compiled("float64(float64)")
def _mills(x: float) -> float:
    """The upper normal tail at x over exp(-x^2 / 2), for 0.65 <= x <= 39; relative error below 3e-15."""
    if x < 5.6:
        t = x - 0.65
        p = 8.850303324379687e-06
        p = p * t + 0.00022078568539403342
        p = p * t + 0.002554073929926884
        p = p * t + 0.01764313417031643
        p = p * t + 0.078432655094858
        p = p * t + 0.2248884052850246
        p = p * t + 0.3881904824678601
        p = p * t + 0.31849696222704754
        q = 2.218442193720914e-05
        q = q * t + 0.0005678474205034244
        q = q * t + 0.006784029453018679
        q = q * t + 0.0489250931947147
        q = q * t + 0.23135606965582778
        q = q * t + 0.7307604535152292
        q = q * t + 1.499464956573455
        q = q * t + 1.821398023282084
        q = q * t + 1.0
        return p / q
    t = x - 5.5
    p = 7.780993863689483e-08
    p = p * t + 3.5783661422968047e-06
    p = p * t + 7.251251455162902e-05
    p = p * t + 0.0008379210888964635
    p = p * t + 0.005955631495645644
    p = p * t + 0.02601202793345882
    p = p * t + 0.06459947480300182
    p = p * t + 0.07034269402512774
    q = 1.9504059223454372e-07
    q = q * t + 1.0042357006553416e-05
    q = q * t + 0.0002312899454528892
    q = q * t + 0.003107944159647763
    q = q * t + 0.026618454943977746
    q = q * t + 0.14863757810172418
    q = q * t + 0.5279652027239055
    q = q * t + 1.0897640348952982
    q = q * t + 1.0
    return p / q


@compiled("float64(float64)")
def normal_cdf(x: float) -> float:
    """The probability that a standard normal variable is at most x; relative error below 1e-14 for x > -37.5.

    Cody's split (1969): an odd rational function in the middle, Mills' ratio outside, and exp(-x^2 / 2) from x cut
    to 1/16, whose square is exact.
    """
    size = x if x >= 0.0 else -x
    if size < 0.68:
        w = x * x
        p = -4.1214020884394843e-08
        p = p * w + 2.874551161068439e-06
        p = p * w - 2.0606025531514293e-05
        p = p * w + 0.0033295037324399873
        p = p * w + 0.013721671873793098
        p = p * w + 0.3989422804014327
        q = 1.2740012222245604e-05
        q = q * w + 0.0007073485220046353
        q = q * w + 0.01685612775634442
        q = q * w + 0.20106179736072538
        q = q * w + 1.0
        return 0.5 + x * (p / q)
    if not (size < 38.6):
        if x != x:
            return x
        return 1.0 if x > 0.0 else 0.0
    cut = float(int(size * 16.0)) * 0.0625
    upper = exp(-0.5 * cut * cut) * exp(-0.5 * (size - cut) * (size + cut)) * _mills(size)
    return 1.0 - upper if x > 0.0 else upper
