"""One replication's inputs: what is uncertain about the plan, drawn. The pure step before a replication runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.arrivals import conversion_odds, intensities, log_index, shocks
from engine.beta import beta_quantile
from engine.draws import POSTERIOR, uniform, words
from engine.plan.types import Economy
from engine.world import World


@dataclass(frozen=True, eq=False)
class Parameters:
    """The drawn inputs of one replication."""

    advance: NDArray[np.float64]  # [stages]
    common: NDArray[np.float64]  # [months] log index of the economy
    regional: NDArray[np.float64]  # [regions, months]
    rates: NDArray[np.float64]  # [cells, months] leads per working hour
    odds: NDArray[np.float64]  # [regions, months] factor of the odds of conversion


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
    months = len(world.months)
    economy = world.plan.economy or Economy()
    common = shocks(seed, replication, phase, world.economy_key, economy.sd, economy.persistence, months)
    top = world.territory.top
    own = {
        int(g): shocks(seed, replication, phase, world.region_keys[g], economy.regional_sd, economy.persistence, months)
        for g in np.unique(top)
    }
    regional = np.stack([own[int(g)] for g in top])
    variance = economy.sd * economy.sd + economy.regional_sd * economy.regional_sd
    known = log_index(world.economy_index)
    rates = intensities(
        world.normal_rates, world.cell_regions, world.loadings * economy.leads, known, common, regional, variance
    )
    return Parameters(advance, common, regional, rates, conversion_odds(economy.conversion, known, common, regional))
