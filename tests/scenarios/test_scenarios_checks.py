"""What `attain check` says of the built-in plans: no errors, but for a plan whose note says that it is meant so."""

from __future__ import annotations

import pytest

import scenarios
from engine.plan.findings import findings
from engine.plan.load import load_plan


@pytest.mark.parametrize("name", scenarios.names())
def test_no_errors_but_those_that_are_meant(name: str) -> None:
    loaded = load_plan(scenarios.path(name))
    errors = [finding for finding in findings(loaded) if finding.severity == "error"]
    note = " ".join((loaded.plan.note or "").split())
    if "It is meant to be overloaded" in note:
        assert {error.criterion for error in errors} == {"hours"}
        assert all(error.path.removeprefix("reps.") in note for error in errors)
    else:
        assert errors == []
