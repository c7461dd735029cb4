"""Bad input: each gives one clear message (what, where, why, what to do), its exit code, no file and no traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from attain.cli import runs
from tests.attain.cli_runs import BUDGET, PLAN, Attain, Said, files, outside
from tests.attain.histories import as_csv, export, log


@pytest.fixture
def attain(capsys: pytest.CaptureFixture[str]) -> Attain:
    return Attain(capsys)


def clear(said: Said, code: int, *needles: str) -> None:
    """The message is there, alone, holds what it must, and is short enough to be read."""
    assert said.code == code, said.err
    assert said.out == ""
    assert "Traceback" not in said.err
    assert 20 < len(said.err) < 1500
    flat = " ".join(said.err.replace("│", " ").split())
    for needle in needles:
        assert needle in flat


# --- plans ----------------------------------------------------------------------------------------------------------

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}]\n"
    for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)

BAD_PLANS = {
    "a misspelt field": (
        PLAN.replace("leads_per_month: 12", "leads_per_mnth: 12"),
        ("sources.inbound.leads_per_mnth", "Did you mean leads_per_month?"),
    ),
    "a misspelt section": (PLAN.replace("regions:", "regoins:"), ("regoins", "Did you mean regions?")),
    "a negative duration": (PLAN.replace("wait: 2 d", "wait: -2 d"), ("stages.lead.wait", "-2 d")),
    "a probability of 1.2": (PLAN.replace("advance: 0.5", "advance: 1.2"), ("stages.lead.advance", "between 0 and 1")),
    "a rep nobody can feed": (
        PLAN.replace("name: Ann, region: 华东", "name: Ann, region: 华东, products: [CRM]").replace(
            "cv: 0.5}}}}", "cv: 0.5}}}, CRM: {deal_value: 1000}}"
        ),
        ("reps.Ann", "no source, prospecting, account or open deal"),
    ),
    "stages out of order": (
        PLAN.replace("advance: 0.5}", "advance: 0.5, won: true}"), ("stages", "won"),
    ),
    "a stage that is not there": (
        PLAN.replace("{name: 张伟, ", "{name: 张伟, advance: {signing: 1.2}, "), ("reps.张伟.advance", "signing"),
    ),
    "no number": (PLAN.replace("advance: 0.5", "advance: .nan"), ("stages.lead.advance", "nan")),
    "infinity": (PLAN.replace("leads_per_month: 12", "leads_per_month: .inf"), ("inbound.leads_per_month", "inf")),
    "an amount that is infinite": (PLAN.replace("at_least: 100万", "at_least: 1e999"), ("goals.company.at_least",)),
    "an alias bomb": (BOMB, ("line", "alias")),
    "a Python tag": ("attain: !!python/object/apply:os.system [date]\n", ("line 1", "python/object/apply:os.system")),
    "text that is no YAML": ("goals: [1, 2\nstages: }", ("line 2",)),
    "an empty file": ("", ("empty file", "attain new")),
    "a list": ("- 1\n- 2\n", ("a list", "attain: 1")),
    "no goals that can be measured": (
        PLAN[: PLAN.index("  company")] + "  fame: better known\n" + PLAN[PLAN.index("stages:") :],
        ("goals", "to simulate"),
    ),
    "an end before the start": (PLAN.replace("end: 2026-03-31", "end: 2025-03-31"), ("horizon", "2025-03-31")),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD_PLANS)
def test_a_plan_that_is_refused(attain: Attain, tmp_path: Path, what: str) -> None:
    text, needles = BAD_PLANS[what]
    plan = tmp_path / "计划.yaml"
    plan.write_text(text, encoding="utf-8")
    before = files(tmp_path)
    clear(attain("simulate", plan, "--out", tmp_path / "run"), 1, *needles)
    clear(attain("optimise", plan, "--out", tmp_path / "new.yaml"), 1, *needles)
    document = attain("simulate", plan, "--out", tmp_path / "run", "--json")
    assert document.code == 1
    assert document.err == ""
    assert document.document["error"]
    assert document.document["problems"]
    assert all(set(row) >= {"path", "value", "expected", "hint"} for row in document.document["problems"])
    assert files(tmp_path) == before


def test_every_problem_of_a_plan_is_said_at_once(attain: Attain, tmp_path: Path) -> None:
    wrong = (
        PLAN.replace("advance: 0.5", "advance: 1.2").replace("wait: 3 d", "wait: -3 d").replace("cv: 0.5", "cw: 0.5")
    )
    (tmp_path / "plan.yaml").write_text(wrong, encoding="utf-8")
    said = attain("simulate", tmp_path / "plan.yaml")
    clear(said, 1, "stages.lead.advance", "stages.签约.wait", "products.ERP.deal_value", "things are wrong")


def test_places_that_hold_no_plan(attain: Attain, tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(bytes(range(256)) * 4)
    (tmp_path / "gbk.yaml").write_bytes(PLAN.encode("gbk"))
    clear(attain("simulate", tmp_path), 1, "a folder", "attain scenarios")
    clear(attain("simulate", tmp_path / "none.yaml"), 1, "none.yaml", "no such file")
    clear(attain("simulate", "key-acounts"), 1, "Did you mean key-accounts?")
    clear(attain("simulate", "nothing like it"), 1, "attain scenarios")
    clear(attain("simulate", tmp_path / "binary.yaml"), 1, "UTF-8")
    clear(attain("simulate", tmp_path / "gbk.yaml"), 1, "line 2", "UTF-8")


@pytest.mark.parametrize(
    ("setting", "needles"),
    [
        ("stages.leed.advance=0.5", ("stages.leed", "Did you mean lead?")),
        ("reps.Ann.hours_per_weak=45", ("hours_per_weak", "Did you mean hours_per_week?")),
        ("stages.lead.advance=2", ("stages.lead.advance", "between 0 and 1")),
        ("stages.lead.advance", ("path=value",)),
        ("goals.company.at_least=!!python/name:os.system", ("python/name",)),
    ],
)
def test_a_set_that_cannot_be(attain: Attain, tmp_path: Path, setting: str, needles: tuple[str, ...]) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")
    clear(attain("simulate", tmp_path / "plan.yaml", "--set", setting, "--out", tmp_path / "run"), 1, *needles)
    assert files(tmp_path) == {"plan.yaml"}


def test_a_file_of_the_plan_that_is_not_there(attain: Attain, tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN + "pipeline: {file: open.csv}\n", encoding="utf-8")
    clear(attain("simulate", tmp_path / "plan.yaml"), 1, "pipeline.file", "open.csv")
    (tmp_path / "open.csv").write_text("deal,stage\nA,leed\n", encoding="utf-8")
    clear(attain("simulate", tmp_path / "plan.yaml"), 1, "open.csv", "deal A", "Did you mean lead?")
    (tmp_path / "plan.yaml").write_text(PLAN + "pipeline: {file: ../open.csv}\n", encoding="utf-8")
    clear(attain("simulate", tmp_path / "plan.yaml"), 1, "in the plan's folder")


# --- histories ------------------------------------------------------------------------------------------------------


def _csv(rows: list[list[str]], encoding: str = "utf-8") -> bytes:
    return as_csv(rows).encode(encoding)


def _two_formats() -> list[list[str]]:
    rows = export(200)
    for i, row in enumerate(rows[1:]):
        if i % 2:
            year, month, day = row[8].split("-")
            row[8] = f"{day}/{month}/{year}"
    return rows


def _without(column: int) -> list[list[str]]:
    return [row[:column] + row[column + 1 :] for row in export(200)]


BAD_HISTORIES: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "an empty file": (b"", ("history.csv", "empty")),
    "a header alone": (_csv(export(200)[:1]), ("history.csv",)),
    "a broken encoding": (
        _csv(export(50)) + b"D9,\xff\xfe\x81,North\n" + "北京".encode() + b"\x80\xff\n",
        ("history.csv",),
    ),
    "dates in two formats": (_csv(_two_formats()), ("Created On", "formats", "2024-03-31")),
    "no date of creation": (_csv(_without(8)), ("history.csv", "created")),
    "no status": (_csv(_without(6)), ("history.csv", "status")),
    "a log without times": (_csv([row[:2] + row[3:] for row in log(50)]), ("history.csv",)),
    "a picture": (bytes(range(256)) * 64, ("history.csv",)),
    "a plan": (PLAN.encode(), ("history.csv",)),
}


@pytest.mark.parametrize("what", BAD_HISTORIES)
def test_a_history_that_is_refused(attain: Attain, tmp_path: Path, what: str) -> None:
    content, needles = BAD_HISTORIES[what]
    history = tmp_path / "history.csv"
    history.write_bytes(content)
    clear(attain("calibrate", history, "--out", tmp_path / "plan.yaml"), 1, *needles)
    document = attain("calibrate", history, "--out", tmp_path / "plan.yaml", "--json")
    assert document.code == 1
    assert document.document["error"]
    assert files(tmp_path) == {"history.csv"}


def test_places_that_hold_no_history(attain: Attain, tmp_path: Path) -> None:
    out = tmp_path / "plan.yaml"
    (tmp_path / "empty").mkdir()
    (tmp_path / "fine.csv").write_bytes(_csv(export(200)))
    clear(attain("calibrate", tmp_path / "none.csv", "--out", out), 1, "none.csv")
    clear(attain("calibrate", tmp_path / "empty", "--out", out), 1, "empty")
    clear(attain("calibrate", tmp_path / "fine.csv", "--out", tmp_path / "empty"), 1, "is a folder")
    clear(attain("calibrate", tmp_path / "fine.csv", "--out", out, "--goal", "a lot"), 1, "+10%", "5000万")
    clear(attain("calibrate", tmp_path / "fine.csv", "--out", out, "--as-of", "31.3.2024"), 2, "--as-of", "2026-06-30")
    clear(attain("calibrate", tmp_path / "fine.csv", "--out", out, "--mapping", tmp_path / "m.yaml"), 1, "m.yaml")
    assert files(tmp_path) == {"empty", "fine.csv"}


# --- places to write to ---------------------------------------------------------------------------------------------


def test_an_out_that_is_taken(attain: Attain, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN, encoding="utf-8")
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("mine", encoding="utf-8")
    before = files(tmp_path)
    quick = ("-n", "8", "--jobs", "1")
    clear(attain("simulate", plan, *quick, "--out", tmp_path / "letters"), 1, "letters is not empty", "another")
    clear(attain("simulate", plan, *quick, "--out", plan), 1, "plan.yaml is a file", "folder")
    clear(attain("simulate", plan, *quick, "--out", plan / "run"), 1, "plan.yaml")
    clear(attain("new", plan), 1, "is there already", "--force")
    clear(attain("new", plan / "deep" / "new.yaml"), 1, "is a file")
    clear(attain("optimise", plan, "--out", tmp_path / "letters"), 1, "is a folder")
    clear(attain("optimise", plan, "--out", plan), 2, "the plan itself")
    clear(attain("report", tmp_path / "letters"), 1, "is not a run", "attain simulate PLAN --out DIR")
    clear(attain("report", tmp_path / "none"), 1, "none", "attain simulate PLAN --out DIR")
    assert files(tmp_path) == before
    assert plan.read_text(encoding="utf-8") == PLAN


def test_a_run_of_another_plan_or_seed_is_not_mixed_up(attain: Attain, tmp_path: Path) -> None:
    plan, run = tmp_path / "plan.yaml", tmp_path / "run"
    plan.write_text(PLAN, encoding="utf-8")
    quick = ("-n", "8", "--jobs", "1", "--out", run)
    assert attain("simulate", plan, *quick, "--seed", "1").code == 0
    before = files(tmp_path)
    clear(attain("simulate", plan, *quick, "--seed", "2"), 1, "seed 1, not 2", "another folder")
    clear(attain("simulate", plan, *quick, "--set", "stages.lead.advance=0.6"), 1, "another plan", "another folder")
    assert files(tmp_path) == before


@pytest.mark.skipif(os.name != "posix" or not hasattr(os, "geteuid"), reason="permissions as POSIX has them")
def test_a_place_that_may_not_be_written(attain: Attain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, locked = tmp_path / "plan.yaml", tmp_path / "locked"
    plan.write_text(PLAN + BUDGET, encoding="utf-8")
    locked.mkdir()
    if os.geteuid() == 0:  # root may write anywhere: let the system's answer be another's
        monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != locked)
    locked.chmod(0o500)
    clear(attain("optimise", plan, "--out", locked / "new.yaml"), 1, "may not be written")
    clear(attain("new", locked / "new.yaml"), 1, "may not be written")
    clear(attain("calibrate", plan, "--out", locked / "new.yaml"), 1, "may not be written")
    locked.chmod(0o700)
    assert files(locked) == set()


# --- usage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "needles"),
    [
        (("simulat", "PLAN"), ("simulat",)),
        (("simulate",), ("PLAN",)),
        (("simulate", "PLAN", "--sed", "1"), ("--sed",)),
        (("simulate", "PLAN", "-n", "0"), ("-n", "1")),
        (("simulate", "PLAN", "-n", "-5"), ("-n",)),
        (("simulate", "PLAN", "-n", "many"), ("-n", "integer")),
        (("simulate", "PLAN", "-n", "99999999999"), ("-n", "10000000")),
        (("simulate", "PLAN", "--seed", "-1"), ("--seed", "0 to 2^64 - 1", "-1")),
        (("simulate", "PLAN", "--seed", str(2**64)), ("--seed", "0 to 2^64 - 1")),
        (("simulate", "PLAN", "--seed", "x"), ("--seed", "integer")),
        (("simulate", "PLAN", "--jobs", "0"), ("--jobs",)),
        (("simulate", "PLAN", "--precision", "nan"), ("--precision", "0.0005 to 0.5")),
        (("simulate", "PLAN", "--precision", "7"), ("--precision", "0.0005 to 0.5")),
        (("simulate", "PLAN", "--precision", "-1"), ("--precision", "0.0005 to 0.5")),
        (("simulate", "PLAN", "--precision", "fine"), ("--precision", "number")),
        (("simulate", "PLAN", "--engine", "warp"), ("--engine", "simpy")),
        (("simulate", "PLAN", "--language", "fr"), ("--language", "zh")),
        (("compare", "PLAN"), ("two plans",)),
        (("optimise", "PLAN", "--effort", "0"), ("--effort",)),
        (("replay", "PLAN", "--replication", "-1"), ("--replication",)),
        (("calibrate", "PLAN"), ("--out",)),
    ],
)
def test_usage(attain: Attain, tmp_path: Path, arguments: tuple[str, ...], needles: tuple[str, ...]) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN, encoding="utf-8")
    clear(attain(*(plan if a == "PLAN" else a for a in arguments)), 2, *needles)
    assert files(tmp_path) == {"plan.yaml"}


# --- faults of the program ------------------------------------------------------------------------------------------


def test_a_fault_says_so_and_shows_itself_when_asked(
    attain: Attain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("operands could not be broadcast together")

    monkeypatch.setattr(runs, "print_json", broken)
    monkeypatch.delenv("ATTAIN_TRACEBACK", raising=False)
    (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")
    arguments = ("replay", tmp_path / "plan.yaml", "--json")
    said = attain(*arguments)
    assert said.code == 70
    assert "A fault in attain: ValueError: operands" in said.document["error"]
    assert "ATTAIN_TRACEBACK=1" in said.document["error"]
    assert said.err == ""
    monkeypatch.setenv("ATTAIN_TRACEBACK", "1")
    shown = attain(*arguments)
    assert shown.code == 70
    assert "Traceback" in shown.err


def test_a_refusal_seen_from_another_process(tmp_path: Path) -> None:
    (tmp_path / "计划.yaml").write_text(PLAN.replace("advance: 0.5", "advance: 1.2"), encoding="utf-8")
    said = outside("simulate", "计划.yaml", "--out", "run", cwd=tmp_path, LANG="C", LC_ALL="C")
    clear(said, 1, "stages.lead.advance", "1.2")
    assert files(tmp_path) == {"计划.yaml"}
