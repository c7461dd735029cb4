"""One replication's inputs: what is uncertain about the plan, drawn. The pure step before a replication runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.arithmetic import log
from engine.arrivals import conversion_odds, intensities, log_index, shocks
from engine.beta import beta_quantile
from engine.draws import POSTERIOR, uniform, words
from engine.months import draw_months
from engine.plan.types import Economy
from engine.posteriors import Draws, draw_economy, draw_odds, draw_rows, flow_factors, uncertain_flow
from engine.world import World


@dataclass(frozen=True, eq=False)
class Parameters:
    """The drawn inputs of one replication."""

    advance: NDArray[np.float64]  # [stages]
    common: NDArray[np.float64]  # [months] log index of the economy
    regional: NDArray[np.float64]  # [regions, months]
    rates: NDArray[np.float64]  # [cells, months] leads per working hour
    odds: NDArray[np.float64]  # [regions, months] factor of the odds of conversion
    month_odds: NDArray[np.float64]  # [stages, months of `MonthTable`] factor of the odds of advancing
    month_pace: NDArray[np.float64]  # and of the waits
    dists: NDArray[np.void] | None = None  # the world's distributions drawn anew, with their table; None: as they are
    table: NDArray[np.float64] | None = None
    flows: tuple[float, ...] = ()  # log of the factor of each uncertain source's leads, see `uncertain_flows`
    multipliers: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)  # of_rep, ... where drawn anew


def posterior(seed: int, replication: int, phase: int, key: int, wins: float, tries: float) -> float:
    """A draw from the Jeffreys posterior Beta(wins + 1/2, tries - wins + 1/2), by inversion."""
    u = uniform(words(seed, replication, key, 0, POSTERIOR, phase)[0])
    return beta_quantile(u, wins + 0.5, tries - wins + 0.5)


def realise(world: World, seed: int, replication: int, phase: int = 0) -> Parameters:
    """Draw what this replication takes as given: conversions, shocks, and the intensities they make."""
    stages = world.stages
    advance = stages.advance.copy()
    for s in np.flatnonzero(np.isnan(advance)):
        advance[s] = posterior(seed, replication, phase, stages.keys[s], stages.wins[s], stages.tries[s])
    at = Draws(seed, replication, phase)
    months = len(world.months)
    economy = world.plan.economy or Economy()
    sd, persistence, regional_sd = draw_economy(economy, world.economy_key, at)
    common = shocks(seed, replication, phase, world.economy_key, sd, persistence, months)
    top = world.territory.top
    own = {
        int(g): shocks(seed, replication, phase, world.region_keys[g], regional_sd, persistence, months)
        for g in np.unique(top)
    }
    regional = np.stack([own[int(g)] for g in top])
    variance = sd * sd + regional_sd * regional_sd
    known = log_index(world.economy_index)
    normal, flows = flow(world, at)
    rates = intensities(normal, world.cell_regions, world.loadings * economy.leads, known, common, regional, variance)
    odds = conversion_odds(economy.conversion, known, common, regional)
    dists = table = None
    if world.uncertain_rows:
        dists, table = draw_rows(world.uncertain_rows, world.dists, world.table, at)
    drawn = {name: draw_odds(getattr(stages, name), sds, keys, at) for name, (sds, keys) in world.odds_sds.items()}
    month_odds, month_pace = draw_months(world.plan, world.months_table, advance, at)
    return Parameters(advance, common, regional, rates, odds, month_odds, month_pace, dists, table, flows, drawn)


def uncertain_flows(world: World) -> tuple[str, ...]:
    """The sources whose flow is drawn, in order."""
    sources = world.plan.sources
    return tuple(name for name in world.sources if name in sources and uncertain_flow(sources[name]))


def flow(world: World, at: Draws) -> tuple[NDArray[np.float64], tuple[float, ...]]:
    """[cells, months]: leads per working hour before the economy, as this replication's posterior has them; and the
    logarithm of each uncertain source's leads over those written."""
    rates, logs = world.normal_rates, []
    for k, name in enumerate(world.sources):
        source = world.plan.sources.get(name)
        if source is None or not uncertain_flow(source):
            continue
        own = [c for c, cell in enumerate(world.cells) if cell.source == k]
        shares = np.asarray(world.cal.month_shares, dtype=np.float64)
        calendar_months = [int(label[5:7]) for label in world.months]
        if rates is world.normal_rates:
            rates = rates.copy()
        rates[own] *= flow_factors(
            name, source, [world.cells[c] for c in own], world.lines, shares, calendar_months, at
        )
        before, after = float(world.normal_rates[own].sum()), float(rates[own].sum())
        logs.append(log(after / before) if before > 0.0 and after > 0.0 else 0.0)
    return rates, tuple(logs)
