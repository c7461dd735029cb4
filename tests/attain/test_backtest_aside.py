"""The library's fits in other processes: what they would be here, and had even where no process can be."""

from __future__ import annotations

import os

import numpy as np
import pytest

from attain.backtest.aside import Aside

STILL = np.repeat([[5.0], [0.0], [7.0]], 12, axis=1)  # series that do not move need no library


@pytest.mark.parametrize("cores", [1, 2])
def test_fits_are_the_same_wherever_they_are_made(cores: int) -> None:
    with Aside(cores) as aside:
        promises = [aside.library("auto_ets", STILL, (1, 3)), aside.library("auto_arima", STILL[:, :3], (1, 3))]
        found, short = (promise() for promise in promises)
    for months in (1, 3):
        samples = found[months]
        assert samples is not None
        assert samples == pytest.approx(np.repeat(STILL[:, :1] * months, samples.shape[1], axis=1))
    assert short == {1: None, 3: None}


def test_a_process_that_dies_is_done_without() -> None:
    with Aside(2) as aside:
        aside.library("auto_ets", STILL, (1,))()
        aside._pool.submit(os._exit, 1)
        promise = aside.library("auto_ets", STILL, (1,))
        samples = promise()[1]
    assert samples is not None
    assert samples[:, 0] == pytest.approx(STILL[:, 0])
