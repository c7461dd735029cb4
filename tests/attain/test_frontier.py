"""`attain frontier` on a plan whose best split of every budget is known: it rises, and prices are money over points."""

from __future__ import annotations

import io
import math

import pytest

from attain.optimise import budget_frontier
from attain.optimise.records import Frontier
from attain.screens.frontier import screen
from attain.simulate import simulate
from engine.plan.load import load_plan
from engine.problems import PlanRefused
from tests.attain.test_optimise import HEAD as NO_BUDGET
from tests.attain.test_optimise import budget_plan, expected_wins

TOTALS = (6_000.0, 12_000.0)
N = 1_000


@pytest.fixture(scope="module")
def found() -> Frontier:
    return budget_frontier(load_plan(budget_plan()), totals=TOTALS, seed=5, n=N, jobs=1, effort=0.01)


def attains(mean: float) -> float:
    """P(13 wins or more), wins being Poisson."""
    return 1 - sum(math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(13))


def test_each_total_is_spent_nearly_as_well_as_can_be(found: Frontier) -> None:
    assert [row.total for row in found.rows] == list(TOTALS)
    for row in found.rows:
        spends = [amount for *_, amount in row.allocation]
        assert sum(spends) == pytest.approx(row.spent)
        steps = range(0, int(row.total) + 1, 500)
        best = max(attains(expected_wins(a, b, row.total - a - b)) for a in steps for b in steps if a + b <= row.total)
        exact = attains(expected_wins(*spends))
        assert exact > best - 0.01
        # Four sigma about theory at the split found: odds of a false alarm 6e-5 each.
        assert abs(row.probability - exact) < 4 * math.sqrt(exact * (1 - exact) / N)
        assert row.interval[0] <= row.probability <= row.interval[1]


def test_it_rises_and_prices_are_money_over_points(found: Frontier) -> None:
    for low, high in zip(found.rows, found.rows[1:], strict=False):
        assert high.probability >= low.probability
        assert low.price is not None
        assert low.price.value == pytest.approx((high.total - low.total) / (100 * (high.probability - low.probability)))
        assert low.price.interval[0] is not None
        assert low.price.interval[0] <= low.price.value
    assert found.rows[-1].price is None


def test_a_row_is_what_simulating_its_split_gives(found: Frontier) -> None:
    row = found.rows[1]
    by_name = {(source, region): amount for source, region, _, amount in row.allocation}
    sets = [
        f"sources.fairs.budget.North={by_name['fairs', 'North']:.0f}",
        f"sources.fairs.budget.South={by_name['fairs', 'South']:.0f}",
        f"sources.mail.budget.North={by_name['mail', 'North']:.0f}",
    ]
    results = simulate(load_plan(budget_plan(), sets=sets), n=N, seed=5, jobs=1)
    company = results.world.goals.names.index("company")
    assert float(results.attained[:, company].mean()) == row.probability


def test_both_languages_show_it(found: Frontier) -> None:
    from rich.console import Console

    for language, word in (("en", "one more point costs"), ("zh", "每提高")):
        console = Console(record=True, width=100, file=io.StringIO())
        console.print(screen(found, language))  # type: ignore[arg-type]
        assert word in console.export_text()


def test_what_has_no_frontier_is_said() -> None:
    plan = load_plan(budget_plan())
    with pytest.raises(PlanRefused, match="rise"):
        budget_frontier(plan, totals=(2_000.0, 1_000.0), seed=1, n=16, jobs=1)
    text = budget_plan().replace("total: 12_000, step: 500", "total: 3_000, caps: {mail: 1_000, fairs: 2_000}")
    capped = load_plan(text)
    with pytest.raises(PlanRefused, match="limits"):
        budget_frontier(capped, totals=(3_000.0, 12_000.0), seed=1, n=16, jobs=1)
    with pytest.raises(PlanRefused, match="budget"):
        budget_frontier(load_plan(NO_BUDGET % 1300 + "sources: {s: {leads_per_month: 2}}\n"), seed=1, n=16, jobs=1)
    text = budget_plan(more="  maximise: {weighted: {company: 1, other: 2}}\n")
    weighted = load_plan(text.replace("goals: {", "goals: {other: {metric: deals_won, at_least: 3}, "))
    with pytest.raises(PlanRefused, match="one goal"):
        budget_frontier(weighted, seed=1, n=16, jobs=1)
