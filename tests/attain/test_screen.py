"""The terminal's screen: nothing wider than the terminal, nothing read as markup, both languages, in order."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from attain.screen import screen
from attain.summary import Lever, Summary, summarise, with_levers
from attain.wording import Language, sentence, text
from tests.attain.summary_runs import booked, world

GOALS = """\
  company: {metric: bookings, at_least: 10_000_000}
  华北的目标: {metric: bookings, at_least: 6_000_000, where: {region: North}}
  everyone: {all_of: quotas}"""


def summary(**changes: str) -> Summary:
    rng = np.random.default_rng(0)
    count = rng.poisson(100, (600, 2)).astype(float)
    drawn = rng.beta(15.5, 135.5, (600, 1))
    wins = rng.binomial(count.astype(int), drawn).astype(float)
    made = world(goals=GOALS, advance="{wins: 15, of: 150}", work="work: 1 h, ", **changes)
    return summarise(booked(made, count, wins, np.full(count.shape, 500_000.0), drawn))


def shown(made: Summary, language: Language = "en", width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, legacy_windows=False, color_system=None)
    with console.capture() as captured:
        console.print(screen(made, language, width=width))
    return captured.get()


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_screen_fits_and_is_in_order(width: int, language: Language) -> None:
    page = shown(summary(), language, width)
    assert max(cell_len(line) for line in page.splitlines()) <= width
    assert "…" not in page
    order = ["verdict", "gap", "goals", "breakdown", "funnel", "months", "reps", "drivers", "inputs"]
    places = [place_of(text(f"screen.{key}", language), page) for key in order]
    assert places == sorted(places)
    assert "张伟" in page
    assert "华北的目标" in page


def place_of(heading: str, page: str) -> int:
    """Where a heading stands: at a line's beginning, or in the panel's frame."""
    found = re.search(rf"(?m)(^|: ){re.escape(heading)}(?=[ :]|$)", page)
    assert found is not None, heading
    return found.start()


def test_names_are_not_read_as_markup() -> None:
    page = shown(summary(name="'[red]Plan[/red] [link=http://x]y'"))
    assert "[red]Plan[/red] [link=http://x]y" in page


def test_levers_stand_in_the_verdict() -> None:
    made = summary()
    assert "attain funnel" in shown(made)
    lever = Lever(0.8, "prospects", 60.0, "prospects", sentence("driver.prospects"))
    page = shown(with_levers(made, (lever,)))
    assert "• the number of prospects" in page
    assert "attain funnel" not in page


def test_a_terminal_without_drawing_characters_gets_plain_ones() -> None:
    page = plain(summary())
    assert "=" in page
    assert "●" not in page.split(text("column.fan"))[1]


def plain(made: Summary) -> str:
    console = Console(file=io.StringIO(), width=100, legacy_windows=False)
    options = console.options
    options.encoding = "ascii"
    return "".join(segment.text for segment in console.render(screen(made), options))


def test_both_errors_are_told_in_plain_language() -> None:
    page = " ".join(shown(summary(), width=400).split())
    assert "More simulation would move" in page
    assert "Simulating longer does not narrow that" in page
    assert "half-width" not in page


def test_a_plan_without_measurable_goal_still_shows() -> None:
    made = world(goals="  fame: be markedly better known")
    wins = np.ones((10, 2))
    page = shown(summarise(booked(made, wins, wins, wins * 1e6)))
    assert "no goal that can be measured" in page
    assert text("screen.verdict") not in page
