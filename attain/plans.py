"""Finding the plan that a person means: a file, or a built-in scenario's name; varied by `--set`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import scenarios
from engine.plan.load import load_plan
from engine.plan.types import LoadedPlan
from engine.problems import PlanRefused, Problem


def find_plan(plan: str | os.PathLike[str]) -> Path:
    """The file of a plan: a path that exists, else a built-in scenario. Raises PlanRefused with the nearest name."""
    path = Path(plan)
    if path.is_file():
        return path
    name = os.fspath(plan)
    looks_like_path = path.suffix in (".yaml", ".yml") or os.sep in name
    if path.is_dir() or looks_like_path:
        what = "a folder" if path.is_dir() else "no such file"
        raise PlanRefused([Problem(name, what, "a plan file, or the name of a built-in plan (see `attain scenarios`)")])
    try:
        return scenarios.path(name)
    except scenarios.UnknownScenario as unknown:
        expected = "a plan file that exists, or the name of a built-in plan (see `attain scenarios`)"
        raise PlanRefused([Problem(name, "neither", expected, unknown.nearest)]) from None


def open_plan(plan: str | os.PathLike[str] | LoadedPlan, sets: Sequence[str] = ()) -> LoadedPlan:
    """Read, vary and check a plan. Raises PlanRefused with everything that is wrong with it."""
    if isinstance(plan, LoadedPlan):
        return plan
    return load_plan(find_plan(plan), sets=sets)
