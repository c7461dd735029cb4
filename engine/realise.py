"""One replication's inputs: what is uncertain about the plan, drawn. The pure step before a replication runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.arrivals import conversion_odds, intensities, log_index, shocks
from engine.beta import beta_quantile
from engine.draws import POSTERIOR, uniform, words
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
    dists: NDArray[np.void] | None = None  # the world's distributions drawn anew, with their table; None: as they are
    table: NDArray[np.float64] | None = None
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
    rates = intensities(
        flow(world, at), world.cell_regions, world.loadings * economy.leads, known, common, regional, variance
    )
    odds = conversion_odds(economy.conversion, known, common, regional)
    dists = table = None
    if world.uncertain_rows:
        dists, table = draw_rows(world.uncertain_rows, world.dists, world.table, at)
    drawn = {name: draw_odds(getattr(stages, name), sds, keys, at) for name, (sds, keys) in world.odds_sds.items()}
    return Parameters(advance, common, regional, rates, odds, dists, table, drawn)


def flow(world: World, at: Draws) -> NDArray[np.float64]:
    """[cells, months]: leads per working hour before the economy, as this replication's posterior has them."""
    rates = world.normal_rates
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
    return rates
