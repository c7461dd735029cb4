"""Recalibration learns from what had ended, widens what was too sure, and leaves alone what was right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from attain.backtest import recalibrate, scores
from attain.backtest.records import ATTAIN, RECALIBRATED, Cells

FOLDS, NAMES, SAMPLES = 40, 25, 200


def forecasts(rng: np.random.Generator, truth: float, common: float = 0.0, months: int = 1) -> list[Cells]:
    """Origins whose forecasts have spread 3 about 100, with outcomes of spread ``truth`` and a lasting common error."""
    out = []
    level = 0.0
    for k in range(FOLDS):
        level = 0.8 * level + 0.6 * common * rng.standard_normal()
        drawn = 100.0 + 3.0 * rng.standard_normal((NAMES, SAMPLES))
        actual = 100.0 + level + truth * rng.standard_normal(NAMES)
        names = tuple(f"n{i}" for i in range(NAMES))
        out.append(Cells(k, "region", "bookings", "month", months, names, actual, {ATTAIN: drawn}))
    return out


def coverage(cells: list[Cells], method: str, since: int = 12) -> float:
    judged = [c for c in cells if method in c.samples and c.fold >= since]
    return float(np.mean([scores.covered(*scores.transform(c.samples[method], c.actual), 0.8) for c in judged]))


@pytest.mark.parametrize("truth", [1.5, 3.0, 9.0])
def test_intervals_come_to_hold_what_they_say(truth: float) -> None:
    cells = list(recalibrate.recalibrated(forecasts(np.random.default_rng(0), truth), 1))
    # 700 outcomes: standard error .015; the stretch, from a dozen origins and more, adds about as much
    assert coverage(cells, RECALIBRATED) == pytest.approx(0.8, abs=4 * 0.02)
    if truth != 3.0:
        assert abs(coverage(cells, ATTAIN) - 0.8) > 0.1


def test_an_error_that_lasts_is_carried_on() -> None:
    cells = list(recalibrate.recalibrated(forecasts(np.random.default_rng(1), 3.0, common=12.0), 1))
    late = [c for c in cells if c.fold >= 12]
    ours, theirs = (np.mean([scores.crps(c.samples[m], c.actual).mean() for c in late]) for m in (RECALIBRATED, ATTAIN))
    assert ours < 0.8 * theirs
    assert coverage(cells, RECALIBRATED) > coverage(cells, ATTAIN) + 0.2


@pytest.mark.parametrize("months", [1, 3])
def test_nothing_is_learnt_from_what_had_not_ended(months: int) -> None:
    cells = forecasts(np.random.default_rng(2), 6.0, months=months)
    fold = 20
    told = [
        replace(c, actual=c.actual + 1e6) if c.fold + months > fold else c for c in cells
    ]  # every outcome after the origin of fold 20 is another
    before, after = (recalibrate.recalibrated(x, 1) for x in (cells, told))
    for a, b in zip(before, after, strict=True):
        if a.fold <= fold:
            assert a.samples.keys() == b.samples.keys()
            assert np.array_equal(a.samples[ATTAIN], b.samples[ATTAIN])
            assert np.array_equal(a.samples.get(RECALIBRATED), b.samples.get(RECALIBRATED))
    first = next(c.fold for c in before if RECALIBRATED in c.samples)
    assert first == recalibrate.FEWEST - 1 + months


def test_counts_stay_counts_and_money_stays_above_nought() -> None:
    change = recalibrate.Change(-2.0, 3.0, 5)
    drawn = np.random.default_rng(3).poisson(4.0, (5, 100)).astype(float)
    counts = recalibrate.apply(change, drawn, whole=True)
    assert np.array_equal(counts, np.rint(counts))
    assert counts.min() >= 0.0
    assert recalibrate.apply(recalibrate.Change(0.0, 1.0, 5), drawn, whole=False) == pytest.approx(drawn)
    still = np.full((2, 50), 7.0)  # a forecast without spread has no errors in spreads
    assert np.isnan(recalibrate.errors(still, np.array([7.0, 9.0]))).all()


@pytest.mark.parametrize("deals", [0.5, 2.0, 20.0])
def test_forecasts_of_few_deals_that_are_right_stay_as_they_are(deals: float) -> None:
    """24 origins of 8 reps, each with its own law drawn from: on average nothing moves and nothing is stretched.

    Errors have mean 0 and square 1 by construction; 40 histories of 192 of them leave a sigma of about .01.
    """
    rng = np.random.default_rng(11)
    shifts, stretches = [], []
    for _ in range(40):
        past = {}
        for fold in range(24):
            samples, outcomes = rng.poisson(deals, (8, 400)), rng.poisson(deals, 8)
            found = recalibrate.moments(recalibrate.errors(samples.astype(float), outcomes.astype(float)))
            assert found is not None
            past[fold] = found
        change = recalibrate.learn(past, 24, 1)
        assert change is not None
        shifts.append(change.shift)
        stretches.append(change.stretch)
    assert abs(np.mean(shifts)) < 0.04
    assert abs(np.mean(stretches) - 1.0) < 0.04
    samples = rng.poisson(deals, (1, 4000)).astype(float)
    assert np.array_equal(recalibrate.apply(recalibrate.Change(0.0, 1.0, 24), samples, whole=True), samples)
