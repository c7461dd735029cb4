"""Whole-plan checks."""

from __future__ import annotations

from engine.plan.names import Names
from engine.plan.types import Plan, PlanFiles
from engine.problems import Problem


def check(plan: Plan, files: PlanFiles, names: Names, unread: frozenset[str], *, files_read: bool) -> list[Problem]:
    return []
