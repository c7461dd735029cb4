"""What a plan's fitted inputs may be besides their best values, drawn once a replication: the pure step in `realise`.

A fitted distribution says how many observations it is known from (``of``), and its spread where that is from other
than so many (``spread_of``), fitted odds the sd of their logarithm (``advance_sd``), a source's flow its ``leads_sd``,
``growth_sd``, ``season_sd`` and monthly ``overdispersion``, an economy and a response equally likely ``draws``. Each is
drawn by its own key with the POSTERIOR purpose, so that inserting one moves no other draw; a plan that has none of them
draws nothing here, and both engines run on the world's own arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from engine.arithmetic import added, exp, log, normal_quantile
from engine.beta import beta_quantile, log_gamma
from engine.demand import BudgetLine, Cell, responded
from engine.distributions import EXPONENTIAL, LOGNORMAL, QUANTILES, WEIBULL
from engine.draws import POSTERIOR, entity_key, uniform, words
from engine.plan.sources import Hill, Response
from engine.plan.types import Economy, Plan, Source

Floats = NDArray[np.float64]
_FAR = 1e6  # Beta(a, b) times a + b is Gamma(a), to a relative a / b
# Shape from which the cube root of a gamma is normal enough (Wilson and Hilferty 1931): to 1e-4, 6e-3 in far tails.
_EVEN = 40.0

# log scale and log shape of a Weibull from n observations: variances and correlation of maximum likelihood times n
# (Lawless 2003, section 5.2), for the median in place of the scale
_WEIBULL_MEDIAN, _WEIBULL_SHAPE, _WEIBULL_TOGETHER = 1.3789, 0.6079, 0.5240

# The widest that is drawn, unless the plan's own is wider: with this sigma half of all values are seven orders of
# magnitude or more from their median, and means and sums are below 1e250. Spreads known from one to three observations
# have tails that would overflow. A shape known from four or more is below once in 10^8 where the plan's is .2, once in
# 10^16 where it is .5; a sigma of 1 is above 9 times in 100,000 known from four, 3 times in 10 million from six.
SIGMA_MOST, SHAPE_LEAST = 25.0, 0.02


@dataclass(frozen=True, slots=True)
class UncertainRow:
    """A row of the distributions known from so many observations, its spread from so many, and the key of its draws."""

    row: int
    key: int
    of: float
    spread_of: float


def gamma_quantile(u: float, shape: float) -> float:
    """The u quantile of Gamma(shape, 1), 0.5 <= shape: by the beta's where it is skew, by the cube root's beyond."""
    if shape < _EVEN:
        return float(beta_quantile(u, shape, _FAR)) * (shape + _FAR)
    c = 1.0 / (9.0 * shape)
    root = 1.0 - c + normal_quantile(u) * sqrt(c)
    return shape * root * root * root


@dataclass(frozen=True, slots=True)
class Draws:
    """A replication's posterior draws: its seed, number and phase."""

    seed: int
    replication: int
    phase: int

    def uniforms(self, key: int, index: int = 0) -> tuple[float, float]:
        """Two uniforms of an uncertain input."""
        w = words(self.seed, self.replication, key, index, POSTERIOR, self.phase)
        return float(uniform(w[0])), float(uniform(w[1]))

    def normal(self, key: int, index: int = 0) -> float:
        """A standard normal one, from the first of them."""
        return float(normal_quantile(self.uniforms(key, index)[0]))


# --- distributions ----------------------------------------------------------------------------------------------------


def draw_rows(
    rows: Sequence[UncertainRow], dists: NDArray[np.void], table: Floats, at: Draws
) -> tuple[NDArray[np.void], Floats]:
    """The distributions with every uncertain row drawn from its posterior: first how wide it is, from ``spread_of``
    observations, then where, from ``of`` of them as wide as that."""
    dists, table = dists.copy(), table.copy()
    for uncertain in rows:
        row, n, spread_n = dists[uncertain.row], uncertain.of, uncertain.spread_of
        first, second = at.uniforms(uncertain.key)
        if row["kind"] == EXPONENTIAL:  # Gamma posterior of the rate under 1 / rate
            row["p0"] *= n / gamma_quantile(first, max(n, 0.5))
        elif row["kind"] == LOGNORMAL:  # normal and scaled inverse chi-square, under 1 / sigma^2
            free = max(spread_n - 1.0, 1.0)
            most = max(SIGMA_MOST, row["p1"])
            row["p1"] = min(row["p1"] * sqrt(free / (2.0 * gamma_quantile(second, 0.5 * free))), most)
            row["p0"] *= exp(row["p1"] * normal_quantile(first) / sqrt(n))
        elif row["kind"] == WEIBULL:
            one, other = normal_quantile(first), normal_quantile(second)
            other = _WEIBULL_TOGETHER * one + sqrt(1.0 - _WEIBULL_TOGETHER * _WEIBULL_TOGETHER) * other
            shape = row["p1"]
            to_median = log(log(2.0))
            median = log(row["p0"]) + to_median / shape + sqrt(_WEIBULL_MEDIAN / n) / shape * one
            row["p1"] = max(shape * exp(sqrt(_WEIBULL_SHAPE / spread_n) * other), min(SHAPE_LEAST, shape))
            row["p0"] = exp(median - to_median / row["p1"])
        elif row["kind"] == QUANTILES:
            _draw_levels(table, int(row["start"]), int(row["stop"]), n, uncertain.key, at)
    return dists, table


def _draw_levels(table: Floats, start: int, stop: int, n: float, key: int, at: Draws) -> None:
    """The levels of a table of quantiles anew: what lies between two of its values is a Dirichlet share of n."""
    size = (stop - start) // 2
    levels = table[start : start + size].copy()
    reached = 0.0
    for i in range(1, size - 1):
        part, rest = levels[i] - levels[i - 1], 1.0 - levels[i]
        u, _ = at.uniforms(key, i)
        reached += (1.0 - reached) * beta_quantile(u, n * part, n * rest)
        reached = min(reached, 1.0 - 1e-12 * (size - i))
        table[start + i] = max(reached, table[start + i - 1] + 1e-13)


def row_mean(row: np.void, table: Floats) -> float:
    """The mean of a drawn row, of a kind that can be drawn; 1 for the others, which are what they were."""
    if row["kind"] == EXPONENTIAL:
        return float(row["p0"])
    if row["kind"] == LOGNORMAL:
        return float(row["p0"]) * exp(min(0.5 * float(row["p1"]) ** 2, 700.0))
    if row["kind"] == WEIBULL:
        return float(row["p0"]) * exp(log_gamma(1.0 + 1.0 / float(row["p1"])))
    if row["kind"] != QUANTILES:
        return 1.0
    start, size = int(row["start"]), (int(row["stop"]) - int(row["start"])) // 2
    total = 0.0
    for i in range(size - 1):
        low, high = start + i, start + size + i
        total += (table[low + 1] - table[low]) * 0.5 * (table[high] + table[high + 1])
    return float(total)


# --- odds -------------------------------------------------------------------------------------------------------------


def odds_sds(plan: Plan, names: dict[str, Sequence[str]]) -> dict[str, tuple[Floats, NDArray[np.uint64]]]:
    """of_rep, ..., pace_rep, ... -> ([stages, those] sds of the logarithms of odds or waits, keys), for the kinds of
    which any is known with an error."""
    reps = {rep.name: rep.advance_sd for rep in plan.reps}
    waits = {rep.name: rep.wait_sd for rep in plan.reps}
    tables = {
        "of_rep": [("rep", n, reps[n]) for n in names["reps"]],
        "of_product": [("product", n, plan.products[n].advance_sd) for n in names["products"]],
        "of_segment": [
            ("segment", n, plan.segments[n].advance_sd if n in plan.segments else {}) for n in names["segments"]
        ],
        "of_source": [("source", n, plan.sources[n].advance_sd if n in plan.sources else {}) for n in names["sources"]],
    }
    tables |= {
        "pace_rep": [("rep", n, waits[n]) for n in names["reps"]],
        "pace_product": [("product", n, plan.products[n].wait_sd) for n in names["products"]],
        "pace_source": [("source", n, plan.sources[n].wait_sd if n in plan.sources else {}) for n in names["sources"]],
    }
    out = {}
    for field, entries in tables.items():
        what = "odds" if field.startswith("of_") else "pace"
        sds = np.array([[sd.get(stage.name, 0.0) for _, _, sd in entries] for stage in plan.stages])
        if sds.size and sds.any():
            keys = [[entity_key(what, kind, n, stage.name) for kind, n, _ in entries] for stage in plan.stages]
            out[field] = (sds, np.array(keys, dtype=np.uint64))
    return out


def draw_odds(odds: Floats, sds: Floats, keys: NDArray[np.uint64], at: Draws) -> Floats:
    """Odds multipliers with lognormal errors."""
    drawn = odds.copy()
    for i, j in zip(*np.nonzero(sds), strict=True):
        drawn[i, j] *= exp(sds[i, j] * at.normal(int(keys[i, j])))
    return drawn


# --- arrivals ---------------------------------------------------------------------------------------------------------


def uncertain_flow(source: Source) -> bool:
    """Whether anything of a source's flow is drawn."""
    hill = source.response.hill if source.response else None
    return bool(
        source.leads_sd or source.growth_sd or source.season_sd or source.overdispersion or (hill and hill.draws)
    )


def flow_factors(
    name: str,
    source: Source,
    cells: Sequence[Cell],
    lines: Sequence[BudgetLine],
    shares: Floats,
    calendar_months: Sequence[int],
    at: Draws,
) -> Floats:
    """[cells, months]: what this replication multiplies the flow of a source's cells by."""
    months = len(shares)
    key = entity_key("flow", name)
    middle = 0.5 * (months - 1)
    level = source.leads_sd * at.normal(key)
    slope = source.growth_sd * at.normal(key, 1) / 12.0
    base = np.array([exp(level + slope * (m - middle)) for m in range(months)])
    if source.season_sd:
        moves = [source.season_sd * at.normal(key, 2 + c) for c in range(12)]
        mean = added(moves) / 12.0
        base = base * np.array([exp(moves[month - 1] - mean) for month in calendar_months])
    if source.overdispersion:
        shape, own = max(1.0 / source.overdispersion, 0.5), entity_key("flow by month", name)
        base = base * np.array([gamma_quantile(at.uniforms(own, m)[0], shape) / shape for m in range(months)])
    out = np.empty((len(cells), months))
    drawn: dict[int, Floats] = {}
    for c, cell in enumerate(cells):
        out[c] = base
        if cell.line >= 0:
            if cell.line not in drawn:
                drawn[cell.line] = response_factors(name, lines[cell.line], shares, at)
            out[c] *= drawn[cell.line]
    return out


def response_factors(name: str, line: BudgetLine, shares: Floats, at: Draws) -> Floats:
    """[months]: a drawn response over the response as written, at the line's spend."""
    hill = line.response.hill
    if hill is None or not hill.draws:
        return np.ones(len(shares))
    u, _ = at.uniforms(entity_key("response", name))
    most, half, shape = hill.draws[min(int(u * len(hill.draws)), len(hill.draws) - 1)]
    other = Response(hill=Hill(most_leads_per_month=most, half_at=half, shape=shape))
    out = np.ones(len(shares))
    for m, (spend, share) in enumerate(zip(line.felt, shares, strict=True)):
        whole = spend / share if share > 0 else 0.0
        written = responded(line.response, whole)
        if written > 0.0:
            out[m] = responded(other, whole) / written
    return out


# --- the economy ------------------------------------------------------------------------------------------------------


def draw_economy(economy: Economy, key: int, at: Draws) -> tuple[float, float, float]:
    """sd, persistence and regional sd: one of the plan's draws, or as written."""
    if not economy.draws:
        return economy.sd, economy.persistence, economy.regional_sd
    u, _ = at.uniforms(key)
    sd, persistence, regional = economy.draws[min(int(u * len(economy.draws)), len(economy.draws) - 1)]
    return sd, persistence, regional
