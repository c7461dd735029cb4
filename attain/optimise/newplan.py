"""The new plan as a file: the author's own document with the moved numbers in place, comments and order kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from attain.optimise.decisions import APPENDED, REMOVED, Edit
from engine.plan.document import append_value, apply_set, parse_document, remove_value, set_value, write_document
from engine.plan.types import LoadedPlan
from engine.problems import PlanRefused, Problem


def files_of(loaded: LoadedPlan) -> list[str]:
    """The files that a plan names, beside it."""
    plan = loaded.plan
    named = [part.file for part in (plan.accounts, plan.pipeline, plan.actuals) if part is not None]
    if plan.decide is not None and plan.decide.reference is not None:
        named.append(plan.decide.reference)
    named += [key.rpartition(":")[0] for key in loaded.files.columns]
    return sorted({name for name in named if name})


def _bring(file: Path, target: Path) -> None:
    """Copy a plan's file beside the new plan. Raises PlanRefused where another file of that name is there."""
    content = file.read_bytes()
    if target.exists():
        if target.read_bytes() != content:
            expected = f"a folder without another file of this name, or the same as {file}: choose another --out"
            raise PlanRefused([Problem("--out", str(target), expected)])
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.part")
    partial.write_bytes(content)
    partial.replace(target)


def write_new_plan(
    loaded: LoadedPlan, edits: Sequence[Edit], out: Path, source: Path | None, sets: Sequence[str] = ()
) -> Path:
    """Write the plan with `edits` made, whole or not at all; the files it names go with it to another folder."""
    document = parse_document(loaded.text)
    for setting in sets:
        apply_set(document, setting)
    for path, value in edits:
        if value is REMOVED:
            remove_value(document, path)
        elif path[-1] == APPENDED:
            append_value(document, path[:-1], value)
        else:
            set_value(document, path, value)
    out.parent.mkdir(parents=True, exist_ok=True)
    if source is not None and source.parent.resolve() != out.parent.resolve():
        for name in files_of(loaded):
            _bring(source.parent / name, out.parent / name)
    write_document(document, out, like=loaded.text)
    return out
