"""Histories of known plans, and whether the fits' 95% intervals hold what is known: one function for each plan.

A history is drawn by the plan's own law (waits, answers, counts, shocks: as docs/background/how-the-model-works.md has
them) but in a few lines of NumPy, since the engine spends its time on queues and desks that no fit looks at
(``recovery_engine`` has histories of the engine's own). Fits are those that `attain calibrate` makes, intervals those
of the law that replications draw from.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import beta as beta_law
from scipy.stats import norm

from attain.history.events import read_events
from attain.history.holidays import ELASTICITY_PRIOR, Workdays
from attain.history.mapping import Mapping
from attain.history.sheets import Sheet
from engine.fit.amounts import fit_amounts
from engine.fit.arrivals import fit_arrivals
from engine.fit.durations import Waits, fit_waits
from engine.fit.incidence import Conversion, fit_conversion
from engine.fit.months import fit_month_odds, fit_month_waits
from engine.fit.paces import shrunk_waits
from engine.fit.posterior import mean_draws, parameter_draws, quantile_draws
from engine.fit.rates import shrunk_odds
from engine.fit.response import carried, fit_response, hill
from engine.fit.shocks import Shocks, fit_shocks

Rng = np.random.Generator
Hits = dict[str, float]
DRAWS = 1000  # of a posterior, for an interval


class Truth(NamedTuple):
    """A stage's truth: the chance to advance, and the laws of both waits as (family, median, sigma or shape)."""

    win: float
    advanced: tuple[str, float, float]
    lost: tuple[str, float, float]

    def quantile(self, level: float) -> float:
        """Of the wait of those that advance."""
        family, median, spread = self.advanced
        if family == "lognormal":
            return float(median * np.exp(spread * ndtri(level)))
        return float(median * (-np.log1p(-level) / np.log(2.0)) ** (1 / spread))


USUAL = Truth(0.4, ("lognormal", 30.0, 0.7), ("lognormal", 15.0, 0.9))
EVEN = Truth(0.25, ("weibull", 25.0, 1.5), ("weibull", 15.0, 1.0))  # nobody waits very long


def inside(draws: NDArray[np.float64], truth: float) -> float:
    # as if there were infinitely many draws
    low, high = (float(np.quantile(draws, level, method="weibull")) for level in (0.025, 0.975))
    return float(low <= truth <= high)


def _beta(wins: float, of: float, truth: float) -> float:
    return float(0.025 <= beta_law.cdf(truth, wins + 0.5, of - wins + 0.5) <= 0.975)


def stage_hits(conversion: Conversion, waits: Waits, truth: Truth, rng: Rng) -> Hits:
    """Conversion, and the median and ninth decile of how long advancing takes."""
    wait = waits.advance
    assert wait is not None
    draws = parameter_draws(wait.family, wait.parameters, wait.levels, wait.of, rng, DRAWS, wait.spread_of)
    out = {"conversion": _beta(conversion.wins, conversion.of, truth.win)}
    for name, level in (("median wait", 0.5), ("p90 wait", 0.9)):
        out[name] = inside(quantile_draws(wait.family, wait.parameters, draws, level), truth.quantile(level))
    return out


def _waited(law: tuple[str, float, float], n: int, rng: Rng) -> NDArray[np.float64]:
    family, median, spread = law
    if family == "lognormal":
        return rng.lognormal(np.log(median), spread, n)
    return np.asarray(median * (rng.exponential(1.0, n) / np.log(2.0)) ** (1 / spread))


def _funnel(n: int, age: Callable[[Rng, int], NDArray[np.float64]], rng: Rng, truth: Truth = USUAL) -> Hits:
    won = rng.random(n) < truth.win
    wait = np.where(won, _waited(truth.advanced, n, rng), _waited(truth.lost, n, rng))
    ages = age(rng, n)
    outcomes = np.where(wait <= ages, np.where(won, 1, 2), 0)
    if min((outcomes == 1).sum(), (outcomes == 2).sum()) < 3:
        return {}  # refused: nothing to fit
    times = np.minimum(wait, ages)
    waits = fit_waits(times, outcomes)
    return stage_hits(fit_conversion(times, outcomes, share=waits.share), waits, truth, rng)


def funnel(rng: Rng) -> Hits:
    """300 deals of two years."""
    return _funnel(300, lambda r, n: r.uniform(0, 730, n), rng)


def many(rng: Rng) -> Hits:
    """3,000 deals of two years: waits as tables of quantiles."""
    return _funnel(3000, lambda r, n: r.uniform(0, 730, n), rng)


def _doubling(rng: Rng, n: int) -> NDArray[np.float64]:
    return np.minimum(rng.exponential(32, n), 400)


def half_open(rng: Rng) -> Hits:
    """400 deals of a firm that doubles every month: half are open."""
    return _funnel(400, _doubling, rng)


def half_open_even(rng: Rng) -> Hits:
    """The same with Weibull waits, 25% of deals advancing."""
    return _funnel(400, _doubling, rng, EVEN)


def half_open_short(rng: Rng) -> Hits:
    """400 deals of the last ten weeks only: 40% are open, and few could be as old as a slow win."""
    return _funnel(400, lambda r, n: r.uniform(0, 70, n), rng)


def little(rng: Rng) -> Hits:
    """30 deals of a year."""
    return _funnel(30, lambda r, n: r.uniform(0, 365, n), rng)


def little_even(rng: Rng) -> Hits:
    """30 deals of a year with Weibull waits, 25% of them advancing."""
    return _funnel(30, lambda r, n: r.uniform(0, 365, n), rng, EVEN)


BACK, LOSE = (0.0, 0.2, 0.25), (0.3, 0.2, 0.15)  # by stage, of each visit; else on to the next


def _rework_truth() -> tuple[float, float]:
    """The chance that a deal that comes to the second stage ever comes to the third, and to third from the first's."""
    # from stage 1: lost, back to 0, or on to 2; from 0: lost, or on to 1
    on1, on0 = 1 - BACK[1] - LOSE[1], 1 - LOSE[0]
    return on1 / (1 - BACK[1] * on0), BACK[1]


def rework(rng: Rng) -> Hits:
    """600 deals whose visits go back one time in five: conversion of the furthest stage, and that share."""
    names = np.array(["Qualify", "Propose", "Negotiate", "Closed Won", "Closed Lost"])
    n, end = 600, 1000.0
    when, at = rng.uniform(0, 900, n), np.zeros(n, dtype=np.int64)
    rows: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []
    alive = np.arange(n)
    while len(alive):
        rows.append((alive, at[alive], when[alive].copy()))
        alive = alive[at[alive] < 3]
        u, stage = rng.random(len(alive)), at[alive]
        back, lose = np.array(BACK)[stage], np.array(LOSE)[stage]
        when[alive] += rng.exponential(12.0, len(alive))
        at[alive] = np.where(u < back, stage - 1, np.where(u < back + lose, 4, stage + 1))
        alive = alive[when[alive] <= end]
    case, stages, days = (np.concatenate([r[i] for r in rows]) for i in range(3))
    order = np.lexsort((days, case))
    instants = np.datetime64("2022-01-01") + (days[order] * 86_400).astype("timedelta64[s]")
    sheet = Sheet(
        pl.DataFrame(
            {
                "OpportunityId": case[order].astype(str),
                "StageName": names[stages[order]],
                "CreatedDate": np.datetime_as_string(instants),
            }
        ),
        np.arange(2, len(order) + 2),
        "utf-8",
    )
    mapping = Mapping(
        shape="events", preset="salesforce-history", stages=tuple(names[:3]), won=(names[3],), lost=(names[4],),
        columns={"case": "OpportunityId", "activity": "StageName", "time": "CreatedDate"},
    )  # fmt: skip
    history = read_events(sheet, _NOWHERE, mapping, dt.date(2024, 9, 27), guessed=False)
    here = history.visits.filter(pl.col("stage") == 1)
    times, outcomes = here["days"].to_numpy(), here["outcome"].to_numpy()
    waits = fit_waits(times, outcomes)
    found = fit_conversion(times, outcomes, share=waits.share)
    advanced, back_share = _rework_truth()
    seen = next(r for r in history.rework if r.stage == "Propose")
    return {
        "conversion with returns": _beta(found.wins, found.of, advanced),
        "share that goes back": _beta(seen.back, seen.ended, back_share),
    }


def values(rng: Rng) -> Hits:
    """Values won: 40 lognormal ones, 400 as a table, 3,000 with a heavy tail."""
    out: Hits = {}
    for n, sigma in ((40, 0.8), (400, 0.8), (3000, 1.2)):
        fit = fit_amounts(rng.lognormal(9, sigma, n))
        draws = parameter_draws(fit.family, fit.parameters, fit.levels, fit.of, rng, DRAWS)
        out[f"mean value of {n}"] = inside(mean_draws(fit.family, fit.parameters, draws), np.exp(9 + sigma**2 / 2))
        out[f"median value of {n}"] = inside(quantile_draws(fit.family, fit.parameters, draws, 0.5), np.exp(9))
    return out


def _arrivals(
    rng: Rng, leads: float, years: int, extra: float, works: Workdays, elasticity: float, festival: float = 0.0
) -> Hits:
    """The years end with 2024; the coming one is 2025. ``extra``: variance of the gamma factor."""
    months = [dt.date(2025 - years + m // 12, m % 12 + 1, 1) for m in range(12 * years + 12)]
    known = works.regressors(months[:-12], months[-12:])
    effects = [elasticity, festival][: len(known)]
    time = (np.arange(12 * years) - 12 * years + 0.5) / 12
    season = rng.normal(0, 0.2, 12)
    mean = leads * np.exp(0.1 * time + np.tile(season, years) + effects @ np.array([r.seen for r in known]))
    fit = fit_arrivals(rng.poisson(mean * rng.gamma(1 / extra, extra, len(time))), 1, regressors=known)
    coming = season + effects @ np.array([r.coming for r in known])
    level = np.log(leads * np.exp(coming).mean())
    january = coming[0] - np.log(np.exp(coming).mean())
    low, high = fit.overdispersion_range
    return {
        "level of leads": float(abs(np.log(fit.per_month) - level) < 1.96 * fit.level_sd),
        "growth of leads": float(abs(fit.growth - 0.1) < 1.96 * fit.growth_sd),
        "overdispersion": float(low <= extra <= high),
        "January's season": float(abs(np.log(fit.season[0]) - january) < 1.96 * fit.season_sd),
        **{
            f"effect of {r.name}": float(abs(fit.effects[r.name][0] - truth) < 1.96 * fit.effects[r.name][1])
            for r, truth in zip(known, effects, strict=True)
        },
    }


def arrivals(rng: Rng) -> Hits:
    """Leads of 48 months, 40 a month, growing by a tenth a year, with a season, gamma overdispersion, and an elasticity
    to working days (US) that is drawn from its prior."""
    return _arrivals(rng, 40, 4, 0.03, Workdays("US"), rng.normal(*ELASTICITY_PRIOR))


def arrivals_by_day(rng: Rng) -> Hits:
    """400 leads a month over five years, with little overdispersion, as many on each working day (US): elasticity 1."""
    return _arrivals(rng, 400, 5, 0.005, Workdays("US"), 1.0)


def arrivals_by_month(rng: Rng) -> Hits:
    """The same with leads that know no holidays (DE): elasticity 0."""
    return _arrivals(rng, 400, 5, 0.005, Workdays("DE"), 0.0)


def arrivals_china(rng: Rng) -> Hits:
    """The same by the working day in China, with Golden Weeks, make-up days and the Spring Festival (-0.5 in logs)."""
    return _arrivals(rng, 400, 5, 0.005, Workdays("CN", None, True), 1.0, -0.5)


def reps(rng: Rng) -> Hits:
    """15 reps with 24 deals each on average, 3 products: the share of their effects that is covered."""
    rep, product = rng.normal(0, 0.4, 15), rng.normal(0, 0.3, 3)
    of = rng.poisson(8, (15, 3))
    won = rng.binomial(of, 1 / (1 + np.exp(0.4 - rep[:, None] - product[None])))
    i, j = (x.ravel() for x in np.meshgrid(range(15), range(3), indexing="ij"))
    kept = of.ravel() > 0
    found = shrunk_odds(won.ravel()[kept].astype(float), of.ravel()[kept].astype(float), [i[kept], j[kept]], [15, 3])
    out = {}
    for name, truth, share, f in (("rep", rep, of.sum(1), 0), ("product", product, of.sum(0), 1)):
        z = (np.log(found.multipliers[f]) - truth + share @ truth / share.sum()) / found.sds[f]
        out[f"{name} effects"] = float(np.mean(np.abs(z) < 1.96))
    return out


def _walk(sd: float, persistence: float, months: int, rng: Rng) -> NDArray[np.float64]:
    z = rng.standard_normal(months)
    for m in range(1, months):
        z[m] = persistence * z[m - 1] + np.sqrt(1 - persistence**2) * z[m]
    return sd * z


def _shocks(sd: float, persistence: float, own: float, months: int, rng: Rng) -> Hits:
    season = 0.2 * np.sin(np.arange(months) / 12 * 2 * np.pi)
    log = season + _walk(sd, persistence, months, rng) + [_walk(own, persistence, months, rng) for _ in range(4)]
    return shock_hits(fit_shocks(rng.poisson(60 * np.exp(log)), 1), sd, persistence, own)


def shock_hits(found: Shocks, sd: float, persistence: float, own: float) -> Hits:
    """The economy's three parameters."""
    return {
        "economy's sd": float(found.sd_range[0] <= sd <= found.sd_range[1]),
        "its persistence": float(found.persistence_range[0] <= persistence <= found.persistence_range[1]),
        "regional sd": float(found.regional_range[0] <= own <= found.regional_range[1]),
    }


def shocks(rng: Rng) -> Hits:
    """Four regions, 60 leads a month each, 36 months: common sd .15, persistence .7, regional sd .08."""
    return _shocks(0.15, 0.7, 0.08, 36, rng)


def shocks_long(rng: Rng) -> Hits:
    """The same over 60 months."""
    return _shocks(0.15, 0.7, 0.08, 60, rng)


def shocks_mild(rng: Rng) -> Hits:
    """36 months: common sd .08, persistence .4, regional sd .05."""
    return _shocks(0.08, 0.4, 0.05, 36, rng)


def shocks_strong(rng: Rng) -> Hits:
    """36 months: common sd .25, persistence .85, regional sd .12."""
    return _shocks(0.25, 0.85, 0.12, 36, rng)


def shocks_drawn(rng: Rng) -> Hits:
    """36 months: common sd from .05 to .3, persistence from .1 to .9, regional sd from .03 to .2, drawn evenly."""
    return _shocks(rng.uniform(0.05, 0.3), rng.uniform(0.1, 0.9), rng.uniform(0.03, 0.2), 36, rng)


def shocks_by_day(rng: Rng) -> Hits:
    """The mild ones in China, with as many leads on each working day and the Spring Festival (-0.5 in logs)."""
    firsts = [dt.date(2022 + m // 12, m % 12 + 1, 1) for m in range(36)]
    days, festival = Workdays("CN", None, True).regressors(firsts)
    log = days.seen - 0.5 * festival.seen + _walk(0.08, 0.4, 36, rng) + [_walk(0.05, 0.4, 36, rng) for _ in range(4)]
    found = fit_shocks(rng.poisson(60 * np.exp(log)), 1, regressors=(days, festival))
    return shock_hits(found, 0.08, 0.4, 0.05)


class Curve(NamedTuple):
    """A response's truth, for a mean spend of 1,000 where there is any."""

    most: float
    half: float
    shape: float
    carry: float


def _response(truth: Curve, pauses: bool, rng: Rng) -> Hits:
    """104 weeks of spend, one week in seven without; ``pauses``: and two quarters' twelve weeks without."""
    weeks = np.arange(104)
    spend = 1000 * rng.gamma(2, 0.5, 104) * (rng.random(104) < 0.85)
    if pauses:
        spend[20:32] = spend[70:82] = 0.0
    z = np.column_stack([np.ones(104), weeks / 104, np.sin(weeks / 52 * 2 * np.pi), np.cos(weeks / 52 * 2 * np.pi)])
    brought = truth.most * hill(carried(spend, truth.carry), truth.half, truth.shape)
    y = z @ [200, 20, 15, -10] + brought + rng.normal(0, 12, 104)
    channel = fit_response(y, spend, z, draws=300, seed=int(rng.integers(1 << 30))).channels[0]
    at = dict(zip(POINTS, truth.most * hill(np.array(POINTS), truth.half, truth.shape), strict=True))
    out = {f"response at {x:g}": inside(channel.at(x)[:, 0], float(at[x])) for x in POINTS}
    _, low, high = channel.more(POINTS[-1], POINTS[0])
    out["1500 over 500"] = float(low <= at[POINTS[-1]] - at[POINTS[0]] <= high)
    return out | {"carry-over": float(channel.carry[1] <= truth.carry <= channel.carry[2])}


POINTS = (500.0, 1000.0, 1500.0)


def response(rng: Rng) -> Hits:
    """Spend that paused twice: most 120 a week, half at 900, shape 1.3, carry-over .5."""
    return _response(Curve(120, 900, 1.3, 0.5), True, rng)


def response_full(rng: Rng) -> Hits:
    """Spend that paused twice, nearly saturated: most 90, half at 300, shape 1, carry-over .2."""
    return _response(Curve(90, 300, 1.0, 0.2), True, rng)


def response_straight(rng: Rng) -> Hits:
    """Spend that paused twice, far from saturated: most 250, half at 2,500, shape 1, carry-over .7."""
    return _response(Curve(250, 2500, 1.0, 0.7), True, rng)


def response_bent(rng: Rng) -> Hits:
    """Spend that paused twice, S-shaped: most 120, half at 1,200, shape 2, carry-over .35."""
    return _response(Curve(120, 1200, 2.0, 0.35), True, rng)


def response_steady(rng: Rng) -> Hits:
    """The first curve, with spend that never paused: how high it is, only the prior says."""
    return _response(Curve(120, 900, 1.3, 0.5), False, rng)


def response_steady_drawn(rng: Rng) -> Hits:
    """Spend that never paused; half at 300 to 3,000 and shape .7 to 2 (evenly in logs), carry-over .1 to .8, 20 to 120
    brought by 1,000."""
    half, shape = np.exp(rng.uniform(np.log([300.0, 0.7]), np.log([3000.0, 2.0])))
    most = rng.uniform(20, 120) / float(hill(np.array([1000.0]), half, shape)[0])
    return _response(Curve(most, float(half), float(shape), rng.uniform(0.1, 0.8)), False, rng)


def _months(odds_sd: float, pace_sd: float, persistence: float, rng: Rng) -> Hits:
    """24 months of 60 deals, half of those of the last three open; the shares of months covered, and the spreads."""
    odds, pace = _walk(odds_sd, persistence, 24, rng), _walk(pace_sd, persistence, 24, rng)
    month = np.repeat(np.arange(24), 60)
    won = rng.random(len(month)) < 1 / (1 + np.exp(0.4 - odds[month]))
    middles, sigma = (float(np.log(30.0)), float(np.log(60.0))), 0.5
    wait = np.exp(np.where(won, *middles) + pace[month] + sigma * rng.standard_normal(len(month)))
    age = 30.4 * (24 - month) - rng.uniform(0, 30.4, len(month))
    outcome = np.where(wait > age, 0, np.where(won, 1, 2))
    own = np.log(age) - pace[month]
    alive, alive_lost = (norm.logsf((own - m) / sigma) for m in middles)
    found = fit_month_odds(month, outcome, np.zeros(len(month)), alive, alive_lost, 24)
    eta = found.mean + found.effect[month]
    slow = fit_month_waits(month, outcome, np.minimum(wait, age), eta, middles, (sigma, sigma), 24)
    out: Hits = {}
    for name, one, truth, mean, sd in (
        ("odds", found, odds, -0.4, odds_sd), ("waits", slow, pace, 0.0, pace_sd),
    ):  # fmt: skip
        z = (one.mean + one.effect - truth - mean) / one.effect_sd
        out[f"sd of months' {name}"] = float(one.sd_range[0] <= sd <= one.sd_range[1])
        low, high = one.persistence_range
        out[f"persistence of months' {name}"] = float(low <= persistence <= high)
        out[f"mean of months' {name}"] = float(abs(one.mean - mean) < 1.96 * one.mean_sd)
        out[f"months' {name}"] = float(np.mean(np.abs(z[:21]) < 1.96))
        out[f"the last three months' {name}"] = float(np.mean(np.abs(z[21:]) < 1.96))
    return out


def months(rng: Rng) -> Hits:
    """24 months of 60 deals, half of those of the last three open; sd of log odds .5, of log waits .15, persistence
    .6."""
    return _months(0.5, 0.15, 0.6, rng)


def months_drawn(rng: Rng) -> Hits:
    """The same with sds drawn from half-t laws (4 degrees of freedom, scales .4 and .25) and persistence even up to
    .98."""
    odds, pace = (min(float(abs(rng.standard_t(4))) * scale, 2.5) for scale in (0.4, 0.25))
    return _months(odds, pace, float(rng.uniform(0, 0.98)), rng)


def paces(rng: Rng) -> Hits:
    """15 people with 42 deals each on average, 3 products: how long their deals take, how they ended let go free."""
    person, product = rng.normal(0, 0.2, 15), rng.normal(0, 0.15, 3)
    i, j, k = (x.ravel() for x in np.meshgrid(range(15), range(3), range(2), indexing="ij"))
    of = rng.poisson(7, len(i)).astype(float)
    i, j, k, of = (x[of > 0] for x in (i, j, k, of))
    deal = np.repeat(np.arange(len(of)), of.astype(int))
    logs = 3.0 + person[i[deal]] + product[j[deal]] - 0.4 * k[deal] + rng.normal(0, 0.5, len(deal))
    total, square = (np.bincount(deal, x, len(of)).astype(float) for x in (logs, logs**2))
    found = shrunk_waits(total, square, of, [i, j, k], [15, 3, 2], free=1)
    out = {}
    for name, truth, code, f in (("person", person, i, 0), ("product", product, j, 1)):
        share = np.bincount(code, of, len(truth)) / of.sum()
        z = (np.log(found.multipliers[f]) - truth + share @ truth) / found.sds[f]
        out[f"waits of a {name}"] = float(np.mean(np.abs(z) < 1.96))
    return out


_NOWHERE = Path("/nowhere/history.csv")  # a log that stands alone: no file of amounts is looked for beside it
SCENARIOS: dict[str, Callable[[Rng], Hits]] = {
    f.__name__.replace("_", "-"): f
    for f in (
        *(funnel, many, half_open, half_open_short, half_open_even, little, little_even, rework),
        *(
            values,
            arrivals,
            arrivals_by_day,
            arrivals_by_month,
            arrivals_china,
            reps,
            paces,
            months,
            months_drawn,
            shocks,
            shocks_mild,
            shocks_strong,
            shocks_long,
            shocks_drawn,
            shocks_by_day,
        ),
        *(response, response_full, response_straight, response_bent, response_steady, response_steady_drawn),
    )
}
