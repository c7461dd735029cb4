"""The new plan as a file: the author's own document with the moved numbers in place, comments and order kept."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from attain.optimise.decisions import Edit
from engine.plan.document import apply_set, parse_document, set_value, write_document
from engine.plan.types import LoadedPlan


def files_of(loaded: LoadedPlan) -> list[str]:
    """The files that a plan names, beside it."""
    plan = loaded.plan
    named = [part.file for part in (plan.accounts, plan.pipeline, plan.actuals) if part is not None]
    if plan.decide is not None and plan.decide.reference is not None:
        named.append(plan.decide.reference)
    named += [key.rpartition(":")[0] for key in loaded.files.columns]
    return sorted({name for name in named if name})


def write_new_plan(
    loaded: LoadedPlan, edits: Sequence[Edit], out: Path, source: Path | None, sets: Sequence[str] = ()
) -> Path:
    """Write the plan with `edits` made, whole or not at all; the files it names go with it to another folder."""
    document = parse_document(loaded.text)
    for setting in sets:
        apply_set(document, setting)
    for path, value in edits:
        set_value(document, path, value)
    out.parent.mkdir(parents=True, exist_ok=True)
    if source is not None and source.parent.resolve() != out.parent.resolve():
        for name in files_of(loaded):
            target = out.parent / name
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source.parent / name, target)
    write_document(document, out, like=loaded.text)
    return out
