"""The worked example of the promise, to the digits in which it is told."""

from __future__ import annotations

import pytest

from tests.oracles import plans


def test_back_calculation_is_a_coin_flip() -> None:
    assert round(plans.enough_deals(500, 50), 2) == 0.52
    assert [round(p, 2) for p in plans.enough_money(500).bounds] == [0.49, 0.49]


@pytest.mark.parametrize(("prospects", "printed"), [(560, 0.76), (650, 0.96)])
def test_what_more_prospects_buy(prospects: int, printed: float) -> None:
    assert [round(p, 2) for p in plans.enough_money(prospects).bounds] == [printed, printed]


def test_everyone_makes_it_one_time_in_twenty() -> None:
    assert round(plans.everyone_enough_deals(), 2) == 0.05
    assert [round(p, 3) for p in plans.everyone_enough_money().bounds] == [0.023, 0.023]


def test_what_is_not_known_about_the_inputs_counts_too() -> None:
    assert [round(p, 2) for p in plans.enough_money_unsure(650, 15, 150).bounds] == [0.82, 0.82]
    assert plans.enough_deals_unsure(650, 50, 15, 150) == pytest.approx(0.83395, abs=1e-5)
