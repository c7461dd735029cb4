"""How often nominal 95% intervals of fitted quantities hold the truth, over many histories of known plans.

    python -m benchmarks.recovery --histories 2000            # all scenarios
    python -m benchmarks.recovery --only shocks little

A history is drawn by the plan's own law (waits, answers, counts, shocks: as docs/background/how-the-model-works.md has
them) but in a few lines of NumPy, since the engine spends its time on queues and desks that no fit looks at. Fits are
those that `attain calibrate` makes, intervals those of the law that replications draw from. A share's own error is four
binomial sigma of the histories, not of the intervals in them.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import time
from collections.abc import Callable, Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import beta as beta_law
from scipy.stats import norm

from attain.history.events import read_events
from attain.history.mapping import Mapping
from attain.history.sheets import Sheet
from engine.fit.amounts import fit_amounts
from engine.fit.arrivals import fit_arrivals
from engine.fit.durations import fit_waits
from engine.fit.incidence import fit_conversion
from engine.fit.months import fit_month_odds, fit_month_waits
from engine.fit.paces import shrunk_waits
from engine.fit.posterior import mean_draws, parameter_draws, quantile_draws
from engine.fit.rates import shrunk_odds
from engine.fit.response import carried, fit_response, hill
from engine.fit.shocks import fit_shocks

Rng = np.random.Generator
Hits = dict[str, float]
TARGET = (0.93, 0.97)
WIN, ADVANCED_MEDIAN, ADVANCED_SIGMA, LOST_MEDIAN, LOST_SIGMA = 0.4, 30.0, 0.7, 15.0, 0.9


def _inside(draws: NDArray[np.float64], truth: float) -> float:
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low <= truth <= high)


def _beta(wins: float, of: float, truth: float) -> float:
    low, high = beta_law.ppf([0.025, 0.975], wins + 0.5, of - wins + 0.5)
    return float(low <= truth <= high)


def _stage(times: NDArray[np.float64], outcomes: NDArray[np.int64], rng: Rng, prefix: str = "") -> Hits:
    """Conversion, and the median and ninth decile of how long advancing takes."""
    waits = fit_waits(times, outcomes)
    found = fit_conversion(times, outcomes, share=waits.share)
    wait = waits.advance
    assert wait is not None
    draws = parameter_draws(wait.family, wait.parameters, wait.levels, wait.of, rng, 400)
    return {
        f"{prefix}conversion": _beta(found.wins, found.of, WIN),
        f"{prefix}median wait": _inside(quantile_draws(wait.family, wait.parameters, draws, 0.5), ADVANCED_MEDIAN),
        f"{prefix}p90 wait": _inside(
            quantile_draws(wait.family, wait.parameters, draws, 0.9),
            ADVANCED_MEDIAN * float(np.exp(1.2815515655 * ADVANCED_SIGMA)),
        ),
    }


def _funnel(n: int, age: Callable[[Rng, int], NDArray[np.float64]], rng: Rng) -> Hits:
    won = rng.random(n) < WIN
    wait = np.where(
        won,
        rng.lognormal(np.log(ADVANCED_MEDIAN), ADVANCED_SIGMA, n),
        rng.lognormal(np.log(LOST_MEDIAN), LOST_SIGMA, n),
    )
    ages = age(rng, n)
    outcomes = np.where(wait <= ages, np.where(won, 1, 2), 0)
    if min((outcomes == 1).sum(), (outcomes == 2).sum()) < 3:
        return {}  # refused: nothing to fit
    return _stage(np.minimum(wait, ages), outcomes, rng)


def funnel(rng: Rng) -> Hits:
    """300 deals of two years."""
    return _funnel(300, lambda r, n: r.uniform(0, 730, n), rng)


def many(rng: Rng) -> Hits:
    """3,000 deals of two years: waits as tables of quantiles."""
    return _funnel(3000, lambda r, n: r.uniform(0, 730, n), rng)


def half_open(rng: Rng) -> Hits:
    """400 deals of a firm that doubles every month: half are open."""
    return _funnel(400, lambda r, n: np.minimum(r.exponential(32, n), 400), rng)


def half_open_short(rng: Rng) -> Hits:
    """400 deals of the last ten weeks only: 40% are open, and few could be as old as a slow win."""
    return _funnel(400, lambda r, n: r.uniform(0, 70, n), rng)


def little(rng: Rng) -> Hits:
    """30 deals of a year."""
    return _funnel(30, lambda r, n: r.uniform(0, 365, n), rng)


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
    history = read_events(sheet, _NOWHERE, mapping, dt.date(2024, 9, 27))
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
        draws = parameter_draws(fit.family, fit.parameters, fit.levels, fit.of, rng, 400)
        out[f"mean value of {n}"] = _inside(mean_draws(fit.family, fit.parameters, draws), np.exp(9 + sigma**2 / 2))
        out[f"median value of {n}"] = _inside(quantile_draws(fit.family, fit.parameters, draws, 0.5), np.exp(9))
    return out


def arrivals(rng: Rng) -> Hits:
    """Leads of 48 months, 40 a month, growing by a tenth a year, with a season and gamma overdispersion."""
    time = (np.arange(48) - 47.5) / 12
    season = rng.normal(0, 0.2, 12)
    mean = 40 * np.exp(0.1 * time + season[np.arange(48) % 12])
    fit = fit_arrivals(rng.poisson(mean * rng.gamma(1 / 0.03, 0.03, 48)), 1)
    level = np.log(40 * np.exp(season).mean())
    low, high = fit.overdispersion_range
    return {
        "level of leads": float(abs(np.log(fit.per_month) - level) < 1.96 * fit.level_sd),
        "growth of leads": float(abs(fit.growth - 0.1) < 1.96 * fit.growth_sd),
        "overdispersion": float(low <= 0.03 <= high),
        "January's season": float(
            abs(np.log(fit.season[0]) - season[0] + np.log(np.exp(season).mean())) < 1.96 * fit.season_sd
        ),
    }


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


def shocks(rng: Rng) -> Hits:
    """Four regions, 60 leads a month each, 36 months: common sd .15, regional .08, persistence .7."""
    season = 0.2 * np.sin(np.arange(36) / 12 * 2 * np.pi)
    log = _walk(0.15, 0.7, 36, rng)[None] + np.array([_walk(0.08, 0.7, 36, rng) for _ in range(4)]) + season
    found = fit_shocks(rng.poisson(60 * np.exp(log)), 1)
    return {
        "economy's sd": float(found.sd_range[0] <= 0.15 <= found.sd_range[1]),
        "its persistence": float(found.persistence_range[0] <= 0.7 <= found.persistence_range[1]),
        "regional sd": float(found.regional_range[0] <= 0.08 <= found.regional_range[1]),
    }


MONTH_SD, MONTH_PERSISTENCE, PACE_SD = 0.5, 0.6, 0.15


def months(rng: Rng) -> Hits:
    """24 months of 60 deals, the last three half open: months' odds (sd .5, persistence .6) and waits (sd .15)."""
    odds, pace = _walk(MONTH_SD, MONTH_PERSISTENCE, 24, rng), _walk(PACE_SD, MONTH_PERSISTENCE, 24, rng)
    month = np.repeat(np.arange(24), 60)
    won = rng.random(len(month)) < 1 / (1 + np.exp(0.4 - odds[month]))
    middle, sigma = np.log([ADVANCED_MEDIAN, 2 * ADVANCED_MEDIAN]), 0.5
    wait = np.exp(np.where(won, *middle) + pace[month] + sigma * rng.standard_normal(len(month)))
    age = 30.4 * (24 - month) - rng.uniform(0, 30.4, len(month))
    outcome = np.where(wait > age, 0, np.where(won, 1, 2))
    own = np.log(age) - pace[month]
    alive, alive_lost = (norm.logsf((own - m) / sigma) for m in middle)
    found = fit_month_odds(month, outcome, np.zeros(len(month)), alive, alive_lost, 24)
    eta = found.mean + found.effect[month]
    slow = fit_month_waits(month, outcome, np.minimum(wait, age), eta, (middle[0], middle[1]), (sigma, sigma), 24)
    out: Hits = {}
    for name, one, truth, mean, sd in (
        ("odds", found, odds, -0.4, MONTH_SD), ("waits", slow, pace, 0.0, PACE_SD),
    ):  # fmt: skip
        z = (one.mean + one.effect - truth - mean) / one.effect_sd
        out[f"sd of months' {name}"] = float(one.sd_range[0] <= sd <= one.sd_range[1])
        low, high = one.persistence_range
        out[f"persistence of months' {name}"] = float(low <= MONTH_PERSISTENCE <= high)
        out[f"mean of months' {name}"] = float(abs(one.mean - mean) < 1.96 * one.mean_sd)
        out[f"months' {name}"] = float(np.mean(np.abs(z[:21]) < 1.96))
        out[f"the last three months' {name}"] = float(np.mean(np.abs(z[21:]) < 1.96))
    return out


def paces(rng: Rng) -> Hits:
    """15 people with 40 deals each on average, 3 products: how long their deals take, how they ended let go free."""
    person, product = rng.normal(0, 0.2, 15), rng.normal(0, 0.15, 3)
    i, j, k = (x.ravel() for x in np.meshgrid(range(15), range(3), range(2), indexing="ij"))
    of = rng.poisson(7, len(i)).astype(float)
    i, j, k, of = (x[of > 0] for x in (i, j, k, of))
    deal = np.repeat(np.arange(len(of)), of.astype(int))
    logs = 3.0 + person[i[deal]] + product[j[deal]] - 0.4 * k[deal] + rng.normal(0, 0.5, len(deal))
    total, square = (np.bincount(deal, x, len(of)) for x in (logs, logs**2))
    found = shrunk_waits(total, square, of, [i, j, k], [15, 3, 2], free=1)
    out = {}
    for name, truth, code, f in (("person", person, i, 0), ("product", product, j, 1)):
        share = np.bincount(code, of, len(truth)) / of.sum()
        z = (np.log(found.multipliers[f]) - truth + share @ truth) / found.sds[f]
        out[f"waits of a {name}"] = float(np.mean(np.abs(z) < 1.96))
    return out


def response(rng: Rng) -> Hits:
    """104 weeks of spend with carry-over .5: the curve at half, one and one and a half times the mean spend."""
    weeks = np.arange(104)
    spend = 1000 * rng.gamma(2, 0.5, 104) * (rng.random(104) < 0.85)
    z = np.column_stack([np.ones(104), weeks / 104, np.sin(weeks / 52 * 2 * np.pi), np.cos(weeks / 52 * 2 * np.pi)])
    y = z @ [200, 20, 15, -10] + 120 * hill(carried(spend, 0.5), 900, 1.3) + rng.normal(0, 12, 104)
    channel = fit_response(y, spend, z, draws=300, seed=int(rng.integers(1 << 30))).channels[0]
    out = {
        f"response at {x}": _inside(channel.at(x)[:, 0], float(120 * hill(np.array([x]), 900, 1.3)[0]))
        for x in (500.0, 1000.0, 1500.0)
    }
    return out | {"carry-over": float(channel.carry[1] <= 0.5 <= channel.carry[2])}


SCENARIOS: dict[str, Callable[[Rng], Hits]] = {
    "funnel": funnel, "many": many, "half-open": half_open, "half-open-short": half_open_short, "little": little,
    "rework": rework, "values": values, "arrivals": arrivals, "reps": reps, "paces": paces, "months": months,
    "response": response, "shocks": shocks,
}  # fmt: skip


def _nowhere() -> object:
    from pathlib import Path

    return Path("/nowhere/history.csv")


_NOWHERE = _nowhere()  # a log that stands alone: no file of amounts is looked for beside it


def coverage(name: str, histories: int, seed: int = 0) -> Iterator[tuple[str, float, int, float]]:
    """Quantity, share covered, histories that could be fitted, and one sigma of the share over histories."""
    found: dict[str, list[float]] = {}
    for h in range(histories):
        for key, hit in SCENARIOS[name](np.random.default_rng([seed, h])).items():
            found.setdefault(key, []).append(hit)
    for key, hits in found.items():
        share = float(np.mean(hits))
        sigma = float(np.std(hits)) / np.sqrt(len(hits)) if len(set(hits)) > 1 else 1 / len(hits)
        yield key, share, len(hits), sigma


def main() -> None:
    """Print a table of coverages, as text or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--histories", type=int, default=2000)
    parser.add_argument("--only", nargs="*", choices=list(SCENARIOS), default=list(SCENARIOS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = []
    for name in asked.only:
        began = time.perf_counter()
        for key, share, n, sigma in coverage(name, asked.histories, asked.seed):
            held = TARGET[0] - 4 * sigma <= share <= TARGET[1] + 4 * sigma
            rows.append(
                {"scenario": name, "quantity": key, "covered": share, "histories": n, "sigma": sigma, "held": held}
            )
            if not asked.json:
                print(
                    f"{name:16} {key:26} {share:6.1%} +- {4 * sigma:.1%} of {n:5}  {'' if held else 'OUTSIDE'}",
                    flush=True,
                )
        if not asked.json:
            print(f"{'':16} ({time.perf_counter() - began:.0f} s)", flush=True)
    if asked.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
