"""Hours and lead shares as levers: which sums stay, how far entries move, and the way back to the table."""

from __future__ import annotations

import numpy as np
import pytest

from solvers.levers import project
from solvers.shares import hours_levers, share_levers

HOURS = np.array([[4.0, 4.0, 0.0], [0.0, 3.0, 5.0]])
ALLOWED = np.array([[True, True, True], [False, True, True]])
NAMES = {"reps": ("张伟", "Li Na"), "cells": ("North / ERP", "North / CRM", "East / ERP")}


def test_each_reps_hours_stay_in_sum_and_move_by_their_share():
    made = hours_levers(HOURS, allowed=ALLOWED, change_at_most=0.25, **NAMES)
    assert made.levers.names == (
        "张伟 / North / ERP",
        "张伟 / North / CRM",
        "张伟 / East / ERP",
        "Li Na / North / CRM",
        "Li Na / East / ERP",
    )
    assert made.levers.totals.tolist() == [8, 8]
    assert made.levers.lower == pytest.approx([3, 3, 0, 2.25, 3.75])
    assert made.levers.upper == pytest.approx([5, 5, 8 / 3 * 0.25, 3.75, 6.25])
    moved = made.table(project(made.levers, np.array([9.0, 3.0, 0.5, 2.0, 9.0])))
    assert np.sum(moved, axis=1) == pytest.approx([8, 8])
    assert moved[1, 0] == 0.0
    assert np.array_equal(made.table(made.variables(HOURS)), HOURS)


def test_each_cells_shares_stay_in_sum():
    shares = np.array([[1.0, 0.5, 0.2], [0.0, 0.5, 0.8]])
    made = share_levers(shares, allowed=ALLOWED, change_at_most=0.2, **NAMES)
    assert made.levers.totals == pytest.approx([1, 1, 1])
    assert made.levers.movable
    moved = made.table(project(made.levers, made.variables(shares) + np.array([0, 1, 0, 0, 1])))
    assert np.sum(moved, axis=0) == pytest.approx([1, 1, 1])
    assert moved == pytest.approx(np.array([[1.0, 0.6, 0.16], [0.0, 0.4, 0.84]]))


def test_tables_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="where it may have none"):
        hours_levers(np.ones((2, 3)), allowed=ALLOWED, change_at_most=0.2, **NAMES)
    with pytest.raises(ValueError, match="2 reps and 3 cells"):
        hours_levers(np.ones((3, 2)), allowed=np.ones((3, 2), dtype=bool), change_at_most=0.2, **NAMES)
    with pytest.raises(ValueError, match="nothing to move"):
        hours_levers(np.zeros((2, 3)), allowed=np.zeros((2, 3), dtype=bool), change_at_most=0.2, **NAMES)
