"""The back-calculated plan, worked out directly: how likely "50 deals, so 500 prospects" is to make 50 million.

Deals of one million, one qualified prospect in ten signs, five managers with ten million each. Nothing queues and
nothing takes time here; `Bounded` values hold for certain up to rounding on a lattice of value.
"""

from __future__ import annotations

from scipy import stats

from tests.oracles.compound import (
    Bounded,
    Transform,
    beta_mixed,
    binomial,
    jeffreys,
    lognormal,
    sum_at_least,
)

SIGNS = 0.1
DEAL = 1e6
CV = 0.6
TARGET = 50e6
MANAGERS = 5


def enough_deals(prospects: int, deals: int, signs: float = SIGNS) -> float:
    """P(at least this many deals of so many prospects)."""
    return float(stats.binom.sf(deals - 1, prospects, signs))


def enough_money(prospects: int, target: float = TARGET, cv: float = CV) -> Bounded:
    """P(bookings reach the target), deals being lognormal with mean one million and this cv."""
    return _money(binomial(prospects, SIGNS), target, cv)


def enough_money_unsure(prospects: int, wins: int, of: int, target: float = TARGET, cv: float = CV) -> Bounded:
    """The same where "one in ten" is known from `wins` of `of` only, drawn once from its Jeffreys posterior."""
    a, b = jeffreys(wins, of)
    return _money(beta_mixed(a, b, lambda p: binomial(prospects, p)), target, cv)


def enough_deals_unsure(prospects: int, deals: int, wins: int, of: int) -> float:
    """P(at least this many deals) with the posterior drawn once: beta-binomial."""
    a, b = jeffreys(wins, of)
    return float(stats.betabinom.sf(deals - 1, prospects, a, b))


def _money(number: Transform, target: float, cv: float) -> Bounded:
    return sum_at_least(number, lognormal(DEAL, cv), target)


def everyone_enough_deals(prospects: int = 500, deals: int = 50) -> float:
    """P(each of five managers signs a fifth of the deals out of a fifth of the prospects)."""
    return enough_deals(prospects // MANAGERS, deals // MANAGERS) ** MANAGERS


def everyone_enough_money(prospects: int = 500, target: float = TARGET, cv: float = CV) -> Bounded:
    """P(each of five managers books a fifth of the target out of a fifth of the prospects)."""
    each = enough_money(prospects // MANAGERS, target / MANAGERS, cv)
    return Bounded(each.low**MANAGERS, each.value**MANAGERS, each.high**MANAGERS)
