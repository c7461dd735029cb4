"""The arrows between packages, and how large a file may grow, as CONTRIBUTING.md states them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = {"attain", "engine", "solvers", "scenarios"}
MAY_IMPORT = {"attain": OURS, "engine": {"engine"}, "solvers": {"solvers"}, "scenarios": {"scenarios"}}
SCREENS = {"rich", "typer", "click"}
LONGEST = 500
SOURCES = sorted(path for package in [*OURS, "tests", "benchmarks"] for path in (ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """The top-level packages that a file imports anywhere, functions included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", sorted(OURS))
def test_arrows_run_one_way(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        found = imported(path)
        where = path.relative_to(ROOT)
        assert found & OURS <= MAY_IMPORT[package], f"{where} imports {found & OURS - MAY_IMPORT[package]}"
        if package != "attain":
            assert not found & SCREENS, f"{where} imports {found & SCREENS}"


def test_no_file_outgrows_one_sitting() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert lengths
    assert {str(path.relative_to(ROOT)): n for path, n in lengths.items() if n > LONGEST} == {}
