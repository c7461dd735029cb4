"""Crossed effects' information with its largest block eliminated first, against the whole matrix."""

from __future__ import annotations

import numpy as np
import pytest

from engine.fit.rates import Crossed, shrunk_odds

SIZES = (3, 17, 5)


def _cells(rng: np.random.Generator, rows: int = 120) -> Crossed:
    codes = tuple(rng.integers(0, n, rows) for n in SIZES)
    of = rng.integers(1, 9, rows).astype(float)
    return Crossed(np.floor(of * rng.random(rows)), of, codes, SIZES)


@pytest.mark.parametrize("seed", range(5))
def test_the_same_as_the_whole_matrix(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cells = _cells(rng)
    weight, penalty = rng.uniform(0.1, 2, len(cells.of)), rng.uniform(0.2, 3, 1 + sum(SIZES))
    rows = np.arange(len(weight))
    design = np.zeros((len(weight), 1 + sum(SIZES)))
    design[:, 0] = 1.0
    for start, code in zip(cells.starts, cells.codes, strict=False):
        design[rows, start + code] = 1.0
    whole = design.T @ (weight[:, None] * design) + np.diag(penalty)
    found = cells.information(weight, penalty)
    covariance = np.linalg.inv(whole)
    right = rng.normal(size=(len(penalty), 4))
    assert found.solve(right) == pytest.approx(np.linalg.solve(whole, right), rel=1e-9, abs=1e-12)
    assert found.solve(right[:, 0]) == pytest.approx(np.linalg.solve(whole, right[:, 0]), rel=1e-9, abs=1e-12)
    assert found.log_det() == pytest.approx(np.linalg.slogdet(whole)[1], rel=1e-12)
    sums = rng.normal(size=(6, len(penalty)))
    assert found.variances(sums) == pytest.approx(np.diag(sums @ covariance @ sums.T), rel=1e-9)
    for start, n in zip(cells.starts, SIZES, strict=False):
        share = rng.dirichlet(np.ones(n))
        away = np.zeros((n, len(penalty)))
        away[:, start : start + n] = np.eye(n) - share
        assert found.contrasts(start, share) == pytest.approx(np.diag(away @ covariance @ away.T), rel=1e-8)


def test_thousands_of_people_are_no_matrix_of_thousands() -> None:
    """Six thousand people of three deals each: a dense matrix of theirs would take minutes and gigabytes."""
    rng = np.random.default_rng(3)
    person = np.repeat(np.arange(6000), 3)
    product = rng.integers(0, 4, len(person))
    won = (rng.random(len(person)) < 0.3).astype(float)
    found = shrunk_odds(won, np.ones(len(person)), [person, product], [6000, 4])
    assert found.information is not None
    assert found.information.rest.shape == (5, 5)
    assert np.abs(np.log(found.multipliers[0])).max() < 1.0
