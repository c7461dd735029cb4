"""Effort from capacity against firms whose work is known: how often intervals hold, how far the sum is off.

    python -m benchmarks.effort                 # 100 firms of each kind

*Full desks*: people fill 70 to 95% of their hours, month by month, with visits in a mix of their own, so that the split
over stages can be told. *Leads dealt out*: visits come as Poisson numbers of leads and odds of people's own, and hours
follow from them, so that nothing tells the split: to believe one there is the mistake that is counted. *One stage*:
people are busy 70 to 95% each, and only the sum is asked for.
"""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attain.capacity import Load
from attain.effort import Efforts, fit_efforts

Floats = NDArray[np.float64]
Rng = np.random.Generator
HOURS = 120.0  # a month
BUSY = (0.7, 0.95)
MEAN = sum(BUSY) / 2


@dataclass(frozen=True)
class Known:
    """A firm's table of visits and hours, and the hours that visits take."""

    work: Floats
    load: Load


def _load(visits: Floats, who: NDArray[np.int64]) -> Load:
    seen = visits.sum(axis=1) > 0
    stages = visits.shape[1]
    people = tuple(f"P{i}" for i in range(int(who.max()) + 1))
    return Load(
        people, visits[seen], np.full(int(seen.sum()), HOURS), who[seen], np.ones(len(people), dtype=bool),
        float(seen.sum()), 1.0, np.zeros(stages), np.full(stages, np.inf), dt.date(2022, 1, 1), dt.date(2023, 12, 31),
    )  # fmt: skip


def full_desks(rng: Rng, people: int, stages: int, own: float, monthly: float, months: int = 18) -> Known:
    """``own``, ``monthly``: how alike people's mixes are, and a person's months' (Dirichlet's concentration)."""
    work = 2.0 * np.exp(rng.normal(0.0, 0.8, stages))
    base = rng.dirichlet(np.full(stages, 4.0))
    visits = np.zeros((people, months, stages))
    for person in visits:
        mine, over = rng.dirichlet(base * own), 0.0
        for month in person:
            mix = rng.dirichlet(mine * monthly + 1e-3)
            left = HOURS * rng.uniform(*BUSY) - over
            while left > 0:
                stage = rng.choice(stages, p=mix)
                month[stage] += 1
                left -= rng.exponential(work[stage])
            over = -left
    return Known(work, _load(visits.reshape(-1, stages), np.repeat(np.arange(people), months)))


def dealt_out(rng: Rng, people: int, shares: float, odds: float, stages: int = 3, months: int = 24) -> Known:
    """``shares``, ``odds``: sd of the logarithms of people's leads and of their odds."""
    work = 2.0 * np.exp(rng.normal(0.0, 0.8, stages))
    rate = np.exp(rng.normal(0.0, shares, people))[:, None] * np.ones(stages)
    for s in range(1, stages):
        o = np.exp(rng.normal(0.0, odds, people)) * np.exp(rng.normal(0.0, 0.4))
        rate[:, s] = rate[:, s - 1] * o / (1.0 + o)
    rate *= MEAN * HOURS / (rate @ work).mean()
    season = np.exp(rng.normal(0.0, 0.15, months))
    visits = rng.poisson(rate[:, None, :] * (season / season.mean())[None, :, None]).astype(float)
    return Known(work, _load(visits.reshape(-1, stages), np.repeat(np.arange(people), months)))


def own_pace(rng: Rng, people: int, months: int = 12) -> Known:
    """One stage; each person is busy a part of their hours that is their own."""
    work = np.array([0.5 + rng.exponential(3.0)])
    rate = HOURS * rng.uniform(*BUSY, people) / work[0]
    visits = rng.poisson(rate[:, None], (people, months)).astype(float)
    return Known(work, _load(visits.reshape(-1, 1), np.repeat(np.arange(people), months)))


FIRMS: dict[str, Callable[[Rng], Known]] = {
    "full desks: 6 people, 3 stages, mixes of people's and months' own": lambda r: full_desks(r, 6, 3, 10, 10),
    "full desks: 6 people, 3 stages, mixes of months' own": lambda r: full_desks(r, 6, 3, 1000, 5),
    "full desks: 12 people, 3 stages, mixes of people's own": lambda r: full_desks(r, 12, 3, 10, 1000),
    "full desks: 6 people, 5 stages, mixes of people's and months' own": lambda r: full_desks(r, 6, 5, 10, 10),
    "full desks: 6 people, 3 stages, one mix": lambda r: full_desks(r, 6, 3, 1e5, 1e5),
    "leads dealt out: 6 people, alike": lambda r: dealt_out(r, 6, 0.05, 0.3),
    "leads dealt out: 6 people, unlike": lambda r: dealt_out(r, 6, 0.4, 0.3),
    "leads dealt out: 20 people, odds unlike": lambda r: dealt_out(r, 20, 0.2, 0.6),
    "one stage: 5 people": lambda r: own_pace(r, 5),
    "one stage: 30 people": lambda r: own_pace(r, 30),
}


@dataclass(frozen=True)
class Found:
    """Of many firms: how often a split was believed, intervals of stages that held, and the sum against the truth."""

    told: float
    held: float
    off: float  # mean of the logarithm of stages' hours over the truth, where told
    total: float  # of all hours
    spread: float


def judge(firm: Callable[[Rng], Known], firms: int, seed: int = 0) -> Found:
    """The right busy part given."""
    told, held, off, total = [], [], [], []
    for k in range(firms):
        known = firm(np.random.default_rng([seed, k]))
        found: Efforts = fit_efforts(known.load, [str(s) for s in range(len(known.work))], MEAN)
        hours = np.array([e.hours for e in found.stages])
        own = known.load.visits.sum(axis=0)
        total.append(np.log(hours @ own / (known.work @ own)))
        told.append(found.split)
        if found.split:
            held += [e.low < w < e.high for e, w in zip(found.stages, known.work, strict=True)]
            off += list(np.log(hours / known.work))
    return Found(
        float(np.mean(told)), float(np.mean(held)) if held else float("nan"),
        float(np.mean(off)) if off else float("nan"), float(np.mean(total)), float(np.std(total)),
    )  # fmt: skip


def main() -> None:
    """Print a line a kind of firm."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--firms", type=int, default=100)
    firms = asked.parse_args().firms
    for name, firm in FIRMS.items():
        f = judge(firm, firms)
        stages = f"95% held {f.held:.1%}, off {f.off:+.1%}" if f.told else "-"
        print(f"{name}: split told {f.told:.0%}; stages {stages}; sum off {f.total:+.1%} (sd {f.spread:.1%})")


if __name__ == "__main__":
    main()
