"""How long a stage keeps a deal, apart for deals that advance and deals that are lost, open deals censored.

With many ended deals the distribution is the data's own: the Aalen-Johansen incidence of the outcome, divided by its
final value and inverted, as a table of quantiles. With few, the waits of both outcomes are fitted at once by censored
maximum likelihood: an open deal of age c contributes p S1(c) + (1 - p) S2(c) (Larson and Dinse 1985, Appl. Statist. 34,
201-211), each of S1 and S2 exponential, lognormal or Weibull, the pair with the least AIC (Akaike 1974); its median and
ninth decile are those of all pairs together (``families``), since few deals do not say which is right.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import log_ndtr, ndtri, polygamma, stdtrit

from engine.fit.families import HIGH, LOW, Said, mixed, share_together
from engine.fit.held import SPREADS, Interval, TwoParameters, held
from engine.fit.incidence import ADVANCED, LOST, Floats, cumulative_incidence

Family = Literal["constant", "exponential", "lognormal", "weibull", "quantiles"]
FAMILIES: tuple[Family, ...] = ("exponential", "lognormal", "weibull")
UNFINISHED = 0.04  # share of deals that outlast all that ended, from which their end must come from a family's tail
FOLLOWED_FROM = 10  # deals of each outcome below which no tail is fitted for that
MOST_FITTED = 10_000  # deals that a likelihood looks at, evenly taken from more
MANY = 200  # ended deals from which a table of quantiles is more faithful than any family
COUNTS_FROM = 0.02  # weight from which a set of families has a say
BEYOND = 0.5  # power of Akaike's weights that is believed of what is beyond the middle of what was seen
LEVELS = (
    *(0.0, 0.01, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85),
    *(0.88, 0.9, 0.92, 0.95, 0.97, 0.99, 1.0),
)


@dataclass(frozen=True, slots=True)
class Wait:
    """One fitted distribution of a duration, in the unit of the times it was fitted to.

    ``parameters``: constant (value); exponential (mean); lognormal (median, sigma of the log); weibull (median, shape);
    quantiles: the durations at ``levels``, linear between. ``ended`` deals it rests on, ``aic`` of the pair it is
    part of. ``of``: as from how many deals that were seen to their end it is known, ``spread_of`` as from how many its
    sigma or shape (0: as many): the posterior that a plan draws from (``engine.posteriors``) is that of so many.
    """

    family: Family
    parameters: tuple[float, ...]
    ended: int
    levels: tuple[float, ...] = ()
    aic: float = float("nan")
    of: float = 0.0
    spread_of: float = 0.0

    def quantile(self, p: float) -> float:
        """The duration below which a share ``p`` of the waits lies; 0 < p < 1."""
        if self.family == "constant":
            return self.parameters[0]
        if self.family == "exponential":
            return -self.parameters[0] * float(np.log1p(-p))
        if self.family == "lognormal":
            return self.parameters[0] * float(np.exp(self.parameters[1] * ndtri(p)))
        if self.family == "weibull":
            median, shape = self.parameters
            return median * float((-np.log1p(-p) / np.log(2.0)) ** (1 / shape))
        return float(np.interp(p, self.levels, self.parameters))

    def log_survival(self, times: ArrayLike) -> Floats:
        """Logarithm of the share of waits that last longer than each time; of a time beyond all that were seen, as if
        half a deal had lasted as long."""
        t, p = np.asarray(times, dtype=np.float64), self.parameters
        least = float(np.log(0.5 / max(self.ended, 1)))
        if self.family == "constant":
            return np.where(t < p[0], 0.0, least)
        if self.family == "quantiles":
            share = 1.0 - np.interp(t, p, self.levels)
            return np.log(np.maximum(share, np.exp(least)))
        with np.errstate(divide="ignore", over="ignore"):
            logs = np.log(np.maximum(t, 0.0))
            if self.family == "exponential":
                return -t / p[0]
            if self.family == "lognormal":
                return np.asarray(log_ndtr(-(logs - np.log(p[0])) / p[1]))
            return -np.log(2.0) * np.exp(np.minimum(p[1] * (logs - np.log(p[0])), 700.0))


@dataclass(frozen=True, slots=True)
class Waits:
    """The waits of a stage by outcome; None where no deal has ended so.

    ``share``: where many deals are older than nearly all that ended, the probability of advancing as the waits' own
    likelihood has it, and from how many deals it is known; what `incidence` sees only holds for deals that end in time.
    """

    advance: Wait | None
    lost: Wait | None
    share: tuple[float, float] | None = None


def fit_waits(times: ArrayLike, outcomes: ArrayLike, *, resolution: float = 0.0, many: int = MANY) -> Waits:
    """Fit both outcomes' waits. ``times[N]``, ``outcomes[N]`` as in ``incidence``.

    ``resolution`` is the step of the times' clock (1 for whole days): shorter times are taken as half of it, since a
    deal that closes on its first day took some of the day.
    """
    t = np.maximum(np.asarray(times, dtype=np.float64), resolution / 2)
    c = np.minimum(np.asarray(outcomes, dtype=np.int64), LOST)
    counts = {cause: int(np.sum(c == cause)) for cause in (ADVANCED, LOST)}
    fitted: dict[int, Wait | None] = dict.fromkeys(counts)
    short = min(counts.values()) >= FOLLOWED_FROM and unfinished(t, c) > UNFINISHED
    few = [cause for cause, n in counts.items() if 0 < n < many]
    share = None
    if few or short:
        waits, share = _parametric(t, c, counts)
        fitted.update(waits)
    for cause, n in counts.items():
        if n >= many and not short:
            fitted[cause] = _table(t, c, cause, n)
    return Waits(fitted[ADVANCED], fitted[LOST], share if short else None)


def unfinished(times: ArrayLike, outcomes: ArrayLike) -> float:
    """The share of deals still open at the last time at which any has ended: what the history has not followed."""
    c = np.minimum(np.asarray(outcomes, dtype=np.int64), LOST)
    survival = cumulative_incidence(times, c).survival
    return float(survival[-1]) if len(survival) else 1.0


def _table(t: Floats, c: np.ndarray, cause: int, n: int) -> Wait:
    curve = cumulative_incidence(t, c)
    share = curve.incidence[:, cause - 1] / curve.final(cause)
    own = np.concatenate([[True], np.diff(share) > 0]) & (share > 0)
    at, share = curve.times[own], share[own]
    # the step function's inverse, joined at the middle of each step, so that the median of few distinct days is fair
    middle = share - np.diff(np.concatenate([[0.0], share])) / 2
    values = np.interp(LEVELS[1:-1], middle, at)
    table = np.maximum.accumulate(np.concatenate([[at[0]], values, [at[-1]]]))
    if table[-1] <= table[0]:
        return Wait("constant", (float(table[0]),), n)
    return Wait("quantiles", tuple(float(v) for v in table), n, LEVELS, of=float(n))


# --- parametric, with censoring ---------------------------------------------------------------------------------------


def _logs(family: Family, x: Floats, t: Floats) -> tuple[Floats, Floats]:
    """Log density and log survival of a family at t > 0; ``x`` are its unconstrained parameters."""
    if family == "exponential":
        rate = np.exp(-x[0])
        return -x[0] - rate * t, -rate * t
    if family == "lognormal":
        sigma = np.exp(x[1])
        z = (np.log(t) - x[0]) / sigma
        return -0.5 * z * z - 0.5 * np.log(2 * np.pi) - x[1] - np.log(t), log_ndtr(-z)
    shape = np.exp(x[1])
    z = np.exp(np.clip(shape * (np.log(t) - x[0]), -700, 700))
    return x[1] + shape * (np.log(t) - x[0]) - np.log(t) - z, -z


def _size(family: Family) -> int:
    return 1 if family == "exponential" else 2


_SPREAD: dict[str, tuple[float | None, float | None]] = {  # bounds of the logarithm of sigma or shape
    "exponential": (None, None),
    **{family: (float(np.log(least)), float(np.log(most))) for family, (least, most) in SPREADS.items()},
}


def _start(family: Family, t: Floats) -> list[float]:
    logs = np.log(t)
    sigma = max(0.05, float(logs.std()))
    if family == "exponential":
        return [float(np.log(t.mean()))]
    if family == "lognormal":
        return [float(logs.mean()), float(np.log(sigma))]
    return [float(np.log(t.mean())), float(np.log(min(20.0, max(0.25, 1.2 / sigma))))]


def _wait(family: Family, x: Floats, n: int, aic: float = float("nan")) -> Wait:
    """A family's wait from its unconstrained parameters."""
    if family == "exponential":
        return Wait(family, (float(np.exp(x[0])),), n, aic=aic)
    spread = float(np.exp(x[1]))
    if family == "lognormal":
        return Wait(family, (float(np.exp(x[0])), spread), n, aic=aic)
    return Wait(family, (float(np.exp(x[0]) * np.log(2) ** (1 / spread)), spread), n, aic=aic)


def _curvature(loss: Callable[[Floats], float], x: Floats) -> Floats:
    """The Hessian of a loss by central differences."""
    size = len(x)
    step = 1e-3 * np.maximum(1.0, np.abs(x))
    out = np.empty((size, size))
    for i in range(size):
        for j in range(i + 1):
            total = 0.0
            for a, b, sign in ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)):
                moved = x.copy()
                moved[i] += a * step[i]
                moved[j] += b * step[j]
                total += sign * loss(moved)
            out[i, j] = out[j, i] = total / (4 * step[i] * step[j])
    return out


def _covariance(loss: Callable[[Floats], float], x: Floats) -> Floats:
    """The inverse of the curvature, where it is one; else only its diagonal's."""
    with np.errstate(all="ignore"):
        hessian = _curvature(loss, x)
    if not np.all(np.isfinite(hessian)):
        return np.eye(len(x))  # at the edge of what a family can be: known to a factor of e or so
    values, vectors = np.linalg.eigh(hessian)
    return np.asarray((vectors / np.maximum(values, 1e-6)) @ vectors.T)


def _parametric(
    t: Floats, c: np.ndarray, counts: dict[int, int]
) -> tuple[dict[int, Wait | None], tuple[float, float] | None]:
    causes = [cause for cause, n in counts.items() if n > 0]
    positive = t[t > 0]
    if not len(positive):
        return {cause: Wait("constant", (0.0,), counts[cause]) for cause in causes}, None
    t = np.maximum(t, float(positive.min()) / 2)
    if len(t) > MOST_FITTED:
        even = np.linspace(0, len(t) - 1, MOST_FITTED).astype(np.int64)
        t, c = t[even], c[even]
    out: dict[int, Wait | None] = {}
    varied: list[int] = []
    for cause in causes:
        own = t[c == cause]
        if np.ptp(own) == 0:  # one wait, or always the same: no spread to fit
            few = len(own) < 3
            out[cause] = Wait("exponential" if few else "constant", (float(own[0]),), len(own), of=len(own) * few)
        else:
            varied.append(cause)
    share = None
    if varied:
        waits, share = _best(t, c, varied, counts)
        out.update(waits)
    return out, share


def _best(
    t: Floats, c: np.ndarray, causes: list[int], counts: dict[int, int]
) -> tuple[dict[int, Wait], tuple[float, float] | None]:
    """The pair of families with the least AIC, at what all pairs say together by their Akaike weights."""
    tried: list[tuple[float, list[Family], Floats, Callable[[Floats], float]]] = []
    for first in FAMILIES:
        for second in FAMILIES if len(causes) == 2 else (first,):
            families = [first, second][: len(causes)]
            x, least, loss = _joint(t, c, causes, families)
            size = sum(map(_size, families)) + len(causes) - 1
            aic = 2 * least + 2 * size
            tried.append((aic, families, x, loss))
    tried.sort(key=lambda one: one[0])
    aic, families, x, loss = tried[0]
    # which family the tail has is known less well than the likelihood says, which is mostly of what was seen: flatter
    # weights than Akaike's, but for the median
    weights = np.exp(-0.5 * BEYOND * (np.array([one[0] for one in tried]) - aic))
    kept = weights > COUNTS_FROM * weights.sum()
    weights = weights[kept] / weights[kept].sum()
    scale = max(1.0, sum(counts.values()) / len(t))  # where not all deals were looked at
    said = [
        Said(float(w), one[2], _covariance(one[3], one[2]) / scale, _deviance(one[3], one[2], scale))
        for w, one in zip(weights, itertools.compress(tried, kept), strict=True)
    ]
    sets = [one[1] for one in itertools.compress(tried, kept)]
    ended = float(np.mean(c != 0))
    at, found = len(causes) - 1, {}
    for place, (cause, family) in enumerate(zip(causes, families, strict=True)):
        own = slice(at, at + _size(family))
        found[cause] = _together(_wait(family, x[own], counts[cause], aic), place, said, sets, ended)
        at += _size(family)
    share = None
    if len(causes) == 2:
        p, tries = share_together(said)
        share = (p, min(float(sum(counts.values())), tries))
    return found, share


def _deviance(loss: Callable[[Floats], float], x: Floats, scale: float) -> Callable[[Floats], float]:
    """Twice the loss above its least. Far from there a family may be beyond all numbers, which the loss allows for."""
    least = loss(x)

    def deviance(other: Floats) -> float:
        with np.errstate(all="ignore"):
            return 2 * scale * (loss(other) - least)

    return deviance


def _together(wait: Wait, place: int, said: list[Said], sets: list[list[Family]], ended: float) -> Wait:
    """One cause's wait, with the 95% intervals of the median and the ninth decile that all families say together: of
    the best family, or a Weibull where that is an exponential and others have a say. ``ended``: share of all deals."""
    logs, sds = np.empty((2, len(said), len(_LEVELS)))
    for k, (one, families) in enumerate(zip(said, sets, strict=True)):
        at = len(families) - 1 + sum(_size(f) for f in families[:place])
        own, family = slice(at, at + _size(families[place])), families[place]
        fitted = _unbiased(_wait(family, one.at[own], wait.ended))
        logs[k] = [np.log(fitted.quantile(level)) for level in _LEVELS]
        slopes = _slopes(family, fitted.parameters)
        sds[k] = np.sqrt(np.maximum(np.einsum("li,ij,lj->l", slopes, one.covariance[own, own], slopes), 1e-12))
        sds[k] *= _few(wait.ended, ended, family)
    median, decile = (_interval(said, *level) for level in zip(_BELIEVED, logs.T, sds.T, strict=True))
    most = 1.5 * max(1, wait.ended)
    if all(families[place] == "exponential" for families in sets):
        return replace(wait, of=float(min(most, max(1.0, (ndtri(HIGH) / median.half) ** 2))))
    best: TwoParameters = "lognormal" if wait.family == "lognormal" else "weibull"
    law = held(best, median, decile, most)
    return Wait(best, (law.median, law.spread), wait.ended, aic=wait.aic, of=law.of, spread_of=law.spread_of)


def _interval(said: list[Said], power: float, logs: Floats, sds: Floats) -> Interval:
    """The mixture's 95% interval, families weighed by such a power of Akaike's weights."""
    weights = np.array([one.weight for one in said]) ** (power / BEYOND)
    weights /= weights.sum()
    return Interval(mixed(weights, logs, sds, LOW), mixed(weights, logs, sds, HIGH))


def _few(deals: int, ended: float, family: Family) -> tuple[float, float]:
    """By how much the intervals of the median and the ninth decile from few deals are longer than the curvature has
    them. An exponential's median is its mean, whose error is a log gamma's. Another's is Student's; where deals are
    open, its error hangs on the spread twice, since the wider that is the less has been seen. The ninth decile's is as
    for a mean: the family's own parameters make the spread look small, and a spread from few is not known."""
    free = max(1, deals - _size(family))
    decile = float(np.sqrt(deals / free) * stdtrit(free, HIGH) / ndtri(HIGH))
    if family == "exponential":
        return float(np.sqrt(deals * polygamma(1, deals))), decile
    return float(stdtrit(max(1.0, deals * ended**2 - 1), HIGH) / ndtri(HIGH)), decile


def _unbiased(wait: Wait) -> Wait:
    """A fitted wait with its spread as it is on average: the likeliest one is too small where deals are few.

    By n - 1 for a lognormal; for a Weibull's shape by Ross (1994), IEEE Trans. Dielectr. Electr. Insul. 1, 247-253."""
    n = max(3.0, float(wait.ended))
    if wait.family == "lognormal":
        return replace(wait, parameters=(wait.parameters[0], wait.parameters[1] * float(np.sqrt(n / (n - 1)))))
    if wait.family == "weibull":
        return replace(wait, parameters=(wait.parameters[0], wait.parameters[1] * (n - 2) / (n - 0.68)))
    return wait


_LEVELS = (0.5, 0.9)
_BELIEVED = (1.0, BEYOND)  # powers of Akaike's weights


def _slopes(family: Family, parameters: tuple[float, ...]) -> Floats:
    """[levels, parameters]: how the log quantiles at `_LEVELS` move with the unconstrained parameters."""
    if family == "exponential":
        return np.ones((len(_LEVELS), 1))
    if family == "lognormal":
        return np.array([[1.0, parameters[1] * ndtri(level)] for level in _LEVELS])
    return np.array([[1.0, -float(np.log(-np.log1p(-level))) / parameters[1]] for level in _LEVELS])


def _joint(
    t: Floats, c: np.ndarray, causes: list[int], families: list[Family]
) -> tuple[Floats, float, Callable[[Floats], float]]:
    """Least negative log likelihood over (logit p, parameters by cause); deals ended otherwise are left out."""
    ended = [t[c == cause] for cause in causes]
    censored = t[c == 0]
    mixed = len(causes) == 2
    start = [float(np.log(len(ended[0]) / len(ended[1])))] if mixed else []
    for own, family in zip(ended, families, strict=True):
        start += _start(family, own)

    def loss(x: Floats) -> float:
        weights = [-np.logaddexp(0.0, -x[0]), -np.logaddexp(0.0, x[0])] if mixed else [0.0]
        at, total = int(mixed), 0.0
        survivals = []
        for own, family, weight in zip(ended, families, weights, strict=True):
            part = x[at : at + _size(family)]
            at += _size(family)
            total += float(_logs(family, part, own)[0].sum()) + weight * len(own)
            survivals.append(weight + _logs(family, part, censored)[1])
        if len(censored):
            total += float(np.logaddexp.reduce(np.array(survivals), axis=0).sum())
        return -total if np.isfinite(total) else 1e300

    # a handful of nearly equal waits would drive the spread to nought and the likelihood to infinity
    bounds: list[tuple[float | None, float | None]] = [(-20.0, 20.0)] if mixed else []
    for family in families:
        bounds += [(None, None), _SPREAD[family]][: _size(family)]
    result = minimize(loss, np.array(start), method="L-BFGS-B", bounds=bounds, options={"maxiter": 500})
    return np.asarray(result.x, dtype=np.float64), float(result.fun), loss
