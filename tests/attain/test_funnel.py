"""`attain funnel` end to end: the coin flip of the usual back-calculation, what other odds take, what is refused."""

from __future__ import annotations

import io
import json
import math

import pytest
from rich.console import Console

from attain.funnel import Funnel, funnel, scaled
from attain.screens.funnel import screen
from attain.simulate import simulate
from engine.plan.load import load_plan
from engine.problems import PlanRefused
from tests.oracles.plans import enough_deals, enough_money

N = 160

# One rep whose hours are what is short: 80 leads of 20 hours each against 2,000 hours.
SHORT_OF_HOURS = """
attain: 1
name: "[red]Short[/red] of hours"
currency: EUR
horizon: {start: 2026-01-01, end: 2026-12-31}
calendar: {days: 250}
goals:
  company: {metric: bookings, at_least: 30000, until: 2026-11-30}
  wins: {metric: deals_won, at_least: 40}
  both: {all_of: [company, wins]}
  everyone: {all_of: quotas}
  liked: to be much better liked
stages:
  - name: visit
    work: {exponential: {mean: 20 h}}
    wait: {exponential: {mean: 15 d}}
    advance: 0.8
    activities: {visits: 2}
  - {name: offer, work: 4 h, wait: 5 d, advance: 0.7, won: true}
products: {P: {deal_value: {lognormal: {mean: 1000, cv: 0.3}}}}
regions: {North: {}}
reps:
  - {name: Ann, hours_per_week: 36, quota: 30000}
sources: {list: {prospects: 80, spread: year}}
"""


@pytest.fixture(scope="module")
def key_accounts() -> Funnel:
    return funnel("key-accounts", n=N, seed=0, jobs=1)


@pytest.fixture(scope="module")
def short() -> Funnel:
    return funnel(load_plan(SHORT_OF_HOURS), n=120, seed=0, jobs=1)


def within(observed: float, expected: float, n: int, sigmas: float = 4.0) -> bool:
    """Whether a share of n is within four standard errors of its probability: a false alarm in 16,000 runs."""
    return abs(observed - expected) <= sigmas * math.sqrt(expected * (1.0 - expected) / n) + 0.5 / n


def test_the_usual_back_calculation_is_a_coin_flip(key_accounts: Funnel) -> None:
    """500 prospects for 50 M: attained with probability 0.49."""
    assert key_accounts.needs.scale == 1.0
    assert key_accounts.odds.leads == 500.0
    assert key_accounts.odds.probability is not None
    assert within(key_accounts.odds.probability.value, enough_money(500).value, N)
    assert key_accounts.odds.probability == key_accounts.stands


def test_prospects_for_each_level_against_theory(key_accounts: Funnel) -> None:
    """The exact probability at the number of prospects that was found is the level, within the search's own error."""
    for takes in key_accounts.takes:
        answer = takes.prospects
        assert answer.status == "reached"
        assert answer.amount is not None
        assert answer.amount.value == math.floor(answer.amount.value)
        exact = enough_money(int(answer.amount.value)).value
        assert within(exact, takes.probability, key_accounts.searched), (takes.probability, answer.amount)
        assert answer.amount.low < answer.amount.value < answer.amount.high
    amounts = [takes.prospects.amount.value for takes in key_accounts.takes if takes.prospects.amount]
    assert amounts == sorted(amounts)


def test_the_target_that_the_plan_supports_against_theory(key_accounts: Funnel) -> None:
    for takes in key_accounts.takes:
        assert takes.target is not None
        exact = enough_money(500, takes.target.value).value
        assert within(exact, takes.probability, N), (takes.probability, takes.target)


def test_deals_by_the_binomial() -> None:
    found = funnel("key-accounts", goal="fifty-deals", n=80, seed=1, jobs=1)
    assert (found.metric, found.unit) == ("deals_won", "count")
    assert found.odds.probability is not None
    assert within(found.odds.probability.value, enough_deals(500, 50), 80)
    for takes in found.takes:
        assert takes.prospects.amount is not None
        assert within(enough_deals(int(takes.prospects.amount.value), 50), takes.probability, found.searched)


def test_hours_that_move_nothing_are_said_to(key_accounts: Funnel) -> None:
    assert {takes.hours.status for takes in key_accounts.takes} == {"no_effect"}
    assert all(lever.kind != "hours" for lever in key_accounts.levers)


def test_levers_for_80_and_90(key_accounts: Funnel) -> None:
    kinds = {(lever.confidence, lever.kind) for lever in key_accounts.levers}
    assert kinds == {(0.8, "prospects"), (0.9, "prospects"), (0.8, "target"), (0.9, "target")}
    for lever in key_accounts.levers:
        assert lever.change > 0 if lever.kind == "prospects" else lever.change < 0
        assert lever.sentence.say("en")
        assert lever.sentence.say("zh") != lever.sentence.say("en")


def test_what_is_short_is_hours(short: Funnel) -> None:
    """More leads do not help a rep without hours; more hours do, and the hours found give the odds they promise."""
    (rep,) = short.needs.hours
    assert rep.there == pytest.approx(2000 * 36 / 40)
    eighty = short.takes[1]
    assert eighty.probability == 0.8
    assert eighty.hours.status == "reached"
    assert eighty.hours.scale is not None
    assert eighty.hours.amount is not None
    assert eighty.hours.amount.value == pytest.approx(36 * eighty.hours.scale.value)
    again = simulate(
        scaled(load_plan(SHORT_OF_HOURS), hours=eighty.hours.scale.value), n=short.searched, seed=0, jobs=1
    )
    hits = again.attained[:, again.world.goals.names.index("company")].mean()
    assert abs(hits - 0.8) < 0.06  # the same paths: only the straight line between two scales is off


def test_the_odds_are_those_of_the_scaled_plan(short: Funnel) -> None:
    assert short.needs.scale is not None
    assert short.odds.probability is not None
    plan = scaled(load_plan(SHORT_OF_HOURS), leads=short.needs.scale)
    again = simulate(plan, n=120, seed=0, jobs=1)
    assert again.attained[:, again.world.goals.names.index("company")].mean() == short.odds.probability.value


@pytest.mark.usefixtures("workers_at_once")
def test_one_seed_one_answer_whatever_the_workers() -> None:
    one, two = (funnel(load_plan(SHORT_OF_HOURS), n=10, seed=7, jobs=jobs).as_json() for jobs in (1, 2))
    for document in (one, two):
        document.pop("seconds")
    assert one == two


def test_all_quotas_together() -> None:
    found = funnel(load_plan(SHORT_OF_HOURS), goal="everyone", n=16, seed=0, jobs=1)
    assert found.unit == "parts"
    assert found.needs.target == 30_000
    assert {takes.target for takes in found.takes} == {None}
    assert found.odds.mean is None
    json.dumps(found.as_json(), allow_nan=False)
    assert rendered(found)


@pytest.mark.parametrize("goal", ["both", "liked", "compny"])
def test_goals_without_a_number_of_their_own_are_refused(goal: str) -> None:
    with pytest.raises(PlanRefused) as refused:
        funnel(load_plan(SHORT_OF_HOURS), goal=goal, n=10, seed=0, jobs=1)
    (problem,) = refused.value.problems
    assert problem.path == "--goal"
    assert "company, wins, everyone" in problem.expected


def test_a_plan_whose_leads_come_too_late() -> None:
    text = SHORT_OF_HOURS.replace("until: 2026-11-30", "until: 2026-01-02")
    found = funnel(load_plan(text), n=8, seed=0, jobs=1)
    assert found.needs.scale is None
    assert found.odds.probability is None
    assert {takes.prospects.status for takes in found.takes} == {"never"}
    assert found.as_json()["odds"]["probability"] is None
    assert "nothing to scale" in rendered(found)


def test_a_target_far_beyond_the_plan() -> None:
    text = SHORT_OF_HOURS.replace("at_least: 30000", "at_least: 3000000")
    found = funnel(load_plan(text), n=8, seed=0, jobs=1)
    assert found.odds.probability is None
    assert found.odds.scale is not None
    assert found.odds.scale > 10
    assert {takes.prospects.status for takes in found.takes} == {"never"}
    assert {takes.hours.status for takes in found.takes} == {"never"}
    assert "4" in rendered(found)


def test_the_document_has_what_was_promised(short: Funnel) -> None:
    document = short.as_json()
    text = json.dumps(document, allow_nan=False)
    assert json.loads(text) == document
    assert {"needed", "in_hand", "odds", "for"} <= document.keys()
    assert [row["probability"] for row in document["for"]] == [0.5, 0.8, 0.9, 0.95]
    assert {row["stage"] for row in document["needed"]["rows"]} == {"visit", "offer"}
    assert {row["activity"] for row in document["needed"]["activities"]} == {"visits"}


def rendered(found: Funnel, language: str = "en") -> str:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(screen(found, "zh" if language == "zh" else "en"))
    return console.export_text()


def test_the_screen_in_both_languages(short: Funnel, key_accounts: Funnel) -> None:
    english, chinese = rendered(short), rendered(short, "zh")
    assert "[red]Short[/red] of hours" in english  # a plan's name is text, never markup
    assert "What it takes" in english
    assert "所需条件" in chinese
    assert "no effect" in rendered(key_accounts)
    assert "500 prospects" in rendered(key_accounts)
