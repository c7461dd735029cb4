"""What visits take where people come and go, are few, or are busy at one time of the year: histories of known work."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from attain.capacity import Person, load_of
from attain.effort import Efforts, fit_efforts
from attain.history.mapping import Mapping
from attain.history.records import History

LAST = dt.date(2024, 6, 30)
OVER = dt.datetime(2024, 7, 1)
HOURS, BUSY = 30.0, 0.8
Firm = list[tuple[float, float, float]]  # a person: there from and until how many days ago, and how busy


def _history(people: Firm, work: float, rng: np.random.Generator, season: float = 0.0) -> History:
    """Visits to one stage that come at random and take ``work`` hours each, the most of them in April to June."""
    owner, entered = [], []
    for i, (begun, left, busy) in enumerate(people):
        ago = rng.uniform(left, begun, rng.poisson(HOURS * busy / work / 7 * (begun - left) * (1 + season)))
        kept = rng.random(len(ago)) * (1 + season) < 1 + season * np.cos(2 * np.pi * (ago - 45) / 365)
        owner += [f"P{i:02d}"] * int(kept.sum())
        entered += [OVER - dt.timedelta(days=float(a)) for a in ago[kept]]
    n = len(owner)
    deals = pl.DataFrame({"owner": owner, "created": entered})
    visits = pl.DataFrame({"deal": range(n), "stage": [0] * n, "entered": entered, "days": [9.0] * n, "outcome": 1})
    mapping = Mapping(shape="events", columns={})
    return History("events", "made", n, (), mapping, LAST, deals, visits, ("A",), 1.0, "utf-8", (), {})


def _fits(firm: Callable[[np.random.Generator], Firm], work: float, n: int, season: float = 0.0) -> list[Efforts]:
    out = []
    for k in range(n):
        rng = np.random.default_rng([k, 5])
        history = _history(firm(rng), work, rng, season)
        out.append(fit_efforts(load_of(history, {}, HOURS), history.stages, BUSY))
    return out


def _staff(n: int, begun: float, rng: np.random.Generator, left: float = 0.0) -> Firm:
    return [(begun, left, float(rng.uniform(0.7, 0.9))) for _ in range(n)]


@pytest.mark.parametrize(("begun", "left"), [(90.0, 0.0), (200.0, 0.0), (730.0, 150.0)])
def test_who_joins_or_leaves_makes_no_visit_shorter(begun: float, left: float) -> None:
    """As many again join, or leave: each is as busy as ever. A firm's sd is .03; four sigma of twelve."""
    found = _fits(lambda rng: [*_staff(5, 730.0, rng), *_staff(5, begun, rng, left)], 2.0, 12)
    off = np.log([f.stages[0].hours / 2.0 for f in found])
    assert abs(off.mean()) < 4 * 0.03 / np.sqrt(12)


def test_few_visits_are_not_busier_by_chance() -> None:
    """Some ninety visits a year: a fifth more of them in three months is chance one time in six."""
    found = _fits(lambda rng: _staff(3, 730.0, rng), 40.0, 60)
    assert np.mean([f.lately != 1.0 for f in found]) < 0.1
    assert np.mean([f.stages[0].low < 40.0 < f.stages[0].high for f in found]) >= 0.85  # 51 of 60: 1 in 1,000 at 95%


def test_the_busy_time_of_the_year_is_no_growth() -> None:
    """A third more in April to June, as the year before: 27% too short, were it taken for now."""
    found = _fits(lambda rng: _staff(5, 730.0, rng), 2.0, 6, season=0.35)
    assert abs(np.mean([np.log(f.stages[0].hours / 2.0) for f in found])) < 4 * 0.03 / np.sqrt(6)


def test_who_is_busier_lately_is_so() -> None:
    rng = np.random.default_rng(3)
    history = _history(_staff(5, 730.0, rng), 2.0, rng)
    more = history.visits.filter(pl.col("entered") > OVER - dt.timedelta(days=91))
    twice = History(
        "events", "made", history.rows, (), history.mapping, LAST, history.deals,
        pl.concat([history.visits, more]), ("A",), 1.0, "utf-8", (), {},
    )  # fmt: skip
    assert load_of(twice, {}, HOURS).lately == pytest.approx(2 / 1.25, rel=0.05)


def test_who_helps_out_now_and_then_has_no_full_week_for_deals() -> None:
    """Twenty owners of two deals a year beside five who are at it: 4.7 times too long, if they had 30 hours a week."""

    def helped(rng: np.random.Generator) -> Firm:
        return [*_staff(5, 730.0, rng), *[(730.0, 0.0, 0.005)] * 20]

    found = _fits(helped, 2.0, 12)
    off = np.log([f.stages[0].hours / 2.0 for f in found])
    assert abs(off.mean()) < 4 * 0.03 / np.sqrt(12) + 20 * 0.005 / (5 * BUSY)  # their visits are others' time
    assert all(name >= "P05" for f in found for name, _ in f.rarely)
    assert np.mean([f.stages[0].low < 2.0 < f.stages[0].high for f in found]) >= 9 / 12
    history = _history(helped(np.random.default_rng(0)), 2.0, np.random.default_rng(0))
    own = {f"P{i:02d}": Person(HOURS) for i in range(25)}
    assert not fit_efforts(load_of(history, own, HOURS), history.stages, BUSY).rarely  # hours of their own are believed


@pytest.mark.parametrize("which", ["start", "end"])
def test_visits_outside_somebody_s_dates_are_not_held_against_their_hours(which: str) -> None:
    """Three of five joined 60 days ago and have older deals that were handed to them, or left and kept them."""
    dates = {"start": LAST - dt.timedelta(days=60)} if which == "start" else {"end": LAST - dt.timedelta(days=305)}
    off = []
    for k in range(12):
        rng = np.random.default_rng([k, 6])
        history = _history(_staff(5, 730.0, rng), 80.0, rng)
        own = {name: Person(HOURS, **dates) for name in ("P00", "P01", "P02")}
        off.append(np.log(fit_efforts(load_of(history, own, HOURS), history.stages, BUSY).stages[0].hours / 80.0))
    assert abs(np.mean(off)) < 4 * 0.16 / np.sqrt(12)  # of a firm, whose thirty-odd visits come by chance
