"""Settings for every test: property tests repeat exactly, and look further in `make verify`."""

from __future__ import annotations

import gc

import pytest
from hypothesis import HealthCheck, settings

# Compiling on a first call takes seconds, so neither a deadline nor "too slow" says anything here.
settings.register_profile(
    "repeatable", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], max_examples=60
)
settings.register_profile("explore", settings.get_profile("repeatable"), derandomize=False, max_examples=500)
settings.load_profile("repeatable")


@pytest.fixture
def workers_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker processes compute from the first replication on, however small the run: for tests of what they do."""
    monkeypatch.setattr("engine.workers.ALONE", 0.0)


def pytest_sessionfinish() -> None:
    """What the command line froze is garbage again, or DuckDB complains in the end of what is left of it."""
    gc.unfreeze()
