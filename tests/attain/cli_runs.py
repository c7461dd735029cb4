"""What the command line's tests share: tiny plans, and the command line in this process or another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from attain.cli import main

ROOT = Path(__file__).resolve().parents[2]

# Open (no work), two reps, one source with a budget that answers: fast, and every verb has something to do.
PLAN = """\
attain: 1
name: 小计划 [bold]Tiny[/bold]
currency: CNY
horizon: {start: 2026-01-01, end: 2026-03-31}
calendar: {days: 60}
goals:
  company: {metric: bookings, at_least: 100万}
  deals: {metric: deals_won, at_least: 8}
  everyone: {all_of: quotas}
stages:
  - {name: lead, work: 0 h, wait: 2 d, advance: 0.5}
  - {name: 签约, work: 0 h, wait: 3 d, advance: {wins: 20, of: 40}, won: true}
products: {ERP: {deal_value: {lognormal: {mean: 10万, cv: 0.5}}}}
regions: {华北: {}, 华东: {}}
reps:
  - {name: 张伟, region: 华北, quota: 50万}
  - {name: Ann, region: 华东, quota: 50万}
sources:
  inbound: {leads_per_month: 12, mix: {华北: {ERP: 1}, 华东: {ERP: 1}}}
"""
BUDGET = """\
  events:
    budget: {华北: 20_000, 华东: 10_000}
    response: {hill: {most_leads_per_month: 6, half_at: 5_000, shape: 1.0}}
    mix: {华北: {ERP: 1}, 华东: {ERP: 1}}
decide:
  budget: {total: 30_000, step: 10_000}
"""


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as one strict JSON document."""

        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} is no JSON")

        return json.loads(self.out, parse_constant=refuse)


class Attain:
    """The command line in this process: quick, with what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: str | Path) -> Said:
        self.capsys.readouterr()
        code = 0
        try:
            main([str(a) for a in arguments])
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        printed = self.capsys.readouterr()
        return Said(code, printed.out, printed.err)


def command(arguments: Sequence[str | Path]) -> list[str]:
    """The command line as another process runs it."""
    return [sys.executable, "-m", "attain", *(str(a) for a in arguments)]


def surroundings(**changes: str | None) -> dict[str, str]:
    """The environment of such a process; None takes a variable away."""
    found = {**os.environ, "PYTHONPATH": str(ROOT)}
    for name, value in changes.items():
        found.pop(name, None)
        if value is not None:
            found[name] = value
    return found


def outside(*arguments: str | Path, cwd: Path, **changes: str | None) -> Said:
    """The command line in another process."""
    done = subprocess.run(
        command(arguments), cwd=cwd, env=surroundings(**changes), capture_output=True, timeout=300, check=False
    )
    return Said(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"))


def files(folder: Path) -> set[str]:
    """Everything below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
