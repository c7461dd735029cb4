"""The harness of the peer funnel: what agrees is timed, what does not is named; and each peer is the script's model."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import pages, peer, peer_funnel, run
from benchmarks.peers import programs
from benchmarks.peers.programs import Absent, Program, ProgramFailed
from tests.oracles.power import judge_mean

ROOT = Path(__file__).parents[2]
SHORT = 20  # days
RUNS = 4

# Answers like the script in its means, with so many times the wins, and says that it took so many seconds.
FAKE = """
import random, sys
wins, seconds = map(float, sys.argv[1:])
for line in sys.stdin:
    seed, days = map(int, line.split())
    draw = random.Random(seed)
    around = lambda mean: round(draw.gauss(mean, mean ** 0.5))
    print(around(80 * days), around(wins * 5 * days), around(150 * days), seconds, flush=True)
"""


def fake(name: str, seconds: float, wins: float = 1.0) -> Program:
    """A program that answers at once."""
    return Program(name, "made up", (sys.executable, "-I", "-c", FAKE, str(wins), str(seconds)))


def broken(name: str) -> Program:
    """A program that ends on being asked."""
    return Program(name, "made up", (sys.executable, "-I", "-c", "input(); raise SystemExit('no licence')"))


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    field = [
        fake("attain compiled", 1 / 128),
        fake("C", 1 / 64),
        fake(programs.SCRIPT, 1.0),
        fake("bent", 0.001, wins=1.3),
        broken("broken"),
        Absent("simmer", "R is not installed"),
    ]
    return peer.compare(field, seconds=2 * 5 / 128, turns=2, check_runs=10, check_days=60)


def test_only_what_agrees_gets_a_speed(document: dict[str, Any]) -> None:
    assert [row["program"] for row in document["rows"]] == ["attain compiled", "C", programs.SCRIPT]
    bent, failed = document["disagree"]
    assert bent["program"] == "bent"
    (because,) = bent["because"]
    assert because.startswith("deals won in 60 days")
    assert failed["program"] == "broken"
    assert "no licence" in failed["because"][0]
    assert document["absent"] == [{"program": "simmer", "reason": "R is not installed"}]


def test_rows_are_what_the_programs_said(document: dict[str, Any]) -> None:
    ours, c, script = document["rows"]
    assert all(list(row) == list(peer.COLUMNS) for row in document["rows"])
    assert [row["seconds_per_replication"] for row in document["rows"]] == [1 / 128, 1 / 64, 1.0]
    assert [row["replications"] for row in document["rows"]] == [2 * 5, 2 * 3, 2]  # as many as fill the slices
    assert c["over_compiled"] == {"median": 2.0, "least": 2.0, "most": 2.0}
    assert script["over_compiled"]["median"] == 128.0
    assert ours["over_script"]["median"] == 1 / 128
    assert script["apart"] is None
    assert all(abs(z) <= peer.SIGMAS for z in ours["apart"].values())


def test_full_replications_are_checked_too() -> None:
    """A program that simulates another number of leads only when the horizon is long."""
    late = FAKE.replace("80 * days", "80 * days * (1.2 if days > 60 else 1)")
    bent = Program("late", "made up", (sys.executable, "-I", "-c", late, "1", "0.01"))
    found = peer.compare([bent, fake(programs.SCRIPT, 0.01)], seconds=0.05, turns=1, check_runs=3)
    assert [row["program"] for row in found["rows"]] == [programs.SCRIPT]
    assert found["disagree"][0]["because"][0].startswith("leads in 250 days")


def test_without_the_script_nothing_is_said() -> None:
    with pytest.raises(ProgramFailed, match="no licence"):
        peer.compare([fake("C", 0.01), broken(programs.SCRIPT)], turns=1)


@pytest.mark.parametrize(("count", "factor"), [(0, 1.04), (1, 1.25), (2, 0.93), (2, math.nan)])
def test_a_difference_is_told(count: int, factor: float) -> None:
    script = [(4800, 97, 7730)] * peer.CHECK_RUNS
    assert not peer.disagreements(script, script, peer.CHECK_DAYS)
    bent: Any = [tuple(x * (factor if i == count else 1.0) for i, x in enumerate(row)) for row in script]
    (told,) = peer.disagreements(bent, script, peer.CHECK_DAYS)
    assert told.startswith(peer.COUNTS[count])


def test_the_page_has_every_program(document: dict[str, Any]) -> None:
    page = pages.in_words({"peers": {"machine": run.machine()} | document})
    assert "| C | made up | 0.0156 | 2 (2 to 2) | 0.0156 (0.0156 to 0.0156) |" in page
    assert "bent gets no speed: deals won in 60 days" in page
    assert "simmer is not here: R is not installed." in page


def test_what_was_not_measured_stays(document: dict[str, Any], tmp_path: Path) -> None:
    sizes = [{"replications": 200, "peak_memory_mb": 100.0, "ratio": 1.0}]
    run.write({"memory": {"machine": run.machine(), "rows": sizes}}, tmp_path)
    run.write({"peers": {"machine": run.machine()} | document}, tmp_path)
    page = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert "| 200 | 100 | 1.000 |" in page
    assert "| C | made up |" in page


def test_the_rows_are_documented() -> None:
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    for key, meaning in peer.COLUMNS.items():
        assert f"| `{key}` | {meaning} |" in page


def _numbers(text: str, name: str) -> list[float]:
    """The numbers that follow a name's `=`, `<-` or, in C, `= {`, up to the line's end or a comment."""
    (found,) = re.findall(rf"\b{name}\b(?:\[\w+\])? (?:=|<-) (.*)", text)
    return [float(number) for number in re.findall(r"\d+\.?\d*", re.split(r"/\*|#|//", found)[0])]


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("funnel.c", ("WORK", "WAIT", "ADVANCE", "SIGMA", "LEADS_PER_DAY")),
        ("funnel.R", ("work", "wait", "advance", "sigma", "leads_per_day")),
    ],
)
def test_other_languages_have_the_scripts_numbers(file: str, names: tuple[str, ...]) -> None:
    """The Python peers import them; work and priorities hardly move the counts that are compared."""
    text = (ROOT / "benchmarks" / "peers" / file).read_text(encoding="utf-8")
    lists = [peer_funnel.WORK, peer_funnel.WAIT, peer_funnel.ADVANCE, [peer_funnel.SIGMA], [peer_funnel.LEADS_PER_DAY]]
    for name, expected in zip(names, lists, strict=True):
        assert _numbers(text, name) == list(expected), name
    reps, priorities = (r"REPS = (\d+)", r"PRIORITIES = (\d+)") if file.endswith(".c") else (r"1:(\d+)", r"0:(\d+)")
    assert re.findall(reps, text) == [str(peer_funnel.REPS)]
    assert re.findall(priorities, text) == [str(peer_funnel.PRIORITIES - (0 if file.endswith(".c") else 1))]


def _here(name: str, folder: Path) -> Program:
    finders = {
        "C": lambda: programs.plain_c(folder),
        "simmer": programs.simmer,
        "salabim": lambda: programs.package("salabim", "salabim"),
        "Ciw": lambda: programs.package("Ciw", "ciw"),
    }
    found = finders[name]()
    if isinstance(found, Absent):
        pytest.skip(found.reason)
    return found


@pytest.mark.parametrize("name", ["C", "simmer", "salabim", "Ciw"])
def test_a_peer_simulates_what_the_script_does(name: str, tmp_path: Path) -> None:
    """4.5 sigma, false alarm 7e-6 for each count; short, to see that it runs and answers: the benchmark checks more."""
    tallies = [peer_funnel.run(seed, leads_until=SHORT, until=SHORT) for seed in range(RUNS)]
    with programs.running(_here(name, tmp_path)) as worker:
        replies = [worker.ask(1000 + seed, SHORT) for seed in range(RUNS)]
        again = worker.ask(1000, SHORT)
    script = [(tally.leads, tally.won, tally.moves) for tally in tallies]
    assert not peer.disagreements(peer.counts(replies), script, SHORT)
    assert again.counts == replies[0].counts  # a seed repeats
    assert all(reply.seconds > 0.0 for reply in replies)


def test_the_c_program_against_the_script_with_power(tmp_path: Path) -> None:
    """4 sigma, false alarm 6e-5 each; many of the one and few of the other: 3% of the leads, 17% of the wins, 5%."""
    n, few = 400, 20
    with programs.running(_here("C", tmp_path)) as worker:
        found = peer.means([worker.ask(seed, peer.CHECK_DAYS).counts for seed in range(n)])
    tallies = [peer_funnel.run(seed, leads_until=peer.CHECK_DAYS, until=peer.CHECK_DAYS) for seed in range(few)]
    script = peer.means([(tally.leads, tally.won, tally.moves) for tally in tallies])
    spread = peer.variances(peer.CHECK_DAYS, found["deals won"])
    for (name, finds), variance in zip({"leads": 0.03, "deals won": 0.17, "moves": 0.05}.items(), spread, strict=True):
        judge_mean(script[name], math.sqrt(variance * (1.0 / n + 1.0 / few)), found[name], finds=finds)


def test_no_compiler_is_said_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    assert programs.plain_c(tmp_path) == Absent("C", "no C compiler was found")
    monkeypatch.setenv("PATH", "")
    assert programs.simmer() == Absent("simmer", "R is not installed")
