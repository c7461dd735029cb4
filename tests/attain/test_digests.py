"""One seed, one result: the digest of a run hangs on the plan, the seed and the phase, and on nothing else.

Not on workers, chunks, interruptions or precision; the run store is in the loop, since that is what continues runs.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attain.results import Results
from attain.simulate import read_run, simulate
from engine.batch import Simulator
from engine.montecarlo import Progress
from engine.plan.load import load_plan
from engine.world import build

PLAN = """\
attain: 1
name: Digests
currency: CNY
horizon: {start: 2026-01-01, end: 2026-03-31}
calendar: {days: 60, hours_per_day: 8}
goals:
  company: {metric: bookings, at_least: 700}
  monthly: {metric: deals_won, at_least: 1, every: month}
stages:
  - {name: visit, work: {exponential: {mean: 6 h}}, wait: {exponential: {mean: 4 d}}, advance: {wins: 6, of: 9},
     stale_after: 20 d}
  - {name: bid, work: 3 h, wait: 5 d, advance: 0.6}
products: {A: {deal_value: {lognormal: {mean: 100, cv: 0.6}}}}
regions: {North: {}, East: {}}
customers: {}
reps: [{name: Li, quota: 400}, {name: 张伟, quota: 300}]
sources: {web: {leads_per_month: 8}}
economy: {sd: 0.2, persistence: 0.5}
"""
N = 90


def run(plan: Path, **settings: Any) -> Results:
    return simulate(plan, **({"n": N, "seed": 0, "jobs": 1} | settings))


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("digests") / "plan.yaml"
    path.write_text(PLAN, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def digest(plan: Path) -> str:
    """Without driver, store or chunks: SHA-256 over the replications' hashes in order."""
    batch = Simulator(build(load_plan(plan)), 0)(0, N)
    return hashlib.sha256(b"".join(batch.hashes)).hexdigest()


@pytest.mark.usefixtures("workers_at_once")
def test_workers_and_chunks_say_nothing(plan: Path, digest: str) -> None:
    for settings in (
        {"jobs": 1},
        {"jobs": 1, "chunk": 7},
        {"jobs": 2},
        {"jobs": 2, "chunk": 1},
        {"jobs": 2, "chunk": 64},
    ):
        assert run(plan, **settings).digest == digest, settings


@pytest.mark.usefixtures("workers_at_once")
def test_seeds_and_phases_do(plan: Path, digest: str) -> None:
    digests = [
        run(plan, **settings).digest for settings in ({"seed": 1}, {"phase": 1}, {"seed": 2**64 - 1}, {"n": N - 1})
    ]
    assert len({digest, *digests}) == 5
    assert run(plan, seed=1).digest == digests[0]
    assert run(plan, phase=1, jobs=2).digest == digests[1]


def test_a_seed_that_is_not_given_is_told_and_repeats(plan: Path) -> None:
    one, other = simulate(plan, n=5, jobs=1), simulate(plan, n=5, jobs=1)
    assert one.seed != other.seed
    assert one.digest != other.digest
    assert run(plan, n=5, seed=one.seed).digest == one.digest


def test_what_is_kept_says_nothing(plan: Path, digest: str) -> None:
    for keep in ("goals", "cells", "log"):
        assert run(plan, keep=keep).digest == digest


@pytest.mark.usefixtures("workers_at_once")
@pytest.mark.parametrize("after", [1, 2, 5])
def test_interrupted_and_continued_runs_end_alike(plan: Path, digest: str, tmp_path: Path, after: int) -> None:
    """Broken off by Ctrl-C after some chunks, continued with other chunks and workers, read back from the folder."""
    seen = 0

    def press(_: Progress) -> None:
        nonlocal seen
        seen += 1
        if seen == after:
            raise KeyboardInterrupt

    try:
        partial = run(plan, chunk=8, out=tmp_path / "run", on_progress=press)
    except KeyboardInterrupt:
        partial = read_run(tmp_path / "run")
    assert 0 < partial.n < N
    batch = Simulator(build(load_plan(plan)), 0)(0, partial.n)
    assert partial.digest == hashlib.sha256(b"".join(batch.hashes)).hexdigest()
    assert np.array_equal(partial.legs, batch.legs)

    whole = run(plan, chunk=13, jobs=2, out=tmp_path / "run")
    assert (whole.n, whole.digest) == (N, digest)
    again = read_run(tmp_path / "run")
    assert (again.n, again.digest) == (N, digest)
    assert np.array_equal(again.legs, whole.legs)
    assert np.array_equal(again.flow, whole.flow)


@pytest.mark.usefixtures("workers_at_once")
def test_extended_runs_are_the_longer_run(plan: Path, digest: str, tmp_path: Path) -> None:
    run(plan, n=31, out=tmp_path / "run")
    assert run(plan, out=tmp_path / "run", jobs=2).digest == digest


@pytest.mark.usefixtures("workers_at_once")
def test_precision_stops_at_the_same_look_whatever_the_chunks(plan: Path, tmp_path: Path) -> None:
    """And equals the run of that many replications; broken off and continued, too."""
    wide = {"n": 2_000, "precision": 0.055}
    first = run(plan, **wide)
    assert 256 <= first.n < 2_000
    for settings in ({"chunk": 100}, {"jobs": 2, "chunk": 19}):
        other = run(plan, **wide, **settings)
        assert (other.n, other.digest) == (first.n, first.digest), settings
    assert run(plan, n=first.n).digest == first.digest

    seen = 0

    def press(_: Progress) -> None:
        nonlocal seen
        seen += 1
        if seen == 3:
            raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        run(plan, **wide, chunk=40, out=tmp_path / "run", on_progress=press)
    assert read_run(tmp_path / "run").n < first.n
    continued = run(plan, **wide, jobs=2, out=tmp_path / "run")
    assert (continued.n, continued.digest) == (first.n, first.digest)
